/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The acoustic model: how each sound of a language (a phone between its neighbours, in three states) is distributed over
 * features of 10 ms frames. Reads the phonetically tied models of CMU Sphinx, such as Debian's pocketsphinx-en-us.
 *
 * Every phone has its codebook of Gaussians in each of three feature streams; a state (senone) is a mixture over those of its
 * phone. All senones of a frame are computed at once: laid out for vector code that costs less than picking those needed.
 *
 * Immutable once loaded; any thread, and all decoders share one.
 */
enum {
	ACOUSTIC_STREAMS = 3,
	ACOUSTIC_CEPSTRA = 13,
	ACOUSTIC_FEATURES = ACOUSTIC_STREAMS * ACOUSTIC_CEPSTRA,
	ACOUSTIC_STATES = 3,
	ACOUSTIC_PHONES_MAX = 64, /* sets of phones are 64-bit masks */
};

enum acoustic_place { ACOUSTIC_INTERNAL, ACOUSTIC_BEGIN, ACOUSTIC_END, ACOUSTIC_SINGLE }; /* in the word; the model's numbers */

struct acoustic_hmm {
	uint16_t senones[ACOUSTIC_STATES]; /* indices of what acoustic_score writes */
	uint8_t phone;			   /* for transitions */
};

struct acoustic;

/* -errno, -TR_EPARSE with ret_why for files that are not such a model, -TR_EUNSUPP for kinds of it that this does not read. */
nodiscard int acoustic_load(struct acoustic **ret, const char *dir, char *ret_why, size_t why_n);
struct acoustic *acoustic_free(struct acoustic *a);

size_t acoustic_phone_count(const struct acoustic *a);
const char *acoustic_phone_name(const struct acoustic *a, size_t phone);
/* false leaves *ret untouched. */
bool acoustic_phone_find(const struct acoustic *a, struct span name, uint8_t *ret);
uint8_t acoustic_silence(const struct acoustic *a);
/* Breath, noise, silence: no part of words. */
bool acoustic_is_filler(const struct acoustic *a, uint8_t phone);

/* The model of a phone between two others, or of one next to it in likeness when the training never met that. */
struct acoustic_hmm acoustic_triphone(const struct acoustic *a, uint8_t phone, uint8_t left, uint8_t right,
	enum acoustic_place place);
/* Of a phone whatever its neighbours. */
struct acoustic_hmm acoustic_monophone(const struct acoustic *a, uint8_t phone);

/* Natural logarithms of staying in a state and of going on to the next. */
const float (*acoustic_transitions(const struct acoustic *a, uint8_t phone))[2];

size_t acoustic_senone_count(const struct acoustic *a);
/* Log likelihoods of a frame's features for every senone, relative to the greatest. ret has room for all. */
void acoustic_score(const struct acoustic *a, const float features[ACOUSTIC_FEATURES], float *ret);
