/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "net/tls.h"
#include "sip/stack.h"
#include <uv.h>

/*
 * SIP on the wire: the shell around the pure stack of sip/stack.h. Owns the sockets, feeds the
 * stack with packets and time, and delivers what it leaves in its outbox: UDP in batches, TCP and
 * TLS with connection reuse, WebSocket to browsers (RFC 7118), names by RFC 3263 with fail-over.
 *
 * The outbox is drained and the stack's timer is set before every poll of the loop, so functions of
 * the stack, of sessions and of registrations may be called from anywhere on the loop's thread
 * without further ado.
 *
 * Thread: the loop's. No logging: hooks and counters tell.
 */
struct ua;

struct ua_listen {
	enum sip_transport transport;
	struct addr addr;             /* 0.0.0.0 and :: are fine; port 0: the kernel's choice */
};

/* A message as it was on the wire. Keep-alives are not shown. */
struct ua_trace {
	bool is_out;
	enum sip_transport transport;
	int64_t at_us; /* clock_us */
	struct addr local, remote;
	struct span bytes; /* borrowed */
};

/* Why a source's packets are dropped, for a log line that its owner should limit. */
enum ua_refusal {
	UA_REFUSE_RATE,
	UA_REFUSE_JUNK,
	UA_REFUSE_CONNS,
	UA_REFUSE_FRAMING,
	UA_REFUSE_SLOW,
	UA_REFUSE_TLS,
	UA_REFUSE_WS
};

/* What only those do who have no business here. */
enum ua_offence {
	UA_OFFENCE_JUNK,     /* not SIP at all */
	UA_OFFENCE_STRANGER, /* a request from an address that belongs to no line */
	UA_OFFENCE_PASSWORD, /* credentials that do not fit */
};

struct ua_hooks {
	void (*on_trace)(void *ctx, const struct ua_trace *t); /* NULL: no trace */
	void (*on_network_change)(void *ctx);                  /* addresses of this host changed */
	/* text: a sentence, or NULL */
	void (*on_refused)(void *ctx, const struct addr *source, enum ua_refusal why, const char *text);
	/* The source had too many offences, of which this was the last: it is not heard for ban_ms. */
	void (*on_banned)(void *ctx, const struct addr *source, enum ua_offence what, uint32_t ban_ms);
	void *ctx;
};

struct ua_params {
	uv_loop_t *loop;         /* borrowed */
	struct sip_stack *stack; /* borrowed; outlives the ua. Its on_event is the caller's */
	const struct ua_listen *listens;
	unsigned listen_count;   /* at most LIMIT_UA_LISTENS */
	const char *dns_servers; /* NULL: the system's */
	struct ua_hooks hooks;
	struct tls_ctx *tls_server; /* of SIP_TLS and SIP_WSS listeners; NULL: there are none. Counted */
	uint32_t unknown_rate;  /* messages a second from one unknown IP address; 0: 30; UINT32_MAX:
				   no limit */
	uint32_t unknown_burst; /* 0: 120 */
	bool limit_loopback;    /* this host's own programs too; false: they are trusted */
	uint32_t connect_ms;    /* 0: 4000; with sip_dest.has_fallback 2000 at most */
	uint32_t idle_ms;       /* a stream connection without traffic; 0: 600000 */
	uint32_t shake_ms;      /* for TLS and HTTP upgrade of an accepted connection; 0: LIMIT_UA_SHAKE_MS */
	uint32_t ws_ping_ms;    /* 0: LIMIT_UA_WS_PING_MS */
	uint32_t max_conns;     /* 0: LIMIT_UA_CONNS */
	uint32_t overload_ms;   /* ua_is_overloaded's bound; 0: 50 */
};

/*
 * Opens all sockets or none: -errno of the one that failed, its index in *ret_bad (may be NULL;
 * listen_count: another fault). EADDRINUSE, EADDRNOTAVAIL and EACCES are what people need to hear
 * of.
 */
nodiscard int ua_new(const struct ua_params *params, struct ua **ret, unsigned *ret_bad);

/* Flushes what waits, closes all; hooks are not called any more. The memory goes in a later turn of
 * the loop. NULL is fine. */
struct ua *ua_close(struct ua *ua);

/* The next accepted connections use it; a reference is taken. */
void ua_set_tls_server(struct ua *ua, struct tls_ctx *ctx);

/*
 * TLS settings for connections that we open: name is the owner's (a line's), and the same name again replaces. *ret_id is for
 * sip_account_params.tls and stays the same for a name. host: the name of the line's server, which its certificate may have
 * instead of the IP address in its Contact; NULL: none. A reference of ctx is taken; NULL: the default ones again.
 * -TR_ELIMIT. Without settings (id 0): certificates of the system's CAs.
 */
nodiscard int ua_set_tls_client(struct ua *ua, const char *name, struct tls_ctx *ctx, const char *host, uint32_t *ret_id);

