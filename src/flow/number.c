/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/value.h"
#include <ctype.h>

/* Numbers, ordinals, digits, telephone numbers, money and spelled words. */

enum { NUMBER_MAX = 1000000000, DIGITS_MAX = 32 };

static const char *word_at(const struct value_reading *r, size_t i)
{
	return i < r->words->count && !(r->used && r->used[i]) ? r->words->at[i] : "";
}

static bool has(const struct value_reading *r, const struct lang_table *t, size_t i)
{
	return word_at(r, i)[0] && lang_has(t, r->words, i);
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------- */

struct sum {
	int64_t total, group; /* group: below the next scale */
	size_t end;
	bool is_begun;
};

/* "twenty" takes 1 to 9 behind it, "hundred" 1 to 99; what does not fit begins another number. */
static bool add_word(struct sum *s, int64_t v)
{
	int64_t below_ten = s->group % 10, below_hundred = s->group % 100;

	if (v >= 1000 && !s->is_begun)
		s->total = v; /* "a thousand" */
	else if (!s->is_begun || (s->group == 0 && s->total))
		s->group = v;
	else if (v >= 1 && v <= 9 && below_ten == 0 && below_hundred >= 20)
		s->group += v;
	else if (v >= 1 && v <= 99 && s->group >= 100 && below_hundred == 0)
		s->group += v;
	else
		return false;
	s->is_begun = true;

	return true;
}

static bool add_scale(struct sum *s, int64_t scale, bool is_of_one)
{
	/* "mil" stands for one of them, also behind millions. */
	if (scale == 100 ? s->group < 1 || s->group > 9 : s->group < 1 && s->is_begun && !(is_of_one && s->total))
		return false;
	if (scale == 100) {
		s->group *= 100;
		return true;
	}
	if (s->total && s->total % (scale * 1000))
		return false;
	s->total += MAX(s->group, 1) * scale;
	s->group = 0;
	s->is_begun = true;

	return s->total < NUMBER_MAX;
}

/* The longest of both tables: "a hundred" has no part of its own. */
static const struct lang_entry *find_number(const struct value_reading *r, size_t i, size_t *ret_end)
{
	size_t also_end;
	const struct lang_entry *e = lang_find(&r->lang->numbers, r->words, i, ret_end);
	const struct lang_entry *also = lang_find(&r->lang->numbers_also, r->words, i, &also_end);

	if (also_end <= *ret_end)
		return e;
	*ret_end = also_end;

	return also;
}

static size_t read_number_words(const struct value_reading *r, size_t i, int64_t *ret)
{
	struct sum s = {0};
	size_t end, start = i;
	bool is_of_one;

	while (word_at(r, i)[0]) {
		const struct lang_entry *word = find_number(r, i, &end), *scale;
		struct sum before = s;

		if (word && add_word(&s, word->value)) {
			s.end = i = end;
			continue;
		}
		s = before;
		scale = lang_find(&r->lang->scales, r->words, i, &end);
		is_of_one = scale && scale->value == 1000 && r->lang->has_scale_of_one;
		if (scale && (s.is_begun || is_of_one) && add_scale(&s, scale->value, is_of_one)) {
			s.end = i = end;
			continue;
		}
		s = before;
		/* "and" counts only when the number goes on behind it. */
		if (s.is_begun && i == s.end && has(r, &r->lang->joiners, i))
			i++;
		else
			break;
	}
	*ret = s.total + s.group;
	/* A "one" that is an article too ("un") counts only inside of a number. */
	if (s.is_begun && *ret == 1 && s.end == start + 1 && lang_find(&r->lang->numbers_also, r->words, start, &end))
		return 0;

	return s.is_begun ? s.end : 0;
}

/* "12", "1250"; with a fraction it is money or nothing. */
static size_t read_number_digits(const struct value_reading *r, size_t i, int64_t *ret)
{
	uint32_t v;

	if (!span_u32(span_z(word_at(r, i)), &v) || v > NUMBER_MAX)
		return 0;
	*ret = v;

	return i + 1;
}

size_t value_read_number(const struct value_reading *r, size_t i, int64_t *ret)
{
	size_t end = read_number_digits(r, i, ret);

	return end ? end : read_number_words(r, i, ret);
}

size_t value_read_ordinal(const struct value_reading *r, size_t i, int64_t *ret)
{
	size_t end;
	const struct lang_entry *e = word_at(r, i)[0] ? lang_find(&r->lang->ordinals, r->words, i, &end) : NULL;
	int64_t tens, unit;

	if (e) {
		*ret = e->value;
		return end;
	}
	end = read_number_digits(r, i, ret);
	if (end && has(r, &r->lang->ordinal_suffixes, end))
		return end + 1;

	/* "twenty first" */
	e = word_at(r, i)[0] ? lang_find(&r->lang->numbers, r->words, i, &end) : NULL;
	tens = e ? e->value : 0;
	if (tens < 20 || tens > 90 || tens % 10)
		return 0;
	e = word_at(r, end)[0] ? lang_find(&r->lang->ordinals, r->words, end, &end) : NULL;
	unit = e ? e->value : 0;
	*ret = tens + unit;

	return unit >= 1 && unit <= 9 ? end : 0;
}

/* ---- digits ----------------------------------------------------------------------------------------------------------- */

struct digits {
	char text[DIGITS_MAX + 1];
	size_t n;
};

static bool put_digits(struct digits *d, const char *digits, size_t times)
{
	size_t n = strlen(digits);

	if (d->n + n * times > DIGITS_MAX)
		return false;
	for (size_t k = 0; k < times; k++, d->n += n)
		memcpy(d->text + d->n, digits, n);
	d->text[d->n] = 0;

	return true;
}

/* "seven", "oh", "forty two", "double five": appends; the index behind it, or 0. */
static size_t read_some_digits(const struct value_reading *r, size_t i, struct digits *d)
{
	size_t end = 0, times = 1;
	const struct lang_entry *e = word_at(r, i)[0] ? lang_find(&r->lang->repeats, r->words, i, &end) : NULL;
	char text[24];
	int64_t n;

	if (word_is_digits(word_at(r, i)))
		return put_digits(d, word_at(r, i), 1) ? i + 1 : 0;
	if (e && e->value >= 2 && e->value <= 4) {
		times = (size_t)e->value;
		i = end;
		if (word_is_digits(word_at(r, i)))
			return strlen(word_at(r, i)) == 1 && put_digits(d, word_at(r, i), times) ? i + 1 : 0;
	}
	e = word_at(r, i)[0] ? lang_find(&r->lang->digits, r->words, i, &end) : NULL;
	if (e) {
		n = e->value;
	} else {
		end = read_number_words(r, i, &n);
		if (!end || (times > 1 && n > 9))
			return 0;
	}
	snprintf(text, sizeof(text), "%" PRId64, n);

	return put_digits(d, text, times) ? end : 0;
}

/* Letter i as UTF-8, upper case; "b", "bee", "bravo", "b as in boy". */
static size_t read_letter(const struct value_reading *r, size_t i, char *ret_letter, size_t cap)
{
	size_t end = 0, as_end;
	const struct lang_entry *e = word_at(r, i)[0] ? lang_find(&r->lang->letters, r->words, i, &end) : NULL;
	char small[3] = "";

	if (!e && word_at(r, i)[0])
		e = lang_find(&r->lang->alphabet, r->words, i, &end);
	if (!e)
		return 0;
	if (e->value > 0xff) {
		small[0] = (char)(e->value >> 8);
		small[1] = (char)(e->value & 0xff);
	} else {
		small[0] = (char)e->value;
	}
	words_capitalise(small, ret_letter, cap);
	if (word_at(r, end)[0] && lang_find(&r->lang->letter_as, r->words, end, &as_end) && word_at(r, as_end)[0])
		return as_end + 1;

	return end;
}

static bool is_filler(const struct value_reading *r, size_t i)
{
	return has(r, &r->lang->fillers, i) || strcmp(word_at(r, i), "-") == 0;
}

/* "double l" */
static size_t read_letters(const struct value_reading *r, size_t i, struct digits *d)
{
	size_t end = 0, times = 1;
	const struct lang_entry *e = word_at(r, i)[0] ? lang_find(&r->lang->repeats, r->words, i, &end) : NULL;
	char letter[4];

	if (e && e->value >= 2 && e->value <= 4) {
		times = (size_t)e->value;
		i = end;
	}
	end = read_letter(r, i, letter, sizeof(letter));

	return end && put_digits(d, letter, times) ? end : 0;
}

/* What a keyboard writes in one piece: "AB12". */
static size_t read_code(const struct value_reading *r, size_t i, struct digits *d)
{
	const char *word = word_at(r, i);
	char upper[DIGITS_MAX + 1] = "";
	size_t n = strlen(word);

	if (!n || n > DIGITS_MAX || strspn(word, "abcdefghijklmnopqrstuvwxyz") == n || strspn(word, "0123456789") == n ||
		strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789") != n)
		return 0;
	for (size_t k = 0; k < n; k++)
		upper[k] = (char)toupper((unsigned char)word[k]);

	return put_digits(d, upper, 1) ? i + 1 : 0;
}

size_t value_read_digits(const struct value_reading *r, size_t i, bool may_be_letters, struct value *ret)
{
	struct digits d = {0};
	size_t end = 0;

	while (i < r->words->count) {
		/* Where letters may be, "o" is one. */
		bool is_letter = may_be_letters && isalpha((unsigned char)word_at(r, i)[0]) && !word_at(r, i)[1];
		size_t next = is_letter ? 0 : read_some_digits(r, i, &d);

		if (!next && may_be_letters)
			next = read_letters(r, i, &d);
		if (!next && may_be_letters)
			next = read_code(r, i, &d);
		if (next)
			end = next;
		else if (end && is_filler(r, i))
			next = i + 1;
		else
			break;
		i = next;
	}
	if (!end)
		return 0;
	*ret = (struct value){.is_set = true, .number = (int64_t)d.n};
	buf_copy(ret->text, sizeof(ret->text), d.text);

	return end;
}

size_t value_read_phone(const struct value_reading *r, size_t i, struct value *ret)
{
	bool has_plus = strcmp(word_at(r, i), "+") == 0;
	struct value digits;
	size_t end = value_read_digits(r, i + has_plus, false, &digits);

	if (!end)
		return 0;
	*ret = digits;
	snprintf(ret->text, sizeof(ret->text), "%s%.*s", has_plus ? "+" : "", DIGITS_MAX, digits.text);

	return end;
}

size_t value_read_spelled(const struct value_reading *r, size_t i, size_t least, struct value *ret)
{
	struct digits d = {0};
	size_t count = 0, end = 0, next;

	while ((next = read_letters(r, i, &d))) {
		end = i = next;
		count++;
	}
	if (count < least)
		return 0;
	*ret = (struct value){.is_set = true, .number = (int64_t)count};
	buf_copy(ret->text, sizeof(ret->text), d.text);

	return end;
}

/* ---- money ------------------------------------------------------------------------------------------------------------ */

/* "12.50" in cents. */
static bool read_decimal(const char *word, int64_t *ret_cents)
{
	struct span rest = span_z(word), whole = span_cut(&rest, '.');
	uint32_t a, b;

	if (!span_u32(whole, &a) || a > NUMBER_MAX)
		return false;
	*ret_cents = (int64_t)a * 100;
	if (!rest.p)
		return true;
	if (!span_u32(rest, &b) || rest.n > 2)
		return false;
	*ret_cents += rest.n == 1 ? b * 10 : b;

	return true;
}

/* "$12.50", "12.50 dollars", and alone where it is asked for. */
static size_t read_written_money(const struct value_reading *r, size_t i, bool is_loose, int64_t *ret_cents)
{
	bool has_sign = word_at(r, i)[0] && !isalnum((unsigned char)word_at(r, i)[0]) && has(r, &r->lang->units, i);
	size_t unit_end;

	i += has_sign;
	if (!read_decimal(word_at(r, i), ret_cents))
		return 0;
	i++;
	if (word_at(r, i)[0] && lang_find(&r->lang->units, r->words, i, &unit_end))
		return unit_end;
	if (!has_sign && has(r, &r->lang->cents, i)) {
		*ret_cents /= 100;
		return i + 1;
	}

	return has_sign || (is_loose && strchr(word_at(r, i - 1), '.')) ? i : 0;
}

/* The captures of a way to say money: whole units first, then cents, told apart by the words behind them. */
static int64_t cents_of(const struct pattern_match *m)
{
	int64_t cents = 0, pending = -1;
	bool has_unit = false;

	for (size_t k = 0; k < m->capture_count; k++) {
		const struct pattern_capture *c = &m->captures[k];

		if (c->ref == LANG_REF_UNIT) {
			cents += MAX(pending, 0) * 100;
			pending = -1;
			has_unit = true;
		} else if (c->ref == LANG_REF_CENT) {
			cents += MAX(pending, 0);
			pending = -1;
		} else if (c->ref == LANG_REF_NUMBER) {
			/* "twelve fifty": the number before is of units. */
			if (pending >= 0 && !has_unit) {
				cents += pending * 100;
				has_unit = true;
			}
			pending = c->value;
		}
	}
	if (pending >= 0)
		cents += has_unit ? pending : pending * 100;

	return cents;
}

size_t value_read_money(const struct value_reading *r, size_t i, bool is_loose, struct value *ret)
{
	struct pattern_match m;
	int64_t cents;
	size_t best = read_written_money(r, i, is_loose, &cents);

	for (size_t k = 0; k < r->lang->moneys.count; k++) {
		const struct lang_saying *s = &r->lang->moneys.all[k];

		if ((s->is_loose && !is_loose) || !value_match(r, s->pattern, i, &m) || m.end <= best)
			continue;
		best = m.end;
		cents = cents_of(&m);
	}
	if (best)
		*ret = (struct value){.is_set = true, .number = cents};

	return best;
}
