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

static bool server_is_10_0_0_1(void *ctx, size_t line, const struct addr *source)
{
	struct addr a;

	return addr_parse_ip(SPAN_LIT("10.0.0.1"), 0, &a) && addr_ip_eq(&a, source);
}

static int identify(const char *to, const char *from_ip)
{
	struct line_cidr lan = {0};
	struct line_config lines[] = {
		{.name = "a", .server = "pbx", .does_register = true, .extension = "1001"},
		{.name = "b", .server = "pbx", .does_register = true, .extension = "1002"},
		{.name = "lan", .kind = LINE_LOCAL, .allow = &lan, .allow_count = 1},
	};
	struct addr source;

	assert_true(line_cidr_parse(SPAN_LIT("127.0.0.0/8"), &lan));
	assert_true(addr_parse_ip(span_z(from_ip), 5060, &source));

	return line_identify(lines, ARRAY_LEN(lines), to, &(struct line_sender){.source = &source, .is_server = server_is_10_0_0_1});
}

static void calls_find_their_line(void **state)
{
	assert_int_equal(identify("1002", "10.0.0.1"), 1);
	assert_int_equal(identify("5550100", "10.0.0.1"), 0);
	assert_int_equal(identify("1002", "127.0.0.9"), 2);
	assert_int_equal(identify("1002", "10.0.0.2"), -1);
}

/* Two trunks of one carrier, which calls from the same addresses: the called number tells. */
static void trunks_of_one_carrier_are_told_apart_by_number(void **state)
{
	struct line_cidr carrier;
	struct line_config lines[] = {
		{.name = "a", .kind = LINE_TRUNK, .allow = &carrier, .allow_count = 1, .dids = (const char *const[]){"+49301000*", NULL}},
		{.name = "b", .kind = LINE_TRUNK, .allow = &carrier, .allow_count = 1, .dids = (const char *const[]){"+4940123450-499", NULL},
			.numbers = {.country = "49", .national_prefix = "0", .international_prefix = "00"}},
	};
	struct addr source;

	assert_true(line_cidr_parse(SPAN_LIT("203.0.113.0/24"), &carrier));
	assert_true(addr_parse_ip(SPAN_LIT("203.0.113.9"), 5060, &source));

	struct line_sender from = {.source = &source, .is_server = server_is_10_0_0_1};

	assert_int_equal(line_identify(lines, 2, "+493010005", &from), 0);
	assert_int_equal(line_identify(lines, 2, "040123477", &from), 1);
	assert_int_equal(line_identify(lines, 2, "12345", &from), 0);
}

static bool shows_one(void *peer, const char *name)
{
	return strcmp(peer, name) == 0;
}

/* A line that wants a certificate gets calls from wherever it is shown, and none without, not even from its server or from allow. */
static void certificates_come_before_addresses(void **state)
{
	struct line_cidr all = {0};
	struct line_config lines[] = {
		{.name = "open", .kind = LINE_TRUNK, .allow = &all, .allow_count = 1},
		{.name = "one", .kind = LINE_TRUNK, .server = "pbx", .client_names = (const char *const[]){"sbc.example.net", "b.example.net", NULL}},
		{.name = "two", .kind = LINE_TRUNK, .allow = &all, .allow_count = 1, .dids = (const char *const[]){"+4930*", NULL},
			.client_names = (const char *const[]){"sbc.example.net", NULL}},
	};
	struct addr pbx, stranger;
	char sbc[] = "sbc.example.net", b[] = "b.example.net", other[] = "other.example.net";
	struct line_sender from = {.source = &stranger, .is_server = server_is_10_0_0_1, .shows = shows_one, .peer = sbc};

	assert_true(line_cidr_parse(SPAN_LIT("0.0.0.0/0"), &all));
	assert_true(addr_parse_ip(SPAN_LIT("10.0.0.1"), 5060, &pbx));
	assert_true(addr_parse_ip(SPAN_LIT("203.0.113.9"), 5060, &stranger));
	assert_int_equal(line_identify(lines, 3, "100", &from), 1);
	assert_int_equal(line_identify(lines, 3, "+4930100", &from), 2);
	from.peer = b;
	assert_int_equal(line_identify(lines, 3, "+4930100", &from), 1);
	from.peer = other;
	assert_int_equal(line_identify(lines, 3, "+4930100", &from), 0);
	from.shows = NULL; /* UDP */
	from.source = &pbx;
	assert_int_equal(line_identify(lines, 3, "+4930100", &from), 0);
	assert_int_equal(line_identify(&lines[1], 2, "+4930100", &from), -1);
}

static void equal_lines_are_told_from_changed_ones(void **state)
{
	struct line_cidr one = {.bits = 8}, other = {.bits = 9};
	struct line_config a = {.name = "a", .server = "x", .servers = {"x"}, .server_count = 1, .allow = &one, .allow_count = 1}, b = a;

	b.file_line = 7;
	b.max_calls = 3; /* asked of the configuration with each call */
	assert_true(line_config_equal(&a, &b));
	b.password = "p";
	assert_false(line_config_equal(&a, &b));
	b = a;
	b.servers[0] = "y";
	assert_false(line_config_equal(&a, &b));
	b = a;
	b.codecs[0] = "pcma";
	assert_false(line_config_equal(&a, &b));
	b = a;
	b.allow = &other;
	assert_false(line_config_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_hold_their_addresses),
		cmocka_unit_test(bad_blocks_are_refused),
		cmocka_unit_test(trunks_of_one_carrier_are_told_apart_by_number),
		cmocka_unit_test(certificates_come_before_addresses),
		cmocka_unit_test(equal_lines_are_told_from_changed_ones),
		cmocka_unit_test(calls_find_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
