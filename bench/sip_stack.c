/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session.h"
#include "sip/reg.h"
#include <malloc.h>
#include <time.h>

/*
 * What a call costs in the SIP core alone: INVITE, 180, 200, ACK, BYE, 200 between two stacks in memory, where the time of
 * each is taken apart; and how much memory calls that stand need. No socket, no kernel.
 */

struct side {
	struct sip_stack *stack;
	struct sip_account *account;
	struct addr addr;
	struct sip_session *last;
	int64_t ns; /* spent inside */
	bool is_uas;
};

static struct side uac, uas;
static msec_t now = 1000;
static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
			  "m=audio 4000 RTP/AVP 0 8 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
			  "a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void must(int err)
{
	if (err == 0)
		return;
	fprintf(stderr, "sip_stack: %s\n", err_text(err));
	exit(1);
}

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
	struct side *side = ctx;
	struct sip_reply ringing = {.status = 180}, ok = {.status = 200, .sdp = span_z(sdp)};

	if (ev->session)
		side->last = ev->type == SIP_EV_ENDED ? NULL : ev->session;
	if (ev->type != SIP_EV_INCOMING)
		return;
	must(sip_session_ring(ev->session, &ringing, now));
	must(sip_session_accept(ev->session, &ok, now));
}

static void open_side(struct side *side, const char *address)
{
	struct sip_stack_params params = {.on_event = on_event, .ctx = side, .user_agent = SPAN_LIT("Tipring/bench"),
					  .max_calls = 1000000};
	struct sip_account_params account = {.aor = SPAN_LIT("sip:1001@pbx.example.com"), .sent_by = span_z(address)};

	random_bytes(params.seed, sizeof(params.seed));
	must(sip_stack_new(&side->stack, &params, now));
	must(sip_account_new(side->stack, &account, &side->account));
	if (!addr_parse(span_z(address), 5060, &side->addr))
		exit(1);
}

/* Hands over everything until nobody has anything to say; the time is the receiver's. */
static bool pass(struct side *from, struct side *to)
{
	struct sip_out out;
	bool any = false;
	int64_t at = cpu_ns();

	while (sip_stack_out(from->stack, &out)) {
		struct sip_packet pkt = {.bytes = out.bytes, .transport = SIP_UDP, .source = from->addr, .local = to->addr};

		any = true;
		sip_stack_recv(to->stack, &pkt, now);
	}
	to->ns += cpu_ns() - at;

	return any;
}

static void settle(void)
{
	bool any = true;

	while (any) {
		any = pass(&uac, &uas);
		any = pass(&uas, &uac) || any;
	}
}

static void begin(void)
{
	struct sip_invite inv = {.account = uac.account, .target = SPAN_LIT("sip:200@192.0.2.2"), .sdp = span_z(sdp)};
	int64_t at = cpu_ns();

	must(sip_session_invite(uac.stack, &inv, now, &uac.last));
	uac.ns += cpu_ns() - at;
	settle();
}

static void end(void)
{
	int64_t at = cpu_ns();

	sip_session_hangup(uac.last, (struct span){0}, now);
	uac.ns += cpu_ns() - at;
	settle();
}

static void tick(struct side *side)
{
	int64_t at = cpu_ns();

	sip_stack_tick(side->stack, now);
	side->ns += cpu_ns() - at;
}

/* At so many calls a second of virtual time, so that transactions pile up for their 32 s as they do in life. */
static void measure(unsigned rate, unsigned calls)
{
	struct sip_stack_stats st;
	int64_t clock = cpu_ns();

	for (int i = 0; i < 1000; i++)
		(void)cpu_ns();
	clock = (cpu_ns() - clock) / 1000;
	uac.ns = uas.ns = 0;
	for (unsigned i = 0; i < calls; i++) {
		begin();
		end();
		if (i % MAX(1, rate / 1000) == 0) {
			now += MAX(1, 1000 / rate);
			tick(&uac);
			tick(&uas);
		}
	}
	sip_stack_stats(uas.stack, &st);
	printf("%6u calls/s: UAS %5.1f us, UAC %5.1f us a whole call (a clock reading costs %" PRId64
	       " ns); %u transactions wait at the UAS\n",
	       rate, (double)uas.ns / 1000 / calls, (double)uac.ns / 1000 / calls, clock, st.live_transactions);
}

static void memory(unsigned calls)
{
	struct sip_stack_stats a, b;
	size_t before;

	now += 200000;
	tick(&uac);
	tick(&uas);
	malloc_trim(0);
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < calls; i++)
		begin();
	sip_stack_stats(uac.stack, &a);
	sip_stack_stats(uas.stack, &b);
	printf("memory of %u calls just answered: UAS %zu, UAC %zu bytes a call; both with malloc's overhead %zu\n", calls,
	       b.live_bytes / calls, a.live_bytes / calls, (mallinfo2().uordblks - before) / calls);
	now += 40000;
	tick(&uac);
	tick(&uas);
	settle();
	sip_stack_stats(uac.stack, &a);
	sip_stack_stats(uas.stack, &b);
	printf("memory of %u calls that stand:    UAS %zu, UAC %zu bytes a call; both with malloc's overhead %zu\n", calls,
	       b.live_bytes / calls, a.live_bytes / calls, (mallinfo2().uordblks - before) / calls);
}

int main(void)
{
	open_side(&uac, "192.0.2.1:5060");
	open_side(&uas, "192.0.2.2:5060");
	measure(200, 4000);
	measure(2000, 100000);
	memory(10000);
	sip_stack_free(uac.stack);
	sip_stack_free(uas.stack);

	return 0;
}
