/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

/*
 * Both ends tick on the same monotonic clock, so there is no drift: a ring holds one frame, or two after one end was late.
 * What stays above that for a second is taken out again, a frame at a time, else the delay of a late tick would be kept for ever.
 */
#define LINK_FRAMES 8
#define LINK_SPARE  1  /* frames left behind after a pull that are no backlog */
#define LINK_PATIENCE 50 /* pulls */

struct link {
	_Atomic int refs;
	int rate_hz, n;
	struct ring rings[2];
	uint32_t backlog[2]; /* pulls in a row that left too much; by the pulling side */
	_Atomic uint32_t dropped;
};

int link_new(int rate_hz, struct link **ret)
{
	struct link *l = aligned_alloc(64, (sizeof(*l) + 63) & ~(size_t)63);

	if (!l)
		return -ENOMEM;

	*l = (struct link){.refs = 1, .rate_hz = rate_hz, .n = rate_hz / 1000 * MEDIA_FRAME_MS};
	for (int i = 0; i < 2; i++) {
		int err = ring_init(&l->rings[i], LINK_FRAMES, (uint32_t)l->n * sizeof(int16_t));

		if (err) {
			link_unref(l);
			return err;
		}
	}
	*ret = l;

	return 0;
}

struct link *link_ref(struct link *l)
{
	atomic_fetch_add(&l->refs, 1);

	return l;
}

struct link *link_unref(struct link *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return NULL;

	ring_done(&l->rings[0]);
	ring_done(&l->rings[1]);
	free(l);

	return NULL;
}

int link_rate_hz(const struct link *l)
{
	return l->rate_hz;
}

bool link_is_lonely(const struct link *l)
{
	return atomic_load_explicit(&l->refs, memory_order_acquire) == 1;
}

void link_push(struct link *l, int side, const int16_t *pcm)
{
	void *slot = ring_slot(&l->rings[side]);

	if (!slot) {
		atomic_fetch_add_explicit(&l->dropped, 1, memory_order_relaxed);
		return;
	}
	memcpy(slot, pcm, (size_t)l->n * sizeof(int16_t));
	ring_push(&l->rings[side]);
}

bool link_pull(struct link *l, int side, int16_t *ret_pcm)
{
	struct ring *r = &l->rings[!side];
	const void *item = ring_peek(r);

	if (!item) {
		memset(ret_pcm, 0, (size_t)l->n * sizeof(int16_t));
		return false;
	}
	memcpy(ret_pcm, item, (size_t)l->n * sizeof(int16_t));
	ring_pop(r);

	l->backlog[side] = ring_count(r) > LINK_SPARE ? l->backlog[side] + 1 : 0;
	if (l->backlog[side] >= LINK_PATIENCE) {
		ring_pop(r);
		l->backlog[side] = 0;
	}

	return true;
}
