/* SPDX-License-Identifier: Apache-2.0 */
#include "api/feed.h"
#include "base/testing.h"

static void put(struct feed *f, const char *type, size_t bytes)
{
	struct event e = {.text = mem_zalloc(bytes + 1)};

	memset(e.text, 'x', bytes);
	buf_copy(e.type, sizeof(e.type), type);
	feed_put(f, &e);
	assert_null(e.text);
}

static void readers_go_at_their_own_pace(void **state)
{
	struct feed *f = feed_new(1000);
	uint64_t quick = feed_newest(f), slow = quick, missed;
	struct feed_item item;

	assert_false(feed_next(f, &quick, &item, &missed));
	put(f, "a", 3);
	put(f, "b", 3);
	assert_true(feed_next(f, &quick, &item, &missed));
	assert_string_equal(item.type, "a");
	assert_true(feed_next(f, &quick, &item, &missed));
	assert_true(item.id == quick && item.id == 1000001);
	assert_false(feed_next(f, &quick, &item, &missed));
	assert_true(feed_next(f, &slow, &item, &missed));
	assert_string_equal(item.type, "a");
	assert_true(missed == 0);
	feed_free(f);
}

static void who_falls_behind_is_told_how_much_is_gone(void **state)
{
	struct feed *f = feed_new(1000);
	uint64_t cursor = feed_newest(f), before = 17, ahead = UINT64_MAX, missed;
	struct feed_item item;

	for (int i = 0; i < LIMIT_EVENTS_KEPT + 5; i++)
		put(f, "a", 10);
	assert_true(feed_next(f, &cursor, &item, &missed));
	assert_true(missed == 5);
	assert_true(item.id == 1000000 + 5);
	assert_true(feed_next(f, &before, &item, &missed)); /* an id of the process before */
	assert_true(missed == UINT64_MAX);
	assert_false(feed_next(f, &ahead, &item, &missed));
	feed_free(f);
}

static void large_events_push_out_the_old(void **state)
{
	struct feed *f = feed_new(1000);
	uint64_t cursor = feed_newest(f), missed;
	struct feed_item item;
	int n = 0;

	for (int i = 0; i < 100; i++)
		put(f, "a", 1 << 20);
	while (feed_next(f, &cursor, &item, &missed))
		n++;
	assert_int_equal(n, LIMIT_EVENTS_BYTES >> 20);
	put(f, "a", LIMIT_EVENTS_BYTES + 1); /* one is always kept */
	assert_true(feed_next(f, &cursor, &item, &missed));
	feed_free(f);
}

static void patterns_name_types(void **state)
{
	assert_true(event_matches("call.*", "call.ended"));
	assert_true(event_matches("*", "transcript"));
	assert_false(event_matches("call.ended", "call.ended2"));
	assert_false(event_matches("", "call.ended"));
	assert_true(event_is_known("media.*") && event_is_known("transcript") && event_is_known("line.failed"));
	assert_false(event_is_known("calls.*") || event_is_known("") || event_is_known("call"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_go_at_their_own_pace),
		cmocka_unit_test(who_falls_behind_is_told_how_much_is_gone),
		cmocka_unit_test(large_events_push_out_the_old),
		cmocka_unit_test(patterns_name_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
