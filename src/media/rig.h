/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For the tests of media: an engine without threads, driven in virtual time, and far ends on real loopback sockets that speak
 * RTP through the same codecs. No test sleeps: a datagram that must come is waited for with poll.
 */
#include "base/testing.h"
#include "audio/tone.h"
#include "media/internal.h"
#include <poll.h>
#include <unistd.h>

#define RIG_EVENTS 256
#define FAR_MAX	   8192

static struct {
	struct media_engine *e;
	struct mailbox *events;
	int64_t now_us;
	unsigned workers;
	struct addr local, peer; /* two addresses of 127/8 that no other test process uses */
	struct media_event seen[RIG_EVENTS];
	unsigned n_seen;
} rig;

/* A far end: sends one packet a frame and keeps what it was sent. */
struct far {
	int fd, rtcp_fd;
	struct addr addr, to;
	struct codec *tx, *rx;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts, ssrc, step;
	struct tone_gen tone;
	int rate_hz;
	struct media_id id;
	/* received */
	unsigned n;
	struct rtp_packet packets[FAR_MAX];
	int n_pcm;
	int16_t pcm[FAR_MAX * 320];
	uint8_t last_event[DTMF_PAYLOAD_BYTES]; /* payload of the last telephone-event, packets[n - 1] when its type is 101 */
	unsigned n_rtcp;
	struct rtcp_compound rtcp;
};

static inline void rig_start(struct media_engine_params params)
{
	uint32_t pid = (uint32_t)getpid();

	memset(&rig, 0, sizeof(rig));
	rig.now_us = 1000000000;
	rig.events = mailbox_new(&(struct mailbox_params){.count = 256, .item_bytes = sizeof(struct media_event)});
	assert_non_null(rig.events);
	params.is_manual = true;
	params.workers = params.workers ? params.workers : 1;
	params.events = rig.events;
	params.port_min = params.port_min ? params.port_min : 20000;
	params.port_max = params.port_max ? params.port_max : 29999;
	params.max_streams = params.max_streams ? params.max_streams : 64;
	rig.workers = params.workers;
	rig.local = (struct addr){.v4 = {.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(0x7f010000u | ((pid & 0x7fff) << 1 & 0xffff) | 1)}};
	rig.peer = (struct addr){.v4 = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(0x7f020000u | ((pid & 0x7fff) << 1 & 0xffff) | 1)}};
	assert_int_equal(media_engine_new(&params, &rig.e), 0);
	/* So that control functions know the time before the first slice. */
	rig.e->manual_now_us = rig.now_us;
}

static inline void rig_take_events(void)
{
	struct media_event ev;

	while (mailbox_take(rig.events, &ev))
		if (rig.n_seen < RIG_EVENTS)
			rig.seen[rig.n_seen++] = ev;
}

static inline void rig_stop(void)
{
	rig.e = media_engine_free(rig.e);
	rig.events = mailbox_free(rig.events);
}

/* 20 ms on every worker. */
static inline void rig_frame(void)
{
	for (int i = 0; i < PHASES; i++) {
		for (unsigned w = 0; w < rig.workers; w++)
			media_engine_slice(rig.e, w, rig.now_us);
		rig.now_us += SLICE_US;
	}
	rig_take_events();
}

static inline void rig_run_ms(int ms)
{
	for (int i = 0; i < ms; i += MEDIA_FRAME_MS)
		rig_frame();
}

static inline unsigned rig_count(enum media_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig.n_seen; i++)
		n += rig.seen[i].type == type;

	return n;
}

/* The last event of that type, or NULL. */
static inline const struct media_event *rig_event(enum media_event_type type)
{
	for (unsigned i = rig.n_seen; i-- > 0;)
		if (rig.seen[i].type == type)
			return &rig.seen[i];

	return NULL;
}

/* ---- far ends -------------------------------------------------------------------------------------------------------------- */

static inline int far_socket(uint16_t port)
{
	struct addr at = rig.peer;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	addr_set_port(&at, port);
	assert_int_equal(bind(fd, &at.sa, addr_len(&at)), 0);

	return fd;
}

static inline struct far *far_new(enum codec_id id, uint8_t pt)
{
	struct far *f = calloc(1, sizeof(*f));
	struct codec_params params = {.rate_hz = id == CODEC_OPUS ? 16000 : 0};
	socklen_t n = sizeof(f->addr);

	assert_non_null(f);
	f->fd = far_socket(0);
	assert_int_equal(getsockname(f->fd, &f->addr.sa, &n), 0);
	f->rtcp_fd = -1;
	assert_int_equal(codec_new(id, &params, &f->tx), 0);
	assert_int_equal(codec_new(id, &params, &f->rx), 0);
	f->rate_hz = codec_rate_hz(f->tx);
	f->pt = pt;
	f->step = codec_info(id)->rtp_hz / 50;
	f->ssrc = 0x10000000u + addr_port(&f->addr);
	f->seq = 65530; /* wraps soon */
	f->ts = 0xffffff00;

	return f;
}

static inline void far_free(struct far *f)
{
	close(f->fd);
	if (f->rtcp_fd >= 0)
		close(f->rtcp_fd);
	codec_free(f->tx);
	codec_free(f->rx);
	free(f);
}

