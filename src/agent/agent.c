/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"
#include <pthread.h>
#include <stdatomic.h>
#include "agent/caller.h"
#include "agent/config.h"
#include "agent/doorman.h"
#include "agent/pipeline.h"
#include "agent/recorded.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mailbox.h"

enum {
	TICK_US = 20000,   /* a call without frames is looked after that often */
	TIMER_MS = 10,	   /* so that it is at most 30 ms */
};

enum msg_kind { MSG_START, MSG_STOP, MSG_DTMF, MSG_HOLD, MSG_RESUME, MSG_SAY, MSG_TRANSFER_FAILED, MSG_BEGIN, MSG_LEAVE };

/* text and call are the message's own until they are handled. */
struct msg {
	enum msg_kind kind;
	char digit;
	uint64_t id;
	char *text;
	struct call *call;
};

struct call {
	struct hash_node node;
	struct list link;
	uint64_t id;
	struct media_port *port;
	struct agent_config *config;
	struct agent_caller_config *caller;
	bool waits;
	const char *words_stt;
	struct brain *brain;
	int64_t ticked_us;
};

struct agent {
	struct agent_params p;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t timer;
	struct mailbox *mailbox;
	struct media_bell bell;
	struct agent_providers providers;
	struct recorded *recorded;
	struct hash_table calls;
	struct list list;
	pthread_t thread;
	enum { AGENT_NEW, AGENT_RUNNING, AGENT_ENDED } state;
	_Atomic bool is_stopping;
	_Atomic uint32_t count;
	_Atomic uint64_t started, refused;
};

/* ---- calls, on the agent thread ------------------------------------------------------------------------------------------- */

static struct call *call_free(struct call *c)
{
	if (!c)
		return NULL;

	if (c->brain)
		c->brain->ops->free(c->brain);
	media_port_unref(c->port);
	agent_config_free(c->config);
	agent_caller_config_free(c->caller);
	free(c);

	return NULL;
}

static uint32_t hash_of(uint64_t id)
{
	return span_hash(span((const char *)&id, sizeof(id)));
}

static struct call *find_call(struct agent *a, uint64_t id)
{
	for (struct hash_node *n = hash_find(&a->calls, hash_of(id)); n; n = hash_find_next(n)) {
		struct call *c = container_of(n, struct call, node);

		if (c->id == id)
			return c;
	}

	return NULL;
}

static void emit(struct agent *a, const struct agent_event *ev)
{
	a->p.on_event(a->p.ctx, ev);
}

static int64_t read_clock(void *ctx)
{
	return clock_us();
}

static int make_brain(struct agent *a, struct call *c)
{
	struct brain_env env = {
		.call = c->id,
		.port = c->port,
		.providers = &a->providers,
		.recorded = a->recorded,
		.on_event = a->p.on_event,
		.event_ctx = a->p.ctx,
		.clock_us = read_clock,
		.wall_ms = clock_wall_ms(),
	};

	if (c->waits)
		return doorman_new(&c->brain, &env, c->config, c->words_stt);

	return c->config ? pipeline_new(&c->brain, &env, c->config) : caller_new(&c->brain, &env, c->caller);
}

static void end_call(struct agent *a, struct call *c)
{
	struct agent_event ev = {.kind = AGENT_STOPPED, .call = c->id};

	if (c->brain) {
		hash_remove(&a->calls, &c->node);
		list_unlink(&c->link);
	}
	call_free(c);
	atomic_fetch_sub(&a->count, 1);
	emit(a, &ev);
}

static void begin_call(struct agent *a, struct call *c)
{
	int err = make_brain(a, c);

	if (err) {
		struct agent_event ev = {
			.kind = AGENT_FAILED,
			.call = c->id,
			.failure = {"agent", "", err, err_text(err), true},
		};

		emit(a, &ev);
		end_call(a, c);
		return;
	}
	hash_add(&a->calls, &c->node, hash_of(c->id));
	list_append(&a->list, &c->link);
	c->brain->ops->start(c->brain);
}

static void tick_call(struct call *c, int64_t now_us)
{
	c->ticked_us = now_us;
	c->brain->ops->tick(c->brain);
}

