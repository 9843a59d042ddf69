/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_cert.h"
#include "sip/reg.h"
#include "sip/session.h"
#include "ua/ua.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What a call costs a UAS by transport: INVITE, 200, ACK, BYE, 200 with nothing behind it, from a UAC in another process over loopback.
 * Calls of one UAC share a connection. And what a TLS handshake costs each end, full and resumed.
 */

#define AT_ONCE 50
#define WARM	500

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n"
			  "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n";

static char pem[64], key[64];

static void must(int err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "sip_transports: %s: %s\n", what, err_text(err));
	exit(1);
}

static double cpu_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- one end --- */

static struct end {
	uv_loop_t loop;
	struct sip_stack *stack;
	struct ua *ua;
	struct sip_account *account;
	enum sip_transport transport;
	unsigned begun, ended, bad, want;
	double cpu_from;
	char target[80];
} end;

static struct tls_ctx *make_ctx(bool is_server)
{
	struct tls_params p = {.is_server = is_server};
	struct tls_ctx *ctx = NULL;
	char why[TLS_WHY_BYTES];

	if (is_server) {
		p.certificate = pem;
		p.key = key;
	} else {
		p.ca = pem;
	}
	must(tls_ctx_new(&ctx, &p, why, sizeof(why)), "TLS");

	return ctx;
}

static void open_end(enum sip_transport transport, const char *at, bool is_server, void (*on_event)(void *, const struct sip_stack_event *))
{
	struct sip_stack_params sp = {.on_event = on_event, .user_agent = SPAN_LIT("Tipring/bench"), .max_calls = 100000};
	struct ua_listen l = {.transport = is_server || transport != SIP_TLS ? transport : SIP_TCP};
	struct ua_params up = {.loop = &end.loop, .listens = &l, .listen_count = 1};

	memset(&end, 0, sizeof(end));
	end.transport = transport;
	uv_loop_init(&end.loop);
	random_bytes(sp.seed, sizeof(sp.seed));
	must(!addr_parse(span_z(at), 0, &l.addr), "address");
	must(sip_stack_new(&end.stack, &sp, clock_ms()), "stack");
	up.stack = end.stack;
	if (is_server && transport == SIP_TLS)
		up.tls_server = make_ctx(true);
	must(ua_new(&up, &end.ua, NULL), "sockets");
}

/* --- UAS --- */

static void on_uas(void *ctx, const struct sip_stack_event *ev)
{
	struct sip_reply reply = {.status = 200, .sdp = span(sdp, sizeof(sdp) - 1)};

	if (ev->type == SIP_EV_INCOMING) {
		must(sip_session_accept(ev->session, &reply, clock_ms()), "accept");
	} else if (ev->type == SIP_EV_ENDED) {
		if (++end.ended == WARM)
			end.cpu_from = cpu_us(CLOCK_PROCESS_CPUTIME_ID);
		if (end.ended == end.want)
			uv_stop(&end.loop);
	}
}

static void run_uas(enum sip_transport transport, unsigned calls, int to_parent)
{
	double cpu;

	open_end(transport, "127.0.0.31:5066", true, on_uas);
	end.want = calls;
	if (write(to_parent, "x", 1) != 1)
		exit(1);
	uv_run(&end.loop, UV_RUN_DEFAULT);
	cpu = (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - end.cpu_from) / (calls - WARM);
	/* The last BYE's answer still has to leave. */
	uv_run(&end.loop, UV_RUN_NOWAIT);
	if (write(to_parent, &cpu, sizeof(cpu)) != sizeof(cpu))
		exit(1);
	usleep(200000);
	exit(0);
}

/* --- UAC --- */

static void begin_call(void)
{
	struct sip_invite inv = {.account = end.account, .target = span_z(end.target), .sdp = span(sdp, sizeof(sdp) - 1)};
	struct sip_session *s;

	end.begun++;
	must(sip_session_invite(end.stack, &inv, clock_ms(), &s), "call");
}

static void on_uac(void *ctx, const struct sip_stack_event *ev)
{
	if (ev->type == SIP_EV_ANSWERED) {
		sip_session_hangup(ev->session, (struct span){0}, clock_ms());
	} else if (ev->type == SIP_EV_ENDED) {
		end.bad += ev->cause != SIP_CAUSE_LOCAL;
		if (++end.ended == end.want)
			uv_stop(&end.loop);
		else if (end.begun < end.want)
			begin_call();
	}
}

