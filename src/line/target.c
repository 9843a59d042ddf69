/* SPDX-License-Identifier: Apache-2.0 */
#include "line/registry_priv.h"

#define RESOLVE_MS	 60000 /* again: the resolver keeps answers for their TTL, so this asks it rarely */
#define RESOLVE_AGAIN_MS 5000  /* after a failure */
#define WATCH_MS	 30000 /* several targets and no health_s: which of them lives has to be known before a call */
#define PROBE_MS	 2000

/* ---- servers and targets ----------------------------------------------------------------------------------------------- */

/* "host", "host:port", "[v6]:port" into its parts; a literal is set as an address too. */
static void open_server(struct line_server *s, struct line *l, const char *text, msec_t now)
{
	uint16_t port = line_default_port(l->status.config->transport);
	struct span rest = span_z(text), host = span_cut(&rest, ':');
	uint32_t number = 0;

	*s = (struct line_server){.line = l, .resolve_at = now};
	if (addr_parse(span_z(text), port, &s->literal)) {
		s->port = addr_port(&s->literal);
		addr_ip_text(&s->literal, s->host);
		s->resolve_at = NEVER;
		return;
	}
	if (!span_copy(host, s->host, sizeof(s->host)))
		buf_copy(s->host, sizeof(s->host), "invalid");
	if (rest.p && span_u32(rest, &number) && number < 65536)
		s->port = (uint16_t)number;
}

static uint32_t watch_ms(const struct line *l)
{
	uint32_t s = l->status.config->health_s;

	return s ? s * 1000 : l->target_count > 1 ? WATCH_MS : 0;
}

static struct target *add_target(struct line_server *s, const struct lines_target *at, msec_t now)
{
	struct line *l = s->line;
	struct target *t;

	for (size_t i = 0; i < l->target_count; i++)
		if (addr_eq(&l->targets[i]->at.addr, &at->addr) && l->targets[i]->at.transport == at->transport &&
			l->targets[i]->server == s)
			return l->targets[i];
	if (l->target_count == LIMIT_LINE_TARGETS)
		return NULL;
	t = mem_zalloc(sizeof(*t));
	t->line = l;
	t->server = s;
	t->at = *at;
	l->targets[l->target_count++] = t;
	/* Many lines of one process do not ask in step. */
	health_init(&t->health, watch_ms(l), now);
	if (t->health.ping_at != NEVER)
		t->health.ping_at += (msec_t)(l->index % 200) * 13;

	return t;
}

static void drop_target(struct line *l, size_t i)
{
	struct target *t = l->targets[i];

	sip_probe_free(t->probe);
	for (size_t k = 0; k < l->reg_count; k++)
		if (l->regs[k].target == t)
			l->regs[k].target = NULL;
	free(t);
	memmove(&l->targets[i], &l->targets[i + 1], (--l->target_count - i) * sizeof(*l->targets));
}

static bool is_used(const struct line *l, const struct target *t)
{
	for (size_t i = 0; i < l->reg_count; i++)
		if (l->regs[i].target == t)
			return true;

	return false;
}

uint32_t target_rank(const struct target *t)
{
	return (uint32_t)(t->server - t->line->servers) << 16 | t->at.priority;
}

/* By rank; the resolver's order is kept among equals, since it is drawn by weight (RFC 2782). */
static void sort_targets(struct line *l)
{
	for (size_t i = 1; i < l->target_count; i++)
		for (size_t k = i; k > 0 && target_rank(l->targets[k]) < target_rank(l->targets[k - 1]); k--) {
			struct target *t = l->targets[k];

			l->targets[k] = l->targets[k - 1];
			l->targets[k - 1] = t;
		}
}

/* Of equal rank the ones just named come in the order they were named. */
static void move_to_end(struct line *l, struct target *t)
{
	size_t i = 0;

	while (l->targets[i] != t)
		i++;
	memmove(&l->targets[i], &l->targets[i + 1], (l->target_count - 1 - i) * sizeof(*l->targets));
	l->targets[l->target_count - 1] = t;
}

