/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doorman.h"
#include "agent/ears.h"
#include "agent/pipeline.h"
#include "agent/voice.h"
#include "turn/answer_words.h"

enum {
	FRAMES_A_TICK = 64,
	VOICE_PROB = 140,
	ONSET_FRAMES = 3,
	LISTEN_MS = 1800,      /* words are looked at after so much speech... */
	LULL_MS = 300,	       /* ...or at a pause */
	FIRST_PREROLL_MS = 400,
	NEXT_PREROLL_MS = 900, /* a phrase that was cut in two is heard whole */
};

struct doorman {
	struct brain brain;
	struct brain_env env;
	const struct agent_config *config;
	const char *language;
	struct brain *inner; /* the pipeline, once it was let in */
	struct voice *voice; /* NULL: could not be opened */
	struct ears *ears;   /* NULL: nobody listens for words */
	char *message;	     /* that is being said; NULL: none */
	int64_t message_us;
	bool is_on_hold;

	/* the utterance at the ears */
	uint32_t voiced;     /* frames in a row, before it; */
	bool is_listening, is_ending;
	uint32_t heard_ms, lull_ms, preroll_ms;
};

static void emit(struct doorman *d, struct agent_event ev)
{
	ev.call = d->env.call;
	d->env.on_event(d->env.event_ctx, &ev);
}

static int64_t now_us(const struct doorman *d)
{
	return d->env.clock_us(d->env.clock_ctx);
}

/* ---- words ----------------------------------------------------------------------------------------------------------------- */

static void on_final(void *arg, const struct stt_final *final)
{
	struct doorman *d = arg;
	struct answer_word words[LIMIT_STT_WORDS];
	size_t n = MIN(final->word_count, (size_t)LIMIT_STT_WORDS);
	const char *phrase;

	d->is_listening = d->is_ending = false;
	d->preroll_ms = NEXT_PREROLL_MS;
	d->voiced = 0;
	for (size_t i = 0; i < n; i++)
		words[i] = (struct answer_word){span_z(final->words[i].text), final->words[i].confidence};
	if (n == 0)
		n = answer_words_split(final->text, final->confidence, words, ARRAY_LEN(words));

	enum answer_who who = answer_words_judge(d->language, words, n, &phrase);

	if (who != ANSWER_UNKNOWN)
		emit(d, (struct agent_event){.kind = AGENT_WORDS, .words = {who, phrase}});
}

static void on_partial(void *arg, const char *text, bool is_stable)
{
}

static void stop_listening(struct doorman *d)
{
	if (d->ears)
		ears_cancel(d->ears);
	d->is_listening = d->is_ending = false;
	d->voiced = 0;
	d->preroll_ms = FIRST_PREROLL_MS;
}

static void hear_words(struct doorman *d, const struct media_up_frame *f)
{
	bool is_voiced = f->speech >= VOICE_PROB;
	struct port_fault fault;

	ears_frame(d->ears, f->pcm, f->n);
	if (ears_fault(d->ears, &fault)) {
		/* Every decoder is busy, or it broke: the next utterance may fare better. */
		d->is_listening = d->is_ending = false;
		d->voiced = 0;
	}
	if (d->is_ending)
		return;
	if (!d->is_listening) {
		d->voiced = is_voiced ? d->voiced + 1 : 0;
		if (d->voiced < ONSET_FRAMES)
			return;
		d->is_listening = true;
		d->heard_ms = d->lull_ms = 0;
		ears_listen(d->ears, d->preroll_ms, true);
		return;
	}
	d->heard_ms += MEDIA_FRAME_MS;
	d->lull_ms = is_voiced ? 0 : d->lull_ms + MEDIA_FRAME_MS;
	if (d->heard_ms < LISTEN_MS && d->lull_ms < LULL_MS)
		return;
	d->is_ending = true;
	ears_end(d->ears);
}

static void open_ears(struct doorman *d, const char *name)
{
	static const struct stt_context context = {.name = "answering"};
	struct ears_params params = {
		.stt = name ? agent_providers_stt(d->env.providers, name) : NULL,
		.rate_hz = (uint32_t)media_port_rate_hz(d->env.port),
		.language = d->language,
		.on_partial = on_partial,
		.on_final = on_final,
		.arg = d,
	};
	struct port_fault fault = {0};

	if (!params.stt || ears_open(&d->ears, &params, &fault) != 0)
		return;
	ears_set_context(d->ears, &context);
	d->preroll_ms = FIRST_PREROLL_MS;
}

/* ---- the message ------------------------------------------------------------------------------------------------------------ */

static void open_voice(struct doorman *d)
{
	const char *name = d->config->tts ? d->config->tts : "embedded";
	struct voice_params params = {
		.port = d->env.port,
		.tts = agent_providers_tts(d->env.providers, name),
		.voice = d->config->voice,
		.language = d->language,
		.prompts = d->config->prompts,
		.clock_us = d->env.clock_us,
		.ctx = d->env.clock_ctx,
	};
	struct port_fault fault = {0};
	int err = params.tts ? voice_open(&d->voice, &params, &fault) : -TR_ENOTFOUND;

	if (err)
		emit(d, (struct agent_event){
			.kind = AGENT_FAILED,
			.failure = {"tts", name, err, fault.words[0] ? fault.words : "no such tts port", false},
		});
}

