/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netwatch.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

struct netwatch {
	uv_poll_t poll;
	uv_timer_t settle;
	int fd;
	unsigned handles;
	bool is_closed;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_settled(uv_timer_t *t)
{
	struct netwatch *w = t->data;

	w->fn(w->ctx);
}

static bool has_change(char *buf, size_t n)
{
	struct nlmsghdr *h = (void *)buf;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
		if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR)
			return true;

	return false;
}

static void on_netlink(uv_poll_t *poll, int status, int events)
{
	struct netwatch *w = poll->data;
	alignas(struct nlmsghdr) char buf[8192];
	bool has_changed = false;
	ssize_t n;

	while ((n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		has_changed |= has_change(buf, (size_t)n);
	if (n < 0 && errno == ENOBUFS) /* some were lost: assume the worst */
		has_changed = true;
	if (has_changed)
		uv_timer_start(&w->settle, on_settled, NETWATCH_SETTLE_MS, 0);
}

static int open_netlink(int *ret_fd)
{
	struct sockaddr_nl sa = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;

	return 0;
}

int netwatch_new(uv_loop_t *loop, void (*fn)(void *ctx), void *ctx, struct netwatch **ret)
{
	int fd = -1, err = open_netlink(&fd);

	if (err)
		return err;

	struct netwatch *w = mem_zalloc(sizeof(*w));

	w->fd = fd;
	w->fn = fn;
	w->ctx = ctx;
	err = uv_poll_init(loop, &w->poll, fd);
	if (err) {
		close(fd);
		free(w);
		return err;
	}
	uv_timer_init(loop, &w->settle);
	w->poll.data = w->settle.data = w;
	w->handles = 2;
	uv_poll_start(&w->poll, UV_READABLE, on_netlink);
	*ret = w;

	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct netwatch *w = h->data;

	if (--w->handles == 0)
		free(w);
}

struct netwatch *netwatch_close(struct netwatch *w)
{
	if (w && !w->is_closed) {
		w->is_closed = true;
		uv_close((uv_handle_t *)&w->poll, on_closed);
		uv_close((uv_handle_t *)&w->settle, on_closed);
		close(w->fd);
	}

	return NULL;
}

int net_local_addr(const struct addr *peer, struct addr *ret)
{
	struct sockaddr_storage local;
	socklen_t n = sizeof(local);
	struct addr to = *peer;
	int fd = socket(peer->family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (addr_port(&to) == 0)
		addr_set_port(&to, 5060); /* port 0 would be refused */
	if (connect(fd, &to.sa, addr_len(&to)) || getsockname(fd, (struct sockaddr *)&local, &n))
		err = -errno;
	close(fd);
	if (!err && !addr_from_sockaddr((struct sockaddr *)&local, ret))
		err = -EAFNOSUPPORT;
	if (!err)
		addr_set_port(ret, 0);

	return err;
}
