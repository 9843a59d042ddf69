/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include "flow/flow_priv.h"

/*
 * The grammar of a flow for recognisers, from the same phrases and tables that understand: a context for each question, then the
 * rules they use. Questions that listen for the same share a context, because decoders pay for each.
 */
enum { CONTEXTS_MAX = LIMIT_GRAMMAR_CONTEXTS, RULES_MAX = 400, MINUTE_STEP = 5, RANGE_MAX = 120 };

struct context {
	const char *name;
	char *body;
};

struct writer {
	struct builder *b;
	const struct flow *f;
	const struct lang *l;
	struct context contexts[CONTEXTS_MAX];
	size_t context_count;
	char *rules[RULES_MAX]; /* names that were asked for, in that order */
	size_t rule_count;
	bool is_full;
};

/* A rule's text being made: alternatives with | between. */
struct body {
	char *text;
	size_t len;
	FILE *out;
	bool has_any;
};

static void body_open(struct body *b)
{
	*b = (struct body){0};
	b->out = open_memstream(&b->text, &b->len);
	assert(b->out);
}

static char *body_close(struct body *b)
{
	fclose(b->out);

	return b->text;
}

static FILE *alternative(struct body *b)
{
	if (b->has_any)
		fputs(" | ", b->out);
	b->has_any = true;

	return b->out;
}

/* ---- sources ----------------------------------------------------------------------------------------------------------- */

/* "24" as its words. */
static size_t write_digits(struct writer *w, FILE *out, const char *p)
{
	size_t n = strspn(p, "0123456789");
	char words[200];
	uint32_t number = 0;

	if (!span_u32(span(p, MIN(n, 9U)), &number))
		return n;
	lang_number_words(w->l, number, words, sizeof(words));
	fputs(words, out);

	return n;
}

static size_t write_name(FILE *out, const char *p, char close, const char *prefix)
{
	size_t n = strcspn(p + 1, close == '}' ? "}" : ">");

	fprintf(out, "<%s%.*s>", prefix, (int)n, p + 1);

	return n + 1 + (p[n + 1] == close);
}

/* A phrase as a flow or a language writes it: small letters, no punctuation, {slot} as its rule. */
static void write_source(struct writer *w, FILE *out, const char *source)
{
	char word_end = ' ';

	for (const char *p = source; *p;) {
		if (*p == '{' || *p == '<') {
			p += *p == '{' ? write_name(out, p, '}', "slot_") : write_name(out, p, '>', "");
			word_end = '>';
			continue;
		}
		if (isdigit((unsigned char)*p) && !isalpha((unsigned char)word_end)) {
			p += write_digits(w, out, p);
			word_end = '0';
			continue;
		}
		if (isalnum((unsigned char)*p) || strchr("'_-()[]|+*", *p) || (unsigned char)*p >= 0x80)
			fputc(tolower((unsigned char)*p), out);
		else
			fputc(' ', out);
		word_end = *p++;
	}
}

static void add_phrases(struct writer *w, struct body *b, const struct lang_phrases *phrases)
{
	for (size_t i = 0; i < phrases->count; i++)
		if (phrases->sources[i][0] != '~')
			write_source(w, alternative(b), phrases->sources[i]);
}

static bool is_heard(const struct lang_phrases *phrases)
{
	for (size_t i = 0; i < phrases->count; i++)
		if (phrases->sources[i][0] != '~')
			return true;

	return false;
}

static void add_sayings(struct writer *w, struct body *b, const struct lang_sayings *sayings)
{
	for (size_t i = 0; i < sayings->count; i++)
		if (!sayings->all[i].is_unheard)
			write_source(w, alternative(b), sayings->all[i].say);
}

static void add_number(struct writer *w, struct body *b, uint32_t n)
{
	char words[200];

	lang_number_words(w->l, n, words, sizeof(words));
	fputs(words, alternative(b));
}

static void add_numbers(struct writer *w, struct body *b, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n <= to; n++)
		add_number(w, b, n);
}

