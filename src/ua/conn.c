/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/conn_priv.h"
#include <netinet/tcp.h>
#include <unistd.h>

/*
 * Stream connections, RFC 3261 §18.
 *
 * An opened connection is reused by its remote address (RFC 3261 §18.1.1) and, over TLS, by the name that its certificate was
 * checked for and the settings that checked it (RFC 5922 §7.4): two lines with the same share it. An accepted one is reused by its number only: its remote port is
 * not where the peer listens.
 */

/* --- life --- */

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct ua *ua = c->ua;

	tls_free(c->tls);
	ws_reader_done(&c->ws);
	tls_ctx_unref(c->tls_ctx);
	free(c->host);
	free(c->other);
	free(c->label);
	free(c->in);
	free(c->out);
	free(c);
	ua_handle_closed(ua);
}

static void leave_shaking(struct conn *c)
{
	if (list_is_empty(&c->shaking))
		return;
	list_unlink(&c->shaking);
	c->ua->shaking_count--;
}

void conn_close(struct conn *c, int err, const char *why)
{
	struct ua *ua = c->ua;
	bool was_open = c->state == CONN_OPEN;

	if (c->state == CONN_CLOSED)
		return;
	conn_put_last(c);
	c->state = CONN_CLOSED;
	hash_remove(&ua->conns_by_id, &c->by_id);
	if (c->is_ours)
		hash_remove(&ua->conns_by_remote, &c->by_remote);
	list_unlink(&c->link);
	leave_shaking(c);
	timer_stop(&ua->wheel, &c->timer);
	ua->stats.live_conns--;
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);

	while (!list_is_empty(&c->waiting))
		ua_send_failed(list_first(&c->waiting, struct ua_send, link), err, why);
	if (was_open)
		ua_tell_conn_lost(ua, c->id, why);
}

void conn_close_all(struct ua *ua)
{
	while (!list_is_empty(&ua->conns))
		conn_close(list_first(&ua->conns, struct conn, link), -TR_ECLOSED, NULL);
}

void conn_refuse(struct conn *c, enum ua_refusal kind, int err, const char *why)
{
	ua_refused(c->ua, &c->remote, kind, why);
	conn_close(c, err, why);
}

/* --- time --- */

static msec_t deadline(const struct conn *c)
{
	msec_t at = c->active_at + ua_idle_ms(c->ua);

	if (c->state == CONN_OPENING || (c->state == CONN_SHAKING && c->is_ours))
		return c->opened_at + c->connect_ms;
	if (c->state == CONN_SHAKING)
		return c->opened_at + (c->is_refused ? LIMIT_UA_LINGER_MS : c->ua->params.shake_ms);
	if (!c->is_ours && !c->has_spoken)
		at = MIN(at, c->opened_at + LIMIT_UA_FIRST_MS);
	if (c->partial_at != NEVER)
		at = MIN(at, c->partial_at + LIMIT_UA_FRAME_MS);
	if (conn_is_ws(c))
		at = MIN(at, c->heard_at + (msec_t)c->ua->params.ws_ping_ms * (c->is_pinged ? 2 : 1));

	return at;
}

void conn_arm(struct conn *c, msec_t now)
{
	timer_start(&c->ua->wheel, &c->timer, MAX(deadline(c), now + 1));
}

/* Not open in time. */
static void too_slow(struct conn *c)
{
	if (c->is_ours)
		c->ua->stats.connect_failures++;
	if (c->is_refused) {
		conn_close(c, -ETIMEDOUT, NULL);
		return;
	}
	if (c->tls)
		tls_lost(c->tls, -ETIMEDOUT);

	const char *why = c->tls && tls_why(c->tls)[0] ? tls_why(c->tls) : NULL;

	if (c->is_ours)
		conn_close(c, -ETIMEDOUT, why);
	else
		conn_refuse(c, UA_REFUSE_SLOW, -ETIMEDOUT, why);
}

