/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "net/dns.h"
#include "net/netwatch.h"
#include "net/testdns.h"
#include <arpa/inet.h>

static const struct testdns_record records[] = {
	{"pbx.example", 1, 300, "192.0.2.1"},
	{"pbx.example", 1, 300, "192.0.2.2"},
	{"pbx.example", 28, 300, "2001:db8::1"},
	{"six.example", 28, 300, "2001:db8::6"},
	{"_sip._udp.pbx.example", 33, 60, "10 5 5070 a.pbx.example"},
	{"_sip._udp.pbx.example", 33, 60, "20 0 5071 b.pbx.example"},
	{"_sip._udp.off.example", 33, 60, "0 0 0 ."},
	{"pbx.example", 35, 60, "10 20 s SIP+D2U _sip._udp.pbx.example"},
	{0},
};

static uv_loop_t loop;
static struct testdns server;
static struct dns *dns;

static struct seen {
	unsigned calls;
	int err;
	unsigned count;
	char first[128];
} seen;

static void on_answer(void *ctx, const struct dns_answer *a)
{
	struct seen *s = ctx;
	char text[ADDR_TEXT];

	s->calls++;
	s->err = a->err;
	s->count = a->count;
	if (a->err)
		return;
	if (a->type == DNS_ADDR)
		snprintf(s->first, sizeof(s->first), "%s", addr_ip_text(&a->addrs[0], text));
	else if (a->type == DNS_SRV)
		snprintf(s->first, sizeof(s->first), "%u %u %u %s", a->srvs[0].priority,
			a->srvs[0].weight, a->srvs[0].port, a->srvs[0].target);
	else
		snprintf(s->first, sizeof(s->first), "%u %u %s %s %s", a->naptrs[0].order,
			a->naptrs[0].preference, a->naptrs[0].flags, a->naptrs[0].service,
			a->naptrs[0].replacement);
}

static int setup(void **state)
{
	char name[64];

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(uv_loop_init(&loop), 0);
	testdns_start(&server, &loop, records, name);
	assert_int_equal(dns_new(&loop, name, &dns), 0);

	return 0;
}

static int teardown(void **state)
{
	dns = dns_close(dns);
	testdns_stop(&server);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);

	return 0;
}

static void look(enum dns_type type, const char *name)
{
	unsigned before = seen.calls;

	dns_lookup(dns, type, span_z(name), on_answer, &seen);
	while (seen.calls == before)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(seen.calls, before + 1);
}

static void each_type_is_read(void **state)
{
	look(DNS_ADDR, "pbx.example");
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.count, 3);
	assert_true(strncmp(seen.first, "192.0.2.", 8) == 0);
	look(DNS_ADDR, "six.example.");
	assert_string_equal(seen.first, "2001:db8::6");
	look(DNS_SRV, "_SIP._udp.PBX.example");
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.first, "10 5 5070 a.pbx.example");
	look(DNS_NAPTR, "pbx.example");
	assert_string_equal(seen.first, "10 20 s SIP+D2U _sip._udp.pbx.example");
}

/* A burst of calls to one name is one question; then the answer is there before the function
 * returns. */
static void questions_are_shared_and_kept(void **state)
{
	for (unsigned i = 0; i < 50; i++)
		dns_lookup(dns, DNS_SRV, SPAN_LIT("_sip._udp.pbx.example"), on_answer, &seen);
	assert_int_equal(seen.calls, 0);
	while (seen.calls < 50)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(server.queries, 1);
	dns_lookup(dns, DNS_SRV, SPAN_LIT("_sip._udp.pbx.EXAMPLE."), on_answer, &seen);
	assert_int_equal(seen.calls, 51);
	assert_int_equal(server.queries, 1);

	struct dns_stats stats;

	dns_stats(dns, &stats);
	assert_int_equal(stats.queries, 1);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.live_waiting, 0);
}

/* RFC 2308: that there is nothing is worth knowing too. RFC 2782: a target of "." means not
 * offered. */
static void negative_answers_are_kept(void **state)
{
	look(DNS_SRV, "_sip._tcp.pbx.example");
	assert_int_equal(seen.err, -TR_ENOTFOUND);
	look(DNS_SRV, "_sip._tcp.pbx.example");
	assert_int_equal(server.queries, 1);
	look(DNS_SRV, "_sip._udp.off.example");
	assert_int_equal(seen.err, -TR_ENOTFOUND);
	look(DNS_ADDR, "nothing.example.");
	assert_int_equal(seen.err, -TR_ENOTFOUND);
	look(DNS_ADDR, "");
	assert_int_equal(seen.err, -TR_ENOTFOUND);
}

static void failures_are_failures(void **state)
{
	server.mood = TESTDNS_SERVFAIL;
	look(DNS_SRV, "_sip._udp.pbx.example");
	assert_int_equal(seen.err, -TR_EDNS);

	/* A change of network makes it worth asking again. */
	server.mood = TESTDNS_WELL;
	look(DNS_SRV, "_sip._udp.pbx.example");
	assert_int_equal(seen.err, -TR_EDNS);
	dns_reload(dns);
	look(DNS_SRV, "_sip._udp.pbx.example");
	assert_int_equal(seen.err, 0);
}

static void cancelled_and_closed_are_never_called(void **state)
{
	dns_lookup(dns, DNS_ADDR, SPAN_LIT("pbx.example"), on_answer, &seen);
	dns_cancel(dns, &seen);

	struct seen other = {0};

	dns_lookup(dns, DNS_ADDR, SPAN_LIT("pbx.example"), on_answer, &other);
	while (!other.calls)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(seen.calls, 0);

	server.mood = TESTDNS_SILENT;
	dns_lookup(dns, DNS_SRV, SPAN_LIT("_sip._udp.silent.example"), on_answer, &seen);
	dns = dns_close(dns);
	for (unsigned i = 0; i < 5; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(seen.calls, 0);
}

static void servers_that_make_no_sense_are_refused(void **state)
{
	struct dns *d = NULL;

	assert_int_equal(dns_new(&loop, "not an address", &d), -TR_ECONFIG);
	assert_null(d);
}

static void the_local_address_is_known(void **state)
{
	struct addr peer, local = {0};
	char text[ADDR_TEXT];

	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &peer));
	assert_int_equal(net_local_addr(&peer, &local), 0);
	assert_string_equal(addr_text(&local, text), "127.0.0.1:0");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_type_is_read),
		TEST(questions_are_shared_and_kept),
		TEST(negative_answers_are_kept),
		TEST(failures_are_failures),
		TEST(cancelled_and_closed_are_never_called),
		TEST(servers_that_make_no_sense_are_refused),
		TEST(the_local_address_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
