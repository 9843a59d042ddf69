/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/*
 * Session timer, RFC 4028, as UAC and UAS of each request. We refresh by UPDATE where the peer allows it, otherwise by a
 * re-INVITE with our last SDP. Deviation: we offer a timer of our own in a 2xx only to peers that know the extension (§9 would
 * allow it to all), since a refresh surprises phones that do not.
 */

#define LONGEST_SE_S 86400

bool sip_se_is_too_small(const struct sip_stack *stack, const struct sip_msg *req)
{
	struct sip_session_expires se;

	if (stack->params.no_session_timer || !sip_msg_has_token(req, SIP_HDR_SUPPORTED, "timer"))
		return false;

	return sip_session_expires_parse(&se, sip_msg_value(req, SIP_HDR_SESSION_EXPIRES)) == 0 &&
		se.interval < stack->params.min_se_s;
}

/* ---- as UAC ---- */

/* RFC 4028 §7.1: the first request leaves open who refreshes; later ones keep it as it is (§7.4). */
void sip_se_write_request(const struct sip_session *s, struct sip_writer *w, bool is_initial)
{
	bool is_unwanted = is_initial && s->account && s->account->no_session_timer;

	if (s->stack->params.no_session_timer || is_unwanted || (!is_initial && !s->se_s))
		return;
	if (is_initial)
		sip_write_session_expires(w, MAX(s->stack->params.session_expires_s, s->min_se_s), SIP_REFRESHER_NONE);
	else
		sip_write_session_expires(w, s->se_s, s->is_refresher ? SIP_REFRESHER_UAC : SIP_REFRESHER_UAS);
	sip_write_hdr_u32(w, SIP_HDR_MIN_SE, s->min_se_s);
}

/* RFC 4028 §7.2: without Session-Expires in the 2xx the session never expires. */
void sip_se_on_reply(struct sip_session *s, const struct sip_msg *rsp)
{
	struct sip_session_expires se;

	s->se_s = 0;
	if (!s->stack->params.no_session_timer &&
	    sip_session_expires_parse(&se, sip_msg_value(rsp, SIP_HDR_SESSION_EXPIRES)) == 0 && se.interval) {
		s->se_s = CLAMP(se.interval, 32, LONGEST_SE_S);
		s->is_refresher = se.refresher != SIP_REFRESHER_UAS;
	}
	sip_se_start(s);
}

/* RFC 4028 §7.3. */
bool sip_se_too_small(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp, uint32_t cseq,
		      struct sip_ctrans **ret)
{
	char buf[128];
	struct sip_again again = {
		.cseq = cseq,
		.drop = {SIP_HDR_SESSION_EXPIRES, SIP_HDR_MIN_SE},
		.account = s->account,
		.auth_mask = ct->auth_mask,
	};
	struct sip_writer w;
	uint32_t min;

	if (!sip_msg_number(rsp, SIP_HDR_MIN_SE, &min) || min <= s->min_se_s || min > LONGEST_SE_S ||
	    ct->tries >= LIMIT_SIP_AUTH_TRIES)
		return false;
	s->min_se_s = min;
	if (s->se_s)
		s->se_s = MAX(s->se_s, min);
	sip_writer_init(&w, buf, sizeof(buf));
	sip_se_write_request(s, &w, ct->purpose == SIP_FOR_INVITE);

	return sip_writer_finish(&w, &again.headers) == 0 && sip_request_again(ct, &again, ret) == 0;
}

/* ---- as UAS ---- */

void sip_se_note(struct sip_session *s, const struct sip_msg *req)
{
	struct sip_session_expires se;
	uint32_t min;

	if (sip_msg_number(req, SIP_HDR_MIN_SE, &min) && min > s->min_se_s && min <= LONGEST_SE_S)
		s->min_se_s = min;
	s->se_peer_asked = sip_session_expires_parse(&se, sip_msg_value(req, SIP_HDR_SESSION_EXPIRES)) == 0;
	s->se_wish = s->se_peer_asked ? se.refresher : SIP_REFRESHER_NONE;
	s->se_asked_s = s->se_peer_asked ? se.interval : 0;
}

/* RFC 4028 §9: may lower the interval down to Min-SE, never raise it; table 2 says who refreshes. */
void sip_se_write_reply(struct sip_session *s, struct sip_writer *w)
{
	bool peer_knows = s->dlg && s->dlg->peer_has_timer;
	uint32_t ours = s->stack->params.session_expires_s;

	bool is_unwanted = s->account && s->account->no_session_timer;

	if (s->stack->params.no_session_timer || (!s->se_peer_asked && (!peer_knows || is_unwanted))) {
		s->se_s = 0;
		return;
	}

	enum sip_refresher refresher = s->se_wish;
	bool was_running = s->se_s > 0;

	s->se_s = s->se_peer_asked ? MIN(s->se_asked_s, MAX(ours, s->min_se_s)) : MAX(ours, s->min_se_s);
	s->se_s = CLAMP(s->se_s, 32, LONGEST_SE_S);
	if (refresher == SIP_REFRESHER_NONE && was_running)
		refresher = s->is_refresher ? SIP_REFRESHER_UAS : SIP_REFRESHER_UAC;
	if (refresher == SIP_REFRESHER_NONE)
		refresher = s->se_peer_asked && peer_knows ? SIP_REFRESHER_UAC : SIP_REFRESHER_UAS;
	s->is_refresher = refresher == SIP_REFRESHER_UAS;
	sip_write_session_expires(w, s->se_s, refresher);
	if (!s->is_refresher)
		sip_write_hdr_z(w, SIP_HDR_REQUIRE, "timer");
}

/* ---- the clock ---- */

/* RFC 4028 §10: refresh at half of the interval; give up a third, at most 32 s, before its end. */
void sip_se_start(struct sip_session *s)
{
	msec_t now = s->stack->now, interval = s->se_s * INT64_C(1000);

	timer_stop(&s->stack->wheel, &s->clock);
	if (!s->se_s || s->state == SIP_S_OVER || s->state == SIP_S_LEAVING)
		return;
	s->se_deadline = now + interval - MIN(32000, interval / 3);
	timer_start(&s->stack->wheel, &s->clock, s->is_refresher ? now + interval / 2 : s->se_deadline);
}

void sip_se_stop(struct sip_session *s)
{
	timer_stop(&s->stack->wheel, &s->clock);
}

static void again_in(struct sip_session *s, msec_t after)
{
	timer_start(&s->stack->wheel, &s->clock, MIN(s->stack->now + after, s->se_deadline));
}

void sip_se_refreshed(struct sip_session *s, int status)
{
	if (s->se_s)
		again_in(s, sip_rand_range(&s->stack->rand, 2100, 4000));
}

void sip_se_on_clock(struct timer *t, msec_t now)
{
	struct sip_session *s = container_of(t, struct sip_session, clock);
	struct sip_dialog *d = s->dlg;

	if (now >= s->se_deadline) {
		sip_session_leave(s, SIP_CAUSE_EXPIRED, 408);
		return;
	}
	if (s->state != SIP_S_UP || !sip_oa_is_idle(s, d)) {
		again_in(s, 2000);
		return;
	}

	struct span sdp = d->peer_has_update ? (struct span){0} : sip_bytes_span(&d->sdp);

	if (sip_oa_send(s, d, sdp, true) < 0)
		again_in(s, 2000);
	else
		again_in(s, s->se_deadline - now);
}
