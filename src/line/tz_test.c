/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/tz.h"
#include <time.h>

static struct tz *load(const char *zone)
{
	auto_free char *path = mem_format("/usr/share/zoneinfo/%s", zone);
	FILE *f = fopen(path, "re");
	static char text[1 << 16];
	struct tz *tz = NULL;

	if (!f) {
		print_message("no %s: install tzdata\n", path);
		skip();
	}

	size_t n = fread(text, 1, sizeof(text), f);

	fclose(f);
	assert_int_equal(tz_parse(&tz, span(text, n)), 0);

	return tz;
}

/* As the C library has it, for zones of every kind: half hours, the south, Ramadan rules, no rules, far past and future. */
static void local_time_is_that_of_the_c_library(void **state)
{
	static const char *const zones[] = {"Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "Asia/Kolkata",
		"Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Tehran", "Asia/Tokyo", "Etc/UTC",
		"Antarctica/Troll", "Pacific/Chatham", "America/Nuuk", "Asia/Gaza", "Europe/Moscow", "Africa/Cairo"};
	uint64_t seed = test_seed();

	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct tz *tz = load(zones[i]);

		setenv("TZ", zones[i], 1);
		tzset();
		for (int k = 0; k < 3000; k++) {
			int64_t range = INT64_C(200) * 366 * 86400;
			int64_t at = (int64_t)(((uint64_t)prng_u32(&seed) << 32 | prng_u32(&seed)) % (uint64_t)range) - INT64_C(60) * 366 * 86400;
			time_t t = (time_t)at;
			struct tz_time got;
			struct tm tm;

			localtime_r(&t, &tm);
			tz_local(tz, at, &got);
			if (got.offset_s != tm.tm_gmtoff || got.year != tm.tm_year + 1900 || got.month != tm.tm_mon + 1 ||
				got.day != tm.tm_mday || got.hour != tm.tm_hour || got.minute != tm.tm_min ||
				got.second != tm.tm_sec || got.weekday != (tm.tm_wday + 6) % 7)
				fail_msg("%s at %" PRId64 ": %d-%02d-%02d %02d:%02d:%02d %+d", zones[i], at, got.year, got.month, got.day,
					got.hour, got.minute, got.second, got.offset_s);
		}
		tz_free(tz);
	}
	unsetenv("TZ");
	tzset();
}

static int64_t at(const struct tz *tz, int year, int month, int day, int hour, int minute)
{
	return tz_unix(tz, &(struct tz_time){.year = year, .month = month, .day = day, .hour = hour, .minute = minute});
}

/* Berlin: at 02:00 on the last Sunday of March it is 03:00 at once, at 03:00 on that of October 02:00 again. */
static void the_edges_of_summer_time(void **state)
{
	struct tz *tz = load("Europe/Berlin");
	struct tz_time t;

	assert_int_equal(at(tz, 2026, 3, 29, 1, 59), 1774745940);
	assert_int_equal(at(tz, 2026, 3, 29, 3, 0), 1774746000);
	/* skipped: as if winter went on, which is 03:30 by the clock */
	assert_int_equal(at(tz, 2026, 3, 29, 2, 30), 1774747800);
	tz_local(tz, 1774745999, &t);
	assert_true(t.hour == 1 && t.minute == 59 && t.offset_s == 3600);
	tz_local(tz, 1774746000, &t);
	assert_true(t.hour == 3 && t.minute == 0 && t.offset_s == 7200 && t.weekday == 6);
	/* twice: the first */
	assert_int_equal(at(tz, 2026, 10, 25, 2, 30), 1792888200);
	tz_local(tz, 1792888200, &t);
	assert_true(t.hour == 2 && t.minute == 30 && t.offset_s == 7200);
	tz_local(tz, 1792888200 + 3600, &t);
	assert_true(t.hour == 2 && t.minute == 30 && t.offset_s == 3600);
	tz_free(tz);
}

static void there_and_back(void **state)
{
	struct tz *tz = load("America/New_York");
	uint64_t seed = test_seed();

	for (int i = 0; i < 5000; i++) {
		int64_t unix_s = prng_u32(&seed);
		struct tz_time t, again;

		tz_local(tz, unix_s, &t);

		int64_t back = tz_unix(tz, &t);

		tz_local(tz, back, &again);
		/* the second coming of an hour maps to its first */
		assert_true(back == unix_s || (unix_s - back == 3600 && again.hour == t.hour && again.minute == t.minute));
	}
	tz_free(tz);
}

static void dates_and_easter(void **state)
{
	static const int easters[][3] = {{2024, 3, 31}, {2025, 4, 20}, {2026, 4, 5}, {2027, 3, 28}, {2038, 4, 25}, {1961, 4, 2}, {2285, 3, 22}};
	int y, m, d;

	assert_int_equal(tz_days(1970, 1, 1), 0);
	assert_int_equal(tz_days(2000, 2, 29), 11016);
	for (int64_t day = -200000; day < 200000; day += 7) {
		tz_date(day, &y, &m, &d);
		assert_int_equal(tz_days(y, m, d), day);
	}
	for (size_t i = 0; i < ARRAY_LEN(easters); i++)
		assert_int_equal(tz_easter(easters[i][0]), tz_days(easters[i][0], easters[i][1], easters[i][2]));
}

static void broken_files_and_names_are_refused(void **state)
{
	struct tz *tz;
	char text[200] = "TZif2";

	assert_int_equal(tz_parse(&tz, SPAN_LIT("")), -TR_EPARSE);
	assert_int_equal(tz_parse(&tz, SPAN_LIT("TZif2")), -TR_EPARSE);
	memset(text + 20, 0xff, 24);
	assert_int_equal(tz_parse(&tz, span(text, sizeof(text))), -TR_EPARSE);
	assert_true(tz_name_is_safe("America/Argentina/Buenos_Aires") && tz_name_is_safe("Etc/GMT+5"));
	assert_false(tz_name_is_safe("../../etc/passwd") || tz_name_is_safe("/etc/passwd") || tz_name_is_safe(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_time_is_that_of_the_c_library),
		cmocka_unit_test(the_edges_of_summer_time),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(dates_and_easter),
		cmocka_unit_test(broken_files_and_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
