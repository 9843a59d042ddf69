/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_lab.h"
#include "net/testcert.h"
#include "net/tls_priv.h"
#include <openssl/ssl.h>

/* SIP over TLS between two stacks, and from clients that misbehave. */

static struct tls_ctx *make_ctx(const struct tls_params *p)
{
	struct tls_ctx *ctx = NULL;
	char why[TLS_WHY_BYTES] = "";

	if (tls_ctx_new(&ctx, p, why, sizeof(why)))
		fail_msg("%s", why);

	return ctx;
}

static struct tls_ctx *server_ctx(const char *name)
{
	char pem[40], key[40];

	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);

	return make_ctx(&(struct tls_params){.is_server = true, .certificate = testcert_path(pem), .key = testcert_path(key)});
}

/* The peer's listeners: TLS with that certificate, then TCP. */
static void open_peer(struct tls_ctx *ctx)
{
	static const char *const listens[] = {"tls:127.0.0.1:0", "tcp:127.0.0.1:0", NULL};

	tweak.tls_server = ctx;
	side_listen(&peer, listens);
	tls_ctx_unref(ctx);
	tweak.tls_server = NULL;
}

/* Us: UDP only, and settings of a line that trusts the test's CA. */
static void open_us(const struct tls_params *p, const char *host)
{
	struct tls_ctx *ctx = make_ctx(p ? p : &(struct tls_params){.ca = testcert_path("ca.pem")});

	side_open(&us, "127.0.0.2:0", NULL);
	assert_int_equal(ua_set_tls_client(us.ua, "line", ctx, host, &call_tls), 0);
	assert_int_equal(call_tls, 1);
	tls_ctx_unref(ctx);
}

static int tls_setup(void **state)
{
	call_tls = 0;

	return setup(state);
}

static void a_call_over_tls(void **state)
{
	struct sip_session *s[3];

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);
	for (unsigned i = 0; i < 3; i++)
		s[i] = call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed == 3);
	assert_string_equal(peer.transport_in, "TLS");
	assert_string_equal(peer.from_ip, "127.0.0.2"); /* where our other listener is: what Via says */
	for (unsigned i = 0; i < 3; i++)
		sip_session_hangup(s[i], (struct span){0}, clock_ms());
	pump(peer.ended == 3 && us.ended == 3);
	assert_int_equal(stats_of(&us).conns_out, 1);
	assert_int_equal(stats_of(&us).tls_handshakes, 1);
	assert_int_equal(stats_of(&peer).conns_in, 1);
	assert_int_equal(stats_of(&peer).conns_out, 0);
	assert_int_equal(stats_of(&peer).tls_handshakes, 1);
}

/* RFC 3261 §12.1.1, §26.2.2: sips: means TLS, also in both Contacts. */
static void sips_means_tls(void **state)
{
	char uri[80];

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);
	snprintf(uri, sizeof(uri), "sips:bob@127.0.0.1:%u", port_of(&peer, 0));
	call(uri, SIP_TLS, NULL);
	pump(peer.confirmed);
	assert_string_equal(peer.transport_in, "TLS");
	assert_string_equal(peer.contact_in, "<sips:alice@127.0.0.2:5061>");
	snprintf(uri, sizeof(uri), "<sips:127.0.0.1:%u>", port_of(&peer, 0));
	assert_string_equal(us.contact_in, uri);

	/* An account that goes elsewhere in the open may not take it along. */
	struct sip_account_params ap = {.aor = SPAN_LIT("sip:alice@test.example"),
		.transport = SIP_UDP,
		.sent_by = SPAN_LIT("127.0.0.1:5060"),
		.proxy = {.transport = SIP_UDP, .host = SPAN_LIT("proxy.example")}};
	struct sip_session *s = NULL;

	sip_account_unref(us.account);
	assert_int_equal(sip_account_new(us.stack, &ap, &us.account), 0);

	struct sip_invite inv = {.account = us.account, .target = SPAN_LIT("sips:bob@127.0.0.1"), .sdp = span(sdp, sizeof(sdp) - 1)};

	assert_int_equal(sip_session_invite(us.stack, &inv, clock_ms(), &s), -TR_EUNSUPP);
}

