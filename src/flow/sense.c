/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_priv.h"

/*
 * What a sentence means where it was said: values for slots, an intent or a command, yes or no, corrections.
 *
 * Values come first, the longest reading at each place; words that belong to one are used up. Phrases may stand anywhere; the
 * longest one counts. Names come last, since any word that is left may be one.
 */
struct reader {
	const struct sense_ask *ask;
	const struct lang *lang;
	struct sense *out;
	struct words words;
	bool used[WORDS_MAX + 1];  /* by values and what was denied */
	bool taken[WORDS_MAX + 1]; /* by phrases too */
	uint8_t length[WORDS_MAX + 1]; /* of the value a word belongs to */
	bool after_marker[WORDS_MAX + 2]; /* a correction ends in front of it */
	bool after_date[WORDS_MAX + 2];
	struct value_reading reading;	  /* of what is not used */
	struct value_reading all;	  /* of everything */
	struct value_reading left;	  /* of what is not taken */
};

static void mark(bool *used, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < WORDS_MAX; i++)
		used[i] = true;
}

static const struct slot *slot_of(const struct reader *r, size_t k)
{
	return &r->ask->flow->slots[r->ask->slots[k]];
}

static bool listens(const struct reader *r, enum value_type type)
{
	for (size_t k = 0; k < r->ask->slot_count; k++)
		if (slot_of(r, k)->type == type)
			return true;

	return false;
}

static bool is_asked(const struct reader *r, enum value_type type)
{
	return r->ask->asked >= 0 && r->ask->flow->slots[r->ask->asked].type == type;
}

/* ---- one value --------------------------------------------------------------------------------------------------------- */

static size_t read_choice(const struct value_reading *in, const struct slot *s, size_t i, struct value *ret)
{
	size_t best = 0;

	for (size_t k = 0; k < s->choice_count; k++) {
		size_t end = value_read_phrase(in, &s->choices[k].phrases, i);

		if (end <= best)
			continue;
		best = end;
		*ret = (struct value){.is_set = true, .number = (int64_t)k};
		buf_copy(ret->text, sizeof(ret->text), s->choices[k].key);
	}

	return best;
}

static size_t read_number(const struct value_reading *in, size_t i, struct value *ret)
{
	int64_t n;
	size_t end = value_read_number(in, i, &n);
	/* "twenty" (one), "two hundred" (and five) */
	bool may_go_on = end && n >= 20 && n % 10 == 0 && !word_is_digits(in->words->at[end - 1]);

	if (end)
		*ret = (struct value){.is_set = true, .number = n, .may_go_on = may_go_on};

	return end;
}

static size_t read_yes_no(const struct value_reading *in, size_t i, struct value *ret)
{
	size_t no = value_read_phrase(in, &in->lang->no, i), yes = value_read_phrase(in, &in->lang->yes, i);

	if (no || yes)
		*ret = (struct value){.is_set = true, .number = yes > no};

	return MAX(no, yes);
}

/* Only of types that begin at a word; names and free text are looked for otherwise. */
static size_t read_value(const struct value_reading *in, const struct slot *s, size_t i, bool is_loose, struct value *ret)
{
	size_t end = 0;

	switch (s->type) {
	case VALUE_DATE:
		return value_read_date(in, i, is_loose, s->tense, ret);
	case VALUE_TIME:
		return value_read_time(in, i, is_loose, ret);
	case VALUE_NUMBER:
		return is_loose ? read_number(in, i, ret) : 0;
	case VALUE_DIGITS:
		return is_loose ? value_read_digits(in, i, s->may_be_letters, ret) : 0;
	case VALUE_SPELLED:
		return is_loose ? value_read_digits(in, i, true, ret) : 0;
	case VALUE_CHOICE:
		return read_choice(in, s, i, ret);
	case VALUE_MONEY:
		return value_read_money(in, i, is_loose, ret);
	case VALUE_PHONE:
		end = value_read_phone(in, i, ret);
		return end && (is_loose || strlen(ret->text) >= s->least) ? end : 0;
	case VALUE_YES_NO:
		return is_loose ? read_yes_no(in, i, ret) : 0;
	case VALUE_NAME:
		return is_loose ? value_read_name(in, i, s->least, ret) : 0;
	default:
		return 0;
	}
}

/* ---- preparations ------------------------------------------------------------------------------------------------------ */

