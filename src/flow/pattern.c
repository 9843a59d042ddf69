/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pattern.h"
#include <ctype.h>

/*
 * A pattern is a small program: words and references to match, and places where two ways go on. Both ways are tried (the longest
 * match wins), within a budget of steps, so that no pattern can take longer than a few microseconds.
 */
enum op { OP_WORD, OP_REF, OP_SPLIT, OP_JUMP, OP_MATCH };

struct insn {
	enum op op;
	int a; /* reference, or where to go on */
	int b; /* the other way of a split */
	const char *word;
};

struct pattern {
	struct insn *code;
	int count;
};

struct compiler {
	struct arena *arena;
	const struct pattern_names *names;
	struct pattern_error *error;
	struct insn *code;
	int count, depth;
	bool is_bad;
};

struct source {
	struct span rest;
};

static void fail(struct compiler *c, const char *fmt, ...) printf_like(2, 3);

static void fail(struct compiler *c, const char *fmt, ...)
{
	va_list ap;

	if (c->is_bad)
		return;
	c->is_bad = true;
	va_start(ap, fmt);
	vsnprintf(c->error->words, sizeof(c->error->words), fmt, ap);
	va_end(ap);
}

/* ---- compiling -------------------------------------------------------------------------------------------------------- */

static int emit(struct compiler *c, enum op op, int a)
{
	if (c->count == PATTERN_CODE_MAX) {
		fail(c, "too long: more than %d words and groups once its rules are written out", PATTERN_CODE_MAX);
		return 0;
	}
	c->code[c->count] = (struct insn){.op = op, .a = a, .b = -1};

	return c->count++;
}

/* Makes room at `at` for a split in front of what was compiled already; jumps into what moves are moved along. */
static void insert_split(struct compiler *c, int at)
{
	emit(c, OP_JUMP, 0);
	if (c->is_bad)
		return;
	memmove(&c->code[at + 1], &c->code[at], (size_t)(c->count - 1 - at) * sizeof(c->code[0]));
	for (int i = at + 1; i < c->count; i++) {
		bool goes = c->code[i].op == OP_SPLIT || c->code[i].op == OP_JUMP;

		if (goes && c->code[i].a >= at)
			c->code[i].a++;
		if (goes && c->code[i].b >= at)
			c->code[i].b++;
	}
	c->code[at] = (struct insn){.op = OP_SPLIT, .a = at + 1, .b = -1};
}

static void compile_alternatives(struct compiler *c, struct source *s);

static void skip_blanks(struct source *s)
{
	while (s->rest.n && (isspace((unsigned char)*s->rest.p) || (strchr(",.;:!?\"", *s->rest.p) && *s->rest.p)))
		s->rest = span(s->rest.p + 1, s->rest.n - 1);
}

static char peek(struct source *s)
{
	skip_blanks(s);

	return s->rest.n ? *s->rest.p : 0;
}

static struct span take(struct source *s, size_t n)
{
	struct span taken = span(s->rest.p, n);

	s->rest = span(s->rest.p + n, s->rest.n - n);

	return taken;
}

static void compile_reference(struct compiler *c, struct source *s, char close)
{
	bool is_slot = close == '}';
	struct span rest = span(s->rest.p + 1, s->rest.n - 1);
	size_t n = span_find(rest, close);
	const char *rule = NULL;

	if (n == rest.n || !n) {
		fail(c, "\"%c\" without its name and \"%c\"", is_slot ? '{' : '<', close);
		return;
	}

	struct span name = span(rest.p, n);
	int ref = c->names->find(c->names->ctx, name, is_slot, &rule);

	take(s, n + 2);
	if (ref >= 0) {
		emit(c, OP_REF, ref);
		return;
	}
	if (!rule) {
		fail(c, is_slot ? "there is no slot {%.*s}" : "there is no rule <%.*s>", SPAN_FMT(name));
		return;
	}
	if (++c->depth > PATTERN_DEPTH)
		fail(c, "<%.*s> refers to itself, or rules are nested more than %d deep", SPAN_FMT(name), PATTERN_DEPTH);
	else
		compile_alternatives(c, &(struct source){span_z(rule)});
	c->depth--;
}

/* A word of the source may be several for the matcher ("5th", "half-past"). */
static void compile_words(struct compiler *c, struct source *s)
{
	size_t n = 0;
	struct words *w = mem_zalloc(sizeof(*w));

	while (n < s->rest.n && !strchr(" \t\r\n()[]|<>{}+*,;:!?\"", s->rest.p[n]))
		n++;
	if (!n) {
		fail(c, "\"%c\" does not belong here", *s->rest.p);
	} else {
		words_cut(take(s, n), w);
		for (size_t i = 0; i < w->count; i++) {
			int at = emit(c, OP_WORD, 0);

			c->code[at].word = arena_strdup(c->arena, span_z(w->at[i]));
		}
	}
	free(w);
}

static void compile_group(struct compiler *c, struct source *s, char close)
{
	take(s, 1);
	if (++c->depth > PATTERN_DEPTH)
		fail(c, "groups are nested more than %d deep", PATTERN_DEPTH);
	else
		compile_alternatives(c, s);
	c->depth--;
	if (!c->is_bad && peek(s) != close)
		fail(c, "\"%c\" is missing", close);
	else if (!c->is_bad)
		take(s, 1);
}

