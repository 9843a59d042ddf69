/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/control.h"

/*
 * What is done to a call that runs, below /v1/calls/ID/:
 *
 *	POST recording	{"action": "start" | "stop" | "pause" | "resume"} -> 202
 *	POST park	{"slot"?, "timeout_s"?, "fallback"?: [...]} -> 202 with "slot"
 *	POST queue	{"name"} -> 202; {"leave": true} -> 202, back to the agent
 *	POST retrieve	{"target", "ring_s"?} -> 202
 *	POST dtmf	{"digits", "method"?: "auto" | "inband" | "info" | "rfc4733"} -> 202
 *	POST collect	{"most"?, "terminators"?, "first_ms"?, "inter_ms"?, "sensitive"?} -> 202; {"stop": true} ends it
 *	GET collect	-> {"end", "digits", ...}; the digits of a sensitive entry once
 *	POST sensitive	{"on": true | false} -> 202
 *
 * what: the rest of the path. NULL: there is no such action.
 */
json_t *call_action(const struct control_request *rq, struct call *c, const char *what, int *ret_status);
