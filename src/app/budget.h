/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"

/*
 * The toll budget at work: line/toll.h with the clock, and with a small file (toll.state) so that a restart does not give the day's
 * budget anew. When that file cannot be read or written, outside calls are refused until it can: what is not counted is not spent.
 * Signalling thread.
 */
struct budget {
	struct toll toll;
	const char *path; /* NULL: kept in memory only */
};

/* Reads the state. A file that is damaged is an error for people (ret_why), one that does not exist is a fresh day. */
void budget_open(struct budget *b, const struct config_toll *config, char *ret_why, size_t cap);

bool budget_may_call(struct budget *b, const struct config_toll *config, const char *target, char *ret_why, size_t cap);
void budget_began(struct budget *b, const struct config_toll *config, const char *target);
/* seconds: from answer to end; 0: it was not answered, or goes on elsewhere (a REFER). */
void budget_ended(struct budget *b, const struct config_toll *config, const char *target, uint32_t seconds);
