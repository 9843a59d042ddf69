/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav_file.h"
#include "media/internal.h"
#include <time.h>

/*
 * One thread writes all recordings: it looks into their rings ten times a second, which is a sixth of what they hold, so
 * workers need not wake it. It sleeps for good while there are none.
 *
 * A disk that is full ends no recording: it is tried again each second, what could not be written is silent in the file and counted.
 */
#define PASS_MS	   100
#define REST_PASSES 10

struct recorder {
	pthread_t thread;
	pthread_mutex_t lock; /* control and recorder only, never a worker */
	pthread_cond_t wake;
	struct list recordings; /* under lock; the recorder alone removes */
	bool is_running, is_stopping;
};

/* ---- one recording ---------------------------------------------------------------------------------------------------------- */

int recording_new(const char *path, uint32_t id, int rate_hz, struct recording **ret)
{
	struct recording *rec = aligned_alloc(64, (sizeof(*rec) + 63) & ~(size_t)63);
	int other_hz = rate_hz == 8000 ? 16000 : 8000;

	if (!rec)
		return -ENOMEM;

	*rec = (struct recording){.rate_hz = rate_hz, .id = id};
	list_init(&rec->link);
	rec->path = strdup(path);

	int err = ring_init(&rec->ring, LIMIT_RECORD_FRAMES,
		(uint32_t)(sizeof(struct record_frame) + 2 * (size_t)rate_hz / 50 * sizeof(int16_t)));

	if (!err)
		err = resample_new(other_hz, rate_hz, &rec->left);
	if (!err)
		err = resample_new(other_hz, rate_hz, &rec->right);
	if (!err && !rec->path)
		err = -ENOMEM;
	if (err) {
		recording_free(rec);
		return err;
	}
	*ret = rec;

	return 0;
}

void recording_free(struct recording *rec)
{
	resample_free(rec->left);
	resample_free(rec->right);
	ring_done(&rec->ring);
	free(rec->path);
	free(rec);
}

static void put_side(struct resample *r, bool is_same, const int16_t *pcm, int n, int16_t *ret_pcm)
{
	if (is_same)
		memcpy(ret_pcm, pcm, (size_t)n * sizeof(*pcm));
	else
		(void)resample_run(r, pcm, n, ret_pcm);
}

void recording_put(struct recording *rec, int rate_hz, const int16_t *left, const int16_t *right)
{
	struct record_frame *f = ring_slot(&rec->ring);
	uint32_t at = rec->ticks++;
	int n = rate_hz / 50;

	if (!f) {
		count_up(&rec->lost, 1);
		return;
	}
	f->at = at;
	f->n = (uint32_t)rec->rate_hz / 50;
	if (rec->is_paused) {
		memset(f->pcm, 0, 2 * f->n * sizeof(*f->pcm));
		ring_push(&rec->ring);
		return;
	}
	put_side(rec->left, rate_hz == rec->rate_hz, left, n, f->pcm);
	put_side(rec->right, rate_hz == rec->rate_hz, right, n, f->pcm + f->n);
	ring_push(&rec->ring);
}

/* ---- the recorder's thread --------------------------------------------------------------------------------------------------- */

static void tell(struct recording *rec, enum media_event_type type, int err)
{
	struct media_event ev = {.type = type, .stream = rec->stream, .tag = rec->tag, .at_us = clock_us()};

	ev.record.err = err;
	ev.record.id = rec->id;
	ev.record.lost_frames = atomic_load(&rec->lost) + rec->unwritten;
	/* A full mailbox counts what it dropped itself. */
	if (rec->events && mailbox_post(rec->events, &ev) < 0)
		return;
}

/* Opens the file, or takes it up again after an error that has rested long enough. */
static void take_up(struct recording *rec)
{
	if (rec->err && rec->rest > 0) {
		rec->rest--;
		return;
	}
	if (rec->wav)
		wav_rec_retry(rec->wav);
	rec->err = rec->wav ? 0 : wav_rec_open(rec->path, rec->rate_hz, &rec->wav);
	rec->rest = REST_PASSES;
}

