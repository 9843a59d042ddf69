/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Call progress tones: generation, and probes for tests and for call progress. Pure, embedded, no
 * allocation; phase runs on across calls and on/off edges are ramped over 3 ms, so nothing clicks.
 */
#define TONE_MAX_FREQS 2
#define TONE_MAX_STEPS 6

struct tone_step {
	uint16_t hz[TONE_MAX_FREQS]; /* 0: unused; both 0: silence */
	uint16_t ms;                 /* 0: for ever */
};

struct tone_spec {
	struct tone_step steps[TONE_MAX_STEPS];
	uint8_t n_steps;
	int8_t level_dbm0; /* of each frequency; 3.14 dBm0 is a full-scale sine */
	bool is_repeated;
};

enum tone_kind {
	TONE_DIAL,
	TONE_RINGBACK,
	TONE_BUSY,
	TONE_CONGESTION,
	TONE_WAITING,
	TONE_SIT,
	TONE_BEEP,
	TONE_KIND_COUNT
};
enum tone_region {
	TONE_EU /* ETSI 425 Hz */,
	TONE_US /* ANSI precise tone plan */,
	TONE_REGION_COUNT
};

const struct tone_spec *tone_spec(enum tone_kind kind, enum tone_region region);

struct tone_gen {
	struct tone_spec spec;
	int rate_hz;
	int step;                                     /* index; n_steps: over */
	int left;                                     /* samples left of the step; -1: for ever */
	float re[TONE_MAX_FREQS], im[TONE_MAX_FREQS]; /* the oscillators */
	float cos_w[TONE_MAX_FREQS], sin_w[TONE_MAX_FREQS];
	float open, level; /* envelope, 0..1, and amplitude while on */
};

void tone_gen_start(struct tone_gen *g, const struct tone_spec *spec, int rate_hz);

/* The next n samples (silence when it is over). Returns false when the whole frame lay behind the
 * end. */
bool tone_gen_run(struct tone_gen *g, int16_t *ret_pcm, int n);

/* Fades out within 3 ms of the next tone_gen_run and is over then. */
void tone_gen_stop(struct tone_gen *g);

/* One frequency over n samples, by Goertzel. 1.0: all of the energy is there; 0 on silence. */
float tone_share(const int16_t *pcm, int n, int rate_hz, float hz);
/* Amplitude of that frequency, PCM units. */
float tone_amplitude(const int16_t *pcm, int n, int rate_hz, float hz);

/*
 * Is this frame a single steady sine? Returns its frequency, or 0 when more than about 2 % of its
 * energy is anything else or when it is below -45 dBov. Good for answering machine beeps and fax
 * tones; 10 ms and more.
 */
float tone_find_single(const int16_t *pcm, int n, int rate_hz);
