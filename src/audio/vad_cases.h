/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "audio/dtmf_inband.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/testsig.h"
#include "audio/tone.h"

/*
 * What every detector of speech is asked about signals that are made from nothing. Who includes it has detector_init(rate_hz), detector_run(pcm, n) and
 * ON_PROB, the probability from which on it is speech.
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
