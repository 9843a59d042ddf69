/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Text as people write it, made into words that a synthesiser reads as people say them: numbers, ordinals, dates, times, money,
 * percentages, telephone numbers and codes (digit by digit, in groups, with pauses), spelled words, e-mail and web addresses,
 * units, abbreviations, typographic characters. The rules of each language are a table (speak_lang.h). Pure.
 */
enum {
	SPEAKABLE_TEXT_MAX = 4 * LIMIT_TTS_TEXT_BYTES,
	SPEAKABLE_WORDS_MAX = LIMIT_TTS_TEXT_BYTES,
};

struct speakable {
	char text[SPEAKABLE_TEXT_MAX]; /* words with one space between */
	size_t text_len;
	/* For each word of text: the byte of the source after the word it came from. */
	uint32_t source_end[SPEAKABLE_WORDS_MAX];
	size_t word_count;
};

/*
 * language: BCP 47; -TR_EUNSUPP when there is no table for it. -TR_ETOOBIG when the source is longer than LIMIT_TTS_TEXT_BYTES or
 * grows out of the bounds above.
 */
nodiscard int speakable_make(const char *source, const char *language, struct speakable *ret);
