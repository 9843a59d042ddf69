/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/stack_priv.h"

/*
 * The four transaction machines, RFC 3261 §17 with the Accepted states of RFC 6026. They are the only ones that send requests
 * and responses, apart from ACKs to 2xx and answers without state. They free themselves; owners that go earlier detach.
 */

enum sip_trans_state {
	SIP_TRANS_NONE = 0, /* in a table: the event means nothing here */
	SIP_TRANS_CALLING,  /* INVITE client */
	SIP_TRANS_TRYING,   /* the other client and server */
	SIP_TRANS_PROCEEDING,
	SIP_TRANS_ACCEPTED, /* RFC 6026 §7: 2xx to an INVITE */
	SIP_TRANS_COMPLETED,
	SIP_TRANS_CONFIRMED, /* INVITE server: ACK came */
	SIP_TRANS_TERMINATED,
	SIP_TRANS_STATES
};

/* ---- client ---- */

struct sip_ctrans;

/*
 * Every provisional response above 100 and the final one; to an INVITE every 2xx, retransmissions and forks included. rsp is
 * NULL and status is 408 when nobody answered, 503 when it could not be sent (RFC 3261 §8.1.3.1). After a final response other
 * than a 2xx to INVITE the owner is forgotten; in that case it is told once more with status 0, when no more 2xx can come.
 */
typedef void sip_ctrans_fn(void *owner, struct sip_ctrans *ct, int status, const struct sip_msg *rsp);

struct sip_ctrans {
	struct hash_node by_branch;
	struct list dead;
	struct sip_stack *stack;
	struct timer resend, expire;
	struct sip_dest dest; /* host points behind request's text */
	struct sip_bytes request; /* the request, then the host; dropped once a 2xx to INVITE came */
	size_t request_n;
	size_t via_at;	     /* offset of the transport in the topmost Via */
	sip_ctrans_fn *fn;   /* NULL: nobody listens (any more) */
	sip_ctrans_fn *keep_fn; /* the same, not forgotten: for sip_request_again */
	void *owner;
	void *ref;	     /* the owner's: what the request is about */
	uint32_t serial;
	uint32_t interval;   /* of Timer A or E */
	uint32_t cseq;
	enum sip_method method;
	enum sip_trans_state state;
	uint8_t purpose;     /* the owner's */
	uint8_t tries;	     /* challenges answered so far */
	uint8_t auth_mask;   /* which of the account's challenges it carries an answer to */
	uint8_t fresh_mask;  /* those whose challenge was to this very request */
	bool is_cancelled, is_lost, is_limited;
	char *fault;	     /* lost: why, or NULL */
	char branch[SIP_BRANCH_CHARS + 1];
};

struct sip_ctrans_params {
	struct span request; /* copied; a topmost Via with this branch is in it */
	struct span branch;
	size_t via_at;
	struct sip_dest dest;
	enum sip_method method;
	uint32_t cseq;
	sip_ctrans_fn *fn;
	void *owner;
	void *ref;
	uint8_t purpose, tries, auth_mask, fresh_mask;
};

/* Sends at once. -ENOMEM or -TR_ELIMIT. */
nodiscard int sip_ctrans_new(struct sip_stack *stack, const struct sip_ctrans_params *params, struct sip_ctrans **ret);

/* The owner goes; the transaction goes on alone. NULL is fine. */
void sip_ctrans_detach(struct sip_ctrans *ct);
/* The same, and the request is not sent again: nobody hopes for its answer any more. Not for an INVITE. NULL is fine. */
void sip_ctrans_abandon(struct sip_ctrans *ct);

/* RFC 3261 §9.1: once, and only in Proceeding; a final response is then due within 64*T1. reason: a Reason value or absent. */
void sip_ctrans_cancel(struct sip_ctrans *ct, struct span reason);

/* A final response is due within 64*T1, or the transaction ends with 408: for one that nobody hopes for any more. */
void sip_ctrans_limit(struct sip_ctrans *ct);

static inline bool sip_ctrans_is_pending(const struct sip_ctrans *ct)
{
	return ct && (ct->state == SIP_TRANS_CALLING || ct->state == SIP_TRANS_TRYING || ct->state == SIP_TRANS_PROCEEDING);
}

