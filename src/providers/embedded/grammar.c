/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/grammar_tree.h"
#include <ctype.h>

/* ---- symbols ---------------------------------------------------------------------------------------------------------- */

struct symbol *symbol_find(const struct symbols *s, struct span name)
{
	struct hash_node *node = hash_find(&s->table, span_hash(name));

	for (; node; node = hash_find_next(node)) {
		struct symbol *symbol = container_of(node, struct symbol, hash);

		if (span_eq_z(name, symbol->name))
			return symbol;
	}

	return NULL;
}

static struct symbol *symbol_get(struct symbols *s, struct span name, uint32_t line)
{
	struct symbol *symbol = symbol_find(s, name);

	if (symbol)
		return symbol;

	symbol = mem_zalloc(sizeof(*symbol));
	symbol->name = mem_format("%.*s", SPAN_FMT(name));
	symbol->line = line;
	symbol->index = (uint32_t)s->count;
	if ((s->count & (s->count - 1)) == 0)
		s->all = mem_realloc(s->all, (s->count ? 2 * s->count : 1) * sizeof(struct symbol *));
	s->all[s->count++] = symbol;
	hash_add(&s->table, &symbol->hash, span_hash(name));

	return symbol;
}

static void symbols_done(struct symbols *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->all[i]->name);
		free(s->all[i]);
	}
	free(s->all);
	hash_done(&s->table);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct reader {
	struct grammar *g;
	struct span rest;
	struct span token; /* empty at the end */
	uint32_t line;	   /* of token */
	uint32_t next_line;
	struct grammar_error *error;
	int err;
};

static void fail(struct reader *r, int err, const char *fmt, ...) printf_like(3, 4);

static void fail(struct reader *r, int err, const char *fmt, ...)
{
	va_list ap;

	if (r->err)
		return; /* the first is the one that helps */

	r->err = err;
	r->error->line = r->line;
	va_start(ap, fmt);
	vsnprintf(r->error->words, sizeof(r->error->words), fmt, ap);
	va_end(ap);
}

static void skip(struct reader *r, size_t n)
{
	r->rest = span(r->rest.p + n, r->rest.n - n);
}

static bool is_word_char(char c)
{
	/* Bytes of other letters than ASCII's: recognisers of other languages have them in their words. */
	return islower((unsigned char)c) || (unsigned char)c >= 0x80 || c == '\'' || c == '_' || isdigit((unsigned char)c) || c == '-' || c == '.';
}

static void skip_blanks(struct reader *r)
{
	while (r->rest.n) {
		if (r->rest.p[0] == '#')
			skip(r, span_find(r->rest, '\n'));
		else if (!isspace((unsigned char)r->rest.p[0]))
			break;
		else {
			r->next_line += r->rest.p[0] == '\n';
			skip(r, 1);
		}
	}
}

static void next(struct reader *r)
{
	size_t n = 1;

	skip_blanks(r);
	r->line = r->next_line;
	if (!r->rest.n) {
		r->token = (struct span){0};
		return;
	}
	if (r->rest.p[0] == '<') {
		while (n < r->rest.n && is_word_char(r->rest.p[n]))
			n++;
		if (n == 1 || n == r->rest.n || r->rest.p[n] != '>')
			fail(r, -TR_EPARSE, "a rule's name is lower case letters between < and >");
		n = MIN(n + 1, r->rest.n);
	} else if (is_word_char(r->rest.p[0])) {
		while (n < r->rest.n && is_word_char(r->rest.p[n]))
			n++;
	} else if (!strchr("=;|()[]+*", r->rest.p[0]) && !isupper((unsigned char)r->rest.p[0])) {
		fail(r, -TR_EPARSE, "unexpected character 0x%02x", (unsigned char)r->rest.p[0]);
	}
	r->token = span(r->rest.p, n);
	skip(r, n);
}

static bool is_token(const struct reader *r, const char *z)
{
	return span_eq_z(r->token, z);
}

static void expect(struct reader *r, const char *z)
{
	if (!is_token(r, z))
		fail(r, -TR_EPARSE, "expected \"%s\" before \"%.*s\"", z, (int)MIN(r->token.n, 30), r->token.p);
	next(r);
}

