/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_say.h"
#include <ctype.h>

/* Times of day and dates. */

/* ---- times ------------------------------------------------------------------------------------------------------------ */

struct clock_time {
	uint32_t hour, minute;
	bool has_minutes;
	char half; /* 'a', 'p'; 0: not said */
};

static char half_of(const struct say *s, struct span word)
{
	for (const struct speak_pair *p = s->lang->halves; p->written; p++)
		if (span_ieq_z(word, p->written))
			return p->spoken[0];

	return 0;
}

/* "2:30", "2:30pm", "14:00", "3pm", "3" (then it is up to what follows). */
static bool parse_time(const struct say *s, struct span core, struct clock_time *ret)
{
	struct clock_time t = {0};
	struct span rest = core, digits = span_digits(&rest);

	if (digits.n > 2 || !span_u32(digits, &t.hour) || t.hour > 24)
		return false;
	if (rest.n && rest.p[0] == ':') {
		rest = span(rest.p + 1, rest.n - 1);
		digits = span_digits(&rest);
		if (digits.n != 2 || !span_u32(digits, &t.minute) || t.minute > 59)
			return false;
		t.has_minutes = true;
	}
	t.half = half_of(s, rest);
	if (rest.n && !t.half)
		return false;
	if (t.half && (t.hour == 0 || t.hour > 12))
		return false;
	*ret = t;

	return true;
}

static void say_clock(struct say *s, const struct clock_time *t, const char *half)
{
	const struct speak_lang *l = s->lang;
	uint32_t hour = l->is_12h && (t->hour > 12 || t->hour == 0) ? (t->hour % 12 ? t->hour % 12 : 12) : t->hour;
	const struct say_slot slots[] = {{'h', l->hour, hour, NULL}, {'m', l->cardinal, t->minute, NULL}};
	const char *pattern = t->minute >= 10 ? l->minutes : t->minute ? l->minutes_early : half ? l->hour_half : l->hour_only;

	say_pattern(s, pattern, slots, ARRAY_LEN(slots));
}

/* The half that was said, or the one that a 24-hour time is in. */
static const char *half_text(const struct say *s, const struct clock_time *t, char half)
{
	const struct speak_lang *l = s->lang;
	bool is_24h = t->hour > 12 || t->hour == 0;
	uint32_t hour = half == 'p' && t->hour < 12 ? t->hour + 12 : t->hour;

	if (!half && !(is_24h && l->is_12h))
		return NULL;
	if (half ? half == 'a' : t->hour < 12 || t->hour == 24)
		return l->am;

	return l->night && hour >= l->night_from ? l->night : l->pm;
}

bool say_plain_time(struct say *s, struct span core)
{
	struct clock_time t;

	if (!parse_time(s, core, &t) || (!t.has_minutes && !t.half))
		return false;

	const char *half = half_text(s, &t, t.half);

	say_clock(s, &t, half);
	if (half)
		say_text(s, half);

	return true;
}

size_t say_time(struct say *s, size_t i)
{
	struct clock_time t;
	char next = say_ends(s, i) ? 0 : half_of(s, say_core(s, i + 1));

	if (!parse_time(s, s->words[i].core, &t) || (!t.has_minutes && !t.half && !next))
		return 0;

	bool is_split = !t.half && next && t.hour > 0 && t.hour <= 12;
	const char *half = half_text(s, &t, is_split ? next : t.half);

	say_clock(s, &t, half);
	if (is_split)
		say_from(s, i + 1);
	if (half)
		say_text(s, half);

	return is_split ? 2 : 1;
}

/* ---- dates ------------------------------------------------------------------------------------------------------------ */

static int month_of(const struct say *s, struct span word)
{
	/* "may" is a verb, "May" a month; where months are written small they are read with what stands before them anyway. */
	if (s->lang->is_month_first && (!word.n || !isupper((unsigned char)word.p[0])))
		return 0;
	for (const struct speak_month *m = s->lang->months; m->written; m++)
		if (span_ieq_z(word, m->written))
			return m->month;

	return 0;
}

