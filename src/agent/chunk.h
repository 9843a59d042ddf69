/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Cuts the text that a mind streams into pieces a voice can speak: whole sentences, but the first clause of a reply as soon as
 * it stands, since the caller waits for it. Abbreviations, numbers, initials and addresses are not cut. Pure and bounded.
 *
 *	while (n) { size_t took = chunk_put(c, text, n); text += took; n -= took; while (chunk_take(c, piece)) speak(piece); }
 *	chunk_end(c); while (chunk_take(c, piece)) speak(piece);
 */
#define CHUNK_BYTES (LIMIT_AGENT_CHUNK_BYTES + 1)

struct chunker {
	char text[2 * LIMIT_AGENT_CHUNK_BYTES];
	size_t n;
	size_t seen;   /* bytes in which no end was found: not looked at again */
	bool is_begun; /* a piece has been taken: clauses do not matter any more */
	bool is_ended;
};

/* A new reply; also throws away what is left of the last. */
void chunk_init(struct chunker *c);

/* Takes as much as there is room for; at least one byte if chunk_take has just returned false. */
size_t chunk_put(struct chunker *c, const char *text, size_t n);

/* The text ends here: what is left is a piece too. */
void chunk_end(struct chunker *c);

/* Next piece, trimmed, white space as single spaces, never empty, whole UTF-8 sequences; false: not enough text yet. */
bool chunk_take(struct chunker *c, char ret_piece[static CHUNK_BYTES]);
