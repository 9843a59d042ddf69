/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_append.h"
#include "cli/lines_add.h"
#include <libgen.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/*
 * A line in at most five questions: system, server, number, authentication id where it differs, password; and the agent when there are
 * several and a question is left. Then the trial, then the file.
 */
#define MOST_QUESTIONS 5

struct add {
	struct cli *cli;
	struct wish wish;
	struct config *config; /* of the file; NULL: there is none yet */
	unsigned asked;
	char secret_path[600], secret_ref[200];
};

/* ---- questions ----------------------------------------------------------------------------------------------------------- */

static bool read_line(char *ret, size_t cap, bool is_secret)
{
	struct termios old, quiet;
	bool is_tty = is_secret && tcgetattr(STDIN_FILENO, &old) == 0;
	char *got;

	if (is_tty) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(ret, (int)cap, stdin);
	if (is_tty) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	if (!got)
		return false;
	ret[strcspn(ret, "\r\n")] = 0;

	return true;
}

/* given, or the answer to a question; an empty answer is fallback. False: nothing, and said so. */
static bool ask(struct add *a, const char *flag, const char *given, const char *question, const char *fallback, char *ret, size_t cap)
{
	if (given) {
		buf_copy(ret, cap, given);
		return true;
	}
	if (a->cli->add.is_unasked) {
		buf_copy(ret, cap, fallback ? fallback : "");
		if (!fallback)
			fprintf(stderr, "tipring: --%s is missing (%s)\n", flag, question);
		return fallback != NULL;
	}
	a->asked++;
	fprintf(stderr, "%u. %s%s%s%s: ", a->asked, question, fallback && fallback[0] ? " [" : "", fallback ? fallback : "",
		fallback && fallback[0] ? "]" : "");
	if (!read_line(ret, cap, !strcmp(flag, "password-file")))
		return false;
	if (!ret[0] && fallback)
		buf_copy(ret, cap, fallback);
	if (!ret[0] && !fallback)
		fprintf(stderr, "tipring: without an answer there is no line\n");

	return ret[0] || fallback;
}

static bool ask_system(struct add *a)
{
	char answer[64];
	uint32_t number;
	size_t n = 0;

	if (!a->cli->add.system && !a->cli->add.is_unasked)
		for (const struct line_preset *p = line_presets; p->name; p++)
			fprintf(stderr, "  %2zu  %-18s %s\n", ++n, p->name, p->title);
	if (!ask(a, "system", a->cli->add.system, "Which system", "freepbx", answer, sizeof(answer)))
		return false;
	n = 0;
	while (line_presets[n].name)
		n++;
	if (span_u32(span_z(answer), &number) && number >= 1 && number <= n)
		a->wish.preset = &line_presets[number - 1];
	else
		a->wish.preset = line_preset_find(answer);
	if (!a->wish.preset) {
		fprintf(stderr, "tipring: there is no system \"%s\"; known are:", answer);
		for (const struct line_preset *p = line_presets; p->name; p++)
			fprintf(stderr, " %s", p->name);
		fputc('\n', stderr);
	} else if (!a->cli->add.is_unasked && a->wish.preset->note[0]) {
		fprintf(stderr, "   (%s; docs/connect/%s.md shows each step)\n", a->wish.preset->note, a->wish.preset->name);
	}

	return a->wish.preset != NULL;
}

static bool read_password_file(struct add *a, const char *path)
{
	FILE *f = !strcmp(path, "-") ? stdin : fopen(path, "re");
	bool is_read = f && fgets(a->wish.password, sizeof(a->wish.password), f);

	if (f && f != stdin)
		fclose(f);
	a->wish.password[strcspn(a->wish.password, "\r\n")] = 0;
	if (!is_read || !a->wish.password[0])
		fprintf(stderr, "tipring: no password in %s\n", path);

	return is_read && a->wish.password[0];
}

static bool ask_password(struct add *a)
{
	const struct line_preset *p = a->wish.preset;
	bool is_needed = p->does_register;

	if (a->cli->add.password_file)
		return read_password_file(a, a->cli->add.password_file);
	if (p->auth == PRESET_AUTH_NONE || (!is_needed && (a->cli->add.is_unasked || !a->wish.auth_id[0])))
		return true;

	return ask(a, "password-file", NULL, p->password_is, is_needed ? NULL : "", a->wish.password, sizeof(a->wish.password));
}