/* "good morning" is no time of the day. */
static void find_greeting(struct reader *r)
{
	for (size_t i = 0; i < r->words.count; i++) {
		size_t end = value_read_phrase(&r->all, &r->lang->commands[LANG_GREETING], i);

		if (end)
			mark(r->used, i, end);
	}
}

static bool is_deniable(enum value_type type)
{
	return type == VALUE_DATE || type == VALUE_TIME || type == VALUE_NUMBER || type == VALUE_CHOICE || type == VALUE_MONEY;
}

/* "not Tuesday": what was denied must not be taken for what is wanted. */
static void drop_denied(struct reader *r)
{
	struct value v;

	for (size_t i = 0; i < r->words.count; i++) {
		size_t from = value_read_phrase(&r->all, &r->lang->deny, i), end = 0;

		for (size_t k = 0; from && k < r->ask->slot_count; k++)
			if (is_deniable(slot_of(r, k)->type))
				end = MAX(end, read_value(&r->all, slot_of(r, k), from, false, &v));
		if (!end)
			continue;
		mark(r->used, i, end);
		r->out->is_correction = true;
	}
}

static size_t find_phrase(const struct value_reading *in, const struct lang_phrases *phrases)
{
	for (size_t i = 0; i < in->words->count; i++) {
		size_t end = value_read_phrase(in, phrases, i);

		if (end)
			return end;
	}

	return 0;
}

static void find_corrections(struct reader *r)
{
	for (size_t i = 0; i < r->words.count; i++) {
		size_t end = value_read_phrase(&r->reading, &r->lang->corrections, i), no;

		if (end) {
			r->out->is_correction = true;
			r->after_marker[end] = true;
		}
		no = value_read_phrase(&r->reading, &r->lang->no, i);
		if (no)
			r->after_marker[no] = true;
	}
}

static bool begins_name(const struct reader *r, size_t i)
{
	return lang_has(&r->lang->name_strong, &r->words, i) || lang_has(&r->lang->name_weak, &r->words, i);
}

