/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/fft.h"
#include <math.h>
#include <pthread.h>

static struct complex32 twiddle[FFT_MAX / 2]; /* e^(-2 pi i k / FFT_MAX) */

static void init(void)
{
	for (int k = 0; k < FFT_MAX / 2; k++) {
		double angle = 2 * M_PI * k / FFT_MAX;

		twiddle[k] = (struct complex32){(float)cos(angle), (float)-sin(angle)};
	}
}

/* Radix 2, decimation in time. */
void fft_run(struct complex32 *x, int n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
	for (int i = 1, j = 0; i < n; i++) {
		int bit = n >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			struct complex32 t = x[i];

			x[i] = x[j];
			x[j] = t;
		}
	}
	for (int half = 1; half < n; half *= 2) {
		int step = FFT_MAX / (2 * half);

		for (int i = 0; i < n; i += 2 * half)
			for (int k = 0; k < half; k++) {
				struct complex32 w = twiddle[k * step], *a = &x[i + k], *b = a + half;
				float re = b->re * w.re - b->im * w.im, im = b->re * w.im + b->im * w.re;

				*b = (struct complex32){a->re - re, a->im - im};
				*a = (struct complex32){a->re + re, a->im + im};
			}
	}
}
