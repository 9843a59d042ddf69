/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/value.h"

/* Dates and times: the language says how they are said, this file what that means. */

enum { MINUTES_OF_HOUR = 60, NOON = 12 * 60, DAY = 24 * 60 };

static bool is_free(const struct value_reading *r, size_t from, size_t to)
{
	for (size_t i = from; r->used && i < to; i++)
		if (r->used[i])
			return false;

	return from < r->words->count;
}

/* ---- references ------------------------------------------------------------------------------------------------------- */

static size_t read_table(const struct value_reading *r, const struct lang_table *t, size_t i, int64_t *ret)
{
	size_t end;
	const struct lang_entry *e = is_free(r, i, i + 1) ? lang_find(t, r->words, i, &end) : NULL;

	if (!e)
		return 0;
	*ret = e->value;

	return end;
}

/* "1985", "two thousand five", "nineteen eighty five". */
static size_t read_year(const struct value_reading *r, size_t i, int64_t *ret)
{
	int64_t first, second;
	size_t end = value_read_number(r, i, &first), more;

	if (end && first >= 1900 && first <= 2199) {
		*ret = first;
		return end;
	}
	if (!end || !r->lang->has_year_pairs || first < 19 || first > 21)
		return 0;
	more = value_read_number(r, end, &second);
	if (!more || second < 1 || second > 99)
		return 0;
	*ret = first * 100 + second;

	return more;
}

/* Hours by number, and by words of their own where a language has them ("la una"). */
static size_t read_hour(const struct value_reading *r, size_t i, int64_t *ret)
{
	size_t end = read_table(r, &r->lang->hours, i, ret);

	if (!end)
		end = value_read_number(r, i, ret);

	return end && *ret >= 0 && *ret <= 24 ? end : 0;
}

/* "thirty", "05", "oh five"; a bare "5" is no minute. */
static size_t read_minute(const struct value_reading *r, size_t i, int64_t *ret)
{
	int64_t zero;
	size_t end = read_table(r, &r->lang->digits, i, &zero), more;

	if (end && zero == 0) {
		more = value_read_number(r, end, ret);
		if (more && *ret >= 1 && *ret <= 9)
			return more;
	}
	end = value_read_number(r, i, ret);
	if (!end || *ret > 59 || (*ret < 10 && r->words->at[i][0] != '0' && word_is_digits(r->words->at[i])))
		return 0;

	return end;
}

size_t value_read_ref(const struct value_reading *r, int ref, size_t i, int64_t *ret)
{
	size_t end;

	if (!is_free(r, i, i + 1))
		return 0;

	switch ((enum lang_ref)ref) {
	case LANG_REF_NUMBER:
		return value_read_number(r, i, ret);
	case LANG_REF_ORDINAL:
		end = value_read_ordinal(r, i, ret);
		return end && *ret >= 1 && *ret <= 31 ? end : 0;
	case LANG_REF_WEEKDAY:
		return read_table(r, &r->lang->weekdays, i, ret);
	case LANG_REF_MONTH:
		return read_table(r, &r->lang->months, i, ret);
	case LANG_REF_YEAR:
		return read_year(r, i, ret);
	case LANG_REF_HOUR:
		return read_hour(r, i, ret);
	case LANG_REF_MINUTE:
		return read_minute(r, i, ret);
	case LANG_REF_UNIT:
		return read_table(r, &r->lang->units, i, ret);
	case LANG_REF_CENT:
		return read_table(r, &r->lang->cents, i, ret);
	case LANG_REFS:
		break;
	}

	return 0;
}

static size_t read_ref(void *ctx, int ref, size_t i, int64_t *ret)
{
	return value_read_ref(ctx, ref, i, ret);
}

static bool is_filler(void *ctx, size_t i)
{
	const struct value_reading *r = ctx;

	return lang_has(&r->lang->fillers, r->words, i);
}

static struct pattern_reader reader_of(const struct value_reading *r)
{
	/* Readers only read; the pattern's context is the same for all of its callers. */
	return (struct pattern_reader){(void *)(uintptr_t)r, r->words, read_ref, is_filler};
}

bool value_match(const struct value_reading *r, const struct pattern *p, size_t i, struct pattern_match *ret)
{
	struct pattern_reader reader = reader_of(r);

	return pattern_match(p, &reader, i, ret) && is_free(r, i, ret->end);
}

bool value_is_open(const struct value_reading *r, const struct pattern *p, size_t i)
{
	struct pattern_reader reader = reader_of(r);

	return pattern_is_open(p, &reader, i);
}

