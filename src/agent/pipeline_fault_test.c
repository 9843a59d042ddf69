/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"

/*
 * Providers that fail, at every point and in every way: the caller hears an apology (or, without any voice, a tone) and is
 * handed to a human or let go, and the agent's owner is told why.
 */
#define SORRY_HUMAN "I am sorry, I have a technical problem. I will put you through to a colleague."
#define SORRY_END   "I am sorry, I have a technical problem. Please call again later."

static void assert_failed(const char *part)
{
	assert_int_equal(count(AGENT_FAILED), 1);
	assert_string_equal(last(AGENT_FAILED)->text, part);
	assert_true(strlen(last(AGENT_FAILED)->reason) > 0);
	assert_true(last(AGENT_FAILED)->ev.failure.is_fatal);
	assert_true(last(AGENT_FAILED)->ev.failure.err < 0);
	assert_int_equal(count(AGENT_TRANSFER), 1);
	assert_string_equal(last(AGENT_TRANSFER)->text, "200");
	assert_true(last(AGENT_TRANSFER)->ev.transfer.is_failure);
	assert_int_equal(count(AGENT_HANG_UP), 0);
}

/* ---- a retry that helps --------------------------------------------------------------------------------------------------- */

static void one_failure_of_any_engine_is_not_noticed(void **state)
{
	static const enum fake_mode modes[] = {FAKE_REFUSES, FAKE_FAILS};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		set_up(state);
		answer("We are open from nine.");
		greet();
		stt.mode = llm.mode = tts.mode = modes[i];
		stt.fail_times = llm.fail_times = tts.fail_times = 1;
		speak("when are you open", 800);
		run(4000);
		assert_int_equal(count(AGENT_FAILED), 0);
		assert_string_equal(said_by(AGENT_WHO_AGENT), "We are open from nine.");
		assert_string_equal(last_told()->text, "when are you open");
		assert_int_equal(last_told()->history_count, 1);
		assert_int_equal(stt.opened, 2);
		assert_true(stt.begun == 2 && llm.asked == 3 && tts.spoken >= 3);
		if (i + 1 < ARRAY_LEN(modes))
			tear_down(state);
	}
}

static void a_piece_that_is_tried_again_is_not_overtaken(void **state)
{
	answer("I can offer you Tuesday, Wednesday at ten, or any time on Friday. Which one?");
	greet();
	tts.made[0] = '\0';
	tts.mode = FAKE_FAILS;
	tts.fail_times = 1;
	speak("when are you open", 800);
	run(7000);
	assert_string_equal(tts.made, "I can offer you Tuesday,|Wednesday at ten, or any time on Friday.|Which one?|");
	assert_int_equal(count(AGENT_FAILED), 0);
}

/* A recogniser that breaks while the caller speaks hears the words again from the audio kept. */
static void a_fresh_recogniser_hears_what_the_broken_one_did(void **state)
{
	greet();
	stt.mode = FAKE_FAILS_HALFWAY;
	stt.fail_times = 1;
	speak("a rather long sentence", 1500);
	run(1000);
	assert_int_equal(llm.asked, 2);
	/* 900 ms after its onset it broke; pre-roll and all that was said until then came again. */
	assert_in_range(stt.preroll, 1150 * 8, 1400 * 8);
	assert_in_range(stt.samples, 2200 * 8, 2700 * 8);
}

static void a_recogniser_that_breaks_on_the_final_is_asked_again(void **state)
{
	greet();
	speak("hello", 600);
	run(510);
	assert_int_not_equal(stt.final_at, NEVER);
	stt.final_at = NEVER;
	stt.error_at = w.now_us + 1000;
	run(300);
	stt.error_at = NEVER;
	assert_int_equal(count(AGENT_FAILED), 0);
	assert_int_equal(llm.asked, 2);
	assert_string_equal(last_told()->text, "hello");
}

static void a_mind_that_takes_too_long_is_asked_once_more(void **state)
{
	answer("Here I am again.");
	greet();
	llm.mode = FAKE_IS_SILENT;
	llm.fail_times = 1;
	speak("hello please", 600);
	run(9000);
	assert_int_equal(llm.asked, 2);
	run(6000);
	assert_int_equal(llm.asked, 3);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Here I am again.");
	assert_int_equal(count(AGENT_FAILED), 0);
}

