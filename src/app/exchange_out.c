/* SPDX-License-Identifier: Apache-2.0 */
#include "app/exchange_priv.h"
#include "base/log.h"
#include "call/text.h"
#include "sip/uri.h"

/* Calls out: by which line, to which number, with which caller id. */

/* What is being put together for one call. */
struct order {
	const struct control_dial *dial;
	size_t agent;
	const struct line_config *line; /* NULL: none, straight to a URI */
	size_t line_index;
	const struct outbound_config *rule; /* NULL: none decided */
	bool is_uri;
	char uri[400], from[400], headers[1200], route[200];
};

static int find_agent(struct exchange *x, struct order *o, char *ret_why, size_t cap)
{
	const struct config *c = exchange_config(x);
	const char *name = o->dial->agent;
	const struct config_agent *a = name ? config_agent_find(c, name) : c->agent_count ? c->agents : NULL;

	if (!a) {
		snprintf(ret_why, cap, name ? "there is no agent %s" : "no agent is configured%s", name ? name : "");
		return -TR_ENOTFOUND;
	}
	o->agent = (size_t)(a - c->agents);

	return 0;
}

/* ---- which line ---------------------------------------------------------------------------------------------------------- */

static bool is_full(struct exchange *x, const struct line_config *l)
{
	const struct usage_slot *s = usage_find(x->usage, l->name);

	return l->max_calls && s && s->calls >= l->max_calls;
}

/* How much of a line is in use, in thousandths; without a limit, the number of its calls counts against a hundred. */
static uint32_t load_of(struct exchange *x, const struct line_config *l)
{
	const struct usage_slot *s = usage_find(x->usage, l->name);

	return s ? s->calls * 1000 / (l->max_calls ? l->max_calls : 100) : 0;
}

/* Of a rule's lines the first, or least loaded, that can be used; -1: none. */
static int choose(struct exchange *x, const struct outbound_config *rule)
{
	const struct config *c = exchange_config(x);
	uint32_t best_load = UINT32_MAX;
	int best = -1;

	for (const char *const *name = rule->lines; *name; name++) {
		int i = config_line_find(c, *name);

		if (i < 0 || !lines_is_usable(x->lines, (size_t)i) || is_full(x, &c->lines[i]))
			continue;
		if (!rule->is_least_load)
			return i;
		if (load_of(x, &c->lines[i]) < best_load) {
			best = i;
			best_load = load_of(x, &c->lines[i]);
		}
	}

	return best;
}

static void take_line(struct exchange *x, struct order *o, int i)
{
	o->line_index = (size_t)i;
	o->line = &exchange_config(x)->lines[i];
}

static int by_rule(struct exchange *x, struct order *o, char *ret_why, size_t cap)
{
	const struct config *c = exchange_config(x);
	char e164[NUMBER_TEXT];
	struct outbound_request rq = {.to = o->dial->target, .to_e164 = e164, .agent = c->agents[o->agent].name,
		.now_unix_s = clock_wall_ms() / 1000};
	/* Patterns in E.164 have to fit what people type at home: by the plan of the first line that has one. */
	const struct number_plan *plan = &c->lines[0].numbers;

	for (size_t i = 0; i < c->line_count && !plan->country; i++)
		plan = &c->lines[i].numbers;
	number_normalise(plan, o->dial->target, e164);
	o->rule = outbound_decide(c->outbound, c->outbound_count, &rq, o->route, sizeof(o->route));
	if (!o->rule) {
		snprintf(ret_why, cap, "%s: add one under \"outbound\", or name the line", o->route);
		return -TR_ENOTFOUND;
	}

	int i = choose(x, o->rule);

	if (i < 0) {
		snprintf(ret_why, cap, "none of the lines of the outbound rule in line %d of the file can be used now: see `tipring lines`",
			o->rule->file_line);
		return -TR_ETRANSPORT;
	}
	take_line(x, o, i);

	return 0;
}

static int by_default(struct exchange *x, struct order *o)
{
	const struct config *c = exchange_config(x);
	int any = -1;

	for (size_t i = 0; i < c->line_count; i++) {
		if (!lines_account(x->lines, i))
			continue;
		any = any < 0 ? (int)i : any;
		if (!lines_is_usable(x->lines, i) || is_full(x, &c->lines[i]))
			continue;
		any = (int)i;
		break;
	}
	if (any >= 0)
		take_line(x, o, any);

	return 0;
}

