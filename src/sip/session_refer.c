/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/*
 * Transfer: REFER inside of the dialog with its implicit subscription, RFC 3515, both sides; RFC 4488 where the peer wants no
 * NOTIFYs. A subscription ends with its call: after SIP_EV_ENDED nothing more is heard of it.
 */

#define SUBSCRIPTION_S 180

/* ---- uses ---- */

static void use_free(struct sip_refer_use *u)
{
	timer_stop(&u->session->stack->wheel, &u->timer);
	list_unlink(&u->link);
	free(u);
}

static struct sip_refer_use *use_find(struct sip_session *s, uint32_t id, bool is_ours)
{
	list_each(&s->refers, struct sip_refer_use, link, u)
		if (u->id == id && u->is_ours == is_ours)
			return u;

	return NULL;
}

static bool use_is_alive(struct sip_session *s, const void *use)
{
	list_each(&s->refers, struct sip_refer_use, link, u)
		if (u == use)
			return true;

	return false;
}

static void emit_status(struct sip_refer_use *u, int status, const struct sip_msg *msg, bool is_final)
{
	struct sip_session *s = u->session;
	struct sip_stack_event ev = {
		.type = SIP_EV_REFER_STATUS,
		.status = status,
		.refer_id = u->id,
		.msg = msg,
		.is_final = is_final,
	};

	if (is_final)
		use_free(u);
	sip_session_emit(s, &ev);
}

static void on_timer(struct timer *t, msec_t now)
{
	struct sip_refer_use *u = container_of(t, struct sip_refer_use, timer);

	if (u->is_ours)
		emit_status(u, 408, NULL, true);
	else
		use_free(u);
}

static struct sip_refer_use *use_new(struct sip_session *s, bool is_ours)
{
	struct sip_refer_use *u;
	unsigned n = 0;

	list_each(&s->refers, struct sip_refer_use, link, it)
		n++;
	if (n >= LIMIT_SIP_REFERS)
		return NULL;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->session = s;
	u->is_ours = is_ours;
	timer_init(&u->timer, on_timer);
	list_append(&s->refers, &u->link);

	return u;
}

static void arm(struct sip_refer_use *u, uint32_t seconds)
{
	struct sip_stack *stack = u->session->stack;

	timer_start(&stack->wheel, &u->timer, stack->now + CLAMP(seconds, 1, 3600) * INT64_C(1000));
}

void sip_refer_end_all(struct sip_session *s)
{
	list_each(&s->refers, struct sip_refer_use, link, u) {
		if (u->st) {
			sip_strans_detach(u->st);
			sip_strans_reply_status(u->st, 481);
		}
		use_free(u);
	}
}

void sip_refer_forget(struct sip_session *s, struct sip_strans *st)
{
	list_each(&s->refers, struct sip_refer_use, link, u)
		if (u->st == st)
			use_free(u);
}

/* ---- ours ---- */

static bool has_line(struct span headers, const char *name)
{
	while (headers.n) {
		if (span_istarts(headers, name))
			return true;

		size_t at = span_find(headers, '\n') + 1;

		headers = at < headers.n ? span(headers.p + at, headers.n - at) : (struct span){0};
	}

	return false;
}

/* RFC 5589 §7: the target's dialog with us, named as the target sees it: its tag is the to-tag. */
static void write_replaces(struct sip_writer *w, struct span uri, const struct sip_dialog *d)
{
	sip_write_z(w, span_find(uri, '?') < uri.n ? "&Replaces=" : "?Replaces=");
	sip_write_uri_header(w, d->call_id);
	sip_write_uri_header(w, SPAN_LIT(";to-tag="));
	sip_write_uri_header(w, d->remote_tag);
	sip_write_uri_header(w, SPAN_LIT(";from-tag="));
	sip_write_uri_header(w, d->local_tag);
}

