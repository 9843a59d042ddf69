/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * In-band DTMF of one stream, both directions. A header of its own, since those of audio and of rtp both call what they detect
 * struct dtmf_event. A worker's; new and free on the control thread.
 */
struct inband;

struct inband *inband_new(int rate_hz, bool is_detecting);
struct inband *inband_free(struct inband *i);

bool inband_is_detecting(const struct inband *i);
void inband_set_detecting(struct inband *i, bool is_detecting);

/* Digits that became certain in this frame; returns how many. */
int inband_detect(struct inband *i, const int16_t *pcm, int n, char ret_digits[4]);

/* Queues a digit or ",", a pause of a second. */
nodiscard int inband_send(struct inband *i, char digit);

/* Next frame of what is queued; false and untouched when there is nothing. */
bool inband_run(struct inband *i, int16_t *ret_pcm, int n);
