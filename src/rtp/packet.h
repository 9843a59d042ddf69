/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * RTP packets, RFC 3550 §5.1, read in place: every pointer points into the datagram that was given. Pure; any thread.
 */
#define RTP_HEADER_BYTES 12

struct rtp_packet {
	uint8_t pt;		/* payload type, 0 to 127 */
	bool marker;
	uint16_t seq;
	uint32_t ts;		/* in units of the payload's RTP clock */
	uint32_t ssrc;
	uint8_t csrc_count;
	uint8_t padding;	/* bytes of padding behind the payload */
	uint16_t ext_profile;	/* "defined by profile"; meaningful with ext */
	const uint8_t *csrc;	/* csrc_count words in network order; NULL without */
	const uint8_t *ext;	/* body of the header extension; NULL without */
	const uint8_t *payload;	/* never NULL; may be empty */
	uint16_t ext_len;
	uint16_t payload_len;
};

/*
 * -TR_EPARSE for what is not RTP version 2 or contradicts its own lengths, -TR_ETOOBIG above LIMIT_RTP_PACKET_BYTES; *ret is
 * then untouched.
 */
nodiscard int rtp_parse(const uint8_t *bytes, size_t n, struct rtp_packet *ret);

/* The 12 bytes of a header without CSRC, extension or padding, from pt, marker, seq, ts and ssrc of p. */
void rtp_write_header(const struct rtp_packet *p, uint8_t ret_bytes[static RTP_HEADER_BYTES]);

/*
 * An element of the header extension by its id (RFC 8285 §4.2 one-byte form, §4.3 two-byte form). False when it is not there
 * or the extension is of another kind. An element may be empty.
 */
bool rtp_ext_find(const struct rtp_packet *p, uint8_t id, const uint8_t **ret_data, size_t *ret_len);

/* What arrived on a media port, by its first bytes: RFC 5761 §4 within RFC 7983 §7. */
enum rtp_kind {
	RTP_KIND_OTHER,
	RTP_KIND_STUN,
	RTP_KIND_DTLS,
	RTP_KIND_TURN, /* ChannelData, RFC 8656 §12.4 */
	RTP_KIND_RTP,
	RTP_KIND_RTCP,
};
enum rtp_kind rtp_classify(const uint8_t *bytes, size_t n);

/* Big-endian words. */
static inline uint16_t rtp_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rtp_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void rtp_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void rtp_put32(uint8_t *p, uint32_t v)
{
	rtp_put16(p, (uint16_t)(v >> 16));
	rtp_put16(p + 2, (uint16_t)v);
}
