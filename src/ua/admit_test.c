/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "ua/admit.h"

static struct admit *admit;

static int setup(void **state)
{
	return admit_new(&(struct admit_params){.rate = 10, .burst = 20, .points = 100, .fade_ms = 1000, .ban_ms = 60000}, &admit);
}

static int teardown(void **state)
{
	admit = admit_free(admit);

	return 0;
}

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse(span_z(text), 1234, &a));

	return a;
}

static unsigned take(const struct addr *a, unsigned count, msec_t now)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++)
		taken += admit_take(admit, a, now) == ADMIT_OK;

	return taken;
}

static void burst_then_rate(void **state)
{
	struct addr a = ip("192.0.2.1"), same = ip("192.0.2.1:99"), b = ip("192.0.2.2");

	assert_int_equal(take(&a, 100, 1000), 20);
	assert_int_equal(take(&same, 100, 1000), 0);
	assert_int_equal(take(&a, 100, 2000), 10);
	assert_int_equal(take(&b, 100, 2000), 20);
	assert_int_equal(take(&a, 100, 1000000), 20);
	assert_int_equal(take(&a, 100, 999), 0); /* a clock that goes back gives nothing */
}

static void trust_lifts_the_limit_for_its_time(void **state)
{
	struct addr a = ip("192.0.2.1");

	admit_trust(admit, &a, 5000, 1000);
	admit_trust(admit, &a, 3000, 1000);
	assert_int_equal(take(&a, 1000, 4999), 1000);
	assert_in_range(take(&a, 1000, 5000), 0, 20);
}

/* RFC 4291 §2.5.4: a host has the whole of its /64. */
static void ipv6_counts_by_network(void **state)
{
	struct addr a = ip("2001:db8::1"), b = ip("2001:db8::2"), c = ip("2001:db8:0:1::1");

	assert_int_equal(take(&a, 15, 0) + take(&b, 15, 0), 20);
	assert_int_equal(take(&c, 30, 0), 20);
}

/* A flood from everywhere costs neither memory nor those who are trusted. */
static void floods_do_not_displace_trust(void **state)
{
	uint64_t seed = test_seed();
	struct addr friend = ip("203.0.113.7"), a = ip("10.0.0.1");

	admit_trust(admit, &friend, NEVER, 0);
	for (unsigned i = 0; i < 200000; i++) {
		a.v4.sin_addr.s_addr = prng_u32(&seed);
		admit_take(admit, &a, i / 100);
	}
	assert_int_equal(take(&friend, 1000, 3000), 1000);
}

/* More trusted addresses than a set has places: the newcomers share what little there is, and
 * nothing breaks. */
