/* SPDX-License-Identifier: Apache-2.0 */
#include "call/conference.h"
#include "call/private.h"

struct conference {
	struct list link; /* in calls.conferences, newest first */
	struct calls *owner;
	char id[CONFERENCE_ID_TEXT];
	struct media_id mixer; /* made for the first member, at its rate */
	bool has_mixer;
	uint32_t present, ringing;
	struct timer alone; /* one is left */
};

enum { ALONE_MS = 20000, ALL = MEDIA_MIX_ALL };

static struct conference *conference_free(struct conference *k)
{
	struct calls *cs = k->owner;

	timer_stop(&cs->wheel, &k->alone);
	if (k->has_mixer && media_mixer_free(cs->media, k->mixer) != 0)
		log_warn("conference.mixer_kept", LOG_STR("conference", k->id));
	list_unlink(&k->link);
	cs->conference_count--;
	free(k);

	return NULL;
}

/* The only one who is left; NULL: there are more, or none. */
static struct call *only_member(const struct conference *k)
{
	if (k->present == 1 && !k->ringing)
		list_each(&k->owner->live, struct call, link, c)
			if (c->conference == k)
				return c;

	return NULL;
}

static void leave(struct call *c)
{
	struct conference *k = c->conference;

	k->ringing -= c->rings_for_conference;
	k->present -= !c->rings_for_conference;
	c->conference = NULL;
	c->rings_for_conference = false;
	c->rec.conference[0] = 0;
}

static void look_who_is_left(struct conference *k)
{
	if (!k->present && !k->ringing)
		conference_free(k);
	else if (only_member(k))
		calls_timer(k->owner, &k->alone, ALONE_MS);
}

static void on_alone(struct timer *t, msec_t now)
{
	struct conference *k = container_of(t, struct conference, alone);
	struct call *c = only_member(k);

	if (!k->present && !k->ringing)
		conference_free(k); /* nobody ever came */
	if (!c)
		return;
	leave(c);
	call_note(c, "nobody else was left in the conference");
	call_changed(c, "conference");
	if (media_disconnect(k->owner->media, c->stream) != 0 || !brain_again(c))
		call_hangup(c, CALL_END_US, "nobody else was left in the conference");
	look_who_is_left(k);
}

int conference_new(struct calls *cs, struct conference **ret)
{
	struct conference *k;
	uint32_t salt;

	if (cs->conference_count == LIMIT_CALL_ROOMS)
		return -TR_ELIMIT;
	k = mem_zalloc(sizeof(*k));
	random_bytes(&salt, sizeof(salt));
	k->owner = cs;
	snprintf(k->id, sizeof(k->id), "k%" PRIu64 "-%08x", ++cs->next_conference, salt);
	timer_init(&k->alone, on_alone);
	list_prepend(&cs->conferences, &k->link);
	cs->conference_count++;
	calls_timer(cs, &k->alone, ALONE_MS);
	*ret = k;

	return 0;
}

/* ---- looking ------------------------------------------------------------------------------------------------------------- */

struct conference *conference_find(struct calls *cs, const char *id)
{
	list_each(&cs->conferences, struct conference, link, k)
		if (!strcmp(k->id, id))
			return k;

	return NULL;
}

const char *conference_id(const struct conference *k)
{
	return k->id;
}

void conferences_each(struct calls *cs, void (*fn)(void *ctx, const struct conference *k), void *ctx)
{
	list_each(&cs->conferences, struct conference, link, k)
		fn(ctx, k);
}

void conference_members(const struct conference *k, bool (*fn)(void *ctx, const struct conference_member *m), void *ctx)
{
	list_each(&k->owner->live, struct call, link, c) {
		struct conference_member m = {.call = &c->rec, .is_muted = c->is_muted, .is_ringing = c->rings_for_conference};

		if (c->conference == k && !fn(ctx, &m))
			return;
	}
}

/* ---- coming and going ---------------------------------------------------------------------------------------------------- */

static int make_mixer(struct conference *k, const struct call *first)
{
	int err = k->has_mixer ? 0 : media_mixer_new(k->owner->media, media_plan_rate_hz(&first->media), &k->mixer);

	k->has_mixer |= !err;

	return err;
}

