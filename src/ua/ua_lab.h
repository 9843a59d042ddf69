/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "net/testdns.h"
#include "sip/msg.h"
#include "sip/reg.h"
#include "sip/session.h"
#include "ua/ua.h"
#include <arpa/inet.h>
#include <sys/resource.h>
#include <unistd.h>

/* Real sockets on loopback, real stacks on both sides, one loop. Nothing waits for a time; a guard
 * ends what hangs. */

#define GUARD_MS 20000

static uv_loop_t loop;
static uv_timer_t beat, guard;
static struct testdns dns_server;
static char dns_name[64];

struct side {
	struct sip_stack *stack;
	struct ua *ua;
	struct sip_account *account;
	struct sip_session *session; /* the last incoming one */
	unsigned incoming, answered, confirmed, ended, traced_in, traced_out, refused;
	enum sip_cause cause;
	unsigned reg_ok, reg_failed;
	char transport_in[8];
	char from_ip[ADDR_TEXT];
	char contact_in[200]; /* of the last INVITE or answer */
	char last_local[ADDR_TEXT];
	char why[480];	   /* of the end of a call, or of a registration that failed */
	char refusal[480]; /* the last one's words */
};

static struct side us, peer;
static struct ua_params tweak; /* times for the next side_open */
static const char sdp[] =
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/* --- the two sides --- */

static inline void on_event(void *ctx, const struct sip_stack_event *ev)
{
	struct side *s = ctx;
	struct sip_reply reply = {.status = 200, .sdp = span(sdp, sizeof(sdp) - 1)};

	switch (ev->type) {
	case SIP_EV_INCOMING:
		s->incoming++;
		s->session = ev->session;
		span_copy(sip_msg_value(ev->msg, SIP_HDR_CONTACT), s->contact_in, sizeof(s->contact_in));
		addr_text(&ev->packet->local, s->last_local);
		addr_ip_text(&ev->packet->source, s->from_ip);
		span_copy(sip_transport_word(ev->packet->transport), s->transport_in,
			sizeof(s->transport_in));
		assert_int_equal(sip_session_accept(ev->session, &reply, clock_ms()), 0);
		break;
	case SIP_EV_ANSWERED:
		s->answered++;
		span_copy(sip_msg_value(ev->msg, SIP_HDR_CONTACT), s->contact_in, sizeof(s->contact_in));
		break;
	case SIP_EV_CONFIRMED:
		s->confirmed++;
		break;
	case SIP_EV_ENDED:
		s->ended++;
		s->cause = ev->cause;
		span_copy(ev->reason, s->why, sizeof(s->why));
		break;
	case SIP_EV_REG_OK:
		s->reg_ok++;
		break;
	case SIP_EV_REG_FAILED:
		s->reg_failed++;
		buf_copy(s->why, sizeof(s->why), ev->text);
		break;
	default:
		break;
	}
}

static inline void on_trace(void *ctx, const struct ua_trace *t)
{
	struct side *s = ctx;

	assert_true(t->bytes.n > 0 && addr_is_set(&t->remote));
	*(t->is_out ? &s->traced_out : &s->traced_in) += 1;
}

static inline void on_refused(void *ctx, const struct addr *source, enum ua_refusal why, const char *text)
{
	struct side *s = ctx;

	s->refused++;
	buf_copy(s->refusal, sizeof(s->refusal), text ? text : "");
}

/* "tls:127.0.0.1:0" */
static inline struct ua_listen listen_of(const char *text)
{
	struct span rest = span_z(text), word = span_cut(&rest, ':');
	struct ua_listen l = {.transport = sip_transport_find(word)};

	assert_true(addr_parse(rest, 0, &l.addr));

	return l;
}

static inline void side_listen(struct side *s, const char *const *listens)
{
	struct sip_stack_params sp = {
		.on_event = on_event, .ctx = s, .seed = {1}, .user_agent = SPAN_LIT("test")};
	struct ua_listen list[4];
	struct ua_params up = {
		.loop = &loop,
		.listens = list,
		.dns_servers = dns_name,
		.hooks = {.on_trace = on_trace, .on_refused = on_refused, .ctx = s},
		.idle_ms = tweak.idle_ms,
		.connect_ms = tweak.connect_ms,
		.overload_ms = tweak.overload_ms,
		.limit_loopback = tweak.limit_loopback,
		.tls_server = tweak.tls_server,
		.shake_ms = tweak.shake_ms,
		.ws_ping_ms = tweak.ws_ping_ms,
	};

	sp.seed[1] = s == &us;
	memset(s, 0, sizeof(*s));
	for (; listens[up.listen_count]; up.listen_count++)
		list[up.listen_count] = listen_of(listens[up.listen_count]);
	assert_int_equal(sip_stack_new(&s->stack, &sp, clock_ms()), 0);
	up.stack = s->stack;
	assert_int_equal(ua_new(&up, &s->ua, NULL), 0);
}

