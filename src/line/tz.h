/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * A time zone of the IANA database: local time of any zone at any moment, without touching the process' own TZ. Reads the compiled
 * files of /usr/share/zoneinfo (RFC 8536): transitions as listed, and the rule of the footer behind the last of them. Pure; any
 * thread.
 */
struct tz;

/* -TR_EPARSE: not a TZif file, or a broken one. */
nodiscard int tz_parse(struct tz **ret, struct span bytes);
struct tz *tz_free(struct tz *tz);

struct tz_time {
	int year, month, day; /* month 1-12 */
	int hour, minute, second;
	int weekday;	      /* 0 Monday ... 6 Sunday */
	int32_t offset_s;     /* east of UTC */
};

/* tz NULL: UTC. */
void tz_local(const struct tz *tz, int64_t unix_s, struct tz_time *ret);

/*
 * The moment of a local time (weekday and offset_s are not read). In the hour that is skipped in spring: as the clock shows that has not been
 * put forward. In the hour that comes twice: its first coming.
 */
int64_t tz_unix(const struct tz *tz, const struct tz_time *local);

/* Days since 1970-01-01 of a civil date, and back. */
int64_t tz_days(int year, int month, int day);
void tz_date(int64_t days, int *ret_year, int *ret_month, int *ret_day);
/* Easter Sunday (Gregorian) as days since 1970-01-01. */
int64_t tz_easter(int year);

/* Names that may be opened below the zone folder: letters, digits, "_-+" and "/" between parts. */
bool tz_name_is_safe(const char *name);
