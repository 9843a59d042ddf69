/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/witness.h"

static struct witness w;
static struct addr local;

static int begin(void **state)
{
	memset(&w, 0, sizeof(w));
	assert_true(addr_parse(SPAN_LIT("10.0.0.5:5060"), 0, &local));

	return 0;
}

static void note(bool is_out, const char *text)
{
	witness_note(&w, is_out, &local, true, span_z(text), 1764111600000);
}

static void send_register(const char *branch, const char *more)
{
	auto_free char *text = mem_format("REGISTER sip:pbx.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=%s\r\nMax-Forwards: 70\r\n"
		"From: <sip:1001@pbx.example.com>;tag=a\r\nTo: <sip:1001@pbx.example.com>\r\nCall-ID: one\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:1001@10.0.0.5:5060>\r\n%sContent-Length: 0\r\n\r\n", branch, more);

	note(true, text);
}

/* via: sent-by and what was added to it; call_id as it came back. */
static void answer(const char *line, const char *branch, const char *via, const char *call_id, const char *more)
{
	auto_free char *text = mem_format("SIP/2.0 %s\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nFrom: <sip:1001@pbx.example.com>;tag=a\r\n"
		"To: <sip:1001@pbx.example.com>;tag=b\r\nCall-ID: %s\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n", line, via, branch, call_id, more);

	note(false, text);
}

static void what_comes_back_unchanged(void **state)
{
	char text[ADDR_TEXT];

	send_register("z9hG4bKa", "");
	answer("401 Unauthorized", "z9hG4bKa", "10.0.0.5:5060;received=203.0.113.9;rport=40000", "one",
		"WWW-Authenticate: Digest realm=\"asterisk\", nonce=\"n\"\r\nServer: FPBX-17\r\n");
	assert_true(w.was_challenged && !w.has_answered);
	assert_string_equal(w.realm, "asterisk");
	assert_string_equal(w.server, "FPBX-17");
	assert_string_equal(addr_text(&w.seen, text), "203.0.113.9:40000");

	send_register("z9hG4bKb", "Authorization: Digest username=\"1001\"\r\n");
	answer("200 OK", "z9hG4bKb", "10.0.0.5:5060;received=203.0.113.9;rport=40000", "one",
		"Contact: <sip:1001@192.0.2.1:5060>;expires=60, <sip:1001@10.0.0.5:5060>;expires=300\r\nDate: Tue, 25 Nov 2025 23:00:00 GMT\r\n");
	assert_true(w.has_answered);
	assert_int_equal(w.answers, 2);
	assert_int_equal(w.date_s, 1764111600);
	assert_string_equal(w.via_changed, "");
	assert_string_equal(w.call_id_changed, "");
	assert_string_equal(w.contact_changed, "");
}

static void what_comes_back_changed(void **state)
{
	send_register("z9hG4bKa", "");
	answer("200 OK", "z9hG4bKa", "203.0.113.9:1024;rport=5060", "one@203.0.113.9", "Contact: <sip:1001@203.0.113.9:1024>\r\n");
	assert_string_equal(w.via_changed, "Via was 10.0.0.5:5060 and came back as 203.0.113.9:1024");
	assert_string_equal(w.call_id_changed, "Call-ID was one and came back as one@203.0.113.9");
	assert_string_equal(w.contact_changed, "Contact was 10.0.0.5:5060 and came back as 203.0.113.9:1024");
}

static void what_is_not_ours_is_left_alone(void **state)
{
	send_register("z9hG4bKa", "");
	answer("200 OK", "z9hG4bKother", "203.0.113.9:1024", "two", "Date: Tue, 25 Nov 2025 23:00:00 GMT\r\n");
	note(false, "not SIP at all");
	note(false, "");
	answer("200 OK", "z9hG4bKa", "10.0.0.5:5060", "one", "Date: yesterday\r\n");
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.date_s, 0);
	assert_false(addr_is_set(&w.seen));
}

static void dates(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = {
		{"Thu, 01 Jan 2015 00:00:00 GMT", 1420070400}, {"Tue, 29 Feb 2028 12:00:01 GMT", 1835438401},
		{"Tue, 29 anF 2028 12:00:01 GMT", 0}, {"", 0}, {"Tue, 29 Feb 2028", 0},
		{"Tue, 29 Feb 2028 12:00:01 GMT and a great deal more than fits", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char branch[30];
		auto_free char *more = mem_format("Date: %s\r\n", rows[i].text);

		w.date_s = 0;
		snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
		send_register(branch, "");
		answer("200 OK", branch, "10.0.0.5:5060", "one", more);
		if (w.date_s != rows[i].s)
			fail_msg("row %zu: %" PRId64, i, w.date_s);
	}
}

static void codecs_of_a_description(void **state)
{
	static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9 96 18 101\r\n"
				  "a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
	auto_free char *text = mem_format("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=a\r\nTo: <sip:a@b>;tag=b\r\n"
		"Call-ID: one\r\nCSeq: 1 OPTIONS\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", sizeof(sdp) - 1, sdp);

	note(false, text);
	assert_true(w.has_codecs);
	assert_string_equal(w.codecs, "G722, opus, 18");
}

/* More requests than are remembered: the oldest are forgotten, nothing else. */
static void many_requests(void **state)
{
	char branch[30];

	for (unsigned i = 0; i < 3 * WITNESS_SENT; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		send_register(branch, "");
	}
	answer("200 OK", "z9hG4bK0", "10.0.0.5:5060", "one", "");
	assert_int_equal(w.answers, 0);
	answer("200 OK", branch, "10.0.0.5:5060", "one", "");
	assert_int_equal(w.answers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_comes_back_unchanged, begin),
		cmocka_unit_test_setup(what_comes_back_changed, begin),
		cmocka_unit_test_setup(what_is_not_ours_is_left_alone, begin),
		cmocka_unit_test_setup(dates, begin),
		cmocka_unit_test_setup(codecs_of_a_description, begin),
		cmocka_unit_test_setup(many_requests, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
