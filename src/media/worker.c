/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <sched.h>
#include <time.h>

/*
 * A worker: 5 ms slices on an absolute clock, each serving the streams of one of four phases, so that every stream has its
 * 20 ms and the work spreads evenly. No epoll: at 50 packets a second and direction a socket is always ready.
 */
const uint32_t media_late_edge_us[MEDIA_LATE_BUCKETS] = {
	50, 100, 200, 500, 1000, 1500, 2000, 3000, 4000, 5000, 10000, 20000, 50000, UINT32_MAX};

int worker_init(struct worker *w, struct media_engine *e, unsigned index)
{
	w->e = e;
	w->index = index;
	w->is_virtual = e->p.is_manual;
	w->table = calloc(e->p.max_streams, sizeof(struct stream *));
	w->rx = rx_buffers_new();
	w->commands = mailbox_new(
		&(struct mailbox_params){.count = LIMIT_MEDIA_COMMANDS, .item_bytes = sizeof(struct command)});
	for (int i = 0; i < PHASES; i++) {
		/* Memory that is never touched costs nothing. */
		w->phases[i] = calloc(e->p.max_streams, sizeof(struct stream *));
		if (!w->phases[i])
			return -ENOMEM;
		list_init(&w->mixers[i]);
	}

	return w->table && w->rx && w->commands ? 0 : -ENOMEM;
}

void worker_done(struct worker *w)
{
	mailbox_free(w->commands);
	rx_buffers_free(w->rx);
	for (int i = 0; i < PHASES; i++)
		free(w->phases[i]);
	free(w->table);
}

void worker_bell(struct worker *w, struct media_bell *bell)
{
	for (unsigned i = 0; i < w->n_bells; i++)
		if (w->bells[i] == bell)
			return;

	if (w->n_bells < ARRAY_LEN(w->bells))
		w->bells[w->n_bells++] = bell;
	else
		media_bell_ring(bell);
}

/* ---- commands --------------------------------------------------------------------------------------------------------- */

static struct stream *find(const struct worker *w, struct media_id id)
{
	struct stream *s = w->table[id.index];

	return s && s->id.gen == id.gen ? s : NULL;
}

static void add(struct worker *w, struct stream *s)
{
	int phase = 0;

	for (int i = 1; i < PHASES; i++)
		if (w->n_phase[i] < w->n_phase[phase])
			phase = i;

	s->phase = (uint8_t)phase;
	s->phase_at = w->n_phase[phase]++;
	w->phases[phase][s->phase_at] = s;
	w->table[s->id.index] = s;
	atomic_fetch_add_explicit(&w->streams, 1, memory_order_relaxed);
}

static void detach(struct worker *w, struct stream *s, int64_t now_us)
{
	struct stream *last = w->phases[s->phase][--w->n_phase[s->phase]];

	last->phase_at = s->phase_at;
	w->phases[s->phase][s->phase_at] = last;
	w->table[s->id.index] = NULL;
	atomic_fetch_sub_explicit(&w->streams, 1, memory_order_relaxed);
	stream_detach(s, now_us);
}

/* What a command carries for a stream that has gone. */
static void discard(struct worker *w, const struct command *cmd)
{
	switch (cmd->type) {
	case CMD_GEAR:
	case CMD_HOOK:
	case CMD_PLAY:
	case CMD_WATCH:
		if (cmd->junk)
			junk_push(&w->e->junk, cmd->junk);
		break;
	case CMD_RECORD:
		if (cmd->ptr)
			atomic_store(&((struct recording *)cmd->ptr)->is_done, true);
		break;
	default:
		break;
	}
}

static void set_player(struct worker *w, struct stream *s, struct junk *j)
{
	if (s->player)
		junk_push(&w->e->junk, &s->player->junk);
	s->player = j ? container_of(j, struct player, junk) : NULL;
}

static void set_recording(struct stream *s, struct recording *rec)
{
	if (s->recording)
		atomic_store(&s->recording->is_done, true);
	s->recording = rec;
}

static void apply(struct worker *w, struct stream *s, const struct command *cmd, int64_t now_us)
{
	switch (cmd->type) {
	case CMD_GEAR:
		stream_set_gear(s, container_of(cmd->junk, struct gear, junk), now_us);
		break;
	case CMD_HOOK:
		stream_hook(s, cmd->junk ? container_of(cmd->junk, struct hook, junk) : NULL);
		break;
	case CMD_PLAY:
		set_player(w, s, cmd->junk);
		break;
	case CMD_RECORD:
		set_recording(s, cmd->ptr);
		break;
	case CMD_RECORD_PAUSE:
		if (s->recording)
			s->recording->is_paused = cmd->flags;
		break;
	case CMD_DTMF:
		tx_dtmf(s, &cmd->digit);
		break;
	case CMD_MUTE:
		s->is_from_muted = cmd->flags & 1;
		s->is_to_muted = cmd->flags & 2;
		break;
	case CMD_WATCH:
		stream_watch(s, cmd->junk ? container_of(cmd->junk, struct watcher, junk) : NULL);
		break;
	case CMD_HINT:
		stream_hint(s, (enum answer_who)cmd->flags);
		break;
	default:
		break;
	}
}

