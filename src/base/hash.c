/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#define FIRST_BUCKETS 16

void hash_init(struct hash_table *t)
{
	*t = (struct hash_table){.buckets = mem_zalloc(FIRST_BUCKETS * sizeof(*t->buckets)), .mask = FIRST_BUCKETS - 1};
}

void hash_done(struct hash_table *t)
{
	free(t->buckets);
	*t = (struct hash_table){0};
}

static void grow(struct hash_table *t)
{
	uint32_t n = (t->mask + 1) * 2;
	struct hash_node **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return;

	for (uint32_t i = 0; i <= t->mask; i++) {
		for (struct hash_node *node = t->buckets[i], *next; node; node = next) {
			next = node->next;
			node->next = buckets[node->hash & (n - 1)];
			buckets[node->hash & (n - 1)] = node;
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = n - 1;
}

void hash_add(struct hash_table *t, struct hash_node *node, uint32_t hash)
{
	if (t->count > t->mask)
		grow(t);

	struct hash_node **bucket = &t->buckets[hash & t->mask];

	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	t->count++;
}

void hash_remove(struct hash_table *t, struct hash_node *node)
{
	for (struct hash_node **at = &t->buckets[node->hash & t->mask]; *at; at = &(*at)->next) {
		if (*at != node)
			continue;
		*at = node->next;
		node->next = NULL;
		t->count--;
		return;
	}
}

struct hash_node *hash_find(const struct hash_table *t, uint32_t hash)
{
	struct hash_node *node = t->buckets[hash & t->mask];

	while (node && node->hash != hash)
		node = node->next;

	return node;
}

struct hash_node *hash_find_next(const struct hash_node *node)
{
	struct hash_node *next = node->next;

	while (next && next->hash != node->hash)
		next = next->next;

	return next;
}
