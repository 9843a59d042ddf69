/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/stack.h"

/*
 * A call: INVITE session with its dialogs, offer/answer, 100rel, session timer, transfer. Events in stack.h say what happens;
 * SIP_EV_ENDED always comes last, once, for every session that was handed out. SDP is opaque.
 *
 * Functions return -TR_ESTATE when the state of the call does not allow it and -ENOMEM; then nothing was sent.
 */

/* Names a session for other threads: 0 is none, and a number is never used twice. */
typedef uint64_t sip_session_id;
sip_session_id sip_session_get_id(const struct sip_session *s);
struct sip_session *sip_session_by_id(const struct sip_stack *stack, sip_session_id id); /* NULL: ended */

void sip_session_set_user(struct sip_session *s, void *user); /* borrowed, for the caller's own use */
void *sip_session_user(const struct sip_session *s);
/* Who answers an incoming call: Contact and credentials of its later requests. Without one Contact is our local address. */
void sip_session_set_account(struct sip_session *s, struct sip_account *account);

/* One header line block for requests and replies: "Name: value\r\n" each. The stack does not check it. */

struct sip_invite {
	struct sip_account *account; /* who calls: From, Contact, credentials, next hop */
	struct span target;	     /* request URI: "sip:200@pbx.example.com" */
	struct span to;		     /* absent: target; else a name-addr */
	struct span from;	     /* absent: the account's; else a name-addr without tag */
	struct span sdp;	     /* absent: offerless, the peer offers */
	struct span headers;	     /* Replaces, P-Asserted-Identity, Referred-By, ... */
	struct span call_id;	     /* absent: drawn */
	const struct sip_dest *dest; /* where it is sent, unless the registrar gave a Service-Route; NULL: as account and target say */
	bool require_100rel;	     /* Require instead of Supported */
	uint32_t expires_s;	     /* Expires header, and CANCEL after it; 0: none. RFC 3261 §13.2.1 */
};
nodiscard int sip_session_invite(struct sip_stack *stack, const struct sip_invite *inv, msec_t now,
				 struct sip_session **ret);

struct sip_reply {
	int status;
	struct span reason;	/* absent: the usual phrase */
	struct span sdp;	/* answer, or offer when the INVITE had none */
	struct span headers;
	uint32_t retry_after_s; /* 0: none */
	bool is_reliable;	/* 1xx: by PRACK (RFC 3262) if the caller supports it; forced if it requires it */
};
/* 101-199. Repeated each minute by the stack (RFC 3261 §13.3.1.1). */
nodiscard int sip_session_ring(struct sip_session *s, const struct sip_reply *reply, msec_t now);
/* 200. Held back until a reliable 1xx with an offer or answer in it is acknowledged (RFC 3262 §5). */
nodiscard int sip_session_accept(struct sip_session *s, const struct sip_reply *reply, msec_t now);
/* 300-699. */
nodiscard int sip_session_reject(struct sip_session *s, const struct sip_reply *reply, msec_t now);
/* 401 or 407 with the challenge lines in headers (sip/digest.h), and the session is over: the caller tries again anew. */
nodiscard int sip_session_challenge(struct sip_session *s, int status, struct span headers, msec_t now);

/*
 * Ends the call in whatever state: CANCEL, BYE, or 480 to an unanswered incoming one. reason: value of a Reason header
 * ("Q.850;cause=16;text=\"...\""), or absent. A second call does nothing.
 */
void sip_session_hangup(struct sip_session *s, struct span reason, msec_t now);

/*
 * A new offer, by UPDATE before and re-INVITE after the answer, as soon as the state of the call allows; 491 is retried inside
 * (§14.1). One at a time. If the peer's offer comes first, ours is given back after SIP_EV_OFFER as SIP_EV_OFFER_FAILED 491,
 * since its session version would be out of date: offer again with a new one if it is still wanted.
 */
nodiscard int sip_session_offer(struct sip_session *s, struct span sdp, msec_t now);
/* Asks the peer for its offer by a re-INVITE without SDP: SIP_EV_OFFER follows. */
nodiscard int sip_session_ask_offer(struct sip_session *s, msec_t now);
/* After SIP_EV_OFFER; when that had no SDP, sdp is our offer and SIP_EV_ANSWER follows. */
nodiscard int sip_session_answer(struct sip_session *s, struct span sdp, msec_t now);
/* status usually 488. Where the protocol leaves no room for a refusal (offer in a 2xx) the call is ended. */
nodiscard int sip_session_refuse(struct sip_session *s, int status, msec_t now);
/* True while neither side waits for an answer: sip_session_offer would be sent at once. */
bool sip_session_can_offer(const struct sip_session *s);

/* INFO; its final status comes as SIP_EV_NOTIFIED. */
nodiscard int sip_session_info(struct sip_session *s, struct span content_type, struct span body, msec_t now);

struct sip_refer {
	struct span refer_to;		     /* URI */
	const struct sip_session *replaces;  /* attended: the consultation call, whose dialog the target shall replace */
	struct span headers;		     /* Referred-By is added when absent */
};
/* What becomes of it comes as SIP_EV_REFER_STATUS until is_final; SIP_EV_ENDED of the call ends it too, without one. */
nodiscard int sip_session_refer(struct sip_session *s, const struct sip_refer *refer, msec_t now);
/* Incoming REFER: 202 accepts (NOTIFY 100 follows), 300-699 refuses. */
nodiscard int sip_session_refer_reply(struct sip_session *s, uint32_t refer_id, int status, msec_t now);
/* Progress of an accepted REFER; >= 200 ends its subscription. */
nodiscard int sip_session_refer_notify(struct sip_session *s, uint32_t refer_id, int status, msec_t now);

/* RFC 3891 §3: by Call-ID and tags as a Replaces header gives them (to-tag is ours). NULL: no such dialog. */
struct sip_session *sip_session_find(const struct sip_stack *stack, struct span call_id, struct span to_tag,
				     struct span from_tag);

/* What a call looks like; spans live until the next call of any function of this stack. */
struct sip_session_info {
	bool is_outgoing, is_answered, is_confirmed, is_ending;
	bool is_silent;			   /* outgoing: nothing came back yet, not even a 100 */
	struct span call_id, local_tag, remote_tag;
	struct span local_uri, remote_uri; /* name-addr as in From and To, without tag */
	struct span remote_target;	   /* the peer's Contact URI, whole */
	uint32_t session_expires_s;	   /* 0: no session timer */
	bool is_refresher;
	size_t bytes;			   /* memory of session, dialogs and transactions */
};
void sip_session_get_info(const struct sip_session *s, struct sip_session_info *ret);
