/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "base/ring.h"

/*
 * The audio path of one call between a media worker and an agent thread: two bounded rings of 20 ms frames and a few atomics.
 * Nobody waits, nobody locks.
 *
 *	worker ── up: what the caller said ──▶ agent
 *	worker ◀── down: what the agent says ── agent
 *
 * The agent writes down as far ahead as the ring allows and keeps the rest itself; the worker takes a frame every 20 ms, so the
 * ring's drain is the media clock. Neither side needs sockets: tests drive the worker's side themselves in virtual time.
 *
 * The port is counted: the maker, the agent and the stream it is connected to hold a reference each.
 */
#define MEDIA_FRAME_MS		20
#define MEDIA_FRAME_US		20000
#define MEDIA_FRAME_MAX		320	/* samples of 20 ms at 16 kHz */

enum media_up_flag {
	MEDIA_UP_CONCEALED = 1, /* guessed: the packet was lost or late */
	MEDIA_UP_IDLE = 2,	/* nothing to hear: before the first packet, on hold, muted; pcm is silence */
};

struct media_up_frame {
	uint32_t at;	/* frames since the port was connected: a step of more than 1 means that frames were dropped here */
	uint16_t n;	/* samples: rate * 20 ms */
	uint8_t speech; /* probability of speech, 0..255 (audio/vad.h) */
	uint8_t flags;	/* enum media_up_flag */
	int16_t pcm[];
};

enum media_down_flag {
	MEDIA_DOWN_LAST = 1, /* end of its utterance: an empty ring behind it is no underrun */
};

struct media_down_frame {
	uint32_t utterance; /* ids grow from one utterance to the next (modulo 2^32); 0 is not used */
	uint16_t n;	    /* samples <= rate * 20 ms; a shorter frame is filled up with silence */
	uint8_t flags;
	uint8_t reserved;
	int16_t pcm[];
};

/*
 * One agent thread's door bell: rung by workers at most once a slice, however many ports they filled. The agent calls
 * media_bell_clear first and reads its ports then.
 */
struct media_bell {
	void (*wake)(void *ctx); /* any thread, must not block: uv_async_send, an eventfd write */
	void *ctx;
	_Atomic bool is_rung;
};

void media_bell_ring(struct media_bell *bell);
void media_bell_clear(struct media_bell *bell);

struct media_port_params {
	int rate_hz;		 /* 8000 or 16000, of both directions; media_plan_rate_hz tells what the leg carries */
	uint32_t up_frames;	 /* ring sizes, rounded up to powers of two; 0: 32 */
	uint32_t down_frames;	 /* 0: 64 (1.28 s) */
	struct media_bell *bell; /* borrowed, outlives the port; NULL: the agent polls */
};

struct media_port;

/* -EINVAL for another rate, -ENOMEM. */
nodiscard int media_port_new(const struct media_port_params *params, struct media_port **ret);
struct media_port *media_port_ref(struct media_port *p);
struct media_port *media_port_unref(struct media_port *p); /* NULL-safe; returns NULL */

int media_port_rate_hz(const struct media_port *p);
struct media_bell *media_port_bell(const struct media_port *p);

/* ---- the agent's side: one thread ------------------------------------------------------------------------------------- */

/* Oldest frame from the caller, or NULL. Valid until media_port_pop_up. */
const struct media_up_frame *media_port_peek_up(struct media_port *p);
void media_port_pop_up(struct media_port *p);

/* Frames that can be written now. */
uint32_t media_port_space(const struct media_port *p);

/* Queues n <= rate * 20 ms samples. False when the ring is full: nothing is taken, offer it again later. */
bool media_port_say(struct media_port *p, uint32_t utterance, const int16_t *pcm, int n, uint8_t flags);

/* The last utterance that was said, 0: none. Whoever takes the port over goes on behind it, or a flush of the last owner's would hit. */
uint32_t media_port_said(const struct media_port *p);

/*
 * Ends an utterance whose last frame was already written without MEDIA_DOWN_LAST (the length was not known before).
 */
void media_port_end(struct media_port *p, uint32_t utterance);

/*
 * Drops everything of utterances <= id, what is queued and what is still written later. Takes effect at the next tick with a
 * fade of 5 ms. Later utterances may be queued at once. Lifts a pause.
 */
void media_port_flush(struct media_port *p, uint32_t utterance);

/* Holds the ring and sends silence, after a fade of 5 ms; resume goes on where it stopped, fading in. */
void media_port_pause(struct media_port *p);
void media_port_resume(struct media_port *p);

/* What the worker last told. Consistent in itself, at most one tick old. */
struct media_port_report {
	uint32_t utterance;   /* that was last sent from; 0: none yet */
	uint32_t frames;      /* of it that have been sent: what the caller could have heard */
	int64_t first_at_us;  /* when its first frame went to the socket, on the worker's clock (CLOCK_MONOTONIC) */
	uint32_t ticks;	      /* the media clock: frames since the port was connected */
	uint32_t underruns;   /* ticks without a frame inside an utterance */
	uint32_t overflows;   /* up frames dropped because the agent did not read */
	bool is_connected;    /* a stream drives the port */
	bool is_draining;     /* frames are queued or an utterance has not ended */
};

void media_port_report(const struct media_port *p, struct media_port_report *ret);

/* ---- the worker's side: one thread; tests may play it -------------------------------------------------------------------- */

/*
 * Starts and ends the media clock; connecting again goes on counting. False while somebody else drives it: a port that moves
 * from one leg to another, perhaps on another worker, is free when the first has let go, a tick later.
 */
nodiscard bool media_port_connect(struct media_port *p);
void media_port_disconnect(struct media_port *p);

/* Caller's frame of exactly rate * 20 ms samples. False when it was dropped: the ring is full. Does not ring the bell. */
bool media_port_push_up(struct media_port *p, const int16_t *pcm, uint8_t speech, uint8_t flags);

enum media_pull {
	MEDIA_PULL_NOTHING,  /* nobody speaks: ret_pcm is silence */
	MEDIA_PULL_AUDIO,
	MEDIA_PULL_UNDERRUN, /* silence in the middle of an utterance */
};

/* Once every 20 ms: the agent's next frame, rate * 20 ms samples, and one step of the clock. */
enum media_pull media_port_pull_down(struct media_port *p, int64_t now_us, int16_t *ret_pcm);

/* Only a hint to the cache that the two above follow soon. */
void media_port_fetch(const struct media_port *p);
