/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "flow/flow_priv.h"

/* The slots of a flow: what is wanted of the caller. */

static const char *const slot_keys[] = {"type", "ask", "keypad", "help", "echo", "refuse", "called", "from", "to", "length", "when", "open",
	"optional", "letters", "choices", "keys", "full", "sensitive", NULL};
static const char *const tenses[] = {"future", "any", "past", NULL};

/* Only some types have a meaning for a key. */
static const struct {
	const char *key;
	uint32_t types;
} key_types[] = {
	{"from", 1u << VALUE_NUMBER | 1u << VALUE_MONEY | 1u << VALUE_TIME},
	{"to", 1u << VALUE_NUMBER | 1u << VALUE_MONEY | 1u << VALUE_TIME},
	{"length", 1u << VALUE_DIGITS | 1u << VALUE_SPELLED | 1u << VALUE_PHONE},
	{"when", 1u << VALUE_DATE},
	{"open", 1u << VALUE_DATE | 1u << VALUE_TIME},
	{"letters", 1u << VALUE_DIGITS},
	{"choices", 1u << VALUE_CHOICE},
	{"full", 1u << VALUE_NAME},
};

/* What is right for a type when nothing else is said. */
static void set_defaults(struct slot *s)
{
	s->from = 1;
	s->to = 0;
	s->least = 1;
	s->most = 32;
	if (s->type == VALUE_PHONE) {
		s->least = 7;
		s->most = 16;
	} else if (s->type == VALUE_SPELLED) {
		s->least = 2;
	}
}

static void check_types(struct builder *b, const struct yaml_node *n, const struct slot *s)
{
	for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
		const struct yaml_node *c = yaml_get(n, key_types[i].key);

		if (c && !(key_types[i].types >> s->type & 1))
			flow_fault(b, c->key_line, "\"%s\" means nothing for a slot of type %s", key_types[i].key, value_type_names[s->type]);
	}
}

static void read_bound(struct builder *b, const struct yaml_node *map, const char *key, const struct slot *s, int64_t *ret)
{
	const struct yaml_node *n = flow_child(b, map, key);
	const char *text = n ? flow_scalar(b, n, key) : NULL;
	struct value v;

	if (!text)
		return;
	if (value_parse(s->type, span_z(text), &v))
		*ret = v.number;
	else
		flow_fault(b, n->line, "%s: \"%.40s\" is no %s%s", key, text, value_type_names[s->type],
			s->type == VALUE_TIME ? " (such as \"8:00\")" : "");
}

static void read_bounds(struct builder *b, const struct yaml_node *n, struct slot *s)
{
	const struct yaml_node *from = yaml_get(n, "from"), *to = yaml_get(n, "to");
	int64_t low = 0, high = s->type == VALUE_TIME ? 24 * 60 : 999999999;

	if (!from && !to)
		return;
	read_bound(b, n, "from", s, &low);
	read_bound(b, n, "to", s, &high);
	if (high < low)
		flow_fault(b, (to ? to : from)->line, "\"to\" is less than \"from\"");
	s->from = low;
	s->to = high;
}

/* "6" or "4-8" */
static void read_length(struct builder *b, const struct yaml_node *map, struct slot *s)
{
	const struct yaml_node *n = flow_child(b, map, "length");
	const char *text = n ? flow_scalar(b, n, "length") : NULL;
	struct span most = span_z(text ? text : ""), least = span_cut(&most, '-');

	if (!text)
		return;
	if (!span_u32(span_trim(least), &s->least) || (most.p && !span_u32(span_trim(most), &s->most)) || s->least < 1) {
		flow_fault(b, n->line, "length: \"%.40s\" is no number or range (such as 6 or 4-8)", text);
		return;
	}
	if (!most.p)
		s->most = s->least;
	if (s->most < s->least || s->most > 32)
		flow_fault(b, n->line, "length: at most 32, and the second number not below the first");
}

static void read_tense(struct builder *b, const struct yaml_node *map, struct slot *s)
{
	const struct yaml_node *n = flow_child(b, map, "when");
	const char *text = n ? flow_scalar(b, n, "when") : NULL;

	for (int i = 0; text && tenses[i]; i++)
		if (strcmp(text, tenses[i]) == 0) {
			s->tense = (enum value_tense)i;
			return;
		}
	if (text)
		flow_no_such(b, n->line, "\"when\" called", text, tenses);
}

