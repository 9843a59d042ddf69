/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"
#include "nat/trans.h"

/*
 * What kind of NAT, RFC 5780 as far as the servers allow: one socket asks two places (mapping), another asks the first to answer from
 * elsewhere (filtering), and more of them wait in silence, each for its time, until a stranger socket has the server answer to them
 * (RESPONSE-PORT, §4.6: mapping life).
 */
#define STUN_PORT   3478
#define RTO_MS	    150
#define PATIENCE_MS 4000
#define LATE_MS	    2000 /* an answer to a mapping that was idle */
#define AGAIN_MS    700	 /* the question is sent twice: a lost packet is no forgotten mapping */

static const uint32_t waits_ms[] = {5000, 10000, 20000, 30000, 45000, 60000, 90000, 120000};

struct sock {
	uv_udp_t udp;
	struct doctor_nat *owner;
	struct stun_query *queries[2]; /* that go out here */
	char room[1500];
};

/* One idle mapping. */
struct idle {
	struct sock sock;
	struct stun_query first;
	struct stun_id second_id;
	msec_t asked_at; /* the second question; 0: not yet */
	unsigned sends;	 /* of it */
	bool is_alive, is_over;
};

struct name {
	struct doctor_nat *owner;
	unsigned index;
	uint16_t port;
	bool is_resolving;
};

enum { ASK_FIRST, ASK_OTHER, ASK_FAR, ASK_NEAR, ASKS };

struct doctor_nat {
	struct doctor_nat_params p;
	struct stun_ids ids;
	struct addr servers[DOCTOR_STUN];
	struct name names[DOCTOR_STUN];
	struct sock mapping, filter, stranger;
	struct stun_query asks[ASKS];
	bool is_open, is_second_begun, is_life_begun;
	msec_t began_at;
	struct idle idles[ARRAY_LEN(waits_ms)];
	unsigned open_handles;
};

/* ---- sockets --------------------------------------------------------------------------------------------------------------- */

static void on_room(uv_handle_t *h, size_t hint, uv_buf_t *ret)
{
	struct sock *s = h->data;

	*ret = uv_buf_init(s->room, sizeof(s->room));
}

static void on_idle_answer(struct sock *s, const struct stun_msg *m)
{
	struct idle *i = container_of(s, struct idle, sock);

	if (s >= &s->owner->idles[0].sock && s <= &s->owner->idles[ARRAY_LEN(waits_ms) - 1].sock && i->asked_at &&
		stun_id_eq(&m->id, &i->second_id))
		i->is_alive = i->is_over = true;
}

static void on_packet(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	struct sock *s = udp->data;
	struct stun_msg m;
	struct addr source;

	if (n <= 0 || !from || !stun_is((const uint8_t *)buf->base, (size_t)n) || stun_parse((const uint8_t *)buf->base, (size_t)n, &m) != 0 ||
		!addr_from_sockaddr(from, &source))
		return;
	for (size_t i = 0; i < ARRAY_LEN(s->queries); i++)
		if (s->queries[i] && stun_query_recv(s->queries[i], &source, &m, clock_ms()))
			return;
	on_idle_answer(s, &m);
}

static bool open_sock(struct doctor_nat *d, struct sock *s, const struct addr *local)
{
	struct addr at = *local;

	addr_set_port(&at, 0);
	if (uv_udp_init(d->p.loop, &s->udp) != 0)
		return false;
	s->owner = d;
	s->udp.data = s;
	d->open_handles++;

	return uv_udp_bind(&s->udp, &at.sa, 0) == 0 && uv_udp_recv_start(&s->udp, on_room, on_packet) == 0;
}

static struct addr sock_addr(const struct sock *s)
{
	struct sockaddr_storage ss;
	struct addr ret = {0};
	int n = sizeof(ss);

	if (uv_udp_getsockname(&s->udp, (struct sockaddr *)&ss, &n) == 0)
		(void)addr_from_sockaddr((struct sockaddr *)&ss, &ret);

	return ret;
}

static void send_bytes(struct sock *s, uint8_t *bytes, size_t n, const struct addr *to)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)n);

	/* What the kernel does not take now is lost as on the wire, and sent again. */
	(void)uv_udp_try_send(&s->udp, &buf, 1, &to->sa);
}

static void tick_query(struct sock *s, struct stun_query *q, msec_t now)
{
	uint8_t bytes[200];
	size_t n;

	if (q->state == STUN_ASKING && stun_query_tick(q, now, bytes, sizeof(bytes), &n))
		send_bytes(s, bytes, n, &q->server);
}

