/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Mixing and gain. Sums are kept in 32 bits and limited once at the end: linear up to -2.5 dBFS,
 * above that bent so that no sum of any number of talkers wraps or clips hard. Pure; any thread.
 */

/* acc += pcm. Up to 65535 talkers fit. The caller clears acc (memset) before a frame's first. */
void mix_add(int32_t *acc, const int16_t *pcm, int n);

/* out = limited(acc - own): the mix for a participant without itself; own NULL for a listener. */
void mix_out(const int32_t *acc, const int16_t *own, int16_t *ret_pcm, int n);

/* pcm = limited(pcm + other), for two sources without an accumulator. */
void mix_two(int16_t *pcm, const int16_t *other, int n);

/* A gain that moves without clicks: a linear ramp per sample. Zero-initialised it is silent; use
 * gain_init. */
struct gain {
	float now, target; /* linear factors */
	float step;        /* a sample; 0 at the target */
};

void gain_init(struct gain *g, float factor);
/* Reaches factor after ramp samples (0: at once, at the risk of a click). */
void gain_set(struct gain *g, float factor, int ramp);
/* Applies it in place, saturating. Costs nothing at factor 1. */
void gain_run(struct gain *g, int16_t *pcm, int n);
float gain_from_db(float db);
