/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"
#include "call/text.h"
#include "sip/hdr.h"
#include "sip/msg.h"

/*
 * The SIP leg of a call: events of the stack in, requests and replies out. States are in call.h; set_state is the only place that
 * changes them.
 */
#define REASON_TEXT_MAX 120

static void set_state(struct call *c, enum call_state state)
{
	if (c->rec.state == state)
		return;

	msec_t now = calls_now(c->owner);

	c->rec.state = state;
	if (state == CALL_RINGING)
		c->rec.ringing_at = now;
	else if (state == CALL_UP && !c->rec.answered_at)
		c->rec.answered_at = now;
	else if (state == CALL_ENDED)
		c->rec.ended_at = now;
	call_changed(c, call_state_name(state));
}

/* ---- ending ---------------------------------------------------------------------------------------------------------- */

/* The SIP part is over: everything else is told to let go. */
static void on_session_over(struct call *c)
{
	struct calls *cs = c->owner;

	c->session = NULL;
	set_state(c, CALL_ENDED);
	recording_on_over(c);
	collect_on_over(c);
	room_on_over(c);
	conference_on_over(c);
	park_on_joined(c);
	queue_on_over(c);
	xfer_on_over(c);
	xfer_on_leg_over(c);
	bridge_on_over(c);
	if (cs->p.hooks.ended)
		cs->p.hooks.ended(cs->p.hooks.ctx, c->plan.owner);
	brain_stop(c);
	leg_close_media(c);
	call_retire_if_done(c);
}

void call_hangup(struct call *c, enum call_end by, const char *why)
{
	char reason[200];

	call_record_end(&c->rec, by, 0, "%s", why);
	if (!c->session && c->is_gathering) {
		c->is_gathering = false; /* nothing was sent yet */
		on_session_over(c);
		return;
	}
	if (!c->session || c->rec.state == CALL_ENDING)
		return;

	snprintf(reason, sizeof(reason), "Q.850;cause=16;text=\"%.*s\"", (int)text_quotable(c->rec.cause, REASON_TEXT_MAX), c->rec.cause);
	set_state(c, CALL_ENDING);
	sip_session_hangup(c->session, span_z(reason), calls_now(c->owner));
}

/* A plan that never became a call's. */
static void release(struct calls *cs, const struct call_plan *plan)
{
	if (cs->p.hooks.release)
		cs->p.hooks.release(cs->p.hooks.ctx, plan->owner);
}

static void refuse(struct call *c, int status, const char *why)
{
	struct sip_reply reply = {.status = status, .retry_after_s = status == 503 ? 5 : 0};

	call_record_end(&c->rec, CALL_END_US, status, "%s", why);
	set_state(c, CALL_ENDING);
	if (sip_session_reject(c->session, &reply, calls_now(c->owner)) != 0)
		sip_session_hangup(c->session, span(NULL, 0), calls_now(c->owner));
}

/* ---- incoming -------------------------------------------------------------------------------------------------------- */

static void copy_span(struct span s, char *ret, size_t cap)
{
	if (s.n >= cap)
		s.n = cap - 1;
	(void)span_copy(s, ret, cap);
}

/* Who calls whom, for people: the user part, or the whole URI when there is none. */
static void name_parties(struct call *c, const struct sip_msg *msg)
{
	struct sip_name_addr from;
	struct span who = msg->from;

	if (sip_name_addr_parse(&from, msg->from) == 0)
		who = from.uri.user.n ? from.uri.user : from.uri.text;
	copy_span(who, c->rec.from, sizeof(c->rec.from));
	copy_span(msg->uri.user.n ? msg->uri.user : msg->request_uri, c->rec.to, sizeof(c->rec.to));
	copy_span(msg->call_id, c->rec.sip_call_id, sizeof(c->rec.sip_call_id));
}

