/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/ice_priv.h"
#include "nat/testnet.h"

/*
 * Two agents through NATs of every kind, with loss, repetition and reordering, over hundreds of seeds. What counts: both use a path,
 * what each sends arrives at the other, and where no path exists both say so.
 */
struct party {
	const char *name;
	struct addr host;
	struct ice *ice;
	struct relay *turn; /* NULL: no relay */
	struct stun_query query;
	bool is_offerer, is_lite, is_trickling;
	struct ice_description sent; /* what the other is told */
	msec_t next;
	bool is_gathered; /* it knew all its candidates when it described itself */
	unsigned heard;
};

static struct party a, b;

/* ---- wiring ------------------------------------------------------------------------------------------------------------------- */

static void party_send(void *ctx, unsigned base, const struct addr *to, const uint8_t *bytes, size_t n)
{
	struct party *p = ctx;

	if (base == 0) {
		net_send(&p->host, to, bytes, n);
		return;
	}
	(void)!relay_permit(p->turn, to, net.now);
	(void)!relay_send(p->turn, to, bytes, n);
}

static void turn_out(void *ctx, const struct addr *to, const uint8_t *bytes, size_t n)
{
	const struct party *p = ctx;

	net_send(&p->host, to, bytes, n);
}

static void take(struct party *p, unsigned base, const struct addr *from, const uint8_t *bytes, size_t n)
{
	struct stun_msg m;

	if (n == 4 && memcmp(bytes, "\x80tip", 4) == 0) {
		p->heard++;
		return;
	}
	if (p->query.state == STUN_ASKING && base == 0 && stun_parse(bytes, n, &m) == 0 && stun_query_recv(&p->query, from, &m, net.now))
		return;
	(void)ice_recv(p->ice, base, from, bytes, n, net.now);
}

static void party_recv(void *ctx, const struct addr *to, const struct addr *from, const uint8_t *bytes, size_t n)
{
	struct party *p = ctx;
	struct relay_data data;

	if (p->turn && relay_recv(p->turn, from, bytes, n, net.now, &data)) {
		if (data.bytes)
			take(p, 1, &data.peer, data.bytes, data.n);
		return;
	}
	take(p, 0, from, bytes, n);
}

static void tick(struct party *p)
{
	uint8_t bytes[200];
	size_t n;

	p->next = NEVER;
	if (p->query.state == STUN_ASKING) {
		if (stun_query_tick(&p->query, net.now, bytes, sizeof(bytes), &n))
			net_send(&p->host, &p->query.server, bytes, n);
		p->next = stun_trans_next(&p->query.trans);
	}
	if (p->turn)
		p->next = MIN(p->next, relay_tick(p->turn, net.now));
	p->next = MIN(p->next, ice_tick(p->ice, net.now));
}

static void run(msec_t ms)
{
	msec_t end = net.now + ms;

	while (net.now < end) {
		net_deliver();
		tick(&a);
		tick(&b);
		net.now = MIN(end, MAX(net.now + 1, MIN(net_next(), MIN(a.next, b.next))));
	}
}

/* ---- parties -------------------------------------------------------------------------------------------------------------------- */

static void seed_bytes(uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)prng_u32(&net.seed);
}

static void party_new(struct party *p, const char *name, const char *host, bool has_turn, bool is_aggressive)
{
	struct ice_params ip = {.is_lite = p->is_lite, .is_aggressive = is_aggressive, .send = party_send, .ctx = p};
	struct stun_id id;

	p->name = name;
	p->host = net_addr(host);
	seed_bytes(ip.seed, sizeof(ip.seed));
	seed_bytes(id.bytes, sizeof(id.bytes));
	assert_int_equal(ice_new(&p->ice, &ip), 0);
	assert_int_equal(ice_add_local(p->ice, ICE_HOST, 0, &p->host, NULL), 0);
	net_listen(&p->host, party_recv, p);
	stun_query_start(&p->query, &net.stun, &id, 0, net.now);
	if (has_turn) {
		struct relay_params tp = {
			.server = net.turn.addr, .user = SPAN_LIT("user"), .password = SPAN_LIT("secret"), .send = turn_out, .ctx = p};

		seed_bytes(tp.seed, sizeof(tp.seed));
		assert_int_equal(relay_new(&p->turn, &tp), 0);
		relay_start(p->turn, net.now);
	}
}

