/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * The recording of a call: from the beginning when its agent says so, later as somebody wants it. What needs consent is announced first.
 *
 *	OFF ──start──▶ PROMPT ──said──▶ ON ◀──resume/pause──▶ PAUSED
 *	 ▲               │              │                       │
 *	 └──── stop ─────┴──────────────┴───────────────────────┘
 *
 * Each start has a file of its own. A pause is silence, not a cut: what is said later stays where the transcript has it, and everybody can
 * see how long nothing was recorded.
 */
static void set_state(struct call *c, enum call_recording state)
{
	if (c->rec.recording_state == state)
		return;
	c->rec.recording_state = state;
	brain_hold(c);
	call_changed(c, "recording");
}

bool recording_is_prompting(const struct call *c)
{
	return c->rec.recording_state == CALL_RECORDING_PROMPT;
}

static void not_recorded(struct call *c, int err)
{
	c->owner->recording.failed++;
	call_note(c, "the recording could not be started: %s", err_text(err));
	set_state(c, CALL_RECORDING_OFF);
	brain_hold(c);
}

void recording_pause_now(struct call *c)
{
	bool is_paused = c->rec.recording_state == CALL_RECORDING_PAUSED || call_is_sensitive(c);

	if (c->has_stream && media_record_pause(c->owner->media, c->stream, is_paused) != 0)
		log_error("call.recording_not_paused", LOG_STR("call", c->rec.id));
}

/* The next file. */
static int begin(struct call *c)
{
	struct call_record *r = &c->rec;
	char path[sizeof(r->recording)];
	int err = 0;

	if (r->recordings == LIMIT_CALL_RECORDINGS)
		err = -TR_ELIMIT;
	if (!err && !r->recordings)
		err = buf_format(r->recording, sizeof(r->recording), "%s/%s.wav", c->plan.record_dir, r->id);
	if (!err)
		err = call_record_path(r, r->recordings + 1, path, sizeof(path));
	if (!err)
		err = media_record_start(c->owner->media, c->stream, path, r->recordings + 1);
	if (err) {
		if (!r->recordings)
			r->recording[0] = 0;
		not_recorded(c, err);
		return err;
	}
	r->recordings++;
	c->files_open++;
	set_state(c, CALL_RECORDING_ON);
	recording_pause_now(c);

	return 0;
}

/* ---- consent ------------------------------------------------------------------------------------------------------------- */

/* Whoever talks with the caller without an agent of ours hears it too. */
static int ask_consent(struct call *c)
{
	struct media_engine *media = c->owner->media;
	int err = media_play_clip(media, c->stream, c->plan.consent, false, CALL_PLAY_CONSENT);

	if (!err && c->peer)
		err = media_play_clip(media, c->peer->stream, c->plan.consent, false, CALL_PLAY_CONSENT);
	if (err) {
		not_recorded(c, err);
		return err;
	}
	set_state(c, CALL_RECORDING_PROMPT);

	return 0;
}

void recording_prompt_said(struct call *c)
{
	if (!recording_is_prompting(c))
		return;
	c->has_consented = true;
	call_note(c, "the caller was told of the recording");
	(void)!begin(c);
	if (c->plan.brain == CALL_BRAIN_PLAY && !c->peer && brain_play_on(c) != 0)
		call_hangup(c, CALL_END_US, "the audio could not be connected");
}

static int start(struct call *c)
{
	return c->plan.consent && !c->has_consented ? ask_consent(c) : begin(c);
}

/* ---- by itself ----------------------------------------------------------------------------------------------------------- */

/* Nobody is asked into a machine's ear: a call that looks after who answers waits for the agent's turn. */
void recording_on_connect(struct call *c)
{
	if (c->plan.does_record && c->rec.recording_state == CALL_RECORDING_OFF && !c->rec.recordings &&
		!(c->plan.consent && answered_waits(c) && !c->has_begun))
		(void)!start(c);
}

