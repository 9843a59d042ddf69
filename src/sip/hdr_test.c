/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/hdr.h"
#include "sip/lex.h"

static struct sip_name_addr addr(const char *text)
{
	struct sip_name_addr a;

	if (sip_name_addr_parse(&a, span_z(text)))
		fail_msg("%s does not parse", text);

	return a;
}

static struct sip_via via(const char *text)
{
	struct sip_via v;

	if (sip_via_parse(&v, span_z(text)))
		fail_msg("%s does not parse", text);

	return v;
}

/* RFC 3261 §25.1: token, and which characters each place may hold. */
static void lex_is_the_grammar(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool is_alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool is_visible = c > ' ' && c != 0x7f;

		assert_int_equal(ch_is((char)c, CH_TOKEN), is_alnum || (c && strchr("-.!%*_+`'~", c)));
		assert_int_equal(ch_is((char)c, CH_SPACE), c == ' ' || c == '\t' || c == '\r' || c == '\n');
		assert_int_equal(ch_is((char)c, CH_DIGIT), c >= '0' && c <= '9');
		assert_int_equal(ch_is((char)c, CH_HOST), is_alnum || (c && strchr("-._", c)));
		assert_int_equal(ch_is((char)c, CH_USER), is_visible && !strchr("@:<>\"", c));
		assert_int_equal(ch_is((char)c, CH_URI), is_visible && !strchr("@<>\"", c));
		assert_int_equal(ch_is((char)c, CH_VALUE), is_visible && !strchr(";\",<>", c));
		assert_int_equal(ch_is((char)c, CH_HEX), c && strchr("0123456789abcdefABCDEF", c));
	}
}

/* RFC 3261 §7.3.3, and that the generated hash knows every name. */
static void every_name_is_found(void **state)
{
	static const struct {
		const char *text;
		enum sip_hdr_id id;
	} some[] = {{"v", SIP_HDR_VIA}, {"VIA", SIP_HDR_VIA}, {"x", SIP_HDR_SESSION_EXPIRES}, {"b", SIP_HDR_REFERRED_BY},
		{"i", SIP_HDR_CALL_ID}, {"L", SIP_HDR_CONTENT_LENGTH}, {"k", SIP_HDR_SUPPORTED}, {"o", SIP_HDR_EVENT},
		{"u", SIP_HDR_ALLOW_EVENTS}, {"z", SIP_HDR_OTHER}, {"", SIP_HDR_OTHER}, {"Vib", SIP_HDR_OTHER},
		{"C%6Fntact", SIP_HDR_OTHER}, {"X-Tenant", SIP_HDR_OTHER}, {"0", SIP_HDR_OTHER}, {"\xf6", SIP_HDR_OTHER}, {"\x16", SIP_HDR_OTHER},
		{"Max\rForwards", SIP_HDR_OTHER}, {"Call\rID", SIP_HDR_OTHER}, {"To ", SIP_HDR_OTHER}};

	for (int id = SIP_HDR_OTHER + 1; id < SIP_HDR_COUNT; id++) {
		struct span name = sip_hdr_name((enum sip_hdr_id)id);
		char upper[64];

		assert_int_equal(sip_hdr_find(name), id);
		for (size_t i = 0; i < name.n; i++)
			upper[i] = name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i];
		assert_int_equal(sip_hdr_find(span(upper, name.n)), id);
	}
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		assert_int_equal(sip_hdr_find(span_z(some[i].text)), some[i].id);
	assert_null(sip_hdr_name(SIP_HDR_OTHER).p);
}

static void words_are_found(void **state)
{
	assert_int_equal(sip_method_find(SPAN_LIT("INVITE")), SIP_INVITE);
	assert_int_equal(sip_method_find(SPAN_LIT("invite")), SIP_METHOD_UNKNOWN);
	for (int m = SIP_INVITE; m < SIP_METHOD_COUNT; m++)
		assert_int_equal(sip_method_find(sip_method_word((enum sip_method)m)), m);
	for (int t = SIP_UDP; t < SIP_TRANSPORT_COUNT; t++)
		assert_int_equal(sip_transport_find(sip_transport_word((enum sip_transport)t)), t);
	assert_false(sip_transport_is_reliable(SIP_UDP));
	assert_true(sip_transport_is_reliable(SIP_WSS));
	assert_span_equal(sip_reason_phrase(200), "OK");
	assert_span_equal(sip_reason_phrase(100), "Trying");
	assert_span_equal(sip_reason_phrase(608), "Rejected");
	assert_span_equal(sip_reason_phrase(499), "Client Error");
	assert_span_equal(sip_reason_phrase(7), "Unknown");
}

