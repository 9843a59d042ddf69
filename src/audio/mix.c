/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/mix.h"
#include <math.h>

/* Linear up to here (-2.5 dBFS), then bent towards the rail that only an infinite sum would reach.
 */
#define KNEE 24576

void mix_add(int32_t *acc, const int16_t *pcm, int n)
{
	for (int i = 0; i < n; i++)
		acc[i] += pcm[i];
}

/* Slope one at the knee, so that it cannot be heard going in and out. */
static int16_t bend(int32_t x)
{
	const float room = 32767 - KNEE;
	float over = fabsf((float)x) - KNEE;

	if (over <= 0)
		return (int16_t)x;

	float y = KNEE + room * over / (over + room);

	return (int16_t)(x < 0 ? -y : y);
}

static int32_t peak(const int32_t *x, int n)
{
	int32_t all = 0;

	for (int i = 0; i < n; i++)
		all |= x[i] ^
		       (x[i] >> 31); /* an upper bound within a factor of two is all we need */

	return all;
}

static void limit(const int32_t *sum, int16_t *ret_pcm, int n)
{
	if (peak(sum, n) < 16384) { /* nearly always: no sample is near the knee */
		for (int i = 0; i < n; i++)
			ret_pcm[i] = (int16_t)sum[i];
		return;
	}
	for (int i = 0; i < n; i++)
		ret_pcm[i] = bend(sum[i]);
}

#define CHUNK 256

void mix_out(const int32_t *acc, const int16_t *own, int16_t *ret_pcm, int n)
{
	int32_t sum[CHUNK];

	if (!own) {
		limit(acc, ret_pcm, n);
		return;
	}
	for (int at = 0; at < n; at += CHUNK) {
		int m = MIN(CHUNK, n - at);

		for (int i = 0; i < m; i++)
			sum[i] = acc[at + i] - own[at + i];
		limit(sum, ret_pcm + at, m);
	}
}

void mix_two(int16_t *pcm, const int16_t *other, int n)
{
	int32_t sum[CHUNK];

	for (int at = 0; at < n; at += CHUNK) {
		int m = MIN(CHUNK, n - at);

		for (int i = 0; i < m; i++)
			sum[i] = pcm[at + i] + other[at + i];
		limit(sum, pcm + at, m);
	}
}

void gain_init(struct gain *g, float factor)
{
	*g = (struct gain){.now = factor, .target = factor};
}

void gain_set(struct gain *g, float factor, int ramp)
{
	g->target = factor;
	if (ramp > 0) {
		g->step = (factor - g->now) / (float)ramp;
	} else {
		g->now = factor;
		g->step = 0;
	}
}

static inline int16_t saturate(float x)
{
	return (int16_t)CLAMP(x, -32768.0f, 32767.0f);
}

void gain_run(struct gain *g, int16_t *pcm, int n)
{
	int i = 0;

	for (; i < n && g->step != 0; i++) {
		g->now += g->step;
		if (g->step > 0 ? g->now >= g->target : g->now <= g->target) {
			g->now = g->target;
			g->step = 0;
		}
		pcm[i] = saturate((float)pcm[i] * g->now);
	}
	if (g->now == 1.0f)
		return;

	for (float k = g->now; i < n; i++)
		pcm[i] = saturate((float)pcm[i] * k);
}

float gain_from_db(float db)
{
	return powf(10.0f, db / 20.0f);
}