static bool ask_agent(struct add *a)
{
	const struct config *c = a->config;
	const char *first = c && c->agent_count ? c->agents[0].name : "reception";
	char question[300] = "Which agent answers (";

	for (size_t i = 0; c && i < c->agent_count && strlen(question) < 200; i++)
		snprintf(question + strlen(question), sizeof(question) - strlen(question), "%s%s", i ? ", " : "", c->agents[i].name);
	snprintf(question + strlen(question), sizeof(question) - strlen(question), ")");
	if (!a->cli->agent && (!c || c->agent_count < 2 || a->asked >= MOST_QUESTIONS))
		buf_copy(a->wish.agent, sizeof(a->wish.agent), first);
	else if (!ask(a, "agent", a->cli->agent, question, first, a->wish.agent, sizeof(a->wish.agent)))
		return false;
	if (c && c->agent_count && !config_agent_find(c, a->wish.agent)) {
		fprintf(stderr, "tipring: there is no agent %s\n", a->wish.agent);
		return false;
	}

	return true;
}

static bool ask_all(struct add *a)
{
	struct cli_line_options *o = &a->cli->add;
	struct wish *w = &a->wish;

	if (!ask_system(a) || !ask(a, "server", o->server, w->preset->server_is, w->preset->default_server, w->server, sizeof(w->server)) ||
		!ask(a, "extension", o->extension, w->preset->extension_is, NULL, w->extension, sizeof(w->extension)))
		return false;
	if (o->auth_id)
		buf_copy(w->auth_id, sizeof(w->auth_id), o->auth_id);
	else if (w->preset->auth == PRESET_AUTH_DIFFERS &&
		!ask(a, "auth-id", NULL, w->preset->auth_is, NULL, w->auth_id, sizeof(w->auth_id)))
		return false;
	/* A trunk by address may have credentials for calls out; without a user name there is no password to ask for. */
	if (!o->auth_id && !w->preset->does_register && w->preset->auth == PRESET_AUTH_SAME && w->preset->auth_is &&
		!ask(a, "auth-id", NULL, w->preset->auth_is, "", w->auth_id, sizeof(w->auth_id)))
		return false;
	buf_copy(w->transport, sizeof(w->transport), o->transport ? o->transport : "");

	return ask_password(a) && ask_agent(a);
}

/* ---- what will be written ------------------------------------------------------------------------------------------------ */

void wish_yaml(const struct wish *w, const char *secret, char *ret, size_t cap)
{
	char server[300], extension[200], auth_id[200];
	bool is_number = w->extension[0] == '+' && !w->preset->does_register;
	size_t n;

	config_quote(w->server, server, sizeof(server));
	config_quote(w->extension, extension, sizeof(extension));
	config_quote(w->auth_id, auth_id, sizeof(auth_id));
	n = (size_t)snprintf(ret, cap, "- name: %s\n  preset: %s\n  server: %s\n  extension: %s\n", w->name, w->preset->name, server,
		extension);
	if (w->auth_id[0] && n < cap)
		n += (size_t)snprintf(ret + n, cap - n, "  auth_id: %s\n", auth_id);
	if (secret[0] && n < cap)
		n += (size_t)snprintf(ret + n, cap - n, "  password: %s\n", secret);
	if (w->transport[0] && n < cap)
		n += (size_t)snprintf(ret + n, cap - n, "  transport: %s\n", w->transport);
	if (is_number && n < cap)
		snprintf(ret + n, cap - n, "  caller_id: %s\n", extension);
}

