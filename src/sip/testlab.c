/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/* ---- events ---- */

static void copy(char *to, size_t n, struct span from)
{
	span_copy(span(from.p, MIN(from.n, n - 1)), to, n);
}

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
	struct lab_node *node = ctx;
	struct lab_event *e = &node->log[node->count % LAB_LOG];

	node->count++;
	*e = (struct lab_event){
		.type = ev->type,
		.session = ev->session ? sip_session_get_id(ev->session) : 0,
		.status = ev->status,
		.cause = ev->cause,
		.fork = ev->fork,
		.is_final = ev->is_final,
		.at = node->lab->now,
		.refer_id = ev->refer_id,
	};
	copy(e->sdp, sizeof(e->sdp), ev->sdp);
	copy(e->text, sizeof(e->text), ev->refer_to.n ? ev->refer_to : ev->body.n ? ev->body : ev->reason);
	if (ev->session)
		node->last = ev->type == SIP_EV_ENDED ? NULL : ev->session;
	if (node->lab->is_traced)
		print_message("%8" PRId64 "  %s  event %d status %d cause %d sdp [%.*s]\n", node->lab->now, node->host,
			      ev->type, ev->status, ev->cause, SPAN_FMT(ev->sdp));
	if (node->on_event)
		node->on_event(node, ev);
}

unsigned lab_count(const struct lab_node *node, enum sip_stack_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MIN(node->count, LAB_LOG); i++)
		n += node->log[i].type == type;

	return n;
}

const struct lab_event *lab_last(const struct lab_node *node, enum sip_stack_event_type type)
{
	for (unsigned i = MIN(node->count, LAB_LOG); i-- > 0;)
		if (node->log[i].type == type)
			return &node->log[i];
	fail_msg("%s: event %d never came", node->host, type);

	return NULL;
}

/* ---- life ---- */

void lab_init(struct lab *lab, uint64_t seed)
{
	*lab = (struct lab){.seed = seed | 1, .now = 1000, .delay = 1};
	list_init(&lab->flying);
}

struct lab_node *lab_add(struct lab *lab, const struct sip_stack_params *params)
{
	struct lab_node *node = &lab->nodes[lab->node_count];
	struct sip_stack_params p = params ? *params : (struct sip_stack_params){0};
	char ip[16];

	assert_true(lab->node_count < LAB_NODES);
	node->lab = lab;
	snprintf(ip, sizeof(ip), "192.0.2.%u", 10 + lab->node_count++);
	assert_true(addr_parse_ip(span_z(ip), 5060, &node->addr));
	addr_text(&node->addr, node->host);
	p.on_event = on_event;
	p.ctx = node;
	for (size_t i = 0; i < sizeof(p.seed); i++)
		p.seed[i] = (uint8_t)prng_u32(&lab->seed);
	if (!p.user_agent.n)
		p.user_agent = SPAN_LIT("Tipring-test");
	assert_int_equal(sip_stack_new(&node->stack, &p, lab->now), 0);
	node->account = lab_account(node, "alice", "secret");

	return node;
}

struct sip_account *lab_account(struct lab_node *node, const char *user, const char *password)
{
	char aor[128];
	struct sip_account *a;

	snprintf(aor, sizeof(aor), "sip:%s@192.0.2.99", user);

	struct sip_account_params p = {
		.aor = span_z(aor),
		.password = span_z(password),
		.transport = SIP_UDP,
		.sent_by = span_z(node->host),
	};

	assert_int_equal(sip_account_new(node->stack, &p, &a), 0);

	return a;
}

void lab_done(struct lab *lab)
{
	for (unsigned i = 0; i < lab->node_count; i++) {
		sip_stack_free(lab->nodes[i].stack);
		lab->nodes[i].stack = NULL;
	}
	list_each(&lab->flying, struct lab_packet, link, p)
		free(p);
	lab_raw_forget(lab);
}

/* ---- network ---- */

static void put(struct lab *lab, const struct lab_packet *p, struct span bytes, msec_t at)
{
	struct lab_packet *copy_of = malloc(sizeof(*copy_of) + bytes.n);
	struct list *before = &lab->flying;

	assert_non_null(copy_of);
	*copy_of = *p;
	copy_of->at = at;
	copy_of->n = bytes.n;
	memcpy(copy_of->bytes, bytes.p, bytes.n);
	while (before->prev != &lab->flying && container_of(before->prev, struct lab_packet, link)->at > at)
		before = before->prev;
	list_insert_before(before, &copy_of->link);
}

static bool chance(struct lab *lab, unsigned percent)
{
	return percent && prng_u32(&lab->seed) % 100 < percent;
}

