/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/dialog.h"
#include "sip/session.h"

/* Inside of a session; its parts are in session_*.c. */

enum sip_session_state {
	SIP_S_CALLING,	   /* our INVITE waits for its final answer */
	SIP_S_CANCELLING,  /* the same, and we want out: RFC 3261 §9.1 */
	SIP_S_INCOMING,	   /* the peer's INVITE waits for ours */
	SIP_S_ANSWERED,	   /* our 2xx waits for its ACK */
	SIP_S_UP,
	SIP_S_LEAVING_ACK, /* we want out, but may send BYE only after the ACK: §15 */
	SIP_S_LEAVING,	   /* BYE sent */
	SIP_S_OVER,
	SIP_S_STATES
};

/* What a request of ours is for. */
enum sip_purpose {
	SIP_FOR_INVITE,
	SIP_FOR_OFFER,	 /* re-INVITE or UPDATE of the user */
	SIP_FOR_REFRESH, /* the same of the session timer */
	SIP_FOR_PRACK,
	SIP_FOR_BYE,
	SIP_FOR_FORK_BYE, /* to a fork that lost */
	SIP_FOR_INFO,
	SIP_FOR_REFER,
	SIP_FOR_NOTIFY,
};

/* How sip_session_answer answers. */
enum sip_answer_way {
	SIP_BY_NONE,	/* no offer of the peer waits, or ring and accept answer it */
	SIP_BY_ACK,	/* it came in the 2xx to our offerless INVITE */
	SIP_BY_PRACK,	/* in a reliable 1xx to that */
	SIP_BY_REPLY,	/* in an INVITE, UPDATE or PRACK: asker */
	SIP_BY_OFFER,	/* the peer's re-INVITE asks for ours: asker */
};

/* A reply that waits for a PRACK. */
struct sip_held {
	struct sip_reply reply;
	struct sip_bytes text;
};

struct sip_refer_use {
	struct list link;
	struct sip_session *session;
	struct sip_strans *st;	/* incoming REFER that waits for its answer */
	struct timer timer;	/* of the subscription */
	uint32_t id;		/* CSeq of the REFER: RFC 3515 §2.4.6 */
	bool is_ours;
	bool is_accepted;	/* 2xx was sent or came */
	bool no_notify;		/* RFC 4488 */
};

struct sip_session {
	struct list link, ended;
	struct sip_stack *stack;
	sip_session_id id;
	struct sip_account *account;
	void *user;
	enum sip_session_state state;
	bool is_uac, is_told, is_queued, was_answered, was_confirmed;
	uint8_t auth_mask;
	uint32_t open; /* client transactions that know us */

	struct list dialogs;
	struct sip_dialog *dlg; /* the confirmed one; UAS: the only one; NULL before the first 2xx as UAC */
	unsigned forks;

	struct sip_ctrans *invite; /* our initial INVITE until its final answer */
	uint32_t invite_cseq;
	struct sip_bytes invite_from /* our tag at its end */, invite_contact, invite_sent_by, invite_sdp, call_id; /* until dialogs have theirs */
	struct timer expire; /* Expires of our INVITE */

	struct sip_strans *incoming; /* the peer's (re-)INVITE until ACKed or refused */
	sip_session_id replaces_id; /* ends when this one is accepted */

	/* Offer and answer. */
	struct sip_bytes offer;	    /* ours: in flight, or waiting for its moment */
	bool has_offer, offer_is_empty;
	struct sip_ctrans *offer_ct; /* re-INVITE or UPDATE in flight, refreshes too */
	struct sip_strans *asker;    /* the request that carries the peer's offer */
	enum sip_answer_way way;
	struct sip_dialog *way_dlg;
	uint32_t way_cseq;
	struct sip_bytes way_auth;   /* credentials for the ACK */
	struct timer retry;	     /* 491, or the offer waits */
	unsigned retries;
	bool is_backing_off;

	/* Reliable provisional responses as UAS, RFC 3262 §3. */
	uint32_t rseq;
	bool is_rel_pending, rel_has_sdp, must_be_reliable, invite_had_offer;
	struct sip_held *held;

	/* Session timer, RFC 4028. */
	uint32_t se_s, min_se_s;
	bool is_refresher;
	bool se_peer_asked;	     /* its request has a Session-Expires */
	enum sip_refresher se_wish;  /* and says who is to refresh */
	uint32_t se_asked_s;
	msec_t se_deadline;
	struct timer clock;

	struct list refers;

	enum sip_cause cause;
	int status;
	uint16_t q850;
	bool is_secure;		     /* the INVITE's URI is sips: so is our Contact */
	struct sip_bytes reason;     /* for SIP_EV_ENDED */
	struct sip_bytes bye_reason; /* of hangup, until it can be sent */
};

/* session_info.c */
nodiscard int sip_slot_take(struct sip_stack *stack, struct sip_session *s);
void sip_slot_give(struct sip_stack *stack, struct sip_session *s);

