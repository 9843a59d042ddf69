/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "obs/pcap.h"

int cli_ask(struct cli *cli, const char *method, const char *path, const char *body, json_t **ret_doc)
{
	char why[300];
	json_t *doc;
	int status = client_ask(&cli->api, method, path, body, &doc, why, sizeof(why));

	if (status < 0) {
		fprintf(stderr, "tipring: %s\n", why);
		return CLI_UNREACHABLE;
	}
	if (status < 300 && doc) {
		*ret_doc = doc;
		return CLI_OK;
	}

	const char *detail = json_string_value(json_object_get(doc, "detail"));
	json_t *errors = json_object_get(doc, "errors"), *e;
	size_t i;

	json_array_foreach(errors, i, e)
		fprintf(stderr, "%s\n", json_string_value(e));
	fprintf(stderr, "tipring: %s\n", detail ? detail : "the daemon gave no readable answer");
	json_decref(doc);

	return status == 404 ? CLI_NOT_FOUND : CLI_FAILED;
}

int cli_print_json(json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(doc);

	return CLI_OK;
}

const char *cli_text_or(json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : otherwise;
}

int cli_calls(struct cli *cli)
{
	json_t *doc, *c;
	char path[60];
	size_t i;

	snprintf(path, sizeof(path), "/v1/calls?limit=%d", cli->limit ? cli->limit : 30);

	int code = cli_ask(cli, "GET", path, NULL, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);

	json_t *list = json_object_get(doc, "calls");

	if (json_array_size(list) == 0)
		printf("No calls yet.\n");
	else
		printf("%-16s %-12s %-4s %-18s %-18s %-12s %8s %5s  %s\n", "ID", "STATE", "DIR", "FROM", "TO", "AGENT", "SECONDS", "CODEC",
			"ENDED");
	json_array_foreach(list, i, c)
	{
		printf("%-16s %-12s %-4s %-18.18s %-18.18s %-12s %8.1f %5s  %s\n", cli_text(c, "id"), cli_text(c, "state"),
			cli_text(c, "direction")[0] == 'o' ? "out" : "in", cli_text(c, "from"), cli_text(c, "to"), cli_text(c, "agent"),
			json_number_value(json_object_get(c, "duration_ms")) / 1000, cli_text(c, "codec"), cli_text(c, "cause"));
	}
	json_decref(doc);

	return CLI_OK;
}

/* One operand, or "last". */
static const char *call_operand(struct cli *cli)
{
	return cli->argc > 0 ? cli->argv[0] : "last";
}

/* In the daemon's memory, or on disk; NULL: neither, or no daemon. */
static json_t *find_call(struct cli *cli, const char *id)
{
	static const char *const places[] = {"calls", "records"};
	char why[300];

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		auto_free char *path = mem_format("/v1/%s/%s", places[i], id);
		json_t *doc;

		if (client_ask(&cli->api, "GET", path, NULL, &doc, why, sizeof(why)) == 200)
			return doc;
		json_decref(doc);
	}

	return NULL;
}

