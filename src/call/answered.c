/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Who has answered our call, and what is done about it. The detector works on the media worker (turn/answer.h), the words come from the
 * agent thread; here they meet and become the plan's reaction.
 */
#define SCREENED_MS 45000 /* a screener has so long to put somebody through */

/* What the people on the line are told of it. */
static const char *words_of(enum answer_who who)
{
	static const char *const words[ANSWER_WHO_COUNT] = {"nobody yet", "a person", "a voicemail", "a call screener", "an automatic menu",
		"a fax machine", "the network: the number cannot be reached", "a busy tone", "silence"};

	return words[who];
}

static const struct call_reaction *reaction(const struct call *c)
{
	return &c->plan.detect->on[c->rec.who.who];
}

static bool is_watched(const struct call *c)
{
	return c->plan.detect && c->rec.is_outgoing &&
		(c->plan.brain == CALL_BRAIN_AGENT || c->plan.brain == CALL_BRAIN_PLAY);
}

bool answered_waits(const struct call *c)
{
	return is_watched(c);
}

/* Without the detector nobody would ever be let in: then the call goes as without detection. */
void answered_watch(struct call *c)
{
	int err = media_watch_start(c->owner->media, c->stream, media_plan_rate_hz(&c->media));

	c->rec.who.is_wanted = true;
	if (!err)
		return;
	log_warn("call.watch_failed", LOG_STR("call", c->rec.id), LOG_ERR(err));
	call_note(c, "who has answered is not looked after: %s", err_text(err));
	answered_begin(c);
}

static void did(struct call *c, const char *what)
{
	buf_copy(c->rec.who.did, sizeof(c->rec.who.did), what);
}

/* The agent begins, or the recording. */
void answered_begin(struct call *c)
{
	int err;

	if (c->has_begun)
		return;
	c->has_begun = true;
	did(c, "the agent began");
	recording_on_connect(c);
	if (c->plan.brain == CALL_BRAIN_PLAY) {
		c->wants_hangup_after_play = true;
		err = recording_is_prompting(c) ? 0 : brain_play_on(c);
	} else {
		err = agent_call_begin(c->owner->agent, c->handle);
	}
	if (err) {
		log_error("call.begin_failed", LOG_STR("call", c->rec.id), LOG_ERR(err));
		call_hangup(c, CALL_END_US, "the agent could not begin");
	}
}

static void leave(struct call *c, const char *text)
{
	if (c->plan.brain != CALL_BRAIN_AGENT || agent_call_leave(c->owner->agent, c->handle, text) == 0)
		return;
	log_error("call.message_failed", LOG_STR("call", c->rec.id));
	call_hangup(c, CALL_END_US, "the message could not be left");
}

static void hang_up(struct call *c)
{
	char why[200];
	const struct call_who *w = &c->rec.who;

	if (w->who == ANSWER_SIT)
		snprintf(why, sizeof(why), "the network announced that the number cannot be reached: %s", progress_sit_words(w->sit));
	else
		snprintf(why, sizeof(why), "answered by %s", words_of(w->who));
	did(c, "hung up");
	call_hangup(c, CALL_END_US, why);
}

/* ---- reactions --------------------------------------------------------------------------------------------------------------- */

static bool is_machine(enum answer_who who)
{
	return who == ANSWER_VOICEMAIL || who == ANSWER_SCREENING || who == ANSWER_IVR;
}

static void react(struct call *c, bool is_revised)
{
	const struct call_reaction *r = reaction(c);

	/* The screener is looking for a person: silence is what that sounds like. */
	if (c->was_screened && c->rec.who.who == ANSWER_SILENCE)
		return;
	/* What an agent already talks to, and what was a person for the configuration's purposes, stays with it. */
	if (c->has_begun && !(is_revised && is_machine(c->rec.who.who)))
		return;
	if (r->kind == CALL_REACT_HANG_UP) {
		hang_up(c);
	} else if (r->kind == CALL_REACT_AGENT) {
		/* Into a machine's words nobody speaks: its turn comes. */
		if (!is_machine(c->rec.who.who))
			answered_begin(c);
	} else if (is_machine(c->rec.who.who)) {
		if (c->has_begun)
			leave(c, "");
		c->has_begun = false;
	} else {
		did(c, "said the message");
		leave(c, r->say);
	}
}

