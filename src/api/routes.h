/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/keys.h"
#include "base/span.h"

/*
 * The one table of what the API has: each operation with the least role that may use it. The server asks it before anything else,
 * so what is not in it does not exist (404), and nothing can be reached without having said who may. A new operation: one line in
 * routes.c, its action in control.c (on the loop) or records.c (on the server's thread).
 */
enum route_place { ROUTE_LOOP, ROUTE_SERVER, ROUTE_EVENTS };

struct route {
	const char *method, *path; /* "{id}" stands for one part that is not empty */
	enum api_role least;
	enum route_place place;
};

/* NULL: no such operation; *ret_allow is then "" (no such path, 404) or its methods as an Allow header wants them (405). */
const struct route *route_find(const char *method, struct span path, char *ret_allow, size_t cap);
/* All of them, in the order of the table; NULL after the last. */
const struct route *route_at(size_t i);
