/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Discrete Fourier transform, forward, in place. n is a power of two up to FFT_MAX. Pure; any thread. */
enum { FFT_MAX = 512 };

struct complex32 {
	float re, im;
};

void fft_run(struct complex32 *x, int n);
