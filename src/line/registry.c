/* SPDX-License-Identifier: Apache-2.0 */
#include "line/registry_priv.h"
#include "base/log.h"

#define SPREAD_FROM	8    /* so many lines register at once; those behind them follow one each SPREAD_MS */
#define SPREAD_MS	10
#define PATIENCE_MS	1500 /* for a registrar when there is another one; doubles with each round of all of them */
#define PATIENCE_MAX_MS 12000
#define NAME_MS		3000 /* a name that is not known by then: the registration begins all the same, and fails with its reason */

const char *line_state_name(enum line_state s)
{
	static const char *const names[] = {"ready", "registering", "registered", "failed"};

	return names[s];
}

enum sip_transport line_sip_transport(const struct line_config *c)
{
	return c->transport == LINE_TCP ? SIP_TCP : c->transport == LINE_TLS ? SIP_TLS : SIP_UDP;
}

void line_set_state(struct line *l, enum line_state state, const char *text, msec_t now)
{
	bool is_news = l->status.state != state || strcmp(l->status.text, text) != 0;

	if (l->status.state != state)
		l->status.since = now;
	l->status.state = state;
	buf_copy(l->status.text, sizeof(l->status.text), text);
	if (is_news && !l->is_leaving && l->owner->p.changed)
		l->owner->p.changed(l->owner->p.ctx, &l->status);
}

/* ---- accounts -------------------------------------------------------------------------------------------------------- */

/* The host of the address of record: the domain if given, else the server without its port. */
static void write_aor(const struct line *l, char *ret, size_t cap)
{
	const struct line_config *c = l->status.config;
	const struct line_server *s = &l->servers[0];
	struct addr literal;
	char host[300];
	bool is_v6;

	buf_copy(host, sizeof(host), c->domain ? c->domain : c->outbound_proxy ? c->server : s->host);
	if (!c->domain && c->outbound_proxy && addr_parse(span_z(c->server), 0, &literal))
		addr_ip_text(&literal, host);
	else if (!c->domain && c->outbound_proxy)
		*strchrnul(host, ':') = 0;
	is_v6 = strchr(host, ':') && host[0] != '[';
	snprintf(ret, cap, "sip:%s%s%s%s%s", c->extension ? c->extension : "", c->extension ? "@" : "", is_v6 ? "[" : "", host,
		is_v6 ? "]" : "");
}

static int make_account(struct line *l, const struct line_server *server, struct sip_account **ret)
{
	const struct line_config *c = l->status.config;
	struct sip_dest proxy = {.transport = line_sip_transport(c), .addr = server->literal, .host = span_z(server->host),
		.port = server->port};
	struct addr local;
	char aor[600], sent_by[ADDR_TEXT] = "";

	write_aor(l, aor, sizeof(aor));
	bool is_known = addr_is_set(&server->literal);

	if (l->owner->p.local_for(l->owner->p.ctx, c, is_known ? &server->literal : NULL, &local)) {
		addr_text(&local, sent_by);
		l->local = local;
		l->is_local_sure = is_known;
	}

	struct sip_account_params params = {.aor = span_z(aor), .display_name = span_z(c->display_name), .tls = l->tls,
		.auth_id = span_z(c->auth_id), .password = span_z(c->password), .transport = line_sip_transport(c),
		.sent_by = span_z(sent_by), .proxy = proxy, .user_agent = span_z(c->user_agent), .no_100rel = c->no_100rel,
		.no_session_timer = c->no_session_timer};

	return sip_account_new(l->owner->p.stack, &params, ret);
}

void line_say_local(struct line *l, struct line_reg *r, const struct target *t)
{
	char text[ADDR_TEXT];
	struct addr local;
	bool is_said = true;

	if (!l->account || !l->owner->p.local_for(l->owner->p.ctx, l->status.config, &t->at.addr, &local))
		return;
	l->is_local_sure = true;
	if (addr_eq(&local, &l->local))
		return;
	l->local = local;
	addr_text(&local, text);
	if (r)
		is_said = sip_account_set_sent_by(r->account, span_z(text)) == 0;
	for (size_t i = 0; i < l->reg_count && !r; i++)
		is_said = sip_account_set_sent_by(l->regs[i].account, span_z(text)) == 0 && is_said;
	is_said = sip_account_set_sent_by(l->account, span_z(text)) == 0 && is_said;
	if (!is_said)
		log_warn("line.no_memory", LOG_STR("line", l->status.config->name));
}

