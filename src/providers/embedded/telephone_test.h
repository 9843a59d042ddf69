/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <math.h>
#include "base/base.h"

/*
 * For tests and benches: what a telephone line does to speech. 16 kHz in, 8 kHz out: band 280 to 3450 Hz, line noise, mu-law
 * and back.
 */
enum { TELEPHONE_TAPS = 321 };

static inline int16_t telephone_mulaw(float x)
{
	float magnitude = fminf(fabsf(x), 32635) + 132;
	int exponent = (int)log2f(magnitude) - 7;
	float step = exp2f((float)exponent + 3);
	float quantised = (floorf(magnitude / step) + 0.5F) * step - 132;

	return (int16_t)(x < 0 ? -quantised : quantised);
}

/* A band-pass of linear phase by windowed sinc, at 16 kHz. */
static inline void telephone_taps(float *ret_taps)
{
	for (int i = 0; i < TELEPHONE_TAPS; i++) {
		double t = i - TELEPHONE_TAPS / 2;
		double hi = 2 * 3450.0 / 16000, lo = 2 * 280.0 / 16000;
		double ideal = t == 0 ? hi - lo : (sin(M_PI * hi * t) - sin(M_PI * lo * t)) / (M_PI * t);

		ret_taps[i] = (float)(ideal * (0.54 + 0.46 * cos(2 * M_PI * t / TELEPHONE_TAPS)));
	}
}

/* Writes n / 2 samples. noise is its amplitude: 18 is a usual line (65 dB below full scale). */
static inline size_t telephone_line(const int16_t *in, size_t n, float gain, float noise, uint64_t *seed, int16_t *ret_out)
{
	float taps[TELEPHONE_TAPS];

	telephone_taps(taps);
	for (size_t i = 0; i < n / 2; i++) {
		float sum = 0;

		for (int k = 0; k < TELEPHONE_TAPS; k++) {
			long at = (long)(2 * i) + k - TELEPHONE_TAPS / 2;

			if (at >= 0 && at < (long)n)
				sum += taps[k] * in[at];
		}
		/* The sum of four uniform variables is near enough to a normal one. */
		float hiss = 0;

		for (int k = 0; k < 4; k++)
			hiss += (float)prng_u32(seed) / 4294967296.0F - 0.5F;
		ret_out[i] = telephone_mulaw(sum * gain + hiss * 1.73F * noise);
	}

	return n / 2;
}
