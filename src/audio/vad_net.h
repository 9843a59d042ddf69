/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/vad.h"

/*
 * The two halves of the voice detector, apart because training reads what the first gives and makes the numbers of the second
 * (scripts/speech/vad). Internal to audio.
 */
#define VAD_FEATURES (2 * VAD_BANDS + 10)

/* Takes samples until a frame is whole (v->filled == VAD_FRAME); returns how many were taken. */
int vad_gather(struct vad *v, const int16_t *pcm, int n);

/* What the net sees of the whole frame. Moves the trackers of v and makes room for the next frame. Levels are log2 of power. */
void vad_look(struct vad *v, float ret[VAD_FEATURES]);

/* One step of the net; moves v->memory. Returns the probability of speech, 0..1. */
float vad_think(struct vad *v, const float features[VAD_FEATURES]);
