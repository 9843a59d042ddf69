/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/msg.h"

static struct sip_msg msg;

#define MUST                                                                                                           \
	"Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c@h\r\n"                  \
	"CSeq: 1 INVITE\r\n"

static int parse(const char *text)
{
	return sip_msg_parse(&msg, text, strlen(text));
}

static uint16_t refused(const char *text)
{
	assert_true(parse(text) < 0);
	assert_non_null(msg.error.text);

	return msg.error.status;
}

/* RFC 3261 §7.1 */
static void request_has_its_parts(void **state)
{
	assert_int_equal(parse("\r\n\r\nINVITE sip:b@h SIP/2.0\r\n" MUST "Max-Forwards: 70\r\nContent-Length: 3\r\n\r\nabcde"), 0);
	assert_true(msg.is_request);
	assert_int_equal(msg.method, SIP_INVITE);
	assert_span_equal(msg.request_uri, "sip:b@h");
	assert_span_equal(msg.uri.user, "b");
	assert_span_equal(msg.via.branch, "z9hG4bKx");
	assert_span_equal(msg.from, "<sip:a@h>;tag=1");
	assert_span_equal(msg.from_tag, "1");
	assert_null(msg.to_tag.p);
	assert_span_equal(msg.call_id, "c@h");
	assert_int_equal(msg.cseq.number, 1);
	assert_int_equal(msg.max_forwards, 70);
	assert_span_equal(msg.body, "abc");
	assert_int_equal(msg.text.p[msg.text.n - 1], 'c');
	assert_null(msg.error.text);
}

/* RFC 3261 §7.2 */
static void response_has_its_parts(void **state)
{
	assert_int_equal(parse("SIP/2.0 180 Ringing now\r\n" MUST "\r\n"), 0);
	assert_false(msg.is_request);
	assert_int_equal(msg.status, 180);
	assert_span_equal(msg.reason, "Ringing now");
	assert_int_equal(msg.cseq.method, SIP_INVITE);
	assert_int_equal(msg.content_length, -1);
	assert_int_equal(parse("sip/2.0 200\r\n" MUST "\r\n"), 0);
	assert_int_equal(msg.reason.n, 0);
}

static void lines_may_end_in_lf(void **state)
{
	assert_int_equal(parse("INVITE sip:b@h SIP/2.0\nv:SIP/2.0/UDP h;branch=z9hG4bKx\nf:<sip:a@h>;tag=1\nT :<sip:b@h>\n"
			       "i: c\ncSEQ: 1\n INVITE\nSubject: a\n  b\n\nbody"), 0);
	assert_span_equal(sip_msg_value(&msg, SIP_HDR_SUBJECT), "a\n  b");
	assert_span_equal(msg.body, "body");
	assert_int_equal(msg.cseq.number, 1);
}

/* RFC 3261 §8.2: a request that can be answered is; what cannot is dropped. */
static void broken_requests_are_answered_or_dropped(void **state)
{
	assert_int_equal(refused("INVITE sip:b@h SIP/3.0\r\n" MUST "\r\n"), 505);
	assert_int_equal(refused("INVITE b SIP/2.0\r\n" MUST "\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "CSeq: 2 INVITE\r\n\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "Max-Forwards: 256\r\n\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "Max-Forwards: -1\r\n\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "Content-Length: 4\r\n\r\nabc"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "no colon\r\n\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "a b: c\r\n\r\n"), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST), 400);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\nFrom: <sip:a@h>\r\n\r\n"), 0);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\nVia: x\r\nFrom: <sip:a@h>\r\n\r\n"), 0);
	assert_int_equal(refused("ACK sip:b@h SIP/2.0\r\n" MUST "\r\n"), 0);
	assert_int_equal(refused("SIP/2.0 200 OK\r\n" MUST "Content-Length: 4\r\n\r\nabc"), 0);
	assert_int_equal(refused("SIP/2.0 99 x\r\n" MUST "\r\n"), 0);
	assert_int_equal(refused("SIP/2.0 700 x\r\n" MUST "\r\n"), 0);
	assert_int_equal(refused("SIP/2.0 2000 x\r\n" MUST "\r\n"), 0);
	assert_int_equal(refused("SIP/3.0 200 x\r\n" MUST "\r\n"), 0);
	assert_int_equal(refused("GET / HTTP/1.1\r\n\r\n"), 0);
	assert_int_equal(refused(""), 0);
	assert_int_equal(refused("\r\n"), 0);
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0"), 0);
}

