/* SPDX-License-Identifier: Apache-2.0 */
#include "line/usage.h"

struct usage {
	struct usage_slot *slots[LIMIT_USAGE_NAMES];
	size_t count;
};

struct usage *usage_new(void)
{
	return mem_zalloc(sizeof(struct usage));
}

struct usage *usage_free(struct usage *u)
{
	for (size_t i = 0; u && i < u->count; i++)
		free(u->slots[i]);
	free(u);

	return NULL;
}

static struct usage_slot *find(const struct usage *u, const char *name)
{
	for (size_t i = 0; i < u->count; i++)
		if (strcmp(u->slots[i]->name, name) == 0)
			return u->slots[i];

	return NULL;
}

const struct usage_slot *usage_find(const struct usage *u, const char *name)
{
	return find(u, name);
}

struct usage_slot *usage_slot(struct usage *u, const char *name)
{
	char cut[64];

	buf_copy(cut, sizeof(cut), name);

	struct usage_slot *s = find(u, cut);

	if (s || u->count == LIMIT_USAGE_NAMES)
		return s;
	s = mem_zalloc(sizeof(*s));
	buf_copy(s->name, sizeof(s->name), cut);
	u->slots[u->count++] = s;

	return s;
}

static bool take_token(struct usage_slot *s, uint32_t cps, msec_t now)
{
	int64_t full = cps * INT64_C(1000);

	if (s->cps != cps) {
		s->cps = cps;
		s->tokens_milli = full;
		s->filled_at = now;
	}
	s->tokens_milli = MIN(full, s->tokens_milli + MIN(now - s->filled_at, 1000) * cps);
	s->filled_at = now;
	if (s->tokens_milli < 1000)
		return false;
	s->tokens_milli -= 1000;

	return true;
}

enum usage_verdict usage_begin(struct usage_slot *s, uint32_t max_calls, uint32_t cps, msec_t now)
{
	if (!s)
		return USAGE_OK;
	if (max_calls && s->calls >= max_calls) {
		s->refused_channels++;
		return USAGE_CHANNELS;
	}
	if (cps && !take_token(s, cps, now)) {
		s->refused_cps++;
		return USAGE_CPS;
	}
	s->calls++;
	s->total++;
	s->peak = MAX(s->peak, s->calls);

	return USAGE_OK;
}

void usage_end(struct usage_slot *s)
{
	if (s) {
		assert(s->calls > 0);
		s->calls--;
	}
}
