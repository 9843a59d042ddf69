/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/value.h"

/* Values as text: for the ear, by the formats of the language, and for programs. */

enum { MINUTES_OF_HOUR = 60, NOON = 12 * 60, DAY = 24 * 60 };

const char *const value_type_names[VALUE_TYPES + 1] = {"date", "time", "number", "digits", "name", "choice", "yes_no", "spelled", "phone",
	"money", "text"};

const char *const *value_styles(enum value_type type)
{
	static const char *const styles[VALUE_TYPES][8] = {
		[VALUE_DATE] = {"weekday", "full", "day", "iso"},
		[VALUE_TIME] = {"iso", "part"},
		[VALUE_NUMBER] = {"iso"},
		[VALUE_DIGITS] = {"iso"},
		[VALUE_NAME] = {"first", "iso"},
		[VALUE_CHOICE] = {"iso"},
		[VALUE_YES_NO] = {"iso"},
		[VALUE_SPELLED] = {"iso"},
		[VALUE_PHONE] = {"iso"},
		[VALUE_MONEY] = {"iso"},
		[VALUE_TEXT] = {"iso"},
	};

	return styles[type];
}

/* ---- filling formats -------------------------------------------------------------------------------------------------- */

struct field {
	const char *name, *text;
};

static void fill(const char *format, const struct field *fields, size_t count, char *ret, size_t cap)
{
	size_t n = 0;

	while (*format && n + 1 < cap) {
		size_t name_len = strcspn(format, "}");
		bool is_known = false;

		for (size_t i = 0; *format == '{' && format[name_len] && i < count; i++)
			if (span_eq_z(span(format + 1, name_len - 1), fields[i].name)) {
				n += (size_t)snprintf(ret + n, cap - n, "%s", fields[i].text);
				n = MIN(n, cap - 1);
				format += name_len + 1;
				is_known = true;
				break;
			}
		if (!is_known)
			ret[n++] = *format++;
	}
	ret[n] = 0;
}

/* ---- types ------------------------------------------------------------------------------------------------------------ */

static bool say_date(const struct lang *l, const struct value *v, const char *style, char *ret, size_t cap)
{
	struct civil date = calendar_civil((int32_t)v->number);
	char day[12], year[12];
	struct field fields[] = {{"weekday", l->weekday_names[calendar_weekday((int32_t)v->number)]}, {"day", day},
		{"ordinal", l->ordinal_of[date.day]}, {"month", l->month_names[date.month - 1]}, {"year", year}};
	const char *format = style && !strcmp(style, "full") ? l->format_date_year : l->format_date;

	if (style && strcmp(style, "weekday") == 0)
		format = l->format_weekday;
	snprintf(day, sizeof(day), "%d", date.day);
	snprintf(year, sizeof(year), "%d", date.year);
	if (style && strcmp(style, "day") == 0)
		format = "{day}";
	fill(format, fields, ARRAY_LEN(fields), ret, cap);

	return true;
}

static const char *half_name(const struct lang *l, int32_t hour)
{
	const char *name = "";

	for (size_t i = 0; i < l->half_name_count; i++)
		if (hour >= l->half_names[i].from)
			name = l->half_names[i].say;

	return name;
}

static bool say_time(const struct lang *l, const struct value *v, const char *style, char *ret, size_t cap)
{
	int32_t minute = (int32_t)v->number % DAY, hour = minute / MINUTES_OF_HOUR, hour12 = (hour + 11) % 12 + 1;
	char h[12], h24[12], m[12];
	struct field fields[] = {{"hour", h}, {"hour24", h24}, {"minute", m}, {"half", half_name(l, hour)}};
	const char *format;

	if (style && strcmp(style, "part") == 0) {
		buf_copy(ret, cap, v->part < LANG_PARTS && v->part ? l->part_say[v->part] : "");
		return true;
	}
	snprintf(h, sizeof(h), "%d", hour12);
	snprintf(h24, sizeof(h24), "%d", hour);
	snprintf(m, sizeof(m), "%02d", minute % MINUTES_OF_HOUR);
	if (minute % MINUTES_OF_HOUR)
		format = hour12 == 1 ? l->format_time_one : l->format_time;
	else
		format = minute == NOON ? l->format_noon :
			minute == 0	? l->format_midnight :
			hour12 == 1	? l->format_time_one_hour :
					  l->format_time_hour;
	fill(format, fields, ARRAY_LEN(fields), ret, cap);

	return true;
}

static void say_money(const struct lang *l, const struct value *v, char *ret, size_t cap)
{
	char whole[24], cents[12];
	struct field fields[] = {{"whole", whole}, {"cents", cents}};

	snprintf(whole, sizeof(whole), "%" PRId64, v->number / 100);
	snprintf(cents, sizeof(cents), "%02d", (int)(v->number % 100));
	fill(v->number % 100 ? l->format_money : l->format_money_whole, fields, ARRAY_LEN(fields), ret, cap);
}

/* Where a row of digits takes a breath: 3 3 4 of ten, otherwise threes and a last four. */
static bool is_breath(size_t said, size_t total)
{
	if (total <= 4)
		return false;
	if (total == 10)
		return said == 3 || said == 6;

	return said % 3 == 0 && total - said >= 2;
}

/* "4 7 1, 1 2 3": apart, so that they are read one by one. */
static void say_row(const char *row, char *ret, size_t cap)
{
	size_t total = 0, said = 0, n = 0;

	for (const char *p = row; *p; p++)
		total += ((unsigned char)*p & 0xC0) != 0x80;
	for (const char *p = row; *p && n + 6 < cap; p++) {
		if (((unsigned char)*p & 0xC0) != 0x80) {
			if (said)
				n += (size_t)snprintf(ret + n, cap - n, is_breath(said, total) ? ", " : " ");
			said++;
		}
		ret[n++] = *p;
	}
	ret[n] = 0;
}

