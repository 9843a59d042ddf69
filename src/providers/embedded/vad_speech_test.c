/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/plc.h"
#include "audio/resample.h"
#include "audio/testsig.h"
#include "audio/vad_net.h"
#include <flite/flite.h>

/*
 * The voice detector of the audio layer on speech: flite's voices, neither of which it was trained on. It lives here because
 * flite does. docs/voice-detection.md has the figures on recorded voices; this holds what a change must not break.
 *
 * flite's output is not the same on every machine: bounds are wide enough for that.
 */
cst_voice *register_cmu_us_rms(const char *voxdir);
cst_voice *register_cmu_us_slt(const char *voxdir);

enum { RATE = 8000, FRAME_N = 160, LEAD_N = RATE, MAX_N = RATE * 30, ON_PROB = 140 };

static const char *const phrases[] = {
	"Yes.",
	"I would like to make an appointment for next Tuesday.",
	"My number is five five five, three one four one.",
	"She sells fresh fish, I think.",
};

static cst_voice *voices[2];
static int16_t pcm[MAX_N], clean[MAX_N];

static int load(void **state)
{
	flite_init();
	voices[0] = register_cmu_us_rms(NULL);
	voices[1] = register_cmu_us_slt(NULL);

	return !voices[0] || !voices[1];
}

/* A second of silence, the phrase at that level, a second of silence; returns whole frames of samples. */
static int say(cst_voice *voice, const char *text, float rms)
{
	cst_wave *w = flite_text_to_wave(text, voice);
	struct resample *r;
	double power = 0;
	int n, loud = 0;

	assert_int_equal(w->sample_rate, 16000);
	assert_in_range(w->num_samples, 1000, 2 * (MAX_N - 3 * LEAD_N));
	memset(clean, 0, sizeof(clean));
	assert_int_equal(resample_new(16000, RATE, &r), 0);
	n = resample_run(r, w->samples, w->num_samples / 2 * 2, clean + LEAD_N);
	resample_free(r);
	delete_wave(w);
	for (int at = LEAD_N; at < LEAD_N + n; at += FRAME_N) {
		float x = level_rms(clean + at, FRAME_N);

		power += x > 300 ? (double)x * x : 0;
		loud += x > 300;
	}
	for (int i = 0; i < MAX_N; i++)
		clean[i] = (int16_t)CLAMP((double)clean[i] * rms / sqrt(power / loud), -32768.0, 32767.0);

	return (LEAD_N + n + LEAD_N) / FRAME_N * FRAME_N;
}

struct heard {
	int loud, missed;	 /* frames within 25 dB of the loudest, and those of them below ON_PROB */
	int onset_ms, tail_ms;	 /* of three frames of the last five, as the turn machine has it; of the last frame over */
	int early;		 /* frames over before the phrase */
};

static struct heard listen(int n, const int16_t *line)
{
	struct heard h = {.onset_ms = -1};
	struct vad_net v;
	float top = 0;
	uint32_t recent = 0;
	int first = -1, last = 0, last_over = 0;

	for (int at = 0; at < n; at += FRAME_N)
		top = MAX(top, level_rms(clean + at, FRAME_N));
	vad_net_init(&v, RATE);
	for (int f = 0; f < n / FRAME_N; f++) {
		bool is_over = vad_net_run(&v, line + f * FRAME_N, FRAME_N) >= ON_PROB;
		bool is_loud = level_rms(clean + f * FRAME_N, FRAME_N) > top * 0.056f;

		if (is_loud) {
			first = first < 0 ? f : first;
			last = f;
			h.loud++;
			h.missed += !is_over;
		}
		recent = (recent << 1 | is_over) & 31;
		if (first >= 0 && h.onset_ms < 0 && __builtin_popcount(recent) >= 3)
			h.onset_ms = (f + 1 - first) * 20;
		last_over = is_over ? f : last_over;
		h.early += is_over && first < 0 && f < LEAD_N / FRAME_N - 5;
	}
	h.tail_ms = (last_over - last) * 20;

	return h;
}

static void over_the_line(int n, float noise, uint64_t *seed)
{
	static uint8_t code[MAX_N];

	memcpy(pcm, clean, (size_t)n * sizeof(*pcm));
	sig_add_noise(pcm, n, noise, seed);
	g711_ulaw_encode(code, pcm, (size_t)n);
	g711_ulaw_decode(pcm, code, (size_t)n);
}

/* -35 dBm0 is a quiet caller, -16 a usual one, -3 one who shouts. */
static void speech_of_any_level_is_heard_in_time(void **state)
{
	static const float rms[] = {290, 2560, 8000};
	uint64_t seed = test_seed();

	for (size_t k = 0; k < ARRAY_LEN(voices); k++)
		for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
			for (size_t l = 0; l < ARRAY_LEN(rms); l++) {
				int n = say(voices[k], phrases[i], rms[l]);

				over_the_line(n, 8, &seed);
				struct heard h = listen(n, pcm);

				assert_int_equal(h.early, 0);
				assert_in_range(h.onset_ms, 0, 200);
				assert_true(h.missed * 100 <= h.loud * 15);
				assert_in_range(h.tail_ms + 200, 0, 200 + 240);
			}
}

static void noise_at_15_db_hides_little(void **state)
{
	uint64_t seed = test_seed();
	int loud = 0, missed = 0, late = 0;

	for (size_t k = 0; k < ARRAY_LEN(voices); k++)
		for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
			int n = say(voices[k], phrases[i], 2560);

			over_the_line(n, 455, &seed);
			struct heard h = listen(n, pcm);

			loud += h.loud;
			missed += h.missed;
			late += h.onset_ms < 0 || h.onset_ms > 240;
			assert_int_equal(h.early, 0);
		}
	assert_true(missed * 100 <= loud * 25);
	assert_in_range(late, 0, 1);
}

/* One packet in ten is missing and concealed. */
static void concealed_speech_is_speech(void **state)
{
	uint64_t seed = test_seed();
	int loud = 0, missed = 0;

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		int n = say(voices[0], phrases[i], 2560);
		struct plc plc;

		over_the_line(n, 8, &seed);
		plc_init(&plc, RATE);
		for (int at = 0; at < n; at += FRAME_N)
			if (prng_u32(&seed) % 10 == 0)
				plc_conceal(&plc, pcm + at, FRAME_N);
			else
				plc_good(&plc, pcm + at, FRAME_N);
		struct heard h = listen(n, pcm);

		loud += h.loud;
		missed += h.missed;
		assert_in_range(h.onset_ms, 0, 240);
	}
	assert_true(missed * 100 <= loud * 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speech_of_any_level_is_heard_in_time),
		cmocka_unit_test(noise_at_15_db_hides_little),
		cmocka_unit_test(concealed_speech_is_speech),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
