/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/machine_priv.h"

/* Texts with their values, conditions with theirs. */

/* ---- values in texts -------------------------------------------------------------------------------------------------- */

const char *turn_variable(const struct turn *t, int variable)
{
	return t->s->variables_set >> variable & 1 ? t->s->variables[variable] : t->f->variables[variable].value;
}

void turn_variable_set(struct turn *t, int variable, const char *value)
{
	t->s->variables_set |= UINT64_C(1) << variable;
	buf_copy(t->s->variables[variable], sizeof(t->s->variables[variable]), value);
}

void turn_say_slot(const struct turn *t, int slot, const char *style, char *ret, size_t cap)
{
	const struct slot *s = &t->f->slots[slot];
	const struct value *v = &t->s->slots[slot];
	const struct lang *l = t->f->lang;

	if (s->type == VALUE_CHOICE && !style) {
		bool is_known = v->is_set && v->number >= 0 && (size_t)v->number < s->choice_count;

		buf_copy(ret, cap, is_known ? s->choices[v->number].say : "");
	} else if (s->type == VALUE_YES_NO && !style && v->is_set) {
		const struct lang_phrases *words = v->number ? &l->yes : &l->no;

		buf_copy(ret, cap, words->count ? words->sources[0] : "");
	} else {
		value_say(l, s->type, v, style, ret, cap);
	}
}

/* {eta.date}: a variable that holds a date is spoken as one; what is no date is said as it stands. */
static void say_variable(const struct turn *t, const struct piece *p, bool is_spoken, char *ret, size_t cap)
{
	const char *text = turn_variable(t, p->index);
	struct value v;

	buf_copy(ret, cap, text);
	if (!p->style || !is_spoken)
		return;
	for (int type = 0; type < VALUE_TYPES; type++)
		if (strcmp(p->style, value_type_names[type]) == 0 && value_parse((enum value_type)type, span_z(text), &v))
			value_say(t->f->lang, (enum value_type)type, &v, NULL, ret, cap);
}

static void say_local(const struct turn *t, const struct piece *p, const struct locals *l, char *ret, size_t cap)
{
	static const struct locals none = {0};
	struct value today = {.is_set = true, .number = t->m->p.today};
	const char *text = "";

	l = l ? l : &none;
	if (!strcmp(p->text, "open")) {
		flow_say_open(t->f, ret, cap);
		return;
	}
	if (!strcmp(p->text, "today")) {
		value_say(t->f->lang, VALUE_DATE, &today, NULL, ret, cap);
		return;
	}
	if (!strcmp(p->text, "value"))
		text = l->value;
	else if (!strcmp(p->text, "choices"))
		text = l->choices;
	else if (!strcmp(p->text, "weekday"))
		text = l->weekday;
	else if (!strcmp(p->text, "from"))
		text = l->from;
	else if (!strcmp(p->text, "to"))
		text = l->to;
	else if (!strcmp(p->text, "key"))
		text = l->key;
	buf_copy(ret, cap, text ? text : "");
}

static void say_piece(const struct turn *t, const struct piece *p, const struct locals *l, bool is_spoken, char *ret, size_t cap)
{
	if (p->kind == PIECE_TEXT)
		buf_copy(ret, cap, p->text);
	else if (p->kind == PIECE_SLOT)
		turn_say_slot(t, p->index, p->style || is_spoken ? p->style : "iso", ret, cap);
	else if (p->kind == PIECE_VARIABLE)
		say_variable(t, p, is_spoken, ret, cap);
	else if (p->kind == PIECE_LOCAL)
		say_local(t, p, l, ret, cap);
	else
		ret[0] = 0;
}

void turn_render(const struct turn *t, const struct template *tpl, const struct locals *locals, bool is_spoken, char *ret, size_t cap,
	size_t *ret_values_end)
{
	size_t n = 0, group_at = 0;
	bool is_empty = false, is_in_group = false;

	ret[0] = 0;
	for (size_t i = 0; i < tpl->count && n + 1 < cap; i++) {
		const struct piece *p = &tpl->pieces[i];

		say_piece(t, p, locals, is_spoken, ret + n, cap - n);
		if (p->kind == PIECE_OPEN) {
			group_at = n;
			is_in_group = true;
			is_empty = false;
		} else if (p->kind == PIECE_CLOSE) {
			if (is_empty)
				ret[n = group_at] = 0;
			is_in_group = false;
		} else if (is_in_group && p->kind != PIECE_TEXT && !ret[n]) {
			is_empty = true;
		}
		n += strlen(ret + n);
		if (ret_values_end && i + 1 == tpl->ends_with_values)
			*ret_values_end = n;
	}
}

