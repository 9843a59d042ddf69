/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_say.h"
#include <ctype.h>

/* Numbers, money, measures, ordinals, ranges. */

struct amount {
	bool is_negative;
	uint64_t whole;
	struct span whole_digits; /* as written, when there is no grouping */
	struct span decimals;
};

/* Digits with or without groups of three behind the language's mark. */
static bool parse_whole(const struct speak_lang *l, struct span *rest, struct amount *ret)
{
	char digits[24];
	size_t n = 0, group = 0;
	bool is_grouped = false;
	size_t at = 0;

	for (; at < rest->n; at++) {
		char c = rest->p[at];

		if (isdigit((unsigned char)c)) {
			if (n + 1 >= sizeof(digits))
				return false;
			digits[n++] = c;
			group++;
		} else if (c == l->group && n > 0 && at + 3 < rest->n + 0 && (is_grouped ? group == 3 : group <= 3) &&
			isdigit((unsigned char)rest->p[at + 1])) {
			is_grouped = true;
			group = 0;
		} else {
			break;
		}
	}
	if (is_grouped && group != 3)
		return false;
	ret->whole_digits = is_grouped ? span(NULL, 0) : span(rest->p, at);
	*rest = span(rest->p + at, rest->n - at);
	if (n == 0)
		return rest->n > 1 && rest->p[0] == l->point; /* ".5" */

	return span_u64(span(digits, n), &ret->whole);
}

static bool parse_amount(const struct speak_lang *l, struct span core, struct amount *ret)
{
	struct amount a = {0};

	if (core.n > 1 && (core.p[0] == '-' || core.p[0] == '+')) {
		a.is_negative = core.p[0] == '-';
		core = span(core.p + 1, core.n - 1);
	}
	if (!parse_whole(l, &core, &a))
		return false;
	if (core.n > 1 && core.p[0] == l->point) {
		core = span(core.p + 1, core.n - 1);
		a.decimals = span_digits(&core);
	}
	if (core.n)
		return false;
	*ret = a;

	return true;
}

static void say_parsed(struct say *s, const struct amount *a, const struct speak_set *set)
{
	if (a->is_negative)
		say_text(s, s->lang->minus);
	say_number(s, a->decimals.n ? s->lang->cardinal : set, a->whole);
	if (a->decimals.n)
		say_text(s, s->lang->point_word);
	for (size_t i = 0; i < a->decimals.n; i++)
		say_letter(s, a->decimals.p[i]);
}

/* A year stands as four digits without a group mark; other numbers of that size are rare in speech. */
static bool is_year(const struct amount *a)
{
	return a->whole_digits.n == 4 && !a->decimals.n && !a->is_negative && a->whole >= 1900 && a->whole < 2100;
}

bool say_plain_amount(struct say *s, struct span core, const struct speak_set *set)
{
	struct amount a;

	if (!parse_amount(s->lang, core, &a))
		return false;
	say_parsed(s, &a, is_year(&a) ? s->lang->year : set);

	return true;
}

size_t say_amount(struct say *s, size_t i)
{
	struct span core = s->words[i].core;

	for (const struct speak_pair *p = s->lang->fractions; p->written; p++)
		if (span_eq_z(core, p->written)) {
			say_text(s, p->spoken);
			return 1;
		}
	if (core.n > 1 && core.p[0] == '#' && span_is_digits(span(core.p + 1, core.n - 1))) {
		say_text(s, s->lang->number_sign);
		core = span(core.p + 1, core.n - 1);
	}

	return say_plain_amount(s, core, s->lang->cardinal);
}

/* ---- money ------------------------------------------------------------------------------------------------------------- */

static struct span without(struct span core, const char *mark, bool is_before)
{
	size_t n = strlen(mark);

	if (core.n <= n || memcmp(is_before ? core.p : core.p + core.n - n, mark, n) != 0)
		return span(NULL, 0);

	return is_before ? span(core.p + n, core.n - n) : span(core.p, core.n - n);
}

static void say_sum(struct say *s, const struct amount *a, const struct speak_money *m)
{
	uint32_t cents = 0;

	if (a->decimals.n == 2)
		(void)!span_u32(a->decimals, &cents);
	if (a->is_negative)
		say_text(s, s->lang->minus);
	if (a->whole || !cents) {
		say_number(s, s->lang->counted, a->whole);
		say_text(s, a->whole == 1 ? m->one : m->many);
	}
	if (!cents)
		return;
	if (a->whole)
		say_text(s, s->lang->money_cents);
	say_number(s, s->lang->counted, cents);
	say_text(s, cents == 1 ? m->cent : m->cents);
}

