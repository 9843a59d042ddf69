/* SPDX-License-Identifier: Apache-2.0 */
#include "obs/trace.h"

/* Entries lie end to end, 8-byte aligned; one that would not fit before the end of the ring is put at its beginning. */
struct entry {
	uint32_t size;	     /* of the whole entry; 0: the rest up to the end is unused */
	uint32_t call_id_n, bytes_n;
	bool is_out;
	const char *transport; /* static text */
	int64_t wall_us;
	struct addr local, remote;
	char text[]; /* Call-ID, then the message */
};

struct trace {
	size_t cap, head, tail; /* head: next to write; tail: oldest; equal and count 0: empty */
	uint32_t count;
	alignas(16) char ring[];
};

struct trace *trace_new(size_t bytes)
{
	struct trace *t = calloc(1, sizeof(*t) + bytes);

	if (t)
		t->cap = bytes & ~(size_t)7;

	return t;
}

struct trace *trace_free(struct trace *t)
{
	free(t);

	return NULL;
}

static struct entry *entry_at(struct trace *t, size_t at)
{
	return (struct entry *)(void *)(t->ring + at);
}

/* Where the entry at "at" really is: at the beginning when the end is unused. */
static size_t settle(struct trace *t, size_t at)
{
	return t->cap - at < sizeof(struct entry) || entry_at(t, at)->size == 0 ? 0 : at;
}

static void drop_oldest(struct trace *t)
{
	t->tail = settle(t, t->tail);
	t->tail += entry_at(t, t->tail)->size;
	t->count--;
}

/* Makes room for size bytes in one piece at head. */
static void make_room(struct trace *t, size_t size)
{
	for (;;) {
		if (t->count == 0)
			t->head = t->tail = 0;
		if (t->head > t->tail || t->count == 0) {
			if (t->cap - t->head >= size)
				return;
			if (t->cap - t->head >= sizeof(uint32_t))
				entry_at(t, t->head)->size = 0;
			t->head = 0;
			if (t->count && t->tail == 0)
				drop_oldest(t);
		} else if (t->tail - t->head >= size && t->tail != t->head) {
			return;
		} else {
			drop_oldest(t);
		}
	}
}

void trace_add(struct trace *t, const struct trace_message *m)
{
	size_t bytes_n = MIN(m->bytes.n, (size_t)LIMIT_TRACE_MESSAGE_BYTES), id_n = MIN(m->call_id.n, (size_t)LIMIT_CALLID_BYTES);
	size_t size = (sizeof(struct entry) + id_n + bytes_n + 7) & ~(size_t)7;

	if (size > t->cap / 2)
		return;
	make_room(t, size);

	struct entry *e = entry_at(t, t->head);

	e->size = (uint32_t)size;
	e->call_id_n = (uint32_t)id_n;
	e->bytes_n = (uint32_t)bytes_n;
	e->is_out = m->is_out;
	e->transport = m->transport;
	e->wall_us = m->wall_us;
	e->local = m->local;
	e->remote = m->remote;
	memcpy(e->text, m->call_id.p, id_n);
	memcpy(e->text + id_n, m->bytes.p, bytes_n);
	t->head += size;
	t->count++;
}

void trace_each(struct trace *t, struct span call_id, bool (*fn)(void *ctx, const struct trace_message *m), void *ctx)
{
	size_t at = t->tail;

	for (uint32_t i = 0; i < t->count; i++) {
		at = settle(t, at);

		struct entry *e = entry_at(t, at);
		struct trace_message m = {.wall_us = e->wall_us, .is_out = e->is_out, .transport = e->transport, .local = e->local,
			.remote = e->remote, .call_id = span(e->text, e->call_id_n),
			.bytes = span(e->text + e->call_id_n, e->bytes_n)};

		at += e->size;
		if (call_id.p && !span_eq(call_id, m.call_id))
			continue;
		if (!fn(ctx, &m))
			return;
	}
}
