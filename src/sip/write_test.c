/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/write.h"

static char buf[8192];
static struct sip_writer w;
static struct sip_msg msg;

static void start(void)
{
	sip_writer_init(&w, buf, sizeof(buf));
}

static struct span finish(void)
{
	struct span text;

	assert_int_equal(sip_writer_finish(&w, &text), 0);

	return text;
}

static int failed(void)
{
	struct span text = {0};
	int err = sip_writer_finish(&w, &text);

	assert_null(text.p);

	return err;
}

/* RFC 3261 §7 */
static void request_is_written(void **state)
{
	struct sip_via_params via = {.transport = SIP_TLS, .host = SPAN_LIT("2001:db8::1"), .port = 5061,
		.branch = SPAN_LIT("z9hG4bK1"), .has_rport = true, .has_alias = true};
	struct sip_addr_params from = {.display = SPAN_LIT("A \"G\" \\ Bell"), .uri = SPAN_LIT("sip:a@h"), .tag = SPAN_LIT("1")};
	struct sip_addr_params contact = {.uri = SPAN_LIT("sip:a@h;ob"), .params = SPAN_LIT("expires=60;q=0.5")};

	start();
	sip_write_request_line(&w, SIP_INVITE, SPAN_LIT("sip:b@h"));
	sip_write_via(&w, &via);
	sip_write_hdr_u32(&w, SIP_HDR_MAX_FORWARDS, 70);
	sip_write_addr(&w, SIP_HDR_FROM, &from);
	sip_write_addr(&w, SIP_HDR_CONTACT, &contact);
	sip_write_cseq(&w, 4294967295u, SPAN_LIT("INVITE"));
	sip_write_session_expires(&w, 1800, SIP_REFRESHER_UAS);
	sip_write_hdr(&w, SIP_HDR_SUBJECT, (struct span){0});
	sip_write_hdr_named(&w, SPAN_LIT("X-A"), SPAN_LIT("b"));
	sip_write_rack(&w, &(struct sip_rack){.rseq = 1, .cseq = 0, .method = SIP_INVITE});
	sip_write_body(&w, SPAN_LIT("application/sdp"), SPAN_LIT("v=0\r\n"));
	assert_span_equal(finish(), "INVITE sip:b@h SIP/2.0\r\n"
				    "Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1;rport;alias\r\n"
				    "Max-Forwards: 70\r\n"
				    "From: \"A \\\"G\\\" \\\\ Bell\" <sip:a@h>;tag=1\r\n"
				    "Contact: <sip:a@h;ob>;expires=60;q=0.5\r\n"
				    "CSeq: 4294967295 INVITE\r\n"
				    "Session-Expires: 1800;refresher=uas\r\n"
				    "X-A: b\r\n"
				    "RAck: 1 0 INVITE\r\n"
				    "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
}

/* Whatever people configure or peers send, a line stays a line. */
static void lines_cannot_be_injected(void **state)
{
	static const char evil_bytes[] = "x\r\nVia: evil\r\n\r\n\0y";
	struct span evil = span(evil_bytes, sizeof(evil_bytes) - 1), text;
	struct sip_addr_params addr = {.display = evil, .uri = SPAN_LIT("sip:a@h"), .tag = evil, .params = evil};
	size_t lines = 0;

	start();
	sip_write_status_line(&w, 200, evil);
	sip_write_hdr(&w, SIP_HDR_SUBJECT, evil);
	sip_write_hdr_named(&w, SPAN_LIT("X-A"), evil);
	sip_write_addr(&w, SIP_HDR_TO, &addr);
	sip_write_body(&w, evil, SPAN_LIT("b"));
	text = finish();
	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.p[i] != 0);
		lines += text.p[i] == '\n';
	}
	assert_int_equal(lines, 7);
}

