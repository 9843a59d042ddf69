/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"

/*
 * What goes out, RFC 3261 §18.1.1 and §18.2.2, RFC 3263 §4.3: over the connection it belongs to, to
 * its address, or to the targets of its name one after the other. A plain datagram to an address
 * takes the short way, without allocation.
 */

#define FALLBACK_CONNECT_MS 2000 /* TCP was only chosen for a message's size: RFC 3261 §18.1.1 */

struct resolve {
	struct list link;
	struct ua *ua;
	struct locate *locate;
	ua_resolve_fn *fn;
	void *ctx;
};

static void tell(struct ua *ua, const struct ua_failure *f)
{
	if (ua->is_closed) {
		free(f->why);
		return;
	}
	if (ua->failure_count == ua->failure_cap) {
		size_t cap = MAX(ua->failure_cap * 2, 64);
		struct ua_failure *grown = realloc(ua->failures, cap * sizeof(*grown));

		if (!grown) {
			free(f->why);
			return; /* the stack's own timers tell it later */
		}
		ua->failures = grown;
		ua->failure_cap = cap;
	}
	ua->failures[ua->failure_count++] = *f;
}

void ua_tell_failure(struct ua *ua, uint64_t token, int err, const char *why)
{
	ua->stats.send_errors++;
	if (token)
		tell(ua, &(struct ua_failure){.token = token, .err = err, .why = why ? strdup(why) : NULL});
}

void ua_tell_conn_lost(struct ua *ua, uint32_t conn, const char *why)
{
	tell(ua, &(struct ua_failure){.conn = conn, .why = why ? strdup(why) : NULL});
}

/* --- which socket --- */

static bool can_reach(const struct ua_sock *s, const struct addr *peer)
{
	/* The kernel does not route between loopback and the world. */
	return s->is_any || addr_is_loopback(&s->addr) == addr_is_loopback(peer);
}

static struct ua_sock *pick(struct ua *ua, enum sip_transport transport, const struct addr *peer,
	const struct addr *local)
{
	struct ua_sock *best = NULL;

	for (unsigned i = 0; i < ua->sock_count; i++) {
		struct ua_sock *s = &ua->socks[i];

		if (s->transport != transport || s->addr.family != peer->family)
			continue;
		if (local && addr_is_set(local)) {
			if (addr_eq(&s->addr, local))
				return s;
			if (s->is_any && addr_port(&s->addr) == addr_port(local))
				best = s;
		}
		if (!best && can_reach(s, peer))
			best = s;
	}

	return best;
}

struct ua_sock *ua_pick_sock(struct ua *ua, enum sip_transport transport, const struct addr *peer,
	const struct addr *local)
{
	static const enum sip_transport stands_in[] = {SIP_TCP, SIP_UDP};
	struct ua_sock *s = pick(ua, transport, peer, local);

	/* TLS needs no listener of its own; the others tell which address is ours. */
	for (unsigned i = 0; !s && transport == SIP_TLS && i < ARRAY_LEN(stands_in); i++)
		s = pick(ua, stands_in[i], peer, local);

	return s;
}

int ua_local_addr(
	struct ua *ua, enum sip_transport transport, const struct addr *peer, struct addr *ret)
{
	struct ua_sock *s = ua_pick_sock(ua, transport, peer, NULL);
	struct addr local;
	uint16_t port;

	if (!s)
		return -TR_ETRANSPORT;
	local = s->addr;
	port = s->transport == transport ? addr_port(&s->addr) : sip_default_port(transport);
	if (s->is_any && net_local_addr(peer, &local))
		return -TR_ETRANSPORT;
	addr_set_port(&local, port);
	*ret = local;

	return 0;
}

/* --- avoided targets --- */

void ua_avoid(struct ua *ua, const struct addr *target)
{
	struct ua_avoided *slot = &ua->avoided[0];

	for (unsigned i = 0; i < LIMIT_UA_AVOIDED; i++) {
		struct ua_avoided *a = &ua->avoided[i];

		if (addr_eq(&a->target, target)) {
			slot = a;
			break;
		}
		if (a->until < slot->until)
			slot = a;
	}
	*slot = (struct ua_avoided){*target, clock_ms() + LIMIT_UA_AVOID_MS};
}

static bool is_avoided(void *ctx, const struct addr *target)
{
	const struct ua *ua = ctx;

	for (unsigned i = 0; i < LIMIT_UA_AVOIDED; i++)
		if (ua->avoided[i].until && addr_eq(&ua->avoided[i].target, target) &&
			ua->avoided[i].until > clock_ms())
			return true;

	return false;
}

/* --- a message on its way --- */

struct ua_send *ua_send_free(struct ua_send *s)
{
	if (!s)
		return NULL;
	list_unlink(&s->link);
	locate_free(s->locate);
	s->ua->stats.live_sends--;
	free(s->last_why);
	free(s);

	return NULL;
}

static struct ua_send *send_new(struct ua *ua, const struct sip_out *out)
{
	if (ua->stats.live_sends >= LIMIT_UA_SENDS)
		return NULL;

