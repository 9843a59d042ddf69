/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/codec.h"
#include "audio/testsig.h"
#include "audio/tone.h"

static void the_table_says_what_the_standards_say(void **state)
{
	/* RFC 3551 §6: static types; RFC 3551 §4.5.2: G.722's clock; RFC 7587 §4.1: Opus' clock. */
	assert_int_equal(codec_info(CODEC_PCMU)->static_pt, 0);
	assert_int_equal(codec_info(CODEC_PCMA)->static_pt, 8);
	assert_int_equal(codec_info(CODEC_G722)->static_pt, 9);
	assert_int_equal(codec_info(CODEC_G722)->rtp_hz, 8000);
	assert_int_equal(codec_info(CODEC_G722)->rate_hz, 16000);
	assert_int_equal(codec_info(CODEC_OPUS)->rtp_hz, 48000);
	assert_int_equal(codec_info(CODEC_OPUS)->static_pt, -1);

	enum codec_id id = CODEC_COUNT;
	assert_true(codec_find(SPAN_LIT("pcmu"), 8000, &id));
	assert_int_equal(id, CODEC_PCMU);
	assert_true(codec_find(SPAN_LIT("OPUS"), 48000, &id));
	assert_int_equal(id, CODEC_OPUS);
	assert_false(codec_find(SPAN_LIT("G722"), 16000, &id));
	assert_false(codec_find(SPAN_LIT("G729"), 8000, &id));
	assert_int_equal(id, CODEC_OPUS);
}

/* A second of signal through encoder and decoder in 20 ms packets. Returns the samples. */
static int pass(struct codec *c, const int16_t *in, int16_t *out, int seconds_50)
{
	int frame = codec_rate_hz(c) / 50;
	uint8_t payload[1500];

	for (int f = 0; f < seconds_50; f++) {
		int bytes = codec_encode(c, in + f * frame, frame, payload, sizeof(payload));

		assert_true(bytes > 0);
		if (codec_id(c) != CODEC_L16)
			assert_true(bytes <= 400);
		assert_int_equal(
			codec_decode(c, payload, (size_t)bytes, out + f * frame, frame), frame);
	}

	return seconds_50 * frame;
}

static void a_tone_comes_through_every_codec(void **state)
{
	static const struct {
		enum codec_id id;
		int rate_hz;
		float hz, min_snr;
	} cases[] = {
		{CODEC_PCMU, 0, 1004, 35},
		{CODEC_PCMA, 0, 1004, 35},
		{CODEC_L16, 8000, 1004, 80},
		{CODEC_L16, 16000, 5000, 80},
		{CODEC_G722, 0, 1004, 22},
		{CODEC_G722, 0, 5000, 15},
		{CODEC_OPUS, 0, 1004, 12},
		{CODEC_OPUS, 8000, 1004, 12},
		{CODEC_OPUS, 24000, 1004, 12},
		{CODEC_OPUS, 48000, 1004, 12},
	};
	static int16_t in[48000], out[48000];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct codec_params params = {.rate_hz = cases[i].rate_hz};
		struct codec *c;
		float phase = 0;

		assert_int_equal(codec_new(cases[i].id, &params, &c), 0);
		sig_sine(in, codec_rate_hz(c), codec_rate_hz(c), cases[i].hz, 8000, &phase);
		int n = pass(c, in, out, 50), settled = n / 4;
		float snr = sig_snr_delayed(
			in + settled, out + settled, n - settled, codec_rate_hz(c) / 50, NULL);

		assert_true(snr >= cases[i].min_snr);
		assert_true(tone_share(out + settled, n - settled, codec_rate_hz(c), cases[i].hz) >
			    0.9f);
		codec_free(c);
	}
}

/* The state runs on: packets of 10, 20 and 30 ms of one stream decode to the same samples. */
static void packet_sizes_do_not_change_the_audio(void **state)
{
	static const enum codec_id ids[] = {CODEC_PCMU, CODEC_PCMA, CODEC_G722};
	static int16_t in[9600], out[2][9600];
	uint8_t payload[1500];

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		for (int pass_no = 0; pass_no < 2; pass_no++) {
			struct codec *c;
			struct sig_talker talker;

			assert_int_equal(codec_new(ids[k], NULL, &c), 0);
			sig_talker_init(&talker, codec_rate_hz(c), 120, 6000, 7);
			sig_talker_run(&talker, in, 4800);
			for (int at = 0, turn = 0; at < 4800; turn++) {
				int n = MIN(pass_no ? codec_rate_hz(c) / 100 * (1 + turn % 3)
						    : codec_rate_hz(c) / 50,
					4800 - at);
				int bytes = codec_encode(c, in + at, n, payload, sizeof(payload));

				assert_int_equal(
					codec_payload_samples(ids[k], payload, (size_t)bytes), n);
				assert_int_equal(codec_decode(c, payload, (size_t)bytes,
							 out[pass_no] + at, n),
					n);
				at += n;
			}
			codec_free(c);
		}
		assert_memory_equal(out[0], out[1], 4800 * sizeof(int16_t));
	}
}

