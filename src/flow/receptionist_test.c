/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/talk_test.h"

/* The receptionist that is built in, open Monday to Friday, 8 to 18. */

static int fresh(void **state)
{
	talk_load("receptionist", NULL, NULL);
	talk_begin("Acme, how can I help?");
	assert_string_equal(talk.reply.text, "Acme, how can I help?");

	return 0;
}

/* Everything up to the read-back. */
static int read_back(void **state)
{
	fresh(state);
	says("i'd like to make an appointment");
	says("tuesday");
	says("half past two");
	says("sarah miller");
	hears_exactly("So that's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is that right?");

	return 0;
}

static int end(void **state)
{
	talk_end();

	return 0;
}

static void appointment_is_booked(void **state)
{
	says("i'd like to make an appointment");
	hears_exactly("Certainly. What day would suit you?");
	assert_true(talk.reply.is_number);
	says("tuesday");
	hears_exactly("Tuesday the 24th of November. What time on Tuesday?");
	says("half past two");
	hears_exactly("May I have your name, please?");
	says("my name is sarah miller");
	hears("Is that right?");
	assert_false(talk.reply.is_number);
	says("yes that's right");
	hears_exactly("Your appointment is booked for Tuesday the 24th of November at 2:30 pm. Is there anything else I can do for you?");
	does(FLOW_LISTEN, "");
	says("no thank you");
	hears_exactly("Thank you for calling. Goodbye.");
	does(FLOW_HANG_UP, "done");
}

static void everything_in_one_sentence(void **state)
{
	says("hello this is john smith i'd like to book an appointment for next friday at ten");
	hears("So that's Friday the 27th of November at 10 am, for John Smith.");
	says("yes");
	hears("is booked for Friday the 27th");
}

/* "Yes ... that is right": the second half falls on the beginning of the answer to the first. */
static void yes_over_our_answer_has_it_said_again(void **state)
{
	struct flow_turn yes = {.cause = FLOW_TEXT, .text = "that is right", .confidence = 1, .is_interrupted = true, .heard = "Your appointment"};
	char booked[FLOW_TEXT_BYTES];

	says("i'd like an appointment on tuesday at three");
	says("sarah miller");
	says("yes");
	hears("Your appointment is booked for Tuesday");
	buf_copy(booked, sizeof(booked), talk.reply.text);
	talk_turn(yes);
	hears_exactly(booked);
	talk_turn(yes);
	hears_exactly(booked);
	/* Once the question was heard, it is the answer to it. */
	yes.heard = booked;
	talk_turn(yes);
	hears_exactly("How can I help you?");
}

/* What the recogniser is told to listen for, by context. */
static bool grammar_has(const char *context, const char *words)
{
	auto_free char *head = mem_format("context %s = ", context);
	const char *line = strstr(flow_grammar(talk.flow), head), *end = line ? strchr(line, '\n') : NULL;

	assert_non_null(end);

	return memmem(line, (size_t)(end - line), words, strlen(words));
}

static void the_recogniser_listens_for_what_is_asked(void **state)
{
	assert_true(grammar_has("day", "<when>"));
	assert_false(grammar_has("day", "<name_said>"));
	assert_true(grammar_has("name", "<name>"));
	assert_false(grammar_has("more", "<when>"));
	assert_true(grammar_has("start", "<greeting>"));
	assert_false(grammar_has("day", "<greeting>"));
	assert_null(strstr(flow_grammar(talk.flow), "<year>"));
}

static void booking_tool_is_waited_for(void **state)
{
	talk.tool = "book_appointment";
	talk_begin(NULL);
	hears_exactly("Hello, how can I help you?");
	says("an appointment on monday at nine");
	says("john smith");
	says("yes");
	hears("One moment");
	does(FLOW_CALL_TOOL, "{\"date\":\"2026-11-23\",\"time\":\"09:00\",\"name\":\"John Smith\"}");
	assert_string_equal(talk.reply.tool, "book_appointment");
	tool_answers("{\"ok\":true}");
	hears("booked for Monday the 23rd of November at 9 am.");

	says("an appointment on monday at nine");
	hears("name");
	says("john smith");
	says("yes");
	tool_answers("{\"error\":\"calendar is down\"}");
	hears("I could not book that.");
	does(FLOW_TRANSFER, "booking failed");
}

