/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Adaptive jitter buffer. It stores encoded packets and tells, at every playout tick, what to do for the next stretch of
 * audio: decode this packet, conceal that much, or play silence. Time-stretching, concealment and cross-fades are the audio
 * layer's; the buffer says when and how much. All durations are "units" of the RTP clock (G.722: 8000 a second, Opus: 48000).
 *
 * The audio layer keeps decoded audio in a FIFO. At every tick (20 ms, or any size):
 *
 *	while (fifo < tick) {
 *		jbuf_get(jb, now_us, fifo, &out);
 *		switch (out.op) {
 *		case JBUF_DECODE:  decode out.payload; shorten or lengthen it as out.stretch and out.stretch_quiet allow
 *		case JBUF_CONCEAL: out.units of concealment; with out.payload first try its forward error correction
 *		case JBUF_EXPAND:  out.units of concealment
 *		case JBUF_SILENCE: out.units of comfort noise or zeros
 *		}
 *	}
 *	play one tick from the FIFO
 *
 * How the delay is chosen. Relative delay of a packet = arrival - timestamp, less the least such value of the last seconds.
 * The target is a high quantile of a forgetting histogram of relative delays, where late packets weigh more than early
 * ones: it grows within a few packets and shrinks over seconds. The current delay is exact (when the next sample will be
 * played against its timestamp), so neither jitter nor drift has to be filtered out of a fill level; drift simply moves the
 * current delay, and is taken back by a few stretched milliseconds, in silence if there is any. A talk spurt starts
 * at the target for free. When the buffer runs dry, playing goes on with concealment and the delay grows by what was
 * concealed: no speech is thrown away but above the maximum delay.
 *
 * Pure: told the time, allocates only in jbuf_new. Owned by one thread.
 */
struct jbuf;

struct jbuf_params {
	uint32_t clock_hz;	/* RTP clock; 1000 to 192000 */
	uint32_t tick_units;	/* one playout tick, e.g. 160 */
	uint32_t start_ms;	/* delay before anything is known of the network; 0: 40 */
	uint32_t min_ms;	/* bounds of the target; 0: 5 and 300 */
	uint32_t max_ms;	/* also: audio later than this is dropped */
	uint32_t pool_bytes;	/* for payloads; 0: 16384, enough for G.711 at the greatest delay */
};

/* -EINVAL for impossible parameters, -ENOMEM. One block of about pool_bytes + 7 KB. */
nodiscard int jbuf_new(struct jbuf **ret, const struct jbuf_params *params);
struct jbuf *jbuf_free(struct jbuf *jb);

/* As new, with the counters at zero: another call, another codec clock. -EINVAL leaves it as it was; pool_bytes is ignored. */
nodiscard int jbuf_reset(struct jbuf *jb, const struct jbuf_params *params);

/* Forgets the packets and what is known of the network, keeps the counters: after hold, or when another source was latched. */
void jbuf_flush(struct jbuf *jb);

enum jbuf_kind {
	JBUF_AUDIO,
	JBUF_NOISE,	/* comfort noise (RFC 3389) or a codec's DTX packet: silence follows, not loss */
	JBUF_EVENT,	/* telephone-event or the like: takes a sequence number, but is not played and has no time of its own */
};

struct jbuf_packet {
	enum jbuf_kind kind;
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint16_t len;		/* of the payload */
	uint32_t ts;
	uint32_t ssrc;
	uint32_t units;		/* duration; 0: unknown, taken from the neighbours' timestamps */
	const uint8_t *payload;	/* copied */
};

enum jbuf_put_result {
	JBUF_STORED,
	JBUF_LATE,	/* its turn is over */
	JBUF_DUPLICATE,
	JBUF_DISCARDED,	/* empty, too large, of an old source, or far out of sequence (a second such re-anchors) */
};

/*
 * A packet arrived at now_us. Anything may be in it: reordered, duplicated, another SSRC, other timestamps; the playing
 * is re-anchored as needed and never stops. What it displaces when the buffer is full is counted as discarded.
 */
enum jbuf_put_result jbuf_put(struct jbuf *jb, const struct jbuf_packet *p, int64_t now_us);

enum jbuf_op {
	JBUF_SILENCE,	/* nobody speaks: before the first packet, between talk spurts, after an outage */
	JBUF_DECODE,
	JBUF_CONCEAL,	/* a packet is lost */
	JBUF_EXPAND,	/* a packet is late and may come yet */
};

struct jbuf_out {
	enum jbuf_op op;
	enum jbuf_kind kind;	/* DECODE: JBUF_NOISE has parameters of comfort noise, or a DTX frame for the decoder */
	bool is_splice;		/* DECODE: not continuous with what was played: cross-fade, reset a decoder with memory */
	bool marker;
	uint8_t pt;
	uint16_t seq;
	uint16_t len;
	uint32_t ts;
	uint32_t units;		/* duration of the packet, or how much to conceal or be silent. DECODE of NOISE: may be 0 */
	const uint8_t *payload;	/* DECODE: valid until the next put or get. CONCEAL: the packet behind the hole, or NULL */
	/*
	 * DECODE: lengthen (> 0) or shorten (< 0) by up to so many units, by whole pitch periods. Of packets shorter than a tick
	 * it may be more than they have: the FIFO's end counts with them.
	 */
	int32_t stretch;
	int32_t stretch_quiet;	/* DECODE: the same if the decoded audio is quiet; as exactly as possible */
};

/*
 * What comes next, for a FIFO that holds fifo_units of decoded audio at now_us, less than a tick. One call gives one
 * piece; call again until the tick is full. Always gives something: units > 0, or a packet. Decoding may give another
 * amount than announced; only the FIFO counts.
 */
void jbuf_get(struct jbuf *jb, int64_t now_us, uint32_t fifo_units, struct jbuf_out *ret);

/* The audio layer lengthened or shortened by this much: for the counters only. */
void jbuf_stretched(struct jbuf *jb, int32_t units);

/* Counters since new or reset. In the end received = played + late + duplicates + discarded, and lost is what never came. */
struct jbuf_stats {
	uint64_t received;	/* packets put, of any kind */
	uint64_t played;	/* handed out to decode; events that were passed */
	uint64_t late;		/* came after their turn */
	uint64_t duplicates;
	uint64_t discarded;	/* see jbuf_put, and above the greatest delay, and flushed */
	uint64_t lost;		/* passed without having come until now */
	uint64_t loss_runs;	/* holes: consecutive losses count once */
	uint64_t reordered;	/* came behind a later one */
	uint64_t restarts;	/* re-anchored: SSRC, sequence or timestamp jump */
	uint64_t decoded_units, concealed_units, expanded_units, silent_units; /* by operation */
	uint64_t accelerated_units, decelerated_units;
	uint32_t underruns;	/* times that it ran dry while somebody spoke */
	uint32_t target_ms;	/* chosen delay */
	uint32_t delay_ms;	/* of the next sample; 0 while nothing plays */
	uint32_t max_delay_ms;	/* greatest delay so far */
	uint32_t buffered;	/* packets */
	uint32_t buffered_ms;
};
void jbuf_get_stats(const struct jbuf *jb, struct jbuf_stats *ret);
