/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The media engine under load, against the floor that the kernel sets: a bare echo with one recv and one send a frame on as
 * many sockets, measured in the same run by the same generator.
 *
 *	core 0: what is measured: the engine's only worker, or the bare echo
 *	core 1: the generator (sendmmsg, recvmmsg), and the agent thread that empties and fills the rings of all calls
 *
 * Usage: bench_media [-s seconds] [-k none|80|32|256|gcm128|gcm256] [calls...]: -k encrypts (SRTP) what the engine sends and is sent.
 * Without numbers the curve, and then 500 calls in clear, with AES_CM_128_HMAC_SHA1_80 and with AEAD_AES_128_GCM. Only 127.0.0.0/8 is used. Real-time priority is taken where allowed.
 */
#include "media/media.h"
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_CALLS   4000
#define GEN_SOCKETS 32
#define BATCH	    128
#define SLICE_US    5000
#define PHASES	    4
#define PAYLOAD	    160
#define PACKET	    (12 + PAYLOAD)
#define LOOP	    (8000 * 4) /* samples of the test signal */

static uint8_t signal_ulaw[LOOP + PAYLOAD];
static int16_t signal_pcm[LOOP + PAYLOAD];

static struct call {
	struct addr to;
	uint16_t seq, seen_seq;
	uint32_t ts;
	uint32_t at; /* in the signal */
	uint64_t sent, received, lost;
	int64_t seen_us, max_gap_us;
	bool is_seen;
	struct media_id id;
	struct media_port *port;
	struct srtp *seal; /* NULL: in clear */
} calls[MAX_CALLS];

static enum srtp_suite suite;

static struct {
	unsigned n;
	_Atomic bool is_stopping, is_measuring;
	int fds[GEN_SOCKETS];
	struct addr addrs[GEN_SOCKETS];
	uint16_t by_port[65536]; /* call index + 1, by the port it sends from */
	uint64_t late_slices, slices;
} gen;

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_media: %s: %s\n", what, err_text(err));
	exit(1);
}

static void be_on_core(int core, int priority)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (priority)
		(void)pthread_setschedparam(
			pthread_self(), SCHED_RR, &(struct sched_param){.sched_priority = priority});
}