static void correction_changes_only_what_it_names(void **state)
{
	says("no i said wednesday");
	hears_exactly("So that's Wednesday the 25th of November at 2:30 pm, for Sarah Miller. Is that right?");
	says("make it four");
	hears("So that's Wednesday the 25th of November at 4 pm, for Sarah Miller.");
	says("no my name is laura martin");
	hears("at 4 pm, for Laura Martin.");
	says("can we make it friday instead");
	hears("So that's Friday the 27th of November at 4 pm, for Laura Martin.");
	says("thursday not friday");
	hears("So that's Thursday the 26th of November at 4 pm, for Laura Martin.");
	says("change the time to ten");
	hears("So that's Thursday the 26th of November at 10 am, for Laura Martin.");
	says("yes");
	hears("booked for Thursday the 26th of November at 10 am.");
}

static void day_is_corrected_while_the_time_is_asked(void **state)
{
	says("an appointment please");
	says("tuesday");
	says("no i said wednesday");
	hears_exactly("Wednesday the 25th of November, then. What time on Wednesday?");
	says("at ten");
	says("no make it thursday");
	hears_exactly("Thursday the 26th of November, then. May I have your name, please?");
	says("james wilson");
	hears("Thursday the 26th of November at 10 am, for James Wilson");
}

static void no_asks_what_to_change(void **state)
{
	says("no");
	hears_exactly("What should I change: the day, the time, or the name?");
	says("the time");
	hears_exactly("All right. What time on Tuesday?");
	says("noon");
	hears("Tuesday the 24th of November at noon, for Sarah Miller.");
	says("change the name");
	hears("your name");
	says("peter");
	hears("Thank you, Peter. And your last name?");
	says("parker");
	hears("for Peter Parker.");
	says("no change the day to friday");
	hears("Friday the 27th of November at noon, for Peter Parker.");
	says("no");
	says("nothing no");
	hears("Friday the 27th of November at noon, for Peter Parker.");
}

/* A read-back that was cut off before the name confirms nothing, one that was heard does. */
static void yes_counts_only_for_what_was_heard(void **state)
{
	struct flow_turn yes = {.cause = FLOW_TEXT, .text = "yes", .confidence = 1, .is_interrupted = true,
		.heard = "So that's Tuesday the 24th of"};

	talk_turn(yes);
	hears("That's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is that right?");
	yes.heard = "That's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is";
	talk_turn(yes);
	hears("is booked");
}

/* A correction does not need the rest of the read-back. */
static void interrupting_correction_counts(void **state)
{
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "no i said wednesday", .confidence = 1, .is_interrupted = true,
		.heard = "So that's Tuesday"});
	hears("So that's Wednesday the 25th");
}

/* The caller went on before we answered: the first half never was a turn. */
static void continued_sentence_is_one(void **state)
{
	says("no i said");
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "no i said wednesday", .confidence = 1, .is_continued = true});
	hears("So that's Wednesday the 25th of November at 2:30 pm, for Sarah Miller.");
	says("yes");
	hears("is booked");
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "yes no make it friday", .confidence = 1, .is_continued = true});
	hears("So that's Friday the 27th of November at 2:30 pm, for Sarah Miller.");
}

/* What a tool has done cannot be undone by going back: only the new words count then. */
static void continued_after_the_tool_ran(void **state)
{
	talk.tool = "book_appointment";
	talk_begin(NULL);
	says("an appointment on monday at nine");
	says("john smith");
	says("yes");
	tool_answers("{\"ok\":true}");
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "yes thank you goodbye", .confidence = 1, .is_continued = true});
	does(FLOW_HANG_UP, "caller");
}

static void human_is_reached_from_everywhere(void **state)
{
	static const char *const steps[] = {"an appointment", "monday", "ten", "john smith", "no", "the day", "friday", "yes"};

	for (size_t depth = 0; depth <= ARRAY_LEN(steps); depth++) {
		talk_begin(NULL);
		for (size_t i = 0; i < depth; i++)
			says(steps[i]);
		says("can i talk to a person please");
		does(FLOW_TRANSFER, "asked");
	}
}

static void who_speaks_after_the_goodbye_is_served(void **state)
{
	says("goodbye");
	does(FLOW_HANG_UP, "caller");
	hears_exactly("Thank you for calling. Goodbye.");
	says("oh wait no yes it is right");
	does(FLOW_LISTEN, "");
}

