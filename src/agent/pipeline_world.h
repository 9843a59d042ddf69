/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "agent/history.h"
#include "agent/pipeline.h"
#include "agent/recorded.h"

/*
 * Test only: one call in virtual time. The media worker, the caller and three providers are played here; the providers stand
 * for ones across a network, with delays and every way to fail that the ports allow. Time goes in steps of one millisecond, a
 * frame of the caller comes every 20, the bell rings 1 ms later.
 */
enum { RATE = 8000, FRAME_N = 160, VOICE_MS_PER_BYTE = 60, EVENTS = 512 };

enum fake_mode {
	FAKE_WORKS,
	FAKE_REFUSES,	     /* says no at once */
	FAKE_IS_FULL,	     /* says -TR_ELIMIT at once */
	FAKE_FAILS,	     /* by on_error, before anything was delivered */
	FAKE_FAILS_HALFWAY,  /* by on_error, after half of it */
	FAKE_IS_SILENT,	     /* accepts and never answers */
};

struct fake_reply {
	const char *text;
	const char *tool, *args;
	uint32_t silence_ms;
	bool is_number, is_sensitive;
	const char *key_ends;
	uint32_t keys_most, keys_ms;
};

struct told {
	enum llm_cause cause;
	char text[256], heard[256];
	bool has_heard, is_interrupted, is_continued;
	float confidence;
	size_t history_count;
	char last_message[256], before[256];
};

struct logged {
	enum agent_event_kind kind;
	struct agent_event ev;
	char text[512], reason[160];
	int64_t at_us;
};

static struct world {
	int64_t now_us;
	struct media_port *port;
	struct agent_providers providers;
	struct agent_config config;
	struct brain *brain;
	struct recorded *recorded;
	bool is_connected;

	/* the caller */
	int64_t voice_until_us; /* speaks until then */
	const char *words;	/* what the recogniser will make of it */
	void (*line)(int16_t *pcm, uint8_t *speech); /* instead: makes the frame and the detector's opinion; NULL: as above */
	uint32_t up_frames;

	/* what was heard at the far end */
	int64_t audible_us; /* last frame with our voice in it */
	int16_t sent[FRAME_N]; /* the last frame */
	uint32_t audible_frames, peak_frames_in_row;

	struct logged log[EVENTS];
	int log_n;
	int transfers, hang_ups; /* of all events, though the log was cleared */
} w;

/* ---- stt -------------------------------------------------------------------------------------------------------------------- */

struct fake_stt {
	struct stt_stream stream;
	struct stt_port port;
	struct stt_callbacks cb;
	enum fake_mode mode;
	uint32_t fail_times; /* mode holds for so many utterances; 0: for ever */
	uint32_t delay_ms;
	bool is_open, is_hearing, has_partials;
	uint32_t id, late_id;
	int64_t partial_at, final_at, error_at;
	uint32_t opened, begun, resumed, samples, preroll;
	char context[64];
};
static struct fake_stt stt;

static int stt_open(struct stt_port *port, const struct stt_params *p, struct stt_stream **ret, struct port_fault *ret_fault)
{
	assert_false(stt.is_open);
	if (stt.mode == FAKE_REFUSES && stt.opened == 0 && stt.fail_times == 0)
		return port_fail(ret_fault, -TR_EENGINE, "stt is down");
	stt.is_open = true;
	stt.opened++;
	stt.cb = p->cb;
	*ret = &stt.stream;

	return 0;
}

static void stt_forget(void)
{
	stt.is_hearing = false;
	stt.partial_at = stt.final_at = stt.error_at = NEVER;
}

static void stt_close(struct stt_stream *s)
{
	assert_true(stt.is_open);
	stt.is_open = false;
	stt_forget();
}

static int stt_set_context(struct stt_stream *s, const struct stt_context *c)
{
	buf_copy(stt.context, sizeof(stt.context), c->name ? c->name : "");

	return 0;
}

static bool stt_breaks(void)
{
	if (stt.mode == FAKE_WORKS || stt.mode == FAKE_IS_SILENT)
		return false;
	if (stt.fail_times && --stt.fail_times == 0)
		stt.mode = FAKE_WORKS;

	return true;
}