static bool day_of(const struct say *s, struct span word, uint32_t *ret)
{
	struct span rest = word, digits = span_digits(&rest);
	uint32_t day;

	if (digits.n == 0 || digits.n > 2 || !span_u32(digits, &day) || day < 1 || day > 31)
		return false;
	if (rest.n && !word_is_in(rest, s->lang->ordinal_marks))
		return false;
	*ret = day;

	return true;
}

static bool year_of(struct span word, uint32_t *ret)
{
	return word.n == 4 && span_is_digits(word) && span_u32(word, ret) && *ret >= 1000;
}

static void say_day(struct say *s, uint32_t year, uint32_t month, uint32_t day)
{
	const struct speak_lang *l = s->lang;
	const struct say_slot slots[] = {
		{'d', l->day, day, NULL}, {'M', NULL, 0, l->month_names[month - 1]}, {'y', l->year, year, NULL}};

	say_pattern(s, year ? l->date_year : l->date, slots, ARRAY_LEN(slots));
}

/* 2026-11-25, 11/25/2026, 25.11.2026, 11/25/26, 11/25 */
static bool say_numeric_date(struct say *s, struct span core)
{
	uint32_t part[3] = {0}, n = 0;
	struct span rest = core, digits;
	char mark = 0;
	bool is_iso = false;

	for (; n < 3 && rest.n; n++) {
		digits = span_digits(&rest);
		if (!span_u32(digits, &part[n]) || digits.n > 4 || (digits.n == 4 && n == 1))
			return false;
		is_iso = is_iso || (n == 0 && digits.n == 4);
		if (!rest.n)
			continue;
		if (!strchr("-/.", rest.p[0]) || (mark && rest.p[0] != mark))
			return false;
		mark = rest.p[0];
		rest = span(rest.p + 1, rest.n - 1);
		if (!rest.n)
			return false;
	}
	if (rest.n || n < 2 || (n == 2 && mark != '/') || (is_iso && n != 3))
		return false;

	bool is_month_first = s->lang->is_month_first && mark != '.';
	uint32_t year = is_iso ? part[0] : part[2];
	uint32_t month = is_iso ? part[1] : is_month_first ? part[0] : part[1];
	uint32_t day = is_iso ? part[2] : is_month_first ? part[1] : part[0];

	if (month < 1 || month > 12 || day < 1 || day > 31 || (n == 3 && year > 99 && year < 1000))
		return false;
	if (n == 3 && year < 100)
		year += year < 70 ? 2000 : 1900;
	say_day(s, n == 3 ? year : 0, month, day);

	return true;
}

static bool is_fraction(const struct say *s, struct span core)
{
	for (const struct speak_pair *p = s->lang->fractions; p->written; p++)
		if (span_eq_z(core, p->written))
			return true;

	return false;
}

size_t say_date(struct say *s, size_t i)
{
	const struct speak_lang *l = s->lang;
	struct span core = s->words[i].core, next = say_core(s, i + 1);
	int month = month_of(s, core);
	uint32_t day, year = 0;
	size_t used = 2;

	if (!is_fraction(s, core) && say_numeric_date(s, core))
		return 1;
	if (say_ends(s, i))
		return 0;
	if (month && l->is_month_first && day_of(s, next, &day)) {
		if (year_of(say_core(s, i + 2), &year))
			used = 3;
		say_from(s, i + used - 1);
		say_day(s, year, (uint32_t)month, day);
		return used;
	}
	month = month_of(s, next);
	if (!month || !l->day_month || !day_of(s, core, &day))
		return 0;

	const struct say_slot slots[] = {{'d', l->day, day, NULL}, {'M', NULL, 0, l->month_names[month - 1]}};

	say_from(s, i + 1);
	say_pattern(s, l->day_month, slots, ARRAY_LEN(slots));

	return 2;
}
