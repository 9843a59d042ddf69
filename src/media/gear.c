/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

static int codec_wish_hz(enum codec_id id)
{
	return codec_info(id)->rate_hz > 8000 ? 16000 : 8000;
}

int media_plan_rate_hz(const struct media_plan *plan)
{
	return codec_wish_hz(plan->tx.id);
}

static void gear_free(struct junk *j)
{
	struct gear *g = container_of(j, struct gear, junk);

	for (size_t i = 0; i < ARRAY_LEN(g->codecs); i++)
		codec_free(g->codecs[i]);
	for (size_t i = 0; i < ARRAY_LEN(g->to_rate); i++)
		resample_free(g->to_rate[i]);
	resample_free(g->from_rate);
	inband_free(g->inband);
	srtp_free(g->seal);
	srtp_free(g->open);
	srtp_free(g->open_before);
	free(g);
}

static bool is_same_codec(const struct media_codec *a, const struct media_codec *b)
{
	return a->id == b->id && a->opus.bitrate_bps == b->opus.bitrate_bps && a->opus.use_fec == b->opus.use_fec &&
		a->opus.use_dtx == b->opus.use_dtx && a->opus.complexity == b->opus.complexity;
}

/* A re-INVITE mostly changes addresses and direction only: then decoders and encoder go on without a seam. */
static bool is_same_codecs(const struct media_plan *a, const struct media_plan *b)
{
	if (a->n_rx != b->n_rx || !is_same_codec(&a->tx, &b->tx))
		return false;
	for (int i = 0; i < a->n_rx; i++)
		if (!is_same_codec(&a->rx[i], &b->rx[i]))
			return false;

	return true;
}

static int make_codec(struct gear *g, int at, const struct media_codec *m)
{
	struct codec_params params = m->opus;

	/* Opus resamples inside; L16 is sent at the rate of its clock. */
	params.rate_hz = m->id == CODEC_OPUS ? g->rate_hz : 0;

	return codec_new(m->id, &params, &g->codecs[at]);
}

static int make_codecs(struct gear *g)
{
	const struct media_plan *plan = &g->plan;
	int tx_at = MEDIA_MAX_CODECS;
	int err = 0;

	for (int i = 0; i < plan->n_rx && !err; i++) {
		err = make_codec(g, i, &plan->rx[i]);
		if (!err && codec_rate_hz(g->codecs[i]) != g->rate_hz)
			err = resample_new(codec_rate_hz(g->codecs[i]), g->rate_hz, &g->to_rate[i]);
		if (tx_at == MEDIA_MAX_CODECS && is_same_codec(&plan->rx[i], &plan->tx))
			tx_at = i;
	}
	if (!err && tx_at == MEDIA_MAX_CODECS)
		err = make_codec(g, tx_at, &plan->tx);
	if (err)
		return err;

	g->tx = g->codecs[tx_at];
	if (codec_rate_hz(g->tx) != g->rate_hz)
		err = resample_new(g->rate_hz, codec_rate_hz(g->tx), &g->from_rate);

	return err;
}

static bool is_plan_ours(const struct media_plan *p)
{
	if (p->n_rx == 0 || p->n_rx > MEDIA_MAX_CODECS || p->n_dtmf_rx > MEDIA_MAX_DTMF_PTS)
		return false;
	if ((unsigned)p->tx.id >= CODEC_COUNT)
		return false;
	for (int i = 0; i < p->n_rx; i++)
		if ((unsigned)p->rx[i].id >= CODEC_COUNT)
			return false;

	return true;
}

int gear_find_codec(const struct media_plan *plan, uint8_t pt)
{
	for (int i = 0; i < plan->n_rx; i++)
		if (plan->rx[i].pt == pt)
			return i;

	return -1;
}

/* The contexts of SRTP; keys themselves do not stay in the gear. */
static int make_srtp(struct gear *g, const struct media_plan *plan, const struct media_plan *before)
{
	int err = 0;

	g->is_secure = plan->tx_key.suite != SRTP_NONE;
	g->plan.tx_key = g->plan.rx_key = (struct srtp_key){0};
	if (!g->is_secure)
		return plan->rx_key.suite == SRTP_NONE ? 0 : -TR_ESECURITY;
	if (plan->rx_key.suite == SRTP_NONE)
		return -TR_ESECURITY;

	g->keeps_seal = before && srtp_key_eq(&plan->tx_key, &before->tx_key);
	g->keeps_open = before && srtp_key_eq(&plan->rx_key, &before->rx_key);
	if (!g->keeps_seal)
		err = srtp_new(&g->seal, &plan->tx_key, true);
	if (!err && !g->keeps_open)
		err = srtp_new(&g->open, &plan->rx_key, false);

	return err;
}

int gear_new(const struct media_plan *plan, const struct media_plan *before, const struct route *route, struct gear **ret)
{
	if (!is_plan_ours(plan))
		return -TR_ENOCODEC;

	struct gear *g = calloc(1, sizeof(*g));
	int err = 0;

	if (!g)
		return -ENOMEM;

	g->junk.free = gear_free;
	g->plan = *plan;
	g->plan.transport = NULL;
	g->route = *route;
	if (g->plan.tx.ptime_ms == 0 || g->plan.tx.ptime_ms > 60)
		g->plan.tx.ptime_ms = MEDIA_FRAME_MS;
	g->rate_hz = media_plan_rate_hz(plan);
	g->keeps_codecs = before && is_same_codecs(plan, before);
	if (!g->keeps_codecs)
		err = make_codecs(g);
	if (!err)
		err = make_srtp(g, plan, before);

	bool is_detecting = plan->detects_inband || plan->n_dtmf_rx == 0;

	if (!err) {
		g->inband = inband_new(g->rate_hz, is_detecting);
		err = g->inband ? 0 : -ENOMEM;
	}
	if (err) {
		gear_free(&g->junk);
		return err == -EINVAL ? -TR_ENOCODEC : err;
	}
	*ret = g;

	return 0;
}

static void take_codecs(struct gear *g, struct gear *from)
{
	memcpy(g->codecs, from->codecs, sizeof(g->codecs));
	memcpy(g->to_rate, from->to_rate, sizeof(g->to_rate));
	g->from_rate = from->from_rate;
	g->tx = from->tx;
	memset(from->codecs, 0, sizeof(from->codecs));
	memset(from->to_rate, 0, sizeof(from->to_rate));
	from->from_rate = NULL;
	from->tx = NULL;
}

static struct srtp *take(struct srtp **from)
{
	struct srtp *s = *from;

	*from = NULL;

	return s;
}

static void take_srtp(struct gear *g, struct gear *from, int64_t now_us)
{
	if (g->keeps_seal)
		g->seal = take(&from->seal);
	if (g->keeps_open) {
		g->open = take(&from->open);
		g->open_before = take(&from->open_before);
		g->open_before_until_us = from->open_before_until_us;
	} else if (g->is_secure && from->open) {
		g->open_before = take(&from->open);
		g->open_before_until_us = now_us + OLD_KEY_US;
		srtp_follow(g->open, g->open_before);
	}
}

void gear_take_over(struct gear *g, struct gear *from, int64_t now_us)
{
	take_srtp(g, from, now_us);
	if (g->keeps_codecs)
		take_codecs(g, from);
	if (g->inband && from->inband && g->rate_hz == from->rate_hz) {
		struct inband *fresh = g->inband;

		/* A key that is held down through a re-INVITE is one press, and digits that wait are still sent. */
		inband_set_detecting(from->inband, inband_is_detecting(fresh));
		g->inband = from->inband;
		from->inband = fresh;
	}
}
