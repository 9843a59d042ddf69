/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf_core.h"

#define START_MS     40
#define MIN_MS	     5 /* what a 20 ms tick of a busy machine wavers */
#define MAX_MS	     300
#define MAX_MAX_MS   2000
#define POOL_BYTES   16384
#define MIN_POOL     4096
#define MAX_POOL     131072
#define CROWDED	     (SLOTS - 16) /* packets: waiting longer would only push the oldest out */
#define LEADS	     8		  /* decodes a window of leads takes */
#define HYSTERESIS_MS 5
#define MAX_SLACK_US  INT64_C(60000000)

static const uint32_t durations_ms[MS_COUNT] = {
	[MS_MADE_UP] = 200,   /* concealment longer than that fools nobody: silence, and a fresh start */
	[MS_QUIET_CUT] = 2,   /* worth cutting from silence */
	[MS_SPEECH_CUT] = 10, /* worth cutting from speech: about a pitch period */
	[MS_SPEECH_ADD] = 12,
	[MS_MUCH] = 100, /* delay that is cut from speech in each packet, and in every third */
	[MS_SOME] = 40,
};

static int check_params(struct jbuf_params *p)
{
	p->start_ms = p->start_ms ? p->start_ms : START_MS;
	p->min_ms = p->min_ms ? p->min_ms : MIN_MS;
	p->max_ms = p->max_ms ? p->max_ms : MAX_MS;
	p->pool_bytes = (p->pool_bytes ? p->pool_bytes : POOL_BYTES) & ~7u;

	bool is_ok = p->clock_hz >= 1000 && p->clock_hz <= 192000 && p->tick_units > 0 &&
		     p->tick_units <= (uint64_t)p->clock_hz * LIMIT_PTIME_MS / 1000 && p->max_ms <= MAX_MAX_MS &&
		     p->min_ms <= p->max_ms && p->start_ms <= p->max_ms && p->pool_bytes >= MIN_POOL &&
		     p->pool_bytes <= MAX_POOL;

	return is_ok ? 0 : -EINVAL;
}

static void reset_leads(struct jbuf *jb)
{
	jb->lead_min[0] = jb->lead_min[1] = UINT32_MAX;
	jb->lead_max[0] = jb->lead_max[1] = 0;
	jb->lead_count = 0;
	jb->has_forecast = false;
}

/* What is known of the network and of the line; counters stay. */
static void start_over(struct jbuf *jb)
{
	jb->state = FRESH;
	jb->has_source = false;
	jb->has_old_ssrc = false;
	jb->has_bad = false;
	jb->has_time = false;
	jb->is_splice_next = false;
	jb->is_cut = false;
	jb->usual_units = jb->params.tick_units;
	jb->newest_lts = 0;
	jb->head = 0;
	jb->credit = 0;
	jb->made_up = 0;
	jb->wait = 0;
	reset_leads(jb);
	delay_init(&jb->delay, jb->params.start_ms * 1000, jb->params.max_ms * 1000);
}

static void init(struct jbuf *jb, const struct jbuf_params *p)
{
	uint32_t pool_size = jb->pool_size;

	memset(jb, 0, sizeof(*jb));
	jb->params = *p;
	jb->pool_size = pool_size;
	jb->unit_us = (UINT64_C(1000000) << 32) / p->clock_hz;
	jb->tick_us = (uint32_t)jbuf_us(jb, p->tick_units);
	jb->max_units = LIMIT_PTIME_MS * p->clock_hz / 1000;
	for (int i = 0; i < MS_COUNT; i++)
		jb->ms_units[i] = durations_ms[i] * p->clock_hz / 1000;
	for (uint8_t i = 0; i < SLOTS; i++)
		jb->free_slots[i] = (uint8_t)(SLOTS - 1 - i);
	jb->free_count = SLOTS;
	jb->newest_seq = 1 << 20; /* anything that leaves room below */
	jb->next_seq = jb->newest_seq + 1;
	start_over(jb);
}

int jbuf_new(struct jbuf **ret, const struct jbuf_params *params)
{
	struct jbuf_params p = *params;

	if (check_params(&p) < 0)
		return -EINVAL;

	struct jbuf *jb = calloc(1, sizeof(*jb) + p.pool_bytes);
	if (!jb)
		return -ENOMEM;
	jb->pool_size = p.pool_bytes;
	init(jb, &p);
	*ret = jb;

	return 0;
}

struct jbuf *jbuf_free(struct jbuf *jb)
{
	free(jb);

	return NULL;
}

int jbuf_reset(struct jbuf *jb, const struct jbuf_params *params)
{
	struct jbuf_params p = *params;

	p.pool_bytes = jb->pool_size;
	if (check_params(&p) < 0)
		return -EINVAL;
	init(jb, &p);

	return 0;
}

