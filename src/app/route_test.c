/* SPDX-License-Identifier: Apache-2.0 */
#include "app/route_test.h"
#include "line/number.h"

/* ---- the request ------------------------------------------------------------------------------------------------------- */

static bool take_number(const char **p, unsigned digits, int *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < digits; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*ret = *ret * 10 + (**p - '0');
	}

	return true;
}

/* "Z", "+01:00", "-0430", or nothing: in the zone. */
static bool take_offset(const char *p, bool *ret_has, int32_t *ret_s)
{
	int h, m, sign = *p == '-' ? -1 : 1;

	*ret_has = *p != 0;
	*ret_s = 0;
	if (!*p || !strcmp(p, "Z"))
		return true;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!take_number(&p, 2, &h))
		return false;
	p += *p == ':';
	if (!take_number(&p, 2, &m) || *p || h > 14 || m > 59)
		return false;
	*ret_s = sign * (h * 3600 + m * 60);

	return true;
}

static bool parse_at(const char *text, const struct tz *tz, int64_t *ret)
{
	struct tz_time t = {0};
	const char *p = text;
	int32_t offset;
	bool has_offset;

	if (!take_number(&p, 4, &t.year) || *p++ != '-' || !take_number(&p, 2, &t.month) || *p++ != '-' || !take_number(&p, 2, &t.day) ||
		(*p != 'T' && *p != ' ') || !take_number((p++, &p), 2, &t.hour) || *p++ != ':' || !take_number(&p, 2, &t.minute))
		return false;
	if (*p == ':' && !take_number((p++, &p), 2, &t.second))
		return false;
	if (!take_offset(p, &has_offset, &offset) || t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.hour > 23 ||
		t.minute > 59 || t.second > 59 || t.year < 1970)
		return false;
	*ret = has_offset ? tz_unix(NULL, &t) - offset : tz_unix(tz, &t);

	return true;
}

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The zone that times without an offset are in: that of the first calendar. */
static const struct calendar *home_of(const struct config *c)
{
	static const struct calendar utc = {.name = "UTC"};

	return c->calendar_count ? &c->calendars[0] : &utc;
}

static json_t *words_of_time(const struct calendar *c, int64_t unix_s)
{
	struct tz_time t;
	char text[60];

	tz_local(c->tz, unix_s, &t);

	int32_t off = t.offset_s < 0 ? -t.offset_s : t.offset_s;

	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second,
		t.offset_s < 0 ? '-' : '+', off / 3600, off / 60 % 60);

	return json_string(text);
}

/* ---- routes -------------------------------------------------------------------------------------------------------------- */

struct asked_calls {
	const struct route_test_world *world;
	json_t *calls;
};

static uint32_t calls_of(void *ctx, const char *agent)
{
	const struct asked_calls *a = ctx;
	json_t *n = json_object_get(a->calls, agent);

	if (json_is_integer(n))
		return (uint32_t)CLAMP(json_integer_value(n), 0, UINT32_MAX);

	return a->world->calls_of ? a->world->calls_of(a->world->ctx, agent) : 0;
}

static json_t *each_route(const struct config *c, const struct route_request *rq, const struct route_config *taken)
{
	json_t *list = json_array();
	bool is_behind = false;

	for (size_t i = 0; i < c->route_count; i++) {
		const struct route_config *r = &c->routes[i];
		char why[ROUTE_WHY_TEXT];
		bool fits = route_fits(r, rq, why, sizeof(why));
		json_t *o = json_pack("{s:i, s:s?, s:b, s:b, s:s}", "file_line", r->file_line, "agent", r->agent, "fits", fits, "reached",
			!is_behind, "why", why);

		if (o && r->reject)
			json_object_set_new(o, "reject", json_integer(r->reject));
		if (o)
			json_array_append_new(list, o);
		is_behind |= r == taken;
	}

	return list;
}

static json_t *test_in(const struct route_test_world *w, json_t *request, int64_t at, size_t line)
{
	const struct config *c = w->config;
	const struct line_config *l = &c->lines[line];
	struct asked_calls asked = {.world = w, .calls = json_object_get(request, "calls")};
	char to[NUMBER_TEXT], from[NUMBER_TEXT], why[300];
	struct route_request rq = {.line = l->name, .to = text_of(request, "to"), .from = text_of(request, "from"), .to_e164 = to,
		.from_e164 = from, .language = text_of(request, "language"), .now_unix_s = at, .calls_of = calls_of, .ctx = &asked};

	number_normalise(&l->numbers, rq.to, to);
	number_normalise(&l->numbers, rq.from, from);

	const struct route_config *r = route_decide(c->routes, c->route_count, &rq, why, sizeof(why));
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s?, s:s, s:o}", "line", l->name, "to", rq.to, "to_number", to, "from",
		rq.from, "from_number", from, "at", words_of_time(home_of(c), at), "agent", r ? r->agent : NULL, "why", why, "routes",
		each_route(c, &rq, r));

	if (o && r && r->reject)
		json_object_set_new(o, "reject", json_integer(r->reject));
	if (o && !r)
		json_object_set_new(o, "reject", json_integer(404));

	return o;
}

static json_t *test_out(const struct route_test_world *w, json_t *request, int64_t at, size_t line)
{
	const struct config *c = w->config;
	const char *agent = text_of(request, "agent");
	char to[NUMBER_TEXT], why[300];
	struct outbound_request rq = {.to = text_of(request, "to"), .to_e164 = to,
		.agent = agent[0] || !c->agent_count ? agent : c->agents[0].name, .now_unix_s = at};
	json_t *list = json_array(), *lines = json_array();

	number_normalise(&c->lines[line].numbers, rq.to, to);

	const struct outbound_config *taken = outbound_decide(c->outbound, c->outbound_count, &rq, why, sizeof(why));

	for (size_t i = 0; i < c->outbound_count; i++) {
		char each[ROUTE_WHY_TEXT];
		bool fits = outbound_fits(&c->outbound[i], &rq, each, sizeof(each));

		json_array_append_new(list, json_pack("{s:i, s:b, s:s}", "file_line", c->outbound[i].file_line, "fits", fits, "why", each));
	}
	for (const char *const *l = taken ? taken->lines : NULL; l && *l; l++)
		json_array_append_new(lines, json_string(*l));

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o}", "to", rq.to, "to_number", to, "at", words_of_time(home_of(c), at), "lines", lines,
		"why", why, "routes", list);
}

json_t *route_test(const struct route_test_world *w, json_t *request, char *ret_why, size_t cap)
{
	const char *line = text_of(request, "line"), *at = text_of(request, "at");
	int index = line[0] ? config_line_find(w->config, line) : w->config->line_count ? 0 : -1;
	int64_t unix_s = w->now_unix_s;
	json_t *answer;

	snprintf(ret_why, cap, "%s", "");
	if (!text_of(request, "to")[0])
		snprintf(ret_why, cap, "\"to\" is missing: the called number");
	else if (index < 0)
		snprintf(ret_why, cap, line[0] ? "there is no line %s" : "no lines are configured%s", line);
	else if (at[0] && !parse_at(at, home_of(w->config)->tz, &unix_s))
		snprintf(ret_why, cap, "at: \"%.40s\" is not a time such as 2026-12-24T17:30 or 2026-12-24T17:30+01:00", at);
	if (ret_why[0])
		return NULL;
	answer = strcmp(text_of(request, "direction"), "out") == 0 ? test_out(w, request, unix_s, (size_t)index) :
								    test_in(w, request, unix_s, (size_t)index);
	if (!answer)
		snprintf(ret_why, cap, "the numbers are not valid UTF-8");

	return answer;
}
