/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "nat/relay.h"

/*
 * An Internet for tests, in virtual time: hosts behind NATs of every kind, a STUN server, a TURN server with long-term credentials;
 * links that lose, repeat and reorder. Header-only. Everything random comes from one seed.
 */

enum nat_kind { NAT_NONE, NAT_FULL_CONE, NAT_RESTRICTED, NAT_PORT_RESTRICTED, NAT_SYMMETRIC, NAT_KINDS };

#define NET_PACKETS   512
#define NET_MAPPINGS  128
#define NET_FILTERS   32
#define NET_ENDPOINTS 8
#define NET_NATS      2
#define TURN_ALLOCS   4
#define TURN_PERMITS  32

typedef void net_fn(void *ctx, const struct addr *to, const struct addr *from, const uint8_t *bytes, size_t n);

struct net_packet {
	msec_t at;
	struct addr from, to;
	size_t n;
	uint8_t bytes[1500];
};

struct net_mapping {
	struct addr inside, dest; /* dest: symmetric ones only */
	uint16_t port;
	struct addr filters[NET_FILTERS]; /* whom the inside has sent to */
	unsigned filter_count;
};

struct net_nat {
	enum nat_kind kind;
	struct addr public_ip;
	uint8_t inside_net; /* 10.x.0.0/16 */
	struct net_mapping mappings[NET_MAPPINGS];
	unsigned count;
	uint16_t next_port;
};

struct net_allocation {
	bool is_used;
	struct addr client, relayed;
	msec_t until;
	struct addr permits[TURN_PERMITS];
	unsigned permit_count;
	struct addr channels[TURN_PERMITS]; /* number 0x4000 + index */
};

struct net_turn {
	struct addr addr;
	const char *user, *password;
	char nonce[40];
	enum stun_algorithm algorithm;
	uint32_t lifetime_s;
	struct net_allocation allocations[TURN_ALLOCS];
	unsigned requests, refused;
	bool is_silent;
};

static struct {
	uint64_t seed;
	msec_t now;
	unsigned lost_permille, repeated_permille, delay_ms, jitter_ms;
	bool is_cut;
	struct net_packet packets[NET_PACKETS];
	unsigned packet_count;
	struct {
		struct addr addr;
		net_fn *fn;
		void *ctx;
	} endpoints[NET_ENDPOINTS];
	unsigned endpoint_count;
	struct net_nat nats[NET_NATS];
	struct addr stun;
	struct net_turn turn;
} net;

static inline struct addr net_addr(const char *text)
{
	struct addr a = {0};

	assert_true(addr_parse(span_z(text), 0, &a));

	return a;
}

static inline void net_start(uint64_t seed, enum nat_kind a, enum nat_kind b)
{
	memset(&net, 0, sizeof(net));
	net.seed = seed | 1;
	net.now = 1000000;
	net.delay_ms = 20;
	net.nats[0] = (struct net_nat){.kind = a, .public_ip = net_addr("198.51.100.1:0"), .inside_net = 1, .next_port = 40000};
	net.nats[1] = (struct net_nat){.kind = b, .public_ip = net_addr("203.0.113.1:0"), .inside_net = 2, .next_port = 50000};
	net.stun = net_addr("192.0.2.10:3478");
	net.turn = (struct net_turn){.addr = net_addr("192.0.2.20:3478"), .user = "user", .password = "secret", .nonce = "nonce-1",
		.algorithm = STUN_MD5, .lifetime_s = 600};
}

static inline void net_listen(const struct addr *a, net_fn *fn, void *ctx)
{
	assert_true(net.endpoint_count < NET_ENDPOINTS);
	net.endpoints[net.endpoint_count].addr = *a;
	net.endpoints[net.endpoint_count].fn = fn;
	net.endpoints[net.endpoint_count++].ctx = ctx;
}

static inline uint8_t net_octet(const struct addr *a, int i)
{
	return (uint8_t)(ntohl(a->v4.sin_addr.s_addr) >> (24 - 8 * i));
}

static inline struct net_nat *net_nat_inside(const struct addr *a)
{
	for (int i = 0; i < NET_NATS; i++)
		if (net_octet(a, 0) == 10 && net_octet(a, 1) == net.nats[i].inside_net)
			return &net.nats[i];

	return NULL;
}