/* NULL: not ours. */
struct sip_ctrans *sip_ctrans_find(struct sip_stack *stack, const struct sip_msg *rsp);
void sip_ctrans_recv(struct sip_ctrans *ct, const struct sip_msg *rsp);
void sip_ctrans_failed(struct sip_ctrans *ct); /* the transport's error */
/* The same at the next tick: while the tables are walked. why may be NULL. */
void sip_ctrans_failed_later(struct sip_ctrans *ct, const char *why);
void sip_ctrans_free(struct sip_ctrans *ct);

/* ---- server ---- */

/* Told to the owner, which is forgotten after GONE. */
enum sip_strans_news {
	SIP_STRANS_GONE,      /* over: the peer has what it needs, or never will */
	SIP_STRANS_UNACKED,   /* 64*T1 without ACK to our 2xx; GONE follows */
	SIP_STRANS_UNPRACKED, /* 64*T1 without PRACK to our reliable 1xx (RFC 3262 §3) */
	SIP_STRANS_FAILED,    /* the response cannot be delivered: §17.2.4; GONE follows */
};
typedef void sip_strans_fn(void *owner, struct sip_strans *st, enum sip_strans_news news);

struct sip_strans {
	struct hash_node by_key, by_merge;
	struct list dead;
	struct sip_stack *stack;
	struct timer resend, expire;
	struct sip_dest dest;
	struct sip_bytes key;	   /* then the merge key */
	struct sip_bytes lines;	   /* Via to CSeq of every response, then Record-Route; dropped after the final one */
	struct sip_bytes response; /* the last one sent */
	size_t lines_n;		   /* without Record-Route */
	size_t key_n;
	sip_strans_fn *fn;
	void *owner;
	void *ref;
	uint32_t serial;
	uint32_t interval;
	uint32_t cseq;
	msec_t give_up_at;	   /* reliable 1xx */
	enum sip_method method;
	enum sip_trans_state state;
	bool is_in_merges;
	bool is_rel_pending;	   /* the last response is a 1xx that waits for its PRACK */
	char tag[SIP_TAG_CHARS + 1]; /* ours, for To */
};

/*
 * For a new request; 100 goes out by itself after 200 ms if it is an INVITE. tag: ours for To; NULL: drawn. -ENOMEM,
 * -TR_ELIMIT.
 */
nodiscard int sip_strans_new(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt,
			     const char *tag, struct sip_strans **ret);
void sip_strans_detach(struct sip_strans *st);

struct sip_answer {
	int status;
	struct span reason;	  /* absent: the usual */
	struct span headers;	  /* whole lines */
	struct span content_type; /* absent: application/sdp */
	struct span body;
	bool has_record_route;	  /* 101-299 that make a dialog: RFC 3261 §12.1.1 */
	bool is_reliable;	  /* 1xx with RSeq: sent again until sip_strans_pracked */
};
/* -TR_ESTATE: a final one was sent before; -TR_ETOOBIG. */
nodiscard int sip_strans_reply(struct sip_strans *st, const struct sip_answer *a);
/* For the many that need no more; errors are the network's business. */
void sip_strans_reply_status(struct sip_strans *st, int status);

static inline bool sip_strans_is_pending(const struct sip_strans *st)
{
	return st && (st->state == SIP_TRANS_TRYING || st->state == SIP_TRANS_PROCEEDING);
}

void sip_strans_pracked(struct sip_strans *st);
void sip_strans_acked(struct sip_strans *st); /* ACK to the 2xx, matched by its dialog */

/* The transaction that this request repeats, or that this ACK or CANCEL is about (want is then SIP_INVITE). */
struct sip_strans *sip_strans_find(struct sip_stack *stack, const struct sip_msg *req, enum sip_method want);
/* RFC 3261 §8.2.2.2: the same request came by another way. */
bool sip_strans_is_merged(struct sip_stack *stack, const struct sip_msg *req);
void sip_strans_recv(struct sip_strans *st, const struct sip_msg *req); /* a repetition, or ACK */
void sip_strans_failed(struct sip_strans *st);
void sip_strans_free(struct sip_strans *st);

/* ---- both ---- */

/* RFC 3261 §18.2.2, RFC 3581 §4: where the answer to req goes. */
void sip_response_dest(const struct sip_msg *req, const struct sip_packet *pkt, struct sip_dest *ret);
/* An answer that leaves nothing behind, RFC 3261 §8.2.7. headers: whole lines. */
void sip_reply_stateless(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt, int status,
			 struct span headers);
/* What sip_stack_send_failed is told. NULLs: gone. */
void sip_token_find(struct sip_stack *stack, uint64_t token, struct sip_ctrans **ret_ct, struct sip_strans **ret_st);
