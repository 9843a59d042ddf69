/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cli/client.h"

/* Arguments after the sub-command, options taken out. */
struct cli {
	const char *config_path;
	const char *line, *agent, *target, *language, *today;
	bool is_json, is_quiet, is_verbose, wants_wait;
	int limit;
	int argc; /* what is left: operands */
	char **argv;
	struct client api;
};

/* Each returns an enum cli_exit. */
int cli_calls(struct cli *cli);
int cli_show(struct cli *cli);
int cli_trace(struct cli *cli);
int cli_lines(struct cli *cli);
int cli_call(struct cli *cli);
int cli_hangup(struct cli *cli);
int cli_transfer(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_stats(struct cli *cli);
int cli_demo(struct cli *cli);
int cli_check(struct cli *cli);
int cli_flow_test(struct cli *cli);

/* For people, on standard output. */
void print_ladder(json_t *trace);
void print_transcript_line(json_t *line);
void print_call(json_t *call);
void print_turns(json_t *call);
void print_quality(json_t *call);
