/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "flow/flow.h"
#include "flow/value.h"

/*
 * Inside of a flow. Steps are compiled to one row of operations, so that "where the conversation is" is one number and going back
 * to an earlier moment is copying one struct.
 */

/* ---- texts and conditions --------------------------------------------------------------------------------------------- */

enum piece_kind { PIECE_TEXT, PIECE_SLOT, PIECE_VARIABLE, PIECE_LOCAL, PIECE_OPEN, PIECE_CLOSE };

/* {name.style}, or text between; OPEN and CLOSE stand around [what is left out when a value in it is empty]. */
struct piece {
	enum piece_kind kind;
	int index;
	const char *text;  /* or the local's name */
	const char *style; /* NULL: as the type is spoken */
};

struct template {
	struct piece *pieces;
	size_t count;
	size_t ends_with_values; /* pieces behind the last value, for read-backs */
};

struct text {
	struct template *variants;
	size_t count; /* 0: nothing is said */
};

enum expr_kind { EXPR_SLOT, EXPR_VARIABLE, EXPR_CONST, EXPR_NOT, EXPR_AND, EXPR_OR, EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE,
	EXPR_ADD, EXPR_SUB };

struct expr {
	enum expr_kind kind;
	int index;
	const char *text;
	const struct expr *a, *b;
};

/* ---- slots ------------------------------------------------------------------------------------------------------------ */

struct slot_choice {
	const char *key;
	const char *say;
	struct lang_phrases phrases;
};

struct slot_key {
	const char *digits, *words;
};

struct slot {
	const char *name;
	int line;
	enum value_type type;
	struct text ask, keypad, help, echo, refuse;
	struct lang_phrases called; /* "the day" */
	const char *called_say;	    /* how it is called in "what should I change" */
	int64_t from, to;	    /* numbers, money in cents, times in minutes; from > to: any */
	uint32_t least, most;	    /* digits, letters, words of a name */
	enum value_tense tense;
	bool has_tense;
	bool is_open;	  /* only while the business is */
	bool is_optional; /* asked once */
	bool may_be_letters;
	bool is_sensitive; /* nobody keeps the answer */
	struct slot_choice *choices;
	size_t choice_count;
	struct slot_key *keys;
	size_t key_count;
};

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

enum answer_kind { ANSWER_INTENT, ANSWER_COMMAND, ANSWER_YES, ANSWER_NO, ANSWER_HEARD, ANSWER_OTHERWISE, ANSWER_NO_MATCH, ANSWER_NO_INPUT,
	ANSWER_TRANSFER_FAILED };

struct answer {
	enum answer_kind kind;
	int index; /* of the intent or command */
	int pc;
};

struct answers {
	struct answer *all;
	size_t count;
};

/* What a question is besides its words. */
struct ask {
	struct text text, keypad, help, change;
	struct answers answers;
	struct slot_key *keys;
	size_t key_count;
	uint8_t slots[LIMIT_FLOW_SLOTS]; /* listened for, in this order */
	size_t slot_count;
	uint32_t unheard; /* of these slots, as bits: understood, but recognisers need not listen for them */
	const char *context[LIMIT_FLOW_SLOTS + 1]; /* of the grammar: by the slot that is asked; last: none is */
};

struct tool_arg {
	const char *name;
	struct template value;
	bool is_bare;	/* a slot or variable alone: numbers and booleans stay such */
};

struct tool_result {
	const char *path; /* "order.status" */
	int variable;
};

struct tool_call {
	const char *name;
	struct tool_arg *args;
	size_t arg_count;
	struct tool_result *results;
	size_t result_count;
	struct text say;
	bool is_optional; /* where there is no such tool it is left out */
	int on_error;	  /* pc; -1: apologise and hand over */
};

enum flow_op { FLOW_OP_SAY, FLOW_OP_SET, FLOW_OP_CLEAR, FLOW_OP_UNLESS, FLOW_OP_JUMP, FLOW_OP_GOTO, FLOW_OP_FILL, FLOW_OP_CONFIRM,
	FLOW_OP_ASK, FLOW_OP_CALL, FLOW_OP_TRANSFER, FLOW_OP_HANG_UP, FLOW_OP_END, FLOW_OP_AGAIN };

struct op {
	enum flow_op op;
	int line;
	int target;	/* pc, variable or slot */
	int step;	/* it belongs to; -1: an answer of the whole flow */
	struct text text;
	const char *word; /* reason */
	struct template to;
	const struct expr *expr;
	const struct ask *ask;
	const struct tool_call *call;
};

struct step {
	const char *name;
	int line, pc;
};

struct intent {
	const char *name;
	int line;
	struct lang_phrases phrases;
};

struct variable {
	const char *name;
	const char *value;
};

struct open_range {
	int32_t from, to;
};

struct flow {
	_Atomic uint32_t refs;
	struct arena arena;
	struct lang *lang;
	const char *name;

