/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/embedded/speak_lang.h"
#include "providers/embedded/speakable.h"

static struct speakable out;

static void assert_spoken(const char *language, const char *const (*pairs)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(speakable_make(pairs[i][0], language, &out), 0);
		if (strcmp(out.text, pairs[i][1]) != 0)
			fail_msg("\"%s\" is read \"%s\", not \"%s\"", pairs[i][0], out.text, pairs[i][1]);
	}
}

#define SPOKEN(language, pairs) assert_spoken(language, pairs, ARRAY_LEN(pairs))

static void plain_text_stays(void **state)
{
	static const char *const pairs[][2] = {
		{"Hello there.", "Hello there."},
		{"  two   blanks ", "two blanks"},
		{"I am here", "I am here"},
		{"salt & pepper", "salt and pepper"},
		{"it’s café — fine", "it's cafe, fine"},
		{"\xf0\x9f\x98\x80 hi", "hi"},
		{"Is it OK? YES!", "Is it OK? YES!"},
		{"", ""},
		{"So that's Wednesday, for Mary Johnson. Is that right?", "So that's Wednesday, for Mary Johnson. Is that right?"},
	};

	SPOKEN("en-US", pairs);
}

static void times_are_read_as_people_say_them(void **state)
{
	static const char *const pairs[][2] = {
		{"At 2:30 pm, ok?", "At two thirty P M, ok?"},
		{"At 2:30pm.", "At two thirty P M."},
		{"at 10:00 a.m. on Monday", "at ten A M on Monday"},
		{"at 10:00", "at ten o'clock"},
		{"at 9:05 tomorrow", "at nine oh five tomorrow"},
		{"at 14:00", "at two P M"},
		{"at 0:15", "at twelve fifteen A M"},
		{"3pm works", "three P M works"},
		{"It is 4 pm now", "It is four P M now"},
		{"It is 4 p.m.", "It is four P M."},
		{"from 8 am to 6 pm.", "from eight A M to six P M."},
		{"open 9am-5pm", "open nine A M to five P M"},
		{"10:00-12:30", "ten o'clock to twelve thirty"},
		{"at 25:00 or 9:75", "at 25:00 or 9:75"},
	};

	SPOKEN("en", pairs);
}

static void dates_are_read_as_people_say_them(void **state)
{
	static const char *const pairs[][2] = {
		{"On November 25.", "On November twenty fifth."},
		{"On Nov. 3, 2026, then", "On November third, twenty twenty six, then"},
		{"Wednesday the 25th of November", "Wednesday the twenty fifth of November"},
		{"25 November works", "the twenty fifth of November works"},
		{"due 2026-11-05", "due November fifth, twenty twenty six"},
		{"on 11/25/2026", "on November twenty fifth, twenty twenty six"},
		{"on 3/4", "on three quarters"},
		{"on 3/5", "on March fifth"},
		{"25.11.1999", "November twenty fifth, nineteen ninety nine"},
		{"since 1905", "since nineteen oh five"},
		{"in 2005 and 2010 and 1900", "in two thousand five and twenty ten and nineteen hundred"},
		{"you may 5 times", "you may five times"},
	};

	SPOKEN("en", pairs);
}

static void amounts_are_read_as_people_say_them(void **state)
{
	static const char *const pairs[][2] = {
		{"21 or 350", "twenty one or three hundred fifty"},
		{"1,234 people", "one thousand two hundred thirty four people"},
		{"1,000,000", "one million"},
		{"3.14 and 0.5", "three point one four and zero point five"},
		{"-5 degrees", "minus five degrees"},
		{"the 1st, 22nd and 113th", "the first, twenty second and one hundred thirteenth"},
		{"$12.50, please", "twelve dollars and fifty cents, please"},
		{"$1 or $0.99 or $100", "one dollar or ninety nine cents or one hundred dollars"},
		{"$1.2 million", "one point two million dollars"},
		{"€20", "twenty euros"},
		{"20 USD", "twenty U S dollars"},
		{"12.5% or 7 %", "twelve point five percent or seven percent"},
		{"5 km, 1 kg, 72°F", "five kilometers, one kilogram, seventy two degrees Fahrenheit"},
		{"1/2 hour, 24/7", "one half hour, twenty four seven"},
		{"10-15 minutes", "ten to fifteen minutes"},
		{"#1 choice", "number one choice"},
	};

	SPOKEN("en", pairs);
}

