/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "turn/answer.h"

/*
 * What words give a machine away. Phrases are data per language (BCP 47, the primary subtag counts); an unknown language has none.
 * Pure.
 */

struct answer_word {
	struct span text; /* lower case */
	float confidence; /* 0..1 */
};

/* A text as words that are all so sure; returns how many, at most cap. */
size_t answer_words_split(const char *text, float confidence, struct answer_word *ret, size_t cap);

/*
 * Whose words these are: VOICEMAIL, SCREENING, IVR, or UNKNOWN; *ret_phrase: what gave it away, constant. A phrase counts when its words
 * are sure on the average: the small ones never are by themselves.
 */
enum answer_who answer_words_judge(const char *language, const struct answer_word *words, size_t n, const char **ret_phrase);
