/* SPDX-License-Identifier: Apache-2.0 */
#include "app/daemon.h"
#include "api/http.h"
#include "app/phone.h"
#include "app/engines.h"
#include "app/snapshot.h"
#include "base/log.h"
#include "net/netwatch.h"
#include "sip/msg.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define STOP_MS 3000 /* what hanging up and unregistering may take at the end */

struct daemon {
	const char *path;
	struct snapshot *snap;
	struct phone *phone;
	struct lines *lines;
	struct api_http *http;
	struct control_target control;
	uv_signal_t signals[3];
	uv_timer_t stop_timer;
	msec_t stop_at;
	bool is_stopping;
};

/* ---- whose call is it ------------------------------------------------------------------------------------------------ */

static size_t agent_index(const struct config *c, const char *name)
{
	return (size_t)(config_agent_find(c, name) - c->agents);
}

/* Lists of names that end with NULL, as call.h wants them; empty means all. */
static const char *const *line_codecs(const struct line_config *line)
{
	return line->codecs[0] ? line->codecs : NULL;
}

static void fill_line(struct daemon *d, size_t line, struct call_plan *plan)
{
	const struct line_config *config = &d->snap->config->lines[line];

	plan->line = config->name;
	plan->account = lines_account(d->lines, line);
	plan->codecs = line_codecs(config);
	plan->domain = config->domain ? config->domain : config->server;
}

static int route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	struct daemon *d = ctx;
	const struct config *c = d->snap->config;
	char source[ADDR_TEXT];
	int line = line_identify(c->lines, c->line_count, in->to_user, in->source, lines_is_server, d->lines);

	if (d->is_stopping || ua_is_overloaded(d->phone->ua)) {
		snprintf(ret_why, cap, "%s", d->is_stopping ? "the daemon is stopping" : "the daemon is overloaded");
		return 503;
	}
	if (line < 0) {
		snprintf(ret_why, cap, "the call from %s belongs to no line: name its address under allow of a trunk or local line",
			addr_text(in->source, source));
		return 403;
	}
	ua_trust(d->phone->ua, in->source);

	struct line_request rq = {.line = c->lines[line].name, .to = in->to_user, .from = in->from_user};
	const struct route_config *r = route_decide(c->routes, c->route_count, &rq, ret_why, cap);

	if (!r)
		return 404;
	snapshot_plan(d->snap, agent_index(c, r->agent), ret_plan);
	fill_line(d, (size_t)line, ret_plan);

	return 0;
}

static void release(void *ctx, void *owner)
{
	snapshot_unref(owner);
}

/* ---- what happened ----------------------------------------------------------------------------------------------------- */

static void call_changed_log(void *ctx, const struct call_record *r, const char *what)
{
	char peer[ADDR_TEXT];
	const struct call_line *line = r->line_count ? &r->lines[r->line_count - 1] : NULL;
	static const char *const who[] = {"caller", "agent", "system"};

	if (!strcmp(what, "ringing"))
		log_info("call.ringing", LOG_STR("call", r->id), LOG_STR("direction", r->is_outgoing ? "out" : "in"),
			LOG_STR("line", r->line), LOG_STR("from", r->from), LOG_STR("to", r->to),
			LOG_STR("peer", addr_text(&r->peer, peer)), LOG_STR("route", r->route));
	else if (!strcmp(what, "up") && r->answered_at)
		log_info("call.answered", LOG_STR("call", r->id), LOG_STR("codec", r->codec), LOG_STR("agent", r->agent),
			LOG_INT("setup_ms", r->answered_at - r->began_at));
	else if (!strcmp(what, "said") && line)
		log_info("call.said", LOG_STR("call", r->id), LOG_STR("who", who[line->who]), LOG_STR("text", line->text),
			LOG_INT("at_ms", line->at));
	else if (!strcmp(what, "closed"))
		log_info("call.ended", LOG_STR("call", r->id), LOG_STR("by", call_end_name(r->ended_by)), LOG_STR("cause", r->cause),
			LOG_INT("talk_ms", r->answered_at ? r->ended_at - r->answered_at : 0),
			LOG_FLOAT("mos", r->has_quality ? (double)r->quality.rtp.mos_avg : 0.0), LOG_STR("remedy", r->remedy));
}

static void line_changed_log(void *ctx, const struct line_status *s)
{
	if (s->state == LINE_REGISTERED)
		log_info("line.registered", LOG_STR("line", s->config->name), LOG_STR("server", s->config->server),
			LOG_INT("expires_s", s->expires_s));
	else if (s->state == LINE_FAILED)
		log_warn("line.failed", LOG_STR("line", s->config->name), LOG_STR("server", s->config->server),
			LOG_INT("status", s->sip_status), LOG_STR("why", s->text),
			LOG_INT("retry_in_ms", s->retry_at == NEVER ? -1 : s->retry_at - clock_ms()));
}

