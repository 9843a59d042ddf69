/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call_action.h"
#include "api/body.h"
#include "api/json.h"
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

/* ---- keys ------------------------------------------------------------------------------------------------------------ */

static json_t *dtmf(struct call *c, json_t *body, int *ret_status)
{
	static const char *const methods[] = {"auto", "inband", "info", "rfc4733", NULL}; /* enum call_dtmf */
	int how = body_choice(body, "method", methods);
	bool is_bad = how < 0;
	const char *digits = body_text(body, "digits", &is_bad);
	int err = is_bad || !digits || !digits[0] ? -EINVAL : call_send_dtmf(c, digits, (enum call_dtmf)how);

	if (err == -EINVAL)
		return problem(ret_status, 422,
			"digits are missing, or are not 0-9 * # A-D and commas for pauses; method is auto, rfc4733, info or inband");
	if (err == -TR_EUNSUPP)
		return problem(ret_status, 409, "the other side takes no telephone-events (RFC 4733) on this call");

	return done(c, err, ret_status);
}

static json_t *collect(struct call *c, json_t *body, int *ret_status)
{
	static const json_int_t times[] = {100, 600000}, counts[] = {1, LIMIT_DTMF_COLLECT};
	struct collect_params p = {.terminators = "#"};
	bool is_bad = false, is_sensitive = json_is_true(json_object_get(body, "sensitive"));
	const char *ends = body_text(body, "terminators", &is_bad);

	if (json_is_true(json_object_get(body, "stop")))
		return done(c, call_collect_stop(c), ret_status);
	p.most = (uint32_t)body_int(body, "most", counts, 0, &is_bad);
	p.first_ms = (uint32_t)body_int(body, "first_ms", times, 0, &is_bad);
	p.inter_ms = (uint32_t)body_int(body, "inter_ms", times, 0, &is_bad);
	if (ends && (strlen(ends) >= sizeof(p.terminators) || strspn(ends, "0123456789*#ABCD") != strlen(ends)))
		is_bad = true;
	if (is_bad)
		return problem(ret_status, 422, "most is 1 to %d keys, first_ms and inter_ms 100 to 600000, terminators keys (0-9*#A-D)",
			LIMIT_DTMF_COLLECT);
	if (ends)
		buf_copy(p.terminators, sizeof(p.terminators), ends);

	return done(c, call_collect(c, &p, is_sensitive), ret_status);
}

static json_t *collected(struct call *c)
{
	const struct call_record *r = call_record_of(c);
	char keys[LIMIT_DTMF_COLLECT + 1];
	json_t *answer = json_call_collected(r);

	if (!json_is_object(answer))
		return json_pack("{s:s}", "end", "none");
	if (call_collect_take(c, keys, sizeof(keys)))
		json_object_set_new(answer, "digits", json_string(keys));
	explicit_bzero(keys, sizeof(keys));

	return answer;
}

static json_t *sensitive(struct call *c, json_t *body, int *ret_status)
{
	json_t *on = json_object_get(body, "on");

	if (!json_is_boolean(on))
		return problem(ret_status, 422, "on is true or false");

	return done(c, call_set_sensitive(c, CALL_SENSITIVE_OUTSIDE, json_is_true(on)), ret_status);
}

/* ---- which ----------------------------------------------------------------------------------------------------------- */

json_t *call_action(const struct control_request *rq, struct call *c, const char *what, int *ret_status)
{
	static const struct {
		const char *what;
		json_t *(*fn)(struct call *c, json_t *body, int *ret_status);
	} acts[] = {
		{"recording", recording}, {"dtmf", dtmf}, {"collect", collect}, {"sensitive", sensitive},
	};
	json_t *answer = NULL, *body;

	if (!strcmp(rq->method, "GET") && !strcmp(what, "collect"))
		return collected(c);
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
