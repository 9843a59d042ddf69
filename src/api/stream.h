/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/feed.h"
#include "base/list.h"

struct lws;

/*
 * A reader of events: GET /v1/events as Server-Sent Events (WHATWG HTML §9.2) or over WebSocket. Each has its place in the feed; who is slow
 * falls behind and is told what it missed, and holds up nobody. The API's thread.
 */
struct stream {
	struct list link;
	struct lws *wsi;
	bool is_ws, has_headers;
	uint64_t cursor;
	char types[LIMIT_EVENT_TYPES][EVENT_TYPE]; /* patterns; none: all */
	unsigned type_count;
};

/*
 * args: "types=call.*,transcript&after=ID" or ""; last_id: Last-Event-ID or "". Without either it begins with what comes. -EINVAL with words
 * in *ret_why, a literal.
 */
nodiscard int stream_init(struct stream *s, const struct feed *feed, char *args, const char *last_id, const char **ret_why);
/* Writes what is next; call when writable. Negative: close the connection. */
nodiscard int stream_write(struct stream *s, const struct feed *feed);
/* Keeps proxies from closing it. */
nodiscard int stream_ping(struct stream *s);
