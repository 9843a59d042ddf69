/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/flow_llm.h"
#include <jansson.h>

struct mind {
	struct llm_port port;
	uv_loop_t *loop;
	uint32_t session_count;
};

struct session {
	struct llm_session base;
	struct mind *mind;
	struct llm_callbacks cb;
	struct flow_machine *machine;
	json_t *tools; /* as in the chat-completions form; NULL: none */
	struct flow_reply reply;
	char context[120]; /* "flow/context" */
	const char *flow_name;
	bool is_begun;
	uint32_t id; /* of the turn whose reply is due; 0: none */
	uint32_t calls;
	uv_timer_t timer; /* of no time: replies come from the loop, not from inside respond */
};

/* ---- replies ---------------------------------------------------------------------------------------------------------- */

static void deliver_action(struct session *s, uint32_t id)
{
	static const char *const names[] = {[FLOW_TRANSFER] = "transfer", [FLOW_HANG_UP] = "hang_up"};
	const struct flow_reply *reply = &s->reply;
	char call_id[24];

	if (reply->action == FLOW_LISTEN)
		return;
	snprintf(call_id, sizeof(call_id), "flow-%u", ++s->calls);
	s->cb.on_tool(s->cb.arg, id, call_id, reply->action == FLOW_CALL_TOOL ? reply->tool : names[reply->action], reply->args);
}

/* A callback may cancel; then the rest is not delivered. */
static void deliver(uv_timer_t *timer)
{
	struct session *s = timer->data;
	const struct flow_reply *reply = &s->reply;
	uint32_t id = s->id;
	struct llm_listen listen = {.context = s->context, .silence_ms = reply->silence_ms, .is_number = reply->is_number,
		.is_sensitive = reply->is_sensitive};

	if (id && reply->text[0])
		s->cb.on_delta(s->cb.arg, id, reply->text);
	if (id && s->id == id)
		deliver_action(s, id);
	if (s->id == id && s->cb.on_listen)
		s->cb.on_listen(s->cb.arg, id, &listen);
	if (s->id != id)
		return;
	s->id = 0; /* on_done may ask for the next turn, or close */
	s->cb.on_done(s->cb.arg, id);
}

/* ---- turns ------------------------------------------------------------------------------------------------------------ */

static void mind_cancel(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	s->id = 0;
	uv_timer_stop(&s->timer);
}

static int mind_respond(struct llm_session *base, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	static const enum flow_cause causes[] = {[LLM_ON_START] = FLOW_START, [LLM_ON_TEXT] = FLOW_TEXT, [LLM_ON_DTMF] = FLOW_KEYS,
		[LLM_ON_SILENCE] = FLOW_SILENCE, [LLM_ON_TOOL_RESULT] = FLOW_TOOL_RESULT};
	struct session *s = container_of(base, struct session, base);
	struct flow_turn own = {.cause = causes[turn->cause], .text = turn->text, .confidence = turn->confidence,
		.is_interrupted = turn->is_interrupted, .heard = turn->heard, .is_continued = turn->is_continued};

	assert(id);
	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "turn %u is not over", s->id);
	if (turn->cause == LLM_ON_TOOL_RESULT && turn->history_count)
		own.text = turn->history[turn->history_count - 1].text;
	/* Another mind had the call until now: what we would have said first is behind us. */
	if (!s->is_begun && turn->cause != LLM_ON_START)
		flow_machine_turn(s->machine, &(struct flow_turn){.cause = FLOW_START, .text = ""}, &s->reply);
	s->is_begun = true;
	flow_machine_turn(s->machine, &own, &s->reply);
	snprintf(s->context, sizeof(s->context), "%s/%s", s->flow_name, s->reply.context ? s->reply.context : "");
	s->id = id;

	return uv_timer_start(&s->timer, deliver, 0, 0);
}

static enum llm_fit mind_judge(struct llm_session *base, const char *text)
{
	static const enum llm_fit fits[] = {[FLOW_FIT_UNKNOWN] = LLM_FIT_UNKNOWN, [FLOW_FIT_COMPLETE] = LLM_FIT_COMPLETE,
		[FLOW_FIT_OPEN] = LLM_FIT_OPEN};

	return fits[flow_machine_judge(container_of(base, struct session, base)->machine, text)];
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

/* [{"type": "function", "function": {"name": "find_order", ...}}, ...] */
static bool has_tool(void *ctx, const char *name)
{
	const struct session *s = ctx;
	json_t *tool;
	size_t i;

	json_array_foreach(s->tools, i, tool)
	{
		const char *own = json_string_value(json_object_get(json_object_get(tool, "function"), "name"));

		if (own && strcmp(own, name) == 0)
			return true;
	}

	return false;
}

static bool speaks(const struct flow *f, const char *language)
{
	const char *own = flow_language(f);
	size_t n = language ? strcspn(language, "-_") : 0;

	return !language || (strlen(own) == n && strncasecmp(own, language, n) == 0);
}

static int mind_open(struct llm_port *port, const struct llm_params *params, struct llm_session **ret, struct port_fault *ret_fault)
{
	struct mind *mind = container_of(port, struct mind, port);
	struct flow *flow = params->flow;
	int64_t local_s = params->wall_ms / 1000 + params->utc_offset_s;

	if (!flow)
		return port_fail(ret_fault, -TR_ECONFIG, "there is no flow to follow");
	if (!speaks(flow, params->language))
		return port_fail(ret_fault, -TR_EUNSUPP, "the flow \"%s\" speaks %s, not \"%s\"", flow_name(flow), flow_language_name(flow),
			params->language);

	struct session *s = mem_zalloc(sizeof(*s));
	int err = uv_timer_init(mind->loop, &s->timer);

	if (err) {
		free(s);
		return port_fail(ret_fault, err, "no timer: %s", uv_strerror(err));
	}
	s->timer.data = s;
	s->base.ops = port->ops;
	s->mind = mind;
	s->cb = params->cb;
	s->tools = params->tools_json ? json_loads(params->tools_json, 0, NULL) : NULL;
	s->flow_name = flow_name(flow);

	struct flow_machine_params own = {.flow = flow, .greeting = params->greeting, .today = (int32_t)(local_s / 86400),
		.minute = (int32_t)(local_s / 60 % 1440), .has_tool = has_tool, .ctx = s};

	s->machine = flow_machine_new(&own);
	mind->session_count++;
	*ret = &s->base;

	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	flow_machine_free(s->machine);
	json_decref(s->tools);
	free(s);
}

static void mind_close(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	mind_cancel(base);
	s->mind->session_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static const struct llm_ops ops = {
	.open = mind_open,
	.close = mind_close,
	.respond = mind_respond,
	.cancel = mind_cancel,
	.judge = mind_judge,
};

struct llm_port *flow_llm_new(uv_loop_t *loop)
{
	struct mind *mind = mem_zalloc(sizeof(*mind));

	mind->port = (struct llm_port){&ops, "embedded"};
	mind->loop = loop;

	return &mind->port;
}

struct llm_port *flow_llm_free(struct llm_port *port)
{
	if (!port)
		return NULL;

	struct mind *mind = container_of(port, struct mind, port);

	assert(mind->session_count == 0);
	free(mind);

	return NULL;
}
