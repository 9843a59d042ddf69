/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Hold by us, RFC 3264 §8.4: the other side is asked to be silent (sendonly: we play music; inactive: nothing) and told to go on
 * later. What it hears changes at once, whatever becomes of the offer: a PBX that refuses a re-INVITE must not make the agent go on
 * talking to somebody who was promised to wait.
 */
static int offer(struct call *c, enum sdp_dir dir)
{
	struct sdp_body body;
	enum sdp_dir before = c->local.dir;

	c->local.dir = dir;

	int err = sdp_oa_offer(&c->oa, &c->local, &body);

	if (!err)
		err = sip_session_offer(c->session, sdp_body_span(&body), calls_now(c->owner));
	if (err) {
		sdp_oa_offer_refused(&c->oa);
		c->local.dir = before;
	}

	return err;
}

static int play(struct call *c, bool is_held)
{
	if (!c->plan.music)
		return 0;

	return is_held ? media_play_clip(c->owner->media, c->stream, c->plan.music, true, 0) : brain_play_on(c);
}

int call_hold(struct call *c, bool is_held)
{
	enum sdp_dir dir = !is_held ? SDP_SENDRECV : c->plan.music ? SDP_SENDONLY : SDP_INACTIVE;

	if (!c->session || c->rec.state != CALL_UP || c->is_held_by_us == is_held || c->park || c->queue || recording_is_prompting(c))
		return -TR_ESTATE;

	int err = offer(c, dir);

	if (err)
		return err;
	c->is_held_by_us = c->rec.is_held_by_us = is_held;
	if (play(c, is_held) != 0)
		log_warn("call.music_unheard", LOG_STR("call", c->rec.id));
	call_note(c, is_held ? "put on hold by us" : "taken off hold by us");
	brain_hold(c);
	call_changed(c, "hold");

	return 0;
}
