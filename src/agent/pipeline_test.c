/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"

/* ---- a conversation -------------------------------------------------------------------------------------------------------- */

static void the_greeting_is_spoken_whole_and_measured(void **state)
{
	begin_call();
	run(200);
	assert_true(is_audible());
	run(4000);
	assert_int_equal(w.log[0].kind, AGENT_STARTED);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
	/* 60 ms a byte, each of the two pieces filled up to a frame. */
	assert_in_range(w.audible_frames, 39 * 3, 39 * 3 + 2);
	assert_int_equal(last(AGENT_TURN)->ev.turn.turn, 1);
	assert_int_equal(last(AGENT_TURN)->ev.turn.reason, TURN_BY_NONE);
	assert_int_equal(llm.told[0].cause, LLM_ON_START);
}

static void what_is_said_is_answered(void **state)
{
	answer("We have a table on Tuesday. Shall I book it?");
	greet();
	speak("do you have a table", 1200);
	run(3500);
	assert_string_equal(said_by(AGENT_WHO_CALLER), "do you have a table");
	assert_int_equal(llm.asked, 2);
	assert_int_equal(last_told()->cause, LLM_ON_TEXT);
	assert_string_equal(last_told()->text, "do you have a table");
	assert_int_equal(last_told()->history_count, 1);
	assert_string_equal(last_told()->last_message, "Hello, this is the test. How can I help?");
	assert_string_equal(said_by(AGENT_WHO_AGENT), "We have a table on Tuesday. Shall I book it?");
	assert_in_range(stt.preroll, 300 * 8, 420 * 8);

	speak("yes", 400);
	run(700);
	assert_int_equal(last_told()->history_count, 3);
	assert_string_equal(last_told()->last_message, "We have a table on Tuesday. Shall I book it?");
}

/* The budgets of a turn: endpoint 600 ms after the last word (350 when complete), our own share 20 ms. */
static void a_turn_costs_what_the_budget_allows(void **state)
{
	greet();
	stt.delay_ms = llm.delay_ms = tts.delay_ms = 0;
	speak("one two three", 1000);
	int64_t fell_silent_us = w.now_us;

	run(1500);
	const struct agent_turn_metrics *m = &last(AGENT_TURN)->ev.turn;

	assert_int_equal(m->turn, 2);
	assert_int_equal(m->reason, TURN_BY_ENDPOINT);
	assert_in_range(m->speech_end_us - fell_silent_us + 20000, 0, 40000);
	assert_in_range(m->endpoint_us - fell_silent_us, 480000, 600000);
	/* Virtual engines of no duration: all that is left is ours. */
	assert_in_range(m->queued_us - m->endpoint_us, 0, 20000);
	assert_in_range(m->own_us, 0, 20000);
	assert_in_range(m->rtp_us - m->queued_us, 0, 20000);
	assert_true(m->endpoint_us <= m->final_us && m->final_us <= m->mind_us && m->mind_us <= m->text_us &&
		m->text_us <= m->voice_us && m->voice_us <= m->audio_us && m->audio_us <= m->queued_us);

	run(3000);
	speak("tuesday at nine please", 1000);
	fell_silent_us = w.now_us;
	run(1500);
	m = &last(AGENT_TURN)->ev.turn;
	assert_int_equal(m->reason, TURN_BY_COMPLETE);
	assert_in_range(m->endpoint_us - fell_silent_us, 260000, 350000);
}

static void the_engines_waits_are_not_counted_as_ours(void **state)
{
	greet();
	stt.delay_ms = 150;
	llm.delay_ms = 300;
	tts.delay_ms = 90;
	speak("one two three", 1000);
	run(2000);
	assert_in_range(last(AGENT_TURN)->ev.turn.own_us, 0, 20000);
	assert_true(last(AGENT_TURN)->ev.turn.queued_us - last(AGENT_TURN)->ev.turn.endpoint_us > 500000);
}

