/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * A sentence as words: lower case, without punctuation, digits cut from the letters behind them ("3pm" is two words, "5th" too).
 * Each word stands there twice: as said, and folded to ASCII, because recognisers and people disagree on accents. Pure.
 */
enum { WORDS_MAX = 96, WORDS_BYTES = 1400 };

struct words {
	const char *at[WORDS_MAX + 4];	/* folded; "" behind the end */
	const char *raw[WORDS_MAX + 4]; /* with accents */
	size_t count;
	char text[WORDS_BYTES], raw_text[WORDS_BYTES];
};

/* What is more than fits is left out: nobody says so much in one breath. */
void words_cut(struct span text, struct words *ret);

/* The index behind the words of phrase (folded, one blank between) when they stand at i; else 0. */
size_t words_match(const struct words *w, size_t i, const char *phrase);

/* Lower case and ASCII where there is a letter that looks the same ("Miércoles" → "miercoles"). ret_text has n > strlen(s) bytes. */
void words_fold(struct span s, char *ret_text, size_t n);

/* One letter for display: "josé" → "José". For the first letter of a word; ret_text has room for strlen(word) + 1 bytes. */
void words_capitalise(const char *word, char *ret_text, size_t n);

static inline bool word_is_digits(const char *word)
{
	size_t n = strspn(word, "0123456789");

	return n && !word[n];
}