static void what_must_be_a_token_or_uri_is_checked(void **state)
{
	static const char *const bad_uris[] = {"", "sip:a@h>", "sip:a@h x", "sip:\r\n", "sip:\"@h", "<sip:h>"};
	static const char *const bad_hosts[] = {"", "a b", "h;x", "::1::", "[::1]", "h:5060"};

	for (size_t i = 0; i < ARRAY_LEN(bad_uris); i++) {
		start();
		sip_write_request_line(&w, SIP_INVITE, span_z(bad_uris[i]));
		assert_int_equal(failed(), -TR_EPARSE);
		start();
		sip_write_addr(&w, SIP_HDR_TO, &(struct sip_addr_params){.uri = span_z(bad_uris[i])});
		assert_int_equal(failed(), -TR_EPARSE);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_hosts); i++) {
		start();
		sip_write_host(&w, span_z(bad_hosts[i]), 1);
		assert_int_equal(failed(), -TR_EPARSE);
	}
	start();
	sip_write_hdr_named(&w, SPAN_LIT("X A"), SPAN_LIT("b"));
	assert_int_equal(failed(), -TR_EPARSE);
	start();
	sip_write_hdr_u32(&w, SIP_HDR_OTHER, 1);
	assert_int_equal(failed(), -TR_EPARSE);
	start();
	sip_write_request_line(&w, SIP_METHOD_UNKNOWN, SPAN_LIT("sip:h"));
	assert_int_equal(failed(), -TR_EPARSE);
	start();
	sip_write_status_line(&w, 99, (struct span){0});
	assert_int_equal(failed(), -TR_EPARSE);
	assert_true(sip_text_is_safe(SPAN_LIT("caf\xc3\xa9")));
	assert_false(sip_text_is_safe(SPAN_LIT("a\r\nb")));
	assert_false(sip_text_is_safe(SPAN_LIT("a\x7f")));
	assert_false(sip_text_is_token(SPAN_LIT("")));
}

static void overflow_sticks(void **state)
{
	struct span text;
	size_t need;

	start();
	sip_write_hdr_z(&w, SIP_HDR_SUBJECT, "hello");
	sip_write_end(&w);
	need = finish().n;
	for (size_t cap = 0; cap <= need; cap++) {
		memset(buf, '#', sizeof(buf));
		sip_writer_init(&w, buf, cap);
		sip_write_hdr_z(&w, SIP_HDR_SUBJECT, "hello");
		sip_write_end(&w);
		assert_int_equal(sip_writer_finish(&w, &text), cap < need ? -TR_ETOOBIG : 0);
		assert_int_equal(buf[cap], '#');
	}
}

/* RFC 3261 §19.1.2 */
static void users_are_escaped(void **state)
{
	start();
	sip_write_user(&w, SPAN_LIT("a b@c;d\"<%>+1(2)"));
	assert_span_equal(finish(), "a%20b%40c%3Bd%22%3C%25%3E+1(2)");
	start();
	sip_write_uri_header(&w, SPAN_LIT("1@h;to-tag=2&x"));
	assert_span_equal(finish(), "1%40h%3Bto-tag%3D2%26x");
}

static void uris_are_written_back(void **state)
{
	static const char *const texts[] = {"sip:a@h", "sips:a;b:c@h.x:5061;lr;x=y?a=b&c=d", "sip:[::1]:5060", "tel:+1-2;x=y",
		"mailto:a@b", "sip:a:@h"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sip_uri uri;

		assert_int_equal(sip_uri_parse(&uri, span_z(texts[i])), 0);
		start();
		sip_write_uri(&w, &uri);
		assert_span_equal(finish(), texts[i]);
	}
}

static struct span respond(const char *request, const struct sip_response_params *params)
{
	assert_int_equal(sip_msg_parse(&msg, request, strlen(request)), 0);
	start();
	sip_write_response(&w, &msg, params);
	sip_write_end(&w);

	return finish();
}

#define REQUEST(via)                                                                                                   \
	"OPTIONS sip:b@h SIP/2.0\r\n" via "v: SIP/2.0/UDP b;branch=z9hG4bKb\r\nt: <sip:b@h>\r\nf: <sip:a@h>\r\n ;tag=1\r\n"        \
	"i: c\r\nTimestamp: 54\r\nCSeq: 1 OPTIONS\r\n\r\n"

