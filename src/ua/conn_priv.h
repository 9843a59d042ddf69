/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "net/tls.h"
#include "net/ws.h"
#include "ua/ua_priv.h"

/*
 * Inside of stream connections:
 *
 *	conn.c		life, the tables, opening, timers
 *	conn_io.c	bytes between socket, TLS and the layer above
 *	conn_tls.c	TLS on a connection, settings of listeners and lines
 *	conn_sip.c	messages in a stream (TCP, TLS)
 *	conn_ws.c	messages in WebSocket frames (WS, WSS)
 *
 *   OPENING ──TCP──> SHAKING ──TLS, HTTP upgrade──> OPEN ──> CLOSED
 *      └──TCP without either────────────────────────> ┘
 */

enum conn_state { CONN_OPENING, CONN_SHAKING, CONN_OPEN, CONN_CLOSED };

struct conn {
	struct hash_node by_id, by_remote;
	struct list link;
	struct list shaking; /* accepted and SHAKING: in ua->shaking, oldest first */
	struct ua *ua;
	uv_poll_t poll;
	int fd;
	uint32_t id;
	enum conn_state state;
	enum sip_transport transport;
	bool is_ours;	  /* opened, not accepted */
	bool has_spoken;  /* a whole message came, or an upgrade */
	bool is_refused;  /* WS: the upgrade was; what still comes is dropped until the peer closes */
	bool is_shaken;	  /* TLS's handshake is over */
	bool is_upgraded; /* WS */
	bool is_pinged;	  /* WS: a ping is out and nothing came since */
	struct addr remote, local;
	char *label;		 /* for sentences */
	char *host, *other;	 /* opened, TLS: whose certificate is wanted; other may be NULL */
	struct tls_ctx *tls_ctx; /* opened, TLS: checked by these settings */
	struct tls *tls;	 /* TLS, WSS */
	struct ws_reader ws;
	struct timer timer;
	uint32_t connect_ms;
	msec_t opened_at; /* this state began */
	msec_t active_at, heard_at;
	msec_t partial_at;   /* NEVER without a begun message */
	struct list waiting; /* ua_send: until it is open */
	char *in, *out;
	size_t in_n, in_cap, out_at, out_n, out_cap;
};

static inline bool conn_is_ws(const struct conn *c)
{
	return c->transport == SIP_WS || c->transport == SIP_WSS;
}

/* --- conn.c --- */

/*
 * The only way a connection ends. Its memory goes in a later turn, so callers may still look at c. why: a sentence, or NULL for the
 * usual words about err.
 */
void conn_close(struct conn *c, int err, const char *why);
void conn_arm(struct conn *c, msec_t now);
/* TCP is there: begins what comes next. */
void conn_connected(struct conn *c);
/* All handshakes are over: messages can go. */
void conn_ready(struct conn *c);
/* The peer misbehaves: counted by the caller, told to the owner, closed. */
void conn_refuse(struct conn *c, enum ua_refusal kind, int err, const char *why);

/* --- conn_io.c --- */
void conn_watch(struct conn *c);
/* Plain bytes, through TLS where there is one. False: it failed and the connection is closed. */
bool conn_put(struct conn *c, struct span bytes);
/* What TLS has to say goes to the socket. False: closed. */
bool conn_flush_tls(struct conn *c);
/* The last words, as far as the kernel takes them. */
void conn_put_last(struct conn *c);

/* --- conn_tls.c --- */
/* Opened: the settings of that line, as they are now. */
nodiscard int conn_tls_prepare(struct conn *c, const struct conn_to *to);
/* The certificate of c was checked as it would be for to. */
bool conn_tls_fits(const struct conn *c, const struct conn_to *to);
/* Client or server, by is_ours. */
nodiscard int conn_tls_start(struct conn *c);
/* After tls_feed: moves the connection on, or closes it. False: closed. */
bool conn_tls_moved(struct conn *c);

/* --- conn_sip.c, conn_ws.c --- */
/* Takes what is complete at the front of buf: bytes used. May close c. */
size_t conn_take_sip(struct conn *c, char *buf, size_t n);
size_t conn_take_ws(struct conn *c, char *buf, size_t n);
/* One message; a ping of CR LF CR LF is answered here. */
void conn_take_message(struct conn *c, struct span bytes);

/* One message in a frame. False: closed. */
bool conn_ws_write(struct conn *c, struct span bytes);
/* Nothing was heard for ws_ping_ms. */
void conn_ws_ping(struct conn *c);
