/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_lab.h"

static void a_call_over_udp(void **state)
{
	side_open(&us, "127.0.0.1:0", NULL);
	side_open(&peer, "127.0.0.1:0", NULL);

	struct sip_session *s = call(at_peer(0, ""), SIP_UDP, NULL);

	pump(peer.confirmed);
	assert_int_equal(us.answered, 1);
	assert_string_equal(peer.transport_in, "UDP");
	sip_session_hangup(s, (struct span){0},
		clock_ms()); /* no one told the ua: it looks before each poll */
	pump(peer.ended && us.ended);
	assert_int_equal(peer.cause, SIP_CAUSE_REMOTE);
	/* INVITE, 200, ACK, BYE, 200; a 100 may be among them. */
	assert_in_range(us.traced_in + us.traced_out, 5, 6);
	assert_int_equal(us.traced_out, peer.traced_in);
	assert_int_equal(stats_of(&us).send_errors, 0);
}

static void a_call_over_ipv6(void **state)
{
	struct addr v6, local;

	assert_true(addr_parse_ip(SPAN_LIT("::1"), 0, &v6));
	side_open(&us, "[::]:0", NULL);
	if (ua_local_addr(us.ua, SIP_UDP, &v6, &local)) {
		side_close(&us);
		skip();
	}
	side_open(&peer, "[::1]:0", NULL);

	char uri[64];

	snprintf(uri, sizeof(uri), "sip:bob@[::1]:%u", port_of(&peer, 0));
	call(uri, SIP_UDP, NULL);
	pump(peer.confirmed && us.answered);
}

/*
 * RFC 3261 §18.1.1: one connection serves all requests to a peer, and the peer's in their
 * dialogs.
 */
static void tcp_connections_are_reused(void **state)
{
	side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
	side_open(&peer, NULL, "127.0.0.1:0");

	struct sip_session *sessions[3];

	for (unsigned i = 0; i < 3; i++)
		sessions[i] = call(at_peer(0, ";transport=tcp"), SIP_TCP, NULL);
	pump(peer.confirmed == 3);
	assert_string_equal(peer.transport_in, "TCP");
	for (unsigned i = 0; i < 3; i++)
		sip_session_hangup(sessions[i], (struct span){0}, clock_ms());
	pump(peer.ended == 3 && us.ended == 3);
	assert_int_equal(stats_of(&us).conns_out, 1);
	assert_int_equal(stats_of(&us).conns_in, 0);
	assert_int_equal(stats_of(&peer).conns_in, 1);
	assert_int_equal(stats_of(&peer).conns_out, 0);
}

/* RFC 3261 §18.1.1: a request that is large for UDP tries TCP; nobody listens there, so it goes
 * over UDP after all. */
static void large_requests_fall_back_to_udp(void **state)
{
	static char headers[2000];

	memset(headers, 'x', sizeof(headers));
	memcpy(headers, "X-Large: ", 9);
	memcpy(headers + sizeof(headers) - 3, "\r\n", 3);
	side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
	side_open(&peer, "127.0.0.1:0", NULL);
	call(at_peer(0, ""), SIP_UDP, headers);
	pump(peer.confirmed);
	assert_string_equal(peer.transport_in, "UDP");
	assert_int_equal(stats_of(&us).connect_failures, 1);
}

/* A port nobody listens on refuses at once, by RST or by ICMP (RFC 3261 §18.4). */
static void refusals_fail_the_call(void **state)
{
	static const enum sip_transport transports[] = {SIP_UDP, SIP_TCP};

	for (unsigned i = 0; i < 2; i++) {
		char uri[64];
		uint16_t port;

		side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
		side_open(&peer, "127.0.0.1:0", "127.0.0.1:0");
		port = port_of(&peer, i);
		side_close(&peer);
		turns(3);
		snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u", port);
		call(uri, transports[i], NULL);
		pump(us.ended);
		assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
		side_close(&us);
	}
}

/* --- framing --- */

