/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/calendar.h"
#include "flow/machine_priv.h"

/* From what was understood to what is kept: is the day open, the number in its range, the code long enough. */

enum { NOON = 12 * 60, DAY = 24 * 60 };

void turn_clear_slot(struct turn *t, int slot)
{
	t->s->slots[slot] = (struct value){0};
	t->s->skipped &= ~(1u << slot);
	if (t->f->slots[slot].type == VALUE_TIME)
		t->s->part = LANG_PART_NONE;
	if (t->s->partial_slot == slot)
		t->s->partial[0] = 0;
}

/* What a slot's refusal says in its own words, or the language's. */
static void refuse(struct turn *t, const struct slot *s, enum lang_prompt prompt, const struct locals *l)
{
	if (s->refuse.count)
		turn_note_text(t, &s->refuse, l);
	else
		turn_note_prompt(t, prompt, l);
}

static const char *say(const struct turn *t, enum value_type type, int64_t number, char *ret, size_t cap)
{
	struct value v = {.is_set = true, .number = number};

	value_say(t->f->lang, type, &v, NULL, ret, cap);

	return ret;
}

/* ---- dates and times --------------------------------------------------------------------------------------------------- */

static bool check_date(struct turn *t, const struct slot *s, struct value *v)
{
	char value[VALUE_BYTES], weekday[80];
	struct value named;
	struct locals l = {.value = value, .weekday = weekday};

	if (v->is_any) {
		/* The first day from tomorrow on that is open; a business that never is does not ask. */
		v->number = t->m->p.today + 1;
		for (int i = 0; s->is_open && i < 366 && !flow_is_open_day(t->f, (int32_t)v->number); i++)
			v->number++;
		v->is_any = false;
	}
	named = (struct value){.is_set = true, .number = v->number};
	value_say(t->f->lang, VALUE_DATE, &named, NULL, value, sizeof(value));
	value_say(t->f->lang, VALUE_DATE, &named, "weekday", weekday, sizeof(weekday));
	if (s->tense == VALUE_FUTURE && v->number < t->m->p.today)
		refuse(t, s, LANG_SAY_PAST_DAY, &l);
	else if (s->tense == VALUE_PAST && v->number > t->m->p.today)
		refuse(t, s, LANG_SAY_FUTURE_DAY, &l);
	else if (s->is_open && !flow_is_open_day(t->f, (int32_t)v->number))
		refuse(t, s, LANG_SAY_CLOSED_DAY, &l);
	else
		return true;

	return false;
}

/* The hours of the day that was chosen, else those of any day. */
static struct open_range range_for(const struct turn *t, const struct slot *s, const struct ask *ask)
{
	struct open_range all = {DAY, 0};

	if (s->from <= s->to)
		return (struct open_range){(int32_t)s->from, (int32_t)s->to + 1};
	if (!s->is_open)
		return (struct open_range){0, DAY};
	for (size_t i = 0; ask && i < ask->slot_count; i++) {
		const struct value *day = &t->s->slots[ask->slots[i]];

		if (t->f->slots[ask->slots[i]].type == VALUE_DATE && day->is_set && flow_is_open_day(t->f, (int32_t)day->number))
			return flow_open_range(t->f, (int32_t)day->number);
	}
	for (int i = 0; i < 7; i++)
		if (t->f->open[i].to > t->f->open[i].from) {
			all.from = MIN(all.from, t->f->open[i].from);
			all.to = MAX(all.to, t->f->open[i].to);
		}

	return all;
}

static bool check_time(struct turn *t, const struct slot *s, const struct ask *ask, struct value *v)
{
	struct open_range range = range_for(t, s, ask);
	char value[VALUE_BYTES], from[80], to[80];
	struct locals l = {.value = value, .from = from, .to = to};
	/* Without hours of its own a slot takes 7 to 19 o'clock for what callers mean. */
	bool is_free = range.from == 0 && range.to >= DAY;
	enum lang_part part = v->part ? (enum lang_part)v->part : t->s->part;

	if (v->is_any) {
		v->number = t->f->lang->part_default[part ? part : LANG_PART_MORNING];
		if (!is_free)
			v->number = CLAMP(v->number, range.from, range.to - 1);
		v->is_any = false;
	} else {
		v->number = value_settle_time(v, part, is_free ? 7 * 60 : range.from, is_free ? 19 * 60 : range.to);
	}
	v->is_exact = true;
	t->s->part = LANG_PART_NONE;
	if (v->number >= range.from && v->number < range.to)
		return true;
	say(t, VALUE_TIME, v->number, value, sizeof(value));
	say(t, VALUE_TIME, range.from, from, sizeof(from));
	say(t, VALUE_TIME, s->from <= s->to ? s->to : range.to, to, sizeof(to));
	refuse(t, s, LANG_SAY_CLOSED_TIME, &l);

	return false;
}

/* Another day may have other hours. */
static void check_times_again(struct turn *t, const struct ask *ask)
{
	for (size_t i = 0; i < ask->slot_count; i++) {
		int slot = ask->slots[i];
		struct value v = t->s->slots[slot];

		if (t->f->slots[slot].type == VALUE_TIME && v.is_set && t->f->slots[slot].is_open && !check_time(t, &t->f->slots[slot], ask, &v))
			turn_clear_slot(t, slot);
	}
}

