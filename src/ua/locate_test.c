/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/testdns.h"
#include "ua/locate.h"
#include <arpa/inet.h>

static const struct testdns_record records[] = {
	{"plain.example", 1, 300, "192.0.2.1"},
	{"plain.example", 28, 300, "2001:db8::1"},
	{"a.example", 1, 300, "192.0.2.10"},
	{"b.example", 1, 300, "192.0.2.11"},
	{"c.example", 1, 300, "192.0.2.12"},
	{"c.example", 1, 300, "192.0.2.13"},
	{"_sip._udp.srv.example", 33, 300, "20 0 5071 c.example"},
	{"_sip._udp.srv.example", 33, 300, "10 0 5070 a.example"},
	{"_sip._udp.srv.example", 33, 300, "10 0 5072 gone.example"},
	{"_sip._udp.weights.example", 33, 300, "10 70 5060 a.example"},
	{"_sip._udp.weights.example", 33, 300, "10 30 5060 b.example"},
	{"_sip._tcp.tcponly.example", 33, 300, "10 1 5090 a.example"},
	{"naptr.example", 35, 300, "10 10 s SIPS+D2T _sips._tcp.srv.example"},
	{"naptr.example", 35, 300, "20 20 s SIP+D2U _sip._udp.srv.example"},
	{"naptr.example", 35, 300, "20 10 s SIP+D2T _sip._tcp.tcponly.example"},
	{0},
};

static uv_loop_t loop;
static struct testdns server;
static struct dns *dns;
static struct addr avoided;

static struct {
	unsigned calls;
	int err;
	enum sip_transport transport;
	char target[ADDR_TEXT];
} seen;

static void on_target(void *ctx, int err, enum sip_transport transport, const struct addr *target)
{
	seen.calls++;
	seen.err = err;
	seen.transport = transport;
	seen.target[0] = 0;
	if (!err)
		addr_text(target, seen.target);
}

static bool is_avoided(void *ctx, const struct addr *target)
{
	return addr_eq(target, &avoided);
}

static int setup(void **state)
{
	char name[64];

	memset(&avoided, 0, sizeof(avoided));
	assert_int_equal(uv_loop_init(&loop), 0);
	testdns_start(&server, &loop, records, name);
	assert_int_equal(dns_new(&loop, name, &dns), 0);

	return 0;
}

static int teardown(void **state)
{
	dns_close(dns);
	testdns_stop(&server);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);

	return 0;
}

static struct locate *start(const char *host, uint16_t port, enum sip_transport t, uint64_t seed)
{
	struct locate *l = NULL;
	struct locate_params p = {
		.dns = dns,
		.host = span_z(host),
		.port = port,
		.transport = t,
		.transports = 1u << SIP_UDP | 1u << SIP_TCP,
		.has_v4 = true,
		.is_avoided = is_avoided,
		.seed = seed,
	};

	assert_int_equal(locate_new(&p, &l), 0);

	return l;
}

static void next(struct locate *l)
{
	unsigned before = seen.calls;

	locate_next(l, on_target, NULL);
	while (seen.calls == before)
		uv_run(&loop, UV_RUN_ONCE);
}

static void assert_next(struct locate *l, const char *want)
{
	next(l);
	assert_int_equal(seen.err != 0, want == NULL);
	if (want)
		assert_string_equal(seen.target, want);
}

/* RFC 3263 §4.2: a literal needs no question, a port or no SRV means addresses. */
static void literals_and_ports_take_the_short_way(void **state)
{
	struct locate *l = start("192.0.2.99", 0, SIP_UDP, 1);

	locate_next(l, on_target, NULL);
	assert_string_equal(seen.target, "192.0.2.99:5060");
	assert_next(l, NULL);
	locate_free(l);

	l = start("2001:db8::9", 5080, SIP_TCP, 1);
	assert_next(l, "[2001:db8::9]:5080");
	locate_free(l);
	assert_int_equal(server.queries, 0);

	l = start("plain.example", 5099, SIP_UDP, 1);
	assert_next(l, "192.0.2.1:5099");
	assert_next(l, NULL); /* its IPv6 address is of no use to us */
	locate_free(l);
	assert_int_equal(server.queries, 2);

	l = start("plain.example", 0, SIP_UDP, 1);
	assert_next(l, "192.0.2.1:5060");
	locate_free(l);
	assert_int_equal(server.queries, 3);
}

