/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/admit.h"

/*
 * Sets of four: an address hashes to a set and takes a free place, else the one that was quiet
 * longest and is not trusted, else none. Tokens are counted in thousandths, so that a rate of 1
 * works with millisecond steps.
 */

#define WAYS 4
#define SETS (LIMIT_UA_SOURCES / WAYS)
static_assert((SETS & (SETS - 1)) == 0, "a mask picks the set");

struct place {
	struct addr ip; /* family AF_UNSPEC: free */
	uint64_t tokens;
	msec_t at; /* of tokens */
	msec_t trusted_until;
};

struct admit {
	struct admit_params params;
	struct place shared; /* for those without a place */
	struct place sets[SETS][WAYS];
};

int admit_new(const struct admit_params *params, struct admit **ret)
{
	struct admit *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->params = *params;
	*ret = a;

	return 0;
}

struct admit *admit_free(struct admit *a)
{
	free(a);

	return NULL;
}

static struct addr key_of(const struct addr *ip)
{
	struct addr key = *ip;

	addr_set_port(&key, 0);
	if (key.family == AF_INET6) {
		memset(&key.v6.sin6_addr.s6_addr[8], 0, 8);
		key.v6.sin6_scope_id = 0;
	}

	return key;
}

/* NULL: the set is full of trusted ones. */
static struct place *place_for(struct admit *a, const struct addr *ip, msec_t now)
{
	struct addr key = key_of(ip);
	struct place *set = a->sets[addr_hash(&key) & (SETS - 1)], *oldest = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		struct place *p = &set[i];

		if (addr_is_set(&p->ip) && addr_ip_eq(&p->ip, &key))
			return p;
		if (addr_is_set(&p->ip) && p->trusted_until > now)
			continue;
		if (!oldest || !addr_is_set(&p->ip) ||
			(addr_is_set(&oldest->ip) && p->at < oldest->at))
			oldest = p;
	}
	if (oldest)
		*oldest = (struct place){.ip = key,
			.tokens = 1000ull * a->params.burst,
			.at = now,
			.trusted_until = INT64_MIN};

	return oldest;
}

bool admit_take(struct admit *a, const struct addr *ip, msec_t now)
{
	if (a->params.rate == UINT32_MAX)
		return true;

	struct place *p = place_for(a, ip, now);

	if (!p)
		p = &a->shared;
	if (p->trusted_until > now)
		return true;

	uint64_t gained = (uint64_t)MAX(now - p->at, 0) * a->params.rate;

	p->tokens = MIN(p->tokens + gained, 1000ull * a->params.burst);
	p->at = MAX(p->at, now);
	if (p->tokens < 1000)
		return false;
	p->tokens -= 1000;

	return true;
}

void admit_trust(struct admit *a, const struct addr *ip, msec_t until, msec_t now)
{
	struct place *p = place_for(a, ip, now);

	if (!p)
		return;
	p->at = MAX(p->at, now);
	p->trusted_until = MAX(p->trusted_until, until);
}
