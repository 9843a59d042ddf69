/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/digest.h"

static char wire[4096];
static struct sip_msg msg;

static void parse(const char *text)
{
	assert_true(strlen(text) < sizeof(wire));
	memcpy(wire, text, strlen(text) + 1);
	assert_int_equal(sip_msg_parse(&msg, wire, strlen(wire)), 0);
}

/* ---- vectors ---- */

static const struct vector {
	enum sip_digest_alg alg;
	const char *user, *realm, *password, *nonce, *cnonce, *nc;
	unsigned qop;
	const char *method, *uri, *body, *response;
} vectors[] = {
	/* RFC 2617 §3.5 */
	{SIP_DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b",
		"00000001", SIP_QOP_AUTH, "GET", "/dir/index.html", "", "6629fae49393a05397450978507c4ef1"},
	/* RFC 2069 §2.4 with its erratum 749 */
	{SIP_DIGEST_MD5, "Mufasa", "testrealm@host.com", "CircleOfLife", "dcd98b7102dd2f0e8b11d0f600bfb0c093", NULL, NULL, 0,
		"GET", "/dir/index.html", "", "1949323746fe6a43ef61f9606e7febea"},
	/* RFC 7616 §3.9.1 */
	{SIP_DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001", SIP_QOP_AUTH, "GET", "/dir/index.html", "",
		"8ca523f5e9506fed4657c9700eebdbec"},
	{SIP_DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001", SIP_QOP_AUTH, "GET", "/dir/index.html", "",
		"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	/* RFC 7616 §3.9.2 with its erratum 4897 */
	{SIP_DIGEST_SHA512_256, "J\xc3\xa4s\xc3\xb8n Doe", "api@example.org", "Secret, or not?",
		"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "00000001",
		SIP_QOP_AUTH, "GET", "/doe.json", "", "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
	/* -sess with auth-int, RFC 7616 §3.4.2 and §3.4.3: the values are those of Python's hashlib. */
	{SIP_DIGEST_MD5_SESS, "bob", "biloxi.example.com", "zanzibar", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b",
		"00000002", SIP_QOP_AUTH_INT, "INVITE", "sip:bob@biloxi.example.com", "v=0\r\n",
		"00e1a502f207857870cbe57466c1d347"},
	{SIP_DIGEST_SHA256_SESS, "bob", "biloxi.example.com", "zanzibar", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b",
		"00000002", SIP_QOP_AUTH_INT, "INVITE", "sip:bob@biloxi.example.com", "v=0\r\n",
		"d7312e10613809002ce10b889271b2ca2a1ea47b1ed9cce18d2827619e1bdb84"},
	{SIP_DIGEST_SHA512_256_SESS, "bob", "biloxi.example.com", "zanzibar", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b",
		"00000002", SIP_QOP_AUTH_INT, "INVITE", "sip:bob@biloxi.example.com", "v=0\r\n",
		"11e76a1c112865fcd56ab2655922a7e6cc6c659b956ae6c65a96d1799b52a23d"},
};

/* RFC 7616 §3.9, RFC 2617 §3.5 */
static void vectors_are_met(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct sip_digest_hex ha1, response;
		struct sip_digest_input in = {.alg = v->alg, .nonce = span_z(v->nonce), .cnonce = span_z(v->cnonce),
			.nc = span_z(v->nc), .qop = v->qop, .method = span_z(v->method), .uri = span_z(v->uri),
			.body = span_z(v->body)};

		assert_int_equal(
			sip_digest_ha1(&ha1, v->alg, span_z(v->user), span_z(v->realm), span_z(v->password)), 0);
		in.ha1 = sip_digest_hex_span(&ha1);
		assert_int_equal(sip_digest_response(&response, &in), 0);
		assert_string_equal(response.text, v->response);
	}
}

/* ---- client ---- */

#define HEAD_401                                                                                                       \
	"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\n"      \
	"Call-ID: c\r\nCSeq: 1 REGISTER\r\n"

/* RFC 8760 §2.4 and RFC 3261 §22.3: strongest of each realm, in order of appearance. */
static void strongest_of_each_realm_is_chosen(void **state)
{
	struct sip_challenge list[4];

	parse(HEAD_401
		"WWW-Authenticate: Digest realm=\"a\", nonce=\"n1\", qop=\"auth\"\r\n"
		"WWW-Authenticate: Digest realm=\"b\", nonce=\"n2\", qop=\"auth\", algorithm=SHA-256\r\n"
		"WWW-Authenticate: Digest realm=\"a\", nonce=\"n3\", qop=\"auth\", algorithm=SHA-512-256\r\n"
		"WWW-Authenticate: Digest realm=\"a\", nonce=\"n4\", qop=\"auth\", algorithm=sha-256\r\n"
		"WWW-Authenticate: Digest realm=\"b\", nonce=\"n5\", qop=\"auth\", algorithm=MD5\r\n"
		"WWW-Authenticate: Digest realm=\"c\", nonce=\"n6\", qop=\"auth\", algorithm=FOO-3\r\n"
		"WWW-Authenticate: Basic realm=\"d\"\r\n"
		"WWW-Authenticate: Digest realm=\"e\", nonce=\"n7\", qop=\"auth-conf\"\r\n\r\n");

	assert_int_equal(sip_digest_choose(&msg, list, ARRAY_LEN(list)), 2);
	assert_span_equal(list[0].nonce, "n3");
	assert_int_equal(list[0].algorithm, SIP_DIGEST_SHA512_256);
	assert_span_equal(list[1].nonce, "n2");
	assert_int_equal(sip_digest_choose(&msg, list, 1), 1);
}

static void nothing_answerable_is_nothing(void **state)
{
	struct sip_challenge list[4];

	parse(HEAD_401 "WWW-Authenticate: Basic realm=\"d\"\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\r\n");
	assert_int_equal(sip_digest_choose(&msg, list, ARRAY_LEN(list)), 0);
	parse(HEAD_401 "\r\n");
	assert_int_equal(sip_digest_choose(&msg, list, ARRAY_LEN(list)), 0);
}

static struct span answer(struct sip_auth *auth, const struct sip_login *login)
{
	static char buf[2048];
	struct sip_auth_request request = {SPAN_LIT("GET"), SPAN_LIT("/dir/index.html"), SPAN_LIT("")};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_auth_write(auth, &w, login, &request);
	assert_int_equal(sip_writer_finish(&w, &text), 0);

	return text;
}

static struct sip_challenge challenge(const char *text)
{
	struct sip_challenge c;

	assert_int_equal(sip_challenge_parse(&c, span_z(text)), 0);

	return c;
}

/* RFC 2617 §3.5 end to end; nc counts up for each use, RFC 7616 §3.4. */
static void client_answers_and_counts(void **state)
{
	struct sip_challenge c = challenge("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
					   "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
					   "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
	struct sip_login login = {SPAN_LIT("Mufasa"), SPAN_LIT("Circle Of Life")};
	struct sip_credentials cred;
	struct sip_auth auth;
	struct span text;

	assert_int_equal(sip_auth_init(&auth, &c, false, SPAN_LIT("0a4f113b")), 0);
	text = answer(&auth, &login);
	assert_span_equal(text, "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
				"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
				"response=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", qop=auth, nc=00000001, "
				"opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"\r\n");
	text = answer(&auth, &login);
	assert_int_equal(sip_credentials_parse(&cred, span(text.p + 15, text.n - 17)), 0);
	assert_int_equal(cred.nc, 2);
	assert_int_equal(auth.nc, 2);
}

/* The realm of 3CX; an authentication id that differs from the user; a proxy. */
static void proxy_challenge_names_its_algorithm(void **state)
{
	struct sip_challenge c = challenge("Digest nonce=\"414d\", algorithm=MD5, realm=\"3CXPhoneSystem\"");
	struct sip_login login = {SPAN_LIT("aUt\"Id"), SPAN_LIT("pw")};
	struct sip_auth auth;
	struct span text;

	assert_int_equal(sip_auth_init(&auth, &c, true, SPAN_LIT("x")), 0);
	text = answer(&auth, &login);
	assert_true(span_istarts(text, "Proxy-Authorization: Digest username=\"aUt\\\"Id\", realm=\"3CXPhoneSystem\""));
	assert_non_null(memmem(text.p, text.n, ", algorithm=MD5", 15));
	assert_null(memmem(text.p, text.n, "qop", 3));
	assert_null(memmem(text.p, text.n, "cnonce", 6));
}

static void long_challenges_are_refused(void **state)
{
	static char text[SIP_AUTH_TEXT_BYTES + 100];
	struct sip_challenge c = {.scheme = SPAN_LIT("Digest"), .realm = SPAN_LIT("r"), .algorithm = SIP_DIGEST_MD5};
	struct sip_auth auth;

	memset(text, 'n', sizeof(text));
	c.nonce = span(text, sizeof(text));
	assert_int_equal(sip_auth_init(&auth, &c, false, SPAN_LIT("x")), -TR_ETOOBIG);
	c.nonce = span(text, 700);
	assert_int_equal(sip_auth_init(&auth, &c, false, SPAN_LIT("x")), 0);
	c.algorithm = SIP_DIGEST_UNKNOWN;
	assert_int_equal(sip_auth_init(&auth, &c, false, SPAN_LIT("x")), -TR_EUNSUPP);
}

/* ---- both sides ---- */

#define KEY SPAN_LIT("0123456789abcdef")

static struct sip_nc_table table;

struct side {
	struct sip_auth_server server;
	struct sip_auth auth;
	struct sip_login login;
};

static int find_user(void *arg, struct span user, enum sip_digest_alg alg, struct sip_digest_hex *ret)
{
	const struct side *side = arg;

	if (!span_eq_z(user, "ali\"ce"))
		return -TR_ENOTFOUND;

	return sip_digest_ha1(ret, alg, user, side->server.realm, SPAN_LIT("s3cret"));
}

static void set_up(struct side *s, uint32_t algs)
{
	memset(s, 0, sizeof(*s));
	memset(&table, 0, sizeof(table));
	s->server = (struct sip_auth_server){.key = KEY, .realm = SPAN_LIT("tipring"), .nonce_ttl_ms = 1000,
		.nc_table = &table, .algs = algs};
	s->login = (struct sip_login){SPAN_LIT("ali\"ce"), SPAN_LIT("s3cret")};
}

static void challenge_side(struct side *s, msec_t now)
{
	static char buf[2048];
	struct sip_challenge list[1];
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_status_line(&w, 401, (struct span){0});
	sip_write_hdr_z(&w, SIP_HDR_VIA, "SIP/2.0/UDP h;branch=z9hG4bKx");
	sip_write_hdr_z(&w, SIP_HDR_FROM, "<sip:a@h>;tag=1");
	sip_write_hdr_z(&w, SIP_HDR_TO, "<sip:a@h>;tag=2");
	sip_write_hdr_z(&w, SIP_HDR_CALL_ID, "c");
	sip_write_cseq(&w, 1, SPAN_LIT("REGISTER"));
	sip_write_challenges(&w, SIP_HDR_WWW_AUTHENTICATE, &s->server, false, now);
	sip_write_end(&w);
	assert_int_equal(sip_writer_finish(&w, &text), 0);
	assert_int_equal(sip_msg_parse(&msg, text.p, text.n), 0);
	assert_int_equal(sip_digest_choose(&msg, list, 1), 1);
	assert_int_equal(sip_auth_init(&s->auth, &list[0], false, SPAN_LIT("cnonce1")), 0);
}

/* The request with the client's answer, as text in wire. */
static void write_request(struct side *s)
{
	struct sip_auth_request request = {SPAN_LIT("REGISTER"), SPAN_LIT("sip:h"), SPAN_LIT("")};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, wire, sizeof(wire));
	sip_write_request_line(&w, SIP_REGISTER, SPAN_LIT("sip:h"));
	sip_write_hdr_z(&w, SIP_HDR_VIA, "SIP/2.0/UDP h;branch=z9hG4bKx");
	sip_write_hdr_z(&w, SIP_HDR_FROM, "<sip:a@h>;tag=1");
	sip_write_hdr_z(&w, SIP_HDR_TO, "<sip:a@h>");
	sip_write_hdr_z(&w, SIP_HDR_CALL_ID, "c");
	sip_write_cseq(&w, 1, SPAN_LIT("REGISTER"));
	sip_auth_write(&s->auth, &w, &s->login, &request);
	sip_write_end(&w);
	assert_int_equal(sip_writer_finish(&w, &text), 0);
	assert_int_equal(sip_msg_parse(&msg, text.p, text.n), 0);
}

static enum sip_auth_result verify(struct side *s, msec_t now)
{
	struct sip_auth_check check = {.request = &msg, .id = SIP_HDR_AUTHORIZATION, .ha1 = find_user, .ha1_arg = s};

	return sip_auth_verify(&s->server, &check, now);
}

/* RFC 3261 §22: every algorithm between our own two sides. */
static void right_password_is_taken(void **state)
{
	for (int alg = SIP_DIGEST_MD5; alg < SIP_DIGEST_ALG_COUNT; alg++) {
		struct side s;

		set_up(&s, 1u << alg);
		challenge_side(&s, 5000);
		assert_int_equal(s.auth.challenge.algorithm, alg);
		for (int i = 0; i < 3; i++) {
			write_request(&s);
			assert_int_equal(verify(&s, 5100), SIP_AUTH_OK);
		}
	}
}

static void wrong_password_user_or_key_is_refused(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	s.login.password = SPAN_LIT("s3creT");
	write_request(&s);
	assert_int_equal(verify(&s, 5100), SIP_AUTH_REFUSED);
	s.login = (struct sip_login){SPAN_LIT("bob"), SPAN_LIT("s3cret")};
	write_request(&s);
	assert_int_equal(verify(&s, 5100), SIP_AUTH_REFUSED);
	s.login = (struct sip_login){SPAN_LIT("ali\"ce"), SPAN_LIT("s3cret")};
	write_request(&s);
	s.server.key = SPAN_LIT("fedcba9876543210");
	assert_int_equal(verify(&s, 5100), SIP_AUTH_REFUSED);
	s.server.key = KEY;
	assert_int_equal(verify(&s, 5100), SIP_AUTH_OK);
}

/* RFC 7616 §3.3: an old nonce is stale, not wrong. */
static void old_nonce_is_stale(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	write_request(&s);
	assert_int_equal(verify(&s, 6000), SIP_AUTH_OK);
	write_request(&s);
	assert_int_equal(verify(&s, 6001), SIP_AUTH_STALE);
	assert_int_equal(verify(&s, 4999), SIP_AUTH_STALE);
}

/* RFC 7616 §3.4.5 and §5.12 */
static void replayed_count_is_stale(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_STALE);
	/* Out of order within the window is no replay. */
	s.auth.nc = 9;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	s.auth.nc = 4;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_STALE);
	s.auth.nc = 200;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	s.auth.nc = 20;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_STALE);
}

