/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/describe.h"
#include "sdp/plan.h"

/* Making an answer, RFC 3264 §6. */

/* The formats of one m-line that both sides know. */
struct common {
	struct sdp_format_use all[LIMIT_SDP_RX_FORMATS]; /* in the offerer's order */
	uint8_t count;
	bool has_audio;
};

static bool we_take(const struct sdp_local *l, enum sdp_codec c)
{
	if (c == SDP_TELEPHONE_EVENT)
		return l->has_events;
	if (c == SDP_CN)
		return l->has_cn;

	return oa_is_audio(c) && oa_local_find(l, c);
}

static void find_common(const struct sdp *offer, const struct sdp_media *m,
	const struct sdp_local *l, struct common *ret)
{
	*ret = (struct common){0};
	for (unsigned i = 0; i < m->format_count && ret->count < LIMIT_SDP_RX_FORMATS; i++) {
		const struct sdp_format *f = sdp_format_at(offer, m, i);
		enum sdp_codec c = sdp_codec_of(f);

		if (!we_take(l, c))
			continue;
		ret->all[ret->count++] = plan_use(f, c);
		ret->has_audio |= oa_is_audio(c);
	}
}

/* What makes an m-line ours: formats in common, and how it is encrypted. */
struct choice {
	int at; /* index of the m-line; -1: none suits */
	struct common common;
	struct sdp_media_plan secure;
	int err; /* the last reason why one did not suit */
};

static bool suits(const struct sdp_oa *oa, const struct sdp *offer, int i, const struct sdp_local *l, struct choice *c)
{
	const struct sdp_media *m = &offer->media[i];

	if (m->kind != SDP_AUDIO || m->port == 0 || m->proto == SDP_OTHER_PROTO)
		return false;
	find_common(offer, m, l, &c->common);
	if (!c->common.has_audio)
		return false;
	c->err = l->protos >> m->proto & 1 ? secure_choose(oa, offer, (unsigned)i, l, &c->secure) : -TR_ESECURITY;

	return c->err == 0;
}

/*
 * The m-line that becomes ours: the one of the last agreement if it still suits, else the first that is encrypted, else the first.
 * 3CX offers the same stream as SAVP and as AVP and expects one of them refused.
 */
static void choose_audio(const struct sdp_oa *oa, const struct sdp *offer, const struct sdp_local *l, struct choice *c)
{
	int plain = -1;

	c->at = oa->audio;
	c->err = -TR_ENOCODEC;
	if (oa->audio >= 0 && oa->audio < offer->media_count && suits(oa, offer, oa->audio, l, c))
		return;
	for (c->at = 0; c->at < offer->media_count; c->at++) {
		if (!suits(oa, offer, c->at, l, c))
			continue;
		if (c->secure.keying != SDP_IN_CLEAR)
			return;
		if (plain < 0)
			plain = c->at;
	}
	c->at = plain;
	if (plain >= 0)
		(void)suits(oa, offer, plain, l, c);
}

/* RFC 3264 §8.2: the peer may end the stream by port 0, which is no reason to refuse its offer. */
static bool is_removal(const struct sdp_oa *oa, const struct sdp *offer)
{
	return oa->is_stable && (oa->audio < 0 || (oa->audio < offer->media_count &&
							  offer->media[oa->audio].port == 0));
}

/* "video 0 RTP/AVP 31 34" (RFC 3264 §6: the formats of a refused stream are meaningless, but one
 * has to be there). */
static char *refusal(const struct sdp *offer, const struct sdp_media *m)
{
	char text[LIMIT_SDP_REFUSED_BYTES];
	struct span format = m->format_count ? sdp_format_at(offer, m, 0)->text : SPAN_LIT("0");

	if (buf_format(text, sizeof(text), "%.*s 0 %.*s %.*s", SPAN_FMT(m->kind_text),
		    SPAN_FMT(m->proto_text), SPAN_FMT(format)))
		return NULL;

	return span_dup(span_z(text));
}

/* All m-lines but ours, as the answer has to repeat them. */
static int refuse_others(struct sdp_oa *next, const struct sdp *offer)
{
	for (int i = 0; i < LIMIT_SDP_MEDIA; i++) {
		free(next->refused[i]);
		next->refused[i] = NULL;
		if (i >= offer->media_count || i == next->audio)
			continue;
		next->refused[i] = refusal(offer, &offer->media[i]);
		if (!next->refused[i])
			return -TR_ETOOBIG;
	}

	return 0;
}

static void answer_format(struct sdp_oa *next, struct sdp_desc *d, const struct sdp_format_use *f)
{
	struct sdp_format_use ours = *f;
	const struct sdp_local_codec *l = oa_local_find(d->local, f->codec);

	for (unsigned i = 0; i < d->format_count; i++)
		if (d->formats[i].pt == f->pt ||
			(d->formats[i].codec == f->codec && d->formats[i].clock_hz == f->clock_hz))
			return; /* the same codec twice: the first is enough */
	if (l)
		ours.opus = l->opus;
	if (f->codec == SDP_TELEPHONE_EVENT)
		ours.events = f->events & OA_EVENTS;
	oa_pt_bind(next, &ours);
	d->formats[d->format_count++] = ours;
}

