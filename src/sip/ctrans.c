/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/trans.h"

/*
 * Client transactions: INVITE (RFC 3261 §17.1.1 with RFC 6026 §7.2) and the others (§17.1.2).
 *
 *   INVITE   CALLING ──1xx──> PROCEEDING          others   TRYING ──1xx──> PROCEEDING
 *              │ 2xx             │ 2xx                        │ final         │ final
 *              ├───────> ACCEPTED <┘  Timer M                 └─> COMPLETED <─┘  Timer K
 *              │ 300-699         │ 300-699
 *              └───────> COMPLETED <┘ Timer D
 *
 * resend is Timer A or E; expire is Timer B, F, D, K or M, of which only one runs at a time, and in an INVITE's Proceeding the
 * 64*T1 after a CANCEL (§9.1).
 */

typedef void action_fn(struct sip_ctrans *ct, const struct sip_msg *rsp);

enum event { ON_1XX, ON_2XX, ON_FAILURE, ON_RESEND, ON_EXPIRE, ON_ERROR, EVENT_COUNT };

struct edge {
	enum sip_trans_state next;
	action_fn *act;
};

static action_fn ring, pass, accept_2xx, pass_2xx, refuse, ack_again, final, resend, time_out, fail, gone;

static const struct edge invite_edges[SIP_TRANS_STATES][EVENT_COUNT] = {
	[SIP_TRANS_CALLING] = {
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, ring},	   /* stops Timers A and B */
		[ON_2XX]     = {SIP_TRANS_ACCEPTED,   accept_2xx}, /* starts Timer M */
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  refuse},	   /* ACKs, starts Timer D */
		[ON_RESEND]  = {SIP_TRANS_CALLING,    resend},	   /* Timer A doubles */
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, time_out},   /* Timer B */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_PROCEEDING] = {
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, pass},
		[ON_2XX]     = {SIP_TRANS_ACCEPTED,   accept_2xx},
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  refuse},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, time_out},   /* nothing after CANCEL, §9.1 */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_ACCEPTED] = {
		[ON_2XX]     = {SIP_TRANS_ACCEPTED,   pass_2xx},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},	   /* Timer M */
	},
	[SIP_TRANS_COMPLETED] = {
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  ack_again},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, NULL},	   /* Timer D */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, NULL},
	},
};

static const struct edge other_edges[SIP_TRANS_STATES][EVENT_COUNT] = {
	[SIP_TRANS_TRYING] = {
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, pass},
		[ON_2XX]     = {SIP_TRANS_COMPLETED,  final},	 /* starts Timer K */
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  final},
		[ON_RESEND]  = {SIP_TRANS_TRYING,     resend},	 /* Timer E doubles up to T2 */
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, time_out}, /* Timer F */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_PROCEEDING] = {
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, pass},
		[ON_2XX]     = {SIP_TRANS_COMPLETED,  final},
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  final},
		[ON_RESEND]  = {SIP_TRANS_PROCEEDING, resend},	 /* Timer E at T2 */
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, time_out},
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_COMPLETED] = {
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, NULL},	 /* Timer K */
	},
};

/* The only place where a client transaction changes state. */
static void step(struct sip_ctrans *ct, enum event ev, const struct sip_msg *rsp)
{
	const struct edge *edge = ct->method == SIP_INVITE ? &invite_edges[ct->state][ev] : &other_edges[ct->state][ev];

	if (edge->next == SIP_TRANS_NONE)
		return;

	ct->state = edge->next;
	if (edge->act)
		edge->act(ct, rsp);
	if (ct->state == SIP_TRANS_TERMINATED && list_is_empty(&ct->dead)) {
		timer_stop(&ct->stack->wheel, &ct->resend);
		timer_stop(&ct->stack->wheel, &ct->expire);
		list_append(&ct->stack->dead_clients, &ct->dead);
	}
}

static bool is_reliable(const struct sip_ctrans *ct)
{
	return sip_transport_is_reliable(ct->dest.transport);
}

static void start(struct sip_ctrans *ct, struct timer *t, msec_t after)
{
	timer_start(&ct->stack->wheel, t, ct->stack->now + after);
}

