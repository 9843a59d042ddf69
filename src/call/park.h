/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* The car park of callers, as configured. Strings live as long as the plan's owner is held. */
struct call_park_plan {
	uint32_t first, last; /* slots; 0: there are none */
	uint32_t timeout_s;   /* 0: 120 */
	const char *targets[LIMIT_CALL_XFER_TARGETS]; /* who is rung when nobody came: number or URI each */
	size_t target_count;
};
