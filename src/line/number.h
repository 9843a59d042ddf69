/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Telephone numbers as lines write them, and patterns that numbers are held against. Pure.
 *
 * Inside, a number is E.164 with its plus ("+4930123450") wherever the plan of the line allows to know it; anything else (extensions,
 * emergency numbers, names) stays as it came. Nothing is ever guessed: 112 is not turned into +49112.
 */
#define NUMBER_TEXT 64 /* 15 digits of E.164, longest extensions and feature codes, SIP user names */

/* How a line wants to have, or sends, numbers that are known as E.164. */
enum number_format {
	NUMBER_E164,	      /* +4930123450 */
	NUMBER_PLAIN,	      /* 4930123450 */
	NUMBER_INTERNATIONAL, /* 004930123450: with the international prefix */
	NUMBER_NATIONAL,      /* 030123450 at home, 0043... abroad */
	NUMBER_FORMAT_COUNT
};

/* What is known of the numbers on a line. country NULL: nothing, numbers are passed as they are. */
struct number_plan {
	const char *country;		    /* "49" */
	const char *national_prefix;	    /* "0"; "": none (Italy, Spain, North America within the plan) */
	const char *international_prefix;   /* "00"; "011" in North America */
	enum number_format out;
	bool is_plain_in;		    /* digits without any prefix are E.164 without its plus */
	bool is_national_in;		    /* digits without any prefix are national numbers */
};

/* Usual prefixes of a country ("49": "0" and "00"); false when the country is not in the table, and then nothing is set. */
bool number_plan_defaults(struct number_plan *plan);

/*
 * A number as it came on the line, as E.164 where it can be told. Visual separators (RFC 3966 §5.1.1) go. ret has NUMBER_TEXT bytes; what
 * is longer is cut.
 */
void number_normalise(const struct number_plan *plan, const char *text, char *ret);

/* A number in the format of the line: only what begins with "+" is changed. */
void number_format(const struct number_plan *plan, const char *number, char *ret);

/*
 * Patterns: "300" exactly; "+4930*" a beginning; "+4930123450-499" from ...450 to ...499 (the last digits, as long as what follows the
 * dash); "*" anything. number_pattern_check: NULL, or what is wrong with it in words.
 */
bool number_fits(const char *pattern, const char *number);
const char *number_pattern_check(const char *pattern);
