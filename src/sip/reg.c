/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/reg_priv.h"

/*
 * One registration, RFC 3261 §10.2.
 *
 *   TRYING ──2xx──> WAITING ──refresh or pause over──> TRYING
 *     │ failure ────────┘  (password wrong: STUCK)
 *   any ──unregister──> LEAVING ──answer or 64*T1──> GONE
 */

#define FIRST_PAUSE_MS	1000
#define SLOW_PAUSE_S	300   /* after 403 and 404: nothing will change soon, and PBXes ban those who insist */
#define LONGEST_RETRY_AFTER_S 600
#define LONGEST_EXPIRES_S 604800

static const char *const fault_texts[] = {
	[SIP_REG_OK] = "registered",
	[SIP_REG_NO_ANSWER] = "the registrar does not answer: check address, port and firewall",
	[SIP_REG_BAD_PASSWORD] = "the registrar refuses our credentials: password wrong, or authentication id wrong",
	[SIP_REG_UNKNOWN_USER] = "the registrar does not know this extension or authentication id",
	[SIP_REG_FORBIDDEN] = "the registrar forbids this registration: check allowed addresses, User-Agent and extension",
	[SIP_REG_NO_DIGEST] = "the registrar asks for an authentication that is not supported",
	[SIP_REG_BUSY] = "the registrar cannot serve us now",
	[SIP_REG_REFUSED] = "the registrar refuses the registration",
};

static sip_ctrans_fn on_response;

/* ---- sending ---- */

int sip_reg_dest(const struct sip_reg *reg, struct sip_dest *ret)
{
	const struct sip_account *a = reg->account;
	struct span rest = sip_bytes_span(&a->routes), first;
	struct span target = sip_bytes_span(&reg->registrar);
	struct sip_name_addr addr;
	int err = 0;

	if (a->proxy.host.n || addr_is_set(&a->proxy.addr)) {
		*ret = a->proxy;
	} else {
		if (rest.n && sip_comma_next(&rest, &first) && sip_name_addr_parse(&addr, first) == 0)
			target = addr.uri.text;
		err = sip_uri_dest(target, a->transport, ret);
	}
	ret->tls = a->tls;
	if (err == 0 && sip_transport_is_reliable(ret->transport))
		ret->conn = reg->conn;

	return err;
}

static int write_headers(const struct sip_reg *reg, uint32_t expires_s, char *buf, size_t cap, struct span *ret)
{
	const struct sip_account *a = reg->account;
	struct sip_writer w;

	sip_writer_init(&w, buf, cap);
	sip_write_hdr_u32(&w, SIP_HDR_EXPIRES, expires_s);
	sip_write_hdr_z(&w, SIP_HDR_ALLOW, SIP_ALLOW);
	sip_write_hdr_z(&w, SIP_HDR_SUPPORTED, reg->instance_id.n ? "path, outbound" : "path");
	if (w.cap - w.n < a->headers.n)
		return -TR_ETOOBIG;
	if (a->headers.n)
		memcpy(w.buf + w.n, a->headers.p, a->headers.n);
	w.n += a->headers.n;

	return sip_writer_finish(&w, ret);
}

static int write_contact(struct sip_reg *reg, uint32_t expires_s, char *buf, size_t cap, struct span *ret_params)
{
	struct span instance = sip_bytes_span(&reg->instance_id), uri;
	struct sip_writer w;

	sip_writer_init(&w, buf, cap);
	sip_account_write_contact(reg->account, &w, false);
	if (sip_writer_finish(&w, &uri) < 0 || sip_bytes_set(&reg->contact, uri) < 0)
		return -TR_ETOOBIG;
	sip_writer_init(&w, buf, cap);
	sip_write_z(&w, ";expires=");
	sip_write_u32(&w, expires_s);
	if (instance.n) {
		sip_write_z(&w, ";+sip.instance=\"<");
		sip_write_span(&w, instance);
		sip_write_z(&w, ">\";reg-id=");
		sip_write_u32(&w, reg->reg_id);
	}

	return sip_writer_finish(&w, ret_params);
}

