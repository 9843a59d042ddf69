/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/automaton.h"
#include "providers/embedded/lexicon.h"

/*
 * An automaton of words written out in sounds: the graph that a decoder searches. Each sound is modelled with its neighbours,
 * also across words: the first sound of a word has a variant for each (kind of) sound that may come before, the last one for
 * each that may follow. Silence and noise may stand between any two words.
 *
 * Immutable; any thread.
 */
#define NETWORK_NO_WORD UINT32_MAX

struct network_node {
	struct acoustic_hmm hmm;
	bool is_last; /* of its word, or a filler */
	uint8_t left; /* last: the sound that the next word has before it */
	uint32_t word; /* of the grammar; NETWORK_NO_WORD for fillers */
	uint32_t from, count; /* not last: successors in links */
	uint32_t to;	      /* last: the state behind the word */
	uint64_t rights;      /* last: sounds that may follow; fillers are silence here */
};

/* Words that begin with one sound, out of one state, behind one sound. */
struct network_slot {
	uint8_t phone;
	uint32_t from, count; /* entries */
};

struct network_entry {
	uint32_t node;
	float weight; /* log: what the word costs here */
};

struct network_group {
	uint8_t left;
	uint32_t from, count; /* slots */
};

struct network_state {
	uint32_t from, count; /* groups */
	uint32_t fillers;     /* nodes from here, NETWORK_FILLERS of them */
	float end_weight;     /* log: what it costs to end here */
	bool is_final;
};

enum { NETWORK_FILLERS = 2 };

struct network {
	struct network_node *nodes;
	uint32_t node_count;
	uint32_t *links;
	struct network_entry *entries;
	struct network_slot *slots;
	uint32_t slot_count;
	struct network_group *groups;
	struct network_state *states; /* 0 is the start */
	uint32_t state_count;
	uint8_t silence;
};

/* -TR_ETOOBIG beyond LIMIT_NETWORK_NODES. */
nodiscard int network_new(struct network **ret, const struct automaton *automaton, const struct lexicon *lexicon,
	const struct acoustic *acoustic);
/* What the word cost that was taken from a state. */
float network_weight(const struct network *n, uint32_t state, uint32_t word);
struct network *network_free(struct network *n);
