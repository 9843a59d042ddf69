/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "store/outbox.h"
#include <unistd.h>

static char path[80];

static int make_path(void **state)
{
	char dir[] = "/tmp/tipring-outbox-XXXXXX";

	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/out.db", dir);

	return 0;
}

static int remove_path(void **state)
{
	path[strlen(path) - strlen("/out.db")] = 0;

	auto_free char *command = mem_format("rm -rf '%s'", path);

	return system(command);
}

static struct outbox *open_part(const char *part)
{
	char why[200] = "";
	struct outbox *o = outbox_open(path, part, why, sizeof(why));

	assert_string_equal(why, "");

	return o;
}

static void put(struct outbox *o, const char *id, int64_t now_ms)
{
	uint32_t lost;

	assert_int_equal(outbox_put(o, id, "{}", now_ms, &lost), 0);
	assert_int_equal(lost, 0);
}

/* The id of what is due, "" and *ret_due when nothing is. */
static const char *next(struct outbox *o, int64_t now_ms, struct outbox_item *item, int64_t *ret_due)
{
	int n = outbox_next(o, now_ms, item, ret_due);

	assert_true(n >= 0);

	return n ? item->id : "";
}

static void parts_are_apart_and_outlive_the_process(void **state)
{
	struct outbox *a = open_part("a"), *b = open_part("b");
	struct outbox_item item;
	int64_t due;

	put(a, "1", 1000);
	put(a, "2", 1001);
	put(b, "3", 1002);
	outbox_close(a);
	a = open_part("a");
	assert_string_equal(next(a, 2000, &item, &due), "1");
	assert_int_equal(item.made_ms, 1000);
	assert_int_equal(outbox_remove(a, item.seq), 0);
	outbox_item_done(&item);
	assert_string_equal(next(b, 2000, &item, &due), "3");
	outbox_item_done(&item);
	assert_int_equal(outbox_clear(a), 0);
	assert_string_equal(next(a, 2000, &item, &due), "");
	assert_true(due == INT64_MAX);
	assert_int_equal(outbox_count(b), 1);
	outbox_close(a);
	outbox_close(b);
}

static void what_failed_comes_again_later(void **state)
{
	struct outbox *o = open_part("a");
	struct outbox_item item;
	int64_t due;

	put(o, "1", 1000);
	put(o, "2", 1000);
	assert_string_equal(next(o, 1000, &item, &due), "1");
	assert_int_equal(outbox_retry(o, item.seq, 6000), 0);
	outbox_item_done(&item);
	assert_string_equal(next(o, 1000, &item, &due), "2");
	assert_int_equal(outbox_remove(o, item.seq), 0);
	outbox_item_done(&item);
	assert_string_equal(next(o, 5999, &item, &due), "");
	assert_int_equal(due, 6000);
	assert_string_equal(next(o, 6000, &item, &due), "1");
	assert_int_equal(item.attempts, 1);
	outbox_item_done(&item);
	outbox_close(o);
}

static void the_oldest_go_when_there_are_too_many(void **state)
{
	struct outbox *o = open_part("a");
	struct outbox_item item;
	uint32_t lost, all = 0;
	int64_t due;
	char id[16];

	for (int i = 0; i < LIMIT_OUTBOX_WAITING + 20; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(outbox_put(o, id, "{}", 1000, &lost), 0);
		all += lost;
	}
	assert_int_equal(all, 20);
	assert_string_equal(next(o, 1000, &item, &due), "20");
	outbox_item_done(&item);
	outbox_close(o);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	char why[200] = "";

	assert_null(outbox_open("/nowhere/at/all.db", "a", why, sizeof(why)));
	assert_non_null(strstr(why, "folder"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)
	const struct CMUnitTest tests[] = {
		T(parts_are_apart_and_outlive_the_process),
		T(what_failed_comes_again_later),
		T(the_oldest_go_when_there_are_too_many),
		T(a_folder_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
