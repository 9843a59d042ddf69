/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/arena.h"
#include "flow/words.h"

/*
 * What people may say, in the form of the recogniser's grammars (providers/embedded/grammar.h), as a matcher that also tells what
 * was said where:
 *
 *	[the] (first | second) <month>	words, [optional], (a | b), x+, x*, <what the language or the flow defines>, {slot}
 *
 * Capitals, accents and punctuation of the source are ignored. Pure.
 */
struct pattern;

enum { PATTERN_CAPTURES = 8, PATTERN_DEPTH = 12, PATTERN_CODE_MAX = 4000, PATTERN_STEPS_MAX = 20000 };

/* A reference that stood in the text: which, where, and what its reader made of it. */
struct pattern_capture {
	int ref;
	size_t from, to;
	int64_t value;
};

struct pattern_match {
	size_t end; /* index behind the last word; 0: no match */
	struct pattern_capture captures[PATTERN_CAPTURES];
	size_t capture_count;
};

struct pattern_error {
	char words[200];
};

/* What <name> (or {name}, is_slot) means while a pattern is compiled. */
struct pattern_names {
	void *ctx;
	/* >= 0: a reference that read() below knows. -1: *ret_rule is source text to be put in its place, or NULL: unknown. */
	int (*find)(void *ctx, struct span name, bool is_slot, const char **ret_rule);
};

/* -TR_EPARSE with words. */
nodiscard int pattern_compile(const struct pattern **ret, struct arena *arena, const char *source, const struct pattern_names *names,
	struct pattern_error *ret_error);

struct pattern_reader {
	void *ctx;
	const struct words *words;
	/* The index behind what ref stands for at i, or 0. */
	size_t (*read)(void *ctx, int ref, size_t i, int64_t *ret_value);
	bool (*is_filler)(void *ctx, size_t i); /* "uh": may stand anywhere inside; NULL: nothing may */
};

/* The longest match that begins with word i. */
bool pattern_match(const struct pattern *p, const struct pattern_reader *reader, size_t i, struct pattern_match *ret);

/* Could the words from i to the end be the beginning of a longer match: something must follow. */
bool pattern_is_open(const struct pattern *p, const struct pattern_reader *reader, size_t i);