static inline struct net_nat *net_nat_outside(const struct addr *a)
{
	for (int i = 0; i < NET_NATS; i++)
		if (addr_ip_eq(a, &net.nats[i].public_ip))
			return &net.nats[i];

	return NULL;
}

static inline struct net_mapping *net_map(struct net_nat *n, const struct addr *inside, const struct addr *dest)
{
	for (unsigned i = 0; i < n->count; i++) {
		struct net_mapping *m = &n->mappings[i];

		if (addr_eq(&m->inside, inside) && (n->kind != NAT_SYMMETRIC || addr_eq(&m->dest, dest)))
			return m;
	}
	assert_true(n->count < NET_MAPPINGS);

	struct net_mapping *m = &n->mappings[n->count++];

	*m = (struct net_mapping){.inside = *inside, .dest = *dest, .port = n->next_port};
	n->next_port = (uint16_t)(n->next_port + 7);

	return m;
}

static inline void net_post(const struct addr *from, const struct addr *to, const uint8_t *bytes, size_t n)
{
	if (net.is_cut || prng_u32(&net.seed) % 1000 < net.lost_permille)
		return;

	unsigned copies = 1 + (prng_u32(&net.seed) % 1000 < net.repeated_permille);

	while (copies-- && net.packet_count < NET_PACKETS) {
		struct net_packet *p = &net.packets[net.packet_count++];

		assert_true(n <= sizeof(p->bytes));
		p->at = net.now + net.delay_ms + (net.jitter_ms ? prng_u32(&net.seed) % net.jitter_ms : 0);
		p->from = *from;
		p->to = *to;
		p->n = n;
		memcpy(p->bytes, bytes, n);
	}
}

static inline void net_send(const struct addr *from, const struct addr *to, const uint8_t *bytes, size_t n)
{
	struct net_nat *nat = net_nat_inside(from);
	struct addr source = *from;

	if (nat && nat->kind != NAT_NONE && net_nat_inside(to) != nat) {
		struct net_mapping *m = net_map(nat, from, to);
		bool is_known = false;

		for (unsigned i = 0; i < m->filter_count; i++)
			is_known |= addr_eq(&m->filters[i], to);
		if (!is_known && m->filter_count < NET_FILTERS)
			m->filters[m->filter_count++] = *to;
		source = nat->public_ip;
		addr_set_port(&source, m->port);
	}
	net_post(&source, to, bytes, n);
}

static inline bool net_passes(const struct net_nat *nat, const struct net_mapping *m, const struct addr *from)
{
	if (nat->kind == NAT_FULL_CONE)
		return true;
	for (unsigned i = 0; i < m->filter_count; i++)
		if (nat->kind == NAT_RESTRICTED ? addr_ip_eq(&m->filters[i], from) : addr_eq(&m->filters[i], from))
			return true;

	return false;
}

/* ---- servers -------------------------------------------------------------------------------------------------------------------- */

static inline void net_stun_server(const struct net_packet *p)
{
	uint8_t bytes[200];
	struct stun_writer w;
	struct stun_msg m;
	size_t n;

	if (stun_parse(p->bytes, p->n, &m) != 0 || m.cls != STUN_REQUEST)
		return;
	stun_begin(&w, bytes, sizeof(bytes), STUN_SUCCESS, STUN_BINDING, &m.id);
	stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &p->from);
	stun_put_fingerprint(&w);
	assert_int_equal(stun_end(&w, &n), 0);
	net_send(&net.stun, &p->from, bytes, n);
}

static inline struct net_allocation *net_allocation_of(const struct addr *client)
{
	for (int i = 0; i < TURN_ALLOCS; i++)
		if (net.turn.allocations[i].is_used && net.turn.allocations[i].until > net.now &&
			addr_eq(&net.turn.allocations[i].client, client))
			return &net.turn.allocations[i];

	return NULL;
}

static inline bool net_has_permit(const struct net_allocation *a, const struct addr *peer)
{
	for (unsigned i = 0; i < a->permit_count; i++)
		if (addr_ip_eq(&a->permits[i], peer))
			return true;

	return false;
}