static void transfer_that_fails_comes_back(void **state)
{
	says("can i talk to a person");
	does(FLOW_TRANSFER, "asked");
	tool_answers("{\"error\":\"the transfer failed\"}");
	hears("nobody can take your call");
	hears("That's Tuesday the 24th of November at 2:30 pm, for Sarah Miller.");
	does(FLOW_LISTEN, "");
	says("yes");
	hears("is booked");
}

static void repeat_help_and_wait(void **state)
{
	says("an appointment on tuesday");
	says("can you repeat that please");
	hears_exactly("What time on Tuesday?");
	says("help");
	hears("ask for a person.");
	hears("What time on Tuesday?");
	says("hold on a second");
	hears_exactly("Take your time.");
	assert_int_equal(talk.reply.silence_ms, 20000);
	says("start over");
	hears("What day would suit you?");
	says("what are your opening hours");
	says("pardon");
	hears("We are open Monday to Friday, from 8 am to 6 pm.");
}

static void questions_are_answered_in_between(void **state)
{
	says("an appointment please");
	says("are you open on saturday");
	hears_exactly("We are open Monday to Friday, from 8 am to 6 pm. What day would suit you?");
	says("how much does it cost");
	hears("What day would suit you?");
	says("where are you located");
	hears("What day would suit you?");
	says("friday");
	hears("What time on Friday?");
}

static void business_data_replaces_the_flows(void **state)
{
	talk_load("receptionist", NULL, "{ open: { tuesday-saturday: \"9-12:30\" }, closed: [ 2026-11-24 ], address: 12 Main Street. }");
	talk_begin(NULL);
	says("when are you open");
	hears("Tuesday to Saturday, from 9 am to 12:30 pm");
	says("where are you");
	hears("12 Main Street.");
	says("an appointment on monday");
	hears("closed on Mondays");
	says("tuesday");
	hears("What day"); /* a holiday */
	says("saturday");
	hears("What time on Saturday?");
	says("two");
	hears("only open from 9 am to 12:30 pm");
}

static void closed_hours_are_refused(void **state)
{
	says("an appointment on sunday at ten");
	hears_exactly("Certainly. I'm afraid we're closed on Sundays. What day would suit you?");
	says("monday");
	hears("name"); /* the time was kept */
	talk_begin(NULL);
	says("an appointment on monday");
	says("seven in the evening");
	hears("only open from 8 am to 6 pm. What time on Monday?");
	says("seven in the morning");
	hears("only open");
	says("eight thirty");
	hears("name");
}

static void parts_of_the_day(void **state)
{
	says("an appointment on monday afternoon");
	hears("What time on Monday in the afternoon?");
	says("five");
	says("john smith");
	hears("at 5 pm");
	says("actually in the morning");
	hears("What time on Monday in the morning?");
	says("any time");
	hears("at 10 am");
	talk_begin(NULL);
	says("as soon as possible");
	hears("What time on Monday?");
}

static void misunderstood_three_times_transfers(void **state)
{
	says("an appointment");
	says("purple elephants");
	hears_exactly("Sorry, I didn't get that. What day would suit you?");
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "monday", .confidence = 0.1F});
	hears("press 1 for Monday");
	hears("press 0");
	says("");
	does(FLOW_TRANSFER, "not understood");
}

/* Short answers to a question that expects them are believed at lower confidence than a request out of the blue. */
static void expected_answers_are_not_rejected_lightly(void **state)
{
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "what are your opening hours", .confidence = 0.2F});
	hears("Sorry");
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "yes", .confidence = 0.2F});
	hears("is booked");
}

static void understanding_resets_the_count(void **state)
{
	says("an appointment");
	says("purple elephants");
	says("purple elephants");
	says("monday");
	says("purple elephants");
	hears("Sorry, I didn't get that. What time on Monday?");
}

static void silence_three_times_ends(void **state)
{
	says("an appointment");
	is_silent();
	hears("Are you still there? What day");
	is_silent();
	hears("press 0");
	is_silent();
	does(FLOW_HANG_UP, "silence");
}

