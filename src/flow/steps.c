/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_priv.h"

/*
 * Steps become operations. Answers ("on:") are compiled behind the step they belong to and end with AGAIN: the question is asked
 * again, unless they went somewhere else.
 */
struct compiler {
	struct builder *b;
	struct op *ops; /* LIMIT_FLOW_OPS */
	int count, step, depth;
	const char *step_names[LIMIT_FLOW_STEPS + 3];
	uint8_t last_fill[LIMIT_FLOW_SLOTS]; /* what a confirmation reads back */
	size_t last_fill_count;
};

static void read_actions(struct compiler *c, const struct yaml_node *n);
static void read_answers(struct compiler *c, const struct yaml_node *n, struct answers *ret);

static struct op *emit(struct compiler *c, enum flow_op kind, int line)
{
	if (c->count + 1 >= LIMIT_FLOW_OPS) {
		if (c->count + 1 == LIMIT_FLOW_OPS)
			flow_fault(c->b, line, "more than %d actions in one flow", LIMIT_FLOW_OPS);
		c->count = LIMIT_FLOW_OPS - 1;
		return &c->ops[LIMIT_FLOW_OPS - 1];
	}
	c->ops[c->count] = (struct op){.op = kind, .line = line, .step = c->step, .target = -1};

	return &c->ops[c->count++];
}

/* ---- jumping ---------------------------------------------------------------------------------------------------------- */

static void read_goto(struct compiler *c, const char *name, int line)
{
	struct op *op = emit(c, strcmp(name, "end") == 0 ? FLOW_OP_END : strcmp(name, "again") == 0 ? FLOW_OP_AGAIN : FLOW_OP_GOTO, line);

	if (op->op != FLOW_OP_GOTO)
		return;
	op->target = flow_find_step(c->b->flow, span_z(name));
	if (op->target < 0)
		flow_no_such(c->b, line, "step", name, c->step_names);
}

static void read_if(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	const struct yaml_node *then = flow_child(c->b, map, "then"), *otherwise = flow_child(c->b, map, "else");
	const char *text = flow_scalar(c->b, n, "if");
	int unless = c->count, jump;
	struct op *op = emit(c, FLOW_OP_UNLESS, n->line);

	op->expr = text ? flow_expr(c->b, n->line, text) : NULL;
	if (!then)
		flow_fault(c->b, n->line, "\"then\" is missing: what is done when the condition holds");
	else
		read_actions(c, then);
	jump = c->count;
	if (otherwise) {
		emit(c, FLOW_OP_JUMP, n->line);
		c->ops[unless].target = c->count;
		read_actions(c, otherwise);
		c->ops[jump].target = c->count;
	} else {
		c->ops[unless].target = c->count;
	}
}

/* ---- values ----------------------------------------------------------------------------------------------------------- */

/* set: { count: "= count + 1", greeting: "Dear {name}" } */
static void read_set(struct compiler *c, const struct yaml_node *n)
{
	if (n->kind != YAML_MAP) {
		flow_fault(c->b, n->line, "set: variables and values are wanted: { tries: \"= tries + 1\" }");
		return;
	}
	for (const struct yaml_node *v = n->first; v; v = v->next) {
		const char *text = flow_scalar(c->b, flow_pick(c->b, v), "set");
		struct op *op = emit(c, FLOW_OP_SET, v->line);

		op->target = flow_find_variable(c->b->flow, span_z(v->key));
		if (flow_find_slot(c->b->flow, span_z(v->key)) >= 0)
			flow_fault(c->b, v->key_line, "set: \"%s\" is a slot: only callers fill slots (clear: %s empties it)", v->key, v->key);
		if (text && text[0] == '=')
			op->expr = flow_expr(c->b, v->line, text + 1);
		else if (text)
			flow_read_text(c->b, flow_pick(c->b, v), "set", &op->text);
	}
}

static const char **slot_names(struct builder *b)
{
	const char **names = arena_alloc(b->arena, (b->flow->slot_count + 1) * sizeof(char *));

	for (size_t i = 0; i < b->flow->slot_count; i++)
		names[i] = b->flow->slots[i].name;

	return names;
}