static inline void net_permit(struct net_allocation *a, const struct addr *peer)
{
	if (!net_has_permit(a, peer) && a->permit_count < TURN_PERMITS)
		a->permits[a->permit_count++] = *peer;
}

static inline size_t net_turn_key(uint8_t *ret)
{
	return stun_long_term_key(net.turn.algorithm, span_z(net.turn.user), SPAN_LIT("test"), span_z(net.turn.password), ret);
}

static inline void net_turn_answer(const struct addr *to, struct stun_writer *w, bool is_signed)
{
	uint8_t key[32];
	size_t n, key_n = net_turn_key(key);

	if (is_signed && net.turn.algorithm == STUN_SHA256)
		stun_put_integrity256(w, span((char *)key, key_n));
	else if (is_signed)
		stun_put_integrity(w, span((char *)key, key_n));
	assert_int_equal(stun_end(w, &n), 0);
	net_send(&net.turn.addr, to, w->bytes, n);
}

/* False: a challenge was sent. */
static inline bool net_turn_admits(const struct addr *from, const struct stun_msg *m)
{
	uint8_t bytes[600], key[32];
	size_t key_n = net_turn_key(key);
	struct span k = span((char *)key, key_n);
	bool is_sha256 = net.turn.algorithm == STUN_SHA256;
	bool is_fresh = span_eq_z(m->nonce, net.turn.nonce);
	bool is_right = span_eq_z(m->username, net.turn.user) && (is_sha256 ? stun_is_authentic256(m, k) : stun_is_authentic(m, k));
	struct stun_writer w;

	net.turn.requests++;
	if (is_right && is_fresh)
		return true;
	net.turn.refused++;
	stun_begin(&w, bytes, sizeof(bytes), STUN_ERROR, m->method, &m->id);
	if (is_right)
		stun_put_error(&w, 438, "Stale Nonce");
	else
		stun_put_error(&w, 401, "Unauthorized");
	stun_put_span(&w, STUN_REALM, SPAN_LIT("test"));
	stun_put_span(&w, STUN_NONCE, span_z(net.turn.nonce));
	if (is_sha256)
		stun_put(&w, STUN_PASSWORD_ALGORITHMS, "\0\2\0\0\0\1\0\0", 8);
	net_turn_answer(from, &w, false);

	return false;
}

static inline void net_turn_request(const struct net_packet *p, const struct stun_msg *m)
{
	struct net_allocation *a = net_allocation_of(&p->from);
	uint8_t bytes[600];
	struct stun_writer w;

	if (!net_turn_admits(&p->from, m))
		return;
	stun_begin(&w, bytes, sizeof(bytes), STUN_SUCCESS, m->method, &m->id);
	if (m->method == TURN_ALLOCATE) {
		int i = 0;

		while (!a && net.turn.allocations[i].is_used)
			assert_true(++i < TURN_ALLOCS);
		if (!a) {
			a = &net.turn.allocations[i];
			*a = (struct net_allocation){.is_used = true, .client = p->from, .relayed = net.turn.addr};
			addr_set_port(&a->relayed, (uint16_t)(60000 + i));
		}
		a->until = net.now + 1000 * (msec_t)net.turn.lifetime_s;
		stun_put_addr(&w, TURN_XOR_RELAYED_ADDRESS, &a->relayed);
		stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &p->from);
		stun_put_u32(&w, TURN_LIFETIME, net.turn.lifetime_s);
	} else if (!a) {
		stun_begin(&w, bytes, sizeof(bytes), STUN_ERROR, m->method, &m->id);
		stun_put_error(&w, 437, "Allocation Mismatch");
	} else if (m->method == TURN_REFRESH) {
		a->until = net.now + 1000 * (msec_t)(m->lifetime_s ? net.turn.lifetime_s : 0);
		a->is_used = m->lifetime_s > 0;
		stun_put_u32(&w, TURN_LIFETIME, m->lifetime_s ? net.turn.lifetime_s : 0);
	} else {
		net_permit(a, &m->peer);
		if (m->method == TURN_CHANNEL_BIND)
			a->channels[m->channel - 0x4000] = m->peer;
	}
	net_turn_answer(&p->from, &w, true);
}