static int accept_with(struct call *c, const struct sdp_body *body)
{
	struct sip_reply ok = {.status = 200, .sdp = sdp_body_span(body)};
	int err = sip_session_accept(c->session, &ok, calls_now(c->owner));

	if (err)
		return err;

	set_state(c, CALL_UP);
	if (c->has_media)
		brain_start(c);

	return 0;
}

/* Media first, so that what cannot work is refused at once; then 200, or 180 and 200 later. The error is what to refuse with. */
static int answer_offer(struct call *c, struct span offer)
{
	struct sip_reply ringing = {.status = 180};
	struct sdp_body body;
	int err = offer.n ? leg_answer(c, offer, &body) : sdp_oa_offer(&c->oa, &c->local, &body);

	if (err || c->plan.answer_after_ms == 0)
		return err ? err : accept_with(c, &body);

	c->body = malloc(sizeof(body));
	if (!c->body)
		return -ENOMEM;
	*c->body = body;
	calls_timer(c->owner, &c->ring, c->plan.answer_after_ms);

	return sip_session_ring(c->session, &ringing, calls_now(c->owner));
}

static int answer_call(struct call *c, const struct sip_stack_event *ev)
{
	struct sip_reply ringing = {.status = 180};
	int err = leg_open_media(c, &ev->packet->local);

	if (err || !c->is_gathering)
		return err ? err : answer_offer(c, ev->sdp);

	c->offer = ev->sdp.n ? span_dup(ev->sdp) : strdup("");

	return c->offer ? sip_session_ring(c->session, &ringing, calls_now(c->owner)) : -ENOMEM;
}

void call_answer_now(struct timer *ring, msec_t now)
{
	struct call *c = container_of(ring, struct call, ring);

	if (c->rec.is_outgoing) {
		answered_expired(c);
		return;
	}

	int err = c->session && c->rec.state == CALL_RINGING ? accept_with(c, c->body) : 0;

	if (err)
		call_hangup(c, CALL_END_US, "the call could not be answered");
	free(c->body);
	c->body = NULL;
}

static const char *refusal_text(const struct call *c, int err)
{
	switch (err) {
	case -TR_ESECURITY:
		return c->plan.security.srtp == SDP_SRTP_OFF
			? "the other side wants encrypted media only: set srtp: optional on this line"
			: "this line demands encrypted media (srtp: required), and the other side offered none that we can do";
	case -TR_ENOCODEC:
		return "the caller offered no codec that we have";
	case -TR_ENOPORT:
		return "every media port is in use: widen media.port_min to port_max, or take fewer calls";
	case -EMFILE:
	case -ENFILE:
		return "the process has no file descriptors left: raise its limit (LimitNOFILE, ulimit -n)";
	case -TR_EPARSE:
		return "the caller's media description cannot be read";
	default:
		return err_text(err);
	}
}

static void refuse_for(struct call *c, int err)
{
	refuse(c, err_sip_status(err) == 500 && (err == -EMFILE || err == -ENFILE) ? 503 : err_sip_status(err), refusal_text(c, err));
}

static void on_incoming(struct calls *cs, const struct sip_stack_event *ev)
{
	struct call_plan plan = {0};
	char from_user[128], to_user[128], from_text[200], why[200] = "";
	struct call *c = call_new(cs, &plan, false);

	if (!c) {
		struct sip_reply busy = {.status = 503, .retry_after_s = 5};

		if (sip_session_reject(ev->session, &busy, calls_now(cs)) != 0)
			sip_session_hangup(ev->session, span(NULL, 0), calls_now(cs));
		return;
	}
	c->session = ev->session;
	c->rec.peer = ev->packet->source;
	sip_session_set_user(ev->session, c);
	name_parties(c, ev->msg);
	buf_copy(from_user, sizeof(from_user), c->rec.from);
	buf_copy(to_user, sizeof(to_user), c->rec.to);
	copy_span(ev->msg->from, from_text, sizeof(from_text));

	struct call_incoming in = {.to_user = to_user, .from_user = from_user, .from_text = from_text,
		.source = &ev->packet->source, .conn = ev->packet->conn, .msg = ev->msg};
	int status = cs->p.hooks.route(cs->p.hooks.ctx, &in, &plan, why, sizeof(why));

	c->plan = plan;
	buf_copy(c->rec.route, sizeof(c->rec.route), why);
	buf_copy(c->rec.line, sizeof(c->rec.line), plan.line ? plan.line : "");
	buf_copy(c->rec.agent, sizeof(c->rec.agent), plan.agent_name ? plan.agent_name : "");
	if (plan.who) {
		c->rec.caller = *plan.who;
		buf_copy(c->rec.from, sizeof(c->rec.from), plan.who->number);
	}
	set_state(c, CALL_RINGING);
	if (status) {
		refuse(c, status, why);
		return;
	}
	if (plan.account)
		sip_session_set_account(c->session, plan.account);

	int err = answer_call(c, ev);

	if (err)
		refuse_for(c, err);
}

