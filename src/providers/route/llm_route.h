/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/ports.h"

/*
 * Several minds as one llm port, the most wanted first. A turn goes to the first that is well; when it fails before it has said anything, or says nothing for
 * first_ms, the same turn goes to the next, who gets the whole conversation with it. What has been spoken is never said twice: after its first word a mind
 * keeps the turn, and when it breaks off then, the reply ends there.
 *
 * A mind that failed twice in a row is passed over for REST_MS, unless no other is left; then one turn tries it again.
 *
 * Thread: the loop.
 */
struct llm_route_params {
	const char *name;
	struct llm_port *const *ports; /* borrowed; they outlive the route */
	size_t count;		       /* at most LIMIT_LLM_ROUTE */
	uint32_t first_ms;	       /* 0: 2500 */
};

struct llm_route_stats {
	uint64_t turns[LIMIT_LLM_ROUTE]; /* that each mind answered */
	uint64_t failovers;
};

struct llm_port *llm_route_new(uv_loop_t *loop, const struct llm_route_params *params);
/* Every session must be closed before. */
struct llm_port *llm_route_free(struct llm_port *port);
struct llm_route_stats llm_route_stats(struct llm_port *port);