/* Of phrases with one value only the first, where wanted: recognisers need no variants. */
static void add_table(struct body *b, const struct lang_table *t, bool is_first_only)
{
	for (size_t i = 0; i < t->count; i++) {
		bool is_repeated = is_first_only && i && t->entries[i].value == t->entries[i - 1].value;

		if (!is_repeated && (isalpha((unsigned char)t->entries[i].raw[0]) || (unsigned char)t->entries[i].raw[0] >= 0x80))
			fputs(t->entries[i].raw, alternative(b));
	}
}

/* ---- rules of the tables ----------------------------------------------------------------------------------------------- */

static const char *ordinal_word(const struct lang *l, int64_t n)
{
	for (size_t i = 0; i < l->ordinals.count; i++)
		if (l->ordinals.entries[i].value == n)
			return l->ordinals.entries[i].raw;

	return NULL;
}

static void rule_ordinal(struct writer *w, struct body *b)
{
	char tens[80];

	for (uint32_t n = 1; n <= 31; n++) {
		const char *whole = ordinal_word(w->l, n), *unit = ordinal_word(w->l, n % 10);

		lang_number_words(w->l, n / 10 * 10, tens, sizeof(tens));
		if (whole)
			fputs(whole, alternative(b));
		else if (unit && n > 20)
			fprintf(alternative(b), "%s %s", tens, unit);
	}
}

static void rule_hour(struct writer *w, struct body *b)
{
	add_table(b, &w->l->hours, false);
	add_numbers(w, b, 1, 12);
}

static void rule_minute(struct writer *w, struct body *b)
{
	const struct lang_table *zero = &w->l->digits;
	char words[80];

	lang_number_words(w->l, MINUTE_STEP, words, sizeof(words));
	if (zero->count && zero->entries[0].value == 0)
		fprintf(alternative(b), "%s %s", zero->entries[0].raw, words);
	for (uint32_t n = 10; n < 60; n += MINUTE_STEP)
		if (n % 10 == 0 || n % 15 == 0)
			add_number(w, b, n);
}

static void rule_number(struct writer *w, struct body *b)
{
	const char *joiner = w->l->joiners.count ? w->l->joiners.entries[0].raw : "";

	fputs("<number_below_hundred>", alternative(b));
	for (uint32_t n = 100; n < 1000; n += 100)
		add_number(w, b, n);
	fprintf(alternative(b), "<hundreds> %s%s%s <number_below_hundred>", *joiner ? "[" : "", joiner, *joiner ? "]" : "");
}

/* What stands in front of a smaller number: "two hundred", "ciento". */
static void rule_hundreds(struct writer *w, struct body *b)
{
	char with_one[200], one[80];

	lang_number_words(w->l, 1, one, sizeof(one));
	for (uint32_t n = 100; n < 1000; n += 100) {
		size_t len, tail = strlen(one);

		lang_number_words(w->l, n + 1, with_one, sizeof(with_one));
		len = strlen(with_one);
		if (len > tail && strcmp(with_one + len - tail, one) == 0)
			with_one[len - tail - 1] = 0;
		fputs(with_one, alternative(b));
	}
}

static void rule_year(struct writer *w, struct body *b)
{
	char words[200];

	if (!w->l->has_year_pairs) {
		add_numbers(w, b, 1930, 2040);
		return;
	}
	lang_number_words(w->l, 2000, words, sizeof(words));
	fprintf(alternative(b), "%s [<number_below_hundred>]", words);
	for (uint32_t n = 19; n <= 20; n++) {
		lang_number_words(w->l, n, words, sizeof(words));
		fprintf(alternative(b), "%s <number_below_hundred>", words);
	}
}

static void rule_digit(struct writer *w, struct body *b)
{
	add_numbers(w, b, 0, 9);
	for (size_t i = 0; i < w->l->digits.count; i++)
		if (w->l->digits.entries[i].raw[1])
			fputs(w->l->digits.entries[i].raw, alternative(b));
}

