/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf_core.h"

/* What arrives finds its place on the line. */
#define JUMP		3000	/* numbers: a greater step ahead is a restart, RFC 3550 Appendix A.1 */
#define OLD_SOURCE_US	500000	/* stragglers of the SSRC before do not switch back */
#define OTHER_US	1000000 /* two packets of a new source lie no further apart */
#define OTHER_STEP	50	/* numbers, likewise: some of them may be lost */
#define AHEAD_US	1000000 /* a timestamp so far ahead of its arrival is no pause of the speaker but a reset */
#define OUTAGE_US	1000000 /* after so long without packets, media time may stand where it was */
#define RUNAWAY_US	60000000 /* nor is a burst that explains itself by its numbers, beyond this */
#define REORDER_SPAN_US 5000000

static void mark_seen(struct jbuf *jb, int64_t seq)
{
	jb->seen[(uint64_t)seq % SEEN / 64] |= UINT64_C(1) << ((uint64_t)seq % 64);
}

/* The line of numbers reaches to seq now; what falls out of the slots' window is over. */
static void extend_line(struct jbuf *jb, int64_t seq)
{
	int64_t window = seq - SLOTS + 1;

	jbuf_pass(jb, MIN(window, jb->newest_seq + 1)); /* while their seen bits are still their own */
	for (int64_t s = MAX(jb->newest_seq + 1, seq - SEEN + 1); s <= seq; s++)
		jb->seen[(uint64_t)s % SEEN / 64] &= ~(UINT64_C(1) << ((uint64_t)s % 64));
	jb->newest_seq = seq;
	jbuf_pass(jb, window);
}

/* Numbers go on from the newest, wherever the wire's do. */
static int64_t anchor_seq(struct jbuf *jb, const struct jbuf_packet *p)
{
	int64_t seq = jb->newest_seq + 1;

	jb->has_bad = false;
	jb->first_seq = seq;
	jb->newest_wire_seq = p->seq;
	jb->is_splice_next = true;
	jb->stats.restarts++;
	extend_line(jb, seq);

	return seq;
}

static int64_t start_source(struct jbuf *jb, const struct jbuf_packet *p)
{
	jb->has_source = true;
	jb->has_old_ssrc = false;
	jb->ssrc = p->ssrc;
	jb->next_seq = jb->newest_seq + 1;
	jb->last_lost = jb->newest_seq - 2 * SLOTS;
	memset(jb->seen, 0, sizeof(jb->seen));
	int64_t seq = anchor_seq(jb, p);
	jb->origin_seq = seq;
	jb->first_seq -= SLOTS; /* of a first source, packets before the first that came are welcome */
	jb->stats.restarts--;

	return seq;
}

static void switch_source(struct jbuf *jb, const struct jbuf_packet *p, int64_t now_us)
{
	jb->has_old_ssrc = true;
	jb->old_ssrc = jb->ssrc;
	jb->switched_at = now_us;
	jb->ssrc = p->ssrc;
}

/* RFC 3550 Appendix A.1 for a step too far: a restart if the next packet agrees. */
static bool confirm_jump(struct jbuf *jb, uint16_t seq)
{
	if (jb->has_bad && seq == jb->bad_seq)
		return true;
	jb->has_bad = true;
	jb->bad_seq = (uint16_t)(seq + 1);

	return false;
}

/*
 * The packet's number on the line, or a verdict against it. *ret_anchored: its time has to be anchored anew, too.
 */
