/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session.h"
#include "ua/ua.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * A UAS with nothing behind it: answers every INVITE with 200 and a fixed SDP. What SIPp measures
 * against it is the cost of signalling alone. Usage: sip_uas [ADDR:PORT]; UDP and TCP. A line of
 * figures a second on stdout with -v, one at the end (SIGINT, SIGTERM) as JSON.
 */

static const char sdp[] = "v=0\r\n"
			  "o=- 1 1 IN IP4 127.0.0.1\r\n"
			  "s=-\r\n"
			  "c=IN IP4 127.0.0.1\r\n"
			  "t=0 0\r\n"
			  "m=audio 40000 RTP/AVP 0 101\r\n"
			  "a=rtpmap:0 PCMU/8000\r\n"
			  "a=rtpmap:101 telephone-event/8000\r\n"
			  "a=ptime:20\r\n"
			  "a=sendrecv\r\n";

static struct bench {
	uv_loop_t loop;
	uv_timer_t second;
	uv_signal_t signals[2];
	struct sip_stack *stack;
	struct ua *ua;
	uint64_t calls, ended, bad;
	uint32_t live, live_most;
	long rss_start_kb;
	int64_t first_us, last_us;
	double cpu_first_us, cpu_last_us;
} bench;

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);

	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static long rss_kb(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);

	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void answer(struct sip_session *s)
{
	struct sip_reply reply = {.status = 200, .sdp = span(sdp, sizeof(sdp) - 1)};

	if (bench.calls++ == 0) {
		bench.first_us = clock_us();
		bench.cpu_first_us = cpu_us();
	}
	bench.live++;
	bench.live_most = MAX(bench.live_most, bench.live);
	if (sip_session_accept(s, &reply, clock_ms()))
		bench.bad++;
}

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
	if (ev->type == SIP_EV_INCOMING) {
		answer(ev->session);
	} else if (ev->type == SIP_EV_ENDED) {
		bench.live--;
		bench.ended++;
		bench.bad += ev->cause != SIP_CAUSE_REMOTE;
		bench.last_us = clock_us();
		bench.cpu_last_us = cpu_us();
	}
}

static void report(void)
{
	double seconds = (double)(bench.last_us - bench.first_us) / 1e6;
	double cpu = bench.cpu_last_us - bench.cpu_first_us;
	struct sip_stack_stats st;
	struct ua_stats us;

	sip_stack_stats(bench.stack, &st);
	ua_stats(bench.ua, &us);
	printf("{\"calls\":%" PRIu64 ",\"ended\":%" PRIu64 ",\"bad\":%" PRIu64
	       ",\"cps\":%.1f,\"cpu_us_per_call\":%.1f,"
	       "\"core\":%.3f,\"live\":%u,\"live_most\":%u,\"rss_kb\":%ld,\"rss_grown_kb\":%ld,\"retransmits_in\":%" PRIu64
	       ",\"retransmitted\":%" PRIu64 ",\"udp_in\":%" PRIu64 ",\"udp_batches\":%" PRIu64
	       ",\"tcp_in\":%" PRIu64 ",\"conns_in\":%" PRIu64
	       ",\"queue_delay_us\":%u,\"transactions\":%u}\n",
		bench.calls, bench.ended, bench.bad, (double)bench.ended / MAX(seconds, 1e-6),
		cpu / (double)MAX(bench.ended, 1), cpu / 1e6 / MAX(seconds, 1e-6), bench.live,
		bench.live_most, rss_kb(), rss_kb() - bench.rss_start_kb, st.retransmits_in,
		st.retransmitted, us.udp_in, us.udp_batches, us.tcp_in, us.conns_in,
		ua_queue_delay_us(bench.ua), st.live_transactions);
	fflush(stdout);
}

static void on_second(uv_timer_t *t)
{
	report();
}

static void on_signal(uv_signal_t *s, int number)
{
	report();
	uv_stop(&bench.loop);
}

static void open_all(const char *where)
{
	struct ua_listen listens[2] = {{.transport = SIP_UDP}, {.transport = SIP_TCP}};
	struct sip_stack_params sp = {
		.on_event = on_event, .user_agent = SPAN_LIT("tipring-bench"), .max_calls = 200000};
	struct ua_params up = {.loop = &bench.loop,
		.listens = listens,
		.listen_count = 2,
		.unknown_rate = UINT32_MAX};
	unsigned bad;

	if (!addr_parse(span_z(where), 5060, &listens[0].addr)) {
		fprintf(stderr, "%s: not an address\n", where);
		exit(2);
	}
	listens[1].addr = listens[0].addr;
	random_bytes(sp.seed, sizeof(sp.seed));
	uv_loop_init(&bench.loop);

	int err = sip_stack_new(&bench.stack, &sp, clock_ms());

	up.stack = bench.stack;
	if (!err)
		err = ua_new(&up, &bench.ua, &bad);
	if (err) {
		fprintf(stderr, "%s: %s\n", where, err_text(err));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	bool is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;

	open_all(argc > 1 + is_verbose ? argv[1 + is_verbose] : "127.0.0.1:5060");
	uv_timer_init(&bench.loop, &bench.second);
	if (is_verbose)
		uv_timer_start(&bench.second, on_second, 1000, 1000);
	for (unsigned i = 0; i < 2; i++) {
		uv_signal_init(&bench.loop, &bench.signals[i]);
		uv_signal_start(&bench.signals[i], on_signal, i ? SIGTERM : SIGINT);
	}
	bench.rss_start_kb = rss_kb();
	uv_run(&bench.loop, UV_RUN_DEFAULT);

	ua_close(bench.ua);
	sip_stack_free(bench.stack);

	return bench.bad > 0;
}
