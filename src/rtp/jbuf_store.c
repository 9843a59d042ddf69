/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/jbuf_core.h"

/*
 * Slots and their payloads. The pool is a ring of records in order of arrival; a record is freed at once, but its space only
 * when all before it are free. That is nearly the order of playing, so little is wasted; a straggler that holds the tail is
 * displaced when space runs out.
 */
struct record {
	uint16_t words; /* of four bytes, with this header */
	uint16_t owner; /* slot, or NOBODY */
};
#define NOBODY	   UINT16_MAX
#define HEAD_BYTES (uint32_t)sizeof(struct record)

static_assert(SLOTS < UINT8_MAX && SLOTS % 64 == 0 && SEEN >= 2 * SLOTS, "bytes and bits below count slots");

static struct record *record_at(struct jbuf *jb, uint32_t at)
{
	return (struct record *)(void *)(jb->pool + at);
}

static uint32_t wrap(const struct jbuf *jb, uint32_t at)
{
	return at == jb->pool_size ? 0 : at;
}

static void drop_tail(struct jbuf *jb)
{
	const struct record *r = record_at(jb, jb->pool_tail);
	uint32_t size = r->words * 4u;

	if (r->owner != NOBODY) {
		jbuf_release(jb, &jb->slots[r->owner]);
		jb->stats.discarded++;
	}
	jb->pool_used -= size;
	jb->pool_tail = wrap(jb, jb->pool_tail + size);
}

static void reclaim(struct jbuf *jb)
{
	while (jb->pool_used && record_at(jb, jb->pool_tail)->owner == NOBODY)
		drop_tail(jb);
}

static uint32_t add_record(struct jbuf *jb, uint32_t size, uint16_t owner)
{
	uint32_t at = jb->pool_head;

	*record_at(jb, at) = (struct record){.words = (uint16_t)(size / 4), .owner = owner};
	jb->pool_head = wrap(jb, at + size);
	jb->pool_used += size;

	return at;
}

/* Space for a record of size bytes in one piece; the size was checked against the pool's. */
static uint32_t alloc(struct jbuf *jb, uint32_t size, uint16_t owner)
{
	reclaim(jb);
	if (jb->pool_used == 0)
		jb->pool_head = jb->pool_tail = 0;

	uint32_t rest = jb->pool_size - jb->pool_head;
	uint32_t filler = size > rest ? rest : 0;

	while (jb->pool_used + filler + size > jb->pool_size && jb->pool_used)
		drop_tail(jb);
	if (filler)
		add_record(jb, filler, NOBODY);

	return add_record(jb, size, owner);
}

void jbuf_store(struct jbuf *jb, int64_t seq, int64_t lts, const struct jbuf_packet *p)
{
	bool has_payload = p->kind != JBUF_EVENT;
	uint8_t place = (uint8_t)((uint64_t)seq % SLOTS);
	uint8_t n = jb->free_slots[--jb->free_count]; /* there is one: a place is free, and there are as many of both */
	struct jbuf_slot *slot = &jb->slots[n];
	uint32_t at = 0;

	if (has_payload) {
		at = alloc(jb, HEAD_BYTES + ((p->len + 3u) & ~3u), n) + HEAD_BYTES;
		memcpy(jb->pool + at, p->payload, p->len);
	}
	jb->places[place] = (uint8_t)(n + 1);
	*slot = (struct jbuf_slot){
		.place = place,
		.marker = p->marker,
		.is_splice = jb->is_splice_next,
		.kind = (uint8_t)p->kind,
		.pt = p->pt,
		.seq = p->seq,
		.len = has_payload ? p->len : 0,
		.ts = p->ts,
		.units = has_payload ? p->units : 0,
		.at = at,
		.lts = lts,
	};
	jb->is_splice_next = false;
	jb->stats.buffered++;
}

void jbuf_release(struct jbuf *jb, struct jbuf_slot *slot)
{
	jb->places[slot->place] = 0;
	jb->free_slots[jb->free_count++] = (uint8_t)(slot - jb->slots);
	if (slot->kind != JBUF_EVENT)
		record_at(jb, slot->at - HEAD_BYTES)->owner = NOBODY;
	jb->stats.buffered--;
}

static void pass_one(struct jbuf *jb)
{
	struct jbuf_slot *slot = jbuf_slot(jb, jb->next_seq);

	if (slot) {
		jbuf_release(jb, slot);
		jb->stats.discarded++;
	} else if (!jbuf_was_seen(jb, jb->next_seq)) {
		jb->stats.lost++;
		jb->stats.loss_runs += jb->last_lost != jb->next_seq - 1;
		jb->last_lost = jb->next_seq;
	}
	jb->next_seq++;
}

void jbuf_pass(struct jbuf *jb, int64_t seq)
{
	while (jb->next_seq < seq)
		pass_one(jb);
}

struct jbuf_slot *jbuf_nearest(struct jbuf *jb, int64_t *ret_seq)
{
	if (jb->stats.buffered == 0)
		return NULL;

	for (int64_t seq = jb->next_seq; seq <= jb->newest_seq; seq++) {
		struct jbuf_slot *slot = jbuf_slot(jb, seq);

		if (slot) {
			*ret_seq = seq;
			return slot;
		}
	}

	return NULL;
}