/* The stream connection is open over TLS, and its other end showed a certificate for this name: tls_peer_is. conn 0: no. */
bool ua_conn_is_of(struct ua *ua, uint32_t conn, const char *name);

/* Pages of which origins ("https://console.example.com", or "*") may open WebSockets, besides those that this very IP address or
 * localhost serves. Copied; at most LIMIT_UA_WS_ORIGINS. */
nodiscard int ua_set_ws_origins(struct ua *ua, const char *const *origins, unsigned count);

/* Where listener i really is (its port when 0 was asked). */
struct addr ua_listen_addr(const struct ua *ua, unsigned i);

/*
 * Our address as peer would see it without NAT: for Via, Contact and SDP. Port: of a listener of
 * that transport and family; loopback and bound addresses are respected. TLS without a listener of its own: port 5061, since
 * peers then use the connection that we open. -TR_ETRANSPORT: no listener fits or no route; *ret is untouched.
 */
nodiscard int ua_local_addr(
	struct ua *ua, enum sip_transport transport, const struct addr *peer, struct addr *ret);

/*
 * RFC 3263 for someone who needs the answer before a message exists (which transport, which of our
 * addresses). transport UNKNOWN lets NAPTR decide. fn is called once, maybe before this returns;
 * err as in dns.h, else *target and *local (unset when there is no route) are set.
 */
typedef void ua_resolve_fn(void *ctx, int err, enum sip_transport transport,
	const struct addr *target, const struct addr *local);
nodiscard int ua_resolve(struct ua *ua, const struct sip_dest *dest, ua_resolve_fn *fn, void *ctx);
void ua_resolve_cancel(struct ua *ua, const void *ctx);

/*
 * All targets behind a name, in the order to try them (SRV weights drawn anew each time), for
 * someone who watches them. fn is called once, maybe before this returns; count 0 when err is set.
 */
struct ua_target {
	enum sip_transport transport;
	struct addr addr;
	uint16_t priority; /* of its SRV record; 0: none */
};
typedef void ua_resolve_all_fn(
	void *ctx, int err, const struct ua_target *targets, unsigned count);
nodiscard int ua_resolve_all(
	struct ua *ua, const struct sip_dest *dest, ua_resolve_all_fn *fn, void *ctx);
void ua_resolve_all_cancel(struct ua *ua, const void *ctx); /* NULL: all */

/* The IP address is one of ours to talk to (a registrar, a trunk): not limited. Without it trust
 * grows where we send requests. */
void ua_trust(struct ua *ua, const struct addr *ip);

/* The source did that; a handful of them in a few minutes bans it for ten, then for longer. Nothing happens to trusted ones. */
void ua_offence(struct ua *ua, const struct addr *source, enum ua_offence what);
/* Lifts a ban; false: there is none. */
bool ua_forgive(struct ua *ua, const struct addr *source);
void ua_each_ban(const struct ua *ua, void (*fn)(void *ctx, const struct addr *ip, msec_t until), void *ctx);

/* A request to that address timed out: names that resolve to it prefer their other targets for
 * LIMIT_UA_AVOID_MS. */
void ua_avoid(struct ua *ua, const struct addr *target);

/*
 * How long packets wait before we read them: the least delay of the last 100 ms or the length of
 * the last turn of the loop, so a burst alone does not count. Over the bound for some time: new
 * calls should get 503 with Retry-After.
 */
uint32_t ua_queue_delay_us(const struct ua *ua);
bool ua_is_overloaded(const struct ua *ua);

struct ua_stats {
	uint64_t udp_in, udp_out, tcp_in, tcp_out; /* messages; tcp: all streams */
	uint64_t keepalives_in, keepalives_out;
	uint64_t junk; /* not SIP: dropped without an answer */
	uint64_t rate_limited;
	uint64_t banned; /* dropped: their source is banned */
	uint64_t bans;   /* imposed */
	uint64_t udp_send_full; /* the kernel's send buffer was full: dropped as a network would */
	uint64_t send_errors;   /* told to the stack or tried elsewhere */
	uint64_t icmp_errors;
	uint64_t failovers; /* went to a further target of its name */
	uint64_t conns_in, conns_out, connect_failures, conn_overflows, framing_errors,
		conns_refused;
	uint64_t tls_handshakes, tls_resumed, tls_failures; /* both roles; resumed ones are among the handshakes */
	uint64_t ws_upgrades, ws_refused;
	uint64_t shaking_dropped; /* accepted connections whose handshake gave way to others */
	uint64_t accept_emfile;
	uint64_t udp_batches;            /* recvmmsg calls that brought something */
	uint32_t live_conns, live_sends; /* sends: waiting for a name or a connection */
};
void ua_stats(const struct ua *ua, struct ua_stats *ret);

/* Counts in a struct dns_stats of net/dns.h. */
struct dns_stats;
void ua_dns_stats(const struct ua *ua, struct dns_stats *ret);
