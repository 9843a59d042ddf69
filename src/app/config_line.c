/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"
#include "line/preset.h"

/* The lines of a configuration. */

static void read_cidrs(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_config *line = (struct line_config *)(void *)((char *)dst - AT(struct line_config, allow));

	if (!config_want_list(r, f, node))
		return;
	line->allow_count = 0;
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
	memset(codecs, 0, LINE_CODECS * sizeof(*codecs));
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const struct field one = {.key = f->key, .choices = codec_names};
		int index = -1;

		schema_enum(r, &one, c, &index);
		if (index >= 0 && n < LINE_CODECS)
			codecs[n++] = codec_names[index];
	}
}

/* server: one or several; servers: the same, as people write it. */
static void read_servers(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_config *line = dst;
	const char *const *texts = NULL;

	config_read_texts(r, f, node, &texts);
	line->server_count = 0;
	for (size_t i = 0; texts && texts[i]; i++) {
		if (i == LIMIT_LINE_SERVERS) {
			schema_error(r, node->line, "%s: more than %d servers", f->key, LIMIT_LINE_SERVERS);
			return;
		}
		if (!texts[i][0] || strpbrk(texts[i], " \t/@<>\"") || strstr(texts[i], "sip:"))
			schema_error(r, node->line, "%s: \"%.60s\" is not host or host:port (such as pbx.example.com)", f->key, texts[i]);
		line->servers[line->server_count++] = texts[i];
	}
	line->server = line->servers[0];
}

static void read_register(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_config *line = dst;
	const char *text = schema_text(r, node, f->key);

	line->registers_everywhere = text && !strcmp(text, "all");
	if (line->registers_everywhere)
		line->does_register = true;
	else if (text)
		schema_bool(r, f, node, &line->does_register);
}

static const char *const place_names[] = {"from", "pai", "ppi", "rpid", NULL};

static void read_places(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	unsigned *places = dst;

	if (!config_want_list(r, f, node))
		return;
	*places = 0;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const struct field one = {.key = f->key, .choices = place_names};
		int index = -1;

		schema_enum(r, &one, c, &index);
		if (index >= 0)
			*places |= 1u << index;
	}
}

static void read_negated(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	bool is_on = !*(bool *)dst;

	schema_bool(r, f, node, &is_on);
	*(bool *)dst = !is_on;
}

static void read_full_status(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	static const char *const statuses[] = {"486", "503", NULL};
	const struct field one = {.key = f->key, .choices = statuses};
	int index = -1;

	schema_enum(r, &one, node, &index);
	if (index >= 0)
		*(uint16_t *)dst = index ? 503 : 486;
}

static void read_in(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct number_plan *plan = dst;
	int index = 0;

	schema_enum(r, f, node, &index);
	plan->is_plain_in = index == 1;
	plan->is_national_in = index == 2;
}

static const char *const kind_names[] = {"extension", "trunk", "local", NULL};
static const char *const transport_names[] = {"udp", "tcp", "tls", NULL};
static const char *const out_names[] = {"e164", "plain", "international", "national", NULL};
static const char *const in_names[] = {"auto", "plain", "national", NULL};
static const char *const dtmf_names[] = {"auto", "inband", "info", NULL};

static const struct field number_fields[] = {
	{"country", schema_str, AT(struct number_plan, country)},
	{"national_prefix", schema_text_or_empty, AT(struct number_plan, national_prefix)},
	{"international_prefix", schema_str, AT(struct number_plan, international_prefix)},
	{"in", read_in, 0, .choices = in_names},
	{"out", schema_enum, AT(struct number_plan, out), .choices = out_names},
	{0},
};

static const struct field inbound_fields[] = {
	{"user", schema_str, AT(struct line_config, inbound_user), .is_required = true},
	{"password", schema_secret, AT(struct line_config, inbound_password), .is_required = true},
	{0},
};

