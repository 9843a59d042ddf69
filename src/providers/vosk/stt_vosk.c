/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/stt_vosk.h"
#include <jansson.h>
#include <pthread.h>
#include <time.h>
#include "providers/embedded/abe.h"
#include "providers/vosk/transcript.h"
#include "providers/vosk/vosk_lib.h"

enum {
	NATIVE_HZ = 16000,
	UTTERANCE_MAX = LIMIT_STT_UTTERANCE_MS * (NATIVE_HZ / 1000),
	BATCH_MS = 100, /* audio that is collected before a compute thread is woken: partials need no more */
};

/* One recogniser. What it was made for is kept: the next utterance often wants the same. */
struct slot {
	struct list link; /* among the free ones */
	struct vosk_recogniser *recogniser;
	char *phrases;	  /* JSON; NULL: everything */
	uint64_t fed;	  /* samples since it was made: its own clock */
};

struct engine {
	struct stt_port port;
	struct compute *compute;
	struct vosk_lib *lib;
	struct list free;
	uint32_t stream_count;
	struct stt_vosk_stats stats;
};

/* What the loop wants of the worker; each is carried out in the order of the fields. */
struct orders {
	bool stop; /* forget the utterance at hand */
	uint32_t begin;
	char *phrases; /* of begin; the worker's to free */
	bool resume, pause, end;
	int16_t *pcm; /* at the stream's rate */
	size_t n, cap;
	int64_t end_us;
};

struct stream {
	struct stt_stream base;
	struct engine *engine;
	struct stt_callbacks cb;
	uint32_t rate_hz;
	struct compute_lane lane;
	struct compute_job job;

	/* of the loop */
	uint32_t id; /* utterance whose results are wanted; 0: none */
	char *phrases;
	struct slot *slot; /* held from begin until the worker is through */
	bool is_scheduled, is_closed;

	/* between both */
	pthread_mutex_t lock;
	struct orders orders;

	/* of the worker */
	struct abe *abe;
	uint32_t work_id;
	size_t n;	  /* samples of the utterance at NATIVE_HZ */
	double before_s;  /* the recogniser's time at its beginning */
	bool is_prepared; /* the transcript holds all that was said; what comes is silence */
	struct vosk_transcript transcript;
	char guessed[2048];
	int64_t compute_us;
};

enum result_kind { PARTIAL, STABLE, FINAL, FAILED };

struct result_msg {
	struct compute_msg head;
	struct stream *stream;
	uint32_t id;
	enum result_kind kind;
	uint32_t audio_ms, compute_us, wait_us;
	struct vosk_transcript transcript;
};

static int64_t thread_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- on the loop: results --------------------------------------------------------------------------------------------- */

static void deliver_final(struct stream *s, const struct result_msg *msg)
{
	struct stt_word words[LIMIT_STT_WORDS];
	const struct vosk_transcript *t = &msg->transcript;
	struct stt_final final = {
		.text = t->text,
		.confidence = vosk_transcript_confidence(t),
		.words = words,
		.word_count = t->word_count,
		.audio_ms = msg->audio_ms,
		.compute_us = msg->compute_us,
		.wait_us = msg->wait_us,
	};

	for (size_t i = 0; i < t->word_count; i++)
		words[i] = (struct stt_word){t->words[i].text, t->words[i].start_ms, t->words[i].end_ms, t->words[i].confidence};
	s->engine->stats.finals++;
	s->engine->stats.audio_ms += msg->audio_ms;
	s->engine->stats.compute_us += msg->compute_us;
	s->cb.on_final(s->cb.arg, msg->id, &final);
}

