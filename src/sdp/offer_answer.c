/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/offer_answer.h"
#include "sdp/describe.h"
#include "sdp/plan.h"

/*
 * Every operation that can fail half-way works on a copy of the session and swaps it in at the end,
 * so that a refused offer leaves no trace.
 *
 * Deviations from RFC 3264, all towards leniency: an offer with fewer m-lines than before (§8
 * forbids it) is followed; an answer may lack trailing m-lines that are not ours; a dynamic payload
 * type without rtpmap in an answer means what we offered under it.
 */

void sdp_oa_init(struct sdp_oa *oa, uint64_t session_id)
{
	*oa = (struct sdp_oa){.session_id = session_id, .audio = -1, .agreed_audio = -1};
}

void sdp_oa_done(struct sdp_oa *oa)
{
	for (unsigned i = 0; i < LIMIT_SDP_MEDIA; i++) {
		free(oa->refused[i]);
		oa->refused[i] = NULL;
	}
}

int sdp_oa_copy(const struct sdp_oa *oa, struct sdp_oa *ret)
{
	struct sdp_oa copy = *oa;

	memset(copy.refused, 0, sizeof(copy.refused));
	for (unsigned i = 0; i < LIMIT_SDP_MEDIA; i++) {
		if (!oa->refused[i])
			continue;
		copy.refused[i] = span_dup(span_z(oa->refused[i]));
		if (!copy.refused[i]) {
			sdp_oa_done(&copy);
			return -ENOMEM;
		}
	}
	*ret = copy;

	return 0;
}

/* --- payload types of ours: once used in a dialog, a number keeps its meaning (RFC 3264 §8.3.2)
 * --- */

static bool pt_is_free(const struct sdp_oa *oa, const struct sdp_desc *d, unsigned pt)
{
	for (unsigned i = 0; i < d->format_count; i++)
		if (d->formats[i].pt == pt)
			return false;

	return oa->pts[pt] == SDP_CODEC_NONE;
}

static uint8_t pt_for(const struct sdp_oa *oa, const struct sdp_desc *d,
	const struct sdp_format_use *f, uint8_t wanted)
{
	const struct sdp_codec_info *info = sdp_codec_info(f->codec);

	if (info->static_pt != SDP_NO_PT)
		return info->static_pt;
	for (unsigned pt = 0; pt < 128; pt++)
		if (oa->pts[pt] == f->codec && oa->pt_khz[pt] == f->clock_hz / 1000)
			return (uint8_t)pt;
	if (wanted >= 96 && wanted < 128 && pt_is_free(oa, d, wanted))
		return wanted;
	for (unsigned pt = 96; pt < 128; pt++)
		if (pt_is_free(oa, d, pt))
			return (uint8_t)pt;
	/* 64 to 95 would look like RTCP (RFC 5761 §4). */
	for (unsigned pt = 63; pt > 35; pt--)
		if (pt_is_free(oa, d, pt))
			return (uint8_t)pt;

	return SDP_NO_PT;
}

/* --- our offer --- */

static void desc_add(struct sdp_desc *d, const struct sdp_format_use *f)
{
	if (d->format_count < LIMIT_SDP_RX_FORMATS && f->pt < 128)
		d->formats[d->format_count++] = *f;
}

static bool desc_has(const struct sdp_desc *d, enum sdp_codec c, uint32_t clock_hz)
{
	for (unsigned i = 0; i < d->format_count; i++)
		if (d->formats[i].codec == c &&
			(clock_hz == 0 || d->formats[i].clock_hz == clock_hz))
			return true;

	return false;
}

static void offer_format(
	struct sdp_oa *oa, struct sdp_desc *d, const struct sdp_local_codec *c, uint32_t clock_hz)
{
	struct sdp_format_use f = {.codec = c->codec, .clock_hz = clock_hz, .opus = c->opus};

	if (f.codec == SDP_TELEPHONE_EVENT)
		f.events = OA_EVENTS;
	f.pt = pt_for(oa, d, &f, c->pt);
	if (f.pt == SDP_NO_PT)
		return;
	oa_pt_bind(oa, &f);
	desc_add(d, &f);
}

/* RFC 3264 §5.1: the formats in order of preference; events last, on every clock of the codecs (RFC
 * 4733 §2.1). */
