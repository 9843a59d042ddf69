/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* What the peer sends to a call that stands or is about to: CANCEL, ACK, BYE and the rest (RFC 3261 §9.2, §12.2.2, §15.1.2). */

/* ---- CANCEL and ACK ---- */

/* RFC 3261 §9.2: the CANCEL itself was answered already. */
void sip_uas_cancel(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req)
{
	if (st != s->incoming || !sip_strans_is_pending(st))
		return;
	s->incoming = NULL;
	sip_strans_detach(st);
	sip_strans_reply_status(st, 487);
	if (s->state == SIP_S_INCOMING) {
		sip_session_end(s, SIP_CAUSE_REMOTE, 487, req);
		return;
	}
	if (s->asker == st)
		sip_oa_withdraw(s);
}

static void on_confirmed(struct sip_session *s, const struct sip_msg *req)
{
	struct sip_stack_event ev = {.type = SIP_EV_CONFIRMED, .msg = req, .status = 200};

	s->state = SIP_S_UP;
	s->was_confirmed = true;
	sip_session_emit(s, &ev);
}

/* The answer to our offer in a 2xx; false: the call is ending. */
static bool take_ack_sdp(struct sip_session *s, struct sip_dialog *d, const struct sip_msg *req)
{
	struct sip_stack_event ev = {.type = SIP_EV_ANSWER, .msg = req, .sdp = sip_sdp_of(req), .status = 200};

	if (d->oa != SIP_OA_LOCAL || s->offer_ct)
		return true;
	if (!ev.sdp.n) {
		if (s->state == SIP_S_ANSWERED)
			s->state = SIP_S_UP;
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 488);
		return false;
	}
	d->oa = SIP_OA_STABLE;
	sip_session_emit(s, &ev);

	return true;
}

void sip_uas_ack(struct sip_session *s, struct sip_dialog *d, const struct sip_msg *req)
{
	struct sip_strans *st = s->incoming;

	if (!st || st->state != SIP_TRANS_ACCEPTED || st->cseq != req->cseq.number || d != s->dlg)
		return;
	s->incoming = NULL;
	sip_strans_detach(st);
	sip_strans_acked(st);
	if (s->state == SIP_S_LEAVING_ACK) {
		s->state = SIP_S_LEAVING;
		sip_se_stop(s);
		sip_session_bye(s, d, SIP_FOR_BYE);
		return;
	}
	if (!take_ack_sdp(s, d, req))
		return;
	if (s->state == SIP_S_ANSWERED)
		on_confirmed(s, req);
	sip_oa_try(s);
}

/* ---- requests inside of the call ---- */

static void on_bye(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req)
{
	sip_strans_reply_status(st, 200);
	if (s->state == SIP_S_CALLING || s->state == SIP_S_CANCELLING)
		return; /* a callee may not end an early dialog so (§15); the INVITE's answer decides */
	/* Before the ACK of our first 2xx: it was overtaken, or is not needed any more. */
	if ((s->state == SIP_S_ANSWERED || s->state == SIP_S_LEAVING_ACK) && s->incoming)
		sip_strans_acked(s->incoming);
	if (s->state == SIP_S_LEAVING || s->state == SIP_S_LEAVING_ACK)
		sip_session_end(s, s->cause, s->status, NULL);
	else
		sip_session_end(s, SIP_CAUSE_REMOTE, s->was_answered ? 200 : 487, req);
}

static void on_info(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req)
{
	struct sip_stack_event ev = {
		.type = SIP_EV_INFO,
		.msg = req,
		.packet = s->stack->packet,
		.body = req->body,
		.content_type = sip_msg_value(req, SIP_HDR_CONTENT_TYPE),
	};

	sip_strans_reply_status(st, 200);
	sip_session_emit(s, &ev);
}

static void reply_with(struct sip_strans *st, int status, struct span headers)
{
	struct sip_answer a = {.status = status, .headers = headers};

	if (sip_strans_reply(st, &a) < 0)
		st->stack->stats.out_dropped++;
}

void sip_uas_request(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req)
{
	if (s->state == SIP_S_OVER || d->is_refused) {
		sip_strans_reply_status(st, 481);
		return;
	}
	if (!sip_dialog_take_cseq(d, req)) {
		reply_with(st, 500, SPAN_LIT("Retry-After: 1\r\n")); /* RFC 3261 §12.2.2 */
		return;
	}
	sip_dialog_heard(d, s->stack->packet);
	switch (req->method) {
	case SIP_BYE:
		on_bye(s, st, req);
		break;
	case SIP_INVITE:
		sip_oa_invite(s, d, st, req);
		break;
	case SIP_UPDATE:
		if (s->stack->params.no_update)
			reply_with(st, 405, SPAN_LIT("Allow: " SIP_ALLOW_NO_UPDATE "\r\n"));
		else
			sip_oa_update(s, d, st, req);
		break;
	case SIP_PRACK:
		sip_rel_on_prack(s, d, st, req);
		break;
	case SIP_INFO:
		on_info(s, st, req);
		break;
	case SIP_REFER:
		sip_refer_on_request(s, d, st, req);
		break;
	case SIP_NOTIFY:
		sip_refer_on_notify(s, st, req);
		break;
	case SIP_OPTIONS:
		reply_with(st, 200, SPAN_LIT("Allow: " SIP_ALLOW "\r\nAccept: " SIP_ACCEPT "\r\n"));
		break;
	case SIP_SUBSCRIBE:
		reply_with(st, 489, SPAN_LIT("Allow-Events: refer\r\n"));
		break;
	default:
		reply_with(st, 405, SPAN_LIT("Allow: " SIP_ALLOW "\r\n"));
		break;
	}
}
