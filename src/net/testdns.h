/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include <uv.h>

/*
 * A name server for tests, on 127.0.0.1 and the test's own loop: answers from a table, says
 * NXDOMAIN to the rest, and can be told to fail or to be silent. Header-only, as base/testing.h.
 */

struct testdns_record {
	const char *name;
	uint16_t type; /* 1 A, 28 AAAA, 33 SRV, 35 NAPTR */
	uint32_t ttl_s;
	const char *data; /* A, AAAA: text; SRV: "prio weight port target"; NAPTR: "order pref flags
			     service replacement" */
};

enum testdns_mood { TESTDNS_WELL, TESTDNS_SERVFAIL, TESTDNS_SILENT };

struct testdns {
	uv_udp_t udp;
	const struct testdns_record *records; /* ends with name NULL */
	enum testdns_mood mood;
	unsigned queries;
	uint8_t rx[1024];
	uint8_t tx[4096];
	size_t n;
};

static inline void testdns_put(struct testdns *d, const void *p, size_t n)
{
	assert_true(d->n + n <= sizeof(d->tx));
	memcpy(d->tx + d->n, p, n);
	d->n += n;
}

static inline void testdns_put16(struct testdns *d, unsigned v)
{
	testdns_put(d, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static inline void testdns_put_name(struct testdns *d, const char *name)
{
	struct span rest = span_z(name);

	while (rest.n) {
		struct span label = span_cut(&rest, '.');
		uint8_t n = (uint8_t)label.n;

		testdns_put(d, &n, 1);
		testdns_put(d, label.p, label.n);
	}
	testdns_put(d, "", 1);
}

static inline void testdns_put_text(struct testdns *d, const char *s)
{
	uint8_t n = (uint8_t)strlen(s);

	testdns_put(d, &n, 1);
	testdns_put(d, s, n);
}

static inline void testdns_put_data(struct testdns *d, const struct testdns_record *r)
{
	unsigned a, b, c;
	char x[64], y[64], z[128];
	struct in6_addr ip;

	if (r->type == 1 || r->type == 28) {
		assert_int_equal(inet_pton(r->type == 1 ? AF_INET : AF_INET6, r->data, &ip), 1);
		testdns_put(d, &ip, r->type == 1 ? 4 : 16);
	} else if (r->type == 33) {
		assert_int_equal(sscanf(r->data, "%u %u %u %127s", &a, &b, &c, z), 4);
		testdns_put16(d, a);
		testdns_put16(d, b);
		testdns_put16(d, c);
		testdns_put_name(d, strcmp(z, ".") == 0 ? "" : z);
	} else {
		assert_int_equal(sscanf(r->data, "%u %u %63s %63s %127s", &a, &b, x, y, z), 5);
		testdns_put16(d, a);
		testdns_put16(d, b);
		testdns_put_text(d, x);
		testdns_put_text(d, y);
		testdns_put_text(d, "");
		testdns_put_name(d, z);
	}
}

static inline void testdns_put_record(struct testdns *d, const struct testdns_record *r)
{
	size_t length_at;

	testdns_put16(d, 0xc00c); /* the name asked for */
	testdns_put16(d, r->type);
	testdns_put16(d, 1);
	testdns_put16(d, r->ttl_s >> 16);
	testdns_put16(d, r->ttl_s & 0xffff);
	length_at = d->n;
	testdns_put16(d, 0);
	testdns_put_data(d, r);
	d->tx[length_at] = (uint8_t)((d->n - length_at - 2) >> 8);
	d->tx[length_at + 1] = (uint8_t)(d->n - length_at - 2);
}

/* The question's name as text; where it ends. */
static inline size_t testdns_question(const uint8_t *p, size_t n, char ret_name[256])
{
	size_t at = 12, to = 0;

	while (at < n && p[at]) {
		memcpy(ret_name + to, p + at + 1, p[at]);
		to += p[at];
		ret_name[to++] = '.';
		at += 1u + p[at];
	}
	ret_name[to ? to - 1 : 0] = 0;

	return at + 1;
}

static inline void testdns_answer(struct testdns *d, const uint8_t *p, size_t n)
{
	char name[256];
	size_t end = testdns_question(p, n, name);
	unsigned type = (unsigned)(p[end] << 8 | p[end + 1]), count = 0;
	bool is_known = false;

	d->n = 0;
	testdns_put(d, p, end + 4);
	for (const struct testdns_record *r = d->records; r->name && d->mood == TESTDNS_WELL; r++) {
		if (strcasecmp(r->name, name) != 0)
			continue;
		is_known = true;
		if (r->type == type) {
			testdns_put_record(d, r);
			count++;
		}
	}
	memcpy(d->tx + 2, (uint8_t[]){0x84, 0x80, 0, 1, 0, (uint8_t)count, 0, 0, 0, 0}, 10);
	d->tx[3] |= d->mood == TESTDNS_SERVFAIL ? 2 : is_known ? 0 : 3;
}

static inline void testdns_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct testdns *d = h->data;

	*buf = uv_buf_init((char *)d->rx, sizeof(d->rx));
}

static inline void testdns_recv(
	uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	struct testdns *d = h->data;

	if (n < 17 || !from)
		return;
	d->queries++;
	if (d->mood == TESTDNS_SILENT)
		return;
	testdns_answer(d, d->rx, (size_t)n);

	uv_buf_t out = uv_buf_init((char *)d->tx, (unsigned)d->n);

	uv_udp_try_send(h, &out, 1, from);
}

/* ret_server: "127.0.0.1:port" for dns_new. */
static inline void testdns_start(struct testdns *d, uv_loop_t *loop,
	const struct testdns_record *records, char ret_server[64])
{
	struct sockaddr_in sa;
	int n = sizeof(sa);

	*d = (struct testdns){.records = records};
	uv_ip4_addr("127.0.0.1", 0, &sa);
	assert_int_equal(uv_udp_init(loop, &d->udp), 0);
	assert_int_equal(uv_udp_bind(&d->udp, (struct sockaddr *)&sa, 0), 0);
	assert_int_equal(uv_udp_getsockname(&d->udp, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(uv_udp_recv_start(&d->udp, testdns_alloc, testdns_recv), 0);
	d->udp.data = d;
	snprintf(ret_server, 64, "127.0.0.1:%u", ntohs(sa.sin_port));
}

static inline void testdns_stop(struct testdns *d)
{
	uv_close((uv_handle_t *)&d->udp, NULL);
}
