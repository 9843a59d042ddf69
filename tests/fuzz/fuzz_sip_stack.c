/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/reg.h"
#include "sip/session.h"

/*
 * Bytes become a sequence of packets, ticks, failures and calls of the user against one stack. Packets are templates that name
 * what the stack itself has sent (tags, branches, Call-IDs), so that machines are reached and not only the parser.
 *
 * Checked: SIP_EV_ENDED once and last for each session; no event from inside of a function; nothing left when all have hung up
 * and 64*T1 are over.
 */
#define SESSIONS 64
#define SENT	 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct sip_stack *stack;
	struct sip_account *account;
	struct sip_reg *reg;
	struct sip_session *sessions[SESSIONS];
	unsigned count, serial;
	uint32_t refer_id;
	msec_t now;
	bool is_inside;
	const uint8_t *data;
	size_t left;
	char sent[SENT][4096]; /* the last messages of the stack */
	unsigned sent_count;
	uint64_t token;
};

static struct world w;

static uint8_t byte(void)
{
	if (!w.left)
		return 0;
	w.left--;

	return *w.data++;
}

static struct sip_session *pick(void)
{
	return w.count ? w.sessions[byte() % w.count] : NULL;
}

static void act(struct sip_session *s, uint8_t what);

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
	if (w.is_inside)
		abort();
	if (ev->type == SIP_EV_INCOMING) {
		if (w.count < SESSIONS)
			w.sessions[w.count++] = ev->session;
		else
			sip_session_hangup(ev->session, (struct span){0}, w.now);
	}
	if (ev->type == SIP_EV_REFER)
		w.refer_id = ev->refer_id;
	if (ev->type == SIP_EV_REG_GONE || (ev->reg && byte() % 16 == 15)) {
		sip_reg_free(w.reg);
		w.reg = NULL;
	}
	if (ev->type == SIP_EV_ENDED) {
		for (unsigned i = 0; i < w.count; i++)
			if (w.sessions[i] == ev->session) {
				w.sessions[i] = w.sessions[--w.count];
				return;
			}
		return;
	}
	if (ev->session && byte() & 1)
		act(ev->session, byte());
}

static void drain(void)
{
	struct sip_out out;

	while (sip_stack_out(w.stack, &out)) {
		char *to = w.sent[w.sent_count++ % SENT];

		span_copy(span(out.bytes.p, MIN(out.bytes.n, sizeof(w.sent[0]) - 1)), to, sizeof(w.sent[0]));
		w.token = out.token;
	}
}

static struct span line_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? span(at + strlen(name), strcspn(at + strlen(name), "\r")) : (struct span){"x", 1};
}

static void act(struct sip_session *s, uint8_t what)
{
	static const struct span sdps[] = {{NULL, 0}, {"v=0 one", 7}, {"v=0 two", 7}};
	static const int finals[] = {200, 486, 302, 401, 603, 503};
	struct sip_reply reply = {.status = 180 + what % 4, .sdp = sdps[what / 16 % 3], .is_reliable = what & 8};
	struct sip_refer refer = {.refer_to = SPAN_LIT("sip:c@192.0.2.9")};
	int err = 0;
	/* Nothing that the user does may tell events, unless it is done inside of one. */
	bool was = w.is_inside;

	w.is_inside = true;
	switch (what % 14) {
	case 0:
		err = sip_session_ring(s, &reply, w.now);
		break;
	case 1:
		reply.status = 200;
		err = sip_session_accept(s, &reply, w.now);
		break;
	case 2:
		reply.status = finals[1 + what / 14 % 5];
		err = sip_session_reject(s, &reply, w.now);
		break;
	case 3:
		sip_session_hangup(s, SPAN_LIT("Q.850;cause=16"), w.now);
		break;
	case 4:
		err = sip_session_offer(s, SPAN_LIT("v=0 offer"), w.now);
		break;
	case 5:
		err = sip_session_answer(s, SPAN_LIT("v=0 answer"), w.now);
		break;
	case 6:
		err = sip_session_refuse(s, 488, w.now);
		break;
	case 7:
		err = sip_session_ask_offer(s, w.now);
		break;
	case 8:
		err = sip_session_info(s, SPAN_LIT("a/b"), SPAN_LIT("c"), w.now);
		break;
	case 9:
		refer.replaces = what & 64 ? pick() : NULL;
		err = sip_session_refer(s, &refer, w.now);
		break;
	case 10:
		err = sip_session_refer_reply(s, w.refer_id, what & 32 ? 202 : 603, w.now);
		break;
	case 11:
		err = sip_session_refer_notify(s, w.refer_id, what & 32 ? 200 : 180, w.now);
		break;
	case 12:
		sip_session_set_account(s, what & 32 ? w.account : NULL);
		break;
	default:
		(void)sip_session_can_offer(s);
		break;
	}
	if (err > 0)
		abort();
	w.is_inside = was;
}

