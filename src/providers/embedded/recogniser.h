/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/recogniser_model.h"

/*
 * One decoder for the contexts of a model. Audio is telephone speech at 8 kHz (ears.h), or wideband at 16 kHz.
 *
 * Two ways to recognise: live (start, feed, guess, stop), which knows the loudness and colour of the channel only by and by, and
 * whole (decode), which normalises by the utterance itself and is what finals come from. Both forget an utterance when it is
 * over: the same audio gives the same result, whatever was heard before.
 *
 * Confidence: a grammar fits its nearest sentence to anything. So a loop of mere sounds is decoded beside it, and a word's
 * confidence is how much worse than that the word explains its stretch of audio.
 *
 * Thread: one at a time.
 */
struct recogniser;

/* A megabyte or two. Borrows model. */
struct recogniser *recogniser_new(const struct recogniser_model *model);
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
void recogniser_start(struct recogniser *r, size_t context, uint32_t rate_hz);
void recogniser_feed(struct recogniser *r, const int16_t *pcm, size_t n);
/* The words so far; true when they changed since the last call. */
bool recogniser_guess(struct recogniser *r, char *ret_text, size_t n);
void recogniser_stop(struct recogniser *r);

/* Ends what live recognition was at. */
struct recogniser_audio {
	uint32_t rate_hz;
	const int16_t *pcm;
	size_t n;
};
void recogniser_decode(struct recogniser *r, size_t context, const struct recogniser_audio *audio, struct recogniser_result *ret);
