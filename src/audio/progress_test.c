/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/progress.h"
#include "audio/testsig.h"
#include "audio/tone.h"
#include "base/testing.h"

/* Tones in virtual time: bursts are written one after the other, and what is told is noted with the frame's end. */
static struct {
	struct progress p;
	struct progress_out told[16];
	uint32_t at_ms[16];
	unsigned n;
	uint32_t now_ms, tone_frames;
	float noise;
	uint64_t seed;
	int rate_hz;
	bool has_speech;
} line;

static int set_up(void **state)
{
	memset(&line, 0, sizeof(line));
	line.rate_hz = 8000;
	line.seed = 7;
	progress_init(&line.p, line.rate_hz);

	return 0;
}

static void frame(int16_t *pcm, bool is_concealed)
{
	struct progress_out out;
	int n = line.rate_hz / 50;

	if (line.noise > 0)
		sig_add_noise(pcm, n, line.noise, &line.seed);
	progress_run(&line.p, pcm, n, is_concealed, line.has_speech, &out);
	line.now_ms += 20;
	line.tone_frames += out.tone_ms > 0;
	if (out.kind == PROGRESS_NONE)
		return;
	assert_true(line.n < ARRAY_LEN(line.told));
	line.told[line.n] = out;
	line.at_ms[line.n++] = line.now_ms;
}

static void play(const struct tone_spec *spec, int ms)
{
	struct tone_gen g;
	int16_t pcm[320];

	tone_gen_start(&g, spec, line.rate_hz);
	for (int i = 0; i < ms; i += 20) {
		tone_gen_run(&g, pcm, line.rate_hz / 50);
		frame(pcm, false);
	}
}

static void burst(uint16_t a, uint16_t b, int ms)
{
	struct tone_spec spec = {.steps = {{.hz = {a, b}, .ms = (uint16_t)ms}}, .n_steps = 1, .level_dbm0 = -15};

	play(&spec, (ms + 19) / 20 * 20);
}

static void quiet(int ms)
{
	int16_t pcm[320] = {0};

	for (int i = 0; i < ms; i += 20) {
		memset(pcm, 0, sizeof(pcm));
		frame(pcm, false);
	}
}

static void assert_told(enum progress_kind kind)
{
	if (line.n == 0)
		fail_msg("nothing was told");
	assert_string_equal(progress_kind_name(line.told[line.n - 1].kind), progress_kind_name(kind));
}

/* E.180 and the North American four, told 80 ms into the third tone. */
static void information_tones_are_told_apart(void **state)
{
	static const struct {
		uint16_t a, a_ms, b, b_ms, c, c_ms;
		enum progress_sit sit;
	} all[] = {
		{914, 274, 1371, 274, 1777, 380, PROGRESS_SIT_INTERCEPT},
		{985, 380, 1371, 274, 1777, 380, PROGRESS_SIT_VACANT},
		{914, 274, 1429, 380, 1777, 380, PROGRESS_SIT_REORDER},
		{985, 380, 1429, 380, 1777, 380, PROGRESS_SIT_NO_CIRCUIT},
		{950, 330, 1400, 330, 1800, 330, PROGRESS_SIT_OTHER},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct tone_spec spec = {.steps = {{.hz = {all[i].a}, .ms = all[i].a_ms}, {.hz = {all[i].b}, .ms = all[i].b_ms},
						 {.hz = {all[i].c}, .ms = all[i].c_ms}},
			.n_steps = 3, .level_dbm0 = -20};

		set_up(NULL);
		quiet(200);
		play(&spec, 1200);
		quiet(2000);
		assert_told(PROGRESS_SIT);
		assert_int_equal(line.told[line.n - 1].sit, all[i].sit);
		assert_true(line.at_ms[line.n - 1] <= 200u + all[i].a_ms + all[i].b_ms + 140);
	}
}

