/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * What each sound scores in each frame of an utterance, kept in memory from one decoder for another: computing it is most of a
 * recogniser's work.
 *
 * PocketSphinx writes scores into a directory, a file an utterance, named after its number, that is opened when the utterance begins.
 * This is a directory with nothing in it but, for that moment, a link: to memory, or to nowhere for scores that nobody wants.
 */
struct scores {
	char dir[40]; /* -senlogdir; "" when there is no place for one: scores are not kept */
	int fd;
	uint32_t utterances; /* begun so far */
};

void scores_init(struct scores *s);
void scores_done(struct scores *s);

/* Before an utterance begins, and behind. A negative code: it must not begin. */
nodiscard int scores_before(struct scores *s, bool are_kept);
void scores_behind(struct scores *s);

/* The kept ones, to read; NULL when that fails. Closed by the caller, who then forgets them: ten kilobytes a frame. */
FILE *scores_open(const struct scores *s);
void scores_forget(struct scores *s);
