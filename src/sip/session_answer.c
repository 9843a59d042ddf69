/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* Offers of the peer, wherever they come from, and the user's answers to them: the other half of session_oa.c. */

/* ---- the peer's ---- */

void sip_oa_peer_offer(struct sip_session *s, struct sip_dialog *d, enum sip_answer_way way, const struct sip_msg *msg)
{
	struct sip_stack_event ev = {.type = SIP_EV_OFFER, .msg = msg, .status = msg->is_request ? 0 : msg->status,
				     .sdp = sip_sdp_of(msg), .fork = d->fork};
	bool is_overtaken = s->has_offer && !s->offer_ct;

	if (s->way != SIP_BY_NONE)
		return;
	s->way = way;
	s->way_dlg = d;
	if (way != SIP_BY_OFFER)
		d->oa = SIP_OA_REMOTE;
	sip_session_emit(s, &ev);
	if (is_overtaken && s->has_offer && !s->offer_ct && !sip_session_is_leaving(s))
		sip_oa_failed(s, 491, msg);
}

void sip_oa_withdraw(struct sip_session *s)
{
	if (s->way_dlg && s->way_dlg->oa == SIP_OA_REMOTE)
		s->way_dlg->oa = SIP_OA_STABLE;
	s->asker = NULL;
	s->way = SIP_BY_NONE;
	sip_oa_try(s);
}

static void refuse_now(struct sip_session *s, struct sip_strans *st, int status)
{
	char buf[64];
	struct sip_answer a = {.status = status};
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	if (status == 500)
		sip_write_hdr_u32(&w, SIP_HDR_RETRY_AFTER, sip_rand_range(&s->stack->rand, 0, 10));
	if (status == 422)
		sip_write_hdr_u32(&w, SIP_HDR_MIN_SE, s->stack->params.min_se_s);
	if (sip_writer_finish(&w, &a.headers) < 0 || sip_strans_reply(st, &a) < 0)
		s->stack->stats.out_dropped++;
}

/* RFC 3261 §14.2: 500 while an INVITE of the peer waits for our answer, 491 while one of ours waits for the peer's. */
static int invite_obstacle(const struct sip_session *s, const struct sip_dialog *d)
{
	if (sip_session_is_leaving(s))
		return 481;
	if (s->incoming && sip_strans_is_pending(s->incoming))
		return s->state == SIP_S_UP ? 500 : 491;
	if (s->state != SIP_S_UP || s->incoming)
		return 491; /* our 2xx still waits for its ACK: RFC 5407 §3.1.4 */
	if (s->offer_ct && (s->offer_ct->method == SIP_INVITE || d->oa == SIP_OA_LOCAL))
		return 491;
	if (s->way == SIP_BY_ACK || d->oa == SIP_OA_LOCAL)
		return 491;
	if (s->asker || d->oa == SIP_OA_REMOTE)
		return 500;

	return 0;
}

static void attend(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st)
{
	s->asker = st;
	st->fn = sip_session_on_strans;
	st->owner = s;
	st->ref = d;
}

void sip_oa_invite(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req)
{
	int obstacle = invite_obstacle(s, d);

	if (!obstacle && sip_se_is_too_small(s->stack, req))
		obstacle = 422;
	if (obstacle) {
		refuse_now(s, st, obstacle);
		return;
	}
	sip_dialog_refresh(d, req);
	sip_se_note(s, req);
	attend(s, d, st);
	s->incoming = st;
	sip_oa_peer_offer(s, d, sip_sdp_of(req).n ? SIP_BY_REPLY : SIP_BY_OFFER, req);
}

/* RFC 3311 §5.2. */
static int update_obstacle(const struct sip_session *s, const struct sip_dialog *d, bool has_offer)
{
	if (sip_session_is_leaving(s))
		return 481;
	if (!has_offer)
		return 0;
	if (d->oa == SIP_OA_LOCAL || s->way == SIP_BY_ACK || (s->offer_ct && s->offer_ct->method == SIP_INVITE))
		return 491;
	if (d->oa != SIP_OA_STABLE || s->asker || s->is_rel_pending)
		return 500;

	return 0;
}

