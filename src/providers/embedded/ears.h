/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "providers/embedded/acoustic.h"

/*
 * Telephone speech at 8 kHz as the recogniser's cepstra, as if the speaker had been heard in a quiet room without a telephone.
 * Acoustic models are trained on wideband recordings; what the line takes away and what noise adds is guessed by a small network
 * from eleven frames of 22 bands and the noise between them. scripts/speech/train/ears makes its weights.
 *
 * Frames are those of mfcc.h: every 10 ms, the first when its window is full. The network needs the utterance's level and its
 * noise. Both are found anew from all frames whenever ears_cepstra is asked, so early frames should be asked for again once
 * more has been heard.
 *
 * Pure; no allocation but for frames. One thread at a time.
 */
enum { EARS_BANDS = 22, EARS_CONTEXT = 5 /* frames on each side */ };

struct ears {
	float in[205];
	size_t fill;
	float (*bands)[EARS_BANDS];
	size_t count, cap;
	float level, floor[EARS_BANDS];
};

void ears_init(struct ears *e); /* zeroed before: nothing to free yet */
void ears_done(struct ears *e);
/* Another utterance. */
void ears_reset(struct ears *e);
/* At 8 kHz. e->count grows by the frames that are complete. */
void ears_take(struct ears *e, const int16_t *pcm, size_t n);
/* Level and noise by what has been heard until now. */
void ears_measure(struct ears *e);
/* Cepstra of one frame, by the last measure. At the ends the outer frame counts for those beyond. */
void ears_cepstra(const struct ears *e, size_t frame, float ret[ACOUSTIC_CEPSTRA]);
