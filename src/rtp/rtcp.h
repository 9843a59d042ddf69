/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * RTCP: compound and reduced-size packets (RFC 3550 §6, RFC 5506), VoIP metrics of XR (RFC 3611 §4.7), and when to send
 * (RFC 3550 §6.3). Pure; any thread.
 */

/* A reception report, RFC 3550 §6.4.1. */
struct rtcp_block {
	uint32_t ssrc;		/* the source that is reported on */
	uint8_t fraction;	/* lost of 256 since the last report */
	int32_t lost;		/* cumulative, 24 bits, negative with duplicates */
	uint32_t highest_seq;	/* extended: cycles in the upper half */
	uint32_t jitter;	/* in RTP clock units */
	uint32_t lsr;		/* middle 32 bits of the NTP time of the last SR; 0: none yet */
	uint32_t dlsr;		/* since that SR arrived, in 1/65536 s */
};

struct rtcp_sender {
	uint64_t ntp;		/* wall clock, 32.32 since 1900 */
	uint32_t ts;		/* the same moment on the RTP clock */
	uint32_t packets;
	uint32_t octets;	/* payload only */
};

/* RFC 3611 §4.7.1; 127 means "not available" for the R factors and MOS values. */
struct rtcp_voip {
	uint32_t ssrc;
	uint8_t loss_rate, discard_rate, burst_density, gap_density; /* of 256 */
	uint16_t burst_ms, gap_ms, rtt_ms, end_delay_ms;
	uint8_t r_factor, ext_r_factor, mos_lq, mos_cq;		      /* MOS times ten */
	uint16_t jb_nominal_ms, jb_max_ms, jb_abs_max_ms;
};

/* What one datagram said. Spans point into it. Items beyond the bounds are passed over and counted in skipped. */
struct rtcp_compound {
	uint32_t ssrc;			/* of the first packet that names one */
	bool has_sender;		/* an SR was there */
	bool has_voip;			/* an XR with VoIP metrics */
	bool is_reduced;		/* RFC 5506: does not start with SR or RR */
	bool has_reason;
	uint8_t block_count;
	uint8_t bye_count;
	uint16_t skipped;		/* packets, blocks and items not kept */
	struct rtcp_sender sender;
	struct rtcp_block blocks[LIMIT_RTCP_BLOCKS];
	struct span cname;		/* of the first SDES chunk; absent without */
	uint32_t byes[LIMIT_RTCP_BYES];
	struct span reason;		/* of the BYE, with has_reason */
	struct rtcp_voip voip;
};

/*
 * Packets of unknown type are passed over (RFC 3550 §6.1). -TR_EPARSE when a version or length is wrong anywhere; *ret is then
 * undefined.
 */
nodiscard int rtcp_parse(const uint8_t *bytes, size_t n, struct rtcp_compound *ret);

struct rtcp_report {
	uint32_t ssrc;			  /* ours */
	const struct rtcp_sender *sender; /* SR; NULL: we sent nothing lately, RR */
	const struct rtcp_block *blocks;
	size_t block_count;		  /* up to LIMIT_RTCP_BLOCKS */
	struct span cname;		  /* RFC 7022; at most 255 bytes */
	bool is_bye;			  /* a BYE at the end */
};

/* A compound packet SR/RR + SDES [+ BYE], RFC 3550 §6.1. Its length in *ret_n, or -TR_ETOOBIG with nothing promised in buf. */
nodiscard int rtcp_write(const struct rtcp_report *r, uint8_t *buf, size_t n, size_t *ret_n);

/* NTP time of a moment of the wall clock in microseconds since 1970, and its middle 32 bits (1/65536 s). */
uint64_t rtcp_ntp(int64_t wall_us);

static inline uint32_t rtcp_ntp_mid(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

/*
 * Round trip from a block about us that arrived at wall time now_us (RFC 3550 §6.4.1): microseconds, or -1 when the block
 * holds no SR of ours or gives nonsense (negative, beyond LIMIT_RTT_MS: a clock step, a lying peer).
 */
int64_t rtcp_rtt_us(const struct rtcp_block *b, int64_t now_wall_us);

/*
 * When to send RTCP: RFC 3550 §6.3 with timer reconsideration, for unicast sessions of two and for more. It holds no random
 * source: every call that needs chance takes 32 random bits.
 */
struct rtcp_timer {
	uint32_t bandwidth;	/* octets a second for RTCP of the whole session */
	uint32_t min_ms;	/* 5000, or less with a reduced minimum (§6.2) */
	uint32_t members;	/* with us */
	uint32_t senders;	/* with us if we send */
	uint32_t pmembers;	/* members when next_at was computed */
	uint32_t avg_size;	/* of RTCP packets with UDP and IP headers, times 16 */
	bool is_sender;		/* we sent RTP within the last two intervals */
	bool is_initial;	/* nothing was sent yet */
	msec_t last_at;		/* tp: the last transmission */
	msec_t next_at;		/* tn */
};

/* session_bps: bandwidth of the session in bits a second; 5 % of it is RTCP's (§6.2). min_ms 0 takes 5000. */
void rtcp_timer_init(struct rtcp_timer *t, uint32_t session_bps, uint32_t min_ms, msec_t now, uint32_t random);

/* An RTCP datagram of n bytes came in or, after sending, went out. */
void rtcp_timer_size(struct rtcp_timer *t, size_t n);

/* Membership changed: more, or fewer with reverse reconsideration (§6.3.4). Both counts include us. */
void rtcp_timer_members(struct rtcp_timer *t, uint32_t members, uint32_t senders, msec_t now);

/* True when a report is to be sent now (§6.3.6); next_at then is the one after it. Otherwise call again at next_at. */
bool rtcp_timer_tick(struct rtcp_timer *t, msec_t now, uint32_t random);

/* The randomised interval T of §6.3.1 in milliseconds; for tests and for displays. */
uint32_t rtcp_timer_interval(const struct rtcp_timer *t, uint32_t random);