/* RFC 3261 §20.10 and §25.1 name-addr */
static void addresses_are_taken_apart(void **state)
{
	struct sip_name_addr a = addr("\"A. \\\"G\\\" Bell, Jr. <x>\" <sip:a@h;lr?s=1>;tag=7;x=\"a;b,c\"");
	struct span value;
	char buf[64];

	assert_true(a.is_quoted && a.is_angled);
	assert_int_equal(sip_unquote(a.display, buf, sizeof(buf), &value), 0);
	assert_span_equal(value, "A. \"G\" Bell, Jr. <x>");
	assert_int_equal(sip_unquote(a.display, buf, 5, &value), -TR_ETOOBIG);
	assert_span_equal(a.uri.params, "lr");
	assert_span_equal(a.tag, "7");
	assert_true(sip_param_find(a.params, "X", &value));
	assert_span_equal(value, "a;b,c");

	a = addr("sip:a@h;tag=1;lr");
	assert_false(a.is_angled);
	assert_null(a.uri.params.p);
	assert_null(a.display.p);
	assert_span_equal(a.params, "tag=1;lr");
	a = addr("<sip:a@h>");
	assert_null(a.params.p);
	assert_null(a.tag.p);
	assert_null(a.display.p);
}

static void odd_addresses_of_phones_are_taken(void **state)
{
	assert_span_equal(addr("Desk (2) / R&D, Hall <sip:a@h>").display, "Desk (2) / R&D, Hall");
	assert_span_equal(addr("caller<sip:a@h>;tag=1").display, "caller");
	assert_span_equal(addr("\"\" <sip:a@h>").display, "");
	assert_span_equal(addr("<sip:a@h> ; tag = x ; ").tag, "x");
	assert_span_equal(addr("<sip:a@h>;;tag=x;;").tag, "x");
	assert_null(addr("<sip:a@h>;tag").tag.p);
	assert_null(addr("<sip:a@h>;tag=").tag.p);
	assert_span_equal(addr("<sip:a@h>;tag=\"q\"").tag, "\"q\"");
	assert_span_equal(addr("<sip:a@h>;tag=as/df@x").tag, "as/df@x");
	assert_span_equal(addr("\r\n <sip:a@h>\r\n ;tag=1").tag, "1");
	assert_span_equal(addr("sip:a@h;x=\"<sip:evil@h>\"").uri.user, "a");
	assert_span_equal(addr("<tel:+1-23>;tag=1").uri.user, "+1-23");
}