static uint32_t node_new(struct reader *r, enum node_kind kind, uint32_t value, uint32_t child)
{
	struct grammar *g = r->g;

	if (g->node_count >= LIMIT_GRAMMAR_NODES) {
		fail(r, -TR_ETOOBIG, "more than %d words and groups", LIMIT_GRAMMAR_NODES);
		return g->node_count > 1 ? 1 : NO_NODE;
	}
	if (g->node_count == g->node_cap) {
		g->node_cap = g->node_cap ? 2 * g->node_cap : 256;
		g->nodes = mem_realloc(g->nodes, g->node_cap * sizeof(*g->nodes));
		g->node_count = MAX(g->node_count, 1);
	}
	g->nodes[g->node_count] = (struct node){kind, value, child, NO_NODE};

	return (uint32_t)g->node_count++;
}

static uint32_t read_alternatives(struct reader *r, int depth);

static uint32_t read_group(struct reader *r, const char *close, int depth)
{
	next(r);

	uint32_t inside = read_alternatives(r, depth + 1);

	expect(r, close);

	return inside;
}

/* One word, rule or group with what repeats it. */
static uint32_t read_item(struct reader *r, int depth)
{
	struct grammar *g = r->g;
	uint32_t item;

	if (is_token(r, "(")) {
		item = read_group(r, ")", depth);
	} else if (is_token(r, "[")) {
		item = read_group(r, "]", depth);
		item = node_new(r, OPTIONAL, 0, item);
	} else if (r->token.n && r->token.p[0] == '<') {
		struct span name = span(r->token.p + 1, r->token.n - 2);

		item = node_new(r, RULE, symbol_get(&g->rules, name, r->line)->index, NO_NODE);
		next(r);
	} else if (r->token.n && is_word_char(r->token.p[0])) {
		item = node_new(r, WORD, symbol_get(&g->words, r->token, r->line)->index, NO_NODE);
		next(r);
	} else {
		fail(r, -TR_EPARSE, "expected a word, a <rule>, ( or [ before \"%.*s\"", (int)MIN(r->token.n, 30),
			r->token.p);
		return NO_NODE;
	}
	if (is_token(r, "+") || is_token(r, "*")) {
		item = node_new(r, is_token(r, "+") ? ONCE_OR_MORE : ANY_TIMES, 0, item);
		next(r);
	}

	return item;
}

static bool ends_sequence(const struct reader *r)
{
	return r->err || !r->token.n || strchr("|)];=", r->token.p[0]);
}

static uint32_t read_sequence(struct reader *r, int depth)
{
	uint32_t first = read_item(r, depth), last = first;

	while (!ends_sequence(r)) {
		uint32_t item = read_item(r, depth);

		if (r->err)
			return NO_NODE;
		r->g->nodes[last].next = item;
		last = item;
	}

	/* Items are linked as children, so that even one needs its sequence: it may be used in another list. */
	return node_new(r, SEQUENCE, 0, first);
}

static uint32_t read_alternatives(struct reader *r, int depth)
{
	if (depth > LIMIT_GRAMMAR_DEPTH) {
		fail(r, -TR_ETOOBIG, "groups more than %d deep", LIMIT_GRAMMAR_DEPTH);
		return NO_NODE;
	}

	uint32_t first = read_sequence(r, depth), last = first;

	while (!r->err && is_token(r, "|")) {
		next(r);

		uint32_t sequence = read_sequence(r, depth);

		if (r->err)
			return NO_NODE;
		r->g->nodes[last].next = sequence;
		last = sequence;
	}

	return r->err ? NO_NODE : node_new(r, ALTERNATIVES, 0, first);
}

static void read_definition(struct reader *r, struct symbols *in, struct span name)
{
	struct symbol *symbol = symbol_get(in, name, r->line);
	uint32_t line = r->line;

	if (symbol->body != NO_NODE)
		fail(r, -TR_EPARSE, "\"%s\" is defined twice", symbol->name);
	next(r);
	expect(r, "=");
	symbol->body = read_alternatives(r, 0);
	if (!r->err)
		symbol->line = line;
	if (!r->err && !is_token(r, ";"))
		fail(r, -TR_EPARSE, "expected ; at the end of \"%s\"", symbol->name);
	next(r);
}

