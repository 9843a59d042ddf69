/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* How loud a frame is. 0 dBov is the RMS of a full-scale square wave (RFC 6464 §3), so a full-scale
 * sine has -3. Pure. */
struct level {
	float rms_dbov;  /* -127 for digital silence */
	float peak_dbov; /* of the largest sample */
	int clipped;     /* samples at either rail */
	int dc;          /* mean */
};

void level_measure(const int16_t *pcm, int n, struct level *ret);

/* RMS in PCM units: the cheap one, for every frame. */
float level_rms(const int16_t *pcm, int n);

/* RMS as RFC 6464 puts it on the wire: 0 (loudest) .. 127 (silence) in -dBov. */
uint8_t level_minus_dbov(const int16_t *pcm, int n);
