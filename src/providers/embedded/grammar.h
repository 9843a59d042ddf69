/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * One source for everything a recogniser is told about what callers say: JSGF for PocketSphinx, the part of a pronouncing
 * dictionary that it needs, sample sentences for language models and tests. share/en/receptionist.gram shows the form.
 *
 * A grammar without mistakes is immutable and may be read by any thread.
 */
struct grammar;

struct grammar_error {
	uint32_t line; /* 1.. */
	char words[160];
};

/* -TR_EPARSE with line and words; -TR_ETOOBIG beyond the limits, likewise. Copies text. */
nodiscard int grammar_parse(struct grammar **ret, struct span text, struct grammar_error *ret_error);
struct grammar *grammar_free(struct grammar *g);

/* Contexts in source order. */
size_t grammar_context_count(const struct grammar *g);
const char *grammar_context_name(const struct grammar *g, size_t context);
/* false leaves *ret untouched. */
bool grammar_context_find(const struct grammar *g, const char *name, size_t *ret);

/* Words that contexts can produce, each once. */
size_t grammar_word_count(const struct grammar *g);
const char *grammar_word(const struct grammar *g, size_t word);

/* A JSGF grammar with one public rule; the caller frees. */
char *grammar_jsgf(const struct grammar *g, size_t context);

/* Could text (words with blanks between, at most 62) be said in context; and could it be the beginning of more. */
bool grammar_accepts(const struct grammar *g, size_t context, struct span text);
bool grammar_accepts_prefix(const struct grammar *g, size_t context, struct span text);

/* A random sentence of context; false when it does not fit. */
bool grammar_sample(const struct grammar *g, size_t context, uint64_t *seed, char *ret_text, size_t n);

/*
 * The lines of a CMU-style pronouncing dictionary that the grammar needs, then its own `say` lines; the caller frees. NULL when
 * words have no pronunciation: the first is named in ret_error with the line it stands on.
 */
char *grammar_dictionary(const struct grammar *g, struct span dictionary, struct grammar_error *ret_error);
