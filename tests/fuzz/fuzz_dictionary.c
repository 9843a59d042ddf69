/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/grammar.h"

/* Whatever stands in a pronouncing dictionary: every line that is taken from it is one of a word of the grammar. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct grammar *g;
	struct grammar_error error;

	if (!g && grammar_parse(&g, SPAN_LIT("context c = yes [no] | the; say the = DH AH;"), &error) < 0)
		abort();

	char *text = grammar_dictionary(g, span((const char *)data, n), &error);
	struct span rest = span_z(text ? text : "");

	while (rest.n) {
		struct span line = span_cut(&rest, '\n');

		if (line.n && line.p[0] != 'y' && line.p[0] != 'n' && line.p[0] != 't')
			abort();
	}
	free(text);

	return 0;
}
