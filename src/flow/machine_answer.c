/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/machine_priv.h"

/* What is made of a turn of the caller. */

/* Short answers that the question expects are rarely heard wrong, and asking again for them annoys. */
#define EXPECTED_FACTOR 0.4F

const struct answer *turn_find_answer(const struct turn *t, enum answer_kind kind, int index)
{
	const struct op *op = turn_op(t);
	const struct answers *all[] = {op->ask ? &op->ask->answers : NULL, &t->f->answers};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t k = 0; all[i] && k < all[i]->count; k++) {
			const struct answer *a = &all[i]->all[k];

			if (a->kind == kind && (a->kind > ANSWER_COMMAND || a->index == index))
				return a;
		}

	return NULL;
}

static const struct slot *asked_slot(const struct turn *t)
{
	return t->s->at.slot >= 0 ? &t->f->slots[t->s->at.slot] : NULL;
}

/* ---- not understood ---------------------------------------------------------------------------------------------------- */

static bool skip_optional(struct turn *t)
{
	const struct slot *s = asked_slot(t);

	if (!s || !s->is_optional)
		return false;
	t->s->skipped |= 1u << t->s->at.slot;
	t->s->no_match = t->s->no_input = 0;
	turn_run(t, t->s->at.pc);

	return true;
}

static void say_keypad(struct turn *t)
{
	turn_keypad_hint(t);
	turn_prompt(t, LANG_SAY_KEY_HUMAN, NULL);
}

void turn_no_match(struct turn *t)
{
	const struct answer *otherwise = turn_find_answer(t, ANSWER_OTHERWISE, 0), *last = turn_find_answer(t, ANSWER_NO_MATCH, 0);
	uint32_t misses = ++t->s->no_match;

	if (misses >= t->f->tries) {
		if (skip_optional(t))
			return;
		if (last) {
			t->s->no_match = 0;
			turn_enter(t, last->pc);
			return;
		}
		turn_prompt(t, LANG_SAY_NO_MATCH_LAST, NULL);
		turn_prompt(t, LANG_SAY_TRANSFER, NULL);
		turn_transfer(t, "not understood", NULL);
		return;
	}
	if (otherwise) {
		turn_enter(t, otherwise->pc);
		return;
	}
	if (misses == 1) {
		turn_say_text(t, &t->f->prompts[LANG_SAY_NO_MATCH], NULL, 0);
	} else {
		turn_say_text(t, &t->f->prompts[LANG_SAY_NO_MATCH_AGAIN], NULL, 0);
		say_keypad(t);
	}
	turn_ask_again(t);
}

void turn_no_input(struct turn *t)
{
	const struct answer *last = turn_find_answer(t, ANSWER_NO_INPUT, 0);
	uint32_t misses = ++t->s->no_input;

	if (t->s->is_calling && misses < t->f->tries) {
		turn_prompt(t, LANG_SAY_ONE_MOMENT, NULL);
		return;
	}
	if (t->s->is_calling) {
		turn_on_call_failed(t);
		return;
	}
	if (skip_optional(t))
		return;
	if (misses >= t->f->tries && last) {
		t->s->no_input = 0;
		turn_enter(t, last->pc);
		return;
	}
	if (misses >= t->f->tries) {
		turn_prompt(t, LANG_SAY_NO_INPUT_LAST, NULL);
		turn_prompt(t, LANG_SAY_GOODBYE, NULL);
		turn_hang_up(t, "silence");
		return;
	}
	turn_prompt(t, LANG_SAY_NO_INPUT, NULL);
	if (misses >= 2)
		say_keypad(t);
	turn_ask_again(t);
}

/* ---- commands ---------------------------------------------------------------------------------------------------------- */

void turn_human(struct turn *t)
{
	turn_prompt(t, LANG_SAY_TRANSFER, NULL);
	turn_transfer(t, "asked", NULL);
}