static void full_sets_share_a_bucket(void **state)
{
	struct addr a = ip("10.0.0.0");
	unsigned refused = 0;

	for (uint32_t i = 0; i < 4 * LIMIT_UA_SOURCES; i++) {
		a.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
		admit_trust(admit, &a, NEVER, 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		a.v4.sin_addr.s_addr = htonl(0x0b000000 + i);
		refused += admit_take(admit, &a, 0) != ADMIT_OK;
	}
	assert_true(refused > 900);
}

static void no_limit_is_no_limit(void **state)
{
	struct addr a = ip("192.0.2.1");
	struct admit *open = NULL;

	assert_int_equal(admit_new(&(struct admit_params){.rate = UINT32_MAX}, &open), 0);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(admit_take(open, &a, 0), ADMIT_OK);
	admit_free(open);
}

static void offences_ban_and_bans_end(void **state)
{
	struct addr a = ip("192.0.2.1"), same = ip("192.0.2.1:77");

	assert_int_equal(admit_offend(admit, &a, 60, 0), 0);
	assert_int_equal(admit_offend(admit, &same, 40, 0), 60000);
	assert_int_equal(admit_take(admit, &a, 59999), ADMIT_BANNED);
	assert_int_equal(admit_offend(admit, &a, 100, 59999), 0); /* what comes during a ban does not make it longer */
	assert_int_equal(admit_take(admit, &a, 60000), ADMIT_OK);
	assert_int_equal(admit_offend(admit, &a, 100, 60000), 120000);
	assert_int_equal(admit_take(admit, &a, 179999), ADMIT_BANNED);
	/* A day of peace later it counts as the first again. */
	assert_int_equal(admit_offend(admit, &a, 100, 180000 + 86400000), 60000);
}

static void bans_grow_to_a_day(void **state)
{
	struct addr a = ip("192.0.2.1");
	msec_t now = 0;
	uint32_t ms = 0;

	for (int i = 0; i < 40; i++) {
		uint32_t next = admit_offend(admit, &a, 100, now);

		assert_true(next >= ms && next <= 86400000);
		ms = next;
		now += ms;
	}
	assert_int_equal(ms, 86400000);
}

static void points_fade(void **state)
{
	struct addr a = ip("192.0.2.1");

	for (msec_t now = 0; now < 1000000; now += 10000)
		assert_int_equal(admit_offend(admit, &a, 10, now), 0); /* ten points in ten seconds, for ever */
	assert_int_equal(admit_offend(admit, &a, 89, 1000000), 0);
	assert_true(admit_offend(admit, &a, 20, 1000000) > 0);
}

/* UDP can be forged: whoever is trusted cannot be silenced in their name. */
static void the_trusted_are_never_banned(void **state)
{
	struct addr pbx = ip("192.0.2.5");

	admit_trust(admit, &pbx, NEVER, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(admit_offend(admit, &pbx, 100, i), 0);
	assert_int_equal(admit_take(admit, &pbx, 200), ADMIT_OK);

	struct addr later = ip("192.0.2.6");

	assert_true(admit_offend(admit, &later, 100, 0) > 0);
	admit_trust(admit, &later, NEVER, 10);
	assert_int_equal(admit_take(admit, &later, 20), ADMIT_OK);
}

static void count_ban(void *ctx, const struct addr *a, msec_t until)
{
	assert_int_equal(until, 60000);
	++*(unsigned *)ctx;
}

static void bans_are_listed_and_lifted(void **state)
{
	struct addr a = ip("192.0.2.1"), b = ip("2001:db8::1"), near_b = ip("2001:db8::2");
	unsigned count = 0;

	assert_true(admit_offend(admit, &a, 100, 0) && admit_offend(admit, &b, 100, 0));
	assert_int_equal(admit_take(admit, &near_b, 1), ADMIT_BANNED);
	admit_each_ban(admit, 1, count_ban, &count);
	assert_int_equal(count, 2);
	assert_true(admit_forgive(admit, &near_b, 2));
	assert_false(admit_forgive(admit, &near_b, 2));
	assert_int_equal(admit_take(admit, &b, 3), ADMIT_OK);
	count = 0;
	admit_each_ban(admit, 60000, count_ban, &count);
	assert_int_equal(count, 0);
}

/* A flood of forged addresses cannot wash a ban out of the table as long as others give way. */
static void bans_outlive_strangers(void **state)
{
	uint64_t seed = test_seed();
	struct addr a = ip("192.0.2.1"), other = ip("10.0.0.1");

	assert_true(admit_offend(admit, &a, 100, 0) > 0);
	for (unsigned i = 0; i < 100000; i++) {
		other.v4.sin_addr.s_addr = prng_u32(&seed);
		admit_take(admit, &other, 1 + i / 10000);
	}
	assert_int_equal(admit_take(admit, &a, 50), ADMIT_BANNED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(burst_then_rate),
		TEST(trust_lifts_the_limit_for_its_time),
		TEST(ipv6_counts_by_network),
		TEST(floods_do_not_displace_trust),
		TEST(full_sets_share_a_bucket),
		TEST(no_limit_is_no_limit),
		TEST(offences_ban_and_bans_end),
		TEST(bans_grow_to_a_day),
		TEST(points_fade),
		TEST(the_trusted_are_never_banned),
		TEST(bans_are_listed_and_lifted),
		TEST(bans_outlive_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
