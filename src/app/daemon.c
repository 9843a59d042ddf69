/* SPDX-License-Identifier: Apache-2.0 */
#include "app/daemon.h"
#include "api/http.h"
#include "api/json.h"
#include "app/budget.h"
#include "app/engines.h"
#include "app/exchange.h"
#include "app/homer.h"
#include "app/hooks.h"
#include "app/keep.h"
#include "app/recordings.h"
#include "app/secure.h"
#include "app/strangers.h"
#include "base/log.h"
#include "net/netwatch.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define STOP_MS 3000 /* what hanging up and unregistering may take at the end */
#define TICK_MS 100  /* of the lines: names, OPTIONS, returns */

struct daemon {
	const char *path;
	struct exchange x;
	struct phone *phone;
	struct api_http *http;
	struct control_target control;
	struct strangers strangers;
	struct budget budget;
	struct hep *hep; /* NULL: no collector */
	struct store *store; /* NULL: no records are kept */
	struct store_reader *reader; /* the API's */
	struct hooks hooks;
	struct snapshot *hooks_snap; /* what they were started from */
	uv_signal_t signals[3];
	uv_timer_t stop_timer, tick;
	msec_t stop_at;
};

/* ---- what happened ----------------------------------------------------------------------------------------------------- */

/* To all who want to know. */
static void publish(struct daemon *d, struct event *event)
{
	hooks_tell(&d->hooks, event);
	if (d->http)
		api_http_publish(d->http, event);
	else
		free(event->text);
}

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
	else if (!strcmp(what, "who"))
		log_info("call.who", LOG_STR("call", r->id), LOG_STR("who", answer_who_name(r->who.who)),
			LOG_INT("confidence", r->who.confidence), LOG_INT("at_ms", r->who.at), LOG_INT("speech_ms", r->who.speech_ms),
			LOG_INT("beep_at_ms", r->who.beep_ms ? (int64_t)r->who.beep_at : -1), LOG_STR("did", r->who.did));
	else if (!strcmp(what, "said") && line)
		log_info("call.said", LOG_STR("call", r->id), LOG_STR("who", who[line->who]), LOG_STR("text", line->text),
			LOG_INT("at_ms", line->at));
	else if (!strcmp(what, "closed"))
		log_info("call.ended", LOG_STR("call", r->id), LOG_STR("by", call_end_name(r->ended_by)), LOG_STR("cause", r->cause),
			LOG_INT("talk_ms", r->answered_at ? r->ended_at - r->answered_at : 0),
			LOG_FLOAT("mos", r->has_quality ? (double)r->quality.rtp.mos_avg : 0.0), LOG_STR("remedy", r->remedy));
}

static bool may_transfer(void *ctx, const char *target, char *ret_why, size_t cap)
{
	struct daemon *d = ctx;
	const struct config_toll *toll = &d->x.snap->config->toll;

	if (!budget_may_call(&d->budget, toll, target, ret_why, cap)) {
		log_warn("toll.refused", LOG_STR("target", target), LOG_STR("why", ret_why));
		return false;
	}
	budget_began(&d->budget, toll, target);
	budget_ended(&d->budget, toll, target, 0);

	return true;
}

/* Calls that cost money are counted when they end. */
static void call_changed(void *ctx, const struct call_record *r, const char *what)
{
	struct daemon *d = ctx;
	struct event event;
	json_t *whole = NULL;
	uint32_t talked_s = r->answered_at ? (uint32_t)((r->ended_at - r->answered_at + 999) / 1000) : 0;

	if (r->is_outgoing && !strcmp(what, "closed"))
		budget_ended(&d->budget, &d->x.snap->config->toll, r->to, talked_s);
	if (d->hep && (!strcmp(what, "quality") || !strcmp(what, "closed")))
		homer_quality(d->hep, r);
	if (d->store && keep_wants(what)) {
		whole = json_call_full(r);
		keep_changed(d->store, r, what, whole);
	}
	if (event_of_call(r, what, whole, clock_wall_ms(), &event))
		publish(d, &event);
	json_decref(whole);
	call_changed_log(ctx, r, what);
}

static void line_changed(void *ctx, const struct line_status *status)
{
	struct daemon *d = ctx;
	struct event event;

	if (event_of_line(status, clock_wall_ms(), &event))
		publish(d, &event);
}

static void on_message(void *ctx, const struct trace_message *m)
{
	struct daemon *d = ctx;

	if (d->hep)
		homer_message(d->hep, m);
}

static void on_sip(void *ctx, const struct sip_stack_event *ev)
{
	struct daemon *d = ctx;

	exchange_on_sip(&d->x, ev);
}

static bool screen(void *ctx, const struct sip_stack_event *ev)
{
	struct daemon *d = ctx;

	return exchange_screen(&d->x, ev);
}

