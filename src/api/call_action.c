/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call_action.h"
#include "api/body.h"
#include "api/problem.h"

static json_t *done(struct call *c, int err, int *ret_status)
{
	return err ? problem(ret_status, err_http_status(err), "%s", err_text(err)) : body_accepted(ret_status, call_record_of(c)->id);
}

/* ---- recording ------------------------------------------------------------------------------------------------------- */

static int (*const recording_acts[])(struct call *c) = {call_recording_start, call_recording_stop};

static json_t *recording(struct call *c, json_t *body, int *ret_status)
{
	static const char *const actions[] = {"", "start", "stop", "pause", "resume", NULL};
	int what = body_choice(body, "action", actions), err;

	if (what <= 0)
		return problem(ret_status, 422, "action is start, stop, pause or resume");
	err = what <= 2 ? recording_acts[what - 1](c) : call_recording_pause(c, what == 3);
	if (err == -TR_ESTATE)
		return problem(ret_status, 409, "the call is %s and its recording %s", call_state_name(call_record_of(c)->state),
			call_recording_name(call_record_of(c)->recording_state));
	if (err == -TR_EUNSUPP)
		return problem(ret_status, 501, "there is no folder for recordings: set media.record_dir");

	return done(c, err, ret_status);
}

/* ---- which ----------------------------------------------------------------------------------------------------------- */

json_t *call_action(const struct control_request *rq, struct call *c, const char *what, int *ret_status)
{
	static const struct {
		const char *what;
		json_t *(*fn)(struct call *c, json_t *body, int *ret_status);
	} acts[] = {
		{"recording", recording},
	};
	json_t *answer = NULL, *body;

	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (strcmp(rq->method, "POST") || strcmp(what, acts[i].what))
			continue;
		body = body_object(rq, ret_status, &answer);
		if (body)
			answer = acts[i].fn(c, body, ret_status);
		json_decref(body);
	}

	return answer;
}
