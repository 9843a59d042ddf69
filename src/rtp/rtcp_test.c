/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/rtcp.h"

static const struct rtcp_block block = {
	.ssrc = 0x11223344, .fraction = 12, .lost = -3, .highest_seq = 0x0001ffff, .jitter = 77, .lsr = 0xaabbccdd, .dlsr = 65536};
static const struct rtcp_sender sender = {.ntp = UINT64_C(0x83aa7e8000000001), .ts = 4711, .packets = 100, .octets = 16000};

/* RFC 3550 §6.1, §6.4.1, §6.5, §6.6: what is written reads back, as one compound. */
static void a_report_survives_writing(void **state)
{
	uint8_t buf[512];
	size_t n;
	struct rtcp_compound c;
	struct rtcp_report r = {.ssrc = 0x55667788, .sender = &sender, .blocks = &block, .block_count = 1,
				.cname = SPAN_LIT("user@host"), .is_bye = true};

	for (size_t len = 0; len < 12; len++) { /* every padding of the chunk */
		r.cname = span("user@host.xx", len);
		assert_int_equal(rtcp_write(&r, buf, sizeof(buf), &n), 0);
		assert_int_equal(n % 4, 0);
		assert_int_equal(rtcp_parse(buf, n, &c), 0);
		assert_int_equal(c.ssrc, r.ssrc);
		assert_true(c.has_sender && !c.is_reduced);
		assert_int_equal(c.sender.ntp, sender.ntp);
		assert_int_equal(c.sender.octets, 16000);
		assert_int_equal(c.block_count, 1);
		assert_memory_equal(&c.blocks[0], &block, sizeof(block));
		assert_int_equal(c.cname.n, len);
		assert_memory_equal(c.cname.p, r.cname.p, len);
		assert_int_equal(c.bye_count, 1);
		assert_int_equal(c.byes[0], r.ssrc);
		assert_int_equal(c.skipped, 0);
	}
	size_t need = n;
	assert_int_equal(rtcp_write(&r, buf, need - 1, &n), -TR_ETOOBIG);
	assert_int_equal(rtcp_write(&r, buf, need, &n), 0);
}

/* RFC 3550 §6.4.2: nothing sent, so an RR; Appendix A.3: the count of losses is clamped to 24 bits. */
static void a_receiver_report_has_no_sender(void **state)
{
	struct rtcp_block b = block;
	struct rtcp_report r = {.ssrc = 1, .blocks = &b, .block_count = 1, .cname = SPAN_LIT("x")};
	struct rtcp_compound c;
	uint8_t buf[128];
	size_t n;

	b.lost = 0x1000000;
	assert_int_equal(rtcp_write(&r, buf, sizeof(buf), &n), 0);
	assert_int_equal(buf[1], 201);
	assert_int_equal(rtcp_parse(buf, n, &c), 0);
	assert_false(c.has_sender);
	assert_int_equal(c.blocks[0].lost, 0x7fffff);
	b.lost = -0x1000000;
	assert_int_equal(rtcp_write(&r, buf, sizeof(buf), &n), 0);
	assert_int_equal(rtcp_parse(buf, n, &c), 0);
	assert_int_equal(c.blocks[0].lost, -0x800000);
}

/* RFC 3611 §4.7 behind an RR, as desk phones send at the end of a call; an unknown block before it is passed over. */
static void voip_metrics_are_read(void **state)
{
	static const uint8_t bytes[] = {
		0x80, 201, 0, 1, 0, 0, 0, 1,					      /* RR */
		0x80, 207, 0, 12, 0, 0, 0, 1,					      /* XR: 13 words */
		4, 0, 0, 1, 9, 9, 9, 9,						      /* a block of type 4 */
		7, 0, 0, 8, 0, 0, 0, 2,						      /* VoIP metrics, 8 words */
		10, 20, 30, 40, 0, 100, 0, 200, 0, 50, 0, 60, 0xf0, 0xf1, 127, 16, 90, 127, 41, 40, 0x30, 0, 0, 80, 0, 120,
		0, 250,
	};
	struct rtcp_compound c;

	assert_int_equal(rtcp_parse(bytes, sizeof(bytes), &c), 0);
	assert_true(c.has_voip);
	assert_int_equal(c.voip.ssrc, 2);
	assert_int_equal(c.voip.loss_rate, 10);
	assert_int_equal(c.voip.burst_ms, 100);
	assert_int_equal(c.voip.rtt_ms, 50);
	assert_int_equal(c.voip.end_delay_ms, 60);
	assert_int_equal(c.voip.r_factor, 90);
	assert_int_equal(c.voip.mos_lq, 41);
	assert_int_equal(c.voip.jb_nominal_ms, 80);
	assert_int_equal(c.voip.jb_abs_max_ms, 250);
}

