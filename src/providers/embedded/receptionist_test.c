/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "providers/embedded/receptionist.h"

/* Dialogues as text. All take place on Sunday the 22nd of November 2026; open Monday to Friday, 8 to 18. */

static struct receptionist r;
static struct receptionist_reply reply;

static void begin_with(struct receptionist_params params)
{
	params.today = calendar_day((struct civil){2026, 11, 22});
	receptionist_init(&r, &params);
	receptionist_turn(&r, &(struct llm_turn){.cause = LLM_ON_START, .text = ""}, &reply);
}

static void begin(void)
{
	begin_with((struct receptionist_params){.greeting = "Acme, how can I help?"});
	assert_string_equal(reply.text, "Acme, how can I help?");
}

static void turn(enum llm_cause cause, const char *text)
{
	receptionist_turn(&r, &(struct llm_turn){.cause = cause, .text = text, .confidence = 1}, &reply);
}

static void says(const char *text)
{
	turn(LLM_ON_TEXT, text);
}

/* The reply holds the words, and the receptionist listens with that grammar. */
static void hears(const char *words, const char *context)
{
	if (!strstr(reply.text, words) || strcmp(reply.context, context) != 0)
		fail_msg("\"%s\" (%s) lacks \"%s\" (%s)", reply.text, reply.context, words, context);
}

static void does(enum receptionist_action action, const char *args)
{
	if (reply.action != action || !strstr(reply.args, args))
		fail_msg("\"%s\": action %d %s", reply.text, reply.action, reply.args);
}

static int fresh(void **state)
{
	begin();

	return 0;
}

/* Everything up to the read-back. */
static int read_back(void **state)
{
	begin();
	says("i'd like to make an appointment");
	says("tuesday");
	says("half past two");
	says("sarah miller");
	hears("So that's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is that right?", "when");

	return 0;
}

static void appointment_is_booked(void **state)
{
	says("i'd like to make an appointment");
	hears("What day would suit you?", "when");
	assert_true(reply.is_number);
	says("tuesday");
	hears("Tuesday the 24th of November. What time on Tuesday?", "when");
	says("half past two");
	hears("May I have your name", "name");
	says("my name is sarah miller");
	hears("Is that right?", "when");
	says("yes that's right");
	hears("booked for Tuesday the 24th of November at 2:30 pm.", "yesno");
	does(RECEPTION_BOOK, "{\"date\":\"2026-11-24\",\"time\":\"14:30\",\"name\":\"Sarah Miller\"}");
	says("no thank you");
	hears("Goodbye.", "open");
	does(RECEPTION_HANG_UP, "done");
}

static void everything_in_one_sentence(void **state)
{
	says("hello this is john smith i'd like to book an appointment for next friday at ten");
	hears("So that's Friday the 27th of November at 10 am, for John Smith.", "when");
	says("yes");
	does(RECEPTION_BOOK, "\"2026-11-27\"");
}

static void booking_tool_is_waited_for(void **state)
{
	begin_with((struct receptionist_params){.has_book_tool = true});
	says("an appointment on monday at nine");
	says("john smith");
	says("yes");
	hears("One moment", "open");
	does(RECEPTION_BOOK, "\"09:00\"");
	turn(LLM_ON_TOOL_RESULT, "{\"ok\":true}");
	hears("booked for Monday the 23rd of November at 9 am.", "yesno");

	says("an appointment on monday at nine");
	hears("name", "name");
	says("john smith");
	says("yes");
	turn(LLM_ON_TOOL_RESULT, "{\"error\":\"calendar is down\"}");
	does(RECEPTION_TRANSFER, "booking failed");
}

static void correction_changes_only_what_it_names(void **state)
{
	says("no i said wednesday");
	hears("Wednesday the 25th of November, then.", "when");
	hears("So that's Wednesday the 25th of November at 2:30 pm, for Sarah Miller.", "when");
	says("make it four");
	hears("4 pm, then. So that's Wednesday the 25th of November at 4 pm, for Sarah Miller.", "when");
	says("no my name is laura martin");
	hears("at 4 pm, for Laura Martin.", "when");
	says("can we make it friday instead");
	hears("So that's Friday the 27th of November at 4 pm, for Laura Martin.", "when");
	says("thursday not friday");
	hears("So that's Thursday the 26th of November at 4 pm, for Laura Martin.", "when");
	says("yes");
	does(RECEPTION_BOOK, "{\"date\":\"2026-11-26\",\"time\":\"16:00\",\"name\":\"Laura Martin\"}");
}

static void day_is_corrected_while_the_time_is_asked(void **state)
{
	says("an appointment please");
	says("tuesday");
	says("no i said wednesday");
	hears("Wednesday the 25th of November, then. What time on Wednesday?", "when");
	says("at ten");
	says("no make it thursday");
	hears("Thursday the 26th of November, then. May I have your name", "name");
	says("james wilson");
	hears("Thursday the 26th of November at 10 am, for James Wilson", "when");
}

