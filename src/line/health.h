/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Whether one target of a line (an address of a registrar or carrier) can be used: fed with the fate of OPTIONS and of real requests.
 *
 *	            2 answers                       failure of a call, or 2 unanswered OPTIONS
 *	DOWN ──────────────────────────▶ UP ─────────────────────────────────────────────────▶ DOWN
 *	UNKNOWN counts as usable until it is known to be down.
 *
 * The hysteresis keeps a flapping target out: each time it goes down soon after it came up, one more answer is asked of it, up to
 * HEALTH_ANSWERS_MAX. Pure.
 */
#define HEALTH_ANSWERS	   2
#define HEALTH_ANSWERS_MAX 8
#define HEALTH_SILENCES	   2
#define HEALTH_FLAP_MS	   60000
#define HEALTH_DOWN_PING_MS 3000 /* a target that is down is asked this often: it is back soon after it is back */

enum health_state { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };
const char *health_state_name(enum health_state s);

struct health {
	enum health_state state;
	msec_t since;	   /* of the state */
	msec_t ping_at;	   /* when the next OPTIONS is due; NEVER: none is wanted */
	uint32_t every_ms; /* between them while all is well; 0: only while it is down */
	unsigned answers, silences; /* in a row */
	unsigned wanted;   /* answers until it is up */
	uint32_t rtt_ms;   /* of the last answer */
	uint64_t failures; /* ever */
};

void health_init(struct health *h, uint32_t every_ms, msec_t now);

/* All return whether the state changed. An answer is any response; 503 to a call counts as a failure, said by the caller. */
bool health_answered(struct health *h, uint32_t rtt_ms, msec_t now);
bool health_silent(struct health *h, msec_t now); /* an OPTIONS was not answered */
bool health_failed(struct health *h, msec_t now); /* a call or registration came to nothing there: down at once */
