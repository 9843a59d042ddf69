/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Small changes of length for the jitter buffer and for playout, without a change of pitch: one
 * pitch period is taken out or put in where the waveform repeats itself, cross-faded. No delay;
 * costs a copy when nothing is asked. The caller sets the pace: asked for in every fifth 20 ms
 * frame it makes about +-5 %.
 *
 * Embedded, no allocation, deterministic. 8 to 16 kHz (asserted), frames from 10 ms to
 * LIMIT_PTIME_MS; a period longer than a frame allows (5 ms less than it) cannot be taken out of
 * it.
 */
#define STRETCH_MAX_HZ  16000
#define STRETCH_HISTORY (STRETCH_MAX_HZ / 1000 * 30)
#define STRETCH_MAX_FRAME                                                                          \
	(STRETCH_MAX_HZ / 1000 * LIMIT_PTIME_MS)  /* longer frames pass unchanged */
#define STRETCH_MAX_PERIOD(hz) ((hz) / 1000 * 15) /* most samples one call adds */

enum stretch_mode {
	STRETCH_NONE,        /* pass through */
	STRETCH_SHORTEN,     /* take one period out if that cannot be heard */
	STRETCH_LENGTHEN,    /* put one period in if that cannot be heard */
	STRETCH_SHORTEN_NOW, /* the same with whatever period fits best: a buffer is about to
				overflow */
	STRETCH_LENGTHEN_NOW,
	STRETCH_DROP, /* the frame is silence by the caller's judgement: leaves only its cross-fade,
			 about 5 ms */
};

struct stretch {
	int rate_hz;
	int16_t history[STRETCH_HISTORY]; /* what was put out, newest last */
};

void stretch_init(struct stretch *s, int rate_hz);

/*
 * Puts out in[0..n) in the asked length and returns the samples written to ret_out: n when nothing
 * was or could be changed, less or more otherwise. ret_out has room for n +
 * STRETCH_MAX_PERIOD(rate) and is not in.
 */
int stretch_run(
	struct stretch *s, enum stretch_mode mode, const int16_t *in, int n, int16_t *ret_out);
