/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* A sentence cut into words for parse_en: lower case, punctuation gone, "2:30" and "3pm" taken apart. Pure. */
enum { PARSE_WORDS_MAX = 64, PARSE_WORDS_AHEAD = 16 };

struct said {
	const char *at[PARSE_WORDS_MAX + PARSE_WORDS_AHEAD]; /* "" behind the last, so that looking ahead is safe */
	size_t count;
	char text[1024];
};

void said_cut(struct span text, struct said *ret);

/* The words of phrase (with blanks between) stand at i; and anywhere; the index behind them, or 0. */
size_t said_match(const struct said *w, size_t i, const char *phrase);
size_t said_find(const struct said *w, const char *phrase);
/* Any of several phrases, a NULL behind the last. */
size_t said_find_any(const struct said *w, const char *const *phrases);

bool word_is(const char *word, const char *const *set);
/* Index in a NULL-terminated list, or -1. */
int word_index(const char *word, const char *const *list);
/* 0..59 in words or digits (with tens and units as separate words, *ret_used of them); -1. */
int word_number(const struct said *w, size_t i, size_t *ret_used);
/* 1..31 from "fifth", "twenty first", "5th"; -1. */
int word_ordinal(const struct said *w, size_t i, size_t *ret_used);
