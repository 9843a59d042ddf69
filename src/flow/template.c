/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include "base/nearest.h"
#include "flow/flow_priv.h"

/* Texts with {values} and [parts that are left out when a value in them is empty], and the expressions of conditions. */

static const char *const locals[] = {"value", "choices", "weekday", "from", "to", "key", "open", "today", NULL};

/* ---- templates -------------------------------------------------------------------------------------------------------- */

struct template_reader {
	struct builder *b;
	int line;
	struct template *out;
	size_t cap;
	int depth;
	bool is_bad;
};

static struct piece *add_piece(struct template_reader *r, enum piece_kind kind)
{
	struct template *t = r->out;

	if (t->count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 4;
		struct piece *more = arena_alloc(r->b->arena, cap * sizeof(*more));

		if (t->count)
			memcpy(more, t->pieces, t->count * sizeof(*more));
		t->pieces = more;
		r->cap = cap;
	}
	t->pieces[t->count] = (struct piece){.kind = kind};

	return &t->pieces[t->count++];
}

static bool has_word(const char *const *list, struct span word)
{
	for (; list && *list; list++)
		if (span_eq_z(word, *list))
			return true;

	return false;
}

/* What may follow the dot. */
static const char *read_style(struct template_reader *r, const struct piece *p, struct span style)
{
	const char *const *known = p->kind == PIECE_SLOT ? value_styles(r->b->flow->slots[p->index].type) : value_type_names;
	const char *word;
	size_t n = 0;

	if (!style.p)
		return NULL;
	word = arena_strdup(r->b->arena, style);
	if (p->kind != PIECE_LOCAL && has_word(known, style))
		return word;
	while (p->kind != PIECE_LOCAL && known[n])
		n++;
	r->is_bad = true;

	const char *near_one = n ? nearest_word(word, known, n) : NULL;

	flow_fault(r->b, r->line, "\".%s\" is no way to say it%s%s%s", word, near_one ? ": did you mean \"." : "", near_one ? near_one : "",
		near_one ? "\"?" : "");

	return NULL;
}

static void unknown_name(struct template_reader *r, struct span name)
{
	const struct flow *f = r->b->flow;
	const char *names[LIMIT_FLOW_SLOTS + LIMIT_FLOW_VARIABLES + 10];
	size_t n = 0;

	for (size_t i = 0; i < f->slot_count; i++)
		names[n++] = f->slots[i].name;
	for (size_t i = 0; i < f->variable_count; i++)
		names[n++] = f->variables[i].name;
	for (size_t i = 0; locals[i]; i++)
		names[n++] = locals[i];
	names[n] = NULL;
	r->is_bad = true;
	flow_no_such(r->b, r->line, "slot or variable", arena_strdup(r->b->arena, name), names);
}

static void read_reference(struct template_reader *r, struct span inside)
{
	struct span style = inside, name = span_cut(&style, '.');
	int slot = flow_find_slot(r->b->flow, name), variable = flow_find_variable(r->b->flow, name);
	struct piece *p;

	if (slot < 0 && variable < 0 && !has_word(locals, name)) {
		unknown_name(r, name);
		return;
	}
	p = add_piece(r, slot >= 0 ? PIECE_SLOT : variable >= 0 ? PIECE_VARIABLE : PIECE_LOCAL);
	p->index = slot >= 0 ? slot : variable;
	p->text = slot < 0 && variable < 0 ? arena_strdup(r->b->arena, name) : NULL;
	p->style = read_style(r, p, style);
	r->out->ends_with_values = r->out->count;
}

static void read_literal(struct template_reader *r, struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && !strchr("{[]", rest->p[n]))
		n++;
	n = MAX(n, 1U);
	add_piece(r, PIECE_TEXT)->text = arena_strdup(r->b->arena, span(rest->p, n));
	*rest = span(rest->p + n, rest->n - n);
}

static void read_bracket(struct template_reader *r, struct span *rest)
{
	bool is_open = *rest->p == '[';

	if (is_open ? r->depth : !r->depth) {
		r->is_bad = true;
		flow_fault(r->b, r->line, is_open ? "[ inside of [ ]: parts that may be left out cannot be nested" :
						    "] without its [ (write it in words if it is to be said)");
		return;
	}
	r->depth += is_open ? 1 : -1;
	add_piece(r, is_open ? PIECE_OPEN : PIECE_CLOSE);
	*rest = span(rest->p + 1, rest->n - 1);
}

