/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The budget of calls that cost money. A stolen key, a talked-round language model or a loop in somebody's program must not run up a
 * bill overnight: every call and transfer to the outside asks here first, and what cannot be counted is refused.
 *
 * Pure: time is an argument, and so is the local clock.
 */
struct toll_price {
	const char *prefix; /* "+49"; "" for all others */
	uint32_t micros;    /* millionths of the currency a minute */
};

struct toll_rules {
	const char **allow; /* prefixes; none: every destination that is not denied */
	size_t allow_count;
	const char **deny;
	size_t deny_count;
	uint32_t internal_digits;  /* numbers of at most so many digits are extensions: always allowed, never counted */
	uint32_t calls_at_once;	   /* 0 of these five: no limit */
	uint32_t calls_per_hour;
	uint32_t minutes_per_day;
	uint32_t call_minutes;	   /* of one call; then it is ended */
	uint64_t micros_per_day;
	uint32_t night_from, night_to;	/* minutes of the local day; equal: there is no night */
	uint32_t night_calls_per_hour;	/* 0: none at all */
	struct toll_price *prices;	/* the longest prefix that fits counts; none: a call costs nothing */
	size_t price_count;
};

/* What the clock on the wall says. */
struct toll_clock {
	int32_t day;	 /* days since 1970, local */
	uint32_t minute; /* of the day */
};

enum { TOLL_HOUR_CALLS = 4096 }; /* calls of the last hour that are told apart; more in an hour are refused */

/* Counted so far. The part that outlives a restart is day, seconds, micros. */
struct toll {
	int32_t day;
	uint64_t seconds, micros; /* of ended calls of that day */
	uint32_t running;
	uint64_t running_micros;  /* a minute of each running call, ahead */
	bool is_uncounted;	  /* counting has failed: nothing more is allowed */
	msec_t began[TOLL_HOUR_CALLS]; /* ring */
	uint32_t began_next, began_count;
	uint64_t refused;
};

/* The digits of a target: "sip:+49301234@carrier;user=phone" gives "+49301234", "00 49-30 1234" the same without blanks. False: no number. */
bool toll_number(const char *target, char *ret, size_t cap);

/* May it be called now? ret_why: a sentence that names the key to change, when not. Counts nothing but refusals. */
bool toll_may_call(struct toll *t, const struct toll_rules *rules, const char *target, const struct toll_clock *clock, msec_t now,
	char *ret_why, size_t cap);

/* Around a call that was allowed. An internal one is not counted. seconds: from answer to end. */
void toll_began(struct toll *t, const struct toll_rules *rules, const char *target, msec_t now);
void toll_ended(struct toll *t, const struct toll_rules *rules, const char *target, uint32_t seconds, const struct toll_clock *clock);