/* Nobody waits for the silence a voice begins with, and what was heard is not counted wrong for it. */
static void the_silence_before_the_first_word_is_left_out(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	greet();
	tts.lead_ms = 200;
	speak("when are you open", 800);
	run(660);
	assert_true(is_audible());
	run(600 + 1400 - 660);
	speak("wait stop", 900);
	run(700);
	assert_string_equal(last_told()->heard, "We are open from nine to");
}

static void the_first_clause_is_spoken_while_the_rest_is_made(void **state)
{
	answer("I can offer you Tuesday at nine, Wednesday at ten, or any time on Friday. Which one?");
	greet();
	tts.delay_ms = 60;
	speak("one two", 800);
	run(560);
	assert_string_equal(tts.last, "Wednesday at ten, or any time on Friday.");
	assert_false(is_audible());
	run(100);
	assert_true(is_audible());
	run(7000);
	assert_string_equal(said_by(AGENT_WHO_AGENT),
		"I can offer you Tuesday at nine, Wednesday at ten, or any time on Friday. Which one?");
}

static void a_pause_inside_a_phrase_does_not_end_the_turn(void **state)
{
	greet();
	speak("an appointment on", 900);
	run(900);
	assert_int_equal(llm.asked, 1);
	speak("an appointment on tuesday", 500);
	run(900);
	assert_int_equal(llm.asked, 2);
	assert_string_equal(last_told()->text, "an appointment on tuesday");
	assert_int_equal(stt.begun, 1);
	assert_int_equal(stt.resumed, 1);
}

static void listening_follows_the_minds_hint(void **state)
{
	llm.replies[llm.reply_count++] = (struct fake_reply){"Your number, please?", NULL, NULL, 3000, true};
	greet();
	speak("hello", 500);
	run(2000);
	assert_string_equal(stt.context, "state");
	speak("five five five", 800);
	run(900);
	assert_int_equal(llm.asked, 2);
	run(400);
	assert_int_equal(llm.asked, 3);
}

static void silence_is_told_to_the_mind(void **state)
{
	answer("Are you still there?");
	greet();
	run(7000);
	assert_int_equal(last_told()->cause, LLM_ON_SILENCE);
	run(2000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Are you still there?");
}

static void noise_is_forgotten_and_mumbling_is_asked_about(void **state)
{
	greet();
	speak("", 200);
	run(1500);
	assert_int_equal(llm.asked, 1);
	speak("", 1200);
	run(1000);
	assert_int_equal(llm.asked, 2);
	assert_string_equal(last_told()->text, "");
	assert_true(last_told()->confidence == 0);
}

/* ---- interruptions ------------------------------------------------------------------------------------------------------------- */

static void who_is_interrupted_stops_and_knows_what_was_heard(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	answer("All right.");
	greet();
	speak("when are you open", 800);
	run(600 + 1400);
	assert_true(is_audible());

	int64_t spoke_us = w.now_us;

	speak("wait stop", 900);
	/* 200 ms of voice are certain; 100 ms are the budget, of which the media path needs one frame. */
	assert_in_range(w.audible_us - (spoke_us + 200000), 0, 100000);
	run(700);
	assert_true(last_told()->is_interrupted);
	assert_false(last_told()->is_continued);
	assert_int_equal(last_told()->cause, LLM_ON_TEXT);
	assert_string_equal(last_told()->text, "wait stop");
	assert_string_equal(last_told()->heard, "We are open from nine to");
	assert_string_equal(last_told()->last_message, "We are open from nine to");

	const struct agent_interrupt_metrics *i = &last(AGENT_INTERRUPT)->ev.interrupt;

	assert_true(i->was_real);
	assert_in_range(i->pause_us - i->voice_us, 200000, 260000);
	run(2000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "All right.");
}

static void a_nod_does_not_lose_a_word(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	greet();
	speak("when are you open", 800);
	run(600 + 1500);
	uint32_t before = w.audible_frames;

	speak("mhm", 300);
	run(6000);
	assert_int_equal(llm.asked, 2);
	assert_false(last(AGENT_INTERRUPT)->ev.interrupt.was_real);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "We are open from nine to five on weekdays and closed on Sundays.");
	assert_true(w.audible_frames - before > 64 * 3 - 80);
}

