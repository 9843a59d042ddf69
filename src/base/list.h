/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive doubly linked ring. A head is a node that no object contains. A node that is in no list points to itself, so
 * list_unlink is always safe on an initialised node.
 */
struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
	node->next = at;
	node->prev = at->prev;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
	list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
	list_insert_before(head->next, node);
}

static inline void list_unlink(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) (list_is_empty(head) ? NULL : list_entry((head)->next, type, member))

/* The current entry may be unlinked and freed inside the loop; others may not. */
#define list_each(head, type, member, it)                                                                    \
	for (type *it = list_entry((head)->next, type, member),                                              \
		  *it##_next = list_entry(it->member.next, type, member);                                    \
		&it->member != (head); it = it##_next, it##_next = list_entry(it->member.next, type, member))