/* RFC 3261 §18.3: cut at every byte. */
static void messages_are_found_wherever_they_are_cut(void **state)
{
	side_open(&us, NULL, "127.0.0.1:0");

	int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, 0));
	size_t n = options_text(1000, "TCP").n;
	struct addr local;

	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &local));
	ua_trust(us.ua, &local);
	for (unsigned k = 1; k < n; k++) {
		struct span s = options_text(1000 + k, "TCP");

		send_all(fd, span(s.p, k));
		turns(2);
		send_all(fd, span(s.p + k, s.n - k));
		expect(fd, "SIP/2.0 200");
	}

	/* Several at once, one byte at a time, and a keep-alive between (RFC 5626 §4.4.1). */
	char three[2048];
	size_t at = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct span s = options_text(i, "TCP");

		memcpy(three + at, s.p, s.n);
		at += s.n;
	}
	memcpy(three + at, "\r\n\r\n", 4);
	at += 4;

	int got = 0;

	for (size_t i = 0; i < at; i++) {
		send_all(fd, span(three + i, 1));
		turns(1);
		got += count_arrived(fd, "SIP/2.0 200");
	}
	send_all(fd, options_text(9, "TCP"));
	pump((got += count_arrived(fd, "SIP/2.0 200")) == 4);
	assert_int_equal(stats_of(&us).tcp_in, n - 1 + 4);
	assert_int_equal(stats_of(&us).keepalives_in, 1);
	assert_int_equal(stats_of(&us).framing_errors, 0);
	close(fd);
}

static void streams_that_are_not_sip_are_closed(void **state)
{
	side_open(&us, NULL, "127.0.0.1:0");

	int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, 0));

	send_all(fd, SPAN_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	pump(count_arrived(fd, "x") == -1);
	assert_int_equal(stats_of(&us).tcp_in, 0);
	assert_int_equal(stats_of(&us).live_conns, 0);
	assert_int_equal(us.refused, 1);
	close(fd);
}

/* A peer that asks and never reads: its answers are kept up to the limit, then it is gone. */
static void connections_that_are_not_read_are_closed(void **state)
{
	struct addr local;
	unsigned sent = 0;

	side_open(&us, NULL, "127.0.0.1:0");
	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &local));
	ua_trust(us.ua, &local);

	int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, 0));

	while (stats_of(&us).conn_overflows == 0) {
		struct span s = options_text(sent++, "TCP");

		if (send(fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)s.n)
			break; /* half a message: the stream is of no more use */
		if (sent % 16 == 0)
			turns(1);
	}
	pump(stats_of(&us).conn_overflows == 1);
	assert_int_equal(stats_of(&us).live_conns, 0);
	close(fd);
}

static void idle_connections_are_closed(void **state)
{
	tweak.idle_ms = 20;
	side_open(&us, NULL, "127.0.0.1:0");

	int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, 0));

	send_all(fd, options_text(1, "TCP"));
	expect(fd, "SIP/2.0 200");
	pump(count_arrived(fd, "x") == -1);
	assert_int_equal(stats_of(&us).live_conns, 0);
	close(fd);
}

static void connecting_does_not_wait_forever(void **state)
{
	char uri[64];
	int fds[8];

	tweak.connect_ms = 30;
	side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u", silent_port(fds));
	call(uri, SIP_TCP, NULL);
	pump(us.ended);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
	assert_int_equal(stats_of(&us).connect_failures, 1);
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
}

/* --- admission --- */

/* Packets that waited longer than the bound, window after window. Only a stall of ours can make the
 * delay longer than we make it. */
static void a_loop_that_lags_says_so(void **state)
{
	tweak.overload_ms = 1;
	side_open(&us, "127.0.0.1:0", NULL);

	int fd = client(SOCK_DGRAM, "127.0.0.1", port_of(&us, 0));

	assert_false(ua_is_overloaded(us.ua));
	for (unsigned i = 0; i < 4; i++) {
		send_all(fd, options_text(i, "UDP"));
		for (int64_t until = clock_us() + 110000; clock_us() < until;)
			; /* the loop is busy with something else */
		turns(2);
	}
	assert_true(ua_is_overloaded(us.ua));
	assert_true(ua_queue_delay_us(us.ua) >= 100000);
	for (int64_t until = clock_us() + 310000; clock_us() < until;)
		turns(1);
	assert_false(ua_is_overloaded(us.ua));
	close(fd);
}