static void stop(struct sip_ctrans *ct, struct timer *t)
{
	timer_stop(&ct->stack->wheel, t);
}

static uint64_t token(const struct sip_ctrans *ct)
{
	return (uint64_t)ct->by_branch.hash << 32 | ct->serial;
}

static void send_out(struct sip_ctrans *ct)
{
	sip_stack_send(ct->stack, span(ct->request.p, ct->request_n), &ct->dest, token(ct));
}

static void tell(struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	if (ct->fn)
		ct->fn(ct->owner, ct, status, rsp);
}

/* The last word to the owner. */
static void tell_last(struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	sip_ctrans_fn *fn = ct->fn;

	ct->fn = NULL;
	if (fn)
		fn(ct->owner, ct, status, rsp);
}

static void pass(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	/* RFC 3261 §17.1.2.2: in Proceeding a non-INVITE is sent again each T2 only. */
	if (ct->method != SIP_INVITE)
		ct->interval = SIP_T2_MS;
	if (rsp->status > 100)
		tell(ct, rsp->status, rsp);
	else
		tell(ct, 100, rsp);
}

static void ring(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	stop(ct, &ct->resend);
	stop(ct, &ct->expire);
	if (ct->is_limited)
		sip_ctrans_limit(ct);
	pass(ct, rsp);
}

static void resend(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	ct->interval *= 2;
	if (ct->method != SIP_INVITE)
		ct->interval = MIN(ct->interval, SIP_T2_MS);
	start(ct, &ct->resend, ct->interval);
	ct->stack->stats.retransmitted++;
	send_out(ct);
}

static void accept_2xx(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	stop(ct, &ct->resend);
	start(ct, &ct->expire, 64 * sip_t1(ct->stack)); /* Timer M */
	tell(ct, rsp->status, rsp);
	ct->dest.host = (struct span){0};
	sip_bytes_free(&ct->request);
}

static void pass_2xx(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	tell(ct, rsp->status, rsp);
}

static void gone(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	tell_last(ct, 0, NULL);
}

static void final(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	stop(ct, &ct->resend);
	start(ct, &ct->expire, is_reliable(ct) ? 0 : SIP_T4_MS); /* Timer K */
	tell_last(ct, rsp->status, rsp);
}

static void time_out(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	tell_last(ct, 408, NULL);
}

/* RFC 3261 §8.1.3.1: what cannot be sent counts as a 503. */
static void fail(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	tell_last(ct, 503, NULL);
}

/* ACK and CANCEL repeat parts of the INVITE: RFC 3261 §17.1.1.3 and §9.1. */
static void write_like(struct sip_ctrans *ct, struct sip_writer *w, enum sip_method method, struct span to)
{
	static const enum sip_hdr_id before[] = {SIP_HDR_ROUTE, SIP_HDR_MAX_FORWARDS, SIP_HDR_FROM};
	struct sip_msg req;

	sip_writer_init(w, ct->stack->scratch, sizeof(ct->stack->scratch));
	if (sip_msg_parse(&req, ct->request.p, ct->request_n) < 0) {
		w->err = -TR_EPARSE;
		return;
	}
	sip_write_request_line(w, method, req.request_uri);
	sip_write_hdr(w, SIP_HDR_VIA, req.via.text);
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		sip_write_copy(w, &req, before[i]);
	sip_write_hdr(w, SIP_HDR_TO, to.p ? to : req.to);
	sip_write_hdr(w, SIP_HDR_CALL_ID, req.call_id);
	sip_write_cseq(w, req.cseq.number, sip_method_word(method));
}

static void send_ack(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	struct sip_writer w;
	struct span ack;

	write_like(ct, &w, SIP_ACK, rsp->to);
	sip_write_end(&w);
	if (sip_writer_finish(&w, &ack) == 0)
		sip_stack_send(ct->stack, ack, &ct->dest, token(ct));
}

