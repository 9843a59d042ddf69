/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/strans_priv.h"

/*
 * Server transactions: INVITE (RFC 3261 §17.2.1 with RFC 6026 §7.1) and the others (§17.2.2).
 *
 *   INVITE   PROCEEDING ──send 2xx──> ACCEPTED  Timer L        others   TRYING ──send 1xx──> PROCEEDING
 *              │ send 300-699                                             │ send final         │
 *              └────> COMPLETED ──ACK──> CONFIRMED  Timer I               └──> COMPLETED <─────┘  Timer J
 *                     Timers G, H
 *
 * Deviations. The 2xx is sent again here, in Accepted, and not by the core as RFC 3261 §13.3.1.4 has it: the bytes and the
 * timer are here anyway. The same goes for reliable provisional responses (RFC 3262 §3) and the repetition of the others each
 * minute (§13.3.1.1), both in Proceeding. 100 goes out after 200 ms without an answer (§17.2.1).
 */

#define TRYING_AFTER_MS 200
#define REFRESH_1XX_MS	60000

typedef void action_fn(struct sip_strans *st);

enum event { ON_REQUEST, ON_ACK, ON_1XX, ON_2XX, ON_FAILURE, ON_RESEND, ON_EXPIRE, ON_ERROR, EVENT_COUNT };

struct edge {
	enum sip_trans_state next;
	action_fn *act;
};

static action_fn send_out, repeat, send_1xx, send_2xx, send_failure, send_final, insist, insist_2xx, insist_failure, refresh,
	acked, confirm, unacked, gone, fail;

static const struct edge invite_edges[SIP_TRANS_STATES][EVENT_COUNT] = {
	[SIP_TRANS_PROCEEDING] = {
		[ON_REQUEST] = {SIP_TRANS_PROCEEDING, repeat},
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, send_1xx},
		[ON_2XX]     = {SIP_TRANS_ACCEPTED,   send_2xx},     /* starts Timer L */
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  send_failure}, /* starts Timers G and H */
		[ON_RESEND]  = {SIP_TRANS_PROCEEDING, insist},
		[ON_EXPIRE]  = {SIP_TRANS_PROCEEDING, refresh},
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_ACCEPTED] = {
		[ON_REQUEST] = {SIP_TRANS_ACCEPTED,   NULL},	     /* absorbed */
		[ON_ACK]     = {SIP_TRANS_ACCEPTED,   acked},
		[ON_RESEND]  = {SIP_TRANS_ACCEPTED,   insist_2xx},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, unacked},	     /* Timer L */
	},
	[SIP_TRANS_COMPLETED] = {
		[ON_REQUEST] = {SIP_TRANS_COMPLETED,  repeat},
		[ON_ACK]     = {SIP_TRANS_CONFIRMED,  confirm},	     /* starts Timer I */
		[ON_RESEND]  = {SIP_TRANS_COMPLETED,  insist_failure},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},	     /* Timer H */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_CONFIRMED] = {
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},	     /* Timer I */
	},
};

static const struct edge other_edges[SIP_TRANS_STATES][EVENT_COUNT] = {
	[SIP_TRANS_TRYING] = {
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, send_out},
		[ON_2XX]     = {SIP_TRANS_COMPLETED,  send_final},   /* starts Timer J */
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  send_final},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},	     /* the core never answered: too late, RFC 4320 §4.2 */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_PROCEEDING] = {
		[ON_REQUEST] = {SIP_TRANS_PROCEEDING, repeat},
		[ON_1XX]     = {SIP_TRANS_PROCEEDING, send_out},
		[ON_2XX]     = {SIP_TRANS_COMPLETED,  send_final},
		[ON_FAILURE] = {SIP_TRANS_COMPLETED,  send_final},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
	[SIP_TRANS_COMPLETED] = {
		[ON_REQUEST] = {SIP_TRANS_COMPLETED,  repeat},
		[ON_EXPIRE]  = {SIP_TRANS_TERMINATED, gone},	     /* Timer J */
		[ON_ERROR]   = {SIP_TRANS_TERMINATED, fail},
	},
};

