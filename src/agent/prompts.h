/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Recorded prompts: phrases that a person has spoken, to be played instead of synthesised speech wherever a reply holds them.
 * Made once, then immutable and counted, so that calls keep the set they began with.
 *
 * Phrases are compared word by word: case, punctuation and white space do not count. A phrase is found where it begins and ends
 * at a sentence's or clause's edge; one that was written with "..." at its end (or beginning) also in the middle of a sentence,
 * so that "Your appointment is on ..." is recorded and the day behind it synthesised.
 */
struct prompts;

/* NULL when memory is out. */
nodiscard struct prompts *prompts_new(void);
/* Any thread. */
struct prompts *prompts_ref(struct prompts *p);
struct prompts *prompts_unref(struct prompts *p); /* NULL-safe; returns NULL */

/*
 * Before the set is shared. Audio of any rate is kept as 8 and as 16 kHz. -EINVAL: a phrase without words, or no audio;
 * -EEXIST: the same words are there; -TR_ETOOBIG: LIMIT_PROMPT_MS or LIMIT_PROMPT_BYTES; -TR_ELIMIT: LIMIT_PROMPTS,
 * LIMIT_PROMPTS_BYTES.
 */
nodiscard int prompts_add(struct prompts *p, const char *phrase, const int16_t *pcm, size_t n, int rate_hz);

size_t prompts_count(const struct prompts *p);

struct prompt_hit {
	size_t from, to;    /* bytes of the text */
	const int16_t *pcm; /* lives as long as the set */
	size_t n;
};

enum prompts_match {
	PROMPTS_NONE,  /* the text holds no phrase */
	PROMPTS_HIT,   /* the first one, the longest of those that begin there */
	PROMPTS_MAYBE, /* from hit.from on the text may be the beginning of one: what follows decides */
};

/* is_all: no more text follows. rate_hz: 8000 or 16000. */
enum prompts_match prompts_find(
	const struct prompts *p, const char *text, bool is_all, uint32_t rate_hz, struct prompt_hit *ret);
