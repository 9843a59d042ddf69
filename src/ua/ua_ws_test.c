/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_lab.h"
#include "net/testcert.h"
#include "net/tls.h"
#include "net/ws.h"
#include "net/ws_http.h"

/* SIP over WebSocket (RFC 7118) from a client by hand that does what a browser's does. */

struct browser {
	int fd;
	struct tls *tls; /* wss */
	struct tls_ctx *ctx;
	struct ws_reader reader;
	char in[200000];
	size_t in_n;
	bool is_closed; /* by the other side */
	struct ws_event last;
	char text[70000]; /* of the last event */
};

static struct browser b;

static const uint8_t mask[4] = {1, 2, 3, 4};

static void open_us(void)
{
	static const char *const listens[] = {"ws:127.0.0.1:0", "wss:127.0.0.1:0", NULL};
	struct tls_params p = {.is_server = true, .certificate = testcert_path("good.pem"), .key = testcert_path("good.key")};
	char why[TLS_WHY_BYTES];

	assert_int_equal(tls_ctx_new(&tweak.tls_server, &p, why, sizeof(why)), 0);
	side_listen(&us, listens);
	tweak.tls_server = tls_ctx_unref(tweak.tls_server);
}

static void step(void)
{
	char buf[65536];
	ssize_t n;

	if (b.tls && tls_out(b.tls).n) {
		send_all(b.fd, tls_out(b.tls));
		tls_sent(b.tls, tls_out(b.tls).n);
	}
	n = recv(b.fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		b.is_closed = true;
	if (n <= 0)
		return;
	if (b.tls) {
		size_t got;

		tls_feed(b.tls, span(buf, (size_t)n));
		while ((got = tls_read(b.tls, b.in + b.in_n, sizeof(b.in) - b.in_n)))
			b.in_n += got;
	} else {
		assert_true(b.in_n + (size_t)n <= sizeof(b.in));
		memcpy(b.in + b.in_n, buf, (size_t)n);
		b.in_n += (size_t)n;
	}
}

static void put(struct span s)
{
	if (b.tls)
		assert_true(tls_write(b.tls, s));
	else
		send_all(b.fd, s);
	step();
}

static void connect_to(unsigned listener)
{
	struct tls_peer to = {.host = "pbx.example.com", .label = "us"};
	char why[TLS_WHY_BYTES];

	b = (struct browser){.fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, listener))};
	ws_reader_init(&b.reader, true, 65535);
	if (listener == 0)
		return;
	assert_int_equal(tls_ctx_new(&b.ctx, &(struct tls_params){.ca = testcert_path("ca.pem")}, why, sizeof(why)), 0);
	assert_int_equal(tls_new(&b.tls, b.ctx, &to), 0);
	tls_feed(b.tls, (struct span){0});
	pump((step(), tls_state(b.tls) == TLS_OPEN));
}

static void leave(void)
{
	ws_reader_done(&b.reader);
	tls_free(b.tls);
	tls_ctx_unref(b.ctx);
	close(b.fd);
}

/* The answer's HTTP status. */
static int upgrade(const char *host, const char *origin, const char *protocol)
{
	static const uint8_t random[16] = {9};
	char request[1000], key[WS_KEY_BYTES], headers[200] = "";
	struct ws_client_request rq = {.host = host, .target = "/", .protocol = protocol, .headers = headers, .random = random};
	struct ws_response rsp;
	size_t used = 0, n;
	int got;

	if (origin)
		snprintf(headers, sizeof(headers), "Origin: %s\r\n", origin);
	n = ws_request_write(request, sizeof(request), &rq, key);
	put(span(request, n));
	pump((step(), (got = ws_response_read(b.in, b.in_n, key, protocol, &rsp, &used)) != 0));
	if (got == 1) {
		assert_span_equal(rsp.protocol, "sip");
		memmove(b.in, b.in + used, b.in_n - used);
		b.in_n -= used;
	}

	return rsp.status;
}