/* Half of the recogniser's work is saved while only the whole answer matters. */
static void partials_are_wanted_over_our_voice_only(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	answer("All right.");
	greet();
	speak("when are you open", 800);
	assert_false(stt.has_partials);
	run(600 + 1400);
	assert_true(is_audible());
	speak("wait stop", 900);
	assert_true(stt.has_partials);
	run(5000);
	speak("thank you", 700);
	assert_false(stt.has_partials);
}

static void the_echo_of_our_own_words_is_no_interruption(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	greet();
	speak("when are you open", 800);
	run(600 + 1500);
	speak("open from nine", 400);
	run(6000);
	assert_int_equal(llm.asked, 2);
}

static void who_goes_on_before_the_answer_is_heard_out(void **state)
{
	greet();
	llm.delay_ms = 600;
	speak("i want a table", 800);
	run(560);
	speak("for two on tuesday", 700);
	run(2000);
	assert_string_equal(last_told()->text, "i want a table for two on tuesday");
	assert_false(last_told()->is_interrupted);
	assert_true(last_told()->is_continued);
	assert_int_equal(last_told()->history_count, 1);
	assert_int_equal(llm.asked, 3);
}

/* "Yes -- that's right": the pause was long enough for us to begin, and the rest of the answer falls on our first word. */
static void who_goes_on_over_our_first_word_was_not_answered(void **state)
{
	answer("Your appointment is booked.");
	greet();
	speak("yes please", 600);
	run(280 + 60 + 100);
	speak("that is right", 700);
	run(1500);
	assert_string_equal(last_told()->text, "yes please that is right");
	assert_true(last_told()->is_continued);
	assert_false(last_told()->is_interrupted);
	assert_int_equal(last_told()->history_count, 1);
}

/* The mind forgets the cut question; what that one interrupted has to be told again. */
static void a_continued_interruption_is_still_one(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	greet();
	speak("when are you open", 800);
	run(600 + 1400);
	llm.delay_ms = 600;
	speak("wait please", 700);
	run(400);
	assert_true(last_told()->is_interrupted);
	speak("i mean on sundays", 800);
	run(700);
	assert_string_equal(last_told()->text, "wait please i mean on sundays");
	assert_true(last_told()->is_continued);
	assert_true(last_told()->is_interrupted);
	assert_string_equal(last_told()->heard, "We are open from nine to");
}

static void a_cough_while_we_think_only_delays(void **state)
{
	answer("On Tuesday at nine.");
	greet();
	llm.delay_ms = 300;
	speak("when", 500);
	run(600);
	speak("", 100);
	run(160);
	assert_false(is_audible());
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "On Tuesday at nine.");
}

/* Whenever the caller begins to speak over a turn, the next answer comes, once, and the line is never left paused. */
static void an_interruption_at_any_moment_is_answered(void **state)
{
	for (uint32_t offset = 0; offset < 6000; offset += 70) {
		set_up(state);
		answer("We are open from nine to five on weekdays and closed on Sundays.");
		answer("One two three four five six seven eight nine ten eleven.");
		answer("Done.");
		greet();
		llm.delay_ms = 200;
		speak("when are you open", 800);
		run(offset);
		speak("wait stop now", 700);
		run(9000);
		assert_string_equal(said_by(AGENT_WHO_CALLER), "wait stop now");
		assert_non_null(strstr(last_told()->text, "wait stop now"));
		assert_string_not_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
		assert_false(is_audible());
		uint32_t asked = llm.asked;

		speak("and again please", 700);
		run(600);
		assert_int_equal(llm.asked, asked + 1);
		run(700);
		assert_true(w.audible_us > w.now_us - 2000000);
		if (offset + 70 < 6000)
			tear_down(state);
	}
}

/* ---- keys, hold, text from outside --------------------------------------------------------------------------------------------- */

static void press(const char *keys, uint32_t gap_ms)
{
	for (; *keys; keys++) {
		w.brain->ops->dtmf(w.brain, *keys);
		run(gap_ms);
	}
}

