/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

static struct lab lab;
static struct lab_node *a, *b;

static int set_up(void **state)
{
	lab_init(&lab, 4711);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	a = lab_add(&lab, NULL);
	b = lab_add(&lab, NULL);

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

/* RFC 3665 §3.1, RFC 3261 §13: INVITE, 180, 200, ACK, BYE, 200. */
static void a_call_is_set_up_and_ended(void **state)
{
	struct sip_reply ringing = {.status = 180};
	struct sip_session *s = lab_call(a, b, "offer");

	lab_wait(&lab, 50);
	assert_int_equal(lab_count(b, SIP_EV_INCOMING), 1);
	assert_string_equal(lab_last(b, SIP_EV_INCOMING)->sdp, "offer");
	assert_int_equal(sip_session_ring(b->last, &ringing, lab.now), 0);
	lab_wait(&lab, 2000);
	assert_int_equal(lab_last(a, SIP_EV_PROGRESS)->status, 180);
	lab_accept(b, "answer");
	lab_wait(&lab, 50);
	assert_string_equal(lab_last(a, SIP_EV_ANSWERED)->sdp, "answer");
	assert_int_equal(lab_count(b, SIP_EV_CONFIRMED), 1);
	lab_wait(&lab, 60000);

	sip_session_hangup(s, SPAN_LIT("Q.850;cause=16;text=\"bye\""), lab.now);
	lab_wait(&lab, 50);
	assert_int_equal(lab_last(a, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	assert_int_equal(lab_last(b, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	assert_string_equal(lab_last(b, SIP_EV_ENDED)->text, "bye");
	lab_wait(&lab, 40000);
	lab_assert_empty(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_is_set_up_and_ended, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
