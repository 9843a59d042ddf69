/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/dtmf_inband.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/testsig.h"
#include "audio/tone.h"

static void ringback_has_frequency_level_and_cadence(void **state)
{
	static int16_t pcm[16000 * 6];
	struct tone_gen g;

	for (int rate = 8000; rate <= 16000; rate *= 2) {
		tone_gen_start(&g, tone_spec(TONE_RINGBACK, TONE_EU), rate);
		for (int f = 0; f < 300; f++)
			assert_true(tone_gen_run(&g, pcm + f * rate / 50, rate / 50));
		assert_true(tone_share(pcm, rate, rate, 425) > 0.99f);
		/* -12 dBm0 of 3.14 dBm0 full scale. */
		assert_true(fabsf(tone_amplitude(pcm + rate / 10, rate / 2, rate, 425) / 32767 -
				    0.175f) < 0.002f);
		assert_true(level_rms(pcm + rate, 4 * rate) == 0);
		assert_true(level_rms(pcm + 5 * rate, rate) > 3000);
		/* No click at the edges: nothing rougher than the tone itself. */
		assert_true(sig_roughness(pcm, 6 * rate) <
			    1.5 * sig_roughness(pcm + rate / 10, rate / 2) + 4);
	}
}

static void us_tones_are_pairs(void **state)
{
	static int16_t pcm[8000];
	struct tone_gen g;

	tone_gen_start(&g, tone_spec(TONE_DIAL, TONE_US), 8000);
	tone_gen_run(&g, pcm, 8000);
	float a = tone_amplitude(pcm, 8000, 8000, 350), b = tone_amplitude(pcm, 8000, 8000, 440);

	assert_true(fabsf(a - b) < 20 && a > 5000);
	assert_true(tone_share(pcm, 8000, 8000, 350) + tone_share(pcm, 8000, 8000, 440) > 0.99f);
}

static void a_tone_ends_and_stops_softly(void **state)
{
	int16_t pcm[4000];
	struct tone_gen g;

	tone_gen_start(&g, tone_spec(TONE_BEEP, TONE_EU), 8000);
	assert_true(tone_gen_run(&g, pcm, 2000));
	assert_false(tone_gen_run(&g, pcm, 160));
	assert_true(level_rms(pcm, 160) == 0);

	tone_gen_start(&g, tone_spec(TONE_DIAL, TONE_EU), 8000);
	tone_gen_run(&g, pcm, 1600);
	tone_gen_stop(&g);
	tone_gen_run(&g, pcm + 1600, 160);
	assert_true(level_rms(pcm + 1600 + 24, 136) == 0);
	assert_true(sig_roughness(pcm, 1760) < 1.5 * sig_roughness(pcm + 200, 1000) + 4);
	assert_false(tone_gen_run(&g, pcm, 160));
	tone_gen_stop(&g);
}

static void an_hour_of_dial_tone_keeps_its_level(void **state)
{
	static int16_t pcm[8000];
	struct tone_gen g;

	tone_gen_start(&g, tone_spec(TONE_DIAL, TONE_EU), 8000);
	for (int s = 0; s < 3600; s++)
		tone_gen_run(&g, pcm, 8000);
	assert_true(fabsf(tone_amplitude(pcm, 8000, 8000, 425) / 32767 - 0.175f) < 0.002f);
}

static void a_single_tone_is_told_from_everything_else(void **state)
{
	uint64_t seed = test_seed();
	int16_t pcm[320], other[320];
	struct sig_talker talker;

	for (int rate = 8000; rate <= 16000; rate *= 2) {
		int n = rate / 50, hits = 0;

		for (float hz = 350; hz < 3000; hz *= 1.3f) {
			float phase = 1;
			uint8_t code[320];

			sig_sine(pcm, n, rate, hz, 5000, &phase);
			assert_true(fabsf(tone_find_single(pcm, n, rate) - hz) < 0.02f * hz);
			g711_ulaw_encode(code, pcm, (size_t)n);
			g711_ulaw_decode(pcm, code, (size_t)n);
			assert_true(fabsf(tone_find_single(pcm, n, rate) - hz) < 0.02f * hz);
			/* Two tones are not one. */
			sig_sine(other, n, rate, hz * 1.5f, 3000, &phase);
			for (int i = 0; i < n; i++)
				pcm[i] = (int16_t)(pcm[i] + other[i]);
			assert_true(tone_find_single(pcm, n, rate) == 0);
		}
		memset(pcm, 0, sizeof(pcm));
		assert_true(tone_find_single(pcm, n, rate) == 0);
		sig_add_noise(pcm, n, 3000, &seed);
		assert_true(tone_find_single(pcm, n, rate) == 0);
		sig_talker_init(&talker, rate, 180, 9000, 8);
		for (int f = 0; f < 500; f++) {
			sig_talker_run(&talker, pcm, n);
			hits += tone_find_single(pcm, n, rate) > 0;
		}
		assert_true(hits < 5);
	}
}

