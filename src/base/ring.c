/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

int ring_init(struct ring *r, uint32_t count, uint32_t item_bytes)
{
	uint32_t n = 1;

	while (n < count)
		n *= 2;

	unsigned char *items = calloc(n, item_bytes);

	if (!items)
		return -ENOMEM;

	*r = (struct ring){.item_bytes = item_bytes, .mask = n - 1, .items = items};

	return 0;
}

void ring_done(struct ring *r)
{
	free(r->items);
	r->items = NULL;
}
