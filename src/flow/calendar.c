/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"

/* Years begin in March here, so that the leap day is the last one; 400 years (an era) always have 146097 days. */
int32_t calendar_day(struct civil date)
{
	int32_t year = date.year - (date.month <= 2);
	int32_t era = (year >= 0 ? year : year - 399) / 400;
	int32_t of_era = year - era * 400;
	int32_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil calendar_civil(int32_t day)
{
	day += 719468;

	int32_t era = (day >= 0 ? day : day - 146096) / 146097;
	int32_t of_era_day = day - era * 146097;
	int32_t of_era = (of_era_day - of_era_day / 1460 + of_era_day / 36524 - of_era_day / 146096) / 365;
	int32_t of_year = of_era_day - (365 * of_era + of_era / 4 - of_era / 100);
	int32_t month = (5 * of_year + 2) / 153;
	int32_t civil_month = month + (month < 10 ? 3 : -9);

	return (struct civil){of_era + era * 400 + (civil_month <= 2), civil_month, of_year - (153 * month + 2) / 5 + 1};
}

int32_t calendar_month_days(int32_t year, int32_t month)
{
	struct civil next = month == 12 ? (struct civil){year + 1, 1, 1} : (struct civil){year, month + 1, 1};

	return calendar_day(next) - calendar_day((struct civil){year, month, 1});
}
