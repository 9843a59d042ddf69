/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "audio/dtmf_inband.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/testsig.h"
#include "audio/tone.h"

/*
 * What every detector of speech is asked about signals that are made from nothing. Who includes it has detector_init(rate_hz), detector_run(pcm, n), assert_sane()
 * of the detector's memory, ON_PROB, the probability from which on it is speech, and LINGER_FRAMES, for which it may go on behind speech.
 */
enum { SECONDS = 10, MAX_HZ = 16000 };

static const int rates[] = {8000, 16000};

struct verdict {
	int frames, over, most; /* judged, at ON_PROB and more, highest */
};

/* Frames [from, to) of 20 ms, after a pass through mu-law as a call has it. */
static struct verdict judge(int16_t *pcm, int rate_hz, int from, int to)
{
	struct verdict ret = {0};
	int n = rate_hz / 50;
	uint8_t code[320];

	detector_init(rate_hz);
	for (int f = 0; f < to; f++) {
		g711_ulaw_encode(code, pcm + f * n, (size_t)n);
		g711_ulaw_decode(pcm + f * n, code, (size_t)n);
		int p = detector_run(pcm + f * n, n);

		if (f < from)
			continue;
		ret.frames++;
		ret.over += p >= ON_PROB;
		ret.most = MAX(ret.most, p);
	}

	return ret;
}

static int16_t pcm[MAX_HZ * SECONDS];

static void call_progress_tones_are_no_speech(void **state)
{
	uint64_t seed = 3;

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (int region = 0; region < TONE_REGION_COUNT; region++)
			for (int kind = 0; kind < TONE_KIND_COUNT; kind++)
				for (int noisy = 0; noisy < 2; noisy++) {
					struct tone_gen g;
					int total = rates[r] * SECONDS;

					tone_gen_start(&g,
						tone_spec((enum tone_kind)kind,
							(enum tone_region)region),
						rates[r]);
					tone_gen_run(&g, pcm, total);
					if (noisy)
						sig_add_noise(pcm, total, 30, &seed);
					struct verdict v = judge(pcm, rates[r], 0, 50 * SECONDS);

					assert_int_equal(v.over, 0);
				}
}

static void dtmf_is_no_speech(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		struct dtmf_tx tx;
		int n = rates[r] / 50;

		memset(pcm, 0, sizeof(pcm));
		dtmf_tx_init(&tx, rates[r], 0, 0);
		assert_int_equal(dtmf_tx_put(&tx, SPAN_LIT("1234567890*#ABCD14702580369")), 0);
		for (int f = 0; f < 50 * SECONDS && dtmf_tx_run(&tx, pcm + f * n, n); f++)
			;
		assert_in_range(judge(pcm, rates[r], 0, 50 * SECONDS).over, 0, 2);
	}
}

/* Noise of any level, from the first frame on and when it starts all at once. */
static void steady_noise_is_no_speech(void **state)
{
	uint64_t seed = test_seed();

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (float rms = 5; rms < 4000; rms *= 3)
			for (int late = 0; late < 2; late++) {
				int total = rates[r] * SECONDS, start = late ? total / 3 : 0;

				memset(pcm, 0, sizeof(pcm));
				sig_add_noise(pcm + start, total - start, rms, &seed);
				/* Starting at once it may pass for a voice until the floor has
				 * risen: three frames in one of a thousand starts. */
				assert_in_range(judge(pcm, rates[r], 0, 50 * SECONDS).over, 0,
					late ? 8 : 2);
			}
}

/* Mains hum with its harmonics is as periodic as a voice; that it stays gives it away. */
static void hum_is_soon_no_speech(void **state)
{
	uint64_t seed = 8;

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (float amp = 100; amp < 5000; amp *= 4) {
			int total = rates[r] * SECONDS;

			for (int i = 0; i < total; i++) {
				float w = 2 * SIG_PI * 50 * (float)i / (float)rates[r];

				pcm[i] = (int16_t)(amp * (sinf(w) + 0.5f * sinf(2 * w) +
								 0.4f * sinf(3 * w) +
								 0.2f * sinf(7 * w)));
			}
			sig_add_noise(pcm, total, amp / 30, &seed);
			assert_int_equal(judge(pcm, rates[r], 50, 50 * SECONDS).over, 0);
		}
}

static void make_babble(int rate_hz, float rms)
{
	static int32_t sum[MAX_HZ * SECONDS];
	int total = rate_hz * SECONDS;
	double power = 0;

	memset(sum, 0, sizeof(sum));
	for (int k = 0; k < 8; k++) {
		struct sig_talker talker;

		sig_talker_init(&talker, rate_hz, 90 + 22 * (float)k, 2000, 50 + (uint64_t)k);
		sig_talker_run(&talker, pcm, total);
		for (int i = 0; i < total; i++)
			sum[i] += pcm[i];
	}
	for (int i = 0; i < total; i++)
		power += (double)sum[i] * sum[i];
	float k = rms / (float)sqrt(power / total);

	for (int i = 0; i < total; i++)
		pcm[i] = (int16_t)((float)sum[i] * k);
}

/* A room full of talkers at -58 dBov: background, though made of speech. */
static void background_babble_is_mostly_no_speech(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
		make_babble(rates[r], 40);
		struct verdict v = judge(pcm, rates[r], 0, 50 * SECONDS);

		assert_true(v.over * 10 < v.frames);
	}
}

/* Talkers from deep to high: vowels are found, in noise too, and the pauses are not speech. */
static void talkers_are_heard(void **state)
{
	uint64_t seed = 77;

	for (size_t r = 0; r < ARRAY_LEN(rates); r++)
		for (int pitch = 90; pitch <= 290; pitch += 50)
			for (int noisy = 0; noisy < 2; noisy++) {
				struct sig_talker talker;
				int n = rates[r] / 50, voice = 0, hit = 0, pause = 0, alarm = 0,
				    quiet = 0;
				int16_t frame[320];

				detector_init(rates[r]);
				sig_talker_init(
					&talker, rates[r], (float)pitch, 8000, (uint64_t)pitch);
				for (int f = 0; f < 1500; f++) {
					sig_talker_run(&talker, frame, n);
					bool is_loud = level_rms(frame, n) > 500;

					/* Some frames into a pause nothing may linger. */
					quiet = talker.is_voice ? 0 : quiet + 1;
					if (noisy)
						sig_add_noise(frame, n, 60, &seed);
					bool is_speech = detector_run(frame, n) >= ON_PROB;

					voice += is_loud;
					hit += is_loud && is_speech;
					pause += quiet > LINGER_FRAMES;
					alarm += quiet > LINGER_FRAMES && is_speech;
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
		int n = rates[r] / 50, since = 0, slow = 0, onsets = 0;
		int16_t frame[320];
		bool was = false;

		detector_init(rates[r]);
		sig_talker_init(&talker, rates[r], 130, 8000, 9);
		for (int f = 0; f < 3000; f++) {
			sig_talker_run(&talker, frame, n);
			bool is_loud = level_rms(frame, n) > 300;
			bool is_speech = detector_run(frame, n) >= ON_PROB;

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
	
			detector_init(rates[r]);
			for (int f = 0; f < 20; f++) {
				int n = (int)(prng_u32(&seed) % 2000),
				    kind = (int)(prng_u32(&seed) % 4);

				for (int i = 0; i < n; i++) {
					int odd[] = {(int16_t)prng_u32(&seed), 32767,
						-32768 + 65535 * (i & 1), i % 7};

					pcm[i] = (int16_t)odd[kind];
				}
				detector_run(pcm, n);
			}
			assert_sane();
		}
}