static void compile_item(struct compiler *c, struct source *s)
{
	int start = c->count;
	char first = peek(s);

	if (first == '(') {
		compile_group(c, s, ')');
	} else if (first == '[') {
		compile_group(c, s, ']');
		if (c->is_bad)
			return;
		insert_split(c, start);
		c->code[start].b = c->count;
	} else if (first == '<') {
		compile_reference(c, s, '>');
	} else if (first == '{') {
		compile_reference(c, s, '}');
	} else {
		compile_words(c, s);
	}
	if (c->is_bad || (s->rest.n && *s->rest.p != '+' && *s->rest.p != '*') || !s->rest.n)
		return;

	bool may_be_nothing = *take(s, 1).p == '*';
	int split = emit(c, OP_SPLIT, start);

	c->code[split].b = split + 1;
	if (!may_be_nothing || c->is_bad)
		return;
	insert_split(c, start);
	c->code[start].b = c->count;
}

static void compile_sequence(struct compiler *c, struct source *s)
{
	int start = c->count;

	while (!c->is_bad && peek(s) && !strchr("|)]", peek(s)))
		compile_item(c, s);
	if (!c->is_bad && c->count == start)
		fail(c, "words are missing around \"|\" or in a pair of brackets");
}

static void compile_alternatives(struct compiler *c, struct source *s)
{
	int start = c->count, jumps[256], jump_count = 0;

	compile_sequence(c, s);
	while (!c->is_bad && peek(s) == '|') {
		take(s, 1);
		if (jump_count == (int)ARRAY_LEN(jumps)) {
			fail(c, "more than %d alternatives in one group", (int)ARRAY_LEN(jumps));
			return;
		}
		/* split here | next; ...; jump end. Jumps of earlier alternatives lie before `start` and stay. */
		insert_split(c, start);
		jumps[jump_count++] = emit(c, OP_JUMP, 0);
		if (c->is_bad)
			return;
		c->code[start].b = c->count;
		start = c->count;
		compile_sequence(c, s);
	}
	for (int i = 0; i < jump_count; i++)
		c->code[jumps[i]].a = c->count;
}

int pattern_compile(const struct pattern **ret, struct arena *arena, const char *source, const struct pattern_names *names,
	struct pattern_error *ret_error)
{
	auto_free struct insn *code = mem_zalloc((PATTERN_CODE_MAX + 1) * sizeof(*code));
	struct compiler c = {.arena = arena, .names = names, .error = ret_error, .code = code};
	struct source s = {span_z(source)};

	compile_alternatives(&c, &s);
	if (!c.is_bad && peek(&s))
		fail(&c, "\"%c\" does not belong here", peek(&s));
	emit(&c, OP_MATCH, 0);
	if (c.is_bad)
		return -TR_EPARSE;

	struct pattern *p = arena_alloc(arena, sizeof(*p));

	p->count = c.count;
	p->code = arena_alloc(arena, (size_t)c.count * sizeof(*code));
	memcpy(p->code, code, (size_t)c.count * sizeof(*code));
	*ret = p;

	return 0;
}

/* ---- matching --------------------------------------------------------------------------------------------------------- */

struct run {
	const struct pattern *p;
	const struct pattern_reader *reader;
	struct pattern_match now, best;
	size_t start;
	int steps;
	bool is_open; /* a word was wanted where the text ends */
};

static void step(struct run *r, int pc, size_t i, int depth);

static void step_ref(struct run *r, int pc, size_t i, int depth)
{
	int64_t value = 0;
	size_t end = r->reader->read(r->reader->ctx, r->p->code[pc].a, i, &value), kept = r->now.capture_count;

	if (end <= i)
		return;
	if (kept < PATTERN_CAPTURES)
		r->now.captures[r->now.capture_count++] = (struct pattern_capture){r->p->code[pc].a, i, end, value};
	step(r, pc + 1, end, depth + 1);
	r->now.capture_count = kept;
}

static void step_end(struct run *r, size_t i)
{
	if (i <= r->best.end || i == r->start)
		return;
	r->best = r->now;
	r->best.end = i;
}

/* Recursion is as deep as the text and the groups are: both are bounded. */
static void step(struct run *r, int pc, size_t i, int depth)
{
	enum { DEPTH_MAX = 600 };
	const struct words *w = r->reader->words;

	for (;;) {
		const struct insn *in = &r->p->code[pc];

		if (++r->steps > PATTERN_STEPS_MAX || depth > DEPTH_MAX)
			return;
		if (in->op == OP_MATCH) {
			step_end(r, i);
			return;
		}
		if (in->op == OP_JUMP) {
			pc = in->a;
			continue;
		}
		if (in->op == OP_SPLIT) {
			step(r, in->a, i, depth + 1);
			pc = in->b;
			continue;
		}
		if (i >= w->count) {
			r->is_open = true;
			return;
		}
		if (i > r->start && r->reader->is_filler && r->reader->is_filler(r->reader->ctx, i))
			step(r, pc, i + 1, depth + 1);
		if (in->op == OP_REF) {
			step_ref(r, pc, i, depth);
			return;
		}
		if (strcmp(in->word, w->at[i]) != 0)
			return;
		i++;
		pc++;
	}
}

bool pattern_match(const struct pattern *p, const struct pattern_reader *reader, size_t i, struct pattern_match *ret)
{
	struct run r = {.p = p, .reader = reader, .start = i};

	step(&r, 0, i, 0);
	if (!r.best.end)
		return false;
	*ret = r.best;

	return true;
}

bool pattern_is_open(const struct pattern *p, const struct pattern_reader *reader, size_t i)
{
	struct run r = {.p = p, .reader = reader, .start = i};

	step(&r, 0, i, 0);

	return r.is_open && i < reader->words->count;
}