static void stt_set_partials(struct stt_stream *s, bool are_wanted)
{
	stt.has_partials = are_wanted;
}

static int stt_begin(struct stt_stream *s, uint32_t id, const int16_t *pcm, size_t n, struct port_fault *ret_fault)
{
	enum fake_mode mode = stt.mode;

	assert_true(stt.is_open && !stt.is_hearing && stt.final_at == NEVER && id != 0);
	stt.begun++;
	if (stt_breaks()) {
		if (mode == FAKE_IS_FULL)
			return port_fail(ret_fault, -TR_ELIMIT, "all decoders are busy");
		if (mode == FAKE_REFUSES)
			return port_fail(ret_fault, -TR_EENGINE, "stt broke");
		stt.error_at = w.now_us + (mode == FAKE_FAILS ? 100000 : 900000);
	}
	stt.id = id;
	stt.is_hearing = true;
	stt.preroll = (uint32_t)n;
	stt.samples = (uint32_t)n;

	return 0;
}

static void stt_feed(struct stt_stream *s, const int16_t *pcm, size_t n)
{
	if (stt.is_hearing)
		stt.samples += (uint32_t)n;
}

static void stt_pause(struct stt_stream *s)
{
	if (stt.is_hearing && stt.mode != FAKE_IS_SILENT)
		stt.partial_at = w.now_us + stt.delay_ms * 1000;
}

static void stt_resume(struct stt_stream *s)
{
	assert_true(stt.is_hearing);
	stt.partial_at = NEVER;
	stt.resumed++;
}

static void stt_end(struct stt_stream *s)
{
	assert_true(stt.is_hearing);
	stt.is_hearing = false;
	stt.partial_at = NEVER;
	if (stt.mode != FAKE_IS_SILENT)
		stt.final_at = w.now_us + stt.delay_ms * 1000;
}

static void stt_cancel(struct stt_stream *s)
{
	stt.late_id = stt.id;
	stt_forget();
}

static void stt_run(void)
{
	if (stt.error_at != NEVER)
		stt.final_at = NEVER; /* what is going to crash delivers nothing */

	struct stt_final final = {.text = w.words, .confidence = 0.9f};

	if (w.now_us >= stt.error_at) {
		stt_forget();
		stt.cb.on_error(stt.cb.arg, stt.id, -TR_EENGINE, "stt crashed");
	}
	if (w.now_us >= stt.partial_at) {
		stt.partial_at = NEVER;
		stt.cb.on_partial(stt.cb.arg, stt.id, w.words, true);
	}
	if (w.now_us >= stt.final_at) {
		stt_forget();
		stt.cb.on_final(stt.cb.arg, stt.id, &final);
	}
}

static const struct stt_ops stt_ops = {
	.open = stt_open,
	.close = stt_close,
	.set_context = stt_set_context,
	.set_partials = stt_set_partials,
	.begin = stt_begin,
	.feed = stt_feed,
	.pause = stt_pause,
	.resume = stt_resume,
	.end = stt_end,
	.cancel = stt_cancel,
};

/* ---- llm -------------------------------------------------------------------------------------------------------------------- */

struct fake_llm {
	struct llm_session session;
	struct llm_port port;
	struct llm_callbacks cb;
	enum fake_mode mode;
	uint32_t fail_times;
	uint32_t delay_ms;
	bool is_open, is_busy;
	uint32_t id, late_id;
	int64_t at;
	enum fake_mode now; /* mode of the running request */
	struct fake_reply replies[16];
	uint32_t reply_count, next;
	struct told told[64];
	uint32_t asked;
};
static struct fake_llm llm;

static int llm_open(struct llm_port *port, const struct llm_params *p, struct llm_session **ret, struct port_fault *ret_fault)
{
	if (llm.mode == FAKE_REFUSES && llm.fail_times == 0)
		return port_fail(ret_fault, -TR_EENGINE, "llm is down");
	llm.is_open = true;
	llm.cb = p->cb;
	*ret = &llm.session;

	return 0;
}

static void llm_cancel(struct llm_session *s)
{
	llm.late_id = llm.id;
	llm.is_busy = false;
}

