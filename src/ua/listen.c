/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"
#include <unistd.h>

/*
 * Listeners of streams. When descriptors are out the backlog waits, the loop does not spin: accepting is
 * taken up again after a pause.
 */

#define ACCEPTS        32 /* of one turn */
#define EMFILE_WAIT_MS 200
#define BACKLOG        512

static void on_listen(uv_poll_t *poll, int status, int events);

static void on_backoff(struct timer *t, msec_t now)
{
	struct ua_sock *s = container_of(t, struct ua_sock, backoff);

	uv_poll_start(&s->poll, UV_READABLE, on_listen);
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	struct ua_sock *s = poll->data;

	for (unsigned i = 0; i < ACCEPTS && !s->ua->is_closed; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		int fd = accept4(s->fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			conn_accept(s, fd, (struct sockaddr *)&sa);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			s->ua->stats.accept_emfile++;
			uv_poll_stop(poll);
			timer_start(&s->ua->wheel, &s->backoff, clock_ms() + EMFILE_WAIT_MS);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static int listen_on(struct ua_sock *s)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	int on = 1;

	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s->addr.family == AF_INET6 &&
		setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(s->fd, &s->addr.sa, addr_len(&s->addr)) || listen(s->fd, BACKLOG) ||
		getsockname(s->fd, (struct sockaddr *)&sa, &n))
		return -errno;
	addr_from_sockaddr((struct sockaddr *)&sa, &s->addr);

	return uv_poll_init(s->ua->loop, &s->poll, s->fd);
}

int conn_listen(struct ua_sock *s)
{
	s->fd = socket(s->addr.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;

	int err = listen_on(s);

	if (err) {
		close(s->fd);
		s->fd = -1;
		return err;
	}
	s->poll.data = s;
	timer_init(&s->backoff, on_backoff);
	ua_handle_opened(s->ua);
	uv_poll_start(&s->poll, UV_READABLE, on_listen);

	return 0;
}
