/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/ports.h"

/*
 * Flows behind the llm port: the mind "embedded". A session follows the flow of its parameters.
 * Tools: "transfer" and "hang_up", and those that the flow calls and the session's tools_json has.
 *
 * The contexts it asks the recogniser for are called "flow/context" (flow_grammar has them).
 *
 * Thread: the loop.
 */
struct llm_port *flow_llm_new(uv_loop_t *loop);
/* Every session must be closed before. */
struct llm_port *flow_llm_free(struct llm_port *port);
