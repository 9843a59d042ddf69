/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/conn_priv.h"
#include <unistd.h>

/*
 * Bytes of a connection, with bounded buffers. A connection at rest owns no buffer: bytes are read into the ua's and only an
 * incomplete message is kept.
 */

#define READ_BYTES 65536 /* at once; the loop comes back for more */

static void on_poll(uv_poll_t *poll, int status, int events);

void conn_watch(struct conn *c)
{
	int events = c->state == CONN_OPENING ? UV_WRITABLE : c->out_n ? UV_READABLE | UV_WRITABLE : UV_READABLE;

	uv_poll_start(&c->poll, events, on_poll);
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
	conn_watch(c);

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

static bool put_raw(struct conn *c, struct span bytes)
{
	ssize_t n = c->out_n ? 0 : write_some(c, bytes);

	c->active_at = clock_ms();
	if (n < 0) {
		conn_close(c, (int)n, NULL);
		return false;
	}
	if ((size_t)n < bytes.n && !keep_unsent(c, span(bytes.p + n, bytes.n - (size_t)n))) {
		c->ua->stats.conn_overflows++;
		conn_close(c, -ENOBUFS, NULL);
		return false;
	}

	return true;
}

bool conn_flush_tls(struct conn *c)
{
	struct span out = tls_out(c->tls);

	if (out.n == 0)
		return true;
	if (!put_raw(c, out))
		return false;
	tls_sent(c->tls, out.n);

	return true;
}

bool conn_put(struct conn *c, struct span bytes)
{
	if (!c->tls)
		return put_raw(c, bytes);
	if (!tls_write(c->tls, bytes)) {
		conn_close(c, -TR_ETRANSPORT, tls_why(c->tls));
		return false;
	}

	return conn_flush_tls(c);
}

bool conn_write(struct conn *c, struct span bytes)
{
	c->ua->stats.tcp_out++;
	ua_trace_out(c->ua, c->transport, &c->local, &c->remote, bytes);

	return conn_is_ws(c) ? conn_ws_write(c, bytes) : conn_put(c, bytes);
}

void conn_put_last(struct conn *c)
{
	if (c->state == CONN_OPENING || c->out_n)
		return;
	if (c->state == CONN_OPEN && c->is_upgraded) {
		char frame[WS_HEAD_BYTES + WS_CONTROL_BYTES];
		size_t n = ws_write_close(frame, sizeof(frame), WS_GOING_AWAY, NULL, NULL);

		if (!c->tls)
			write_some(c, span(frame, n));
		else if (!tls_write(c->tls, span(frame, n)))
			return;
	}
	if (!c->tls)
		return;
	tls_shutdown(c->tls);
	if (tls_out(c->tls).n)
		write_some(c, tls_out(c->tls));
}

static void write_kept(struct conn *c)
{
	ssize_t n = write_some(c, span(c->out + c->out_at, c->out_n));

	if (n < 0) {
		conn_close(c, (int)n, NULL);
		return;
	}
	c->out_at += (size_t)n;
	c->out_n -= (size_t)n;
	if (c->out_n)
		return;
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_cap = 0;
	conn_watch(c);
}

/* --- reading --- */

/* The buffer with what is kept of an incomplete message, and room behind it; NULL: memory is out. */
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

/* Plain bytes: all of them are in buf, what was kept and what came. False: closed. */
static bool take(struct conn *c, char *buf, size_t all)
{
	size_t used = conn_is_ws(c) ? conn_take_ws(c, buf, all) : conn_take_sip(c, buf, all);

	if (c->state == CONN_CLOSED)
		return false;
	if (!keep_rest(c, buf + used, all - used)) {
		conn_close(c, -ENOMEM, NULL);
		return false;
	}
	if (c->in_n == 0) {
		c->partial_at = NEVER;
	} else if (used || c->partial_at == NEVER) {
		c->partial_at = c->active_at;
		conn_arm(c, c->active_at);
	}

	return true;
}

/* The other side closed, or the network did. */
static void lost(struct conn *c, int err)
{
	char why[UA_WHY_BYTES] = "";

	if (c->is_ours && c->state == CONN_SHAKING)
		c->ua->stats.connect_failures++;
	if (c->tls) {
		tls_lost(c->tls, err);
		buf_copy(why, sizeof(why), tls_why(c->tls));
	} else if (c->is_ours && !c->has_spoken) {
		snprintf(why, sizeof(why), "%s closed the connection without an answer: if this port speaks TLS, set transport: tls", c->label);
	}
	conn_close(c, err, why[0] ? why : NULL);
}

/* What the kernel has. 0: nothing more now, or closed. */
static size_t receive(struct conn *c, char *buf, size_t room)
{
	ssize_t n = recv(c->fd, buf, room, MSG_DONTWAIT);

	if (n <= 0) {
		int err = n == 0 ? -ECONNRESET : -errno;

		if (err == -EAGAIN || err == -EINTR)
			return 0;
		lost(c, err);
		return 0;
	}
	c->active_at = c->heard_at = clock_ms();
	c->is_pinged = false;
	/* No time stamps here: what came waited for a turn at most. */
	ua_note_delay(c->ua, c->ua->turn_us);

	return (size_t)n;
}

static void read_plain(struct conn *c)
{
	size_t room, kept = c->in_n;
	char *buf = read_buffer(c, &room);

	if (!buf) {
		conn_close(c, -ENOMEM, NULL);
		return;
	}

	size_t n = receive(c, buf + kept, room);

	if (n)
		take(c, buf, kept + n);
}

static void read_tls(struct conn *c)
{
	char *cipher = c->ua->rx + READ_BYTES; /* behind the place of plain text */
	size_t n = receive(c, cipher, READ_BYTES);

	if (n == 0)
		return;
	tls_feed(c->tls, span(cipher, n));
	if (!conn_tls_moved(c))
		return;
	while (tls_state(c->tls) == TLS_OPEN) {
		size_t room, kept = c->in_n;
		char *buf = read_buffer(c, &room);

		n = buf ? tls_read(c->tls, buf + kept, room) : 0;
		if (!buf)
			conn_close(c, -ENOMEM, NULL);
		if (n == 0 || !take(c, buf, kept + n))
			break;
	}
	if (c->state != CONN_CLOSED)
		conn_tls_moved(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	if (c->state == CONN_OPENING) {
		conn_connected(c);
		return;
	}
	if (status < 0) {
		int err = 0;
		socklen_t n = sizeof(err);

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n);
		conn_close(c, err ? -err : -ECONNRESET, NULL);
		return;
	}
	if (events & UV_WRITABLE && c->state != CONN_CLOSED && c->out_n)
		write_kept(c);
	if (!(events & UV_READABLE) || c->state == CONN_CLOSED)
		return;
	if (c->is_refused)
		(void)receive(c, c->ua->rx, READ_BYTES);
	else if (c->tls)
		read_tls(c);
	else
		read_plain(c);
}
