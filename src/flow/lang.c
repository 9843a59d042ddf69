/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lang.h"
#include "base/nearest.h"

const char *const lang_command_names[LANG_COMMANDS + 1] = {"nothing", "human", "cancel", "start_over", "repeat", "help", "wait",
	"goodbye", "thanks", "greeting"};

const char *const lang_prompt_names[LANG_PROMPTS + 1] = {"greeting", "how_can_i_help", "no_match", "no_match_again", "no_match_last",
	"no_input", "no_input_last", "key_human", "transfer", "transfer_failed", "goodbye", "wait", "start_over", "cancelled", "help",
	"welcome", "all_right", "one_moment", "tool_failed", "corrected", "what_change", "closed_day", "closed_time", "past_day",
	"future_day", "number_range", "too_short", "too_long", "and_the_rest", "last_name", "press", "press_yes_no", "type_number",
	"type_digits", "type_time", "type_date", "spell_name", "and", "or"};

const char *const lang_ref_names[LANG_REFS + 1] = {"number", "ordinal", "weekday", "month", "year", "hour", "minute", "unit", "cent"};

static const char *const part_names[] = {"none", "morning", "afternoon", "evening"};

/* ---- looking up ------------------------------------------------------------------------------------------------------- */

const struct lang_entry *lang_find(const struct lang_table *t, const struct words *w, size_t i, size_t *ret_end)
{
	const struct lang_entry *best = NULL;

	*ret_end = 0;
	for (size_t k = 0; k < t->count; k++) {
		size_t end = words_match(w, i, t->entries[k].phrase);

		/* Of two that differ by an accent only ("ene", "eñe") the one that was said. */
		if (end > *ret_end || (end && end == *ret_end && !strcmp(t->entries[k].raw, w->raw[i]))) {
			*ret_end = end;
			best = &t->entries[k];
		}
	}

	return best;
}

const char *lang_rule(const struct lang *l, struct span name)
{
	for (size_t i = 0; i < l->rule_count; i++)
		if (span_eq_z(name, l->rules[i].name))
			return l->rules[i].source;

	return NULL;
}

/* ---- numbers in words ------------------------------------------------------------------------------------------------- */

/* Of words with the same value the first is the one alone ("cien"), the last the one in compounds ("ciento"). */
static const char *number_word(const struct lang *l, uint32_t n, bool is_compound)
{
	const char *found = NULL;

	for (size_t i = 0; i < l->numbers.count; i++)
		if (l->numbers.entries[i].value == n && (!found || is_compound))
			found = l->numbers.entries[i].raw;

	return found;
}

static const char *scale_word(const struct lang *l, uint32_t n)
{
	for (size_t i = 0; i < l->scales.count; i++)
		if (l->scales.entries[i].value == n)
			return l->scales.entries[i].raw;

	return "";
}

static void append(char *text, size_t cap, const char *word)
{
	size_t n = strlen(text);

	snprintf(text + n, cap - n, "%s%s", n && *word ? " " : "", word);
}

static const char *joiner(const struct lang *l, bool is_used)
{
	return is_used && l->joiners.count ? l->joiners.entries[0].raw : "";
}

static void put_below_thousand(const struct lang *l, uint32_t n, bool has_more, char *text, size_t cap)
{
	const char *whole = number_word(l, n, has_more);
	uint32_t rest;

	if (whole) {
		append(text, cap, whole);
		return;
	}
	if (n < 100) {
		append(text, cap, number_word(l, n / 10 * 10, false));
		append(text, cap, joiner(l, l->joins_tens));
		append(text, cap, number_word(l, n % 10, false));
		return;
	}
	rest = n % 100;
	whole = number_word(l, n - rest, rest);
	if (whole) {
		append(text, cap, whole);
	} else {
		append(text, cap, number_word(l, n / 100, false));
		append(text, cap, scale_word(l, 100));
	}
	if (!rest)
		return;
	append(text, cap, joiner(l, l->joins_hundreds));
	put_below_thousand(l, rest, false, text, cap);
}

void lang_number_words(const struct lang *l, uint32_t n, char *ret_text, size_t cap)
{
	static const uint32_t scales[] = {1000000, 1000};

	ret_text[0] = 0;
	if (!n)
		append(ret_text, cap, number_word(l, 0, false));
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		uint32_t count = n / scales[i];

		n %= scales[i];
		if (!count)
			continue;
		if (count > 1 || scales[i] != 1000 || !l->has_scale_of_one)
			put_below_thousand(l, count, false, ret_text, cap);
		append(ret_text, cap, scale_word(l, scales[i]));
	}
	if (n)
		put_below_thousand(l, n, false, ret_text, cap);
}