/* ---- speaking --------------------------------------------------------------------------------------------------------- */

static void join(char *text, size_t cap, const char *more)
{
	size_t n = strlen(text);

	if (*more)
		snprintf(text + n, cap - n, "%s%s", n && text[n - 1] != ' ' ? " " : "", more);
}

void turn_say(struct turn *t, const char *text)
{
	join(t->out->text, sizeof(t->out->text), text);
}

static const struct template *variant(const struct text *text, uint32_t which)
{
	return text->count ? &text->variants[which % text->count] : NULL;
}

void turn_say_text(struct turn *t, const struct text *text, const struct locals *locals, uint32_t which)
{
	const struct template *tpl = variant(text, which);
	char words[FLOW_TEXT_BYTES];

	if (!tpl)
		return;
	turn_render(t, tpl, locals, true, words, sizeof(words), NULL);
	turn_say(t, words);
}

void turn_prompt(struct turn *t, enum lang_prompt prompt, const struct locals *locals)
{
	turn_say_text(t, &t->f->prompts[prompt], locals, t->s->said++);
}

void turn_note(struct turn *t, const char *text)
{
	join(t->notes, sizeof(t->notes), text);
}

void turn_note_text(struct turn *t, const struct text *text, const struct locals *locals)
{
	const struct template *tpl = variant(text, t->s->said++);
	char words[600];

	if (!tpl)
		return;
	turn_render(t, tpl, locals, true, words, sizeof(words), NULL);
	turn_note(t, words);
}

void turn_note_prompt(struct turn *t, enum lang_prompt prompt, const struct locals *locals)
{
	turn_note_text(t, &t->f->prompts[prompt], locals);
}

void turn_flush_notes(struct turn *t)
{
	turn_say(t, t->notes);
	t->notes[0] = 0;
}

static void prompt_words(const struct turn *t, enum lang_prompt prompt, const struct locals *locals, char *ret, size_t cap)
{
	const struct template *tpl = variant(&t->f->prompts[prompt], 0);

	ret[0] = 0;
	if (tpl)
		turn_render(t, tpl, locals, true, ret, cap, NULL);
}

void turn_say_choices(const struct turn *t, const struct ask *ask, char *ret, size_t cap)
{
	char or_word[40];

	prompt_words(t, LANG_SAY_OR, NULL, or_word, sizeof(or_word));
	ret[0] = 0;
	for (size_t i = 0; i < ask->slot_count; i++) {
		size_t n = strlen(ret);
		bool is_last = i && i + 1 == ask->slot_count;

		snprintf(ret + n, cap - n, "%s%s%s%s", !i ? "" : ask->slot_count == 2 ? " " : ", ", is_last ? or_word : "",
			is_last ? " " : "", t->f->slots[ask->slots[i]].called_say);
	}
}

/* ---- the keypad ------------------------------------------------------------------------------------------------------- */

static void press_list(struct turn *t, const char *const *names, size_t count)
{
	char all[600] = "", sentence[620], one[160], key[12];

	for (size_t i = 0; i < count && i < 9; i++) {
		size_t n = strlen(all);
		struct locals l = {.value = names[i], .key = key};

		snprintf(key, sizeof(key), "%zu", i + 1);
		prompt_words(t, LANG_SAY_PRESS, &l, one, sizeof(one));
		snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "", one);
	}
	if (!all[0])
		return;
	/* A sentence of its own. */
	words_capitalise(all, sentence, sizeof(sentence));
	snprintf(sentence + strlen(sentence), sizeof(sentence) - strlen(sentence), ".");
	turn_say(t, sentence);
}

static void hint_of_slot(struct turn *t, const struct slot *s)
{
	const char *names[9];

	switch (s->type) {
	case VALUE_YES_NO:
		turn_prompt(t, LANG_SAY_PRESS_YES_NO, NULL);
		break;
	case VALUE_NUMBER:
	case VALUE_MONEY:
		turn_prompt(t, LANG_SAY_TYPE_NUMBER, NULL);
		break;
	case VALUE_DIGITS:
	case VALUE_PHONE:
		turn_prompt(t, LANG_SAY_TYPE_DIGITS, NULL);
		break;
	case VALUE_TIME:
		turn_prompt(t, LANG_SAY_TYPE_TIME, NULL);
		break;
	case VALUE_DATE:
		turn_prompt(t, LANG_SAY_TYPE_DATE, NULL);
		break;
	case VALUE_NAME:
		turn_prompt(t, LANG_SAY_SPELL_NAME, NULL);
		break;
	case VALUE_CHOICE:
		for (size_t i = 0; i < s->choice_count && i < ARRAY_LEN(names); i++)
			names[i] = s->choices[i].say;
		press_list(t, names, s->choice_count);
		break;
	default:
		break;
	}
}

