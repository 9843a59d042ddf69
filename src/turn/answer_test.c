/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/answer.h"
#include "base/testing.h"

/* Scripts of speech, silence and tones in virtual time; the last event of each kind is kept. */
static struct {
	struct answer a;
	struct answer_event verdict, beep, speak;
	unsigned verdicts, beeps, speaks, rings;
	enum answer_who first;
	uint32_t now_ms;
} call;

static int set_up(void **state)
{
	memset(&call, 0, sizeof(call));
	answer_init(&call.a);

	return 0;
}

static void take(void)
{
	struct answer_event ev;

	while (answer_take(&call.a, &ev))
		switch (ev.kind) {
		case ANSWER_EV_VERDICT:
			if (call.verdicts++ == 0)
				call.first = ev.who;
			call.verdict = ev;
			break;
		case ANSWER_EV_BEEP:
			call.beeps++;
			call.beep = ev;
			break;
		case ANSWER_EV_SPEAK:
			call.speaks++;
			call.speak = ev;
			break;
		case ANSWER_EV_RINGING:
			call.rings++;
			break;
		}
}

static void frame(uint8_t prob, float level_db, struct progress_out tone, bool is_idle, bool is_ours)
{
	struct answer_frame f = {.prob = prob, .is_idle = is_idle, .is_ours = is_ours, .tone = &tone};

	tone.level_db = level_db;
	answer_frame(&call.a, &f);
	call.now_ms += 20;
	take();
}

static void says(int ms)
{
	for (int i = 0; i < ms; i += 20)
		frame(240, -25, (struct progress_out){0}, false, false);
}

static void quiet(int ms)
{
	for (int i = 0; i < ms; i += 20)
		frame(5, -65, (struct progress_out){0}, false, false);
}

/* A tone of that length, told 40 ms after its end. */
static void tone(enum progress_kind kind, int ms)
{
	for (int i = 0; i < ms; i += 20)
		frame(200, -20, (struct progress_out){.tone_ms = (uint32_t)i + 20}, false, false);
	quiet(20);
	frame(5, -65, (struct progress_out){.kind = kind, .hz = 1000, .began_ms = (uint32_t)ms + 40, .length_ms = (uint32_t)ms}, false, false);
}

static void assert_who(enum answer_who who)
{
	assert_string_equal(answer_who_name(call.a.who), answer_who_name(who));
}

static void a_short_hello_is_a_person_within_half_a_second(void **state)
{
	quiet(600);
	says(400);

	uint32_t end = call.now_ms;

	quiet(1000);
	assert_int_equal(call.verdicts, 1);
	assert_who(ANSWER_HUMAN);
	assert_true(call.verdict.at_ms - end <= 520);
	assert_true(call.verdict.speech_ms <= 1100);
	assert_false(call.verdict.is_revised);
	assert_int_equal(call.speaks, 0);
}

static void a_company_greeting_needs_a_longer_pause(void **state)
{
	quiet(300);
	says(1600);
	quiet(600);
	assert_int_equal(call.verdicts, 0);
	quiet(300);
	assert_who(ANSWER_HUMAN);
}

static void long_speech_is_a_machine_and_the_beep_our_turn(void **state)
{
	quiet(400);
	for (int i = 0; i < 4; i++) {
		says(1500);
		quiet(300);
	}
	assert_who(ANSWER_VOICEMAIL);
	assert_in_range(call.verdict.at_ms, 3300, 3600);
	quiet(800);

	uint32_t begin = call.now_ms;

	tone(PROGRESS_BEEP, 400);
	assert_int_equal(call.beeps, 1);
	assert_in_range(call.beep.at_ms, begin, begin + 20);
	assert_int_equal(call.beep.length_ms, 400);
	assert_int_equal(call.speaks, 0);
	quiet(300);
	assert_int_equal(call.speaks, 1);
	assert_true(call.speak.is_after_beep);
	assert_in_range(call.speak.at_ms, begin + 400, begin + 700);
	quiet(10000);
	assert_int_equal(call.speaks, 1);
}

