/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Voice activity: the probability that a frame holds speech, from an adaptive noise floor per band, harmonicity and how the
 * spectrum moves. No hangover and no decision: those are the turn machine's. Tones, DTMF, hum and steady noise are not speech.
 *
 * Embedded, no allocation, deterministic; one stream each. Frames of 10 or 20 ms (the same length always) at 8 or 16 kHz.
 */
#define VAD_BANDS 6

struct vad {
	int rate_hz;
	int frames;			/* seen so far, saturating */
	float floor[VAD_BANDS];		/* noise, log2 energy a band */
	float prev[VAD_BANDS];		/* the last frame's */
	float mean[VAD_BANDS];		/* slow mean and spread of the bands: what is steady is no speech */
	float spread;
	float dc_x, dc_y;		/* DC blocker */
	float z[32];			/* memory of the filters */
	int16_t tail[320];		/* 20 ms before this frame at 8 kHz: pitch lags reach into it */
	float tonality;			/* slow share of frames that were pure tones */
	float score;			/* smoothed over about two frames */
};

/* rate_hz is 8000 or 16000 (asserted). */
void vad_init(struct vad *v, int rate_hz);

/* 0: surely none .. 255: surely speech. */
uint8_t vad_run(struct vad *v, const int16_t *pcm, int n);
