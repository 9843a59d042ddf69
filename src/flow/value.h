/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "flow/lang.h"

/*
 * What fills a slot: read from words, written to be spoken, written for programs. Reading what was written gives the same value
 * again (value_test.c holds it to that). Pure.
 */
enum value_type {
	VALUE_DATE,
	VALUE_TIME,
	VALUE_NUMBER,
	VALUE_DIGITS,
	VALUE_NAME,
	VALUE_CHOICE,
	VALUE_YES_NO,
	VALUE_SPELLED,
	VALUE_PHONE,
	VALUE_MONEY,
	VALUE_TEXT,
	VALUE_TYPES
};

extern const char *const value_type_names[VALUE_TYPES + 1]; /* "date", ...; NULL at the end */

enum { VALUE_BYTES = 256 };

struct value {
	bool is_set;
	/* The caller's own precision. Times: was the half of the day said. Names: a first and a last one. */
	bool is_exact;
	/* The speaker may go on: "ten" (thirty), "twenty" (one). */
	bool may_go_on;
	bool is_any; /* "any day", "any time": the number means nothing */
	uint8_t part; /* enum lang_part that came with a time, or instead of one */
	int64_t number; /* calendar_day; minute of the day; number; cents; index of a choice; 0 or 1 */
	char text[VALUE_BYTES]; /* digits, name, letters, telephone number, what was said */
};

struct value_reading {
	const struct lang *lang;
	const struct words *words;
	const bool *used; /* words that belong to something else; NULL: none */
	int32_t today;
};

enum value_tense { VALUE_FUTURE, VALUE_ANY_TENSE, VALUE_PAST };

/*
 * Each returns the index behind a value that begins with word i, or 0. is_loose: it was asked for, so that bare words count ("ten",
 * "the fifth", "john").
 */
size_t value_read_number(const struct value_reading *r, size_t i, int64_t *ret);
size_t value_read_ordinal(const struct value_reading *r, size_t i, int64_t *ret);
size_t value_read_date(const struct value_reading *r, size_t i, bool is_loose, enum value_tense tense, struct value *ret);
/* Minutes of the day from 0; without a half of the day it is what was said, 0 to 12 o'clock and 13 to 24. */
size_t value_read_time(const struct value_reading *r, size_t i, bool is_loose, struct value *ret);
size_t value_read_part(const struct value_reading *r, size_t i, enum lang_part *ret);
size_t value_read_digits(const struct value_reading *r, size_t i, bool may_be_letters, struct value *ret);
size_t value_read_phone(const struct value_reading *r, size_t i, struct value *ret);
size_t value_read_money(const struct value_reading *r, size_t i, bool is_loose, struct value *ret);
size_t value_read_spelled(const struct value_reading *r, size_t i, size_t least, struct value *ret);
/* At most three words that may be a name; of fewer than least, 0. */
size_t value_read_name(const struct value_reading *r, size_t i, size_t least, struct value *ret);

/* Does one of the phrases begin at i; the index behind the longest. */
size_t value_read_phrase(const struct value_reading *r, const struct lang_phrases *phrases, size_t i);
/* A pattern of the language, with its references. */
bool value_match(const struct value_reading *r, const struct pattern *p, size_t i, struct pattern_match *ret);
bool value_is_open(const struct value_reading *r, const struct pattern *p, size_t i);
size_t value_read_ref(const struct value_reading *r, int ref, size_t i, int64_t *ret);

/* The minute that was meant by one without its half of the day: the one in [from, to), or the one of the part of the day. */
int32_t value_settle_time(const struct value *v, enum lang_part part, int32_t from, int32_t to);

/*
 * To be spoken: "Thursday the 3rd of December", "2:30 pm", "4 7 1 1", "$12.50". style: how else ("weekday", "iso", ...; NULL: the
 * type's own way). false when the type has no such style. choice: how the value of a choice is called.
 */
bool value_say(const struct lang *l, enum value_type type, const struct value *v, const char *style, char *ret_text, size_t cap);
/* For programs: ISO dates, 24 hours, plain numbers. */
void value_write(enum value_type type, const struct value *v, char *ret_text, size_t cap);
/* The reverse, for variables; false when text is not such a value. */
bool value_parse(enum value_type type, struct span text, struct value *ret);
/* NULL-terminated; for error messages. */
const char *const *value_styles(enum value_type type);
