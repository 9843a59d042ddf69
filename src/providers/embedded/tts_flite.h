/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/compute.h"

/*
 * CMU Flite behind the tts port: voices "rms" (a man, the default) and "slt" (a woman), English. Audio streams while it is
 * synthesised, with a mark for each word; phrases are cached.
 *
 * Thread: the loop of the compute pool.
 */
struct tts_flite_stats {
	uint32_t load_ms;	/* registering the voices and a first word, which pages them in */
	uint64_t spoken;	/* requests done */
	uint64_t cache_hits;
	uint64_t audio_ms;	/* synthesised, not from the cache */
	uint64_t compute_us;	/* CPU time for it */
	uint32_t first_audio_us; /* of the last one synthesised: wall time from its start to its first chunk */
};

/* Takes tens of milliseconds once a process; borrows compute. -TR_EENGINE with words when flite refuses. */
nodiscard int tts_flite_new(struct tts_port **ret, struct compute *compute, struct port_fault *ret_fault);
/* Every session must be closed before, and the loop run until the pool is idle. */
struct tts_port *tts_flite_free(struct tts_port *port);

struct tts_flite_stats tts_flite_stats(struct tts_port *port);
