/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "turn/turn.h"

/*
 * What a recognised text is worth while we are speaking: nothing, a nod, the echo of our own words, or something said.
 * Words are what stands between spaces; ASCII case and punctuation at their ends do not count.
 */

/* NULL-terminated, each one word or several with single spaces. */
struct word_list {
	const char *const *items;
	const char *const *fillers; /* those of them that say nothing by themselves */
};

/* The nods for a BCP 47 tag by its primary subtag ("en-US" finds en). A language without a list has no nods. */
struct word_list words_nods(const char *language);

/*
 * ours: what we were saying (may be NULL). A text of at least two words that all occur in it, in order and next to each
 * other, is echo of a loudspeaker and counts as a nod; a single word is not enough, since people repeat it ("Tuesday?" "Tuesday").
 *
 * voiced_ms: how long the voice of the text was. A nod with a word behind it in less time than two words take is a nod whose
 * end the recogniser made a word of ("okay eight").
 *
 * may_grow: of a text that is not final yet; what may still become a nod ("that is" right) is one.
 */
enum turn_words words_judge(const char *text, struct word_list nods, const char *ours, uint32_t voiced_ms, bool may_grow);
