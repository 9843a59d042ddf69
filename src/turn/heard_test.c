/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "turn/heard.h"

#define TEXT "Hello, your table at 3:30 is booked."

/* Word ends as an engine tells them: without the comma, and inside "3:30". */
static const struct heard_mark marks[] = {{5, 4000}, {12, 6000}, {18, 9000}, {21, 10000}, {22, 12000}, {25, 14000},
	{28, 15000}, {35, 19000}};
static const struct heard full = {TEXT, 20000, true, marks, ARRAY_LEN(marks)};

static void check(const struct heard *h, uint32_t played, const char *want)
{
	assert_span_equal(span(h->text, heard_bytes(h, played, 8000)), want);
}

static void with_marks_a_word_counts_once_it_is_spoken_out(void **state)
{
	check(&full, 0, "");
	check(&full, 3999, "");
	check(&full, 4000, "Hello,");
	check(&full, 11999, "Hello, your table at");
	check(&full, 12000, "Hello, your table at"); /* "3" of "3:30" */
	check(&full, 14000, "Hello, your table at 3:30");
	check(&full, 19000, TEXT);
	check(&full, 20000, TEXT);
	check(&full, UINT32_MAX, TEXT);
}

static void without_marks_time_is_spread_over_the_letters(void **state)
{
	struct heard h = {TEXT, 36000, true, NULL, 0};

	check(&h, 3000, "");
	check(&h, 7000, "Hello,");
	check(&h, 20500, "Hello, your table at");
	check(&h, 35900, "Hello, your table at 3:30 is");
	check(&h, 36000, TEXT);
}

static void without_anything_a_usual_rate_is_assumed(void **state)
{
	struct heard h = {TEXT, 4000, false, NULL, 0};

	check(&h, 8000, "Hello, your");
	check(&h, 800000, TEXT);
}

static void marks_of_a_broken_engine_are_harmless(void **state)
{
	static const struct heard_mark wild[] = {{500, 10}, {3, 20}, {UINT32_MAX, 30}};
	struct heard h = {"¿Qué tal está?", 100, true, wild, ARRAY_LEN(wild)};

	for (uint32_t played = 0; played < 110; played++) {
		size_t n = heard_bytes(&h, played, 8000);

		assert_true(n <= strlen(h.text));
		assert_true(n == strlen(h.text) || n == 0 || h.text[n] == ' ');
	}
	h = (struct heard){"", 0, true, NULL, 0};
	check(&h, 0, "");
	h = (struct heard){"", 0, false, NULL, 0};
	check(&h, 10, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_marks_a_word_counts_once_it_is_spoken_out),
		cmocka_unit_test(without_marks_time_is_spread_over_the_letters),
		cmocka_unit_test(without_anything_a_usual_rate_is_assumed),
		cmocka_unit_test(marks_of_a_broken_engine_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
