/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "sip/method.h"

/*
 * The SIP user agent core, RFC 3261: packets and time in, packets and events out. Calls are in session.h, registrations in
 * reg.h.
 *
 * Pure: no socket, clock, thread, resolver or log. It sends by appending to an outbox that the caller drains after every call
 * of this, session.h's or reg.h's functions; it learns the time from "now" (milliseconds, monotonic).
 *
 * Thread: one signalling loop owns a stack and all that is in it. on_event is called from sip_stack_recv, sip_stack_tick,
 * sip_stack_conn_lost and sip_stack_send_failed only, never from inside a function of session.h or reg.h; within it all
 * functions may be called but those four and sip_stack_free. Objects that end are freed when the outermost call returns.
 */
struct sip_stack;
struct sip_msg;
struct sip_session;
struct sip_reg;
struct sip_account;
struct sip_probe;

/*
 * Where a message is to go. The ua, top to bottom: an open connection `conn` is used as it is; a set `addr` is sent to; else
 * `host` is resolved by RFC 3263 for `transport` (port 0: SRV allowed, else the default port), trying the next address when one
 * refuses, and only when none is left it calls sip_stack_send_failed.
 */
struct sip_dest {
	enum sip_transport transport;
	bool has_fallback;  /* TCP only because the request is large (RFC 3261 §18.1.1): give up connecting after about 2 s;
			       sip_stack_send_failed then makes the stack send it again over UDP */
	bool is_response;   /* RFC 3261 §18.2.2: if conn is closed open one to addr */
	uint16_t port;	    /* of host; 0: not said */
	uint32_t conn;	    /* connection to reuse while it is open; 0: none */
	struct addr addr;   /* family AF_UNSPEC: host has to be resolved */
	struct addr local;  /* UDP: the local address to send from; AF_UNSPEC: any */
	struct span host;   /* name or literal without brackets; TLS checks the certificate against it */
	uint32_t tls;	    /* of the account: which TLS settings a new connection uses; 0: the default ones */
};

/* One received message: a datagram, a frame of a stream (framed by the ua with Content-Length), or a keep-alive of CR LF only. */
struct sip_packet {
	struct span bytes;
	enum sip_transport transport;
	uint32_t conn;	     /* 0 for UDP */
	struct addr source;
	struct addr local;   /* the address it was sent to; becomes the host of our default Contact */
};

struct sip_out {
	struct span bytes;
	struct sip_dest dest;
	uint64_t token; /* for sip_stack_send_failed and sip_stack_sent_on; 0: nobody wants to know */
};

enum sip_stack_event_type {
	/* Calls: session is set. The peer's SDP, if any, is in ev->sdp and stays opaque. */
	SIP_EV_INCOMING,     /* INVITE; 100 is sent by the stack. sdp: the offer; empty: we offer in ring or accept */
	SIP_EV_PROGRESS,     /* 101-199 to our INVITE: status, fork; sdp: early answer */
	SIP_EV_ANSWERED,     /* first 2xx to our INVITE, ACKed by the stack; sdp: the answer. Empty if a 1xx of this fork had it, or when
				the INVITE had no offer: then SIP_EV_OFFER follows and sip_session_answer sends the ACK */
	SIP_EV_CONFIRMED,    /* ACK to our 2xx */
	SIP_EV_OFFER,	     /* the peer offers: sip_session_answer or sip_session_refuse, now or later; no sdp: it asks for our offer */
	SIP_EV_ANSWER,	     /* answer to our offer of sip_session_offer, or of a 1xx/2xx to an INVITE without SDP */
	SIP_EV_OFFER_FAILED, /* our sip_session_offer was refused (status); the session goes on as it was */
	SIP_EV_INFO,	     /* INFO in the dialog, answered 200 (RFC 6086): msg, content_type, body */
	SIP_EV_REFER,	     /* the peer asks us to call refer_to: sip_session_refer_reply with refer_id */
	SIP_EV_REFER_STATUS, /* our REFER: status of its answer, then of each NOTIFY; is_final once the last one came */
	SIP_EV_NOTIFIED,     /* in-dialog request sent by us (INFO) got its final status */
	SIP_EV_ENDED,	     /* the last event of a session: status, cause, reason. Its pointer dies when the callback returns */

