/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* Calls that we place: the INVITE, its forks, and its final answer (RFC 3261 §13.2). */

#define LONGEST_RING_S 900 /* a peer that rings for ever and a caller that never gives up */

/* ---- the INVITE ---- */

static int write_from(struct sip_session *s, const struct sip_invite *inv, char *buf, size_t cap)
{
	struct sip_account *a = s->account;
	char tag[SIP_TAG_CHARS + 1];
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, cap);
	if (inv->from.n) {
		sip_write_span(&w, inv->from);
	} else {
		struct sip_addr_params p = {.display = sip_bytes_span(&a->display_name), .uri = sip_bytes_span(&a->aor)};

		sip_write_name_addr(&w, &p);
	}
	sip_write_z(&w, ";tag=");
	sip_write_span(&w, sip_stack_token(s->stack, tag, SIP_TAG_CHARS));

	int err = sip_writer_finish(&w, &text);

	return err < 0 ? err : sip_bytes_set(&s->invite_from, text);
}

static int write_contact(struct sip_session *s, const struct sip_invite *inv, char *buf, size_t cap)
{
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, cap);
	s->is_secure = span_istarts(inv->target, "sips:");
	sip_account_write_contact(s->account, &w, s->is_secure);

	int err = sip_writer_finish(&w, &text);

	if (err == 0)
		err = sip_bytes_set(&s->invite_contact, text);
	if (err == 0)
		err = sip_bytes_set(&s->invite_sent_by, sip_bytes_span(&s->account->sent_by));

	return err;
}

static int write_headers(struct sip_session *s, const struct sip_invite *inv, char *buf, size_t cap, struct span *ret)
{
	struct sip_writer w;

	sip_writer_init(&w, buf, cap);
	sip_session_write_caps(s, &w);
	if (inv->require_100rel)
		sip_write_hdr_z(&w, SIP_HDR_REQUIRE, "100rel");
	sip_se_write_request(s, &w, true);
	if (inv->expires_s)
		sip_write_hdr_u32(&w, SIP_HDR_EXPIRES, inv->expires_s);
	if (w.err == 0 && w.cap - w.n < inv->headers.n + s->account->headers.n)
		return -TR_ETOOBIG;
	if (s->account->headers.n)
		memcpy(w.buf + w.n, s->account->headers.p, s->account->headers.n);
	w.n += s->account->headers.n;
	if (inv->headers.n)
		memcpy(w.buf + w.n, inv->headers.p, inv->headers.n);
	w.n += inv->headers.n;

	return sip_writer_finish(&w, ret);
}

/* Service-Route of the registration (RFC 3608 §6.1) before what was configured. */
static struct span routes_of(const struct sip_account *a)
{
	return a->service_route.n ? sip_bytes_span(&a->service_route) : sip_bytes_span(&a->routes);
}

static int find_dest(const struct sip_account *a, const struct sip_invite *inv, struct sip_dest *ret)
{
	struct span rest = routes_of(a), first, target = inv->target;
	struct sip_name_addr addr;

	bool is_secure = span_istarts(target, "sips:");
	int err = 0;

	if (rest.n && sip_comma_next(&rest, &first) && sip_name_addr_parse(&addr, first) == 0)
		target = addr.uri.text;
	if (inv->dest && !a->service_route.n)
		*ret = *inv->dest;
	else if (a->proxy.host.n || addr_is_set(&a->proxy.addr))
		*ret = a->proxy;
	else
		err = sip_uri_dest(target, a->transport, ret);
	ret->tls = a->tls;
	/* RFC 3261 §26.2.2: a sips: URI never goes the first hop in the open. */
	if (err == 0 && is_secure && ret->transport != SIP_TLS && ret->transport != SIP_WSS)
		err = -TR_EUNSUPP;

	return err;
}

static int write_to(const struct sip_invite *inv, char *buf, size_t cap, struct span *ret)
{
	struct sip_addr_params p = {.uri = inv->target};
	struct sip_writer w;

	*ret = inv->to;
	if (inv->to.n)
		return 0;
	sip_writer_init(&w, buf, cap);
	sip_write_name_addr(&w, &p);

	return sip_writer_finish(&w, ret);
}