static void digits_are_collected_and_told(void **state)
{
	greet();
	press("4711", 400);
	run(1500);
	assert_int_equal(llm.asked, 1);
	run(300);
	assert_int_equal(last_told()->cause, LLM_ON_DTMF);
	assert_string_equal(last_told()->text, "4711");
	run(4000);
	press("12#", 300);
	run(100);
	assert_string_equal(last_told()->text, "12");
	run(4000);
	press("1", 400);
	assert_string_equal(last_told()->text, "1");
	run(4000);
	press("#", 100);
	run(2500);
	assert_string_equal(last_told()->text, "#");
}

/* A mind says how keys answer its question; the next question has the default again. */
static void keys_end_as_the_mind_says(void **state)
{
	answer_like(&(struct fake_reply){.text = "Your account number?", .key_ends = "*", .keys_ms = 5000});
	answer_like(&(struct fake_reply){.text = "Your PIN?", .keys_most = 3});
	answer_like(&(struct fake_reply){.text = "Anything else?", .silence_ms = 5000});
	greet();
	press("1#", 300);
	run(4000);
	press("47", 400);
	run(3000); /* more than the default's patience */
	press("#1*", 400);
	run(100);
	assert_string_equal(last_told()->text, "47#1");
	run(4000);
	press("123", 100);
	run(20);
	assert_string_equal(last_told()->text, "123");
	run(4000);
	press("1234#", 300);
	run(100);
	assert_string_equal(last_told()->text, "1234");
}

/* A sensitive answer goes to the mind, and into no history; it is told before the answer that nothing is to be kept, and when it is over. */
static void a_sensitive_answer_is_the_minds_alone(void **state)
{
	answer_like(&(struct fake_reply){.text = "Your PIN?", .is_sensitive = true});
	answer_like(&(struct fake_reply){.text = "Thank you.", .silence_ms = 9000});
	greet();
	for (int i = 0; i < w.log_n; i++)
		assert_int_not_equal(w.log[i].kind, AGENT_SENSITIVE);
	press("1#", 300);
	run(4000);
	assert_true(last(AGENT_SENSITIVE)->ev.is_on);
	press("4711#", 300);
	run(100);
	assert_string_equal(last_told()->text, "4711");
	assert_true(last(AGENT_SENSITIVE)->ev.is_on);
	run(4000);
	assert_false(last(AGENT_SENSITIVE)->ev.is_on);
	press("5#", 300);
	run(100);
	assert_string_equal(last_told()->text, "5");
	assert_string_equal(last_told()->last_message, "Thank you.");
	assert_string_equal(last_told()->before, "(not kept)");
}

/* Also when they go on with a key before they hear our reply. */
static void a_sensitive_answer_that_was_not_answered_is_not_kept_either(void **state)
{
	answer_like(&(struct fake_reply){.text = "Your PIN?", .is_sensitive = true});
	greet();
	press("1#", 300);
	run(4000);
	llm.delay_ms = 2000;
	speak("four seven eleven", 400);
	run(1000);
	assert_string_equal(last_told()->text, "four seven eleven");
	press("5#", 300);
	run(100);
	assert_string_equal(last_told()->text, "5");
	assert_string_equal(last_told()->last_message, "(not kept)");
}

static void a_key_stops_us_at_once(void **state)
{
	begin_call();
	run(1000);
	assert_true(is_audible());
	press("1", 60);
	assert_false(is_audible());
	run(400);
	assert_int_equal(last_told()->cause, LLM_ON_DTMF);
	assert_true(last_told()->is_interrupted);
	assert_string_equal(last_told()->heard, "Hello, this is");
}

static void what_nobody_will_hear_is_not_made(void **state)
{
	begin_call();
	tts.delay_ms = 3000;
	run(100);
	assert_true(voices->count + (voices->next ? voices->next->count : 0) > 0);
	press("1", 20);
	for (const struct fake_voice *v = voices; v; v = v->next)
		assert_true(v->count == 0 || strstr(v->queue[0].text, "sorry"));
}

static void more_keys_than_anybody_presses_are_bounded(void **state)
{
	greet();
	press("12345678901234567890123456789012345678901234567890", 20);
	run(5000);
	assert_true(llm.asked > 1);
}

