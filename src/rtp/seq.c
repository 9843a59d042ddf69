/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/seq.h"
#include <math.h>

/* RFC 3550 Appendix A.1 */
#define MAX_DROPOUT  3000
#define MAX_MISORDER 100
#define SEQ_MOD	     (1u << 16)
#define OTHER_STEP   50 /* some of a new source may be lost */

#define DRIFT_WINDOW_US	    500000
#define DRIFT_MAX_WINDOW_US 4000000
#define DRIFT_MIN_SPAN_US   10000000
#define DRIFT_BREAK_US	    200000 /* a step of the least transit beyond this is another path or clock: start again */

void rtp_source_init(struct rtp_source *s, uint32_t clock_hz, uint8_t min_sequential)
{
	assert(clock_hz > 0);
	*s = (struct rtp_source){.clock_hz = clock_hz, .min_sequential = MAX(min_sequential, (uint8_t)1)};
	s->drift.window_us = DRIFT_WINDOW_US;
}

static void forget_clock(struct rtp_source *s)
{
	s->has_transit = false;
	s->drift = (struct rtp_drift){.window_us = DRIFT_WINDOW_US};
}

void rtp_source_set_clock(struct rtp_source *s, uint32_t clock_hz)
{
	assert(clock_hz > 0);
	s->clock_hz = clock_hz;
	s->jitter = 0;
	forget_clock(s);
}

/* Appendix A.1, init_seq: counting starts here. */
static void start_counting(struct rtp_source *s, uint16_t seq)
{
	s->base_seq = seq;
	s->max_seq = seq;
	s->bad_seq = SEQ_MOD + 1; /* so that seq == bad_seq is false */
	s->cycles = 0;
	s->received = 0;
	s->received_prior = 0;
	s->expected_prior = 0;
}

static void start_clock(struct rtp_source *s, const struct rtp_packet *p, int64_t now_us)
{
	forget_clock(s);
	s->last_ts = p->ts;
	s->ext_ts = 0;
	s->first_us = now_us;
}

static void start_source(struct rtp_source *s, const struct rtp_packet *p, int64_t now_us)
{
	s->is_seen = true;
	s->ssrc = p->ssrc;
	s->jitter = 0;
	s->lsr = 0;
	s->sr_at_us = 0;
	s->probation = s->min_sequential;
	start_counting(s, p->seq);
	s->max_seq = (uint16_t)(p->seq - 1);
	start_clock(s, p, now_us);
}

/* Appendix A.1, update_seq */
static enum rtp_verdict update_seq(struct rtp_source *s, uint16_t seq)
{
	uint16_t delta = (uint16_t)(seq - s->max_seq);

	if (s->probation) {
		bool is_next = delta == 1;

		s->max_seq = seq;
		s->probation = is_next ? s->probation - 1 : s->min_sequential - 1;
		if (s->probation)
			return RTP_SEQ_PROBATION;
		start_counting(s, seq);
		s->received = 1;
		return RTP_SEQ_OK;
	}
	if (delta > 0 && delta < MAX_DROPOUT) {
		if (seq < s->max_seq)
			s->cycles += SEQ_MOD;
		s->max_seq = seq;
		s->bad_seq = SEQ_MOD + 1; /* a stray packet and another much later are no restart */
		s->received++;
		return RTP_SEQ_OK;
	}
	if (delta != 0 && delta <= SEQ_MOD - MAX_MISORDER) {
		if (seq != s->bad_seq) {
			s->bad_seq = (seq + 1) & (SEQ_MOD - 1);
			return RTP_SEQ_JUMP;
		}
		start_counting(s, seq);
		s->received = 1;
		s->restarts++;
		return RTP_SEQ_RESTART;
	}
	s->received++;

	return RTP_SEQ_OLD;
}