static const struct edge *edge_of(const struct sip_strans *st, enum event ev)
{
	return st->method == SIP_INVITE ? &invite_edges[st->state][ev] : &other_edges[st->state][ev];
}

/* The only place where a server transaction changes state. */
static void step(struct sip_strans *st, enum event ev)
{
	const struct edge *edge = edge_of(st, ev);

	if (edge->next == SIP_TRANS_NONE)
		return;

	st->state = edge->next;
	if (edge->act)
		edge->act(st);
	if (st->state == SIP_TRANS_TERMINATED && list_is_empty(&st->dead)) {
		timer_stop(&st->stack->wheel, &st->resend);
		timer_stop(&st->stack->wheel, &st->expire);
		list_append(&st->stack->dead_servers, &st->dead);
	}
}

static bool is_reliable(const struct sip_strans *st)
{
	return sip_transport_is_reliable(st->dest.transport);
}

static void start(struct sip_strans *st, struct timer *t, msec_t after)
{
	timer_start(&st->stack->wheel, t, st->stack->now + after);
}

static void tell(struct sip_strans *st, enum sip_strans_news news)
{
	if (st->fn)
		st->fn(st->owner, st, news);
}

static void gone(struct sip_strans *st)
{
	tell(st, SIP_STRANS_GONE);
	st->fn = NULL;
}

static void fail(struct sip_strans *st)
{
	tell(st, SIP_STRANS_FAILED);
	gone(st);
}

static void send_out(struct sip_strans *st)
{
	uint64_t token = (uint64_t)st->by_key.hash << 32 | 0x80000000u | st->serial;

	if (st->response.n)
		sip_stack_send(st->stack, sip_bytes_span(&st->response), &st->dest, token);
}

static void send_trying(struct sip_strans *st)
{
	sip_strans_reply_status(st, 100);
}

/* The request came again: so does the answer. Before the first one an INVITE gets 100 (RFC 3261 §17.2.1). */
static void repeat(struct sip_strans *st)
{
	st->stack->stats.retransmits_in++;
	if (st->response.n) {
		st->stack->stats.retransmitted++;
		send_out(st);
	} else if (st->method == SIP_INVITE) {
		send_trying(st);
	}
}

static void send_1xx(struct sip_strans *st)
{
	timer_stop(&st->stack->wheel, &st->resend);
	start(st, &st->expire, REFRESH_1XX_MS);
	if (st->is_rel_pending) {
		st->interval = sip_t1(st->stack);
		st->give_up_at = st->stack->now + 64 * (msec_t)st->interval;
		start(st, &st->resend, st->interval);
	}
	send_out(st);
}

/* In Proceeding: 100 when the core is slow, or the reliable 1xx until its PRACK (RFC 3262 §3: doubling without a cap). */
static void insist(struct sip_strans *st)
{
	if (!st->is_rel_pending) {
		send_trying(st);
		return;
	}
	if (st->stack->now >= st->give_up_at) {
		st->is_rel_pending = false;
		tell(st, SIP_STRANS_UNPRACKED);
		return;
	}
	st->interval *= 2;
	start(st, &st->resend, MIN((msec_t)st->interval, st->give_up_at - st->stack->now));
	st->stack->stats.retransmitted++;
	send_out(st);
}

static void refresh(struct sip_strans *st)
{
	start(st, &st->expire, REFRESH_1XX_MS);
	send_out(st);
}

static void send_2xx(struct sip_strans *st)
{
	st->is_rel_pending = false;
	st->interval = sip_t1(st->stack);
	start(st, &st->resend, st->interval); /* also on streams: it is the ACK that is waited for */
	start(st, &st->expire, 64 * (msec_t)sip_t1(st->stack));
	sip_bytes_free(&st->lines);
	send_out(st);
}

