/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/plan.h"

#define PTIME_STEP_MS 10
#define SECURE_PROTOS                                                                              \
	(1u << SDP_RTP_SAVP | 1u << SDP_RTP_SAVPF | 1u << SDP_DTLS_SAVP | 1u << SDP_DTLS_SAVPF)

void oa_commit(struct sdp_oa *oa, const struct sdp_oa *next)
{
	sdp_oa_done(oa);
	*oa = *next;
}

bool oa_local_is_valid(const struct sdp_local *l)
{
	return l->codec_count > 0 && l->codec_count <= LIMIT_SDP_LOCAL_CODECS &&
	       addr_is_set(&l->rtp) && addr_port(&l->rtp) != 0;
}

const struct sdp_local_codec *oa_local_find(const struct sdp_local *l, enum sdp_codec c)
{
	for (unsigned i = 0; i < l->codec_count; i++)
		if (l->codecs[i].codec == c)
			return &l->codecs[i];

	return NULL;
}

bool oa_is_audio(enum sdp_codec c)
{
	return c != SDP_CODEC_NONE && c != SDP_CN && c != SDP_TELEPHONE_EVENT;
}

bool oa_is_secure(enum sdp_proto proto)
{
	return SECURE_PROTOS >> proto & 1;
}

void oa_pt_bind(struct sdp_oa *oa, const struct sdp_format_use *f)
{
	oa->pts[f->pt & 127] = (uint8_t)f->codec;
	oa->pt_khz[f->pt & 127] = (uint8_t)(f->clock_hz / 1000);
}

struct sdp_format_use plan_use(const struct sdp_format *f, enum sdp_codec c)
{
	struct sdp_format_use u = {
		.codec = c, .pt = f->pt, .clock_hz = sdp_codec_info(c)->clock_hz};

	if (c == SDP_OPUS) {
		sdp_opus_parse(f->fmtp, &u.opus);
	} else if (c == SDP_TELEPHONE_EVENT) {
		u.events = sdp_events_parse(f->fmtp);
		u.clock_hz = f->clock_hz ? f->clock_hz : 8000;
	}

	return u;
}

void plan_add_rx(struct sdp_media_plan *p, const struct sdp_format_use *f)
{
	if (p->rx_count < LIMIT_SDP_RX_FORMATS && !sdp_plan_rx(p, f->pt))
		p->rx[p->rx_count++] = *f;
}

const struct sdp_format_use *sdp_plan_rx(const struct sdp_media_plan *plan, uint8_t pt)
{
	for (unsigned i = 0; i < plan->rx_count; i++)
		if (plan->rx[i].pt == pt)
			return &plan->rx[i];

	return NULL;
}

void plan_remote(struct sdp_media_plan *p, const struct sdp_media *m, bool is_rtcp_mux)
{
	p->is_rtcp_mux = is_rtcp_mux;
	if (!addr_is_set(&m->conn.ip))
		return;

	p->remote_rtp = m->conn.ip;
	addr_set_port(&p->remote_rtp, m->port);
	p->remote_rtcp = p->remote_rtp;
	if (!is_rtcp_mux) {
		if (addr_is_set(&m->rtcp))
			p->remote_rtcp = m->rtcp;
		else
			addr_set_port(&p->remote_rtcp, (uint16_t)MIN(m->port + 1u, UINT16_MAX));
	}
	/* With ICE 0.0.0.0 is the address of one who does not know it yet (RFC 8840 §4.1.1). */
	p->is_old_hold = addr_is_any(&m->conn.ip) && !ice_description_is_set(&p->ice);
	p->is_remote_private = addr_is_private(&p->remote_rtp);
}

/* The packet length that the peer asks for, within its own maximum and what our 10 ms frames can
 * build (RFC 3264 §6.1). */
uint16_t plan_ptime(const struct sdp_media *m, const struct sdp_local *l, enum sdp_codec tx)
{
	unsigned ms = m->ptime_ms ? m->ptime_ms : l->ptime_ms ? l->ptime_ms : OA_PTIME_DEFAULT_MS;

	if (m->maxptime_ms)
		ms = MIN(ms, m->maxptime_ms);
	ms = CLAMP(ms, PTIME_STEP_MS, LIMIT_PTIME_MS);
	ms -= ms % PTIME_STEP_MS;
	if (tx == SDP_OPUS && ms > 20) /* Opus has frames of 10, 20, 40 and 60 ms */
		ms = ms < 40 ? 20 : ms < 60 ? 40 : 60;

	return (uint16_t)ms;
}

void plan_dir(struct sdp_media_plan *p, const struct sdp_media *m, enum sdp_dir ours)
{
	unsigned dir = ours & sdp_dir_reverse(m->dir);

	if (p->is_old_hold)
		dir &= ~(unsigned)SDP_SENDONLY; /* RFC 3264 §8.4: nowhere to send to */
	p->dir = (enum sdp_dir)dir;
	p->is_held_by_peer = p->is_old_hold || !(m->dir & SDP_RECVONLY);
	p->is_held_by_us = !(ours & SDP_RECVONLY);
}

/* Among the formats both sides take: events on the clock of the audio we send, else whatever events
 * there are. */
void plan_tx_event(struct sdp_media_plan *p, const struct sdp_format_use *f)
{
	if (p->tx_event.codec == SDP_CODEC_NONE ||
		(p->tx_event.clock_hz != p->tx.clock_hz && f->clock_hz == p->tx.clock_hz))
		p->tx_event = *f;
}
