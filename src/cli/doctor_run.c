/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"
#include "cli/trial_phone.h"
#include "sip/probe.h"

/*
 * The trial of a configured line: a phone of its own with that line, whose messages are watched. What can be asked at once is.
 *
 *	NAME ─▶ ASK (OPTIONS over each transport, REGISTER, STUN) ─▶ RETRY (the other authentication id) ─▶ CALL ─▶ TALK ─▶ LEAVE ─▶ END
 */
#define NAME_MS	    8000
#define ANSWER_MS   5000
#define TLS_AFTER_MS 500
#define REGISTER_MS 15000
#define RING_MS	    20000
#define TALK_MS	    6000 /* Asterisk's first RTCP report comes after five seconds */
#define LEAVE_MS    3000

enum step { RUN_NAME, RUN_ASK, RUN_RETRY, RUN_CALL, RUN_TALK, RUN_LEAVE, RUN_END };
enum { DNS_KINDS = 3 };

struct run;

struct question {
	struct run *run;
	enum dns_type type;
};

struct run {
	const struct doctor_wish *w;
	const struct line_config *line;
	struct checkup_facts *f;
	struct trial_phone p;
	uv_timer_t timer;
	enum step step;
	msec_t since;
	struct dns *dns;
	struct question questions[DNS_KINDS];
	unsigned unanswered;
	struct sip_probe *probes[ARRAY_LEN(((struct checkup_facts *)NULL)->reach)];
	struct doctor_nat *nat;
	bool is_nat_over;
	char call_id[CALL_ID_TEXT];
};

static void go(struct run *r, enum step step)
{
	r->step = step;
	r->since = clock_ms();
}

static msec_t waited(const struct run *r)
{
	return clock_ms() - r->since;
}

/* ---- names ------------------------------------------------------------------------------------------------------------------ */

static const char *server_of(const struct line_config *c)
{
	return c->outbound_proxy ? c->outbound_proxy : c->server;
}

static void on_dns(void *ctx, const struct dns_answer *a)
{
	struct question *q = ctx;
	struct checkup_name *n = &q->run->f->name;

	q->run->unanswered--;
	if (a->err)
		return;
	switch (q->type) {
	case DNS_NAPTR:
		n->naptr = a->count;
		break;
	case DNS_SRV:
		n->srv = a->count;
		break;
	case DNS_ADDR:
		for (unsigned i = 0; i < a->count; i++)
			*(a->addrs[i].family == AF_INET ? &n->a : &n->aaaa) += 1;
		break;
	}
}

static void ask_dns(struct run *r, enum dns_type type, struct span name)
{
	r->questions[type] = (struct question){r, type};
	r->unanswered++;
	dns_lookup(r->dns, type, name, on_dns, &r->questions[type]);
}

/* With a port in the configuration only addresses are asked for (RFC 3263 §4.2). */
static void begin_names(struct run *r)
{
	static const char *const prefixes[] = {[LINE_UDP] = "_sip._udp", [LINE_TCP] = "_sip._tcp", [LINE_TLS] = "_sips._tcp"};
	struct checkup_name *n = &r->f->name;
	struct span rest = span_z(server_of(r->line)), host;
	char srv[400];
	struct addr literal;

	n->is_literal = addr_parse(rest, 5060, &literal);
	if (n->is_literal)
		return;
	host = span_cut(&rest, ':');
	ask_dns(r, DNS_ADDR, host);
	buf_copy(n->srv_name, sizeof(n->srv_name), prefixes[r->line->transport]);
	if (rest.p || buf_format(srv, sizeof(srv), "%s.%.*s", n->srv_name, SPAN_FMT(host)) != 0)
		return;
	ask_dns(r, DNS_SRV, span_z(srv));
	ask_dns(r, DNS_NAPTR, host);
}

static size_t list_targets(struct run *r, struct lines_target_info *ret)
{
	struct checkup_name *name = &r->f->name;
	size_t n = lines_targets(r->p.x.lines, 0, ret, LIMIT_LINE_TARGETS), used = 0;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < n && used + ADDR_TEXT < sizeof(name->addrs); i++)
		used += (size_t)snprintf(name->addrs + used, sizeof(name->addrs) - used, "%s%s", i ? ", " : "",
			addr_text(&ret[i].target.addr, text));
	name->addr_count = (unsigned)n;
	name->is_known = n > 0;

	return n;
}