/* ---- reading the file ------------------------------------------------------------------------------------------------- */

struct reader {
	struct lang *l;
	struct lang_fault *fault;
	bool is_bad;
};

static void fail(struct reader *r, int line, const char *fmt, ...) printf_like(3, 4);

static void fail(struct reader *r, int line, const char *fmt, ...)
{
	va_list ap;

	if (r->is_bad)
		return;
	r->is_bad = true;
	r->fault->line = line;
	va_start(ap, fmt);
	vsnprintf(r->fault->words, sizeof(r->fault->words), fmt, ap);
	va_end(ap);
}

static const struct yaml_node *need(struct reader *r, const struct yaml_node *map, const char *key, enum yaml_kind kind)
{
	static const char *const kinds[] = {"text", "keys and values", "a list"};
	const struct yaml_node *n = map->kind == YAML_MAP ? yaml_get(map, key) : NULL;

	if (!n)
		fail(r, map->line, "\"%s\" is missing", key);
	else if (n->kind != kind)
		fail(r, n->line, "\"%s\" must be %s", key, kinds[kind]);

	return n && n->kind == kind ? n : NULL;
}

static const char *need_text(struct reader *r, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = need(r, map, key, YAML_SCALAR);

	return n ? arena_strdup(&r->l->arena, span_z(n->text)) : "";
}

static bool flag(struct reader *r, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (!n)
		return false;
	if (n->kind == YAML_SCALAR && (!strcmp(n->text, "yes") || !strcmp(n->text, "true")))
		return true;
	if (n->kind != YAML_SCALAR || (strcmp(n->text, "no") && strcmp(n->text, "false")))
		fail(r, n->line, "\"%s\" is yes or no", key);

	return false;
}

static bool read_int(const char *text, int32_t *ret)
{
	uint32_t v;
	bool is_minus = text[0] == '-';

	if (!span_u32(span_z(text + is_minus), &v) || v > 1000000000)
		return false;
	*ret = is_minus ? -(int32_t)v : (int32_t)v;

	return true;
}

static void integer(struct reader *r, const struct yaml_node *map, const char *key, int32_t *ret)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (n && (n->kind != YAML_SCALAR || !read_int(n->text, ret)))
		fail(r, n->line, "\"%s\" must be a whole number", key);
}

/* "12:30" as minutes. */
static void clock_time(struct reader *r, const struct yaml_node *map, const char *key, int32_t *ret)
{
	const struct yaml_node *n = yaml_get(map, key);
	struct span rest = n && n->kind == YAML_SCALAR ? span_z(n->text) : (struct span){0}, hour = span_cut(&rest, ':');
	uint32_t h, m;

	if (!n)
		return;
	if (!span_u32(hour, &h) || !span_u32(rest, &m) || h > 23 || m > 59)
		fail(r, n->line, "\"%s\" must be a time such as \"12:30\"", key);
	else
		*ret = (int32_t)(h * 60 + m);
}

/* ---- tables ----------------------------------------------------------------------------------------------------------- */

static void table_add(struct reader *r, struct lang_table *t, const char *text, int64_t value)
{
	struct words *w = mem_zalloc(sizeof(*w));
	char folded[400] = "", raw[400] = "";

	words_cut(span_z(text), w);
	for (size_t i = 0; i < w->count; i++) {
		append(folded, sizeof(folded), w->at[i]);
		append(raw, sizeof(raw), w->raw[i]);
	}
	free(w);
	if ((t->count & (t->count - 1)) == 0) {
		struct lang_entry *more = arena_alloc(&r->l->arena, (t->count ? 2 * t->count : 1) * sizeof(*more));

		if (t->count)
			memcpy(more, t->entries, t->count * sizeof(*more));
		t->entries = more;
	}
	t->entries[t->count++] = (struct lang_entry){arena_strdup(&r->l->arena, span_z(folded)),
		arena_strdup(&r->l->arena, span_z(raw)), value};
}

