/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/ice_priv.h"

/* Connectivity checks (§7.2), nomination (§8), consent (RFC 7675). */

static struct span key_of(const char *pwd)
{
	return span_z(pwd);
}

/* A Binding request over a pair, §7.2.2. */
static void send_request(struct ice *a, const struct ice_pair *pair, const struct stun_id *id, bool nominates)
{
	uint8_t bytes[LIMIT_STUN_BYTES];
	char user[ICE_UFRAG_TEXT + sizeof(a->ufrag) + 1];
	struct stun_writer w;
	size_t n;

	(void)snprintf(user, sizeof(user), "%s:%s", a->peer_ufrag, a->ufrag);
	stun_begin(&w, bytes, sizeof(bytes), STUN_REQUEST, STUN_BINDING, id);
	stun_put_span(&w, STUN_USERNAME, span_z(user));
	/* §7.1.1: what a peer-reflexive candidate found by this check would have. */
	stun_put_u32(&w, ICE_PRIORITY, ice_priority(ICE_PRFLX, pair->base));
	stun_put_u64(&w, a->is_controlling ? ICE_CONTROLLING : ICE_CONTROLLED, a->tie_breaker);
	if (nominates)
		stun_put(&w, ICE_USE_CANDIDATE, NULL, 0);
	stun_put_integrity(&w, key_of(a->peer_pwd));
	stun_put_fingerprint(&w);
	if (stun_end(&w, &n) == 0)
		a->p.send(a->p.ctx, pair->base, &a->remotes[pair->remote].addr, bytes, n);
}

/* ---- which pair is next ---------------------------------------------------------------------------------------------------------- */

static const char *foundation(const struct ice *a, const struct ice_pair *pair)
{
	return a->remotes[pair->remote].foundation;
}

static bool is_same_foundation(const struct ice *a, const struct ice_pair *x, const struct ice_pair *y)
{
	return x->base == y->base && strcmp(foundation(a, x), foundation(a, y)) == 0;
}

/* §6.1.2.6, and again whenever something changed: of each foundation the best frozen pair, while none of it is under way. */
void ice_unfreeze(struct ice *a)
{
	for (unsigned i = 0; i < a->pair_count; i++) {
		struct ice_pair *p = &a->pairs[i];
		bool is_due = p->state == PAIR_FROZEN;

		for (unsigned k = 0; is_due && k < a->pair_count; k++) {
			const struct ice_pair *q = &a->pairs[k];

			if (q == p || !is_same_foundation(a, p, q))
				continue;
			if (q->state == PAIR_WAITING || q->state == PAIR_CHECKING || (q->state == PAIR_FROZEN && q->priority > p->priority))
				is_due = false;
		}
		if (is_due)
			p->state = PAIR_WAITING;
	}
}

/* Triggered ones first, then the best that waits (§6.1.4.2). */
static struct ice_pair *next_pair(struct ice *a)
{
	struct ice_pair *top = NULL;

	for (unsigned i = 0; i < a->pair_count; i++) {
		struct ice_pair *p = &a->pairs[i];

		if (p->state != PAIR_WAITING)
			continue;
		if (!top || p->is_triggered > top->is_triggered || (p->is_triggered == top->is_triggered && p->priority > top->priority))
			top = p;
	}

	return top;
}

static unsigned under_way(const struct ice *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->pair_count; i++)
		n += a->pairs[i].state == PAIR_WAITING || a->pairs[i].state == PAIR_CHECKING;

	return n;
}

static void start_check(struct ice *a, struct ice_pair *p, bool nominates, msec_t now)
{
	struct stun_id id = stun_ids_next(&a->ids);
	uint32_t rto_ms = MAX(ICE_RTO_MS, ICE_TA_MS * under_way(a)); /* §14.3 */

	p->state = PAIR_CHECKING;
	p->is_triggered = false;
	p->nominates = nominates;
	p->was_controlling = a->is_controlling;
	stun_trans_start(&p->trans, &id, rto_ms, now);
	p->trans.is_patient = true;
	(void)stun_trans_tick(&p->trans, now);
	send_request(a, p, &id, nominates);
}

/* §7.3.1.4 */
void ice_trigger(struct ice *a, struct ice_pair *pair, msec_t now)
{
	switch (pair->state) {
	case PAIR_SUCCEEDED:
		return;
	case PAIR_CHECKING:
		/* The peer's request opened its NAT for us: our own is repeated at once, under the same id. */
		if (pair->trans.sends > 1 || now + ICE_TA_MS < pair->trans.next_at)
			pair->trans.next_at = now;
		return;
	default:
		pair->state = PAIR_WAITING;
		pair->is_triggered = true;
		a->next_check_at = MIN(a->next_check_at, now);
		return;
	}
}

/* Pairs are ranked anew (§6.1.2.3 depends on the role), and checks made in the other role say the wrong thing. */
void ice_switch_role(struct ice *a, bool is_controlling)
{
	if (a->is_controlling == is_controlling)
		return;
	a->is_controlling = is_controlling;
	ice_rank_pairs(a);
}

/* ---- nomination ------------------------------------------------------------------------------------------------------------------- */

static bool is_nominating(const struct ice *a)
{
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].state == PAIR_CHECKING && a->pairs[i].nominates)
			return true;

	return false;
}

