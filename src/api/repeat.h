/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Requests that carry an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): who sends one again, because the answer got lost, gets the first
 * answer and nothing is done twice. Memory is bounded: LIMIT_API_REPEATS requests for LIMIT_API_REPEAT_MS; the oldest goes first. The API's thread; a
 * restart forgets.
 */
struct repeats;

#define REPEAT_ID 32 /* bytes that stand for a request: of whom, which key, which operation */

struct repeat_ask {
	const char *key;	   /* the header's value */
	const char *authorization; /* keys of one user are nothing to another */
	const char *method, *path;
	const char *body;
};

struct repeat_answer {
	int status;
	const char *text; /* until the next call */
};

enum repeat_verdict {
	REPEAT_NEW,   /* do it, and say repeat_done */
	REPEAT_SAME,  /* the answer is there */
	REPEAT_BUSY,  /* it is being done */
	REPEAT_OTHER, /* the key was used for something else */
};

struct repeats *repeats_new(void);
struct repeats *repeats_free(struct repeats *r);

enum repeat_verdict repeat_look(struct repeats *r, const struct repeat_ask *ask, msec_t now, uint8_t ret_id[static REPEAT_ID],
	struct repeat_answer *ret_answer);
/* 429 and 5xx are forgotten: trying again is what they ask for. */
void repeat_done(struct repeats *r, const uint8_t id[static REPEAT_ID], int status, const char *text, msec_t now);
