/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/ice_priv.h"

/* Messages of the peer: §7.3 (requests), §7.2.5 (answers). */

static void reply(struct ice *a, unsigned base, const struct addr *to, const struct stun_msg *rq, uint16_t error)
{
	uint8_t bytes[LIMIT_STUN_BYTES];
	struct stun_writer w;
	size_t n;

	stun_begin(&w, bytes, sizeof(bytes), error ? STUN_ERROR : STUN_SUCCESS, STUN_BINDING, &rq->id);
	if (error == 487) {
		stun_put_error(&w, error, "Role Conflict");
	} else if (error == 420) {
		uint8_t list[2 * LIMIT_STUN_UNKNOWN];

		for (unsigned i = 0; i < rq->unknown_count; i++) {
			list[2 * i] = (uint8_t)(rq->unknown[i] >> 8);
			list[2 * i + 1] = (uint8_t)rq->unknown[i];
		}
		stun_put_error(&w, error, "Unknown Attribute");
		stun_put(&w, STUN_UNKNOWN_ATTRIBUTES, list, 2u * rq->unknown_count);
	} else {
		stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, to);
	}
	stun_put_integrity(&w, span_z(a->pwd));
	stun_put_fingerprint(&w);
	if (stun_end(&w, &n) == 0)
		a->p.send(a->p.ctx, base, to, bytes, n);
}

/* §7.3.1.1. False: a 487 was sent. */
static bool settle_roles(struct ice *a, unsigned base, const struct addr *from, const struct stun_msg *rq)
{
	bool is_clash = a->is_controlling ? rq->has_controlling : rq->has_controlled;

	if (a->p.is_lite || !is_clash)
		return true;
	if ((a->tie_breaker >= rq->tie_breaker) == a->is_controlling) {
		reply(a, base, from, rq, 487);
		return false;
	}
	ice_switch_role(a, !a->is_controlling);

	return true;
}

/* A lite agent checks nothing: a pair that the peer used works (§7.3.2). */
static void take_as_lite(struct ice *a, const struct ice_early *rq, unsigned remote, msec_t now)
{
	struct ice_pair *pair = ice_find_pair(a, rq->base, remote);

	if (!pair)
		pair = ice_make_pair(a, rq->base, remote);
	if (!pair)
		return;
	pair->state = PAIR_SUCCEEDED;
	pair->is_valid = true;
	a->first_valid_at = MIN(a->first_valid_at, now);
	if (rq->uses_candidate) {
		pair->is_nominated = true;
		ice_select(a, now);
	}
}

void ice_take_request(struct ice *a, const struct ice_early *rq, msec_t now)
{
	int remote = ice_find_remote(a, &rq->from);

	if (remote < 0)
		remote = ice_add_prflx(a, &rq->from, rq->priority);
	if (remote < 0)
		return;
	if (a->p.is_lite) {
		take_as_lite(a, rq, (unsigned)remote, now);
		return;
	}

	struct ice_pair *pair = ice_find_pair(a, rq->base, (unsigned)remote);

	if (!pair)
		pair = ice_make_pair(a, rq->base, (unsigned)remote);
	if (!pair)
		return;
	a->all_failed_at = NEVER;
	ice_trigger(a, pair, now);
	if (!rq->uses_candidate || a->is_controlling)
		return;
	/* §7.3.1.5: nominated now, or as soon as our own check succeeds. */
	pair->was_used = true;
	if (pair->is_valid && !pair->is_nominated) {
		pair->is_nominated = true;
		ice_select(a, now);
	}
}

static void keep_early(struct ice *a, const struct ice_early *rq)
{
	for (unsigned i = 0; i < a->early_count; i++) {
		if (a->early[i].base != rq->base || !addr_eq(&a->early[i].from, &rq->from))
			continue;
		a->early[i].uses_candidate |= rq->uses_candidate;
		return;
	}
	if (a->early_count < LIMIT_ICE_EARLY)
		a->early[a->early_count++] = *rq;
}

/* "ours:theirs" */
static bool is_for_us(const struct ice *a, struct span user)
{
	struct span theirs = user, ours = span_cut(&theirs, ':');

	if (!span_eq_z(ours, a->ufrag) || !theirs.p)
		return false;

	/* Another generation of the peer (an ICE restart) is not this agent's. */
	return a->state == ICE_NEW || span_eq_z(theirs, a->peer_ufrag);
}

