/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "providers/embedded/grammar.h"

/* A grammar that has to be right. */
static inline struct grammar *parse(const char *text)
{
	struct grammar *g = NULL;
	struct grammar_error error;

	if (grammar_parse(&g, span_z(text), &error) != 0)
		fail_msg("line %u: %s", error.line, error.words);

	return g;
}