static void say_frame(enum ws_opcode kind, struct span text)
{
	static char frame[70000];
	size_t n = ws_write(frame, sizeof(frame), kind, text, mask);

	assert_true(n > 0);
	put(span(frame, n));
}

static void say(const char *text)
{
	say_frame(WS_TEXT, span_z(text));
}

/* The next event, as text. */
static const char *hear(enum ws_opcode kind)
{
	size_t used = 0;
	int got;

	pump((step(), (got = ws_read(&b.reader, b.in, b.in_n, &b.last, &used)) != 0 || b.is_closed));
	assert_int_equal(got, 1);
	assert_int_equal(b.last.kind, kind);
	assert_true(span_copy(b.last.bytes, b.text, sizeof(b.text)));
	memmove(b.in, b.in + used, b.in_n - used);
	b.in_n -= used;

	return b.text;
}

static void expect_text(const char *words)
{
	if (!strstr(hear(WS_TEXT), words))
		fail_msg("\"%s\" is not in %s", words, b.text);
}

static const char *message(const char *first, unsigned cseq, const char *transport, const char *to_tag, const char *body)
{
	static char text[3000];
	char method[20];

	span_copy(span(first, span_find(span_z(first), ' ')), method, sizeof(method));
	snprintf(text, sizeof(text),
		"%s SIP/2.0\r\nVia: SIP/2.0/%s df7jal23ls0d.invalid;branch=z9hG4bK%u%s\r\nMax-Forwards: 70\r\n"
		"From: <sip:alice@example.com>;tag=asdyka899\r\nTo: <sip:reception@127.0.0.1>%s\r\nCall-ID: asidkj3ss\r\nCSeq: %u %s\r\n"
		"Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>\r\nContent-Length: %zu\r\n%s\r\n%s",
		first, transport, cseq, method, to_tag, cseq, method, strlen(body), body[0] ? "Content-Type: application/sdp\r\n" : "", body);

	return text;
}

static struct sip_session *calling(const char *transport, char *ret_tag, size_t cap)
{
	const char *at;

	say(message("INVITE sip:reception@127.0.0.1", 1, transport, "", sdp));
	hear(WS_TEXT);
	if (strstr(b.text, "SIP/2.0 100"))
		hear(WS_TEXT);
	assert_non_null(strstr(b.text, "SIP/2.0 200"));
	/* RFC 7118 §5.2: the Via comes back as it was, with where it really came from. */
	assert_non_null(strstr(b.text, "df7jal23ls0d.invalid;"));
	assert_non_null(strstr(b.text, ";received=127.0.0.1"));
	assert_non_null(strstr(b.text, ";transport=ws>"));
	at = strstr(b.text, "127.0.0.1>;tag=");
	assert_non_null(at);
	at += 10;
	snprintf(ret_tag, cap, "%.*s", (int)strcspn(at, "\r\n"), at);
	say(message("ACK sip:reception@127.0.0.1", 1, transport, ret_tag, ""));
	pump(us.confirmed);

	return us.session;
}

/* Both ends hang up once, over ws and over wss. */
static void a_browser_calls(void **state)
{
	for (unsigned listener = 0; listener < 2; listener++) {
		const char *transport = listener ? "WSS" : "WS";
		char tag[80];

		open_us();
		connect_to(listener);
		assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
		calling(transport, tag, sizeof(tag));
		assert_string_equal(us.transport_in, transport);
		say(message("BYE sip:reception@127.0.0.1", 2, transport, tag, ""));
		expect_text("SIP/2.0 200");
		pump(us.ended);
		assert_int_equal(us.cause, SIP_CAUSE_REMOTE);
		assert_int_equal(stats_of(&us).ws_upgrades, 1);
		leave();
		pump(stats_of(&us).live_conns == 0);
		side_close(&us);
	}
}

