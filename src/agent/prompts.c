/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prompts.h"
#include <ctype.h>
#include <stdatomic.h>
#include "audio/resample.h"

enum { RATES = 2, WORDS_MAX = LIMIT_AGENT_REPLY_BYTES / 2 + 1 };
static const int rates_hz[RATES] = {8000, 16000};

struct prompt {
	char *words; /* normalised, a blank between two */
	size_t word_count;
	bool is_open_before, is_open_behind; /* written with "..." */
	int16_t *pcm[RATES];
	size_t n[RATES];
};

struct prompts {
	_Atomic uint32_t refs;
	struct prompt items[LIMIT_PROMPTS];
	size_t count, bytes;
};

/* ---- words --------------------------------------------------------------------------------------------------------------- */

/* A word of a text: what is compared, and where it stands with its punctuation. */
struct word {
	struct span core;
	size_t from, to;
	bool begins, ends; /* a clause begins before it, ends behind it */
};

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* The typographic marks that stand at words' edges, and what a keyboard has for them. */
static size_t mark_bytes(const char *p, size_t n)
{
	static const char *const marks[] = {"’", "‘", "“", "”", "…", "—", "–", "¿", "¡", "«", "»"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (n >= strlen(marks[i]) && memcmp(p, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);

	return n && !is_letter(*p) ? 1 : 0;
}

static struct span trim_marks(struct span s)
{
	size_t used;

	while (s.n && (used = mark_bytes(s.p, s.n)))
		s = span(s.p + used, s.n - used);
	for (bool is_cut = true; is_cut && s.n;) {
		is_cut = false;
		for (size_t n = 1; n <= 3 && n <= s.n && !is_cut; n++)
			if (mark_bytes(s.p + s.n - n, n) == n) {
				s.n -= n;
				is_cut = true;
			}
	}

	return s;
}

/* The next word from *at that has letters; what stands alone ("-") belongs to the gap and ends a clause. */
static bool next_word(const char *text, size_t *at, struct word *ret)
{
	for (;;) {
		while (text[*at] && isspace((unsigned char)text[*at]))
			(*at)++;

		size_t from = *at;

		while (text[*at] && !isspace((unsigned char)text[*at]))
			(*at)++;
		if (*at == from)
			return false;

		struct span all = span(text + from, *at - from), core = trim_marks(all);

		if (!core.n)
			continue;
		*ret = (struct word){.core = core, .from = from, .to = *at};
		ret->ends = core.p + core.n < all.p + all.n;
		return true;
	}
}

static size_t cut_words(const char *text, struct word *ret, size_t cap)
{
	size_t n = 0, at = 0;

	while (n < cap && next_word(text, &at, &ret[n])) {
		ret[n].begins = n == 0 || ret[n - 1].ends;
		n++;
	}
	if (n)
		ret[n - 1].ends = true;

	return n;
}

/* A typographic apostrophe inside a word is an apostrophe. */
static bool same_word(struct span a, struct span b)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		bool is_quote_a = a.n - i >= 3 && memcmp(a.p + i, "’", 3) == 0, is_quote_b = b.n - k >= 3 && memcmp(b.p + k, "’", 3) == 0;
		int x = is_quote_a ? '\'' : tolower((unsigned char)a.p[i]), y = is_quote_b ? '\'' : tolower((unsigned char)b.p[k]);

		if (x != y)
			return false;
		i += is_quote_a ? 3 : 1;
		k += is_quote_b ? 3 : 1;
	}

	return i == a.n && k == b.n;
}

/* ---- finding ------------------------------------------------------------------------------------------------------------- */

/* How many words of the prompt the text has from its first word on: all of them, or all of the text. */
static size_t common_words(const struct prompt *p, const struct word *words, size_t count)
{
	struct span rest = span_z(p->words);
	size_t n = 0;

	for (; n < count && rest.p; n++)
		if (!same_word(span_cut(&rest, ' '), words[n].core))
			break;

	return n;
}

struct search {
	const struct prompts *set;
	const struct word *words;
	size_t count;
	bool is_all;
};

/* The longest prompt at word i; *ret_maybe: the text ends inside a longer one. */
static const struct prompt *find_at(const struct search *s, size_t i, bool *ret_maybe)
{
	const struct prompt *best = NULL;

	*ret_maybe = false;
	for (size_t k = 0; k < s->set->count; k++) {
		const struct prompt *p = &s->set->items[k];
		size_t left = s->count - i;

		if (!s->words[i].begins && !p->is_open_before)
			continue;

		size_t n = common_words(p, s->words + i, left);

		if (n == p->word_count) {
			bool is_edge = s->words[i + n - 1].ends || p->is_open_behind;

			if (is_edge && (!best || best->word_count < n))
				best = p;
		} else if (n == left && !s->is_all) {
			*ret_maybe = true;
		}
	}

	return best;
}

