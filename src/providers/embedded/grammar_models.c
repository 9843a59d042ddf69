/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include "providers/embedded/automaton.h"
#include "providers/embedded/grammar_tree.h"

enum { SENTENCE_BYTES = 1024 };

/* ---- phrases ---------------------------------------------------------------------------------------------------------- */

/* Arcs of each state are from first[state] to before first[state + 1]. */
static size_t *index_arcs(const struct automaton *a)
{
	size_t *first = mem_zalloc((a->state_count + 1) * sizeof(*first));

	for (size_t s = 0, arc = 0; s <= a->state_count; s++) {
		while (arc < a->arc_count && a->arcs[arc].from < s)
			arc++;
		first[s] = arc;
	}

	return first;
}

struct phrases {
	const struct grammar *g;
	const struct automaton *a;
	const size_t *first;
	size_t count, max;
	char text[SENTENCE_BYTES];
	FILE *out; /* NULL: count only */
};

/* Every sentence from that state on; false when they are too many, or too long, as those of a loop are. */
static bool spell_out(struct phrases *p, uint32_t state, size_t len)
{
	if (p->a->is_final[state]) {
		if (p->count++ == p->max)
			return false;
		if (p->out)
			fprintf(p->out, "\"%.*s\",", (int)len, p->text);
	}
	for (size_t i = p->first[state]; i < p->first[state + 1]; i++) {
		const char *word = grammar_word(p->g, p->a->arcs[i].word);
		size_t n = strlen(word);

		if (len + n + 2 > sizeof(p->text))
			return false;
		if (len)
			p->text[len] = ' ';
		memcpy(p->text + len + (len > 0), word, n);
		if (!spell_out(p, p->a->arcs[i].to, len + n + (len > 0)))
			return false;
	}

	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The words that the automaton has, each once; the caller frees. */
static uint32_t *words_of(const struct automaton *a, size_t *ret_count)
{
	uint32_t *words = mem_zalloc((a->arc_count + 1) * sizeof(*words));
	size_t n = 0;

	for (size_t i = 0; i < a->arc_count; i++)
		words[i] = a->arcs[i].word;
	qsort(words, a->arc_count, sizeof(*words), by_value);
	for (size_t i = 0; i < a->arc_count; i++)
		if (i == 0 || words[i] != words[i - 1])
			words[n++] = words[i];
	*ret_count = n;

	return words;
}

static void write_samples(const struct phrases *p, size_t context, uint64_t seed)
{
	char **texts = mem_zalloc((p->max + 1) * sizeof(*texts)), text[SENTENCE_BYTES];
	size_t n = 0, words;
	auto_free uint32_t *word = words_of(p->a, &words);

	for (size_t i = 0; i < p->max; i++)
		if (grammar_sample(p->g, context, &seed, text, sizeof(text)))
			texts[n++] = mem_strdup(text);
	qsort(texts, n, sizeof(*texts), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			fprintf(p->out, "\"%s\",", texts[i]);
	for (size_t i = 0; i < words; i++)
		fprintf(p->out, "\"%s\",", grammar_word(p->g, word[i]));
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

char *grammar_write_phrases(const struct grammar *g, size_t context, size_t max, uint64_t seed)
{
	struct automaton *a;
	char *text = NULL;
	size_t len = 0;

	if (automaton_new(&a, g, context) < 0)
		return NULL;

	auto_free size_t *first = index_arcs(a);
	struct phrases p = {.g = g, .a = a, .first = first, .max = max};
	bool is_small = spell_out(&p, 0, 0);

	p.out = open_memstream(&text, &len);
	assert(p.out);
	fputc('[', p.out);
	p.count = 0;
	if (is_small)
		spell_out(&p, 0, 0);
	else
		write_samples(&p, context, seed);
	fputs("\"[unk]\"]", p.out);
	fclose(p.out);
	automaton_free(a);

	return text;
}

/* ---- language model --------------------------------------------------------------------------------------------------- */

/*
 * N-grams are numbers of 21 bits a word, so that sorting brings those of one history together. Words of the context count from
 * 0 on in the order of words_of; behind them stand the marks of begin and end.
 */
#define WORD_BITS 21
#define WORD_MASK ((UINT64_C(1) << WORD_BITS) - 1)

struct counts {
	uint64_t *grams; /* sorted, each occurrence */
	size_t count, cap;
};

struct model {
	const struct grammar *g;
	uint32_t *words;
	size_t word_count;
	uint64_t begin, end;
	struct counts of[3]; /* of one, two, three words */
};

static int by_gram(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void count_gram(struct counts *c, uint64_t gram)
{
	if (c->count == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 4096;
		c->grams = mem_realloc(c->grams, c->cap * sizeof(*c->grams));
	}
	c->grams[c->count++] = gram;
}

/* Samples have words of the context only. */
static uint64_t number_of(const struct model *m, struct span word)
{
	uint32_t index = symbol_find(&m->g->words, word)->index;
	const uint32_t *at = bsearch(&index, m->words, m->word_count, sizeof(*m->words), by_value);

	return (uint64_t)(at - m->words);
}

static void count_sentence(struct model *m, struct span text)
{
	uint64_t before = 0, last = m->begin;
	bool is_first = true;

	while (text.n || last != m->end) {
		uint64_t word = text.n ? number_of(m, span_cut(&text, ' ')) : m->end;

		count_gram(&m->of[0], word);
		count_gram(&m->of[1], last << WORD_BITS | word);
		if (!is_first)
			count_gram(&m->of[2], (before << WORD_BITS | last) << WORD_BITS | word);
		is_first = false;
		before = last;
		last = word;
	}
}

/* Occurrences of the grams from first to last, both included, and how many different ones. */
static size_t occurrences(const struct counts *c, uint64_t first, uint64_t last, size_t *ret_kinds)
{
	size_t lo = 0, hi = c->count, n = 0;

	*ret_kinds = 0;
	while (lo < hi) {
		size_t middle = (lo + hi) / 2;

		if (c->grams[middle] < first)
			lo = middle + 1;
		else
			hi = middle;
	}
	for (; lo < c->count && c->grams[lo] <= last; lo++, n++)
		*ret_kinds += n == 0 || c->grams[lo] != c->grams[lo - 1];

	return n;
}

/* What follows a history, in all and in kinds. */
static size_t followers(const struct model *m, int order, uint64_t history, size_t *ret_kinds)
{
	return occurrences(&m->of[order], history << WORD_BITS, history << WORD_BITS | WORD_MASK, ret_kinds);
}

/* Witten-Bell: what was never seen behind a history gets the share that news had until now. */
static double probability(const struct model *m, int order, uint64_t gram)
{
	size_t kinds, own = occurrences(&m->of[order], gram, gram, &kinds);

	if (order == 0) /* each word once more than it came up */
		return (double)(own + 1) / (double)(m->of[0].count + m->word_count + 1);

	size_t all = followers(m, order, gram >> WORD_BITS, &kinds);
	uint64_t shorter = gram & ((UINT64_C(1) << order * WORD_BITS) - 1);

	return ((double)own + (double)kinds * probability(m, order - 1, shorter)) / (double)(all + kinds);
}

static void write_word(const struct model *m, uint64_t word, FILE *out)
{
	fprintf(out, " %s", word == m->begin ? "<s>" : word == m->end ? "</s>" : grammar_word(m->g, m->words[word]));
}

static void write_gram(const struct model *m, int order, uint64_t gram, FILE *out)
{
	size_t kinds, all = 0;

	if (order == 0 && gram == m->begin)
		fputs("-99", out);
	else
		fprintf(out, "%.5f", log10(probability(m, order, gram)));
	for (int i = order; i >= 0; i--)
		write_word(m, gram >> i * WORD_BITS & WORD_MASK, out);
	if (order < 2)
		all = followers(m, order + 1, gram, &kinds);
	if (all)
		fprintf(out, " %.5f", log10((double)kinds / (double)(all + kinds)));
	fputc('\n', out);
}

static void write_model(const struct model *m, FILE *out)
{
	size_t kinds[3];

	occurrences(&m->of[1], 0, UINT64_MAX, &kinds[1]);
	occurrences(&m->of[2], 0, UINT64_MAX, &kinds[2]);
	kinds[0] = m->word_count + 2;
	fputs("\\data\\\n", out);
	for (int order = 0; order < 3; order++)
		fprintf(out, "ngram %d=%zu\n", order + 1, kinds[order]);
	fputs("\n\\1-grams:\n", out);
	for (uint64_t word = 0; word < kinds[0]; word++)
		write_gram(m, 0, word, out);
	for (int order = 1; order < 3; order++) {
		const struct counts *c = &m->of[order];

		fprintf(out, "\n\\%d-grams:\n", order + 1);
		for (size_t i = 0; i < c->count; i++)
			if (i == 0 || c->grams[i] != c->grams[i - 1])
				write_gram(m, order, c->grams[i], out);
	}
	fputs("\n\\end\\\n", out);
}

/* Counts the n-grams of random sentences. */
static int model_init(struct model *m, const struct grammar *g, size_t context, size_t sentences, uint64_t seed)
{
	struct automaton *a;
	char sentence[SENTENCE_BYTES];
	int err = automaton_new(&a, g, context);

	*m = (struct model){.g = g};
	if (err)
		return err;
	m->words = words_of(a, &m->word_count);
	automaton_free(a);
	m->begin = m->word_count;
	m->end = m->word_count + 1;
	for (size_t i = 0; i < sentences; i++)
		if (grammar_sample(g, context, &seed, sentence, sizeof(sentence)))
			count_sentence(m, span_z(sentence));
	for (int order = 0; order < 3; order++)
		if (m->of[order].count)
			qsort(m->of[order].grams, m->of[order].count, sizeof(*m->of[order].grams), by_gram);

	return 0;
}

static void model_done(struct model *m)
{
	for (int order = 0; order < 3; order++)
		free(m->of[order].grams);
	free(m->words);
}

char *grammar_write_arpa(const struct grammar *g, size_t context, size_t sentences, uint64_t seed)
{
	struct model m;
	char *text = NULL;
	size_t len = 0;

	if (model_init(&m, g, context, sentences, seed) < 0)
		return NULL;

	FILE *out = open_memstream(&text, &len);

	assert(out);
	write_model(&m, out);
	fclose(out);
	model_done(&m);

	return text;
}