static void help(struct turn *t)
{
	const struct slot *s = asked_slot(t);
	const struct op *op = turn_op(t);
	const struct text *own = s && s->help.count ? &s->help : op->ask && op->ask->help.count ? &op->ask->help : NULL;

	if (own) {
		turn_say_text(t, own, NULL, t->s->said++);
	} else {
		turn_prompt(t, LANG_SAY_HELP, NULL);
		turn_keypad_hint(t);
	}
	turn_ask_again(t);
}

static void cancel(struct turn *t)
{
	const struct op *op = turn_op(t);

	if (op->op == FLOW_OP_ASK || t->f->steps[0].pc == t->s->at.pc) {
		turn_ask_again(t);
		return;
	}
	for (size_t i = 0; i < t->f->slot_count; i++)
		turn_clear_slot(t, (int)i);
	turn_prompt(t, LANG_SAY_CANCELLED, NULL);
	t->s->frame_count = 0;
	turn_run(t, t->f->steps[0].pc);
}

static void command(struct turn *t, enum lang_command c)
{
	switch (c) {
	case LANG_HUMAN:
		turn_human(t);
		break;
	case LANG_GOODBYE:
		turn_prompt(t, LANG_SAY_GOODBYE, NULL);
		turn_hang_up(t, "caller");
		break;
	case LANG_REPEAT:
		if (t->s->at.slot < 0 && turn_op(t)->op == FLOW_OP_CONFIRM) {
			turn_ask_again(t); /* so that a "yes" to it counts as heard or not */
			break;
		}
		turn_say(t, t->s->question);
		break;
	case LANG_HELP:
		help(t);
		break;
	case LANG_WAIT:
		turn_prompt(t, LANG_SAY_WAIT, NULL);
		t->out->silence_ms = t->f->patient_ms;
		break;
	case LANG_START_OVER:
		turn_prompt(t, LANG_SAY_START_OVER, NULL);
		turn_restart(t);
		break;
	case LANG_CANCEL:
		cancel(t);
		break;
	case LANG_THANKS:
		turn_prompt(t, LANG_SAY_WELCOME, NULL);
		turn_ask_again(t);
		break;
	default:
		turn_ask_again(t);
	}
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

/* "Thursday the 3rd of December.": the caller hears that it was understood, unless everything is read back next. */
static void echo(struct turn *t, uint32_t changed, int asked, uint32_t was_set)
{
	for (size_t i = 0; i < t->f->slot_count; i++) {
		const struct slot *s = &t->f->slots[i];
		char value[VALUE_BYTES];
		struct locals l = {.value = value};

		if (!(changed >> i & 1) || !t->s->slots[i].is_set)
			continue;
		turn_say_slot(t, (int)i, NULL, value, sizeof(value));
		if (was_set >> i & 1 && s->type != VALUE_NAME)
			turn_note_prompt(t, LANG_SAY_CORRECTED, &l);
		else if ((int)i == asked && !(was_set >> i & 1) && changed == 1u << i)
			turn_note_text(t, &s->echo, &l);
	}
}

/* Will the next question be a read-back? Then what changed is in it. */
static bool reads_back_next(const struct turn *t)
{
	const struct op *op = turn_op(t);

	for (size_t i = 0; i < op->ask->slot_count; i++)
		if (!slot_is_done(t->s, t->f, op->ask->slots[i]))
			return false;
	if (op->op == FLOW_OP_CONFIRM)
		return true;
	/* Over the jump across the answers of this question. */
	op++;
	while (op->op == FLOW_OP_JUMP)
		op = &t->f->ops[op->target];

	return op->op == FLOW_OP_CONFIRM;
}

static void confirmed(struct turn *t)
{
	turn_run(t, t->s->at.pc + 1);
}

static void take_values(struct turn *t)
{
	const struct op *op = turn_op(t);
	const struct answer *heard = turn_find_answer(t, ANSWER_HEARD, 0);
	uint32_t was_set = slots_set(t->s, t->f), changed;
	int asked = t->s->at.slot;

	changed = turn_file(t, op->ask);
	t->s->no_match = 0;
	if (op->op == FLOW_OP_ASK) {
		if (heard)
			turn_enter(t, heard->pc);
		else
			turn_ask_again(t);
		return;
	}
	if (op->op == FLOW_OP_CONFIRM && asked < 0 && !changed && t->sense.has_yes) {
		confirmed(t);
		return;
	}
	if (!reads_back_next(t))
		echo(t, changed, asked, was_set);
	t->s->at.is_change = false;
	turn_run(t, t->s->at.pc);
}

/* The time was fixed only as far as "in the afternoon". */
static bool takes_part(const struct turn *t)
{
	const struct op *op = turn_op(t);

	for (size_t i = 0; op->ask && i < op->ask->slot_count; i++)
		if (t->f->slots[op->ask->slots[i]].type == VALUE_TIME && t->sense.part)
			return true;

	return false;
}

/* "change the day" */
static void drop_named(struct turn *t)
{
	for (size_t i = 0; i < t->f->slot_count; i++)
		if (t->sense.named >> i & 1)
			turn_clear_slot(t, (int)i);
	t->s->no_match = 0;
	turn_prompt(t, LANG_SAY_ALL_RIGHT, NULL);
	t->s->at.is_change = false;
	turn_run(t, t->s->at.pc);
}

/* ---- yes and no -------------------------------------------------------------------------------------------------------- */

/* A "yes" to a read-back that was not heard to its end confirms nothing. */
static bool was_heard(const struct turn *t, size_t read_back_end)
{
	return !t->in->is_interrupted || !t->in->heard || strlen(t->in->heard) >= read_back_end;
}

static void deny_read_back(struct turn *t)
{
	const struct op *op = turn_op(t);

	t->s->no_match = 0;
	if (t->s->at.is_change) {
		t->s->at.is_change = false;
		turn_run(t, t->s->at.pc);
	} else if (op->ask->slot_count == 1) {
		turn_clear_slot(t, op->ask->slots[0]);
		turn_prompt(t, LANG_SAY_ALL_RIGHT, NULL);
		turn_run(t, t->s->at.pc);
	} else {
		t->s->at.is_change = true;
		t->s->asks = 0;
		turn_ask_again(t);
	}
}

static void on_confirm(struct turn *t, bool is_yes)
{
	if (!is_yes)
		deny_read_back(t);
	else if (t->s->at.is_change || !was_heard(t, t->s->read_back_end))
		turn_ask_again(t);
	else
		confirmed(t);
}

static void on_slot_yes_no(struct turn *t, bool is_yes)
{
	struct value *v = &t->s->slots[t->s->at.slot];

	if (is_yes) {
		turn_ask_again(t);
	} else if (asked_slot(t)->type == VALUE_NAME && v->is_set) {
		v->is_exact = true; /* there is no last name */
		turn_run(t, t->s->at.pc);
	} else if (!skip_optional(t)) {
		turn_no_match(t);
	}
}

static void on_yes_no(struct turn *t)
{
	bool is_yes = t->sense.has_yes;
	const struct answer *a = turn_find_answer(t, is_yes ? ANSWER_YES : ANSWER_NO, 0);
	const struct op *op = turn_op(t);

	/* "Yes ... that is right" over what stands before the question answers what was asked before: all of it once more. */
	if (is_yes && op->op == FLOW_OP_ASK && !t->in->is_continued && !was_heard(t, t->asked_at)) {
		turn_say(t, t->m->last_reply);
		t->s->question_at = t->asked_at;
	} else if (a && op->op == FLOW_OP_ASK) {
		t->s->no_match = 0;
		turn_enter(t, a->pc);
	} else if (t->s->at.slot >= 0) {
		on_slot_yes_no(t, is_yes);
	} else if (op->op == FLOW_OP_CONFIRM) {
		on_confirm(t, is_yes);
	} else if (is_yes) {
		turn_ask_again(t);
	} else {
		turn_no_match(t);
	}
}

/* ---- the sentence ------------------------------------------------------------------------------------------------------ */

static bool is_expected(const struct turn *t)
{
	const struct op *op = turn_op(t);
	bool is_yes_no = t->sense.has_yes || t->sense.has_no;

	if (t->s->at.slot >= 0)
		return t->sense.filled >> t->s->at.slot & 1;

	return is_yes_no && (op->op == FLOW_OP_CONFIRM || turn_find_answer(t, ANSWER_YES, 0) || turn_find_answer(t, ANSWER_NO, 0));
}

static bool is_doubtful(const struct turn *t, float confidence)
{
	const struct slot *s = asked_slot(t);

	if (s && s->type == VALUE_TEXT)
		return false;

	return confidence < t->f->confidence * (is_expected(t) ? EXPECTED_FACTOR : 1);
}

/* An intent or a command that the flow has an answer for, else what every flow knows. */
static bool take_phrase(struct turn *t)
{
	const struct sense *in = &t->sense;
	const struct answer *a = NULL;

	if (in->intent >= 0)
		a = turn_find_answer(t, ANSWER_INTENT, in->intent);
	else if (in->command)
		a = turn_find_answer(t, ANSWER_COMMAND, (int)in->command);
	if (a) {
		t->s->no_match = 0;
		t->has_pending = true;
		turn_enter(t, a->pc);
		return true;
	}
	if (in->intent < 0 && in->command && !(in->command >= LANG_THANKS && in->filled)) {
		t->s->no_match = 0;
		command(t, in->command);
		return true;
	}

	return false;
}

static void on_sentence(struct turn *t)
{
	const struct op *op = turn_op(t);
	uint32_t listened = 0;

	if (take_phrase(t))
		return;
	for (size_t i = 0; i < op->ask->slot_count; i++)
		listened |= 1u << op->ask->slots[i];
	if (t->sense.filled & listened || takes_part(t))
		take_values(t);
	else if (t->sense.named & listened)
		drop_named(t);
	else if (t->sense.has_no || t->sense.has_yes)
		on_yes_no(t);
	else
		turn_no_match(t);
}

/* While a tool runs only leaving is possible; the rest is for afterwards. */
static void while_calling(struct turn *t)
{
	if (t->sense.command == LANG_HUMAN || t->sense.command == LANG_GOODBYE) {
		t->s->is_calling = false;
		command(t, t->sense.command);
	} else {
		turn_prompt(t, LANG_SAY_ONE_MOMENT, NULL);
	}
}

static void understand(struct turn *t, const char *text)
{
	struct sense_ask ask = turn_sense_ask(t);

	flow_sense(&ask, span_z(text), &t->sense);
}

void turn_on_text(struct turn *t, const char *text, float confidence)
{
	if (!turn_op(t)->ask) {
		turn_run(t, t->s->at.pc);
		return;
	}
	understand(t, text);
	if (t->s->is_calling)
		while_calling(t);
	else if (is_doubtful(t, confidence))
		turn_no_match(t);
	else
		on_sentence(t);
}

/* ---- the keypad -------------------------------------------------------------------------------------------------------- */

static const char *find_key(const struct slot_key *keys, size_t count, const char *digits)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].digits, digits) == 0)
			return keys[i].words;

	return NULL;
}