/* ---- outgoing -------------------------------------------------------------------------------------------------------- */

/* Our offer and its INVITE. */
static int invite(struct call *c)
{
	struct sdp_body body;
	int err = sdp_oa_offer(&c->oa, &c->local, &body);

	if (!err)
		err = sdp_oa_copy(&c->oa, &c->oa_first);
	c->has_oa_first = !err;

	return err ? err : hops_start(c, &body);
}

/*
 * Keys in RTP/AVP (RFC 8643) were not to the liking of the other side: those that demand encryption want to see RTP/SAVP. Once, in a
 * session of its own; the media stays.
 */
static bool try_savp(struct call *c, int status)
{
	bool is_refused = status == 488 || status == 606 || status == 415;

	if (!is_refused || !c->rec.is_outgoing || c->rec.answered_at || c->wants_savp || !c->hops ||
		c->plan.security.srtp != SDP_SRTP_OPTIONAL || c->local.offer_proto != SDP_RTP_AVP)
		return false;

	c->wants_savp = true;
	leg_secure(c);
	sdp_oa_done(&c->oa);
	sdp_oa_done(&c->oa_first);
	c->has_oa_first = false;
	sdp_oa_init(&c->oa, (uint64_t)c->rec.wall_ms << 16 | (c->handle & 0xffff));
	call_note(c, "refused with keys in RTP/AVP (%d): trying RTP/SAVP", status);

	return invite(c) == 0;
}

static void not_placed(struct call *c, int err)
{
	call_record_end(&c->rec, CALL_END_US, 0, "the call could not be placed: %s", err_text(err));
	on_session_over(c);
}

int calls_dial(struct calls *cs, const struct call_dial *dial, struct call **ret)
{
	struct call *c = call_new(cs, &dial->plan, true);

	if (!c) {
		release(cs, &dial->plan);
		return -ENOMEM;
	}

	buf_copy(c->rec.to, sizeof(c->rec.to), dial->target);
	c->most_s = dial->most_s;
	c->serves = dial->serves;
	c->supervises = dial->supervises;
	buf_copy(c->rec.route, sizeof(c->rec.route), dial->route ? dial->route : "");
	c->account = dial->plan.account ? sip_account_ref(dial->plan.account) : NULL;

	int err = leg_open_media(c, dial->local);

	if (!err)
		err = hops_new(c, dial);
	/* Otherwise the INVITE goes out when the servers have said what our address is. */
	if (!err && !c->is_gathering)
		err = invite(c);
	if (err) {
		not_placed(c, err);
		return err;
	}

	set_state(c, CALL_RINGING);
	*ret = c;

	return 0;
}

