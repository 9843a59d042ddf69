/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Where a waveform repeats itself: shared by concealment, time-stretch and the voice activity
 * detector. Pure. */
struct pitch {
	int lag;     /* samples */
	float match; /* normalised correlation at that lag, -1..1; 0 on silence */
};

/*
 * The lag in [min_lag, max_lag] at which x[0..n) looks most like x[-lag..n-lag): max_lag samples
 * must stand before x. Searched on samples thinned to about 4 kHz and refined around the best; of
 * near equals the shortest lag. n <= 400, max_lag <= 300.
 */
struct pitch pitch_find(const int16_t *x, int n, int min_lag, int max_lag, int rate_hz);

/* Normalised correlation of a[0..n) and b[0..n). */
float pitch_match(const int16_t *a, const int16_t *b, int n);
