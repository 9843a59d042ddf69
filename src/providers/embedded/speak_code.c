/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_say.h"
#include <ctype.h>

/* What is said sign by sign: telephone numbers, codes, spelled words, addresses. */

enum { CODE_DIGITS = 5 }; /* so many digits in a row are read one by one; fewer are a number */

/* Where a long run of digits takes a breath. */
static bool is_breath(struct span digits, size_t said)
{
	if (digits.n == 7)
		return said == 3;
	if (digits.n == 10)
		return said == 3 || said == 6;
	if (digits.n == 11 && digits.p[0] == '1')
		return said == 1 || said == 4 || said == 7;

	return digits.n >= CODE_DIGITS && said % 3 == 0 && digits.n - said >= 2;
}

static void say_run(struct say *s, struct span digits)
{
	for (size_t i = 0; i < digits.n; i++) {
		if (i && is_breath(digits, i))
			say_mark(s, ',');
		say_letter(s, digits.p[i]);
	}
}

/* ---- telephone numbers ---------------------------------------------------------------------------------------------- */

struct telephone {
	size_t words, digits, groups, group[4];
	bool has_sign; /* + or ( at its beginning, or a 0 */
	bool has_marks;
	char mark;
};

static bool take_groups(struct telephone *t, struct span core, bool is_first)
{
	size_t in_group = 0;

	for (size_t i = 0; i <= core.n; i++) {
		char c = i < core.n ? core.p[i] : '-';

		if (isdigit((unsigned char)c)) {
			in_group++;
			continue;
		}
		if (c == '+' && i == 0 && is_first) {
			t->has_sign = true;
			continue;
		}
		if (!strchr("-./()", c) || (!in_group && i == core.n))
			return false;
		if (in_group) {
			if (t->groups < ARRAY_LEN(t->group))
				t->group[t->groups] = in_group;
			t->groups++;
			t->digits += in_group;
		}
		if (i < core.n) {
			t->has_marks = true;
			t->mark = c;
		}
		in_group = 0;
	}

	return true;
}

static struct telephone find_telephone(const struct say *s, size_t i)
{
	struct telephone t = {0};

	t.has_sign = s->words[i].all.p[0] == '(' || s->words[i].core.p[0] == '0';
	for (size_t k = i; k < s->count; k++) {
		struct telephone more = t;

		if (!take_groups(&more, s->words[k].core, k == i) || more.digits > 15)
			break;
		t = more;
		t.words++;
		if (say_ends(s, k) || strchr(".", s->words[k].all.p[s->words[k].all.n - 1]))
			break;
	}

	return t;
}

/* "1.000.000" where the dot groups thousands. */
static bool is_grouped(const struct telephone *t, char group)
{
	bool are_threes = t->groups > 1 && t->mark == group;

	for (size_t i = 1; i < MIN(t->groups, ARRAY_LEN(t->group)); i++)
		are_threes = are_threes && t->group[i] == 3;

	return are_threes && t->group[0] <= 3;
}

static bool is_telephone(const struct telephone *t)
{
	bool is_american = (t->groups == 2 && t->group[0] == 3 && t->group[1] == 4) ||
		(t->groups == 3 && t->group[0] == 3 && t->group[1] == 3 && t->group[2] == 4);
	bool are_years = t->groups == 2 && t->group[0] == 4 && t->group[1] == 4;

	if (t->digits < 7 || t->words == 0)
		return false;
	if (t->has_sign)
		return t->groups > 1 || t->digits >= CODE_DIGITS;
	if (t->mark == '.' && t->groups < 3)
		return false;

	return is_american || (t->has_marks && t->words == 1 && !are_years);
}

size_t say_telephone(struct say *s, size_t i)
{
	struct telephone t = find_telephone(s, i);

	if (!is_telephone(&t) || is_grouped(&t, s->lang->group))
		return 0;

	for (size_t k = i; k < i + t.words; k++) {
		struct span rest = s->words[k].core;

		say_from(s, k);
		if (k > i)
			say_mark(s, ',');
		if (rest.p[0] == '+')
			say_text(s, s->lang->plus);
		for (bool is_first = true; rest.n;) {
			struct span digits = span_digits(&rest);

			if (digits.n && !is_first)
				say_mark(s, ',');
			say_run(s, digits);
			is_first = is_first && !digits.n;
			if (rest.n && !isdigit((unsigned char)rest.p[0]))
				rest = span(rest.p + 1, rest.n - 1);
		}
	}

	return t.words;
}

