/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Whose turn it is: hears the caller's frames as speech probabilities, knows what our own voice is doing, and decides when the
 * caller has begun, has finished, interrupts us, only nods ("mhm"), or says nothing at all.
 *
 * Pure and in virtual time: no clock, no audio, no words kept. What it decides goes to a small outbox that the owner empties
 * after every input. Inputs that make no sense at the moment are ignored, so late news of engines need no guards above.
 *
 *	          onset                quiet               endpoint            final with words
 *	  IDLE ───────────▶ CALLER ─────────────▶ LULL ─────────────▶ SETTLE ─────────────────────▶ THINK
 *	   ▲                  ▲ ▲◀────voice────────┘                    │ no words: IDLE            │ reply
 *	   │ reply ended      │ │                                                                     ▼
 *	   └──────────────────│─│───────────────────────────────────────────────────────────────── OURS
 *	                      │ │ sure: FLUSH                                             onset: LISTEN │
 *	                      │ └────────────────────── HUSHED ◀──lasts: PAUSE── DOUBT ◀────────────────┘
 *	                      └─ reply ended, sure ────────│──────────────────────┘
 *	                                                   └─ false alarm: RESUME, back to THINK or OURS
 *
 *	THINK, onset: HUSHED at once (the caller goes on; nothing of ours is playing, and nothing shall begin).
 *	SETTLE, onset: remembered, and an utterance of its own once the final is there, however late that is.
 *	KEYS: digits are being pressed.  HELD: on hold or not started, everything but hold and go is ignored.
 *
 * The two-step interruption is the point of it: our voice falls silent soon (pause, reversible), and what we were saying is
 * thrown away (flush) only when the caller surely has something to say. An "mhm" or a cough costs a short gap.
 */
struct turn_params {
	/* Speech in a frame, of 0..255. Two thresholds, so that a probability that hovers does not chatter. */
	uint8_t on_prob;	  /* a frame at or above is voice; 140: noise of an office stays below */
	uint8_t off_prob;	  /* after onset a frame below is silence; 90 */
	uint8_t barge_prob;	  /* onset while our own voice plays: its echo is there too; 170 */
	uint8_t onset_frames;	  /* that many voiced... 3 */
	uint8_t onset_window;	  /* ...of the last that many start speech; 5: one lost frame does not hide a word; <= 32 */
	uint16_t frame_ms;	  /* 20 */
	uint16_t preroll_ms;	  /* audio before the onset that the recogniser gets; 300: onsets are found late by up to that */

	/* End of turn: silence after the last voiced frame. */
	uint16_t hint_ms;	  /* the recogniser is told to prepare its final; 160: longer than a stop consonant */
	uint16_t end_ms;	  /* nothing is known of the words; 500 */
	uint16_t end_complete_ms; /* a stable text answers the question; 280: 350 with a frame and a detector's tail */
	uint16_t end_likely_ms;	  /* a text that may still change does; 400 */
	uint16_t end_open_ms;	  /* the text breaks off inside a date, number or phrase; 1300 */
	uint16_t end_number_ms;	  /* a number is expected and the text is not complete; 1000: people breathe between groups */
	uint32_t longest_ms;	  /* of one utterance, then it is ended; LIMIT_STT_UTTERANCE_MS with room for the pre-roll */
	uint16_t noise_ms;	  /* voice without words shorter than that is a noise, longer is a turn not understood; 700 */
	uint16_t settle_ms;	  /* the recogniser's final must come within that, or the turn goes on without it; 4000 */

	/* The caller over our voice: voiced time since the onset. */
	uint16_t pause_ms;	  /* we fall silent; 200 */
	uint16_t guard_ms;	  /* at the start of our audio the echo canceller and VAD floor are not settled: for so long... 400 */
	uint16_t guard_pause_ms;  /* ...this much voice is needed; 320 */
	uint16_t sure_ms;	  /* voice without known words: an interruption; 600, a nod is shorter */
	uint16_t sure_nod_ms;	  /* voice whose words are all nods: 1400 */
	uint16_t give_up_ms;	  /* silence after doubtful voice until we go on; 600: room for a late partial */
	uint16_t answer_ms;	  /* less of our reply left: it is not paused, and a nod is an early answer ("...okay?" "yes"); 600 */
	uint16_t nod_answer_ms;	  /* a nod that answers the question and came so late in it, is the answer when nothing else is said: "...is that right?" "yes"; 2500 */
	uint16_t nod_wait_ms;	  /* room for something else after our reply; 700 */
	uint16_t words_ms;	  /* words in less voice than that are a recogniser's fancy, even when it is sure; 120 */
	uint16_t words_live_ms;	  /* the same for a text that may still change; 500: live decoders guess wildly, and we are silent by then */

