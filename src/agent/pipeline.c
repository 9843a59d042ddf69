/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"

/* The caller's side: frames and words to the turn machine, and its decisions carried out. */

#define SO_FAR_CONFIDENCE 0.5F /* of words whose final did not come: worth a read-back */

enum {
	FRAMES_A_TICK = 64,  /* more than the ring holds by default */
	NO_FRAMES_MS = 60,   /* the caller's audio stopped: time-outs run on our clock */
	LLM_TIMEOUT_MS = 10000,
	BASE_STEP_FRAMES = 500, /* the frames' clock may drift by 1 ms in so many frames: 100 ppm */
};

int64_t pipeline_now_us(const struct pipeline *p)
{
	return p->env.clock_us(p->env.clock_ctx);
}

/* For the turn machine: never goes back, though frames are told with the time they were heard. */
msec_t pipeline_now(struct pipeline *p)
{
	p->turn_now = MAX(p->turn_now, pipeline_now_us(p) / 1000);

	return p->turn_now;
}

/* ---- decisions --------------------------------------------------------------------------------------------------------------- */

static void end_of_turn(struct pipeline *p, const struct turn_out *out)
{
	p->m = (struct agent_turn_metrics){
		.reason = out->reason,
		.speech_end_us = out->speech_end_at * 1000,
		.endpoint_us = pipeline_now_us(p),
	};
	ears_end(p->ears);
}

/* A machine that is overloaded, or a network: the final is not there in time, but words are. They may lack the last one. */
static void take_words_so_far(struct pipeline *p)
{
	ears_cancel(p->ears);
	p->confidence = SO_FAR_CONFIDENCE;
	free(p->said);
	p->said = p->so_far;
	p->so_far = NULL;
	pipeline_tell_caller_said(p, p->said, true);
	pipeline_ask(p, LLM_ON_TEXT, p->said);
}

static void take_turn(struct pipeline *p, const struct turn_out *out)
{
	if (out->reason == TURN_BY_TIMEOUT && p->so_far && *p->so_far) {
		take_words_so_far(p);
		return;
	}
	if (out->reason == TURN_BY_TIMEOUT) {
		ears_cancel(p->ears);
		pipeline_fail(p, &(struct agent_failure){
			.part = "stt",
			.port = p->config->stt ? p->config->stt : "embedded",
			.err = -TR_ETIMEDOUT,
			.words = "the recogniser does not answer",
		});
		return;
	}
	if (out->reason == TURN_BY_NO_WORDS)
		p->confidence = 0;
	pipeline_ask(p, LLM_ON_TEXT, out->reason == TURN_BY_WORDS && p->said ? p->said : "");
}

static void take_digits(struct pipeline *p)
{
	pipeline_emit(p, (struct agent_event){
		.kind = AGENT_TRANSCRIPT,
		.transcript = {
			.who = AGENT_WHO_CALLER,
			.text = p->digits,
			.is_final = true,
			.is_digits = true,
			.confidence = 1,
			.at_us = pipeline_now_us(p),
		},
	});
	pipeline_ask(p, LLM_ON_DTMF, p->digits);
	p->digits[0] = '\0';
}

/* It was heard as a nod, and nothing was said after it: now it is a turn. */
static void take_nod(struct pipeline *p)
{
	auto_free char *text = p->nod;

	p->nod = NULL;
	p->confidence = 1;
	pipeline_tell_caller_said(p, text ? text : "", true);
	pipeline_ask(p, LLM_ON_TEXT, text ? text : "");
}

static void carry_out(struct pipeline *p, const struct turn_out *out)
{
	switch (out->act) {
	case TURN_LISTEN:
		p->i = (struct agent_interrupt_metrics){.voice_us = out->is_barge_in ? out->speech_at * 1000 : 0};
		/* What they say over us tells nods from interruptions at once; else only whole answers matter. */
		ears_listen(p->ears, out->preroll_ms, p->is_reply_open || mind_is_busy(p->mind));
		free(p->so_far);
		p->so_far = NULL;
		break;
	case TURN_HINT:
		ears_hint(p->ears);
		break;
	case TURN_GO_ON:
		ears_go_on(p->ears);
		break;
	case TURN_END:
		end_of_turn(p, out);
		break;
	case TURN_TAKEN:
		take_turn(p, out);
		break;
	case TURN_FORGET:
		ears_cancel(p->ears);
		break;
	case TURN_PAUSE:
		media_port_pause(p->env.port);
		p->i.pause_us = pipeline_now_us(p);
		break;
	case TURN_RESUME:
		media_port_resume(p->env.port);
		pipeline_interrupt_verdict(p, out, false);
		break;
	case TURN_FLUSH:
		pipeline_cut(p, out);
		if (out->is_barge_in)
			pipeline_interrupt_verdict(p, out, true);
		break;
	case TURN_SILENCE:
		pipeline_ask(p, LLM_ON_SILENCE, "");
		break;
	case TURN_DIGITS:
		take_digits(p);
		break;
	case TURN_NODDED:
		take_nod(p);
		break;
	case TURN_ACT_COUNT:
		break;
	}
}

