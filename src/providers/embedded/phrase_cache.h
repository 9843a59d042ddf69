/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Speech that was synthesised before, by voice, rate and text. Bounded in bytes; the phrase that was not used for the longest
 * time goes first. Phrases are counted references, so that one may be dropped while it is being played.
 *
 * Thread: one, except phrase_free, which any may call.
 */
struct phrase_mark {
	uint32_t text_end, at;
};

struct phrase {
	_Atomic uint32_t refs;
	size_t count; /* samples */
	int16_t *pcm;
	size_t mark_count;
	struct phrase_mark *marks;
};

/* Copies both arrays; one reference, the caller's. */
struct phrase *phrase_new(const int16_t *pcm, size_t n, const struct phrase_mark *marks, size_t mark_count);
struct phrase *phrase_ref(struct phrase *phrase);
struct phrase *phrase_free(struct phrase *phrase);

struct phrase_cache;

nodiscard struct phrase_cache *phrase_cache_new(size_t max_bytes);
struct phrase_cache *phrase_cache_free(struct phrase_cache *cache);

/* A reference, or NULL. key is any text; callers join voice, rate and text. */
struct phrase *phrase_cache_get(struct phrase_cache *cache, const char *key);
/* Keeps a reference of its own. A phrase of more than an eighth of the cache, or a key that is there, is not kept. */
void phrase_cache_put(struct phrase_cache *cache, const char *key, struct phrase *phrase);

size_t phrase_cache_bytes(const struct phrase_cache *cache);
