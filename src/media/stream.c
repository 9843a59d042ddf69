/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/level.h"
#include "media/internal.h"

/* A stream on its worker: one tick is 20 ms of both directions. */
#define NOT_JUDGED   (-1)
#define SPEAKING_RMS 100.0f /* of what we send, about -50 dBov */

void stream_tell(struct stream *s, struct media_event *ev)
{
	ev->stream = s->id;
	ev->tag = s->tag;
	if (s->events && mailbox_post(s->events, ev) < 0)
		count_up(&s->w->events_lost, 1);
}

void stream_set_gear(struct stream *s, struct gear *g, int64_t now_us)
{
	struct gear *before = s->gear;

	if (before)
		gear_take_over(g, before, now_us);
	s->gear = g;
	rx_set_gear(s, before, now_us);
	tx_set_gear(s, before);
	if (!before) {
		/* RFC 3550 §6.2: 5 % of the session; two legs of G.711 as an upper guess. */
		rtcp_timer_init(&s->tx.rtcp, 128000, 0, now_us / 1000, prng_u32(&s->seed));
		s->rx.quality_at_us = now_us + QUALITY_EVERY_US;
	}
	if (before)
		junk_push(&s->e->junk, &before->junk);
}

/* ---- who has answered ---------------------------------------------------------------------------------------------------- */

void stream_watch(struct stream *s, struct watcher *w)
{
	if (s->watcher)
		junk_push(&s->e->junk, &s->watcher->junk);
	s->watcher = w;
}

void stream_hint(struct stream *s, enum answer_who who)
{
	if (!s->watcher)
		return;
	if (who == ANSWER_UNKNOWN)
		answer_again(&s->watcher->watch.answer);
	else
		answer_hint(&s->watcher->watch.answer, who);
}

/* speech: of the frame, or NOT_JUDGED. */
static void watch_answer(struct stream *s, const int16_t *heard, uint8_t flags, int speech, int64_t now_us)
{
	struct watcher *w = s->watcher;
	struct media_event ev = {.type = MEDIA_EV_ANSWER, .at_us = now_us};

	if (!w || w->watch.rate_hz != s->gear->rate_hz)
		return;

	bool is_idle = flags & MEDIA_UP_IDLE;

	if (speech == NOT_JUDGED)
		speech = is_idle ? 0 : vad_run(&w->vad, heard, s->gear->rate_hz / 50);
	watch_run(&w->watch,
		&(struct watch_frame){.pcm = heard, .prob = (uint8_t)speech, .is_concealed = flags & MEDIA_UP_CONCEALED, .is_idle = is_idle,
			.is_ours = s->is_speaking});
	while (answer_take(&w->watch.answer, &ev.answer))
		stream_tell(s, &ev);
	if (answer_is_over(&w->watch.answer))
		stream_watch(s, NULL);
}

/* ---- a tick -------------------------------------------------------------------------------------------------------------- */

/* What was heard goes up to the agent or over to the other leg. Returns the probability of speech in it, or NOT_JUDGED. */
static int deliver(struct stream *s, const int16_t *heard, uint8_t flags, int64_t now_us)
{
	struct hook *h = s->hook;
	int16_t other[MEDIA_FRAME_MAX];

	if (!h || h->kind == HOOK_ECHO)
		return NOT_JUDGED;
	/* A port that another leg still holds is taken over when it lets go. */
	if (h->kind == HOOK_PORT && !h->has_port) {
		h->has_port = media_port_connect(h->port);
		if (!h->has_port)
			return NOT_JUDGED;
	}
	if (h->rate_hz != s->gear->rate_hz) {
		(void)resample_run(h->in, heard, s->gear->rate_hz / 50, other);
		heard = other;
	}
	if (h->kind == HOOK_LINK) {
		link_push(h->link, h->side, heard);
		return NOT_JUDGED;
	}

	uint8_t speech = flags & MEDIA_UP_IDLE ? 0 : vad_run(&h->vad, heard, h->rate_hz / 50);

	if (!media_port_push_up(h->port, heard, speech, flags)) {
		h->overflows++;
		if (now_us - h->overflow_told_at >= 1000000) {
			stream_tell(s, &(struct media_event){
					       .type = MEDIA_EV_PORT_OVERFLOW, .at_us = now_us, .count = h->overflows});
			h->overflow_told_at = now_us;
		}
	}
	if (media_port_bell(h->port))
		worker_bell(s->w, media_port_bell(h->port));

	return speech;
}

static void measure(struct stream *s, int64_t now_us)
{
	struct jbuf_stats stats;

	jbuf_get_stats(s->rx.jbuf, &stats);
	(void)rtp_quality_update(&s->rx.quality,
		&(struct rtp_quality_input){.jbuf = &stats,
			.jitter_us = rtp_source_jitter_us(&s->rx.source),
			.rtt_us = s->tx.rtt_us},
		now_us / 1000);
}

