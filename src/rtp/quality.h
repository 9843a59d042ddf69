/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "rtp/jbuf.h"

/*
 * What a listener would say of the call: the E-model of ITU-T G.107 (narrowband) and G.107.1 (wideband, R mapped by 1/1.29)
 * from loss, its burstiness, and delay. Live over a sliding window, and over the whole call. Pure; the stream's owner.
 */
enum rtp_codec_quality { /* equipment impairment: ITU-T G.113 Appendices I and IV */
	RTP_QUALITY_G711,
	RTP_QUALITY_G722,
	RTP_QUALITY_OPUS, /* not in G.113: taken as a good wideband codec */
};

struct rtp_emodel {
	enum rtp_codec_quality codec;
	double loss;		/* fraction of packets that were not played, 0 to 1 */
	double burst_ratio;	/* G.107 BurstR: 1 for random loss, more for bursts */
	double delay_ms;	/* one way, mouth to ear */
};

/*
 * The rating, 0 to 100, and its MOS (G.107 Annex B), 1 to 4.5. Narrowband is judged against narrowband and wideband against
 * wideband, as G.107.1 does: a clean G.722 call has 4.34 and a clean G.711 call 4.41, though the former sounds better.
 */
double rtp_emodel_r(const struct rtp_emodel *m);
double rtp_emodel_mos(double r);

/* For a CDR, a metric, a display. Packets of the receiving direction. */
struct rtp_quality {
	uint64_t packets;	/* received */
	uint64_t lost, late, duplicates, reordered, discarded;
	uint32_t jitter_ms, max_jitter_ms;
	uint32_t delay_ms;	/* of the jitter buffer, now */
	uint32_t max_delay_ms;
	int32_t rtt_ms;		/* of the last RTCP report; -1: none yet */
	int32_t max_rtt_ms;
	uint32_t concealed_ms;	/* made up instead of heard */
	uint32_t stretched_ms;
	uint32_t loss_permille;	/* last five seconds: lost or late */
	float r;		/* now */
	float mos, mos_avg, mos_min; /* now (five seconds); over the call while packets came; worst window */
	float mos_call;		/* one E-model of the whole call */
	float burst_ratio;	/* whole call */
	uint32_t seconds;	/* that were rated */
};

#define RTP_QUALITY_WINDOW 5 /* seconds */

struct rtp_quality_meter {
	enum rtp_codec_quality codec;
	uint32_t clock_hz;
	msec_t next_at;		/* end of the current second */
	uint8_t at, filled;	/* ring of past[] */
	struct {
		uint64_t received, bad, runs;
	} past[RTP_QUALITY_WINDOW + 1];
	double mos_sum, delay_sum;
	uint32_t delay_count;
	struct rtp_quality now;
};

void rtp_quality_init(struct rtp_quality_meter *q, enum rtp_codec_quality codec, uint32_t clock_hz, msec_t now);

struct rtp_quality_input {
	const struct jbuf_stats *jbuf;
	uint32_t jitter_us;	/* rtp_source_jitter_us */
	int64_t rtt_us;		/* rtcp_rtt_us; -1: unknown */
};

/* As often as you like, at least once a second; it rates when a second is full. True when it did. */
bool rtp_quality_update(struct rtp_quality_meter *q, const struct rtp_quality_input *in, msec_t now);

/* The last snapshot; mos fields are 0 until something was rated. */
const struct rtp_quality *rtp_quality_get(const struct rtp_quality_meter *q);
