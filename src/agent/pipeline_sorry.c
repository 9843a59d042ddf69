/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"
#include "audio/tone.h"

/* When a provider has failed: tell the caller by what is left, then hand over to a human or end the call. */

#define TONE_MS 2500

const char *pipeline_apology(const struct pipeline *p)
{
	if (p->config->apology)
		return p->config->apology;

	return p->config->transfer_to ? "I am sorry, I have a technical problem. I will put you through to a colleague." :
					"I am sorry, I have a technical problem. Please call again later.";
}

/* Spoken by a person, it needs no engine at all. */
static bool say_prompt(struct pipeline *p)
{
	const char *text = pipeline_apology(p);
	struct prompt_hit hit = {0};
	uint32_t rate_hz = (uint32_t)media_port_rate_hz(p->env.port);

	if (!p->config->prompts || prompts_find(p->config->prompts, text, true, rate_hz, &hit) != PROMPTS_HIT)
		return false;
	if (hit.from > 0 || hit.to < strlen(text))
		return false;
	voice_begin(p->voice);

	return voice_play(p->voice, text, hit.pcm, hit.n) == 0;
}

static bool say_recorded(struct pipeline *p)
{
	struct recorded_key key = {
		.tts = agent_providers_tts(p->env.providers, p->config->tts ? p->config->tts : "embedded"),
		.voice = p->config->voice,
		.language = p->language,
		.rate_hz = (uint32_t)media_port_rate_hz(p->env.port),
		.text = pipeline_apology(p),
	};
	size_t n = 0;
	const int16_t *pcm = p->env.recorded ? recorded_find(p->env.recorded, &key, &n) : NULL;

	if (!pcm)
		return false;
	voice_begin(p->voice);

	return voice_play(p->voice, key.text, pcm, n) == 0;
}

static bool say_by_voice(struct pipeline *p)
{
	voice_begin(p->voice);

	return voice_say(p->voice, pipeline_apology(p), false) == 0;
}

static bool say_by_other_voice(struct pipeline *p)
{
	const char *name = p->config->tts_fallback;
	struct voice_params params = {
		.port = p->env.port,
		.tts = name ? agent_providers_tts(p->env.providers, name) : NULL,
		.language = p->language,
		.clock_us = p->env.clock_us,
		.ctx = p->env.clock_ctx,
	};
	struct voice *other;

	if (!params.tts || voice_open(&other, &params, NULL))
		return false;
	voice_close(p->voice);
	p->voice = other;

	return say_by_voice(p);
}

/* The congestion tone says in every country that it is the telephone's fault, and that nobody is there. */
static bool play_tone(struct pipeline *p)
{
	int rate = media_port_rate_hz(p->env.port);
	int n = rate / 1000 * TONE_MS;
	auto_free int16_t *pcm = calloc((size_t)n, sizeof(int16_t));
	struct tone_gen gen;

	if (!pcm)
		return false;
	tone_gen_start(&gen, tone_spec(TONE_CONGESTION, TONE_US), rate);
	tone_gen_run(&gen, pcm, n);
	voice_begin(p->voice);

	return voice_play(p->voice, "", pcm, (size_t)n) == 0;
}

/* The next way to say it; from SORRY_NOTHING on the caller is let go without a word. */
static void try_next(struct pipeline *p)
{
	bool is_said = false;

	while (!is_said && p->sorry < SORRY_NOTHING) {
		switch (p->sorry++) {
		case SORRY_RECORDED:
			is_said = say_prompt(p) || say_recorded(p);
			break;
		case SORRY_OWN_VOICE:
			is_said = !p->is_voice_dead && say_by_voice(p);
			break;
		case SORRY_OTHER_VOICE:
			is_said = say_by_other_voice(p);
			break;
		case SORRY_TONE:
			is_said = play_tone(p);
			break;
		case SORRY_NOTHING:
			break;
		}
	}
	if (!is_said)
		voice_begin(p->voice);
	voice_end(p->voice);
	p->is_reply_open = true;
	p->is_reply_told = true;
}

void pipeline_fail(struct pipeline *p, const struct agent_failure *failure)
{
	struct agent_event ev = {.kind = AGENT_FAILED, .failure = *failure};

	if (strcmp(failure->part, "tts") == 0)
		p->is_voice_dead = true;
	if (p->stage == STAGE_LEAVING)
		return;

	ev.failure.is_fatal = true;
	pipeline_emit(p, ev);
	if (p->stage == STAGE_TALK) {
		p->stage = STAGE_SORRY;
		p->sorry = SORRY_RECORDED;
		pipeline_leave_clear(p);
		/* First what the turn machine had decided before: a pause among it would hold the apology. */
		turn_hold(&p->turn, pipeline_now(p));
		pipeline_decide(p);
		pipeline_cut(p, NULL);
		pipeline_turn_begins(p, p->m.endpoint_us && !p->m.rtp_us);
	}
	try_next(p);
}

/* The apology was played, or could not be. */
void pipeline_sorry_done(struct pipeline *p)
{
	p->leave.kind = p->config->transfer_to ? LEAVE_TRANSFER : LEAVE_HANG_UP;
	p->leave.is_failure = true;
	p->leave.reason = strdup("the agent failed");
	pipeline_leave_now(p);
}

void pipeline_look_for_faults(struct pipeline *p)
{
	const struct agent_config *c = p->config;
	struct port_fault fault;

	if (p->open_fault.part) {
		struct agent_failure failure = p->open_fault;

		p->open_fault.part = NULL;
		pipeline_fail(p, &failure);
	}
	pipeline_vad_tell_fault(p);
	if (ears_fault(p->ears, &fault))
		pipeline_fail(p, &(struct agent_failure){"stt", c->stt ? c->stt : "embedded", fault.err, fault.words, false});
	if (mind_fault(p->mind, &fault))
		pipeline_fail(p, &(struct agent_failure){"llm", c->llm ? c->llm : "embedded", fault.err, fault.words, false});
	if (voice_fault(p->voice, &fault))
		pipeline_fail(p, &(struct agent_failure){"tts", c->tts ? c->tts : "embedded", fault.err, fault.words, false});
}
