/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "flow/calendar.h"
#include "flow/flow.h"
#include "yaml/tree.h"

/* Dialogues as text. All take place on Sunday the 22nd of November 2026. */

static struct talk {
	struct flow *flow;
	struct flow_machine *machine;
	struct flow_reply reply;
	const char *tool;  /* that exists; NULL: none, "*": all */
} talk;

static bool talk_has_tool(void *ctx, const char *name)
{
	return talk.tool && (!strcmp(talk.tool, "*") || !strcmp(talk.tool, name));
}

static void talk_turn(struct flow_turn turn)
{
	flow_machine_turn(talk.machine, &turn, &talk.reply);
}

static inline void talk_load(const char *name, const char *language, const char *business)
{
	static struct flow_faults faults;
	struct arena arena = {0};
	struct yaml_node *data = NULL;
	struct flow_source source = {.name = name, .language = language};
	const char *path;
	int line;

	if (business && yaml_parse(&arena, span_z(business), &data, &line, &path) != 0)
		fail_msg("business: %s", path);
	source.business = data;

	talk.machine = flow_machine_free(talk.machine);
	talk.flow = flow_unref(talk.flow);
	if (flow_load(&talk.flow, &source, &faults, &path) != 0)
		fail_msg("%s:%d: %s", path, faults.list[0].line, faults.list[0].words);
	arena_done(&arena);
}

static void talk_begin(const char *greeting)
{
	struct flow_machine_params params = {.flow = talk.flow, .greeting = greeting, .today = calendar_day((struct civil){2026, 11, 22}),
		.has_tool = talk_has_tool};

	talk.machine = flow_machine_free(talk.machine);
	talk.machine = flow_machine_new(&params);
	talk_turn((struct flow_turn){.cause = FLOW_START, .text = ""});
}

static void talk_end(void)
{
	talk.machine = flow_machine_free(talk.machine);
	talk.flow = flow_unref(talk.flow);
	talk.tool = NULL;
}

static inline void says(const char *text)
{
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = text, .confidence = 1});
}

static inline void presses(const char *keys)
{
	talk_turn((struct flow_turn){.cause = FLOW_KEYS, .text = keys, .confidence = 1});
}

static inline void is_silent(void)
{
	talk_turn((struct flow_turn){.cause = FLOW_SILENCE, .text = ""});
}

static inline void tool_answers(const char *json)
{
	talk_turn((struct flow_turn){.cause = FLOW_TOOL_RESULT, .text = json});
}

static inline void hears(const char *words)
{
	if (!strstr(talk.reply.text, words))
		fail_msg("\"%s\" lacks \"%s\"", talk.reply.text, words);
}

static inline void hears_exactly(const char *words)
{
	assert_string_equal(talk.reply.text, words);
}

static inline void does(enum flow_action action, const char *args)
{
	if (talk.reply.action != action || !strstr(talk.reply.args, args))
		fail_msg("\"%s\": action %d %s", talk.reply.text, talk.reply.action, talk.reply.args);
}

/* What the machine has in a slot or variable, as programs see it; "" for nothing. */
static inline const char *knows(const char *name)
{
	static char value[400];
	char *text = NULL;
	size_t len = 0, n = strlen(name);
	FILE *out = open_memstream(&text, &len);

	value[0] = 0;
	flow_machine_describe(talk.machine, out);
	fclose(out);
	for (struct span rest = span(text, len), line; rest.n;) {
		line = span_trim(span_cut(&rest, '\n'));
		if (line.n > n + 3 && memcmp(line.p, name, n) == 0 && memcmp(line.p + n, " = ", 3) == 0)
			(void)!span_copy(span(line.p + n + 3, line.n - n - 3), value, sizeof(value));
	}
	free(text);

	return value;
}
