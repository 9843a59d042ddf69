/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/testcert.h"
#include "net/tls.h"
#include "net/tls_priv.h"

/* Two ends in memory, their bytes carried by hand. */

struct ends {
	struct tls_ctx *server_ctx, *client_ctx;
	struct tls *server, *client;
	size_t chunk; /* bytes carried at once */
};

static struct ends e;

static struct tls_ctx *make_ctx(const struct tls_params *p)
{
	struct tls_ctx *ctx = NULL;
	char why[TLS_WHY_BYTES] = "";

	if (tls_ctx_new(&ctx, p, why, sizeof(why)))
		fail_msg("%s", why);

	return ctx;
}

static void server_has(const char *name)
{
	char pem[40], key[40];

	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	tls_ctx_unref(e.server_ctx);
	e.server_ctx = make_ctx(&(struct tls_params){.is_server = true, .certificate = testcert_path(pem), .key = testcert_path(key)});
}

static void client_trusts(const char *ca, const char *pin)
{
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&(struct tls_params){.ca = ca ? testcert_path(ca) : NULL, .pin = pin});
}

static void connect_to(const char *host, const char *other)
{
	struct tls_peer to = {.host = host, .other = other, .label = "pbx:5061"}, from = {.label = "192.0.2.9:40000"};

	tls_free(e.client);
	tls_free(e.server);
	assert_int_equal(tls_new(&e.client, e.client_ctx, &to), 0);
	assert_int_equal(tls_new(&e.server, e.server_ctx, &from), 0);
	tls_feed(e.client, (struct span){0});
}

/* Carries what waits one way; true if there was something. */
static bool carry(struct tls *from, struct tls *to)
{
	struct span out = tls_out(from);
	size_t n = MIN(out.n, e.chunk);

	if (n == 0)
		return false;
	tls_feed(to, span(out.p, n));
	tls_sent(from, n);

	return true;
}

static void carry_all(void)
{
	bool is_any = true;

	while (is_any) {
		is_any = carry(e.client, e.server);
		is_any |= carry(e.server, e.client);
	}
}

static void expect_open(void)
{
	char buf[8];

	carry_all();
	(void)!tls_read(e.client, buf, sizeof(buf)); /* TLS 1.3: tickets and late alerts come behind the handshake */
	if (tls_state(e.client) != TLS_OPEN || tls_state(e.server) != TLS_OPEN)
		fail_msg("client: %s; server: %s", tls_why(e.client), tls_why(e.server));
}

static void expect_refusal(const char *words)
{
	carry_all();
	assert_int_equal(tls_state(e.client), TLS_FAILED);
	if (!strstr(tls_why(e.client), words) || !strstr(tls_why(e.client), "pbx:5061"))
		fail_msg("\"%s\" does not say \"%s\"", tls_why(e.client), words);
	assert_int_equal(tls_state(e.server), TLS_FAILED); /* it was told by an alert */
	assert_true(tls_why(e.server)[0] != 0);
}

static int setup(void **state)
{
	memset(&e, 0, sizeof(e));
	e.chunk = 65536;
	server_has("good");
	client_trusts("ca.pem", NULL);

	return 0;
}

static int teardown(void **state)
{
	tls_free(e.client);
	tls_free(e.server);
	tls_ctx_unref(e.client_ctx);
	tls_ctx_unref(e.server_ctx);

	return 0;
}

static size_t read_all(struct tls *t, char *buf, size_t cap)
{
	size_t at = 0, n;

	while (at < cap && (n = tls_read(t, buf + at, cap - at)))
		at += n;

	return at;
}

static void text_goes_both_ways_in_pieces_of_any_size(void **state)
{
	static const size_t chunks[] = {1, 7, 1000, 65536};
	static char text[50000], got[50000];

	memset(text, 'x', sizeof(text));
	text[49999] = 'y';
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		size_t at = 0;
		bool is_any;

		e.chunk = chunks[i];
		connect_to("pbx.example.com", NULL);
		expect_open();
		assert_true(tls_write(e.client, span(text, sizeof(text))));
		do {
			is_any = carry(e.client, e.server);
			at += read_all(e.server, got + at, sizeof(got) - at);
		} while (is_any);
		assert_int_equal(at, sizeof(text));
		assert_memory_equal(got, text, sizeof(text));
		assert_true(tls_write(e.server, SPAN_LIT("back")));
		carry_all();
		assert_int_equal(read_all(e.client, got, sizeof(got)), 4);
	}

	char cipher[100];

	assert_non_null(strstr(tls_cipher(e.client, cipher, sizeof(cipher)), "TLSv1.3 "));
	tls_shutdown(e.client);
	carry_all();
	assert_int_equal(read_all(e.server, got, 1), 0);
	assert_int_equal(tls_state(e.server), TLS_ENDED);
}