/* Years are named with days that are long past or far off. */
static bool has_years(const struct writer *w)
{
	for (size_t i = 0; i < w->f->slot_count; i++)
		if (w->f->slots[i].type == VALUE_DATE && w->f->slots[i].tense != VALUE_FUTURE)
			return true;

	return false;
}

static void rule_calendar_day(struct writer *w, struct body *b)
{
	bool is_wide = has_years(w);

	for (size_t i = 0; i < w->l->dates.count; i++) {
		const struct lang_saying *s = &w->l->dates.all[i];

		if (!s->is_unheard && strchr(s->say, '<') && (is_wide || !strstr(s->say, "<year>")))
			write_source(w, alternative(b), s->say);
	}
}

/* "on" goes with days of the calendar, not with "tomorrow". */
static void rule_date(struct writer *w, struct body *b)
{
	for (size_t i = 0; i < w->l->dates.count; i++) {
		const struct lang_saying *s = &w->l->dates.all[i];

		if (!s->is_unheard && !s->is_any && !strchr(s->say, '<'))
			write_source(w, alternative(b), s->say);
	}
	fputs("[<on>] <calendar_day>", alternative(b));
}

static void add_any(struct writer *w, struct body *b, const struct lang_sayings *sayings)
{
	for (size_t i = 0; i < sayings->count; i++)
		if (sayings->all[i].is_any && !sayings->all[i].is_unheard)
			write_source(w, alternative(b), sayings->all[i].say);
}

static void rule_time(struct writer *w, struct body *b)
{
	fputs("<clock> [<half>]", alternative(b));
	for (size_t i = 0; i < w->l->times.count; i++)
		if (!w->l->times.all[i].is_unheard && w->l->times.all[i].at >= 0)
			write_source(w, alternative(b), w->l->times.all[i].say);
}

static void rule_clock(struct writer *w, struct body *b)
{
	for (size_t i = 0; i < w->l->times.count; i++)
		if (!w->l->times.all[i].is_unheard && w->l->times.all[i].at < 0 && !w->l->times.all[i].is_any)
			write_source(w, alternative(b), w->l->times.all[i].say);
}

static void rule_half(struct writer *w, struct body *b)
{
	add_sayings(w, b, &w->l->halves);
}

static void rule_part(struct writer *w, struct body *b)
{
	add_sayings(w, b, &w->l->parts);
}

static void rule_money(struct writer *w, struct body *b)
{
	add_sayings(w, b, &w->l->moneys);
}

static void rule_weekday(struct writer *w, struct body *b)
{
	add_table(b, &w->l->weekdays, false);
}

static void rule_month(struct writer *w, struct body *b)
{
	add_table(b, &w->l->months, false);
}

static void rule_unit(struct writer *w, struct body *b)
{
	add_table(b, &w->l->units, false);
}

static void rule_cent(struct writer *w, struct body *b)
{
	add_table(b, &w->l->cents, false);
}

static void rule_letter(struct writer *w, struct body *b)
{
	add_table(b, &w->l->letters, true);
}

static void rule_repeat(struct writer *w, struct body *b)
{
	add_table(b, &w->l->repeats, false);
}

static void rule_below_hundred(struct writer *w, struct body *b)
{
	add_numbers(w, b, 0, 99);
}

static void rule_yes(struct writer *w, struct body *b)
{
	add_phrases(w, b, &w->l->yes);
}

static void rule_no(struct writer *w, struct body *b)
{
	add_phrases(w, b, &w->l->no);
}

static void rule_command(struct writer *w, struct body *b)
{
	for (int i = 1; i < LANG_COMMANDS; i++)
		if (i != LANG_GREETING)
			add_phrases(w, b, &w->l->commands[i]);
}

static void rule_greeting(struct writer *w, struct body *b)
{
	add_phrases(w, b, &w->l->commands[LANG_GREETING]);
}