static const struct field line_fields[] = {
	{"name", schema_str, AT(struct line_config, name), .is_required = true},
	{"kind", schema_enum, AT(struct line_config, kind), .choices = kind_names},
	{"preset", config_read_name, AT(struct line_config, preset)}, /* choices: line_preset_names() */
	{"server", read_servers, 0},
	{"servers", read_servers, 0},
	{"domain", schema_str, AT(struct line_config, domain)},
	{"extension", schema_str, AT(struct line_config, extension)},
	{"auth_id", schema_str, AT(struct line_config, auth_id)},
	{"password", schema_secret, AT(struct line_config, password)},
	{"display_name", schema_str, AT(struct line_config, display_name)},
	{"outbound_proxy", schema_str, AT(struct line_config, outbound_proxy)},
	{"user_agent", schema_str, AT(struct line_config, user_agent)},
	{"transport", schema_enum, AT(struct line_config, transport), .choices = transport_names},
	{"tls", schema_map, AT(struct line_config, tls), .fields = config_line_tls_fields},
	{"register", read_register, 0},
	{"expires_s", schema_u32, AT(struct line_config, expires_s), .min = 30, .max = 86400},
	{"keepalive_s", schema_u32, AT(struct line_config, keepalive_s), .min = 0, .max = 3600},
	{"keepalive_options", schema_bool, AT(struct line_config, keepalive_options)},
	{"codecs", read_codecs, AT(struct line_config, codecs)},
	{"srtp", config_read_srtp, AT(struct line_config, media)},
	{"dtls", schema_bool, AT(struct line_config, media.uses_dtls)},
	{"ice", schema_enum, AT(struct line_config, media.ice), .choices = config_ice_names},
	{"stun", config_read_stun, AT(struct line_config, media)},
	{"turn", config_read_turn, AT(struct line_config, media)},
	{"allow", read_cidrs, AT(struct line_config, allow)},
	{"client_certificate", config_read_texts, AT(struct line_config, client_names)},
	{"dids", config_read_patterns, AT(struct line_config, dids)},
	{"numbers", schema_map, AT(struct line_config, numbers), .fields = number_fields},
	{"caller_id", schema_str, AT(struct line_config, caller_id)},
	{"caller_id_in", read_places, AT(struct line_config, caller_id_in)},
	{"withhold_number", schema_bool, AT(struct line_config, is_private)},
	{"trust_identity", schema_bool, AT(struct line_config, trusts_identity)},
	{"inbound", schema_map, 0, .fields = inbound_fields},
	{"max_calls", schema_u32, AT(struct line_config, max_calls), .min = 0, .max = 100000},
	{"max_calls_per_second", schema_u32, AT(struct line_config, max_cps), .min = 0, .max = 10000},
	{"full_status", read_full_status, AT(struct line_config, full_status)},
	{"health_s", schema_u32, AT(struct line_config, health_s), .min = 0, .max = 3600},
	{"failover_ms", schema_u32, AT(struct line_config, failover_ms), .min = 300, .max = 32000},
	{"reliable", read_negated, AT(struct line_config, no_100rel)},
	{"session_timer", read_negated, AT(struct line_config, no_session_timer)},
	{"dtmf", schema_enum, AT(struct line_config, dtmf), .choices = dtmf_names},
	{0},
};

/* ---- defaults and what one table cannot say ------------------------------------------------------------------------ */

static void apply_preset(struct schema_reader *r, const struct yaml_node *node, struct line_config *line)
{
	const struct yaml_node *preset = yaml_get(node, "preset"), *kind = yaml_get(node, "kind"), *reg = yaml_get(node, "register");
	const struct line_preset *p = line_preset_find(preset && preset->kind == YAML_SCALAR ? preset->text : "generic");

	if (!p)
		p = line_preset_find("generic");
	line_preset_apply(p, line);
	config_default_media(line);
	line->file_line = node->line;
	/* Without a preset the kind says whether it registers, as before there were presets of trunks. */
	if (kind && kind->kind == YAML_SCALAR && !reg && strcmp(kind->text, "extension") != 0 && p->kind == LINE_EXTENSION)
		line->does_register = false;
	if (kind && kind->kind == YAML_SCALAR && !strcmp(kind->text, "local"))
		line->trusts_identity = false;

	size_t n = 0;

	while (p->allow && p->allow[n])
		n++;
	line->allow = n ? arena_alloc(r->arena, n * sizeof(*line->allow)) : NULL;
	for (size_t i = 0; i < n; i++)
		line->allow_count += line_cidr_parse(span_z(p->allow[i]), &line->allow[line->allow_count]);
}

static void default_local(struct schema_reader *r, struct line_config *line)
{
	if (line->kind != LINE_LOCAL || line->allow_count)
		return;
	line->allow = arena_alloc(r->arena, sizeof(*line->allow) * 2);
	line->allow_count = line_cidr_parse(SPAN_LIT("127.0.0.0/8"), &line->allow[0]) +
		line_cidr_parse(SPAN_LIT("::1"), &line->allow[1]);
}

