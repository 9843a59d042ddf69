/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "call/diagnose.h"

static struct call_facts f;
static struct call_finding found[CALL_FINDINGS];

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(span_z(text), 0, &a));

	return a;
}

/* A call of ten seconds with audio both ways. */
static int good_call(void **state)
{
	f = (struct call_facts){.answered_for_ms = 10000, .wants_rx = true, .wants_tx = true, .said = addr("203.0.113.5:10000"),
		.heard = addr("203.0.113.5:10000"), .signalling = addr("203.0.113.5:5060"), .announced = addr("198.51.100.2:12000"),
		.first_rx_ms = 40, .rx_packets = 500, .tx_packets = 500, .has_rtcp = true, .peer_reports = 2, .rtt_ms = 30, .mos = 4.3F};

	return 0;
}

static size_t look(void)
{
	return call_diagnose(&f, found);
}

static void silence_in(void)
{
	f.first_rx_ms = -1;
	f.rx_packets = 0;
	f.heard = (struct addr){0};
	f.silent_ms = f.answered_for_ms = 3000;
	f.has_rtcp = false;
	f.peer_reports = 0;
}

static void a_good_call_has_no_findings(void **state)
{
	assert_int_equal(look(), 0);
}

static void a_firewall_is_suspected(void **state)
{
	silence_in();
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_NO_AUDIO_IN);
	assert_non_null(strstr(found[0].text, "firewall"));
	assert_non_null(strstr(found[0].remedy, "203.0.113.5:10000"));
	assert_int_equal(found[0].cure, CALL_CURE_NONE);
}

static void our_private_address_is_named(void **state)
{
	silence_in();
	f.announced = addr("192.168.1.7:12000");
	assert_int_equal(look(), 1);
	assert_non_null(strstr(found[0].text, "192.168.1.7:12000"));
	assert_non_null(strstr(found[0].remedy, "media.address"));
}

static void their_private_address_is_named_and_cured(void **state)
{
	silence_in();
	f.said = addr("10.0.0.9:4000");
	assert_int_equal(look(), 1);
	assert_non_null(strstr(found[0].text, "10.0.0.9:4000"));
	assert_int_equal(found[0].cure, CALL_CURE_SWITCH);
	f.is_switched = true;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].cure, CALL_CURE_REINVITE);
}

/* In one network private addresses are the usual thing. */
static void neighbours_are_not_suspected(void **state)
{
	silence_in();
	f.said = addr("10.0.0.9:4000");
	f.signalling = addr("10.0.0.1:5060");
	f.announced = addr("10.0.0.2:4000");
	assert_int_equal(look(), 1);
	assert_non_null(strstr(found[0].text, "firewall"));
}

static void hold_is_no_fault(void **state)
{
	silence_in();
	f.wants_rx = false;
	assert_int_equal(look(), 0);
}

static void packets_of_others_are_told_apart(void **state)
{
	silence_in();
	f.rx_refused = 150;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_AUDIO_REFUSED);
	f.rx_refused = 0;
	f.rx_packets = f.rx_invalid = 150;
	f.first_rx_ms = 10;
	f.silent_ms = 0;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_AUDIO_INVALID);
	assert_non_null(strstr(found[0].remedy, "SRTP"));
}

static void audio_that_stops_is_dated(void **state)
{
	f.silent_ms = 4200;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_AUDIO_IN_STOPPED);
	assert_non_null(strstr(found[0].text, "4.2 s"));
	assert_non_null(strstr(found[0].evidence, "203.0.113.5:10000"));
	assert_int_equal(found[0].cure, CALL_CURE_NONE);
	f.silent_ms = 8000;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].cure, CALL_CURE_REINVITE);
}

static void the_other_direction_is_known_by_rtcp(void **state)
{
	f.peer_loss_permille = 1000;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_NO_AUDIO_OUT);
	good_call(NULL);
	f.peer_reports = 0;
	assert_int_equal(look(), 0); /* it may not have had its time */
	f.answered_for_ms = 13000;
	assert_int_equal(look(), 1);
	assert_int_equal(found[0].code, CALL_NO_AUDIO_OUT);
	f.has_rtcp = false; /* many never send any */
	assert_int_equal(look(), 0);
	f.tx_failed = 400;
	f.tx_packets = 3;
	assert_int_equal(look(), 1);
	assert_non_null(strstr(found[0].text, "does not leave"));
}

static void quality_is_put_into_words(void **state)
{
	f.loss_permille = 51;
	f.peer_loss_permille = 80;
	f.jitter_ms = 70;
	f.rtt_ms = 600;
	assert_int_equal(look(), 4);
	assert_non_null(strstr(found[0].text, "5.1 %"));
	assert_int_equal(found[3].code, CALL_DELAY);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup(t, good_call)
	const struct CMUnitTest tests[] = {
		T(a_good_call_has_no_findings),
		T(a_firewall_is_suspected),
		T(our_private_address_is_named),
		T(their_private_address_is_named_and_cured),
		T(neighbours_are_not_suspected),
		T(hold_is_no_fault),
		T(packets_of_others_are_told_apart),
		T(audio_that_stops_is_dated),
		T(the_other_direction_is_known_by_rtcp),
		T(quality_is_put_into_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