static const struct {
	const char *name;
	void (*make)(struct writer *w, struct body *b);
} generated[] = {
	{"weekday", rule_weekday}, {"month", rule_month}, {"ordinal", rule_ordinal}, {"hour", rule_hour}, {"minute", rule_minute},
	{"number", rule_number}, {"number_below_hundred", rule_below_hundred}, {"hundreds", rule_hundreds}, {"year", rule_year},
	{"unit", rule_unit}, {"cent", rule_cent}, {"letter", rule_letter}, {"digit", rule_digit}, {"repeat", rule_repeat},
	{"date", rule_date}, {"calendar_day", rule_calendar_day}, {"time", rule_time}, {"clock", rule_clock}, {"half", rule_half}, {"part", rule_part}, {"money", rule_money},
	{"yes", rule_yes}, {"no", rule_no}, {"command", rule_command},
	{"greeting", rule_greeting},
};

/* ---- rules of the flow ------------------------------------------------------------------------------------------------- */

/* "four", "four out of ten" */
static void rule_of_number(struct writer *w, const struct slot *s, struct body *b)
{
	char most[200];

	if (s->from > s->to || s->to - s->from > RANGE_MAX) {
		fputs("<number>", alternative(b));
		return;
	}
	lang_number_words(w->l, (uint32_t)s->to, most, sizeof(most));
	fputc('(', alternative(b));
	b->has_any = false;
	add_numbers(w, b, (uint32_t)s->from, (uint32_t)s->to);
	fprintf(b->out, ") [<out_of> %s]", most);
}

static void rule_of_slot(struct writer *w, const struct slot *s, struct body *b)
{
	switch (s->type) {
	case VALUE_DATE:
		fputs("<date>", alternative(b));
		add_any(w, b, &w->l->dates);
		break;
	case VALUE_TIME:
		fputs("[<at>] <time>", alternative(b));
		add_any(w, b, &w->l->times);
		break;
	case VALUE_NUMBER:
		rule_of_number(w, s, b);
		break;
	case VALUE_SPELLED:
		fputs("(<letter> | <digit> | <repeat> (<letter> | <digit>))+", alternative(b));
		break;
	case VALUE_DIGITS:
		/* Letters in the middle would be heard wherever a digit is not quite clear. */
		fprintf(alternative(b), "%s(<digit> | <repeat> <digit>)+", s->may_be_letters ? "[<letter> [<letter> [<letter>]]] " : "");
		break;
	case VALUE_PHONE:
		fputs("(<digit> | <repeat> <digit>)+", alternative(b));
		break;
	case VALUE_NAME:
		fputs("<full_name> | <first>", alternative(b));
		break;
	case VALUE_CHOICE:
		for (size_t i = 0; i < s->choice_count; i++)
			add_phrases(w, b, &s->choices[i].phrases);
		break;
	case VALUE_MONEY:
		fputs("<money>", alternative(b));
		break;
	default:
		fputs("<yes_no>", alternative(b));
	}
}

static bool make_flow_rule(struct writer *w, const char *name, struct body *b)
{
	int index = strncmp(name, "slot_", 5) == 0 ? flow_find_slot(w->f, span_z(name + 5)) : -1;

	if (index >= 0) {
		rule_of_slot(w, &w->f->slots[index], b);
		return true;
	}
	index = strncmp(name, "called_", 7) == 0 ? flow_find_slot(w->f, span_z(name + 7)) : -1;
	if (index >= 0) {
		add_phrases(w, b, &w->f->slots[index].called);
		return true;
	}
	index = strncmp(name, "intent_", 7) == 0 ? flow_find_intent(w->f, span_z(name + 7)) : -1;
	if (index < 0)
		return false;
	add_phrases(w, b, &w->f->intents[index].phrases);

	return true;
}

static const char *rule_source(const struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->f->rule_count; i++)
		if (strcmp(w->f->rules[i].name, name) == 0)
			return w->f->rules[i].source;

	return lang_rule(w->l, span_z(name));
}

static void make_rule(struct writer *w, const char *name, struct body *b)
{
	const char *source = rule_source(w, name);

	for (size_t i = 0; i < ARRAY_LEN(generated); i++)
		if (strcmp(generated[i].name, name) == 0) {
			generated[i].make(w, b);
			return;
		}
	if (make_flow_rule(w, name, b))
		return;
	if (source)
		write_source(w, alternative(b), source);
	else
		flow_fault(w->b, 0, "language %s: rules: <%s> is missing", w->l->code, name);
}

