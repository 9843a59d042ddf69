/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/collect.h"

enum { FIRST_MS = 10000, INTER_MS = 4000 };

static void end(struct collect *c, enum collect_end how)
{
	c->end = how;
	c->due_at = NEVER;
}

void collect_begin(struct collect *c, const struct collect_params *params, msec_t now)
{
	*c = (struct collect){.p = *params};
	c->p.most = params->most ? MIN(params->most, (uint32_t)LIMIT_DTMF_COLLECT) : LIMIT_DTMF_COLLECT;
	c->p.first_ms = params->first_ms ? params->first_ms : FIRST_MS;
	c->p.inter_ms = params->inter_ms ? params->inter_ms : INTER_MS;
	c->due_at = now + c->p.first_ms;
}

bool collect_key(struct collect *c, char key, msec_t now)
{
	/* The key came after its time, although nobody has looked at the clock yet. */
	if (collect_tick(c, now) == NEVER)
		return false;

	if (strchr(c->p.terminators, key)) {
		c->terminator = key;
		end(c, COLLECT_TERMINATOR);
		return true;
	}
	c->keys[c->count++] = key;
	c->due_at = now + c->p.inter_ms;
	if (c->count == c->p.most)
		end(c, COLLECT_LENGTH);

	return true;
}

msec_t collect_tick(struct collect *c, msec_t now)
{
	if (c->end == COLLECT_OPEN && now >= c->due_at)
		end(c, c->count ? COLLECT_PAUSE : COLLECT_NO_KEY);

	return c->due_at;
}

void collect_cancel(struct collect *c)
{
	if (c->end == COLLECT_OPEN)
		end(c, COLLECT_CANCELLED);
}

const char *collect_end_name(enum collect_end e)
{
	static const char *const names[] = {"open", "length", "terminator", "no_key", "pause", "cancelled"};

	return names[e];
}
