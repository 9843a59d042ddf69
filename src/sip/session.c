/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/*
 * The life of a session.
 *
 *   UAC   CALLING ──2xx──> UP ──hangup──> LEAVING ──answer to BYE──> OVER
 *           │ hangup       ^ ACK                                      ^
 *           └> CANCELLING ─┼───────────── 300-699, 64*T1 ─────────────┤   (2xx crossing CANCEL: ACK, BYE, LEAVING)
 *   UAS   INCOMING ──> ANSWERED ──hangup──> LEAVING_ACK ──ACK──> LEAVING
 *           └─────────────── reject, CANCEL ─────────────────────────>┘
 *
 * OVER is told once by SIP_EV_ENDED; the memory stays until no client transaction knows the session any more, since 2xx that
 * come again need their ACK for 64*T1 (RFC 3261 §13.2.2.4).
 */

void sip_session_set_account(struct sip_session *s, struct sip_account *account)
{
	sip_account_ref(account);
	sip_account_unref(s->account);
	s->account = account;
	if (s->dlg && s->state == SIP_S_INCOMING && sip_session_set_local(s, s->dlg) < 0)
		s->stack->stats.out_dropped++;
}

/* ---- birth and death ---- */

static void on_expires(struct timer *t, msec_t now)
{
	struct sip_session *s = container_of(t, struct sip_session, expire);

	sip_session_leave(s, SIP_CAUSE_TIMEOUT, 408);
}

struct sip_session *sip_session_new(struct sip_stack *stack, bool is_uac)
{
	struct sip_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->stack = stack;
	s->is_uac = is_uac;
	s->state = is_uac ? SIP_S_CALLING : SIP_S_INCOMING;
	s->min_se_s = stack->params.min_se_s;
	list_init(&s->link);
	list_init(&s->ended);
	list_init(&s->dialogs);
	list_init(&s->refers);
	timer_init(&s->expire, on_expires);
	timer_init(&s->retry, sip_oa_on_retry);
	timer_init(&s->clock, sip_se_on_clock);
	if (sip_slot_take(stack, s) < 0) {
		free(s);
		return NULL;
	}
	list_append(&stack->sessions, &s->link);
	stack->stats.live_sessions++;
	stack->calls++;

	return s;
}

void sip_session_destroy(struct sip_session *s)
{
	struct sip_bytes *all[] = {&s->invite_from, &s->invite_contact, &s->invite_sent_by, &s->invite_sdp, &s->call_id,
				   &s->offer, &s->way_auth, &s->reason, &s->bye_reason};

	timer_stop(&s->stack->wheel, &s->expire);
	timer_stop(&s->stack->wheel, &s->retry);
	timer_stop(&s->stack->wheel, &s->clock);
	sip_refer_end_all(s);
	sip_held_free(s);
	sip_strans_detach(s->incoming);
	sip_strans_detach(s->asker);
	list_each(&s->dialogs, struct sip_dialog, link, d)
		sip_dialog_free(d);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		sip_bytes_free(all[i]);
	sip_account_unref(s->account);
	list_unlink(&s->link);
	list_unlink(&s->ended);
	sip_slot_give(s->stack, s);
	s->stack->stats.live_sessions--;
	if (!s->is_told)
		s->stack->calls--;
	free(s);
}

void sip_session_try_free(struct sip_session *s)
{
	if (s->is_told && s->open == 0 && list_is_empty(&s->ended))
		list_append(&s->stack->ended, &s->ended);
}

static void tell_ended(struct sip_session *s, const struct sip_msg *msg)
{
	struct sip_stack_event ev = {
		.type = SIP_EV_ENDED,
		.session = s,
		.msg = msg,
		.packet = msg ? s->stack->packet : NULL,
		.status = s->status,
		.cause = s->cause,
		.reason = sip_bytes_span(&s->reason),
		.q850_cause = s->q850,
		.is_final = true,
	};

	s->is_told = true;
	s->stack->calls--;
	sip_stack_emit(s->stack, &ev);
	sip_session_try_free(s);
}

void sip_session_flush_ended(struct sip_stack *stack, bool may_emit)
{
	bool is_more = true;

	while (is_more) {
		is_more = false;
		list_each(&stack->ended, struct sip_session, ended, s) {
			if (!s->is_told && !may_emit)
				continue;
			is_more = true;
			list_unlink(&s->ended);
			if (!s->is_told)
				tell_ended(s, NULL);
			else
				sip_session_destroy(s);
			break; /* the callback may have changed the list */
		}
	}
}

