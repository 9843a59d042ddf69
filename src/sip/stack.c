/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/account.h"
#include "sip/probe_priv.h"
#include "sip/reg_priv.h"
#include "sip/session_priv.h"
#include "sip/trans.h"

/* The hub: life of a stack, its entries, and which machine a message belongs to (RFC 3261 §8.2, §17.1.3, §17.2.3, §18). */

/* ---- text on the heap ---- */

int sip_bytes_set(struct sip_bytes *b, struct span text)
{
	char *p = NULL;

	if (text.n) {
		p = malloc(text.n);
		if (!p)
			return -ENOMEM;
		memcpy(p, text.p, text.n);
	}
	free(b->p);
	*b = (struct sip_bytes){p, text.n};

	return 0;
}

void sip_bytes_free(struct sip_bytes *b)
{
	free(b->p);
	*b = (struct sip_bytes){0};
}

/* ---- life ---- */

static void set_defaults(struct sip_stack_params *p)
{
	if (!p->max_calls)
		p->max_calls = LIMIT_SIP_CALLS;
	if (!p->retry_after_s)
		p->retry_after_s = 5;
	if (!p->udp_max_bytes)
		p->udp_max_bytes = LIMIT_SIP_UDP_BYTES;
	if (!p->t1_ms)
		p->t1_ms = 500;
	if (!p->session_expires_s)
		p->session_expires_s = 1800;
	if (!p->min_se_s)
		p->min_se_s = 90;
}

int sip_stack_new(struct sip_stack **ret, const struct sip_stack_params *params, msec_t now)
{
	struct sip_stack *stack = calloc(1, sizeof(*stack));

	if (!stack)
		return -ENOMEM;
	stack->params = *params;
	set_defaults(&stack->params);
	if (sip_bytes_set(&stack->user_agent, params->user_agent) < 0) {
		free(stack);
		return -ENOMEM;
	}
	stack->now = now;
	wheel_init(&stack->wheel, now);
	sip_rand_init(&stack->rand, params->seed);
	hash_init(&stack->clients);
	hash_init(&stack->servers);
	hash_init(&stack->merges);
	hash_init(&stack->dialogs);
	list_init(&stack->dead_clients);
	list_init(&stack->dead_servers);
	list_init(&stack->sessions);
	list_init(&stack->ended);
	list_init(&stack->regs);
	list_init(&stack->dead_regs);
	list_init(&stack->probes);
	list_init(&stack->accounts);
	*ret = stack;

	return 0;
}

struct sip_stack *sip_stack_free(struct sip_stack *stack)
{
	if (!stack)
		return NULL;
	hash_each(&stack->clients, n)
		sip_ctrans_detach(container_of(n, struct sip_ctrans, by_branch));
	hash_each(&stack->servers, n)
		sip_strans_detach(container_of(n, struct sip_strans, by_key));
	list_each(&stack->sessions, struct sip_session, link, s)
		sip_session_destroy(s);
	sip_reg_destroy_all(stack);
	sip_probe_destroy_all(stack);
	hash_each(&stack->clients, n)
		sip_ctrans_free(container_of(n, struct sip_ctrans, by_branch));
	hash_each(&stack->servers, n)
		sip_strans_free(container_of(n, struct sip_strans, by_key));
	while (!list_is_empty(&stack->accounts)) {
		struct sip_account *a = list_first(&stack->accounts, struct sip_account, link);

		a->refs = 1;
		sip_account_unref(a);
	}
	hash_done(&stack->clients);
	hash_done(&stack->servers);
	hash_done(&stack->merges);
	hash_done(&stack->dialogs);
	sip_outbox_done(&stack->out);
	sip_bytes_free(&stack->user_agent);
	free(stack->slots);
	free(stack);

	return NULL;
}

/* ---- entering and leaving ---- */

void sip_stack_enter(struct sip_stack *stack, msec_t now)
{
	stack->depth++;
	if (now > stack->now)
		stack->now = now;
}