static int route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	struct daemon *d = ctx;

	return exchange_route(&d->x, in, ret_plan, ret_why, cap);
}

static int plan_leg(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan, struct addr *ret_local,
	char *ret_why, size_t cap)
{
	struct daemon *d = ctx;

	return exchange_plan_leg(&d->x, by, target, ret_plan, ret_local, ret_why, cap);
}

static void hop_done(void *ctx, void *owner, const struct addr *hop, bool is_fine)
{
	struct daemon *d = ctx;

	exchange_hop_done(&d->x, owner, hop, is_fine);
}

static bool is_welcome(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg)
{
	struct daemon *d = ctx;
	struct strangers_view view = {.config = d->x.snap->config, .lines = d->x.lines};

	d->strangers.ua = d->phone->ua;

	return strangers_is_welcome(&d->strangers, &view, pkt, msg);
}

static void on_banned(void *ctx, const struct addr *source, enum ua_offence what, uint32_t ban_ms)
{
	static const char *const words[] = {[UA_OFFENCE_JUNK] = "junk", [UA_OFFENCE_STRANGER] = "requests of a stranger",
		[UA_OFFENCE_PASSWORD] = "wrong passwords"};
	char text[ADDR_TEXT];

	log_warn("sip.banned", LOG_STR("source", addr_text(source, text)), LOG_STR("why", words[what]), LOG_INT("for_s", ban_ms / 1000));
}

static void on_network_change(void *ctx)
{
	struct daemon *d = ctx;

	log_info("network.changed");
	if (d->x.lines)
		lines_refresh(d->x.lines, clock_ms());
	media_servers_refresh(d->x.servers);
}

static void on_tick(uv_timer_t *timer)
{
	struct daemon *d = timer->data;

	lines_tick(d->x.lines, clock_ms());
}

/* ---- acting for the API -------------------------------------------------------------------------------------------------- */

static int dial(void *ctx, const struct control_dial *want, struct call **ret, char *ret_why, size_t cap)
{
	struct daemon *d = ctx;

	return exchange_dial(&d->x, want, ret, ret_why, cap);
}

static json_t *route_test(void *ctx, json_t *request, char *ret_why, size_t cap)
{
	struct daemon *d = ctx;

	return exchange_route_test(&d->x, request, ret_why, cap);
}

static void describe_line(void *ctx, size_t line, json_t *answer)
{
	struct daemon *d = ctx;

	exchange_describe_line(&d->x, line, answer);
}

/* Whether the embedded recogniser is needed: it takes seconds to load. */
static bool wants_ears(const struct config *c)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (c->agents[i].kind == AGENT_PIPELINE && !strcmp(c->agents[i].stt, "embedded"))
			return true;

	return false;
}

static struct engines_wanted engines_for(const struct config *c)
{
	struct engines_wanted want = {.ears = wants_ears(c)};

	for (size_t i = 0; i < c->agent_count; i++) {
		const struct config_agent *a = &c->agents[i];

		want.answering |= a->does_detect && a->kind == AGENT_PIPELINE;
		want.vosk |= a->kind == AGENT_PIPELINE && !strcmp(a->stt, "vosk");
		want.silero |= a->kind == AGENT_PIPELINE && a->vad && !strcmp(a->vad, "silero");
	}

	return want;
}

/* Lines and their TLS of a new configuration take over, or nothing changes. */
static int put_to_work(struct daemon *d, struct snapshot *snap, char *ret_why, size_t cap)
{
	struct secure *before = d->x.secure, *fresh;
	int err = secure_new(&fresh, snap->config, false, ret_why, cap);

	if (err)
		return err;
	d->x.secure = fresh;
	err = secure_apply(fresh, d->phone->ua);
	if (!err)
		err = exchange_reload(&d->x, snap);
	if (err) {
		snprintf(ret_why, cap, "the lines cannot be started: %s", err_text(err));
		d->x.secure = before;
		(void)!secure_apply(before, d->phone->ua);
		secure_free(fresh);
		return err;
	}
	secure_free(before);
	secure_warn(fresh);

	return 0;
}