int call_dial_for(struct call *c, const char *target, struct call_dial *dial, struct call **ret)
{
	const struct calls_hooks *hooks = &c->owner->p.hooks;
	struct addr local;
	char uri[300], why[200] = "";

	if (!hooks->plan_leg)
		return -TR_EUNSUPP;

	int err = text_target_uri(target, c->plan.domain, uri, sizeof(uri));

	if (!err)
		err = hooks->plan_leg(hooks->ctx, &c->rec, uri, &dial->plan, &local, why, sizeof(why));
	if (err) {
		if (why[0])
			call_note(c, "%s", why);
		return err;
	}
	dial->plan.brain = CALL_BRAIN_LEG;
	dial->target = uri;
	dial->local = &local;

	return calls_dial(c->owner, dial, ret);
}

/*
 * Each answer is one to the INVITE's offer: of another fork, of a 1xx that is repeated, or of a 200 that differs from the 1xx
 * before it. RFC 3261 §13.2.1 wants the first of a dialog to stay, but switches that play an announcement and then connect us
 * elsewhere under the same tag do not keep to it, and would be heard by nobody.
 */
static int take_answer(struct call *c, unsigned fork, struct span sdp)
{
	if (!c->oa.is_pending) {
		struct sdp_oa fresh;

		if (sdp_oa_copy(&c->oa_first, &fresh) != 0)
			return -ENOMEM;
		sdp_oa_done(&c->oa);
		c->oa = fresh;
	}
	c->fork = fork;

	return leg_recv_answer(c, sdp);
}

static void keep_early(struct call *c, unsigned fork, struct span sdp)
{
	if (fork >= ARRAY_LEN(c->early))
		return;
	free(c->early[fork]);
	c->early[fork] = span_dup(sdp);
}

void call_forget_early(struct call *c)
{
	for (size_t i = 0; i < ARRAY_LEN(c->early); i++) {
		free(c->early[i]);
		c->early[i] = NULL;
	}
}

static void on_progress(struct call *c, const struct sip_stack_event *ev)
{
	hops_heard(c);
	if (ev->packet)
		c->rec.peer = ev->packet->source;
	call_note(c, "%d %.*s", ev->status, SPAN_FMT(ev->reason));
	if (!ev->sdp.n)
		return;
	keep_early(c, ev->fork, ev->sdp);
	if (take_answer(c, ev->fork, ev->sdp) != 0)
		call_note(c, "the early media description does not fit our offer");
	else
		xfer_on_leg_media(c);
}

/* The 200 may come without SDP from a fork whose answer was in a 1xx, after another fork's 1xx. */
static int take_final_answer(struct call *c, const struct sip_stack_event *ev)
{
	const char *early = ev->fork < ARRAY_LEN(c->early) ? c->early[ev->fork] : NULL;

	if (ev->sdp.n)
		return take_answer(c, ev->fork, ev->sdp);

	return early && (ev->fork != c->fork || !c->has_media) ? take_answer(c, ev->fork, span_z(early)) : 0;
}

static void on_answered(struct call *c, const struct sip_stack_event *ev)
{
	hops_heard(c);
	if (ev->packet)
		c->rec.peer = ev->packet->source;

	int err = take_final_answer(c, ev);

	call_forget_early(c);
	if (err || !c->has_media) {
		call_hangup(c, CALL_END_US, "the other side's answer does not fit our offer");
		return;
	}
	set_state(c, CALL_UP);
	if (c->most_s)
		calls_timer(c->owner, &c->longest, c->most_s * 1000);
	brain_start(c);
	brain_connect(c);
	xfer_on_leg_up(c);
	room_on_leg_up(c);
	conference_on_leg_up(c);
}

void call_too_long(struct timer *longest, msec_t now)
{
	struct call *c = container_of(longest, struct call, longest);
	char why[80];

	snprintf(why, sizeof(why), "the call reached its longest duration of %u minutes", c->most_s / 60);
	call_hangup(c, CALL_END_US, why);
}

/* Servers have answered, or had their time: what waited for our description goes on. */
void call_gathered(struct call *c)
{
	auto_free char *offer = c->offer;
	int err = 0;

	c->offer = NULL;
	if (c->rec.state != CALL_RINGING)
		return;
	if (c->rec.is_outgoing && !c->session)
		err = invite(c);
	if (err)
		not_placed(c, err);
	if (!offer || !c->session)
		return;
	err = answer_offer(c, span_z(offer));
	if (err)
		refuse_for(c, err);
}

