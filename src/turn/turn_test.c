/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "turn/turn_check.h"

enum { FRAME = 20, LOUD = 250, QUIET = 5, LOG = 4096 };

/* A call in virtual time: feeds frames, keeps every decision. */
static struct world {
	struct turn t;
	struct turn_check check;
	msec_t now;
	struct turn_out log[LOG];
	int n;
	bool is_ours;	  /* our voice is in the line */
	uint32_t left_ms; /* of it */
} w;

static void collect(void)
{
	struct turn_out out;

	while (turn_take(&w.t, &out)) {
		const char *broken = turn_check_out(&w.check, &out);

		if (broken)
			fail_msg("%s: %s at %" PRId64, broken, turn_act_name(out.act), out.at);
		assert_true(w.n < LOG);
		w.log[w.n++] = out;
	}

	const char *broken = turn_check_state(&w.check, &w.t);

	if (broken)
		fail_msg("%s in %s at %" PRId64, broken, turn_state_name(w.t.state), w.now);
}

static int start(void **state)
{
	struct turn_params p = turn_params_default();

	w = (struct world){.now = 1000};
	turn_init(&w.t, &p);
	turn_go(&w.t, TURN_FLOOR_FREE, w.now);
	collect();

	return 0;
}

static void frames(uint8_t prob, int ms)
{
	for (int i = 0; i < ms; i += FRAME) {
		bool is_ours = w.is_ours && w.t.state != TURN_HUSHED && w.left_ms > 0;
		struct turn_frame f = {.prob = prob, .is_ours = is_ours, .left_ms = w.left_ms};

		w.now += FRAME;
		if (is_ours && w.left_ms != UINT32_MAX)
			w.left_ms -= MIN(w.left_ms, (uint32_t)FRAME);
		turn_frame(&w.t, &f, w.now);
		collect();
	}
}

static void partial(enum turn_words words, enum turn_fit fit, bool is_stable)
{
	turn_partial(&w.t, words, fit, is_stable, w.now);
	collect();
}

static void final(enum turn_words words)
{
	turn_final(&w.t, words, w.now);
	collect();
}

static void key(bool is_last, enum turn_fit fit)
{
	turn_key(&w.t, is_last, fit, w.now);
	collect();
}

/* Our reply of that length begins to play. */
static void we_speak(uint32_t ms)
{
	turn_think(&w.t, w.now);
	turn_reply(&w.t, w.now);
	collect();
	w.is_ours = true;
	w.left_ms = ms;
}

static void we_end(void)
{
	turn_reply_end(&w.t, w.now);
	w.is_ours = false;
	collect();
}

static const struct turn_out *last(enum turn_act act)
{
	for (int i = w.n - 1; i >= 0; i--)
		if (w.log[i].act == act)
			return &w.log[i];

	fail_msg("no %s was decided", turn_act_name(act));
	return NULL;
}

static bool was(enum turn_act act)
{
	return w.check.count[act] > 0;
}

/* ---- end of turn ------------------------------------------------------------------------------------------------------- */

/* The budget of a finished sentence of which nothing is known: 600 ms. */
static void a_finished_sentence_ends_within_600_ms(void **state)
{
	frames(LOUD, 1400);
	msec_t fell_silent_at = w.now;

	frames(QUIET, 1000);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_ENDPOINT);
	assert_int_equal(last(TURN_END)->speech_end_at, fell_silent_at);
	assert_in_range(last(TURN_END)->at - fell_silent_at, 480, 600);
	assert_int_equal(w.check.count[TURN_HINT], 1);
	assert_in_range(last(TURN_HINT)->at - fell_silent_at, 140, 200);
	final(TURN_WORDS_REAL);
	assert_int_equal(last(TURN_TAKEN)->reason, TURN_BY_WORDS);
	assert_int_equal(w.t.state, TURN_THINK);
}

