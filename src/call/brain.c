/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"
#include <time.h>

/* ---- start, connect, stop -------------------------------------------------------------------------------------------- */

static int start_agent(struct call *c)
{
	struct calls *cs = c->owner;
	struct media_port_params pp = {.rate_hz = media_plan_rate_hz(&c->media), .bell = agent_bell(cs->agent)};
	struct agent_call_params ap = {.call = c->handle, .config = c->plan.agent, .caller = c->plan.caller};
	auto_free char *about = c->plan.agent ? about_call(&c->rec, c->plan.agent->instructions) : NULL;
	struct agent_config config;
	int err = media_port_new(&pp, &c->port);

	if (err)
		return err;

	if (about) {
		config = *c->plan.agent;
		config.instructions = about;
		ap.config = &config;
	}
	ap.port = c->port;
	ap.waits = answered_waits(c);
	ap.words_stt = c->plan.words_stt;
	err = agent_call_start(cs->agent, &ap);
	c->has_agent = !err;
	brain_hold(c); /* an INVITE may come with the caller on hold already */

	return err;
}

void brain_start(struct call *c)
{
	bool needs_agent = c->plan.brain == CALL_BRAIN_AGENT || c->plan.brain == CALL_BRAIN_CALLER;

	if (!needs_agent || c->has_agent || c->is_brain_dismissed)
		return;

	int err = start_agent(c);

	if (err) {
		log_error("agent.refused", LOG_STR("call", c->rec.id), LOG_ERR(err));
		call_hangup(c, CALL_END_US, "the agent could not be started");
	}
}

void brain_connect(struct call *c)
{
	struct media_engine *media = c->owner->media;
	int err = 0;

	if (c->is_connected)
		return;
	c->is_connected = true;
	recording_on_connect(c);
	switch (c->plan.brain) {
	case CALL_BRAIN_AGENT:
	case CALL_BRAIN_CALLER:
		err = c->port ? media_connect_port(media, c->stream, c->port) : 0;
		break;
	case CALL_BRAIN_ECHO:
		err = media_connect_echo(media, c->stream);
		break;
	case CALL_BRAIN_LEG:
		break;
	case CALL_BRAIN_PLAY:
		if (answered_waits(c))
			break;
		c->wants_hangup_after_play = true;
		err = recording_is_prompting(c) ? 0 : brain_play_on(c);
		break;
	}
	if (err) {
		log_error("call.connect_failed", LOG_STR("call", c->rec.id), LOG_ERR(err));
		call_hangup(c, CALL_END_US, "the audio could not be connected");
	} else if (answered_waits(c)) {
		answered_watch(c);
	}
}

int brain_play_on(struct call *c)
{
	if (c->plan.brain == CALL_BRAIN_PLAY)
		return media_play_clip(c->owner->media, c->stream, c->plan.clip, false, CALL_PLAY_BRAIN);

	return media_play_stop(c->owner->media, c->stream);
}

void brain_stop(struct call *c)
{
	c->is_stop_due = c->has_agent && agent_call_stop(c->owner->agent, c->handle) != 0;
}

bool brain_again(struct call *c)
{
	struct media_engine *media = c->owner->media;
	int err = 0;

	switch (c->plan.brain) {
	case CALL_BRAIN_AGENT:
		c->wants_brain = c->has_agent;
		if (c->has_agent)
			return true; /* once it has left */
		c->is_brain_dismissed = false;
		c->port = media_port_unref(c->port);
		brain_start(c);
		err = c->has_agent ? media_connect_port(media, c->stream, c->port) : 0;
		break;
	case CALL_BRAIN_ECHO:
		err = media_connect_echo(media, c->stream);
		break;
	case CALL_BRAIN_PLAY:
		break;
	default:
		return false;
	}
	if (!err)
		err = brain_play_on(c);
	if (err)
		call_hangup(c, CALL_END_US, "the audio could not be connected");

	return true;
}

void brain_play_waiting(struct call *c)
{
	int err = c->plan.music ? media_play_clip(c->owner->media, c->stream, c->plan.music, true, CALL_PLAY_WAITING) :
				  media_play_stop(c->owner->media, c->stream);

	if (err)
		log_warn("call.music_unheard", LOG_STR("call", c->rec.id), LOG_ERR(err));
}

bool brain_takes_back(struct call *c, const char *why)
{
	if (c->has_agent && !c->is_brain_dismissed) {
		if (brain_play_on(c) != 0)
			log_warn("call.play_not_stopped", LOG_STR("call", c->rec.id));
		return false;
	}
	/* A person who was joined is not there any more. */
	if (!brain_again(c))
		call_hangup(c, CALL_END_US, why);

	return true;
}