static void tell_message(struct doorman *d, const char *text, bool is_interrupted)
{
	emit(d, (struct agent_event){
		.kind = AGENT_TRANSCRIPT,
		.transcript = {
			.who = AGENT_WHO_AGENT,
			.text = text,
			.is_final = true,
			.is_interrupted = is_interrupted,
			.confidence = 1,
			.at_us = d->message_us,
			.end_us = now_us(d),
		},
	});
}

static void drop_message(struct doorman *d)
{
	if (!d->message)
		return;

	char *heard = voice_heard(d->voice);

	voice_stop(d->voice);
	if (heard && *heard)
		tell_message(d, heard, true);
	free(heard);
	free(d->message);
	d->message = NULL;
}

static void end_message(struct doorman *d, bool is_failure)
{
	if (!is_failure)
		tell_message(d, d->message, false);
	free(d->message);
	d->message = NULL;
	emit(d, (struct agent_event){.kind = AGENT_LEFT, .has_failed = is_failure});
}

static void tick_message(struct doorman *d)
{
	struct port_fault fault;

	if (!d->voice)
		return;
	voice_tick(d->voice);
	if (d->message && voice_fault(d->voice, &fault)) {
		emit(d, (struct agent_event){
			.kind = AGENT_FAILED,
			.failure = {"tts", d->config->tts ? d->config->tts : "embedded", fault.err, fault.words, false},
		});
		voice_stop(d->voice);
		end_message(d, true);
	}
	if (d->message && !voice_is_active(d->voice))
		end_message(d, false);
}

/* Whoever was let in goes out again. */
static void put_out(struct doorman *d)
{
	if (!d->inner)
		return;
	d->inner->ops->free(d->inner);
	d->inner = NULL;
	media_port_resume(d->env.port);
}

static void leave(struct brain *b, const char *text)
{
	struct doorman *d = container_of(b, struct doorman, brain);
	bool was_in = d->inner != NULL;

	put_out(d);
	stop_listening(d);
	drop_message(d);
	if (was_in || !d->voice) {
		/* The pipeline's voice has used the port's numbers since. */
		d->voice = voice_close(d->voice);
		open_voice(d);
	}
	if (!*text)
		return;
	if (!d->voice) {
		emit(d, (struct agent_event){.kind = AGENT_LEFT, .has_failed = true});
		return;
	}
	d->message = strdup(text);
	d->message_us = now_us(d);
	if (!d->message)
		return;
	voice_begin(d->voice);
	(void)!voice_say(d->voice, text, false);
	voice_end(d->voice);
}

/* ---- letting in -------------------------------------------------------------------------------------------------------------- */

static void begin(struct brain *b)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	if (d->inner)
		return;
	drop_message(d);
	d->voice = voice_close(d->voice);
	d->ears = ears_close(d->ears);

	int err = pipeline_new(&d->inner, &d->env, d->config);

	if (err) {
		emit(d, (struct agent_event){.kind = AGENT_FAILED, .failure = {"agent", "", err, err_text(err), true}});
		emit(d, (struct agent_event){.kind = AGENT_HANG_UP, .reason = "the agent could not be started"});
		return;
	}
	d->inner->ops->start(d->inner);
	if (d->is_on_hold)
		d->inner->ops->hold(d->inner);
}

/* ---- the rest goes to who is in ------------------------------------------------------------------------------------------------- */

static void start(struct brain *b)
{
	emit(container_of(b, struct doorman, brain), (struct agent_event){.kind = AGENT_STARTED});
}

static void tick(struct brain *b)
{
	struct doorman *d = container_of(b, struct doorman, brain);
	const struct media_up_frame *f;

	if (d->inner) {
		d->inner->ops->tick(d->inner);
		return;
	}
	for (int i = 0; i < FRAMES_A_TICK && (f = media_port_peek_up(d->env.port)); i++) {
		if (d->ears && !d->message && !(f->flags & MEDIA_UP_IDLE))
			hear_words(d, f);
		media_port_pop_up(d->env.port);
	}
	tick_message(d);
}

static void dtmf(struct brain *b, char digit)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	if (d->inner)
		d->inner->ops->dtmf(d->inner, digit);
}

static void hold(struct brain *b)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	d->is_on_hold = true;
	if (d->inner)
		d->inner->ops->hold(d->inner);
	else
		media_port_pause(d->env.port);
}

static void resume(struct brain *b)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	d->is_on_hold = false;
	if (d->inner)
		d->inner->ops->resume(d->inner);
	else
		media_port_resume(d->env.port);
}

static void say(struct brain *b, const char *text)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	if (d->inner)
		d->inner->ops->say(d->inner, text);
}

static void transfer_failed(struct brain *b, const char *reason)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	if (d->inner)
		d->inner->ops->transfer_failed(d->inner, reason);
}

static void free_doorman(struct brain *b)
{
	struct doorman *d = container_of(b, struct doorman, brain);

	if (d->inner)
		d->inner->ops->free(d->inner);
	ears_close(d->ears);
	if (d->voice)
		voice_close(d->voice);
	free(d->message);
	free(d);
}

static const struct brain_ops ops = {
	.start = start,
	.tick = tick,
	.dtmf = dtmf,
	.hold = hold,
	.resume = resume,
	.say = say,
	.transfer_failed = transfer_failed,
	.begin = begin,
	.leave = leave,
	.free = free_doorman,
};

int doorman_new(struct brain **ret, const struct brain_env *env, const struct agent_config *config, const char *words_stt)
{
	struct doorman *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;

	d->brain.ops = &ops;
	d->env = *env;
	d->config = config;
	d->language = config->language ? config->language : "en-US";
	open_ears(d, words_stt);
	*ret = &d->brain;

	return 0;
}
