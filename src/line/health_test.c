/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/health.h"

static void one_silence_is_no_fall(void **state)
{
	struct health h;

	health_init(&h, 30000, 0);
	assert_int_equal(h.ping_at, 0);
	assert_true(health_answered(&h, 5, 10));
	assert_int_equal(h.ping_at, 30010);
	assert_false(health_silent(&h, 32000));
	assert_int_equal(h.state, HEALTH_UP);
	assert_int_equal(h.ping_at, 35000);
	assert_false(health_answered(&h, 5, 35005));
	assert_false(health_silent(&h, 67000));
	assert_true(health_silent(&h, 72000));
	assert_int_equal(h.state, HEALTH_DOWN);
	assert_int_equal(h.ping_at, 75000);
}

static void a_failed_call_is_enough_and_two_answers_bring_it_back(void **state)
{
	struct health h;

	health_init(&h, 30000, 0);
	health_answered(&h, 5, 10);
	assert_true(health_failed(&h, 100000));
	assert_false(health_failed(&h, 100001));
	assert_false(health_answered(&h, 5, 103000));
	assert_int_equal(h.state, HEALTH_DOWN);
	assert_int_equal(h.ping_at, 106000);
	assert_true(health_answered(&h, 5, 106000));
	assert_int_equal(h.state, HEALTH_UP);
}

/* Down again within a minute: it has to prove more each time, but no more than it can. */
static void flapping_is_damped(void **state)
{
	struct health h;
	msec_t now = 0;

	health_init(&h, 30000, 0);
	health_answered(&h, 5, now);
	for (unsigned round = 0; round < 20; round++) {
		unsigned n = 0;

		assert_true(health_failed(&h, ++now));
		while (h.state != HEALTH_UP) {
			health_answered(&h, 5, now = h.ping_at);
			n++;
		}
		assert_int_equal(n, MIN(HEALTH_ANSWERS + 1 + round, HEALTH_ANSWERS_MAX));
	}
	/* a long quiet time, and it is trusted as before */
	health_failed(&h, now += 10 * HEALTH_FLAP_MS);
	health_answered(&h, 5, h.ping_at);
	assert_true(health_answered(&h, 5, h.ping_at));
}

static void without_pings_only_what_is_down_is_asked(void **state)
{
	struct health h;

	health_init(&h, 0, 0);
	assert_true(h.ping_at == NEVER);
	health_failed(&h, 1000);
	assert_int_equal(h.ping_at, 4000);
	health_answered(&h, 5, 4000);
	health_answered(&h, 5, 7000);
	assert_int_equal(h.state, HEALTH_UP);
	assert_true(h.ping_at == NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_silence_is_no_fall),
		cmocka_unit_test(a_failed_call_is_enough_and_two_answers_bring_it_back),
		cmocka_unit_test(flapping_is_damped),
		cmocka_unit_test(without_pings_only_what_is_down_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
