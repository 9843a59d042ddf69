/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/flow_priv.h"

/* Opening hours: { monday-friday: "8:00-18:00", saturday: "9:00-12:00" }, and the days that are closed all the same. */

enum { MINUTES_OF_HOUR = 60, DAY = 24 * 60 };

static const char *const day_names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", NULL};

static int find_day(struct span name)
{
	name = span_trim(name);
	for (int i = 0; day_names[i]; i++)
		if (span_ieq_z(name, day_names[i]))
			return i;

	return -1;
}

static bool read_minute(struct span text, int32_t *ret)
{
	struct span hour = span_cut(&text, ':');
	uint32_t h, m = 0;

	if (!span_u32(span_trim(hour), &h) || h > 24 || (text.p && !span_u32(span_trim(text), &m)) || m > 59 || h * 60 + m > DAY)
		return false;
	*ret = (int32_t)(h * MINUTES_OF_HOUR + m);

	return true;
}

static void read_range(struct builder *b, const struct yaml_node *n)
{
	struct span to_day = span_z(n->key), from_day = span_cut(&to_day, '-');
	int first = find_day(from_day), last = to_day.p ? find_day(to_day) : first;
	const char *text = flow_scalar(b, n, "open");
	struct span to = span_z(text ? text : ""), from = span_cut(&to, '-');
	struct open_range range = {0};

	if (first < 0 || last < first) {
		flow_fault(b, n->key_line, "open: \"%.40s\" is no day or range of days (such as monday or monday-friday)", n->key);
		return;
	}
	if (text && strcmp(text, "closed") != 0 && (!read_minute(from, &range.from) || !read_minute(to, &range.to) || range.to <= range.from)) {
		flow_fault(b, n->line, "open: \"%.40s\" is no span of time (such as \"8:00-18:00\", or closed)", text);
		return;
	}
	for (int i = first; i <= last; i++)
		b->flow->open[i] = range;
}

void flow_read_open(struct builder *b, const struct yaml_node *open, const struct yaml_node *closed)
{
	struct flow *f = b->flow;

	if (open && open->kind != YAML_MAP) {
		flow_fault(b, open->line, "open: days and hours are wanted: { monday-friday: \"8:00-18:00\" }");
		return;
	}
	if (open) {
		memset(f->open, 0, sizeof(f->open));
		f->has_open = true;
	}
	for (const struct yaml_node *n = open ? open->first : NULL; n; n = n->next)
		read_range(b, n);
	if (closed && closed->kind != YAML_LIST)
		flow_fault(b, closed->line, "closed: a list of dates is wanted: [ 2026-12-25, 2027-01-01 ]");
	for (const struct yaml_node *n = closed && closed->kind == YAML_LIST ? closed->first : NULL; n; n = n->next) {
		const char *text = flow_scalar(b, n, "closed");
		struct value day;

		if (!text)
			continue;
		if (!value_parse(VALUE_DATE, span_z(text), &day))
			flow_fault(b, n->line, "closed: \"%.40s\" is no date (such as 2026-12-25)", text);
		else if (f->closed_count == LIMIT_FLOW_CLOSED_DAYS)
			flow_fault(b, n->line, "closed: more than %d days", LIMIT_FLOW_CLOSED_DAYS);
		else
			f->closed[f->closed_count++] = (int32_t)day.number;
	}
}

struct open_range flow_open_range(const struct flow *f, int32_t day)
{
	return f->has_open ? f->open[calendar_weekday(day)] : (struct open_range){0, DAY};
}

bool flow_is_open_day(const struct flow *f, int32_t day)
{
	struct open_range range = flow_open_range(f, day);

	for (size_t i = 0; i < f->closed_count; i++)
		if (f->closed[i] == day)
			return false;

	return range.to > range.from;
}

static void fill(char *out, size_t cap, const char *format, const char *days, const char *from, const char *to)
{
	size_t n = 0;

	while (*format && n + 1 < cap) {
		const char *value = NULL;
		size_t len = 0;

		if (strncmp(format, "{days}", 6) == 0)
			value = days, len = 6;
		else if (strncmp(format, "{from}", 6) == 0)
			value = from, len = 6;
		else if (strncmp(format, "{to}", 4) == 0)
			value = to, len = 4;
		if (!value) {
			out[n++] = *format++;
			continue;
		}
		n += (size_t)snprintf(out + n, cap - n, "%s", value);
		n = MIN(n, cap - 1);
		format += len;
	}
	out[n] = 0;
}

static void say_range(const struct flow *f, int first, int last, char *out, size_t cap)
{
	const struct lang *l = f->lang;
	struct value from = {.is_set = true, .number = f->open[first].from}, to = {.is_set = true, .number = f->open[first].to};
	char days[120], from_text[80], to_text[80];

	if (first == last)
		buf_copy(days, sizeof(days), l->weekday_names[first]);
	else
		fill(days, sizeof(days), l->format_range, "", l->weekday_names[first], l->weekday_names[last]);
	value_say(l, VALUE_TIME, &from, NULL, from_text, sizeof(from_text));
	value_say(l, VALUE_TIME, &to, NULL, to_text, sizeof(to_text));
	fill(out, cap, l->format_open, days, from_text, to_text);
}

void flow_say_open(const struct flow *f, char *ret_text, size_t cap)
{
	char one[320];

	ret_text[0] = 0;
	for (int first = 0; f->has_open && first < 7;) {
		int last = first;
		size_t n = strlen(ret_text);

		while (last + 1 < 7 && memcmp(&f->open[last + 1], &f->open[first], sizeof(f->open[0])) == 0)
			last++;
		if (f->open[first].to > f->open[first].from) {
			say_range(f, first, last, one, sizeof(one));
			snprintf(ret_text + n, cap - n, "%s%s", n ? "; " : "", one);
		}
		first = last + 1;
	}
}