/* RFC 7118 §5: nobody can reach alice@df7jal23ls0d.invalid but through the connection that it came by. */
static void requests_go_down_the_connection(void **state)
{
	char tag[80], rest[3000];
	struct sip_session *s;

	open_us();
	connect_to(0);
	assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
	s = calling("WS", tag, sizeof(tag));
	sip_session_hangup(s, (struct span){0}, clock_ms());
	hear(WS_TEXT);
	assert_non_null(strstr(b.text, "BYE sip:alice@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/WS 127.0.0.1:"));
	buf_copy(rest, sizeof(rest), strchr(b.text, '\n') + 1);

	char answer[3100];

	snprintf(answer, sizeof(answer), "SIP/2.0 200 OK\r\n%s", rest);
	say(answer);
	pump(us.ended);
	assert_int_equal(us.cause, SIP_CAUSE_LOCAL);
	leave();
}

static void a_closed_tab_ends_what_is_asked_of_it(void **state)
{
	char tag[80];
	struct sip_session *s;

	open_us();
	connect_to(0);
	assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
	s = calling("WS", tag, sizeof(tag));
	leave();
	pump(stats_of(&us).live_conns == 0);
	turns(3);
	sip_session_hangup(s, (struct span){0}, clock_ms());
	pump(us.ended);
	assert_int_equal(stats_of(&us).send_errors, 1);
}

/* --- the handshake --- */

static void pages_are_let_in_by_origin(void **state)
{
	static const struct {
		const char *host, *origin;
		int status;
	} rows[] = {
		{"127.0.0.1:8088", NULL, 101},
		{"127.0.0.1:8088", "http://127.0.0.1:3000", 101}, /* our own machine's page */
		{"localhost:8088", "http://localhost", 101},
		{"pbx.example.com", "https://console.example.com", 101},
		{"pbx.example.com", "https://console.example.com.evil.example", 403},
		{"pbx.example.com", "https://evil.example", 403},
		{"pbx.example.com", "null", 403},
		{"evil.example", "http://evil.example", 403}, /* a name that was pointed at us */
		{"127.0.0.1:8088", "http://192.0.2.1", 403},
	};
	static const char *const origins[] = {"https://console.example.com"}, *const any[] = {"*"};

	open_us();
	assert_int_equal(ua_set_ws_origins(us.ua, origins, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		connect_to(0);

		int status = upgrade(rows[i].host, rows[i].origin, "sip");

		if (status != rows[i].status)
			fail_msg("row %zu: %d", i, status);
		if (status == 403) {
			pump((step(), b.is_closed));
			assert_non_null(strstr(us.refusal, "add that origin to sip.origins"));
		}
		leave();
	}
	assert_int_equal(stats_of(&us).ws_refused, 5);
	assert_int_equal(ua_set_ws_origins(us.ua, any, 1), 0);
	connect_to(0);
	assert_int_equal(upgrade("pbx.example.com", "https://evil.example", "sip"), 101);
	leave();
}

static void what_is_no_upgrade_is_told_so(void **state)
{
	static const struct {
		const char *text, *answer, *refusal;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 ", "this port speaks SIP over WebSocket (RFC 7118) only"},
		{"INVITE sip:x@y SIP/2.0\r\n\r\n", "HTTP/1.1 400 ", "plain SIP belongs to the TCP or UDP port"},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400 ", "wss: needs another port"},
	};

	open_us();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		connect_to(0);
		put(span_z(rows[i].text));
		pump((step(), b.is_closed));
		if (!memmem(b.in, b.in_n, rows[i].answer, strlen(rows[i].answer)) || !strstr(us.refusal, rows[i].refusal))
			fail_msg("%.*s / %s", (int)b.in_n, b.in, us.refusal);
		leave();
	}
	connect_to(0);
	assert_int_equal(upgrade("127.0.0.1", NULL, "chat"), 400);
	assert_non_null(strstr(us.refusal, "the subprotocol \"sip\" has to be offered"));
	leave();
	connect_to(1); /* over TLS the words come too */
	assert_int_equal(upgrade("127.0.0.1", "https://evil.example", "sip"), 403);
	pump((step(), b.is_closed));
	leave();
	pump(stats_of(&us).live_conns == 0);
}

