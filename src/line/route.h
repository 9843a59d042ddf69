/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "line/calendar.h"

/*
 * Which agent answers a call, and by which line a call goes out. Pure: request, snapshot of the configuration and the time in; decision
 * and explanation out. The first entry that fits decides.
 */

/* NULL-terminated lists; NULL: anything fits. */
struct route_when {
	const char *during_name, *outside_name, *holiday_name; /* of calendars; NULL */
	const struct calendar *during, *outside, *holiday;     /* the same, looked up */
};

struct route_config {
	int file_line;
	const char *const *lines;
	const char *const *to, *const *from; /* patterns, number.h */
	const char *language;		     /* "de": the caller's first choice begins with it */
	struct route_when when;
	uint32_t max_calls;		     /* the agent has so many in progress: the next route; 0: any number */
	const char *agent;		     /* NULL: reject */
	int reject;			     /* SIP status; 0: agent */
};

struct route_request {
	const char *line;
	const char *to, *from;		/* as they came */
	const char *to_e164, *from_e164; /* normalised; NULL: the same */
	const char *language;		/* NULL or "": not known */
	int64_t now_unix_s;
	/* Calls of that agent in progress; NULL: none. */
	uint32_t (*calls_of)(void *ctx, const char *agent);
	void *ctx;
};

#define ROUTE_WHY_TEXT 200

/* Whether one route fits; ret_why says why, or what keeps it from it. */
bool route_fits(const struct route_config *r, const struct route_request *rq, char *ret_why, size_t cap);

/*
 * The first route that fits. NULL when none does; ret_why then says, in a sentence, which route came nearest and what kept it from
 * fitting. When one fits it says which and why.
 */
const struct route_config *route_decide(const struct route_config *routes, size_t n, const struct route_request *rq, char *ret_why,
	size_t cap);

/* ---- out --------------------------------------------------------------------------------------------------------------- */

struct outbound_config {
	int file_line;
	const char *const *to;	   /* patterns */
	const char *const *agents; /* calls of these agents only */
	struct route_when when;
	const char *const *lines;  /* in the order to try; never NULL */
	bool is_least_load;	   /* of them the one with the fewest calls for its max_calls, not the first */
	uint32_t strip;		   /* digits taken away in front */
	const char *prefix;	   /* put in front; NULL */
	const char *caller_id;	   /* NULL: the line's */
};

struct outbound_request {
	const char *to, *to_e164; /* as in route_request */
	const char *agent;
	int64_t now_unix_s;
};

bool outbound_fits(const struct outbound_config *o, const struct outbound_request *rq, char *ret_why, size_t cap);
const struct outbound_config *outbound_decide(const struct outbound_config *list, size_t n, const struct outbound_request *rq,
	char *ret_why, size_t cap);
/* The number as that rule wants it: strip, then prefix. ret has NUMBER_TEXT bytes. */
void outbound_number(const struct outbound_config *o, const char *number, char *ret);
