/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A flow's file: read, or refused with words; what is read can be talked to. */
static const char *const texts[] = {"yes", "no", "tuesday at two", "one two three four", "help", "ann lee", ""};

static void talk(struct flow *f)
{
	struct flow_machine_params params = {.flow = f, .today = 20000};
	struct flow_machine *m = flow_machine_new(&params);
	struct flow_reply *reply = mem_zalloc(sizeof(*reply));
	struct flow_turn turn = {.cause = FLOW_START, .text = "", .confidence = 1};

	flow_machine_turn(m, &turn, reply);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		turn = (struct flow_turn){.cause = texts[i][0] ? FLOW_TEXT : FLOW_SILENCE, .text = texts[i], .confidence = 1};
		(void)!flow_machine_judge(m, texts[i]);
		flow_machine_turn(m, &turn, reply);
		assert(strlen(reply->text) < sizeof(reply->text));
	}
	turn = (struct flow_turn){.cause = FLOW_KEYS, .text = "12", .confidence = 1};
	flow_machine_turn(m, &turn, reply);
	flow_machine_free(m);
	free(reply);
}

static struct lang *english(void)
{
	static struct flow_faults faults;
	struct flow *f = NULL;
	struct lang *l;

	if (flow_load(&f, &(struct flow_source){.name = "receptionist"}, &faults, NULL) != 0)
		abort();
	l = lang_ref(f->lang);
	flow_unref(f);

	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct flow_faults faults;
	static struct lang *lang;
	struct flow *f = NULL;
	int err;

	/* Reading the language would take longer than all else. */
	if (!lang)
		lang = english();
	err = flow_parse(&f, lang_ref(lang), span((const char *)data, n), NULL, &faults);
	assert(err ? faults.count : !faults.count);
	if (!err) {
		talk(f);
		flow_unref(f);
	}

	return 0;
}
