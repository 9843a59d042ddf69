/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/*
 * Offer and answer inside of a dialog: re-INVITE (RFC 3261 §14), UPDATE (RFC 3311), and the offers of the peer wherever they
 * come from, with RFC 3264's rule of one at a time and RFC 6337 as guide.
 *
 * Our offer waits in s->offer until it may be sent, and stays there until it is answered or refused. If the peer's offer
 * overtakes it, it is given back as SIP_EV_OFFER_FAILED 491, since its session version (o=) would then be out of date.
 */

#define LONGEST_RETRIES 10

bool sip_session_is_leaving(const struct sip_session *s)
{
	return s->state == SIP_S_LEAVING || s->state == SIP_S_LEAVING_ACK || s->state == SIP_S_OVER ||
		s->state == SIP_S_CANCELLING;
}

/* The dialog that an offer of ours would go to; before the answer the fork that has answered last. */
static struct sip_dialog *offer_dialog(const struct sip_session *s)
{
	struct sip_dialog *best = s->dlg;

	if (best)
		return best;
	list_each(&s->dialogs, struct sip_dialog, link, d)
		if (d->oa == SIP_OA_STABLE)
			best = d;

	return best;
}

bool sip_oa_is_idle(const struct sip_session *s, const struct sip_dialog *d)
{
	if (!d || d->oa != SIP_OA_STABLE || s->offer_ct || s->asker || s->way != SIP_BY_NONE)
		return false;
	if (s->state == SIP_S_UP)
		return !s->incoming;
	if (s->state == SIP_S_INCOMING)
		return !s->is_rel_pending && !s->held && d->peer_has_update;

	return s->state == SIP_S_CALLING && d->peer_has_update;
}

bool sip_session_can_offer(const struct sip_session *s)
{
	return !s->has_offer && sip_oa_is_idle(s, offer_dialog(s));
}

/* ---- ours ---- */

static void guard(struct sip_session *s)
{
	/* A peer that says 100 and then nothing must not hold the call's media for ever. */
	timer_start(&s->stack->wheel, &s->expire, s->stack->now + 128 * (msec_t)sip_t1(s->stack));
}

int sip_oa_send(struct sip_session *s, struct sip_dialog *d, struct span sdp, bool is_refresh)
{
	char buf[1024];
	bool by_update = s->state != SIP_S_UP || (is_refresh && d->peer_has_update);
	struct sip_dialog_request r = {
		.method = by_update ? SIP_UPDATE : SIP_INVITE,
		.content_type = SPAN_LIT("application/sdp"),
		.body = sdp,
		.has_contact = true,
	};
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_session_write_caps(s, &w);
	if (s->state == SIP_S_UP)
		sip_se_write_request(s, &w, false);

	int err = sip_writer_finish(&w, &r.headers);

	if (err == 0)
		err = sip_session_send(s, d, &r, is_refresh ? SIP_FOR_REFRESH : SIP_FOR_OFFER, d, &s->offer_ct);
	if (err < 0)
		return err;
	if (sdp.n)
		d->oa = SIP_OA_LOCAL;
	if (!by_update)
		guard(s);

	return 0;
}

void sip_oa_try(struct sip_session *s)
{
	struct sip_dialog *d = offer_dialog(s);

	if (!s->has_offer || s->is_backing_off || !sip_oa_is_idle(s, d))
		return;
	if (s->offer_is_empty && s->state != SIP_S_UP)
		return;
	if (sip_oa_send(s, d, sip_bytes_span(&s->offer), false) < 0) {
		s->is_backing_off = true;
		timer_start(&s->stack->wheel, &s->retry, s->stack->now + 1000);
	}
}

static void drop_offer(struct sip_session *s)
{
	s->has_offer = s->offer_is_empty = s->is_backing_off = false;
	s->retries = 0;
	timer_stop(&s->stack->wheel, &s->retry);
	sip_bytes_free(&s->offer);
}

static int queue_offer(struct sip_session *s, struct span sdp, bool is_empty, msec_t now)
{
	if (s->has_offer || sip_session_is_leaving(s))
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);

	int err = sip_bytes_set(&s->offer, sdp);

	if (err == 0) {
		s->has_offer = true;
		s->offer_is_empty = is_empty;
		sip_oa_try(s);
	}
	sip_stack_leave(s->stack);

	return err;
}

int sip_session_offer(struct sip_session *s, struct span sdp, msec_t now)
{
	return sdp.n ? queue_offer(s, sdp, false, now) : -EINVAL;
}

int sip_session_ask_offer(struct sip_session *s, msec_t now)
{
	return queue_offer(s, (struct span){0}, true, now);
}

void sip_oa_on_retry(struct timer *t, msec_t now)
{
	struct sip_session *s = container_of(t, struct sip_session, retry);

	s->is_backing_off = false;
	sip_oa_try(s);
}

/* RFC 3261 §14.1: who owns the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms. */
static msec_t glare_pause(struct sip_session *s)
{
	struct sip_rand *r = &s->stack->rand;

	return 10 * (msec_t)(s->is_uac ? sip_rand_range(r, 210, 400) : sip_rand_range(r, 0, 200));
}

