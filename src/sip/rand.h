/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The source of tags, branches, Call-IDs and jitter: SipHash-2-4 of a counter under a secret key. What was seen of it does not
 * tell what comes next (RFC 3261 §19.3 wants tags that cannot be guessed), and the same seed gives the same run again.
 */
struct sip_rand {
	uint64_t key[4];
	uint64_t counter;
};

void sip_rand_init(struct sip_rand *ret, const uint8_t seed[32]);
uint64_t sip_rand_u64(struct sip_rand *r);

/* Uniform enough in [lo, hi]. */
uint32_t sip_rand_range(struct sip_rand *r, uint32_t lo, uint32_t hi);

/* n characters of [0-9a-z], five bits each; not terminated. */
void sip_rand_text(struct sip_rand *r, char *ret_text, size_t n);

/* The same text for the same input: tags of answers that no state is kept for (RFC 3261 §8.2.7). */
void sip_rand_derive(const struct sip_rand *r, struct span from, char *ret_text, size_t n);
