/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/embedded/speakable.h"

static struct speakable out;

static void text_is_read_as_people_say_it(void **state)
{
	static const char *const pairs[][2] = {
		{"Hello there.", "Hello there."},
		{"  two   blanks ", "two blanks"},
		{"At 2:30 pm, ok?", "At two thirty p m, ok?"},
		{"At 2:30pm.", "At two thirty p m."},
		{"at 10:00 a.m. on Monday", "at ten a m on Monday"},
		{"at 10:00", "at ten o'clock"},
		{"at 9:05 tomorrow", "at nine oh five tomorrow"},
		{"at 14:00", "at two p m"},
		{"at 0:15", "at twelve fifteen a m"},
		{"3pm works", "three p m works"},
		{"I am here", "I am here"},
		{"It is 4 pm now", "It is 4 p m now"},
		{"at 25:00 or 9:75", "at 25:00 or 9:75"},
		{"Call 555-1234.", "Call five five five, one two three four."},
		{"Call 5551234 now", "Call five five five, one two three four now"},
		{"Call +1 (415) 555-2671", "Call +1 (415) five five five, two six seven one"},
		{"Call +14155552671", "Call plus one four one, five five five, five two six, seven one"},
		{"code 12345", "code one two three, four five"},
		{"2024 and 350", "2024 and 350"},
		{"salt & pepper", "salt and pepper"},
		{"it\xe2\x80\x99s caf\xc3\xa9 \xe2\x80\x94 fine", "it's cafe, fine"},
		{"\xf0\x9f\x98\x80 hi", "hi"},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		assert_int_equal(speakable_en(pairs[i][0], &out), 0);
		assert_string_equal(out.text, pairs[i][1]);
	}
}

/* Words map back to the source, which is how an interrupted reply is cut to what was heard. */
static void words_know_their_source(void **state)
{
	static const char source[] = "At 2:30 pm, call 555-1234 please";
	static const uint32_t ends[] = {2, 7, 7, 11, 11, 16, 25, 25, 25, 25, 25, 25, 25, 32};

	assert_int_equal(speakable_en(source, &out), 0);
	assert_int_equal(out.word_count, ARRAY_LEN(ends));
	for (size_t i = 0; i < out.word_count; i++)
		assert_int_equal(out.source_end[i], ends[i]);
}

static void too_much_is_refused(void **state)
{
	char text[LIMIT_TTS_TEXT_BYTES + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(speakable_en(text, &out), -TR_ETOOBIG);
	text[sizeof(text) - 2] = 0;
	assert_int_equal(speakable_en(text, &out), 0);
	memset(text, '1', sizeof(text) - 2);
	assert_int_equal(speakable_en(text, &out), -TR_ETOOBIG); /* every digit a word */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_as_people_say_it),
		cmocka_unit_test(words_know_their_source),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
