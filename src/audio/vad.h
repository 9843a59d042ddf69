/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Voice activity: the probability that the newest 20 ms hold the voice of a talker near the telephone. A small recurrent net
 * looks at the spectrum of 8 kHz audio; 16 kHz is halved first. Tones, DTMF, music, noise and rooms full of people are not
 * speech. No decision and no hangover: those are the turn machine's. docs/voice-detection.md has its figures and says how the
 * net is trained.
 *
 * Embedded, no allocation, deterministic; one stream each.
 */
#define VAD_BANDS  21
#define VAD_FRAME  160 /* 20 ms at 8 kHz, the step of the net */
#define VAD_WINDOW 256 /* samples of a spectrum: the frame and 12 ms before it */
#define VAD_PAST   14  /* samples the decimation filter looks back */
#define VAD_THIN   142 /* 20 ms and the longest pitch period before them, at 4 kHz */
#define VAD_UNITS  48  /* of the recurrent layer */

struct vad {
	int rate_hz;
	int filled;		/* samples of the running frame so far */
	bool has_past;		/* a frame has been analysed: the trackers hold something */
	uint8_t speech;		/* the verdict on the last whole frame */
	float floor[VAD_BANDS]; /* noise of each band, log2 of its power: falls quickly, rises slowly */
	float before[VAD_BANDS]; /* the last frame's band levels */
	float talker;		/* loudest level of late, log2 */
	float memory[VAD_UNITS]; /* of the recurrent layer, -1..1 */
	int16_t past[VAD_PAST]; /* 16 kHz samples before the next */
	int16_t pcm[VAD_WINDOW]; /* the window, newest last */
	int16_t thin[VAD_THIN]; /* the latest audio at 4 kHz */
};

/* rate_hz is 8000 or 16000 (asserted). */
void vad_init(struct vad *v, int rate_hz);

/*
 * 0: surely none .. 255: surely speech. n is a frame of 20 ms as a rule; anything else is gathered into such frames: the
 * highest verdict of those that became whole is returned, or the last one when none did.
 */
uint8_t vad_run(struct vad *v, const int16_t *pcm, int n);