void jbuf_flush(struct jbuf *jb)
{
	for (int i = 0; i < SLOTS; i++) {
		if (!jb->places[i])
			continue;
		jbuf_release(jb, &jb->slots[jb->places[i] - 1]);
		jb->stats.discarded++;
	}
	start_over(jb);
}

/* The only place where the state changes. */
static void set_state(struct jbuf *jb, enum jbuf_state state)
{
	jb->stats.underruns += state == DRY && jb->state != DRY;
	if (state != DRY)
		jb->credit = 0;
	jb->state = state;
}

/* When media time lts would be played, behind fifo_units, against when its fastest packet came: the delay we add to it. */
static int64_t delay_at(const struct jbuf *jb, int64_t lts, int64_t now_us, uint32_t fifo_units)
{
	return now_us + jbuf_us(jb, fifo_units) - jbuf_us(jb, lts) - jb->delay.base;
}

static int64_t target(const struct jbuf *jb)
{
	int64_t lag = delay_lag(&jb->delay);
	int64_t min = (int64_t)jb->params.min_ms * 1000 + lag, max = (int64_t)jb->params.max_ms * 1000 + lag;

	return CLAMP(delay_quantile(&jb->delay), min, max);
}

/* Did the FIFO run down from the last decode as it does when nothing was stretched? */
static bool is_expected(const struct jbuf *jb, uint32_t lead)
{
	uint32_t tick = jb->params.tick_units, gone = jb->forecast + tick - lead, odd = gone % tick;

	/* resamplers round */
	return odd <= tick / 32 || tick - odd <= tick / 32;
}

/*
 * A decode with lead units in the FIFO: that much before its first sample is played. A FIFO that never runs empty (the least
 * lead is above 0) is delay for nothing; one that sometimes does not (10 ms packets in 20 ms ticks) needs packets earlier,
 * by the greatest lead. Leads shift when audio was stretched or made up, and are then watched anew.
 */
static void note_lead(struct jbuf *jb, uint32_t lead)
{
	if (jb->has_forecast && !is_expected(jb, lead))
		reset_leads(jb);
	if (jb->lead_count == LEADS) {
		jb->lead_min[1] = jb->lead_min[0];
		jb->lead_max[1] = jb->lead_max[0];
		jb->lead_min[0] = UINT32_MAX;
		jb->lead_max[0] = 0;
		jb->lead_count = 0;
	}
	jb->lead_count++;
	jb->lead_min[0] = MIN(jb->lead_min[0], lead);
	jb->lead_max[0] = MAX(jb->lead_max[0], lead);
}

/* Spare delay of audio that would be decoded now; negative: packets will be late. Bounded, whatever timestamps claim. */
static int64_t slack_us(const struct jbuf *jb, int64_t delay)
{
	int64_t slack = delay - target(jb) - jbuf_us(jb, MAX(jb->lead_max[0], jb->lead_max[1]));

	return CLAMP(slack, -MAX_SLACK_US, MAX_SLACK_US);
}

/*
 * Units to be added (positive) or taken away until the delay is right. Packets are needed at ticks, so beyond the lead
 * only whole ticks make a difference.
 */
static int32_t wanted_change(const struct jbuf *jb, int64_t delay)
{
	int64_t tick_us = jb->tick_us, slack = slack_us(jb, delay), spare = slack - HYSTERESIS_MS * 1000;
	int32_t tick = (int32_t)jb->params.tick_units, lead = (int32_t)MIN(jb->lead_min[0], jb->lead_min[1]);

	if (slack < 0)
		return (int32_t)((-slack + tick_us - 1) / tick_us) * tick - lead;

	return -(lead + (spare > 0 ? (int32_t)(spare < tick_us ? 0 : spare / tick_us) * tick : 0));
}

/* How many packets to leave between cuts of speech: the more there is to cut, the fewer. 10 to 25 % of a pitch period each. */
static uint32_t cut_pause(const struct jbuf *jb, int32_t cut)
{
	if (cut >= (int32_t)jb->ms_units[MS_MUCH])
		return 0;

	return cut >= (int32_t)jb->ms_units[MS_SOME] ? 2 : 9;
}

