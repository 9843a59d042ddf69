/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/hash.h"
#include "providers/embedded/grammar.h"

/*
 * Inside of a grammar, for the two files that read and use it.
 *
 * Expansions are trees of nodes in one array, children linked by index. Rules are numbered by name, so that they may be used
 * before they are defined; a check at the end finds those that never are, and loops.
 */
enum node_kind { WORD, RULE, SEQUENCE, ALTERNATIVES, OPTIONAL, ONCE_OR_MORE, ANY_TIMES };

enum { NO_NODE = 0 }; /* node 0 is never used */

struct node {
	enum node_kind kind;
	uint32_t value; /* word or rule number */
	uint32_t child, next;
};

/* What a piece amounts to when its rules are written out. */
struct extent {
	uint32_t depth, steps;
	bool is_repeated; /* contains + or * */
	bool is_nullable; /* may be no word at all */
};

struct symbol {
	struct hash_node hash;
	char *name;
	uint32_t line;	/* of first use */
	uint32_t index; /* its place in the table */
	uint32_t body;	/* rules and contexts: NO_NODE until defined */
	enum { UNSEEN, OPEN, CHECKED } check;
	struct extent extent; /* of a checked rule */
	bool is_pronounced;    /* words: has a say line */
};

struct symbols {
	struct hash_table table;
	struct symbol **all;
	size_t count;
};

struct grammar {
	struct node *nodes;
	size_t node_count, node_cap;
	struct symbols words, rules, contexts;
	char *say; /* dictionary lines of its own */
	size_t say_len;
};

/* NULL when there is none of that name. */
struct symbol *symbol_find(const struct symbols *s, struct span name);
