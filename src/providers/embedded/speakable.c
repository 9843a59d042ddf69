/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_say.h"
#include <ctype.h>

#define FILLER 1 /* a byte that was part of a longer character: dropped when words are cut, so that offsets stay */

/* ---- the writer ------------------------------------------------------------------------------------------------------- */

void say_word(struct say *s, struct span word)
{
	struct speakable *out = s->out;

	if (!word.n)
		return;
	if (out->word_count == SPEAKABLE_WORDS_MAX || out->text_len + word.n + 2 > sizeof(out->text)) {
		s->is_full = true;
		return;
	}
	if (out->text_len)
		out->text[out->text_len++] = ' ';
	memcpy(out->text + out->text_len, word.p, word.n);
	out->text_len += word.n;
	out->text[out->text_len] = 0;
	out->source_end[out->word_count++] = s->source_end;
}

void say_text(struct say *s, const char *text)
{
	for (struct span rest = span_z(text); rest.p;)
		say_word(s, span_cut(&rest, ' '));
}

/* It belongs to the word before, so that it makes no word of its own. */
void say_mark(struct say *s, char mark)
{
	struct speakable *out = s->out;

	if (out->text_len == 0 || out->text_len + 2 > sizeof(out->text) || strchr(",.;:!?", out->text[out->text_len - 1]))
		return;
	out->text[out->text_len++] = mark;
	out->text[out->text_len] = 0;
}

void say_number(struct say *s, const struct speak_set *set, uint64_t n)
{
	char text[NUMBER_TEXT];

	if (speak_number(set, n, text, sizeof(text)) == 0) {
		say_text(s, text);
		return;
	}
	/* Larger than has a name. */
	snprintf(text, sizeof(text), "%" PRIu64, n);
	for (const char *p = text; *p; p++)
		say_letter(s, *p);
}

void say_letter(struct say *s, char c)
{
	char upper = (char)toupper((unsigned char)c);

	if (isdigit((unsigned char)c)) {
		say_number(s, s->lang->cardinal, (uint64_t)(c - '0'));
		return;
	}
	for (const struct speak_pair *p = s->lang->letters; p->written; p++)
		if (p->written[0] == upper) {
			say_text(s, p->spoken);
			return;
		}
	say_word(s, span(&upper, 1));
}

void say_pattern(struct say *s, const char *pattern, const struct say_slot *slots, size_t n)
{
	for (struct span rest = span_z(pattern), word; rest.p;) {
		word = span_cut(&rest, ' ');
		if (word.n < 2 || word.p[0] != '%') {
			say_word(s, word);
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			if (slots[i].name != word.p[1])
				continue;
			if (slots[i].set)
				say_number(s, slots[i].set, slots[i].n);
			else
				say_text(s, slots[i].text);
		}
		if (word.n > 2)
			say_mark(s, word.p[2]);
	}
}

/* ---- helpers ---------------------------------------------------------------------------------------------------------- */

void say_from(struct say *s, size_t i)
{
	s->source_end = s->words[i].end;
}

struct span say_core(const struct say *s, size_t i)
{
	return i < s->count ? s->words[i].core : span(NULL, 0);
}

bool say_ends(const struct say *s, size_t i)
{
	struct span all = s->words[i].all;

	return i + 1 >= s->count || strchr(",;:!?", all.p[all.n - 1]);
}

struct span span_digits(struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && isdigit((unsigned char)rest->p[n]))
		n++;

	struct span digits = span(rest->p, n);

	*rest = span(rest->p + n, rest->n - n);

	return digits;
}

bool span_is_digits(struct span s)
{
	return span_digits(&s).n > 0 && s.n == 0;
}

bool word_is_in(struct span word, const char *const *list)
{
	for (; *list; list++)
		if (span_ieq_z(word, *list))
			return true;

	return false;
}

/* ---- words that are no shape ------------------------------------------------------------------------------------------- */

static bool begins_with_capital(struct span word)
{
	return word.n && isupper((unsigned char)word.p[0]);
}

