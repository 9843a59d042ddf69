/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/voice.h"
#include "turn/echo.h"
#include "turn/heard.h"

/* Private to voice.c (the engine and the ring) and voice_text.c (what is said, and what of it was heard). */
#define VOICE_SENT_FRAMES 128 /* kept envelopes: what the ring holds, and what was played lately */

enum piece_state { PIECE_WAITING, PIECE_ASKED, PIECE_MADE };

struct piece {
	enum piece_state state;
	uint32_t id;	  /* of the request at the tts */
	uint32_t from;	  /* frames of the reply before it; valid once it has samples */
	uint32_t samples; /* so far */
	uint32_t lead;	  /* samples of silence before them that were left out */
	uint8_t tries;
	bool is_filler;
	char *text;
	struct heard_mark *marks;
	uint32_t mark_count;
	const int16_t *clip; /* recorded: played from here instead of made */
	size_t clip_n, clip_at;
};

struct voice {
	struct voice_params p;
	struct tts_session *tts;
	uint32_t frame_n;   /* samples of 20 ms */
	uint32_t rate_hz;
	uint32_t last_id;   /* of tts requests */
	uint32_t utterance; /* of the port */

	enum { VOICE_IDLE, VOICE_OPEN /* text may come */, VOICE_CLOSING /* all text is here */ } state;
	struct piece pieces[LIMIT_AGENT_PIECES];
	uint32_t piece_count;
	size_t text_bytes;
	char *held;	    /* text that may become a recorded phrase; NULL: none */
	uint32_t made;	    /* frames of this reply that the engine made */
	uint32_t tail;	    /* silent samples at its end */
	uint32_t written;   /* frames put on the ring */
	bool is_end_told;   /* to the port */
	int64_t alive_at_us; /* last sign of life of the engine while something is asked */

	int16_t *queue;	    /* made, not written: from at, n samples */
	size_t queue_at, queue_n, queue_cap;
	uint64_t dropped;   /* samples */
	uint32_t noise_utterance, noise_written; /* the noise between two replies is an utterance of its own; 0: none runs */
	uint64_t noise_seed;
	float sent[VOICE_SENT_FRAMES][ECHO_FRAME_POINTS]; /* of the frames written, by their number */
	int32_t tick_base;  /* least distance of the port's clock to the caller's frames */
	bool has_tick_base;
	uint32_t sent_told; /* frames of this reply that voice_sent has told */

	struct voice_times times;
	struct port_fault fault;
};

/* Frames of the reply that the worker has sent. */
uint32_t voice_frames_played(const struct voice *v);
/* Asks the engine for more, plays recordings, as far as it is time to. */
void voice_pump(struct voice *v);
/* The first piece's audio, given as a whole. */
void voice_play_piece(struct voice *v, struct piece *p, const int16_t *pcm, size_t n);