/* To a peer, from the relayed address. */
static inline void net_relay_out(struct net_allocation *a, const struct addr *peer, const uint8_t *bytes, size_t n)
{
	if (a && net_has_permit(a, peer))
		net_send(&a->relayed, peer, bytes, n);
}

/* From a peer, to the client. */
static inline void net_relay_in(struct net_allocation *a, const struct net_packet *p)
{
	uint8_t bytes[1500];
	struct stun_writer w;
	struct stun_id id = {"indication.."};

	if (!net_has_permit(a, &p->from))
		return;
	for (int i = 0; i < TURN_PERMITS; i++) {
		if (!addr_is_set(&a->channels[i]) || !addr_eq(&a->channels[i], &p->from))
			continue;
		bytes[0] = 0x40;
		bytes[1] = (uint8_t)i;
		bytes[2] = (uint8_t)(p->n >> 8);
		bytes[3] = (uint8_t)p->n;
		memcpy(bytes + 4, p->bytes, p->n);
		net_send(&net.turn.addr, &a->client, bytes, p->n + 4);
		return;
	}
	stun_begin(&w, bytes, sizeof(bytes), STUN_INDICATION, TURN_DATA, &id);
	stun_put_addr(&w, TURN_XOR_PEER_ADDRESS, &p->from);
	stun_put(&w, TURN_DATA_ATTR, p->bytes, p->n);
	net_turn_answer(&a->client, &w, false);
}

static inline void net_turn_server(const struct net_packet *p)
{
	struct net_allocation *a = net_allocation_of(&p->from);
	struct stun_msg m;
	size_t n = 0;
	uint16_t channel = relay_channel_of(p->bytes, p->n, &n);

	if (net.turn.is_silent)
		return;
	if (channel && a && addr_is_set(&a->channels[channel - 0x4000]))
		net_relay_out(a, &a->channels[channel - 0x4000], p->bytes + 4, n);
	if (channel || stun_parse(p->bytes, p->n, &m) != 0)
		return;
	if (m.cls == STUN_INDICATION && m.method == TURN_SEND)
		net_relay_out(a, &m.peer, (const uint8_t *)m.data.p, m.data.n);
	else if (m.cls == STUN_REQUEST)
		net_turn_request(p, &m);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------ */

static inline void net_arrive(const struct net_packet *p)
{
	struct net_nat *nat = net_nat_outside(&p->to);
	struct addr to = p->to;

	if (addr_eq(&to, &net.stun)) {
		net_stun_server(p);
		return;
	}
	if (addr_eq(&to, &net.turn.addr)) {
		net_turn_server(p);
		return;
	}
	for (int i = 0; i < TURN_ALLOCS; i++)
		if (net.turn.allocations[i].is_used && addr_eq(&net.turn.allocations[i].relayed, &to)) {
			net_relay_in(&net.turn.allocations[i], p);
			return;
		}
	if (nat) {
		struct net_mapping *m = NULL;

		for (unsigned i = 0; i < nat->count; i++)
			if (nat->mappings[i].port == addr_port(&to))
				m = &nat->mappings[i];
		if (!m || !net_passes(nat, m, &p->from))
			return;
		to = m->inside;
	} else if (net_nat_inside(&to) && net_nat_inside(&to)->kind != NAT_NONE && net_nat_inside(&to) != net_nat_inside(&p->from)) {
		return; /* a private address from outside its network */
	}
	for (unsigned i = 0; i < net.endpoint_count; i++)
		if (addr_eq(&net.endpoints[i].addr, &to))
			net.endpoints[i].fn(net.endpoints[i].ctx, &to, &p->from, p->bytes, p->n);
}

/* Delivers what is due at net.now. */
static inline void net_deliver(void)
{
	for (unsigned i = 0; i < net.packet_count;) {
		if (net.packets[i].at > net.now) {
			i++;
			continue;
		}

		struct net_packet p = net.packets[i];

		net.packets[i] = net.packets[--net.packet_count];
		net_arrive(&p);
		i = 0;
	}
}

static inline msec_t net_next(void)
{
	msec_t next = NEVER;

	for (unsigned i = 0; i < net.packet_count; i++)
		next = MIN(next, net.packets[i].at);

	return next;
}
