/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/abe.h"
#include <math.h>
#include "providers/embedded/abe_weights.h"
#include "providers/embedded/fft.h"

/*
 * Frames of 25 ms every 10 ms. Analysis is at 8 kHz (window 200, FFT 256), synthesis at 16 kHz (window 400, FFT 512), so that
 * bins of both are 31.25 Hz apart. The network looks two frames ahead, which is most of the delay.
 */
enum {
	IN_WIN = 200,
	IN_HOP = 80,
	OUT_WIN = 400,
	OUT_HOP = 160,
	IN_FFT = 256,
	OUT_FFT = 512,
	TAPS = 32,
	NARROW = 18, /* bands seen */
	LOW = 3,     /* bands predicted below the telephone band */
	HIGH = 8,    /* and above */
	CONTEXT = 5,
	HIDDEN = 64,
	INPUTS = CONTEXT * NARROW,
	OUTPUTS = LOW + HIGH,
	LOW_BINS = 9,	   /* bins 0..8 are below 270 Hz */
	HIGH_BIN = 111,	   /* bins from here are above 3460 Hz */
	PENDING_MAX = 1024, /* drained while it fills: 400 + 2 * 160 + 2 are used */
	PHASES = 1024,
};

#define BIN_HZ	  31.25F
#define LEVEL_MIN 30.0F	 /* dB; quieter references would amplify line noise */
#define DECAY	  0.04F	 /* dB a frame that the reference level sinks */
#define SPAN_DB	  15.0F	 /* one unit of the network's inputs and outputs */

static_assert(sizeof(abe_w1) == sizeof(float[INPUTS][HIDDEN]), "weights do not fit the code");
static_assert(sizeof(abe_w3) == sizeof(float[HIDDEN][OUTPUTS]), "weights do not fit the code");

struct abe {
	/* tables */
	struct complex32 phase[PHASES];	       /* points of the unit circle */
	float window[OUT_WIN];
	float gain[OUT_HOP]; /* undoes the sum of overlapping squared windows (of noise: in power) */
	float fir[TAPS];
	uint16_t narrow_edge[NARROW + 1];
	float mix[OUT_FFT / 2];	     /* of a bin: share of the upper of its two neighbour bands */
	uint8_t mix_band[OUT_FFT / 2]; /* and the lower one */

	/* the recording */
	float history[TAPS];
	float in[IN_WIN];
	size_t in_count;
	float pending[PENDING_MAX]; /* interpolated, waiting for its noise */
	size_t pending_count;
	float overlap[OUT_WIN];
	float features[CONTEXT][NARROW];
	uint32_t frame_count;
	float level; /* reference, dB: follows peaks at once, sinks slowly */
	uint64_t seed;
};

static float mel_of(float hz)
{
	return 1127.0F * logf(1 + hz / 700.0F);
}

static float hz_of(float mel)
{
	return 700.0F * (expf(mel / 1127.0F) - 1);
}

/* count + 1 edges from lo to hi, evenly spaced on the mel scale. */
static void mel_edges(float lo, float hi, int count, float *ret_edges)
{
	for (int i = 0; i <= count; i++)
		ret_edges[i] = hz_of(mel_of(lo) + (mel_of(hi) - mel_of(lo)) * (float)i / (float)count);
}

/* Predicted energies hold at band centres; bins between them are interpolated. */
static void init_mix(struct abe *abe, int first_bin, int end_bin, const float *edges, int first_band, int count)
{
	for (int k = first_bin; k < end_bin; k++) {
		float hz = (float)k * BIN_HZ;
		int i = 0;

		while (i < count - 2 && hz > (edges[i + 1] + edges[i + 2]) / 2)
			i++;

		float below = (edges[i] + edges[i + 1]) / 2, above = (edges[i + 1] + edges[i + 2]) / 2;

		abe->mix_band[k] = (uint8_t)(first_band + i);
		abe->mix[k] = CLAMP((hz - below) / (above - below), 0.0F, 1.0F);
	}
}