static int reload(void *ctx, json_t *answer)
{
	struct daemon *d = ctx;
	static struct config_errors errors;
	struct snapshot *fresh = NULL;
	char why[600] = "";
	int err = -TR_ECONFIG;

	errors.count = 0;

	struct config *config = config_load(d->path, &errors);

	if (config && wants_ears(config) && !d->phone->p.engines.ears) {
		snprintf(why, sizeof(why), "the new file has the first agent that listens with the embedded recogniser: restart the daemon for it");
		config_free(config);
	} else if (config && engines_for(config).vosk && !d->phone->p.engines.vosk) {
		snprintf(why, sizeof(why), "the new file has the first agent with stt: vosk: restart the daemon for it");
		config_free(config);
	} else if (config && !config_has_same_brains(d->x.snap->config, config)) {
		snprintf(why, sizeof(why), "providers have changed: restart the daemon for them");
		config_free(config);
	} else if (config && engines_for(config).silero && !d->phone->p.engines.silero) {
		snprintf(why, sizeof(why), "the new file has the first agent with vad: silero: restart the daemon for it");
		config_free(config);
	} else if (config) {
		err = snapshot_new(&fresh, config, why, sizeof(why));
	}
	if (!err)
		err = put_to_work(d, fresh, why, sizeof(why));
	if (!err) {
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
	if (why[0]) {
		log_error("config.bad", LOG_STR("at", why));
		json_array_append_new(list, json_string(why));
	}
	json_object_set_new(answer, "errors", list);
	log_error("config.kept", LOG_STR("why", "the new file has errors; the running configuration stays"));

	return err;
}

static void problems(void *ctx, json_t *list)
{
	struct daemon *d = ctx;

	hooks_problems(&d->hooks, list);
	recordings_problems(d->phone->calls, list);
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
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "udp_in", (json_int_t)ua.udp_in, "udp_out",
			(json_int_t)ua.udp_out, "tcp_in", (json_int_t)ua.tcp_in, "tcp_out", (json_int_t)ua.tcp_out, "junk", (json_int_t)ua.junk,
			"rate_limited", (json_int_t)ua.rate_limited, "strangers", (json_int_t)sip.unwelcome, "bans", (json_int_t)ua.bans,
			"banned", (json_int_t)ua.banned, "tls_handshakes", (json_int_t)ua.tls_handshakes, "tls_resumed",
			(json_int_t)ua.tls_resumed, "tls_failures", (json_int_t)ua.tls_failures, "ws_upgrades", (json_int_t)ua.ws_upgrades,
			"ws_refused", (json_int_t)ua.ws_refused));
	json_object_set_new(answer, "media",
		json_pack("{s:i,s:i,s:I,s:I}", "streams", (int)media.streams, "ports_free", (int)media.ports_free, "opened",
			(json_int_t)media.opened, "refused", (json_int_t)media.refused));
	json_object_set_new(answer, "agent",
		json_pack("{s:i,s:I,s:I}", "calls", (int)agent.calls, "started", (json_int_t)agent.started, "refused",
			(json_int_t)agent.refused));
	if (d->hep)
		json_object_set_new(answer, "hep_lost", json_integer((json_int_t)hep_lost(d->hep)));
	json_object_set_new(answer, "recordings", recordings_stats(d->phone->calls));
	json_object_set_new(answer, "webhooks", hooks_stats(&d->hooks));
	json_object_set_new(answer, "log_dropped", json_integer((json_int_t)log_dropped()));
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static void check_stopped(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	bool is_done = calls_count(d->phone->calls) == 0 && lines_is_idle(d->x.lines);

	if (is_done || clock_ms() >= d->stop_at)
		uv_stop(&d->phone->loop);
}

static void begin_stop(struct daemon *d)
{
	if (d->x.is_stopping) {
		uv_stop(&d->phone->loop);
		return;
	}
	log_info("daemon.stopping", LOG_INT("calls", calls_count(d->phone->calls)));
	d->x.is_stopping = true;
	d->stop_at = clock_ms() + STOP_MS;
	calls_hangup_all(d->phone->calls, "the daemon is stopping");
	lines_stop(d->x.lines, clock_ms());
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
	uv_timer_init(&d->phone->loop, &d->tick);
	d->stop_timer.data = d->tick.data = d;
}