/* "555-123-4567", as people write them. */
static void say_phone(const char *digits, char *ret, size_t cap)
{
	size_t n = 0, total = strlen(digits), done = 0;

	if (*digits == '+') {
		say_row(digits + 1, ret, cap > 1 ? cap - 1 : cap);
		memmove(ret + 1, ret, strlen(ret) + 1);
		ret[0] = '+';
		return;
	}
	for (const char *p = digits; *p && n + 2 < cap; p++) {
		if (done && is_breath(done, total))
			ret[n++] = '-';
		ret[n++] = *p;
		done++;
	}
	ret[n] = 0;
}

bool value_say(const struct lang *l, enum value_type type, const struct value *v, const char *style, char *ret_text, size_t cap)
{
	if (style && strcmp(style, "iso") == 0) {
		value_write(type, v, ret_text, cap);
		return true;
	}
	ret_text[0] = 0;
	if (!v->is_set && !(type == VALUE_TIME && style))
		return true;

	switch (type) {
	case VALUE_DATE:
		return say_date(l, v, style, ret_text, cap);
	case VALUE_TIME:
		return say_time(l, v, style, ret_text, cap);
	case VALUE_MONEY:
		say_money(l, v, ret_text, cap);
		return true;
	case VALUE_DIGITS:
	case VALUE_SPELLED:
		say_row(v->text, ret_text, cap);
		return true;
	case VALUE_PHONE:
		say_phone(v->text, ret_text, cap);
		return true;
	case VALUE_NAME:
		buf_copy(ret_text, cap, v->text);
		if (style && strcmp(style, "first") == 0)
			ret_text[strcspn(ret_text, " ")] = 0;
		return true;
	case VALUE_YES_NO:
	case VALUE_NUMBER:
		snprintf(ret_text, cap, "%" PRId64, v->number);
		return true;
	default:
		buf_copy(ret_text, cap, v->text);
		return true;
	}
}

/* ---- for programs ----------------------------------------------------------------------------------------------------- */

void value_write(enum value_type type, const struct value *v, char *ret_text, size_t cap)
{
	struct civil date = calendar_civil((int32_t)v->number);

	ret_text[0] = 0;
	if (!v->is_set)
		return;

	switch (type) {
	case VALUE_DATE:
		snprintf(ret_text, cap, "%04d-%02d-%02d", date.year, date.month, date.day);
		break;
	case VALUE_TIME:
		snprintf(ret_text, cap, "%02d:%02d", (int)(v->number / MINUTES_OF_HOUR), (int)(v->number % MINUTES_OF_HOUR));
		break;
	case VALUE_NUMBER:
		snprintf(ret_text, cap, "%" PRId64, v->number);
		break;
	case VALUE_YES_NO:
		buf_copy(ret_text, cap, v->number ? "yes" : "no");
		break;
	case VALUE_MONEY:
		snprintf(ret_text, cap, "%" PRId64 ".%02d", v->number / 100, (int)(v->number % 100));
		break;
	default:
		buf_copy(ret_text, cap, v->text);
	}
}

static bool parse_date(struct span text, struct value *ret)
{
	struct span year = span_cut(&text, '-'), month = span_cut(&text, '-');
	struct span day = span(text.p, MIN(text.n, 2U)); /* a time may follow */
	uint32_t y, m, d;

	if (!span_u32(year, &y) || !span_u32(month, &m) || !span_u32(day, &d) || y < 1800 || y > 2500 || m < 1 || m > 12 || d < 1 ||
		(int32_t)d > calendar_month_days((int32_t)y, (int32_t)m))
		return false;
	ret->number = calendar_day((struct civil){(int32_t)y, (int32_t)m, (int32_t)d});

	return true;
}

static bool parse_time(struct span text, struct value *ret)
{
	struct span hour = span_cut(&text, ':'), minute = span(text.p, MIN(text.n, 2U));
	uint32_t h, m;

	if (!span_u32(hour, &h) || !span_u32(minute, &m) || h > 23 || m > 59)
		return false;
	ret->number = h * MINUTES_OF_HOUR + m;
	ret->is_exact = true;

	return true;
}

static bool parse_money(struct span text, struct value *ret)
{
	struct span whole = span_cut(&text, '.');
	uint32_t a, b = 0;

	if (!span_u32(whole, &a) || (text.n && !span_u32(text, &b)) || text.n > 2)
		return false;
	ret->number = (int64_t)a * 100 + (text.n == 1 ? b * 10 : b);

	return true;
}

bool value_parse(enum value_type type, struct span text, struct value *ret)
{
	struct value v = {.is_set = true};
	uint32_t n;
	bool ok = true;

	text = span_trim(text);
	if (type == VALUE_DATE) {
		ok = parse_date(text, &v);
	} else if (type == VALUE_TIME) {
		ok = parse_time(text, &v);
	} else if (type == VALUE_MONEY) {
		ok = parse_money(text, &v);
	} else if (type == VALUE_NUMBER) {
		ok = span_u32(text, &n);
		v.number = ok ? n : 0;
	} else if (type == VALUE_YES_NO) {
		v.number = span_eq_z(text, "yes") || span_eq_z(text, "true");
		ok = v.number || span_eq_z(text, "no") || span_eq_z(text, "false");
	} else {
		ok = text.n && span_copy(text, v.text, sizeof(v.text));
	}
	if (ok)
		*ret = v;

	return ok;
}