static void numbers_of_things_are_read_sign_by_sign(void **state)
{
	static const char *const pairs[][2] = {
		{"Call 555-1234.", "Call five five five, one two three four."},
		{"Call 5551234 now", "Call five five five, one two three four now"},
		{"Call +1 (415) 555-2671", "Call plus one, four one five, five five five, two six seven one"},
		{"Call +14155552671", "Call plus one, four one five, five five five, two six seven one"},
		{"Call 415 555 2671.", "Call four one five, five five five, two six seven one."},
		{"0171 555 123", "zero one seven one, five five five, one two three"},
		{"code 12345", "code one two three, four five"},
		{"extension 204", "extension two zero four"},
		{"your PIN is 007", "your PIN is zero zero seven"},
		{"order AB-1234", "order A B, one two three four"},
		{"X7K9 or BA117", "X seven K nine or B A, one one seven"},
		{"COVID-19", "COVID nineteen"},
		{"It's S-M-I-T-H.", "It's S, M, I, T, H."},
		{"A B C please", "A, B, C please"},
		{"the FBI and the U.S. army", "the F B I and the U S army"},
		{"100000 or 123456", "one hundred thousand or one two three, four five six"},
	};

	SPOKEN("en", pairs);
}

static void addresses_and_abbreviations_are_read(void **state)
{
	static const char *const pairs[][2] = {
		{"mary.jones@example.com.", "mary dot jones, at example dot com."},
		{"info_1@tip-ring.co.uk", "info underscore one, at tip dash ring dot co dot U K"},
		{"See https://www.example.com/help/", "See W W W dot example dot com slash help"},
		{"example.org", "example dot org"},
		{"Dr. Smith and Mrs. Jones", "doctor Smith and misses Jones"},
		{"12 Main St. is near St. Mary", "twelve Main street is near saint Mary"},
		{"No. 5", "number five"},
		{"I said no.", "I said no."},
		{"e.g. tea, etc.", "for example tea, et cetera."},
		{"On Mon. or on the sun.", "On Monday or on the sun."},
	};

	SPOKEN("en", pairs);
}

/* A second language is a table. */
static void spanish_is_read_by_its_own_table(void **state)
{
	static const char *const pairs[][2] = {
		{"Son 21 euros", "Son veintiuno euros"},
		{"Son 21 €.", "Son veintiún euros."},
		{"12,50 €", "doce euros con cincuenta céntimos"},
		{"1.234,5", "mil doscientos treinta y cuatro coma cinco"},
		{"el 1/5/2026", "el primero de mayo de dos mil veintiséis"},
		{"el 25 de noviembre de 2026", "el veinticinco de noviembre de dos mil veintiséis"},
		{"a las 14:30", "a las catorce y treinta"},
		{"a la 1:15 p.m.", "a la una y quince de la tarde."},
		{"a las 9:00 pm", "a las nueve de la noche"},
		{"un 7%", "un siete por ciento"},
		{"extensión 204", "extensión dos cero cuatro"},
		{"código AB1", "código a be, uno"},
		{"ana@ejemplo.es", "ana, arroba ejemplo punto e ese"},
		{"La Sra. Peña vive en el 3º", "La señora Peña vive en el tercero"},
		{"101 y 1.000.000", "ciento uno y un millón"},
		{"21.000", "veintiún mil"},
	};

	SPOKEN("es-MX", pairs);
	assert_int_equal(speakable_make("hallo", "de", &out), -TR_EUNSUPP);
}

