/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/caller.h"
#include "agent/caller_script.h"
#include "agent/voice.h"

enum { WAIT_MS = 700, PATIENCE_MS = 15000, LINGER_MS = 2500 };

struct caller {
	struct brain brain;
	struct brain_env env;
	const struct agent_caller_config *config;
	struct caller_line lines[LIMIT_SCRIPT_LINES];
	struct caller_script script;
	struct voice *voice;
	struct port_fault open_fault;
	bool is_speaking;
	uint32_t line; /* last said */
	bool is_answer_told;
	msec_t base_ms;
	bool has_base;
};

static int64_t now_us(const struct caller *c)
{
	return c->env.clock_us(c->env.clock_ctx);
}

static void emit(struct caller *c, struct agent_event ev)
{
	ev.call = c->env.call;
	c->env.on_event(c->env.event_ctx, &ev);
}

static void tell_line(struct caller *c, const char *text, bool is_final, bool are_digits)
{
	emit(c, (struct agent_event){
		.kind = AGENT_TRANSCRIPT,
		.transcript = {
			.who = AGENT_WHO_AGENT, /* this side's brain */
			.text = text,
			.is_final = is_final,
			.is_digits = are_digits,
			.confidence = 1,
			.at_us = now_us(c),
		},
	});
}

static void tell_answer(struct caller *c)
{
	const struct caller_heard *h = &c->script.heard;

	if (c->is_answer_told || !h->said_end_at)
		return;
	c->is_answer_told = true;
	emit(c, (struct agent_event){
		.kind = AGENT_HEARD,
		.heard = {
			.line = c->line,
			.said_us = h->said_at * 1000,
			.said_end_us = h->said_end_at * 1000,
			.answer_us = h->answer_at * 1000,
			.hushed_us = h->hushed_at * 1000,
		},
	});
}

static void fail(struct caller *c, const struct port_fault *fault)
{
	emit(c, (struct agent_event){
		.kind = AGENT_FAILED,
		.failure = {"tts", c->config->tts ? c->config->tts : "embedded", fault->err, fault->words, true},
	});
	emit(c, (struct agent_event){.kind = AGENT_HANG_UP, .reason = "the caller's voice failed"});
	c->script.state = CALLER_DONE;
}

/* "Five five five <600> one two three": what stands in brackets is a pause. */
static void say_with_pauses(struct caller *c, const char *text)
{
	for (struct span rest = span_z(text); rest.p;) {
		struct span words = span_trim(span_cut(&rest, '<')), mark = rest.p ? span_cut(&rest, '>') : rest;
		char *copy = words.n ? span_dup(words) : NULL;
		uint32_t ms;

		if (copy)
			(void)!voice_say(c->voice, copy, false);
		if (span_u32(mark, &ms))
			(void)!voice_pause(c->voice, ms);
		free(copy);
	}
}

static void say_line(struct caller *c, uint32_t line)
{
	const struct agent_caller_line *l = &c->config->lines[line];

	c->line = line;
	c->is_answer_told = false;
	if (l->digits) {
		tell_line(c, l->digits, true, true);
		caller_script_said(&c->script, now_us(c) / 1000);
		return;
	}
	tell_line(c, l->text, false, false);
	voice_begin(c->voice);
	say_with_pauses(c, l->text);
	voice_end(c->voice);
	c->is_speaking = true;
}

static void hear(struct caller *c, const struct media_up_frame *f)
{
	msec_t base = now_us(c) / 1000 - (msec_t)f->at * MEDIA_FRAME_MS;
	uint32_t line = 0;

	if (!c->has_base || base < c->base_ms)
		c->base_ms = base;
	c->has_base = true;

	switch (caller_script_frame(&c->script, f->flags & MEDIA_UP_IDLE ? 0 : f->speech,
		c->base_ms + (msec_t)f->at * MEDIA_FRAME_MS, &line)) {
	case CALLER_NOTHING:
		break;
	case CALLER_SAY:
		tell_answer(c);
		say_line(c, line);
		break;
	case CALLER_HANG_UP:
		tell_answer(c);
		emit(c, (struct agent_event){.kind = AGENT_HANG_UP, .reason = "the script is over"});
		break;
	}
}

