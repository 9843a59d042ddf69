/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/identity.h"

#define HEAD                                                                                                          \
	"INVITE sip:1001@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" \
	"To: <sip:1001@192.0.2.1>\r\n"

static struct line_identity id;

static void read_with(const char *lines, bool is_trusted)
{
	static char text[4000];
	struct sip_msg m;
	int n = snprintf(text, sizeof(text), HEAD "%s\r\n", lines);

	assert_int_equal(sip_msg_parse(&m, text, (size_t)n), 0);
	identity_read(&m, is_trusted, &id);
}

static void a_plain_caller(void **state)
{
	read_with("From: \"Ann \\\"A\\\" B\" <sip:%2B4930123@pbx>;tag=1\r\n", true);
	assert_string_equal(id.number, "+4930123");
	assert_string_equal(id.name, "Ann \"A\" B");
	assert_false(id.is_asserted || id.is_private || id.diversions);
	read_with("From: <tel:+49-30-123>;tag=1\r\n", true);
	assert_string_equal(id.number, "+49-30-123");
	read_with("From: <sip:192.0.2.9>;tag=1\r\n", true);
	assert_string_equal(id.number, "sip:192.0.2.9");
}

static void asserted_identity_needs_trust(void **state)
{
	static const char lines[] = "From: <sip:0@x>;tag=1\r\nP-Asserted-Identity: \"Carrier\" <sip:+4930123@x;user=phone>, <tel:+4930123>\r\n";

	read_with(lines, true);
	assert_string_equal(id.number, "+4930123");
	assert_string_equal(id.name, "Carrier");
	assert_true(id.is_asserted);
	read_with(lines, false);
	assert_string_equal(id.number, "0");
	assert_false(id.is_asserted);
	read_with("From: <sip:0@x>;tag=1\r\nRemote-Party-ID: \"R\" <sip:77@x>;party=calling;privacy=full\r\n", true);
	assert_string_equal(id.number, "77");
	assert_true(id.is_asserted && id.is_private);
}

static void withheld_numbers(void **state)
{
	read_with("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nPrivacy: id\r\n", true);
	assert_string_equal(id.number, "anonymous");
	assert_string_equal(id.name, "");
	assert_true(id.is_private);
	/* a trusted carrier tells us and asks us not to tell others */
	read_with("From: <sip:anonymous@anonymous.invalid>;tag=1\r\nPrivacy: id;critical\r\nP-Asserted-Identity: <sip:+4930@x>\r\n", true);
	assert_string_equal(id.number, "+4930");
	assert_true(id.is_private && id.is_asserted);
	read_with("From: <sip:5@x>;tag=1\r\nPrivacy: none\r\n", true);
	assert_false(id.is_private);
}

static void diversions_are_read(void **state)
{
	read_with("From: <sip:5@x>;tag=1\r\nDiversion: <sip:201@pbx>;reason=no-answer;counter=1\r\n"
		  "Diversion: \"Front\" <sip:200@pbx>;reason=user-busy\r\n", true);
	assert_string_equal(id.diverted_from, "201");
	assert_string_equal(id.diverted_why, "no-answer");
	assert_string_equal(id.dialled_first, "200");
	assert_int_equal(id.diversions, 2);
	read_with("From: <sip:5@x>;tag=1\r\nHistory-Info: <sip:200@pbx>;index=1, <sip:201@pbx;cause=486>;index=1.1;mp=1, "
		  "<sip:1001@pbx;cause=408>;index=1.1.1;mp=1.1\r\n", true);
	assert_string_equal(id.diverted_from, "201");
	assert_string_equal(id.diverted_why, "no-answer");
	assert_string_equal(id.dialled_first, "200");
	assert_int_equal(id.diversions, 2);
	/* hops of proxies are no diversions */
	read_with("From: <sip:5@x>;tag=1\r\nHistory-Info: <sip:1001@pbx>;index=1, <sip:1001@192.0.2.1>;index=1.1\r\n", true);
	assert_int_equal(id.diversions, 0);
	assert_string_equal(id.diverted_from, "");
}

static void language_is_the_first_choice(void **state)
{
	read_with("From: <sip:5@x>;tag=1\r\nAccept-Language: de-AT;q=0.9, en\r\n", true);
	assert_string_equal(id.language, "de-AT");
	read_with("From: <sip:5@x>;tag=1\r\nAccept-Language: *\r\n", true);
	assert_string_equal(id.language, "");
}

static void our_own_identity(void **state)
{
	struct identity_out out = {.user = "acct", .number = "+4930123", .name = "Acme \"A\"", .domain = "sip.example.net"};
	char from[200], headers[600];

	out.places = IDENTITY_FROM;
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), 0);
	assert_string_equal(from, "\"Acme \\\"A\\\"\" <sip:+4930123@sip.example.net>");
	assert_string_equal(headers, "");

	out.places = IDENTITY_PAI;
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), 0);
	assert_string_equal(from, "\"Acme \\\"A\\\"\" <sip:acct@sip.example.net>");
	assert_string_equal(headers, "P-Asserted-Identity: \"Acme \\\"A\\\"\" <sip:+4930123@sip.example.net>\r\n");

	out.name = NULL;
	out.is_private = true;
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), 0);
	assert_string_equal(from, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	assert_string_equal(headers, "P-Asserted-Identity: <sip:+4930123@sip.example.net>\r\nPrivacy: id\r\n");

	out.places = IDENTITY_FROM;
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), 0);
	assert_string_equal(headers, "P-Preferred-Identity: <sip:+4930123@sip.example.net>\r\nPrivacy: id\r\n");

	out = (struct identity_out){.user = "acct", .domain = "x", .places = IDENTITY_FROM};
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), 0);
	assert_string_equal(from, "");
	assert_string_equal(headers, "");
	out.name = "a\r\nX: y";
	assert_int_equal(identity_write(&out, from, sizeof(from), headers, sizeof(headers)), -TR_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_caller),	     cmocka_unit_test(asserted_identity_needs_trust),
		cmocka_unit_test(withheld_numbers),	     cmocka_unit_test(diversions_are_read),
		cmocka_unit_test(language_is_the_first_choice), cmocka_unit_test(our_own_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
