/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/ice_priv.h"
#include <openssl/crypto.h>

/* Candidates, pairs, and which pair is used. */

/* n characters of [A-Za-z0-9+/], six random bits each. */
static void secret(struct stun_ids *ids, char *ret, size_t n)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i++) {
		struct stun_id id = stun_ids_next(ids);

		ret[i] = chars[id.bytes[0] & 63];
	}
	ret[n] = 0;
}

int ice_new(struct ice **ret, const struct ice_params *params)
{
	struct ice *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;

	a->p = *params;
	a->selected = -1;
	a->begun_at = a->next_check_at = a->first_valid_at = a->all_failed_at = a->consent_at = NEVER;
	stun_ids_init(&a->ids, params->seed);

	struct stun_id id = stun_ids_next(&a->ids);

	memcpy(&a->tie_breaker, id.bytes, sizeof(a->tie_breaker));
	secret(&a->ids, a->ufrag, sizeof(a->ufrag) - 1);
	secret(&a->ids, a->pwd, sizeof(a->pwd) - 1);
	*ret = a;

	return 0;
}

struct ice *ice_free(struct ice *a)
{
	if (a) {
		OPENSSL_cleanse(a, sizeof(*a));
		free(a);
	}

	return NULL;
}

enum ice_state ice_state(const struct ice *a)
{
	return a->state;
}

bool ice_is_controlling(const struct ice *a)
{
	return a->is_controlling;
}

/* The only place where an agent changes state. */
void ice_set_state(struct ice *a, enum ice_state state)
{
	a->state = state;
}

/* ---- candidates ----------------------------------------------------------------------------------------------------------------- */

/* §5.1.2.1 with the recommended preferences; component 1. */
uint32_t ice_priority(enum ice_type type, unsigned base)
{
	static const uint32_t preference[] = {[ICE_HOST] = 126, [ICE_SRFLX] = 100, [ICE_PRFLX] = 110, [ICE_RELAY] = 0};

	return preference[type] << 24 | (65535 - base) << 8 | 255;
}

int ice_add_local(struct ice *a, enum ice_type type, unsigned base, const struct addr *addr, const struct addr *related)
{
	for (unsigned i = 0; i < a->local_count; i++)
		if (a->locals[i].base == base && addr_eq(&a->locals[i].c.addr, addr))
			return 0; /* §5.1.3: no NAT, so the reflexive one is the host's again */
	if (a->local_count == LIMIT_ICE_LOCALS || base >= ICE_BASES)
		return -TR_ELIMIT;

	struct ice_local *l = &a->locals[a->local_count++];

	*l = (struct ice_local){.base = (uint8_t)base,
		.c = {.type = type, .addr = *addr, .priority = ice_priority(type, base + a->local_count - 1)}};
	if (related)
		l->c.related = *related;
	/* §5.1.1.3: one a type, base and server; ours differ in each. */
	(void)snprintf(l->c.foundation, sizeof(l->c.foundation), "%u%u", (unsigned)type + 1, a->local_count);

	return 0;
}

void ice_describe(const struct ice *a, struct ice_description *ret)
{
	*ret = (struct ice_description){.is_lite = a->p.is_lite, .does_trickle = !a->p.is_lite, .is_complete = true};
	buf_copy(ret->ufrag, sizeof(ret->ufrag), a->ufrag);
	buf_copy(ret->pwd, sizeof(ret->pwd), a->pwd);
	for (unsigned i = 0; i < a->local_count; i++)
		ret->candidates[ret->count++] = a->locals[i].c;
}

int ice_find_remote(const struct ice *a, const struct addr *addr)
{
	for (unsigned i = 0; i < a->remote_count; i++)
		if (addr_eq(&a->remotes[i].addr, addr))
			return (int)i;

	return -1;
}

static int add_remote(struct ice *a, const struct ice_candidate *c)
{
	if (a->remote_count == LIMIT_ICE_CANDIDATES)
		return -1;
	a->remotes[a->remote_count] = *c;

	return (int)a->remote_count++;
}

int ice_add_prflx(struct ice *a, const struct addr *from, uint32_t priority)
{
	struct ice_candidate c = {.type = ICE_PRFLX, .addr = *from, .priority = priority};

	/* §7.3.1.3: a foundation unlike all others. */
	(void)snprintf(c.foundation, sizeof(c.foundation), "p%u", a->remote_count);

	return add_remote(a, &c);
}

/* ---- pairs ---------------------------------------------------------------------------------------------------------------------- */

struct ice_pair *ice_find_pair(struct ice *a, unsigned base, unsigned remote)
{
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].base == base && a->pairs[i].remote == remote)
			return &a->pairs[i];

	return NULL;
}

/* Of the candidate that is its base: host for the socket, relay above. §6.1.2.4: reflexive ones are replaced by their base. */
static const struct ice_local *base_candidate(const struct ice *a, unsigned base)
{
	for (unsigned i = 0; i < a->local_count; i++)
		if (a->locals[i].base == base && (a->locals[i].c.type == ICE_HOST || a->locals[i].c.type == ICE_RELAY))
			return &a->locals[i];

	return NULL;
}

/* §6.1.2.3 */
static uint64_t pair_priority(const struct ice *a, const struct ice_pair *pair)
{
	const struct ice_local *l = base_candidate(a, pair->base);
	uint64_t ours = l ? l->c.priority : 1, theirs = a->remotes[pair->remote].priority;
	uint64_t g = a->is_controlling ? ours : theirs, d = a->is_controlling ? theirs : ours;

	return (MIN(g, d) << 32) + 2 * MAX(g, d) + (g > d);
}