/* say WORD = PHONE PHONE ; phones are letters with digits behind, upper case, so that they are not taken for words. */
static void read_say(struct reader *r)
{
	next(r);

	struct span word = r->token;

	if (!word.n || !is_word_char(word.p[0])) {
		fail(r, -TR_EPARSE, "say needs a word in lower case");
		return;
	}

	struct symbol *symbol = symbol_get(&r->g->words, word, r->line);

	next(r);
	if (!is_token(r, "="))
		fail(r, -TR_EPARSE, "expected = after say %s", symbol->name);

	struct span phones = span_trim(span_cut(&r->rest, ';'));
	size_t len = r->g->say_len + word.n + phones.n + 16;

	for (size_t i = 0; i < phones.n; i++)
		if (!isupper((unsigned char)phones.p[i]) && phones.p[i] != ' ')
			fail(r, -TR_EPARSE, "phones of \"%s\" are upper case letters", symbol->name);
	if (!phones.n || !r->rest.p)
		fail(r, -TR_EPARSE, "say %s needs phones and a ; behind them", symbol->name);
	if (r->err)
		return;
	r->g->say = mem_realloc(r->g->say, len);
	r->g->say_len += (size_t)snprintf(r->g->say + r->g->say_len, len - r->g->say_len, "%s\t%.*s\n",
		symbol->name, SPAN_FMT(phones));
	symbol->is_pronounced = true;
	next(r);
}

static void read_statement(struct reader *r)
{
	if (r->token.p[0] == '<') {
		read_definition(r, &r->g->rules, span(r->token.p + 1, r->token.n - 2));
	} else if (is_token(r, "context")) {
		next(r);
		if (!r->token.n || !is_word_char(r->token.p[0]))
			fail(r, -TR_EPARSE, "context needs a name");
		else if (r->g->contexts.count >= LIMIT_GRAMMAR_CONTEXTS)
			fail(r, -TR_ETOOBIG, "more than %d contexts", LIMIT_GRAMMAR_CONTEXTS);
		else
			read_definition(r, &r->g->contexts, r->token);
	} else if (is_token(r, "say")) {
		read_say(r);
	} else {
		fail(r, -TR_EPARSE, "expected <rule> =, context NAME = or say WORD =, not \"%.*s\"",
			(int)MIN(r->token.n, 30), r->token.p);
	}
}

/* ---- checks ----------------------------------------------------------------------------------------------------------- */

static struct extent check_body(struct reader *r, struct symbol *symbol, int depth);

/* Repeating what may be nothing, or a repetition, is a loop for decoders and a mistake of whoever wrote it. */
static void check_repetition(struct reader *r, const struct extent *inside)
{
	if (inside->is_repeated || inside->is_nullable)
		fail(r, -TR_EPARSE, "what + or * repeats may neither be empty nor repeat anything itself");
}

static struct extent check_children(struct reader *r, const struct node *node, int depth);

static struct extent check_node(struct reader *r, uint32_t at, int depth)
{
	const struct node *node = &r->g->nodes[at];
	struct extent sum;

	/* Each level of the source is up to three nodes deep: alternatives, sequence, repetition. */
	if (depth > 3 * LIMIT_GRAMMAR_DEPTH) {
		fail(r, -TR_ETOOBIG, "rules and groups more than %d deep", LIMIT_GRAMMAR_DEPTH);
		return (struct extent){0};
	}
	if (node->kind == WORD)
		return (struct extent){.steps = 1};
	if (node->kind != RULE)
		return check_children(r, node, depth);

	struct symbol *rule = r->g->rules.all[node->value];

	if (rule->body == NO_NODE) {
		r->line = rule->line;
		fail(r, -TR_EPARSE, "<%s> is not defined", rule->name);
		return (struct extent){0};
	}
	sum = check_body(r, rule, depth + 1);
	if (depth + (int)sum.depth > 3 * LIMIT_GRAMMAR_DEPTH)
		fail(r, -TR_ETOOBIG, "rules and groups more than %d deep", LIMIT_GRAMMAR_DEPTH);
	sum.depth++;

	return sum;
}

static struct extent check_children(struct reader *r, const struct node *node, int depth)
{
	struct extent sum = {.steps = 1, .is_nullable = node->kind == SEQUENCE};

