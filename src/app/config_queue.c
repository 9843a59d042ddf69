/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* Lines of waiting callers: see call/queue.h. */

static void read_members(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct call_queue_plan *q = dst;

	config_read_bounded(r, f, node, (struct config_texts){q->members, LIMIT_CALL_QUEUE_MEMBERS, &q->member_count});
}

static void read_fallback(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct call_queue_plan *q = dst;

	config_read_bounded(r, f, node, (struct config_texts){q->fallback, LIMIT_CALL_XFER_TARGETS, &q->fallback_count});
}

static const struct field queue_fields[] = {
	{"name", schema_str, AT(struct call_queue_plan, name), .is_required = true},
	{"members", read_members, 0, .is_required = true},
	{"fallback", read_fallback, 0},
	{"ring_s", schema_u32, AT(struct call_queue_plan, ring_s), .min = 3, .max = 300},
	{"rest_s", schema_u32, AT(struct call_queue_plan, rest_s), .min = 1, .max = 3600},
	{"max_wait_s", schema_u32, AT(struct call_queue_plan, max_wait_s), .min = 1, .max = 86400},
	{"max_callers", schema_u32, AT(struct call_queue_plan, max_callers), .min = 1, .max = LIMIT_CALL_QUEUED},
	{"announce_s", schema_u32, AT(struct call_queue_plan, announce_s), .min = 5, .max = 3600},
	{"announce", schema_str, AT(struct call_queue_plan, announce)},
	{0},
};

static void check(struct schema_reader *r, const struct config *c, const struct call_queue_plan *q, int line)
{
	if (q->name && strlen(q->name) >= 40)
		schema_error(r, line, "queues: the name is longer than 39 characters");
	for (size_t i = 0; q->name && i < c->queues.count; i++)
		if (c->queues.list[i].name && !strcmp(c->queues.list[i].name, q->name))
			schema_error(r, line, "queue %s: a second queue of this name", q->name);
	if (q->name && !q->member_count)
		schema_error(r, line, "queue %s: members: who is rung", q->name);
}

void config_read_queues(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct call_queue_plan *q = &c->queues.list[c->queues.count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "queues: each entry has keys (- name: ...)");
			continue;
		}
		if (c->queues.count == LIMIT_CALL_QUEUES) {
			schema_error(r, n->line, "queues: more than %d", LIMIT_CALL_QUEUES);
			return;
		}
		schema_read(r, queue_fields, n, q);
		check(r, c, q, n->line);
		c->queues.count++;
	}
}