/* Registrations; the rest is answered by the stack as it should be. */
static void on_sip(void *ctx, const struct sip_stack_event *ev)
{
	struct daemon *d = ctx;

	if (!ev->reg || !d->lines)
		return;
	if (ev->type == SIP_EV_REG_OK && ev->packet)
		ua_trust(d->phone->ua, &ev->packet->source);
	lines_on_sip(d->lines, ev, clock_ms());
}

static void on_network_change(void *ctx)
{
	struct daemon *d = ctx;

	log_info("network.changed");
	if (d->lines)
		lines_refresh(d->lines, clock_ms());
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

/* Without a literal address: the one that a packet to the outside would leave from. */
static bool local_for(void *ctx, const struct line_config *line, struct addr *ret)
{
	struct daemon *d = ctx;
	struct addr server;
	const char *where = line->outbound_proxy ? line->outbound_proxy : line->server;

	if (!addr_parse(span_z(where), 5060, &server) && !addr_parse_ip(SPAN_LIT("198.51.100.1"), 5060, &server))
		return false;

	return ua_local_addr(d->phone->ua, line->transport == LINE_TCP ? SIP_TCP : SIP_UDP, &server, ret) == 0;
}

/* Puts the lines of a configuration in the place of those before; on failure nothing has changed. */
static int start_lines(struct daemon *d, const struct config *c)
{
	struct lines_params p = {.stack = d->phone->stack, .local_for = local_for, .changed = line_changed_log, .ctx = d};
	struct lines *fresh;
	int err = lines_new(&fresh, &p, c->lines, c->line_count, clock_ms());

	if (err)
		return err;
	lines_free(d->lines);
	d->lines = d->control.lines = fresh;

	return 0;
}

/* ---- acting for the API -------------------------------------------------------------------------------------------------- */

static int find_line(struct daemon *d, const char *name, char *ret_why, size_t cap)
{
	const struct config *c = d->snap->config;

	for (size_t i = 0; i < c->line_count; i++)
		if (name ? !strcmp(c->lines[i].name, name) : lines_account(d->lines, i) != NULL)
			return (int)i;
	if (name)
		snprintf(ret_why, cap, "there is no line %s", name);

	return name ? -TR_ENOTFOUND : (int)c->line_count;
}

static int find_agent(struct daemon *d, const char *name, char *ret_why, size_t cap)
{
	const struct config *c = d->snap->config;

	if (!c->agent_count || (name && !config_agent_find(c, name))) {
		snprintf(ret_why, cap, name ? "there is no agent %s" : "no agent is configured%s", name ? name : "");
		return -TR_ENOTFOUND;
	}

	return name ? (int)agent_index(c, name) : 0;
}

/* Our media address towards the next hop: that of the SIP listener that would be used. */
static int local_to(struct daemon *d, const char *target, const struct line_config *line, struct addr *ret)
{
	struct span uri_text = span_z(target);
	struct sip_uri uri;
	struct addr peer;

	if (line && line->server)
		return local_for(d, line, ret) ? 0 : -TR_ETRANSPORT;
	if (sip_uri_parse(&uri, uri_text) != 0)
		return -TR_EPARSE;
	if (!addr_parse_ip(uri.host, 5060, &peer) && !addr_parse_ip(SPAN_LIT("198.51.100.1"), 5060, &peer))
		return -TR_ETRANSPORT;

	return ua_local_addr(d->phone->ua, SIP_UDP, &peer, ret);
}

static int dial(void *ctx, const char *target, const char *line_name, const char *agent_name, struct call **ret, char *ret_why,
	size_t cap)
{
	struct daemon *d = ctx;
	const struct config *c = d->snap->config;
	struct call_dial cd = {0};
	struct addr local;
	char uri[300];
	int line = find_line(d, line_name, ret_why, cap), agent = find_agent(d, agent_name, ret_why, cap);

	if (line < 0 || agent < 0)
		return line < 0 ? line : agent;

	const struct line_config *lc = (size_t)line < c->line_count ? &c->lines[line] : NULL;
	bool is_uri = !strncmp(target, "sip:", 4) || !strncmp(target, "sips:", 5);

	if (!is_uri && (!lc || !lc->server)) {
		snprintf(ret_why, cap, "a number needs a line with a server; otherwise give a SIP URI (sip:name@host)");
		return -EINVAL;
	}
	if (buf_format(uri, sizeof(uri), is_uri ? "%s" : "sip:%s@%s", target, lc ? (lc->domain ? lc->domain : lc->server) : "") != 0)
		return -TR_ETOOBIG;

	int err = local_to(d, uri, lc, &local);

	if (err) {
		snprintf(ret_why, cap, "%s cannot be reached from here: %s", uri, err_text(err));
		return err;
	}
	snapshot_plan(d->snap, (size_t)agent, &cd.plan);
	if (lc)
		fill_line(d, (size_t)line, &cd.plan);
	cd.target = uri;
	cd.local = &local;

	struct sip_account *self = NULL;

	if (!cd.plan.account) {
		err = phone_account(d->phone, "tipring", &local, &self);
		cd.plan.account = self;
	}
	if (err)
		snapshot_unref(cd.plan.owner);
	else
		err = calls_dial(d->phone->calls, &cd, ret);
	sip_account_unref(self);

	return err;
}

/* Whether recognition and mind are needed: they take seconds to load. */
static bool wants_ears(const struct config *c)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (c->agents[i].kind == AGENT_PIPELINE)
			return true;

	return false;
}