static void take_value(struct turn *t, const struct value *v)
{
	memset(&t->sense, 0, sizeof(t->sense));
	t->sense.intent = -1;
	t->sense.values[t->s->at.slot] = *v;
	t->sense.filled = 1u << t->s->at.slot;
	take_values(t);
}

/* "3": three o'clock; "0930", "1430". */
static bool time_of_keys(uint32_t n, size_t len, struct value *v)
{
	uint32_t hour = len <= 2 ? n : n / 100, minute = len <= 2 ? 0 : n % 100;

	if (len > 4 || hour > 23 || minute > 59 || (len <= 2 && hour < 1))
		return false;
	v->number = hour * 60 + minute;
	v->is_exact = hour > 12 || hour == 0 || len == 4;

	return true;
}

/* "1203": the 3rd of December, the next one. */
static bool date_of_keys(const struct turn *t, const char *digits, struct value *v)
{
	struct civil now = calendar_civil(t->m->p.today);
	char iso[40];

	if (strlen(digits) != 4)
		return false;
	/* Eight years on at most: the 29th of February may be as far. */
	for (int32_t year = now.year; year <= now.year + 8; year++) {
		snprintf(iso, sizeof(iso), "%04d-%.2s-%.2s", year, digits, digits + 2);
		if (value_parse(VALUE_DATE, span_z(iso), v) && v->number >= t->m->p.today)
			return true;
	}

	return false;
}

