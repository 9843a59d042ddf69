/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer.h"

#define SLOT_BITS 6
#define SLOT_MASK (WHEEL_SLOTS - 1)

void wheel_init(struct timer_wheel *w, msec_t now)
{
	*w = (struct timer_wheel){.now = now};
	for (int l = 0; l < WHEEL_LEVELS; l++)
		for (int s = 0; s < WHEEL_SLOTS; s++)
			list_init(&w->slots[l][s]);
}

void timer_init(struct timer *t, timer_fn *fn)
{
	list_init(&t->link);
	t->fn = fn;
	t->at = 0;
}

/* A level holds what lies within 64 of its own units of "now"; anything later goes to the farthest slot and is sorted in again. */
static void place(struct timer_wheel *w, struct timer *t)
{
	msec_t at = MAX(t->at, w->now + 1);

	for (int level = 0; level < WHEEL_LEVELS; level++) {
		int shift = level * SLOT_BITS;
		msec_t ahead = (at >> shift) - (w->now >> shift);
		bool is_last = level == WHEEL_LEVELS - 1;

		if (ahead >= WHEEL_SLOTS && !is_last)
			continue;

		unsigned slot = ((unsigned)(w->now >> shift) + (unsigned)MIN(ahead, SLOT_MASK)) & SLOT_MASK;

		list_append(&w->slots[level][slot], &t->link);
		w->used[level] |= UINT64_C(1) << slot;
		return;
	}
}

void timer_start(struct timer_wheel *w, struct timer *t, msec_t at)
{
	timer_stop(w, t);
	t->at = at;
	place(w, t);
	w->count++;
}

void timer_stop(struct timer_wheel *w, struct timer *t)
{
	if (!timer_is_running(t))
		return;
	list_unlink(&t->link);
	w->count--;
}

/* Slots from the one after "now" on, so that a bit's distance from bit 0 is its distance in time. */
static inline uint64_t ahead_bits(uint64_t used, unsigned cur)
{
	unsigned by = (cur + 1) & SLOT_MASK;

	return by ? (used >> by) | (used << (WHEEL_SLOTS - by)) : used;
}

msec_t wheel_next(const struct timer_wheel *w)
{
	msec_t next = NEVER;

	if (w->count == 0)
		return NEVER;

	for (int level = 0; level < WHEEL_LEVELS; level++) {
		int shift = level * SLOT_BITS;
		uint64_t bits = ahead_bits(w->used[level], (unsigned)(w->now >> shift) & SLOT_MASK);

		if (bits)
			next = MIN(next, ((w->now >> shift) + 1 + __builtin_ctzll(bits)) << shift);
	}

	return next;
}

/* Sorts the timers of the higher slots that begin at "now" into lower ones. */
static void cascade(struct timer_wheel *w)
{
	for (int level = WHEEL_LEVELS - 1; level > 0; level--) {
		int shift = level * SLOT_BITS;

		if (w->now & ((INT64_C(1) << shift) - 1))
			continue;

		unsigned slot = (unsigned)(w->now >> shift) & SLOT_MASK;
		struct list moved = LIST_INIT(moved), *head = &w->slots[level][slot];

		w->used[level] &= ~(UINT64_C(1) << slot);
		if (list_is_empty(head))
			continue;
		moved = *head;
		moved.next->prev = moved.prev->next = &moved;
		list_init(head);
		while (!list_is_empty(&moved)) {
			struct timer *t = list_entry(moved.next, struct timer, link);

			list_unlink(&t->link);
			if (t->at <= w->now) {
				list_append(&w->slots[0][w->now & SLOT_MASK], &t->link);
				w->used[0] |= UINT64_C(1) << (w->now & SLOT_MASK);
			} else {
				place(w, t);
			}
		}
	}
}

static void fire_slot(struct timer_wheel *w)
{
	unsigned slot = (unsigned)w->now & SLOT_MASK;
	struct list *head = &w->slots[0][slot];

	w->used[0] &= ~(UINT64_C(1) << slot);
	while (!list_is_empty(head)) {
		struct timer *t = list_entry(head->next, struct timer, link);

		list_unlink(&t->link);
		w->count--;
		t->fn(t, w->now);
	}
}

void wheel_advance(struct timer_wheel *w, msec_t now)
{
	while (w->now < now) {
		msec_t next = wheel_next(w);

		if (next > now) {
			w->now = now;
			return;
		}
		w->now = next;
		cascade(w);
		fire_slot(w);
	}
}
