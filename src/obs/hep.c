/* SPDX-License-Identifier: Apache-2.0 */
#include "obs/hep.h"
#include <sys/socket.h>
#include <unistd.h>

/* Chunk types of the generic vendor, HEP3 rev. 37 §3.1. */
enum chunk {
	FAMILY = 1,
	PROTOCOL = 2,
	IP4_FROM = 3,
	IP4_TO = 4,
	IP6_FROM = 5,
	IP6_TO = 6,
	PORT_FROM = 7,
	PORT_TO = 8,
	SECONDS = 9,
	MICROS = 10,
	TYPE = 11,
	AGENT = 12,
	KEY = 14,
	PAYLOAD = 15,
	CORRELATION = 17,
	NAME = 19,
};

enum { HEAD = 6, IP4 = 2, IP6 = 10, TCP = 6, UDP = 17 };

struct hep {
	struct hep_params params;
	int fd;
	uint64_t lost;
	uint8_t buf[HEP_MOST];
};

struct out {
	uint8_t *p;
	size_t n, cap;
	bool is_full;
};

static void put(struct out *o, enum chunk type, const void *body, size_t n)
{
	if (o->is_full || o->n + HEAD + n > o->cap) {
		o->is_full = true;
		return;
	}

	uint8_t head[HEAD] = {0, 0, 0, (uint8_t)type, (uint8_t)((n + HEAD) >> 8), (uint8_t)(n + HEAD)};

	memcpy(o->p + o->n, head, HEAD);
	if (n)
		memcpy(o->p + o->n + HEAD, body, n);
	o->n += HEAD + n;
}

/* Of 1, 2 or 4 bytes, big-endian. */
static void put_number(struct out *o, enum chunk type, uint32_t v, size_t n)
{
	uint8_t body[4];

	for (size_t i = 0; i < n; i++)
		body[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	put(o, type, body, n);
}

static void put_addresses(struct out *o, const struct hep_message *m)
{
	bool is_v6 = m->from.family == AF_INET6;

	put_number(o, FAMILY, is_v6 ? IP6 : IP4, 1);
	put_number(o, PROTOCOL, m->is_datagram ? UDP : TCP, 1);
	if (is_v6) {
		put(o, IP6_FROM, &m->from.v6.sin6_addr, 16);
		put(o, IP6_TO, &m->to.v6.sin6_addr, 16);
	} else {
		put(o, IP4_FROM, &m->from.v4.sin_addr, 4);
		put(o, IP4_TO, &m->to.v4.sin_addr, 4);
	}
	put_number(o, PORT_FROM, addr_port(&m->from), 2);
	put_number(o, PORT_TO, addr_port(&m->to), 2);
}

size_t hep_write(const struct hep_sender *sender, enum hep_type type, const struct hep_message *m, uint8_t *ret, size_t cap)
{
	struct out o = {.p = ret, .n = HEAD, .cap = MIN(cap, (size_t)HEP_MOST)};

	if (cap < HEAD || m->from.family != m->to.family || !addr_is_set(&m->from))
		return 0;
	put_addresses(&o, m);
	put_number(&o, SECONDS, (uint32_t)(m->wall_us / 1000000), 4);
	put_number(&o, MICROS, (uint32_t)(m->wall_us % 1000000), 4);
	put_number(&o, TYPE, type, 1);
	put_number(&o, AGENT, sender->agent_id, 4);
	if (sender->key)
		put(&o, KEY, sender->key, strlen(sender->key));
	if (sender->name)
		put(&o, NAME, sender->name, strlen(sender->name));
	if (m->correlation.n)
		put(&o, CORRELATION, m->correlation.p, m->correlation.n);
	put(&o, PAYLOAD, m->bytes.p, m->bytes.n);
	if (o.is_full)
		return 0;
	memcpy(ret, "HEP3", 4);
	ret[4] = (uint8_t)(o.n >> 8);
	ret[5] = (uint8_t)o.n;

	return o.n;
}

int hep_new(const struct hep_params *params, struct hep **ret)
{
	struct hep *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->params = *params;
	h->fd = socket(params->server.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (h->fd < 0) {
		int err = -errno;

		free(h);
		return err;
	}
	*ret = h;

	return 0;
}

struct hep *hep_free(struct hep *h)
{
	if (!h)
		return NULL;
	close(h->fd);
	free(h);

	return NULL;
}

void hep_send(struct hep *h, enum hep_type type, const struct hep_message *m)
{
	size_t n = hep_write(&h->params.sender, type, m, h->buf, sizeof(h->buf));

	if (!n || sendto(h->fd, h->buf, n, 0, &h->params.server.sa, addr_len(&h->params.server)) < 0)
		h->lost++;
}

uint64_t hep_lost(const struct hep *h)
{
	return h->lost;
}
