/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "providers/embedded/acoustic.h"

/*
 * Cepstra of speech at 16 kHz, as CMU Sphinx' wideband models were trained on: frames of 25.6 ms every 10 ms, 25 mel bands from
 * 130 to 6800 Hz, 13 liftered coefficients of their logarithms.
 *
 * Pure, no allocation, embedded. One utterance at a time.
 */
enum { MFCC_WINDOW = 410, MFCC_HOP = 160, MFCC_BANDS = 25 };

struct mfcc {
	float in[MFCC_WINDOW]; /* pre-emphasised */
	size_t fill;
	float last; /* sample, for pre-emphasis */
};

void mfcc_init(struct mfcc *m);

/*
 * Takes samples until a frame is complete; returns how many. ret_cepstra has been written when *ret_is_frame is true; call again
 * with the rest.
 */
size_t mfcc_take(struct mfcc *m, const int16_t *pcm, size_t n, float ret_cepstra[ACOUSTIC_CEPSTRA], bool *ret_is_frame);

/*
 * The features of frame at: cepstra without mean, and how they change over 40 ms, and how that changes. At the ends the outer
 * frames count for those beyond.
 */
void mfcc_features(const float (*cepstra)[ACOUSTIC_CEPSTRA], size_t count, size_t at, const float mean[ACOUSTIC_CEPSTRA],
	float ret[ACOUSTIC_FEATURES]);