bool flow_template(struct builder *b, int line, const char *source, struct template *ret)
{
	struct template_reader r = {.b = b, .line = line, .out = ret};
	struct span rest = span_z(source);

	*ret = (struct template){0};
	while (rest.n && !r.is_bad) {
		size_t close = span_find(rest, '}');

		if (*rest.p == '{' && close == rest.n) {
			flow_fault(b, line, "\"{\" without its \"}\"");
			return false;
		}
		if (*rest.p == '{') {
			read_reference(&r, span_trim(span(rest.p + 1, close - 1)));
			rest = span(rest.p + close + 1, rest.n - close - 1);
		} else if (*rest.p == '[' || *rest.p == ']') {
			read_bracket(&r, &rest);
		} else {
			read_literal(&r, &rest);
		}
	}
	if (r.depth && !r.is_bad) {
		flow_fault(b, line, "\"[\" without its \"]\"");
		return false;
	}

	return !r.is_bad;
}

static void add_variant(struct builder *b, const struct yaml_node *n, const char *what, struct text *ret)
{
	const char *text = flow_scalar(b, n, what);

	if (text && flow_template(b, n->line, text, &ret->variants[ret->count]))
		ret->count++;
}

void flow_read_text(struct builder *b, const struct yaml_node *n, const char *what, struct text *ret)
{
	size_t count = 1;

	*ret = (struct text){0};
	n = n ? flow_pick(b, n) : NULL;
	if (!n)
		return;
	for (const struct yaml_node *c = n->kind == YAML_LIST ? n->first : NULL; c; c = c->next)
		count++;
	ret->variants = arena_alloc(b->arena, count * sizeof(*ret->variants));
	if (n->kind != YAML_LIST)
		add_variant(b, n, what, ret);
	for (const struct yaml_node *c = n->kind == YAML_LIST ? n->first : NULL; c; c = c->next)
		add_variant(b, c, what, ret);
}

/* ---- expressions ------------------------------------------------------------------------------------------------------ */

/*
 *	or := and ("or" and)*	and := not ("and" not)*	not := "not" not | comparison
 *	comparison := sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?	sum := value (("+" | "-") value)*
 *	value := number | 'text' | name | "(" or ")"
 */
struct expr_reader {
	struct builder *b;
	int line, depth;
	struct span rest, token;
	bool is_bad;
};

static void next_token(struct expr_reader *r)
{
	size_t n = 1;

	r->rest = span_trim(r->rest);
	if (!r->rest.n) {
		r->token = (struct span){0};
		return;
	}
	if (isalnum((unsigned char)*r->rest.p) || *r->rest.p == '_') {
		while (n < r->rest.n && (isalnum((unsigned char)r->rest.p[n]) || strchr("_.", r->rest.p[n])))
			n++;
	} else if (*r->rest.p == '\'' || *r->rest.p == '"') {
		while (n < r->rest.n && r->rest.p[n] != *r->rest.p)
			n++;
		n = MIN(n + 1, r->rest.n);
	} else if (n < r->rest.n && r->rest.p[1] == '=' && strchr("=!<>", *r->rest.p)) {
		n = 2;
	}
	r->token = span(r->rest.p, n);
	r->rest = span(r->rest.p + n, r->rest.n - n);
}

static const struct expr *read_or(struct expr_reader *r);

static const struct expr *expr_new(struct expr_reader *r, enum expr_kind kind, const struct expr *a, const struct expr *b)
{
	struct expr *e = arena_alloc(r->b->arena, sizeof(*e));

	*e = (struct expr){.kind = kind, .a = a, .b = b};

	return e;
}

static void expr_fault(struct expr_reader *r, const char *words)
{
	if (!r->is_bad)
		flow_fault(r->b, r->line, "%s before \"%.*s\"", words, SPAN_FMT(r->token));
	r->is_bad = true;
}