void stream_quality(struct stream *s, int64_t now_us, struct media_quality *ret)
{
	measure(s, now_us);
	*ret = (struct media_quality){.rtp = *rtp_quality_get(&s->rx.quality),
		.rx_packets = s->rx.packets,
		.tx_packets = s->tx.packets,
		.rx_bytes = s->rx.bytes,
		.tx_bytes = s->tx.bytes,
		.rx_refused = s->rx.refused,
		.rx_invalid = s->rx.invalid,
		.rx_unauthentic = s->rx.unauthentic,
		.rx_replayed = s->rx.replayed,
		.tx_failed = s->tx.failed,
		.first_tx_us = s->tx.first_us ? (uint32_t)(s->tx.first_us - s->opened_us) : 0,
		.peer_rtcp = s->tx.peer_rtcp,
		.peer_reports = s->tx.peer_reports,
		.peer_lost = s->tx.peer_lost,
		.peer_loss_permille = s->tx.peer_loss_permille,
		.peer_jitter_ms = s->tx.peer_jitter_ms};
}

static void watch(struct stream *s, int64_t now_us)
{
	report_tick(s, now_us);
	rx_watch(s, now_us);
	if ((s->tick + s->id.index) % 50 == 0)
		measure(s, now_us);
	if (now_us < s->rx.quality_at_us)
		return;

	struct media_event ev = {.type = MEDIA_EV_QUALITY, .at_us = now_us};

	stream_quality(s, now_us, &ev.quality);
	stream_tell(s, &ev);
	s->rx.quality_at_us = now_us + QUALITY_EVERY_US;
}

static void fetch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i += 64)
		__builtin_prefetch((const char *)p + i);
}

#define FETCH(from, to) fetch(&(from), (size_t)((const char *)&(to) - (const char *)&(from)))

/*
 * Only hints: what is left out or fetched for nothing costs time, never right results. Stage 0 reads nothing of the stream,
 * each later one what the stage before has brought.
 */
void stream_fetch(const struct stream *s, int stage)
{
	switch (stage) {
	case 0:
		fetch(s, 256);
		FETCH(s->tick, s->rx.guard.signalled);
		FETCH(s->rx.guard.remote, s->rx.guard.tries);
		FETCH(s->rx.source, s->rx.source.drift);
		FETCH(s->rx.source.drift.count, s->rx.dtmf[1]);
		fetch(&s->rx.stretch, 500);
		FETCH(s->rx.clock_hz, s->rx.fifo[160]);
		fetch(&s->tx, 64);
		FETCH(s->tx.dtmf.dropped, s->tx.fifo);
		break;
	case 1:
		fetch(s->rx.jbuf, 512);
		if (s->gear)
			fetch(s->gear, sizeof(*s->gear));
		if (s->hook)
			fetch(s->hook, sizeof(*s->hook));
		break;
	default:
		if (s->gear)
			fetch(s->gear->tx, 256);
		if (s->gear && s->gear->is_secure) {
			srtp_fetch(s->gear->seal);
			srtp_fetch(s->gear->open);
		}
		if (s->hook && s->hook->port)
			media_port_fetch(s->hook->port);
		break;
	}
}

void stream_tick(struct stream *s, uint64_t tick, int64_t now_us)
{
	int16_t heard[MEDIA_FRAME_MAX], sent[MEDIA_FRAME_MAX];
	uint8_t flags;

	if (!s->gear) {
		rx_drop(s);
		return;
	}
	/* Frames that a late worker left out: time went by for the peer too. */
	if (s->tick != UINT64_MAX && tick - s->tick > 1)
		tx_skip(s, (uint32_t)(tick - s->tick - 1));
	s->tick = tick;

	(void)rx_tick(s, now_us, heard, &flags);

	int speech = deliver(s, heard, flags, now_us);

	watch_answer(s, heard, flags, speech, now_us);
	tx_tick(s, now_us, heard, sent);
	s->is_speaking = s->watcher && level_rms(sent, s->gear->rate_hz / 50) > SPEAKING_RMS;
	if (s->recording)
		recording_put(s->recording, s->gear->rate_hz, heard, sent);
	watch(s, now_us);
}

void stream_detach(struct stream *s, int64_t now_us)
{
	struct mailbox *events = s->events;
	struct worker *w = s->w;
	struct junk_heap *heap = &s->e->junk;
	struct media_event ev = {.type = MEDIA_EV_CLOSED, .stream = s->id, .tag = s->tag, .at_us = now_us};

	report_bye(s, now_us);
	if (s->gear)
		stream_quality(s, now_us, &ev.quality);
	stream_unhook(s);
	stream_watch(s, NULL);
	if (s->player)
		junk_push(heap, &s->player->junk);
	if (s->recording)
		atomic_store(&s->recording->is_done, true);
	if (s->gear)
		junk_push(heap, &s->gear->junk);
	s->player = NULL;
	s->recording = NULL;
	s->gear = NULL;

	/* First the junk, then the event: whoever reaps upon it finds the stream. From here on s is the control thread's. */
	junk_push(heap, &s->junk);
	if (events && mailbox_post(events, &ev) < 0)
		count_up(&w->events_lost, 1);
}

void stream_unhook(struct stream *s)
{
	if (!s->hook)
		return;
	if (s->hook->has_port)
		media_port_disconnect(s->hook->port);
	junk_push(&s->e->junk, &s->hook->junk);
	s->hook = NULL;
}

void stream_hook(struct stream *s, struct hook *h)
{
	stream_unhook(s);
	s->hook = h;
}