void pipeline_decide(struct pipeline *p)
{
	struct turn_out out;

	while (turn_take(&p->turn, &out))
		carry_out(p, &out);
}

/* ---- words ------------------------------------------------------------------------------------------------------------------- */

/* While we speak, our own words may come back from a loudspeaker. */
static enum turn_words worth(const struct pipeline *p, const char *text, bool is_stable)
{
	auto_free char *ours = p->is_reply_open ? voice_text(p->voice) : NULL;

	return words_judge(text, p->nods, ours, p->turn.voiced_ms, !is_stable);
}

/* "Mhm" is a yes when the question takes one, and else only a noise people make while they think. */
static enum turn_words worth_as_answer(const struct pipeline *p, const char *text)
{
	enum turn_words words = words_judge(text, p->nods, NULL, p->turn.voiced_ms, false);

	return words == TURN_WORDS_FILLER && mind_judge(p->mind, text) == LLM_FIT_COMPLETE ? TURN_WORDS_NOD : words;
}

/* A nod and nothing else, in words that will not change, which the question takes. */
static bool is_answering_nod(const struct pipeline *p, const char *text, enum llm_fit fit)
{
	return p->is_reply_open && fit == LLM_FIT_COMPLETE &&
		words_judge(text, p->nods, NULL, UINT32_MAX, false) == TURN_WORDS_NOD;
}

static void on_partial(void *arg, const char *text, bool is_stable)
{
	struct pipeline *p = arg;
	enum llm_fit fit = *text ? mind_judge(p->mind, text) : LLM_FIT_UNKNOWN;
	enum turn_words words = worth(p, text, is_stable);

	pipeline_tell_caller_said(p, text, false);
	free(p->so_far);
	p->so_far = strdup(text);
	if (is_stable && is_answering_nod(p, text, fit)) {
		free(p->nod);
		p->nod = strdup(text);
	} else if (p->is_reply_open && words == TURN_WORDS_NOD) {
		fit = LLM_FIT_UNKNOWN;
	}
	turn_partial(&p->turn, words, (enum turn_fit)fit, is_stable, pipeline_now(p));
	pipeline_decide(p);
}

static void on_final(void *arg, const struct stt_final *final)
{
	struct pipeline *p = arg;

	p->m.final_us = pipeline_now_us(p);
	p->m.stt_compute_us = final->compute_us;
	p->confidence = final->confidence;
	free(p->said);
	p->said = strdup(final->text);
	if (*final->text)
		pipeline_tell_caller_said(p, final->text, true);
	turn_final(&p->turn, worth_as_answer(p, final->text), pipeline_now(p));
	pipeline_decide(p);
}

/* ---- frames ------------------------------------------------------------------------------------------------------------------ */

/* When the frame was heard: frames that are read late, several at once, keep their distance. */
static msec_t time_of_frame(struct pipeline *p, uint32_t at)
{
	msec_t base = pipeline_now_us(p) / 1000 - (msec_t)at * MEDIA_FRAME_MS;

	if (!p->has_base || base < p->base_ms)
		p->base_ms = base;
	else if (at % BASE_STEP_FRAMES == 0)
		p->base_ms++;
	p->has_base = true;

	p->turn_now = MAX(p->turn_now, p->base_ms + (msec_t)at * MEDIA_FRAME_MS);

	return p->turn_now;
}

