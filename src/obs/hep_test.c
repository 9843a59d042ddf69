/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "obs/hep.h"
#include <sys/socket.h>
#include <unistd.h>

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(span_z(text), 0, &a));

	return a;
}

/* The layout that the specification gives, byte by byte. */
static void ipv4_as_specified(void **state)
{
	static const uint8_t want[] = {'H', 'E', 'P', '3', 0, 113, 0, 0, 0, 1, 0, 7, 2, 0, 0, 0, 2, 0, 7, 0x11, 0, 0, 0, 3, 0, 10, 192, 0, 2, 1,
		0, 0, 0, 4, 0, 10, 192, 0, 2, 2, 0, 0, 0, 7, 0, 8, 0x13, 0xc4, 0, 0, 0, 8, 0, 8, 0x13, 0xc4, 0, 0, 0, 9, 0, 10, 0x65, 0, 0, 0,
		0, 0, 0, 10, 0, 10, 0, 1, 0xd4, 0xc0, 0, 0, 0, 11, 0, 7, 1, 0, 0, 0, 12, 0, 10, 0, 0, 7, 0xd1, 0, 0, 0, 15, 0, 20, 'O', 'P', 'T',
		'I', 'O', 'N', 'S', ' ', 's', 'i', 'p', ':', 'x', ' '};
	struct hep_sender sender = {.agent_id = 2001};
	struct hep_message m = {.wall_us = INT64_C(0x65000000) * 1000000 + 120000, .is_datagram = true, .from = addr("192.0.2.1:5060"),
		.to = addr("192.0.2.2:5060"), .bytes = SPAN_LIT("OPTIONS sip:x ")};
	uint8_t got[200];

	assert_int_equal(hep_write(&sender, HEP_SIP, &m, got, sizeof(got)), sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	for (size_t cap = 0; cap < sizeof(want); cap++)
		assert_int_equal(hep_write(&sender, HEP_SIP, &m, got, cap), 0);
}

static void reports_carry_the_call_id(void **state)
{
	struct hep_sender sender = {.agent_id = 1, .key = "secret", .name = "office"};
	struct hep_message m = {.from = addr("[2001:db8::1]:10000"), .to = addr("[2001:db8::2]:20000"), .correlation = SPAN_LIT("call@x"),
		.bytes = SPAN_LIT("{}")};
	uint8_t got[300];
	size_t n = hep_write(&sender, HEP_QUALITY, &m, got, sizeof(got));

	assert_true(n > 0);
	assert_non_null(memmem(got, n, "\0\0\0\021\0\014call@x", 12));
	assert_non_null(memmem(got, n, "\0\0\0\016\0\014secret", 12));
	assert_non_null(memmem(got, n, "\0\0\0\023\0\014office", 12));
	m.to = addr("192.0.2.2:5060");
	assert_int_equal(hep_write(&sender, HEP_QUALITY, &m, got, sizeof(got)), 0);
}

static void it_is_sent_to_the_collector(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	struct hep_params params = {.sender = {.agent_id = 7}};
	struct hep_message m = {.from = addr("192.0.2.1:1"), .to = addr("192.0.2.2:2"), .bytes = SPAN_LIT("SIP/2.0 200 OK")};
	struct hep *h;
	char got[300];

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &params.server));
	assert_int_equal(hep_new(&params, &h), 0);
	hep_send(h, HEP_SIP, &m);
	assert_true(recv(fd, got, sizeof(got), 0) > 90);
	assert_memory_equal(got, "HEP3", 4);
	assert_int_equal(hep_lost(h), 0);
	hep_free(h);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_as_specified),
		cmocka_unit_test(reports_carry_the_call_id),
		cmocka_unit_test(it_is_sent_to_the_collector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