static void junk_is_dropped_without_an_answer(void **state)
{
	uint64_t seed = test_seed();
	char junk[300];

	side_open(&us, "127.0.0.1:0", NULL);

	int fd = client(SOCK_DGRAM, "127.0.0.1", port_of(&us, 0));

	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned k = 0; k < sizeof(junk); k++)
			junk[k] = (char)prng_u32(&seed);
		junk[0] = 'S'; /* the first letter is not enough */
		send_all(fd, span(junk, 5 + i % (sizeof(junk) - 4)));
		if (i % 16 == 0)
			turns(1);
	}
	pump(stats_of(&us).junk == 1000);
	assert_int_equal(us.traced_out, 0);
	assert_int_equal(us.refused, 1000);
	send_all(fd, SPAN_LIT("\r\n\r\n"));
	send_all(fd, options_text(1, "UDP"));
	expect(fd, "SIP/2.0 200");
	assert_int_equal(stats_of(&us).keepalives_in, 1);
	close(fd);
}

static void strangers_are_limited_and_friends_are_not(void **state)
{
	struct addr local;

	tweak.limit_loopback = true;
	side_open(&us, "127.0.0.1:0", NULL);

	int fd = client(SOCK_DGRAM, "127.0.0.1", port_of(&us, 0));

	for (unsigned i = 0; i < 600; i++) {
		send_all(fd, options_text(i, "UDP"));
		if (i % 16 == 0)
			turns(1);
	}
	pump(stats_of(&us).udp_in + stats_of(&us).rate_limited == 600);
	assert_true(stats_of(&us).rate_limited > 0);

	uint64_t limited = stats_of(&us).rate_limited, taken = stats_of(&us).udp_in;

	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &local));
	ua_trust(us.ua, &local);
	for (unsigned i = 0; i < 600; i++) {
		send_all(fd, options_text(1000 + i, "UDP"));
		if (i % 16 == 0)
			turns(1);
	}
	pump(stats_of(&us).udp_in == taken + 600);
	assert_int_equal(stats_of(&us).rate_limited, limited);
	close(fd);
}

/* No descriptor left: counted, no spinning, and the connection that waited is served when there is
 * one again. */
