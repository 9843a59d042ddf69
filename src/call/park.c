/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Callers who wait in a slot until somebody fetches them, by dialling it or through the API, and are never lost:
 *
 *	PARKED ──dialled──▶ joined
 *	  │ ▲ ──API: a phone rings──▶ answered: joined
 *	  │ └──────────────────────── refused, silent
 *	  └── time is over: the fall-backs ring, one after the other (xfer.c) ── none: the agent again, or a polite end
 */
struct park {
	struct call *call;
	uint32_t slot;
	struct timer patience;
	bool is_over; /* the fall-backs ring */
	size_t count;
	char *fallback[LIMIT_CALL_XFER_TARGETS];
};

enum { TIMEOUT_S = 120, LATER_MS = 2000 };

static struct park *park_free(struct park *p)
{
	timer_stop(&p->call->owner->wheel, &p->patience);
	for (size_t i = 0; i < p->count; i++)
		free(p->fallback[i]);
	p->call->park = NULL;
	p->call->rec.parked = 0;
	free(p);

	return NULL;
}

static struct call *find(struct calls *cs, uint32_t slot)
{
	list_each(&cs->live, struct call, link, c)
		if (c->park && c->park->slot == slot)
			return c;

	return NULL;
}

bool calls_is_parked(struct calls *cs, uint32_t slot)
{
	return find(cs, slot) != NULL;
}

/* ---- the end of waiting ------------------------------------------------------------------------------------------------- */

bool park_takes_back(struct call *c, const char *why)
{
	struct park *p = c->park;
	char text[200];

	if (!p)
		return false;
	if (!p->is_over) {
		call_note(c, "still parked in %u: %s", p->slot, why);
		brain_play_waiting(c);
		brain_hold(c);
		return true;
	}
	park_free(p);
	call_changed(c, "parked");
	snprintf(text, sizeof(text), "nobody fetched the parked call: %s", why);

	return brain_takes_back(c, text);
}

static void on_patience(struct timer *t, msec_t now)
{
	struct park *p = container_of(t, struct park, patience);
	struct call *c = p->call;
	struct call_xfer_params x = {.mode = CALL_XFER_BRIDGE, .waiting = CALL_WAITING_MUSIC,
		.targets = (const char *const *)p->fallback, .target_count = p->count};

	/* A phone that is being rung may still answer. */
	if (c->xfer) {
		calls_timer(c->owner, t, LATER_MS);
		return;
	}
	p->is_over = true;
	call_note(c, "nobody fetched the call from %u in time", p->slot);
	if (!p->count || xfer_begin(c, &x) != 0)
		call_transfer_failed(c, "nobody fetched the parked call");
}

/* ---- parking ------------------------------------------------------------------------------------------------------------- */

static int pick_slot(struct call *c, uint32_t wanted, uint32_t *ret)
{
	const struct call_park_plan *plan = c->plan.park;

	if (!plan || !plan->first)
		return -TR_EUNSUPP;
	if (wanted && (wanted < plan->first || wanted > plan->last))
		return -EINVAL;
	for (uint32_t slot = wanted ? wanted : plan->first; slot <= (wanted ? wanted : plan->last); slot++)
		if (!find(c->owner, slot)) {
			*ret = slot;
			return 0;
		}

	return -TR_ELIMIT;
}

/* Who is asked when time is over: those of the request, else the configuration's, before them the person who talked to the caller. */
static void take_fallbacks(struct park *p, const struct call_park *want)
{
	const struct call_park_plan *plan = p->call->plan.park;
	const struct call *peer = p->call->peer;

	if (!want->target_count && peer && peer->rec.is_outgoing)
		p->fallback[p->count++] = mem_strdup(peer->rec.to);
	for (size_t i = 0; i < want->target_count && p->count < LIMIT_CALL_XFER_TARGETS; i++)
		p->fallback[p->count++] = mem_strdup(want->targets[i]);
	for (size_t i = 0; !want->target_count && i < plan->target_count && p->count < LIMIT_CALL_XFER_TARGETS; i++)
		p->fallback[p->count++] = mem_strdup(plan->targets[i]);
}

/* The one who talked to the caller goes. */
static void leave_peer(struct call *c, uint32_t slot)
{
	struct call *peer = c->peer;
	char why[80];

	if (!peer)
		return;
	snprintf(why, sizeof(why), "the caller was parked in slot %u", slot);
	c->peer = peer->peer = NULL;
	if (media_disconnect(c->owner->media, c->stream) != 0)
		log_warn("call.not_disconnected", LOG_STR("call", c->rec.id));
	call_hangup(peer, CALL_END_US, why);
}

int call_park(struct call *c, const struct call_park *want, uint32_t *ret_slot)
{
	uint32_t slot, timeout_s = want->timeout_s ? want->timeout_s : c->plan.park ? c->plan.park->timeout_s : 0;
	int err;

	if (!c->session || c->rec.state != CALL_UP || !c->is_connected || c->xfer || c->park || c->queue || c->room || c->conference || c->is_held_by_us ||
		recording_is_prompting(c))
		return -TR_ESTATE;
	if (want->target_count > LIMIT_CALL_XFER_TARGETS)
		return -EINVAL;
	err = pick_slot(c, want->slot, &slot);
	if (err)
		return err;

	struct park *p = mem_zalloc(sizeof(*p));

	p->call = c;
	p->slot = slot;
	timer_init(&p->patience, on_patience);
	take_fallbacks(p, want);
	c->park = p;
	c->rec.parked = slot;
	leave_peer(c, slot);
	brain_play_waiting(c);
	brain_hold(c);
	calls_timer(c->owner, &p->patience, (timeout_s ? timeout_s : TIMEOUT_S) * 1000);
	call_note(c, "parked in %u", slot);
	call_changed(c, "parked");
	*ret_slot = slot;

	return 0;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------------ */

int call_retrieve(struct call *c, const char *target, uint32_t ring_s)
{
	struct call_xfer_params x = {.mode = CALL_XFER_BRIDGE, .waiting = CALL_WAITING_MUSIC, .ring_s = ring_s, .targets = &target,
		.target_count = 1};

	if (!c->session || !c->park || c->xfer || c->rec.state != CALL_UP)
		return -TR_ESTATE;

	return xfer_begin(c, &x);
}

void park_on_leg_up(struct call *leg)
{
	struct call *c;

	if (!leg->plan.retrieves || leg->is_retrieved)
		return;
	leg->is_retrieved = true;
	c = find(leg->owner, leg->plan.retrieves);
	if (!c || !c->session || c->rec.state == CALL_ENDING) {
		call_hangup(leg, CALL_END_US, "nobody is parked there any more");
		return;
	}
	xfer_on_over(c); /* a phone that was rung for the same caller */
	if (media_play_stop(c->owner->media, c->stream) != 0)
		log_warn("call.play_not_stopped", LOG_STR("call", c->rec.id));
	call_transferred(c, leg);
}

void park_on_joined(struct call *c)
{
	if (c->park)
		park_free(c->park);
}
