/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

/* A key pressed once and signalled in both ways is not told a second time within this. */
#define DTMF_ECHO_US 700000

/* A packet younger than this has probably no other behind it. */
#define FRESH_US 18000

struct rx_buffers {
	unsigned used; /* of the last read: only these headers need to be set up again */
	struct mmsghdr msgs[LIMIT_MEDIA_BURST];
	struct iovec iovs[LIMIT_MEDIA_BURST];
	struct addr from[LIMIT_MEDIA_BURST];
	alignas(struct cmsghdr) uint8_t control[LIMIT_MEDIA_BURST][64];
	uint8_t bytes[LIMIT_MEDIA_BURST][LIMIT_RTP_PACKET_BYTES];
};

struct rx_buffers *rx_buffers_new(void)
{
	struct rx_buffers *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (int i = 0; i < LIMIT_MEDIA_BURST; i++) {
		b->iovs[i] = (struct iovec){b->bytes[i], sizeof(b->bytes[i])};
		b->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i], .msg_iov = &b->iovs[i], .msg_iovlen = 1, .msg_control = b->control[i]};
	}
	b->used = LIMIT_MEDIA_BURST;

	return b;
}

struct rx_buffers *rx_buffers_free(struct rx_buffers *b)
{
	free(b);

	return NULL;
}

/* Datagrams read, at most that many; 0 when there are none. */
static unsigned receive(struct rx_buffers *b, int fd, unsigned most)
{
	for (unsigned i = 0; i < b->used; i++) {
		b->msgs[i].msg_hdr.msg_namelen = sizeof(b->from[i]);
		b->msgs[i].msg_hdr.msg_controllen = sizeof(b->control[i]);
	}

	int n = most == 1 ? (int)recvmsg(fd, &b->msgs[0].msg_hdr, MSG_DONTWAIT) : recvmmsg(fd, b->msgs, most, MSG_DONTWAIT, NULL);

	if (most == 1 && n >= 0) {
		b->msgs[0].msg_len = (unsigned)n;
		n = 1;
	}
	b->used = n > 0 ? (unsigned)n : 0;

	return b->used;
}

/* When the kernel got it, on our monotonic clock: exact however late we read. */
static int64_t arrival_us(struct worker *w, struct msghdr *msg, int64_t now_us)
{
	if (w->is_virtual)
		return now_us;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));

		int64_t at = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - w->wall_minus_mono_us;

		/* The wall clock may have been set in between. */
		return CLAMP(at, now_us - 1000000, now_us + 1000000);
	}

	return now_us;
}

/* STUN and DTLS are the control thread's. Full: dropped, as a network would; they are sent again. */
static void hand_over(struct stream *s, const struct addr *from, bool is_relayed, const uint8_t *bytes, size_t n)
{
	struct arrival *a = &s->w->arrival;

	if (!atomic_load_explicit(&s->is_attended, memory_order_relaxed)) {
		s->rx.invalid++;
		return;
	}
	a->id = s->id;
	a->from = *from;
	a->is_relayed = is_relayed;
	a->n = (uint16_t)n;
	memcpy(a->bytes, bytes, n);
	if (mailbox_post(s->e->arrivals, a) < 0)
		s->rx.invalid++;
}

static bool is_media(enum rtp_kind kind)
{
	return kind == RTP_KIND_RTP || kind == RTP_KIND_RTCP;
}

void rx_drop(struct stream *s)
{
	struct rx_buffers *b = s->w->rx;
	unsigned n = receive(b, s->sockets.rtp, LIMIT_MEDIA_BURST);

	for (unsigned i = 0; i < n; i++) {
		enum rtp_kind kind = rtp_classify(b->bytes[i], b->msgs[i].msg_len);
		struct addr from;

		if (is_media(kind) || kind == RTP_KIND_OTHER || (b->msgs[i].msg_hdr.msg_flags & MSG_TRUNC))
			continue;
		if (addr_from_sockaddr(b->msgs[i].msg_hdr.msg_name, &from))
			hand_over(s, &from, false, b->bytes[i], b->msgs[i].msg_len);
	}
}

/* ---- digits -------------------------------------------------------------------------------------------------------------- */