static void our_turn(struct call *c, bool is_after_beep)
{
	const struct call_reaction *r = reaction(c);

	if (c->has_begun)
		return;
	call_note(c, is_after_beep ? "our turn: after the beep" : "our turn: it waits in silence");
	if (r->kind == CALL_REACT_AGENT) {
		answered_begin(c);
	} else if (r->kind == CALL_REACT_SAY) {
		did(c, "saying the message");
		leave(c, r->say);
	}
}

/* The message was said to its end. */
void answered_left(struct call *c, bool has_failed)
{
	if (!is_watched(c) || c->has_begun)
		return;
	if (has_failed) {
		did(c, "the message could not be said");
		call_hangup(c, CALL_END_US, "the message could not be said");
	} else if (c->rec.who.who == ANSWER_SCREENING) {
		did(c, "told the screener who calls");
		c->was_screened = true;
		c->rec.who.screened_at = c->rec.who.at;
		calls_timer(c->owner, &c->ring, SCREENED_MS);
		if (media_watch_hint(c->owner->media, c->stream, ANSWER_UNKNOWN) != 0)
			log_warn("call.watch_lost", LOG_STR("call", c->rec.id));
		call_changed(c, "who");
	} else {
		did(c, c->rec.who.who == ANSWER_VOICEMAIL ? "left the message" : "said the message");
		call_changed(c, "who");
		call_hangup(c, CALL_END_AGENT, c->rec.who.who == ANSWER_VOICEMAIL ? "a message was left on the voicemail" :
										     "the message was said");
	}
}

void answered_words(struct call *c, enum answer_who who, const char *text)
{
	if (!is_watched(c))
		return;
	buf_copy(c->rec.who.words, sizeof(c->rec.who.words), text);
	if (media_watch_hint(c->owner->media, c->stream, who) != 0)
		log_warn("call.words_lost", LOG_STR("call", c->rec.id));
}

/* The timer of an outgoing call that was answered: a screener did not put anybody through. */
void answered_expired(struct call *c)
{
	if (c->was_screened && !c->has_begun && c->session)
		call_hangup(c, CALL_END_US, "nobody came to the telephone after the call screener");
}

/* ---- what the worker tells ------------------------------------------------------------------------------------------------- */

static void on_verdict(struct call *c, const struct answer_event *ev)
{
	struct call_who *w = &c->rec.who;

	w->who = ev->who;
	w->confidence = ev->confidence;
	w->is_revised = ev->is_revised;
	w->at = ev->at_ms;
	w->speech_ms = ev->speech_ms;
	w->sit = ev->sit;
	call_note(c, "answered by %s%s (%u %%, %u ms after the answer)", words_of(ev->who), ev->is_revised ? " after all" : "",
		ev->confidence, ev->at_ms);
	call_changed(c, "who");
	react(c, ev->is_revised);
}

void answered_on_media(struct call *c, const struct answer_event *ev)
{
	if (!c->session || c->rec.state != CALL_UP || !is_watched(c))
		return;

	switch (ev->kind) {
	case ANSWER_EV_VERDICT:
		on_verdict(c, ev);
		break;
	case ANSWER_EV_RINGING:
		if (!c->rec.who.has_rung)
			call_note(c, "it still rings, in the audio");
		c->rec.who.has_rung = true;
		break;
	case ANSWER_EV_BEEP:
		c->rec.who.beep_at = ev->at_ms;
		c->rec.who.beep_ms = ev->length_ms;
		c->rec.who.beep_hz = ev->hz;
		call_note(c, "beep of %u Hz, %u ms", ev->hz, ev->length_ms);
		call_changed(c, "who");
		break;
	case ANSWER_EV_SPEAK:
		our_turn(c, ev->is_after_beep);
		break;
	}
}
