/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/heard.h"
#include <ctype.h>

/* Letters a second of a calm English voice: only used when an engine gives neither marks nor, yet, the length. */
#define USUAL_BYTES_PER_S 14

static bool is_break(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The last word's end at or before byte n: a word counts only when all of it was spoken. */
static size_t word_end_before(const char *text, size_t len, size_t n)
{
	if (n >= len)
		return len;
	while (n > 0 && !is_break(text[n]))
		n--;
	while (n > 0 && is_break(text[n - 1]))
		n--;

	return n;
}

static size_t by_marks(const struct heard *h, size_t len, uint32_t played)
{
	size_t n = 0, end;

	for (uint32_t i = 0; i < h->mark_count && h->marks[i].at <= played; i++)
		n = MIN(h->marks[i].text_end, len);

	/* A mark ends a word; the comma behind it was "heard" too, a half "3:30" was not. */
	for (end = n; end < len && ispunct((unsigned char)h->text[end]); end++)
		;

	return n > 0 && (end == len || is_break(h->text[end])) ? end : word_end_before(h->text, len, n);
}

size_t heard_bytes(const struct heard *h, uint32_t played, uint32_t rate_hz)
{
	size_t len = strlen(h->text);

	if (h->is_whole && played >= h->samples)
		return len;
	if (played == 0)
		return 0;
	if (h->mark_count)
		return by_marks(h, len, played);

	uint64_t n = h->is_whole ? (uint64_t)len * played / h->samples :
				   (uint64_t)played * USUAL_BYTES_PER_S / MAX(rate_hz, 1);

	return word_end_before(h->text, len, (size_t)MIN(n, len));
}