static enum jbuf_put_result find_seq(struct jbuf *jb, const struct jbuf_packet *p, int64_t now_us, int64_t *ret_seq,
				     bool *ret_anchored)
{
	*ret_anchored = true;
	if (!jb->has_source) {
		*ret_seq = start_source(jb, p);
		return JBUF_STORED;
	}
	if (p->ssrc != jb->ssrc) {
		if (jb->has_old_ssrc && p->ssrc == jb->old_ssrc && now_us - jb->switched_at < OLD_SOURCE_US)
			return JBUF_DISCARDED;
		switch_source(jb, p, now_us);
		*ret_seq = anchor_seq(jb, p);
		return JBUF_STORED;
	}

	int16_t step = (int16_t)(p->seq - jb->newest_wire_seq);
	if (step >= JUMP || step <= -SEEN) {
		if (!confirm_jump(jb, p->seq))
			return JBUF_DISCARDED;
		*ret_seq = anchor_seq(jb, p);
		return JBUF_STORED;
	}
	int64_t seq = jb->newest_seq + step;
	*ret_anchored = false;
	if (step > 0) {
		jb->has_bad = false;
		jb->newest_wire_seq = p->seq;
		extend_line(jb, seq);
	} else if (seq < jb->first_seq) {
		return JBUF_DISCARDED;
	} else if (jbuf_was_seen(jb, seq)) {
		return JBUF_DUPLICATE;
	}
	*ret_seq = seq;

	return JBUF_STORED;
}

/* A new anchor in time: as if the packet had come without delay, but not into what is already there. */
static int64_t anchor_time(struct jbuf *jb, int64_t seq, int64_t now_us)
{
	if (!jb->has_time) {
		delay_rebase(&jb->delay, now_us);
		return 0;
	}
	int64_t end = jb->newest_lts + (seq - jb->timed_seq) * jb->usual_units;
	int64_t now = (now_us - jb->delay.base) * jb->params.clock_hz / 1000000;

	jb->is_splice_next = true;
	delay_rebase(&jb->delay, now_us);

	return MAX(end, now);
}

/*
 * Does the timestamp fit? A step that the numbers explain does, and so does a pause of the speaker, whose timestamps went on
 * with the time that passed (RFC 3550 §5.1). Backwards, or far ahead of real time, is a reset. And a sender may have paused with
 * its timestamps at a stand (music on hold ends, a call is bridged): then the packet looks as late as the pause was long.
 */
static bool is_time_plausible(const struct jbuf *jb, int64_t seq, int64_t lts, int64_t now_us)
{
	int64_t step = lts - jb->newest_lts;
	int64_t rel_us = now_us - jbuf_us(jb, lts) - jb->delay.base;
	int64_t explained = (seq - jb->timed_seq + 1) * MAX(jb->usual_units, jb->params.tick_units);

	if (step <= 0)
		return false;
	if (rel_us < -AHEAD_US)
		return step <= explained && rel_us > -RUNAWAY_US;

	return now_us - jb->heard_at < OUTAGE_US || rel_us < OUTAGE_US;
}

/* The packet's place in time. A number newer than all with a time carries the line on; an older one lies behind it. */
static int64_t find_time(struct jbuf *jb, const struct jbuf_packet *p, int64_t seq, bool is_anchored, int64_t now_us)
{
	int64_t lts = jb->newest_lts + (int32_t)(p->ts - jb->newest_wire_ts);
	int64_t back = (seq - jb->timed_seq) * (int64_t)jb->usual_units;

	if (jb->has_time && seq < jb->timed_seq) {
		bool is_sane = lts < jb->newest_lts && jbuf_us(jb, jb->newest_lts - lts) < REORDER_SPAN_US;

		return is_sane ? lts : jb->newest_lts + back;
	}
	if (is_anchored || !jb->has_time) {
		lts = anchor_time(jb, seq, now_us);
	} else if (!is_time_plausible(jb, seq, lts, now_us)) {
		lts = anchor_time(jb, seq, now_us);
		jb->stats.restarts++;
	} else if (seq == jb->timed_seq + 1 && p->units == 0) {
		/* nobody knows the duration: believe the steps of consecutive packets */
		jb->usual_units = (uint32_t)MIN(lts - jb->newest_lts, (int64_t)jb->max_units);
	}
	jb->has_time = true;
	jb->timed_seq = seq;
	jb->newest_lts = lts;
	jb->newest_wire_ts = p->ts;

	return lts;
}

/* Comfort noise without a duration takes no time; audio of unknown duration takes the usual. */
static void complete(struct jbuf *jb, struct jbuf_packet *p)
{
	if (p->kind == JBUF_AUDIO && p->units == 0)
		p->units = jb->usual_units;
	else if (p->kind == JBUF_AUDIO)
		jb->usual_units = p->units;
}

