/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/dialler.h"

/*
 * `tipring caller SCRIPT [URI]`: plays a scripted caller against any SIP telephone system, by SIP and RTP. With a URI it calls,
 * without one it waits for calls (`answers:` of the script).
 */
#define MOST_MS	 600000
#define SIP_PORT 5070

static void print_said(struct dialler *d, const struct call_record *r, const struct call_line *line)
{
	printf("%8.2f  %s: %s%s\n", (double)(clock_ms() - r->began_at) / 1000, r->agent, line->is_digits ? "pressed " : "", line->text);
	fflush(stdout);
}

static void print_change(struct dialler *d, const struct call_record *r, const char *what)
{
	if (strcmp(what, "up") != 0 && strcmp(what, "ended") != 0)
		return;
	printf("%8.2f  call %s %s %s%s%s\n", (double)(clock_ms() - r->began_at) / 1000, r->is_outgoing ? "to" : "from",
		r->is_outgoing ? r->to : r->from, what, *what == 'e' ? ": " : "", *what == 'e' ? r->cause : "");
	fflush(stdout);
}

static int report(const struct cli *cli, const struct dialler *d, bool has_called)
{
	bool is_good = has_called ? d->was_answered : true;
	json_t *doc;

	if (!cli->is_json)
		return is_good ? CLI_OK : CLI_FAILED;
	doc = json_pack("{s:b, s:s, s:s, s:b, s:s, s:i}", "answered", d->was_answered, "ended_by", call_end_name(d->ended_by), "cause",
		d->cause, "reached_another", d->reached_another, "transferred_to", d->transferred_to, "calls_answered",
		(int)d->calls_answered);
	json_dumpf(doc, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(doc);

	return is_good ? CLI_OK : CLI_FAILED;
}

static int talk(const struct cli *cli, struct dialler *d)
{
	const char *target = cli->argc > 1 ? cli->argv[1] : NULL;
	int code = dialler_open(d, "tipring caller");

	if (!code && target)
		code = dialler_dial(d, "tipring caller", target);
	if (!code) {
		dialler_run(d);
		code = report(cli, d, target != NULL);
	}
	dialler_close(d);

	return code;
}

int cli_caller(struct cli *cli)
{
	static struct config_errors errors;
	struct dialler d = {.most_ms = cli->argc > 1 ? MOST_MS : 0, .waits = cli->argc < 2};

	if (cli->argc < 1 || cli->argc > 2) {
		fprintf(stderr, "usage: tipring caller SCRIPT.yaml [sip:URI] [--listen IP:PORT] [--json]\n");
		return CLI_USAGE;
	}
	if (!addr_parse(span_z(cli->listen ? cli->listen : "127.0.0.1"), SIP_PORT, &d.listen)) {
		fprintf(stderr, "tipring caller: --listen %s is not IP:PORT\n", cli->listen);
		return CLI_USAGE;
	}

	struct caller_file *file = caller_file_load(cli->argv[0], &errors);

	if (!file) {
		config_errors_print(&errors, cli->argv[0], stderr);
		return CLI_FAILED;
	}
	if (d.waits && !file->answers.is_set) {
		fprintf(stderr, "tipring caller: %s has no \"answers\": give a SIP URI to call\n", cli->argv[0]);
		caller_file_free(file);
		return CLI_USAGE;
	}
	d.file = file;
	if (!cli->is_json) {
		d.said = print_said;
		d.changed = print_change;
	}
	log_set_level(LOG_ERROR);

	int code = talk(cli, &d);

	caller_file_free(file);

	return code;
}
