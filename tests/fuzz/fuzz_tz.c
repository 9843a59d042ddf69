/* SPDX-License-Identifier: Apache-2.0 */
#include "line/tz.h"

/* A compiled time zone: whatever parses gives dates that are dates, and moments that come back. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tz *tz, int64_t at)
{
	struct tz_time t, again;

	tz_local(tz, at, &t);
	assert(t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31 && t.hour >= 0 && t.hour < 24 && t.minute < 60 && t.second < 60);
	assert(t.weekday >= 0 && t.weekday < 7 && t.offset_s >= -26 * 3600 * 7 && t.offset_s <= 26 * 3600 * 7);
	assert(tz_days(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second == at + t.offset_s);
	tz_local(tz, tz_unix(tz, &t), &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tz *tz;

	if (tz_parse(&tz, span((const char *)data, size)) != 0)
		return 0;
	for (int64_t at = INT64_C(-3000000000); at < INT64_C(6000000000); at += 86399 * 1013)
		check(tz, at);
	tz_free(tz);

	return 0;
}