/* The bell rings for a slice of the ports: only those that were filled have news. */
static void tick_calls(struct agent *a)
{
	int64_t now_us = clock_us();

	list_each(&a->list, struct call, link, c)
		if (media_port_peek_up(c->port) || now_us - c->ticked_us >= TICK_US)
			tick_call(c, now_us);
}

/* ---- messages -------------------------------------------------------------------------------------------------------------- */

static void handle(struct agent *a, struct msg *m)
{
	struct call *c = m->kind == MSG_START ? m->call : find_call(a, m->id);
	struct brain *b = c ? c->brain : NULL;

	if (c)
		switch (m->kind) {
		case MSG_START:
			begin_call(a, c);
			break;
		case MSG_STOP:
			end_call(a, c);
			break;
		case MSG_DTMF:
			b->ops->dtmf(b, m->digit);
			break;
		case MSG_HOLD:
			b->ops->hold(b);
			break;
		case MSG_RESUME:
			b->ops->resume(b);
			break;
		case MSG_SAY:
			b->ops->say(b, m->text);
			break;
		case MSG_TRANSFER_FAILED:
			b->ops->transfer_failed(b, m->text);
			break;
		case MSG_BEGIN:
			if (b->ops->begin)
				b->ops->begin(b);
			break;
		case MSG_LEAVE:
			if (b->ops->leave)
				b->ops->leave(b, m->text);
			break;
		}
	free(m->text);
}

static void on_wake(uv_async_t *async)
{
	struct agent *a = async->data;
	struct msg m;

	media_bell_clear(&a->bell);
	while (mailbox_take(a->mailbox, &m))
		handle(a, &m);
	tick_calls(a);
	if (atomic_load(&a->is_stopping))
		uv_stop(&a->loop);
}

static void on_timer(uv_timer_t *timer)
{
	tick_calls(timer->data);
}

static void *run(void *arg)
{
	struct agent *a = arg;

	uv_timer_start(&a->timer, on_timer, TIMER_MS, TIMER_MS);
	while (!atomic_load(&a->is_stopping))
		uv_run(&a->loop, UV_RUN_DEFAULT);
	list_each(&a->list, struct call, link, c)
		end_call(a, c);
	uv_timer_stop(&a->timer);

	return NULL;
}

/* ---- from other threads ----------------------------------------------------------------------------------------------------- */

static void wake(void *ctx)
{
	struct agent *a = ctx;

	uv_async_send(&a->wake);
}

static int post(struct agent *a, const struct msg *m)
{
	int err = mailbox_post(a->mailbox, m);

	if (err)
		free(m->text);

	return err;
}

static int post_text(struct agent *a, enum msg_kind kind, uint64_t id, const char *text)
{
	struct msg m = {.kind = kind, .id = id, .text = strdup(text)};

	return m.text ? post(a, &m) : -ENOMEM;
}

static struct call *call_new(const struct agent_call_params *p)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;

	c->id = p->call;
	list_init(&c->link);
	c->port = media_port_ref(p->port);
	c->waits = p->waits && p->config;
	c->words_stt = p->words_stt;
	if (p->config)
		c->config = agent_config_copy(p->config);
	else
		c->caller = agent_caller_config_copy(p->caller);

	return c->config || c->caller ? c : call_free(c);
}

int agent_call_start(struct agent *a, const struct agent_call_params *params)
{
	struct msg m = {.kind = MSG_START, .id = params->call};
	int err = -TR_ELIMIT;

	assert(!params->config != !params->caller);
	if (atomic_fetch_add(&a->count, 1) < a->p.calls_max) {
		m.call = call_new(params);
		err = m.call ? post(a, &m) : -ENOMEM;
	}
	if (err) {
		call_free(m.call);
		atomic_fetch_sub(&a->count, 1);
		atomic_fetch_add(&a->refused, 1);
		return err;
	}
	atomic_fetch_add(&a->started, 1);

	return 0;
}

int agent_call_stop(struct agent *a, uint64_t call)
{
	return post(a, &(struct msg){.kind = MSG_STOP, .id = call});
}

int agent_call_dtmf(struct agent *a, uint64_t call, char digit)
{
	return post(a, &(struct msg){.kind = MSG_DTMF, .id = call, .digit = digit});
}

