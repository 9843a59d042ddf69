/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"
#include "rtp/packet.h"

enum { SR = 200, RR = 201, SDES = 202, BYE = 203, XR = 207 };
enum { CNAME = 1, VOIP_BLOCK = 7, VOIP_WORDS = 8 };

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)rtp_get32(p) << 32 | rtp_get32(p + 4);
}

static int32_t get_signed24(const uint8_t *p)
{
	return (int32_t)(rtp_get32(p) << 8) >> 8;
}

/* RFC 3550 §6.4.1: n bytes of report blocks; the count was checked against n. */
static void read_blocks(const uint8_t *p, unsigned count, struct rtcp_compound *ret)
{
	for (; count; count--, p += 24) {
		if (ret->block_count == LIMIT_RTCP_BLOCKS) {
			ret->skipped++;
			continue;
		}
		ret->blocks[ret->block_count++] = (struct rtcp_block){
			.ssrc = rtp_get32(p),
			.fraction = p[4],
			.lost = get_signed24(p + 4),
			.highest_seq = rtp_get32(p + 8),
			.jitter = rtp_get32(p + 12),
			.lsr = rtp_get32(p + 16),
			.dlsr = rtp_get32(p + 20),
		};
	}
}

/* SR and RR (RFC 3550 §6.4.1, §6.4.2); what profiles append is passed over. body is what follows the common header. */
static int read_report(bool is_sr, unsigned count, struct span body, struct rtcp_compound *ret)
{
	const uint8_t *p = (const uint8_t *)body.p;
	size_t head = is_sr ? 24 : 4;

	if (body.n < head + count * 24)
		return -TR_EPARSE;
	if (!ret->ssrc)
		ret->ssrc = rtp_get32(p);
	if (is_sr) {
		ret->has_sender = true;
		ret->sender = (struct rtcp_sender){
			.ntp = get64(p + 4),
			.ts = rtp_get32(p + 12),
			.packets = rtp_get32(p + 16),
			.octets = rtp_get32(p + 20),
		};
	}
	read_blocks(p + head, count, ret);

	return 0;
}

/* One SDES chunk (RFC 3550 §6.5) from at on: items until a zero, then to the next word. Returns where the next begins; 0: broken. */
static size_t read_chunk(struct span body, size_t at, struct rtcp_compound *ret)
{
	const uint8_t *p = (const uint8_t *)body.p;

	if (body.n - at < 4)
		return 0;
	if (!ret->ssrc)
		ret->ssrc = rtp_get32(p + at);
	at += 4;
	while (at < body.n && p[at] != 0) {
		if (body.n - at < 2 || body.n - at - 2 < p[at + 1])
			return 0;
		if (p[at] == CNAME && !ret->cname.p)
			ret->cname = span(body.p + at + 2, p[at + 1]);
		at += 2u + p[at + 1];
	}
	/* Some senders let the packet end where the terminating zero should be: taken as the end of the chunk. */
	return MIN((at + 4) & ~(size_t)3, body.n);
}

static int read_sdes(unsigned count, struct span body, struct rtcp_compound *ret)
{
	size_t at = 0;

	for (; count; count--) {
		at = read_chunk(body, at, ret);
		if (!at)
			return -TR_EPARSE;
	}

	return 0;
}

/* RFC 3550 §6.6 */
static int read_bye(unsigned count, struct span body, struct rtcp_compound *ret)
{
	const uint8_t *p = (const uint8_t *)body.p;
	size_t at = count * 4;

	if (body.n < at)
		return -TR_EPARSE;
	for (unsigned i = 0; i < count; i++) {
		if (ret->bye_count == LIMIT_RTCP_BYES)
			ret->skipped++;
		else
			ret->byes[ret->bye_count++] = rtp_get32(p + i * 4);
	}
	if (at < body.n && p[at] <= body.n - at - 1) {
		ret->has_reason = true;
		ret->reason = span(body.p + at + 1, p[at]);
	}

	return 0;
}

/* RFC 3611 §4.7 */
static void read_voip(const uint8_t *p, struct rtcp_voip *ret)
{
	*ret = (struct rtcp_voip){
		.ssrc = rtp_get32(p),
		.loss_rate = p[4],
		.discard_rate = p[5],
		.burst_density = p[6],
		.gap_density = p[7],
		.burst_ms = rtp_get16(p + 8),
		.gap_ms = rtp_get16(p + 10),
		.rtt_ms = rtp_get16(p + 12),
		.end_delay_ms = rtp_get16(p + 14),
		.r_factor = p[20],
		.ext_r_factor = p[21],
		.mos_lq = p[22],
		.mos_cq = p[23],
		.jb_nominal_ms = rtp_get16(p + 26),
		.jb_max_ms = rtp_get16(p + 28),
		.jb_abs_max_ms = rtp_get16(p + 30),
	};
}

/* RFC 3611 §2, §3: report blocks, of which only VoIP metrics are read. A broken one ends the reading, not the packet. */
static int read_xr(struct span body, struct rtcp_compound *ret)
{
	const uint8_t *p = (const uint8_t *)body.p;
	size_t at = 4;

	if (body.n < 4)
		return -TR_EPARSE;
	if (!ret->ssrc)
		ret->ssrc = rtp_get32(p);
	while (body.n - at >= 4) {
		size_t words = rtp_get16(p + at + 2);

		if (words * 4 > body.n - at - 4) {
			ret->skipped++;
			break;
		}
		if (p[at] == VOIP_BLOCK && words == VOIP_WORDS) {
			ret->has_voip = true;
			read_voip(p + at + 4, &ret->voip);
		}
		at += 4 + words * 4;
	}

	return 0;
}

