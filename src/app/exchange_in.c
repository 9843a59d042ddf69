/* SPDX-License-Identifier: Apache-2.0 */
#include "app/exchange_priv.h"
#include "app/strangers.h"
#include "base/log.h"
#include "sip/msg.h"
#include "sip/session.h"

/* Calls in: which line, whether they may, which agent. */

#define NONCE_MS 60000

/* The called number as it stands: unescaped, without the parameters a user part may carry. */
static void plain_user(struct span user, char *ret, size_t cap)
{
	struct span number = span_cut(&user, ';');
	char text[200];

	if (sip_unescape(number, text, sizeof(text), &number) != 0)
		number = span(NULL, 0);
	number.n = MIN(number.n, cap - 1);
	(void)span_copy(number, ret, cap);
}

static int identify(struct exchange *x, const struct sip_msg *msg, const struct addr *source, uint32_t conn)
{
	const struct config *c = exchange_config(x);
	struct certified_conn peer = {x->phone->ua, conn};
	struct line_sender from = {.source = source, .is_server = lines_is_server, .servers = x->lines, .shows = certified_conn_shows,
		.peer = &peer};
	char to[128];

	plain_user(msg->uri.user, to, sizeof(to));

	return line_identify(c->lines, c->line_count, to, &from);
}

/* ---- credentials --------------------------------------------------------------------------------------------------------- */

static int ha1_of(void *arg, struct span user, enum sip_digest_alg alg, struct sip_digest_hex *ret)
{
	const struct line_config *l = arg;

	if (!span_eq_z(user, l->inbound_user))
		return -TR_ENOTFOUND;

	return sip_digest_ha1(ret, alg, user, SPAN_LIT("tipring"), span_z(l->inbound_password));
}

static void challenge(struct exchange *x, const struct sip_stack_event *ev, const struct sip_auth_server *server, bool is_stale)
{
	char headers[1200];
	struct sip_writer w;
	struct span lines;

	sip_writer_init(&w, headers, sizeof(headers));
	sip_write_challenges(&w, SIP_HDR_WWW_AUTHENTICATE, server, is_stale, clock_ms());
	x->challenged++;
	if (sip_writer_finish(&w, &lines) != 0 || sip_session_challenge(ev->session, 401, lines, clock_ms()) != 0)
		sip_session_hangup(ev->session, span(NULL, 0), clock_ms());
}

bool exchange_screen(void *ctx, const struct sip_stack_event *ev)
{
	struct exchange *x = ctx;
	int line = x->lines ? identify(x, ev->msg, &ev->packet->source, ev->packet->conn) : -1;
	const struct line_config *l = line >= 0 ? &exchange_config(x)->lines[line] : NULL;
	struct sip_auth_server server = {.key = span((const char *)x->nonce_key, sizeof(x->nonce_key)), .realm = SPAN_LIT("tipring"),
		.nonce_ttl_ms = NONCE_MS, .nc_table = x->nonces};
	struct sip_auth_check check = {.request = ev->msg, .id = SIP_HDR_AUTHORIZATION, .ha1 = ha1_of,
		.ha1_arg = (void *)(uintptr_t)l};
	char source[ADDR_TEXT];

	if (!l || !l->inbound_user)
		return false;

	enum sip_auth_result result = sip_auth_verify(&server, &check, clock_ms());

	if (result == SIP_AUTH_OK)
		return false;
	if (result == SIP_AUTH_REFUSED) {
		x->auth_refused++;
		ua_offence(x->phone->ua, &ev->packet->source, UA_OFFENCE_PASSWORD);
		log_warn("call.credentials_refused", LOG_STR("line", l->name), LOG_STR("source", addr_text(&ev->packet->source, source)));
	}
	challenge(x, ev, &server, result == SIP_AUTH_STALE);

	return true;
}

/* ---- the decision -------------------------------------------------------------------------------------------------------- */

static void read_caller(const struct line_config *l, const struct sip_msg *msg, struct call_caller *ret)
{
	struct line_identity id;

	identity_read(msg, l->trusts_identity, &id);
	*ret = (struct call_caller){.is_asserted = id.is_asserted, .is_private = id.is_private, .diversions = id.diversions};
	buf_copy(ret->name, sizeof(ret->name), id.name);
	buf_copy(ret->diverted_why, sizeof(ret->diverted_why), id.diverted_why);
	buf_copy(ret->language, sizeof(ret->language), id.language);
	number_normalise(&l->numbers, id.number, ret->number);
	number_normalise(&l->numbers, id.diverted_from, ret->diverted_from);
	number_normalise(&l->numbers, id.dialled_first, ret->dialled_first);
}

