/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/seq.h"
#include <math.h>

static struct rtp_source source;

static struct rtp_packet packet(uint16_t seq, uint32_t ts)
{
	return (struct rtp_packet){.seq = seq, .ts = ts, .ssrc = 7};
}

static enum rtp_verdict recv_seq(uint16_t seq)
{
	struct rtp_packet p = packet(seq, seq * 160u);

	return rtp_source_recv(&source, &p, 1000000 + seq * INT64_C(20000));
}

/* RFC 3550 Appendix A.1: MIN_SEQUENTIAL packets in order make a source valid; one out of order begins again. */
static void probation_wants_packets_in_order(void **state)
{
	rtp_source_init(&source, 8000, 2);
	assert_int_equal(recv_seq(10), RTP_SEQ_PROBATION);
	assert_int_equal(recv_seq(12), RTP_SEQ_PROBATION);
	assert_int_equal(recv_seq(13), RTP_SEQ_OK);
	assert_int_equal(rtp_source_expected(&source), 1);

	rtp_source_init(&source, 8000, 0);
	assert_int_equal(recv_seq(10), RTP_SEQ_OK);
}

/* RFC 3550 Appendix A.1: the number wraps, the cycles count; A.3: losses are exact over it. */
static void numbers_wrap_into_cycles(void **state)
{
	rtp_source_init(&source, 8000, 1);
	for (uint32_t i = 0; i < 200000; i++) {
		uint16_t seq = (uint16_t)(65000 + i);

		if (i % 10 == 5)
			continue;
		struct rtp_packet p = packet(seq, i * 160);
		assert_int_equal(rtp_source_recv(&source, &p, i * INT64_C(20000)), RTP_SEQ_OK);
	}
	assert_int_equal(rtp_source_highest(&source), 65000 + 199999);
	assert_int_equal(rtp_source_expected(&source), 200000);
	assert_int_equal(rtp_source_lost(&source), 20000);
	assert_int_equal(source.restarts, 0);
}

static void duplicates_and_reordered_are_old(void **state)
{
	rtp_source_init(&source, 8000, 1);
	recv_seq(100);
	recv_seq(102);
	assert_int_equal(recv_seq(101), RTP_SEQ_OLD);
	assert_int_equal(recv_seq(102), RTP_SEQ_OLD);
	assert_int_equal(rtp_source_lost(&source), -1); /* duplicates count as received, Appendix A.3 */
}

/* RFC 3550 Appendix A.1: one packet far away is dropped, two in sequence restart the source. */
static void a_jump_needs_confirmation(void **state)
{
	rtp_source_init(&source, 8000, 1);
	recv_seq(100);
	assert_int_equal(recv_seq(30000), RTP_SEQ_JUMP);
	assert_int_equal(recv_seq(101), RTP_SEQ_OK);
	assert_int_equal(recv_seq(30001), RTP_SEQ_JUMP); /* the stray one before is forgotten */
	assert_int_equal(recv_seq(30002), RTP_SEQ_RESTART);
	assert_int_equal(rtp_source_expected(&source), 1);
	assert_int_equal(recv_seq(30003), RTP_SEQ_OK);
}

/* One packet may be a stray; two in sequence are a new source. */
static void another_ssrc_is_another_source(void **state)
{
	struct rtp_packet p = packet(5000, 99);

	rtp_source_init(&source, 8000, 1);
	recv_seq(100);
	p.ssrc = 8;
	assert_int_equal(rtp_source_recv(&source, &p, 1000000), RTP_SEQ_JUMP);
	assert_int_equal(recv_seq(101), RTP_SEQ_OK); /* as if nothing had been */
	p.ssrc = 9;
	assert_int_equal(rtp_source_recv(&source, &p, 1000000), RTP_SEQ_JUMP);
	p.ssrc = 8;
	assert_int_equal(rtp_source_recv(&source, &p, 1000000), RTP_SEQ_JUMP); /* the one before was another */
	p.seq += 2; /* one is lost */
	assert_int_equal(rtp_source_recv(&source, &p, 1020000), RTP_SEQ_RESTART);
	assert_int_equal(source.ssrc, 8);
	assert_int_equal(source.restarts, 1);
	assert_int_equal(rtp_source_expected(&source), 1);
}

/* RFC 3550 Appendix A.3: fraction lost of each interval, in 256ths, never negative. */
static void fraction_lost_is_per_report(void **state)
{
	struct rtcp_block b;

	rtp_source_init(&source, 8000, 1);
	for (uint16_t i = 0; i < 100; i++)
		if (i % 4 != 3)
			recv_seq(i);
	rtp_source_report(&source, 0, &b);
	assert_int_equal(b.fraction, 24 * 256 / 99); /* 99 was never seen to be expected */
	assert_int_equal(b.lost, 24);
	assert_int_equal(b.highest_seq, 98);
	for (uint16_t i = 99; i < 199; i++)
		recv_seq(i);
	rtp_source_report(&source, 0, &b);
	assert_int_equal(b.fraction, 0);
	assert_int_equal(b.lost, 24);
	rtp_source_report(&source, 0, &b); /* nothing came: no division */
	assert_int_equal(b.fraction, 0);
}