static void broken_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"", " ", "<", "<>", "<sip:a@h", "sip:a@h>", "\"x <sip:a@h>", "\"x\" sip:a@h", "\"x\"",
		"a \"b\" <sip:a@h>", "< sip:a@h >", "<sip:a@h> x", "<sip:a@h>, <sip:b@h>", "sip:a@h?x=y", "sip:a@h, sip:b@h", "<a>", "a@h",
		"\"x\\\" <sip:a@h>"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sip_name_addr a;

		if (sip_name_addr_parse(&a, span_z(bad[i])) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

/* RFC 3261 §20.10, §10.2.1.2 and §10.2.2 */
static void contacts_have_priority_and_life(void **state)
{
	static const struct {
		const char *text;
		uint16_t q;
	} qs[] = {{"0", 0}, {"1", 1000}, {"0.7", 700}, {"0.333", 333}, {"1.000", 1000}, {"0.05", 50}, {"1.5", 1000},
		{"2", 1000}, {"x", 1000}, {"0.1234", 1000}, {"", 1000}, {"0.", 0}};
	struct sip_contact c;

	for (size_t i = 0; i < ARRAY_LEN(qs); i++) {
		char text[64];

		assert_int_equal(buf_format(text, sizeof(text), "<sip:a@h>;q=%s", qs[i].text), 0);
		assert_int_equal(sip_contact_parse(&c, span_z(text)), 0);
		if (c.q != qs[i].q)
			fail_msg("q=%s is %u", qs[i].text, c.q);
	}
	assert_int_equal(sip_contact_parse(&c, SPAN_LIT("<sip:a@h;ob>;expires=60;+sip.instance=\"<urn:uuid:1>\"")), 0);
	assert_true(c.has_expires);
	assert_int_equal(c.expires, 60);
	assert_true(sip_uri_is_ob(&c.addr.uri));
	assert_int_equal(sip_contact_parse(&c, SPAN_LIT("<sip:a@h>;expires=280297596632815")), 0);
	assert_int_equal(c.expires, 3600);
	assert_int_equal(sip_contact_parse(&c, SPAN_LIT(" * ")), 0);
	assert_true(c.is_star);
	assert_int_equal(sip_contact_parse(&c, SPAN_LIT("*;q=1")), -TR_EPARSE);
}

/* RFC 3261 §20.42, RFC 3581 §3 */
static void vias_are_taken_apart(void **state)
{
	struct sip_via v = via("SIP / 2.0 / UDP first.example.com : 4000 ;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1"
			       ";rport=9988;received=192.0.2.1;alias");

	assert_int_equal(v.transport, SIP_UDP);
	assert_span_equal(v.host, "first.example.com");
	assert_int_equal(v.port, 4000);
	assert_int_equal(v.ttl, 16);
	assert_span_equal(v.maddr, "224.2.0.1");
	assert_span_equal(v.branch, "z9hG4bKa7c6a8dlze.1");
	assert_true(v.has_rport);
	assert_int_equal(v.rport, 9988);
	assert_span_equal(v.received, "192.0.2.1");
}

static void vias_in_the_wild_are_taken(void **state)
{
	struct sip_via v = via("sip/2.0/tls [::1]:5061;rport;alias;branch=z9hG4bK1;");

	assert_int_equal(v.transport, SIP_TLS);
	assert_true(v.is_ipv6 && v.has_rport && v.has_alias);
	assert_int_equal(v.rport, 0);
	assert_int_equal(v.ttl, -1);
	v = via("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks");
	assert_int_equal(v.transport, SIP_WSS);
	v = via("SIP/2.0/UDP h;rport=99999;ttl=300");
	assert_int_equal(v.rport, 0);
	assert_int_equal(v.ttl, -1);
}

static void broken_vias_are_refused(void **state)
{
	static const char *const bad[] = {"", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h", "SIP/2.0/ h", "HTTP/2.0/UDP h",
		"SIP/2.0/UDP h x", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP h;branch=\"x", "SIP/2.0/UDP [::1;x",
		"SIP/2.0/UDP h;=x", "SIP/2.0/UDPh", "SIP/2.0/UDP ;branch=x"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sip_via v;

		if (sip_via_parse(&v, span_z(bad[i])) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

/* RFC 3261 §8.1.1.7 */
static void cookie_marks_branches(void **state)
{
	assert_true(sip_branch_is_3261(SPAN_LIT("z9hG4bK1")));
	assert_false(sip_branch_is_3261(SPAN_LIT("z9hG4bK")));
	assert_false(sip_branch_is_3261(SPAN_LIT("1")));
	assert_false(sip_branch_is_3261((struct span){0}));
}

/* RFC 3261 §20.16, RFC 3262 §7.2 */
static void sequence_numbers_are_bounded(void **state)
{
	struct sip_cseq cseq;
	struct sip_rack rack;

	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("2147483647 \r\n NEW")), 0);
	assert_int_equal(cseq.number, 2147483647);
	assert_int_equal(cseq.method, SIP_METHOD_UNKNOWN);
	assert_span_equal(cseq.method_name, "NEW");
	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("2147483648 INVITE")), -TR_EPARSE);
	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("-1 INVITE")), -TR_EPARSE);
	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("1INVITE")), -TR_EPARSE);
	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("1 ")), -TR_EPARSE);
	assert_int_equal(sip_cseq_parse(&cseq, SPAN_LIT("1 A B")), -TR_EPARSE);
	assert_int_equal(sip_rack_parse(&rack, SPAN_LIT("776656 1 INVITE")), 0);
	assert_int_equal(rack.rseq, 776656);
	assert_int_equal(rack.cseq, 1);
	assert_int_equal(rack.method, SIP_INVITE);
	assert_int_equal(sip_rack_parse(&rack, SPAN_LIT("776656 INVITE")), -TR_EPARSE);
}

static void numbers_may_have_parameters(void **state)
{
	uint32_t n = 7;

	assert_int_equal(sip_number_parse(&n, SPAN_LIT(" 3600 ;x=y")), 0);
	assert_int_equal(n, 3600);
	assert_int_equal(sip_number_parse(&n, SPAN_LIT("4294967296")), -TR_EPARSE);
	assert_int_equal(sip_number_parse(&n, SPAN_LIT("")), -TR_EPARSE);
	assert_int_equal(sip_number_parse(&n, SPAN_LIT("1x")), -TR_EPARSE);
	assert_int_equal(n, 3600);
}