static int set_role(struct call *c)
{
	struct media_mix_role role = {ALL, c->is_muted ? 0 : ALL};

	return media_mixer_set_role(c->owner->media, c->conference->mixer, c->stream, role);
}

static int enter(struct conference *k, struct call *c)
{
	int err = k->present < LIMIT_MIX_MEMBERS ? make_mixer(k, c) : -TR_ELIMIT;

	if (!err)
		err = media_mixer_add(k->owner->media, k->mixer, c->stream);
	if (err)
		return err;
	k->present++;
	c->conference = k;
	buf_copy(c->rec.conference, sizeof(c->rec.conference), k->id);
	timer_stop(&k->owner->wheel, &k->alone);
	bridge_leave_brain(c);
	if (c->is_muted && set_role(c) != 0)
		log_warn("conference.not_muted", LOG_STR("call", c->rec.id));
	call_note(c, "in the conference %s", k->id);
	call_changed(c, "conference");

	return 0;
}

static bool may_enter(const struct call *c)
{
	return c->session && c->rec.state == CALL_UP && c->has_media && c->is_connected && !c->conference && !c->xfer && !c->park && !c->queue &&
	       !c->room && !c->supervises && !c->is_held_by_us && !recording_is_prompting(c);
}

int conference_add(struct conference *k, struct call *c)
{
	struct call *peer = c->peer;
	int err;

	if (!may_enter(c) || (peer && !may_enter(peer)))
		return -TR_ESTATE;
	if (k->present + k->ringing + (peer ? 2 : 1) > LIMIT_MIX_MEMBERS)
		return -TR_ELIMIT;
	err = enter(k, c);
	if (err || !peer)
		return err;
	c->peer = peer->peer = NULL;
	err = enter(k, peer);
	if (err)
		call_hangup(peer, CALL_END_US, "the conference could not be entered");

	return 0;
}

int conference_ring(struct conference *k, const char *target, bool is_muted)
{
	struct call_dial dial = {.ring_timeout_s = 0};
	struct call *by = NULL, *leg;
	int err;

	if (k->present + k->ringing == LIMIT_MIX_MEMBERS)
		return -TR_ELIMIT;
	list_each(&k->owner->live, struct call, link, c)
		if (c->conference == k && !c->rings_for_conference)
			by = c;
	if (!by)
		return -TR_ESTATE;
	err = call_dial_for(by, target, &dial, &leg);
	if (err)
		return err;
	leg->conference = k;
	leg->rings_for_conference = true;
	leg->is_muted = is_muted;
	k->ringing++;

	return 0;
}

void conference_on_leg_up(struct call *leg)
{
	struct conference *k = leg->conference;

	if (!k || !leg->rings_for_conference)
		return;
	leave(leg);
	if (enter(k, leg) != 0) {
		call_hangup(leg, CALL_END_US, "the conference could not be entered");
		look_who_is_left(k);
	}
}

void conference_on_over(struct call *c)
{
	struct conference *k = c->conference;

	if (!k)
		return;
	leave(c);
	look_who_is_left(k);
}

int conference_mute(struct conference *k, struct call *c, bool is_muted)
{
	int err;

	if (c->conference != k)
		return -TR_ENOTFOUND;
	if (c->is_muted == is_muted)
		return 0;
	c->is_muted = is_muted;
	err = c->rings_for_conference ? 0 : set_role(c);
	if (err) {
		c->is_muted = !is_muted;
		return err;
	}
	call_changed(c, "conference");

	return 0;
}

bool conference_has(const struct conference *k, const struct call *c)
{
	return c->conference == k;
}

int conference_remove(struct conference *k, struct call *c)
{
	if (c->conference != k)
		return -TR_ENOTFOUND;
	call_hangup(c, CALL_END_US, "taken out of the conference");

	return 0;
}

void conference_close(struct conference *k)
{
	struct calls *cs = k->owner;
	bool is_empty = !k->present && !k->ringing;

	/* The last of them frees it. */
	list_each(&cs->live, struct call, link, c)
		if (c->conference == k)
			call_hangup(c, CALL_END_US, "the conference was closed");
	if (is_empty)
		conference_free(k);
}

void conferences_done(struct calls *cs)
{
	list_each(&cs->live, struct call, link, c)
		c->conference = NULL;
	list_each(&cs->conferences, struct conference, link, k)
		conference_free(k);
}
