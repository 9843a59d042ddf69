/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/exchange.h"

/* Shared by exchange.c (life, lines, tests), exchange_in.c (calls in) and exchange_out.c (calls out). */

/* What a call holds on to: the configuration it began with, and its place in the counts. Given back by exchange_release. */
struct ticket {
	struct exchange *exchange;
	struct snapshot *snap;
	struct usage_slot *line_use, *agent_use;
	struct sip_account *self; /* of a leg without a line; NULL */
	char line[64];
	struct call_caller who;
};

#define NO_AGENT SIZE_MAX /* a leg of a transfer */

/* Fills what line and agent give to a plan, and counts the call: usage_begin of the line has been done by the caller. */
struct ticket *ticket_new(struct exchange *x, size_t agent, const struct line_config *line, struct usage_slot *line_use,
	struct call_plan *ret_plan);

static inline const struct config *exchange_config(const struct exchange *x)
{
	return x->snap->config;
}

/* Our address towards a line's server, or the target of it that is given; false: not known. */
bool exchange_local_for(void *ctx, const struct line_config *line, const struct addr *peer, struct addr *ret);
