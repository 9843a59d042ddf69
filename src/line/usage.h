/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Calls in progress by name, of lines and of agents, and the limits on them: channels at once, and calls a second by a token bucket of
 * one second's depth. Survives a reload of the configuration, as calls do. Pure; one thread.
 */
struct usage;

struct usage_slot {
	char name[64];
	uint32_t calls, peak;
	uint64_t total, refused_channels, refused_cps;
	uint32_t cps;	    /* the bucket's: reset when it changes */
	int64_t tokens_milli;
	msec_t filled_at;
};

struct usage *usage_new(void);
struct usage *usage_free(struct usage *u);

/* Made when it is not there yet; lives as long as u. NULL: LIMIT_USAGE_NAMES of them are there. */
struct usage_slot *usage_slot(struct usage *u, const char *name);
/* NULL: never used. */
const struct usage_slot *usage_find(const struct usage *u, const char *name);

enum usage_verdict { USAGE_OK, USAGE_CHANNELS, USAGE_CPS };

/* One more call, unless a limit says no, which is counted; 0: no limit. s may be NULL: OK. */
enum usage_verdict usage_begin(struct usage_slot *s, uint32_t max_calls, uint32_t cps, msec_t now);
void usage_end(struct usage_slot *s);
