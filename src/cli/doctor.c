/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"
#include "cli/cli.h"
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* `tipring doctor [LINE...]`: tries the lines of a configuration and says what was found, for people or for programs. */
#define WIDTH	     118
#define INDENT	     11
#define FILES_A_CALL 2	 /* sockets for RTP and RTCP */
#define FILES_BESIDE 256 /* connections, logs, recordings, the database */

struct doctor {
	struct cli *cli;
	struct config *config;
	struct checkup_host host;
	json_t *findings, *lines; /* lines: of the running daemon; NULL: none runs */
	unsigned faults, warnings;
	bool is_coloured;
};

/* ---- the machine --------------------------------------------------------------------------------------------------------------- */

static bool is_free(int type, const struct addr *at)
{
	int fd = socket(at->family, type | SOCK_CLOEXEC, 0), one = 1;
	bool is_taken;

	if (fd < 0)
		return true;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	is_taken = bind(fd, &at->sa, addr_len(at)) != 0 && errno == EADDRINUSE;
	close(fd);

	return !is_taken;
}

static void look_at_sip_ports(const struct config *c, struct checkup_host *h)
{
	for (size_t i = 0; i < c->sip.listen_count && !h->sip_taken[0]; i++) {
		const struct addr *at = &c->sip.listen[i].addr;

		if (addr_port(at) && !is_free(c->sip.listen[i].transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM, at))
			addr_text(at, h->sip_taken);
	}
}

static void look_at_rtp_ports(const struct config *c, struct checkup_host *h)
{
	struct addr at;

	h->port_min = c->media.port_min;
	h->port_max = c->media.port_max;
	for (uint32_t port = (h->port_min + 1) & ~1u; port + 1 <= h->port_max; port += 2) {
		bool is_pair = addr_parse_ip(SPAN_LIT("0.0.0.0"), (uint16_t)port, &at) && is_free(SOCK_DGRAM, &at);

		addr_set_port(&at, (uint16_t)(port + 1));
		h->rtp_pairs++;
		h->rtp_taken += !is_pair || !is_free(SOCK_DGRAM, &at);
	}
}

static void look_at_host(struct doctor *d)
{
	struct checkup_host *h = &d->host;
	struct rlimit r;

	h->has_daemon = d->lines != NULL;
	h->max_calls = d->config->sip.max_calls;
	look_at_sip_ports(d->config, h);
	look_at_rtp_ports(d->config, h);
	h->files_wanted = (uint64_t)h->max_calls * FILES_A_CALL + FILES_BESIDE;
	h->files = getrlimit(RLIMIT_NOFILE, &r) == 0 ? r.rlim_max : 0; /* the daemon raises itself to it */
}

/* ---- the daemon ------------------------------------------------------------------------------------------------------------------ */

static void find_daemon(struct doctor *d)
{
	char url[ADDR_TEXT + 10] = "http://", why[300];
	json_t *doc = NULL;

	if (!d->cli->is_api_given && addr_is_set(&d->config->api.listen)) {
		addr_text(&d->config->api.listen, url + strlen(url));
		client_init(&d->cli->api, url, d->cli->key);
	}
	if (client_ask(&d->cli->api, "GET", "/v1/lines", NULL, &doc, why, sizeof(why)) == 200)
		d->lines = json_incref(json_object_get(doc, "lines"));
	json_decref(doc);
}

static bool is_registered(const struct doctor *d, const char *line)
{
	size_t i;
	json_t *l;

	json_array_foreach(d->lines, i, l) {
		const char *name = json_string_value(json_object_get(l, "name")), *state = json_string_value(json_object_get(l, "state"));

		if (name && state && strcmp(name, line) == 0)
			return strcmp(state, "registered") == 0;
	}

	return false;
}

/* ---- words ------------------------------------------------------------------------------------------------------------------------ */

/* Words at INDENT, in lines of WIDTH. */
static void print_words(const char *label, const char *text)
{
	size_t at = INDENT + strlen(label);
	const char *before = "";

	printf("%s", label);
	while (*text) {
		size_t n = strcspn(text, " ");
		bool is_full = at + n > WIDTH && before[0];

		if (is_full)
			printf("\n%*s", INDENT, "");
		printf("%s%.*s", is_full ? "" : before, (int)n, text);
		at = (is_full ? INDENT : at) + n + 1;
		before = " ";
		text += n + (text[n] == ' ');
	}
	putchar('\n');
}

