/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "flow/flow.h"
#include "providers/embedded/grammar_parse_test.h"

/*
 * The grammars that flows make: recognisers can read them, and what they let a recogniser hear the flow understands. Both come from
 * the same phrases, so that a difference is a mistake in one of their readers.
 */
static const struct shipped {
	const char *name, *language;
} shipped[] = {{"receptionist", "en"}, {"order-status", "en"}, {"survey", "en"}, {"survey", "es"}};

static struct flow *load(const struct shipped *s)
{
	static struct flow_faults faults;
	struct flow *f = NULL;

	assert_int_equal(flow_load(&f, &(struct flow_source){.name = s->name, .language = s->language}, &faults, NULL), 0);

	return f;
}

static void grammars_accept_what_they_make(void **state)
{
	uint64_t seed = test_seed();
	char text[400];

	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		struct flow *f = load(&shipped[i]);
		struct grammar *g = parse(flow_grammar(f));

		for (size_t c = 0; c < grammar_context_count(g); c++)
			for (int k = 0; k < 200; k++) {
				if (!grammar_sample(g, c, &seed, text, sizeof(text)))
					continue;
				if (!grammar_accepts(g, c, span_z(text)))
					fail_msg("%s: %s", grammar_context_name(g, c), text);
			}
		grammar_free(g);
		flow_unref(f);
	}
}

/* Every sentence of a context means something where that context is listened with. */
static void what_can_be_heard_is_understood(void **state)
{
	uint64_t seed = test_seed();
	size_t count = 0, lost = 0;
	char text[300];

	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		struct flow *f = load(&shipped[i]);
		struct grammar *g = parse(flow_grammar(f));

		for (size_t c = 0; c < grammar_context_count(g); c++)
			for (int k = 0; k < 400; k++) {
				const char *asked = grammar_context_name(g, c);
				struct flow_meaning m, open;

				if (!grammar_sample(g, c, &seed, text, sizeof(text)))
					continue;
				flow_meaning(f, asked, calendar_day((struct civil){2026, 11, 22}), text, &m);
				flow_meaning(f, "confirm", calendar_day((struct civil){2026, 11, 22}), text, &open);
				count++;
				if (m.intent[0] || m.slots[0] || open.intent[0] || open.slots[0])
					continue;
				lost++;
				print_message("%s/%s: %s\n", shipped[i].name, asked, text);
			}
		grammar_free(g);
		flow_unref(f);
	}
	print_message("%zu of %zu are not understood\n", lost, count);
	/* Days that no calendar has ("february thirtieth"), and names made of words that are none. */
	assert_true(lost * 50 <= count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammars_accept_what_they_make),
		cmocka_unit_test(what_can_be_heard_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
