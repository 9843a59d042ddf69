/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/*
 * What callers say, to the flows that are built in: the first byte chooses one, then each line is a turn, as in `tipring flow-test`
 * ("#12" keys, nothing silence, "{...}" a tool's result, "?" hardly understood).
 */
static const struct flow_source sources[] = {{.name = "receptionist"}, {.name = "order-status"}, {.name = "survey", .language = "en"},
	{.name = "survey", .language = "es"}};

static bool has_tool(void *ctx, const char *name)
{
	return true;
}

static void take_turn(struct flow_machine *m, struct flow_reply *reply, const char *line)
{
	struct flow_turn turn = {.cause = FLOW_TEXT, .text = line, .confidence = 1};

	if (!line[0]) {
		turn.cause = FLOW_SILENCE;
	} else if (line[0] == '#') {
		turn.cause = FLOW_KEYS;
		turn.text = line + 1;
	} else if (line[0] == '{') {
		turn.cause = FLOW_TOOL_RESULT;
	} else if (line[0] == '?') {
		turn.is_interrupted = turn.is_continued = true;
		turn.heard = "So";
		turn.confidence = 0.2F;
		turn.text = line + 1;
	}
	(void)!flow_machine_judge(m, turn.text);
	flow_machine_turn(m, &turn, reply);
	assert(strlen(reply->text) < sizeof(reply->text));
	assert(reply->context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct flow *flows[ARRAY_LEN(sources)];
	static struct flow_faults faults;
	size_t which = n ? data[0] % ARRAY_LEN(sources) : 0;
	struct span rest = span((const char *)data + (n != 0), n - (n != 0));
	struct flow_machine_params params = {.today = 20000, .has_tool = has_tool};
	struct flow_reply *reply = mem_zalloc(sizeof(*reply));
	struct flow_machine *m;

	if (!flows[which] && flow_load(&flows[which], &sources[which], &faults, NULL) != 0)
		abort();
	params.flow = flows[which];
	m = flow_machine_new(&params);
	flow_machine_turn(m, &(struct flow_turn){.cause = FLOW_START, .text = ""}, reply);
	for (int i = 0; rest.n && i < 60; i++) {
		auto_free char *line = span_dup(span_cut(&rest, '\n'));

		take_turn(m, reply, line ? line : "");
	}
	flow_machine_free(m);
	free(reply);

	return 0;
}
