/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"
#include "agent/prompts.h"

/* The set itself, and in a conversation: what is recorded is not synthesised. */

enum { CLIP_N = RATE / 2, HUM = 7000 };

static struct prompts *set;

static void record(const char *phrase)
{
	static int16_t pcm[CLIP_N];

	for (int i = 0; i < CLIP_N; i++)
		pcm[i] = HUM;
	assert_int_equal(prompts_add(set, phrase, pcm, CLIP_N, RATE), 0);
}

static int begin(void **state)
{
	set = prompts_new();
	assert_non_null(set);

	return 0;
}

static int end(void **state)
{
	set = prompts_unref(set);

	return 0;
}

/* What is found in text: "HIT:phrase", "MAYBE:from there", "NONE". */
static void expect(const char *text, bool is_all, const char *wanted)
{
	struct prompt_hit hit = {0};
	enum prompts_match match = prompts_find(set, text, is_all, RATE, &hit);
	char got[400];

	if (match == PROMPTS_HIT)
		snprintf(got, sizeof(got), "HIT:%.*s", (int)(hit.to - hit.from), text + hit.from);
	else
		snprintf(got, sizeof(got), "%s%s", match == PROMPTS_NONE ? "NONE" : "MAYBE:",
			match == PROMPTS_NONE ? "" : text + hit.from);
	assert_string_equal(got, wanted);
}

static void a_phrase_is_found_by_its_words(void **state)
{
	record("How can I help you?");
	record("It’s Anna's house");
	expect("How can I help you?", true, "HIT:How can I help you?");
	expect("  how  can i HELP you", true, "HIT:how  can i HELP you");
	expect("Hello. How can I help you? Bye.", true, "HIT:How can I help you?");
	expect("Well, how can I help you, then?", true, "HIT:how can I help you,");
	expect("it's anna’s house!", true, "HIT:it's anna’s house!");
	expect("How can I help your dog?", true, "NONE");
	expect("Tell me how can I help you?", true, "NONE"); /* inside a clause */
	expect("How can I help you today?", true, "NONE");
	expect("", true, "NONE");
	expect("...", true, "NONE");
}

static void the_longest_phrase_wins_and_a_beginning_waits(void **state)
{
	record("Thank you for calling.");
	record("Thank you for calling. How can I help you?");
	expect("Thank you for calling.", false, "MAYBE:Thank you for calling.");
	expect("Thank you for calling.", true, "HIT:Thank you for calling.");
	expect("Thank you for calling. How can I help you?", false, "HIT:Thank you for calling. How can I help you?");
	expect("Thank you for calling. We are closed.", false, "HIT:Thank you for calling.");
	expect("Oh. Thank you", false, "MAYBE:Thank you");
	expect("Oh. Thank you", true, "NONE");
	expect("Oh. Thanks", false, "NONE");
}

static void dots_let_a_phrase_go_on(void **state)
{
	record("Your appointment is on ...");
	record("… o'clock");
	expect("Your appointment is on Tuesday.", true, "HIT:Your appointment is on");
	expect("Tuesday at 9 o'clock.", true, "HIT:o'clock.");
	expect("So your appointment is on Tuesday.", true, "NONE");
	expect("So, your appointment is on Tuesday.", true, "HIT:your appointment is on");
}

static void what_cannot_be_kept_is_refused(void **state)
{
	static int16_t pcm[100];
	char text[LIMIT_PROMPT_BYTES + 2];

	record("Hello there.");
	assert_int_equal(prompts_add(set, "hello THERE", pcm, 100, 8000), -EEXIST);
	assert_int_equal(prompts_add(set, "?!", pcm, 100, 8000), -EINVAL);
	assert_int_equal(prompts_add(set, "No sound", pcm, 0, 8000), -EINVAL);
	assert_int_equal(prompts_add(set, "Odd rate", pcm, 100, 100), -EINVAL);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(prompts_add(set, text, pcm, 100, 8000), -TR_ETOOBIG);
	for (int i = 1; i < LIMIT_PROMPTS; i++) {
		snprintf(text, sizeof(text), "phrase %d", i);
		assert_int_equal(prompts_add(set, text, pcm, 100, 8000), 0);
	}
	assert_int_equal(prompts_add(set, "one more", pcm, 100, 8000), -TR_ELIMIT);
	assert_int_equal(prompts_count(set), LIMIT_PROMPTS);
}

