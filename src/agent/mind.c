/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mind.h"
#include "agent/chunk.h"

struct mind {
	struct mind_params p;
	struct llm_session *session;
	enum { MIND_IDLE, MIND_ASKED, MIND_SPEAKING } state;
	uint32_t id;
	bool was_retried;
	int64_t alive_at_us;
	struct mind_times times;
	size_t text_bytes; /* of this reply */
	struct chunker chunker;
	struct mind_tool tools[LIMIT_AGENT_TOOLS];
	uint32_t tool_count;
	struct port_fault fault;

	/* The question, for a second try. */
	struct llm_turn turn;
	char *text, *heard;
	const struct history *history;
};

static int64_t now_us(const struct mind *m)
{
	return m->p.clock_us(m->p.clock_ctx);
}

static void drop_tools(struct mind *m)
{
	for (uint32_t i = 0; i < m->tool_count; i++) {
		free(m->tools[i].call_id);
		free(m->tools[i].name);
		free(m->tools[i].args_json);
	}
	m->tool_count = 0;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------------- */

static void give_up(struct mind *m, int err, const char *words)
{
	m->state = MIND_IDLE;
	port_fail(&m->fault, err, "%s", words);
}

static void send(struct mind *m)
{
	struct port_fault fault = {-TR_EENGINE, "no mind"};
	int err = -TR_EENGINE;

	if (++m->id == 0)
		m->id = 1;
	m->state = MIND_ASKED;
	m->alive_at_us = now_us(m);
	m->turn.history = history_messages(m->history, &m->turn.history_count);
	if (m->session)
		err = m->session->ops->respond(m->session, m->id, &m->turn, &fault);
	m->turn.history = NULL;
	if (!err)
		return;
	if (m->was_retried || err == -TR_ELIMIT || !m->session) {
		give_up(m, err, fault.words);
		return;
	}
	m->was_retried = true;
	send(m);
}

/* Once more if nothing has been said yet; after that a second answer would repeat or contradict the first. */
static void failed(struct mind *m, int err, const char *words)
{
	if (m->state != MIND_ASKED || m->was_retried) {
		give_up(m, err, words);
		return;
	}
	m->was_retried = true;
	send(m);
}

void mind_ask(struct mind *m, const struct llm_turn *turn, const struct history *h)
{
	char *text = strdup(turn->text), *heard = turn->heard ? strdup(turn->heard) : NULL;

	mind_cancel(m);
	free(m->text);
	free(m->heard);
	m->text = text;
	m->heard = heard;
	m->turn = *turn;
	m->turn.text = text ? text : "";
	m->turn.heard = heard;
	m->history = h;
	m->was_retried = false;
	m->text_bytes = 0;
	m->times = (struct mind_times){.asked_us = now_us(m)};
	chunk_init(&m->chunker);
	send(m);
}

void mind_cancel(struct mind *m)
{
	drop_tools(m);
	if (m->state == MIND_IDLE)
		return;
	m->state = MIND_IDLE;
	m->session->ops->cancel(m->session);
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------- */

static bool is_mine(const struct mind *m, uint32_t id)
{
	return id == m->id && m->state != MIND_IDLE;
}

static void say_pieces(struct mind *m, uint32_t id)
{
	char piece[CHUNK_BYTES];

	/* The owner may cancel from on_piece. */
	while (is_mine(m, id) && chunk_take(&m->chunker, piece))
		m->p.on_piece(m->p.arg, piece);
}

static void on_delta(void *arg, uint32_t id, const char *text)
{
	struct mind *m = arg;
	size_t n = strlen(text);

	if (!is_mine(m, id) || !n)
		return;

	m->alive_at_us = now_us(m);
	m->state = MIND_SPEAKING;
	if (!m->times.text_us)
		m->times.text_us = m->alive_at_us;
	n = MIN(n, LIMIT_AGENT_REPLY_BYTES - m->text_bytes);
	m->text_bytes += n;

	while (n && is_mine(m, id)) {
		size_t took = chunk_put(&m->chunker, text, n);

		text += took;
		n -= took;
		say_pieces(m, id);
	}
}

static void on_tool(void *arg, uint32_t id, const char *call_id, const char *name, const char *args_json)
{
	struct mind *m = arg;

	if (!is_mine(m, id) || m->tool_count == LIMIT_AGENT_TOOLS)
		return;

	struct mind_tool t = {strdup(call_id ? call_id : ""), strdup(name), strdup(args_json ? args_json : "{}")};

	m->alive_at_us = now_us(m);
	m->tools[m->tool_count++] = t;
	if (!t.call_id || !t.name || !t.args_json) {
		m->tool_count--;
		free(t.call_id);
		free(t.name);
		free(t.args_json);
	}
}

static void on_listen(void *arg, uint32_t id, const struct llm_listen *listen)
{
	struct mind *m = arg;

	if (is_mine(m, id))
		m->p.on_listen(m->p.arg, listen);
}

static void on_done(void *arg, uint32_t id)
{
	struct mind *m = arg;
	struct mind_tool tools[LIMIT_AGENT_TOOLS];
	uint32_t count;

	if (!is_mine(m, id))
		return;

	chunk_end(&m->chunker);
	say_pieces(m, id);
	if (!is_mine(m, id))
		return;
	m->state = MIND_IDLE;

	/* Taken over, since the owner may ask the next question from on_done. */
	count = m->tool_count;
	memcpy(tools, m->tools, sizeof(tools));
	m->tool_count = 0;
	m->p.on_done(m->p.arg, tools, count);
	for (uint32_t i = 0; i < count; i++) {
		free(tools[i].call_id);
		free(tools[i].name);
		free(tools[i].args_json);
	}
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	struct mind *m = arg;

	if (is_mine(m, id))
		failed(m, err, words);
}

void mind_tick(struct mind *m)
{
	if (m->state == MIND_IDLE || now_us(m) - m->alive_at_us < (int64_t)m->p.timeout_ms * 1000)
		return;

	m->session->ops->cancel(m->session);
	failed(m, -TR_ETIMEDOUT, "the mind does not answer");
}

bool mind_is_busy(const struct mind *m)
{
	return m->state != MIND_IDLE;
}

uint32_t mind_silent_ms(const struct mind *m)
{
	return m->state == MIND_ASKED ? (uint32_t)((now_us(m) - m->times.asked_us) / 1000) : 0;
}

struct mind_times mind_times(const struct mind *m)
{
	return m->times;
}

enum llm_fit mind_judge(const struct mind *m, const char *text)
{
	return m->session && m->session->ops->judge ? m->session->ops->judge(m->session, text) : LLM_FIT_UNKNOWN;
}

bool mind_fault(struct mind *m, struct port_fault *ret_fault)
{
	if (!m->fault.err)
		return false;

	*ret_fault = m->fault;
	m->fault.err = 0;

	return true;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

int mind_open(struct mind **ret, const struct mind_params *params, struct port_fault *ret_fault)
{
	struct mind *m = calloc(1, sizeof(*m));
	int err = 0;

	if (!m)
		return -ENOMEM;

	m->p = *params;
	m->p.session.cb = (struct llm_callbacks){on_delta, on_tool, on_listen, on_done, on_error, m};
	if (params->llm)
		err = params->llm->ops->open(params->llm, &m->p.session, &m->session, ret_fault);
	if (err) {
		free(m);
		return err;
	}
	*ret = m;

	return 0;
}

struct mind *mind_close(struct mind *m)
{
	if (!m)
		return NULL;

	if (m->session)
		m->session->ops->close(m->session);
	drop_tools(m);
	free(m->text);
	free(m->heard);
	free(m);

	return NULL;
}
