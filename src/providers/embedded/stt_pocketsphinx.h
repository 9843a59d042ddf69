/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/recogniser_model.h"

/*
 * PocketSphinx behind the stt port, with the bandwidth extender in front of it for telephone audio.
 *
 * A stream borrows a decoder from the pool for as long as an utterance lasts. Partials come from live decoding, finals from
 * decoding the whole utterance again (recogniser.h says why); pause does that ahead of time.
 *
 * Thread: the loop of the compute pool.
 */

/* Comes on the loop: 0, or a negative code with words. */
typedef void stt_pocketsphinx_loaded_fn(void *arg, int err, const char *words);

struct stt_pocketsphinx_params {
	const char *name;      /* of the port, a literal; NULL: "embedded" */
	const char *model_dir; /* NULL: Debian's pocketsphinx-en-us */
	const struct stt_grammar *grammars; /* source texts, copied; at least one */
	size_t grammar_count;
	uint32_t decoders;     /* callers that may talk at the same moment; 0: two for each compute thread */
	bool without_partials; /* saves half of the time while callers talk */
	stt_pocketsphinx_loaded_fn *on_grown; /* NULL, or told when all decoders are there, or why there are fewer; not if there is one */
	void *arg;
};

struct stt_pocketsphinx_stats {
	uint32_t load_ms;    /* model, grammars and what was waited for: one decoder at first, all later */
	uint32_t loads;	     /* sets of grammars taken since the first */
	uint32_t decoders;
	uint32_t busy;	     /* decoders in use now */
	uint64_t refused;    /* utterances that found no decoder */
	uint64_t finals;
	uint64_t audio_ms;   /* of finals */
	uint64_t compute_us; /* CPU time for them, partials included */
};

/*
 * Loads the model and the first decoder; the others are made beside the work, on compute threads, so that calls can be answered soon.
 * -TR_EENGINE with words when the model is missing, -TR_EPARSE with line and words for a bad grammar. Borrows compute.
 */
nodiscard int stt_pocketsphinx_new(struct stt_port **ret, struct compute *compute,
	const struct stt_pocketsphinx_params *params, struct port_fault *ret_fault);
/*
 * Takes another set of grammars without disturbing anybody: decoders are made on a compute thread; once all are there, each
 * utterance that begins gets one of them, while those that run keep the old. on_loaded comes on the loop: 0, or a negative code
 * with words as from stt_pocketsphinx_new, and the old set stays. Sets are loaded in the order asked; -TR_ELIMIT (from the call)
 * when LIMIT_STT_LOADS are waiting. Copies the grammars.
 */
nodiscard int stt_pocketsphinx_load(struct stt_port *port, const struct stt_grammar *grammars, size_t n,
	stt_pocketsphinx_loaded_fn *on_loaded, void *arg);

/*
 * Would new and load take them: mistakes, words without pronunciation, sizes; no decoder is made and no engine is needed. Any
 * thread. For `tipring check`.
 */
nodiscard int stt_pocketsphinx_check(const char *model_dir, const struct stt_grammar *grammars, size_t n,
	struct port_fault *ret_fault);

/* Every stream must be closed before, and the loop run until the pool is idle. */
struct stt_port *stt_pocketsphinx_free(struct stt_port *port);

struct stt_pocketsphinx_stats stt_pocketsphinx_stats(struct stt_port *port);