/* ---- registrations --------------------------------------------------------------------------------------------------- */

/* How long the present registrar may be silent: for ever when there is no other. */
static uint32_t patience(const struct line_reg *r)
{
	const struct line *l = r->line;
	unsigned others = 0;

	for (size_t i = 0; i < l->target_count; i++)
		others += l->targets[i] != r->target && (!r->server || l->targets[i]->server == r->server);

	return others ? MIN((uint32_t)PATIENCE_MS << MIN(r->rounds / (others + 1), 4u), (uint32_t)PATIENCE_MAX_MS) : 0;
}

static int begin_reg(struct line_reg *r, msec_t now)
{
	const struct line_config *c = r->line->status.config;
	struct sip_reg_params rp = {.account = r->account, .expires_s = c->expires_s, .retry_max_s = 20,
		.keepalive = c->keepalive_s == 0 ? SIP_KA_NONE : c->keepalive_options ? SIP_KA_OPTIONS : SIP_KA_CRLF,
		.keepalive_s = c->keepalive_s, .learn_public = true, .patience_ms = patience(r), .user = r};

	return sip_reg_new(r->line->owner->p.stack, &rp, now, &r->reg);
}

/* At first; NULL: by name. */
static void go(struct line_reg *r, struct target *t, msec_t now)
{
	struct sip_dest dest;

	r->target = t;
	if (t) {
		target_dest(t, &dest);
		if (sip_account_set_proxy(r->account, &dest) != 0)
			return;
	}
	/* Without memory the next tick tries again. */
	r->is_begun = begin_reg(r, now) == 0;
}

/* The registration goes to another target now, or when its pause is over if that one is down as well. */
static void move(struct line_reg *r, struct target *t, msec_t now)
{
	struct sip_dest dest;

	r->target = t;
	target_dest(t, &dest);
	if (sip_account_set_proxy(r->account, &dest) != 0)
		return;
	line_say_local(r->line, r, t);
	sip_reg_set_patience(r->reg, patience(r));
	if (t->health.state != HEALTH_DOWN)
		sip_reg_refresh_now(r->reg, now);
}

static void begin_when_due(struct line_reg *r, msec_t now)
{
	struct target *t = target_best(r->line, r->server, NULL, true);
	bool is_waiting = false;

	for (size_t i = 0; i < r->line->server_count; i++)
		is_waiting |= r->line->servers[i].is_resolving;
	if (now < r->begin_at || (!t && is_waiting && now < r->begin_at + NAME_MS))
		return;
	if (t || r->line->status.state != LINE_FAILED)
		go(r, t, now);
}

/* Back to a better target once it has been up for a while. */
static void return_when_due(struct line_reg *r, msec_t now)
{
	struct target *best = target_best(r->line, r->server, NULL, false);

	if (!r->is_registered || !r->target || !best || target_rank(best) >= target_rank(r->target) ||
		best->health.state != HEALTH_UP || now - best->health.since < LINES_RETURN_MS)
		return;
	move(r, best, now);
}

static void sum_up(struct line *l, const char *text, msec_t now)
{
	bool is_any = false, is_trying = false;

	for (size_t i = 0; i < l->reg_count; i++) {
		is_any |= l->regs[i].is_registered;
		is_trying |= l->regs[i].reg != NULL || !l->regs[i].is_begun;
	}
	line_set_state(l, is_any ? LINE_REGISTERED : text[0] ? LINE_FAILED : is_trying ? LINE_REGISTERING : LINE_READY, text, now);
}