static bool value_of_keys(struct turn *t, const char *digits, struct value *v)
{
	const struct slot *s = asked_slot(t);
	size_t len = strlen(digits);
	uint32_t n = 0;

	*v = (struct value){.is_set = true};
	if (!s || !span_u32(span_z(digits), &n))
		return false;

	switch (s->type) {
	case VALUE_NUMBER:
		v->number = n;
		return len <= 9;
	case VALUE_MONEY:
		v->number = (int64_t)n * 100;
		return len <= 7;
	case VALUE_DIGITS:
	case VALUE_PHONE:
	case VALUE_SPELLED:
		buf_copy(v->text, sizeof(v->text), digits);
		return true;
	case VALUE_YES_NO:
		v->number = n == 1;
		return n == 1 || n == 2;
	case VALUE_CHOICE:
		v->number = (int64_t)n - 1;
		if (n < 1 || n > s->choice_count)
			return false;
		buf_copy(v->text, sizeof(v->text), s->choices[n - 1].key);
		return true;
	case VALUE_TIME:
		return time_of_keys(n, len, v);
	case VALUE_DATE:
		return date_of_keys(t, digits, v);
	default:
		return false;
	}
}

/* Is a lone zero an answer here, rather than the wish for a person. */
static bool zero_is_answer(const struct turn *t)
{
	const struct slot *s = asked_slot(t);

	if (!s)
		return false;
	if (s->type == VALUE_NUMBER)
		return s->from <= 0 && s->to >= 0;

	return (s->type == VALUE_DIGITS || s->type == VALUE_PHONE) && (s->least <= 1 || t->s->partial[0]);
}