/* 350 ms when the words answer the question. */
static void a_complete_answer_ends_within_350_ms(void **state)
{
	frames(LOUD, 600);
	msec_t fell_silent_at = w.now;

	frames(QUIET, 220);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	assert_false(was(TURN_END));
	frames(QUIET, 400);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_COMPLETE);
	assert_in_range(last(TURN_END)->at - fell_silent_at, 260, 350);
}

static void a_stable_text_that_comes_late_ends_the_turn_at_once(void **state)
{
	frames(LOUD, 600);
	frames(QUIET, 400);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	assert_int_equal(last(TURN_END)->at, w.now);
}

static void a_text_that_may_change_is_trusted_less(void **state)
{
	frames(LOUD, 600);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, false);
	msec_t fell_silent_at = w.now;

	frames(QUIET, 600);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_LIKELY);
	assert_in_range(last(TURN_END)->at - fell_silent_at, 380, 420);
}

static void an_open_phrase_is_waited_for(void **state)
{
	frames(LOUD, 600);
	frames(QUIET, 220);
	partial(TURN_WORDS_REAL, TURN_FIT_OPEN, true);
	frames(QUIET, 900);
	assert_false(was(TURN_END));
	frames(LOUD, 400);
	assert_int_equal(w.t.state, TURN_CALLER);
	assert_int_equal(w.check.count[TURN_GO_ON], 1);
	frames(QUIET, 600);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_ENDPOINT);
	assert_int_equal(w.check.count[TURN_LISTEN], 1);
	assert_int_equal(w.check.count[TURN_HINT], 2);
}

static void an_open_phrase_ends_in_the_end(void **state)
{
	frames(LOUD, 600);
	msec_t fell_silent_at = w.now;

	partial(TURN_WORDS_REAL, TURN_FIT_OPEN, false);
	frames(QUIET, 2000);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_OPEN);
	assert_in_range(last(TURN_END)->at - fell_silent_at, 1200, 1500);
}

static void numbers_have_pauses(void **state)
{
	turn_expect(&w.t, 0, true);
	frames(LOUD, 600);
	partial(TURN_WORDS_REAL, TURN_FIT_UNKNOWN, false);
	frames(QUIET, 900);
	assert_false(was(TURN_END));
	frames(LOUD, 600);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, false);
	frames(QUIET, 220);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	frames(QUIET, 80);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_COMPLETE);
}

static void an_endless_voice_is_cut_and_goes_on_as_the_next_utterance(void **state)
{
	frames(LOUD, LIMIT_STT_UTTERANCE_MS);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_LONGEST);
	final(TURN_WORDS_REAL);
	frames(LOUD, FRAME);
	assert_int_equal(w.check.count[TURN_LISTEN], 2);
	assert_int_equal(w.t.state, TURN_CALLER); /* so long a voice needs no doubt */
	assert_true(was(TURN_FLUSH));
	/* Nothing between the two is missing. */
	assert_true(last(TURN_LISTEN)->at - last(TURN_LISTEN)->preroll_ms <= last(TURN_END)->at);
}

static void who_hesitates_is_waited_for_and_says_nothing_by_it(void **state)
{
	frames(LOUD, 900);
	frames(QUIET, 220);
	partial(TURN_WORDS_FILLER, TURN_FIT_UNKNOWN, true);
	frames(QUIET, 900);
	assert_false(was(TURN_END));
	frames(QUIET, 300);
	final(TURN_WORDS_FILLER);
	assert_true(was(TURN_FORGET));
	assert_false(was(TURN_TAKEN));
	assert_int_equal(w.t.state, TURN_IDLE);
}

/* ---- what starts an utterance ------------------------------------------------------------------------------------------ */

/* "Yes", and after a short pause "that is right": what the first was heard in is not heard once more. */
static void the_end_of_what_was_taken_is_not_the_beginning_of_the_next(void **state)
{
	frames(LOUD, 400);
	msec_t spoke_until = w.now;

	frames(QUIET, 220);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	for (int i = 0; i < 20 && !was(TURN_END); i++)
		frames(QUIET, FRAME);
	final(TURN_WORDS_REAL);
	assert_true(was(TURN_TAKEN));
	frames(LOUD, 100);
	assert_int_equal(w.check.count[TURN_LISTEN], 2);

	const struct turn_out *next = last(TURN_LISTEN);

	assert_true(next->at - next->preroll_ms >= spoke_until + 100);
	assert_true(next->at - next->preroll_ms <= next->speech_at - 60);
}

