/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sdp/sdp.h"

/* What the offer/answer machine knows of codecs: names, clocks and parameters; it never codes. */

enum sdp_codec {
	SDP_CODEC_NONE,
	SDP_PCMU,
	SDP_PCMA,
	SDP_G722,
	SDP_OPUS,
	SDP_L16,             /* 16 kHz mono, dynamic */
	SDP_CN,              /* comfort noise, RFC 3389 */
	SDP_TELEPHONE_EVENT, /* RFC 4733 */
	SDP_CODEC_COUNT
};

struct sdp_codec_info {
	const char *name;   /* as an rtpmap writes it */
	uint32_t clock_hz;  /* of RTP: G.722 says 8000 and samples at 16000 (RFC 3551 §4.5.2) */
	uint32_t sample_hz; /* of the audio; 0 for events */
	uint8_t channels;   /* in the rtpmap: opus says 2 whatever it carries (RFC 7587 §4.1) */
	uint8_t static_pt;  /* RFC 3551 §6; SDP_NO_PT when it has none */
};

const struct sdp_codec_info *sdp_codec_info(enum sdp_codec c);

/* Of a format with or without rtpmap: a static payload type needs none (RFC 3264 §5.1).
 * SDP_CODEC_NONE: not one of ours. */
enum sdp_codec sdp_codec_of(const struct sdp_format *f);

/* Parameters of Opus, RFC 7587 §6.1. In a local description: what we can receive. In a plan: what
 * the peer can receive. */
struct sdp_opus {
	uint32_t max_playback_hz; /* 0: 48000 */
	uint32_t max_bitrate;     /* 0: not said */
	uint16_t min_ptime_ms;    /* 0: not said */
	bool is_stereo;           /* wants stereo: default mono */
	bool is_fec;              /* wants in-band FEC */
	bool is_dtx;
	bool is_cbr;
};

/* Unknown parameters and senseless values are skipped. */
void sdp_opus_parse(struct span fmtp, struct sdp_opus *ret);

/* RFC 4733 §2.4.1: bit n is event n, 0 to 31; later ones are skipped. An absent fmtp means 0-15. */
uint32_t sdp_events_parse(struct span fmtp);