static void two_of_three_tones_are_no_information_tone(void **state)
{
	quiet(200);
	burst(950, 0, 330);
	burst(1400, 0, 330);
	quiet(2000);
	for (unsigned i = 0; i < line.n; i++)
		assert_int_equal(line.told[i].kind, PROGRESS_BEEP);
}

/* T.30 CED, told after half a second. */
static void a_fax_answers(void **state)
{
	quiet(1000);
	burst(2100, 0, 3000);
	assert_int_equal(line.n, 1);
	assert_told(PROGRESS_FAX);
	assert_in_range(line.at_ms[0], 1480, 1560);
}

/* V.8 ANSam turns the phase over every 450 ms. */
static void phase_reversals_do_not_hide_a_fax(void **state)
{
	float phase = 0;

	for (int i = 0; i < 150; i++) {
		int16_t pcm[160];

		if (i % 23 == 22)
			phase += SIG_PI;
		sig_sine(pcm, 160, 8000, 2100, 3000, &phase);
		frame(pcm, false);
	}
	assert_told(PROGRESS_FAX);
}

/* T.30 CNG: once before anybody has spoken, twice in any case, and never a lone one behind words: that is a beep. */
static void a_calling_fax_is_told_from_a_beep_of_its_pitch(void **state)
{
	quiet(500);
	burst(1100, 0, 500);
	quiet(500);
	assert_told(PROGRESS_FAX);

	set_up(NULL);
	line.has_speech = true;
	quiet(500);
	burst(1100, 0, 500);
	quiet(500);
	assert_told(PROGRESS_BEEP);
	quiet(2500);
	burst(1100, 0, 500);
	quiet(500);
	assert_told(PROGRESS_FAX);
}

static void busy_of_six_countries_is_told_with_the_third_burst(void **state)
{
	static const struct {
		uint16_t a, b;
		int on, off;
	} all[] = {{480, 620, 500, 500}, {480, 620, 240, 260}, {425, 0, 500, 500}, {425, 0, 240, 260}, {400, 0, 380, 380}, {425, 0, 200, 200}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		set_up(NULL);
		quiet(300);
		for (int k = 0; k < 4; k++) {
			burst(all[i].a, all[i].b, all[i].on);
			quiet(all[i].off);
		}

		/* Before it is certain, a single sine's bursts may be beeps. */
		unsigned k = 0;

		while (k < line.n && line.told[k].kind == PROGRESS_BEEP)
			k++;
		assert_true(k < line.n);
		assert_int_equal(line.told[k].kind, PROGRESS_BUSY);
		assert_in_range(line.at_ms[k], 300 + 2 * (all[i].on + all[i].off), 300 + 2 * (all[i].on + all[i].off) + 120);
	}
}

static void ringing_is_told_once_a_ring_and_is_never_busy(void **state)
{
	for (int k = 0; k < 3; k++) {
		burst(440, 480, 2000);
		quiet(4000);
	}
	assert_int_equal(line.n, 3);
	for (int k = 0; k < 3; k++)
		assert_int_equal(line.told[k].kind, PROGRESS_RINGING);

	/* The United Kingdom rings twice. */
	set_up(NULL);
	for (int k = 0; k < 3; k++) {
		burst(400, 450, 400);
		quiet(200);
		burst(400, 450, 400);
		quiet(2000);
	}
	assert_true(line.n >= 3);
	for (unsigned k = 0; k < line.n; k++)
		assert_int_equal(line.told[k].kind, PROGRESS_RINGING);
}

static void dial_tone_lasts(void **state)
{
	burst(350, 440, 4000);
	assert_int_equal(line.n, 1);
	assert_told(PROGRESS_DIAL);
}