static void free_dead(struct sip_stack *stack)
{
	while (!list_is_empty(&stack->dead_clients))
		sip_ctrans_free(list_first(&stack->dead_clients, struct sip_ctrans, dead));
	while (!list_is_empty(&stack->dead_servers))
		sip_strans_free(list_first(&stack->dead_servers, struct sip_strans, dead));
	sip_reg_free_dead(stack);
}

void sip_stack_leave(struct sip_stack *stack)
{
	if (stack->depth == 1) {
		sip_session_flush_ended(stack, stack->is_serving);
		free_dead(stack);
	}
	stack->depth--;
}

static void serve(struct sip_stack *stack, msec_t now)
{
	assert(stack->depth == 0); /* never from within on_event */
	sip_stack_enter(stack, now);
	stack->is_serving = true;
}

static void done(struct sip_stack *stack)
{
	sip_stack_leave(stack);
	stack->is_serving = false;
	stack->packet = NULL;
}

void sip_stack_emit(struct sip_stack *stack, struct sip_stack_event *ev)
{
	assert(stack->is_serving && stack->in_user == 0);
	if (!ev->packet && ev->msg)
		ev->packet = stack->packet;
	stack->in_user++;
	if (stack->params.on_event)
		stack->params.on_event(stack->params.ctx, ev);
	stack->in_user--;
}

void sip_stack_send(struct sip_stack *stack, struct span bytes, const struct sip_dest *dest, uint64_t token)
{
	if (sip_outbox_put(&stack->out, bytes, dest, token))
		stack->stats.sent++;
	else
		stack->stats.out_dropped++;
}

bool sip_stack_out(struct sip_stack *stack, struct sip_out *ret)
{
	return sip_outbox_take(&stack->out, ret);
}

struct span sip_stack_branch(struct sip_stack *stack, char ret_branch[SIP_BRANCH_CHARS + 1])
{
	memcpy(ret_branch, "z9hG4bK", 7);
	sip_stack_token(stack, ret_branch + 7, SIP_BRANCH_CHARS - 7);

	return span(ret_branch, SIP_BRANCH_CHARS);
}

struct span sip_supported(bool has_100rel, bool has_timer)
{
	if (!has_100rel)
		return has_timer ? SPAN_LIT("timer, replaces, norefersub") : SPAN_LIT("replaces, norefersub");

	return has_timer ? SPAN_LIT("100rel, timer, replaces, norefersub") : SPAN_LIT("100rel, replaces, norefersub");
}

struct span sip_stack_supported(const struct sip_stack *stack)
{
	return sip_supported(!stack->params.no_100rel, !stack->params.no_session_timer);
}

struct span sip_stack_allow(const struct sip_stack *stack)
{
	return stack->params.no_update ? SPAN_LIT(SIP_ALLOW_NO_UPDATE) : SPAN_LIT(SIP_ALLOW);
}

/* ---- responses ---- */

static void on_response(struct sip_stack *stack, const struct sip_msg *rsp)
{
	struct sip_ctrans *ct = sip_ctrans_find(stack, rsp);

	if (ct)
		sip_ctrans_recv(ct, rsp);
	else
		stack->stats.strays++;
}

/* ---- requests outside of dialogs ---- */

static void reply(struct sip_strans *st, int status, struct span headers)
{
	struct sip_answer a = {.status = status, .headers = headers};

	if (sip_strans_is_pending(st) && sip_strans_reply(st, &a) < 0)
		st->stack->stats.out_dropped++;
}

void sip_stack_overloaded(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	char buf[64];

	stack->stats.overload_503++;
	if (buf_format(buf, sizeof(buf), "Retry-After: %u\r\n", stack->params.retry_after_s) == 0)
		sip_reply_stateless(stack, req, pkt, 503, span_z(buf));
}

static uint64_t request_token(const struct sip_strans *st)
{
	return (uint64_t)st->by_key.hash << 32 | st->serial;
}

