/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/packet.h"

/* RFC 3550 §5.3.1: the extension's length counts words behind its own four bytes. 0 when it does not fit. */
static size_t read_extension(const uint8_t *bytes, size_t n, size_t at, struct rtp_packet *p)
{
	if (n - at < 4)
		return 0;
	p->ext_profile = rtp_get16(bytes + at);
	p->ext_len = (uint16_t)MIN((size_t)rtp_get16(bytes + at + 2) * 4, UINT16_MAX);
	p->ext = bytes + at + 4;

	return p->ext_len <= n - at - 4 ? at + 4 + p->ext_len : 0;
}

/* RFC 3550 §5.1 */
int rtp_parse(const uint8_t *bytes, size_t n, struct rtp_packet *ret)
{
	struct rtp_packet p = {0};

	if (n > LIMIT_RTP_PACKET_BYTES)
		return -TR_ETOOBIG;
	if (n < RTP_HEADER_BYTES || bytes[0] >> 6 != 2)
		return -TR_EPARSE;

	p.csrc_count = bytes[0] & 15;
	p.marker = bytes[1] >> 7;
	p.pt = bytes[1] & 127;
	p.seq = rtp_get16(bytes + 2);
	p.ts = rtp_get32(bytes + 4);
	p.ssrc = rtp_get32(bytes + 8);

	size_t at = RTP_HEADER_BYTES + (size_t)p.csrc_count * 4;
	if (at > n)
		return -TR_EPARSE;
	if (p.csrc_count)
		p.csrc = bytes + RTP_HEADER_BYTES;

	if (bytes[0] & 0x10) {
		at = read_extension(bytes, n, at, &p);
		if (!at)
			return -TR_EPARSE;
	}
	if (bytes[0] & 0x20) {
		/* the count includes itself, so 0 is as wrong as more than there is */
		p.padding = bytes[n - 1];
		if (p.padding == 0 || p.padding > n - at)
			return -TR_EPARSE;
	}
	p.payload = bytes + at;
	p.payload_len = (uint16_t)(n - at - p.padding);
	*ret = p;

	return 0;
}

void rtp_write_header(const struct rtp_packet *p, uint8_t ret_bytes[static RTP_HEADER_BYTES])
{
	ret_bytes[0] = 2 << 6;
	ret_bytes[1] = (uint8_t)(p->marker << 7 | (p->pt & 127));
	rtp_put16(ret_bytes + 2, p->seq);
	rtp_put32(ret_bytes + 4, p->ts);
	rtp_put32(ret_bytes + 8, p->ssrc);
}

/* One element at p->ext + *at: its id and data; moves *at behind it. False at the end. */
static bool next_element(const struct rtp_packet *p, size_t *at, uint8_t *ret_id, const uint8_t **ret_data, size_t *ret_len)
{
	bool is_one_byte = p->ext_profile == 0xbede;

	while (*at < p->ext_len && p->ext[*at] == 0) /* padding */
		(*at)++;
	if (*at >= p->ext_len)
		return false;

	uint8_t head = p->ext[(*at)++];
	if (is_one_byte) {
		*ret_id = head >> 4;
		*ret_len = (head & 15) + 1u;
		if (*ret_id == 15) /* RFC 8285 §4.2: stop here */
			return false;
	} else {
		if (*at >= p->ext_len)
			return false;
		*ret_id = head;
		*ret_len = p->ext[(*at)++];
	}
	if (*ret_len > p->ext_len - *at)
		return false;
	*ret_data = p->ext + *at;
	*at += *ret_len;

	return true;
}

bool rtp_ext_find(const struct rtp_packet *p, uint8_t id, const uint8_t **ret_data, size_t *ret_len)
{
	const uint8_t *data;
	size_t len, at = 0;
	uint8_t found;

	if (!p->ext || id == 0 || (p->ext_profile != 0xbede && p->ext_profile >> 4 != 0x100))
		return false;

	while (next_element(p, &at, &found, &data, &len)) {
		if (found != id)
			continue;
		*ret_data = data;
		*ret_len = len;
		return true;
	}

	return false;
}

/* RFC 7983 §7 for the first byte; RFC 5761 §4: RTCP types 192 to 223 are payload types 64 to 95 with a marker. */
enum rtp_kind rtp_classify(const uint8_t *bytes, size_t n)
{
	if (n < 2)
		return RTP_KIND_OTHER;
	if (bytes[0] < 4)
		return RTP_KIND_STUN;
	if (bytes[0] >= 20 && bytes[0] <= 63)
		return RTP_KIND_DTLS;
	if (bytes[0] >= 64 && bytes[0] <= 79)
		return RTP_KIND_TURN;
	if (bytes[0] >> 6 != 2)
		return RTP_KIND_OTHER;

	return bytes[1] >= 192 && bytes[1] <= 223 ? RTP_KIND_RTCP : RTP_KIND_RTP;
}
