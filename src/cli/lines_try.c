/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/lines_add.h"
#include "cli/trial_phone.h"
#include "sip/probe.h"

/*
 * The trial of a line: a small phone of its own with exactly the line that will be written. Each step waits for what it needs, says
 * what came of it in plain words with the remedy, and hands on to the next.
 *
 *	NAME ─▶ REACH ─▶ REGISTER ─▶ CALL (itself) ─▶ AUDIO ─▶ CALL (test number) ─▶ AUDIO ─▶ LEAVE ─▶ END
 */
#define TALK_MS	   2500
#define NAME_MS	   8000
#define REGISTER_MS 15000
#define RING_MS	   12000

enum step { TRY_NAME, TRY_REACH, TRY_REGISTER, TRY_CALL, TRY_AUDIO, TRY_LEAVE, TRY_END };

struct trial {
	const struct wish *w;
	const char *test_number;
	json_t *steps;
	bool is_bad;
	struct trial_phone p;
	uv_timer_t timer;
	enum step step;
	msec_t since;
	struct sip_probe *probe;
	bool is_probed;
	int probe_status;
	uint32_t probe_ms;
	unsigned calls; /* placed so far: 0, the one to itself, the one to the test number */
	const char *called;
	char call_id[CALL_ID_TEXT];
};

/* ---- words --------------------------------------------------------------------------------------------------------------- */

enum verdict { FINE, NOTED, BAD };

static void say(struct trial *t, enum verdict v, const char *what, const char *remedy, const char *fmt, ...) printf_like(5, 6);

static void say(struct trial *t, enum verdict v, const char *what, const char *remedy, const char *fmt, ...)
{
	static const char *const marks[] = {"ok  ", "note", "FAIL"};
	char text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->is_bad |= v == BAD;
	if (t->steps) {
		json_array_append_new(t->steps, json_pack("{s:s, s:s, s:s, s:s?}", "step", what, "verdict",
			v == FINE ? "ok" : v == NOTED ? "note" : "fail", "text", text, "remedy", remedy && remedy[0] ? remedy : NULL));
		return;
	}
	printf("  %s  %-12s %s\n", marks[v], what, text);
	if (remedy && remedy[0])
		printf("  %-18s %s\n", "", remedy);
	fflush(stdout);
}

static void go(struct trial *t, enum step step)
{
	t->step = step;
	t->since = clock_ms();
}

static msec_t waited(const struct trial *t)
{
	return clock_ms() - t->since;
}

/* ---- name and reachability ----------------------------------------------------------------------------------------------- */

static void try_name(struct trial *t)
{
	struct lines_target_info info[LIMIT_LINE_TARGETS];
	size_t n = lines_targets(t->p.x.lines, 0, info, ARRAY_LEN(info));
	const struct line_status *s = lines_status(t->p.x.lines, 0);
	char addr[ADDR_TEXT];
	struct addr literal;

	if (n) {
		addr_text(&info[0].target.addr, addr);
		if (addr_parse(span_z(t->w->server), 5060, &literal))
			say(t, FINE, "address", NULL, "%s needs no name", addr);
		else
			say(t, FINE, "name", NULL, "%s is %s%s", t->w->server, addr, n > 1 ? ", with others to fail over to" : "");
		go(t, TRY_REACH);
	} else if (s->state == LINE_FAILED || waited(t) > NAME_MS) {
		say(t, BAD, "name", "Check its spelling; ask `getent hosts NAME` on this machine; or give the IP address instead.",
			"%s cannot be resolved", t->w->server);
		go(t, TRY_LEAVE);
	}
}

static void begin_probe(struct trial *t)
{
	struct lines_target_info info;
	struct sip_probe_params p = {.account = lines_account(t->p.x.lines, 0), .answer_ms = 3000, .user = t};

	if (lines_targets(t->p.x.lines, 0, &info, 1) != 1)
		return;
	p.dest = (struct sip_dest){.transport = info.target.transport, .addr = info.target.addr, .host = span_z(info.server)};
	t->is_probed = sip_probe_send(t->p.phone->stack, &p, clock_ms(), &t->probe) != 0;
}

static void try_reach(struct trial *t)
{
	bool is_trunk = !t->w->preset->does_register;

	if (!t->probe && !t->is_probed) {
		begin_probe(t);
		return;
	}
	if (!t->is_probed)
		return;
	if (t->probe_status)
		say(t, FINE, "reachable", NULL, "it answers OPTIONS with %d after %u ms", t->probe_status, t->probe_ms);
	else
		say(t, is_trunk ? BAD : NOTED, "reachable",
			is_trunk ? "Check address, port and firewall; many carriers are silent until they know our address." :
				   "Some systems are silent to strangers: registration will tell.",
			"no answer to OPTIONS");
	go(t, t->w->preset->does_register ? TRY_REGISTER : t->test_number ? TRY_CALL : TRY_LEAVE);
	if (is_trunk)
		t->calls = 1; /* a trunk has nobody to call back to itself */
	if (is_trunk && t->is_bad)
		go(t, TRY_LEAVE);
}