static int write_addr(const struct sip_reg *reg, bool has_tag, char *buf, size_t cap, struct span *ret)
{
	const struct sip_account *a = reg->account;
	struct sip_addr_params p = {
		.display = sip_bytes_span(&a->display_name),
		.uri = sip_bytes_span(&a->aor),
		.tag = has_tag ? span_z(reg->tag) : (struct span){0},
	};
	struct sip_writer w;

	sip_writer_init(&w, buf, cap);
	sip_write_name_addr(&w, &p);

	return sip_writer_finish(&w, ret);
}

static int send_request(struct sip_reg *reg, uint32_t expires_s)
{
	char from[LIMIT_SIP_URI_BYTES], to[LIMIT_SIP_URI_BYTES], contact[LIMIT_SIP_URI_BYTES], headers[SIP_HEADERS_BYTES];
	struct sip_ctrans_params params = {.fn = on_response, .owner = reg};
	struct sip_request r = {
		.method = SIP_REGISTER,
		.uri = sip_bytes_span(&reg->registrar),
		.call_id = sip_bytes_span(&reg->call_id),
		.cseq = ++reg->cseq,
		.routes = sip_bytes_span(&reg->account->routes),
		.sent_by = sip_bytes_span(&reg->account->sent_by),
		.account = reg->account,
		.auth_mask = reg->auth_mask,
	};
	int err = sip_reg_dest(reg, &params.dest);

	r.transport = params.dest.transport;
	if (err == 0)
		err = write_addr(reg, true, from, sizeof(from), &r.from);
	if (err == 0)
		err = write_addr(reg, false, to, sizeof(to), &r.to);
	if (err == 0)
		err = write_contact(reg, expires_s, contact, sizeof(contact), &r.contact_params);
	if (err == 0)
		err = write_headers(reg, expires_s, headers, sizeof(headers), &r.headers);
	r.contact = sip_bytes_span(&reg->contact);

	return err < 0 ? err : sip_request_send(reg->stack, &r, &params, &reg->ct);
}

void sip_reg_send(struct sip_reg *reg, uint32_t expires_s)
{
	timer_stop(&reg->stack->wheel, &reg->timer);
	sip_ctrans_detach(reg->ct);
	reg->ct = NULL;
	/* What keeps it from being sent now (memory, a broken URI) is tried again like a registrar that is away. */
	if (send_request(reg, expires_s) < 0)
		timer_start(&reg->stack->wheel, &reg->timer, reg->stack->now + 4 * FIRST_PAUSE_MS);
}

/* Another registrar may be there for whom this one is silent. */
static void be_patient(struct sip_reg *reg)
{
	if (reg->patience_ms && reg->ct)
		timer_start(&reg->stack->wheel, &reg->timer, reg->stack->now + reg->patience_ms);
}

static void try_now(struct sip_reg *reg)
{
	reg->state = SIP_REG_TRYING;
	sip_reg_send(reg, reg->expires_s);
	be_patient(reg);
}

/* ---- failure ---- */

static enum sip_reg_fault fault_of(int status, const struct sip_msg *rsp)
{
	if (!rsp)
		return SIP_REG_NO_ANSWER;
	switch (status) {
	case 403:
		return SIP_REG_FORBIDDEN;
	case 404:
	case 410:
	case 484:
	case 604:
		return SIP_REG_UNKNOWN_USER;
	case 408:
	case 480:
	case 491:
		return SIP_REG_BUSY;
	default:
		return status >= 500 && status < 600 ? SIP_REG_BUSY : SIP_REG_REFUSED;
	}
}

