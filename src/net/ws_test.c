/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/ws.h"
#include "net/ws_http.h"

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

struct fixture {
	struct ws_reader r;
	char buf[200000];
	size_t n;
};

static struct fixture f;

static int setup(void **state)
{
	ws_reader_init(&f.r, true, 100000);
	f.n = 0;

	return 0;
}

static int teardown(void **state)
{
	ws_reader_done(&f.r);

	return 0;
}

static void arrive(const void *bytes, size_t n)
{
	memcpy(f.buf + f.n, bytes, n);
	f.n += n;
}

/* The next event, what it used taken from the buffer. */
static int next(struct ws_event *ret)
{
	size_t used = 0;
	static char copy[100001];
	int got = ws_read(&f.r, f.buf, f.n, ret, &used);

	if (got < 0)
		return got;
	if (got == 1) {
		memcpy(copy, ret->bytes.p ? ret->bytes.p : "", ret->bytes.n);
		ret->bytes.p = copy;
	}
	memmove(f.buf, f.buf + used, f.n - used);
	f.n -= used;

	return got;
}

#define ARRIVE(...)                                                                                                    \
	do {                                                                                                           \
		static const uint8_t bytes_[] = {__VA_ARGS__};                                                         \
		arrive(bytes_, sizeof(bytes_));                                                                        \
	} while (0)

/* RFC 6455 §5.7, its own bytes. */
static void the_examples_of_the_standard(void **state)
{
	struct ws_event ev;
	char out[300], big[65536];

	ARRIVE(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_TEXT);
	assert_span_equal(ev.bytes, "Hello");
	assert_int_equal(next(&ev), 0);

	ARRIVE(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_TEXT);
	assert_span_equal(ev.bytes, "Hello");

	ARRIVE(0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_PING);
	assert_span_equal(ev.bytes, "Hello");

	static const uint8_t masked[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};

	assert_int_equal(ws_write(out, sizeof(out), WS_TEXT, SPAN_LIT("Hello"), mask), sizeof(masked));
	assert_memory_equal(out, masked, sizeof(masked));
	memset(big, 'x', sizeof(big));
	assert_int_equal(ws_write(f.buf, sizeof(f.buf), WS_BINARY, span(big, 256), NULL), 260);
	assert_memory_equal(f.buf, "\x82\x7e\x01\x00", 4);
	assert_int_equal(ws_write(f.buf, sizeof(f.buf), WS_BINARY, span(big, 65536), NULL), 65546);
	assert_memory_equal(f.buf, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

/* Every length of head, both ways, a byte at a time. */
static void what_is_written_is_read(void **state)
{
	static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
	static char text[100000], wire[100020];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (int is_client = 0; is_client < 2; is_client++)
		for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
			struct ws_event ev;
			size_t n = ws_write(wire, sizeof(wire), WS_TEXT, span(text, lengths[i]), is_client ? NULL : mask);
			int got = 0;

			assert_true(n > lengths[i]);
			ws_reader_done(&f.r);
			ws_reader_init(&f.r, is_client, 100000);
			f.n = 0;
			for (size_t at = 0; at < n; at += MIN(n - at, at < 20 ? 1 : 9973)) {
				assert_int_equal(got, 0);
				arrive(wire + at, MIN(n - at, at < 20 ? 1 : 9973));
				got = next(&ev);
			}
			assert_int_equal(got, 1);
			assert_int_equal(ev.bytes.n, lengths[i]);
			assert_memory_equal(ev.bytes.p, text, lengths[i]);
			assert_int_equal(f.n, 0);
		}
	assert_int_equal(ws_write(wire, 100, WS_TEXT, span(text, 99), NULL), 0);
	assert_int_equal(ws_write(wire, sizeof(wire), WS_PING, span(text, 126), NULL), 0);
}

/* §5.4: control frames come between fragments, and each is told when it comes. */
static void control_frames_come_between_fragments(void **state)
{
	struct ws_event ev;

	ARRIVE(0x02, 0x01, 'a', 0x8a, 0x01, 'p', 0x00, 0x00, 0x89, 0x00, 0x80, 0x01, 'b');
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_PONG);
	assert_span_equal(ev.bytes, "p");
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_PING);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_BINARY);
	assert_span_equal(ev.bytes, "ab");
	ARRIVE(0x81, 0x01, 'c');
	assert_int_equal(next(&ev), 1);
	assert_span_equal(ev.bytes, "c");
}

