/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/jbuf_sim.h"

/*
 * Jitter scripts: what the network does is written down, and what must be heard is asserted. That every tick has its audio,
 * that packets play once and in order, and that the counters balance is checked by the simulation in all of them.
 */
static struct sim s;

#define SECOND INT64_C(1000000)
#define PATH   20000 /* µs of a packet that meets no queue */

static int64_t begin(uint32_t hz, uint32_t packet_units, struct sim_sender *ret)
{
	sim_init(&s, &(struct jbuf_params){.clock_hz = hz, .tick_units = hz / 50});
	*ret = (struct sim_sender){
		.ssrc = 0x1234, .units = packet_units, .seq = 65500, .ts = 0xffffe000, .at_us = (double)s.now_us + 3000};

	return s.now_us;
}

static struct jbuf_stats stats(void)
{
	struct jbuf_stats now;

	jbuf_get_stats(s.jb, &now);

	return now;
}

static uint32_t average_ms(void)
{
	return (uint32_t)(s.delay_sum_ms / MAX(s.decodes, 1u));
}

static int teardown(void **state)
{
	sim_done(&s);

	return 0;
}

/* A network without jitter: nothing is made up, and after the cautious beginning the delay is at most a tick and the bounds. */
static void a_perfect_network_costs_almost_no_delay(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 1500; i++)
		sim_send(&s, &a, PATH);
	sim_run(&s, t0 + 10 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_true(s.max_delay_ms <= 60);
	sim_mark(&s);
	sim_run(&s, t0 + 29 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_int_equal(s.speech_stretches, 0);
	assert_true(s.max_delay_ms <= 25);
	assert_int_equal(stats().lost + stats().late + stats().discarded + stats().restarts, 0);
}

/* 1 to 120 ms a packet; sequence numbers and timestamps wrap early in every script. */
static void every_packet_size_plays_through(void **state)
{
	static const uint32_t sizes[] = {2, 5, 10, 20, 25, 30, 40, 60, 80, 100, 120};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, sizes[i] * 8, &a);

		for (uint32_t n = 0; n < 60000 / sizes[i]; n++)
			sim_send(&s, &a, PATH + sim_uniform(&s, 8000));
		sim_run(&s, t0 + 20 * SECOND);
		sim_mark(&s);
		sim_run(&s, t0 + 59 * SECOND);
		assert_int_equal(s.gap_ticks, 0);
		assert_true(s.max_delay_ms <= 50);
		assert_int_equal(stats().late + stats().discarded + stats().lost, 0);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

static void one_millisecond_packets_play_through(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 8, &a);

	for (int n = 0; n < 20000; n++)
		sim_send(&s, &a, PATH + sim_uniform(&s, 500));
	sim_run(&s, t0 + 19 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_int_equal(stats().lost + stats().late + stats().discarded, 0);
}

/* The target follows the jitter: enough that few are late, and not more than that needs. */
static void delay_settles_above_the_jitter(void **state)
{
	static const struct {
		int mean_ms, max_late_permille, max_delay_ms;
	} cases[] = {{5, 3, 60}, {10, 5, 90}, {20, 6, 150}, {40, 8, 270}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		for (int n = 0; n < 6000; n++)
			sim_send(&s, &a, PATH + sim_exponential(&s, cases[i].mean_ms * 1000));
		sim_run(&s, t0 + 20 * SECOND);
		sim_mark(&s);
		sim_run(&s, t0 + 119 * SECOND);
		assert_true(s.gap_ticks * 1000 <= s.ticks * (uint32_t)cases[i].max_late_permille);
		assert_true(average_ms() <= (uint32_t)cases[i].max_delay_ms);
		assert_int_equal(stats().lost, 0);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* Jitter from 0 to 80 ms in the middle of speech: at most a few ticks are made up, then none; back within half a minute. */
static void grows_fast_and_shrinks_slowly(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 4500; i++)
		sim_send(&s, &a, PATH + (i >= 500 && i < 2500 ? sim_uniform(&s, 80000) : 0));
	sim_run(&s, t0 + 10 * SECOND);
	sim_mark(&s);
	sim_run(&s, t0 + 10 * SECOND + SECOND / 2);
	assert_true(s.gap_ticks <= 6);
	assert_in_range(stats().target_ms, 60, 100);
	sim_mark(&s);
	sim_run(&s, t0 + 50 * SECOND);
	assert_true(s.gap_ticks <= 3);
	assert_true(s.max_delay_ms <= 105);
	sim_run(&s, t0 + 53 * SECOND);
	assert_in_range(stats().target_ms, 40, 100); /* it does not forget at once */
	sim_run(&s, t0 + 80 * SECOND);
	assert_true(stats().target_ms <= 10);
	sim_mark(&s);
	sim_run(&s, t0 + 89 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_true(s.max_delay_ms <= 30);
}

/* ±500 ppm for five minutes, with an audio layer that stretches speech: not one concealed tick, a stretch every few seconds. */
static void clock_drift_is_taken_back_without_a_glitch(void **state)
{
	static const double clocks[] = {0.9995, 0.9998, 1.0002, 1.0005};

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		a.clock = clocks[i];
		s.is_rounding = i % 2;
		for (int n = 0; n < 15000; n++)
			sim_send(&s, &a, PATH + sim_uniform(&s, 5000));
		sim_run(&s, t0 + 20 * SECOND);
		sim_mark(&s);
		sim_run(&s, t0 + 290 * SECOND);
		assert_true(stats().expanded_units + stats().concealed_units <= 8); /* rounding may ask for a unit */
		assert_true(average_ms() <= 30); /* drift is not taken for jitter */
		assert_true(s.least_cut_gap >= 9);
		assert_true(s.speech_stretches <= 30);
		assert_true(s.max_delay_ms <= 50);
		assert_int_equal(stats().discarded + stats().lost + stats().late, 0);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* The same when only silence may be changed: a second of it in ten is enough. */
static void clock_drift_fits_into_silence(void **state)
{
	static const double clocks[] = {0.9995, 1.0005};

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		a.clock = clocks[i];
		s.has_stretch = false;
		for (int n = 0; n < 6000; n++)
			sim_send(&s, &a, PATH);
		for (int n = 0; n < 119; n++) {
			s.is_quiet = n % 10 == 9;
			sim_run(&s, t0 + n * SECOND);
			if (n == 20)
				sim_mark(&s);
		}
		assert_true(s.gap_ticks <= 3);
		assert_int_equal(s.speech_stretches, 0);
		assert_true(s.max_delay_ms <= 60);
		assert_int_equal(stats().discarded, 0);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* Spikes of 100 ms every two seconds: the first ones are made up, then the delay covers them. */
static void repeated_spikes_are_learnt(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 3000; i++) {
		int64_t queue = i % 100 < 5 ? 100000 - i % 100 * 20000 : 0;

		sim_send(&s, &a, PATH + queue + sim_uniform(&s, 4000));
	}
	sim_run(&s, t0 + 12 * SECOND);
	assert_true(s.gap_ticks <= 20);
	sim_mark(&s);
	sim_run(&s, t0 + 59 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_true(s.max_delay_ms <= 140);
}

/* A network that stands still for half a second, then delivers everything: heard up to the greatest delay, then caught up. */
static void a_stall_and_its_flood_are_caught_up(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 2000; i++)
		sim_send(&s, &a, PATH + (i >= 500 && i < 525 ? 500000 - (i - 500) * 20000 : 0));
	sim_run(&s, t0 + 10 * SECOND);
	sim_mark(&s);
	sim_run(&s, t0 + 11 * SECOND);
	assert_true(s.max_delay_ms <= 380); /* 300, two ticks, a packet */
	struct jbuf_stats now = stats();
	assert_in_range(now.discarded, 5, 12);
	assert_int_equal(now.lost + now.late, 0);
	assert_in_range(now.expanded_units, 160 * 9, 160 * 12); /* 200 ms; then silence */
	sim_run(&s, t0 + 13 * SECOND);
	assert_true(stats().delay_ms <= 60);
	assert_true(stats().target_ms <= 20); /* one stall is no reason for delay */
	sim_mark(&s);
	sim_run(&s, t0 + 39 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
}

/* Two minutes without a packet, whatever the timestamps did meanwhile: playing resumes within the start delay. */
static void an_outage_ends_with_the_next_packet(void **state)
{
	enum { RUNS_ON, STANDS, BOTH_JUMP, KINDS };

	for (int kind = 0; kind < KINDS; kind++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		for (int i = 0; i < 500; i++)
			sim_send(&s, &a, PATH);
		double resumed_at = a.at_us + 120 * SECOND;
		if (kind == RUNS_ON)
			for (int i = 0; i < 6000; i++)
				sim_send(&s, &a, -1);
		a.at_us = resumed_at;
		if (kind == BOTH_JUMP) {
			a.ts += 123456789;
			a.seq += 20000;
		}
		for (int i = 0; i < 500; i++)
			sim_send(&s, &a, PATH);
		sim_run(&s, (int64_t)resumed_at);
		assert_true(s.gap_ticks <= 11); /* 200 ms, then silence */
		sim_mark(&s);
		sim_run(&s, (int64_t)resumed_at + 120000);
		assert_true(s.decodes >= 2);
		sim_run(&s, t0 + 139 * SECOND);
		assert_int_equal(s.gap_ticks, 0);
		assert_true(s.max_delay_ms <= 60);
		assert_true(s.splices <= 2);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* Every way of losing: each packet that never came is counted once, and its time is filled exactly. */
static void loss_is_counted_exactly(void **state)
{
	for (int burst = 1; burst <= 4; burst++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);
		uint32_t runs = 0;

		for (int i = 0; i < 5000; i++) {
			bool is_lost = i > 100 && i < 4990 && (i / burst) % 17 == 3;

			runs += is_lost && i % burst == 0;
			sim_send(&s, &a, is_lost ? -1 : PATH + sim_uniform(&s, 6000));
		}
		sim_run(&s, t0 + 100 * SECOND + SECOND / 20);
		struct jbuf_stats now = stats();
		assert_int_equal(now.lost, a.lost);
		assert_in_range(now.loss_runs, runs, runs + 1); /* the first may begin amidst a burst */
		assert_int_equal(now.late + now.discarded, 0);
		assert_true(now.underruns <= 2);
		assert_in_range(now.concealed_units, a.lost * 160, a.lost * 160);
		assert_true(now.expanded_units <= now.underruns * 160);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

static void duplicates_and_reordering_do_not_disturb(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);
	uint32_t copies = 0, swapped = 0;

	for (int i = 0; i < 3000; i++) {
		bool is_behind = i % 10 == 7; /* 25 ms: behind the next one */
		const struct sim_packet *p = sim_send(&s, &a, PATH + (is_behind ? 25000 : 0));

		swapped += is_behind;
		for (int n = 0; n < i % 3; n++, copies++)
			sim_copy(&s, p, p->at_us + 1000 + n * 70000);
	}
	sim_run(&s, t0 + 10 * SECOND);
	sim_mark(&s);
	sim_run(&s, t0 + 59 * SECOND + SECOND * 9 / 10);
	assert_int_equal(s.gap_ticks, 0);
	sim_run(&s, t0 + 61 * SECOND);
	assert_int_equal(stats().duplicates, copies);
	assert_int_equal(stats().reordered, swapped);
	assert_int_equal(stats().lost + stats().discarded, 0);
	assert_int_equal(s.splices, 0);
}

/* RFC 3550 §5.1: pauses with silence suppression. No loss, nothing concealed but the tail, each spurt starts at the target. */
static void talk_spurts_start_at_the_target(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int spurt = 0; spurt < 20; spurt++) {
		for (int i = 0; i < 50; i++) {
			struct sim_packet *p = sim_send(&s, &a, PATH + sim_uniform(&s, 30000));

			p->p.marker = i == 0;
			if (i == 49)
				p->p.kind = spurt % 2 ? JBUF_NOISE : JBUF_AUDIO;
		}
		sim_pause(&a, 8000, 8000);
	}
	sim_run(&s, t0 + 20 * SECOND);
	sim_mark(&s);
	sim_run(&s, t0 + 40 * SECOND);
	struct jbuf_stats now = stats();
	assert_int_equal(now.lost + now.discarded + now.restarts, 0);
	assert_int_equal(s.splices, 10);
	assert_true(s.speech_stretches <= 8);
	assert_in_range(average_ms(), 25, 60);
	/* without comfort noise the end of a spurt looks like lateness for 200 ms; with it, it does not */
	assert_true(s.gap_ticks <= 5 * 11 + 2);
}

/* RFC 4733: events take numbers but have no audio; the audio around them is not lost. */
static void events_are_no_loss(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 1000; i++) {
		struct sim_packet *p = sim_send(&s, &a, PATH);

		if (i % 200 >= 100 && i % 200 < 110) {
			p->p.kind = JBUF_EVENT;
			p->p.ts = a.ts - (uint32_t)(i % 200 - 99) * 160;
		}
	}
	sim_run(&s, t0 + 19 * SECOND);
	assert_int_equal(stats().lost + stats().late + stats().discarded + stats().restarts, 0);
	assert_true(s.gap_ticks <= 5);
}

/* The packet size changes in the middle, both ways, and the numbers go on. */
static void packet_size_may_change(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);
	static const uint32_t sizes[] = {160, 480, 80, 960, 160};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		a.units = sizes[i];
		for (uint32_t n = 0; n < 80000 / sizes[i]; n++)
			sim_send(&s, &a, PATH + (int64_t)sizes[i] * 125); /* a packet is sent when its last sample is there */
	}
	sim_run(&s, t0 + 49 * SECOND);
	struct jbuf_stats now = stats();
	assert_int_equal(now.lost + now.late + now.discarded + now.restarts, 0);
	assert_true(s.gap_ticks <= 12);
	assert_true(s.max_delay_ms <= 200);
}

/* The SSRC changes (a PBX bridges, media goes direct), with and without overlap: what was heard stays, the rest follows at once. */
static void source_change_is_seamless(void **state)
{
	for (int overlap = 0; overlap < 2; overlap++) {
		struct sim_sender a, b;
		int64_t t0 = begin(8000, 160, &a);

		for (int i = 0; i < 500; i++)
			sim_send(&s, &a, PATH + sim_uniform(&s, 5000));
		b = (struct sim_sender){.ssrc = 0x9999, .units = 160, .seq = 17, .ts = 42, .at_us = a.at_us};
		b.sent = a.sent; /* the order goes on */
		for (int i = 0; i < 500; i++)
			sim_send(&s, &b, PATH + 30000);
		for (int i = 0; overlap && i < 10; i++) /* stragglers: after the second packet of the new one */
			sim_send(&s, &a, PATH + 51000);
		sim_run(&s, t0 + 19 * SECOND);
		struct jbuf_stats now = stats();
		assert_int_equal(now.lost + now.late, 0);
		assert_int_equal(now.discarded, overlap ? 10 : 0);
		assert_int_equal(now.restarts, 1);
		assert_true(s.gap_ticks <= 6);
		assert_int_equal(s.splices, 2);
		assert_true(now.delay_ms <= 60);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* Packets of strangers' SSRCs, one at a time: none of them is believed, and nothing is missing. */
static void a_stray_packet_of_another_source_changes_nothing(void **state)
{
	struct sim_sender a, stray;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 500; i++) {
		sim_send(&s, &a, PATH + sim_uniform(&s, 5000));
		if (i % 50 == 25) {
			stray = (struct sim_sender){.ssrc = 0x777 + (uint32_t)i, .units = 160, .seq = (uint16_t)(i * 999), .at_us = a.at_us};
			sim_send(&s, &stray, PATH + 7000);
		}
	}
	sim_run(&s, t0 + 9 * SECOND);
	struct jbuf_stats now = stats();
	assert_int_equal(now.lost + now.late, 0);
	assert_int_equal(now.restarts, 0);
	assert_int_equal(now.discarded, 9); /* the last comes later */
	assert_int_equal(s.splices, 1);
	assert_true(s.gap_ticks <= 2);
}

/* The speaker was silent when the source changed: the new one starts at the target, not in the middle of its jitter. */
static void source_change_in_silence_is_a_talk_spurt(void **state)
{
	struct sim_sender a, b;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 500; i++) {
		struct sim_packet *p = sim_send(&s, &a, PATH + sim_uniform(&s, 40000));

		if (i == 499)
			p->p.kind = JBUF_NOISE;
	}
	b = (struct sim_sender){.ssrc = 7, .units = 160, .seq = 9, .ts = 77, .at_us = a.at_us + 300000, .sent = a.sent};
	for (int i = 0; i < 500; i++)
		sim_send(&s, &b, PATH + (i < 3 ? i * 15000 : sim_uniform(&s, 40000)));
	sim_run(&s, t0 + 10 * SECOND);
	sim_mark(&s);
	sim_run(&s, t0 + 19 * SECOND);
	assert_int_equal(s.gap_ticks, 0);
	assert_int_equal(stats().lost + stats().late + stats().discarded, 0);
}

/* Timestamps jump by any amount while the numbers go on: no gap, no wait. */
static void timestamp_reset_does_not_stop_playing(void **state)
{
	static const uint32_t jumps[] = {0x80000000, 1000000, 0u - 1000000, 0x7fffffff, 0u - 160};

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		for (int n = 0; n < 500; n++)
			sim_send(&s, &a, PATH);
		a.ts += jumps[i];
		for (int n = 0; n < 500; n++)
			sim_send(&s, &a, PATH);
		sim_run(&s, t0 + 19 * SECOND);
		assert_true(s.gap_ticks <= 2);
		assert_int_equal(stats().restarts, 1);
		assert_int_equal(stats().lost + stats().late + stats().discarded, 0);
		assert_true(stats().delay_ms <= 60);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* RFC 3550 Appendix A.1: a stray number does not move anything, two in sequence are a restart. */
static void sequence_restart_needs_two(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 500; i++) {
		struct sim_packet *p = sim_send(&s, &a, PATH);

		if (i == 250)
			p->p.seq = (uint16_t)(p->p.seq + 30000);
	}
	a.seq = (uint16_t)(a.seq + 30000);
	a.ts += 0x40000000;
	for (int i = 0; i < 500; i++)
		sim_send(&s, &a, PATH);
	sim_run(&s, t0 + 19 * SECOND);
	assert_int_equal(stats().restarts, 1);
	assert_int_equal(stats().discarded, 2);
	assert_int_equal(stats().lost, 1); /* the stray one's own number; what came before the restart belongs to no line */
	assert_true(s.gap_ticks <= 4);
}

/* The whole path becomes slower for good, within and beyond the greatest delay. */
static void a_slower_path_is_accepted(void **state)
{
	static const int64_t steps[] = {80000, 280000, 600000, 1500000};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct sim_sender a;
		int64_t t0 = begin(8000, 160, &a);

		for (int n = 0; n < 2000; n++)
			sim_send(&s, &a, PATH + (n >= 500 ? steps[i] : 0));
		sim_run(&s, t0 + 13 * SECOND); /* it arrives at 10 s, or 1.5 s later, and is known for a path after a second */
		sim_mark(&s);
		sim_run(&s, t0 + 20 * SECOND);
		assert_true(s.gap_ticks <= 2);
		sim_mark(&s);
		sim_run(&s, t0 + 39 * SECOND);
		assert_int_equal(s.gap_ticks, 0);
		assert_true(s.max_delay_ms <= 60);
		assert_int_equal(stats().discarded, 0);
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

/* The bounds hold whatever the network does. */
static void target_stays_within_its_bounds(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	assert_int_equal(jbuf_reset(s.jb, &(struct jbuf_params){.clock_hz = 8000, .tick_units = 160, .min_ms = 60, .max_ms = 120}),
			 0);
	for (int i = 0; i < 2000; i++)
		sim_send(&s, &a, PATH + (i < 1000 ? 0 : sim_exponential(&s, 100000)));
	sim_run(&s, t0 + 10 * SECOND);
	assert_in_range(stats().target_ms, 60, 61);
	for (int i = 10; i < 39; i++) {
		sim_run(&s, t0 + i * SECOND);
		assert_in_range(stats().target_ms, 60, 140); /* 120 above the fastest of the last second */
		assert_true(stats().delay_ms <= 230);
	}
}

static void wrong_parameters_are_refused(void **state)
{
	static const struct jbuf_params bad[] = {
		{.clock_hz = 0, .tick_units = 160},
		{.clock_hz = 8000, .tick_units = 0},
		{.clock_hz = 8000, .tick_units = 8000},
		{.clock_hz = 8000, .tick_units = 160, .min_ms = 400},
		{.clock_hz = 8000, .tick_units = 160, .start_ms = 500},
		{.clock_hz = 8000, .tick_units = 160, .max_ms = 100000},
		{.clock_hz = 8000, .tick_units = 160, .pool_bytes = 100},
	};
	struct sim_sender a;
	struct jbuf *jb = NULL;

	begin(8000, 160, &a);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(jbuf_new(&jb, &bad[i]), -EINVAL);
	assert_null(jb);
	assert_null(jbuf_free(NULL));
}

/* Big payloads displace the oldest, never more than needed, and the count is right. */
static void a_full_pool_displaces_the_oldest(void **state)
{
	static uint8_t payload[1400];
	struct sim_sender a;
	struct jbuf_out out;

	begin(48000, 960, &a);
	for (uint16_t i = 0; i < 100; i++) {
		payload[0] = (uint8_t)i;
		struct jbuf_packet p = {.seq = i, .ts = i * 960u, .ssrc = 1, .units = 960, .len = 1400, .payload = payload};

		assert_int_equal(jbuf_put(s.jb, &p, s.now_us + i), JBUF_STORED);
		sim_check_balance(&s);
	}
	assert_in_range(stats().buffered, 9, 11);
	int first = 100 - (int)stats().buffered;
	for (int i = first; i < 100; i++) {
		jbuf_get(s.jb, s.now_us + 60000, 0, &out);
		assert_int_equal(out.op, JBUF_DECODE);
		assert_int_equal(out.payload[0], i);
	}
	assert_int_equal(stats().lost, 0);
}

static void flush_forgets_the_packets_and_keeps_the_counters(void **state)
{
	struct sim_sender a;
	int64_t t0 = begin(8000, 160, &a);

	for (int i = 0; i < 200; i++)
		sim_send(&s, &a, PATH + 100 * (i % 7));
	sim_run(&s, t0 + SECOND);
	uint64_t received = stats().received;
	jbuf_flush(s.jb);
	assert_int_equal(stats().buffered, 0);
	assert_int_equal(stats().received, received);
	sim_check_balance(&s);
	sim_run(&s, t0 + 4 * SECOND);
	assert_int_equal(stats().lost, 0);
	assert_true(s.decodes > 180);
}

/* The packet behind a hole comes along, for codecs that carry the one before it (Opus FEC, RFC 6716 §2.1.7). */
static void concealment_offers_the_next_packet(void **state)
{
	struct sim_sender a;
	struct jbuf_out out;
	uint8_t payload[4] = {0};

	begin(48000, 960, &a);
	for (uint16_t i = 0; i < 6; i++) {
		payload[0] = (uint8_t)i;
		struct jbuf_packet p = {.seq = i, .ts = i * 960u, .ssrc = 1, .units = 960, .len = 4, .payload = payload};

		if (i != 2)
			jbuf_put(s.jb, &p, s.now_us + i * 20000);
	}
	for (int i = 0; i < 5; i++) {
		jbuf_get(s.jb, s.now_us + 45000 + i * 20000, 0, &out);
		assert_int_equal(out.op, i == 2 ? JBUF_CONCEAL : JBUF_DECODE);
		assert_int_equal(out.payload[0], i == 2 ? 3 : i);
		assert_int_equal(out.units, 960);
	}
}

/* Any network at all, by chance: what the simulation checks holds, and the accounts balance with the script. */
static void any_network_keeps_the_accounts(void **state)
{
	uint64_t seed = test_seed();

	for (int round = 0; round < 150; round++) {
		static const uint32_t sizes[] = {80, 160, 240, 320, 480, 960};
		struct sim_sender a;
		uint32_t copies = 0;
		int64_t t0 = begin(8000, sizes[prng_u32(&seed) % ARRAY_LEN(sizes)], &a);
		uint32_t loss = prng_u32(&seed) % 20, copy = prng_u32(&seed) % 10;
		int64_t jitter = 1 + prng_u32(&seed) % 100000, stall = 0;
		bool is_reordering = prng_u32(&seed) % 2;

		s.seed = seed;
		s.is_quiet = prng_u32(&seed) % 3 == 0;
		a.clock = 0.9995 + prng_u32(&seed) % 1000 * 1e-6;
		for (int i = 0; i < 800; i++) {
			int64_t step = (int64_t)a.units * 125;

			stall = prng_u32(&seed) % 200 == 0 ? sim_uniform(&s, 400000) : MAX(stall - step, 0);
			int64_t delay = PATH + stall + sim_uniform(&s, is_reordering ? jitter : MIN(jitter, step));
			const struct sim_packet *p = sim_send(&s, &a, prng_u32(&seed) % 100 < loss ? -1 : delay);
			if (p && prng_u32(&seed) % 100 < copy) {
				sim_copy(&s, p, p->at_us + sim_uniform(&s, 50000));
				copies++;
			}
		}
		sim_run(&s, (int64_t)a.at_us + 3 * SECOND);
		struct jbuf_stats now = stats();
		assert_int_equal(now.received, a.sent - a.lost + copies);
		assert_int_equal(now.duplicates, copies);
		assert_int_equal(now.buffered, 0);
		/* what is lost at the very end nobody can know; before the first packet neither */
		assert_true(now.lost <= a.lost && now.lost + 20 >= a.lost);
		assert_true(now.max_delay_ms <= 2 * 300 + 200);
		(void)t0;
		sim_done(&s);
	}
	struct sim_sender a;
	begin(8000, 160, &a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_perfect_network_costs_almost_no_delay, teardown),
		cmocka_unit_test_teardown(every_packet_size_plays_through, teardown),
		cmocka_unit_test_teardown(one_millisecond_packets_play_through, teardown),
		cmocka_unit_test_teardown(delay_settles_above_the_jitter, teardown),
		cmocka_unit_test_teardown(grows_fast_and_shrinks_slowly, teardown),
		cmocka_unit_test_teardown(clock_drift_is_taken_back_without_a_glitch, teardown),
		cmocka_unit_test_teardown(clock_drift_fits_into_silence, teardown),
		cmocka_unit_test_teardown(repeated_spikes_are_learnt, teardown),
		cmocka_unit_test_teardown(a_stall_and_its_flood_are_caught_up, teardown),
		cmocka_unit_test_teardown(an_outage_ends_with_the_next_packet, teardown),
		cmocka_unit_test_teardown(loss_is_counted_exactly, teardown),
		cmocka_unit_test_teardown(duplicates_and_reordering_do_not_disturb, teardown),
		cmocka_unit_test_teardown(talk_spurts_start_at_the_target, teardown),
		cmocka_unit_test_teardown(events_are_no_loss, teardown),
		cmocka_unit_test_teardown(packet_size_may_change, teardown),
		cmocka_unit_test_teardown(source_change_is_seamless, teardown),
		cmocka_unit_test_teardown(a_stray_packet_of_another_source_changes_nothing, teardown),
		cmocka_unit_test_teardown(source_change_in_silence_is_a_talk_spurt, teardown),
		cmocka_unit_test_teardown(timestamp_reset_does_not_stop_playing, teardown),
		cmocka_unit_test_teardown(sequence_restart_needs_two, teardown),
		cmocka_unit_test_teardown(a_slower_path_is_accepted, teardown),
		cmocka_unit_test_teardown(target_stays_within_its_bounds, teardown),
		cmocka_unit_test_teardown(wrong_parameters_are_refused, teardown),
		cmocka_unit_test_teardown(a_full_pool_displaces_the_oldest, teardown),
		cmocka_unit_test_teardown(flush_forgets_the_packets_and_keeps_the_counters, teardown),
		cmocka_unit_test_teardown(concealment_offers_the_next_packet, teardown),
		cmocka_unit_test_teardown(any_network_keeps_the_accounts, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
