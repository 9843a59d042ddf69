/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "nat/ice.h"

/* Inside the agent: ice.c (candidates, pairs, what is chosen), ice_check.c (checks, nomination, consent), ice_recv.c (messages). */

#define ICE_TA_MS	   50		/* between new checks, §14.2 */
#define ICE_RTO_MS	   500		/* at least, §14.3 */
#define ICE_SETTLE_MS	   300		/* wait for a better pair before one is nominated */
#define ICE_PATIENCE_MS	   15000	/* for any pair to work */
#define ICE_TRICKLE_MS	   30000	/* the same, while the peer may still name candidates */
#define ICE_PRFLX_MS	   3000		/* all checks failed: the peer's own may still come from somewhere unknown */
#define ICE_CONSENT_MS	   5000		/* RFC 7675 §5.1: between checks, +-20 % */
#define ICE_CONSENT_END_MS 30000
#define ICE_BASES	   4
#define ICE_CONSENT_IDS	   8		/* under way at once: those of 30 s, and one */

enum pair_state { PAIR_FROZEN, PAIR_WAITING, PAIR_CHECKING, PAIR_SUCCEEDED, PAIR_FAILED };

struct ice_pair {
	uint8_t base, remote; /* index in remotes */
	enum pair_state state;
	bool is_valid, is_nominated;
	bool is_triggered;	 /* its check comes before all others (§7.3.1.4) */
	bool was_used;		 /* the peer nominated it before its check succeeded */
	bool nominates;		 /* the check under way carries USE-CANDIDATE */
	bool was_controlling;	 /* our role in the check under way */
	enum ice_type local_type; /* as the peer sees us through it */
	uint64_t priority;
	struct stun_trans trans;
};

struct ice_local {
	struct ice_candidate c;
	uint8_t base;
};

/* A request that came before the peer's description. */
struct ice_early {
	uint8_t base;
	bool uses_candidate;
	struct addr from;
	uint32_t priority;
};

struct ice {
	struct ice_params p;
	enum ice_state state;
	struct stun_ids ids;
	uint64_t tie_breaker;
	bool is_controlling, is_peer_lite, is_remote_complete;
	char ufrag[9], pwd[25];
	char peer_ufrag[ICE_UFRAG_TEXT], peer_pwd[ICE_PWD_TEXT];
	struct ice_local locals[LIMIT_ICE_LOCALS];
	struct ice_candidate remotes[LIMIT_ICE_CANDIDATES];
	struct ice_pair pairs[LIMIT_ICE_PAIRS];
	struct ice_early early[LIMIT_ICE_EARLY];
	unsigned local_count, remote_count, pair_count, early_count;
	int selected; /* index of the nominated pair; -1 */
	msec_t begun_at, next_check_at, first_valid_at, all_failed_at; /* NEVER: has not happened */
	msec_t consent_at, consented_at;
	struct stun_id consent_ids[ICE_CONSENT_IDS];
	unsigned consent_next;
};

/* ice.c */
uint32_t ice_priority(enum ice_type type, unsigned base);
int ice_find_remote(const struct ice *a, const struct addr *addr);
int ice_add_prflx(struct ice *a, const struct addr *from, uint32_t priority); /* its index, or -1 */
struct ice_pair *ice_find_pair(struct ice *a, unsigned base, unsigned remote);
struct ice_pair *ice_make_pair(struct ice *a, unsigned base, unsigned remote);
void ice_rank_pairs(struct ice *a);
void ice_select(struct ice *a, msec_t now);
void ice_set_state(struct ice *a, enum ice_state state);

/* ice_check.c */
void ice_trigger(struct ice *a, struct ice_pair *pair, msec_t now);
void ice_unfreeze(struct ice *a);
void ice_pair_works(struct ice *a, struct ice_pair *pair, msec_t now);
void ice_switch_role(struct ice *a, bool is_controlling);

/* ice_recv.c */
void ice_take_request(struct ice *a, const struct ice_early *rq, msec_t now);
