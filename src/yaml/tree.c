/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml/tree.h"
#include <yaml.h>

#define MAX_DEPTH 16

struct reader {
	struct arena *arena;
	yaml_parser_t parser;
	int line; /* of the fault */
	const char *why;
	uint32_t nodes;
};

static int fault(struct reader *r, int line, const char *why)
{
	r->line = line;
	r->why = why;

	return -TR_ECONFIG;
}

static int next_event(struct reader *r, yaml_event_t *ret)
{
	if (yaml_parser_parse(&r->parser, ret))
		return 0;

	const char *problem = r->parser.problem ? r->parser.problem : "not valid YAML";

	return fault(r, (int)r->parser.problem_mark.line + 1,
		strstr(problem, "cannot start any token") ? "a tab or special character where YAML wants spaces" :
							    arena_format(r->arena, "%s", problem));
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind, const yaml_event_t *ev)
{
	struct yaml_node *n = arena_alloc(r->arena, sizeof(*n));

	n->kind = kind;
	n->line = (int)ev->start_mark.line + 1;

	return n;
}

static int read_children(struct reader *r, struct yaml_node *parent, int depth);

/* The node that begins with ev; ev is consumed. */
static int read_node(struct reader *r, yaml_event_t *ev, int depth, struct yaml_node **ret)
{
	int err = 0;
	int line = (int)ev->start_mark.line + 1;

	if (depth > MAX_DEPTH)
		err = fault(r, line, "nested too deeply");
	else if (++r->nodes > LIMIT_CONFIG_NODES)
		err = fault(r, line, "too many entries");
	else if (ev->type == YAML_ALIAS_EVENT)
		err = fault(r, line, "aliases (*name) are not supported: write the value out");
	else if (ev->type == YAML_SCALAR_EVENT) {
		struct yaml_node *n = new_node(r, YAML_SCALAR, ev);

		n->text = arena_strdup(r->arena, span((const char *)ev->data.scalar.value, ev->data.scalar.length));
		n->is_quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		*ret = n;
		if (strlen(n->text) != ev->data.scalar.length)
			err = fault(r, line, "a NUL character in a value");
	} else {
		*ret = new_node(r, ev->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST, ev);
		err = read_children(r, *ret, depth + 1);
	}
	yaml_event_delete(ev);

	return err;
}

static int read_key(struct reader *r, yaml_event_t *ev, const struct yaml_node *map, const char **ret)
{
	int line = (int)ev->start_mark.line + 1;

	if (ev->type != YAML_SCALAR_EVENT) {
		yaml_event_delete(ev);
		return fault(r, line, "a key must be a plain word");
	}
	*ret = arena_strdup(r->arena, span_z((const char *)ev->data.scalar.value));
	yaml_event_delete(ev);

	const struct yaml_node *twin = yaml_get(map, *ret);

	return twin ? fault(r, line, arena_format(r->arena, "\"%s\" is given twice (first in line %d)", *ret, twin->key_line)) :
		      0;
}

static int read_children(struct reader *r, struct yaml_node *parent, int depth)
{
	struct yaml_node **at = &parent->first;

	for (;;) {
		yaml_event_t ev;
		const char *key = NULL;
		int err = next_event(r, &ev);

		if (err)
			return err;
		if (ev.type == YAML_MAPPING_END_EVENT || ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}

		int key_line = (int)ev.start_mark.line + 1;

		if (parent->kind == YAML_MAP) {
			err = read_key(r, &ev, parent, &key);
			if (!err)
				err = next_event(r, &ev);
			if (err)
				return err;
		}

		struct yaml_node *child = NULL;

		err = read_node(r, &ev, depth, &child);
		if (err)
			return err;
		child->key = key;
		child->key_line = key_line;
		*at = child;
		at = &child->next;
	}
}

static int read_document(struct reader *r, struct yaml_node **ret)
{
	struct yaml_node *root = NULL;

	for (;;) {
		yaml_event_t ev;
		int err = next_event(r, &ev);

		if (err)
			return err;

		yaml_event_type_t type = ev.type;

		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
			type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT) {
			int line = (int)ev.start_mark.line + 1;

			yaml_event_delete(&ev);
			if (type == YAML_STREAM_END_EVENT)
				break;
			if (type == YAML_DOCUMENT_START_EVENT && root)
				return fault(r, line, "a second document (---) in one file");
			continue;
		}
		err = read_node(r, &ev, 0, &root);
		if (err)
			return err;
	}
	if (!root || (root->kind == YAML_SCALAR && !root->text[0]))
		root = arena_alloc(r->arena, sizeof(*root)), root->kind = YAML_MAP, root->line = 1;
	*ret = root;

	return 0;
}

int yaml_parse(struct arena *arena, struct span text, struct yaml_node **ret, int *ret_line, const char **ret_why)
{
	struct reader r = {.arena = arena};

	if (text.n > LIMIT_CONFIG_BYTES) {
		*ret_line = 1;
		*ret_why = "the file is larger than 4 MB";
		return -TR_ETOOBIG;
	}
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;

	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);

	int err = read_document(&r, ret);

	yaml_parser_delete(&r.parser);
	if (err) {
		*ret_line = r.line;
		*ret_why = r.why;
	}

	return err;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	for (const struct yaml_node *n = map->first; n; n = n->next)
		if (n->key && strcmp(n->key, key) == 0)
			return n;

	return NULL;
}
