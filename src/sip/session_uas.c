/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* Calls that come in, and the user's answers to them (RFC 3261 §13.3). */

/* ---- a new INVITE ---- */

struct rejection {
	int status;
	struct span headers;
};

/* RFC 3891 §3: which call an INVITE wants to take over; a status if it may not. */
static int find_replaced(struct sip_stack *stack, const struct sip_msg *req, struct sip_session **ret)
{
	const struct sip_header *h = sip_msg_find(req, SIP_HDR_REPLACES);
	struct sip_replaces r;

	*ret = NULL;
	if (!h)
		return 0;
	if (sip_msg_find_next(req, h) || sip_replaces_parse(&r, h->value) < 0)
		return 400;

	struct sip_dialog *d = sip_dialog_find(stack, r.call_id, r.to_tag, r.from_tag);

	if (!d)
		return 481;

	struct sip_session *s = d->session;

	if (s->state == SIP_S_OVER || s->state == SIP_S_LEAVING || s->state == SIP_S_LEAVING_ACK)
		return 603;
	if (s->was_answered && r.is_early_only)
		return 486;
	if (!s->was_answered && !s->is_uac)
		return 481; /* an early dialog that we did not begin cannot be taken over */
	*ret = s;

	return 0;
}

static bool is_body_refused(const struct sip_msg *req)
{
	struct span disposition = sip_msg_value(req, SIP_HDR_CONTENT_DISPOSITION), handling;
	size_t at = span_find(disposition, ';');

	if (!req->body.n || sip_sdp_of(req).n)
		return false;
	if (at < disposition.n && sip_param_find(span(disposition.p + at, disposition.n - at), "handling", &handling))
		return !span_ieq_z(handling, "optional");

	return true;
}

static int check_invite(struct sip_stack *stack, const struct sip_msg *req, char *buf, size_t cap, struct rejection *ret,
			struct sip_session **ret_replaced)
{
	struct sip_writer w;

	*ret = (struct rejection){.status = find_replaced(stack, req, ret_replaced)};
	sip_writer_init(&w, buf, cap);
	if (ret->status == 0 && is_body_refused(req)) {
		ret->status = 415;
		sip_write_hdr_z(&w, SIP_HDR_ACCEPT, "application/sdp");
	}
	if (ret->status == 0 && sip_se_is_too_small(stack, req)) {
		ret->status = 422;
		sip_write_hdr_u32(&w, SIP_HDR_MIN_SE, stack->params.min_se_s);
	}

	return sip_writer_finish(&w, &ret->headers);
}

static void ask_user(struct sip_session *s, struct sip_session *replaced, const struct sip_msg *req)
{
	struct sip_stack_event ev = {
		.type = SIP_EV_INCOMING,
		.msg = req,
		.sdp = sip_sdp_of(req),
		.replaces = replaced && !replaced->is_told ? replaced : NULL,
	};

	s->replaces_id = ev.replaces ? ev.replaces->id : 0;
	sip_session_emit(s, &ev);
}

/* A session, or NULL when memory is out; st is the transaction of req. */
static struct sip_session *new_session(struct sip_stack *stack, struct sip_strans *st, const struct sip_msg *req)
{
	struct sip_session *s = sip_session_new(stack, false);
	struct sip_name_addr from;
	struct sip_dialog *d;

	if (!s)
		return NULL;
	if (sip_dialog_new_uas(s, stack, req, span_z(st->tag), &d) < 0)
		goto fail;
	list_append(&s->dialogs, &d->link);
	s->dlg = d;
	s->is_secure = req->uri.scheme == SIP_SCHEME_SIPS; /* RFC 3261 §12.1.1 */
	if (sip_session_set_local(s, d) < 0)
		goto fail;
	/* No Contact is against RFC 3261 §8.1.1.8, but a call can still be had. */
	if (!d->target.n && (sip_name_addr_parse(&from, req->from) < 0 || sip_bytes_set(&d->target, from.uri.text) < 0))
		goto fail;
	d->oa = sip_sdp_of(req).n ? SIP_OA_REMOTE : SIP_OA_NONE;
	s->incoming = st;
	s->invite_had_offer = d->oa == SIP_OA_REMOTE;
	s->must_be_reliable = sip_msg_has_token(req, SIP_HDR_REQUIRE, "100rel");
	st->fn = sip_session_on_strans;
	st->owner = s;
	sip_se_note(s, req);

	return s;
fail:
	sip_session_destroy(s);
	return NULL;
}

void sip_uas_invite(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	char buf[256];
	struct sip_session *replaced, *s;
	struct rejection no;
	struct sip_strans *st;

	if (check_invite(stack, req, buf, sizeof(buf), &no, &replaced) < 0)
		no = (struct rejection){.status = 500};
	if (stack->calls >= stack->params.max_calls || sip_strans_new(stack, req, pkt, NULL, &st) < 0) {
		sip_stack_overloaded(stack, req, pkt);
		return;
	}
	if (no.status) {
		struct sip_answer a = {.status = no.status, .headers = no.headers};

		if (sip_strans_reply(st, &a) < 0)
			stack->stats.out_dropped++;
		return;
	}
	s = new_session(stack, st, req);
	if (s)
		ask_user(s, replaced, req);
	else
		sip_strans_reply_status(st, 500);
}