/* ---- registration -------------------------------------------------------------------------------------------------------- */

static const char *registration_remedy(const struct trial *t, int status, char *buf, size_t cap)
{
	const struct line_preset *p = t->w->preset;

	if (status == 0 || status == 408 || status == 503)
		return "Nothing of use came back: check the address, the port (5060 unless the system says another) and the firewalls between.";
	if (status == 404)
		snprintf(buf, cap, "%s or %s is not known there.", p->extension_is, p->auth_is ? p->auth_is : "the authentication name");
	else if (status == 401 || status == 407)
		snprintf(buf, cap, "Compare %s%s%s with the system's page. %s", p->password_is, p->auth_is ? " and " : "",
			p->auth_is ? p->auth_is : "", p->note);
	else if (status == 403)
		snprintf(buf, cap, "The system forbids it: allowed addresses, User-Agent rules, or too many failed attempts. %s", p->note);
	else
		snprintf(buf, cap, "%s", p->note);

	return buf;
}

static void try_register(struct trial *t)
{
	const struct line_status *s = lines_status(t->p.x.lines, 0);
	char remedy[400];

	if (s->state == LINE_REGISTERED) {
		char seen[ADDR_TEXT] = "";
		bool is_nat = addr_is_set(&s->public_addr);

		if (is_nat)
			addr_text(&s->public_addr, seen);
		say(t, FINE, "registered", NULL, "for %u s%s%s", s->expires_s, is_nat ? "; it sees us as " : "", seen);
		go(t, TRY_CALL);
	} else if (s->state == LINE_FAILED || waited(t) > REGISTER_MS) {
		int status = s->state == LINE_FAILED ? s->sip_status : 0;

		say(t, BAD, "registered", registration_remedy(t, status, remedy, sizeof(remedy)), "%s",
			s->text[0] ? s->text : "no answer to REGISTER");
		go(t, TRY_LEAVE);
	}
}

/* ---- calls --------------------------------------------------------------------------------------------------------------- */

static void next_call(struct trial *t)
{
	t->call_id[0] = 0;
	t->calls++;
	go(t, t->calls == 1 && t->test_number ? TRY_CALL : TRY_LEAVE);
}

static void place_call(struct trial *t)
{
	struct control_dial d = {.target = t->calls == 0 ? t->w->extension : t->test_number, .line = t->w->name, .agent = "trial-tone"};
	struct call *call = NULL;
	char why[300] = "";

	t->called = d.target;
	if (exchange_dial(&t->p.x, &d, &call, why, sizeof(why)) == 0) {
		buf_copy(t->call_id, sizeof(t->call_id), call_record_of(call)->id);
		return;
	}
	say(t, NOTED, "call", NULL, "%s cannot be called: %s", t->called, why);
	next_call(t);
}

static void hang_up(struct trial *t)
{
	struct call *c = calls_find(t->p.phone->calls, t->call_id);

	if (c)
		call_hangup(c, CALL_END_US, "the trial is over");
}

static void try_call(struct trial *t)
{
	const struct call_record *r = t->call_id[0] ? calls_record(t->p.phone->calls, t->call_id) : NULL;
	bool is_self = t->calls == 0;

	if (!t->call_id[0]) {
		place_call(t);
		return;
	}
	if (r && r->state == CALL_UP && !is_self) {
		say(t, FINE, "call", NULL, "%s answered after %d ms, codec %s", t->called, (int)(r->answered_at - r->began_at), r->codec);
		go(t, TRY_AUDIO);
	} else if (r && r->state == CALL_UP) {
		say(t, FINE, "call", NULL, "a call to itself (%s) was answered after %d ms, codec %s", t->called,
			(int)(r->answered_at - r->began_at), r->codec);
		go(t, TRY_AUDIO);
	} else if (!r || r->state == CALL_ENDED) {
		/* Many systems let nobody call himself: that is no fault of the line. */
		say(t, is_self ? NOTED : BAD, "call",
			is_self ? "Systems often refuse a call to oneself. Call the line from a phone, or use --test-number with an echo." :
				  r ? r->remedy : "",
			"%s: %s", t->called, r && r->cause[0] ? r->cause : "not answered");
		next_call(t);
	} else if (waited(t) > RING_MS) {
		say(t, NOTED, "call", NULL, "%s rang for %d s and nobody answered", t->called, RING_MS / 1000);
		hang_up(t);
		next_call(t);
	}
}

