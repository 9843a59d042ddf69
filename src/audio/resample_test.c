/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/level.h"
#include "audio/resample.h"
#include "audio/testsig.h"
#include "audio/tone.h"

static const int pairs[][2] = {
	{8000, 16000},
	{16000, 8000},
	{16000, 24000},
	{24000, 16000},
	{16000, 48000},
	{48000, 16000},
	{8000, 48000},
	{48000, 8000},
	{8000, 24000},
	{24000, 8000},
	{44100, 16000},
	{16000, 16000},
};

/* In-band tones keep frequency and level, and whole frames give whole frames. */
static void tones_pass_in_band(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(pairs); k++) {
		int in_hz = pairs[k][0], out_hz = pairs[k][1], in_n = in_hz / 50,
		    out_n = out_hz / 50;

		for (float hz = 300; hz <= 3400; hz += 775) {
			static int16_t in[960], out[48000 + 2000];
			struct resample *r;
			float phase = 0;
			int got = 0;

			assert_int_equal(resample_new(in_hz, out_hz, &r), 0);
			for (int f = 0; f < 50; f++) {
				sig_sine(in, in_n, in_hz, hz, 8000, &phase);
				int n = resample_run(r, in, in_n, out + got);

				assert_true(n <= resample_max_out(r, in_n));
				if (in_hz != 44100)
					assert_int_equal(n, out_n);
				got += n;
			}
			assert_in_range(got, out_hz - 60, out_hz);
			assert_true(tone_share(out + got / 2, got / 2, out_hz, hz) > 0.9995f);
			assert_true(fabsf(tone_amplitude(out + got / 2, got / 2, out_hz, hz) -
					    8000) < 400);
			resample_free(r);
		}
	}
}

/* What 8 kHz cannot hold is kept out on the way down, and no image appears on the way up. */
static void aliases_and_images_stay_50_db_down(void **state)
{
	static int16_t in[16000], out[32000];
	struct resample *r;
	float phase = 0;

	assert_int_equal(resample_new(16000, 8000, &r), 0);
	for (float hz = 4650; hz < 8000; hz += 310) {
		sig_sine(in, 16000, 16000, hz, 16000, &phase);
		int n = resample_run(r, in, 16000, out);

		assert_true(level_rms(out + 100, n - 100) < 16000 * 0.7071f / 316);
	}
	resample_free(r);

	assert_int_equal(resample_new(8000, 16000, &r), 0);
	for (float hz = 300; hz < 3400; hz += 310) {
		sig_sine(in, 8000, 8000, hz, 16000, &phase);
		resample_run(r, in, 8000, out);
		assert_true(tone_amplitude(out + 8000, 8000, 16000, 8000 - hz) < 16000 / 316.0f);
	}
	resample_free(r);
}

/* Frames cut anywhere give the same samples as one long one: nothing clicks at the seams. */
static void frames_may_be_cut_anywhere(void **state)
{
	uint64_t seed = test_seed();

	for (size_t k = 0; k < ARRAY_LEN(pairs); k++) {
		static int16_t in[9600], whole[9600 * 6 + 10], cut[9600 * 6 + 10];
		struct resample *r;
		struct sig_talker talker;
		int n, got = 0;

		sig_talker_init(&talker, pairs[k][0], 130, 9000, 4);
		sig_talker_run(&talker, in, 9600);
		assert_int_equal(resample_new(pairs[k][0], pairs[k][1], &r), 0);
		n = resample_run(r, in, 9600, whole);
		resample_reset(r);
		for (int at = 0; at < 9600;) {
			int any = (int)(prng_u32(&seed) % 700), m = MIN(any, 9600 - at);

			got += resample_run(r, in + at, m, cut + got);
			at += m;
		}
		assert_int_equal(got, n);
		assert_memory_equal(whole, cut, (size_t)n * sizeof(*cut));
		resample_free(r);
	}
}

static void up_and_down_gives_the_delayed_signal(void **state)
{
	static int16_t in[8000], up[16000], back[8000];
	struct resample *a, *b;
	struct sig_talker talker;
	int delay;

	sig_talker_init(&talker, 8000, 110, 9000, 6);
	sig_talker_run(&talker, in, 8000);
	assert_int_equal(resample_new(8000, 16000, &a), 0);
	assert_int_equal(resample_new(16000, 8000, &b), 0);
	assert_int_equal(resample_run(a, in, 8000, up), 16000);
	assert_int_equal(resample_run(b, up, 16000, back), 8000);
	assert_true(sig_snr_delayed(in, back, 8000, 40, &delay) >
		    25); /* glottal pulses reach into the transition band */
	assert_int_equal(delay, resample_delay(a) / 2 + resample_delay(b));
	resample_free(a);
	resample_free(b);
}

static void full_scale_does_not_wrap(void **state)
{
	static int16_t in[8000], out[16000];
	struct resample *r;

	for (int i = 0; i < 8000; i++)
		in[i] = i / 7 % 2 ? 32767 : -32768;
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(resample_new(pairs[k][0], pairs[k][1], &r), 0);
		int n = resample_run(r, in, 8000, out), hop = pairs[k][1] / 8000;

		for (int i = 200; i < n; i++) /* a wrap jumps from rail to rail within one sample,
						 up-sampled edges take two */
			assert_true(abs(out[i] - out[i - 1]) <= (hop == 2 ? 60000 : 65535));
		resample_free(r);
	}
	assert_int_equal(resample_new(4000, 8000, &r), -EINVAL);
	assert_int_equal(resample_new(8000, 96000, &r), -EINVAL);
	assert_null(resample_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tones_pass_in_band),
		cmocka_unit_test(aliases_and_images_stay_50_db_down),
		cmocka_unit_test(frames_may_be_cut_anywhere),
		cmocka_unit_test(up_and_down_gives_the_delayed_signal),
		cmocka_unit_test(full_scale_does_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
