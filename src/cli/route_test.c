/* SPDX-License-Identifier: Apache-2.0 */
#include "app/route_test.h"
#include "cli/cli.h"

/* `tipring route-test`: of the running daemon, or of a file named by -c (or when no daemon runs and there is one). */

static json_t *request_of(const struct cli *cli)
{
	const struct cli_route_options *t = &cli->test;

	return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "to", t->to, "from", t->from, "line", cli->line, "at", t->at, "language",
		cli->language, "agent", cli->agent, "direction", t->is_out ? "out" : NULL);
}

static int ask_file(struct cli *cli, json_t *request, json_t **ret)
{
	static struct config_errors errors;
	struct config *c = config_load(cli->config_path, &errors);
	char why[300];

	if (!c) {
		config_errors_print(&errors, cli->config_path, stderr);
		return CLI_FAILED;
	}

	struct route_test_world w = {.config = c, .now_unix_s = clock_wall_ms() / 1000};

	*ret = route_test(&w, request, why, sizeof(why));
	config_free(c);
	if (!*ret)
		fprintf(stderr, "tipring: %s\n", why);

	return *ret ? CLI_OK : CLI_FAILED;
}

static void print_number(const char *what, json_t *o, const char *raw, const char *number)
{
	const char *r = cli_text_or(o, raw, ""), *n = cli_text_or(o, number, "");

	printf("%s %s", what, r[0] ? r : "(none)");
	if (strcmp(r, n) != 0)
		printf(" (%s)", n);
}

static int print_in(json_t *doc)
{
	json_t *list = json_object_get(doc, "routes"), *r;
	bool is_taken = false;
	size_t i;

	print_number("A call to", doc, "to", "to_number");
	print_number(" from", doc, "from", "from_number");
	printf(" on line %s at %s\n", cli_text_or(doc, "line", ""), cli_text_or(doc, "at", ""));
	if (json_is_string(json_object_get(doc, "agent")))
		printf("goes to agent %s: %s\n\n", cli_text_or(doc, "agent", ""), cli_text_or(doc, "why", ""));
	else
		printf("is refused with %d: %s\n\n", (int)json_integer_value(json_object_get(doc, "reject")), cli_text_or(doc, "why", ""));
	json_array_foreach(list, i, r)
	{
		bool fits = json_is_true(json_object_get(r, "fits"));
		const char *verdict = !fits ? "no  " : is_taken ? "late" : "yes ";
		char goal[80];

		if (json_is_string(json_object_get(r, "agent")))
			snprintf(goal, sizeof(goal), "%s", cli_text_or(r, "agent", ""));
		else
			snprintf(goal, sizeof(goal), "reject %d", (int)json_integer_value(json_object_get(r, "reject")));
		printf("  %s  line %-4d %-16s %s\n", verdict, (int)json_integer_value(json_object_get(r, "file_line")), goal, cli_text_or(r, "why", ""));
		is_taken |= fits;
	}

	return json_is_string(json_object_get(doc, "agent")) ? CLI_OK : CLI_NOT_FOUND;
}

static int print_out(json_t *doc)
{
	json_t *list = json_object_get(doc, "routes"), *lines = json_object_get(doc, "lines"), *r;
	size_t i;

	print_number("A call to", doc, "to", "to_number");
	printf(" at %s\n%s\n\n", cli_text_or(doc, "at", ""), cli_text_or(doc, "why", ""));
	json_array_foreach(list, i, r)
		printf("  %s  line %-4d %s\n", json_is_true(json_object_get(r, "fits")) ? "yes" : "no ",
			(int)json_integer_value(json_object_get(r, "file_line")), cli_text_or(r, "why", ""));

	return json_array_size(lines) ? CLI_OK : CLI_NOT_FOUND;
}

int cli_route_test(struct cli *cli)
{
	json_t *request = request_of(cli), *doc = NULL, *health = NULL;
	char why[300];
	int code;

	if (!cli->test.to) {
		fprintf(stderr, "usage: tipring route-test --to NUMBER [--from NUMBER] [--line NAME] [--at 2026-12-24T17:30] [--language de]\n"
				"       tipring route-test --out --to NUMBER [--agent NAME] [--at ...]\n");
		json_decref(request);
		return CLI_USAGE;
	}

	bool is_daemon = !cli->is_config_given && client_ask(&cli->api, "GET", "/v1/health", NULL, &health, why, sizeof(why)) == 200;
	auto_free char *body = json_dumps(request, 0);

	json_decref(health);
	if (!is_daemon && !cli->is_config_given)
		fprintf(stderr, "(no daemon: this is what %s says)\n", cli->config_path);
	code = is_daemon ? cli_ask(cli, "POST", "/v1/route-test", body, &doc) : ask_file(cli, request, &doc);
	json_decref(request);
	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);
	code = cli->test.is_out ? print_out(doc) : print_in(doc);
	json_decref(doc);

	return code;
}
