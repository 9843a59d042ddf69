/* SPDX-License-Identifier: Apache-2.0 */
#include "obs/pcap.h"

enum { RECORD_HEADER = 16, IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, LINK_RAW = 101, SNAP = 65535, TTL = 64, PROTO_UDP = 17 };

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The file's own numbers are in the writer's byte order; its magic tells which. */
static void put32_own(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static uint32_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;

	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return (uint16_t)~sum;
}

void pcap_file_header(uint8_t ret[static PCAP_FILE_HEADER])
{
	uint16_t version[2] = {2, 4};

	memset(ret, 0, PCAP_FILE_HEADER);
	put32_own(ret, 0xa1b2c3d4);
	memcpy(ret + 4, version, sizeof(version));
	put32_own(ret + 16, SNAP);
	put32_own(ret + 20, LINK_RAW);
}

/* Returns the header's length. */
static size_t put_ip(uint8_t *p, const struct pcap_message *m, size_t udp_n)
{
	if (m->from.family == AF_INET6) {
		p[0] = 0x60;
		put16(p + 4, (uint32_t)udp_n);
		p[6] = PROTO_UDP;
		p[7] = TTL;
		memcpy(p + 8, &m->from.v6.sin6_addr, 16);
		memcpy(p + 24, &m->to.v6.sin6_addr, 16);
		return IP6_HEADER;
	}
	p[0] = 0x45;
	put16(p + 2, (uint32_t)(IP4_HEADER + udp_n));
	p[8] = TTL;
	p[9] = PROTO_UDP;
	memcpy(p + 12, &m->from.v4.sin_addr, 4);
	memcpy(p + 16, &m->to.v4.sin_addr, 4);
	put16(p + 10, fold(sum16(p, IP4_HEADER, 0)));

	return IP4_HEADER;
}

/* RFC 768 with the pseudo header; over IPv6 the checksum is not optional (RFC 8200 §8.1). */
static void put_checksum(uint8_t *ip, size_t ip_n, uint8_t *udp, size_t udp_n)
{
	bool is_v6 = ip_n == IP6_HEADER;
	uint32_t sum = sum16(is_v6 ? ip + 8 : ip + 12, is_v6 ? 32 : 8, PROTO_UDP + (uint32_t)udp_n);
	uint16_t check = fold(sum16(udp, udp_n, sum));

	put16(udp + 6, check ? check : 0xffff);
}

size_t pcap_write(const struct pcap_message *m, uint8_t *ret, size_t cap)
{
	size_t ip_n = m->from.family == AF_INET6 ? IP6_HEADER : IP4_HEADER;
	size_t n = MIN(m->bytes.n, (size_t)PCAP_MESSAGE_MOST), udp_n = UDP_HEADER + n, packet_n = ip_n + udp_n;
	uint8_t *ip = ret + RECORD_HEADER, *udp = ip + ip_n;

	if (RECORD_HEADER + packet_n > cap || m->from.family != m->to.family)
		return 0;
	memset(ret, 0, RECORD_HEADER + ip_n + UDP_HEADER);
	put32_own(ret, (uint32_t)(m->wall_us / 1000000));
	put32_own(ret + 4, (uint32_t)(m->wall_us % 1000000));
	put32_own(ret + 8, (uint32_t)packet_n);
	put32_own(ret + 12, (uint32_t)packet_n);
	put_ip(ip, m, udp_n);
	put16(udp, addr_port(&m->from));
	put16(udp + 2, addr_port(&m->to));
	put16(udp + 4, (uint32_t)udp_n);
	memcpy(udp + UDP_HEADER, m->bytes.p, n);
	put_checksum(ip, ip_n, udp, udp_n);

	return RECORD_HEADER + packet_n;
}
