/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad_net.h"
#include "audio/vad_tables.h"
#include <math.h>

/*
 * The features: band levels of the spectrum, the same above a noise floor, and a few that a spectrum of this resolution does
 * not show: how the level moves inside of the frame, how periodic it is, how much it is a tone.
 *
 * Loops run over arrays whose lengths the compiler knows, so that it makes vectors of them; nothing here calls libm but sqrtf.
 */
#define HALF (VAD_WINDOW / 2)

/* log2 of x > 0 within 0.0002: the exponent, and a polynomial for the mantissa. */
static inline float quick_log2(float x)
{
	union {
		float f;
		int32_t i;
	} u = {.f = x};
	int32_t e = (u.i >> 23) - 127;

	u.i = (u.i & 0x7fffff) | 0x3f800000;

	float m = u.f - 1;

	return (float)e + m * (1.4420626f + m * (-0.7123677f + m * (0.4252094f + m * (-0.2001887f + m * 0.0453128f))));
}

/* One radix-2 pass of Stockham's FFT: l butterflies of stride s, l * s = HALF / 2. */
static inline void pass(int l, int s, const float *restrict xr, const float *restrict xi, float *restrict yr, float *restrict yi)
{
	for (int p = 0; p < l; p++) {
		float wr = vad_twiddle[0][p * s], wi = vad_twiddle[1][p * s];

		for (int q = 0; q < s; q++) {
			int a = q + s * p, b = a + HALF / 2, to = q + s * 2 * p;
			float dr = xr[a] - xr[b], di = xi[a] - xi[b];

			yr[to] = xr[a] + xr[b];
			yi[to] = xi[a] + xi[b];
			yr[to + s] = dr * wr - di * wi;
			yi[to + s] = dr * wi + di * wr;
		}
	}
}

/* Power of the HALF bins of the windowed samples; bin k is k * 31.25 Hz. A real transform by a complex one of half its length. */
static void power_spectrum(const int16_t *pcm, float *ret)
{
	float ar[HALF], ai[HALF], br[HALF], bi[HALF];

	for (int i = 0; i < HALF; i++) {
		ar[i] = (float)pcm[2 * i] * vad_window[2 * i];
		ai[i] = (float)pcm[2 * i + 1] * vad_window[2 * i + 1];
	}
	pass(64, 1, ar, ai, br, bi);
	pass(32, 2, br, bi, ar, ai);
	pass(16, 4, ar, ai, br, bi);
	pass(8, 8, br, bi, ar, ai);
	pass(4, 16, ar, ai, br, bi);
	pass(2, 32, br, bi, ar, ai);
	pass(1, 64, ar, ai, br, bi);

	ret[0] = 0; /* no use is made of DC */
	for (int k = 1; k < HALF; k++) {
		float er = br[k] + br[HALF - k], ei = bi[k] - bi[HALF - k];
		float dr = br[k] - br[HALF - k], di = bi[k] + bi[HALF - k];
		float wr = vad_twist[0][k], wi = vad_twist[1][k];
		float re = er + wr * di + wi * dr, im = ei + wi * di - wr * dr;

		ret[k] = re * re + im * im;
	}
}

/* Bins of a band: [edge[b], edge[b + 1]). About 90 Hz wide below 600 Hz, then a ninth of their frequency. */
static const uint8_t edge[VAD_NET_BANDS + 1] = {2, 5, 7, 9, 11, 13, 15, 18, 21, 24, 28, 32, 37, 42, 48, 55, 63, 73, 84, 97, 112, 127};

#define BAND_LEAST 8.0f /* added to a band's power: -81 dBov, about the least step of mu-law */

/* Mean power a band, log2. */
static void band_levels(const float *power, float *ret)
{
	float sum[VAD_NET_BANDS];

	for (int b = 0; b < VAD_NET_BANDS; b++) {
		float s = 0;

		for (int k = edge[b]; k < edge[b + 1]; k++)
			s += power[k];
		sum[b] = s * vad_band_norm[b] + BAND_LEAST;
	}
	for (int b = 0; b < VAD_NET_BANDS; b++)
		ret[b] = quick_log2(sum[b]);
}

/* Share of the power that its two highest peaks leave over, log2: -8 and less for tones, DTMF and dial tones, -1 for noise. */
static float beside_peaks(float *power)
{
	float total = 1e-3f, peaks = 0;

	for (int k = edge[0]; k < edge[VAD_NET_BANDS]; k++)
		total += power[k];
	for (int round = 0; round < 2; round++) {
		int top = edge[0];

		for (int k = edge[0]; k < edge[VAD_NET_BANDS]; k++)
			top = power[k] > power[top] ? k : top;
		for (int k = MAX(top - 3, edge[0]); k <= MIN(top + 3, edge[VAD_NET_BANDS] - 1); k++) {
			peaks += power[k];
			power[k] = 0;
		}
	}

	return quick_log2(MAX(total - peaks, 0.0f) / total + 1e-4f);
}

#define LAG_MIN 10 /* at 4 kHz: 400 Hz ... */
#define LAG_MAX 60 /* ... to 66 Hz */