static void deliver(struct compute_msg *head)
{
	struct result_msg *msg = container_of(head, struct result_msg, head);
	struct stream *s = msg->stream;

	/* The stream outlives its jobs, and messages come before completions. */
	if (msg->id == s->id) {
		if (msg->kind == FINAL || msg->kind == FAILED)
			s->id = 0; /* the callback may begin the next */
		if (msg->kind == FINAL)
			deliver_final(s, msg);
		else if (msg->kind == FAILED)
			s->cb.on_error(s->cb.arg, msg->id, -TR_EENGINE, "Vosk failed on this utterance");
		else
			s->cb.on_partial(s->cb.arg, msg->id, msg->transcript.text, msg->kind == STABLE);
	}
	free(msg);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

static struct result_msg *post_new(struct stream *s, enum result_kind kind, int64_t end_us)
{
	struct result_msg *msg = mem_zalloc(sizeof(*msg));

	msg->head.deliver = deliver;
	msg->stream = s;
	msg->id = s->work_id;
	msg->kind = kind;
	msg->audio_ms = (uint32_t)(s->n / (NATIVE_HZ / 1000));
	msg->compute_us = (uint32_t)s->compute_us;
	msg->wait_us = end_us ? (uint32_t)(clock_us() - end_us) : 0;

	return msg;
}

static void post(struct stream *s, enum result_kind kind, int64_t end_us)
{
	struct result_msg *msg = post_new(s, kind, end_us);

	if (kind != FAILED)
		msg->transcript = s->transcript;
	compute_post(s->engine->compute, &msg->head);
}

static void post_guess(struct stream *s, const char *text)
{
	struct result_msg *msg = post_new(s, PARTIAL, 0);

	buf_copy(msg->transcript.text, sizeof(msg->transcript.text), text);
	compute_post(s->engine->compute, &msg->head);
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void slot_drop(const struct vosk_lib *lib, struct slot *slot)
{
	if (slot->recogniser)
		lib->recogniser_free(slot->recogniser);
	free(slot->phrases);
	slot->recogniser = NULL;
	slot->phrases = NULL;
}

/* A recogniser for these phrases, fresh. Takes phrases over. */
static bool slot_prepare(const struct vosk_lib *lib, struct slot *slot, char *phrases)
{
	if (slot->recogniser && is_same(slot->phrases, phrases)) {
		free(phrases);
		lib->reset(slot->recogniser);
		return true;
	}
	slot_drop(lib, slot);
	slot->phrases = phrases;
	slot->fed = 0;
	slot->recogniser = phrases ? lib->recogniser_new_grm(lib->model, NATIVE_HZ, phrases) : lib->recogniser_new(lib->model, NATIVE_HZ);
	if (slot->recogniser)
		lib->set_words(slot->recogniser, 1);

	return slot->recogniser != NULL;
}

static void work_fail(struct stream *s)
{
	post(s, FAILED, 0);
	slot_drop(s->engine->lib, s->slot);
	s->work_id = 0;
}

static void work_begin(struct stream *s, struct orders *orders)
{
	char *phrases = orders->phrases;

	orders->phrases = NULL;
	s->work_id = orders->begin;
	s->n = 0;
	s->is_prepared = false;
	s->compute_us = 0;
	s->transcript = (struct vosk_transcript){0};
	s->guessed[0] = 0;
	abe_reset(s->abe);
	if (!slot_prepare(s->engine->lib, s->slot, phrases))
		work_fail(s);
	else
		s->before_s = (double)s->slot->fed / NATIVE_HZ;
}

/* Audio at NATIVE_HZ into the recogniser, as long as the utterance is not longer than one may be. */
static void decode(struct stream *s, const int16_t *pcm, size_t n)
{
	const struct vosk_lib *lib = s->engine->lib;
	struct vosk_recogniser *r = s->slot->recogniser;

	n = MIN(n, UTTERANCE_MAX - MIN(s->n, (size_t)UTTERANCE_MAX));
	if (!n || !s->work_id)
		return;
	s->n += n;
	s->slot->fed += n;

	int is_end = lib->accept(r, pcm, (int)n);

	if (is_end < 0)
		work_fail(s);
	else if (is_end)
		vosk_transcript_add(&s->transcript, lib->result(r), s->before_s);
}

static void work_audio(struct stream *s, const int16_t *pcm, size_t n)
{
	int16_t wide[ABE_OUT_MAX];

	for (size_t part; n && s->work_id; pcm += part, n -= part) {
		part = MIN(n, (size_t)ABE_CHUNK_MAX);
		if (s->rate_hz == NATIVE_HZ)
			decode(s, pcm, part);
		else
			decode(s, wide, abe_process(s->abe, pcm, part, wide));
	}
}

static void work_guess(struct stream *s)
{
	char text[sizeof(s->guessed)];

	vosk_transcript_guess(&s->transcript, s->engine->lib->partial(s->slot->recogniser), text, sizeof(text));
	if (!strcmp(text, s->guessed))
		return;
	buf_copy(s->guessed, sizeof(s->guessed), text);
	post_guess(s, text);
}

/* Everything said so far becomes part of the transcript; the recogniser goes on behind it, should more come. */
static void work_close(struct stream *s)
{
	static const int16_t zeros[ABE_DELAY / 2];

	if (s->is_prepared)
		return;
	if (s->rate_hz != NATIVE_HZ)
		work_audio(s, zeros, ARRAY_LEN(zeros));
	if (!s->work_id)
		return;
	vosk_transcript_add(&s->transcript, s->engine->lib->final(s->slot->recogniser), s->before_s);
	s->is_prepared = true;
}

static void carry_out(struct stream *s, const struct orders *o, int64_t cpu_us)
{
	if (o->resume)
		s->is_prepared = false;
	/* Behind a pause comes silence, which would only cost time. */
	if (!s->is_prepared) {
		work_audio(s, o->pcm, o->n);
		if (s->work_id && o->n && !o->pause && !o->end)
			work_guess(s);
	}
	if (s->work_id && (o->pause || o->end))
		work_close(s);
	s->compute_us += thread_cpu_us() - cpu_us;
	if (!s->work_id)
		return;
	if (o->end) {
		post(s, FINAL, o->end_us);
		s->work_id = 0;
	} else if (o->pause) {
		post(s, STABLE, 0);
	}
}

static void run(struct compute_job *job)
{
	struct stream *s = container_of(job, struct stream, job);
	int64_t cpu_us = thread_cpu_us();

	pthread_mutex_lock(&s->lock);

	struct orders orders = s->orders;

	s->orders = (struct orders){0};
	pthread_mutex_unlock(&s->lock);

	if (orders.stop)
		s->work_id = 0;
	if (orders.begin)
		work_begin(s, &orders);
	if (s->work_id)
		carry_out(s, &orders, cpu_us);
	free(orders.phrases);
	free(orders.pcm);
}

/* ---- on the loop: orders ---------------------------------------------------------------------------------------------- */

static bool has_orders(struct stream *s)
{
	pthread_mutex_lock(&s->lock);

	const struct orders *o = &s->orders;
	bool has = o->stop || o->begin || o->resume || o->pause || o->end || o->n >= s->rate_hz / 1000 * BATCH_MS;

	pthread_mutex_unlock(&s->lock);

	return has;
}

static void schedule(struct stream *s)
{
	if (s->is_scheduled || !has_orders(s))
		return;
	s->is_scheduled = true;
	compute_submit_reserved(&s->lane, &s->job);
}

static void stream_free(struct stream *s)
{
	s->engine->stream_count--;
	abe_free(s->abe);
	free(s->phrases);
	free(s->orders.phrases);
	free(s->orders.pcm);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void release_slot(struct stream *s)
{
	if (!s->slot)
		return;
	/* At the front: what was used last is the likeliest to be wanted again. */
	list_prepend(&s->engine->free, &s->slot->link);
	s->slot = NULL;
	s->engine->stats.busy--;
}

static void job_done(struct compute_job *job)
{
	struct stream *s = container_of(job, struct stream, job);

	s->is_scheduled = false;
	schedule(s);
	if (s->is_scheduled)
		return;
	if (!s->id)
		release_slot(s);
	if (s->is_closed)
		stream_free(s);
}

static int vosk_open(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret, struct port_fault *ret_fault)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (strncasecmp(params->language ? params->language : "en", "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "Vosk's model here is English, not \"%s\"", params->language);
	if (params->rate_hz != 8000 && params->rate_hz != 16000)
		return port_fail(ret_fault, -TR_EUNSUPP, "%u Hz is neither 8000 nor 16000", params->rate_hz);
	if (engine->stream_count >= LIMIT_STT_STREAMS)
		return port_fail(ret_fault, -TR_ELIMIT, "Vosk hears %d calls already", LIMIT_STT_STREAMS);

	struct stream *s = mem_zalloc(sizeof(*s));

	s->base.ops = port->ops;
	s->engine = engine;
	s->cb = params->cb;
	s->rate_hz = params->rate_hz;
	s->abe = abe_new();
	s->job.run = run;
	s->job.done = job_done;
	pthread_mutex_init(&s->lock, NULL);
	compute_lane_init(&s->lane, engine->compute);
	engine->stream_count++;
	*ret = &s->base;

	return 0;
}

static int vosk_set_context(struct stt_stream *base, const struct stt_context *context)
{
	struct stream *s = container_of(base, struct stream, base);
	json_t *list = context->phrase_count ? json_array() : NULL;

	for (size_t i = 0; i < context->phrase_count; i++)
		json_array_append_new(list, json_string(context->phrases[i]));
	if (list)
		json_array_append_new(list, json_string("[unk]"));
	free(s->phrases);
	s->phrases = list ? json_dumps(list, JSON_COMPACT) : NULL;
	json_decref(list);

	return 0;
}

/* Under the lock. */
static void append(struct orders *orders, const int16_t *pcm, size_t n)
{
	if (!n || orders->n + n > UTTERANCE_MAX)
		return;
	if (orders->n + n > orders->cap) {
		orders->cap = MAX(2 * orders->cap, orders->n + n);
		orders->pcm = mem_realloc(orders->pcm, orders->cap * sizeof(*pcm));
	}
	memcpy(orders->pcm + orders->n, pcm, n * sizeof(*pcm));
	orders->n += n;
}

static int vosk_begin(struct stt_stream *base, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault)
{
	struct stream *s = container_of(base, struct stream, base);
	struct engine *engine = s->engine;

	assert(id);
	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "utterance %u is not over", s->id);
	/* One that was cancelled may still hold its recogniser. */
	if (!s->slot) {
		s->slot = list_first(&engine->free, struct slot, link);
		if (!s->slot) {
			engine->stats.refused++;
			return port_fail(ret_fault, -TR_ELIMIT, "all %u of Vosk's recognisers are listening to other callers",
				engine->stats.recognisers);
		}
		list_unlink(&s->slot->link);
		engine->stats.busy++;
	}
	s->id = id;
	pthread_mutex_lock(&s->lock);
	s->orders.begin = id;
	free(s->orders.phrases);
	s->orders.phrases = s->phrases ? mem_strdup(s->phrases) : NULL;
	append(&s->orders, preroll, n);
	pthread_mutex_unlock(&s->lock);
	schedule(s);

	return 0;
}

static void vosk_feed(struct stt_stream *base, const int16_t *pcm, size_t n)
{
	struct stream *s = container_of(base, struct stream, base);

	if (!s->id)
		return;
	pthread_mutex_lock(&s->lock);
	append(&s->orders, pcm, n);
	pthread_mutex_unlock(&s->lock);
	schedule(s);
}

static void order(struct stream *s, bool resume, bool pause, bool end)
{
	if (!s->id)
		return;
	pthread_mutex_lock(&s->lock);
	s->orders.resume |= resume;
	s->orders.pause = pause || (s->orders.pause && !resume);
	if (end && !s->orders.end) {
		s->orders.end = true;
		s->orders.end_us = clock_us();
	}
	pthread_mutex_unlock(&s->lock);
	schedule(s);
}

static void vosk_pause(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), false, true, false);
}

static void vosk_resume(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), true, false, false);
}

