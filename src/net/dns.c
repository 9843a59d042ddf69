/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns.h"
#include "base/hash.h"
#include "base/list.h"
#include "net/dns_parse.h"
#include <ares.h>

/*
 * One entry a (type, name). While it is being asked for, those who want it wait in its list, so
 * that a burst of calls to one name costs one query. c-ares must not be destroyed inside its own
 * callbacks: closing does that in a later turn.
 */

#define SERVER_TIMEOUT_MS 1500
#define SERVER_TRIES      2
#define FAILURE_MS        2000  /* silence of all servers is not asked after again for so long */
#define STALE_RETRY_MS    30000 /* the same while an old answer serves */
#define TYPE_SRV          33    /* RFC 2782 */
#define TYPE_NAPTR        35    /* RFC 3403 §4.1 */

struct dns {
	uv_loop_t *loop;
	uv_timer_t timer;
	ares_channel channel;
	bool has_channel, is_closed;
	unsigned handles; /* open libuv handles: the last one's end frees */
	char *servers;
	struct hash_table entries;
	struct list lru; /* of entries, least recently used first */
	struct list socks;
	struct dns_stats stats;
};

struct sock {
	struct list link;
	struct dns *dns;
	uv_poll_t poll;
	ares_socket_t fd;
};

struct entry {
	struct hash_node node;
	struct list lru;
	struct dns *dns;
	struct list waiting;
	struct dns_answer answer;
	msec_t expires_at;  /* the answer is used without asking */
	msec_t stale_until; /* and used when nobody answers */
	bool is_asking;
	unsigned pins; /* callbacks that look at the answer */
	char name[];   /* lower case */
};

struct waiting {
	struct list link;
	dns_fn *fn;
	void *ctx;
};

static int channel_open(struct dns *dns);

static void handle_closed(struct dns *dns)
{
	if (--dns->handles)
		return;

	list_each(&dns->lru, struct entry, lru, e) {
		list_each(&e->waiting, struct waiting, link, w)
			free(w);
		dns_answer_done(&e->answer);
		free(e);
	}
	hash_done(&dns->entries);
	free(dns->servers);
	free(dns);
}

/* --- c-ares on the loop --- */

static void arm_timer(struct dns *dns);

static void on_timer(uv_timer_t *t)
{
	struct dns *dns = t->data;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(dns);
}

static void arm_timer(struct dns *dns)
{
	struct timeval tv;

	if (dns->is_closed)
		return;
	if (ares_timeout(dns->channel, NULL, &tv))
		uv_timer_start(&dns->timer, on_timer,
			(uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1, 0);
	else
		uv_timer_stop(&dns->timer);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct sock *s = poll->data;
	struct dns *dns = s->dns;
	ares_socket_t fd = s->fd;
	bool is_readable = events & UV_READABLE || status < 0;
	bool is_writable = events & UV_WRITABLE || status < 0;

	ares_process_fd(dns->channel, is_readable ? fd : ARES_SOCKET_BAD,
		is_writable ? fd : ARES_SOCKET_BAD);
	arm_timer(dns);
}

static void on_sock_closed(uv_handle_t *h)
{
	struct sock *s = h->data;
	struct dns *dns = s->dns;

	free(s);
	handle_closed(dns);
}

static struct sock *sock_open(struct dns *dns, ares_socket_t fd)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s || uv_poll_init(dns->loop, &s->poll, fd)) {
		free(s);
		return NULL;
	}
	s->dns = dns;
	s->fd = fd;
	s->poll.data = s;
	list_append(&dns->socks, &s->link);
	dns->handles++;

	return s;
}

/* c-ares opens, wants and closes sockets. One that we cannot poll just times out. */
static void on_sock_state(void *ctx, ares_socket_t fd, int is_readable, int is_writable)
{
	struct dns *dns = ctx;
	struct sock *found = NULL;

	list_each(&dns->socks, struct sock, link, s)
		if (s->fd == fd)
			found = s;
	if (!is_readable && !is_writable) {
		if (found) {
			list_unlink(&found->link);
			uv_close((uv_handle_t *)&found->poll, on_sock_closed);
		}
		return;
	}
	if (!found)
		found = sock_open(dns, fd);
	if (found)
		uv_poll_start(&found->poll,
			(is_readable ? UV_READABLE : 0) | (is_writable ? UV_WRITABLE : 0), on_poll);
}

