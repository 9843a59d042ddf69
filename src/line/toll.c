/* SPDX-License-Identifier: Apache-2.0 */
#include "line/toll.h"
#include <ctype.h>

#define HOUR_MS	   3600000
#define NUMBER_MAX 40

bool toll_number(const char *target, char *ret, size_t cap)
{
	const char *p = target;
	size_t n = 0;

	if (!strncasecmp(p, "sip:", 4) || !strncasecmp(p, "tel:", 4))
		p += 4;
	else if (!strncasecmp(p, "sips:", 5))
		p += 5;
	for (; *p && *p != '@' && *p != ';'; p++) {
		if (strchr(" -./()", *p))
			continue;
		if (!isdigit((unsigned char)*p) && !(n == 0 && *p == '+') && *p != '*' && *p != '#')
			return false;
		if (n + 1 >= cap)
			return false;
		ret[n++] = *p;
	}
	ret[n] = 0;

	return n > 0 && strcmp(ret, "+") != 0;
}

/* "00" abroad is "+" in the rules of those who write "+". */
static bool has_prefix(const char *number, const char *prefix)
{
	if (prefix[0] == '+' && !strncmp(number, "00", 2))
		return !strncmp(number + 2, prefix + 1, strlen(prefix + 1));

	return !strncmp(number, prefix, strlen(prefix));
}

static const char *find_prefix(const char *number, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_prefix(number, list[i]))
			return list[i];

	return NULL;
}

static bool is_internal(const struct toll_rules *rules, const char *number)
{
	return number[0] != '+' && strncmp(number, "00", 2) != 0 && strlen(number) <= rules->internal_digits;
}

/* False: an extension, or somebody with a name: nothing to pay. */
static bool costs(const struct toll_rules *rules, const char *target, char *ret_number)
{
	return toll_number(target, ret_number, NUMBER_MAX) && !is_internal(rules, ret_number);
}

static uint32_t price_of(const struct toll_rules *rules, const char *number)
{
	const struct toll_price *best = NULL;

	for (size_t i = 0; i < rules->price_count; i++) {
		const struct toll_price *p = &rules->prices[i];

		if (has_prefix(number, p->prefix) && (!best || strlen(p->prefix) > strlen(best->prefix)))
			best = p;
	}

	return best ? best->micros : 0;
}

static void roll_day(struct toll *t, const struct toll_clock *clock)
{
	if (clock->day == t->day)
		return;
	t->day = clock->day;
	t->seconds = t->micros = 0;
}

static uint32_t calls_of_hour(struct toll *t, msec_t now)
{
	while (t->began_count) {
		uint32_t oldest = (t->began_next + TOLL_HOUR_CALLS - t->began_count) % TOLL_HOUR_CALLS;

		if (now - t->began[oldest] < HOUR_MS)
			break;
		t->began_count--;
	}

	return t->began_count;
}

static bool is_night(const struct toll_rules *rules, uint32_t minute)
{
	if (rules->night_from <= rules->night_to)
		return minute >= rules->night_from && minute < rules->night_to;

	return minute >= rules->night_from || minute < rules->night_to;
}

/* NULL: fine. Otherwise what stands against it. */
static const char *destination_fault(const struct toll_rules *rules, const char *number, char *ret, size_t cap)
{
	const char *denied = find_prefix(number, rules->deny, rules->deny_count);

	if (denied) {
		snprintf(ret, cap, "calls to %s are denied (toll.deny)", denied);
		return ret;
	}
	if (rules->allow_count && !find_prefix(number, rules->allow, rules->allow_count)) {
		snprintf(ret, cap, "%s is not among the allowed destinations (toll.allow)", number);
		return ret;
	}

	return NULL;
}

static const char *budget_fault(struct toll *t, const struct toll_rules *rules, const char *number, const struct toll_clock *clock,
	msec_t now)
{
	uint32_t hour = calls_of_hour(t, now);

	if (t->is_uncounted)
		return "what was spent cannot be counted, so nothing more is: mend toll.state";
	if (is_night(rules, clock->minute) && hour >= rules->night_calls_per_hour)
		return "the calls an hour at night are used up (toll.night)";
	if ((rules->calls_per_hour && hour >= rules->calls_per_hour) || hour == TOLL_HOUR_CALLS)
		return "the calls of this hour are used up (toll.calls_per_hour)";
	if (rules->calls_at_once && t->running >= rules->calls_at_once)
		return "so many outside calls run already (toll.calls_at_once)";
	if (rules->minutes_per_day && t->seconds + t->running * 60ull >= rules->minutes_per_day * 60ull)
		return "the minutes of this day are used up (toll.minutes_per_day)";
	if (rules->micros_per_day && t->micros + t->running_micros + price_of(rules, number) > rules->micros_per_day)
		return "the money of this day is used up (toll.cost_per_day)";

	return NULL;
}

bool toll_may_call(struct toll *t, const struct toll_rules *rules, const char *target, const struct toll_clock *clock, msec_t now,
	char *ret_why, size_t cap)
{
	char number[NUMBER_MAX], text[160];

	if (!costs(rules, target, number))
		return true;
	roll_day(t, clock);

	const char *fault = destination_fault(rules, number, text, sizeof(text));

	if (!fault)
		fault = budget_fault(t, rules, number, clock, now);
	if (!fault)
		return true;
	t->refused++;
	snprintf(ret_why, cap, "%s", fault);

	return false;
}

void toll_began(struct toll *t, const struct toll_rules *rules, const char *target, msec_t now)
{
	char number[NUMBER_MAX];

	if (!costs(rules, target, number))
		return;
	t->running++;
	t->running_micros += price_of(rules, number);
	t->began[t->began_next] = now;
	t->began_next = (t->began_next + 1) % TOLL_HOUR_CALLS;
	t->began_count = MIN(t->began_count + 1, TOLL_HOUR_CALLS);
}

void toll_ended(struct toll *t, const struct toll_rules *rules, const char *target, uint32_t seconds, const struct toll_clock *clock)
{
	char number[NUMBER_MAX];

	if (!costs(rules, target, number))
		return;

	uint32_t price = price_of(rules, number);

	roll_day(t, clock);
	t->running -= t->running > 0;
	t->running_micros -= MIN(t->running_micros, (uint64_t)price);
	t->seconds += seconds;
	/* Carriers count begun minutes. */
	t->micros += (uint64_t)price * ((seconds + 59) / 60);
}