static int find_line(struct exchange *x, struct order *o, char *ret_why, size_t cap)
{
	const struct config *c = exchange_config(x);
	int i;

	if (o->dial->line) {
		i = config_line_find(c, o->dial->line);
		if (i < 0) {
			snprintf(ret_why, cap, "there is no line %s", o->dial->line);
			return -TR_ENOTFOUND;
		}
		take_line(x, o, i);
		return 0;
	}

	return c->outbound_count && c->line_count && !o->is_uri ? by_rule(x, o, ret_why, cap) : by_default(x, o);
}

/* ---- what is said -------------------------------------------------------------------------------------------------------- */

static int write_target(struct order *o, char *ret_why, size_t cap)
{
	const struct line_config *l = o->line;
	char number[NUMBER_TEXT], formatted[NUMBER_TEXT];
	int err;

	if (o->is_uri)
		return buf_format(o->uri, sizeof(o->uri), "%s", o->dial->target);
	if (!l || !l->server) {
		snprintf(ret_why, cap, "a number needs a line with a server; otherwise give a SIP URI (sip:name@host)");
		return -EINVAL;
	}
	number_normalise(&l->numbers, o->dial->target, number);
	number_format(&l->numbers, number, formatted);
	if (o->rule)
		outbound_number(o->rule, formatted, number);
	else
		buf_copy(number, sizeof(number), formatted);
	err = text_target_uri(number, l->domain ? l->domain : l->server, o->uri, sizeof(o->uri));
	if (err)
		snprintf(ret_why, cap, "%.80s is not a number that can be dialled", o->dial->target);

	return err;
}

static int write_identity(struct order *o, char *ret_why, size_t cap)
{
	const struct line_config *l = o->line;
	const char *id = o->dial->caller_id ? o->dial->caller_id : o->rule && o->rule->caller_id ? o->rule->caller_id : NULL;
	char number[NUMBER_TEXT], formatted[NUMBER_TEXT];
	struct identity_out out;
	int err;

	if (!l || !l->server)
		return 0;
	id = id ? id : l->caller_id;
	if (id) {
		number_normalise(&l->numbers, id, number);
		number_format(&l->numbers, number, formatted);
	}
	if (o->dial->caller_id && !l->caller_id_in) {
		snprintf(ret_why, cap, "line %s sends no caller ids: its PBX decides (caller_id_in: [pai] would send one)", l->name);
		return -EINVAL;
	}
	out = (struct identity_out){.user = l->extension, .number = id ? formatted : NULL,
		.name = o->dial->caller_name ? o->dial->caller_name : id ? l->display_name : NULL,
		.domain = l->domain ? l->domain : l->server, .places = l->caller_id_in, .is_private = o->dial->is_private || l->is_private};
	err = identity_write(&out, o->from, sizeof(o->from), o->headers, sizeof(o->headers));
	if (err)
		snprintf(ret_why, cap, "the caller id or name cannot stand in a SIP header");

	return err;
}

/* ---- dialling ------------------------------------------------------------------------------------------------------------ */

/* What a URI without a line goes over. */
static enum sip_transport transport_to(const char *target)
{
	struct sip_uri uri;
	enum sip_transport t;

	if (sip_uri_parse(&uri, span_z(target)) != 0)
		return SIP_UDP;
	t = uri.scheme == SIP_SCHEME_SIPS ? SIP_TLS : sip_uri_transport(&uri);

	return t == SIP_TCP || t == SIP_TLS ? t : SIP_UDP;
}

/* Our media address towards the next hop: that of the SIP listener that would be used. */
static int local_to(struct exchange *x, const struct order *o, struct addr *ret)
{
	struct sip_dest hop;
	struct sip_uri uri;
	struct addr peer;

	if (o->line && o->line->server) {
		bool is_known = lines_hops(x->lines, o->line_index, &hop, 1) == 1;

		return exchange_local_for(x, o->line, is_known ? &hop.addr : NULL, ret) ? 0 : -TR_ETRANSPORT;
	}
	if (sip_uri_parse(&uri, span_z(o->uri)) != 0)
		return -TR_EPARSE;
	if (!addr_parse_ip(uri.host, 5060, &peer) && !addr_parse_ip(SPAN_LIT("198.51.100.1"), 5060, &peer))
		return -TR_ETRANSPORT;

	return ua_local_addr(x->phone->ua, transport_to(o->uri), &peer, ret);
}