void turn_keypad_hint(struct turn *t)
{
	const struct op *op = turn_op(t);
	const struct slot *s = t->s->at.slot >= 0 ? &t->f->slots[t->s->at.slot] : NULL;
	const char *names[9];

	if (s && s->keypad.count) {
		turn_say_text(t, &s->keypad, NULL, 0);
	} else if (s) {
		hint_of_slot(t, s);
	} else if (op->ask && op->ask->keypad.count) {
		turn_say_text(t, &op->ask->keypad, NULL, 0);
	} else if (op->op == FLOW_OP_CONFIRM && t->s->at.is_change) {
		for (size_t i = 0; i < op->ask->slot_count && i < ARRAY_LEN(names); i++)
			names[i] = t->f->slots[op->ask->slots[i]].called_say;
		press_list(t, names, op->ask->slot_count);
	} else if (op->op == FLOW_OP_CONFIRM || turn_find_answer(t, ANSWER_YES, 0)) {
		turn_prompt(t, LANG_SAY_PRESS_YES_NO, NULL);
	}
}

/* ---- conditions ------------------------------------------------------------------------------------------------------- */

static bool as_number(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);

	return *text && !*end;
}

static bool is_true_text(const char *text)
{
	return *text && strcmp(text, "no") != 0 && strcmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

static int compare(const char *a, const char *b)
{
	double x, y;

	if (as_number(a, &x) && as_number(b, &y))
		return x < y ? -1 : x > y;

	return strcmp(a, b);
}

static bool holds(enum expr_kind kind, const char *a, const char *b)
{
	int order = compare(a, b);

	switch (kind) {
	case EXPR_EQ:
		return order == 0;
	case EXPR_NE:
		return order != 0;
	case EXPR_LT:
		return order < 0 && *a;
	case EXPR_LE:
		return order <= 0 && *a;
	case EXPR_GT:
		return order > 0 && *a;
	default:
		return order >= 0 && *a;
	}
}

static void eval_sum(const struct turn *t, const struct expr *e, char *ret, size_t cap)
{
	char a[VALUE_BYTES], b[VALUE_BYTES];
	double x = 0, y = 0;

	turn_eval(t, e->a, a, sizeof(a));
	turn_eval(t, e->b, b, sizeof(b));
	/* What is empty counts as nothing. */
	(void)!as_number(a, &x);
	(void)!as_number(b, &y);
	snprintf(ret, cap, "%.10g", e->kind == EXPR_ADD ? x + y : x - y);
}

bool turn_is_true(const struct turn *t, const struct expr *e)
{
	char a[VALUE_BYTES], b[VALUE_BYTES];

	switch (e->kind) {
	case EXPR_NOT:
		return !turn_is_true(t, e->a);
	case EXPR_AND:
		return turn_is_true(t, e->a) && turn_is_true(t, e->b);
	case EXPR_OR:
		return turn_is_true(t, e->a) || turn_is_true(t, e->b);
	case EXPR_EQ:
	case EXPR_NE:
	case EXPR_LT:
	case EXPR_LE:
	case EXPR_GT:
	case EXPR_GE:
		turn_eval(t, e->a, a, sizeof(a));
		turn_eval(t, e->b, b, sizeof(b));
		return holds(e->kind, a, b);
	default:
		turn_eval(t, e, a, sizeof(a));
		/* A slot is true when it is filled; only a yes_no one can be filled and false. */
		if (e->kind == EXPR_SLOT && t->f->slots[e->index].type != VALUE_YES_NO)
			return *a;
		return is_true_text(a);
	}
}

void turn_eval(const struct turn *t, const struct expr *e, char *ret, size_t cap)
{
	switch (e->kind) {
	case EXPR_SLOT:
		value_write(t->f->slots[e->index].type, &t->s->slots[e->index], ret, cap);
		break;
	case EXPR_VARIABLE:
		buf_copy(ret, cap, turn_variable(t, e->index));
		break;
	case EXPR_CONST:
		buf_copy(ret, cap, e->text);
		break;
	case EXPR_ADD:
	case EXPR_SUB:
		eval_sum(t, e, ret, cap);
		break;
	default:
		buf_copy(ret, cap, turn_is_true(t, e) ? "yes" : "no");
	}
}
