/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cli/client.h"

#define CLI_NAMES 16

/* Arguments after the sub-command, options taken out. */
struct cli {
	const char *config_path;
	const char *line, *agent, *target, *pcap, *mode, *listen;
	const char *names[CLI_NAMES];
	unsigned name_count;
	bool is_json, is_quiet, is_forced, wants_wait, wants_detect;
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
int cli_hold(struct cli *cli);
int cli_resume(struct cli *cli);
int cli_supervise(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_stats(struct cli *cli);
int cli_demo(struct cli *cli);
int cli_cert(struct cli *cli);
int cli_caller(struct cli *cli);

/* For people, on standard output. */
void print_ladder(json_t *trace);
void print_transcript_line(json_t *line);
void print_call(json_t *call);
void print_turns(json_t *call);
void print_quality(json_t *call);