/* The beep's beginning and length to a frame, over the range of machines, at both rates. */
static void beeps_are_timed(void **state)
{
	static const uint16_t hz[] = {440, 620, 850, 1000, 1400, 2000};
	static const int ms[] = {120, 200, 500, 1000};

	for (int rate = 8000; rate <= 16000; rate += 8000)
		for (size_t i = 0; i < ARRAY_LEN(hz); i++)
			for (size_t k = 0; k < ARRAY_LEN(ms); k++) {
				set_up(NULL);
				line.rate_hz = rate;
				progress_init(&line.p, rate);
				line.has_speech = true;
				quiet(400);
				burst(hz[i], 0, ms[k]);
				quiet(400);
				assert_told(PROGRESS_BEEP);
				assert_in_range(line.told[0].hz, hz[i] - 6, hz[i] + 6);
				assert_in_range(line.told[0].length_ms, ms[k] - 20, ms[k] + 20);
				assert_in_range(line.at_ms[0] - line.told[0].began_ms, 380, 420);
			}
}

static void noise_hides_no_beep(void **state)
{
	line.has_speech = true;
	line.noise = 300; /* 12 dB below the beep */
	quiet(400);
	burst(1000, 0, 400);
	quiet(400);
	assert_told(PROGRESS_BEEP);
	assert_in_range(line.told[line.n - 1].hz, 990, 1010);
}

/* A lost packet in the middle, guessed as silence, does not make two of it. */
static void a_lost_packet_does_not_cut_a_beep(void **state)
{
	struct tone_gen g;
	struct tone_spec spec = {.steps = {{.hz = {1000}, .ms = 600}}, .n_steps = 1, .level_dbm0 = -15};
	int16_t pcm[160];

	line.has_speech = true;
	quiet(400);
	tone_gen_start(&g, &spec, 8000);
	for (int i = 0; i < 30; i++) {
		tone_gen_run(&g, pcm, 160);
		if (i == 12)
			memset(pcm, 0, sizeof(pcm));
		frame(pcm, i == 12);
	}
	quiet(400);
	assert_int_equal(line.n, 1);
	assert_in_range(line.told[0].length_ms, 580, 620);
}

/* Minutes of a talker with harmonics and glides. */
static void speech_does_not_beep(void **state)
{
	static const float pitches[] = {100, 130, 190, 230};

	for (size_t i = 0; i < ARRAY_LEN(pitches); i++) {
		struct sig_talker t;

		set_up(NULL);
		line.has_speech = true;
		sig_talker_init(&t, 8000, pitches[i], 9000, 11 + i);
		for (int f = 0; f < 50 * 60; f++) {
			int16_t pcm[160];

			sig_talker_run(&t, pcm, 160);
			frame(pcm, false);
		}
		assert_int_equal(line.n, 0);
	}
}

static void noise_and_silence_are_nothing(void **state)
{
	quiet(5000);
	line.noise = 2000;
	quiet(20000);
	assert_int_equal(line.n, 0);
	assert_int_equal(line.tone_frames, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(information_tones_are_told_apart, set_up),
		cmocka_unit_test_setup(two_of_three_tones_are_no_information_tone, set_up),
		cmocka_unit_test_setup(a_fax_answers, set_up),
		cmocka_unit_test_setup(phase_reversals_do_not_hide_a_fax, set_up),
		cmocka_unit_test_setup(a_calling_fax_is_told_from_a_beep_of_its_pitch, set_up),
		cmocka_unit_test_setup(busy_of_six_countries_is_told_with_the_third_burst, set_up),
		cmocka_unit_test_setup(ringing_is_told_once_a_ring_and_is_never_busy, set_up),
		cmocka_unit_test_setup(dial_tone_lasts, set_up),
		cmocka_unit_test_setup(beeps_are_timed, set_up),
		cmocka_unit_test_setup(noise_hides_no_beep, set_up),
		cmocka_unit_test_setup(a_lost_packet_does_not_cut_a_beep, set_up),
		cmocka_unit_test_setup(speech_does_not_beep, set_up),
		cmocka_unit_test_setup(noise_and_silence_are_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
