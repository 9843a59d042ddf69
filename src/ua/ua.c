/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"
#include <unistd.h>

/*
 * A turn: libuv polls, sockets hand packets to the stack, timers tick it; then, before the next
 * poll, the outbox is emptied into the batch, the batch into the kernel, and the timer is set to
 * what the stack waits for.
 */

#define UNKNOWN_RATE     30
#define UNKNOWN_BURST    120
#define BAN_POINTS       100 /* five calls or wrong passwords of a stranger, or twenty packets of junk */
#define CONNECT_MS       4000
#define IDLE_MS          600000
#define OVERLOAD_MS      50
#define DELAY_WINDOW_US  100000
#define OVERLOAD_WINDOWS 2
#define FIRST_LINE_BYTES 4096 /* looked through for "SIP/" */

static void on_timer(uv_timer_t *t);

/* --- in --- */

void ua_refused(struct ua *ua, const struct addr *source, enum ua_refusal why, const char *text)
{
	if (ua->params.hooks.on_refused && !ua->is_closed)
		ua->params.hooks.on_refused(ua->params.hooks.ctx, source, why, text);
}

/* "INVITE sip:x SIP/2.0" or "SIP/2.0 200 OK". A wrong version is SIP too and gets its answer (RFC
 * 3261 §21.5.6). */
static bool looks_like_sip(struct span s)
{
	while (s.n && (s.p[0] == '\r' || s.p[0] == '\n'))
		s = span(s.p + 1, s.n - 1);

	size_t n = span_find(span(s.p, MIN(s.n, FIRST_LINE_BYTES)), '\n');
	const char *version = memmem(s.p, n, "SIP/", 4);

	return version && n < s.n &&
	       ((s.p[0] >= 'A' && s.p[0] <= 'Z') || (s.p[0] >= 'a' && s.p[0] <= 'z'));
}

static bool is_keepalive(struct span s)
{
	if (s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != 0)
			return false;

	return true;
}

static void trace_in(struct ua *ua, const struct sip_packet *pkt)
{
	struct ua_trace t = {
		.transport = pkt->transport,
		.at_us = clock_us(),
		.local = pkt->local,
		.remote = pkt->source,
		.bytes = pkt->bytes,
	};

	ua->params.hooks.on_trace(ua->params.hooks.ctx, &t);
}

void ua_trace_out(struct ua *ua, enum sip_transport transport, const struct addr *local,
	const struct addr *remote, struct span bytes)
{
	if (!ua->params.hooks.on_trace || ua->is_closed || is_keepalive(bytes))
		return;

	struct ua_trace t = {
		.is_out = true,
		.transport = transport,
		.at_us = clock_us(),
		.local = *local,
		.remote = *remote,
		.bytes = bytes,
	};

	ua->params.hooks.on_trace(ua->params.hooks.ctx, &t);
}

bool ua_admit(struct ua *ua, const struct addr *source, msec_t now)
{
	if (addr_is_loopback(source) && !ua->params.limit_loopback)
		return true;

	switch (admit_take(ua->admit, source, now)) {
	case ADMIT_BANNED:
		ua->stats.banned++;
		return false;
	case ADMIT_RATE:
		ua->stats.rate_limited++;
		ua_refused(ua, source, UA_REFUSE_RATE, NULL);
		return false;
	default:
		return true;
	}
}

void ua_offence(struct ua *ua, const struct addr *source, enum ua_offence what)
{
	static const uint32_t points[] = {[UA_OFFENCE_JUNK] = 5, [UA_OFFENCE_STRANGER] = 20, [UA_OFFENCE_PASSWORD] = 20};

	if (addr_is_loopback(source) && !ua->params.limit_loopback)
		return;

	uint32_t ban_ms = admit_offend(ua->admit, source, points[what], clock_ms());

	if (!ban_ms)
		return;
	ua->stats.bans++;
	if (ua->params.hooks.on_banned && !ua->is_closed)
		ua->params.hooks.on_banned(ua->params.hooks.ctx, source, what, ban_ms);
}

bool ua_forgive(struct ua *ua, const struct addr *source)
{
	return admit_forgive(ua->admit, source, clock_ms());
}

