/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/answer_words.h"
#include "base/testing.h"

static enum answer_who judge(const char *language, const char *text)
{
	struct answer_word words[64];
	const char *phrase;

	return answer_words_judge(language, words, answer_words_split(text, 0.8f, words, ARRAY_LEN(words)), &phrase);
}

static void machines_say_what_they_are(void **state)
{
	assert_int_equal(judge("en-US", "hi you've reached peter please leave a message"), ANSWER_VOICEMAIL);
	assert_int_equal(judge("en-US", "if you record your name and reason for calling"), ANSWER_SCREENING);
	assert_int_equal(judge("en-GB", "for sales press one"), ANSWER_IVR);
	assert_int_equal(judge("es-ES", "deje su mensaje después de la señal"), ANSWER_VOICEMAIL);
	assert_int_equal(judge("es", "diga su nombre"), ANSWER_SCREENING);
}

static void people_do_not(void **state)
{
	assert_int_equal(judge("en-US", "good morning miller and sons"), ANSWER_UNKNOWN);
	assert_int_equal(judge("en-US", "press onetime"), ANSWER_UNKNOWN);
	assert_int_equal(judge("en-US", ""), ANSWER_UNKNOWN);
	assert_int_equal(judge("fr-FR", "leave a message"), ANSWER_UNKNOWN);
	assert_int_equal(judge(NULL, "leave a message"), ANSWER_UNKNOWN);
}

/* A screener says "available" as voicemail does, a menu may offer to leave a message: the more telling phrase counts. */
static void screeners_and_menus_come_before_voicemail(void **state)
{
	assert_int_equal(judge("en", "the person is not available say your name"), ANSWER_SCREENING);
	assert_int_equal(judge("en", "leave a message or press one"), ANSWER_IVR);
}

static void doubtful_words_do_not_count_but_small_ones_may_be_doubtful(void **state)
{
	struct answer_word words[] = {{SPAN_LIT("leave"), 0.9f}, {SPAN_LIT("a"), 0.1f}, {SPAN_LIT("message"), 0.9f}};
	const char *phrase;

	assert_int_equal(answer_words_judge("en", words, 3, &phrase), ANSWER_VOICEMAIL);
	assert_string_equal(phrase, "leave a message");
	words[0].confidence = 0.2f;
	words[2].confidence = 0.3f;
	assert_int_equal(answer_words_judge("en", words, 3, &phrase), ANSWER_UNKNOWN);
	assert_int_equal(answer_words_judge("en", words, 2, &phrase), ANSWER_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_say_what_they_are),
		cmocka_unit_test(people_do_not),
		cmocka_unit_test(screeners_and_menus_come_before_voicemail),
		cmocka_unit_test(doubtful_words_do_not_count_but_small_ones_may_be_doubtful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
