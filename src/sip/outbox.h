/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/stack.h"

/* Unsent messages, oldest first, in one buffer that grows to what was ever needed and is then only reused. */
struct sip_outbox {
	char *buf;
	size_t cap, head, tail; /* used: [head, tail) */
};

/* False when it is full or memory is out: the message is dropped, as a network may do. */
bool sip_outbox_put(struct sip_outbox *o, struct span bytes, const struct sip_dest *dest, uint64_t token);
bool sip_outbox_take(struct sip_outbox *o, struct sip_out *ret);
void sip_outbox_done(struct sip_outbox *o);

static inline bool sip_outbox_is_empty(const struct sip_outbox *o)
{
	return o->head == o->tail;
}