	/* Out of dialog: session is NULL. */
	SIP_EV_OPTIONS,	     /* about to be answered 200: sip_stack_reply to answer otherwise */
	SIP_EV_NOTIFY,	     /* unsolicited NOTIFY (message-summary and the like), answered 200 */
	SIP_EV_REQUEST,	     /* MESSAGE, SUBSCRIBE, REGISTER, PUBLISH...: answered 405 or 489 unless sip_stack_reply is called */

	/* Registrations: reg is set. */
	SIP_EV_REG_OK,	     /* registered or refreshed; expires_s is what the registrar granted */
	SIP_EV_REG_FAILED,   /* reg_fault and text say why, retry_at when it is tried again (NEVER: needs a human) */
	SIP_EV_REG_GONE,     /* unregistered as asked, or given up */
	/* Probes (probe.h): probe is set. */
	SIP_EV_PROBED,	     /* OPTIONS of ours: status of the answer, or 0 when none came. The probe is gone with the event */

	SIP_EV_PUBLIC_ADDR,  /* RFC 3581: the registrar sees us as public_addr, which differs from what we say */
};

/* Why a session ended. */
enum sip_cause {
	SIP_CAUSE_LOCAL,     /* we hung up, cancelled or rejected */
	SIP_CAUSE_REMOTE,    /* the peer: BYE, CANCEL or a final failure; 3xx: Contacts in msg */
	SIP_CAUSE_TIMEOUT,   /* no answer to a request: 408 */
	SIP_CAUSE_NO_ACK,    /* our 2xx was never acknowledged */
	SIP_CAUSE_EXPIRED,   /* session timer, RFC 4028 */
	SIP_CAUSE_TRANSPORT, /* could not be sent: 503 */
	SIP_CAUSE_AUTH,	     /* credentials refused or missing */
	SIP_CAUSE_REPLACED,  /* sip_session_accept of a call with Replaces ended this one */
	SIP_CAUSE_PROTOCOL,  /* the peer broke offer/answer or the dialog is gone (481) */
};

enum sip_reg_fault {
	SIP_REG_OK,
	SIP_REG_NO_ANSWER,    /* timeout or nothing reachable */
	SIP_REG_BAD_PASSWORD, /* a fresh nonce was refused with our credentials */
	SIP_REG_UNKNOWN_USER, /* 404, 410, 484, 604: extension or authentication id is not known there */
	SIP_REG_FORBIDDEN,    /* 403: credentials fine or not said, not allowed */
	SIP_REG_NO_DIGEST,    /* challenge with no algorithm or scheme that we have */
	SIP_REG_BUSY,	      /* 5xx, 480, 408 from the registrar: later */
	SIP_REG_REFUSED,      /* any other failure */
};

struct sip_stack_event {
	enum sip_stack_event_type type;
	struct sip_session *session;
	struct sip_reg *reg;
	struct sip_probe *probe;
	const struct sip_msg *msg;	 /* the message that caused it, parsed; NULL when a timer did. Borrowed, like all below */
	const struct sip_packet *packet; /* how msg came */
	int status;
	struct span reason;		 /* phrase of the status, text of a Reason header (RFC 3326), or of TRANSPORT the ua's sentence */
	struct span sdp;
	struct span body;		 /* any content, with content_type */
	struct span content_type;
	unsigned fork;			 /* PROGRESS, ANSWERED; before that OFFER, ANSWER: which early dialog, 0 to LIMIT_SIP_FORKS - 1 */
	enum sip_cause cause;
	uint16_t q850_cause;		 /* ENDED: cause of Reason: Q.850; 0: none */
	struct span refer_to;		 /* REFER: the URI, Replaces and other headers in it unescaped by sip_uri */
	uint32_t refer_id;
	bool is_final;
	struct sip_session *replaces;	 /* INCOMING: the session that its Replaces names (RFC 3891), checked; NULL: none */
	enum sip_reg_fault reg_fault;
	const char *text;		 /* REG_FAILED, PROBED without an answer: for people, in plain words; may be NULL for the latter */
	msec_t retry_at;
	uint32_t expires_s;
	struct addr public_addr;
	uint64_t request;		 /* OPTIONS, REQUEST: for sip_stack_reply and sip_stack_challenge */
};

