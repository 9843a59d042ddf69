/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/quality.h"
#include <math.h>

/*
 * ITU-T G.107 with the default values of its Table 2 for all that a gateway cannot know (loudness, noise, side tone), of
 * which follow Ro and Is; delay and loss are ours. G.107.1 is the same with another scale (R up to 129).
 */
#define RO_NARROW 94.77	 /* Ro by §7.2 with default values */
#define IS_NARROW 1.41	 /* Is by §7.3 */
#define WIDE	  1.29	 /* G.107.1: 129 on the wideband scale is 100 on the narrowband one */
#define RO_WIDE	  129.0
#define TELR	  65.0	 /* talker echo loudness: default, a good echo canceller */
#define WEPL	  110.0	 /* weighted echo path loss: default */
#define RLR	  2.0
#define NO	  -61.18 /* noise floor by §7.2 */

/*
 * G.113 Appendix I: G.711 with concealment 0 / 25.1. Appendix IV, wideband: G.722 at 64 kbit/s 13 / 4.3 is without
 * concealment; with ours the robustness of concealed G.711 is assumed. Opus is not listed: impairment of a good wideband
 * codec at 24 kbit/s and up, and the robustness of its own concealment.
 */
static const struct {
	bool is_wide;
	double ie, bpl;
} codecs[] = {
	[RTP_QUALITY_G711] = {false, 0, 25.1},
	[RTP_QUALITY_G722] = {true, 13, 25.1},
	[RTP_QUALITY_OPUS] = {true, 5, 20},
};

/* G.107 §7.4, Idte: talker echo after ms one way */
static double talker_echo(double ms)
{
	double terv = TELR - 40 * log10((1 + ms / 10) / (1 + ms / 150)) + 6 * exp(-0.3 * ms * ms);
	double roe = -1.5 * (NO - RLR), re = 80 + 2.5 * (terv - 14), half = (roe - re) / 2;

	return (half + sqrt(half * half + 100) - 1) * (1 - exp(-ms));
}

/* Idle: listener echo after a round trip */
static double listener_echo(double ms)
{
	double rle = 10.5 * (WEPL + 7) * pow(2 * ms + 1, -0.25), half = (RO_NARROW - rle) / 2;

	return half + sqrt(half * half + 169);
}

/* Idd: too long for a conversation, even without echo */
static double absolute_delay(double ms)
{
	if (ms <= 100)
		return 0;
	double x = log2(ms / 100);

	return 25 * (pow(1 + pow(x, 6), 1 / 6.) - 3 * pow(1 + pow(x / 3, 6), 1 / 6.) + 2);
}

/* G.107 §7.5 with the burst ratio, effective equipment impairment */
static double equipment(const struct rtp_emodel *m)
{
	double percent = CLAMP(m->loss, 0, 1) * 100, ie = codecs[m->codec].ie;

	if (percent == 0)
		return ie;

	return ie + (95 - ie) * percent / (percent / MAX(m->burst_ratio, 0.1) + codecs[m->codec].bpl);
}

double rtp_emodel_r(const struct rtp_emodel *m)
{
	double ms = CLAMP(m->delay_ms, 0, 10000);

	if (codecs[m->codec].is_wide) /* G.107.1 §7.4: without echo only the absolute delay counts */
		return CLAMP((RO_WIDE - absolute_delay(ms) - equipment(m)) / WIDE, 0, 100);

	double r = RO_NARROW - IS_NARROW - talker_echo(ms) - listener_echo(ms) - absolute_delay(ms) - equipment(m);

	return CLAMP(r, 0, 100);
}