static msec_t flight(struct lab *lab)
{
	return lab->delay + (lab->jitter ? (msec_t)(prng_u32(&lab->seed) % (uint32_t)lab->jitter) : 0);
}

static struct lab_node *owner(struct lab *lab, const struct addr *a)
{
	for (unsigned i = 0; i < lab->node_count; i++)
		if (addr_eq(&lab->nodes[i].addr, a))
			return &lab->nodes[i];

	return NULL;
}

static void keep_raw(struct lab *lab, const struct sip_out *out)
{
	assert_true(lab->raw_count < LAB_RAW);
	lab->raw[lab->raw_count] = span_dup(out->bytes);
	lab->raw_at[lab->raw_count] = lab->now;
	lab->raw_dest[lab->raw_count] = out->dest;
	lab->raw_dest[lab->raw_count].host = (struct span){0};
	lab->raw_token[lab->raw_count++] = out->token;
}

static void fly(struct lab *lab, const struct lab_packet *p, struct span bytes)
{
	if (chance(lab, lab->loss)) {
		lab->lost++;
		return;
	}
	put(lab, p, bytes, lab->now + flight(lab));
	if (chance(lab, lab->doubles))
		put(lab, p, bytes, lab->now + flight(lab));
}

static void send_out(struct lab_node *node, const struct sip_out *out)
{
	struct lab *lab = node->lab;
	struct lab_packet p = {.from = node->addr, .to = out->dest.addr, .transport = out->dest.transport};

	if (lab->is_traced)
		print_message("%8" PRId64 "  %s -> %.*s\n", lab->now, node->host,
			      (int)span_find(out->bytes, '\r'), out->bytes.p);
	if (addr_is_set(&lab->group) && addr_eq(&p.to, &lab->group)) {
		for (unsigned i = 1; i < lab->node_count; i++) {
			p.to = lab->nodes[i].addr;
			fly(lab, &p, out->bytes);
		}
	} else if (owner(lab, &p.to)) {
		fly(lab, &p, out->bytes);
	} else {
		keep_raw(lab, out);
	}
}

void lab_drain(struct lab *lab)
{
	struct sip_out out;

	for (unsigned i = 0; i < lab->node_count; i++)
		while (sip_stack_out(lab->nodes[i].stack, &out))
			send_out(&lab->nodes[i], &out);
}

static void deliver(struct lab *lab, struct lab_packet *p)
{
	struct lab_node *to = owner(lab, &p->to);
	struct sip_packet pkt = {
		.bytes = span(p->bytes, p->n),
		.transport = p->transport,
		.source = p->from,
		.local = p->to,
		.conn = p->transport == SIP_UDP ? 0 : 7,
	};

	list_unlink(&p->link);
	lab->delivered++;
	sip_stack_recv(to->stack, &pkt, lab->now);
	if (lab->is_traced && getenv("TIPRING_BYTES"))
		print_message("%.*s\n", SPAN_FMT(pkt.bytes));
	free(p);
	lab_drain(lab);
}

static msec_t next_time(struct lab *lab)
{
	struct lab_packet *p = list_first(&lab->flying, struct lab_packet, link);
	msec_t next = p ? p->at : NEVER;

	for (unsigned i = 0; i < lab->node_count; i++)
		next = MIN(next, sip_stack_next(lab->nodes[i].stack));

	return next;
}

msec_t lab_run(struct lab *lab, msec_t until)
{
	lab->is_interrupted = false;
	lab_drain(lab);
	for (;;) {
		msec_t next = next_time(lab);
		struct lab_packet *p;

		if (lab->is_interrupted)
			return lab->now;

		if (next > until)
			break;
		lab->now = MAX(lab->now, next);
		p = list_first(&lab->flying, struct lab_packet, link);
		if (p && p->at <= lab->now) {
			deliver(lab, p);
			continue;
		}
		for (unsigned i = 0; i < lab->node_count; i++)
			sip_stack_tick(lab->nodes[i].stack, lab->now);
		lab_drain(lab);
	}
	if (until != NEVER)
		lab->now = MAX(lab->now, until);

	return lab->now;
}

void lab_wait(struct lab *lab, msec_t ms)
{
	lab_run(lab, lab->now + ms);
}

/* ---- calls ---- */

struct sip_session *lab_call(struct lab_node *from, struct lab_node *to, const char *sdp)
{
	char target[ADDR_TEXT + 16];
	struct sip_session *s;

	snprintf(target, sizeof(target), "sip:bob@%s", to ? to->host : LAB_RAW_ADDR);

	struct sip_invite inv = {.account = from->account, .target = span_z(target), .sdp = span_z(sdp)};

	assert_int_equal(sip_session_invite(from->stack, &inv, from->lab->now, &s), 0);
	from->last = s;
	lab_drain(from->lab);

	return s;
}

