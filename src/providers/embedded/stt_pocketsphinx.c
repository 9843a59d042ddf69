/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/stt_pocketsphinx.h"
#include <pthread.h>
#include <time.h>
#include "providers/embedded/abe.h"
#include "providers/embedded/recogniser.h"

enum {
	NATIVE_HZ = 16000,
	UTTERANCE_MAX = LIMIT_STT_UTTERANCE_MS * (NATIVE_HZ / 1000),
	BATCH_MS = 100, /* audio that is collected before a compute thread is woken: partials need no more */
};

/* Decoders of the same grammars. The engine has one set; those that it replaced live until their last decoder comes back. */
struct set {
	struct recogniser_model *model;
	struct list free;
	uint32_t decoder_count, busy;
};

struct decoder {
	struct list link; /* among the free ones */
	struct set *set;
	struct recogniser *recogniser;
};

struct engine {
	struct stt_port port;
	struct compute *compute;
	char *model_dir;
	uint32_t want; /* decoders */
	struct set *set;
	struct compute_lane load_lane;
	struct list loads; /* the first is at work */
	uint32_t load_count;
	uint32_t stream_count;
	bool without_partials;
	struct stt_pocketsphinx_stats stats;
};

/* A set in the making: one step (the model, then each decoder) a job, so that a single compute thread serves calls between. */
struct load {
	struct list link;
	struct engine *engine;
	struct compute_job job;
	struct stt_grammar *grammars;
	size_t grammar_count;
	struct set *set;
	stt_pocketsphinx_loaded_fn *on_loaded;
	void *arg;
	msec_t begun;
	int err;
	struct port_fault fault;
};

/* What the loop wants of the worker; each is carried out in the order of the fields. */
struct orders {
	bool stop; /* forget the utterance at hand */
	uint32_t begin;
	size_t context;
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
	char *context; /* NULL: anything */
	struct decoder *decoder; /* held from begin until the worker is through */
	bool is_scheduled, is_closed;

	/* between both */
	pthread_mutex_t lock;
	struct orders orders;

	/* of the worker */
	struct abe *abe;
	uint32_t work_id;
	size_t work_context;
	int16_t *pcm; /* the utterance at NATIVE_HZ */
	size_t n, cap;
	bool is_prepared; /* result holds the final */
	bool is_continued; /* live decoding began anew behind result's text */
	struct recogniser_result result;
	int64_t compute_us;
};

enum result_kind { PARTIAL, STABLE, FINAL, FAILED };

struct result_msg {
	struct compute_msg head;
	struct stream *stream;
	uint32_t id;
	enum result_kind kind;
	uint32_t audio_ms, compute_us, wait_us;
	struct recogniser_result result;
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
	const struct recogniser_result *result = &msg->result;

	for (size_t i = 0; i < result->word_count; i++)
		words[i] = (struct stt_word){result->words[i].text, result->words[i].start_ms,
			result->words[i].end_ms, result->words[i].confidence};

	struct stt_final final = {
		.text = result->text,
		.confidence = result->confidence,
		.words = words,
		.word_count = result->word_count,
		.audio_ms = msg->audio_ms,
		.compute_us = msg->compute_us,
		.wait_us = msg->wait_us,
	};

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
			s->cb.on_error(s->cb.arg, msg->id, -TR_EENGINE, "PocketSphinx failed on this utterance");
		else
			s->cb.on_partial(s->cb.arg, msg->id, msg->result.text, msg->kind == STABLE);
	}
	free(msg);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

static void post(struct stream *s, enum result_kind kind, const struct recogniser_result *result, int64_t end_us)
{
	struct result_msg *msg = mem_zalloc(sizeof(*msg));

	msg->head.deliver = deliver;
	msg->stream = s;
	msg->id = s->work_id;
	msg->kind = kind;
	msg->audio_ms = (uint32_t)(s->n / (NATIVE_HZ / 1000));
	msg->compute_us = (uint32_t)s->compute_us;
	msg->wait_us = end_us ? (uint32_t)(clock_us() - end_us) : 0;
	if (result)
		msg->result = *result;
	compute_post(s->engine->compute, &msg->head);
}

static void work_begin(struct stream *s, const struct orders *orders)
{
	s->work_id = orders->begin;
	s->work_context = orders->context;
	s->n = 0;
	s->is_prepared = s->is_continued = false;
	s->compute_us = 0;
	abe_reset(s->abe);
	if (!s->engine->without_partials && recogniser_start(s->decoder->recogniser, s->work_context) < 0) {
		post(s, FAILED, NULL, 0);
		s->work_id = 0;
	}
}