void brain_hold(struct call *c)
{
	bool is_held = c->rec.is_held || c->is_held_by_us || c->xfer || room_is_taken_over(c) || recording_is_prompting(c) || c->park ||
		       (c->queue && !queue_lets_agent_speak(c)) ||
		       (!c->is_connected && recording_will_prompt(c));

	if (!c->has_agent || !c->session || c->agent_is_held == is_held)
		return;

	int err = is_held ? agent_call_hold(c->owner->agent, c->handle) : agent_call_resume(c->owner->agent, c->handle);

	if (err)
		log_warn("agent.hold_late", LOG_STR("call", c->rec.id), LOG_ERR(err));
	else
		c->agent_is_held = is_held;
}

/* ---- from the agent thread ------------------------------------------------------------------------------------------- */

/* An event with its strings, on its way from the agent thread to the loop. */
struct note {
	struct agent_event ev;
	char text[];
};

/* The strings an event points to: where each pointer is. */
static size_t strings_of(struct agent_event *ev, const char **ret[4])
{
	size_t n = 0;

	switch (ev->kind) {
	case AGENT_TRANSCRIPT:
		ret[n++] = &ev->transcript.text;
		break;
	case AGENT_TRANSFER:
		ret[n++] = &ev->transfer.to;
		ret[n++] = &ev->transfer.reason;
		break;
	case AGENT_HANG_UP:
		ret[n++] = &ev->reason;
		break;
	case AGENT_WORDS:
		ret[n++] = &ev->words.text;
		break;
	case AGENT_FAILED:
		ret[n++] = &ev->failure.part;
		ret[n++] = &ev->failure.port;
		ret[n++] = &ev->failure.words;
		break;
	default:
		break;
	}

	return n;
}

static struct note *note_new(const struct agent_event *ev)
{
	struct agent_event copy = *ev;
	const char **at[4];
	size_t n = strings_of(&copy, at), bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += (*at[i] ? strlen(*at[i]) : 0) + 1;

	struct note *note = malloc(sizeof(*note) + bytes);

	if (!note)
		return NULL;
	note->ev = copy;
	strings_of(&note->ev, at);
	for (size_t i = 0, used = 0; i < n; i++) {
		size_t len = *at[i] ? strlen(*at[i]) : 0;

		memcpy(note->text + used, *at[i] ? *at[i] : "", len);
		note->text[used + len] = 0;
		*at[i] = note->text + used;
		used += len + 1;
	}

	return note;
}

/* What the loop would only throw away is most of all there is: a partial comes with every few frames of speech. */
static bool is_news(const struct agent_event *ev)
{
	return ev->kind != AGENT_STARTED && ev->kind != AGENT_HEARD && (ev->kind != AGENT_TRANSCRIPT || ev->transcript.is_final);
}

/* A lost STOPPED is made good by the calls' linger time; all that are lost are counted by the mailbox. */
void brain_post(void *ctx, const struct agent_event *ev)
{
	struct calls *cs = ctx;
	struct note *note = is_news(ev) ? note_new(ev) : NULL;

	if (note && mailbox_post(cs->agent_box, &note) != 0)
		free(note);
}

/* ---- on the loop --------------------------------------------------------------------------------------------------- */

/* What is said or pressed in a sensitive part, as it is kept: no word of the caller, and no digit of the agent, who may read them back. */
static void hide_said(char *text, bool hides_words)
{
	for (char *p = text; *p; p++)
		if (*p != ' ' && (hides_words || strchr("0123456789*#ABCD", *p)))
			*p = '*';
}

static void on_transcript(struct call *c, const struct agent_transcript *t)
{
	struct call_line line = {.who = t->who == AGENT_WHO_CALLER ? CALL_SAYS_CALLER : CALL_SAYS_AGENT,
		.at = call_record_ms(&c->rec, t->at_us), .end = call_record_ms(&c->rec, t->end_us),
		.is_interrupted = t->is_interrupted, .is_digits = t->is_digits, .confidence = t->confidence};
	auto_free char *text = strdup(t->text);

	if (c->plan.brain == CALL_BRAIN_CALLER && t->is_digits && call_send_dtmf(c, t->text, CALL_DTMF_AUTO) != 0)
		log_warn("call.dtmf_not_sent", LOG_STR("call", c->rec.id));
	if (text && call_is_sensitive(c))
		hide_said(text, line.who == CALL_SAYS_CALLER && !t->is_digits);
	if (line.who == CALL_SAYS_AGENT)
		queue_on_said(c);
	line.text = text;
	if (text && call_record_say(&c->rec, &line))
		call_changed(c, "said");
}

