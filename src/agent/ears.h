/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * One call's ears: keeps the last seconds of the caller's audio, so that an utterance begins before its onset was noticed, feeds
 * the recogniser while an utterance runs, and starts it again once, with the audio kept, when the engine breaks.
 *
 * Thread: the agent loop. Faults are kept for the owner to poll; after one the utterance is over without a final.
 */
struct ears;

struct ears_params {
	struct stt_port *stt; /* NULL: every utterance is a fault */
	uint32_t rate_hz;
	const char *language; /* borrowed for the life of the ears */
	void (*on_partial)(void *arg, const char *text, bool is_stable);
	void (*on_final)(void *arg, const struct stt_final *final);
	void *arg;
};

nodiscard int ears_open(struct ears **ret, const struct ears_params *params, struct port_fault *ret_fault);
struct ears *ears_close(struct ears *e);

/* Holds from the next utterance on. */
void ears_set_context(struct ears *e, const struct stt_context *context);

/* Every frame of the caller, in an utterance or not. */
void ears_frame(struct ears *e, const int16_t *pcm, size_t n);

/*
 * Begins an utterance with the last preroll_ms, as far as they are kept (LIMIT_AGENT_PREROLL_MS). Without wants_partials only stable
 * ones may come.
 */
void ears_listen(struct ears *e, uint32_t preroll_ms, bool wants_partials);
/* The caller is silent; speaks again. */
void ears_hint(struct ears *e);
void ears_go_on(struct ears *e);
/* on_final follows, or a fault. */
void ears_end(struct ears *e);
void ears_cancel(struct ears *e);

bool ears_fault(struct ears *e, struct port_fault *ret_fault);