static void tell_digit(struct stream *s, char digit, enum media_dtmf_how how, uint32_t ms, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	bool is_inband = how == MEDIA_DTMF_INBAND;
	char other = is_inband ? rx->dtmf_digit : rx->inband_digit;
	int64_t other_at = is_inband ? rx->dtmf_at_us : rx->inband_at_us;

	if (is_inband) {
		rx->inband_digit = digit;
		rx->inband_at_us = now_us;
	} else {
		rx->dtmf_digit = digit;
		rx->dtmf_at_us = now_us;
	}
	if (other == digit && now_us - other_at < DTMF_ECHO_US + (int64_t)ms * 1000) {
		/* Used up: the next press of the same key counts again. */
		rx->dtmf_digit = rx->inband_digit = 0;
		return;
	}

	stream_tell(s, &(struct media_event){
			       .type = MEDIA_EV_DTMF, .at_us = now_us, .dtmf = {.digit = digit, .how = how, .ms = ms}});
}

static void detect_inband(struct stream *s, int64_t now_us, const int16_t *pcm, int n)
{
	char digits[4];
	int got = inband_detect(s->gear->inband, pcm, n, digits);

	for (int i = 0; i < got; i++) {
		bool is_signalled = false;

		/* RFC 4733 is on it: its packets come before the audio, which waits in the jitter buffer. */
		for (int k = 0; k < s->gear->plan.n_dtmf_rx; k++)
			is_signalled |= s->rx.dtmf[k].is_active && dtmf_digit(s->rx.dtmf[k].code) == digits[i];
		if (!is_signalled)
			tell_digit(s, digits[i], MEDIA_DTMF_INBAND, 0, now_us);
	}
}

static void event_packet(struct stream *s, int at, const struct rtp_packet *p, int64_t now_us)
{
	enum dtmf_state states[2];
	struct dtmf_event events[2];
	int n = dtmf_recv_packet(&s->rx.dtmf[at], p, now_us / 1000, states, events);

	for (int i = 0; i < n; i++)
		if (states[i] == DTMF_DIGIT && events[i].digit)
			tell_digit(s, events[i].digit, MEDIA_DTMF_RFC4733, events[i].duration_ms, now_us);
}

static void event_tick(struct stream *s, int64_t now_us)
{
	struct dtmf_event ev;

	for (int i = 0; i < s->gear->plan.n_dtmf_rx; i++)
		if (s->rx.dtmf[i].is_active &&
			dtmf_recv_tick(&s->rx.dtmf[i], now_us / 1000, &ev) == DTMF_DIGIT && ev.digit)
			tell_digit(s, ev.digit, MEDIA_DTMF_RFC4733, ev.duration_ms, now_us);
}

/* ---- packets in ----------------------------------------------------------------------------------------------------------- */

static struct jbuf_params jbuf_wish(uint32_t clock_hz)
{
	return (struct jbuf_params){.clock_hz = clock_hz, .tick_units = clock_hz / 1000 * MEDIA_FRAME_MS};
}

static enum rtp_codec_quality quality_of(enum codec_id id)
{
	switch (id) {
	case CODEC_G722:
		return RTP_QUALITY_G722;
	case CODEC_OPUS:
		return RTP_QUALITY_OPUS;
	default:
		return RTP_QUALITY_G711;
	}
}

/* The peer went over to a codec of another RTP clock (RFC 7160 §4.1): all that counts in its units starts anew. */
static void set_clock(struct stream *s, enum codec_id id, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	uint32_t clock_hz = codec_info(id)->rtp_hz;
	struct jbuf_params params = jbuf_wish(clock_hz);

	if (rx->clock_hz == clock_hz)
		return;

	/* Clocks come from the codec table, so the parameters are good. */
	if (jbuf_reset(rx->jbuf, &params) == 0)
		rx->clock_hz = clock_hz;
	rtp_source_set_clock(&rx->source, clock_hz);
	rtp_quality_init(&rx->quality, quality_of(id), clock_hz, now_us / 1000);
}

static int find_event(const struct media_plan *plan, uint8_t pt)
{
	for (int i = 0; i < plan->n_dtmf_rx; i++)
		if (plan->dtmf_rx[i].pt == pt)
			return i;

	return -1;
}

static void put(struct stream *s, enum jbuf_kind kind, uint32_t units, const struct rtp_packet *p, int64_t at_us)
{
	(void)jbuf_put(s->rx.jbuf,
		&(struct jbuf_packet){.kind = kind,
			.pt = p->pt,
			.marker = p->marker,
			.seq = p->seq,
			.len = p->payload_len,
			.ts = p->ts,
			.ssrc = p->ssrc,
			.units = units,
			.payload = p->payload},
		at_us);
}