static int32_t dot(const int16_t *a, const int16_t *b)
{
	int32_t sum = 0; /* 2^22 a product, 80 of them: fits */

	for (int i = 0; i < VAD_FRAME / 2; i++)
		sum += (int32_t)a[i] * b[i];

	return sum;
}

/* Shifted down so that 11 bits hold each magnitude. */
static void scale(const int16_t *x, int16_t *ret)
{
	int32_t all = 0;
	int shift = 0;

	for (int i = 0; i < VAD_NET_THIN; i++)
		all |= x[i] ^ (x[i] >> 15);
	while (all >> shift >> 11)
		shift++;
	for (int i = 0; i < VAD_NET_THIN; i++)
		ret[i] = (int16_t)(x[i] >> shift);
}

/* Highest normalised correlation of the frame with its past over the lags of a voice, 0..1, and that lag. */
static float harmonicity(const int16_t *thin, int *ret_lag)
{
	int16_t y[VAD_NET_THIN];
	const int m = VAD_FRAME / 2;
	const int16_t *now = y + VAD_NET_THIN - m;
	float best = 0;

	scale(thin, y);

	int32_t power = dot(now, now), past = dot(now - LAG_MIN, now - LAG_MIN);

	*ret_lag = LAG_MIN;
	for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
		int32_t c = dot(now, now - lag);

		/* squares of correlations are compared: no root in the loop */
		if (c > 0 && (float)c * (float)c > best * (float)past) {
			best = (float)c * (float)c / (float)past;
			*ret_lag = lag;
		}
		past += now[-lag - 1] * now[-lag - 1] - now[m - lag - 1] * now[m - lag - 1];
	}

	return power > 0 ? sqrtf(MIN(best / (float)power, 1.0f)) : 0;
}

#define FLOOR_FALL  0.3f   /* of the distance a frame */
#define FLOOR_RISE  0.045f /* log2 a frame: 7 dB a second */
#define FLOOR_START 9.0f   /* a quiet line; a call rarely begins with noise alone */
#define TALKER_FALL 0.004f /* log2 a frame: 0.6 dB a second */
#define TALKER_LEAST 10.0f

/* Level of the whole frame and of its four quarters against it. */
static float quarters(const int16_t *x, float *ret)
{
	float sum[4] = {0}, all = 0;

	for (int k = 0; k < 4; k++) {
		int64_t s = 0;

		for (int i = 0; i < VAD_FRAME / 4; i++)
			s += x[k * VAD_FRAME / 4 + i] * x[k * VAD_FRAME / 4 + i];
		sum[k] = (float)s * (4.0f / VAD_FRAME) + 1.0f;
		all += sum[k] / 4;
	}
	for (int k = 0; k < 4; k++)
		ret[k] = quick_log2(sum[k] / all);

	return quick_log2(all);
}

/* Levels against the noise floor, and how far they moved since the last frame. */
static float follow(struct vad_net *v, const float *level, float *ret_above)
{
	float flux = 0;

	for (int b = 0; b < VAD_NET_BANDS; b++) {
		float f = v->has_past ? v->floor[b] : MIN(level[b], FLOOR_START), d = level[b] - f;

		v->floor[b] = f + (d < 0 ? FLOOR_FALL * d : MIN(d, FLOOR_RISE));
		ret_above[b] = level[b] - v->floor[b];
		flux += fabsf(level[b] - v->before[b]) / VAD_NET_BANDS;
	}
	memcpy(v->before, level, sizeof(v->before));

	return v->has_past ? flux : 0;
}

/* Sums of two samples are good enough for the search of a pitch. */
static void thin_out(struct vad_net *v)
{
	const int16_t *x = v->pcm + VAD_WINDOW - VAD_FRAME;
	const int m = VAD_FRAME / 2;

	memmove(v->thin, v->thin + m, (VAD_NET_THIN - m) * sizeof(*v->thin));
	for (int i = 0; i < m; i++)
		v->thin[VAD_NET_THIN - m + i] = (int16_t)((x[2 * i] + x[2 * i + 1]) / 2);
}

void vad_look(struct vad_net *v, float ret[VAD_FEATURES])
{
	float power[HALF], *level = ret, *above = ret + VAD_NET_BANDS, *more = ret + 2 * VAD_NET_BANDS;
	int lag;

	thin_out(v);
	power_spectrum(v->pcm, power);
	band_levels(power, level);
	more[0] = follow(v, level, above);
	more[1] = quarters(v->pcm + VAD_WINDOW - VAD_FRAME, more + 2);
	v->talker = MAX(v->has_past ? v->talker - TALKER_FALL : TALKER_LEAST, MAX(more[1], TALKER_LEAST));
	more[6] = more[1] - v->talker;
	more[7] = harmonicity(v->thin, &lag);
	more[8] = (float)lag * (1.0f / LAG_MAX);
	more[9] = beside_peaks(power);
	v->has_past = true;
	memmove(v->pcm, v->pcm + VAD_FRAME, (VAD_WINDOW - VAD_FRAME) * sizeof(*v->pcm));
	v->filled = 0;
}