static void party_free(struct party *p)
{
	ice_free(p->ice);
	relay_free(p->turn);
	*p = (struct party){0};
}

static void describe(struct party *p)
{
	if (p->query.state == STUN_ANSWERED)
		assert_int_equal(ice_add_local(p->ice, ICE_SRFLX, 0, &p->query.mapped, &p->host), 0);
	if (p->turn && relay_state(p->turn) == RELAY_READY)
		assert_int_equal(ice_add_local(p->ice, ICE_RELAY, 1, relay_relayed(p->turn), relay_mapped(p->turn)), 0);
	p->is_gathered = p->query.state == STUN_ANSWERED && (!p->turn || relay_state(p->turn) == RELAY_READY);
	ice_describe(p->ice, &p->sent);
}

/* What p is told of the other; a trickling one names its candidates one after the other, later. */
static void tell(struct party *p, const struct party *other, bool is_offerer)
{
	struct ice_description d = other->sent;

	if (other->is_trickling) {
		d.count = 0;
		d.does_trickle = true;
		d.is_complete = false;
	}
	ice_begin(p->ice, &d, is_offerer, net.now);
	for (unsigned i = 0; other->is_trickling && i < other->sent.count; i++) {
		run(10 + prng_u32(&net.seed) % 300);
		ice_add_remote(p->ice, &other->sent.candidates[i], 1, net.now);
	}
	if (other->is_trickling)
		ice_remote_complete(p->ice, net.now);
}

/* Gathering, offer, answer; the signalling takes its time. */
static void negotiate(void)
{
	run(1500);
	describe(&a);
	describe(&b);
	run(20 + prng_u32(&net.seed) % 200);
	tell(&b, &a, false);
	run(20 + prng_u32(&net.seed) % 400);
	tell(&a, &b, true);
}

static void say(struct party *p)
{
	struct ice_path path;

	assert_true(ice_path(p->ice, &path));
	party_send(p, path.base, &path.remote, (const uint8_t *)"\x80tip", 4);
}

static void assert_talking(void)
{
	unsigned lost = net.lost_permille;

	assert_int_equal(ice_state(a.ice), ICE_CONNECTED);
	assert_int_equal(ice_state(b.ice), ICE_CONNECTED);
	net.lost_permille = net.repeated_permille = 0;
	a.heard = b.heard = 0;
	say(&a);
	run(500);
	say(&b);
	run(500);
	assert_int_equal(a.heard, 1);
	assert_int_equal(b.heard, 1);
	net.lost_permille = lost;
}

static void done(void)
{
	party_free(&a);
	party_free(&b);
}

static void start(uint64_t seed, enum nat_kind ka, enum nat_kind kb, bool has_turn)
{
	done();
	net_start(seed, ka, kb);
	party_new(&a, "a", "10.1.0.2:5000", has_turn, false);
	party_new(&b, "b", "10.2.0.2:6000", false, false);
}

/* ---- NATs ------------------------------------------------------------------------------------------------------------------------- */

/* Without a relay: everything but symmetric against symmetric or port-restricted. */
static bool is_possible(enum nat_kind x, enum nat_kind y)
{
	if (x == NAT_SYMMETRIC)
		return y != NAT_SYMMETRIC && y != NAT_PORT_RESTRICTED;
	if (y == NAT_SYMMETRIC)
		return x != NAT_PORT_RESTRICTED;

	return true;
}

static void every_pair_of_nats(void **state)
{
	for (enum nat_kind x = 0; x < NAT_KINDS; x++) {
		for (enum nat_kind y = 0; y < NAT_KINDS; y++) {
			start(1 + x * 10 + y, x, y, false);
			negotiate();
			run(20000);
			if (is_possible(x, y)) {
				assert_talking();
				continue;
			}
			assert_int_equal(ice_state(a.ice), ICE_FAILED);
			assert_int_equal(ice_state(b.ice), ICE_FAILED);
		}
	}
	done();
}

