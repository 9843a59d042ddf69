/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <unistd.h>

/* ---- junk ---------------------------------------------------------------------------------------------------------------- */

void junk_push(struct junk_heap *h, struct junk *j)
{
	struct junk *top = atomic_load_explicit(&h->top, memory_order_relaxed);

	do {
		j->next = top;
	} while (!atomic_compare_exchange_weak_explicit(&h->top, &top, j, memory_order_release, memory_order_relaxed));
}

struct junk *junk_take_all(struct junk_heap *h)
{
	struct junk *j = atomic_exchange_explicit(&h->top, NULL, memory_order_acquire), *oldest = NULL;

	while (j) {
		struct junk *next = j->next;

		j->next = oldest;
		oldest = j;
		j = next;
	}

	return oldest;
}

void media_engine_reap(struct media_engine *e)
{
	struct junk *j = junk_take_all(&e->junk);

	while (j) {
		struct junk *next = j->next;

		j->free(j);
		j = next;
	}
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

int64_t engine_now_us(const struct media_engine *e)
{
	return e->p.is_manual ? e->manual_now_us : clock_us();
}

static unsigned worker_count(unsigned wish)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wish == 0)
		wish = cores > 0 ? (unsigned)cores : 1;

	return MIN(wish, LIMIT_MEDIA_WORKERS);
}

static int init_slots(struct media_engine *e)
{
	uint32_t n = e->p.max_streams;

	e->slots = calloc(n, sizeof(*e->slots));
	e->free_slots = calloc(n, sizeof(*e->free_slots));
	if (!e->slots || !e->free_slots)
		return -ENOMEM;

	/* Low numbers first. Generations begin at 1, so that an all-zero id names nothing. */
	for (uint32_t i = 0; i < n; i++) {
		e->slots[i].gen = 1;
		e->free_slots[i] = n - 1 - i;
	}
	e->n_free_slots = n;

	return 0;
}

static int init_workers(struct media_engine *e)
{
	unsigned n = worker_count(e->p.workers);
	int err = 0;

	e->workers = aligned_alloc(64, n * sizeof(*e->workers));
	if (!e->workers)
		return -ENOMEM;

	memset(e->workers, 0, n * sizeof(*e->workers));
	for (unsigned i = 0; i < n && !err; i++) {
		err = worker_init(&e->workers[i], e, i);
		e->n_workers++;
	}
	for (unsigned i = 0; i < n && !err && !e->p.is_manual; i++)
		err = worker_start(&e->workers[i], &e->p);

	return err;
}

static int init_paths(struct media_engine *e)
{
	struct mailbox_params box = {
		.count = LIMIT_MEDIA_ARRIVALS, .item_bytes = sizeof(struct arrival), .wake = e->p.wake, .ctx = e->p.wake_ctx};

	wheel_init(&e->path_wheel, engine_now_us(e) / 1000);
	if (!e->p.wake)
		return 0;
	e->arrivals = mailbox_new(&box);

	return e->arrivals ? dtls_identity_new(&e->identity) : -ENOMEM;
}

int media_engine_new(const struct media_engine_params *params, struct media_engine **ret)
{
	struct media_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;

	e->p = *params;
	e->p.max_streams = e->p.max_streams ? e->p.max_streams : LIMIT_MEDIA_STREAMS;
	e->p.port_min = e->p.port_min ? e->p.port_min : 10000;
	e->p.port_max = e->p.port_max ? e->p.port_max : 20000;
	e->p.port_rest_ms = e->p.port_rest_ms ? e->p.port_rest_ms : 5000;

	int err = port_pool_init(&e->ports, e->p.port_min, e->p.port_max, (int64_t)e->p.port_rest_ms * 1000);

	if (!err)
		err = init_slots(e);
	if (!err)
		err = recorder_new(e->p.is_manual, &e->recorder);
	if (!err)
		err = init_paths(e);
	if (!err)
		err = init_workers(e);
	if (err) {
		media_engine_free(e);
		return err;
	}
	*ret = e;

	return 0;
}

struct media_engine *media_engine_free(struct media_engine *e)
{
	if (!e)
		return NULL;

