/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "call/record.h"
#include "line/registry.h"

/*
 * Events: what happened, as programs are told (docs/events.md). One text for the stream and for webhooks:
 *
 *	{"type": "call.ended", "timestamp": "2026-11-25T14:30:00.123Z", "version": 1, "data": {...}}
 *
 * Fields may be added to a version; one that changes its meaning makes a new version.
 */
#define EVENT_TYPE 32

struct event {
	char type[EVENT_TYPE];
	char *text; /* the JSON, terminated */
};

/*
 * What calls_hooks.changed tells, as an event. False: nothing that programs are told of. The caller frees text. Reads the record only: the
 * thread that owns the call. whole: json_call_full of r, borrowed, when the caller has it; NULL.
 */
bool event_of_call(const struct call_record *r, const char *what, json_t *whole, int64_t wall_ms, struct event *ret);
/* A line registered, failed, or is on its way. */
bool event_of_line(const struct line_status *s, int64_t wall_ms, struct event *ret);

/* Whether pattern ("call.*", "*", "transcript") is meant for type. */
bool event_matches(const char *pattern, const char *type);
/* Whether any type of ours fits the pattern. */
bool event_is_known(const char *pattern);
