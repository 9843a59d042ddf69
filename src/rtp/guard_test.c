/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/guard.h"

static struct rtp_guard guard;
static struct addr none, sdp, nat, peer, other, evil;

static struct addr address(const char *text)
{
	struct addr a = {0};

	assert_true(addr_parse(span_z(text), 5004, &a));

	return a;
}

static int setup(void **state)
{
	none = (struct addr){0};
	sdp = address("10.0.0.5:4000");
	nat = address("203.0.113.9:61000");
	peer = address("203.0.113.9:5060");
	other = address("198.51.100.20:9000");
	evil = address("192.0.2.66:1");
	rtp_guard_init(&guard, &(struct rtp_guard_params){0});
	rtp_guard_signal(&guard, &sdp, &peer, 0);

	return 0;
}

/* count packets of a stream, 20 ms apart; the verdict of the last. */
static enum rtp_guard_verdict hear(const struct addr *from, uint32_t ssrc, uint16_t seq, int count, msec_t at)
{
	enum rtp_guard_verdict v = RTP_GUARD_REJECT;

	for (int i = 0; i < count; i++) {
		struct rtp_packet p = {.ssrc = ssrc, .seq = (uint16_t)(seq + i)};

		v = rtp_guard_recv(&guard, from, &p, at + i * 20);
	}

	return v;
}

#define assert_remote(a) assert_true(addr_eq(rtp_guard_remote(&guard), &(a)))

static void the_signalled_source_is_believed_at_once(void **state)
{
	assert_remote(sdp);
	assert_int_equal(hear(&sdp, 1, 100, 1, 0), RTP_GUARD_ACCEPT);
	assert_remote(sdp);
	assert_int_equal(guard.latches, 0);
}

/* Behind NAT: the signalling host at another port, after three consecutive packets. */
static void nat_is_learnt_from_consecutive_packets(void **state)
{
	assert_int_equal(hear(&nat, 1, 100, 2, 0), RTP_GUARD_REJECT);
	assert_remote(sdp);
	assert_int_equal(hear(&nat, 1, 102, 1, 40), RTP_GUARD_LATCH);
	assert_remote(nat);
	assert_int_equal(hear(&nat, 1, 103, 1, 60), RTP_GUARD_ACCEPT);
	assert_int_equal(guard.latches, 1);
}

static void random_packets_prove_nothing(void **state)
{
	for (uint16_t i = 0; i < 200; i++)
		assert_int_equal(hear(&nat, i, (uint16_t)(i * 7919), 1, i), RTP_GUARD_REJECT);
	for (uint16_t i = 0; i < 200; i++) /* the same packet again and again */
		assert_int_equal(hear(&nat, 5, 1, 1, 1000 + i), RTP_GUARD_REJECT);
}

/* RTPbleed: somebody sprays packets at our ports, before, during and after the real source. */
static void strangers_never_take_a_living_call(void **state)
{
	assert_int_equal(hear(&evil, 666, 1, 40, 0), RTP_GUARD_REJECT); /* within the first second */
	assert_int_equal(hear(&nat, 1, 100, 3, 800), RTP_GUARD_LATCH);
	for (int i = 0; i < 3000; i++) {
		hear(&nat, 1, (uint16_t)(103 + i), 1, 860 + i * 20);
		assert_int_equal(hear(&evil, 666, (uint16_t)(41 + i), 1, 865 + i * 20), RTP_GUARD_REJECT);
		assert_int_equal(hear(&evil, 1, (uint16_t)(104 + i), 1, 866 + i * 20), RTP_GUARD_REJECT); /* knows the SSRC */
	}
	assert_remote(nat);
	assert_int_equal(guard.latches, 1);
	assert_true(guard.strangers >= 6000);
}