/* word: number, or a list of words that all have the number of their place (from first on). */
static void read_table(struct reader *r, const struct yaml_node *root, const char *key, struct lang_table *t, int64_t first)
{
	const struct yaml_node *n = yaml_get(root, key);
	int32_t value;

	if (!n)
		return;
	for (const struct yaml_node *c = n->kind == YAML_SCALAR ? NULL : n->first; c; c = c->next) {
		if (n->kind == YAML_MAP && (c->kind != YAML_SCALAR || !read_int(c->text, &value)))
			fail(r, c->line, "%s: \"%s\" needs a number", key, c->key);
		else if (n->kind == YAML_MAP)
			table_add(r, t, c->key, value);
		else if (c->kind == YAML_SCALAR)
			table_add(r, t, c->text, first);
		else
			for (const struct yaml_node *s = c->first; s; s = s->next)
				table_add(r, t, s->kind == YAML_SCALAR ? s->text : "", first);
		first++;
	}
	/* A block of words: each is an entry. */
	struct span rest = n->kind == YAML_SCALAR ? span_z(n->text) : (struct span){0};

	while (rest.n) {
		struct span word = span_trim(span_cut(&rest, ','));
		char text[100];

		if (word.n && span_copy(word, text, sizeof(text)))
			table_add(r, t, text, first);
	}
}

static void need_count(struct reader *r, const struct yaml_node *root, const struct lang_table *t, const char *key, size_t least)
{
	if (t->count < least)
		fail(r, root->line, "\"%s\" is missing or has fewer than %zu entries", key, least);
}

/* Letters: a: [a, ay]. The value is the ASCII letter, or for others the place of the letter in display_letters. */
static void read_letters(struct reader *r, const struct yaml_node *root, const char *key, struct lang_table *t)
{
	const struct yaml_node *n = yaml_get(root, key);

	for (const struct yaml_node *c = n && n->kind == YAML_MAP ? n->first : NULL; c; c = c->next) {
		int64_t letter = (unsigned char)c->key[0];

		/* Two bytes of UTF-8 in one number. */
		if (letter >= 0x80)
			letter = letter << 8 | (unsigned char)c->key[1];
		if (c->kind == YAML_SCALAR)
			table_add(r, t, c->text, letter);
		for (const struct yaml_node *s = c->kind == YAML_LIST ? c->first : NULL; s; s = s->next)
			table_add(r, t, s->kind == YAML_SCALAR ? s->text : "", letter);
	}
}

/* ---- patterns --------------------------------------------------------------------------------------------------------- */

static int find_name(void *ctx, struct span name, bool is_slot, const char **ret_rule)
{
	const struct lang *l = ctx;

	for (int i = 0; i < LANG_REFS && !is_slot; i++)
		if (span_eq_z(name, lang_ref_names[i]))
			return i;
	*ret_rule = is_slot ? NULL : lang_rule(l, name);

	return -1;
}

static const struct pattern *compile(struct reader *r, int line, const char *source)
{
	const struct pattern *p = NULL;
	struct pattern_error error;

	if (!r->is_bad && pattern_compile(&p, &r->l->arena, source, &r->l->names, &error) != 0)
		fail(r, line, "\"%.80s\": %s", source, error.words);

	return p;
}

static int choose(struct reader *r, const struct yaml_node *map, const char *key, const char *const *names, int count)
{
	const struct yaml_node *n = yaml_get(map, key);

	for (int i = 0; n && n->kind == YAML_SCALAR && i < count; i++)
		if (strcmp(n->text, names[i]) == 0)
			return i;
	if (n)
		fail(r, n->line, "\"%s\" cannot be that", key);

	return 0;
}

static void check_keys(struct reader *r, const struct yaml_node *map, const char *const *keys, size_t count)
{
	for (const struct yaml_node *c = map->first; c; c = c->next) {
		const char *near_one = nearest_word(c->key ? c->key : "-", keys, count);

		if (!near_one || !c->key || strcmp(near_one, c->key) != 0)
			fail(r, c->line, "\"%.60s\" is not a key here%s%s%s", c->key ? c->key : "-", near_one ? ": did you mean \"" : "",
				near_one ? near_one : "", near_one ? "\"?" : "");
	}
}

static const char *const saying_keys[] = {"say", "unless_before", "loose", "unheard", "any", "days", "weeks", "minutes", "at", "before",
	"full", "half", "part", "unit"};

