/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/grammar_tree.h"

/* ---- JSGF -------------------------------------------------------------------------------------------------------------- */

static void write_node(const struct grammar *g, uint32_t at, FILE *out);

static void write_children(const struct grammar *g, const struct node *node, const char *between, FILE *out)
{
	for (uint32_t child = node->child; child != NO_NODE; child = g->nodes[child].next) {
		if (child != node->child)
			fputs(between, out);
		write_node(g, child, out);
	}
}

static void write_node(const struct grammar *g, uint32_t at, FILE *out)
{
	const struct node *node = &g->nodes[at];

	switch (node->kind) {
	case WORD:
		fputs(g->words.all[node->value]->name, out);
		break;
	case RULE:
		fprintf(out, "<%s>", g->rules.all[node->value]->name);
		break;
	case SEQUENCE:
		write_children(g, node, " ", out);
		break;
	case ALTERNATIVES:
	case ONCE_OR_MORE:
	case ANY_TIMES:
		fputc('(', out);
		write_children(g, node, " | ", out);
		fputs(node->kind == ALTERNATIVES ? ")" : node->kind == ANY_TIMES ? ")*" : ")+", out);
		break;
	case OPTIONAL:
		fputc('[', out);
		write_children(g, node, " | ", out);
		fputc(']', out);
		break;
	}
}

/* Rules that the context does not reach would still cost the decoder memory. */
static void mark_reached(const struct grammar *g, uint32_t at, bool *reached)
{
	const struct node *node = &g->nodes[at];

	if (node->kind == RULE && !reached[node->value]) {
		reached[node->value] = true;
		mark_reached(g, g->rules.all[node->value]->body, reached);
	}
	for (uint32_t child = node->child; child != NO_NODE; child = g->nodes[child].next)
		mark_reached(g, child, reached);
}

char *grammar_write_jsgf(const struct grammar *g, size_t context)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	auto_free bool *reached = mem_zalloc(g->rules.count);

	assert(out && context < g->contexts.count);
	fprintf(out, "#JSGF V1.0;\ngrammar g;\npublic <%s_context> = ", grammar_context_name(g, context));
	write_node(g, g->contexts.all[context]->body, out);
	fputs(";\n", out);
	mark_reached(g, g->contexts.all[context]->body, reached);
	for (size_t i = 0; i < g->rules.count; i++) {
		if (!reached[i])
			continue;
		fprintf(out, "<%s> = ", g->rules.all[i]->name);
		write_node(g, g->rules.all[i]->body, out);
		fputs(";\n", out);
	}
	fclose(out);

	return text;
}

/* ---- acceptance -------------------------------------------------------------------------------------------------------- */

/*
 * A set of positions between words is one integer, bit i before word i. A node maps the positions where it may begin to those
 * where it may end, so that no backtracking is needed.
 */
struct walk {
	const struct grammar *g;
	uint64_t *places;  /* of each word of the grammar: the positions it stands at */
	uint64_t end;	   /* the bit behind the last word */
	bool may_continue; /* a word of the grammar could follow the end */
};

static uint64_t walk_node(struct walk *w, uint32_t at, uint64_t from);

static uint64_t walk_repeated(struct walk *w, const struct node *node, uint64_t from)
{
	uint64_t reached = 0;

	for (uint64_t fresh = from; fresh;) {
		uint64_t to = walk_node(w, node->child, fresh);

		fresh = to & ~reached;
		reached |= to;
	}

	return reached;
}

static uint64_t walk_node(struct walk *w, uint32_t at, uint64_t from)
{
	const struct node *node = &w->g->nodes[at];
	uint64_t to = 0;

	if (!from)
		return 0;

	switch (node->kind) {
	case WORD:
		w->may_continue |= from & w->end;
		return (from & w->places[node->value]) << 1;
	case RULE:
		return walk_node(w, w->g->rules.all[node->value]->body, from);
	case SEQUENCE:
		to = from;
		for (uint32_t child = node->child; child != NO_NODE; child = w->g->nodes[child].next)
			to = walk_node(w, child, to);
		return to;
	case OPTIONAL:
		return from | walk_node(w, node->child, from);
	case ALTERNATIVES:
		for (uint32_t child = node->child; child != NO_NODE; child = w->g->nodes[child].next)
			to |= walk_node(w, child, from);
		return to;
	case ONCE_OR_MORE:
		return walk_repeated(w, node, from);
	case ANY_TIMES:
		return from | walk_repeated(w, node, from);
	}

	return 0;
}