static void tick(struct brain *b)
{
	struct caller *c = container_of(b, struct caller, brain);
	const struct media_up_frame *f;
	struct port_fault fault;

	while ((f = media_port_peek_up(c->env.port))) {
		hear(c, f);
		media_port_pop_up(c->env.port);
	}
	voice_tick(c->voice);
	if (voice_fault(c->voice, &fault))
		fail(c, &fault);
	if (c->is_speaking && !voice_is_active(c->voice)) {
		c->is_speaking = false;
		tell_line(c, c->config->lines[c->line].text, true, false);
		/* Synthesised speech ends in silence: the line ended before it, and that is when a person would start to wait. */
		caller_script_said(&c->script, now_us(c) / 1000 - voice_tail_ms(c->voice));
	}
	if (c->script.heard.answer_at)
		tell_answer(c);
}

static void start(struct brain *b)
{
	struct caller *c = container_of(b, struct caller, brain);
	const struct agent_caller_config *config = c->config;
	struct caller_script_params params = {
		.lines = c->lines,
		.line_count = MIN(config->line_count, LIMIT_SCRIPT_LINES),
		.patience_ms = config->patience_ms ? config->patience_ms : PATIENCE_MS,
		.linger_ms = config->linger_ms ? config->linger_ms : LINGER_MS,
	};

	for (uint32_t i = 0; i < params.line_count; i++)
		c->lines[i] = (struct caller_line){config->lines[i].interrupt_ms,
			config->lines[i].wait_ms ? config->lines[i].wait_ms : WAIT_MS};
	caller_script_init(&c->script, &params, now_us(c) / 1000);
	emit(c, (struct agent_event){.kind = AGENT_STARTED});
	if (c->open_fault.err)
		fail(c, &c->open_fault);
}

static void hold(struct brain *b)
{
	media_port_pause(container_of(b, struct caller, brain)->env.port);
}

static void resume(struct brain *b)
{
	media_port_resume(container_of(b, struct caller, brain)->env.port);
}

/* A script hears no keys, says nothing else and transfers nobody. */
static void ignore_dtmf(struct brain *b, char digit)
{
}

static void ignore_text(struct brain *b, const char *text)
{
}

static void free_caller(struct brain *b)
{
	struct caller *c = container_of(b, struct caller, brain);

	voice_close(c->voice);
	free(c);
}

static const struct brain_ops ops = {
	.start = start,
	.tick = tick,
	.dtmf = ignore_dtmf,
	.hold = hold,
	.resume = resume,
	.say = ignore_text,
	.transfer_failed = ignore_text,
	.free = free_caller,
};

int caller_new(struct brain **ret, const struct brain_env *env, const struct agent_caller_config *config)
{
	struct caller *c = calloc(1, sizeof(*c));
	const char *name = config->tts ? config->tts : "embedded";

	if (!c)
		return -ENOMEM;

	c->brain.ops = &ops;
	c->env = *env;
	c->config = config;

	struct voice_params params = {
		.port = env->port,
		.tts = agent_providers_tts(env->providers, name),
		.voice = config->voice,
		.language = config->language,
		.noise = config->noise,
		.clock_us = env->clock_us,
		.ctx = env->clock_ctx,
	};
	int err;

	if (!params.tts)
		port_fail(&c->open_fault, -TR_ENOTFOUND, "no such tts port");
	err = voice_open(&c->voice, &params, &c->open_fault);
	if (err && params.tts) {
		port_fail(&c->open_fault, err, "%s", c->open_fault.err ? c->open_fault.words : "cannot be opened");
		params.tts = NULL;
		err = voice_open(&c->voice, &params, NULL);
	}
	if (err) {
		free(c);
		return err;
	}
	*ret = &c->brain;

	return 0;
}
