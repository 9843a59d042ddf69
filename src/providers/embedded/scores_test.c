/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/scores.h"
#include "base/testing.h"
#include <sys/stat.h>
#include <unistd.h>

/* As PocketSphinx does when an utterance begins. */
static bool write_scores(const struct scores *s, uint32_t utterance, const char *text)
{
	auto_free char *path = mem_format("%s/%09u.sen", s->dir, utterance);
	FILE *out = fopen(path, "wbe");

	if (!out)
		return false;
	fputs(text, out);
	fclose(out);

	return true;
}

static void assert_kept(const struct scores *s, const char *want)
{
	char text[40] = "";
	FILE *in = scores_open(s);

	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = 0;
	fclose(in);
	assert_string_equal(text, want);
}

static void the_last_kept_are_read(void **state)
{
	struct scores s;

	scores_init(&s);
	assert_true(s.dir[0]);
	assert_int_equal(scores_before(&s, true), 0);
	assert_true(write_scores(&s, 0, "a longer one"));
	scores_behind(&s);
	assert_kept(&s, "a longer one");
	assert_int_equal(scores_before(&s, false), 0);
	assert_true(write_scores(&s, 1, "nobody wants these"));
	scores_behind(&s);
	assert_kept(&s, "a longer one");
	assert_int_equal(scores_before(&s, true), 0);
	assert_true(write_scores(&s, 2, "short"));
	scores_behind(&s);
	assert_kept(&s, "short");
	scores_forget(&s);
	assert_kept(&s, "");
	scores_done(&s);
	assert_int_equal(access(s.dir, F_OK), -1);
}

/* Of a folder for temporary files that is cleaned while we run. */
static void the_directory_is_made_again(void **state)
{
	struct scores s;

	scores_init(&s);
	assert_int_equal(rmdir(s.dir), 0);
	assert_int_equal(scores_before(&s, true), 0);
	assert_true(write_scores(&s, 0, "a"));
	scores_behind(&s);
	assert_kept(&s, "a");
	scores_done(&s);
}

static void what_is_no_directory_of_ours_is_refused(void **state)
{
	struct scores s;

	scores_init(&s);
	assert_int_equal(rmdir(s.dir), 0);
	assert_int_equal(symlink("/etc", s.dir), 0);
	assert_true(scores_before(&s, true) < 0);
	assert_int_equal(unlink(s.dir), 0);
	scores_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_kept_are_read),
		cmocka_unit_test(the_directory_is_made_again),
		cmocka_unit_test(what_is_no_directory_of_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
