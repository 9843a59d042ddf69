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
#define NOBODY UINT16_MAX

static struct record *record_at(struct jbuf *jb, uint32_t at)
{
	return (struct record *)(void *)(jb->pool + at);
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
	jb->pool_tail = (jb->pool_tail + size) % jb->pool_size;
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
	jb->pool_head = (at + size) % jb->pool_size;
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
	struct jbuf_slot *slot = jbuf_slot(jb, seq);
	bool has_payload = p->kind != JBUF_EVENT;
	uint32_t at = 0;

	if (has_payload) {
		at = alloc(jb, (uint32_t)sizeof(struct record) + ((p->len + 3u) & ~3u), (uint16_t)(slot - jb->slots)) +
		     (uint32_t)sizeof(struct record);
		memcpy(jb->pool + at, p->payload, p->len);
	}
	*slot = (struct jbuf_slot){
		.is_full = true,
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
	slot->is_full = false;
	if (slot->kind != JBUF_EVENT)
		record_at(jb, slot->at - (uint32_t)sizeof(struct record))->owner = NOBODY;
	jb->stats.buffered--;
}

static void pass_one(struct jbuf *jb)
{
	struct jbuf_slot *slot = jbuf_slot(jb, jb->next_seq);

	if (slot->is_full) {
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

		if (slot->is_full) {
			*ret_seq = seq;
			return slot;
		}
	}

	return NULL;
}
