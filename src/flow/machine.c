/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include "flow/machine_priv.h"

/*
 * From operation to operation until one waits:
 *
 *	run ──> say, set, if, goto ... ──> fill, confirm, ask ──(a turn: machine_answer.c)──> run
 *	                              └──> call ──(its result)──> run          └──> transfer, hang up
 *
 * `at` is always the last question, also while a tool runs or after a goodbye: whoever speaks then is brought back to it.
 */

const struct op *turn_op(const struct turn *t)
{
	return &t->f->ops[t->s->at.pc];
}

/* ---- slots ------------------------------------------------------------------------------------------------------------ */

/* A first name where both are wanted is not enough. */
static bool is_half_name(const struct slot *s, const struct value *v)
{
	return s->type == VALUE_NAME && s->least >= 2 && v->is_set && !v->is_exact;
}

bool slot_is_done(const struct state *s, const struct flow *f, int slot)
{
	if (s->skipped >> slot & 1)
		return true;

	return s->slots[slot].is_set && !is_half_name(&f->slots[slot], &s->slots[slot]);
}

uint32_t slots_set(const struct state *s, const struct flow *f)
{
	uint32_t set = 0;

	for (size_t i = 0; i < f->slot_count; i++)
		set |= (uint32_t)s->slots[i].is_set << i;

	return set;
}

static int next_empty(const struct turn *t, const struct ask *ask)
{
	for (size_t i = 0; i < ask->slot_count; i++)
		if (!slot_is_done(t->s, t->f, ask->slots[i]))
			return ask->slots[i];

	return -1;
}

struct sense_ask turn_sense_ask(const struct turn *t)
{
	const struct op *op = turn_op(t);