size_t value_read_phrase(const struct value_reading *r, const struct lang_phrases *phrases, size_t i)
{
	struct pattern_match m;
	size_t best = 0;

	for (size_t k = 0; k < phrases->count; k++)
		if (value_match(r, phrases->all[k], i, &m))
			best = MAX(best, m.end);

	return best;
}

static bool capture(const struct pattern_match *m, enum lang_ref ref, int64_t *ret)
{
	for (size_t k = 0; k < m->capture_count; k++)
		if (m->captures[k].ref == (int)ref) {
			*ret = m->captures[k].value;
			return true;
		}

	return false;
}

static bool is_blocked(const struct value_reading *r, const struct lang_saying *s, size_t end)
{
	struct pattern_match m;

	return s->unless_before && end < r->words->count && value_match(r, s->unless_before, end, &m);
}

/* ---- dates ------------------------------------------------------------------------------------------------------------ */

struct date_said {
	int64_t weekday, day, month, year, number;
	bool has_weekday, has_day, has_month, has_year, has_number;
};

static struct date_said date_said(const struct pattern_match *m)
{
	struct date_said d = {0};

	d.has_weekday = capture(m, LANG_REF_WEEKDAY, &d.weekday);
	d.has_month = capture(m, LANG_REF_MONTH, &d.month);
	d.has_year = capture(m, LANG_REF_YEAR, &d.year);
	d.has_number = capture(m, LANG_REF_NUMBER, &d.number);
	d.has_day = capture(m, LANG_REF_ORDINAL, &d.day);
	if (!d.has_day && d.has_number) {
		d.day = d.number;
		d.has_day = true;
	}

	return d;
}

/* The day and month nearest to today on the wanted side of it. */
static bool date_of(const struct value_reading *r, const struct date_said *d, enum value_tense tense, int32_t *ret)
{
	struct civil now = calendar_civil(r->today);
	bool is_earlier = d->month < now.month || (d->month == now.month && d->day < now.day);
	bool is_later = d->month > now.month || (d->month == now.month && d->day > now.day);
	int32_t year = now.year;

	if (d->has_year)
		year = (int32_t)d->year;
	else if (tense == VALUE_PAST)
		year -= is_later;
	else
		year += is_earlier;
	if (d->day < 1 || d->day > calendar_month_days(year, (int32_t)d->month))
		return false;
	*ret = calendar_day((struct civil){year, (int32_t)d->month, (int32_t)d->day});

	return true;
}

/* The next such day of any month, if there is one on the weekday that was said too. */
static bool day_of_month(const struct value_reading *r, const struct date_said *d, enum value_tense tense, int32_t *ret)
{
	int32_t step = tense == VALUE_PAST ? -1 : 1;

	for (int with_weekday = d->has_weekday; with_weekday >= 0; with_weekday--)
		for (int32_t n = 0, at = r->today; n < 366; n++, at += step)
			if (calendar_civil(at).day == d->day && (!with_weekday || calendar_weekday(at) == d->weekday)) {
				*ret = at;
				return true;
			}

	return false;
}

/* "next" means the week after this one; otherwise the nearest such day that is not today. */
static int32_t weekday_of(const struct value_reading *r, const struct date_said *d, int32_t weeks, enum value_tense tense)
{
	int32_t today = r->today, day = (int32_t)d->weekday;

	if (weeks)
		return today - calendar_weekday(today) + 7 * weeks + day;
	if (tense == VALUE_PAST)
		return today - 1 - (calendar_weekday(today - 1) - day + 7) % 7;

	return today + 1 + (day - calendar_weekday(today + 1) + 7) % 7;
}

static bool date_meant(const struct value_reading *r, const struct lang_saying *s, const struct pattern_match *m, enum value_tense tense,
	struct value *ret)
{
	struct date_said d = date_said(m);
	int32_t day = r->today;
	bool is_date = true;

	*ret = (struct value){.is_set = true, .is_any = s->is_any, .is_exact = d.has_month};
	if (s->is_any)
		return true;
	if (s->unit)
		is_date = d.number <= 1000 && (day += (int32_t)(d.number ? d.number : 1) * (s->unit == LANG_UNIT_WEEK ? 7 : 1), true);
	else if (d.has_month)
		is_date = date_of(r, &d, tense, &day);
	else if (d.has_day)
		is_date = day_of_month(r, &d, tense, &day);
	else if (d.has_weekday)
		day = weekday_of(r, &d, s->weeks, tense);
	else
		day += s->days;
	ret->number = day;

	return is_date;
}

