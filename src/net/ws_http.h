/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The opening handshake of a WebSocket, RFC 6455 §4, for either end, over bytes: an HTTP/1.1 GET with Upgrade, answered by 101.
 * Pure. Spans point into the caller's bytes.
 */

#define WS_KEY_BYTES	25 /* 16 random bytes in base64 and a terminator */
#define WS_ACCEPT_BYTES 29 /* of SHA-1 likewise */

/* A client's request. */
struct ws_request {
	struct span target;    /* path and query */
	struct span host;      /* with its port, as said */
	struct span origin;    /* absent: not from a browser's page */
	struct span key;
	struct span protocols; /* the list as said; absent: none; fields that come twice are an error */
	bool is_ws;	       /* complete upgrade request of version 13 */
};

/*
 * 1: a request's head ended, *ret_used bytes long. 0: more is needed. Otherwise the negative HTTP status to refuse it with: -400
 * malformed, -405 not GET, -426 not an upgrade or another version than 13 (answer with Sec-WebSocket-Version), -431 larger than
 * LIMIT_WS_HEAD_BYTES. What is not HTTP at all is -400 as soon as that shows.
 */
nodiscard int ws_request_read(const char *buf, size_t n, struct ws_request *ret, size_t *ret_used);

/* Whether a list of the subprotocols offered has this one; case counts (§4.1). */
bool ws_has_protocol(struct span protocols, const char *name);

/* The host of "https://HOST:1234" or of "HOST:1234", brackets of IPv6 kept; absent if it is none. */
struct span ws_host_of(struct span origin_or_host);

/* 101. protocol: the one chosen, NULL for none. Bytes written; 0: cap is too small. */
nodiscard size_t ws_accept_write(char *ret_buf, size_t cap, struct span key, const char *protocol);

/* A refusal with a sentence as its body; the connection closes behind it. */
nodiscard size_t ws_refuse_write(char *ret_buf, size_t cap, int status, const char *text);

/* --- client --- */

struct ws_client_request {
	const char *host;      /* "example.com", "example.com:8443", "[::1]:80" */
	const char *target;    /* "/calls?x=1" */
	const char *protocol;  /* one or a list; NULL: none */
	const char *headers;   /* whole lines, each ending in CR LF: Authorization, Origin; NULL: none */
	const uint8_t *random; /* 16 bytes */
};

/* Writes the request and leaves in ret_key what the answer has to fit. 0: cap is too small or a text has a line end. */
nodiscard size_t ws_request_write(
	char *ret_buf, size_t cap, const struct ws_client_request *rq, char ret_key[static WS_KEY_BYTES]);

struct ws_response {
	int status;	      /* HTTP's */
	struct span reason;
	struct span protocol; /* chosen; absent: none */
};

/*
 * 1: 101 that fits the key, *ret_used bytes long; frames follow. 0: more is needed. -TR_EPARSE: no HTTP. -TR_EAUTH: an answer other than
 * 101 (ret->status says which). -TR_EUNSUPP: 101 with a wrong key or with an extension that nobody asked for. -TR_ETOOBIG.
 * offered: rq->protocol; an answer with another one is -TR_EUNSUPP.
 */
nodiscard int ws_response_read(
	const char *buf, size_t n, const char *key, const char *offered, struct ws_response *ret, size_t *ret_used);
