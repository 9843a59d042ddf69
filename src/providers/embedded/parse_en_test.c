/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "providers/embedded/parse_en.h"

/* All sentences are said on Sunday the 22nd of November 2026. */
static const struct civil now = {2026, 11, 22};

static struct parsed parse(const char *text, enum parse_expect expect)
{
	struct parse_context context = {calendar_day(now), expect};
	struct parsed parsed;

	parse_en(span_z(text), &context, &parsed);

	return parsed;
}

static void calendar_is_gregorian(void **state)
{
	assert_int_equal(calendar_day((struct civil){1970, 1, 1}), 0);
	assert_int_equal(calendar_weekday(0), 3);
	assert_int_equal(calendar_weekday(calendar_day(now)), 6);
	for (int32_t day = -200000; day < 200000; day += 7)
		assert_int_equal(calendar_day(calendar_civil(day)), day);
	assert_int_equal(calendar_month_days(2028, 2), 29);
	assert_int_equal(calendar_month_days(2100, 2), 28);
	assert_int_equal(calendar_month_days(2026, 12), 31);
}

static void days_are_understood(void **state)
{
	static const struct {
		const char *text;
		struct civil day;
	} cases[] = {
		{"today", {2026, 11, 22}},
		{"tomorrow please", {2026, 11, 23}},
		{"the day after tomorrow", {2026, 11, 24}},
		{"Tuesday", {2026, 11, 24}},
		{"on sunday", {2026, 11, 29}},
		{"next tuesday", {2026, 11, 24}},
		{"Tuesday next week", {2026, 11, 24}},
		{"this coming friday at two", {2026, 11, 27}},
		{"the fifth of march", {2027, 3, 5}},
		{"March 5th", {2027, 3, 5}},
		{"march the twenty first", {2027, 3, 21}},
		{"december first", {2026, 12, 1}},
		{"november twenty second", {2026, 11, 22}},
		{"the fifth", {2026, 12, 5}},
		{"the thirty first", {2026, 12, 31}},
		{"monday the thirtieth", {2026, 11, 30}},
		{"friday the fourth of december", {2026, 12, 4}},
		{"in three days", {2026, 11, 25}},
		{"in a week", {2026, 11, 29}},
		{"no I said Wednesday, not Tuesday", {2026, 11, 25}},
		{"not tuesday wednesday", {2026, 11, 25}},
		{"february twenty ninth", {0}},
		{"at ten", {0}},
		{"give me a second", {0}},
		{"may i come in", {0}},
		{"hold on one second", {0}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].text, EXPECT_DAY);
		struct civil day = p.has_day ? calendar_civil(p.day) : (struct civil){0};

		if (memcmp(&day, &cases[i].day, sizeof(day)) != 0)
			fail_msg("%s: %d-%d-%d", cases[i].text, day.year, day.month, day.day);
	}
}

static void times_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum parse_expect expect;
		int minute; /* -1: none */
	} cases[] = {
		{"at ten", EXPECT_DAY, 600},
		{"ten", EXPECT_TIME, 600},
		{"ten", EXPECT_DAY, -1},
		{"two", EXPECT_TIME, 840},
		{"ten o'clock please", EXPECT_DAY, 600},
		{"half past two", EXPECT_DAY, 870},
		{"a quarter to four", EXPECT_DAY, 945},
		{"quarter past nine in the morning", EXPECT_DAY, 555},
		{"ten past eleven", EXPECT_DAY, 670},
		{"two thirty p m", EXPECT_DAY, 870},
		{"two thirty", EXPECT_DAY, 870},
		{"eight thirty", EXPECT_TIME, 510},
		{"seven in the evening", EXPECT_TIME, 1140},
		{"eight p m", EXPECT_TIME, 1200},
		{"twelve a m", EXPECT_TIME, 0},
		{"twelve thirty", EXPECT_TIME, 750},
		{"noon", EXPECT_DAY, 720},
		{"2:30 pm", EXPECT_ANY, 870},
		{"3pm", EXPECT_ANY, 900},
		{"10:00", EXPECT_ANY, 600},
		{"14:45", EXPECT_ANY, 885},
		{"nine oh five", EXPECT_ANY, 545},
		{"at two oh five", EXPECT_ANY, 845},
		{"tuesday at three", EXPECT_DAY, 900},
		{"march twenty first at ten forty five", EXPECT_DAY, 645},
		{"make it four", EXPECT_YESNO, 960},
		{"no I said five", EXPECT_YESNO, 1020},
		{"in two days", EXPECT_TIME, -1},
		{"the fifth of march", EXPECT_TIME, -1},
		{"i am here", EXPECT_TIME, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].text, cases[i].expect);
		int minute = p.has_time ? p.minute : -1;

		if (minute != cases[i].minute)
			fail_msg("%s: %d", cases[i].text, minute);
	}
	assert_int_equal(parse("in the afternoon", EXPECT_TIME).part, PART_AFTERNOON);
	assert_int_equal(parse("tomorrow morning", EXPECT_DAY).part, PART_MORNING);
	assert_int_equal(parse("good morning", EXPECT_ANY).part, PART_UNKNOWN);
}

