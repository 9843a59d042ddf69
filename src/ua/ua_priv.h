/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/hash.h"
#include "base/list.h"
#include "base/timer.h"
#include "net/dns.h"
#include "net/netwatch.h"
#include "ua/admit.h"
#include "ua/locate.h"
#include "ua/ua.h"

/*
 * The inside of the ua, shared by its files:
 *
 *	ua.c	life, turns of the loop, what comes in
 *	send.c	what goes out: names, fail-over, choice of socket
 *	udp.c	sockets with batches
 *	conn*.c	stream connections (conn_priv.h), listen.c their listeners
 *	fault.c	errors in words
 *	locate.c, admit.c	stand alone
 */

#define UDP_BATCH 32 /* datagrams of one recvmmsg and of one sendmmsg */

struct ua_send;
struct conn;

#define UA_LABEL_BYTES 280 /* "host (ip:port)" */
#define UA_WHY_BYTES   480

/* A listening socket. */
struct ua_sock {
	struct ua *ua;
	uv_poll_t poll;
	int fd;
	enum sip_transport transport;
	struct addr addr; /* as bound, with the real port */
	bool is_any;
	struct timer backoff; /* TCP: after EMFILE */
};

/* A datagram waits for the end of the turn. */
struct udp_out {
	struct ua_sock *sock;
	struct addr to, from; /* from: unset, or the address to send from */
	size_t at, n;         /* in udp_buf */
	uint64_t token;
	struct ua_send *send; /* NULL, or who to ask when it fails; owned */
};

/* Sent lately over UDP, for ICMP errors. */
struct udp_recent {
	struct addr to;
	msec_t at;
	uint64_t token;
	struct ua_send *send; /* owned */
};

/* What the stack has to be told: a message failed, or a connection is gone. */
struct ua_failure {
	uint64_t token; /* 0: conn */
	uint32_t conn;
	int err;
	char *why; /* owned; NULL: no words */
};

struct ua_avoided {
	struct addr target;
	msec_t until;
};

struct ua {
	uv_loop_t *loop;
	struct sip_stack *stack;
	struct ua_params params;
	bool is_closed;
	unsigned handles;
	uv_prepare_t prepare; /* before each poll: drain, flush, arm */
	uv_check_t check;     /* after each poll: how long did it take */
	uv_timer_t timer;
	msec_t armed_at;
	struct timer_wheel wheel; /* connections and back-offs */
	struct dns *dns;
	struct netwatch *netwatch;
	struct admit *admit;
	struct ua_stats stats;

	struct ua_sock socks[LIMIT_UA_LISTENS];
	unsigned sock_count;

	struct ua_failure *failures; /* told in the next turn: the stack must not be entered from
					its own events */
	size_t failure_count, failure_cap;

	struct list sends;    /* ua_send: waiting for a name */
	struct list resolves; /* ua_resolve */
	struct list lists;    /* ua_resolve_all */
	struct ua_avoided avoided[LIMIT_UA_AVOIDED];

	struct hash_table conns_by_id, conns_by_remote;
	struct list conns;
	struct list shaking; /* accepted, in their handshakes, oldest first */
	unsigned shaking_count;
	uint32_t last_conn;

	struct tls_ctx *tls_server, *tls_default;
	struct ua_tls *tls; /* conn_tls.c; id - 1 */
	uint32_t tls_count;
	char **origins;
	unsigned origin_count;

	char *udp_buf; /* LIMIT_UA_UDP_OUT_BYTES */
	size_t udp_used;
	struct udp_out udp_out[UDP_BATCH];
	unsigned udp_out_count;
	bool is_flushing;
	struct udp_recent recent[LIMIT_UA_RECENT];
	unsigned recent_at;

	/* Queue delay: least of this and of the last window. */
	int64_t window_start_us;
	uint32_t window_least_us, last_least_us, turn_us;
	unsigned windows_over; /* in a row above the bound */

	char *rx; /* UDP_BATCH messages */
};

static inline void ua_handle_opened(struct ua *ua)
{
	ua->handles++;
}
void ua_handle_closed(struct ua *ua);

