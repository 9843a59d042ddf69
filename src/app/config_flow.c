/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"
#include "flow/flow.h"

/* Which flow an agent follows, with the data of its business. */

void config_read_business(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	if (node->kind != YAML_MAP)
		schema_error(r, node->line, "%s: what the flow is to know: { open: { monday-friday: \"9:00-17:00\" }, address: \"...\" }", f->key);
	else
		*(const struct yaml_node **)dst = node;
}

static bool may_follow_flow(const struct config_agent *a)
{
	return a->kind == AGENT_PIPELINE && config_agent_names_llm(a, "embedded");
}

/* Faults of the flow in its own lines; of the business data in this file's. */
static void tell_faults(struct schema_reader *r, const struct flow_faults *faults, int line, const char *path)
{
	for (size_t i = 0; i < MIN(faults->count, (size_t)LIMIT_CONFIG_ERRORS); i++) {
		const struct flow_fault *f = &faults->list[i];

		if (f->is_business)
			schema_error(r, f->line, "%s", f->words);
		else if (f->line)
			schema_error(r, line, "%s:%d: %s", path, f->line, f->words);
		else
			schema_error(r, line, "%s: %s", path, f->words);
	}
}

/* The embedded engines come with English models only. */
static void check_engines(struct schema_reader *r, const struct config_agent *a, int line)
{
	const char *name = a->name ? a->name : "?", *language = flow_language_name(a->flow);

	if (strcmp(flow_language(a->flow), "en") == 0)
		return;
	if (strcmp(a->stt, "embedded") == 0)
		schema_error(r, line, "agent %s: the embedded recogniser understands English only, not %s: brain.stt must be an engine with a "
			"%s model (Vosk has one)", name, language, language);
	if (strcmp(a->tts, "embedded") == 0)
		schema_error(r, line, "agent %s: the embedded voices speak English only, not %s: brain.tts must be an engine with a %s voice",
			name, language, language);
}

void config_load_flow(struct schema_reader *r, struct config_agent *a, const struct yaml_node *node)
{
	const struct yaml_node *flow = yaml_get(node, "flow");
	int line = flow ? flow->line : node->line;
	struct flow_source source = {.name = a->flow_name, .dir = r->dir, .language = a->language,
		.business = a->business};
	struct flow_faults *faults;
	const char *path = "";

	if (!may_follow_flow(a)) {
		if (flow)
			schema_error(r, flow->line, "flow: goes with brain: { kind: pipeline, llm: embedded } only");
		if (a->business)
			schema_error(r, a->business->line, "business: goes with brain: { kind: pipeline, llm: embedded } only");
		return;
	}
	if (!a->flow_name)
		source.name = a->flow_name = "receptionist";
	faults = mem_zalloc(sizeof(*faults));
	if (flow_load(&a->flow, &source, faults, &path) != 0)
		tell_faults(r, faults, line, path);
	else
		check_engines(r, a, line);
	free(faults);
	if (a->flow && !a->language)
		a->language = strcmp(flow_language(a->flow), "en") ? arena_strdup(r->arena, span_z(flow_language(a->flow))) : "en-US";
}

void config_check_flows(struct schema_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->agent_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct config_agent *a = &c->agents[i], *b = &c->agents[k];

			if (a->flow && b->flow && !strcmp(flow_name(a->flow), flow_name(b->flow)) &&
				strcmp(flow_grammar(a->flow), flow_grammar(b->flow)) != 0)
				schema_error(r, a->file_line, "agent %s: its flow is called \"%s\" like that of agent %s, but is another: rename "
					"one (flow: at its top)", a->name, flow_name(a->flow), b->name);
		}
}
