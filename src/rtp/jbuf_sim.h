/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "rtp/jbuf.h"

/*
 * A network and an audio layer around a jitter buffer, in virtual time, for tests: a script of packets with their arrivals, and
 * a FIFO that is filled as jbuf.h says and drained by a tick at a time. Every tick is checked to have its audio, and every
 * packet to be played at most once and in the order of the script.
 */
#define SIM_PACKETS 60000
#define SIM_PAYLOAD 8 /* the packet's place in the script */

struct sim_packet {
	int64_t at_us;
	uint32_t order; /* keeps equal arrivals in the order in which they were added */
	struct jbuf_packet p;
	uint8_t payload[SIM_PAYLOAD];
};

struct sim {
	struct jbuf *jb;
	uint64_t seed;
	uint32_t hz, tick_units;
	uint32_t count, next;
	int64_t now_us, tick_us;
	uint32_t fifo;
	bool is_quiet;	      /* what is decoded is silence */
	bool is_rounding;     /* the decoder gives a unit more and a unit less in turn */
	bool has_stretch;     /* the audio layer can stretch speech; else only silence */
	int64_t last_played;  /* place in the script of the last packet, -1 before */
	/* since sim_mark */
	uint32_t ticks, gap_ticks, decodes, splices, speech_stretches;
	uint64_t stretched_units;
	uint32_t least_cut_gap; /* packets between two cuts of speech */
	uint32_t last_cut;
	uint32_t max_delay_ms, min_delay_ms;
	uint64_t delay_sum_ms;
	struct jbuf_stats mark;
	struct sim_packet packets[SIM_PACKETS];
};

/* One sender: consecutive packets are added with sim_send. */
struct sim_sender {
	uint32_t ssrc, ts, units;
	uint16_t seq;
	uint8_t pt;
	double at_us;	    /* of the next packet */
	double clock;	    /* 1.0005: runs 500 ppm slow, a packet takes longer */
	uint32_t lost, sent; /* the script's truth */
};

void sim_init(struct sim *s, const struct jbuf_params *params);
void sim_done(struct sim *s);

/* The sender's next packet arrives delay_us after it was sent; negative: it is lost. Returns it, or NULL. */
struct sim_packet *sim_send(struct sim *s, struct sim_sender *from, int64_t delay_us);

/* The speaker pauses: timestamps and time go on, numbers do not. */
void sim_pause(struct sim_sender *from, uint32_t units, uint32_t hz);

/* Another copy of p at at_us. */
void sim_copy(struct sim *s, const struct sim_packet *p, int64_t at_us);

/* Plays until then. */
void sim_run(struct sim *s, int64_t until_us);

/* Starts the figures anew. */
void sim_mark(struct sim *s);

/* Uniform in [0, n), and roughly exponential with that mean. */
int64_t sim_uniform(struct sim *s, int64_t n);
int64_t sim_exponential(struct sim *s, int64_t mean);

/* What came in is played, late, duplicate, discarded or still there. */
void sim_check_balance(struct sim *s);
