/* SPDX-License-Identifier: Apache-2.0 */
#include <osipparser2/osip_parser.h>
#include "message_file.h"

/*
 * A second opinion: the torture messages and random combinations of legal forms go to our parser and to libosip2. Where both
 * take a message they must have read the same out of it: a difference is how one device is made to see another call than the
 * next.
 */

static struct sip_msg msg;
static uint64_t seed;

static bool same(struct span ours, const char *theirs)
{
	return theirs ? span_eq_z(ours, theirs) : ours.n == 0;
}

static const char *their_tag(const osip_from_t *from)
{
	osip_generic_param_t *tag = NULL;

	if (!from || osip_generic_param_get_byname((osip_list_t *)(uintptr_t)&from->gen_params, (char *)(uintptr_t) "tag", &tag))
		return NULL;

	return tag ? tag->gvalue : NULL;
}

static const char *difference(osip_message_t *theirs)
{
	osip_via_t *via = osip_list_get(&theirs->vias, 0);
	osip_generic_param_t *branch = NULL;
	char call_id[LIMIT_CALLID_BYTES + 2];

	if (msg.is_request != (bool)MSG_IS_REQUEST(theirs))
		return "kind";
	if (msg.is_request && !same(msg.method_name, theirs->sip_method))
		return "method";
	if (!msg.is_request && msg.status != theirs->status_code)
		return "status";
	if (theirs->cseq && (!same(msg.cseq.method_name, theirs->cseq->method) ||
				    (uint32_t)strtoul(theirs->cseq->number, NULL, 10) != msg.cseq.number))
		return "CSeq";
	if (!same(msg.from_tag, their_tag(theirs->from)) || !same(msg.to_tag, their_tag((osip_from_t *)theirs->to)))
		return "tag";
	if (theirs->call_id && theirs->call_id->number) {
		int n = snprintf(call_id, sizeof(call_id), "%s%s%s", theirs->call_id->number, theirs->call_id->host ? "@" : "",
			theirs->call_id->host ? theirs->call_id->host : "");

		if (n < (int)sizeof(call_id) && !same(msg.call_id, call_id))
			return "Call-ID";
	}
	if (via) {
		osip_via_param_get_byname(via, (char *)(uintptr_t) "branch", &branch);
		if (branch && !same(msg.via.branch, branch->gvalue))
			return "branch";
		if (!same(msg.via.host, via->host))
			return "sent-by";
		if (via->port && msg.via.port != (uint16_t)atol(via->port))
			return "port";
	}

	return NULL;
}

/* Both opinions of the text; *ret_both counts where there are two. */
static void compare(const char *name, const char *text, size_t n, size_t *ret_both)
{
	osip_message_t *theirs;
	const char *what;

	if (sip_msg_parse(&msg, text, n))
		return;
	assert_int_equal(osip_message_init(&theirs), 0);
	if (osip_message_parse(theirs, text, n) == 0) {
		what = difference(theirs);
		if (what)
			fail_msg("%s: %s differs in\n%.*s", name, what, (int)n, text);
		++*ret_both;
	}
	osip_message_free(theirs);
}

/* RFC 4475 §3: what both take of the torture messages. */
static void torture_is_read_alike(void **state)
{
	static const char *const names[] = {"wsinv", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "semiuri", "transports",
		"mpart01", "unreason", "noreason", "baddate", "badbranch", "unksm2", "bext01", "invut", "regaut01", "bcast", "zeromf",
		"cparam01", "cparam02", "regescrt", "sdp01", "inv2543"};
	static struct message_file file;
	size_t both = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		message_read(&file, "torture", names[i]);
		compare(names[i], file.buf, file.n, &both);
	}
	print_message("%zu of %zu read by both\n", both, ARRAY_LEN(names));
	assert_true(both >= ARRAY_LEN(names) / 2);
}

static const char *pick(const char *const *list, size_t n)
{
	return list[prng_u32(&seed) % n];
}

#define PICK(...) pick((const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* Forms that are legal, in every combination: white space, folding, compact names, quotes, order of parameters. */
static size_t random_message(char *buf, size_t cap)
{
	const char *method = PICK("INVITE", "BYE", "OPTIONS", "FOO");
	const char *colon = PICK(":", ": ", " : ", ":\t");
	int n = snprintf(buf, cap,
		"%s sip:b@h.example.com SIP/2.0\r\n%s%sSIP/2.0/%s %s%s;%sbranch=z9hG4bK%u%s\r\n"
		"%s%s%s<sip:a@h;lr>%stag=%u%s\r\n%s%s%s\r\n%s%s%u@%s\r\nCSeq%s%u %s\r\n%s\r\n",
		method, PICK("Via", "v", "VIA"), colon, PICK("UDP", "TCP", "TLS"), PICK("h", "192.0.2.1", "a.b-c.example"),
		PICK("", ":5060", ":1"), PICK("", "rport;", "ttl=1;"), prng_u32(&seed), PICK("", ";received=192.0.2.9", ";x=\"y;z\""),
		PICK("From", "f", "FROM"), colon, PICK("", "\"A\" ", "Bob ", "\"x, <y>;tag=no\" ", "\"\\\"\" "), PICK(";", " ; ", "\r\n ;"),
		prng_u32(&seed), PICK("", ";x", ";x=y"), PICK("To", "t"), colon,
		PICK("<sip:b@h>", "sip:b@h", "<sip:b@h>;tag=1", "sip:b@h;tag=2", "\"tag=3\" <sip:b@h;tag=4>;tag=5"),
		PICK("Call-ID", "i", "CALL-id"), colon, prng_u32(&seed), PICK("h", "192.0.2.1"), colon, prng_u32(&seed) >> 1, method,
		PICK("", "Content-Length: 0\r\n", "l:0\r\n", "Route: <sip:x;lr>,<sip:y;lr>\r\n", "Subject: a\r\n b\r\n"));

	return (size_t)n;
}

/* RFC 3261 §25.1 */
static void legal_forms_are_read_alike(void **state)
{
	size_t both = 0, rounds = 3000;
	char buf[2048];

	for (size_t i = 0; i < rounds; i++) {
		size_t n = random_message(buf, sizeof(buf));

		assert_int_equal(sip_msg_parse(&msg, buf, n), 0);
		compare("a random message", buf, n, &both);
	}
	print_message("%zu of %zu read by both\n", both, rounds);
	assert_true(both > rounds / 2);
}

static int set_up(void **state)
{
	seed = test_seed();

	return parser_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(torture_is_read_alike),
		cmocka_unit_test(legal_forms_are_read_alike),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
