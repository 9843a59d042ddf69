/* SPDX-License-Identifier: Apache-2.0 */
#include "call/record.h"

const char *call_state_name(enum call_state s)
{
	static const char *const names[CALL_STATE_COUNT] = {"new", "ringing", "up", "transferring", "ending", "ended"};

	return names[s];
}

const char *call_end_name(enum call_end e)
{
	static const char *const names[] = {"none", "caller", "agent", "us", "peer", "network", "transferred"};

	return names[e];
}

const char *call_recording_name(enum call_recording s)
{
	static const char *const names[] = {"off", "prompt", "on", "paused"};

	return names[s];
}

int call_record_path(const struct call_record *r, uint32_t n, char *ret, size_t cap)
{
	size_t stem = strlen(r->recording) - strlen(".wav");

	return n == 1 ? buf_format(ret, cap, "%s", r->recording) : buf_format(ret, cap, "%.*s-%u.wav", (int)stem, r->recording, n);
}

void call_record_done(struct call_record *r)
{
	for (uint32_t i = 0; i < r->line_count; i++)
		free(r->lines[i].text);
	free(r->lines);
	free(r->turns);
	free(r->interrupts);
	*r = (struct call_record){0};
}

/* Room for one more of item_bytes in a list that grows by doubling up to limit; NULL when there is none. */
static void *add_item(void **list, uint32_t *count, uint32_t *cap, size_t item_bytes)
{
	if (*count == *cap) {
		uint32_t more = *cap ? *cap * 2 : 8;
		void *grown = more <= LIMIT_CALL_LINES ? realloc(*list, more * item_bytes) : NULL;

		if (!grown)
			return NULL;
		*list = grown;
		*cap = more;
	}

	return (char *)*list + item_bytes * (*count)++;
}

bool call_record_say(struct call_record *r, const struct call_line *line)
{
	char *text = strdup(line->text);
	struct call_line *slot = text ? add_item((void **)&r->lines, &r->line_count, &r->line_cap, sizeof(*slot)) : NULL;

	if (!slot) {
		free(text);
		r->lines_dropped++;
		return false;
	}
	*slot = *line;
	slot->text = text;

	return true;
}

void call_record_turn(struct call_record *r, const struct agent_turn_metrics *turn)
{
	struct agent_turn_metrics *slot = add_item((void **)&r->turns, &r->turn_count, &r->turn_cap, sizeof(*slot));

	if (slot)
		*slot = *turn;
}

void call_record_interrupt(struct call_record *r, const struct agent_interrupt_metrics *m)
{
	struct agent_interrupt_metrics *slot =
		add_item((void **)&r->interrupts, &r->interrupt_count, &r->interrupt_cap, sizeof(*slot));

	if (slot)
		*slot = *m;
}

struct call_status_words call_status_words(int status)
{
	static const struct {
		int status;
		struct call_status_words words;
	} rows[] = {
		{300, {"the number points to several others", "dial one of them directly"}},
		{302, {"the number is forwarded elsewhere", "dial the address it names"}},
		{400, {"the other side could not read our request", "send its trace to the maintainers: one of the two is wrong"}},
		{401, {"the other side wants credentials that we do not have", "set password (and auth_id) of the line"}},
		{403, {"the other side does not allow this call", "check the extension's outbound permissions and the caller id"}},
		{404, {"the number does not exist there", "check the number and the PBX's dial plan"}},
		{406, {"the other side accepts nothing we offered", "check the codecs enabled on both sides"}},
		{407, {"the proxy wants credentials that we do not have", "set password (and auth_id) of the line"}},
		{408, {"nobody answered our signalling in time", "check address, port and firewall of the server"}},
		{410, {"the number is no longer in use", ""}},
		{415, {"the other side does not understand our media description", ""}},
		{420, {"the other side lacks an extension of SIP that was demanded", ""}},
		{480, {"the person is not reachable at the moment", ""}},
		{481, {"the other side does not know this call any more", "it restarted or lost the call"}},
		{482, {"the call went in a circle", "check forwardings and routes on the PBX"}},
		{483, {"the call passed too many servers", "check for a routing loop on the PBX"}},
		{484, {"the number is incomplete", "check the number and the prefix"}},
		{486, {"the line is busy", ""}},
		{487, {"the call was cancelled before it was answered", ""}},
		{488, {"no codec in common", "enable PCMU or PCMA on both sides"}},
		{491, {"both sides changed the call at the same moment", ""}},
		{500, {"the other side has an internal fault", "look at the PBX's log"}},
		{501, {"the other side does not know this kind of request", ""}},
		{502, {"a gateway on the way got a bad answer", "look at the PBX's trunk status"}},
		{503, {"the service is not available or is overloaded", "try again later; check the PBX's trunk or channel limits"}},
		{504, {"a server on the way did not answer", "look at the PBX's trunk status"}},
		{600, {"busy everywhere", ""}},
		{603, {"the call was declined", ""}},
		{604, {"the number does not exist anywhere", "check the number"}},
		{606, {"nothing we offered is acceptable there", "check the codecs enabled on both sides"}},
		{607, {"the called person does not want this call", "do not call again"}},
	};
	static const struct call_status_words by_class[] = {
		{"an unexpected answer", ""},
		{"the number is redirected", "dial the address it names"},
		{"the other side refused the request", "see the trace for its exact answer"},
		{"the other side failed", "look at the PBX's log"},
		{"the call is refused everywhere", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].words;

	return by_class[status >= 300 && status < 700 ? status / 100 - 2 : 0];
}

void call_record_end(struct call_record *r, enum call_end by, int status, const char *fmt, ...)
{
	va_list ap;

	if (r->ended_by != CALL_END_NONE)
		return;
	r->ended_by = by;
	r->sip_status = status;
	va_start(ap, fmt);
	vsnprintf(r->cause, sizeof(r->cause), fmt, ap);
	va_end(ap);
	if (status >= 300)
		buf_copy(r->remedy, sizeof(r->remedy), call_status_words(status).remedy);
}
