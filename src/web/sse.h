/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Reads server-sent events (text/event-stream, WHATWG HTML §9.2.6) in pieces of any size. Pure.
 *
 * As servers send them, not only as written: lines end with LF or CRLF, the blank after "data:" may be missing, comments keep connections alive,
 * and the last event may lack its empty line.
 */
struct sse {
	char *line, *data; /* so far; each LIMIT_SSE_BYTES at most */
	size_t line_n, line_cap, data_n, data_cap;
	bool has_data;
	char event[40]; /* its type; "" when the server names none */
	bool is_broken; /* an event was too big: nothing more is read */
};

/* data without its last line feed, with a 0 behind it. False: stop; the rest is not read. */
typedef bool sse_fn(void *arg, const char *event, const char *data, size_t n);

void sse_init(struct sse *s);
void sse_done(struct sse *s);
/* False: fn said stop, or an event has more than LIMIT_SSE_BYTES. */
bool sse_feed(struct sse *s, const char *bytes, size_t n, sse_fn *fn, void *arg);
/* The stream is over. */
bool sse_end(struct sse *s, sse_fn *fn, void *arg);
