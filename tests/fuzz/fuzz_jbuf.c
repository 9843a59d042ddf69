/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf.h"

/*
 * Bytes drive a jitter buffer: packets with any numbers, kinds and sizes, ticks, pauses, flushes, and an audio layer that stretches
 * or does not. Invariants: every tick is filled in few steps, payloads are inside and whole, the accounts balance.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct reader {
	const uint8_t *p;
	size_t n;
};

static uint32_t take(struct reader *r, int bytes)
{
	uint32_t v = 0;

	for (; bytes && r->n; bytes--, r->n--)
		v = v << 8 | *r->p++;

	return v;
}

struct world {
	struct jbuf *jb;
	int64_t now_us;
	uint32_t fifo, tick;
	struct jbuf_packet p;
};

static void check(const struct world *w)
{
	struct jbuf_stats s;

	jbuf_get_stats(w->jb, &s);
	assert(s.received == s.played + s.late + s.duplicates + s.discarded + s.buffered);
	assert(s.buffered <= LIMIT_JBUF_SLOTS);
	assert(s.lost < UINT32_MAX && s.loss_runs <= s.received * 3000 && s.underruns < 1u << 30);
	assert(s.expanded_units < UINT64_C(1) << 60);
}

static void put(struct world *w, struct reader *r, uint8_t how)
{
	static uint8_t payload[LIMIT_RTP_PACKET_BYTES + 1];
	struct jbuf_packet *p = &w->p;

	p->kind = (how & 0x30) == 0x30 ? JBUF_EVENT : (how & 0x30) == 0x20 ? JBUF_NOISE : JBUF_AUDIO;
	p->marker = how & 1;
	if (how & 2)
		p->seq = (uint16_t)(p->seq + (int8_t)take(r, 1));
	else
		p->seq++;
	if (how & 4)
		p->ts += take(r, 4);
	else
		p->ts += w->tick;
	if (how & 8) {
		p->ssrc = take(r, 1) & 3;
		p->len = (uint16_t)take(r, 2) % (sizeof(payload) + 1);
		p->units = take(r, 2);
		p->seq = (uint16_t)(p->seq + take(r, 2));
	}
	memset(payload, (uint8_t)p->seq, p->len);
	p->payload = payload;
	jbuf_put(w->jb, p, w->now_us);
}

static void play(struct world *w, uint8_t how)
{
	int gets = 0;

	while (w->fifo < w->tick) {
		struct jbuf_out out;

		jbuf_get(w->jb, w->now_us, w->fifo, &out);
		assert(++gets <= 2 * LIMIT_JBUF_SLOTS + 50);
		if (out.op != JBUF_DECODE)
			assert(out.units > 0 && out.units <= 2 * LIMIT_JBUF_SLOTS * 5760);
		for (uint16_t i = 0; out.payload && i < out.len; i++)
			assert(out.payload[i] == (uint8_t)out.seq);
		w->fifo += out.units;
		if (how & 1 && w->fifo > 50)
			w->fifo = (uint32_t)MAX((int32_t)w->fifo + out.stretch_quiet, 0);
		else if (how & 2 && w->fifo > 50)
			w->fifo = (uint32_t)MAX((int32_t)w->fifo + out.stretch / 2, 0);
		assert(abs(out.stretch) <= 192000 && (out.stretch >= 0) >= (out.stretch_quiet > 0));
	}
	w->fifo -= w->tick;
	w->fifo %= 1u << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct {
		uint32_t hz, tick;
	} clocks[] = {{8000, 160}, {8000, 80}, {16000, 320}, {48000, 960}, {8000, 8}};
	struct reader r = {data, n};
	uint8_t kind = (uint8_t)take(&r, 1);
	struct jbuf_params params = {.clock_hz = clocks[kind % 5].hz, .tick_units = clocks[kind % 5].tick,
				     .pool_bytes = kind & 0x80 ? 4096 : 0, .max_ms = kind & 0x40 ? 60 : 0};
	struct world w = {.tick = params.tick_units, .now_us = 1000, .p = {.len = 20, .units = params.tick_units, .ssrc = 1}};
	int64_t tick_us = (int64_t)w.tick * 1000000 / params.clock_hz;

	assert(jbuf_new(&w.jb, &params) == 0);
	for (int ops = 0; r.n && ops < 4000; ops++) {
		uint8_t op = (uint8_t)take(&r, 1);

		switch (op >> 6) {
		case 0:
			put(&w, &r, op);
			break;
		case 1: /* a packet and a tick, the usual */
			put(&w, &r, op & 3);
			play(&w, op >> 2);
			w.now_us += tick_us;
			break;
		case 2:
			play(&w, op);
			w.now_us += tick_us;
			break;
		default:
			w.now_us += (op & 15) == 15 ? (int64_t)take(&r, 2) * 10000 : (op & 15) * 1000;
			if (op == 0xf0)
				jbuf_flush(w.jb);
			break;
		}
		check(&w);
	}
	jbuf_free(w.jb);

	return 0;
}