/* G.107 Annex B */
double rtp_emodel_mos(double r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;

	return MAX(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

void rtp_quality_init(struct rtp_quality_meter *q, enum rtp_codec_quality codec, uint32_t clock_hz, msec_t now)
{
	assert(clock_hz > 0 && codec < ARRAY_LEN(codecs));
	*q = (struct rtp_quality_meter){.codec = codec, .clock_hz = clock_hz, .next_at = now + 1000};
	q->now.rtt_ms = -1;
	q->now.max_rtt_ms = -1;
}

/* Mean length of a run of losses over what it would be if they fell at random, G.107 §7.5 */
static double burst_ratio(uint64_t bad, uint64_t runs, double loss)
{
	if (runs == 0 || bad <= runs)
		return 1;

	return MAX((double)bad / (double)runs * (1 - loss), 1);
}

static uint32_t units_ms(const struct rtp_quality_meter *q, uint64_t units)
{
	return (uint32_t)MIN(units * 1000 / q->clock_hz, (uint64_t)UINT32_MAX);
}

static void note_counters(struct rtp_quality_meter *q, const struct rtp_quality_input *in)
{
	struct rtp_quality *now = &q->now;
	const struct jbuf_stats *jb = in->jbuf;

	now->packets = jb->received;
	now->lost = jb->lost;
	now->late = jb->late;
	now->duplicates = jb->duplicates;
	now->reordered = jb->reordered;
	now->discarded = jb->discarded;
	now->jitter_ms = in->jitter_us / 1000;
	now->max_jitter_ms = MAX(now->max_jitter_ms, now->jitter_ms);
	now->delay_ms = jb->delay_ms;
	now->max_delay_ms = MAX(now->max_delay_ms, jb->max_delay_ms);
	now->concealed_ms = units_ms(q, jb->concealed_units + jb->expanded_units);
	now->stretched_ms = units_ms(q, jb->accelerated_units + jb->decelerated_units);
	if (in->rtt_us >= 0) {
		now->rtt_ms = (int32_t)(in->rtt_us / 1000);
		now->max_rtt_ms = MAX(now->max_rtt_ms, now->rtt_ms);
	}
}

/* From one point of the counters to another. */
static double rate(struct rtp_quality_meter *q, int from, const struct jbuf_stats *jb, double delay_ms, double *ret_burst)
{
	uint64_t played = jb->received - jb->late - jb->duplicates - jb->discarded - q->past[from].received;
	uint64_t bad = jb->lost + jb->late + jb->discarded, runs = jb->loss_runs - q->past[from].runs;

	bad = bad > q->past[from].bad ? bad - q->past[from].bad : 0;
	double loss = played + bad ? (double)bad / (double)(played + bad) : 0;
	struct rtp_emodel m = {.codec = q->codec, .loss = loss, .delay_ms = delay_ms};

	m.burst_ratio = *ret_burst = burst_ratio(bad, runs, loss);
	q->now.loss_permille = (uint32_t)(loss * 1000 + 0.5);

	return rtp_emodel_r(&m);
}

/* Mouth to ear as far as we know it: half the round trip, the buffer, and a packet and a tick at both ends. */
static double one_way_ms(const struct rtp_quality *now, double buffer_ms)
{
	return buffer_ms + MAX(now->rtt_ms, 0) / 2. + 40;
}

bool rtp_quality_update(struct rtp_quality_meter *q, const struct rtp_quality_input *in, msec_t now_ms)
{
	enum { WHOLE = RTP_QUALITY_WINDOW }; /* past[] has one place more, which stays zero: the begin of the call */
	const struct jbuf_stats *jb = in->jbuf;
	struct rtp_quality *now = &q->now;
	uint64_t good = jb->received - jb->late - jb->duplicates - jb->discarded;
	double burst;

	note_counters(q, in);
	if (now_ms < q->next_at)
		return false;
	q->next_at = now_ms - q->next_at > 5000 ? now_ms + 1000 : q->next_at + 1000;

	int oldest = q->filled < RTP_QUALITY_WINDOW ? WHOLE : q->at;
	bool is_heard = good != q->past[oldest].received || jb->lost + jb->late + jb->discarded != q->past[oldest].bad;
	if (is_heard) { /* hold and mute are no bad quality */
		q->delay_sum += jb->delay_ms;
		q->delay_count++;
		now->mos_call = (float)rtp_emodel_mos(
			rate(q, WHOLE, jb, one_way_ms(now, q->delay_sum / q->delay_count), &burst));
		now->burst_ratio = (float)burst;
		now->r = (float)rate(q, oldest, jb, one_way_ms(now, jb->delay_ms), &burst);
		now->mos = (float)rtp_emodel_mos(now->r);
		q->mos_sum += now->mos;
		now->mos_min = now->seconds ? MIN(now->mos_min, now->mos) : now->mos;
		now->mos_avg = (float)(q->mos_sum / ++now->seconds);
	}
	q->past[q->at].received = good;
	q->past[q->at].bad = jb->lost + jb->late + jb->discarded;
	q->past[q->at].runs = jb->loss_runs;
	q->at = (uint8_t)((q->at + 1) % RTP_QUALITY_WINDOW);
	q->filled += q->filled < RTP_QUALITY_WINDOW;

	return is_heard;
}

const struct rtp_quality *rtp_quality_get(const struct rtp_quality_meter *q)
{
	return &q->now;
}