	for (unsigned i = 0; i < e->n_workers; i++)
		worker_stop(&e->workers[i]);
	recorder_free(e->recorder);
	media_engine_reap(e);
	mailbox_free(e->arrivals);
	dtls_identity_free(e->identity);
	for (unsigned i = 0; i < e->n_workers; i++)
		worker_done(&e->workers[i]);
	free(e->workers);
	port_pool_done(&e->ports);
	free(e->slots);
	free(e->free_slots);
	free(e);

	return NULL;
}

void media_engine_slice(struct media_engine *e, unsigned worker, int64_t now_us)
{
	assert(e->p.is_manual && worker < e->n_workers);
	e->manual_now_us = now_us;
	worker_slice(&e->workers[worker], now_us);
	recorder_run(e->recorder);
}

/* ---- what can be told ------------------------------------------------------------------------------------------------------ */

void media_engine_stats(struct media_engine *e, struct media_engine_stats *ret)
{
	media_engine_reap(e);

	uint32_t ready = port_pool_ready(&e->ports, engine_now_us(e));

	*ret = (struct media_engine_stats){.ports_free = ready,
		.ports_resting = e->ports.n_free - ready,
		.opened = e->opened,
		.refused = e->refused,
		.workers = e->n_workers,
		.rx_packets = e->rx_packets,
		.tx_packets = e->tx_packets};
	for (unsigned i = 0; i < e->n_workers; i++)
		ret->streams += e->workers[i].load;
}

bool media_worker_stats(struct media_engine *e, unsigned worker, struct media_worker_stats *ret)
{
	if (worker >= e->n_workers)
		return false;

	struct worker *w = &e->workers[worker];

	*ret = (struct media_worker_stats){
		.streams = atomic_load_explicit(&w->streams, memory_order_relaxed),
		.slices = atomic_load_explicit(&w->slices, memory_order_relaxed),
		.busy_us = atomic_load_explicit(&w->busy_us, memory_order_relaxed),
		.skipped = atomic_load_explicit(&w->skipped, memory_order_relaxed),
		.events_lost = atomic_load_explicit(&w->events_lost, memory_order_relaxed),
	};
	for (int i = 0; i < MEDIA_LATE_BUCKETS; i++) {
		ret->late[i] = atomic_load_explicit(&w->late[i], memory_order_relaxed);
		ret->done[i] = atomic_load_explicit(&w->done[i], memory_order_relaxed);
	}
	ret->cpu_us = worker_cpu_us(w);

	return true;
}

const char *media_event_name(enum media_event_type type)
{
	static const char *const names[] = {
		[MEDIA_EV_FIRST_PACKET] = "first_packet",
		[MEDIA_EV_SOURCE_CHANGED] = "source_changed",
		[MEDIA_EV_DTMF] = "dtmf",
		[MEDIA_EV_DTMF_SENT] = "dtmf_sent",
		[MEDIA_EV_RTP_SILENT] = "rtp_silent",
		[MEDIA_EV_RTP_TIMEOUT] = "rtp_timeout",
		[MEDIA_EV_RTP_RESUMED] = "rtp_resumed",
		[MEDIA_EV_QUALITY] = "quality",
		[MEDIA_EV_PLAY_DONE] = "play_done",
		[MEDIA_EV_PORT_OVERFLOW] = "port_overflow",
		[MEDIA_EV_PORT_STARVED] = "port_starved",
		[MEDIA_EV_RECORD_DONE] = "record_done",
		[MEDIA_EV_RECORD_RESUMED] = "record_resumed",
		[MEDIA_EV_RECORD_FAILED] = "record_failed",
		[MEDIA_EV_GATHERED] = "gathered",
		[MEDIA_EV_PATH] = "path",
		[MEDIA_EV_SECURED] = "secured",
		[MEDIA_EV_PATH_FAILED] = "path_failed",
		[MEDIA_EV_ANSWER] = "answer",
		[MEDIA_EV_CLOSED] = "closed",
	};

	return (unsigned)type < ARRAY_LEN(names) ? names[type] : "unknown";
}
