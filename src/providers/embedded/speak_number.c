/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_lang.h"

enum { DEPTH = 12 }; /* trillions of millions of thousands of hundreds: no number of 64 bits goes deeper */

struct out {
	char *text;
	size_t n, cap;
	bool is_full;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->cap)
		o->text[o->n++] = c;
	else
		o->is_full = true;
	o->text[o->n] = '\0';
}

static const struct speak_rule *rule_for(const struct speak_set *set, uint64_t n)
{
	const struct speak_rule *best = NULL;

	for (; set; set = set->parent)
		for (size_t i = 0; i < set->count && set->rules[i].base <= n; i++)
			if (!best || set->rules[i].base > best->base)
				best = &set->rules[i];

	return best;
}

static void say(struct out *o, const struct speak_set *set, uint64_t n, int depth)
{
	const struct speak_set *plain = set->plain ? set->plain : set;
	const struct speak_rule *rule = depth < DEPTH ? rule_for(set, n) : NULL;
	bool is_skipped = false;

	if (!rule) {
		o->is_full = true;
		return;
	}

	uint64_t rest = rule->unit ? n % rule->unit : 0;

	for (const char *p = rule->text; *p; p++) {
		if (*p == '{')
			is_skipped = rest != 0;
		else if (*p == '|')
			is_skipped = rest == 0;
		else if (*p == '}')
			is_skipped = false;
		else if (is_skipped)
			continue;
		else if (*p == '<')
			say(o, plain, n / rule->unit, depth + 1);
		else if (*p == '%')
			say(o, plain, rest, depth + 1);
		else if (*p == '=')
			say(o, plain, n, depth + 1);
		else if (*p == '>')
			say(o, set, rest, depth + 1);
		else
			put(o, *p);
	}
}

int speak_number(const struct speak_set *set, uint64_t n, char *ret_text, size_t cap)
{
	struct out o = {.text = ret_text, .cap = cap};

	ret_text[0] = '\0';
	say(&o, set, n, 0);

	return o.is_full ? -TR_ETOOBIG : 0;
}

const struct speak_lang *speak_lang_find(const char *language)
{
	static const struct speak_lang *const all[] = {&speak_lang_en, &speak_lang_es};
	size_t n = language ? strcspn(language, "-_") : 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (span_ieq_z(span(language, n), all[i]->language))
			return all[i];

	return NULL;
}
