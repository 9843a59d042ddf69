/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "store/db.h"
#include "store/reader.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64], path[80];

static int make_dir(void **state)
{
	buf_copy(dir, sizeof(dir), "/tmp/tipring-store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/calls.db", dir);

	return 0;
}

static int remove_dir(void **state)
{
	auto_free char *command = mem_format("rm -rf '%s'", dir);

	return system(command);
}

static struct store *open_store(uint32_t keep_days)
{
	struct store *s;

	assert_int_equal(store_open(&s, &(struct store_params){.path = path, .keep_days = keep_days, .retry_ms = 20}), 0);

	return s;
}

static void put(struct store *s, int i, bool is_over)
{
	char id[24], doc[100];

	snprintf(id, sizeof(id), "c%d", i);
	snprintf(doc, sizeof(doc), "{\"id\":\"c%d\",\"state\":\"%s\"}", i, is_over ? "ended" : "up");
	store_put(s, &(struct store_call){.id = id, .is_over = is_over, .began_ms = 1700000000000 + i, .ended_ms = is_over ? 1 : 0,
			     .direction = i & 1 ? "inbound" : "outbound", .line = i & 2 ? "desk" : "trunk", .from = "100", .to = "200",
			     .ended_by = is_over ? "caller" : "", .doc = doc});
}

/* The writer is a thread: waits for what it does, bounded. */
#define wait_until(s, condition)                                             \
	do {                                                                 \
		struct store_stats now;                                      \
		int left = 6000;                                             \
                                                                             \
		for (store_stats(s, &now); !(condition); store_stats(s, &now)) { \
			assert_true(left-- > 0);                             \
			nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); \
		}                                                            \
	} while (0)

struct seen {
	int n;
	int64_t last_seq;
	char docs[8][200];
};

static bool see(void *ctx, int64_t seq, const char *doc)
{
	struct seen *s = ctx;

	buf_copy(s->docs[s->n % 8], sizeof(s->docs[0]), doc);
	s->last_seq = seq;
	s->n++;

	return true;
}

static struct seen list(const struct store_query *q)
{
	struct store_reader *r = store_reader_new(path);
	struct seen seen = {0};
	char why[300] = "";

	assert_int_equal(store_list(r, q, see, &seen, why, sizeof(why)), 0);
	store_reader_free(r);

	return seen;
}

static void what_is_put_is_found(void **state)
{
	struct store *s = open_store(0);

	for (int i = 0; i < 20; i++)
		put(s, i, false);
	for (int i = 0; i < 20; i++)
		put(s, i, true);
	put(s, 3, false); /* late news of a call that is over changes nothing */
	store_close(s);

	struct seen all = list(&(struct store_query){.limit = 100});

	assert_int_equal(all.n, 20);
	assert_string_equal(all.docs[0 + 16 % 8], "{\"id\":\"c3\",\"state\":\"ended\"}");
	assert_int_equal(list(&(struct store_query){.limit = 100, .line = "desk"}).n, 10);
	assert_int_equal(list(&(struct store_query){.limit = 100, .line = "desk", .direction = "inbound"}).n, 5);
	assert_int_equal(list(&(struct store_query){.limit = 100, .number = "200"}).n, 20);
	assert_int_equal(list(&(struct store_query){.limit = 100, .number = "20"}).n, 0);
	assert_int_equal(list(&(struct store_query){.limit = 100, .from_ms = 1700000000005, .to_ms = 1700000000010}).n, 5);

	struct seen page = list(&(struct store_query){.limit = 7});

	assert_int_equal(page.n, 7);
	assert_string_equal(page.docs[0], "{\"id\":\"c19\",\"state\":\"ended\"}");
	page = list(&(struct store_query){.limit = 7, .before_seq = page.last_seq});
	assert_string_equal(page.docs[0], "{\"id\":\"c12\",\"state\":\"ended\"}");
}