static void init_bands(struct abe *abe)
{
	static const float low_edges[LOW + 1] = {20, 110, 190, 280};
	float narrow[NARROW + 1], high[HIGH + 1];

	mel_edges(280, 3450, NARROW, narrow);
	for (int i = 0; i <= NARROW; i++)
		abe->narrow_edge[i] = (uint16_t)ceilf(narrow[i] / BIN_HZ - 1e-4F);
	mel_edges(3450, 7900, HIGH, high);
	init_mix(abe, 1, LOW_BINS, low_edges, 0, LOW);
	init_mix(abe, HIGH_BIN, OUT_FFT / 2, high, LOW, HIGH);
}

struct abe *abe_new(void)
{
	struct abe *abe = mem_zalloc(sizeof(*abe));

	for (int i = 0; i < PHASES; i++) {
		double a = 2 * M_PI * i / PHASES;

		abe->phase[i] = (struct complex32){(float)cos(a), (float)sin(a)};
	}
	for (int i = 0; i < OUT_WIN; i++)
		abe->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / OUT_WIN));
	for (int i = 0; i < OUT_HOP; i++) {
		float sum = 0;

		for (int j = i; j < OUT_WIN; j += OUT_HOP)
			sum += abe->window[j] * abe->window[j];
		abe->gain[i] = 1 / sqrtf(sum);
	}
	for (int i = 0; i < TAPS; i++) {
		double t = i - (TAPS - 1) / 2.0;

		abe->fir[i] = (float)(sin(M_PI * t) / (M_PI * t) * (0.54 + 0.46 * cos(M_PI * t / 16.5)));
	}
	init_bands(abe);
	abe_reset(abe);

	return abe;
}

struct abe *abe_free(struct abe *abe)
{
	free(abe);

	return NULL;
}

void abe_reset(struct abe *abe)
{
	memset(abe->history, 0, sizeof(abe->history));
	memset(abe->overlap, 0, sizeof(abe->overlap));
	abe->in_count = 0;
	abe->pending_count = 0;
	abe->frame_count = 0;
	abe->level = LEVEL_MIN;
	abe->seed = 1;
}

/* Band levels of the frame in abe->in, relative to the reference level, appended to the context. */
static void analyse(struct abe *abe)
{
	struct complex32 x[IN_FFT] = {0};
	float level[NARROW], total = 0;

	for (int i = 0; i < IN_WIN; i++)
		x[i].re = abe->in[i] * abe->window[2 * i];
	fft_run(x, IN_FFT);
	for (int b = 0; b < NARROW; b++) {
		int from = abe->narrow_edge[b], to = abe->narrow_edge[b + 1];
		float power = 0;

		/* Times four: the same sound at 16 kHz has twice the samples under the window. */
		for (int k = from; k < to; k++)
			power += 4 * (x[k].re * x[k].re + x[k].im * x[k].im) + 100;
		power /= (float)(to - from);
		total += power;
		level[b] = 10 * log10f(power);
	}
	abe->level = fmaxf(fmaxf(10 * log10f(total / NARROW), abe->level - DECAY), LEVEL_MIN);

	memmove(abe->features[0], abe->features[1], sizeof(abe->features) - sizeof(abe->features[0]));
	for (int b = 0; b < NARROW; b++)
		abe->features[CONTEXT - 1][b] = CLAMP((level[b] - abe->level) / SPAN_DB, -5.0F, 2.0F);
	for (int i = 0; abe->frame_count == 0 && i < CONTEXT - 1; i++)
		memcpy(abe->features[i], abe->features[CONTEXT - 1], sizeof(abe->features[i]));
	abe->frame_count++;
}

/* ret_out = bias + in * w. Outputs are the inner loop, which compilers turn into vector code. */
static void layer(const float *in, int in_count, const float *w, const float *bias, int out_count, float *ret_out)
{
	memcpy(ret_out, bias, (size_t)out_count * sizeof(*bias));
	for (int i = 0; i < in_count; i++)
		for (int o = 0; o < out_count; o++)
			ret_out[o] += in[i] * w[i * out_count + o];
}

static void rectify(float *x, int n)
{
	for (int i = 0; i < n; i++)
		x[i] = fmaxf(x[i], 0);
}

