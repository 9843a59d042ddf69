/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Intrusive hash table with chaining; doubles when fuller than its bucket count. Objects embed a hash_node and are owned by
 * the caller. Hash keys with span_hash, so that a peer cannot aim at one bucket. Single-threaded.
 */
struct hash_node {
	struct hash_node *next;
	uint32_t hash;
};

struct hash_table {
	struct hash_node **buckets;
	uint32_t mask;	/* bucket count - 1 */
	uint32_t count; /* objects in the table */
};

void hash_init(struct hash_table *t);
void hash_done(struct hash_table *t); /* frees the buckets; the objects are the caller's */

/* Memory for growth that is not there leaves the table slower, never wrong. */
void hash_add(struct hash_table *t, struct hash_node *node, uint32_t hash);
void hash_remove(struct hash_table *t, struct hash_node *node);

/* First node of that hash, and the next ones; the caller compares keys. */
struct hash_node *hash_find(const struct hash_table *t, uint32_t hash);
struct hash_node *hash_find_next(const struct hash_node *node);

/* Any order; the current node may be removed inside the loop. */
#define hash_each(t, it)                                                                                     \
	for (uint32_t it##_b = 0, it##_once = 1; it##_once; it##_once = 0)                                   \
		for (; it##_b <= (t)->mask; it##_b++)                                                        \
			for (struct hash_node *it = (t)->buckets[it##_b], *it##_next = it ? it->next : NULL; \
				it; it = it##_next, it##_next = it ? it->next : NULL)
