/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"
#include "app/config_detect.h"
#include "app/config_priv.h"
#include "app/prompts_folder.h"
#include "flow/flow.h"
#include <libgen.h>

/* ---- lists of things --------------------------------------------------------------------------------------------- */

size_t config_count(const struct yaml_node *list)
{
	size_t n = 0;

	for (const struct yaml_node *c = list->first; c; c = c->next)
		n++;

	return n;
}

void config_warn(struct schema_reader *r, struct config *c, int line, const char *fmt, ...)
{
	va_list ap;

	if (c->warning_count == LIMIT_CONFIG_ERRORS)
		return;
	if (!c->warnings)
		c->warnings = arena_alloc(r->arena, LIMIT_CONFIG_ERRORS * sizeof(*c->warnings));

	struct config_error *w = &c->warnings[c->warning_count++];

	w->line = line;
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
}

void config_read_checked(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst,
	const char *(*check)(const char *text))
{
	const struct yaml_node one = {.first = (struct yaml_node *)(uintptr_t)node};
	const struct yaml_node *list = node->kind == YAML_LIST ? node : &one;
	size_t n = node->kind == YAML_LIST ? config_count(node) : 1, count = 0;

	if (n == 0 || n > LIMIT_ROUTE_LIST) {
		schema_error(r, node->line, "%s: one to %d entries are wanted", f->key, LIMIT_ROUTE_LIST);
		return;
	}

	const char **texts = arena_alloc(r->arena, (n + 1) * sizeof(*texts));

	const struct yaml_node *c = list->first;

	for (size_t i = 0; i < n; i++, c = c->next) {
		const char *text = schema_text(r, c, f->key), *why = text && check ? check(text) : NULL;

		if (why)
			schema_error(r, c->line, "%s: \"%.60s\": %s", f->key, text, why);
		else if (text)
			texts[count++] = text;
	}
	*(const char *const **)dst = texts;
}

void config_read_texts(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	config_read_checked(r, f, node, dst, NULL);
}

void config_read_patterns(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	config_read_checked(r, f, node, dst, number_pattern_check);
}

bool config_want_list(struct schema_reader *r, const struct field *f, const struct yaml_node *node)
{
	if (node->kind == YAML_LIST)
		return true;
	schema_error(r, node->line, "%s: a list is wanted here (lines that begin with \"- \")", f->key);

	return false;
}

static void read_addr(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);

	if (text && !addr_parse(span_z(text), (uint16_t)f->min, dst))
		schema_error(r, node->line, "%s: \"%.60s\" is not IP:port (such as 127.0.0.1:%d)", f->key, text, (int)f->min);
}

/* ---- the tables: what a file may say ------------------------------------------------------------------------------- */

static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_names[] = {"text", "json", NULL};
static const char *const brain_names[] = {"pipeline", "echo", "play", NULL};
static const char *const vad_names[] = {"embedded", "trained", "silero", NULL};

static void read_json_flag(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	int index = 0;

	schema_enum(r, f, node, &index);
	*(bool *)dst = index == 1;
}

void config_read_name(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	int index = -1;

	schema_enum(r, f, node, &index);
	if (index >= 0)
		*(const char **)dst = f->choices[index];
}

/* The embedded one is no port: the media core's verdicts come with the frames. */
static void read_vad(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char **name = dst;

	config_read_name(r, f, node, dst);
	if (*name && strcmp(*name, "embedded") == 0)
		*name = NULL;
}

static void read_prompts(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *folder = schema_text(r, node, f->key);

	if (folder && folder[0])
		*(struct prompts **)dst = prompts_folder_load(r, node->line,
			folder[0] == '/' ? folder : arena_format(r->arena, "%s/%s", r->dir, folder));
}

static void read_certificate(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char **file = dst;

	config_read_path(r, f, node, dst);
	if (*file && access(*file, R_OK) != 0)
		schema_error(r, node->line, "api: tls.%s %s cannot be read (%s); `tipring cert DIR` makes a certificate", f->key, *file, strerror(errno));
}

static const struct field api_tls_fields[] = {
	{"certificate", read_certificate, AT(struct config_api, certificate), .is_required = true},
	{"key", read_certificate, AT(struct config_api, key)},
	{0},
};

