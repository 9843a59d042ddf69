/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/mix.h"
#include "media/internal.h"
#include <sys/socket.h>

static uint32_t clock_of(const struct gear *g)
{
	return codec_info(g->plan.tx.id)->rtp_hz;
}

static uint32_t packet_units(const struct gear *g)
{
	return clock_of(g) / 1000 * g->plan.tx.ptime_ms;
}

static uint32_t dtmf_hz(const struct gear *g)
{
	return g->plan.dtmf_tx_hz ? g->plan.dtmf_tx_hz : clock_of(g);
}

static void send_packet(struct stream *s, struct rtp_packet *p, size_t payload_bytes)
{
	struct stream_tx *tx = &s->tx;
	const struct addr *to = stream_remote(s);
	size_t n = RTP_HEADER_BYTES + payload_bytes;

	p->seq = tx->seq++;
	p->ssrc = tx->ssrc;
	rtp_write_header(p, s->w->packet);
	if (!secure_seal(s, false, s->w->packet, &n) || !stream_put(s, s->sockets.rtp, s->w->packet, n, to)) {
		/* The number is spent: the peer sees a loss, as with any other lost packet. */
		tx->failed++;
		return;
	}
	tx->packets++;
	tx->bytes += payload_bytes;
}

/* The event packet of this packet time, if a digit is being sent. */
static bool send_event(struct stream *s)
{
	struct stream_tx *tx = &s->tx;
	const struct gear *g = s->gear;
	struct dtmf_out out;
	uint32_t now_ts = (uint32_t)((uint64_t)tx->ts * dtmf_hz(g) / clock_of(g));

	if (!dtmf_send_is_busy(&tx->dtmf))
		return false;
	if (!dtmf_send_next(&tx->dtmf, now_ts, &out))
		return false;

	struct rtp_packet p = {.pt = (uint8_t)g->plan.dtmf_tx_pt, .marker = out.marker, .ts = out.ts};

	memcpy(s->w->packet + RTP_HEADER_BYTES, out.payload, sizeof(out.payload));
	send_packet(s, &p, sizeof(out.payload));

	return true;
}

static void send_audio(struct stream *s, const int16_t *pcm, int n, int64_t now_us)
{
	struct stream_tx *tx = &s->tx;
	struct gear *g = s->gear;
	int16_t narrow[TX_FIFO_SAMPLES * 2];

	if (g->from_rate) {
		n = resample_run(g->from_rate, pcm, n, narrow);
		pcm = narrow;
	}

	int bytes = codec_encode(
		g->tx, pcm, n, s->w->packet + RTP_HEADER_BYTES, sizeof(s->w->packet) - RTP_HEADER_BYTES - SRTP_EXTRA_BYTES);

	if (bytes < 0) {
		tx->failed++;
		return;
	}
	if (g->plan.tx.opus.use_dtx && bytes <= 2) {
		tx->needs_marker = true; /* RFC 7587 §3.1.3: nothing is sent, the next packet begins a talk spurt */
		return;
	}

	/*
	 * RFC 3551 §4.1: the marker is for the first packet after none were sent. Silence is sent too, so that is the
	 * beginning, the end of a hold and of DTX, not each utterance.
	 */
	struct rtp_packet p = {.pt = g->plan.tx.pt, .marker = tx->needs_marker, .ts = tx->ts};

	tx->needs_marker = false;
	send_packet(s, &p, (size_t)bytes);
	if (!tx->first_us)
		tx->first_us = now_us;
}

static void packetise(struct stream *s, const int16_t *pcm, int n, int64_t now_us)
{
	struct stream_tx *tx = &s->tx;
	int per_packet = s->gear->rate_hz / 1000 * s->gear->plan.tx.ptime_ms;
	bool is_direct = tx->fifo_n == 0 && n == per_packet;
	int at = 0;

	if (!is_direct) {
		memcpy(tx->fifo + tx->fifo_n, pcm, (size_t)n * sizeof(*pcm));
		tx->fifo_n += n;
		pcm = tx->fifo;
		n = tx->fifo_n;
	}
	for (; n - at >= per_packet; at += per_packet) {
		if (!send_event(s))
			send_audio(s, pcm + at, per_packet, now_us);
		tx->ts += packet_units(s->gear);
	}
	if (!is_direct) {
		tx->fifo_n -= at;
		memmove(tx->fifo, tx->fifo + at, (size_t)tx->fifo_n * sizeof(*tx->fifo));
	}
}

/* ---- who speaks ------------------------------------------------------------------------------------------------------------ */