static void offer_formats(struct sdp_oa *oa, const struct sdp_local *l, struct sdp_desc *d)
{
	for (unsigned i = 0; i < l->codec_count; i++)
		if (oa_is_audio(l->codecs[i].codec) && !desc_has(d, l->codecs[i].codec, 0))
			offer_format(
				oa, d, &l->codecs[i], sdp_codec_info(l->codecs[i].codec)->clock_hz);

	unsigned codecs = d->format_count;

	if (l->has_cn)
		offer_format(oa, d, &(struct sdp_local_codec){.codec = SDP_CN}, 8000);
	for (unsigned i = 0; l->has_events && i < codecs; i++) {
		struct sdp_local_codec event = {.codec = SDP_TELEPHONE_EVENT, .pt = 101};
		uint32_t clock_hz = d->formats[i].clock_hz;

		if (!desc_has(d, SDP_TELEPHONE_EVENT, clock_hz))
			offer_format(oa, d, &event, clock_hz);
	}
}

/* Our m-line: the one agreed on, an audio line that had been refused (RFC 3264 §8.1 lets a slot be
 * used again), or a new one. */
static int place_audio(struct sdp_oa *oa)
{
	if (oa->audio >= 0)
		return 0;
	for (int i = 0; i < oa->media_count; i++) {
		if (oa->refused[i] && span_istarts(span_z(oa->refused[i]), "audio ")) {
			free(oa->refused[i]);
			oa->refused[i] = NULL;
			oa->audio = (int8_t)i;
			return 0;
		}
	}
	if (oa->media_count == LIMIT_SDP_MEDIA)
		return -TR_ELIMIT;
	oa->audio = (int8_t)oa->media_count++;

	return 0;
}

int sdp_oa_offer(struct sdp_oa *oa, const struct sdp_local *local, struct sdp_body *ret_body)
{
	struct sdp_desc d = {
		.local = local,
		.dir = local->dir,
		.proto = local->offer_proto,
		.is_rtcp_mux = local->is_rtcp_mux,
		.ptime_ms = local->ptime_ms ? local->ptime_ms : OA_PTIME_DEFAULT_MS,
	};
	struct sdp_oa next;

	if (oa->is_pending)
		return -TR_ESTATE;
	if (!oa_local_is_valid(local))
		return -TR_ECONFIG;

	int err = sdp_oa_copy(oa, &next);

	if (err)
		return err;
	next.agreed_audio = oa->audio;
	next.agreed_media_count = oa->media_count;

	offer_formats(&next, local, &d);
	secure_offer(&next, local, &d);
	d.has_ice = local->ice != NULL;
	next.is_ice_offered = d.has_ice;
	err = d.format_count ? place_audio(&next) : -TR_ECONFIG;
	if (!err)
		err = sdp_describe(&next, &d, ret_body);
	if (err) {
		sdp_oa_done(&next);
		return err;
	}
	next.offered = *local;
	next.offered.offer_proto = d.proto;
	next.offered.ice = NULL;
	next.is_pending = true;
	oa_commit(oa, &next);

	return 0;
}

void sdp_oa_offer_refused(struct sdp_oa *oa)
{
	if (!oa->is_pending)
		return;
	oa->is_pending = false;
	oa->audio = oa->agreed_audio;
	oa->media_count = oa->agreed_media_count;
}

/* --- reading the answer to our offer --- */

/* What a format of the answer is; without rtpmap, what we offered under its number. */
static enum sdp_codec answered_codec(const struct sdp_oa *oa, const struct sdp_format *f)
{
	enum sdp_codec c = sdp_codec_of(f);

	if (c == SDP_CODEC_NONE && f->encoding.n == 0 && f->pt != SDP_NO_PT)
		c = (enum sdp_codec)oa->pts[f->pt];

	return c;
}

static bool offered_codec(const struct sdp_oa *oa, enum sdp_codec c)
{
	if (c == SDP_TELEPHONE_EVENT)
		return oa->offered.has_events;
	if (c == SDP_CN)
		return oa->offered.has_cn;

	return oa_local_find(&oa->offered, c) != NULL;
}

