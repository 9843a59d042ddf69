/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include <stdatomic.h>

/*
 * Bounded single-producer single-consumer ring of fixed-size items: one thread writes, one reads, nobody waits. What to do
 * when it is full is the producer's decision (Tipring drops and counts).
 *
 *	producer: void *slot = ring_slot(r); if (slot) { fill it; ring_push(r); }
 *	consumer: const void *item = ring_peek(r); if (item) { use it; ring_pop(r); }
 */
struct ring {
	uint32_t item_bytes;
	uint32_t mask; /* item count - 1 */
	unsigned char *items;
	alignas(64) _Atomic uint32_t head; /* next to write; the producer's */
	alignas(64) _Atomic uint32_t tail; /* next to read; the consumer's */
};

/* count is rounded up to a power of two. -ENOMEM. */
nodiscard int ring_init(struct ring *r, uint32_t count, uint32_t item_bytes);
void ring_done(struct ring *r);

/* Producer: where the next item goes, or NULL when full. Published by ring_push. */
static inline void *ring_slot(struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return head - tail > r->mask ? NULL : r->items + (size_t)(head & r->mask) * r->item_bytes;
}

static inline void ring_push(struct ring *r)
{
	atomic_fetch_add_explicit(&r->head, 1, memory_order_release);
}

/* Consumer: the oldest item, or NULL when empty. Released by ring_pop. */
static inline void *ring_peek(struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return head == tail ? NULL : r->items + (size_t)(tail & r->mask) * r->item_bytes;
}

static inline void ring_pop(struct ring *r)
{
	atomic_fetch_add_explicit(&r->tail, 1, memory_order_release);
}

/* Items inside; exact for producer and consumer, a moment old for others. */
static inline uint32_t ring_count(const struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire) -
		atomic_load_explicit(&r->tail, memory_order_acquire);
}

static inline uint32_t ring_capacity(const struct ring *r)
{
	return r->mask + 1;
}
