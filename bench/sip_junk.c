/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session.h"
#include "ua/ua.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * What a packet costs that nobody asked for: a thread floods a listener with noise, with broken and with well-written requests of a
 * stranger; the loop's own CPU time, the kernel's share included, is divided by the packets it took in.
 */
enum { PACKETS = 200000, BURST = 64 };

static const char invite[] = "INVITE sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK-1;rport\r\n"
			     "Max-Forwards: 70\r\nFrom: \"100\" <sip:100@192.0.2.66>;tag=1\r\nTo: <sip:100@192.0.2.1>\r\n"
			     "Call-ID: 1@192.0.2.66\r\nCSeq: 1 INVITE\r\nContact: <sip:100@192.0.2.66:5060>\r\n"
			     "User-Agent: scanner\r\nContent-Length: 0\r\n\r\n";

static const struct kind {
	const char *name;
	const char *bytes;
	size_t n;
	bool is_banned; /* the source may be banned; otherwise every packet is looked at */
} kinds[] = {
	{"noise, source banned", "\0\1\2\3\4\5\6\7\x80\x90 nothing at all", 28, true},
	{"noise, each looked at", "\0\1\2\3\4\5\6\7\x80\x90 nothing at all", 28, false},
	{"broken INVITE, each looked at", "INVITE sip:100@192.0.2.1 SIP/2.0\r\nVia: what\r\nCSeq: x\r\n\r\n", 56, false},
	{"INVITE, source banned", invite, sizeof(invite) - 1, true},
	{"INVITE, each looked at", invite, sizeof(invite) - 1, false},
};

static struct {
	uv_loop_t loop;
	struct sip_stack *stack;
	struct ua *ua;
	const struct kind *kind;
	struct addr to;
	atomic_bool is_done;
	uv_timer_t watch;
} bench;

static bool is_welcome(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg)
{
	if (bench.kind->is_banned)
		ua_offence(bench.ua, &pkt->source, UA_OFFENCE_STRANGER);

	return false;
}

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
}

static void *flood(void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec iov = {(void *)(uintptr_t)bench.kind->bytes, bench.kind->n};
	struct mmsghdr msgs[BURST];

	for (int i = 0; i < BURST; i++)
		msgs[i].msg_hdr = (struct msghdr){.msg_name = &bench.to.sa, .msg_namelen = addr_len(&bench.to), .msg_iov = &iov, .msg_iovlen = 1};
	for (int sent = 0; sent < PACKETS; sent += BURST) {
		if (sendmmsg(fd, msgs, BURST, 0) < 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); /* what the socket's buffer holds, and no more */
	}
	close(fd);
	bench.is_done = true;

	return NULL;
}

static uint64_t taken(void)
{
	struct ua_stats s;

	ua_stats(bench.ua, &s);

	return s.udp_in + s.junk + s.banned + s.rate_limited;
}

static void look(uv_timer_t *t)
{
	static uint64_t last;

	if (bench.is_done && taken() == last)
		uv_stop(&bench.loop);
	last = taken();
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void run(const struct kind *kind)
{
	struct ua_listen listen = {.transport = SIP_UDP};
	struct sip_stack_params sp = {.on_event = on_event, .is_welcome = is_welcome};
	struct ua_params up = {.loop = &bench.loop, .listens = &listen, .listen_count = 1, .limit_loopback = kind->is_banned,
		.unknown_rate = UINT32_MAX};
	pthread_t thread;

	bench.kind = kind;
	bench.is_done = false;
	uv_loop_init(&bench.loop);
	if (!addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &listen.addr) || sip_stack_new(&bench.stack, &sp, clock_ms()) != 0)
		abort();
	up.stack = bench.stack;
	if (ua_new(&up, &bench.ua, NULL) != 0)
		abort();
	bench.to = ua_listen_addr(bench.ua, 0);
	uv_timer_init(&bench.loop, &bench.watch);
	uv_timer_start(&bench.watch, look, 100, 100);

	double before = cpu_us();

	pthread_create(&thread, NULL, flood, NULL);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	printf("%-32s %8" PRIu64 " packets, %.2f us each\n", kind->name, taken(), (cpu_us() - before) / (double)MAX(taken(), 1u));
	uv_close((uv_handle_t *)&bench.watch, NULL);
	ua_close(bench.ua);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	sip_stack_free(bench.stack);
	uv_loop_close(&bench.loop);
}

/* The same datagrams, taken from a bare socket: the kernel's own part. */
static void floor_of(const struct kind *kind)
{
	static char bufs[BURST][2048];
	struct iovec iovs[BURST];
	struct mmsghdr msgs[BURST];
	struct sockaddr_storage names[BURST], bound;
	socklen_t n = sizeof(bound);
	struct timeval patience = {.tv_usec = 300000};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20, got;
	uint64_t count = 0;
	pthread_t thread;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &bench.to) || bind(fd, &bench.to.sa, addr_len(&bench.to)) ||
		getsockname(fd, (struct sockaddr *)&bound, &n))
		abort();
	addr_from_sockaddr((struct sockaddr *)&bound, &bench.to);
	bench.kind = kind;

	double before = cpu_us();

	pthread_create(&thread, NULL, flood, NULL);
	do {
		for (int i = 0; i < BURST; i++) {
			iovs[i] = (struct iovec){bufs[i], sizeof(bufs[i])};
			msgs[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof(names[i]), .msg_iov = &iovs[i],
				.msg_iovlen = 1};
		}
		got = recvmmsg(fd, msgs, BURST, MSG_WAITFORONE, NULL);
		count += got > 0 ? (uint64_t)got : 0;
	} while (got > 0);
	printf("%-32s %8" PRIu64 " packets, %.2f us each\n", "a bare socket, for comparison", count,
		(cpu_us() - before) / (double)MAX(count, 1u));
	pthread_join(thread, NULL);
	close(fd);
}

int main(void)
{
	floor_of(&kinds[0]);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		run(&kinds[i]);

	return 0;
}
