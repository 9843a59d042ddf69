/* SPDX-License-Identifier: Apache-2.0 */
#include "media/port.h"

/*
 * What the worker tells is kept twice: it fills the copy that nobody is pointed at and then moves the pointer on, so a reader
 * retries only if the worker passed it in between, which is 20 ms later.
 */
struct cell {
	_Atomic uint32_t utterance, frames, ticks, underruns, overflows;
	_Atomic int64_t first_at_us;
	_Atomic bool is_open;
};

struct media_port {
	_Atomic int refs;
	int rate_hz, n; /* n: samples a frame */
	struct media_bell *bell;
	struct ring up, down;

	/* told by the agent */
	_Atomic uint64_t flushed; /* FLUSH_SET | utterance */
	_Atomic uint64_t ended;	  /* the same for media_port_end */
	_Atomic bool is_paused;
	uint32_t said;		  /* the agent's own */

	/* told by the worker */
	_Atomic uint32_t turn;
	struct cell cells[2];
	_Atomic bool is_connected;

	/* the worker's own */
	struct media_port_report now;
	uint32_t up_at;
	bool is_open;	  /* inside an utterance: an empty ring is an underrun */
	bool is_sounding; /* the last frame sent was the agent's */
	bool is_held;	  /* paused after the fade */
	int16_t last;	  /* last sample sent */
};

#define SET (UINT64_C(1) << 32)

/* ---- bell -------------------------------------------------------------------------------------------------------------- */

void media_bell_ring(struct media_bell *bell)
{
	if (!atomic_exchange(&bell->is_rung, true))
		bell->wake(bell->ctx);
}