/* A stranger that won since nobody else was heard gives way to the one that was announced. */
static void the_better_source_replaces_the_worse(void **state)
{
	assert_int_equal(hear(&other, 9, 1, 60, 0), RTP_GUARD_ACCEPT); /* after a second of nothing better */
	assert_remote(other);
	assert_int_equal(hear(&nat, 1, 100, 3, 2000), RTP_GUARD_LATCH);
	assert_int_equal(hear(&sdp, 2, 7, 3, 3000), RTP_GUARD_LATCH);
	assert_int_equal(hear(&nat, 1, 200, 50, 3100), RTP_GUARD_REJECT);
	assert_remote(sdp);
}

static void strict_refuses_strangers_for_ever(void **state)
{
	rtp_guard_init(&guard, &(struct rtp_guard_params){.is_strict = true});
	rtp_guard_signal(&guard, &sdp, &peer, 0);
	assert_int_equal(hear(&other, 9, 1, 2000, 0), RTP_GUARD_REJECT);
	assert_int_equal(hear(&nat, 1, 1, 3, 0), RTP_GUARD_LATCH);
}

/* A NAT that rebinds: the same stream from another port or even another host, after half a second of silence. */
static void a_stream_may_go_on_elsewhere(void **state)
{
	hear(&nat, 1, 100, 50, 0);
	assert_remote(nat);
	assert_int_equal(hear(&other, 1, 150, 10, 1000), RTP_GUARD_REJECT);
	assert_int_equal(hear(&other, 1, 160, 25, 1200), RTP_GUARD_ACCEPT); /* latched at 1480 */
	assert_remote(other);
	assert_int_equal(guard.latches, 2);
}

static void a_stranger_with_another_stream_may_not(void **state)
{
	hear(&nat, 1, 100, 50, 0);
	assert_int_equal(hear(&other, 2, 150, 400, 1000), RTP_GUARD_REJECT); /* eight seconds */
	assert_remote(nat);
	assert_int_equal(hear(&other, 2, 550, 200, 9000), RTP_GUARD_ACCEPT); /* dead after ten */
	assert_remote(other);
}

/* Nor one stranger from another: whoever won for want of better is not given up for the next who tries. */
static void a_stranger_does_not_follow_a_stranger(void **state)
{
	assert_int_equal(hear(&other, 9, 1, 60, 0), RTP_GUARD_ACCEPT);
	assert_int_equal(hear(&evil, 666, 1, 300, 2000), RTP_GUARD_REJECT);
	assert_remote(other);
}

/* A re-INVITE moves the media: the old source is heard until the new one comes, then no more. */
static void reinvite_moves_and_overlaps(void **state)
{
	hear(&nat, 1, 100, 50, 0);
	rtp_guard_signal(&guard, &other, &peer, 1000);
	assert_remote(other);
	assert_int_equal(hear(&nat, 1, 150, 5, 1010), RTP_GUARD_ACCEPT);
	assert_int_equal(hear(&other, 3, 9, 3, 1100), RTP_GUARD_ACCEPT);
	assert_int_equal(hear(&nat, 1, 155, 5, 1200), RTP_GUARD_REJECT);
	assert_remote(other);
}

/* Session refreshes repeat the private address: what was learnt stays. */
static void repeated_sdp_changes_nothing(void **state)
{
	hear(&nat, 1, 100, 50, 0);
	rtp_guard_signal(&guard, &sdp, &peer, 1000);
	assert_remote(nat);
	assert_int_equal(hear(&nat, 1, 150, 1, 1010), RTP_GUARD_ACCEPT);

	struct addr private = address("10.0.0.5:4002"); /* another private port: still behind NAT */
	rtp_guard_signal(&guard, &private, &peer, 2000);
	assert_remote(nat);
	struct addr moved = address("203.0.113.9:61002");
	assert_int_equal(hear(&moved, 2, 1, 3, 2010), RTP_GUARD_LATCH);
	assert_remote(moved);
}

/* RFC 3264 §8.4: hold with an address of zeros does not send us there. */
static void hold_keeps_the_remote(void **state)
{
	struct addr zero = address("0.0.0.0:4000");

	hear(&sdp, 1, 100, 50, 0);
	rtp_guard_signal(&guard, &zero, &peer, 1000);
	assert_remote(sdp);
}

