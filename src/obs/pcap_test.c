/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "obs/pcap.h"

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(span_z(text), 0, &a));

	return a;
}

/* RFC 1071: the sum over what is covered, checksum included, is all ones. */
static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);

	return s;
}

static void a_message_is_a_datagram(void **state)
{
	struct pcap_message m = {.wall_us = INT64_C(1700000000123456), .from = addr("192.0.2.1:5060"), .to = addr("198.51.100.2:5061"),
		.bytes = SPAN_LIT("OPTIONS")};
	uint8_t got[200], *ip = got + 16, *udp = ip + 20;
	uint32_t seconds, micros, length;

	assert_int_equal(pcap_write(&m, got, sizeof(got)), 16 + 20 + 8 + 7);
	memcpy(&seconds, got, 4);
	memcpy(&micros, got + 4, 4);
	memcpy(&length, got + 8, 4);
	assert_int_equal(seconds, 1700000000);
	assert_int_equal(micros, 123456);
	assert_int_equal(length, 35);
	assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_int_equal(sum(udp, 15, sum(ip + 12, 8, 17 + 15)), 0xffff);
	assert_int_equal(udp[0] << 8 | udp[1], 5060);
	assert_int_equal(udp[2] << 8 | udp[3], 5061);
	assert_memory_equal(udp + 8, "OPTIONS", 7);
	assert_int_equal(pcap_write(&m, got, 50), 0);
}

static void ipv6_and_what_does_not_fit(void **state)
{
	static uint8_t got[70000];
	static char large[70000];
	struct pcap_message m = {.from = addr("[2001:db8::1]:1"), .to = addr("[2001:db8::2]:2"), .bytes = span(large, sizeof(large))};
	size_t n = pcap_write(&m, got, sizeof(got));
	uint8_t *ip = got + 16, *udp = ip + 40;

	assert_int_equal(n, 16 + 40 + 8 + PCAP_MESSAGE_MOST);
	assert_int_equal(sum(udp, n - 56, sum(ip + 8, 32, 17 + (uint32_t)(n - 56))), 0xffff);
	m.to = addr("192.0.2.1:1");
	assert_int_equal(pcap_write(&m, got, sizeof(got)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_a_datagram),
		cmocka_unit_test(ipv6_and_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