/* Lets the user answer, and answers otherwise. */
static void ask(struct sip_stack *stack, struct sip_strans *st, const struct sip_msg *req, struct sip_stack_event *ev)
{
	ev->msg = req;
	ev->body = req->body;
	ev->content_type = sip_msg_value(req, SIP_HDR_CONTENT_TYPE);
	ev->request = request_token(st);
	stack->asked = st;
	sip_stack_emit(stack, ev);
	stack->asked = NULL;
}

static void on_options(struct sip_stack *stack, struct sip_strans *st, const struct sip_msg *req)
{
	char buf[512];
	struct sip_stack_event ev = {.type = SIP_EV_OPTIONS};
	struct span supported = sip_stack_supported(stack), allow = sip_stack_allow(stack);

	ask(stack, st, req, &ev);
	if (buf_format(buf, sizeof(buf), "Allow: %.*s\r\nAccept: %s\r\nSupported: %.*s\r\n", SPAN_FMT(allow),
		       SIP_ACCEPT, SPAN_FMT(supported)) == 0)
		reply(st, 200, span_z(buf));
}

static void on_request_event(struct sip_stack *stack, struct sip_strans *st, const struct sip_msg *req)
{
	struct sip_stack_event ev = {.type = req->method == SIP_NOTIFY ? SIP_EV_NOTIFY : SIP_EV_REQUEST};

	ask(stack, st, req, &ev);
	switch (req->method) {
	case SIP_NOTIFY:
		reply(st, 200, (struct span){0});
		break;
	case SIP_SUBSCRIBE:
		reply(st, 489, SPAN_LIT("Allow-Events: refer\r\n"));
		break;
	case SIP_BYE:
	case SIP_PRACK:
	case SIP_UPDATE:
	case SIP_INFO:
		reply(st, 481, (struct span){0});
		break;
	default:
		reply(st, 405, SPAN_LIT("Allow: " SIP_ALLOW "\r\n"));
		break;
	}
}

int sip_stack_reply(struct sip_stack *stack, uint64_t request, int status, struct span headers, msec_t now)
{
	struct sip_answer a = {.status = status, .headers = headers};

	if (!stack->asked || request_token(stack->asked) != request || status < 200 || status > 699)
		return -TR_ESTATE;

	return sip_strans_is_pending(stack->asked) ? sip_strans_reply(stack->asked, &a) : -TR_ESTATE;
}

static void on_new(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	struct sip_strans *st;

	if (req->method == SIP_INVITE) {
		sip_uas_invite(stack, req, pkt);
		return;
	}
	if (sip_strans_new(stack, req, pkt, NULL, &st) < 0) {
		sip_stack_overloaded(stack, req, pkt);
		return;
	}
	if (req->method == SIP_OPTIONS)
		on_options(stack, st, req);
	else
		on_request_event(stack, st, req);
}

/* ---- all requests ---- */

/* RFC 3261 §8.2.2.3: the first extension that a request requires and we have not; empty: all fine. */
static struct span find_unsupported(const struct sip_stack *stack, const struct sip_msg *req)
{
	struct span tag;
	struct sip_list it;

	sip_list_init(&it, req, SIP_HDR_REQUIRE);
	while (sip_list_next(&it, &tag)) {
		struct span rest = sip_stack_supported(stack), known;
		bool is_known = false;

		while (sip_comma_next(&rest, &known))
			is_known |= span_ieq(known, tag);
		if (!is_known)
			return tag;
	}

	return (struct span){0};
}

static bool is_welcome(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	if (!stack->params.is_welcome || stack->params.is_welcome(stack->params.ctx, pkt, req))
		return true;
	stack->stats.unwelcome++;

	return false;
}

