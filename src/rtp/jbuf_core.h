/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "rtp/delay.h"
#include "rtp/jbuf.h"

/*
 * Inside of the jitter buffer, for jbuf*.c only.
 *
 * Every accepted packet gets a place on one line of sequence numbers and one line of media time, both 64 bits and without
 * jumps, whatever SSRC, sequence and timestamp do on the wire. So a slot is found by its number, a hole in the numbers is
 * loss, and a hole in time without one in the numbers is silence.
 *
 *            packet due            hole in time, or long dry
 *   FRESH ───────────────▶ SPEECH ──────────────────────────▶ IDLE ──packet due──▶ SPEECH
 *                           │  ▲ ▲                             ▲
 *              nothing there│  │ └──audio──┐                   │hole in time
 *                           ▼  │packet     │                   │
 *                          DRY─┘          HUSH ────────────────┘
 *                           any state ──comfort noise, event──▶ HUSH
 */
#define SLOTS LIMIT_JBUF_SLOTS
#define SEEN  256 /* sequence numbers remembered behind the newest: later ones are duplicates or late; twice SLOTS */

/* Durations that decisions need, as units: divided once. */
enum { MS_MADE_UP, MS_QUIET_CUT, MS_SPEECH_CUT, MS_SPEECH_ADD, MS_MUCH, MS_SOME, MS_COUNT };

enum jbuf_state {
	FRESH,	/* nothing was played since init or flush: earlier packets than the first may still come */
	IDLE,	/* silence; the next packet starts at the target delay */
	SPEECH, /* packet after packet */
	DRY,	/* the next packet is not there: concealment, and no hole behind which one could see it lost */
	HUSH,	/* after comfort noise or an event: silence is what was sent */
};

struct jbuf_slot {
	uint8_t place; /* in jbuf.places */
	bool marker;
	bool is_splice;
	uint8_t kind, pt;
	uint16_t seq, len;
	uint32_t ts;
	uint32_t units;
	uint32_t at; /* payload in the pool */
	int64_t lts; /* place on the line of media time */
};

struct jbuf {
	struct jbuf_params params;
	uint64_t unit_us;   /* microseconds of a unit, 32.32 */
	uint32_t tick_us;
	uint32_t max_units; /* of one packet */
	uint32_t ms_units[MS_COUNT];
	enum jbuf_state state;

	/* the line: where wire numbers lie on it */
	bool has_source;
	bool has_old_ssrc;
	uint32_t ssrc, old_ssrc;
	int64_t switched_at;
	struct { /* the first packet of another source: believed when its next one follows */
		bool is_set;
		struct jbuf_packet p;
		int64_t at;
		uint8_t payload[LIMIT_RTP_PACKET_BYTES];
	} other;
	int64_t newest_seq; /* greatest number given out */
	int64_t first_seq;  /* of the current anchor: smaller ones belong to a source that is gone */
	int64_t origin_seq; /* where counting of losses began */
	uint16_t newest_wire_seq;
	bool has_bad;
	uint16_t bad_seq;	 /* what would confirm a jump */
	bool has_time;		 /* the fields below are set: an audio packet came */
	int64_t timed_seq;	 /* newest packet with a time of its own */
	int64_t newest_lts;	 /* its place */
	uint32_t newest_wire_ts; /* its timestamp */
	uint32_t usual_units;	 /* duration of the newest packets */
	int64_t heard_at;
	bool is_splice_next; /* the next packet stored does not continue the one before */
	uint64_t seen[SEEN / 64];

	/* playing */
	int64_t next_seq;
	int64_t head;	   /* media time of the next sample to be decoded */
	uint32_t credit;   /* concealed while DRY: counts for the hole, if it turns out to be one */
	uint32_t made_up;  /* units concealed since a packet was decoded */
	bool is_cut;	   /* something was left out before the next packet */
	int64_t last_lost; /* number, for runs */

	/* how the FIFO stands when a packet is decoded: see adapt() */
	uint32_t lead_min[2], lead_max[2];
	uint8_t lead_count;
	bool has_forecast;
	uint32_t forecast; /* FIFO after the last decode, unstretched */
	uint32_t wait;	   /* decodes until speech may be shortened again */

	struct delay_model delay;
	struct jbuf_stats stats;

	/* payloads: a ring of records, each a header and its bytes */
	uint32_t pool_head, pool_tail, pool_used, pool_size;

	/* A number's place is its low bits; what lies there is a slot, taken from those used last, which the cache still has. */
	uint8_t places[SLOTS]; /* slot + 1, or 0 */
	uint8_t free_slots[SLOTS];
	uint8_t free_count;
	struct jbuf_slot slots[SLOTS];
	alignas(8) uint8_t pool[];
};

/* The packet of that number, or NULL. */
static inline struct jbuf_slot *jbuf_slot(struct jbuf *jb, int64_t seq)
{
	uint8_t n = jb->places[(uint64_t)seq % SLOTS];

	return n ? &jb->slots[n - 1] : NULL;
}

__extension__ typedef __int128 jbuf_wide;

/* Exact to a microsecond in an hour, and the same for the same units; five divisions a packet would cost more than the rest. */
static inline int64_t jbuf_us(const struct jbuf *jb, int64_t units)
{
	return (int64_t)((jbuf_wide)units * (jbuf_wide)jb->unit_us >> 32);
}

static inline bool jbuf_was_seen(const struct jbuf *jb, int64_t seq)
{
	return jb->seen[(uint64_t)seq % SEEN / 64] >> ((uint64_t)seq % 64) & 1;
}

/* Copies p into a free slot at seq, displacing the oldest payloads if the pool is full. */
void jbuf_store(struct jbuf *jb, int64_t seq, int64_t lts, const struct jbuf_packet *p);

/* Frees the slot; its payload stays readable until the next jbuf_store. */
void jbuf_release(struct jbuf *jb, struct jbuf_slot *slot);

/* Moves next_seq on to seq: packets there are discarded, numbers never seen are lost. */
void jbuf_pass(struct jbuf *jb, int64_t seq);

/* The first full slot from next_seq on, or NULL; its number in *ret_seq. */
struct jbuf_slot *jbuf_nearest(struct jbuf *jb, int64_t *ret_seq);