/* RFC 4028 §4 */
static void session_intervals_are_read(void **state)
{
	struct sip_session_expires se;

	assert_int_equal(sip_session_expires_parse(&se, SPAN_LIT("1800 ; refresher = UAS")), 0);
	assert_int_equal(se.interval, 1800);
	assert_int_equal(se.refresher, SIP_REFRESHER_UAS);
	assert_int_equal(sip_session_expires_parse(&se, SPAN_LIT("90;refresher=uac;x")), 0);
	assert_int_equal(se.refresher, SIP_REFRESHER_UAC);
	assert_int_equal(sip_session_expires_parse(&se, SPAN_LIT("90")), 0);
	assert_int_equal(se.refresher, SIP_REFRESHER_NONE);
	assert_int_equal(sip_session_expires_parse(&se, SPAN_LIT("soon")), -TR_EPARSE);
}

/* RFC 3891 §6.1 */
static void replaces_names_a_dialog(void **state)
{
	struct sip_replaces r;

	assert_int_equal(sip_replaces_parse(&r, SPAN_LIT("425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only")), 0);
	assert_span_equal(r.call_id, "425928@bobster.example.org");
	assert_span_equal(r.to_tag, "7743");
	assert_span_equal(r.from_tag, "6472");
	assert_true(r.is_early_only);
	assert_int_equal(sip_replaces_parse(&r, SPAN_LIT("1@h;to-tag=7743")), -TR_EPARSE);
	assert_int_equal(sip_replaces_parse(&r, SPAN_LIT(";to-tag=7743;from-tag=1")), -TR_EPARSE);
}

/* RFC 3261 §20.33 */
static void retry_after_has_a_comment(void **state)
{
	struct sip_retry_after ra;

	assert_int_equal(sip_retry_after_parse(&ra, SPAN_LIT("18000 (in (a) meeting\\)) ;duration=3600")), 0);
	assert_int_equal(ra.seconds, 18000);
	assert_int_equal(ra.duration, 3600);
	assert_span_equal(ra.comment, "in (a) meeting\\)");
	assert_int_equal(sip_retry_after_parse(&ra, SPAN_LIT("120")), 0);
	assert_null(ra.comment.p);
	assert_int_equal(sip_retry_after_parse(&ra, SPAN_LIT("120 (x")), -TR_EPARSE);
}

/* RFC 6665 §8.2, RFC 3326 §2, RFC 3261 §20.15 */
static void small_headers_are_read(void **state)
{
	struct sip_subscription_state state_hdr;
	struct sip_content_type ct;
	struct sip_reason reason;
	struct sip_event event;

	assert_int_equal(sip_event_parse(&event, SPAN_LIT("refer;id=93809824")), 0);
	assert_span_equal(event.package, "refer");
	assert_span_equal(event.id, "93809824");
	assert_int_equal(sip_event_parse(&event, SPAN_LIT("message summary")), -TR_EPARSE);
	assert_int_equal(sip_subscription_state_parse(&state_hdr, SPAN_LIT("terminated;reason=noresource;retry-after=5")), 0);
	assert_true(state_hdr.is_terminated && !state_hdr.is_active && !state_hdr.has_expires);
	assert_int_equal(state_hdr.retry_after, 5);
	assert_span_equal(state_hdr.reason, "noresource");
	assert_int_equal(sip_reason_parse(&reason, SPAN_LIT("Q.850 ;cause=16 ;text=\"Normal; clearing\"")), 0);
	assert_span_equal(reason.protocol, "Q.850");
	assert_int_equal(reason.cause, 16);
	assert_span_equal(reason.text, "Normal; clearing");
	assert_int_equal(sip_content_type_parse(&ct, SPAN_LIT("Application / SDP ; charset=\"utf-8\"")), 0);
	assert_true(sip_content_type_is(&ct, "application", "sdp"));
	assert_int_equal(sip_content_type_parse(&ct, SPAN_LIT("application")), -TR_EPARSE);
	assert_int_equal(sip_content_type_parse(&ct, SPAN_LIT("a/b, c/d")), -TR_EPARSE);
}

