/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * What an English sentence said on the telephone means to a receptionist: one intent and the day, time and name in it.
 *
 * Takes what any recogniser writes: spelled-out numbers or digits, with or without punctuation and capitals. Pure.
 */
enum parse_intent {
	PARSE_NONE,
	PARSE_YES,
	PARSE_NO,
	PARSE_HUMAN,
	PARSE_REPEAT,
	PARSE_HELP,
	PARSE_BYE,
	PARSE_WAIT,
	PARSE_RESTART,
	PARSE_THANKS,
	PARSE_GREETING,
	PARSE_BOOK,
	PARSE_CANCEL,
	PARSE_RESCHEDULE,
	PARSE_HOURS,
	PARSE_PRICE,
	PARSE_WHERE,
};

enum parse_part { PART_UNKNOWN, PART_MORNING, PART_AFTERNOON, PART_EVENING };

/* What was asked: decides how bare words ("three", "john smith") are taken. */
enum parse_expect { EXPECT_ANY, EXPECT_DAY, EXPECT_TIME, EXPECT_NAME, EXPECT_YESNO };

struct parse_context {
	int32_t today; /* calendar_day */
	enum parse_expect expect;
};

struct parsed {
	enum parse_intent intent;
	bool is_correction; /* "no, I said", "make it", "actually": replaces what was understood before */
	bool has_yes, has_no;

	bool has_day;
	int32_t day; /* calendar_day; today or later */
	bool is_any_day;

	bool has_time;
	int32_t minute;	     /* of the day */
	bool is_half_given;  /* a m, p m or 24 hours were said; otherwise minute is 7:00 to 18:59 */
	enum parse_part part;
	bool is_any_time;

	bool has_name;
	char name[96]; /* "Sarah Miller" */
	bool is_full_name;

	/* "change the day": the slot was named but no value. */
	bool names_day, names_time, names_name;

	bool is_dangling; /* ends where more must follow: "half past", "the fifth of", "at" */
};

void parse_en(struct span text, const struct parse_context *context, struct parsed *ret);