/* Notes the rules that text uses. */
static void want_rules(struct writer *w, const char *text)
{
	while ((text = strchr(text, '<'))) {
		size_t n = strcspn(text + 1, ">");
		struct span name = span(text + 1, n);
		bool is_known = false;

		for (size_t i = 0; i < w->rule_count; i++)
			is_known |= span_eq_z(name, w->rules[i]);
		if (!is_known && w->rule_count < RULES_MAX)
			w->rules[w->rule_count++] = span_dup(name);
		text += n + 1;
	}
}

/* ---- contexts ---------------------------------------------------------------------------------------------------------- */

static bool listens_for(const struct ask *a, size_t i)
{
	return !(a->unheard >> a->slots[i] & 1);
}

static bool asks_for(const struct writer *w, const struct ask *a, enum value_type type)
{
	for (size_t i = 0; i < a->slot_count; i++)
		if (w->f->slots[a->slots[i]].type == type && listens_for(a, i))
			return true;

	return false;
}

static void add_when(struct writer *w, const struct ask *a, struct body *b)
{
	bool has_date = asks_for(w, a, VALUE_DATE), has_time = asks_for(w, a, VALUE_TIME);

	if (has_date && has_time)
		fputs("<when>", alternative(b));
	else if (has_date)
		fputs("<date>", alternative(b));
	else if (has_time)
		fputs("[<at>] <time> | <part>", alternative(b));
	if (has_date)
		add_any(w, b, &w->l->dates);
	if (has_time)
		add_any(w, b, &w->l->times);
}

/* Values that are said with "I said", "make it" in front. */
static void add_values(struct writer *w, const struct ask *a, int asked, struct body *b)
{
	add_when(w, a, b);
	for (size_t i = 0; i < a->slot_count; i++) {
		const struct slot *s = &w->f->slots[a->slots[i]];
		bool is_plain = s->type == VALUE_CHOICE || s->type == VALUE_MONEY || s->type == VALUE_PHONE;
		bool is_asked = a->slots[i] == asked && s->type != VALUE_NAME && s->type != VALUE_YES_NO && s->type != VALUE_TEXT;

		if (s->type == VALUE_DATE || s->type == VALUE_TIME || !listens_for(a, i))
			continue;
		if (is_plain || is_asked || (a->slot_count == 1 && asked < 0 && s->type != VALUE_NAME))
			fprintf(alternative(b), "<slot_%s>", s->name);
	}
}

/* "change the day", "the day"; "change the day to Friday". */
static void add_fixes(struct writer *w, const struct ask *a, int asked, struct body *b)
{
	bool has_when = asks_for(w, a, VALUE_DATE) && asks_for(w, a, VALUE_TIME);

	if (asks_for(w, a, VALUE_DATE))
		fputs("<not_but>", alternative(b));
	for (size_t i = 0; i < a->slot_count && a->slot_count > 1; i++) {
		const struct slot *s = &w->f->slots[a->slots[i]];
		bool is_when = s->type == VALUE_DATE || s->type == VALUE_TIME;

		if (!is_heard(&s->called))
			continue;
		/* Its name alone says what to change, once that is asked. */
		fprintf(alternative(b), asked < 0 ? "[<change_slot>] <called_%s>" : "<change_slot> <called_%s>", s->name);
		if (s->type == VALUE_TEXT)
			continue;
		fprintf(alternative(b), "<change_slot> <called_%s> <to> ", s->name);
		if (is_when && has_when)
			fputs("(<date> | [<at>] <time>)", b->out);
		else if (s->type == VALUE_NAME)
			fputs("<full_name>", b->out);
		else
			fprintf(b->out, "<slot_%s>", s->name);
	}
}

static void add_names(struct writer *w, const struct ask *a, int asked, bool is_open, struct body *b)
{
	if (!asks_for(w, a, VALUE_NAME))
		return;
	if (asked >= 0 && w->f->slots[asked].type == VALUE_NAME)
		fputs("<name>", alternative(b));
	fputs(is_open ? "<name_said>" : "<name_fix>", alternative(b));
}

