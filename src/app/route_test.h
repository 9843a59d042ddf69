/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "app/config.h"

/*
 * What would become of a call: the decision of the routes, and of each route why it fits or does not. For the API and for
 * `tipring route-test`, of a running daemon or of a file.
 *
 * request: "to" (needed), "from", "line" (the first when absent), "at" ("2026-12-24T17:30", local in the first calendar's zone, or
 * with Z or +01:00; absent: now), "language", "calls": {AGENT: in progress}. "direction": "out" asks the outbound rules for
 * "to" and "agent" instead.
 *
 * NULL with words when the request cannot be understood. calls_of: what "calls" does not say; may be NULL.
 */
struct route_test_world {
	const struct config *config;
	int64_t now_unix_s;
	uint32_t (*calls_of)(void *ctx, const char *agent);
	void *ctx;
};
json_t *route_test(const struct route_test_world *w, json_t *request, char *ret_why, size_t cap);
