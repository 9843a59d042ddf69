/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Which one or two sines a frame is made of, if it is: for tones that are found in noise and after a codec, where
 * tone_find_single (audio/tone.h) wants them clean. Pure, embedded, no allocation; one stream each.
 *
 * A spectrum of the last 32 ms, bins of 31.25 Hz, behind a Hann window: two sines are told apart from about 90 Hz on; nearer ones
 * (440 and 480 Hz) are one that wavers.
 */
#define SPOT_FFT  256
#define SPOT_PAST 6 /* samples at 16 kHz that the half-band filter looks back */

struct spot {
	int rate_hz;
	int16_t past[SPOT_PAST];
	float ring[SPOT_FFT];  /* the last 32 ms at 8 kHz, oldest first */
	float window[SPOT_FFT];
	float cos_w[SPOT_FFT / 2], sin_w[SPOT_FFT / 2]; /* of k/256 turns */
};

struct spot_out {
	float level_db;	 /* of the frame's newest 20 ms, dB below full scale (RMS of a full sine is -3) */
	float hz[2];	 /* of the strongest two; 0: none */
	float share[2];	 /* of the energy between 94 and 4000 Hz, 0..1 */
};

/* rate_hz is 8000 or 16000 (asserted). */
void spot_init(struct spot *s, int rate_hz);

/* A frame of at most 20 ms. What is below -50 dB is not looked at: hz and share are 0. */
void spot_run(struct spot *s, const int16_t *pcm, int n, struct spot_out *ret);