static bool on_request(struct ice *a, unsigned base, const struct addr *from, const struct stun_msg *m, msec_t now)
{
	struct ice_early rq = {.base = (uint8_t)base, .uses_candidate = m->uses_candidate, .from = *from,
		.priority = m->has_priority ? m->priority : 1};

	/* Whoever does not know our secret gets silence: no answer to be reflected, no hint that somebody is here. */
	if (!is_for_us(a, m->username) || !stun_is_authentic(m, span_z(a->pwd)))
		return false;
	if (m->unknown_count) {
		reply(a, base, from, m, 420);
		return true;
	}
	/* Before the peer's description our own role is a guess. */
	if (a->state != ICE_NEW && !settle_roles(a, base, from, m))
		return true;
	reply(a, base, from, m, 0);
	if (a->state == ICE_NEW)
		keep_early(a, &rq);
	else if (a->state == ICE_CHECKING || a->state == ICE_CONNECTED)
		ice_take_request(a, &rq, now);
	if (a->p.is_lite && a->selected >= 0)
		a->consented_at = now;

	return true;
}

static bool on_consent(struct ice *a, const struct addr *from, const struct stun_msg *m, msec_t now)
{
	for (unsigned i = 0; i < ICE_CONSENT_IDS; i++) {
		if (!stun_id_eq(&a->consent_ids[i], &m->id))
			continue;
		if (m->cls == STUN_SUCCESS && a->selected >= 0 && addr_eq(from, &a->remotes[a->pairs[a->selected].remote].addr) &&
			stun_is_authentic(m, span_z(a->peer_pwd)))
			a->consented_at = now;
		return true;
	}

	return false;
}

static struct ice_pair *find_check(struct ice *a, const struct stun_id *id)
{
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].state == PAIR_CHECKING && stun_id_eq(&a->pairs[i].trans.id, id))
			return &a->pairs[i];

	return NULL;
}

/* §7.2.5.3.1: how the peer sees us through this pair. */
static enum ice_type seen_as(const struct ice *a, const struct ice_pair *pair, const struct addr *mapped)
{
	for (unsigned i = 0; i < a->local_count; i++)
		if (a->locals[i].base == pair->base && addr_eq(&a->locals[i].c.addr, mapped))
			return a->locals[i].c.type;

	return pair->base ? ICE_RELAY : ICE_PRFLX;
}

static void on_role_conflict(struct ice *a, struct ice_pair *pair, msec_t now)
{
	ice_switch_role(a, !pair->was_controlling);
	stun_trans_stop(&pair->trans);
	pair->state = PAIR_WAITING;
	pair->is_triggered = true;
	pair->nominates = false;
	a->next_check_at = MIN(a->next_check_at, now);
}

static bool on_answer(struct ice *a, unsigned base, const struct addr *from, const struct stun_msg *m, msec_t now)
{
	struct ice_pair *pair = find_check(a, &m->id);

	if (!pair)
		return on_consent(a, from, m, now);
	if (m->cls == STUN_ERROR) {
		if (m->error == 487 && stun_is_authentic(m, span_z(a->peer_pwd)))
			on_role_conflict(a, pair, now);
		/* Others are not proven to be the peer's: the check runs into its time-out. */
		return true;
	}
	if (!stun_is_authentic(m, span_z(a->peer_pwd)) || !addr_is_set(&m->mapped))
		return true;
	stun_trans_stop(&pair->trans);
	/* §7.2.5.2.1: not from where it was sent to. */
	if (pair->base != base || !addr_eq(from, &a->remotes[pair->remote].addr)) {
		pair->state = PAIR_FAILED;
		ice_unfreeze(a);
		return true;
	}
	pair->local_type = seen_as(a, pair, &m->mapped);
	ice_pair_works(a, pair, now);

	return true;
}

bool ice_recv(struct ice *a, unsigned base, const struct addr *from, const uint8_t *bytes, size_t n, msec_t now)
{
	struct stun_msg m;

	if (base >= ICE_BASES || stun_parse(bytes, n, &m) != 0 || m.method != STUN_BINDING)
		return false;

	switch (m.cls) {
	case STUN_REQUEST:
		return on_request(a, base, from, &m, now);
	case STUN_SUCCESS:
	case STUN_ERROR:
		return a->state != ICE_NEW && on_answer(a, base, from, &m, now);
	default:
		return true; /* keep-alive, §11 */
	}
}
