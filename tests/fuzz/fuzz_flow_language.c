/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A language's file: read, or refused with words; numbers can be said in what is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct lang *l = NULL;
	struct lang_fault fault = {0};
	char text[300];
	int err = lang_parse(&l, span((const char *)data, n), &fault);

	assert(err ? fault.words[0] : l != NULL);
	for (uint32_t i = 0; !err && i < 1000000; i = i * 3 + 1) {
		lang_number_words(l, i, text, sizeof(text));
		assert(strlen(text) < sizeof(text));
	}
	lang_unref(l);

	return 0;
}
