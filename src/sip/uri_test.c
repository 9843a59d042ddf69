/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/uri.h"

static struct sip_uri parse(const char *text)
{
	struct sip_uri uri;

	if (sip_uri_parse(&uri, span_z(text)))
		fail_msg("%s does not parse", text);

	return uri;
}

/* RFC 3261 §19.1.1 */
static void every_part_is_found(void **state)
{
	struct sip_uri uri = parse("sips:alice;day=tuesday:pw@Atlanta.com:5071;transport=tcp;lr;maddr=10.0.0.1;ttl=15;ob;"
				   "user=phone;method=INVITE?subject=project%20x&priority=urgent");
	struct span rest = uri.headers, name, value;

	assert_int_equal(uri.scheme, SIP_SCHEME_SIPS);
	assert_span_equal(uri.user, "alice;day=tuesday");
	assert_span_equal(uri.password, "pw");
	assert_span_equal(uri.host, "Atlanta.com");
	assert_int_equal(uri.port, 5071);
	assert_int_equal(sip_uri_transport(&uri), SIP_TCP);
	assert_true(sip_uri_is_lr(&uri));
	assert_true(sip_uri_is_ob(&uri));
	assert_span_equal(sip_uri_maddr(&uri), "10.0.0.1");
	assert_int_equal(sip_uri_ttl(&uri), 15);
	assert_span_equal(sip_uri_user_param(&uri), "phone");
	assert_span_equal(sip_uri_method(&uri), "INVITE");
	assert_true(sip_uri_header_next(&rest, &name, &value));
	assert_span_equal(name, "subject");
	assert_span_equal(value, "project%20x");
	assert_true(sip_uri_header_next(&rest, &name, &value));
	assert_span_equal(value, "urgent");
	assert_false(sip_uri_header_next(&rest, &name, &value));
}

static void least_uri_has_a_host(void **state)
{
	struct sip_uri uri = parse("sip:pbx");

	assert_null(uri.user.p);
	assert_span_equal(uri.host, "pbx");
	assert_int_equal(sip_uri_port(&uri), 5060);
	assert_int_equal(sip_uri_ttl(&uri), -1);
	uri = parse("sips:pbx");
	assert_int_equal(sip_uri_port(&uri), 5061);
}

/* RFC 3966 §3 */
static void numbers_of_tel_are_users(void **state)
{
	struct sip_uri uri = parse("tel:+1-201-555-0123;phone-context=example.com");
	struct sip_uri other = parse("TEL:+12015550123;phone-context=example.com");
	struct span context;

	assert_int_equal(uri.scheme, SIP_SCHEME_TEL);
	assert_span_equal(uri.user, "+1-201-555-0123");
	assert_true(sip_uri_param(&uri, "phone-context", &context));
	assert_span_equal(context, "example.com");
	assert_true(sip_uri_equal(&uri, &other));
}

static void phones_may_leave_reserved_characters_unescaped(void **state)
{
	assert_span_equal(parse("sip:**21*0123#@pbx").user, "**21*0123#");
	assert_span_equal(parse("sip:[weird]|{}@pbx").user, "[weird]|{}");
	assert_span_equal(parse("sip:under_score@my_pbx").host, "my_pbx");
}

static void what_is_no_uri_is_refused(void **state)
{
	static const char *const bad[] = {"", ":", "sip", "sip:", "sip:@host", "sip:user@", "sip:a b@host", "sip:host:", "sip:h:x",
		"sip:h:65536", "sip:h:99999999999999999999", "sip: h", "sip:h ", " sip:h", "sip:h :5060", "sip:h: 5060", "sip:[::1",
		"sip:[::1]x", "sip:[1.2.3.4]", "sip:[::1%eth0]", "sip:::1", "sip:a@b@c", "sip:h;x y", "sip:h?a b", "sip:<h>", "sip:a\"b@h",
		"5ip:h", "tel:", "tel:12x34", "tel:+1 2", "mailto:", "x:a b", "sip:h\r\nVia: x", "sip:h;a=\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sip_uri uri;

		if (sip_uri_parse(&uri, span_z(bad[i])) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void nul_and_length_are_refused(void **state)
{
	static char text[LIMIT_SIP_URI_BYTES + 1];
	struct sip_uri uri;

	assert_int_equal(sip_uri_parse(&uri, span("sip:a\0b@h", 9)), -TR_EPARSE);
	assert_int_equal(sip_uri_parse(&uri, span("tel:1\0", 6)), -TR_EPARSE);
	memset(text, 'a', sizeof(text));
	memcpy(text, "sip:", 4);
	assert_int_equal(sip_uri_parse(&uri, span(text, sizeof(text))), -TR_ETOOBIG);
	assert_int_equal(sip_uri_parse(&uri, span(text, sizeof(text) - 1)), 0);
}

struct pair {
	const char *a, *b;
};

static bool equal(const char *a, const char *b)
{
	struct sip_uri x = parse(a), y = parse(b);

	assert_int_equal(sip_uri_equal(&x, &y), sip_uri_equal(&y, &x));

	return sip_uri_equal(&x, &y);
}

/* RFC 3261 §19.1.4: its own examples, RFC 5954 §4.2 for IPv6. */
static void equal_uris_are_equal(void **state)
{
	static const struct pair pairs[] = {
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
			"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
			"sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
		{"sip:[2001:db8::9:1]", "sip:[2001:0DB8:0:0:0:0:9:1]"},
		{"isbn:2983792873", "isbn:2983792873"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (!equal(pairs[i].a, pairs[i].b))
			fail_msg("%s is not %s", pairs[i].a, pairs[i].b);
}

/* RFC 3261 §19.1.4 */
static void different_uris_differ(void **state)
{
	static const struct pair pairs[] = {
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
		{"sip:bob@biloxi.com", "sips:bob@biloxi.com"},
		{"sip:bob@biloxi.com", "sip:biloxi.com"},
		{"sip:bob@biloxi.com", "sip:bob:pw@biloxi.com"},
		{"sip:a%40b@h", "sip:a%2540b@h"},
		{"sip:a%3Bb@h", "sip:a;b@h"},
		{"sip:a@h?x=1", "sip:a@h?x=2"},
		{"sip:[2001:db8::1]", "sip:[2001:db8::2]"},
		{"sip:a@h;ttl=1", "sip:a@h"},
		{"tel:+123", "tel:+124"},
		{"tel:+123", "tel:+1234"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (equal(pairs[i].a, pairs[i].b))
			fail_msg("%s equals %s", pairs[i].a, pairs[i].b);
}

static void unescaping_is_bounded(void **state)
{
	char buf[4];
	struct span out;

	assert_int_equal(sip_unescape(SPAN_LIT("a%62%zz"), buf, sizeof(buf), &out), -TR_ETOOBIG);
	assert_int_equal(sip_unescape(SPAN_LIT("%41%4"), buf, sizeof(buf), &out), 0);
	assert_span_equal(out, "A%4");
	assert_int_equal(sip_unescape(SPAN_LIT(""), buf, 0, &out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_is_found),
		cmocka_unit_test(least_uri_has_a_host),
		cmocka_unit_test(numbers_of_tel_are_users),
		cmocka_unit_test(phones_may_leave_reserved_characters_unescaped),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(nul_and_length_are_refused),
		cmocka_unit_test(equal_uris_are_equal),
		cmocka_unit_test(different_uris_differ),
		cmocka_unit_test(unescaping_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