/* Doubling with jitter: a quarter less or more, so that the lines of a building do not come back in step. */
static msec_t pause_of(struct sip_reg *reg)
{
	uint32_t shift = MIN(reg->attempts ? reg->attempts - 1 : 0, 16);
	uint32_t pause = (uint32_t)MIN((uint64_t)FIRST_PAUSE_MS << shift, reg->retry_max_s * UINT64_C(1000));

	return sip_rand_range(&reg->stack->rand, pause - pause / 4, pause + pause / 4);
}

static msec_t retry_at(struct sip_reg *reg, enum sip_reg_fault fault, const struct sip_msg *rsp)
{
	struct sip_retry_after after;
	msec_t pause = pause_of(reg);
	bool is_refused = fault == SIP_REG_FORBIDDEN || fault == SIP_REG_UNKNOWN_USER || fault == SIP_REG_REFUSED;

	if (fault == SIP_REG_BAD_PASSWORD || fault == SIP_REG_NO_DIGEST)
		return NEVER;
	/* A PBX that has just started may not know its extensions yet: who was registered before tries quickly at first. */
	if (is_refused && !(reg->was_registered && reg->attempts <= 5))
		pause = MAX(pause, SLOW_PAUSE_S * INT64_C(1000) + sip_rand_range(&reg->stack->rand, 0, 60000));
	if (rsp && sip_retry_after_parse(&after, sip_msg_value(rsp, SIP_HDR_RETRY_AFTER)) == 0)
		pause = MAX(pause, MIN(after.seconds, LONGEST_RETRY_AFTER_S) * INT64_C(1000));

	return reg->stack->now + pause;
}

static void on_failed(struct sip_reg *reg, enum sip_reg_fault fault, int status, const struct sip_msg *rsp)
{
	struct sip_stack_event ev = {
		.type = SIP_EV_REG_FAILED,
		.reg = reg,
		.msg = rsp,
		.status = status,
		.reg_fault = fault,
		.text = fault == SIP_REG_NO_ANSWER && reg->stack->fault ? reg->stack->fault : fault_texts[fault],
	};

	reg->attempts++;
	reg->fault = fault;
	reg->status = status;
	if (fault == SIP_REG_NO_ANSWER)
		reg->conn = 0;
	else
		reg->is_registered = false; /* the registrar lives and does not have us, or says so */
	if (reg->stack->now >= reg->expires_at)
		reg->is_registered = false;
	ev.retry_at = retry_at(reg, fault, rsp);
	reg->state = ev.retry_at == NEVER ? SIP_REG_STUCK : SIP_REG_WAITING;
	timer_stop(&reg->stack->wheel, &reg->timer);
	if (ev.retry_at != NEVER)
		timer_start(&reg->stack->wheel, &reg->timer, ev.retry_at);
	sip_reg_alive_stop(reg);
	sip_stack_emit(reg->stack, &ev);
}

/* ---- success ---- */

static bool is_ours(const struct sip_reg *reg, const struct sip_contact *c, const struct sip_uri *ours)
{
	return !c->is_star && sip_uri_equal(&c->addr.uri, ours);
}

/*
 * RFC 3261 §10.2.4: the expiry of our own binding. A PBX that rewrites Contacts (Asterisk's rewrite_contact) lists an address
 * that is not ours: then a lone one, or one with our user, is taken for it.
 */
static uint32_t granted(const struct sip_reg *reg, const struct sip_msg *rsp)
{
	uint32_t expires = reg->expires_s, alike = 0;
	struct sip_contact c;
	struct sip_uri ours;
	struct sip_list it;
	struct span value;

	if (!sip_msg_number(rsp, SIP_HDR_EXPIRES, &expires))
		expires = reg->expires_s;
	if (sip_uri_parse(&ours, sip_bytes_span(&reg->contact)) < 0)
		return expires;
	sip_list_init(&it, rsp, SIP_HDR_CONTACT);
	while (sip_list_next(&it, &value)) {
		if (sip_contact_parse(&c, value) < 0 || c.is_star)
			continue;
		if (is_ours(reg, &c, &ours))
			return c.has_expires ? c.expires : expires;
		if (c.has_expires && span_eq(c.addr.uri.user, ours.user))
			alike = MAX(alike, c.expires);
	}

	return alike ? alike : expires;
}

