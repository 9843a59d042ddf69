/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/ports.h"

/*
 * The receptionist behind the llm port. Its tools: "transfer" and "hang_up", and "book_appointment" {date, time, name} when the
 * session's tools_json has it; without it an appointment is only said to be booked, and the transcript is the record.
 *
 * Thread: the loop.
 */
struct receptionist_llm_params {
	const char *hours, *prices, *address; /* copied; NULL: general answers */
	uint8_t open_days;		      /* as in struct receptionist_params */
	int32_t opens, closes;
};

nodiscard int receptionist_llm_new(struct llm_port **ret, uv_loop_t *loop, const struct receptionist_llm_params *params);
/* Every session must be closed before. */
struct llm_port *receptionist_llm_free(struct llm_port *port);