/* Timestamp of the packet on one unwrapped line, in µs. */
static int64_t unwrap(struct rtp_source *s, uint32_t ts, bool is_newest)
{
	int64_t ext = s->ext_ts + (int32_t)(ts - s->last_ts);

	if (is_newest) {
		s->ext_ts = ext;
		s->last_ts = ts;
	}

	return ext * 1000000 / s->clock_hz;
}

/* Full: keep every second point, as the lesser of two, and look at windows twice as long; at the longest, slide. */
static void make_room(struct rtp_drift *d)
{
	if (d->window_us >= DRIFT_MAX_WINDOW_US) {
		memmove(d->points, d->points + 1, sizeof(d->points[0]) * (RTP_DRIFT_POINTS - 1));
		d->count--;
		return;
	}
	for (int i = 0; i < RTP_DRIFT_POINTS / 2; i++) {
		int less = d->points[2 * i].d <= d->points[2 * i + 1].d ? 2 * i : 2 * i + 1;

		d->points[i] = d->points[less];
	}
	d->count = RTP_DRIFT_POINTS / 2;
	d->window_us *= 2;
}

/* The fastest packet of each window saw the least queueing: through those the clock shows. */
static void note_transit(struct rtp_drift *d, int64_t transit_us, int64_t now_us)
{
	if (d->start_us == 0) {
		d->start_us = now_us;
		d->min_d = INT64_MAX;
	}
	if (transit_us < d->min_d) {
		d->min_d = transit_us;
		d->min_at = now_us;
	}
	if (now_us - d->start_us < d->window_us)
		return;

	if (d->count && llabs(d->min_d - d->points[d->count - 1].d) > DRIFT_BREAK_US)
		*d = (struct rtp_drift){.window_us = DRIFT_WINDOW_US, .min_d = d->min_d, .min_at = d->min_at};
	if (d->count == RTP_DRIFT_POINTS)
		make_room(d);
	d->points[d->count].at = d->min_at;
	d->points[d->count++].d = d->min_d;
	d->start_us = now_us;
	d->min_d = INT64_MAX;
}

/* RFC 3550 §6.4.1 and Appendix A.8, in sixteenths; the clock in 1/16 units keeps the precision of a microsecond arrival */
static void update_jitter(struct rtp_source *s, int64_t transit_us)
{
	int64_t transit = transit_us * s->clock_hz / 62500; /* 16 / 10^6 */

	if (s->has_transit) {
		int64_t d = llabs(transit - s->transit);

		s->jitter += d - ((s->jitter + 8) >> 4);
	}
	s->transit = transit;
	s->has_transit = true;
}

/*
 * Packets of one timestamp (events, RFC 4733; video) are sent at different times, so only the first says something about
 * the network (Appendix A.8 assumes sampling and sending go together). A gap of more than two seconds between arrivals
 * and timestamps is a reset of either.
 */
static void update_clock(struct rtp_source *s, const struct rtp_packet *p, enum rtp_verdict verdict, int64_t now_us)
{
	bool is_newest = verdict != RTP_SEQ_OLD;

	if (verdict == RTP_SEQ_RESTART)
		start_clock(s, p, now_us);
	else if (p->ts == s->last_ts && s->has_transit)
		return;

	int64_t media_us = unwrap(s, p->ts, is_newest);
	int64_t transit_us = now_us - s->first_us - media_us;
	int64_t last_us = s->transit * 62500 / s->clock_hz;

	if (is_newest && s->has_transit && llabs(transit_us - last_us) > 2000000) {
		start_clock(s, p, now_us);
		transit_us = 0;
	}
	update_jitter(s, transit_us);
	note_transit(&s->drift, transit_us, now_us);
}

/* One packet of another SSRC may be a stray; two in sequence are a new source. */
static bool is_confirmed(struct rtp_source *s, const struct rtp_packet *p)
{
	uint16_t step = (uint16_t)(p->seq - s->other_seq);
	bool is_next = s->has_other && p->ssrc == s->other_ssrc && step > 0 && step <= OTHER_STEP;

	s->has_other = !is_next;
	s->other_ssrc = p->ssrc;
	s->other_seq = p->seq;

	return is_next;
}

