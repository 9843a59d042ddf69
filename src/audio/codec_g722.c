/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec_impl.h"
#include <spandsp/telephony.h>
#include <spandsp/g722.h>

/*
 * G.722 at 64 kbit/s, by spandsp (bit-exact with the ITU's). RFC 3551 §4.5.2: the RTP clock says
 * 8000 by an old mistake while there are 16000 samples a second; two samples a byte.
 */
#define BITRATE 64000

static int init(struct codec *c, const struct codec_params *params)
{
	c->encoder = g722_encode_init(NULL, BITRATE, 0);
	c->decoder = g722_decode_init(NULL, BITRATE, 0);

	return c->encoder && c->decoder ? 0 : -ENOMEM;
}

static void done(struct codec *c)
{
	if (c->encoder)
		g722_encode_free(c->encoder);
	if (c->decoder)
		g722_decode_free(c->decoder);
}

static void reset_decoder(struct codec *c)
{
	g722_decode_init(c->decoder, BITRATE, 0);
}

static int payload_samples(const uint8_t *payload, size_t n)
{
	return (int)(2 * n);
}

static int decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	return g722_decode(c->decoder, ret_pcm, payload, (int)n);
}

static int encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	if (n % 2)
		return -EINVAL;
	if ((size_t)(n / 2) > cap)
		return -TR_ETOOBIG;

	return g722_encode(c->encoder, ret_payload, pcm, n);
}

const struct codec_ops codec_g722_ops = {
	.init = init,
	.done = done,
	.reset_decoder = reset_decoder,
	.payload_samples = payload_samples,
	.decode = decode,
	.encode = encode,
};