/* RFC 3550 §6.4.1: LSR and DLSR are those of the last SR; zero before. */
static void report_answers_the_last_sender_report(void **state)
{
	struct rtcp_sender sr = {.ntp = UINT64_C(0x0102030405060708)};
	struct rtcp_block b;

	rtp_source_init(&source, 8000, 1);
	recv_seq(1);
	rtp_source_report(&source, 5000000, &b);
	assert_int_equal(b.lsr | b.dlsr, 0);
	rtp_source_sr(&source, &sr, 6000000);
	rtp_source_report(&source, 8500000, &b);
	assert_int_equal(b.lsr, 0x03040506);
	assert_int_equal(b.dlsr, 5 * 65536 / 2);
}

/* RFC 3550 §6.4.1 and Appendix A.8: J += (|D| - J) / 16, which for a D of +-5 ms in turn goes to 5 ms. */
static void jitter_converges_to_the_mean_difference(void **state)
{
	rtp_source_init(&source, 8000, 1);
	for (uint32_t i = 0; i < 500; i++) {
		struct rtp_packet p = packet((uint16_t)i, i * 160);

		rtp_source_recv(&source, &p, i * INT64_C(20000) + (i % 2) * 5000);
		if (i == 1)
			assert_in_range(rtp_source_jitter_us(&source), 5000 / 16 - 10, 5000 / 16 + 10);
	}
	assert_in_range(rtp_source_jitter_us(&source), 4900, 5000);

	struct rtcp_block b;
	rtp_source_report(&source, 0, &b);
	assert_in_range(b.jitter, 39, 40); /* of 8000 a second */
}

static void jitter_ignores_resets_and_events(void **state)
{
	rtp_source_init(&source, 8000, 1);
	for (uint32_t i = 0; i < 100; i++) {
		struct rtp_packet p = packet((uint16_t)i, i * 160 + (i >= 50 ? 0x30000000 : 0));

		if (i >= 20 && i < 30) /* RFC 4733: one timestamp for many packets */
			p.ts = 20 * 160;
		rtp_source_recv(&source, &p, i * INT64_C(20000));
	}
	assert_true(rtp_source_jitter_us(&source) < 1000);
}

/* Clock drift through 20 ms of jitter, all kinds of clocks. */
static void drift_is_seen_through_jitter(void **state)
{
	static const int ppms[] = {-500, -100, -20, 0, 20, 100, 500};
	uint64_t seed = test_seed();

	for (size_t n = 0; n < ARRAY_LEN(ppms); n++) {
		double ppm = 0;

		rtp_source_init(&source, 8000, 1);
		assert_false(rtp_source_drift_ppm(&source, &ppm));
		for (uint32_t i = 0; i < 6000; i++) {
			struct rtp_packet p = packet((uint16_t)i, i * 160);
			double sent_us = i * 20000.0 * (1 - ppms[n] * 1e-6);

			rtp_source_recv(&source, &p, 77777777 + (int64_t)sent_us + prng_u32(&seed) % 20000);
			if (i == 1500) {
				assert_true(rtp_source_drift_ppm(&source, &ppm));
				assert_true(fabs(ppm - ppms[n]) < 60);
			}
		}
		assert_true(rtp_source_drift_ppm(&source, &ppm));
		assert_true(fabs(ppm - ppms[n]) < 15);
	}
}

/* A path that becomes 300 ms slower is no drift. */
static void drift_starts_again_on_another_path(void **state)
{
	double ppm;

	rtp_source_init(&source, 8000, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		struct rtp_packet p = packet((uint16_t)i, i * 160);

		rtp_source_recv(&source, &p, 5 + i * INT64_C(20000) + (i > 1500 ? 300000 : 0));
	}
	assert_true(rtp_source_drift_ppm(&source, &ppm));
	assert_true(fabs(ppm) < 10);
}

/* Any packets at all: the accounts never contradict themselves. */
static void any_packets_keep_the_accounts(void **state)
{
	uint64_t seed = test_seed();

	for (int round = 0; round < 200; round++) {
		int64_t now = 0;
		uint32_t accepted = 0;
		uint16_t seq = 0;

		rtp_source_init(&source, 8000, (uint8_t)(prng_u32(&seed) % 4));
		for (int i = 0; i < 500; i++) {
			uint32_t dice = prng_u32(&seed) % 100;
			struct rtp_packet p = packet(0, prng_u32(&seed));

			seq = (uint16_t)(dice < 90 ? seq + 1u : dice < 95 ? seq - dice % 7 : prng_u32(&seed));
			p.seq = seq;
			now += prng_u32(&seed) % 40000;
			enum rtp_verdict v = rtp_source_recv(&source, &p, now);
			accepted = v == RTP_SEQ_RESTART ? 1 : accepted + (v == RTP_SEQ_OK || v == RTP_SEQ_OLD);
			assert_int_equal(source.received, accepted);
			if (v == RTP_SEQ_OK || v == RTP_SEQ_RESTART)
				assert_int_equal((uint16_t)rtp_source_highest(&source), seq);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probation_wants_packets_in_order),
		cmocka_unit_test(numbers_wrap_into_cycles),
		cmocka_unit_test(duplicates_and_reordered_are_old),
		cmocka_unit_test(a_jump_needs_confirmation),
		cmocka_unit_test(another_ssrc_is_another_source),
		cmocka_unit_test(fraction_lost_is_per_report),
		cmocka_unit_test(report_answers_the_last_sender_report),
		cmocka_unit_test(jitter_converges_to_the_mean_difference),
		cmocka_unit_test(jitter_ignores_resets_and_events),
		cmocka_unit_test(drift_is_seen_through_jitter),
		cmocka_unit_test(drift_starts_again_on_another_path),
		cmocka_unit_test(any_packets_keep_the_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
