/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Bandwidth extender: telephone speech (8 kHz, 280 to 3450 Hz) to 16 kHz for recognisers that were trained on wideband speech.
 *
 * What the band filter took away cannot be known, but how loud it was can be guessed from what is left. A small network
 * predicts eleven band energies (three below, eight above) from five frames of eighteen bands each; noise of these energies
 * is added to the interpolated signal. It is for machines: people hear a hiss.
 *
 * Pure and deterministic: the noise comes from a seed that abe_reset sets. No allocation after abe_new. Any one thread.
 */
struct abe;

enum {
	ABE_DELAY = 720,	/* samples at 16 kHz that the output lags behind the input at most */
	ABE_CHUNK_MAX = 800,	/* samples at 8 kHz that one call takes */
	ABE_OUT_MAX = 2 * ABE_CHUNK_MAX + ABE_DELAY,
};

nodiscard struct abe *abe_new(void);
struct abe *abe_free(struct abe *abe);

/* As new: the next sample starts another recording. */
void abe_reset(struct abe *abe);

/*
 * Takes n <= ABE_CHUNK_MAX samples at 8 kHz and writes what is ready at 16 kHz, in steps of 160. ret_out has room for
 * ABE_OUT_MAX. Returns the number written. To get the end of a recording out, feed ABE_DELAY / 2 zeros.
 */
size_t abe_process(struct abe *abe, const int16_t *in, size_t n, int16_t *ret_out);
