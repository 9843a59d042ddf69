/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <time.h>

/* What is done to a call that runs. */

int cli_record(struct cli *cli)
{
	static const char *const words[] = {"start", "recording:", "stop", "no longer recording:", "pause", "paused the recording of", "resume",
		"recording again:"};
	auto_free char *path = mem_format("/v1/calls/%s/recording", cli->argc ? cli->argv[0] : "");

	for (size_t i = 0; cli->argc == 2 && i < ARRAY_LEN(words); i += 2)
		if (!strcmp(cli->argv[1], words[i]))
			return cli_act(cli, "POST", path, json_pack("{s:s}", "action", cli->argv[1]), words[i + 1]);

	return cli_usage("tipring record CALL|last start|stop|pause|resume");
}

int cli_dtmf(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/dtmf", cli->argc ? cli->argv[0] : "");

	if (cli->argc != 2)
		return cli_usage("tipring dtmf CALL|last KEYS [--mode auto|rfc4733|info|inband]");

	return cli_act(cli, "POST", path, json_pack("{s:s, s:s*}", "digits", cli->argv[1], "method", cli->mode), "pressing keys:");
}

int cli_sensitive(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/sensitive", cli->argc ? cli->argv[0] : "");
	bool is_on = cli->argc == 2 && !strcmp(cli->argv[1], "on");

	if (!is_on && (cli->argc != 2 || strcmp(cli->argv[1], "off")))
		return cli_usage("tipring sensitive CALL|last on|off");

	return cli_act(cli, "POST", path, json_pack("{s:b}", "on", is_on), is_on ? "sensitive:" : "no longer sensitive:");
}

/* Keys as they came; without any, what is waited for. */
static int wait_collected(struct cli *cli, const char *path)
{
	for (;;) {
		struct timespec ts = {.tv_nsec = 200000000};
		json_t *doc;
		int code = cli_ask(cli, "GET", path, NULL, &doc);
		bool is_open = !code && !strcmp(cli_text(doc, "end"), "open");

		if (code)
			return code;
		if (!is_open && cli->is_json)
			return cli_print_json(doc);
		if (!is_open)
			printf("%s (%s)\n", cli_text(doc, "digits"), cli_text(doc, "end"));
		json_decref(doc);
		if (!is_open)
			return CLI_OK;
		nanosleep(&ts, NULL);
	}
}

int cli_collect(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/collect", cli->argc ? cli->argv[0] : "");
	json_t *body = json_pack("{s:s*, s:b, s:o*}", "terminators", cli->argc == 2 ? cli->argv[1] : NULL, "sensitive", cli->is_quiet,
		"most", cli->limit ? json_integer(cli->limit) : NULL), *doc;
	auto_free char *text = json_dumps(body, 0);
	int code;

	json_decref(body);
	if (cli->argc < 1 || cli->argc > 2)
		return cli_usage("tipring collect CALL|last [TERMINATORS] [-n KEYS] [-q]");
	code = cli_ask(cli, "POST", path, text, &doc);
	if (code)
		return code;
	json_decref(doc);

	return wait_collected(cli, path);
}

int cli_park(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/park", cli->argc ? cli->argv[0] : "");
	uint32_t slot = 0;
	json_t *doc;

	if (cli->argc < 1 || cli->argc > 2 || (cli->argc == 2 && !span_u32(span_z(cli->argv[1]), &slot)))
		return cli_usage("tipring park CALL|last [SLOT]");

	auto_free char *body = slot ? mem_format("{\"slot\": %u}", slot) : mem_strdup("{}");
	int code = cli_ask(cli, "POST", path, body, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	printf("parked in %d: %s\n", (int)json_integer_value(json_object_get(doc, "slot")), cli_text(doc, "id"));
	json_decref(doc);

	return CLI_OK;
}

int cli_retrieve(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/retrieve", cli->argc ? cli->argv[0] : "");

	if (cli->argc != 2)
		return cli_usage("tipring retrieve CALL|last NUMBER|sip:URI");

	return cli_act(cli, "POST", path, json_pack("{s:s}", "target", cli->argv[1]), "ringing for:");
}

int cli_queue(struct cli *cli)
{
	auto_free char *path = mem_format("/v1/calls/%s/queue", cli->argc ? cli->argv[0] : "");

	if (cli->argc == 2 && !strcmp(cli->argv[1], "leave"))
		return cli_act(cli, "POST", path, json_pack("{s:b}", "leave", true), "no longer in line:");
	if (cli->argc != 2)
		return cli_usage("tipring queue CALL|last NAME|leave");

	return cli_act(cli, "POST", path, json_pack("{s:s}", "name", cli->argv[1]), "in line:");
}