	uint32_t silence_ms;	  /* nobody speaks: no-input; 7000 */
	uint16_t keys_ms;	  /* between two digits; 2000 */
	uint16_t keys_complete_ms; /* after digits that answer the question; 300 */
	uint8_t keys_max;	  /* digits of one answer; 32 */
};

/* The defaults named above. */
struct turn_params turn_params_default(void);

enum turn_state {
	TURN_IDLE,   /* nobody speaks, the floor is the caller's */
	TURN_CALLER, /* the caller speaks and has the floor */
	TURN_LULL,   /* the caller has paused; is that all? */
	TURN_SETTLE, /* the turn ended, its final text is awaited */
	TURN_THINK,  /* a reply is being made, nothing of it has been played */
	TURN_OURS,   /* our reply plays */
	TURN_DOUBT,  /* a voice over our reply, which goes on */
	TURN_HUSHED, /* the same for longer: our reply is paused */
	TURN_KEYS,   /* digits are being pressed */
	TURN_HELD,   /* on hold, or not started */
	TURN_STATE_COUNT,
};

enum turn_act {
	TURN_LISTEN,  /* begin an utterance at the recogniser, with preroll_ms of audio from before this frame */
	TURN_HINT,    /* the caller is silent: the recogniser may prepare its final */
	TURN_GO_ON,   /* the caller speaks again after a HINT: what was prepared is void */
	TURN_END,     /* end of turn: end the utterance, its final is wanted; reason ENDPOINT, LIKELY, COMPLETE, OPEN, LONGEST */
	TURN_TAKEN,   /* the turn has its final: let the mind answer; reason WORDS, or NO_WORDS (not understood) */
	TURN_FORGET,  /* cancel the utterance, it was nothing: NOISE, NOD, KEY, HOLD, NO_WORDS */
	TURN_PAUSE,   /* hush: stop playing, keep the rest */
	TURN_RESUME,  /* play on where it stopped */
	TURN_FLUSH,   /* the reply is over: throw its rest away, stop mind and voice; WORDS, VOICE, KEY, ANSWER */
	TURN_SILENCE, /* nobody has spoken for silence_ms */
	TURN_DIGITS,  /* the digits pressed are complete */
	TURN_NODDED,  /* the last nod was the answer to our reply: let the mind have it */
	TURN_ACT_COUNT,
};

enum turn_reason {
	TURN_BY_NONE,
	TURN_BY_ENDPOINT, /* silence after words nobody judged */
	TURN_BY_COMPLETE, /* the words answer the question */
	TURN_BY_LIKELY,	  /* the words so far do, and may change */
	TURN_BY_OPEN,	  /* long silence inside a phrase */
	TURN_BY_LONGEST,  /* the utterance reached its longest */
	TURN_BY_WORDS,
	TURN_BY_NO_WORDS,
	TURN_BY_NOISE,
	TURN_BY_NOD,	/* "mhm", "okay" while we speak */
	TURN_BY_VOICE,	/* voice for longer than any nod */
	TURN_BY_ANSWER, /* our reply was as good as over */
	TURN_BY_KEY,
	TURN_BY_HOLD,
	TURN_BY_TIMEOUT, /* the recogniser did not deliver */
};

struct turn_out {
	enum turn_act act;
	enum turn_reason reason;
	uint16_t preroll_ms;	/* LISTEN */
	bool is_barge_in;	/* LISTEN: over our reply; FLUSH: something of it had been played */
	msec_t at;		/* now of the input that led to it */
	msec_t speech_at;	/* onset of the voice it is about; 0 without */
	msec_t speech_end_at;	/* end of the last voiced frame; 0 without */
	uint32_t voiced_ms;	/* voiced frames of it */
};

/* What the words so far are worth. The caller's llm_fit, without the dependency. */
enum turn_fit { TURN_FIT_UNKNOWN, TURN_FIT_COMPLETE, TURN_FIT_OPEN };

/* Longest chain of decisions that one input can lead to, twice over. */
#define TURN_OUTBOX 8

enum turn_floor { TURN_FLOOR_FREE, TURN_FLOOR_THINKING, TURN_FLOOR_SPEAKING };

/* What is known of the words of an utterance. */
enum turn_words {
	TURN_WORDS_UNKNOWN, /* nothing decoded yet */
	TURN_WORDS_NONE,    /* decoded: no words in it */
	TURN_WORDS_FILLER,  /* hesitation only ("um"): more will come, and if not, nothing was said */
	TURN_WORDS_NOD,	    /* nods only, or echo of our own words */
	TURN_WORDS_REAL,
};

