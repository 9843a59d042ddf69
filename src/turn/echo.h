/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Is what we hear our own voice, come back from a loudspeaker? The envelope of what is heard is correlated with that of what
 * was sent, at every delay up to ECHO_DELAY_MS. Speech that is not ours matches now here, now there; an echo matches at one
 * delay for as long as it sounds. Half a second of it is enough to learn that delay; from then on each frame is told apart at
 * once, also from a caller who speaks over the echo. Pure, bounded, deterministic.
 *
 * The energy of 2 ms is what is compared, not the samples: codecs, clocks and rooms change those too much.
 */
enum {
	ECHO_FRAME_POINTS = 10, /* of 20 ms */
	ECHO_POINT_MS = 2,
	ECHO_DELAY_MS = 800,	/* jitter buffers of both sides, a mobile network, a loudspeaker */
	ECHO_LAGS = ECHO_DELAY_MS / ECHO_POINT_MS,
	ECHO_WINDOW = 150,	/* points that are compared: 300 ms */
};

enum echo_path {
	ECHO_UNKNOWN, /* too little was sent so far */
	ECHO_CLEAN,   /* we spoke for some seconds and nothing came back */
	ECHO_FOUND,   /* an echo's delay is known */
};

struct echo {
	enum echo_path path;
	uint32_t lag;	      /* points; of ECHO_FOUND */
	float likeness;	      /* smoothed correlation at that lag */
	float level;	      /* of the echo, as a factor of what was sent */
	uint32_t levels;      /* frames it was learned from */
	uint32_t alone;	      /* frames sent without a voice heard */
	float weight;	      /* frames that `match` is the sum of, fading */
	float match[ECHO_LAGS];
	float sent[ECHO_LAGS + ECHO_WINDOW + ECHO_FRAME_POINTS]; /* the newest last */
	float heard[ECHO_WINDOW];
};

void echo_init(struct echo *e);

/* The points of one 20 ms frame: what echo_frame wants to know of what was sent. */
void echo_points(const int16_t *pcm, size_t n, float ret_points[static ECHO_FRAME_POINTS]);

/*
 * One frame, heard at the moment that `sent` was sent (NULL: silence). is_voice: a speech detector's opinion of what was heard.
 * True when it is (or before the path is known, may well be) our own voice only.
 */
bool echo_frame(struct echo *e, const float *sent, const int16_t *heard, size_t n, bool is_voice);

/* Of ECHO_FOUND; 0 otherwise. */
uint32_t echo_delay_ms(const struct echo *e);