/* What each fault of a certificate is called, as the end of a call. */
static void faults_are_the_calls_reason(void **state)
{
	static const struct {
		const char *server, *words;
	} rows[] = {
		{"expired", "expired on "},
		{"wrong", "is for mail.example.org, 192.0.2.7, not for 127.0.0.1"},
		{"self", "is self-signed (\"self\") and not known here"},
		{"stranger", "was issued by \"other\", which is not trusted here"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char label[40];

		open_peer(server_ctx(rows[i].server));
		open_us(NULL, NULL);
		call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
		pump(us.ended);
		assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
		snprintf(label, sizeof(label), "127.0.0.1:%u ", port_of(&peer, 0));
		if (!strstr(us.why, rows[i].words) || !strstr(us.why, label))
			fail_msg("\"%s\" does not say \"%s\"", us.why, rows[i].words);
		pump(peer.refused);
		assert_int_equal(peer.incoming, 0);
		assert_int_equal(stats_of(&us).live_conns, 0);
		assert_int_equal(stats_of(&us).tls_failures, 1);
		side_close(&us);
		side_close(&peer);
	}
}

static struct sip_reg *register_at(const char *host, uint16_t port)
{
	struct sip_account_params ap = {.aor = SPAN_LIT("sip:alice@pbx.example.com"),
		.transport = SIP_TLS,
		.tls = call_tls,
		.sent_by = SPAN_LIT("127.0.0.1:5061"),
		.proxy = {.transport = SIP_TLS, .host = span_z(host), .port = port}};
	struct sip_reg_params rp = {0};
	struct sip_reg *reg = NULL;

	sip_account_unref(us.account);
	assert_int_equal(sip_account_new(us.stack, &ap, &us.account), 0);
	rp.account = us.account;
	assert_int_equal(sip_reg_new(us.stack, &rp, clock_ms(), &reg), 0);

	return reg;
}

static void faults_are_the_registrations_reason(void **state)
{
	static const struct testdns_record list[] = {{"pbx.example.com", 1, 300, "127.0.0.1"}, {0}};

	dns_server.records = list;
	open_peer(server_ctx("expired"));
	open_us(NULL, NULL);

	struct sip_reg *reg = register_at("pbx.example.com", port_of(&peer, 0));

	pump(us.reg_failed);
	if (!strstr(us.why, "the certificate of pbx.example.com (127.0.0.1:") || !strstr(us.why, "expired on 20"))
		fail_msg("%s", us.why);
	sip_reg_free(reg);

	/* Its certificate is renewed while it runs: the next try succeeds as far as TLS. */
	struct tls_ctx *fresh = server_ctx("good");

	ua_set_tls_server(peer.ua, fresh);
	tls_ctx_unref(fresh);
	us.reg_failed = 0;
	reg = register_at("pbx.example.com", port_of(&peer, 0));
	pump(us.reg_failed);
	assert_string_equal(us.why, "the registrar refuses the registration"); /* 405: a user agent is no registrar */
	assert_int_equal(stats_of(&us).tls_handshakes, 1);
	sip_reg_free(reg);
}

static void ports_that_speak_something_else_are_named(void **state)
{
	char uri[64];

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);

	/* TLS to a plain port. Our own kind just closes; Asterisk too. */
	call(at_peer(1, ";transport=tls"), SIP_TLS, NULL);
	pump(us.ended == 1);
	assert_non_null(strstr(us.why, "closed the connection during the TLS handshake: check that this port speaks TLS"));
	pump(peer.refused == 1);
	assert_non_null(strstr(peer.refusal, "speaks TLS to our TCP port"));

	/* Plain SIP to a TLS port: the alert that comes back says what it is. */
	call_tls = 0;
	call(at_peer(0, ";transport=tcp"), SIP_TCP, NULL);
	pump(us.ended == 2);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
	assert_non_null(strstr(us.why, "speaks TLS on this port: set transport: tls"));
	pump(peer.refused == 2);
	assert_non_null(strstr(peer.refusal, "speaks plain SIP to our TLS port"));

	/* Nobody. */
	uint16_t port = port_of(&peer, 0);

	side_close(&peer);
	turns(3);
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tls", port);
	call(uri, SIP_TLS, NULL);
	pump(us.ended == 3);
	assert_non_null(strstr(us.why, "over TLS: nothing listens there (connection refused): check address, port and transport"));
}