static inline void side_open(struct side *s, const char *udp, const char *tcp)
{
	char texts[2][80];
	const char *listens[3] = {NULL};
	unsigned n = 0;

	if (udp) {
		snprintf(texts[n], sizeof(texts[n]), "udp:%s", udp);
		listens[n] = texts[n];
		n++;
	}
	if (tcp) {
		snprintf(texts[n], sizeof(texts[n]), "tcp:%s", tcp);
		listens[n] = texts[n];
	}
	side_listen(s, listens);
}

static inline void side_close(struct side *s)
{
	if (!s->stack)
		return;
	s->ua = ua_close(s->ua);
	s->account = sip_account_unref(s->account);
	s->stack = sip_stack_free(s->stack);
}

static inline void on_beat(uv_timer_t *t)
{
}

static inline void on_guard(uv_timer_t *t)
{
	fail_msg("nothing happened for %d ms", GUARD_MS);
}

static const struct testdns_record no_records[] = {{0}};

static inline int setup(void **state)
{
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &beat);
	uv_timer_init(&loop, &guard);
	uv_timer_start(
		&beat, on_beat, 2, 2); /* so that pump looks again at what is not on the loop */
	uv_timer_start(&guard, on_guard, GUARD_MS, 0);
	testdns_start(&dns_server, &loop, no_records, dns_name);

	return 0;
}

static inline int teardown(void **state)
{
	side_close(&us);
	side_close(&peer);
	testdns_stop(&dns_server);
	uv_close((uv_handle_t *)&beat, NULL);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	memset(&us, 0, sizeof(us));
	memset(&peer, 0, sizeof(peer));
	memset(&tweak, 0, sizeof(tweak));

	return 0;
}

#define pump(condition)                                                                            \
	do                                                                                         \
		uv_run(&loop, UV_RUN_ONCE);                                                        \
	while (!(condition))

static inline void turns(unsigned n)
{
	while (n--)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static inline struct ua_stats stats_of(const struct side *s)
{
	struct ua_stats st;

	ua_stats(s->ua, &st);

	return st;
}

static inline uint16_t port_of(const struct side *s, unsigned i)
{
	struct addr a = ua_listen_addr(s->ua, i);

	return addr_port(&a);
}

/* --- raw clients --- */

static inline int client(int type, const char *to_ip, uint16_t port)
{
	struct addr to;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(addr_parse_ip(span_z(to_ip), port, &to));
	assert_int_equal(connect(fd, &to.sa, addr_len(&to)), 0);

	return fd;
}

static inline struct span options_text(unsigned n, const char *transport)
{
	static char text[512];
	int len = snprintf(text, sizeof(text),
		"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1:9;rport;branch=z9hG4bK%u\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: %u@t\r\nCSeq: 1 OPTIONS\r\n"
		"Max-Forwards: 70\r\nContent-Length: 4\r\n\r\nbody",
		transport, n, n);

	return span(text, (size_t)len);
}

static inline void send_all(int fd, struct span s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

/* How often the text occurs in what has arrived on fd so far; -1: closed by the other side. */
static inline int count_arrived(int fd, const char *text)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	int count = 0;

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return -1;
	if (n < 0)
		return 0;
	buf[n] = 0;
	for (const char *at = buf; (at = strstr(at, text)); at++)
		count++;

	return count;
}

static inline void expect(int fd, const char *text)
{
	int got;

	pump((got = count_arrived(fd, text)) != 0);
	assert_int_equal(got, 1);
}

/* --- calls between the sides --- */

static uint32_t call_tls; /* sip_account_params.tls of the next call */

static inline struct sip_session *call(
	const char *target, enum sip_transport transport, const char *headers)
{
	struct sip_account_params ap = {
		.aor = SPAN_LIT("sip:alice@test.example"),
		.transport = transport,
		.tls = call_tls,
	};
	struct addr local;
	char sent_by[ADDR_TEXT];
	struct sip_session *s = NULL;
	struct addr loopback;

	assert_true(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &loopback));
	if (ua_local_addr(us.ua, transport, &loopback, &local))
		local = ua_listen_addr(us.ua, 0);
	ap.sent_by = span_z(addr_text(&local, sent_by));
	sip_account_unref(us.account);
	assert_int_equal(sip_account_new(us.stack, &ap, &us.account), 0);

	struct sip_invite inv = {
		.account = us.account,
		.target = span_z(target),
		.sdp = span(sdp, sizeof(sdp) - 1),
		.headers = span_z(headers),
	};

	assert_int_equal(sip_session_invite(us.stack, &inv, clock_ms(), &s), 0);

	return s;
}

static inline const char *at_peer(unsigned listener, const char *rest)
{
	static char uri[128];

	snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u%s", port_of(&peer, listener), rest);

	return uri;
}

/* A listener whose queue is full answers no SYN, as a firewall does. */
static inline uint16_t silent_port(int ret_fds[8])
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);

	ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(ret_fds[0], (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(ret_fds[0], 0), 0);
	assert_int_equal(getsockname(ret_fds[0], (struct sockaddr *)&sa, &n), 0);
	for (unsigned i = 1; i < 8; i++) {
		ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(ret_fds[i], (struct sockaddr *)&sa, n))
			assert_int_equal(errno, EINPROGRESS);
	}

	return ntohs(sa.sin_port);
}