/* Whatever the writer is doing when the end comes: what was put before is written. */
static void what_is_put_last_is_written(void **state)
{
	for (int i = 0; i < 60; i++) {
		struct store *s = open_store(0);

		put(s, i, true);
		store_close(s);
		assert_int_equal(list(&(struct store_query){.limit = 100}).n, i + 1);
	}
}

static void one_is_found_deleted_and_gone(void **state)
{
	struct store *s = open_store(0);
	struct store_reader *r = store_reader_new(path);
	char why[300] = "", wav[100], *doc = NULL;
	FILE *f;

	snprintf(wav, sizeof(wav), "%s/a.wav", dir);
	f = fopen(wav, "we");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(store_find(r, "a", &doc, why, sizeof(why)), -ENOENT);
	store_put(s, &(struct store_call){.id = "a", .is_over = true, .recording = wav, .doc = "{}"});
	put(s, 1, false);
	wait_until(s, now.waiting == 0);
	assert_int_equal(store_find(r, "a", &doc, why, sizeof(why)), 0);
	assert_string_equal(doc, "{}");
	free(doc);
	assert_true(store_delete(s, "a"));
	assert_true(store_delete(s, "c1")); /* still running: stays */
	wait_until(s, now.waiting == 0);
	assert_int_equal(store_find(r, "a", &doc, why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "there is no record of a call a");
	assert_int_equal(access(wav, F_OK), -1);
	assert_int_equal(store_find(r, "c1", &doc, why, sizeof(why)), 0);
	free(doc);
	store_reader_free(r);
	store_close(s);
}

static void old_calls_go_with_their_recordings(void **state)
{
	struct store *s = open_store(0);
	auto_free char *wav = mem_format("%s/old.wav", dir), *second = mem_format("%s/old-2.wav", dir);
	auto_free char *both = mem_format("%s\n%s", wav, second);
	const char *const files[] = {wav, second};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FILE *f = fopen(files[i], "we");

		assert_non_null(f);
		fclose(f);
	}
	store_put(s, &(struct store_call){.id = "old", .is_over = true, .began_ms = 1000, .recording = both, .doc = "{}"});
	store_put(s, &(struct store_call){.id = "new", .is_over = true, .began_ms = clock_wall_ms(), .doc = "{}"});
	store_close(s);
	assert_int_equal(access(wav, F_OK), 0);
	s = open_store(30);
	store_close(s);
	assert_int_equal(access(wav, F_OK), -1);
	assert_int_equal(access(second, F_OK), -1);
	assert_int_equal(list(&(struct store_query){.limit = 10}).n, 1);
}

/* SIGKILL at any moment: what was written stays, what was running is marked with what was known. */
static void a_killed_process_loses_nothing_that_was_over(void **state)
{
	uint64_t seed = test_seed();

	for (int round = 0; round < 6; round++) {
		int pipes[2], last = -1, got;
		char id[24], why[300], *doc;

		unlink(path);
		assert_int_equal(pipe(pipes), 0);

		pid_t pid = fork();

		if (pid == 0) {
			struct store *s = open_store(0);

			for (int i = 0;; i++) {
				put(s, 100000 + i, false);
				put(s, i, true);
				wait_until(s, now.waiting == 0);
				if (write(pipes[1], &i, sizeof(i)) != sizeof(i))
					_exit(1);
			}
		}
		close(pipes[1]);

		int most = 1 + (int)(prng_u32(&seed) % 12);

		while (last < most && read(pipes[0], &got, sizeof(got)) == sizeof(got))
			last = got;
		kill(pid, SIGKILL);
		while (read(pipes[0], &got, sizeof(got)) == sizeof(got))
			last = got;
		waitpid(pid, NULL, 0);
		close(pipes[0]);
		assert_true(last >= most);
		store_close(open_store(0));

		struct store_reader *r = store_reader_new(path);

		for (int i = 0; i <= last; i++) {
			snprintf(id, sizeof(id), "c%d", i);
			assert_int_equal(store_find(r, id, &doc, why, sizeof(why)), 0);
			assert_non_null(strstr(doc, "\"ended\""));
			free(doc);
			snprintf(id, sizeof(id), "c%d", 100000 + i);
			assert_int_equal(store_find(r, id, &doc, why, sizeof(why)), 0);
			assert_non_null(strstr(doc, "\"state\":\"cut_off\""));
			assert_non_null(strstr(doc, "\"last_state\":\"up\""));
			free(doc);
		}
		store_reader_free(r);
	}
}

