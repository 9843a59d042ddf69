/* SPDX-License-Identifier: Apache-2.0 */
#include "api/repeat.h"
#include "base/testing.h"

static uint8_t id[REPEAT_ID];
static struct repeat_answer answer;

static enum repeat_verdict look(struct repeats *r, const char *key, const char *body, msec_t now)
{
	struct repeat_ask ask = {.key = key, .authorization = "Bearer a", .method = "POST", .path = "/v1/calls", .body = body};

	return repeat_look(r, &ask, now, id, &answer);
}

static void the_first_answer_is_given_again(void **state)
{
	struct repeats *r = repeats_new();

	assert_int_equal(look(r, "k", "{}", 0), REPEAT_NEW);
	assert_int_equal(look(r, "k", "{}", 10), REPEAT_BUSY);
	repeat_done(r, id, 201, "{\"id\":1}", 20);
	assert_int_equal(look(r, "k", "{}", 30), REPEAT_SAME);
	assert_int_equal(answer.status, 201);
	assert_string_equal(answer.text, "{\"id\":1}");
	assert_int_equal(look(r, "k", "{\"x\":1}", 30), REPEAT_OTHER);
	assert_int_equal(look(r, "k2", "{\"x\":1}", 30), REPEAT_NEW);

	/* The same key of somebody else, or of another operation, is another. */
	struct repeat_ask ask = {.key = "k", .authorization = "Bearer b", .method = "POST", .path = "/v1/calls", .body = "{}"};

	assert_int_equal(repeat_look(r, &ask, 40, id, &answer), REPEAT_NEW);
	ask.authorization = "Bearer a";
	ask.path = "/v1/calls/k";
	assert_int_equal(repeat_look(r, &ask, 40, id, &answer), REPEAT_NEW);
	repeats_free(r);
}

static void what_failed_may_be_tried_again(void **state)
{
	static const struct {
		int status;
		enum repeat_verdict then;
	} rows[] = {{201, REPEAT_SAME}, {404, REPEAT_SAME}, {422, REPEAT_SAME}, {429, REPEAT_NEW}, {500, REPEAT_NEW}, {503, REPEAT_NEW}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct repeats *r = repeats_new();

		assert_int_equal(look(r, "k", "", 0), REPEAT_NEW);
		repeat_done(r, id, rows[i].status, "", 1);
		assert_int_equal(look(r, "k", "", 2), rows[i].then);
		repeats_free(r);
	}
}

static void memory_ends_with_time_and_place(void **state)
{
	struct repeats *r = repeats_new();
	char key[20];

	assert_int_equal(look(r, "lost", "", 0), REPEAT_NEW); /* its answer never comes */
	assert_int_equal(look(r, "lost", "", 59999), REPEAT_BUSY);
	assert_int_equal(look(r, "lost", "", 60000), REPEAT_NEW);
	repeat_done(r, id, 202, "", 60000);
	assert_int_equal(look(r, "lost", "", 60000 + (msec_t)LIMIT_API_REPEAT_MS - 1), REPEAT_SAME);
	assert_int_equal(look(r, "lost", "", 60000 + (msec_t)LIMIT_API_REPEAT_MS), REPEAT_NEW);
	repeat_done(r, id, 202, "", 60001 + (msec_t)LIMIT_API_REPEAT_MS);
	for (int i = 0; i < LIMIT_API_REPEATS; i++) {
		msec_t now = 60002 + (msec_t)LIMIT_API_REPEAT_MS + i;

		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(look(r, key, "", now), REPEAT_NEW);
		repeat_done(r, id, 202, "", now);
	}
	assert_int_equal(look(r, "0", "", 100000 + (msec_t)LIMIT_API_REPEAT_MS), REPEAT_SAME);
	assert_int_equal(look(r, "lost", "", 100000 + (msec_t)LIMIT_API_REPEAT_MS), REPEAT_NEW); /* was the oldest */
	repeat_done(r, (const uint8_t[REPEAT_ID]){0}, 200, "", 0);				 /* of nobody */
	repeats_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_answer_is_given_again),
		cmocka_unit_test(what_failed_may_be_tried_again),
		cmocka_unit_test(memory_ends_with_time_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