/* However many others pass through the table, a request is taken once. */
static void full_table_forgets_no_replay(void **state)
{
	static char first[sizeof(wire)];
	struct side s;
	size_t taken = 0;

	set_up(&s, 0);
	s.server.nonce_ttl_ms = 1000000;
	challenge_side(&s, 5000);
	write_request(&s);
	memcpy(first, wire, sizeof(first));
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	for (int i = 1; i <= 2 * SIP_NC_SETS * SIP_NC_WAYS; i++) {
		challenge_side(&s, 5000 + i);
		write_request(&s);
		taken += verify(&s, 5000 + i) == SIP_AUTH_OK;
		parse(first);
		assert_int_equal(verify(&s, 5000 + i), SIP_AUTH_STALE);
	}
	/* Nonces that get newer are always welcome. */
	assert_int_equal(taken, 2 * SIP_NC_SETS * SIP_NC_WAYS);
}

static void algorithm_that_was_not_offered_is_refused(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	assert_int_equal(s.auth.challenge.algorithm, SIP_DIGEST_SHA256);
	s.auth.challenge.algorithm = SIP_DIGEST_MD5;
	s.auth.challenge.algorithm_text = SPAN_LIT("MD5");
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
	s.server.algs = 1u << SIP_DIGEST_SHA256;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_REFUSED);
}