static void take_targets(struct line_server *s, const struct lines_target *at, size_t n, msec_t now)
{
	struct line *l = s->line;

	for (size_t i = 0; i < l->target_count; i++)
		if (l->targets[i]->server == s)
			l->targets[i]->is_listed = false;
	for (size_t i = 0; i < n; i++) {
		struct target *t = add_target(s, &at[i], now);

		if (!t)
			continue;
		t->is_listed = true;
		t->at.priority = at[i].priority;
		move_to_end(l, t);
	}
	for (size_t i = l->target_count; i-- > 0;)
		if (l->targets[i]->server == s && !l->targets[i]->is_listed && !is_used(l, l->targets[i]))
			drop_target(l, i);
	sort_targets(l);
	if (l->target_count && !l->is_local_sure)
		line_say_local(l, NULL, l->targets[0]);
	for (size_t i = 0; i < l->target_count; i++) {
		struct health *h = &l->targets[i]->health;

		if (h->every_ms == 0 && watch_ms(l)) {
			h->every_ms = watch_ms(l);
			h->ping_at = MIN(h->ping_at, now + h->every_ms);
		}
	}
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static void on_resolved(void *arg, int err, const struct lines_target *targets, size_t n)
{
	struct line_server *s = arg;
	char why[200];

	s->is_resolving = false;
	s->err = err;
	if (!err && n) {
		take_targets(s, targets, n, s->resolve_at);
		s->resolve_at += RESOLVE_MS;
		return;
	}
	s->resolve_at += RESOLVE_AGAIN_MS;
	/* What was known before is still tried. */
	for (size_t i = 0; i < s->line->server_count; i++)
		if (s->line->servers[i].is_resolving || target_best(s->line, NULL, NULL, true))
			return;
	snprintf(why, sizeof(why), "the name %.100s cannot be resolved: check its spelling and this host's DNS", s->host);
	s->line->status.retry_at = s->resolve_at;
	line_set_state(s->line, LINE_FAILED, why, s->resolve_at - RESOLVE_AGAIN_MS);
}

static void resolve(struct line_server *s, msec_t now)
{
	struct lines *ls = s->line->owner;
	struct sip_dest dest = {.transport = line_sip_transport(s->line->status.config), .host = span_z(s->host), .port = s->port, .tls = s->line->tls};

	s->resolve_at = now; /* on_resolved counts from it */
	s->is_resolving = true;
	if (ls->p.resolve(ls->p.ctx, &dest, on_resolved, s) != 0) {
		s->is_resolving = false;
		s->resolve_at = now + RESOLVE_AGAIN_MS;
	}
}

void target_open(struct line *l, msec_t now)
{
	const struct line_config *c = l->status.config;
	const char *const *names = c->outbound_proxy ? &c->outbound_proxy : c->servers;

	l->server_count = c->outbound_proxy ? 1 : c->server_count;
	for (size_t i = 0; i < l->server_count; i++)
		open_server(&l->servers[i], l, names[i], now);
	for (size_t i = 0; i < l->server_count; i++) {
		struct line_server *s = &l->servers[i];
		struct lines_target at = {.transport = line_sip_transport(c), .addr = s->literal};

		if (addr_is_set(&s->literal))
			take_targets(s, &at, 1, now);
	}
}

void target_close(struct line *l)
{
	for (size_t i = 0; i < l->server_count; i++)
		if (l->servers[i].is_resolving)
			l->owner->p.resolve_cancel(l->owner->p.ctx, &l->servers[i]);
	while (l->target_count)
		drop_target(l, l->target_count - 1);
	l->server_count = 0;
}

/* ---- health -------------------------------------------------------------------------------------------------------------- */

static void tell_health(struct target *t)
{
	struct lines *ls = t->line->owner;

	if (ls->p.target_changed)
		ls->p.target_changed(ls->p.ctx, &t->line->status, &t->at.addr, t->health.state);
}

void target_judge(struct line *l, msec_t now)
{
	bool is_down = l->target_count > 0;

	if (l->reg_count || !l->target_count)
		return;
	for (size_t i = 0; i < l->target_count; i++)
		is_down &= l->targets[i]->health.state == HEALTH_DOWN;
	l->status.retry_at = is_down ? now + HEALTH_DOWN_PING_MS : NEVER;
	line_set_state(l, is_down ? LINE_FAILED : LINE_READY,
		is_down ? "no server of the line answers OPTIONS: check address, port and firewall, and that the carrier knows our address" : "",
		now);
}

static void after_change(struct target *t, msec_t now)
{
	struct line *l = t->line;
	struct target *best = target_best(l, NULL, NULL, false);
	struct sip_dest dest;

	tell_health(t);
	target_judge(l, now);
	/* Requests that are given no hop (those of a transfer) go where the account says: never to a target that is down. */
	if (l->reg_count || !best || !l->account)
		return;
	target_dest(best, &dest);
	if (sip_account_set_proxy(l->account, &dest) == 0)
		line_say_local(l, NULL, best);
}

void target_note(struct target *t, bool is_fine, msec_t now)
{
	bool is_news = is_fine ? t->health.state != HEALTH_DOWN && health_answered(&t->health, t->health.rtt_ms, now) :
				 health_failed(&t->health, now);

	if (is_news)
		after_change(t, now);
}

void target_on_probe(const struct sip_stack_event *ev, msec_t now)
{
	struct target *t = sip_probe_user(ev->probe);
	bool is_news;

	t->probe = NULL;
	is_news = ev->status ? health_answered(&t->health, sip_probe_age_ms(ev->probe, now), now) : health_silent(&t->health, now);
	if (is_news)
		after_change(t, now);
}

void target_dest(const struct target *t, struct sip_dest *ret)
{
	*ret = (struct sip_dest){.transport = t->at.transport, .addr = t->at.addr, .host = span_z(t->server->host),
		.port = addr_port(&t->at.addr), .tls = t->line->tls};
}

static void ping(struct target *t, msec_t now)
{
	struct line *l = t->line;
	struct sip_probe_params p = {.account = l->account, .answer_ms = PROBE_MS, .user = t};

	t->health.ping_at = now + PROBE_MS + 1000; /* until its end says more */
	target_dest(t, &p.dest);
	if (l->account && sip_probe_send(l->owner->p.stack, &p, now, &t->probe) != 0)
		t->probe = NULL;
}

void target_tick(struct line *l, msec_t now)
{
	for (size_t i = 0; i < l->server_count; i++)
		if (!l->servers[i].is_resolving && l->servers[i].resolve_at <= now)
			resolve(&l->servers[i], now);
	for (size_t i = 0; i < l->target_count; i++)
		if (!l->targets[i]->probe && l->targets[i]->health.ping_at <= now)
			ping(l->targets[i], now);
}

void target_refresh(struct line *l, msec_t now)
{
	for (size_t i = 0; i < l->server_count; i++)
		if (!addr_is_set(&l->servers[i].literal))
			l->servers[i].resolve_at = now;
	for (size_t i = 0; i < l->target_count; i++)
		l->targets[i]->health.ping_at = MIN(l->targets[i]->health.ping_at, now);
}

/* ---- choice ---------------------------------------------------------------------------------------------------------------- */

struct target *target_find(const struct line *l, const struct addr *addr)
{
	for (size_t i = 0; i < l->target_count; i++)
		if (addr_eq(&l->targets[i]->at.addr, addr))
			return l->targets[i];

	return NULL;
}

struct target *target_best(const struct line *l, const struct line_server *server, const struct target *except, bool is_any)
{
	struct target *down = NULL;

	for (size_t i = 0; i < l->target_count; i++) {
		struct target *t = l->targets[i];

		if (t == except || (server && t->server != server) || (!t->is_listed && l->target_count > 1))
			continue;
		if (t->health.state != HEALTH_DOWN)
			return t;
		/* of those that are down the one that has been so longest is the likeliest to be back */
		if (!down || t->health.since < down->health.since)
			down = t;
	}

	return is_any ? down : NULL;
}

static void add_hop(const struct target *t, struct sip_dest *ret, size_t cap, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		if (addr_eq(&ret[i].addr, &t->at.addr) && ret[i].transport == t->at.transport)
			return;
	if (*n < cap)
		target_dest(t, &ret[(*n)++]);
}

size_t lines_hops(const struct lines *ls, size_t i, struct sip_dest *ret, size_t cap)
{
	const struct line *l = ls->list[i];
	size_t n = 0;

	/* A registrar expects our calls where it knows us. */
	for (size_t k = 0; k < l->reg_count; k++)
		if (l->regs[k].is_registered && l->regs[k].target && l->regs[k].target->health.state != HEALTH_DOWN)
			add_hop(l->regs[k].target, ret, cap, &n);
	for (size_t k = 0; k < l->target_count; k++)
		if (l->targets[k]->health.state != HEALTH_DOWN)
			add_hop(l->targets[k], ret, cap, &n);
	for (size_t k = 0; k < l->target_count; k++)
		add_hop(l->targets[k], ret, cap, &n);

	return n;
}