static void judge_audio(struct trial *t, const struct call_record *r)
{
	uint64_t got = r->has_quality ? r->quality.rx_packets : 0;
	float share = r->is_recorded ? trial_phone_heard(r->recording) : 0;
	const char *remedy = "RTP does not come back: open the UDP ports of media.port_min to port_max, and see media.address behind NAT.";

	if (share > 0.5f)
		say(t, FINE, "audio", NULL, "both ways: our tone came back, %u packets, %u lost", (unsigned)got,
			(unsigned)r->quality.rtp.lost);
	else if (!got)
		say(t, BAD, "audio", remedy, "no packet came from the other side in %d ms", TALK_MS);
	else if (t->calls == 0)
		say(t, NOTED, "audio", "The system may play an announcement instead. Call the line from a phone to be sure.",
			"%u packets came, but not our own tone", (unsigned)got);
	else
		say(t, FINE, "audio", NULL, "%u packets came from %s; whether it heard us only an echo could tell", (unsigned)got, t->called);
}

static void try_audio(struct trial *t)
{
	const struct call_record *r = calls_record(t->p.phone->calls, t->call_id);
	bool is_over = r && r->state == CALL_ENDED && (r->is_recorded || !r->recording[0]) && r->has_quality;

	if (!r) {
		next_call(t);
	} else if (is_over || waited(t) > TALK_MS + 6000) {
		judge_audio(t, r);
		next_call(t);
	} else if (waited(t) > TALK_MS && r->state == CALL_UP) {
		hang_up(t);
	}
}

/* ---- the machine --------------------------------------------------------------------------------------------------------- */

static void try_leave(struct trial *t)
{
	if (!t->p.x.is_stopping) {
		t->p.x.is_stopping = true;
		calls_hangup_all(t->p.phone->calls, "the trial is over");
		lines_stop(t->p.x.lines, clock_ms());
	}
	if ((lines_is_idle(t->p.x.lines) && calls_count(t->p.phone->calls) == 0) || waited(t) > 3000)
		go(t, TRY_END);
}

static void on_timer(uv_timer_t *timer)
{
	struct trial *t = timer->data;
	static void (*const steps[])(struct trial *t) = {try_name, try_reach, try_register, try_call, try_audio, try_leave};

	lines_tick(t->p.x.lines, clock_ms());
	if (t->step == TRY_END)
		uv_stop(&t->p.phone->loop);
	else
		steps[t->step](t);
}

static void on_sip(void *ctx, const struct sip_stack_event *ev)
{
	struct trial *t = ctx;

	if (!ev->probe || ev->probe != t->probe) {
		exchange_on_sip(&t->p.x, ev);
		return;
	}
	t->probe_status = ev->status;
	t->probe_ms = sip_probe_age_ms(ev->probe, clock_ms());
	t->is_probed = true;
	t->probe = NULL;
}

/* The line as it will be written, in a configuration that makes a phone of it. */
static int open_phone(struct trial *t, char *ret_why, size_t cap)
{
	char item[2000], text[3000];
	size_t n = 0;
	struct trial_phone_params p = {.sip = "{ listen: [ \"udp:0.0.0.0:0\", \"tcp:0.0.0.0:0\" ] }",
		.media = "port_min: 30200, port_max: 30399", .routes = "  - { agent: trial-echo }\n", .lines = text, .on_sip = on_sip, .ctx = t};

	wish_yaml(t->w, t->w->password[0] ? "${env:TIPRING_TRIAL_SECRET}" : "", item, sizeof(item));
	for (const char *line = item; *line && n + 3 < sizeof(text);) {
		size_t len = strcspn(line, "\n");

		n += (size_t)snprintf(text + n, sizeof(text) - n, "  %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}

	return trial_phone_open(&t->p, &p, ret_why, cap);
}

static void run(struct trial *t)
{
	uv_timer_init(&t->p.phone->loop, &t->timer);
	t->timer.data = t;
	uv_timer_start(&t->timer, on_timer, 0, 50);
	go(t, TRY_NAME);
	phone_run(t->p.phone);
	uv_close((uv_handle_t *)&t->timer, NULL);
}

bool lines_try(const struct wish *w, const char *test_number, json_t *steps)
{
	struct trial t = {.w = w, .test_number = test_number, .steps = steps};
	char why[400] = "";

	if (!steps)
		printf("\nTrying it:\n");
	log_set_level(LOG_ERROR);
	setenv("TIPRING_TRIAL_SECRET", w->password, 1);
	if (open_phone(&t, why, sizeof(why)) != 0)
		say(&t, BAD, "phone", NULL, "%s", why[0] ? why : "the trial's phone could not be opened");
	else
		run(&t);
	unsetenv("TIPRING_TRIAL_SECRET");
	trial_phone_close(&t.p);

	return !t.is_bad;
}