static int begin(struct exchange *x, const struct order *o, const struct addr *local, struct call **ret)
{
	struct usage_slot *use = o->line ? usage_slot(x->usage, o->line->name) : NULL;
	const struct config_toll *toll = &exchange_config(x)->toll;
	struct sip_dest hops[LIMIT_LINE_HOPS];
	struct call_dial cd = {.target = o->uri, .local = local, .from = o->from, .headers = o->headers, .hops = hops,
		.failover_ms = o->line ? o->line->failover_ms : 0, .route = o->route, .most_s = toll->rules.call_minutes * 60};
	struct sip_account *self = NULL;
	struct ticket *t = ticket_new(x, o->agent, o->line, use, &cd.plan);
	int err = 0;

	if (!t) {
		usage_end(use);
		return -ENOMEM;
	}
	if (o->dial->detect >= 0)
		cd.plan.detect = o->dial->detect ? &exchange_config(x)->agents[o->agent].detect : NULL;
	/* A URI names its own host: the line only lends its identity. */
	if (o->line && !o->is_uri)
		cd.hop_count = lines_hops(x->lines, o->line_index, hops, LIMIT_LINE_HOPS);
	if (!cd.plan.account) {
		err = phone_account(x->phone, "tipring", transport_to(o->uri), local, &self);
		cd.plan.account = self;
	}
	/* Counted before, so that a call that fails at once, whose record is closed in there, is counted off again. */
	if (x->budget)
		budget_began(x->budget, toll, o->uri);
	if (!err) {
		err = calls_dial(x->phone->calls, &cd, ret);
	} else {
		exchange_release(x, t);
		if (x->budget)
			budget_ended(x->budget, toll, o->uri, 0);
	}
	sip_account_unref(self);

	return err;
}

static int take_channel(struct exchange *x, const struct order *o, char *ret_why, size_t cap)
{
	const struct line_config *l = o->line;
	enum usage_verdict v;

	if (!l)
		return 0;
	v = usage_begin(usage_slot(x->usage, l->name), l->max_calls, l->max_cps, clock_ms());
	if (v == USAGE_CHANNELS)
		snprintf(ret_why, cap, "line %s has all its %u calls in use", l->name, l->max_calls);
	else if (v == USAGE_CPS)
		snprintf(ret_why, cap, "line %s places its %u calls a second already", l->name, l->max_cps);

	return v == USAGE_OK ? 0 : -TR_ELIMIT;
}

static int allow(struct exchange *x, const char *uri, char *ret_why, size_t cap)
{
	if (!x->budget || budget_may_call(x->budget, &exchange_config(x)->toll, uri, ret_why, cap))
		return 0;
	log_warn("toll.refused", LOG_STR("target", uri), LOG_STR("why", ret_why));

	return -TR_EDENIED;
}

/* The leg to whom a caller is put through: by the line the caller came on, as long as that one has a server. */
int exchange_plan_leg(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan, struct addr *ret_local,
	char *ret_why, size_t cap)
{
	struct exchange *x = ctx;
	const struct config *c = exchange_config(x);
	struct control_dial dial = {.target = target, .line = by->line};
	struct order o = {.dial = &dial};
	int line = by->line[0] ? config_line_find(c, by->line) : -1, err;
	struct sip_account *self = NULL;
	struct ticket *t;

	if (line >= 0 && c->lines[line].server)
		take_line(x, &o, line);
	err = buf_format(o.uri, sizeof(o.uri), "%s", target);
	if (!err)
		err = allow(x, target, ret_why, cap);
	if (!err)
		err = local_to(x, &o, ret_local);
	if (!err && !o.line)
		err = phone_account(x->phone, "tipring", transport_to(target), ret_local, &self);
	if (!err)
		err = take_channel(x, &o, ret_why, cap);
	if (err) {
		sip_account_unref(self);
		return err;
	}
	t = ticket_new(x, NO_AGENT, o.line, o.line ? usage_slot(x->usage, o.line->name) : NULL, ret_plan);
	if (!t) {
		sip_account_unref(self);
		return -ENOMEM;
	}
	if (!o.line)
		ret_plan->account = t->self = self;
	if (x->budget)
		budget_began(x->budget, &c->toll, target);

	return 0;
}

int exchange_dial(void *ctx, const struct control_dial *dial, struct call **ret, char *ret_why, size_t cap)
{
	struct exchange *x = ctx;
	struct order o = {.dial = dial,
		.is_uri = !strncmp(dial->target, "sip:", 4) || !strncmp(dial->target, "sips:", 5)};
	struct addr local;
	int err = find_agent(x, &o, ret_why, cap);

	if (!err)
		err = find_line(x, &o, ret_why, cap);
	if (!err)
		err = write_target(&o, ret_why, cap);
	if (!err)
		err = write_identity(&o, ret_why, cap);
	if (!err)
		err = allow(x, o.uri, ret_why, cap);
	if (err)
		return err;
	err = local_to(x, &o, &local);
	if (err) {
		snprintf(ret_why, cap, "%s cannot be reached from here: %s", o.uri, err_text(err));
		return err;
	}
	err = take_channel(x, &o, ret_why, cap);

	return err ? err : begin(x, &o, &local, ret);
}