static int channel_open(struct dns *dns)
{
	struct ares_options opts = {
		.timeout = SERVER_TIMEOUT_MS,
		.tries = SERVER_TRIES,
		.sock_state_cb = on_sock_state,
		.sock_state_cb_data = dns,
	};

	if (ares_init_options(&dns->channel, &opts,
		    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB))
		return -TR_ECONFIG;
	if (dns->servers && ares_set_servers_ports_csv(dns->channel, dns->servers)) {
		ares_destroy(dns->channel);
		return -TR_ECONFIG;
	}
	dns->has_channel = true;

	return 0;
}

int dns_new(uv_loop_t *loop, const char *servers, struct dns **ret)
{
	struct dns *dns = mem_zalloc(sizeof(*dns));

	dns->loop = loop;
	dns->servers = servers ? mem_strdup(servers) : NULL;
	list_init(&dns->lru);
	list_init(&dns->socks);
	hash_init(&dns->entries);

	int err = ares_library_init(ARES_LIB_INIT_ALL) ? -ENOMEM : channel_open(dns);

	if (err) {
		hash_done(&dns->entries);
		free(dns->servers);
		free(dns);
		return err;
	}
	uv_timer_init(loop, &dns->timer);
	dns->timer.data = dns;
	dns->handles = 1;
	*ret = dns;

	return 0;
}

static void on_closing(uv_handle_t *h)
{
	struct dns *dns = h->data;

	ares_destroy(dns->channel);
	handle_closed(dns);
}

struct dns *dns_close(struct dns *dns)
{
	if (dns && !dns->is_closed) {
		dns->is_closed = true;
		uv_close((uv_handle_t *)&dns->timer, on_closing);
	}

	return NULL;
}

/* --- entries --- */

static void entry_free(struct entry *e)
{
	hash_remove(&e->dns->entries, &e->node);
	list_unlink(&e->lru);
	e->dns->stats.live_entries--;
	dns_answer_done(&e->answer);
	free(e);
}

static bool entry_is_idle(const struct entry *e)
{
	return !e->is_asking && !e->pins && list_is_empty(&e->waiting);
}

static void make_room(struct dns *dns)
{
	list_each(&dns->lru, struct entry, lru, e) {
		if (dns->stats.live_entries < LIMIT_DNS_ENTRIES)
			return;
		if (entry_is_idle(e))
			entry_free(e);
	}
}

static struct entry *entry_find(
	struct dns *dns, enum dns_type type, struct span name, uint32_t hash)
{
	for (struct hash_node *n = hash_find(&dns->entries, hash); n; n = hash_find_next(n)) {
		struct entry *e = container_of(n, struct entry, node);

		if (e->answer.type == type && span_ieq_z(name, e->name))
			return e;
	}

	return NULL;
}

static struct entry *entry_new(struct dns *dns, enum dns_type type, struct span name, uint32_t hash)
{
	make_room(dns);
	if (dns->stats.live_entries >= LIMIT_DNS_ENTRIES)
		return NULL;

	struct entry *e = calloc(1, sizeof(*e) + name.n + 1);

	if (!e)
		return NULL;
	for (size_t i = 0; i < name.n; i++)
		e->name[i] =
			(char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
	e->dns = dns;
	e->answer = (struct dns_answer){.type = type, .err = -TR_EDNS};
	list_init(&e->waiting);
	list_init(&e->lru);
	hash_add(&dns->entries, &e->node, hash);
	list_append(&dns->lru, &e->lru);
	dns->stats.live_entries++;

	return e;
}

static void ask(struct entry *e);

static void tell_waiting(struct entry *e)
{
	struct dns *dns = e->dns;

	e->pins++; /* what fn looks up must not evict e */
	while (!list_is_empty(&e->waiting) && !dns->is_closed) {
		struct waiting *w = list_first(&e->waiting, struct waiting, link);
		dns_fn *fn = w->fn;
		void *ctx = w->ctx;

		list_unlink(&w->link);
		free(w);
		dns->stats.live_waiting--;
		fn(ctx, &e->answer);
	}
	e->pins--;
}

static void store(struct entry *e, struct dns_answer *a, uint32_t ttl_s)
{
	msec_t now = clock_ms();

	dns_answer_done(&e->answer);
	e->answer = *a;
	if (a->err == 0) {
		e->expires_at =
			now + 1000 * (msec_t)CLAMP(ttl_s, LIMIT_DNS_TTL_MIN_S, LIMIT_DNS_TTL_MAX_S);
		e->stale_until = e->expires_at + 1000 * (msec_t)LIMIT_DNS_STALE_S;
	} else {
		e->expires_at =
			now + (a->err == -TR_ENOTFOUND ? 1000 * LIMIT_DNS_NEGATIVE_S : FAILURE_MS);
		e->stale_until = 0;
	}
}

static void finish(struct entry *e, struct dns_answer *a, uint32_t ttl_s)
{
	struct dns *dns = e->dns;
	bool is_failure = a->err && a->err != -TR_ENOTFOUND;

	if (dns->is_closed) {
		dns_answer_done(a);
		return;
	}
	dns->stats.failures += is_failure;
	if (is_failure && e->answer.err == 0 && e->stale_until > clock_ms()) {
		dns->stats.stale_hits++;
		e->expires_at = clock_ms() + STALE_RETRY_MS;
	} else {
		store(e, a, ttl_s);
	}
	e->is_asking = false;
	tell_waiting(e);
}

/* dns_reload took the channel away under a question: it is put to the new one. */
static bool ask_again(struct entry *e, int status)
{
	if (status != ARES_EDESTRUCTION || e->dns->is_closed)
		return false;
	ask(e);

	return true;
}

static void on_addrs(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
	struct dns_answer a;
	uint32_t ttl_s = UINT32_MAX;

	if (ask_again(ctx, status))
		return;
	dns_answer_addrs(status, info, &a, &ttl_s);
	ares_freeaddrinfo(info);
	finish(ctx, &a, ttl_s);
}

static void on_srvs(void *ctx, int status, int timeouts, unsigned char *reply, int n)
{
	struct dns_answer a;
	uint32_t ttl_s = UINT32_MAX;

	if (ask_again(ctx, status))
		return;
	dns_answer_srvs(status, reply, n, &a, &ttl_s);
	finish(ctx, &a, ttl_s);
}

static void on_naptrs(void *ctx, int status, int timeouts, unsigned char *reply, int n)
{
	struct dns_answer a;
	uint32_t ttl_s = UINT32_MAX;

	if (ask_again(ctx, status))
		return;
	dns_answer_naptrs(status, reply, n, &a, &ttl_s);
	finish(ctx, &a, ttl_s);
}

/* May finish e at once. */
static void ask(struct entry *e)
{
	struct dns *dns = e->dns;
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};

