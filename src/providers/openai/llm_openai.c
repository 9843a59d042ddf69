/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/llm_openai.h"
#include "base/list.h"
#include "providers/openai/chat.h"
#include "providers/openai/server.h"
#include "web/sse.h"

struct mind {
	struct llm_port port;
	struct openai_server server;
	char *name, *model, *max_tokens_key, *extra_json;
	struct chat_params chat;
	struct list turns; /* all that are under way */
	uint32_t session_count;
};

struct session {
	struct llm_session base;
	struct mind *mind;
	struct llm_callbacks cb;
	char *instructions, *greeting, *language, *tools_json;
	int64_t local_s;
	struct turn *turn; /* that runs; NULL: none */
	uv_timer_t timer;  /* of no time, for the greeting */
	uint32_t greeting_id;
};

/* One request. It outlives its session's interest: the answer's last bytes come when the reply is done. */
struct turn {
	struct list link;
	struct session *session; /* NULL: nobody listens any more */
	struct web_request *request;
	uint32_t id;
	struct sse sse;
	struct chat_answer answer;
	bool is_feeding, is_dead;
	char words[200];
};

/* ---- a turn ------------------------------------------------------------------------------------------------------------ */

static void turn_free(struct turn *t)
{
	list_unlink(&t->link);
	sse_done(&t->sse);
	chat_done(&t->answer);
	free(t);
}

/* The session has what it wanted, or wants it no more. */
static struct session *let_go(struct turn *t)
{
	struct session *s = t->session;

	if (s)
		s->turn = NULL;
	t->session = NULL;

	return s;
}

static void cancel(struct turn *t)
{
	if (!t)
		return;
	let_go(t);
	web_cancel(t->request);
	if (t->is_feeding)
		t->is_dead = true;
	else
		turn_free(t);
}

static void fail(struct turn *t, int err, const char *words)
{
	uint32_t id = t->id;
	struct session *s = let_go(t);

	if (s)
		s->cb.on_error(s->cb.arg, id, err, words);
}

/* A callback may cancel: then the turn has no session any more, and the rest is not delivered. */
static void finish(struct turn *t)
{
	struct session *s = t->session;
	char id[24];

	if (!s)
		return;
	if (!t->answer.has_text && t->answer.tool_count == 0) {
		fail(t, -TR_EENGINE, "the model answered nothing");
		return;
	}
	for (uint32_t i = 0; i < t->answer.tool_count && t->session; i++) {
		const struct chat_tool *tool = &t->answer.tools[i];

		snprintf(id, sizeof(id), "call_%u", i);
		if (tool->name)
			s->cb.on_tool(s->cb.arg, t->id, tool->id ? tool->id : id, tool->name, tool->args_n ? tool->args : "{}");
	}
	if (t->session) {
		let_go(t);
		s->cb.on_done(s->cb.arg, t->id);
	}
}

static bool on_event(void *arg, const char *event, const char *data, size_t n)
{
	struct turn *t = arg;
	auto_free char *text = NULL;
	int err = chat_take(&t->answer, data, n, &text, t->words, sizeof(t->words));

	if (err < 0) {
		fail(t, err, t->words);
		return false;
	}
	if (err == 1) {
		finish(t);
		return false;
	}
	if (text && t->session)
		t->session->cb.on_delta(t->session->cb.arg, t->id, text);

	return t->session;
}

static void on_data(void *arg, const char *bytes, size_t n)
{
	struct turn *t = arg;

	if (!t->session)
		return; /* only for the connection, which is used again once the answer was read */
	t->is_feeding = true;
	if (!sse_feed(&t->sse, bytes, n, on_event, t) && t->sse.is_broken && t->session)
		fail(t, -TR_ETOOBIG, "an event of the answer is larger than any should be");
	t->is_feeding = false;
	if (t->is_dead)
		turn_free(t);
}

static void on_end(void *arg, const struct web_end *end)
{
	struct turn *t = arg;
	char words[260];

	t->request = NULL;
	if (!t->session) {
		turn_free(t);
		return;
	}
	if (!end->err) {
		/* Some servers end without [DONE]. */
		t->is_feeding = true;
		if (sse_end(&t->sse, on_event, t) && t->session)
			finish(t);
		turn_free(t);
		return;
	}
	openai_fault_words(end, words, sizeof(words));
	fail(t, end->err, words);
	turn_free(t);
}