static void take_commands(struct worker *w, int64_t now_us)
{
	struct command cmd;

	while (mailbox_take(w->commands, &cmd)) {
		if (cmd.type == CMD_ADD) {
			add(w, cmd.ptr);
			continue;
		}
		if (cmd.type >= CMD_MIXER_ADD) {
			mixer_command(w, &cmd);
			continue;
		}

		struct stream *s = find(w, cmd.id);

		if (s)
			apply(w, s, &cmd, now_us);
		else
			discard(w, &cmd);
	}
}

/* ---- slices ------------------------------------------------------------------------------------------------------------ */

static int64_t timespec_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/*
 * A thousand calls are 60 MB that went cold since their last tick. While one is served the next ones are fetched into the
 * cache: what a stream holds, then what that points to.
 */
static void fetch_ahead(struct stream *const *streams, uint32_t n, uint32_t at)
{
	for (int stage = 0; stage < FETCH_STAGES; stage++) {
		uint32_t ahead = at + FETCH_STAGES - (uint32_t)stage;

		if (ahead < n)
			stream_fetch(streams[ahead], stage);
	}
}

static void serve(struct worker *w, unsigned phase, int64_t now_us)
{
	struct stream **streams = w->phases[phase];

	for (uint32_t i = 0; i < w->n_phase[phase];) {
		struct stream *s = streams[i];

		fetch_ahead(streams, w->n_phase[phase], i);
		if (atomic_load_explicit(&s->is_closing, memory_order_acquire)) {
			detach(w, s, now_us); /* another one stands here now */
			continue;
		}
		stream_tick(s, w->slice / PHASES, now_us);
		i++;
	}
}

void worker_slice(struct worker *w, int64_t now_us)
{
	unsigned phase = w->slice % PHASES;

	/* Tests with a clock of their own have a wall clock that stands 1,700,000,000 s before it. */
	w->wall_minus_mono_us =
		w->is_virtual ? INT64_C(1700000000000000) : timespec_us(CLOCK_REALTIME) - timespec_us(CLOCK_MONOTONIC);
	take_commands(w, now_us);

	serve(w, phase, now_us);
	mixers_tick(w, phase, now_us);

	for (unsigned i = 0; i < w->n_bells; i++)
		media_bell_ring(w->bells[i]);
	w->n_bells = 0;
	w->slice++;
	count_up(&w->slices, 1);
}

static void note(_Atomic uint64_t *histogram, int64_t us)
{
	int i = 0;

	while (us >= (int64_t)media_late_edge_us[i] && i < MEDIA_LATE_BUCKETS - 1)
		i++;
	count_up(&histogram[i], 1);
}

static void sleep_until(int64_t at_us)
{
	struct timespec ts = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static bool is_idle(const struct worker *w)
{
	for (int i = 0; i < PHASES; i++)
		if (w->n_phase[i] > 0 || !list_is_empty(&w->mixers[i]))
			return false;

	return true;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	int64_t due = clock_us() + SLICE_US;

	while (!atomic_load_explicit(&w->is_stopping, memory_order_acquire)) {
		sleep_until(due);

		int64_t began = clock_us();

		note(w->late, began - due);
		if (began - due > CATCH_UP_US) {
			/* Whole frames are left out, so that every stream keeps its phase; the streams count them. */
			int64_t frames = (began - due) / MEDIA_FRAME_US;

			w->slice += (uint64_t)frames * PHASES;
			due += frames * MEDIA_FRAME_US;
		}
		/* Streams see the time that was due: a late worker makes no jitter in what is played. */
		worker_slice(w, due);

		int64_t ended = clock_us();

		note(w->done, ended - due);
		count_up(&w->busy_us, (uint64_t)(ended - began));
		due += SLICE_US;
		if (is_idle(w)) {
			/* Nobody to serve: a quarter of the wake-ups will do to see the next command. */
			w->slice += PHASES - 1;
			due += MEDIA_FRAME_US - SLICE_US;
		}
	}

	return NULL;
}

/* Wishes: without the right to real-time priority a worker is as prompt as the machine is idle. */
static void prefer(pthread_t thread, const struct media_engine_params *p, unsigned core)
{
	struct sched_param param = {.sched_priority = 10};

	if (p->is_realtime)
		(void)pthread_setschedparam(thread, SCHED_RR, &param);
	if (p->is_pinned) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(core, &set);
		(void)pthread_setaffinity_np(thread, sizeof(set), &set);
	}
}

int worker_start(struct worker *w, const struct media_engine_params *p)
{
	char name[16];
	int err = pthread_create(&w->thread, NULL, run, w);

	if (err)
		return -err;

	w->is_running = true;
	(void)snprintf(name, sizeof(name), "media-%u", w->index % 100);
	(void)pthread_setname_np(w->thread, name);
	prefer(w->thread, p, w->index);

	return 0;
}

uint64_t worker_cpu_us(const struct worker *w)
{
	clockid_t clock;

	if (!w->is_running || pthread_getcpuclockid(w->thread, &clock) != 0)
		return 0;

	return (uint64_t)timespec_us(clock);
}

void worker_stop(struct worker *w)
{
	int64_t now_us = w->is_virtual ? w->e->manual_now_us : clock_us();

	if (w->is_running) {
		atomic_store_explicit(&w->is_stopping, true, memory_order_release);
		pthread_join(w->thread, NULL);
		w->is_running = false;
	}
	if (!w->commands)
		return;
	take_commands(w, now_us);
	for (int i = 0; i < PHASES; i++)
		while (w->n_phase[i] > 0)
			detach(w, w->phases[i][0], now_us);
	mixers_stop(w);
}
