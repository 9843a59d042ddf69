/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/tone.h"
#include "audio/level.h"
#include <math.h>

#define RAMP_MS   3
#define FULL_DBM0 3.14f /* ITU-T G.711: level of a full-scale sine */

#define ON(a, b, t)                                                                                \
	{                                                                                          \
		.hz = {a, b}, .ms = t                                                              \
	}
#define OFF(t)                                                                                     \
	{                                                                                          \
		.ms = t                                                                            \
	}
#define LOOP(level, n, ...)                                                                        \
	{                                                                                          \
		.steps = {__VA_ARGS__}, .n_steps = n, .level_dbm0 = level, .is_repeated = true     \
	}

/* EU: ETSI TR 101 041-2's common values. US: the precise tone plan. SIT: ITU-T E.180. */
static const struct tone_spec specs[TONE_REGION_COUNT][TONE_KIND_COUNT] =
	{
		[TONE_EU] =
			{
				[TONE_DIAL] = LOOP(-12, 1, ON(425, 0, 0)),
				[TONE_RINGBACK] = LOOP(-12, 2, ON(425, 0, 1000), OFF(4000)),
				[TONE_BUSY] = LOOP(-12, 2, ON(425, 0, 500), OFF(500)),
				[TONE_CONGESTION] = LOOP(-12, 2, ON(425, 0, 250), OFF(250)),
				[TONE_WAITING] = LOOP(-18, 4, ON(425, 0, 200), OFF(600),
					ON(425, 0, 200), OFF(3000)),
				[TONE_SIT] =
					LOOP(-18, 4, ON(950, 0, 330), ON(1400, 0, 330),
						ON(1800, 0, 330), OFF(1000)),
				[TONE_BEEP] = {.steps = {ON(1000, 0, 250)},
					.n_steps = 1,
					.level_dbm0 = -15},
			},
		[TONE_US] =
			{
				[TONE_DIAL] = LOOP(-13, 1, ON(350, 440, 0)),
				[TONE_RINGBACK] = LOOP(-19, 2, ON(440, 480, 2000), OFF(4000)),
				[TONE_BUSY] = LOOP(-24, 2, ON(480, 620, 500), OFF(500)),
				[TONE_CONGESTION] = LOOP(-24, 2, ON(480, 620, 250), OFF(250)),
				[TONE_WAITING] = LOOP(-13, 2, ON(440, 0, 300), OFF(10000)),
				[TONE_SIT] =
					LOOP(-18, 4, ON(950, 0, 330), ON(1400, 0, 330),
						ON(1800, 0, 330), OFF(1000)),
				[TONE_BEEP] =
					{.steps = {ON(1000, 0, 250)},
						.n_steps = 1,
						.level_dbm0 = -15},
			},
};

const struct tone_spec *tone_spec(enum tone_kind kind, enum tone_region region)
{
	assert(kind >= 0 && kind < TONE_KIND_COUNT && region >= 0 && region < TONE_REGION_COUNT);

	return &specs[region][kind];
}

static bool is_over(const struct tone_gen *g)
{
	return g->step >= g->spec.n_steps;
}

static void enter_step(struct tone_gen *g)
{
	if (is_over(g) && g->spec.is_repeated)
		g->step = 0;
	if (is_over(g))
		return;

	const struct tone_step *s = &g->spec.steps[g->step];

	g->left = s->ms ? g->rate_hz / 1000 * s->ms : -1;
	for (int k = 0; k < TONE_MAX_FREQS; k++) {
		float w = 2 * (float)M_PI * (float)s->hz[k] / (float)g->rate_hz;

		g->cos_w[k] = cosf(w);
		g->sin_w[k] = sinf(w);
		g->re[k] = s->hz[k] ? 1 : 0;
		g->im[k] = 0;
	}
}

void tone_gen_start(struct tone_gen *g, const struct tone_spec *spec, int rate_hz)
{
	assert(spec->n_steps > 0 && spec->n_steps <= TONE_MAX_STEPS);
	*g = (struct tone_gen){
		.spec = *spec,
		.rate_hz = rate_hz,
		.level = 32767.0f * powf(10.0f, ((float)spec->level_dbm0 - FULL_DBM0) / 20.0f),
	};
	enter_step(g);
}

/* Sum of the step's oscillators, turned on by one sample. */
static float oscillate(struct tone_gen *g)
{
	float sum = 0;

	for (int k = 0; k < TONE_MAX_FREQS; k++) {
		float re = g->re[k] * g->cos_w[k] - g->im[k] * g->sin_w[k];

		g->im[k] = g->im[k] * g->cos_w[k] + g->re[k] * g->sin_w[k];
		g->re[k] = re;
		sum += g->im[k];
	}

	return sum;
}