static void hold_stops_everything_and_resume_goes_on(void **state)
{
	answer("We are open from nine to five on weekdays and closed on Sundays.");
	greet();
	speak("when are you open", 800);
	run(600 + 1000);
	assert_true(is_audible());
	w.brain->ops->hold(w.brain);
	uint32_t frames = w.audible_frames;

	run(60);
	speak("music on hold", 3000);
	run(30000);
	assert_true(w.audible_frames - frames <= 2);
	assert_int_equal(llm.asked, 2);
	w.brain->ops->resume(w.brain);
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "We are open from nine to five on weekdays and closed on Sundays.");
	speak("thank you please", 600);
	run(600);
	assert_int_equal(llm.asked, 3);
}

static void a_reply_that_comes_while_on_hold_waits(void **state)
{
	answer("We are open from nine.");
	greet();
	llm.delay_ms = 1000;
	speak("when are you open", 800);
	run(700);
	w.brain->ops->hold(w.brain);
	run(5000);
	assert_false(is_audible());
	w.brain->ops->resume(w.brain);
	run(200);
	assert_true(is_audible());
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "We are open from nine.");
}

static void a_text_from_outside_waits_for_the_floor(void **state)
{
	begin_call();
	run(500);
	w.brain->ops->say(w.brain, "A colleague will join us.");
	for (int i = 0; i < 10; i++)
		w.brain->ops->say(w.brain, "Again.");
	run(2200);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
	run(1400);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "A colleague will join us.");
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Again.");
	speak("thank you please", 600);
	run(600);
	assert_string_equal(last_told()->last_message, "Again.");
}

/* ---- tools ------------------------------------------------------------------------------------------------------------------------ */

static void a_transfer_waits_until_the_words_were_spoken(void **state)
{
	answer_tool("I will put you through.", "transfer", "{\"to\":\"300\",\"reason\":\"billing\"}");
	greet();
	speak("a human please", 800);
	run(1000);
	assert_int_equal(count(AGENT_TRANSFER), 0);
	run(1500);
	assert_int_equal(count(AGENT_TRANSFER), 1);
	assert_string_equal(last(AGENT_TRANSFER)->text, "300");
	assert_string_equal(last(AGENT_TRANSFER)->reason, "billing");
	assert_string_equal(said_by(AGENT_WHO_AGENT), "I will put you through.");
	/* It does not listen any more. */
	speak("hello", 800);
	run(9000);
	assert_int_equal(llm.asked, 2);
}

static void without_a_target_the_configured_human_is_called(void **state)
{
	answer_tool(NULL, "transfer", "not json");
	greet();
	speak("a human please", 800);
	run(600);
	assert_string_equal(last(AGENT_TRANSFER)->text, "200");
}

static void a_failed_transfer_is_told_and_talked_about(void **state)
{
	answer_tool("One moment.", "transfer", "{\"reason\":\"billing\"}");
	answer("Nobody is free. Shall we call you back?");
	answer("Fine.");
	greet();
	speak("a human please", 800);
	run(2500);
	assert_int_equal(count(AGENT_TRANSFER), 1);
	w.brain->ops->transfer_failed(w.brain, "busy");
	run(200);
	assert_int_equal(last_told()->cause, LLM_ON_TOOL_RESULT);
	assert_string_equal(last_told()->last_message, "{\"error\":\"the transfer failed\",\"reason\":\"busy\"}");
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Nobody is free. Shall we call you back?");
	speak("yes please", 600);
	run(2000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Fine.");
	/* Once told, it is over. */
	w.brain->ops->transfer_failed(w.brain, "busy");
	run(100);
	assert_int_equal(llm.asked, 4);
}

static void a_transfer_to_nobody_fails_at_once(void **state)
{
	w.config.transfer_to = NULL;
	w.config.transfer_failed = "I am alone here, sorry.";
	answer_tool("One moment.", "transfer", "{}");
	greet();
	speak("a human please", 800);
	run(4000);
	assert_int_equal(count(AGENT_TRANSFER), 0);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "I am alone here, sorry.");
	speak("fine please", 600);
	run(600);
	assert_int_equal(llm.asked, 3);
}