enum prompts_match prompts_find(
	const struct prompts *p, const char *text, bool is_all, uint32_t rate_hz, struct prompt_hit *ret)
{
	size_t cap = MIN(strlen(text) / 2 + 1, WORDS_MAX);
	auto_free struct word *words = malloc(cap * sizeof(*words));
	int rate = rate_hz == 16000;
	struct search s = {p, words, words ? cut_words(text, words, cap) : 0, is_all};

	for (size_t i = 0; i < s.count; i++) {
		bool is_maybe;
		const struct prompt *hit = find_at(&s, i, &is_maybe);

		if (!hit && !is_maybe)
			continue;
		*ret = (struct prompt_hit){.from = words[i].from};
		if (is_maybe)
			return PROMPTS_MAYBE;
		ret->to = words[i + hit->word_count - 1].to;
		ret->pcm = hit->pcm[rate];
		ret->n = hit->n[rate];
		return PROMPTS_HIT;
	}

	return PROMPTS_NONE;
}

/* ---- making -------------------------------------------------------------------------------------------------------------- */

static bool has_dots(struct span s, bool is_front)
{
	static const char *const dots[] = {"...", "…"};

	for (size_t i = 0; i < ARRAY_LEN(dots); i++)
		if (s.n >= 3 && memcmp(is_front ? s.p : s.p + s.n - 3, dots[i], 3) == 0)
			return true;

	return false;
}

/* Fills in words; false without any. */
static bool set_words(struct prompt *p, const char *phrase)
{
	struct span all = span_trim(span_z(phrase));
	size_t at = 0, n = 0;
	struct word w;

	p->is_open_before = has_dots(all, true);
	p->is_open_behind = has_dots(all, false);
	p->words = calloc(all.n + 1, 1);
	while (p->words && next_word(phrase, &at, &w)) {
		if (n)
			p->words[n++] = ' ';
		memcpy(p->words + n, w.core.p, w.core.n);
		n += w.core.n;
		p->word_count++;
	}

	return n > 0;
}

static bool is_known(const struct prompts *set, const struct prompt *p)
{
	auto_free struct word *words = malloc(p->word_count * sizeof(*words));
	size_t n = words ? cut_words(p->words, words, p->word_count) : 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].word_count == n && common_words(&set->items[i], words, n) == n)
			return true;

	return false;
}

/* What the filter holds back at the end is fetched with silence, what it puts before the beginning is left out. */
static int convert(struct prompt *p, int to, const int16_t *pcm, size_t n, int rate_hz)
{
	static const int16_t silence[480];
	struct resample *r = NULL;
	size_t cap = n * (size_t)rates_hz[to] / (size_t)rate_hz, got = 0;
	int16_t part[2048];
	int err = resample_new(rate_hz, rates_hz[to], &r);

	if (err)
		return err;

	int skip = resample_delay(r);

	p->pcm[to] = calloc(cap + 1, sizeof(int16_t));
	for (size_t at = 0; p->pcm[to] && got < cap && at < n + (size_t)rate_hz; at += ARRAY_LEN(silence)) {
		size_t left = at < n ? MIN(n - at, ARRAY_LEN(silence)) : ARRAY_LEN(silence);
		int out = resample_run(r, at < n ? pcm + at : silence, (int)left, part), from = MIN(skip, out);
		size_t take = MIN((size_t)(out - from), cap - got);

		skip -= from;
		memcpy(p->pcm[to] + got, part + from, take * sizeof(int16_t));
		got += take;
	}
	p->n[to] = got;
	resample_free(r);

	return p->pcm[to] ? 0 : -ENOMEM;
}

static void drop(struct prompt *p)
{
	free(p->words);
	for (int i = 0; i < RATES; i++)
		free(p->pcm[i]);
}

int prompts_add(struct prompts *p, const char *phrase, const int16_t *pcm, size_t n, int rate_hz)
{
	struct prompt item = {0};
	int err = 0;

	if (strlen(phrase) > LIMIT_PROMPT_BYTES || (rate_hz > 0 && n / (size_t)rate_hz * 1000 > LIMIT_PROMPT_MS))
		return -TR_ETOOBIG;
	if (p->count == LIMIT_PROMPTS)
		return -TR_ELIMIT;
	if (n == 0 || !set_words(&item, phrase))
		err = -EINVAL;
	else if (is_known(p, &item))
		err = -EEXIST;
	for (int i = 0; i < RATES && !err; i++)
		err = convert(&item, i, pcm, n, rate_hz);

	size_t bytes = (item.n[0] + item.n[1]) * sizeof(int16_t);

	if (!err && p->bytes + bytes > LIMIT_PROMPTS_BYTES)
		err = -TR_ELIMIT;
	if (err) {
		drop(&item);
		return err;
	}
	p->bytes += bytes;
	p->items[p->count++] = item;

	return 0;
}

size_t prompts_count(const struct prompts *p)
{
	return p->count;
}

struct prompts *prompts_new(void)
{
	struct prompts *p = calloc(1, sizeof(*p));

	if (p)
		atomic_init(&p->refs, 1);

	return p;
}

struct prompts *prompts_ref(struct prompts *p)
{
	atomic_fetch_add(&p->refs, 1);

	return p;
}

struct prompts *prompts_unref(struct prompts *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return NULL;

	for (size_t i = 0; i < p->count; i++)
		drop(&p->items[i]);
	free(p);

	return NULL;
}