static int send_invite(struct sip_session *s, const struct sip_invite *inv)
{
	char to[LIMIT_SIP_URI_BYTES], headers[SIP_HEADERS_BYTES];
	struct sip_ctrans_params params = {.fn = sip_session_on_response, .owner = s, .purpose = SIP_FOR_INVITE};
	struct sip_request r = {
		.method = SIP_INVITE,
		.uri = inv->target,
		.from = sip_bytes_span(&s->invite_from),
		.call_id = sip_bytes_span(&s->call_id),
		.cseq = s->invite_cseq,
		.routes = routes_of(s->account),
		.contact = sip_bytes_span(&s->invite_contact),
		.content_type = SPAN_LIT("application/sdp"),
		.body = inv->sdp,
		.sent_by = sip_bytes_span(&s->account->sent_by),
		.account = s->account,
	};
	int err = write_to(inv, to, sizeof(to), &r.to);

	if (err == 0)
		err = write_headers(s, inv, headers, sizeof(headers), &r.headers);
	if (err == 0)
		err = find_dest(s->account, inv, &params.dest);
	r.transport = params.dest.transport;
	if (err == 0)
		err = sip_request_send(s->stack, &r, &params, &s->invite);
	if (err == 0)
		s->open++;

	return err;
}

static int prepare(struct sip_session *s, const struct sip_invite *inv)
{
	char buf[LIMIT_SIP_URI_BYTES];
	struct span call_id = inv->call_id;
	int err = write_from(s, inv, buf, sizeof(buf));

	if (err == 0)
		err = write_contact(s, inv, buf, sizeof(buf));
	if (err == 0)
		err = sip_bytes_set(&s->invite_sdp, inv->sdp);
	if (!call_id.n)
		call_id = sip_stack_token(s->stack, buf, 24);
	if (err == 0)
		err = sip_bytes_set(&s->call_id, call_id);

	return err;
}

int sip_session_invite(struct sip_stack *stack, const struct sip_invite *inv, msec_t now, struct sip_session **ret)
{
	if (!inv->account || stack->calls >= stack->params.max_calls)
		return inv->account ? -TR_ELIMIT : -EINVAL;
	sip_stack_enter(stack, now);

	struct sip_session *s = sip_session_new(stack, true);
	int err = s ? 0 : -ENOMEM;

	if (err == 0) {
		s->account = sip_account_ref(inv->account);
		s->invite_cseq = sip_rand_range(&stack->rand, 1, 10000);
		err = prepare(s, inv);
	}
	if (err == 0)
		err = send_invite(s, inv);
	if (err < 0 && s)
		sip_session_destroy(s);
	if (err == 0)
		timer_start(&stack->wheel, &s->expire,
			    now + (inv->expires_s ? inv->expires_s : LONGEST_RING_S) * INT64_C(1000));
	if (err == 0)
		*ret = s;
	sip_stack_leave(stack);

	return err;
}

/* ---- forks ---- */

/* The dialog of a response, made when it is the first of its fork; NULL: none, or one fork too many. */
static struct sip_dialog *dialog_for(struct sip_session *s, const struct sip_msg *rsp)
{
	struct sip_dialog *d;

	list_each(&s->dialogs, struct sip_dialog, link, it)
		if (span_eq(it->remote_tag, rsp->to_tag))
			return it;
	/* A few more than the limit, so that a 2xx of a fork beyond it can still be refused. */
	if (s->forks >= 2 * LIMIT_SIP_FORKS || (rsp->status < 200 && s->forks >= LIMIT_SIP_FORKS))
		return NULL;

	struct span from = sip_bytes_span(&s->invite_from);
	struct sip_dialog_names ours = {
		.call_id = sip_bytes_span(&s->call_id),
		.from = from,
		.tag = span(from.p + from.n - SIP_TAG_CHARS, SIP_TAG_CHARS),
		.cseq = s->invite_cseq,
	};

	if (sip_dialog_new_uac(s, s->stack, &ours, rsp, &d) < 0)
		return NULL;
	if (sip_bytes_set(&d->contact, sip_bytes_span(&s->invite_contact)) < 0 ||
	    sip_bytes_set(&d->sent_by, sip_bytes_span(&s->invite_sent_by)) < 0) {
		sip_dialog_free(d);
		return NULL;
	}
	d->tls = s->account ? s->account->tls : d->tls; /* it may have been taken away since the INVITE */
	d->oa = s->invite_sdp.n ? SIP_OA_LOCAL : SIP_OA_NONE;
	d->fork = s->forks++;
	list_append(&s->dialogs, &d->link);

	return d;
}

/* ---- provisional ---- */

static bool is_reliable_1xx(const struct sip_session *s, const struct sip_msg *rsp)
{
	return sip_session_has_100rel(s) && sip_msg_find(rsp, SIP_HDR_RSEQ) &&
		sip_msg_has_token(rsp, SIP_HDR_REQUIRE, "100rel");
}

