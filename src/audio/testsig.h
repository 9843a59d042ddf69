/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include <math.h>

/* Signals for tests and benches: the same on every machine, from a seed. Not part of the product.
 */
#define SIG_PI 3.14159265358979f

/* Continues at *phase (radians). */
static inline void sig_sine(int16_t *pcm, int n, int rate_hz, float hz, float amp, float *phase)
{
	for (int i = 0; i < n; i++) {
		pcm[i] = (int16_t)lrintf(amp * sinf(*phase));
		*phase += 2 * SIG_PI * hz / (float)rate_hz;
		if (*phase > 2 * SIG_PI)
			*phase -= 2 * SIG_PI;
	}
}

/* Adds white noise of that RMS. */
static inline void sig_add_noise(int16_t *pcm, int n, float rms, uint64_t *seed)
{
	for (int i = 0; i < n; i++) {
		float x = (float)pcm[i] +
			  rms * 1.7320508f * (float)(int32_t)prng_u32(seed) / 2147483648.0f;

		pcm[i] = (int16_t)CLAMP(x, -32768.0f, 32767.0f);
	}
}

/* A second-order resonator of gain one at its peak. */
struct sig_formant {
	float a1, a2, gain, y1, y2;
};

static inline void sig_formant_set(struct sig_formant *f, float hz, float width_hz, int rate_hz)
{
	float r = expf(-SIG_PI * width_hz / (float)rate_hz), w = 2 * SIG_PI * hz / (float)rate_hz;

	f->a1 = 2 * r * cosf(w);
	f->a2 = -r * r;
	f->gain = (1 - r) * sqrtf(1 - 2 * r * cosf(2 * w) + r * r);
}

static inline float sig_formant_run(struct sig_formant *f, float x)
{
	float y = f->gain * x + f->a1 * f->y1 + f->a2 * f->y2;

	f->y2 = f->y1;
	f->y1 = y;

	return y;
}

/*
 * A talker made of syllables: an optional fricative, a vowel of one of five qualities with a
 * gliding pitch, a short or, every few syllables, a long pause. Crude, but it has what detectors
 * look at: harmonics, formants that move, rhythm.
 */
struct sig_talker {
	uint64_t seed;
	int rate_hz;
	float pitch_hz; /* of the talker: 110 male, 200 female */
	float amp;
	struct sig_formant f[3], fricative;
	int fric_left, vowel_left, vowel_n, pause_left;
	float glottis, glide, tilt1, tilt2;
	int syllable;
	bool is_voice; /* the last sample was voice */
};

static inline void sig_talker_init(
	struct sig_talker *t, int rate_hz, float pitch_hz, float amp, uint64_t seed)
{
	*t = (struct sig_talker){
		.seed = seed | 1, .rate_hz = rate_hz, .pitch_hz = pitch_hz, .amp = amp};
}

static inline float sig_uniform(uint64_t *seed, float lo, float hi)
{
	return lo + (hi - lo) * (float)prng_u32(seed) / 4294967296.0f;
}

static inline void sig_next_syllable(struct sig_talker *t)
{
	static const float vowels[5][3] = {
		{730, 1090, 2440},
		{270, 2290, 3010},
		{300, 870, 2240},
		{530, 1840, 2480},
		{570, 840, 2410},
	};
	const float *v = vowels[prng_u32(&t->seed) % 5];

	for (int k = 0; k < 3; k++)
		sig_formant_set(&t->f[k], v[k], 60.0f + 40.0f * (float)k, t->rate_hz);
	sig_formant_set(&t->fricative, 0.4f * (float)t->rate_hz, 900, t->rate_hz);
	t->fric_left = prng_u32(&t->seed) % 2
			       ? (int)(sig_uniform(&t->seed, 0.04f, 0.1f) * (float)t->rate_hz)
			       : 0;
	t->vowel_n = t->vowel_left = (int)(sig_uniform(&t->seed, 0.12f, 0.26f) * (float)t->rate_hz);
	t->pause_left = (int)(sig_uniform(&t->seed, 0.01f, 0.05f) * (float)t->rate_hz);
	if (++t->syllable % 6 == 0)
		t->pause_left = (int)(sig_uniform(&t->seed, 0.5f, 1.0f) * (float)t->rate_hz);
	t->glide = sig_uniform(&t->seed, -0.15f, 0.15f);
}

