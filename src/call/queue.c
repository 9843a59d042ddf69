/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"
#include "call/text.h"

/*
 * Callers who wait in line until a person of a group is free, and are never lost:
 *
 *	WAITING ──a member is free──▶ it rings (xfer.c) ── answered: joined
 *	  ▲                             └── busy, silent, gone: the member rests, the caller waits on ──┐
 *	  └──────────────────────────────────────────────────────────────────────────────────────────────┘
 *	time is over: the fall-backs ring ── none: the agent again, which is told why, or a polite end
 *
 * Everybody's next step is looked at once a second and when a caller comes. The first in line is served first; each member has one caller at a
 * time, whichever queues name it. The caller hears music, and from time to time the position, in the agent's voice.
 */
struct queue {
	struct call *call;
	const struct call_queue_plan *plan; /* the call's owner holds it */
	msec_t since, announced_at;
	size_t member; /* that rings */
	bool is_over, is_announcing;
	msec_t rests_until[LIMIT_CALL_QUEUE_MEMBERS];
};

enum { RING_S = 15, REST_S = 10, MAX_WAIT_S = 300, SAY_MS = 12000 };

static struct queue *queue_free(struct queue *q)
{
	q->call->queue = NULL;
	q->call->rec.queue[0] = 0;
	q->call->rec.queue_position = 0;
	free(q);

	return NULL;
}

static bool is_same(const struct queue *a, const struct queue *b)
{
	return !strcmp(a->plan->name, b->plan->name);
}

/* The oldest is the last of live: newer calls stand in front, but it is the time in line that counts. */
static uint32_t position_of(const struct queue *q)
{
	uint32_t position = 1;

	list_each(&q->call->owner->live, struct call, link, c)
		if (c->queue && c->queue != q && is_same(c->queue, q) && c->queue->since < q->since)
			position++;

	return position;
}

/* ---- the position is said ------------------------------------------------------------------------------------------------ */

bool queue_lets_agent_speak(const struct call *c)
{
	return c->queue && c->queue->is_announcing;
}

static void stop_announcing(struct queue *q)
{
	if (!q->is_announcing)
		return;
	q->is_announcing = false;
	q->announced_at = calls_now(q->call->owner);
	brain_hold(q->call);
	if (!q->call->xfer)
		brain_play_waiting(q->call);
}

void queue_on_said(struct call *c)
{
	if (c->queue)
		stop_announcing(c->queue);
}

static void announce(struct queue *q, msec_t now)
{
	struct call *c = q->call;
	const char *text = q->plan->announce ? q->plan->announce : "You are number {position} in line.", *at = strstr(text, "{position}");
	size_t head = at ? (size_t)(at - text) : strlen(text);
	char words[LIMIT_AGENT_SAY_BYTES], number[12] = "";

	if (q->is_announcing && now - q->announced_at >= SAY_MS)
		stop_announcing(q);
	if (!q->plan->announce_s || q->is_announcing || !c->has_agent || c->xfer || now - q->announced_at < q->plan->announce_s * 1000)
		return;
	q->announced_at = now;
	if (at)
		snprintf(number, sizeof(number), "%u", c->rec.queue_position);
	if (buf_format(words, sizeof(words), "%.*s%s%s", (int)head, text, number, at ? at + strlen("{position}") : "") != 0)
		return;
	q->is_announcing = true;
	if (media_play_stop(c->owner->media, c->stream) != 0)
		log_warn("call.play_not_stopped", LOG_STR("call", c->rec.id));
	brain_hold(c);
	if (agent_call_say(c->owner->agent, c->handle, words) != 0)
		stop_announcing(q);
}

/* ---- ringing --------------------------------------------------------------------------------------------------------------- */

static bool is_free(const struct queue *q, size_t member, msec_t now)
{
	const struct call *c = q->call;
	char uri[300];

	if (text_target_uri(q->plan->members[member], c->plan.domain, uri, sizeof(uri)) != 0)
		return false;
	list_each(&c->owner->live, struct call, link, other) {
		if (other->session && other->rec.state < CALL_ENDING && other->rec.is_outgoing && !strcmp(other->rec.to, uri))
			return false;
		if (other->queue && is_same(other->queue, q) && now < other->queue->rests_until[member])
			return false;
	}

	return true;
}

static void ring_next(struct queue *q, msec_t now)
{
	struct call *c = q->call;
	struct call_xfer_params x = {.mode = CALL_XFER_BRIDGE, .waiting = CALL_WAITING_MUSIC,
		.ring_s = q->plan->ring_s ? q->plan->ring_s : RING_S, .target_count = 1};

	for (size_t i = 0; i < q->plan->member_count; i++) {
		if (!is_free(q, i, now))
			continue;
		q->member = i;
		stop_announcing(q);
		x.targets = &q->plan->members[i];
		(void)!xfer_begin(c, &x);
		return;
	}
}