/* Every number has words, and two numbers never the same. */
static void numbers_have_words_of_their_own(void **state)
{
	static const struct speak_lang *const langs[] = {&speak_lang_en, &speak_lang_es};

	for (size_t l = 0; l < ARRAY_LEN(langs); l++) {
		char last[256] = "", text[256];

		for (uint64_t n = 0; n < 20000; n++) {
			assert_int_equal(speak_number(langs[l]->cardinal, n, text, sizeof(text)), 0);
			assert_string_not_equal(text, last);
			assert_null(strpbrk(text, "<>%={}|"));
			assert_true(text[0] != ' ' && text[strlen(text) - 1] != ' ');
			buf_copy(last, sizeof(last), text);
			if (n > 0 && n < 10000)
				assert_int_equal(speak_number(langs[l]->ordinal, n, text, sizeof(text)), 0);
			if (n >= 1000 && n < 10000)
				assert_int_equal(speak_number(langs[l]->year, n, text, sizeof(text)), 0);
		}
		assert_int_equal(speak_number(langs[l]->cardinal, UINT64_C(999999999999999), text, sizeof(text)), 0);
		assert_int_equal(speak_number(langs[l]->cardinal, UINT64_MAX, text, 20), -TR_ETOOBIG);
	}
}

/* Words map back to the source, which is how an interrupted reply is cut to what was heard. */
static void words_know_their_source(void **state)
{
	static const char source[] = "At 2:30 pm, call 555-1234 please";
	static const uint32_t ends[] = {2, 7, 7, 11, 11, 16, 25, 25, 25, 25, 25, 25, 25, 32};
	static const char spaced[] = "It’s  4 p.m. now";

	assert_int_equal(speakable_make(source, "en", &out), 0);
	assert_int_equal(out.word_count, ARRAY_LEN(ends));
	for (size_t i = 0; i < out.word_count; i++)
		assert_int_equal(out.source_end[i], ends[i]);
	assert_int_equal(speakable_make(spaced, "en", &out), 0);
	assert_string_equal(out.text, "It's four P M now");
	assert_int_equal(out.source_end[0], 6);
	assert_int_equal(out.source_end[2], 14);
}

static void too_much_is_refused(void **state)
{
	char text[LIMIT_TTS_TEXT_BYTES + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(speakable_make(text, "en", &out), -TR_ETOOBIG);
	text[sizeof(text) - 2] = 0;
	assert_int_equal(speakable_make(text, "en", &out), 0);
	memset(text, '7', sizeof(text) - 2);
	assert_int_equal(speakable_make(text, "en", &out), -TR_ETOOBIG); /* every digit a word */
}

/* Any bytes: in bounds, words counted right, ends ascending. */
static void any_text_is_survived(void **state)
{
	static const char *const bits[] = {"1", "23", "2026", ".", ",", "-", "/", ":", "$", "€", "%", "@", "com", "A", "b", "Nov", "am", "pm",
		"+", "(", ")", " ", " ", " ", "°", "\xff", "\xc2", "#", "th", "St.", "\x01", "'", "—"};
	uint64_t seed = 20261125;

	for (int run = 0; run < 20000; run++) {
		char text[400] = "";
		size_t words = 0, n = prng_u32(&seed) % 40;

		for (size_t i = 0; i < n; i++)
			buf_copy(text + strlen(text), sizeof(text) - strlen(text), bits[prng_u32(&seed) % ARRAY_LEN(bits)]);
		for (int l = 0; l < 2; l++) {
			assert_int_equal(speakable_make(text, l ? "es" : "en", &out), 0);
			assert_int_equal(out.text_len, strlen(out.text));
			words = out.text_len > 0;
			for (size_t i = 0; i < out.text_len; i++)
				words += out.text[i] == ' ';
			assert_int_equal(words, out.word_count);
			for (size_t i = 0; i < out.word_count; i++)
				assert_true(out.source_end[i] <= strlen(text) && (!i || out.source_end[i] >= out.source_end[i - 1]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(times_are_read_as_people_say_them),
		cmocka_unit_test(dates_are_read_as_people_say_them),
		cmocka_unit_test(amounts_are_read_as_people_say_them),
		cmocka_unit_test(numbers_of_things_are_read_sign_by_sign),
		cmocka_unit_test(addresses_and_abbreviations_are_read),
		cmocka_unit_test(spanish_is_read_by_its_own_table),
		cmocka_unit_test(numbers_have_words_of_their_own),
		cmocka_unit_test(words_know_their_source),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(any_text_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
