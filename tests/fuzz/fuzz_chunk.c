/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/chunk.h"

/*
 * The sentence chunker on any bytes, in steps of any size (first byte): pieces are bounded, never empty, and together they are
 * the text: white space and NUL apart, nothing is lost, doubled or reordered.
 */
static char wanted[65536], got[65536];
static size_t wanted_n, got_n;

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static void take_all(struct chunker *c)
{
	char piece[CHUNK_BYTES];

	while (chunk_take(c, piece)) {
		size_t n = strlen(piece);

		if (n > LIMIT_AGENT_CHUNK_BYTES || (n && (is_blank(piece[0]) || is_blank(piece[n - 1]))) || !n)
			abort();
		for (size_t i = 0; i < n; i++)
			if (!is_blank(piece[i]))
				got[got_n++] = piece[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunker c;
	size_t at = 1;

	if (size < 2 || size > sizeof(wanted))
		return 0;

	wanted_n = got_n = 0;
	for (size_t i = 1; i < size; i++)
		if (!is_blank((char)data[i]))
			wanted[wanted_n++] = (char)data[i];

	chunk_init(&c);
	while (at < size) {
		size_t took = chunk_put(&c, (const char *)data + at, MIN(size - at, 1u + data[0]));

		if (!took)
			abort();
		at += took;
		take_all(&c);
	}
	chunk_end(&c);
	take_all(&c);
	if (got_n != wanted_n || memcmp(got, wanted, got_n) != 0)
		abort();

	return 0;
}