static void give_up(struct queue *q)
{
	struct call *c = q->call;
	struct call_xfer_params x = {.mode = CALL_XFER_BRIDGE, .waiting = CALL_WAITING_MUSIC, .targets = q->plan->fallback,
		.target_count = q->plan->fallback_count};

	q->is_over = true;
	stop_announcing(q);
	call_note(c, "nobody of %s was free in time", q->plan->name);
	if (!x.target_count || xfer_begin(c, &x) != 0)
		call_transfer_failed(c, "nobody is free");
}

bool queue_takes_back(struct call *c, const char *why)
{
	struct queue *q = c->queue;
	msec_t now = calls_now(c->owner);

	if (!q)
		return false;
	if (!q->is_over) {
		q->rests_until[q->member] = now + (q->plan->rest_s ? q->plan->rest_s : REST_S) * 1000;
		brain_play_waiting(c);
		brain_hold(c);
		return true;
	}
	queue_free(q);
	call_changed(c, "queued");

	return brain_takes_back(c, "nobody was free to talk to the caller");
}

static void step(struct queue *q, msec_t now)
{
	struct call *c = q->call;
	uint32_t position = position_of(q), max_wait_s = q->plan->max_wait_s ? q->plan->max_wait_s : MAX_WAIT_S;

	if (position != c->rec.queue_position) {
		c->rec.queue_position = position;
		call_changed(c, "queued");
	}
	if (c->xfer || q->is_over || c->rec.state != CALL_UP)
		return;
	if (now - q->since >= max_wait_s * 1000)
		give_up(q);
	else if (!c->rec.is_held)
		ring_next(q, now);
	if (c->queue && !q->is_over)
		announce(q, now);
}

/* Those who have waited longest choose first. */
void queues_tick(struct calls *cs)
{
	msec_t now = calls_now(cs), served = -1;

	for (;;) {
		struct call *next = NULL;

		list_each(&cs->live, struct call, link, c)
			if (c->queue && c->queue->since > served && (!next || c->queue->since < next->queue->since))
				next = c;
		if (!next)
			return;
		served = next->queue->since;
		step(next->queue, now);
	}
}

/* ---- coming and going ---------------------------------------------------------------------------------------------------- */

static const struct call_queue_plan *find_plan(const struct call *c, const char *name)
{
	for (size_t i = 0; c->plan.queues && i < c->plan.queues->count; i++)
		if (!strcmp(c->plan.queues->list[i].name, name))
			return &c->plan.queues->list[i];

	return NULL;
}

/* Milliseconds alone are no order: two may come in one. */
static msec_t next_place(struct calls *cs)
{
	msec_t place = calls_now(cs);

	list_each(&cs->live, struct call, link, c)
		if (c->queue && c->queue->since >= place)
			place = c->queue->since + 1;

	return place;
}

int call_enqueue(struct call *c, const char *name)
{
	const struct call_queue_plan *plan = find_plan(c, name);
	struct queue *q;
	uint32_t waiting = 0;

	if (!plan)
		return -TR_ENOTFOUND;
	if (!c->session || c->rec.state != CALL_UP || !c->is_connected || c->xfer || c->park || c->queue || c->room || c->peer ||
		c->conference || c->is_held_by_us || recording_is_prompting(c))
		return -TR_ESTATE;
	list_each(&c->owner->live, struct call, link, other)
		waiting += other->queue && !strcmp(other->queue->plan->name, plan->name);
	if (waiting >= (plan->max_callers ? plan->max_callers : LIMIT_CALL_QUEUED))
		return -TR_ELIMIT;

	q = mem_zalloc(sizeof(*q));
	*q = (struct queue){.call = c, .plan = plan, .since = next_place(c->owner)};
	q->announced_at = q->since;
	c->queue = q;
	buf_copy(c->rec.queue, sizeof(c->rec.queue), plan->name);
	brain_play_waiting(c);
	brain_hold(c);
	call_note(c, "waits in line for %s", plan->name);
	queues_tick(c->owner);

	return 0;
}

int call_dequeue(struct call *c)
{
	if (!c->queue || c->xfer)
		return -TR_ESTATE;
	queue_free(c->queue);
	call_transfer_failed(c, "taken out of the line");

	return brain_play_on(c);
}

void queue_on_over(struct call *c)
{
	if (c->queue)
		queue_free(c->queue);
}