static void read_saying(struct reader *r, const struct yaml_node *n, struct lang_saying *ret)
{
	static const char *const units[] = {"none", "day", "week"}, *const halves[] = {"none", "am", "pm"};

	*ret = (struct lang_saying){.at = -1};
	if (n->kind == YAML_SCALAR) {
		ret->say = arena_strdup(&r->l->arena, span_z(n->text));
		ret->pattern = compile(r, n->line, ret->say);
		return;
	}
	check_keys(r, n, saying_keys, ARRAY_LEN(saying_keys));
	ret->say = need_text(r, n, "say");
	ret->pattern = compile(r, n->line, ret->say);
	if (yaml_get(n, "unless_before"))
		ret->unless_before = compile(r, n->line, need_text(r, n, "unless_before"));
	ret->is_loose = flag(r, n, "loose");
	ret->is_unheard = flag(r, n, "unheard");
	ret->is_any = flag(r, n, "any");
	ret->is_before = flag(r, n, "before");
	ret->is_full = flag(r, n, "full");
	integer(r, n, "days", &ret->days);
	integer(r, n, "weeks", &ret->weeks);
	integer(r, n, "minutes", &ret->minutes);
	clock_time(r, n, "at", &ret->at);
	ret->half = (enum lang_half)choose(r, n, "half", halves, 3);
	ret->part = (enum lang_part)choose(r, n, "part", part_names, LANG_PARTS);
	ret->unit = choose(r, n, "unit", units, 3);
}

static void read_sayings(struct reader *r, const struct yaml_node *root, const char *key, struct lang_sayings *ret)
{
	const struct yaml_node *n = need(r, root, key, YAML_LIST);
	size_t count = 0;

	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		count++;
	ret->all = arena_alloc(&r->l->arena, (count + 1) * sizeof(*ret->all));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		read_saying(r, c, &ret->all[ret->count++]);
}

static void read_phrases(struct reader *r, const struct yaml_node *map, const char *key, struct lang_phrases *ret)
{
	const struct yaml_node *n = need(r, map, key, YAML_LIST);
	size_t count = 0;

	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		count++;
	ret->all = arena_alloc(&r->l->arena, (count + 1) * sizeof(struct pattern *));
	ret->sources = arena_alloc(&r->l->arena, (count + 1) * sizeof(char *));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		if (c->kind != YAML_SCALAR) {
			fail(r, c->line, "%s: a list of phrases is wanted", key);
			return;
		}
		ret->sources[ret->count] = arena_strdup(&r->l->arena, span_z(c->text));
		ret->all[ret->count] = compile(r, c->line, ret->sources[ret->count] + (c->text[0] == '~'));
		ret->count++;
	}
}

/* ---- sections --------------------------------------------------------------------------------------------------------- */

static void read_numbers(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "numbers", YAML_MAP);
	struct lang *l = r->l;

	if (!n)
		return;
	read_table(r, n, "words", &l->numbers, 0);
	read_table(r, n, "also", &l->numbers_also, 0);
	read_table(r, n, "scales", &l->scales, 0);
	read_table(r, n, "joiners", &l->joiners, 0);
	read_table(r, n, "digits", &l->digits, 0);
	read_table(r, n, "repeats", &l->repeats, 0);
	read_table(r, n, "point", &l->point, 0);
	read_table(r, n, "ordinals", &l->ordinals, 0);
	read_table(r, n, "ordinal_suffixes", &l->ordinal_suffixes, 0);
	read_table(r, n, "hours", &l->hours, 0);
	l->has_scale_of_one = flag(r, n, "scale_of_one");
	l->joins_tens = flag(r, n, "joins_tens");
	l->joins_hundreds = flag(r, n, "joins_hundreds");
	l->has_year_pairs = flag(r, n, "year_pairs");
	need_count(r, n, &l->scales, "scales", 2);
	for (uint32_t i = 0; i < 100 && !r->is_bad; i++)
		if (!number_word(l, i, false) && (i <= 20 || i % 10 == 0))
			fail(r, n->line, "numbers: words has none for %u", i);
}

static void read_calendar(struct reader *r, const struct yaml_node *root)
{
	struct lang *l = r->l;

	read_table(r, root, "weekdays", &l->weekdays, 0);
	read_table(r, root, "months", &l->months, 1);
	need_count(r, root, &l->weekdays, "weekdays", 7);
	need_count(r, root, &l->months, "months", 12);
	read_sayings(r, root, "dates", &l->dates);
	read_sayings(r, root, "times", &l->times);
	read_sayings(r, root, "halves", &l->halves);
	read_sayings(r, root, "parts", &l->parts);
}

static void read_money(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "money", YAML_MAP);

	if (!n)
		return;
	read_table(r, n, "units", &r->l->units, 0);
	read_table(r, n, "cents", &r->l->cents, 0);
	read_sayings(r, n, "sayings", &r->l->moneys);
	r->l->format_money = need_text(r, n, "format");
	r->l->format_money_whole = need_text(r, n, "format_whole");
}