static void on_transfer(struct call *c, const struct agent_transfer *t)
{
	const char *targets[LIMIT_CALL_XFER_TARGETS + 1];
	struct call_xfer_params p = {.mode = c->plan.transfer.mode, .waiting = c->plan.transfer.waiting, .ring_s = c->plan.transfer.ring_s,
		.targets = targets};

	/* Whom the mind named comes first; those of the configuration are still better than nobody. */
	if (t->to[0])
		targets[p.target_count++] = t->to;
	for (size_t i = 0; i < c->plan.transfer.target_count && p.target_count < LIMIT_CALL_XFER_TARGETS; i++)
		if (!p.target_count || strcmp(targets[0], c->plan.transfer.targets[i]) != 0)
			targets[p.target_count++] = c->plan.transfer.targets[i];

	int err = p.target_count ? call_xfer(c, &p) : -TR_ENOTFOUND;

	if (!err)
		return;

	const char *why = p.target_count ? err_text(err) : "nobody is configured to take the call";

	call_note(c, "transfer not possible: %s", why);
	if (t->is_failure)
		call_hangup(c, CALL_END_AGENT, "the agent failed and there is nobody to transfer to");
	else if (agent_call_transfer_failed(c->owner->agent, c->handle, why) != 0)
		log_warn("agent.message_lost", LOG_STR("call", c->rec.id));
}

static void on_failed(struct call *c, const struct agent_failure *f)
{
	log_error("agent.failed", LOG_STR("call", c->rec.id), LOG_STR("part", f->part), LOG_STR("port", f->port), LOG_ERR(f->err),
		LOG_STR("words", f->words), LOG_INT("fatal", f->is_fatal));
	call_note(c, "%s %s failed: %s", f->part, f->port, f->words);
}

/* By itself, when it could not begin: nobody would ever speak on this call again. */
static void on_stopped(struct call *c)
{
	c->has_agent = c->agent_is_held = false;
	(void)!call_set_sensitive(c, CALL_SENSITIVE_AGENT, false);
	if (c->wants_brain && c->session && c->rec.state == CALL_UP) {
		(void)brain_again(c);
		return;
	}
	if (c->session && !c->is_brain_dismissed && !c->owner->is_closing)
		call_hangup(c, CALL_END_US, "the agent stopped");
	call_retire_if_done(c);
}

static void on_agent_event(struct call *c, const struct agent_event *ev)
{
	char why[200];

	switch (ev->kind) {
	case AGENT_TRANSCRIPT:
		on_transcript(c, &ev->transcript);
		break;
	case AGENT_TURN:
		call_record_turn(&c->rec, &ev->turn);
		call_changed(c, "turn");
		break;
	case AGENT_INTERRUPT:
		call_record_interrupt(&c->rec, &ev->interrupt);
		call_changed(c, "interrupt");
		break;
	case AGENT_TRANSFER:
		on_transfer(c, &ev->transfer);
		break;
	case AGENT_SENSITIVE:
		if (call_set_sensitive(c, CALL_SENSITIVE_AGENT, ev->is_on) != 0)
			log_debug("call.sensitive_late", LOG_STR("call", c->rec.id));
		break;
	case AGENT_HANG_UP:
		snprintf(why, sizeof(why), "the %s ended the call%s%s", c->plan.brain == CALL_BRAIN_CALLER ? "caller" : "agent",
			ev->reason[0] ? ": " : "", ev->reason);
		call_hangup(c, c->plan.brain == CALL_BRAIN_CALLER ? CALL_END_CALLER : CALL_END_AGENT, why);
		break;
	case AGENT_FAILED:
		on_failed(c, &ev->failure);
		break;
	case AGENT_WORDS:
		answered_words(c, ev->words.who, ev->words.text);
		break;
	case AGENT_LEFT:
		answered_left(c, ev->has_failed);
		break;
	case AGENT_STOPPED:
		on_stopped(c);
		break;
	default:
		break;
	}
}

void brain_drain(struct calls *cs)
{
	struct note *note;

	while (mailbox_take(cs->agent_box, &note)) {
		struct call *c = call_by_handle(cs, note->ev.call);

		if (c)
			on_agent_event(c, &note->ev);
		free(note);
	}
}