static void many_strangers_do_not_crowd_out_the_real_source(void **state)
{
	for (int i = 0; i < 300; i++) {
		for (uint16_t port = 1; port <= 20; port++) {
			struct addr a = evil;

			addr_set_port(&a, (uint16_t)(1000 + port * 7 + i));
			hear(&a, port, (uint16_t)i, 1, i * 20);
		}
		if (i >= 10 && i < 13)
			assert_int_equal(hear(&nat, 1, (uint16_t)i, 1, i * 20),
					 i == 12 ? RTP_GUARD_LATCH : RTP_GUARD_REJECT);
		else if (i >= 13)
			assert_int_equal(hear(&nat, 1, (uint16_t)i, 1, i * 20), RTP_GUARD_ACCEPT);
	}
	assert_remote(nat);
}

static void rtcp_comes_from_the_host(void **state)
{
	struct addr rtcp = address("203.0.113.9:61001");

	assert_true(rtp_guard_is_rtcp_ok(&guard, &rtcp)); /* the signalling host */
	assert_false(rtp_guard_is_rtcp_ok(&guard, &evil));
	hear(&nat, 1, 100, 3, 0);
	assert_true(rtp_guard_is_rtcp_ok(&guard, &rtcp));
	assert_false(rtp_guard_is_rtcp_ok(&guard, &evil));
}

/* Nothing signalled (a delayed offer): the signalling host is near, others have to wait. */
static void nothing_signalled_still_learns(void **state)
{
	rtp_guard_init(&guard, &(struct rtp_guard_params){0});
	rtp_guard_signal(&guard, &none, &peer, 0);
	assert_false(addr_is_set(rtp_guard_remote(&guard)));
	assert_int_equal(hear(&evil, 1, 1, 10, 0), RTP_GUARD_REJECT);
	assert_int_equal(hear(&nat, 1, 1, 3, 0), RTP_GUARD_LATCH);
	assert_remote(nat);
}

/* The key is proof enough: one packet, whatever its source; but not one that was overtaken. */
static void a_proven_source_is_followed_at_once(void **state)
{
	struct rtp_packet p = {.ssrc = 1, .seq = 100};

	assert_int_equal(rtp_guard_proven(&guard, &other, &p, 0), RTP_GUARD_LATCH);
	assert_remote(other);
	p.seq = 101;
	assert_int_equal(rtp_guard_proven(&guard, &nat, &p, 20), RTP_GUARD_LATCH);
	assert_remote(nat);
	p.seq = 100;
	assert_int_equal(rtp_guard_proven(&guard, &other, &p, 25), RTP_GUARD_ACCEPT);
	assert_remote(nat);
	assert_int_equal(hear(&evil, 1, 200, 5, 40), RTP_GUARD_REJECT);
	assert_remote(nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_proven_source_is_followed_at_once, setup),
		cmocka_unit_test_setup(the_signalled_source_is_believed_at_once, setup),
		cmocka_unit_test_setup(nat_is_learnt_from_consecutive_packets, setup),
		cmocka_unit_test_setup(random_packets_prove_nothing, setup),
		cmocka_unit_test_setup(strangers_never_take_a_living_call, setup),
		cmocka_unit_test_setup(the_better_source_replaces_the_worse, setup),
		cmocka_unit_test_setup(strict_refuses_strangers_for_ever, setup),
		cmocka_unit_test_setup(a_stream_may_go_on_elsewhere, setup),
		cmocka_unit_test_setup(a_stranger_with_another_stream_may_not, setup),
		cmocka_unit_test_setup(a_stranger_does_not_follow_a_stranger, setup),
		cmocka_unit_test_setup(reinvite_moves_and_overlaps, setup),
		cmocka_unit_test_setup(repeated_sdp_changes_nothing, setup),
		cmocka_unit_test_setup(hold_keeps_the_remote, setup),
		cmocka_unit_test_setup(many_strangers_do_not_crowd_out_the_real_source, setup),
		cmocka_unit_test_setup(rtcp_comes_from_the_host, setup),
		cmocka_unit_test_setup(nothing_signalled_still_learns, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
