/* SPDX-License-Identifier: Apache-2.0 */
#include "speech_question.h"
#include "flow/calendar.h"

enum { SUNDAY_NOON = 720 };

static const char *const flow_names[SPEECH_FLOWS] = {"receptionist", "order-status", "survey"};

static struct speech_question {
	const char *name;
	int flow;
	const char *asked;   /* as flow_meaning wants it */
	const char *path[6]; /* what the caller says until it is asked */
	char context[80];
} questions[] = {
	{"open", 0, NULL, {0}, ""},
	{"day", 0, "day", {"i want to book an appointment"}, ""},
	{"time", 0, "time", {"i want to book an appointment", "on monday"}, ""},
	{"name", 0, "name", {"i want to book an appointment", "on monday", "at ten o'clock"}, ""},
	{"confirm", 0, "confirm", {"i want to book an appointment", "on monday", "at ten o'clock", "mary johnson"}, ""},
	{"more", 0, NULL, {"i want to book an appointment", "on monday", "at ten o'clock", "mary johnson", "yes"}, ""},
	{"order", 1, "order", {0}, ""},
	{"score", 2, "score", {"yes"}, ""},
};

static struct flow *flows[SPEECH_FLOWS];

static int32_t today(void)
{
	return calendar_day((struct civil){2026, 11, 22});
}

static void die(const char *words)
{
	fprintf(stderr, "%s\n", words);
	exit(1);
}

static void turn(struct flow_machine *m, const char *text, float confidence, struct flow_reply *ret)
{
	flow_machine_turn(m, &(struct flow_turn){.cause = FLOW_TEXT, .text = text, .confidence = confidence}, ret);
}

/* A conversation that has come to the question. */
static struct flow_machine *come_to(const struct speech_question *q, struct flow_reply *ret)
{
	struct flow_machine_params params = {.flow = flows[q->flow], .today = today(), .minute = SUNDAY_NOON};
	struct flow_machine *m = flow_machine_new(&params);

	flow_machine_turn(m, &(struct flow_turn){.cause = FLOW_START, .text = ""}, ret);
	for (size_t i = 0; i < ARRAY_LEN(q->path) && q->path[i]; i++)
		turn(m, q->path[i], 1, ret);

	return m;
}

void speech_questions_load(void)
{
	static struct flow_faults faults;
	static struct flow_reply reply;

	for (size_t i = 0; i < SPEECH_FLOWS; i++)
		if (flow_load(&flows[i], &(struct flow_source){.name = flow_names[i]}, &faults, NULL) < 0)
			die(faults.list[0].words);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		struct speech_question *q = &questions[i];

		flow_machine_free(come_to(q, &reply));
		snprintf(q->context, sizeof(q->context), "%s/%s", flow_names[q->flow], reply.context);
	}
}

void speech_questions_free(void)
{
	for (size_t i = 0; i < SPEECH_FLOWS; i++)
		flows[i] = flow_unref(flows[i]);
}

const struct speech_question *speech_question_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];

	return NULL;
}

void speech_grammars(struct stt_grammar *ret)
{
	for (size_t i = 0; i < SPEECH_FLOWS; i++)
		ret[i] = (struct stt_grammar){flow_names[i], span_z(flow_grammar(flows[i]))};
}

const char *speech_question_context(const struct speech_question *q)
{
	return q->context;
}

void speech_question_meaning(const struct speech_question *q, const char *text, struct flow_meaning *ret)
{
	flow_meaning(flows[q->flow], q->asked, today(), text, ret);
}

void speech_question_outcome(const struct speech_question *q, const char *text, float confidence, char *ret_outcome)
{
	static struct flow_reply reply;
	struct flow_machine *m = come_to(q, &reply);
	FILE *out = fmemopen(ret_outcome, SPEECH_OUTCOME, "w");

	assert(out);
	turn(m, text ? text : "", text ? confidence : 0, &reply);
	fprintf(out, "%s\n%d %s\n", reply.text, (int)reply.action, reply.args);
	flow_machine_describe(m, out);
	fclose(out);
	flow_machine_free(m);
}
