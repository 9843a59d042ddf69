/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/usage.h"

static void channels_are_counted_and_bounded(void **state)
{
	struct usage *u = usage_new();
	struct usage_slot *s = usage_slot(u, "trunk");

	assert_ptr_equal(usage_slot(u, "trunk"), s);
	assert_int_equal(usage_begin(s, 2, 0, 0), USAGE_OK);
	assert_int_equal(usage_begin(s, 2, 0, 0), USAGE_OK);
	assert_int_equal(usage_begin(s, 2, 0, 0), USAGE_CHANNELS);
	assert_int_equal(s->calls, 2);
	usage_end(s);
	assert_int_equal(usage_begin(s, 2, 0, 0), USAGE_OK);
	assert_int_equal(s->refused_channels, 1);
	assert_int_equal(s->total, 3);
	assert_int_equal(s->peak, 2);
	usage_free(u);
}

/* 5 a second: five at once, then one each 200 ms, and never more than a second's worth saved up. */
static void calls_a_second(void **state)
{
	struct usage *u = usage_new();
	struct usage_slot *s = usage_slot(u, "trunk");
	unsigned taken = 0;

	for (msec_t now = 0; now < 10000; now += 10)
		taken += usage_begin(s, 0, 5, now) == USAGE_OK;
	assert_int_equal(taken, 54);
	taken = 0;
	for (int i = 0; i < 20; i++)
		taken += usage_begin(s, 0, 5, 100000) == USAGE_OK;
	assert_int_equal(taken, 5);
	assert_int_equal(s->refused_cps, 1000 - 54 + 15);
	usage_free(u);
}

static void names_are_bounded(void **state)
{
	struct usage *u = usage_new();
	char name[20];

	for (int i = 0; i < LIMIT_USAGE_NAMES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_non_null(usage_slot(u, name));
	}
	assert_null(usage_slot(u, "one more"));
	assert_int_equal(usage_begin(NULL, 1, 1, 0), USAGE_OK);
	usage_end(NULL);
	assert_null(usage_find(u, "one more"));
	usage_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_are_counted_and_bounded),
		cmocka_unit_test(calls_a_second),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
