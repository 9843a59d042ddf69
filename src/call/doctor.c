/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Watches a call's audio: asks diagnose.h whenever the worker tells something, keeps what it finds in the record, tells people once,
 * and tries the cures that are ours, each once: first the other address, then a new offer.
 */

static struct call_facts facts_of(const struct call *c)
{
	const struct media_quality *q = &c->rec.quality;
	msec_t now = calls_now(c->owner);
	bool is_rated = c->rec.has_quality;

	struct call_facts f = {
		.answered_for_ms = c->rec.answered_at ? now - c->rec.answered_at : 0,
		.wants_rx = c->media.direction & MEDIA_RECVONLY,
		.wants_tx = c->media.direction & MEDIA_SENDONLY,
		.said = c->said_rtp,
		.signalling = c->rec.peer,
		.announced = c->local.rtp,
		.first_rx_ms = c->first_rx_at ? MAX(c->first_rx_at - c->rec.answered_at, 0) : -1,
		.silent_ms = c->silent_since ? (uint32_t)MAX(now - c->silent_since, 0) : 0,
		.rx_packets = q->rx_packets,
		.tx_packets = q->tx_packets,
		.tx_failed = q->tx_failed,
		.rx_refused = q->rx_refused,
		.rx_invalid = q->rx_invalid,
		.peer_reports = q->peer_reports,
		.has_rtcp = q->peer_rtcp > 0,
		.peer_lost = q->peer_lost,
		.peer_loss_permille = q->peer_loss_permille,
		.loss_permille = q->rtp.loss_permille,
		.jitter_ms = q->rtp.jitter_ms,
		.rtt_ms = is_rated ? q->rtp.rtt_ms : -1,
		.mos = q->rtp.mos,
		.is_switched = c->is_switched,
	};

	if (c->first_rx_at)
		f.heard = c->rec.remote_rtp;

	return f;
}

/* ---- cures ----------------------------------------------------------------------------------------------------------- */

/* NATs mostly keep the port: what the phone announced from inside is open at its NAT's address. */
static void switch_address(struct call *c)
{
	char to[ADDR_TEXT];
	struct media_plan media = c->media;

	media.remote_rtp = c->rec.peer;
	addr_set_port(&media.remote_rtp, addr_port(&c->said_rtp));
	media.remote_rtcp = (struct addr){0};
	c->is_switched = true;
	if (media_stream_update(c->owner->media, c->stream, &media) == 0)
		call_note(c, "our audio now goes to %s", addr_text(&media.remote_rtp, to));
}

static void offer_again(struct call *c)
{
	struct sdp_body body;

	if (!c->session || !sip_session_can_offer(c->session))
		return;
	c->is_reoffered = true;
	if (sdp_oa_offer(&c->oa, &c->local, &body) != 0)
		return;
	if (sip_session_offer(c->session, sdp_body_span(&body), calls_now(c->owner)) == 0)
		call_note(c, "the audio was offered again, so that the way is set up anew");
	else
		sdp_oa_offer_refused(&c->oa);
}

static void cure(struct call *c, const struct call_finding *f)
{
	if (c->rec.state != CALL_UP)
		return;
	if (f->cure == CALL_CURE_SWITCH && !c->is_switched)
		switch_address(c);
	else if (f->cure == CALL_CURE_REINVITE && !c->is_reoffered)
		offer_again(c);
}

/* ---- findings -------------------------------------------------------------------------------------------------------- */

static struct call_trouble *find(struct call_record *r, enum call_finding_code code)
{
	for (uint32_t i = 0; i < r->trouble_count; i++)
		if (r->troubles[i].finding.code == code)
			return &r->troubles[i];

	return NULL;
}

static void note(struct call *c, const struct call_finding *f, msec_t at)
{
	struct call_trouble *t = find(&c->rec, f->code);
	bool is_new = !t || t->is_over;

	if (!t && c->rec.trouble_count < CALL_FINDINGS) {
		t = &c->rec.troubles[c->rec.trouble_count++];
		t->from = at;
	}
	if (!t)
		return;
	t->finding = *f;
	t->until = at;
	t->is_over = false;
	if (is_new) {
		call_note(c, "%s", f->text);
		log_warn("call.trouble", LOG_STR("call", c->rec.id), LOG_STR("code", call_finding_name(f->code)), LOG_STR("what", f->text),
			LOG_STR("evidence", f->evidence), LOG_STR("remedy", f->remedy));
		call_changed(c, "trouble");
	}
}

static void look(struct call *c)
{
	struct call_facts facts = facts_of(c);
	struct call_finding found[CALL_FINDINGS];
	msec_t at = calls_now(c->owner) - c->rec.began_at;
	size_t n = c->rec.answered_at && c->session ? call_diagnose(&facts, found) : 0;

	for (size_t i = 0; i < n; i++) {
		note(c, &found[i], at);
		cure(c, &found[i]);
	}
	for (uint32_t i = 0; i < c->rec.trouble_count; i++)
		c->rec.troubles[i].is_over |= c->rec.troubles[i].until != at;
}

void doctor_new_media(struct call *c)
{
	if (addr_eq(&c->said_rtp, &c->media.remote_rtp))
		return;
	c->said_rtp = c->media.remote_rtp;
	c->is_switched = false;
}

void doctor_on_media(struct call *c, const struct media_event *ev)
{
	switch (ev->type) {
	case MEDIA_EV_FIRST_PACKET:
		c->first_rx_at = calls_now(c->owner);
		c->silent_since = 0;
		break;
	case MEDIA_EV_RTP_RESUMED:
		c->silent_since = 0;
		look(c);
		break;
	case MEDIA_EV_RTP_SILENT:
		c->silent_since = calls_now(c->owner) - ev->silent_ms;
		look(c);
		break;
	case MEDIA_EV_QUALITY:
		c->rec.quality = ev->quality;
		c->rec.has_quality = true;
		look(c);
		break;
	default:
		break;
	}
}

const struct call_finding *doctor_worst(const struct call *c)
{
	for (uint32_t i = 0; i < c->rec.trouble_count; i++)
		if (!c->rec.troubles[i].is_over)
			return &c->rec.troubles[i].finding;

	return NULL;
}