/* The answerer's order rules what we send; its payload types too (RFC 3264 §7). */
static bool answered_tx(const struct sdp_oa *oa, const struct sdp *sdp, const struct sdp_media *m,
	struct sdp_media_plan *p)
{
	for (unsigned i = 0; i < m->format_count && p->tx.codec == SDP_CODEC_NONE; i++) {
		const struct sdp_format *f = sdp_format_at(sdp, m, i);
		enum sdp_codec c = answered_codec(oa, f);

		if (oa_is_audio(c) && offered_codec(oa, c))
			p->tx = plan_use(f, c);
	}
	for (unsigned i = 0; i < m->format_count; i++) {
		const struct sdp_format *f = sdp_format_at(sdp, m, i);
		enum sdp_codec c = answered_codec(oa, f);
		struct sdp_format_use use = plan_use(f, c);

		if (c == SDP_TELEPHONE_EVENT && offered_codec(oa, c))
			plan_tx_event(p, &use);
		else if (c == SDP_CN && offered_codec(oa, c))
			p->tx_cn = use;
	}

	return p->tx.codec != SDP_CODEC_NONE;
}

/*
 * We receive on the numbers of our offer (RFC 3264 §5.1), everything in it, since the answerer may
 * switch at any time. Peers that send under the numbers of their own answer are common; where those
 * do not collide they are taken too.
 */
static void answered_rx(const struct sdp_oa *oa, const struct sdp *sdp, const struct sdp_media *m,
	struct sdp_media_plan *p)
{
	for (unsigned pt = 0; pt < 128; pt++) {
		enum sdp_codec c = (enum sdp_codec)oa->pts[pt];
		const struct sdp_local_codec *l = oa_local_find(&oa->offered, c);
		struct sdp_format_use use = {
			.codec = c, .pt = (uint8_t)pt, .clock_hz = oa->pt_khz[pt] * 1000u};

		if (c == SDP_CODEC_NONE || !offered_codec(oa, c))
			continue;
		if (l)
			use.opus = l->opus;
		if (c == SDP_TELEPHONE_EVENT)
			use.events = OA_EVENTS;
		plan_add_rx(p, &use);
	}
	for (unsigned i = 0; i < m->format_count; i++) {
		const struct sdp_format *f = sdp_format_at(sdp, m, i);
		enum sdp_codec c = answered_codec(oa, f);
		struct sdp_format_use use = plan_use(f, c);

		if (c != SDP_CODEC_NONE && offered_codec(oa, c))
			plan_add_rx(p, &use);
	}
}

static int read_answer(const struct sdp_oa *oa, const struct sdp *answer, struct sdp_media_plan *p)
{
	const struct sdp_local *l = &oa->offered;

	if (oa->audio >= answer->media_count)
		return -TR_EPARSE;

	const struct sdp_media *m = &answer->media[oa->audio];

	p->mline = (uint8_t)oa->audio;
	if (m->port == 0)
		return oa->is_stable ? 0 : -TR_ENOCODEC;
	if (m->kind != SDP_AUDIO || m->proto == SDP_OTHER_PROTO)
		return -TR_ENOCODEC;

	int err = secure_read(oa, answer, m, p);

	if (err)
		return err;
	if (oa->is_ice_offered)
		(void)sdp_ice_of(answer, oa->audio, &p->ice);

	p->has_media = true;
	p->proto = m->proto;
	plan_remote(p, m, m->is_rtcp_mux && l->is_rtcp_mux);
	if (!answered_tx(oa, answer, m, p))
		return -TR_ENOCODEC;
	answered_rx(oa, answer, m, p);
	plan_dir(p, m, l->dir);
	p->ptime_ms = plan_ptime(m, l, p->tx.codec);
	p->maxptime_ms = m->maxptime_ms;

	return 0;
}

int sdp_oa_recv_answer(struct sdp_oa *oa, const struct sdp *answer, struct sdp_media_plan *ret_plan)
{
	struct sdp_media_plan plan = {0};

	if (!oa->is_pending)
		return -TR_ESTATE;

	int err = read_answer(oa, answer, &plan);

	if (err) {
		sdp_oa_offer_refused(oa);
		return err;
	}
	oa->is_pending = false;
	oa->is_stable = true;
	oa_agree(oa, &plan);
	*ret_plan = plan;

	return 0;
}