static int write_se(struct sip_session *s, char *buf, size_t cap, struct span *ret)
{
	struct sip_writer w;

	sip_writer_init(&w, buf, cap);
	if (s->was_answered)
		sip_se_write_reply(s, &w);

	return sip_writer_finish(&w, ret);
}

void sip_oa_update(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req)
{
	char buf[128];
	struct span headers;
	bool has_offer = sip_sdp_of(req).n > 0;
	int obstacle = update_obstacle(s, d, has_offer);

	if (!obstacle && sip_se_is_too_small(s->stack, req))
		obstacle = 422;
	if (obstacle) {
		refuse_now(s, st, obstacle);
		return;
	}
	sip_dialog_refresh(d, req);
	sip_se_note(s, req);
	st->ref = d;
	if (has_offer) {
		attend(s, d, st);
		sip_oa_peer_offer(s, d, SIP_BY_REPLY, req);
		return;
	}
	if (write_se(s, buf, sizeof(buf), &headers) < 0 || sip_uas_reply(s, st, 200, (struct span){0}, headers) < 0)
		s->stack->stats.out_dropped++;
	if (s->was_answered)
		sip_se_start(s);
}

/* ---- the user's answer ---- */

static int answer_by_reply(struct sip_session *s, struct span sdp)
{
	char buf[128];
	struct span headers = {0};
	struct sip_strans *st = s->asker;
	bool is_prack = st->method == SIP_PRACK;
	int err = is_prack ? 0 : write_se(s, buf, sizeof(buf), &headers);

	if (err == 0)
		err = sip_uas_reply(s, st, 200, sdp, headers);
	if (err < 0)
		return err;
	s->asker = NULL;
	if (st->method != SIP_INVITE)
		sip_strans_detach(st);
	s->way_dlg->oa = s->way == SIP_BY_OFFER ? SIP_OA_LOCAL : SIP_OA_STABLE;
	if (!is_prack && s->was_answered)
		sip_se_start(s);

	return 0;
}

static int answer(struct sip_session *s, struct span sdp)
{
	struct sip_dialog *d = s->way_dlg;
	int err = -TR_ESTATE;

	switch (s->way) {
	case SIP_BY_NONE:
		return err;
	case SIP_BY_ACK:
		err = sip_dialog_ack(d, s->way_cseq, sip_bytes_span(&s->way_auth), sdp);
		sip_bytes_free(&s->way_auth);
		break;
	case SIP_BY_PRACK:
		err = sip_rel_send_prack(s, d, sdp);
		break;
	case SIP_BY_REPLY:
	case SIP_BY_OFFER:
		err = answer_by_reply(s, sdp);
		break;
	}
	if (err < 0)
		return err;
	if (s->way == SIP_BY_ACK || s->way == SIP_BY_PRACK)
		d->oa = SIP_OA_STABLE;
	s->way = SIP_BY_NONE;

	return sip_bytes_set(&d->sdp, sdp);
}

static void go_on(struct sip_session *s)
{
	if (s->state == SIP_S_INCOMING && sip_uas_send_held(s) < 0)
		s->stack->stats.out_dropped++;
	sip_oa_try(s);
}

int sip_session_answer(struct sip_session *s, struct span sdp, msec_t now)
{
	if (sip_session_is_leaving(s) || s->way == SIP_BY_NONE)
		return -TR_ESTATE;
	if (!sdp.n)
		return -EINVAL;
	sip_stack_enter(s->stack, now);

	int err = answer(s, sdp);

	if (err == 0)
		go_on(s);
	sip_stack_leave(s->stack);

	return err;
}

static void refuse(struct sip_session *s, int status)
{
	struct sip_strans *st = s->asker;

	if (!st) {
		sip_session_leave(s, SIP_CAUSE_LOCAL, status);
		return;
	}
	if (s->incoming == st)
		s->incoming = NULL;
	sip_strans_detach(st);
	sip_strans_reply_status(st, status);
	sip_oa_withdraw(s);
}

int sip_session_refuse(struct sip_session *s, int status, msec_t now)
{
	if (sip_session_is_leaving(s) || s->way == SIP_BY_NONE || status < 300 || status > 699)
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);
	refuse(s, status);
	go_on(s);
	sip_stack_leave(s->stack);

	return 0;
}