static void on_timer(struct timer *t, msec_t now)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (now < deadline(c)) {
		conn_arm(c, now);
		return;
	}
	if (c->state != CONN_OPEN) {
		too_slow(c);
		return;
	}

	bool is_slow = c->partial_at != NEVER && now - c->partial_at >= LIMIT_UA_FRAME_MS;
	bool is_mute = !c->is_ours && !c->has_spoken && now - c->opened_at >= LIMIT_UA_FIRST_MS;

	if (is_slow || is_mute)
		conn_refuse(c, UA_REFUSE_SLOW, -ETIMEDOUT, NULL);
	else if (conn_is_ws(c) && !c->is_pinged && now - c->active_at < ua_idle_ms(c->ua))
		conn_ws_ping(c);
	else
		conn_close(c, -ETIMEDOUT, NULL);
}

/* --- tables --- */

/* Takes over fd, also when it fails. */
static int conn_new(struct ua *ua, int fd, const struct addr *remote, bool is_ours, struct conn **ret)
{
	struct conn *c = calloc(1, sizeof(*c));
	int err = c ? uv_poll_init(ua->loop, &c->poll, fd) : -ENOMEM, on = 1;

	if (err) {
		close(fd);
		free(c);
		return err;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));

	c->ua = ua;
	c->fd = fd;
	c->remote = *remote;
	c->is_ours = is_ours;
	c->opened_at = c->active_at = c->heard_at = clock_ms();
	c->partial_at = NEVER;
	c->connect_ms = ua->params.connect_ms;
	c->poll.data = c;
	list_init(&c->waiting);
	list_init(&c->shaking);
	timer_init(&c->timer, on_timer);
	ws_reader_init(&c->ws, false, LIMIT_SIP_MSG_BYTES);
	do
		c->id = ++ua->last_conn;
	while (c->id == 0 || conn_find(ua, c->id));
	hash_add(&ua->conns_by_id, &c->by_id, c->id);
	if (is_ours)
		hash_add(&ua->conns_by_remote, &c->by_remote, addr_hash(remote));
	list_append(&ua->conns, &c->link);
	ua->stats.live_conns++;
	ua_handle_opened(ua);
	*ret = c;

	return 0;
}

struct conn *conn_find(struct ua *ua, uint32_t id)
{
	for (struct hash_node *n = hash_find(&ua->conns_by_id, id); n; n = hash_find_next(n)) {
		struct conn *c = container_of(n, struct conn, by_id);

		if (c->id == id)
			return c;
	}

	return NULL;
}

static bool leads_to(const struct conn *c, const struct conn_to *to)
{
	if (c->transport != to->transport || !addr_eq(&c->remote, &to->remote))
		return false;

	return c->transport != SIP_TLS || conn_tls_fits(c, to);
}

struct conn *conn_find_to(struct ua *ua, const struct conn_to *to)
{
	for (struct hash_node *n = hash_find(&ua->conns_by_remote, addr_hash(&to->remote)); n; n = hash_find_next(n)) {
		struct conn *c = container_of(n, struct conn, by_remote);

		if (leads_to(c, to))
			return c;
	}

	return NULL;
}

uint32_t conn_id(const struct conn *c)
{
	return c->id;
}

bool conn_is_open(const struct conn *c)
{
	return c->state == CONN_OPEN;
}

static void learn_local(struct conn *c)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getsockname(c->fd, (struct sockaddr *)&sa, &n) == 0)
		addr_from_sockaddr((struct sockaddr *)&sa, &c->local);
}

/* --- opening --- */

/* From the address that Via and Contact name, as far as it is one of ours. */
static void bind_local(int fd, struct ua *ua, const struct conn_to *to)
{
	const struct ua_sock *s = ua_pick_sock(ua, to->transport, &to->remote, &to->local);
	struct addr from = {0};
	int on = 1;

	if (addr_is_set(&to->local) && to->local.family == to->remote.family)
		from = to->local;
	else if (s && !s->is_any)
		from = s->addr;
	if (!addr_is_set(&from) || addr_is_any(&from))
		return;
	addr_set_port(&from, 0);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	/* Failing that, the kernel's choice is better than no connection. */
	if (bind(fd, &from.sa, addr_len(&from)))
		return;
}

static int set_target(struct conn *c, const struct conn_to *to)
{
	char label[UA_LABEL_BYTES];

	c->transport = to->transport;
	c->connect_ms = to->timeout_ms;
	c->label = strdup(ua_label(to->host, &to->remote, label));
	if (!c->label)
		return -ENOMEM;

	return to->transport == SIP_TLS ? conn_tls_prepare(c, to) : 0;
}