void ice_rank_pairs(struct ice *a)
{
	for (unsigned i = 0; i < a->pair_count; i++)
		a->pairs[i].priority = pair_priority(a, &a->pairs[i]);
}

struct ice_pair *ice_make_pair(struct ice *a, unsigned base, unsigned remote)
{
	const struct ice_local *l = base_candidate(a, base);

	if (!l || a->pair_count == LIMIT_ICE_PAIRS || l->c.addr.family != a->remotes[remote].addr.family)
		return NULL;

	struct ice_pair *pair = &a->pairs[a->pair_count++];

	*pair = (struct ice_pair){.base = (uint8_t)base, .remote = (uint8_t)remote, .local_type = l->c.type};
	pair->priority = pair_priority(a, pair);

	return pair;
}

static void pair_with_all(struct ice *a, unsigned remote)
{
	for (unsigned base = 0; base < ICE_BASES; base++)
		if (!ice_find_pair(a, base, remote))
			(void)ice_make_pair(a, base, remote);
}

void ice_add_remote(struct ice *a, const struct ice_candidate *c, unsigned n, msec_t now)
{
	for (unsigned i = 0; i < n; i++) {
		int at = ice_find_remote(a, &c[i].addr);

		/* A candidate that its own check announced as peer-reflexive: now its kind is known. */
		if (at >= 0 && a->remotes[at].type == ICE_PRFLX)
			a->remotes[at].type = c[i].type;
		if (at >= 0)
			continue;
		at = add_remote(a, &c[i]);
		if (at >= 0 && !a->p.is_lite)
			pair_with_all(a, (unsigned)at);
	}
	if (a->state != ICE_CHECKING && a->state != ICE_CONNECTED)
		return;
	a->all_failed_at = NEVER;
	ice_unfreeze(a);
	a->next_check_at = MIN(a->next_check_at, now);
}

void ice_remote_complete(struct ice *a, msec_t now)
{
	a->is_remote_complete = true;
}

/* Nobody checks (§5.2 of lite agents): the peer's best candidate it is. */
static void settle_lite(struct ice *a, msec_t now)
{
	for (unsigned i = 0; i < a->remote_count; i++) {
		struct ice_pair *p = ice_make_pair(a, 0, i);

		if (!p)
			continue;
		p->state = PAIR_SUCCEEDED;
		p->is_valid = p->is_nominated = true;
	}
	ice_select(a, now);
}

void ice_begin(struct ice *a, const struct ice_description *peer, bool is_offerer, msec_t now)
{
	if (a->state != ICE_NEW)
		return;

	buf_copy(a->peer_ufrag, sizeof(a->peer_ufrag), peer->ufrag);
	buf_copy(a->peer_pwd, sizeof(a->peer_pwd), peer->pwd);
	a->is_peer_lite = peer->is_lite;
	a->is_controlling = !a->p.is_lite && (is_offerer || peer->is_lite);
	a->is_remote_complete = peer->is_complete || !peer->does_trickle;
	a->begun_at = a->next_check_at = now;
	ice_set_state(a, ICE_CHECKING);
	ice_add_remote(a, peer->candidates, peer->count, now);
	for (unsigned i = 0; i < a->early_count; i++)
		ice_take_request(a, &a->early[i], now);
	a->early_count = 0;
	if (a->p.is_lite && a->is_peer_lite)
		settle_lite(a, now);
}

/* ---- the pair that is used --------------------------------------------------------------------------------------------------------- */

static const struct ice_pair *best(const struct ice *a, bool is_nominated)
{
	const struct ice_pair *top = NULL;

	for (unsigned i = 0; i < a->pair_count; i++) {
		const struct ice_pair *p = &a->pairs[i];

		if (p->is_valid && (p->is_nominated || !is_nominated) && (!top || p->priority > top->priority))
			top = p;
	}

	return top;
}

/* §8.1.2: what is worse than the chosen pair needs no more checks; what has worked stays good. */
static void drop_worse(struct ice *a)
{
	for (unsigned i = 0; i < a->pair_count; i++) {
		struct ice_pair *p = &a->pairs[i];

		if (p->priority >= a->pairs[a->selected].priority || p->state == PAIR_SUCCEEDED || p->nominates)
			continue;
		stun_trans_stop(&p->trans);
		p->state = PAIR_FAILED;
	}
}

/* A pair was nominated: the best of those is the one (§8.1.1, and for aggressive peers RFC 5245 §8.1.1.2). */
void ice_select(struct ice *a, msec_t now)
{
	const struct ice_pair *top = best(a, true);
	int selected = top ? (int)(top - a->pairs) : -1;

	if (selected < 0 || selected == a->selected)
		return;
	a->selected = selected;
	a->consented_at = now;
	if (!a->p.is_lite)
		a->consent_at = now + ICE_CONSENT_MS;
	ice_set_state(a, ICE_CONNECTED);
	drop_worse(a);
}

bool ice_path(const struct ice *a, struct ice_path *ret)
{
	const struct ice_pair *p = a->selected >= 0 ? &a->pairs[a->selected] : best(a, false);

	if (!p || a->state == ICE_LOST || a->state == ICE_FAILED)
		return false;
	*ret = (struct ice_path){.base = p->base, .remote = a->remotes[p->remote].addr, .local_type = p->local_type,
		.remote_type = a->remotes[p->remote].type, .is_nominated = p->is_nominated};

	return true;
}
