/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema.h"
#include "base/nearest.h"
#include <sys/stat.h>

void schema_error(struct schema_reader *r, int line, const char *fmt, ...)
{
	struct config_errors *e = r->errors;

	if (e->count < LIMIT_CONFIG_ERRORS) {
		struct config_error *slot = &e->list[e->count];
		va_list ap;

		slot->line = line;
		va_start(ap, fmt);
		vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
		va_end(ap);
	}
	e->count++;
}

static const char *read_secret_file(struct schema_reader *r, struct span path, const struct yaml_node *node, const char *what)
{
	const char *full = path.n && path.p[0] == '/' ? arena_strdup(r->arena, path) :
							arena_format(r->arena, "%s/%.*s", r->dir, SPAN_FMT(path));
	char text[4096];
	FILE *f = fopen(full, "re");

	if (!f) {
		schema_error(r, node->line, "%s: cannot read %s (%s): make the file, readable by this user, or write the value here",
			what, full, strerror(errno));
		return NULL;
	}

	size_t n = fread(text, 1, sizeof(text), f);

	fclose(f);
	if (n == sizeof(text)) {
		schema_error(r, node->line, "%s: %s is larger than 4 KB: it should hold the value only", what, full);
		return NULL;
	}

	return arena_strdup(r->arena, span_trim(span(text, n)));
}

const char *schema_text(struct schema_reader *r, const struct yaml_node *node, const char *what)
{
	if (node->kind != YAML_SCALAR) {
		schema_error(r, node->line, "%s: one value is wanted here, not a %s", what, node->kind == YAML_MAP ? "map" : "list");
		return NULL;
	}

	struct span t = span_z(node->text);

	if (!span_istarts(t, "${"))
		return node->text;
	if (t.p[t.n - 1] != '}') {
		schema_error(r, node->line, "%s: \"${\" without its closing \"}\"", what);
		return NULL;
	}

	struct span arg = span(t.p + 2, t.n - 3), source = span_cut(&arg, ':');

	if (span_eq_z(source, "file"))
		return read_secret_file(r, arg, node, what);
	if (span_eq_z(source, "env")) {
		const char *name = arena_strdup(r->arena, arg), *value = getenv(name);

		if (!value)
			schema_error(r, node->line, "%s: the environment has no %s: set it, or use ${file:PATH}", what, name);
		return value ? arena_strdup(r->arena, span_z(value)) : NULL;
	}
	schema_error(r, node->line, "%s: \"${%.*s:...}\" is not known: ${file:PATH} and ${env:NAME} are", what, SPAN_FMT(source));

	return NULL;
}

void schema_str(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);

	if (!text)
		return;
	if (strpbrk(text, "\r\n") && f->max != INT64_MAX)
		schema_error(r, node->line, "%s: must be one line", f->key);
	else if (!text[0] && f->is_required)
		schema_error(r, node->line, "%s: must not be empty", f->key);
	else
		*(const char **)dst = text[0] ? text : NULL;
}

void schema_text_or_empty(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);

	if (text && strpbrk(text, "\r\n"))
		schema_error(r, node->line, "%s: must be one line", f->key);
	else if (text)
		*(const char **)dst = text;
}

void schema_secret(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	schema_str(r, f, node, dst);
}

void schema_bool(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);

	if (!text)
		return;
	if (!strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "on"))
		*(bool *)dst = true;
	else if (!strcmp(text, "false") || !strcmp(text, "no") || !strcmp(text, "off"))
		*(bool *)dst = false;
	else
		schema_error(r, node->line, "%s: \"%.60s\" is neither true nor false", f->key, text);
}

void schema_u32(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);
	uint32_t v;

	if (!text)
		return;
	if (!span_u32(span_z(text), &v) || v < f->min || v > f->max)
		schema_error(r, node->line, "%s: \"%.60s\" is not a whole number from %" PRId64 " to %" PRId64, f->key, text, f->min,
			f->max);
	else
		*(uint32_t *)dst = v;
}

void schema_enum(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);
	char all[200] = "";
	size_t n = 0;

	if (!text)
		return;
	for (; f->choices[n]; n++) {
		size_t used = strlen(all);

		if (strcmp(f->choices[n], text) == 0) {
			*(int *)dst = (int)n;
			return;
		}
		snprintf(all + used, sizeof(all) - used, "%s%s", n ? ", " : "", f->choices[n]);
	}

	const char *near_one = nearest_word(text, f->choices, n);

	schema_error(r, node->line, "%s: \"%.60s\" is not one of: %s%s%s%s", f->key, text, all, near_one ? " (did you mean " : "",
		near_one ? near_one : "", near_one ? "?)" : "");
}

void schema_map(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	if (node->kind != YAML_MAP)
		schema_error(r, node->line, "%s: keys and values are wanted here (%s: { ... })", f->key, f->key);
	else
		schema_read(r, f->fields, node, dst);
}

static void unknown_key(struct schema_reader *r, const struct field *fields, const struct yaml_node *node)
{
	const char *keys[64];
	char all[260] = "";
	size_t n = 0;

	for (; fields[n].key && n < ARRAY_LEN(keys); n++) {
		size_t used = strlen(all);

		keys[n] = fields[n].key;
		snprintf(all + used, sizeof(all) - used, "%s%s", n ? ", " : "", keys[n]);
	}

	const char *near_one = nearest_word(node->key, keys, n);

	if (near_one)
		schema_error(r, node->key_line, "\"%.60s\" is not a key here: did you mean \"%s\"?", node->key, near_one);
	else
		schema_error(r, node->key_line, "\"%.60s\" is not a key here; known are: %s", node->key, all);
}

void schema_read(struct schema_reader *r, const struct field *fields, const struct yaml_node *map, void *dst)
{
	for (const struct yaml_node *n = map->first; n; n = n->next) {
		const struct field *f = fields;

		while (f->key && strcmp(f->key, n->key) != 0)
			f++;
		if (!f->key)
			unknown_key(r, fields, n);
		else
			f->read(r, f, n, (char *)dst + f->offset);
	}
	for (const struct field *f = fields; f->key; f++)
		if (f->is_required && !yaml_get(map, f->key))
			schema_error(r, map->line, "\"%s\" is missing", f->key);
}
