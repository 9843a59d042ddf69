/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"

/* The one place that names concrete providers: makes them on an agent's loop and adds them to its registry. */
struct engines;

/* Before agent_start. has_ears: recognition and mind too, which load models; ret_why says in a sentence what is missing. */
nodiscard int engines_new(struct engines **ret, struct agent *agent, bool has_ears, char *ret_why, size_t cap);
/* After agent_stop, before agent_free. */
struct engines *engines_free(struct engines *e);