/* session.c */
struct sip_session *sip_session_new(struct sip_stack *stack, bool is_uac);
void sip_session_end(struct sip_session *s, enum sip_cause cause, int status, const struct sip_msg *msg);
/* Ends with BYE, CANCEL or what the state wants; cause and status are what SIP_EV_ENDED will say. */
void sip_session_leave(struct sip_session *s, enum sip_cause cause, int status);
void sip_session_try_free(struct sip_session *s);
void sip_session_flush_ended(struct sip_stack *stack, bool may_emit);
void sip_session_destroy(struct sip_session *s);
void sip_session_emit(struct sip_session *s, struct sip_stack_event *ev);
nodiscard int sip_session_send(struct sip_session *s, struct sip_dialog *d, struct sip_dialog_request *r,
			       enum sip_purpose purpose, void *ref, struct sip_ctrans **ret);
/* Adds one sip header block; all of ours share it. */
bool sip_session_has_100rel(const struct sip_session *s);
void sip_session_write_caps(const struct sip_session *s, struct sip_writer *w);
struct span sip_session_contact(const struct sip_session *s);
nodiscard int sip_session_set_local(struct sip_session *s, struct sip_dialog *d);
/* The winner's last SDP of ours is that of the INVITE. */
void sip_session_set_sdp_of_invite(struct sip_session *s, struct sip_dialog *d);
void sip_session_bye(struct sip_session *s, struct sip_dialog *d, enum sip_purpose purpose);
sip_ctrans_fn sip_session_on_response;
sip_strans_fn sip_session_on_strans;

/* The SDP of a message; empty: none. */
struct span sip_sdp_of(const struct sip_msg *msg);

/* session_uac.c */
void sip_uac_on_invite(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp);
/* The credentials of an INVITE as lines for its ACK (RFC 3261 §22.1); empty if it has none. */
struct span sip_uac_auth_lines(struct sip_ctrans *ct, char *buf, size_t cap);

/* session_uas.c */
void sip_uas_invite(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt);
nodiscard int sip_uas_reply(struct sip_session *s, struct sip_strans *st, int status, struct span sdp, struct span headers);
nodiscard int sip_uas_send_held(struct sip_session *s);
void sip_held_free(struct sip_session *s);

/* session_in.c */
void sip_uas_cancel(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req);
void sip_uas_ack(struct sip_session *s, struct sip_dialog *d, const struct sip_msg *req);
void sip_uas_request(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req);

/* session_oa.c */
bool sip_session_is_leaving(const struct sip_session *s);
void sip_oa_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp);
void sip_oa_try(struct sip_session *s); /* sends what waits, if it may */
void sip_oa_on_retry(struct timer *t, msec_t now);
nodiscard int sip_oa_send(struct sip_session *s, struct sip_dialog *d, struct span sdp, bool is_refresh);
bool sip_oa_is_idle(const struct sip_session *s, const struct sip_dialog *d);
/* Gives our offer back to the user. msg: what it failed by, or NULL. */
void sip_oa_failed(struct sip_session *s, int status, const struct sip_msg *msg);

/* session_answer.c */
void sip_oa_invite(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req);
void sip_oa_update(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req);
void sip_oa_peer_offer(struct sip_session *s, struct sip_dialog *d, enum sip_answer_way way, const struct sip_msg *msg);
void sip_oa_withdraw(struct sip_session *s); /* the peer's offer is gone */

/* session_rel.c */
void sip_rel_on_1xx(struct sip_session *s, struct sip_dialog *d, struct sip_ctrans *ct, const struct sip_msg *rsp,
		    bool *ret_is_new);
nodiscard int sip_rel_send_prack(struct sip_session *s, struct sip_dialog *d, struct span sdp);
void sip_rel_on_prack(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req);
void sip_rel_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp);

/* session_timer.c */
void sip_se_write_request(const struct sip_session *s, struct sip_writer *w, bool is_initial);
bool sip_se_is_too_small(const struct sip_stack *stack, const struct sip_msg *req); /* to be answered 422 */
/* What a request of the peer says of the session timer; sip_se_write_reply answers it. */
void sip_se_note(struct sip_session *s, const struct sip_msg *req);
void sip_se_write_reply(struct sip_session *s, struct sip_writer *w);
void sip_se_on_reply(struct sip_session *s, const struct sip_msg *rsp); /* 2xx to our request */
void sip_se_start(struct sip_session *s);
void sip_se_stop(struct sip_session *s);
void sip_se_refreshed(struct sip_session *s, int status); /* a refresh failed without ending the call */
void sip_se_on_clock(struct timer *t, msec_t now);
/* 422: the same again with a longer interval; false: give up. */
bool sip_se_too_small(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp, uint32_t cseq,
		      struct sip_ctrans **ret);

/* session_refer.c */
void sip_refer_on_request(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req);
void sip_refer_on_notify(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req);
void sip_refer_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp);
void sip_refer_end_all(struct sip_session *s);
void sip_refer_forget(struct sip_session *s, struct sip_strans *st);
