/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/recogniser_model.h"

/*
 * One PocketSphinx decoder with a search for each context of a model. Wideband: 16 kHz only.
 *
 * Two ways to recognise: live (start, feed, guess, stop), which knows the loudness of the channel only by and by, and whole
 * (decode), which normalises by the utterance itself and is what finals come from: on the first words of a call it makes half
 * the errors. Each takes some seven hundredths of the audio's time, whole with its confidences a tenth.
 *
 * Confidence: a grammar fits its nearest sentence to anything. So the utterance is decoded once more as a mere string of
 * sounds, from the same scores (scores.h), and a word's confidence is how much worse than that string the word explains its
 * stretch of audio.
 *
 * Thread: one at a time.
 */
struct recogniser;

/* Loads the acoustic model: tens of milliseconds and megabytes. Borrows model. */
nodiscard int recogniser_new(struct recogniser **ret, const struct recogniser_model *model, struct port_fault *ret_fault);
struct recogniser *recogniser_free(struct recogniser *r);

struct recogniser_word {
	char text[40];
	uint32_t start_ms, end_ms;
	float confidence;
};

struct recogniser_result {
	char text[1024];
	float confidence; /* 0..1: from the mean of what its words' are made of; 0 without words */
	struct recogniser_word words[LIMIT_STT_WORDS];
	size_t word_count;
};

/* Utterance after utterance; context is an index of the model. */
nodiscard int recogniser_start(struct recogniser *r, size_t context);
void recogniser_feed(struct recogniser *r, const int16_t *pcm, size_t n);
/* The words so far; true when they changed since the last call. */
bool recogniser_guess(struct recogniser *r, char *ret_text, size_t n);
void recogniser_stop(struct recogniser *r);

nodiscard int recogniser_decode(struct recogniser *r, size_t context, const int16_t *pcm, size_t n,
	struct recogniser_result *ret);
