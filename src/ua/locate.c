/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/locate.h"

/*
 * A chain of questions:
 *
 *	literal ------------------------------------------> target
 *	name:port -----------------------> addresses -----> targets
 *	name, transport ------> SRV -----> addresses of each SRV target, when its turn comes
 *	name -------> NAPTR --> SRV -----> the same
 *	name, TLS --> NAPTR's SIPS+D2T, else _sips._tcp --> SRV --> the same
 *
 * No SRV records, or no answer about them: the addresses of the name itself (§4.2). When all
 *targets are to be avoided, they are given after all, in a second pass.
 *
 * Deviation: without NAPTR, SRV is asked for UDP, then for TCP, and the first that exists wins
 *(§4.1 asks for all in parallel).
 */

enum step { STEP_NAPTR, STEP_SRV, STEP_ADDR, STEP_TARGETS, STEP_NEXT_SRV, STEP_END };

struct srv {
	uint16_t priority, weight, port;
	char name[254];
};

struct locate {
	struct locate_params p;
	enum step step;
	enum sip_transport transport;
	bool is_guessing; /* neither transport nor NAPTR: TCP's SRV comes after UDP's */
	bool is_second_pass, has_avoided;
	bool is_waiting;
	int err;
	locate_fn *fn;
	void *fn_ctx;
	char srv_name[300];
	uint16_t port; /* of addrs */
	unsigned srv_count, srv_at;
	unsigned addr_count, addr_at, given;
	struct addr addrs[LIMIT_UA_TARGETS];
	struct srv *srvs; /* srv_count of them, in the order to try */
	char host[];
};

static void run(struct locate *l);

uint16_t sip_default_port(enum sip_transport t)
{
	return t == SIP_TLS || t == SIP_WSS ? 5061 : 5060;
}

static const char *srv_prefix(enum sip_transport t)
{
	switch (t) {
	case SIP_TLS:
		return "_sips._tcp.";
	case SIP_TCP:
		return "_sip._tcp.";
	default:
		return "_sip._udp.";
	}
}

static void ask_srv_of(struct locate *l, enum sip_transport t)
{
	l->transport = t;
	l->step = STEP_SRV;
	if (buf_format(l->srv_name, sizeof(l->srv_name), "%s%s", srv_prefix(t), l->host))
		l->step = STEP_END;
}

/* RFC 3263 §4.1 and §4.2: which question comes first. */
static void begin(struct locate *l)
{
	struct addr literal;

	l->transport = l->p.transport == SIP_TRANSPORT_UNKNOWN ? SIP_UDP : l->p.transport;
	l->port = l->p.port ? l->p.port : sip_default_port(l->transport);
	l->err = -TR_ENOTFOUND;

	if (addr_parse_ip(span_z(l->host), 0, &literal)) {
		l->addrs[l->addr_count++] = literal;
		l->step = STEP_TARGETS;
	} else if (l->p.port || l->p.transport == SIP_WS || l->p.transport == SIP_WSS) {
		l->step = STEP_ADDR;
	} else if (l->p.transport == SIP_TRANSPORT_UNKNOWN || l->p.transport == SIP_TLS) {
		l->step = STEP_NAPTR;
	} else {
		ask_srv_of(l, l->transport);
	}
}

int locate_new(const struct locate_params *params, struct locate **ret)
{
	struct locate *l = calloc(1, sizeof(*l) + params->host.n + 1);

	if (!l)
		return -ENOMEM;
	l->p = *params;
	memcpy(l->host, params->host.p, params->host.n);
	begin(l);
	*ret = l;

	return 0;
}

struct locate *locate_free(struct locate *l)
{
	if (!l)
		return NULL;
	if (l->is_waiting)
		dns_cancel(l->p.dns, l);
	free(l->srvs);
	free(l);

	return NULL;
}

/* --- NAPTR --- */

