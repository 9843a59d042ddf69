/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/calendar.h"

static struct calendar_slot slots[] = {
	{.days = 0x1f, .from_min = 8 * 60, .to_min = 12 * 60},
	{.days = 0x1f, .from_min = 13 * 60, .to_min = 17 * 60 + 30},
	{.days = 0x20, .from_min = 22 * 60, .to_min = 4 * 60}, /* Saturday night */
};
static struct calendar_holiday holidays[] = {
	{.kind = HOLIDAY_YEARLY, .month = 12, .day = 25, .text = "12-25"},
	{.kind = HOLIDAY_ONCE, .year = 2026, .month = 12, .day = 24, .text = "2026-12-24"},
	{.kind = HOLIDAY_EASTER, .easter_days = 1, .text = "easter+1"},
};
static struct calendar calendar = {.name = "office", .slots = slots, .slot_count = 3, .holidays = holidays, .holiday_count = 3};

static bool is_open(int year, int month, int day, int hour, int minute)
{
	struct calendar_state s;

	calendar_at(&calendar, tz_unix(NULL, &(struct tz_time){.year = year, .month = month, .day = day, .hour = hour, .minute = minute}),
		&s);

	return s.is_open;
}

static void hours_open_and_close(void **state)
{
	/* 2026-11-23 is a Monday */
	assert_false(is_open(2026, 11, 23, 7, 59));
	assert_true(is_open(2026, 11, 23, 8, 0));
	assert_true(is_open(2026, 11, 23, 11, 59));
	assert_false(is_open(2026, 11, 23, 12, 0));
	assert_true(is_open(2026, 11, 23, 17, 29));
	assert_false(is_open(2026, 11, 23, 17, 30));
	assert_false(is_open(2026, 11, 28, 9, 0));
}

static void a_night_belongs_to_the_day_it_begins(void **state)
{
	assert_true(is_open(2026, 11, 28, 23, 0));
	assert_true(is_open(2026, 11, 29, 3, 59));
	assert_false(is_open(2026, 11, 29, 4, 0));
	assert_false(is_open(2026, 11, 28, 3, 0)); /* Friday has no night */
	/* Saturday 2027-12-25 is a holiday: its night is closed, into Sunday */
	assert_false(is_open(2027, 12, 26, 1, 0));
	assert_true(is_open(2027, 12, 19, 1, 0));
}

static void holidays_close(void **state)
{
	assert_false(is_open(2026, 12, 24, 9, 0));
	assert_true(is_open(2027, 12, 24, 9, 0));
	assert_false(is_open(2026, 12, 25, 9, 0));
	assert_false(is_open(2026, 4, 6, 9, 0));  /* Easter Monday */
	assert_false(is_open(2027, 3, 29, 9, 0)); /* another year's */
	assert_true(is_open(2026, 4, 7, 9, 0));
}

static void no_hours_means_always(void **state)
{
	struct calendar c = {.holidays = holidays, .holiday_count = 1};
	struct calendar_state s;

	calendar_at(&c, 0, &s);
	assert_true(s.is_open);
	calendar_at(&c, tz_days(2026, 12, 25) * 86400, &s);
	assert_true(!s.is_open && s.holiday == &holidays[0]);
}

static void texts_are_read(void **state)
{
	struct calendar_slot slot;
	struct calendar_holiday h;
	uint8_t days;

	assert_true(calendar_parse_days(SPAN_LIT("mon-fri"), &days) && days == 0x1f);
	assert_true(calendar_parse_days(SPAN_LIT("Sat, sun"), &days) && days == 0x60);
	assert_true(calendar_parse_days(SPAN_LIT("fri-mon"), &days) && days == 0x71);
	assert_true(calendar_parse_days(SPAN_LIT("daily"), &days) && days == 0x7f);
	assert_false(calendar_parse_days(SPAN_LIT("monday"), &days) || calendar_parse_days(SPAN_LIT(""), &days));
	assert_true(calendar_parse_slot(SPAN_LIT("8:00 - 24:00"), &slot) && slot.from_min == 480 && slot.to_min == 1440);
	assert_false(calendar_parse_slot(SPAN_LIT("8-12"), &slot) || calendar_parse_slot(SPAN_LIT("08:00-24:01"), &slot) ||
		calendar_parse_slot(SPAN_LIT("24:00-08:00"), &slot) || calendar_parse_slot(SPAN_LIT("08:60-09:00"), &slot));
	assert_true(calendar_parse_holiday(SPAN_LIT("easter-2"), &h) && h.easter_days == -2);
	assert_true(calendar_parse_holiday(SPAN_LIT("easter"), &h) && h.easter_days == 0);
	assert_true(calendar_parse_holiday(SPAN_LIT("02-29"), &h) && h.kind == HOLIDAY_YEARLY);
	assert_true(calendar_parse_holiday(SPAN_LIT("2026-12-24"), &h) && h.kind == HOLIDAY_ONCE);
	assert_false(calendar_parse_holiday(SPAN_LIT("2026-02-29"), &h) || calendar_parse_holiday(SPAN_LIT("13-01"), &h) ||
		calendar_parse_holiday(SPAN_LIT("easter*2"), &h) || calendar_parse_holiday(SPAN_LIT("12"), &h) ||
		calendar_parse_holiday(SPAN_LIT("04-31"), &h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hours_open_and_close),
		cmocka_unit_test(a_night_belongs_to_the_day_it_begins),
		cmocka_unit_test(holidays_close),
		cmocka_unit_test(no_hours_means_always),
		cmocka_unit_test(texts_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
