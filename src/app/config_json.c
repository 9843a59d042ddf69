/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"
#include <ctype.h>
#include <jansson.h>

static bool is_number(const char *text)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
		return false;
	(void)!strtod(text, &end);

	return *end == '\0' && !(text[0] == '0' && isdigit((unsigned char)text[1]));
}

static json_t *scalar(struct schema_reader *r, const struct yaml_node *n)
{
	const char *text = schema_text(r, n, n->key ? n->key : "value");
	json_t *value = NULL;

	if (!text)
		return json_null();
	if (n->is_quoted || strstr(n->text, "${"))
		value = json_string(text);
	else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		value = json_boolean(text[0] == 't');
	else if (strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
		value = json_null();
	else if (is_number(text))
		value = json_loads(text, JSON_DECODE_ANY, NULL);
	else
		value = json_string(text);
	if (!value)
		schema_error(r, n->line, "%s: \"%.40s\" is neither a text in UTF-8 nor a number", n->key ? n->key : "value", text);

	return value ? value : json_null();
}

/* As deep as YAML may be (yaml/tree.h). */
static json_t *any(struct schema_reader *r, const struct yaml_node *n)
{
	json_t *value;

	if (n->kind == YAML_SCALAR)
		return scalar(r, n);
	value = n->kind == YAML_MAP ? json_object() : json_array();
	for (const struct yaml_node *c = n->first; c; c = c->next)
		if (n->kind == YAML_MAP)
			json_object_set_new(value, c->key, any(r, c));
		else
			json_array_append_new(value, any(r, c));

	return value;
}

const char *config_yaml_json(struct schema_reader *r, const struct yaml_node *node)
{
	json_t *value = any(r, node);
	char *text = json_dumps(value, JSON_COMPACT);
	const char *kept = text ? arena_strdup(r->arena, span_z(text)) : NULL;

	free(text);
	json_decref(value);

	return kept;
}