static void play_packet(struct stream *s, const struct rtp_packet *p, int64_t at_us, int64_t now_us)
{
	const struct media_plan *plan = &s->gear->plan;
	int at = gear_find_codec(plan, p->pt);

	if (at >= 0) {
		enum codec_id id = plan->rx[at].id;
		int samples = codec_payload_samples(id, p->payload, p->payload_len);

		if (samples <= 0) {
			s->rx.invalid++;
			return;
		}
		set_clock(s, id, now_us);
		put(s, JBUF_AUDIO, (uint32_t)((int64_t)samples * codec_info(id)->rtp_hz / codec_info(id)->rate_hz), p, at_us);
		return;
	}

	at = find_event(plan, p->pt);
	if (at >= 0) {
		put(s, JBUF_EVENT, 0, p, at_us);
		event_packet(s, at, p, now_us);
	} else if (p->pt == CN_STATIC_PT) {
		put(s, JBUF_NOISE, 0, p, at_us); /* RFC 3389 §4: needs no rtpmap */
	} else {
		s->rx.invalid++;
	}
}

static void note_heard(struct stream *s, bool is_latch, const struct addr *from, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;

	if (rx->silence)
		stream_tell(s, &(struct media_event){.type = MEDIA_EV_RTP_RESUMED,
				       .at_us = now_us,
				       .silent_ms = (uint32_t)((now_us - rx->heard_at_us) / 1000)});
	rx->silence = 0;
	rx->heard_at_us = now_us;
	if (!rx->is_heard)
		stream_tell(s, &(struct media_event){.type = MEDIA_EV_FIRST_PACKET, .at_us = now_us, .source = *from});
	else if (is_latch)
		stream_tell(s, &(struct media_event){.type = MEDIA_EV_SOURCE_CHANGED, .at_us = now_us, .source = *from});
	rx->is_heard = true;
}

/* ChannelData of the relay that our route goes through: what is in it comes from the peer. False: another's. */
static bool unwrap(const struct stream *s, uint8_t **bytes, size_t *n, struct addr *from)
{
	const struct route *r = &s->gear->route;
	size_t inner = 0;

	if (!r->channel || !addr_eq(from, &r->via) || relay_channel_of(*bytes, *n, &inner) != r->channel)
		return false;
	*bytes += RELAY_CHANNEL_HEAD;
	*n = inner;
	*from = s->gear->plan.remote_rtp;

	return true;
}

static void media_in(struct stream *s, enum rtp_kind kind, const struct addr *from, uint8_t *bytes, size_t n, int64_t at_us,
	int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	struct rtp_packet p;

	if (s->gear->route.is_shut)
		return; /* keys or path are not agreed on yet */
	if (!secure_open(s, kind == RTP_KIND_RTCP, bytes, &n, now_us))
		return;
	if (kind == RTP_KIND_RTCP) {
		if (s->gear->is_secure || rtp_guard_is_rtcp_ok(&rx->guard, from))
			report_recv(s, bytes, n, at_us);
		else
			rx->refused++;
		return;
	}
	if (rtp_parse(bytes, n, &p) < 0) {
		rx->invalid++;
		return;
	}
	if (!stream_hears(s))
		return; /* on hold: a peer that goes on sending for a while is no fault */

	enum rtp_guard_verdict verdict = s->gear->is_secure ? rtp_guard_proven(&rx->guard, from, &p, at_us / 1000)
							    : rtp_guard_recv(&rx->guard, from, &p, at_us / 1000);

	if (verdict == RTP_GUARD_REJECT) {
		rx->refused++;
		return;
	}
	rx->packets++;
	rx->bytes += p.payload_len;
	rx->arrived_at_us = at_us;
	note_heard(s, verdict == RTP_GUARD_LATCH, from, now_us);
	(void)rtp_source_recv(&rx->source, &p, at_us);
	play_packet(s, &p, at_us, now_us);
}

static void packet_in(struct stream *s, struct msghdr *msg, size_t n, int64_t now_us)
{
	uint8_t *bytes = msg->msg_iov->iov_base;
	struct addr from;
	enum rtp_kind kind = rtp_classify(bytes, n);
	bool is_relayed = false;

	if ((msg->msg_flags & MSG_TRUNC) || !addr_from_sockaddr(msg->msg_name, &from)) {
		s->rx.invalid++;
		return;
	}
	if (kind == RTP_KIND_TURN) {
		is_relayed = unwrap(s, &bytes, &n, &from);
		kind = is_relayed ? rtp_classify(bytes, n) : kind;
	}
	if (is_media(kind))
		media_in(s, kind, &from, bytes, n, arrival_us(s->w, msg, now_us), now_us);
	else if (kind != RTP_KIND_OTHER)
		hand_over(s, &from, is_relayed, bytes, n);
	else
		s->rx.invalid++;
}

