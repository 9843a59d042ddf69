/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <time.h>
#include <unistd.h>

/*
 * UDP in batches: recvmmsg takes what came, the answers collect and leave by sendmmsg before the
 * loop polls again. The kernel's time stamps tell how long packets waited for us.
 *
 * IP_RECVERR gives ICMP errors with the address they are about (RFC 3261 §18.4). The same errors
 * also surface as the result of the next unrelated call on the socket, so a failed call is first
 * repeated.
 */

#define SOCK_BUF_BYTES   (4 << 20) /* a second of 2,000 calls; the kernel may give less */
#define BATCHES_PER_POLL 4         /* then the other sockets and the timers get their turn */
#define CONTROL_BYTES    128
#define ICMP_WINDOW_MS   1500 /* an ICMP error comes after a round trip */

static void on_poll(uv_poll_t *poll, int status, int events);

static int set_options(const struct ua_sock *s)
{
	int on = 1, size = SOCK_BUF_BYTES;
	bool is_v6 = s->addr.family == AF_INET6;

	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	setsockopt(s->fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR, &on,
		sizeof(on));
	if (is_v6 && setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (s->is_any && setsockopt(s->fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				 is_v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)))
		return -errno;

	return 0;
}

static int bind_and_poll(struct ua_sock *s)
{
	struct sockaddr_storage bound;
	socklen_t n = sizeof(bound);
	int err = set_options(s);

	if (err)
		return err;
	if (bind(s->fd, &s->addr.sa, addr_len(&s->addr)) ||
		getsockname(s->fd, (struct sockaddr *)&bound, &n))
		return -errno;
	addr_from_sockaddr((struct sockaddr *)&bound, &s->addr);

	err = uv_poll_init(s->ua->loop, &s->poll, s->fd);
	if (err)
		return err;
	s->poll.data = s;
	ua_handle_opened(s->ua);
	uv_poll_start(&s->poll, UV_READABLE, on_poll);

	return 0;
}

int udp_open(struct ua_sock *s)
{
	s->fd = socket(s->addr.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;

	int err = bind_and_poll(s);

	if (err) {
		close(s->fd);
		s->fd = -1;
	}

	return err;
}

/* --- in --- */

/* What the kernel says of a datagram: the local address it came to, and when. */
static void read_control(struct msghdr *h, struct addr *local, struct timespec *ret_at)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->v4.sin_addr = info.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->v6.sin6_addr = info.ipi6_addr;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(ret_at, CMSG_DATA(c), sizeof(*ret_at));
		}
	}
}

static void note_wait(struct ua *ua, const struct timespec *now, const struct timespec *at)
{
	int64_t us =
		(now->tv_sec - at->tv_sec) * INT64_C(1000000) + (now->tv_nsec - at->tv_nsec) / 1000;

	/* The time stamps are of the wall clock, which may be set. */
	if (at->tv_sec && us >= 0 && us < 10 * 1000000)
		ua_note_delay(ua, (uint32_t)us);
}

struct batch {
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iovs[UDP_BATCH];
	struct sockaddr_storage names[UDP_BATCH];
	alignas(struct cmsghdr) char controls[UDP_BATCH][CONTROL_BYTES];
};

