/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/pitch.h"
#include <math.h>

#define MAX_THIN 400

static int64_t dot(const int16_t *a, const int16_t *b, int n)
{
	int64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += (int32_t)a[i] * b[i];

	return sum;
}

float pitch_match(const int16_t *a, const int16_t *b, int n)
{
	float power = (float)dot(a, a, n) * (float)dot(b, b, n);

	return power > 0 ? (float)dot(a, b, n) / sqrtf(power) : 0;
}

/*
 * Sums of k neighbours: a crude low-pass, which is what a pitch search wants anyway. Scaled to 11
 * bits, so that sums of products hold in 32 bits and quiet speech keeps its shape.
 */
static int thin(const int16_t *x, int n, int k, int16_t *ret)
{
	int32_t wide[MAX_THIN], all = 0;
	int shift = 0;

	for (int i = 0; i < n / k; i++) {
		int32_t sum = 0;

		for (int j = 0; j < k; j++)
			sum += x[i * k + j];
		wide[i] = sum;
		all |= sum ^ (sum >> 31);
	}
	while (all >> shift > 2047)
		shift++;
	for (int i = 0; i < n / k; i++)
		ret[i] = (int16_t)(wide[i] >> shift);

	return n / k;
}

static int32_t dot12(const int16_t *a, const int16_t *b, int n)
{
	int32_t sum = 0; /* 2^22 a product, at most 400 of them: fits */

	for (int i = 0; i < n; i++)
		sum += (int32_t)a[i] * b[i];

	return sum;
}

/* Best lag on the thinned signal y, of which the last n samples are the template. */
static int search(const int16_t *y, int n, int min_lag, int max_lag)
{
	float score[MAX_THIN];
	float best = 0;
	int at = max_lag;
	int32_t past = dot12(y - min_lag, y - min_lag, n);

	for (int lag = min_lag; lag <= max_lag; lag++) {
		int32_t c = dot12(y, y - lag, n);

		score[lag] = c > 0 && past > 0 ? (float)c * (float)c / (float)past : 0;
		if (score[lag] > best) {
			best = score[lag];
			at = lag;
		}
		if (lag == max_lag)
			break;
		/* The energy of the window one sample earlier. */
		past += y[-lag - 1] * y[-lag - 1] - y[-lag - 1 + n] * y[-lag - 1 + n];
	}
	/* Twice the period matches as well as the period: prefer the shorter of near equals that is
	 * a peak itself. */
	for (int lag = min_lag + 1; lag < at; lag++)
		if (score[lag] > 0.85f * best && score[lag] >= score[lag - 1] &&
			score[lag] >= score[lag + 1])
			return lag;

	return at;
}

struct pitch pitch_find(const int16_t *x, int n, int min_lag, int max_lag, int rate_hz)
{
	int k = MAX(rate_hz / 4000, 1), past = max_lag / k;
	int16_t y[MAX_THIN];

	assert(past + n / k <= MAX_THIN && min_lag >= k && min_lag <= max_lag);
	int m = thin(x - past * k, past * k + n, k, y) - past;
	int coarse = k * search(y + past, m, min_lag / k, past);
	struct pitch best = {.lag = coarse, .match = -2};

	for (int lag = MAX(coarse - k, min_lag); lag <= MIN(coarse + k, max_lag); lag++) {
		float match = pitch_match(x, x - lag, n);

		if (match > best.match)
			best = (struct pitch){lag, match};
	}

	return best;
}