static void adapt(struct jbuf *jb, int64_t delay, struct jbuf_out *out)
{
	int32_t units = (int32_t)MAX(out->units, jb->params.tick_units);

	jb->wait -= jb->wait > 0;
	if (jb->lead_count < 2 && jb->lead_min[1] == UINT32_MAX)
		return; /* not yet known how the FIFO stands */

	int32_t change = CLAMP(wanted_change(jb, delay), -units, units);
	if (change > 0) {
		out->stretch_quiet = change;
		/* room for a whole pitch period: the rest of a tick, left over, would have to be concealed in the end */
		out->stretch = MIN(MAX(change, (int32_t)jb->ms_units[MS_SPEECH_ADD]), units);
	} else if (-change >= (int32_t)jb->ms_units[MS_QUIET_CUT]) {
		out->stretch_quiet = change;
		if (-change < (int32_t)jb->ms_units[MS_SPEECH_CUT] || jb->wait)
			return;
		out->stretch = change;
		jb->wait = cut_pause(jb, -wanted_change(jb, delay));
	}
}

static void fill(struct jbuf *jb, const struct jbuf_slot *slot, struct jbuf_out *out)
{
	out->op = JBUF_DECODE;
	out->kind = (enum jbuf_kind)slot->kind;
	out->is_splice = slot->is_splice || jb->is_cut;
	out->marker = slot->marker;
	out->pt = slot->pt;
	out->seq = slot->seq;
	out->ts = slot->ts;
	out->len = slot->len;
	out->units = slot->units;
	out->payload = jb->pool + slot->at;
}

/* Hands the packet at next_seq out. */
static void take(struct jbuf *jb, struct jbuf_slot *slot, int64_t now_us, uint32_t fifo_units, struct jbuf_out *out)
{
	int64_t delay = delay_at(jb, slot->lts, now_us, fifo_units);
	bool is_audio = slot->kind == JBUF_AUDIO;

	fill(jb, slot, out);
	note_lead(jb, fifo_units);
	if (is_audio)
		adapt(jb, delay, out);
	jb->has_forecast = true;
	jb->forecast = fifo_units + slot->units;

	jb->stats.played++;
	jb->stats.decoded_units += slot->units;
	jb->stats.delay_ms = (uint32_t)CLAMP(delay / 1000, 0, 60000);
	jb->stats.max_delay_ms = MAX(jb->stats.max_delay_ms, jb->stats.delay_ms);
	jb->head = slot->lts + slot->units;
	jb->next_seq++;
	jb->made_up = 0;
	jb->is_cut = false;
	jbuf_release(jb, slot);
	set_state(jb, is_audio ? SPEECH : HUSH);
}

static void give(struct jbuf *jb, enum jbuf_op op, uint32_t units, struct jbuf_out *out)
{
	out->op = op;
	out->units = units;
	jb->has_forecast = false;
	reset_leads(jb);
	if (op == JBUF_SILENCE) {
		jb->stats.silent_units += units;
		jb->stats.delay_ms = 0;
		return;
	}
	jb->made_up += units;
	if (op == JBUF_CONCEAL)
		jb->stats.concealed_units += units;
	else
		jb->stats.expanded_units += units;
}

/* Events have no audio: they are passed, and mean that silence was sent. */
static void pass_event(struct jbuf *jb, struct jbuf_slot *slot, int64_t seq)
{
	jbuf_pass(jb, seq);
	jbuf_release(jb, slot);
	jb->stats.played++;
	jb->next_seq++;
	set_state(jb, jb->state == FRESH ? FRESH : HUSH);
}

/* A talk spurt begins at the target delay, whatever the delay was before. True when it is due. */
static bool start_speech(struct jbuf *jb, struct jbuf_slot *slot, int64_t seq, int64_t now_us, uint32_t fifo_units)
{
	bool is_crowded = jb->stats.buffered >= CROWDED || jb->pool_used > jb->pool_size / 8 * 7;

	if (delay_at(jb, slot->lts, now_us, fifo_units) < target(jb) && !is_crowded)
		return false;
	jbuf_pass(jb, seq);
	jb->head = slot->lts;
	jb->is_cut = true;
	jb->has_forecast = false;
	reset_leads(jb);
	set_state(jb, SPEECH);

	return true;
}

/* Beyond the greatest delay the oldest goes, if others wait behind it. */
static bool is_too_old(const struct jbuf *jb, const struct jbuf_slot *slot, int64_t now_us, uint32_t fifo_units)
{
	int64_t max = (int64_t)jb->params.max_ms * 1000 + delay_lag(&jb->delay) +
		      jbuf_us(jb, 2 * (int64_t)jb->params.tick_units + slot->units);

	return jb->stats.buffered > 1 && delay_at(jb, slot->lts, now_us, fifo_units) > max;
}

/*
 * next_seq is there. True when it gave something; false: look again.
 */