/* "~day" is a slot of hear that recognisers do not listen for. */
static bool is_unheard(const char *text, const char *what)
{
	return text && text[0] == '~' && strcmp(what, "hear") == 0;
}

static void add_slot(struct compiler *c, const struct yaml_node *n, const char *what, uint8_t *slots, size_t *count)
{
	const char *whole = flow_scalar(c->b, n, what), *text = is_unheard(whole, what) ? whole + 1 : whole;
	int index = text ? flow_find_slot(c->b->flow, span_z(text)) : -1;

	if (text && index < 0)
		flow_no_such(c->b, n->line, "slot", text, slot_names(c->b));
	for (size_t i = 0; i < *count; i++)
		if (index == slots[i])
			return;
	if (index >= 0 && *count < LIMIT_FLOW_SLOTS)
		slots[(*count)++] = (uint8_t)index;
}

/* One name or a list. */
static void read_slot_list(struct compiler *c, const struct yaml_node *n, const char *what, uint8_t *slots, size_t *count)
{
	if (n->kind == YAML_MAP)
		flow_fault(c->b, n->line, "%s: a slot or a list of slots is wanted", what);
	if (n->kind == YAML_SCALAR)
		add_slot(c, n, what, slots, count);
	for (const struct yaml_node *s = n->kind == YAML_LIST ? n->first : NULL; s; s = s->next)
		add_slot(c, s, what, slots, count);
}

static void read_clear(struct compiler *c, const struct yaml_node *n)
{
	uint8_t slots[LIMIT_FLOW_SLOTS];
	size_t count = 0;

	read_slot_list(c, n, "clear", slots, &count);
	for (size_t i = 0; i < count; i++)
		emit(c, FLOW_OP_CLEAR, n->line)->target = slots[i];
}

/* ---- questions -------------------------------------------------------------------------------------------------------- */

static struct ask *read_question(struct compiler *c, const struct yaml_node *map)
{
	struct ask *a = arena_alloc(c->b->arena, sizeof(*a));

	flow_read_text(c->b, yaml_get(map, "keypad"), "keypad", &a->keypad);
	flow_read_text(c->b, yaml_get(map, "help"), "help", &a->help);
	flow_read_keys(c->b, yaml_get(map, "keys"), &a->keys, &a->key_count);

	return a;
}

/* Behind the operation that waits: jumped over, entered by answers only. */
static void read_question_answers(struct compiler *c, const struct yaml_node *map, struct ask *a)
{
	const struct yaml_node *on = yaml_get(map, "on");
	int jump = c->count;

	if (!on)
		return;
	emit(c, FLOW_OP_JUMP, on->line);
	read_answers(c, on, &a->answers);
	c->ops[jump].target = c->count;
}

static void read_fill(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	struct ask *a = read_question(c, map);
	struct op *op = emit(c, FLOW_OP_FILL, n->line);

	op->ask = a;
	read_slot_list(c, n, "fill", a->slots, &a->slot_count);
	if (!a->slot_count)
		flow_fault(c->b, n->line, "fill: which slots?");
	for (size_t i = 0; i < a->slot_count; i++) {
		const struct slot *s = &c->b->flow->slots[a->slots[i]];

		if (!s->ask.count)
			flow_fault(c->b, s->line, "%s: \"ask\" is missing: the question that fills it (line %d does)", s->name, n->line);
	}
	/* A confirmation reads back all that was filled in its step. */
	for (size_t i = 0; i < a->slot_count && c->last_fill_count < LIMIT_FLOW_SLOTS; i++)
		if (!memchr(c->last_fill, a->slots[i], c->last_fill_count))
			c->last_fill[c->last_fill_count++] = a->slots[i];
	read_question_answers(c, map, a);
}

