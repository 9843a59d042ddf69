/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "base/log.h"

static const struct log_field fields[] = {
	{0}, {.key = "call", .kind = LOG_KIND_STR, .text = {"a1", 2}},
	{.key = "why", .kind = LOG_KIND_STR, .text = {"no \"answer\"\n", 12}}, {.key = "ms", .kind = LOG_KIND_INT, .i = -5}};

static void text_quotes_what_needs_it(void **state)
{
	char line[200];

	log_format(line, sizeof(line), false, 1500, LOG_WARN, "x.y", fields, 3);
	assert_string_equal(line, "1970-01-01T00:00:01.500Z WARN  x.y call=a1 why=\"no \\\"answer\\\"\\n\" ms=-5");
}

static void json_is_json(void **state)
{
	char line[200];

	log_format(line, sizeof(line), true, 1500, LOG_INFO, "x.y", fields, 3);
	assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:01.500Z\",\"level\":\"INFO\",\"event\":\"x.y\",\"call\":\"a1\","
				  "\"why\":\"no \\\"answer\\\"\\n\",\"ms\":-5}");
}

static void long_lines_are_cut(void **state)
{
	char line[40];

	memset(line, 'x', sizeof(line));
	assert_int_equal(log_format(line, sizeof(line), false, 0, LOG_INFO, "x.y", fields, 3), sizeof(line) - 1);
	assert_int_equal(strlen(line), sizeof(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_quotes_what_needs_it),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
