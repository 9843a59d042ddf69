/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control.h"
#include "api/body.h"
#include "api/call_action.h"
#include "api/conference.h"
#include "api/json.h"
#include "api/problem.h"

/* ---- reading --------------------------------------------------------------------------------------------------------- */

struct summaries {
	json_t *array;
	size_t limit;
};

static bool add_summary(void *ctx, const struct call_record *r)
{
	struct summaries *l = ctx;

	json_array_append_new(l->array, json_call_summary(r));

	return json_array_size(l->array) < l->limit;
}

static json_t *list_calls(struct control_target *t, struct span query, int *ret_status)
{
	struct summaries l = {.array = json_array(), .limit = 100};
	uint32_t limit;

	if (span_istarts(query, "limit=")) {
		if (!span_u32(span(query.p + 6, query.n - 6), &limit) || limit < 1 || limit > 1000) {
			json_decref(l.array);
			return problem(ret_status, 400, "limit is a whole number from 1 to 1000");
		}
		l.limit = limit;
	}
	calls_each(t->calls, add_summary, &l);

	return json_pack("{s:o}", "calls", l.array);
}

static json_t *list_targets(const struct lines *lines, size_t i)
{
	struct lines_target_info info[LIMIT_LINE_TARGETS];
	size_t n = lines_targets(lines, i, info, ARRAY_LEN(info));
	json_t *array = json_array();

	for (size_t k = 0; k < n; k++) {
		const struct health *h = &info[k].health;
		char addr[ADDR_TEXT];
		json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:i, s:I, s:b}", "server", info[k].server, "address",
			addr_text(&info[k].target.addr, addr), "state", health_state_name(h->state), "since_ms",
			(json_int_t)(clock_ms() - h->since), "rtt_ms", (int)h->rtt_ms, "failures", (json_int_t)h->failures, "registered",
			info[k].is_registered);

		if (o)
			json_array_append_new(array, o);
	}

	return array;
}

static json_t *list_lines(struct control_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < lines_count(t->lines); i++) {
		const struct line_status *s = lines_status(t->lines, i);
		char public_addr[ADDR_TEXT];
		json_t *o = json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:s?, s:I}", "name", s->config->name, "state", line_state_name(s->state),
			"server", s->config->server, "extension", s->config->extension, "preset", s->config->preset, "detail",
			s->text[0] ? s->text : NULL, "since_ms", (json_int_t)(clock_ms() - s->since));

		if (!o)
			continue;
		json_object_set_new(o, "sip_status", s->sip_status ? json_integer(s->sip_status) : json_null());
		json_object_set_new(o, "expires_s", s->expires_s ? json_integer(s->expires_s) : json_null());
		json_object_set_new(o, "retry_in_ms", s->retry_at == NEVER ? json_null() : json_integer(s->retry_at - clock_ms()));
		json_object_set_new(o, "public_address",
			addr_is_set(&s->public_addr) ? json_string(addr_text(&s->public_addr, public_addr)) : json_null());
		json_object_set_new(o, "targets", list_targets(t->lines, i));
		if (t->describe_line)
			t->describe_line(t->ctx, i, o);
		json_array_append_new(array, o);
	}

	return json_pack("{s:o}", "lines", array);
}

static bool add_message(void *ctx, const struct trace_message *m)
{
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	json_t *text = json_stringn(m->bytes.p, m->bytes.n);
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:o}", "time_us", (json_int_t)m->wall_us, "direction", m->is_out ? "out" : "in",
		"transport", m->transport, "local", addr_text(&m->local, local), "remote", addr_text(&m->remote, remote), "message",
		text ? text : json_string("(not UTF-8)"));

	if (o)
		json_array_append_new(ctx, o);

	return true;
}

static json_t *show_trace(struct control_target *t, const struct call_record *r)
{
	json_t *array = json_array();

	trace_each(t->trace, span_z(r->sip_call_id), add_message, array);

	return json_pack("{s:s, s:o}", "id", r->id, "messages", array);
}

static json_t *show_records(struct store *store, json_t *problems)
{
	struct store_stats stats;

	if (!store)
		return json_null();
	store_stats(store, &stats);
	if (stats.is_failing)
		json_array_append_new(problems, json_sprintf("records of calls are not written: %s", stats.why));

	return json_pack("{s:I, s:i, s:I}", "written", (json_int_t)stats.written, "waiting", (int)stats.waiting, "lost",
		(json_int_t)stats.lost);
}

static json_t *show_health(struct control_target *t)
{
	json_t *problems = json_array(), *records = show_records(t->store, problems);

	if (t->problems)
		t->problems(t->ctx, problems);

	return json_pack("{s:s, s:s, s:i, s:I, s:o, s:o}", "status", json_array_size(problems) ? "degraded" : "ok", "version", t->version,
		"calls", (int)calls_count(t->calls), "uptime_s", (json_int_t)((clock_ms() - t->started_at) / 1000), "records", records,
		"problems", problems);
}

