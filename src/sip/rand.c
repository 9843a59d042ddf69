/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/rand.h"

static inline uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein 2012). */
static uint64_t siphash(const uint64_t key[2], const void *data, size_t n)
{
	uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
			 key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
	const uint8_t *p = data;
	uint64_t m, last = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);

	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void sip_rand_init(struct sip_rand *ret, const uint8_t seed[32])
{
	memcpy(ret->key, seed, sizeof(ret->key));
	ret->counter = 0;
}

uint64_t sip_rand_u64(struct sip_rand *r)
{
	r->counter++;

	return siphash(r->key, &r->counter, sizeof(r->counter));
}

uint32_t sip_rand_range(struct sip_rand *r, uint32_t lo, uint32_t hi)
{
	if (hi <= lo)
		return lo;

	return lo + (uint32_t)(sip_rand_u64(r) % ((uint64_t)hi - lo + 1));
}

static void spell(uint64_t bits, char *ret_text, size_t n)
{
	static const char letters[] = "0123456789abcdefghijkmnpqrstuvwx"; /* 32 of them */

	for (size_t i = 0; i < n; i++, bits >>= 5)
		ret_text[i] = letters[bits & 31];
}

void sip_rand_text(struct sip_rand *r, char *ret_text, size_t n)
{
	for (size_t i = 0; i < n; i += 12)
		spell(sip_rand_u64(r), ret_text + i, MIN(n - i, 12));
}

void sip_rand_derive(const struct sip_rand *r, struct span from, char *ret_text, size_t n)
{
	spell(siphash(r->key + 2, from.p, from.n), ret_text, MIN(n, 12));
}