/* RFC 5506 §3.4.1: feedback alone is accepted and marked; RFC 3550 §6.1: unknown types are passed over. */
static void reduced_size_and_unknown_types_are_accepted(void **state)
{
	static const uint8_t bytes[] = {0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x81, 203, 0, 1, 0, 0, 0, 7};
	struct rtcp_compound c;

	assert_int_equal(rtcp_parse(bytes, sizeof(bytes), &c), 0);
	assert_true(c.is_reduced);
	assert_int_equal(c.skipped, 1);
	assert_int_equal(c.bye_count, 1);
	assert_int_equal(c.byes[0], 7);
}

static void bye_may_give_a_reason(void **state)
{
	static const uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 3, 0, 0, 0, 1, 6, 'h', 'u', 'n', 'g', 'u', 'p', 0};
	struct rtcp_compound c;

	assert_int_equal(rtcp_parse(bytes, sizeof(bytes), &c), 0);
	assert_true(c.has_reason);
	assert_span_equal(c.reason, "hungup");
}

static void broken_packets_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t n;
	} bad[] = {
		{{0x80, 201, 0}, 3},
		{{0x40, 201, 0, 1, 0, 0, 0, 1}, 8},			/* version */
		{{0x80, 201, 0, 2, 0, 0, 0, 1}, 8},			/* longer than it is */
		{{0x81, 201, 0, 1, 0, 0, 0, 1}, 8},			/* a block that is not there */
		{{0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 200, 0}, 11},	/* rest */
		{{0xa0, 201, 0, 1, 0, 0, 0, 0}, 8},			/* padding of 0 */
		{{0xa0, 201, 0, 1, 0, 0, 0, 8}, 8},			/* padding over the head */
		{{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 'a', 'b'}, 12},	/* item beyond the end */
		{{0x82, 203, 0, 1, 0, 0, 0, 1}, 8},			/* a BYE of two with one */
		{{0x80, 207, 0, 0}, 4},
	};
	struct rtcp_compound c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rtcp_parse(bad[i].bytes, bad[i].n, &c), -TR_EPARSE);
}

/* More blocks than are kept are counted, not refused. */
static void surplus_blocks_are_counted(void **state)
{
	static uint8_t bytes[1500];
	struct rtcp_compound c;
	size_t n = 0;

	for (int packet = 0; packet < 2; packet++) {
		bytes[n] = 0x80 | 20;
		bytes[n + 1] = 201;
		bytes[n + 3] = 1 + 20 * 6;
		n += 8 + 20 * 24;
	}
	assert_int_equal(rtcp_parse(bytes, n, &c), 0);
	assert_int_equal(c.block_count, LIMIT_RTCP_BLOCKS);
	assert_int_equal(c.skipped, 9);
}

