/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec_impl.h"
#include <opus/opus.h>

/*
 * Opus, RFC 6716 and RFC 7587, by libopus. It resamples by itself, takes mono and stereo alike (a
 * mono decoder mixes them) and conceals by itself. Its state is allocated once here.
 */
#define BITRATE     24000 /* wideband speech, transparent enough to recognise */
#define COMPLEXITY  5
#define MAX_RATE_HZ 48000

static int init(struct codec *c, const struct codec_params *params)
{
	int err_enc = OPUS_OK, err_dec = OPUS_OK;
	OpusEncoder *enc = opus_encoder_create(c->rate_hz, 1, OPUS_APPLICATION_VOIP, &err_enc);

	c->encoder = enc;
	c->decoder = opus_decoder_create(c->rate_hz, 1, &err_dec);
	if (!c->encoder || !c->decoder)
		return -ENOMEM;

	int bitrate = params->bitrate_bps ? params->bitrate_bps : BITRATE;
	int complexity = params->complexity ? params->complexity : COMPLEXITY;
	bool is_ok =
		opus_encoder_ctl(enc, OPUS_SET_BITRATE(bitrate)) == OPUS_OK &&
		opus_encoder_ctl(enc, OPUS_SET_COMPLEXITY(complexity)) == OPUS_OK &&
		opus_encoder_ctl(enc, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) == OPUS_OK &&
		opus_encoder_ctl(enc, OPUS_SET_INBAND_FEC(params->use_fec)) == OPUS_OK &&
		opus_encoder_ctl(enc, OPUS_SET_DTX(params->use_dtx)) == OPUS_OK &&
		opus_encoder_ctl(enc, OPUS_SET_PACKET_LOSS_PERC(params->loss_percent)) == OPUS_OK;

	return is_ok ? 0 : -EINVAL;
}

static void done(struct codec *c)
{
	if (c->encoder)
		opus_encoder_destroy(c->encoder);
	if (c->decoder)
		opus_decoder_destroy(c->decoder);
}

static void reset_decoder(struct codec *c)
{
	opus_decoder_ctl((OpusDecoder *)c->decoder, OPUS_RESET_STATE);
}

static int payload_samples(const uint8_t *payload, size_t n)
{
	int samples =
		opus_packet_get_nb_samples(payload, (opus_int32)n, codec_info(CODEC_OPUS)->rate_hz);

	return samples > 0 ? samples : -TR_EPARSE;
}

static int decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	int samples = opus_decode(c->decoder, payload, (opus_int32)n, ret_pcm, cap, 0);

	return samples > 0 ? samples : -TR_EPARSE;
}

static int encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	int bytes =
		opus_encode(c->encoder, pcm, n, ret_payload, (opus_int32)MIN(cap, (size_t)INT_MAX));

	if (bytes == OPUS_BAD_ARG)
		return -EINVAL;

	return bytes >= 0 ? bytes : -TR_ETOOBIG;
}

/* One call of the decoder without a packet, or with the packet after the lost one; n is whole units
 * of 2.5 ms. */
static void fill(struct codec *c, struct span next, int16_t *ret_pcm, int n)
{
	const uint8_t *bytes = (const uint8_t *)next.p;
	int done_n =
		next.n ? opus_decode(c->decoder, bytes, (opus_int32)next.n, ret_pcm, n, 1) : -1;

	if (done_n <= 0)
		done_n = opus_decode(c->decoder, NULL, 0, ret_pcm, n, 0);
	if (done_n < n) {
		done_n = MAX(done_n, 0);
		memset(ret_pcm + done_n, 0, (size_t)(n - done_n) * sizeof(*ret_pcm));
	}
}

/*
 * The decoder makes whole units of 2.5 ms only, at most 120 ms at once. A rest below a unit (nobody
 * asks for one: frames are whole milliseconds times 2.5) is cut from one made aside.
 */
static void fill_all(struct codec *c, struct span next, int16_t *ret_pcm, int n)
{
	int unit = c->rate_hz / 400, whole = n / unit * unit,
	    most = c->rate_hz / 1000 * LIMIT_PTIME_MS;
	int16_t aside[MAX_RATE_HZ / 400];

	for (int at = 0; at < whole; at += most) {
		bool is_last = at + most >= whole;

		fill(c, is_last ? next : (struct span){NULL, 0}, ret_pcm + at,
			MIN(most, whole - at));
	}
	if (whole < n) {
		fill(c, (struct span){NULL, 0}, aside, unit);
		memcpy(ret_pcm + whole, aside, (size_t)(n - whole) * sizeof(*ret_pcm));
	}
}

static void conceal(struct codec *c, int16_t *ret_pcm, int n)
{
	fill_all(c, (struct span){NULL, 0}, ret_pcm, n);
}

static void recover(struct codec *c, const uint8_t *next, size_t next_n, int16_t *ret_pcm, int n)
{
	bool is_packet = next_n > 0 && codec_payload_samples(CODEC_OPUS, next, next_n) > 0;

	fill_all(c, is_packet ? span((const char *)next, next_n) : (struct span){NULL, 0}, ret_pcm,
		n);
}

static void set_loss(struct codec *c, int percent)
{
	opus_encoder_ctl((OpusEncoder *)c->encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
}

const struct codec_ops codec_opus_ops = {
	.init = init,
	.done = done,
	.reset_decoder = reset_decoder,
	.payload_samples = payload_samples,
	.decode = decode,
	.encode = encode,
	.conceal = conceal,
	.recover = recover,
	.set_loss = set_loss,
};
