/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/registry.h"
#include "app/config.h"

/* The providers in the network that a configuration names, and its lists of minds, as ports on an agent's loop. */
struct remote;

/* Adds them to what the registry has already: lists may name the embedded mind. ret_why says in a sentence what is missing. */
nodiscard int remote_new(struct remote **ret, uv_loop_t *loop, struct agent_providers *to, const struct config *config, char *ret_why, size_t cap);
/* After the last call. The loop has to run once more. */
struct remote *remote_free(struct remote *r);