bool recording_will_prompt(const struct call *c)
{
	return c->plan.does_record && c->plan.consent && !c->has_consented && !c->rec.recordings && !answered_waits(c);
}

/* ---- what people want ------------------------------------------------------------------------------------------------------ */

int call_recording_start(struct call *c)
{
	if (!c->session || c->rec.state != CALL_UP || !c->is_connected || c->rec.recording_state != CALL_RECORDING_OFF ||
		c->is_held_by_us)
		return -TR_ESTATE;
	if (!c->plan.record_dir)
		return -TR_EUNSUPP;
	if (c->rec.recordings == LIMIT_CALL_RECORDINGS)
		return -TR_ELIMIT;

	return start(c);
}

int call_recording_stop(struct call *c)
{
	int err = 0;

	if (c->rec.recording_state == CALL_RECORDING_OFF)
		return -TR_ESTATE;
	if (!recording_is_prompting(c))
		err = media_record_stop(c->owner->media, c->stream);
	else if (brain_play_on(c) != 0 || (c->peer && media_play_stop(c->owner->media, c->peer->stream) != 0))
		log_warn("call.play_not_stopped", LOG_STR("call", c->rec.id));
	if (err)
		return err;
	call_note(c, "the recording was stopped");
	set_state(c, CALL_RECORDING_OFF);

	return 0;
}

int call_recording_pause(struct call *c, bool is_paused)
{
	enum call_recording from = is_paused ? CALL_RECORDING_ON : CALL_RECORDING_PAUSED;
	int err;

	if (c->rec.recording_state != from)
		return -TR_ESTATE;
	err = media_record_pause(c->owner->media, c->stream, is_paused || call_is_sensitive(c));
	if (err)
		return err;
	call_note(c, is_paused ? "the recording is paused" : "the recording goes on");
	set_state(c, is_paused ? CALL_RECORDING_PAUSED : CALL_RECORDING_ON);

	return 0;
}

/* ---- what the recorder tells --------------------------------------------------------------------------------------------- */

static void mark_failing(struct call *c, bool is_failing, int err)
{
	struct calls_recording *all = &c->owner->recording;

	if (c->is_recording_failing == is_failing)
		return;
	c->is_recording_failing = is_failing;
	all->failing += is_failing ? 1 : -1;
	if (is_failing)
		all->last_err = err;
}

static void on_done(struct call *c, const struct media_event *ev)
{
	struct calls_recording *all = &c->owner->recording;
	struct call_record *r = &c->rec;

	c->files_open--;
	mark_failing(c, false, 0);
	all->lost_frames += ev->record.lost_frames;
	r->recording_lost_ms += (uint32_t)ev->record.lost_frames * MEDIA_FRAME_MS;
	if (ev->record.err) {
		all->failed++;
		call_note(c, "the recording failed: %s", err_text(ev->record.err));
	} else {
		all->done++;
		r->recorded |= 1u << (ev->record.id - 1);
		r->is_recorded = r->recorded & 1;
	}
	if (ev->record.lost_frames && !ev->record.err)
		call_note(c, "%" PRIu64 " ms of the recording could not be written", ev->record.lost_frames * MEDIA_FRAME_MS);
	call_changed(c, "recording");
	call_retire_if_done(c);
}

void recording_on_media(struct call *c, const struct media_event *ev)
{
	switch (ev->type) {
	case MEDIA_EV_RECORD_FAILED:
		mark_failing(c, true, ev->record.err);
		call_note(c, "the recording cannot be written: %s", err_text(ev->record.err));
		break;
	case MEDIA_EV_RECORD_RESUMED:
		mark_failing(c, false, 0);
		call_note(c, "the recording is written again");
		break;
	case MEDIA_EV_RECORD_DONE:
		on_done(c, ev);
		break;
	default:
		break;
	}
}

/* The stream is gone, and the recorder closes the file by itself. */
void recording_on_over(struct call *c)
{
	c->rec.recording_state = CALL_RECORDING_OFF;
}

struct calls_recording calls_recording(const struct calls *cs)
{
	return cs->recording;
}