static const struct expr *read_name(struct expr_reader *r)
{
	int slot = flow_find_slot(r->b->flow, r->token), variable = flow_find_variable(r->b->flow, r->token);
	struct expr *e = arena_alloc(r->b->arena, sizeof(*e));
	struct template_reader t = {.b = r->b, .line = r->line};

	*e = (struct expr){.kind = slot >= 0 ? EXPR_SLOT : EXPR_VARIABLE, .index = slot >= 0 ? slot : variable};
	if (span_eq_z(r->token, "true") || span_eq_z(r->token, "false") || span_eq_z(r->token, "yes") || span_eq_z(r->token, "no")) {
		e->kind = EXPR_CONST;
		e->text = r->token.p[0] == 't' || r->token.p[0] == 'y' ? "yes" : "no";
	} else if (slot < 0 && variable < 0) {
		unknown_name(&t, r->token);
		r->is_bad = true;
	}
	next_token(r);

	return e;
}

static const struct expr *read_value(struct expr_reader *r)
{
	struct expr *e = arena_alloc(r->b->arena, sizeof(*e));
	char first = r->token.n ? *r->token.p : 0;

	if (first == '(' && ++r->depth < LIMIT_FLOW_DEPTH) {
		next_token(r);

		const struct expr *inside = read_or(r);

		if (!span_eq_z(r->token, ")"))
			expr_fault(r, "\")\" is missing");
		next_token(r);
		r->depth--;
		return inside;
	}
	if (isalpha((unsigned char)first) || first == '_')
		return read_name(r);
	if (!isdigit((unsigned char)first) && first != '\'' && first != '"') {
		expr_fault(r, "a slot, a variable, a number or 'text' is missing");
		return e;
	}
	e->kind = EXPR_CONST;
	if (isdigit((unsigned char)first))
		e->text = arena_strdup(r->b->arena, r->token);
	else if (r->token.n < 2 || r->token.p[r->token.n - 1] != first)
		expr_fault(r, "a quote is missing");
	else
		e->text = arena_strdup(r->b->arena, span(r->token.p + 1, r->token.n - 2));
	next_token(r);

	return e;
}

static const struct expr *read_sum(struct expr_reader *r)
{
	const struct expr *e = read_value(r);

	while (!r->is_bad && (span_eq_z(r->token, "+") || span_eq_z(r->token, "-"))) {
		enum expr_kind kind = *r->token.p == '+' ? EXPR_ADD : EXPR_SUB;

		next_token(r);
		e = expr_new(r, kind, e, read_value(r));
	}

	return e;
}

static const struct expr *read_comparison(struct expr_reader *r)
{
	static const struct {
		const char *sign;
		enum expr_kind kind;
	} signs[] = {{"==", EXPR_EQ}, {"!=", EXPR_NE}, {"<", EXPR_LT}, {"<=", EXPR_LE}, {">", EXPR_GT}, {">=", EXPR_GE}, {"=", EXPR_EQ}};
	const struct expr *e = read_sum(r);

	for (size_t i = 0; i < ARRAY_LEN(signs) && !r->is_bad; i++)
		if (span_eq_z(r->token, signs[i].sign)) {
			next_token(r);
			return expr_new(r, signs[i].kind, e, read_sum(r));
		}

	return e;
}

static const struct expr *read_not(struct expr_reader *r)
{
	if (!span_eq_z(r->token, "not"))
		return read_comparison(r);
	if (++r->depth > LIMIT_FLOW_DEPTH) {
		expr_fault(r, "too many \"not\"");
		return NULL;
	}
	next_token(r);

	return expr_new(r, EXPR_NOT, read_not(r), NULL);
}

static const struct expr *read_and(struct expr_reader *r)
{
	const struct expr *e = read_not(r);

	while (!r->is_bad && span_eq_z(r->token, "and")) {
		next_token(r);
		e = expr_new(r, EXPR_AND, e, read_not(r));
	}

	return e;
}

static const struct expr *read_or(struct expr_reader *r)
{
	const struct expr *e = read_and(r);

	while (!r->is_bad && span_eq_z(r->token, "or")) {
		next_token(r);
		e = expr_new(r, EXPR_OR, e, read_and(r));
	}

	return e;
}

const struct expr *flow_expr(struct builder *b, int line, const char *source)
{
	struct expr_reader r = {.b = b, .line = line, .rest = span_z(source)};
	const struct expr *e;

	next_token(&r);
	e = read_or(&r);
	if (!r.is_bad && r.token.n)
		expr_fault(&r, "\"and\", \"or\" or a comparison is missing");

	return r.is_bad ? NULL : e;
}
