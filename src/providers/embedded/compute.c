/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/compute.h"
#include <pthread.h>
#include <unistd.h>

/*
 * One lock guards all queues. It is held for a few pointer moves only; jobs take milliseconds, so that contention does not
 * matter. A completion travels as a message, which gives "after everything the job posted" for nothing.
 */
struct compute {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list ready, urgent; /* lanes with a job that may start */
	struct list inbox; /* messages and completed jobs for the loop */
	struct list finished;
	uint32_t waiting, busy;
	bool is_stopping;
	uint64_t run, refused;
	uint32_t thread_count;
	pthread_t threads[LIMIT_COMPUTE_THREADS];
	uv_async_t async;
};

struct completion {
	struct compute_msg msg;
	struct compute_job *job;
};

/* Under the lock. */
static void make_ready(struct compute_lane *lane)
{
	struct compute *c = lane->compute;

	list_append(lane->is_urgent ? &c->urgent : &c->ready, &lane->link);
	pthread_cond_signal(&c->wake);
}

static void completion_deliver(struct compute_msg *msg)
{
	struct completion *done = container_of(msg, struct completion, msg);
	struct compute_job *job = done->job;
	struct compute_lane *lane = job->lane;
	struct compute *c = lane->compute;

	free(done);
	pthread_mutex_lock(&c->lock);
	lane->is_running = false;
	c->busy--;
	if (!list_is_empty(&lane->jobs))
		make_ready(lane);
	pthread_mutex_unlock(&c->lock);
	job->lane = NULL;
	job->done(job);
}

static void deliver_all(uv_async_t *async)
{
	struct compute *c = async->data;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		struct compute_msg *msg = list_first(&c->inbox, struct compute_msg, link);

		if (msg)
			list_unlink(&msg->link);
		pthread_mutex_unlock(&c->lock);
		if (!msg)
			return;
		msg->deliver(msg);
	}
}

/* The next job, its lane marked as running; NULL when the pool stops. */
static struct compute_job *take(struct compute *c)
{
	while (list_is_empty(&c->ready) && list_is_empty(&c->urgent) && !c->is_stopping)
		pthread_cond_wait(&c->wake, &c->lock);
	if (c->is_stopping)
		return NULL;

	struct list *from = list_is_empty(&c->urgent) ? &c->ready : &c->urgent;
	struct compute_lane *lane = list_first(from, struct compute_lane, link);
	struct compute_job *job = list_first(&lane->jobs, struct compute_job, link);

	list_unlink(&lane->link);
	list_unlink(&job->link);
	lane->is_running = true;
	c->waiting--;

	return job;
}

static void *work(void *arg)
{
	struct compute *c = arg;

	pthread_mutex_lock(&c->lock);
	for (struct compute_job *job = take(c); job; job = take(c)) {
		pthread_mutex_unlock(&c->lock);

		struct completion *done = mem_zalloc(sizeof(*done));

		done->msg.deliver = completion_deliver;
		done->job = job;
		job->run(job);
		compute_post(c, &done->msg);
		pthread_mutex_lock(&c->lock);
		c->run++;
	}
	pthread_mutex_unlock(&c->lock);

	return NULL;
}

static void on_closed(uv_handle_t *handle)
{
	struct compute *c = handle->data;

	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static uint32_t default_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return (uint32_t)CLAMP(cpus, 1, LIMIT_COMPUTE_THREADS);
}

int compute_new(struct compute **ret, uv_loop_t *loop, uint32_t threads)
{
	struct compute *c = mem_zalloc(sizeof(*c));
	int err = uv_async_init(loop, &c->async, deliver_all);

	if (err) {
		free(c);
		return err;
	}
	c->async.data = c;
	list_init(&c->ready);
	list_init(&c->urgent);
	list_init(&c->inbox);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);

	uint32_t want = threads ? MIN(threads, LIMIT_COMPUTE_THREADS) : default_threads();

	for (; c->thread_count < want; c->thread_count++) {
		err = pthread_create(&c->threads[c->thread_count], NULL, work, c);
		if (err)
			break;
	}
	if (c->thread_count == 0) {
		compute_free(c);
		return -err;
	}
	*ret = c;

	return 0;
}

struct compute *compute_free(struct compute *c)
{
	if (!c)
		return NULL;

	pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
	for (uint32_t i = 0; i < c->thread_count; i++)
		pthread_join(c->threads[i], NULL);

	/* Undelivered messages own memory only behind their head, which is theirs alone. */
	list_each(&c->inbox, struct compute_msg, link, msg)
		free(msg);
	uv_close((uv_handle_t *)&c->async, on_closed);

	return NULL;
}

uint32_t compute_threads(const struct compute *c)
{
	return c->thread_count;
}

struct compute_stats compute_stats(struct compute *c)
{
	pthread_mutex_lock(&c->lock);

	struct compute_stats stats = {.run = c->run, .refused = c->refused, .waiting = c->waiting,
		.busy = c->busy};

	pthread_mutex_unlock(&c->lock);

	return stats;
}

void compute_lane_init(struct compute_lane *lane, struct compute *c)
{
	*lane = (struct compute_lane){.compute = c};
	list_init(&lane->link);
	list_init(&lane->jobs);
}

bool compute_lane_is_idle(const struct compute_lane *lane)
{
	struct compute *c = lane->compute;

	pthread_mutex_lock(&c->lock);

	bool is_idle = !lane->is_running && list_is_empty(&lane->jobs);

	pthread_mutex_unlock(&c->lock);

	return is_idle;
}

static int submit(struct compute_lane *lane, struct compute_job *job, uint32_t limit)
{
	struct compute *c = lane->compute;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	if (c->waiting >= limit) {
		c->refused++;
		err = -TR_ELIMIT;
	} else {
		job->lane = lane;
		list_append(&lane->jobs, &job->link);
		c->waiting++;
		c->busy++;
		if (!lane->is_running && lane->link.next == &lane->link)
			make_ready(lane);
	}
	pthread_mutex_unlock(&c->lock);

	return err;
}

int compute_submit(struct compute_lane *lane, struct compute_job *job)
{
	return submit(lane, job, LIMIT_COMPUTE_QUEUE);
}

void compute_submit_reserved(struct compute_lane *lane, struct compute_job *job)
{
	int err = submit(lane, job, UINT32_MAX);

	assert(!err);
}

void compute_post(struct compute *c, struct compute_msg *msg)
{
	pthread_mutex_lock(&c->lock);
	list_append(&c->inbox, &msg->link);
	pthread_mutex_unlock(&c->lock);
	uv_async_send(&c->async);
}
