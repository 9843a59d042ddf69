/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/number.h"
#include "line/route.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct calendar_slot weekdays = {.days = 0x1f, .from_min = 8 * 60, .to_min = 17 * 60};
static struct calendar_holiday christmas = {.kind = HOLIDAY_YEARLY, .month = 12, .day = 25, .text = "12-25"};
static struct calendar hours = {.name = "hours", .slots = &weekdays, .slot_count = 1, .holidays = &christmas, .holiday_count = 1};

/* Monday 2026-11-23 09:00 UTC */
#define MONDAY_9 INT64_C(1795424400)

static char why[ROUTE_WHY_TEXT];

static const char *decide(const struct route_config *routes, size_t n, struct route_request rq)
{
	const struct route_config *r = route_decide(routes, n, &rq, why, sizeof(why));

	return !r ? "none" : r->agent ? r->agent : "reject";
}

static void the_first_route_that_fits_decides(void **state)
{
	const struct route_config routes[] = {
		{.file_line = 10, .lines = LIST("office"), .to = LIST("20*"), .agent = "sales"},
		{.file_line = 11, .lines = LIST("office"), .to = LIST("300"), .from = LIST("5551234"), .agent = "vip"},
		{.file_line = 12, .lines = LIST("trunk", "backup"), .agent = "reception"},
	};
	struct route_request rq = {.line = "office", .to = "201", .from = "1"};

	assert_string_equal(decide(routes, 3, rq), "sales");
	assert_string_equal(why, "route in line 10 of the file: line office, to 20*, from any");
	rq.to = "300";
	rq.from = "5551234";
	assert_string_equal(decide(routes, 3, rq), "vip");
	rq.line = "backup";
	assert_string_equal(decide(routes, 3, rq), "reception");
	/* what came nearest is named */
	rq.line = "office";
	rq.from = "7";
	assert_string_equal(decide(routes, 3, rq), "none");
	assert_string_equal(why, "route in line 11 of the file wants a caller 5551234, this was 7");
	rq.line = "home";
	assert_string_equal(decide(routes, 3, rq), "none");
	assert_string_equal(why, "the call came on line home, no route names it");
	assert_string_equal(decide(routes, 0, rq), "none");
}

static void dids_fit_raw_or_as_e164(void **state)
{
	const struct route_config routes[] = {{.to = LIST("+4930123450-499", "017*"), .agent = "a"}};
	struct route_request rq = {.line = "t", .to = "030123455", .to_e164 = "+4930123455", .from = ""};

	assert_string_equal(decide(routes, 1, rq), "a");
	rq.to_e164 = "+4930123500";
	assert_string_equal(decide(routes, 1, rq), "none");
	assert_non_null(strstr(why, "this was 030123455 (+4930123500)"));
	rq.to = "01712345";
	assert_string_equal(decide(routes, 1, rq), "a");
}

static void time_and_holidays(void **state)
{
	const struct route_config routes[] = {
		{.file_line = 1, .when = {.holiday = &hours}, .agent = "holiday"},
		{.file_line = 2, .when = {.during = &hours}, .agent = "day"},
		{.file_line = 3, .when = {.outside = &hours}, .agent = "night"},
	};
	struct route_request rq = {.line = "t", .to = "", .from = "", .now_unix_s = MONDAY_9};

	assert_string_equal(decide(routes, 3, rq), "day");
	assert_non_null(strstr(why, "during hours (open, Mon 09:00 in UTC)"));
	rq.now_unix_s += 12 * 3600;
	assert_string_equal(decide(routes, 3, rq), "night");
	rq.now_unix_s = tz_days(2026, 12, 25) * 86400 + 9 * 3600;
	assert_string_equal(decide(routes, 3, rq), "holiday");
	assert_non_null(strstr(why, "holiday 12-25"));
	assert_string_equal(decide(routes + 1, 1, rq), "none");
	assert_string_equal(why, "route in line 2 of the file wants a time during hours (closed, Fri 09:00 in UTC, holiday 12-25)");
}

static uint32_t five(void *ctx, const char *agent)
{
	return strcmp(agent, "busy") == 0 ? 5 : 0;
}

static void language_load_and_rejection(void **state)
{
	const struct route_config routes[] = {
		{.file_line = 1, .language = "de", .agent = "german"},
		{.file_line = 2, .max_calls = 5, .agent = "busy"},
		{.file_line = 3, .from = LIST("anonymous"), .reject = 433},
		{.file_line = 4, .max_calls = 6, .agent = "busy"},
	};
	struct route_request rq = {.line = "t", .to = "", .from = "1", .calls_of = five, .language = "de-AT"};

	assert_string_equal(decide(routes, 4, rq), "german");
	rq.language = "den";
	assert_string_equal(decide(routes, 2, rq), "none");
	assert_string_equal(why, "route in line 2 of the file takes up to 5 calls of agent busy, it has 5");
	assert_string_equal(decide(routes, 4, rq), "busy");
	rq.from = "anonymous";
	assert_string_equal(decide(routes, 4, rq), "reject");
	assert_false(route_fits(&routes[0], &rq, why, sizeof(why)));
	assert_string_equal(why, "wants the language de, the caller's is den");
}

static void calls_out(void **state)
{
	const struct outbound_config rules[] = {
		{.file_line = 1, .to = LIST("+49*"), .lines = LIST("telekom", "sipgate"), .prefix = "9"},
		{.file_line = 2, .agents = LIST("sales"), .lines = LIST("twilio"), .is_least_load = true},
	};
	struct outbound_request rq = {.to = "030123456", .to_e164 = "+4930123456", .agent = "sales"};
	char number[NUMBER_TEXT];

	assert_ptr_equal(outbound_decide(rules, 2, &rq, why, sizeof(why)), &rules[0]);
	assert_string_equal(why, "outbound rule in line 1 of the file: to +49*: the first usable of telekom, sipgate");
	outbound_number(&rules[0], "030", number);
	assert_string_equal(number, "9030");
	rq.to = rq.to_e164 = "+1202";
	assert_ptr_equal(outbound_decide(rules, 2, &rq, why, sizeof(why)), &rules[1]);
	rq.agent = "reception";
	assert_null(outbound_decide(rules, 2, &rq, why, sizeof(why)));
	outbound_number(&(struct outbound_config){.strip = 99}, "123", number);
	assert_string_equal(number, "");
}

/* Long lists and names are cut, not written beyond. */
static void explanations_are_bounded(void **state)
{
	static char name[300];
	const struct route_config r = {.lines = LIST("x"), .agent = "a"};
	struct route_request rq = {.line = name, .to = "", .from = ""};
	char small[10];

	memset(name, 'n', sizeof(name) - 1);
	assert_false(route_fits(&r, &rq, why, sizeof(why)));
	assert_int_equal(strlen(why), sizeof(why) - 1);
	assert_null(route_decide(&r, 1, &rq, small, sizeof(small)));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_route_that_fits_decides), cmocka_unit_test(dids_fit_raw_or_as_e164),
		cmocka_unit_test(time_and_holidays),		     cmocka_unit_test(language_load_and_rejection),
		cmocka_unit_test(calls_out),			     cmocka_unit_test(explanations_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