/* ---- digits ---------------------------------------------------------------------------------------------------------- */

/* "extension 204", "the code is 204" */
static bool has_lead(const struct say *s, size_t i)
{
	for (size_t back = 1; back <= 2 && back <= i; back++) {
		struct span before = s->words[i - back].core;

		if (word_is_in(before, s->lang->code_leads))
			return true;
	}

	return false;
}

size_t say_digits(struct say *s, size_t i)
{
	struct span core = s->words[i].core;
	uint64_t n = 0;

	if (core.n > 1 && core.p[0] == '#')
		core = span(core.p + 1, core.n - 1);
	if (!span_is_digits(core) || core.n < 2)
		return 0;

	bool is_round = span_u64(core, &n) && n % 1000 == 0 && core.p[0] != '0' && core.n < 16;
	bool is_code = core.p[0] == '0' || (core.n >= CODE_DIGITS && !is_round) || (core.n >= 3 && has_lead(s, i));

	if (!is_code)
		return 0;
	say_run(s, core);

	return 1;
}

/* ---- codes ----------------------------------------------------------------------------------------------------------- */

static bool has_vowel(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (strchr("aeiouyAEIOUY", word.p[i]))
			return true;

	return false;
}

static struct span take_run(struct span *rest, int (*is_of)(int))
{
	size_t n = 0;

	while (n < rest->n && is_of((unsigned char)rest->p[n]))
		n++;

	struct span run = span(rest->p, n);

	*rest = span(rest->p + n, rest->n - n);

	return run;
}

static bool is_code(struct span core)
{
	size_t capitals = 0, digits = 0;

	for (size_t i = 0; i < core.n; i++) {
		char c = core.p[i];

		if (isupper((unsigned char)c))
			capitals++;
		else if (isdigit((unsigned char)c))
			digits++;
		else if (!strchr("-/._#", c) || i == 0)
			return false;
	}

	return capitals && digits;
}

/* "AB-1234", "X7K9", "BA117" */
size_t say_code(struct say *s, size_t i)
{
	struct span rest = s->words[i].core;
	size_t before = 0;

	if (!is_code(rest))
		return 0;
	while (rest.n) {
		struct span letters = take_run(&rest, isupper), digits;
		bool is_word = letters.n > 3 && has_vowel(letters); /* COVID-19 */

		if (is_word) {
			say_word(s, letters);
			if (rest.n && rest.p[0] == '-')
				rest = span(rest.p + 1, rest.n - 1);
		} else {
			if (letters.n && (letters.n > 1 || before > 1) && before)
				say_mark(s, ',');
			for (size_t k = 0; k < letters.n; k++)
				say_letter(s, letters.p[k]);
		}
		digits = span_digits(&rest);
		if (digits.n && letters.n && !is_word && (letters.n > 1 || digits.n > 1))
			say_mark(s, ',');
		if (is_word && digits.n && digits.n < 3)
			(void)!say_plain_amount(s, digits, s->lang->cardinal);
		else
			say_run(s, digits);
		before = digits.n;
		if (rest.n && !isalnum((unsigned char)rest.p[0])) {
			say_mark(s, ',');
			rest = span(rest.p + 1, rest.n - 1);
			before = 0;
		}
	}

	return 1;
}

/* ---- spelled words ------------------------------------------------------------------------------------------------------ */

/* "S-M-I-T-H", "U.S": single letters with the same mark between. */
static bool is_spelled(struct span core)
{
	char mark = core.n > 1 ? core.p[1] : 0;

	if (core.n < 3 || core.n % 2 == 0 || (mark != '-' && mark != '.'))
		return false;
	for (size_t i = 0; i < core.n; i++) {
		unsigned char c = (unsigned char)core.p[i];

		if (i % 2 ? c != (unsigned char)mark : !(mark == '.' ? isupper(c) : isalpha(c)))
			return false;
	}

	return true;
}

static bool is_letter(struct span core)
{
	return core.n == 1 && isupper((unsigned char)core.p[0]);
}