static bool retry_later(struct sip_session *s, int status, const struct sip_msg *rsp)
{
	struct sip_retry_after after;
	msec_t pause = 0;

	if (++s->retries > LONGEST_RETRIES)
		return false;
	if (status == 491)
		pause = glare_pause(s);
	else if (status == 500 && rsp && sip_retry_after_parse(&after, sip_msg_value(rsp, SIP_HDR_RETRY_AFTER)) == 0)
		pause = MIN(after.seconds, 10) * INT64_C(1000) + sip_rand_range(&s->stack->rand, 0, 200);
	else
		return false;
	s->is_backing_off = true;
	timer_start(&s->stack->wheel, &s->retry, s->stack->now + pause);

	return true;
}

void sip_oa_failed(struct sip_session *s, int status, const struct sip_msg *rsp)
{
	struct sip_stack_event ev = {.type = SIP_EV_OFFER_FAILED, .status = status, .msg = rsp};

	if (rsp && !rsp->is_request)
		ev.reason = rsp->reason;
	drop_offer(s);
	sip_session_emit(s, &ev);
}

static void on_refused(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_dialog *d = ct->ref;
	bool was_offer = d->oa == SIP_OA_LOCAL;

	/* RFC 3261 §14.1: as if it had not been asked. */
	if (was_offer)
		d->oa = SIP_OA_STABLE;
	if (sip_session_is_leaving(s))
		return;
	if (status == 422 && rsp && sip_se_too_small(s, ct, rsp, d->local_cseq + 1, &s->offer_ct)) {
		d->local_cseq++;
		s->open++;
		if (was_offer)
			d->oa = SIP_OA_LOCAL;
		return;
	}
	if (ct->purpose == SIP_FOR_REFRESH) {
		/* Asterisk and others refuse an UPDATE that they allow: then by re-INVITE. */
		if (ct->method == SIP_UPDATE && (status == 405 || status == 501))
			d->peer_has_update = false;
		sip_se_refreshed(s, status);
		sip_oa_try(s);
	} else if (!retry_later(s, status, rsp)) {
		sip_oa_failed(s, status, rsp);
	}
}

/* RFC 3264 §4: an offer must have an answer; a peer that accepts one without is beyond repair. */
static void take_answer(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	struct sip_dialog *d = ct->ref;
	struct sip_stack_event ev = {.type = SIP_EV_ANSWER, .status = rsp->status, .msg = rsp, .sdp = sip_sdp_of(rsp),
				     .fork = d->fork};

	if (!ev.sdp.n) {
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 488);
		return;
	}
	d->oa = SIP_OA_STABLE;
	if (ct->purpose == SIP_FOR_OFFER) {
		sip_bytes_free(&d->sdp);
		d->sdp = s->offer;
		s->offer = (struct sip_bytes){0};
		drop_offer(s);
	}
	sip_session_emit(s, &ev);
}

static void take_late_offer(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp, struct span auth)
{
	struct sip_dialog *d = ct->ref;

	drop_offer(s);
	s->way_cseq = ct->cseq;
	if (!sip_sdp_of(rsp).n) {
		if (sip_dialog_ack(d, ct->cseq, auth, (struct span){0}) < 0)
			s->stack->stats.out_dropped++;
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 488);
		return;
	}
	if (sip_bytes_set(&s->way_auth, auth) < 0)
		s->stack->stats.out_dropped++;
	sip_oa_peer_offer(s, d, SIP_BY_ACK, rsp);
}

/* First 2xx to a re-INVITE or UPDATE of ours. */
static void on_accepted(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	char buf[SIP_HEADERS_BYTES];
	struct sip_dialog *d = ct->ref;
	struct span auth = sip_uac_auth_lines(ct, buf, sizeof(buf));
	bool was_offer = d->oa == SIP_OA_LOCAL, is_late = ct->method == SIP_INVITE && !was_offer;

	if (ct->method == SIP_INVITE && (!is_late || sip_session_is_leaving(s)) &&
	    sip_dialog_ack(d, ct->cseq, auth, (struct span){0}) < 0)
		s->stack->stats.out_dropped++;
	if (sip_session_is_leaving(s))
		return;
	sip_dialog_refresh(d, rsp);
	if (s->state == SIP_S_UP)
		sip_se_on_reply(s, rsp);
	if (is_late)
		take_late_offer(s, ct, rsp, auth);
	else if (was_offer)
		take_answer(s, ct, rsp);
}

void sip_oa_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_dialog *d = ct->ref;
	bool is_current = s->offer_ct == ct;

	if (status < 200)
		return;
	if (is_current) {
		s->offer_ct = NULL;
		if (ct->method == SIP_INVITE)
			timer_stop(&s->stack->wheel, &s->expire);
	} else {
		/* A 2xx again, RFC 3261 §13.2.2.4. */
		if (ct->method == SIP_INVITE && status < 300 && d->ack_cseq == ct->cseq)
			sip_dialog_ack_again(d);
		return;
	}
	if (status < 300)
		on_accepted(s, ct, rsp);
	else
		on_refused(s, ct, status, rsp);
	if (s->state == SIP_S_INCOMING && sip_uas_send_held(s) < 0)
		s->stack->stats.out_dropped++;
	sip_oa_try(s);
}

/* ---- INFO ---- */

int sip_session_info(struct sip_session *s, struct span content_type, struct span body, msec_t now)
{
	struct sip_dialog *d = offer_dialog(s);
	struct sip_dialog_request r = {.method = SIP_INFO, .content_type = content_type, .body = body};
	struct sip_ctrans *ct;

	if (!d || sip_session_is_leaving(s))
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);

	int err = sip_session_send(s, d, &r, SIP_FOR_INFO, d, &ct);

	sip_stack_leave(s->stack);

	return err;
}