static int16_t *room_for(struct stream *s, size_t n)
{
	if (s->n + n > s->cap) {
		s->cap = MAX(2 * s->cap, s->n + n + NATIVE_HZ);
		s->pcm = mem_realloc(s->pcm, s->cap * sizeof(*s->pcm));
	}

	return s->pcm + s->n;
}

/* Takes audio at the stream's rate into the utterance, as long as it is not longer than one may be. */
static void work_audio(struct stream *s, const int16_t *pcm, size_t n)
{
	size_t before = s->n;

	for (size_t part; n && s->n < UTTERANCE_MAX; pcm += part, n -= part) {
		part = MIN(n, (size_t)ABE_CHUNK_MAX);
		if (s->rate_hz == NATIVE_HZ) {
			memcpy(room_for(s, part), pcm, part * sizeof(*pcm));
			s->n += part;
		} else {
			s->n += abe_process(s->abe, pcm, part, room_for(s, ABE_OUT_MAX));
		}
	}
	if (s->engine->without_partials || s->n == before)
		return;

	struct recogniser_result guess = {0};
	size_t known = 0;

	if (s->is_continued && s->result.text[0]) {
		buf_copy(guess.text, sizeof(guess.text) / 2, s->result.text);
		known = strlen(guess.text);
		guess.text[known++] = ' ';
	}
	recogniser_feed(s->decoder->recogniser, s->pcm + before, s->n - before);
	if (recogniser_guess(s->decoder->recogniser, guess.text + known, sizeof(guess.text) - known))
		post(s, PARTIAL, &guess, 0);
}

/* The whole utterance anew. Live decoding starts over behind it, should speech go on. */
static int work_decode(struct stream *s)
{
	struct recogniser *r = s->decoder->recogniser;

	recogniser_stop(r);

	int err = recogniser_decode(r, s->work_context, s->pcm, s->n, &s->result);

	s->is_prepared = !err;

	return err;
}

static void work_pause(struct stream *s)
{
	if (s->is_prepared || work_decode(s) < 0)
		return; /* end tells */
	post(s, STABLE, &s->result, 0);
	s->is_continued = true;
	if (!s->engine->without_partials && recogniser_start(s->decoder->recogniser, s->work_context) < 0)
		s->is_prepared = false;
}

static void work_end(struct stream *s, int64_t cpu_us, int64_t end_us)
{
	static const int16_t zeros[ABE_DELAY / 2];
	bool is_done = s->is_prepared;

	if (!is_done) {
		if (s->rate_hz != NATIVE_HZ)
			work_audio(s, zeros, ARRAY_LEN(zeros));
		is_done = work_decode(s) == 0;
	}
	recogniser_stop(s->decoder->recogniser);
	s->compute_us += thread_cpu_us() - cpu_us;
	post(s, is_done ? FINAL : FAILED, is_done ? &s->result : NULL, end_us);
	s->work_id = 0;
}

static void run(struct compute_job *job)
{
	struct stream *s = container_of(job, struct stream, job);
	int64_t cpu_us = thread_cpu_us();

	pthread_mutex_lock(&s->lock);

	struct orders orders = s->orders;

	s->orders = (struct orders){0};
	pthread_mutex_unlock(&s->lock);

	if (orders.stop && s->work_id) {
		recogniser_stop(s->decoder->recogniser);
		s->work_id = 0;
	}
	if (orders.begin)
		work_begin(s, &orders);
	if (s->work_id) {
		if (orders.resume)
			s->is_prepared = false;
		work_audio(s, orders.pcm, orders.n);
		if (orders.pause && !orders.end)
			work_pause(s);
		if (orders.end)
			work_end(s, cpu_us, orders.end_us);
		else
			s->compute_us += thread_cpu_us() - cpu_us;
	}
	free(orders.pcm);
}

/* ---- on the loop: orders ---------------------------------------------------------------------------------------------- */

