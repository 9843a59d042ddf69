/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/mfcc.h"
#include <math.h>
#include <pthread.h>
#include "providers/embedded/fft.h"

enum { FFT = 512, BINS = FFT / 2 + 1, LIFTER = 22 };

#define RATE	     16000.0
#define LOW_HZ	     130.0
#define HIGH_HZ	     6800.0
#define PRE_EMPHASIS 0.97F
#define POWER_MIN    1e-4F

static float window[MFCC_WINDOW];
static float weight[MFCC_BANDS][BINS]; /* triangles of unit area */
static uint16_t first_bin[MFCC_BANDS], end_bin[MFCC_BANDS];
static float cosine[ACOUSTIC_CEPSTRA][MFCC_BANDS]; /* with the lifter in it */

static double mel_of(double hz)
{
	return 2595 * log10(1 + hz / 700);
}

/* Band edges are rounded to bins, as in the training. */
static double edge(int i)
{
	double lo = mel_of(LOW_HZ), hi = mel_of(HIGH_HZ);
	double hz = 700 * (pow(10, (lo + (hi - lo) * i / (MFCC_BANDS + 1)) / 2595) - 1);

	return floor(hz * FFT / RATE + 0.5) * RATE / FFT;
}

static void init_band(int band)
{
	double left = edge(band), centre = edge(band + 1), right = edge(band + 2);

	first_bin[band] = BINS;
	for (int k = 0; k < BINS; k++) {
		double hz = k * RATE / FFT;

		if (hz < left || hz > right)
			continue;
		first_bin[band] = MIN(first_bin[band], (uint16_t)k);
		end_bin[band] = (uint16_t)(k + 1);
		weight[band][k] = (float)(2 / (right - left) * fmin((hz - left) / (centre - left), (right - hz) / (right - centre)));
	}
}

static void init(void)
{
	for (int i = 0; i < MFCC_WINDOW; i++)
		window[i] = (float)(0.54 - 0.46 * cos(2 * M_PI * i / (MFCC_WINDOW - 1)));
	for (int band = 0; band < MFCC_BANDS; band++)
		init_band(band);
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++)
		for (int band = 0; band < MFCC_BANDS; band++)
			cosine[c][band] = (float)(sqrt((c ? 2.0 : 1.0) / MFCC_BANDS) * cos(M_PI * c * (band + 0.5) / MFCC_BANDS) *
						  (1 + LIFTER / 2.0 * sin(M_PI * c / LIFTER)));
}

void mfcc_init(struct mfcc *m)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
	m->fill = 0;
	m->last = 0;
}

static void transform(const float *in, float *ret_cepstra)
{
	struct complex32 x[FFT] = {0};
	float power[BINS], level[MFCC_BANDS];

	for (int i = 0; i < MFCC_WINDOW; i++)
		x[i].re = in[i] * window[i];
	fft_run(x, FFT);
	for (int k = 0; k < BINS; k++)
		power[k] = x[k].re * x[k].re + x[k].im * x[k].im;
	for (int band = 0; band < MFCC_BANDS; band++) {
		float sum = 0;

		for (int k = first_bin[band]; k < end_bin[band]; k++)
			sum += power[k] * weight[band][k];
		level[band] = logf(sum + POWER_MIN);
	}
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++) {
		ret_cepstra[c] = 0;
		for (int band = 0; band < MFCC_BANDS; band++)
			ret_cepstra[c] += level[band] * cosine[c][band];
	}
}

size_t mfcc_take(struct mfcc *m, const int16_t *pcm, size_t n, float ret_cepstra[ACOUSTIC_CEPSTRA], bool *ret_is_frame)
{
	size_t part = MIN(n, (size_t)MFCC_WINDOW - m->fill);

	for (size_t i = 0; i < part; i++) {
		m->in[m->fill++] = pcm[i] - PRE_EMPHASIS * m->last;
		m->last = pcm[i];
	}
	*ret_is_frame = m->fill == MFCC_WINDOW;
	if (*ret_is_frame) {
		transform(m->in, ret_cepstra);
		memmove(m->in, m->in + MFCC_HOP, (MFCC_WINDOW - MFCC_HOP) * sizeof(m->in[0]));
		m->fill -= MFCC_HOP;
	}

	return part;
}

void mfcc_features(const float (*cepstra)[ACOUSTIC_CEPSTRA], size_t count, size_t at, const float mean[ACOUSTIC_CEPSTRA],
	float ret[ACOUSTIC_FEATURES])
{
	const float *around[7]; /* three frames before to three behind */

	for (int i = 0; i < 7; i++)
		around[i] = cepstra[(size_t)CLAMP((long)at + i - 3, 0L, (long)count - 1)];
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++) {
		ret[c] = around[3][c] - mean[c];
		ret[ACOUSTIC_CEPSTRA + c] = around[5][c] - around[1][c];
		ret[2 * ACOUSTIC_CEPSTRA + c] = (around[6][c] - around[2][c]) - (around[4][c] - around[0][c]);
	}
}