static void keep_service_route(struct sip_reg *reg, const struct sip_msg *rsp)
{
	char buf[LIMIT_SIP_URI_BYTES];
	struct span value, text = {0};
	struct sip_list it;
	struct sip_writer w;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_list_init(&it, rsp, SIP_HDR_SERVICE_ROUTE);
	while (sip_list_next(&it, &value)) {
		if (w.n)
			sip_write_z(&w, ", ");
		sip_write_span(&w, value);
	}
	if (sip_writer_finish(&w, &text) < 0 || sip_bytes_set(&reg->account->service_route, text) < 0)
		reg->stack->stats.out_dropped++;
}

/* At 80 to 90 % of the time, and not later than 5 s before its end. */
static msec_t refresh_after(struct sip_reg *reg, uint32_t expires_s)
{
	msec_t all = expires_s * INT64_C(1000), at = all * sip_rand_range(&reg->stack->rand, 80, 90) / 100;

	return expires_s > 10 ? MIN(at, all - 5000) : MAX(all / 2, 500);
}

static void on_ok(struct sip_reg *reg, const struct sip_msg *rsp)
{
	uint32_t expires = granted(reg, rsp);
	struct sip_stack_event ev = {.type = SIP_EV_REG_OK, .reg = reg, .msg = rsp, .status = rsp->status, .expires_s = expires};
	bool is_again;

	if (expires == 0) {
		on_failed(reg, SIP_REG_REFUSED, rsp->status, rsp);
		return;
	}
	expires = MIN(expires, LONGEST_EXPIRES_S);
	reg->is_registered = reg->was_registered = true;
	reg->attempts = 0;
	reg->fault = SIP_REG_OK;
	reg->status = rsp->status;
	reg->conn = reg->stack->packet->conn;
	reg->expires_at = reg->stack->now + expires * INT64_C(1000);
	reg->state = SIP_REG_WAITING;
	timer_start(&reg->stack->wheel, &reg->timer, reg->stack->now + refresh_after(reg, expires));
	keep_service_route(reg, rsp);
	sip_reg_alive_start(reg, rsp);
	is_again = sip_reg_learn(reg, rsp);
	if (reg->is_dead || reg->state != SIP_REG_WAITING)
		return; /* the user has heard of the new address and acted */
	if (is_again)
		try_now(reg);
	sip_stack_emit(reg->stack, &ev);
}

/* ---- answers ---- */

static void on_gone(struct sip_reg *reg)
{
	struct sip_stack_event ev = {.type = SIP_EV_REG_GONE, .reg = reg, .status = reg->status, .is_final = true};

	reg->state = SIP_REG_GONE;
	reg->is_registered = false;
	timer_stop(&reg->stack->wheel, &reg->timer);
	sip_reg_alive_stop(reg);
	sip_stack_emit(reg->stack, &ev);
}

/* 423: RFC 3261 §10.3 step 7. True if it was asked for again. */
static bool is_too_brief(struct sip_reg *reg, int status, const struct sip_msg *rsp)
{
	uint32_t min;

	if (status != 423 || !rsp || !sip_msg_number(rsp, SIP_HDR_MIN_EXPIRES, &min) || min <= reg->expires_s ||
	    min > LONGEST_EXPIRES_S)
		return false;
	reg->expires_s = min;
	try_now(reg);

	return true;
}

static enum sip_reg_fault auth_fault(const struct sip_reg *reg, int err)
{
	return err == -TR_EUNSUPP ? SIP_REG_NO_DIGEST : SIP_REG_BAD_PASSWORD;
}