static void an_onset_takes_three_frames_of_five_and_asks_for_what_came_before(void **state)
{
	frames(QUIET, 200);
	frames(LOUD, FRAME);
	msec_t spoke_at = w.now - FRAME;

	frames(QUIET, FRAME);
	frames(LOUD, FRAME);
	assert_false(was(TURN_LISTEN));
	frames(LOUD, FRAME);
	assert_int_equal(last(TURN_LISTEN)->speech_at, spoke_at);
	assert_int_equal(last(TURN_LISTEN)->preroll_ms, 300 + 4 * FRAME);
	assert_false(last(TURN_LISTEN)->is_barge_in);
}

static void clicks_neither_start_an_utterance_nor_keep_one_alive(void **state)
{
	for (int i = 0; i < 20; i++) {
		frames(LOUD, FRAME);
		frames(QUIET, 5 * FRAME);
	}
	assert_false(was(TURN_LISTEN));

	frames(LOUD, 400);
	msec_t fell_silent_at = w.now;

	for (int i = 0; i < 8; i++) {
		frames(QUIET, 4 * FRAME);
		frames(LOUD, FRAME);
	}
	assert_in_range(last(TURN_END)->at - fell_silent_at, 480, 520);
}

static void a_noise_without_words_is_forgotten(void **state)
{
	frames(LOUD, 300);
	frames(QUIET, 220);
	partial(TURN_WORDS_NONE, TURN_FIT_UNKNOWN, true);
	frames(QUIET, 400);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_NOISE);
	assert_false(was(TURN_END));
	assert_int_equal(w.t.state, TURN_IDLE);

	frames(LOUD, 300);
	frames(QUIET, 600);
	final(TURN_WORDS_NONE);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_NO_WORDS);
	assert_false(was(TURN_TAKEN));
}

static void a_long_utterance_without_words_was_not_understood(void **state)
{
	frames(LOUD, 1500);
	frames(QUIET, 600);
	final(TURN_WORDS_NONE);
	assert_int_equal(last(TURN_TAKEN)->reason, TURN_BY_NO_WORDS);
}

static void a_recogniser_that_never_answers_does_not_hold_the_call(void **state)
{
	frames(LOUD, 500);
	frames(QUIET, 600);
	frames(QUIET, 4000);
	assert_int_equal(last(TURN_TAKEN)->reason, TURN_BY_TIMEOUT);
	final(TURN_WORDS_REAL);
	assert_int_equal(w.check.count[TURN_TAKEN], 1);
}

/* ---- interruptions ----------------------------------------------------------------------------------------------------- */

/* The budget: silent at most 100 ms after it is certain that somebody speaks (200 ms of voice); the media path has the rest. */
static void we_fall_silent_within_100_ms_of_a_certain_voice(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	msec_t spoke_at = w.now;

	frames(LOUD, 700);
	assert_true(last(TURN_LISTEN)->is_barge_in);
	assert_in_range(last(TURN_PAUSE)->at - (spoke_at + 200), 0, 40);
	assert_in_range(last(TURN_FLUSH)->at - spoke_at, 600, 640);
	assert_int_equal(last(TURN_FLUSH)->reason, TURN_BY_VOICE);
	assert_true(last(TURN_FLUSH)->is_barge_in);
	assert_int_equal(w.t.state, TURN_CALLER);
	frames(QUIET, 600);
	final(TURN_WORDS_REAL);
	assert_true(was(TURN_TAKEN));
}

static void words_make_an_interruption_sure(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	frames(LOUD, 160);
	partial(TURN_WORDS_REAL, TURN_FIT_UNKNOWN, true);
	assert_int_equal(last(TURN_FLUSH)->at, w.now);
	assert_int_equal(last(TURN_FLUSH)->reason, TURN_BY_WORDS);
	assert_false(was(TURN_PAUSE));
}

