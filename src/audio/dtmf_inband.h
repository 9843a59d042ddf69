/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/tone.h"
#include "base/base.h"

/*
 * DTMF in the audio, ITU-T Q.23/Q.24: a detector that speech does not trip (twist, share of energy,
 * two equal blocks in a row) and a generator. Pure, embedded, no allocation. 8 or 16 kHz detection,
 * generation at any rate.
 */
struct dtmf_rx {
	int rate_hz;
	int block, filled;           /* samples a block and so far */
	float coef[8], s1[8], s2[8]; /* the four rows and four columns */
	float energy;
	char last, digit; /* hit of the last block; digit that is on */
	uint8_t misses;   /* blocks without it since */
	uint8_t hits;     /* blocks of last in a row */
};

struct dtmf_event {
	char digit;  /* 0-9 * # A-D */
	bool is_end; /* else it begins: certain after 25 to 39 ms of tone */
	int at;      /* sample of the frame at which it became certain */
};

void dtmf_rx_init(struct dtmf_rx *d, int rate_hz);

/* Feeds a frame; writes at most cap events and returns how many. 4 are enough for 40 ms; further
 * ones are lost. */
int dtmf_rx_run(
	struct dtmf_rx *d, const int16_t *pcm, int n, struct dtmf_event *ret_events, int cap);

#define DTMF_TX_QUEUE 64

struct dtmf_tx {
	char queue[DTMF_TX_QUEUE];
	uint8_t head, count;
	int rate_hz, on_ms, off_ms;
	int left;   /* samples of the digit and its pause still to come */
	bool is_on; /* a digit, else a comma */
	struct tone_gen tone;
};

/* on/off 0: 100 ms and 70 ms. */
void dtmf_tx_init(struct dtmf_tx *d, int rate_hz, int on_ms, int off_ms);

/* Appends digits ("," is a pause of one second). -EINVAL on another character, -TR_ELIMIT when they
 * do not fit: none is taken. */
nodiscard int dtmf_tx_put(struct dtmf_tx *d, struct span digits);

/* Next n samples; false when the queue is empty and nothing was written (ret_pcm untouched). */
bool dtmf_tx_run(struct dtmf_tx *d, int16_t *ret_pcm, int n);
