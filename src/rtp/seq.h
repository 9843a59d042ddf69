/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

/*
 * One RTP source as a receiver sees it: validity and extended sequence numbers (RFC 3550 Appendix A.1), loss (A.3), jitter
 * (A.8), and how fast its clock runs against ours. Its address is the guard's matter (guard.h). Pure; the stream's owner.
 */
enum rtp_verdict {
	RTP_SEQ_PROBATION, /* in sequence, but not enough of them yet: do not play */
	RTP_SEQ_OK,	   /* next or ahead: play */
	RTP_SEQ_OLD,	   /* duplicate or reordered within tolerance: play if there is still time */
	RTP_SEQ_JUMP,	   /* far away, or of another SSRC: dropped; a second one in sequence to it restarts the source */
	RTP_SEQ_RESTART,   /* accepted as a new beginning, after a jump or with a new SSRC: play, re-anchor */
};

#define RTP_DRIFT_POINTS 32

struct rtp_drift {
	int64_t start_us;	/* of the current window */
	int64_t window_us;	/* doubles when the points are full, up to a bound */
	int64_t min_d;		/* least relative transit of the window, µs */
	int64_t min_at;
	uint8_t count;
	struct {
		int64_t at, d;
	} points[RTP_DRIFT_POINTS];
};

struct rtp_source {
	uint32_t clock_hz;
	uint32_t ssrc;
	bool is_seen;		/* a first packet came */
	uint8_t min_sequential;	/* packets in order before it is valid */
	uint8_t probation;	/* that are still to come */
	uint16_t max_seq;
	uint32_t cycles;	/* counts of 65536, shifted */
	uint32_t base_seq, bad_seq;
	bool has_other;		/* one packet of another SSRC came: the next in sequence to it makes it the source */
	uint32_t other_ssrc;
	uint16_t other_seq;
	uint32_t received, expected_prior, received_prior;
	uint32_t restarts;
	uint32_t last_ts;	/* of the newest packet */
	int64_t ext_ts;		/* the same, unwrapped */
	int64_t first_us;	/* arrival that ext_ts 0 stands for */
	int64_t transit;	/* of the packet before, 1/16 of RTP units */
	int64_t jitter;		/* scaled by 16, as in A.8 */
	bool has_transit;
	uint32_t lsr;		/* of the last SR */
	int64_t sr_at_us;
	struct rtp_drift drift;
};

/* min_sequential: 2 by RFC 3550; 0 and 1 trust the first packet, for a source that signalling announced. */
void rtp_source_init(struct rtp_source *s, uint32_t clock_hz, uint8_t min_sequential);

/* Another payload clock from now on: jitter and drift start again, loss goes on. */
void rtp_source_set_clock(struct rtp_source *s, uint32_t clock_hz);

/* A packet arrived at now_us of a monotonic clock. Events (RFC 4733) and comfort noise count too. */
enum rtp_verdict rtp_source_recv(struct rtp_source *s, const struct rtp_packet *p, int64_t now_us);

/* An SR of this source arrived. */
void rtp_source_sr(struct rtp_source *s, const struct rtcp_sender *sr, int64_t now_us);

/* A report block for it. Starts the next interval of "fraction lost", so call it once per RTCP report. */
void rtp_source_report(struct rtp_source *s, int64_t now_us, struct rtcp_block *ret);

/* Extended highest sequence number, packets expected and lost (negative with duplicates), without side effects. */
uint32_t rtp_source_highest(const struct rtp_source *s);
uint32_t rtp_source_expected(const struct rtp_source *s);
int32_t rtp_source_lost(const struct rtp_source *s);

/* Interarrival jitter in microseconds. */
uint32_t rtp_source_jitter_us(const struct rtp_source *s);

/*
 * The sender's RTP clock against ours in parts per million, positive when it runs fast; false while fewer than ten seconds
 * were heard. After half a minute within 20 ppm on a network of 20 ms jitter.
 */
bool rtp_source_drift_ppm(const struct rtp_source *s, double *ret_ppm);
