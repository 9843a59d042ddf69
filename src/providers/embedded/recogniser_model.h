/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/network.h"

/*
 * What all decoders of an engine share: compiled grammars, their words' sounds, the acoustic model.
 * Immutable once loaded; any thread.
 */

/*
 * A grammar (grammar.h) and what its contexts are called: "flow/when" is the context "when" of the grammar "flow". Contexts of a
 * grammar without a name are called by their own ("when").
 */
struct stt_grammar {
	const char *name; /* of the flow; may be NULL */
	struct span text;
};

struct recogniser_context {
	char *name; /* in full */
	size_t in;  /* grammar that it is of */
	struct network *network;
};

struct recogniser_model {
	struct acoustic *acoustic;
	struct grammar *grammars[LIMIT_STT_GRAMMARS];
	char *names[LIMIT_STT_GRAMMARS]; /* "" for none */
	size_t grammar_count;
	struct recogniser_context *contexts; /* of each grammar in its order, one grammar after the other */
	size_t context_count;
};

/*
 * model_dir: NULL for Debian's pocketsphinx-en-us. -TR_EENGINE with words and a remedy when a file is missing, -TR_EPARSE with
 * grammar, line and words for mistakes and words without pronunciation, -TR_ETOOBIG and -TR_ELIMIT beyond the limits.
 */
nodiscard int recogniser_model_load(struct recogniser_model **ret, const char *model_dir,
	const struct stt_grammar *grammars, size_t n, struct port_fault *ret_fault);
struct recogniser_model *recogniser_model_free(struct recogniser_model *model);

/*
 * The context of that name. A context that there is not stands for the last one of the named grammar, which is its widest; when
 * there is no such grammar either (or name is NULL), for the last one of the first.
 */
size_t recogniser_model_find(const struct recogniser_model *model, const char *name);