/* A file that may not grow is what a full disk is to SQLite. */
static void a_full_disk_is_said_and_got_over(void **state)
{
	struct store *s = open_store(0);
	struct rlimit before, tight;

	put(s, 0, true);
	wait_until(s, now.waiting == 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = (struct rlimit){.rlim_cur = 8192, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &tight);
	for (int i = 1; i <= 50; i++)
		put(s, i, true);
	wait_until(s, now.is_failing);

	struct store_stats failing;

	store_stats(s, &failing);
	assert_int_equal(failing.lost, 0);
	assert_true(failing.waiting > 0);
	assert_true(strlen(failing.why) > 10);
	for (int i = 51; i <= LIMIT_STORE_WAITING + 600; i++) /* more than there is room for */
		put(s, i, true);
	store_stats(s, &failing);
	assert_in_range(failing.lost, 1, 600);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	wait_until(s, !now.is_failing && now.waiting == 0);
	store_close(s);
	assert_int_equal(list(&(struct store_query){.limit = 100000}).n + (int)failing.lost, LIMIT_STORE_WAITING + 601);
}

static void a_bad_file_is_named_with_its_remedy(void **state)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs("this is no database, but long enough to be taken for one at first sight, is it not? It is not, nor shall it be.", f);
	fclose(f);

	struct store *s = open_store(0);
	struct store_stats stats;

	put(s, 1, true);
	wait_until(s, now.is_failing);
	store_stats(s, &stats);
	assert_non_null(strstr(stats.why, "move it away"));
	unlink(path); /* somebody does */
	wait_until(s, !now.is_failing);
	store_close(s);
	assert_int_equal(list(&(struct store_query){.limit = 10}).n, 1);
}

static void two_writers_dont_share_a_file(void **state)
{
	struct store *a = open_store(0), *b;
	struct store_stats stats;

	put(a, 1, false);
	wait_until(a, now.waiting == 0);
	b = open_store(0);
	wait_until(b, now.is_failing);
	store_stats(b, &stats);
	assert_non_null(strstr(stats.why, "another tipring"));
	store_close(a);
	wait_until(b, !now.is_failing);
	store_close(b);
}

static void a_newer_file_is_not_touched(void **state)
{
	struct store_stats stats;
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sql);

	struct store *s = open_store(0);

	wait_until(s, now.is_failing);
	store_stats(s, &stats);
	assert_non_null(strstr(stats.why, "newer Tipring"));
	store_close(s);
}

static void a_backup_is_whole_and_overwrites_nothing(void **state)
{
	struct store *s = open_store(0);
	char to[100], why[300] = "";

	snprintf(to, sizeof(to), "%s/copy.db", dir);
	for (int i = 0; i < 100; i++)
		put(s, i, true);
	wait_until(s, now.waiting == 0);
	assert_int_equal(store_backup(path, to, why, sizeof(why)), 0);
	assert_int_equal(store_backup(path, to, why, sizeof(why)), -EEXIST);
	put(s, 100, true);
	store_close(s);
	buf_copy(path, sizeof(path), to);
	assert_int_equal(list(&(struct store_query){.limit = 1000}).n, 100);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		T(what_is_put_is_found),
		T(what_is_put_last_is_written),
		T(one_is_found_deleted_and_gone),
		T(old_calls_go_with_their_recordings),
		T(a_killed_process_loses_nothing_that_was_over),
		T(a_full_disk_is_said_and_got_over),
		T(a_bad_file_is_named_with_its_remedy),
		T(two_writers_dont_share_a_file),
		T(a_newer_file_is_not_touched),
		T(a_backup_is_whole_and_overwrites_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
