/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "speech_question.h"

/* What was said and what was heard, for speech_bench: word errors, intents, slots, by line and voice. */
struct speech_item {
	char *line; /* of the manifest, cut at its tabs */
	const char *path, *condition, *voice, *question, *expect, *words;
	const struct speech_question *asked;
	char heard[1024];
	float confidence, shortest; /* of the utterance, of its least certain word */
	uint32_t audio_ms, compute_us, words_ms, word_count;
};

/* Markdown tables. */
void speech_score_print(const struct speech_item *items, size_t n);
/* One line each: manifest's fields, heard, confidence, least word's confidence, ms of words, words, verdict. */
int speech_score_save(const struct speech_item *items, size_t n, const char *path);
