/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <sys/socket.h>

/*
 * RTCP of a stream, RFC 3550 §6: sender and receiver reports with RTT, what the peer says of us, BYE at the end.
 */
#define REPORT_BYTES 512

static int64_t wall_us(const struct stream *s, int64_t at_us)
{
	return at_us + s->w->wall_minus_mono_us;
}

static void block_in(struct stream *s, const struct rtcp_block *b, int64_t at_us)
{
	struct stream_tx *tx = &s->tx;
	uint32_t clock_hz = codec_info(s->gear->plan.tx.id)->rtp_hz;
	int64_t rtt_us = rtcp_rtt_us(b, wall_us(s, at_us));

	if (rtt_us >= 0)
		tx->rtt_us = rtt_us;
	tx->peer_reports++;
	tx->peer_lost = b->lost;
	tx->peer_loss_permille = (uint32_t)b->fraction * 1000 / 256;
	tx->peer_jitter_ms = (uint32_t)((uint64_t)b->jitter * 1000 / clock_hz);
	codec_set_loss(s->gear->tx, b->fraction * 100 / 256);
}

void report_recv(struct stream *s, const uint8_t *bytes, size_t n, int64_t at_us)
{
	struct rtcp_compound rtcp;

	if (rtcp_parse(bytes, n, &rtcp) < 0) {
		s->rx.invalid++;
		return;
	}
	s->tx.peer_rtcp++;
	rtcp_timer_size(&s->tx.rtcp, n + 28);
	if (rtcp.has_sender && s->rx.source.is_seen && rtcp.ssrc == s->rx.source.ssrc)
		rtp_source_sr(&s->rx.source, &rtcp.sender, at_us);
	for (int i = 0; i < rtcp.block_count; i++)
		if (rtcp.blocks[i].ssrc == s->tx.ssrc)
			block_in(s, &rtcp.blocks[i], at_us);
}

/* RTCP goes beside RTP: with mux, to the port the SDP gave, or, when media comes from elsewhere (NAT), one above it. */
static bool report_to(const struct stream *s, struct addr *ret)
{
	const struct media_plan *plan = &s->gear->plan;
	const struct route *route = &s->gear->route;
	const struct addr *rtp = stream_remote(s);

	if (!addr_is_set(rtp) || route->is_shut || (route->is_mux_only && !plan->rtcp_mux))
		return false;

	*ret = *rtp;
	if (plan->rtcp_mux)
		return true;
	if (addr_is_set(&plan->remote_rtcp) && addr_eq(rtp, &plan->remote_rtp))
		*ret = plan->remote_rtcp;
	else
		addr_set_port(ret, (uint16_t)(addr_port(rtp) + 1));

	return true;
}

static void report_send(struct stream *s, bool is_bye, int64_t now_us)
{
	struct stream_tx *tx = &s->tx;
	uint8_t buf[REPORT_BYTES + SRTP_EXTRA_BYTES];
	struct addr to;
	struct rtcp_block block;
	size_t n;

	if (!report_to(s, &to))
		return;

	struct rtcp_sender sender = {.ntp = rtcp_ntp(wall_us(s, now_us)),
		.ts = tx->ts,
		.packets = (uint32_t)tx->packets,
		.octets = (uint32_t)tx->bytes};
	struct rtcp_report report = {.ssrc = tx->ssrc,
		.sender = tx->packets > tx->reported_packets ? &sender : NULL,
		.cname = span_z(s->cname),
		.is_bye = is_bye};

	if (s->rx.source.is_seen) {
		rtp_source_report(&s->rx.source, now_us, &block);
		report.blocks = &block;
		report.block_count = 1;
	}
	tx->reported_packets = tx->packets;
	if (rtcp_write(&report, buf, REPORT_BYTES, &n) < 0 || !secure_seal(s, true, buf, &n))
		return;

	int fd = s->gear->plan.rtcp_mux ? s->sockets.rtp : s->sockets.rtcp;

	if (stream_put(s, fd, buf, n, &to)) {
		tx->rtcp_sent++;
		rtcp_timer_size(&tx->rtcp, n + 28);
	}
}

void report_tick(struct stream *s, int64_t now_us)
{
	msec_t now = now_us / 1000;

	if (now < s->tx.rtcp.next_at)
		return;

	s->tx.rtcp.is_sender = s->tx.packets > s->tx.reported_packets;
	if (rtcp_timer_tick(&s->tx.rtcp, now, prng_u32(&s->seed)))
		report_send(s, false, now_us);
}

/* RFC 3550 §6.3.7: a session of two says BYE at once. Only if we ever sent anything (same section). */
void report_bye(struct stream *s, int64_t now_us)
{
	if (s->gear && (s->tx.packets > 0 || s->tx.rtcp_sent > 0))
		report_send(s, true, now_us);
}