static int64_t cpu_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void sleep_until(int64_t at_us)
{
	struct timespec ts = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void sleep_ms(int ms)
{
	sleep_until(clock_us() + (int64_t)ms * 1000);
}

/* Syllables of a buzzing source with pauses, over noise: work for VAD and jitter buffer that a steady tone is not. */
static void make_signal(void)
{
	struct codec *c;
	uint64_t seed = 1;

	if (codec_new(CODEC_PCMU, NULL, &c) < 0)
		die("codec", ENOMEM);
	for (int i = 0; i < LOOP; i++) {
		int ms = i / 8;
		bool is_voiced = ms % 2000 < 1300 && ms % 250 < 170;
		int noise = (int)(prng_u32(&seed) % 120) - 60;
		int period = 60 + (ms / 250) % 7 * 4;
		int buzz = is_voiced ? (i % period < 8 ? 9000 : -1100) : 0;

		signal_pcm[i] = (int16_t)((i ? signal_pcm[i - 1] / 3 : 0) + buzz * 2 / 3 + noise);
	}
	memcpy(signal_pcm + LOOP, signal_pcm, PAYLOAD * sizeof(*signal_pcm));
	for (int i = 0; i < LOOP; i += PAYLOAD)
		if (codec_encode(c, signal_pcm + i, PAYLOAD, signal_ulaw + i, PAYLOAD) < 0)
			die("encode", EINVAL);
	memcpy(signal_ulaw + LOOP, signal_ulaw, PAYLOAD);
	codec_free(c);
}

/* ---- generator ------------------------------------------------------------------------------------------------------------- */

static void gen_open(void)
{
	for (int i = 0; i < GEN_SOCKETS; i++) {
		struct addr *a = &gen.addrs[i];
		int bytes = 4 << 20;
		socklen_t n = sizeof(*a);

		gen.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (gen.fds[i] < 0 || !addr_parse_ip(SPAN_LIT("127.0.0.2"), 0, a) ||
			bind(gen.fds[i], &a->sa, addr_len(a)) < 0 || getsockname(gen.fds[i], &a->sa, &n) < 0)
			die("generator's socket", errno);
		if (setsockopt(gen.fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
			(void)setsockopt(gen.fds[i], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	}
}

static void write_packet(struct call *c, uint32_t ssrc, uint8_t *bytes)
{
	bytes[0] = 0x80;
	bytes[1] = 0;
	bytes[2] = (uint8_t)(c->seq >> 8);
	bytes[3] = (uint8_t)c->seq;
	for (int i = 0; i < 4; i++) {
		bytes[4 + i] = (uint8_t)(c->ts >> (24 - 8 * i));
		bytes[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	}
	memcpy(bytes + 12, signal_ulaw + c->at, PAYLOAD);
	c->seq++;
	c->ts += PAYLOAD;
	c->at = (c->at + PAYLOAD) % LOOP;
}

/* Calls of one socket and one phase in as few system calls as it takes. */
static void gen_send(int sock, unsigned phase)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec iovs[BATCH];
	static uint8_t bytes[BATCH][PACKET + SRTP_EXTRA_BYTES];
	unsigned n = 0;

	for (unsigned i = (unsigned)sock; i < gen.n; i += GEN_SOCKETS) {
		struct call *c = &calls[i];

		if ((i / GEN_SOCKETS) % PHASES != phase)
			continue;
		write_packet(c, i + 1, bytes[n]);
		size_t bytes_n = PACKET;

		if (c->seal && srtp_seal(c->seal, bytes[n], bytes_n, &bytes_n) != 0)
			die("seal", EINVAL);
		iovs[n] = (struct iovec){bytes[n], bytes_n};
		msgs[n] = (struct mmsghdr){.msg_hdr = {
						   .msg_name = &c->to, .msg_namelen = addr_len(&c->to), .msg_iov = &iovs[n], .msg_iovlen = 1}};
		c->sent++;
		n++;
	}
	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(gen.fds[sock], msgs + at, n - at, 0);

		if (sent <= 0)
			die("sendmmsg", errno);
		at += (unsigned)sent;
	}
}

static void note_packet(const struct addr *from, const uint8_t *bytes, int64_t now_us)
{
	unsigned i = gen.by_port[addr_port(from)];
	uint16_t seq = (uint16_t)(bytes[2] << 8 | bytes[3]);

	if (i == 0)
		return;

	struct call *c = &calls[i - 1];

	if (c->is_seen) {
		c->lost += (uint16_t)(seq - c->seen_seq - 1);
		if (atomic_load_explicit(&gen.is_measuring, memory_order_relaxed) && now_us - c->seen_us > c->max_gap_us)
			c->max_gap_us = now_us - c->seen_us;
	}
	c->is_seen = true;
	c->seen_seq = seq;
	c->seen_us = now_us;
	c->received++;
}

static void gen_receive(int sock)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec iovs[BATCH];
	static struct addr from[BATCH];
	static uint8_t bytes[BATCH][256];
	int n;

	do {
		for (int i = 0; i < BATCH; i++) {
			iovs[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
			msgs[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &iovs[i], .msg_iovlen = 1};
		}
		n = recvmmsg(gen.fds[sock], msgs, BATCH, MSG_DONTWAIT, NULL);

		int64_t now_us = clock_us();

		for (int i = 0; i < n; i++)
			if (msgs[i].msg_len >= 12 && (bytes[i][1] & 0x7f) == 0)
				note_packet(&from[i], bytes[i], now_us);
	} while (n == BATCH);
}

static void *gen_run(void *arg)
{
	int64_t due = clock_us();

	be_on_core(1, 9);
	for (unsigned slice = 0; !atomic_load(&gen.is_stopping); slice++) {
		due += SLICE_US;
		sleep_until(due);
		gen.slices++;
		if (clock_us() - due > SLICE_US)
			gen.late_slices++;
		for (int i = 0; i < GEN_SOCKETS; i++) {
			gen_send(i, slice % PHASES);
			gen_receive(i);
		}
	}

	return NULL;
}

static void gen_reset(unsigned n)
{
	/* What is left of the run before belongs to nobody. */
	memset(gen.by_port, 0, sizeof(gen.by_port));
	for (int i = 0; i < GEN_SOCKETS; i++)
		gen_receive(i);
	gen.n = n;
	gen.late_slices = gen.slices = 0;
	atomic_store(&gen.is_stopping, false);
	atomic_store(&gen.is_measuring, false);
	for (unsigned i = 0; i < n; i++)
		calls[i] = (struct call){.at = i * 977 * PAYLOAD % LOOP, .seq = (uint16_t)(i * 7919), .ts = i * 104729};
}

/* ---- the floor --------------------------------------------------------------------------------------------------------------- */

static struct {
	int fds[MAX_CALLS];
	unsigned n;
	_Atomic bool is_stopping;
	_Atomic int64_t cpu_us;
} echo;

static void *echo_run(void *arg)
{
	int64_t due = clock_us();

	be_on_core(0, 10);
	for (unsigned slice = 0; !atomic_load(&echo.is_stopping); slice++) {
		due += SLICE_US;
		sleep_until(due);
		for (unsigned i = slice % PHASES; i < echo.n; i += PHASES) {
			uint8_t bytes[1500];
			struct addr from;
			socklen_t len = sizeof(from);
			ssize_t n = recvfrom(echo.fds[i], bytes, sizeof(bytes), MSG_DONTWAIT, &from.sa, &len);

			if (n > 0)
				(void)sendto(echo.fds[i], bytes, (size_t)n, MSG_DONTWAIT, &from.sa, len);
		}
		atomic_store(&echo.cpu_us, cpu_us(CLOCK_THREAD_CPUTIME_ID));
	}

	return NULL;
}

/* CPU microseconds a frame and call. */
static double measure_floor(unsigned n, int seconds)
{
	pthread_t echo_thread, gen_thread;

	gen_reset(n);
	echo.n = n;
	atomic_store(&echo.is_stopping, false);
	for (unsigned i = 0; i < n; i++) {
		struct addr *a = &calls[i].to;
		socklen_t len = sizeof(*a);

		echo.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (echo.fds[i] < 0 || !addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, a) || bind(echo.fds[i], &a->sa, addr_len(a)) < 0 ||
			getsockname(echo.fds[i], &a->sa, &len) < 0)
			die("echo's socket", errno);
		gen.by_port[addr_port(a)] = (uint16_t)(i + 1);
	}
	pthread_create(&echo_thread, NULL, echo_run, NULL);
	pthread_create(&gen_thread, NULL, gen_run, NULL);
	sleep_ms(1000);

	int64_t cpu = atomic_load(&echo.cpu_us), wall = clock_us();
	uint64_t frames = 0, before = 0;

	for (unsigned i = 0; i < n; i++)
		before += calls[i].received;
	sleep_ms(seconds * 1000);
	cpu = atomic_load(&echo.cpu_us) - cpu;
	wall = clock_us() - wall;
	for (unsigned i = 0; i < n; i++)
		frames += calls[i].received;
	atomic_store(&gen.is_stopping, true);
	atomic_store(&echo.is_stopping, true);
	pthread_join(gen_thread, NULL);
	pthread_join(echo_thread, NULL);
	for (unsigned i = 0; i < n; i++)
		close(echo.fds[i]);
	frames -= before;

	return frames ? (double)cpu / (double)frames : 0;
}

/* ---- the engine --------------------------------------------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_rung;
	struct media_bell bell;
	_Atomic bool is_stopping;
	uint64_t frames, speech, concealed, gaps;
	int64_t cpu_us;
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static int agent_pipe[2];

static void agent_wake(void *ctx)
{
	if (write(agent_pipe[1], "", 1) < 0)
		agent.is_rung = true;
}

/* Every call's agent listens, and speaks without end in utterances of two seconds. */
static void agent_serve(unsigned i)
{
	struct media_port *p = calls[i].port;

	for (const struct media_up_frame *f; (f = media_port_peek_up(p)); media_port_pop_up(p)) {
		agent.frames++;
		agent.speech += f->speech > 128;
		agent.concealed += (f->flags & MEDIA_UP_CONCEALED) != 0;
	}
	while (media_port_space(p) > 32) {
		static uint32_t at[MAX_CALLS];
		uint32_t k = at[i]++;

		(void)media_port_say(p, k / 100 + 1, signal_pcm + (k * 160 + i * 800) % LOOP, 160, k % 100 == 99 ? MEDIA_DOWN_LAST : 0);
	}
}

static void *agent_run(void *arg)
{
	unsigned n = *(unsigned *)arg;
	char buf[64];

	be_on_core(1, 8);
	while (!atomic_load(&agent.is_stopping)) {
		if (read(agent_pipe[0], buf, sizeof(buf)) < 0)
			break;
		media_bell_clear(&agent.bell);
		for (unsigned i = 0; i < n; i++)
			agent_serve(i);
	}
	agent.cpu_us = cpu_us(CLOCK_THREAD_CPUTIME_ID);

	return NULL;
}

static long rss_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		(void)fclose(f);

	return kb;
}

static void open_calls(struct media_engine *e, unsigned n)
{
	struct media_stream_params params = {0};

	if (!addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &params.bind))
		die("address", EINVAL);
	for (unsigned i = 0; i < n; i++) {
		struct call *c = &calls[i];
		struct media_local local;
		struct media_plan plan = {.remote_rtp = gen.addrs[i % GEN_SOCKETS],
			.direction = MEDIA_SENDRECV,
			.tx = {.id = CODEC_PCMU},
			.rx = {{.id = CODEC_PCMU}},
			.n_rx = 1,
			.dtmf_rx = {{.pt = 101, .hz = 8000}},
			.n_dtmf_rx = 1,
			.dtmf_tx_pt = 101,
			.tx_key = {.suite = suite, .bytes = {1, 2, 3}},
			.rx_key = {.suite = suite, .bytes = {4, 5, 6}},
			.rtcp_mux = false};
		int err = media_stream_open(e, &params, &c->id, &local);

		if (!err)
			err = media_port_new(&(struct media_port_params){.rate_hz = 8000, .bell = &agent.bell}, &c->port);
		/* The mailbox of a worker is bounded: let it empty now and then. */
		if (!err && i % 200 == 199)
			sleep_ms(20);
		if (!err && suite)
			err = srtp_new(&c->seal, &plan.rx_key, true);
		if (!err)
			err = media_stream_update(e, c->id, &plan);
		if (!err)
			err = media_connect_port(e, c->id, c->port);
		if (err)
			die("open", err);
		c->to = local.rtp;
		gen.by_port[addr_port(&local.rtp)] = (uint16_t)(i + 1);
	}
}