static void on_response(void *owner, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_reg *reg = owner;
	enum sip_reg_fault fault = fault_of(status, rsp);

	if (status < 200) {
		if (reg->state == SIP_REG_TRYING) /* it lives: its answer may take its time */
			timer_stop(&reg->stack->wheel, &reg->timer);
		return;
	}
	reg->ct = NULL;
	if (rsp && (status == 401 || status == 407)) {
		int err = sip_request_authorize(ct, rsp, reg->account, reg->cseq + 1, &reg->ct);

		if (err == 0) {
			reg->cseq++;
			reg->auth_mask = reg->ct->auth_mask;
			if (reg->state == SIP_REG_TRYING)
				be_patient(reg);
			return;
		}
		reg->auth_mask = 0;
		fault = auth_fault(reg, err);
	}
	if (reg->state == SIP_REG_LEAVING) {
		reg->status = status;
		on_gone(reg);
		return;
	}
	if (status < 300)
		on_ok(reg, rsp);
	else if (!is_too_brief(reg, status, rsp))
		on_failed(reg, fault, status, rsp);
}

static void on_timer(struct timer *t, msec_t now)
{
	struct sip_reg *reg = container_of(t, struct sip_reg, timer);

	if (reg->state == SIP_REG_LEAVING) {
		sip_ctrans_detach(reg->ct);
		reg->ct = NULL;
		on_gone(reg);
	} else if (reg->state == SIP_REG_TRYING && reg->ct) {
		sip_ctrans_abandon(reg->ct);
		reg->ct = NULL;
		on_failed(reg, SIP_REG_NO_ANSWER, 408, NULL);
	} else if (reg->state != SIP_REG_GONE) {
		try_now(reg);
	}
}

/* ---- life ---- */

static int set_registrar(struct sip_reg *reg, struct span registrar)
{
	char buf[LIMIT_SIP_URI_BYTES];
	struct sip_uri aor;
	struct sip_writer w;
	struct span text;

	if (registrar.n)
		return sip_bytes_set(&reg->registrar, registrar);
	if (sip_uri_parse(&aor, sip_bytes_span(&reg->account->aor)) < 0)
		return -TR_EPARSE;
	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_z(&w, aor.scheme == SIP_SCHEME_SIPS ? "sips:" : "sip:");
	sip_write_host(&w, aor.host, aor.port);

	int err = sip_writer_finish(&w, &text);

	return err < 0 ? err : sip_bytes_set(&reg->registrar, text);
}

static int set_params(struct sip_reg *reg, const struct sip_reg_params *p)
{
	char call_id[25];

	reg->account = sip_account_ref(p->account);
	reg->user = p->user;
	reg->expires_s = p->expires_s ? p->expires_s : 300;
	reg->retry_max_s = p->retry_max_s ? p->retry_max_s : 10;
	reg->keepalive = p->keepalive;
	reg->keepalive_s = p->keepalive_s;
	reg->learn_public = p->learn_public;
	reg->patience_ms = p->patience_ms;
	reg->reg_id = p->reg_id ? p->reg_id : 1;
	reg->cseq = sip_rand_range(&reg->stack->rand, 1, 10000);
	sip_stack_token(reg->stack, reg->tag, SIP_TAG_CHARS);

	int err = set_registrar(reg, p->registrar);

	if (err == 0)
		err = sip_bytes_set(&reg->instance_id, p->instance_id);
	if (err == 0)
		err = sip_bytes_set(&reg->call_id, sip_stack_token(reg->stack, call_id, 24));

	return err;
}

static void destroy(struct sip_reg *reg)
{
	sip_reg_alive_stop(reg);
	timer_stop(&reg->stack->wheel, &reg->timer);
	sip_ctrans_detach(reg->ct);
	list_unlink(&reg->link);
	sip_account_unref(reg->account);
	sip_bytes_free(&reg->registrar);
	sip_bytes_free(&reg->instance_id);
	sip_bytes_free(&reg->contact);
	sip_bytes_free(&reg->call_id);
	reg->stack->stats.live_regs--;
	free(reg);
}

