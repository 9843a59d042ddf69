/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>
#include "agent/ports.h"
#include "providers/embedded/abe.h"
#include "providers/embedded/compute.h"

/*
 * The half that recognisers on compute threads share: the stream of a call at the stt port. Audio and orders go from the loop to a
 * worker, in batches and through the bandwidth extender; results come back. What is made of them is the engine's.
 *
 * An engine embeds a listener in its own stream. It says "of the loop" and "of the worker" which side may touch what.
 */
enum { LISTENER_HZ = 16000, LISTENER_SAMPLES_MAX = LIMIT_STT_UTTERANCE_MS * (LISTENER_HZ / 1000) };

struct listener_word {
	char text[48];
	uint32_t start_ms, end_ms;
	float confidence;
};

struct listener_result {
	char text[2048];
	float confidence;
	struct listener_word words[LIMIT_STT_WORDS];
	size_t word_count;
};

struct listener;

struct listener_ops {
	/* Of the loop. */

	/* What an utterance is decoded with, unless one that was cancelled still holds it. Fails with words. */
	int (*take)(struct listener *l, struct port_fault *ret_fault);
	/* The worker is through with it. Harmless when there is none. */
	void (*give_back)(struct listener *l);
	/* What to listen for, for start: malloc, NULL is fine. */
	void *(*wish)(struct listener *l);
	/* Frees the engine's stream. */
	void (*free)(struct listener *l);

	/* Of the worker; false when the engine failed, which ends the utterance. */

	/* A new utterance. The wish is the listener's to free. */
	bool (*start)(struct listener *l, const void *wish);
	/* The next of it at LISTENER_HZ. */
	bool (*hear)(struct listener *l, const int16_t *pcm, size_t n);
	/* Audio was heard and more will come: listener_guess when there is something to tell. */
	void (*guess)(struct listener *l);
	/* Everything said so far, whole; is_end: nothing follows, else more may. */
	bool (*settle)(struct listener *l, bool is_end, struct listener_result *ret);
	/* The utterance is over or forgotten. */
	void (*stop)(struct listener *l);
};

/* Of an engine; of the loop. */
struct listener_pool {
	const struct listener_ops *ops;
	struct compute *compute;
	const char *name;    /* for words: "Vosk" */
	bool skips_silence;  /* what comes behind a pause is not heard unless the caller goes on */
	uint32_t stream_count;
	uint64_t finals, audio_ms, compute_us;
};

/* What the loop wants of the worker; each is carried out in the order of the fields. */
struct listener_orders {
	bool stop; /* forget the utterance at hand */
	uint32_t begin;
	void *wish; /* of begin */
	bool has_partials; /* of begin */
	bool resume, pause, end;
	int16_t *pcm; /* at the stream's rate */
	size_t n, cap;
	int64_t end_us;
};

struct listener {
	struct stt_stream base;
	struct listener_pool *pool;
	struct stt_callbacks cb;
	uint32_t rate_hz;
	struct compute_lane lane;
	struct compute_job job;

	/* of the loop */
	uint32_t id; /* utterance whose results are wanted; 0: none */
	bool wants_partials, is_scheduled, is_closed;

	/* between both */
	pthread_mutex_t lock;
	struct listener_orders orders;

	/* of the worker */
	struct abe *abe;
	uint32_t work_id;
	bool has_partials; /* guesses are wanted */
	size_t n;	  /* samples of the utterance at LISTENER_HZ */
	bool is_prepared; /* result holds all that was said; what comes is silence */
	struct listener_result result;
	int64_t compute_us;
};

/* In an engine's open. Refuses rates and a stream too many. */
nodiscard int listener_init(struct listener *l, struct listener_pool *pool, const struct stt_ops *ops, const struct stt_params *params,
	struct port_fault *ret_fault);

/* For an engine's stt_ops. */
void listener_close(struct stt_stream *base);
void listener_set_partials(struct stt_stream *base, bool are_wanted);
int listener_begin(struct stt_stream *base, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault);
void listener_feed(struct stt_stream *base, const int16_t *pcm, size_t n);
void listener_pause(struct stt_stream *base);
void listener_resume(struct stt_stream *base);
void listener_end(struct stt_stream *base);
void listener_cancel(struct stt_stream *base);

/* Of the worker, from hear, guess and settle. */

/* Tells the words so far. */
void listener_guess(struct listener *l, const char *text);
/* The end of telephone audio out of the bandwidth extender, through hear. False: that failed. */
bool listener_flush(struct listener *l);