static void a_relay_for_the_rest(void **state)
{
	struct ice_path path;

	start(7, NAT_SYMMETRIC, NAT_SYMMETRIC, true);
	negotiate();
	run(10000);
	assert_talking();
	assert_true(ice_path(a.ice, &path));
	assert_int_equal(path.local_type, ICE_RELAY);
	assert_true(ice_path(b.ice, &path));
	assert_int_equal(path.remote_type, ICE_RELAY);

	/* Where a direct path exists the relay is not used. */
	start(8, NAT_PORT_RESTRICTED, NAT_PORT_RESTRICTED, true);
	negotiate();
	run(10000);
	assert_talking();
	assert_true(ice_path(a.ice, &path));
	assert_int_equal(path.base, 0);
	done();
}

static void hundreds_of_seeds(void **state)
{
	uint64_t seed = test_seed();
	unsigned connected = 0, unlucky = 0;
	msec_t slowest = 0;

	for (int i = 0; i < 400; i++) {
		uint64_t s = seed + (uint64_t)i * 2;
		enum nat_kind x = prng_u32(&s) % NAT_KINDS, y = prng_u32(&s) % NAT_KINDS;
		bool has_turn = prng_u32(&s) % 2;

		start(s, x, y, has_turn);
		net.lost_permille = prng_u32(&s) % 200;
		net.repeated_permille = prng_u32(&s) % 100;
		net.jitter_ms = prng_u32(&s) % 150;
		a.is_trickling = prng_u32(&s) % 2;
		b.is_trickling = prng_u32(&s) % 2;
		negotiate();

		msec_t began = net.now;

		while (net.now < began + 30000 && (ice_state(a.ice) == ICE_CHECKING || ice_state(b.ice) == ICE_CHECKING))
			run(100);
		msec_t took = net.now - began;

		/* The server's answer may have been lost in gathering: then there is no candidate to go by. */
		if (a.is_gathered && b.is_gathered && (is_possible(x, y) || has_turn)) {
			if (ice_state(a.ice) != ICE_CONNECTED || ice_state(b.ice) != ICE_CONNECTED) {
				/* A check through the relay passes four lossy legs: at a fifth lost on each, seven tries may fail. */
				if (net.lost_permille > 100 && ++unlucky <= 2)
					continue;
				fail_msg("seed %" PRIu64 " case %d: %d %d, turn %d, loss %u: states %d %d", seed, i, x, y, has_turn,
					net.lost_permille, ice_state(a.ice), ice_state(b.ice));
			}
			slowest = MAX(slowest, took);
			assert_talking();
			connected++;
		}
	}
	print_message("%u of 400 connected, the slowest after %d ms\n", connected, (int)slowest);
	assert_true(connected > 250);
	done();
}

/* ---- roles ------------------------------------------------------------------------------------------------------------------------ */

/* Both believe to have made the offer (third-party call control): one gives way, §7.3.1.1. */
static void role_conflicts(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		bool both = i % 2;

		start(100 + i, NAT_FULL_CONE, NAT_RESTRICTED, false);
		run(500);
		describe(&a);
		describe(&b);
		tell(&a, &b, both);
		run(i * 7);
		tell(&b, &a, both);
		run(5000);
		assert_talking();
		assert_int_not_equal(ice_is_controlling(a.ice), ice_is_controlling(b.ice));
	}
	done();
}

static void lite_agents(void **state)
{
	struct ice_path path;

	for (int i = 0; i < 2; i++) {
		/* The server is lite, on a public address, and makes the offer or the answer; the full agent controls. */
		done();
		net_start(50 + (uint64_t)i, NAT_SYMMETRIC, NAT_NONE);
		b.is_lite = true;
		party_new(&a, "a", "10.1.0.2:5000", false, false);
		party_new(&b, "b", "10.2.0.2:6000", false, false);
		run(500);
		describe(&a);
		ice_describe(b.ice, &b.sent);
		assert_true(b.sent.is_lite);
		tell(&b, &a, i);
		run(100);
		tell(&a, &b, !i);
		run(3000);
		assert_true(ice_is_controlling(a.ice));
		assert_false(ice_is_controlling(b.ice));
		assert_talking();
		assert_true(ice_path(b.ice, &path) && path.remote_type == ICE_PRFLX);
	}
	/* Two lite ones: nobody checks, both know where to send. */
	done();
	net_start(60, NAT_NONE, NAT_NONE);
	a.is_lite = b.is_lite = true;
	party_new(&a, "a", "10.1.0.2:5000", false, false);
	party_new(&b, "b", "10.2.0.2:6000", false, false);
	negotiate();
	assert_talking();
	done();
}