static void read_confirm(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	struct ask *a = read_question(c, map);
	const struct yaml_node *slots = flow_child(c->b, map, "slots");
	struct op *op = emit(c, FLOW_OP_CONFIRM, n->line);

	op->ask = a;
	flow_read_text(c->b, n, "confirm", &a->text);
	flow_read_text(c->b, yaml_get(map, "change"), "change", &a->change);
	if (slots) {
		read_slot_list(c, slots, "slots", a->slots, &a->slot_count);
	} else {
		memcpy(a->slots, c->last_fill, c->last_fill_count);
		a->slot_count = c->last_fill_count;
	}
	if (!a->slot_count)
		flow_fault(c->b, n->line, "confirm: nothing was filled in this step before it: name what is confirmed (slots: [ day ])");
	read_question_answers(c, map, a);
}

static uint32_t unheard_slots(const struct compiler *c, const struct yaml_node *hear)
{
	uint32_t bits = 0;

	for (const struct yaml_node *n = hear->kind == YAML_LIST ? hear->first : hear; n; n = hear->kind == YAML_LIST ? n->next : NULL) {
		int index = n->kind == YAML_SCALAR && is_unheard(n->text, "hear") ? flow_find_slot(c->b->flow, span_z(n->text + 1)) : -1;

		if (index >= 0)
			bits |= 1u << index;
	}

	return bits;
}

static void read_ask(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	struct ask *a = read_question(c, map);
	const struct yaml_node *hear = flow_child(c->b, map, "hear");
	struct op *op = emit(c, FLOW_OP_ASK, n->line);

	op->ask = a;
	flow_read_text(c->b, n, "ask", &a->text);
	if (hear) {
		read_slot_list(c, hear, "hear", a->slots, &a->slot_count);
		a->unheard = unheard_slots(c, hear);
	}
	if (!yaml_get(map, "on"))
		flow_fault(c->b, n->line, "ask: \"on\" is missing: what is done with which answer (to fill a slot, write fill: SLOT)");
	read_question_answers(c, map, a);
}

/* ---- tools and ends --------------------------------------------------------------------------------------------------- */

/* "{order}" alone hands over the value as it is. */
static bool is_bare(const struct template *t)
{
	return t->count == 1 && (t->pieces[0].kind == PIECE_SLOT || t->pieces[0].kind == PIECE_VARIABLE) && !t->pieces[0].style;
}

static void read_args(struct compiler *c, const struct yaml_node *n, struct tool_call *call)
{
	size_t count = 0;

	if (n->kind != YAML_MAP) {
		flow_fault(c->b, n->line, "with: arguments and values are wanted: { order: \"{order}\" }");
		return;
	}
	for (const struct yaml_node *a = n->first; a; a = a->next)
		count++;
	call->args = arena_alloc(c->b->arena, count * sizeof(*call->args));
	for (const struct yaml_node *a = n->first; a; a = a->next) {
		struct tool_arg *arg = &call->args[call->arg_count];
		const char *text = flow_scalar(c->b, flow_pick(c->b, a), "with");

		arg->name = arena_strdup(c->b->arena, span_z(a->key));
		if (text && flow_template(c->b, a->line, text, &arg->value))
			call->arg_count++;
		arg->is_bare = is_bare(&arg->value);
	}
}

static void read_results(struct compiler *c, const struct yaml_node *n, struct tool_call *call)
{
	size_t count = 0;

	if (n->kind != YAML_MAP) {
		flow_fault(c->b, n->line, "save: variables and where they stand in the result: { status: order.status }");
		return;
	}
	for (const struct yaml_node *a = n->first; a; a = a->next)
		count++;
	call->results = arena_alloc(c->b->arena, count * sizeof(*call->results));
	for (const struct yaml_node *a = n->first; a; a = a->next) {
		const char *path = flow_scalar(c->b, a, "save");
		int variable = flow_find_variable(c->b->flow, span_z(a->key));

		if (flow_find_slot(c->b->flow, span_z(a->key)) >= 0)
			flow_fault(c->b, a->key_line, "save: \"%s\" is a slot: results go into variables", a->key);
		else if (path && variable >= 0)
			call->results[call->result_count++] =
				(struct tool_result){arena_strdup(c->b->arena, span_z(path)), variable};
	}
}