int agent_call_hold(struct agent *a, uint64_t call)
{
	return post(a, &(struct msg){.kind = MSG_HOLD, .id = call});
}

int agent_call_resume(struct agent *a, uint64_t call)
{
	return post(a, &(struct msg){.kind = MSG_RESUME, .id = call});
}

int agent_call_say(struct agent *a, uint64_t call, const char *text)
{
	return strlen(text) <= LIMIT_AGENT_SAY_BYTES ? post_text(a, MSG_SAY, call, text) : -TR_ETOOBIG;
}

int agent_call_begin(struct agent *a, uint64_t call)
{
	return post(a, &(struct msg){.kind = MSG_BEGIN, .id = call});
}

int agent_call_leave(struct agent *a, uint64_t call, const char *text)
{
	return strlen(text) <= LIMIT_AGENT_SAY_BYTES ? post_text(a, MSG_LEAVE, call, text) : -TR_ETOOBIG;
}

int agent_call_transfer_failed(struct agent *a, uint64_t call, const char *reason)
{
	return post_text(a, MSG_TRANSFER_FAILED, call, reason ? reason : "");
}

struct agent_stats agent_stats(const struct agent *a)
{
	return (struct agent_stats){
		.calls = atomic_load(&a->count),
		.started = atomic_load(&a->started),
		.refused = atomic_load(&a->refused),
		.mailbox_dropped = mailbox_dropped(a->mailbox),
	};
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

uv_loop_t *agent_loop(struct agent *a)
{
	return &a->loop;
}

struct agent_providers *agent_providers(struct agent *a)
{
	return &a->providers;
}

struct media_bell *agent_bell(struct agent *a)
{
	return &a->bell;
}

int agent_new(struct agent **ret, const struct agent_params *params)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;

	a->p = *params;
	if (!a->p.calls_max)
		a->p.calls_max = LIMIT_AGENT_CALLS;
	list_init(&a->list);
	hash_init(&a->calls);
	a->bell = (struct media_bell){.wake = wake, .ctx = a};
	a->mailbox = mailbox_new(&(struct mailbox_params){
		.count = LIMIT_AGENT_MAILBOX,
		.item_bytes = sizeof(struct msg),
		.wake = wake,
		.ctx = a,
	});
	a->recorded = recorded_new();
	err = a->mailbox && a->recorded ? uv_loop_init(&a->loop) : -ENOMEM;
	if (err) {
		mailbox_free(a->mailbox);
		recorded_free(a->recorded);
		free(a);
		return err;
	}
	uv_async_init(&a->loop, &a->wake, on_wake);
	uv_timer_init(&a->loop, &a->timer);
	a->wake.data = a->timer.data = a;
	*ret = a;

	return 0;
}

int agent_start(struct agent *a)
{
	assert(a->state == AGENT_NEW);

	int err = pthread_create(&a->thread, NULL, run, a);

	if (err)
		return -err;
	pthread_setname_np(a->thread, "agent");
	a->state = AGENT_RUNNING;

	return 0;
}

/* What nobody will handle any more. */
static void drop_messages(struct agent *a)
{
	struct msg m;

	while (mailbox_take(a->mailbox, &m)) {
		if (m.kind == MSG_START)
			end_call(a, m.call);
		free(m.text);
	}
}

void agent_stop(struct agent *a)
{
	if (a->state != AGENT_RUNNING)
		return;

	atomic_store(&a->is_stopping, true);
	uv_async_send(&a->wake);
	pthread_join(a->thread, NULL);
	a->state = AGENT_ENDED;
	drop_messages(a);
	/* Its sessions belong to engines that are freed next. */
	a->recorded = recorded_free(a->recorded);
}

struct agent *agent_free(struct agent *a)
{
	if (!a)
		return NULL;

	agent_stop(a);
	drop_messages(a);
	recorded_free(a->recorded);
	uv_close((uv_handle_t *)&a->wake, NULL);
	uv_close((uv_handle_t *)&a->timer, NULL);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	/* A handle that an engine left open would be freed under libuv's feet. */
	int err = uv_loop_close(&a->loop);

	assert(err == 0);
	mailbox_free(a->mailbox);
	hash_done(&a->calls);
	free(a);

	return NULL;
}