static void llm_close(struct llm_session *s)
{
	llm.is_open = llm.is_busy = false;
}

static int llm_respond(struct llm_session *s, uint32_t id, const struct llm_turn *t, struct port_fault *ret_fault)
{
	struct told *told = &llm.told[llm.asked++ % 64];

	assert_true(llm.is_open && !llm.is_busy && t->text && id != 0);
	*told = (struct told){.cause = t->cause, .is_interrupted = t->is_interrupted, .confidence = t->confidence,
		.history_count = t->history_count, .has_heard = t->heard != NULL, .is_continued = t->is_continued};
	buf_copy(told->text, sizeof(told->text), t->text);
	buf_copy(told->heard, sizeof(told->heard), t->heard ? t->heard : "");
	if (t->history_count)
		buf_copy(told->last_message, sizeof(told->last_message), t->history[t->history_count - 1].text);
	if (t->history_count > 1)
		buf_copy(told->before, sizeof(told->before), t->history[t->history_count - 2].text);

	llm.now = llm.mode;
	if (llm.mode != FAKE_WORKS && llm.fail_times && --llm.fail_times == 0)
		llm.mode = FAKE_WORKS;
	if (llm.now == FAKE_REFUSES || llm.now == FAKE_IS_FULL)
		return port_fail(ret_fault, llm.now == FAKE_IS_FULL ? -TR_ELIMIT : -TR_EENGINE, "llm says no");
	llm.id = id;
	llm.is_busy = true;
	llm.at = w.now_us + llm.delay_ms * 1000;

	return 0;
}

static enum llm_fit llm_judge(struct llm_session *s, const char *text)
{
	size_t n = strlen(text);

	if (n > 6 && strcmp(text + n - 6, "please") == 0)
		return LLM_FIT_COMPLETE;
	if (n > 3 && strcmp(text + n - 3, " on") == 0)
		return LLM_FIT_OPEN;

	return strcmp(text, "1") == 0 ? LLM_FIT_COMPLETE : LLM_FIT_UNKNOWN;
}

static void llm_run(void)
{
	static const struct fake_reply none = {.text = "Sorry, can you say that again?"};
	const struct fake_reply *r = llm.next < llm.reply_count ? &llm.replies[llm.next] : &none;
	uint32_t id = llm.id;

	if (!llm.is_busy || w.now_us < llm.at || llm.now == FAKE_IS_SILENT)
		return;
	if (llm.now == FAKE_FAILS || llm.now == FAKE_FAILS_HALFWAY) {
		if (llm.now == FAKE_FAILS_HALFWAY)
			llm.cb.on_delta(llm.cb.arg, id, "This is the beginning of a sentence, and");
		if (llm.is_busy && llm.id == id) {
			llm.is_busy = false;
			llm.cb.on_error(llm.cb.arg, id, -TR_EENGINE, "llm crashed");
		}
		return;
	}

	llm.next++;
	if (r->silence_ms || r->is_number || r->is_sensitive || r->key_ends || r->keys_most)
		llm.cb.on_listen(llm.cb.arg, id,
			&(struct llm_listen){.context = "state", .silence_ms = r->silence_ms, .is_number = r->is_number,
				.is_sensitive = r->is_sensitive, .key_ends = r->key_ends, .keys_most = r->keys_most, .keys_ms = r->keys_ms});
	for (const char *p = r->text; p && *p && llm.is_busy && llm.id == id; p += MIN(strlen(p), 7)) {
		char delta[8];

		buf_copy(delta, sizeof(delta), p);
		llm.cb.on_delta(llm.cb.arg, id, delta);
	}
	if (r->tool && llm.is_busy && llm.id == id)
		llm.cb.on_tool(llm.cb.arg, id, "c1", r->tool, r->args);
	if (llm.is_busy && llm.id == id) {
		llm.is_busy = false;
		llm.cb.on_done(llm.cb.arg, id);
	}
}

static const struct llm_ops llm_ops = {llm_open, llm_close, llm_respond, llm_cancel, llm_judge};

/* ---- tts -------------------------------------------------------------------------------------------------------------------- */

