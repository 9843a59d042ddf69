/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/ports.h"

/*
 * Flows behind the llm port: the mind "flow". A session follows the flow of its parameters, or the receptionist that is built in.
 * Tools: "transfer" and "hang_up", and those that the flow calls and the session's tools_json has.
 *
 * The contexts it asks the recogniser for are called "flow/context" (flow_grammar has them).
 *
 * Thread: the loop.
 */
nodiscard int flow_llm_new(struct llm_port **ret, uv_loop_t *loop, struct port_fault *ret_fault);
/* Every session must be closed before. */
struct llm_port *flow_llm_free(struct llm_port *port);
