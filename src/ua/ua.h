/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "sip/stack.h"
#include <uv.h>

/*
 * SIP on the wire: the shell around the pure stack of sip/stack.h. Owns the sockets, feeds the
 * stack with packets and time, and delivers what it leaves in its outbox: UDP in batches, TCP with
 * connection reuse, names by RFC 3263 with fail-over.
 *
 * The outbox is drained and the stack's timer is set before every poll of the loop, so functions of
 * the stack, of sessions and of registrations may be called from anywhere on the loop's thread
 * without further ado.
 *
 * Thread: the loop's. No logging: hooks and counters tell.
 */
struct ua;

struct ua_listen {
	enum sip_transport transport; /* SIP_UDP or SIP_TCP */
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
	UA_REFUSE_SLOW
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
	void (*on_refused)(void *ctx, const struct addr *source, enum ua_refusal why);
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
	uint32_t unknown_rate;  /* messages a second from one unknown IP address; 0: 30; UINT32_MAX:
				   no limit */
	uint32_t unknown_burst; /* 0: 120 */
	bool limit_loopback;    /* this host's own programs too; false: they are trusted */
	uint32_t connect_ms;    /* 0: 4000; with sip_dest.has_fallback 2000 at most */
	uint32_t idle_ms;       /* a TCP connection without traffic; 0: 600000 */
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

/* Where listener i really is (its port when 0 was asked). */
struct addr ua_listen_addr(const struct ua *ua, unsigned i);

/*
 * Our address as peer would see it without NAT: for Via, Contact and SDP. Port: of a listener of
 * that transport and family; loopback and bound addresses are respected. -TR_ETRANSPORT: no
 * listener fits or no route; *ret is untouched.
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
	uint64_t udp_in, udp_out, tcp_in, tcp_out; /* messages */
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
	uint64_t accept_emfile;
	uint64_t udp_batches;            /* recvmmsg calls that brought something */
	uint32_t live_conns, live_sends; /* sends: waiting for a name or a connection */
};
void ua_stats(const struct ua *ua, struct ua_stats *ret);

/* Counts in a struct dns_stats of net/dns.h. */
struct dns_stats;
void ua_dns_stats(const struct ua *ua, struct dns_stats *ret);
