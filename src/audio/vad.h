/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Voice activity: the probability that a frame holds speech, from an adaptive noise floor per band,
 * harmonicity and how the spectrum moves. No hangover and no decision: those are the turn
 * machine's. Tones, DTMF, hum and steady noise are not speech.
 *
 * Embedded, no allocation, deterministic; one stream each. Frames of 10 or 20 ms at 8 or 16 kHz; of
 * longer ones the highest is returned.
 */
#define VAD_BANDS 6
#define VAD_PAST  6   /* samples the decimation filter looks back */
#define VAD_THIN  142 /* 20 ms and the longest pitch period before them, at 4 kHz */

struct vad {
	int rate_hz;
	int frames;             /* analysed so far, saturating */
	float floor[VAD_BANDS]; /* noise, dB a band */
	float mean[VAD_BANDS];  /* the bands' slow mean: what stays near it is no speech */
	float least[VAD_BANDS]; /* lowest smoothed level of this window, and of the one before */
	float least_before[VAD_BANDS];
	float window_ms;        /* of it so far */
	float unrest;           /* slow mean distance from it, dB */
	float lively;           /* the same of what is no speech: how far it has to stand out */
	float talker;           /* level of this stream's talker, dB */
	float voiced;           /* fading memory of voiced sound: carries the unvoiced next to it */
	float score;            /* smoothed over about two frames */
	int16_t last;           /* sample before the frame */
	int16_t past[VAD_PAST]; /* 16 kHz samples before the frame */
	int16_t thin[VAD_THIN]; /* the latest audio at 4 kHz */
};

/* rate_hz is 8000 or 16000 (asserted). */
void vad_init(struct vad *v, int rate_hz);

/* 0: surely none .. 255: surely speech. */
uint8_t vad_run(struct vad *v, const int16_t *pcm, int n);