static void insist_2xx(struct sip_strans *st)
{
	st->interval = MIN(st->interval * 2, SIP_T2_MS);
	start(st, &st->resend, st->interval);
	st->stack->stats.retransmitted++;
	send_out(st);
}

static void acked(struct sip_strans *st)
{
	timer_stop(&st->stack->wheel, &st->resend);
	sip_bytes_free(&st->response);
}

static void unacked(struct sip_strans *st)
{
	if (st->response.n)
		tell(st, SIP_STRANS_UNACKED);
	gone(st);
}

static void send_failure(struct sip_strans *st)
{
	timer_stop(&st->stack->wheel, &st->resend);
	st->is_rel_pending = false;
	st->interval = sip_t1(st->stack);
	if (!is_reliable(st))
		start(st, &st->resend, st->interval);
	start(st, &st->expire, 64 * (msec_t)sip_t1(st->stack));
	sip_bytes_free(&st->lines);
	send_out(st);
}

static void insist_failure(struct sip_strans *st)
{
	insist_2xx(st);
}

static void confirm(struct sip_strans *st)
{
	timer_stop(&st->stack->wheel, &st->resend);
	sip_bytes_free(&st->response);
	start(st, &st->expire, is_reliable(st) ? 0 : SIP_T4_MS);
}

static void send_final(struct sip_strans *st)
{
	start(st, &st->expire, is_reliable(st) ? 0 : 64 * (msec_t)sip_t1(st->stack));
	sip_bytes_free(&st->lines);
	send_out(st);
}

static void on_resend(struct timer *t, msec_t now)
{
	step(container_of(t, struct sip_strans, resend), ON_RESEND);
}

static void on_expire(struct timer *t, msec_t now)
{
	step(container_of(t, struct sip_strans, expire), ON_EXPIRE);
}

/* ---- what it keeps of the request ---- */

/* Everything of the answers that the request decides, so that the request itself need not be kept. */
static int keep_lines(struct sip_strans *st, const struct sip_msg *req, const struct sip_packet *pkt)
{
	struct sip_response_params params = {.status = 180, .to_tag = span_z(st->tag)};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, st->stack->scratch, sizeof(st->stack->scratch));
	sip_strans_write_lines(&w, req, pkt, &params);

	size_t head = w.err ? 0 : span_find(span(w.buf, w.n), '\n') + 1;
	size_t own = w.n - head;

	sip_write_copy(&w, req, SIP_HDR_RECORD_ROUTE);
	int err = sip_writer_finish(&w, &text);

	if (err < 0)
		return err;
	st->lines_n = own;

	return sip_bytes_set(&st->lines, span(text.p + head, text.n - head));
}

static int keep_key(struct sip_strans *st, const struct sip_msg *req)
{
	char buf[2 * SIP_KEY_BYTES];
	struct span key = sip_strans_key(buf, req, req->method), merge = {0};

	if (!key.n)
		return -TR_ETOOBIG;
	if (!req->to_tag.n)
		merge = sip_strans_merge_key(buf + key.n, req);
	st->key_n = key.n;
	if (sip_bytes_set(&st->key, span(buf, key.n + merge.n)) < 0)
		return -ENOMEM;
	hash_add(&st->stack->servers, &st->by_key, span_hash(key));
	if (merge.n)
		hash_add(&st->stack->merges, &st->by_merge, span_hash(merge));
	st->is_in_merges = merge.n > 0;

	return 0;
}

int sip_strans_new(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt, const char *tag,
		   struct sip_strans **ret)
{
	if (stack->servers.count >= LIMIT_SIP_TRANSACTIONS)
		return -TR_ELIMIT;

	struct sip_strans *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	list_init(&st->dead);
	st->stack = stack;
	timer_init(&st->resend, on_resend);
	timer_init(&st->expire, on_expire);
	st->method = req->method;
	st->cseq = req->cseq.number;
	st->serial = ++stack->serial & 0x7fffffff;
	st->state = st->method == SIP_INVITE ? SIP_TRANS_PROCEEDING : SIP_TRANS_TRYING;
	if (tag)
		buf_copy(st->tag, sizeof(st->tag), tag);
	else
		sip_stack_token(stack, st->tag, SIP_TAG_CHARS);
	sip_response_dest(req, pkt, &st->dest);

