/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/routes.h"

/*
 * Who may do what: each request passes here before it is looked at any further. While there are no keys whoever reaches the (loopback) address may
 * do everything; with the first key every request needs one. The API's thread.
 *
 * A source that shows LIMIT_API_WRONG_KEYS wrong keys within LIMIT_API_WRONG_MS gets 429 for each further wrong one until that time is over. A right
 * key is let in all the same: 256 bits are not found by trying, and a forgotten script must not shut out everybody behind its address.
 */
struct gate;

struct gate_ask {
	const char *method;
	struct span path;	   /* without parameters */
	const char *authorization; /* the header's value; "" without one */
	const char *source;	   /* the peer's IP address */
};

struct gate_no {
	int status; /* 401, 403, 404, 405 or 429 */
	char detail[200];
	const char *header; /* "allow:", or NULL */
	char value[64];
};

/*
 * keys_file as in keys_load; whatever changes it takes effect within a second. needs_key: also while there is none, nobody gets in without (where others
 * than this machine's own users may come).
 */
nodiscard int gate_new(struct gate **ret, const char *keys_file, bool needs_key, char *ret_why, size_t cap);
struct gate *gate_free(struct gate *g);
/* The operation, or NULL with the refusal. */
const struct route *gate_pass(struct gate *g, const struct gate_ask *ask, msec_t now, struct gate_no *ret_no);