/* Its turn is over. If it was passed as lost, it was only late. */
static enum jbuf_put_result refuse_late(struct jbuf *jb, int64_t seq)
{
	jb->stats.late++;
	jb->stats.lost -= seq >= jb->origin_seq;

	return JBUF_LATE;
}

/* In FRESH state, nothing was played: the beginning may still move back. */
static bool is_over(struct jbuf *jb, int64_t seq)
{
	if (seq >= jb->next_seq)
		return false;
	if (jb->state != FRESH || jb->newest_seq - seq >= SLOTS || jb->stats.buffered == 0)
		return true;
	/* numbers between are in the window already or still to come; those of jbuf_pass were counted and stay so */
	if (seq <= jb->last_lost)
		return true;
	jb->next_seq = seq;
	jb->origin_seq = MIN(jb->origin_seq, seq);

	return false;
}

static enum jbuf_put_result place(struct jbuf *jb, struct jbuf_packet *p, int64_t now_us)
{
	bool is_anchored;
	int64_t seq, lts = jb->newest_lts;

	enum jbuf_put_result result = find_seq(jb, p, now_us, &seq, &is_anchored);
	if (result != JBUF_STORED)
		return result;

	bool is_reordered = seq < jb->newest_seq;
	jb->stats.reordered += is_reordered;
	mark_seen(jb, seq);
	if (p->kind != JBUF_EVENT) {
		lts = find_time(jb, p, seq, is_anchored, now_us);
		delay_note(&jb->delay, now_us - jbuf_us(jb, lts), now_us, (uint32_t)jbuf_us(jb, jb->usual_units));
		complete(jb, p);
	}
	jb->heard_at = now_us;
	if (is_over(jb, seq))
		return refuse_late(jb, seq);
	jbuf_store(jb, seq, lts, p);

	return JBUF_STORED;
}

/*
 * A packet of a source that is not the one being heard. One alone may be a stray or forged, and must not silence a call; the second in sequence
 * to it brings both in.
 */
static enum jbuf_put_result meet_other(struct jbuf *jb, struct jbuf_packet *p, int64_t now_us)
{
	uint16_t step = (uint16_t)(p->seq - jb->other.p.seq);
	bool is_next = jb->other.is_set && p->ssrc == jb->other.p.ssrc && now_us - jb->other.at < OTHER_US;

	if (is_next && step == 0)
		return JBUF_DUPLICATE;
	if (is_next && step <= OTHER_STEP) {
		struct jbuf_packet first = jb->other.p;

		jb->other.is_set = false;
		jb->stats.discarded--; /* it counted as such while it was alone */
		first.payload = jb->other.payload;
		place(jb, &first, now_us);
		return place(jb, p, now_us);
	}
	jb->other.is_set = true;
	jb->other.p = *p;
	jb->other.at = now_us;
	memcpy(jb->other.payload, p->payload, p->len);

	return JBUF_DISCARDED;
}

static bool is_of_another(const struct jbuf *jb, const struct jbuf_packet *p, int64_t now_us)
{
	bool is_straggler = jb->has_old_ssrc && p->ssrc == jb->old_ssrc && now_us - jb->switched_at < OLD_SOURCE_US;

	return jb->has_source && p->ssrc != jb->ssrc && !is_straggler;
}

enum jbuf_put_result jbuf_put(struct jbuf *jb, const struct jbuf_packet *p, int64_t now_us)
{
	enum jbuf_put_result result = JBUF_DISCARDED;
	struct jbuf_packet copy = *p;

	copy.units = MIN(copy.units, jb->max_units);
	if (copy.len == 0) /* a keep-alive: not audio, and not a loss either */
		copy.kind = JBUF_EVENT;
	jb->stats.received++;
	if (copy.len <= LIMIT_RTP_PACKET_BYTES)
		result = is_of_another(jb, &copy, now_us) ? meet_other(jb, &copy, now_us) : place(jb, &copy, now_us);
	jb->stats.duplicates += result == JBUF_DUPLICATE;
	jb->stats.discarded += result == JBUF_DISCARDED;

	return result;
}
