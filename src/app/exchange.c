/* SPDX-License-Identifier: Apache-2.0 */
#include "app/exchange_priv.h"
#include "app/route_test.h"
#include "base/log.h"

/* ---- tickets ----------------------------------------------------------------------------------------------------------- */

struct ticket *ticket_new(struct exchange *x, size_t agent, const struct line_config *line, struct usage_slot *line_use,
	struct call_plan *ret_plan)
{
	static const enum call_dtmf how[] = {[LINE_DTMF_AUTO] = CALL_DTMF_AUTO, [LINE_DTMF_INBAND] = CALL_DTMF_INBAND,
		[LINE_DTMF_INFO] = CALL_DTMF_INFO};
	struct ticket *t = calloc(1, sizeof(*t));
	int index = line ? config_line_find(exchange_config(x), line->name) : -1;

	if (!t)
		return NULL;
	t->exchange = x;
	t->line_use = line_use;
	if (agent == NO_AGENT) {
		*ret_plan = (struct call_plan){.owner = snapshot_ref(x->snap), .record_dir = exchange_config(x)->media.record_dir, .park = &exchange_config(x)->park};
	} else {
		t->agent_use = usage_slot(x->usage, exchange_config(x)->agents[agent].name);
		(void)usage_begin(t->agent_use, 0, 0, clock_ms());
		snapshot_plan(x->snap, agent, ret_plan);
	}
	t->snap = ret_plan->owner;
	ret_plan->owner = t;
	if (!line)
		return t;
	buf_copy(t->line, sizeof(t->line), line->name);
	ret_plan->line = line->name;
	ret_plan->account = index >= 0 ? lines_account(x->lines, (size_t)index) : NULL;
	if (index >= 0)
		ret_plan->announce = lines_status(x->lines, (size_t)index)->public_addr;
	ret_plan->codecs = line->codecs[0] ? line->codecs : NULL;
	ret_plan->domain = line->domain ? line->domain : line->server;
	ret_plan->dtmf = how[line->dtmf];
	ret_plan->security = (struct call_security){.srtp = (enum sdp_srtp)line->media.srtp, .prefers_dtls = line->media.uses_dtls,
		.path = {.ice = (enum media_ice)line->media.ice}};
	if (index >= 0)
		media_servers_fill(x->servers, (size_t)index, &ret_plan->security.path);

	return t;
}

void exchange_ended(void *ctx, void *owner)
{
	struct ticket *t = owner;

	if (!t)
		return;
	usage_end(t->line_use);
	usage_end(t->agent_use);
	t->line_use = t->agent_use = NULL;
}

void exchange_release(void *ctx, void *owner)
{
	struct ticket *t = owner;

	if (!t)
		return;
	exchange_ended(ctx, t);
	snapshot_unref(t->snap);
	sip_account_unref(t->self);
	free(t);
}

