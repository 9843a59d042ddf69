/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "nat/candidate.h"
#include "nat/trans.h"

/*
 * ICE, RFC 8445: one data stream with one component (RTCP shares its port), as a full agent or as a lite one (§2.5), with trickled
 * candidates of the peer (RFC 8838) and consent freshness (RFC 7675).
 *
 * Candidates of ours stand on bases: 0 is the media socket, 1 and up are relays. What the agent sends goes out from a base; what it
 * is given came in on one.
 *
 * Pure: sends by the function in its params, which must not call back, and learns the time from its callers. One thread at a time.
 *
 *	NEW ──▶ CHECKING ──▶ CONNECTED ──▶ LOST (no consent for 30 s)
 *	           │
 *	           └──▶ FAILED (no pair works)
 *
 * Deviations: lite and full agents alike send on the best valid pair before one is nominated (§12.1 allows it); a peer that
 * nominates aggressively (RFC 5245 §8.1.1.2) is followed to its best pair; checks are repeated once a second instead of ever more
 * slowly (RFC 8489 §6.2.1), since the caller waits and five tries in fifteen seconds are too few on a bad line.
 */
struct ice;

enum ice_state { ICE_NEW, ICE_CHECKING, ICE_CONNECTED, ICE_FAILED, ICE_LOST };

struct ice_params {
	bool is_lite;
	bool is_aggressive;	/* as controlling: every check nominates, one round trip sooner; RFC 8445 no longer has it */
	uint8_t seed[32];	/* random: secrets, tie-breaker, transaction ids */
	void (*send)(void *ctx, unsigned base, const struct addr *to, const uint8_t *bytes, size_t n);
	void *ctx;
};

nodiscard int ice_new(struct ice **ret, const struct ice_params *params);
struct ice *ice_free(struct ice *a);

/* A candidate of ours; priority and foundation are made here. related: base or mapped address. -TR_ELIMIT. */
nodiscard int ice_add_local(struct ice *a, enum ice_type type, unsigned base, const struct addr *addr, const struct addr *related);

/* What to tell the peer; complete. */
void ice_describe(const struct ice *a, struct ice_description *ret);

/* The peer's description has come. We control when we made the offer, unless we are lite; against a lite peer always (§6.1.1). */
void ice_begin(struct ice *a, const struct ice_description *peer, bool is_offerer, msec_t now);
/* Trickled ones, or those of a repeated description; known ones are passed over. */
void ice_add_remote(struct ice *a, const struct ice_candidate *c, unsigned n, msec_t now);
void ice_remote_complete(struct ice *a, msec_t now);

/* A STUN message from the media's wire. False: not for this agent (another user, forged, no ICE at all). */
bool ice_recv(struct ice *a, unsigned base, const struct addr *from, const uint8_t *bytes, size_t n, msec_t now);
msec_t ice_tick(struct ice *a, msec_t now); /* when to call again; NEVER */

enum ice_state ice_state(const struct ice *a);
bool ice_is_controlling(const struct ice *a);

struct ice_path {
	unsigned base;
	struct addr remote;
	enum ice_type local_type, remote_type;
	bool is_nominated;
};

/* Where to send: the nominated pair, else the best valid one. False: there is none. */
bool ice_path(const struct ice *a, struct ice_path *ret);
