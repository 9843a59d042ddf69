/* SPDX-License-Identifier: Apache-2.0 */
#include "line/calendar.h"

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_of(struct span text)
{
	for (int i = 0; i < 7; i++)
		if (span_ieq_z(text, day_names[i]))
			return i;

	return -1;
}

bool calendar_parse_days(struct span text, uint8_t *ret)
{
	uint8_t days = 0;

	if (span_ieq_z(span_trim(text), "daily")) {
		*ret = 0x7f;
		return true;
	}
	for (struct span rest = text; rest.p;) {
		struct span until = span_trim(span_cut(&rest, ',')), from = span_trim(span_cut(&until, '-'));
		int first = day_of(from), last = until.p ? day_of(span_trim(until)) : first;

		if (first < 0 || last < 0)
			return false;
		for (int d = first;; d = (d + 1) % 7) {
			days |= (uint8_t)(1u << d);
			if (d == last)
				break;
		}
	}
	*ret = days;

	return days != 0;
}

static bool parse_clock(struct span text, uint16_t *ret)
{
	struct span minute = span_trim(text), hour = span_cut(&minute, ':');
	uint32_t h, m;

	if (!minute.p || minute.n != 2 || hour.n > 2 || !span_u32(hour, &h) || !span_u32(minute, &m) || m > 59 || h > 24 || (h == 24 && m))
		return false;
	*ret = (uint16_t)(h * 60 + m);

	return true;
}

bool calendar_parse_slot(struct span text, struct calendar_slot *ret)
{
	struct span to = text, from = span_cut(&to, '-');

	return to.p && parse_clock(from, &ret->from_min) && parse_clock(to, &ret->to_min) && ret->from_min < 24 * 60;
}

static bool parse_easter(struct span text, struct calendar_holiday *ret)
{
	uint32_t n = 0;
	struct span days = span(text.p + 6, text.n - 6);
	char sign = days.n ? days.p[0] : '+';

	if (days.n && ((sign != '+' && sign != '-') || !span_u32(span(days.p + 1, days.n - 1), &n) || n > 200))
		return false;
	ret->kind = HOLIDAY_EASTER;
	ret->easter_days = sign == '-' ? -(int)n : (int)n;

	return true;
}

bool calendar_parse_holiday(struct span text, struct calendar_holiday *ret)
{
	uint32_t v[3];
	int n = 0;

	if (span_istarts(text, "easter"))
		return parse_easter(text, ret);
	for (struct span rest = text; rest.p; n++)
		if (n == 3 || !span_u32(span_cut(&rest, '-'), &v[n]))
			return false;
	if (n < 2 || v[n - 2] < 1 || v[n - 2] > 12 || v[n - 1] < 1)
		return false;
	ret->kind = n == 3 ? HOLIDAY_ONCE : HOLIDAY_YEARLY;
	ret->year = n == 3 ? (int)v[0] : 2000; /* a leap year: 02-29 is a day */
	ret->month = (int)v[n - 2];
	ret->day = (int)MIN(v[n - 1], 99u);
	if (n == 3 && (v[0] < 1970 || v[0] > 2999))
		return false;

	int y, m, d;

	tz_date(tz_days(ret->year, ret->month, ret->day), &y, &m, &d);

	return m == ret->month && d == ret->day;
}

static const struct calendar_holiday *holiday_on(const struct calendar *c, int64_t days)
{
	int year, month, day;

	tz_date(days, &year, &month, &day);
	for (size_t i = 0; i < c->holiday_count; i++) {
		const struct calendar_holiday *h = &c->holidays[i];
		bool is_date = month == h->month && day == h->day;

		if (h->kind == HOLIDAY_EASTER ? days == tz_easter(year) + h->easter_days :
						is_date && (h->kind == HOLIDAY_YEARLY || year == h->year))
			return h;
	}

	return NULL;
}

/* Whether a slot that begins on that day holds a minute counted from its midnight. */
static bool is_within(const struct calendar *c, int weekday, int minute)
{
	for (size_t i = 0; i < c->slot_count; i++) {
		const struct calendar_slot *s = &c->slots[i];
		int to = s->to_min <= s->from_min ? s->to_min + 24 * 60 : s->to_min;

		if (s->days >> weekday & 1 && minute >= s->from_min && minute < to)
			return true;
	}

	return false;
}

void calendar_at(const struct calendar *c, int64_t unix_s, struct calendar_state *ret)
{
	struct tz_time t;

	tz_local(c->tz, unix_s, &t);

	int64_t days = tz_days(t.year, t.month, t.day);
	int minute = t.hour * 60 + t.minute;

	*ret = (struct calendar_state){.local = t, .holiday = holiday_on(c, days)};
	if (!c->slot_count)
		ret->is_open = !ret->holiday;
	else
		/* A slot over midnight belongs to the day it begins on, and so do that day's holidays. */
		ret->is_open = (!ret->holiday && is_within(c, t.weekday, minute)) ||
			(!holiday_on(c, days - 1) && is_within(c, (t.weekday + 6) % 7, minute + 24 * 60));
}

void calendar_words(const struct calendar *c, const struct calendar_state *s, char *ret, size_t cap)
{
	static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

	snprintf(ret, cap, "%s, %s %02d:%02d in %s%s%s", s->is_open ? "open" : "closed", names[s->local.weekday], s->local.hour,
		s->local.minute, c->zone ? c->zone : "UTC", s->holiday ? ", holiday " : "", s->holiday ? s->holiday->text : "");
}
