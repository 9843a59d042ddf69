/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/msg.h"
#include "ua/ua_priv.h"
#include <netinet/tcp.h>
#include <unistd.h>

/*
 * TCP, RFC 3261 §18: connections with bounded buffers. A connection at rest owns no buffer: bytes
 * are read into the ua's and only an incomplete message is kept.
 *
 * An opened connection is reused by its remote address (RFC 3261 §18.1.1), an accepted one by its
 * number only: its remote port is not where the peer listens, and RFC 5923 wants TLS for more.
 */

#define READ_BYTES 65536 /* at once; the loop comes back for more */

enum conn_state { CONN_OPENING, CONN_OPEN, CONN_CLOSED };

struct conn {
	struct hash_node by_id, by_remote;
	struct list link;
	struct ua *ua;
	uv_poll_t poll;
	int fd;
	uint32_t id;
	enum conn_state state;
	bool is_ours;    /* opened, not accepted */
	bool has_spoken; /* a whole message came */
	struct addr remote, local;
	struct timer timer;
	uint32_t connect_ms;
	msec_t opened_at, active_at, partial_at; /* partial_at: NEVER without a begun message */
	struct list waiting;                     /* ua_send: until it is open */
	char *in, *out;
	size_t in_n, in_cap, out_at, out_n, out_cap;
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* --- life --- */

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct ua *ua = c->ua;

	free(c->in);
	free(c->out);
	free(c);
	ua_handle_closed(ua);
}

/*
 * The only way a connection ends. Its memory goes in a later turn, so callers may still
 * look at c.
 */
static void conn_close(struct conn *c, int err)
{
	struct ua *ua = c->ua;
	bool was_open = c->state == CONN_OPEN;

	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	hash_remove(&ua->conns_by_id, &c->by_id);
	if (c->is_ours)
		hash_remove(&ua->conns_by_remote, &c->by_remote);
	list_unlink(&c->link);
	timer_stop(&ua->wheel, &c->timer);
	ua->stats.live_conns--;
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);

	while (!list_is_empty(&c->waiting))
		ua_send_failed(list_first(&c->waiting, struct ua_send, link), err);
	if (was_open)
		ua_tell_conn_lost(ua, c->id);
}

void conn_close_all(struct ua *ua)
{
	while (!list_is_empty(&ua->conns))
		conn_close(list_first(&ua->conns, struct conn, link), -TR_ECLOSED);
}

static void arm(struct conn *c, msec_t now)
{
	msec_t at = c->active_at + ua_idle_ms(c->ua);

	if (c->state == CONN_OPENING)
		at = c->opened_at + c->connect_ms;
	else if (!c->is_ours && !c->has_spoken)
		at = MIN(at, c->opened_at + LIMIT_UA_FIRST_MS);
	if (c->partial_at != NEVER)
		at = MIN(at, c->partial_at + LIMIT_UA_FRAME_MS);
	timer_start(&c->ua->wheel, &c->timer, MAX(at, now + 1));
}

static void on_timer(struct timer *t, msec_t now)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->state == CONN_OPENING) {
		c->ua->stats.connect_failures++;
		conn_close(c, -ETIMEDOUT);
		return;
	}

	bool is_slow = now - c->partial_at >= LIMIT_UA_FRAME_MS && c->partial_at != NEVER;
	bool is_mute = !c->is_ours && !c->has_spoken && now - c->opened_at >= LIMIT_UA_FIRST_MS;

	if (is_slow || is_mute) {
		ua_refused(c->ua, &c->remote, UA_REFUSE_SLOW);
		conn_close(c, -ETIMEDOUT);
	} else if (now - c->active_at >= ua_idle_ms(c->ua)) {
		conn_close(c, -ETIMEDOUT);
	} else {
		arm(c, now);
	}
}

/* Takes over fd, also when it fails. */
static int conn_new(
	struct ua *ua, int fd, const struct addr *remote, bool is_ours, struct conn **ret)
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
	c->state = is_ours ? CONN_OPENING : CONN_OPEN;
	c->opened_at = c->active_at = clock_ms();
	c->partial_at = NEVER;
	c->connect_ms = ua->params.connect_ms;
	c->poll.data = c;
	list_init(&c->waiting);
	timer_init(&c->timer, on_timer);
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

