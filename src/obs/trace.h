/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * The flight recorder: the last SIP messages of the whole daemon in one ring of bytes, so that a call's ladder can be shown while it
 * lasts and long after, at no memory per call. The oldest are overwritten. One thread.
 */
struct trace;

struct trace_message {
	int64_t wall_us; /* since 1970 */
	bool is_out;
	const char *transport;
	struct addr local, remote;
	struct span call_id; /* of the message; absent for keep-alives, which are not kept */
	struct span bytes;
};

struct trace *trace_new(size_t bytes);
struct trace *trace_free(struct trace *t);

/* Copies; a message larger than LIMIT_TRACE_MESSAGE_BYTES is cut. */
void trace_add(struct trace *t, const struct trace_message *m);

/* Oldest first, those of one Call-ID (absent: all). Stops when fn returns false. Spans live during fn. */
void trace_each(struct trace *t, struct span call_id, bool (*fn)(void *ctx, const struct trace_message *m), void *ctx);