/* True if it was answered, or is nothing to answer. */
static bool refuse_request(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	char buf[256];
	struct sip_parse_error err;
	struct span tag;

	/* Inside of a dialog leniency wins: a BYE with an odd header still has to end the call. */
	if (!req->to_tag.n && sip_msg_check(req, &err) < 0) {
		stack->stats.bad_messages++;
		if (err.status)
			sip_reply_stateless(stack, req, pkt, err.status, (struct span){0});
		return true;
	}
	if (!req->to_tag.n && sip_strans_is_merged(stack, req)) {
		sip_reply_stateless(stack, req, pkt, 482, (struct span){0});
		return true;
	}
	tag = find_unsupported(stack, req);
	if (!tag.n)
		return false;
	if (buf_format(buf, sizeof(buf), "Unsupported: %.*s\r\n", SPAN_FMT(tag)) == 0)
		sip_reply_stateless(stack, req, pkt, 420, span_z(buf));

	return true;
}

static void on_in_dialog(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	struct sip_dialog *d = sip_dialog_find(stack, req->call_id, req->to_tag, req->from_tag);
	struct sip_strans *st;

	if (sip_strans_new(stack, req, pkt, NULL, &st) < 0) {
		sip_stack_overloaded(stack, req, pkt);
		return;
	}
	if (d)
		sip_uas_request(d->session, d, st, req);
	else
		reply(st, 481, (struct span){0});
}

/* RFC 3261 §17.2.3: the ACK of a failure belongs to the transaction, that of a 2xx to the dialog, also with its branch. */
static void on_ack(struct sip_stack *stack, const struct sip_msg *ack)
{
	struct sip_strans *st = sip_strans_find(stack, ack, SIP_INVITE);
	struct sip_dialog *d;

	if (st && st->state != SIP_TRANS_ACCEPTED) {
		sip_strans_recv(st, ack);
		return;
	}
	d = sip_dialog_find(stack, ack->call_id, ack->to_tag, ack->from_tag);
	if (d)
		sip_uas_ack(d->session, d, ack);
	else
		stack->stats.strays++;
}

/* RFC 3261 §9.2. */
static void on_cancel(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	struct sip_strans *invite = sip_strans_find(stack, req, SIP_INVITE), *st;

	if (sip_strans_new(stack, req, pkt, invite ? invite->tag : NULL, &st) < 0) {
		sip_stack_overloaded(stack, req, pkt);
		return;
	}
	if (!invite) {
		reply(st, 481, (struct span){0});
		return;
	}
	reply(st, 200, (struct span){0});
	if (invite->fn)
		sip_uas_cancel(invite->owner, invite, req);
}

static void on_request(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt)
{
	struct sip_strans *st;

	if (req->method == SIP_ACK) {
		on_ack(stack, req);
		return;
	}
	st = sip_strans_find(stack, req, req->method);
	if (st) {
		sip_strans_recv(st, req);
		return;
	}
	bool is_ours = req->method == SIP_CANCEL ? sip_strans_find(stack, req, SIP_INVITE) != NULL :
		req->to_tag.n && sip_dialog_find(stack, req->call_id, req->to_tag, req->from_tag);

	if (!is_ours && !is_welcome(stack, req, pkt))
		return;
	if (req->method == SIP_CANCEL) {
		on_cancel(stack, req, pkt);
		return;
	}
	if (refuse_request(stack, req, pkt))
		return;
	if (req->to_tag.n)
		on_in_dialog(stack, req, pkt);
	else
		on_new(stack, req, pkt);
}

/* ---- entries ---- */

static bool is_keepalive(struct sip_stack *stack, const struct sip_packet *pkt)
{
	struct sip_dest dest = {.transport = pkt->transport, .conn = pkt->conn, .addr = pkt->source, .local = pkt->local};

	for (size_t i = 0; i < pkt->bytes.n; i++)
		if (pkt->bytes.p[i] != '\r' && pkt->bytes.p[i] != '\n')
			return false;
	if (pkt->bytes.n >= 4 && pkt->conn)
		sip_stack_send(stack, SPAN_LIT("\r\n"), &dest, 0); /* RFC 5626 §4.4.1 */
	else if (pkt->conn)
		sip_reg_pong(stack, pkt->conn);

	return true;
}