void ua_each_ban(const struct ua *ua, void (*fn)(void *ctx, const struct addr *ip, msec_t until), void *ctx)
{
	admit_each_ban(ua->admit, clock_ms(), fn, ctx);
}

bool ua_recv(struct ua *ua, const struct sip_packet *pkt)
{
	msec_t now = clock_ms();

	if (is_keepalive(pkt->bytes)) {
		ua->stats.keepalives_in++;
		if (pkt->transport == SIP_UDP)
			return false;
	} else if (!looks_like_sip(pkt->bytes)) {
		ua->stats.junk++;
		ua_refused(ua, &pkt->source, UA_REFUSE_JUNK, NULL);
		ua_offence(ua, &pkt->source, UA_OFFENCE_JUNK);
		return false;
	}
	if (!ua_admit(ua, &pkt->source, now))
		return false;
	if (!is_keepalive(pkt->bytes)) {
		if (pkt->transport == SIP_UDP)
			ua->stats.udp_in++;
		else
			ua->stats.tcp_in++;
		if (ua->params.hooks.on_trace)
			trace_in(ua, pkt);
	}
	sip_stack_recv(ua->stack, pkt, now);

	return true;
}

/* --- queue delay --- */

static void roll_window(struct ua *ua, int64_t now_us)
{
	int64_t age = now_us - ua->window_start_us;

	if (age < DELAY_WINDOW_US)
		return;
	ua->last_least_us = ua->window_least_us == UINT32_MAX || age > 3 * DELAY_WINDOW_US
				    ? 0
				    : ua->window_least_us;
	ua->windows_over =
		ua->last_least_us > ua->params.overload_ms * 1000 ? ua->windows_over + 1 : 0;
	ua->window_least_us = UINT32_MAX;
	ua->window_start_us = now_us;
}

void ua_note_delay(struct ua *ua, uint32_t delay_us)
{
	ua->window_least_us = MIN(ua->window_least_us, delay_us);
}

uint32_t ua_queue_delay_us(const struct ua *ua)
{
	return clock_us() - ua->window_start_us > 3 * DELAY_WINDOW_US ? 0 : ua->last_least_us;
}

bool ua_is_overloaded(const struct ua *ua)
{
	return ua->windows_over >= OVERLOAD_WINDOWS && ua_queue_delay_us(ua) > 0;
}

/* Runs when all sockets of this turn were served; libuv set its clock when the poll returned. */
static void on_check(uv_check_t *h)
{
	struct ua *ua = h->data;
	int64_t now_us = clock_us();

	ua->turn_us = (uint32_t)MAX(now_us - (int64_t)uv_now(ua->loop) * 1000 - 1000, 0);
	roll_window(ua, now_us);
}

/* --- out --- */

void ua_drain(struct ua *ua)
{
	struct sip_out out;

	while (!ua->is_closed && sip_stack_out(ua->stack, &out))
		ua_send_out(ua, &out);
}

static void tell_failures(struct ua *ua)
{
	struct ua_failure *list = ua->failures;
	size_t count = ua->failure_count;
	msec_t now = clock_ms();

	/* What fails while these are told waits for the next turn. */
	ua->failures = NULL;
	ua->failure_count = ua->failure_cap = 0;
	for (size_t i = 0; i < count && !ua->is_closed; i++) {
		if (list[i].token)
			sip_stack_send_failed(ua->stack, list[i].token, list[i].err, list[i].why, now);
		else
			sip_stack_conn_lost(ua->stack, list[i].conn, list[i].why, now);
	}
	for (size_t i = 0; i < count; i++)
		free(list[i].why);
	free(list);
}

static void arm(struct ua *ua)
{
	msec_t at = MIN(sip_stack_next(ua->stack), wheel_next(&ua->wheel));

	if (ua->failure_count)
		at = clock_ms();
	if (at == ua->armed_at)
		return;
	ua->armed_at = at;
	if (at == NEVER)
		uv_timer_stop(&ua->timer);
	else
		uv_timer_start(
			&ua->timer, on_timer, (uint64_t)MAX(at - (msec_t)uv_now(ua->loop), 0), 0);
}