static void good_bye_is_said_before_the_end(void **state)
{
	answer_tool("Good bye.", "hang_up", "{\"reason\":\"done\"}");
	greet();
	speak("bye please", 600);
	run(500);
	assert_int_equal(count(AGENT_HANG_UP), 0);
	run(1000);
	assert_string_equal(last(AGENT_HANG_UP)->reason, "done");
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Good bye.");
}

static void who_speaks_over_good_bye_is_not_hung_up_on(void **state)
{
	answer_tool("Good bye then and thank you for calling us today.", "hang_up", "{}");
	answer("Yes?");
	greet();
	speak("bye please", 600);
	run(1000);
	speak("wait one more thing", 800);
	run(4000);
	assert_int_equal(count(AGENT_HANG_UP), 0);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Yes?");
}

static void an_unknown_tool_gives_the_mind_an_error(void **state)
{
	answer_tool("Let me look.", "weather", "{\"city\":\"Bern\"}");
	answer("I cannot know that.");
	greet();
	speak("the weather please", 800);
	run(4500);
	assert_int_equal(last_told()->cause, LLM_ON_TOOL_RESULT);
	assert_string_equal(last_told()->last_message, "{\"error\":\"there is no such tool\"}");
	assert_int_equal(last_told()->history_count, 4);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Let me look. I cannot know that.");
}

static void a_mind_that_only_calls_tools_is_stopped(void **state)
{
	for (int i = 0; i < 11; i++)
		answer_tool(NULL, "weather", "{}");
	greet();
	speak("the weather please", 800);
	run(3000);
	assert_int_equal(llm.asked, 2 + LIMIT_AGENT_ROUNDS);
	/* The next question starts counting anew. */
	speak("and the tides please", 800);
	run(3000);
	assert_int_equal(llm.asked, 2 + LIMIT_AGENT_ROUNDS + 1 + 4);
}

/* ---- bounds and ends ------------------------------------------------------------------------------------------------------------ */

static void a_reply_without_text_leaves_the_floor_to_the_caller(void **state)
{
	answer("");
	greet();
	speak("hello", 600);
	run(1000);
	speak("hello again", 600);
	run(1000);
	assert_int_equal(llm.asked, 3);
}

