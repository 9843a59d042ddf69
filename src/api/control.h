/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "base/base.h"
#include "call/call.h"
#include "line/registry.h"
#include "obs/trace.h"
#include "store/store.h"

/*
 * What the HTTP API does, apart from HTTP: a request in, a status and a JSON document out. Runs on the signalling thread, which owns
 * calls and lines. Errors are problem details (RFC 9457): {"title", "status", "detail"}.
 *
 *	GET    /v1/health              {"status": "ok" | "degraded", "version", "calls", "uptime_s", "records", "problems": [sentences]}
 *	GET    /v1/stats               counters of signalling, media, agent and log
 *	GET    /v1/lines               {"lines": [...]}
 *	GET    /v1/calls?limit=N       {"calls": [...]}, live ones first, newest first
 *	POST   /v1/calls               {"target", "line"?, "agent"?, "detect"?, "caller_id"?, "caller_name"?, "withhold_number"?} -> 201 and the call
 *	POST   /v1/route-test          {"to", "from", "line"?, "at"?, "language"?, "calls"?} -> the decision, and of each route why
 *	GET    /v1/calls/ID            the call with its transcript, turns and quality; ID "last" is the newest
 *	DELETE /v1/calls/ID            hangs up -> 202
 *	POST   /v1/calls/ID/transfer   {"target"} -> 202
 *	POST   /v1/calls/ID/...        call_action.h
 *	       /v1/conferences...      conference.h
 *	GET    /v1/calls/ID/trace      {"messages": [...]} its SIP messages
 *	POST   /v1/reload              reads the configuration again -> 200, or 422 with "errors"
 */
struct control_dial {
	const char *target;
	const char *line, *agent; /* NULL: the first that fits */
	int detect;		  /* 1, 0: find out who answers, or don't; -1: as the agent is configured */
	const char *caller_id, *caller_name; /* NULL: the line's */
	bool is_private;	  /* withhold the number */
};

struct control_target {
	struct calls *calls;
	struct lines *lines;
	struct trace *trace;
	struct store *store; /* NULL: no records are kept */
	/* Places a call. 0 or an error with words. */
	int (*dial)(void *ctx, const struct control_dial *want, struct call **ret, char *ret_why, size_t cap);
	/* The answer to a route test, or NULL with words. */
	json_t *(*route_test)(void *ctx, json_t *request, char *ret_why, size_t cap);
	/* Adds to a line what its owner knows besides: calls in progress, limits. May be NULL. */
	void (*describe_line)(void *ctx, size_t line, json_t *answer);
	/* Adds "errors" (array of strings) to answer when the file is not valid. */
	int (*reload)(void *ctx, json_t *answer);
	void (*stats)(void *ctx, json_t *answer);
	/* Adds a sentence for each thing that does not work. May be NULL. */
	void (*problems)(void *ctx, json_t *list);
	void *ctx;
	const char *version;
	msec_t started_at;
};

struct control_request {
	const char *method; /* "GET" */
	const char *path;   /* "/v1/calls?limit=5" */
	const char *body;   /* terminated; "" when there is none */
};

/* Never NULL. The caller owns the document. */
json_t *control_handle(struct control_target *t, const struct control_request *rq, int *ret_status);
