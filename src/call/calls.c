/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

#define LINGER_MS 5000 /* what a worker or an agent needs at most to let go of a call */

msec_t calls_now(const struct calls *cs)
{
	return clock_ms();
}

struct agent *calls_agent(struct calls *cs)
{
	return cs->agent;
}

struct media_engine *calls_media(struct calls *cs)
{
	return cs->media;
}

uint32_t calls_count(const struct calls *cs)
{
	return cs->live_count;
}

/* ---- life of a call ---------------------------------------------------------------------------------------------- */

struct call *call_new(struct calls *cs, const struct call_plan *plan, bool is_outgoing)
{
	struct call *c = calloc(1, sizeof(*c));
	uint32_t salt;

	if (!c)
		return NULL;

	random_bytes(&salt, sizeof(salt));
	c->owner = cs;
	c->handle = ++cs->next_handle;
	c->plan = *plan;
	c->rec.is_outgoing = is_outgoing;
	c->rec.wall_ms = clock_wall_ms();
	c->rec.began_at = calls_now(cs);
	snprintf(c->rec.id, sizeof(c->rec.id), "c%" PRIu64 "-%08x", c->handle, salt);
	buf_copy(c->rec.line, sizeof(c->rec.line), plan->line ? plan->line : "");
	buf_copy(c->rec.agent, sizeof(c->rec.agent), plan->agent_name ? plan->agent_name : "");
	timer_init(&c->ring, call_answer_now);
	timer_init(&c->longest, call_too_long);
	timer_init(&c->collect_timer, collect_expired);
	list_prepend(&cs->live, &c->link);
	hash_add(&cs->by_handle, &c->by_handle, (uint32_t)c->handle);
	cs->live_count++;

	return c;
}

struct call *call_by_handle(struct calls *cs, uint64_t handle)
{
	for (struct hash_node *n = hash_find(&cs->by_handle, (uint32_t)handle); n; n = hash_find_next(n)) {
		struct call *c = container_of(n, struct call, by_handle);

		if (c->handle == handle)
			return c;
	}

	return NULL;
}

void call_changed(struct call *c, const char *what)
{
	if (c->owner->p.hooks.changed)
		c->owner->p.hooks.changed(c->owner->p.hooks.ctx, &c->rec, what);
}

void call_note(struct call *c, const char *fmt, ...)
{
	char text[300];
	struct call_line line = {.who = CALL_SAYS_SYSTEM, .at = calls_now(c->owner) - c->rec.began_at, .text = text, .confidence = 1};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line.end = line.at;
	if (call_record_say(&c->rec, &line))
		call_changed(c, "said");
}

static void keep_record(struct calls *cs, struct call_record *rec)
{
	struct call_record *slot = &cs->history[cs->history_next];

	call_record_done(slot);
	*slot = *rec;
	cs->history_next = (cs->history_next + 1) % cs->p.history;
	cs->history_count = MIN(cs->history_count + 1, cs->p.history);
}

static void retire(struct call *c)
{
	struct calls *cs = c->owner;

	park_on_joined(c);
	queue_on_over(c);
	call_changed(c, "closed");
	timer_stop(&cs->wheel, &c->ring);
	timer_stop(&cs->wheel, &c->longest);
	timer_stop(&cs->wheel, &c->collect_timer);
	explicit_bzero(&c->collect, sizeof(c->collect));
	free(c->body);
	hops_free(c);
	sip_account_unref(c->account);
	free(c->offer);
	free(c->ice);
	call_forget_early(c);
	list_unlink(&c->link);
	hash_remove(&cs->by_handle, &c->by_handle);
	cs->live_count--;
	if (c->has_oa)
		sdp_oa_done(&c->oa);
	if (c->has_oa_first)
		sdp_oa_done(&c->oa_first);
	media_port_unref(c->port);
	if (cs->p.hooks.release)
		cs->p.hooks.release(cs->p.hooks.ctx, c->plan.owner);
	keep_record(cs, &c->rec);
	free(c);
}

/* Gone once SIP, worker, agent and recorder have all let go, or have had their time. */
void call_retire_if_done(struct call *c)
{
	if (c->session || c->is_gathering)
		return;
	if (c->closing_at == 0)
		c->closing_at = calls_now(c->owner);

	bool is_open = c->has_stream || c->has_agent || c->files_open;

	/* An agent that was not told to stop would talk to nobody for ever. */
	if (c->has_agent && c->is_stop_due)
		return;
	if (is_open && calls_now(c->owner) - c->closing_at < LINGER_MS)
		return;
	if (is_open)
		log_warn("call.lingered", LOG_STR("call", c->rec.id), LOG_INT("stream", c->has_stream),
			LOG_INT("agent", c->has_agent), LOG_INT("recordings", c->files_open));
	retire(c);
}

/* ---- the manager --------------------------------------------------------------------------------------------------- */

/* ICE and DTLS of all calls, and when to look again. */
static void run_paths(uv_timer_t *timer)
{
	struct calls *cs = timer->data;
	msec_t next = media_engine_run(cs->media);

	if (next == NEVER)
		uv_timer_stop(&cs->paths);
	else
		uv_timer_start(&cs->paths, run_paths, (uint64_t)MAX(next - calls_now(cs), 1), 0);
}

static void drain(uv_async_t *async)
{
	struct calls *cs = async->data;
	struct media_event ev;

	run_paths(&cs->paths);

	while (mailbox_take(cs->media_box, &ev))
		leg_on_media(cs, &ev);
	brain_drain(cs);
}