/* RFC 3261 §7.3.1 */
static void commas_split_outside_of_quotes(void **state)
{
	struct span rest = SPAN_LIT(" ,\"a,b\" <sip:x,y@h>;p=\"q,r\" , b,, c ,"), item;

	assert_true(sip_comma_next(&rest, &item));
	assert_span_equal(item, "\"a,b\" <sip:x,y@h>;p=\"q,r\"");
	assert_true(sip_comma_next(&rest, &item));
	assert_span_equal(item, "b");
	assert_true(sip_comma_next(&rest, &item));
	assert_span_equal(item, "c");
	assert_false(sip_comma_next(&rest, &item));
	assert_true(sip_tokens_have(SPAN_LIT("100rel, Timer"), "timer"));
	assert_false(sip_tokens_have(SPAN_LIT("100rel, timers"), "timer"));
	assert_true(sip_params_are_valid(SPAN_LIT("a=b; c ;d=\"e;f\"")));
	assert_false(sip_params_are_valid(SPAN_LIT("a=b c")));
	assert_false(sip_params_are_valid(SPAN_LIT("a=\"b")));
}

/* Hostile lists cost their length, not its square. */
static void unbalanced_quotes_end_the_list(void **state)
{
	static char text[60000];
	struct span rest = span(text, sizeof(text)), item;
	size_t n = 0;

	memset(text, ',', sizeof(text));
	text[0] = '"';
	while (sip_comma_next(&rest, &item))
		n++;
	assert_int_equal(n, 1);
}

/* RFC 7616 §3.3 and §3.4 */
static void challenges_and_credentials_are_read(void **state)
{
	struct sip_challenge c;
	struct sip_credentials cred;

	assert_int_equal(sip_challenge_parse(&c, SPAN_LIT("digest realm=\"a \\\"b\\\"\" ,nonce = \"n\",, stale=TRUE, qop=\"auth , auth-int\","
							  "\r\n opaque=\"\", algorithm=SHA-256-sess, domain=\"sip:x\", charset=UTF-8")), 0);
	assert_span_equal(c.realm, "a \\\"b\\\"");
	assert_true(c.is_stale && c.has_qop);
	assert_int_equal(c.qop, SIP_QOP_AUTH | SIP_QOP_AUTH_INT);
	assert_true(c.opaque.p && c.opaque.n == 0);
	assert_int_equal(c.algorithm, SIP_DIGEST_SHA256_SESS);
	assert_int_equal(sip_challenge_parse(&c, SPAN_LIT("Digest realm=\"r\", nonce=\"n\", qop=\"\"")), 0);
	assert_false(c.has_qop);
	assert_int_equal(c.algorithm, SIP_DIGEST_MD5);
	assert_int_equal(sip_challenge_parse(&c, SPAN_LIT("Digest nonce=\"n\"")), -TR_EPARSE);
	assert_int_equal(sip_challenge_parse(&c, SPAN_LIT("Digest realm=\"r, nonce=\"n\"")), -TR_EPARSE);
	assert_int_equal(sip_challenge_parse(&c, SPAN_LIT("Digest realm=\"r\", nonce=n\\")), -TR_EPARSE);

	assert_int_equal(sip_credentials_parse(&cred, SPAN_LIT("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", "
							       "response=\"00\", cnonce=\"c\", nc=0000000A, qop=auth")), 0);
	assert_int_equal(cred.nc, 10);
	assert_int_equal(cred.qop, SIP_QOP_AUTH);
	assert_int_equal(sip_credentials_parse(&cred, SPAN_LIT("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", "
							       "response=\"00\", cnonce=\"c\", nc=xyz, qop=auth")), -TR_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lex_is_the_grammar),
		cmocka_unit_test(every_name_is_found),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(odd_addresses_of_phones_are_taken),
		cmocka_unit_test(broken_addresses_are_refused),
		cmocka_unit_test(contacts_have_priority_and_life),
		cmocka_unit_test(vias_are_taken_apart),
		cmocka_unit_test(vias_in_the_wild_are_taken),
		cmocka_unit_test(broken_vias_are_refused),
		cmocka_unit_test(cookie_marks_branches),
		cmocka_unit_test(sequence_numbers_are_bounded),
		cmocka_unit_test(numbers_may_have_parameters),
		cmocka_unit_test(session_intervals_are_read),
		cmocka_unit_test(replaces_names_a_dialog),
		cmocka_unit_test(retry_after_has_a_comment),
		cmocka_unit_test(small_headers_are_read),
		cmocka_unit_test(commas_split_outside_of_quotes),
		cmocka_unit_test(unbalanced_quotes_end_the_list),
		cmocka_unit_test(challenges_and_credentials_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
