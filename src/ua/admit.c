/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/admit.h"

/*
 * Sets of four: an address hashes to a set and takes a free place, else the one that was quiet longest, those with a ban last,
 * else none when all are trusted. Tokens are counted in thousandths, so that a rate of 1 works with millisecond steps.
 */

#define WAYS 4
#define SETS (LIMIT_UA_SOURCES / WAYS)
static_assert((SETS & (SETS - 1)) == 0, "a mask picks the set");

#define FADE_MS	  6000
#define BAN_MS	  600000
#define DAY_MS	  86400000

struct place {
	struct addr ip; /* family AF_UNSPEC: free */
	uint64_t tokens;
	msec_t at; /* of tokens */
	msec_t trusted_until, banned_until;
	uint32_t ban_ms; /* of the last ban; 0: none so far */
	uint32_t points;
	msec_t points_at; /* of points */
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
	a->params.fade_ms = params->fade_ms ? params->fade_ms : FADE_MS;
	a->params.ban_ms = params->ban_ms ? params->ban_ms : BAN_MS;
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

static struct place *find(struct place *set, const struct addr *key)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (addr_is_set(&set[i].ip) && addr_ip_eq(&set[i].ip, key))
			return &set[i];

	return NULL;
}

/* Which of the two gives way first. */
static bool is_worth_less(const struct place *p, const struct place *than, msec_t now)
{
	if (!addr_is_set(&p->ip) || !addr_is_set(&than->ip))
		return !addr_is_set(&p->ip);
	if ((p->banned_until > now) != (than->banned_until > now))
		return than->banned_until > now;

	return p->at < than->at;
}

static struct place *set_of(struct admit *a, const struct addr *key)
{
	return a->sets[addr_hash(key) & (SETS - 1)];
}

/* NULL: the set is full of trusted ones. */
static struct place *place_for(struct admit *a, const struct addr *ip, msec_t now)
{
	struct addr key = key_of(ip);
	struct place *set = set_of(a, &key), *p = find(set, &key);

	if (p)
		return p;
	for (unsigned i = 0; i < WAYS; i++)
		if ((!addr_is_set(&set[i].ip) || set[i].trusted_until <= now) && (!p || is_worth_less(&set[i], p, now)))
			p = &set[i];
	if (p)
		*p = (struct place){.ip = key, .tokens = 1000ull * a->params.burst, .at = now, .trusted_until = INT64_MIN,
			.banned_until = INT64_MIN};

	return p;
}

enum admit_verdict admit_take(struct admit *a, const struct addr *ip, msec_t now)
{
	if (a->params.rate == UINT32_MAX && !a->params.points)
		return ADMIT_OK;

	struct place *p = place_for(a, ip, now);

	if (!p)
		p = &a->shared;
	if (p->trusted_until > now)
		return ADMIT_OK;
	if (p->banned_until > now)
		return ADMIT_BANNED;
	if (a->params.rate == UINT32_MAX)
		return ADMIT_OK;

	uint64_t gained = (uint64_t)MAX(now - p->at, 0) * a->params.rate;

	p->tokens = MIN(p->tokens + gained, 1000ull * a->params.burst);
	p->at = MAX(p->at, now);
	if (p->tokens < 1000)
		return ADMIT_RATE;
	p->tokens -= 1000;

	return ADMIT_OK;
}

void admit_trust(struct admit *a, const struct addr *ip, msec_t until, msec_t now)
{
	struct place *p = place_for(a, ip, now);

	if (!p)
		return;
	p->at = MAX(p->at, now);
	p->trusted_until = MAX(p->trusted_until, until);
}

/* ---- offences -------------------------------------------------------------------------------------------------------- */

static void fade(const struct admit *a, struct place *p, msec_t now)
{
	uint64_t gone = (uint64_t)MAX(now - p->points_at, 0) / a->params.fade_ms;

	p->points -= (uint32_t)MIN(gone, (uint64_t)p->points);
	p->points_at += p->points ? (msec_t)(gone * a->params.fade_ms) : MAX(now - p->points_at, 0);
}

static uint32_t ban(const struct admit *a, struct place *p, msec_t now)
{
	bool is_repeated = p->ban_ms && now - p->banned_until < DAY_MS;

	p->ban_ms = is_repeated ? MIN(p->ban_ms * 2, DAY_MS) : a->params.ban_ms;
	p->banned_until = now + p->ban_ms;
	p->points = 0;

	return p->ban_ms;
}

uint32_t admit_offend(struct admit *a, const struct addr *ip, uint32_t points, msec_t now)
{
	struct place *p = a->params.points ? place_for(a, ip, now) : NULL;

	if (!p || p->trusted_until > now || p->banned_until > now)
		return 0;
	fade(a, p, now);
	p->points += points;

	return p->points >= a->params.points ? ban(a, p, now) : 0;
}

bool admit_forgive(struct admit *a, const struct addr *ip, msec_t now)
{
	struct addr key = key_of(ip);
	struct place *p = find(set_of(a, &key), &key);

	if (!p || p->banned_until <= now)
		return false;
	p->banned_until = INT64_MIN;
	p->points = p->ban_ms = 0;

	return true;
}

void admit_each_ban(const struct admit *a, msec_t now, void (*fn)(void *ctx, const struct addr *ip, msec_t until), void *ctx)
{
	for (unsigned i = 0; i < SETS; i++)
		for (unsigned k = 0; k < WAYS; k++) {
			const struct place *p = &a->sets[i][k];

			if (addr_is_set(&p->ip) && p->banned_until > now)
				fn(ctx, &p->ip, p->banned_until);
		}
}