int sip_reg_new(struct sip_stack *stack, const struct sip_reg_params *params, msec_t now, struct sip_reg **ret)
{
	struct sip_reg *reg = calloc(1, sizeof(*reg));

	if (!reg)
		return -ENOMEM;
	reg->stack = stack;
	stack->stats.live_regs++;
	list_init(&reg->link);
	timer_init(&reg->timer, on_timer);
	timer_init(&reg->alive, sip_reg_on_alive);

	int err = set_params(reg, params);

	if (err < 0) {
		destroy(reg);
		return err;
	}
	sip_stack_enter(stack, now);
	list_append(&stack->regs, &reg->link);
	if (params->delay_ms)
		timer_start(&stack->wheel, &reg->timer, now + params->delay_ms);
	else
		try_now(reg);
	sip_stack_leave(stack);
	*ret = reg;

	return 0;
}

struct sip_reg *sip_reg_free(struct sip_reg *reg)
{
	if (!reg || reg->is_dead)
		return NULL;

	struct sip_stack *stack = reg->stack;

	sip_stack_enter(stack, stack->now);
	reg->is_dead = true;
	reg->state = SIP_REG_GONE;
	timer_stop(&stack->wheel, &reg->timer);
	sip_reg_alive_stop(reg);
	sip_ctrans_detach(reg->ct);
	reg->ct = NULL;
	list_unlink(&reg->link);
	list_append(&stack->dead_regs, &reg->link);
	sip_stack_leave(stack);

	return NULL;
}

void sip_reg_free_dead(struct sip_stack *stack)
{
	list_each(&stack->dead_regs, struct sip_reg, link, reg)
		destroy(reg);
}

void sip_reg_destroy_all(struct sip_stack *stack)
{
	list_each(&stack->regs, struct sip_reg, link, reg)
		destroy(reg);
	sip_reg_free_dead(stack);
}

void *sip_reg_user(const struct sip_reg *reg)
{
	return reg->user;
}

void sip_reg_refresh_now(struct sip_reg *reg, msec_t now)
{
	if (reg->state == SIP_REG_LEAVING || reg->state == SIP_REG_GONE)
		return;
	sip_stack_enter(reg->stack, now);
	reg->attempts = 0;
	reg->conn = 0;
	try_now(reg);
	sip_stack_leave(reg->stack);
}

void sip_reg_set_patience(struct sip_reg *reg, uint32_t ms)
{
	reg->patience_ms = ms;
}

void sip_reg_unregister(struct sip_reg *reg, msec_t now)
{
	if (reg->state == SIP_REG_LEAVING || reg->state == SIP_REG_GONE)
		return;
	sip_stack_enter(reg->stack, now);

	bool may_be_known = reg->is_registered || (reg->state == SIP_REG_TRYING && reg->ct);

	reg->state = SIP_REG_LEAVING;
	sip_reg_alive_stop(reg);
	if (may_be_known)
		sip_reg_send(reg, 0);
	/* Also the end when nothing was to be sent: SIP_EV_REG_GONE never comes from inside of this function. */
	timer_start(&reg->stack->wheel, &reg->timer, now + (may_be_known ? 64 * (msec_t)sip_t1(reg->stack) : 0));
	sip_stack_leave(reg->stack);
}

void sip_reg_get_info(const struct sip_reg *reg, struct sip_reg_info *ret)
{
	*ret = (struct sip_reg_info){
		.is_registered = reg->is_registered,
		.fault = reg->fault,
		.status = reg->status,
		.expires_at = reg->expires_at,
		.next_at = timer_is_running(&reg->timer) ? reg->timer.at : NEVER,
		.public_addr = reg->public_addr,
		.contact = sip_bytes_span(&reg->contact),
		.service_route = sip_bytes_span(&reg->account->service_route),
		.attempts = reg->attempts,
	};
}