static void a_machine_without_a_beep_is_given_four_seconds(void **state)
{
	quiet(400);
	says(5000);

	uint32_t end = call.now_ms;

	quiet(3800);
	assert_int_equal(call.speaks, 0);
	quiet(600);
	assert_int_equal(call.speaks, 1);
	assert_false(call.speak.is_after_beep);
	assert_in_range(call.speak.at_ms, end + 3900, end + 4100);
}

static void hello_that_goes_on_was_a_machine(void **state)
{
	quiet(300);
	says(500);
	quiet(700);
	assert_who(ANSWER_HUMAN);
	says(4200);
	assert_who(ANSWER_VOICEMAIL);
	assert_true(call.verdict.is_revised);
}

static void a_person_who_beeps_was_a_machine(void **state)
{
	quiet(300);
	says(900);
	quiet(1500);
	assert_who(ANSWER_HUMAN);
	tone(PROGRESS_BEEP, 300);
	assert_who(ANSWER_VOICEMAIL);
	assert_true(call.verdict.is_revised);
	quiet(400);
	assert_int_equal(call.speaks, 1);
}

/* The person answers our greeting at length: that is no reason to think of a machine. */
static void a_person_may_talk(void **state)
{
	quiet(300);
	says(500);
	quiet(3500);
	says(9000);
	assert_int_equal(call.verdicts, 1);
	assert_who(ANSWER_HUMAN);
}

/* Our own voice comes back, softer. */
static void echo_is_not_the_far_end(void **state)
{
	quiet(300);
	says(500);
	quiet(600);
	assert_who(ANSWER_HUMAN);
	for (int i = 0; i < 6000; i += 20)
		frame(230, -37, (struct progress_out){0}, false, true);
	assert_int_equal(call.verdicts, 1);
}

/* A click, a breath: nobody said hello. */
static void a_click_is_nobody(void **state)
{
	quiet(500);
	says(60);
	quiet(2000);
	assert_int_equal(call.verdicts, 0);
	says(500);
	quiet(600);
	assert_who(ANSWER_HUMAN);
}

static void silence_is_told_after_five_seconds_and_a_late_hello_counts(void **state)
{
	quiet(4900);
	assert_int_equal(call.verdicts, 0);
	quiet(200);
	assert_who(ANSWER_SILENCE);
	says(400);
	quiet(600);
	assert_who(ANSWER_HUMAN);
	assert_true(call.verdict.is_revised);
}

static void ringing_holds_silence_off(void **state)
{
	for (int k = 0; k < 3; k++) {
		tone(PROGRESS_NONE, 1000);
		quiet(960);
		frame(0, -65, (struct progress_out){.kind = PROGRESS_RINGING, .hz = 425}, false, false);
		quiet(3000);
	}
	assert_int_equal(call.rings, 3);
	assert_int_equal(call.verdicts, 0);
	says(400);
	quiet(600);
	assert_who(ANSWER_HUMAN);
}

static void endless_ringing_ends_in_a_verdict(void **state)
{
	while (call.now_ms < 181000) {
		tone(PROGRESS_NONE, 1000);
		quiet(960);
		frame(0, -65, (struct progress_out){.kind = PROGRESS_RINGING, .hz = 425}, false, false);
		quiet(3000);
	}
	assert_int_equal(call.verdicts, 1);
	assert_who(ANSWER_SILENCE);
	assert_true(answer_is_over(&call.a));
}

static void what_is_not_received_is_no_silence(void **state)
{
	for (int i = 0; i < 20000; i += 20)
		frame(0, -90, (struct progress_out){0}, true, false);
	assert_int_equal(call.verdicts, 0);
}

static void tones_of_the_network_end_it(void **state)
{
	static const struct {
		enum progress_kind kind;
		enum answer_who who;
	} all[] = {{PROGRESS_FAX, ANSWER_FAX}, {PROGRESS_SIT, ANSWER_SIT}, {PROGRESS_BUSY, ANSWER_BUSY}, {PROGRESS_DIAL, ANSWER_BUSY}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		set_up(NULL);
		quiet(300);
		tone(all[i].kind, 500);
		assert_who(all[i].who);
		assert_true(answer_is_over(&call.a));
		says(5000);
		assert_int_equal(call.verdicts, 1);
	}
}