static void close_handles(struct daemon *d)
{
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		if (d->signals[i].loop)
			uv_close((uv_handle_t *)&d->signals[i], NULL);
	if (d->stop_timer.loop)
		uv_close((uv_handle_t *)&d->stop_timer, NULL);
	if (d->tick.loop)
		uv_close((uv_handle_t *)&d->tick, NULL);
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
	const struct config *c = d->x.snap->config;
	struct ua_listen listens[CONFIG_LISTEN];
	struct phone_params p = {.listens = listens, .listen_count = (unsigned)c->sip.listen_count,
		.user_agent = c->sip.user_agent ? c->sip.user_agent : "Tipring/" TIPRING_VERSION, .max_calls = c->sip.max_calls,
		.media = {.workers = c->media.workers, .is_realtime = true, .max_streams = c->sip.max_calls * 2 + 64,
			.port_min = (uint16_t)c->media.port_min, .port_max = (uint16_t)c->media.port_max},
		.rtp_timeout_ms = c->media.timeout_s * 1000, .engines = engines_for(c),
		.hooks = {.route = route, .plan_leg = plan_leg, .may_transfer = may_transfer, .changed = call_changed,
			.hop_done = hop_done, .ended = exchange_ended, .release = exchange_release, .ctx = d},
		.dns_servers = c->sip.dns, .screen = screen, .on_sip = on_sip, .on_network_change = on_network_change, .is_welcome = is_welcome, .on_banned = on_banned,
		.on_message = on_message, .ctx = d};

	p.engines.flows = d->x.snap->flows;
	p.engines.flow_count = c->agent_count;
	p.engines.config = c;

	int err = secure_new(&d->x.secure, c, true, ret_why, cap);

	if (err)
		return err;
	p.tls_server = secure_server(d->x.secure);
	for (size_t i = 0; i < c->sip.listen_count; i++)
		listens[i] = (struct ua_listen){c->sip.listen[i].transport, c->sip.listen[i].addr};
	if (c->media.address && !addr_parse_ip(span_z(c->media.address), 0, &p.announce))
		return -TR_ECONFIG;
	if (c->media.record_dir) {
		mkdir(c->media.record_dir, 0750);
		recordings_recover(c->media.record_dir);
	}

	err = phone_new(&d->phone, &p, ret_why, cap);
	if (!err)
		err = secure_apply(d->x.secure, d->phone->ua);
	if (!err)
		secure_warn(d->x.secure);

	return err;
}

static int start(struct daemon *d, char *ret_why, size_t cap)
{
	char text[ADDR_TEXT], why[300] = "";
	int err = open_phone(d, ret_why, cap);

	if (err)
		return err;

	d->control = (struct control_target){.calls = d->phone->calls, .trace = d->phone->trace, .dial = dial, .route_test = route_test,
		.describe_line = describe_line, .reload = reload, .stats = stats, .problems = problems, .ctx = d, .version = TIPRING_VERSION, .started_at = clock_ms()};
	budget_open(&d->budget, &d->x.snap->config->toll, why, sizeof(why));
	if (why[0])
		log_error("toll.uncounted", LOG_STR("why", why));
	watch_signals(d);
	d->x.phone = d->phone;
	d->x.line_changed = line_changed;
	d->x.line_changed_ctx = d;
	d->x.budget = &d->budget;
	err = exchange_start(&d->x);
	if (err)
		return err;
	d->control.lines = d->x.lines;
	uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);

	d->hep = homer_open(&d->x.snap->config->hep);
	d->reader = store_reader_new(d->x.snap->config->records.file);
	d->store = keep_open(&d->x.snap->config->records);
	d->control.store = d->store;
	d->hooks_snap = snapshot_ref(d->x.snap);
	hooks_start(&d->hooks, d->x.snap->config);

	const struct config_api *api = &d->x.snap->config->api;

	err = api_http_new(&d->http, &(struct api_http_params){.listen = api->listen, .keys_file = api->keys_file, .certificate = api->certificate, .key = api->key, .loop = &d->phone->loop,
		.target = &d->control, .records = {d->store, d->reader}}, why, sizeof(why));
	if (err)
		snprintf(ret_why, cap, "the API: %s", why[0] ? why : err_text(err));
	else
		log_info("daemon.ready", LOG_STR("api", addr_text(&api->listen, text)), LOG_INT("lines", d->x.snap->config->line_count),
			LOG_INT("agents", d->x.snap->config->agent_count));

	return err;
}

int daemon_run(const char *config_path)
{
	struct daemon d = {.path = config_path};
	static struct config_errors errors;
	struct snapshot *snap = NULL;
	struct config *config = config_load(config_path, &errors);
	char why[600] = "";

	if (!config) {
		config_errors_print(&errors, config_path, stderr);
		return 1;
	}
	log_open(&(struct log_params){.level = config->log.level, .is_json = config->log.is_json, .fd = 2});
	raise_fd_limit();

	int err = snapshot_new(&snap, config, why, sizeof(why));

	if (!err) {
		exchange_init(&d.x, snap);
		err = start(&d, why, sizeof(why));
	}
	if (err)
		log_error("daemon.failed", LOG_STR("why", why[0] ? why : err_text(err)));
	else
		phone_run(d.phone);

	d.http = api_http_free(d.http);
	if (d.phone)
		close_handles(&d);
	d.x.servers = media_servers_free(d.x.servers);
	d.x.lines = lines_free(d.x.lines); /* before the ua that resolves their names */
	phone_free(d.phone);
	hep_free(d.hep);
	hooks_stop(&d.hooks);
	snapshot_unref(d.hooks_snap);
	store_reader_free(d.reader);
	store_close(d.store); /* after the last call was put there */
	secure_free(d.x.secure);
	exchange_done(&d.x); /* after the calls, which hold on to it */
	log_close();

	return err ? 1 : 0;
}