/* RFC 3326: cause and text of the Reason header that speaks Q.850, else of the first. */
static void keep_reason(struct sip_session *s, const struct sip_msg *msg)
{
	struct span value, text;
	struct sip_list it;
	uint32_t cause;

	if (!msg->is_request && sip_bytes_set(&s->reason, msg->reason) < 0)
		return;
	sip_list_init(&it, msg, SIP_HDR_REASON);
	while (sip_list_next(&it, &value)) {
		size_t at = span_find(value, ';');
		struct span params = at < value.n ? span(value.p + at, value.n - at) : (struct span){0};

		if (sip_param_find(params, "text", &text) && sip_bytes_set(&s->reason, text) < 0)
			return;
		if (span_istarts(value, "Q.850") && sip_param_u32(params, "cause", &cause) && cause < 128)
			s->q850 = (uint16_t)cause;
	}
}

/* What the network said is the reason when nothing better is known. */
static void keep_fault(struct sip_session *s)
{
	if (s->stack->fault && s->cause == SIP_CAUSE_TRANSPORT && !s->reason.n && sip_bytes_set(&s->reason, span_z(s->stack->fault)) < 0)
		s->stack->stats.out_dropped++;
}

/* Requests of the peer that still wait are answered: nothing is left hanging (RFC 3261 §15.1.2). */
static void answer_rest(struct sip_session *s)
{
	if (s->asker && s->asker != s->incoming) {
		sip_strans_detach(s->asker);
		sip_strans_reply_status(s->asker, 481);
	}
	if (s->incoming) {
		sip_strans_detach(s->incoming);
		if (sip_strans_is_pending(s->incoming))
			sip_strans_reply_status(s->incoming, 487);
	}
	s->asker = NULL;
	s->incoming = NULL;
	/* Nor does a re-INVITE of ours wait for ever for a peer that has forgotten the call. */
	if (s->offer_ct)
		sip_ctrans_limit(s->offer_ct);
}

void sip_session_end(struct sip_session *s, enum sip_cause cause, int status, const struct sip_msg *msg)
{
	if (s->state == SIP_S_OVER)
		return;
	s->state = SIP_S_OVER;
	s->cause = cause;
	s->status = status;
	if (msg)
		keep_reason(s, msg);
	else
		keep_fault(s);
	timer_stop(&s->stack->wheel, &s->expire);
	timer_stop(&s->stack->wheel, &s->retry);
	sip_se_stop(s);
	answer_rest(s);
	sip_refer_end_all(s);
	sip_held_free(s);
	if (s->stack->is_serving && !s->stack->in_user)
		tell_ended(s, msg);
	else
		list_append(&s->stack->ended, &s->ended);
}

/* ---- leaving ---- */

void sip_session_bye(struct sip_session *s, struct sip_dialog *d, enum sip_purpose purpose)
{
	char buf[SIP_HEADERS_BYTES];
	struct sip_dialog_request r = {.method = SIP_BYE};
	struct sip_ctrans *ct;
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_hdr(&w, SIP_HDR_REASON, sip_bytes_span(&s->bye_reason));
	if (sip_writer_finish(&w, &r.headers) < 0)
		r.headers = (struct span){0};

	int err = sip_session_send(s, d, &r, purpose, d, &ct);

	if (err < 0 && purpose == SIP_FOR_BYE)
		sip_session_end(s, s->cause, s->status, NULL);
}

static void leave_up(struct sip_session *s)
{
	struct span none = {0};

	/* The 2xx to our offerless INVITE still waits for an ACK: without it the peer would send it for ever. */
	if (s->way == SIP_BY_ACK && sip_dialog_ack(s->way_dlg, s->way_cseq, sip_bytes_span(&s->way_auth), none) < 0)
		s->stack->stats.out_dropped++;
	s->way = SIP_BY_NONE;
	s->state = SIP_S_LEAVING;
	answer_rest(s);
	sip_se_stop(s);
	timer_stop(&s->stack->wheel, &s->retry);
	sip_session_bye(s, s->dlg, SIP_FOR_BYE);
}

void sip_session_leave(struct sip_session *s, enum sip_cause cause, int status)
{
	switch (s->state) {
	case SIP_S_CALLING:
		s->state = SIP_S_CANCELLING;
		s->cause = cause;
		s->status = status;
		timer_stop(&s->stack->wheel, &s->expire);
		sip_ctrans_cancel(s->invite, sip_bytes_span(&s->bye_reason));
		break;
	case SIP_S_INCOMING:
		if (s->incoming) {
			struct sip_strans *st = s->incoming;

			s->incoming = NULL;
			sip_strans_detach(st);
			sip_strans_reply_status(st, cause == SIP_CAUSE_LOCAL ? 480 : status);
		}
		sip_session_end(s, cause, status, NULL);
		break;
	case SIP_S_ANSWERED:
		s->state = SIP_S_LEAVING_ACK;
		s->cause = cause;
		s->status = status;
		break;
	case SIP_S_UP:
		s->cause = cause;
		s->status = status;
		keep_fault(s);
		leave_up(s);
		break;
	case SIP_S_CANCELLING:
	case SIP_S_LEAVING_ACK:
	case SIP_S_LEAVING:
	case SIP_S_OVER:
	case SIP_S_STATES:
		break;
	}
}

