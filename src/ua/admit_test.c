/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "ua/admit.h"

static struct admit *admit;

static int setup(void **state)
{
	return admit_new(&(struct admit_params){.rate = 10, .burst = 20}, &admit);
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
		taken += admit_take(admit, a, now);

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
		refused += !admit_take(admit, &a, 0);
	}
	assert_true(refused > 900);
}

static void no_limit_is_no_limit(void **state)
{
	struct addr a = ip("192.0.2.1");
	struct admit *open = NULL;

	assert_int_equal(admit_new(&(struct admit_params){.rate = UINT32_MAX}, &open), 0);
	for (unsigned i = 0; i < 10000; i++)
		assert_true(admit_take(open, &a, 0));
	admit_free(open);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
