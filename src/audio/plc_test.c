/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/level.h"
#include "audio/plc.h"
#include "audio/testsig.h"
#include "audio/tone.h"

static const int rates[] = {8000, 16000};

/* Plays in through concealment; frames of 20 ms whose bit in lost is set do not come. */
static void play(struct plc *p, const int16_t *in, int16_t *out, int frames, uint64_t lost)
{
	int n = p->rate_hz / 50;

	for (int f = 0; f < frames; f++) {
		if (lost >> f & 1) {
			plc_conceal(p, out + f * n, n);
		} else {
			memcpy(out + f * n, in + f * n, (size_t)n * sizeof(*in));
			plc_good(p, out + f * n, n);
		}
	}
}

static void nothing_lost_changes_nothing(void **state)
{
	struct sig_talker talker;
	struct plc p;
	static int16_t in[8000], out[8000];

	sig_talker_init(&talker, 8000, 120, 8000, 5);
	sig_talker_run(&talker, in, 8000);
	plc_init(&p, 8000);
	play(&p, in, out, 50, 0);
	assert_memory_equal(in, out, sizeof(in));
}

/* A steady tone of any pitch of a voice goes on through 20 ms: nearly the same waveform, and no
 * step at either seam. */
static void a_tone_goes_on_through_a_gap(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		for (float hz = 90; hz < 500; hz *= 1.13f) {
			static int16_t in[16000], out[16000];
			struct plc p;
			float phase = 0;
			int n = rates[r] / 50;

			sig_sine(in, 30 * n, rates[r], hz, 8000, &phase);
			plc_init(&p, rates[r]);
			play(&p, in, out, 30, 1u << 10);
			assert_true(sig_snr(in + 10 * n, out + 10 * n, n) > 6);
			/* The period is a whole number of samples, the tone's is not: hence the
			 * slack. */
			assert_true(
				sig_roughness(out, 30 * n) < 2 * sig_roughness(in, 30 * n) + 250);
			/* Long behind the gap it is the input again. */
			assert_memory_equal(
				in + 13 * n, out + 13 * n, (size_t)(17 * n) * sizeof(*in));
		}
	}
}

/* Log-spectral distance over bands of 100 Hz, dB RMS. */
static float spectral_distance(const int16_t *a, const int16_t *b, int n, int rate_hz)
{
	double sum = 0;
	int bands = 0;

	for (float hz = 150; hz < 3400; hz += 100, bands++) {
		double d = 20 * log10((tone_amplitude(a, n, rate_hz, hz) + 20) /
					(tone_amplitude(b, n, rate_hz, hz) + 20));

		sum += d * d;
	}

	return (float)sqrt(sum / bands);
}

/* Speech with every tenth frame lost: nearer to the original than silence or repeating the last
 * frame, and no click. */
static void speech_is_concealed_better_than_by_simple_means(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		static int16_t in[160000], out[160000];
		struct sig_talker talker;
		struct plc p;
		double ours = 0, silence = 0, repeated = 0, snr = 0;
		int n = rates[r] / 50, frames = 500, counted = 0;

		sig_talker_init(&talker, rates[r], 120, 8000, 11);
		sig_talker_run(&talker, in, frames * n);
		plc_init(&p, rates[r]);
		for (int f = 0; f < frames; f += 50)
			play(&p, in + f * n, out + f * n, 50, UINT64_C(0x20080200802) << 3);
		for (int f = 5; f < frames; f++) {
			if (!(UINT64_C(0x20080200802) << 3 >> f % 50 & 1) ||
				level_rms(in + f * n, n) < 300)
				continue;
			static const int16_t zero[320];

			ours += spectral_distance(in + f * n, out + f * n, n, rates[r]);
			silence += spectral_distance(in + f * n, zero, n, rates[r]);
			repeated += spectral_distance(in + f * n, in + (f - 1) * n, n, rates[r]);
			snr += sig_snr(in + f * n, out + f * n, n) -
			       sig_snr(in + f * n, in + (f - 1) * n, n);
			counted++;
		}
		assert_true(ours < 0.5 * silence);
		/* The last frame again has as good a spectrum, but its phase is wrong. */
		assert_true(ours < 1.1 * repeated);
		assert_true(snr / counted > 3);
		assert_true(sig_roughness(out, frames * n) <= 1.3 * sig_roughness(in, frames * n));
	}
}

/* A long gap fades within 70 ms to the talker's background, and stays there without end. */
static void a_long_gap_fades_to_the_background(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		static int16_t in[32000], out[32000];
		struct sig_talker talker;
		struct plc p;
		uint64_t seed = 9;
		int n = rates[r] / 50;

		sig_talker_init(&talker, rates[r], 150, 9000, 2);
		sig_talker_run(&talker, in, 48 * n);
		sig_add_noise(in, 48 * n, 40, &seed);
		plc_init(&p, rates[r]);
		play(&p, in, out, 48, ~UINT64_C(0) << 40);
		float now = level_rms(out + 44 * n, 4 * n);

		assert_true(now > 20 && now < 60);
		assert_true(level_rms(out + 40 * n, n / 2) > 0.5f * level_rms(out + 39 * n, n));
		for (int f = 41; f < 44; f++)
			assert_true(level_rms(out + f * n, n) <=
				    1.1f * level_rms(out + (f - 1) * n, n) + 20);
	}
}

/* Any pattern of loss at any length: never beyond the rails' neighbourhood of the input, never a
 * step the input has not. */
static void random_loss_never_clicks(void **state)
{
	uint64_t seed = test_seed();

	for (int run = 0; run < 40; run++) {
		static int16_t in[16000], out[16000];
		int rate = rates[run % 2], done = 0;
		struct plc p;
		float phase = 0;

		sig_sine(in, rate, rate, 100 + (float)(prng_u32(&seed) % 400), 10000, &phase);
		plc_init(&p, rate);
		while (done < rate) {
			int any = rate / 1000 * (5 + (int)(prng_u32(&seed) % 60)),
			    n = MIN(any, rate - done);

			memcpy(out + done, in + done, (size_t)n * sizeof(*in));
			if (done > rate / 4 && prng_u32(&seed) % 2)
				plc_conceal(&p, out + done, n);
			else
				plc_good(&p, out + done, n);
			done += n;
		}
		for (int i = 1; i < rate; i++)
			assert_true(abs(out[i] - out[i - 1]) <
				    3 * 10000 * 2 * SIG_PI * 500 / (float)rate);
	}
}

static void loss_before_any_audio_is_quiet(void **state)
{
	struct plc p;
	int16_t out[2000];

	plc_init(&p, 8000);
	plc_conceal(&p, out, 2000);
	assert_true(level_rms(out, 2000) < 250);
	plc_conceal(&p, out, 0);
	plc_good(&p, out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_changes_nothing),
		cmocka_unit_test(a_tone_goes_on_through_a_gap),
		cmocka_unit_test(speech_is_concealed_better_than_by_simple_means),
		cmocka_unit_test(a_long_gap_fades_to_the_background),
		cmocka_unit_test(random_loss_never_clicks),
		cmocka_unit_test(loss_before_any_audio_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
