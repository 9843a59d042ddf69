/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/line.h"

static bool in_block(const char *block, const char *ip)
{
	struct line_cidr c;
	struct addr a;

	assert_true(line_cidr_parse(span_z(block), &c));
	assert_true(addr_parse_ip(span_z(ip), 0, &a));

	return line_cidr_has(&c, &a);
}

static void blocks_hold_their_addresses(void **state)
{
	assert_true(in_block("10.0.0.0/8", "10.255.0.1"));
	assert_false(in_block("10.0.0.0/8", "11.0.0.1"));
	assert_true(in_block("192.0.2.128/25", "192.0.2.129"));
	assert_false(in_block("192.0.2.128/25", "192.0.2.127"));
	assert_true(in_block("0.0.0.0/0", "8.8.8.8"));
	assert_true(in_block("192.0.2.7", "192.0.2.7"));
	assert_false(in_block("192.0.2.7", "192.0.2.8"));
	assert_true(in_block("fd00::/8", "fd12::1"));
	assert_false(in_block("0.0.0.0/0", "::1"));
}

static void bad_blocks_are_refused(void **state)
{
	static const char *const bad[] = {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "::/129", "host"};
	struct line_cidr c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(line_cidr_parse(span_z(bad[i]), &c));
}

static const struct route_config routes[] = {
	{.file_line = 10, .line = "office", .to = "20*", .agent = "sales"},
	{.file_line = 11, .line = "office", .to = "300", .from = "5551234", .agent = "vip"},
	{.file_line = 12, .line = "trunk", .agent = "reception"},
};

static const char *decide(const char *line, const char *to, const char *from, char *why)
{
	struct line_request rq = {.line = line, .to = to, .from = from};
	const struct route_config *r = route_decide(routes, ARRAY_LEN(routes), &rq, why, 200);

	return r ? r->agent : "none";
}

static void the_first_route_that_fits_decides(void **state)
{
	char why[200];

	assert_string_equal(decide("office", "201", "1", why), "sales");
	assert_string_equal(why, "route in line 10 of the file: line office, to 20*, from any");
	assert_string_equal(decide("office", "300", "5551234", why), "vip");
	assert_string_equal(decide("trunk", "x", "y", why), "reception");
}

static void a_refusal_says_what_came_nearest(void **state)
{
	char why[200];

	assert_string_equal(decide("office", "300", "7", why), "none");
	assert_string_equal(why, "route in line 11 of the file wants a caller 5551234, this was 7");
	assert_string_equal(decide("home", "300", "7", why), "none");
	assert_string_equal(why, "the call came on line home, no route names it");
}

static bool server_is_10_0_0_1(void *ctx, size_t line, const struct addr *source)
{
	struct addr a;

	return addr_parse_ip(SPAN_LIT("10.0.0.1"), 0, &a) && addr_ip_eq(&a, source);
}

static int identify(const char *to, const char *from_ip)
{
	struct line_cidr lan = {0};
	struct line_config lines[] = {
		{.name = "a", .does_register = true, .extension = "1001"},
		{.name = "b", .does_register = true, .extension = "1002"},
		{.name = "lan", .kind = LINE_LOCAL, .allow = &lan, .allow_count = 1},
	};
	struct addr source;

	assert_true(line_cidr_parse(SPAN_LIT("127.0.0.0/8"), &lan));
	assert_true(addr_parse_ip(span_z(from_ip), 5060, &source));

	return line_identify(lines, ARRAY_LEN(lines), to, &source, server_is_10_0_0_1, NULL);
}

static void calls_find_their_line(void **state)
{
	assert_int_equal(identify("1002", "10.0.0.1"), 1);
	assert_int_equal(identify("5550100", "10.0.0.1"), 0);
	assert_int_equal(identify("1002", "127.0.0.9"), 2);
	assert_int_equal(identify("1002", "10.0.0.2"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_hold_their_addresses),
		cmocka_unit_test(bad_blocks_are_refused),
		cmocka_unit_test(the_first_route_that_fits_decides),
		cmocka_unit_test(a_refusal_says_what_came_nearest),
		cmocka_unit_test(calls_find_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