int conn_open(struct ua *ua, const struct conn_to *to, struct conn **ret)
{
	struct conn *c;

	if (ua->stats.live_conns >= ua->params.max_conns)
		return -TR_ELIMIT;

	int fd = socket(to->remote.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	bind_local(fd, ua, to);
	if (connect(fd, &to->remote.sa, addr_len(&to->remote)) && errno != EINPROGRESS) {
		int err = -errno;

		ua->stats.connect_failures++;
		close(fd);
		return err;
	}

	int err = conn_new(ua, fd, &to->remote, true, &c);

	if (err)
		return err;
	err = set_target(c, to);
	if (err) {
		conn_close(c, err, NULL);
		return err;
	}
	ua->stats.conns_out++;
	conn_arm(c, c->opened_at);
	conn_watch(c);
	*ret = c;

	return 0;
}

static void hand_over(struct conn *c, struct ua_send *s)
{
	struct ua *ua = c->ua;
	uint64_t token = s->token;

	if (conn_write(c, span(s->bytes, s->n)))
		sip_stack_sent_on(ua->stack, token, c->id);
	else
		ua_tell_failure(ua, token, -TR_ETRANSPORT, NULL);
	ua_send_free(s);
}

void conn_ready(struct conn *c)
{
	leave_shaking(c);
	c->state = CONN_OPEN;
	c->opened_at = c->active_at = c->heard_at = clock_ms();
	conn_arm(c, c->active_at);
	while (c->state == CONN_OPEN && !list_is_empty(&c->waiting)) {
		struct ua_send *s = list_first(&c->waiting, struct ua_send, link);

		list_unlink(&s->link);
		hand_over(c, s);
	}
}

void conn_connected(struct conn *c)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (err) {
		c->ua->stats.connect_failures++;
		conn_close(c, -err, NULL);
		return;
	}
	learn_local(c);
	if (c->transport == SIP_TLS) {
		c->state = CONN_SHAKING;
		c->opened_at = clock_ms();
		conn_arm(c, c->opened_at);
		err = conn_tls_start(c);
		if (err)
			conn_close(c, err, NULL);
	} else {
		conn_ready(c);
	}
	if (c->state != CONN_CLOSED)
		conn_watch(c);
}

void conn_send(struct conn *c, struct ua_send *s)
{
	list_unlink(&s->link);
	if (c->state == CONN_OPEN)
		hand_over(c, s);
	else
		list_append(&c->waiting, &s->link);
}

/* --- accepting --- */

/* A handshake begins. When there are too many the oldest gives way: real peers are done within a round trip or two. */
static void enter_shaking(struct conn *c)
{
	struct ua *ua = c->ua;

	c->state = CONN_SHAKING;
	list_append(&ua->shaking, &c->shaking);
	if (++ua->shaking_count <= LIMIT_UA_SHAKING)
		return;
	ua->stats.shaking_dropped++;
	conn_refuse(list_first(&ua->shaking, struct conn, shaking), UA_REFUSE_SLOW, -TR_ELIMIT, NULL);
}

static int begin_accepted(struct conn *c, enum sip_transport transport)
{
	char label[ADDR_TEXT];

	c->transport = transport;
	c->label = strdup(addr_text(&c->remote, label));
	if (!c->label)
		return -ENOMEM;
	learn_local(c);
	if (transport == SIP_TCP)
		c->state = CONN_OPEN;
	else
		enter_shaking(c);

	return transport == SIP_TLS || transport == SIP_WSS ? conn_tls_start(c) : 0;
}

void conn_accept(struct ua_sock *sock, int fd, const struct sockaddr *sa)
{
	struct ua *ua = sock->ua;
	struct addr remote;
	struct conn *c;

	if (!addr_from_sockaddr(sa, &remote)) {
		close(fd);
		return;
	}
	if (ua->stats.live_conns >= ua->params.max_conns || !ua_admit(ua, &remote, clock_ms())) {
		ua->stats.conns_refused++;
		ua_refused(ua, &remote, UA_REFUSE_CONNS, NULL);
		close(fd);
		return;
	}
	if (conn_new(ua, fd, &remote, false, &c))
		return;
	ua->stats.conns_in++;

	int err = begin_accepted(c, sock->transport);

	if (err) {
		conn_close(c, err, NULL);
		return;
	}
	conn_arm(c, c->opened_at);
	conn_watch(c);
}
