/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/listener.h"
#include <time.h>

enum { BATCH_MS = 100 /* audio that is collected before a compute thread is woken: partials need no more */ };

enum result_kind { PARTIAL, STABLE, FINAL, FAILED };

struct result_msg {
	struct compute_msg head;
	struct listener *listener;
	uint32_t id;
	enum result_kind kind;
	uint32_t audio_ms, compute_us, wait_us;
	struct listener_result result;
};

static int64_t thread_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- on the loop: results --------------------------------------------------------------------------------------------- */

static void deliver_final(struct listener *l, const struct result_msg *msg)
{
	struct stt_word words[LIMIT_STT_WORDS];
	const struct listener_result *r = &msg->result;
	struct stt_final final = {
		.text = r->text,
		.confidence = r->confidence,
		.words = words,
		.word_count = r->word_count,
		.audio_ms = msg->audio_ms,
		.compute_us = msg->compute_us,
		.wait_us = msg->wait_us,
	};

	for (size_t i = 0; i < r->word_count; i++)
		words[i] = (struct stt_word){r->words[i].text, r->words[i].start_ms, r->words[i].end_ms, r->words[i].confidence};
	l->pool->finals++;
	l->pool->audio_ms += msg->audio_ms;
	l->pool->compute_us += msg->compute_us;
	l->cb.on_final(l->cb.arg, msg->id, &final);
}

static void deliver_failed(struct listener *l, uint32_t id)
{
	char words[80];

	snprintf(words, sizeof(words), "%s failed on this utterance", l->pool->name);
	l->cb.on_error(l->cb.arg, id, -TR_EENGINE, words);
}

