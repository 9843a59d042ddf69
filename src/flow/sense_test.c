/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "flow/flow_priv.h"

/* What English sentences mean to the receptionist. All are said on Sunday the 22nd of November 2026. */
static const struct civil now = {2026, 11, 22};
static struct flow *flow;
static int day_slot, time_slot, name_slot;

enum expect { EXPECT_ANY, EXPECT_DAY, EXPECT_TIME, EXPECT_NAME, EXPECT_YESNO };

static int load(void **state)
{
	static struct flow_faults faults;

	if (flow_load(&flow, &(struct flow_source){.name = "receptionist"}, &faults, NULL) != 0)
		return -1;
	day_slot = flow_find_slot(flow, SPAN_LIT("day"));
	time_slot = flow_find_slot(flow, SPAN_LIT("time"));
	name_slot = flow_find_slot(flow, SPAN_LIT("name"));

	return 0;
}

static int unload(void **state)
{
	flow = flow_unref(flow);

	return 0;
}

static struct sense parse(const char *text, enum expect expect)
{
	const int asked[] = {-1, day_slot, time_slot, name_slot, -1};
	const uint8_t slots[] = {(uint8_t)day_slot, (uint8_t)time_slot, (uint8_t)name_slot};
	struct sense_ask ask = {.flow = flow, .today = calendar_day(now), .slots = slots, .slot_count = 3, .asked = asked[expect],
		.is_change = expect == EXPECT_YESNO};
	struct sense sense;

	flow_sense(&ask, span_z(text), &sense);

	return sense;
}

static const struct value *slot(const struct sense *s, int index)
{
	return &s->values[index];
}

static int32_t minute_of(const struct sense *s)
{
	return slot(s, time_slot)->is_set ? value_settle_time(slot(s, time_slot), s->part, 7 * 60, 19 * 60) : -1;
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
		struct sense p = parse(cases[i].text, EXPECT_DAY);
		struct civil day = slot(&p, day_slot)->is_set ? calendar_civil((int32_t)slot(&p, day_slot)->number) : (struct civil){0};

		if (memcmp(&day, &cases[i].day, sizeof(day)) != 0)
			fail_msg("%s: %d-%d-%d", cases[i].text, day.year, day.month, day.day);
	}
}

static void times_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum expect expect;
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
		struct sense p = parse(cases[i].text, cases[i].expect);
		int minute = minute_of(&p);

		if (minute != cases[i].minute)
			fail_msg("%s: %d", cases[i].text, minute);
	}
	assert_int_equal(parse("in the afternoon", EXPECT_TIME).part, LANG_PART_AFTERNOON);
	assert_int_equal(parse("tomorrow morning", EXPECT_DAY).part, LANG_PART_MORNING);
	assert_int_equal(parse("good morning", EXPECT_ANY).part, LANG_PART_NONE);
}

static void names_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum expect expect;
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
		struct sense p = parse(cases[i].text, cases[i].expect);

		if (strcmp(slot(&p, name_slot)->text, cases[i].name) != 0 || slot(&p, name_slot)->is_exact != cases[i].is_full)
			fail_msg("%s: \"%s\"", cases[i].text, slot(&p, name_slot)->text);
	}
}

static const char *intent_of(const struct sense *s)
{
	if (s->intent >= 0)
		return flow->intents[s->intent].name;
	if (s->command)
		return lang_command_names[s->command];
	if (s->filled || s->named || s->part)
		return "";

	return s->has_no ? "no" : s->has_yes ? "yes" : "";
}

static void intents_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum expect expect;
		const char *intent;
		bool is_correction;
	} cases[] = {
		{"I'd like to make an appointment", EXPECT_ANY, "book", false},
		{"can i book an appointment for friday", EXPECT_ANY, "book", false},
		{"could i talk to a person please", EXPECT_DAY, "human", false},
		{"operator", EXPECT_DAY, "human", false},
		{"yes", EXPECT_YESNO, "yes", false},
		{"yes please", EXPECT_YESNO, "yes", false},
		{"that's right", EXPECT_YESNO, "yes", false},
		{"that's not right", EXPECT_YESNO, "no", false},
		{"no thank you", EXPECT_YESNO, "no", false},
		{"no that's all", EXPECT_YESNO, "goodbye", false},
		{"goodbye", EXPECT_ANY, "goodbye", false},
		{"thanks", EXPECT_ANY, "thanks", false},
		{"hello", EXPECT_ANY, "greeting", false},
		{"good morning", EXPECT_ANY, "greeting", false},
		{"can you repeat that", EXPECT_DAY, "repeat", false},
		{"help", EXPECT_DAY, "help", false},
		{"hold on a second", EXPECT_DAY, "wait", false},
		{"start over", EXPECT_DAY, "start_over", false},
		{"what are your opening hours", EXPECT_ANY, "hours", false},
		{"how much does it cost", EXPECT_ANY, "prices", false},
		{"where are you located", EXPECT_ANY, "address", false},
		{"i need to cancel my appointment", EXPECT_ANY, "existing", false},
		{"can i reschedule my appointment to monday", EXPECT_ANY, "existing", false},
		{"no i said wednesday", EXPECT_TIME, "", true},
		{"make it thursday", EXPECT_YESNO, "", true},
		{"actually half past four", EXPECT_YESNO, "", true},
		{"change the day", EXPECT_YESNO, "", true},
		{"the time", EXPECT_YESNO, "", true},
		{"no wednesday", EXPECT_YESNO, "", true},
		{"the quick brown fox", EXPECT_DAY, "", false},
		{"", EXPECT_DAY, "", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sense p = parse(cases[i].text, cases[i].expect);

		if (strcmp(intent_of(&p), cases[i].intent) != 0 || p.is_correction != cases[i].is_correction)
			fail_msg("%s: \"%s\", correction %d", cases[i].text, intent_of(&p), p.is_correction);
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
		"thirty", "february", "name", "is", "o'clock", "quarter", "\xff", "day", "after", "tomorrow", "double", "$12.50", "hundred",
		"thousand", "and", "change", "appointment"};
	uint64_t seed = test_seed();
	char text[900];

	for (int run = 0; run < 5000; run++) {
		uint32_t count = prng_u32(&seed) % 80;

		text[0] = 0;
		for (uint32_t i = 0, at = 0; i < count; i++)
			at += (uint32_t)snprintf(text + at, sizeof(text) - at, "%s ",
				words[prng_u32(&seed) % ARRAY_LEN(words)]);

		struct sense s = parse(text, prng_u32(&seed) % 5);
		const struct value *day = slot(&s, day_slot), *minute = slot(&s, time_slot), *name = slot(&s, name_slot);

		assert_true(!minute->is_set || minute->is_any || (minute->number >= 0 && minute->number < 1440));
		/* With a year it may be past: the machine refuses that, not the ear. */
		assert_true(!day->is_set || day->is_any || day->number >= calendar_day((struct civil){1900, 1, 1}));
		assert_true(!name->is_set || name->text[0]);
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

	return cmocka_run_group_tests(tests, load, unload);
}
