/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec.h"
#include "audio/codec_impl.h"

static const struct codec_info infos[CODEC_COUNT] = {
	/*		name    RTP    PCM    PT ch ptime max */
	[CODEC_PCMU] = {"PCMU", 8000, 8000, 0, 1, 20, LIMIT_PTIME_MS},
	[CODEC_PCMA] = {"PCMA", 8000, 8000, 8, 1, 20, LIMIT_PTIME_MS},
	[CODEC_G722] = {"G722", 8000, 16000, 9, 1, 20, LIMIT_PTIME_MS},
	[CODEC_OPUS] = {"opus", 48000, 16000, -1, 2, 20, LIMIT_PTIME_MS},
	[CODEC_L16] = {"L16", 16000, 16000, -1, 1, 20, 40},
};

static const struct codec_ops *const all_ops[CODEC_COUNT] = {
	[CODEC_PCMU] = &codec_pcmu_ops,
	[CODEC_PCMA] = &codec_pcma_ops,
	[CODEC_G722] = &codec_g722_ops,
	[CODEC_OPUS] = &codec_opus_ops,
	[CODEC_L16] = &codec_l16_ops,
};

const struct codec_info *codec_info(enum codec_id id)
{
	assert(id >= 0 && id < CODEC_COUNT);

	return &infos[id];
}

bool codec_find(struct span name, uint32_t rtp_hz, enum codec_id *ret_id)
{
	for (int id = 0; id < CODEC_COUNT; id++) {
		bool is_rate = infos[id].rtp_hz == rtp_hz || (id == CODEC_L16 && rtp_hz == 8000);

		if (is_rate && span_ieq_z(name, infos[id].name)) {
			*ret_id = (enum codec_id)id;
			return true;
		}
	}

	return false;
}

static bool has_rate(enum codec_id id, int rate_hz)
{
	switch (id) {
	case CODEC_OPUS:
		return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 24000 || rate_hz == 48000;
	case CODEC_L16:
		return rate_hz == 8000 || rate_hz == 16000;
	default:
		return rate_hz == infos[id].rate_hz;
	}
}

int codec_new(enum codec_id id, const struct codec_params *params, struct codec **ret)
{
	static const struct codec_params defaults;
	int err = 0;

	assert(id >= 0 && id < CODEC_COUNT);
	params = params ? params : &defaults;

	int rate_hz = params->rate_hz ? params->rate_hz : infos[id].rate_hz;

	if (!has_rate(id, rate_hz))
		return -EINVAL;

	struct codec *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->id = id;
	c->rate_hz = rate_hz;
	c->ops = all_ops[id];
	if (!c->ops->conceal)
		plc_init(&c->plc, rate_hz);
	if (c->ops->init)
		err = c->ops->init(c, params);
	if (err) {
		codec_free(c);
		return err;
	}
	*ret = c;

	return 0;
}

struct codec *codec_free(struct codec *c)
{
	if (c && c->ops->done)
		c->ops->done(c);
	free(c);

	return NULL;
}

enum codec_id codec_id(const struct codec *c)
{
	return c->id;
}

int codec_rate_hz(const struct codec *c)
{
	return c->rate_hz;
}

int codec_payload_samples(enum codec_id id, const uint8_t *payload, size_t n)
{
	assert(id >= 0 && id < CODEC_COUNT);
	if (n == 0 || n > INT_MAX / 8)
		return -TR_EPARSE;

	return all_ops[id]->payload_samples(payload, n);
}

int codec_decode(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap)
{
	int samples = codec_payload_samples(c->id, payload, n);

	if (samples < 0)
		return samples;
	if ((int64_t)samples * c->rate_hz >
		(int64_t)cap * (c->id == CODEC_L16 ? c->rate_hz : infos[c->id].rate_hz))
		return -TR_ETOOBIG;

	samples = c->ops->decode(c, payload, n, ret_pcm, cap);
	if (samples > 0 && !c->ops->conceal)
		plc_good(&c->plc, ret_pcm, samples);

	return samples;
}

void codec_conceal(struct codec *c, int16_t *ret_pcm, int n)
{
	if (c->ops->conceal)
		c->ops->conceal(c, ret_pcm, n);
	else
		plc_conceal(&c->plc, ret_pcm, n);
}

void codec_recover(struct codec *c, const uint8_t *next, size_t next_n, int16_t *ret_pcm, int n)
{
	if (c->ops->recover)
		c->ops->recover(c, next, next_n, ret_pcm, n);
	else
		codec_conceal(c, ret_pcm, n);
}

int codec_encode(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap)
{
	return n > 0 ? c->ops->encode(c, pcm, n, ret_payload, cap) : -EINVAL;
}

void codec_set_loss(struct codec *c, int percent)
{
	if (c->ops->set_loss)
		c->ops->set_loss(c, CLAMP(percent, 0, 100));
}

void codec_reset_decoder(struct codec *c)
{
	if (!c->ops->conceal)
		plc_init(&c->plc, c->rate_hz);
	if (c->ops->reset_decoder)
		c->ops->reset_decoder(c);
}