static int write_refer(struct sip_session *s, const struct sip_refer *refer, char *buf, size_t cap, struct span *ret)
{
	const struct sip_dialog *other = refer->replaces ? refer->replaces->dlg : NULL;
	struct span uri = refer->refer_to;
	struct sip_name_addr local;
	struct sip_writer w;

	if (!uri.n && other)
		uri = sip_bytes_span(&other->target);
	if (!uri.n || (refer->replaces && !other))
		return -TR_ESTATE;
	sip_writer_init(&w, buf, cap);
	sip_write_hdr_begin(&w, SIP_HDR_REFER_TO);
	sip_write_char(&w, '<');
	sip_write_span(&w, uri);
	if (other)
		write_replaces(&w, uri, other);
	sip_write_char(&w, '>');
	sip_write_hdr_end(&w);
	if (!has_line(refer->headers, "Referred-By:") && sip_name_addr_parse(&local, s->dlg->local) == 0) {
		struct sip_addr_params by = {.uri = local.uri.text};

		sip_write_addr(&w, SIP_HDR_REFERRED_BY, &by);
	}
	if (w.cap - w.n < refer->headers.n)
		return -TR_ETOOBIG;
	if (refer->headers.n)
		memcpy(w.buf + w.n, refer->headers.p, refer->headers.n);
	w.n += refer->headers.n;

	return sip_writer_finish(&w, ret);
}

int sip_session_refer(struct sip_session *s, const struct sip_refer *refer, msec_t now)
{
	char buf[SIP_HEADERS_BYTES];
	struct sip_dialog_request r = {.method = SIP_REFER, .has_contact = true};
	struct sip_refer_use *u;
	struct sip_ctrans *ct;

	if (s->state != SIP_S_UP)
		return -TR_ESTATE;

	int err = write_refer(s, refer, buf, sizeof(buf), &r.headers);

	if (err < 0)
		return err;
	u = use_new(s, true);
	if (!u)
		return -TR_ELIMIT;
	sip_stack_enter(s->stack, now);
	err = sip_session_send(s, s->dlg, &r, SIP_FOR_REFER, u, &ct);
	u->id = s->dlg->local_cseq;
	if (err < 0)
		use_free(u);
	sip_stack_leave(s->stack);

	return err;
}

void sip_refer_on_response(struct sip_session *s, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_refer_use *u = ct->ref;

	if (status < 200 || ct->purpose != SIP_FOR_REFER || !use_is_alive(s, u))
		return;
	if (status >= 300) {
		emit_status(u, status, rsp, true);
		return;
	}
	u->is_accepted = true;
	u->id = ct->cseq; /* it may have been sent again with credentials */
	if (!timer_is_running(&u->timer))
		arm(u, SUBSCRIPTION_S);
	/* RFC 4488 §4: no subscription, so this is all that will be heard. */
	emit_status(u, status, rsp, span_ieq_z(sip_msg_value(rsp, SIP_HDR_REFER_SUB), "false"));
}

/* ---- NOTIFY ---- */

/* "SIP/2.0 200 OK" in a message/sipfrag body, RFC 3420. 0: none. */
static int fragment_status(struct span body)
{
	struct span rest = span_trim(body);
	uint32_t status;

	if (!span_istarts(rest, "SIP/2.0 ") || rest.n < 11)
		return 0;

	return span_u32(span(rest.p + 8, 3), &status) && status >= 100 && status < 700 ? (int)status : 0;
}

static struct sip_refer_use *use_of(struct sip_session *s, const struct sip_event *event)
{
	struct sip_refer_use *last = NULL;
	uint32_t id;

	if (event->id.n)
		return span_u32(event->id, &id) ? use_find(s, id, true) : NULL;
	list_each(&s->refers, struct sip_refer_use, link, u)
		if (u->is_ours && !last)
			last = u;

	return last;
}

static void on_progress(struct sip_refer_use *u, const struct sip_msg *req)
{
	struct sip_subscription_state state = {0};
	int status = fragment_status(req->body);
	bool is_over = sip_subscription_state_parse(&state, sip_msg_value(req, SIP_HDR_SUBSCRIPTION_STATE)) == 0 &&
		state.is_terminated;

	if (state.has_expires)
		arm(u, state.expires);
	/* Some never say "terminated": a final status is the end as well. */
	emit_status(u, status, req, is_over || status >= 200);
}

void sip_refer_on_notify(struct sip_session *s, struct sip_strans *st, const struct sip_msg *req)
{
	struct sip_event event;
	struct sip_refer_use *u;

	if (sip_event_parse(&event, sip_msg_value(req, SIP_HDR_EVENT)) < 0) {
		sip_strans_reply_status(st, 400);
		return;
	}
	if (!span_ieq_z(event.package, "refer")) {
		struct sip_stack_event ev = {.type = SIP_EV_NOTIFY, .msg = req, .body = req->body,
					     .content_type = sip_msg_value(req, SIP_HDR_CONTENT_TYPE)};

		sip_strans_reply_status(st, 200);
		sip_session_emit(s, &ev);
		return;
	}
	u = use_of(s, &event);
	sip_strans_reply_status(st, u ? 200 : 481);
	if (u)
		on_progress(u, req);
}

