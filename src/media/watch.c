/* SPDX-License-Identifier: Apache-2.0 */
#include "media/watch.h"

void watch_set_rate(struct watch *w, int rate_hz)
{
	w->rate_hz = rate_hz;
	progress_init(&w->tones, rate_hz);
}

void watch_init(struct watch *w, int rate_hz)
{
	watch_set_rate(w, rate_hz);
	answer_init(&w->answer);
}

void watch_run(struct watch *w, const struct watch_frame *f)
{
	struct progress_out tone;
	struct answer_frame frame = {.prob = f->prob, .is_idle = f->is_idle, .is_ours = f->is_ours, .tone = &tone};

	progress_run(&w->tones, f->pcm, w->rate_hz / 50, f->is_concealed, answer_has_speech(&w->answer), &tone);
	answer_frame(&w->answer, &frame);
}