static bool has_orders(struct stream *s)
{
	pthread_mutex_lock(&s->lock);

	const struct orders *o = &s->orders;
	bool has = o->stop || o->begin || o->resume || o->pause || o->end ||
		   o->n >= s->rate_hz / 1000 * BATCH_MS;

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
	free(s->pcm);
	free(s->orders.pcm);
	free(s->context);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct set *set_free(struct set *set)
{
	if (!set)
		return NULL;

	list_each(&set->free, struct decoder, link, decoder) {
		recogniser_free(decoder->recogniser);
		free(decoder);
	}
	recogniser_model_free(set->model);
	free(set);

	return NULL;
}

static void release_decoder(struct stream *s)
{
	if (!s->decoder)
		return;

	struct set *set = s->decoder->set;

	list_append(&set->free, &s->decoder->link);
	s->decoder = NULL;
	s->engine->stats.busy--;
	if (--set->busy == 0 && set != s->engine->set)
		set_free(set);
}

/* A decoder of the newest grammars; one that was kept from a cancelled utterance may be of older ones. */
static bool take_decoder(struct stream *s)
{
	struct engine *engine = s->engine;

	if (s->decoder && (s->is_scheduled || s->decoder->set == engine->set))
		return true;
	release_decoder(s);
	s->decoder = list_first(&engine->set->free, struct decoder, link);
	if (!s->decoder)
		return false;
	list_unlink(&s->decoder->link);
	s->decoder->set->busy++;
	engine->stats.busy++;

	return true;
}

static void job_done(struct compute_job *job)
{
	struct stream *s = container_of(job, struct stream, job);

	s->is_scheduled = false;
	schedule(s);
	if (s->is_scheduled)
		return;
	if (!s->id)
		release_decoder(s);
	if (s->is_closed)
		stream_free(s);
}

static int ps_open(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret,
	struct port_fault *ret_fault)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (strncasecmp(params->language ? params->language : "en", "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "the embedded recogniser knows English, not \"%s\"",
			params->language);
	if (params->rate_hz != 8000 && params->rate_hz != 16000)
		return port_fail(ret_fault, -TR_EUNSUPP, "%u Hz is neither 8000 nor 16000", params->rate_hz);
	if (engine->stream_count >= LIMIT_STT_STREAMS)
		return port_fail(ret_fault, -TR_ELIMIT, "the embedded recogniser hears %d calls already",
			LIMIT_STT_STREAMS);

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

static int ps_set_context(struct stt_stream *base, const struct stt_context *context)
{
	struct stream *s = container_of(base, struct stream, base);

	free(s->context);
	s->context = context->name ? mem_strdup(context->name) : NULL;

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

static int ps_begin(struct stt_stream *base, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault)
{
	struct stream *s = container_of(base, struct stream, base);
	struct engine *engine = s->engine;

	assert(id);
	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "utterance %u is not over", s->id);
	if (!take_decoder(s)) {
		engine->stats.refused++;
		return port_fail(ret_fault, -TR_ELIMIT, "all %u decoders are listening to other callers",
			engine->stats.decoders);
	}
	s->id = id;
	pthread_mutex_lock(&s->lock);
	s->orders.begin = id;
	s->orders.context = recogniser_model_find(s->decoder->set->model, s->context);
	append(&s->orders, preroll, n);
	pthread_mutex_unlock(&s->lock);
	schedule(s);

	return 0;
}

static void ps_feed(struct stt_stream *base, const int16_t *pcm, size_t n)
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

static void ps_pause(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), false, true, false);
}

static void ps_resume(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), true, false, false);
}

static void ps_end(struct stt_stream *base)
{
	order(container_of(base, struct stream, base), false, false, true);
}

static void ps_cancel(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	if (!s->id)
		return;
	s->id = 0;
	pthread_mutex_lock(&s->lock);
	free(s->orders.pcm);
	s->orders = (struct orders){.stop = true};
	pthread_mutex_unlock(&s->lock);
	schedule(s);
}

static void ps_close(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	ps_cancel(base);
	s->is_closed = true;
	if (!s->is_scheduled) {
		release_decoder(s);
		stream_free(s);
	}
}

static const struct stt_ops ops = {
	.open = ps_open,
	.close = ps_close,
	.set_context = ps_set_context,
	.begin = ps_begin,
	.feed = ps_feed,
	.pause = ps_pause,
	.resume = ps_resume,
	.end = ps_end,
	.cancel = ps_cancel,
};

/* ---- the engine ------------------------------------------------------------------------------------------------------- */

static struct set *set_new(void)
{
	struct set *set = mem_zalloc(sizeof(*set));

	list_init(&set->free);

	return set;
}

static int add_decoder(struct set *set, struct port_fault *ret_fault)
{
	struct decoder *decoder = mem_zalloc(sizeof(*decoder));
	int err = recogniser_new(&decoder->recogniser, set->model, ret_fault);

	if (err) {
		free(decoder);
		return err;
	}
	decoder->set = set;
	list_append(&set->free, &decoder->link);
	set->decoder_count++;

	return 0;
}

static void use_set(struct engine *engine, struct set *set, msec_t begun)
{
	struct set *old = engine->set;

	engine->set = set;
	engine->stats.decoders = set->decoder_count;
	engine->stats.load_ms = (uint32_t)(clock_ms() - begun);
	if (old && old->busy == 0)
		set_free(old);
}

static int load_first(struct engine *engine, const struct stt_pocketsphinx_params *params, struct port_fault *ret_fault)
{
	struct set *set = set_new();
	msec_t begun = clock_ms();
	int err = recogniser_model_load(&set->model, params->model_dir, params->grammars, params->grammar_count, ret_fault);

	while (!err && set->decoder_count < engine->want)
		err = add_decoder(set, ret_fault);
	if (err)
		set_free(set);
	else
		use_set(engine, set, begun);

	return err;
}

