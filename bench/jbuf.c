/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf.h"
#include "rtp/packet.h"
#include "rtp/seq.h"
#include <time.h>

/*
 * What a received packet costs in the media path: parse, source model, jitter buffer put and get; G.711 in 20 ms packets with
 * mild jitter. One call shows the work, a thousand show the caches of a busy worker, too. CPU time of the thread, so that
 * neighbours count little.
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

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct sums {
	int64_t parse, put, get;
	uint32_t dummy; /* keeps the compiler from leaving work out */
};

static struct rtp_packet receive(struct call *c, uint32_t i, int64_t now_us, struct sums *sums)
{
	uint8_t bytes[RTP_HEADER_BYTES + PAYLOAD] = {0};
	static uint8_t silence[PAYLOAD];
	struct rtp_packet p = {.seq = (uint16_t)i, .ts = i * PAYLOAD, .ssrc = 1};

	rtp_write_header(&p, bytes);
	if (rtp_parse(bytes, sizeof(bytes), &p) < 0)
		abort();
	sums->dummy += rtp_source_recv(&c->source, &p, now_us) == RTP_SEQ_OK;
	p.payload = silence;

	return p;
}

/* One packet time of all calls. */
static void step(uint32_t count, uint32_t i, int64_t jitter_us, struct sums *sums)
{
	int64_t sent_us = 1000000 + i * INT64_C(20000);
	struct rtp_packet p = {0};

	int64_t t0 = cpu_ns();
	for (uint32_t c = 0; c < count; c++)
		p = receive(&calls[c], i, sent_us + jitter_us, sums);
	int64_t t1 = cpu_ns();
	struct jbuf_packet in = {.seq = p.seq, .ts = p.ts, .ssrc = p.ssrc, .units = PAYLOAD, .len = p.payload_len, .payload = p.payload};
	for (uint32_t c = 0; c < count; c++)
		sums->dummy += (uint32_t)jbuf_put(calls[c].jb, &in, sent_us + jitter_us);
	int64_t t2 = cpu_ns();
	for (uint32_t c = 0; c < count; c++)
		sums->dummy += play(&calls[c], sent_us + 10000);
	sums->get += cpu_ns() - t2;
	sums->put += t2 - t1;
	sums->parse += t1 - t0;
}

static void run(uint32_t count, uint32_t packets)
{
	struct sums sums = {0};
	uint64_t seed = 42;
	int64_t t0 = cpu_ns(), clock_ns = 0;

	for (int i = 0; i < 1000; i++)
		clock_ns = (cpu_ns() - t0) / (i + 1);
	for (uint32_t i = 0; i < count; i++) {
		calls[i] = (struct call){0};
		if (jbuf_new(&calls[i].jb, &(struct jbuf_params){.clock_hz = 8000, .tick_units = PAYLOAD}) < 0)
			abort();
		rtp_source_init(&calls[i].source, 8000, 1);
	}
	for (uint32_t i = 0; i < packets; i++)
		step(count, i, prng_u32(&seed) % 5000, &sums);

	double n = (double)count * packets, own = (double)clock_ns / count;
	printf("jbuf: %4u calls, CPU ns a packet: parse and source %.0f, put %.0f, get %.0f (%u)\n", count,
	       (double)sums.parse / n - own, (double)sums.put / n - own, (double)sums.get / n - own, sums.dummy & 1);
	for (uint32_t i = 0; i < count; i++)
		jbuf_free(calls[i].jb);
}

int main(void)
{
	run(1, 200000);
	run(10, 100000);
	run(100, 15000);
	run(CALLS, PACKETS);

	return 0;
}