static void fault_names_header_and_reason(void **state)
{
	assert_int_equal(refused("INVITE sip:b@h SIP/2.0\r\n" MUST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nabc"), 400);
	assert_int_equal(msg.error.hdr, SIP_HDR_CONTENT_LENGTH);
	assert_string_equal(msg.error.text, "two Content-Length that differ");
	assert_int_equal(parse("INVITE sip:b@h SIP/2.0\r\n" MUST "Content-Length: 1\r\nl: 1\r\n\r\nabc"), 0);
}

static void nul_is_refused_in_the_header_only(void **state)
{
	static const char in_header[] = "INVITE sip:b@h SIP/2.0\r\n" MUST "Subject: a\0b\r\n\r\n";
	static const char in_body[] = "INVITE sip:b@h SIP/2.0\r\n" MUST "Subject: ab\r\n\r\nx\0y";

	assert_int_equal(sip_msg_parse(&msg, in_header, sizeof(in_header) - 1), -TR_EPARSE);
	assert_int_equal(msg.error.status, 400);
	assert_int_equal(sip_msg_parse(&msg, in_body, sizeof(in_body) - 1), 0);
	assert_int_equal(msg.body.n, 3);
}

static void too_many_headers_are_too_big(void **state)
{
	static char text[LIMIT_SIP_MSG_BYTES + 10];
	size_t n = (size_t)snprintf(text, sizeof(text), "INVITE sip:b@h SIP/2.0\r\n" MUST);

	for (int i = 5; i < LIMIT_SIP_HEADERS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: y\r\n", i);
	memcpy(text + n, "\r\n", 3);
	assert_int_equal(parse(text), 0);
	assert_int_equal(msg.header_count, LIMIT_SIP_HEADERS);
	memcpy(text + n, "X: y\r\n\r\n", 9);
	assert_int_equal(parse(text), -TR_ETOOBIG);
	assert_int_equal(msg.error.status, 513);
	assert_int_equal(sip_msg_parse(&msg, text, sizeof(text)), -TR_ETOOBIG);
	assert_int_equal(msg.error.status, 0);
}

/* RFC 3261 §7.3.1 */
static void lists_run_over_all_fields(void **state)
{
	static const char *const expected[] = {"<sip:1;lr>", "<sip:2;lr>", "<sip:3;lr>"};
	const struct sip_header *hdr;
	struct sip_list it;
	struct span value;
	uint32_t expires;
	size_t n = 0;

	assert_int_equal(parse("INVITE sip:b@h SIP/2.0\r\nRoute: <sip:1;lr>, <sip:2;lr>\r\n" MUST "ROUTE:\r\nroute: <sip:3;lr>,\r\n"
			       "X-Tenant: acme\r\nSupported: timer\r\nk: 100rel,replaces\r\nExpires: 60\r\nSubject: a, b\r\n\r\n"), 0);
	sip_list_init(&it, &msg, SIP_HDR_ROUTE);
	while (sip_list_next(&it, &value))
		assert_span_equal(value, expected[n++]);
	assert_int_equal(n, 3);
	hdr = sip_msg_find(&msg, SIP_HDR_ROUTE);
	hdr = sip_msg_find_next(&msg, sip_msg_find_next(&msg, hdr));
	assert_null(sip_msg_find_next(&msg, hdr));
	assert_true(sip_msg_has_token(&msg, SIP_HDR_SUPPORTED, "replaces"));
	assert_false(sip_msg_has_token(&msg, SIP_HDR_SUPPORTED, "path"));
	assert_span_equal(sip_msg_find_name(&msg, SPAN_LIT("x-tenant"))->value, "acme");
	assert_null(sip_msg_find_name(&msg, SPAN_LIT("x-none")));
	assert_true(sip_msg_number(&msg, SIP_HDR_EXPIRES, &expires));
	assert_int_equal(expires, 60);
	assert_false(sip_msg_number(&msg, SIP_HDR_MIN_SE, &expires));
	sip_list_init(&it, &msg, SIP_HDR_SUBJECT);
	assert_true(sip_list_next(&it, &value));
	assert_span_equal(value, "a, b");
	assert_false(sip_list_next(&it, &value));
	assert_null(sip_msg_find(&msg, SIP_HDR_COUNT));
}

static uint16_t checked(const char *text, enum sip_hdr_id *ret_hdr)
{
	struct sip_parse_error error = {0};

	assert_int_equal(parse(text), 0);
	if (sip_msg_check(&msg, &error) == 0)
		return 0;
	assert_non_null(error.text);
	*ret_hdr = error.hdr;

	return error.status;
}

static void second_stage_reads_the_rest(void **state)
{
	static const struct {
		const char *header;
		uint16_t status;
		enum sip_hdr_id hdr;
	} cases[] = {
		{"Contact: <sip:a@h>;q=1, <sip:b@h>", 0, 0},
		{"Contact: *", 400, SIP_HDR_CONTACT},
		{"Contact: <sip:a@h", 400, SIP_HDR_CONTACT},
		{"Contact: <sip:a@h>;x=\"y", 400, SIP_HDR_CONTACT},
		{"Contact: ", 400, SIP_HDR_CONTACT},
		{"Route: sip:a@h;lr", 400, SIP_HDR_ROUTE},
		{"Record-Route: <sip:a@h;lr>,<x", 400, SIP_HDR_RECORD_ROUTE},
		{"Via: SIP/2.0/UDP", 400, SIP_HDR_VIA},
		{"Content-Type: application/sdp", 0, 0},
		{"Content-Type: application", 400, SIP_HDR_CONTENT_TYPE},
		{"Content-Type: a/b\r\nc: a/b", 400, SIP_HDR_CONTENT_TYPE},
		{"Session-Expires: x", 400, SIP_HDR_SESSION_EXPIRES},
		{"Replaces: x", 400, SIP_HDR_REPLACES},
		{"RAck: 1 1", 400, SIP_HDR_RACK},
		{"Require: a b", 400, SIP_HDR_REQUIRE},
		{"Require:", 0, 0},
		{"Refer-To: <sip:a@h?Replaces=x%3Bto-tag%3D1>", 0, 0},
		{"Refer-To: a", 400, SIP_HDR_REFER_TO},
		{"Date: whenever\r\nP-Asserted-Identity: junk <\r\nExpires: soon", 0, 0},
	};
	enum sip_hdr_id hdr = SIP_HDR_OTHER;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[1024];
		uint16_t status;

		assert_int_equal(buf_format(text, sizeof(text), "INVITE sip:b@h SIP/2.0\r\n" MUST "%s\r\n\r\n", cases[i].header), 0);
		status = checked(text, &hdr);
		if (status != cases[i].status || (status && hdr != cases[i].hdr))
			fail_msg("%s: %u", cases[i].header, status);
	}
	assert_int_equal(checked("INVITE urn:service:sos SIP/2.0\r\n" MUST "\r\n", &hdr), 416);
	assert_int_equal(checked("INVITE tel:+123 SIP/2.0\r\n" MUST "\r\n", &hdr), 0);
}

/* RFC 3261 §10.2.2 */
static void star_is_for_register_alone(void **state)
{
	enum sip_hdr_id hdr;

#define REGISTER                                                                                                       \
	"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"              \
	"Call-ID: c@h\r\nCSeq: 1 REGISTER\r\n"
	assert_int_equal(checked(REGISTER "Contact: *\r\nExpires: 0\r\n\r\n", &hdr), 0);
	assert_int_equal(checked(REGISTER "Contact: *, <sip:a@h>\r\n\r\n", &hdr), 400);
	assert_int_equal(checked(REGISTER "Contact: *\r\nm: <sip:a@h>\r\n\r\n", &hdr), 400);
}

static void clone_owns_its_text(void **state)
{
	char text[] = "INVITE sip:b@h SIP/2.0\r\n" MUST "X: y\r\n\r\nbody";
	struct sip_msg *clone;

	assert_int_equal(sip_msg_parse(&msg, text, sizeof(text) - 1), 0);
	clone = sip_msg_clone(&msg);
	assert_non_null(clone);
	memset(text, '#', sizeof(text));
	memset(&msg, '#', sizeof(msg));

	assert_span_equal(clone->uri.user, "b");
	assert_span_equal(clone->via.branch, "z9hG4bKx");
	assert_span_equal(clone->via.text, "SIP/2.0/UDP h;branch=z9hG4bKx");
	assert_span_equal(clone->from_tag, "1");
	assert_null(clone->to_tag.p);
	assert_span_equal(clone->body, "body");
	assert_span_equal(clone->cseq.method_name, "INVITE");
	assert_span_equal(sip_msg_find_name(clone, SPAN_LIT("x"))->value, "y");
	assert_null(sip_msg_free(clone));
	assert_null(sip_msg_free(NULL));
}

/* ---- streams ---- */

static int frame(const char *text, size_t *ret_len)
{
	return sip_msg_frame(text, strlen(text), ret_len);
}

/* RFC 3261 §18.3 and §7.5, RFC 5626 §3.5.1 */
static void frames_are_cut(void **state)
{
	size_t n = 99;

	assert_int_equal(frame("", &n), SIP_FRAME_MORE);
	assert_int_equal(frame("\r", &n), SIP_FRAME_MORE);
	assert_int_equal(frame("\r\n", &n), SIP_FRAME_CRLF);
	assert_int_equal(n, 2);
	assert_int_equal(frame("\r\n\r", &n), SIP_FRAME_CRLF);
	assert_int_equal(n, 2);
	assert_int_equal(frame("\r\n\r\nINV", &n), SIP_FRAME_PING);
	assert_int_equal(n, 4);
	assert_int_equal(frame("\nINV", &n), SIP_FRAME_CRLF);
	assert_int_equal(n, 1);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 3\r\n\r\nabcINVITE", &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, 35);
	assert_int_equal(frame("SIP/2.0 200 OK\nContent-length :\n  2\n\nab", &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, 39);
	n = 99;
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 3\r\n\r\nab", &n), SIP_FRAME_MORE);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 3\r\n", &n), SIP_FRAME_MORE);
	assert_int_equal(n, 99);
}

static void streams_that_lost_their_way_are_told(void **state)
{
	static char big[LIMIT_SIP_MSG_BYTES];
	size_t n;

	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nVia: x\r\n\r\n", &n), -TR_EPARSE);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: x\r\n\r\n", &n), -TR_EPARSE);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n", &n), -TR_EPARSE);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 70000\r\n\r\n", &n), -TR_ETOOBIG);
	assert_int_equal(frame("INVITE sip:b@h SIP/2.0\r\nl: 4294967295\r\n\r\n", &n), -TR_ETOOBIG);
	assert_int_equal(frame("GET / HTTP/1.1\r\nl", &n), -TR_EPARSE);
	assert_int_equal(frame("\x16\x03\x01\n\r\n\r\n", &n), -TR_EPARSE);
	memset(big, 'x', sizeof(big));
	assert_int_equal(sip_msg_frame(big, sizeof(big) - 1, &n), SIP_FRAME_MORE);
	assert_int_equal(sip_msg_frame(big, sizeof(big), &n), -TR_ETOOBIG);
}

