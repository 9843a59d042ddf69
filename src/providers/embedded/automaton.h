/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/grammar.h"

/*
 * The smallest deterministic word automaton of one context. A decoder that writes every rule out in every place it is used
 * (as PocketSphinx' own JSGF compiler does) needs ten times the memory and twice the time for the same sentences.
 */
struct automaton_arc {
	uint32_t from, to;
	uint32_t word; /* of the grammar */
};

struct automaton {
	uint32_t state_count; /* state 0 is the start */
	bool *is_final;	      /* of each state */
	struct automaton_arc *arcs; /* sorted by from */
	size_t arc_count;
};

/* -TR_ETOOBIG when the grammar needs more than LIMIT_AUTOMATON_STATES. */
nodiscard int automaton_new(struct automaton **ret, const struct grammar *g, size_t context);
struct automaton *automaton_free(struct automaton *a);