	struct span host = out->dest.host;
	struct ua_send *s = malloc(sizeof(*s) + out->bytes.n + host.n + 1);

	if (!s)
		return NULL;
	*s = (struct ua_send){.ua = ua, .dest = out->dest, .token = out->token, .n = out->bytes.n};
	memcpy(s->bytes, out->bytes.p, out->bytes.n);
	if (host.n)
		memcpy(s->bytes + s->n, host.p, host.n);
	s->bytes[s->n + host.n] = 0;
	s->dest.host = span(s->bytes + s->n, host.n);
	list_init(&s->link);
	ua->stats.live_sends++;

	return s;
}

static void send_udp(
	struct ua *ua, const struct addr *to, const struct sip_out *out, struct ua_send *s)
{
	struct ua_sock *sock = ua_pick_sock(ua, SIP_UDP, to, &out->dest.local);
	struct udp_out what = {.to = *to, .from = out->dest.local, .token = out->token, .send = s};

	if (!sock) {
		if (s)
			ua_send_failed(s, -TR_ETRANSPORT, NULL);
		else
			ua_tell_failure(ua, out->token, -TR_ETRANSPORT, NULL);
		return;
	}
	if (!out->dest.is_response)
		admit_trust(ua->admit, to, clock_ms() + LIMIT_UA_TRUST_MS, clock_ms());
	if (addr_is_set(&what.from) && !addr_is_any(&what.from))
		ua_trace_out(ua, SIP_UDP, &what.from, to, out->bytes);
	else
		ua_trace_out(ua, SIP_UDP, &sock->addr, to, out->bytes);
	udp_send(sock, &what, out->bytes);
}

static void send_stream(struct ua_send *s, const struct addr *to)
{
	struct ua *ua = s->ua;
	char ip[ADDR_TEXT];
	struct conn_to where = {.transport = s->dest.transport,
		.remote = *to,
		.local = s->dest.local,
		.host = s->dest.host.n ? s->dest.host.p : addr_ip_text(to, ip),
		.tls_id = s->dest.tls,
		.timeout_ms = ua->params.connect_ms};
	struct conn *c = conn_find_to(ua, &where);
	int err = 0;

	if (s->dest.has_fallback)
		where.timeout_ms = MIN(where.timeout_ms, FALLBACK_CONNECT_MS);
	if (!s->dest.is_response)
		admit_trust(ua->admit, to, clock_ms() + LIMIT_UA_TRUST_MS, clock_ms());
	if (!c)
		err = conn_open(ua, &where, &c);
	if (err)
		ua_send_failed(s, err, NULL);
	else
		conn_send(c, s);
}

static void deliver(struct ua_send *s, const struct addr *to)
{
	struct sip_out out = {.bytes = span(s->bytes, s->n), .dest = s->dest, .token = s->token};

	s->target = *to;
	if (s->dest.transport == SIP_UDP)
		send_udp(s->ua, to, &out, s->locate ? s : NULL);
	else if (s->dest.transport == SIP_TCP || s->dest.transport == SIP_TLS)
		send_stream(s, to);
	else /* RFC 7118: nobody can be called by WebSocket, browsers come to us */
		ua_send_failed(s, -TR_EUNSUPP, "the browser's connection (WebSocket) is closed, and only it can open another");
}

static void on_target(void *ctx, int err, enum sip_transport transport, const struct addr *target)
{
	struct ua_send *s = ctx;
	char why[UA_WHY_BYTES];

	list_unlink(&s->link);
	if (err) {
		bool was_tried = s->last_err;

		ua_tell_failure(s->ua, s->token, was_tried ? s->last_err : err,
			was_tried ? s->last_why : ua_name_fault_text(err, s->dest.host.p, why));
		ua_send_free(s);
		return;
	}
	if (s->last_err)
		s->ua->stats.failovers++;
	deliver(s, target);
}

static void keep_why(struct ua_send *s, int err, const char *why)
{
	char label[UA_LABEL_BYTES], text[UA_WHY_BYTES];

	if (!why)
		why = ua_fault_text(err, s->dest.transport, ua_label(s->dest.host.p, &s->target, label), text);
	free(s->last_why);
	s->last_why = strdup(why);
	s->last_err = err;
}

void ua_send_failed(struct ua_send *s, int err, const char *why)
{
	struct ua *ua = s->ua;

	list_unlink(&s->link);
	if (ua->is_closed) {
		ua_send_free(s);
		return;
	}
	keep_why(s, err, why);
	if (addr_is_set(&s->target))
		ua_avoid(ua, &s->target);
	if (s->locate && !s->dest.has_fallback) {
		list_append(&ua->sends, &s->link);
		locate_next(s->locate, on_target, s);
		return;
	}
	ua_tell_failure(ua, s->token, err, s->last_why);
	ua_send_free(s);
}

/* --- names --- */