/* Feeds pcm in 20 ms frames; the digits begun, in order. */
static void listen(struct dtmf_rx *d, const int16_t *pcm, int n, char *ret, size_t cap)
{
	int frame = d->rate_hz / 50;
	size_t len = strlen(ret);

	for (int at = 0; at < n; at += frame) {
		struct dtmf_event events[4];
		int count = dtmf_rx_run(d, pcm + at, MIN(frame, n - at), events, 4);

		for (int k = 0; k < count; k++) {
			assert_in_range(events[k].at, 1, frame);
			if (!events[k].is_end && len + 1 < cap)
				ret[len++] = events[k].digit;
		}
	}
	ret[len] = 0;
}

static void every_digit_sent_is_heard(void **state)
{
	static const int timing[][2] = {{0, 0}, {50, 50}, {45, 45}, {300, 40}};
	static int16_t pcm[16000 * 8];

	for (int rate = 8000; rate <= 16000; rate *= 2)
		for (size_t t = 0; t < ARRAY_LEN(timing); t++) {
			struct dtmf_tx tx;
			struct dtmf_rx rx;
			char heard[40] = "";
			int n = 0;

			dtmf_tx_init(&tx, rate, timing[t][0], timing[t][1]);
			dtmf_rx_init(&rx, rate);
			assert_int_equal(dtmf_tx_put(&tx, SPAN_LIT("1234567890*#ABCD5,5")), 0);
			while (n < 8 * rate && dtmf_tx_run(&tx, pcm + n, rate / 50))
				n += rate / 50;
			listen(&rx, pcm, n, heard, sizeof(heard));
			assert_string_equal(heard, "1234567890*#ABCD55");
		}
}

/* ITU-T Q.24: through G.711, with noise, twist and frequencies off by 1.5 %; not with 3.5 %, not
 * with too much twist. */
static void the_tolerances_of_q24_hold(void **state)
{
	static const struct {
		float off, low, high;
		bool is_digit;
	} cases[] = {
		{1.0f, 4000, 4000, true},
		{1.015f, 4000, 4000, true},
		{0.985f, 4000, 4000, true},
		{1.0f, 5000, 1990, true}, /* 8 dB */
		{1.0f, 2840, 4500, true}, /* -4 dB */
		{1.0f, 120, 120, true},
		{1.035f, 4000, 4000, false},
		{0.965f, 4000, 4000, false},
		{1.0f, 6000, 1500, false},
		{1.0f, 1500, 4500, false},
		{1.0f, 20, 20, false},
		{1.0f, 5000, 0, false},
	};
	static const float rows[] = {697, 770, 852, 941}, cols[] = {1209, 1336, 1477, 1633};
	uint64_t seed = test_seed();

	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		for (int key = 0; key < 16; key++) {
			int16_t a[800], b[800];
			uint8_t code[800];
			struct dtmf_rx rx;
			char heard[8] = "";
			float pa = 0.3f, pb = 1;

			sig_sine(a, 800, 8000, rows[key / 4] * cases[c].off, cases[c].low, &pa);
			sig_sine(b, 800, 8000, cols[key % 4] * cases[c].off, cases[c].high, &pb);
			for (int i = 0; i < 800; i++)
				a[i] = (int16_t)(a[i] + b[i]);
			sig_add_noise(a, 800, 0.05f * MAX(cases[c].low, cases[c].high), &seed);
			g711_ulaw_encode(code, a, 800);
			g711_ulaw_decode(a, code, 800);
			dtmf_rx_init(&rx, 8000);
			listen(&rx, a, 800, heard, sizeof(heard));
			assert_int_equal(strlen(heard), cases[c].is_digit);
		}
	}
}

/* Talk-off: five minutes of talkers of several pitches, with and without noise, press no key. */
static void speech_presses_no_key(void **state)
{
	for (int rate = 8000; rate <= 16000; rate *= 2)
		for (int pitch = 90; pitch <= 270; pitch += 20) {
			static int16_t pcm[16000 * 30];
			struct sig_talker talker;
			struct dtmf_rx rx;
			char heard[100] = "";

			sig_talker_init(&talker, rate, (float)pitch, 9000, (uint64_t)pitch);
			sig_talker_run(&talker, pcm, 30 * rate);
			dtmf_rx_init(&rx, rate);
			listen(&rx, pcm, 30 * rate, heard, sizeof(heard));
			assert_string_equal(heard, "");
		}
}

static void bad_digits_are_refused_whole(void **state)
{
	struct dtmf_tx tx;
	int16_t pcm[160];

	dtmf_tx_init(&tx, 8000, 0, 0);
	assert_int_equal(dtmf_tx_put(&tx, SPAN_LIT("12x")), -EINVAL);
	assert_false(dtmf_tx_run(&tx, pcm, 160));
	for (int i = 0; i < 4; i++)
		assert_int_equal(dtmf_tx_put(&tx, SPAN_LIT("0123456789abcd*#")), 0);
	assert_int_equal(dtmf_tx_put(&tx, SPAN_LIT("1")), -TR_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ringback_has_frequency_level_and_cadence),
		cmocka_unit_test(us_tones_are_pairs),
		cmocka_unit_test(a_tone_ends_and_stops_softly),
		cmocka_unit_test(an_hour_of_dial_tone_keeps_its_level),
		cmocka_unit_test(a_single_tone_is_told_from_everything_else),
		cmocka_unit_test(every_digit_sent_is_heard),
		cmocka_unit_test(the_tolerances_of_q24_hold),
		cmocka_unit_test(speech_presses_no_key),
		cmocka_unit_test(bad_digits_are_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