/* A tone keeps its length, its place and its level at either rate of a call. */
static void any_rate_becomes_the_calls(void **state)
{
	static const int in[] = {8000, 16000, 22050, 44100, 48000};
	static int16_t pcm[48000];

	for (size_t k = 0; k < ARRAY_LEN(in); k++) {
		char phrase[20];

		for (int i = 0; i < in[k]; i++)
			pcm[i] = (int16_t)(i < in[k] / 2 ? 0 : i % (in[k] / 400) < in[k] / 800 ? 8000 : -8000);
		snprintf(phrase, sizeof(phrase), "rate %d", in[k]);
		assert_int_equal(prompts_add(set, phrase, pcm, (size_t)in[k], in[k]), 0);
		for (uint32_t rate = 8000; rate <= 16000; rate *= 2) {
			struct prompt_hit hit;
			size_t first = 0;

			assert_int_equal(prompts_find(set, phrase, true, rate, &hit), PROMPTS_HIT);
			assert_int_equal(hit.n, rate);
			while (first < hit.n && abs(hit.pcm[first]) < 4000)
				first++;
			assert_in_range(first, rate / 2 - rate / 500, rate / 2 + rate / 500);
			assert_true(abs(hit.pcm[rate - rate / 1000]) > 1000 || abs(hit.pcm[rate - rate / 800]) > 1000);
		}
	}
}

/* ---- in a conversation ---------------------------------------------------------------------------------------------------- */

static int begin_world(void **state)
{
	begin(state);
	set_up(state);
	w.config.prompts = set;

	return 0;
}

static int end_world(void **state)
{
	tear_down(state);

	return end(state);
}

static void a_recorded_greeting_needs_no_engine(void **state)
{
	record("Hello, this is the test. How can I help?");
	tts.mode = FAKE_IS_SILENT;
	begin_call();
	run(200);
	assert_true(is_audible());
	run(1000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
	assert_null(strstr(tts.last, "Hello"));
	assert_int_equal(w.audible_frames, CLIP_N / FRAME_N);
}

static void recorded_and_synthesised_pieces_make_one_reply(void **state)
{
	record("Your appointment is on ...");
	record("Is that right?");
	answer("Certainly. Your appointment is on Tuesday the fifth of May. Is that right? Please say yes or no.");
	greet();
	speak("book me", 600);
	tts.made[0] = '\0';
	w.audible_frames = 0;
	run(6000);
	assert_string_equal(tts.made, "Certainly.|Tuesday the fifth of May.|Please say yes or no.|");
	assert_string_equal(said_by(AGENT_WHO_AGENT),
		"Certainly. Your appointment is on Tuesday the fifth of May. Is that right? Please say yes or no.");
	/* In order and without a gap: all of both. */
	assert_in_range(w.audible_frames, 2 * CLIP_N / FRAME_N + 3 * (10 + 25 + 21), 2 * CLIP_N / FRAME_N + 3 * (10 + 25 + 21) + 3);
}

static void who_interrupts_a_recording_has_heard_a_part_of_it(void **state)
{
	static int16_t pcm[3 * RATE];

	for (size_t i = 0; i < ARRAY_LEN(pcm); i++)
		pcm[i] = HUM;
	assert_int_equal(prompts_add(set, "We are open from nine to five.", pcm, ARRAY_LEN(pcm), RATE), 0);
	answer("We are open from nine to five.");
	greet();
	speak("when are you open", 600);
	run(660);
	assert_true(is_audible());
	run(900);
	speak("stop it now", 900);
	run(700);
	assert_true(last_told()->is_interrupted);
	/* A good second of three; the letters are spread over it. */
	assert_string_equal(last_told()->heard, "We are open");
}

static void a_text_that_only_began_like_a_phrase_is_spoken_whole(void **state)
{
	record("Hello, this is the test. How can I help you today?");
	begin_call();
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
	assert_non_null(strchr(tts.made, '|'));
	assert_string_equal(strchr(tts.made, '|') + 1, "Hello, this is the test. How can I help?|");
}

static void a_recorded_apology_is_said_when_the_voice_is_dead(void **state)
{
	record("So sorry, good bye.");
	w.config.apology = "So sorry, good bye.";
	tts.mode = FAKE_REFUSES;
	begin_call();
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "So sorry, good bye.");
	assert_int_equal(w.audible_frames, CLIP_N / FRAME_N);
	assert_int_equal(w.transfers, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define W(f) cmocka_unit_test_setup_teardown(f, begin_world, end_world)
	const struct CMUnitTest tests[] = {
		T(a_phrase_is_found_by_its_words),
		T(the_longest_phrase_wins_and_a_beginning_waits),
		T(dots_let_a_phrase_go_on),
		T(what_cannot_be_kept_is_refused),
		T(any_rate_becomes_the_calls),
		W(a_recorded_greeting_needs_no_engine),
		W(recorded_and_synthesised_pieces_make_one_reply),
		W(who_interrupts_a_recording_has_heard_a_part_of_it),
		W(a_text_that_only_began_like_a_phrase_is_spoken_whole),
		W(a_recorded_apology_is_said_when_the_voice_is_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