static void read_call(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	struct tool_call *call = arena_alloc(c->b->arena, sizeof(*call));
	const struct yaml_node *with = flow_child(c->b, map, "with"), *save = flow_child(c->b, map, "save");
	const struct yaml_node *on_error = flow_child(c->b, map, "on_error");
	const char *name = flow_scalar(c->b, n, "call");
	struct op *op = emit(c, FLOW_OP_CALL, n->line);
	int jump;

	op->call = call;
	call->on_error = -1;
	call->name = name && flow_check_name(c->b, n->line, "call", name) ? arena_strdup(c->b->arena, span_z(name)) : "";
	call->is_optional = flow_flag(c->b, map, "optional");
	flow_read_text(c->b, yaml_get(map, "meanwhile"), "meanwhile", &call->say);
	if (with)
		read_args(c, with, call);
	if (save)
		read_results(c, save, call);
	if (!on_error)
		return;
	jump = c->count;
	emit(c, FLOW_OP_JUMP, on_error->line);
	call->on_error = c->count;
	read_actions(c, on_error);
	c->ops[jump].target = c->count;
}

static void read_transfer(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	const char *reason = flow_scalar(c->b, n, "transfer");
	const struct yaml_node *to = flow_child(c->b, map, "to");
	const char *to_text = to ? flow_scalar(c->b, to, "to") : NULL;
	struct op *op = emit(c, FLOW_OP_TRANSFER, n->line);

	op->word = arena_strdup(c->b->arena, span_z(reason ? reason : ""));
	if (to_text)
		(void)!flow_template(c->b, to->line, to_text, &op->to);
}

static void read_hang_up(struct compiler *c, const struct yaml_node *n)
{
	const char *reason = flow_scalar(c->b, n, "hang_up");

	emit(c, FLOW_OP_HANG_UP, n->line)->word = arena_strdup(c->b->arena, span_z(reason ? reason : ""));
}

/* ---- actions ---------------------------------------------------------------------------------------------------------- */

static const char *const action_keys[] = {"say", "set", "clear", "if", "then", "else", "fill", "confirm", "ask", "call", "goto", "transfer",
	"hang_up", "end", "on", "keys", "keypad", "help", "hear", "slots", "change", "with", "save", "optional", "meanwhile", "on_error",
	"to", NULL};

/* What stands beside an action and belongs to it. */
static const struct {
	const char *key, *owners[4];
} attributes[] = {
	{"then", {"if"}}, {"else", {"if"}}, {"on", {"ask", "fill", "confirm"}}, {"keys", {"ask", "fill", "confirm"}},
	{"keypad", {"ask", "fill", "confirm"}}, {"help", {"ask", "fill", "confirm"}}, {"hear", {"ask"}}, {"slots", {"confirm"}},
	{"change", {"confirm"}}, {"with", {"call"}}, {"save", {"call"}}, {"optional", {"call"}}, {"meanwhile", {"call"}},
	{"on_error", {"call"}}, {"to", {"transfer"}},
};

static bool is_attribute(struct compiler *c, const struct yaml_node *map, const struct yaml_node *n)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		const char *const *owner = attributes[i].owners;

		if (strcmp(attributes[i].key, n->key) != 0)
			continue;
		while (*owner && !yaml_get(map, *owner))
			owner++;
		if (!*owner)
			flow_fault(c->b, n->key_line, "\"%s\" belongs to \"%s\", which is missing beside it", n->key, attributes[i].owners[0]);
		return true;
	}

	return false;
}

static bool is_waiting(const char *key)
{
	return !strcmp(key, "fill") || !strcmp(key, "confirm") || !strcmp(key, "ask");
}