/* A second answer would repeat the first words or contradict them. */
static void a_mind_that_breaks_in_the_middle_is_not_asked_again(void **state)
{
	greet();
	llm.mode = FAKE_FAILS_HALFWAY;
	speak("hello please", 600);
	run(9000);
	assert_int_equal(llm.asked, 2);
	assert_failed("llm");
}

/* ---- apologies -------------------------------------------------------------------------------------------------------------- */

static void a_dead_recogniser_is_apologised_for(void **state)
{
	static const enum fake_mode modes[] = {FAKE_REFUSES, FAKE_IS_FULL, FAKE_FAILS, FAKE_FAILS_HALFWAY, FAKE_IS_SILENT};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		set_up(state);
		greet();
		stt.mode = modes[i];
		speak("hello", 1200);
		run(20000);
		assert_failed("stt");
		assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
		/* A pool that is full says so at once; trying again would only be served late. */
		assert_int_equal(stt.begun, modes[i] == FAKE_IS_FULL || modes[i] == FAKE_IS_SILENT ? 1 : 2);
		if (i + 1 < ARRAY_LEN(modes))
			tear_down(state);
	}
}

/* "Hello?" while the final is awaited pauses what would be said next; the apology is not to wait behind that. */
static void who_speaks_again_hears_the_apology(void **state)
{
	greet();
	stt.mode = FAKE_IS_SILENT;
	speak("hello", 1200);
	run(2000);
	speak("hello", 240);
	run(20000);
	assert_failed("stt");
	assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
}

/* An overloaded recogniser delivered words while she spoke, and then nothing: they are better than an apology. */
static void words_are_taken_when_their_final_does_not_come(void **state)
{
	answer("On Tuesday, then.");
	greet();
	speak("tuesday", 600);
	stt.cb.on_partial(stt.cb.arg, stt.id, "tuesday", false);
	stt.mode = FAKE_IS_SILENT;
	run(8000);
	assert_int_equal(count(AGENT_FAILED), 0);
	assert_string_equal(last_told()->text, "tuesday");
	assert_true(last_told()->confidence < 0.6f);
	assert_string_equal(said_by(AGENT_WHO_CALLER), "tuesday");
	assert_string_equal(said_by(AGENT_WHO_AGENT), "On Tuesday, then.");
}

static void a_dead_mind_is_apologised_for(void **state)
{
	static const enum fake_mode modes[] = {FAKE_REFUSES, FAKE_IS_FULL, FAKE_FAILS, FAKE_FAILS_HALFWAY, FAKE_IS_SILENT};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		set_up(state);
		w.config.llm_timeout_ms = 2000;
		greet();
		llm.mode = modes[i];
		speak("hello please", 800);
		run(15000);
		assert_failed("llm");
		assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
		if (i + 1 < ARRAY_LEN(modes))
			tear_down(state);
	}
}

/* The apology was recorded while the voice still worked. */
static void a_dead_voice_is_apologised_for_by_a_recording(void **state)
{
	static const enum fake_mode modes[] = {FAKE_REFUSES, FAKE_FAILS, FAKE_FAILS_HALFWAY, FAKE_IS_SILENT};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		set_up(state);
		answer("We are open from nine.");
		greet();
		tts.mode = modes[i];
		speak("when are you open", 800);
		run(20000);
		assert_failed("tts");
		assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
		assert_true(w.audible_frames > 39 * 3 + 78 * 3 - 2);
		if (i + 1 < ARRAY_LEN(modes))
			tear_down(state);
	}
}

static void another_voice_apologises_when_nothing_was_recorded(void **state)
{
	tts.mode = FAKE_FAILS;
	w.config.tts_fallback = "other";
	begin_call();
	run(10000);
	assert_failed("tts");
	assert_string_equal(other_tts.last, SORRY_HUMAN);
	assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
}

static void without_any_voice_there_is_a_tone(void **state)
{
	tts.mode = other_tts.mode = FAKE_FAILS;
	w.config.tts_fallback = "other";
	begin_call();
	run(10000);
	/* Both voices failed and both are told; one hand-over follows. */
	assert_int_equal(count(AGENT_FAILED), 2);
	assert_int_equal(count(AGENT_TRANSFER), 1);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "");
	assert_in_range(w.audible_frames, 40, 130);
}