static void refuse(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	stop(ct, &ct->resend);
	/* Timer D: at least 32 s on UDP, nothing to wait for on streams. */
	start(ct, &ct->expire, is_reliable(ct) ? 0 : MAX(32000, 64 * (msec_t)sip_t1(ct->stack)));
	send_ack(ct, rsp);
	tell_last(ct, rsp->status, rsp);
}

static void ack_again(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	ct->stack->stats.retransmits_in++;
	send_ack(ct, rsp);
}

static void on_resend(struct timer *t, msec_t now)
{
	step(container_of(t, struct sip_ctrans, resend), ON_RESEND, NULL);
}

static void on_expire(struct timer *t, msec_t now)
{
	struct sip_ctrans *ct = container_of(t, struct sip_ctrans, expire);

	if (ct->is_lost && sip_ctrans_is_pending(ct)) {
		ct->stack->fault = ct->fault;
		sip_ctrans_failed(ct);
		ct->stack->fault = NULL;
	} else {
		step(ct, ON_EXPIRE, NULL);
	}
}

/* RFC 3261 §18.1.1: above 1300 bytes a request takes TCP, and falls back to UDP if the peer has none. */
static void choose_transport(struct sip_ctrans *ct)
{
	if (ct->dest.transport != SIP_UDP || ct->request_n <= ct->stack->params.udp_max_bytes)
		return;
	ct->dest.transport = SIP_TCP;
	ct->dest.has_fallback = true;
	memcpy(ct->request.p + ct->via_at, "TCP", 3);
}

static int keep_request(struct sip_ctrans *ct, const struct sip_ctrans_params *params)
{
	struct span host = params->dest.host;

	ct->request.n = params->request.n + host.n;
	ct->request.p = malloc(ct->request.n);
	if (!ct->request.p)
		return -ENOMEM;

	memcpy(ct->request.p, params->request.p, params->request.n);
	if (host.n)
		memcpy(ct->request.p + params->request.n, host.p, host.n);
	ct->request_n = params->request.n;
	ct->dest = params->dest;
	ct->dest.host = span(host.n ? ct->request.p + params->request.n : NULL, host.n);

	return 0;
}

static void start_sending(struct sip_ctrans *ct)
{
	ct->interval = sip_t1(ct->stack);
	if (!is_reliable(ct))
		start(ct, &ct->resend, ct->interval);
	start(ct, &ct->expire, 64 * (msec_t)sip_t1(ct->stack));
	send_out(ct);
}

int sip_ctrans_new(struct sip_stack *stack, const struct sip_ctrans_params *params, struct sip_ctrans **ret)
{
	if (stack->clients.count >= LIMIT_SIP_TRANSACTIONS)
		return -TR_ELIMIT;

	struct sip_ctrans *ct = calloc(1, sizeof(*ct));

	if (!ct)
		return -ENOMEM;
	list_init(&ct->dead);
	ct->stack = stack;
	timer_init(&ct->resend, on_resend);
	timer_init(&ct->expire, on_expire);
	if (keep_request(ct, params) < 0 || !span_copy(params->branch, ct->branch, sizeof(ct->branch))) {
		sip_bytes_free(&ct->request);
		free(ct);
		return -ENOMEM;
	}
	ct->via_at = params->via_at;
	ct->fn = ct->keep_fn = params->fn;
	ct->owner = params->owner;
	ct->ref = params->ref;
	ct->purpose = params->purpose;
	ct->tries = params->tries;
	ct->auth_mask = params->auth_mask;
	ct->fresh_mask = params->fresh_mask;
	ct->method = params->method;
	ct->cseq = params->cseq;
	ct->serial = ++stack->serial & 0x7fffffff;
	ct->state = ct->method == SIP_INVITE ? SIP_TRANS_CALLING : SIP_TRANS_TRYING;
	hash_add(&stack->clients, &ct->by_branch, span_hash(params->branch));
	stack->stats.live_transactions++;
	choose_transport(ct);
	start_sending(ct);
	*ret = ct;

	return 0;
}

void sip_ctrans_detach(struct sip_ctrans *ct)
{
	if (ct)
		ct->fn = NULL;
}