static unsigned drain(struct stream *s, int fd, unsigned most, int64_t now_us)
{
	struct rx_buffers *b = s->w->rx;
	unsigned n = receive(b, fd, most);

	for (unsigned i = 0; i < n; i++)
		packet_in(s, &b->msgs[i].msg_hdr, b->msgs[i].msg_len, now_us);

	return n;
}

/*
 * One packet a tick is the rule, and asking for a second that is not there costs a quarter of a frame's receiving. So it is
 * asked for only when the first was not the next in order, or came so long ago that another must have come since: what may
 * stay behind then is younger than a tick, not needed before the next, and its arrival was noted by the kernel anyway.
 */
static void drain_rtp(struct stream *s, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	uint16_t seq = rx->source.max_seq;
	uint64_t packets = rx->packets;

	if (drain(s, s->sockets.rtp, 1, now_us) == 0)
		return;

	bool is_next = rx->packets == packets + 1 && rx->source.max_seq == (uint16_t)(seq + 1);

	if (!is_next || now_us - rx->arrived_at_us > FRESH_US)
		(void)drain(s, s->sockets.rtp, LIMIT_MEDIA_BURST, now_us);
}

/* ---- a tick ----------------------------------------------------------------------------------------------------------------- */

bool rx_tick(struct stream *s, int64_t now_us, int16_t *ret_pcm, uint8_t *ret_flags)
{
	struct stream_rx *rx = &s->rx;
	int n = s->gear->rate_hz / 50;

	*ret_flags = 0;
	drain_rtp(s, now_us);
	if (!s->gear->plan.rtcp_mux && (s->tick + s->id.index) % RTCP_POLL_TICKS == 0)
		(void)drain(s, s->sockets.rtcp, LIMIT_MEDIA_BURST, now_us);
	event_tick(s, now_us);

	memset(ret_pcm, 0, (size_t)n * sizeof(*ret_pcm));
	if (!stream_hears(s) || !rx->is_heard) {
		*ret_flags = MEDIA_UP_IDLE;
		return false;
	}
	playout_fill(s, n, now_us, ret_flags);
	if (s->gear->inband)
		detect_inband(s, now_us, rx->fifo, n);
	if (s->is_from_muted)
		*ret_flags = MEDIA_UP_IDLE;
	else
		memcpy(ret_pcm, rx->fifo, (size_t)n * sizeof(*ret_pcm));
	rx->fifo_n -= n;
	if (rx->fifo_n > 0)
		memmove(rx->fifo, rx->fifo + n, (size_t)rx->fifo_n * sizeof(*rx->fifo));

	return !s->is_from_muted;
}

/* ---- what the plan changes -------------------------------------------------------------------------------------------------- */

void rx_set_gear(struct stream *s, const struct gear *before, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	const struct media_plan *plan = &s->gear->plan;
	bool heard_before = gear_hears(before);

	rtp_guard_signal(&rx->guard, &plan->remote_rtp, &plan->peer, now_us / 1000);
	set_clock(s, plan->rx[0].id, now_us);
	if (!before || before->rate_hz != s->gear->rate_hz) {
		stretch_init(&rx->stretch, s->gear->rate_hz);
		rx->fifo_n = 0;
	}
	if (!s->gear->keeps_codecs)
		rx->codec = -1;
	for (int i = 0; i < plan->n_dtmf_rx; i++)
		if (!before || i >= before->plan.n_dtmf_rx || before->plan.dtmf_rx[i].hz != plan->dtmf_rx[i].hz)
			dtmf_recv_init(&rx->dtmf[i], plan->dtmf_rx[i].hz);
	if (!heard_before || !stream_hears(s)) {
		/* Silence is counted from here: hold is no time-out. */
		rx->heard_at_us = now_us;
		rx->silence = 0;
	}
	if (before && heard_before != stream_hears(s)) {
		jbuf_flush(rx->jbuf);
		rx->fifo_n = 0;
	}
}

void rx_watch(struct stream *s, int64_t now_us)
{
	struct stream_rx *rx = &s->rx;
	int64_t silent_us = now_us - rx->heard_at_us;

	if (!stream_hears(s) || silent_us < SOFT_TIMEOUT_US)
		return;

	struct media_event ev = {.at_us = now_us, .silent_ms = (uint32_t)(silent_us / 1000)};

	if (rx->silence == 0) {
		rx->silence = 1;
		ev.type = MEDIA_EV_RTP_SILENT;
		stream_tell(s, &ev);
	}
	if (rx->silence == 1 && s->timeout_us && silent_us >= s->timeout_us) {
		rx->silence = 2;
		ev.type = MEDIA_EV_RTP_TIMEOUT;
		stream_tell(s, &ev);
	}
}