static void ask(struct doctor_nat *d, struct sock *s, unsigned which, const struct addr *server, uint32_t change, msec_t now)
{
	struct stun_id id = stun_ids_next(&d->ids);
	struct stun_query *q = &d->asks[which];

	stun_query_start(q, server, &id, RTO_MS, now);
	q->change = change;
	s->queries[s->queries[0] != NULL] = q;
}

/* ---- names ------------------------------------------------------------------------------------------------------------------- */

static void on_name(void *ctx, const struct dns_answer *a)
{
	struct name *n = ctx;

	n->is_resolving = false;
	if (a->err)
		return;
	n->owner->servers[n->index] = a->addrs[0];
	addr_set_port(&n->owner->servers[n->index], n->port);
}

static void look_up(struct doctor_nat *d, unsigned i)
{
	const char *text = d->p.servers[i];
	struct span rest = span_z(text), host;
	uint32_t port = STUN_PORT;

	if (!text || addr_parse(rest, STUN_PORT, &d->servers[i]))
		return;
	host = span_cut(&rest, ':');
	if (rest.p)
		(void)span_u32(rest, &port);
	d->names[i] = (struct name){d, i, (uint16_t)port, true};
	dns_lookup(d->p.dns, DNS_ADDR, host, on_name, &d->names[i]);
}

struct doctor_nat *doctor_nat_new(const struct doctor_nat_params *params)
{
	struct doctor_nat *d = mem_zalloc(sizeof(*d));
	uint8_t seed[32];

	d->p = *params;
	d->began_at = clock_ms();
	random_bytes(seed, sizeof(seed));
	stun_ids_init(&d->ids, seed);
	for (unsigned i = 0; i < DOCTOR_STUN; i++)
		look_up(d, i);

	return d;
}

static void on_closed(uv_handle_t *h)
{
	struct sock *s = h->data;
	struct doctor_nat *d = s->owner;

	if (--d->open_handles == 0)
		free(d);
}

static void close_sock(struct sock *s)
{
	if (s->owner)
		uv_close((uv_handle_t *)&s->udp, on_closed);
}

struct doctor_nat *doctor_nat_free(struct doctor_nat *d)
{
	if (!d)
		return NULL;
	for (unsigned i = 0; i < DOCTOR_STUN; i++)
		dns_cancel(d->p.dns, &d->names[i]);
	if (d->open_handles == 0) {
		free(d);
		return NULL;
	}
	close_sock(&d->mapping);
	close_sock(&d->filter);
	close_sock(&d->stranger);
	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++)
		close_sock(&d->idles[i].sock);

	return NULL;
}

/* ---- mapping life ------------------------------------------------------------------------------------------------------------ */

static void ask_idle(struct doctor_nat *d, struct idle *i, msec_t now)
{
	uint8_t bytes[64], port[4] = {(uint8_t)(addr_port(&i->first.mapped) >> 8), (uint8_t)addr_port(&i->first.mapped)};
	struct stun_writer w;
	size_t n;

	if (!i->sends) {
		i->second_id = stun_ids_next(&d->ids);
		i->asked_at = now;
	}
	i->sends++;
	stun_begin(&w, bytes, sizeof(bytes), STUN_REQUEST, STUN_BINDING, &i->second_id);
	stun_put(&w, STUN_RESPONSE_PORT, port, sizeof(port));
	if (stun_end(&w, &n) == 0)
		send_bytes(&d->stranger, bytes, n, &d->servers[0]);
}

static bool tick_idle(struct doctor_nat *d, size_t k, msec_t now)
{
	struct idle *i = &d->idles[k];

	tick_query(&i->sock, &i->first, now);
	if (i->first.state != STUN_ANSWERED)
		return i->first.state != STUN_ASKING || now - i->first.asked_at > PATIENCE_MS;
	if ((!i->sends && now >= i->first.answered_at + waits_ms[k]) || (i->sends == 1 && !i->is_over && now >= i->asked_at + AGAIN_MS))
		ask_idle(d, i, now);
	if (i->asked_at && now >= i->asked_at + LATE_MS)
		i->is_over = true;

	return i->is_over;
}

static void begin_life(struct doctor_nat *d, msec_t now)
{
	struct addr local = sock_addr(&d->mapping);

	d->is_life_begun = true;
	(void)open_sock(d, &d->stranger, &local);
	for (size_t k = 0; k < ARRAY_LEN(waits_ms); k++) {
		struct stun_id id = stun_ids_next(&d->ids);

		stun_query_start(&d->idles[k].first, &d->servers[0], &id, RTO_MS, now);
		d->idles[k].sock.queries[0] = &d->idles[k].first;
		(void)open_sock(d, &d->idles[k].sock, &local);
	}
}