static void vosk_end(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), false, false, true);
}

static void vosk_cancel(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	if (!s->id)
		return;
	s->id = 0;
	pthread_mutex_lock(&s->lock);
	free(s->orders.phrases);
	free(s->orders.pcm);
	s->orders = (struct orders){.stop = true};
	pthread_mutex_unlock(&s->lock);
	schedule(s);
}

static void vosk_close(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	vosk_cancel(base);
	s->is_closed = true;
	if (!s->is_scheduled) {
		release_slot(s);
		stream_free(s);
	}
}

static const struct stt_ops ops = {
	.open = vosk_open,
	.close = vosk_close,
	.set_context = vosk_set_context,
	.begin = vosk_begin,
	.feed = vosk_feed,
	.pause = vosk_pause,
	.resume = vosk_resume,
	.end = vosk_end,
	.cancel = vosk_cancel,
};

/* ---- the engine ------------------------------------------------------------------------------------------------------- */

int stt_vosk_new(struct stt_port **ret, struct compute *compute, const struct stt_vosk_params *params, struct port_fault *ret_fault)
{
	msec_t begun = clock_ms();
	struct engine *engine = mem_zalloc(sizeof(*engine));
	int err = vosk_lib_open(&engine->lib, params->dir, ret_fault);

	if (err) {
		free(engine);
		return err;
	}
	engine->port = (struct stt_port){&ops, "vosk"};
	engine->compute = compute;
	list_init(&engine->free);
	engine->stats.recognisers = params->recognisers ? params->recognisers : 4 * compute_threads(compute);
	for (uint32_t i = 0; i < engine->stats.recognisers; i++) {
		struct slot *slot = mem_zalloc(sizeof(*slot));

		list_append(&engine->free, &slot->link);
	}
	engine->stats.load_ms = (uint32_t)(clock_ms() - begun);
	*ret = &engine->port;

	return 0;
}

struct stt_port *stt_vosk_free(struct stt_port *port)
{
	if (!port)
		return NULL;

	struct engine *engine = container_of(port, struct engine, port);

	assert(engine->stream_count == 0);
	list_each(&engine->free, struct slot, link, slot) {
		slot_drop(engine->lib, slot);
		free(slot);
	}
	vosk_lib_close(engine->lib);
	free(engine);

	return NULL;
}

struct stt_vosk_stats stt_vosk_stats(struct stt_port *port)
{
	return container_of(port, struct engine, port)->stats;
}
