/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "api/control.h"
#include "api/event.h"
#include "api/records.h"

/*
 * The HTTP server of the API: a thread of its own (libwebsockets) that hands each request to the signalling loop by message and
 * writes what comes back. Bodies are bounded by LIMIT_API_BODY_BYTES (413), waiting requests by LIMIT_API_REQUESTS (503).
 */
struct api_http;

struct api_http_params {
	struct addr listen;
	const char *keys_file; /* copied; api/gate.h */
	/*
	 * PEM files, copied: ours with those between it and its CA, and its key. NULL: plain HTTP. A new certificate in the same files is taken up within
	 * a second of the next request.
	 */
	const char *certificate, *key;
	uv_loop_t *loop;
	struct control_target *target; /* borrowed, used on the loop only */
	struct records_api records;    /* what it points to is borrowed, used on the server's thread only */
};

/* An error comes with words: -EADDRINUSE when the port is taken, others when the keys cannot be read. */
nodiscard int api_http_new(struct api_http **ret, const struct api_http_params *p, char *ret_why, size_t cap);
/* To all who read along; takes over the text. Any thread; never waits: when the server can't keep up the event is lost to them. */
void api_http_publish(struct api_http *h, struct event *event);
/* Joins the thread; call it on the loop's thread. */
struct api_http *api_http_free(struct api_http *h);