/* An answer that only leads to where the caller is already. */
static bool leads_here(const struct writer *w, const struct answer *a, const struct op *op)
{
	for (int pc = a->pc; w->f->ops[pc].op != FLOW_OP_AGAIN && op->op != FLOW_OP_ASK; pc++)
		if (w->f->ops[pc].op == FLOW_OP_GOTO && w->f->ops[pc].target == op->step)
			return true;

	return false;
}

/* Does an answer lead to where values are filled in. */
static bool leads_to_filling(const struct writer *w, const struct answer *a)
{
	for (int pc = a->pc; w->f->ops[pc].op != FLOW_OP_AGAIN; pc++)
		if (w->f->ops[pc].op == FLOW_OP_GOTO && w->f->ops[w->f->steps[w->f->ops[pc].target].pc].op == FLOW_OP_FILL)
			return true;

	return false;
}

/* Answers that only say something need no values. */
static bool leads_on(const struct writer *w, const struct answer *a)
{
	for (int pc = a->pc; w->f->ops[pc].op != FLOW_OP_AGAIN; pc++)
		if (w->f->ops[pc].op == FLOW_OP_GOTO)
			return true;

	return false;
}

/* With an open question who they are and what they want for when may come in one sentence. */
static void add_intents(struct writer *w, const struct op *op, const struct answers *answers, const char *values, struct body *b)
{
	bool has_name = op->op == FLOW_OP_ASK && asks_for(w, op->ask, VALUE_NAME);

	for (size_t i = 0; i < answers->count; i++) {
		const struct answer *a = &answers->all[i];

		if (a->kind != ANSWER_INTENT || !is_heard(&w->f->intents[a->index].phrases) || leads_here(w, a, op))
			continue;
		fprintf(alternative(b), "%s<intent_%s> ", has_name && leads_to_filling(w, a) ? "[<name_said>] " : "",
			w->f->intents[a->index].name);
		if (op->op == FLOW_OP_ASK && *values && leads_on(w, a))
			fprintf(b->out, "[[<value_lead> | <to>] (%s) [<tail>] | <polite>]", values);
		else
			fputs("[<polite>]", b->out);
	}
}

static char *context_body(struct writer *w, const struct op *op, int asked)
{
	const struct ask *a = op->ask;
	struct body values, all;
	bool has_greeting;
	char *text;

	body_open(&values);
	add_values(w, a, asked, &values);
	text = body_close(&values);
	body_open(&all);
	has_greeting = op->step == 0 && op->op == FLOW_OP_ASK && is_heard(&w->l->commands[LANG_GREETING]);
	fputs(has_greeting ? "[<lead> | <greeting>] (" : "[<lead>] (", all.out);
	if (*text && asked >= 0 && is_heard(&w->f->slots[asked].called))
		fprintf(alternative(&all), "[<value_lead> | <called_%s> <is>] (%s) [<tail>]", w->f->slots[asked].name, text);
	else if (*text)
		fprintf(alternative(&all), "[<value_lead>] (%s) [<tail>]", text);
	if (op->op != FLOW_OP_ASK)
		add_fixes(w, a, asked, &all);
	add_names(w, a, asked, op->op == FLOW_OP_ASK, &all);
	add_intents(w, op, &a->answers, text, &all);
	add_intents(w, op, &w->f->answers, text, &all);
	free(text);
	fputs("<command> [<polite>]) | <yes_no>", alternative(&all));
	if (has_greeting)
		fputs("<greeting>", alternative(&all));

	return body_close(&all);
}

static bool has_context_name(const struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->context_count; i++)
		if (strcmp(w->contexts[i].name, name) == 0)
			return true;

	return false;
}

