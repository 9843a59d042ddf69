/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* Reliable provisional responses, RFC 3262, both sides. As UAS one at a time: later ones wait for its PRACK. */

/* ---- as UAC ---- */

/* RFC 3262 §4: in order only; what comes again was acknowledged already, and PRACK is sent again by its own transaction. */
void sip_rel_on_1xx(struct sip_session *s, struct sip_dialog *d, struct sip_ctrans *ct, const struct sip_msg *rsp,
		    bool *ret_is_new)
{
	uint32_t rseq;

	*ret_is_new = false;
	if (!sip_msg_number(rsp, SIP_HDR_RSEQ, &rseq) || rseq == 0)
		return;
	if (d->rseq_seen && rseq != d->rseq_seen + 1) {
		s->stack->stats.retransmits_in++;
		return;
	}
	d->rseq_seen = rseq;
	d->rack_cseq = ct->cseq;
	*ret_is_new = true;
}

int sip_rel_send_prack(struct sip_session *s, struct sip_dialog *d, struct span sdp)
{
	char buf[256];
	struct sip_rack rack = {
		.rseq = d->rseq_seen,
		.cseq = d->rack_cseq,
		.method = SIP_INVITE,
		.method_name = sip_method_word(SIP_INVITE),
	};
	struct sip_dialog_request r = {
		.method = SIP_PRACK,
		.content_type = SPAN_LIT("application/sdp"),
		.body = sdp,
	};
	struct sip_ctrans *ct;
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_rack(&w, &rack);

	int err = sip_writer_finish(&w, &r.headers);

	return err < 0 ? err : sip_session_send(s, d, &r, SIP_FOR_PRACK, d, &ct);
}

void sip_rel_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	/* The peer refused the PRACK: what it said reliably does not hold, and there is no way to repair it. */
	if (status >= 300 && s->state == SIP_S_CALLING)
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, status);
}

/* ---- as UAS ---- */

static bool is_match(const struct sip_session *s, const struct sip_msg *req)
{
	struct sip_rack rack;

	return s->is_rel_pending && s->incoming && sip_rack_parse(&rack, sip_msg_value(req, SIP_HDR_RACK)) == 0 &&
		rack.rseq == s->rseq && rack.cseq == s->incoming->cseq && rack.method == SIP_INVITE;
}

static void take_answer(struct sip_session *s, struct sip_dialog *d, const struct sip_msg *req, struct span sdp)
{
	struct sip_stack_event ev = {.type = SIP_EV_ANSWER, .msg = req, .sdp = sdp, .status = 200};

	d->oa = SIP_OA_STABLE;
	sip_session_emit(s, &ev);
}

/* RFC 3262 §3, §5: the answer to our offer, or a new offer after our answer. */
void sip_rel_on_prack(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req)
{
	struct span sdp = sip_sdp_of(req);

	if (!is_match(s, req)) {
		sip_strans_reply_status(st, 481);
		return;
	}
	s->is_rel_pending = false;
	sip_strans_pracked(s->incoming);
	if (sdp.n && d->oa == SIP_OA_STABLE) {
		s->asker = st;
		st->fn = sip_session_on_strans;
		st->owner = s;
		st->ref = d;
		sip_oa_peer_offer(s, d, SIP_BY_REPLY, req);
		return;
	}
	sip_strans_reply_status(st, 200);
	if (d->oa == SIP_OA_LOCAL && sdp.n) {
		take_answer(s, d, req, sdp);
	} else if (d->oa == SIP_OA_LOCAL) {
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 488);
		return;
	}
	if (s->state == SIP_S_INCOMING && sip_uas_send_held(s) < 0)
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 500);
}
