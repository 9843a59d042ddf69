/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "flow/flow_priv.h"

/* What is written to be spoken is understood as the same value, in every language. */
static const char *const languages[] = {"en", "es"};
static const struct civil now = {2026, 11, 22};

static struct flow *load(const char *language)
{
	static struct flow_faults faults;
	struct flow *flow = NULL;

	/* Any flow in that language brings it along. */
	assert_int_equal(flow_load(&flow, &(struct flow_source){.name = "survey", .language = language}, &faults, NULL), 0);

	return flow;
}

static struct words words;

static struct value_reading reading(const struct lang *l, const char *text)
{
	words_cut(span_z(text), &words);

	return (struct value_reading){.lang = l, .words = &words, .today = calendar_day(now)};
}

static void numbers_in_words_are_read_back(void **state)
{
	uint64_t seed = test_seed();

	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		struct flow *f = load(languages[k]);

		for (uint32_t i = 0; i < 3000; i++) {
			uint32_t n = i < 1200 ? i : prng_u32(&seed) % (i % 2 ? 1000000 : 999999999);
			char text[300];
			int64_t got = -1;

			lang_number_words(f->lang, n, text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_number(&r, 0, &got) != words.count || got != n)
				fail_msg("%s: %u is \"%s\" is %" PRId64, languages[k], n, text, got);
		}
		flow_unref(f);
	}
}

static void dates_are_read_back(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		struct flow *f = load(languages[k]);

		for (int32_t day = calendar_day(now); day < calendar_day(now) + 365; day++) {
			struct value v = {.is_set = true, .number = day}, got = {0};
			char text[200];

			value_say(f->lang, VALUE_DATE, &v, NULL, text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_date(&r, 0, false, VALUE_FUTURE, &got) != words.count || got.number != day)
				fail_msg("%s: \"%s\"", languages[k], text);
		}
		/* With the year, any day of two centuries. */
		for (int32_t day = calendar_day((struct civil){1930, 1, 1}); day < calendar_day((struct civil){2100, 1, 1}); day += 13) {
			struct value v = {.is_set = true, .number = day}, got = {0};
			char text[200];

			value_say(f->lang, VALUE_DATE, &v, "full", text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_date(&r, 0, false, VALUE_ANY_TENSE, &got) != words.count || got.number != day)
				fail_msg("%s: \"%s\"", languages[k], text);
		}
		flow_unref(f);
	}
}

static void times_are_read_back(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		struct flow *f = load(languages[k]);

		for (int32_t minute = 0; minute < 1440; minute++) {
			struct value v = {.is_set = true, .number = minute, .is_exact = true}, got = {0};
			char text[200];

			value_say(f->lang, VALUE_TIME, &v, NULL, text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_time(&r, 0, false, &got) != words.count || got.number != minute || !got.is_exact)
				fail_msg("%s: %d is \"%s\" is %d", languages[k], minute, text, (int)got.number);
		}
		flow_unref(f);
	}
}

static void money_is_read_back(void **state)
{
	uint64_t seed = test_seed();

	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		struct flow *f = load(languages[k]);

		for (int i = 0; i < 2000; i++) {
			struct value v = {.is_set = true, .number = prng_u32(&seed) % (i % 2 ? 10000 : 10000000)}, got = {0};
			char text[200];

			value_say(f->lang, VALUE_MONEY, &v, NULL, text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_money(&r, 0, false, &got) != words.count || got.number != v.number)
				fail_msg("%s: %" PRId64 " is \"%s\" is %" PRId64, languages[k], v.number, text, got.number);
		}
		flow_unref(f);
	}
}

static void digits_and_letters_are_read_back(void **state)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint64_t seed = test_seed();

	for (size_t k = 0; k < ARRAY_LEN(languages); k++) {
		struct flow *f = load(languages[k]);

		for (int i = 0; i < 2000; i++) {
			bool has_letters = i % 2;
			struct value v = {.is_set = true}, got = {0};
			uint32_t n = 1 + prng_u32(&seed) % 20;
			char text[200];

			for (uint32_t c = 0; c < n; c++)
				v.text[c] = alphabet[prng_u32(&seed) % (has_letters ? 36 : 10)];
			value_say(f->lang, VALUE_SPELLED, &v, NULL, text, sizeof(text));

			struct value_reading r = reading(f->lang, text);

			if (value_read_digits(&r, 0, has_letters, &got) != words.count || strcmp(got.text, v.text) != 0)
				fail_msg("%s: %s is \"%s\" is %s", languages[k], v.text, text, got.text);
			if (has_letters)
				continue;
			value_say(f->lang, VALUE_PHONE, &v, NULL, text, sizeof(text));
			r = reading(f->lang, text);
			if (value_read_phone(&r, 0, &got) != words.count || strcmp(got.text, v.text) != 0)
				fail_msg("%s: %s is \"%s\" is %s", languages[k], v.text, text, got.text);
		}
		flow_unref(f);
	}
}

/* What programs get, they may give back. */
static void programs_read_what_is_written_for_them(void **state)
{
	static const enum value_type types[] = {VALUE_DATE, VALUE_TIME, VALUE_NUMBER, VALUE_MONEY, VALUE_YES_NO};
	uint64_t seed = test_seed();

	for (int i = 0; i < 5000; i++) {
		enum value_type type = types[i % ARRAY_LEN(types)];
		int64_t most = type == VALUE_TIME ? 1440 : type == VALUE_YES_NO ? 2 : type == VALUE_DATE ? 60000 : 100000000;
		struct value v = {.is_set = true, .number = prng_u32(&seed) % most}, got = {0};
		char text[100];

		value_write(type, &v, text, sizeof(text));
		if (!value_parse(type, span_z(text), &got) || got.number != v.number)
			fail_msg("%s %" PRId64 ": %s", value_type_names[type], v.number, text);
	}
}

