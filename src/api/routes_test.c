/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"
#include "base/testing.h"

static void each_operation_is_found_once(void **state)
{
	char allow[64];
	const struct route *r;

	for (size_t i = 0; (r = route_at(i)); i++) {
		assert_ptr_equal(route_find(r->method, span_z(r->path), allow, sizeof(allow)), r);
		assert_true(strcmp(r->method, "GET") != 0 || r->least == ROLE_READ || strstr(r->path, "/collect"));
		assert_true(strcmp(r->method, "DELETE") != 0 || r->least > ROLE_READ);
	}
}

static void what_is_not_in_the_table_does_not_exist(void **state)
{
	static const char *const paths[] = {"", "/", "v1/health", "/v1", "/v1/", "/v1/health/", "/v1/healthy", "/v1//health", "/v1/calls/", "/v1/calls//hold",
		"/v1/calls/x/", "/v1/calls/x/y", "/v1/calls/x/hold/y", "/v1/records/a/b", "//v1/health", "/V1/health"};
	char allow[64];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_null(route_find("GET", span_z(paths[i]), allow, sizeof(allow)));
		assert_string_equal(allow, "");
	}
}

static void another_method_is_told_which_there_are(void **state)
{
	char allow[64];
	const struct route *r = route_find("POST", SPAN_LIT("/v1/calls/c1/hold"), allow, sizeof(allow));

	assert_non_null(r);
	assert_int_equal(r->least, ROLE_OPERATE);
	assert_null(route_find("PUT", SPAN_LIT("/v1/calls/c1"), allow, sizeof(allow)));
	assert_string_equal(allow, "GET, DELETE");
	assert_null(route_find("DELETE", SPAN_LIT("/v1/reload"), allow, sizeof(allow)));
	assert_string_equal(allow, "POST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_is_found_once),
		cmocka_unit_test(what_is_not_in_the_table_does_not_exist),
		cmocka_unit_test(another_method_is_told_which_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
