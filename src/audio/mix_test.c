/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/cn.h"
#include "audio/level.h"
#include "audio/mix.h"
#include "audio/testsig.h"
#include "audio/tone.h"

/* Each of a conference hears the others and not itself. */
static void mix_minus_leaves_oneself_out(void **state)
{
	static const float hz[3] = {400, 900, 1500};
	int16_t in[3][800], out[800];
	int32_t acc[800] = {0};

	for (int k = 0; k < 3; k++) {
		float phase = 0;

		sig_sine(in[k], 800, 8000, hz[k], 4000, &phase);
		mix_add(acc, in[k], 800);
	}
	for (int me = 0; me < 3; me++) {
		mix_out(acc, in[me], out, 800);
		for (int k = 0; k < 3; k++)
			assert_true(fabsf(tone_amplitude(out, 800, 8000, hz[k]) -
					    (k == me ? 0 : 4000)) < 20);
	}
	mix_out(acc, NULL, out, 800);
	for (int i = 0; i < 800; i++)
		assert_int_equal(out[i], acc[i]); /* below the knee nothing is touched */
}

/* A hundred loud talkers: no wrap, order kept, no more than the rail. */
static void loud_sums_bend_and_never_wrap(void **state)
{
	int16_t out[3], before = INT16_MIN;

	for (int64_t sum = -3400000; sum <= 3400000; sum += 9973) {
		mix_out((int32_t[]){(int32_t)sum}, NULL, out, 1);
		assert_true(out[0] >= before);
		assert_true((sum < 0) == (out[0] < 0) || sum == 0 || out[0] == 0);
		if (llabs(sum) <= 24576)
			assert_int_equal(out[0], sum);
		before = out[0];
	}
	int16_t a[3] = {32767, -32768, 100}, b[3] = {32767, -32768, 200};
	mix_two(a, b, 3);
	assert_in_range(a[0], 28000, 32767);
	assert_true(a[1] < -28000);
	assert_int_equal(a[2], 300);
}

static void gain_ramps_without_a_step(void **state)
{
	struct gain g;
	int16_t pcm[400];
	float phase = 0;

	gain_init(&g, 1);
	for (int i = 0; i < 400; i++)
		pcm[i] = 10000;
	gain_set(&g, 0, 160);
	gain_run(&g, pcm, 100);
	gain_run(&g, pcm + 100, 300);
	for (int i = 1; i < 400; i++)
		assert_true(pcm[i] <= pcm[i - 1] && pcm[i] >= pcm[i - 1] - 64);
	assert_int_equal(pcm[160], 0);
	assert_int_equal(pcm[399], 0);

	gain_init(&g, gain_from_db(-6));
	sig_sine(pcm, 400, 8000, 500, 10000, &phase);
	gain_run(&g, pcm, 400);
	assert_true(fabsf(tone_amplitude(pcm, 400, 8000, 500) - 5012) < 5);
	gain_init(&g, 10);
	pcm[0] = 30000;
	pcm[1] = -30000;
	gain_run(&g, pcm, 2);
	assert_int_equal(pcm[0], 32767);
	assert_int_equal(pcm[1], -32768);
}

static void levels_are_in_dbov(void **state)
{
	int16_t pcm[800];
	struct level level;
	float phase = 0;

	for (int i = 0; i < 800; i++)
		pcm[i] = i & 1 ? 32767 : -32768;
	level_measure(pcm, 800, &level);
	assert_true(fabsf(level.rms_dbov) < 0.01f);
	assert_int_equal(level.clipped, 800);
	assert_int_equal(level_minus_dbov(pcm, 800), 0);

	sig_sine(pcm, 800, 8000, 500, 3276.8f, &phase);
	level_measure(pcm, 800, &level);
	assert_true(fabsf(level.rms_dbov + 23.01f) < 0.05f);
	assert_true(fabsf(level.peak_dbov + 20) < 0.05f);
	assert_int_equal(level.clipped, 0);
	assert_int_equal(level_minus_dbov(pcm, 800), 23);

	for (int i = 0; i < 800; i++)
		pcm[i] = -700;
	level_measure(pcm, 800, &level);
	assert_int_equal(level.dc, -700);
	memset(pcm, 0, sizeof(pcm));
	level_measure(pcm, 800, &level);
	assert_true(level.rms_dbov == -127 && level.peak_dbov == -127);
	assert_int_equal(level_minus_dbov(pcm, 800), 127);
	level_measure(pcm, 0, &level);
	assert_int_equal(level.dc, 0);
}

/* RFC 3389 §3.1: the level is that of the noise, whatever the spectrum (§3.2). */
static void comfort_noise_has_the_level_asked_for(void **state)
{
	static const uint8_t payloads[][4] = {
		{40, 127, 127, 127}, {40, 20, 127, 127}, {50, 230, 60, 100}};

	for (size_t k = 0; k < ARRAY_LEN(payloads); k++)
		for (size_t n = 1; n <= 3; n++) {
			static int16_t pcm[80000];
			struct level level;
			struct cn cn;

			cn_init(&cn, 77);
			assert_int_equal(cn_decode(&cn, payloads[k], n), 0);
			for (int f = 0; f < 500; f++)
				cn_run(&cn, pcm + 160 * f, 160);
			level_measure(pcm + 8000, 72000, &level);
			assert_true(fabsf(level.rms_dbov + payloads[k][0]) < 2.0f);
		}

	/* A first reflection coefficient below zero tilts towards low frequencies. */
	static int16_t pcm[16000];
	struct cn cn;
	float low = 0, high = 0;

	cn_init(&cn, 5);
	assert_int_equal(cn_decode(&cn, (const uint8_t[]){40, 27}, 2), 0);
	cn_run(&cn, pcm, 16000);
	for (int i = 1; i < 16000; i++) {
		low += (float)abs(pcm[i] + pcm[i - 1]);
		high += (float)abs(pcm[i] - pcm[i - 1]);
	}
	assert_true(low > 2 * high);

	/* The narrowest band there can be, on the edge of stability: bounded, for ever. */
	assert_int_equal(cn_decode(&cn, (const uint8_t[]){40, 0, 255, 0, 254}, 5), 0);
	for (int f = 0; f < 100; f++) {
		cn_run(&cn, pcm, 16000);
		assert_true(level_rms(pcm, 16000) < 3000);
	}

	assert_int_equal(cn_decode(&cn, NULL, 0), -TR_EPARSE);
	cn_set_level(&cn, 127);
	cn_run(&cn, pcm, 160);
	cn_run(&cn, pcm, 160);
	assert_true(level_rms(pcm, 160) == 0);
	uint8_t byte;
	assert_int_equal(cn_encode(200, &byte), 1);
	assert_int_equal(byte, 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mix_minus_leaves_oneself_out),
		cmocka_unit_test(loud_sums_bend_and_never_wrap),
		cmocka_unit_test(gain_ramps_without_a_step),
		cmocka_unit_test(levels_are_in_dbov),
		cmocka_unit_test(comfort_noise_has_the_level_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