struct fake_request {
	uint32_t id;
	int64_t at;
	enum fake_mode mode;
	char text[512];
};

struct fake_tts {
	struct tts_port port;
	enum fake_mode mode;
	uint32_t fail_times, delay_ms;
	uint32_t lead_ms; /* silence before the first word */
	uint32_t spoken, opened;
	char last[512];
	char made[1024]; /* texts that became audio, a bar between two */
};
static struct fake_tts tts, other_tts;

struct fake_voice {
	struct tts_session session;
	struct fake_tts *tts;
	struct tts_callbacks cb;
	struct fake_request queue[LIMIT_TTS_QUEUE];
	uint32_t count;
	struct fake_voice *next;
};
static struct fake_voice *voices;

static int tts_open(struct tts_port *port, const struct tts_params *p, struct tts_session **ret, struct port_fault *ret_fault)
{
	struct fake_tts *t = container_of(port, struct fake_tts, port);
	struct fake_voice *v = calloc(1, sizeof(*v));

	if (t->mode == FAKE_REFUSES && t->fail_times == 0) {
		free(v);
		return port_fail(ret_fault, -TR_EENGINE, "tts is down");
	}
	v->session.ops = port->ops;
	v->tts = t;
	v->cb = p->cb;
	v->next = voices;
	voices = v;
	t->opened++;
	*ret = &v->session;

	return 0;
}

static void tts_close(struct tts_session *s)
{
	struct fake_voice *v = container_of(s, struct fake_voice, session);

	for (struct fake_voice **at = &voices; *at; at = &(*at)->next)
		if (*at == v) {
			*at = v->next;
			break;
		}
	free(v);
}

static int tts_speak(struct tts_session *s, uint32_t id, const char *text, struct port_fault *ret_fault)
{
	struct fake_voice *v = container_of(s, struct fake_voice, session);
	struct fake_tts *t = v->tts;
	enum fake_mode mode = t->mode;

	assert_true(*text && id != 0);
	if (mode != FAKE_WORKS && t->fail_times && --t->fail_times == 0)
		t->mode = FAKE_WORKS;
	if (mode == FAKE_REFUSES || v->count == LIMIT_TTS_QUEUE)
		return port_fail(ret_fault, -TR_EENGINE, "tts says no");
	t->spoken++;
	buf_copy(t->last, sizeof(t->last), text);
	v->queue[v->count] = (struct fake_request){.id = id, .at = w.now_us + t->delay_ms * 1000, .mode = mode};
	buf_copy(v->queue[v->count].text, sizeof(v->queue[0].text), text);
	v->count++;

	return 0;
}

static void tts_cancel(struct tts_session *s)
{
	container_of(s, struct fake_voice, session)->count = 0;
}

/* As loud as speech and as uneven: its echo can be known again. */
static int16_t fake_sample(size_t i, size_t len)
{
	uint32_t x = (uint32_t)(i / 48) * 2654435761u + (uint32_t)len * 40503u;

	x = (x ^ x >> 15) * 2246822519u;
	x ^= x >> 13;

	return (int16_t)(1500 + (x >> 8) % 7000u);
}

/* Speaks 60 ms a byte, with a mark for each word. */
static void tts_synthesise(struct fake_voice *v, const struct fake_request *r)
{
	size_t lead = v->tts->lead_ms * RATE / 1000;
	size_t len = strlen(r->text), n = lead + len * VOICE_MS_PER_BYTE * RATE / 1000;
	auto_free int16_t *pcm = calloc(n, sizeof(int16_t));
	struct tts_mark mark;

	for (size_t i = lead; i < n; i++)
		pcm[i] = fake_sample(i, len);
	buf_copy(v->tts->made + strlen(v->tts->made), sizeof(v->tts->made) - strlen(v->tts->made), r->text);
	buf_copy(v->tts->made + strlen(v->tts->made), sizeof(v->tts->made) - strlen(v->tts->made), "|");
	if (r->mode == FAKE_FAILS_HALFWAY) {
		v->cb.on_audio(v->cb.arg, r->id, pcm, n / 2);
		v->cb.on_error(v->cb.arg, r->id, -TR_EENGINE, "tts crashed in the middle");
		return;
	}
	for (size_t i = 1; i <= len && v->cb.on_marks; i++)
		if (r->text[i] == ' ' || r->text[i] == '\0') {
			mark = (struct tts_mark){(uint32_t)i, (uint32_t)(lead + i * VOICE_MS_PER_BYTE * RATE / 1000)};
			v->cb.on_marks(v->cb.arg, r->id, &mark, 1);
		}
	for (size_t i = 0; i < n; i += 700)
		v->cb.on_audio(v->cb.arg, r->id, pcm + i, MIN(700, n - i));
	v->cb.on_done(v->cb.arg, r->id);
}