/* ---- answers of the user ---- */

int sip_uas_reply(struct sip_session *s, struct sip_strans *st, int status, struct span sdp, struct span headers)
{
	char buf[SIP_HEADERS_BYTES];
	struct sip_answer a = {.status = status, .body = sdp, .has_record_route = true};
	const struct sip_dialog *d = st->ref ? st->ref : s->dlg;
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	if (status < 300) {
		struct sip_addr_params contact = {.uri = sip_bytes_span(&d->contact)};

		sip_write_addr(&w, SIP_HDR_CONTACT, &contact);
		sip_session_write_caps(s, &w);
	}
	if (w.cap - w.n < headers.n)
		return -TR_ETOOBIG;
	if (headers.n)
		memcpy(w.buf + w.n, headers.p, headers.n);
	w.n += headers.n;
	a.is_reliable = status < 200 && s->is_rel_pending;

	int err = sip_writer_finish(&w, &a.headers);

	return err < 0 ? err : sip_strans_reply(st, &a);
}

void sip_held_free(struct sip_session *s)
{
	if (!s->held)
		return;
	sip_bytes_free(&s->held->text);
	free(s->held);
	s->held = NULL;
}

static struct span hold_part(struct sip_held *h, size_t *at, struct span part)
{
	struct span copy = {part.n ? h->text.p + *at : NULL, part.n};

	if (part.n)
		memcpy(h->text.p + *at, part.p, part.n);
	*at += part.n;

	return copy;
}

/* Keeps a reply until the PRACK comes; a later one replaces it, except that nothing replaces an accept. */
static int hold(struct sip_session *s, const struct sip_reply *reply)
{
	struct sip_held *h;
	size_t n = reply->reason.n + reply->sdp.n + reply->headers.n, at = 0;

	if (s->held && s->held->reply.status >= 200)
		return -TR_ESTATE;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->text = (struct sip_bytes){malloc(n ? n : 1), n};
	if (!h->text.p) {
		free(h);
		return -ENOMEM;
	}
	h->reply = *reply;
	h->reply.reason = hold_part(h, &at, reply->reason);
	h->reply.sdp = hold_part(h, &at, reply->sdp);
	h->reply.headers = hold_part(h, &at, reply->headers);
	sip_held_free(s);
	s->held = h;

	return 0;
}

/* User's headers and what the kind of reply needs. */
static int write_reply_headers(struct sip_session *s, const struct sip_reply *reply, bool is_reliable, uint32_t rseq,
			       struct sip_writer *w)
{
	if (is_reliable) {
		sip_write_hdr_z(w, SIP_HDR_REQUIRE, "100rel");
		sip_write_hdr_u32(w, SIP_HDR_RSEQ, rseq);
	}
	if (reply->status >= 200 && reply->status < 300)
		sip_se_write_reply(s, w);
	if (reply->retry_after_s)
		sip_write_hdr_u32(w, SIP_HDR_RETRY_AFTER, reply->retry_after_s);
	if (w->cap - w->n < reply->headers.n)
		return -TR_ETOOBIG;
	if (reply->headers.n)
		memcpy(w->buf + w->n, reply->headers.p, reply->headers.n);
	w->n += reply->headers.n;

	return 0;
}

static int send_reply(struct sip_session *s, const struct sip_reply *reply, struct span sdp, bool is_reliable)
{
	char buf[SIP_HEADERS_BYTES];
	struct sip_writer w;
	struct span headers;
	uint32_t rseq = s->rseq ? s->rseq + 1 : sip_rand_range(&s->stack->rand, 1, 1000000);

	sip_writer_init(&w, buf, sizeof(buf));

	int err = write_reply_headers(s, reply, is_reliable, rseq, &w);

	if (err == 0)
		err = sip_writer_finish(&w, &headers);
	if (err < 0)
		return err;
	s->is_rel_pending = is_reliable;
	err = sip_uas_reply(s, s->incoming, reply->status, sdp, headers);
	if (err < 0)
		s->is_rel_pending = false;
	else if (is_reliable)
		s->rseq = rseq;

	return err;
}

static bool wants_reliable(const struct sip_session *s, const struct sip_reply *reply)
{
	return (reply->is_reliable || s->must_be_reliable) && s->dlg->peer_has_100rel &&
		(s->must_be_reliable || sip_session_has_100rel(s)) && !s->stack->params.no_100rel;
}

