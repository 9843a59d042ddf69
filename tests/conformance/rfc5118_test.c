/* SPDX-License-Identifier: Apache-2.0 */
#include "message_file.h"

/* RFC 5118 §4: the IPv6 torture messages, written after its descriptions. */

static struct message_file file;

static void judge(const char *name, enum outcome outcome)
{
	message_read(&file, "ipv6", name);
	message_judge(&file);
	if (file.outcome != outcome)
		fail_msg("%s: outcome %d, %s", name, (int)file.outcome, file.error.text ? file.error.text : "no error");
}

static struct sip_name_addr contact(void)
{
	struct sip_name_addr addr;

	assert_int_equal(sip_name_addr_parse(&addr, sip_msg_value(&file.msg, SIP_HDR_CONTACT)), 0);

	return addr;
}

/* RFC 5118 §4.1 */
static void reference_is_taken_apart(void **state)
{
	judge("ipv6-good", ACCEPTED);
	assert_true(file.msg.uri.is_ipv6);
	assert_span_equal(file.msg.uri.host, "2001:db8::10");
	assert_int_equal(file.msg.uri.port, 0);
	assert_true(file.msg.via.is_ipv6);
	assert_span_equal(file.msg.via.host, "2001:db8::9:1");
	assert_span_equal(contact().uri.host, "2001:db8::1");
	assert_span_equal(contact().uri.user, "caller");
}

/* RFC 5118 §4.2 */
static void address_without_brackets_is_refused(void **state)
{
	judge("ipv6-bad", ANSWERED);
	assert_int_equal(file.error.status, 400);
}

/* RFC 5118 §4.3: what looks like a port is part of the address. */
static void port_inside_of_brackets_is_none(void **state)
{
	judge("port-ambiguous", ACCEPTED);
	assert_span_equal(file.msg.uri.host, "2001:db8::10:5070");
	assert_int_equal(file.msg.uri.port, 0);
	assert_int_equal(sip_uri_port(&file.msg.uri), 5060);
}

/* RFC 5118 §4.4 */
static void port_behind_brackets_is_one(void **state)
{
	judge("port-unambiguous", ACCEPTED);
	assert_span_equal(file.msg.uri.host, "2001:db8::10");
	assert_int_equal(file.msg.uri.port, 5070);
}

/* RFC 5118 §4.5 */
static void received_has_brackets_or_not(void **state)
{
	judge("via-received-with-delim", ACCEPTED);
	assert_span_equal(file.msg.via.received, "2001:db8::9:255");
	judge("via-received-no-delim", ACCEPTED);
	assert_span_equal(file.msg.via.received, "2001:db8::9:255");
	assert_span_equal(file.msg.via.branch, "z9hG4bKas3");
}

/* RFC 5118 §4.6 */
static void body_with_ipv6_is_whole(void **state)
{
	judge("ipv6-in-sdp", ACCEPTED);
	assert_int_equal((int64_t)file.msg.body.n, file.msg.content_length);
	assert_true(file.msg.to_tag.p == NULL);
}

/* RFC 5118 §4.7 */
static void both_families_in_via(void **state)
{
	struct sip_list it;
	struct sip_via via;
	struct span value;

	judge("mult-ip-in-header", ACCEPTED);
	assert_int_equal(file.msg.via.port, 6050);
	sip_list_init(&it, &file.msg, SIP_HDR_VIA);
	assert_true(sip_list_next(&it, &value));
	assert_true(sip_list_next(&it, &value));
	assert_int_equal(sip_via_parse(&via, value), 0);
	assert_false(via.is_ipv6);
	assert_span_equal(via.host, "192.0.2.1");
}

/* RFC 5118 §4.8 */
static void both_families_in_body(void **state)
{
	judge("mult-ip-in-sdp", ACCEPTED);
	assert_span_equal(file.msg.uri.host, "2001:db8::10");
}

/* RFC 5118 §4.9 */
static void mapped_addresses_are_addresses(void **state)
{
	judge("ipv4-mapped-ipv6", ACCEPTED);
	assert_span_equal(file.msg.via.host, "::ffff:192.0.2.10");
	assert_int_equal(file.msg.via.port, 19823);
	assert_span_equal(contact().uri.host, "::ffff:192.0.2.2");
	assert_true(sip_host_equal(contact().uri.host, SPAN_LIT("0:0:0:0:0:FFFF:c000:0202")));
}

/* RFC 5118 §4.10: three colons came of a fault in RFC 3261's grammar, which RFC 5954 §4.1 has corrected. */
static void three_colons_are_refused(void **state)
{
	judge("ipv6-bug-abnf-3-colons", ANSWERED);
	assert_int_equal(file.error.status, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_is_taken_apart),
		cmocka_unit_test(address_without_brackets_is_refused),
		cmocka_unit_test(port_inside_of_brackets_is_none),
		cmocka_unit_test(port_behind_brackets_is_one),
		cmocka_unit_test(received_has_brackets_or_not),
		cmocka_unit_test(body_with_ipv6_is_whole),
		cmocka_unit_test(both_families_in_via),
		cmocka_unit_test(both_families_in_body),
		cmocka_unit_test(mapped_addresses_are_addresses),
		cmocka_unit_test(three_colons_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