static void every_second(uv_timer_t *timer)
{
	struct calls *cs = timer->data;

	media_engine_reap(cs->media);
	list_each(&cs->live, struct call, link, c)
	{
		if (c->is_stop_due)
			brain_stop(c);
		brain_hold(c);
		call_retire_if_done(c);
	}
	queues_tick(cs);
}

static void arm(struct calls *cs);

static void on_due(uv_timer_t *handle)
{
	struct calls *cs = handle->data;

	wheel_advance(&cs->wheel, calls_now(cs));
	arm(cs);
}

static void arm(struct calls *cs)
{
	msec_t next = wheel_next(&cs->wheel);

	if (next == NEVER)
		uv_timer_stop(&cs->due);
	else
		uv_timer_start(&cs->due, on_due, (uint64_t)MAX(next - calls_now(cs), 0), 0);
}

void calls_timer(struct calls *cs, struct timer *t, uint32_t after_ms)
{
	msec_t now = calls_now(cs);

	wheel_advance(&cs->wheel, now);
	timer_start(&cs->wheel, t, now + after_ms);
	arm(cs);
}

static void ring_loop(void *ctx)
{
	struct calls *cs = ctx;

	uv_async_send(&cs->wake);
}

int calls_new(struct calls **ret, const struct calls_params *params)
{
	struct calls *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return -ENOMEM;

	cs->p = *params;
	if (!cs->p.history)
		cs->p.history = LIMIT_CALL_HISTORY;
	cs->history = mem_zalloc(cs->p.history * sizeof(*cs->history));
	hash_init(&cs->by_handle);
	list_init(&cs->live);
	list_init(&cs->conferences);
	cs->media_box = mailbox_new(&(struct mailbox_params){
		.count = LIMIT_CALL_EVENTS, .item_bytes = sizeof(struct media_event), .wake = ring_loop, .ctx = cs});
	cs->agent_box = mailbox_new(&(struct mailbox_params){
		.count = LIMIT_CALL_EVENTS, .item_bytes = sizeof(void *), .wake = ring_loop, .ctx = cs});
	if (!cs->media_box || !cs->agent_box)
		abort();
	cs->p.media.events = cs->media_box;
	cs->p.media.wake = ring_loop;
	cs->p.media.wake_ctx = cs;
	cs->p.agent.on_event = brain_post;
	cs->p.agent.ctx = cs;
	uv_async_init(params->loop, &cs->wake, drain);
	uv_timer_init(params->loop, &cs->second);
	uv_timer_init(params->loop, &cs->due);
	uv_timer_init(params->loop, &cs->paths);
	wheel_init(&cs->wheel, calls_now(cs));
	cs->wake.data = cs->second.data = cs->due.data = cs->paths.data = cs;
	cs->open_handles = 4;

	int err = agent_new(&cs->agent, &cs->p.agent);

	if (!err)
		err = media_engine_new(&cs->p.media, &cs->media);
	if (err) {
		calls_free(cs);
		return err;
	}
	*ret = cs;

	return 0;
}

int calls_start(struct calls *cs)
{
	uv_timer_start(&cs->second, every_second, 1000, 1000);

	return agent_start(cs->agent);
}

void calls_hangup_all(struct calls *cs, const char *why)
{
	list_each(&cs->live, struct call, link, c)
		call_hangup(c, CALL_END_US, why);
}

static void on_closed(uv_handle_t *handle)
{
	struct calls *cs = handle->data;

	cs->open_handles--;
}

struct calls *calls_free(struct calls *cs)
{
	if (!cs)
		return NULL;

	if (cs->agent)
		agent_stop(cs->agent);
	list_each(&cs->live, struct call, link, c)
		leg_close_media(c);
	cs->is_closing = true;
	conferences_done(cs);
	cs->media = media_engine_free(cs->media);
	brain_drain(cs);
	list_each(&cs->live, struct call, link, c)
		retire(c);
	cs->agent = agent_free(cs->agent);
	uv_close((uv_handle_t *)&cs->wake, on_closed);
	uv_close((uv_handle_t *)&cs->second, on_closed);
	uv_close((uv_handle_t *)&cs->due, on_closed);
	uv_close((uv_handle_t *)&cs->paths, on_closed);
	while (cs->open_handles)
		uv_run(cs->p.loop, UV_RUN_NOWAIT);
	mailbox_free(cs->media_box);
	mailbox_free(cs->agent_box);
	for (uint32_t i = 0; i < cs->p.history; i++)
		call_record_done(&cs->history[i]);
	free(cs->history);
	hash_done(&cs->by_handle);
	free(cs);

	return NULL;
}

/* ---- looking things up ----------------------------------------------------------------------------------------------- */

const struct call_record *call_record_of(const struct call *c)
{
	return &c->rec;
}

struct call *calls_find(struct calls *cs, const char *id)
{
	list_each(&cs->live, struct call, link, c)
		if (strcmp(c->rec.id, id) == 0)
			return c;

	return NULL;
}

void calls_each(struct calls *cs, bool (*fn)(void *ctx, const struct call_record *r), void *ctx)
{
	list_each(&cs->live, struct call, link, c)
		if (!fn(ctx, &c->rec))
			return;
	for (uint32_t i = 1; i <= cs->history_count; i++)
		if (!fn(ctx, &cs->history[(cs->history_next + cs->p.history - i) % cs->p.history]))
			return;
}

struct wanted {
	const char *id;
	const struct call_record *found;
};

static bool is_wanted(void *ctx, const struct call_record *r)
{
	struct wanted *w = ctx;

	if (strcmp(r->id, w->id) == 0)
		w->found = r;

	return !w->found;
}

const struct call_record *calls_record(struct calls *cs, const char *id)
{
	struct wanted w = {.id = id};

	calls_each(cs, is_wanted, &w);

	return w.found;
}
