/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * One source for everything a recogniser is told about what callers say: JSGF for PocketSphinx, the part of a pronouncing
 * dictionary that it needs, sample sentences for language models and tests. share/en/answering.gram shows the form.
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

/* What other recognisers want to be told about a context; the caller frees. */

/* A JSGF grammar with one public rule. */
char *grammar_write_jsgf(const struct grammar *g, size_t context);
/*
 * A JSON array of phrases for Vosk: each sentence when there are at most max of them, else max random ones (the same for the same
 * seed) behind which every word stands alone, and "[unk]" at the end.
 */
char *grammar_write_phrases(const struct grammar *g, size_t context, size_t max, uint64_t seed);
/*
 * A trigram language model of random sentences of the context, in ARPA's format with Witten-Bell back-off: what is said often in
 * the grammar is cheap, but nothing is impossible. Every word of the context is in it.
 */
char *grammar_write_arpa(const struct grammar *g, size_t context, size_t sentences, uint64_t seed);

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