static void hear(struct pipeline *p, const struct media_up_frame *f)
{
	uint8_t speech = pipeline_vad_judge(p, f);
	bool is_ours = echo_frame(&p->echo, voice_sent(p->voice, f->at), f->pcm, f->n, speech >= p->turn.p.off_prob);
	struct turn_frame frame = {
		/* Our own voice from a loudspeaker is nobody's. */
		.prob = is_ours ? 0 : speech,
		.is_ours = p->turn.state != TURN_HUSHED && voice_is_audible(p->voice),
		.left_ms = voice_left_ms(p->voice),
	};
	msec_t at = time_of_frame(p, f->at);

	p->last_frame_at = at;
	if (p->turn.state == TURN_HELD)
		return;
	ears_frame(p->ears, f->pcm, f->n);
	turn_frame(&p->turn, &frame, at);
	pipeline_decide(p);
}

static void tick(struct brain *b)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);
	const struct media_up_frame *f;

	for (int i = 0; i < FRAMES_A_TICK && (f = media_port_peek_up(p->env.port)); i++) {
		hear(p, f);
		media_port_pop_up(p->env.port);
	}
	if (pipeline_now(p) - p->last_frame_at >= NO_FRAMES_MS) {
		turn_tick(&p->turn, pipeline_now(p));
		pipeline_decide(p);
	}
	pipeline_look_for_faults(p);
	pipeline_reply_tick(p);
}

/* ---- what comes from outside --------------------------------------------------------------------------------------------------- */

static void start(struct brain *b)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);
	struct recorded_key apology = {
		.tts = agent_providers_tts(p->env.providers, p->config->tts ? p->config->tts : "embedded"),
		.voice = p->config->voice,
		.language = p->language,
		.rate_hz = (uint32_t)media_port_rate_hz(p->env.port),
		.text = pipeline_apology(p),
	};

	pipeline_emit(p, (struct agent_event){.kind = AGENT_STARTED});
	p->last_frame_at = pipeline_now(p);
	turn_go(&p->turn, TURN_FLOOR_THINKING, pipeline_now(p));
	if (p->env.recorded)
		recorded_want(p->env.recorded, &apology);
	if (!p->open_fault.part)
		pipeline_ask(p, LLM_ON_START, "");
}

static void dtmf(struct brain *b, char digit)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);
	size_t n = strlen(p->digits);
	const char *ends = p->key_ends[0] ? p->key_ends : "#";
	bool is_last = n > 0 && strchr(ends, digit);

	if (p->stage != STAGE_TALK || p->turn.state == TURN_HELD)
		return;
	if (!is_last && n + 1 < sizeof(p->digits)) {
		p->digits[n] = digit;
		p->digits[n + 1] = '\0';
	}
	turn_key(&p->turn, is_last, (enum turn_fit)mind_judge(p->mind, p->digits), pipeline_now(p));
	pipeline_decide(p);
}

static void hold(struct brain *b)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);

	if (p->is_on_hold)
		return;
	p->is_on_hold = true;
	p->digits[0] = '\0';
	media_port_pause(p->env.port);
	turn_hold(&p->turn, pipeline_now(p));
	pipeline_decide(p);
}

static void resume(struct brain *b)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);
	enum turn_floor floor = TURN_FLOOR_FREE;

	if (!p->is_on_hold)
		return;
	p->is_on_hold = false;
	media_port_resume(p->env.port);
	if (p->stage != STAGE_TALK)
		return;
	if (p->is_reply_open)
		floor = p->is_reply_told ? TURN_FLOOR_SPEAKING : TURN_FLOOR_THINKING;
	turn_go(&p->turn, floor, pipeline_now(p));
}

static void say(struct brain *b, const char *text)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);
	char *copy = p->say_count < LIMIT_AGENT_SAYS ? strdup(text) : NULL;

	if (copy)
		p->says[p->say_count++] = copy;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

static void free_pipeline(struct brain *b)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);

	pipeline_vad_close(p);
	ears_close(p->ears);
	mind_close(p->mind);
	voice_close(p->voice);
	history_free(p->history);
	pipeline_leave_clear(p);
	pipeline_listen_clear(p);
	for (uint32_t i = 0; i < p->say_count; i++)
		free(p->says[i]);
	free(p->question);
	free(p->unanswered);
	free(p->said);
	free(p->nod);
	free(p->so_far);
	free(p->heard);
	free(p->asked_heard);
	free(p);
}

