/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"
#include "app/daemon.h"
#include "cli/cli.h"
#include <curl/curl.h>
#include <getopt.h>
#include <unistd.h>

static int cli_serve(struct cli *cli)
{
	return daemon_run(cli->config_path);
}

static const struct command {
	const char *name;
	int (*run)(struct cli *cli);
	const char *operands, *help;
} commands[] = {
	{"serve", cli_serve, "[-c FILE]", "run the daemon"},
	{"check", cli_check, "[FILE]", "read a configuration or a flow and say what is wrong with it"},
	{"flow-test", cli_flow_test, "FLOW [--language L] [-v]", "talk to a flow as text; --agent A: with that agent's data"},
	{"demo", cli_demo, "[--target URI]", "call the daemon as a speaking customer and show the call"},
	{"call", cli_call, "NUMBER|URI [--line L] [--agent A]", "place a call and put an agent on it"},
	{"calls", cli_calls, "[-n COUNT]", "list calls, running ones first"},
	{"show", cli_show, "[CALL]", "one call: conversation, latencies, quality, cause"},
	{"trace", cli_trace, "[CALL] [-q]", "its SIP messages as a ladder; -q without their text"},
	{"hangup", cli_hangup, "CALL", "end a call"},
	{"transfer", cli_transfer, "CALL NUMBER|URI", "transfer a caller"},
	{"lines", cli_lines, "", "state of the lines"},
	{"reload", cli_reload, "", "read the configuration again"},
	{"stats", cli_stats, "", "counters"},
};

static int help(FILE *f)
{
	fprintf(f, "Tipring %s: the telephone line of AI voice agents.\n\nusage: tipring COMMAND [options]\n\n", TIPRING_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(f, "  %-9s %-34s %s\n", commands[i].name, commands[i].operands, commands[i].help);
	fprintf(f,
		"\n  -c, --config FILE  configuration (default: tipring.yaml here, else /etc/tipring/tipring.yaml)\n"
		"      --api URL      the daemon's API (default: $TIPRING_API, else http://127.0.0.1:8060)\n"
		"      --json         for programs\n\n"
		"A CALL is its id or \"last\". Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no daemon, 4 no such thing.\n");

	return f == stdout ? CLI_OK : CLI_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"api", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'},
		{"line", required_argument, NULL, 'l'},	  {"agent", required_argument, NULL, 'g'}, {"target", required_argument, NULL, 't'},
		{"quiet", no_argument, NULL, 'q'},	  {"limit", required_argument, NULL, 'n'},
		{"language", required_argument, NULL, 'L'}, {"today", required_argument, NULL, 'T'}, {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct cli cli = {.config_path = access("tipring.yaml", R_OK) == 0 ? "tipring.yaml" : "/etc/tipring/tipring.yaml"};
	const char *api = NULL;
	uint32_t number;
	int o;

	while ((o = getopt_long(argc, argv, "c:jqvn:h", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			cli.config_path = optarg;
			break;
		case 'a':
			api = optarg;
			break;
		case 'j':
			cli.is_json = true;
			break;
		case 'q':
			cli.is_quiet = true;
			break;
		case 'l':
			cli.line = optarg;
			break;
		case 'g':
			cli.agent = optarg;
			break;
		case 't':
			cli.target = optarg;
			break;
		case 'v':
			cli.is_verbose = true;
			break;
		case 'L':
			cli.language = optarg;
			break;
		case 'T':
			cli.today = optarg;
			break;
		case 'n':
			if (!span_u32(span_z(optarg), &number) || number < 1 || number > 1000)
				return help(stderr);
			cli.limit = (int)number;
			break;
		case 'h':
			return help(stdout);
		default:
			return help(stderr);
		}
	}
	cli.argc = argc - optind;
	cli.argv = argv + optind;
	client_init(&cli.api, api);

	return command->run(&cli);
}

int main(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc < 2 ? stderr : stdout);
	if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
		printf("tipring %s\n", TIPRING_VERSION);
		return CLI_OK;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	fprintf(stderr, "tipring: there is no command \"%s\"\n\n", argv[1]);

	return help(stderr);
}