int stt_pocketsphinx_new(struct stt_port **ret, struct compute *compute, const struct stt_pocketsphinx_params *params,
	struct port_fault *ret_fault)
{
	struct engine *engine = mem_zalloc(sizeof(*engine));

	engine->port = (struct stt_port){&ops, params->name ? params->name : "embedded"};
	engine->compute = compute;
	engine->model_dir = params->model_dir ? mem_strdup(params->model_dir) : NULL;
	engine->want = params->decoders ? params->decoders : 2 * compute_threads(compute);
	engine->without_partials = params->without_partials;
	list_init(&engine->loads);
	compute_lane_init(&engine->load_lane, compute);

	int err = load_first(engine, params, ret_fault);

	if (err) {
		stt_pocketsphinx_free(&engine->port);
		return err;
	}
	*ret = &engine->port;

	return 0;
}

struct stt_port *stt_pocketsphinx_free(struct stt_port *port)
{
	if (!port)
		return NULL;

	struct engine *engine = container_of(port, struct engine, port);

	assert(engine->stream_count == 0 && engine->load_count == 0);
	set_free(engine->set);
	free(engine->model_dir);
	free(engine);

	return NULL;
}

/* ---- other grammars --------------------------------------------------------------------------------------------------- */

/* On a compute thread. */
static void load_run(struct compute_job *job)
{
	struct load *load = container_of(job, struct load, job);

	if (!load->set->model)
		load->err = recogniser_model_load(&load->set->model, load->engine->model_dir, load->grammars,
			load->grammar_count, &load->fault);
	else
		load->err = add_decoder(load->set, &load->fault);
}

static void load_free(struct load *load)
{
	for (size_t i = 0; i < load->grammar_count; i++) {
		free((char *)(uintptr_t)load->grammars[i].name);
		free((char *)(uintptr_t)load->grammars[i].text.p);
	}
	free(load->grammars);
	free(load);
}

static void load_start(struct engine *engine)
{
	struct load *load = list_first(&engine->loads, struct load, link);

	if (!load)
		return;
	load->begun = clock_ms();
	compute_submit_reserved(&engine->load_lane, &load->job);
}

static void load_done(struct compute_job *job)
{
	struct load *load = container_of(job, struct load, job);
	struct engine *engine = load->engine;

	if (!load->err && load->set->decoder_count < engine->want) {
		compute_submit_reserved(&engine->load_lane, job);
		return;
	}
	list_unlink(&load->link);
	engine->load_count--;
	if (load->err) {
		set_free(load->set);
	} else {
		use_set(engine, load->set, load->begun);
		engine->stats.loads++;
	}
	load_start(engine);
	if (load->on_loaded)
		load->on_loaded(load->arg, load->err, load->fault.words);
	load_free(load);
}

static struct stt_grammar copy_grammar(const struct stt_grammar *grammar)
{
	char *text = mem_zalloc(grammar->text.n + 1);

	if (grammar->text.n)
		memcpy(text, grammar->text.p, grammar->text.n);

	return (struct stt_grammar){grammar->name ? mem_strdup(grammar->name) : NULL, span(text, grammar->text.n)};
}

int stt_pocketsphinx_load(struct stt_port *port, const struct stt_grammar *grammars, size_t n,
	stt_pocketsphinx_loaded_fn *on_loaded, void *arg)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (engine->load_count >= LIMIT_STT_LOADS)
		return -TR_ELIMIT;

	struct load *load = mem_zalloc(sizeof(*load));

	load->engine = engine;
	load->set = set_new();
	load->grammars = mem_zalloc((n + 1) * sizeof(*load->grammars));
	load->grammar_count = n;
	for (size_t i = 0; i < n; i++)
		load->grammars[i] = copy_grammar(&grammars[i]);
	load->job.run = load_run;
	load->job.done = load_done;
	load->on_loaded = on_loaded;
	load->arg = arg;
	list_append(&engine->loads, &load->link);
	if (++engine->load_count == 1)
		load_start(engine);

	return 0;
}

int stt_pocketsphinx_check(const char *model_dir, const struct stt_grammar *grammars, size_t n, struct port_fault *ret_fault)
{
	struct recogniser_model *model;
	int err = recogniser_model_load(&model, model_dir, grammars, n, ret_fault);

	if (!err)
		recogniser_model_free(model);

	return err;
}

struct stt_pocketsphinx_stats stt_pocketsphinx_stats(struct stt_port *port)
{
	return container_of(port, struct engine, port)->stats;
}