static void prepare_uac(enum sip_transport transport)
{
	static const char *const words[SIP_TRANSPORT_COUNT] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};
	struct sip_account_params ap = {.aor = SPAN_LIT("sip:alice@127.0.0.32"), .transport = transport, .sent_by = SPAN_LIT("127.0.0.32:5060")};

	open_end(transport, "127.0.0.32:0", false, on_uac);
	if (transport == SIP_TLS)
		must(ua_set_tls_client(end.ua, "bench", make_ctx(false), NULL, &ap.tls), "TLS");
	must(sip_account_new(end.stack, &ap, &end.account), "account");
	snprintf(end.target, sizeof(end.target), "sip:bob@127.0.0.31:5066;transport=%s", words[transport]);
}

static double measure(enum sip_transport transport, unsigned calls)
{
	int pipes[2];
	char ready;
	double cpu = 0;
	int64_t from;
	pid_t child;
	struct span word = sip_transport_word(transport);

	must(pipe(pipes) ? -errno : 0, "pipe");
	fflush(stdout);
	child = fork();
	if (child == 0)
		run_uas(transport, calls, pipes[1]);
	must(read(pipes[0], &ready, 1) != 1, "the UAS");
	prepare_uac(transport);
	end.want = calls;
	from = clock_us();
	for (unsigned i = 0; i < AT_ONCE; i++)
		begin_call();
	uv_run(&end.loop, UV_RUN_DEFAULT);

	double seconds = (double)(clock_us() - from) / 1e6;

	must(read(pipes[0], &cpu, sizeof(cpu)) != sizeof(cpu), "the UAS");
	waitpid(child, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	printf("%-4.*s %7.0f calls/s  UAS cpu %6.1f us a call  bad %u\n", SPAN_FMT(word), calls / seconds, cpu, end.bad);

	return cpu;
}

/* --- handshakes --- */

static bool carry(struct tls *from, struct tls *to, double *cost)
{
	struct span out = tls_out(from);
	double at = cpu_us(CLOCK_THREAD_CPUTIME_ID);

	if (!out.n)
		return false;
	tls_feed(to, out);
	*cost += cpu_us(CLOCK_THREAD_CPUTIME_ID) - at;
	tls_sent(from, out.n);

	return true;
}

static void handshakes(struct tls_ctx *server, struct tls_ctx *client, bool is_resumed, unsigned count)
{
	double server_us = 0, client_us = 0;
	unsigned resumed = 0;
	char buf[10];

	for (unsigned i = 0; i < count; i++) {
		struct tls *c, *s;
		double at = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		bool is_any = true;

		must(tls_new(&c, client, &(struct tls_peer){.host = "127.0.0.31", .label = "s"}), "TLS");
		tls_feed(c, (struct span){0});
		client_us += cpu_us(CLOCK_THREAD_CPUTIME_ID) - at;
		must(tls_new(&s, server, &(struct tls_peer){.label = "c"}), "TLS");
		while (is_any) {
			is_any = carry(c, s, &server_us);
			is_any |= carry(s, c, &client_us);
		}
		if (is_resumed && tls_read(c, buf, sizeof(buf))) /* takes the tickets */
			must(-TR_ESTATE, "handshake");
		must(tls_state(c) == TLS_OPEN && tls_state(s) == TLS_OPEN ? 0 : -TR_ESTATE, "handshake");
		resumed += tls_is_resumed(s);
		tls_free(c);
		tls_free(s);
	}
	printf("%s handshake: server %.0f us, client %.0f us (%u of %u resumed)\n", is_resumed ? "resumed" : "full   ", server_us / count,
		client_us / count, resumed, count);
}

int main(void)
{
	static const char *const names[] = {"127.0.0.31"};
	char dir[] = "/tmp/sip-transports-XXXXXX", why[TLS_WHY_BYTES];
	struct tls_cert_params p = {.common_name = "bench", .names = names, .name_count = 1, .begins_at = time(NULL) - 86400, .ends_at = time(NULL) + 86400};
	struct tls_identity *id;

	signal(SIGPIPE, SIG_IGN);
	must(mkdtemp(dir) ? 0 : -errno, dir);
	snprintf(pem, sizeof(pem), "%s/a.pem", dir);
	snprintf(key, sizeof(key), "%s/a.key", dir);
	must(tls_identity_new(&id, &p, NULL, why, sizeof(why)), "certificate");
	must(tls_identity_save(id, pem, key, false, why, sizeof(why)), pem);

	double udp = measure(SIP_UDP, 20000), tcp = measure(SIP_TCP, 20000), tls = measure(SIP_TLS, 20000);

	printf("TLS costs %+.1f us a call beside UDP, %+.1f us beside TCP\n", tls - udp, tls - tcp);

	struct tls_ctx *server = make_ctx(true), *client = make_ctx(false);

	handshakes(server, client, false, 1000);
	handshakes(server, client, true, 1000);
	unlink(pem);
	unlink(key);
	rmdir(dir);

	return 0;
}
