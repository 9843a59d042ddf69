/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Keys that somebody outside wants from the caller, instead of the agent. Who asked reads them from the record's collected; those of a
 * sensitive entry are handed out once and are stars everywhere else.
 */
static bool is_open(const struct call *c)
{
	return c->rec.collected.number && c->rec.collected.end == COLLECT_OPEN;
}

static void finish(struct call *c)
{
	struct call_collected *r = &c->rec.collected;
	struct call_line line = {.who = CALL_SAYS_CALLER, .at = calls_now(c->owner) - c->rec.began_at, .text = r->shown, .is_digits = true,
		.confidence = 1};

	timer_stop(&c->owner->wheel, &c->collect_timer);
	r->end = c->collect.end;
	buf_copy(r->shown, sizeof(r->shown), c->collect.keys);
	if (r->is_sensitive) {
		memset(r->shown, '*', strlen(r->shown));
		(void)!call_set_sensitive(c, CALL_SENSITIVE_COLLECT, false);
	}
	line.end = line.at;
	if (c->collect.count && call_record_say(&c->rec, &line))
		call_changed(c, "said");
	call_changed(c, "collected");
}

void collect_expired(struct timer *t, msec_t now)
{
	struct call *c = container_of(t, struct call, collect_timer);

	if (collect_tick(&c->collect, now) == NEVER)
		finish(c);
	else
		calls_timer(c->owner, t, (uint32_t)(c->collect.due_at - now));
}

int call_collect(struct call *c, const struct collect_params *params, bool is_sensitive)
{
	msec_t now = calls_now(c->owner);

	if (!c->session || c->rec.state != CALL_UP || is_open(c))
		return -TR_ESTATE;
	explicit_bzero(c->collect.keys, sizeof(c->collect.keys));
	c->rec.collected = (struct call_collected){.is_sensitive = is_sensitive, .number = c->rec.collected.number + 1};
	if (is_sensitive)
		(void)!call_set_sensitive(c, CALL_SENSITIVE_COLLECT, true);
	collect_begin(&c->collect, params, now);
	calls_timer(c->owner, &c->collect_timer, c->collect.p.first_ms);

	return 0;
}

bool collect_takes(struct call *c, char key)
{
	msec_t now = calls_now(c->owner);

	if (!is_open(c))
		return false;

	bool is_taken = collect_key(&c->collect, key, now);

	if (c->collect.end == COLLECT_OPEN)
		calls_timer(c->owner, &c->collect_timer, (uint32_t)(c->collect.due_at - now));
	else
		finish(c);

	return is_taken;
}

void collect_on_over(struct call *c)
{
	if (!is_open(c))
		return;
	collect_cancel(&c->collect);
	finish(c);
}

int call_collect_stop(struct call *c)
{
	if (!is_open(c))
		return -TR_ESTATE;
	collect_on_over(c);

	return 0;
}

bool call_collect_take(struct call *c, char *ret_keys, size_t cap)
{
	if (!c->rec.collected.number || is_open(c) || c->collect.p.most == 0)
		return false;
	buf_copy(ret_keys, cap, c->collect.keys);
	if (!c->rec.collected.is_sensitive)
		return true;
	/* Once. */
	explicit_bzero(&c->collect, sizeof(c->collect));

	return true;
}