/* ---- the peer's ---- */

void sip_refer_on_request(struct sip_session *s, struct sip_dialog *d, struct sip_strans *st, const struct sip_msg *req)
{
	const struct sip_header *h = sip_msg_find(req, SIP_HDR_REFER_TO);
	struct sip_name_addr to;
	struct sip_refer_use *u;

	/* RFC 3515 §2.4.2: exactly one. */
	if (!h || sip_msg_find_next(req, h) || sip_name_addr_parse(&to, h->value) < 0) {
		sip_strans_reply_status(st, 400);
		return;
	}
	if (s->state != SIP_S_UP) {
		sip_strans_reply_status(st, 491);
		return;
	}
	u = use_new(s, false);
	if (!u) {
		sip_strans_reply_status(st, 503);
		return;
	}
	sip_dialog_refresh(d, req);
	u->st = st;
	u->id = req->cseq.number;
	u->no_notify = span_ieq_z(sip_msg_value(req, SIP_HDR_REFER_SUB), "false");
	st->fn = sip_session_on_strans;
	st->owner = s;

	struct sip_stack_event ev = {.type = SIP_EV_REFER, .msg = req, .refer_to = to.uri.text, .refer_id = u->id};

	sip_session_emit(s, &ev);
}

static int send_notify(struct sip_refer_use *u, int status)
{
	char headers[256], body[128];
	struct span phrase = sip_reason_phrase((uint16_t)status);
	struct sip_session *s = u->session;
	struct sip_dialog_request r = {
		.method = SIP_NOTIFY,
		.content_type = SPAN_LIT("message/sipfrag;version=2.0"),
		.has_contact = true,
	};
	struct sip_ctrans *ct;
	int err = buf_format(headers, sizeof(headers), "Event: refer;id=%u\r\nSubscription-State: %s\r\n", u->id,
			     status >= 200 ? "terminated;reason=noresource" : "active;expires=180");

	if (err == 0)
		err = buf_format(body, sizeof(body), "SIP/2.0 %d %.*s\r\n", status, SPAN_FMT(phrase));
	if (err < 0)
		return err;
	r.headers = span_z(headers);
	r.body = span_z(body);

	return sip_session_send(s, s->dlg, &r, SIP_FOR_NOTIFY, NULL, &ct);
}

static int reply(struct sip_refer_use *u, int status)
{
	bool is_yes = status < 300;
	struct span headers = is_yes && u->no_notify ? SPAN_LIT("Refer-Sub: false\r\n") : (struct span){0};
	int err = sip_uas_reply(u->session, u->st, is_yes && u->no_notify ? 200 : status, (struct span){0}, headers);

	if (err < 0)
		return err;
	sip_strans_detach(u->st);
	u->st = NULL;
	u->is_accepted = is_yes;
	if (!is_yes) {
		use_free(u);
		return 0;
	}
	arm(u, SUBSCRIPTION_S);

	return u->no_notify ? 0 : send_notify(u, 100); /* RFC 3515 §2.4.4: one at once */
}

int sip_session_refer_reply(struct sip_session *s, uint32_t refer_id, int status, msec_t now)
{
	struct sip_refer_use *u = use_find(s, refer_id, false);

	if (!u || !u->st || status < 200 || status > 699 || s->state != SIP_S_UP)
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);

	int err = reply(u, status);

	sip_stack_leave(s->stack);

	return err;
}

int sip_session_refer_notify(struct sip_session *s, uint32_t refer_id, int status, msec_t now)
{
	struct sip_refer_use *u = use_find(s, refer_id, false);

	if (!u || !u->is_accepted || status < 100 || status > 699 || s->state != SIP_S_UP)
		return -TR_ESTATE;
	sip_stack_enter(s->stack, now);

	int err = u->no_notify ? 0 : send_notify(u, status);

	if (err == 0 && status >= 200)
		use_free(u);
	sip_stack_leave(s->stack);

	return err;
}