static bool tts_run_one(struct fake_voice *v)
{
	struct fake_request r = v->queue[0];

	if (!v->count || r.mode == FAKE_IS_SILENT || w.now_us < r.at)
		return false;
	v->count--;
	memmove(v->queue, v->queue + 1, v->count * sizeof(r));
	if (r.mode == FAKE_FAILS)
		v->cb.on_error(v->cb.arg, r.id, -TR_EENGINE, "tts crashed");
	else
		tts_synthesise(v, &r);

	return true;
}

static void tts_run(void)
{
	/* A callback may close its session: start over after each. */
	for (struct fake_voice *v = voices; v;)
		v = tts_run_one(v) ? voices : v->next;
}

static const struct tts_ops tts_ops = {tts_open, tts_close, tts_speak, tts_cancel};

/* ---- the world ---------------------------------------------------------------------------------------------------------------- */

static void on_event(void *ctx, const struct agent_event *ev)
{
	struct logged *l = &w.log[w.log_n];

	assert_true(w.log_n < EVENTS);
	assert_int_equal(ev->call, 77);
	w.log_n++;
	w.transfers += ev->kind == AGENT_TRANSFER;
	w.hang_ups += ev->kind == AGENT_HANG_UP;
	*l = (struct logged){.kind = ev->kind, .ev = *ev, .at_us = w.now_us};
	if (ev->kind == AGENT_TRANSCRIPT)
		buf_copy(l->text, sizeof(l->text), ev->transcript.text);
	if (ev->kind == AGENT_TRANSFER) {
		buf_copy(l->text, sizeof(l->text), ev->transfer.to);
		buf_copy(l->reason, sizeof(l->reason), ev->transfer.reason);
	}
	if (ev->kind == AGENT_HANG_UP)
		buf_copy(l->reason, sizeof(l->reason), ev->reason);
	if (ev->kind == AGENT_FAILED) {
		buf_copy(l->text, sizeof(l->text), ev->failure.part);
		buf_copy(l->reason, sizeof(l->reason), ev->failure.words);
	}
}

static inline int64_t virtual_clock(void *ctx)
{
	return w.now_us;
}

static inline void media_tick(void)
{
	int16_t pcm[FRAME_N] = {0};
	uint8_t speech = w.now_us <= w.voice_until_us ? 250 : 3;

	if (!w.is_connected)
		return;
	if (w.line)
		w.line(pcm, &speech);
	media_port_push_up(w.port, pcm, speech, 0);
	w.up_frames++;
	/* Two samples, since a tone may cross zero at one; late ones, since a fade-out begins loud. */
	if (media_port_pull_down(w.port, w.now_us, pcm) == MEDIA_PULL_AUDIO &&
		(abs(pcm[FRAME_N - 1]) > 100 || abs(pcm[FRAME_N - 6]) > 100)) {
		w.audible_us = w.now_us;
		w.audible_frames++;
	}
	memcpy(w.sent, pcm, sizeof(w.sent));
}

static inline void run(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		w.now_us += 1000;
		stt_run();
		llm_run();
		tts_run();
		if (w.now_us % 20000 == 0)
			media_tick();
		if (w.now_us % 20000 == 1000 && w.brain)
			w.brain->ops->tick(w.brain);
	}
}

/* The caller speaks for so long; the recogniser will find these words in it. */
static inline void speak(const char *words, uint32_t ms)
{
	w.words = words;
	w.voice_until_us = w.now_us + (int64_t)ms * 1000;
	run(ms);
}

