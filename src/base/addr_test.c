/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "base/addr.h"

static void text_goes_round(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"1.2.3.4", "1.2.3.4:5060"},	       {"1.2.3.4:7", "1.2.3.4:7"},
		{"[2001:db8::1]:7", "[2001:db8::1]:7"}, {"2001:db8::1", "[2001:db8::1]:5060"},
		{"[::1]", "[::1]:5060"},
	};
	char text[ADDR_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a;

		assert_true(addr_parse(span_z(rows[i].in), 5060, &a));
		assert_string_equal(addr_text(&a, text), rows[i].out);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"", "host", "1.2.3", "1.2.3.4:", "1.2.3.4:65536", "[::1", "[::1]x", "::1::", ":5060"};
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(addr_parse(span_z(bad[i]), 1, &a));
}

static void kinds_are_told_apart(void **state)
{
	static const struct {
		const char *ip;
		bool is_private, is_loopback;
	} rows[] = {
		{"10.1.2.3", true, false},    {"172.16.0.1", true, false},   {"172.32.0.1", false, false},
		{"192.168.1.1", true, false}, {"100.64.0.1", true, false},   {"100.128.0.1", false, false},
		{"8.8.8.8", false, false},    {"127.0.0.9", false, true},    {"fd00::1", true, false},
		{"fe80::1", true, false},     {"2001:db8::1", false, false}, {"::1", false, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a;

		assert_true(addr_parse(span_z(rows[i].ip), 1, &a));
		assert_int_equal(addr_is_private(&a), rows[i].is_private);
		assert_int_equal(addr_is_loopback(&a), rows[i].is_loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_round),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(kinds_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
