/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"

/* All targets of a name (RFC 3263 §4.2), one question after the other. */

struct target_list {
	struct list link;
	struct ua *ua;
	struct locate *locate;
	ua_resolve_all_fn *fn;
	void *ctx;
	unsigned count;
	struct ua_target targets[LIMIT_UA_TARGETS];
};

static void drop(struct target_list *t)
{
	list_unlink(&t->link);
	locate_free(t->locate);
	free(t);
}

static void on_target(void *ctx, int err, enum sip_transport transport, const struct addr *target)
{
	struct target_list *t = ctx;

	if (!err && t->count < LIMIT_UA_TARGETS) {
		t->targets[t->count++] =
			(struct ua_target){transport, *target, locate_priority(t->locate)};
		locate_next(t->locate, on_target, t);
		return;
	}
	list_unlink(&t->link);
	t->fn(t->ctx, t->count ? 0 : err, t->targets, t->count);
	drop(t);
}

int ua_resolve_all(struct ua *ua, const struct sip_dest *dest, ua_resolve_all_fn *fn, void *ctx)
{
	struct target_list *t = calloc(1, sizeof(*t));
	struct locate_params p;
	uint64_t seed;

	if (!t)
		return -ENOMEM;
	*t = (struct target_list){.ua = ua, .fn = fn, .ctx = ctx};
	ua_locate_params(ua, dest, &p);
	random_bytes(&seed, sizeof(seed));
	p.seed = seed;
	if (locate_new(&p, &t->locate)) {
		free(t);
		return -ENOMEM;
	}
	list_append(&ua->lists, &t->link);
	locate_next(t->locate, on_target, t);

	return 0;
}

void ua_resolve_all_cancel(struct ua *ua, const void *ctx)
{
	list_each(&ua->lists, struct target_list, link, t)
		if (!ctx || t->ctx == ctx)
			drop(t);
}