void sip_ctrans_abandon(struct sip_ctrans *ct)
{
	if (!ct)
		return;
	assert(ct->method != SIP_INVITE);
	ct->fn = NULL;
	step(ct, ON_ERROR, NULL);
}

void sip_ctrans_limit(struct sip_ctrans *ct)
{
	ct->is_limited = true;
	if (ct->state == SIP_TRANS_PROCEEDING && !timer_is_running(&ct->expire))
		start(ct, &ct->expire, 64 * (msec_t)sip_t1(ct->stack));
}

void sip_ctrans_cancel(struct sip_ctrans *ct, struct span reason)
{
	struct sip_ctrans *cancel;
	struct sip_writer w;
	struct span text;

	if (ct->method != SIP_INVITE || ct->state != SIP_TRANS_PROCEEDING || ct->is_cancelled)
		return;
	ct->is_cancelled = true;
	start(ct, &ct->expire, 64 * (msec_t)sip_t1(ct->stack));
	write_like(ct, &w, SIP_CANCEL, (struct span){0});
	sip_write_hdr(&w, SIP_HDR_REASON, reason);
	sip_write_end(&w);
	if (sip_writer_finish(&w, &text) < 0)
		return;

	struct sip_ctrans_params params = {
		.request = text,
		.branch = span_z(ct->branch),
		.via_at = ct->via_at, /* "CANCEL" is as long as "INVITE" */
		.dest = ct->dest,
		.method = SIP_CANCEL,
		.cseq = ct->cseq,
	};

	/* What becomes of the CANCEL does not matter: the INVITE's own answer, or 64*T1 without one, ends it. */
	if (sip_ctrans_new(ct->stack, &params, &cancel) < 0)
		return;
}

static struct sip_ctrans *find(struct sip_stack *stack, struct span branch, enum sip_method method)
{
	for (struct hash_node *n = hash_find(&stack->clients, span_hash(branch)); n; n = hash_find_next(n)) {
		struct sip_ctrans *ct = container_of(n, struct sip_ctrans, by_branch);

		if (ct->method == method && ct->state != SIP_TRANS_TERMINATED && span_eq_z(branch, ct->branch))
			return ct;
	}

	return NULL;
}

/* RFC 3261 §17.1.3: by the topmost branch and the method of CSeq. */
struct sip_ctrans *sip_ctrans_find(struct sip_stack *stack, const struct sip_msg *rsp)
{
	return find(stack, rsp->via.branch, rsp->cseq.method);
}

void sip_ctrans_recv(struct sip_ctrans *ct, const struct sip_msg *rsp)
{
	if (rsp->cseq.number != ct->cseq)
		return;
	if (rsp->status < 200)
		step(ct, ON_1XX, rsp);
	else if (rsp->status < 300)
		step(ct, ON_2XX, rsp);
	else
		step(ct, ON_FAILURE, rsp);
}

void sip_ctrans_failed(struct sip_ctrans *ct)
{
	bool is_waiting = ct->state == SIP_TRANS_CALLING || ct->state == SIP_TRANS_TRYING;

	if (ct->dest.has_fallback && is_waiting) {
		ct->dest.has_fallback = ct->is_lost = false;
		ct->dest.transport = SIP_UDP;
		ct->dest.conn = 0;
		memcpy(ct->request.p + ct->via_at, "UDP", 3);
		start_sending(ct);
		return;
	}
	step(ct, ON_ERROR, NULL);
}

void sip_ctrans_failed_later(struct sip_ctrans *ct, const char *why)
{
	ct->is_lost = true;
	if (why && !ct->fault)
		ct->fault = strdup(why); /* without memory the general words have to do */
	start(ct, &ct->expire, 0);
}

void sip_ctrans_free(struct sip_ctrans *ct)
{
	timer_stop(&ct->stack->wheel, &ct->resend);
	timer_stop(&ct->stack->wheel, &ct->expire);
	list_unlink(&ct->dead);
	hash_remove(&ct->stack->clients, &ct->by_branch);
	ct->stack->stats.live_transactions--;
	sip_bytes_free(&ct->request);
	free(ct->fault);
	free(ct);
}