/* ---- acting ---------------------------------------------------------------------------------------------------------- */

static json_t *dial(struct control_target *t, const struct control_request *rq, int *ret_status)
{
	json_t *answer = NULL, *body = body_object(rq, ret_status, &answer);
	struct call *call = NULL;
	char why[300] = "";
	bool is_bad = false;

	if (!body)
		return answer;

	json_t *detect = json_object_get(body, "detect");
	struct control_dial want = {.target = body_text(body, "target", &is_bad), .line = body_text(body, "line", &is_bad),
		.agent = body_text(body, "agent", &is_bad), .detect = json_is_boolean(detect) ? json_is_true(detect) : -1,
		.caller_id = body_text(body, "caller_id", &is_bad), .caller_name = body_text(body, "caller_name", &is_bad),
		.is_private = json_is_true(json_object_get(body, "withhold_number"))};
	int err = 0;

	if (is_bad || !want.target || !want.target[0] || (detect && !json_is_boolean(detect) && !json_is_null(detect))) {
		answer = problem(ret_status, 422,
			"target must be a number or SIP URI; line, agent, caller_id and caller_name, when given, texts; detect true or false");
	} else {
		err = t->dial(t->ctx, &want, &call, why, sizeof(why));
		answer = err ? problem(ret_status, err_http_status(err), "%s", why[0] ? why : err_text(err)) :
			       json_call_full(call_record_of(call));
		if (!err)
			*ret_status = 201;
	}
	json_decref(body);

	return answer;
}

static int read_targets(json_t *body, const char *ret[static LIMIT_CALL_XFER_TARGETS], size_t *ret_n)
{
	json_t *fallback = json_object_get(body, "fallback"), *item;
	const char *first = json_string_value(json_object_get(body, "target"));
	size_t i, n = 0;

	if (!first || !first[0] || (fallback && !json_is_array(fallback)) || json_array_size(fallback) >= LIMIT_CALL_XFER_TARGETS)
		return -EINVAL;
	ret[n++] = first;
	json_array_foreach(fallback, i, item)
	{
		if (!json_is_string(item))
			return -EINVAL;
		ret[n++] = json_string_value(item);
	}
	*ret_n = n;

	return 0;
}

static json_t *supervise(const struct control_request *rq, struct call *c, int *ret_status)
{
	static const char *const modes[] = {"listen", "whisper_agent", "whisper_human", "barge", "take_over", NULL};
	bool is_bad = false;
	json_t *answer = NULL, *body = body_object(rq, ret_status, &answer);

	if (!body)
		return answer;

	const char *target = body_text(body, "target", &is_bad);
	int mode = body_choice(body, "mode", modes);
	int err = is_bad || mode < 0 ? -EINVAL : call_supervise(c, target, (enum call_supervision)mode);

	if (err == -EINVAL)
		answer = problem(ret_status, 422,
			"target is the supervisor's number or SIP URI, mode listen, whisper_agent, whisper_human, barge or take_over");
	else if (err)
		answer = problem(ret_status, err_http_status(err), "%s", err_text(err));
	else
		answer = body_accepted(ret_status, call_record_of(c)->id);
	json_decref(body);

	return answer;
}

static json_t *transfer(const struct control_request *rq, struct call *c, int *ret_status)
{
	static const char *const modes[] = {"blind", "attended", "bridge", NULL}, *const waits[] = {"ringback", "music", "silence", NULL};
	const char *targets[LIMIT_CALL_XFER_TARGETS];
	json_t *bad = NULL, *body = body_object(rq, ret_status, &bad), *answer;
	int mode = body_choice(body, "mode", modes), waiting = body_choice(body, "waiting", waits);
	json_int_t ring_s = json_integer_value(json_object_get(body, "ring_s"));
	struct call_xfer_params p = {.mode = (enum call_xfer_mode)MAX(mode, 0), .waiting = (enum call_waiting)MAX(waiting, 0),
		.ring_s = (uint32_t)CLAMP(ring_s, 0, 300), .targets = targets};
	char id[CALL_ID_TEXT];

	if (!body)
		return bad;
	buf_copy(id, sizeof(id), call_record_of(c)->id);
	if (mode < 0 || waiting < 0) {
		answer = problem(ret_status, 422, mode < 0 ? "mode is blind, attended or bridge" : "waiting is ringback, music or silence");
	} else if (read_targets(body, targets, &p.target_count) != 0) {
		answer = problem(ret_status, 422, "target is a number or a SIP URI, fallback a list of at most %d of them",
			LIMIT_CALL_XFER_TARGETS - 1);
	} else {
		int err = call_xfer(c, &p);

		answer = err ? problem(ret_status, err_http_status(err), "%s", err_text(err)) : body_accepted(ret_status, id);
	}
	json_decref(body);

	return answer;
}