static bool play(struct jbuf *jb, struct jbuf_slot *slot, int64_t now_us, uint32_t fifo_units, struct jbuf_out *out)
{
	int64_t gap = slot->lts - jb->head;

	if (is_too_old(jb, slot, now_us, fifo_units)) {
		jb->head = slot->lts + slot->units;
		jb->is_cut = true;
		jbuf_pass(jb, jb->next_seq + 1);
		return false;
	}
	/* a hole in time without one in the numbers: the speaker paused */
	if (gap * 2 >= MAX(MIN(slot->units, jb->params.tick_units), 2u)) {
		set_state(jb, IDLE);
		return false;
	}
	take(jb, slot, now_us, fifo_units, out);

	return true;
}

/* What was concealed already, for a packet that might have come, of a hole of each units: so it was loss and no underrun. */
static uint32_t pay(struct jbuf *jb, uint32_t each)
{
	uint32_t paid = MIN(jb->credit, each);

	if (paid == 0)
		return 0;
	jb->credit -= paid;
	jb->stats.expanded_units -= paid;
	jb->stats.concealed_units += paid;
	jb->stats.underruns -= jb->credit == 0;

	return paid;
}

/*
 * next_seq is missing, and a later packet is there: it had its chance. One packet's worth is concealed, less what was
 * concealed while it might only have been late. True when it gave something; false: look again.
 */
static bool bridge(struct jbuf *jb, struct jbuf_slot *later, int64_t seq, int64_t delay, struct jbuf_out *out)
{
	int64_t missing = seq - jb->next_seq, gap = later->lts - jb->head, each = gap / missing;
	bool is_pause = gap >= (missing + 1) * (int64_t)jb->usual_units;

	/* lost around a pause: nobody knows on which side, and silence is the better guess */
	if (is_pause || jb->state == HUSH || jb->made_up >= jb->ms_units[MS_MADE_UP]) {
		jbuf_pass(jb, seq);
		set_state(jb, IDLE);
		return false;
	}
	jbuf_pass(jb, jb->next_seq + 1);
	if (each <= 0)
		return false;
	jb->head += each;

	uint32_t paid = pay(jb, (uint32_t)each);
	if (each == paid)
		return false;
	/* too much delay anyway: the hole is closed instead of filled */
	if (-wanted_change(jb, delay) > each + (int64_t)jb->params.tick_units) {
		jb->is_cut = true;
		return false;
	}
	give(jb, JBUF_CONCEAL, (uint32_t)each - paid, out);
	if (missing == 1 && later->kind == JBUF_AUDIO) {
		out->payload = jb->pool + later->at;
		out->len = later->len;
		out->pt = later->pt;
		out->seq = later->seq;
		out->ts = later->ts;
	}

	return true;
}

/* Nothing is there at all. */
static void wait_for_more(struct jbuf *jb, uint32_t want, struct jbuf_out *out)
{
	if (jb->state == SPEECH || jb->state == DRY) {
		set_state(jb, jb->made_up >= jb->ms_units[MS_MADE_UP] ? IDLE : DRY);
		if (jb->state == DRY) {
			jb->credit += want;
			give(jb, JBUF_EXPAND, want, out);
			return;
		}
	}
	give(jb, JBUF_SILENCE, want, out);
}

/* Every turn passes at least one number or leaves IDLE, so that the loop ends. */
void jbuf_get(struct jbuf *jb, int64_t now_us, uint32_t fifo_units, struct jbuf_out *ret)
{
	uint32_t tick = jb->params.tick_units, want = fifo_units < tick ? tick - fifo_units : tick;

	*ret = (struct jbuf_out){0};
	for (;;) {
		int64_t seq = 0;
		struct jbuf_slot *slot = jbuf_nearest(jb, &seq);

		if (!slot) {
			wait_for_more(jb, want, ret);
			return;
		}
		if (slot->kind == JBUF_EVENT) {
			pass_event(jb, slot, seq);
			continue;
		}
		if (jb->state == FRESH || jb->state == IDLE) {
			if (start_speech(jb, slot, seq, now_us, fifo_units))
				continue;
			give(jb, JBUF_SILENCE, want, ret);
			return;
		}
		bool is_done = seq == jb->next_seq ? play(jb, slot, now_us, fifo_units, ret)
						   : bridge(jb, slot, seq, delay_at(jb, jb->head, now_us, fifo_units), ret);
		if (is_done)
			return;
	}
}

void jbuf_stretched(struct jbuf *jb, int32_t units)
{
	if (units < 0)
		jb->stats.accelerated_units += (uint32_t)-units;
	else
		jb->stats.decelerated_units += (uint32_t)units;
}

void jbuf_get_stats(const struct jbuf *jb, struct jbuf_stats *ret)
{
	*ret = jb->stats;
	ret->target_ms = (uint32_t)((target(jb) + 999) / 1000);
	ret->buffered_ms = (uint32_t)(jbuf_us(jb, (int64_t)jb->stats.buffered * jb->usual_units) / 1000);
}
