/* SPDX-License-Identifier: Apache-2.0 */
#include "call/media_map.h"

static const struct {
	const char *name;
	enum sdp_codec sdp;
	enum codec_id media;
} codecs[] = {
	{"opus", SDP_OPUS, CODEC_OPUS},
	{"g722", SDP_G722, CODEC_G722},
	{"pcmu", SDP_PCMU, CODEC_PCMU},
	{"pcma", SDP_PCMA, CODEC_PCMA},
};

static bool to_media(enum sdp_codec c, enum codec_id *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		if (codecs[i].sdp != c)
			continue;
		*ret = codecs[i].media;
		return true;
	}

	return false;
}

static void add_codec(struct sdp_local *l, size_t i)
{
	if (l->codec_count == ARRAY_LEN(l->codecs))
		return;

	struct sdp_local_codec *c = &l->codecs[l->codec_count++];

	c->codec = codecs[i].sdp;
	if (c->codec == SDP_OPUS)
		c->opus = (struct sdp_opus){.max_playback_hz = 16000, .is_fec = true};
}

void media_map_local(const char *const *names, const struct addr *rtp, struct sdp_local *ret)
{
	*ret = (struct sdp_local){.rtp = *rtp, .is_rtcp_mux = true, .dir = SDP_SENDRECV, .protos = 1u << SDP_RTP_AVP | 1u << SDP_RTP_AVPF,
		.offer_proto = SDP_RTP_AVP, .has_events = true};

	for (size_t n = 0; names && names[n]; n++)
		for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
			if (span_ieq_z(span_z(names[n]), codecs[i].name))
				add_codec(ret, i);
	if (ret->codec_count == 0)
		for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
			add_codec(ret, i);
}

/* Keys in order of preference: GCM costs no more than HMAC and its tags are longer; the 32-bit tag is for peers that have no other. */
static void make_keys(struct sdp_security *s)
{
	static const enum srtp_suite suites[] = {SRTP_AEAD_AES_256_GCM, SRTP_AEAD_AES_128_GCM, SRTP_AES_CM_128_HMAC_SHA1_80,
		SRTP_AES_256_CM_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32};

	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		s->keys[i] = (struct srtp_key){.suite = suites[i]};
		random_bytes(s->keys[i].bytes, srtp_key_bytes(suites[i]));
	}
	s->key_count = ARRAY_LEN(suites);
}

void media_map_security(const struct media_map_secure *s, struct sdp_local *l)
{
	l->security = (struct sdp_security){.srtp = s->srtp, .prefers_dtls = s->prefers_dtls, .fingerprint = s->fingerprint};
	if (s->srtp == SDP_SRTP_OFF)
		return;

	make_keys(&l->security);
	l->protos |= 1u << SDP_RTP_SAVP | 1u << SDP_RTP_SAVPF | 1u << SDP_DTLS_SAVP | 1u << SDP_DTLS_SAVPF;
	if (s->prefers_dtls)
		l->offer_proto = SDP_DTLS_SAVPF;
	else if (s->srtp == SDP_SRTP_REQUIRED || s->is_secure_profile)
		l->offer_proto = SDP_RTP_SAVP;
}

bool media_map_transport(const struct sdp_media_plan *plan, bool is_offerer, struct media_transport *ret)
{
	*ret = (struct media_transport){.ice = plan->ice, .is_offerer = is_offerer};
	if (plan->keying == SDP_DTLS) {
		ret->fingerprint = plan->fingerprint;
		ret->is_dtls_client = plan->is_dtls_client;
	}

	return plan->keying == SDP_DTLS || ice_description_is_set(&plan->ice);
}

static struct media_codec map_codec(const struct sdp_format_use *f, enum codec_id id, uint16_t ptime_ms)
{
	struct media_codec c = {.id = id, .pt = f->pt, .ptime_ms = ptime_ms};

	if (id == CODEC_OPUS) {
		c.opus.use_fec = f->opus.is_fec;
		c.opus.bitrate_bps = (int)MIN(f->opus.max_bitrate, 128000u);
		c.opus.use_dtx = false; /* a PBX hangs up on silence: always send */
	}

	return c;
}

int media_map_plan(const struct sdp_media_plan *plan, struct media_plan *ret)
{
	struct media_plan m = {.remote_rtp = plan->remote_rtp, .remote_rtcp = plan->remote_rtcp,
		.direction = (enum media_direction)plan->dir, .rtcp_mux = plan->is_rtcp_mux, .dtmf_tx_pt = -1,
		.tx_key = plan->tx_key, .rx_key = plan->rx_key};
	enum codec_id id;

	if (!plan->has_media || !to_media(plan->tx.codec, &id))
		return -TR_ENOCODEC;

	m.tx = map_codec(&plan->tx, id, plan->ptime_ms);
	for (uint8_t i = 0; i < plan->rx_count; i++) {
		const struct sdp_format_use *f = &plan->rx[i];

		if (f->codec == SDP_TELEPHONE_EVENT && m.n_dtmf_rx < MEDIA_MAX_DTMF_PTS) {
			m.dtmf_rx[m.n_dtmf_rx].pt = f->pt;
			m.dtmf_rx[m.n_dtmf_rx++].hz = f->clock_hz;
		} else if (to_media(f->codec, &id) && m.n_rx < MEDIA_MAX_CODECS) {
			m.rx[m.n_rx++] = map_codec(f, id, 0);
		}
	}
	if (plan->tx_event.codec == SDP_TELEPHONE_EVENT) {
		m.dtmf_tx_pt = plan->tx_event.pt;
		m.dtmf_tx_hz = plan->tx_event.clock_hz;
	}
	*ret = m;

	return 0;
}
