/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * How one language reads aloud what is written: numbers, dates, times, money, units, addresses. Data only; speakable.c and its
 * parts know no language. Lists end with an entry whose first member is NULL.
 */

/*
 * A number's words by rules: the one with the greatest base <= n applies. In its text
 *	<  is n / unit, = is n, % is n % unit, each by the plain set
 *	>  is n % unit by the set itself
 *	{a|b}  a when n % unit is 0, else b
 */
struct speak_rule {
	uint64_t base, unit; /* unit 0: the text needs no part of n */
	const char *text;
};

struct speak_set {
	const struct speak_rule *rules; /* ascending */
	size_t count;
	const struct speak_set *parent; /* rules that are not said otherwise here; may be NULL */
	const struct speak_set *plain;	/* for < = %; NULL: the set itself */
};

struct speak_pair {
	const char *written, *spoken;
};

struct speak_unit {
	const char *written, *one, *many;
};

struct speak_money {
	const char *written, *one, *many, *cent, *cents;
};

struct speak_abbreviation {
	const char *written, *spoken; /* without its dot */
	enum speak_when {
		SPEAK_DOTTED,	     /* when it has a dot */
		SPEAK_ALWAYS,
		SPEAK_BEFORE_NAME,   /* dotted, and a capital follows ("St. Mary") */
		SPEAK_AFTER_NAME,    /* dotted, and a capital precedes ("Main St.") */
		SPEAK_BEFORE_NUMBER, /* "No. 5" */
	} when;
};

struct speak_month {
	const char *written; /* any case */
	int month;	     /* 1..12 */
};

struct speak_lang {
	const char *language;	/* primary subtag */
	bool is_ascii;		/* its voices read nothing else: accents are taken off */
	bool is_month_first;	/* 11/25/2026 */
	char point, group;	/* of decimals, of thousands */

	const struct speak_set *cardinal, *ordinal, *day, *year, *hour;
	const struct speak_set *counted; /* in front of a unit: "un euro" */
	const char *const *ordinal_marks; /* behind digits: "st" */
	const char *const *month_names;	  /* 12 */
	const struct speak_month *months; /* how they are written; dots are not looked at */
	const char *date, *date_year;	  /* %d day, %M month, %y year */
	const char *day_month;		  /* for "25 November"; NULL: number and name are read as they stand */

	/* %h hour, %m minute; with half: behind it the half of the day */
	const char *hour_only, *hour_half, *minutes_early, *minutes;
	const char *am, *pm;
	const char *night;	/* from night_from o'clock on, instead of pm; NULL: none */
	uint32_t night_from;
	const struct speak_pair *halves; /* as written: "a.m." -> "a" or "p" */
	bool is_12h;			 /* 14:30 is read as half of a day */

	const char *minus, *plus, *point_word, *to, *and_word, *number_sign;
	const char *money_cents; /* between units and cents; "" for none */
	const struct speak_pair *fractions; /* "1/2" */
	const struct speak_pair *symbols;   /* in addresses: one character each */
	const struct speak_pair *letters;   /* names of letters where the voice would not say them; may be empty */
	const struct speak_unit *units;
	const struct speak_money *moneys;
	const char *const *magnitudes; /* "million": "$2 million" */
	const struct speak_abbreviation *abbreviations;
	const char *const *code_leads; /* "extension": digits behind it are said one by one */
	const char *const *said_whole; /* capitals that are words: "OK" */
};

extern const struct speak_lang speak_lang_en, speak_lang_es;

/* By BCP 47 tag ("en-US" finds en); NULL: no table for it. */
const struct speak_lang *speak_lang_find(const char *language);

/* n in words. -TR_ETOOBIG when they do not fit; ret_text is then cut. */
nodiscard int speak_number(const struct speak_set *set, uint64_t n, char *ret_text, size_t cap);