size_t value_read_date(const struct value_reading *r, size_t i, bool is_loose, enum value_tense tense, struct value *ret)
{
	struct pattern_match m;
	size_t best = 0;

	for (size_t k = 0; k < r->lang->dates.count; k++) {
		const struct lang_saying *s = &r->lang->dates.all[k];
		struct value v;

		if ((s->is_loose && !is_loose) || !value_match(r, s->pattern, i, &m) || m.end <= best || is_blocked(r, s, m.end))
			continue;
		if (!date_meant(r, s, &m, tense, &v))
			continue;
		best = m.end;
		*ret = v;
	}

	return best;
}

/* ---- times ------------------------------------------------------------------------------------------------------------ */

size_t value_read_part(const struct value_reading *r, size_t i, enum lang_part *ret)
{
	struct pattern_match m;
	size_t best = 0;

	for (size_t k = 0; k < r->lang->parts.count; k++)
		if (value_match(r, r->lang->parts.all[k].pattern, i, &m) && m.end > best) {
			best = m.end;
			*ret = r->lang->parts.all[k].part;
		}

	return best;
}

static const struct lang_saying *read_half(const struct value_reading *r, size_t i, size_t *ret_end)
{
	const struct lang_saying *best = NULL;
	struct pattern_match m;

	*ret_end = i;
	for (size_t k = 0; k < r->lang->halves.count; k++)
		if (value_match(r, r->lang->halves.all[k].pattern, i, &m) && m.end > *ret_end) {
			*ret_end = m.end;
			best = &r->lang->halves.all[k];
		}

	return best;
}

static bool time_meant(const struct lang_saying *s, const struct pattern_match *m, struct value *ret)
{
	int64_t hour = 0, minute = 0;
	bool has_minute = capture(m, LANG_REF_MINUTE, &minute);

	*ret = (struct value){.is_set = true, .is_any = s->is_any, .number = s->at};
	if (s->is_any || s->at >= 0) {
		ret->is_exact = true;
		return true;
	}
	if (!capture(m, LANG_REF_HOUR, &hour))
		return false;
	/* "ten to four": only fives are said that way, so that "two to four" is none. */
	if (has_minute && m->captures[0].ref == LANG_REF_MINUTE && minute % 5)
		return false;
	minute = s->minutes ? s->minutes : s->is_before ? -minute : minute;
	ret->number = hour * MINUTES_OF_HOUR + minute;
	ret->is_exact = hour > 12 || hour == 0;
	ret->may_go_on = !has_minute && !s->minutes && !s->is_full;
	/* "quarter to one" */
	if (ret->number < MINUTES_OF_HOUR && hour == 1)
		ret->number += NOON;

	return ret->number >= 0 && ret->number <= DAY;
}

static void apply_half(struct value *v, const struct lang_saying *half)
{
	v->part = (uint8_t)half->part;
	v->may_go_on = false;
	if (v->is_exact && v->number >= NOON + MINUTES_OF_HOUR)
		return; /* "14:30 in the afternoon" */
	v->is_exact = true;
	v->number = v->number % NOON + (half->half == LANG_HALF_PM ? NOON : 0);
}

size_t value_read_time(const struct value_reading *r, size_t i, bool is_loose, struct value *ret)
{
	size_t best = 0;

	for (size_t k = 0; k < r->lang->times.count; k++) {
		const struct lang_saying *s = &r->lang->times.all[k], *half;
		struct pattern_match m;
		struct value v;
		size_t end;

		if (!value_match(r, s->pattern, i, &m) || !time_meant(s, &m, &v))
			continue;
		half = v.is_any ? NULL : read_half(r, m.end, &end);
		if (!half)
			end = m.end;
		if (end <= best || (s->is_loose && !is_loose && !half) || (!half && is_blocked(r, s, m.end)))
			continue;
		if (half)
			apply_half(&v, half);
		v.number %= DAY;
		best = end;
		*ret = v;
	}

	return best;
}

int32_t value_settle_time(const struct value *v, enum lang_part part, int32_t from, int32_t to)
{
	int32_t minute = (int32_t)v->number, other = (minute + NOON) % DAY;

	if (v->is_exact)
		return minute;
	minute %= NOON;
	other = minute + NOON;
	if (part)
		return part == LANG_PART_MORNING && minute >= 0 ? (minute < MINUTES_OF_HOUR ? other : minute) : other;

	bool is_in = minute >= from && minute < to, is_other_in = other >= from && other < to;

	if (is_in != is_other_in)
		return is_in ? minute : other;

	/* Nobody visits a business at four in the morning: 7 to 11 are before noon, 12 to 6 after it. */
	return minute >= 7 * MINUTES_OF_HOUR ? minute : other;
}