/* Each fault is a sentence that says what to do. */
static void certificates_are_checked(void **state)
{
	static const struct {
		const char *server, *ca, *host, *words;
	} rows[] = {
		{"good", "ca.pem", "pbx.example.com", NULL},
		{"good", "ca.pem", "PBX.Example.com.", NULL},
		{"good", "ca.pem", "a.wild.example.com", NULL},
		{"good", "ca.pem", "127.0.0.1", NULL},
		{"common", "ca.pem", "pbx.example.com", NULL},
		{"self", "self.pem", "pbx.example.com", NULL},
		{"good", "good.pem", "pbx.example.com", NULL}, /* the certificate itself as what is trusted */
		{"good", "ca.pem", "127.0.0.2", "is for pbx.example.com, localhost, 127.0.0.1, *.wild.example.com, not for 127.0.0.2"},
		{"good", "ca.pem", "a.b.wild.example.com", "not for a.b.wild.example.com"},
		{"good", "ca.pem", "wild.example.com", "not for wild.example.com"},
		{"wrong", "ca.pem", "pbx.example.com", "is for mail.example.org, 192.0.2.7, not for pbx.example.com"},
		{"expired", "ca.pem", "pbx.example.com", "expired on "},
		{"future", "ca.pem", "pbx.example.com", "is not valid before "},
		{"self", "ca.pem", "pbx.example.com", "is self-signed (\"self\") and not known here: give it as tls.ca of the line, or pin"},
		{"stranger", "ca.pem", "pbx.example.com", "was issued by \"other\", which is not trusted here"},
		{"good", NULL, "pbx.example.com", "was issued by \"ca\", which is not trusted here"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		server_has(rows[i].server);
		client_trusts(rows[i].ca, NULL);
		connect_to(rows[i].host, NULL);
		if (rows[i].words)
			expect_refusal(rows[i].words);
		else
			expect_open();
	}

	/* A phone system whose Contact is its address: the name that it was configured by counts as well. */
	server_has("good");
	client_trusts("ca.pem", NULL);
	connect_to("192.0.2.50", "pbx.example.com");
	expect_open();
}

static void a_pin_is_enough_and_is_exact(void **state)
{
	char pin[TLS_PIN_BYTES], both[120], why[200];
	struct tls_identity *id = NULL;

	assert_int_equal(tls_identity_load(&id, testcert_path("self.pem"), testcert_path("self.key"), why, sizeof(why)), 0);
	assert_true(tls_identity_pin(id, pin));
	tls_identity_free(id);

	server_has("self");
	client_trusts(NULL, pin);
	connect_to("whatever.example", NULL);
	expect_open();
	server_has("good");
	connect_to("pbx.example.com", NULL);
	expect_refusal("has another key than the pinned one: it shows sha256/");

	snprintf(both, sizeof(both), "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=  %s", pin);
	server_has("self");
	client_trusts(NULL, both);
	connect_to("whatever.example", NULL);
	expect_open();
	client_trusts("ca.pem", pin); /* both are wanted */
	connect_to("pbx.example.com", NULL);
	expect_refusal("is self-signed");

	struct tls_ctx *ctx = NULL;

	assert_int_equal(tls_ctx_new(&ctx, &(struct tls_params){.pin = "sha1/abc"}, why, sizeof(why)), -TR_ECONFIG);
	assert_non_null(strstr(why, "\"sha1/abc\" is not sha256/"));
}

static void verification_can_be_switched_off(void **state)
{
	server_has("expired");
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&(struct tls_params){.no_verify = true});
	connect_to("other.example", NULL);
	expect_open();
}

