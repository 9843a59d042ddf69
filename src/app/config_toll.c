/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* The toll budget of a configuration: see line/toll.h. */

enum { MICROS = 1000000 };

static bool is_prefix(const char *text)
{
	text += text[0] == '+';

	return text[0] && text[strspn(text, "0123456789")] == 0;
}

static const char *read_prefix(struct schema_reader *r, const struct yaml_node *node, const char *what)
{
	const char *text = schema_text(r, node, what);

	if (text && !is_prefix(text)) {
		schema_error(r, node->line, "%s: \"%.40s\" is not the beginning of a number (such as \"+49\")", what, text);
		return NULL;
	}

	return text;
}

static size_t read_prefixes(struct schema_reader *r, const struct field *f, const struct yaml_node *node, const char ***ret)
{
	size_t n = 0;

	if (!config_want_list(r, f, node))
		return 0;
	*ret = arena_alloc(r->arena, config_count(node) * sizeof(**ret));
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *text = read_prefix(r, c, f->key);

		if (text)
			(*ret)[n++] = text;
	}

	return n;
}

static void read_allow(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct toll_rules *rules = dst;

	rules->allow_count = read_prefixes(r, f, node, &rules->allow);
}

static void read_deny(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct toll_rules *rules = dst;

	rules->deny_count = read_prefixes(r, f, node, &rules->deny);
}

/* "12.50" to millionths; false after the error. */
static bool read_micros(struct schema_reader *r, const struct yaml_node *node, const char *what, uint64_t most, uint64_t *ret)
{
	const char *text = schema_text(r, node, what);
	char *end;

	if (!text)
		return false;

	double value = strtod(text, &end);

	if (*end || end == text || !(value >= 0) || value * MICROS > (double)most) {
		schema_error(r, node->line, "%s: \"%.40s\" is not an amount of money (such as 0.02)", what, text);
		return false;
	}
	*ret = (uint64_t)(value * MICROS + 0.5);

	return true;
}

static void read_cost(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	(void)read_micros(r, node, f->key, UINT64_C(1000000) * MICROS, dst);
}

static void read_prices(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct toll_rules *rules = dst;

	if (node->kind != YAML_MAP) {
		schema_error(r, node->line, "%s: prefixes and prices a minute are wanted (prices: { \"+49\": 0.02, other: 0.5 })", f->key);
		return;
	}
	rules->prices = arena_alloc(r->arena, config_count(node) * sizeof(*rules->prices));
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		bool is_other = strcmp(c->key, "other") == 0;
		uint64_t micros;

		if (!is_other && !is_prefix(c->key))
			schema_error(r, c->key_line, "%s: \"%.40s\" is neither the beginning of a number nor other", f->key, c->key);
		else if (read_micros(r, c, c->key, UINT64_C(1000) * MICROS, &micros))
			rules->prices[rules->price_count++] =
				(struct toll_price){.prefix = is_other ? "" : c->key, .micros = (uint32_t)MIN(micros, UINT32_MAX)};
	}
}

static void read_clock(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);
	unsigned hour, minute;
	int used = 0;

	if (!text)
		return;
	if (sscanf(text, "%2u:%2u%n", &hour, &minute, &used) != 2 || text[used] || hour > 23 || minute > 59)
		schema_error(r, node->line, "%s: \"%.40s\" is not a time of day (such as \"22:00\")", f->key, text);
	else
		*(uint32_t *)dst = hour * 60 + minute;
}

static const struct field night_fields[] = {
	{"from", read_clock, AT(struct toll_rules, night_from), .is_required = true},
	{"to", read_clock, AT(struct toll_rules, night_to), .is_required = true},
	{"calls_per_hour", schema_u32, AT(struct toll_rules, night_calls_per_hour), .min = 0, .max = TOLL_HOUR_CALLS},
	{0},
};

static const struct field toll_fields[] = {
	{"allow", read_allow, AT(struct config_toll, rules)},
	{"deny", read_deny, AT(struct config_toll, rules)},
	{"internal_digits", schema_u32, AT(struct config_toll, rules.internal_digits), .min = 0, .max = 10},
	{"calls_at_once", schema_u32, AT(struct config_toll, rules.calls_at_once), .min = 0, .max = 100000},
	{"calls_per_hour", schema_u32, AT(struct config_toll, rules.calls_per_hour), .min = 0, .max = TOLL_HOUR_CALLS},
	{"minutes_per_day", schema_u32, AT(struct config_toll, rules.minutes_per_day), .min = 0, .max = 10000000},
	{"call_minutes", schema_u32, AT(struct config_toll, rules.call_minutes), .min = 0, .max = 1440},
	{"cost_per_day", read_cost, AT(struct config_toll, rules.micros_per_day)},
	{"night", schema_map, AT(struct config_toll, rules), .fields = night_fields},
	{"prices", read_prices, AT(struct config_toll, rules)},
	{"state", schema_str, AT(struct config_toll, state_path)},
	{0},
};

void config_read_toll(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	schema_map(r, &(struct field){.key = f->key, .fields = toll_fields}, node, dst);
}

void config_toll_defaults(struct config_toll *toll)
{
	*toll = (struct config_toll){.rules = {.internal_digits = 5, .calls_at_once = 50, .calls_per_hour = 120,
					     .minutes_per_day = 1200, .call_minutes = 240}};
}

void config_check_toll(struct schema_reader *r, const struct config_toll *toll)
{
	if (toll->rules.micros_per_day && !toll->rules.price_count)
		schema_error(r, 1, "toll: cost_per_day needs prices: what does a minute cost? (prices: { other: 0.02 })");
}