static void call(void)
{
	struct sip_session *s;
	uint8_t how = byte();
	struct sip_invite inv = {
		.account = w.account,
		.target = SPAN_LIT("sip:b@192.0.2.9"),
		.sdp = how & 1 ? SPAN_LIT("v=0 call") : (struct span){0},
		.require_100rel = how & 2,
		.expires_s = how & 4 ? 5 : 0,
	};

	if (w.count < SESSIONS && sip_session_invite(w.stack, &inv, w.now, &s) == 0)
		w.sessions[w.count++] = s;
}

static void feed(const char *text, size_t n)
{
	struct sip_packet pkt = {.bytes = span(text, n), .transport = byte() & 1 ? SIP_UDP : SIP_TCP};

	pkt.conn = pkt.transport == SIP_TCP ? 3 : 0;
	if (!addr_parse(SPAN_LIT("192.0.2.9:5060"), 5060, &pkt.source) ||
	    !addr_parse(SPAN_LIT("192.0.2.1:5060"), 5060, &pkt.local))
		abort();
	sip_stack_recv(w.stack, &pkt, w.now);
}

#define COMMON                                                                                               \
	"Contact: <sip:b@192.0.2.9;x=%d>\r\n%sSupported: 100rel, timer\r\nAllow: UPDATE, INVITE\r\n"         \
	"Max-Forwards: 70\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s"

static const char *const extras[] = {
	"", "Require: 100rel\r\nRSeq: 1\r\n", "Require: 100rel\r\nRSeq: 2\r\n", "Session-Expires: 90;refresher=uas\r\n",
	"Session-Expires: 60\r\n", "Min-SE: 200\r\n", "Event: refer\r\nSubscription-State: terminated\r\n",
	"Refer-To: <sip:d@192.0.2.9>\r\n", "Record-Route: <sip:r@192.0.2.8;lr>, <sip:192.0.2.7>\r\n",
	"WWW-Authenticate: Digest realm=\"r\",nonce=\"n\",qop=\"auth\"\r\n", "Retry-After: 3\r\n", "Expires: 60\r\n",
	"Reason: Q.850;cause=16;text=\"x\"\r\n", "Refer-Sub: false\r\n", "RAck: 1 1 INVITE\r\n", "Min-Expires: 400\r\n",
};

/* A response to something that the stack sent. */
static void respond(void)
{
	static const int statuses[] = {100, 180, 183, 200, 202, 401, 407, 408, 422, 423, 481, 486, 487, 491, 500, 503, 302};
	char text[8192];
	const char *req = w.sent[byte() % SENT];
	int status = statuses[byte() % ARRAY_LEN(statuses)];
	uint8_t how = byte();
	const char *body = how & 1 ? "v=0 theirs" : "";
	struct span via = line_of(req, "Via: "), to = line_of(req, "To: ");
	bool has_tag = to.n > 4 && memmem(to.p, to.n, "tag=", 4);
	int n = snprintf(text, sizeof(text),
			 "SIP/2.0 %d X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s%c\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n" COMMON,
			 status, SPAN_FMT(via), SPAN_FMT(line_of(req, "From: ")), SPAN_FMT(to),
			 has_tag ? "" : ";tag=t", has_tag ? ' ' : 'a' + how / 64, SPAN_FMT(line_of(req, "Call-ID: ")),
			 SPAN_FMT(line_of(req, "CSeq: ")), how / 32, extras[byte() % ARRAY_LEN(extras)],
			 *body ? "application/sdp" : "message/sipfrag", strlen(body), body);

	feed(text, MIN((size_t)n, sizeof(text) - 1));
}

