/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "base/timer.h"

struct probe {
	struct timer timer;
	msec_t fired_at;
	int order;
};

static int order;
static struct timer_wheel test_wheel;

static void note(struct timer *t, msec_t now)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired_at = now;
	p->order = ++order;
}

/* Thousands of timers at random times over all levels, advanced in random steps: each fires once, at exactly its time. */
static void every_timer_fires_at_its_time(void **state)
{
	enum { N = 4000 };
	static struct probe probes[N];
	static struct timer_wheel wheel;
	uint64_t seed = test_seed();
	msec_t now = 1000003;

	wheel_init(&wheel, now);
	for (int i = 0; i < N; i++) {
		timer_init(&probes[i].timer, note);
		probes[i].fired_at = 0;
		timer_start(&wheel, &probes[i].timer, now + 1 + prng_u32(&seed) % (1u << (prng_u32(&seed) % 31)));
	}
	for (int i = 0; i < N; i += 7)
		timer_stop(&wheel, &probes[i].timer);

	while (wheel.count) {
		msec_t next = wheel_next(&wheel);

		assert_true(next > now);
		now = next + (msec_t)(prng_u32(&seed) % 3 ? 0 : prng_u32(&seed) % 5000);
		wheel_advance(&wheel, now);
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(probes[i].fired_at, i % 7 ? probes[i].timer.at : 0);
}

static void same_millisecond_keeps_order(void **state)
{
	struct probe a = {0}, b = {0};
	static struct timer_wheel wheel;

	order = 0;
	wheel_init(&wheel, 0);
	timer_init(&a.timer, note);
	timer_init(&b.timer, note);
	timer_start(&wheel, &a.timer, 10);
	timer_start(&wheel, &b.timer, 10);
	wheel_advance(&wheel, 100);
	assert_int_equal(a.order, 1);
	assert_int_equal(b.order, 2);
	assert_int_equal(a.fired_at, 10);
	assert_int_equal(wheel_next(&wheel), NEVER);
}

static void again(struct timer *t, msec_t now)
{
	note(t, now);
	if (now < 50)
		timer_start(&test_wheel, t, now + 10);
}

static void a_callback_may_restart_its_timer(void **state)
{
	struct probe p = {0};

	order = 0;
	wheel_init(&test_wheel, 0);
	timer_init(&p.timer, again);
	timer_start(&test_wheel, &p.timer, 10);
	wheel_advance(&test_wheel, 1000);
	assert_int_equal(p.order, 5);
	assert_int_equal(p.fired_at, 50);
}

static void a_time_in_the_past_fires_next(void **state)
{
	struct probe p = {0};
	static struct timer_wheel wheel;

	wheel_init(&wheel, 500);
	timer_init(&p.timer, note);
	timer_start(&wheel, &p.timer, 3);
	wheel_advance(&wheel, 501);
	assert_int_equal(p.fired_at, 501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_timer_fires_at_its_time),
		cmocka_unit_test(same_millisecond_keeps_order),
		cmocka_unit_test(a_callback_may_restart_its_timer),
		cmocka_unit_test(a_time_in_the_past_fires_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