/* A name that is not taken: the one wanted, else that of the system, with a number behind it when need be. */
static bool choose_name(struct add *a)
{
	const char *stem = a->cli->names[0] ? a->cli->names[0] : a->wish.preset->name;

	buf_copy(a->wish.name, sizeof(a->wish.name), stem);
	if (strspn(stem, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(stem) || !stem[0]) {
		fprintf(stderr, "tipring: --name is made of letters, digits, - and _\n");
		return false;
	}
	for (unsigned i = 2; a->config && config_line_find(a->config, a->wish.name) >= 0 && i < 1000; i++) {
		if (a->cli->names[0]) {
			fprintf(stderr, "tipring: there is a line %s already\n", stem);
			return false;
		}
		snprintf(a->wish.name, sizeof(a->wish.name), "%.50s-%u", stem, i);
	}

	return true;
}

static void name_secret(struct add *a)
{
	char copy[500];

	if (!a->wish.password[0])
		return;
	buf_copy(copy, sizeof(copy), a->cli->config_path);
	snprintf(a->secret_path, sizeof(a->secret_path), "%s/%s.secret", dirname(copy), a->wish.name);
	snprintf(a->secret_ref, sizeof(a->secret_ref), "${file:%s.secret}", a->wish.name);
}

/* A PBX on the same machine has SIP's port already: a new file gets another one for us. */
static bool is_port_taken(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_taken = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 && errno == EADDRINUSE;

	if (fd >= 0)
		close(fd);

	return is_taken;
}

static int write_file(struct add *a, char *ret_why, size_t cap)
{
	char line[2000], route[300];
	struct config_addition additions[4];
	size_t n = 0;
	int err = a->secret_path[0] ? config_write_secret(a->secret_path, a->wish.password) : 0;

	if (err) {
		snprintf(ret_why, cap, err == -EEXIST ? "%s is there already: remove it, or give the line another --name" : "%s: %s",
			a->secret_path, err_text(err));
		return err;
	}
	wish_yaml(&a->wish, a->secret_ref, line, sizeof(line));
	snprintf(route, sizeof(route), "- { line: %s, agent: %s }\n", a->wish.name, a->wish.agent);
	additions[n++] = (struct config_addition){"lines", line};
	if (!a->config || !a->config->agent_count)
		additions[n++] = (struct config_addition){"agents",
			"- name: reception\n  greeting: \"Hello, how can I help you?\"\n"
			"  brain: { kind: pipeline, stt: embedded, llm: embedded, tts: embedded }\n"};
	additions[n++] = (struct config_addition){"routes", route};
	if (!a->config && is_port_taken(5060))
		additions[n++] = (struct config_addition){"sip",
			"# another SIP program of this machine has port 5060\n"
			"listen: [ \"udp:0.0.0.0:5062\", \"tcp:0.0.0.0:5062\" ]\n"};
	err = config_append_file(a->cli->config_path, additions, n, ret_why, cap);
	if (err && a->secret_path[0])
		unlink(a->secret_path);

	return err;
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool load(struct add *a)
{
	static struct config_errors errors;

	if (access(a->cli->config_path, F_OK) != 0)
		return true;
	a->config = config_load(a->cli->config_path, &errors);
	if (!a->config) {
		config_errors_print(&errors, a->cli->config_path, stderr);
		fprintf(stderr, "tipring: mend the file first; nothing was changed\n");
	}

	return a->config != NULL;
}

/* A running daemon takes the new line at once. */
static const char *tell_daemon(struct cli *cli)
{
	json_t *doc = NULL;
	char why[300];
	int status = client_ask(&cli->api, "GET", "/v1/health", NULL, &doc, why, sizeof(why));

	json_decref(doc);
	if (status != 200)
		return "start it with: tipring serve";
	doc = NULL;
	status = client_ask(&cli->api, "POST", "/v1/reload", "", &doc, why, sizeof(why));
	json_decref(doc);

	return status == 200 ? "the running daemon was told to read its configuration again" :
			       "a daemon runs, but did not take its configuration anew: see `tipring reload`";
}

static int finish(struct add *a, json_t *steps, bool is_fine)
{
	char why[500] = "";
	int err = is_fine ? write_file(a, why, sizeof(why)) : 0;
	const char *next = is_fine && !err ? tell_daemon(a->cli) : "";

	if (a->cli->is_json) {
		json_t *doc = json_pack("{s:b, s:s, s:s, s:s, s:s?, s:O}", "written", is_fine && !err, "line", a->wish.name, "file",
			a->cli->config_path, "next", next, "error", why[0] ? why : NULL, "steps", steps);

		cli_print_json(doc);
	} else if (err) {
		fprintf(stderr, "tipring: %s\n", why);
	} else if (!is_fine) {
		printf("\nNothing was written. --no-test writes the line as it is.\n");
	} else {
		printf("\nLine %s was added to %s%s%s; agent %s answers.\n%s\n", a->wish.name, a->cli->config_path,
			a->secret_path[0] ? ", its password to " : "", a->secret_path, a->wish.agent, next);
	}

	return err || !is_fine ? CLI_FAILED : CLI_OK;
}

int cli_lines_add(struct cli *cli)
{
	struct add a = {.cli = cli};
	json_t *steps = json_array();
	int code = CLI_FAILED;

	/* A daemon's default is not where people without privileges can write. */
	if (!cli->is_config_given && access(cli->config_path, F_OK) != 0)
		cli->config_path = "tipring.yaml";
	if (load(&a) && ask_all(&a) && choose_name(&a)) {
		name_secret(&a);

		bool is_fine = cli->add.is_untested || lines_try(&a.wish, cli->add.test_number, cli->is_json ? steps : NULL);

		code = finish(&a, steps, is_fine);
	}
	explicit_bzero(a.wish.password, sizeof(a.wish.password));
	json_decref(steps);
	config_free(a.config);

	return code;
}