/* ---- questions to the server --------------------------------------------------------------------------------------------------- */

static void begin_probe(struct run *r, enum line_transport t, const struct lines_target_info *to)
{
	static const enum sip_transport sip[] = {[LINE_UDP] = SIP_UDP, [LINE_TCP] = SIP_TCP, [LINE_TLS] = SIP_TLS};
	struct checkup_reach *reach = &r->f->reach[t];
	struct sip_probe_params p = {.account = lines_account(r->p.x.lines, 0), .answer_ms = ANSWER_MS, .user = reach};
	struct span rest = span_z(to->server);
	bool is_secure = r->line->transport == LINE_TLS;

	reach->is_tried = true;
	reach->is_wanted = t == r->line->transport;
	reach->addr = to->target.addr;
	if ((t == LINE_TLS) != is_secure)
		addr_set_port(&reach->addr, line_default_port(t));
	p.dest = (struct sip_dest){.transport = sip[t], .addr = reach->addr, .host = span_cut(&rest, ':')};
	if (sip_probe_send(r->p.phone->stack, &p, clock_ms(), &r->probes[t]) != 0)
		r->probes[t] = NULL;
}

static void on_probed(struct run *r, const struct sip_stack_event *ev)
{
	struct checkup_reach *reach = sip_probe_user(ev->probe);

	for (size_t t = 0; t < ARRAY_LEN(r->probes); t++)
		if (r->probes[t] == ev->probe)
			r->probes[t] = NULL;
	reach->status = ev->status;
	reach->ms = sip_probe_age_ms(ev->probe, clock_ms());
	if (!ev->status && ev->text)
		buf_copy(reach->why, sizeof(reach->why), ev->text);
}

static bool local_for(void *ctx, const struct addr *peer, struct addr *ret)
{
	struct run *r = ctx;

	return ua_local_addr(r->p.phone->ua, SIP_UDP, peer, ret) == 0;
}

