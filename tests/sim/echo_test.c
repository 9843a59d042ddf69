/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <flite/flite.h>
#include <math.h>
#include "audio/g711.h"
#include "audio/resample.h"
#include "audio/vad.h"
#include "turn/echo.h"

/*
 * Our voice through a loudspeaker, a room, a microphone, a codec and a network of any delay, with or without a caller who speaks
 * over it. Many seeds; what is counted is what the caller would suffer from: our own voice taken for hers, hers for ours.
 */
enum { RATE = 8000, FRAME_N = 160, SEEDS = 120, MOST = RATE * 20 };

cst_voice *register_cmu_us_rms(const char *voxdir);
cst_voice *register_cmu_us_slt(const char *voxdir);

struct sound {
	int16_t pcm[MOST];
	size_t n;
};
static struct sound ours, hers, his;
static float clipped[MOST]; /* ours, as a small loudspeaker has it */
static uint64_t seed;

static double random_between(double from, double to)
{
	return from + (to - from) * (prng_u32(&seed) / 4294967296.0);
}

static void speak(struct sound *s, cst_voice *voice, const char *text)
{
	cst_wave *w = flite_text_to_wave(text, voice);
	struct resample *r;

	assert_int_equal(w->sample_rate, 16000);
	assert_int_equal(resample_new(16000, RATE, &r), 0);
	s->n = (size_t)resample_run(r, w->samples, MIN(w->num_samples, 2 * MOST - 100), s->pcm);
	resample_free(r);
	delete_wave(w);
}

static int make_voices(void **state)
{
	flite_init();
	speak(&ours, register_cmu_us_rms(NULL),
		"Thank you for calling Acme Dental. How can I help you? We are open Monday to Friday from eight to six. So "
		"that's Wednesday the twenty fifth of November at two thirty, for Mary Johnson. Is that right?");
	speak(&hers, register_cmu_us_slt(NULL), "Hello, I would like to make an appointment. On Wednesday please, at ten o'clock in "
		"the morning. No, I said Thursday. Yes, that is right. Can I talk to a person?");
	speak(&his, register_cmu_us_rms(NULL), "Hello, I would like to make an appointment. On Wednesday please, at ten o'clock in "
		"the morning. No, I said Thursday. Yes, that is right. Can I talk to a person?");

	for (size_t i = 0; i < ours.n; i++)
		clipped[i] = 6000 * tanhf(ours.pcm[i] / 6000.0F);

	return 0;
}

/* What comes back: delayed, and spread by a room. */
static void come_back(float *to, double delay_ms, double gain_db, double room_ms)
{
	enum { TAPS = 40 };
	size_t at[TAPS];
	float gain[TAPS], energy = 0;

	for (int k = 0; k < TAPS; k++) {
		double ms = k ? random_between(0, room_ms) : 0;

		at[k] = (size_t)((delay_ms + ms) * RATE / 1000);
		gain[k] = (float)((k ? random_between(-0.5, 0.5) : 1.0) * exp(-3.0 * ms / MAX(room_ms, 1)));
		energy += gain[k] * gain[k];
	}

	float scale = (float)pow(10, gain_db / 20) / sqrtf(energy);

	for (int k = 0; k < TAPS; k++)
		for (size_t i = 0; i < ours.n && at[k] + i < MOST; i++)
			to[at[k] + i] += scale * gain[k] * clipped[i];
}

static void add(float *to, const struct sound *s, size_t at, double gain_db)
{
	for (size_t i = 0; i < s->n && at + i < MOST; i++)
		to[at + i] += s->pcm[i] * (float)pow(10, gain_db / 20);
}

struct result {
	int voice, ours; /* frames with a voice, and of them those that were taken for ours */
	int first_ours;	 /* frames of voice before the first such */
	int longest;	 /* most voiced frames in a row taken for hers, from the moment the path was known */
};

/* Runs the line; counts frames in [from, to). */
static struct result run(const float *line, double noise, size_t from, size_t to)
{
	static struct echo e;
	struct vad vad;
	struct result r = {.first_ours = -1};
	int in_a_row = 0;