/* A live decoder hears "the" in the first syllable of "okay". */
static void words_that_may_change_are_trusted_after_500_ms(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	msec_t spoke_at = w.now;

	frames(LOUD, 160);
	partial(TURN_WORDS_REAL, TURN_FIT_UNKNOWN, false);
	frames(LOUD, 320);
	assert_true(was(TURN_PAUSE));
	assert_false(was(TURN_FLUSH));
	frames(LOUD, 60);
	assert_int_equal(last(TURN_FLUSH)->reason, TURN_BY_WORDS);
	assert_in_range(last(TURN_FLUSH)->at - spoke_at, 500, 540);
}

static void a_short_word_counts_when_its_text_comes_in_the_silence_after_it(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	frames(LOUD, 260);
	frames(QUIET, 200);
	assert_int_equal(w.check.count[TURN_HINT], 1);
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	assert_true(was(TURN_FLUSH));
	frames(QUIET, 200);
	assert_int_equal(last(TURN_END)->reason, TURN_BY_COMPLETE);
}

static void a_nod_costs_a_short_gap(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	frames(LOUD, 320);
	assert_true(was(TURN_PAUSE));
	frames(QUIET, 180);
	partial(TURN_WORDS_NOD, TURN_FIT_COMPLETE, true);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_NOD);
	assert_true(was(TURN_RESUME));
	assert_false(was(TURN_FLUSH));
	assert_in_range(last(TURN_RESUME)->at - last(TURN_PAUSE)->at, 100, 400);
	assert_int_equal(w.t.state, TURN_OURS);
}

static void a_cough_costs_a_gap_and_no_more(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	frames(LOUD, 260);
	frames(QUIET, 700);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_NOISE);
	assert_in_range(last(TURN_RESUME)->at - last(TURN_PAUSE)->at, 500, 700);
	assert_false(was(TURN_FLUSH));
}

static void a_very_short_noise_is_not_even_heard_as_a_gap(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	frames(LOUD, 120);
	frames(QUIET, 700);
	assert_true(was(TURN_FORGET));
	assert_false(was(TURN_PAUSE));
}

static void the_beginning_of_our_speech_is_guarded_against_its_echo(void **state)
{
	we_speak(8000);
	frames(QUIET, 100);
	frames(LOUD, 240);
	assert_false(was(TURN_PAUSE));
	frames(LOUD, 100);
	assert_true(was(TURN_PAUSE));
}

static void a_faint_echo_of_our_voice_is_no_onset(void **state)
{
	we_speak(8000);
	frames(150, 3000); /* above on_prob, below barge_prob */
	assert_false(was(TURN_LISTEN));
	we_end();
	frames(150, 100);
	assert_true(was(TURN_LISTEN));
}

static void a_yes_over_our_last_word_is_an_answer(void **state)
{
	we_speak(3000);
	frames(QUIET, 2600);
	frames(LOUD, 300);
	assert_false(was(TURN_PAUSE));
	partial(TURN_WORDS_NOD, TURN_FIT_COMPLETE, true);
	assert_int_equal(last(TURN_FLUSH)->reason, TURN_BY_ANSWER);
	frames(QUIET, 600);
	assert_true(was(TURN_END));
}

static void an_answer_may_begin_before_we_end(void **state)
{
	we_speak(3000);
	frames(QUIET, 2800);
	frames(LOUD, 180);
	we_end();
	assert_int_equal(w.t.state, TURN_CALLER);
	frames(LOUD, 400);
	frames(QUIET, 600);
	final(TURN_WORDS_REAL);
	assert_true(was(TURN_TAKEN));
	assert_false(was(TURN_FLUSH));
}