	e->is_asking = true;
	dns->stats.queries++;
	if (e->answer.type == DNS_ADDR)
		ares_getaddrinfo(dns->channel, e->name, NULL, &hints, on_addrs, e);
	else if (e->answer.type == DNS_SRV)
		ares_query(dns->channel, e->name, 1, TYPE_SRV, on_srvs, e);
	else
		ares_query(dns->channel, e->name, 1, TYPE_NAPTR, on_naptrs, e);
	arm_timer(dns);
}

static void refuse(struct dns *dns, enum dns_type type, int err, dns_fn *fn, void *ctx)
{
	struct dns_answer a = {.type = type, .err = err};

	dns->stats.limited += err == -TR_ELIMIT;
	fn(ctx, &a);
}

void dns_lookup(struct dns *dns, enum dns_type type, struct span name, dns_fn *fn, void *ctx)
{
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > 253 || memchr(name.p, 0, name.n)) {
		refuse(dns, type, -TR_ENOTFOUND, fn, ctx);
		return;
	}

	uint32_t hash = span_ihash(name) + type;
	struct entry *e = entry_find(dns, type, name, hash);

	if (!e)
		e = entry_new(dns, type, name, hash);
	if (e && !e->is_asking && e->expires_at > clock_ms()) {
		dns->stats.hits++;
		list_unlink(&e->lru);
		list_append(&dns->lru, &e->lru);
		e->pins++;
		fn(ctx, &e->answer);
		e->pins--;
		return;
	}

	struct waiting *w =
		e && dns->stats.live_waiting < LIMIT_DNS_WAITING ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		refuse(dns, type, -TR_ELIMIT, fn, ctx);
		return;
	}
	w->fn = fn;
	w->ctx = ctx;
	list_append(&e->waiting, &w->link);
	dns->stats.live_waiting++;
	if (!e->is_asking)
		ask(e);
}

void dns_cancel(struct dns *dns, const void *ctx)
{
	list_each(&dns->lru, struct entry, lru, e) {
		list_each(&e->waiting, struct waiting, link, w) {
			if (w->ctx != ctx)
				continue;
			list_unlink(&w->link);
			free(w);
			dns->stats.live_waiting--;
		}
	}
}

void dns_reload(struct dns *dns)
{
	list_each(&dns->lru, struct entry, lru, e)
		if (e->answer.err && !e->is_asking)
			e->expires_at = 0;
	/*
	 * Nothing to read again when the servers were given; c-ares 1.18 cannot re-read in place.
	 */
	if (dns->servers || dns->is_closed)
		return;

	ares_channel old = dns->channel;

	if (channel_open(dns) == 0)
		ares_destroy(old);
	else
		dns->channel = old;
}

void dns_stats(const struct dns *dns, struct dns_stats *ret)
{
	*ret = dns->stats;
}