/* ---- numbers and codes ------------------------------------------------------------------------------------------------- */

static bool check_number(struct turn *t, const struct slot *s, const struct value *v)
{
	char value[VALUE_BYTES], from[80], to[80];
	struct locals l = {.value = value, .from = from, .to = to};

	if (s->from > s->to || (v->number >= s->from && v->number <= s->to))
		return true;
	say(t, s->type, v->number, value, sizeof(value));
	say(t, s->type, s->from, from, sizeof(from));
	say(t, s->type, s->to, to, sizeof(to));
	refuse(t, s, LANG_SAY_NUMBER_RANGE, &l);

	return false;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;

	return n;
}

/* What comes in two breaths is put together; what is too long cannot be right. */
static bool check_row(struct turn *t, int slot, bool is_correction, struct value *v)
{
	const struct slot *s = &t->f->slots[slot];
	char value[VALUE_BYTES], to[12];
	struct locals l = {.value = value, .to = to};
	struct value whole = *v;
	size_t n;

	if (t->s->partial[0] && t->s->partial_slot == slot && !is_correction)
		snprintf(whole.text, sizeof(whole.text), "%s%.64s", t->s->partial, v->text); /* rows are of 32 characters */
	if (characters(whole.text) > s->most)
		whole = *v; /* said again from the beginning */
	n = characters(whole.text);
	*v = whole;
	t->s->partial[0] = 0;
	if (n >= s->least && n <= s->most)
		return true;
	value_say(t->f->lang, VALUE_DIGITS, v, NULL, value, sizeof(value));
	snprintf(to, sizeof(to), "%u", s->most);
	if (n > s->most)
		refuse(t, s, LANG_SAY_TOO_LONG, &l);
	else
		buf_copy(t->s->partial, sizeof(t->s->partial), whole.text);
	t->s->partial_slot = slot;

	return false;
}

/* ---- filing ------------------------------------------------------------------------------------------------------------ */

/* A last name behind a first one. */
static void join_name(const struct slot *s, const struct value *old, bool is_correction, struct value *v)
{
	char whole[2 * VALUE_BYTES];

	if (s->least < 2 || !old->is_set || old->is_exact || v->is_exact || is_correction || !strcmp(old->text, v->text))
		return;
	snprintf(whole, sizeof(whole), "%s %s", old->text, v->text);
	buf_copy(v->text, sizeof(v->text), whole);
	v->is_exact = true;
}

static bool check(struct turn *t, int slot, const struct ask *ask, struct value *v)
{
	const struct slot *s = &t->f->slots[slot];

	switch (s->type) {
	case VALUE_DATE:
		return check_date(t, s, v);
	case VALUE_TIME:
		return check_time(t, s, ask, v);
	case VALUE_NUMBER:
	case VALUE_MONEY:
		return check_number(t, s, v);
	case VALUE_DIGITS:
	case VALUE_SPELLED:
	case VALUE_PHONE:
		return check_row(t, slot, t->sense.is_correction, v);
	case VALUE_NAME:
		join_name(s, &t->s->slots[slot], t->sense.is_correction, v);
		return true;
	default:
		return true;
	}
}

static bool is_same(const struct value *a, const struct value *b)
{
	return a->is_set == b->is_set && a->number == b->number && strcmp(a->text, b->text) == 0 && a->is_exact == b->is_exact;
}

static bool file(struct turn *t, int slot, const struct ask *ask)
{
	struct value v = t->sense.values[slot], old = t->s->slots[slot];

	if (!check(t, slot, ask, &v)) {
		/* What was there before stands no more: the caller wanted another. */
		t->s->slots[slot] = (struct value){0};
		return true;
	}
	v.part = 0;
	t->s->slots[slot] = v;
	t->s->skipped &= ~(1u << slot);

	return !is_same(&v, &old);
}

/* "In the afternoon": the time is asked for again, knowing that. */
static void file_part(struct turn *t, const struct ask *ask)
{
	for (size_t i = 0; i < ask->slot_count; i++) {
		int slot = ask->slots[i];

		if (t->f->slots[slot].type != VALUE_TIME || t->sense.filled >> slot & 1 || !t->sense.part)
			continue;
		t->s->slots[slot] = (struct value){.part = (uint8_t)t->sense.part};
		t->s->part = t->sense.part;
	}
}

uint32_t turn_file(struct turn *t, const struct ask *ask)
{
	uint32_t changed = 0;
	bool has_day = false;

	file_part(t, ask);
	/* Dates first: the hours depend on the day. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < ask->slot_count; i++) {
			int slot = ask->slots[i];
			bool is_date = t->f->slots[slot].type == VALUE_DATE;

			if (is_date == (pass == 0) && t->sense.filled >> slot & 1) {
				changed |= (uint32_t)file(t, slot, ask) << slot;
				has_day |= is_date;
			}
		}
	if (has_day)
		check_times_again(t, ask);

	return changed;
}
