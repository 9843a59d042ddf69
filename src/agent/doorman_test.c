/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doorman.h"
#include "agent/pipeline_world.h"

/* The brain of a call that we placed, in the pipeline's virtual world. */
static void wait_at_the_door(const char *words_stt)
{
	struct brain_env env = {
		.call = 77,
		.port = w.port,
		.providers = &w.providers,
		.recorded = w.recorded,
		.on_event = on_event,
		.clock_us = virtual_clock,
	};

	assert_int_equal(doorman_new(&w.brain, &env, &w.config, words_stt), 0);
	w.brain->ops->start(w.brain);
}

static void nothing_is_said_until_somebody_is_there(void **state)
{
	wait_at_the_door(NULL);
	speak("hello", 500);
	run(3000);
	assert_int_equal(w.audible_frames, 0);
	assert_int_equal(llm.asked, 0);

	w.brain->ops->begin(w.brain);
	run(200);
	assert_true(is_audible());
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");

	/* From here on it is a conversation like any other; a second begin is none. */
	w.brain->ops->begin(w.brain);
	answer("On Monday.");
	speak("when are you open", 900);
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "On Monday.");
	assert_int_equal(llm.asked, 2);
}

static void a_message_is_said_whole_and_told(void **state)
{
	wait_at_the_door(NULL);
	run(1000);
	w.brain->ops->leave(w.brain, "Please call us back.");
	run(200);
	assert_true(is_audible());
	assert_int_equal(count(AGENT_LEFT), 0);
	run(4000);
	assert_int_equal(count(AGENT_LEFT), 1);
	assert_false(last(AGENT_LEFT)->ev.has_failed);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Please call us back.");
	assert_int_equal(llm.asked, 0);
}

/* It spoke to a person, who was none: silent at once, and the message comes later, as a whole. */
static void who_was_let_in_is_put_out_for_a_machine(void **state)
{
	wait_at_the_door(NULL);
	w.brain->ops->begin(w.brain);
	run(400);
	assert_true(is_audible());
	w.brain->ops->leave(w.brain, "");
	run(100);
	assert_false(is_audible());
	assert_int_equal(count(AGENT_LEFT), 0);
	run(2000);

	uint32_t frames = w.audible_frames;

	w.brain->ops->leave(w.brain, "Please call us back.");
	run(5000);
	assert_int_equal(count(AGENT_LEFT), 1);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Please call us back.");
	assert_true(w.audible_frames - frames > 20);
}

/* Put out before a frame of its was sent: the message must not fall to the flush that was meant for it. */
static void a_message_survives_the_flush_of_what_was_never_heard(void **state)
{
	wait_at_the_door(NULL);
	w.brain->ops->begin(w.brain);
	w.is_connected = false; /* the worker takes nothing */
	run(300);
	w.brain->ops->leave(w.brain, "Please call us back.");
	w.is_connected = true;
	run(5000);
	assert_int_equal(count(AGENT_LEFT), 1);
	assert_true(w.audible_frames > 20);
}

static void a_message_begins_again_after_a_second_beep(void **state)
{
	wait_at_the_door(NULL);
	w.brain->ops->leave(w.brain, "Please call us back at your leisure.");
	run(600);
	w.brain->ops->leave(w.brain, "Please call us back at your leisure.");
	run(6000);
	assert_int_equal(count(AGENT_LEFT), 1);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Please call us back at your leisure.");
}

static void a_broken_voice_is_told_instead_of_a_message(void **state)
{
	w.config.tts = "nothing of that name";
	wait_at_the_door(NULL);
	w.brain->ops->leave(w.brain, "Please call us back.");
	run(1000);
	assert_int_equal(count(AGENT_FAILED), 1);
	assert_int_equal(count(AGENT_LEFT), 1);
	assert_true(last(AGENT_LEFT)->ev.has_failed);
	w.config.tts = NULL;
}

static void words_of_machines_are_told_and_no_others(void **state)
{
	wait_at_the_door("embedded");
	speak("hello who is this", 900);
	run(1000);
	assert_int_equal(count(AGENT_WORDS), 0);
	speak("please record your name and reason for calling", 1900);
	run(1000);
	assert_int_equal(count(AGENT_WORDS), 1);
	assert_int_equal(last(AGENT_WORDS)->ev.words.who, ANSWER_SCREENING);
	assert_int_equal(count(AGENT_TRANSCRIPT), 0);
	w.brain->ops->begin(w.brain);
	run(3000);
	assert_int_equal(llm.asked, 1);
}

/* Without a recogniser, and with one that breaks, it goes on by sound alone. */
static void ears_that_break_cost_words_only(void **state)
{
	wait_at_the_door("nothing of that name");
	speak("leave a message", 1900);
	run(500);
	assert_int_equal(count(AGENT_WORDS) + count(AGENT_FAILED), 0);
	w.brain->ops->begin(w.brain);
	run(300);
	assert_true(is_audible());
}

static void hold_stops_a_message_and_resume_goes_on(void **state)
{
	wait_at_the_door(NULL);
	w.brain->ops->leave(w.brain, "Please call us back.");
	run(400);
	w.brain->ops->hold(w.brain);
	run(500);
	assert_false(is_audible());
	w.brain->ops->resume(w.brain);
	run(5000);
	assert_int_equal(count(AGENT_LEFT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_said_until_somebody_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_message_is_said_whole_and_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_was_let_in_is_put_out_for_a_machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_message_survives_the_flush_of_what_was_never_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_message_begins_again_after_a_second_beep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_voice_is_told_instead_of_a_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_of_machines_are_told_and_no_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ears_that_break_cost_words_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hold_stops_a_message_and_resume_goes_on, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
