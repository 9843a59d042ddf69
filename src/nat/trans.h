/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "nat/stun.h"

/*
 * Retransmission of a STUN request over UDP, RFC 8489 §6.2.1: sent again after RTO, twice that, four times ..., seven times in all;
 * given up sixteen RTOs after the last. Pure: the owner keeps the bytes and sends when told.
 */
struct stun_trans {
	struct stun_id id;
	bool is_running;
	uint8_t sends;
	bool is_patient; /* set by the owner after start: sent 15 times, never more than a second apart (ICE over lossy lines) */
	uint32_t rto_ms, wait_ms;
	msec_t next_at; /* while it runs */
};

enum stun_due { STUN_NOTHING, STUN_SEND, STUN_GIVE_UP };

/* Due at once. rto_ms 0: 500. */
void stun_trans_start(struct stun_trans *t, const struct stun_id *id, uint32_t rto_ms, msec_t now);
void stun_trans_stop(struct stun_trans *t);
/* STUN_SEND counts as sent; after STUN_GIVE_UP it has stopped. */
enum stun_due stun_trans_tick(struct stun_trans *t, msec_t now);

static inline msec_t stun_trans_next(const struct stun_trans *t)
{
	return t->is_running ? t->next_at : NEVER;
}

/* Ids nobody can guess come from the caller's random seed; the same seed gives the same ids again (tests). */
struct stun_ids {
	uint8_t key[32];
	uint64_t counter;
};
void stun_ids_init(struct stun_ids *ids, const uint8_t seed[static 32]);
struct stun_id stun_ids_next(struct stun_ids *ids);

/* ---- what address do we have outside? -------------------------------------------------------------------------------------------- */

enum stun_query_state { STUN_ASKING, STUN_ANSWERED, STUN_REFUSED, STUN_SILENT };

/* One Binding request to a server without credentials (RFC 8489 §3), for a line's public address and for finding out about a NAT. */
struct stun_query {
	struct addr server;
	struct stun_trans trans;
	uint32_t change;    /* CHANGE-REQUEST of RFC 5780 §7.2: 4 another IP, 2 another port; 0: none */
	enum stun_query_state state;
	struct addr mapped; /* STUN_ANSWERED: our address as the server sees it */
	struct addr other;  /* the server's second address (RFC 5780 §7.4); unset: it has none */
	struct addr from;   /* where the answer came from */
	uint16_t error;	    /* STUN_REFUSED */
	msec_t asked_at, answered_at;
};

void stun_query_start(struct stun_query *q, const struct addr *server, const struct stun_id *id, uint32_t rto_ms, msec_t now);
/* True: send bytes to q->server. */
bool stun_query_tick(struct stun_query *q, msec_t now, uint8_t *ret_bytes, size_t cap, size_t *ret_n);
/* True: the message was the answer to it. */
bool stun_query_recv(struct stun_query *q, const struct addr *from, const struct stun_msg *m, msec_t now);