void exchange_hop_done(void *ctx, void *owner, const struct addr *hop, bool is_fine)
{
	struct exchange *x = ctx;
	const struct ticket *t = owner;
	int line = t && x->lines ? config_line_find(exchange_config(x), t->line) : -1;

	if (line >= 0)
		lines_hop_done(x->lines, (size_t)line, hop, is_fine, clock_ms());
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

/* Without an address of the server: the one that a packet to the outside would leave from. */
bool exchange_local_for(void *ctx, const struct line_config *line, const struct addr *peer, struct addr *ret)
{
	struct exchange *x = ctx;
	struct addr server;
	const char *where = line->outbound_proxy ? line->outbound_proxy : line->server;

	if (peer)
		server = *peer;
	else if (!addr_parse(span_z(where), 5060, &server) && !addr_parse_ip(SPAN_LIT("198.51.100.1"), 5060, &server))
		return false;

	return ua_local_addr(x->phone->ua, line_sip_transport(line), &server, ret) == 0;
}

static uint32_t tls_for(void *ctx, const struct line_config *line)
{
	struct exchange *x = ctx;

	return x->secure ? secure_line(x->secure, line) : 0;
}

static void line_changed(void *ctx, const struct line_status *s)
{
	struct exchange *x = ctx;

	if (x->line_changed)
		x->line_changed(x->line_changed_ctx, s);
	if (s->state == LINE_REGISTERED)
		log_info("line.registered", LOG_STR("line", s->config->name), LOG_STR("server", s->config->server),
			LOG_INT("expires_s", s->expires_s));
	else if (s->state == LINE_FAILED)
		log_warn("line.failed", LOG_STR("line", s->config->name), LOG_STR("server", s->config->server),
			LOG_INT("status", s->sip_status), LOG_STR("why", s->text),
			LOG_INT("retry_in_ms", s->retry_at == NEVER ? -1 : s->retry_at - clock_ms()));
}

static void target_changed(void *ctx, const struct line_status *s, const struct addr *target, enum health_state state)
{
	char text[ADDR_TEXT];

	if (state == HEALTH_DOWN)
		log_warn("line.target_down", LOG_STR("line", s->config->name), LOG_STR("target", addr_text(target, text)));
	else
		log_info("line.target_up", LOG_STR("line", s->config->name), LOG_STR("target", addr_text(target, text)));
}

/* A question of a line to the ua, whose answer is in other words. */
struct question {
	struct list link;
	lines_resolved_fn *fn;
	void *arg;
};

static void on_targets(void *ctx, int err, const struct ua_target *targets, unsigned count)
{
	struct question *q = ctx;
	struct lines_target list[LIMIT_UA_TARGETS];

	for (unsigned i = 0; i < count; i++)
		list[i] = (struct lines_target){targets[i].transport, targets[i].addr, targets[i].priority};
	list_unlink(&q->link);
	q->fn(q->arg, err, list, count);
	free(q);
}

static int resolve(void *ctx, const struct sip_dest *dest, lines_resolved_fn *fn, void *arg)
{
	struct exchange *x = ctx;
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->fn = fn;
	q->arg = arg;
	list_append(&x->questions, &q->link);

	int err = ua_resolve_all(x->phone->ua, dest, on_targets, q);

	if (err) {
		list_unlink(&q->link);
		free(q);
	}

	return err;
}

static void resolve_cancel(void *ctx, void *arg)
{
	struct exchange *x = ctx;

	list_each(&x->questions, struct question, link, q) {
		if (q->arg != arg)
			continue;
		ua_resolve_all_cancel(x->phone->ua, q);
		list_unlink(&q->link);
		free(q);
	}
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

void exchange_init(struct exchange *x, struct snapshot *snap)
{
	*x = (struct exchange){.snap = snap, .usage = usage_new(), .nonces = mem_zalloc(sizeof(struct sip_nc_table))};
	list_init(&x->questions);
	random_bytes(x->nonce_key, sizeof(x->nonce_key));
}

void exchange_done(struct exchange *x)
{
	x->snap = snapshot_unref(x->snap);
	x->usage = usage_free(x->usage);
	free(x->nonces);
}

static void warn_all(const struct config *c)
{
	for (size_t i = 0; i < c->warning_count; i++)
		log_warn("config.advice", LOG_INT("line", c->warnings[i].line), LOG_STR("text", c->warnings[i].text));
}

int exchange_start(struct exchange *x)
{
	const struct config *c = exchange_config(x);
	struct lines_params p = {.stack = x->phone->stack, .local_for = exchange_local_for, .tls_for = tls_for, .resolve = resolve,
		.resolve_cancel = resolve_cancel, .changed = line_changed, .target_changed = target_changed, .ctx = x};

	warn_all(c);

	int err = media_servers_new(&x->servers, &x->phone->loop, c);

	return err ? err : lines_new(&x->lines, &p, c->lines, c->line_count, clock_ms());
}

int exchange_reload(struct exchange *x, struct snapshot *fresh)
{
	struct media_servers *servers;
	int err = media_servers_new(&servers, &x->phone->loop, fresh->config);

	if (err)
		return err;
	err = lines_update(x->lines, fresh->config->lines, fresh->config->line_count, clock_ms());
	if (err) {
		media_servers_free(servers);
		return err;
	}
	media_servers_free(x->servers);
	x->servers = servers;
	snapshot_unref(x->snap);
	x->snap = fresh;
	warn_all(fresh->config);

	return 0;
}

void exchange_on_sip(struct exchange *x, const struct sip_stack_event *ev)
{
	if ((!ev->reg && !ev->probe) || !x->lines)
		return;
	if (ev->type == SIP_EV_REG_OK && ev->packet)
		ua_trust(x->phone->ua, &ev->packet->source);
	lines_on_sip(x->lines, ev, clock_ms());
}

/* ---- what the API asks --------------------------------------------------------------------------------------------------- */

uint32_t exchange_calls_of(void *ctx, const char *agent)
{
	const struct exchange *x = ctx;
	const struct usage_slot *s = usage_find(x->usage, agent);

	return s ? s->calls : 0;
}

json_t *exchange_route_test(void *ctx, json_t *request, char *ret_why, size_t cap)
{
	struct exchange *x = ctx;
	struct route_test_world w = {.config = exchange_config(x), .now_unix_s = clock_wall_ms() / 1000, .calls_of = exchange_calls_of,
		.ctx = x};

	return route_test(&w, request, ret_why, cap);
}

void exchange_describe_line(void *ctx, size_t line, json_t *answer)
{
	const struct exchange *x = ctx;
	const struct line_config *c = &exchange_config(x)->lines[line];
	const struct usage_slot *s = usage_find(x->usage, c->name);
	static const struct usage_slot none;

	s = s ? s : &none;
	json_object_set_new(answer, "calls", json_integer(s->calls));
	json_object_set_new(answer, "calls_peak", json_integer(s->peak));
	json_object_set_new(answer, "calls_total", json_integer((json_int_t)s->total));
	json_object_set_new(answer, "max_calls", c->max_calls ? json_integer(c->max_calls) : json_null());
	json_object_set_new(answer, "refused_channels", json_integer((json_int_t)s->refused_channels));
	json_object_set_new(answer, "refused_rate", json_integer((json_int_t)s->refused_cps));
}
