/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "app/config.h"

/*
 * A scripted caller as people write it, for demonstrations and tests (docs/caller.md): who calls, what is said where a transfer
 * leads, and who answers calls. Each is a list of lines.
 */
struct caller_part {
	bool is_set;
	struct agent_caller_config config;
};

struct caller_file {
	struct arena arena;
	struct caller_part calls;	/* `lines:` at the top */
	struct caller_part transferred; /* after a REFER; unset: it is refused */
	struct caller_part answers;	/* calls that come in; unset: they are refused */
};

/* NULL when there is any error; path is for messages. */
struct caller_file *caller_file_parse(const char *path, struct span text, struct config_errors *errors);
struct caller_file *caller_file_load(const char *path, struct config_errors *errors);
struct caller_file *caller_file_free(struct caller_file *f);
