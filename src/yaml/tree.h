/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/arena.h"

/*
 * A YAML file as a tree that remembers lines: what configuration errors need to name their place. Bounded in size and depth;
 * aliases, tags and several documents are refused (they make files hard to read and errors hard to place).
 */
enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml_node {
	enum yaml_kind kind;
	int line;		/* from 1 */
	const char *key;	/* in a map; NULL in a list */
	int key_line;
	const char *text;	/* scalar: never NULL */
	bool is_quoted;		/* scalar in quotes: always a string */
	struct yaml_node *first, *next; /* children of a map or list in file order; next sibling */
};

/*
 * Parses text; everything is allocated in the arena. On failure returns -TR_ECONFIG or -TR_ETOOBIG and *ret_line and
 * *ret_why (in the arena) say where and what. An empty text gives an empty map.
 */
nodiscard int yaml_parse(struct arena *arena, struct span text, struct yaml_node **ret, int *ret_line, const char **ret_why);

/* Child of a map by key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
