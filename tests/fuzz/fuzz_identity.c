/* SPDX-License-Identifier: Apache-2.0 */
#include "line/identity.h"
#include "line/number.h"
#include "line/calendar.h"
#include "sip/msg.h"

/*
 * Who calls, from a message of anybody: all texts end and have no control characters; what is written of them parses again. The same
 * bytes as a number, a pattern, a calendar's texts.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);

	assert(n < cap);
	for (size_t i = 0; i < n; i++)
		assert((unsigned char)text[i] >= 0x20);
}

static void write_it(const struct line_identity *id)
{
	char from[1000], headers[2000];
	struct identity_out out = {.user = "u", .number = id->number, .name = id->name[0] ? id->name : NULL, .domain = "d",
		.places = IDENTITY_FROM | IDENTITY_PAI | IDENTITY_RPID, .is_private = id->is_private};
	struct sip_name_addr a;

	if (identity_write(&out, from, sizeof(from), headers, sizeof(headers)) != 0)
		return;
	assert(!strpbrk(from, "\r\n"));
	assert(!from[0] || sip_name_addr_parse(&a, span_z(from)) == 0); /* "": that of the account */
	for (const char *p = headers; *p; p = strstr(p, "\r\n") + 2)
		assert(strstr(p, "\r\n") && memchr(p, ':', (size_t)(strstr(p, "\r\n") - p)));
}

static void as_texts(const char *text)
{
	static const struct number_plan plan = {.country = "49", .national_prefix = "0", .international_prefix = "00", .out = NUMBER_NATIONAL};
	struct calendar_holiday holiday;
	struct calendar_slot slot;
	char in[NUMBER_TEXT], out[NUMBER_TEXT], again[NUMBER_TEXT];
	uint8_t days;

	number_normalise(&plan, text, in);
	number_format(&plan, in, out);
	number_normalise(&plan, in, again);
	assert(strcmp(in, again) == 0);
	if (!number_pattern_check(text))
		(void)number_fits(text, in);
	(void)calendar_parse_days(span_z(text), &days);
	if (calendar_parse_slot(span_z(text), &slot))
		assert(slot.from_min < 1440 && slot.to_min <= 1440);
	if (calendar_parse_holiday(span_z(text), &holiday) && holiday.kind != HOLIDAY_EASTER)
		assert(holiday.month >= 1 && holiday.month <= 12 && holiday.day >= 1 && holiday.day <= 31);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg m;
	struct line_identity id;
	char text[200];

	if (span_copy(span((const char *)data, MIN(size, sizeof(text) - 1)), text, sizeof(text)))
		as_texts(text);
	if (sip_msg_parse(&m, (const char *)data, size) != 0)
		return 0;
	for (int trust = 0; trust < 2; trust++) {
		identity_read(&m, trust, &id);
		check_text(id.number, sizeof(id.number));
		check_text(id.name, sizeof(id.name));
		check_text(id.diverted_from, sizeof(id.diverted_from));
		check_text(id.diverted_why, sizeof(id.diverted_why));
		check_text(id.dialled_first, sizeof(id.dialled_first));
		check_text(id.language, sizeof(id.language));
		write_it(&id);
	}

	return 0;
}