static void ports_that_are_silent_are_named(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fds[8], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char uri[64];

	tweak.connect_ms = 50;
	open_us(NULL, NULL);
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tls", silent_port(fds));
	call(uri, SIP_TLS, NULL);
	pump(us.ended == 1);
	assert_non_null(strstr(us.why, "over TLS: no answer: check address, port and firewall"));
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);

	/* Takes the connection and says nothing. */
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tls", ntohs(sa.sin_port));
	call(uri, SIP_TLS, NULL);
	pump(us.ended == 2);
	assert_non_null(strstr(us.why, "did not finish the TLS handshake in time"));
	close(fd);
}

/* The reverse of the above: a server that speaks TLS to our TCP. */
static void a_tls_answer_on_tcp_is_named(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), in;
	char uri[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	side_open(&us, NULL, "127.0.0.1:0");
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tcp", ntohs(sa.sin_port));
	call(uri, SIP_TCP, NULL);
	pump((in = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	send_all(in, SPAN_LIT("\x15\x03\x03\x00\x02\x02\x46"));
	pump(us.ended);
	assert_non_null(strstr(us.why, "speaks TLS on this port: set transport: tls"));
	close(in);
	close(fd);
}

static void both_sides_show_certificates(void **state)
{
	struct tls_params server = {.is_server = true,
		.certificate = testcert_path("good.pem"),
		.key = testcert_path("good.key"),
		.ca = testcert_path("ca.pem"),
		.verify_clients = true};
	struct tls_params client = {
		.ca = testcert_path("ca.pem"), .certificate = testcert_path("client.pem"), .key = testcert_path("client.key")};

	open_peer(make_ctx(&server));
	open_us(&client, NULL);
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed);
	side_close(&us);

	/* TLS 1.3 tells the client only after its own handshake, with the call already under way. */
	open_us(NULL, NULL);
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(us.ended);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
	if (!strstr(us.why, "wants a client certificate and we have none: give tls.certificate and tls.key of the line"))
		fail_msg("%s", us.why);
	assert_non_null(strstr(peer.refusal, "showed no client certificate, which sip.tls.verify_clients wants"));
}

/* New connections use the new certificate, old ones go on. */
static void certificates_change_while_calls_run(void **state)
{
	char pin[TLS_PIN_BYTES], why[200];
	struct tls_identity *id = NULL;
	struct sip_session *first;

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);
	first = call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed == 1);

	struct tls_ctx *fresh = server_ctx("second"), *pinned;
	uint32_t old_tls = call_tls;

	ua_set_tls_server(peer.ua, fresh);
	tls_ctx_unref(fresh);
	assert_int_equal(tls_identity_load(&id, testcert_path("second.pem"), testcert_path("second.key"), why, sizeof(why)), 0);
	assert_true(tls_identity_pin(id, pin));
	tls_identity_free(id);
	pinned = make_ctx(&(struct tls_params){.pin = pin});
	assert_int_equal(ua_set_tls_client(us.ua, "other line", pinned, NULL, &call_tls), 0);
	tls_ctx_unref(pinned);
	assert_int_not_equal(call_tls, old_tls);

	/* Other settings: not the first connection, though the address is the same. */
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed == 2);
	assert_int_equal(stats_of(&us).conns_out, 2);
	sip_session_hangup(first, (struct span){0}, clock_ms());
	pump(peer.ended == 1);
	assert_int_equal(stats_of(&us).conns_out, 2);
}