/* The hook's next frame, at the stream's rate. */
static void pull(struct stream *s, int64_t now_us, int16_t *ret_pcm)
{
	struct hook *h = s->hook;
	bool is_same = h->rate_hz == s->gear->rate_hz;
	int16_t other[MEDIA_FRAME_MAX], *pcm = is_same ? ret_pcm : other;
	enum media_pull got = MEDIA_PULL_AUDIO;

	if (h->kind == HOOK_PORT)
		got = media_port_pull_down(h->port, now_us, pcm);
	else
		(void)link_pull(h->link, h->side, pcm);
	if (!is_same)
		(void)resample_run(h->out, pcm, h->rate_hz / 50, ret_pcm);

	if (got != MEDIA_PULL_UNDERRUN) {
		h->is_starved = false;
		return;
	}
	h->underruns++;
	if (!h->is_starved)
		stream_tell(s, &(struct media_event){
				       .type = MEDIA_EV_PORT_STARVED, .at_us = now_us, .count = h->underruns});
	h->is_starved = true;
}

static bool play(struct stream *s, int16_t *ret_pcm, int n, int64_t now_us)
{
	struct player *p = s->player;

	if (!p)
		return false;
	if (player_run(p, s->gear->rate_hz, ret_pcm, n))
		return true;

	stream_tell(s, &(struct media_event){.type = MEDIA_EV_PLAY_DONE, .at_us = now_us, .play_id = p->play_id});
	s->player = NULL;
	junk_push(&s->e->junk, &p->junk);

	return false;
}

/* What the stream is connected to; ret_pcm is silence before. */
static void source(struct stream *s, const int16_t *heard, int64_t now_us, int16_t *ret_pcm)
{
	int n = s->gear->rate_hz / 50;
	bool is_free = stream_sends(s) && !play(s, ret_pcm, n, now_us);
	int16_t unused[MEDIA_FRAME_MAX];

	if (!s->hook)
		return;

	switch (s->hook->kind) {
	case HOOK_ECHO:
		if (is_free)
			memcpy(ret_pcm, heard, (size_t)n * sizeof(*ret_pcm));
		break;
	case HOOK_PORT:
		/* On hold, and behind music, the agent's voice waits: what is not sent is not taken. */
		if (is_free && s->hook->has_port)
			pull(s, now_us, ret_pcm);
		break;
	case HOOK_LINK:
		/* A link goes on being read while something else is played, else it would run full. */
		pull(s, now_us, is_free ? ret_pcm : unused);
		break;
	}
}

static void dtmf_watch(struct stream *s, bool is_busy, int64_t now_us)
{
	if (s->tx.is_dtmf_sending && !is_busy)
		stream_tell(s, &(struct media_event){.type = MEDIA_EV_DTMF_SENT, .at_us = now_us});
	s->tx.is_dtmf_sending = is_busy;
}

void tx_tick(struct stream *s, int64_t now_us, const int16_t *heard, int16_t *ret_sent)
{
	struct stream_tx *tx = &s->tx;
	struct gear *g = s->gear;
	int n = g->rate_hz / 50;
	bool is_inband_busy = false;

	memset(ret_sent, 0, (size_t)n * sizeof(*ret_sent));
	source(s, heard, now_us, ret_sent);
	if (s->is_to_muted)
		memset(ret_sent, 0, (size_t)n * sizeof(*ret_sent));
	if (s->tx.is_inband_sending && stream_sends(s))
		is_inband_busy = s->tx.is_inband_sending = inband_run(g->inband, ret_sent, n);

	if (!stream_sends(s) || !addr_is_set(stream_remote(s))) {
		/* The clock runs on, so that the peer's buffer finds us where we would have been. */
		tx->ts += clock_of(g) / 1000 * MEDIA_FRAME_MS;
		tx->fifo_n = 0;
		tx->needs_marker = true;
		return;
	}
	packetise(s, ret_sent, n, now_us);
	dtmf_watch(s, is_inband_busy || dtmf_send_is_busy(&tx->dtmf), now_us);
}

void tx_skip(struct stream *s, uint32_t frames)
{
	s->tx.ts += frames * (clock_of(s->gear) / 1000 * MEDIA_FRAME_MS);
	if (s->recording)
		s->recording->ticks += frames;
	count_up(&s->w->skipped, frames);
}

void tx_set_gear(struct stream *s, const struct gear *before)
{
	struct stream_tx *tx = &s->tx;
	const struct gear *g = s->gear;
	uint32_t units = dtmf_hz(g) / 1000 * g->plan.tx.ptime_ms;

	if (!before || before->rate_hz != g->rate_hz)
		tx->fifo_n = 0;
	if (tx->dtmf.clock_hz != dtmf_hz(g) || tx->dtmf.packet_units != units)
		dtmf_send_init(&tx->dtmf, dtmf_hz(g), units);
}

void tx_dtmf(struct stream *s, const struct digit *d)
{
	int err = 0;

	if (!s->gear)
		return;
	if (s->gear->plan.dtmf_tx_pt >= 0 && !d->is_inband) {
		err = dtmf_send_digit(&s->tx.dtmf, d->digit, d->on_ms, d->pauses ? d->pauses * 1000u : 0);
	} else {
		err = inband_send(s->gear->inband, d->digit);
		for (int i = 0; i < d->pauses && !err; i++)
			err = inband_send(s->gear->inband, ',');
		s->tx.is_inband_sending |= !err;
	}
	if (!err)
		s->tx.is_dtmf_sending = true;
}
