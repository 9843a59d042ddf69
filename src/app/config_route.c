/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* Calendars, routes and outbound rules of a configuration. */

/* ---- calendars ------------------------------------------------------------------------------------------------------- */

/* "08:00-12:00, 13:00-17:30" of the days that the key names. */
static void read_slots(struct schema_reader *r, const struct yaml_node *node, struct calendar *c, size_t most)
{
	const char *text = schema_text(r, node, node->key);
	uint8_t days;

	if (!calendar_parse_days(span_z(node->key), &days)) {
		schema_error(r, node->key_line, "hours: \"%.40s\" is not a day, days or a range of days (mon, sat,sun, mon-fri, daily)",
			node->key);
		return;
	}
	for (struct span rest = span_z(text ? text : NULL), one; rest.p;) {
		struct calendar_slot slot = {.days = days};

		one = span_trim(span_cut(&rest, ','));
		if (!calendar_parse_slot(one, &slot))
			schema_error(r, node->line, "hours: \"%.*s\" is not FROM-TO (such as 08:00-12:30)", (int)MIN(one.n, (size_t)40), one.p);
		else if (c->slot_count < most)
			c->slots[c->slot_count++] = slot;
	}
}

static void read_hours(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct calendar *c = (struct calendar *)(void *)((char *)dst - AT(struct calendar, slots));
	size_t most = 0;

	if (node->kind != YAML_MAP) {
		schema_error(r, node->line, "hours: days and hours are wanted here (hours: { mon-fri: \"08:00-17:00\" })");
		return;
	}
	for (const struct yaml_node *n = node->first; n; n = n->next)
		for (const char *p = n->kind == YAML_SCALAR ? n->text : ""; p; p = strchr(p, ','), p += p != NULL)
			most++;
	most = MIN(most, (size_t)LIMIT_ROUTE_LIST);
	c->slots = arena_alloc(r->arena, (most + 1) * sizeof(*c->slots));
	for (const struct yaml_node *n = node->first; n; n = n->next)
		read_slots(r, n, c, most);
}

static void read_holidays(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct calendar *c = (struct calendar *)(void *)((char *)dst - AT(struct calendar, holidays));
	const char *const *texts = NULL;
	size_t n = 0;

	config_read_texts(r, f, node, &texts);
	while (texts && texts[n])
		n++;
	c->holidays = arena_alloc(r->arena, (n + 1) * sizeof(*c->holidays));
	for (size_t i = 0; i < n; i++) {
		struct calendar_holiday *h = &c->holidays[c->holiday_count];

		if (calendar_parse_holiday(span_z(texts[i]), h)) {
			h->text = texts[i];
			c->holiday_count++;
		} else {
			schema_error(r, node->line, "holidays: \"%.40s\" is not a date (2026-12-24), a day of each year (12-25) or easter+N",
				texts[i]);
		}
	}
}

static void load_zone(struct schema_reader *r, struct calendar *c)
{
	const char *dir = getenv("TZDIR");
	char path[300];
	FILE *f;

	if (!c->zone || !strcmp(c->zone, "UTC"))
		return;
	if (!tz_name_is_safe(c->zone) || buf_format(path, sizeof(path), "%s/%s", dir ? dir : "/usr/share/zoneinfo", c->zone) != 0) {
		schema_error(r, c->file_line, "calendars: zone \"%.60s\" is not a name such as Europe/Berlin", c->zone);
		return;
	}
	f = fopen(path, "re");

	auto_free char *text = mem_zalloc(LIMIT_TZ_BYTES);
	size_t n = f ? fread(text, 1, LIMIT_TZ_BYTES, f) : 0;

	if (f)
		fclose(f);
	if (!f || tz_parse(&c->tz, span(text, n)) != 0)
		schema_error(r, c->file_line, "calendars: zone \"%.60s\" is not in %s: names are as in Europe/Berlin (package tzdata)", c->zone,
			dir ? dir : "/usr/share/zoneinfo");
}

static const struct field calendar_fields[] = {
	{"name", schema_str, AT(struct calendar, name), .is_required = true},
	{"zone", schema_str, AT(struct calendar, zone)},
	{"hours", read_hours, AT(struct calendar, slots)},
	{"holidays", read_holidays, AT(struct calendar, holidays)},
	{0},
};

static struct calendar *find_calendar(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->calendar_count; i++)
		if (c->calendars[i].name && !strcmp(c->calendars[i].name, name))
			return &c->calendars[i];

	return NULL;
}

void config_read_calendars(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->calendars = arena_alloc(r->arena, (config_count(node) + 1) * sizeof(*c->calendars));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct calendar fresh = {.file_line = n->line};

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "calendars: each entry has keys (- name: ...)");
			continue;
		}
		schema_read(r, calendar_fields, n, &fresh);
		if (fresh.name && find_calendar(c, fresh.name))
			schema_error(r, n->line, "calendar %s: a second calendar of this name", fresh.name);
		load_zone(r, &fresh);
		c->calendars[c->calendar_count++] = fresh;
	}
}

/* ---- routes ---------------------------------------------------------------------------------------------------------- */

static void read_reject(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	uint32_t status = 0;

	schema_u32(r, f, node, &status);
	*(int *)dst = (int)status;
}

