/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad.h"
#include "base/testing.h"

/*
 * On recorded speech this detector was tuned by hand (figures at the head of vad.c); these tests
 * hold its behaviour on signals that can be made from nothing.
 */
enum { ON_PROB = 128 };

static struct vad detector;

static void detector_init(int rate_hz)
{
	vad_init(&detector, rate_hz);
}

static int detector_run(const int16_t *pcm, int n)
{
	return vad_run(&detector, pcm, n);
}

#include "audio/vad_cases.h"

static void silence_is_no_speech(void **state)
{
	memset(pcm, 0, sizeof(pcm));
	assert_int_equal(judge(pcm, 8000, 0, 50 * SECONDS).most, 0);
}

/* Talkers from deep to high: vowels are found, in noise too, and the pauses are not speech. */
static void talkers_are_heard(void **state)
{
	uint64_t seed = 77;

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (int pitch = 90; pitch <= 290; pitch += 50)
			for (int noisy = 0; noisy < 2; noisy++) {
				struct sig_talker talker;
				struct vad v;
				int n = rates[r] / 50, voice = 0, hit = 0, pause = 0, alarm = 0,
				    quiet = 0;
				int16_t frame[320];

				vad_init(&v, rates[r]);
				sig_talker_init(
					&talker, rates[r], (float)pitch, 8000, (uint64_t)pitch);
				for (int f = 0; f < 1500; f++) {
					sig_talker_run(&talker, frame, n);
					bool is_loud = level_rms(frame, n) > 500;

					/* Ten frames into a pause nothing may linger: there is no
					 * hangover. */
					quiet = talker.is_voice ? 0 : quiet + 1;
					if (noisy)
						sig_add_noise(frame, n, 60, &seed);
					bool is_speech = vad_run(&v, frame, n) >= 128;

					voice += is_loud;
					hit += is_loud && is_speech;
					pause += quiet > 5;
					alarm += quiet > 5 && is_speech;
				}
				assert_true(voice > 500 && pause > 200);
				assert_true(
					hit >
					0.75 * voice); /* the rest are fricatives after a pause */
				assert_true(alarm <= 0.01 * pause);
			}
}

/* From the first sound to certainty in 100 ms, from the last to none in 80. */
static void speech_begins_and_ends_in_time(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		struct sig_talker talker;
		struct vad v;
		int n = rates[r] / 50, since = 0, slow = 0, onsets = 0;
		int16_t frame[320];
		bool was = false;

		vad_init(&v, rates[r]);
		sig_talker_init(&talker, rates[r], 130, 8000, 9);
		for (int f = 0; f < 3000; f++) {
			sig_talker_run(&talker, frame, n);
			bool is_loud = level_rms(frame, n) > 300;
			bool is_speech = vad_run(&v, frame, n) >= 128;

			since = is_loud == was ? since + 1 : 0;
			was = is_loud;
			if (is_loud && since == 4) {
				onsets++;
				slow += !is_speech;
			}
			if (!is_loud && since == 3 && level_rms(frame, n) < 30)
				assert_false(is_speech);
		}
		assert_true(onsets > 50);
		assert_true(slow * 4 < onsets); /* those that begin with a fricative */
	}
}

/* Rails, steps, alternation: nothing breaks, whatever the frame length. */
static void odd_signals_do_no_harm(void **state)
{
	uint64_t seed = test_seed();

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (int run = 0; run < 300; run++) {
			struct vad v;

			vad_init(&v, rates[r]);
			for (int f = 0; f < 20; f++) {
				int n = (int)(prng_u32(&seed) % 2000),
				    kind = (int)(prng_u32(&seed) % 4);

				for (int i = 0; i < n; i++) {
					int odd[] = {(int16_t)prng_u32(&seed), 32767,
						-32768 + 65535 * (i & 1), i % 7};

					pcm[i] = (int16_t)odd[kind];
				}
				vad_run(&v, pcm, n);
			}
			assert_true(
				isfinite(v.score) && isfinite(v.talker) && isfinite(v.floor[0]));
		}
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