/* A request of the peer: in a dialog that something sent tells of, or outside. */
static void ask(void)
{
	static const char *const methods[] = {"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY",
					      "OPTIONS", "MESSAGE", "SUBSCRIBE"};
	char text[8192];
	const char *sent = w.sent[byte() % SENT];
	const char *method = methods[byte() % ARRAY_LEN(methods)];
	uint8_t how = byte();
	bool is_response = strncmp(sent, "SIP/2.0", 7) == 0, is_new = how & 2;
	const char *body = how & 1 ? "v=0 theirs" : how & 4 ? "SIP/2.0 200 OK\r\n" : "";
	struct span from = is_new ? SPAN_LIT("<sip:b@192.0.2.9>;tag=b") : line_of(sent, is_response ? "From: " : "To: ");
	struct span to = is_new ? SPAN_LIT("<sip:a@192.0.2.1>") : line_of(sent, is_response ? "To: " : "From: ");
	char own_id[16];

	snprintf(own_id, sizeof(own_id), "id%u", how / 128 ? w.serial : 1);
	w.serial += !(how & 8);

	struct span call_id = is_new ? span_z(own_id) : line_of(sent, "Call-ID: ");
	int n = snprintf(text, sizeof(text),
			 "%s sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK%u;rport\r\nFrom: %.*s\r\n"
			 "To: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n" COMMON,
			 method, w.serial, SPAN_FMT(from), SPAN_FMT(to), SPAN_FMT(call_id),
			 how & 16 ? 1 : w.serial, method, how / 32, extras[byte() % ARRAY_LEN(extras)],
			 how & 1 ? "application/sdp" : "message/sipfrag", strlen(body), body);

	feed(text, MIN((size_t)n, sizeof(text) - 1));
}

static void raw(void)
{
	size_t want = byte() * 4u, n = MIN(w.left, want);
	const char *text = (const char *)w.data;

	w.data += n;
	w.left -= n;
	feed(text, n);
}

static void step(void)
{
	static const msec_t waits[] = {1, 10, 100, 500, 1000, 4000, 33000, 100000};
	struct sip_session *s;

	switch (byte() % 12) {
	case 0:
	case 1:
	case 2:
		respond();
		break;
	case 3:
	case 4:
	case 5:
		ask();
		break;
	case 6:
	case 7:
		s = pick();
		if (s)
			act(s, byte());
		break;
	case 8:
		w.now += waits[byte() % ARRAY_LEN(waits)];
		sip_stack_tick(w.stack, w.now);
		break;
	case 9:
		call();
		break;
	case 10:
		switch (byte() % 4) {
		case 0:
			sip_stack_send_failed(w.stack, w.token, -EIO, "it is raining", w.now);
			break;
		case 1:
			sip_stack_conn_lost(w.stack, 3, "somebody pulled the plug", w.now);
			break;
		case 2:
			sip_stack_sent_on(w.stack, w.token, 3);
			break;
		default:
			if (w.reg)
				sip_reg_refresh_now(w.reg, w.now);
			break;
		}
		break;
	default:
		raw();
		break;
	}
	drain();
}

static void open_world(const uint8_t *data, size_t size)
{
	struct sip_stack_params params = {.on_event = on_event, .user_agent = SPAN_LIT("fuzz"), .max_calls = SESSIONS};
	struct sip_account_params account = {.aor = SPAN_LIT("sip:a@192.0.2.9"), .password = SPAN_LIT("p"),
					     .sent_by = SPAN_LIT("192.0.2.1:5060")};
	struct sip_reg_params reg = {.learn_public = true};

	memset(&w, 0, sizeof(w));
	w.data = data;
	w.left = size;
	w.now = 1000;
	params.no_100rel = byte() & 1;
	params.no_session_timer = byte() & 1;
	if (sip_stack_new(&w.stack, &params, w.now) < 0 || sip_account_new(w.stack, &account, &w.account) < 0)
		abort();
	reg.account = w.account;
	reg.keepalive = byte() % 3;
	if (sip_reg_new(w.stack, &reg, w.now, &w.reg) < 0)
		abort();
	drain();
}

static void close_world(void)
{
	struct sip_stack_stats st;

	w.left = 0;
	sip_reg_free(w.reg);
	w.reg = NULL;
	for (int i = 0; i < 60; i++) {
		for (unsigned k = 0; k < w.count; k++)
			sip_session_hangup(w.sessions[k], (struct span){0}, w.now);
		w.now += 10000;
		sip_stack_tick(w.stack, w.now);
		drain();
	}
	sip_stack_stats(w.stack, &st);
	if (w.count || st.live_sessions || st.live_dialogs || st.live_transactions || st.live_timers)
		abort();
	sip_account_unref(w.account);
	sip_stack_free(w.stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_world(data, MIN(size, 2048));
	for (int steps = 0; w.left && steps < 200; steps++)
		step();
	close_world();

	return 0;
}
