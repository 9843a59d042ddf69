/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"
#include "app/daemon.h"
#include "cli/cli.h"
#include <curl/curl.h>
#include <getopt.h>
#include <unistd.h>

#define TEXT_OPTIONS 1000 /* the first of text_option */

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
	{"cert", cli_cert, "DIR [--name HOST]...", "make a CA and a certificate for this machine"},
	{"demo", cli_demo, "[--target URI]", "call the daemon as a speaking customer and show the call"},
	{"caller", cli_caller, "SCRIPT [URI] [--listen A]", "call (or answer) as a scripted caller"},
	{"call", cli_call, "NUMBER|URI [--line L] [--agent A] [--detect]", "place a call and put an agent on it"},
	{"calls", cli_calls, "[-n COUNT]", "list calls, running ones first"},
	{"show", cli_show, "[CALL]", "one call: conversation, latencies, quality, cause"},
	{"trace", cli_trace, "[CALL] [-q] [--pcap FILE]", "its SIP messages as a ladder (-q: without their text) or for Wireshark"},
	{"hangup", cli_hangup, "CALL", "end a call"},
	{"transfer", cli_transfer, "CALL NUMBER|URI [FALLBACK...] [--mode M]", "put a caller through: blind, attended or bridge"},
	{"hold", cli_hold, "CALL", "hold a call"},
	{"resume", cli_resume, "CALL", "take it off hold"},
	{"supervise", cli_supervise, "CALL [NUMBER|URI] [--mode M]", "let a supervisor join, or change how"},
	{"record", cli_record, "CALL start|stop|pause|resume", "record a call, or a part of it"},
	{"park", cli_park, "CALL [SLOT]", "let a caller wait in a slot"},
	{"retrieve", cli_retrieve, "CALL NUMBER|URI", "ring a phone for a parked caller"},
	{"queue", cli_queue, "CALL NAME|leave", "let a caller wait in line for a person"},
	{"conference", cli_conference, "[open CALL... | add ID CALL|NUMBER | ...]", "several calls that hear each other"},
	{"dtmf", cli_dtmf, "CALL KEYS [--mode M]", "press keys: rfc4733, info or inband"},
	{"collect", cli_collect, "CALL [ENDS] [-n KEYS] [-q]", "wait for the caller's keys; -q: they are sensitive"},
	{"sensitive", cli_sensitive, "CALL on|off", "keep nothing of what is said and pressed"},
	{"lines", cli_lines, "", "state of the lines"},
	{"lines", cli_lines, "add [--system S --server H ...]", "add a line: five questions, a trial, the file"},
	{"doctor", cli_doctor, "[LINE...] [--call NUMBER] [--stun HOST] [--long]", "find out what is wrong with a line, or that nothing is"},
	{"route-test", cli_route_test, "--to N [--from N] [--line L] [--at T]", "who would answer a call, and why"},
	{"records", cli_records, "[--from T] [--to T] [--line L] [--csv]", "calls on record; also: show ID, forget ID, backup FILE"},
	{"events", cli_events, "[TYPES] [--json]", "what happens, as it happens (call.*,transcript)"},
	{"keys", cli_keys, "add NAME --role R | list | remove NAME", "keys of the API: read, operate, admin"},
	{"reload", cli_reload, "", "read the configuration again"},
	{"stats", cli_stats, "", "counters"},
};

