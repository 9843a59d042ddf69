/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"

/* Deep copies, since a call outlives the configuration it was started with. NULL when memory is out. */
nodiscard struct agent_config *agent_config_copy(const struct agent_config *c);
struct agent_config *agent_config_free(struct agent_config *c);

nodiscard struct agent_caller_config *agent_caller_config_copy(const struct agent_caller_config *c);
struct agent_caller_config *agent_caller_config_free(struct agent_caller_config *c);