static const char *add_context(struct writer *w, const struct op *op, int asked)
{
	const struct flow *f = w->f;
	const char *step = op->step >= 0 ? f->steps[op->step].name : "on", *name = asked >= 0 ? f->slots[asked].name : step;
	char *body = context_body(w, op, asked);

	for (size_t i = 0; i < w->context_count; i++)
		if (strcmp(w->contexts[i].body, body) == 0) {
			free(body);
			return w->contexts[i].name;
		}
	if (w->context_count == CONTEXTS_MAX) {
		if (!w->is_full)
			flow_fault(w->b, op->line, "more than %d questions that listen for different things: recognisers hold one grammar for "
				"each", CONTEXTS_MAX);
		w->is_full = true;
		free(body);
		return "";
	}
	if (has_context_name(w, name))
		name = arena_format(w->b->arena, "%s.%s", step, asked >= 0 ? f->slots[asked].name : "confirm");
	if (has_context_name(w, name))
		name = arena_format(w->b->arena, "%s.%d", name, op->line);
	if (has_context_name(w, name))
		name = arena_format(w->b->arena, "%s.%zu", name, w->context_count);
	w->contexts[w->context_count++] = (struct context){name, body};

	return name;
}

static void add_contexts(struct writer *w, const struct op *op)
{
	/* The rest of a flow is constant by now; this is its builder. */
	struct ask *a = (struct ask *)(uintptr_t)op->ask;
	bool has_slots = op->op != FLOW_OP_ASK;

	for (size_t i = 0; i < a->slot_count && has_slots; i++)
		a->context[i] = add_context(w, op, a->slots[i]);
	a->context[a->slot_count] = op->op == FLOW_OP_FILL ? a->context[0] : add_context(w, op, -1);
	for (size_t i = 0; i < a->slot_count && !has_slots; i++)
		a->context[i] = a->context[a->slot_count];
}

/* ---- the text ---------------------------------------------------------------------------------------------------------- */

static void write_rules(struct writer *w, FILE *out)
{
	for (size_t i = 0; i < w->rule_count; i++) {
		struct body b;
		char *text;

		body_open(&b);
		make_rule(w, w->rules[i], &b);
		text = body_close(&b);
		want_rules(w, text);
		if (!*text)
			flow_fault(w->b, 0, "nothing is listened for as <%s>: all of its phrases begin with ~", w->rules[i]);
		fprintf(out, "<%s> = %s;\n", w->rules[i], text);
		free(text);
	}
}

static bool has_own_sounds(const struct writer *w, const char *word)
{
	for (size_t i = 0; i < w->f->sound_count; i++)
		if (strcmp(w->f->sounds[i].name, word) == 0)
			return true;

	return false;
}

static void write_grammar(struct writer *w, FILE *out)
{
	/* The first question comes last: recognisers take the last context for "anything". */
	for (size_t i = 1; i <= w->context_count; i++) {
		const struct context *c = &w->contexts[i % w->context_count];

		fprintf(out, "context %s = %s;\n", c->name, c->body);
		want_rules(w, c->body);
	}
	write_rules(w, out);
	for (size_t i = 0; i < w->l->sound_count; i++)
		if (!has_own_sounds(w, w->l->sounds[i].name))
			fprintf(out, "say %s = %s;\n", w->l->sounds[i].name, w->l->sounds[i].source);
	for (size_t i = 0; i < w->f->sound_count; i++)
		fprintf(out, "say %s = %s;\n", w->f->sounds[i].name, w->f->sounds[i].source);
}

void flow_build_grammar(struct builder *b)
{
	struct writer *w = mem_zalloc(sizeof(*w));
	size_t len;
	FILE *out;

	w->b = b;
	w->f = b->flow;
	w->l = b->flow->lang;
	for (size_t i = 0; i < b->flow->op_count; i++)
		if (b->flow->ops[i].ask)
			add_contexts(w, &b->flow->ops[i]);
	out = open_memstream(&b->flow->grammar, &len);
	assert(out);
	write_grammar(w, out);
	fclose(out);
	for (size_t i = 0; i < w->context_count; i++)
		free(w->contexts[i].body);
	for (size_t i = 0; i < w->rule_count; i++)
		free(w->rules[i]);
	free(w);
}
