/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/acoustic.h"
#include "providers/embedded/grammar.h"

/* How the words of a grammar are pronounced, in the phones of an acoustic model. Immutable. */
enum { LEXICON_PHONES_MAX = 40 };

struct lexicon_entry {
	uint32_t word; /* of the grammar */
	uint8_t phone_count;
	uint8_t phones[LEXICON_PHONES_MAX];
};

struct lexicon {
	struct lexicon_entry *entries; /* sorted by word; a word may have several */
	size_t count;
	uint32_t *first; /* entry of each word; one more at the end */
};

/* dictionary: what grammar_dictionary writes. -TR_EPARSE with ret_why for phones that the model lacks. */
nodiscard int lexicon_new(struct lexicon **ret, const struct grammar *g, const struct acoustic *a, struct span dictionary,
	char *ret_why, size_t why_n);
struct lexicon *lexicon_free(struct lexicon *l);