/* Upper edge of the bucket, milliseconds; the last bucket has none. */
static double percentile(const uint64_t *after, const uint64_t *before, double p)
{
	uint64_t sum = 0, at = 0;
	int i;

	for (i = 0; i < MEDIA_LATE_BUCKETS; i++)
		sum += after[i] - before[i];
	for (i = 0; i < MEDIA_LATE_BUCKETS - 1; i++) {
		at += after[i] - before[i];
		if ((double)at >= p * (double)sum)
			return media_late_edge_us[i] / 1000.0;
	}

	return INFINITY;
}

static void print_losses(struct mailbox *events, unsigned n)
{
	struct media_event ev;
	uint64_t got = 0, lost = 0, late = 0, discarded = 0, refused = 0, failed = 0, sent = 0, tx = 0, back = 0, back_lost = 0;
	int64_t max_gap_us = 0;
	double mos = 0;
	unsigned closed = 0;

	while (mailbox_take(events, &ev)) {
		if (ev.type != MEDIA_EV_CLOSED)
			continue;
		got += ev.quality.rx_packets;
		lost += ev.quality.rtp.lost;
		late += ev.quality.rtp.late;
		discarded += ev.quality.rtp.discarded;
		refused += ev.quality.rx_refused + ev.quality.rx_invalid + ev.quality.rx_unauthentic + ev.quality.rx_replayed;
		failed += ev.quality.tx_failed;
		tx += ev.quality.tx_packets;
		mos += (double)ev.quality.rtp.mos_call;
		closed++;
	}
	for (unsigned i = 0; i < n; i++) {
		sent += calls[i].sent;
		back += calls[i].received;
		back_lost += calls[i].lost;
		max_gap_us = MAX(max_gap_us, calls[i].max_gap_us);
	}
	printf("       in: sent %" PRIu64 " received %" PRIu64 " (diff %" PRId64 ") lost %" PRIu64 " late %" PRIu64 " discarded %" PRIu64
	       " refused %" PRIu64 "; out: sent %" PRIu64 " arrived %" PRIu64 " lost %" PRIu64 " failed %" PRIu64
	       "; longest gap %.1f ms; MOS %.2f (%u calls)\n",
		sent, got, (int64_t)(sent - got), lost, late, discarded, refused, tx, back, back_lost, failed,
		(double)max_gap_us / 1000, closed ? mos / closed : 0, closed);
}