static bool has_better_hope(const struct ice *a, const struct ice_pair *than)
{
	for (unsigned i = 0; i < a->pair_count; i++) {
		const struct ice_pair *p = &a->pairs[i];

		if (p->priority > than->priority && p->state != PAIR_SUCCEEDED && p->state != PAIR_FAILED)
			return true;
	}

	return false;
}

/* Regular nomination (§8.1.1): of what works, the best, once nothing better can come or has not come in time. */
static void nominate(struct ice *a, msec_t now)
{
	struct ice_pair *top = NULL;

	if (!a->is_controlling || a->p.is_lite || a->selected >= 0 || a->first_valid_at == NEVER || is_nominating(a))
		return;
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].is_valid && (!top || a->pairs[i].priority > top->priority))
			top = &a->pairs[i];
	if (top && (now >= a->first_valid_at + ICE_SETTLE_MS || !has_better_hope(a, top)))
		start_check(a, top, true, now);
}

void ice_pair_works(struct ice *a, struct ice_pair *pair, msec_t now)
{
	bool nominates = pair->nominates;

	pair->state = PAIR_SUCCEEDED;
	pair->is_valid = true;
	pair->nominates = false;
	if (a->first_valid_at == NEVER)
		a->first_valid_at = now;
	/* §7.2.5.3.3: what shares its foundation will probably work as well. */
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].state == PAIR_FROZEN && is_same_foundation(a, &a->pairs[i], pair))
			a->pairs[i].state = PAIR_WAITING;
	if ((a->is_controlling && nominates) || (!a->is_controlling && pair->was_used)) {
		pair->is_nominated = true;
		ice_select(a, now);
	}
	nominate(a, now);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------- */

static void tick_checks(struct ice *a, msec_t now)
{
	for (unsigned i = 0; i < a->pair_count; i++) {
		struct ice_pair *p = &a->pairs[i];

		if (p->state != PAIR_CHECKING)
			continue;

		enum stun_due due = stun_trans_tick(&p->trans, now);

		if (due == STUN_SEND) {
			send_request(a, p, &p->trans.id, p->nominates);
		} else if (due == STUN_GIVE_UP) {
			p->state = PAIR_FAILED;
			p->is_valid = p->nominates = false;
			ice_unfreeze(a);
		}
	}
	if (now < a->next_check_at)
		return;

	struct ice_pair *next = next_pair(a);

	if (next)
		start_check(a, next, a->is_controlling && a->p.is_aggressive, now);
	a->next_check_at = next ? now + ICE_TA_MS : NEVER;
}

static bool all_failed(const struct ice *a)
{
	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].state != PAIR_FAILED)
			return false;

	return true;
}

static void tick_patience(struct ice *a, msec_t now)
{
	msec_t most = a->is_remote_complete ? ICE_PATIENCE_MS : ICE_TRICKLE_MS;

	if (!a->p.is_lite && a->is_remote_complete && all_failed(a)) {
		a->all_failed_at = MIN(a->all_failed_at, now);
		if (now >= a->all_failed_at + ICE_PRFLX_MS)
			ice_set_state(a, ICE_FAILED);
	}
	/* What works but was never nominated is used all the same: the peer is at fault, and the call works. */
	if (now >= a->begun_at + most && a->first_valid_at == NEVER)
		ice_set_state(a, ICE_FAILED);
}

/* RFC 7675 §5.1. */
static void tick_consent(struct ice *a, msec_t now)
{
	if (now >= a->consented_at + ICE_CONSENT_END_MS) {
		ice_set_state(a, ICE_LOST);
		a->consent_at = NEVER;
		return;
	}
	if (now < a->consent_at)
		return;

	struct stun_id id = stun_ids_next(&a->ids);

	a->consent_ids[a->consent_next++ % ICE_CONSENT_IDS] = id;
	send_request(a, &a->pairs[a->selected], &id, false);
	a->consent_at = now + ICE_CONSENT_MS * (80 + id.bytes[0] % 41) / 100;
}

static msec_t next_tick(const struct ice *a)
{
	msec_t next = a->next_check_at;

	for (unsigned i = 0; i < a->pair_count; i++)
		if (a->pairs[i].state == PAIR_CHECKING)
			next = MIN(next, stun_trans_next(&a->pairs[i].trans));
	if (a->state == ICE_CHECKING) {
		next = MIN(next, a->begun_at + (a->is_remote_complete ? ICE_PATIENCE_MS : ICE_TRICKLE_MS));
		if (a->first_valid_at != NEVER && a->is_controlling)
			next = MIN(next, a->first_valid_at + ICE_SETTLE_MS);
		if (a->all_failed_at != NEVER)
			next = MIN(next, a->all_failed_at + ICE_PRFLX_MS);
	}
	if (a->state == ICE_CONNECTED && !a->p.is_lite)
		next = MIN(next, MIN(a->consent_at, a->consented_at + ICE_CONSENT_END_MS));

	return next;
}

msec_t ice_tick(struct ice *a, msec_t now)
{
	if (a->state != ICE_CHECKING && a->state != ICE_CONNECTED)
		return NEVER;

	tick_checks(a, now);
	nominate(a, now);
	if (a->state == ICE_CHECKING)
		tick_patience(a, now);
	else if (!a->p.is_lite)
		tick_consent(a, now);
	if (a->state != ICE_CHECKING && a->state != ICE_CONNECTED)
		return NEVER;

	/* Never now again: what is due at this moment was done. */
	return MAX(next_tick(a), now + 1);
}
