/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad_net.h"
#include "base/testing.h"
#include <math.h>

/*
 * How good it is on recorded voices says docs/voice-detection.md; these tests hold its behaviour on
 * signals that can be made from nothing, none of which it was trained on. providers/embedded has one
 * on flite's speech.
 */
enum { ON_PROB = 140 /* where the turn machine says voice */, LINGER_FRAMES = 9 };

static struct vad_net detector;

static void detector_init(int rate_hz)
{
	vad_net_init(&detector, rate_hz);
}

static int detector_run(const int16_t *pcm, int n)
{
	return vad_net_run(&detector, pcm, n);
}

static void assert_sane(void)
{
	assert_true(isfinite(detector.talker) && isfinite(detector.floor[0]));
	for (int i = 0; i < VAD_UNITS; i++)
		assert_true(fabsf(detector.memory[i]) <= 1.001f);
}

#include "audio/vad_cases.h"

static void silence_is_no_speech(void **state)
{
	memset(pcm, 0, sizeof(pcm));
	assert_in_range(judge(pcm, 8000, 0, 50 * SECONDS).most, 0, 40);
}

/* Chords of plucked strings with a beat, louder than many callers. */
static void music_is_no_speech(void **state)
{
	static const float scale[] = {110, 123.5f, 138.6f, 164.8f, 185, 220, 277.2f, 329.6f, 440};
	uint64_t seed = 21;

	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		int total = rates[r] * SECONDS, beat = rates[r] / 4;
		float phase[3][6] = {{0}}, hz[3] = {0};

		for (int i = 0; i < total; i++) {
			float t = (float)(i % beat) / (float)rates[r], x = 0;

			for (int k = 0; k < 3; k++) {
				if (i % beat == 0)
					hz[k] = scale[prng_u32(&seed) % ARRAY_LEN(scale)];
				for (int h = 0; h < 6; h++) {
					phase[k][h] = fmodf(phase[k][h] + 2 * SIG_PI * hz[k] * (float)(h + 1) /
										     (float)rates[r],
						2 * SIG_PI);
					x += sinf(phase[k][h]) / (float)(h + 1);
				}
			}
			pcm[i] = (int16_t)(1200 * x * expf(-4 * t));
		}
		struct verdict v = judge(pcm, rates[r], 0, 50 * SECONDS);

		assert_true(v.over * 50 <= v.frames);
	}
}

/* Frames may be cut anywhere: what counts are the samples. */
static void the_length_of_frames_does_not_matter(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		struct sig_talker talker;
		struct vad_net whole, cut;
		int n = rates[r] / 50, heard = 0;
		uint64_t seed = test_seed();

		vad_net_init(&whole, rates[r]);
		vad_net_init(&cut, rates[r]);
		sig_talker_init(&talker, rates[r], 150, 8000, 5);
		for (int f = 0; f < 500; f++) {
			int16_t frame[320];
			uint8_t p = 0;

			sig_talker_run(&talker, frame, n);
			for (int at = 0, m; at < n; at += m) {
				int any = 2 + (int)(prng_u32(&seed) % 60) * 2;

				m = MIN(any, n - at);
				p = vad_net_run(&cut, frame + at, m);
			}
			assert_int_equal(p, vad_net_run(&whole, frame, n));
			heard += p >= ON_PROB;
		}
		assert_true(heard > 100);
	}
}

/* Minutes of noise do not wear the memory out: the first words after them are heard. */
static void a_long_wait_changes_nothing(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		struct sig_talker talker;
		struct vad_net v;
		int n = rates[r] / 50, loud = 0, hit = 0, alarm = 0;
		uint64_t seed = test_seed();

		vad_net_init(&v, rates[r]);
		sig_talker_init(&talker, rates[r], 130, 8000, 6);
		for (int f = 0; f < 50 * 300 + 500; f++) {
			int16_t frame[320] = {0};

			if (f >= 50 * 300)
				sig_talker_run(&talker, frame, n);

			bool is_loud = level_rms(frame, n) > 500;

			sig_add_noise(frame, n, 60, &seed);
			bool is_speech = vad_net_run(&v, frame, n) >= ON_PROB;

			loud += is_loud;
			hit += is_loud && is_speech;
			alarm += f < 50 * 300 && is_speech;
		}
		assert_in_range(alarm, 0, 5);
		assert_true(hit * 10 > loud * 7);
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
		cmocka_unit_test(music_is_no_speech),
		cmocka_unit_test(the_length_of_frames_does_not_matter),
		cmocka_unit_test(a_long_wait_changes_nothing),
		cmocka_unit_test(talkers_are_heard),
		cmocka_unit_test(speech_begins_and_ends_in_time),
		cmocka_unit_test(odd_signals_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
