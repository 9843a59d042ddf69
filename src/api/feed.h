/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/event.h"

/*
 * The last events, numbered, for those who read along and for those who come back after an interruption. Bounded by LIMIT_EVENTS_KEPT and
 * LIMIT_EVENTS_BYTES; the oldest go first, however slow a reader is. One thread.
 *
 * Numbers grow over restarts, too: they begin at the clock's microsecond.
 */
struct feed;

struct feed *feed_new(int64_t wall_ms);
struct feed *feed_free(struct feed *f);

/* Takes over text. */
void feed_put(struct feed *f, struct event *event);
uint64_t feed_newest(const struct feed *f); /* number; the one before the first when there is none */

struct feed_item {
	uint64_t id;
	const char *type, *text; /* valid until the next feed_put */
};
/*
 * The first event after *cursor, which moves to it. False: there is none. *ret_missed: how many between are gone; UINT64_MAX: unknown, of a
 * process before this one.
 */
bool feed_next(const struct feed *f, uint64_t *cursor, struct feed_item *ret, uint64_t *ret_missed);
