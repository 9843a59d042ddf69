/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/control.h"

/* Reading the body of a request. */

/* As an object, which the caller owns; NULL, and a problem in *ret_problem, otherwise. */
json_t *body_object(const struct control_request *rq, int *ret_status, json_t **ret_problem);

/* A text; NULL if it is absent. *ret_bad is set when it is there and no text. */
const char *body_text(json_t *body, const char *key, bool *ret_bad);

/* A whole number from min to max; otherwise when it is absent. *ret_bad is set when it is anything else. */
json_int_t body_int(json_t *body, const char *key, const json_int_t range[static 2], json_int_t otherwise, bool *ret_bad);

/* Which of the NULL-terminated names a text is; 0 when it is absent, -1 when it is none of them. */
int body_choice(json_t *body, const char *key, const char *const *names);

/* 202 with the call's id. */
json_t *body_accepted(int *ret_status, const char *id);
