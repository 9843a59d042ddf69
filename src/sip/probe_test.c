/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/probe.h"
#include "sip/testlab.h"

static struct lab lab;
static struct lab_node *us;
static int last_status;
static unsigned told;

static void on_event(struct lab_node *node, const struct sip_stack_event *ev)
{
	if (ev->type != SIP_EV_PROBED)
		return;
	assert_ptr_equal(sip_probe_user(ev->probe), &told);
	last_status = ev->status;
	told++;
}

static int set_up(void **state)
{
	lab_init(&lab, 7);
	us = lab_add(&lab, NULL);
	us->on_event = on_event;
	told = 0;
	last_status = -1;

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

static struct sip_probe *probe(void)
{
	struct sip_probe_params p = {.account = us->account, .dest = {.transport = SIP_UDP}, .user = &told};
	struct sip_probe *ret = NULL;

	assert_true(addr_parse_ip(SPAN_LIT("192.0.2.99"), 5060, &p.dest.addr));
	assert_int_equal(sip_probe_send(us->stack, &p, lab.now, &ret), 0);
	lab_drain(&lab);

	return ret;
}

static void any_answer_is_a_sign_of_life(void **state)
{
	static const char *const answers[] = {"200 OK", "401 Unauthorized", "404 Not Found", "503 Service Unavailable"};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		probe();
		lab_wait(&lab, 100);
		assert_int_equal(strncmp(lab_raw(&lab, -1), "OPTIONS sip:192.0.2.99 SIP/2.0", 30), 0);
		lab_answer(us, lab_raw(&lab, -1), answers[i], "r", "", NULL);
		assert_int_equal(told, i + 1);
		assert_int_equal(last_status, atoi(answers[i]));
	}
}

static void silence_is_told_after_two_seconds(void **state)
{
	probe();
	lab_wait(&lab, 1999);
	assert_int_equal(told, 0);
	lab_wait(&lab, 1);
	assert_int_equal(told, 1);
	assert_int_equal(last_status, 0);
	/* what comes later is nobody's */
	lab_answer(us, lab_raw(&lab, 0), "200 OK", "r", "", NULL);
	assert_int_equal(told, 1);
}

static void a_refused_datagram_is_silence_at_once(void **state)
{
	probe();
	sip_stack_send_failed(us->stack, lab.raw_token[lab.raw_count - 1], -ECONNREFUSED, NULL, lab.now);
	assert_int_equal(told, 1);
	assert_int_equal(last_status, 0);
}

static void a_forgotten_probe_says_nothing(void **state)
{
	sip_probe_free(probe());
	lab_wait(&lab, 60000);
	assert_int_equal(told, 0);
	lab_assert_empty(&lab);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(any_answer_is_a_sign_of_life),
		T(silence_is_told_after_two_seconds),
		T(a_refused_datagram_is_silence_at_once),
		T(a_forgotten_probe_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