static void keypad_does_what_words_do(void **state)
{
	presses("1");
	hears("What day");
	presses("2");
	hears("What time on Tuesday?");
	presses("3");
	hears("name");
	presses("7");
	hears("Sorry");
	says("john smith");
	hears("Tuesday the 24th of November at 3 pm");
	presses("2");
	hears("the day, the time, or the name");
	presses("1");
	hears("What day");
	presses("1203");
	hears("Thursday the 3rd of December at 3 pm");
	presses("*");
	hears("What day");
	presses("0");
	does(FLOW_TRANSFER, "asked");
}

static void existing_appointments_go_to_a_person(void **state)
{
	says("i need to cancel my appointment");
	hears("shall I connect you with a person?");
	says("yes please");
	does(FLOW_TRANSFER, "asked");
	talk_begin(NULL);
	says("can i reschedule my appointment to monday");
	hears("shall I connect you");
	says("no");
	hears("anything else");
	says("thank you");
	does(FLOW_HANG_UP, "done");
}

static void cancel_while_booking_books_nothing(void **state)
{
	says("never mind");
	hears("nothing is booked");
	says("an appointment on friday");
	hears("What time on Friday?");
	talk_begin(NULL);
	says("never mind");
	hears("shall I connect you with a person?");
}

static void answers_are_judged_for_endpointing(void **state)
{
	static const struct {
		const char *text;
		enum flow_fit fit;
	} days[] = {{"tuesday", FLOW_FIT_COMPLETE}, {"the fifth of", FLOW_FIT_OPEN}, {"purple", FLOW_FIT_UNKNOWN}, {"on the twenty", FLOW_FIT_OPEN},
		{"operator", FLOW_FIT_COMPLETE}},
	  times[] = {{"half past", FLOW_FIT_OPEN}, {"half past two", FLOW_FIT_COMPLETE}, {"two", FLOW_FIT_UNKNOWN},
		  {"two p m", FLOW_FIT_COMPLETE}, {"ten o'clock", FLOW_FIT_COMPLETE}},
	  names[] = {{"my name is", FLOW_FIT_OPEN}, {"sarah", FLOW_FIT_OPEN}, {"sarah miller", FLOW_FIT_COMPLETE},
		  {"operator", FLOW_FIT_COMPLETE}};

	says("an appointment");
	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		assert_int_equal(flow_machine_judge(talk.machine, days[i].text), days[i].fit);
	says("tuesday");
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		assert_int_equal(flow_machine_judge(talk.machine, times[i].text), times[i].fit);
	says("ten");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(flow_machine_judge(talk.machine, names[i].text), names[i].fit);
}

#define DIALOGUE(name, from) cmocka_unit_test_setup_teardown(name, from, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE(appointment_is_booked, fresh),
		DIALOGUE(everything_in_one_sentence, fresh),
		DIALOGUE(booking_tool_is_waited_for, fresh),
		DIALOGUE(correction_changes_only_what_it_names, read_back),
		DIALOGUE(day_is_corrected_while_the_time_is_asked, fresh),
		DIALOGUE(no_asks_what_to_change, read_back),
		DIALOGUE(yes_counts_only_for_what_was_heard, read_back),
		DIALOGUE(interrupting_correction_counts, read_back),
		DIALOGUE(continued_sentence_is_one, read_back),
		DIALOGUE(continued_after_the_tool_ran, fresh),
		DIALOGUE(human_is_reached_from_everywhere, fresh),
		DIALOGUE(who_speaks_after_the_goodbye_is_served, read_back),
		DIALOGUE(transfer_that_fails_comes_back, read_back),
		DIALOGUE(repeat_help_and_wait, fresh),
		DIALOGUE(yes_over_our_answer_has_it_said_again, fresh),
		DIALOGUE(the_recogniser_listens_for_what_is_asked, fresh),
		DIALOGUE(questions_are_answered_in_between, fresh),
		DIALOGUE(business_data_replaces_the_flows, fresh),
		DIALOGUE(closed_hours_are_refused, fresh),
		DIALOGUE(parts_of_the_day, fresh),
		DIALOGUE(misunderstood_three_times_transfers, fresh),
		DIALOGUE(expected_answers_are_not_rejected_lightly, read_back),
		DIALOGUE(understanding_resets_the_count, fresh),
		DIALOGUE(silence_three_times_ends, fresh),
		DIALOGUE(keypad_does_what_words_do, fresh),
		DIALOGUE(existing_appointments_go_to_a_person, fresh),
		DIALOGUE(cancel_while_booking_books_nothing, read_back),
		DIALOGUE(answers_are_judged_for_endpointing, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