static void read_names(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "names", YAML_MAP), *s = need(r, root, "spelling", YAML_MAP);

	if (!n || !s)
		return;
	read_table(r, n, "after", &r->l->name_strong, 0);
	read_table(r, n, "after_if_full", &r->l->name_weak, 0);
	read_table(r, n, "never", &r->l->name_no, 0);
	read_letters(r, s, "letters", &r->l->letters);
	read_letters(r, s, "alphabet", &r->l->alphabet);
	read_table(r, s, "as_in", &r->l->letter_as, 0);
}

static void read_answers(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *commands = need(r, root, "commands", YAML_MAP);
	struct lang *l = r->l;

	read_phrases(r, root, "yes", &l->yes);
	read_phrases(r, root, "no", &l->no);
	read_phrases(r, root, "deny", &l->deny);
	read_phrases(r, root, "corrections", &l->corrections);
	read_phrases(r, root, "change", &l->change);
	for (int i = 1; i < LANG_COMMANDS && commands; i++)
		read_phrases(r, commands, lang_command_names[i], &l->commands[i]);
	read_table(r, root, "fillers", &l->fillers, 0);
	read_table(r, root, "dangling", &l->dangling, 0);
}

static void read_name_list(struct reader *r, const struct yaml_node *root, const char *key, const char **ret, size_t count)
{
	const struct yaml_node *n = need(r, root, key, YAML_LIST), *c = n ? n->first : NULL;

	for (size_t i = 0; i < count && !r->is_bad; i++) {
		if (!c || c->kind != YAML_SCALAR) {
			fail(r, root->line, "%s: %zu names are wanted", key, count);
			return;
		}
		ret[i] = arena_strdup(&r->l->arena, span_z(c->text));
		c = c->next;
	}
}

static void read_half_names(struct reader *r, const struct yaml_node *formats)
{
	const struct yaml_node *n = need(r, formats, "half_names", YAML_MAP);
	struct lang *l = r->l;

	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		int32_t hour;

		if (c->kind != YAML_SCALAR || !read_int(c->key, &hour) || l->half_name_count == ARRAY_LEN(l->half_names)) {
			fail(r, c->line, "half_names: an hour and what is said from then on, up to %zu", ARRAY_LEN(l->half_names));
			return;
		}
		l->half_names[l->half_name_count++] =
			(struct lang_half_of_day){hour, arena_strdup(&l->arena, span_z(c->text))};
	}
}

static void read_ordinal_format(struct reader *r, const struct yaml_node *formats)
{
	const struct yaml_node *n = need(r, formats, "ordinals", YAML_MAP);
	const char *other = n ? need_text(r, n, "other") : "";

	for (int i = 0; i < 32 && n; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%d", i);
		r->l->ordinal_of[i] = arena_format(&r->l->arena, "%d%s", i, yaml_get(n, key) ? need_text(r, n, key) : other);
	}
}

static void read_formats(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "formats", YAML_MAP), *parts = n ? need(r, n, "parts", YAML_MAP) : NULL;
	struct lang *l = r->l;

	if (!parts)
		return;
	read_name_list(r, n, "weekdays", l->weekday_names, 7);
	read_name_list(r, n, "months", l->month_names, 12);
	read_ordinal_format(r, n);
	read_half_names(r, n);
	l->format_date = need_text(r, n, "date");
	l->format_date_year = need_text(r, n, "date_with_year");
	l->format_weekday = need_text(r, n, "weekday");
	l->format_time = need_text(r, n, "time");
	l->format_time_hour = need_text(r, n, "time_full_hour");
	l->format_time_one = yaml_get(n, "time_at_one") ? need_text(r, n, "time_at_one") : l->format_time;
	l->format_time_one_hour = yaml_get(n, "time_full_hour_one") ? need_text(r, n, "time_full_hour_one") : l->format_time_hour;
	l->format_noon = need_text(r, n, "noon");
	l->format_midnight = need_text(r, n, "midnight");
	l->format_range = need_text(r, n, "range");
	l->format_open = need_text(r, n, "open");
	for (int i = 1; i < LANG_PARTS; i++) {
		const struct yaml_node *p = need(r, parts, part_names[i], YAML_MAP);

		if (!p)
			return;
		l->part_say[i] = need_text(r, p, "say");
		clock_time(r, p, "any_time", &l->part_default[i]);
	}
}