static void begin_nat(struct run *r)
{
	struct doctor_nat_params p = {.loop = &r->p.phone->loop, .dns = r->dns, .is_long = r->w->is_long, .local_for = local_for, .ctx = r};
	size_t n = 0;

	for (size_t i = 0; i < DOCTOR_STUN && r->w->stun[i]; i++)
		p.servers[n++] = r->w->stun[i];
	for (size_t i = 0; i < LINE_STUN && n < DOCTOR_STUN && r->line->media.stun[i]; i++)
		p.servers[n++] = r->line->media.stun[i];
	r->is_nat_over = n == 0;
	if (n)
		r->nat = doctor_nat_new(&p);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------- */

static void run_name(struct run *r)
{
	struct lines_target_info info[LIMIT_LINE_TARGETS];
	const struct line_status *s = lines_status(r->p.x.lines, 0);
	bool is_late = waited(r) > NAME_MS;

	if (r->unanswered && !is_late)
		return;
	if (list_targets(r, info)) {
		begin_probe(r, LINE_UDP, &info[0]);
		begin_probe(r, LINE_TCP, &info[0]);
		begin_nat(r);
		go(r, RUN_ASK);
	} else if (s->state == LINE_FAILED || is_late) {
		go(r, RUN_LEAVE);
	}
}

/* True: there is nothing to wait for. */
static bool look_at_registration(struct run *r)
{
	const struct line_status *s = lines_status(r->p.x.lines, 0);
	struct checkup_facts *f = r->f;

	if (f->reg != CHECKUP_REG_UNTRIED)
		return true;
	if (s->state == LINE_REGISTERED) {
		f->reg = CHECKUP_REG_FINE;
		f->reg_expires_s = s->expires_s;
	} else if (s->state == LINE_FAILED || waited(r) > REGISTER_MS) {
		f->reg = CHECKUP_REG_FAILED;
		f->reg_status = s->state == LINE_FAILED ? s->sip_status : 0;
		buf_copy(f->reg_text, sizeof(f->reg_text), s->text);
	}

	return f->reg != CHECKUP_REG_UNTRIED;
}

static void next_call(struct run *r)
{
	bool is_usable = r->f->reg != CHECKUP_REG_FAILED && r->f->reg != CHECKUP_REG_UNTRIED;

	go(r, r->w->number && is_usable ? RUN_CALL : RUN_LEAVE);
}

/* The one more attempt that tells a wrong authentication id from a wrong password. A single one: systems count failures. */
static void begin_retry(struct run *r)
{
	struct line_config *second = &r->p.lines[1];

	second->auth_id = NULL;
	r->p.config->line_count = ARRAY_LEN(r->p.lines); /* it finds its TLS settings */
	if (lines_update(r->p.x.lines, second, 1, clock_ms()) == 0)
		go(r, RUN_RETRY);
	else
		next_call(r);
}

static void run_ask(struct run *r)
{
	const struct line_config *c = r->line;
	bool is_over = look_at_registration(r), is_refused;
	struct lines_target_info info;

	/* A handshake takes time of ours, which would be counted as the others' round trip. */
	if (!r->f->reach[LINE_TLS].is_tried && ((!r->probes[LINE_UDP] && !r->probes[LINE_TCP]) || waited(r) > TLS_AFTER_MS) &&
		lines_targets(r->p.x.lines, 0, &info, 1) == 1)
		begin_probe(r, LINE_TLS, &info);
	for (size_t t = 0; t < ARRAY_LEN(r->probes); t++)
		is_over = is_over && !r->probes[t];
	if (!is_over || !r->is_nat_over)
		return;
	is_refused = r->f->reg == CHECKUP_REG_FAILED &&
		(r->f->reg_status == 401 || r->f->reg_status == 407 || r->f->reg_status == 403 || r->f->reg_status == 404);
	if (is_refused && c->auth_id && c->extension && strcmp(c->auth_id, c->extension) != 0)
		begin_retry(r);
	else
		next_call(r);
}

static void run_retry(struct run *r)
{
	const struct line_status *s = lines_status(r->p.x.lines, 0);

	if (s->state == LINE_REGISTERED)
		r->f->retry = CHECKUP_RETRY_FINE;
	else if (s->state == LINE_FAILED || waited(r) > REGISTER_MS)
		r->f->retry = CHECKUP_RETRY_REFUSED;
	if (r->f->retry != CHECKUP_RETRY_NONE)
		next_call(r);
}

/* ---- the call ------------------------------------------------------------------------------------------------------------------ */

static void place_call(struct run *r)
{
	struct control_dial d = {.target = r->w->number, .line = r->line->name, .agent = "trial-tone"};
	struct checkup_call *c = &r->f->call;
	struct call *call = NULL;

	c->is_tried = true;
	buf_copy(c->target, sizeof(c->target), r->w->number);
	if (exchange_dial(&r->p.x, &d, &call, c->cause, sizeof(c->cause)) == 0)
		buf_copy(r->call_id, sizeof(r->call_id), call_record_of(call)->id);
	else
		go(r, RUN_LEAVE);
}

static void hang_up(struct run *r)
{
	struct call *c = calls_find(r->p.phone->calls, r->call_id);

	if (c)
		call_hangup(c, CALL_END_US, "the trial is over");
}

static void fill_troubles(struct checkup_call *c, const struct call_record *rec)
{
	for (uint32_t i = 0; i < rec->trouble_count && c->trouble_count < CHECKUP_TROUBLES; i++) {
		const struct call_finding *found = &rec->troubles[i].finding;
		struct checkup_trouble *t = &c->troubles[c->trouble_count++];

		buf_copy(t->id, sizeof(t->id), call_finding_name(found->code));
		buf_copy(t->text, sizeof(t->text), found->text);
		buf_copy(t->evidence, sizeof(t->evidence), found->evidence);
		buf_copy(t->remedy, sizeof(t->remedy), found->remedy);
	}
}

static void fill_media(struct checkup_call *c, const struct call_record *rec)
{
	c->rx_packets = rec->quality.rx_packets;
	c->tx_packets = rec->quality.tx_packets;
	c->lost = (int32_t)rec->quality.rtp.lost;
	c->jitter_ms = rec->quality.rtp.max_jitter_ms;
	c->rtt_ms = rec->quality.rtp.rtt_ms;
	c->has_peer_report = rec->quality.peer_reports > 0;
	c->peer_lost = rec->quality.peer_lost;
	if (addr_is_set(&rec->remote_rtp))
		addr_text(&rec->remote_rtp, c->remote);
	if (addr_is_set(&rec->local_rtp))
		addr_text(&rec->local_rtp, c->local);
	c->tone_share = rec->is_recorded ? trial_phone_heard(rec->recording) : 0;
	c->talk_ms = (uint32_t)(rec->ended_at && rec->ended_at > rec->answered_at ? rec->ended_at - rec->answered_at : TALK_MS);
}

static void run_call(struct run *r)
{
	struct checkup_call *c = &r->f->call;
	const struct call_record *rec = r->call_id[0] ? calls_record(r->p.phone->calls, r->call_id) : NULL;

	if (!r->call_id[0]) {
		place_call(r);
	} else if (rec && rec->answered_at) {
		c->is_answered = true;
		c->ring_ms = (uint32_t)(rec->answered_at - rec->began_at);
		buf_copy(c->codec, sizeof(c->codec), rec->codec);
		go(r, RUN_TALK);
	} else if (!rec || rec->state == CALL_ENDED) {
		c->status = rec ? rec->sip_status : 0;
		buf_copy(c->cause, sizeof(c->cause), rec ? rec->cause : "");
		buf_copy(c->remedy, sizeof(c->remedy), rec ? rec->remedy : "");
		go(r, RUN_LEAVE);
	} else if (waited(r) > RING_MS) {
		snprintf(c->cause, sizeof(c->cause), "it rang for %d s and nobody answered", RING_MS / 1000);
		hang_up(r);
		go(r, RUN_LEAVE);
	}
}

static void run_talk(struct run *r)
{
	const struct call_record *rec = calls_record(r->p.phone->calls, r->call_id);
	bool is_over = rec && rec->state == CALL_ENDED && (rec->is_recorded || !rec->recording[0]) && rec->has_quality;

	if (!rec || is_over || waited(r) > TALK_MS + 6000) {
		if (rec) {
			fill_media(&r->f->call, rec);
			fill_troubles(&r->f->call, rec);
		}
		go(r, RUN_LEAVE);
	} else if (waited(r) > TALK_MS && rec->state == CALL_UP) {
		hang_up(r);
	}
}

static void run_leave(struct run *r)
{
	if (!r->p.x.is_stopping) {
		r->p.x.is_stopping = true;
		calls_hangup_all(r->p.phone->calls, "the trial is over");
		lines_stop(r->p.x.lines, clock_ms());
	}
	if ((lines_is_idle(r->p.x.lines) && calls_count(r->p.phone->calls) == 0) || waited(r) > LEAVE_MS)
		go(r, RUN_END);
}

static void on_timer(uv_timer_t *timer)
{
	struct run *r = timer->data;
	static void (*const steps[])(struct run *r) = {run_name, run_ask, run_retry, run_call, run_talk, run_leave};

	lines_tick(r->p.x.lines, clock_ms());
	if (r->nat && !r->is_nat_over)
		r->is_nat_over = doctor_nat_tick(r->nat, &r->f->nat, clock_ms());
	if (r->step == RUN_END)
		uv_stop(&r->p.phone->loop);
	else
		steps[r->step](r);
}

/* ---- the phone ----------------------------------------------------------------------------------------------------------------- */

static void on_sip(void *ctx, const struct sip_stack_event *ev)
{
	struct run *r = ctx;

	for (size_t t = 0; ev->probe && t < ARRAY_LEN(r->probes); t++)
		if (ev->probe == r->probes[t]) {
			on_probed(r, ev);
			return;
		}
	exchange_on_sip(&r->p.x, ev);
}

static void on_message(void *ctx, const struct trace_message *m)
{
	struct run *r = ctx;
	bool is_udp = strcmp(m->transport, "UDP") == 0;
	struct addr local = m->local, ours;

	/* The attempts after this one do not count: their answers are about other credentials. */
	if (r->step == RUN_RETRY || r->step >= RUN_LEAVE)
		return;
	if (addr_is_any(&local) && r->p.phone && ua_local_addr(r->p.phone->ua, SIP_UDP, &m->remote, &ours) == 0)
		local = ours;
	witness_note(&r->f->seen, m->is_out, &local, is_udp, m->bytes, m->wall_us / 1000);
}

/* The first address of that transport in the configuration, with port 0 when the ports are taken. */
static void write_listen(const struct doctor_wish *w, enum sip_transport t, char ret[static ADDR_TEXT])
{
	const struct config_sip *sip = &w->config->sip;
	struct addr at = {0};

	for (size_t i = 0; i < sip->listen_count && !addr_is_set(&at); i++)
		if (sip->listen[i].transport == t)
			at = sip->listen[i].addr;
	if (!addr_is_set(&at))
		(void)addr_parse_ip(SPAN_LIT("0.0.0.0"), 0, &at);
	if (w->uses_own_ports)
		addr_set_port(&at, 0);
	addr_text(&at, ret);
}

static int open_phone(struct run *r, char *ret_why, size_t cap)
{
	const struct config *c = r->w->config;
	char udp[ADDR_TEXT], tcp[ADDR_TEXT], sip[300], media[100];
	struct trial_phone_params p = {.sip = sip, .media = media, .routes = "  - { reject: 480 }\n", .line = r->line,
		.does_register = r->line->does_register && !r->w->is_registered, .dns = c->sip.dns, .on_sip = on_sip,
		.on_message = on_message, .ctx = r};

	write_listen(r->w, SIP_UDP, udp);
	write_listen(r->w, SIP_TCP, tcp);
	snprintf(sip, sizeof(sip), "{ listen: [ \"udp:%s\", \"tcp:%s\" ] }", udp, tcp);
	snprintf(media, sizeof(media), "port_min: %u, port_max: %u", c->media.port_min, c->media.port_max);
	if (c->media.address)
		(void)addr_parse_ip(span_z(c->media.address), 0, &p.announce);

	return trial_phone_open(&r->p, &p, ret_why, cap);
}

static void write_codecs(const struct line_config *c, char *ret, size_t cap)
{
	size_t n = 0;

	buf_copy(ret, cap, c->codecs[0] ? "" : "opus, g722, pcmu, pcma");
	for (size_t i = 0; i < LINE_CODECS && c->codecs[i] && n < cap; i++)
		n += (size_t)snprintf(ret + n, cap - n, "%s%s", i ? ", " : "", c->codecs[i]);
}

static int run(struct run *r, char *ret_why, size_t cap)
{
	uv_loop_t *loop = &r->p.phone->loop;
	int err = dns_new(loop, r->w->config->sip.dns, &r->dns);

	if (err) {
		snprintf(ret_why, cap, "no resolver: %s", err_text(err));
		return err;
	}
	begin_names(r);
	uv_timer_init(loop, &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, on_timer, 0, 50);
	go(r, RUN_NAME);
	phone_run(r->p.phone);
	uv_close((uv_handle_t *)&r->timer, NULL);
	for (size_t t = 0; t < ARRAY_LEN(r->probes); t++)
		sip_probe_free(r->probes[t]);
	doctor_nat_free(r->nat);
	dns_close(r->dns);

	return 0;
}

bool doctor_try_line(const struct doctor_wish *w, struct checkup_facts *ret, char *ret_why, size_t cap)
{
	struct run *r = mem_zalloc(sizeof(*r));
	bool is_done;

	r->w = w;
	r->line = &w->config->lines[w->line];
	r->f = ret;
	*ret = (struct checkup_facts){.line = r->line, .call.rtt_ms = -1,
		.reg = !r->line->does_register ? CHECKUP_REG_NONE : w->is_registered ? CHECKUP_REG_BY_DAEMON : CHECKUP_REG_UNTRIED};
	write_codecs(r->line, ret->call.offered, sizeof(ret->call.offered));
	is_done = open_phone(r, ret_why, cap) == 0 && run(r, ret_why, cap) == 0;
	trial_phone_close(&r->p);
	free(r);

	return is_done;
}