/* Rounding lets the oscillators' length drift; one Newton step a frame holds it. */
static void hold_amplitude(struct tone_gen *g)
{
	for (int k = 0; k < TONE_MAX_FREQS; k++) {
		float fix = 1.5f - 0.5f * (g->re[k] * g->re[k] + g->im[k] * g->im[k]);

		g->re[k] *= fix;
		g->im[k] *= fix;
	}
}

/* m samples of one step. */
static void run_step(struct tone_gen *g, int16_t *ret_pcm, int m)
{
	int ramp = g->rate_hz / 1000 * RAMP_MS;
	float slope = 1.0f / (float)ramp;

	for (int i = 0; i < m; i++) {
		bool is_closing = g->left >= 0 && g->left - i <= ramp;

		g->open = is_closing ? MAX(g->open - slope, 0.0f) : MIN(g->open + slope, 1.0f);
		/* A smooth step: a linear one has corners. */
		float x = g->level * g->open * g->open * (3 - 2 * g->open) * oscillate(g);

		ret_pcm[i] = (int16_t)lrintf(CLAMP(x, -32768.0f, 32767.0f));
	}
	hold_amplitude(g);
}

bool tone_gen_run(struct tone_gen *g, int16_t *ret_pcm, int n)
{
	bool has_sound = !is_over(g);

	for (int at = 0; at < n;) {
		if (is_over(g)) {
			memset(ret_pcm + at, 0, (size_t)(n - at) * sizeof(*ret_pcm));
			break;
		}

		int m = g->left < 0 ? n - at : MIN(g->left, n - at);

		run_step(g, ret_pcm + at, m);
		at += m;
		if (g->left < 0)
			continue;
		g->left -= m;
		if (g->left == 0) {
			g->step++;
			enter_step(g);
		}
	}

	return has_sound;
}

void tone_gen_stop(struct tone_gen *g)
{
	int ramp = g->rate_hz / 1000 * RAMP_MS;

	if (is_over(g))
		return;
	g->spec.n_steps = (uint8_t)(g->step + 1);
	g->spec.is_repeated = false;
	g->left = g->left < 0 ? ramp : MIN(g->left, ramp);
}

static float goertzel_power(const int16_t *pcm, int n, int rate_hz, float hz)
{
	double w = 2 * M_PI * (double)hz / rate_hz, coef = 2 * cos(w), s1 = 0, s2 = 0;

	for (int i = 0; i < n; i++) {
		double s = pcm[i] + coef * s1 - s2;

		s2 = s1;
		s1 = s;
	}

	return (float)(s1 * s1 + s2 * s2 - coef * s1 * s2);
}

float tone_amplitude(const int16_t *pcm, int n, int rate_hz, float hz)
{
	return n > 0 ? 2 * sqrtf(MAX(goertzel_power(pcm, n, rate_hz, hz), 0.0f)) / (float)n : 0;
}

float tone_share(const int16_t *pcm, int n, int rate_hz, float hz)
{
	float a = tone_amplitude(pcm, n, rate_hz, hz), rms = level_rms(pcm, n);

	return rms > 0 ? MIN(a * a / 2 / (rms * rms), 1.0f) : 0;
}

/*
 * A sine obeys x[i+m] + x[i-m] = 2 cos(m w) x[i]. Returns the factor that fits best, and in
 * *ret_left what share of the power the fit leaves over: twice the share of noise when the factor
 * is near zero.
 */
static double fit(const int16_t *pcm, int n, int m, double mean, double *ret_left)
{
	double num = 0, den = 0, left = 0;

	for (int i = m; i < n - m; i++) {
		double x = pcm[i] - mean;

		num += (pcm[i - m] + pcm[i + m] - 2 * mean) * x;
		den += x * x;
	}
	double c = den > 0 ? num / den : 0;

	for (int i = m; i < n - m; i++) {
		double r = pcm[i - m] + pcm[i + m] - 2 * mean - c * (pcm[i] - mean);

		left += r * r;
	}
	*ret_left = den > 0 ? left / den : 1;

	return CLAMP(c, -2.0, 2.0);
}

#define SINGLE_RMS  184.0f /* -45 dBov */
#define SINGLE_LEFT 0.04   /* 2 % of anything else */

float tone_find_single(const int16_t *pcm, int n, int rate_hz)
{
	double mean = 0, left;

	if (n < 64 || level_rms(pcm, n) < SINGLE_RMS)
		return 0;
	for (int i = 0; i < n; i++)
		mean += pcm[i];
	mean /= n;

	/* Neighbours tell slow tones badly apart: look a quarter of a period away instead. */
	double w = acos(fit(pcm, n, 1, mean, &left) / 2);
	int m = (int)CLAMP(M_PI / 2 / MAX(w, 0.01), 1.0, n / 4.0);
	double c = fit(pcm, n, m, mean, &left);

	return left < SINGLE_LEFT ? (float)(acos(c / 2) / m * rate_hz / (2 * M_PI)) : 0;
}
