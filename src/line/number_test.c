/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/number.h"

static const struct number_plan germany = {.country = "49", .national_prefix = "0", .international_prefix = "00"};

static void numbers_that_come_in(void **state)
{
	struct number_plan plain = germany, national = germany, italy = {.country = "39"}, none = {0}, america = {.country = "1"};
	const struct {
		const struct number_plan *plan;
		const char *in, *out;
	} rows[] = {
		{&germany, "+4930123450", "+4930123450"},
		{&germany, "+49 (30) 12345-0", "+4930123450"},
		{&germany, "004930123450", "+4930123450"},
		{&germany, "030123450", "+4930123450"},
		{&germany, "0043123456789", "+43123456789"},
		{&germany, "4930123450", "4930123450"}, /* might be a local number of a far place: not guessed */
		{&plain, "4930123450", "+4930123450"},
		{&national, "30123450", "+4930123450"},
		{&germany, "112", "112"},
		{&national, "112", "112"},
		{&plain, "1001", "1001"},
		{&germany, "anonymous", "anonymous"},
		{&germany, "*97", "*97"},
		{&germany, "", ""},
		{&germany, "00", "00"},
		{&germany, "00123456789012345678", "00123456789012345678"},
		{&italy, "00390612345678", "+390612345678"},
		{&america, "12025550123", "+12025550123"},
		{&america, "0114930123450", "+4930123450"},
		{&none, "030 123450", "030 123450"},
	};

	plain.is_plain_in = national.is_national_in = true;
	assert_true(number_plan_defaults(&italy) && number_plan_defaults(&america));
	assert_string_equal(italy.national_prefix, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[NUMBER_TEXT];

		number_normalise(rows[i].plan, rows[i].in, got);
		if (strcmp(got, rows[i].out) != 0)
			fail_msg("row %zu: %s became %s, not %s", i, rows[i].in, got, rows[i].out);
	}
}

static void numbers_that_go_out(void **state)
{
	const struct {
		enum number_format format;
		const char *in, *out;
	} rows[] = {
		{NUMBER_E164, "+4930123450", "+4930123450"},	    {NUMBER_PLAIN, "+4930123450", "4930123450"},
		{NUMBER_INTERNATIONAL, "+4930123450", "004930123450"}, {NUMBER_NATIONAL, "+4930123450", "030123450"},
		{NUMBER_NATIONAL, "+43123456789", "0043123456789"}, {NUMBER_NATIONAL, "112", "112"},
		{NUMBER_NATIONAL, "alice", "alice"},		    {NUMBER_PLAIN, "+", "+"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct number_plan plan = germany;
		char got[NUMBER_TEXT];

		plan.out = rows[i].format;
		number_format(&plan, rows[i].in, got);
		if (strcmp(got, rows[i].out) != 0)
			fail_msg("row %zu: %s became %s, not %s", i, rows[i].in, got, rows[i].out);
	}
}

static void patterns_fit(void **state)
{
	static const struct {
		const char *pattern, *number;
		bool fits;
	} rows[] = {
		{"300", "300", true},		       {"300", "3001", false},
		{"+4930*", "+4930123", true},	       {"+4930*", "+4931", false},
		{"*", "", true},		       {"+4930123450-499", "+4930123450", true},
		{"+4930123450-499", "+4930123499", true}, {"+4930123450-499", "+4930123500", false},
		{"+4930123450-499", "+4930123449", false}, {"+4930123450-499", "+49301234501", false},
		{"+4930123450-499", "+493012345x", false}, {"100-199", "150", true},
		{"100-199", "15", false},	       {"a-b", "a-b", true},
		{"0-9", "7", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (number_fits(rows[i].pattern, rows[i].number) != rows[i].fits)
			fail_msg("row %zu: %s and %s", i, rows[i].pattern, rows[i].number);
}

static void bad_patterns_are_named(void **state)
{
	assert_null(number_pattern_check("+4930123450-499"));
	assert_null(number_pattern_check("*97"));
	assert_null(number_pattern_check("front-desk"));
	assert_non_null(number_pattern_check(""));
	assert_non_null(number_pattern_check("12*34"));
	assert_non_null(number_pattern_check("455-0"));
	assert_non_null(number_pattern_check("45-1000"));
	assert_non_null(number_pattern_check("450-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_that_come_in),
		cmocka_unit_test(numbers_that_go_out),
		cmocka_unit_test(patterns_fit),
		cmocka_unit_test(bad_patterns_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
