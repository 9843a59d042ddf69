/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/parse_words.h"
#include <ctype.h>

static const char *const numbers[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", NULL};
static const char *const tens[] = {"twenty", "thirty", "forty", "fifty", NULL};
static const char *const ordinals[] = {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
	"ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
	"eighteenth", "nineteenth", "twentieth", NULL};

struct cutter {
	struct said *out;
	size_t used;
	bool is_open; /* a word is being written */
};

static void end_word(struct cutter *c)
{
	if (c->is_open)
		c->out->text[c->used++] = 0;
	c->is_open = false;
}

static void put_char(struct cutter *c, char ch)
{
	struct said *out = c->out;

	if (c->used + 2 > sizeof(out->text))
		return;
	if (!c->is_open) {
		if (out->count == PARSE_WORDS_MAX)
			return;
		out->at[out->count++] = out->text + c->used;
		c->is_open = true;
	}
	out->text[c->used++] = ch;
}

/* The dot of "a.m." separates as a blank would; "3pm" and "2:30" are cut where digits end. Apostrophes stay. */
void said_cut(struct span text, struct said *ret)
{
	struct cutter c = {.out = ret};
	char before = ' ';

	ret->count = 0;
	for (size_t i = 0; i < text.n; i++) {
		char ch = (char)tolower((unsigned char)text.p[i]);
		bool is_suffix = isdigit((unsigned char)before) && isalpha((unsigned char)ch);

		if (!isalnum((unsigned char)ch) && ch != '\'' && !((unsigned char)ch & 0x80))
			ch = ' ';
		/* Ordinals stay whole: "5th". */
		if (is_suffix && (ch == 'a' || ch == 'p'))
			end_word(&c);
		if (ch == ' ')
			end_word(&c);
		else
			put_char(&c, ch);
		before = ch;
	}
	end_word(&c);
	for (size_t i = ret->count; i < ARRAY_LEN(ret->at); i++)
		ret->at[i] = "";

	/* "am" and "pm" as the recogniser says them. */
	for (size_t i = 0; i < ret->count; i++)
		if (i && strcmp(ret->at[i], "pm") == 0 && ret->count < PARSE_WORDS_MAX) {
			memmove(&ret->at[i + 1], &ret->at[i], (ret->count - i) * sizeof(ret->at[0]));
			ret->at[i] = "p";
			ret->at[i + 1] = "m";
			ret->count++;
		} else if (i && strcmp(ret->at[i], "am") == 0 && strcmp(ret->at[i - 1], "i") != 0 &&
			   ret->count < PARSE_WORDS_MAX) {
			memmove(&ret->at[i + 1], &ret->at[i], (ret->count - i) * sizeof(ret->at[0]));
			ret->at[i] = "a";
			ret->at[i + 1] = "m";
			ret->count++;
		}
}

size_t said_match(const struct said *w, size_t i, const char *phrase)
{
	struct span rest = span_z(phrase);

	while (rest.n) {
		struct span word = span_cut(&rest, ' ');

		if (i >= w->count || !span_eq_z(word, w->at[i]))
			return 0;
		i++;
	}

	return i;
}

size_t said_find(const struct said *w, const char *phrase)
{
	for (size_t i = 0; i < w->count; i++) {
		size_t end = said_match(w, i, phrase);

		if (end)
			return end;
	}

	return 0;
}

size_t said_find_any(const struct said *w, const char *const *phrases)
{
	for (; *phrases; phrases++) {
		size_t end = said_find(w, *phrases);

		if (end)
			return end;
	}

	return 0;
}

int word_index(const char *word, const char *const *list)
{
	for (int i = 0; list[i]; i++)
		if (strcmp(word, list[i]) == 0)
			return i;

	return -1;
}

bool word_is(const char *word, const char *const *set)
{
	return word_index(word, set) >= 0;
}

int word_number(const struct said *w, size_t i, size_t *ret_used)
{
	const char *word = w->at[i];
	uint32_t digits;
	int ten = word_index(word, tens), one;

	*ret_used = 1;
	if (strlen(word) <= 2 && span_u32(span_z(word), &digits))
		return digits < 60 ? (int)digits : -1;
	if (ten < 0)
		return word_index(word, numbers);

	one = word_index(w->at[i + 1], numbers);
	if (one >= 1 && one <= 9) {
		*ret_used = 2;
		return 20 + 10 * ten + one;
	}

	return 20 + 10 * ten;
}

int word_ordinal(const struct said *w, size_t i, size_t *ret_used)
{
	const char *word = w->at[i];
	size_t digits = strspn(word, "0123456789");
	int ten = word_index(word, tens), one = word_index(word, ordinals);
	uint32_t value;

	*ret_used = 1;
	if (digits && digits <= 2 && strlen(word) == digits + 2 && span_u32(span(word, digits), &value))
		return value >= 1 && value <= 31 ? (int)value : -1;
	if (one >= 0)
		return one + 1;
	if (strcmp(word, "thirtieth") == 0)
		return 30;
	if (ten != 0 && ten != 1)
		return -1;
	one = word_index(w->at[i + 1], ordinals) + 1;
	*ret_used = 2;

	return one >= 1 && one <= (ten == 0 ? 9 : 1) ? 20 + 10 * ten + one : -1;
}
