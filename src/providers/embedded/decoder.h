/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/network.h"

/*
 * The most likely words for a row of frames: Viterbi search over a network, within a beam. Deterministic, and nothing of an
 * utterance outlives it.
 *
 * Beside it runs a loop over plain sounds, whose score says how well any string of sounds explains the same audio.
 *
 * One thread at a time.
 */
struct decoder;

struct decoder *decoder_new(const struct acoustic *acoustic);
struct decoder *decoder_free(struct decoder *d);

/* Starts an utterance. Memory grows to the greatest network met. */
void decoder_begin(struct decoder *d, const struct network *net);
/* The next frame: scores as of acoustic_score. */
void decoder_step(struct decoder *d, const float *scores);

struct decoder_word {
	uint32_t word;
	uint32_t from, to; /* frames, the last one not included */
	float gap; /* by how many nats a frame it explains its stretch better than the string of sounds does */
};

/*
 * The words of the best path, to its end when it may end in the network (returns true); else, or when is_partial, those of the
 * best path so far. *ret_count <= max; what comes beyond is left out.
 */
bool decoder_result(struct decoder *d, bool is_partial, struct decoder_word *ret_words, size_t max, size_t *ret_count);
