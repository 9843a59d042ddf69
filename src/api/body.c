/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body.h"
#include "api/problem.h"

json_t *body_object(const struct control_request *rq, int *ret_status, json_t **ret_problem)
{
	json_error_t err;
	json_t *body = json_loads(rq->body, JSON_REJECT_DUPLICATES, &err);

	if (body && json_is_object(body))
		return body;

	*ret_problem = body ? problem(ret_status, 400, "the body must be a JSON object") :
			      problem(ret_status, 400, "the body is not JSON: line %d: %s", err.line, err.text);
	json_decref(body);

	return NULL;
}

const char *body_text(json_t *body, const char *key, bool *ret_bad)
{
	json_t *v = json_object_get(body, key);

	if (v && !json_is_string(v) && !json_is_null(v))
		*ret_bad = true;

	return json_string_value(v);
}

json_int_t body_int(json_t *body, const char *key, const json_int_t range[static 2], json_int_t otherwise, bool *ret_bad)
{
	json_t *v = json_object_get(body, key);
	json_int_t n = json_integer_value(v);

	if (!v || json_is_null(v))
		return otherwise;
	if (!json_is_integer(v) || n < range[0] || n > range[1])
		*ret_bad = true;

	return n;
}

int body_choice(json_t *body, const char *key, const char *const *names)
{
	const char *text = json_string_value(json_object_get(body, key));

	if (!json_object_get(body, key))
		return 0;
	for (int i = 0; text && names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;

	return -1;
}

json_t *body_accepted(int *ret_status, const char *id)
{
	*ret_status = 202;

	return json_pack("{s:s}", "id", id);
}
