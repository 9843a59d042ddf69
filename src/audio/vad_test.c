/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad.h"
#include "base/testing.h"
#include <math.h>

/*
 * On recorded speech this detector was tuned by hand (figures at the head of vad.c); these tests
 * hold its behaviour on signals that can be made from nothing.
 */
enum { ON_PROB = 128, LINGER_FRAMES = 5 };

static struct vad detector;

static void detector_init(int rate_hz)
{
	vad_init(&detector, rate_hz);
}

static int detector_run(const int16_t *pcm, int n)
{
	return vad_run(&detector, pcm, n);
}

static void assert_sane(void)
{
	assert_true(isfinite(detector.score) && isfinite(detector.talker) && isfinite(detector.floor[0]));
}

#include "audio/vad_cases.h"

static void silence_is_no_speech(void **state)
{
	memset(pcm, 0, sizeof(pcm));
	assert_int_equal(judge(pcm, 8000, 0, 50 * SECONDS).most, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_progress_tones_are_no_speech),
		cmocka_unit_test(dtmf_is_no_speech),
		cmocka_unit_test(steady_noise_is_no_speech),
		cmocka_unit_test(hum_is_soon_no_speech),
		cmocka_unit_test(background_babble_is_mostly_no_speech),
		cmocka_unit_test(silence_is_no_speech),
		cmocka_unit_test(talkers_are_heard),
		cmocka_unit_test(speech_begins_and_ends_in_time),
		cmocka_unit_test(odd_signals_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