static void without_a_human_the_call_ends(void **state)
{
	w.config.transfer_to = NULL;
	greet();
	llm.mode = FAKE_FAILS;
	speak("hello please", 800);
	run(9000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_END);
	assert_int_equal(count(AGENT_TRANSFER), 0);
	assert_int_equal(count(AGENT_HANG_UP), 1);
	assert_true(last(AGENT_HANG_UP)->at_us > last(AGENT_FAILED)->at_us + 3000000);
}

static void when_the_human_does_not_answer_either_the_call_ends(void **state)
{
	w.config.apology = "Oh dear.";
	greet();
	llm.mode = FAKE_FAILS;
	speak("hello please", 800);
	run(5000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Oh dear.");
	w.brain->ops->transfer_failed(w.brain, "no answer");
	assert_int_equal(count(AGENT_HANG_UP), 1);
	w.brain->ops->transfer_failed(w.brain, "no answer");
	assert_int_equal(count(AGENT_HANG_UP), 1);
}

static void a_part_that_cannot_be_opened_is_told_to_caller_and_owner(void **state)
{
	stt.mode = FAKE_REFUSES;
	begin_call();
	run(8000);
	assert_failed("stt");
	assert_string_equal(last(AGENT_FAILED)->reason, "stt is down");
	assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
	assert_int_equal(llm.asked, 0);
}

static void names_that_nobody_has_are_failures_with_words(void **state)
{
	static const char *const parts[] = {"stt", "llm", "tts"};

	for (int i = 0; i < 3; i++) {
		set_up(state);
		*(i == 0 ? &w.config.stt : i == 1 ? &w.config.llm : &w.config.tts) = "nobody";
		begin_call();
		run(8000);
		assert_failed(parts[i]);
		assert_non_null(strstr(last(AGENT_FAILED)->reason, "no such"));
		assert_true(w.audible_frames > 40);
		if (i < 2)
			tear_down(state);
	}
}

static void a_failure_on_hold_is_apologised_for_when_it_ends(void **state)
{
	greet();
	llm.delay_ms = 500;
	llm.mode = FAKE_FAILS;
	speak("hello please", 800);
	run(400);
	w.brain->ops->hold(w.brain);
	run(9000);
	assert_int_equal(count(AGENT_TRANSFER), 0);
	w.brain->ops->resume(w.brain);
	run(6000);
	assert_failed("llm");
	assert_string_equal(said_by(AGENT_WHO_AGENT), SORRY_HUMAN);
}

/* ---- slow, not dead ---------------------------------------------------------------------------------------------------------- */

static void a_slow_mind_has_a_filler(void **state)
{
	w.config.filler = "One moment, please.";
	answer("We are open from nine.");
	greet();
	llm.delay_ms = 2500;
	speak("when are you open please", 800);
	run(1700);
	assert_false(is_audible());
	run(400);
	assert_true(is_audible());
	run(6000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "We are open from nine.");
	assert_true(last(AGENT_TURN)->ev.turn.had_filler);
	llm.delay_ms = 20;
	speak("thank you please", 800);
	run(500);
	assert_string_equal(last_told()->last_message, "We are open from nine.");
}

static void a_filler_is_not_said_over_the_caller(void **state)
{
	w.config.filler = "One moment, please.";
	greet();
	llm.delay_ms = 4000;
	speak("when are you open please", 800);
	run(1500);
	speak("on sundays i mean", 1500);
	assert_false(is_audible());
}

/* ---- chance -------------------------------------------------------------------------------------------------------------------- */

static enum fake_mode chance_mode(uint64_t *seed, uint32_t percent)
{
	return prng_u32(seed) % 100 < percent ? (enum fake_mode)(1 + prng_u32(seed) % 5) : FAKE_WORKS;
}

static void chance_step(uint64_t *seed, uint32_t trouble)
{
	static const char *const texts[] = {"", "mhm", "hello there", "a table on", "yes please", "stop"};

	stt.fail_times = llm.fail_times = tts.fail_times = 1 + prng_u32(seed) % 3;
	stt.mode = chance_mode(seed, trouble);
	llm.mode = chance_mode(seed, trouble);
	tts.mode = chance_mode(seed, trouble);
	stt.delay_ms = prng_u32(seed) % 300;
	llm.delay_ms = prng_u32(seed) % 900;
	tts.delay_ms = prng_u32(seed) % 200;
	switch (prng_u32(seed) % 12) {
	case 0:
		w.brain->ops->dtmf(w.brain, "0123456789*#"[prng_u32(seed) % 12]);
		break;
	case 1:
		w.brain->ops->hold(w.brain);
		run(prng_u32(seed) % 800);
		w.brain->ops->resume(w.brain);
		break;
	case 2:
		w.brain->ops->say(w.brain, "Something from outside.");
		break;
	case 3:
		w.brain->ops->transfer_failed(w.brain, "busy");
		break;
	case 4:
		answer_tool("I will do that.", prng_u32(seed) % 2 ? "transfer" : "dance", "{}");
		break;
	default:
		speak(texts[prng_u32(seed) % ARRAY_LEN(texts)], prng_u32(seed) % 1500);
	}
	run(prng_u32(seed) % 1500);
	w.log_n = MIN(w.log_n, EVENTS / 2);
}

/*
 * Whatever happens, in the end the agent listens and answers, or has handed over: it is never stuck. A call that is left (the
 * human or the end was asked for) counts as well.
 */
static void random_calls_never_get_stuck(void **state)
{
	uint64_t seed = test_seed();

	for (int call = 0; call < 150; call++) {
		uint32_t trouble = call % 3 * 15;

		set_up(state);
		begin_call();
		for (int i = 0; i < 25; i++)
			chance_step(&seed, trouble);
		stt.mode = llm.mode = tts.mode = FAKE_WORKS;
		stt.delay_ms = llm.delay_ms = tts.delay_ms = 20;
		llm.next = llm.reply_count; /* plain answers from now on */
		/* The longest patience of all: a mind that is silent twice. */
		run(25000);
		/* A human may have been asked for and not come; then the conversation goes on. */
		int hang_ups = w.hang_ups;

		w.brain->ops->transfer_failed(w.brain, "busy");
		run(9000);
		w.log_n = 0;
		llm.asked = 0;
		speak("are you there please", 900);
		run(6000);
		if (w.hang_ups == hang_ups && !hang_ups) {
			assert_in_range(llm.asked, 1, 2);
			assert_string_equal(said_by(AGENT_WHO_CALLER), "are you there please");
			assert_true(*said_by(AGENT_WHO_AGENT) != '\0' || w.transfers > 0);
		} else {
			assert_int_equal(llm.asked, 0);
			assert_int_equal(w.hang_ups, 1);
		}
		if (call + 1 < 150)
			tear_down(state);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define LOOP(f) cmocka_unit_test_teardown(f, tear_down) /* sets up itself, for each round */
	const struct CMUnitTest tests[] = {
		LOOP(one_failure_of_any_engine_is_not_noticed),
		T(a_piece_that_is_tried_again_is_not_overtaken),
		T(a_fresh_recogniser_hears_what_the_broken_one_did),
		T(a_recogniser_that_breaks_on_the_final_is_asked_again),
		T(a_mind_that_takes_too_long_is_asked_once_more),
		T(a_mind_that_breaks_in_the_middle_is_not_asked_again),
		T(words_are_taken_when_their_final_does_not_come),
		LOOP(a_dead_recogniser_is_apologised_for),
		T(who_speaks_again_hears_the_apology),
		LOOP(a_dead_mind_is_apologised_for),
		LOOP(a_dead_voice_is_apologised_for_by_a_recording),
		T(another_voice_apologises_when_nothing_was_recorded),
		T(without_any_voice_there_is_a_tone),
		T(without_a_human_the_call_ends),
		T(when_the_human_does_not_answer_either_the_call_ends),
		T(a_part_that_cannot_be_opened_is_told_to_caller_and_owner),
		LOOP(names_that_nobody_has_are_failures_with_words),
		T(a_failure_on_hold_is_apologised_for_when_it_ends),
		T(a_slow_mind_has_a_filler),
		T(a_filler_is_not_said_over_the_caller),
		LOOP(random_calls_never_get_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