	int err = keep_lines(st, req, pkt);

	if (err == 0)
		err = keep_key(st, req);
	if (err < 0) {
		sip_bytes_free(&st->lines);
		sip_bytes_free(&st->key);
		free(st);
		return err;
	}
	stack->stats.live_transactions++;
	if (st->method == SIP_INVITE)
		start(st, &st->resend, TRYING_AFTER_MS);
	else
		start(st, &st->expire, 64 * (msec_t)sip_t1(stack));
	*ret = st;

	return 0;
}

void sip_strans_detach(struct sip_strans *st)
{
	if (st)
		st->fn = NULL;
}

/* ---- answering ---- */

static int write_answer(struct sip_strans *st, const struct sip_answer *a, struct span *ret)
{
	struct sip_writer w;
	bool has_rr = a->has_record_route && a->status > 100 && a->status < 300;
	struct span lines = span(st->lines.p, has_rr ? st->lines.n : st->lines_n);

	sip_writer_init(&w, st->stack->scratch, sizeof(st->stack->scratch));
	sip_write_status_line(&w, (uint16_t)a->status, a->reason);
	if (w.cap - w.n < lines.n + a->headers.n)
		return -TR_ETOOBIG;
	memcpy(w.buf + w.n, lines.p, lines.n);
	w.n += lines.n;
	if (a->headers.n) {
		memcpy(w.buf + w.n, a->headers.p, a->headers.n);
		w.n += a->headers.n;
	}
	if (a->status > 100)
		sip_write_hdr(&w, SIP_HDR_SERVER, sip_bytes_span(&st->stack->user_agent));
	sip_write_body(&w, a->content_type.n ? a->content_type : SPAN_LIT("application/sdp"), a->body);

	return sip_writer_finish(&w, ret);
}

int sip_strans_reply(struct sip_strans *st, const struct sip_answer *a)
{
	enum event ev = a->status < 200 ? ON_1XX : a->status < 300 ? ON_2XX : ON_FAILURE;
	struct span text;

	if (edge_of(st, ev)->next == SIP_TRANS_NONE || !st->lines.p)
		return -TR_ESTATE;

	int err = write_answer(st, a, &text);

	if (err == 0)
		err = sip_bytes_set(&st->response, text);
	if (err < 0)
		return err;
	st->is_rel_pending = a->is_reliable;
	step(st, ev);

	return 0;
}

void sip_strans_reply_status(struct sip_strans *st, int status)
{
	struct sip_answer a = {.status = status};

	if (sip_strans_reply(st, &a) < 0)
		st->stack->stats.out_dropped++;
}

void sip_strans_pracked(struct sip_strans *st)
{
	st->is_rel_pending = false;
	timer_stop(&st->stack->wheel, &st->resend);
}

void sip_strans_acked(struct sip_strans *st)
{
	step(st, ON_ACK);
}

void sip_strans_recv(struct sip_strans *st, const struct sip_msg *req)
{
	step(st, req->method == SIP_ACK ? ON_ACK : ON_REQUEST);
}

void sip_strans_failed(struct sip_strans *st)
{
	step(st, ON_ERROR);
}

void sip_strans_free(struct sip_strans *st)
{
	timer_stop(&st->stack->wheel, &st->resend);
	timer_stop(&st->stack->wheel, &st->expire);
	list_unlink(&st->dead);
	hash_remove(&st->stack->servers, &st->by_key);
	if (st->is_in_merges)
		hash_remove(&st->stack->merges, &st->by_merge);
	st->stack->stats.live_transactions--;
	sip_bytes_free(&st->lines);
	sip_bytes_free(&st->response);
	sip_bytes_free(&st->key);
	free(st);
}