static void spoken_forms_are_understood(void **state)
{
	static const struct {
		const char *language;
		enum value_type type;
		const char *text, *value; /* as written for programs; "" for none */
	} cases[] = {
		{"en", VALUE_NUMBER, "one hundred and five", "105"},
		{"en", VALUE_NUMBER, "a thousand two hundred", "1200"},
		{"en", VALUE_NUMBER, "nineteen", "19"},
		{"en", VALUE_NUMBER, "twenty and so on", "20"},
		{"en", VALUE_NUMBER, "1,250", "1250"},
		{"en", VALUE_MONEY, "twelve dollars and fifty cents", "12.50"},
		{"en", VALUE_MONEY, "twelve fifty", "12.50"},
		{"en", VALUE_MONEY, "fifty cents", "0.50"},
		{"en", VALUE_MONEY, "$1,250.5", "1250.50"},
		{"en", VALUE_MONEY, "three hundred dollars", "300.00"},
		{"en", VALUE_DIGITS, "double five oh one twenty three", "550123"},
		{"en", VALUE_DIGITS, "one uh two um three", "123"},
		{"en", VALUE_SPELLED, "a as in apple bravo double l seven", "ABLL7"},
		{"en", VALUE_SPELLED, "AB12", "AB12"},
		{"en", VALUE_PHONE, "plus five five five", ""},
		{"en", VALUE_PHONE, "+1 555 123 4567", "+15551234567"},
		{"en", VALUE_DATE, "the third of march nineteen eighty five", "1985-03-03"},
		{"en", VALUE_DATE, "december 3rd", "2026-12-03"},
		{"en", VALUE_TIME, "two to three", "02:00"},
		{"en", VALUE_TIME, "ten to three in the afternoon", "14:50"},
		{"es", VALUE_NUMBER, "treinta y cinco", "35"},
		{"es", VALUE_NUMBER, "mil doscientos treinta y uno", "1231"},
		{"es", VALUE_NUMBER, "ciento un", "101"},
		{"es", VALUE_DATE, "el martes que viene", "2026-11-24"},
		{"es", VALUE_DATE, "pasado mañana", "2026-11-24"},
		{"es", VALUE_DATE, "el tres de marzo", "2027-03-03"},
		{"es", VALUE_DATE, "miercoles", "2026-11-25"},
		{"es", VALUE_TIME, "a las tres menos cuarto de la tarde", "14:45"},
		{"es", VALUE_TIME, "las diez y media de la mañana", "10:30"},
		{"es", VALUE_TIME, "la una y diez de la tarde", "13:10"},
		{"es", VALUE_TIME, "a las 17:30", "17:30"},
		{"es", VALUE_MONEY, "doce euros con cincuenta", "12.50"},
		{"es", VALUE_SPELLED, "eme u eñe o zeta", "MUÑOZ"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow *f = load(cases[i].language);
		struct value_reading r = reading(f->lang, cases[i].text);
		struct value v = {0};
		char text[100] = "";
		int64_t n = 0;

		switch (cases[i].type) {
		case VALUE_NUMBER:
			v.is_set = value_read_number(&r, 0, &n);
			v.number = n;
			break;
		case VALUE_MONEY:
			(void)!value_read_money(&r, 0, true, &v);
			break;
		case VALUE_PHONE:
			(void)!value_read_phone(&r, 0, &v);
			break;
		case VALUE_DATE:
			(void)!value_read_date(&r, 0, true, VALUE_ANY_TENSE, &v);
			break;
		case VALUE_TIME:
			(void)!value_read_time(&r, 0, true, &v);
			break;
		default:
			(void)!value_read_digits(&r, 0, cases[i].type == VALUE_SPELLED, &v);
		}
		value_write(cases[i].type, &v, text, sizeof(text));
		if (strcmp(text, cases[i].value) != 0)
			fail_msg("%s: \"%s\" is \"%s\", not \"%s\"", cases[i].language, cases[i].text, text, cases[i].value);
		flow_unref(f);
	}
}

static void ambiguous_hours_are_settled(void **state)
{
	static const struct {
		int32_t said;
		enum lang_part part;
		int32_t from, to, meant;
	} cases[] = {
		{120, LANG_PART_NONE, 480, 1080, 840},	  /* two, open 8 to 18 */
		{540, LANG_PART_NONE, 480, 1080, 540},	  /* nine */
		{420, LANG_PART_NONE, 480, 1080, 420},	  /* seven: neither is open; the morning one */
		{420, LANG_PART_EVENING, 480, 1080, 1140},
		{420, LANG_PART_NONE, 1080, 1380, 1140},  /* a restaurant */
		{300, LANG_PART_MORNING, 480, 1080, 300},
		{750, LANG_PART_NONE, 480, 1080, 750},	  /* half past twelve */
		{750, LANG_PART_MORNING, 480, 1080, 750},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = {.is_set = true, .number = cases[i].said};

		assert_int_equal(value_settle_time(&v, cases[i].part, cases[i].from, cases[i].to), cases[i].meant);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_words_are_read_back),
		cmocka_unit_test(dates_are_read_back),
		cmocka_unit_test(times_are_read_back),
		cmocka_unit_test(money_is_read_back),
		cmocka_unit_test(digits_and_letters_are_read_back),
		cmocka_unit_test(programs_read_what_is_written_for_them),
		cmocka_unit_test(spoken_forms_are_understood),
		cmocka_unit_test(ambiguous_hours_are_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
