/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/cn.h"
#include "audio/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MAX_SAMPLES 5760 /* 120 ms at 48 kHz */

static const struct {
	enum codec_id id;
	int rate_hz;
} streams[] = {
	{CODEC_PCMU, 8000},
	{CODEC_PCMA, 8000},
	{CODEC_G722, 16000},
	{CODEC_L16, 16000},
	{CODEC_L16, 8000},
	{CODEC_OPUS, 8000},
	{CODEC_OPUS, 16000},
	{CODEC_OPUS, 48000},
};

/* One decoded payload: never more samples than there is room for, and none beyond what the payload
 * promised. */
static void decode(struct codec *c, const uint8_t *payload, size_t n, int cap)
{
	int16_t *pcm = malloc((size_t)cap * sizeof(*pcm) +
			      1); /* exact, so that the sanitizer sees one too many */
	int promised = codec_payload_samples(codec_id(c), payload, n);
	int got = codec_decode(c, payload, n, pcm, cap);

	assert(got <= cap && got != 0);
	assert(promised > 0 || got < 0);
	free(pcm);
}

static void conceal(struct codec *c, const uint8_t *next, size_t next_n, int n)
{
	int16_t *pcm = malloc((size_t)n * sizeof(*pcm) + 1);

	if (next)
		codec_recover(c, next, next_n, pcm, n);
	else
		codec_conceal(c, pcm, n);
	free(pcm);
}

static void noise(const uint8_t *payload, size_t n)
{
	int16_t pcm[160];
	struct cn cn;

	cn_init(&cn, 1);
	if (cn_decode(&cn, payload, n) == 0)
		for (int f = 0; f < 4; f++)
			cn_run(&cn, pcm, 160);
}

/*
 * A stream: the first byte picks codec and rate; then records of operation, length and bytes, so
 * that what one payload leaves behind in the decoder meets the next one, a gap, or the end of one.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct codec *c;

	if (n < 1)
		return 0;

	int which = data[0] % (int)ARRAY_LEN(streams);
	struct codec_params params = {.rate_hz = streams[which].rate_hz};

	if (codec_new(streams[which].id, &params, &c) < 0)
		return 0;
	for (size_t at = 1; n - at >= 2;) {
		uint8_t op = data[at], len = data[at + 1];
		size_t m = MIN((size_t)len, n - at - 2);
		const uint8_t *bytes = data + at + 2;
		int gap = 1 + (op >> 3) * codec_rate_hz(c) / 400 + (op >> 3 & 1);

		at += 2 + m;
		switch (op & 7) {
		case 0:
			conceal(c, NULL, 0, gap);
			break;
		case 1:
			conceal(c, bytes, m, gap);
			break;
		case 2:
			codec_reset_decoder(c);
			break;
		case 3:
			decode(c, bytes, m, op);
			break;
		case 4:
			noise(bytes, m);
			break;
		default:
			decode(c, bytes, m, MAX_SAMPLES);
			break;
		}
	}
	codec_free(c);

	return 0;
}
