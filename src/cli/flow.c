/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>
#include <unistd.h>
#include "app/secure.h"
#include "app/config.h"
#include "app/engines.h"
#include "cli/cli.h"
#include "flow/calendar.h"
#include "flow/flow.h"
#include "flow/value.h"
#include "yaml/tree.h"

/* `tipring check` and `tipring flow-test`: flows without a telephone. */

/* ---- check ------------------------------------------------------------------------------------------------------------ */

static void print_faults(const struct flow_faults *faults, const char *path)
{
	size_t shown = MIN(faults->count, (size_t)LIMIT_CONFIG_ERRORS);

	for (size_t i = 0; i < shown; i++)
		if (faults->list[i].line)
			fprintf(stderr, "%s:%d: %s\n", path, faults->list[i].line, faults->list[i].words);
		else
			fprintf(stderr, "%s: %s\n", path, faults->list[i].words);
	if (faults->count > shown)
		fprintf(stderr, "%s: and %zu more\n", path, faults->count - shown);
}

/* The embedded engines have English models only: what a flow in another language needs is said, not found out on the first call. */
static void tell_what_is_needed(const struct flow *f)
{
	const char *name = flow_language_name(f);

	printf("  %s on the telephone needs engines that speak it: the embedded recogniser and the embedded voices know English only.\n"
	       "  Take a recogniser with a %s model (Vosk has one) as brain.stt and a %s voice as brain.tts; `tipring flow-test` needs neither.\n",
		name, name, name);
}

static int check_language(const char *name, const char *language)
{
	static struct flow_faults faults;
	struct flow_source source = {.name = name, .language = language};
	struct flow *flow;
	const char *path;
	char text[200];
	int code = CLI_OK;

	if (flow_load(&flow, &source, &faults, &path) != 0) {
		print_faults(&faults, path);
		return CLI_FAILED;
	}
	flow_summary(flow, text, sizeof(text));
	printf("%s: fine (flow \"%s\" in %s: %s)\n", path, flow_name(flow), flow_language_name(flow), text);
	if (strcmp(flow_language(flow), "en") != 0) {
		tell_what_is_needed(flow);
	} else if (engines_check_flows(&flow, 1, text, sizeof(text)) != 0) {
		fprintf(stderr, "%s: the embedded recogniser cannot listen for it: %s (a word's sounds can be given: pronounce: { acme: AE K M IY })\n",
			path, text);
		code = CLI_FAILED;
	}
	flow_unref(flow);

	return code;
}

static int check_flow(const char *name)
{
	static struct flow_faults faults;
	struct flow_source source = {.name = name};
	auto_free char *text = flow_read(&source, &faults);
	char languages[8][16];
	int code = CLI_OK;
	size_t n;

	if (!text) {
		print_faults(&faults, name);
		return CLI_FAILED;
	}
	n = flow_languages(span_z(text), languages, ARRAY_LEN(languages));
	for (size_t i = 0; i < n; i++)
		code = check_language(name, languages[i]) == CLI_OK ? code : CLI_FAILED;

	return code;
}

/* A flow has a "flow" at its top, a configuration has not. */
static bool is_flow(const char *name)
{
	static struct flow_faults faults;
	struct flow_source source = {.name = name};
	auto_free char *text = flow_read(&source, &faults);
	struct arena arena = {0};
	struct yaml_node *root;
	const char *why;
	int line;
	bool found = text && yaml_parse(&arena, span_z(text), &root, &line, &why) == 0 && root->kind == YAML_MAP && yaml_get(root, "flow");

	arena_done(&arena);

	return found;
}

/* What the recogniser makes of the flows that agents follow. */
static int check_flows_of(const struct config *c, const char *path)
{
	auto_free struct flow **flows = mem_zalloc((c->agent_count + 1) * sizeof(struct flow *));
	char why[300];

	for (size_t i = 0; i < c->agent_count; i++)
		flows[i] = c->agents[i].flow;
	if (engines_check_flows(flows, c->agent_count, why, sizeof(why)) == 0)
		return CLI_OK;
	fprintf(stderr, "%s: the embedded recogniser cannot listen for its flows: %s\n", path, why);

	return CLI_FAILED;
}

static int check_certificates_of(const struct config *c, const char *path)
{
	char why[600];
	struct secure *secure;

	if (secure_new(&secure, c, false, why, sizeof(why))) {
		fprintf(stderr, "%s: %s\n", path, why);
		return CLI_FAILED;
	}
	secure_free(secure);

	return CLI_OK;
}

int cli_check(struct cli *cli)
{
	static struct config_errors errors;
	const char *path = cli->argc ? cli->argv[0] : cli->config_path;
	int code;

	if (cli->argc && is_flow(path))
		return check_flow(path);

	struct config *c = config_load(path, &errors);

	if (!c) {
		config_errors_print(&errors, path, stderr);
		return CLI_FAILED;
	}
	code = check_flows_of(c, path);
	if (code == CLI_OK)
		code = check_certificates_of(c, path);
	if (code == CLI_OK)
		config_warnings_print(c, stdout);
	if (code == CLI_OK)
		printf("%s: fine (%zu lines, %zu agents, %zu routes)\n", path, c->line_count, c->agent_count, c->route_count);
	config_free(c);

	return code;
}

/* ---- flow-test -------------------------------------------------------------------------------------------------------- */