static void running_out_of_descriptors_is_survived(void **state)
{
	struct rlimit old, tight;

	side_open(&us, NULL, "127.0.0.1:0");
	turns(3);

	int fd = client(SOCK_STREAM, "127.0.0.1", port_of(&us, 0));

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	pump(stats_of(&us).accept_emfile == 1);
	turns(200);
	assert_in_range(stats_of(&us).accept_emfile, 1, 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	send_all(fd, options_text(1, "TCP"));
	expect(fd, "SIP/2.0 200");
	assert_int_equal(stats_of(&us).conns_in, 1);
	close(fd);
}

static void opening_without_descriptors_fails_the_call(void **state)
{
	struct rlimit old, tight;

	side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
	side_open(&peer, NULL, "127.0.0.1:0");
	turns(3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = 3;
	call(at_peer(0, ""), SIP_TCP, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	pump(us.ended);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
	assert_int_equal(peer.incoming, 0);
}

/* --- addresses --- */

/* A listener on all addresses answers from the one that was asked, and says so. */
static void answers_come_from_the_address_that_was_asked(void **state)
{
	struct addr far, local;
	char text[ADDR_TEXT];

	side_open(&us, "0.0.0.0:0", NULL);

	int fd = client(SOCK_DGRAM, "127.0.0.77", port_of(&us, 0)); /* hears only 127.0.0.77 */

	send_all(fd, options_text(1, "UDP"));
	expect(fd, "SIP/2.0 200");
	close(fd);

	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.99"), 5060, &far));
	assert_int_equal(ua_local_addr(us.ua, SIP_UDP, &far, &local), 0);
	assert_true(addr_is_loopback(&local));
	assert_int_equal(addr_port(&local), port_of(&us, 0));
	assert_int_equal(ua_local_addr(us.ua, SIP_TCP, &far, &local), -TR_ETRANSPORT);

	/* A call to that listener learns the same. */
	char uri[64];
	uint16_t port;

	side_close(&us);
	side_open(&peer, "0.0.0.0:0", NULL);
	side_open(&us, "127.0.0.1:0", NULL);
	port = port_of(&peer, 0);
	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.55:%u", port);
	call(uri, SIP_UDP, NULL);
	pump(peer.confirmed);
	snprintf(text, sizeof(text), "127.0.0.55:%u", port);
	assert_string_equal(peer.last_local, text);
}

static void a_taken_port_is_named(void **state)
{
	struct sip_stack_params sp = {.on_event = on_event, .ctx = &us};
	struct sip_stack *stack = NULL;
	struct ua *second = NULL;
	unsigned bad = 99;

	side_open(&us, "127.0.0.1:0", NULL);

	struct ua_listen listens[] = {
		{.transport = SIP_TCP}, {.transport = SIP_UDP, .addr = ua_listen_addr(us.ua, 0)}};

	assert_true(addr_parse(SPAN_LIT("127.0.0.1:0"), 0, &listens[0].addr));
	assert_int_equal(sip_stack_new(&stack, &sp, clock_ms()), 0);

	struct ua_params up = {.loop = &loop,
		.stack = stack,
		.listens = listens,
		.listen_count = 2,
		.dns_servers = dns_name};

	assert_int_equal(ua_new(&up, &second, &bad), -EADDRINUSE);
	assert_int_equal(bad, 1);
	assert_null(second);
	turns(3);
	sip_stack_free(stack);
}

/* --- names --- */

static char srv_data[3][64];

static void serve_srv(const char *prefix, uint16_t bad_port, uint16_t good_port)
{
	static char name[64];
	static struct testdns_record list[5];

	snprintf(name, sizeof(name), "%sfail.example", prefix);
	snprintf(srv_data[0], sizeof(srv_data[0]), "1 0 %u one.example", bad_port);
	snprintf(srv_data[1], sizeof(srv_data[1]), "2 0 %u two.example", good_port);
	list[0] = (struct testdns_record){name, 33, 300, srv_data[0]};
	list[1] = (struct testdns_record){name, 33, 300, srv_data[1]};
	list[2] = (struct testdns_record){"one.example", 1, 300, "127.0.0.1"};
	list[3] = (struct testdns_record){"two.example", 1, 300, "127.0.0.1"};
	list[4] = (struct testdns_record){0};
	dns_server.records = list;
}

/* RFC 3263 §4.3: the first target refuses, the second gets the call; the next call does not even
 * try the first. */
static void a_dead_target_is_passed_over(void **state)
{
	static const enum sip_transport transports[] = {SIP_UDP, SIP_TCP};

	for (unsigned i = 0; i < 2; i++) {
		side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
		side_open(&peer, "127.0.0.1:0", "127.0.0.1:0");

		uint16_t bad_port = port_of(&peer, i);

		side_close(&peer);
		turns(3);
		side_open(&peer, "127.0.0.1:0", "127.0.0.1:0");
		serve_srv(i ? "_sip._tcp." : "_sip._udp.", bad_port, port_of(&peer, i));

		call("sip:bob@fail.example", transports[i], NULL);
		pump(peer.confirmed == 1);
		assert_int_equal(stats_of(&us).failovers, 1);

		call("sip:bob@fail.example", transports[i], NULL);
		pump(peer.confirmed == 2);
		assert_int_equal(stats_of(&us).failovers, 1);
		side_close(&us);
		side_close(&peer);
	}
}

static void unknown_names_fail_the_call(void **state)
{
	side_open(&us, "127.0.0.1:0", NULL);
	call("sip:bob@nowhere.example", SIP_UDP, NULL);
	pump(us.ended);
	assert_int_equal(us.cause, SIP_CAUSE_TRANSPORT);
	assert_int_equal(stats_of(&us).live_sends, 0);
}

static struct {
	unsigned calls;
	int err;
	enum sip_transport transport;
	char target[ADDR_TEXT], local[ADDR_TEXT];
} resolved;

static void on_resolved(void *ctx, int err, enum sip_transport transport, const struct addr *target,
	const struct addr *local)
{
	resolved.calls++;
	resolved.err = err;
	resolved.transport = transport;
	if (!err) {
		addr_text(target, resolved.target);
		addr_text(local, resolved.local);
	}
}

static void names_resolve_ahead_of_messages(void **state)
{
	static const struct testdns_record list[] = {
		{"ahead.example", 35, 60, "1 1 s SIP+D2T _sip._tcp.ahead.example"},
		{"_sip._tcp.ahead.example", 33, 60, "1 1 5099 host.ahead.example"},
		{"host.ahead.example", 1, 60, "127.0.0.44"},
		{0},
	};
	struct sip_dest dest = {
		.transport = SIP_TRANSPORT_UNKNOWN, .host = SPAN_LIT("ahead.example")};

	memset(&resolved, 0, sizeof(resolved));
	dns_server.records = list;
	side_open(&us, "127.0.0.1:0", "127.0.0.1:0");
	assert_int_equal(ua_resolve(us.ua, &dest, on_resolved, NULL), 0);
	pump(resolved.calls);
	assert_int_equal(resolved.err, 0);
	assert_int_equal(resolved.transport, SIP_TCP);
	assert_string_equal(resolved.target, "127.0.0.44:5099");

	char want[ADDR_TEXT];

	snprintf(want, sizeof(want), "127.0.0.1:%u", port_of(&us, 1));
	assert_string_equal(resolved.local, want);

	dns_server.mood = TESTDNS_SILENT;
	dest.host = SPAN_LIT("later.example");
	assert_int_equal(ua_resolve(us.ua, &dest, on_resolved, &dest), 0);
	ua_resolve_cancel(us.ua, &dest);
	assert_int_equal(ua_resolve(us.ua, &dest, on_resolved, &dest), 0); /* ended by closing */
	turns(5);
	assert_int_equal(resolved.calls, 1);
}

/* What waits when the ua is closed still leaves: BYEs at exit. */
static void closing_sends_what_waits(void **state)
{
	side_open(&us, "127.0.0.1:0", NULL);
	side_open(&peer, "127.0.0.1:0", NULL);

	struct sip_session *s = call(at_peer(0, ""), SIP_UDP, NULL);

	pump(peer.confirmed);
	sip_session_hangup(s, (struct span){0}, clock_ms());
	us.ua = ua_close(us.ua);
	pump(peer.ended);
	assert_int_equal(peer.cause, SIP_CAUSE_REMOTE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_over_udp),
		TEST(a_call_over_ipv6),
		TEST(tcp_connections_are_reused),
		TEST(large_requests_fall_back_to_udp),
		TEST(refusals_fail_the_call),
		TEST(messages_are_found_wherever_they_are_cut),
		TEST(streams_that_are_not_sip_are_closed),
		TEST(connections_that_are_not_read_are_closed),
		TEST(idle_connections_are_closed),
		TEST(connecting_does_not_wait_forever),
		TEST(a_loop_that_lags_says_so),
		TEST(junk_is_dropped_without_an_answer),
		TEST(strangers_are_limited_and_friends_are_not),
		TEST(running_out_of_descriptors_is_survived),
		TEST(opening_without_descriptors_fails_the_call),
		TEST(answers_come_from_the_address_that_was_asked),
		TEST(a_taken_port_is_named),
		TEST(a_dead_target_is_passed_over),
		TEST(unknown_names_fail_the_call),
		TEST(names_resolve_ahead_of_messages),
		TEST(closing_sends_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