/* Whether an UPDATE of ours is what waits for an answer, and not the INVITE. */
static bool is_updating(const struct sip_session *s, const struct sip_dialog *d)
{
	return s->offer_ct && s->offer_ct->ref == d;
}

/* What SDP in a 1xx means: RFC 3261 §13.2.1, RFC 3262 §5. Returns what the user is to see of it. */
static struct span take_early_sdp(struct sip_session *s, struct sip_dialog *d, const struct sip_msg *rsp, bool is_reliable,
				  bool *ret_is_offer)
{
	struct span sdp = sip_sdp_of(rsp);

	*ret_is_offer = false;
	if (!sdp.n || !d || is_updating(s, d))
		return (struct span){0};
	if (d->oa == SIP_OA_LOCAL) {
		if (is_reliable)
			d->oa = SIP_OA_STABLE;
		else
			d->has_preview = true;
		return sdp;
	}
	*ret_is_offer = is_reliable && d->oa == SIP_OA_NONE;

	return (struct span){0};
}

static void on_provisional(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	bool is_reliable, is_offer, is_new = true;

	if (s->state == SIP_S_CANCELLING)
		sip_ctrans_cancel(ct, sip_bytes_span(&s->bye_reason));
	if (s->state != SIP_S_CALLING || status == 100)
		return;

	struct sip_dialog *d = rsp->to_tag.n ? dialog_for(s, rsp) : NULL;

	is_reliable = d && is_reliable_1xx(s, rsp);
	if (is_reliable)
		sip_rel_on_1xx(s, d, ct, rsp, &is_new);
	if (!is_new)
		return;
	if (d) {
		sip_dialog_heard(d, s->stack->packet);
		sip_dialog_refresh(d, rsp);
	}

	struct sip_stack_event ev = {.type = SIP_EV_PROGRESS, .status = status, .msg = rsp, .reason = rsp->reason};

	ev.sdp = take_early_sdp(s, d, rsp, is_reliable, &is_offer);
	ev.fork = d ? d->fork : 0;
	if (is_reliable && !is_offer && sip_rel_send_prack(s, d, (struct span){0}) < 0)
		s->stack->stats.out_dropped++;
	sip_session_emit(s, &ev);
	if (is_offer && s->state == SIP_S_CALLING)
		sip_oa_peer_offer(s, d, SIP_BY_PRACK, rsp);
}

/* ---- 2xx ---- */

struct span sip_uac_auth_lines(struct sip_ctrans *ct, char *buf, size_t cap)
{
	struct sip_writer w;
	struct sip_msg req;
	struct span text;

	if (!ct->auth_mask || !ct->request.p || sip_msg_parse(&req, ct->request.p, ct->request_n) < 0)
		return (struct span){0};
	sip_writer_init(&w, buf, cap);
	sip_write_copy(&w, &req, SIP_HDR_AUTHORIZATION);
	sip_write_copy(&w, &req, SIP_HDR_PROXY_AUTHORIZATION);

	return sip_writer_finish(&w, &text) == 0 ? text : (struct span){0};
}

/* A fork that came too late, or after we wanted out: RFC 3261 §13.2.2.4, ACK and BYE. */
static void refuse_fork(struct sip_session *s, struct sip_dialog *d, struct sip_ctrans *ct, struct span auth)
{
	d->is_refused = true;
	if (sip_dialog_ack(d, ct->cseq, auth, (struct span){0}) < 0)
		return;
	if (s->state == SIP_S_CANCELLING && !s->dlg) {
		s->dlg = d;
		s->state = SIP_S_LEAVING;
		sip_session_bye(s, d, SIP_FOR_BYE);
		return;
	}
	sip_session_bye(s, d, SIP_FOR_FORK_BYE);
}

/* Offer and answer in the 2xx (§13.2.2.4). -TR_EPARSE: the peer broke its rules. */
static int take_sdp(struct sip_session *s, struct sip_dialog *d, struct span sdp, struct span *ret_answer,
		    bool *ret_is_offer)
{
	*ret_is_offer = false;
	if (is_updating(s, d))
		return 0;
	switch (d->oa) {
	case SIP_OA_LOCAL:
		if (!sdp.n && !d->has_preview)
			return -TR_EPARSE;
		d->oa = SIP_OA_STABLE;
		*ret_answer = sdp;
		return 0;
	case SIP_OA_NONE:
		*ret_is_offer = true;
		return sdp.n ? 0 : -TR_EPARSE;
	case SIP_OA_REMOTE:
		return -TR_EPARSE; /* it must wait for our PRACK, RFC 3262 §5 */
	case SIP_OA_STABLE:
		break;
	}

	return 0;
}