static void on_prepare(uv_prepare_t *h)
{
	struct ua *ua = h->data;

	if (ua->failure_count)
		tell_failures(ua);
	ua_drain(ua);
	udp_flush(ua);
	if (!ua->is_closed)
		arm(ua);
}

static void on_timer(uv_timer_t *t)
{
	struct ua *ua = t->data;
	msec_t now = clock_ms();

	ua->armed_at = -1;
	sip_stack_tick(ua->stack, now);
	if (!ua->is_closed)
		wheel_advance(&ua->wheel, now);
}

/* --- life --- */

msec_t ua_idle_ms(const struct ua *ua)
{
	return ua->params.idle_ms;
}

static void on_network(void *ctx)
{
	struct ua *ua = ctx;

	dns_reload(ua->dns);
	if (ua->params.hooks.on_network_change)
		ua->params.hooks.on_network_change(ua->params.hooks.ctx);
}

static int open_sock(struct ua *ua, const struct ua_listen *l)
{
	struct ua_sock *s = &ua->socks[ua->sock_count];

	*s = (struct ua_sock){.ua = ua,
		.fd = -1,
		.transport = l->transport,
		.addr = l->addr,
		.is_any = addr_is_any(&l->addr)};
	timer_init(&s->backoff, NULL);

	bool is_tls = l->transport == SIP_TLS || l->transport == SIP_WSS;
	bool is_stream = is_tls || l->transport == SIP_TCP || l->transport == SIP_WS;
	int err = l->transport == SIP_UDP	? udp_open(s)
		  : is_tls && !ua->tls_server	? -TR_ECONFIG
		  : is_stream			? conn_listen(s)
						: -TR_EUNSUPP;

	if (!err)
		ua->sock_count++;

	return err;
}

static void set_defaults(struct ua_params *p)
{
	p->unknown_rate = p->unknown_rate ? p->unknown_rate : UNKNOWN_RATE;
	p->unknown_burst = p->unknown_burst ? p->unknown_burst : UNKNOWN_BURST;
	p->connect_ms = p->connect_ms ? p->connect_ms : CONNECT_MS;
	p->idle_ms = p->idle_ms ? p->idle_ms : IDLE_MS;
	p->shake_ms = p->shake_ms ? p->shake_ms : LIMIT_UA_SHAKE_MS;
	p->ws_ping_ms = p->ws_ping_ms ? p->ws_ping_ms : LIMIT_UA_WS_PING_MS;
	p->max_conns = p->max_conns ? p->max_conns : LIMIT_UA_CONNS;
	p->overload_ms = p->overload_ms ? p->overload_ms : OVERLOAD_MS;
}

static void open_handles(struct ua *ua)
{
	uv_prepare_init(ua->loop, &ua->prepare);
	uv_check_init(ua->loop, &ua->check);
	uv_timer_init(ua->loop, &ua->timer);
	ua->prepare.data = ua->check.data = ua->timer.data = ua;
	ua->handles += 3;
	uv_prepare_start(&ua->prepare, on_prepare);
	uv_check_start(&ua->check, on_check);
}

static struct ua *alloc_ua(const struct ua_params *params)
{
	struct ua *ua = mem_zalloc(sizeof(*ua));

	ua->loop = params->loop;
	ua->stack = params->stack;
	ua->params = *params;
	ua->armed_at = -1;
	ua->window_least_us = UINT32_MAX;
	ua->udp_buf = mem_zalloc(LIMIT_UA_UDP_OUT_BYTES);
	/* One byte over the limit shows what is too long. malloc, so that untouched pages cost
	 * nothing. */
	ua->rx = malloc((size_t)UDP_BATCH * (LIMIT_SIP_MSG_BYTES + 1));
	assert(ua->rx);
	set_defaults(&ua->params);
	wheel_init(&ua->wheel, clock_ms());
	list_init(&ua->sends);
	list_init(&ua->resolves);
	list_init(&ua->lists);
	list_init(&ua->conns);
	list_init(&ua->shaking);
	ua_set_tls_server(ua, params->tls_server);
	hash_init(&ua->conns_by_id);
	hash_init(&ua->conns_by_remote);

	return ua;
}

static void close_all(struct ua *ua);