/* Private to turn.c; here so that it can be embedded. */
struct turn {
	struct turn_params p;
	enum turn_state state;
	enum turn_floor floor;	/* what our side is doing: where DOUBT and HUSHED return to */
	msec_t state_at;	/* when the state was entered */
	msec_t onset_at;	/* start of the first voiced frame in the onset window; NEVER without */
	msec_t voice_at;	/* start of the running utterance's voice; NEVER without an utterance */
	msec_t voice_end_at;	/* end of the last voiced frame */
	msec_t taken_end_at;	/* the same of the last turn that was taken */
	msec_t idle_at;		/* when the floor became free: silence is counted from there */
	msec_t ours_at;		/* when our voice was first in the line in this reply; NEVER before */
	msec_t key_at;
	uint32_t history;	/* onset window: bit 0 is the newest frame */
	uint32_t voiced_ms;	/* of the running utterance */
	uint32_t left_ms;	/* of our reply when the voice over it began */
	uint32_t silence_ms;	/* for this turn; see turn_expect */
	bool is_number;
	bool was_hinted;	/* HINT has been given for this lull */
	bool is_stable;		/* the text that words and fit are of */
	enum turn_words words;
	enum turn_fit fit;
	bool has_nod;		/* a nod near the end of our reply would answer it */
	bool is_waiting;	/* a voice began while the final was awaited: the next utterance */
	msec_t waiting_at, waiting_end_at;
	uint32_t waiting_ms;	/* of it */
	uint8_t keys;		/* digits pressed in this answer */
	uint8_t keys_most;	/* of this answer */
	uint32_t keys_gap_ms;	/* the same */
	enum turn_fit keys_fit;
	struct turn_out out[TURN_OUTBOX];
	uint8_t out_head, out_count;
	uint32_t lost;		/* decisions that found the outbox full; 0 unless the owner forgets to empty it */
};

/* Starts HELD: turn_go opens. params is copied; its values are clamped to what makes sense. */
void turn_init(struct turn *t, const struct turn_params *params);

/* Next decision, oldest first; false when there is none. */
bool turn_take(struct turn *t, struct turn_out *ret);

/* ---- inputs. now never goes back. ---- */

struct turn_frame {
	uint8_t prob;	  /* of the frame that ends now */
	bool is_ours;	  /* our own voice was in the line during it */
	uint32_t left_ms; /* of our reply to play; UINT32_MAX while it is still being made */
};

/* Each frame_ms while media runs. Time-outs are found here too, so they are as exact as a frame. */
void turn_frame(struct turn *t, const struct turn_frame *frame, msec_t now);

/* Time-outs when no frames come (the caller's RTP stopped). */
void turn_tick(struct turn *t, msec_t now);

/* Words of the running utterance: a partial of the recogniser, with what words.h and the mind make of it. */
void turn_partial(struct turn *t, enum turn_words words, enum turn_fit fit, bool is_stable, msec_t now);

/* The final of the utterance that TURN_END closed (or an error of the recogniser: TURN_WORDS_NONE). */
void turn_final(struct turn *t, enum turn_words words, msec_t now);

/* A reply is being made (a greeting, a tool's result): nobody waits for the caller. TURN_TAKEN and the like imply it. */
void turn_think(struct turn *t, msec_t now);
/* Audio of our reply is on its way to the caller. */
void turn_reply(struct turn *t, msec_t now);
/* All of the reply was played, or there is none: the floor is the caller's. */
void turn_reply_end(struct turn *t, msec_t now);

/* How to wait for the answer to this reply. 0 ms: the default. */
void turn_expect(struct turn *t, uint32_t silence_ms, bool is_number);

/* How keys answer it, besides: how many at most, and how long between two. 0: the default. */
void turn_expect_keys(struct turn *t, uint32_t most, uint32_t gap_ms);

/* A digit was pressed. fit: of the digits so far; a last one ('#') ends at once. */
void turn_key(struct turn *t, bool is_last, enum turn_fit fit, msec_t now);

/* Hold ends every utterance (FORGET). Go starts or goes on, where the owner's reply now is. */
void turn_hold(struct turn *t, msec_t now);
void turn_go(struct turn *t, enum turn_floor floor, msec_t now);

const char *turn_state_name(enum turn_state s);
const char *turn_act_name(enum turn_act a);
const char *turn_reason_name(enum turn_reason r);