static void an_endless_reply_is_bounded_and_can_be_interrupted(void **state)
{
	static char text[20000];

	for (size_t i = 0; i + 12 < sizeof(text); i += 11)
		memcpy(text + i, "word other. ", 12);
	answer(text);
	answer("Fine.");
	greet();
	speak("tell me everything", 800);
	run(5000);
	assert_true(is_audible());
	assert_true(tts.spoken < 15);
	speak("stop that now", 800);
	run(3000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Fine.");
}

static void a_port_that_nobody_drives_is_no_harm(void **state)
{
	w.is_connected = false;
	media_port_disconnect(w.port);
	begin_call();
	run(20000);
	w.is_connected = true;
	assert_true(media_port_connect(w.port));
	run(4000);
	assert_string_equal(said_by(AGENT_WHO_AGENT), "Hello, this is the test. How can I help?");
}

/* The sanitizer is the judge, and tear_down: nothing comes after the end. */
static void a_call_may_end_at_any_moment(void **state)
{
	for (uint32_t end_at = 0; end_at < 9000; end_at += 43) {
		set_up(state);
		answer("We are open from nine to five on weekdays and closed on Sundays.");
		begin_call();
		for (uint32_t ms = 0; ms < end_at; ms += 43) {
			if (ms > 3500 && ms < 4300)
				w.words = "when are you open", w.voice_until_us = w.now_us + 43000;
			if (ms > 6000 && ms < 6800)
				w.words = "stop", w.voice_until_us = w.now_us + 43000;
			run(43);
		}
		if (end_at + 43 < 9000)
			tear_down(state);
	}
}

static void results_that_break_the_rules_and_come_late_are_ignored(void **state)
{
	struct stt_final final = {.text = "late", .confidence = 1};

	greet();
	speak("hello", 300);
	stt.cb.on_final(stt.cb.arg, 999, &final);
	stt.cb.on_error(stt.cb.arg, 999, -TR_EENGINE, "late");
	llm.cb.on_delta(llm.cb.arg, llm.id, "late text");
	llm.cb.on_tool(llm.cb.arg, llm.id, "x", "hang_up", "{}");
	llm.cb.on_done(llm.cb.arg, llm.id);
	llm.cb.on_error(llm.cb.arg, llm.id, -TR_EENGINE, "late");
	run(3000);
	assert_int_equal(count(AGENT_FAILED), 0);
	assert_int_equal(count(AGENT_HANG_UP), 0);
	assert_string_equal(said_by(AGENT_WHO_CALLER), "hello");
}

static void the_conversation_that_is_kept_is_bounded(void **state)
{
	struct history *h = history_new();
	char text[2000];
	size_t n;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(history_add(h, LLM_USER, "", NULL, NULL), 0);
	history_messages(h, &n);
	assert_int_equal(n, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(history_add(h, (enum llm_role)(1 + i % 4), i % 3 ? "short" : text, "t", "c"), 0);
	const struct llm_message *m = history_messages(h, &n);
	size_t bytes = 0;

	assert_true(n > 10 && n <= LIMIT_AGENT_HISTORY);
	assert_int_not_equal(m[0].role, LLM_TOOL_RESULT);
	for (size_t i = 0; i < n; i++)
		bytes += strlen(m[i].text);
	assert_true(bytes <= LIMIT_AGENT_HISTORY_BYTES);
	history_free(h);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_greeting_is_spoken_whole_and_measured),
		T(what_is_said_is_answered),
		T(a_turn_costs_what_the_budget_allows),
		T(the_engines_waits_are_not_counted_as_ours),
		T(the_silence_before_the_first_word_is_left_out),
		T(the_first_clause_is_spoken_while_the_rest_is_made),
		T(a_pause_inside_a_phrase_does_not_end_the_turn),
		T(listening_follows_the_minds_hint),
		T(silence_is_told_to_the_mind),
		T(noise_is_forgotten_and_mumbling_is_asked_about),
		T(who_is_interrupted_stops_and_knows_what_was_heard),
		T(a_nod_does_not_lose_a_word),
		T(partials_are_wanted_over_our_voice_only),
		T(the_echo_of_our_own_words_is_no_interruption),
		T(who_goes_on_before_the_answer_is_heard_out),
		T(who_goes_on_over_our_first_word_was_not_answered),
		T(a_continued_interruption_is_still_one),
		T(a_cough_while_we_think_only_delays),
		cmocka_unit_test_teardown(an_interruption_at_any_moment_is_answered, tear_down),
		T(digits_are_collected_and_told),
		T(keys_end_as_the_mind_says),
		T(a_sensitive_answer_is_the_minds_alone),
		T(a_sensitive_answer_that_was_not_answered_is_not_kept_either),
		T(a_key_stops_us_at_once),
		T(what_nobody_will_hear_is_not_made),
		T(more_keys_than_anybody_presses_are_bounded),
		T(hold_stops_everything_and_resume_goes_on),
		T(a_reply_that_comes_while_on_hold_waits),
		T(a_text_from_outside_waits_for_the_floor),
		T(a_transfer_waits_until_the_words_were_spoken),
		T(without_a_target_the_configured_human_is_called),
		T(a_failed_transfer_is_told_and_talked_about),
		T(a_transfer_to_nobody_fails_at_once),
		T(good_bye_is_said_before_the_end),
		T(who_speaks_over_good_bye_is_not_hung_up_on),
		T(an_unknown_tool_gives_the_mind_an_error),
		T(a_mind_that_only_calls_tools_is_stopped),
		T(a_reply_without_text_leaves_the_floor_to_the_caller),
		T(an_endless_reply_is_bounded_and_can_be_interrupted),
		T(a_port_that_nobody_drives_is_no_harm),
		cmocka_unit_test_teardown(a_call_may_end_at_any_moment, tear_down),
		T(results_that_break_the_rules_and_come_late_are_ignored),
		cmocka_unit_test(the_conversation_that_is_kept_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
