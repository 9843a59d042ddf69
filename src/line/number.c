/* SPDX-License-Identifier: Apache-2.0 */
#include "line/number.h"

#define SHORTEST_NUMBER	 7 /* shorter ones are extensions, services and emergencies */
#define SHORTEST_NATIONAL 6 /* the same with the national prefix, which none of those has */
#define E164_DIGITS	15

/* ---- plans --------------------------------------------------------------------------------------------------------- */

/* The countries whose prefixes are not "0" and "00" (ITU-T, Operational Bulletin: dialling procedures). */
static const struct prefixes {
	const char *country, *national, *international;
} table[] = {
	{"1", "1", "011"},  {"7", "8", "810"},	{"30", "", "00"},  {"31", "0", "00"},  {"32", "0", "00"},  {"33", "0", "00"},
	{"34", "", "00"},   {"36", "06", "00"}, {"39", "", "00"},  {"40", "0", "00"},  {"41", "0", "00"},  {"43", "0", "00"},
	{"44", "0", "00"},  {"45", "", "00"},	{"46", "0", "00"}, {"47", "", "00"},   {"48", "", "00"},   {"49", "0", "00"},
	{"52", "", "00"},   {"55", "0", "00"},	{"61", "0", "0011"}, {"64", "0", "00"}, {"65", "", "000"}, {"81", "0", "010"},
	{"86", "0", "00"},  {"90", "0", "00"},	{"91", "0", "00"}, {"351", "", "00"},  {"352", "", "00"},  {"353", "0", "00"},
	{"358", "0", "00"}, {"359", "0", "00"}, {"370", "0", "00"}, {"371", "", "00"}, {"372", "", "00"},  {"385", "0", "00"},
	{"386", "0", "00"}, {"420", "", "00"},	{"421", "0", "00"}, {"423", "", "00"}, {"852", "", "001"}, {"971", "0", "00"},
	{"972", "0", "00"},
};

bool number_plan_defaults(struct number_plan *plan)
{
	for (size_t i = 0; plan->country && i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].country, plan->country) != 0)
			continue;
		if (!plan->national_prefix)
			plan->national_prefix = table[i].national;
		if (!plan->international_prefix)
			plan->international_prefix = table[i].international;
		return true;
	}

	return false;
}

/* ---- in and out ---------------------------------------------------------------------------------------------------- */

static bool is_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n && !s[n];
}

/* Copies without "-", ".", "(", ")" and spaces; false: it is no number, but a name or a feature code. */
static bool strip(const char *text, char *ret)
{
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (strchr(" -.()", *p))
			continue;
		if (!(*p >= '0' && *p <= '9') && !(*p == '+' && n == 0))
			return false;
		if (n + 1 >= NUMBER_TEXT)
			return false;
		ret[n++] = *p;
	}
	ret[n] = 0;

	return n > 0;
}

/* "+" and the parts, unless that is longer than a number can be. */
static bool write_e164(char *ret, const char *country, const char *rest)
{
	if (!is_digits(rest) || strlen(country) + strlen(rest) > E164_DIGITS)
		return false;

	return buf_format(ret, NUMBER_TEXT, "+%s%s", country, rest) == 0;
}

static bool starts(const char *text, const char *prefix)
{
	return prefix && prefix[0] && strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool to_e164(const struct number_plan *plan, const char *digits, char *ret)
{
	size_t n = strlen(digits);

	if (starts(digits, plan->international_prefix) && n > strlen(plan->international_prefix) + SHORTEST_NUMBER)
		return write_e164(ret, "", digits + strlen(plan->international_prefix));
	if (!plan->is_plain_in && n >= SHORTEST_NATIONAL && starts(digits, plan->national_prefix))
		return write_e164(ret, plan->country, digits + strlen(plan->national_prefix));
	if (n < SHORTEST_NUMBER)
		return false;
	if (plan->is_plain_in)
		return write_e164(ret, "", digits);

	return plan->is_national_in && write_e164(ret, plan->country, digits);
}

void number_normalise(const struct number_plan *plan, const char *text, char *ret)
{
	char digits[NUMBER_TEXT];

	if (!plan->country || !strip(text, digits) || digits[0] == '+' || !to_e164(plan, digits, ret)) {
		bool is_plus = plan->country && strip(text, digits) && digits[0] == '+';

		buf_copy(ret, NUMBER_TEXT, is_plus ? digits : text);
	}
}

void number_format(const struct number_plan *plan, const char *number, char *ret)
{
	const char *digits = number + 1;
	size_t n = plan->country ? strlen(plan->country) : 0;
	const char *international = plan->international_prefix ? plan->international_prefix : "00";
	bool is_home = n && strncmp(digits, plan->country, n) == 0;
	int err = 0;

	if (number[0] != '+' || !is_digits(digits) || !plan->country || plan->out == NUMBER_E164) {
		buf_copy(ret, NUMBER_TEXT, number);
		return;
	}
	if (plan->out == NUMBER_PLAIN)
		err = buf_format(ret, NUMBER_TEXT, "%s", digits);
	else if (plan->out == NUMBER_NATIONAL && is_home)
		err = buf_format(ret, NUMBER_TEXT, "%s%s", plan->national_prefix ? plan->national_prefix : "", digits + n);
	else
		err = buf_format(ret, NUMBER_TEXT, "%s%s", international, digits);
	if (err)
		buf_copy(ret, NUMBER_TEXT, number);
}

/* ---- patterns ------------------------------------------------------------------------------------------------------ */

/* "+4930123450-499": where the dash is, and that both sides are numbers of fitting length. */
static bool range_of(const char *pattern, size_t *ret_first, size_t *ret_last)
{
	const char *dash = strchr(pattern, '-');
	const char *digits = pattern[0] == '+' ? pattern + 1 : pattern;

	if (!dash || dash == digits || !is_digits(dash + 1))
		return false;
	for (const char *p = digits; p < dash; p++)
		if (*p < '0' || *p > '9')
			return false;
	*ret_first = (size_t)(dash - pattern);
	*ret_last = strlen(dash + 1);

	return *ret_last <= (size_t)(dash - digits);
}

bool number_fits(const char *pattern, const char *number)
{
	size_t n = strlen(pattern), first, last;

	if (n && pattern[n - 1] == '*')
		return strncmp(pattern, number, n - 1) == 0;
	if (!range_of(pattern, &first, &last))
		return strcmp(pattern, number) == 0;

	/* All numbers of a range have one length, so their digits compare as text. */
	size_t stem = first - last;

	return strlen(number) == first && strncmp(number, pattern, stem) == 0 && is_digits(number + stem) &&
		strcmp(number + stem, pattern + first + 1) <= 0 && strncmp(number + stem, pattern + stem, last) >= 0;
}

const char *number_pattern_check(const char *pattern)
{
	size_t n = strlen(pattern), first, last;
	const char *star = strchr(pattern, '*');

	if (!n || n >= NUMBER_TEXT)
		return "a number, a beginning with * or a range is wanted";
	if (star && star[1] && is_digits(star + 1) && star != pattern)
		return "the * stands at the end only";
	if (!strchr(pattern, '-') || !strpbrk(pattern, "0123456789") || star)
		return NULL;
	if (!range_of(pattern, &first, &last))
		return strspn(pattern, "+0123456789-") == n ? "a range is FIRST-LASTDIGITS, such as +4930123450-499" : NULL;

	return strncmp(pattern + first - last, pattern + first + 1, last) <= 0 ? NULL : "the range ends before it begins";
}
