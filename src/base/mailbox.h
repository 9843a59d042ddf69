/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include <stdatomic.h>

/*
 * Bounded mailbox between threads: any thread posts, one thread takes. Messages are plain values of one fixed size, copied
 * in and out. Lock-free (a sequence number a slot), so a media worker may post. After a post the owner is woken by
 * the wake function, once for many posts: a posting thread that finds the bell rung already does not ring it again.
 */
struct mailbox;
typedef void mailbox_wake_fn(void *ctx); /* any thread; must not block: uv_async_send or an eventfd write; may be NULL */

struct mailbox_params {
	uint32_t count;	     /* rounded up to a power of two */
	uint32_t item_bytes;
	mailbox_wake_fn *wake;
	void *ctx;
};

/* NULL when memory is out. */
struct mailbox *mailbox_new(const struct mailbox_params *params);
struct mailbox *mailbox_free(struct mailbox *m);

/* -TR_ELIMIT when full: the message is dropped and counted. */
nodiscard int mailbox_post(struct mailbox *m, const void *item);

/* Owner only. False when empty. Call until it is. */
bool mailbox_take(struct mailbox *m, void *ret_item);

uint64_t mailbox_dropped(const struct mailbox *m);