/* Levels in dB of the bands outside the telephone band, for the frame two before the last. */
static void predict(const struct abe *abe, float *ret_db)
{
	float one[HIDDEN], two[HIDDEN];

	layer(abe->features[0], INPUTS, abe_w1[0], abe_b1, HIDDEN, one);
	rectify(one, HIDDEN);
	layer(one, HIDDEN, abe_w2[0], abe_b2, HIDDEN, two);
	rectify(two, HIDDEN);
	layer(two, HIDDEN, abe_w3[0], abe_b3, OUTPUTS, ret_db);
	for (int i = 0; i < OUTPUTS; i++)
		ret_db[i] = ret_db[i] * SPAN_DB + abe->level;
}

static void shape(struct abe *abe, const float *db, int from, int to, struct complex32 *ret_x)
{
	/* Makes noise of that power per bin come out of window and overlap-add at the level that was meant. */
	const float scale = 1.8475F;

	for (int k = from; k < to; k++) {
		int b = abe->mix_band[k];
		float level = db[b] + (db[b + 1] - db[b]) * abe->mix[k];
		float amplitude = scale * exp2f(level * (0.05F * 3.321928F));
		struct complex32 p = abe->phase[prng_u32(&abe->seed) % PHASES];

		ret_x[k] = (struct complex32){amplitude * p.re, amplitude * p.im};
		ret_x[OUT_FFT - k] = (struct complex32){ret_x[k].re, -ret_x[k].im};
	}
}

/* Adds the frame's noise and writes the 160 samples that are complete now. */
static void synthesise(struct abe *abe, int16_t *ret_out)
{
	struct complex32 x[OUT_FFT] = {0};
	float db[OUTPUTS];

	predict(abe, db);
	shape(abe, db, 1, LOW_BINS, x);
	shape(abe, db, HIGH_BIN, OUT_FFT / 2, x);
	fft_run(x, OUT_FFT); /* forward serves as inverse: phases are random, the spectrum is Hermitian */
	for (int i = 0; i < OUT_WIN; i++)
		abe->overlap[i] += x[i].re * (1.0F / OUT_FFT) * abe->window[i];

	for (int i = 0; i < OUT_HOP; i++)
		ret_out[i] = (int16_t)lrintf(
			CLAMP(abe->overlap[i] * abe->gain[i] + abe->pending[i], -32768.0F, 32767.0F));
	memmove(abe->overlap, abe->overlap + OUT_HOP, (OUT_WIN - OUT_HOP) * sizeof(float));
	memset(abe->overlap + OUT_WIN - OUT_HOP, 0, OUT_HOP * sizeof(float));
	abe->pending_count -= OUT_HOP;
	memmove(abe->pending, abe->pending + OUT_HOP, abe->pending_count * sizeof(float));
}

/* Interpolates by two: the sample itself, then the point half-way to the next. */
static float take_sample(struct abe *abe, float sample)
{
	float between = 0;

	memmove(abe->history, abe->history + 1, (TAPS - 1) * sizeof(float));
	abe->history[TAPS - 1] = sample;
	for (int i = 0; i < TAPS; i++)
		between += abe->fir[i] * abe->history[i];
	abe->pending[abe->pending_count++] = abe->history[TAPS / 2 - 1];
	abe->pending[abe->pending_count++] = between;

	return abe->history[TAPS / 2 - 1];
}

size_t abe_process(struct abe *abe, const int16_t *in, size_t n, int16_t *ret_out)
{
	size_t written = 0;

	assert(n <= ABE_CHUNK_MAX);
	for (size_t i = 0; i < n; i++) {
		abe->in[abe->in_count++] = take_sample(abe, in[i]);
		if (abe->in_count < IN_WIN)
			continue;

		analyse(abe);
		if (abe->frame_count > CONTEXT / 2) {
			synthesise(abe, ret_out + written);
			written += OUT_HOP;
		}
		memmove(abe->in, abe->in + IN_HOP, (IN_WIN - IN_HOP) * sizeof(float));
		abe->in_count = IN_WIN - IN_HOP;
	}

	return written;
}
