/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * A supervisor on a call. As soon as the supervisor's own leg is up, caller, agent or human, and supervisor meet in a mixer, where roles
 * say who hears whom; when the supervisor leaves, the others are joined as before.
 */
enum { CALLER = 1, HUMAN = 2, AGENT = 4, SUPERVISOR = 8 };

struct room {
	struct call *caller;	 /* the call that is supervised */
	uint64_t supervisor;	 /* handle of the leg */
	enum call_supervision mode;
	struct media_id mixer;
	bool is_open;
};

const char *call_supervision_name(enum call_supervision mode)
{
	static const char *const names[] = {"listen", "whisper_agent", "whisper_human", "barge", "take_over"};

	return names[mode];
}

static uint8_t speaks_to(enum call_supervision mode)
{
	static const uint8_t to[] = {0, AGENT, HUMAN, MEDIA_MIX_ALL, MEDIA_MIX_ALL};

	return to[mode];
}

/* ---- the mixer ------------------------------------------------------------------------------------------------------- */

static int enter(struct room *room, const struct call *c, uint8_t groups, uint8_t to)
{
	struct media_engine *media = c->owner->media;
	int err = media_mixer_add(media, room->mixer, c->stream);

	return err ? err : media_mixer_set_role(media, room->mixer, c->stream, (struct media_mix_role){groups, to});
}

static int enter_agent(struct room *room)
{
	struct call *c = room->caller;
	struct media_engine *media = c->owner->media;
	int err = media_mixer_add_port(media, room->mixer, c->port);

	return err ? err : media_mixer_set_port_role(media, room->mixer, c->port, (struct media_mix_role){AGENT, MEDIA_MIX_ALL});
}

static int open_room(struct room *room, struct call *supervisor)
{
	struct call *c = room->caller;
	struct media_engine *media = c->owner->media;
	bool has_agent = c->has_agent && c->port && !c->peer;
	int rate_hz = has_agent ? media_port_rate_hz(c->port) : media_plan_rate_hz(&c->media);
	int err = media_mixer_new(media, rate_hz, &room->mixer);

	if (err)
		return err;
	room->is_open = true;
	err = enter(room, c, CALLER, MEDIA_MIX_ALL);
	if (!err && c->peer)
		err = enter(room, c->peer, HUMAN, MEDIA_MIX_ALL);
	if (!err && has_agent)
		err = enter_agent(room);
	if (!err)
		err = enter(room, supervisor, SUPERVISOR, speaks_to(room->mode));

	return err;
}

/* The others talk on as before. */
static void close_room(struct room *room)
{
	struct call *c = room->caller;
	struct media_engine *media = c->owner->media;
	int err = 0;

	if (!room->is_open)
		return;
	if (media_mixer_free(media, room->mixer) != 0)
		log_warn("call.mixer_kept", LOG_STR("call", c->rec.id));
	if (c->session && c->peer)
		err = media_connect_streams(media, c->stream, c->peer->stream);
	else if (c->session && c->has_agent && c->port)
		err = media_connect_port(media, c->stream, c->port);
	if (err)
		log_error("call.not_rejoined", LOG_STR("call", c->rec.id), LOG_ERR(err));
}

/* ---- the supervisor -------------------------------------------------------------------------------------------------- */

static struct room *room_free(struct room *room)
{
	close_room(room);
	room->caller->room = NULL;
	brain_hold(room->caller);
	free(room);

	return NULL;
}

static int switch_mode(struct call *c, enum call_supervision mode)
{
	struct room *room = c->room;
	struct call *supervisor = call_by_handle(c->owner, room->supervisor);

	room->mode = mode;
	if (!room->is_open || !supervisor)
		return 0;

	int err = media_mixer_set_role(c->owner->media, room->mixer, supervisor->stream, (struct media_mix_role){SUPERVISOR, speaks_to(mode)});

	if (err)
		return err;
	call_note(c, "the supervisor's mode: %s", call_supervision_name(mode));
	brain_hold(c);
	call_changed(c, "supervision");

	return 0;
}

int call_supervise(struct call *c, const char *target, enum call_supervision mode)
{
	struct call_dial dial = {.supervises = c->handle};
	struct call *leg;

	if (!c->session || c->rec.state != CALL_UP || c->park || c->queue || c->conference)
		return -TR_ESTATE;
	if (c->room)
		return target && target[0] ? -TR_ESTATE : switch_mode(c, mode);
	if (!target || !target[0])
		return -EINVAL;

	c->room = mem_zalloc(sizeof(*c->room));
	*c->room = (struct room){.caller = c, .mode = mode};

	int err = call_dial_for(c, target, &dial, &leg);

	if (err) {
		room_free(c->room);
		return err;
	}
	c->room->supervisor = leg->handle;

	return 0;
}

bool room_is_taken_over(const struct call *c)
{
	return c->room && c->room->is_open && c->room->mode == CALL_SUPERVISE_TAKE_OVER;
}

static struct room *supervised_by(const struct call *leg)
{
	struct call *c = leg->supervises ? call_by_handle(leg->owner, leg->supervises) : NULL;

	return c && c->room && c->room->supervisor == leg->handle ? c->room : NULL;
}

void room_on_leg_up(struct call *leg)
{
	struct room *room = supervised_by(leg);
	int err = room ? open_room(room, leg) : 0;

	if (!room)
		return;
	if (err) {
		call_note(room->caller, "the supervisor could not join: %s", err_text(err));
		call_hangup(leg, CALL_END_US, "the conference could not be made");
		return;
	}
	call_note(room->caller, "a supervisor joined: %s", call_supervision_name(room->mode));
	brain_hold(room->caller);
	call_changed(room->caller, "supervision");
}

void room_on_over(struct call *c)
{
	struct room *room = supervised_by(c);
	struct call *leg;

	if (room) {
		call_note(room->caller, "the supervisor left");
		room_free(room);
		return;
	}
	if (!c->room)
		return;
	leg = call_by_handle(c->owner, c->room->supervisor);
	room_free(c->room);
	if (leg)
		call_hangup(leg, CALL_END_PEER, "the call that was supervised ended");
}
