/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "base/base.h"

/*
 * An HTTP client on a loop, for answers that stream: libcurl's multi interface driven by libuv. Connections are kept and used again, HTTP/2 where
 * the server has it.
 *
 * Thread: the loop. Callbacks come from it, never from inside web_send. Once web_cancel has returned, nothing follows.
 */
struct web_client;
struct web_request;

struct web_end {
	/*
	 * 0: an answer of 2xx came to its end. -TR_EAUTH: 401 or 403; -TR_ELIMIT: 429; -TR_EENGINE: any other status; -TR_EDNS, -TR_ETIMEDOUT,
	 * -TR_ETRANSPORT: none, or it broke off.
	 */
	int err;
	long status;	      /* 0: there was no answer */
	int64_t retry_after_ms; /* that the server asks for; -1: nothing said */
	const char *words;    /* what went wrong, for people; "" when nothing did */
	const char *body;     /* of an answer that is not 2xx, its beginning; "" */
};

struct web_ask {
	const char *method;		/* NULL: POST with a body, else GET */
	const char *url;
	const char *const *headers;	/* "Name: value", NULL at the end; NULL: none */
	const void *body;		/* copied */
	size_t body_n;
	uint32_t connect_ms, total_ms;	/* 0: 3000, 60000 */
	void (*on_data)(void *arg, const char *bytes, size_t n); /* of an answer of 2xx; the request may be cancelled from here */
	void (*on_end)(void *arg, const struct web_end *end);	 /* last; NULL: nobody cares */
	void *arg;
};

/* -TR_EENGINE: libcurl cannot start. */
nodiscard int web_client_new(struct web_client **ret, uv_loop_t *loop);
uv_loop_t *web_client_loop(struct web_client *c);
/* Cancels what runs. The loop has to run once more, for its handles. */
struct web_client *web_client_free(struct web_client *c);

/* -TR_ELIMIT: LIMIT_WEB_REQUESTS are under way. */
nodiscard int web_send(struct web_client *c, struct web_request **ret, const struct web_ask *ask);
/* NULL is fine. */
void web_cancel(struct web_request *r);
