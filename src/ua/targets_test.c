/* SPDX-License-Identifier: Apache-2.0 */
#include "net/testdns.h"
#include "ua/ua.h"

static const struct testdns_record records[] = {
	{"_sip._udp.pbx.example", 33, 300, "20 0 5070 b.example"},
	{"_sip._udp.pbx.example", 33, 300, "10 0 5060 a.example"},
	{"a.example", 1, 300, "127.0.0.44"},
	{"b.example", 1, 300, "127.0.0.45"},
	{"b.example", 1, 300, "127.0.0.46"},
	{0},
};

static struct {
	unsigned calls, count;
	int err;
	char text[LIMIT_UA_TARGETS][ADDR_TEXT];
	uint16_t priority[LIMIT_UA_TARGETS];
} got;

static void on_targets(void *ctx, int err, const struct ua_target *targets, unsigned count)
{
	got.calls++;
	got.err = err;
	got.count = count;
	for (unsigned i = 0; i < count; i++) {
		addr_text(&targets[i].addr, got.text[i]);
		got.priority[i] = targets[i].priority;
	}
}

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
}

/* Asked twice: over the network, then from the cache, where everything happens before the call returns. */
static void all_targets_come_in_order(void **state)
{
	struct sip_dest dest = {.transport = SIP_UDP, .host = SPAN_LIT("pbx.example")};
	struct sip_stack_params sp = {.on_event = on_event, .seed = {1}, .user_agent = SPAN_LIT("t")};
	struct ua_listen listen = {.transport = SIP_UDP};
	struct testdns server;
	struct sip_stack *stack;
	struct ua *ua;
	uv_loop_t loop;
	char name[64];

	assert_int_equal(uv_loop_init(&loop), 0);
	testdns_start(&server, &loop, records, name);
	assert_true(addr_parse(SPAN_LIT("127.0.0.1:0"), 0, &listen.addr));
	assert_int_equal(sip_stack_new(&stack, &sp, clock_ms()), 0);

	struct ua_params up = {.loop = &loop, .stack = stack, .listens = &listen, .listen_count = 1, .dns_servers = name};

	assert_int_equal(ua_new(&up, &ua, NULL), 0);
	for (unsigned round = 1; round <= 2; round++) {
		assert_int_equal(ua_resolve_all(ua, &dest, on_targets, &got), 0);
		while (got.calls < round)
			uv_run(&loop, UV_RUN_ONCE);
		assert_int_equal(got.err, 0);
		assert_int_equal(got.count, 3);
		assert_string_equal(got.text[0], "127.0.0.44:5060");
		assert_string_equal(got.text[1], "127.0.0.45:5070");
		assert_string_equal(got.text[2], "127.0.0.46:5070");
		assert_int_equal(got.priority[0], 10);
		assert_int_equal(got.priority[2], 20);
	}

	dest.host = SPAN_LIT("nobody.example");
	assert_int_equal(ua_resolve_all(ua, &dest, on_targets, &got), 0);
	while (got.calls < 3)
		uv_run(&loop, UV_RUN_ONCE);
	assert_true(got.err < 0 && got.count == 0);

	/* what is asked when it closes is forgotten */
	server.mood = TESTDNS_SILENT;
	dest.host = SPAN_LIT("later.example");
	assert_int_equal(ua_resolve_all(ua, &dest, on_targets, &got), 0);
	ua_resolve_all_cancel(ua, &got);
	assert_int_equal(ua_resolve_all(ua, &dest, on_targets, &got), 0);
	ua_close(ua);
	testdns_stop(&server);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(got.calls, 3);
	sip_stack_free(stack);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_targets_come_in_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
