/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "store/db.h"
#include <pthread.h>

#define BATCH	   256	/* rows of one transaction */
#define GATHER_MS  100	/* what is not urgent waits so long for company: one sync of the disk for all */
#define RETRY_MS   250
#define CLOSE_MS   3000
#define PURGE_MS   3600000
#define DAY_MS	   INT64_C(86400000)

/* What is to be written: a row, or an id to forget. One block of memory: texts lie behind it. */
struct job {
	struct store_call call;
	bool is_delete;
	char text[];
};

struct store {
	struct store_params p;
	char *path;
	struct mailbox *inbox; /* of struct job * */
	sem_t bell, was_tried; /* the second: the file was opened, or can't be */
	pthread_t thread;
	_Atomic bool is_stopping, is_failing;
	_Atomic uint64_t lost, written;
	_Atomic uint32_t waiting;
	pthread_mutex_t why_lock; /* of why; nobody holds it longer than a copy */
	char why[240];

	/* the writer's */
	struct db db;
	bool is_open;
	struct job *batch[BATCH];
	size_t batch_n;
	msec_t purge_at;
};

/* ---- handing over: any thread ------------------------------------------------------------------------------------------ */

/* s's copy at *at, which moves behind it. */
static const char *keep(char **at, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 1;
	char *copy = *at;

	memcpy(copy, s ? s : "", n);
	*at += n;

	return copy;
}

static struct job *job_new(const struct store_call *c)
{
	const char *const texts[] = {c->id, c->direction, c->line, c->agent, c->from, c->to, c->ended_by, c->cause, c->recording, c->doc};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		n += (texts[i] ? strlen(texts[i]) : 0) + 1;

	struct job *j = calloc(1, sizeof(*j) + n);
	char *at = j ? j->text : NULL;

	if (!j)
		return NULL;
	j->call = (struct store_call){.id = keep(&at, c->id), .direction = keep(&at, c->direction), .line = keep(&at, c->line),
		.agent = keep(&at, c->agent), .from = keep(&at, c->from), .to = keep(&at, c->to), .ended_by = keep(&at, c->ended_by),
		.cause = keep(&at, c->cause), .recording = keep(&at, c->recording), .doc = keep(&at, c->doc), .is_over = c->is_over,
		.began_ms = c->began_ms, .ended_ms = c->ended_ms, .sip_status = c->sip_status};

	return j;
}

static bool post(struct store *s, struct job *j)
{
	if (!j)
		return false;
	atomic_fetch_add(&s->waiting, 1);
	if (mailbox_post(s->inbox, &j) == 0)
		return true;
	atomic_fetch_sub(&s->waiting, 1);
	free(j);

	return false;
}

void store_put(struct store *s, const struct store_call *call)
{
	/* Room is for calls that are over while nothing can be written: a running one is put again. */
	if (!call->is_over && atomic_load_explicit(&s->is_failing, memory_order_relaxed))
		return;
	if (!post(s, job_new(call)) && call->is_over)
		atomic_fetch_add(&s->lost, 1);
}

bool store_delete(struct store *s, const char *id)
{
	struct job *j = job_new(&(struct store_call){.id = id, .is_over = true});

	if (j)
		j->is_delete = true;

	return post(s, j);
}

void store_stats(struct store *s, struct store_stats *ret)
{
	*ret = (struct store_stats){.written = atomic_load(&s->written), .lost = atomic_load(&s->lost), .waiting = atomic_load(&s->waiting),
		.is_failing = atomic_load(&s->is_failing)};
	pthread_mutex_lock(&s->why_lock);
	if (ret->is_failing)
		buf_copy(ret->why, sizeof(ret->why), s->why);
	pthread_mutex_unlock(&s->why_lock);
}

/* ---- the writer -------------------------------------------------------------------------------------------------------- */

static void note_failure(struct store *s)
{
	bool is_new = !atomic_load(&s->is_failing);

	pthread_mutex_lock(&s->why_lock);
	is_new |= strcmp(s->why, s->db.why) != 0;
	buf_copy(s->why, sizeof(s->why), s->db.why);
	pthread_mutex_unlock(&s->why_lock);
	atomic_store(&s->is_failing, true);
	if (is_new)
		log_error("store.failing", LOG_STR("file", s->path), LOG_STR("why", s->db.why));
}

static void note_success(struct store *s)
{
	if (!atomic_exchange(&s->is_failing, false))
		return;
	log_info("store.resumed", LOG_STR("file", s->path), LOG_INT("waiting", atomic_load(&s->waiting)),
		LOG_INT("lost", atomic_load(&s->lost)));
}

static int write_batch(struct store *s)
{
	int err = db_begin(&s->db);

	for (size_t i = 0; i < s->batch_n && !err; i++)
		err = s->batch[i]->is_delete ? db_delete(&s->db, s->batch[i]->call.id) : db_put(&s->db, &s->batch[i]->call);
	if (!err)
		err = db_commit(&s->db);
	if (err) {
		db_rollback(&s->db);
		return err;
	}
	for (size_t i = 0; i < s->batch_n; i++)
		free(s->batch[i]);
	atomic_fetch_add(&s->written, s->batch_n);
	atomic_fetch_sub(&s->waiting, (uint32_t)s->batch_n);
	s->batch_n = 0;

	return 0;
}