/* ---- within the call --------------------------------------------------------------------------------------------------- */

static void on_confirmed(struct call *c)
{
	if (c->has_media)
		brain_connect(c);
	park_on_leg_up(c);
}

static void on_offer(struct call *c, const struct sip_stack_event *ev)
{
	struct sdp_body body;
	int err = ev->sdp.n ? leg_answer(c, ev->sdp, &body) : sdp_oa_offer(&c->oa, &c->local, &body);

	if (!err)
		err = sip_session_answer(c->session, sdp_body_span(&body), calls_now(c->owner));
	else if (sip_session_refuse(c->session, err_sip_status(err), calls_now(c->owner)) == 0)
		call_note(c, "a new media description was refused: %s", refusal_text(c, err));
	if (err)
		log_warn("call.offer_refused", LOG_STR("call", c->rec.id), LOG_ERR(err));
}

static void on_answer(struct call *c, const struct sip_stack_event *ev)
{
	bool had_media = c->has_media;

	if (leg_recv_answer(c, ev->sdp) != 0) {
		call_hangup(c, CALL_END_US, "the other side's answer does not fit our offer");
		return;
	}
	if (!had_media) {
		brain_start(c);
		brain_connect(c);
	}
}

/* A key by its name or, as some gateways have it, by its event number of RFC 4733 §3.2: "10" is the star. 0: neither. */
static char key_of(struct span text)
{
	static const char keys[] = "0123456789*#ABCD";
	uint32_t number;

	if (text.n == 1)
		return text.p[0] && strchr(keys, text.p[0]) ? text.p[0] : 0;

	return text.n == 2 && span_u32(text, &number) && number >= 10 && number < 16 ? keys[number] : 0;
}

/* "Signal=5\r\nDuration=160" (application/dtmf-relay) or just "5" (application/dtmf). */
static void on_info(struct call *c, const struct sip_stack_event *ev)
{
	struct span body = ev->body;
	char digit = 0;

	if (span_istarts(ev->content_type, "application/trickle-ice-sdpfrag"))
		leg_trickle(c, body);
	if (span_istarts(ev->content_type, "application/dtmf-relay")) {
		for (struct span rest = body, line; rest.p;) {
			line = span_cut(&rest, '\n');

			struct span key = span_trim(span_cut(&line, '='));

			line = span_trim(line);
			if (span_ieq_z(key, "Signal"))
				digit = key_of(line);
		}
	} else if (span_istarts(ev->content_type, "application/dtmf")) {
		digit = key_of(span_trim(body));
	}
	if (digit)
		leg_on_digit(c, digit, false);
}

/* ---- transfer ---------------------------------------------------------------------------------------------------------- */

int call_transfer(struct call *c, const char *target)
{
	return call_xfer(c, &(struct call_xfer_params){.mode = CALL_XFER_BLIND, .targets = &target, .target_count = 1});
}

int call_refer(struct call *c, const char *target, const struct sip_session *replaces)
{
	const struct calls_hooks *hooks = &c->owner->p.hooks;
	char uri[300], why[200];
	struct sip_refer refer = {.replaces = replaces};
	struct sip_session_info info;

	if (replaces) {
		sip_session_get_info(replaces, &info);
		(void)span_copy(info.remote_target, uri, sizeof(uri));
	} else {
		int err = text_target_uri(target, c->plan.domain, uri, sizeof(uri));

		if (err)
			return err;
		if (hooks->may_transfer && !hooks->may_transfer(hooks->ctx, uri, why, sizeof(why))) {
			call_note(c, "transfer to %s refused: %s", uri, why);
			return -TR_EDENIED;
		}
	}
	refer.refer_to = span_z(uri);
	c->is_refer_accepted = false;

	return sip_session_refer(c->session, &refer, calls_now(c->owner));
}

