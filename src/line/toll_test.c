/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/toll.h"

static struct toll t;
static struct toll_rules rules;
static struct toll_clock noon = {.day = 20000, .minute = 720};
static char why[200];

static const char *allow[] = {"+49", "+1"}, *deny[] = {"+49900", "+1900"};
static struct toll_price prices[] = {{"", 500000}, {"+49", 20000}, {"+4917", 80000}};

static int set_up(void **state)
{
	t = (struct toll){0};
	rules = (struct toll_rules){.allow = allow, .allow_count = 2, .deny = deny, .deny_count = 2, .internal_digits = 5,
		.prices = prices, .price_count = 3};
	why[0] = 0;

	return 0;
}

static bool may(const char *target, msec_t now)
{
	return toll_may_call(&t, &rules, target, &noon, now, why, sizeof(why));
}

static void numbers_are_found_in_targets(void **state)
{
	static const struct {
		const char *target, *number;
	} cases[] = {{"sip:+49301234@carrier.example;user=phone", "+49301234"}, {"0049 (30) 12-34", "0049301234"}, {"200", "200"},
		{"*98", "*98"}, {"tel:+1.212.555.0100", "+12125550100"}, {"sips:100@x", "100"}, {"sip:alice@x", NULL}, {"sip:@x", NULL},
		{"+", NULL}, {"4+9", NULL}, {"", NULL},
		{"123456789012345678901234567890123456789012345678901234567890", NULL}};
	char number[40];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_number = toll_number(cases[i].target, number, sizeof(number));

		assert_int_equal(is_number, cases[i].number != NULL);
		if (is_number)
			assert_string_equal(number, cases[i].number);
	}
}

static void destinations_are_judged(void **state)
{
	assert_true(may("+493012345", 0));
	assert_true(may("00493012345", 0));
	assert_true(may("200", 0));
	assert_true(may("sip:alice@example.com", 0));
	assert_false(may("+88213000", 0));
	assert_non_null(strstr(why, "toll.allow"));
	assert_false(may("0049900123456", 0));
	assert_non_null(strstr(why, "+49900"));
	assert_false(may("sip:+1900555@carrier", 0));
	assert_int_equal(t.refused, 3);
}

static void the_hour_slides(void **state)
{
	rules.calls_per_hour = 3;
	for (int i = 0; i < 3; i++) {
		assert_true(may("+4930", i * 1000));
		toll_began(&t, &rules, "+4930", i * 1000);
	}
	assert_false(may("+4930", 3599999));
	assert_non_null(strstr(why, "calls_per_hour"));
	assert_true(may("201", 3599999)); /* extensions cost nothing */
	assert_true(may("+4930", 3600000));
	toll_began(&t, &rules, "+4930", 3600000);
	assert_false(may("+4930", 3600999));
}

static void the_night_is_quieter(void **state)
{
	rules.night_from = 22 * 60;
	rules.night_to = 6 * 60;
	noon.minute = 23 * 60;
	assert_false(may("+4930", 0));
	assert_non_null(strstr(why, "toll.night"));
	noon.minute = 5 * 60 + 59;
	assert_false(may("+4930", 0));
	noon.minute = 6 * 60;
	assert_true(may("+4930", 0));
	noon.minute = 720;
}

static void minutes_and_money_of_a_day(void **state)
{
	rules.minutes_per_day = 10;
	rules.micros_per_day = 300000;
	toll_began(&t, &rules, "+4930", 0);
	toll_ended(&t, &rules, "+4930", 61, &noon);
	assert_int_equal(t.micros, 40000); /* two begun minutes */
	toll_began(&t, &rules, "+491711", 0);
	toll_ended(&t, &rules, "+491711", 180, &noon);
	assert_int_equal(t.micros, 280000);
	assert_true(may("+4930", 0));
	assert_false(may("+491711", 0)); /* its next minute would be over the budget */
	assert_non_null(strstr(why, "cost_per_day"));
	toll_began(&t, &rules, "+4930", 0);
	toll_ended(&t, &rules, "+4930", 400, &noon);
	assert_false(may("+4930", 0));
	assert_non_null(strstr(why, "minutes_per_day"));

	struct toll_clock next = {.day = 20001, .minute = 1};

	assert_true(toll_may_call(&t, &rules, "+4930", &next, 0, why, sizeof(why)));
}

static void running_calls_count_ahead(void **state)
{
	rules.calls_at_once = 2;
	toll_began(&t, &rules, "+4930", 0);
	toll_began(&t, &rules, "+4930", 0);
	assert_false(may("+4930", 0));
	assert_non_null(strstr(why, "calls_at_once"));
	toll_ended(&t, &rules, "+4930", 0, &noon);
	assert_true(may("+4930", 0));
}

/* It fails closed. */
static void what_cannot_be_counted_is_refused(void **state)
{
	t.is_uncounted = true;
	assert_false(may("+4930", 0));
	assert_non_null(strstr(why, "toll.state"));
	assert_true(may("200", 0));
}

static void a_storm_of_calls_is_refused(void **state)
{
	int allowed = 0;

	for (int i = 0; i < 3 * TOLL_HOUR_CALLS; i++)
		if (may("+4930", i)) {
			allowed++;
			toll_began(&t, &rules, "+4930", i);
			toll_ended(&t, &rules, "+4930", 0, &noon);
		}
	assert_int_equal(allowed, TOLL_HOUR_CALLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers_are_found_in_targets, set_up),
		cmocka_unit_test_setup(destinations_are_judged, set_up),
		cmocka_unit_test_setup(the_hour_slides, set_up),
		cmocka_unit_test_setup(the_night_is_quieter, set_up),
		cmocka_unit_test_setup(minutes_and_money_of_a_day, set_up),
		cmocka_unit_test_setup(running_calls_count_ahead, set_up),
		cmocka_unit_test_setup(what_cannot_be_counted_is_refused, set_up),
		cmocka_unit_test_setup(a_storm_of_calls_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