/* RFC 3261 §8.2.6.2 and §18.2.1, RFC 3581 §4 */
static void response_goes_where_the_request_came_from(void **state)
{
	struct sip_response_params params = {.status = 404, .to_tag = SPAN_LIT("t"), .received = SPAN_LIT("198.51.100.1"),
		.rport = 5071};

	assert_span_equal(
		respond(REQUEST("Via: SIP/2.0/UDP a:5070;rport;branch=z9hG4bKa;received=evil;x=\"y\", SIP/2.0/TCP c;branch=z9hG4bKc\r\n"),
			&params),
		"SIP/2.0 404 Not Found\r\n"
		"Via: SIP/2.0/UDP a:5070;branch=z9hG4bKa;x=\"y\";received=198.51.100.1;rport=5071,SIP/2.0/TCP c;branch=z9hG4bKc\r\n"
		"Via: SIP/2.0/UDP b;branch=z9hG4bKb\r\n"
		"From: <sip:a@h>   ;tag=1\r\nTo: <sip:b@h>;tag=t\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	assert_span_equal(respond(REQUEST("Via: SIP/2.0/UDP a\r\n"), &params),
		"SIP/2.0 404 Not Found\r\n"
		"Via: SIP/2.0/UDP a;received=198.51.100.1\r\n"
		"Via: SIP/2.0/UDP b;branch=z9hG4bKb\r\n"
		"From: <sip:a@h>   ;tag=1\r\nTo: <sip:b@h>;tag=t\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
}

static void plain_response_copies_vias(void **state)
{
	struct sip_response_params params = {.status = 100, .reason = SPAN_LIT("Hm")};

	assert_span_equal(respond(REQUEST("Via: SIP/2.0/UDP a;rport;received=x\r\n"), &params),
		"SIP/2.0 100 Hm\r\nVia: SIP/2.0/UDP a;rport;received=x\r\nVia: SIP/2.0/UDP b;branch=z9hG4bKb\r\n"
		"From: <sip:a@h>   ;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nTimestamp: 54\r\n"
		"Content-Length: 0\r\n\r\n");
}

/* ---- round trips ---- */

static uint64_t seed;

static struct span random_text(char *at, const char *alphabet, size_t max)
{
	size_t n = 1 + prng_u32(&seed) % max, len = strlen(alphabet);

	for (size_t i = 0; i < n; i++)
		at[i] = alphabet[prng_u32(&seed) % len];

	return span(at, n);
}

#define TOKEN_CHARS "abcXYZ019-.!%*_+`'~"

/* What is written is what is read, whatever the values are. */
static void written_messages_parse_to_the_same(void **state)
{
	seed = test_seed();
	for (int round = 0; round < 2000; round++) {
		static char texts[8][64];
		struct sip_name_addr addr;
		struct span tag = random_text(texts[0], TOKEN_CHARS, 20), call_id = random_text(texts[1], TOKEN_CHARS "@/:", 40),
			    display = random_text(texts[2], "ab \"\\<>,;\xc3\xa9", 30), name = random_text(texts[3], TOKEN_CHARS, 20),
			    value = random_text(texts[4], "ab ,;\"<>=\t", 40), user = random_text(texts[5], "ab @;?\"<>%#:/1+", 20),
			    body = random_text(texts[6], "ab\r\n\t", 40), branch = random_text(texts[7], TOKEN_CHARS, 20);
		uint32_t cseq = prng_u32(&seed) >> 1;
		char uri[256], plain[64];
		struct span uri_text, out;
		struct sip_writer u;

		sip_writer_init(&u, uri, sizeof(uri));
		sip_write_z(&u, "sip:");
		sip_write_user(&u, user);
		sip_write_z(&u, "@example.com");
		assert_int_equal(sip_writer_finish(&u, &uri_text), 0);

		start();
		sip_write_request_line(&w, SIP_MESSAGE, uri_text);
		sip_write_via(&w, &(struct sip_via_params){.transport = SIP_TCP, .host = SPAN_LIT("h"), .port = 1, .branch = branch});
		sip_write_addr(&w, SIP_HDR_FROM, &(struct sip_addr_params){.display = display, .uri = uri_text, .tag = tag});
		sip_write_addr(&w, SIP_HDR_TO, &(struct sip_addr_params){.uri = uri_text});
		sip_write_hdr(&w, SIP_HDR_CALL_ID, call_id);
		sip_write_cseq(&w, cseq, SPAN_LIT("MESSAGE"));
		sip_write_hdr_named(&w, name, value);
		sip_write_body(&w, SPAN_LIT("text/plain"), body);
		out = finish();

		if (sip_msg_parse(&msg, out.p, out.n)) {
			/* The random name may be a compact form of a header that must be unique or a number. */
			assert_int_not_equal(sip_hdr_find(name), SIP_HDR_OTHER);
			continue;
		}
		assert_true(span_eq(msg.call_id, call_id));
		assert_true(span_eq(msg.from_tag, tag));
		assert_true(span_eq(msg.via.branch, branch));
		assert_int_equal(msg.cseq.number, cseq);
		assert_true(span_eq(msg.body, body));
		assert_true(span_eq(sip_msg_find_name(&msg, name)->value, span_trim(value)));
		assert_int_equal(sip_name_addr_parse(&addr, msg.from), 0);
		assert_int_equal(sip_unquote(addr.display, plain, sizeof(plain), &out), 0);
		assert_true(span_eq(out, display));
		assert_int_equal(sip_unescape(msg.uri.user, plain, sizeof(plain), &out), 0);
		assert_true(span_eq(out, user));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_written),
		cmocka_unit_test(lines_cannot_be_injected),
		cmocka_unit_test(what_must_be_a_token_or_uri_is_checked),
		cmocka_unit_test(overflow_sticks),
		cmocka_unit_test(users_are_escaped),
		cmocka_unit_test(uris_are_written_back),
		cmocka_unit_test(response_goes_where_the_request_came_from),
		cmocka_unit_test(plain_response_copies_vias),
		cmocka_unit_test(written_messages_parse_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