static void no_asks_what_to_change(void **state)
{
	says("no");
	hears("the day, the time, or the name?", "when");
	says("the time");
	hears("All right. What time on Tuesday?", "when");
	says("noon");
	hears("Tuesday the 24th of November at noon, for Sarah Miller.", "when");
	says("change the name");
	hears("your name", "name");
	says("peter");
	hears("Thank you, Peter. And your last name?", "name");
	says("parker");
	hears("for Peter Parker.", "when");
	says("no change the day to friday");
	hears("Friday the 27th of November at noon, for Peter Parker.", "when");
}

/* A read-back that was cut off before the name confirms nothing, one that was heard does. */
static void yes_counts_only_for_what_was_heard(void **state)
{
	struct llm_turn yes = {.cause = LLM_ON_TEXT, .text = "yes", .confidence = 1, .is_interrupted = true,
		.heard = "So that's Tuesday the 24th of"};

	receptionist_turn(&r, &yes, &reply);
	hears("That's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is that right?", "when");
	yes.heard = "That's Tuesday the 24th of November at 2:30 pm, for Sarah Miller. Is";
	receptionist_turn(&r, &yes, &reply);
	does(RECEPTION_BOOK, "Sarah Miller");
}

/* A correction does not need the rest of the read-back. */
static void interrupting_correction_counts(void **state)
{
	receptionist_turn(&r,
		&(struct llm_turn){.cause = LLM_ON_TEXT, .text = "no i said wednesday", .confidence = 1,
			.is_interrupted = true, .heard = "So that's Tuesday"},
		&reply);
	hears("So that's Wednesday the 25th", "when");
}

static void human_is_reached_from_everywhere(void **state)
{
	static const char *const steps[] = {"an appointment", "monday", "ten", "john smith", "no", "the day", "friday", "yes"};

	for (size_t depth = 0; depth <= ARRAY_LEN(steps); depth++) {
		begin();
		for (size_t i = 0; i < depth; i++)
			says(steps[i]);
		says("can i talk to a person please");
		does(RECEPTION_TRANSFER, "asked");
		assert_int_equal(r.state, RECEPTION_OVER);
	}
}

static void goodbye_hangs_up(void **state)
{
	says("goodbye");
	does(RECEPTION_HANG_UP, "caller");
}

static void repeat_help_and_wait(void **state)
{
	says("an appointment on tuesday");
	says("can you repeat that please");
	assert_string_equal(reply.text, "What time on Tuesday?");
	says("help");
	hears("ask for a person.", "when");
	hears("What time on Tuesday?", "when");
	says("hold on a second");
	hears("Take your time.", "when");
	assert_int_equal(reply.silence_ms, 20000);
	says("start over");
	hears("What day would suit you?", "when");
}

static void questions_are_answered_in_between(void **state)
{
	says("an appointment please");
	says("are you open on saturday");
	hears("Monday to Friday, from 8 am to 6 pm. What day would suit you?", "when");
	says("how much does it cost");
	hears("What day would suit you?", "when");
	says("where are you located");
	hears("What day would suit you?", "when");
}

static void closed_hours_are_refused(void **state)
{
	says("an appointment on sunday at ten");
	hears("closed on Sundays. What day would suit you?", "when");
	says("monday");
	hears("name", "name"); /* the time was kept */
	begin();
	says("an appointment on monday");
	says("seven in the evening");
	hears("only open from 8 am to 6 pm. What time on Monday?", "when");
	says("seven in the morning");
	hears("only open", "when");
	says("eight thirty");
	hears("name", "name");
}

static void parts_of_the_day(void **state)
{
	says("an appointment on monday afternoon");
	hears("What time on Monday in the afternoon?", "when");
	says("five");
	says("john smith");
	hears("at 5 pm", "when");
	says("actually in the morning");
	hears("What time on Monday in the morning?", "when");
	says("any time");
	hears("at 10 am", "when");
	begin();
	says("as soon as possible");
	hears("What time on Monday?", "when");
}

static void misunderstood_three_times_transfers(void **state)
{
	says("an appointment");
	says("purple elephants");
	hears("Sorry, I didn't get that. What day would suit you?", "when");
	receptionist_turn(&r, &(struct llm_turn){.cause = LLM_ON_TEXT, .text = "monday", .confidence = 0.1F}, &reply);
	hears("press 1 for Monday", "when");
	hears("press 0", "when");
	says("");
	does(RECEPTION_TRANSFER, "not understood");
}

static void understanding_resets_the_count(void **state)
{
	says("an appointment");
	says("purple elephants");
	says("purple elephants");
	says("monday");
	says("purple elephants");
	hears("Sorry, I didn't get that. What time on Monday?", "when");
}

static void silence_three_times_ends(void **state)
{
	says("an appointment");
	turn(LLM_ON_SILENCE, "");
	hears("Are you still there? What day", "when");
	turn(LLM_ON_SILENCE, "");
	hears("press 0", "when");
	turn(LLM_ON_SILENCE, "");
	does(RECEPTION_HANG_UP, "silence");
}

