/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "agent/prompts.h"
#include "media/port.h"

/*
 * Speaks one reply at a time: pieces of text go to the tts in order, its audio to the port as the ring has room, and it is
 * known at any moment how much of the text has been heard. A reply is one utterance of the port.
 *
 * Synthesis is much faster than speech: what is made early waits here, bounded, and further pieces are asked for only when
 * little is left, so that an interruption wastes little.
 *
 * Thread: the agent loop. Faults are kept for the owner to poll, so nothing here calls back.
 */
struct voice;

struct voice_params {
	struct media_port *port; /* borrowed */
	struct tts_port *tts;	 /* NULL: every text fails, recorded audio can be played */
	const char *voice, *language;
	uint16_t noise;		       /* peak of a noise behind what is said, and behind silence; 0: none */
	const struct prompts *prompts; /* phrases that are played instead of made; borrowed, may be NULL */
	int64_t (*clock_us)(void *ctx);
	void *ctx;
};

/* Moments of the running reply on clock_us; 0: not yet. */
struct voice_times {
	int64_t asked_us;  /* its first text went to the tts */
	int64_t audio_us;  /* its first audio came */
	int64_t queued_us; /* the first frame was put on the ring */
	int64_t rtp_us;	   /* the worker sent it */
};

/* -ENOMEM, or what the tts said when it was opened (then ret_fault has its words). */
nodiscard int voice_open(struct voice **ret, const struct voice_params *params, struct port_fault *ret_fault);
/* Cancels what is being made; what is on the ring is flushed. */
struct voice *voice_close(struct voice *v);

/* Starts a reply; the last one is stopped if it still runs. */
void voice_begin(struct voice *v);

/*
 * Adds text to the reply (LIMIT_TTS_TEXT_BYTES). A filler ("one moment") is spoken but counts neither as text nor as heard.
 * Text that may be the beginning of a recorded phrase waits for what follows, or for voice_end.
 * -TR_ELIMIT: the reply is longer than any should be, -TR_ESTATE: no reply was begun or its text has ended.
 */
nodiscard int voice_say(struct voice *v, const char *text, bool is_filler);

/* Silence inside the reply, VOICE_PAUSE_MS at most; errors as of voice_say. */
#define VOICE_PAUSE_MS 3000
nodiscard int voice_pause(struct voice *v, uint32_t ms);

/* Begins the reply with audio that was made before, and its text; -TR_ESTATE behind anything else. */
nodiscard int voice_play(struct voice *v, const char *text, const int16_t *pcm, size_t n);

/* No more text follows. */
void voice_end(struct voice *v);

/* Stops at once: nothing more is made or played. What was heard can be asked until the next voice_begin. */
void voice_stop(struct voice *v);

/* Every 20 ms: asks for more audio, fills the ring, looks after the engine. */
void voice_tick(struct voice *v);

/* A reply was begun and has not been played to its end. */
bool voice_is_active(const struct voice *v);
/* Some of its audio is on its way to the caller. */
bool voice_is_audible(const struct voice *v);
/* Audio still to play; UINT32_MAX while more may be made. */
uint32_t voice_left_ms(const struct voice *v);
/* Frames of this reply that the caller could have heard. */
uint32_t voice_played_ms(const struct voice *v);
/* Silence at the end of the audio made so far. */
uint32_t voice_tail_ms(const struct voice *v);
/*
 * The envelope (echo_points) of what was in the line at the port's tick `tick`; NULL when that was silence. Asked for each tick
 * once, ascending.
 */
const float *voice_sent(struct voice *v, uint32_t tick);
struct voice_times voice_times(const struct voice *v);

/* The text of the reply, and the part of it that was heard; NULL when memory is out. The caller frees. */
nodiscard char *voice_text(const struct voice *v);
nodiscard char *voice_heard(const struct voice *v);

/* What went wrong since the last time it was asked; false when nothing. Retries have been made then. */
bool voice_fault(struct voice *v, struct port_fault *ret_fault);

/* Audio thrown away because LIMIT_AGENT_AUDIO_MS waited already. */
uint64_t voice_dropped_ms(const struct voice *v);