static void check_numbers(struct schema_reader *r, struct line_config *line, const char *name)
{
	struct number_plan *n = &line->numbers;
	bool is_known = number_plan_defaults(n);

	if (n->country && (strspn(n->country, "0123456789") != strlen(n->country) || n->country[0] == '0' || strlen(n->country) > 3))
		schema_error(r, line->file_line, "line %s: numbers: country is the calling code without plus (49, 1, 44)", name);
	else if (n->country && !is_known && (!n->national_prefix || !n->international_prefix))
		schema_error(r, line->file_line,
			"line %s: numbers: the prefixes of country %s are not known here: add national_prefix (\"\" for none) and "
			"international_prefix",
			name, n->country);
	else if (!n->country && (n->national_prefix || n->international_prefix || n->is_plain_in || n->is_national_in))
		schema_error(r, line->file_line, "line %s: numbers: \"country\" is missing", name);
}

static void check_line(struct schema_reader *r, struct line_config *line)
{
	const char *name = line->name ? line->name : "?";

	if (line->kind == LINE_EXTENSION && !line->server)
		schema_error(r, line->file_line, "line %s: \"server\" is missing: the address of your phone system", name);
	if ((line->kind == LINE_EXTENSION || line->does_register) && line->kind != LINE_LOCAL && !line->extension)
		schema_error(r, line->file_line, "line %s: \"extension\" is missing: the number your phone system gave it", name);
	if (line->does_register && line->kind != LINE_LOCAL && !line->password)
		schema_error(r, line->file_line,
			"line %s: \"password\" is missing: the extension's secret, best as ${file:PATH}", name);
	if (line->does_register && line->kind == LINE_TRUNK && !line->server)
		schema_error(r, line->file_line, "line %s: \"server\" is missing: the registrar of the carrier", name);
	if (line->kind == LINE_TRUNK && !line->server && !line->allow_count && !line->client_names)
		schema_error(r, line->file_line, "line %s: a trunk needs \"server\" or \"allow\" (the carrier's addresses), or \"client_certificate\"",
			name);
	if (line->kind == LINE_EXTENSION && line->client_names)
		schema_error(r, line->file_line, "line %s: client_certificate goes with kind: trunk or local: an extension's calls come "
			"from where it registers", name);
	if (line->kind == LINE_LOCAL && line->does_register)
		schema_error(r, line->file_line, "line %s: a local line cannot register: remove \"register\"", name);
	if (line->outbound_proxy && line->server_count > 1)
		schema_error(r, line->file_line, "line %s: with outbound_proxy all requests go there: name one server only", name);
	config_check_line_tls(r, line);
	config_check_media(r, line);
	check_numbers(r, line, name);
	default_local(r, line);
}

static void read_fields(struct schema_reader *r, const struct yaml_node *node, struct line_config *line)
{
	struct field fields[ARRAY_LEN(line_fields)];

	memcpy(fields, line_fields, sizeof(fields));
	for (size_t i = 0; fields[i].key; i++)
		if (!strcmp(fields[i].key, "preset"))
			fields[i].choices = line_preset_names();
	schema_read(r, fields, node, line);
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
		apply_preset(r, n, line);
		read_fields(r, n, line);
		check_line(r, line);
		if (line->name && config_line_find(c, line->name) >= 0)
			schema_error(r, n->line, "line %s: a second line of this name", line->name);

		const struct yaml_node *secret = yaml_get(n, "password");

		if (secret && secret->kind == YAML_SCALAR && secret->text[0] && strncmp(secret->text, "${", 2) != 0)
			config_warn(r, c, secret->line, "line %s: the password stands in this file: ${file:PATH} keeps it apart (mode 0600)",
				line->name ? line->name : "?");
		c->line_count++;
	}
}

/* Certificates are asked for, and checked, by the listener. */
static void check_client_names(struct schema_reader *r, const struct config *c, const struct line_config *line)
{
	bool has_listener = false;

	for (size_t i = 0; i < c->sip.listen_count; i++)
		has_listener |= c->sip.listen[i].transport == SIP_TLS || c->sip.listen[i].transport == SIP_WSS;
	if (!line->client_names)
		return;
	if (!c->sip.tls.ca)
		schema_error(r, line->file_line, "line %s: client_certificate needs sip.tls.ca: the file of the CAs that sign such certificates",
			line->name);
	else if (!has_listener)
		schema_error(r, line->file_line, "line %s: client_certificate needs a TLS listener: sip.listen: [ \"tls:0.0.0.0\" ]", line->name);
}

void config_check_lines(struct schema_reader *r, struct config *c)
{
	for (size_t i = 0; i < c->line_count; i++) {
		const struct line_config *line = &c->lines[i];
		char advice[PRESET_ADVICE_MAX][PRESET_ADVICE_TEXT];
		size_t n = line_preset_advise(line, advice, PRESET_ADVICE_MAX);

		check_client_names(r, c, line);
		for (size_t k = 0; k < MIN(n, (size_t)PRESET_ADVICE_MAX); k++)
			config_warn(r, c, line->file_line, "line %s: %s", line->name, advice[k]);
	}
}