void call_transferring(struct call *c)
{
	set_state(c, CALL_TRANSFERRING);
	brain_hold(c);
}

void call_transferred(struct call *c, struct call *leg)
{
	set_state(c, CALL_UP);
	if (bridge_join(c, leg) == 0)
		return;
	call_hangup(leg, CALL_END_US, "the two calls could not be joined");
	call_transfer_failed(c, "the two calls could not be joined");
}

void call_transfer_failed(struct call *c, const char *why)
{
	if (!c->session || c->rec.state == CALL_ENDING)
		return;
	set_state(c, CALL_UP);
	if (park_takes_back(c, why) || queue_takes_back(c, why))
		return;
	call_note(c, "back to the agent: %s", why);
	brain_hold(c);
	if (c->has_agent && agent_call_transfer_failed(c->owner->agent, c->handle, why) != 0)
		log_warn("agent.message_lost", LOG_STR("call", c->rec.id));
}

static void on_refer_status(struct call *c, const struct sip_stack_event *ev)
{
	if (c->rec.state != CALL_TRANSFERRING)
		return;

	c->is_refer_accepted = ev->status < 300; /* a refusal leads out of this state at once */
	xfer_on_refer(c, ev->status, ev->is_final, ev->reason);
}

/* The peer wants us to call somebody else. Only a caller of ours (demo, softphone behaviour) does that. */
static void on_refer(struct call *c, const struct sip_stack_event *ev)
{
	struct calls *cs = c->owner;
	struct call_plan plan = {0};
	auto_free char *target = span_dup(ev->refer_to);
	msec_t now = calls_now(cs);
	bool is_ours = target && c->plan.follows_refer && cs->p.hooks.refer &&
		cs->p.hooks.refer(cs->p.hooks.ctx, &c->rec, target, &plan);
	struct call *follow = NULL;
	struct addr local = ev->packet->local;
	struct call_dial dial = {.plan = plan, .target = target, .local = &local};

	if (sip_session_refer_reply(c->session, ev->refer_id, is_ours ? 202 : 603, now) != 0 || !is_ours) {
		release(cs, &plan);
		return;
	}
	call_note(c, "asked to call %s", target);
	if (calls_dial(cs, &dial, &follow) != 0) {
		if (sip_session_refer_notify(c->session, ev->refer_id, 503, now) != 0)
			log_warn("call.refer_lost", LOG_STR("call", c->rec.id));
		return;
	}
	follow->referred_by = c->handle;
	follow->refer_id = ev->refer_id;
}

/* Tells the call that was referred how the new one fares. */
static void report_refer(struct call *c, int status)
{
	struct call *by = c->referred_by ? call_by_handle(c->owner, c->referred_by) : NULL;

	if (!by || !by->session)
		return;
	if (sip_session_refer_notify(by->session, c->refer_id, status, calls_now(c->owner)) != 0)
		log_warn("call.refer_lost", LOG_STR("call", by->rec.id));
	if (status >= 200)
		c->referred_by = 0;
}

/* ---- end --------------------------------------------------------------------------------------------------------------- */