/* A server that does not know RESPONSE-PORT answers none of them: then nothing was measured. */
static bool tick_life(struct doctor_nat *d, struct checkup_nat *ret, msec_t now)
{
	bool is_over = true;

	if (!d->is_life_begun)
		begin_life(d, now);
	/* What is forgotten after some time is so after longer ones. */
	for (size_t k = 0; k < ARRAY_LEN(waits_ms) && !(is_over && k && d->idles[k - 1].is_over && !d->idles[k - 1].is_alive); k++)
		is_over = tick_idle(d, k, now) && is_over;
	if (!is_over)
		return false;
	ret->is_life_asked = true;
	for (size_t k = 0; k < ARRAY_LEN(waits_ms); k++)
		if (d->idles[k].is_alive)
			ret->life_ms = waits_ms[k];
	for (size_t k = ARRAY_LEN(waits_ms); k-- > 0 && ret->life_ms;)
		if (d->idles[k].asked_at && !d->idles[k].is_alive && waits_ms[k] > ret->life_ms)
			ret->life_over_ms = waits_ms[k];

	return true;
}

/* ---- course ------------------------------------------------------------------------------------------------------------------ */

static void begin(struct doctor_nat *d, msec_t now)
{
	struct addr local;

	d->is_open = true;
	if (!d->p.local_for(d->p.ctx, &d->servers[0], &local) || !open_sock(d, &d->mapping, &local) || !open_sock(d, &d->filter, &local)) {
		d->asks[ASK_FIRST].state = STUN_SILENT;
		return;
	}
	ask(d, &d->mapping, ASK_FIRST, &d->servers[0], 0, now);
}

static void begin_second(struct doctor_nat *d, msec_t now)
{
	const struct addr *other = &d->asks[ASK_FIRST].other;
	struct addr elsewhere = addr_is_set(other) ? *other : d->servers[1];

	d->is_second_begun = true;
	d->asks[ASK_OTHER].state = d->asks[ASK_FAR].state = d->asks[ASK_NEAR].state = STUN_SILENT;
	if (addr_is_set(&elsewhere) && !addr_eq(&elsewhere, &d->servers[0]))
		ask(d, &d->mapping, ASK_OTHER, &elsewhere, 0, now);
	if (!addr_is_set(other))
		return;
	ask(d, &d->filter, ASK_FAR, &d->servers[0], 6, now);
	ask(d, &d->filter, ASK_NEAR, &d->servers[0], 2, now);
}

static bool is_waiting(const struct doctor_nat *d, unsigned which, msec_t now)
{
	return d->asks[which].state == STUN_ASKING && now < d->asks[which].asked_at + PATIENCE_MS;
}

static void fill(const struct doctor_nat *d, struct checkup_nat *ret)
{
	ret->is_answered = d->asks[ASK_FIRST].state == STUN_ANSWERED;
	if (!ret->is_answered)
		return;
	ret->local = sock_addr(&d->mapping);
	ret->mapped = d->asks[ASK_FIRST].mapped;
	if (d->asks[ASK_OTHER].state == STUN_ANSWERED)
		ret->mapped_other = d->asks[ASK_OTHER].mapped;
	ret->is_filter_known = addr_is_set(&d->asks[ASK_FIRST].other);
	ret->hears_all = d->asks[ASK_FAR].state == STUN_ANSWERED;
	ret->hears_ip = d->asks[ASK_NEAR].state == STUN_ANSWERED;
}

bool doctor_nat_tick(struct doctor_nat *d, struct checkup_nat *ret, msec_t now)
{
	ret->is_asked = true;
	buf_copy(ret->server, sizeof(ret->server), d->p.servers[0]);
	if (!addr_is_set(&d->servers[0]) || (d->names[1].is_resolving && now < d->began_at + PATIENCE_MS))
		return !d->names[0].is_resolving || now > d->began_at + PATIENCE_MS;
	if (!d->is_open)
		begin(d, now);
	tick_query(&d->mapping, &d->asks[ASK_FIRST], now);
	if (is_waiting(d, ASK_FIRST, now))
		return false;
	if (d->asks[ASK_FIRST].state != STUN_ANSWERED)
		return true;
	if (!d->is_second_begun)
		begin_second(d, now);
	tick_query(&d->mapping, &d->asks[ASK_OTHER], now);
	tick_query(&d->filter, &d->asks[ASK_FAR], now);
	tick_query(&d->filter, &d->asks[ASK_NEAR], now);
	if (is_waiting(d, ASK_OTHER, now) || is_waiting(d, ASK_FAR, now) || is_waiting(d, ASK_NEAR, now))
		return false;
	fill(d, ret);

	return !d->p.is_long || addr_eq(&ret->mapped, &ret->local) || tick_life(d, ret, now);
}