enum rtp_verdict rtp_source_recv(struct rtp_source *s, const struct rtp_packet *p, int64_t now_us)
{
	bool is_other = s->is_seen && p->ssrc != s->ssrc;

	if (is_other && !is_confirmed(s, p))
		return RTP_SEQ_JUMP;
	if (!s->is_seen || is_other)
		start_source(s, p, now_us);
	s->restarts += is_other;

	enum rtp_verdict verdict = update_seq(s, p->seq);
	if (verdict == RTP_SEQ_JUMP)
		return verdict;
	update_clock(s, p, verdict, now_us);

	return is_other && verdict == RTP_SEQ_OK ? RTP_SEQ_RESTART : verdict;
}

void rtp_source_sr(struct rtp_source *s, const struct rtcp_sender *sr, int64_t now_us)
{
	s->lsr = rtcp_ntp_mid(sr->ntp);
	s->sr_at_us = now_us;
}

uint32_t rtp_source_highest(const struct rtp_source *s)
{
	return s->cycles + s->max_seq;
}

uint32_t rtp_source_expected(const struct rtp_source *s)
{
	return s->is_seen && !s->probation ? rtp_source_highest(s) - s->base_seq + 1 : 0;
}

/* RFC 3550 Appendix A.3 */
int32_t rtp_source_lost(const struct rtp_source *s)
{
	int64_t lost = (int64_t)rtp_source_expected(s) - s->received;

	return (int32_t)CLAMP(lost, -0x800000, 0x7fffff);
}

void rtp_source_report(struct rtp_source *s, int64_t now_us, struct rtcp_block *ret)
{
	uint32_t expected = rtp_source_expected(s);
	uint32_t expected_interval = expected - s->expected_prior;
	int64_t lost_interval = (int64_t)expected_interval - (s->received - s->received_prior);
	int64_t since_us = s->lsr ? CLAMP(now_us - s->sr_at_us, 0, INT64_C(65535) * 1000000) : 0;

	s->expected_prior = expected;
	s->received_prior = s->received;
	*ret = (struct rtcp_block){
		.ssrc = s->ssrc,
		.lost = rtp_source_lost(s),
		.highest_seq = rtp_source_highest(s),
		.jitter = (uint32_t)MIN(s->jitter >> 4 >> 4, (int64_t)UINT32_MAX),
		.lsr = s->lsr,
		.dlsr = (uint32_t)(since_us * 65536 / 1000000),
	};
	if (expected_interval && lost_interval > 0)
		ret->fraction = (uint8_t)MIN(lost_interval * 256 / expected_interval, 255);
}

uint32_t rtp_source_jitter_us(const struct rtp_source *s)
{
	return (uint32_t)MIN(s->jitter * 62500 / 16 / s->clock_hz, (int64_t)UINT32_MAX);
}

/* Least squares through the points; the residue of one slow window weighs little among many. */
bool rtp_source_drift_ppm(const struct rtp_source *s, double *ret_ppm)
{
	const struct rtp_drift *d = &s->drift;
	double n = d->count, st = 0, sd = 0, stt = 0, std = 0;

	if (d->count < 4 || d->points[d->count - 1].at - d->points[0].at < DRIFT_MIN_SPAN_US)
		return false;

	for (int i = 0; i < d->count; i++) {
		double t = (double)(d->points[i].at - d->points[0].at);
		double v = (double)(d->points[i].d - d->points[0].d);

		st += t;
		sd += v;
		stt += t * t;
		std += t * v;
	}
	/* a fast sender's timestamps run ahead, so that its transit falls */
	*ret_ppm = -(n * std - st * sd) / (n * stt - st * st) * 1e6;

	return true;
}