	return (struct sense_ask){
		.flow = t->f,
		.today = t->m->p.today,
		.slots = op->ask ? op->ask->slots : NULL,
		.slot_count = op->ask ? op->ask->slot_count : 0,
		.asked = t->s->at.slot,
		.set = slots_set(t->s, t->f),
		.is_change = op->op == FLOW_OP_CONFIRM && t->s->at.slot < 0,
	};
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

static const char *context_of(const struct turn *t)
{
	const struct ask *ask = turn_op(t)->ask;
	size_t k = 0;

	if (!ask)
		return t->f->ops[0].ask ? t->f->ops[0].ask->context[t->f->ops[0].ask->slot_count] : NULL;
	while (k < ask->slot_count && ask->slots[k] != t->s->at.slot)
		k++;

	return ask->context[k];
}

static bool expects_number(const struct turn *t)
{
	int slot = t->s->at.slot;
	enum value_type type = slot >= 0 ? t->f->slots[slot].type : VALUE_TYPES;

	return slot >= 0 && type != VALUE_CHOICE && type != VALUE_YES_NO;
}

static void say_slot_question(struct turn *t, int slot)
{
	const struct slot *s = &t->f->slots[slot];
	struct value rest = {.is_set = true};
	char value[VALUE_BYTES];
	struct locals l = {.value = value};

	if (t->s->partial[0] && t->s->partial_slot == slot) {
		buf_copy(rest.text, sizeof(rest.text), t->s->partial);
		value_say(t->f->lang, VALUE_DIGITS, &rest, NULL, value, sizeof(value));
		turn_say_text(t, &t->f->prompts[LANG_SAY_AND_THE_REST], &l, 0);
		return;
	}
	turn_say_slot(t, slot, NULL, value, sizeof(value));
	if (is_half_name(s, &t->s->slots[slot]))
		turn_say_text(t, &t->f->prompts[LANG_SAY_LAST_NAME], &l, 0);
	else
		turn_say_text(t, &s->ask, &l, t->s->asks);
}

static void say_read_back(struct turn *t, const struct ask *ask)
{
	const struct template *tpl = ask->text.count ? &ask->text.variants[t->s->asks % ask->text.count] : NULL;
	size_t before = strlen(t->out->text), end = 0;
	char words[FLOW_TEXT_BYTES];

	if (!tpl)
		return;
	turn_render(t, tpl, NULL, true, words, sizeof(words), &end);
	turn_say(t, words);
	t->s->read_back_end = before + (before != 0) + end;
}

static void say_question(struct turn *t)
{
	const struct op *op = turn_op(t);
	char choices[300];
	struct locals l = {.choices = choices};

	if (t->s->at.slot >= 0) {
		say_slot_question(t, t->s->at.slot);
	} else if (op->op == FLOW_OP_CONFIRM && t->s->at.is_change) {
		turn_say_choices(t, op->ask, choices, sizeof(choices));
		turn_say_text(t, op->ask->change.count ? &op->ask->change : &t->f->prompts[LANG_SAY_WHAT_CHANGE], &l, t->s->asks);
	} else if (op->op == FLOW_OP_CONFIRM) {
		say_read_back(t, op->ask);
	} else {
		turn_say_text(t, &op->ask->text, NULL, t->s->asks);
	}
}

/* The question, and the notes in front of it; remembered without them. */
static void ask(struct turn *t)
{
	size_t at;
	char kept[FLOW_TEXT_BYTES];

	turn_flush_notes(t);
	at = strlen(t->out->text);
	buf_copy(kept, sizeof(kept), t->out->text);
	say_question(t);
	buf_copy(t->s->question, sizeof(t->s->question), t->out->text + at + (at && t->out->text[at] == ' '));
	t->s->asks++;
	t->s->question_at = t->is_mute ? 0 : at;
	if (t->is_mute)
		buf_copy(t->out->text, sizeof(t->out->text), kept);
	t->is_mute = false;
}

static void wait_at(struct turn *t, int pc, int slot, bool is_change)
{
	t->s->at = (struct frame){pc, slot, is_change};
	t->s->asks = 0;
	t->s->read_back_end = 0;
	ask(t);
}

void turn_ask_again(struct turn *t)
{
	const struct op *op = turn_op(t);

	/* What was asked for may have been filled meanwhile. */
	if (op->op == FLOW_OP_FILL || op->op == FLOW_OP_CONFIRM) {
		int slot = t->s->at.is_change ? -1 : next_empty(t, op->ask);

		if (slot != t->s->at.slot || (op->op == FLOW_OP_FILL && slot < 0)) {
			turn_run(t, t->s->at.pc);
			return;
		}
	}
	if (op->ask)
		ask(t);
	else
		turn_run(t, t->s->at.pc); /* nothing was asked yet */
}

/* ---- leaving ---------------------------------------------------------------------------------------------------------- */

static void put_args(struct turn *t, json_t *args)
{
	char *text = json_dumps(args, JSON_COMPACT);

	/* Arguments that are too long would not be JSON when cut. */
	if (!text || strlen(text) >= sizeof(t->out->args))
		buf_copy(t->out->args, sizeof(t->out->args), "{}");
	else
		buf_copy(t->out->args, sizeof(t->out->args), text);
	free(text);
	json_decref(args);
}

void turn_transfer(struct turn *t, const char *reason, const char *to)
{
	turn_flush_notes(t);
	t->out->action = FLOW_TRANSFER;
	t->s->is_leaving = t->s->is_transfer = true;
	put_args(t, json_pack("{s:s, s:s*}", "reason", reason, "to", to && *to ? to : NULL));
}

void turn_hang_up(struct turn *t, const char *reason)
{
	turn_flush_notes(t);
	t->out->action = FLOW_HANG_UP;
	t->s->is_leaving = true;
	t->s->is_transfer = false;
	put_args(t, json_pack("{s:s}", "reason", reason));
}

/* ---- tools ------------------------------------------------------------------------------------------------------------ */

/* Numbers and yes or no stay what they are; all else is text. */
static json_t *bare_value(const struct turn *t, const struct template *tpl)
{
	const struct piece *p = &tpl->pieces[0];
	const struct value *v = p->kind == PIECE_SLOT ? &t->s->slots[p->index] : NULL;
	char text[VALUE_BYTES];

	if (!v)
		return json_string(turn_variable(t, p->index));
	if (!v->is_set)
		return json_null();
	if (t->f->slots[p->index].type == VALUE_NUMBER)
		return json_integer(v->number);
	if (t->f->slots[p->index].type == VALUE_YES_NO)
		return json_boolean(v->number);
	value_write(t->f->slots[p->index].type, v, text, sizeof(text));

	return json_string(text);
}

static json_t *call_args(const struct turn *t, const struct tool_call *call)
{
	json_t *args = json_object();
	char text[FLOW_TEXT_BYTES];

	for (size_t i = 0; i < call->arg_count; i++) {
		const struct tool_arg *arg = &call->args[i];
		json_t *value;

		if (arg->is_bare) {
			value = bare_value(t, &arg->value);
		} else {
			turn_render(t, &arg->value, NULL, false, text, sizeof(text), NULL);
			value = json_string(text);
		}
		json_object_set_new(args, arg->name, value ? value : json_string(""));
	}

	return args;
}

void turn_on_call_failed(struct turn *t)
{
	const struct tool_call *call = t->f->ops[t->s->call_pc].call;

	t->s->is_calling = false;
	if (call->on_error >= 0) {
		turn_run(t, call->on_error);
		return;
	}
	turn_prompt(t, LANG_SAY_TOOL_FAILED, NULL);
	turn_prompt(t, LANG_SAY_TRANSFER, NULL);
	turn_transfer(t, "a tool failed", NULL);
}

/* false: the flow goes on behind it. */
static bool begin_call(struct turn *t, int pc)
{
	const struct tool_call *call = t->f->ops[pc].call;
	bool is_there = t->m->p.has_tool && t->m->p.has_tool(t->m->p.ctx, call->name);

	if (!is_there && call->is_optional)
		return false;
	t->s->call_pc = pc;
	if (!is_there) {
		turn_on_call_failed(t);
		return true;
	}
	turn_flush_notes(t);
	turn_say_text(t, call->say.count ? &call->say : &t->f->prompts[LANG_SAY_ONE_MOMENT], NULL, t->s->said++);
	t->s->is_calling = true;
	t->out->action = FLOW_CALL_TOOL;
	t->out->tool = call->name;
	put_args(t, call_args(t, call));

	return true;
}

static json_t *find_path(json_t *doc, const char *path)
{
	struct span rest = span_z(path);

	while (rest.n && doc) {
		struct span key = span_cut(&rest, '.');
		char name[80];

		doc = span_copy(key, name, sizeof(name)) ? json_object_get(doc, name) : NULL;
	}

	return doc;
}

static void save_result(struct turn *t, int variable, json_t *value)
{
	char text[LIMIT_FLOW_VARIABLE_BYTES] = "";

	if (json_is_string(value))
		buf_copy(text, sizeof(text), json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, sizeof(text), "%.10g", json_real_value(value));
	else if (json_is_boolean(value))
		buf_copy(text, sizeof(text), json_is_true(value) ? "yes" : "no");
	turn_variable_set(t, variable, text);
}

static void on_tool_result(struct turn *t)
{
	json_t *doc = json_loads(t->in->text, JSON_DECODE_ANY, NULL);
	int pc = t->s->call_pc;
	const struct tool_call *call = t->f->ops[pc].call;

	t->s->is_calling = false;
	if (!doc || (json_is_object(doc) && json_object_get(doc, "error") && !json_is_null(json_object_get(doc, "error")))) {
		turn_on_call_failed(t);
	} else {
		for (size_t i = 0; i < call->result_count; i++)
			save_result(t, call->results[i].variable, find_path(doc, call->results[i].path));
		turn_run(t, pc + 1);
	}
	json_decref(doc);
}

/* ---- moving ----------------------------------------------------------------------------------------------------------- */

static void set_variable(struct turn *t, const struct op *op)
{
	char text[FLOW_TEXT_BYTES] = "";

	if (op->expr)
		turn_eval(t, op->expr, text, sizeof(text));
	else if (op->text.count)
		turn_render(t, &op->text.variants[0], NULL, false, text, sizeof(text), NULL);
	turn_variable_set(t, op->target, text);
}

static void push_frame(struct turn *t)
{
	struct state *s = t->s;

	if (s->frame_count == FRAMES) {
		memmove(&s->frames[0], &s->frames[1], (FRAMES - 1) * sizeof(s->frames[0]));
		s->frame_count--;
	}
	s->frames[s->frame_count++] = s->at;
}

void turn_enter(struct turn *t, int pc)
{
	push_frame(t);
	turn_run(t, pc);
}

static void come_back(struct turn *t)
{
	struct state *s = t->s;

	t->has_pending = false;
	if (s->frame_count)
		s->at = s->frames[--s->frame_count];
	/* What stood in front of the question was said in answer to it, and is worth repeating too. */
	turn_ask_again(t);
	if (strlen(t->out->text) < sizeof(s->question))
		buf_copy(s->question, sizeof(s->question), t->out->text);
}

static void fill_or_confirm(struct turn *t, int pc, int *ret_next)
{
	const struct op *op = &t->f->ops[pc];
	int slot;

	if (t->has_pending) {
		t->has_pending = false;
		(void)!turn_file(t, op->ask);
	}
	slot = next_empty(t, op->ask);
	if (slot < 0 && op->op == FLOW_OP_FILL)
		*ret_next = pc + 1;
	else
		wait_at(t, pc, slot, false);
}

static void transfer_op(struct turn *t, const struct op *op)
{
	char to[VALUE_BYTES] = "";

	if (op->to.count)
		turn_render(t, &op->to, NULL, false, to, sizeof(to), NULL);
	turn_flush_notes(t);
	turn_prompt(t, LANG_SAY_TRANSFER, NULL);
	turn_transfer(t, op->word && *op->word ? op->word : "the flow asked for it", to);
}

/* One operation; the next pc, or -1 when it waits or leaves. */
static int step(struct turn *t, int pc)
{
	const struct op *op = &t->f->ops[pc];
	int next = -1;

	switch (op->op) {
	case FLOW_OP_SAY:
		turn_say_text(t, &op->text, NULL, t->s->said++);
		return pc + 1;
	case FLOW_OP_SET:
		set_variable(t, op);
		return pc + 1;
	case FLOW_OP_CLEAR:
		turn_clear_slot(t, op->target);
		return pc + 1;
	case FLOW_OP_UNLESS:
		return turn_is_true(t, op->expr) ? pc + 1 : op->target;
	case FLOW_OP_JUMP:
		return op->target;
	case FLOW_OP_GOTO:
		t->s->frame_count = 0;
		return t->f->steps[op->target].pc;
	case FLOW_OP_FILL:
	case FLOW_OP_CONFIRM:
		fill_or_confirm(t, pc, &next);
		return next;
	case FLOW_OP_ASK:
		wait_at(t, pc, -1, false);
		return -1;
	case FLOW_OP_CALL:
		return begin_call(t, pc) ? -1 : pc + 1;
	case FLOW_OP_TRANSFER:
		transfer_op(t, op);
		return -1;
	case FLOW_OP_HANG_UP:
		turn_hang_up(t, op->word && *op->word ? op->word : "done");
		return -1;
	case FLOW_OP_END:
		turn_flush_notes(t);
		turn_prompt(t, LANG_SAY_GOODBYE, NULL);
		turn_hang_up(t, "done");
		return -1;
	case FLOW_OP_AGAIN:
		come_back(t);
		return -1;
	}

	return -1;
}

void turn_run(struct turn *t, int pc)
{
	while (pc >= 0) {
		/* Steps that lead to each other without a question. */
		if (++t->moves > LIMIT_FLOW_MOVES) {
			t->moves = 0;
			t->s->frame_count = 0;
			turn_prompt(t, LANG_SAY_TOOL_FAILED, NULL);
			turn_prompt(t, LANG_SAY_TRANSFER, NULL);
			turn_transfer(t, "the flow goes round in circles", NULL);
			return;
		}
		pc = step(t, pc);
	}
}

/* The step of the question, from its beginning. */
void turn_restart(struct turn *t)
{
	const struct op *op = turn_op(t);
	int step_index = op->step >= 0 ? op->step : 0;

	for (size_t i = 0; i < t->f->slot_count; i++)
		turn_clear_slot(t, (int)i);
	t->s->frame_count = 0;
	turn_run(t, t->f->steps[step_index].pc);
}

/* ---- turns ------------------------------------------------------------------------------------------------------------ */

static void on_start(struct turn *t)
{
	const char *text;
	size_t n;

	if (t->m->greeting)
		turn_say(t, t->m->greeting);
	else if (t->f->greeting.count)
		turn_say_text(t, &t->f->greeting, NULL, 0);
	else
		turn_prompt(t, LANG_SAY_GREETING, NULL);
	/* A greeting that asks something has asked the first question. */
	text = t->out->text;
	n = strlen(text);
	while (n && strchr(" \t\r\n\"'", text[n - 1]))
		n--;
	t->is_mute = n && text[n - 1] == '?';
	turn_run(t, t->f->steps[0].pc);
}

static void on_transfer_failed(struct turn *t)
{
	const struct answer *a = turn_find_answer(t, ANSWER_TRANSFER_FAILED, 0);

	t->s->is_leaving = t->s->is_transfer = false;
	t->s->no_match = t->s->no_input = 0;
	if (a) {
		turn_enter(t, a->pc);
		return;
	}
	turn_prompt(t, LANG_SAY_TRANSFER_FAILED, NULL);
	turn_ask_again(t);
}

static void on_result(struct turn *t)
{
	if (t->s->is_calling)
		on_tool_result(t);
	else if (t->s->is_transfer)
		on_transfer_failed(t);
	else
		turn_ask_again(t);
}

/* The text of a continued turn without what was answered already: after a tool has run there is no way back. */
static const char *new_part(const struct flow_machine *m, const char *text)
{
	size_t n = strlen(m->last_text);

	if (!n || strncmp(text, m->last_text, n) != 0 || (text[n] != ' ' && text[n]))
		return text;

	return text[n] ? text + n + 1 : text;
}

static const char *remember(struct flow_machine *m, const struct flow_turn *in)
{
	const char *text = in->text;

	if (in->cause != FLOW_TEXT && in->cause != FLOW_KEYS) {
		if (in->cause == FLOW_TOOL_RESULT)
			m->can_go_back = false;
		return text;
	}
	if (in->is_continued && m->can_go_back)
		m->now = m->before;
	else if (in->is_continued)
		text = new_part(m, text);
	m->before = m->now;
	m->can_go_back = true;
	buf_copy(m->last_text, sizeof(m->last_text), in->text);

	return text;
}

static void dispatch(struct turn *t, const char *text)
{
	if (t->in->cause != FLOW_SILENCE && t->in->cause != FLOW_TOOL_RESULT)
		t->s->no_input = 0;
	if (t->in->cause != FLOW_TOOL_RESULT)
		t->s->is_leaving = t->s->is_transfer = false;

	switch (t->in->cause) {
	case FLOW_START:
		on_start(t);
		break;
	case FLOW_TEXT:
		turn_on_text(t, text, t->in->confidence);
		break;
	case FLOW_KEYS:
		turn_on_keys(t);
		break;
	case FLOW_SILENCE:
		turn_no_input(t);
		break;
	case FLOW_TOOL_RESULT:
		on_result(t);
		break;
	}
}

void flow_machine_turn(struct flow_machine *m, const struct flow_turn *turn, struct flow_reply *ret)
{
	struct turn t = {.m = m, .f = m->flow, .s = &m->now, .in = turn, .out = ret};
	const char *text = remember(m, turn);

	t.asked_at = m->now.question_at;
	m->now.question_at = 0;
	ret->text[0] = ret->args[0] = 0;
	ret->action = FLOW_LISTEN;
	ret->tool = NULL;
	ret->silence_ms = m->flow->silence_ms;
	dispatch(&t, text);
	turn_flush_notes(&t);
	buf_copy(m->last_reply, sizeof(m->last_reply), ret->text);
	ret->context = context_of(&t);
	ret->is_number = expects_number(&t);
	ret->is_sensitive = ret->action == FLOW_LISTEN && m->now.at.slot >= 0 && m->flow->slots[m->now.at.slot].is_sensitive;
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

struct flow_machine *flow_machine_new(const struct flow_machine_params *params)
{
	struct flow_machine *m = mem_zalloc(sizeof(*m));

	m->p = *params;
	m->flow = flow_ref(params->flow);
	m->greeting = params->greeting ? mem_strdup(params->greeting) : NULL;
	m->now.at = (struct frame){m->flow->steps[0].pc, -1, false};

	return m;
}

struct flow_machine *flow_machine_free(struct flow_machine *m)
{
	if (m) {
		flow_unref(m->flow);
		free(m->greeting);
		free(m);
	}

	return NULL;
}

static void describe_slots(const struct turn *t, FILE *out)
{
	char text[VALUE_BYTES];

	for (size_t i = 0; i < t->f->slot_count; i++) {
		if (!t->s->slots[i].is_set)
			continue;
		value_write(t->f->slots[i].type, &t->s->slots[i], text, sizeof(text));
		fprintf(out, "  %s = %s\n", t->f->slots[i].name, text);
	}
	for (size_t i = 0; i < t->f->variable_count; i++)
		if (t->s->variables_set >> i & 1)
			fprintf(out, "  %s = %s\n", t->f->variables[i].name, t->s->variables[i]);
}

void flow_machine_describe(const struct flow_machine *m, FILE *out)
{
	struct state now = m->now;
	struct turn t = {.m = (struct flow_machine *)(uintptr_t)m, .f = m->flow, .s = &now};
	const struct op *op = turn_op(&t);
	static const char *const names[] = {[FLOW_OP_FILL] = "fill", [FLOW_OP_CONFIRM] = "confirm", [FLOW_OP_ASK] = "ask"};
	const char *name = (size_t)op->op < ARRAY_LEN(names) && names[op->op] ? names[op->op] : "start";
	const char *context = context_of(&t);

	fprintf(out, "  step %s, line %d: %s%s%s%s, listening with %s\n", op->step >= 0 ? m->flow->steps[op->step].name : "(on)", op->line,
		now.is_leaving ? "over; " : now.is_calling ? "a tool runs; " : "", name, now.at.slot >= 0 ? " " : "",
		now.at.slot >= 0 ? m->flow->slots[now.at.slot].name : "", context ? context : "nothing");
	describe_slots(&t, out);
}