static int recv_batch(struct ua_sock *s, struct batch *b)
{
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		b->iovs[i] = (struct iovec){
			s->ua->rx + (size_t)i * (LIMIT_SIP_MSG_BYTES + 1), LIMIT_SIP_MSG_BYTES + 1};
		b->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &b->names[i],
			.msg_namelen = sizeof(b->names[i]),
			.msg_iov = &b->iovs[i],
			.msg_iovlen = 1,
			.msg_control = b->controls[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}

	return recvmmsg(s->fd, b->msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
}

static void take_datagram(
	struct ua_sock *s, struct batch *b, unsigned i, const struct timespec *now)
{
	struct msghdr *h = &b->msgs[i].msg_hdr;
	struct timespec at = {0};
	struct sip_packet pkt = {
		.bytes = span(b->iovs[i].iov_base, b->msgs[i].msg_len),
		.transport = SIP_UDP,
		.local = s->addr,
	};

	read_control(h, &pkt.local, &at);
	note_wait(s->ua, now, &at);
	if (addr_from_sockaddr((struct sockaddr *)&b->names[i], &pkt.source) &&
		addr_port(&pkt.source))
		ua_recv(s->ua, &pkt);
}

static bool recv_some(struct ua_sock *s)
{
	struct batch b;
	struct timespec now;
	int n = recv_batch(s, &b);

	if (n <= 0)
		return false;
	s->ua->stats.udp_batches++;
	clock_gettime(CLOCK_REALTIME, &now);
	for (int i = 0; i < n && !s->ua->is_closed; i++)
		take_datagram(s, &b, (unsigned)i, &now);

	return n == UDP_BATCH;
}

/* --- ICMP --- */

static void target_unreachable(struct ua *ua, const struct addr *to, int err)
{
	msec_t now = clock_ms();
	char label[UA_LABEL_BYTES], why[UA_WHY_BYTES];

	ua_fault_text(err, SIP_UDP, ua_label(NULL, to, label), why);
	ua->stats.icmp_errors++;
	for (unsigned i = 0; i < LIMIT_UA_RECENT; i++) {
		struct udp_recent *r = &ua->recent[i];
		struct udp_recent gone = *r;

		if (!r->token || now - r->at > ICMP_WINDOW_MS || !addr_eq(&r->to, to))
			continue;
		*r = (struct udp_recent){0};
		if (gone.send)
			ua_send_failed(gone.send, err, NULL);
		else
			ua_tell_failure(ua, gone.token, err, why);
	}
	ua_avoid(ua, to);
}

static void read_errors(struct ua_sock *s)
{
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct sockaddr_storage name;
		alignas(struct cmsghdr) char control[512];
		char byte;
		struct iovec iov = {&byte, 1};
		struct msghdr h = {
			.msg_name = &name,
			.msg_namelen = sizeof(name),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct addr to;

		if (recvmsg(s->fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
			struct sock_extended_err e;

			if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
				(c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
				continue;
			memcpy(&e, CMSG_DATA(c), sizeof(e));
			if (e.ee_origin != SO_EE_ORIGIN_LOCAL &&
				addr_from_sockaddr((struct sockaddr *)&name, &to))
				target_unreachable(s->ua, &to, -(int)e.ee_errno);
		}
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ua_sock *s = poll->data;

	if (status < 0) {
		/* libuv stops a handle that polls POLLERR, which is how the error queue announces
		 * itself. */
		read_errors(s);
		uv_poll_start(poll, UV_READABLE, on_poll);
	}
	for (unsigned i = 0; i < BATCHES_PER_POLL && !s->ua->is_closed; i++)
		if (!recv_some(s))
			break;
}

/* --- out --- */

static size_t put_source(const struct addr *from, char *control)
{
	struct cmsghdr *c = (void *)control;

	if (from->family == AF_INET6) {
		struct in6_pktinfo info = {.ipi6_addr = from->v6.sin6_addr};

		*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}

	struct in_pktinfo info = {.ipi_spec_dst = from->v4.sin_addr};

	*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
	memcpy(CMSG_DATA(c), &info, sizeof(info));

	return CMSG_SPACE(sizeof(info));
}

static void remember(struct ua *ua, struct udp_out *o)
{
	struct udp_recent *r = &ua->recent[ua->recent_at];

	if (o->send && !locate_has_more(o->send->locate))
		o->send = ua_send_free(o->send);
	if (!o->token)
		return;
	ua_send_free(r->send);
	*r = (struct udp_recent){.to = o->to, .at = clock_ms(), .token = o->token, .send = o->send};
	o->send = NULL;
	ua->recent_at = (ua->recent_at + 1) % LIMIT_UA_RECENT;
}

static void refuse(struct ua *ua, struct udp_out *o, int err)
{
	if (err == -EAGAIN || err == -EWOULDBLOCK || err == -ENOBUFS) {
		ua->stats.udp_send_full++;
		ua_send_free(o->send);
	} else if (o->send) {
		ua_send_failed(o->send, err, NULL);
	} else {
		char label[UA_LABEL_BYTES], why[UA_WHY_BYTES];

		ua_tell_failure(ua, o->token, err, ua_fault_text(err, SIP_UDP, ua_label(NULL, &o->to, label), why));
	}
	o->send = NULL;
}

/* A run of datagrams for one socket: how many are done with, sent or not. */
static unsigned send_run(struct ua *ua, struct udp_out *o, unsigned count)
{
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iovs[UDP_BATCH];
	alignas(struct cmsghdr) char controls[UDP_BATCH][CONTROL_BYTES];
	unsigned n = 0;

	for (; n < count && o[n].sock == o->sock; n++) {
		iovs[n] = (struct iovec){ua->udp_buf + o[n].at, o[n].n};
		msgs[n].msg_hdr = (struct msghdr){
			.msg_name = &o[n].to.sa,
			.msg_namelen = addr_len(&o[n].to),
			.msg_iov = &iovs[n],
			.msg_iovlen = 1,
		};
		if (o->sock->is_any && addr_is_set(&o[n].from)) {
			memset(controls[n], 0, CONTROL_BYTES);
			msgs[n].msg_hdr.msg_control = controls[n];
			msgs[n].msg_hdr.msg_controllen = put_source(&o[n].from, controls[n]);
		}
	}

	int sent = sendmmsg(o->sock->fd, msgs, n, MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN) {
		read_errors(o->sock); /* perhaps the error of an earlier one */
		sent = sendmmsg(o->sock->fd, msgs, n, MSG_DONTWAIT);
	}
	if (sent <= 0) {
		refuse(ua, o, sent < 0 ? -errno : -EAGAIN);
		return 1;
	}
	ua->stats.udp_out += (unsigned)sent;
	for (int i = 0; i < sent; i++)
		remember(ua, &o[i]);

	return (unsigned)sent;
}

void udp_flush(struct ua *ua)
{
	/* What fails may send again and must find an empty batch, so the batch is taken first. */
	while (ua->udp_out_count) {
		struct udp_out out[UDP_BATCH];
		unsigned count = ua->udp_out_count;

		memcpy(out, ua->udp_out, count * sizeof(*out));
		ua->udp_out_count = 0;
		ua->is_flushing = true;
		for (unsigned i = 0; i < count;)
			i += send_run(ua, out + i, count - i);
		ua->is_flushing = false;
		if (!ua->udp_out_count)
			ua->udp_used = 0;
	}
}

void udp_send(struct ua_sock *sock, const struct udp_out *what, struct span bytes)
{
	struct ua *ua = sock->ua;
	bool is_full =
		ua->udp_out_count == UDP_BATCH || ua->udp_used + bytes.n > LIMIT_UA_UDP_OUT_BYTES;

	if (is_full && !ua->is_flushing)
		udp_flush(ua);
	if (ua->udp_out_count == UDP_BATCH || ua->udp_used + bytes.n > LIMIT_UA_UDP_OUT_BYTES) {
		struct udp_out dropped = *what;

		refuse(ua, &dropped,
			-EAGAIN); /* only when more fails in a flush than a batch holds */
		return;
	}

	struct udp_out *o = &ua->udp_out[ua->udp_out_count++];

	*o = *what;
	o->sock = sock;
	o->at = ua->udp_used;
	o->n = bytes.n;
	memcpy(ua->udp_buf + o->at, bytes.p, bytes.n);
	ua->udp_used += bytes.n;
}

void udp_recent_done(struct ua *ua)
{
	for (unsigned i = 0; i < LIMIT_UA_RECENT; i++)
		ua->recent[i].send = ua_send_free(ua->recent[i].send);
	for (unsigned i = 0; i < ua->udp_out_count; i++)
		ua_send_free(ua->udp_out[i].send);
	ua->udp_out_count = 0;
}