static void clients_show_certificates_when_asked(void **state)
{
	struct tls_params server = {.is_server = true,
		.certificate = testcert_path("good.pem"),
		.key = testcert_path("good.key"),
		.ca = testcert_path("ca.pem"),
		.verify_clients = true};
	struct tls_params client = {
		.ca = testcert_path("ca.pem"), .certificate = testcert_path("client.pem"), .key = testcert_path("client.key")};
	char buf[8];

	tls_ctx_unref(e.server_ctx);
	e.server_ctx = make_ctx(&server);
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&client);
	connect_to("pbx.example.com", NULL);
	expect_open();

	/* TLS 1.3 tells a client after its handshake: with the first read. */
	client_trusts("ca.pem", NULL);
	connect_to("pbx.example.com", NULL);
	carry_all();
	assert_int_equal(tls_state(e.server), TLS_FAILED);
	assert_non_null(strstr(tls_why(e.server), "192.0.2.9:40000 showed no client certificate"));
	assert_int_equal(tls_read(e.client, buf, sizeof(buf)), 0);
	assert_int_equal(tls_state(e.client), TLS_FAILED);
	assert_non_null(strstr(tls_why(e.client), "wants a client certificate and we have none: give tls.certificate"));

	client.certificate = testcert_path("stranger.pem");
	client.key = testcert_path("stranger.key");
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&client);
	connect_to("pbx.example.com", NULL);
	carry_all();
	assert_non_null(strstr(tls_why(e.server), "was issued by \"other\", which is not trusted here: add its CA to the file of sip.tls.ca"));
	assert_int_equal(tls_read(e.client, buf, sizeof(buf)), 0);
	assert_non_null(strstr(tls_why(e.client), "does not trust the issuer of our certificate"));
}

static void sessions_resume(void **state)
{
	char buf[8];

	connect_to("pbx.example.com", NULL);
	expect_open();
	assert_false(tls_is_resumed(e.client));
	connect_to("pbx.example.com", NULL);
	expect_open();
	assert_true(tls_is_resumed(e.client));
	assert_int_equal(tls_read(e.client, buf, sizeof(buf)), 0);
	/* Not for another name: its certificate was not checked. */
	connect_to("localhost", NULL);
	expect_open();
	assert_false(tls_is_resumed(e.client));
}

static void peers_that_do_not_speak_tls_are_named(void **state)
{
	connect_to("pbx.example.com", NULL);
	tls_feed(e.client, SPAN_LIT("SIP/2.0 400 Bad Request\r\n"));
	assert_int_equal(tls_state(e.client), TLS_FAILED);
	assert_non_null(strstr(tls_why(e.client), "pbx:5061 answered in plain text (SIP): this port does not speak TLS"));
	tls_feed(e.server, SPAN_LIT("INVITE sip:x@y SIP/2.0\r\n"));
	assert_non_null(strstr(tls_why(e.server), "192.0.2.9:40000 speaks plain SIP to our TLS port"));

	connect_to("pbx.example.com", NULL);
	tls_lost(e.client, -ECONNRESET);
	assert_non_null(strstr(tls_why(e.client), "closed the connection during the TLS handshake"));
	connect_to("pbx.example.com", NULL);
	tls_lost(e.client, -ETIMEDOUT);
	assert_non_null(strstr(tls_why(e.client), "did not finish the TLS handshake in time"));

	/* A server of before 2008. */
	connect_to("pbx.example.com", NULL);
	SSL_set_security_level(e.server->ssl, 0);
	SSL_set_min_proto_version(e.server->ssl, TLS1_VERSION);
	SSL_set_max_proto_version(e.server->ssl, TLS1_1_VERSION);
	expect_refusal("does not speak TLS 1.2 or 1.3");
}

static void garbage_never_opens(void **state)
{
	uint64_t seed = test_seed();

	for (unsigned i = 0; i < 300; i++) {
		char junk[200];

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (char)prng_u32(&seed);
		junk[0] = 22;
		junk[1] = 3;
		junk[2] = 3;
		junk[3] = 0;
		connect_to("pbx.example.com", NULL);
		assert_int_not_equal(tls_feed(i & 1 ? e.server : e.client, span(junk, sizeof(junk))), TLS_OPEN);
	}
}

