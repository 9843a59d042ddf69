/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

static void hook_free(struct junk *j)
{
	struct hook *h = container_of(j, struct hook, junk);

	resample_free(h->in);
	resample_free(h->out);
	media_port_unref(h->port);
	link_unref(h->link);
	free(h);
}

int hook_new(enum hook_kind kind, struct media_port *port, struct link *link, int side, struct hook **ret)
{
	struct hook *h = calloc(1, sizeof(*h));
	int err = 0;

	if (!h)
		return -ENOMEM;

	h->junk.free = hook_free;
	h->kind = kind;
	h->side = side;
	h->port = port ? media_port_ref(port) : NULL;
	h->link = link ? link_ref(link) : NULL;
	if (kind != HOOK_ECHO) {
		h->rate_hz = port ? media_port_rate_hz(port) : link_rate_hz(link);
		/* For streams of the other rate; a stream may change its rate while it is connected. */
		int other_hz = h->rate_hz == 8000 ? 16000 : 8000;

		err = resample_new(other_hz, h->rate_hz, &h->in);
		if (!err)
			err = resample_new(h->rate_hz, other_hz, &h->out);
		vad_init(&h->vad, h->rate_hz);
	}
	if (err) {
		hook_free(&h->junk);
		return err;
	}
	*ret = h;

	return 0;
}
