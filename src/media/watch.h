/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/vad.h"
#include "turn/answer.h"

/*
 * The detector of one answered call as a worker runs it: tones, and who that makes (turn/answer.h). It takes part in the stream's
 * tick; tests and the tool of docs/who-is-there.md drive it alone. No allocation, no clock.
 */
struct watch {
	int rate_hz;
	struct progress tones;
	struct answer answer;
};

void watch_init(struct watch *w, int rate_hz);

/* The stream's rate changed: tones begin anew, what is known of the call stays. */
void watch_set_rate(struct watch *w, int rate_hz);

struct watch_frame {
	const int16_t *pcm; /* 20 ms at rate_hz */
	uint8_t prob;	    /* of speech in it */
	bool is_concealed, is_idle, is_ours;
};

/* Then answer_take(&w->answer). */
void watch_run(struct watch *w, const struct watch_frame *f);
