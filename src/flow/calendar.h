/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Days of the Gregorian calendar as numbers: 0 is 1970-01-01, a Thursday. Pure. */
struct civil {
	int32_t year;
	int32_t month; /* 1..12 */
	int32_t day;   /* 1..31 */
};

int32_t calendar_day(struct civil date);
struct civil calendar_civil(int32_t day);

/* 0 is Monday. */
static inline int32_t calendar_weekday(int32_t day)
{
	return ((day + 3) % 7 + 7) % 7;
}

int32_t calendar_month_days(int32_t year, int32_t month);
