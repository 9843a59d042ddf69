/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <math.h>
#include "turn/echo.h"

/* Syllables of noise stand for speech here; real voices through rooms and codecs are in tests/sim/echo_test.c. */
enum { FRAME_N = 160, PAST = 64 };

static struct line {
	struct echo e;
	uint64_t seed;
	int16_t past[PAST][FRAME_N]; /* what was sent */
	uint32_t n;
	double ours, hers; /* levels of the syllables that run */
	uint32_t ours_left, hers_left;
} l;

static int start(void **state)
{
	l = (struct line){.seed = 7};
	echo_init(&l.e);

	return 0;
}

static double level(double *now, uint32_t *left)
{
	if (*left == 0) {
		*left = 2 + prng_u32(&l.seed) % 8;
		*now = prng_u32(&l.seed) % 4 ? 500 + prng_u32(&l.seed) % 6000 : 0;
	}
	(*left)--;

	return *now;
}

/* Bursts of 5 ms inside a syllable, as a voice has its pitch. */
static void babble(int16_t *pcm, double loud)
{
	double burst = 1;

	for (int i = 0; i < FRAME_N; i++) {
		if (i % 40 == 0)
			burst = 0.2 + (prng_u32(&l.seed) % 100) / 100.0;
		pcm[i] = (int16_t)(loud * burst * ((int32_t)(prng_u32(&l.seed) % 2001) - 1000) / 1000);
	}
}

/* Frames of a line; returns how many were taken for ours. delay in frames; gain 0: no echo. */
static int run(int frames, bool we_speak, uint32_t delay, double gain, bool she_speaks)
{
	int ours = 0;

	for (int f = 0; f < frames; f++) {
		int16_t *sent = l.past[l.n % PAST], heard[FRAME_N], her[FRAME_N] = {0};
		float points[ECHO_FRAME_POINTS];
		double energy = 0;

		babble(sent, we_speak ? level(&l.ours, &l.ours_left) : 0);
		if (she_speaks)
			babble(her, level(&l.hers, &l.hers_left) + 1500);
		l.n++;
		for (int i = 0; i < FRAME_N; i++) {
			double back = l.n > delay ? l.past[(l.n - 1 - delay) % PAST][i] * gain : 0;

			heard[i] = (int16_t)(her[i] + back + (int32_t)(prng_u32(&l.seed) % 21) - 10);
			energy += (double)heard[i] * heard[i];
		}
		echo_points(sent, FRAME_N, points);
		ours += echo_frame(&l.e, we_speak ? points : NULL, heard, FRAME_N, sqrt(energy / FRAME_N) > 60);
	}

	return ours;
}

static void an_echo_is_learned_in_half_a_second_and_then_known(void **state)
{
	static const uint32_t delays[] = {1, 5, 12, 25, 39};

	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		start(state);
		run((int)delays[i] + 45, true, delays[i], 0.2, false);
		assert_int_equal(l.e.path, ECHO_FOUND);
		assert_in_range(echo_delay_ms(&l.e), delays[i] * 20 - 6, delays[i] * 20 + 6);
		/* Some two of three frames have a voice in them; of those nearly all. */
		assert_true(run(200, true, delays[i], 0.2, false) > 110);
	}
}

static void a_caller_over_a_clean_line_is_not_ours(void **state)
{
	run(150, true, 0, 0, false);
	assert_int_equal(l.e.path, ECHO_CLEAN);
	assert_true(run(200, true, 0, 0, true) < 20);
}

static void a_caller_over_the_echo_is_heard(void **state)
{
	run(150, true, 11, 0.1, false);
	assert_int_equal(l.e.path, ECHO_FOUND);
	assert_true(run(100, true, 11, 0.1, true) < 15);
}

static void a_caller_after_us_is_heard_at_once(void **state)
{
	run(150, true, 11, 0.2, false);
	run(11, false, 11, 0.2, false);
	assert_true(run(50, false, 11, 0.2, true) < 4);
}

static void silence_and_short_frames_are_nothing(void **state)
{
	static const int16_t none[1];
	float points[ECHO_FRAME_POINTS];

	echo_points(none, 0, points);
	assert_true(points[0] == 0);
	assert_false(echo_frame(&l.e, NULL, none, 0, true));
	assert_int_equal(l.e.path, ECHO_UNKNOWN);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, start)
	const struct CMUnitTest tests[] = {
		T(an_echo_is_learned_in_half_a_second_and_then_known),
		T(a_caller_over_a_clean_line_is_not_ours),
		T(a_caller_over_the_echo_is_heard),
		T(a_caller_after_us_is_heard_at_once),
		T(silence_and_short_frames_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
