/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/progress.h"

/*
 * Who has answered our call: a person, a machine, or nobody. Hears speech probabilities and tones from the moment of the answer on,
 * gives a verdict as soon as length, pauses and tones allow one, and says when it is our turn to speak.
 *
 *	a few words, then a pause			   human, 0.5 to 1 s after the words
 *	speech for longer than a person greets		   voicemail, until words or the missing beep say otherwise
 *	fax, information tones, busy			   by audio/progress.h
 *	words of a recogniser, if one listens (answer_words.h)  voicemail, screening, menu
 *	nothing						   silence, after 5 s without ringing
 *
 * A verdict may be revised: who said "hello" and went on like a machine, or beeps, is one. After voicemail the beep's moment is told,
 * and our turn right after it; machines that never beep are given 4 s of silence, screeners less, since those wait for us.
 *
 * Pure and in virtual time; embedded, no allocation. Events go to a small outbox that the owner empties after every input.
 */
enum answer_who {
	ANSWER_UNKNOWN,
	ANSWER_HUMAN,
	ANSWER_VOICEMAIL,
	ANSWER_SCREENING, /* a telephone's assistant asks who calls, and a person may listen */
	ANSWER_IVR,	  /* a menu */
	ANSWER_FAX,
	ANSWER_SIT,	  /* the network says that the number cannot be reached */
	ANSWER_BUSY,	  /* busy, congestion or dial tone in the audio of an answered call */
	ANSWER_SILENCE,
	ANSWER_WHO_COUNT
};
const char *answer_who_name(enum answer_who w);

enum answer_event_kind {
	ANSWER_EV_VERDICT, /* who, confidence; again when it is revised */
	ANSWER_EV_RINGING, /* it still rings, in the audio */
	ANSWER_EV_BEEP,	   /* at_ms: its beginning; length_ms, hz */
	ANSWER_EV_SPEAK,   /* our turn; because of a beep or of silence */
};

struct answer_event {
	enum answer_event_kind kind;
	enum answer_who who;	/* what is thought when it is told */
	uint8_t confidence;	/* percent: how often such a verdict was right in docs/who-is-there.md */
	bool is_revised;	/* another verdict was told before */
	bool is_after_beep;	/* SPEAK */
	enum progress_sit sit;
	uint16_t hz;
	uint32_t at_ms;		/* since the answer */
	uint32_t length_ms;
	uint32_t speech_ms;	/* VERDICT: since the first speech or tone began; 0: nothing was heard */
};

struct answer_frame {
	uint8_t prob;		      /* of speech, audio/vad.h */
	bool is_idle;		      /* nothing is received: on hold, or before the first packet */
	bool is_ours;		      /* we speak: what is heard may be our echo */
	const struct progress_out *tone;
};

#define ANSWER_OUTBOX 4

/* Private to answer.c; here so that it can be embedded. */
struct answer {
	enum answer_who who;
	uint32_t now_ms, rings_at_ms;
	uint32_t history;	/* bit 0: the newest frame is voice */
	bool is_voice;		/* somebody speaks, hysteresis */
	float talker_db;	/* how loud */
	float floor_db;		/* softest, rising slowly: noise */
	uint32_t first_ms;	/* speech or tone first began */
	bool has_first;
	uint32_t run_ms;	/* this passage's beginning; passages end with a long pause */
	bool has_run;
	uint32_t end_ms;	/* of the last voiced frame */
	uint32_t voiced_ms;	/* of the passage */
	uint32_t spoken_ms;	/* of the call, voiced */
	uint32_t verdict_ms;
	uint32_t turns;		/* SPEAK told */
	uint32_t spoken_at_turn;
	uint32_t speak_at_ms;	/* a beep was heard: our turn then; 0: none is due */
	bool is_over;
	struct answer_event out[ANSWER_OUTBOX];
	uint8_t head, count;
};

void answer_init(struct answer *a);

/* One frame of 20 ms. */
void answer_frame(struct answer *a, const struct answer_frame *f);

/* What words said. Ignored when tones or a beep know better. */
void answer_hint(struct answer *a, enum answer_who who);

/* We have answered the screener: from here on somebody else may come to the telephone. */
void answer_again(struct answer *a);

/* Somebody has spoken: for progress_run. */
bool answer_has_speech(const struct answer *a);

/* Nothing more will be told. */
bool answer_is_over(const struct answer *a);

bool answer_take(struct answer *a, struct answer_event *ret);