/* Loss in the middle of a tone: concealed audio keeps level and frequency, and nothing clicks. */
static void a_lost_packet_is_concealed_by_every_codec(void **state)
{
	for (int id = 0; id < CODEC_COUNT; id++) {
		static int16_t in[16000], out[16000];
		struct codec *c;
		uint8_t payload[1500];
		float phase = 0;

		assert_int_equal(codec_new((enum codec_id)id, NULL, &c), 0);
		int rate = codec_rate_hz(c), frame = rate / 50;
		sig_sine(in, rate, rate, 400, 8000, &phase);
		for (int f = 0; f < 50; f++) {
			int bytes =
				codec_encode(c, in + f * frame, frame, payload, sizeof(payload));

			if (f == 25)
				codec_conceal(c, out + f * frame, frame);
			else
				assert_int_equal(codec_decode(c, payload, (size_t)bytes,
							 out + f * frame, frame),
					frame);
		}
		/* Opus' concealment is made for speech and lets a tone fade sooner than ours. */
		assert_true(tone_share(out + 25 * frame, frame, rate, 400) >
			    (id == CODEC_OPUS ? 0.5f : 0.98f));
		assert_true(tone_amplitude(out + 25 * frame, frame, rate, 400) >
			    (id == CODEC_OPUS ? 2500 : 7500));
		/* A hard gap in this tone would make a step of thousands. */
		int clean = (int)(8000 * 0.3142f * 0.3142f * (8000.0f / (float)rate) *
				  (8000.0f / (float)rate));
		assert_true(sig_roughness(out + 20 * frame, 20 * frame) < 2 * clean + 400);
		codec_free(c);
	}
}

static float lost_frame_snr(bool use_fec, bool recover)
{
	static int16_t in[32000], out[32000];
	struct codec_params params = {.use_fec = use_fec, .loss_percent = 20};
	struct sig_talker talker;
	struct codec *c;
	uint8_t payload[2][500];
	int bytes[2] = {0};
	double signal = 0, noise = 1;

	assert_int_equal(codec_new(CODEC_OPUS, &params, &c), 0);
	sig_talker_init(&talker, 16000, 120, 8000, 3);
	sig_talker_run(&talker, in, 32000);
	/* Decoding runs one packet behind, so that the next is at hand when one is lost. Every
	 * fifth is. */
	for (int f = 0; f < 100; f++) {
		bytes[f % 2] =
			codec_encode(c, in + f * 320, 320, payload[f % 2], sizeof(payload[0]));
		if (f == 0)
			continue;

		int lost = (f - 1) % 5 == 4, k = (f - 1) % 2;

		if (lost && recover)
			codec_recover(c, payload[!k], (size_t)bytes[!k], out + (f - 1) * 320, 320);
		else if (lost)
			codec_conceal(c, out + (f - 1) * 320, 320);
		else
			assert_int_equal(codec_decode(c, payload[k], (size_t)bytes[k],
						 out + (f - 1) * 320, 320),
				320);
	}
	/* Spectral distance on the lost frames, over bands: phases of a parametric codec prove
	 * nothing. */
	for (int f = 14; f < 98; f += 5)
		for (float hz = 200; hz < 3500; hz += 100) {
			float a = tone_amplitude(in + f * 320 - 104, 320, 16000, hz),
			      b = tone_amplitude(out + f * 320, 320, 16000, hz);

			signal += (double)a * a;
			noise += (double)(a - b) * (a - b);
		}
	codec_free(c);

	return (float)(10 * log10(signal / noise));
}

/* RFC 6716 §2.1.7: the packet after a lost one carries it again, coarser. */
static void opus_fec_beats_concealment(void **state)
{
	float concealed = lost_frame_snr(true, false), recovered = lost_frame_snr(true, true);

	assert_true(recovered > concealed + 1);
	assert_true(lost_frame_snr(false, true) <
		    recovered); /* without FEC in it, recovering is concealing */
}