/* The first part that cannot be opened is what the caller is told about; the object is made without it. */
static void note_open_fault(struct pipeline *p, const char *part, const char *port, const struct port_fault *fault)
{
	if (p->open_fault.part)
		return;
	buf_copy(p->open_words, sizeof(p->open_words), fault->words);
	p->open_fault = (struct agent_failure){part, port, fault->err, p->open_words, true};
}

static int open_ears(struct pipeline *p)
{
	const char *name = p->config->stt ? p->config->stt : "embedded";
	struct port_fault fault = {-TR_ENOTFOUND, "no such stt port"};
	struct ears_params params = {
		.stt = agent_providers_stt(p->env.providers, name),
		.rate_hz = (uint32_t)media_port_rate_hz(p->env.port),
		.language = p->language,
		.on_partial = on_partial,
		.on_final = on_final,
		.arg = p,
	};
	int err = params.stt ? ears_open(&p->ears, &params, &fault) : -TR_ENOTFOUND;

	if (!err)
		return 0;
	note_open_fault(p, "stt", name, &fault);
	params.stt = NULL;

	return ears_open(&p->ears, &params, NULL);
}

static int open_mind(struct pipeline *p)
{
	const struct agent_config *c = p->config;
	const char *name = c->llm ? c->llm : "embedded";
	struct port_fault fault = {-TR_ENOTFOUND, "no such llm port"};
	struct mind_params params = {
		.llm = agent_providers_llm(p->env.providers, name),
		.session = {
			.instructions = c->instructions ? c->instructions : "",
			.greeting = c->greeting,
			.language = p->language,
			.tools_json = c->tools_json,
			.flow = c->flow,
			.wall_ms = p->env.wall_ms,
			.utc_offset_s = c->utc_offset_s,
		},
		.timeout_ms = c->llm_timeout_ms ? c->llm_timeout_ms : LLM_TIMEOUT_MS,
		.clock_us = p->env.clock_us,
		.clock_ctx = p->env.clock_ctx,
		.on_piece = pipeline_on_piece,
		.on_listen = pipeline_on_listen,
		.on_done = pipeline_on_done,
		.arg = p,
	};
	int err = params.llm ? mind_open(&p->mind, &params, &fault) : -TR_ENOTFOUND;

	if (!err)
		return 0;
	note_open_fault(p, "llm", name, &fault);
	params.llm = NULL;

	return mind_open(&p->mind, &params, NULL);
}

static int open_voice(struct pipeline *p)
{
	const char *name = p->config->tts ? p->config->tts : "embedded";
	struct port_fault fault = {-TR_ENOTFOUND, "no such tts port"};
	struct voice_params params = {
		.port = p->env.port,
		.tts = agent_providers_tts(p->env.providers, name),
		.voice = p->config->voice,
		.language = p->language,
		.prompts = p->config->prompts,
		.clock_us = p->env.clock_us,
		.ctx = p->env.clock_ctx,
	};
	int err = params.tts ? voice_open(&p->voice, &params, &fault) : -TR_ENOTFOUND;

	if (!err)
		return 0;
	note_open_fault(p, "tts", name, &fault);
	params.tts = NULL;

	return voice_open(&p->voice, &params, NULL);
}

static const struct brain_ops ops = {
	.start = start,
	.tick = tick,
	.dtmf = dtmf,
	.hold = hold,
	.resume = resume,
	.say = say,
	.transfer_failed = pipeline_transfer_failed,
	.free = free_pipeline,
};

int pipeline_new(struct brain **ret, const struct brain_env *env, const struct agent_config *config)
{
	struct turn_params turn = config->turn ? *config->turn : turn_params_default();
	struct pipeline *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;

	p->brain.ops = &ops;
	p->env = *env;
	p->config = config;
	p->language = config->language ? config->language : "en-US";
	p->nods = words_nods(p->language);
	turn.keys_max = MIN(turn.keys_max, (uint8_t)(sizeof(p->digits) - 1));
	turn_init(&p->turn, &turn);
	echo_init(&p->echo);
	p->history = history_new();
	err = p->history ? open_ears(p) : -ENOMEM;
	if (!err)
		err = open_mind(p);
	if (!err)
		err = open_voice(p);
	if (err) {
		free_pipeline(&p->brain);
		return err;
	}
	pipeline_vad_open(p);
	*ret = &p->brain;

	return 0;
}