/* Spreads a stable text over 64 bits. */
static uint64_t seed_of(struct span s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);

	return h;
}

/* The branch of the topmost Via, which a request shares with its CANCEL and its ACK; without one
 * the whole text. */
static struct span branch_of(struct span bytes)
{
	const char *at = memmem(bytes.p, bytes.n, "branch=", 7);
	size_t n = 0;

	if (!at)
		return bytes;
	at += 7;
	while (at + n < bytes.p + bytes.n && at[n] != ';' && at[n] != '\r' && at[n] != '\n' &&
		at[n] != ' ' && at[n] != ',')
		n++;

	return span(at, n);
}

void ua_locate_params(struct ua *ua, const struct sip_dest *dest, struct locate_params *ret)
{
	struct locate_params p = {
		.dns = ua->dns,
		.host = dest->host,
		.port = dest->port,
		.transport = dest->transport,
		.ctx = ua,
	};

	for (unsigned i = 0; i < ua->sock_count; i++) {
		p.transports |= 1u << ua->socks[i].transport | 1u << SIP_TLS; /* TLS needs no listener */
		p.has_v4 |= ua->socks[i].addr.family == AF_INET;
		p.has_v6 |= ua->socks[i].addr.family == AF_INET6;
	}
	*ret = p;
}

static int locate_for(
	struct ua *ua, const struct sip_dest *dest, struct span seed, struct locate **ret)
{
	struct locate_params p;

	ua_locate_params(ua, dest, &p);
	p.seed = seed_of(seed);
	p.is_avoided = is_avoided;

	return locate_new(&p, ret);
}

static void send_by_name(struct ua *ua, const struct sip_out *out)
{
	struct ua_send *s = send_new(ua, out);

	if (!s || locate_for(ua, &out->dest, branch_of(out->bytes), &s->locate)) {
		ua_send_free(s);
		ua_tell_failure(ua, out->token, -TR_ELIMIT, NULL);
		return;
	}
	list_append(&ua->sends, &s->link);
	locate_next(s->locate, on_target, s);
}

/* An address that needs no resolver. */
static bool literal_target(const struct sip_dest *dest, struct addr *ret)
{
	uint16_t port = dest->port ? dest->port : sip_default_port(dest->transport);

	if (!addr_is_set(&dest->addr))
		return addr_parse_ip(dest->host, port, ret);
	*ret = dest->addr;
	if (addr_port(ret) == 0)
		addr_set_port(ret, port);

	return true;
}

void ua_send_out(struct ua *ua, const struct sip_out *out)
{
	struct conn *c = out->dest.conn ? conn_find(ua, out->dest.conn) : NULL;
	struct addr to;

	if (c && conn_is_open(c)) {
		if (conn_write(c, out->bytes))
			sip_stack_sent_on(ua->stack, out->token, conn_id(c));
		else
			ua_tell_failure(ua, out->token, -TR_ETRANSPORT, NULL);
		return;
	}
	if (!literal_target(&out->dest, &to)) {
		send_by_name(ua, out);
		return;
	}
	if (out->dest.transport == SIP_UDP) {
		send_udp(ua, &to, out, NULL);
		return;
	}

	struct ua_send *s = send_new(ua, out);

	if (s)
		deliver(s, &to);
	else
		ua_tell_failure(ua, out->token, -TR_ELIMIT, NULL);
}

/* --- ua_resolve --- */

static void on_resolved(void *ctx, int err, enum sip_transport transport, const struct addr *target)
{
	struct resolve *r = ctx;
	struct addr local = {0};

	list_unlink(&r->link);
	if (!err && ua_local_addr(r->ua, transport, target, &local))
		local = (struct addr){0};
	r->fn(r->ctx, err, transport, target, &local);
	locate_free(r->locate);
	free(r);
}

int ua_resolve(struct ua *ua, const struct sip_dest *dest, ua_resolve_fn *fn, void *ctx)
{
	struct sip_dest d = *dest;
	struct resolve *r = calloc(1, sizeof(*r));
	char ip[ADDR_TEXT];
	uint64_t nonce;

	if (!r)
		return -ENOMEM;
	if (addr_is_set(&d.addr)) {
		d.host = span_z(addr_ip_text(&d.addr, ip));
		d.port = addr_port(&d.addr) ? addr_port(&d.addr) : d.port;
	}
	random_bytes(&nonce, sizeof(nonce));
	*r = (struct resolve){.ua = ua, .fn = fn, .ctx = ctx};
	if (locate_for(ua, &d, span((const char *)&nonce, sizeof(nonce)), &r->locate)) {
		free(r);
		return -ENOMEM;
	}
	list_append(&ua->resolves, &r->link);
	locate_next(r->locate, on_resolved, r);

	return 0;
}

void ua_resolve_cancel(struct ua *ua, const void *ctx)
{
	list_each(&ua->resolves, struct resolve, link, r) {
		if (ctx && r->ctx != ctx)
			continue;
		list_unlink(&r->link);
		locate_free(r->locate);
		free(r);
	}
}