static inline struct media_plan far_plan(const struct far *f)
{
	enum codec_id id = codec_id(f->tx);
	struct media_plan plan = {.remote_rtp = f->addr,
		.direction = MEDIA_SENDRECV,
		.tx = {.id = id, .pt = f->pt},
		.rx = {{.id = id, .pt = f->pt}},
		.n_rx = 1,
		.dtmf_rx = {{.pt = 101, .hz = codec_info(id)->rtp_hz}},
		.n_dtmf_rx = 1,
		.dtmf_tx_pt = 101};

	return plan;
}

static inline struct media_stream_params rig_params(void)
{
	return (struct media_stream_params){.bind = rig.local, .tag = 42};
}

static inline void far_open(struct far *f)
{
	struct media_stream_params params = rig_params();
	struct media_local local;

	assert_int_equal(media_stream_open(rig.e, &params, &f->id, &local), 0);
	f->to = local.rtp;
}

/* Opens a stream of ours that talks to it. */
static inline void far_call(struct far *f)
{
	struct media_plan plan = far_plan(f);

	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
}

static inline void far_await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 2000), 1);
}

static inline void far_send(struct far *f, const struct rtp_packet *p, const uint8_t *payload, size_t n)
{
	uint8_t bytes[LIMIT_RTP_PACKET_BYTES];
	const struct stream *s = engine_stream(rig.e, f->id);

	rtp_write_header(p, bytes);
	memcpy(bytes + RTP_HEADER_BYTES, payload, n);
	assert_int_equal(sendto(f->fd, bytes, n + RTP_HEADER_BYTES, 0, &f->to.sa, addr_len(&f->to)),
		(ssize_t)(n + RTP_HEADER_BYTES));
	if (s)
		far_await(s->sockets.rtp);
}

static inline void far_say(struct far *f, const int16_t *pcm)
{
	uint8_t payload[LIMIT_RTP_PACKET_BYTES - RTP_HEADER_BYTES];
	struct rtp_packet p = {.pt = f->pt, .seq = f->seq++, .ts = f->ts, .ssrc = f->ssrc};
	int n = codec_encode(f->tx, pcm, f->rate_hz / 50, payload, sizeof(payload));

	assert_true(n > 0);
	f->ts += f->step;
	far_send(f, &p, payload, (size_t)n);
}

static inline void far_tone(struct far *f, uint16_t hz)
{
	struct tone_spec spec = {.steps = {{.hz = {hz}}}, .n_steps = 1, .level_dbm0 = -10};

	tone_gen_start(&f->tone, &spec, f->rate_hz);
}

static inline void far_say_tone(struct far *f)
{
	int16_t pcm[MEDIA_FRAME_MAX];

	tone_gen_run(&f->tone, pcm, f->rate_hz / 50);
	far_say(f, pcm);
}

/* Reads all that has come. The payloads' bytes are not kept, but what they decode to. */
static inline void far_read(struct far *f)
{
	uint8_t bytes[2048];

	for (;;) {
		ssize_t n = recv(f->fd, bytes, sizeof(bytes), 0);
		struct rtp_packet *p = &f->packets[f->n];

		if (n < 0)
			break;
		if (rtp_classify(bytes, (size_t)n) == RTP_KIND_RTCP) {
			assert_int_equal(rtcp_parse(bytes, (size_t)n, &f->rtcp), 0);
			f->n_rtcp++;
			continue;
		}
		assert_true(f->n < FAR_MAX);
		assert_int_equal(rtp_parse(bytes, (size_t)n, p), 0);
		f->n++;
		if (p->pt == 101)
			memcpy(f->last_event, p->payload, MIN((size_t)p->payload_len, sizeof(f->last_event)));
		if (p->pt != f->pt)
			continue;

		int got = codec_decode(f->rx, p->payload, p->payload_len, f->pcm + f->n_pcm, 1920);

		assert_true(got > 0);
		f->n_pcm += got;
	}
}

/* One frame of everything: the far end speaks (if it has a tone), we tick, it has read what we sent. */
static inline void far_frames(struct far *f, int frames)
{
	for (int i = 0; i < frames; i++) {
		if (f->tone.rate_hz)
			far_say_tone(f);

		unsigned before = f->n;
		uint64_t sent_before = 0, sent = 0;
		const struct stream *s = engine_stream(rig.e, f->id);

		if (s)
			sent_before = s->tx.packets;
		rig_frame();
		if (s)
			sent = s->tx.packets - sent_before;
		while (f->n - before < sent) {
			far_await(f->fd);
			far_read(f);
		}
		far_read(f);
	}
}

/* Share of the energy of the last ms that is a tone of hz. */
static inline float far_share(const struct far *f, int ms, float hz)
{
	int n = f->rate_hz / 1000 * ms;

	assert_true(f->n_pcm >= n);

	return tone_share(f->pcm + f->n_pcm - n, n, f->rate_hz, hz);
}

static inline float far_loudness(const struct far *f, int ms, float hz)
{
	int n = f->rate_hz / 1000 * ms;

	assert_true(f->n_pcm >= n);

	return tone_amplitude(f->pcm + f->n_pcm - n, n, f->rate_hz, hz);
}

/* RFC 3550 §5.1: sequence numbers without a hole. From packet at on. */
static inline void far_assert_no_hole(const struct far *f, unsigned at)
{
	for (unsigned i = at + 1; i < f->n; i++)
		assert_int_equal((uint16_t)(f->packets[i].seq - f->packets[i - 1].seq), 1);
}

#define assert_more(a, b) assert_true((a) > (b))
#define assert_less(a, b) assert_true((a) < (b))