/* The peer restarts its connections, its ticket keys stay. */
static void sessions_are_resumed(void **state)
{
	struct tls_ctx *ctx = server_ctx("good");
	char where[40] = "tls:127.0.0.1:0";
	const char *const listens[] = {where, NULL};

	open_us(NULL, NULL);
	for (unsigned i = 1; i <= 2; i++) {
		tweak.tls_server = ctx;
		side_listen(&peer, listens);
		tweak.tls_server = NULL;

		struct sip_session *s = call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);

		pump(peer.confirmed);
		sip_session_hangup(s, (struct span){0}, clock_ms());
		pump(peer.ended && us.ended == i);
		assert_int_equal(stats_of(&peer).tls_resumed, i - 1);
		snprintf(where, sizeof(where), "tls:127.0.0.1:%u", port_of(&peer, 0));
		side_close(&peer);
		pump(stats_of(&us).live_conns == 0);
	}
	assert_int_equal(stats_of(&us).tls_handshakes, 2);
	assert_int_equal(stats_of(&us).tls_resumed, 1);
	tls_ctx_unref(ctx);
}

/* --- names --- */

static char srv_data[2][64], naptr_data[80];

/* RFC 3263 §4.1, §4.2 and RFC 5922 §4: the name that was asked for has to be in the certificate, wherever SRV leads. */
static void srv_leads_and_the_name_stays(void **state)
{
	uint16_t bad_port, good_port;

	open_peer(server_ctx("good"));
	bad_port = port_of(&peer, 1); /* plain TCP: fails in the handshake */
	good_port = port_of(&peer, 0);
	snprintf(srv_data[0], sizeof(srv_data[0]), "1 0 %u one.example", bad_port);
	snprintf(srv_data[1], sizeof(srv_data[1]), "2 0 %u two.example", good_port);
	snprintf(naptr_data, sizeof(naptr_data), "1 1 s SIPS+D2T _sips._tcp.elsewhere.example");

	const struct testdns_record list[] = {
		{"_sips._tcp.pbx.example.com", 33, 300, srv_data[0]},
		{"_sips._tcp.pbx.example.com", 33, 300, srv_data[1]},
		{"a.wild.example.com", 35, 300, naptr_data},
		{"_sips._tcp.elsewhere.example", 33, 300, srv_data[1]},
		{"one.example", 1, 300, "127.0.0.1"},
		{"two.example", 1, 300, "127.0.0.1"},
		{0},
	};

	dns_server.records = list;
	open_us(NULL, NULL);
	call("sip:bob@pbx.example.com;transport=tls", SIP_TLS, NULL);
	pump(peer.confirmed == 1);
	assert_int_equal(stats_of(&us).failovers, 1);
	call("sips:bob@a.wild.example.com", SIP_TLS, NULL);
	pump(peer.confirmed == 2);
	/* Two names, two connections, though both lead to one address. */
	assert_int_equal(stats_of(&peer).tls_handshakes, 2);
	call("sips:bob@pbx.example.com", SIP_TLS, NULL);
	pump(peer.confirmed == 3);
	assert_int_equal(stats_of(&peer).tls_handshakes, 2);
	dns_server.records = no_records;
}

/* A phone system's Contact is its IP address, its certificate has its name: after the first connection is gone its dialogs go on. */
static void an_address_is_trusted_by_the_lines_name(void **state)
{
	struct tls_ctx *named = make_ctx(&(struct tls_params){
		.is_server = true, .certificate = testcert_path("common.pem"), .key = testcert_path("common.key")});

	open_peer(named);
	open_us(NULL, "pbx.example.com");
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed);

	/* Only for the line that has it. */
	call_tls = 0;
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(us.ended);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
}

/* --- odd clients --- */

/* A client by hand: its own TLS over a blocking socket. */
struct raw {
	int fd;
	struct tls *tls;
	struct tls_ctx *ctx;
	size_t chunk;
};

static struct raw raw_open(void)
{
	struct raw r = {.chunk = 65536};
	struct tls_peer to = {.host = "pbx.example.com", .label = "us"};

