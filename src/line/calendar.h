/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/tz.h"

/* Opening hours and holidays in a time zone. Immutable once configured; pure. */
struct calendar_slot {
	uint8_t days;		  /* bit 0: Monday */
	uint16_t from_min, to_min; /* since midnight; to_min <= from_min: until the next day */
};

struct calendar_holiday {
	enum { HOLIDAY_ONCE, HOLIDAY_YEARLY, HOLIDAY_EASTER } kind;
	int year, month, day;
	int easter_days; /* after Easter Sunday, or before */
	const char *text; /* as configured */
};

struct calendar {
	const char *name;
	int file_line;
	const char *zone;  /* "Europe/Berlin"; NULL: UTC */
	struct tz *tz;
	struct calendar_slot *slots; /* none: always open, but for holidays */
	size_t slot_count;
	struct calendar_holiday *holidays;
	size_t holiday_count;
};

/* "mon", "mon-fri", "sat,sun", "daily". False: neither. */
bool calendar_parse_days(struct span text, uint8_t *ret);
/* "08:00-12:30"; "24:00" is the end of a day. */
bool calendar_parse_slot(struct span text, struct calendar_slot *ret);
/* "2026-12-24", "12-25" (each year), "easter", "easter-2", "easter+39". text of *ret stays as it is. */
bool calendar_parse_holiday(struct span text, struct calendar_holiday *ret);

struct calendar_state {
	struct tz_time local;
	bool is_open;
	const struct calendar_holiday *holiday; /* of the local day; NULL: none */
};
void calendar_at(const struct calendar *c, int64_t unix_s, struct calendar_state *ret);

/* "open, Mon 14:03 in Europe/Berlin", "closed, Fri 09:00 in UTC, holiday 12-25". */
void calendar_words(const struct calendar *c, const struct calendar_state *s, char *ret, size_t cap);
