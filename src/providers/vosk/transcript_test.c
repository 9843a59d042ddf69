/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/transcript.h"
#include "base/testing.h"

static void segments_become_one_text_with_times_of_the_utterance(void **state)
{
	struct vosk_transcript t = {0};

	vosk_transcript_add(&t,
		"{\"result\": [{\"conf\": 0.9, \"start\": 12.3, \"end\": 12.6, \"word\": \"good\"},"
		" {\"conf\": 0.5, \"start\": 12.6, \"end\": 13.1, \"word\": \"morning\"}], \"text\": \"good morning\"}",
		12.0);
	vosk_transcript_add(&t, "{\"result\": [{\"conf\": 1, \"start\": 14, \"end\": 14.5, \"word\": \"miller\"}], \"text\": \"miller\"}", 12.0);
	assert_string_equal(t.text, "good morning miller");
	assert_int_equal(t.word_count, 3);
	assert_int_equal(t.words[0].start_ms, 300);
	assert_int_equal(t.words[2].end_ms, 2500);
	assert_true(t.words[1].confidence > 0.49f && t.words[1].confidence < 0.51f);
	assert_true(vosk_transcript_confidence(&t) > 0.79f && vosk_transcript_confidence(&t) < 0.81f);
}

static void unknown_words_and_rubbish_add_nothing(void **state)
{
	struct vosk_transcript t = {0};
	char text[100];

	vosk_transcript_add(&t, "{\"text\": \"\"}", 0);
	vosk_transcript_add(&t, NULL, 0);
	vosk_transcript_add(&t, "{not json", 0);
	vosk_transcript_add(&t, "[1, 2]", 0);
	vosk_transcript_add(&t, "{\"result\": [{\"word\": 5}, 7, {\"start\": \"x\"}]}", 0);
	vosk_transcript_add(&t, "{\"result\": [{\"word\": \"[unk]\", \"conf\": 1.0, \"start\": 0, \"end\": 1}]}", 0);
	assert_string_equal(t.text, "");
	assert_int_equal(t.word_count, 0);
	assert_true(vosk_transcript_confidence(&t) == 0);
	vosk_transcript_add(&t, "{\"result\": [{\"word\": \"yes\", \"conf\": 7, \"start\": -5, \"end\": 1e99}]}", 0);
	assert_int_equal(t.words[0].start_ms, 0);
	assert_int_equal(t.words[0].end_ms, 3600000);
	assert_true(vosk_transcript_confidence(&t) == 1);
	vosk_transcript_guess(&t, "{\"partial\": \"[unk] please [unk]\"}", text, sizeof(text));
	assert_string_equal(text, "yes please");
	vosk_transcript_guess(&t, "", text, sizeof(text));
	assert_string_equal(text, "yes");
}

/* A bound on words and on text, whatever an engine says. */
static void long_speech_is_cut_at_a_word(void **state)
{
	struct vosk_transcript t = {0};

	for (int i = 0; i < 1000; i++)
		vosk_transcript_add(&t, "{\"result\": [{\"word\": \"seventeen\", \"conf\": 1, \"start\": 1, \"end\": 2}]}", 0);
	assert_int_equal(t.word_count, LIMIT_STT_WORDS);
	assert_true(strlen(t.text) < sizeof(t.text));
	assert_string_equal(t.text + strlen(t.text) - 9, "seventeen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_become_one_text_with_times_of_the_utterance),
		cmocka_unit_test(unknown_words_and_rubbish_add_nothing),
		cmocka_unit_test(long_speech_is_cut_at_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