static int reload(void *ctx, json_t *answer)
{
	struct daemon *d = ctx;
	static struct config_errors errors;
	struct snapshot *fresh = NULL;
	char why[400] = "";
	int err = -TR_ECONFIG;

	errors.count = 0;

	struct config *config = config_load(d->path, &errors);

	if (config && wants_ears(config) && !d->phone->p.has_ears) {
		snprintf(why, sizeof(why), "the new file has the first agent that listens: restart the daemon for it");
		config_free(config);
	} else if (config) {
		err = snapshot_new(&fresh, config, why, sizeof(why));
	}
	/* The same bindings are registered anew; what is gone from the file runs out by itself at the registrar. */
	if (!err)
		err = start_lines(d, fresh->config);
	if (!err) {
		snapshot_unref(d->snap);
		d->snap = fresh;
		engines_set_flows(d->phone->engines, fresh->flows, fresh->config->agent_count);
		log_set_level(fresh->config->log.level);
		log_info("config.reloaded", LOG_STR("file", d->path));
		return 0;
	}
	snapshot_unref(fresh);

	json_t *list = json_array();

	for (size_t i = 0; i < MIN(errors.count, (size_t)LIMIT_CONFIG_ERRORS); i++) {
		char text[500];

		snprintf(text, sizeof(text), "%s:%d: %s", d->path, errors.list[i].line, errors.list[i].text);
		log_error("config.bad", LOG_STR("at", text));
		json_array_append_new(list, json_string(text));
	}
	if (why[0])
		json_array_append_new(list, json_string(why));
	json_object_set_new(answer, "errors", list);
	log_error("config.kept", LOG_STR("why", "the new file has errors; the running configuration stays"));

	return err;
}

static void stats(void *ctx, json_t *answer)
{
	struct daemon *d = ctx;
	struct sip_stack_stats sip;
	struct media_engine_stats media;
	struct ua_stats ua;
	struct agent_stats agent = agent_stats(calls_agent(d->phone->calls));

	sip_stack_stats(d->phone->stack, &sip);
	media_engine_stats(calls_media(d->phone->calls), &media);
	ua_stats(d->phone->ua, &ua);
	json_object_set_new(answer, "sip",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:I}", "received", (json_int_t)sip.received, "sent", (json_int_t)sip.sent,
			"retransmitted", (json_int_t)sip.retransmitted, "bad", (json_int_t)sip.bad_messages, "overload_503",
			(json_int_t)sip.overload_503, "sessions", (int)sip.live_sessions, "transactions", (int)sip.live_transactions, "bytes",
			(json_int_t)sip.live_bytes));
	json_object_set_new(answer, "net",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "udp_in", (json_int_t)ua.udp_in, "udp_out", (json_int_t)ua.udp_out, "tcp_in",
			(json_int_t)ua.tcp_in, "tcp_out", (json_int_t)ua.tcp_out, "junk", (json_int_t)ua.junk, "rate_limited",
			(json_int_t)ua.rate_limited));
	json_object_set_new(answer, "media",
		json_pack("{s:i,s:i,s:I,s:I}", "streams", (int)media.streams, "ports_free", (int)media.ports_free, "opened",
			(json_int_t)media.opened, "refused", (json_int_t)media.refused));
	json_object_set_new(answer, "agent",
		json_pack("{s:i,s:I,s:I}", "calls", (int)agent.calls, "started", (json_int_t)agent.started, "refused",
			(json_int_t)agent.refused));
	json_object_set_new(answer, "log_dropped", json_integer((json_int_t)log_dropped()));
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static void check_stopped(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	bool is_done = calls_count(d->phone->calls) == 0 && lines_is_idle(d->lines);

	if (is_done || clock_ms() >= d->stop_at)
		uv_stop(&d->phone->loop);
}