struct sip_stack_params {
	void (*on_event)(void *ctx, const struct sip_stack_event *ev);
	/*
	 * Of a request that belongs to no dialog and no transaction of ours: may its sender hear from us at all? False: not a byte
	 * is sent, since every answer tells a scanner that somebody is here. msg: what could be parsed of it. NULL: everybody may.
	 */
	bool (*is_welcome)(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg);
	void *ctx;
	uint8_t seed[32];	  /* of tags, branches, Call-IDs, back-off: kernel randomness, or fixed so that a run repeats */
	struct span user_agent;	  /* User-Agent and Server; copied */
	uint32_t max_calls;	  /* INVITEs beyond are answered 503 before anything is kept; 0: LIMIT_SIP_CALLS */
	uint32_t retry_after_s;	  /* in those 503; 0: 5 */
	uint32_t udp_max_bytes;	  /* requests above go to TCP; 0: LIMIT_SIP_UDP_BYTES, UINT32_MAX: never */
	uint32_t t1_ms;		  /* 0: 500. RFC 3261 §17.1.1.1 */
	uint32_t session_expires_s; /* RFC 4028; 0: 1800. Asked for in calls both ways */
	uint32_t min_se_s;	  /* 0: 90 */
	bool no_session_timer;
	bool no_100rel;		  /* neither offered nor accepted */
	bool no_update;		  /* the same for UPDATE (RFC 3311) */
	bool follow_private_contact; /* use a private Contact address even if the message came from a public one */
};

/* Counters for metrics, never reset; the live_ ones are gauges. */
struct sip_stack_stats {
	uint64_t received, sent, retransmitted, bad_messages, strays, out_dropped, overload_503, unwelcome;
	uint64_t retransmits_in;
	uint32_t live_sessions, live_dialogs, live_transactions, live_timers, live_regs, live_accounts;
	size_t live_bytes; /* memory of these objects */
};

/* -ENOMEM. params is copied. */
nodiscard int sip_stack_new(struct sip_stack **ret, const struct sip_stack_params *params, msec_t now);

/* Frees everything without a word to any peer: hang up and unregister first. NULL is fine; returns NULL. */
struct sip_stack *sip_stack_free(struct sip_stack *stack);

void sip_stack_recv(struct sip_stack *stack, const struct sip_packet *pkt, msec_t now);

/* Runs what is due and returns when to call again at the latest; NEVER while only peers and the user can act. */
msec_t sip_stack_tick(struct sip_stack *stack, msec_t now);
msec_t sip_stack_next(const struct sip_stack *stack); /* when tick is due: ask after every call of any function */

/* The oldest unsent message; false: none. Its spans live until the next call of any function of this stack. */
bool sip_stack_out(struct sip_stack *stack, struct sip_out *ret);

/*
 * The network said no (RFC 3261 §8.1.3.1, §17.1.4, §18.4): err is -TR_ETRANSPORT, -TR_EDNS or an errno. why: a sentence for people, told
 * with the events that follow from it (reason, text); NULL: none.
 */
void sip_stack_send_failed(struct sip_stack *stack, uint64_t token, int err, const char *why, msec_t now);
/* A stream was opened or reused for token: its end then fails what waits on it at once. */
void sip_stack_sent_on(struct sip_stack *stack, uint64_t token, uint32_t conn);
void sip_stack_conn_lost(struct sip_stack *stack, uint32_t conn, const char *why, msec_t now);

/* Answers an OPTIONS or REQUEST event, inside its callback only. headers: whole lines, each ending in CR LF. */
nodiscard int sip_stack_reply(struct sip_stack *stack, uint64_t request, int status, struct span headers, msec_t now);

void sip_stack_stats(const struct sip_stack *stack, struct sip_stack_stats *ret);
