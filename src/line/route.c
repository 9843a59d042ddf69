/* SPDX-License-Identifier: Apache-2.0 */
#include "line/route.h"
#include "line/number.h"

/* A text that grows and is cut at its end. */
struct text {
	char *p;
	size_t cap, n;
};

static void add(struct text *t, const char *fmt, ...) printf_like(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->n + 1 >= t->cap)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->n = MIN(t->n + (size_t)n, t->cap - 1);
}

/* "any", "a", "a, b, ..." */
static void add_list(struct text *t, const char *const *list)
{
	if (!list)
		add(t, "any");
	for (size_t i = 0; list && list[i]; i++) {
		if (i == 4) {
			add(t, ", ...");
			return;
		}
		add(t, "%s%s", i ? ", " : "", list[i]);
	}
}

static bool has_name(const char *const *list, const char *name)
{
	if (!list)
		return true;
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;

	return false;
}

/* A pattern may be meant for the number as it came or as E.164. */
static const char *which_fits(const char *const *patterns, const char *raw, const char *e164)
{
	for (; *patterns; patterns++)
		if (number_fits(*patterns, raw) || (e164 && number_fits(*patterns, e164)))
			return *patterns;

	return NULL;
}

/* "de" has "de" and "de-AT", not "den". */
static bool language_fits(const char *wanted, const char *has)
{
	size_t n = strlen(wanted);

	return has && strncasecmp(wanted, has, n) == 0 && (!has[n] || has[n] == '-');
}

/* ---- conditions, one after the other; each says why not ------------------------------------------------------------------ */

static bool when_fits(const struct route_when *w, int64_t now, struct text *t)
{
	const struct calendar *calendars[] = {w->during, w->outside, w->holiday};
	static const char *const words[] = {"during", "outside", "on a holiday of"};

	for (size_t i = 0; i < ARRAY_LEN(calendars); i++) {
		struct calendar_state s;
		char at[100];

		if (!calendars[i])
			continue;
		calendar_at(calendars[i], now, &s);
		if (i == 0 ? s.is_open : i == 1 ? !s.is_open : s.holiday != NULL)
			continue;
		calendar_words(calendars[i], &s, at, sizeof(at));
		add(t, "wants a time %s %s (%s)", words[i], calendars[i]->name, at);
		return false;
	}

	return true;
}

static void add_when(struct text *t, const struct route_when *w, int64_t now)
{
	const struct calendar *c = w->during ? w->during : w->outside ? w->outside : w->holiday;
	struct calendar_state s;
	char at[100];

	if (!c)
		return;
	calendar_at(c, now, &s);
	calendar_words(c, &s, at, sizeof(at));
	add(t, ", %s %s (%s)", w->during ? "during" : w->outside ? "outside" : "on a holiday of", c->name, at);
}

static void add_number(struct text *t, const char *raw, const char *e164)
{
	add(t, "%s", raw[0] ? raw : "none");
	if (e164 && strcmp(raw, e164) != 0)
		add(t, " (%s)", e164);
}

enum condition { BY_LINE, BY_TO, BY_FROM, BY_LANGUAGE, BY_TIME, BY_LOAD, BY_ALL };

/* The first condition that does not hold, or BY_ALL. */
static enum condition check(const struct route_config *r, const struct route_request *rq, struct text *t)
{
	uint32_t calls = r->max_calls && r->agent && rq->calls_of ? rq->calls_of(rq->ctx, r->agent) : 0;

	if (!has_name(r->lines, rq->line)) {
		add(t, "wants line ");
		add_list(t, r->lines);
		add(t, ", this came on %s", rq->line);
		return BY_LINE;
	}
	if (r->to && !which_fits(r->to, rq->to, rq->to_e164)) {
		add(t, "wants the called number ");
		add_list(t, r->to);
		add(t, ", this was ");
		add_number(t, rq->to, rq->to_e164);
		return BY_TO;
	}
	if (r->from && !which_fits(r->from, rq->from, rq->from_e164)) {
		add(t, "wants a caller ");
		add_list(t, r->from);
		add(t, ", this was ");
		add_number(t, rq->from, rq->from_e164);
		return BY_FROM;
	}
	if (r->language && !language_fits(r->language, rq->language)) {
		add(t, "wants the language %s, the caller's is %s", r->language, rq->language && rq->language[0] ? rq->language : "not known");
		return BY_LANGUAGE;
	}
	if (!when_fits(&r->when, rq->now_unix_s, t))
		return BY_TIME;
	if (r->max_calls && calls >= r->max_calls) {
		add(t, "takes up to %u calls of agent %s, it has %u", r->max_calls, r->agent, calls);
		return BY_LOAD;
	}

