/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "turn/words.h"

static const struct {
	const char *text, *ours;
	enum turn_words want;
} rows[] = {
	{"", NULL, TURN_WORDS_NONE},
	{"  \t", NULL, TURN_WORDS_NONE},
	{"...", NULL, TURN_WORDS_NONE},
	{"mhm", NULL, TURN_WORDS_FILLER},
	{"Um, mhm.", NULL, TURN_WORDS_FILLER},
	{"um yes", NULL, TURN_WORDS_NOD},
	{"um tuesday", NULL, TURN_WORDS_REAL},
	{"That is right.", NULL, TURN_WORDS_NOD},
	{"that is wrong", NULL, TURN_WORDS_REAL},
	{"uh huh", NULL, TURN_WORDS_NOD},
	{"uh-huh", NULL, TURN_WORDS_REAL}, /* recognisers write it apart; unknown spellings interrupt */
	{"okay, okay yeah", NULL, TURN_WORDS_NOD},
	{"I see!", NULL, TURN_WORDS_NOD},
	{"i", NULL, TURN_WORDS_REAL},
	{"i see a problem", NULL, TURN_WORDS_REAL},
	{"okay but tuesday", NULL, TURN_WORDS_REAL},
	{"stop", NULL, TURN_WORDS_REAL},
	{"no", NULL, TURN_WORDS_REAL},
	{"tuesday at three", "I have you down for Tuesday at three, is that right?", TURN_WORDS_NOD},
	{"tuesday at four", "I have you down for Tuesday at three, is that right?", TURN_WORDS_REAL},
	{"tuesday three", "I have you down for Tuesday at three, is that right?", TURN_WORDS_REAL},
	{"tuesday", "I have you down for Tuesday at three, is that right?", TURN_WORDS_REAL},
	{"is that right no", "Is that right?", TURN_WORDS_REAL},
};

static void texts_are_worth_what_they_should(void **state)
{
	struct word_list nods = words_nods("en-US");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (words_judge(rows[i].text, nods, rows[i].ours, 1000, false) != rows[i].want)
			fail_msg("\"%s\"", rows[i].text);
}

static void each_language_nods_its_own_way(void **state)
{
	assert_int_equal(words_judge("vale", words_nods("es"), NULL, 300, false), TURN_WORDS_NOD);
	assert_int_equal(words_judge("vale", words_nods("en"), NULL, 300, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("okay", words_nods("xx"), NULL, 300, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("okay", words_nods(NULL), NULL, 300, false), TURN_WORDS_REAL);
}

static void a_word_too_many_in_too_little_voice_is_the_end_of_a_nod(void **state)
{
	struct word_list nods = words_nods("en-US");

	assert_int_equal(words_judge("okay eight", nods, NULL, 340, false), TURN_WORDS_NOD);
	assert_int_equal(words_judge("okay eight", nods, NULL, 600, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("okay eight nine", nods, NULL, 340, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("stop okay", nods, NULL, 340, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("stop", nods, NULL, 200, false), TURN_WORDS_REAL);
}

static void what_may_become_a_nod_is_one_for_the_moment(void **state)
{
	struct word_list nods = words_nods("en-US");

	assert_int_equal(words_judge("that is", nods, NULL, 600, true), TURN_WORDS_NOD);
	assert_int_equal(words_judge("okay that", nods, NULL, 600, true), TURN_WORDS_NOD);
	assert_int_equal(words_judge("that is", nods, NULL, 600, false), TURN_WORDS_REAL);
	assert_int_equal(words_judge("that is wrong", nods, NULL, 600, true), TURN_WORDS_REAL);
	assert_int_equal(words_judge("no", nods, NULL, 600, true), TURN_WORDS_REAL);
	assert_int_equal(words_judge("", nods, NULL, 600, true), TURN_WORDS_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_worth_what_they_should),
		cmocka_unit_test(each_language_nods_its_own_way),
		cmocka_unit_test(what_may_become_a_nod_is_one_for_the_moment),
		cmocka_unit_test(a_word_too_many_in_too_little_voice_is_the_end_of_a_nod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