static inline void answer(const char *text)
{
	llm.replies[llm.reply_count++ % ARRAY_LEN(llm.replies)] = (struct fake_reply){.text = text};
}

static inline void answer_like(const struct fake_reply *reply)
{
	llm.replies[llm.reply_count++ % ARRAY_LEN(llm.replies)] = *reply;
}

static inline void answer_tool(const char *text, const char *tool, const char *args)
{
	llm.replies[llm.reply_count++ % ARRAY_LEN(llm.replies)] = (struct fake_reply){.text = text, .tool = tool, .args = args};
}

/* Makes the world; the call begins with begin_call. */
static inline int set_up(void **state)
{
	w = (struct world){.now_us = 5000000, .words = "", .is_connected = true};
	stt = (struct fake_stt){.stream = {&stt_ops}, .port = {&stt_ops, "embedded"}, .delay_ms = 20};
	stt_forget();
	llm = (struct fake_llm){.session = {&llm_ops}, .port = {&llm_ops, "embedded"}, .delay_ms = 20};
	tts = (struct fake_tts){.port = {&tts_ops, "embedded"}, .delay_ms = 20};
	other_tts = (struct fake_tts){.port = {&tts_ops, "other"}, .delay_ms = 20};
	voices = NULL;
	assert_int_equal(agent_providers_add_stt(&w.providers, &stt.port), 0);
	assert_int_equal(agent_providers_add_llm(&w.providers, &llm.port), 0);
	assert_int_equal(agent_providers_add_tts(&w.providers, &tts.port), 0);
	assert_int_equal(agent_providers_add_tts(&w.providers, &other_tts.port), 0);
	w.config = (struct agent_config){.name = "test", .transfer_to = "200"};
	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = RATE}, &w.port), 0);
	assert_true(media_port_connect(w.port));
	w.recorded = recorded_new();
	answer("Hello, this is the test. How can I help?");

	return 0;
}

static inline void begin_call(void)
{
	struct brain_env env = {
		.call = 77,
		.port = w.port,
		.providers = &w.providers,
		.recorded = w.recorded,
		.on_event = on_event,
		.clock_us = virtual_clock,
	};

	assert_int_equal(pipeline_new(&w.brain, &env, &w.config), 0);
	w.brain->ops->start(w.brain);
}

static inline void end_call(void)
{
	if (w.brain)
		w.brain->ops->free(w.brain);
	w.brain = NULL;
}

static inline int tear_down(void **state)
{
	int events;

	end_call();
	w.recorded = recorded_free(w.recorded);
	/* Nothing comes after the end. */
	events = w.log_n;
	w.is_connected = false;
	run(50);
	assert_int_equal(w.log_n, events);
	assert_null(voices);
	assert_false(stt.is_open);
	assert_false(llm.is_open);
	w.port = media_port_unref(w.port);

	return 0;
}

/* ---- looking back --------------------------------------------------------------------------------------------------------------- */

static inline int count(enum agent_event_kind kind)
{
	int n = 0;

	for (int i = 0; i < w.log_n; i++)
		n += w.log[i].kind == kind;

	return n;
}

static inline const struct logged *last(enum agent_event_kind kind)
{
	for (int i = w.log_n - 1; i >= 0; i--)
		if (w.log[i].kind == kind)
			return &w.log[i];

	fail_msg("no %s", agent_event_name(kind));
	return NULL;
}

/* Last final line of that side; "" when there is none. */
static inline const char *said_by(enum agent_who who)
{
	for (int i = w.log_n - 1; i >= 0; i--)
		if (w.log[i].kind == AGENT_TRANSCRIPT && w.log[i].ev.transcript.is_final &&
			w.log[i].ev.transcript.who == who)
			return w.log[i].text;

	return "";
}

static inline const struct told *last_told(void)
{
	assert_true(llm.asked > 0);

	return &llm.told[(llm.asked - 1) % 64];
}

/* Our voice is in the line now. */
static inline bool is_audible(void)
{
	return w.now_us - w.audible_us < 40000;
}

/* Begins the call and lets the greeting be spoken out. */
static inline void greet(void)
{
	begin_call();
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
	assert_false(is_audible());
}
