/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/testnet.h"

/* The client against the server of testnet.h, and against what real ones say. */

static struct relay *turn;
static struct addr us, peer;
static msec_t next;
static unsigned got, sent_to_peer;
static struct relay_data last;
static uint8_t last_bytes[1500];

static void client_send(void *ctx, const struct addr *to, const uint8_t *bytes, size_t n)
{
	net_send(&us, to, bytes, n);
}

static void client_recv(void *ctx, const struct addr *to, const struct addr *from, const uint8_t *bytes, size_t n)
{
	struct relay_data data;

	if (!relay_recv(turn, from, bytes, n, net.now, &data) || !data.bytes)
		return;
	got++;
	last = data;
	memcpy(last_bytes, data.bytes, data.n);
}

/* The peer sends back what it gets. */
static void peer_recv(void *ctx, const struct addr *to, const struct addr *from, const uint8_t *bytes, size_t n)
{
	sent_to_peer++;
	net_send(&peer, from, bytes, n);
}

static void run(msec_t ms)
{
	msec_t end = net.now + ms;

	while (net.now < end) {
		net_deliver();
		next = relay_tick(turn, net.now);
		net.now = MIN(end, MAX(net.now + 1, MIN(next, net_next())));
	}
}

static void begin(const char *password)
{
	struct relay_params p = {.server = net.turn.addr, .user = SPAN_LIT("user"), .password = span_z(password), .send = client_send};

	us = net_addr("10.1.0.2:5000");
	peer = net_addr("192.0.2.77:7000");
	got = sent_to_peer = 0;
	random_bytes(p.seed, sizeof(p.seed));
	net_listen(&us, client_recv, NULL);
	net_listen(&peer, peer_recv, NULL);
	assert_int_equal(relay_new(&turn, &p), 0);
	relay_start(turn, net.now);
}

static int tear_down(void **state)
{
	turn = relay_free(turn);

	return 0;
}

static void assert_echo(const char *text)
{
	unsigned before = got;

	assert_int_equal(relay_send(turn, &peer, (const uint8_t *)text, strlen(text)), 0);
	run(200);
	assert_int_equal(got, before + 1);
	assert_true(addr_eq(&last.peer, &peer));
	assert_int_equal(last.n, strlen(text));
	assert_memory_equal(last_bytes, text, strlen(text));
}

static void data_both_ways(enum stun_algorithm alg, const char *nonce)
{
	net_start(1, NAT_SYMMETRIC, NAT_NONE);
	net.turn.algorithm = alg;
	buf_copy(net.turn.nonce, sizeof(net.turn.nonce), nonce);
	begin("secret");
	run(500);
	assert_int_equal(relay_state(turn), RELAY_READY);
	assert_int_equal(net.turn.refused, 1);
	assert_int_equal(addr_port(relay_relayed(turn)), 60000);
	assert_true(addr_ip_eq(relay_mapped(turn), &net.nats[0].public_ip));

	/* Without a permission nothing goes out. */
	assert_int_equal(relay_send(turn, &peer, (const uint8_t *)"x", 1), 0);
	run(200);
	assert_int_equal(sent_to_peer, 0);
	assert_int_equal(relay_permit(turn, &peer, net.now), 0);
	run(200);
	assert_echo("by indication");
	assert_int_equal(relay_bind(turn, &peer, net.now), 0);
	assert_int_equal(relay_channel(turn, &peer), 0);
	run(200);
	assert_int_equal(relay_channel(turn, &peer), 0x4000);
	assert_echo("by channel");
	assert_int_equal(net.turn.refused, 1);
}

static void md5_credentials(void **state)
{
	data_both_ways(STUN_MD5, "nonce-1");
}

/* RFC 8489 §9.2: the cookie says "password algorithms", so the better one is taken. */
static void sha256_credentials(void **state)
{
	data_both_ways(STUN_SHA256, "obMatJos2gAAAnonce");
}