void sip_session_hangup(struct sip_session *s, struct span reason, msec_t now)
{
	sip_stack_enter(s->stack, now);
	if (reason.n && !s->bye_reason.n && sip_bytes_set(&s->bye_reason, reason) < 0)
		s->stack->stats.out_dropped++;
	sip_session_leave(s, SIP_CAUSE_LOCAL, s->state == SIP_S_INCOMING ? 480 : s->was_answered ? 200 : 487);
	sip_stack_leave(s->stack);
}

/* ---- requests of ours ---- */

void sip_session_emit(struct sip_session *s, struct sip_stack_event *ev)
{
	ev->session = s;
	sip_stack_emit(s->stack, ev);
}

bool sip_session_has_100rel(const struct sip_session *s)
{
	return !s->stack->params.no_100rel && !(s->account && s->account->no_100rel);
}

void sip_session_write_caps(const struct sip_session *s, struct sip_writer *w)
{
	sip_write_hdr(w, SIP_HDR_ALLOW, sip_stack_allow(s->stack));
	sip_write_hdr(w, SIP_HDR_SUPPORTED, sip_supported(sip_session_has_100rel(s), !s->stack->params.no_session_timer));
}

/* Our Contact and sent-by in this dialog, which stay as they are for its life. */
int sip_session_set_local(struct sip_session *s, struct sip_dialog *d)
{
	char contact[LIMIT_SIP_URI_BYTES], host[ADDR_TEXT];
	struct span uri, sent_by;
	struct sip_writer w;

	sip_writer_init(&w, contact, sizeof(contact));
	sent_by = s->account ? sip_bytes_span(&s->account->sent_by) : span_z(addr_text(&d->peer.local, host));
	if (s->account) {
		d->tls = s->account->tls;
		sip_account_write_contact(s->account, &w, s->is_secure);
	} else {
		enum sip_transport t = d->peer.transport;

		sip_write_z(&w, s->is_secure ? "sips:" : "sip:");
		sip_write_span(&w, sent_by);
		if (t != SIP_UDP && !(s->is_secure && t == SIP_TLS)) {
			sip_write_z(&w, ";transport=");
			sip_write_z(&w, t == SIP_TCP ? "tcp" : t == SIP_TLS ? "tls" : "ws");
		}
	}

	int err = sip_writer_finish(&w, &uri);

	if (err == 0)
		err = sip_bytes_set(&d->contact, uri);
	if (err == 0)
		err = sip_bytes_set(&d->sent_by, sent_by);

	return err;
}

void sip_session_set_sdp_of_invite(struct sip_session *s, struct sip_dialog *d)
{
	if (d->sdp.p)
		return; /* an answer of ours in a PRACK is newer */
	d->sdp = s->invite_sdp;
	s->invite_sdp = (struct sip_bytes){0};
}

/* Multipart bodies are passed over: no phone system we know sends SDP in one. */
struct span sip_sdp_of(const struct sip_msg *msg)
{
	struct span type = sip_msg_value(msg, SIP_HDR_CONTENT_TYPE);

	if (type.n && !span_istarts(type, "application/sdp"))
		return (struct span){0};

	return msg->body;
}

int sip_session_send(struct sip_session *s, struct sip_dialog *d, struct sip_dialog_request *r, enum sip_purpose purpose,
		     void *ref, struct sip_ctrans **ret)
{
	struct sip_ctrans_params to = {
		.fn = sip_session_on_response,
		.owner = s,
		.ref = ref,
		.purpose = (uint8_t)purpose,
	};

	r->account = s->account;
	r->auth_mask = s->auth_mask;

	int err = sip_dialog_send(d, r, &to, ret);

	if (err == 0)
		s->open++;

	return err;
}

static struct sip_dialog *dialog_of(const struct sip_session *s, const struct sip_ctrans *ct)
{
	return ct->purpose == SIP_FOR_REFER || ct->purpose == SIP_FOR_NOTIFY ? s->dlg :
	       ct->purpose == SIP_FOR_INVITE				     ? NULL :
									       ct->ref;
}

/* 401 and 407: true if the request is on its way again. */
static bool authorize(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	struct sip_dialog *d = dialog_of(s, ct);
	uint32_t *cseq = d ? &d->local_cseq : &s->invite_cseq;
	struct sip_ctrans *again;

	if (s->state == SIP_S_CANCELLING || s->state == SIP_S_OVER)
		return false;
	if (sip_request_authorize(ct, rsp, s->account, *cseq + 1, &again) < 0)
		return false;
	++*cseq;
	s->auth_mask = again->auth_mask;
	if (s->invite == ct)
		s->invite = again;
	if (s->offer_ct == ct)
		s->offer_ct = again;

	return true;
}

