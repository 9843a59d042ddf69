/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/* Two legs of ours that talk with each other, like two telephones joined by an operator. */

void bridge_leave_brain(struct call *c)
{
	c->is_brain_dismissed = true;
	c->wants_brain = false;
	/* What it wanted to be kept secret is over with it; a recording would be silent for ever. */
	(void)!call_set_sensitive(c, CALL_SENSITIVE_AGENT, false);
	if (c->has_agent)
		brain_stop(c);
	if (media_play_stop(c->owner->media, c->stream) != 0)
		log_warn("call.play_not_stopped", LOG_STR("call", c->rec.id));
}

int bridge_join(struct call *a, struct call *b)
{
	int err = media_connect_streams(a->owner->media, a->stream, b->stream);

	if (err)
		return err;

	/* A supervisor of either call leaves with what was supervised. */
	room_on_over(a);
	room_on_over(b);
	park_on_joined(a);
	park_on_joined(b);
	queue_on_over(a);
	queue_on_over(b);
	a->peer = b;
	b->peer = a;
	bridge_leave_brain(a);
	bridge_leave_brain(b);
	call_note(a, "connected with %s", b->rec.to);
	call_note(b, "connected with %s", a->rec.is_outgoing ? a->rec.to : a->rec.from);
	buf_copy(a->rec.bridged_with, sizeof(a->rec.bridged_with), b->rec.id);
	buf_copy(b->rec.bridged_with, sizeof(b->rec.bridged_with), a->rec.id);
	call_changed(a, "bridged");
	call_changed(b, "bridged");

	return 0;
}

void bridge_on_over(struct call *c)
{
	struct call *peer = c->peer;

	if (!peer)
		return;
	c->peer = peer->peer = NULL;
	call_hangup(peer, CALL_END_PEER, "the other party hung up");
}

void bridge_digit(struct call *c, char digit)
{
	struct call *peer = c->peer;

	if (peer && media_send_dtmf(c->owner->media, peer->stream, span(&digit, 1), 0, false) != 0)
		log_warn("call.dtmf_dropped", LOG_STR("call", peer->rec.id));
}