static void win(struct sip_session *s, struct sip_dialog *d, struct sip_ctrans *ct, const struct sip_msg *rsp,
		struct span auth)
{
	struct sip_stack_event ev = {.type = SIP_EV_ANSWERED, .status = rsp->status, .msg = rsp, .reason = rsp->reason,
				     .fork = d->fork};
	struct span none = {0};
	bool is_offer;

	s->dlg = d;
	s->state = SIP_S_UP;
	s->was_answered = s->was_confirmed = true;
	if (s->offer_ct && s->offer_ct->ref != d)
		s->offer_ct = NULL; /* an UPDATE to a fork that lost: the offer is made to the winner again */
	d->is_confirmed = true;
	timer_stop(&s->stack->wheel, &s->expire);
	sip_session_set_sdp_of_invite(s, d);
	sip_se_on_reply(s, rsp);

	int err = take_sdp(s, d, sip_sdp_of(rsp), &ev.sdp, &is_offer);

	if (err < 0 || !is_offer) {
		if (sip_dialog_ack(d, ct->cseq, auth, none) < 0)
			s->stack->stats.out_dropped++;
	}
	if (err < 0) {
		sip_session_leave(s, SIP_CAUSE_PROTOCOL, 488);
		return;
	}
	if (is_offer) {
		s->way = SIP_BY_NONE; /* an offer in a 1xx of another fork is void now */
		s->way_cseq = ct->cseq;
		if (sip_bytes_set(&s->way_auth, auth) < 0)
			s->stack->stats.out_dropped++;
	}
	sip_session_emit(s, &ev);
	if (is_offer && s->state == SIP_S_UP)
		sip_oa_peer_offer(s, d, SIP_BY_ACK, rsp);
	sip_oa_try(s);
}

static void on_success(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	char auth[SIP_HEADERS_BYTES];
	struct sip_dialog *d = dialog_for(s, rsp);

	if (!d)
		return;
	if (d->is_confirmed || d->is_refused) {
		s->stack->stats.retransmits_in++;
		if (d->ack_cseq == ct->cseq)
			sip_dialog_ack_again(d);
		return;
	}
	sip_dialog_heard(d, s->stack->packet);
	sip_dialog_refresh(d, rsp);

	struct span lines = sip_uac_auth_lines(ct, auth, sizeof(auth));

	if (s->state == SIP_S_CALLING)
		win(s, d, ct, rsp, lines);
	else
		refuse_fork(s, d, ct, lines);
}

/* ---- failure ---- */

/* RFC 3261 §21.4.16: the callee insists on 100rel, which we only offered. */
static bool require_100rel(struct sip_session *s, struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	struct sip_again again = {
		.cseq = s->invite_cseq + 1,
		.headers = SPAN_LIT("Require: 100rel\r\n"),
		.drop = {SIP_HDR_REQUIRE},
		.account = s->account,
		.auth_mask = ct->auth_mask,
	};

	return sip_session_has_100rel(s) && ct->tries < LIMIT_SIP_AUTH_TRIES &&
		sip_msg_has_token(rsp, SIP_HDR_REQUIRE, "100rel") && sip_request_again(ct, &again, &s->invite) == 0;
}

/* True if the INVITE was sent again as the answer asks. */
static bool ask_again(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	bool is_sent = false;

	if (!rsp || s->state != SIP_S_CALLING)
		return false;
	if (status == 422)
		is_sent = sip_se_too_small(s, ct, rsp, s->invite_cseq + 1, &s->invite);
	else if (status == 421)
		is_sent = require_100rel(s, ct, rsp);
	if (is_sent) {
		s->invite_cseq++;
		s->open++;
	}

	return is_sent;
}

static void on_failure(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	enum sip_cause cause = SIP_CAUSE_REMOTE;

	if (ask_again(s, ct, status, rsp))
		return;
	if (s->state == SIP_S_CANCELLING) {
		cause = s->cause;
		status = s->status;
	} else if (status == 401 || status == 407) {
		cause = SIP_CAUSE_AUTH;
	} else if (!rsp) {
		cause = status == 408 ? SIP_CAUSE_TIMEOUT : SIP_CAUSE_TRANSPORT;
	}
	sip_session_end(s, cause, status, rsp);
}

void sip_uac_on_invite(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	if (status < 200)
		on_provisional(s, ct, status, rsp);
	else if (status < 300)
		on_success(s, ct, rsp);
	else
		on_failure(s, ct, status, rsp);
}
