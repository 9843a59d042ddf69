/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* A line of callers who wait for a person, as configured. Strings live as long as the plan's owner is held. */
struct call_queue_plan {
	const char *name;
	const char *members[LIMIT_CALL_QUEUE_MEMBERS]; /* number or URI each: who is rung, in this order, when free */
	size_t member_count;
	const char *fallback[LIMIT_CALL_XFER_TARGETS]; /* rung one after the other when time is over; then the agent again */
	size_t fallback_count;
	uint32_t ring_s;	/* a member may ring so long; 0: 15 */
	uint32_t rest_s;	/* who did not answer is left in peace so long; 0: 10 */
	uint32_t max_wait_s;	/* 0: 300 */
	uint32_t announce_s;	/* between two announcements of the position; 0: none */
	const char *announce;	/* said by the agent, {position} in it; NULL: "You are number {position} in line." */
	uint32_t max_callers;	/* 0: LIMIT_CALL_QUEUED */
};

/* All queues of a configuration. */
struct call_queues {
	struct call_queue_plan list[LIMIT_CALL_QUEUES];
	size_t count;
};