static void keypad_does_what_words_do(void **state)
{
	turn(LLM_ON_DTMF, "1");
	hears("What day", "when");
	turn(LLM_ON_DTMF, "2");
	hears("What time on Tuesday?", "when");
	turn(LLM_ON_DTMF, "3");
	hears("name", "name");
	turn(LLM_ON_DTMF, "7");
	hears("Sorry", "name");
	says("john smith");
	hears("Tuesday the 24th of November at 3 pm", "when");
	turn(LLM_ON_DTMF, "2");
	hears("the day, the time, or the name", "when");
	turn(LLM_ON_DTMF, "1");
	hears("What day", "when");
	turn(LLM_ON_DTMF, "*");
	hears("What day", "when");
	turn(LLM_ON_DTMF, "0");
	does(RECEPTION_TRANSFER, "asked");
}

static void existing_appointments_go_to_a_person(void **state)
{
	says("i need to cancel my appointment");
	hears("shall I connect you with a person?", "yesno");
	says("yes please");
	does(RECEPTION_TRANSFER, "asked");
	begin();
	says("can i reschedule my appointment to monday");
	hears("shall I connect you", "yesno");
	says("no");
	hears("anything else", "yesno");
	says("thank you");
	does(RECEPTION_HANG_UP, "done");
}

static void cancel_while_booking_books_nothing(void **state)
{
	says("never mind");
	hears("nothing is booked", "yesno");
	says("an appointment on friday");
	hears("What time on Friday?", "when");
}

static void answers_are_judged_for_endpointing(void **state)
{
	says("an appointment");
	assert_int_equal(receptionist_judge(&r, "tuesday"), LLM_FIT_COMPLETE);
	assert_int_equal(receptionist_judge(&r, "the fifth of"), LLM_FIT_OPEN);
	assert_int_equal(receptionist_judge(&r, "purple"), LLM_FIT_UNKNOWN);
	says("tuesday");
	assert_int_equal(receptionist_judge(&r, "half past"), LLM_FIT_OPEN);
	assert_int_equal(receptionist_judge(&r, "half past two"), LLM_FIT_COMPLETE);
	says("ten");
	assert_int_equal(receptionist_judge(&r, "my name is"), LLM_FIT_OPEN);
	assert_int_equal(receptionist_judge(&r, "sarah"), LLM_FIT_OPEN);
	assert_int_equal(receptionist_judge(&r, "sarah miller"), LLM_FIT_COMPLETE);
	assert_int_equal(receptionist_judge(&r, "operator"), LLM_FIT_COMPLETE);
}

/* Any sequence of turns: bounded text, a known context, no state after the end but by a new turn. */
static void random_dialogues_are_survived(void **state)
{
	static const char *const texts[] = {"yes", "no", "tuesday", "at ten", "sarah miller", "sarah", "an appointment", "help",
		"never mind", "the day", "change the time", "no i said friday", "sunday", "midnight", "any time", "any day",
		"repeat", "in the afternoon", "purple", "", "start over", "thanks", "hello", "the fifth of march at noon"};
	uint64_t seed = test_seed();

	for (int run = 0; run < 3000; run++) {
		begin_with((struct receptionist_params){.has_book_tool = run % 2});
		for (int i = 0; i < 20; i++) {
			struct llm_turn t = {.cause = (enum llm_cause)(1 + prng_u32(&seed) % 4),
				.text = texts[prng_u32(&seed) % ARRAY_LEN(texts)],
				.confidence = (float)(prng_u32(&seed) % 100) / 100,
				.is_interrupted = prng_u32(&seed) % 2, .heard = "So"};

			if (t.cause == LLM_ON_DTMF)
				t.text = (const char *[]){"0", "1", "2", "5", "9", "12", "#", "*"}[prng_u32(&seed) % 8];
			receptionist_turn(&r, &t, &reply);
			assert_true(strlen(reply.text) > 0 && strlen(reply.text) < sizeof(reply.text) - 1);
			assert_non_null(reply.context);
			assert_true(reply.action == RECEPTION_NOTHING || reply.args[0] == '{');
			if (r.state == RECEPTION_CONFIRM)
				assert_true(r.has_day && r.has_time && r.has_name && !r.is_first_name_only);
		}
	}
}

#define DIALOGUE(name, from) cmocka_unit_test_setup(name, from)

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
		DIALOGUE(human_is_reached_from_everywhere, fresh),
		DIALOGUE(goodbye_hangs_up, fresh),
		DIALOGUE(repeat_help_and_wait, fresh),
		DIALOGUE(questions_are_answered_in_between, fresh),
		DIALOGUE(closed_hours_are_refused, fresh),
		DIALOGUE(parts_of_the_day, fresh),
		DIALOGUE(misunderstood_three_times_transfers, fresh),
		DIALOGUE(understanding_resets_the_count, fresh),
		DIALOGUE(silence_three_times_ends, fresh),
		DIALOGUE(keypad_does_what_words_do, fresh),
		DIALOGUE(existing_appointments_go_to_a_person, fresh),
		DIALOGUE(cancel_while_booking_books_nothing, read_back),
		DIALOGUE(answers_are_judged_for_endpointing, fresh),
		DIALOGUE(random_dialogues_are_survived, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
