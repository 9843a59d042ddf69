/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/offer_answer.h"

/*
 * The first byte chooses what the local side wants; the rest is a SIP body (plain or multipart), read as an offer, as an answer to an
 * offer of ours, and as a second offer in an agreed session.
 */

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool is_inside(struct span part, struct span whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_parsed(const struct sdp *sdp, struct span text)
{
	unsigned formats = 0;

	check(sdp->media_count <= LIMIT_SDP_MEDIA && sdp->attr_count <= LIMIT_SDP_ATTRS);
	for (unsigned i = 0; i < sdp->media_count; i++) {
		const struct sdp_media *m = &sdp->media[i];

		check(m->first_format == formats && m->format_count <= LIMIT_SDP_FORMATS);
		check(m->port == 0 || m->format_count > 0);
		formats += m->format_count;
		for (unsigned k = 0; k < m->format_count; k++)
			check(is_inside(sdp_format_at(sdp, m, k)->encoding, text));
	}
	check(formats == sdp->format_count);
	for (unsigned i = 0; i < sdp->attr_count; i++)
		check(is_inside(sdp->attrs[i].value, text) && sdp->attrs[i].media < (int)sdp->media_count);
}

static void check_plan(const struct sdp_media_plan *p, const struct sdp *remote)
{
	if (!p->has_media)
		return;
	check(p->mline < remote->media_count && remote->media[p->mline].port != 0);
	check(p->tx.codec != SDP_CODEC_NONE && p->tx.pt < 128 && p->rx_count > 0);
	check(p->ptime_ms >= 10 && p->ptime_ms <= LIMIT_PTIME_MS && p->ptime_ms % 10 == 0);
	check(!p->is_old_hold || !(p->dir & SDP_SENDONLY));
	check((p->dir & ~sdp_dir_reverse(remote->media[p->mline].dir)) == 0);
}

/* What we write must read back, with the same m-lines in the same order. */
static void check_body(const struct sdp_body *b, const struct sdp *offer)
{
	static struct sdp own;
	struct sdp_error error;

	check(sdp_parse(sdp_body_span(b), &own, &error) == 0);
	if (!offer)
		return;
	check(own.media_count == offer->media_count);
	for (unsigned i = 0; i < own.media_count; i++) {
		check(span_ieq(own.media[i].kind_text, offer->media[i].kind_text));
		check(own.media[i].proto == offer->media[i].proto);
		check(own.media[i].port == 0 || offer->media[i].port != 0);
	}
}

static void fill_local(struct sdp_local *l, uint8_t choice)
{
	*l = (struct sdp_local){
		.dir = (enum sdp_dir)(choice & 3),
		.protos = choice & 4 ? 0x3f : 1,
		.is_own_order = choice & 8,
		.is_one_codec = choice & 16,
		.is_rtcp_mux = choice & 32,
		.has_events = true,
		.has_cn = choice & 64,
		.codec_count = 5,
		.codecs = {{.codec = SDP_PCMA}, {.codec = SDP_OPUS}, {.codec = SDP_G722}, {.codec = SDP_PCMU}, {.codec = SDP_L16}},
	};
	check(addr_parse(SPAN_LIT("192.0.2.1:4000"), 0, &l->rtp));
}

static void play(const struct sdp *remote, const struct sdp_local *l)
{
	struct sdp_media_plan plan;
	struct sdp_body body;
	struct sdp_oa oa, copy;

	sdp_oa_init(&oa, 1);
	for (unsigned i = 0; i < 2; i++) {
		if (sdp_oa_answer(&oa, remote, l, &plan, &body) == 0) {
			check_plan(&plan, remote);
			check_body(&body, remote);
		}
	}
	check(oa.version <= 1); /* the same twice */
	if (sdp_oa_offer(&oa, l, &body) == 0) {
		check_body(&body, NULL);
		check(sdp_oa_copy(&oa, &copy) == 0);
		if (sdp_oa_recv_answer(&copy, remote, &plan) == 0)
			check_plan(&plan, remote);
		sdp_oa_done(&copy);
	}
	sdp_oa_done(&oa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sdp sdp;
	struct sdp_error error = {0};
	struct sdp_local local;

	if (size < 1)
		return 0;

	struct span body = span((const char *)data + 1, size - 1), text = body;
	struct span type = data[0] & 128 ? SPAN_LIT("multipart/mixed;boundary=b") : (struct span){NULL, 0};

	if (sdp_in_body(type, body, &text))
		check(is_inside(text, body));
	if (sdp_parse(text, &sdp, &error)) {
		check(error.what != NULL);
		return 0;
	}
	check_parsed(&sdp, text);
	fill_local(&local, data[0]);
	play(&sdp, &local);

	return 0;
}