/* Fills the batch from the inbox. Whether something of it should not wait. */
static bool gather(struct store *s)
{
	bool is_urgent = false;

	while (s->batch_n < BATCH && mailbox_take(s->inbox, &s->batch[s->batch_n]))
		s->batch_n++;
	for (size_t i = 0; i < s->batch_n; i++)
		is_urgent |= s->batch[i]->call.is_over;

	return is_urgent || s->batch_n == BATCH;
}

static int purge(struct store *s)
{
	int n = 0;

	if (!s->p.keep_days || clock_ms() < s->purge_at)
		return 0;
	n = db_purge(&s->db, clock_wall_ms() - s->p.keep_days * DAY_MS);
	if (n > 0)
		log_info("store.purged", LOG_INT("calls", n), LOG_INT("keep_days", s->p.keep_days));
	if (n <= 0)
		s->purge_at = clock_ms() + PURGE_MS;

	return MIN(n, 0);
}

/* One round: opens when it must, writes what is there. */
static int work(struct store *s)
{
	if (!s->is_open) {
		int err = db_open(&s->db, s->path);

		if (err)
			return err;
		s->is_open = true;
	}
	do {
		if (!gather(s) && s->batch_n && !atomic_load(&s->is_stopping)) {
			clock_wait(&s->bell, GATHER_MS);
			gather(s);
		}
		if (s->batch_n) {
			int err = write_batch(s);

			if (err)
				return err;
		}
		note_success(s);
	} while (atomic_load(&s->waiting));

	return purge(s);
}

/* So long, however often the bell rings; shorter when it is time to stop. */
static void rest(struct store *s, uint32_t ms)
{
	msec_t until = clock_ms() + ms;

	do
		clock_wait(&s->bell, 50);
	while (clock_ms() < until && !atomic_load(&s->is_stopping));
}

/* After a fault the file is opened anew: it may have been moved away, or another disk be there. */
static void *write_all(void *arg)
{
	struct store *s = arg;
	uint32_t first = s->p.retry_ms ? s->p.retry_ms : RETRY_MS, retry = first;
	msec_t stop_at = NEVER;
	bool is_first = true;

	for (;;) {
		/* Asked before the work: what was put before the end is in a round that begins after it. */
		bool is_last = atomic_load(&s->is_stopping);
		int err = work(s);

		if (err) {
			note_failure(s);
			if (s->is_open)
				db_close(&s->db);
			s->is_open = false;
		} else {
			retry = first;
		}
		if (is_first)
			sem_post(&s->was_tried);
		is_first = false;
		if (is_last) {
			stop_at = MIN(stop_at, clock_ms() + CLOSE_MS);
			if (!err || clock_ms() >= stop_at)
				break;
		}
		if (!err) {
			clock_wait(&s->bell, 1000);
			continue;
		}
		rest(s, retry);
		retry = MIN(retry * 2, first * 16);
	}
	if (s->is_open)
		db_close(&s->db);

	return NULL;
}

static void ring(void *ctx)
{
	struct store *s = ctx;

	sem_post(&s->bell);
}

int store_open(struct store **ret, const struct store_params *params)
{
	struct store *s = mem_zalloc(sizeof(*s));

	s->p = *params;
	s->path = mem_strdup(params->path);
	s->inbox = mailbox_new(&(struct mailbox_params){.count = LIMIT_STORE_WAITING, .item_bytes = sizeof(void *), .wake = ring, .ctx = s});
	sem_init(&s->bell, 0, 0);
	sem_init(&s->was_tried, 0, 0);
	pthread_mutex_init(&s->why_lock, NULL);
	if (s->inbox && pthread_create(&s->thread, NULL, write_all, s) == 0) {
		while (sem_wait(&s->was_tried) != 0)
			;
		*ret = s;
		return 0;
	}

	int err = s->inbox ? -EAGAIN : -ENOMEM;

	mailbox_free(s->inbox);
	free(s->path);
	free(s);

	return err;
}

struct store *store_close(struct store *s)
{
	struct job *j;

	if (!s)
		return NULL;

	atomic_store(&s->is_stopping, true);
	sem_post(&s->bell);
	pthread_join(s->thread, NULL);

	uint32_t unwritten = (uint32_t)s->batch_n;

	for (size_t i = 0; i < s->batch_n; i++)
		free(s->batch[i]);
	while (mailbox_take(s->inbox, &j)) {
		unwritten++;
		free(j);
	}
	if (unwritten)
		log_error("store.unwritten", LOG_INT("calls", unwritten), LOG_STR("why", s->why));
	mailbox_free(s->inbox);
	sem_destroy(&s->bell);
	sem_destroy(&s->was_tried);
	pthread_mutex_destroy(&s->why_lock);
	free(s->path);
	free(s);

	return NULL;
}
