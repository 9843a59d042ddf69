/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * Phrases synthesised beforehand, shared by all calls of an agent thread: what is said when the engine that would say it is
 * the one that has failed. Thread: the agent loop.
 */
struct recorded;

struct recorded_key {
	struct tts_port *tts;
	const char *voice, *language; /* may be NULL */
	uint32_t rate_hz;
	const char *text;
};

nodiscard struct recorded *recorded_new(void);
struct recorded *recorded_free(struct recorded *r);

/* Makes it in the background unless it is there or being made. Failure leaves it out until it is wanted again. */
void recorded_want(struct recorded *r, const struct recorded_key *key);

/* NULL when it is not there (yet). */
const int16_t *recorded_find(const struct recorded *r, const struct recorded_key *key, size_t *ret_n);