static void print_finding(const struct doctor *d, const struct checkup_finding *f)
{
	static const char *const colours[] = {"\033[32m", "\033[36m", "\033[33m", "\033[31m"};

	printf("  %s%-*s%s", d->is_coloured ? colours[f->level] : "", INDENT - 2, f->level == CHECKUP_FAULT ? "FAULT" : checkup_level_name(f->level),
		d->is_coloured ? "\033[0m" : "");
	print_words("", f->text);
	if (f->evidence[0]) {
		printf("%*s", INDENT, "");
		print_words("seen: ", f->evidence);
	}
	if (f->remedy[0]) {
		printf("%*s", INDENT, "");
		print_words("do: ", f->remedy);
	}
}

static void tell(struct doctor *d, const char *line, const struct checkup_finding *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct checkup_finding *f = &list[i];

		d->faults += f->level == CHECKUP_FAULT;
		d->warnings += f->level == CHECKUP_WARNING;
		if (d->cli->is_json)
			json_array_append_new(d->findings, json_pack("{s:s?, s:s, s:s, s:s, s:s, s:s}", "line", line, "id", f->id, "level",
				checkup_level_name(f->level), "text", f->text, "evidence", f->evidence, "remedy", f->remedy));
		else
			print_finding(d, f);
	}
	fflush(stdout);
}

/* ---- the command -------------------------------------------------------------------------------------------------------------------- */

static void try_line(struct doctor *d, size_t i)
{
	static struct checkup_facts facts; /* large */
	static struct checkup_finding list[CHECKUP_FINDINGS];
	const struct line_config *c = &d->config->lines[i];
	struct doctor_wish w = {.config = d->config, .line = i, .is_registered = is_registered(d, c->name),
		.uses_own_ports = d->host.sip_taken[0] != 0, .number = d->cli->doctor.number,
		.stun = {d->cli->doctor.stun[0], d->cli->doctor.stun[1]}, .is_long = d->cli->doctor.is_long};
	char why[400] = "";

	if (!d->cli->is_json)
		printf("\nLine %s (%s%s%s)\n", c->name, c->preset ? c->preset : "local", c->server ? ", " : "", c->server ? c->server : "");
	fflush(stdout);
	if (!c->server) {
		list[0] = (struct checkup_finding){.id = "local", .level = CHECKUP_NOTE,
			.text = "softphones call this line directly: there is no server to try"};
		tell(d, c->name, list, 1);
	} else if (doctor_try_line(&w, &facts, why, sizeof(why))) {
		tell(d, c->name, list, checkup_line(&facts, list));
	} else {
		list[0] = (struct checkup_finding){.id = "phone", .level = CHECKUP_FAULT};
		snprintf(list[0].text, sizeof(list[0].text), "the line could not be tried: %s", why[0] ? why : "no phone could be opened");
		tell(d, c->name, list, 1);
	}
}

static int finish(struct doctor *d)
{
	if (d->cli->is_json) {
		json_t *doc = json_pack("{s:O, s:i, s:i}", "findings", d->findings, "faults", d->faults, "warnings", d->warnings);

		cli_print_json(doc);
	} else {
		printf("\n%u fault%s, %u warning%s.\n", d->faults, d->faults == 1 ? "" : "s", d->warnings, d->warnings == 1 ? "" : "s");
	}

	return d->faults ? CLI_FAILED : CLI_OK;
}

static bool are_lines_known(const struct doctor *d)
{
	for (int i = 0; i < d->cli->argc; i++)
		if (config_line_find(d->config, d->cli->argv[i]) < 0) {
			fprintf(stderr, "tipring: %s has no line %s\n", d->cli->config_path, d->cli->argv[i]);
			return false;
		}

	return true;
}

static int run(struct doctor *d)
{
	struct checkup_finding list[CHECKUP_FINDINGS];

	if (!are_lines_known(d))
		return CLI_NOT_FOUND;
	find_daemon(d);
	look_at_host(d);
	if (!d->cli->is_json)
		printf("This machine\n");
	tell(d, NULL, list, checkup_host(&d->host, list));
	if (d->cli->argc)
		for (int i = 0; i < d->cli->argc; i++)
			try_line(d, (size_t)config_line_find(d->config, d->cli->argv[i]));
	else
		for (size_t i = 0; i < d->config->line_count; i++)
			try_line(d, i);

	return finish(d);
}

int cli_doctor(struct cli *cli)
{
	static struct config_errors errors;
	struct doctor d = {.cli = cli, .is_coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
	int code = CLI_FAILED;

	log_set_level(LOG_ERROR);
	d.config = config_load(cli->config_path, &errors);
	if (!d.config) {
		config_errors_print(&errors, cli->config_path, stderr);
		return CLI_FAILED;
	}
	d.findings = json_array();
	code = run(&d);
	json_decref(d.findings);
	json_decref(d.lines);
	config_free(d.config);

	return code;
}
