/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <unistd.h>

/* Expedited forwarding, RFC 3246 and RFC 4594 §4.1: telephony. */
#define TOS_EF (46 << 2)

/* Voice of a second even from a peer that sends 10 ms packets; more would only be stale. */
#define RECV_BUFFER_BYTES 65536

/* Pairs that somebody else holds, passed over in one open. */
#define BIND_TRIES 64

int port_pool_init(struct port_pool *p, uint16_t min, uint16_t max, int64_t rest_us)
{
	uint16_t first = (uint16_t)((min + 1) & ~1);
	uint64_t seed;

	if (min == 0 || max <= first)
		return -EINVAL;

	uint32_t count = ((uint32_t)max - first + 1) / 2;

	*p = (struct port_pool){.first = first, .count = count, .n_free = count, .rest_us = rest_us};
	p->pairs = calloc(count, sizeof(*p->pairs));
	p->freed_at_us = calloc(count, sizeof(*p->freed_at_us));
	if (!p->pairs || !p->freed_at_us) {
		port_pool_done(p);
		return -ENOMEM;
	}

	/* In random order: a port that cannot be guessed is the first guard against injected media. */
	random_bytes(&seed, sizeof(seed));
	seed |= 1;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = prng_u32(&seed) % (i + 1);

		p->pairs[i] = p->pairs[at];
		p->pairs[at] = (uint16_t)i;
		p->freed_at_us[i] = INT64_MIN / 2;
	}

	return 0;
}

void port_pool_done(struct port_pool *p)
{
	free(p->pairs);
	free(p->freed_at_us);
	*p = (struct port_pool){0};
}

/* The pair that has rested longest; -TR_ENOPORT when none has rested enough. */
static int take(struct port_pool *p, int64_t now_us, uint16_t *ret_port)
{
	if (p->n_free == 0 || now_us - p->freed_at_us[p->free_head] < p->rest_us)
		return -TR_ENOPORT;

	*ret_port = (uint16_t)(p->first + 2 * p->pairs[p->free_head]);
	p->free_head = (p->free_head + 1) % p->count;
	p->n_free--;

	return 0;
}

/* Not used after all: it goes first again, as rested as it was. */
static void put_back(struct port_pool *p, uint16_t port)
{
	p->free_head = (p->free_head + p->count - 1) % p->count;
	p->pairs[p->free_head] = (uint16_t)((port - p->first) / 2);
	p->freed_at_us[p->free_head] = INT64_MIN / 2;
	p->n_free++;
}

void port_pool_put(struct port_pool *p, uint16_t port, int64_t now_us)
{
	uint32_t at = (p->free_head + p->n_free) % p->count;

	assert(p->n_free < p->count);
	p->pairs[at] = (uint16_t)((port - p->first) / 2);
	p->freed_at_us[at] = now_us;
	p->n_free++;
}

uint32_t port_pool_ready(const struct port_pool *p, int64_t now_us)
{
	uint32_t n = 0;

	/* Ordered by the time they were freed: the first that must rest ends the count. */
	while (n < p->n_free && now_us - p->freed_at_us[(p->free_head + n) % p->count] >= p->rest_us)
		n++;

	return n;
}

static int open_one(const struct addr *bind_to, uint16_t port, int *ret_fd)
{
	struct addr at = *bind_to;
	int fd = socket(at.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, tos = TOS_EF, bytes = RECV_BUFFER_BYTES;

	if (fd < 0)
		return -errno;

	addr_set_port(&at, port);
	/* Wishes, not needs: a container may refuse them, and the call works all the same. */
	if (at.family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	} else {
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));

	if (bind(fd, &at.sa, addr_len(&at)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;

	return 0;
}

static int open_pair(const struct addr *bind_to, uint16_t port, struct sockets *ret)
{
	struct sockets s = {.rtp = -1, .rtcp = -1, .local = *bind_to};
	int err = open_one(bind_to, port, &s.rtp);

	if (!err)
		err = open_one(bind_to, (uint16_t)(port + 1), &s.rtcp);
	if (err) {
		sockets_close(&s);
		return err;
	}
	addr_set_port(&s.local, port);
	*ret = s;

	return 0;
}

int sockets_open(struct port_pool *p, const struct addr *bind_to, int64_t now_us, struct sockets *ret)
{
	for (int i = 0; i < BIND_TRIES; i++) {
		uint16_t port;
		int err = take(p, now_us, &port);

		if (err)
			return err;

		err = open_pair(bind_to, port, ret);
		if (!err)
			return 0;
		if (err != -EADDRINUSE) {
			put_back(p, port);
			return err;
		}
		/* Another program has it: to the end of the line, and try the next. */
		port_pool_put(p, port, now_us);
	}

	return -TR_ENOPORT;
}

bool stream_put(struct stream *s, int fd, const uint8_t *bytes, size_t n, const struct addr *to)
{
	const struct route *r = &s->gear->route;
	uint8_t head[RELAY_CHANNEL_HEAD] = {(uint8_t)(r->channel >> 8), (uint8_t)r->channel, (uint8_t)(n >> 8), (uint8_t)n};
	union {
		const uint8_t *in;
		void *out; /* iovec wants it so; nothing is written */
	} text = {.in = bytes};
	struct iovec parts[] = {{head, sizeof(head)}, {text.out, n}};
	union {
		const struct addr *in;
		void *out;
	} name = {.in = &r->via};
	struct msghdr msg = {.msg_name = name.out, .msg_namelen = addr_len(&r->via), .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts)};

	if (!r->channel)
		return sendto(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, addr_len(to)) >= 0;

	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void sockets_close(struct sockets *s)
{
	if (s->rtp >= 0)
		close(s->rtp);
	if (s->rtcp >= 0)
		close(s->rtcp);
	s->rtp = s->rtcp = -1;
}