void lab_accept(struct lab_node *node, const char *sdp)
{
	struct sip_reply reply = {.status = 200, .sdp = span_z(sdp)};

	assert_non_null(node->last);
	assert_int_equal(sip_session_accept(node->last, &reply, node->lab->now), 0);
	if (sip_stack_next(node->stack) != NEVER)
		lab_drain(node->lab);
}

/* ---- raw peers ---- */

static char *expand(const char *text)
{
	const char *body = strstr(text, "\n\n");
	size_t n = strlen(text) * 2 + 32, at = 0, body_n = body ? strlen(body + 2) : 0;
	char *out = calloc(1, n);

	assert_non_null(out);
	for (const char *p = text; *p && at + 16 < n; p++) {
		if (*p == '\n' && (!body || p < body + 2))
			at += (size_t)snprintf(out + at, n - at, "\r\n");
		else if (p[0] == '$' && p[1] == 'L') {
			at += (size_t)snprintf(out + at, n - at, "%zu", body_n);
			p++;
		} else
			out[at++] = *p;
	}

	return out;
}

void lab_inject_on(struct lab_node *node, const char *text, enum sip_transport transport)
{
	char *wire = expand(text);
	struct sip_packet pkt = {.bytes = span_z(wire), .transport = transport, .local = node->addr,
				 .conn = transport == SIP_UDP ? 0 : 7};

	assert_true(addr_parse(SPAN_LIT(LAB_RAW_ADDR), 5060, &pkt.source));
	if (node->lab->is_traced)
		print_message("%8" PRId64 "  %s <- %.*s\n", node->lab->now, node->host, (int)strcspn(wire, "\r"), wire);
	sip_stack_recv(node->stack, &pkt, node->lab->now);
	free(wire);
	lab_drain(node->lab);
}

void lab_inject(struct lab_node *node, const char *text)
{
	lab_inject_on(node, text, SIP_UDP);
}

const char *lab_raw(struct lab *lab, int n)
{
	lab_drain(lab);
	if (n < 0)
		n += (int)lab->raw_count;
	if (n < 0 || n >= (int)lab->raw_count)
		fail_msg("only %u messages went to the raw peer", lab->raw_count);

	return lab->raw[n];
}

void lab_raw_forget(struct lab *lab)
{
	for (unsigned i = 0; i < lab->raw_count; i++)
		free(lab->raw[i]);
	lab->raw_count = 0;
}

unsigned lab_raw_count(const struct lab *lab, const char *start)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lab->raw_count; i++)
		n += strncmp(lab->raw[i], start, strlen(start)) == 0;

	return n;
}

const char *lab_raw_last(const struct lab *lab, const char *start)
{
	for (unsigned i = lab->raw_count; i-- > 0;)
		if (strncmp(lab->raw[i], start, strlen(start)) == 0)
			return lab->raw[i];
	fail_msg("no \"%s\" went to the raw peer", start);

	return NULL;
}

const char *lab_header(const char *text, const char *name)
{
	static char values[8][512];
	static unsigned at;
	char *value = values[at++ % 8];
	size_t n = strlen(name);

	value[0] = 0;
	for (const char *line = text; line; line = strstr(line, "\r\n")) {
		if (*line == '\r')
			line += 2;
		if (*line == '\r' || !*line)
			break;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			span_copy(span_trim(span(line + n + 1, strcspn(line + n + 1, "\r"))), value, 512);
			break;
		}
	}

	return value;
}

void lab_answer(struct lab_node *node, const char *request, const char *status, const char *tag, const char *more,
		const char *body)
{
	char text[4096];
	const char *to = lab_header(request, "To");
	bool has_tag = strstr(to, ";tag=") != NULL;

	snprintf(text, sizeof(text), "SIP/2.0 %s\nVia: %s\nFrom: %s\nTo: %s%s%s\nCall-ID: %s\nCSeq: %s\n%s%sContent-Length: $L\n\n%s",
		 status, lab_header(request, "Via"), lab_header(request, "From"), to, tag && !has_tag ? ";tag=" : "",
		 tag && !has_tag ? tag : "", lab_header(request, "Call-ID"), lab_header(request, "CSeq"),
		 body ? "Content-Type: application/sdp\n" : "", more ? more : "", body ? body : "");
	lab_inject(node, text);
}

void lab_assert_empty(struct lab *lab)
{
	struct sip_stack_stats st;

	for (unsigned i = 0; i < lab->node_count; i++) {
		sip_stack_stats(lab->nodes[i].stack, &st);
		assert_int_equal(st.live_sessions, 0);
		assert_int_equal(st.live_dialogs, 0);
		assert_int_equal(st.live_transactions, 0);
		assert_int_equal(st.live_timers, 0);
	}
}