static void bad_files_are_named(void **state)
{
	static const struct {
		const char *pem, *key, *ca, *words;
	} rows[] = {
		{"none.pem", "good.key", NULL, "/none.pem: the certificate cannot be read: No such file"},
		{"good.pem", "none.key", NULL, "/none.key: the private key cannot be read: No such file"},
		{"good.key", "good.key", NULL, "/good.key: has no certificate in PEM form"},
		{"good.pem", "good.pem", NULL, "/good.pem: has no private key in PEM form"},
		{"good.pem", "second.key", NULL, "/second.key: this key does not belong to the certificate "},
		{"cut.pem", "good.key", NULL, "/cut.pem: the certificate is damaged"},
		{"good.pem", "good.key", "cut.pem", "/cut.pem: the CA certificate is damaged"},
		{"good.pem", "good.key", NULL, "verify_clients needs ca"},
	};
	FILE *f = fopen(testcert_path("cut.pem"), "we");

	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_params p = {.is_server = true,
			.certificate = testcert_path(rows[i].pem),
			.key = testcert_path(rows[i].key),
			.ca = rows[i].ca ? testcert_path(rows[i].ca) : NULL,
			.verify_clients = i == ARRAY_LEN(rows) - 1};
		struct tls_ctx *ctx = NULL;
		char why[TLS_WHY_BYTES] = "";

		assert_true(tls_ctx_new(&ctx, &p, why, sizeof(why)) < 0);
		assert_null(ctx);
		if (!strstr(why, rows[i].words))
			fail_msg("\"%s\" does not say \"%s\"", why, rows[i].words);
	}
	assert_in_range(tls_ctx_expires_at(e.server_ctx), time(NULL) + 99 * 86400, time(NULL) + 101 * 86400);
}

/* Asked for, not demanded: who shows one is known by it, who shows none comes in unknown, who shows a stranger's stays out. */
static void clients_are_known_by_their_certificates(void **state)
{
	struct tls_params server = {.is_server = true,
		.certificate = testcert_path("good.pem"),
		.key = testcert_path("good.key"),
		.ca = testcert_path("ca.pem"),
		.asks_clients = true};
	struct tls_params client = {
		.ca = testcert_path("ca.pem"), .certificate = testcert_path("wrong.pem"), .key = testcert_path("wrong.key")};

	tls_ctx_unref(e.server_ctx);
	e.server_ctx = make_ctx(&server);
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&client);
	for (unsigned i = 0; i < 2; i++) { /* the second handshake is a resumed one */
		connect_to("pbx.example.com", NULL);
		expect_open();
		assert_true(tls_peer_is(e.server, "mail.example.org"));
		assert_true(tls_peer_is(e.server, "192.0.2.7"));
		assert_false(tls_peer_is(e.server, "wrong")); /* its common name: there is a subjectAltName */
		assert_false(tls_peer_is(e.server, "pbx.example.com"));
		assert_false(tls_peer_is(e.server, ""));
		assert_true(tls_peer_is(e.client, "pbx.example.com")); /* the server showed one too */
	}
	client_trusts("ca.pem", NULL);
	connect_to("pbx.example.com", NULL);
	assert_false(tls_peer_is(e.server, "mail.example.org"));
	expect_open();
	assert_false(tls_peer_is(e.server, "mail.example.org"));

	client.certificate = testcert_path("stranger.pem");
	client.key = testcert_path("stranger.key");
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&client);
	connect_to("pbx.example.com", NULL);
	carry_all();
	assert_int_equal(tls_state(e.server), TLS_FAILED);
	assert_false(tls_peer_is(e.server, "pbx.example.com"));

	/* A server that nobody checked has no name. */
	client = (struct tls_params){.no_verify = true};
	tls_ctx_unref(e.client_ctx);
	e.client_ctx = make_ctx(&client);
	connect_to("pbx.example.com", NULL);
	expect_open();
	assert_false(tls_peer_is(e.client, "pbx.example.com"));
}

static void certificates_are_not_overwritten_silently(void **state)
{
	const char *const bad[] = {"a,DNS:evil.example"};
	struct tls_cert_params p = {.common_name = "x", .names = bad, .name_count = 1, .begins_at = 0, .ends_at = 1};
	struct tls_identity *id = NULL;
	char why[200];

	assert_int_equal(tls_identity_new(&id, &p, NULL, why, sizeof(why)), -TR_ECONFIG);
	assert_non_null(strstr(why, "neither a host name nor an IP address"));
	assert_int_equal(tls_identity_load(&id, testcert_path("good.pem"), testcert_path("good.key"), why, sizeof(why)), 0);
	assert_true(tls_identity_save(id, testcert_path("good.pem"), testcert_path("good.key"), false, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "good.key is there already: --force"));
	tls_identity_free(id);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(text_goes_both_ways_in_pieces_of_any_size),
		T(certificates_are_checked),
		T(a_pin_is_enough_and_is_exact),
		T(verification_can_be_switched_off),
		T(clients_show_certificates_when_asked),
		T(sessions_resume),
		T(peers_that_do_not_speak_tls_are_named),
		T(garbage_never_opens),
		T(bad_files_are_named),
		T(clients_are_known_by_their_certificates),
		T(certificates_are_not_overwritten_silently),
	};
	int failed;

	testcert_begin();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	testcert_end();

	return failed;
}
