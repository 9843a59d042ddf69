/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "flow/flow_priv.h"

/* Inside of a conversation: machine.c moves through the steps, machine_answer.c makes something of what was said, machine_say.c speaks. */

enum { FRAMES = 4, QUESTION_BYTES = 1000 };

/* A question to come back to when an answer has been carried out. */
struct frame {
	int pc, slot;
	bool is_change;
};

/* All that going back to an earlier moment restores. */
struct state {
	struct frame at; /* where it waits: an operation, and the slot it asks for (-1: none) */
	struct frame frames[FRAMES];
	int frame_count;
	bool is_calling; /* a tool runs: that of call_pc */
	int call_pc;
	bool is_leaving; /* transfer or hang-up was told; if the caller speaks nevertheless, the question stands */
	bool is_transfer;
	uint32_t asks;	 /* times the question was asked in a row */
	uint32_t said;	 /* for variety */
	uint32_t no_match, no_input;
	uint32_t skipped; /* optional slots that will not be filled, as bits */
	struct value slots[LIMIT_FLOW_SLOTS];
	enum lang_part part; /* of the day, as long as there is no time */
	char partial[40];    /* digits of partial_slot, as long as there are too few */
	int partial_slot;
	uint64_t variables_set;
	char variables[LIMIT_FLOW_VARIABLES][LIMIT_FLOW_VARIABLE_BYTES];
	char question[QUESTION_BYTES]; /* what "repeat" says again */
	size_t read_back_end;	       /* of the last reply: where the values of a read-back are complete; 0: there was none */
	size_t question_at;	       /* of the last reply: where its question begins */
};

struct flow_machine {
	struct flow *flow;
	struct flow_machine_params p;
	char *greeting;
	struct state now, before; /* before: the last thing the caller said */
	bool can_go_back;
	char last_text[400]; /* of that */
	char last_reply[FLOW_TEXT_BYTES];
};

struct locals {
	const char *value, *choices, *weekday, *from, *to, *key;
};

/* One turn. */
struct turn {
	struct flow_machine *m;
	const struct flow *f;
	struct state *s;
	const struct flow_turn *in;
	struct flow_reply *out;
	struct sense sense;
	bool has_pending;  /* values of the sentence that wait for a question about them */
	char notes[600];   /* said in front of the next question: refusals, echoes */
	size_t asked_at;   /* where the question of the last reply began */
	bool is_mute;	   /* the greeting has asked the question already */
	int moves;
};

/* ---- machine_say.c */
void turn_say(struct turn *t, const char *text);
/* A variant of text with its values; which: of the variants. */
void turn_say_text(struct turn *t, const struct text *text, const struct locals *locals, uint32_t which);
void turn_prompt(struct turn *t, enum lang_prompt prompt, const struct locals *locals);
void turn_note(struct turn *t, const char *text);
void turn_flush_notes(struct turn *t);
void turn_note_text(struct turn *t, const struct text *text, const struct locals *locals);
void turn_note_prompt(struct turn *t, enum lang_prompt prompt, const struct locals *locals);
void turn_render(const struct turn *t, const struct template *tpl, const struct locals *locals, bool is_spoken, char *ret, size_t cap,
	size_t *ret_values_end);
void turn_variable_set(struct turn *t, int variable, const char *value);
const char *turn_variable(const struct turn *t, int variable);
void turn_eval(const struct turn *t, const struct expr *e, char *ret, size_t cap);
bool turn_is_true(const struct turn *t, const struct expr *e);
void turn_say_slot(const struct turn *t, int slot, const char *style, char *ret, size_t cap);
/* "the day, the time, or the name" */
void turn_say_choices(const struct turn *t, const struct ask *ask, char *ret, size_t cap);
void turn_keypad_hint(struct turn *t);

/* ---- machine.c */
const struct op *turn_op(const struct turn *t);
void turn_run(struct turn *t, int pc);
void turn_ask_again(struct turn *t);
/* Carries out an answer; the question stands until it goes elsewhere. */
void turn_enter(struct turn *t, int pc);
void turn_transfer(struct turn *t, const char *reason, const char *to);
void turn_hang_up(struct turn *t, const char *reason);
void turn_restart(struct turn *t);
void turn_on_call_failed(struct turn *t);
bool slot_is_done(const struct state *s, const struct flow *f, int slot);
uint32_t slots_set(const struct state *s, const struct flow *f);
struct sense_ask turn_sense_ask(const struct turn *t);

/* ---- machine_answer.c */
void turn_on_text(struct turn *t, const char *text, float confidence);
void turn_on_keys(struct turn *t);
void turn_no_match(struct turn *t);
void turn_no_input(struct turn *t);
void turn_human(struct turn *t);
const struct answer *turn_find_answer(const struct turn *t, enum answer_kind kind, int index);

/* ---- machine_file.c */
/* Puts the sentence's values into the slots of ask; what is wrong with them is noted. Which changed, as bits. */
uint32_t turn_file(struct turn *t, const struct ask *ask);
void turn_clear_slot(struct turn *t, int slot);