/* However the bytes come in, the same messages come out. */
static void chunks_do_not_matter(void **state)
{
	static const char stream[] = "INVITE sip:b@h SIP/2.0\r\nSubject: x\r\n y\r\nContent-Length:\r\n 3\r\n\r\nabc"
				     "SIP/2.0 200 OK\r\nl: 0\r\nX: y\r\n\r\nBYE sip:b@h SIP/2.0\nl: 1\n\nz";
	uint64_t seed = test_seed();

	for (int round = 0; round < 500; round++) {
		size_t have = 0, at = 0, sum = 0, messages = 0;

		while (have < sizeof(stream) - 1) {
			size_t more = 1 + prng_u32(&seed) % 20, n;
			int kind;

			have = MIN(have + more, sizeof(stream) - 1);
			while ((kind = sip_msg_frame(stream + at, have - at, &n)) > SIP_FRAME_MORE) {
				assert_int_equal(kind, SIP_FRAME_MESSAGE);
				at += n;
				sum = sum * 31 + n;
				messages++;
			}
			assert_int_equal(kind, SIP_FRAME_MORE);
		}
		assert_int_equal(messages, 3);
		assert_int_equal(at, sizeof(stream) - 1);
		assert_int_equal(sum, (66 * 31 + 30) * 31 + 27);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_has_its_parts),
		cmocka_unit_test(response_has_its_parts),
		cmocka_unit_test(lines_may_end_in_lf),
		cmocka_unit_test(broken_requests_are_answered_or_dropped),
		cmocka_unit_test(fault_names_header_and_reason),
		cmocka_unit_test(nul_is_refused_in_the_header_only),
		cmocka_unit_test(too_many_headers_are_too_big),
		cmocka_unit_test(lists_run_over_all_fields),
		cmocka_unit_test(second_stage_reads_the_rest),
		cmocka_unit_test(star_is_for_register_alone),
		cmocka_unit_test(clone_owns_its_text),
		cmocka_unit_test(frames_are_cut),
		cmocka_unit_test(streams_that_lost_their_way_are_told),
		cmocka_unit_test(chunks_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
