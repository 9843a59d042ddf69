/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"
#include "base/testing.h"
#include <unistd.h>

struct fixture {
	char folder[32], path[64];
	struct api_keys keys;
	char text[3][KEY_TEXT]; /* by role */
	struct gate *gate;
};

static int set_up(void **state)
{
	struct fixture *x = mem_zalloc(sizeof(*x));
	char why[300];

	buf_copy(x->folder, sizeof(x->folder), "/tmp/tipring-gate-XXXXXX");
	assert_non_null(mkdtemp(x->folder));
	snprintf(x->path, sizeof(x->path), "%s/api-keys", x->folder);
	for (int i = 0; i < 3; i++)
		assert_int_equal(keys_add(&x->keys, role_name((enum api_role)i), (enum api_role)i, 0, x->text[i]), 0);
	assert_int_equal(gate_new(&x->gate, x->path, false, why, sizeof(why)), 0);
	*state = x;

	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	gate_free(x->gate);
	unlink(x->path);
	assert_int_equal(rmdir(x->folder), 0);
	free(x);

	return 0;
}

static void save(struct fixture *x)
{
	char why[300];

	assert_int_equal(keys_save(&x->keys, x->path, why, sizeof(why)), 0);
}

/* The status of a refusal; 0: let in. */
static int ask_from(struct fixture *x, const char *source, const char *method, const char *path, const char *key, msec_t now)
{
	char authorization[128] = "";
	struct gate_no no;

	if (key)
		snprintf(authorization, sizeof(authorization), "Bearer %s", key);

	const struct route *r = gate_pass(x->gate, &(struct gate_ask){method, span_z(path), authorization, source}, now, &no);

	return r ? 0 : no.status;
}

static int ask(struct fixture *x, const char *method, const char *path, const char *key, msec_t now)
{
	return ask_from(x, "127.0.0.1", method, path, key, now);
}

static void keys_count_from_the_moment_there_is_one(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(ask(x, "POST", "/v1/reload", NULL, 0), 0);
	assert_int_equal(ask(x, "GET", "/v1/nothing", NULL, 0), 404);
	assert_int_equal(ask(x, "DELETE", "/v1/reload", NULL, 0), 405);
	save(x);
	assert_int_equal(ask(x, "POST", "/v1/reload", NULL, 2000), 401);
	assert_int_equal(ask(x, "GET", "/v1/nothing", NULL, 2000), 401); /* strangers learn nothing */
	assert_int_equal(ask(x, "GET", "/v1/nothing", x->text[0], 2000), 404);
	assert_int_equal(keys_remove(&x->keys, "admin"), 0);
	save(x);
	assert_int_equal(ask(x, "POST", "/v1/reload", x->text[2], 4000), 401);
}

/* Where others may come, no key is no way in. */
static void without_keys_nobody_gets_in_from_elsewhere(void **state)
{
	struct fixture *x = *state;
	char why[300];

	gate_free(x->gate);
	assert_int_equal(gate_new(&x->gate, x->path, true, why, sizeof(why)), 0);
	assert_int_equal(ask(x, "GET", "/v1/health", NULL, 0), 401);
	assert_int_equal(ask(x, "GET", "/v1/health", x->text[0], 0), 401);
	save(x);
	assert_int_equal(ask(x, "GET", "/v1/health", x->text[0], 2000), 0);
}

static void each_route_wants_its_role(void **state)
{
	struct fixture *x = *state;
	const struct route *r;

	save(x);
	for (size_t i = 0; (r = route_at(i)); i++)
		for (int role = 0; role < 3; role++)
			assert_int_equal(ask(x, r->method, r->path, x->text[role], 2000), role >= (int)r->least ? 0 : 403);
}

static void a_lost_or_broken_file_opens_no_door(void **state)
{
	struct fixture *x = *state;

	save(x);
	assert_int_equal(ask(x, "GET", "/v1/health", NULL, 2000), 401);
	assert_int_equal(unlink(x->path), 0);
	assert_int_equal(ask(x, "GET", "/v1/health", NULL, 4000), 401);

	FILE *f = fopen(x->path, "w");

	fputs("nonsense\n", f);
	fclose(f);
	assert_int_equal(ask(x, "GET", "/v1/health", NULL, 6000), 401);
	assert_int_equal(ask(x, "GET", "/v1/health", x->text[0], 6000), 0);
}

static void schemes_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *form;
		int status;
	} cases[] = {{"Bearer %s", 0}, {"bearer   %s ", 0}, {"Basic %s", 401}, {"%s", 401}, {"Bearer", 401}, {"Bearer %sx", 401}, {"Bearer x %s", 401}};
	struct fixture *x = *state;

	save(x);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *at = strstr(cases[i].form, "%s");
		int before = at ? (int)(at - cases[i].form) : (int)strlen(cases[i].form);
		char text[160];
		struct gate_no no = {0};

		snprintf(text, sizeof(text), "%.*s%s%s", before, cases[i].form, at ? x->text[0] : "", at ? at + 2 : "");
		(void)gate_pass(x->gate, &(struct gate_ask){"GET", SPAN_LIT("/v1/health"), text, "127.0.0.1"}, 2000, &no);
		assert_int_equal(no.status, cases[i].status);
		assert_null(strstr(no.detail, x->text[0]));
	}
}

static void guessing_is_slowed_down_and_harms_nobody_else(void **state)
{
	struct fixture *x = *state;

	save(x);
	for (int i = 0; i < LIMIT_API_WRONG_KEYS; i++)
		assert_int_equal(ask(x, "GET", "/v1/health", "wrong", 2000), 401);
	assert_int_equal(ask(x, "GET", "/v1/health", "wrong", 2000), 429);
	assert_int_equal(ask(x, "GET", "/v1/health", x->text[0], 2000), 0);
	assert_int_equal(ask_from(x, "127.0.0.2", "GET", "/v1/health", "wrong", 2000), 401);
	assert_int_equal(ask(x, "GET", "/v1/health", "wrong", 2000 + LIMIT_API_WRONG_MS - 1), 429);
	assert_int_equal(ask(x, "GET", "/v1/health", "wrong", 2000 + LIMIT_API_WRONG_MS), 401);
}

static void sources_are_bounded(void **state)
{
	struct fixture *x = *state;
	char ip[24];

	save(x);
	for (int i = 0; i <= LIMIT_API_WRONG_KEYS; i++)
		(void)ask_from(x, "192.0.2.1", "GET", "/v1/health", "wrong", 2000);
	for (int i = 0; i < LIMIT_API_SOURCES - 1; i++) {
		snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 250, i % 250);
		assert_int_equal(ask_from(x, ip, "GET", "/v1/health", "wrong", 3000 + i), 401);
	}
	assert_int_equal(ask_from(x, "192.0.2.1", "GET", "/v1/health", "wrong", 4000), 429); /* there was room for all */
	assert_int_equal(ask_from(x, "10.9.9.9", "GET", "/v1/health", "wrong", 4001), 401); /* in the place of 10.0.0.0 */
	assert_int_equal(ask_from(x, "192.0.2.1", "GET", "/v1/health", "wrong", 4002), 429);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_count_from_the_moment_there_is_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_keys_nobody_gets_in_from_elsewhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_route_wants_its_role, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_or_broken_file_opens_no_door, set_up, tear_down),
		cmocka_unit_test_setup_teardown(schemes_are_read_as_they_are_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guessing_is_slowed_down_and_harms_nobody_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sources_are_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