static inline float sig_vowel_sample(struct sig_talker *t)
{
	float at = 1.0f - (float)t->vowel_left / (float)t->vowel_n;
	float hz = t->pitch_hz * (1 + t->glide * (at - 0.5f) * 2) *
		   (1 + 0.004f * sig_uniform(&t->seed, -1, 1));
	float pulse = 0;

	t->glottis += hz / (float)t->rate_hz;
	if (t->glottis >= 1) {
		t->glottis -= 1;
		pulse = 60;
	}
	/* Two poles of -12 dB per octave above 100 Hz make the pulse a glottal one. */
	t->tilt1 += 0.35f * (pulse - t->tilt1);
	t->tilt2 += 0.35f * (t->tilt1 - t->tilt2);

	float x = t->tilt2 + 0.02f * sig_uniform(&t->seed, -1, 1), y = 0;

	for (int k = 0; k < 3; k++)
		y += sig_formant_run(&t->f[k], x) * (k == 0 ? 1.0f : 0.5f);

	float edge = MIN(MIN(at, 1 - at) * 8, 1.0f);

	return t->amp * y * edge;
}

static inline void sig_talker_run(struct sig_talker *t, int16_t *ret_pcm, int n)
{
	for (int i = 0; i < n; i++) {
		float y = 0;

		if (t->fric_left <= 0 && t->vowel_left <= 0 && t->pause_left <= 0)
			sig_next_syllable(t);
		t->is_voice = t->fric_left > 0 || t->vowel_left > 0;
		if (t->fric_left > 0) {
			t->fric_left--;
			y = t->amp * 0.25f *
			    sig_formant_run(&t->fricative, sig_uniform(&t->seed, -3, 3));
		} else if (t->vowel_left > 0) {
			y = sig_vowel_sample(t);
			t->vowel_left--;
		} else {
			t->pause_left--;
		}
		ret_pcm[i] = (int16_t)CLAMP(y, -32768.0f, 32767.0f);
	}
}

/* Signal to noise of y against the reference x, dB. */
static inline float sig_snr(const int16_t *x, const int16_t *y, int n)
{
	double signal = 0, noise = 1e-9;

	for (int i = 0; i < n; i++) {
		signal += (double)x[i] * x[i];
		noise += (double)(x[i] - y[i]) * (x[i] - y[i]);
	}

	return (float)(10 * log10(signal / noise));
}

/* Best SNR over delays 0..max of y behind x, with the best gain: for codecs and filters that delay.
 */
static inline float sig_snr_delayed(
	const int16_t *x, const int16_t *y, int n, int max_delay, int *ret_delay)
{
	float best = -100;

	for (int d = 0; d <= max_delay; d++) {
		double xy = 0, yy = 1e-9, xx = 0;

		for (int i = 0; i < n - d; i++) {
			xy += (double)x[i] * y[i + d];
			yy += (double)y[i + d] * y[i + d];
			xx += (double)x[i] * x[i];
		}
		float snr = (float)(10 * log10(xx / MAX(xx - xy * xy / yy, 1e-9)));

		if (snr > best) {
			best = snr;
			if (ret_delay)
				*ret_delay = d;
		}
	}

	return best;
}

/*
 * Largest second difference: a click shows there as a value far above that of the clean signal (a
 * sine of amplitude A and w radians a sample has A * w^2).
 */
static inline int sig_roughness(const int16_t *pcm, int n)
{
	int worst = 0;

	for (int i = 2; i < n; i++)
		worst = MAX(worst, abs(pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));

	return worst;
}
