/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/level.h"
#include "audio/stretch.h"
#include "audio/testsig.h"
#include "audio/tone.h"

static const int rates[] = {8000, 16000};

/* Every k-th frame of n samples is put through with mode, the others pass. Returns the samples put
 * out. */
static int play(
	int rate, const int16_t *in, int total, int n, enum stretch_mode mode, int k, int16_t *out)
{
	struct stretch s;
	int got = 0;

	stretch_init(&s, rate);
	for (int at = 0, f = 1; at + n <= total; at += n, f++)
		got += stretch_run(&s, f % k == 0 ? mode : STRETCH_NONE, in + at, n, out + got);

	return got;
}

static void a_tone_changes_length_and_nothing_else(void **state)
{
	static int16_t in[16000 * 4], out[16000 * 6];

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (float hz = 90; hz < 420; hz *= 1.2f)
			for (int mode = STRETCH_SHORTEN; mode <= STRETCH_LENGTHEN; mode++) {
				int rate = rates[r], total = 4 * rate;
				float phase = 0;

				sig_sine(in, total, rate, hz, 8000, &phase);
				int got = play(rate, in, total, rate / 50, (enum stretch_mode)mode,
					5, out);
				float change = (float)(got - total) / (float)total;

				assert_true(mode == STRETCH_SHORTEN
						    ? change < -0.02f && change > -0.16f
						    : change > 0.02f && change < 0.16f);
				/* Same frequency, same level, no click. */
				assert_true(tone_share(out + got / 2, rate / 10, rate, hz) > 0.97f);
				assert_true(
					tone_amplitude(out + got / 2, rate / 10, rate, hz) > 7600);
				assert_true(sig_roughness(out, got) <
					    2 * sig_roughness(in, total) + 200);
			}
}

/* Speech: ten seconds made some per cent shorter and longer, where its own waveform allows it;
 * never rougher than it was. */
static void speech_changes_length_without_clicks(void **state)
{
	static int16_t in[16000 * 10], out[16000 * 13];

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (int pitch = 100; pitch <= 220; pitch += 60) {
			int rate = rates[r], total = 10 * rate;
			struct sig_talker talker;

			sig_talker_init(&talker, rate, (float)pitch, 8000, 21);
			sig_talker_run(&talker, in, total);

			int shorter = play(rate, in, total, rate / 50, STRETCH_SHORTEN, 4, out);
			assert_true(sig_roughness(out, shorter) <= 1.2 * sig_roughness(in, total));
			int longer = play(rate, in, total, rate / 50, STRETCH_LENGTHEN, 4, out);
			assert_true(sig_roughness(out, longer) <= 1.2 * sig_roughness(in, total));
			assert_true(shorter < 0.97 * total && shorter > 0.8 * total);
			assert_true(longer > 1.03 * total && longer < 1.2 * total);
			/* Longer by a fifth at most: as loud as before. */
			assert_true(
				fabsf(level_rms(out, longer) / level_rms(in, total) - 1) < 0.1f);
		}
}

/* Whatever is asked, the count returned is what was written, and stays within the promise. */
static void samples_are_accounted_for(void **state)
{
	uint64_t seed = test_seed();
	struct stretch s;
	static int16_t in[2400], out[2400 + 240 + 1];

	for (int run = 0; run < 3000; run++) {
		int rate = rates[run % 2], n = (int)(prng_u32(&seed) % 2400);
		enum stretch_mode mode = (enum stretch_mode)(prng_u32(&seed) % 6);

		stretch_init(&s, rate);
		for (int i = 0; i < 2400; i++)
			in[i] = (int16_t)(prng_u32(&seed) >> (run % 16));
		stretch_run(&s, STRETCH_NONE, in, 600, out);
		int most = n + STRETCH_MAX_PERIOD(rate);

		out[most] = 12345;
		int got = stretch_run(&s, mode, in, n, out);

		assert_int_equal(out[most], 12345);
		assert_in_range(got, n ? 1 : 0, most);
		if (n > STRETCH_MAX_FRAME * rate / 16000 || n < rate / 100 || mode == STRETCH_NONE)
			continue;
		if (mode == STRETCH_SHORTEN_NOW)
			assert_true(got < n);
		if (mode == STRETCH_LENGTHEN_NOW)
			assert_true(got > n);
		/* The last sample out is the last in: the next frame follows seamlessly. */
		assert_int_equal(out[got - 1], in[n - 1] == out[got - 1] ? in[n - 1]
					       : mode == STRETCH_DROP    ? out[got - 1]
									 : -1);
	}
}

static void noise_is_left_alone_and_silence_is_not(void **state)
{
	static int16_t in[16000], out[20000];
	uint64_t seed = 5;

	memset(in, 0, sizeof(in));
	sig_add_noise(in, 8000, 2000, &seed);
	int got = play(8000, in, 8000, 160, STRETCH_SHORTEN, 2, out);
	assert_true(got > 7600);

	memset(in, 0, sizeof(in));
	sig_add_noise(in, 8000, 20, &seed);
	got = play(8000, in, 8000, 160, STRETCH_SHORTEN, 2, out);
	assert_true(got < 7500);
	got = play(8000, in, 8000, 160, STRETCH_DROP, 2, out);
	assert_int_equal(got, 25 * 160 + 25 * 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tone_changes_length_and_nothing_else),
		cmocka_unit_test(speech_changes_length_without_clicks),
		cmocka_unit_test(samples_are_accounted_for),
		cmocka_unit_test(noise_is_left_alone_and_silence_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