	struct slot slots[LIMIT_FLOW_SLOTS];
	size_t slot_count;
	struct variable variables[LIMIT_FLOW_VARIABLES];
	size_t variable_count;
	struct intent *intents;
	size_t intent_count;
	struct lang_rule *rules;
	size_t rule_count;
	struct lang_rule *sounds; /* word and phones */
	size_t sound_count;

	struct step *steps;
	size_t step_count;
	struct op *ops;
	size_t op_count;
	struct answers answers; /* in every state */
	struct text greeting, prompts[LANG_PROMPTS];

	struct open_range open[7]; /* of each weekday; from == to: closed */
	bool has_open;
	int32_t closed[LIMIT_FLOW_CLOSED_DAYS];
	size_t closed_count;

	uint32_t tries, silence_ms, patient_ms;
	float confidence;
	char *grammar;
};

/* References of a flow's phrases: those of the language, then its slots. */
enum { FLOW_REF_SLOT = LANG_REFS };

/* ---- building (parse*.c) ---------------------------------------------------------------------------------------------- */

struct builder {
	struct flow *flow;
	struct arena *arena;
	struct flow_faults *faults;
	const char *languages[8];
	size_t language_count;
	const char *language; /* the one that is read */
	struct pattern_names names;
	const struct yaml_node *root;
	bool is_business; /* what is read now is not the flow's file */
};

void flow_fault(struct builder *b, int line, const char *fmt, ...) printf_like(3, 4);
/* Of a node that is split by language, the branch of ours. */
const struct yaml_node *flow_pick(struct builder *b, const struct yaml_node *n);
const struct yaml_node *flow_child(struct builder *b, const struct yaml_node *map, const char *key);
/* A scalar's text; NULL after a fault. */
const char *flow_scalar(struct builder *b, const struct yaml_node *n, const char *what);
bool flow_flag(struct builder *b, const struct yaml_node *map, const char *key);
bool flow_number(struct builder *b, const struct yaml_node *map, const char *key, int64_t min, int64_t max, int64_t *ret);
void flow_known_keys(struct builder *b, const struct yaml_node *map, const char *const *keys);
/* "there is no WHAT "word"", with the nearest of names. */
void flow_no_such(struct builder *b, int line, const char *what, const char *word, const char *const *names);
void flow_read_text(struct builder *b, const struct yaml_node *n, const char *what, struct text *ret);
void flow_read_phrases(struct builder *b, const struct yaml_node *n, const char *what, struct lang_phrases *ret);
void flow_read_keys(struct builder *b, const struct yaml_node *n, struct slot_key **ret, size_t *ret_count);
int flow_find_slot(const struct flow *f, struct span name);
int flow_find_variable(const struct flow *f, struct span name);
int flow_find_intent(const struct flow *f, struct span name);
int flow_find_step(const struct flow *f, struct span name);
int flow_add_variable(struct builder *b, int line, struct span name, const char *value); /* or finds it */

bool flow_template(struct builder *b, int line, const char *source, struct template *ret);
const struct expr *flow_expr(struct builder *b, int line, const char *source);
bool flow_check_name(struct builder *b, int line, const char *what, const char *name);
void flow_name_slots(struct builder *b, const struct yaml_node *n); /* before anything that names them */
void flow_read_slots(struct builder *b, const struct yaml_node *n);
void flow_read_open(struct builder *b, const struct yaml_node *open, const struct yaml_node *closed);
void flow_read_steps(struct builder *b, const struct yaml_node *steps, const struct yaml_node *on);
void flow_build_grammar(struct builder *b);

/* ---- understanding (sense.c) ------------------------------------------------------------------------------------------- */

struct sense_ask {
	const struct flow *flow;
	int32_t today;
	const uint8_t *slots;
	size_t slot_count;
	int asked;	/* slot; -1 */
	uint32_t set;	/* slots that are filled, as bits */
	bool is_change; /* a slot's name alone says what to change */
};

struct sense {
	int intent; /* -1 */
	enum lang_command command;
	uint32_t filled; /* slots, as bits */
	struct value values[LIMIT_FLOW_SLOTS];
	uint32_t named;	 /* "change the day": without a value */
	enum lang_part part;
	bool is_correction, has_yes, has_no;
	bool is_dangling;
	bool ends_in_number;
	bool is_empty;
	size_t word_count;
};

void flow_sense(const struct sense_ask *ask, struct span text, struct sense *ret);

/* ---- opening hours (open.c) -------------------------------------------------------------------------------------------- */

bool flow_is_open_day(const struct flow *f, int32_t day);
struct open_range flow_open_range(const struct flow *f, int32_t day);
/* "Monday to Friday, from 8 am to 6 pm, and Saturday, ..." */
void flow_say_open(const struct flow *f, char *ret_text, size_t cap);