static int help(FILE *f)
{
	fprintf(f, "Tipring %s: the telephone line of AI voice agents.\n\nusage: tipring COMMAND [options]\n\n", TIPRING_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(f, "  %-9s %-38s %s\n", commands[i].name, commands[i].operands, commands[i].help);
	fprintf(f,
		"\n  -c, --config FILE  configuration (default: tipring.yaml here, else /etc/tipring/tipring.yaml)\n"
		"      --api URL      the daemon's API (default: $TIPRING_API, else http://127.0.0.1:8060)\n"
		"      --key KEY      its key, when it wants one (better in $TIPRING_API_KEY: others see a command's options)\n"
		"      --json         for programs\n\n"
		"A CALL is its id or \"last\". Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no daemon, 4 no such thing.\n");

	return f == stdout ? CLI_OK : CLI_USAGE;
}

/* Options of lines add, route-test, records and doctor: texts, and where they go. */
static const char **text_option(struct cli *cli, int o)
{
	const char **const places[] = {&cli->add.system, &cli->add.server, &cli->add.extension, &cli->add.auth_id, &cli->add.transport,
		&cli->add.password_file, &cli->add.test_number, &cli->test.from, &cli->test.to, &cli->test.at, &cli->language,
		&cli->doctor.number, &cli->today, &cli->role, &cli->key};

	return o >= TEXT_OPTIONS && o < TEXT_OPTIONS + (int)ARRAY_LEN(places) ? places[o - TEXT_OPTIONS] : NULL;
}

/* The same without a text; false: not known. */
static bool more_option(struct cli *cli, int o)
{
	const char **text = text_option(cli, o);

	if (text)
		*text = optarg;
	else if (o == 'S')
		cli->doctor.stun[cli->doctor.stun[0] != NULL] = optarg;
	else if (o == 'G')
		cli->doctor.is_long = true;
	else if (o == 'o')
		cli->test.is_out = true;
	else if (o == 'C')
		cli->is_csv = true;
	else if (o == 'u')
		cli->add.is_untested = true;
	else if (o == 'y')
		cli->add.is_unasked = true;
	else
		return false;

	return true;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"api", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'},
		{"line", required_argument, NULL, 'l'},	  {"agent", required_argument, NULL, 'g'}, {"target", required_argument, NULL, 't'},
		{"pcap", required_argument, NULL, 'p'},	  {"mode", required_argument, NULL, 'm'},  {"quiet", no_argument, NULL, 'q'},
		{"limit", required_argument, NULL, 'n'},  {"name", required_argument, NULL, 'N'},  {"force", no_argument, NULL, 'f'},
		{"detect", no_argument, NULL, 'd'},	  {"help", no_argument, NULL, 'h'},	   {"out", no_argument, NULL, 'o'},
		{"listen", required_argument, NULL, 'L'}, {"no-test", no_argument, NULL, 'u'},	  {"yes", no_argument, NULL, 'y'},
		{"csv", no_argument, NULL, 'C'},	  {"stun", required_argument, NULL, 'S'},  {"long", no_argument, NULL, 'G'},
		/* in the order of text_option */
		{"system", required_argument, NULL, TEXT_OPTIONS}, {"server", required_argument, NULL, TEXT_OPTIONS + 1},
		{"extension", required_argument, NULL, TEXT_OPTIONS + 2}, {"auth-id", required_argument, NULL, TEXT_OPTIONS + 3},
		{"transport", required_argument, NULL, TEXT_OPTIONS + 4}, {"password-file", required_argument, NULL, TEXT_OPTIONS + 5},
		{"test-number", required_argument, NULL, TEXT_OPTIONS + 6}, {"from", required_argument, NULL, TEXT_OPTIONS + 7},
		{"to", required_argument, NULL, TEXT_OPTIONS + 8}, {"at", required_argument, NULL, TEXT_OPTIONS + 9},
		{"language", required_argument, NULL, TEXT_OPTIONS + 10}, {"call", required_argument, NULL, TEXT_OPTIONS + 11},
		{"today", required_argument, NULL, TEXT_OPTIONS + 12}, {"role", required_argument, NULL, TEXT_OPTIONS + 13},
		{"key", required_argument, NULL, TEXT_OPTIONS + 14}, {"verbose", no_argument, NULL, 'v'}, {0}};
	struct cli cli = {.config_path = access("tipring.yaml", R_OK) == 0 ? "tipring.yaml" : "/etc/tipring/tipring.yaml"};
	const char *api = NULL;
	uint32_t number;
	int o;

	while ((o = getopt_long(argc, argv, "c:jqvn:h", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			cli.config_path = optarg;
			cli.is_config_given = true;
			break;
		case 'a':
			api = optarg;
			break;
		case 'm':
			cli.mode = optarg;
			break;
		case 'p':
			cli.pcap = optarg;
			break;
		case 'j':
			cli.is_json = true;
			break;
		case 'd':
			cli.wants_detect = true;
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
		case 'L':
			cli.listen = optarg;
			break;
		case 't':
			cli.target = optarg;
			break;
		case 'v':
			cli.is_verbose = true;
			break;
		case 'n':
			if (!span_u32(span_z(optarg), &number) || number < 1 || number > 1000)
				return help(stderr);
			cli.limit = (int)number;
			break;
		case 'N':
			if (cli.name_count == CLI_NAMES)
				return help(stderr);
			cli.names[cli.name_count++] = optarg;
			break;
		case 'f':
			cli.is_forced = true;
			break;
		case 'h':
			return help(stdout);
		default:
			if (!more_option(&cli, o))
				return help(stderr);
		}
	}
	cli.argc = argc - optind;
	cli.argv = argv + optind;
	cli.is_api_given = api != NULL || getenv("TIPRING_API");
	client_init(&cli.api, api, cli.key);

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
