/* SPDX-License-Identifier: Apache-2.0 */
#include "api/conference.h"
#include "api/body.h"
#include "api/problem.h"
#include "call/conference.h"

/* ---- showing --------------------------------------------------------------------------------------------------------- */

static bool add_member(void *ctx, const struct conference_member *m)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:b}", "call", m->call->id, "from", m->call->from, "to", m->call->to, "muted",
		m->is_muted, "ringing", m->is_ringing);

	if (o)
		json_array_append_new(ctx, o);

	return true;
}

static json_t *show(const struct conference *k)
{
	json_t *members = json_array();

	conference_members(k, add_member, members);

	return json_pack("{s:s, s:o}", "id", conference_id(k), "members", members);
}

static void add_conference(void *ctx, const struct conference *k)
{
	json_array_append_new(ctx, show(k));
}

/* ---- acting ---------------------------------------------------------------------------------------------------------- */

static json_t *outcome(const struct conference *k, int err, int *ret_status)
{
	if (err == -TR_ELIMIT)
		return problem(ret_status, 409, "the conference is full: %d members", LIMIT_MIX_MEMBERS);
	if (err == -TR_ESTATE)
		return problem(ret_status, 409, "the call must be up, and neither held, parked, supervised, being transferred nor in a conference; "
						"a target is rung over the line of a member");

	return err ? problem(ret_status, err_http_status(err), "%s", err_text(err)) : body_accepted(ret_status, conference_id(k));
}

/* Those of the list enter a new conference, up to the first that cannot. */
static json_t *open_conference(struct control_target *t, json_t *body, int *ret_status)
{
	json_t *list = json_object_get(body, "calls"), *item;
	struct conference *k;
	size_t i;
	int err;

	if (list && (!json_is_array(list) || json_array_size(list) > LIMIT_MIX_MEMBERS))
		return problem(ret_status, 422, "calls is a list of at most %d ids of calls", LIMIT_MIX_MEMBERS);
	json_array_foreach(list, i, item)
		if (!json_is_string(item) || !calls_find(t->calls, json_string_value(item)))
			return problem(ret_status, 404, "calls: number %zu is no call that runs", i + 1);
	err = conference_new(t->calls, &k);
	if (err)
		return problem(ret_status, err_http_status(err), "%d conferences are open, which is the most", LIMIT_CALL_ROOMS);
	json_array_foreach(list, i, item)
	{
		struct call *c = calls_find(t->calls, json_string_value(item));

		/* One who came in with another of the list is there already. */
		err = conference_has(k, c) ? 0 : conference_add(k, c);
		if (err)
			return problem(ret_status, err_http_status(err), "call %s cannot enter (%s); the conference %s is open with those before it",
				json_string_value(item), err_text(err), conference_id(k));
	}
	*ret_status = 201;

	return show(k);
}

static json_t *add(struct control_target *t, struct conference *k, json_t *body, int *ret_status)
{
	bool is_bad = false, is_muted = json_is_true(json_object_get(body, "muted"));
	const char *id = body_text(body, "call", &is_bad), *target = body_text(body, "target", &is_bad);
	struct call *c = id ? calls_find(t->calls, id) : NULL;

	if (is_bad || !id == !target || (target && !target[0]))
		return problem(ret_status, 422, "either call, the id of a call that runs, or target, a number or SIP URI to ring");
	if (target)
		return outcome(k, conference_ring(k, target, is_muted), ret_status);
	if (!c)
		return problem(ret_status, 404, "there is no call %s", id);

	int err = conference_add(k, c);

	return outcome(k, err ? err : conference_mute(k, c, is_muted), ret_status);
}

static json_t *mute(struct conference *k, struct call *c, json_t *body, int *ret_status)
{
	json_t *muted = json_object_get(body, "muted");

	if (!json_is_boolean(muted))
		return problem(ret_status, 422, "muted is true or false");

	return outcome(k, conference_mute(k, c, json_is_true(muted)), ret_status);
}

/* ---- paths ----------------------------------------------------------------------------------------------------------- */

struct place {
	struct conference *k;
	struct call *member;
	bool names_members, names_member; /* ".../members", ".../members/CALL" */
};

static json_t *on_conference(struct control_target *t, const struct control_request *rq, const struct place *p, int *ret_status)
{
	bool is_post = !strcmp(rq->method, "POST"), is_delete = !strcmp(rq->method, "DELETE");
	json_t *answer = NULL, *body = is_post ? body_object(rq, ret_status, &answer) : NULL;

	if (is_post && !body)
		return answer;
	if (!strcmp(rq->method, "GET") && !p->names_members)
		answer = show(p->k);
	else if (is_post && p->names_member)
		answer = mute(p->k, p->member, body, ret_status);
	else if (is_post && p->names_members)
		answer = add(t, p->k, body, ret_status);
	else if (is_delete && p->names_member)
		answer = outcome(p->k, conference_remove(p->k, p->member), ret_status);
	json_decref(body);
	if (!answer && is_delete && !p->names_members) {
		answer = body_accepted(ret_status, conference_id(p->k));
		conference_close(p->k);
	}

	return answer ? answer : problem(ret_status, 404, "a conference has no such request: %s", rq->method);
}

json_t *conference_handle(struct control_target *t, const struct control_request *rq, struct span path, int *ret_status)
{
	struct place p = {0};
	json_t *answer = NULL, *body;

	(void)span_cut(&path, '/');

	auto_free char *id = span_dup(span_cut(&path, '/'));
	struct span rest = path, word = span_cut(&rest, '/');
	auto_free char *member = span_dup(rest);

	if (!id || !member)
		return problem(ret_status, 503, "out of memory");
	if (!id[0] && !strcmp(rq->method, "GET")) {
		answer = json_array();
		conferences_each(t->calls, add_conference, answer);
		return json_pack("{s:o}", "conferences", answer);
	}
	if (!id[0] && !strcmp(rq->method, "POST")) {
		body = body_object(rq, ret_status, &answer);
		answer = body ? open_conference(t, body, ret_status) : answer;
		json_decref(body);
		return answer;
	}
	p.k = conference_find(t->calls, id);
	if (!p.k)
		return problem(ret_status, 404, "there is no conference %s", id);
	p.names_members = span_eq_z(word, "members");
	p.names_member = p.names_members && member[0];
	p.member = p.names_member ? calls_find(t->calls, member) : NULL;
	if ((word.n && !p.names_members) || (p.names_member && (!p.member || !conference_has(p.k, p.member))))
		return problem(ret_status, 404, "the conference has no such member or part");

	return on_conference(t, rq, &p, ret_status);
}
