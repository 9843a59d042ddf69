/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* Providers in the network, and which engines an agent's brain names. */

/* In the order of enum provider_kind. */
static const char *const kind_names[] = {"openai-chat", "openai-transcription", "openai-speech", NULL};
static const char *const part_names[] = {"llm", "stt", "tts"};

static void read_temperature(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);
	char *end = NULL;
	double value = text ? strtod(text, &end) : 0;

	if (!text)
		return;
	if (end == text || *end || !(value >= 0 && value <= 2))
		schema_error(r, node->line, "%s: \"%.20s\" is no number from 0 to 2", f->key, text);
	else
		*(double *)dst = value;
}

/* Nested YAML as JSON: what this provider wants beside what all know. */
static void read_extra(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	if (node->kind != YAML_MAP)
		schema_error(r, node->line, "%s: keys for each request: { reasoning_effort: low }", f->key);
	else
		*(const char **)dst = config_yaml_json(r, node);
}

static const struct field fields[] = {
	{"name", schema_str, AT(struct config_provider, name), .is_required = true},
	{"kind", schema_enum, AT(struct config_provider, kind), .choices = kind_names, .is_required = true},
	{"url", schema_str, AT(struct config_provider, url), .is_required = true},
	{"key", schema_secret, AT(struct config_provider, key)},
	{"model", schema_str, AT(struct config_provider, model), .is_required = true},
	{"voice", schema_str, AT(struct config_provider, voice)},
	{"rate_hz", schema_u32, AT(struct config_provider, rate_hz), .min = 8000, .max = 48000},
	{"prompt", schema_str, AT(struct config_provider, prompt)},
	{"temperature", read_temperature, AT(struct config_provider, temperature)},
	{"max_tokens", schema_u32, AT(struct config_provider, max_tokens), .min = 1, .max = 100000},
	{"max_tokens_key", schema_str, AT(struct config_provider, max_tokens_key)},
	{"extra", read_extra, AT(struct config_provider, extra_json)},
	{0},
};

/* A key that another kind of provider has: said, so that nobody waits for its effect. */
static void check_kind(struct schema_reader *r, const struct config_provider *p)
{
	static const struct {
		const char *key;
		size_t offset;
		enum provider_kind kind;
	} owned[] = {
		{"voice", offsetof(struct config_provider, voice), PROVIDER_TTS},
		{"prompt", offsetof(struct config_provider, prompt), PROVIDER_STT},
		{"max_tokens_key", offsetof(struct config_provider, max_tokens_key), PROVIDER_LLM},
		{"extra", offsetof(struct config_provider, extra_json), PROVIDER_LLM},
	};

	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		if (*(const char *const *)(const void *)((const char *)p + owned[i].offset) && (int)owned[i].kind != p->kind)
			schema_error(r, p->file_line, "provider %s: \"%s\" goes with kind: %s only", p->name, owned[i].key, kind_names[owned[i].kind]);
	if (p->kind == PROVIDER_TTS && !p->voice)
		schema_error(r, p->file_line, "provider %s: \"voice\" is missing: the one for agents that name none", p->name);
}

static void check(struct schema_reader *r, const struct config *c, const struct config_provider *p)
{
	static const char *const taken[] = {"embedded", "vosk", "silero"};

	if (p->url && strncmp(p->url, "http://", 7) != 0 && strncmp(p->url, "https://", 8) != 0)
		schema_error(r, p->file_line, "provider %s: url \"%.80s\" does not begin with https:// or http://", p->name ? p->name : "?", p->url);
	if (!p->name)
		return;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(p->name, taken[i]) == 0)
			schema_error(r, p->file_line, "provider %s: the name belongs to a built-in engine", p->name);
	if (strchr(p->name, ','))
		schema_error(r, p->file_line, "provider %s: a name has no comma", p->name);
	if (config_provider_find(c, p->name))
		schema_error(r, p->file_line, "provider %s: a second provider of this name", p->name);
	check_kind(r, p);
}

