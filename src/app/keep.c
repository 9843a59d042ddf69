/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keep.h"

struct store *keep_open(const struct config_records *config)
{
	struct store_params params = {.path = config->file, .keep_days = config->keep_days};
	struct store *s = NULL;
	int err = config->is_off ? 0 : store_open(&s, &params);

	if (err)
		log_error("store.failed", LOG_ERR(err));

	return s;
}

bool keep_wants(const char *what)
{
	static const char *const too_often[] = {"quality", "media", "turn", "interrupt", "dtmf"};

	for (size_t i = 0; i < ARRAY_LEN(too_often); i++)
		if (!strcmp(what, too_often[i]))
			return false;

	return true;
}

/* Complete or not: what a killed process leaves is made whole at the next start. */
static void list_files(const struct call_record *r, char *ret, size_t cap)
{
	char path[sizeof(r->recording) + 16];
	size_t used = 0;

	for (uint32_t n = 1; n <= r->recordings; n++)
		if (call_record_path(r, n, path, sizeof(path)) == 0 &&
			buf_format(ret + used, cap - used, "%s%s", used ? "\n" : "", path) == 0)
			used += strlen(ret + used);
}

void keep_changed(struct store *s, const struct call_record *r, const char *what, const json_t *whole)
{
	bool is_over = !strcmp(what, "closed");
	char files[LIMIT_CALL_RECORDINGS * sizeof(r->recording)] = "";
	auto_free char *doc = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
	int64_t ended_ms = is_over && r->ended_at ? r->wall_ms + (r->ended_at - r->began_at) : 0;

	list_files(r, files, sizeof(files));
	store_put(s, &(struct store_call){.id = r->id, .is_over = is_over, .began_ms = r->wall_ms, .ended_ms = ended_ms,
			     .direction = r->is_outgoing ? "outbound" : "inbound", .line = r->line, .agent = r->agent, .from = r->from,
			     .to = r->to, .ended_by = r->ended_by ? call_end_name(r->ended_by) : "", .cause = r->cause,
			     .sip_status = r->sip_status, .recording = files, .doc = doc});
}
