/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/route/llm_route.h"
#include "base/log.h"

enum { FIRST_MS = 2500, FAILURES = 2, REST_MS = 30000 };

/* One of the minds, as all calls see it. */
struct hop {
	struct llm_port *port;
	uint32_t failures; /* in a row */
	uint64_t rests_until_ms; /* of uv_now */
};

struct route {
	struct llm_port port;
	uv_loop_t *loop;
	char *name;
	uint32_t first_ms;
	struct hop hops[LIMIT_LLM_ROUTE];
	size_t count;
	uint32_t session_count;
	struct llm_route_stats stats;
};

struct session;

/* One of the minds in one call. */
struct leg {
	struct session *session;
	struct llm_session *mind; /* NULL: it could not be opened */
};

struct session {
	struct llm_session base;
	struct route *route;
	struct llm_callbacks cb;
	struct leg legs[LIMIT_LLM_ROUTE];
	uv_timer_t timer;

	/* the turn */
	uint32_t id; /* 0: none */
	struct llm_turn turn;
	char *text, *heard;
	struct llm_message *history;
	size_t at;	 /* the leg that has it */
	uint32_t tried;	 /* legs that had it, a bit each */
	bool is_answering; /* it has said something */
	char words[300]; /* why those before failed */
};

static void go(struct session *s);

/* ---- the turn's own copy: the next mind may need it later ------------------------------------------------------------------ */

static char *copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static void forget_turn(struct session *s)
{
	for (size_t i = 0; i < s->turn.history_count; i++) {
		free((char *)(uintptr_t)s->history[i].text);
		free((char *)(uintptr_t)s->history[i].tool);
		free((char *)(uintptr_t)s->history[i].call_id);
	}
	free(s->history);
	free(s->text);
	free(s->heard);
	s->text = s->heard = NULL;
	s->history = NULL;
	s->turn = (struct llm_turn){0};
	s->id = 0;
	uv_timer_stop(&s->timer);
}

static void keep_turn(struct session *s, const struct llm_turn *turn)
{
	s->turn = *turn;
	s->turn.text = s->text = mem_strdup(turn->text);
	s->turn.heard = s->heard = copy(turn->heard);
	s->history = turn->history_count ? mem_zalloc(turn->history_count * sizeof(*s->history)) : NULL;
	for (size_t i = 0; i < turn->history_count; i++) {
		const struct llm_message *m = &turn->history[i];

		s->history[i] = (struct llm_message){m->role, copy(m->text), copy(m->tool), copy(m->call_id)};
	}
	s->turn.history = s->history;
}

/* ---- who is well ---------------------------------------------------------------------------------------------------------- */

static void note_success(struct session *s)
{
	struct hop *h = &s->route->hops[s->at];

	if (h->failures >= FAILURES)
		log_info("llm.recovered", LOG_STR("llm", h->port->name));
	h->failures = 0;
	h->rests_until_ms = 0;
}

static void note_failure(struct session *s, const char *words)
{
	struct hop *h = &s->route->hops[s->at];

	if (++h->failures >= FAILURES)
		h->rests_until_ms = uv_now(s->route->loop) + REST_MS;
	log_warn("llm.failed", LOG_STR("llm", h->port->name), LOG_STR("why", words), LOG_INT("in_a_row", h->failures));
}

static bool is_usable(const struct session *s, size_t i)
{
	return s->legs[i].mind && !(s->tried & 1u << i);
}

/* The first that is well, else the first at all; the count: none is left. */
static size_t choose(const struct session *s)
{
	const struct route *r = s->route;
	size_t second = r->count;

	for (size_t i = 0; i < r->count; i++) {
		if (!is_usable(s, i))
			continue;
		if (r->hops[i].rests_until_ms <= uv_now(r->loop))
			return i;
		if (second == r->count)
			second = i;
	}

	return second;
}

/* ---- the turn ------------------------------------------------------------------------------------------------------------- */

static void give_up(struct session *s, int err)
{
	uint32_t id = s->id;

	forget_turn(s);
	s->cb.on_error(s->cb.arg, id, err, s->words);
}

static void end_turn(struct session *s)
{
	uint32_t id = s->id;

	forget_turn(s);
	s->cb.on_done(s->cb.arg, id);
}

static void failed(struct session *s, int err, const char *words)
{
	note_failure(s, words);
	uv_timer_stop(&s->timer);
	snprintf(s->words, sizeof(s->words), "%s: %s", s->route->hops[s->at].port->name, words);
	if (s->is_answering) {
		end_turn(s);
		return;
	}
	if (choose(s) == s->route->count) {
		give_up(s, err);
		return;
	}
	s->route->stats.failovers++;
	go(s);
}

static void on_slow(uv_timer_t *timer)
{
	struct session *s = timer->data;
	struct llm_session *mind = s->legs[s->at].mind;

	/* The last one may take its time: nobody would answer sooner. */
	if (choose(s) == s->route->count)
		return;
	mind->ops->cancel(mind);
	failed(s, -TR_ETIMEDOUT, "nothing was said in time");
}

/* Those that refuse at once are passed over; the last refusal comes from the loop, as the port's rules want it. */
static void on_refused(uv_timer_t *timer)
{
	give_up(timer->data, -TR_EENGINE);
}