/* One complete message; false: dropped. After it, ua->is_closed may be true. */
msec_t ua_idle_ms(const struct ua *ua);
bool ua_recv(struct ua *ua, const struct sip_packet *pkt);
/* One message or connection of source; false: too many, drop it. */
bool ua_admit(struct ua *ua, const struct addr *source, msec_t now);
void ua_refused(struct ua *ua, const struct addr *source, enum ua_refusal why, const char *text);
void ua_trace_out(struct ua *ua, enum sip_transport transport, const struct addr *local,
	const struct addr *remote, struct span bytes);
void ua_note_delay(struct ua *ua, uint32_t delay_us);
void ua_drain(struct ua *ua);

/* --- send.c --- */

/*
 * A message on its way: waits for a name, for a connection, or behind a datagram for an ICMP error
 * that sends it to the next target.
 */
struct ua_send {
	struct list link; /* in ua->sends or in conn.waiting */
	struct ua *ua;
	struct locate *locate; /* NULL: there is only this one target */
	struct sip_dest dest;  /* its host lies behind bytes */
	struct addr target;    /* being tried; unset before the first */
	uint64_t token;
	int last_err;
	char *last_why; /* owned; NULL */
	size_t n;
	char bytes[];
};

void ua_send_out(struct ua *ua, const struct sip_out *out);
/* Its target failed: the next one, or the stack is told. Consumes s. why: a sentence; NULL: the usual one about err. */
void ua_send_failed(struct ua_send *s, int err, const char *why);
struct ua_send *ua_send_free(struct ua_send *s);
/* token may be 0. */
void ua_tell_failure(struct ua *ua, uint64_t token, int err, const char *why);
void ua_tell_conn_lost(struct ua *ua, uint32_t conn, const char *why);

/* A socket of that transport that can reach peer; local: the address to use, may be unset. NULL:
 * none. For TLS it may be one of another transport, whose address is ours as well. */
struct ua_sock *ua_pick_sock(struct ua *ua, enum sip_transport transport, const struct addr *peer,
	const struct addr *local);

/* What a destination and the sockets that are open say; no seed, nothing avoided. */
void ua_locate_params(struct ua *ua, const struct sip_dest *dest, struct locate_params *ret);

/* --- udp.c --- */
nodiscard int udp_open(struct ua_sock *sock);
/* Copies bytes; s may be NULL, is consumed when the datagram fails and freed otherwise. */
void udp_send(struct ua_sock *sock, const struct udp_out *what, struct span bytes);
void udp_flush(struct ua *ua);
void udp_recent_done(struct ua *ua);

/* --- listen.c --- */
nodiscard int conn_listen(struct ua_sock *sock);

/* --- fault.c --- */
/* "pbx.example.com (192.0.2.7:5061)", or the address alone when host is one or is empty. Returns ret. */
const char *ua_label(const char *host, const struct addr *addr, char ret[static UA_LABEL_BYTES]);
const char *ua_fault_text(int err, enum sip_transport transport, const char *label, char ret[static UA_WHY_BYTES]);
const char *ua_name_fault_text(int err, const char *host, char ret[static UA_WHY_BYTES]);

/* --- conn_tls.c --- */
void ua_tls_done(struct ua *ua);

/* --- conn.c --- */

/* Where a connection of ours leads, and what makes it fit to be reused. */
struct conn_to {
	enum sip_transport transport; /* SIP_TCP or SIP_TLS */
	struct addr remote, local;    /* local: to bind to; may be unset */
	const char *host;	      /* TLS: whose certificate is wanted */
	uint32_t tls_id;
	uint32_t timeout_ms; /* for TCP, and again for TLS */
};

/* Takes over fd: keeps or closes it. */
void conn_accept(struct ua_sock *sock, int fd, const struct sockaddr *sa);
struct conn *conn_find(struct ua *ua, uint32_t id);
/* Open or opening, that we opened. */
struct conn *conn_find_to(struct ua *ua, const struct conn_to *to);
uint32_t conn_id(const struct conn *c);
nodiscard int conn_open(struct ua *ua, const struct conn_to *to, struct conn **ret);
/* At once, or when the connection is open. Consumes s: on failure it goes elsewhere. */
void conn_send(struct conn *c, struct ua_send *s);
/* False: it failed and the connection is closed. */
bool conn_write(struct conn *c, struct span bytes);
bool conn_is_open(const struct conn *c);
void conn_close_all(struct ua *ua);
