/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Comfort noise: the payload of RFC 3389 (static type 13) as a receiver and sender, and a plain
 * noise source for silence that we make ourselves. Embedded, no allocation, deterministic from its
 * seed.
 */
#define CN_MAX_ORDER 12
#define CN_STATIC_PT 13

struct cn {
	uint64_t seed;
	float gain;            /* RMS of the target, in PCM units */
	float now;             /* RMS reached: glides to gain, so that an update does not click */
	float k[CN_MAX_ORDER]; /* reflection coefficients of the all-pole lattice */
	float b[CN_MAX_ORDER + 1]; /* its memory */
	int order;
};

/* Silence until a level is set. seed must not be 0 (any stream-dependent number). */
void cn_init(struct cn *cn, uint64_t seed);

/* A payload of RFC 3389 §3: level in -dBov, then quantised reflection coefficients; more than we
 * use are ignored. */
nodiscard int cn_decode(struct cn *cn, const uint8_t *payload, size_t n);

/* White noise of that RMS level, 0..127 as in the payload; 127 and above is silence. */
void cn_set_level(struct cn *cn, int minus_dbov);

/* The next n samples, continuous with those before. */
void cn_run(struct cn *cn, int16_t *ret_pcm, int n);

/* Payload for our own silence: one byte. Returns 1. */
size_t cn_encode(int minus_dbov, uint8_t *ret_payload);