static void opus_stops_sending_in_silence_with_dtx(void **state)
{
	struct codec_params params = {.use_dtx = true};
	static const int16_t silence[320];
	struct codec *c;
	uint8_t payload[400];
	int sent = 0;

	assert_int_equal(codec_new(CODEC_OPUS, &params, &c), 0);
	for (int f = 0; f < 100; f++)
		sent += codec_encode(c, silence, 320, payload, sizeof(payload)) > 2;
	assert_in_range(sent, 1, 30);
	codec_free(c);
}

static void bad_input_is_refused(void **state)
{
	int16_t pcm[5760] = {0};
	uint8_t payload[1500] = {0};
	struct codec *c = NULL;

	assert_int_equal(
		codec_new(CODEC_PCMU, &(struct codec_params){.rate_hz = 16000}, &c), -EINVAL);
	assert_int_equal(
		codec_new(CODEC_OPUS, &(struct codec_params){.rate_hz = 11025}, &c), -EINVAL);
	assert_int_equal(
		codec_new(CODEC_OPUS, &(struct codec_params){.complexity = 99}, &c), -EINVAL);
	assert_null(c);
	assert_null(codec_free(NULL));

	for (int id = 0; id < CODEC_COUNT; id++) {
		assert_int_equal(codec_new((enum codec_id)id, NULL, &c), 0);
		assert_int_equal(codec_decode(c, payload, 0, pcm, 5760), -TR_EPARSE);
		assert_int_equal(codec_encode(c, pcm, 0, payload, 1500), -EINVAL);
		if (id != CODEC_OPUS) {
			assert_int_equal(codec_decode(c, payload, 160, pcm, 79), -TR_ETOOBIG);
			assert_int_equal(codec_encode(c, pcm, 320, payload, 20), -TR_ETOOBIG);
		}
		codec_free(c);
	}

	/* Opus: 48 frames of 2.5 ms is the most (RFC 6716 §3.2.5); code 3 with a count of 63. */
	assert_int_equal(codec_new(CODEC_OPUS, NULL, &c), 0);
	payload[0] = 0x03;
	payload[1] = 0x3f;
	assert_int_equal(codec_decode(c, payload, 100, pcm, 5760), -TR_EPARSE);
	assert_int_equal(codec_encode(c, pcm, 123, payload, 1500), -EINVAL);
	assert_true(codec_encode(c, pcm, 320, payload, 1500) > 0);
	assert_int_equal(codec_decode(c, payload, 50, pcm, 100), -TR_ETOOBIG);
	codec_free(c);

	assert_int_equal(codec_payload_samples(CODEC_L16, payload, 3), -TR_EPARSE);
}

/* A reset decoder behaves as a new one: a source change leaves no trace. */
static void a_reset_decoder_is_as_new(void **state)
{
	for (int id = 0; id < CODEC_COUNT; id++) {
		static int16_t in[320], a[320], b[320];
		struct codec *used, *fresh;
		uint8_t payload[1500];
		float phase = 0;

		assert_int_equal(codec_new((enum codec_id)id, NULL, &used), 0);
		assert_int_equal(codec_new((enum codec_id)id, NULL, &fresh), 0);
		int frame = codec_rate_hz(used) / 50;
		sig_sine(in, frame, codec_rate_hz(used), 700, 9000, &phase);
		int bytes = codec_encode(used, in, frame, payload, sizeof(payload));

		for (int f = 0; f < 5; f++)
			assert_int_equal(codec_decode(used, payload, (size_t)bytes, a, 320), frame);
		codec_conceal(used, a, frame);
		codec_reset_decoder(used);
		assert_int_equal(codec_decode(used, payload, (size_t)bytes, a, 320), frame);
		assert_int_equal(codec_decode(fresh, payload, (size_t)bytes, b, 320), frame);
		assert_memory_equal(a, b, (size_t)frame * sizeof(*a));
		codec_free(used);
		codec_free(fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_says_what_the_standards_say),
		cmocka_unit_test(a_tone_comes_through_every_codec),
		cmocka_unit_test(packet_sizes_do_not_change_the_audio),
		cmocka_unit_test(a_lost_packet_is_concealed_by_every_codec),
		cmocka_unit_test(opus_fec_beats_concealment),
		cmocka_unit_test(opus_stops_sending_in_silence_with_dtx),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(a_reset_decoder_is_as_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