/* "$12.50", "12,50 €", "USD 20", "$1.2 million" */
size_t say_money(struct say *s, size_t i)
{
	struct span core = s->words[i].core, next = say_ends(s, i) ? span(NULL, 0) : say_core(s, i + 1);
	struct amount a;

	for (const struct speak_money *m = s->lang->moneys; m->written; m++) {
		struct span before = without(core, m->written, true), behind = without(core, m->written, false);
		struct span sum = before.n ? before : behind.n ? behind : core;
		bool is_next = !before.n && !behind.n && span_eq_z(next, m->written);
		bool is_lead = span_eq_z(core, m->written);

		if (is_lead)
			sum = next;
		if (before.n == 0 && behind.n == 0 && !is_next && !is_lead)
			continue;
		if (!parse_amount(s->lang, sum, &a))
			continue;
		if (before.n && next.n && word_is_in(next, s->lang->magnitudes)) {
			say_parsed(s, &a, s->lang->counted);
			say_from(s, i + 1);
			say_word(s, next);
			say_text(s, m->many);
			return 2;
		}
		if (is_next || is_lead)
			say_from(s, i + 1);
		if (a.decimals.n == 0 || a.decimals.n == 2) {
			say_sum(s, &a, m);
		} else {
			say_parsed(s, &a, s->lang->counted);
			say_text(s, m->many);
		}
		return is_next || is_lead ? 2 : 1;
	}

	return 0;
}

/* ---- measures ---------------------------------------------------------------------------------------------------------- */

static const struct speak_unit *unit_of(const struct say *s, struct span word)
{
	for (const struct speak_unit *u = s->lang->units; u->written; u++)
		if (span_eq_z(word, u->written))
			return u;

	return NULL;
}

/* "5km", "12.5 %", "72°F" */
size_t say_measure(struct say *s, size_t i)
{
	struct span core = s->words[i].core, rest = core;
	const struct speak_unit *u;
	struct amount a;
	size_t n = core.n, used = 1;

	while (n > 0 && !isdigit((unsigned char)core.p[n - 1]))
		n--;
	rest = span(core.p + n, core.n - n);
	u = unit_of(s, rest);
	if (!rest.n && !say_ends(s, i)) {
		u = unit_of(s, say_core(s, i + 1));
		used = 2;
	}
	if (!u || !parse_amount(s->lang, span(core.p, n), &a))
		return 0;
	say_parsed(s, &a, s->lang->counted);
	if (used == 2)
		say_from(s, i + 1);
	say_text(s, a.whole == 1 && !a.decimals.n ? u->one : u->many);

	return used;
}

size_t say_ordinal(struct say *s, size_t i)
{
	struct span rest = s->words[i].core, digits = span_digits(&rest);
	uint64_t n;

	if (!rest.n || !word_is_in(rest, s->lang->ordinal_marks) || digits.n > 9 || !span_u64(digits, &n))
		return 0;
	say_number(s, s->lang->ordinal, n);

	return 1;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------------ */

static bool say_end_of_range(struct say *s, struct span part)
{
	return say_plain_time(s, part) || say_plain_amount(s, part, s->lang->cardinal);
}

/* "9-5", "9am-5pm", "10:00-12:30": a hyphen between two amounts of at most two digits or two times. */
size_t say_range(struct say *s, size_t i)
{
	struct span to = s->words[i].core, from = span_cut(&to, '-');
	size_t words = s->out->word_count, text = s->out->text_len;
	bool are_short = from.n && to.n && isdigit((unsigned char)from.p[0]) && isdigit((unsigned char)to.p[0]) &&
		span_find(to, '-') == to.n && ((from.n <= 3 && to.n <= 3) || span_find(from, ':') < from.n || to.n > 4 || from.n == to.n);

	if (!are_short || (span_is_digits(from) && span_is_digits(to) && from.n + to.n > 6 && (from.n != 4 || to.n != 4)))
		return 0;
	if (say_end_of_range(s, from)) {
		say_text(s, s->lang->to);
		if (say_end_of_range(s, to))
			return 1;
	}
	s->out->word_count = words;
	s->out->text_len = text;
	s->out->text[text] = 0;

	return 0;
}
