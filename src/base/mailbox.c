/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

/* Each slot's turn says who may use it next: turn == position: a producer; turn == position + 1: the consumer. */
struct slot {
	_Atomic uint32_t turn;
	unsigned char item[];
};

struct mailbox {
	struct mailbox_params p;
	uint32_t mask;
	uint32_t slot_bytes;
	unsigned char *slots;
	_Atomic uint64_t dropped;
	_Atomic bool is_rung;
	alignas(64) _Atomic uint32_t head;
	alignas(64) uint32_t tail;
};

static struct slot *slot_at(const struct mailbox *m, uint32_t pos)
{
	return (struct slot *)(void *)(m->slots + (size_t)(pos & m->mask) * m->slot_bytes);
}

struct mailbox *mailbox_new(const struct mailbox_params *params)
{
	struct mailbox *m = aligned_alloc(64, (sizeof(*m) + 63) & ~(size_t)63);
	uint32_t n = 2;

	if (!m)
		return NULL;
	while (n < params->count)
		n *= 2;

	*m = (struct mailbox){.p = *params, .mask = n - 1};
	m->slot_bytes = (uint32_t)((sizeof(struct slot) + params->item_bytes + 7) & ~(size_t)7);
	m->slots = calloc(n, m->slot_bytes);
	if (!m->slots)
		return mailbox_free(m);
	for (uint32_t i = 0; i < n; i++)
		atomic_store_explicit(&slot_at(m, i)->turn, i, memory_order_relaxed);

	return m;
}

struct mailbox *mailbox_free(struct mailbox *m)
{
	if (m) {
		free(m->slots);
		free(m);
	}

	return NULL;
}

int mailbox_post(struct mailbox *m, const void *item)
{
	uint32_t pos = atomic_load_explicit(&m->head, memory_order_relaxed);
	struct slot *slot;

	for (;;) {
		slot = slot_at(m, pos);

		int32_t ahead = (int32_t)(atomic_load_explicit(&slot->turn, memory_order_acquire) - pos);

		if (ahead < 0) {
			atomic_fetch_add_explicit(&m->dropped, 1, memory_order_relaxed);
			return -TR_ELIMIT;
		}
		if (ahead > 0)
			pos = atomic_load_explicit(&m->head, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(
				 &m->head, &pos, pos + 1, memory_order_relaxed, memory_order_relaxed))
			break;
	}
	memcpy(slot->item, item, m->p.item_bytes);
	atomic_store_explicit(&slot->turn, pos + 1, memory_order_release);

	if (m->p.wake && !atomic_exchange(&m->is_rung, true))
		m->p.wake(m->p.ctx);

	return 0;
}

static bool take(struct mailbox *m, void *ret_item)
{
	struct slot *slot = slot_at(m, m->tail);

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != m->tail + 1)
		return false;

	memcpy(ret_item, slot->item, m->p.item_bytes);
	atomic_store_explicit(&slot->turn, m->tail + m->mask + 1, memory_order_release);
	m->tail++;

	return true;
}

bool mailbox_take(struct mailbox *m, void *ret_item)
{
	if (take(m, ret_item))
		return true;
	/* The bell is reset before the last look, so that a post between the two rings again. */
	atomic_store(&m->is_rung, false);

	return take(m, ret_item);
}

uint64_t mailbox_dropped(const struct mailbox *m)
{
	return atomic_load_explicit(&m->dropped, memory_order_relaxed);
}
