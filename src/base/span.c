/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include <pthread.h>

static inline unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool span_ieq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;

	for (size_t i = 0; i < a.n; i++)
		if (fold((unsigned char)a.p[i]) != fold((unsigned char)b.p[i]))
			return false;

	return true;
}

bool span_ieq_z(struct span a, const char *z)
{
	return span_ieq(a, span_z(z));
}

bool span_istarts(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && span_ieq(span(s.p, n), span(prefix, n));
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;

	return s;
}

size_t span_find(struct span s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

struct span span_cut(struct span *rest, char sep)
{
	size_t at = span_find(*rest, sep);
	struct span head = span(rest->p, at);

	*rest = at < rest->n ? span(rest->p + at + 1, rest->n - at - 1) : (struct span){NULL, 0};

	return head;
}

bool span_u64(struct span s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*ret = v;

	return true;
}

bool span_u32(struct span s, uint32_t *ret)
{
	uint64_t v;

	if (!span_u64(s, &v) || v > UINT32_MAX)
		return false;

	*ret = (uint32_t)v;

	return true;
}

static uint64_t hash_key[2];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void hash_seed(void)
{
	random_bytes(hash_key, sizeof(hash_key));
	hash_key[0] |= 1;
}

/*
 * A multiply-rotate hash over 8-byte words with secret keys. Not cryptographic; enough that a peer who cannot see the key cannot
 * aim at one bucket.
 */
static uint32_t hash_bytes(struct span s, unsigned char (*map)(unsigned char))
{
	pthread_once(&hash_once, hash_seed);

	uint64_t h = hash_key[1] ^ (s.n * UINT64_C(0x9e3779b97f4a7c15));

	for (size_t i = 0; i < s.n; i += 8) {
		unsigned char w[8] = {0};
		uint64_t v;

		memcpy(w, s.p + i, MIN(s.n - i, 8));
		if (map)
			for (int k = 0; k < 8; k++)
				w[k] = map(w[k]);
		memcpy(&v, w, 8);
		h = (h ^ v) * hash_key[0];
		h ^= h >> 29;
	}
	h *= UINT64_C(0xff51afd7ed558ccd);

	return (uint32_t)(h >> 32);
}

static unsigned char hash_fold(unsigned char c)
{
	return fold(c);
}

uint32_t span_hash(struct span s)
{
	return hash_bytes(s, NULL);
}

uint32_t span_ihash(struct span s)
{
	return hash_bytes(s, hash_fold);
}

char *span_dup(struct span s)
{
	char *z = malloc(s.n + 1);

	if (!z)
		return NULL;
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = 0;

	return z;
}

bool span_copy(struct span s, char *ret_buf, size_t n)
{
	bool fits = s.n < n;

	if (fits && s.n)
		memcpy(ret_buf, s.p, s.n);
	if (n)
		ret_buf[fits ? s.n : 0] = 0;

	return fits;
}