/* Words of a key are what the caller would have said; a name of an intent is the intent. */
static void say_for_key(struct turn *t, const char *words)
{
	int intent = flow_find_intent(t->f, span_z(words));

	if (intent < 0) {
		turn_on_text(t, words, 1);
		return;
	}
	memset(&t->sense, 0, sizeof(t->sense));
	t->sense.intent = intent;
	on_sentence(t);
}

static void yes_no_key(struct turn *t, bool is_yes)
{
	memset(&t->sense, 0, sizeof(t->sense));
	t->sense.intent = -1;
	t->sense.has_yes = is_yes;
	t->sense.has_no = !is_yes;
	on_yes_no(t);
}

static void change_key(struct turn *t, uint32_t n)
{
	const struct ask *ask = turn_op(t)->ask;

	if (n < 1 || n > ask->slot_count) {
		turn_no_match(t);
		return;
	}
	memset(&t->sense, 0, sizeof(t->sense));
	t->sense.named = 1u << ask->slots[n - 1];
	drop_named(t);
}

static void question_key(struct turn *t, const char *digits)
{
	const struct op *op = turn_op(t);
	bool has_yes_no = op->op == FLOW_OP_CONFIRM || turn_find_answer(t, ANSWER_YES, 0) || turn_find_answer(t, ANSWER_NO, 0);
	uint32_t n = 0;

	if (!span_u32(span_z(digits), &n))
		turn_no_match(t);
	else if (op->op == FLOW_OP_CONFIRM && t->s->at.is_change)
		change_key(t, n);
	else if (has_yes_no && (n == 1 || n == 2))
		yes_no_key(t, n == 1);
	else
		turn_no_match(t);
}

