/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "agent/caller_script.h"

enum { FRAME = 20, LOUD = 240, QUIET = 4 };

static struct caller_script s;
static struct caller_line lines[3];
static msec_t now;
static enum caller_act act; /* last that was not nothing */
static msec_t act_at;
static uint32_t line;

static int set_up(void **state)
{
	struct caller_script_params p = {.lines = lines, .line_count = 3, .patience_ms = 10000, .linger_ms = 2000};

	for (int i = 0; i < 3; i++)
		lines[i] = (struct caller_line){.wait_ms = 700};
	now = 1000;
	act = CALLER_NOTHING;
	line = 99;
	caller_script_init(&s, &p, now);

	return 0;
}

static void hear(uint8_t prob, int ms)
{
	for (int i = 0; i < ms; i += FRAME) {
		uint32_t l = 99;
		enum caller_act a;

		now += FRAME;
		a = caller_script_frame(&s, prob, now, &l);
		if (a == CALLER_NOTHING)
			continue;
		act = a;
		act_at = now;
		line = l;
	}
}

static void say(int ms)
{
	hear(QUIET, ms);
	caller_script_said(&s, now);
}

static void a_line_waits_for_700_ms_of_silence_after_a_speech(void **state)
{
	hear(QUIET, 3000);
	assert_int_equal(act, CALLER_NOTHING);
	hear(LOUD, 2000);
	hear(QUIET, 500); /* between two sentences */
	hear(LOUD, 1000);
	msec_t ended = now;

	hear(QUIET, 1000);
	assert_int_equal(act, CALLER_SAY);
	assert_int_equal(line, 0);
	assert_in_range(act_at - ended, 700, 720);
}

static void the_answer_is_timed_from_the_end_of_the_line(void **state)
{
	hear(LOUD, 1000);
	hear(QUIET, 700);
	say(1500);
	msec_t said = now;

	hear(QUIET, 640);
	hear(LOUD, 500);
	assert_int_equal(s.heard.said_end_at, said);
	assert_int_equal(s.heard.answer_at, said + 640);
}

static void clicks_are_no_answer(void **state)
{
	hear(LOUD, 1000);
	hear(QUIET, 700);
	say(1000);
	hear(LOUD, 60);
	hear(QUIET, 2000);
	assert_int_equal(line, 0);
	assert_int_equal(s.heard.answer_at, 0);
	hear(LOUD, 1000);
	hear(QUIET, 700);
	assert_int_equal(line, 1);
	assert_true(s.heard.said_at == now);
}

static void an_interruption_comes_in_the_middle_and_is_timed(void **state)
{
	lines[1].interrupt_ms = 1200;
	hear(LOUD, 1000);
	hear(QUIET, 700);
	say(1000);
	hear(QUIET, 500);
	msec_t began = now;

	hear(LOUD, 1240);
	assert_int_equal(line, 1);
	assert_in_range(act_at - began, 1200, 1240);
	hear(LOUD, 280);
	msec_t hushed = now;

	say(600);
	assert_int_equal(s.heard.hushed_at, hushed);
}

static void patience_has_an_end(void **state)
{
	hear(QUIET, 10100);
	assert_int_equal(act, CALLER_SAY);
	assert_int_equal(line, 0);
	say(500);
	hear(QUIET, 10100);
	assert_int_equal(line, 1);
}

static void a_speech_too_short_to_interrupt_does_not_stop_the_script(void **state)
{
	lines[0].interrupt_ms = 5000;
	hear(LOUD, 800);
	hear(QUIET, 12000);
	assert_int_equal(line, 0);
}

static void after_the_last_answer_the_script_is_over(void **state)
{
	for (int i = 0; i < 3; i++) {
		hear(LOUD, 1000);
		hear(QUIET, 700);
		assert_int_equal(line, i);
		say(600);
	}
	hear(LOUD, 1000);
	hear(QUIET, 1900);
	assert_int_equal(act, CALLER_SAY);
	hear(QUIET, 200);
	assert_int_equal(act, CALLER_HANG_UP);
	act = CALLER_NOTHING;
	hear(LOUD, 1000);
	hear(QUIET, 20000);
	assert_int_equal(act, CALLER_NOTHING);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
		T(a_line_waits_for_700_ms_of_silence_after_a_speech),
		T(the_answer_is_timed_from_the_end_of_the_line),
		T(clicks_are_no_answer),
		T(an_interruption_comes_in_the_middle_and_is_timed),
		T(patience_has_an_end),
		T(a_speech_too_short_to_interrupt_does_not_stop_the_script),
		T(after_the_last_answer_the_script_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