static void on_ok(struct line_reg *r, const struct sip_stack_event *ev, msec_t now)
{
	struct line *l = r->line;

	r->is_registered = true;
	r->rounds = 0;
	l->status.sip_status = 200;
	l->status.expires_s = ev->expires_s;
	l->status.retry_at = NEVER;
	if (ev->packet)
		l->status.server = ev->packet->source;
	if (!r->target && ev->packet)
		r->target = target_find(l, &ev->packet->source);
	if (r->target)
		target_note(r->target, true, now);
	sum_up(l, "", now);
}

static void on_failed(struct line_reg *r, const struct sip_stack_event *ev, msec_t now)
{
	struct line *l = r->line;
	bool is_away = ev->reg_fault == SIP_REG_NO_ANSWER || ev->reg_fault == SIP_REG_BUSY;
	char text[sizeof(l->status.text)];

	r->is_registered = false;
	r->rounds++;
	l->status.sip_status = ev->status;
	l->status.retry_at = ev->retry_at;
	if (is_away && r->target)
		target_note(r->target, false, now);

	struct target *next = is_away ? target_best(l, r->server, r->target, true) : NULL;

	snprintf(text, sizeof(text), "%s", ev->text ? ev->text : "");
	/* Without another one to go to this is news; with one it is when all were tried. */
	if (!next || next->health.state == HEALTH_DOWN)
		sum_up(l, text, now);
	if (next)
		move(r, next, now);
}

/* A registrar that answers nothing, or takes no calls, will send none either: whoever is registered there moves on, if there is a better
 * place. A refresh may be an hour away. */
static void desert(const struct target *t, msec_t now)
{
	struct line *l = t->line;

	for (size_t k = 0; k < l->reg_count; k++) {
		struct target *next = target_best(l, l->regs[k].server, t, false);

		if (l->regs[k].reg && l->regs[k].target == t && next)
			move(&l->regs[k], next, now);
	}
}

static void on_probe(const struct sip_stack_event *ev, msec_t now)
{
	struct target *t = sip_probe_user(ev->probe);

	target_on_probe(ev, now);
	if (t->health.state == HEALTH_DOWN)
		desert(t, now);
}