static void explain_end(struct call *c, const struct sip_stack_event *ev)
{
	const char *peer = c->rec.is_outgoing ? "the called side" : "the caller";
	struct call_status_words words = call_status_words(ev->status);

	switch (ev->cause) {
	case SIP_CAUSE_REMOTE:
		if (c->rec.state == CALL_TRANSFERRING && c->is_refer_accepted)
			call_record_end(&c->rec, CALL_END_TRANSFERRED, 0, "the caller was transferred");
		else if (c->rec.answered_at)
			call_record_end(&c->rec, CALL_END_PEER, 0, "%s hung up%s%.*s%s", peer, ev->reason.n ? " (" : "",
				SPAN_FMT(ev->reason), ev->reason.n ? ")" : "");
		else if (c->rec.is_outgoing)
			call_record_end(&c->rec, CALL_END_PEER, ev->status, "%s (%d %.*s)", words.meaning, ev->status,
				SPAN_FMT(ev->reason));
		else
			call_record_end(&c->rec, CALL_END_PEER, ev->status, "the caller gave up before we answered");
		break;
	case SIP_CAUSE_TIMEOUT:
		call_record_end(&c->rec, CALL_END_NETWORK, 408, "%s did not answer our signalling in time", peer);
		break;
	case SIP_CAUSE_NO_ACK:
		call_record_end(&c->rec, CALL_END_NETWORK, 0,
			"%s never acknowledged our answer: our packets do not reach it", peer);
		buf_copy(c->rec.remedy, sizeof(c->rec.remedy), "check NAT and firewall between us and the address in its Contact");
		break;
	case SIP_CAUSE_EXPIRED:
		call_record_end(&c->rec, CALL_END_NETWORK, 0, "%s stopped refreshing the session", peer);
		break;
	case SIP_CAUSE_TRANSPORT:
		call_record_end(&c->rec, CALL_END_NETWORK, 503, "%s cannot be reached%s%.*s", peer, ev->reason.n ? ": " : "",
			SPAN_FMT(ev->reason));
		break;
	case SIP_CAUSE_AUTH:
		call_record_end(&c->rec, CALL_END_NETWORK, ev->status, "our credentials were refused (%d)", ev->status);
		break;
	case SIP_CAUSE_REPLACED:
		call_record_end(&c->rec, CALL_END_PEER, 0, "another call took this one's place");
		break;
	case SIP_CAUSE_PROTOCOL:
		call_record_end(&c->rec, CALL_END_NETWORK, ev->status, "%s broke the protocol (%d %.*s)", peer, ev->status,
			SPAN_FMT(ev->reason));
		break;
	case SIP_CAUSE_LOCAL:
		call_record_end(&c->rec, CALL_END_US, 0, "we ended the call");
		break;
	}
}

static void on_ended(struct call *c, const struct sip_stack_event *ev)
{
	if (hops_next(c, ev))
		return;
	if (ev->cause == SIP_CAUSE_REMOTE && c->rec.state == CALL_RINGING && try_savp(c, ev->status))
		return;
	if (c->referred_by)
		report_refer(c, ev->status >= 300 ? ev->status : 487);
	explain_end(c, ev);
	on_session_over(c);
}

void calls_on_sip(struct calls *cs, const struct sip_stack_event *ev)
{
	struct call *c = ev->session ? sip_session_user(ev->session) : NULL;

	if (ev->type == SIP_EV_INCOMING) {
		on_incoming(cs, ev);
		return;
	}
	if (!c)
		return;
	/* What crosses our BYE or CANCEL means nothing any more: no agent is started, no audio connected. */
	if (c->rec.state == CALL_ENDING && ev->type != SIP_EV_ENDED)
		return;

	switch (ev->type) {
	case SIP_EV_PROGRESS:
		on_progress(c, ev);
		report_refer(c, ev->status);
		break;
	case SIP_EV_ANSWERED:
		on_answered(c, ev);
		if (c->rec.state == CALL_UP)
			report_refer(c, 200);
		break;
	case SIP_EV_CONFIRMED:
		on_confirmed(c);
		break;
	case SIP_EV_OFFER:
		on_offer(c, ev);
		break;
	case SIP_EV_ANSWER:
		on_answer(c, ev);
		break;
	case SIP_EV_OFFER_FAILED:
		sdp_oa_offer_refused(&c->oa);
		break;
	case SIP_EV_INFO:
		on_info(c, ev);
		break;
	case SIP_EV_NOTIFIED:
		dtmf_on_notified(c);
		break;
	case SIP_EV_REFER:
		on_refer(c, ev);
		break;
	case SIP_EV_REFER_STATUS:
		on_refer_status(c, ev);
		break;
	case SIP_EV_ENDED:
		on_ended(c, ev);
		break;
	default:
		break;
	}
}