/* RFC 3261 §12.2.1.2: the peer knows no such dialog any more, or does not answer. */
static bool is_fatal(const struct sip_session *s, const struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	if (ct->purpose == SIP_FOR_INVITE || ct->purpose == SIP_FOR_BYE || ct->purpose == SIP_FOR_FORK_BYE)
		return false;
	if (s->state == SIP_S_LEAVING || s->state == SIP_S_OVER || s->state == SIP_S_CANCELLING)
		return false;

	return status == 481 || status == 408 || (status == 503 && !rsp);
}

static void on_fatal(struct sip_session *s, int status, const struct sip_msg *rsp)
{
	enum sip_cause cause = status == 408 ? SIP_CAUSE_TIMEOUT : rsp ? SIP_CAUSE_PROTOCOL : SIP_CAUSE_TRANSPORT;

	sip_session_leave(s, cause, status);
}

static void dispatch(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	switch ((enum sip_purpose)ct->purpose) {
	case SIP_FOR_INVITE:
		sip_uac_on_invite(s, ct, status, rsp);
		break;
	case SIP_FOR_OFFER:
	case SIP_FOR_REFRESH:
		sip_oa_on_response(s, ct, status, rsp);
		break;
	case SIP_FOR_PRACK:
		sip_rel_on_response(s, ct, status, rsp);
		break;
	case SIP_FOR_BYE:
		if (status >= 200)
			sip_session_end(s, s->cause, s->status, NULL);
		break;
	case SIP_FOR_REFER:
	case SIP_FOR_NOTIFY:
		sip_refer_on_response(s, ct, status, rsp);
		break;
	case SIP_FOR_INFO:
		if (status >= 200 && s->state != SIP_S_OVER) {
			struct sip_stack_event ev = {.type = SIP_EV_NOTIFIED, .status = status, .msg = rsp, .is_final = true};

			sip_session_emit(s, &ev);
		}
		break;
	case SIP_FOR_FORK_BYE:
		break;
	}
}

void sip_session_on_response(void *owner, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_session *s = owner;
	struct sip_dialog *d = dialog_of(s, ct);
	bool is_2xx_invite = ct->method == SIP_INVITE && status >= 200 && status < 300;

	if (status == 0) {
		s->open--;
		sip_session_try_free(s);
		return;
	}
	if (rsp && d && s->stack->packet)
		sip_dialog_heard(d, s->stack->packet);
	if (rsp && (status == 401 || status == 407) && authorize(s, ct, rsp))
		return;
	if (status >= 200) {
		if (!is_2xx_invite)
			s->open--;
		if (s->invite == ct)
			s->invite = NULL;
	}
	if (status >= 200 && is_fatal(s, ct, status, rsp)) {
		if (s->offer_ct == ct)
			s->offer_ct = NULL;
		on_fatal(s, status, rsp);
	} else {
		dispatch(s, ct, status, rsp);
	}
	sip_session_try_free(s);
}

/* ---- requests of the peer ---- */

static void on_unacked(struct sip_session *s)
{
	bool was_leaving = s->state == SIP_S_LEAVING_ACK;

	/* RFC 3261 §13.3.1.4: the dialog stands, so it is ended by a BYE. */
	if (!was_leaving) {
		s->cause = SIP_CAUSE_NO_ACK;
		s->status = 408;
	}
	s->state = SIP_S_LEAVING;
	answer_rest(s);
	sip_se_stop(s);
	sip_session_bye(s, s->dlg, SIP_FOR_BYE);
}

void sip_session_on_strans(void *owner, struct sip_strans *st, enum sip_strans_news news)
{
	struct sip_session *s = owner;

	switch (news) {
	case SIP_STRANS_UNACKED:
		if (s->state == SIP_S_ANSWERED || s->state == SIP_S_LEAVING_ACK || s->state == SIP_S_UP) {
			if (s->incoming == st)
				s->incoming = NULL;
			on_unacked(s);
		}
		break;
	case SIP_STRANS_UNPRACKED:
		if (s->state == SIP_S_INCOMING)
			sip_session_leave(s, SIP_CAUSE_TIMEOUT, 504);
		break;
	case SIP_STRANS_FAILED:
		if (s->incoming == st)
			s->incoming = NULL;
		if (s->state == SIP_S_INCOMING)
			sip_session_end(s, SIP_CAUSE_TRANSPORT, 503, NULL);
		break;
	case SIP_STRANS_GONE:
		break;
	}
	if (news != SIP_STRANS_GONE)
		return;
	if (s->incoming == st)
		s->incoming = NULL;
	if (s->asker == st)
		sip_oa_withdraw(s);
	sip_refer_forget(s, st);
}
