/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include "flow/value.h"

/* Any word may be a name, so that what counts is which words cannot: the language lists them. */

static bool is_name_word(const struct value_reading *r, size_t i)
{
	const char *word = i < r->words->count ? r->words->at[i] : "";

	if (!word[0] || !word[1] || (r->used && r->used[i]))
		return false;

	return (isalpha((unsigned char)word[0]) || (unsigned char)word[0] >= 0x80) && !lang_has(&r->lang->name_no, r->words, i);
}

static void add_word(char *name, size_t cap, const char *raw)
{
	size_t n = strlen(name);

	if (n + strlen(raw) + 2 > cap)
		return;
	if (n)
		name[n++] = ' ';
	words_capitalise(raw, name + n, cap - n);
}

/* A spelling behind the name says how its last word is written. */
static size_t read_spelling_of(const struct value_reading *r, size_t i, struct value *name)
{
	struct value letters;
	size_t end = value_read_spelled(r, i, 3, &letters);
	char *last = strrchr(name->text, ' '), word[VALUE_BYTES];
	size_t n = 0;

	if (!end)
		return 0;
	/* Letters of a table are ASCII or two bytes of Latin-1. */
	for (const char *p = letters.text; *p && n + 3 < sizeof(word); p++) {
		if ((unsigned char)*p == 0xC3 && p[1]) {
			word[n++] = *p++;
			word[n++] = (char)((unsigned char)*p < 0xA0 ? *p + 0x20 : *p);
		} else {
			word[n++] = (char)tolower((unsigned char)*p);
		}
	}
	word[n] = 0;
	if (last)
		*last = 0;
	else
		name->text[0] = 0;
	add_word(name->text, sizeof(name->text), word);

	return end;
}

size_t value_read_name(const struct value_reading *r, size_t i, size_t least, struct value *ret)
{
	struct value v = {.is_set = true};
	size_t count = 0, end = i, spelled;

	for (; count < 3 && is_name_word(r, end); count++, end++)
		add_word(v.text, sizeof(v.text), r->words->raw[end]);

	spelled = count >= MIN(least, 1U) ? read_spelling_of(r, end, &v) : 0;
	if (spelled) {
		end = spelled;
		count = MAX(count, 1);
	}
	if (!count || count < least)
		return 0;
	v.is_exact = count >= 2;
	v.number = (int64_t)count;
	*ret = v;

	return end;
}