	for (uint32_t child = node->child; child != NO_NODE && !r->err; child = r->g->nodes[child].next) {
		struct extent part = check_node(r, child, depth + 1);

		sum.depth = MAX(sum.depth, part.depth);
		sum.steps = MIN(sum.steps + part.steps, LIMIT_GRAMMAR_STEPS + 1);
		sum.is_repeated |= part.is_repeated;
		if (node->kind == SEQUENCE)
			sum.is_nullable &= part.is_nullable;
		else
			sum.is_nullable |= part.is_nullable;
	}
	sum.depth++;
	if (node->kind == ONCE_OR_MORE || node->kind == ANY_TIMES) {
		check_repetition(r, &sum);
		sum.is_repeated = true;
	}
	sum.is_nullable |= node->kind == OPTIONAL || node->kind == ANY_TIMES;

	return sum;
}

static struct extent check_body(struct reader *r, struct symbol *symbol, int depth)
{
	if (symbol->check == CHECKED)
		return symbol->extent;
	if (symbol->check == OPEN) {
		r->line = symbol->line;
		fail(r, -TR_EPARSE, "\"%s\" refers to itself", symbol->name);
		return (struct extent){0};
	}
	symbol->check = OPEN;
	r->line = symbol->line;
	symbol->extent = check_node(r, symbol->body, depth);
	if (symbol->extent.steps > LIMIT_GRAMMAR_STEPS) {
		r->line = symbol->line;
		fail(r, -TR_ETOOBIG, "\"%s\" with all its rules is too large", symbol->name);
	}
	symbol->check = CHECKED;

	return symbol->extent;
}

static void check(struct reader *r)
{
	struct grammar *g = r->g;

	for (size_t i = 0; i < g->contexts.count && !r->err; i++) {
		struct extent extent = check_body(r, g->contexts.all[i], 0);

		if (extent.is_nullable && !r->err) {
			r->line = g->contexts.all[i]->line;
			fail(r, -TR_EPARSE, "context \"%s\" may be empty", g->contexts.all[i]->name);
		}
	}
	for (size_t i = 0; i < g->rules.count && !r->err; i++) {
		if (g->rules.all[i]->body == NO_NODE) {
			r->line = g->rules.all[i]->line;
			fail(r, -TR_EPARSE, "<%s> is not defined", g->rules.all[i]->name);
		} else {
			check_body(r, g->rules.all[i], 0);
		}
	}
	if (!r->err && g->contexts.count == 0)
		fail(r, -TR_EPARSE, "there is no context");
}

int grammar_parse(struct grammar **ret, struct span text, struct grammar_error *ret_error)
{
	struct grammar_error ignored;
	struct reader r = {.rest = text, .next_line = 1, .error = ret_error ? ret_error : &ignored};

	r.g = mem_zalloc(sizeof(*r.g));
	hash_init(&r.g->words.table);
	hash_init(&r.g->rules.table);
	hash_init(&r.g->contexts.table);
	if (text.n > LIMIT_GRAMMAR_BYTES)
		fail(&r, -TR_ETOOBIG, "more than %d bytes", LIMIT_GRAMMAR_BYTES);
	else
		next(&r);
	while (!r.err && r.token.n)
		read_statement(&r);
	if (!r.err)
		check(&r);
	if (r.err) {
		grammar_free(r.g);
		return r.err;
	}
	*ret = r.g;

	return 0;
}

struct grammar *grammar_free(struct grammar *g)
{
	if (!g)
		return NULL;

	symbols_done(&g->words);
	symbols_done(&g->rules);
	symbols_done(&g->contexts);
	free(g->nodes);
	free(g->say);
	free(g);

	return NULL;
}

/* ---- reading what was read -------------------------------------------------------------------------------------------- */

size_t grammar_context_count(const struct grammar *g)
{
	return g->contexts.count;
}

const char *grammar_context_name(const struct grammar *g, size_t context)
{
	return g->contexts.all[context]->name;
}

bool grammar_context_find(const struct grammar *g, const char *name, size_t *ret)
{
	struct symbol *symbol = symbol_find(&g->contexts, span_z(name));

	if (symbol)
		*ret = symbol->index;

	return symbol;
}

size_t grammar_word_count(const struct grammar *g)
{
	return g->words.count;
}

const char *grammar_word(const struct grammar *g, size_t word)
{
	return g->words.all[word]->name;
}
