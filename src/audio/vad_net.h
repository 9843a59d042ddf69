/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Voice activity by a small recurrent net that looks at the spectrum of 8 kHz audio; 16 kHz is halved first. The probability that
 * the newest 20 ms hold the voice of a talker near the telephone; no decision and no hangover, those are the turn machine's.
 * docs/voice-detection.md has its figures beside those of vad.h, which every call has, and says how the net is trained.
 *
 * Embedded, no allocation, deterministic; one stream each.
 */
#define VAD_NET_BANDS 21
#define VAD_FRAME     160 /* 20 ms at 8 kHz, the step of the net */
#define VAD_WINDOW    256 /* samples of a spectrum: the frame and 12 ms before it */
#define VAD_NET_PAST  14  /* samples the decimation filter looks back */
#define VAD_NET_THIN  142 /* 20 ms and the longest pitch period before them, at 4 kHz */
#define VAD_UNITS     64  /* of the recurrent layer */
#define VAD_FEATURES  (2 * VAD_NET_BANDS + 10)

struct vad_net {
	int rate_hz;
	int filled;		     /* samples of the running frame so far */
	bool has_past;		     /* a frame has been analysed: the trackers hold something */
	uint8_t speech;		     /* the verdict on the last whole frame */
	float floor[VAD_NET_BANDS];  /* noise of each band, log2 of its power: falls quickly, rises slowly */
	float before[VAD_NET_BANDS]; /* the last frame's band levels */
	float talker;		     /* loudest level of late, log2 */
	float memory[VAD_UNITS];     /* of the recurrent layer, -1..1 */
	int16_t past[VAD_NET_PAST];  /* 16 kHz samples before the next */
	int16_t pcm[VAD_WINDOW];     /* the window, newest last */
	int16_t thin[VAD_NET_THIN];  /* the latest audio at 4 kHz */
};

/* rate_hz is 8000 or 16000 (asserted). */
void vad_net_init(struct vad_net *v, int rate_hz);

/*
 * 0: surely none .. 255: surely speech. n is a frame of 20 ms as a rule; anything else is gathered into such frames: the
 * highest verdict of those that became whole is returned, or the last one when none did.
 */
uint8_t vad_net_run(struct vad_net *v, const int16_t *pcm, int n);

/* Its halves, apart because training reads what the second gives and makes the numbers of the third (scripts/speech/vad). */

/* Takes samples until a frame is whole (v->filled == VAD_FRAME); returns how many were taken. */
int vad_gather(struct vad_net *v, const int16_t *pcm, int n);

/* What the net sees of the whole frame. Moves the trackers of v and makes room for the next frame. Levels are log2 of power. */
void vad_look(struct vad_net *v, float ret[VAD_FEATURES]);

/* One step of the net; moves v->memory. Returns the probability of speech, 0..1. */
float vad_think(struct vad_net *v, const float features[VAD_FEATURES]);