	r.fd = client(SOCK_STREAM, "127.0.0.1", port_of(&peer, 0));
	r.ctx = make_ctx(&(struct tls_params){.ca = testcert_path("ca.pem")});
	assert_int_equal(tls_new(&r.tls, r.ctx, &to), 0);

	return r;
}

static void raw_close(struct raw *r)
{
	tls_free(r->tls);
	tls_ctx_unref(r->ctx);
	close(r->fd);
}

/* Sends what waits, takes what came. False: the other side closed. */
static bool raw_step(struct raw *r)
{
	char buf[65536];
	struct span out = tls_out(r->tls);
	ssize_t n;

	for (size_t at = 0; at < out.n; at += r->chunk) {
		send_all(r->fd, span(out.p + at, MIN(r->chunk, out.n - at)));
		if (r->chunk < 65536)
			turns(2);
	}
	tls_sent(r->tls, out.n);
	n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0)
		tls_feed(r->tls, span(buf, (size_t)n));

	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void raw_handshake(struct raw *r)
{
	tls_feed(r->tls, (struct span){0});
	pump((assert_true(raw_step(r)), tls_state(r->tls) == TLS_OPEN));
	(void)raw_step(r);
}

static unsigned raw_count(struct raw *r, const char *text)
{
	char buf[65536];
	size_t n;
	unsigned count = 0;

	assert_true(raw_step(r));
	n = tls_read(r->tls, buf, sizeof(buf) - 1);
	buf[n] = 0;
	for (const char *at = buf; (at = strstr(at, text)); at++)
		count++;

	return count;
}

/* A message in as many records as it has pieces, records in as many packets as they have. */
static void streams_are_found_wherever_they_are_cut(void **state)
{
	static const size_t chunks[] = {1, 3, 50, 65536};

	open_peer(server_ctx("good"));
	for (unsigned k = 0; k < ARRAY_LEN(chunks); k++) {
		struct raw r = raw_open();
		unsigned got = 0;

		r.chunk = chunks[k];
		raw_handshake(&r);
		for (unsigned i = 0; i < 3; i++) {
			struct span s = options_text(k * 100 + i, "TLS");

			for (size_t at = 0; at < s.n; at += 37)
				assert_true(tls_write(r.tls, span(s.p + at, MIN((size_t)37, s.n - at))));
		}
		assert_true(tls_write(r.tls, SPAN_LIT("\r\n\r\n")));
		pump((got += raw_count(&r, "SIP/2.0 200")) == 3);
		raw_close(&r);
	}
	assert_int_equal(stats_of(&peer).framing_errors, 0);
	assert_int_equal(stats_of(&peer).keepalives_in, ARRAY_LEN(chunks));
}

static void expect_still_serving(unsigned calls)
{
	call(at_peer(0, ";transport=tls"), SIP_TLS, NULL);
	pump(peer.confirmed == calls);
}

static void odd_clients_harm_nobody(void **state)
{
	uint64_t seed = test_seed();
	char junk[500];

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);

	/* Garbage at once, and garbage behind a record's head. */
	for (unsigned i = 0; i < 50; i++) {
		int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&peer, 0));

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (char)prng_u32(&seed);
		if (i & 1)
			memcpy(junk, "\x16\x03\x01\x00\xf0", 5);
		send_all(fd, span(junk, sizeof(junk)));
		pump(count_arrived(fd, "x") == -1);
		close(fd);
	}
	expect_still_serving(1);

	/* Half closed in the middle of a handshake, and after it. */
	struct raw r = raw_open();

	tls_feed(r.tls, (struct span){0});
	send_all(r.fd, span(tls_out(r.tls).p, 100));
	shutdown(r.fd, SHUT_WR);
	pump(count_arrived(r.fd, "x") == -1);
	raw_close(&r);
	r = raw_open();
	raw_handshake(&r);
	shutdown(r.fd, SHUT_WR);
	pump(!raw_step(&r));
	raw_close(&r);

	/* Garbage in an open connection. */
	r = raw_open();
	raw_handshake(&r);
	send_all(r.fd, SPAN_LIT("\x17\x03\x03\x00\x20garbage garbage garbage garbage "));
	pump(!raw_step(&r));
	raw_close(&r);
	expect_still_serving(2);
	pump(stats_of(&peer).live_conns == 1);
}