static bool fits(const struct say *s, size_t i, enum speak_when when)
{
	struct span all = s->words[i].all, core = s->words[i].core, next = say_core(s, i + 1);
	bool has_dot = core.p + core.n < all.p + all.n && core.p[core.n] == '.';
	bool has_name_before = i > 0 && begins_with_capital(s->words[i - 1].core) && !say_ends(s, i - 1);

	switch (when) {
	case SPEAK_ALWAYS:
		return true;
	case SPEAK_DOTTED:
		/* At the end of a sentence the dot is its full stop, and the word what it says. */
		return has_dot && next.n;
	case SPEAK_BEFORE_NAME:
		return has_dot && begins_with_capital(next) && !has_name_before;
	case SPEAK_AFTER_NAME:
		return has_dot && has_name_before;
	case SPEAK_BEFORE_NUMBER:
		return has_dot && next.n && isdigit((unsigned char)next.p[0]);
	}

	return false;
}

static size_t say_abbreviation(struct say *s, size_t i)
{
	struct span core = s->words[i].core;

	for (const struct speak_abbreviation *a = s->lang->abbreviations; a->written; a++)
		if (span_ieq_z(core, a->written) && fits(s, i, a->when)) {
			say_text(s, a->spoken);
			return 1;
		}

	return 0;
}

static size_t say_sign(struct say *s, size_t i)
{
	struct span all = s->words[i].all;
	const char *word = span_eq_z(all, "&") ? s->lang->and_word : span_eq_z(all, "+") ? s->lang->plus : NULL;

	if (span_eq_z(all, "=") || span_eq_z(all, "@"))
		for (const struct speak_pair *p = s->lang->symbols; p->written; p++)
			if (p->written[0] == all.p[0])
				word = p->spoken;
	if (!word)
		return 0;
	say_text(s, word);

	return 1;
}

/* As it stands; accents are taken off for a voice that knows none. */
static size_t say_as_is(struct say *s, size_t i)
{
	static const struct {
		const char *from;
		char to;
	} plain[] = {{"á", 'a'}, {"à", 'a'}, {"â", 'a'}, {"ä", 'a'}, {"ã", 'a'}, {"å", 'a'}, {"ç", 'c'}, {"é", 'e'}, {"è", 'e'},
		{"ê", 'e'}, {"ë", 'e'}, {"í", 'i'}, {"ì", 'i'}, {"î", 'i'}, {"ï", 'i'}, {"ñ", 'n'}, {"ó", 'o'}, {"ò", 'o'}, {"ô", 'o'},
		{"ö", 'o'}, {"õ", 'o'}, {"ø", 'o'}, {"ú", 'u'}, {"ù", 'u'}, {"û", 'u'}, {"ü", 'u'}, {"ý", 'y'}, {"É", 'E'}, {"Á", 'A'},
		{"Ó", 'O'}, {"Ö", 'O'}, {"Ü", 'U'}, {"Ä", 'A'}, {"Ñ", 'N'}};
	struct span all = s->words[i].all;
	char text[LIMIT_TTS_TEXT_BYTES];
	size_t n = 0;

	for (size_t at = 0; at < all.n; at++) {
		char c = all.p[at];

		for (size_t k = 0; s->lang->is_ascii && (unsigned char)c >= 0x80 && k < ARRAY_LEN(plain); k++)
			if (at + 2 <= all.n && memcmp(all.p + at, plain[k].from, 2) == 0) {
				c = plain[k].to;
				at++;
			}
		if (!s->lang->is_ascii || (unsigned char)c < 0x80)
			text[n++] = c;
	}

	bool has_sound = false;

	for (size_t k = 0; k < n; k++)
		has_sound = has_sound || isalnum((unsigned char)text[k]) || (unsigned char)text[k] >= 0x80;
	if (has_sound)
		say_word(s, span(text, n));
	else if (n)
		say_mark(s, ',');

	return 1;
}

/* ---- from text to words ------------------------------------------------------------------------------------------------- */

