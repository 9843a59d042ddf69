/* SPDX-License-Identifier: Apache-2.0 */
#include "app/phone.h"
#include "app/engines.h"
#include "base/log.h"
#include "sip/msg.h"

#define REFUSED_LOG_MS 1000

static void on_event(void *ctx, const struct sip_stack_event *ev)
{
	struct phone *ph = ctx;

	if (ev->type == SIP_EV_INCOMING && ph->p.screen && ph->p.screen(ph->p.ctx, ev))
		return;
	if (ev->session || ev->type == SIP_EV_INCOMING)
		calls_on_sip(ph->calls, ev);
	else if (ph->p.on_sip)
		ph->p.on_sip(ph->p.ctx, ev);
}

/* The Call-ID without parsing the message: what follows "\nCall-ID:" or its compact form "\ni:". */
static struct span find_call_id(struct span bytes)
{
	for (struct span rest = bytes, line; rest.p;) {
		line = span_cut(&rest, '\n');

		struct span name = span_trim(span_cut(&line, ':'));

		if (span_ieq_z(name, "Call-ID") || span_ieq_z(name, "i"))
			return span_trim(line);
		if (name.n == 0)
			break;
	}

	return span(NULL, 0);
}

static const char *transport_text(enum sip_transport t)
{
	static const char *const words[SIP_TRANSPORT_COUNT] = {
		[SIP_UDP] = "UDP", [SIP_TCP] = "TCP", [SIP_TLS] = "TLS", [SIP_WS] = "WS", [SIP_WSS] = "WSS"};

	return words[t] ? words[t] : "?";
}

/* Keys in an INFO of a sensitive part are not recorded: bytes become those of a copy then. */
static void hide_keys(const struct phone *ph, struct span call_id, struct span *bytes, char copy[static LIMIT_TRACE_MESSAGE_BYTES])
{
	char *body;

	if (!span_istarts(*bytes, "INFO ") || !ph->calls || !calls_is_sensitive(ph->calls, call_id))
		return;
	bytes->n = MIN(bytes->n, (size_t)LIMIT_TRACE_MESSAGE_BYTES);
	memcpy(copy, bytes->p, bytes->n);
	body = memmem(copy, bytes->n, "\r\n\r\n", 4);
	for (; body && body < copy + bytes->n; body++)
		if (strchr("0123456789*#ABCD", *body) && *body)
			*body = '*';
	bytes->p = copy;
}

static void on_trace(void *ctx, const struct ua_trace *t)
{
	struct phone *ph = ctx;
	struct trace_message m = {.wall_us = ph->wall_offset_us + t->at_us, .is_out = t->is_out,
		.transport = transport_text(t->transport), .local = t->local, .remote = t->remote,
		.call_id = find_call_id(t->bytes), .bytes = t->bytes};

	char copy[LIMIT_TRACE_MESSAGE_BYTES];

	hide_keys(ph, m.call_id, &m.bytes, copy);
	trace_add(ph->trace, &m);
	if (ph->p.on_message)
		ph->p.on_message(ph->p.ctx, &m);
}

static void on_refused(void *ctx, const struct addr *source, enum ua_refusal why, const char *words)
{
	static const char *const kinds[] = {"rate", "junk", "connections", "framing", "slow", "tls", "websocket"};
	struct phone *ph = ctx;
	char text[ADDR_TEXT];
	msec_t now = clock_ms();

	/* Whoever sets up a phone wants to read why it does not get in; scanners must not fill the log with it. */
	if (words && now - ph->refused_at >= REFUSED_LOG_MS) {
		ph->refused_at = now;
		log_info("sip.handshake_refused", LOG_STR("source", addr_text(source, text)), LOG_STR("why", words));
		return;
	}
	log_debug("sip.refused", LOG_STR("source", addr_text(source, text)), LOG_STR("kind", kinds[why]), LOG_STR("why", words ? words : ""));
}

static bool is_welcome(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg)
{
	struct phone *ph = ctx;

	return !ph->p.is_welcome || ph->p.is_welcome(ph->p.ctx, pkt, msg);
}

static void on_banned(void *ctx, const struct addr *source, enum ua_offence what, uint32_t ban_ms)
{
	struct phone *ph = ctx;

	if (ph->p.on_banned)
		ph->p.on_banned(ph->p.ctx, source, what, ban_ms);
}

