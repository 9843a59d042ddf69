/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "base/list.h"

/*
 * Hierarchical timer wheel in virtual time: start and stop cost O(1) however many timers run. Resolution 1 ms; a timer never
 * fires early, and timers of one millisecond fire in the order they were started. Single-threaded; owned timers must be
 * stopped before their memory goes.
 */
struct timer;
typedef void timer_fn(struct timer *t, msec_t now);

struct timer {
	struct list link; /* in a slot of the wheel while it runs */
	timer_fn *fn;
	msec_t at; /* when it fires; meaningless while stopped */
};

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS  64 /* 64^5 ms: 12 days; later timers wait in the last level and are sorted in again */

struct timer_wheel {
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	uint64_t used[WHEEL_LEVELS]; /* a bit a slot: may be non-empty */
	msec_t now;
	uint32_t count; /* running timers */
};

void wheel_init(struct timer_wheel *w, msec_t now);

void timer_init(struct timer *t, timer_fn *fn);

/* (Re)starts t; a time in the past fires at the next advance. */
void timer_start(struct timer_wheel *w, struct timer *t, msec_t at);
void timer_stop(struct timer_wheel *w, struct timer *t);

static inline bool timer_is_running(const struct timer *t)
{
	return t->link.next != &t->link;
}

/* Fires everything due up to and including now, in order of time. Callbacks may start and stop any timer. */
void wheel_advance(struct timer_wheel *w, msec_t now);

/* When wheel_advance has to be called next: never later than the first timer, possibly earlier; NEVER without timers. */
msec_t wheel_next(const struct timer_wheel *w);
