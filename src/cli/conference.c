/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static void print_conference(json_t *k)
{
	json_t *m;
	size_t i;

	printf("%s\n", cli_text(k, "id"));
	json_array_foreach(json_object_get(k, "members"), i, m)
		printf("  %-18s %-20s %-20s %s%s\n", cli_text(m, "call"), cli_text(m, "from"), cli_text(m, "to"),
			json_is_true(json_object_get(m, "ringing")) ? "ringing " : "", json_is_true(json_object_get(m, "muted")) ? "muted" : "");
}

static int list(struct cli *cli)
{
	json_t *doc, *k;
	size_t i;
	int code = cli_ask(cli, "GET", "/v1/conferences", NULL, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	if (!json_array_size(json_object_get(doc, "conferences")))
		printf("No conferences.\n");
	json_array_foreach(json_object_get(doc, "conferences"), i, k)
		print_conference(k);
	json_decref(doc);

	return CLI_OK;
}

static int open_one(struct cli *cli)
{
	json_t *calls = json_array(), *body, *doc;
	int code;

	for (int i = 1; i < cli->argc; i++)
		json_array_append_new(calls, json_string(cli->argv[i]));
	body = json_pack("{s:o}", "calls", calls);

	auto_free char *text = json_dumps(body, 0);

	json_decref(body);
	code = cli_ask(cli, "POST", "/v1/conferences", text, &doc);
	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	print_conference(doc);
	json_decref(doc);

	return CLI_OK;
}

/* Ids of calls have a letter, numbers and URIs are told apart by it. */
static bool is_call(const char *text)
{
	return text[0] == 'c' && strchr(text, '-') && !strchr(text, '@');
}

int cli_conference(struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : "list", *id = cli->argc > 1 ? cli->argv[1] : "", *who = cli->argc > 2 ? cli->argv[2] : "";
	auto_free char *path = mem_format("/v1/conferences/%s", id), *members = mem_format("%s/members", path);
	auto_free char *member = mem_format("%s/%s", members, who);

	if (cli->argc <= 1 && !strcmp(what, "list"))
		return list(cli);
	if (!strcmp(what, "open"))
		return open_one(cli);
	if (cli->argc == 3 && !strcmp(what, "add"))
		return cli_act(cli, "POST", members, json_pack("{s:s}", is_call(who) ? "call" : "target", who), "added to:");
	if (cli->argc == 3 && (!strcmp(what, "mute") || !strcmp(what, "unmute")))
		return cli_act(cli, "POST", member, json_pack("{s:b}", "muted", what[0] == 'm'), what[0] == 'm' ? "muted in:" : "heard in:");
	if (cli->argc == 3 && !strcmp(what, "remove"))
		return cli_act(cli, "DELETE", member, NULL, "taken out of:");
	if (cli->argc == 2 && !strcmp(what, "close"))
		return cli_act(cli, "DELETE", path, NULL, "closed:");

	return cli_usage("tipring conference [list] | open [CALL...] | add ID CALL|NUMBER|URI | mute|unmute|remove ID CALL | close ID");
}