static void begin_stop(struct daemon *d)
{
	if (d->is_stopping) {
		uv_stop(&d->phone->loop);
		return;
	}
	log_info("daemon.stopping", LOG_INT("calls", calls_count(d->phone->calls)));
	d->is_stopping = true;
	d->stop_at = clock_ms() + STOP_MS;
	calls_hangup_all(d->phone->calls, "the daemon is stopping");
	lines_stop(d->lines, clock_ms());
	uv_timer_start(&d->stop_timer, check_stopped, 0, 20);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;
	json_t *answer;

	if (number != SIGHUP) {
		begin_stop(d);
		return;
	}
	answer = json_object();
	if (reload(d, answer) != 0)
		log_warn("config.reload_failed");
	json_decref(answer);
}

static void watch_signals(struct daemon *d)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&d->phone->loop, &d->signals[i]);
		d->signals[i].data = d;
		uv_signal_start(&d->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&d->phone->loop, &d->stop_timer);
	d->stop_timer.data = d;
}

static void close_handles(struct daemon *d)
{
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		if (d->signals[i].loop)
			uv_close((uv_handle_t *)&d->signals[i], NULL);
	if (d->stop_timer.loop)
		uv_close((uv_handle_t *)&d->stop_timer, NULL);
}

static void raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int open_phone(struct daemon *d, char *ret_why, size_t cap)
{
	const struct config *c = d->snap->config;
	struct ua_listen listens[CONFIG_LISTEN];
	struct phone_params p = {.listens = listens, .listen_count = (unsigned)c->sip.listen_count,
		.user_agent = c->sip.user_agent ? c->sip.user_agent : "Tipring/" TIPRING_VERSION, .max_calls = c->sip.max_calls,
		.media = {.workers = c->media.workers, .is_realtime = true, .max_streams = c->sip.max_calls * 2 + 64,
			.port_min = (uint16_t)c->media.port_min, .port_max = (uint16_t)c->media.port_max},
		.rtp_timeout_ms = c->media.timeout_s * 1000, .has_ears = wants_ears(c), .flows = d->snap->flows, .flow_count = c->agent_count,
		.hooks = {.route = route, .changed = call_changed_log, .release = release, .ctx = d}, .on_sip = on_sip,
		.on_network_change = on_network_change, .ctx = d};

	for (size_t i = 0; i < c->sip.listen_count; i++)
		listens[i] = (struct ua_listen){c->sip.listen[i].is_tcp ? SIP_TCP : SIP_UDP, c->sip.listen[i].addr};
	if (c->media.address && !addr_parse_ip(span_z(c->media.address), 0, &p.announce))
		return -TR_ECONFIG;
	if (c->media.record_dir)
		mkdir(c->media.record_dir, 0750);

	return phone_new(&d->phone, &p, ret_why, cap);
}

static int start(struct daemon *d, char *ret_why, size_t cap)
{
	char text[ADDR_TEXT];
	int err = open_phone(d, ret_why, cap);

	if (err)
		return err;

	d->control = (struct control_target){.calls = d->phone->calls, .trace = d->phone->trace, .dial = dial, .reload = reload,
		.stats = stats, .ctx = d, .version = TIPRING_VERSION, .started_at = clock_ms()};
	watch_signals(d);
	err = start_lines(d, d->snap->config);
	if (err)
		return err;

	const struct addr *api = &d->snap->config->api.listen;

	err = api_http_new(&d->http, api, &d->phone->loop, &d->control);
	if (err)
		snprintf(ret_why, cap, "the API cannot listen on %s: %s (another tipring runs? change api.listen)",
			addr_text(api, text), err_text(err));
	else
		log_info("daemon.ready", LOG_STR("api", addr_text(api, text)), LOG_INT("lines", d->snap->config->line_count),
			LOG_INT("agents", d->snap->config->agent_count));

	return err;
}

int daemon_run(const char *config_path)
{
	struct daemon d = {.path = config_path};
	static struct config_errors errors;
	struct config *config = config_load(config_path, &errors);
	char why[400] = "";

	if (!config) {
		config_errors_print(&errors, config_path, stderr);
		return 1;
	}
	log_open(&(struct log_params){.level = config->log.level, .is_json = config->log.is_json, .fd = 2});
	raise_fd_limit();

	int err = snapshot_new(&d.snap, config, why, sizeof(why));

	if (!err)
		err = start(&d, why, sizeof(why));
	if (err)
		log_error("daemon.failed", LOG_STR("why", why[0] ? why : err_text(err)));
	else
		phone_run(d.phone);

	api_http_free(d.http);
	if (d.phone)
		close_handles(&d);
	lines_free(d.lines);
	phone_free(d.phone);
	snapshot_unref(d.snap);
	log_close();

	return err ? 1 : 0;
}