size_t say_spelled(struct say *s, size_t i)
{
	struct span core = s->words[i].core;
	size_t n = 0;

	if (is_spelled(core)) {
		for (size_t k = 0; k < core.n; k += 2) {
			if (k && core.p[1] == '-')
				say_mark(s, ',');
			say_letter(s, core.p[k]);
		}
		return 1;
	}
	/* "S M I T H": two may be anything ("plan B I like"), three in a row are spelled. */
	while (is_letter(say_core(s, i + n)))
		n++;
	if (n < 3)
		return 0;
	for (size_t k = i; k < i + n; k++) {
		say_from(s, k);
		if (k > i)
			say_mark(s, ',');
		say_letter(s, s->words[k].core.p[0]);
	}

	return n;
}

/* Capitals that are no word: "FBI", "VIN". Among other capitals somebody only shouts. */
size_t say_capitals(struct say *s, size_t i)
{
	struct span core = s->words[i].core, rest = core;

	if (take_run(&rest, isupper).n != core.n || core.n < 2 || core.n > 6 || word_is_in(core, s->lang->said_whole))
		return 0;
	if (core.n > 3 && has_vowel(core))
		return 0;
	for (size_t side = 0; side < 2; side++) {
		struct span near_one = side ? say_core(s, i + 1) : i ? say_core(s, i - 1) : span(NULL, 0);
		struct span left = near_one;

		if (near_one.n > 3 && take_run(&left, isupper).n == near_one.n)
			return 0;
	}
	for (size_t k = 0; k < core.n; k++)
		say_letter(s, core.p[k]);

	return 1;
}

/* ---- addresses ---------------------------------------------------------------------------------------------------------- */

static bool is_domain(struct span core)
{
	static const char *const ends[] = {"com", "org", "net", "edu", "gov", "info", "biz", "io", "co", "uk", "us", "de", "es", "eu", "fr",
		"it", "nl", "ch", "at", "ca", "au", "mx", "dev", "app", "ai", "me", "tv", NULL};
	size_t slash = span_find(core, '/'), dot = slash;

	for (size_t i = 0; i < slash; i++) {
		char c = core.p[i];

		if (!isalnum((unsigned char)c) && c != '-' && c != '.')
			return false;
		if (c == '.')
			dot = i;
	}

	return dot > 0 && dot < slash && word_is_in(span(core.p + dot + 1, slash - dot - 1), ends);
}

static struct span without_scheme(struct span core)
{
	static const char *const schemes[] = {"https://", "http://", "mailto:", "sip:", "sips:"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (span_istarts(core, schemes[i]))
			core = span(core.p + strlen(schemes[i]), core.n - strlen(schemes[i]));
	while (core.n && core.p[core.n - 1] == '/')
		core.n--;

	return core;
}

static const char *symbol_text(const struct speak_lang *l, char c)
{
	for (const struct speak_pair *p = l->symbols; p->written; p++)
		if (p->written[0] == c)
			return p->spoken;

	return NULL;
}

/* A part of an address: a word when it can be one, else its letters. */
static void say_part(struct say *s, struct span part)
{
	bool is_word = (part.n > 2 && has_vowel(part)) || span_ieq_z(part, "co");

	if (is_word) {
		say_word(s, part);
		return;
	}
	for (size_t i = 0; i < part.n; i++)
		say_letter(s, part.p[i]);
}

size_t say_address(struct say *s, size_t i)
{
	struct span core = without_scheme(s->words[i].core), rest = core;
	size_t at = span_find(core, '@');
	bool is_mail = at > 0 && at + 1 < core.n;

	if (!is_mail && core.n == s->words[i].core.n && !span_istarts(core, "www.") && !is_domain(core))
		return 0;
	while (rest.n) {
		const char *symbol = symbol_text(s->lang, rest.p[0]);
		struct span part = take_run(&rest, isalpha);

		if (part.n) {
			say_part(s, part);
			continue;
		}
		part = span_digits(&rest);
		if (part.n) {
			say_run(s, part);
			continue;
		}
		if (rest.p[0] == '@')
			say_mark(s, ',');
		if (symbol)
			say_text(s, symbol);
		rest = span(rest.p + 1, rest.n - 1);
	}

	return 1;
}
