/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * English text as people write it, made into words that a synthesiser reads as people say them: times ("2:30 pm"), telephone
 * numbers and long codes (digit by digit, in groups), typographic characters. What the synthesiser reads well by itself
 * (short numbers, money, ordinals) is left alone. Pure.
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

/* -TR_ETOOBIG when the source is longer than LIMIT_TTS_TEXT_BYTES or grows out of the bounds above. */
nodiscard int speakable_en(const char *source, struct speakable *ret);