/* "...Is that right?" and the "yes" comes before the question is over. */
static void a_yes_a_little_early_is_the_answer_once_nothing_follows(void **state)
{
	we_speak(6000);
	frames(QUIET, 4200);
	frames(LOUD, 300);
	frames(QUIET, 180);
	partial(TURN_WORDS_NOD, TURN_FIT_COMPLETE, true);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_NOD);
	frames(QUIET, 1000);
	we_end();
	frames(QUIET, 640);
	assert_false(was(TURN_NODDED));
	frames(QUIET, 100);
	assert_true(was(TURN_NODDED));
	assert_int_equal(w.t.state, TURN_THINK);
	we_end();
	frames(QUIET, 3000);
	assert_int_equal(w.check.count[TURN_NODDED], 1);
}

static void an_early_yes_gives_way_to_what_is_said_after_it(void **state)
{
	we_speak(6000);
	frames(QUIET, 4200);
	frames(LOUD, 300);
	frames(QUIET, 180);
	partial(TURN_WORDS_NOD, TURN_FIT_COMPLETE, true);
	frames(QUIET, 1000);
	we_end();
	frames(QUIET, 400);
	frames(LOUD, 600);
	frames(QUIET, 600);
	final(TURN_WORDS_REAL);
	frames(QUIET, 2000);
	assert_true(was(TURN_TAKEN));
	assert_false(was(TURN_NODDED));
}

static void a_nod_in_the_middle_answers_nothing(void **state)
{
	we_speak(9000);
	frames(QUIET, 4200);
	frames(LOUD, 300);
	frames(QUIET, 180);
	partial(TURN_WORDS_NOD, TURN_FIT_COMPLETE, true);
	frames(QUIET, 4500);
	we_end();
	frames(QUIET, 3000);
	assert_false(was(TURN_NODDED));
}

/* The recogniser takes two seconds, the caller has said more meanwhile, and is silent again when the final comes. */
static void what_is_said_while_a_final_is_late_is_an_utterance_of_its_own(void **state)
{
	frames(LOUD, 800);
	frames(QUIET, 600);
	assert_int_equal(w.t.state, TURN_SETTLE);
	frames(QUIET, 200);
	msec_t spoke_at = w.now;

	frames(LOUD, 400);
	frames(QUIET, 900);
	final(TURN_WORDS_REAL);
	assert_int_equal(w.check.count[TURN_LISTEN], 2);
	assert_int_equal(last(TURN_LISTEN)->speech_at, spoke_at);
	assert_true(last(TURN_LISTEN)->at - last(TURN_LISTEN)->preroll_ms < spoke_at);
	assert_int_equal(w.t.state, TURN_HUSHED);
	frames(QUIET, 60);
	assert_int_equal(w.check.count[TURN_HINT], 2);
	partial(TURN_WORDS_REAL, TURN_FIT_UNKNOWN, true);
	assert_true(was(TURN_FLUSH));
	frames(QUIET, 600);
	assert_int_equal(w.check.count[TURN_END], 2);
}

static void a_late_final_of_a_noise_still_leads_to_what_was_said_after_it(void **state)
{
	frames(LOUD, 400);
	frames(QUIET, 600);
	frames(LOUD, 400);
	final(TURN_WORDS_NONE);
	assert_int_equal(w.t.state, TURN_CALLER);
	assert_int_equal(w.check.count[TURN_LISTEN], 2);
}

static void who_goes_on_while_we_think_is_not_spoken_over(void **state)
{
	frames(LOUD, 800);
	frames(QUIET, 600);
	final(TURN_WORDS_REAL);
	frames(QUIET, 100);
	frames(LOUD, 80);
	assert_true(was(TURN_PAUSE));
	turn_reply(&w.t, w.now);
	collect();
	assert_int_equal(w.t.state, TURN_HUSHED);
	partial(TURN_WORDS_REAL, TURN_FIT_UNKNOWN, false);
	frames(LOUD, 500);
	assert_true(was(TURN_FLUSH));
	frames(QUIET, 600);
	assert_int_equal(w.check.count[TURN_END], 2);
}