static void names_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum parse_expect expect;
		const char *name;
		bool is_full;
	} cases[] = {
		{"my name is john smith", EXPECT_NAME, "John Smith", true},
		{"My name is Sarah Miller.", EXPECT_ANY, "Sarah Miller", true},
		{"sarah miller", EXPECT_NAME, "Sarah Miller", true},
		{"uh sarah miller please", EXPECT_NAME, "Sarah Miller", true},
		{"it's maria garcia", EXPECT_NAME, "Maria Garcia", true},
		{"this is robert johnson", EXPECT_ANY, "Robert Johnson", true},
		{"john", EXPECT_NAME, "John", false},
		{"my name is doctor brown", EXPECT_NAME, "Brown", false},
		{"s m i t h", EXPECT_NAME, "Smith", false},
		{"john smyth s m i t h", EXPECT_NAME, "John Smith", true},
		{"no my name is laura martin", EXPECT_YESNO, "Laura Martin", true},
		{"tuesday", EXPECT_NAME, "", false},
		{"yes that's right", EXPECT_NAME, "", false},
		{"it's tuesday", EXPECT_ANY, "", false},
		{"i'm calling about tomorrow", EXPECT_ANY, "", false},
		{"sarah miller", EXPECT_DAY, "", false},
		{"can you repeat that please", EXPECT_NAME, "", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].text, cases[i].expect);

		if (strcmp(p.has_name ? p.name : "", cases[i].name) != 0 || p.is_full_name != cases[i].is_full)
			fail_msg("%s: \"%s\"", cases[i].text, p.name);
	}
}

static void intents_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum parse_expect expect;
		enum parse_intent intent;
		bool is_correction;
	} cases[] = {
		{"I'd like to make an appointment", EXPECT_ANY, PARSE_BOOK, false},
		{"can i book an appointment for friday", EXPECT_ANY, PARSE_BOOK, false},
		{"could i talk to a person please", EXPECT_DAY, PARSE_HUMAN, false},
		{"operator", EXPECT_DAY, PARSE_HUMAN, false},
		{"yes", EXPECT_YESNO, PARSE_YES, false},
		{"yes please", EXPECT_YESNO, PARSE_YES, false},
		{"that's right", EXPECT_YESNO, PARSE_YES, false},
		{"that's not right", EXPECT_YESNO, PARSE_NO, false},
		{"no thank you", EXPECT_YESNO, PARSE_NO, false},
		{"no that's all", EXPECT_YESNO, PARSE_BYE, false},
		{"goodbye", EXPECT_ANY, PARSE_BYE, false},
		{"thanks", EXPECT_ANY, PARSE_THANKS, false},
		{"hello", EXPECT_ANY, PARSE_GREETING, false},
		{"good morning", EXPECT_ANY, PARSE_GREETING, false},
		{"can you repeat that", EXPECT_DAY, PARSE_REPEAT, false},
		{"help", EXPECT_DAY, PARSE_HELP, false},
		{"hold on a second", EXPECT_DAY, PARSE_WAIT, false},
		{"start over", EXPECT_DAY, PARSE_RESTART, false},
		{"what are your opening hours", EXPECT_ANY, PARSE_HOURS, false},
		{"how much does it cost", EXPECT_ANY, PARSE_PRICE, false},
		{"where are you located", EXPECT_ANY, PARSE_WHERE, false},
		{"i need to cancel my appointment", EXPECT_ANY, PARSE_CANCEL, false},
		{"can i reschedule my appointment to monday", EXPECT_ANY, PARSE_RESCHEDULE, false},
		{"no i said wednesday", EXPECT_TIME, PARSE_NONE, true},
		{"make it thursday", EXPECT_YESNO, PARSE_NONE, true},
		{"actually half past four", EXPECT_YESNO, PARSE_NONE, true},
		{"change the day", EXPECT_YESNO, PARSE_NONE, true},
		{"the time", EXPECT_YESNO, PARSE_NONE, true},
		{"no wednesday", EXPECT_YESNO, PARSE_NONE, true},
		{"the quick brown fox", EXPECT_DAY, PARSE_NONE, false},
		{"", EXPECT_DAY, PARSE_NONE, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].text, cases[i].expect);

		if (p.intent != cases[i].intent || p.is_correction != cases[i].is_correction)
			fail_msg("%s: intent %d, correction %d", cases[i].text, p.intent, p.is_correction);
	}
}

static void broken_off_sentences_dangle(void **state)
{
	assert_true(parse("half past", EXPECT_TIME).is_dangling);
	assert_true(parse("the fifth of", EXPECT_DAY).is_dangling);
	assert_true(parse("my name is", EXPECT_NAME).is_dangling);
	assert_false(parse("half past two", EXPECT_TIME).is_dangling);
	assert_false(parse("", EXPECT_TIME).is_dangling);
}

/* Whatever the words: no reading outside, days that exist, times of a day. */
static void word_salad_is_survived(void **state)
{
	static const char *const words[] = {"the", "first", "twenty", "of", "may", "half", "past", "to", "two", "oh", "p",
		"m", "in", "a", "next", "monday", "not", "31st", "2:75", "99", "s", "week", "no", "i", "said", "it's", "ten",
		"thirty", "february", "name", "is", "o'clock", "quarter", "\xff", "day", "after", "tomorrow"};
	uint64_t seed = test_seed();
	char text[900];

	for (int run = 0; run < 20000; run++) {
		uint32_t count = prng_u32(&seed) % 80;

		text[0] = 0;
		for (uint32_t i = 0, at = 0; i < count; i++)
			at += (uint32_t)snprintf(text + at, sizeof(text) - at, "%s ",
				words[prng_u32(&seed) % ARRAY_LEN(words)]);

		struct parsed p = parse(text, prng_u32(&seed) % 5);

		assert_true(!p.has_time || (p.minute >= 0 && p.minute < 1440));
		assert_true(!p.has_day || p.day >= calendar_day(now));
		assert_true(!p.has_name || p.name[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calendar_is_gregorian),
		cmocka_unit_test(days_are_understood),
		cmocka_unit_test(times_are_understood),
		cmocka_unit_test(names_are_understood),
		cmocka_unit_test(intents_are_understood),
		cmocka_unit_test(broken_off_sentences_dangle),
		cmocka_unit_test(word_salad_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