void media_bell_clear(struct media_bell *bell)
{
	atomic_store(&bell->is_rung, false);
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static struct media_port *port_free(struct media_port *p)
{
	ring_done(&p->up);
	ring_done(&p->down);
	free(p);

	return NULL;
}

int media_port_new(const struct media_port_params *params, struct media_port **ret)
{
	if (params->rate_hz != 8000 && params->rate_hz != 16000)
		return -EINVAL;

	struct media_port *p = aligned_alloc(64, (sizeof(*p) + 63) & ~(size_t)63);

	if (!p)
		return -ENOMEM;

	*p = (struct media_port){.refs = 1, .rate_hz = params->rate_hz, .bell = params->bell};
	p->n = params->rate_hz / 1000 * MEDIA_FRAME_MS;

	uint32_t pcm_bytes = (uint32_t)p->n * sizeof(int16_t);
	int err = ring_init(&p->up, params->up_frames ? params->up_frames : LIMIT_PORT_UP_FRAMES,
		(uint32_t)sizeof(struct media_up_frame) + pcm_bytes);

	if (!err)
		err = ring_init(&p->down, params->down_frames ? params->down_frames : LIMIT_PORT_DOWN_FRAMES,
			(uint32_t)sizeof(struct media_down_frame) + pcm_bytes);
	if (err) {
		port_free(p);
		return err;
	}
	*ret = p;

	return 0;
}

struct media_port *media_port_ref(struct media_port *p)
{
	atomic_fetch_add(&p->refs, 1);

	return p;
}

struct media_port *media_port_unref(struct media_port *p)
{
	if (p && atomic_fetch_sub(&p->refs, 1) == 1)
		port_free(p);

	return NULL;
}

int media_port_rate_hz(const struct media_port *p)
{
	return p->rate_hz;
}

struct media_bell *media_port_bell(const struct media_port *p)
{
	return p->bell;
}

/* ---- the agent's side -------------------------------------------------------------------------------------------------- */

const struct media_up_frame *media_port_peek_up(struct media_port *p)
{
	return ring_peek(&p->up);
}

void media_port_pop_up(struct media_port *p)
{
	ring_pop(&p->up);
}

uint32_t media_port_space(const struct media_port *p)
{
	return ring_capacity(&p->down) - ring_count(&p->down);
}

bool media_port_say(struct media_port *p, uint32_t utterance, const int16_t *pcm, int n, uint8_t flags)
{
	struct media_down_frame *f = ring_slot(&p->down);

	assert(n >= 0 && n <= p->n && utterance != 0);
	if (!f)
		return false;

	p->said = utterance;
	f->utterance = utterance;
	f->n = (uint16_t)n;
	f->flags = flags;
	f->reserved = 0;
	if (n > 0)
		memcpy(f->pcm, pcm, (size_t)n * sizeof(int16_t));
	ring_push(&p->down);

	return true;
}

uint32_t media_port_said(const struct media_port *p)
{
	return p->said;
}

void media_port_end(struct media_port *p, uint32_t utterance)
{
	atomic_store_explicit(&p->ended, SET | utterance, memory_order_release);
}

void media_port_flush(struct media_port *p, uint32_t utterance)
{
	atomic_store_explicit(&p->flushed, SET | utterance, memory_order_release);
	/* After it: the worker looks at the pause first, so it never plays on what is to be dropped. */
	atomic_store_explicit(&p->is_paused, false, memory_order_release);
}

void media_port_pause(struct media_port *p)
{
	atomic_store_explicit(&p->is_paused, true, memory_order_release);
}

void media_port_resume(struct media_port *p)
{
	atomic_store_explicit(&p->is_paused, false, memory_order_release);
}

void media_port_report(const struct media_port *p, struct media_port_report *ret)
{
	struct media_port_report r;
	uint32_t turn;

	do {
		turn = atomic_load_explicit(&p->turn, memory_order_acquire);

		const struct cell *c = &p->cells[turn & 1];

		r = (struct media_port_report){
			.utterance = atomic_load_explicit(&c->utterance, memory_order_acquire),
			.frames = atomic_load_explicit(&c->frames, memory_order_acquire),
			.first_at_us = atomic_load_explicit(&c->first_at_us, memory_order_acquire),
			.ticks = atomic_load_explicit(&c->ticks, memory_order_acquire),
			.underruns = atomic_load_explicit(&c->underruns, memory_order_acquire),
			.overflows = atomic_load_explicit(&c->overflows, memory_order_acquire),
			.is_draining = atomic_load_explicit(&c->is_open, memory_order_acquire),
		};
	} while (atomic_load_explicit(&p->turn, memory_order_acquire) != turn);

	r.is_connected = atomic_load_explicit(&p->is_connected, memory_order_acquire);
	r.is_draining = r.is_draining || ring_count(&p->down) > 0;
	*ret = r;
}

/* ---- the worker's side ------------------------------------------------------------------------------------------------- */

static void publish(struct media_port *p)
{
	uint32_t turn = atomic_load_explicit(&p->turn, memory_order_relaxed) + 1;
	struct cell *c = &p->cells[turn & 1];

	atomic_store_explicit(&c->utterance, p->now.utterance, memory_order_release);
	atomic_store_explicit(&c->frames, p->now.frames, memory_order_release);
	atomic_store_explicit(&c->first_at_us, p->now.first_at_us, memory_order_release);
	atomic_store_explicit(&c->ticks, p->now.ticks, memory_order_release);
	atomic_store_explicit(&c->underruns, p->now.underruns, memory_order_release);
	atomic_store_explicit(&c->overflows, p->now.overflows, memory_order_release);
	atomic_store_explicit(&c->is_open, p->is_open, memory_order_release);
	atomic_store_explicit(&p->turn, turn, memory_order_release);
}

bool media_port_connect(struct media_port *p)
{
	return !atomic_exchange_explicit(&p->is_connected, true, memory_order_acq_rel);
}

void media_port_disconnect(struct media_port *p)
{
	atomic_store_explicit(&p->is_connected, false, memory_order_release);
}

bool media_port_push_up(struct media_port *p, const int16_t *pcm, uint8_t speech, uint8_t flags)
{
	struct media_up_frame *f = ring_slot(&p->up);
	uint32_t at = p->up_at++;

	if (!f) {
		p->now.overflows++;
		return false;
	}

	f->at = at;
	f->n = (uint16_t)p->n;
	f->speech = speech;
	f->flags = flags;
	memcpy(f->pcm, pcm, (size_t)p->n * sizeof(int16_t));
	ring_push(&p->up);

	return true;
}

/* Serial number arithmetic, so that ids may wrap. */
static bool is_covered(uint64_t mark, uint32_t utterance)
{
	return (mark & SET) && (int32_t)(utterance - (uint32_t)mark) <= 0;
}

static void fade_out(struct media_port *p, const struct media_down_frame *f, int16_t *ret_pcm)
{
	int fade = MIN(p->n / 4, f->n);

	memset(ret_pcm, 0, (size_t)p->n * sizeof(int16_t));
	for (int i = 0; i < fade; i++)
		ret_pcm[i] = (int16_t)((int32_t)f->pcm[i] * (fade - i) / fade);
	p->is_sounding = false;
	p->last = 0;
}

/* Silence that begins where the last sample stood: a voice that broke off does not click. */
static void run_out(struct media_port *p, int16_t *ret_pcm)
{
	int fade = p->n / 4;

	memset(ret_pcm, 0, (size_t)p->n * sizeof(int16_t));
	if (p->is_sounding && p->last)
		for (int i = 0; i < fade; i++)
			ret_pcm[i] = (int16_t)((int32_t)p->last * (fade - 1 - i) / fade);
	p->is_sounding = false;
	p->last = 0;
}

/* Takes out what was flushed; true when the cut went through audible audio, whose fade is in ret_pcm then. */
static bool drop_flushed(struct media_port *p, int16_t *ret_pcm)
{
	uint64_t flushed = atomic_load_explicit(&p->flushed, memory_order_acquire);
	const struct media_down_frame *f = ring_peek(&p->down);
	bool is_cut = false;

	for (; f && is_covered(flushed, f->utterance); f = ring_peek(&p->down)) {
		if (p->is_sounding && f->utterance == p->now.utterance) {
			fade_out(p, f, ret_pcm);
			is_cut = true;
		}
		ring_pop(&p->down);
	}
	if (is_covered(flushed, p->now.utterance))
		p->is_open = false;

	return is_cut;
}

static void play(struct media_port *p, const struct media_down_frame *f, int64_t now_us, int16_t *ret_pcm)
{
	int fade = MIN(p->n / 4, f->n);

	memcpy(ret_pcm, f->pcm, f->n * sizeof(int16_t));
	memset(ret_pcm + f->n, 0, (size_t)(p->n - f->n) * sizeof(int16_t));
	if (p->is_held)
		for (int i = 0; i < fade; i++)
			ret_pcm[i] = (int16_t)((int32_t)ret_pcm[i] * i / fade);

	if (f->utterance != p->now.utterance) {
		p->now.utterance = f->utterance;
		p->now.frames = 0;
		p->now.first_at_us = now_us;
	}
	p->now.frames++;
	p->is_open = !(f->flags & MEDIA_DOWN_LAST);
	p->is_sounding = true;
	p->is_held = false;
	p->last = ret_pcm[p->n - 1];
}

static enum media_pull pull(struct media_port *p, int64_t now_us, int16_t *ret_pcm)
{
	bool is_paused = atomic_load_explicit(&p->is_paused, memory_order_acquire);

	if (drop_flushed(p, ret_pcm))
		return MEDIA_PULL_AUDIO;

	const struct media_down_frame *f = ring_peek(&p->down);

	if (is_paused) {
		/* The frame stays: its first 5 ms are heard again, fading in, upon resume. */
		bool is_fading = f && p->is_sounding && f->utterance == p->now.utterance;

		if (is_fading)
			fade_out(p, f, ret_pcm);
		else
			run_out(p, ret_pcm);
		p->is_held = true;
		return is_fading ? MEDIA_PULL_AUDIO : MEDIA_PULL_NOTHING;
	}
	if (f) {
		play(p, f, now_us, ret_pcm);
		ring_pop(&p->down);
		return MEDIA_PULL_AUDIO;
	}
	run_out(p, ret_pcm);
	if (p->is_open && is_covered(atomic_load_explicit(&p->ended, memory_order_acquire), p->now.utterance))
		p->is_open = false;
	if (!p->is_open)
		return MEDIA_PULL_NOTHING;
	p->now.underruns++;

	return MEDIA_PULL_UNDERRUN;
}

enum media_pull media_port_pull_down(struct media_port *p, int64_t now_us, int16_t *ret_pcm)
{
	enum media_pull got = pull(p, now_us, ret_pcm);

	p->now.ticks++;
	publish(p);

	return got;
}

void media_port_fetch(const struct media_port *p)
{
	for (size_t i = 0; i < sizeof(*p); i += 64)
		__builtin_prefetch((const char *)p + i);
}
