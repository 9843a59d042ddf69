/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/automaton.h"
#include "providers/embedded/grammar.h"

/* Grammars that are taken must be usable in every way: what they make they accept, and each model of them can be written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 4096 };

static void use_context(const struct grammar *g, size_t context)
{
	struct automaton *a = NULL;
	uint64_t seed = 1;
	char text[256];

	for (int i = 0; i < 4; i++)
		if (grammar_sample(g, context, &seed, text, sizeof(text)) && strlen(text) < 120 &&
		    !grammar_accepts(g, context, span_z(text)))
			abort();
	free(grammar_write_jsgf(g, context));
	if (automaton_new(&a, g, context) < 0)
		return;
	for (size_t i = 0; i < a->arc_count; i++)
		if (a->arcs[i].from >= a->state_count || a->arcs[i].to >= a->state_count)
			abort();
	automaton_free(a);
	free(grammar_write_phrases(g, context, 10, 1));
	free(grammar_write_arpa(g, context, 10, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct grammar *g;
	struct grammar_error error;

	if (n > INPUT_MAX || grammar_parse(&g, span((const char *)data, n), &error) < 0)
		return 0;
	for (size_t c = 0; c < grammar_context_count(g); c++)
		use_context(g, c);
	free(grammar_dictionary(g, SPAN_LIT("yes Y EH S\nno N OW\nno(2) N AH\n"), &error));
	grammar_free(g);

	return 0;
}
