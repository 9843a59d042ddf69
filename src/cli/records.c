/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"
#include "cli/cli.h"
#include "store/reader.h"
#include <time.h>

/* Adds a parameter to *path when there is a value. */
static void add(char **path, const char *key, const char *value)
{
	if (!value)
		return;

	auto_free char *escaped = client_escape(value);
	char *longer = mem_format("%s%c%s=%s", *path, strchr(*path, '?') ? '&' : '?', key, escaped);

	free(*path);
	*path = longer;
}

static char *query(struct cli *cli)
{
	char *path = mem_strdup(cli->is_csv ? "/v1/records.csv" : "/v1/records"), limit[16];

	add(&path, "from", cli->test.from);
	add(&path, "to", cli->test.to);
	add(&path, "line", cli->line);
	add(&path, "agent", cli->agent);
	if (cli->limit || !cli->is_csv) {
		snprintf(limit, sizeof(limit), "%d", cli->limit ? cli->limit : 30);
		add(&path, "limit", limit);
	}

	return path;
}

static void print_record(json_t *r)
{
	time_t at = (time_t)(json_integer_value(json_object_get(r, "started_at_ms")) / 1000);
	char when[32];
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", gmtime_r(&at, &tm));
	printf("%-16s %-19s %-4s %-18.18s %-18.18s %-12s %8.1f  %s\n", cli_text(r, "id"), when,
		cli_text(r, "direction")[0] == 'o' ? "out" : "in", cli_text(r, "from"), cli_text(r, "to"), cli_text(r, "agent"),
		json_number_value(json_object_get(r, "duration_ms")) / 1000, cli_text(r, "cause"));
}

static int list(struct cli *cli)
{
	auto_free char *path = query(cli);
	json_t *doc, *r;
	size_t i;
	int code = cli_ask(cli, "GET", path, NULL, &doc);

	if (code || cli->is_json)
		return code ? code : cli_print_json(doc);

	json_t *records = json_object_get(doc, "records");

	if (json_array_size(records) == 0)
		printf("No calls on record.\n");
	else
		printf("%-16s %-19s %-4s %-18s %-18s %-12s %8s  %s\n", "ID", "BEGAN (UTC)", "DIR", "FROM", "TO", "AGENT", "SECONDS", "ENDED");
	json_array_foreach(records, i, r)
		print_record(r);
	json_decref(doc);

	return CLI_OK;
}

static int export_csv(struct cli *cli)
{
	auto_free char *path = query(cli), *text = NULL;
	char why[300];
	json_t *unused;
	int status = client_ask_text(&cli->api, "GET", path, NULL, &text, why, sizeof(why));

	if (status != 200) /* once more for its words */
		return cli_ask(cli, "GET", path, NULL, &unused);
	fputs(text ? text : "", stdout);

	return CLI_OK;
}

static int forget(struct cli *cli, const char *id)
{
	auto_free char *path = mem_format("/v1/records/%s", id);
	json_t *doc;
	int code = cli_ask(cli, "DELETE", path, NULL, &doc);

	if (!code) {
		printf("Record and recording of %s are deleted.\n", id);
		json_decref(doc);
	}

	return code;
}

/* Needs no daemon: the file may be copied while one writes it. */
static int backup(struct cli *cli, const char *to)
{
	static struct config_errors errors;
	struct config *c = config_load(cli->config_path, &errors);
	char why[400];

	if (!c) {
		config_errors_print(&errors, cli->config_path, stderr);
		return CLI_FAILED;
	}

	int err = store_backup(c->records.file, to, why, sizeof(why));

	if (err)
		fprintf(stderr, "tipring: %s\n", why);
	else
		printf("%s is a copy of %s\n", to, c->records.file);
	config_free(c);

	return err ? CLI_FAILED : CLI_OK;
}

int cli_records(struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : "list", *operand = cli->argc > 1 ? cli->argv[1] : NULL;

	if (!strcmp(what, "list") && !operand)
		return cli->is_csv ? export_csv(cli) : list(cli);
	if (!strcmp(what, "show") && operand) {
		cli->argv++;
		cli->argc--;
		return cli_show(cli);
	}
	if (!strcmp(what, "forget") && operand)
		return forget(cli, operand);
	if (!strcmp(what, "backup") && operand)
		return backup(cli, operand);
	fprintf(stderr, "tipring: records [list], records show ID, records forget ID, records backup FILE\n");

	return CLI_USAGE;
}