void sip_stack_recv(struct sip_stack *stack, const struct sip_packet *pkt, msec_t now)
{
	struct sip_msg msg;

	serve(stack, now);
	stack->packet = pkt;
	stack->stats.received++;
	if (is_keepalive(stack, pkt)) {
		done(stack);
		return;
	}
	if (sip_msg_parse(&msg, pkt->bytes.p, pkt->bytes.n) < 0) {
		stack->stats.bad_messages++;
		if (msg.error.status && msg.is_request && is_welcome(stack, &msg, pkt))
			sip_reply_stateless(stack, &msg, pkt, msg.error.status, (struct span){0});
	} else if (msg.is_request) {
		on_request(stack, &msg, pkt);
	} else {
		on_response(stack, &msg);
	}
	done(stack);
}

msec_t sip_stack_next(const struct sip_stack *stack)
{
	list_each(&stack->ended, struct sip_session, ended, s)
		return stack->now;

	return wheel_next(&stack->wheel);
}

msec_t sip_stack_tick(struct sip_stack *stack, msec_t now)
{
	serve(stack, now);
	wheel_advance(&stack->wheel, now);
	done(stack);

	return sip_stack_next(stack);
}

void sip_stack_send_failed(struct sip_stack *stack, uint64_t token, int err, const char *why, msec_t now)
{
	struct sip_ctrans *ct;
	struct sip_strans *st;

	if (!token)
		return;
	serve(stack, now);
	stack->fault = why;
	sip_token_find(stack, token, &ct, &st);
	if (ct)
		sip_ctrans_failed(ct);
	if (st)
		sip_strans_failed(st);
	stack->fault = NULL;
	done(stack);
}

void sip_stack_sent_on(struct sip_stack *stack, uint64_t token, uint32_t conn)
{
	struct sip_ctrans *ct;
	struct sip_strans *st;

	sip_token_find(stack, token, &ct, &st);
	if (ct)
		ct->dest.conn = conn;
}

void sip_stack_conn_lost(struct sip_stack *stack, uint32_t conn, const char *why, msec_t now)
{
	if (!conn)
		return;
	serve(stack, now);
	/*
	 * Client transactions only: nothing will answer them on that connection. Responses open another one (RFC 3261
	 * §18.2.2), so server transactions just forget it.
	 */
	hash_each(&stack->clients, n) {
		struct sip_ctrans *ct = container_of(n, struct sip_ctrans, by_branch);

		if (ct->dest.conn == conn && sip_ctrans_is_pending(ct)) {
			ct->dest.conn = 0;
			sip_ctrans_failed_later(ct, why);
		}
	}
	hash_each(&stack->servers, n) {
		struct sip_strans *st = container_of(n, struct sip_strans, by_key);

		if (st->dest.conn == conn)
			st->dest.conn = 0;
	}
	list_each(&stack->sessions, struct sip_session, link, s)
		list_each(&s->dialogs, struct sip_dialog, link, d) {
			if (d->peer.conn == conn)
				d->peer.conn = 0;
			if (d->ack_dest.conn == conn)
				d->ack_dest.conn = 0;
		}
	sip_reg_conn_lost(stack, conn);
	done(stack);
}

void sip_stack_stats(const struct sip_stack *stack, struct sip_stack_stats *ret)
{
	struct sip_session_info info;

	*ret = stack->stats;
	ret->live_timers = stack->wheel.count;
	ret->live_bytes = 0;
	list_each(&stack->sessions, struct sip_session, link, s) {
		sip_session_get_info(s, &info);
		ret->live_bytes += info.bytes;
	}
	hash_each(&stack->clients, n) {
		struct sip_ctrans *ct = container_of(n, struct sip_ctrans, by_branch);

		ret->live_bytes += sizeof(*ct) + ct->request.n;
	}
	hash_each(&stack->servers, n) {
		struct sip_strans *st = container_of(n, struct sip_strans, by_key);

		ret->live_bytes += sizeof(*st) + st->lines.n + st->response.n + st->key.n;
	}
}
