/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "agent/brain.h"

/* The brain of a scripted caller: caller_script with a voice. config is borrowed and outlives it. -ENOMEM only. */
nodiscard int caller_new(struct brain **ret, const struct brain_env *env, const struct agent_caller_config *config);