static void go(struct session *s)
{
	for (size_t i; (i = choose(s)) < s->route->count;) {
		struct port_fault fault = {0};
		struct llm_session *mind = s->legs[i].mind;
		int err;

		s->at = i;
		s->tried |= 1u << i;
		err = mind->ops->respond(mind, s->id, &s->turn, &fault);
		if (!err) {
			uv_timer_start(&s->timer, on_slow, s->route->first_ms, 0);
			return;
		}
		note_failure(s, fault.words);
		snprintf(s->words, sizeof(s->words), "%s: %s", s->route->hops[i].port->name, fault.words);
	}
	uv_timer_start(&s->timer, on_refused, 0, 0);
}

static struct session *answering(struct leg *leg, uint32_t id)
{
	struct session *s = leg->session;

	return id && s->id == id && leg == &s->legs[s->at] ? s : NULL;
}

static void begin_answer(struct session *s)
{
	if (s->is_answering)
		return;
	s->is_answering = true;
	uv_timer_stop(&s->timer);
	note_success(s);
	s->route->stats.turns[s->at]++;
}

static void on_delta(void *arg, uint32_t id, const char *text)
{
	struct session *s = answering(arg, id);

	if (!s || !*text)
		return;
	begin_answer(s);
	s->cb.on_delta(s->cb.arg, id, text);
}

static void on_tool(void *arg, uint32_t id, const char *call_id, const char *name, const char *args_json)
{
	struct session *s = answering(arg, id);

	if (!s)
		return;
	begin_answer(s);
	s->cb.on_tool(s->cb.arg, id, call_id, name, args_json);
}

static void on_listen(void *arg, uint32_t id, const struct llm_listen *listen)
{
	struct session *s = answering(arg, id);

	if (s && s->cb.on_listen)
		s->cb.on_listen(s->cb.arg, id, listen);
}

static void on_done(void *arg, uint32_t id)
{
	struct session *s = answering(arg, id);

	if (!s)
		return;
	begin_answer(s);
	end_turn(s);
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	struct session *s = answering(arg, id);

	if (s)
		failed(s, err, words);
}

/* ---- the port ------------------------------------------------------------------------------------------------------------- */

static void route_cancel(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);
	struct llm_session *mind = s->legs[s->at].mind;

	if (!s->id)
		return;
	forget_turn(s);
	if (mind)
		mind->ops->cancel(mind);
}

static int route_respond(struct llm_session *base, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	struct session *s = container_of(base, struct session, base);

	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "turn %u is not over", s->id);
	keep_turn(s, turn);
	s->id = id;
	s->tried = 0;
	s->is_answering = false;
	s->words[0] = '\0';
	go(s);

	return 0;
}

/* The mind that would be asked knows best what it waits for. */
static enum llm_fit route_judge(struct llm_session *base, const char *text)
{
	struct session *s = container_of(base, struct session, base);
	struct llm_session *mind = s->legs[s->at].mind;

	return mind && mind->ops->judge ? mind->ops->judge(mind, text) : LLM_FIT_UNKNOWN;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void route_close(struct llm_session *base)
{
	struct session *s = container_of(base, struct session, base);

	route_cancel(base);
	for (size_t i = 0; i < s->route->count; i++)
		if (s->legs[i].mind)
			s->legs[i].mind->ops->close(s->legs[i].mind);
	s->route->session_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static int route_open(struct llm_port *port, const struct llm_params *params, struct llm_session **ret, struct port_fault *ret_fault)
{
	struct route *r = container_of(port, struct route, port);
	struct session *s = mem_zalloc(sizeof(*s));
	int err = -TR_EENGINE;

	s->base.ops = port->ops;
	s->route = r;
	s->cb = params->cb;
	for (size_t i = 0; i < r->count; i++) {
		struct leg *leg = &s->legs[i];
		struct llm_params own = *params;
		struct port_fault fault = {0};

		leg->session = s;
		own.cb = (struct llm_callbacks){on_delta, on_tool, on_listen, on_done, on_error, leg};

		int own_err = r->hops[i].port->ops->open(r->hops[i].port, &own, &leg->mind, &fault);

		if (own_err) {
			leg->mind = NULL;
			log_warn("llm.not_opened", LOG_STR("llm", r->hops[i].port->name), LOG_STR("why", fault.words));
			port_fail(ret_fault, own_err, "%.60s: %.90s", r->hops[i].port->name, fault.words);
		} else {
			err = 0;
		}
	}
	if (err) {
		free(s);
		return err;
	}
	uv_timer_init(r->loop, &s->timer);
	s->timer.data = s;
	r->session_count++;
	*ret = &s->base;

	return 0;
}

static const struct llm_ops ops = {
	.open = route_open,
	.close = route_close,
	.respond = route_respond,
	.cancel = route_cancel,
	.judge = route_judge,
};

struct llm_port *llm_route_new(uv_loop_t *loop, const struct llm_route_params *params)
{
	struct route *r = mem_zalloc(sizeof(*r));

	assert(params->count && params->count <= LIMIT_LLM_ROUTE);
	r->loop = loop;
	r->name = mem_strdup(params->name);
	r->first_ms = params->first_ms ? params->first_ms : FIRST_MS;
	r->count = params->count;
	for (size_t i = 0; i < r->count; i++)
		r->hops[i].port = params->ports[i];
	r->port = (struct llm_port){&ops, r->name};

	return &r->port;
}

struct llm_port *llm_route_free(struct llm_port *port)
{
	if (!port)
		return NULL;

	struct route *r = container_of(port, struct route, port);

	assert(r->session_count == 0);
	free(r->name);
	free(r);

	return NULL;
}

struct llm_route_stats llm_route_stats(struct llm_port *port)
{
	return container_of(port, struct route, port)->stats;
}