static void aggressive_nomination(void **state)
{
	done();
	net_start(70, NAT_PORT_RESTRICTED, NAT_FULL_CONE);
	party_new(&a, "a", "10.1.0.2:5000", true, true);
	party_new(&b, "b", "10.2.0.2:6000", false, true);
	negotiate();
	run(5000);
	assert_talking();
	/* and both ended at the same pair */
	struct ice_path pa, pb;

	assert_true(ice_path(a.ice, &pa) && ice_path(b.ice, &pb));
	assert_int_equal(pa.base, 0);
	assert_true(addr_ip_eq(&pa.remote, &net.nats[1].public_ip));
	assert_true(addr_ip_eq(&pb.remote, &net.nats[0].public_ip));
	done();
}

/* ---- what happens later ----------------------------------------------------------------------------------------------------------- */

/* RFC 7675: a minute of ordinary loss keeps consent; thirty seconds of silence end it. */
static void consent(void **state)
{
	start(80, NAT_RESTRICTED, NAT_RESTRICTED, false);
	negotiate();
	run(5000);
	net.lost_permille = 100;
	run(180000);
	assert_talking();
	net.lost_permille = 0;
	run(10000);
	net.is_cut = true;
	run(24000);
	assert_int_equal(ice_state(a.ice), ICE_CONNECTED);
	run(8000);
	assert_int_equal(ice_state(a.ice), ICE_LOST);
	assert_int_equal(ice_state(b.ice), ICE_LOST);
	done();
}

static void whoever_lacks_the_secret_gets_silence(void **state)
{
	uint8_t bytes[200];
	struct stun_writer w;
	struct stun_id id = {"abcdefghijkl"};
	struct addr evil = net_addr("192.0.2.66:1");
	char user[ICE_UFRAG_TEXT + 8];
	size_t n;

	start(90, NAT_NONE, NAT_NONE, false);
	run(500);
	describe(&a);
	(void)snprintf(user, sizeof(user), "%s:evil", a.sent.ufrag);
	for (int i = 0; i < 3; i++) {
		stun_begin(&w, bytes, sizeof(bytes), STUN_REQUEST, STUN_BINDING, &id);
		if (i)
			stun_put_span(&w, STUN_USERNAME, span_z(user));
		stun_put_u32(&w, ICE_PRIORITY, 1);
		if (i == 2)
			stun_put_integrity(&w, SPAN_LIT("a guess of twenty-four c"));
		assert_int_equal(stun_end(&w, &n), 0);
		assert_false(ice_recv(a.ice, 0, &evil, bytes, n, net.now));
	}
	assert_int_equal(net.packet_count, 0);

	/* With the secret there is an answer, before the description of the peer as well. */
	stun_begin(&w, bytes, sizeof(bytes), STUN_REQUEST, STUN_BINDING, &id);
	stun_put_span(&w, STUN_USERNAME, span_z(user));
	stun_put_u32(&w, ICE_PRIORITY, 1);
	stun_put_integrity(&w, span_z(a.sent.pwd));
	assert_int_equal(stun_end(&w, &n), 0);
	assert_true(ice_recv(a.ice, 0, &evil, bytes, n, net.now));
	assert_int_equal(net.packet_count, 1);
	done();
}

static void secrets_are_long_enough(void **state)
{
	start(91, NAT_NONE, NAT_NONE, false);
	describe(&a);
	describe(&b);
	assert_true(strlen(a.sent.ufrag) >= 4 && strlen(a.sent.pwd) >= 22); /* RFC 8839 §5.4: 24 and 128 bits */
	assert_string_not_equal(a.sent.pwd, b.sent.pwd);
	assert_string_not_equal(a.sent.pwd, a.sent.ufrag);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_nats),
		cmocka_unit_test(a_relay_for_the_rest),
		cmocka_unit_test(hundreds_of_seeds),
		cmocka_unit_test(role_conflicts),
		cmocka_unit_test(lite_agents),
		cmocka_unit_test(aggressive_nomination),
		cmocka_unit_test(consent),
		cmocka_unit_test(whoever_lacks_the_secret_gets_silence),
		cmocka_unit_test(secrets_are_long_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