void config_read_providers(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct config_provider *p = &c->providers[c->provider_count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "providers: each entry has keys (- name: ...)");
			continue;
		}
		if (c->provider_count == LIMIT_PROVIDERS) {
			schema_error(r, n->line, "providers: more than %d", LIMIT_PROVIDERS);
			return;
		}
		*p = (struct config_provider){.file_line = n->line, .temperature = -1};
		schema_read(r, fields, n, p);
		check(r, c, p);
		c->provider_count++;
	}
}

const struct config_provider *config_provider_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->provider_count; i++)
		if (c->providers[i].name && strcmp(c->providers[i].name, name) == 0)
			return &c->providers[i];

	return NULL;
}

/* ---- what brains name --------------------------------------------------------------------------------------------------- */

void config_read_llm(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config_agent *a = dst;
	const struct yaml_node *n = node->kind == YAML_LIST ? node->first : node;
	const char *all = NULL;

	a->llm_count = 0;
	for (; n; n = node->kind == YAML_LIST ? n->next : NULL) {
		const char *name = schema_text(r, n, f->key);

		if (!name)
			continue;
		if (a->llm_count == LIMIT_LLM_ROUTE) {
			schema_error(r, n->line, "%s: more than %d that stand in for each other", f->key, LIMIT_LLM_ROUTE);
			break;
		}
		a->llms[a->llm_count++] = name;
		all = all ? arena_format(r->arena, "%s, %s", all, name) : name;
	}
	if (!all)
		schema_error(r, node->line, "%s: the name of a mind, or a list of them", f->key);
	else
		a->llm = all;
}

static void check_engine(struct schema_reader *r, const struct config *c, const struct config_agent *a, enum provider_kind kind, const char *name)
{
	const struct config_provider *p = config_provider_find(c, name);
	bool is_built_in = strcmp(name, "embedded") == 0 || (kind == PROVIDER_STT && strcmp(name, "vosk") == 0);

	if (is_built_in)
		return;
	if (!p)
		schema_error(r, a->file_line, "agent %s: brain.%s: there is no provider \"%.60s\": name one of providers:, or embedded%s", a->name,
			part_names[kind], name, kind == PROVIDER_STT ? " or vosk" : "");
	else if (p->kind != (int)kind)
		schema_error(r, a->file_line, "agent %s: brain.%s: provider %s is of kind %s; wanted is %s", a->name, part_names[kind], name,
			kind_names[p->kind], kind_names[kind]);
}

void config_check_brains(struct schema_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->agent_count; i++) {
		const struct config_agent *a = &c->agents[i];

		if (a->kind != AGENT_PIPELINE || !a->name)
			continue;
		check_engine(r, c, a, PROVIDER_STT, a->stt);
		check_engine(r, c, a, PROVIDER_TTS, a->tts);
		for (size_t k = 0; k < a->llm_count; k++)
			check_engine(r, c, a, PROVIDER_LLM, a->llms[k]);
	}
}

bool config_agent_names_llm(const struct config_agent *a, const char *name)
{
	for (size_t i = 0; i < a->llm_count; i++)
		if (strcmp(a->llms[i], name) == 0)
			return true;

	return false;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct config_provider *a, const struct config_provider *b)
{
	return a->kind == b->kind && same(a->name, b->name) && same(a->url, b->url) && same(a->key, b->key) && same(a->model, b->model) &&
		same(a->voice, b->voice) && same(a->prompt, b->prompt) && same(a->max_tokens_key, b->max_tokens_key) &&
		same(a->extra_json, b->extra_json) && a->rate_hz == b->rate_hz && a->max_tokens == b->max_tokens &&
		!(a->temperature < b->temperature) && !(a->temperature > b->temperature);
}

bool config_has_same_brains(const struct config *a, const struct config *b)
{
	if (a->provider_count != b->provider_count)
		return false;
	for (size_t i = 0; i < a->provider_count; i++)
		if (!is_same(&a->providers[i], &b->providers[i]))
			return false;
	/* Lists of minds become ports of their own. */
	for (size_t i = 0; i < b->agent_count; i++) {
		bool is_known = b->agents[i].llm_count < 2;

		for (size_t k = 0; k < a->agent_count && !is_known; k++)
			is_known = same(a->agents[k].llm, b->agents[i].llm);
		if (!is_known)
			return false;
	}

	return true;
}
