/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/spot.h"
#include "audio/level.h"
#include <math.h>

#define INNER_HZ  8000
#define MAX_N	  160
#define HALF	  (SPOT_FFT / 2)
#define BIN_HZ	  ((float)INNER_HZ / SPOT_FFT)
#define QUIET_DB  (-50.0f)
#define FIRST_BIN 3   /* below 94 Hz is hum */
#define LOW_BIN	  9   /* 281 Hz .. */
#define HIGH_BIN  109 /* .. 3406 Hz: the telephone's band */
#define LOBE	  2   /* a Hann window spreads a sine over so many bins on either side */

void spot_init(struct spot *s, int rate_hz)
{
	assert(rate_hz == 8000 || rate_hz == 16000);
	*s = (struct spot){.rate_hz = rate_hz};
	for (int i = 0; i < SPOT_FFT; i++)
		s->window[i] = 0.5f - 0.5f * cosf(2 * (float)M_PI * (float)i / SPOT_FFT);
	for (int i = 0; i < HALF; i++) {
		s->cos_w[i] = cosf(2 * (float)M_PI * (float)i / SPOT_FFT);
		s->sin_w[i] = sinf(2 * (float)M_PI * (float)i / SPOT_FFT);
	}
}

/* 16 to 8 kHz by a half-band of 7 taps, (-1 0 9 16 9 0 -1)/32; enough to look at. */
static int halve(struct spot *s, const int16_t *in, int n, float *ret)
{
	int16_t x[2 * MAX_N + SPOT_PAST];

	memcpy(x, s->past, sizeof(s->past));
	memcpy(x + SPOT_PAST, in, (size_t)n * sizeof(*in));
	for (int i = 0; i < n / 2; i++) {
		const int16_t *p = x + 2 * i;

		ret[i] = (float)(16 * p[3] + 9 * (p[2] + p[4]) - (p[0] + p[6])) / 32;
	}
	memcpy(s->past, x + n, sizeof(s->past));

	return n / 2;
}

static void append(struct spot *s, const int16_t *pcm, int n)
{
	float fresh[MAX_N];

	if (s->rate_hz == 2 * INNER_HZ)
		n = halve(s, pcm, n, fresh);
	else
		for (int i = 0; i < n; i++)
			fresh[i] = pcm[i];

	memmove(s->ring, s->ring + n, (size_t)(SPOT_FFT - n) * sizeof(float));
	memcpy(s->ring + SPOT_FFT - n, fresh, (size_t)n * sizeof(float));
}

/* One stage of Stockham's FFT: no bit reversal, and inner loops that run over neighbours. */
static void stage(const struct spot *s, int groups, int m, const float *re, const float *im, float *ret_re, float *ret_im)
{
	for (int j = 0; j < groups; j++) {
		/* Twiddles of 128 points out of a table of 256. */
		float c = s->cos_w[2 * j * m], d = -s->sin_w[2 * j * m];
		const float *ar = re + j * m, *ai = im + j * m, *br = ar + HALF / 2, *bi = ai + HALF / 2;
		float *xr = ret_re + 2 * j * m, *xi = ret_im + 2 * j * m;

		for (int k = 0; k < m; k++) {
			float dr = ar[k] - br[k], di = ai[k] - bi[k];

			xr[k] = ar[k] + br[k];
			xi[k] = ai[k] + bi[k];
			xr[k + m] = c * dr - d * di;
			xi[k + m] = c * di + d * dr;
		}
	}
}

/* Power of bins 0..127. 256 real points as 128 complex ones: the even in re, the odd in im, taken apart at the end. */
static void spectrum(const struct spot *s, float *ret_power)
{
	float a_re[HALF], a_im[HALF], b_re[HALF], b_im[HALF];
	float *re = a_re, *im = a_im, *to_re = b_re, *to_im = b_im;

	for (int i = 0; i < HALF; i++) {
		re[i] = s->ring[2 * i] * s->window[2 * i];
		im[i] = s->ring[2 * i + 1] * s->window[2 * i + 1];
	}
	for (int m = 1; m < HALF; m *= 2) {
		float *t;

		stage(s, HALF / 2 / m, m, re, im, to_re, to_im);
		t = re, re = to_re, to_re = t;
		t = im, im = to_im, to_im = t;
	}
	ret_power[0] = 0;
	for (int k = 1; k < HALF; k++) {
		float er = re[k] + re[HALF - k], ei = im[k] - im[HALF - k];
		float or = im[k] + im[HALF - k], oi = re[HALF - k] - re[k];
		float x = er + s->cos_w[k] * or + s->sin_w[k] * oi, y = ei + s->cos_w[k] * oi - s->sin_w[k] * or;

		ret_power[k] = x * x + y * y;
	}
}

static int strongest(const float *power, int but)
{
	int best = LOW_BIN;
	float most = -1;

	for (int k = LOW_BIN; k <= HIGH_BIN; k++)
		if (power[k] > most && (but < 0 || abs(k - but) > LOBE + 1)) {
			most = power[k];
			best = k;
		}

	return best;
}

static float around(const float *power, int k)
{
	float sum = 0;

	for (int i = k - LOBE; i <= k + LOBE; i++)
		sum += power[i];

	return sum;
}

/* Between the bins: exact for a sine behind a Hann window. */
static float hz_of(const float *power, int k)
{
	bool is_above = power[k + 1] > power[k - 1];
	float r = sqrtf((is_above ? power[k + 1] : power[k - 1]) / power[k]);
	float off = (2 * r - 1) / (r + 1);

	return ((float)k + (is_above ? off : -off)) * BIN_HZ;
}

void spot_run(struct spot *s, const int16_t *pcm, int n, struct spot_out *ret)
{
	float power[HALF], total = 0, rms = level_rms(pcm, n);

	assert(n <= s->rate_hz / 50);
	append(s, pcm, n);
	*ret = (struct spot_out){.level_db = rms > 1 ? 20 * log10f(rms / 32768) : -90};
	if (ret->level_db < QUIET_DB)
		return;

	spectrum(s, power);
	for (int k = FIRST_BIN; k < HALF; k++)
		total += power[k];
	if (total <= 0)
		return;

	int first = strongest(power, -1), second = strongest(power, first);

	ret->hz[0] = power[first] > 0 ? hz_of(power, first) : 0;
	ret->share[0] = around(power, first) / total;
	ret->hz[1] = power[second] > 0 ? hz_of(power, second) : 0;
	ret->share[1] = around(power, second) / total;
}