struct session {
	struct flow_machine *machine;
	struct flow_reply reply;
	bool is_verbose, is_terminal;
	char line[1000];
};

static bool has_tool(void *ctx, const char *name)
{
	return true;
}

static void show(struct session *s)
{
	static const char *const actions[] = {[FLOW_TRANSFER] = "transfer", [FLOW_HANG_UP] = "hang up", [FLOW_CALL_TOOL] = "tool"};

	if (s->reply.text[0])
		printf("agent: %s\n", s->reply.text);
	if (s->reply.action != FLOW_LISTEN)
		printf("(%s%s%s %s)\n", actions[s->reply.action], s->reply.tool ? " " : "", s->reply.tool ? s->reply.tool : "", s->reply.args);
	if (s->is_verbose)
		flow_machine_describe(s->machine, stdout);
	fflush(stdout);
}

static bool read_line(struct session *s, const char *prompt)
{
	if (s->is_terminal)
		printf("%s", prompt);
	fflush(stdout);
	if (!fgets(s->line, sizeof(s->line), stdin))
		return false;
	s->line[strcspn(s->line, "\r\n")] = 0;
	if (!s->is_terminal)
		printf("%s%s\n", prompt, s->line);

	return true;
}

/* The next turn, from what is typed: words; #12 for keys; ?words for words that were hardly understood; nothing for silence. */
static bool next_turn(struct session *s, struct flow_turn *ret)
{
	static const char no_answer[] = "{\"error\":\"no answer\"}";

	*ret = (struct flow_turn){.cause = FLOW_TEXT, .text = s->line, .confidence = 1};
	if (s->reply.action == FLOW_CALL_TOOL) {
		ret->cause = FLOW_TOOL_RESULT;
		if (!read_line(s, "its result (JSON; nothing: it fails): "))
			return false;
		if (!s->line[0])
			ret->text = no_answer;
		return true;
	}
	if (!read_line(s, "you: "))
		return false;
	if (s->line[0] == '#') {
		ret->cause = FLOW_KEYS;
		ret->text = s->line + 1;
	} else if (s->line[0] == '?') {
		ret->text = s->line + 1;
		ret->confidence = 0.1F;
	} else if (!s->line[0]) {
		ret->cause = FLOW_SILENCE;
	}

	return true;
}

static void talk(struct session *s)
{
	struct flow_turn turn = {.cause = FLOW_START, .text = ""};

	do {
		flow_machine_turn(s->machine, &turn, &s->reply);
		show(s);
	} while (s->reply.action != FLOW_HANG_UP && s->reply.action != FLOW_TRANSFER && next_turn(s, &turn));
}

static bool read_today(const char *text, int32_t *ret)
{
	time_t now = time(NULL);
	struct tm tm;
	struct value day;

	if (!text) {
		localtime_r(&now, &tm);
		*ret = calendar_day((struct civil){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday});
		return true;
	}
	if (!value_parse(VALUE_DATE, span_z(text), &day)) {
		fprintf(stderr, "tipring flow-test: --today \"%s\" is no date (such as 2026-11-22)\n", text);
		return false;
	}
	*ret = (int32_t)day.number;

	return true;
}

/* The flow by its name, or the one of an agent with the data of its business. */
static struct flow *load(struct cli *cli, struct config **ret_config, const char **ret_greeting)
{
	static struct flow_faults faults;
	static struct config_errors errors;
	struct flow_source source = {.name = cli->argc ? cli->argv[0] : "", .language = cli->language};
	const struct config_agent *agent;
	struct flow *flow = NULL;
	const char *path;

	if (!cli->agent) {
		if (flow_load(&flow, &source, &faults, &path) != 0)
			print_faults(&faults, path);
		return flow;
	}
	*ret_config = config_load(cli->config_path, &errors);
	if (!*ret_config) {
		config_errors_print(&errors, cli->config_path, stderr);
		return NULL;
	}
	agent = config_agent_find(*ret_config, cli->agent);
	if (!agent || !agent->flow) {
		fprintf(stderr, "tipring flow-test: %s has no agent \"%s\" that follows a flow\n", cli->config_path, cli->agent);
		return NULL;
	}
	*ret_greeting = agent->greeting;

	return flow_ref(agent->flow);
}

int cli_flow_test(struct cli *cli)
{
	struct session s = {.is_verbose = cli->is_verbose, .is_terminal = isatty(STDIN_FILENO)};
	struct flow_machine_params params = {.has_tool = has_tool};
	struct config *config = NULL;

	if (cli->argc != !cli->agent) {
		fprintf(stderr, "usage: tipring flow-test FLOW [--language L] [--today YYYY-MM-DD] [--verbose]\n"
				"       tipring flow-test --agent NAME [-c FILE]\n\n"
				"FLOW is receptionist, order-status, survey, or a file. Type what the caller says; #12 presses keys, an empty line is\n"
				"silence, ?words are words that were hardly understood. Of a tool that the flow calls, type the result.\n");
		return CLI_USAGE;
	}
	if (!read_today(cli->today, &params.today))
		return CLI_USAGE;
	params.flow = load(cli, &config, &params.greeting);
	if (params.flow) {
		s.machine = flow_machine_new(&params);
		talk(&s);
		flow_machine_free(s.machine);
		flow_unref(params.flow);
	}
	config_free(config);

	return params.flow ? CLI_OK : CLI_FAILED;
}
