/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/receptionist_llm.h"
#include "flow/calendar.h"
#include "providers/embedded/receptionist.h"

struct mind {
	struct llm_port port;
	uv_loop_t *loop;
	struct receptionist_llm_params params;
	uint32_t session_count;
};

struct session {
	struct llm_session base;
	struct mind *mind;
	struct llm_callbacks cb;
	struct receptionist receptionist;
	struct receptionist before; /* the last thing the caller said: if that is continued, it never was answered */
	char *greeting;
	struct receptionist_reply reply;
	uint32_t id; /* of the turn whose reply is due; 0: none */
	uint32_t calls;
	uv_timer_t timer; /* of no time: replies come from the loop, not from inside respond */
};

static const char *const tool_names[] = {
	[RECEPTION_TRANSFER] = "transfer",
	[RECEPTION_HANG_UP] = "hang_up",
	[RECEPTION_BOOK] = "book_appointment",
};

/* A callback may cancel; then the rest is not delivered. */
static void deliver(uv_timer_t *timer)
{
	struct session *s = timer->data;
	const struct receptionist_reply *reply = &s->reply;
	uint32_t id = s->id;
	struct llm_listen listen = {
		.context = reply->context,
		.silence_ms = reply->silence_ms,
		.is_number = reply->is_number,
	};
	char call_id[24];

	if (id && reply->text[0])
		s->cb.on_delta(s->cb.arg, id, reply->text);
	if (s->id == id && reply->action &&
		(reply->action != RECEPTION_BOOK || s->receptionist.params.has_book_tool)) {
		snprintf(call_id, sizeof(call_id), "reception-%u", ++s->calls);
		s->cb.on_tool(s->cb.arg, id, call_id, tool_names[reply->action], reply->args);
	}
	if (s->id == id && s->cb.on_listen)
		s->cb.on_listen(s->cb.arg, id, &listen);
	if (s->id != id)
		return;
	s->id = 0; /* on_done may ask for the next turn, or close */
	s->cb.on_done(s->cb.arg, id);
}

static int32_t today(const struct llm_params *params)
{
	int64_t local_s = params->wall_ms / 1000 + params->utc_offset_s;

	return (int32_t)(local_s / 86400);
}

static int mind_open(struct llm_port *port, const struct llm_params *params, struct llm_session **ret,
	struct port_fault *ret_fault)
{
	struct mind *mind = container_of(port, struct mind, port);

	if (params->language && strncasecmp(params->language, "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "the embedded receptionist speaks English, not \"%s\"",
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
	s->greeting = params->greeting ? mem_strdup(params->greeting) : NULL;

	struct receptionist_params own = {
		.greeting = s->greeting,
		.hours = mind->params.hours,
		.prices = mind->params.prices,
		.address = mind->params.address,
		.today = today(params),
		.open_days = mind->params.open_days,
		.opens = mind->params.opens,
		.closes = mind->params.closes,
		.has_book_tool = params->tools_json && strstr(params->tools_json, "\"book_appointment\""),
	};

	receptionist_init(&s->receptionist, &own);
	mind->session_count++;
	*ret = &s->base;

	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	free(s->greeting);
	free(s);
}

static void mind_cancel(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	s->id = 0;
	uv_timer_stop(&s->timer);
}

static void mind_close(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	mind_cancel(base);
	s->mind->session_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static int mind_respond(struct llm_session *base, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	struct session *s = container_of(base, struct session, base);
	struct llm_turn own = *turn;

	assert(id);
	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "turn %u is not over", s->id);
	if (turn->cause == LLM_ON_TOOL_RESULT && turn->history_count)
		own.text = turn->history[turn->history_count - 1].text;
	if (turn->is_continued)
		s->receptionist = s->before;
	s->before = s->receptionist;
	receptionist_turn(&s->receptionist, &own, &s->reply);
	s->id = id;

	return uv_timer_start(&s->timer, deliver, 0, 0);
}

static enum llm_fit mind_judge(struct llm_session *base, const char *text)
{
	return receptionist_judge(&container_of(base, struct session, base)->receptionist, text);
}

static const struct llm_ops ops = {
	.open = mind_open,
	.close = mind_close,
	.respond = mind_respond,
	.cancel = mind_cancel,
	.judge = mind_judge,
};

static char *copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

int receptionist_llm_new(struct llm_port **ret, uv_loop_t *loop, const struct receptionist_llm_params *params)
{
	struct mind *mind = mem_zalloc(sizeof(*mind));

	mind->port = (struct llm_port){&ops, "embedded"};
	mind->loop = loop;
	mind->params = *params;
	mind->params.hours = copy(params->hours);
	mind->params.prices = copy(params->prices);
	mind->params.address = copy(params->address);
	*ret = &mind->port;

	return 0;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

struct llm_port *receptionist_llm_free(struct llm_port *port)
{
	if (!port)
		return NULL;

	struct mind *mind = container_of(port, struct mind, port);

	assert(mind->session_count == 0);
	free_text(mind->params.hours);
	free_text(mind->params.prices);
	free_text(mind->params.address);
	free(mind);

	return NULL;
}