/* RFC 3261 §13.3.1.1 and RFC 3262 §5: what SDP may be in a 1xx. */
static int ring(struct sip_session *s, const struct sip_reply *reply)
{
	bool is_reliable = wants_reliable(s, reply);
	struct sip_dialog *d = s->dlg;
	struct span sdp = reply->sdp;

	if (s->is_rel_pending || s->asker)
		return hold(s, reply);
	if (d->oa == SIP_OA_STABLE || d->oa == SIP_OA_LOCAL)
		sdp = (struct span){0};
	if (sdp.n && d->oa == SIP_OA_NONE && !is_reliable)
		return -TR_ESTATE; /* an offer needs an answer, and only PRACK could bring it */

	int err = send_reply(s, reply, sdp, is_reliable);

	if (err < 0)
		return err;
	s->rel_has_sdp = is_reliable && sdp.n;
	if (s->rel_has_sdp) {
		d->oa = d->oa == SIP_OA_REMOTE ? SIP_OA_STABLE : SIP_OA_LOCAL;
		if (sip_bytes_set(&d->sdp, sdp) < 0)
			s->stack->stats.out_dropped++;
	}

	return 0;
}

static void end_replaced(struct sip_session *s)
{
	struct sip_session *old = s->replaces_id ? sip_session_by_id(s->stack, s->replaces_id) : NULL;

	s->replaces_id = 0;
	if (old)
		sip_session_leave(old, SIP_CAUSE_REPLACED, 200);
}

static int accept_call(struct sip_session *s, const struct sip_reply *reply)
{
	struct sip_dialog *d = s->dlg;
	struct span sdp = reply->sdp;
	bool needs_sdp = d->oa == SIP_OA_REMOTE || d->oa == SIP_OA_NONE;

	if (needs_sdp && !sdp.n && !s->asker)
		return -TR_ESTATE;
	/* RFC 3262 §5: not before the PRACK of a 1xx with SDP, nor while an offer waits for its answer. */
	if ((s->is_rel_pending && s->rel_has_sdp) || s->asker || s->offer_ct)
		return hold(s, reply);
	if (!needs_sdp)
		sdp = (struct span){0};

	int err = send_reply(s, reply, sdp, false);

	if (err < 0)
		return err;
	s->state = SIP_S_ANSWERED;
	s->was_answered = true;
	d->is_confirmed = true;
	if (sdp.n) {
		d->oa = d->oa == SIP_OA_REMOTE ? SIP_OA_STABLE : SIP_OA_LOCAL;
		if (sip_bytes_set(&d->sdp, sdp) < 0)
			s->stack->stats.out_dropped++;
	}
	sip_se_start(s);
	end_replaced(s);

	return 0;
}

int sip_uas_send_held(struct sip_session *s)
{
	struct sip_held *h = s->held;
	int err = 0;

	if (!h || s->is_rel_pending || s->asker || s->offer_ct || s->state != SIP_S_INCOMING)
		return 0;
	s->held = NULL;
	err = h->reply.status < 200 ? ring(s, &h->reply) : accept_call(s, &h->reply);
	sip_bytes_free(&h->text);
	free(h);

	return err;
}

int sip_session_ring(struct sip_session *s, const struct sip_reply *reply, msec_t now)
{
	if (s->state != SIP_S_INCOMING || reply->status < 101 || reply->status > 199 || !s->incoming)
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);

	int err = ring(s, reply);

	sip_stack_leave(s->stack);

	return err;
}

int sip_session_accept(struct sip_session *s, const struct sip_reply *reply, msec_t now)
{
	struct sip_reply r = *reply;

	if (s->state != SIP_S_INCOMING || !s->incoming || (r.status && (r.status < 200 || r.status > 299)))
		return -TR_ESTATE;
	if (!r.status)
		r.status = 200;
	sip_stack_enter(s->stack, now);

	int err = accept_call(s, &r);

	sip_stack_leave(s->stack);

	return err;
}

int sip_session_reject(struct sip_session *s, const struct sip_reply *reply, msec_t now)
{
	struct sip_strans *st = s->incoming;
	char buf[SIP_HEADERS_BYTES];
	struct sip_answer a = {.status = reply->status, .reason = reply->reason};
	struct sip_writer w;

	if (s->state != SIP_S_INCOMING || !st || reply->status < 300 || reply->status > 699)
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);
	sip_writer_init(&w, buf, sizeof(buf));

	int err = write_reply_headers(s, reply, false, 0, &w);

	if (err == 0)
		err = sip_writer_finish(&w, &a.headers);
	if (err == 0)
		err = sip_strans_reply(st, &a);
	if (err == 0) {
		s->incoming = NULL;
		sip_strans_detach(st);
		sip_session_end(s, SIP_CAUSE_LOCAL, reply->status, NULL);
	}
	sip_stack_leave(s->stack);

	return err;
}

int sip_session_challenge(struct sip_session *s, int status, struct span headers, msec_t now)
{
	struct sip_reply reply = {.status = status, .headers = headers};

	if (status != 401 && status != 407)
		return -TR_ESTATE;

	return sip_session_reject(s, &reply, now);
}
