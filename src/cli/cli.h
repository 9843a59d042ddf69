/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cli/client.h"

#define CLI_NAMES 16

/* Of `tipring lines add`; NULL: to be asked. */
struct cli_line_options {
	const char *system, *server, *extension, *auth_id, *transport;
	const char *password_file; /* "-": standard input */
	const char *test_number;   /* called besides the own extension; best an echo */
	bool is_untested;	   /* nothing is tried */
	bool is_unasked;	   /* what is missing is an error, not a question */
};

/* Of `tipring route-test`; NULL: not said. */
struct cli_route_options {
	const char *from, *to, *at;
	bool is_out;
};

/* Of `tipring doctor`. */
struct cli_doctor_options {
	const char *number;  /* to call; NULL: none */
	const char *stun[2]; /* NULL: not said */
	bool is_long;
};

/* Arguments after the sub-command, options taken out. */
struct cli {
	const char *config_path;
	bool is_config_given; /* by -c */
	struct cli_line_options add;
	struct cli_route_options test;
	struct cli_doctor_options doctor;
	const char *line, *agent, *target, *pcap, *mode, *listen, *language, *today, *role, *key;
	const char *names[CLI_NAMES]; /* of --name, in order */
	unsigned name_count;
	bool is_json, is_csv, is_quiet, is_verbose, is_forced, wants_wait, wants_detect;
	int limit;
	int argc; /* what is left: operands */
	char **argv;
	struct client api;
	bool is_api_given; /* by --api */
};

/* Each returns an enum cli_exit. */
int cli_calls(struct cli *cli);
int cli_show(struct cli *cli);
int cli_trace(struct cli *cli);
int cli_lines(struct cli *cli);
int cli_lines_add(struct cli *cli);
int cli_route_test(struct cli *cli);
int cli_call(struct cli *cli);
int cli_hangup(struct cli *cli);
int cli_transfer(struct cli *cli);
int cli_hold(struct cli *cli);
int cli_resume(struct cli *cli);
int cli_supervise(struct cli *cli);
int cli_record(struct cli *cli);
int cli_park(struct cli *cli);
int cli_queue(struct cli *cli);
int cli_conference(struct cli *cli);
int cli_retrieve(struct cli *cli);
int cli_dtmf(struct cli *cli);
int cli_collect(struct cli *cli);
int cli_sensitive(struct cli *cli);
int cli_records(struct cli *cli);
int cli_events(struct cli *cli);
int cli_keys(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_stats(struct cli *cli);
int cli_demo(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_cert(struct cli *cli);
int cli_caller(struct cli *cli);

/*
 * Asks the daemon, and turns what is no success into words on standard error and an exit code. *ret_doc is the answer of a success,
 * which the caller owns.
 */
int cli_ask(struct cli *cli, const char *method, const char *path, const char *body, json_t **ret_doc);
/* The same with a body, which it takes over; for people "done ID". */
int cli_act(struct cli *cli, const char *method, const char *path, json_t *body, const char *done);
int cli_usage(const char *text); /* CLI_USAGE */
int cli_print_json(json_t *doc); /* takes doc over */
/* A text of an object; the other one when it has none. Borrowed. */
const char *cli_text_or(json_t *o, const char *key, const char *otherwise);
static inline const char *cli_text(json_t *o, const char *key)
{
	return cli_text_or(o, key, "-");
}
int cli_check(struct cli *cli);
int cli_flow_test(struct cli *cli);

/* For people, on standard output. */
void print_ladder(json_t *trace);
void print_transcript_line(json_t *line);
void print_call(json_t *call);
void print_turns(json_t *call);
void print_quality(json_t *call);