/* Noise at the beginning of a tone that the detector took for speech is forgotten with it. */
static void a_tone_is_no_speech(void **state)
{
	quiet(300);
	for (int i = 0; i < 100; i += 20)
		frame(240, -25, (struct progress_out){0}, false, false);
	tone(PROGRESS_BEEP, 300);
	quiet(1000);
	assert_int_equal(call.verdicts, 0);
	assert_int_equal(call.beeps, 0);
	assert_false(answer_has_speech(&call.a));
}

static void words_make_a_screener_of_it_and_its_silence_our_turn(void **state)
{
	quiet(300);
	says(2000);
	answer_hint(&call.a, ANSWER_SCREENING);
	take();
	assert_who(ANSWER_SCREENING);
	says(3000);
	quiet(900);
	assert_int_equal(call.speaks, 0);
	quiet(300);
	assert_int_equal(call.speaks, 1);

	/* It was told who calls: now somebody may come, and silence is no news for a while. */
	answer_again(&call.a);
	quiet(3000);
	says(500);
	quiet(600);
	assert_who(ANSWER_HUMAN);
}

static void words_do_not_overrule_a_beep(void **state)
{
	quiet(300);
	says(4000);
	tone(PROGRESS_BEEP, 300);
	answer_hint(&call.a, ANSWER_IVR);
	take();
	assert_who(ANSWER_VOICEMAIL);
	quiet(400);
	assert_int_equal(call.speaks, 1);
	answer_hint(&call.a, ANSWER_SCREENING);
	take();
	assert_who(ANSWER_VOICEMAIL);
}

/* Any order of inputs: the outbox never overflows (asserted inside), verdicts never repeat themselves. */
static void random_calls_keep_the_rules(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t s = seed * 2654435761u | 1;
		unsigned before = 0;

		set_up(NULL);
		for (int i = 0; i < 400; i++) {
			switch (prng_u32(&s) % 6) {
			case 0:
				says((int)(prng_u32(&s) % 2500));
				break;
			case 1:
			case 2:
				quiet((int)(prng_u32(&s) % 2500));
				break;
			case 3:
				tone((enum progress_kind)(prng_u32(&s) % PROGRESS_KIND_COUNT), (int)(prng_u32(&s) % 900));
				break;
			case 4:
				answer_hint(&call.a, (enum answer_who)(prng_u32(&s) % ANSWER_WHO_COUNT));
				take();
				break;
			default:
				if (prng_u32(&s) % 8 == 0)
					answer_again(&call.a);
				break;
			}
			if (call.verdicts > before && call.verdict.who == ANSWER_UNKNOWN)
				fail_msg("seed %u: a verdict without one", (unsigned)seed);
			before = call.verdicts;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_short_hello_is_a_person_within_half_a_second, set_up),
		cmocka_unit_test_setup(a_company_greeting_needs_a_longer_pause, set_up),
		cmocka_unit_test_setup(long_speech_is_a_machine_and_the_beep_our_turn, set_up),
		cmocka_unit_test_setup(a_machine_without_a_beep_is_given_four_seconds, set_up),
		cmocka_unit_test_setup(hello_that_goes_on_was_a_machine, set_up),
		cmocka_unit_test_setup(a_person_who_beeps_was_a_machine, set_up),
		cmocka_unit_test_setup(a_person_may_talk, set_up),
		cmocka_unit_test_setup(echo_is_not_the_far_end, set_up),
		cmocka_unit_test_setup(a_click_is_nobody, set_up),
		cmocka_unit_test_setup(silence_is_told_after_five_seconds_and_a_late_hello_counts, set_up),
		cmocka_unit_test_setup(ringing_holds_silence_off, set_up),
		cmocka_unit_test_setup(endless_ringing_ends_in_a_verdict, set_up),
		cmocka_unit_test_setup(what_is_not_received_is_no_silence, set_up),
		cmocka_unit_test_setup(tones_of_the_network_end_it, set_up),
		cmocka_unit_test_setup(a_tone_is_no_speech, set_up),
		cmocka_unit_test_setup(words_make_a_screener_of_it_and_its_silence_our_turn, set_up),
		cmocka_unit_test_setup(words_do_not_overrule_a_beep, set_up),
		cmocka_unit_test_setup(random_calls_keep_the_rules, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