static void write_frame(struct recording *rec, const struct record_frame *f)
{
	uint64_t at = (uint64_t)f->at * f->n;
	int err = rec->wav ? wav_rec_put(rec->wav, WAV_LEFT, at, f->pcm, (int)f->n) : rec->err;

	if (rec->wav) {
		int right = wav_rec_put(rec->wav, WAV_RIGHT, at, f->pcm + f->n, (int)f->n);

		err = err ? err : right;
	}
	rec->err = rec->err ? rec->err : err;
	rec->unwritten += err != 0;
}

static void write_out(struct recording *rec)
{
	const struct record_frame *f;

	if (!rec->wav || rec->err)
		take_up(rec);
	for (f = ring_peek(&rec->ring); f; f = ring_peek(&rec->ring)) {
		write_frame(rec, f);
		ring_pop(&rec->ring);
	}
	/* Told once an outage, which is over when a second has passed without an error: what is put reaches the disk in blocks. */
	if (rec->err && !rec->is_failing) {
		tell(rec, MEDIA_EV_RECORD_FAILED, rec->err);
		rec->is_failing = true;
	} else if (!rec->err && rec->is_failing && --rec->rest <= 0) {
		tell(rec, MEDIA_EV_RECORD_RESUMED, 0);
		rec->is_failing = false;
	}
}

/* True when it is over and gone. */
static bool serve(struct recording *rec)
{
	/* Asked for first: what was pushed before is in the ring when we look. */
	bool is_done = atomic_load(&rec->is_done), is_cut = false;
	int err;

	write_out(rec);
	if (!is_done)
		return false;
	if (rec->wav)
		wav_rec_retry(rec->wav);
	err = rec->wav ? wav_rec_close(rec->wav, &is_cut) : rec->err;
	rec->unwritten += is_cut;
	tell(rec, MEDIA_EV_RECORD_DONE, err);

	return true;
}

/* The list is copied under the lock and served without it: control only appends, and only we remove. */
static bool pass(struct recorder *r)
{
	struct list *at;

	pthread_mutex_lock(&r->lock);
	at = r->recordings.next;
	pthread_mutex_unlock(&r->lock);
	while (at != &r->recordings) {
		struct recording *rec = list_entry(at, struct recording, link);
		bool is_over = serve(rec);

		pthread_mutex_lock(&r->lock);
		at = at->next;
		if (is_over)
			list_unlink(&rec->link);
		pthread_mutex_unlock(&r->lock);
		if (is_over)
			recording_free(rec);
	}

	pthread_mutex_lock(&r->lock);
	bool is_empty = list_is_empty(&r->recordings);
	pthread_mutex_unlock(&r->lock);

	return is_empty;
}

static void *run(void *arg)
{
	struct recorder *r = arg;

	for (;;) {
		bool is_empty = pass(r);

		pthread_mutex_lock(&r->lock);
		while (is_empty && list_is_empty(&r->recordings) && !r->is_stopping)
			pthread_cond_wait(&r->wake, &r->lock);

		bool is_over = r->is_stopping && list_is_empty(&r->recordings);
		bool is_hurried = r->is_stopping;

		pthread_mutex_unlock(&r->lock);
		if (is_over)
			return NULL;
		if (!is_hurried) {
			struct timespec ts = {.tv_nsec = PASS_MS * 1000000};

			nanosleep(&ts, NULL);
		}
	}
}

void recorder_run(struct recorder *r)
{
	(void)pass(r);
}

int recorder_new(bool is_manual, struct recorder **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;

	list_init(&r->recordings);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	if (!is_manual) {
		int err = pthread_create(&r->thread, NULL, run, r);

		if (err) {
			free(r);
			return -err;
		}
		r->is_running = true;
		(void)pthread_setname_np(r->thread, "recorder");
	}
	*ret = r;

	return 0;
}

void recorder_add(struct recorder *r, struct recording *rec)
{
	pthread_mutex_lock(&r->lock);
	list_append(&r->recordings, &rec->link);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

struct recorder *recorder_free(struct recorder *r)
{
	if (!r)
		return NULL;

	if (r->is_running) {
		pthread_mutex_lock(&r->lock);
		r->is_stopping = true;
		pthread_cond_signal(&r->wake);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	} else {
		(void)pass(r);
	}
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	free(r);

	return NULL;
}
