/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* The lines of a configuration. */

static void read_cidrs(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_config *line = (struct line_config *)(void *)((char *)dst - AT(struct line_config, allow));

	if (!config_want_list(r, f, node))
		return;
	line->allow = arena_alloc(r->arena, config_count(node) * sizeof(*line->allow));
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *text = schema_text(r, c, f->key);

		if (text && line_cidr_parse(span_z(text), &line->allow[line->allow_count]))
			line->allow_count++;
		else if (text)
			schema_error(r, c->line, "%s: \"%.60s\" is not an IP address or block (such as 192.0.2.7 or 10.0.0.0/8)", f->key,
				text);
	}
}

static const char *const codec_names[] = {"opus", "g722", "pcmu", "pcma", NULL};

static void read_codecs(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char **codecs = dst;
	size_t n = 0;

	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const struct field one = {.key = f->key, .choices = codec_names};
		int index = -1;

		schema_enum(r, &one, c, &index);
		if (index >= 0 && n < LINE_CODECS)
			codecs[n++] = codec_names[index];
	}
}

static const char *const kind_names[] = {"extension", "trunk", "local", NULL};
static const char *const preset_names[] = {"freepbx", "asterisk", "yeastar", "3cx", "fritzbox", "generic", NULL};
static const char *const transport_names[] = {"udp", "tcp", NULL};

static const struct field line_fields[] = {
	{"name", schema_str, AT(struct line_config, name), .is_required = true},
	{"kind", schema_enum, AT(struct line_config, kind), .choices = kind_names},
	{"preset", config_read_name, AT(struct line_config, preset), .choices = preset_names},
	{"server", schema_str, AT(struct line_config, server)},
	{"domain", schema_str, AT(struct line_config, domain)},
	{"extension", schema_str, AT(struct line_config, extension)},
	{"auth_id", schema_str, AT(struct line_config, auth_id)},
	{"password", schema_secret, AT(struct line_config, password)},
	{"display_name", schema_str, AT(struct line_config, display_name)},
	{"outbound_proxy", schema_str, AT(struct line_config, outbound_proxy)},
	{"user_agent", schema_str, AT(struct line_config, user_agent)},
	{"transport", schema_enum, AT(struct line_config, transport), .choices = transport_names},
	{"register", schema_bool, AT(struct line_config, does_register)},
	{"expires_s", schema_u32, AT(struct line_config, expires_s), .min = 30, .max = 86400},
	{"keepalive_s", schema_u32, AT(struct line_config, keepalive_s), .min = 0, .max = 3600},
	{"keepalive_options", schema_bool, AT(struct line_config, keepalive_options)},
	{"codecs", read_codecs, AT(struct line_config, codecs)},
	{"allow", read_cidrs, AT(struct line_config, allow)},
	{0},
};

static void default_line(struct line_config *line, const struct yaml_node *node)
{
	const struct yaml_node *preset = yaml_get(node, "preset"), *kind = yaml_get(node, "kind");
	const struct line_preset *p = line_preset_find(preset && preset->kind == YAML_SCALAR ? preset->text : "generic");
	bool is_extension = !kind || (kind->kind == YAML_SCALAR && !strcmp(kind->text, "extension"));

	if (!p)
		p = line_preset_find("generic");
	*line = (struct line_config){.file_line = node->line, .does_register = is_extension, .expires_s = p->expires_s,
		.keepalive_s = p->keepalive_s, .keepalive_options = p->keepalive_options, .preset = p->name};
}

static void check_line(struct schema_reader *r, struct line_config *line)
{
	const char *name = line->name ? line->name : "?";

	if (line->kind == LINE_EXTENSION && !line->server)
		schema_error(r, line->file_line, "line %s: \"server\" is missing: the address of your phone system", name);
	if (line->kind == LINE_EXTENSION && !line->extension)
		schema_error(r, line->file_line, "line %s: \"extension\" is missing: the number your phone system gave it", name);
	if (line->does_register && line->kind != LINE_LOCAL && !line->password)
		schema_error(r, line->file_line,
			"line %s: \"password\" is missing: the extension's secret, best as ${file:PATH}", name);
	if (line->kind == LINE_TRUNK && !line->server && !line->allow_count)
		schema_error(r, line->file_line, "line %s: a trunk needs \"server\" or \"allow\" (the carrier's addresses)", name);
	if (line->kind == LINE_LOCAL && line->does_register)
		schema_error(r, line->file_line, "line %s: a local line cannot register: remove \"register\"", name);
	if (line->kind == LINE_LOCAL && !line->allow_count) {
		line->allow = arena_alloc(r->arena, sizeof(*line->allow) * 2);
		line->allow_count = line_cidr_parse(SPAN_LIT("127.0.0.0/8"), &line->allow[0]) +
			line_cidr_parse(SPAN_LIT("::1"), &line->allow[1]);
	}
}

void config_read_lines(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->lines = arena_alloc(r->arena, config_count(node) * sizeof(*c->lines));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct line_config *line = &c->lines[c->line_count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "lines: each entry has keys (- name: ...)");
			continue;
		}
		default_line(line, n);
		schema_read(r, line_fields, n, line);
		check_line(r, line);
		if (line->name && config_line_find(c, line->name) >= 0)
			schema_error(r, n->line, "line %s: a second line of this name", line->name);
		c->line_count++;
	}
}