static const struct field api_fields[] = {
	{"listen", read_addr, AT(struct config_api, listen), .min = 8060},
	{"keys_file", config_read_path, AT(struct config_api, keys_file)},
	{"tls", schema_map, 0, .fields = api_tls_fields},
	{0},
};

static const struct field log_fields[] = {
	{"level", schema_enum, AT(struct config_log, level), .choices = level_names},
	{"format", read_json_flag, AT(struct config_log, is_json), .choices = format_names},
	{0},
};

static const struct field media_fields[] = {
	{"address", schema_str, AT(struct config_media, address)},
	{"port_min", schema_u32, AT(struct config_media, port_min), .min = 1024, .max = 65534},
	{"port_max", schema_u32, AT(struct config_media, port_max), .min = 1025, .max = 65535},
	{"workers", schema_u32, AT(struct config_media, workers), .min = 0, .max = 64},
	{"timeout_s", schema_u32, AT(struct config_media, timeout_s), .min = 5, .max = 86400},
	{"record_dir", schema_str, AT(struct config_media, record_dir)},
	{0},
};

static void read_enabled(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	bool is_on = true;

	schema_bool(r, f, node, &is_on);
	*(bool *)dst = !is_on;
}

static const struct field records_fields[] = {
	{"enabled", read_enabled, AT(struct config_records, is_off)},
	{"file", schema_str, AT(struct config_records, file)},
	{"keep_days", schema_u32, AT(struct config_records, keep_days), .min = 0, .max = 36500},
	{0},
};

static const struct field hep_fields[] = {
	{"server", read_addr, AT(struct config_hep, server), .min = 9060, .is_required = true},
	{"agent_id", schema_u32, AT(struct config_hep, agent_id), .min = 0, .max = UINT32_MAX},
	{"key", schema_secret, AT(struct config_hep, key)},
	{"name", schema_str, AT(struct config_hep, name)},
	{0},
};

static const struct field brain_fields[] = {
	{"kind", schema_enum, AT(struct config_agent, kind), .choices = brain_names},
	{"stt", schema_str, AT(struct config_agent, stt)},
	{"llm", config_read_llm, 0},
	{"tts", schema_str, AT(struct config_agent, tts)},
	{"vad", read_vad, AT(struct config_agent, vad), .choices = vad_names},
	{"file", schema_str, AT(struct config_agent, play_file)},
	{0},
};

void config_read_bounded(struct schema_reader *r, const struct field *f, const struct yaml_node *node, struct config_texts to)
{
	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *text = schema_text(r, c, f->key);

		if (*to.count == to.most)
			schema_error(r, c->line, "%s: more than %zu", f->key, to.most);
		else if (text)
			to.list[(*to.count)++] = text;
	}
}

/* In the order of enum call_xfer_mode and enum call_waiting. */
static const char *const transfer_modes[] = {"blind", "attended", "bridge", NULL};
static const char *const waiting_names[] = {"ringback", "music", "silence", NULL};

static void read_fallback(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	size_t n = 0;

	config_read_bounded(r, f, node, (struct config_texts){dst, LIMIT_CALL_XFER_TARGETS - 1, &n});
}

static const struct field transfer_fields[] = {
	{"human", schema_str, AT(struct config_agent, transfer_human)},
	{"fallback", read_fallback, AT(struct config_agent, transfer_fallback)},
	{"mode", schema_enum, AT(struct config_agent, transfer_mode), .choices = transfer_modes},
	{"waiting", schema_enum, AT(struct config_agent, transfer_waiting), .choices = waiting_names},
	{"ring_s", schema_u32, AT(struct config_agent, transfer_ring_s), .min = 5, .max = 300},
	{0},
};

static const struct field agent_fields[] = {
	{"name", schema_str, AT(struct config_agent, name), .is_required = true},
	{"greeting", schema_str, AT(struct config_agent, greeting), .max = INT64_MAX},
	{"instructions", schema_str, AT(struct config_agent, instructions), .max = INT64_MAX},
	{"flow", schema_str, AT(struct config_agent, flow_name)},
	{"company", schema_str, AT(struct config_agent, company)},
	{"business", config_read_business, AT(struct config_agent, business)},
	{"language", schema_str, AT(struct config_agent, language)},
	{"voice", schema_str, AT(struct config_agent, voice)},
	{"brain", schema_map, 0, .fields = brain_fields},
	{"transfer", schema_map, 0, .fields = transfer_fields},
	{"music", schema_str, AT(struct config_agent, music)},
	{"detect", config_detect_read, AT(struct config_agent, does_detect)},
	{"prompts", read_prompts, AT(struct config_agent, prompts)},
	{"record", schema_bool, AT(struct config_agent, does_record)},
	{"record_consent", schema_str, AT(struct config_agent, consent)},
	{"answer_after_ms", schema_u32, AT(struct config_agent, answer_after_ms), .min = 0, .max = 60000},
	{0},
};