/* TLS 1.2 lets a client begin anew as often as it likes; we do not. */
static void renegotiation_is_refused(void **state)
{
	open_peer(server_ctx("good"));
	open_us(NULL, NULL);

	struct raw r = raw_open();

	SSL_set_max_proto_version(r.tls->ssl, TLS1_2_VERSION);
	raw_handshake(&r);
	SSL_clear_options(r.tls->ssl, SSL_OP_NO_RENEGOTIATION); /* ours, as a stranger's client has it */
	assert_int_equal(SSL_renegotiate(r.tls->ssl), 1);
	SSL_do_handshake(r.tls->ssl);
	assert_true(tls_out(r.tls).n > 0);
	/* It gets "no renegotiation" and is closed, or gives up by itself; either way nothing was spent on it. */
	for (unsigned i = 0; i < 50 && raw_step(&r); i++)
		turns(1);
	assert_int_equal(stats_of(&peer).tls_handshakes, 1);
	raw_close(&r);
	expect_still_serving(1);
}

/* Connections that never finish: ended in time, and so many of them that they give way to each other never keep out a real peer. */
static void slow_handshakes_are_bounded(void **state)
{
	int fds[LIMIT_UA_SHAKING + 20];

	tweak.shake_ms = 100;
	open_peer(server_ctx("good"));
	tweak.shake_ms = 0;

	int slow = client(SOCK_STREAM, "127.0.0.1", port_of(&peer, 0));

	send_all(slow, SPAN_LIT("\x16\x03"));
	pump(count_arrived(slow, "x") == -1);
	assert_non_null(strstr(peer.refusal, "did not finish the TLS handshake in time"));
	close(slow);
	side_close(&peer);

	open_peer(server_ctx("good"));
	open_us(NULL, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client(SOCK_STREAM, "127.0.0.1", port_of(&peer, 0));
		if (i % 16 == 0)
			turns(2);
	}
	pump(stats_of(&peer).shaking_dropped == 20);
	expect_still_serving(1);
	assert_in_range(stats_of(&peer).live_conns, LIMIT_UA_SHAKING - 2, LIMIT_UA_SHAKING + 1);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* A listener without a certificate is an error of configuration, not of calls. */
static void listeners_need_a_certificate(void **state)
{
	struct sip_stack_params sp = {.on_event = on_event, .ctx = &us};
	struct ua_listen l = listen_of("tls:127.0.0.1:0");
	struct ua_params up = {.loop = &loop, .listens = &l, .listen_count = 1, .dns_servers = dns_name};
	struct ua *ua = NULL;
	unsigned bad = 9;

	assert_int_equal(sip_stack_new(&up.stack, &sp, clock_ms()), 0);
	assert_int_equal(ua_new(&up, &ua, &bad), -TR_ECONFIG);
	assert_int_equal(bad, 0);
	turns(3);
	sip_stack_free(up.stack);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, tls_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_over_tls),
		TEST(sips_means_tls),
		TEST(faults_are_the_calls_reason),
		TEST(faults_are_the_registrations_reason),
		TEST(ports_that_speak_something_else_are_named),
		TEST(ports_that_are_silent_are_named),
		TEST(a_tls_answer_on_tcp_is_named),
		TEST(both_sides_show_certificates),
		TEST(certificates_change_while_calls_run),
		TEST(sessions_are_resumed),
		TEST(srv_leads_and_the_name_stays),
		TEST(an_address_is_trusted_by_the_lines_name),
		TEST(streams_are_found_wherever_they_are_cut),
		TEST(odd_clients_harm_nobody),
		TEST(renegotiation_is_refused),
		TEST(slow_handshakes_are_bounded),
		TEST(listeners_need_a_certificate),
	};
	int failed;

	testcert_begin();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	testcert_end();

	return failed;
}
