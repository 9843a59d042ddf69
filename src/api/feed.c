/* SPDX-License-Identifier: Apache-2.0 */
#include "api/feed.h"

struct feed {
	struct event events[LIMIT_EVENTS_KEPT]; /* a ring: number n lies at n % LIMIT_EVENTS_KEPT */
	uint64_t first, oldest, next;		/* numbers: of this process, kept, to come */
	size_t bytes;
};

struct feed *feed_new(int64_t wall_ms)
{
	struct feed *f = mem_zalloc(sizeof(*f));

	f->first = f->oldest = f->next = (uint64_t)wall_ms * 1000;

	return f;
}

static void drop_oldest(struct feed *f)
{
	struct event *e = &f->events[f->oldest++ % LIMIT_EVENTS_KEPT];

	f->bytes -= strlen(e->text);
	free(e->text);
	e->text = NULL;
}

struct feed *feed_free(struct feed *f)
{
	if (f) {
		while (f->oldest < f->next)
			drop_oldest(f);
		free(f);
	}

	return NULL;
}

void feed_put(struct feed *f, struct event *event)
{
	f->bytes += strlen(event->text);
	while (f->oldest < f->next && (f->next - f->oldest == LIMIT_EVENTS_KEPT || f->bytes > LIMIT_EVENTS_BYTES))
		drop_oldest(f);
	f->events[f->next++ % LIMIT_EVENTS_KEPT] = *event;
	event->text = NULL;
}

uint64_t feed_newest(const struct feed *f)
{
	return f->next - 1;
}

bool feed_next(const struct feed *f, uint64_t *cursor, struct feed_item *ret, uint64_t *ret_missed)
{
	*ret_missed = 0;
	if (*cursor >= f->next) /* of a clock that was ahead */
		*cursor = f->next - 1;
	if (*cursor + 1 >= f->next)
		return false;
	if (*cursor + 1 < f->oldest) {
		*ret_missed = *cursor + 1 < f->first ? UINT64_MAX : f->oldest - *cursor - 1;
		*cursor = f->oldest - 1;
	}
	++*cursor;

	const struct event *e = &f->events[*cursor % LIMIT_EVENTS_KEPT];

	*ret = (struct feed_item){.id = *cursor, .type = e->type, .text = e->text};

	return true;
}
