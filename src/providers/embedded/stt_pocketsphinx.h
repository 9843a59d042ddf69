/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/compute.h"

/*
 * PocketSphinx behind the stt port, with the bandwidth extender in front of it for telephone audio.
 *
 * A stream borrows a decoder from the pool for as long as an utterance lasts. Partials come from live decoding, finals from
 * decoding the whole utterance again (recogniser.h says why); pause does that ahead of time.
 *
 * Thread: the loop of the compute pool.
 */
struct stt_pocketsphinx_params {
	const char *name;      /* of the port, a literal; NULL: "embedded" */
	const char *model_dir; /* NULL: Debian's pocketsphinx-en-us */
	struct span grammar;   /* source text; absent: the receptionist's */
	uint32_t decoders;     /* callers that may talk at the same moment; 0: two for each compute thread */
	bool without_partials; /* saves half of the time while callers talk */
};

struct stt_pocketsphinx_stats {
	uint32_t load_ms;    /* model, grammar and all decoders */
	uint32_t decoders;
	uint32_t busy;	     /* decoders in use now */
	uint64_t refused;    /* utterances that found no decoder */
	uint64_t finals;
	uint64_t audio_ms;   /* of finals */
	uint64_t compute_us; /* CPU time for them, partials included */
};

/*
 * Loads everything once. -TR_EENGINE with words when the model is missing, -TR_EPARSE with line and words for a bad grammar.
 * Borrows compute.
 */
nodiscard int stt_pocketsphinx_new(struct stt_port **ret, struct compute *compute,
	const struct stt_pocketsphinx_params *params, struct port_fault *ret_fault);
/* Every stream must be closed before, and the loop run until the pool is idle. */
struct stt_port *stt_pocketsphinx_free(struct stt_port *port);

struct stt_pocketsphinx_stats stt_pocketsphinx_stats(struct stt_port *port);