/* ---- paths ----------------------------------------------------------------------------------------------------------- */

static bool is_first(void *ctx, const struct call_record *r)
{
	*(const struct call_record **)ctx = r;

	return false;
}

static json_t *on_call(struct control_target *t, const struct control_request *rq, struct span path, int *ret_status)
{
	struct span id = span_cut(&path, '/');
	auto_free char *id_z = span_dup(id), *what = span_dup(path);
	const struct call_record *r = NULL;

	if (!id_z || !what)
		return problem(ret_status, 503, "out of memory");
	if (!strcmp(id_z, "last"))
		calls_each(t->calls, is_first, &r);
	else
		r = calls_record(t->calls, id_z);
	if (!r)
		return problem(ret_status, 404, "there is no call %s", id_z);

	struct call *live = calls_find(t->calls, r->id);

	if (!strcmp(rq->method, "GET") && !what[0])
		return json_call_full(r);
	if (!strcmp(rq->method, "GET") && !strcmp(what, "trace"))
		return show_trace(t, r);
	if (!live || r->state == CALL_ENDED)
		return problem(ret_status, 409, "call %s has ended", r->id);
	if (!strcmp(rq->method, "DELETE") && !what[0]) {
		call_hangup(live, CALL_END_US, "ended by an operator");
		return body_accepted(ret_status, id_z);
	}
	if (!strcmp(rq->method, "POST") && !strcmp(what, "supervise"))
		return supervise(rq, live, ret_status);
	if (!strcmp(rq->method, "POST") && !strcmp(what, "transfer"))
		return transfer(rq, live, ret_status);
	if (!strcmp(rq->method, "POST") && (!strcmp(what, "hold") || !strcmp(what, "resume"))) {
		int err = call_hold(live, !strcmp(what, "hold"));

		return err ? problem(ret_status, err_http_status(err), "%s", err_text(err)) : body_accepted(ret_status, id_z);
	}

	json_t *answer = call_action(rq, live, what, ret_status);

	return answer ? answer : problem(ret_status, 404, "a call has no %s %s", rq->method, what);
}

static json_t *route_test(struct control_target *t, const struct control_request *rq, int *ret_status)
{
	json_t *answer = NULL, *body = body_object(rq, ret_status, &answer);
	char why[300] = "";

	if (!body)
		return answer;
	answer = t->route_test(t->ctx, body, why, sizeof(why));
	json_decref(body);

	return answer ? answer : problem(ret_status, 422, "%s", why);
}

static json_t *reload(struct control_target *t, int *ret_status)
{
	json_t *answer = json_object();
	int err = t->reload(t->ctx, answer);

	*ret_status = err ? 422 : 200;
	if (err)
		json_object_update_new(answer,
			json_pack("{s:s, s:i, s:s}", "title", "Unprocessable Content", "status", 422, "detail",
				"the configuration was not changed"));

	return answer;
}

json_t *control_handle(struct control_target *t, const struct control_request *rq, int *ret_status)
{
	struct span query = span_z(rq->path), path = span_cut(&query, '?');
	bool is_get = !strcmp(rq->method, "GET"), is_post = !strcmp(rq->method, "POST");
	json_t *stats;

	*ret_status = 200;
	if (is_get && span_eq_z(path, "/v1/health"))
		return show_health(t);
	if (is_get && span_eq_z(path, "/v1/lines"))
		return list_lines(t);
	if (is_get && span_eq_z(path, "/v1/calls"))
		return list_calls(t, query, ret_status);
	if (is_post && span_eq_z(path, "/v1/calls"))
		return dial(t, rq, ret_status);
	if (is_post && span_eq_z(path, "/v1/route-test"))
		return route_test(t, rq, ret_status);
	if (is_post && span_eq_z(path, "/v1/reload"))
		return reload(t, ret_status);
	if (is_get && span_eq_z(path, "/v1/stats")) {
		stats = json_object();
		t->stats(t->ctx, stats);
		return stats;
	}
	if (span_eq_z(path, "/v1/conferences") || span_istarts(path, "/v1/conferences/"))
		return conference_handle(t, rq, span(path.p + 15, path.n - 15), ret_status);
	if (span_istarts(path, "/v1/calls/"))
		return on_call(t, rq, span(path.p + 10, path.n - 10), ret_status);

	return problem(ret_status, 404, "there is no %s %.*s", rq->method, SPAN_FMT(path));
}
