/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/probe_priv.h"
#include "sip/request.h"

#define ANSWER_MS 2000

struct sip_probe {
	struct list link;
	struct sip_stack *stack;
	struct sip_account *account;
	struct sip_ctrans *ct;
	struct timer timer;
	msec_t sent_at;
	void *user;
};

static void destroy(struct sip_probe *p)
{
	timer_stop(&p->stack->wheel, &p->timer);
	sip_ctrans_abandon(p->ct);
	list_unlink(&p->link);
	sip_account_unref(p->account);
	free(p);
}

struct sip_probe *sip_probe_free(struct sip_probe *p)
{
	struct sip_stack *stack = p ? p->stack : NULL;

	if (!p)
		return NULL;
	sip_stack_enter(stack, stack->now);
	destroy(p);
	sip_stack_leave(stack);

	return NULL;
}

void sip_probe_destroy_all(struct sip_stack *stack)
{
	list_each(&stack->probes, struct sip_probe, link, p)
		destroy(p);
}

static void finish(struct sip_probe *p, int status, const struct sip_msg *rsp)
{
	struct sip_stack_event ev = {.type = SIP_EV_PROBED, .probe = p, .status = status, .msg = rsp,
		.text = rsp ? NULL : p->stack->fault};
	struct sip_stack *stack = p->stack;

	timer_stop(&stack->wheel, &p->timer);
	list_unlink(&p->link);
	sip_stack_emit(stack, &ev);
	destroy(p);
}

static void on_response(void *owner, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_probe *p = owner;

	if (status < 200)
		return;
	p->ct = NULL;
	finish(p, rsp ? status : 0, rsp);
}

static void on_timer(struct timer *t, msec_t now)
{
	struct sip_probe *p = container_of(t, struct sip_probe, timer);

	sip_ctrans_abandon(p->ct);
	p->ct = NULL;
	finish(p, 0, NULL);
}

static int send_options(struct sip_probe *p, const struct sip_probe_params *params)
{
	char tag[SIP_TAG_CHARS + 1], call_id[25], uri[LIMIT_SIP_URI_BYTES], from[LIMIT_SIP_URI_BYTES], to[LIMIT_SIP_URI_BYTES];
	struct sip_ctrans_params ctp = {.fn = on_response, .owner = p, .dest = params->dest};
	struct sip_addr_params us = {.uri = sip_bytes_span(&p->account->aor), .tag = sip_stack_token(p->stack, tag, SIP_TAG_CHARS)};
	struct sip_addr_params them = {.uri = params->uri};
	struct sip_request r = {.method = SIP_OPTIONS, .call_id = sip_stack_token(p->stack, call_id, 24), .cseq = 1,
		.sent_by = sip_bytes_span(&p->account->sent_by), .transport = params->dest.transport, .account = p->account,
		.headers = SPAN_LIT("Accept: application/sdp\r\n")};
	struct sip_writer w;
	int err = 0;

	ctp.dest.tls = p->account->tls;
	if (!them.uri.n) {
		sip_writer_init(&w, uri, sizeof(uri));
		sip_write_z(&w, "sip:");
		sip_write_host(&w, sip_bytes_span(&p->account->domain), 0);
		err = sip_writer_finish(&w, &them.uri);
	}
	r.uri = them.uri;
	sip_writer_init(&w, from, sizeof(from));
	sip_write_name_addr(&w, &us);
	if (err == 0)
		err = sip_writer_finish(&w, &r.from);
	sip_writer_init(&w, to, sizeof(to));
	sip_write_name_addr(&w, &them);
	if (err == 0)
		err = sip_writer_finish(&w, &r.to);

	return err < 0 ? err : sip_request_send(p->stack, &r, &ctp, &p->ct);
}

int sip_probe_send(struct sip_stack *stack, const struct sip_probe_params *params, msec_t now, struct sip_probe **ret)
{
	struct sip_probe *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	list_init(&p->link);
	timer_init(&p->timer, on_timer);
	p->stack = stack;
	p->account = sip_account_ref(params->account);
	p->user = params->user;
	p->sent_at = now;
	sip_stack_enter(stack, now);

	int err = send_options(p, params);

	if (err < 0) {
		destroy(p);
	} else {
		list_append(&stack->probes, &p->link);
		timer_start(&stack->wheel, &p->timer, now + (params->answer_ms ? params->answer_ms : ANSWER_MS));
		*ret = p;
	}
	sip_stack_leave(stack);

	return err;
}

void *sip_probe_user(const struct sip_probe *p)
{
	return p->user;
}

uint32_t sip_probe_age_ms(const struct sip_probe *p, msec_t now)
{
	return (uint32_t)MAX(now - p->sent_at, 0);
}
