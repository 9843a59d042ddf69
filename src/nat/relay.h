/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "nat/trans.h"

/*
 * TURN client over UDP, RFC 8656: an allocation kept alive, permissions, channels; long-term credentials with MD5, or SHA-256 where
 * the server offers it (RFC 8489 §9.2).
 *
 * Pure: sends by the function in its params, which must not call back, and learns the time from its callers. One thread at a time.
 *
 *	IDLE ──▶ ALLOCATING ──▶ READY ──▶ CLOSED (relay_close)
 *	             │            │
 *	             └────────────┴──▶ FAILED (refused, silent, allocation lost)
 */
struct relay;

enum relay_state { RELAY_IDLE, RELAY_ALLOCATING, RELAY_READY, RELAY_FAILED, RELAY_CLOSED };

struct relay_params {
	struct addr server;
	struct span user, password; /* copied */
	uint8_t seed[32];	    /* random: of transaction ids */
	uint32_t rto_ms;	    /* 0: 500 */
	void (*send)(void *ctx, const struct addr *to, const uint8_t *bytes, size_t n);
	void *ctx;
};

/* -EINVAL: user or password too long. */
nodiscard int relay_new(struct relay **ret, const struct relay_params *params);
struct relay *relay_free(struct relay *t);

void relay_start(struct relay *t, msec_t now);
/* Gives the allocation back (a Refresh of 0 s, once). */
void relay_close(struct relay *t, msec_t now);
msec_t relay_tick(struct relay *t, msec_t now); /* when to call again; NEVER */

enum relay_state relay_state(const struct relay *t);
const char *relay_why(const struct relay *t);	 /* RELAY_FAILED: a sentence */
const struct addr *relay_server(const struct relay *t);  /* after "try alternate": the other one */
const struct addr *relay_relayed(const struct relay *t); /* RELAY_READY: where peers send to */
const struct addr *relay_mapped(const struct relay *t);  /* our address as the server sees it */

/* READY only. Kept until the end; a known one is fine. -TR_ELIMIT: LIMIT_TURN_PEERS are in use; -TR_ESTATE. */
nodiscard int relay_permit(struct relay *t, const struct addr *peer, msec_t now);
nodiscard int relay_bind(struct relay *t, const struct addr *peer, msec_t now); /* a channel; implies the permission */
uint16_t relay_channel(const struct relay *t, const struct addr *peer);	      /* 0: not (yet) bound */

/* To a peer: through its channel, or as a Send indication. -TR_ESTATE, -TR_ETOOBIG. */
nodiscard int relay_send(struct relay *t, const struct addr *peer, const uint8_t *bytes, size_t n);

struct relay_data {
	struct addr peer;
	const uint8_t *bytes; /* into the datagram; NULL: it carried none */
	size_t n;
};

/* What came from the server. False: not of this client. */
bool relay_recv(struct relay *t, const struct addr *from, const uint8_t *bytes, size_t n, msec_t now, struct relay_data *ret);

#define RELAY_CHANNEL_HEAD 4

/* ChannelData, RFC 8656 §12.4: its channel, or 0 if it is none; the payload follows the four bytes. */
static inline uint16_t relay_channel_of(const uint8_t *bytes, size_t n, size_t *ret_payload_n)
{
	if (n < RELAY_CHANNEL_HEAD || bytes[0] < 0x40 || bytes[0] > 0x4f)
		return 0;

	size_t len = (size_t)bytes[2] << 8 | bytes[3];

	if (len > n - RELAY_CHANNEL_HEAD)
		return 0;
	*ret_payload_n = len;

	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}
