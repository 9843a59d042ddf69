/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_detect.h"
#include "base/nearest.h"

/*
 *	detect: true
 *	detect: { human: agent, voicemail: { say: "..." }, screening: { say: "..." }, ivr: hang_up, fax: hang_up, silence: agent }
 */
static const struct {
	const char *key;
	enum answer_who who;
	enum call_reaction_kind usual;
} verdicts[] = {
	{"human", ANSWER_HUMAN, CALL_REACT_AGENT},
	{"voicemail", ANSWER_VOICEMAIL, CALL_REACT_HANG_UP},
	{"screening", ANSWER_SCREENING, CALL_REACT_SAY},
	{"ivr", ANSWER_IVR, CALL_REACT_HANG_UP},
	{"fax", ANSWER_FAX, CALL_REACT_HANG_UP},
	{"sit", ANSWER_SIT, CALL_REACT_HANG_UP},
	{"busy", ANSWER_BUSY, CALL_REACT_HANG_UP},
	{"silence", ANSWER_SILENCE, CALL_REACT_AGENT},
};

/* How a business names itself to a screener: its name goes between. */
static const struct {
	const char *language, *before, *behind;
} introductions[] = {{"en", "Hello, this is ", " calling."}, {"es", "Hola, llama ", "."}};

void config_detect_defaults(struct config_agent *a)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		a->detect.on[verdicts[i].who] = (struct call_reaction){.kind = verdicts[i].usual};
}

static bool has_language(const char *language, const char *wanted)
{
	return span_ieq_z(span(language, strcspn(language, "-_")), wanted);
}

/* Who calls, when the file does not say it: by the company's name, else the greeting; without either the agent begins. */
void config_detect_complete(struct arena *arena, struct config_agent *a)
{
	struct call_reaction *r = &a->detect.on[ANSWER_SCREENING];

	if (r->kind != CALL_REACT_SAY || r->say)
		return;
	for (size_t i = 0; a->company && i < ARRAY_LEN(introductions); i++) {
		auto_free char *text = mem_format("%s%s%s", introductions[i].before, a->company, introductions[i].behind);

		if (has_language(a->language, introductions[i].language))
			r->say = arena_strdup(arena, span_z(text));
	}
	if (!r->say)
		r->say = a->greeting;
	if (!r->say)
		r->kind = CALL_REACT_AGENT;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static void read_say(struct schema_reader *r, const struct yaml_node *node, const char *key, struct call_reaction *ret)
{
	const struct yaml_node *say = yaml_get(node, "say");

	for (const struct yaml_node *n = node->first; n; n = n->next)
		if (strcmp(n->key, "say") != 0)
			schema_error(r, n->line, "detect: %s: unknown key \"%.40s\"; it is agent, hang_up or { say: TEXT }", key, n->key);
	if (!say) {
		schema_error(r, node->line, "detect: %s: \"say\" is missing: { say: TEXT }", key);
		return;
	}

	const char *text = schema_text(r, say, "say");

	if (text && (!text[0] || strlen(text) > LIMIT_AGENT_SAY_BYTES))
		schema_error(r, say->line, "detect: %s: say is a text of 1 to %d bytes", key, LIMIT_AGENT_SAY_BYTES);
	else if (text)
		*ret = (struct call_reaction){.kind = CALL_REACT_SAY, .say = text};
}

static void read_reaction(struct schema_reader *r, const struct yaml_node *node, const char *key, struct call_reaction *ret)
{
	const char *text;

	if (node->kind == YAML_MAP) {
		read_say(r, node, key, ret);
		return;
	}
	text = node->kind == YAML_SCALAR ? schema_text(r, node, key) : "";
	if (text && !strcmp(text, "agent"))
		*ret = (struct call_reaction){.kind = CALL_REACT_AGENT};
	else if (text && !strcmp(text, "hang_up"))
		*ret = (struct call_reaction){.kind = CALL_REACT_HANG_UP};
	else if (text)
		schema_error(r, node->line, "detect: %s: \"%.40s\" is not agent, hang_up or { say: TEXT }", key, text);
}

static void read_verdict(struct schema_reader *r, const struct yaml_node *node, struct call_detect *detect)
{
	const char *names[ARRAY_LEN(verdicts)];

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		names[i] = verdicts[i].key;
		if (strcmp(node->key, verdicts[i].key) == 0) {
			read_reaction(r, node, node->key, &detect->on[verdicts[i].who]);
			return;
		}
	}

	const char *near = nearest_word(node->key, names, ARRAY_LEN(names));

	schema_error(r, node->line, "detect: unknown key \"%.40s\"%s%s%s; there are human, voicemail, screening, ivr, fax, sit, busy, silence",
		node->key, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

void config_detect_read(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config_agent *a = (struct config_agent *)(void *)((char *)dst - offsetof(struct config_agent, does_detect));

	if (node->kind != YAML_MAP) {
		schema_bool(r, f, node, dst);
		return;
	}
	a->does_detect = true;
	for (const struct yaml_node *n = node->first; n; n = n->next)
		read_verdict(r, n, &a->detect);
}

void config_detect_check(struct schema_reader *r, const struct config_agent *a)
{
	const char *name = a->name ? a->name : "?";

	if (a->does_detect && a->kind == AGENT_ECHO)
		schema_error(r, a->file_line, "agent %s: detect does not go with kind: echo: it has nothing to say to anybody", name);
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (a->kind != AGENT_PIPELINE && a->does_detect && a->detect.on[verdicts[i].who].say)
			schema_error(r, a->file_line, "agent %s: detect: %s: say goes with kind: pipeline only; agent plays the file", name,
				verdicts[i].key);
}
