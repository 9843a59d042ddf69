/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/control.h"

/*
 * Conferences (call/conference.h):
 *
 *	GET    /v1/conferences			{"conferences": [...]}
 *	POST   /v1/conferences			{"calls"?: [ID...]} -> 201 and the conference
 *	GET    /v1/conferences/ID		{"id", "members": [{"call", "from", "to", "muted", "ringing"}]}
 *	DELETE /v1/conferences/ID		ends the calls of all members -> 202
 *	POST   /v1/conferences/ID/members	{"call": ID} or {"target": NUMBER or URI, "muted"?} -> 202
 *	POST   /v1/conferences/ID/members/CALL	{"muted": true | false} -> 202
 *	DELETE /v1/conferences/ID/members/CALL	ends that member's call -> 202
 *
 * path: what follows "/v1/conferences". Never NULL.
 */
json_t *conference_handle(struct control_target *t, const struct control_request *rq, struct span path, int *ret_status);
