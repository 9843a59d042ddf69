/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The other half of a demonstration: a caller who follows a script. Waits until the other side has spoken and fallen silent,
 * says the next line, may interrupt, and hangs up after the last answer. Measures what a person would notice: how long the
 * other side takes to answer, and to fall silent when spoken over.
 *
 * Pure, in virtual time: hears frames as speech probabilities, and is told when its own line has been played.
 */
struct caller_line {
	uint32_t interrupt_ms; /* > 0: speak so long after the other side began */
	uint32_t wait_ms;      /* silence of the other side before speaking */
};

struct caller_script_params {
	const struct caller_line *lines; /* borrowed */
	uint32_t line_count;
	uint32_t patience_ms; /* nothing heard for so long: go on anyway */
	uint32_t linger_ms;   /* silence after the answer to the last line until the end */
};

enum caller_act { CALLER_NOTHING, CALLER_SAY /* line `next` */, CALLER_HANG_UP };

/* What was heard of the answer to a line; times as given by the caller of the functions, 0: did not happen. */
struct caller_heard {
	msec_t said_at, said_end_at; /* our line */
	msec_t answer_at;	     /* first voiced frame of the other side behind it */
	msec_t hushed_at;	     /* interruptions: the other side's last voiced frame after we began */
};

struct caller_script {
	struct caller_script_params p;
	enum caller_state {
		CALLER_WAITING,	 /* for the other side to begin */
		CALLER_HEARING,	 /* it speaks */
		CALLER_SPEAKING, /* we do */
		CALLER_DONE,
	} state;
	uint32_t next;	      /* line to say next */
	msec_t since;	      /* of waiting */
	msec_t voice_at;      /* first voiced frame of what is being heard */
	msec_t voice_end_at;  /* last voiced frame */
	uint32_t history;     /* bit 0: the newest frame was voiced */
	uint32_t voiced;      /* frames heard of this answer */
	struct caller_heard heard; /* of the line before next */
};

void caller_script_init(struct caller_script *s, const struct caller_script_params *params, msec_t now);

/* Every 20 ms frame of the other side. CALLER_SAY: speak line *ret_line now, then tell caller_script_said. */
enum caller_act caller_script_frame(struct caller_script *s, uint8_t prob, msec_t now, uint32_t *ret_line);

/* Our line has been played to its end. */
void caller_script_said(struct caller_script *s, msec_t now);