int ua_new(const struct ua_params *params, struct ua **ret, unsigned *ret_bad)
{
	struct ua *ua = alloc_ua(params);
	struct admit_params ap = {.rate = ua->params.unknown_rate, .burst = ua->params.unknown_burst, .points = BAN_POINTS};
	unsigned bad = params->listen_count;
	int err = admit_new(&ap, &ua->admit);

	open_handles(ua);
	if (!err)
		err = params->listen_count > LIMIT_UA_LISTENS
			      ? -TR_ELIMIT
			      : dns_new(ua->loop, params->dns_servers, &ua->dns);
	for (unsigned i = 0; !err && i < params->listen_count; i++) {
		err = open_sock(ua, &params->listens[i]);
		if (err)
			bad = i;
	}
	if (err) {
		if (ret_bad)
			*ret_bad = bad;
		close_all(ua);
		return err;
	}
	/* Without rtnetlink (a sandbox) changes go unnoticed until a registration fails. */
	if (netwatch_new(ua->loop, on_network, ua, &ua->netwatch))
		ua->netwatch = NULL;
	*ret = ua;

	return 0;
}

static void free_origins(struct ua *ua)
{
	for (unsigned i = 0; i < ua->origin_count; i++)
		free(ua->origins[i]);
	free(ua->origins);
	ua->origins = NULL;
	ua->origin_count = 0;
}

int ua_set_ws_origins(struct ua *ua, const char *const *origins, unsigned count)
{
	if (count > LIMIT_UA_WS_ORIGINS)
		return -TR_ELIMIT;
	free_origins(ua);
	ua->origins = mem_zalloc((count + 1) * sizeof(*ua->origins));
	for (; ua->origin_count < count; ua->origin_count++)
		ua->origins[ua->origin_count] = mem_strdup(origins[ua->origin_count]);

	return 0;
}

void ua_handle_closed(struct ua *ua)
{
	if (--ua->handles)
		return;
	hash_done(&ua->conns_by_id);
	hash_done(&ua->conns_by_remote);
	admit_free(ua->admit);
	ua_tls_done(ua);
	free_origins(ua);
	for (size_t i = 0; i < ua->failure_count; i++)
		free(ua->failures[i].why);
	free(ua->failures);
	free(ua->udp_buf);
	free(ua->rx);
	free(ua);
}

static void on_handle_closed(uv_handle_t *h)
{
	ua_handle_closed(h->data);
}

static void on_sock_closed(uv_handle_t *h)
{
	struct ua_sock *s = h->data;

	ua_handle_closed(s->ua);
}

static void close_all(struct ua *ua)
{
	ua->is_closed = true;
	conn_close_all(ua);
	list_each(&ua->sends, struct ua_send, link, s)
		ua_send_free(s);
	ua_resolve_cancel(ua, NULL);
	ua_resolve_all_cancel(ua, NULL);
	udp_recent_done(ua);
	dns_close(ua->dns);
	netwatch_close(ua->netwatch);
	for (unsigned i = 0; i < ua->sock_count; i++) {
		timer_stop(&ua->wheel, &ua->socks[i].backoff);
		uv_close((uv_handle_t *)&ua->socks[i].poll, on_sock_closed);
		close(ua->socks[i].fd);
	}
	uv_close((uv_handle_t *)&ua->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&ua->check, on_handle_closed);
	uv_close((uv_handle_t *)&ua->timer, on_handle_closed);
}

struct ua *ua_close(struct ua *ua)
{
	if (!ua || ua->is_closed)
		return NULL;

	ua_drain(ua);
	udp_flush(ua);
	if (!ua->is_closed) /* a hook may have closed it */
		close_all(ua);

	return NULL;
}

struct addr ua_listen_addr(const struct ua *ua, unsigned i)
{
	return i < ua->sock_count ? ua->socks[i].addr : (struct addr){0};
}

void ua_trust(struct ua *ua, const struct addr *ip)
{
	admit_trust(ua->admit, ip, NEVER, clock_ms());
}

void ua_stats(const struct ua *ua, struct ua_stats *ret)
{
	*ret = ua->stats;
}

void ua_dns_stats(const struct ua *ua, struct dns_stats *ret)
{
	dns_stats(ua->dns, ret);
}
