/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speakable.h"

/*
 * Any text through the tables of both languages: in bounds, words counted right, each with a place in the source, ascending; and
 * nothing in it that a rule should have filled in.
 */
static struct speakable out;

static void check(const char *text, const char *language)
{
	size_t words;

	if (speakable_make(text, language, &out) != 0)
		return;
	words = out.text_len > 0;
	if (out.text_len != strlen(out.text) || out.text_len >= sizeof(out.text))
		abort();
	for (size_t i = 0; i < out.text_len; i++)
		words += out.text[i] == ' ';
	if (words != out.word_count)
		abort();
	for (size_t i = 0; i < out.word_count; i++)
		if (out.source_end[i] > strlen(text) || (i && out.source_end[i] < out.source_end[i - 1]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LIMIT_TTS_TEXT_BYTES + 64];
	size_t n = MIN(size, sizeof(text) - 1);

	memcpy(text, data, n);
	text[n] = '\0';
	check(text, "en-US");
	check(text, "es");

	return 0;
}
