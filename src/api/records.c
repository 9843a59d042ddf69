/* SPDX-License-Identifier: Apache-2.0 */
#include "api/records.h"
#include "api/problem.h"
#include <time.h>

#define PATH "/v1/records"

/* ---- what is asked ----------------------------------------------------------------------------------------------------- */

/* Milliseconds since 1970, a day, or a moment (UTC). */
static bool read_time(const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {0};
		const char *rest = strptime(text, forms[i], &tm);

		if (rest && !*rest) {
			*ret_ms = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	errno = 0;
	*ret_ms = strtoll(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && !*end && !errno;
}

static bool read_number(const char *text, int64_t most, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);

	return text[0] && !*end && !errno && *ret >= 1 && *ret <= most;
}

/* One parameter into q; NULL, or what is wrong with it. value lives as long as q. */
static const char *read_one(struct store_query *q, const char *key, const char *value)
{
	int64_t n = 0;

	if (!strcmp(key, "from"))
		return read_time(value, &q->from_ms) ? NULL : "from is 2026-11-25, 2026-11-25T14:30:00 or milliseconds since 1970";
	if (!strcmp(key, "to"))
		return read_time(value, &q->to_ms) ? NULL : "to is 2026-11-25, 2026-11-25T14:30:00 or milliseconds since 1970";
	if (!strcmp(key, "before"))
		return read_number(value, INT64_MAX, &q->before_seq) ? NULL : "before is what the page before said";
	if (!strcmp(key, "limit")) {
		if (!read_number(value, 10000, &n))
			return "limit is a whole number from 1 to 10000";
		q->limit = (uint32_t)n;
		return NULL;
	}
	if (!strcmp(key, "direction")) {
		q->direction = value;
		return !strcmp(value, "inbound") || !strcmp(value, "outbound") ? NULL : "direction is inbound or outbound";
	}
	if (!strcmp(key, "line"))
		q->line = value;
	else if (!strcmp(key, "agent"))
		q->agent = value;
	else if (!strcmp(key, "number"))
		q->number = value;
	else
		return "known are from, to, line, agent, number, direction, limit and before";

	return NULL;
}

/* Cuts text into q. NULL, or what is wrong. */
static const char *read_query(char *text, struct store_query *q)
{
	char *rest = text, *one;

	while ((one = strsep(&rest, "&"))) {
		char *value = strchr(one, '=');
		const char *wrong;

		if (!*one)
			continue;
		if (!value)
			return "parameters are written key=value";
		*value++ = 0;
		wrong = read_one(q, one, value);
		if (wrong)
			return wrong;
	}

	return NULL;
}

/* ---- what is answered --------------------------------------------------------------------------------------------------- */

struct page {
	json_t *list;
	int64_t last;
};

/* A list is for finding: what was said and measured is in the record itself. */
static bool add_record(void *ctx, int64_t seq, const char *doc)
{
	static const char *const heavy[] = {"transcript", "turns", "interruptions", "findings", "answered_by"};
	struct page *p = ctx;
	json_t *o = json_loads(doc, 0, NULL);

	for (size_t i = 0; o && i < ARRAY_LEN(heavy); i++)
		json_object_del(o, heavy[i]);
	if (o)
		json_array_append_new(p->list, o);
	p->last = seq;

	return true;
}

static const char *const columns[] = {"id", "started_at_ms", "direction", "line", "agent", "from", "to", "state", "answered_after_ms",
	"duration_ms", "codec", "ended_by", "sip_status", "cause", "recording"};

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
static void write_cell(FILE *f, json_t *value)
{
	const char *s = json_string_value(value);

	if (json_is_integer(value)) {
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	}
	if (!s)
		return;
	fputc('"', f);
	if (*s && strchr("=+-@\t\r", *s) && !(*s == '+' && strspn(s + 1, "0123456789") == strlen(s + 1)))
		fputc('\'', f);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static bool add_row(void *ctx, int64_t seq, const char *doc)
{
	FILE *f = ctx;
	json_t *o = json_loads(doc, 0, NULL);

	for (size_t i = 0; o && i < ARRAY_LEN(columns); i++) {
		if (i)
			fputc(',', f);
		write_cell(f, json_object_get(o, columns[i]));
	}
	if (o)
		fputs("\r\n", f);
	json_decref(o);

	return true;
}

static char *say(json_t *doc)
{
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	json_decref(doc);

	return text;
}

/* No file yet is no fault: nothing was recorded. */
static char *refuse(int err, const char *why, int *ret_status)
{
	return say(problem(ret_status, err == -ENOENT ? 404 : 503, "%s", why));
}

static char *list_json(struct records_api *api, const struct store_query *q, int *ret_status)
{
	struct page p = {.list = json_array()};
	char why[300];
	int err = store_list(api->reader, q, add_record, &p, why, sizeof(why));

	if (err && err != -ENOENT) {
		json_decref(p.list);
		return refuse(err, why, ret_status);
	}

	bool is_full = json_array_size(p.list) == q->limit;

	return say(json_pack("{s:o, s:o}", "records", p.list, "before", is_full ? json_integer(p.last) : json_null()));
}

static char *list_csv(struct records_api *api, const struct store_query *q, int *ret_status, const char **ret_type)
{
	char why[300], *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		fprintf(f, "%s%s", i ? "," : "", columns[i]);
	fputs("\r\n", f);

	int err = store_list(api->reader, q, add_row, f, why, sizeof(why));

	fclose(f);
	if (err && err != -ENOENT) {
		free(text);
		return refuse(err, why, ret_status);
	}
	*ret_type = "text/csv; charset=utf-8";

	return text;
}

static char *list(struct records_api *api, const struct control_request *rq, bool is_csv, int *ret_status, const char **ret_type)
{
	struct store_query q = {.limit = is_csv ? 10000 : 100};
	const char *at = strchr(rq->path, '?');
	auto_free char *query = mem_strdup(at ? at + 1 : "");
	const char *wrong = read_query(query, &q);

	if (wrong)
		return say(problem(ret_status, 400, "%s", wrong));

	return is_csv ? list_csv(api, &q, ret_status, ret_type) : list_json(api, &q, ret_status);
}

static char *show(struct records_api *api, const char *id, int *ret_status)
{
	char why[300], *doc;
	int err = store_find(api->reader, id, &doc, why, sizeof(why));

	return err ? refuse(err, why, ret_status) : doc;
}

static char *forget(struct records_api *api, const char *id, int *ret_status)
{
	char why[300], *doc;
	int err = store_find(api->reader, id, &doc, why, sizeof(why));

	if (err)
		return refuse(err, why, ret_status);
	free(doc);
	if (!store_delete(api->store, id))
		return say(problem(ret_status, 503, "too many records wait for the disk; try again"));
	*ret_status = 202;

	return say(json_pack("{s:s}", "id", id));
}

char *records_handle(struct records_api *api, const struct control_request *rq, int *ret_status, const char **ret_type)
{
	const char *rest = rq->path + strlen(PATH);
	bool is_get = !strcmp(rq->method, "GET"), is_csv = !strncmp(rest, ".csv", 4) && (!rest[4] || rest[4] == '?');

	*ret_status = 200;
	*ret_type = NULL;
	if (!api->store)
		return say(problem(ret_status, 404, "no records are kept: records.enabled is no"));
	if (is_get && (!*rest || *rest == '?' || is_csv))
		return list(api, rq, is_csv, ret_status, ret_type);
	if (is_get && *rest == '/')
		return show(api, rest + 1, ret_status);
	if (!strcmp(rq->method, "DELETE") && *rest == '/' && rest[1])
		return forget(api, rest + 1, ret_status);

	return say(problem(ret_status, 405, "records are read with GET and forgotten with DELETE"));
}