static void measure(unsigned n, int seconds)
{
	double floor_us = measure_floor(n, seconds);
	struct mailbox *events =
		mailbox_new(&(struct mailbox_params){.count = 32768, .item_bytes = sizeof(struct media_event)});
	struct media_engine *e;
	struct media_worker_stats before, after;
	pthread_t gen_thread, agent_thread;
	int err;

	gen_reset(n);
	memset(&agent.frames, 0, sizeof(agent.frames));
	agent.speech = agent.concealed = 0;
	agent.bell = (struct media_bell){.wake = agent_wake};
	atomic_store(&agent.is_stopping, false);
	err = media_engine_new(&(struct media_engine_params){.workers = 1,
				       .is_pinned = true,
				       .is_realtime = true,
				       .port_min = 32768,
				       .port_max = 60999,
				       .events = events},
		&e);
	if (err)
		die("engine", err);
	sleep_ms(50);
	malloc_trim(0); /* what the point before has freed is not to be taken for free memory of this one */

	long rss = rss_kb();

	open_calls(e, n);
	pthread_create(&agent_thread, NULL, agent_run, &n);
	pthread_create(&gen_thread, NULL, gen_run, NULL);
	sleep_ms(3000); /* rings have gone round once, buffers have their size */
	rss = rss_kb() - rss;

	if (!media_worker_stats(e, 0, &before))
		die("stats", EINVAL);
	atomic_store(&gen.is_measuring, true);

	int64_t wall = clock_us();

	sleep_ms(seconds * 1000);
	wall = clock_us() - wall;
	atomic_store(&gen.is_measuring, false);
	(void)media_worker_stats(e, 0, &after);
	atomic_store(&gen.is_stopping, true);
	pthread_join(gen_thread, NULL);
	sleep_ms(100);
	for (unsigned i = 0; i < n; i++)
		media_stream_close(e, calls[i].id);
	sleep_ms(100);
	for (int i = 0; i < GEN_SOCKETS; i++)
		gen_receive(i);
	atomic_store(&agent.is_stopping, true);
	agent_wake(NULL);
	pthread_join(agent_thread, NULL);

	double cpu = (double)(after.cpu_us - before.cpu_us);
	double us = cpu / ((double)n * (double)wall / MEDIA_FRAME_US - (double)(after.skipped - before.skipped));

	printf("%5u  %8.2f %9.2f %6.2f %6.1f%%  %7.2f %7.2f %7.2f   %7.2f %7.2f  %8.1f %6" PRIu64 " %5" PRIu64 "/%" PRIu64 "\n", n,
		floor_us, us, us / floor_us, cpu * 100 / (double)wall, percentile(after.late, before.late, 0.5),
		percentile(after.late, before.late, 0.99), percentile(after.late, before.late, 0.999),
		percentile(after.done, before.done, 0.5), percentile(after.done, before.done, 0.999),
		(double)rss / n, after.skipped, gen.late_slices, gen.slices);
	print_losses(events, n);
	fflush(stdout);
	media_engine_free(e);
	for (unsigned i = 0; i < n; i++) {
		media_port_unref(calls[i].port);
		calls[i].seal = srtp_free(calls[i].seal);
	}
	mailbox_free(events);
}