static int ask(struct session *s, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	struct mind *m = s->mind;
	struct chat_call call = {.instructions = s->instructions, .language = s->language, .tools_json = s->tools_json, .local_s = s->local_s};
	auto_free char *body = chat_request(&m->chat, &call, turn);
	struct turn *t = mem_zalloc(sizeof(*t));
	struct web_ask web = {.body = body, .body_n = body ? strlen(body) : 0, .on_data = on_data, .on_end = on_end, .arg = t};
	int err = body ? 0 : -EINVAL;

	t->session = s;
	t->id = id;
	sse_init(&t->sse);
	list_append(&m->turns, &t->link);
	if (!err)
		err = openai_post(&m->server, &t->request, "/chat/completions", "application/json", &web);
	if (err) {
		turn_free(t);
		return port_fail(ret_fault, err, "%s", err_text(err));
	}
	s->turn = t;

	return 0;
}

/* ---- the session ------------------------------------------------------------------------------------------------------- */

static void greet(uv_timer_t *timer)
{
	struct session *s = timer->data;
	uint32_t id = s->greeting_id;

	s->cb.on_delta(s->cb.arg, id, s->greeting);
	if (s->greeting_id != id)
		return;
	s->greeting_id = 0;
	s->cb.on_done(s->cb.arg, id);
}

static int mind_respond(struct llm_session *base, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	struct session *s = container_of(base, struct session, base);

	if (s->turn || s->greeting_id)
		return port_fail(ret_fault, -TR_ESTATE, "turn %u is not over", s->turn ? s->turn->id : s->greeting_id);
	if (turn->cause != LLM_ON_START || !s->greeting)
		return ask(s, id, turn, ret_fault);
	s->greeting_id = id;

	return uv_timer_start(&s->timer, greet, 0, 0);
}

static void mind_cancel(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	s->greeting_id = 0;
	uv_timer_stop(&s->timer);
	cancel(s->turn);
}

static char *copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static int mind_open(struct llm_port *port, const struct llm_params *params, struct llm_session **ret, struct port_fault *ret_fault)
{
	struct mind *m = container_of(port, struct mind, port);
	struct session *s = mem_zalloc(sizeof(*s));

	*s = (struct session){.base.ops = port->ops, .mind = m, .cb = params->cb, .instructions = mem_strdup(params->instructions),
		.greeting = copy(params->greeting), .language = mem_strdup(params->language ? params->language : "en-US"),
		.tools_json = copy(params->tools_json), .local_s = params->wall_ms / 1000 + params->utc_offset_s};
	uv_timer_init(web_client_loop(m->server.client), &s->timer);
	s->timer.data = s;
	m->session_count++;
	openai_warm_up(&m->server);
	*ret = &s->base;

	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	free(s->instructions);
	free(s->greeting);
	free(s->language);
	free(s->tools_json);
	free(s);
}

static void mind_close(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	mind_cancel(base);
	s->mind->session_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

/* ---- the port ---------------------------------------------------------------------------------------------------------- */

static const struct llm_ops ops = {
	.open = mind_open,
	.close = mind_close,
	.respond = mind_respond,
	.cancel = mind_cancel,
};

struct llm_port *llm_openai_new(struct web_client *client, const struct llm_openai_params *p)
{
	struct mind *m = mem_zalloc(sizeof(*m));

	openai_server_init(&m->server, client, p->url, p->key);
	list_init(&m->turns);
	m->name = mem_strdup(p->name);
	m->model = mem_strdup(p->model);
	m->max_tokens_key = copy(p->max_tokens_key);
	m->extra_json = copy(p->extra_json);
	m->chat = (struct chat_params){.model = m->model, .temperature = p->temperature, .max_tokens = p->max_tokens,
		.max_tokens_key = m->max_tokens_key, .extra_json = m->extra_json};
	m->port = (struct llm_port){&ops, m->name};

	return &m->port;
}

struct llm_port *llm_openai_free(struct llm_port *port)
{
	if (!port)
		return NULL;

	struct mind *m = container_of(port, struct mind, port);

	assert(m->session_count == 0);
	list_each(&m->turns, struct turn, link, t)
		cancel(t);
	openai_server_done(&m->server);
	free(m->name);
	free(m->model);
	free(m->max_tokens_key);
	free(m->extra_json);
	free(m);

	return NULL;
}
