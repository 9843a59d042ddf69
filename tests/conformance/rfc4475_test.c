/* SPDX-License-Identifier: Apache-2.0 */
#include "message_file.h"
#include "sip/write.h"

/*
 * RFC 4475, all 49 torture messages: what becomes of each one, and for those that are valid what has to be readable in them.
 * Where the RFC leaves a choice, the table's comment says what we chose.
 */

static struct message_file file;

static struct span nth(enum sip_hdr_id id, size_t n)
{
	struct sip_list it;
	struct span value = {0};

	sip_list_init(&it, &file.msg, id);
	for (size_t i = 0; i <= n; i++)
		assert_true(sip_list_next(&it, &value));

	return value;
}

static size_t count(enum sip_hdr_id id)
{
	struct sip_list it;
	struct span value;
	size_t n = 0;

	sip_list_init(&it, &file.msg, id);
	while (sip_list_next(&it, &value))
		n++;

	return n;
}

static struct sip_name_addr address(struct span value)
{
	struct sip_name_addr addr;

	assert_int_equal(sip_name_addr_parse(&addr, value), 0);

	return addr;
}

static void assert_unescaped(struct span text, const char *plain, size_t n)
{
	char buf[256];
	struct span out;

	assert_int_equal(sip_unescape(text, buf, sizeof(buf), &out), 0);
	assert_int_equal(out.n, n);
	assert_memory_equal(out.p, plain, n);
}

#define ASSERT_UNESCAPED(text, literal) assert_unescaped(text, literal, sizeof(literal) - 1)

/* RFC 4475 §3.1.1.1 */
static void wsinv(void)
{
	const struct sip_msg *msg = &file.msg;
	struct sip_name_addr route;
	struct sip_contact contact;
	struct sip_via via;
	struct span value;
	char buf[64];

	assert_int_equal(msg->method, SIP_INVITE);
	assert_span_equal(msg->uri.host, "chair-dnrc.example.com");
	assert_true(sip_uri_param(&msg->uri, "unknownparam", &value));
	assert_span_equal(msg->to_tag, "1918181833n");
	assert_span_equal(msg->from_tag, "98asjd8");
	assert_int_equal(sip_unquote(address(msg->from).display, buf, sizeof(buf), &value), 0);
	assert_span_equal(value, "J Rosenberg \\\"");
	assert_int_equal(msg->max_forwards, 68);
	assert_int_equal(msg->cseq.number, 9);
	assert_int_equal(msg->cseq.method, SIP_INVITE);
	assert_int_equal(msg->content_length, 150);
	assert_int_equal(msg->body.n, 150);

	assert_int_equal(count(SIP_HDR_VIA), 3);
	assert_int_equal(msg->via.transport, SIP_UDP);
	assert_span_equal(msg->via.host, "192.0.2.2");
	assert_span_equal(msg->via.branch, "390skdjuw");
	assert_int_equal(sip_via_parse(&via, nth(SIP_HDR_VIA, 1)), 0);
	assert_int_equal(via.transport, SIP_TCP);
	assert_span_equal(via.host, "spindle.example.com");
	assert_span_equal(via.branch, "z9hG4bK9ikj8");
	assert_int_equal(sip_via_parse(&via, nth(SIP_HDR_VIA, 2)), 0);
	assert_span_equal(via.host, "192.168.255.111");
	assert_span_equal(via.branch, "z9hG4bK30239");

	assert_non_null(sip_msg_find(msg, SIP_HDR_SUBJECT));
	assert_int_equal(sip_msg_value(msg, SIP_HDR_SUBJECT).n, 0);
	assert_span_equal(sip_msg_find_name(msg, SPAN_LIT("unknownheaderwithunusualvalue"))->value, ";;,,;;,;");
	route = address(nth(SIP_HDR_ROUTE, 0));
	assert_true(sip_uri_is_lr(&route.uri));

	assert_int_equal(sip_contact_parse(&contact, nth(SIP_HDR_CONTACT, 0)), 0);
	assert_int_equal(sip_unquote(contact.addr.display, buf, sizeof(buf), &value), 0);
	assert_span_equal(value, "Quoted string \"\"");
	assert_true(sip_param_find(contact.addr.params, "newparam", &value));
	assert_span_equal(value, "newvalue");
	assert_true(sip_param_find(contact.addr.params, "secondparam", NULL));
	assert_int_equal(contact.q, 330);
}