	return BY_ALL;
}

static void describe(const struct route_config *r, const struct route_request *rq, struct text *t)
{
	add(t, "line ");
	add_list(t, r->lines);
	add(t, ", to ");
	add_list(t, r->to);
	add(t, ", from ");
	add_list(t, r->from);
	if (r->language)
		add(t, ", language %s", r->language);
	add_when(t, &r->when, rq->now_unix_s);
	if (r->max_calls)
		add(t, ", fewer than %u calls", r->max_calls);
}

bool route_fits(const struct route_config *r, const struct route_request *rq, char *ret_why, size_t cap)
{
	struct text t = {.p = ret_why, .cap = cap};
	bool fits;

	ret_why[0] = 0;
	fits = check(r, rq, &t) == BY_ALL;
	if (fits)
		describe(r, rq, &t);

	return fits;
}

const struct route_config *route_decide(const struct route_config *routes, size_t n, const struct route_request *rq, char *ret_why,
	size_t cap)
{
	int nearest = -1;

	snprintf(ret_why, cap, "no routes are configured: add one under \"routes\"");
	for (size_t i = 0; i < n; i++) {
		const struct route_config *r = &routes[i];
		char why[ROUTE_WHY_TEXT];
		struct text t = {.p = why, .cap = sizeof(why)};
		enum condition failed = check(r, rq, &t);

		if (failed == BY_ALL) {
			describe(r, rq, &t);
			snprintf(ret_why, cap, "route in line %d of the file: %s", r->file_line, why);
			return r;
		}
		if ((int)failed <= nearest)
			continue;
		nearest = (int)failed;
		if (failed == BY_LINE)
			snprintf(ret_why, cap, "the call came on line %s, no route names it", rq->line);
		else
			snprintf(ret_why, cap, "route in line %d of the file %s", r->file_line, why);
	}

	return NULL;
}

/* ---- out --------------------------------------------------------------------------------------------------------------- */

bool outbound_fits(const struct outbound_config *o, const struct outbound_request *rq, char *ret_why, size_t cap)
{
	struct text t = {.p = ret_why, .cap = cap};

	ret_why[0] = 0;
	if (!has_name(o->agents, rq->agent)) {
		add(&t, "wants a call of agent ");
		add_list(&t, o->agents);
		add(&t, ", this is %s's", rq->agent);
		return false;
	}
	if (o->to && !which_fits(o->to, rq->to, rq->to_e164)) {
		add(&t, "wants the number ");
		add_list(&t, o->to);
		add(&t, ", this is ");
		add_number(&t, rq->to, rq->to_e164);
		return false;
	}
	if (!when_fits(&o->when, rq->now_unix_s, &t))
		return false;
	add(&t, "to ");
	add_list(&t, o->to);
	add_when(&t, &o->when, rq->now_unix_s);
	add(&t, ": %s ", o->is_least_load ? "the least loaded of" : "the first usable of");
	add_list(&t, o->lines);

	return true;
}

const struct outbound_config *outbound_decide(const struct outbound_config *list, size_t n, const struct outbound_request *rq,
	char *ret_why, size_t cap)
{
	char why[ROUTE_WHY_TEXT];

	for (size_t i = 0; i < n; i++)
		if (outbound_fits(&list[i], rq, why, sizeof(why))) {
			snprintf(ret_why, cap, "outbound rule in line %d of the file: %s", list[i].file_line, why);
			return &list[i];
		}
	snprintf(ret_why, cap, "no outbound rule fits %s", rq->to);

	return NULL;
}

void outbound_number(const struct outbound_config *o, const char *number, char *ret)
{
	size_t n = strlen(number);

	if (buf_format(ret, NUMBER_TEXT, "%s%s", o->prefix ? o->prefix : "", number + MIN(o->strip, n)) != 0)
		buf_copy(ret, NUMBER_TEXT, number);
}
