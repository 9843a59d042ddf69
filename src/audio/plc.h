/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Packet loss concealment for plain PCM at 8 or 16 kHz, after the idea of G.711 Appendix I: the
 * last pitch periods are repeated, more of them as the gap grows, and fade within 70 ms into noise
 * at the level of the talker's background. The first good samples are cross-faded in. Adds no delay
 * and costs a copy while nothing is lost.
 *
 * Embedded, no allocation, deterministic. One stream each.
 */
#define PLC_MAX_HZ     16000
#define PLC_HISTORY_MS 50
#define PLC_HISTORY    (PLC_MAX_HZ / 1000 * PLC_HISTORY_MS)

struct plc {
	int rate_hz;
	int history_n;   /* samples of history kept at this rate */
	int lost;        /* samples concealed since the last good one; 0: nothing is lost */
	int period;      /* pitch period the gap is filled with, samples */
	int at;          /* read position in the repeated segment */
	int segment;     /* its length: one to three periods */
	float seam;      /* step at the seam to the good past; decays */
	float floor_rms; /* background level, tracked over good frames */
	uint64_t seed;
	int16_t history[PLC_HISTORY]; /* what was played, gaps included, newest last */
	int16_t cycle[PLC_HISTORY];   /* three periods before the gap, and a quarter to blend with;
					 valid in a gap */
};

/* rate_hz is 8000 or 16000 (asserted: the programmer's). */
void plc_init(struct plc *p, int rate_hz);

/* A good frame on its way to playout: remembered, and if it follows a gap its beginning is
 * cross-faded in place. */
void plc_good(struct plc *p, int16_t *pcm, int n);

/* Fills n samples of a gap; call it for every missing frame in order. */
void plc_conceal(struct plc *p, int16_t *ret_pcm, int n);