/* false when a word is unknown or there are more than fit. */
static bool place_words(struct walk *w, struct span text)
{
	uint64_t here = 1;

	for (text = span_trim(text); text.n; text = span_trim(text)) {
		struct span word = span_cut(&text, ' ');
		struct symbol *symbol = symbol_find(&w->g->words, word);

		if (!symbol || here >= UINT64_C(1) << 62)
			return false;
		w->places[symbol->index] |= here;
		here <<= 1;
	}
	w->end = here;

	return true;
}

static bool walk(const struct grammar *g, size_t context, struct span text, bool is_prefix_enough)
{
	auto_free uint64_t *places = mem_zalloc(g->words.count * sizeof(*places));
	struct walk w = {.g = g, .places = places};

	if (!place_words(&w, text))
		return false;

	uint64_t to = walk_node(&w, g->contexts.all[context]->body, 1);

	return is_prefix_enough ? w.may_continue : (to & w.end);
}

bool grammar_accepts(const struct grammar *g, size_t context, struct span text)
{
	return walk(g, context, text, false);
}

bool grammar_accepts_prefix(const struct grammar *g, size_t context, struct span text)
{
	return walk(g, context, text, true);
}

/* ---- samples ----------------------------------------------------------------------------------------------------------- */

struct sampler {
	const struct grammar *g;
	uint64_t *seed;
	char *text;
	size_t len, cap;
	bool is_full;
};

static void sample_node(struct sampler *s, uint32_t at);

static void sample_word(struct sampler *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len + n + 2 > s->cap) {
		s->is_full = true;
		return;
	}
	if (s->len)
		s->text[s->len++] = ' ';
	memcpy(s->text + s->len, word, n + 1);
	s->len += n;
}

static void sample_alternative(struct sampler *s, const struct node *node)
{
	uint32_t count = 0;

	for (uint32_t child = node->child; child != NO_NODE; child = s->g->nodes[child].next)
		count++;

	uint32_t pick = prng_u32(s->seed) % count, child = node->child;

	while (pick--)
		child = s->g->nodes[child].next;
	sample_node(s, child);
}

static void sample_node(struct sampler *s, uint32_t at)
{
	const struct node *node = &s->g->nodes[at];

	if (s->is_full)
		return;

	switch (node->kind) {
	case WORD:
		sample_word(s, s->g->words.all[node->value]->name);
		break;
	case RULE:
		sample_node(s, s->g->rules.all[node->value]->body);
		break;
	case SEQUENCE:
		for (uint32_t child = node->child; child != NO_NODE; child = s->g->nodes[child].next)
			sample_node(s, child);
		break;
	case ALTERNATIVES:
		sample_alternative(s, node);
		break;
	case ONCE_OR_MORE:
		sample_node(s, node->child);
		/* fall through */
	case OPTIONAL:
	case ANY_TIMES:
		while (!s->is_full && prng_u32(s->seed) % 2) {
			sample_node(s, node->child);
			if (node->kind == OPTIONAL)
				break;
		}
		break;
	}
}

bool grammar_sample(const struct grammar *g, size_t context, uint64_t *seed, char *ret_text, size_t n)
{
	struct sampler s = {.g = g, .seed = seed, .text = ret_text, .cap = n};

	ret_text[0] = 0;
	sample_node(&s, g->contexts.all[context]->body);

	return !s.is_full;
}

/* ---- dictionary -------------------------------------------------------------------------------------------------------- */

/* "word", and "word(2)" for its further pronunciations. */
static struct span headword(struct span line)
{
	struct span word = span(line.p, MIN(span_find(line, ' '), span_find(line, '\t')));

	if (word.n > 3 && word.p[word.n - 1] == ')')
		word.n = MIN(word.n, span_find(word, '('));

	return word;
}

char *grammar_dictionary(const struct grammar *g, struct span dictionary, struct grammar_error *ret_error)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	auto_free bool *has = mem_zalloc(g->words.count);

	assert(out);
	while (dictionary.n) {
		struct span line = span_cut(&dictionary, '\n');
		struct symbol *word = symbol_find(&g->words, headword(line));

		/* A say line replaces what the dictionary has. */
		if (!word || word->is_pronounced)
			continue;
		has[word->index] = true;
		fprintf(out, "%.*s\n", SPAN_FMT(line));
	}
	if (g->say)
		fputs(g->say, out);
	fclose(out);

	for (size_t i = 0; i < g->words.count; i++) {
		const struct symbol *word = g->words.all[i];

		if (has[i] || word->is_pronounced)
			continue;
		ret_error->line = word->line;
		snprintf(ret_error->words, sizeof(ret_error->words),
			"\"%.40s\" has no pronunciation; add: say %.40s = PHONES ;", word->name, word->name);
		free(text);
		return NULL;
	}

	return text;
}