static void a_breath_while_we_think_delays_the_reply_a_little(void **state)
{
	frames(LOUD, 800);
	frames(QUIET, 600);
	final(TURN_WORDS_REAL);
	frames(LOUD, 80);
	turn_reply(&w.t, w.now);
	frames(QUIET, 640);
	assert_true(was(TURN_RESUME));
	assert_int_equal(w.t.state, TURN_OURS);
}

static void a_reply_that_turns_out_empty_leaves_the_floor_to_who_speaks(void **state)
{
	turn_think(&w.t, w.now);
	frames(LOUD, 100);
	assert_int_equal(w.t.state, TURN_HUSHED);
	we_end();
	assert_int_equal(w.t.state, TURN_CALLER);
	assert_false(last(TURN_FLUSH)->is_barge_in);
}

/* ---- silence, keys, hold ------------------------------------------------------------------------------------------------ */

static void silence_is_reported_once_and_counted_from_the_end_of_our_speech(void **state)
{
	we_speak(3000);
	frames(QUIET, 3000);
	assert_false(was(TURN_SILENCE));
	we_end();
	msec_t ended_at = w.now;

	frames(QUIET, 20000);
	assert_int_equal(w.check.count[TURN_SILENCE], 1);
	assert_in_range(last(TURN_SILENCE)->at - ended_at, 7000, 7040);
	we_end();
	turn_expect(&w.t, 3000, false);
	ended_at = w.now;
	frames(QUIET, 3100);
	assert_in_range(last(TURN_SILENCE)->at - ended_at, 3000, 3040);
}

static void time_outs_run_without_frames(void **state)
{
	frames(LOUD, 500);
	for (int i = 0; i < 60; i++) {
		w.now += 10;
		turn_tick(&w.t, w.now);
		collect();
	}
	assert_true(was(TURN_END));
}

static void a_key_interrupts_at_once_and_digits_are_collected(void **state)
{
	we_speak(8000);
	frames(QUIET, 2000);
	key(false, TURN_FIT_UNKNOWN);
	assert_int_equal(last(TURN_FLUSH)->reason, TURN_BY_KEY);
	assert_int_equal(last(TURN_FLUSH)->at, w.now);
	frames(QUIET, 1000);
	key(false, TURN_FIT_UNKNOWN);
	msec_t pressed_at = w.now;

	frames(LOUD, 1900);
	assert_false(was(TURN_DIGITS));
	frames(QUIET, 200);
	assert_in_range(last(TURN_DIGITS)->at - pressed_at, 2000, 2020);
	assert_int_equal(w.t.state, TURN_THINK);
}

static void complete_digits_and_the_hash_end_early(void **state)
{
	key(false, TURN_FIT_COMPLETE);
	msec_t pressed_at = w.now;

	frames(QUIET, 400);
	assert_in_range(last(TURN_DIGITS)->at - pressed_at, 280, 320);
	we_end();
	key(true, TURN_FIT_UNKNOWN);
	assert_int_equal(last(TURN_DIGITS)->at, w.now);
}

static void a_key_beats_the_voice_that_runs(void **state)
{
	we_speak(8000);
	frames(QUIET, 1000);
	frames(LOUD, 300);
	assert_int_equal(w.t.state, TURN_HUSHED);
	key(false, TURN_FIT_UNKNOWN);
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_KEY);
	assert_int_equal(w.t.state, TURN_KEYS);
}

static void hold_forgets_and_go_continues_where_we_were(void **state)
{
	we_speak(8000);
	frames(QUIET, 1000);
	frames(LOUD, 300);
	turn_hold(&w.t, w.now);
	collect();
	assert_int_equal(last(TURN_FORGET)->reason, TURN_BY_HOLD);
	frames(LOUD, 60000);
	assert_int_equal(w.check.count[TURN_LISTEN], 1);
	assert_false(was(TURN_SILENCE));
	turn_go(&w.t, TURN_FLOOR_SPEAKING, w.now);
	collect();
	assert_int_equal(w.t.state, TURN_OURS);
	frames(LOUD, 1000);
	assert_int_equal(w.check.count[TURN_LISTEN], 2);
}

