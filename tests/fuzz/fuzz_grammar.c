/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A recogniser's grammar: read, or refused with words; what it makes it accepts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct grammar *g = NULL;
	struct grammar_error error = {0};
	uint64_t seed = 1 + n;
	char text[400];
	int err = grammar_parse(&g, span((const char *)data, n), &error);

	assert(err ? error.words[0] : g != NULL);
	for (size_t c = 0; !err && c < grammar_context_count(g); c++) {
		size_t words = 1;

		if (!grammar_sample(g, c, &seed, text, sizeof(text)))
			continue;
		for (const char *p = text; *p; p++)
			words += *p == ' ';
		/* More words than positions in the walk are not answered. */
		assert(words > 62 || grammar_accepts(g, c, span_z(text)));
	}
	grammar_free(g);

	return 0;
}