/* Never more than a head's worth, never longer than a moment. */
static void upgrades_are_bounded(void **state)
{
	static char head[9000];

	tweak.shake_ms = 50;
	open_us();
	connect_to(0);
	put(SPAN_LIT("GET / HT"));
	pump((step(), b.is_closed));
	leave();
	side_close(&us);
	tweak.shake_ms = 0;
	open_us();
	connect_to(0);
	memset(head, 'x', sizeof(head));
	memcpy(head, "GET /", 5);
	put(span(head, sizeof(head)));
	pump((step(), b.is_closed));
	assert_non_null(memmem(b.in, b.in_n, "HTTP/1.1 431 ", 13));
	leave();
}

/* --- frames --- */

static void messages_may_come_in_fragments(void **state)
{
	const char *text = message("OPTIONS sip:reception@127.0.0.1", 7, "WS", "", "");
	char frame[200];
	size_t n = strlen(text);

	open_us();
	connect_to(0);
	assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
	for (size_t at = 0; at < n; at += 50) {
		size_t part = MIN((size_t)50, n - at), length = ws_write(frame, sizeof(frame), WS_TEXT, span(text + at, part), mask);

		frame[0] = (char)((at ? WS_CONTINUATION : WS_TEXT) | (at + 50 >= n ? 0x80 : 0));
		for (size_t i = 0; i < length; i++) {
			put(span(frame + i, 1));
			turns(i % 16 == 0);
		}
		if (at == 100) {
			say_frame(WS_PING, SPAN_LIT("alive?"));
			assert_string_equal(hear(WS_PONG), "alive?");
		}
	}
	expect_text("SIP/2.0 200");

	/* RFC 5626's ping is a message of its own; a binary frame is a message too. */
	say("\r\n\r\n");
	assert_string_equal(hear(WS_TEXT), "\r\n");
	say_frame(WS_BINARY, span_z(message("OPTIONS sip:reception@127.0.0.1", 8, "WS", "", "")));
	expect_text("SIP/2.0 200");
	leave();
}

static void silent_browsers_are_pinged(void **state)
{
	tweak.ws_ping_ms = 100;
	open_us();
	connect_to(0);
	assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
	for (unsigned i = 0; i < 3; i++) {
		hear(WS_PING);
		say_frame(WS_PONG, (struct span){0});
	}
	hear(WS_PING); /* and now there is no answer */
	hear(WS_CLOSE);
	pump((step(), b.is_closed));
	pump(stats_of(&us).live_conns == 0);
	leave();
}

static void faults_close_with_their_status(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		uint16_t status;
	} rows[] = {
		{"\x81\x01x", 3, WS_PROTOCOL},				    /* not masked */
		{"\xc1\x81\0\0\0\0x", 7, WS_PROTOCOL},			    /* compressed, which nobody agreed to */
		{"\x81\x82\0\0\0\0\xff\xff", 8, WS_BAD_TEXT},
		{"\x82\xff\0\0\0\0\0\x01\0\0\0\0\0\0", 14, WS_TOO_BIG},
		{"\x88\x82\0\0\0\0\x03\xe8", 8, WS_NORMAL},		    /* goodbye is answered with goodbye */
	};

	open_us();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		connect_to(i & 1);
		assert_int_equal(upgrade("127.0.0.1", NULL, "sip"), 101);
		put(span(rows[i].bytes, rows[i].n));
		hear(WS_CLOSE);
		assert_int_equal(b.last.status, rows[i].status);
		pump((step(), b.is_closed));
		leave();
	}
	pump(stats_of(&us).live_conns == 0);
	assert_int_equal(stats_of(&us).framing_errors, ARRAY_LEN(rows) - 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_browser_calls),
		TEST(requests_go_down_the_connection),
		TEST(a_closed_tab_ends_what_is_asked_of_it),
		TEST(pages_are_let_in_by_origin),
		TEST(what_is_no_upgrade_is_told_so),
		TEST(upgrades_are_bounded),
		TEST(messages_may_come_in_fragments),
		TEST(silent_browsers_are_pinged),
		TEST(faults_close_with_their_status),
	};
	int failed;

	testcert_begin();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	testcert_end();

	return failed;
}
