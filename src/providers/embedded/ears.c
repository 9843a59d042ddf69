/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/ears.h"
#include <math.h>
#include <pthread.h>
#include "providers/embedded/ears_weights.h"
#include "providers/embedded/fft.h"

enum { WINDOW = 205, HOP = 80, FFT = 256, BINS = FFT / 2 + 1, HIDDEN = sizeof(ears_b1) / sizeof(ears_b1[0]),
	FRAMES = 2 * EARS_CONTEXT + 1, INPUTS = EARS_BANDS * (FRAMES + 1) };

/* As in the training script. */
#define LOW_HZ	    100.0
#define HIGH_HZ	    3900.0
#define QUIET	    1e4F
#define FLOOR_SHARE 0.15F
#define LOUD_SHARE  0.95F
#define LOUD_SPAN   3.0F
#define SPAN	    3.0F

static_assert(sizeof(ears_w1) == sizeof(signed char[INPUTS][HIDDEN]), "weights do not fit the code");
static_assert(sizeof(ears_w3) == sizeof(signed char[HIDDEN][ACOUSTIC_CEPSTRA]), "weights do not fit the code");

static float window[WINDOW];
static float weight[EARS_BANDS][BINS];
static uint16_t first_bin[EARS_BANDS], end_bin[EARS_BANDS];
static float w1[INPUTS][HIDDEN], w2[HIDDEN][HIDDEN], w3[HIDDEN][ACOUSTIC_CEPSTRA];

static double mel_of(double hz)
{
	return 2595 * log10(1 + hz / 700);
}

static double edge(int i)
{
	double lo = mel_of(LOW_HZ), hi = mel_of(HIGH_HZ);

	return 700 * (pow(10, (lo + (hi - lo) * i / (EARS_BANDS + 1)) / 2595) - 1);
}

static void init_band(int band)
{
	double left = edge(band), centre = edge(band + 1), right = edge(band + 2);

	first_bin[band] = BINS;
	for (int k = 0; k < BINS; k++) {
		double hz = k * 8000.0 / FFT, height = fmin((hz - left) / (centre - left), (right - hz) / (right - centre));

		if (height <= 0)
			continue;
		first_bin[band] = MIN(first_bin[band], (uint16_t)k);
		end_bin[band] = (uint16_t)(k + 1);
		weight[band][k] = (float)(height * 2 / (right - left));
	}
}

static void unpack(float *ret, const signed char *packed, const float *scale, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows * columns; i++)
		ret[i] = (float)packed[i] * scale[i % columns];
}

static void init(void)
{
	for (int i = 0; i < WINDOW; i++)
		window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / WINDOW));
	for (int band = 0; band < EARS_BANDS; band++)
		init_band(band);
	unpack(w1[0], ears_w1[0], ears_w1_scale, INPUTS, HIDDEN);
	unpack(w2[0], ears_w2[0], ears_w2_scale, HIDDEN, HIDDEN);
	unpack(w3[0], ears_w3[0], ears_w3_scale, HIDDEN, ACOUSTIC_CEPSTRA);
}

void ears_init(struct ears *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init);
	*e = (struct ears){0};
}

void ears_done(struct ears *e)
{
	free(e->bands);
}

void ears_reset(struct ears *e)
{
	e->fill = 0;
	e->count = 0;
}

static void analyse(const float *in, float *ret_bands)
{
	struct complex32 x[FFT] = {0};
	float power[BINS];

	for (int i = 0; i < WINDOW; i++)
		x[i].re = in[i] * window[i];
	fft_run(x, FFT);
	for (int k = 0; k < BINS; k++)
		power[k] = x[k].re * x[k].re + x[k].im * x[k].im;
	for (int band = 0; band < EARS_BANDS; band++) {
		float sum = QUIET;

		for (int k = first_bin[band]; k < end_bin[band]; k++)
			sum += power[k] * weight[band][k];
		ret_bands[band] = logf(sum);
	}
}

void ears_take(struct ears *e, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		e->in[e->fill++] = pcm[i];
		if (e->fill < WINDOW)
			continue;
		if (e->count == e->cap) {
			e->cap = MAX(2 * e->cap, 256);
			e->bands = mem_realloc(e->bands, e->cap * sizeof(*e->bands));
		}
		analyse(e->in, e->bands[e->count++]);
		memmove(e->in, e->in + HOP, (WINDOW - HOP) * sizeof(*e->in));
		e->fill = WINDOW - HOP;
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

void ears_measure(struct ears *e)
{
	if (!e->count)
		return;

	auto_free float *sorted = mem_zalloc(e->count * sizeof(*sorted));
	float top, sum = 0;
	size_t loud = 0;

	for (size_t t = 0; t < e->count; t++) {
		for (int band = 0; band < EARS_BANDS; band++)
			sorted[t] += e->bands[t][band];
		sorted[t] /= EARS_BANDS;
	}
	qsort(sorted, e->count, sizeof(*sorted), by_size);
	top = sorted[(size_t)((float)e->count * LOUD_SHARE)];
	for (size_t t = e->count; t-- > 0 && (!loud || sorted[t] > top - LOUD_SPAN);) {
		sum += sorted[t];
		loud++;
	}
	e->level = sum / (float)loud;
	for (int band = 0; band < EARS_BANDS; band++) {
		for (size_t t = 0; t < e->count; t++)
			sorted[t] = e->bands[t][band];
		qsort(sorted, e->count, sizeof(*sorted), by_size);
		e->floor[band] = sorted[(size_t)((float)e->count * FLOOR_SHARE)];
	}
}

/* Outputs are the inner loop, which compilers turn into vector code. */
static void layer(const float *in, size_t in_count, const float *w, const float *bias, size_t out_count, float *ret_out)
{
	memcpy(ret_out, bias, out_count * sizeof(*bias));
	for (size_t i = 0; i < in_count; i++)
		for (size_t o = 0; o < out_count; o++)
			ret_out[o] += in[i] * w[i * out_count + o];
}

static void rectify(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] > 0 ? x[i] : 0;
}

void ears_cepstra(const struct ears *e, size_t frame, float ret[ACOUSTIC_CEPSTRA])
{
	float x[INPUTS], one[HIDDEN], two[HIDDEN];

	for (int i = 0; i < FRAMES; i++) {
		long at = CLAMP((long)frame + i - EARS_CONTEXT, 0L, (long)e->count - 1);

		for (int band = 0; band < EARS_BANDS; band++)
			x[i * EARS_BANDS + band] = (e->bands[at][band] - e->level) * (1 / SPAN);
	}
	for (int band = 0; band < EARS_BANDS; band++)
		x[FRAMES * EARS_BANDS + band] = (e->floor[band] - e->level) * (1 / SPAN);
	layer(x, INPUTS, w1[0], ears_b1, HIDDEN, one);
	rectify(one, HIDDEN);
	layer(one, HIDDEN, w2[0], ears_b2, HIDDEN, two);
	rectify(two, HIDDEN);
	layer(two, HIDDEN, w3[0], ears_b3, ACOUSTIC_CEPSTRA, ret);
}