static void closes_say_why(void **state)
{
	char out[200];
	struct ws_event ev;
	size_t n = ws_write_close(out, sizeof(out), WS_GOING_AWAY, "we restart", NULL);

	arrive(out, n);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.kind, WS_CLOSE);
	assert_int_equal(ev.status, 1001);
	assert_span_equal(ev.bytes, "we restart");
	n = ws_write_close(out, sizeof(out), WS_NO_STATUS, NULL, NULL);
	assert_int_equal(n, 2);
	arrive(out, n);
	assert_int_equal(next(&ev), 1);
	assert_int_equal(ev.status, WS_NO_STATUS);

	char longer[400];

	memset(longer, 'z', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(ws_write_close(out, sizeof(out), WS_POLICY, longer, NULL), 127);
}

static void faults_have_their_status(void **state)
{
	static const struct {
		int want;
		uint8_t n, bytes[12];
	} rows[] = {
		{-WS_PROTOCOL, 2, {0x81, 0x80}},			  /* masked by a server */
		{-WS_PROTOCOL, 2, {0xc1, 0x00}},			  /* RSV1: a compressed message */
		{-WS_PROTOCOL, 2, {0x83, 0x00}},			  /* an opcode that does not exist */
		{-WS_PROTOCOL, 2, {0x8b, 0x00}},
		{-WS_PROTOCOL, 2, {0x09, 0x00}},			  /* a ping in fragments */
		{-WS_PROTOCOL, 2, {0x89, 0x7e}},			  /* a long ping */
		{-WS_PROTOCOL, 2, {0x80, 0x00}},			  /* continues nothing */
		{-WS_PROTOCOL, 5, {0x01, 0x01, 'a', 0x81, 0x00}},	  /* a message inside of a message */
		{-WS_PROTOCOL, 3, {0x88, 0x01, 0x03}},			  /* half a status */
		{-WS_PROTOCOL, 4, {0x88, 0x02, 0x03, 0xed}},		  /* 1005 is never sent */
		{-WS_BAD_TEXT, 5, {0x88, 0x03, 0x03, 0xe8, 0xff}},
		{-WS_BAD_TEXT, 4, {0x81, 0x02, 0xc0, 0x80}},		  /* overlong */
		{-WS_BAD_TEXT, 5, {0x81, 0x03, 0xed, 0xa0, 0x80}},	  /* a surrogate */
		{-WS_TOO_BIG, 10, {0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0x86, 0xa1}},
		{-WS_TOO_BIG, 10, {0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_event ev;

		ws_reader_done(&f.r);
		ws_reader_init(&f.r, true, 100000);
		f.n = 0;
		arrive(rows[i].bytes, rows[i].n);
		if (next(&ev) != rows[i].want)
			fail_msg("row %zu", i);
	}

	/* A client's frames have to be masked. */
	struct ws_event ev;

	ws_reader_init(&f.r, false, 10);
	f.n = 0;
	ARRIVE(0x81, 0x00);
	assert_int_equal(next(&ev), -WS_PROTOCOL);
}

/* The bound is of all fragments together, and holds before the bytes are there. */
static void fragments_are_bounded_together(void **state)
{
	struct ws_event ev;

	ws_reader_init(&f.r, true, 10);
	ARRIVE(0x01, 0x06, 'a', 'b', 'c', 'd', 'e', 'f');
	assert_int_equal(next(&ev), 0);
	ARRIVE(0x80, 0x05);
	assert_int_equal(next(&ev), -WS_TOO_BIG);
}

/* A character may be cut by fragments, §8.1 speaks of the message. */
static void characters_may_be_cut(void **state)
{
	struct ws_event ev;

	ARRIVE(0x01, 0x01, 0xc3, 0x80, 0x01, 0xa4);
	assert_int_equal(next(&ev), 1);
	assert_span_equal(ev.bytes, "\xc3\xa4");
	assert_true(utf8_is_valid(SPAN_LIT("a\xf4\x8f\xbf\xbf")));
	assert_false(utf8_is_valid(SPAN_LIT("\xf4\x90\x80\x80")));
	assert_false(utf8_is_valid(SPAN_LIT("\xe0\x9f\xbf")));
	assert_false(utf8_is_valid(SPAN_LIT("\xf0\x8f\xbf\xbf")));
	assert_false(utf8_is_valid(SPAN_LIT("abc\xe2\x82")));
}

/* --- handshake --- */

static const char browser[] =
	"GET /sip?x=1 HTTP/1.1\r\nHost: pbx.example.com:8089\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
	"Origin: https://console.example.com\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Protocol: chat, sip\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	"Sec-WebSocket-Version: 13\r\nUser-Agent: x\r\n\r\n";

static void a_browsers_request_is_read(void **state)
{
	struct ws_request rq;
	size_t used = 0, n = sizeof(browser) - 1;
	char out[600];

	for (size_t i = 0; i < n; i++)
		assert_int_equal(ws_request_read(browser, i, &rq, &used), 0);
	assert_int_equal(ws_request_read(browser, n, &rq, &used), 1);
	assert_int_equal(used, n);
	assert_span_equal(rq.target, "/sip?x=1");
	assert_span_equal(rq.origin, "https://console.example.com");
	assert_span_equal(ws_host_of(rq.origin), "console.example.com");
	assert_span_equal(ws_host_of(rq.host), "pbx.example.com");
	assert_span_equal(ws_host_of(SPAN_LIT("http://[::1]:80")), "[::1]");
	assert_int_equal(ws_host_of(SPAN_LIT("https://")).n, 0);
	assert_true(ws_has_protocol(rq.protocols, "sip"));
	assert_false(ws_has_protocol(rq.protocols, "si"));

	/* §1.3: the answer to that key. Extensions are not even mentioned. */
	n = ws_accept_write(out, sizeof(out), rq.key, "sip");
	assert_true(n > 0);
	assert_non_null(strstr(out, "HTTP/1.1 101 "));
	assert_non_null(strstr(out, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(out, "Sec-WebSocket-Protocol: sip\r\n"));
	assert_null(strstr(out, "Extensions"));
}

/* The request with one piece of it replaced. */
static int read_changed(const char *from, const char *to)
{
	static char text[20000];
	const char *at = strstr(browser, from);
	struct ws_request rq;
	size_t used;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - browser), browser, to, at + strlen(from));

	return ws_request_read(text, strlen(text), &rq, &used);
}

static void requests_that_are_none_are_refused(void **state)
{
	static char junk[9000];

	assert_int_equal(read_changed("x=1", "x=2"), 1);
	assert_int_equal(read_changed("GET", "POST"), -405);
	assert_int_equal(read_changed("HTTP/1.1", "HTTP/1.0"), -426);
	assert_int_equal(read_changed("/sip", "sip"), -400);
	assert_int_equal(read_changed("Version: 13", "Version: 8"), -426);
	assert_int_equal(read_changed("WebSocket\r\n", "h2c\r\n"), -426);
	assert_int_equal(read_changed("keep-alive, Upgrade", "keep-alive"), -426);
	assert_int_equal(read_changed("dGhlIHNhbXBsZSBub25jZQ==", "short"), -400);
	assert_int_equal(read_changed("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSE="), -400);
	assert_int_equal(read_changed("Host: pbx.example.com:8089\r\n", ""), -400);
	assert_int_equal(read_changed("User-Agent: x", "Host: other"), -400);
	assert_int_equal(read_changed("User-Agent: x", "Content-Length: 5"), -400);
	assert_int_equal(read_changed("User-Agent: x", "Transfer-Encoding: chunked"), -400);
	assert_int_equal(read_changed("User-Agent: x", " folded"), -400);
	assert_int_equal(read_changed("User-Agent: x", "User-Agent : x"), -400);
	assert_int_equal(read_changed("User-Agent: x", "X: \x01"), -400);

	struct ws_request rq;
	size_t used;

	assert_int_equal(ws_request_read("\x16\x03\x01", 3, &rq, &used), -400); /* TLS */
	assert_int_equal(ws_request_read("INVITE sip:x SIP/2.0\r\n\r\n", 24, &rq, &used), -400);
	memcpy(junk, "GET /", 5);
	memset(junk + 5, 'x', sizeof(junk) - 5);
	assert_int_equal(ws_request_read(junk, 8191, &rq, &used), 0);
	assert_int_equal(ws_request_read(junk, 8192, &rq, &used), -431);
	memset(junk, 'x', 30);
	assert_int_equal(ws_request_read(junk, 30, &rq, &used), -400);

	char out[400];

	assert_true(ws_refuse_write(out, sizeof(out), 426, "this port speaks WebSocket only") > 0);
	assert_non_null(strstr(out, "Sec-WebSocket-Version: 13\r\n"));
}

static void a_client_checks_its_answer(void **state)
{
	static const uint8_t random[16] = {1, 2, 3};
	struct ws_client_request rq = {.host = "bot.example", .target = "/media", .protocol = "a, b", .headers = "X-A: 1\r\n", .random = random};
	char request[600], key[WS_KEY_BYTES], answer[600], bad[600];
	struct ws_request server;
	struct ws_response rsp;
	size_t used = 0, n = ws_request_write(request, sizeof(request), &rq, key);

	assert_true(n > 0);
	assert_int_equal(ws_request_read(request, n, &server, &used), 1);
	assert_int_equal(used, n);
	n = ws_accept_write(answer, sizeof(answer), server.key, "b");
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ws_response_read(answer, i, key, rq.protocol, &rsp, &used), 0);
	assert_int_equal(ws_response_read(answer, n, key, rq.protocol, &rsp, &used), 1);
	assert_int_equal(used, n);
	assert_span_equal(rsp.protocol, "b");
	assert_int_equal(ws_response_read(answer, n, "dGhlIHNhbXBsZSBub25jZQ==", rq.protocol, &rsp, &used), -TR_EUNSUPP);
	assert_int_equal(ws_response_read(answer, n, key, "c", &rsp, &used), -TR_EUNSUPP);
	assert_int_equal(ws_response_read(answer, n, key, NULL, &rsp, &used), -TR_EUNSUPP);
	snprintf(bad, sizeof(bad), "%.*sSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", (int)n - 2, answer);
	assert_int_equal(ws_response_read(bad, strlen(bad), key, rq.protocol, &rsp, &used), -TR_EUNSUPP);
	n = ws_refuse_write(bad, sizeof(bad), 403, "no");
	assert_int_equal(ws_response_read(bad, n, key, rq.protocol, &rsp, &used), -TR_EAUTH);
	assert_int_equal(rsp.status, 403);
	assert_int_equal(ws_response_read("SSH-2.0", 7, key, NULL, &rsp, &used), -TR_EPARSE);
	rq.host = "a\r\nX: y";
	assert_int_equal(ws_request_write(request, sizeof(request), &rq, key), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_examples_of_the_standard),
		T(what_is_written_is_read),
		T(control_frames_come_between_fragments),
		T(closes_say_why),
		T(faults_have_their_status),
		T(fragments_are_bounded_together),
		T(characters_may_be_cut),
		T(a_browsers_request_is_read),
		T(requests_that_are_none_are_refused),
		T(a_client_checks_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
