/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/outbox.h"

struct entry {
	size_t size; /* of this entry with its text, rounded up */
	size_t n, host_n;
	struct sip_dest dest;
	uint64_t token;
};

static bool make_room(struct sip_outbox *o, size_t need)
{
	if (o->head == o->tail)
		o->head = o->tail = 0;
	if (o->tail + need <= o->cap)
		return true;

	size_t cap = MAX(o->cap * 2, 16384);

	while (cap < o->tail + need)
		cap *= 2;
	if (cap > LIMIT_SIP_OUTBOX_BYTES)
		return false;

	char *buf = realloc(o->buf, cap);

	if (!buf)
		return false;
	o->buf = buf;
	o->cap = cap;

	return true;
}

bool sip_outbox_put(struct sip_outbox *o, struct span bytes, const struct sip_dest *dest, uint64_t token)
{
	struct entry e = {.n = bytes.n, .host_n = dest->host.n, .dest = *dest, .token = token};

	e.size = (sizeof(e) + e.n + e.host_n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!make_room(o, e.size))
		return false;

	char *at = o->buf + o->tail;

	memcpy(at, &e, sizeof(e));
	memcpy(at + sizeof(e), bytes.p, bytes.n);
	if (e.host_n)
		memcpy(at + sizeof(e) + e.n, dest->host.p, e.host_n);
	o->tail += e.size;

	return true;
}

bool sip_outbox_take(struct sip_outbox *o, struct sip_out *ret)
{
	struct entry e;

	if (sip_outbox_is_empty(o))
		return false;

	char *at = o->buf + o->head;

	memcpy(&e, at, sizeof(e));
	*ret = (struct sip_out){.bytes = span(at + sizeof(e), e.n), .dest = e.dest, .token = e.token};
	ret->dest.host = span(e.host_n ? at + sizeof(e) + e.n : NULL, e.host_n);
	o->head += e.size;

	return true;
}

void sip_outbox_done(struct sip_outbox *o)
{
	free(o->buf);
	*o = (struct sip_outbox){0};
}