struct conn *conn_find_remote(struct ua *ua, const struct addr *remote)
{
	for (struct hash_node *n = hash_find(&ua->conns_by_remote, addr_hash(remote)); n;
		n = hash_find_next(n)) {
		struct conn *c = container_of(n, struct conn, by_remote);

		if (addr_eq(&c->remote, remote))
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
static void bind_local(int fd, struct ua *ua, const struct addr *remote, const struct addr *local)
{
	const struct ua_sock *s = ua_pick_sock(ua, SIP_TCP, remote, local);
	struct addr from = {0};
	int on = 1;

	if (local && addr_is_set(local) && local->family == remote->family)
		from = *local;
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

int conn_open(struct ua *ua, const struct addr *remote, const struct addr *local,
	uint32_t timeout_ms, struct conn **ret)
{
	struct conn *c;

	if (ua->stats.live_conns >= ua->params.max_conns)
		return -TR_ELIMIT;

	int fd = socket(remote->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	bind_local(fd, ua, remote, local);
	if (connect(fd, &remote->sa, addr_len(remote)) && errno != EINPROGRESS) {
		int err = -errno;

		ua->stats.connect_failures++;
		close(fd);
		return err;
	}

	int err = conn_new(ua, fd, remote, true, &c);

	if (err)
		return err;
	c->connect_ms = timeout_ms;
	ua->stats.conns_out++;
	arm(c, c->opened_at);
	uv_poll_start(&c->poll, UV_WRITABLE, on_poll);
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
		ua_tell_failure(ua, token, -TR_ETRANSPORT);
	ua_send_free(s);
}

static void opened(struct conn *c)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (err) {
		c->ua->stats.connect_failures++;
		conn_close(c, -err);
		return;
	}
	c->state = CONN_OPEN;
	c->active_at = clock_ms();
	learn_local(c);
	arm(c, c->active_at);
	uv_poll_start(&c->poll, UV_READABLE, on_poll);
	while (c->state == CONN_OPEN && !list_is_empty(&c->waiting)) {
		struct ua_send *s = list_first(&c->waiting, struct ua_send, link);

		list_unlink(&s->link);
		hand_over(c, s);
	}
}

void conn_send(struct conn *c, struct ua_send *s)
{
	list_unlink(&s->link);
	if (c->state == CONN_OPEN)
		hand_over(c, s);
	else
		list_append(&c->waiting, &s->link);
}

/* --- writing --- */

static bool keep_unsent(struct conn *c, struct span bytes)
{
	if (c->out_at) {
		memmove(c->out, c->out + c->out_at, c->out_n);
		c->out_at = 0;
	}
	if (c->out_n + bytes.n > LIMIT_UA_CONN_OUT_BYTES)
		return false;
	if (c->out_n + bytes.n > c->out_cap) {
		size_t cap = MAX(c->out_cap * 2, c->out_n + bytes.n);
		char *grown = realloc(c->out, cap);

		if (!grown)
			return false;
		c->out = grown;
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_n, bytes.p, bytes.n);
	c->out_n += bytes.n;
	uv_poll_start(&c->poll, UV_READABLE | UV_WRITABLE, on_poll);

	return true;
}

/* The number of bytes the kernel took, or -errno. */
static ssize_t write_some(struct conn *c, struct span bytes)
{
	ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;

	return n;
}

static bool write_bytes(struct conn *c, struct span bytes)
{
	ssize_t n = c->out_n ? 0 : write_some(c, bytes);

	c->active_at = clock_ms();
	if (n < 0) {
		conn_close(c, (int)n);
		return false;
	}
	if ((size_t)n < bytes.n && !keep_unsent(c, span(bytes.p + n, bytes.n - (size_t)n))) {
		c->ua->stats.conn_overflows++;
		conn_close(c, -ENOBUFS);
		return false;
	}

	return true;
}

bool conn_write(struct conn *c, struct span bytes)
{
	c->ua->stats.tcp_out++;
	ua_trace_out(c->ua, SIP_TCP, &c->local, &c->remote, bytes);

	return write_bytes(c, bytes);
}

static void write_kept(struct conn *c)
{
	ssize_t n = write_some(c, span(c->out + c->out_at, c->out_n));

	if (n < 0) {
		conn_close(c, (int)n);
		return;
	}
	c->out_at += (size_t)n;
	c->out_n -= (size_t)n;
	if (c->out_n)
		return;
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_cap = 0;
	uv_poll_start(&c->poll, UV_READABLE, on_poll);
}

/* --- reading --- */

static void take_frame(struct conn *c, int kind, struct span bytes)
{
	struct sip_packet pkt = {
		.bytes = bytes,
		.transport = SIP_TCP,
		.conn = c->id,
		.source = c->remote,
		.local = c->local,
	};

	if (kind == SIP_FRAME_PING) {
		/* RFC 5626 §4.4.1 */
		c->ua->stats.keepalives_in++;
		if (write_bytes(c, SPAN_LIT("\r\n")))
			c->ua->stats.keepalives_out++;
		return;
	}
	c->has_spoken = true;
	ua_recv(c->ua, &pkt);
}

/* Hands on all whole messages in buf: how many bytes they were. After it the connection may be
 * closed. */
static size_t take_frames(struct conn *c, const char *buf, size_t n)
{
	size_t at = 0, len = 0;

	while (at < n && c->state == CONN_OPEN && !c->ua->is_closed) {
		int kind = sip_msg_frame(buf + at, n - at, &len);

		if (kind == SIP_FRAME_MORE && n - at <= LIMIT_SIP_MSG_BYTES)
			break;
		if (kind <= SIP_FRAME_MORE) {
			c->ua->stats.framing_errors++;
			ua_refused(c->ua, &c->remote, UA_REFUSE_FRAMING);
			conn_close(c, -TR_EPARSE);
			break;
		}
		take_frame(c, kind, span(buf + at, len));
		at += len;
	}

	return at;
}

/*
 * The buffer with what is kept of an incomplete message, and room behind it; NULL: memory
 * is out.
 */
static char *read_buffer(struct conn *c, size_t *ret_room)
{
	if (c->in_n == 0) {
		*ret_room = READ_BYTES;
		return c->ua->rx;
	}
	if (c->in_cap - c->in_n < 4096) {
		size_t cap = MIN(c->in_cap * 2, (size_t)LIMIT_SIP_MSG_BYTES + 8192) + 4096;
		char *grown = realloc(c->in, cap);

		if (!grown)
			return NULL;
		c->in = grown;
		c->in_cap = cap;
	}
	*ret_room = c->in_cap - c->in_n;

	return c->in;
}

static bool keep_rest(struct conn *c, const char *buf, size_t n)
{
	if (n == 0) {
		free(c->in);
		c->in = NULL;
		c->in_cap = 0;
	} else if (buf >= c->in && c->in && buf < c->in + c->in_cap) {
		memmove(c->in, buf, n);
	} else {
		c->in_cap = n + 4096;
		c->in = malloc(c->in_cap);
		if (!c->in)
			return false;
		memcpy(c->in, buf, n);
	}
	c->in_n = n;

	return true;
}

static void read_some(struct conn *c)
{
	size_t room, kept = c->in_n;
	char *buf = read_buffer(c, &room);
	ssize_t n = buf ? recv(c->fd, buf + kept, room, MSG_DONTWAIT) : -1;

	if (n <= 0) {
		if (!buf || n == 0 || (errno != EAGAIN && errno != EINTR))
			conn_close(c, n == 0 ? -ECONNRESET : -errno);
		return;
	}
	c->active_at = clock_ms();
	ua_note_delay(c->ua,
		c->ua->turn_us); /* no time stamps here: what came waited for a turn at most */

	size_t all = kept + (size_t)n, used = take_frames(c, buf, all);

	if (c->state != CONN_OPEN)
		return;
	if (!keep_rest(c, buf + used, all - used)) {
		conn_close(c, -ENOMEM);
		return;
	}
	if (c->in_n == 0) {
		c->partial_at = NEVER;
	} else if (used || c->partial_at == NEVER) {
		c->partial_at = c->active_at;
		arm(c, c->active_at);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	if (c->state == CONN_OPENING) {
		opened(c);
		return;
	}
	if (status < 0) {
		int err = 0;
		socklen_t n = sizeof(err);

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n);
		conn_close(c, err ? -err : -ECONNRESET);
		return;
	}
	if (events & UV_WRITABLE && c->state == CONN_OPEN && c->out_n)
		write_kept(c);
	if (events & UV_READABLE && c->state == CONN_OPEN)
		read_some(c);
}

/* --- accepting --- */

void conn_accept(struct ua *ua, int fd, const struct sockaddr *sa)
{
	struct addr remote;
	struct conn *c;

	if (!addr_from_sockaddr(sa, &remote)) {
		close(fd);
		return;
	}
	if (ua->stats.live_conns >= ua->params.max_conns || !ua_admit(ua, &remote, clock_ms())) {
		ua->stats.conns_refused++;
		ua_refused(ua, &remote, UA_REFUSE_CONNS);
		close(fd);
		return;
	}
	if (conn_new(ua, fd, &remote, false, &c))
		return;
	ua->stats.conns_in++;
	learn_local(c);
	arm(c, c->opened_at);
	uv_poll_start(&c->poll, UV_READABLE, on_poll);
}
