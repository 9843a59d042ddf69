/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf.h"
#include "rtp/packet.h"
#include "rtp/seq.h"

/*
 * What a received packet costs in the media path: parse, source model, jitter buffer put and get; G.711 in 20 ms packets with
 * mild jitter. Many calls, so that the caches are as cold as in a worker. Prints nanoseconds.
 */
enum { CALLS = 1000, PACKETS = 1500, PAYLOAD = 160 };

struct call {
	struct jbuf *jb;
	struct rtp_source source;
	uint32_t fifo;
};

static struct call calls[CALLS];

static uint32_t play(struct call *c, int64_t now_us)
{
	uint32_t sum = 0;

	while (c->fifo < PAYLOAD) {
		struct jbuf_out out;

		jbuf_get(c->jb, now_us, c->fifo, &out);
		sum += out.payload ? out.payload[0] : 0;
		c->fifo += out.units;
	}
	c->fifo -= PAYLOAD;

	return sum;
}

static void build(uint8_t *bytes, uint32_t i)
{
	struct rtp_packet p = {.seq = (uint16_t)i, .ts = i * PAYLOAD, .ssrc = 1};

	rtp_write_header(&p, bytes);
}

int main(int argc, char **argv)
{
	uint8_t bytes[RTP_HEADER_BYTES + PAYLOAD] = {0};
	int64_t put_us = 0, get_us = 0, parse_us = 0;
	uint64_t seed = 42;
	uint32_t sum = 0, count = argc > 1 ? (uint32_t)MIN(strtoul(argv[1], NULL, 10), (unsigned long)CALLS) : CALLS;

	for (uint32_t i = 0; i < count; i++) {
		if (jbuf_new(&calls[i].jb, &(struct jbuf_params){.clock_hz = 8000, .tick_units = PAYLOAD}) < 0)
			return 1;
		rtp_source_init(&calls[i].source, 8000, 1);
	}
	for (uint32_t i = 0; i < PACKETS; i++) {
		int64_t now_us = 1000000 + i * INT64_C(20000) + prng_u32(&seed) % 5000;
		struct rtp_packet p;

		build(bytes, i);
		int64_t t0 = clock_us();
		for (uint32_t c = 0; c < count; c++) {
			if (rtp_parse(bytes, sizeof(bytes), &p) < 0)
				return 1;
			sum += rtp_source_recv(&calls[c].source, &p, now_us) == RTP_SEQ_OK;
		}
		int64_t t1 = clock_us();
		struct jbuf_packet in = {.seq = p.seq, .ts = p.ts, .ssrc = p.ssrc, .units = PAYLOAD, .len = p.payload_len,
					 .payload = p.payload};
		for (uint32_t c = 0; c < count; c++)
			sum += (uint32_t)jbuf_put(calls[c].jb, &in, now_us);
		int64_t t2 = clock_us();
		for (uint32_t c = 0; c < count; c++)
			sum += play(&calls[c], 1010000 + i * INT64_C(20000));
		int64_t t3 = clock_us();
		parse_us += t1 - t0;
		put_us += t2 - t1;
		get_us += t3 - t2;
	}
	double n = (double)count * PACKETS / 1000;
	printf("jbuf: %u calls, ns a packet: parse and source %.0f, put %.0f, get %.0f (%u)\n", count, (double)parse_us / n,
	       (double)put_us / n, (double)get_us / n, sum & 1);
	for (uint32_t i = 0; i < count; i++)
		jbuf_free(calls[i].jb);

	return 0;
}