static const struct field route_fields[] = {
	{"line", config_read_texts, AT(struct route_config, lines)},
	{"to", config_read_patterns, AT(struct route_config, to)},
	{"dids", config_read_patterns, AT(struct route_config, to)},
	{"from", config_read_patterns, AT(struct route_config, from)},
	{"language", schema_str, AT(struct route_config, language)},
	{"during", schema_str, AT(struct route_config, when.during_name)},
	{"outside", schema_str, AT(struct route_config, when.outside_name)},
	{"holiday", schema_str, AT(struct route_config, when.holiday_name)},
	{"max_calls", schema_u32, AT(struct route_config, max_calls), .min = 1, .max = 100000},
	{"agent", schema_str, AT(struct route_config, agent)},
	{"reject", read_reject, AT(struct route_config, reject), .min = 400, .max = 699},
	{0},
};

void config_read_routes(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->routes = arena_alloc(r->arena, config_count(node) * sizeof(*c->routes));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct route_config *route = &c->routes[c->route_count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "routes: each entry has keys (- { line: ..., agent: ... })");
			continue;
		}
		route->file_line = n->line;
		schema_read(r, route_fields, n, route);
		if (!route->agent && !route->reject)
			schema_error(r, n->line, "\"agent\" is missing (or reject: a SIP status such as 486)");
		if (route->agent && route->reject)
			schema_error(r, n->line, "routes: \"agent\" and \"reject\" in one route: which of them?");
		c->route_count++;
	}
}

/* ---- outbound ---------------------------------------------------------------------------------------------------------- */

static void read_choose(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	int index = 0;

	schema_enum(r, f, node, &index);
	*(bool *)dst = index == 1;
}

static const char *const choose_names[] = {"order", "load", NULL};

static const struct field outbound_fields[] = {
	{"to", config_read_patterns, AT(struct outbound_config, to)},
	{"agent", config_read_texts, AT(struct outbound_config, agents)},
	{"during", schema_str, AT(struct outbound_config, when.during_name)},
	{"outside", schema_str, AT(struct outbound_config, when.outside_name)},
	{"holiday", schema_str, AT(struct outbound_config, when.holiday_name)},
	{"line", config_read_texts, AT(struct outbound_config, lines), .is_required = true},
	{"choose", read_choose, AT(struct outbound_config, is_least_load), .choices = choose_names},
	{"strip", schema_u32, AT(struct outbound_config, strip), .min = 0, .max = 32},
	{"prefix", schema_str, AT(struct outbound_config, prefix)},
	{"caller_id", schema_str, AT(struct outbound_config, caller_id)},
	{0},
};

void config_read_outbound(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->outbound = arena_alloc(r->arena, config_count(node) * sizeof(*c->outbound));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "outbound: each entry has keys (- { to: \"+49*\", line: ... })");
			continue;
		}
		c->outbound[c->outbound_count].file_line = n->line;
		schema_read(r, outbound_fields, n, &c->outbound[c->outbound_count]);
		c->outbound_count++;
	}
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static const struct calendar *look_up(struct schema_reader *r, const struct config *c, const char *name, int line)
{
	const struct calendar *found = name ? find_calendar(c, name) : NULL;

	if (name && !found)
		schema_error(r, line, "there is no calendar \"%.60s\"", name);

	return found;
}

static void check_when(struct schema_reader *r, const struct config *c, struct route_when *w, int line)
{
	w->during = look_up(r, c, w->during_name, line);
	w->outside = look_up(r, c, w->outside_name, line);
	w->holiday = look_up(r, c, w->holiday_name, line);
}

static void check_lines(struct schema_reader *r, const struct config *c, const char *const *names, int line, const char *what)
{
	for (; names && *names; names++)
		if (config_line_find(c, *names) < 0)
			schema_error(r, line, "%s: there is no line \"%.60s\"", what, *names);
}

static bool is_catch_all(const struct route_config *a)
{
	return !a->to && !a->from && !a->language && !a->max_calls && !a->when.during && !a->when.outside && !a->when.holiday;
}

/* A route behind one that takes everything of its line, or of all lines, is never reached. */
static void warn_unreachable(struct schema_reader *r, struct config *c)
{
	for (size_t i = 1; i < c->route_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct route_config *before = &c->routes[k], *route = &c->routes[i];
			bool is_same_line = !before->lines ||
				(route->lines && !route->lines[1] && !before->lines[1] && !strcmp(route->lines[0], before->lines[0]));

			if (!is_catch_all(before) || !is_same_line)
				continue;
			config_warn(r, c, route->file_line, "this route is never reached: the one in line %d takes every call before it",
				before->file_line);
			break;
		}
}

void config_check_routes(struct schema_reader *r, struct config *c)
{
	for (size_t i = 0; i < c->route_count; i++) {
		struct route_config *route = &c->routes[i];

		check_lines(r, c, route->lines, route->file_line, "routes");
		if (route->agent && !config_agent_find(c, route->agent))
			schema_error(r, route->file_line, "routes: there is no agent \"%.60s\"", route->agent);
		check_when(r, c, &route->when, route->file_line);
	}
	for (size_t i = 0; i < c->outbound_count; i++) {
		struct outbound_config *o = &c->outbound[i];

		check_lines(r, c, o->lines, o->file_line, "outbound");
		for (const char *const *a = o->agents; a && *a; a++)
			if (!config_agent_find(c, *a))
				schema_error(r, o->file_line, "outbound: there is no agent \"%.60s\"", *a);
		check_when(r, c, &o->when, o->file_line);
	}
	if (!r->errors->count)
		warn_unreachable(r, c);
}