/* Typographic characters to plain ones of the same length. */
static void clean(const char *source, size_t n, char *ret_text)
{
	static const struct {
		const char *from, *to;
	} table[] = {{"’", "'"}, {"‘", "'"}, {"“", "\""}, {"”", "\""}, {"—", ","}, {"–", "-"}, {"…", "."}, {"\xc2\xa0", " "},
		{"\xe2\x80\xaf", " "}, {"−", "-"}, {"×", "x"}, {"‑", "-"}};

	for (size_t i = 0; i < n;) {
		size_t used = 1;

		ret_text[i] = source[i] == FILLER ? ' ' : source[i];
		for (size_t k = 0; k < ARRAY_LEN(table); k++) {
			size_t len = strlen(table[k].from);

			if (i + len > n || memcmp(source + i, table[k].from, len) != 0)
				continue;
			ret_text[i] = table[k].to[0];
			memset(ret_text + i + 1, FILLER, len - 1);
			used = len;
		}
		i += used;
	}
	ret_text[n] = 0;
}

static bool is_before(char c)
{
	return c != '\0' && strchr("(\"'[{<*", c);
}

static bool is_behind(char c)
{
	return c != '\0' && strchr(".,;:!?)\"'][}>*", c);
}

/* A word's bytes are moved together over its fillers; its end in the source is remembered. */
static void cut_words(struct say *s, char *text)
{
	char *to = text;

	for (size_t at = 0; text[at] && s->count < WRITTEN_WORDS_MAX;) {
		struct written *w = &s->words[s->count];
		char *from = to;

		for (; text[at] && !isspace((unsigned char)text[at]); at++)
			if (text[at] != FILLER)
				*to++ = text[at];
		if (to > from) {
			w->all = w->core = span(from, (size_t)(to - from));
			w->end = (uint32_t)at;
			while (w->core.n && is_before(w->core.p[0]))
				w->core = span(w->core.p + 1, w->core.n - 1);
			while (w->core.n && is_behind(w->core.p[w->core.n - 1]))
				w->core.n--;
			s->count++;
		}
		while (text[at] && isspace((unsigned char)text[at]))
			at++;
	}
}

/* The punctuation behind a shape's last word. */
static void say_tail(struct say *s, size_t last, bool is_dot_its_own)
{
	const struct written *w = &s->words[last];
	const char *tail = w->core.p + w->core.n, *end = w->all.p + w->all.n;

	for (; tail < end; tail++)
		if (strchr(",;:!?", *tail)) {
			say_mark(s, *tail);
			return;
		}
	/* A dot is a full stop only where a sentence can end: at the end of the text or before a capital. */
	if (end > w->core.p + w->core.n && w->core.p[w->core.n] == '.' &&
		(last + 1 >= s->count || (!is_dot_its_own && begins_with_capital(say_core(s, last + 1)))))
		say_mark(s, '.');
	else if (end > w->core.p + w->core.n && w->core.p[w->core.n] == ')')
		say_mark(s, ',');
}

static void say_next(struct say *s, size_t *i)
{
	static say_shape *const shapes[] = {say_address, say_date, say_time, say_money, say_telephone, say_measure, say_ordinal, say_range,
		say_spelled, say_code, say_digits, say_amount, say_sign, say_abbreviation, say_capitals};

	for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
		say_from(s, *i);

		size_t used = s->words[*i].core.n || shapes[k] == say_sign ? shapes[k](s, *i) : 0;

		if (!used)
			continue;
		*i += used;
		say_tail(s, *i - 1, shapes[k] == say_abbreviation);
		return;
	}
	say_from(s, *i);
	*i += say_as_is(s, *i);
}

int speakable_make(const char *source, const char *language, struct speakable *ret)
{
	const struct speak_lang *lang = speak_lang_find(language);
	size_t n = strlen(source);
	char text[LIMIT_TTS_TEXT_BYTES + 1];

	ret->text_len = ret->word_count = 0;
	ret->text[0] = 0;
	if (!lang)
		return -TR_EUNSUPP;
	if (n > LIMIT_TTS_TEXT_BYTES)
		return -TR_ETOOBIG;

	auto_free struct say *s = mem_zalloc(sizeof(*s));

	s->lang = lang;
	s->out = ret;
	clean(source, n, text);
	cut_words(s, text);
	for (size_t i = 0; i < s->count;)
		say_next(s, &i);

	return s->is_full ? -TR_ETOOBIG : 0;
}