static void read_prompts(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "prompts", YAML_MAP);

	for (int i = 0; i < LANG_PROMPTS && n; i++) {
		const struct yaml_node *p = yaml_get(n, lang_prompt_names[i]);
		size_t count = 0;

		if (!p) {
			fail(r, n->line, "prompts: \"%s\" is missing", lang_prompt_names[i]);
			return;
		}
		for (const struct yaml_node *c = p->first; c; c = c->next)
			count++;
		r->l->prompts[i] = arena_alloc(&r->l->arena, (count + 2) * sizeof(char *));
		if (p->kind == YAML_SCALAR)
			r->l->prompts[i][0] = arena_strdup(&r->l->arena, span_z(p->text));
		count = 0;
		for (const struct yaml_node *c = p->first; c; c = c->next)
			r->l->prompts[i][count++] = arena_strdup(&r->l->arena, span_z(c->kind == YAML_SCALAR ? c->text : ""));
	}
}

static void read_rules(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = need(r, root, "rules", YAML_MAP);
	size_t count = 0;

	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		count++;
	r->l->rules = arena_alloc(&r->l->arena, (count + 1) * sizeof(*r->l->rules));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		if (c->kind != YAML_SCALAR) {
			fail(r, c->line, "rules: \"%s\" must be text", c->key);
			return;
		}
		r->l->rules[r->l->rule_count++] = (struct lang_rule){arena_strdup(&r->l->arena, span_z(c->key)),
			arena_strdup(&r->l->arena, span_z(c->text))};
	}
}

static void add_sound(struct reader *r, const char *word, const struct yaml_node *phones)
{
	if (phones->kind == YAML_SCALAR)
		r->l->sounds[r->l->sound_count++] = (struct lang_rule){arena_strdup(&r->l->arena, span_z(word)),
			arena_strdup(&r->l->arena, span_z(phones->text))};
	else
		fail(r, phones->line, "pronounce: sounds of \"%.60s\" must be text", word);
}

/* Optional: a word's sounds, or a list of them. */
static void read_sounds(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *n = yaml_get(root, "pronounce") ? need(r, root, "pronounce", YAML_MAP) : NULL;
	size_t count = 0;

	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		for (const struct yaml_node *way = c->kind == YAML_LIST ? c->first : c; way; way = c->kind == YAML_LIST ? way->next : NULL)
			count++;
	r->l->sounds = arena_alloc(&r->l->arena, (count + 1) * sizeof(*r->l->sounds));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		for (const struct yaml_node *way = c->kind == YAML_LIST ? c->first : c; way; way = c->kind == YAML_LIST ? way->next : NULL)
			add_sound(r, c->key, way);
}

static const char *const root_keys[] = {"language", "name", "numbers", "weekdays", "months", "dates", "times", "halves", "parts", "money",
	"names", "spelling", "yes", "no", "deny", "corrections", "change", "commands", "fillers", "dangling", "formats", "prompts",
	"rules", "pronounce"};

static void read_root(struct reader *r, const struct yaml_node *root)
{
	if (root->kind != YAML_MAP) {
		fail(r, root->line, "the file must have keys at its top (language:, name:, numbers:)");
		return;
	}
	check_keys(r, root, root_keys, ARRAY_LEN(root_keys));
	r->l->code = need_text(r, root, "language");
	r->l->name = need_text(r, root, "name");
	read_sounds(r, root);
	read_rules(r, root); /* before patterns, which use them */
	read_numbers(r, root);
	read_calendar(r, root);
	read_money(r, root);
	read_names(r, root);
	read_answers(r, root);
	read_formats(r, root);
	read_prompts(r, root);
}

int lang_parse(struct lang **ret, struct span text, struct lang_fault *ret_fault)
{
	struct arena yaml = {0};
	struct reader r = {.l = mem_zalloc(sizeof(*r.l)), .fault = ret_fault};
	struct yaml_node *root;
	const char *why;
	int line;

	atomic_init(&r.l->refs, 1);
	r.l->names = (struct pattern_names){r.l, find_name};
	if (yaml_parse(&yaml, text, &root, &line, &why) != 0)
		fail(&r, line, "%s", why);
	else
		read_root(&r, root);
	arena_done(&yaml);
	if (r.is_bad) {
		lang_unref(r.l);
		return -TR_ECONFIG;
	}
	*ret = r.l;

	return 0;
}

struct lang *lang_ref(struct lang *l)
{
	atomic_fetch_add(&l->refs, 1);

	return l;
}

struct lang *lang_unref(struct lang *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return NULL;

	arena_done(&l->arena);
	free(l);

	return NULL;
}