static void read_action(struct compiler *c, const struct yaml_node *map, const struct yaml_node *outer)
{
	const struct yaml_node *n = flow_pick(c->b, outer);
	const char *key = outer->key;

	if (!strcmp(key, "say"))
		flow_read_text(c->b, outer, "say", &emit(c, FLOW_OP_SAY, n->line)->text);
	else if (!strcmp(key, "set"))
		read_set(c, n);
	else if (!strcmp(key, "clear"))
		read_clear(c, n);
	else if (!strcmp(key, "if"))
		read_if(c, map, n);
	else if (!strcmp(key, "fill"))
		read_fill(c, map, n);
	else if (!strcmp(key, "confirm"))
		read_confirm(c, map, n);
	else if (!strcmp(key, "ask"))
		read_ask(c, map, n);
	else if (!strcmp(key, "call"))
		read_call(c, map, n);
	else if (!strcmp(key, "transfer"))
		read_transfer(c, map, n);
	else if (!strcmp(key, "hang_up"))
		read_hang_up(c, n);
	else if (!strcmp(key, "end"))
		emit(c, FLOW_OP_END, n->line);
	else if (!strcmp(key, "goto") && flow_scalar(c->b, n, "goto"))
		read_goto(c, n->text, n->line);
}

/* A map of actions that are done in the order they are written in. */
static void read_action_map(struct compiler *c, const struct yaml_node *map)
{
	const char *waiting = NULL;

	flow_known_keys(c->b, map, action_keys);
	for (const struct yaml_node *n = map->first; n; n = n->next) {
		if (is_attribute(c, map, n))
			continue;
		if (is_waiting(n->key) && waiting)
			flow_fault(c->b, n->key_line, "\"%s\" beside \"%s\": put each into an entry of its own (- %s: ...)", n->key, waiting, n->key);
		if (is_waiting(n->key))
			waiting = n->key;
		read_action(c, map, n);
	}
}

static void read_actions(struct compiler *c, const struct yaml_node *n)
{
	n = flow_pick(c->b, n);
	if (++c->depth > LIMIT_FLOW_DEPTH) {
		flow_fault(c->b, n->line, "answers inside of answers more than %d deep: make steps of them", LIMIT_FLOW_DEPTH);
	} else if (n->kind == YAML_SCALAR) {
		read_goto(c, n->text, n->line);
	} else if (n->kind == YAML_MAP) {
		read_action_map(c, n);
	} else {
		for (const struct yaml_node *a = n->first; a; a = a->next)
			if (a->kind == YAML_LIST)
				flow_fault(c->b, a->line, "a list in a list: an action is wanted (- say: ...)");
			else if (a->kind == YAML_SCALAR)
				read_goto(c, a->text, a->line);
			else
				read_action_map(c, flow_pick(c->b, a));
	}
	c->depth--;
}

/* ---- answers ---------------------------------------------------------------------------------------------------------- */

static const char *const answer_names[] = {[ANSWER_INTENT] = "-", [ANSWER_COMMAND] = "-", [ANSWER_YES] = "yes", [ANSWER_NO] = "no",
	[ANSWER_HEARD] = "heard", [ANSWER_OTHERWISE] = "otherwise", [ANSWER_NO_MATCH] = "no_match", [ANSWER_NO_INPUT] = "no_input",
	[ANSWER_TRANSFER_FAILED] = "transfer_failed", NULL};

static void unknown_answer(struct compiler *c, const struct yaml_node *n)
{
	const char *names[LIMIT_FLOW_INTENTS + LANG_COMMANDS + 12];
	size_t count = 0;

	for (size_t i = 0; i < c->b->flow->intent_count; i++)
		names[count++] = c->b->flow->intents[i].name;
	for (size_t i = 1; i < LANG_COMMANDS; i++)
		names[count++] = lang_command_names[i];
	for (size_t i = ANSWER_YES; answer_names[i]; i++)
		names[count++] = answer_names[i];
	names[count] = NULL;
	flow_no_such(c->b, n->key_line, "intent or command", n->key, names);
}

static bool find_answer(struct compiler *c, const struct yaml_node *n, struct answer *ret)
{
	int intent = flow_find_intent(c->b->flow, span_z(n->key));

	*ret = (struct answer){ANSWER_INTENT, intent, -1};
	if (intent >= 0)
		return true;
	for (int i = 1; i < LANG_COMMANDS; i++)
		if (strcmp(n->key, lang_command_names[i]) == 0) {
			*ret = (struct answer){ANSWER_COMMAND, i, -1};
			return true;
		}
	for (int i = ANSWER_YES; answer_names[i]; i++)
		if (strcmp(n->key, answer_names[i]) == 0) {
			*ret = (struct answer){(enum answer_kind)i, 0, -1};
			return true;
		}
	unknown_answer(c, n);

	return false;
}

