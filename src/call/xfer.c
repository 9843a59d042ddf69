/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * A caller on the way to somebody else, one target after the other, and never lost: whatever a target does, the next is tried, and
 * after the last the caller is with the agent again.
 *
 *	                 ┌──────────────── next target ◀───────────────┐
 *	                 ▼                                             │ refused, busy, silent, gone
 *	blind:     REFERRING ──2xx by NOTIFY or BYE──▶ done            │
 *	attended:  RINGING ──answered──▶ HANDING ──2xx──▶ done         │
 *	                                   └── refused: joined by us   │
 *	bridge:    RINGING ──answered──▶ joined by us                  │
 *	none left: back to the agent, which is told why ◀──────────────┘
 *
 * The state belongs to the caller's leg; the leg to the target (RINGING, HANDING) is a call of its own that knows whom it serves.
 */
enum xfer_state { REFERRING, RINGING, HANDING };

struct xfer {
	struct call *call;
	enum xfer_state state;
	enum call_xfer_mode mode;
	enum call_waiting waiting;
	uint32_t ring_s;
	size_t at, count;
	char *targets[LIMIT_CALL_XFER_TARGETS];
	uint64_t leg; /* handle of the leg to the target; 0: none */
	struct timer patience;
	char why[160]; /* the last failure */
	bool was_heard; /* the caller hears the target's own early audio */
};

enum {
	RING_S = 30,
	NOTIFY_MS = 60000, /* a REFER that was taken and never reported on: RFC 3515 §2.4.4 gives no time, people give less */
};

static void try_target(struct xfer *x);

static struct call *leg_of(struct xfer *x)
{
	return x->leg ? call_by_handle(x->call->owner, x->leg) : NULL;
}

static struct xfer *xfer_free(struct xfer *x)
{
	timer_stop(&x->call->owner->wheel, &x->patience);
	for (size_t i = 0; i < x->count; i++)
		free(x->targets[i]);
	x->call->xfer = NULL;
	free(x);

	return NULL;
}

/* ---- what the caller hears meanwhile --------------------------------------------------------------------------------- */

static void let_wait(struct xfer *x)
{
	struct call *c = x->call;
	int err = 0;

	if (x->waiting == CALL_WAITING_MUSIC && c->plan.music)
		err = media_play_clip(c->owner->media, c->stream, c->plan.music, true, 0);
	else if (x->waiting != CALL_WAITING_SILENCE)
		err = media_play_tone(c->owner->media, c->stream, tone_spec(TONE_RINGBACK, TONE_EU), 0);
	if (err)
		log_warn("call.waiting_unheard", LOG_STR("call", c->rec.id), LOG_ERR(err));
}

static void end_wait(struct xfer *x)
{
	if (brain_play_on(x->call) != 0)
		log_warn("call.play_not_stopped", LOG_STR("call", x->call->rec.id));
}

/* Back from the target's early audio to whoever spoke before. */
static void unhear(struct xfer *x)
{
	struct call *c = x->call;

	if (x->was_heard && c->port && media_connect_port(c->owner->media, c->stream, c->port) != 0)
		log_warn("call.port_lost", LOG_STR("call", c->rec.id));
	x->was_heard = false;
}

/* ---- outcomes -------------------------------------------------------------------------------------------------------- */

/* Takes the caller back to whoever spoke before, who learns why. */
static void give_back(struct xfer *x)
{
	struct call *c = x->call;
	char why[sizeof(x->why)];

	buf_copy(why, sizeof(why), x->why);
	if (x->mode != CALL_XFER_BLIND)
		end_wait(x);
	unhear(x);
	xfer_free(x);
	call_transfer_failed(c, why);
}

static void next_target(struct xfer *x, const char *why)
{
	struct call *c = x->call;

	timer_stop(&c->owner->wheel, &x->patience);
	x->leg = 0;
	buf_copy(x->why, sizeof(x->why), why);
	call_note(c, "transfer to %s failed: %s", x->targets[x->at], why);
	if (++x->at < x->count)
		try_target(x);
	else
		give_back(x);
}

static void joined(struct xfer *x, struct call *leg)
{
	struct call *c = x->call;

	end_wait(x);
	leg->serves = 0;
	xfer_free(x);
	call_transferred(c, leg);
}

/* ---- trying ---------------------------------------------------------------------------------------------------------- */

static void on_patience(struct timer *t, msec_t now)
{
	struct xfer *x = container_of(t, struct xfer, patience);
	struct call *leg = leg_of(x);

	if (x->state == REFERRING) {
		next_target(x, "the other side took the transfer and never said what became of it");
		return;
	}
	if (x->state == HANDING && leg) {
		joined(x, leg);
		return;
	}
	if (leg) {
		leg->serves = 0;
		call_hangup(leg, CALL_END_US, "nobody answered in time");
	}
	next_target(x, "nobody answered");
}

static int refer(struct xfer *x, const char *target)
{
	int err = call_refer(x->call, target, NULL);

	if (err)
		return err;
	x->state = REFERRING;
	calls_timer(x->call->owner, &x->patience, NOTIFY_MS);

	return 0;
}