static int refuse_full(const struct line_config *l, const struct usage_slot *use, enum usage_verdict v, char *ret_why, size_t cap)
{
	if (v == USAGE_CHANNELS)
		snprintf(ret_why, cap, "line %s has %u calls, its max_calls", l->name, use->calls);
	else
		snprintf(ret_why, cap, "line %s gets more than its max_calls_per_second, %u", l->name, l->max_cps);
	log_warn("line.full", LOG_STR("line", l->name), LOG_STR("why", ret_why));

	return v == USAGE_CHANNELS ? l->full_status : 503;
}

static size_t agent_index(const struct config *c, const char *name)
{
	return (size_t)(config_agent_find(c, name) - c->agents);
}

/* The route of a call whose line is known and has room for it. */
static int decide(struct exchange *x, const struct line_config *l, const struct call_incoming *in, struct call_caller *who,
	const struct route_config **ret, char *ret_why, size_t cap)
{
	const struct config *c = exchange_config(x);
	char to[128], to_e164[NUMBER_TEXT], from[128];

	plain_user(in->msg->uri.user, to, sizeof(to));
	number_normalise(&l->numbers, to, to_e164);
	read_caller(l, in->msg, who);
	buf_copy(from, sizeof(from), who->is_private && !who->is_asserted ? "anonymous" : in->from_user);
	if (who->is_asserted)
		buf_copy(from, sizeof(from), who->number);

	struct route_request rq = {.line = l->name, .to = to, .to_e164 = to_e164, .from = from, .from_e164 = who->number,
		.language = who->language, .now_unix_s = clock_wall_ms() / 1000, .calls_of = exchange_calls_of, .ctx = x};
	const struct route_config *r = route_decide(c->routes, c->route_count, &rq, ret_why, cap);

	*ret = r;

	return !r ? 404 : r->reject;
}

/* ---- parked callers ------------------------------------------------------------------------------------------------------ */

/* A slot of the car park, dialled where that is allowed; 0: something else. */
static uint32_t dialled_slot(const struct config *c, const struct line_config *l, const struct call_incoming *in)
{
	char to[128];
	uint32_t slot;

	plain_user(in->msg->uri.user, to, sizeof(to));
	if (!span_u32(span_z(to), &slot) || !c->park.first || slot < c->park.first || slot > c->park.last)
		return 0;
	for (const char *const *name = c->park_lines; name && *name; name++)
		if (!strcmp(*name, l->name))
			return slot;

	return 0;
}

struct fetch {
	const struct line_config *line;
	struct usage_slot *use;
	uint32_t slot;
};

static int fetch(struct exchange *x, struct fetch f, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	bool is_there = calls_is_parked(x->phone->calls, f.slot);
	struct ticket *t = is_there ? ticket_new(x, NO_AGENT, f.line, f.use, ret_plan) : NULL;

	snprintf(ret_why, cap, is_there ? "slot %u of the car park" : "nobody is parked in slot %u", f.slot);
	if (!t) {
		usage_end(f.use);
		return is_there ? 503 : 404;
	}
	ret_plan->brain = CALL_BRAIN_LEG;
	ret_plan->retrieves = f.slot;

	return 0;
}

int exchange_route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	struct exchange *x = ctx;
	const struct config *c = exchange_config(x);
	const struct route_config *r;
	struct call_caller who;
	char source[ADDR_TEXT];

	if (x->is_stopping || ua_is_overloaded(x->phone->ua)) {
		snprintf(ret_why, cap, "%s", x->is_stopping ? "the daemon is stopping" : "the daemon is overloaded");
		return 503;
	}

	int line = identify(x, in->msg, in->source, in->conn);

	if (line < 0) {
		snprintf(ret_why, cap, "the call from %s belongs to no line: name its address under allow of a trunk or local line",
			addr_text(in->source, source));
		return 403;
	}
	ua_trust(x->phone->ua, in->source);

	const struct line_config *l = &c->lines[line];
	struct usage_slot *use = usage_slot(x->usage, l->name);
	enum usage_verdict v = usage_begin(use, l->max_calls, l->max_cps, clock_ms());

	ret_plan->line = l->name;
	if (v != USAGE_OK)
		return refuse_full(l, use, v, ret_why, cap);

	uint32_t slot = dialled_slot(c, l, in);

	if (slot)
		return fetch(x, (struct fetch){l, use, slot}, ret_plan, ret_why, cap);

	int status = decide(x, l, in, &who, &r, ret_why, cap);
	struct ticket *t = status ? NULL : ticket_new(x, agent_index(c, r->agent), l, use, ret_plan);

	if (!t) {
		usage_end(use);
		return status ? status : 503;
	}
	t->who = who;
	ret_plan->who = &t->who;

	return 0;
}