void lines_on_sip(struct lines *ls, const struct sip_stack_event *ev, msec_t now)
{
	char text[ADDR_TEXT];

	if (ev->probe) {
		on_probe(ev, now);
		return;
	}

	struct line_reg *r = sip_reg_user(ev->reg);

	switch (ev->type) {
	case SIP_EV_REG_OK:
		on_ok(r, ev, now);
		break;
	case SIP_EV_REG_FAILED:
		on_failed(r, ev, now);
		break;
	case SIP_EV_PUBLIC_ADDR:
		r->line->status.public_addr = ev->public_addr;
		log_info("line.public_address", LOG_STR("line", r->line->status.config->name),
			LOG_STR("address", addr_text(&ev->public_addr, text)));
		break;
	case SIP_EV_REG_GONE:
		r->reg = sip_reg_free(r->reg);
		r->is_registered = false;
		sum_up(r->line, "", now);
		break;
	default:
		break;
	}
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static int open_regs(struct line *l, msec_t now)
{
	const struct line_config *c = l->status.config;

	l->reg_count = !c->does_register ? 0 : c->registers_everywhere ? l->server_count : 1;
	for (size_t i = 0; i < l->reg_count; i++) {
		struct line_reg *r = &l->regs[i];
		int err = 0;

		*r = (struct line_reg){.line = l, .server = c->registers_everywhere ? &l->servers[i] : NULL,
			.begin_at = now + (l->index > SPREAD_FROM ? (msec_t)(l->index - SPREAD_FROM) * SPREAD_MS : 0)};
		/* Each has its own next hop, and the first one is the calls' too. */
		if (i == 0)
			r->account = sip_account_ref(l->account);
		else
			err = make_account(l, &l->servers[i], &r->account);
		if (err)
			return err;
	}

	return 0;
}

static void line_free(struct line *l)
{
	if (!l)
		return;
	target_close(l);
	for (size_t i = 0; i < l->reg_count; i++) {
		sip_reg_free(l->regs[i].reg);
		sip_account_unref(l->regs[i].account);
	}
	sip_account_unref(l->account);
	free(l);
}

static uint32_t line_tls_of(const struct lines *ls, const struct line_config *c)
{
	return ls->p.tls_for ? ls->p.tls_for(ls->p.ctx, c) : 0;
}

static int line_new(struct lines *ls, size_t index, const struct line_config *c, msec_t now, struct line **ret)
{
	struct line *l = mem_zalloc(sizeof(*l));
	int err = 0;

	l->owner = ls;
	l->index = index;
	l->status = (struct line_status){.config = c, .state = c->does_register ? LINE_REGISTERING : LINE_READY, .since = now,
		.retry_at = NEVER};
	l->tls = line_tls_of(ls, c);
	if (c->server) {
		target_open(l, now);
		err = make_account(l, &l->servers[0], &l->account);
		if (!err)
			err = open_regs(l, now);
	}
	if (err) {
		log_error("line.bad", LOG_STR("line", c->name), LOG_ERR(err));
		line_free(l);
		return err;
	}
	*ret = l;

	return 0;
}

static void tick_line(struct line *l, msec_t now)
{
	target_tick(l, now);
	for (size_t i = 0; i < l->reg_count; i++)
		if (!l->regs[i].is_begun)
			begin_when_due(&l->regs[i], now);
		else if (l->regs[i].reg)
			return_when_due(&l->regs[i], now);
}

int lines_new(struct lines **ret, const struct lines_params *params, const struct line_config *configs, size_t n, msec_t now)
{
	struct lines *ls = mem_zalloc(sizeof(*ls));
	int err;

	ls->p = *params;
	err = lines_update(ls, configs, n, now);
	if (err) {
		lines_free(ls);
		return err;
	}
	*ret = ls;

	return 0;
}

/* The line of before that means the same, taken out of the list. Certificates have their own settings, which may be others now. */
static struct line *adopt(struct lines *ls, const struct line_config *c)
{
	for (size_t i = 0; i < ls->count; i++) {
		struct line *l = ls->list[i];

		if (!l || !line_config_equal(l->status.config, c) || l->tls != line_tls_of(ls, c))
			continue;
		ls->list[i] = NULL;
		return l;
	}

	return NULL;
}

static void unregister(struct line *l, msec_t now)
{
	for (size_t i = 0; i < l->reg_count; i++) {
		l->regs[i].is_begun = true; /* it does not begin any more */
		if (l->regs[i].reg)
			sip_reg_unregister(l->regs[i].reg, now);
	}
}

static bool has_reg(const struct line *l)
{
	for (size_t i = 0; i < l->reg_count; i++)
		if (l->regs[i].reg)
			return true;

	return false;
}

/* Nobody's line any more: its configuration is about to go, its registrations still have to. */
static void leave(struct lines *ls, struct line *l, msec_t now)
{
	static const struct line_config gone = {.name = "(removed)"};

	if (!l)
		return;
	l->is_leaving = true;
	l->status.config = &gone;
	target_close(l);
	if (!has_reg(l)) {
		line_free(l);
		return;
	}
	ls->leaving = mem_realloc(ls->leaving, (ls->leaving_count + 1) * sizeof(*ls->leaving));
	ls->leaving[ls->leaving_count++] = l;
	unregister(l, now);
}

int lines_update(struct lines *ls, const struct line_config *configs, size_t n, msec_t now)
{
	struct line **list = mem_zalloc((n + 1) * sizeof(*list)), **fresh = mem_zalloc((n + 1) * sizeof(*fresh));
	struct line **before = mem_zalloc((ls->count + 1) * sizeof(*before));
	int err = 0;

	if (ls->count)
		memcpy(before, ls->list, ls->count * sizeof(*before));
	for (size_t i = 0; i < n && !err; i++) {
		list[i] = adopt(ls, &configs[i]);
		if (!list[i])
			err = line_new(ls, i, &configs[i], now, &fresh[i]);
	}
	if (err) {
		for (size_t i = 0; i < n; i++)
			line_free(fresh[i]);
		if (ls->count)
			memcpy(ls->list, before, ls->count * sizeof(*before));
		free(list);
	} else {
		for (size_t i = 0; i < n; i++) {
			list[i] = list[i] ? list[i] : fresh[i];
			list[i]->index = i;
			list[i]->status.config = &configs[i];
		}
		for (size_t i = 0; i < ls->count; i++)
			leave(ls, ls->list[i], now);
		free(ls->list);
		ls->list = list;
		ls->count = n;
		lines_tick(ls, now);
	}
	free(fresh);
	free(before);

	return err;
}

void lines_tick(struct lines *ls, msec_t now)
{
	for (size_t i = 0; i < ls->count && !ls->is_stopping; i++)
		tick_line(ls->list[i], now);
	for (size_t i = ls->leaving_count; i-- > 0;)
		if (!has_reg(ls->leaving[i])) {
			line_free(ls->leaving[i]);
			ls->leaving[i] = ls->leaving[--ls->leaving_count];
		}
}

void lines_stop(struct lines *ls, msec_t now)
{
	ls->is_stopping = true;
	for (size_t i = 0; i < ls->count; i++)
		unregister(ls->list[i], now);
}

bool lines_is_idle(const struct lines *ls)
{
	for (size_t i = 0; i < ls->count; i++)
		if (has_reg(ls->list[i]))
			return false;
	for (size_t i = 0; i < ls->leaving_count; i++)
		if (has_reg(ls->leaving[i]))
			return false;

	return true;
}

struct lines *lines_free(struct lines *ls)
{
	if (!ls)
		return NULL;

	for (size_t i = 0; i < ls->count; i++)
		line_free(ls->list[i]);
	for (size_t i = 0; i < ls->leaving_count; i++)
		line_free(ls->leaving[i]);
	free(ls->list);
	free(ls->leaving);
	free(ls);

	return NULL;
}

void lines_refresh(struct lines *ls, msec_t now)
{
	for (size_t i = 0; i < ls->count; i++) {
		struct line *l = ls->list[i];
		struct target *t = target_best(l, NULL, NULL, true);

		target_refresh(l, now);
		if (t)
			line_say_local(l, NULL, t);
		for (size_t k = 0; k < l->reg_count; k++)
			if (l->regs[k].reg)
				sip_reg_refresh_now(l->regs[k].reg, now);
	}
}

/* ---- what others ask --------------------------------------------------------------------------------------------------- */

size_t lines_count(const struct lines *ls)
{
	return ls->count;
}

const struct line_status *lines_status(const struct lines *ls, size_t i)
{
	return &ls->list[i]->status;
}

struct sip_account *lines_account(const struct lines *ls, size_t i)
{
	return ls->list[i]->account;
}

bool lines_is_server(void *ctx, size_t i, const struct addr *source)
{
	const struct lines *ls = ctx;
	const struct line *l = ls->list[i];

	if (addr_is_set(&l->status.server) && addr_ip_eq(&l->status.server, source))
		return true;
	for (size_t k = 0; k < l->target_count; k++)
		if (addr_ip_eq(&l->targets[k]->at.addr, source))
			return true;

	return false;
}

bool lines_is_usable(const struct lines *ls, size_t i)
{
	const struct line *l = ls->list[i];

	return l->account && l->status.state != LINE_FAILED && (l->target_count == 0 || target_best(l, NULL, NULL, false));
}

void lines_hop_done(struct lines *ls, size_t i, const struct addr *addr, bool is_fine, msec_t now)
{
	struct line *l = ls->list[i];
	struct target *t = target_find(l, addr);

	if (!t)
		return;
	target_note(t, is_fine, now);
	if (!is_fine)
		desert(t, now);
}

size_t lines_targets(const struct lines *ls, size_t i, struct lines_target_info *ret, size_t cap)
{
	const struct line *l = ls->list[i];
	size_t n = MIN(cap, l->target_count);

	for (size_t k = 0; k < n; k++) {
		const struct target *t = l->targets[k];

		ret[k] = (struct lines_target_info){.target = t->at, .server = t->server->host, .health = t->health};
		for (size_t r = 0; r < l->reg_count; r++)
			ret[k].is_registered |= l->regs[r].target == t && l->regs[r].is_registered;
	}

	return n;
}