static void deliver(struct compute_msg *head)
{
	struct result_msg *msg = container_of(head, struct result_msg, head);
	struct listener *l = msg->listener;

	/* The stream outlives its jobs, and messages come before completions. */
	if (msg->id == l->id) {
		if (msg->kind == FINAL || msg->kind == FAILED)
			l->id = 0; /* the callback may begin the next */
		if (msg->kind == FINAL)
			deliver_final(l, msg);
		else if (msg->kind == FAILED)
			deliver_failed(l, msg->id);
		else
			l->cb.on_partial(l->cb.arg, msg->id, msg->result.text, msg->kind == STABLE);
	}
	free(msg);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

static struct result_msg *msg_new(struct listener *l, enum result_kind kind)
{
	struct result_msg *msg = mem_zalloc(sizeof(*msg));

	msg->head.deliver = deliver;
	msg->listener = l;
	msg->id = l->work_id;
	msg->kind = kind;
	msg->audio_ms = (uint32_t)(l->n / (LISTENER_HZ / 1000));
	msg->compute_us = (uint32_t)l->compute_us;

	return msg;
}

static void post(struct listener *l, enum result_kind kind, int64_t end_us)
{
	struct result_msg *msg = msg_new(l, kind);

	msg->wait_us = end_us ? (uint32_t)(clock_us() - end_us) : 0;
	if (kind != FAILED)
		msg->result = l->result;
	compute_post(l->pool->compute, &msg->head);
}

void listener_guess(struct listener *l, const char *text)
{
	struct result_msg *msg = msg_new(l, PARTIAL);

	buf_copy(msg->result.text, sizeof(msg->result.text), text);
	compute_post(l->pool->compute, &msg->head);
}

static void stop(struct listener *l)
{
	l->pool->ops->stop(l);
	l->work_id = 0;
}

static void fail(struct listener *l)
{
	post(l, FAILED, 0);
	stop(l);
}

static void work_begin(struct listener *l, const struct listener_orders *orders)
{
	l->work_id = orders->begin;
	l->has_partials = orders->has_partials;
	l->n = 0;
	l->is_prepared = false;
	l->result.text[0] = 0;
	l->result.word_count = 0;
	l->compute_us = 0;
	abe_reset(l->abe);
	if (!l->pool->ops->start(l, orders->wish))
		fail(l);
}

/* As long as the utterance is not longer than one may be. */
static bool hear(struct listener *l, const int16_t *pcm, size_t n)
{
	n = MIN(n, LISTENER_SAMPLES_MAX - MIN(l->n, (size_t)LISTENER_SAMPLES_MAX));
	if (!n)
		return true;
	l->n += n;

	return l->pool->ops->hear(l, pcm, n);
}

static bool work_audio(struct listener *l, const int16_t *pcm, size_t n)
{
	int16_t wide[ABE_OUT_MAX];
	bool is_fine = true;

	for (size_t part; n && is_fine; pcm += part, n -= part) {
		part = MIN(n, (size_t)ABE_CHUNK_MAX);
		is_fine = l->rate_hz == LISTENER_HZ ? hear(l, pcm, part) : hear(l, wide, abe_process(l->abe, pcm, part, wide));
	}

	return is_fine;
}

bool listener_flush(struct listener *l)
{
	static const int16_t zeros[ABE_DELAY / 2];

	return l->rate_hz == LISTENER_HZ || work_audio(l, zeros, ARRAY_LEN(zeros));
}

static void carry_out(struct listener *l, const struct listener_orders *o, int64_t cpu_us)
{
	bool is_new = false;

	if (o->resume)
		l->is_prepared = false;
	if (o->n && !(l->is_prepared && l->pool->skips_silence)) {
		if (!work_audio(l, o->pcm, o->n)) {
			fail(l);
			return;
		}
		if (l->has_partials && !o->pause && !o->end)
			l->pool->ops->guess(l);
	}
	if ((o->pause || o->end) && !l->is_prepared) {
		if (!l->pool->ops->settle(l, o->end, &l->result)) {
			fail(l);
			return;
		}
		l->is_prepared = is_new = true;
	}
	l->compute_us += thread_cpu_us() - cpu_us;
	if (o->end) {
		post(l, FINAL, o->end_us);
		stop(l);
	} else if (is_new) {
		post(l, STABLE, 0);
	}
}

static void run(struct compute_job *job)
{
	struct listener *l = container_of(job, struct listener, job);
	int64_t cpu_us = thread_cpu_us();

	pthread_mutex_lock(&l->lock);

	struct listener_orders orders = l->orders;

	l->orders = (struct listener_orders){0};
	pthread_mutex_unlock(&l->lock);

	if (orders.stop && l->work_id)
		stop(l);
	if (orders.begin)
		work_begin(l, &orders);
	if (l->work_id)
		carry_out(l, &orders, cpu_us);
	free(orders.wish);
	free(orders.pcm);
}

/* ---- on the loop: orders ---------------------------------------------------------------------------------------------- */

static bool has_orders(struct listener *l)
{
	pthread_mutex_lock(&l->lock);

	const struct listener_orders *o = &l->orders;
	bool has = o->stop || o->begin || o->resume || o->pause || o->end || o->n >= l->rate_hz / 1000 * BATCH_MS;

	pthread_mutex_unlock(&l->lock);

	return has;
}

static void schedule(struct listener *l)
{
	if (l->is_scheduled || !has_orders(l))
		return;
	l->is_scheduled = true;
	compute_submit_reserved(&l->lane, &l->job);
}

static void listener_free(struct listener *l)
{
	l->pool->stream_count--;
	abe_free(l->abe);
	free(l->orders.wish);
	free(l->orders.pcm);
	pthread_mutex_destroy(&l->lock);
	l->pool->ops->free(l);
}

static void job_done(struct compute_job *job)
{
	struct listener *l = container_of(job, struct listener, job);

	l->is_scheduled = false;
	schedule(l);
	if (l->is_scheduled)
		return;
	if (!l->id)
		l->pool->ops->give_back(l);
	if (l->is_closed)
		listener_free(l);
}

int listener_init(struct listener *l, struct listener_pool *pool, const struct stt_ops *ops, const struct stt_params *params,
	struct port_fault *ret_fault)
{
	if (params->rate_hz != 8000 && params->rate_hz != LISTENER_HZ)
		return port_fail(ret_fault, -TR_EUNSUPP, "%u Hz is neither 8000 nor 16000", params->rate_hz);
	if (pool->stream_count >= LIMIT_STT_STREAMS)
		return port_fail(ret_fault, -TR_ELIMIT, "%s hears %d calls already", pool->name, LIMIT_STT_STREAMS);
	l->base.ops = ops;
	l->pool = pool;
	l->cb = params->cb;
	l->rate_hz = params->rate_hz;
	l->wants_partials = true;
	l->abe = abe_new();
	l->job.run = run;
	l->job.done = job_done;
	pthread_mutex_init(&l->lock, NULL);
	compute_lane_init(&l->lane, pool->compute);
	pool->stream_count++;

	return 0;
}

static struct listener *of(struct stt_stream *base)
{
	return container_of(base, struct listener, base);
}

void listener_set_partials(struct stt_stream *base, bool are_wanted)
{
	of(base)->wants_partials = are_wanted;
}

/* Under the lock. */
static void append(struct listener_orders *orders, const int16_t *pcm, size_t n)
{
	if (!n || orders->n + n > LISTENER_SAMPLES_MAX)
		return;
	if (orders->n + n > orders->cap) {
		orders->cap = MAX(2 * orders->cap, orders->n + n);
		orders->pcm = mem_realloc(orders->pcm, orders->cap * sizeof(*pcm));
	}
	memcpy(orders->pcm + orders->n, pcm, n * sizeof(*pcm));
	orders->n += n;
}

int listener_begin(struct stt_stream *base, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault)
{
	struct listener *l = of(base);
	int err;

	assert(id);
	if (l->id)
		return port_fail(ret_fault, -TR_ESTATE, "utterance %u is not over", l->id);
	err = l->pool->ops->take(l, ret_fault);
	if (err)
		return err;
	l->id = id;
	pthread_mutex_lock(&l->lock);
	l->orders.begin = id;
	free(l->orders.wish);
	l->orders.wish = l->pool->ops->wish(l);
	l->orders.has_partials = l->wants_partials;
	append(&l->orders, preroll, n);
	pthread_mutex_unlock(&l->lock);
	schedule(l);

	return 0;
}

void listener_feed(struct stt_stream *base, const int16_t *pcm, size_t n)
{
	struct listener *l = of(base);

	if (!l->id)
		return;
	pthread_mutex_lock(&l->lock);
	append(&l->orders, pcm, n);
	pthread_mutex_unlock(&l->lock);
	schedule(l);
}

static void order(struct listener *l, bool resume, bool pause, bool end)
{
	if (!l->id)
		return;
	pthread_mutex_lock(&l->lock);
	l->orders.resume |= resume;
	l->orders.pause = pause || (l->orders.pause && !resume);
	if (end && !l->orders.end) {
		l->orders.end = true;
		l->orders.end_us = clock_us();
	}
	pthread_mutex_unlock(&l->lock);
	schedule(l);
}

void listener_pause(struct stt_stream *base)
{
	order(of(base), false, true, false);
}

void listener_resume(struct stt_stream *base)
{
	order(of(base), true, false, false);
}

void listener_end(struct stt_stream *base)
{
	order(of(base), false, false, true);
}

void listener_cancel(struct stt_stream *base)
{
	struct listener *l = of(base);

	if (!l->id)
		return;
	l->id = 0;
	pthread_mutex_lock(&l->lock);
	free(l->orders.wish);
	free(l->orders.pcm);
	l->orders = (struct listener_orders){.stop = true};
	pthread_mutex_unlock(&l->lock);
	schedule(l);
}

void listener_close(struct stt_stream *base)
{
	struct listener *l = of(base);

	listener_cancel(base);
	l->is_closed = true;
	if (!l->is_scheduled) {
		l->pool->ops->give_back(l);
		listener_free(l);
	}
}
