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

/* ---- the car park ---------------------------------------------------------------------------------------------------- */

/* A list of texts; false: something else. */
static bool read_list(json_t *list, const char *ret[static LIMIT_CALL_XFER_TARGETS], size_t *ret_n)
{
	json_t *item;
	size_t i;

	if ((list && !json_is_array(list)) || json_array_size(list) > LIMIT_CALL_XFER_TARGETS)
		return false;
	json_array_foreach(list, i, item)
	{
		ret[i] = json_string_value(item);
		if (!ret[i])
			return false;
	}
	*ret_n = json_array_size(list);

	return true;
}

static json_t *park(struct call *c, json_t *body, int *ret_status)
{
	static const json_int_t slots[] = {1, UINT32_MAX}, times[] = {1, 86400};
	const char *targets[LIMIT_CALL_XFER_TARGETS];
	bool is_bad = false;
	struct call_park want = {.slot = (uint32_t)body_int(body, "slot", slots, 0, &is_bad),
		.timeout_s = (uint32_t)body_int(body, "timeout_s", times, 0, &is_bad), .targets = targets};
	uint32_t slot = 0;
	json_t *answer;
	int err;

	if (is_bad || !read_list(json_object_get(body, "fallback"), targets, &want.target_count))
		return problem(ret_status, 422, "slot is a number, timeout_s 1 to 86400, fallback a list of at most %d numbers or SIP URIs",
			LIMIT_CALL_XFER_TARGETS);
	err = call_park(c, &want, &slot);
	if (err == -TR_EUNSUPP)
		return problem(ret_status, 501, "there are no slots: set park.slots");
	if (err == -EINVAL)
		return problem(ret_status, 422, "slot %u is none of park.slots", want.slot);
	if (err == -TR_ELIMIT)
		return want.slot ? problem(ret_status, 409, "slot %u is taken", want.slot) : problem(ret_status, 409, "all slots are taken");
	answer = done(c, err, ret_status);
	if (!err)
		json_object_set_new(answer, "slot", json_integer(slot));

	return answer;
}

static json_t *retrieve(struct call *c, json_t *body, int *ret_status)
{
	static const json_int_t times[] = {1, 300};
	bool is_bad = false;
	const char *target = body_text(body, "target", &is_bad);
	uint32_t ring_s = (uint32_t)body_int(body, "ring_s", times, 0, &is_bad);

	if (is_bad || !target || !target[0])
		return problem(ret_status, 422, "target is the number or SIP URI of the phone to ring, ring_s 1 to 300");

	return done(c, call_retrieve(c, target, ring_s), ret_status);
}

static json_t *queue(struct call *c, json_t *body, int *ret_status)
{
	bool is_bad = false;
	const char *name = body_text(body, "name", &is_bad);
	int err;

	if (json_is_true(json_object_get(body, "leave")))
		return done(c, call_dequeue(c), ret_status);
	if (is_bad || !name || !name[0])
		return problem(ret_status, 422, "name is that of one of the queues, or leave is true");
	err = call_enqueue(c, name);
	if (err == -TR_ENOTFOUND)
		return problem(ret_status, 404, "there is no queue %s", name);
	if (err == -TR_ELIMIT)
		return problem(ret_status, 409, "the line of %s is full", name);

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
		{"recording", recording}, {"dtmf", dtmf}, {"collect", collect}, {"sensitive", sensitive}, {"park", park},
		{"retrieve", retrieve},	{"queue", queue},
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
