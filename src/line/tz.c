/* SPDX-License-Identifier: Apache-2.0 */
#include "line/tz.h"

#define TRANSITIONS_MAX 2000 /* the longest of the database has 250; "fat" files list up to 2037 */
#define TYPES_MAX	256
#define DAY_S		86400

/* When a rule of the footer applies: "M3.5.0/2", "J60", "59". */
struct rule_day {
	enum { DAY_OF_MONTH_WEEK, DAY_JULIAN, DAY_ZERO_BASED } kind;
	int month, week, weekday, day; /* weekday 0: Sunday, as POSIX has it */
	int32_t at_s;
};

struct tz {
	size_t count;
	int64_t *at;	 /* transitions, ascending */
	uint8_t *type;	 /* after them */
	int32_t offsets[TYPES_MAX];
	size_t type_count;
	bool has_rule, has_dst;
	int32_t std_s, dst_s;
	struct rule_day begins, ends;
};

/* ---- the calendar --------------------------------------------------------------------------------------------------- */

/* Howard Hinnant's civil calendar: years begin in March, so that the leap day is the last one. */
int64_t tz_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? (int64_t)year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void tz_date(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = (int)(yoe + era * 400 + (*ret_month <= 2));
}

/* Anonymous Gregorian algorithm (Meeus, Jones, Butcher). */
int64_t tz_easter(int year)
{
	int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
	int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
	int m = (a + 11 * h + 22 * l) / 451;

	return tz_days(year, (h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* ---- TZif, RFC 8536 §3 ------------------------------------------------------------------------------------------------ */

static int64_t be(const char *p, unsigned n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];

	return (int64_t)v;
}

struct header {
	char version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct span s, struct header *h)
{
	uint32_t *to[] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};

	if (s.n < 44 || memcmp(s.p, "TZif", 4) != 0)
		return false;
	h->version = s.p[4];
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		*to[i] = (uint32_t)be(s.p + 20 + 4 * i, 4);

	return h->time <= TRANSITIONS_MAX && h->type >= 1 && h->type <= TYPES_MAX && h->chars <= 4096 && h->leap <= 4096 &&
		h->isut <= TYPES_MAX && h->isstd <= TYPES_MAX;
}

static size_t body_bytes(const struct header *h, unsigned width)
{
	return (size_t)h->time * (width + 1) + (size_t)h->type * 6 + h->chars + (size_t)h->leap * (width + 4) + h->isstd + h->isut;
}

static int read_body(struct tz *tz, const struct header *h, const char *p, unsigned width)
{
	const char *types = p + (size_t)h->time * width, *infos = types + h->time;

	tz->count = h->time;
	tz->type_count = h->type;
	tz->at = calloc(h->time + 1, sizeof(*tz->at));
	tz->type = calloc(h->time + 1, 1);
	if (!tz->at || !tz->type)
		return -ENOMEM;
	for (size_t i = 0; i < h->time; i++) {
		tz->at[i] = be(p + i * width, width);
		tz->type[i] = (uint8_t)types[i];
		if (tz->type[i] >= h->type || (i && tz->at[i] <= tz->at[i - 1]))
			return -TR_EPARSE;
	}
	for (size_t i = 0; i < h->type; i++) {
		tz->offsets[i] = (int32_t)be(infos + i * 6, 4);
		if (tz->offsets[i] < -26 * 3600 || tz->offsets[i] > 26 * 3600)
			return -TR_EPARSE;
	}

	return 0;
}

/* ---- the footer: POSIX TZ, RFC 8536 §3.3 ------------------------------------------------------------------------------- */

static bool take_name(const char **p)
{
	const char *s = *p, *end;

	if (*s == '<') {
		end = strchr(s, '>');
		if (!end)
			return false;
		*p = end + 1;
		return true;
	}
	while ((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z'))
		s++;
	if (s - *p < 3)
		return false;
	*p = s;

	return true;
}

static bool take_int(const char **p, int most, int *ret)
{
	int v = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (**p - '0');
		if (v > most)
			return false;
	}
	*ret = v;

	return true;
}

/* "[+-]hh[:mm[:ss]]", hours up to 167. */
static bool take_time(const char **p, int32_t *ret)
{
	int sign = **p == '-' ? -1 : 1, part[3] = {0};

	if (**p == '-' || **p == '+')
		(*p)++;
	for (int i = 0; i < 3; i++) {
		if (!take_int(p, i ? 59 : 167, &part[i]))
			return false;
		if (**p != ':')
			break;
		(*p)++;
	}
	*ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);

	return true;
}

static bool take_day(const char **p, struct rule_day *ret)
{
	bool ok;

	*ret = (struct rule_day){.at_s = 7200};
	if (*(*p)++ != ',')
		return false;
	if (**p == 'M') {
		(*p)++;
		ok = take_int(p, 12, &ret->month) && *(*p)++ == '.' && take_int(p, 5, &ret->week) && *(*p)++ == '.' &&
			take_int(p, 6, &ret->weekday);
		if (!ok || !ret->month || !ret->week)
			return false;
	} else {
		ret->kind = **p == 'J' ? DAY_JULIAN : DAY_ZERO_BASED;
		*p += **p == 'J';
		if (!take_int(p, ret->kind == DAY_JULIAN ? 365 : 366, &ret->day) || (ret->kind == DAY_JULIAN && !ret->day))
			return false;
	}
	if (**p != '/')
		return true;
	(*p)++;

	return take_time(p, &ret->at_s);
}

static bool read_rule(struct tz *tz, const char *p)
{
	int32_t west;

	if (!take_name(&p) || !take_time(&p, &west))
		return false;
	tz->std_s = -west;
	tz->has_rule = true;
	if (!*p)
		return true;
	if (!take_name(&p))
		return false;
	tz->dst_s = tz->std_s + 3600;
	if (*p && *p != ',') {
		if (!take_time(&p, &west))
			return false;
		tz->dst_s = -west;
	}
	tz->has_dst = take_day(&p, &tz->begins) && take_day(&p, &tz->ends) && !*p;

	return tz->has_dst;
}

static int read_footer(struct tz *tz, struct span s)
{
	char text[128];

	if (s.n < 2 || s.p[0] != '\n')
		return 0; /* version 1: what is listed is all there is */

	struct span rest = span(s.p + 1, s.n - 1), line = span_cut(&rest, '\n');

	if (!line.n)
		return 0;
	if (memchr(line.p, 0, line.n) || !span_copy(line, text, sizeof(text)))
		return -TR_EPARSE;

	return read_rule(tz, text) ? 0 : -TR_EPARSE;
}

static int parse(struct tz *tz, struct span s)
{
	struct header h;
	unsigned width = 4;

	if (!read_header(s, &h) || s.n < 44 + body_bytes(&h, 4))
		return -TR_EPARSE;
	if (h.version >= '2') {
		size_t skip = 44 + body_bytes(&h, 4);

		s = span(s.p + skip, s.n - skip);
		width = 8;
		if (!read_header(s, &h) || s.n < 44 + body_bytes(&h, 8))
			return -TR_EPARSE;
	}

	int err = read_body(tz, &h, s.p + 44, width);
	size_t end = 44 + body_bytes(&h, width);

	return err || width == 4 ? err : read_footer(tz, span(s.p + end, s.n - end));
}

int tz_parse(struct tz **ret, struct span bytes)
{
	struct tz *tz = calloc(1, sizeof(*tz));
	int err = tz ? parse(tz, bytes) : -ENOMEM;

	if (err) {
		tz_free(tz);
		return err;
	}
	*ret = tz;

	return 0;
}

struct tz *tz_free(struct tz *tz)
{
	if (tz) {
		free(tz->at);
		free(tz->type);
		free(tz);
	}

	return NULL;
}

/* ---- offsets ----------------------------------------------------------------------------------------------------------- */

/* Seconds since 1970 of a rule's day in local time. */
static int64_t rule_at(const struct rule_day *r, int year)
{
	int64_t first = tz_days(year, 1, 1), day;

	if (r->kind == DAY_ZERO_BASED) {
		day = first + r->day;
	} else if (r->kind == DAY_JULIAN) {
		day = first + r->day - 1 + (is_leap(year) && r->day >= 60);
	} else {
		int64_t month = tz_days(year, r->month, 1);
		int64_t next = r->month == 12 ? tz_days(year + 1, 1, 1) : tz_days(year, r->month + 1, 1);
		int64_t weekday = (month + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */

		if (weekday < 0)
			weekday += 7;
		day = month + (r->weekday - weekday + 7) % 7 + (r->week - 1) * 7;
		while (day >= next)
			day -= 7;
	}

	return day * DAY_S + r->at_s;
}

static int32_t rule_offset(const struct tz *tz, int64_t unix_s)
{
	int year, month, day;

	if (!tz->has_dst)
		return tz->std_s;
	tz_date(floor_div(unix_s + tz->std_s, DAY_S), &year, &month, &day);

	int64_t begin = rule_at(&tz->begins, year) - tz->std_s, end = rule_at(&tz->ends, year) - tz->dst_s;
	bool is_dst = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;

	return is_dst ? tz->dst_s : tz->std_s;
}

static int32_t offset_at(const struct tz *tz, int64_t unix_s)
{
	size_t low = 0, high;

	if (!tz)
		return 0;
	high = tz->count;
	if (tz->has_rule && (!tz->count || unix_s >= tz->at[tz->count - 1]))
		return rule_offset(tz, unix_s);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (tz->at[mid] <= unix_s)
			low = mid + 1;
		else
			high = mid;
	}

	return tz->offsets[low ? tz->type[low - 1] : 0];
}

void tz_local(const struct tz *tz, int64_t unix_s, struct tz_time *ret)
{
	int32_t offset = offset_at(tz, unix_s);
	int64_t local = unix_s + offset, days = floor_div(local, DAY_S);
	int64_t second = local - days * DAY_S;
	int weekday = (int)((days + 3) % 7);

	*ret = (struct tz_time){.hour = (int)(second / 3600), .minute = (int)(second / 60 % 60), .second = (int)(second % 60),
		.weekday = weekday < 0 ? weekday + 7 : weekday, .offset_s = offset};
	tz_date(days, &ret->year, &ret->month, &ret->day);
}

int64_t tz_unix(const struct tz *tz, const struct tz_time *local)
{
	int64_t wall = tz_days(local->year, local->month, local->day) * DAY_S + local->hour * 3600 + local->minute * 60 + local->second;
	/* A day before and after lie on both sides of whatever change is near. */
	int32_t before = offset_at(tz, wall - DAY_S), after = offset_at(tz, wall + DAY_S);

	if (offset_at(tz, wall - before) == before)
		return wall - before;
	if (offset_at(tz, wall - after) == after)
		return wall - after;

	return wall - before;
}

bool tz_name_is_safe(const char *name)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/";
	size_t n = strlen(name);

	return n && n < 64 && strspn(name, set) == n && name[0] != '/' && name[n - 1] != '/' && !strstr(name, "//");
}