static void late_news_means_nothing(void **state)
{
	partial(TURN_WORDS_REAL, TURN_FIT_COMPLETE, true);
	final(TURN_WORDS_REAL);
	turn_reply_end(&w.t, w.now);
	collect();
	assert_int_equal(w.n, 0);
	assert_int_equal(w.t.state, TURN_IDLE);
}

static void a_full_outbox_counts_what_it_loses(void **state)
{
	for (int i = 0; i < 2 * TURN_OUTBOX; i++)
		turn_key(&w.t, true, TURN_FIT_UNKNOWN, w.now);
	assert_true(w.t.lost > 0);
	for (int i = 0; i < TURN_OUTBOX; i++)
		assert_true(turn_take(&w.t, &w.log[0]));
	assert_false(turn_take(&w.t, &w.log[0]));
}

/* ---- properties --------------------------------------------------------------------------------------------------------- */

/* The owner that an honest pipeline is: finals come, replies begin and end, with delays of chance. */
static void owner_does_its_duty(uint64_t *seed)
{
	uint32_t dice = prng_u32(seed) % 100;

	if (w.t.state == TURN_SETTLE && dice < 30)
		final((enum turn_words)(prng_u32(seed) % 5));
	else if (w.t.state == TURN_THINK && dice < 10)
		turn_reply(&w.t, w.now);
	else if (w.t.state == TURN_THINK && dice < 15)
		turn_reply_end(&w.t, w.now);
	else if (w.t.state == TURN_OURS && dice < 5)
		turn_reply_end(&w.t, w.now);
	collect();
}

static void chance_input(uint64_t *seed)
{
	uint32_t dice = prng_u32(seed);

	w.is_ours = w.t.state == TURN_OURS || w.t.state == TURN_DOUBT;
	w.left_ms = dice >> 8 & 1 ? UINT32_MAX : (dice >> 9) % 4000;
	switch (dice % 8 == 0 ? 0 : dice / 8 % 40) {
	case 0:
		partial((enum turn_words)(prng_u32(seed) % 5), (enum turn_fit)(prng_u32(seed) % 3), dice & 64);
		break;
	case 1:
		final((enum turn_words)(prng_u32(seed) % 5));
		break;
	case 2:
		turn_think(&w.t, w.now);
		break;
	case 3:
		turn_reply(&w.t, w.now);
		break;
	case 4:
		turn_reply_end(&w.t, w.now);
		break;
	case 5:
		turn_key(&w.t, dice & 64, (enum turn_fit)(prng_u32(seed) % 3), w.now);
		break;
	case 6:
		turn_hold(&w.t, w.now);
		break;
	case 7:
		turn_go(&w.t, (enum turn_floor)(prng_u32(seed) % 3), w.now);
		break;
	case 8:
		turn_expect(&w.t, prng_u32(seed) % 5000, dice & 64);
		break;
	case 9:
		w.now += prng_u32(seed) % 3000;
		turn_tick(&w.t, w.now);
		break;
	default:
		frames((uint8_t)prng_u32(seed), FRAME * (int)(1 + prng_u32(seed) % 12));
	}
	collect();
}

/* Whatever was fed, silence and an honest owner lead back to a free floor and a report of silence. */
static void random_calls_keep_the_protocol_and_never_get_stuck(void **state)
{
	uint64_t seed = test_seed();

	for (int call = 0; call < 400; call++) {
		start(state);
		for (int i = 0; i < 300; i++) {
			w.n = 0;
			chance_input(&seed);
		}
		turn_go(&w.t, TURN_FLOOR_FREE, w.now);
		uint32_t silences = w.check.count[TURN_SILENCE];

		for (int i = 0; i < 4000 && w.check.count[TURN_SILENCE] == silences; i++) {
			w.n = 0;
			w.is_ours = false;
			frames(QUIET, FRAME);
			owner_does_its_duty(&seed);
		}
		assert_true(w.check.count[TURN_SILENCE] > silences);
	}
}

