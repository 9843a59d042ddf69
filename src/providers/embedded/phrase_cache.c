/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/phrase_cache.h"
#include <stdatomic.h>
#include "base/hash.h"
#include "base/list.h"

struct entry {
	struct hash_node node;
	struct list link; /* most recently used first */
	struct phrase *phrase;
	size_t bytes;
	char key[];
};

struct phrase_cache {
	struct hash_table table;
	struct list used;
	size_t bytes, max_bytes;
};

static void *copy(const void *from, size_t n)
{
	void *to = mem_zalloc(n);

	if (n)
		memcpy(to, from, n);

	return to;
}

struct phrase *phrase_new(const int16_t *pcm, size_t n, const struct phrase_mark *marks, size_t mark_count)
{
	struct phrase *phrase = mem_zalloc(sizeof(*phrase));

	atomic_init(&phrase->refs, 1);
	phrase->pcm = copy(pcm, n * sizeof(*pcm));
	phrase->count = n;
	phrase->marks = copy(marks, mark_count * sizeof(*marks));
	phrase->mark_count = mark_count;

	return phrase;
}

struct phrase *phrase_ref(struct phrase *phrase)
{
	atomic_fetch_add(&phrase->refs, 1);

	return phrase;
}

struct phrase *phrase_free(struct phrase *phrase)
{
	if (phrase && atomic_fetch_sub(&phrase->refs, 1) == 1) {
		free(phrase->pcm);
		free(phrase->marks);
		free(phrase);
	}

	return NULL;
}

struct phrase_cache *phrase_cache_new(size_t max_bytes)
{
	struct phrase_cache *cache = mem_zalloc(sizeof(*cache));

	hash_init(&cache->table);
	list_init(&cache->used);
	cache->max_bytes = max_bytes;

	return cache;
}

static void drop(struct phrase_cache *cache, struct entry *entry)
{
	hash_remove(&cache->table, &entry->node);
	list_unlink(&entry->link);
	cache->bytes -= entry->bytes;
	phrase_free(entry->phrase);
	free(entry);
}

struct phrase_cache *phrase_cache_free(struct phrase_cache *cache)
{
	if (!cache)
		return NULL;

	list_each(&cache->used, struct entry, link, entry)
		drop(cache, entry);
	hash_done(&cache->table);
	free(cache);

	return NULL;
}

static struct entry *find(const struct phrase_cache *cache, const char *key)
{
	struct hash_node *node = hash_find(&cache->table, span_hash(span_z(key)));

	for (; node; node = hash_find_next(node)) {
		struct entry *entry = container_of(node, struct entry, node);

		if (strcmp(entry->key, key) == 0)
			return entry;
	}

	return NULL;
}

struct phrase *phrase_cache_get(struct phrase_cache *cache, const char *key)
{
	struct entry *entry = find(cache, key);

	if (!entry)
		return NULL;

	list_unlink(&entry->link);
	list_prepend(&cache->used, &entry->link);

	return phrase_ref(entry->phrase);
}

void phrase_cache_put(struct phrase_cache *cache, const char *key, struct phrase *phrase)
{
	size_t key_len = strlen(key);
	size_t bytes = sizeof(struct entry) + key_len + sizeof(*phrase) + phrase->count * sizeof(*phrase->pcm) +
		       phrase->mark_count * sizeof(*phrase->marks);

	if (bytes > cache->max_bytes / 8 || find(cache, key))
		return;

	while (cache->bytes + bytes > cache->max_bytes)
		drop(cache, list_entry(cache->used.prev, struct entry, link));

	struct entry *entry = mem_zalloc(sizeof(*entry) + key_len + 1);

	memcpy(entry->key, key, key_len + 1);
	entry->phrase = phrase_ref(phrase);
	entry->bytes = bytes;
	cache->bytes += bytes;
	list_prepend(&cache->used, &entry->link);
	hash_add(&cache->table, &entry->node, span_hash(span_z(key)));
}

size_t phrase_cache_bytes(const struct phrase_cache *cache)
{
	return cache->bytes;
}