	echo_init(&e);
	vad_init(&vad, RATE);
	for (size_t at = 0; at + FRAME_N <= MOST; at += FRAME_N) {
		float points[ECHO_FRAME_POINTS];
		int16_t pcm[FRAME_N];
		uint8_t code[FRAME_N];

		for (size_t i = 0; i < FRAME_N; i++)
			pcm[i] = (int16_t)CLAMP(line[at + i] + random_between(-noise, noise), -32768, 32767);
		g711_ulaw_encode(code, pcm, FRAME_N);
		g711_ulaw_decode(pcm, code, FRAME_N);
		echo_points(ours.pcm + at, FRAME_N, points);

		bool is_voice = vad_run(&vad, pcm, FRAME_N) >= 140;
		bool is_ours = echo_frame(&e, at + FRAME_N <= ours.n ? points : NULL, pcm, FRAME_N, is_voice);

		if (!is_voice || at < from || at >= to)
			continue;
		r.voice++;
		r.ours += is_ours;
		if (is_ours && r.first_ours < 0)
			r.first_ours = r.voice;
		in_a_row = is_ours ? 0 : in_a_row + 1;
		if (e.path == ECHO_FOUND && r.voice > 50)
			r.longest = MAX(r.longest, in_a_row);
	}

	return r;
}

static float line[MOST];

static void our_own_voice_is_known_for_what_it_is(void **state)
{
	int voice = 0, missed = 0, late = 0, rows = 0;

	for (int i = 1; i <= SEEDS; i++) {
		seed = (uint64_t)i * 77;
		memset(line, 0, sizeof(line));

		double delay = random_between(40, 700), gain = random_between(-30, -8), room = random_between(5, 150);

		come_back(line, delay, gain, room);

		struct result r = run(line, 30, 0, MOST);

		voice += r.voice;
		missed += r.voice - r.ours;
		late += r.first_ours < 0 || r.first_ours > 25;
		rows += r.longest >= 10;
		if (getenv("TIPRING_SHOW") && r.voice > 20)
			print_message("seed %d: %3.0f ms %3.0f dB room %3.0f ms: %d of %d voiced frames taken for hers, first known after %d, "
				"longest row %d\n", i, delay, gain, room, r.voice - r.ours, r.voice, r.first_ours, r.longest);
	}
	print_message("echo: %.1f %% of voiced frames taken for the caller's; known later than 500 ms in %d of %d calls; then 200 ms in "
		"a row missed in %d\n", 100.0 * missed / voice, late, SEEDS, rows);
	assert_true(missed * 100 < voice * 15);
	assert_true(late * 20 < SEEDS);
	assert_true(rows * 10 < SEEDS);
}

/* Nothing comes back: whoever speaks is the caller, over us or after us, also one with our own voice. */
static void a_caller_is_never_taken_for_us(void **state)
{
	int voice = 0, wrong = 0;

	for (int i = 1; i <= SEEDS; i++) {
		seed = (uint64_t)i * 131;
		memset(line, 0, sizeof(line));

		double at = random_between(0, 12), gain = random_between(-12, 6);

		add(line, i % 2 ? &hers : &his, (size_t)(at * RATE), gain);

		struct result r = run(line, 30, 0, MOST);

		voice += r.voice;
		wrong += r.ours;
		if (getenv("TIPRING_SHOW") && r.ours)
			print_message("seed %d: at %.1f s %3.0f dB: %d of %d\n", i, at, gain, r.ours, r.voice);
	}
	print_message("no echo: %.2f %% of the caller's voiced frames taken for ours\n", 100.0 * wrong / voice);
	assert_true(wrong * 50 < voice);
}

/* Both: she is heard over the echo when she is as loud as it, or louder. */
static void a_caller_is_heard_over_the_echo(void **state)
{
	int voice = 0, wrong = 0, deaf = 0;

	for (int i = 1; i <= SEEDS; i++) {
		seed = (uint64_t)i * 919;
		memset(line, 0, sizeof(line));

		double gain = random_between(-30, -10), at = random_between(3, 6);

		come_back(line, random_between(40, 700), gain, random_between(5, 150));
		add(line, i % 2 ? &hers : &his, (size_t)(at * RATE), random_between(-6, 3));

		struct result r = run(line, 30, (size_t)(at * RATE) + 4000, (size_t)(at * RATE) + RATE * 5 / 2);

		voice += r.voice;
		wrong += r.ours;
		deaf += r.ours * 2 > r.voice;
		if (getenv("TIPRING_SHOW") && r.ours * 4 > r.voice)
			print_message("seed %d: echo %3.0f dB: %d of %d\n", i, gain, r.ours, r.voice);
	}
	print_message("double talk: %.1f %% of voiced frames taken for ours; deaf in %d of %d\n", 100.0 * wrong / voice, deaf, SEEDS);
	assert_true(wrong * 100 < voice * 10);
	assert_true(deaf * 30 < SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_voice_is_known_for_what_it_is),
		cmocka_unit_test(a_caller_is_never_taken_for_us),
		cmocka_unit_test(a_caller_is_heard_over_the_echo),
	};

	return cmocka_run_group_tests(tests, make_voices, NULL);
}
