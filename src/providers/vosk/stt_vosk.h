/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/compute.h"

/*
 * Vosk behind the stt port: any English words, by a model of 67,000, for real callers. Telephone audio goes through the bandwidth
 * extender, wideband goes in as it is.
 *
 * A stream borrows one of a bounded number of recognisers for as long as an utterance lasts. With the phrases of a context these (and
 * their words in other orders) are all that is listened for; without, everything is. Partials are live; pause closes what was said so
 * far, which is then as good as a final.
 *
 * Thread: the loop of the compute pool.
 */
struct stt_vosk_params {
	const char *dir;      /* of library and model; NULL: see vosk_lib.h */
	uint32_t recognisers; /* callers that may talk at the same moment; 0: four for each compute thread */
};

struct stt_vosk_stats {
	uint32_t load_ms;
	uint32_t recognisers;
	uint32_t busy;	  /* recognisers in use now */
	uint64_t refused; /* utterances that found none */
	uint64_t finals;
	uint64_t audio_ms;
	uint64_t compute_us;
};

/* -TR_EENGINE with words and the remedy when Vosk is not installed. Borrows compute. */
nodiscard int stt_vosk_new(struct stt_port **ret, struct compute *compute, const struct stt_vosk_params *params,
	struct port_fault *ret_fault);
/* Every stream must be closed before, and the loop run until the pool is idle. */
struct stt_port *stt_vosk_free(struct stt_port *port);

struct stt_vosk_stats stt_vosk_stats(struct stt_port *port);
