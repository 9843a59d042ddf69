/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * What is to be delivered elsewhere, on disk until it is: a queue in an SQLite file, in which several consumers have a part each by name. A part
 * holds at most LIMIT_OUTBOX_WAITING; the oldest go when there are more. One thread an outbox; several may have one file open.
 */
struct outbox;

struct outbox_item {
	int64_t seq;
	char *id, *body; /* freed by outbox_item_done */
	uint32_t attempts;
	int64_t made_ms; /* since 1970 */
};

/* NULL with a sentence in why. */
struct outbox *outbox_open(const char *path, const char *part, char *ret_why, size_t cap);
struct outbox *outbox_close(struct outbox *o);

/* *ret_lost: how many old ones it cost. Negative: not on disk. */
nodiscard int outbox_put(struct outbox *o, const char *id, const char *body, int64_t now_ms, uint32_t *ret_lost);
/* 1 and the oldest that is due; 0 and when the next will be (INT64_MAX: nothing waits); negative: fault. */
nodiscard int outbox_next(struct outbox *o, int64_t now_ms, struct outbox_item *ret, int64_t *ret_due_ms);
void outbox_item_done(struct outbox_item *item);
nodiscard int outbox_remove(struct outbox *o, int64_t seq);
nodiscard int outbox_retry(struct outbox *o, int64_t seq, int64_t due_ms);
/* Forgets everything. */
nodiscard int outbox_clear(struct outbox *o);
int64_t outbox_count(struct outbox *o);
