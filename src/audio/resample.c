/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/resample.h"
#include <speex/speex_resampler.h>

/*
 * Half-band filter of 47 taps: every second tap but the middle one is zero, so one polyphase branch
 * is a delay and the other the 24 taps here (sum 2^14, so that no input overflows 32 bits). Flat
 * to 3.4 kHz within 0.05 dB, 56 dB down from 4.6 kHz: the telephone band at 8 kHz, a Kaiser window
 * of beta 5.5.
 */
#define TAPS 24
#define MID  (TAPS / 2)

static const int16_t taps[TAPS] = {-14, 37, -76, 137, -226, 353, -534, 795, -1190, 1863, -3340,
	10387, 10387, -3340, 1863, -1190, 795, -534, 353, -226, 137, -76, 37, -14};

/* speexdsp's own scale: 4 is flat to 3.4 kHz at 8 kHz within 0.5 dB, which 3 is not. */
#define SPEEX_QUALITY 4

#define CHUNK 480 /* samples worked on at a time */

enum kind { COPY, UP, DOWN, OTHER };

struct resample {
	enum kind kind;
	int in_hz, out_hz;
	SpeexResamplerState *speex;
	int16_t past[TAPS - 1]; /* input of the filter branch */
	int16_t even[MID - 1];  /* DOWN: input of the delay branch */
	int16_t odd;            /* DOWN: first of a pair that was cut apart */
	bool has_odd;
};

static enum kind kind_of(int in_hz, int out_hz)
{
	if (in_hz == out_hz)
		return COPY;
	if (in_hz == 8000 && out_hz == 16000)
		return UP;
	if (in_hz == 16000 && out_hz == 8000)
		return DOWN;

	return OTHER;
}

int resample_new(int in_hz, int out_hz, struct resample **ret)
{
	if (in_hz < 8000 || in_hz > 48000 || out_hz < 8000 || out_hz > 48000)
		return -EINVAL;

	struct resample *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;

	*r = (struct resample){.kind = kind_of(in_hz, out_hz), .in_hz = in_hz, .out_hz = out_hz};
	if (r->kind == OTHER) {
		r->speex = speex_resampler_init(
			1, (uint32_t)in_hz, (uint32_t)out_hz, SPEEX_QUALITY, NULL);
		if (!r->speex) {
			free(r);
			return -ENOMEM;
		}
	}
	*ret = r;

	return 0;
}

struct resample *resample_free(struct resample *r)
{
	if (r && r->speex)
		speex_resampler_destroy(r->speex);
	free(r);

	return NULL;
}

void resample_reset(struct resample *r)
{
	if (r->speex)
		speex_resampler_reset_mem(r->speex);
	memset(r->past, 0, sizeof(r->past));
	memset(r->even, 0, sizeof(r->even));
	r->has_odd = false;
}

int resample_max_out(const struct resample *r, int n)
{
	return (int)(((int64_t)n * r->out_hz + r->in_hz - 1) / r->in_hz) + 1;
}

int resample_delay(const struct resample *r)
{
	switch (r->kind) {
	case COPY:
		return 0;
	case UP:
		return TAPS;
	case DOWN:
		return MID - 1;
	case OTHER:
		return speex_resampler_get_output_latency(r->speex);
	}

	return 0;
}

/* x holds the TAPS - 1 samples before the first one and then it; constant length, so that it
 * becomes SIMD. */
static inline int16_t filter(const int16_t *x)
{
	int32_t sum = 1 << 13;

	for (int k = 0; k < TAPS; k++)
		sum += (int32_t)taps[k] * x[k];

	return (int16_t)CLAMP(sum >> 14, -32768, 32767);
}

/* Puts the branch's past before its n new samples. */
static void join(struct resample *r, int16_t *work, int n)
{
	memcpy(work, r->past, sizeof(r->past));
	memcpy(r->past, work + n, sizeof(r->past));
}

static void up(struct resample *r, const int16_t *in, int n, int16_t *ret_out)
{
	int16_t work[TAPS - 1 + CHUNK];

	memcpy(work + TAPS - 1, in, (size_t)n * sizeof(*in));
	join(r, work, n);
	for (int i = 0; i < n; i++) {
		ret_out[2 * i] = work[i + MID - 1];
		ret_out[2 * i + 1] = filter(work + i);
	}
}

/* Pairs of samples in, one out. */
static void down(struct resample *r, const int16_t *in, int pairs, int16_t *ret_out)
{
	int16_t odd[TAPS - 1 + CHUNK], even[MID - 1 + CHUNK];

	for (int i = 0; i < pairs; i++) {
		even[MID - 1 + i] = in[2 * i];
		odd[TAPS - 1 + i] = in[2 * i + 1];
	}
	join(r, odd, pairs);
	memcpy(even, r->even, sizeof(r->even));
	memcpy(r->even, even + pairs, sizeof(r->even));
	for (int i = 0; i < pairs; i++)
		ret_out[i] = (int16_t)((even[i] + filter(odd + i)) >> 1);
}

static int run_down(struct resample *r, const int16_t *in, int n, int16_t *ret_out)
{
	int out = 0;

	if (r->has_odd && n > 0) {
		down(r, (int16_t[]){r->odd, in[0]}, 1, ret_out);
		r->has_odd = false;
		in++;
		n--;
		out++;
	}
	for (int pairs; (pairs = MIN(n / 2, CHUNK)) > 0; n -= 2 * pairs) {
		down(r, in, pairs, ret_out + out);
		in += 2 * pairs;
		out += pairs;
	}
	if (n > 0) {
		r->odd = in[0];
		r->has_odd = true;
	}

	return out;
}

static int run_speex(struct resample *r, const int16_t *in, int n, int16_t *ret_out)
{
	uint32_t done = (uint32_t)n, out = (uint32_t)resample_max_out(r, n);

	speex_resampler_process_int(r->speex, 0, in, &done, ret_out, &out);

	return (int)out;
}

int resample_run(struct resample *r, const int16_t *in, int n, int16_t *ret_out)
{
	if (n <= 0)
		return 0;

	switch (r->kind) {
	case COPY:
		memmove(ret_out, in, (size_t)n * sizeof(*in));
		return n;
	case UP:
		for (int at = 0; at < n; at += CHUNK)
			up(r, in + at, MIN(CHUNK, n - at), ret_out + 2 * at);
		return 2 * n;
	case DOWN:
		return run_down(r, in, n, ret_out);
	case OTHER:
		return run_speex(r, in, n, ret_out);
	}

	return 0;
}
