/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec_impl.h"
#include "audio/g711.h"

/* The codecs without state: a byte (G.711) or two (L16) a sample. */

static int byte_samples(const uint8_t *payload, size_t n)
{
	return (int)n;
}

static int pcmu_decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	g711_ulaw_decode(ret_pcm, payload, n);

	return (int)n;
}

static int pcmu_encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	if ((size_t)n > cap)
		return -TR_ETOOBIG;
	g711_ulaw_encode(ret_payload, pcm, (size_t)n);

	return n;
}

static int pcma_decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	g711_alaw_decode(ret_pcm, payload, n);

	return (int)n;
}

static int pcma_encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	if ((size_t)n > cap)
		return -TR_ETOOBIG;
	g711_alaw_encode(ret_payload, pcm, (size_t)n);

	return n;
}

const struct codec_ops codec_pcmu_ops = {
	.payload_samples = byte_samples,
	.decode = pcmu_decode,
	.encode = pcmu_encode,
};

const struct codec_ops codec_pcma_ops = {
	.payload_samples = byte_samples,
	.decode = pcma_decode,
	.encode = pcma_encode,
};

/* RFC 3551 §4.5.11: network byte order. */
static int l16_samples(const uint8_t *payload, size_t n)
{
	return n % 2 ? -TR_EPARSE : (int)(n / 2);
}

static int l16_decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	for (size_t i = 0; i < n / 2; i++)
		ret_pcm[i] = (int16_t)(payload[2 * i] << 8 | payload[2 * i + 1]);

	return (int)(n / 2);
}

static int l16_encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	if (2 * (size_t)n > cap)
		return -TR_ETOOBIG;
	for (int i = 0; i < n; i++) {
		ret_payload[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		ret_payload[2 * i + 1] = (uint8_t)pcm[i];
	}

	return 2 * n;
}

const struct codec_ops codec_l16_ops = {
	.payload_samples = l16_samples,
	.decode = l16_decode,
	.encode = l16_encode,
};
