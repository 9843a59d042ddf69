/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/words.h"
#include <ctype.h>

/* ---- letters ---------------------------------------------------------------------------------------------------------- */

/* U+00E0 to U+00FF, the small letters of Latin-1; 0: no ASCII letter looks like it. */
static const char folded_latin1[] = {'a', 'a', 'a', 'a', 'a', 'a', 0, 'c', 'e', 'e', 'e', 'e', 'i', 'i', 'i', 'i', 0, 'n', 'o',
	'o', 'o', 'o', 'o', 0, 'o', 'u', 'u', 'u', 'u', 'y', 0, 'y'};

/* The second byte of a two-byte Latin-1 letter, made small: A0..BF. 0: p does not begin one. */
static unsigned char latin1_small(const char *p, size_t n)
{
	unsigned char second = n > 1 && (unsigned char)p[0] == 0xC3 ? (unsigned char)p[1] : 0;

	if (second < 0x80 || second > 0xBF)
		return 0;

	return second < 0xA0 && second != 0x97 && second != 0x9F ? second + 0x20 : second;
}

void words_fold(struct span s, char *ret_text, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < s.n && used + 3 < n; i++) {
		unsigned char small = latin1_small(s.p + i, s.n - i);

		if (small >= 0xA0 && folded_latin1[small - 0xA0]) {
			ret_text[used++] = folded_latin1[small - 0xA0];
			i++;
		} else if (small) {
			ret_text[used++] = (char)0xC3;
			ret_text[used++] = (char)small;
			i++;
		} else {
			ret_text[used++] = (char)tolower((unsigned char)s.p[i]);
		}
	}
	ret_text[used] = 0;
}

void words_capitalise(const char *word, char *ret_text, size_t n)
{
	buf_copy(ret_text, n, word);
	if ((unsigned char)word[0] == 0xC3 && (unsigned char)word[1] >= 0xA0 && n > 2)
		ret_text[1] = (char)(word[1] - 0x20);
	else
		ret_text[0] = (char)toupper((unsigned char)ret_text[0]);
}

/* ---- cutting ---------------------------------------------------------------------------------------------------------- */

struct cutter {
	struct words *out;
	size_t used, raw_used;
	bool is_open; /* a word is being written */
};

static void end_word(struct cutter *c)
{
	if (c->is_open) {
		c->out->text[c->used++] = 0;
		c->out->raw_text[c->raw_used++] = 0;
	}
	c->is_open = false;
}

static bool begin_word(struct cutter *c)
{
	struct words *out = c->out;

	/* Room for two bytes and the ends of both. */
	if (c->raw_used + 4 > sizeof(out->raw_text) || (!c->is_open && out->count == WORDS_MAX))
		return false;
	if (!c->is_open) {
		out->at[out->count] = out->text + c->used;
		out->raw[out->count++] = out->raw_text + c->raw_used;
		c->is_open = true;
	}

	return true;
}

static void put(struct cutter *c, const char *raw, size_t n, const char *folded, size_t folded_n)
{
	if (!begin_word(c))
		return;
	memcpy(c->out->raw_text + c->raw_used, raw, n);
	memcpy(c->out->text + c->used, folded, folded_n);
	c->raw_used += n;
	c->used += folded_n;
}

static bool is_digit_at(struct span s, size_t i)
{
	return i < s.n && isdigit((unsigned char)s.p[i]);
}

/* "1,250" is one number, "12.50" and "12,50" too; "monday, two" and "the 3." are not. */
static bool is_inside_number(struct span s, size_t i)
{
	if (!i || !is_digit_at(s, i - 1) || !is_digit_at(s, i + 1))
		return false;
	if (s.p[i] == '.')
		return true;

	return s.p[i] == ',' && is_digit_at(s, i + 2) && !is_digit_at(s, i + 3 + is_digit_at(s, i + 3));
}

/* A comma in front of two digits is a decimal one ("12,50"), in front of three it groups ("1,250"). */
static bool is_decimal(struct span s, size_t i)
{
	return s.p[i] == '.' || !is_digit_at(s, i + 3);
}

/* Signs that mean something stand alone: "$12", "+44". Other punctuation only separates. */
static void put_sign(struct cutter *c, struct span text, size_t i)
{
	char ch = text.p[i];

	if (is_inside_number(text, i)) {
		if (is_decimal(text, i))
			put(c, ".", 1, ".", 1);
		return;
	}
	end_word(c);
	if ((strchr("$+#%", ch) && ch) || (ch == '-' && is_digit_at(text, i + 1) && (!i || text.p[i - 1] == ' '))) {
		put(c, &ch, 1, &ch, 1);
		end_word(c);
	}
}

/* Bytes of a character outside Latin-1: its length is in its first byte. Apostrophes of typographers become plain ones. */
static size_t put_wide(struct cutter *c, struct span text, size_t i)
{
	unsigned char first = (unsigned char)text.p[i];
	size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;

	n = MIN(n, text.n - i);
	if (n == 3 && memcmp(text.p + i, "\xe2\x80\x99", 3) == 0)
		put(c, "'", 1, "'", 1);
	else if (n == 3 && first == 0xE2 && memcmp(text.p + i, "\xe2\x82\xac", 3) != 0)
		end_word(c); /* dashes, quotes, dots */
	else if (n == 2 && first == 0xC2)
		end_word(c); /* inverted marks, no-break space, currency signs */
	else
		for (size_t k = 0; k < n; k++)
			put(c, text.p + i + k, 1, text.p + i + k, 1);

	return n;
}

static size_t put_char(struct cutter *c, struct span text, size_t i)
{
	unsigned char ch = (unsigned char)text.p[i], small = latin1_small(text.p + i, text.n - i);
	char raw[2] = {(char)0xC3, (char)small};

	if (small >= 0xA0 && folded_latin1[small - 0xA0]) {
		put(c, raw, 2, &folded_latin1[small - 0xA0], 1);
		return 2;
	}
	if (small) {
		put(c, raw, 2, raw, 2);
		return 2;
	}
	if (ch >= 0x80)
		return put_wide(c, text, i);
	if (isalnum(ch) || ch == '\'') {
		raw[0] = (char)tolower(ch);
		/* "3pm", "5th": what follows digits is another word. */
		if (isalpha(ch) && i && is_digit_at(text, i - 1))
			end_word(c);
		put(c, raw, 1, raw, 1);
	} else {
		put_sign(c, text, i);
	}

	return 1;
}

void words_cut(struct span text, struct words *ret)
{
	struct cutter c = {.out = ret};

	ret->count = 0;
	for (size_t i = 0; i < text.n;)
		i += put_char(&c, text, i);
	end_word(&c);
	for (size_t i = ret->count; i < ARRAY_LEN(ret->at); i++)
		ret->at[i] = ret->raw[i] = "";
}

size_t words_match(const struct words *w, size_t i, const char *phrase)
{
	struct span rest = span_z(phrase);

	/* Most do not even begin alike. */
	if (!rest.n || i >= w->count || phrase[0] != w->at[i][0])
		return 0;
	while (rest.n) {
		struct span word = span_cut(&rest, ' ');

		if (i >= w->count || !span_eq_z(word, w->at[i]))
			return 0;
		i++;
	}

	return i;
}