/* RFC 2617 §3.2.2: without qop there is no count to look at. */
static void credentials_without_qop_need_leave(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	s.auth.challenge.qop = 0;
	write_request(&s);
	assert_int_equal(verify(&s, 5001), SIP_AUTH_REFUSED);
	s.server.nc_table = NULL;
	assert_int_equal(verify(&s, 5001), SIP_AUTH_OK);
}

static void other_realms_are_not_ours(void **state)
{
	struct side s;

	set_up(&s, 0);
	challenge_side(&s, 5000);
	write_request(&s);
	s.server.realm = SPAN_LIT("elsewhere");
	assert_int_equal(verify(&s, 5001), SIP_AUTH_MISSING);
}

static void nonces_tell_ours_from_others(void **state)
{
	struct sip_auth_server server = {.key = KEY, .realm = SPAN_LIT("r"), .nonce_ttl_ms = 10};
	char nonce[SIP_NONCE_BYTES];

	sip_nonce_make(nonce, KEY, SPAN_LIT("r"), 77);
	assert_int_equal(strlen(nonce), SIP_NONCE_BYTES - 1);
	assert_int_equal(sip_nonce_check(&server, span_z(nonce), 87), SIP_NONCE_FRESH);
	assert_int_equal(sip_nonce_check(&server, span_z(nonce), 88), SIP_NONCE_OLD);
	for (size_t i = 0; i < SIP_NONCE_BYTES - 1; i++) {
		char c = nonce[i];

		nonce[i] = c == '0' ? '1' : '0';
		assert_int_equal(sip_nonce_check(&server, span_z(nonce), 80), SIP_NONCE_FOREIGN);
		nonce[i] = c;
	}
	assert_int_equal(sip_nonce_check(&server, SPAN_LIT(""), 80), SIP_NONCE_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_met),
		cmocka_unit_test(strongest_of_each_realm_is_chosen),
		cmocka_unit_test(nothing_answerable_is_nothing),
		cmocka_unit_test(client_answers_and_counts),
		cmocka_unit_test(proxy_challenge_names_its_algorithm),
		cmocka_unit_test(long_challenges_are_refused),
		cmocka_unit_test(right_password_is_taken),
		cmocka_unit_test(wrong_password_user_or_key_is_refused),
		cmocka_unit_test(old_nonce_is_stale),
		cmocka_unit_test(replayed_count_is_stale),
		cmocka_unit_test(full_table_forgets_no_replay),
		cmocka_unit_test(algorithm_that_was_not_offered_is_refused),
		cmocka_unit_test(credentials_without_qop_need_leave),
		cmocka_unit_test(other_realms_are_not_ours),
		cmocka_unit_test(nonces_tell_ours_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