static enum sip_transport naptr_transport(const struct dns_naptr *n)
{
	static const struct {
		const char *service;
		enum sip_transport transport;
	} rows[] = {{"SIP+D2U", SIP_UDP}, {"SIP+D2T", SIP_TCP}, {"SIPS+D2T", SIP_TLS}};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(n->service, rows[i].service) == 0 && strcasecmp(n->flags, "s") == 0)
			return rows[i].transport;

	return SIP_TRANSPORT_UNKNOWN;
}

static void on_naptr(void *ctx, const struct dns_answer *a)
{
	struct locate *l = ctx;
	const struct dns_naptr *best = NULL;

	l->is_waiting = false;
	for (unsigned i = 0; a->err == 0 && i < a->count; i++) {
		const struct dns_naptr *n = &a->naptrs[i];
		enum sip_transport t = naptr_transport(n);

		if (t == SIP_TRANSPORT_UNKNOWN || !(l->p.transports >> t & 1))
			continue;
		if (l->p.transport != SIP_TRANSPORT_UNKNOWN && t != l->p.transport)
			continue;
		if (!best || n->order < best->order ||
			(n->order == best->order && n->preference < best->preference))
			best = n;
	}
	if (best && buf_format(l->srv_name, sizeof(l->srv_name), "%s", best->replacement) == 0) {
		l->transport = naptr_transport(best);
		l->port = sip_default_port(l->transport);
		l->step = STEP_SRV;
	} else if (l->p.transport != SIP_TRANSPORT_UNKNOWN) {
		ask_srv_of(l, l->p.transport);
	} else {
		l->is_guessing = true;
		ask_srv_of(l, SIP_UDP);
	}
	run(l);
}

/* --- SRV --- */

static int by_priority(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if ((x->weight == 0) != (y->weight == 0))
		return x->weight == 0
			       ? -1
			       : 1; /* RFC 2782: weight 0 first, so that it has a small chance */

	return strcmp(x->name, y->name); /* the server's order varies; the draw must not */
}

/* RFC 2782: of one priority, each next one is drawn by weight. */
static void draw(struct srv *srvs, unsigned n, uint64_t *seed)
{
	for (unsigned i = 0; i + 1 < n; i++) {
		uint32_t sum = 0, upto = 0;
		unsigned pick = i;

		for (unsigned k = i; k < n; k++)
			sum += srvs[k].weight;

		uint32_t r = (uint32_t)((uint64_t)prng_u32(seed) * (sum + 1) >> 32);

		for (pick = i; pick + 1 < n; pick++) {
			upto += srvs[pick].weight;
			if (upto >= r)
				break;
		}

		struct srv chosen = srvs[pick];

		memmove(&srvs[i + 1], &srvs[i], (pick - i) * sizeof(*srvs));
		srvs[i] = chosen;
	}
}

static void order_srvs(struct locate *l)
{
	uint64_t seed = l->p.seed | 1;

	for (unsigned i = 0; i < 4; i++)
		prng_u32(&seed); /* spreads neighbouring seeds */
	qsort(l->srvs, l->srv_count, sizeof(*l->srvs), by_priority);
	for (unsigned i = 0, n; i < l->srv_count; i += n) {
		for (n = 1; i + n < l->srv_count && l->srvs[i + n].priority == l->srvs[i].priority;)
			n++;
		draw(&l->srvs[i], n, &seed);
	}
}

static void on_srv(void *ctx, const struct dns_answer *a)
{
	struct locate *l = ctx;

	l->is_waiting = false;
	if (a->err == 0)
		l->srvs = calloc(a->count, sizeof(*l->srvs));
	for (unsigned i = 0; l->srvs && i < a->count && l->srv_count < LIMIT_UA_TARGETS; i++) {
		const struct dns_srv *s = &a->srvs[i];
		struct srv *to = &l->srvs[l->srv_count];

		*to = (struct srv){.priority = s->priority, .weight = s->weight, .port = s->port};
		if (buf_format(to->name, sizeof(to->name), "%s", s->target) == 0)
			l->srv_count++;
	}
	if (l->srv_count) {
		order_srvs(l);
		l->step = STEP_NEXT_SRV;
	} else if (l->is_guessing && l->transport == SIP_UDP && l->p.transports >> SIP_TCP & 1) {
		ask_srv_of(l, SIP_TCP);
	} else {
		if (l->is_guessing)
			l->transport = SIP_UDP;
		l->port = sip_default_port(l->transport);
		l->step = STEP_ADDR;
	}
	run(l);
}