int cli_show(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s", call_operand(cli));
	json_t *doc = find_call(cli, call_operand(cli));
	int code = doc ? CLI_OK : cli_ask(cli, "GET", path, NULL, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	print_call(doc);
	json_decref(doc);

	return CLI_OK;
}

/* One message of a trace into an open capture; false: not written. */
static bool save_message(FILE *f, json_t *m)
{
	static uint8_t buf[PCAP_MESSAGE_MOST + 64];
	bool is_out = !strcmp(cli_text(m, "direction"), "out");
	struct pcap_message p = {.wall_us = (int64_t)json_integer_value(json_object_get(m, "time_us")), .bytes = span_z(cli_text(m, "message"))};
	const char *from = cli_text(m, is_out ? "local" : "remote"), *to = cli_text(m, is_out ? "remote" : "local");
	size_t n = addr_parse(span_z(from), 0, &p.from) && addr_parse(span_z(to), 0, &p.to) ? pcap_write(&p, buf, sizeof(buf)) : 0;

	return n && fwrite(buf, 1, n, f) == n;
}

static int save_pcap(const char *path, json_t *trace)
{
	uint8_t head[PCAP_FILE_HEADER];
	FILE *f = fopen(path, "wbe");
	json_t *m;
	size_t i, saved = 0;

	pcap_file_header(head);
	if (!f || fwrite(head, 1, sizeof(head), f) != sizeof(head)) {
		fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
		if (f)
			fclose(f);
		return CLI_FAILED;
	}
	json_array_foreach(json_object_get(trace, "messages"), i, m)
		saved += save_message(f, m);
	if (fclose(f) != 0) {
		fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
		return CLI_FAILED;
	}
	printf("%zu messages in %s\n", saved, path);

	return CLI_OK;
}

int cli_trace(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/trace", call_operand(cli));
	json_t *doc, *m;
	size_t i;
	int code = cli_ask(cli, "GET", path, NULL, &doc);

	if (!code && cli->pcap) {
		code = save_pcap(cli->pcap, doc);
		json_decref(doc);
		return code;
	}
	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	print_ladder(doc);
	if (!cli->is_quiet)
		json_array_foreach(json_object_get(doc, "messages"), i, m)
			printf("\n%s %s %s %s\n%s", cli_text(m, "direction"), cli_text(m, "transport"),
				!strcmp(cli_text(m, "direction"), "out") ? "to" : "from", cli_text(m, "remote"), cli_text(m, "message"));
	json_decref(doc);

	return CLI_OK;
}

/* The addresses behind a line, where there is a choice or one is down. */
static void print_targets(json_t *line)
{
	json_t *list = json_object_get(line, "targets"), *t;
	bool is_news = json_array_size(list) > 1;
	size_t i;

	json_array_foreach(list, i, t)
		is_news |= !strcmp(cli_text(t, "state"), "down");
	json_array_foreach(list, i, t)
		if (is_news)
			printf("  %-24s %-8s %s%s\n", cli_text(t, "address"), cli_text(t, "state"), cli_text(t, "server"),
				json_is_true(json_object_get(t, "registered")) ? ", registered here" : "");
}

int cli_lines(struct cli *cli)
{
	json_t *doc, *l;
	size_t i;
	bool is_any_bad = false;

	if (cli->argc && !strcmp(cli->argv[0], "add"))
		return cli_lines_add(cli);

	int code = cli_ask(cli, "GET", "/v1/lines", NULL, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	printf("%-16s %-12s %-8s %-28s %-10s %5s  %s\n", "LINE", "STATE", "PRESET", "SERVER", "EXTENSION", "CALLS", "DETAIL");
	json_array_foreach(json_object_get(doc, "lines"), i, l)
	{
		json_t *retry = json_object_get(l, "retry_in_ms");

		printf("%-16s %-12s %-8s %-28s %-10s %5d  %s", cli_text(l, "name"), cli_text(l, "state"), cli_text(l, "preset"),
			cli_text(l, "server"), cli_text(l, "extension"), (int)json_number_value(json_object_get(l, "calls")),
			cli_text(l, "detail"));
		if (json_is_integer(retry))
			printf(" (tried again in %.1f s)", json_number_value(retry) / 1000);
		printf("\n");
		print_targets(l);
		is_any_bad |= !strcmp(cli_text(l, "state"), "failed");
	}
	json_decref(doc);

	return is_any_bad ? CLI_FAILED : CLI_OK;
}

int cli_act(struct cli *cli, const char *method, const char *path, json_t *body, const char *done)
{
	auto_free char *text = body ? json_dumps(body, 0) : NULL;
	json_t *doc;
	int code = cli_ask(cli, method, path, text, &doc);

	json_decref(body);
	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	printf("%s %s\n", done, cli_text(doc, "id"));
	json_decref(doc);

	return CLI_OK;
}

int cli_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);

	return CLI_USAGE;
}

int cli_call(struct cli *cli)
{
	if (cli->argc != 1)
		return cli_usage("tipring call NUMBER|sip:URI [--line NAME] [--agent NAME] [--detect]");

	return cli_act(cli, "POST", "/v1/calls",
		json_pack("{s:s, s:s*, s:s*, s:o*}", "target", cli->argv[0], "line", cli->line, "agent", cli->agent, "detect",
			cli->wants_detect ? json_true() : NULL),
		"calling:");
}

int cli_hangup(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s", call_operand(cli));

	return cli->argc == 1 ? cli_act(cli, "DELETE", path, NULL, "hanging up:") : cli_usage("tipring hangup CALL|last");
}

/* Target and fall-backs. */
int cli_transfer(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/transfer", call_operand(cli));
	json_t *fallback = json_array();

	if (cli->argc < 2) {
		json_decref(fallback);
		return cli_usage("tipring transfer CALL|last NUMBER|sip:URI [FALLBACK...] [--mode blind|attended|bridge]");
	}
	for (int i = 2; i < cli->argc; i++)
		json_array_append_new(fallback, json_string(cli->argv[i]));

	return cli_act(cli, "POST", path, json_pack("{s:s, s:o, s:s*}", "target", cli->argv[1], "fallback", fallback, "mode", cli->mode),
		"transferring:");
}

static int cli_hold_or_resume(struct cli *cli, const char *what, const char *done)
{
	auto_free char *path = mem_format("/v1/calls/%s/%s", call_operand(cli), what);

	return cli->argc == 1 ? cli_act(cli, "POST", path, json_object(), done) : cli_usage("tipring hold|resume CALL|last");
}

int cli_hold(struct cli *cli)
{
	return cli_hold_or_resume(cli, "hold", "on hold:");
}

int cli_resume(struct cli *cli)
{
	return cli_hold_or_resume(cli, "resume", "resumed:");
}

int cli_supervise(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/supervise", call_operand(cli));

	if (cli->argc < 1 || cli->argc > 2)
		return cli_usage("tipring supervise CALL|last [NUMBER|sip:URI] [--mode listen|whisper_agent|whisper_human|barge|take_over]");

	return cli_act(cli, "POST", path, json_pack("{s:s*, s:s*}", "target", cli->argc == 2 ? cli->argv[1] : NULL, "mode", cli->mode),
		"supervising:");
}

int cli_reload(struct cli *cli)
{
	json_t *doc;
	int code = cli_ask(cli, "POST", "/v1/reload", NULL, &doc);

	if (!code) {
		printf("the configuration was read again\n");
		json_decref(doc);
	}

	return code;
}

int cli_stats(struct cli *cli)
{
	json_t *doc;
	int code = cli_ask(cli, "GET", "/v1/stats", NULL, &doc);

	return code ? code : cli_print_json(doc);
}