static void read_answers(struct compiler *c, const struct yaml_node *n, struct answers *ret)
{
	size_t count = 0;

	if (n->kind != YAML_MAP) {
		flow_fault(c->b, n->line, "on: answers and what is done then: { book: appointment, no: end }");
		return;
	}
	for (const struct yaml_node *a = n->first; a; a = a->next)
		count++;
	ret->all = arena_alloc(c->b->arena, count * sizeof(*ret->all));
	for (const struct yaml_node *a = n->first; a; a = a->next) {
		struct answer answer;

		if (!find_answer(c, a, &answer))
			continue;
		answer.pc = c->count;
		read_actions(c, a);
		emit(c, FLOW_OP_AGAIN, a->line);
		ret->all[ret->count++] = answer;
	}
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

static void name_steps(struct compiler *c, const struct yaml_node *steps)
{
	struct flow *f = c->b->flow;

	f->steps = arena_alloc(c->b->arena, LIMIT_FLOW_STEPS * sizeof(*f->steps));
	for (const struct yaml_node *n = steps->first; n; n = n->next) {
		if (f->step_count == LIMIT_FLOW_STEPS) {
			flow_fault(c->b, n->line, "more than %d steps", LIMIT_FLOW_STEPS);
			return;
		}
		if (!flow_check_name(c->b, n->key_line, "step", n->key))
			continue;
		f->steps[f->step_count] = (struct step){arena_strdup(c->b->arena, span_z(n->key)), n->key_line, -1};
		c->step_names[f->step_count] = f->steps[f->step_count].name;
		f->step_count++;
	}
	c->step_names[f->step_count] = "end";
	c->step_names[f->step_count + 1] = "again";
}

static void read_steps(struct compiler *c, const struct yaml_node *steps)
{
	for (const struct yaml_node *n = steps->first; n; n = n->next) {
		int index = flow_find_step(c->b->flow, span_z(n->key));

		if (index < 0)
			continue;
		c->step = index;
		c->last_fill_count = 0;
		c->b->flow->steps[index].pc = c->count;
		read_actions(c, n);
		/* A step that has nothing more to do is the end of the conversation. */
		emit(c, FLOW_OP_END, n->line);
	}
}

/* Steps that nothing leads to are slips of the pen. */
static void check_reached(struct compiler *c)
{
	struct flow *f = c->b->flow;

	for (size_t i = 1; i < f->step_count; i++) {
		bool is_reached = false;

		for (int pc = 0; pc < c->count && !is_reached; pc++)
			is_reached = c->ops[pc].op == FLOW_OP_GOTO && c->ops[pc].target == (int)i && c->ops[pc].step != (int)i;
		if (!is_reached)
			flow_fault(c->b, f->steps[i].line, "step \"%s\": nothing leads there (goto: %s, or an answer)", f->steps[i].name,
				f->steps[i].name);
	}
}

void flow_read_steps(struct builder *b, const struct yaml_node *steps, const struct yaml_node *on)
{
	struct compiler *c = mem_zalloc(sizeof(*c));
	auto_free struct op *ops = mem_zalloc(LIMIT_FLOW_OPS * sizeof(*ops));

	c->b = b;
	c->ops = ops;
	c->step = -1;
	if (!steps || steps->kind != YAML_MAP || !steps->first) {
		flow_fault(b, steps ? steps->line : b->root->line, "\"steps\" is missing: what is said and asked, beginning with the first step");
	} else {
		name_steps(c, steps);
		read_steps(c, steps);
		c->step = -1;
		if (on)
			read_answers(c, on, &b->flow->answers);
		if (!b->faults->count)
			check_reached(c);
	}
	b->flow->op_count = (size_t)c->count;
	b->flow->ops = arena_alloc(b->arena, ((size_t)c->count + 1) * sizeof(*ops));
	memcpy(b->flow->ops, ops, (size_t)c->count * sizeof(*ops));
	free(c);
}