/* RFC 4475 §3.1.1.2 */
static void intmeth(void)
{
	const struct sip_msg *msg = &file.msg;
	struct sip_name_addr from = address(msg->from), to = address(msg->to);
	struct span value;
	char buf[64];

	assert_int_equal(msg->method, SIP_METHOD_UNKNOWN);
	assert_span_equal(msg->method_name, "!interesting-Method0123456789_*+`.%indeed'~");
	assert_span_equal(msg->uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
	assert_span_equal(msg->uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
	assert_span_equal(msg->uri.host, "example.com");
	assert_span_equal(msg->via.branch, "z9hG4bK-.!%66*_+`'~");
	assert_int_equal(sip_unquote(to.display, buf, sizeof(buf), &value), 0);
	assert_int_equal(value.n, 17);
	assert_memory_equal(value.p, "BEL:\a NUL:\0 DEL:\177", 17);
	assert_span_equal(from.display, "token1~` token2'+_ token3*%!.-");
	assert_span_equal(from.tag, "_token~1'+`*%!-.");
	assert_true(sip_param_find(from.params, "fromParam''~+*_!.-%", &value));
	assert_true(value.n > 0 && (unsigned char)value.p[0] == 0xd1);
	assert_span_equal(msg->call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
	assert_int_equal(msg->cseq.number, 139122385);
	assert_int_equal(msg->max_forwards, 255);
	assert_non_null(sip_msg_find_name(msg, SPAN_LIT("extensionHeader-!.%*+_`'~")));
}

/* RFC 4475 §3.1.1.3 */
static void esc01(void)
{
	struct sip_name_addr contact = address(nth(SIP_HDR_CONTACT, 0));
	struct span rest = contact.uri.params, first = span_cut(&rest, ';'), name = span_cut(&rest, '=');

	ASSERT_UNESCAPED(file.msg.uri.user, "sips:user@example.com");
	assert_span_equal(file.msg.uri.host, "example.net");
	ASSERT_UNESCAPED(address(file.msg.to).uri.user, "user");
	ASSERT_UNESCAPED(address(file.msg.from).uri.user, "I have spaces");
	ASSERT_UNESCAPED(contact.uri.user, "caller");
	ASSERT_UNESCAPED(first, "lr");
	ASSERT_UNESCAPED(name, "name");
	ASSERT_UNESCAPED(rest, "value%41"); /* escaped twice: undone once */
}

/* RFC 4475 §3.1.1.4 */
static void escnull(void)
{
	assert_int_equal(file.msg.method, SIP_REGISTER);
	ASSERT_UNESCAPED(address(file.msg.to).uri.user, "null-\0-null");
	assert_int_equal(count(SIP_HDR_CONTACT), 2);
	ASSERT_UNESCAPED(address(nth(SIP_HDR_CONTACT, 0)).uri.user, "\0");
	ASSERT_UNESCAPED(address(nth(SIP_HDR_CONTACT, 1)).uri.user, "\0\0");
}

/* RFC 4475 §3.1.1.5: no escapes in methods, header names and display names; "C%6Fntact" is another header. */
static void esc02(void)
{
	assert_int_equal(file.msg.method, SIP_METHOD_UNKNOWN);
	assert_span_equal(file.msg.method_name, "RE%47IST%45R");
	assert_span_equal(address(file.msg.to).display, "%Z%45");
	assert_int_equal(count(SIP_HDR_CONTACT), 2);
	assert_span_equal(address(nth(SIP_HDR_CONTACT, 1)).uri.user, "alias3");
	assert_span_equal(file.msg.via.branch, "z9hG4bK209%fzsnel234");
}

/* RFC 4475 §3.1.1.6 */
static void lwsdisp(void)
{
	assert_span_equal(address(file.msg.from).display, "caller");
	assert_span_equal(file.msg.from_tag, "323");
}

/* RFC 4475 §3.1.1.7 */
static void longreq(void)
{
	assert_int_equal(count(SIP_HDR_VIA), 34);
	assert_int_equal(file.msg.body.n, 150);
	assert_int_equal(file.msg.cseq.number, 3882340);
	assert_true(file.msg.from_tag.n > 100);
	assert_span_equal(file.msg.via.host, "sip33.example.com");
}

/* RFC 4475 §3.1.1.8: in a datagram the second request is dropped; in a stream it is the next message. */
static void dblreq(void)
{
	static struct sip_msg next;
	size_t n, at;

	assert_int_equal(file.msg.method, SIP_REGISTER);
	assert_int_equal(file.msg.body.n, 0);
	assert_int_equal(sip_msg_frame(file.buf, file.n, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(n, file.msg.text.n);
	assert_int_equal(sip_msg_frame(file.buf + n, file.n - n, &at), SIP_FRAME_CRLF);
	at += n;
	assert_int_equal(sip_msg_frame(file.buf + at, file.n - at, &n), SIP_FRAME_MESSAGE);
	assert_int_equal(sip_msg_parse(&next, file.buf + at, n), 0);
	assert_int_equal(next.method, SIP_INVITE);
	assert_int_equal(next.body.n, 150);
}

/* RFC 4475 §3.1.1.9 */
static void semiuri(void)
{
	assert_span_equal(file.msg.uri.user, "user;par=u%40example.net");
	assert_span_equal(file.msg.uri.host, "example.com");
	assert_int_equal(count(SIP_HDR_ACCEPT), 6);
	assert_span_equal(nth(SIP_HDR_ACCEPT, 5), "message/sipfrag");
}

/* RFC 4475 §3.1.1.10 */
static void transports(void)
{
	static const enum sip_transport expected[] = {SIP_UDP, SIP_SCTP, SIP_TLS, SIP_TRANSPORT_UNKNOWN, SIP_TCP};

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct sip_via via;

		assert_int_equal(sip_via_parse(&via, nth(SIP_HDR_VIA, i)), 0);
		assert_int_equal(via.transport, expected[i]);
	}
}

/* RFC 4475 §3.1.1.11 */
static void mpart01(void)
{
	struct sip_content_type ct;
	struct span value;

	assert_int_equal(file.msg.method, SIP_MESSAGE);
	assert_int_equal(file.msg.body.n, 553);
	assert_non_null(memchr(file.msg.body.p, 0, file.msg.body.n));
	assert_int_equal(sip_content_type_parse(&ct, sip_msg_value(&file.msg, SIP_HDR_CONTENT_TYPE)), 0);
	assert_true(sip_content_type_is(&ct, "multipart", "mixed"));
	assert_true(sip_param_find(ct.params, "boundary", &value));
	assert_span_equal(value, "7a9cbec02ceef655");
	assert_true(file.msg.via.has_rport);
}

/* RFC 4475 §3.1.1.12 */
static void unreason(void)
{
	assert_int_equal(file.msg.status, 200);
	assert_true(file.msg.reason.n > 20 && memcmp(file.msg.reason.p, "= 2**3 * 5**2 \xd0\xbd", 16) == 0);
}

/* RFC 4475 §3.1.1.13 */
static void noreason(void)
{
	assert_int_equal(file.msg.status, 100);
	assert_int_equal(file.msg.reason.n, 0);
}

/* RFC 4475 §3.1.2.9: spaces in the start line, taken. */
static void lwsstart(void)
{
	assert_int_equal(file.msg.method, SIP_INVITE);
	assert_span_equal(file.msg.request_uri, "sip:user@example.com");
}

/* RFC 4475 §3.1.2.12: the Date is not GMT; it is ignored. */
static void baddate(void)
{
	assert_int_equal(file.msg.method, SIP_INVITE);
	assert_span_equal(sip_msg_value(&file.msg, SIP_HDR_DATE), "Fri, 01 Jan 2010 16:00:00 EST");
}

/* RFC 4475 §3.2.1: a branch of nothing but the cookie identifies nothing. */
static void badbranch(void)
{
	assert_span_equal(file.msg.via.branch, "z9hG4bK");
	assert_false(sip_branch_is_3261(file.msg.via.branch));
}

/* RFC 4475 §3.3.4: other schemes in To, From and Contact are kept whole. */
static void unksm2(void)
{
	assert_int_equal(address(file.msg.to).uri.scheme, SIP_SCHEME_OTHER);
	assert_span_equal(address(file.msg.to).uri.text, "isbn:2983792873");
	assert_span_equal(address(file.msg.from).uri.scheme_text, "http");
	assert_span_equal(address(nth(SIP_HDR_CONTACT, 0)).uri.opaque, "John_Smith");
}

/* RFC 4475 §3.3.5: the core answers 420 with both tags in Unsupported. */
static void bext01(void)
{
	assert_true(sip_msg_has_token(&file.msg, SIP_HDR_REQUIRE, "nothingSupportsThis"));
	assert_true(sip_msg_has_token(&file.msg, SIP_HDR_REQUIRE, "nothingsupportsthiseither"));
	assert_false(sip_msg_has_token(&file.msg, SIP_HDR_REQUIRE, "noProxiesSupportThis"));
	assert_int_equal(count(SIP_HDR_PROXY_REQUIRE), 2);
}

/* RFC 4475 §3.3.6: the core answers 415. */
static void invut(void)
{
	struct sip_content_type ct;

	assert_int_equal(sip_content_type_parse(&ct, sip_msg_value(&file.msg, SIP_HDR_CONTENT_TYPE)), 0);
	assert_true(sip_content_type_is(&ct, "application", "unknownformat"));
}

/* RFC 4475 §3.3.7: a scheme that nobody knows is as good as none. */
static void regaut01(void)
{
	struct sip_credentials cred;

	assert_int_equal(sip_credentials_parse(&cred, sip_msg_value(&file.msg, SIP_HDR_AUTHORIZATION)), 0);
	assert_span_equal(cred.scheme, "NoOneKnowsThisScheme");
	assert_null(cred.username.p);
}

/* RFC 4475 §3.3.10: who sees a Via that is not his as the topmost drops it; the second is where it must never go. */
static void bcast(void)
{
	struct sip_via via;

	assert_span_equal(file.msg.via.host, "192.0.2.198");
	assert_int_equal(sip_via_parse(&via, nth(SIP_HDR_VIA, 1)), 0);
	assert_span_equal(via.host, "255.255.255.255");
}

/* RFC 4475 §3.3.11: an endpoint takes it, a proxy would answer 483. */
static void zeromf(void)
{
	assert_int_equal(file.msg.max_forwards, 0);
}

/* RFC 4475 §3.3.12: without <> the parameter is the Contact's ... */
static void cparam01(void)
{
	struct sip_name_addr contact = address(nth(SIP_HDR_CONTACT, 0));

	assert_span_equal(contact.params, "unknownparam");
	assert_null(contact.uri.params.p);
}

/* ... and RFC 4475 §3.3.13 inside of them the URI's. */
static void cparam02(void)
{
	struct sip_name_addr contact = address(nth(SIP_HDR_CONTACT, 0));

	assert_null(contact.params.p);
	assert_span_equal(contact.uri.params, "unknownparam");
}

/* RFC 4475 §3.3.14 */
static void regescrt(void)
{
	struct span rest = address(nth(SIP_HDR_CONTACT, 0)).uri.headers, name, value;

	assert_true(sip_uri_header_next(&rest, &name, &value));
	assert_span_equal(name, "Route");
	ASSERT_UNESCAPED(value, "<sip:sip.example.com>");
}

/* RFC 4475 §3.3.15: the core answers 406, or 200 with the SDP that was not asked for. */
static void sdp01(void)
{
	assert_span_equal(nth(SIP_HDR_ACCEPT, 0), "text/nobodyKnowsThis");
}

/* RFC 4475 §3.4.1 */
static void inv2543(void)
{
	struct sip_name_addr route;

	assert_int_equal(file.msg.from_tag.n, 0);
	assert_int_equal(file.msg.max_forwards, -1);
	assert_int_equal(file.msg.content_length, -1);
	assert_false(sip_branch_is_3261(file.msg.via.branch));
	assert_int_equal(file.msg.body.n, 105);
	route = address(nth(SIP_HDR_RECORD_ROUTE, 0));
	assert_span_equal(sip_uri_maddr(&route.uri), "ss1.example.com");
}

static const struct expected {
	const char *name;
	enum outcome outcome;
	uint16_t status;
	enum sip_hdr_id hdr;	/* the header that has to be named */
	void (*verify)(void);
} table[] = {
	/* RFC 4475 §3.1.1: valid messages */
	{"wsinv", ACCEPTED, 0, 0, wsinv}, /* RFC 4475 §3.1.1.1 */
	{"intmeth", ACCEPTED, 0, 0, intmeth}, /* RFC 4475 §3.1.1.2 */
	{"esc01", ACCEPTED, 0, 0, esc01}, /* RFC 4475 §3.1.1.3 */
	{"escnull", ACCEPTED, 0, 0, escnull}, /* RFC 4475 §3.1.1.4 */
	{"esc02", ACCEPTED, 0, 0, esc02}, /* RFC 4475 §3.1.1.5 */
	{"lwsdisp", ACCEPTED, 0, 0, lwsdisp}, /* RFC 4475 §3.1.1.6 */
	{"longreq", ACCEPTED, 0, 0, longreq}, /* RFC 4475 §3.1.1.7 */
	{"dblreq", ACCEPTED, 0, 0, dblreq}, /* RFC 4475 §3.1.1.8 */
	{"semiuri", ACCEPTED, 0, 0, semiuri}, /* RFC 4475 §3.1.1.9 */
	{"transports", ACCEPTED, 0, 0, transports}, /* RFC 4475 §3.1.1.10 */
	{"mpart01", ACCEPTED, 0, 0, mpart01}, /* RFC 4475 §3.1.1.11 */
	{"unreason", ACCEPTED, 0, 0, unreason}, /* RFC 4475 §3.1.1.12 */
	{"noreason", ACCEPTED, 0, 0, noreason}, /* RFC 4475 §3.1.1.13 */
	/* RFC 4475 §3.1.2: invalid messages */
	{"badinv01", ANSWERED, 400, SIP_HDR_VIA, NULL}, /* RFC 4475 §3.1.2.1 */
	{"clerr", ANSWERED, 400, SIP_HDR_CONTENT_LENGTH, NULL}, /* RFC 4475 §3.1.2.2 */
	{"ncl", ANSWERED, 400, SIP_HDR_CONTENT_LENGTH, NULL}, /* RFC 4475 §3.1.2.3 */
	{"scalar02", ANSWERED, 400, SIP_HDR_CSEQ, NULL}, /* RFC 4475 §3.1.2.4 */
	{"scalarlg", DROPPED, 0, SIP_HDR_CSEQ, NULL}, /* RFC 4475 §3.1.2.5 */
	{"quotbal", ANSWERED, 400, SIP_HDR_TO, NULL}, /* RFC 4475 §3.1.2.6 */
	{"ltgtruri", ANSWERED, 400, 0, NULL}, /* RFC 4475 §3.1.2.7 */
	{"lwsruri", ANSWERED, 400, 0, NULL}, /* RFC 4475 §3.1.2.8 */
	{"lwsstart", ACCEPTED, 0, 0, lwsstart}, /* RFC 4475 §3.1.2.9: may be taken: nothing is unclear */
	{"trws", ACCEPTED, 0, 0, NULL}, /* RFC 4475 §3.1.2.10: the same */
	{"escruri", ANSWERED, 400, 0, NULL}, /* RFC 4475 §3.1.2.11 */
	{"baddate", ACCEPTED, 0, 0, baddate}, /* RFC 4475 §3.1.2.12: may be ignored */
	{"regbadct", ANSWERED, 400, SIP_HDR_CONTACT, NULL}, /* RFC 4475 §3.1.2.13 */
	{"badaspec", ANSWERED, 400, SIP_HDR_TO, NULL}, /* RFC 4475 §3.1.2.14 */
	{"baddn", ANSWERED, 400, 0, NULL}, /* RFC 4475 §3.1.2.15: the file lacks the empty line; with it: unquoted_comma_in_a_name_is_taken */
	{"badvers", ANSWERED, 505, 0, NULL}, /* RFC 4475 §3.1.2.16 */
	{"mismatch01", ANSWERED, 400, SIP_HDR_CSEQ, NULL}, /* RFC 4475 §3.1.2.17 */
	{"mismatch02", ANSWERED, 400, SIP_HDR_CSEQ, NULL}, /* RFC 4475 §3.1.2.18: or 501: the CSeq is the worse fault */
	{"bigcode", DROPPED, 0, 0, NULL}, /* RFC 4475 §3.1.2.19 */
	/* RFC 4475 §3.2: transaction layer */
	{"badbranch", ACCEPTED, 0, 0, badbranch}, /* RFC 4475 §3.2.1: matched as RFC 2543 did */
	/* RFC 4475 §3.3: application layer */
	{"insuf", ANSWERED, 400, SIP_HDR_FROM, NULL}, /* RFC 4475 §3.3.1 */
	{"unkscm", ANSWERED, 416, 0, NULL}, /* RFC 4475 §3.3.2 */
	{"novelsc", ANSWERED, 416, 0, NULL}, /* RFC 4475 §3.3.3 */
	{"unksm2", ACCEPTED, 0, 0, unksm2}, /* RFC 4475 §3.3.4 */
	{"bext01", ACCEPTED, 0, 0, bext01}, /* RFC 4475 §3.3.5 */
	{"invut", ACCEPTED, 0, 0, invut}, /* RFC 4475 §3.3.6 */
	{"regaut01", ACCEPTED, 0, 0, regaut01}, /* RFC 4475 §3.3.7 */
	{"multi01", ANSWERED, 400, 0, NULL}, /* RFC 4475 §3.3.8 */
	{"mcl01", ANSWERED, 400, SIP_HDR_CONTENT_LENGTH, NULL}, /* RFC 4475 §3.3.9 */
	{"bcast", ACCEPTED, 0, 0, bcast}, /* RFC 4475 §3.3.10 */
	{"zeromf", ACCEPTED, 0, 0, zeromf}, /* RFC 4475 §3.3.11 */
	{"cparam01", ACCEPTED, 0, 0, cparam01}, /* RFC 4475 §3.3.12 */
	{"cparam02", ACCEPTED, 0, 0, cparam02}, /* RFC 4475 §3.3.13 */
	{"regescrt", ACCEPTED, 0, 0, regescrt}, /* RFC 4475 §3.3.14 */
	{"sdp01", ACCEPTED, 0, 0, sdp01}, /* RFC 4475 §3.3.15 */
	/* RFC 4475 §3.4: backward compatibility */
	{"inv2543", ACCEPTED, 0, 0, inv2543}, /* RFC 4475 §3.4.1 */
};

static_assert(ARRAY_LEN(table) == 49, "RFC 4475 has 49 messages");

/* RFC 4475 §3 */
static void every_message_has_its_outcome(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct expected *e = &table[i];

		message_read(&file, "torture", e->name);
		message_judge(&file);
		if (file.outcome != e->outcome || file.error.status != e->status || (e->hdr && file.error.hdr != e->hdr))
			fail_msg("%s: outcome %d, status %u, %s", e->name, (int)file.outcome, file.error.status,
				file.error.text ? file.error.text : "no error");
		if (e->verify)
			e->verify();
	}
}

/* Whatever is to be answered can be: the answer parses and belongs to the request. */
static void every_refusal_can_be_written(void **state)
{
	static char buf[LIMIT_SIP_MSG_BYTES];
	static struct sip_msg answer;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sip_response_params params = {.status = table[i].status, .to_tag = SPAN_LIT("abc"),
			.received = SPAN_LIT("198.51.100.7"), .rport = 5070};
		struct sip_writer w;
		struct span text;

		if (table[i].outcome != ANSWERED)
			continue;
		message_read(&file, "torture", table[i].name);
		message_judge(&file);
		sip_writer_init(&w, buf, sizeof(buf));
		sip_write_response(&w, &file.msg, &params);
		sip_write_end(&w);
		assert_int_equal(sip_writer_finish(&w, &text), 0);

		(void)!sip_msg_parse(&answer, text.p, text.n); /* From, To or CSeq may be what was wrong */
		assert_int_equal(answer.status, table[i].status);
		assert_true(span_eq(answer.via.host, file.msg.via.host));
		assert_span_equal(answer.via.received, "198.51.100.7");
		assert_true(span_eq(answer.call_id, file.msg.call_id));
	}
}

/* RFC 4475 §3.1.2.15: what the quotes were meant to be can be inferred, and phones do send such names. */
static void unquoted_comma_in_a_name_is_taken(void **state)
{
	message_read(&file, "torture", "baddn");
	memcpy(file.buf + file.n, "\r\n", 2);
	file.n += 2;
	message_judge(&file);

	assert_int_equal(file.outcome, ACCEPTED);
	assert_span_equal(address(file.msg.from).display, "Bell, Alexander");
	assert_span_equal(file.msg.from_tag, "43");
}

/* RFC 3261 §18.3: in a stream, clerr is a message whose end has not come, ncl and mcl01 cannot be followed any more. */
static void streams_judge_content_length(void **state)
{
	size_t n;

	message_read(&file, "torture", "clerr");
	assert_int_equal(sip_msg_frame(file.buf, file.n, &n), SIP_FRAME_MORE);
	message_read(&file, "torture", "ncl");
	assert_int_equal(sip_msg_frame(file.buf, file.n, &n), -TR_EPARSE);
	message_read(&file, "torture", "mcl01");
	assert_int_equal(sip_msg_frame(file.buf, file.n, &n), -TR_EPARSE);
	message_read(&file, "torture", "inv2543");
	assert_int_equal(sip_msg_frame(file.buf, file.n, &n), -TR_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_has_its_outcome),
		cmocka_unit_test(every_refusal_can_be_written),
		cmocka_unit_test(unquoted_comma_in_a_name_is_taken),
		cmocka_unit_test(streams_judge_content_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