static enum srtp_suite suite_of(const char *name)
{
	static const char *const names[SRTP_SUITE_COUNT] = {[SRTP_NONE] = "none", [SRTP_AES_CM_128_HMAC_SHA1_80] = "80",
		[SRTP_AES_CM_128_HMAC_SHA1_32] = "32", [SRTP_AES_256_CM_HMAC_SHA1_80] = "256", [SRTP_AEAD_AES_128_GCM] = "gcm128",
		[SRTP_AEAD_AES_256_GCM] = "gcm256"};

	for (enum srtp_suite s = SRTP_NONE; s < SRTP_SUITE_COUNT; s++)
		if (strcmp(name, names[s]) == 0)
			return s;
	fprintf(stderr, "bench_media: no suite \"%s\" (none 80 32 256 gcm128 gcm256)\n", name);
	exit(1);
}

/* What encryption adds to the same load. */
static void compare_suites(int seconds)
{
	static const enum srtp_suite suites[] = {SRTP_NONE, SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AEAD_AES_128_GCM};

	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		suite = suites[i];
		printf("SRTP: %s\n", srtp_suite_info(suite)->name);
		measure(500, seconds);
	}
}

int main(int argc, char **argv)
{
	static const unsigned curve[] = {100, 250, 500, 1000, 1500, 2000};
	struct rlimit files;
	int seconds = 10, opt;

	while ((opt = getopt(argc, argv, "s:k:")) != -1) {
		if (opt == 's')
			seconds = atoi(optarg);
		else if (opt == 'k')
			suite = suite_of(optarg);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (pipe(agent_pipe) < 0)
		die("pipe", errno);
	make_signal();
	gen_open();
	be_on_core(1, 0);
	printf("core 0: worker or bare echo; core 1: generator and agents; %d s a point; PCMU 20 ms, jitter buffer, VAD, quality,\n"
	       "agent rings both ways, RTCP on. late: slice began after it was due; done: its last stream was served.\n"
	       "calls  floor us  media us  ratio   core   late p50     p99   p99.9  done p50   p99.9   KB/call skipped gen late\n"
	       "       /frame    /frame                     ms      ms      ms        ms      ms\n",
		seconds);
	if (optind < argc)
		for (int i = optind; i < argc; i++)
			measure((unsigned)CLAMP(atoi(argv[i]), 1, MAX_CALLS), seconds);
	else
		for (size_t i = 0; i < ARRAY_LEN(curve); i++)
			measure(curve[i], seconds);

	if (optind >= argc && !suite)
		compare_suites(seconds);

	return 0;
}
