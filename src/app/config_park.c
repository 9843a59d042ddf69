/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* The car park: see call/park.h. */

/* "701-720" or "701" */
static void read_slots(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;
	struct call_park_plan *park = &c->park;
	const char *text = schema_text(r, node, f->key);
	struct span last = span_z(text ? text : ""), first = span_cut(&last, '-');

	c->park_file_line = node->line;
	if (!text)
		return;
	if (!span_u32(span_trim(first), &park->first) || (last.p && !span_u32(span_trim(last), &park->last)) || !park->first) {
		schema_error(r, node->line, "slots: \"%.40s\" is no range of numbers (such as 701-720)", text);
		park->first = 0;
		return;
	}
	if (!last.p)
		park->last = park->first;
	if (park->last < park->first || park->last - park->first >= LIMIT_CALL_PARKED)
		schema_error(r, node->line, "slots: the second number is not below the first, and there are at most %d", LIMIT_CALL_PARKED);
}

static void read_targets(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct call_park_plan *park = dst;

	config_read_bounded(r, f, node, (struct config_texts){park->targets, LIMIT_CALL_XFER_TARGETS, &park->target_count});
}

const struct field config_park_fields[] = {
	{"slots", read_slots, 0, .is_required = true},
	{"lines", config_read_texts, AT(struct config, park_lines)},
	{"timeout_s", schema_u32, AT(struct config, park.timeout_s), .min = 1, .max = 86400},
	{"fallback", read_targets, AT(struct config, park)},
	{0},
};

void config_check_park(struct schema_reader *r, const struct config *c)
{
	for (const char *const *name = c->park_lines; name && *name; name++)
		if (config_line_find(c, *name) < 0)
			schema_error(r, c->park_file_line, "park: there is no line %s", *name);
}