void turn_on_keys(struct turn *t)
{
	const struct op *op = turn_op(t);
	const struct slot *s = asked_slot(t);
	const char *words = s ? find_key(s->keys, s->key_count, t->in->text) : NULL;
	char digits[48];
	struct value v;

	if (!words && op->ask)
		words = find_key(op->ask->keys, op->ask->key_count, t->in->text);
	buf_copy(digits, sizeof(digits), t->in->text);
	/* "#" says that a number is complete. */
	if (strlen(digits) > 1)
		digits[strcspn(digits, "#")] = 0;
	if (!op->ask)
		turn_run(t, t->s->at.pc);
	else if (strcmp(digits, "0") == 0 && !words && !zero_is_answer(t))
		turn_human(t);
	else if (t->s->is_calling)
		turn_prompt(t, LANG_SAY_ONE_MOMENT, NULL);
	else if (words)
		say_for_key(t, words);
	else if (strcmp(digits, "*") == 0)
		command(t, LANG_START_OVER);
	else if (strcmp(digits, "#") == 0 && skip_optional(t))
		return;
	else if (s && value_of_keys(t, digits, &v))
		take_value(t, &v);
	else if (s)
		turn_no_match(t);
	else
		question_key(t, digits);
}

/* ---- endpointing ------------------------------------------------------------------------------------------------------- */

static size_t row_length(const struct state *s, const struct value *v)
{
	return (s->partial_slot == s->at.slot ? strlen(s->partial) : 0) + strlen(v->text);
}

static enum flow_fit fit_of_value(const struct turn *t, const struct slot *s, const struct value *v)
{
	const struct value *old = &t->s->slots[t->s->at.slot];

	switch (s->type) {
	case VALUE_DIGITS:
	case VALUE_SPELLED:
	case VALUE_PHONE:
		if (row_length(t->s, v) < s->least)
			return FLOW_FIT_OPEN;
		return row_length(t->s, v) >= s->most ? FLOW_FIT_COMPLETE : FLOW_FIT_UNKNOWN;
	case VALUE_NAME:
		/* After a first name the last one usually follows. */
		return v->is_exact || (old->is_set && !old->is_exact) ? FLOW_FIT_COMPLETE : FLOW_FIT_OPEN;
	case VALUE_TEXT:
		return FLOW_FIT_UNKNOWN;
	default:
		return v->may_go_on ? FLOW_FIT_UNKNOWN : FLOW_FIT_COMPLETE;
	}
}

enum flow_fit flow_machine_judge(struct flow_machine *m, const char *text)
{
	struct turn t = {.m = m, .f = m->flow, .s = &m->now};
	const struct slot *s = asked_slot(&t);
	const struct sense *in = &t.sense;

	if (!turn_op(&t)->ask)
		return FLOW_FIT_UNKNOWN;
	understand(&t, text);
	if (s && s->type == VALUE_TEXT)
		return in->command ? FLOW_FIT_COMPLETE : FLOW_FIT_UNKNOWN;
	if (in->is_dangling)
		return FLOW_FIT_OPEN;
	if (s && in->filled >> t.s->at.slot & 1 && in->intent < 0 && !in->command)
		return fit_of_value(&t, s, &in->values[t.s->at.slot]);
	/* "the twenty" (first) */
	if (s && s->type == VALUE_DATE && !in->filled && in->ends_in_number)
		return FLOW_FIT_OPEN;
	if (in->intent >= 0 || in->command || in->has_yes || in->has_no || in->named)
		return FLOW_FIT_COMPLETE;
	if (in->filled && (!s || in->is_correction))
		return FLOW_FIT_COMPLETE;

	return FLOW_FIT_UNKNOWN;
}