/* "change the day", or just "the day" where we asked what to change. */
static void find_named(struct reader *r)
{
	bool changes = r->ask->is_change || find_phrase(&r->all, &r->lang->change);

	for (size_t k = 0; k < r->ask->slot_count && changes; k++)
		for (size_t i = 0; i < r->words.count; i++) {
			size_t end = value_read_phrase(&r->reading, &slot_of(r, k)->called, i);

			if (!end || begins_name(r, i))
				continue;
			r->out->named |= 1u << r->ask->slots[k];
			mark(r->used, i, end);
		}
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

/* Of several slots of one type: the one that was named, the one that was asked for, for a correction the last one filled, else the
 * first that is empty. */
static int slot_for(const struct reader *r, enum value_type type, bool is_correction)
{
	const struct sense_ask *ask = r->ask;
	int last_set = -1, first_free = -1, any = -1;

	for (size_t k = 0; k < ask->slot_count; k++) {
		int index = ask->slots[k];

		if (ask->flow->slots[index].type != type)
			continue;
		if (r->out->named >> index & 1 && !r->out->values[index].is_set)
			return index;
		any = index;
		if (ask->set >> index & 1)
			last_set = index;
		else if (first_free < 0 && !r->out->values[index].is_set)
			first_free = index;
	}
	if (is_asked(r, type) && !(is_correction && last_set >= 0) && !r->out->values[ask->asked].is_set)
		return ask->asked;
	if (is_correction && last_set >= 0)
		return last_set;
	if (first_free >= 0)
		return first_free;

	return last_set >= 0 ? last_set : any;
}

/* Dates and times: of several the last is meant. Of numbers the first ("eight out of ten"), unless it is taken back. */
static bool replaces(const struct reader *r, enum value_type type, size_t from)
{
	return type == VALUE_DATE || type == VALUE_TIME || r->after_marker[from];
}

static void file_value(struct reader *r, int index, size_t from, const struct value *v)
{
	enum value_type type = r->ask->flow->slots[index].type;
	struct value *old = &r->out->values[index];
	bool is_row = type == VALUE_DIGITS || type == VALUE_SPELLED || type == VALUE_PHONE;

	if (old->is_set && is_row && !r->after_marker[from]) {
		size_t n = strlen(old->text);

		snprintf(old->text + n, sizeof(old->text) - n, "%s", v->text);
		return;
	}
	if (old->is_set && !replaces(r, type, from))
		return;
	*old = *v;
	r->out->filled |= 1u << index;
}

static bool is_loose_at(const struct reader *r, const struct slot *s, size_t i)
{
	int index = (int)(s - r->ask->flow->slots);

	if (index == r->ask->asked || r->out->named >> index & 1)
		return true;
	/* "Tuesday two" */
	if (s->type == VALUE_TIME && r->after_date[i])
		return true;
	/* Digits that are said when they were read back can only be better ones. */
	if (r->ask->is_change && (s->type == VALUE_DIGITS || s->type == VALUE_SPELLED || s->type == VALUE_PHONE))
		return true;

	return r->after_marker[i] && (s->type == VALUE_DATE || s->type == VALUE_TIME || s->type == VALUE_MONEY || s->type == VALUE_NUMBER);
}

struct best_value {
	size_t end;
	const struct slot *slot;
	struct value value;
};

static void consider(struct reader *r, const struct slot *s, size_t i, struct best_value *best)
{
	struct value v;
	size_t end;

	if (s->type == VALUE_NAME || s->type == VALUE_YES_NO || s->type == VALUE_TEXT)
		return;
	end = read_value(&r->reading, s, i, is_loose_at(r, s, i), &v);
	if (end > best->end)
		*best = (struct best_value){end, s, v};
}

static void find_values(struct reader *r)
{
	for (size_t i = 0; i < r->words.count; i++) {
		struct best_value best = {0};

		if (r->used[i])
			continue;
		if (r->ask->asked >= 0)
			consider(r, &r->ask->flow->slots[r->ask->asked], i, &best);
		for (size_t k = 0; k < r->ask->slot_count; k++)
			consider(r, slot_of(r, k), i, &best);
		if (!best.end)
			continue;

		/* Alike but for the slot they are for: choices know theirs. */
		int index = best.slot->type == VALUE_CHOICE ?
			(int)(best.slot - r->ask->flow->slots) :
			slot_for(r, best.slot->type, r->out->is_correction || r->after_marker[i]);

		file_value(r, index, i, &best.value);
		mark(r->used, i, best.end);
		memset(r->length + i, (int)(best.end - i), best.end - i);
		r->after_date[best.end] = best.slot->type == VALUE_DATE;
		i = best.end - 1;
	}
}

static void find_part(struct reader *r)
{
	for (size_t i = 0; i < r->words.count && listens(r, VALUE_TIME); i++) {
		enum lang_part part = LANG_PART_NONE;
		size_t end = value_read_part(&r->reading, i, &part);

		if (!end)
			continue;
		r->out->part = part;
		mark(r->used, i, end);
	}
	for (size_t k = 0; k < r->ask->slot_count; k++)
		if (slot_of(r, k)->type == VALUE_TIME && r->out->values[r->ask->slots[k]].part)
			r->out->part = (enum lang_part)r->out->values[r->ask->slots[k]].part;
}

/* ---- intents and commands ---------------------------------------------------------------------------------------------- */

/* References of a flow's phrases. */
static size_t read_flow_ref(void *ctx, int ref, size_t i, int64_t *ret)
{
	struct reader *r = ctx;
	struct value v = {0};
	size_t end;

	if (ref < FLOW_REF_SLOT)
		return value_read_ref(&r->all, ref, i, ret);
	end = read_value(&r->all, &r->ask->flow->slots[ref - FLOW_REF_SLOT], i, true, &v);
	*ret = v.number;

	return end;
}

static bool is_filler(void *ctx, size_t i)
{
	const struct reader *r = ctx;

	return lang_has(&r->lang->fillers, &r->words, i);
}

struct best_phrase {
	size_t from, length;
	int intent;
	enum lang_command command;
	struct pattern_match match;
};

/* "one" is a number before it is the beginning of "one moment"; a choice may be called "help with my bill". */
static bool is_part_of_value(const struct reader *r, size_t from, size_t to)
{
	bool is_all_used = true;

	for (size_t i = from; i < to; i++) {
		if (r->length[i] >= to - from)
			return true;
		is_all_used = is_all_used && r->used[i];
	}

	return is_all_used;
}

static void look_for(struct reader *r, const struct lang_phrases *phrases, int intent, enum lang_command command, struct best_phrase *best)
{
	struct pattern_reader reader = {r, &r->words, read_flow_ref, is_filler};
	struct pattern_match m;

	for (size_t k = 0; k < phrases->count; k++)
		for (size_t i = 0; i < r->words.count; i++) {
			if (!pattern_match(phrases->all[k], &reader, i, &m) || m.end - i <= best->length)
				continue;
			if (is_part_of_value(r, i, m.end) && !m.capture_count)
				continue;
			*best = (struct best_phrase){i, m.end - i, intent, command, m};
		}
}

static void fill_captures(struct reader *r, const struct best_phrase *best)
{
	for (size_t k = 0; k < best->match.capture_count; k++) {
		const struct pattern_capture *c = &best->match.captures[k];
		int index = c->ref - FLOW_REF_SLOT;
		struct value v;

		if (index < 0 || !read_value(&r->all, &r->ask->flow->slots[index], c->from, true, &v))
			continue;
		r->out->values[index] = v;
		r->out->filled |= 1u << index;
		mark(r->used, c->from, c->to);
	}
}

static void find_phrases(struct reader *r)
{
	struct best_phrase best = {.intent = -1};
	const struct flow *f = r->ask->flow;

	for (size_t i = 0; i < f->intent_count; i++)
		look_for(r, &f->intents[i].phrases, (int)i, LANG_NOTHING, &best);
	for (int c = LANG_HUMAN; c < LANG_THANKS; c++)
		look_for(r, &r->lang->commands[c], -1, (enum lang_command)c, &best);
	r->out->intent = best.intent;
	r->out->command = best.command;
	fill_captures(r, &best);
	memcpy(r->taken, r->used, sizeof(r->taken));
	mark(r->taken, best.from, best.from + best.length);
}

/* Thanks and greetings count only where nothing else was said. */
static void find_courtesies(struct reader *r)
{
	const struct sense *out = r->out;
	bool is_more = out->intent >= 0 || out->command || out->filled || out->has_yes || out->has_no || out->named;

	for (int c = LANG_THANKS; c < LANG_COMMANDS && !is_more; c++)
		if (find_phrase(&r->all, &r->lang->commands[c]) && r->out->command == LANG_NOTHING)
			r->out->command = (enum lang_command)c;
}

/* Where anything may be said, a command is one only when nothing else was said. */
static bool is_whole_command(struct reader *r)
{
	for (int c = LANG_HUMAN; c < LANG_THANKS; c++)
		for (size_t i = 0; i <= 1; i++)
			if (value_read_phrase(&r->all, &r->lang->commands[c], i) >= r->words.count && r->words.count) {
				r->out->command = (enum lang_command)c;
				return true;
			}

	return false;
}

static void take_text(struct reader *r, struct span text)
{
	struct value v = {.is_set = true};

	text = span_trim(text);
	if (is_whole_command(r) || !text.n)
		return;
	/* "No", "no thank you": there is nothing to say. */
	if (r->ask->flow->slots[r->ask->asked].is_optional && r->words.count <= 3 && value_read_phrase(&r->all, &r->lang->no, 0)) {
		r->out->has_no = true;
		return;
	}
	text.n = MIN(text.n, sizeof(v.text) - 1);
	/* Not in the middle of a character. */
	while (text.n && text.n == sizeof(v.text) - 1 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
		text.n--;
	(void)!span_copy(text, v.text, sizeof(v.text));
	r->out->values[r->ask->asked] = v;
	r->out->filled |= 1u << r->ask->asked;
}

/* ---- yes and no -------------------------------------------------------------------------------------------------------- */

static void find_yes_no(struct reader *r)
{
	struct sense *out = r->out;

	out->has_no = find_phrase(&r->reading, &r->lang->no);
	out->has_yes = !out->has_no && find_phrase(&r->reading, &r->lang->yes);
	if (is_asked(r, VALUE_YES_NO) && (out->has_no || out->has_yes)) {
		out->values[r->ask->asked] = (struct value){.is_set = true, .number = out->has_yes};
		out->filled |= 1u << r->ask->asked;
	}
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static bool take_name_at(struct reader *r, size_t i, size_t least)
{
	struct value v;
	size_t end = value_read_name(&r->left, i, least, &v);
	int index = slot_for(r, VALUE_NAME, r->out->is_correction);

	if (!end || index < 0)
		return false;
	r->out->values[index] = v;
	r->out->filled |= 1u << index;
	mark(r->taken, i, end);

	return true;
}

/* Behind "my name is". */
static bool take_name_after(struct reader *r, const struct lang_table *leads, size_t least)
{
	size_t end;

	for (size_t i = 0; i < r->words.count; i++)
		if (!r->used[i] && lang_find(leads, &r->words, i, &end) && take_name_at(r, end, least))
			return true;

	return false;
}

static void find_name(struct reader *r)
{
	bool asked = is_asked(r, VALUE_NAME), named = false;

	if (!listens(r, VALUE_NAME))
		return;
	for (size_t k = 0; k < r->ask->slot_count; k++)
		named |= slot_of(r, k)->type == VALUE_NAME && r->out->named >> r->ask->slots[k] & 1;
	if (take_name_after(r, &r->lang->name_strong, 1) || take_name_after(r, &r->lang->name_weak, asked ? 1 : 2))
		return;
	for (size_t i = 0; i < r->words.count; i++)
		if ((asked || named || r->after_marker[i]) && take_name_at(r, i, asked ? 0 : named ? 1 : 2))
			return;
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void read_all(struct reader *r, struct span text)
{
	struct sense *out = r->out;

	if (is_asked(r, VALUE_TEXT)) {
		take_text(r, text);
		return;
	}
	find_greeting(r);
	drop_denied(r);
	find_corrections(r);
	find_named(r);
	find_values(r);
	find_part(r);
	find_phrases(r);
	find_yes_no(r);
	find_name(r);
	find_courtesies(r);
	out->named &= ~out->filled;
	out->is_correction |= out->named || (out->has_no && out->filled && !is_asked(r, VALUE_YES_NO));
}

void flow_sense(const struct sense_ask *ask, struct span text, struct sense *ret)
{
	struct reader r = {.ask = ask, .lang = ask->flow->lang, .out = ret};

	memset(ret, 0, sizeof(*ret));
	ret->intent = -1;
	words_cut(text, &r.words);
	r.reading = (struct value_reading){r.lang, &r.words, r.used, ask->today};
	r.all = (struct value_reading){r.lang, &r.words, NULL, ask->today};
	r.left = (struct value_reading){r.lang, &r.words, r.taken, ask->today};
	ret->word_count = r.words.count;
	ret->is_empty = !r.words.count;
	ret->is_dangling = r.words.count && lang_has(&r.lang->dangling, &r.words, r.words.count - 1);
	if (ret->is_empty)
		return;

	int64_t number;

	ret->ends_in_number = value_read_number(&r.all, r.words.count - 1, &number) || value_read_ordinal(&r.all, r.words.count - 1, &number);
	read_all(&r, text);
}

/* ---- for comparing ----------------------------------------------------------------------------------------------------- */

static const char *intent_name(const struct flow *f, const struct sense *s)
{
	if (s->intent >= 0)
		return f->intents[s->intent].name;
	if (s->command)
		return lang_command_names[s->command];
	if (s->filled || s->named || s->part)
		return "";

	return s->has_no ? "no" : s->has_yes ? "yes" : "";
}

static void put_slot(const struct flow *f, const struct sense *s, size_t i, char *text, size_t cap)
{
	const struct value *v = &s->values[i];
	char value[VALUE_BYTES] = "any";
	struct value settled = *v;
	size_t n = strlen(text);

	if (f->slots[i].type == VALUE_TIME)
		settled.number = value_settle_time(v, s->part, 7 * 60, 19 * 60);
	if (!v->is_any)
		value_write(f->slots[i].type, &settled, value, sizeof(value));
	snprintf(text + n, cap - n, "%s%s=%s", n ? " " : "", f->slots[i].name, value);
}

void flow_meaning(const struct flow *f, const char *asked, int32_t today, const char *text, struct flow_meaning *ret)
{
	uint8_t slots[LIMIT_FLOW_SLOTS];
	struct sense_ask ask = {.flow = f, .today = today, .slots = slots, .slot_count = f->slot_count, .asked = -1};
	struct sense s;
	size_t n;

	for (size_t i = 0; i < f->slot_count; i++)
		slots[i] = (uint8_t)i;
	ask.is_change = asked && strcmp(asked, "confirm") == 0;
	if (asked)
		ask.asked = flow_find_slot(f, span_z(asked));
	flow_sense(&ask, span_z(text), &s);
	snprintf(ret->intent, sizeof(ret->intent), "%s%s", intent_name(f, &s), s.is_correction ? "+" : "");
	ret->slots[0] = 0;
	for (size_t i = 0; i < f->slot_count; i++)
		if (s.filled >> i & 1)
			put_slot(f, &s, i, ret->slots, sizeof(ret->slots));
		else if (s.named >> i & 1)
			snprintf(ret->slots + strlen(ret->slots), sizeof(ret->slots) - strlen(ret->slots), " %s?", f->slots[i].name);
	n = strlen(ret->slots);
	if (s.part)
		snprintf(ret->slots + n, sizeof(ret->slots) - n, " part=%d", (int)s.part);
}
