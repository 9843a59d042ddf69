/* SPDX-License-Identifier: Apache-2.0 */
#include "api/event.h"
#include "api/json.h"

/* calls_hooks.changed's words and our types. */
static const struct {
	const char *what, *type;
} kinds[] = {
	{"ringing", "call.ringing"},	   {"up", "call.answered"},	    {"transferring", "call.transferring"},
	{"closed", "call.ended"},	   {"hold", "call.held"},	    {"bridged", "call.bridged"},
	{"queued", "call.queued"},	   {"conference", "call.conference"}, {"parked", "call.parked"},	   {"recording", "call.recording"},   {"collected", "call.collected"}, {"sensitive", "call.sensitive"},
	{"transfer", "call.transfer"},	   {"supervision", "call.supervised"}, {"who", "call.answered_by"},
	{"said", "transcript"},		   {"turn", "turn"},		    {"interrupt", "interruption"},
	{"quality", "media.quality"},	   {"media", "media.changed"},	    {"trouble", "media.finding"},
};
static const char *const line_types[] = {"line.registered", "line.failed", "line.changed"};

bool event_matches(const char *pattern, const char *type)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return strncmp(pattern, type, n - 1) == 0;

	return strcmp(pattern, type) == 0;
}

bool event_is_known(const char *pattern)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (event_matches(pattern, kinds[i].type))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(line_types); i++)
		if (event_matches(pattern, line_types[i]))
			return true;

	return false;
}

static bool finish(const char *type, int64_t wall_ms, json_t *data, struct event *ret)
{
	char when[CLOCK_TEXT];

	if (!data)
		return false;

	json_t *doc = json_pack("{s:s, s:s, s:i, s:o}", "type", type, "timestamp", clock_text(wall_ms, when),
		"version", 1, "data", data);

	ret->text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	buf_copy(ret->type, sizeof(ret->type), type);
	json_decref(doc);

	return ret->text;
}

static const struct call_trouble *newest_trouble(const struct call_record *r)
{
	const struct call_trouble *newest = r->troubles;

	for (uint32_t i = 1; i < r->trouble_count; i++)
		if (!r->troubles[i].is_over && r->troubles[i].until >= newest->until)
			newest = &r->troubles[i];

	return newest;
}

/* What the news is about, beside the call's summary. */
static void add_news(json_t *data, const struct call_record *r, const char *what)
{
	if (!strcmp(what, "said") && r->line_count)
		json_object_set_new(data, "said", json_call_line(&r->lines[r->line_count - 1]));
	else if (!strcmp(what, "turn") && r->turn_count)
		json_object_set_new(data, "turn", json_call_turn(r, &r->turns[r->turn_count - 1]));
	else if (!strcmp(what, "interrupt") && r->interrupt_count)
		json_object_set_new(data, "interruption", json_call_interrupt(r, &r->interrupts[r->interrupt_count - 1]));
	else if (!strcmp(what, "trouble") && r->trouble_count)
		json_object_set_new(data, "finding", json_call_trouble(newest_trouble(r)));
	else if (!strcmp(what, "quality"))
		json_object_set_new(data, "quality", json_call_quality(r));
	else if (!strcmp(what, "collected"))
		json_object_set_new(data, "collected", json_call_collected(r));
	else if (!strcmp(what, "who"))
		json_object_set_new(data, "answered_by", json_call_who(r));
}

static json_t *data_of(const struct call_record *r, const char *what, json_t *whole)
{
	if (!strcmp(what, "closed"))
		return whole ? json_incref(whole) : json_call_full(r);

	json_t *data = json_call_summary(r);

	add_news(data, r, what);

	return data;
}

bool event_of_call(const struct call_record *r, const char *what, json_t *whole, int64_t wall_ms, struct event *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].what, what))
			return finish(kinds[i].type, wall_ms, data_of(r, what, whole), ret);

	return false;
}

bool event_of_line(const struct line_status *s, int64_t wall_ms, struct event *ret)
{
	const char *type = s->state == LINE_REGISTERED ? line_types[0] : s->state == LINE_FAILED ? line_types[1] : line_types[2];
	json_t *data = json_pack("{s:s, s:s, s:s?, s:i, s:s}", "line", s->config->name, "state", line_state_name(s->state), "server",
		s->config->server, "sip_status", s->sip_status, "detail", s->text);

	return finish(type, wall_ms, data, ret);
}
