/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "turn/collect.h"

/* Presses keys every gap_ms from at on; returns the time of the last. */
static msec_t press(struct collect *c, const char *keys, msec_t at, uint32_t gap_ms)
{
	msec_t now = at;

	for (; *keys; keys++) {
		now = at;
		(void)collect_key(c, *keys, now);
		at += gap_ms;
	}

	return now;
}

static void enough_keys_complete_it(void **state)
{
	struct collect c;

	collect_begin(&c, &(struct collect_params){.most = 4, .terminators = "#"}, 1000);
	press(&c, "123", 1500, 500);
	assert_int_equal(c.end, COLLECT_OPEN);
	assert_true(collect_key(&c, '4', 4000));
	assert_int_equal(c.end, COLLECT_LENGTH);
	assert_string_equal(c.keys, "1234");
	assert_false(collect_key(&c, '5', 4100)); /* somebody else's */
	assert_string_equal(c.keys, "1234");
	assert_true(collect_tick(&c, 100000) == NEVER);
}

static void a_terminator_ends_it_and_is_no_part_of_it(void **state)
{
	struct collect c;

	collect_begin(&c, &(struct collect_params){.terminators = "#*"}, 0);
	press(&c, "98*", 100, 100);
	assert_int_equal(c.end, COLLECT_TERMINATOR);
	assert_int_equal(c.terminator, '*');
	assert_string_equal(c.keys, "98");
	collect_begin(&c, &(struct collect_params){.terminators = "#"}, 0);
	press(&c, "#", 100, 100);
	assert_int_equal(c.end, COLLECT_TERMINATOR);
	assert_string_equal(c.keys, "");
	/* Without terminators every key is one of the entry. */
	collect_begin(&c, &(struct collect_params){.most = 3}, 0);
	press(&c, "#*0", 100, 100);
	assert_int_equal(c.end, COLLECT_LENGTH);
	assert_string_equal(c.keys, "#*0");
}

static void nobody_waits_longer_than_told(void **state)
{
	struct collect c;
	struct collect_params p = {.most = 8, .first_ms = 5000, .inter_ms = 2000};

	collect_begin(&c, &p, 1000);
	assert_int_equal(collect_tick(&c, 1000), 6000);
	assert_int_equal(collect_tick(&c, 5999), 6000);
	assert_true(collect_tick(&c, 6000) == NEVER);
	assert_int_equal(c.end, COLLECT_NO_KEY);

	collect_begin(&c, &p, 1000);
	msec_t last = press(&c, "12", 5999, 1999);

	assert_int_equal(collect_tick(&c, last + 1999), last + 2000);
	assert_true(collect_tick(&c, last + 2000) == NEVER);
	assert_int_equal(c.end, COLLECT_PAUSE);
	assert_string_equal(c.keys, "12");
	/* A key that comes when time is over is not its, even if nobody looked at the clock meanwhile. */
	collect_begin(&c, &p, 1000);
	assert_false(collect_key(&c, '1', 6000));
	assert_int_equal(c.end, COLLECT_NO_KEY);
}

/* Whatever is pressed and whenever: it ends once, in one way, within its bounds. */
static void any_keys_at_any_time(void **state)
{
	uint64_t seed = test_seed();

	for (int round = 0; round < 2000; round++) {
		struct collect_params p = {.most = prng_u32(&seed) % 80, .first_ms = prng_u32(&seed) % 3000, .inter_ms = prng_u32(&seed) % 2000};
		struct collect c;
		msec_t now = 0;

		if (prng_u32(&seed) % 2)
			buf_copy(p.terminators, sizeof(p.terminators), "#");
		collect_begin(&c, &p, now);
		for (int i = 0; i < 100 && c.end == COLLECT_OPEN; i++) {
			uint32_t before = c.count;
			msec_t due = c.due_at;

			now += prng_u32(&seed) % 2500;
			if (prng_u32(&seed) % 50 == 0)
				collect_cancel(&c);
			else if (!collect_key(&c, "0123456789*#ABCD"[prng_u32(&seed) % 16], now))
				assert_true(now >= due && c.count == before);
		}
		if (c.end == COLLECT_OPEN)
			assert_true(collect_tick(&c, now + 20000) == NEVER);
		assert_true(c.end != COLLECT_OPEN && c.due_at == NEVER);
		assert_true(c.count <= c.p.most && strlen(c.keys) == c.count);
		assert_true((c.end == COLLECT_LENGTH) == (c.count == c.p.most) || c.end == COLLECT_CANCELLED);
		assert_true((c.end == COLLECT_NO_KEY) <= (c.count == 0));
		assert_true((c.end == COLLECT_TERMINATOR) == (c.terminator != 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough_keys_complete_it),
		cmocka_unit_test(a_terminator_ends_it_and_is_no_part_of_it),
		cmocka_unit_test(nobody_waits_longer_than_told),
		cmocka_unit_test(any_keys_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
