/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/automaton.h"
#include "base/testing.h"
#include "flow/flow.h"
#include "providers/embedded/answering_grammar.h"
#include "providers/embedded/grammar_parse_test.h"

static const char *const flow_names[] = {"receptionist", "order-status", "survey"};

/* The arc of that word, or NULL. */
static const struct automaton_arc *arc_of(const struct automaton *a, const struct grammar *g, uint32_t state, struct span word)
{
	for (size_t i = 0; i < a->arc_count; i++)
		if (a->arcs[i].from == state && span_eq_z(word, grammar_word(g, a->arcs[i].word)))
			return &a->arcs[i];

	return NULL;
}

static bool accepts(const struct automaton *a, const struct grammar *g, const char *text)
{
	uint32_t state = 0;

	for (struct span rest = span_z(text); rest.n;) {
		const struct automaton_arc *arc = arc_of(a, g, state, span_cut(&rest, ' '));

		if (!arc)
			return false;
		state = arc->to;
	}

	return a->is_final[state];
}

/* The words up to each place, and with the next one missing: the grammar itself says which of them are sentences. */
static void check_prefixes(const struct automaton *a, const struct grammar *g, size_t context, char *text)
{
	for (char *blank = strchr(text, ' '); blank; blank = strchr(blank + 1, ' ')) {
		*blank = 0;
		if (accepts(a, g, text) != grammar_accepts(g, context, span_z(text)))
			fail_msg("%s: %s", grammar_context_name(g, context), text);
		*blank = ' ';
	}
}

static void check(const struct grammar *g, uint64_t *seed)
{
	char text[600];

	for (size_t c = 0; c < grammar_context_count(g); c++) {
		struct automaton *a;

		assert_int_equal(automaton_new(&a, g, c), 0);
		for (int k = 0; k < 300; k++) {
			if (!grammar_sample(g, c, seed, text, sizeof(text)))
				continue;
			if (!accepts(a, g, text))
				fail_msg("%s loses: %s", grammar_context_name(g, c), text);
			if (grammar_accepts(g, c, span_z(text)))
				check_prefixes(a, g, c, text);
		}
		automaton_free(a);
	}
}

/* What the grammars that are shipped let callers say, no more and no less. */
static void shipped_grammars_lose_no_sentence(void **state)
{
	static struct flow_faults faults;
	uint64_t seed = test_seed();
	struct grammar *g = parse(answering_grammar);

	check(g, &seed);
	grammar_free(g);
	for (size_t i = 0; i < ARRAY_LEN(flow_names); i++) {
		struct flow *f = NULL;

		assert_int_equal(flow_load(&f, &(struct flow_source){.name = flow_names[i]}, &faults, NULL), 0);
		g = parse(flow_grammar(f));
		check(g, &seed);
		grammar_free(g);
		flow_unref(f);
	}
}

static const char *random_word(uint64_t *seed)
{
	static const char *const words[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

	return words[prng_u32(seed) % ARRAY_LEN(words)];
}

static void write_random(FILE *out, int depth, bool is_repeated, uint64_t *seed)
{
	static const char *const ends[] = {")", "]", ")+", ")*"};
	uint32_t kind = depth ? prng_u32(seed) % (is_repeated ? 4 : 6) : 0;
	bool repeats = kind >= 4;

	if (kind < 2) {
		fprintf(out, "%s ", random_word(seed));
		return;
	}
	/* A word first: what is repeated must be neither nothing nor repeat anything itself. */
	fprintf(out, "%c%s ", kind == 3 ? '[' : '(', random_word(seed));
	write_random(out, depth - 1, is_repeated || repeats, seed);
	fputs("| ", out);
	fprintf(out, "%s ", random_word(seed));
	write_random(out, depth - 1, is_repeated || repeats, seed);
	fprintf(out, "%s %s ", ends[kind - 2], random_word(seed));
}

static void random_grammars_lose_no_sentence(void **state)
{
	uint64_t seed = test_seed();

	for (int k = 0; k < 200; k++) {
		char text[4000] = "";
		FILE *out = fmemopen(text, sizeof(text), "w");
		struct grammar *g;

		assert_non_null(out);
		fputs("context c = ", out);
		for (int i = 0; i < 3; i++)
			write_random(out, 4, false, &seed);
		fputs(";\n", out);
		fclose(out);
		g = parse(text);
		check(g, &seed);
		grammar_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_grammars_lose_no_sentence),
		cmocka_unit_test(random_grammars_lose_no_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
