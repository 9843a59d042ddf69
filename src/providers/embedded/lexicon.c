/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/lexicon.h"
#include "providers/embedded/grammar_tree.h"

/* Dictionaries with marks of stress ("AH0") serve as well. */
static struct span without_stress(struct span phone)
{
	while (phone.n && phone.p[phone.n - 1] >= '0' && phone.p[phone.n - 1] <= '9')
		phone.n--;

	return phone;
}

/* One line: "word PHONE PHONE", "word(2) PHONE PHONE". */
static int read_line(struct lexicon_entry *entry, const struct grammar *g, const struct acoustic *a, struct span line,
	struct span *ret_bad)
{
	size_t head = MIN(span_find(line, ' '), span_find(line, '\t'));
	struct span word = span(line.p, MIN(head, span_find(line, '('))), rest = span_trim(span(line.p + head, line.n - head));
	struct symbol *symbol = symbol_find(&g->words, word);

	*ret_bad = word;
	if (!symbol)
		return -TR_EPARSE;
	entry->word = symbol->index;
	entry->phone_count = 0;
	for (; rest.n; rest = span_trim(rest)) {
		struct span phone = span_cut(&rest, ' ');

		*ret_bad = phone;
		if (entry->phone_count == LEXICON_PHONES_MAX ||
		    !acoustic_phone_find(a, without_stress(phone), &entry->phones[entry->phone_count++]))
			return -TR_EPARSE;
	}
	*ret_bad = word;

	return entry->phone_count ? 0 : -TR_EPARSE;
}

static int by_word(const void *a, const void *b)
{
	const struct lexicon_entry *x = a, *y = b;

	return (x->word > y->word) - (x->word < y->word);
}

static void index_words(struct lexicon *l, size_t words)
{
	qsort(l->entries, l->count, sizeof(*l->entries), by_word);
	l->first = mem_zalloc((words + 1) * sizeof(*l->first));
	for (size_t w = 0, i = 0; w <= words; w++) {
		while (i < l->count && l->entries[i].word < w)
			i++;
		l->first[w] = (uint32_t)i;
	}
}

int lexicon_new(struct lexicon **ret, const struct grammar *g, const struct acoustic *a, struct span dictionary, char *ret_why,
	size_t why_n)
{
	struct lexicon *l = mem_zalloc(sizeof(*l));
	size_t cap = 0;

	while (dictionary.n) {
		struct span line = span_cut(&dictionary, '\n'), bad;

		if (!line.n)
			continue;
		if (l->count == cap) {
			cap = cap ? 2 * cap : 256;
			l->entries = mem_realloc(l->entries, cap * sizeof(*l->entries));
		}
		if (read_line(&l->entries[l->count++], g, a, line, &bad) < 0) {
			snprintf(ret_why, why_n, "\"%.*s\": the speech model has no sound \"%.*s\"",
				(int)MIN(span_find(line, ' '), (size_t)40), line.p, (int)MIN(bad.n, (size_t)20), bad.p);
			lexicon_free(l);
			return -TR_EPARSE;
		}
	}
	index_words(l, grammar_word_count(g));
	*ret = l;

	return 0;
}

struct lexicon *lexicon_free(struct lexicon *l)
{
	if (!l)
		return NULL;

	free(l->entries);
	free(l->first);
	free(l);

	return NULL;
}