/* ---- defaults and what one table cannot say ------------------------------------------------------------------------ */

static void check_agent(struct schema_reader *r, const struct config_agent *a)
{
	if (a->kind == AGENT_PLAY && !a->play_file)
		schema_error(r, a->file_line, "agent %s: \"file\" is missing: the WAV to play", a->name ? a->name : "?");
	if (a->kind != AGENT_PLAY && a->play_file)
		schema_error(r, a->file_line, "agent %s: \"file\" goes with kind: play only", a->name ? a->name : "?");
}

static void read_agents(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->agents = arena_alloc(r->arena, config_count(node) * sizeof(*c->agents));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct config_agent *a = &c->agents[c->agent_count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "agents: each entry has keys (- name: ...)");
			continue;
		}
		*a = (struct config_agent){.file_line = n->line, .stt = "embedded", .llm = "embedded", .llms = {"embedded"}, .llm_count = 1,
			.tts = "embedded"};
		config_detect_defaults(a);
		schema_read(r, agent_fields, n, a);
		/* Empty is not said. */
		a->stt = a->stt ? a->stt : "embedded";
		a->tts = a->tts ? a->tts : "embedded";
		config_load_flow(r, a, n);
		if (!a->language)
			a->language = "en-US";
		config_detect_complete(r->arena, a);
		config_detect_check(r, a);
		check_agent(r, a);
		if (a->name && config_agent_find(c, a->name))
			schema_error(r, n->line, "agent %s: a second agent of this name", a->name);
		c->agent_count++;
	}
}

static const struct field root_fields[] = {
	{"api", schema_map, AT(struct config, api), .fields = api_fields},
	{"log", schema_map, AT(struct config, log), .fields = log_fields},
	{"sip", schema_map, AT(struct config, sip), .fields = config_sip_fields},
	{"media", schema_map, AT(struct config, media), .fields = media_fields},
	{"records", schema_map, AT(struct config, records), .fields = records_fields},
	{"webhooks", config_read_webhooks, 0},
	{"providers", config_read_providers, 0},
	{"queues", config_read_queues, 0},
	{"park", schema_map, 0, .fields = config_park_fields},
	{"hep", schema_map, AT(struct config, hep), .fields = hep_fields},
	{"toll", config_read_toll, AT(struct config, toll)},
	{"lines", config_read_lines, 0},
	{"agents", read_agents, 0},
	{"calendars", config_read_calendars, 0},
	{"routes", config_read_routes, 0},
	{"outbound", config_read_outbound, 0},
	{0},
};

static void set_defaults(struct config *c)
{
	c->log.level = LOG_INFO;
	c->sip.max_calls = 2000;
	c->hep.agent_id = 2001;
	c->sip.listen_count = 2;
	c->sip.listen[0].transport = SIP_UDP;
	c->sip.listen[1].transport = SIP_TCP;
	for (int i = 0; i < 2; i++)
		(void)!addr_parse(SPAN_LIT("0.0.0.0"), 5060, &c->sip.listen[i].addr);
	(void)!addr_parse(SPAN_LIT("127.0.0.1"), 8060, &c->api.listen);
	c->media = (struct config_media){.port_min = 10000, .port_max = 19999, .timeout_s = 60, .record_dir = "recordings"};
	c->records = (struct config_records){.file = "tipring.db", .keep_days = 90};
	config_toll_defaults(&c->toll);
}

static void check_api(struct schema_reader *r, struct config_api *a)
{
	if (!a->keys_file)
		schema_error(r, 1, "api: keys_file is empty: name a file, or leave the key out for api-keys beside the configuration");
	if (!a->key)
		a->key = a->certificate;
	if (!addr_is_loopback(&a->listen) && !a->certificate)
		schema_error(r, 1, "api: listen beyond loopback (127.0.0.1:8060) needs tls: { certificate: FILE, key: FILE }, since what is said would travel in clear; or "
			"use a tunnel (ssh -L)");
}