/* Talkers of chance, an honest owner: every utterance is taken or forgotten, and no turn is answered later than the rules say. */
static void random_talkers_are_always_answered_in_time(void **state)
{
	uint64_t seed = test_seed();

	for (int call = 0; call < 200; call++) {
		start(state);
		for (int i = 0; i < 40; i++) {
			frames((uint8_t)(160 + prng_u32(&seed) % 96), FRAME * (int)(prng_u32(&seed) % 100));
			for (int j = (int)(prng_u32(&seed) % 100); j > 0; j--) {
				frames((uint8_t)(prng_u32(&seed) % 80), FRAME);
				owner_does_its_duty(&seed);
			}
			for (int j = 0; j < w.n; j++)
				if (w.log[j].act == TURN_END && w.log[j].reason == TURN_BY_ENDPOINT)
					assert_in_range(w.log[j].at - w.log[j].speech_end_at, 500, 600);
			w.n = 0;
		}
		assert_true(w.check.count[TURN_LISTEN] <=
			w.check.count[TURN_TAKEN] + w.check.count[TURN_FORGET] + 1);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, start)
	const struct CMUnitTest tests[] = {
		T(a_finished_sentence_ends_within_600_ms),
		T(a_complete_answer_ends_within_350_ms),
		T(a_stable_text_that_comes_late_ends_the_turn_at_once),
		T(a_text_that_may_change_is_trusted_less),
		T(an_open_phrase_is_waited_for),
		T(an_open_phrase_ends_in_the_end),
		T(who_hesitates_is_waited_for_and_says_nothing_by_it),
		T(numbers_have_pauses),
		T(an_endless_voice_is_cut_and_goes_on_as_the_next_utterance),
		T(the_end_of_what_was_taken_is_not_the_beginning_of_the_next),
		T(an_onset_takes_three_frames_of_five_and_asks_for_what_came_before),
		T(clicks_neither_start_an_utterance_nor_keep_one_alive),
		T(a_noise_without_words_is_forgotten),
		T(a_long_utterance_without_words_was_not_understood),
		T(a_recogniser_that_never_answers_does_not_hold_the_call),
		T(we_fall_silent_within_100_ms_of_a_certain_voice),
		T(words_make_an_interruption_sure),
		T(words_that_may_change_are_trusted_after_500_ms),
		T(a_short_word_counts_when_its_text_comes_in_the_silence_after_it),
		T(a_nod_costs_a_short_gap),
		T(a_cough_costs_a_gap_and_no_more),
		T(a_very_short_noise_is_not_even_heard_as_a_gap),
		T(the_beginning_of_our_speech_is_guarded_against_its_echo),
		T(a_faint_echo_of_our_voice_is_no_onset),
		T(a_yes_over_our_last_word_is_an_answer),
		T(an_answer_may_begin_before_we_end),
		T(a_yes_a_little_early_is_the_answer_once_nothing_follows),
		T(an_early_yes_gives_way_to_what_is_said_after_it),
		T(a_nod_in_the_middle_answers_nothing),
		T(what_is_said_while_a_final_is_late_is_an_utterance_of_its_own),
		T(a_late_final_of_a_noise_still_leads_to_what_was_said_after_it),
		T(who_goes_on_while_we_think_is_not_spoken_over),
		T(a_breath_while_we_think_delays_the_reply_a_little),
		T(a_reply_that_turns_out_empty_leaves_the_floor_to_who_speaks),
		T(silence_is_reported_once_and_counted_from_the_end_of_our_speech),
		T(time_outs_run_without_frames),
		T(a_key_interrupts_at_once_and_digits_are_collected),
		T(complete_digits_and_the_hash_end_early),
		T(a_key_beats_the_voice_that_runs),
		T(hold_forgets_and_go_continues_where_we_were),
		T(late_news_means_nothing),
		T(a_full_outbox_counts_what_it_loses),
		T(random_calls_keep_the_protocol_and_never_get_stuck),
		T(random_talkers_are_always_answered_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