static void read_choices(struct builder *b, const struct yaml_node *map, struct slot *s)
{
	const struct yaml_node *n = flow_child(b, map, "choices");
	size_t count = 0;

	if (!n || n->kind != YAML_MAP || !n->first) {
		flow_fault(b, n ? n->line : s->line, "choices: what may be chosen and how it is said: { sales: [ sales, to buy something ] }");
		return;
	}
	for (const struct yaml_node *c = n->first; c; c = c->next)
		count++;
	s->choices = arena_alloc(b->arena, count * sizeof(*s->choices));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		struct slot_choice *choice = &s->choices[s->choice_count++];
		char say[VALUE_BYTES];

		choice->key = arena_strdup(b->arena, span_z(c->key));
		flow_read_phrases(b, c, "choices", &choice->phrases);
		/* The first phrase names it; brackets and alternatives are for listening. */
		buf_copy(say, sizeof(say), choice->phrases.count ? choice->phrases.sources[0] : c->key);
		say[strcspn(say, "[(|")] = 0;
		choice->say = arena_strdup(b->arena, span_trim(span_z(say[0] == '~' || !say[0] ? c->key : say)));
	}
}

static void read_called(struct builder *b, const struct yaml_node *n, struct slot *s)
{
	flow_read_phrases(b, yaml_get(n, "called"), "called", &s->called);
	s->called_say = s->called.count ? s->called.sources[0] : s->name;
}

static void read_slot(struct builder *b, const struct yaml_node *n, struct slot *s)
{
	flow_known_keys(b, n, slot_keys);
	check_types(b, n, s);
	flow_read_text(b, yaml_get(n, "ask"), "ask", &s->ask);
	flow_read_text(b, yaml_get(n, "keypad"), "keypad", &s->keypad);
	flow_read_text(b, yaml_get(n, "help"), "help", &s->help);
	flow_read_text(b, yaml_get(n, "echo"), "echo", &s->echo);
	flow_read_text(b, yaml_get(n, "refuse"), "refuse", &s->refuse);
	read_called(b, n, s);
	read_bounds(b, n, s);
	read_length(b, n, s);
	read_tense(b, n, s);
	s->is_open = flow_flag(b, n, "open");
	s->is_optional = flow_flag(b, n, "optional");
	s->may_be_letters = flow_flag(b, n, "letters");
	s->is_sensitive = flow_flag(b, n, "sensitive");
	if (flow_flag(b, n, "full"))
		s->least = 2;
	if (s->type == VALUE_CHOICE)
		read_choices(b, n, s);
	flow_read_keys(b, yaml_get(n, "keys"), &s->keys, &s->key_count);
	if (s->is_open && !b->flow->has_open)
		flow_fault(b, s->line, "%s: \"open\" needs the business' hours: open: { monday-friday: \"8:00-18:00\" }", s->name);
}

static bool read_type(struct builder *b, const struct yaml_node *n, struct slot *s)
{
	const struct yaml_node *type = n->kind == YAML_MAP ? yaml_get(n, "type") : n;
	const char *text = type ? flow_scalar(b, type, "type") : NULL;

	if (!type)
		flow_fault(b, n->line, "%s: \"type\" is missing: one of date, time, number, digits, name, choice, yes_no, spelled, phone, "
			"money, text", s->name);
	for (int i = 0; text && i < VALUE_TYPES; i++)
		if (strcmp(text, value_type_names[i]) == 0) {
			s->type = (enum value_type)i;
			return true;
		}
	if (text)
		flow_no_such(b, type->line, "type", text, value_type_names);

	return false;
}

void flow_name_slots(struct builder *b, const struct yaml_node *n)
{
	struct flow *f = b->flow;

	if (n && n->kind != YAML_MAP) {
		flow_fault(b, n->line, "slots: names and what they are: { day: { type: date, ask: \"What day?\" } }");
		return;
	}
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		struct slot *s = &f->slots[f->slot_count];

		if (f->slot_count == LIMIT_FLOW_SLOTS) {
			flow_fault(b, c->key_line, "more than %d slots", LIMIT_FLOW_SLOTS);
			return;
		}
		if (!flow_check_name(b, c->key_line, "slot", c->key))
			continue;
		if (flow_find_variable(f, span_z(c->key)) >= 0)
			flow_fault(b, c->key_line, "slot: \"%s\" is a variable too: give one of them another name", c->key);
		*s = (struct slot){.name = arena_strdup(b->arena, span_z(c->key)), .line = c->key_line};
		if (!read_type(b, flow_pick(b, c), s))
			s->type = VALUE_TEXT;
		set_defaults(s);
		f->slot_count++;
	}
}

void flow_read_slots(struct builder *b, const struct yaml_node *n)
{
	for (const struct yaml_node *c = n && n->kind == YAML_MAP ? n->first : NULL; c; c = c->next) {
		int index = flow_find_slot(b->flow, span_z(c->key));
		const struct yaml_node *inside = flow_pick(b, c);

		if (index >= 0 && inside->kind == YAML_MAP)
			read_slot(b, inside, &b->flow->slots[index]);
	}
}