/* RFC 3550 §4 and §6.4.1, the example of Figure 2: A = 0xb7108000, LSR = 0xb7052000, DLSR = 5.25 s: 6.125 s. */
static void round_trip_follows_the_rfcs_example(void **state)
{
	/* 0xb44db705:20000000 and 46853.125 s later than 0x....b710:8000 mean: seconds' low half and fraction's high half */
	int64_t wall_us = ((INT64_C(0xb44db710) - INT64_C(2208988800)) * 1000000) + 500000;
	struct rtcp_block b = {.lsr = 0xb7052000, .dlsr = 0x00054000};

	assert_int_equal(rtcp_ntp_mid(rtcp_ntp(wall_us)), 0xb7108000);
	assert_int_equal(rtcp_rtt_us(&b, wall_us), 6125000);
	b.lsr = 0;
	assert_int_equal(rtcp_rtt_us(&b, wall_us), -1);
	b = (struct rtcp_block){.lsr = 0xb7108000, .dlsr = 0x00100000}; /* answered before it was sent */
	assert_int_equal(rtcp_rtt_us(&b, wall_us), -1);
	b = (struct rtcp_block){.lsr = 0xb6008000, .dlsr = 1}; /* minutes */
	assert_int_equal(rtcp_rtt_us(&b, wall_us), -1);
}

/* RFC 3550 §6.3.1: 2.5 s at first and 5 s then, times 0.5 to 1.5, over 1.21828. */
static void interval_is_randomised_between_its_bounds(void **state)
{
	struct rtcp_timer t;

	rtcp_timer_init(&t, 64000, 0, 1000, 0);
	assert_int_equal(rtcp_timer_interval(&t, 0), 1026);
	assert_in_range(rtcp_timer_interval(&t, UINT32_MAX), 3075, 3079);
	assert_int_equal(t.next_at, 2026);
	assert_false(rtcp_timer_tick(&t, 2025, 0));
	assert_true(rtcp_timer_tick(&t, 2026, 0));
	assert_int_equal(rtcp_timer_interval(&t, 0), 2052);
	assert_in_range(rtcp_timer_interval(&t, UINT32_MAX), 6154, 6157);
}

/* §6.3.1 on average: senders of large sessions share a quarter of the bandwidth, receivers the rest. */
static void large_sessions_wait_longer(void **state)
{
	struct rtcp_timer t;

	rtcp_timer_init(&t, 64000, 0, 0, 0);
	assert_true(rtcp_timer_tick(&t, 10000, 0));
	for (int i = 0; i < 200; i++)
		rtcp_timer_size(&t, 72);
	rtcp_timer_members(&t, 1000, 10, 10000);
	t.is_sender = true;
	/* ten senders, 100 bytes each, 100 bytes a second: 10 s * 0.5 / 1.218 */
	assert_in_range(rtcp_timer_interval(&t, 0), 3900, 4200);
	t.is_sender = false;
	/* 990 receivers at 300 bytes a second: 330 s */
	assert_in_range(rtcp_timer_interval(&t, 0), 130000, 138000);
}

/* §6.3.6: the interval drawn at the time decides; §6.3.4: who stays does not wait for those who left. */
static void timer_reconsiders(void **state)
{
	struct rtcp_timer t;

	rtcp_timer_init(&t, 64000, 0, 0, 0);
	assert_false(rtcp_timer_tick(&t, t.next_at, UINT32_MAX)); /* a longer draw */
	assert_in_range(t.next_at, 3075, 3079);
	assert_true(rtcp_timer_tick(&t, t.next_at, 0));

	rtcp_timer_members(&t, 1000, 1, t.last_at);
	t.pmembers = 1000;
	msec_t now = t.last_at + 1000;
	t.next_at = now + 100000;
	rtcp_timer_members(&t, 10, 1, now);
	assert_int_equal(t.next_at, now + 1000);
	assert_int_equal(t.last_at, now - 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_survives_writing),
		cmocka_unit_test(a_receiver_report_has_no_sender),
		cmocka_unit_test(voip_metrics_are_read),
		cmocka_unit_test(reduced_size_and_unknown_types_are_accepted),
		cmocka_unit_test(bye_may_give_a_reason),
		cmocka_unit_test(broken_packets_are_refused),
		cmocka_unit_test(surplus_blocks_are_counted),
		cmocka_unit_test(round_trip_follows_the_rfcs_example),
		cmocka_unit_test(interval_is_randomised_between_its_bounds),
		cmocka_unit_test(large_sessions_wait_longer),
		cmocka_unit_test(timer_reconsiders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