static int read_packet(uint8_t type, unsigned count, struct span body, struct rtcp_compound *ret)
{
	switch (type) {
	case SR:
	case RR:
		return read_report(type == SR, count, body, ret);
	case SDES:
		return read_sdes(count, body, ret);
	case BYE:
		return read_bye(count, body, ret);
	case XR:
		return read_xr(body, ret);
	default:
		ret->skipped++;
		return 0;
	}
}

/* RFC 3550 Appendix A.2, but lenient: padding is taken anywhere, and RFC 5506 §3.4.1 lets any type come first. */
int rtcp_parse(const uint8_t *bytes, size_t n, struct rtcp_compound *ret)
{
	unsigned packets = 0;

	if (n < 4 || n > LIMIT_RTP_PACKET_BYTES)
		return n < 4 ? -TR_EPARSE : -TR_ETOOBIG;

	*ret = (struct rtcp_compound){.is_reduced = bytes[1] != SR && bytes[1] != RR};
	for (size_t at = 0; at < n;) {
		size_t left = n - at;

		if (left < 4 || bytes[at] >> 6 != 2)
			return -TR_EPARSE;
		size_t size = (rtp_get16(bytes + at + 2) + 1u) * 4;
		if (size > left)
			return -TR_EPARSE;
		size_t pad = bytes[at] & 0x20 ? bytes[at + size - 1] : 0;
		if (pad > size - 4 || (bytes[at] & 0x20 && pad == 0))
			return -TR_EPARSE;

		struct span body = span((const char *)bytes + at + 4, size - 4 - pad);
		if (++packets > LIMIT_RTCP_PACKETS)
			ret->skipped++;
		else if (read_packet(bytes[at + 1], bytes[at] & 31, body, ret) < 0)
			return -TR_EPARSE;
		at += size;
	}

	return 0;
}

static void write_head(uint8_t *p, unsigned count, uint8_t type, size_t size)
{
	p[0] = (uint8_t)(2 << 6 | count);
	p[1] = type;
	rtp_put16(p + 2, (uint16_t)(size / 4 - 1));
}

static void write_block(uint8_t *p, const struct rtcp_block *b)
{
	/* RFC 3550 §6.4.1 and Appendix A.3: clamped to 24 bits, not wrapped */
	uint32_t lost = (uint32_t)CLAMP(b->lost, -0x800000, 0x7fffff) & 0xffffff;

	rtp_put32(p, b->ssrc);
	rtp_put32(p + 4, (uint32_t)b->fraction << 24 | lost);
	rtp_put32(p + 8, b->highest_seq);
	rtp_put32(p + 12, b->jitter);
	rtp_put32(p + 16, b->lsr);
	rtp_put32(p + 20, b->dlsr);
}

static size_t write_sr_or_rr(const struct rtcp_report *r, uint8_t *p)
{
	size_t at = r->sender ? 28 : 8, size = at + r->block_count * 24;

	write_head(p, (unsigned)r->block_count, r->sender ? SR : RR, size);
	rtp_put32(p + 4, r->ssrc);
	if (r->sender) {
		rtp_put32(p + 8, (uint32_t)(r->sender->ntp >> 32));
		rtp_put32(p + 12, (uint32_t)r->sender->ntp);
		rtp_put32(p + 16, r->sender->ts);
		rtp_put32(p + 20, r->sender->packets);
		rtp_put32(p + 24, r->sender->octets);
	}
	for (size_t i = 0; i < r->block_count; i++)
		write_block(p + at + i * 24, &r->blocks[i]);

	return size;
}

static size_t sdes_size(struct span cname)
{
	return 8 + ((2 + cname.n + 4) & ~(size_t)3);
}

static size_t write_sdes(const struct rtcp_report *r, uint8_t *p)
{
	size_t size = sdes_size(r->cname);

	memset(p, 0, size);
	write_head(p, 1, SDES, size);
	rtp_put32(p + 4, r->ssrc);
	p[8] = CNAME;
	p[9] = (uint8_t)r->cname.n;
	if (r->cname.n)
		memcpy(p + 10, r->cname.p, r->cname.n);

	return size;
}

int rtcp_write(const struct rtcp_report *r, uint8_t *buf, size_t n, size_t *ret_n)
{
	assert(r->block_count <= LIMIT_RTCP_BLOCKS && r->cname.n <= 255);

	size_t need = (r->sender ? 28u : 8u) + r->block_count * 24 + sdes_size(r->cname) + (r->is_bye ? 8 : 0);
	if (need > n)
		return -TR_ETOOBIG;

	size_t at = write_sr_or_rr(r, buf);
	at += write_sdes(r, buf + at);
	if (r->is_bye) {
		write_head(buf + at, 1, BYE, 8);
		rtp_put32(buf + at + 4, r->ssrc);
		at += 8;
	}
	*ret_n = at;

	return 0;
}

uint64_t rtcp_ntp(int64_t wall_us)
{
	uint64_t seconds = (uint64_t)(wall_us / 1000000) + UINT64_C(2208988800); /* 1900 to 1970 */
	uint64_t us = (uint64_t)(wall_us % 1000000);

	return seconds << 32 | (us << 32) / 1000000;
}

/* RFC 3550 §6.4.1: A - LSR - DLSR, in 1/65536 s modulo 2^32 */
int64_t rtcp_rtt_us(const struct rtcp_block *b, int64_t now_wall_us)
{
	if (b->lsr == 0)
		return -1;

	int32_t rtt = (int32_t)(rtcp_ntp_mid(rtcp_ntp(now_wall_us)) - b->lsr - b->dlsr);
	/* rounding of both clocks may make a tiny negative of a round trip near zero */
	if (rtt < -66 || (int64_t)rtt * 1000 / 65536 > LIMIT_RTT_MS)
		return -1;

	return MAX(rtt, 0) * INT64_C(1000000) / 65536;
}