/* The audio codecs of the answer: the offerer's order, as RFC 3264 §6.1 wants, or ours. Its payload
 * types in either case. */
static void answer_audio(struct sdp_oa *next, struct sdp_desc *d, const struct common *c)
{
	const struct sdp_local *l = d->local;

	for (unsigned k = 0; l->is_own_order && k < l->codec_count; k++)
		for (unsigned i = 0; i < c->count; i++)
			if (c->all[i].codec == l->codecs[k].codec &&
				!(l->is_one_codec && d->format_count))
				answer_format(next, d, &c->all[i]);
	for (unsigned i = 0; i < c->count; i++)
		if (oa_is_audio(c->all[i].codec) && !(l->is_one_codec && d->format_count))
			answer_format(next, d, &c->all[i]);
}

static bool clock_is_used(const struct sdp_desc *d, uint32_t clock_hz)
{
	for (unsigned i = 0; i < d->format_count; i++)
		if (oa_is_audio(d->formats[i].codec) && d->formats[i].clock_hz == clock_hz)
			return true;

	return false;
}

/*
 * Events and comfort noise: on the clocks of the chosen codecs. Some peers offer opus with
 * telephone-event/8000 only; that one is then better than none.
 */
static void answer_others(struct sdp_oa *next, struct sdp_desc *d, const struct common *c)
{
	unsigned audio = d->format_count;

	for (unsigned i = 0; i < c->count; i++)
		if (!oa_is_audio(c->all[i].codec) && clock_is_used(d, c->all[i].clock_hz))
			answer_format(next, d, &c->all[i]);
	for (unsigned i = 0; i < c->count && d->format_count == audio; i++)
		if (c->all[i].codec == SDP_TELEPHONE_EVENT)
			answer_format(next, d, &c->all[i]);
}

/* We send the first codec of our answer. What the answer leaves out may still be in flight, so all
 * in common is received. */
static void plan_formats(struct sdp_media_plan *p, const struct sdp_desc *d, const struct common *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct sdp_format_use ours = c->all[i];
		const struct sdp_local_codec *l = oa_local_find(d->local, ours.codec);

		if (ours.pt == d->formats[0].pt)
			p->tx = ours;
		if (l)
			ours.opus = l->opus;
		plan_add_rx(p, &ours);
	}
	for (unsigned i = 0; i < d->format_count; i++) {
		if (d->formats[i].codec == SDP_TELEPHONE_EVENT)
			plan_tx_event(p, &d->formats[i]);
		else if (d->formats[i].codec == SDP_CN)
			p->tx_cn = d->formats[i];
	}
}

static int answer_with(struct sdp_oa *next, const struct sdp *offer, const struct choice *choice,
	struct sdp_desc *d, struct sdp_media_plan *p)
{
	const struct common *c = &choice->common;
	int err = refuse_others(next, offer);

	if (err || next->audio < 0)
		return err;

	const struct sdp_media *m = &offer->media[next->audio];

	answer_audio(next, d, c);
	answer_others(next, d, c);

	*p = choice->secure;
	p->has_media = true;
	d->has_ice = d->local->ice && sdp_ice_of(offer, next->audio, &p->ice);
	oa_take_mid(next, offer, m);
	p->mline = (uint8_t)next->audio;
	p->proto = m->proto;
	plan_remote(p, m, m->is_rtcp_mux && d->local->is_rtcp_mux);
	plan_dir(p, m, d->local->dir);
	plan_formats(p, d, c);
	p->ptime_ms = plan_ptime(m, d->local, p->tx.codec);
	p->maxptime_ms = m->maxptime_ms;

	d->proto = m->proto;
	d->dir = p->dir;
	d->is_rtcp_mux = p->is_rtcp_mux;
	d->ptime_ms = p->ptime_ms;
	secure_answer(next, p, d);
	oa_agree(next, p);

	return 0;
}

int sdp_oa_answer(struct sdp_oa *oa, const struct sdp *offer, const struct sdp_local *local,
	struct sdp_media_plan *ret_plan, struct sdp_body *ret_body)
{
	struct sdp_desc d = {.local = local};
	struct sdp_media_plan plan = {0};
	struct choice choice;
	struct sdp_oa next;

	if (oa->is_pending)
		return -TR_ESTATE;
	if (!oa_local_is_valid(local))
		return -TR_ECONFIG;

	choose_audio(oa, offer, local, &choice);
	if (choice.at < 0 && !is_removal(oa, offer))
		return choice.err;

	int err = sdp_oa_copy(oa, &next);

	if (err)
		return err;
	next.audio = (int8_t)choice.at;
	next.media_count = (uint8_t)offer->media_count;
	err = answer_with(&next, offer, &choice, &d, &plan);
	if (!err)
		err = sdp_describe(&next, &d, ret_body);
	if (err) {
		sdp_oa_done(&next);
		return err;
	}
	next.is_stable = true;
	oa_commit(oa, &next);
	*ret_plan = plan;

	return 0;
}