/* RFC 3263 §4.3, RFC 2782: priorities in order, each with all its addresses; targets without
 * address are passed over. */
static void targets_come_by_priority(void **state)
{
	struct locate *l = start("srv.example", 0, SIP_UDP, 7);

	assert_next(l, "192.0.2.10:5070");
	assert_true(locate_has_more(l));
	next(l);

	char first[ADDR_TEXT];

	memcpy(first, seen.target, sizeof(first));
	assert_true(strcmp(first, "192.0.2.12:5071") == 0 || strcmp(first, "192.0.2.13:5071") == 0);
	next(l);
	assert_string_not_equal(seen.target, first);
	assert_next(l, NULL);
	assert_false(locate_has_more(l));
	locate_free(l);
}

static void avoided_targets_come_last(void **state)
{
	struct locate *l;

	assert_true(addr_parse(SPAN_LIT("192.0.2.10:5070"), 0, &avoided));
	l = start("srv.example", 0, SIP_UDP, 7);
	next(l);
	assert_true(strstr(seen.target, ":5071") != NULL);
	locate_free(l);

	assert_true(addr_parse(SPAN_LIT("192.0.2.1:5060"), 0, &avoided));
	l = start("plain.example", 5060, SIP_UDP, 7);
	assert_next(l, "192.0.2.1:5060"); /* there is no other */
	assert_next(l, NULL);
	locate_free(l);
}

/* RFC 2782: 70 to 30, within five standard deviations; and the same seed always draws the same. */
static void weights_share_the_load(void **state)
{
	uint64_t seed = test_seed();
	unsigned a = 0, n = 2000;

	for (unsigned i = 0; i < n; i++) {
		uint64_t branch = (uint64_t)prng_u32(&seed) << 32 | prng_u32(&seed);
		char first[ADDR_TEXT];
		struct locate *l = start("weights.example", 0, SIP_UDP, branch);

		next(l);
		memcpy(first, seen.target, sizeof(first));
		a += strcmp(first, "192.0.2.10:5060") == 0;
		locate_free(l);

		l = start("weights.example", 0, SIP_UDP, branch);
		assert_next(l, first);
		locate_free(l);
	}
	assert_in_range(a, 1400 - 103, 1400 + 103);
}

/* RFC 3263 §4.1: NAPTR by order and preference among what we can; TLS is not. */
static void naptr_chooses_the_transport(void **state)
{
	struct locate *l = start("naptr.example", 0, SIP_TRANSPORT_UNKNOWN, 1);

	assert_next(l, "192.0.2.10:5090");
	assert_int_equal(seen.transport, SIP_TCP);
	locate_free(l);

	l = start("tcponly.example", 0, SIP_TRANSPORT_UNKNOWN, 1);
	assert_next(l, "192.0.2.10:5090");
	assert_int_equal(seen.transport, SIP_TCP);
	locate_free(l);

	l = start("plain.example", 0, SIP_TRANSPORT_UNKNOWN, 1);
	assert_next(l, "192.0.2.1:5060");
	assert_int_equal(seen.transport, SIP_UDP);
	locate_free(l);
}

static void failures_are_told(void **state)
{
	struct locate *l = start("nowhere.example.", 5060, SIP_UDP, 1);

	assert_next(l, NULL);
	assert_int_equal(seen.err, -TR_ENOTFOUND);
	locate_free(l);

	server.mood = TESTDNS_SERVFAIL;
	l = start("b.example", 0, SIP_UDP, 1);
	assert_next(l, NULL);
	assert_int_equal(seen.err, -TR_EDNS);
	locate_free(l);

	/* Freed while it waits. */
	server.mood = TESTDNS_SILENT;
	l = start("c.example", 0, SIP_UDP, 1);
	seen.calls = 0;
	locate_next(l, on_target, NULL);
	locate_free(l);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(seen.calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(literals_and_ports_take_the_short_way),
		TEST(targets_come_by_priority),
		TEST(avoided_targets_come_last),
		TEST(weights_share_the_load),
		TEST(naptr_chooses_the_transport),
		TEST(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