static int ring(struct xfer *x, const char *target)
{
	struct call *c = x->call, *leg;
	struct call_dial dial = {.ring_timeout_s = x->ring_s, .serves = c->handle};
	int err = call_dial_for(c, target, &dial, &leg);

	if (err)
		return err;
	x->leg = leg->handle;
	x->state = RINGING;
	let_wait(x);
	calls_timer(c->owner, &x->patience, x->ring_s * 1000 + 2000); /* the INVITE's own time comes first */

	return 0;
}

static void try_target(struct xfer *x)
{
	const char *target = x->targets[x->at];
	int err = x->mode == CALL_XFER_BLIND ? refer(x, target) : ring(x, target);

	if (!err) {
		call_note(x->call, "transfer to %s asked for", target);
		call_changed(x->call, "transfer");
		return;
	}
	next_target(x, err_text(err));
}

int call_xfer(struct call *c, const struct call_xfer_params *params)
{
	static const char in_line[] = "queue:";
	const char *first = params->target_count ? params->targets[0] : "";

	if (c->park || c->queue)
		return -TR_ESTATE;

	return strncmp(first, in_line, strlen(in_line)) ? xfer_begin(c, params) : call_enqueue(c, first + strlen(in_line));
}

int xfer_begin(struct call *c, const struct call_xfer_params *params)
{
	if (!c->session || c->rec.state != CALL_UP || c->xfer || c->peer || c->conference || recording_is_prompting(c))
		return -TR_ESTATE;
	if (!params->target_count || params->target_count > LIMIT_CALL_XFER_TARGETS)
		return -EINVAL;

	struct xfer *x = mem_zalloc(sizeof(*x));

	*x = (struct xfer){.call = c, .mode = params->mode, .waiting = params->waiting, .count = params->target_count,
		.ring_s = params->ring_s ? params->ring_s : RING_S};
	timer_init(&x->patience, on_patience);
	for (size_t i = 0; i < x->count; i++)
		x->targets[i] = mem_strdup(params->targets[i]);
	c->xfer = x;
	call_transferring(c);
	try_target(x);

	return 0;
}

/* ---- news of the caller's own leg ------------------------------------------------------------------------------------ */

void xfer_on_refer(struct call *c, int status, bool is_final, struct span reason)
{
	struct xfer *x = c->xfer;

	if (!x || (x->state != REFERRING && x->state != HANDING))
		return;
	call_note(c, "transfer: %d %.*s", status, SPAN_FMT(reason));
	if (is_final && status >= 200 && status < 300) {
		struct call *leg = leg_of(x);

		if (leg) {
			leg->serves = 0;
			call_hangup(leg, CALL_END_TRANSFERRED, "the caller was put through");
		}
		xfer_free(x);
		call_hangup(c, CALL_END_TRANSFERRED, "the caller was transferred");
		return;
	}
	if (status < 300 && !is_final)
		return;
	if (x->state == HANDING) {
		struct call *leg = leg_of(x);

		if (leg)
			joined(x, leg);
		else
			next_target(x, "the target hung up");
		return;
	}
	next_target(x, call_status_words(status).meaning);
}

void xfer_on_over(struct call *c)
{
	struct xfer *x = c->xfer;
	struct call *leg = x ? leg_of(x) : NULL;

	if (leg) {
		leg->serves = 0;
		call_hangup(leg, CALL_END_PEER, "the caller hung up");
	}
	if (x)
		xfer_free(x);
}

/* ---- news of the leg to the target ----------------------------------------------------------------------------------- */

static struct xfer *served_by(const struct call *leg)
{
	struct call *c = leg->serves ? call_by_handle(leg->owner, leg->serves) : NULL;

	return c && c->xfer && c->xfer->leg == leg->handle ? c->xfer : NULL;
}

/* What the target's exchange plays (ringing of its own, an announcement) is better than our tone. */
void xfer_on_leg_media(struct call *leg)
{
	struct xfer *x = served_by(leg);

	if (!x || x->state != RINGING || x->was_heard)
		return;
	x->was_heard = media_connect_streams(leg->owner->media, x->call->stream, leg->stream) == 0;
	if (x->was_heard)
		end_wait(x);
}

void xfer_on_leg_up(struct call *leg)
{
	struct xfer *x = served_by(leg);

	if (!x)
		return;
	timer_stop(&leg->owner->wheel, &x->patience);
	if (x->mode == CALL_XFER_ATTENDED && call_refer(x->call, NULL, leg->session) == 0) {
		x->state = HANDING;
		calls_timer(leg->owner, &x->patience, NOTIFY_MS);
		return;
	}
	joined(x, leg);
}

void xfer_on_leg_over(struct call *leg)
{
	struct xfer *x = served_by(leg);

	if (!x)
		return;
	leg->serves = 0;
	/* A target that took the call by Replaces ends this leg before its NOTIFY comes. */
	if (x->state == HANDING) {
		x->leg = 0;
		return;
	}
	unhear(x);
	next_target(x, leg->rec.cause[0] ? leg->rec.cause : "the target is gone");
}