static void wrong_password(void **state)
{
	net_start(1, NAT_NONE, NAT_NONE);
	begin("not it");
	run(1000);
	assert_int_equal(relay_state(turn), RELAY_FAILED);
	assert_non_null(strstr(relay_why(turn), "user or password"));
	assert_true(net.turn.requests <= 3);
	assert_true(next == NEVER);
}

static void silent_server(void **state)
{
	net_start(1, NAT_NONE, NAT_NONE);
	net.turn.is_silent = true;
	begin("secret");
	run(39000);
	assert_int_equal(relay_state(turn), RELAY_ALLOCATING);
	run(1000);
	assert_int_equal(relay_state(turn), RELAY_FAILED);
	assert_int_equal(relay_permit(turn, &peer, net.now), -TR_ESTATE);
}

/* Two hours: allocation, permission and channel live on, though the nonce changes each ten minutes and a fifth is lost. */
static void a_long_call(void **state)
{
	net_start(test_seed(), NAT_PORT_RESTRICTED, NAT_NONE);
	begin("secret");
	run(500);
	assert_int_equal(relay_bind(turn, &peer, net.now), 0);
	run(500);
	for (int i = 0; i < 12; i++) {
		net.lost_permille = 200;
		(void)snprintf(net.turn.nonce, sizeof(net.turn.nonce), "nonce-%d", i + 2);
		/* permissions of the server run out after five minutes unless renewed */
		net.turn.allocations[0].permit_count = 0;
		run(600000);
		net.lost_permille = 0;
		run(1000);
		assert_int_equal(relay_state(turn), RELAY_READY);
		assert_echo("still here");
	}
	relay_close(turn, net.now);
	run(500);
	assert_false(net.turn.allocations[0].is_used);
	assert_int_equal(relay_state(turn), RELAY_CLOSED);
	assert_true(next == NEVER);
}

/* Success that was not signed with our key is not believed; junk and strangers are not ours. */
static void forged_answers(void **state)
{
	struct relay_data data;
	struct addr evil = net_addr("192.0.2.66:3478");
	uint8_t junk[40] = {0x40, 0, 0, 36};

	net_start(1, NAT_NONE, NAT_NONE);
	begin("secret");
	run(500);
	assert_false(relay_recv(turn, &evil, junk, sizeof(junk), net.now, &data));
	assert_true(relay_recv(turn, &net.turn.addr, junk, sizeof(junk), net.now, &data)); /* a channel that is not bound */
	assert_null(data.bytes);
	assert_int_equal(relay_permit(turn, &peer, net.now), 0);
	net.turn.password = "another";
	run(60000);
	assert_int_equal(relay_state(turn), RELAY_READY);
	assert_int_equal(relay_bind(turn, &peer, net.now), 0);
	run(60000);
	assert_int_equal(relay_channel(turn, &peer), 0);
}

static void no_end_of_peers(void **state)
{
	net_start(1, NAT_NONE, NAT_NONE);
	begin("secret");
	run(500);
	for (int i = 0; i < LIMIT_TURN_PEERS; i++) {
		addr_set_port(&peer, (uint16_t)(100 + i));
		assert_int_equal(relay_bind(turn, &peer, net.now), 0);
	}
	addr_set_port(&peer, 99);
	assert_int_equal(relay_permit(turn, &peer, net.now), -TR_ELIMIT);
	run(2000);
	addr_set_port(&peer, 100 + LIMIT_TURN_PEERS - 9);
	assert_int_equal(relay_channel(turn, &peer), 0x4000 + LIMIT_TURN_PEERS - 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(md5_credentials, tear_down),
		cmocka_unit_test_teardown(sha256_credentials, tear_down),
		cmocka_unit_test_teardown(wrong_password, tear_down),
		cmocka_unit_test_teardown(silent_server, tear_down),
		cmocka_unit_test_teardown(a_long_call, tear_down),
		cmocka_unit_test_teardown(forged_answers, tear_down),
		cmocka_unit_test_teardown(no_end_of_peers, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