static void on_network_change(void *ctx)
{
	struct phone *ph = ctx;

	if (ph->p.on_network_change)
		ph->p.on_network_change(ph->p.ctx);
}

static int open_sip(struct phone *ph, char *ret_why, size_t cap)
{
	struct sip_stack_params sp = {.on_event = on_event, .is_welcome = is_welcome, .ctx = ph, .user_agent = span_z(ph->p.user_agent),
		.max_calls = ph->p.max_calls};
	struct ua_params up = {.loop = &ph->loop, .listens = ph->p.listens, .listen_count = ph->p.listen_count,
		.tls_server = ph->p.tls_server,
		.dns_servers = ph->p.dns_servers,
		.hooks = {.on_trace = on_trace, .on_network_change = on_network_change, .on_refused = on_refused,
			  .on_banned = on_banned, .ctx = ph}};
	unsigned bad = 0;
	char text[ADDR_TEXT];

	random_bytes(sp.seed, sizeof(sp.seed));

	int err = sip_stack_new(&ph->stack, &sp, clock_ms());

	if (err)
		return err;

	up.stack = ph->stack;
	err = ua_new(&up, &ph->ua, &bad);
	if (err && bad < ph->p.listen_count)
		snprintf(ret_why, cap, "cannot listen on %s %s: %s%s", transport_text(ph->p.listens[bad].transport),
			addr_text(&ph->p.listens[bad].addr, text), err_text(err),
			err == -EADDRINUSE ? " (another SIP program runs here: stop it, or change sip.listen)" : "");

	return err;
}

int phone_new(struct phone **ret, const struct phone_params *params, char *ret_why, size_t cap)
{
	struct phone *ph = mem_zalloc(sizeof(*ph));
	struct calls_params cp = {.media = params->media, .hooks = params->hooks, .announce = params->announce,
		.rtp_timeout_ms = params->rtp_timeout_ms};

	ph->p = *params;
	snprintf(ret_why, cap, "%s", "");
	uv_loop_init(&ph->loop);
	ph->trace = trace_new(LIMIT_TRACE_BYTES);
	ph->wall_offset_us = clock_wall_ms() * 1000 - clock_us();

	int err = open_sip(ph, ret_why, cap);

	cp.loop = &ph->loop;
	cp.stack = ph->stack;
	if (!err)
		err = calls_new(&ph->calls, &cp);
	if (!err)
		err = engines_new(&ph->engines, calls_agent(ph->calls), &params->engines, ret_why, cap);
	if (!err)
		err = calls_start(ph->calls);
	if (err) {
		if (!ret_why[0])
			snprintf(ret_why, cap, "%s", err_text(err));
		phone_free(ph);
		return err;
	}
	ph->p.engines.flows = NULL; /* borrowed until now */
	ph->p.engines.flow_count = 0;
	ph->p.engines.config = NULL;
	*ret = ph;

	return 0;
}

int phone_account(
	struct phone *ph, const char *user, enum sip_transport transport, const struct addr *local, struct sip_account **ret)
{
	char sent_by[ADDR_TEXT], aor[ADDR_TEXT + 80];
	int err = buf_format(aor, sizeof(aor), "sip:%s@%s", user, addr_text(local, sent_by));
	struct sip_account_params p = {.aor = span_z(aor), .sent_by = span_z(sent_by), .transport = transport};

	return err ? err : sip_account_new(ph->stack, &p, ret);
}

void phone_run(struct phone *ph)
{
	uv_run(&ph->loop, UV_RUN_DEFAULT);
}

/* The order of agent.h: the agent thread stops, then engines go, then the agent itself (in calls_free). */
struct phone *phone_free(struct phone *ph)
{
	if (!ph)
		return NULL;

	if (ph->calls)
		agent_stop(calls_agent(ph->calls));
	engines_free(ph->engines);
	ua_close(ph->ua);
	calls_free(ph->calls);
	uv_run(&ph->loop, UV_RUN_NOWAIT);
	sip_stack_free(ph->stack);
	trace_free(ph->trace);
	while (uv_loop_close(&ph->loop) == UV_EBUSY && uv_run(&ph->loop, UV_RUN_NOWAIT))
		;
	free(ph);

	return NULL;
}
