/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec.h"
#include "audio/vad.h"
#include "audio/vad_net.h"
#include <stdio.h>

/*
 * The C half of the voice detector's training and evaluation, so that both see exactly what the daemon computes and hears.
 * A filter: records in, a record out for each of them. A record is an int32 count and so many int16 samples; out come
 *
 *	features RATE             float32, VAD_FEATURES a frame; the count is of frames
 *	run RATE                  uint8 a frame; the count is of frames
 *	embedded RATE             the same by the detector of audio/vad.h
 *	line RATE CODEC LOSS SEED int16 samples, after the codec (PCMU PCMA G722 opus) with so many percent of 20 ms packets
 *	                          lost in bursts and concealed
 *	g722                      in: an int32 count of bytes and G.722; out: int16 samples of 16 kHz
 */
enum { MOST = 16000 * 600 };

static int16_t in[MOST], out[MOST];

static bool get(void *ret, size_t n)
{
	return fread(ret, 1, n, stdin) == n;
}

static void put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n)
		exit(1);
}

/* False at the end of the input. */
static bool get_record(size_t item, int32_t *ret_n)
{
	if (!get(ret_n, sizeof(*ret_n)))
		return false;
	if (*ret_n < 0 || *ret_n > MOST || !get(in, (size_t)*ret_n * item)) {
		fprintf(stderr, "vad_tool: bad record\n");
		exit(1);
	}

	return true;
}

static void judge(int rate_hz, bool want_features)
{
	int step = rate_hz / 50;
	struct vad_net v;

	for (int32_t n; get_record(sizeof(*in), &n);) {
		int32_t frames = n / step;

		put(&frames, sizeof(frames));
		vad_net_init(&v, rate_hz);
		for (int32_t f = 0; f < frames; f++) {
			if (want_features) {
				float features[VAD_FEATURES];

				vad_gather(&v, in + f * step, step);
				vad_look(&v, features);
				put(features, sizeof(features));
			} else {
				uint8_t p = vad_net_run(&v, in + f * step, step);

				put(&p, 1);
			}
		}
	}
}

static void judge_by_embedded(int rate_hz)
{
	int step = rate_hz / 50;
	struct vad v;

	for (int32_t n; get_record(sizeof(*in), &n);) {
		int32_t frames = n / step;

		put(&frames, sizeof(frames));
		vad_init(&v, rate_hz);
		for (int32_t f = 0; f < frames; f++) {
			uint8_t p = vad_run(&v, in + f * step, step);

			put(&p, 1);
		}
	}
}

/* Two states, as networks lose: a burst goes on with probability one half. */
static bool is_lost(bool was, double loss, uint64_t *seed)
{
	double p = was ? 0.5 : 0.5 * loss / (1 - loss);

	return prng_u32(seed) < p * 4294967295.0;
}

static void line(int rate_hz, const char *name, double loss, uint64_t seed)
{
	enum codec_id id;
	int step = rate_hz / 50;
	struct codec *c;

	if (!codec_find(span_z(name), strcmp(name, "opus") ? 8000 : 48000, &id)) {
		fprintf(stderr, "vad_tool: no codec %s\n", name);
		exit(1);
	}
	for (int32_t n; get_record(sizeof(*in), &n);) {
		bool lost = false;

		if (codec_new(id, &(struct codec_params){.rate_hz = rate_hz}, &c)) {
			fprintf(stderr, "vad_tool: %s not at %d Hz\n", name, rate_hz);
			exit(1);
		}
		memset(out, 0, (size_t)n * sizeof(*out));
		for (int32_t at = 0; at + step <= n; at += step) {
			uint8_t payload[1500];
			int len = codec_encode(c, in + at, step, payload, sizeof(payload));

			lost = is_lost(lost, loss, &seed);
			if (lost)
				codec_conceal(c, out + at, step);
			else if (codec_decode(c, payload, (size_t)MAX(len, 0), out + at, step) != step)
				exit(1);
		}
		codec_free(c);
		put(&n, sizeof(n));
		put(out, (size_t)n * sizeof(*out));
	}
}

static void decode_g722(void)
{
	struct codec *c;

	for (int32_t n; get_record(1, &n);) {
		int32_t samples = 0;

		if (codec_new(CODEC_G722, NULL, &c))
			exit(1);
		for (int32_t at = 0; at < n; at += 160)
			samples += codec_decode(c, (const uint8_t *)in + at, (size_t)MIN(160, n - at), out + samples, MOST - samples);
		codec_free(c);
		put(&samples, sizeof(samples));
		put(out, (size_t)samples * sizeof(*out));
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "features") && argc == 3)
		judge(atoi(argv[2]), true);
	else if (!strcmp(mode, "run") && argc == 3)
		judge(atoi(argv[2]), false);
	else if (!strcmp(mode, "embedded") && argc == 3)
		judge_by_embedded(atoi(argv[2]));
	else if (!strcmp(mode, "line") && argc == 6)
		line(atoi(argv[2]), argv[3], atof(argv[4]) / 100, (uint64_t)atoll(argv[5]));
	else if (!strcmp(mode, "g722"))
		decode_g722();
	else
		return fprintf(stderr, "usage: vad_tool features RATE | run RATE | embedded RATE | line RATE CODEC LOSS SEED | g722\n"), 2;

	return 0;
}