/* --- addresses --- */

static void on_addr(void *ctx, const struct dns_answer *a)
{
	struct locate *l = ctx;

	l->is_waiting = false;
	l->addr_count = l->addr_at = 0;
	if (a->err)
		l->err = a->err;
	for (unsigned i = 0; a->err == 0 && i < a->count && l->addr_count < LIMIT_UA_TARGETS; i++)
		if (a->addrs[i].family == AF_INET6 ? l->p.has_v6 : l->p.has_v4)
			l->addrs[l->addr_count++] = a->addrs[i];
	l->step = STEP_TARGETS;
	run(l);
}

static void ask_addr(struct locate *l)
{
	const char *name = l->srv_count ? l->srvs[l->srv_at - 1].name : l->host;
	struct addr literal;

	l->is_waiting = true;
	if (addr_parse_ip(
		    span_z(name), 0, &literal)) /* an SRV target should be a name; some are not */
		on_addr(l, &(struct dns_answer){.type = DNS_ADDR, .count = 1, .addrs = &literal});
	else
		dns_lookup(l->p.dns, DNS_ADDR, span_z(name), on_addr, l);
}

/* --- targets --- */

static void finish(struct locate *l, int err, const struct addr *target)
{
	locate_fn *fn = l->fn;

	l->fn = NULL;
	fn(l->fn_ctx, err, l->transport, target); /* may free l */
}

/* True: one was given. */
static bool give_target(struct locate *l)
{
	while (l->addr_at < l->addr_count && l->given < LIMIT_UA_TARGETS) {
		struct addr target = l->addrs[l->addr_at++];

		addr_set_port(&target, l->port);

		bool is_avoided = l->p.is_avoided && l->p.is_avoided(l->p.ctx, &target);

		l->has_avoided |= is_avoided;
		if (is_avoided != l->is_second_pass)
			continue;
		l->given++;
		finish(l, 0, &target);
		return true;
	}

	return false;
}

static void next_srv(struct locate *l)
{
	if (l->srv_at < l->srv_count) {
		l->port = l->srvs[l->srv_at++].port;
		l->step = STEP_ADDR;
	} else if (l->has_avoided && !l->is_second_pass && !l->given) {
		l->is_second_pass = true;
		l->srv_at = l->addr_at = 0;
		l->step = l->srv_count ? STEP_NEXT_SRV : STEP_TARGETS;
	} else {
		l->step = STEP_END;
	}
}

/* Goes on until a question is out or a target was given. Answers that are known at once come back
 * in here by recursion. */
static void run(struct locate *l)
{
	while (l->fn) {
		switch (l->step) {
		case STEP_NAPTR:
			l->is_waiting = true;
			dns_lookup(l->p.dns, DNS_NAPTR, span_z(l->host), on_naptr, l);
			return;
		case STEP_SRV:
			l->is_waiting = true;
			dns_lookup(l->p.dns, DNS_SRV, span_z(l->srv_name), on_srv, l);
			return;
		case STEP_ADDR:
			ask_addr(l);
			return;
		case STEP_TARGETS:
			if (give_target(l))
				return;
			l->step = STEP_NEXT_SRV;
			break;
		case STEP_NEXT_SRV:
			next_srv(l);
			break;
		case STEP_END:
			finish(l, l->err, NULL);
			return;
		}
	}
}

void locate_next(struct locate *l, locate_fn *fn, void *ctx)
{
	l->fn = fn;
	l->fn_ctx = ctx;
	run(l);
}

uint16_t locate_priority(const struct locate *l)
{
	return l->srv_count && l->srv_at ? l->srvs[l->srv_at - 1].priority : 0;
}

bool locate_has_more(const struct locate *l)
{
	return l->addr_at < l->addr_count || l->srv_at < l->srv_count;
}