static void check_all(struct schema_reader *r, struct config *c)
{
	struct addr a;

	config_check_routes(r, c);
	config_check_park(r, c);
	config_check_toll(r, &c->toll);
	config_check_lines(r, c);
	config_check_flows(r, c);
	config_check_brains(r, c);
	if (c->media.port_max < c->media.port_min + 1)
		schema_error(r, 1, "media: port_max %u must be above port_min %u", c->media.port_max, c->media.port_min);
	if (c->media.address && !addr_parse_ip(span_z(c->media.address), 0, &a))
		schema_error(r, 1, "media: address \"%.60s\" is not an IP address", c->media.address);
	if (!c->records.file[0])
		schema_error(r, 1, "records: file is empty: name the database, or set enabled: no");
	check_api(r, &c->api);
	config_check_sip(r, &c->sip);
}

struct config *config_parse(const char *path, struct span text, struct config_errors *errors)
{
	struct config *c = mem_zalloc(sizeof(*c));
	struct yaml_node *root;
	const char *why;
	int line;

	c->path = arena_strdup(&c->arena, span_z(path));

	char *dir = dirname(arena_strdup(&c->arena, span_z(path)));
	struct schema_reader r = {.arena = &c->arena, .errors = errors, .dir = dir};

	set_defaults(c);
	c->api.keys_file = arena_format(&c->arena, "%s/api-keys", dir);
	if (yaml_parse(&c->arena, text, &root, &line, &why) != 0)
		schema_error(&r, line, "%s", why);
	else if (root->kind != YAML_MAP)
		schema_error(&r, root->line, "the file must have keys at its top (lines:, agents:, routes:)");
	else
		schema_read(&r, root_fields, root, c);
	if (errors->count == 0)
		check_all(&r, c);

	return errors->count ? config_free(c) : c;
}

struct config *config_load(const char *path, struct config_errors *errors)
{
	struct schema_reader r = {.errors = errors};
	FILE *f = fopen(path, "re");

	if (!f) {
		schema_error(&r, 0, "cannot be read: %s", strerror(errno));
		return NULL;
	}

	auto_free char *text = mem_zalloc(LIMIT_CONFIG_BYTES + 1);
	size_t n = fread(text, 1, LIMIT_CONFIG_BYTES + 1, f);
	bool is_bad = ferror(f);

	fclose(f);
	if (is_bad) {
		schema_error(&r, 0, "cannot be read: %s", strerror(errno));
		return NULL;
	}

	return config_parse(path, span(text, n), errors);
}

struct config *config_free(struct config *c)
{
	if (c) {
		for (size_t i = 0; i < c->agent_count; i++) {
			prompts_unref(c->agents[i].prompts);
			flow_unref(c->agents[i].flow);
		}
		for (size_t i = 0; i < c->calendar_count; i++)
			tz_free(c->calendars[i].tz);
		arena_done(&c->arena);
		free(c);
	}

	return NULL;
}

const struct config_agent *config_agent_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (c->agents[i].name && strcmp(c->agents[i].name, name) == 0)
			return &c->agents[i];

	return NULL;
}

int config_line_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->line_count; i++)
		if (c->lines[i].name && strcmp(c->lines[i].name, name) == 0)
			return (int)i;

	return -1;
}

void config_warnings_print(const struct config *c, FILE *f)
{
	for (size_t i = 0; i < c->warning_count; i++)
		fprintf(f, "%s:%d: warning: %s\n", c->path, c->warnings[i].line, c->warnings[i].text);
}

void config_errors_print(const struct config_errors *errors, const char *path, FILE *f)
{
	size_t shown = MIN(errors->count, (size_t)LIMIT_CONFIG_ERRORS);

	for (size_t i = 0; i < shown; i++)
		if (errors->list[i].line)
			fprintf(f, "%s:%d: %s\n", path, errors->list[i].line, errors->list[i].text);
		else
			fprintf(f, "%s: %s\n", path, errors->list[i].text);
	if (errors->count > shown)
		fprintf(f, "%s: and %zu more\n", path, errors->count - shown);
}
