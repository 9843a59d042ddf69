/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/dtls.h"

/* Two ends over a wire in memory that loses, repeats and reorders. OpenSSL's clock is the real one, so its timers are made short. */

#define WIRE 64

struct datagram {
	bool is_to_client;
	size_t n;
	uint8_t bytes[1500];
};

static struct {
	struct datagram queue[WIRE];
	unsigned n;
	unsigned lost_permille;
	uint64_t seed;
	size_t longest;
} wire;

struct end {
	struct dtls *d;
	bool is_client;
};

static struct dtls_identity *alice, *bob, *mallory;

static int set_up(void **state)
{
	return dtls_identity_new(&alice) || dtls_identity_new(&bob) || dtls_identity_new(&mallory);
}

static int tear_down(void **state)
{
	dtls_identity_free(alice);
	dtls_identity_free(bob);
	dtls_identity_free(mallory);

	return 0;
}

static void carry(void *ctx, const uint8_t *bytes, size_t n)
{
	const struct end *e = ctx;

	assert_true(n <= sizeof(wire.queue[0].bytes));
	wire.longest = MAX(wire.longest, n);
	if (prng_u32(&wire.seed) % 1000 < wire.lost_permille || wire.n == WIRE)
		return;

	struct datagram *g = &wire.queue[wire.n++];

	g->is_to_client = !e->is_client;
	g->n = n;
	memcpy(g->bytes, bytes, n);
}

static struct dtls *make(struct end *e, struct dtls_identity *id, const struct sdp_fingerprint *peer)
{
	struct dtls_params p = {
		.identity = id, .peer = *peer, .is_client = e->is_client, .send = carry, .ctx = e, .retransmit_ms = 1};

	assert_int_equal(dtls_new(&e->d, &p), 0);

	return e->d;
}

static void begin(unsigned lost_permille, uint64_t seed)
{
	memset(&wire, 0, sizeof(wire));
	wire.lost_permille = lost_permille;
	wire.seed = seed | 1;
}

static void deliver_one(struct end *client, struct end *server)
{
	unsigned at = wire.lost_permille ? prng_u32(&wire.seed) % wire.n : 0;
	struct datagram g = wire.queue[at];

	memmove(&wire.queue[at], &wire.queue[at + 1], (wire.n - at - 1) * sizeof(g));
	wire.n--;
	dtls_recv(g.is_to_client ? client->d : server->d, g.bytes, g.n);
	if (wire.lost_permille && prng_u32(&wire.seed) % 10 == 0)
		dtls_recv(g.is_to_client ? client->d : server->d, g.bytes, g.n);
}

/* Until both are done, or one failed, or nothing helps any more. */
static void shake_hands(struct end *client, struct end *server)
{
	dtls_start(client->d);
	for (int i = 0; i < 2000000; i++) {
		while (wire.n)
			deliver_one(client, server);
		if (dtls_state(client->d) != DTLS_SHAKING && dtls_state(server->d) != DTLS_SHAKING)
			break;
		if (dtls_tick(client->d) < 0 && dtls_tick(server->d) < 0 && !wire.n)
			break;
		(void)dtls_tick(server->d);
	}
}

static void keys_agree(void **state)
{
	struct end client = {.is_client = true}, server = {0};
	struct srtp_key a_tx, a_rx, b_tx, b_rx;

	begin(0, 1);
	make(&client, alice, dtls_identity_fingerprint(bob));
	make(&server, bob, dtls_identity_fingerprint(alice));
	shake_hands(&client, &server);
	assert_int_equal(dtls_state(client.d), DTLS_DONE);
	assert_int_equal(dtls_state(server.d), DTLS_DONE);
	dtls_keys(client.d, &a_tx, &a_rx);
	dtls_keys(server.d, &b_tx, &b_rx);
	assert_int_equal(a_tx.suite, SRTP_AEAD_AES_256_GCM);
	assert_true(srtp_key_eq(&a_tx, &b_rx) && srtp_key_eq(&a_rx, &b_tx));
	assert_false(srtp_key_eq(&a_tx, &a_rx));
	assert_true(wire.longest <= 1200);

	/* The one that hangs up says so; the keys stay. */
	dtls_free(client.d);
	assert_int_equal(wire.n, 1);
	dtls_recv(server.d, wire.queue[0].bytes, wire.queue[0].n);
	assert_int_equal(dtls_state(server.d), DTLS_CLOSED);
	dtls_free(server.d);
}

static void lossy_wires(void **state)
{
	uint64_t seed = test_seed();

	for (int i = 0; i < 40; i++) {
		struct end client = {.is_client = true}, server = {0};
		struct srtp_key a_tx, a_rx, b_tx, b_rx;

		begin(50 + 10 * (unsigned)i % 250, seed + (uint64_t)i * 2);
		make(&client, alice, dtls_identity_fingerprint(bob));
		make(&server, bob, dtls_identity_fingerprint(alice));
		shake_hands(&client, &server);
		assert_int_equal(dtls_state(client.d), DTLS_DONE);
		assert_int_equal(dtls_state(server.d), DTLS_DONE);
		dtls_keys(client.d, &a_tx, &a_rx);
		dtls_keys(server.d, &b_tx, &b_rx);
		assert_true(srtp_key_eq(&a_tx, &b_rx) && srtp_key_eq(&a_rx, &b_tx));
		dtls_free(client.d);
		dtls_free(server.d);
	}
}

/* Somebody in the middle has another certificate than the description's: no keys, on whichever side he stands. */
static void wrong_certificates(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct end client = {.is_client = true}, server = {0};

		begin(0, 1);
		make(&client, i ? mallory : alice, dtls_identity_fingerprint(i ? bob : bob));
		make(&server, i ? bob : mallory, dtls_identity_fingerprint(alice));
		shake_hands(&client, &server);
		assert_int_equal(dtls_state(i ? server.d : client.d), DTLS_FAILED);
		assert_non_null(strstr(dtls_why(i ? server.d : client.d), "fingerprint"));
		assert_int_not_equal(dtls_state(i ? client.d : server.d), DTLS_SHAKING);
		dtls_free(client.d);
		dtls_free(server.d);
	}
}

static void junk_does_no_harm(void **state)
{
	struct end client = {.is_client = true}, server = {0};
	uint8_t junk[300];

	begin(0, 1);
	make(&client, alice, dtls_identity_fingerprint(bob));
	make(&server, bob, dtls_identity_fingerprint(alice));
	for (size_t n = 1; n < sizeof(junk); n++) {
		random_bytes(junk, n);
		junk[0] = 20 + (uint8_t)(n % 44);
		dtls_recv(server.d, junk, n);
		dtls_recv(client.d, junk, n);
	}
	wire.n = 0;
	assert_int_equal(dtls_state(server.d), DTLS_SHAKING);
	shake_hands(&client, &server);
	assert_int_equal(dtls_state(client.d), DTLS_DONE);
	assert_int_equal(dtls_state(server.d), DTLS_DONE);
	dtls_free(client.d);
	dtls_free(server.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_agree),
		cmocka_unit_test(lossy_wires),
		cmocka_unit_test(wrong_certificates),
		cmocka_unit_test(junk_does_no_harm),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
