/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "app/config_append.h"
#include <sys/stat.h>
#include <unistd.h>

static const struct config_addition line = {"lines", "- name: new\n  kind: local\n"};
static const struct config_addition route = {"routes", "- { line: new, agent: a }\n"};
static char why[400];

static void gives(const char *before, const struct config_addition *a, const char *after)
{
	auto_free char *got = NULL;
	int err = config_append(before, a, 1, &got, why, sizeof(why));

	if (err)
		fail_msg("refused: %s", why);
	assert_string_equal(got, after);
}

static void text_is_put_in_and_nothing_else_changes(void **state)
{
	gives(NULL, &line, "lines:\n  - name: new\n    kind: local\n");
	gives("log: { level: info }", &line, "log: { level: info }\n\nlines:\n  - name: new\n    kind: local\n");
	/* comments, order, the columns of the list, blank lines before the next key */
	gives("# mine\nlines: # all of them\n- name: old   # this one\n  kind: local\n\n# the agents\nagents:\n- name: a\n", &line,
		"# mine\nlines: # all of them\n- name: old   # this one\n  kind: local\n- name: new\n  kind: local\n\n# the agents\nagents:\n- name: a\n");
	gives("lines:\n    - { name: old, kind: local }\n", &line,
		"lines:\n    - { name: old, kind: local }\n    - name: new\n      kind: local\n");
	/* a comment within the last item stays with it */
	gives("routes:\n  - line: x\n    # why\n    agent: a\n# end\n", &route, "routes:\n  - line: x\n    # why\n    agent: a\n  - { line: new, agent: a }\n# end\n");
	/* a text of several lines is the last item's */
	gives("agents:\n  - name: a\n    greeting: |\n      one\n      two\nlog: {}\n", &(struct config_addition){"agents", "- name: b\n"},
		"agents:\n  - name: a\n    greeting: |\n      one\n      two\n  - name: b\nlog: {}\n");
	gives("lines:\r\n  - name: x\r\n    kind: local\r\n", &(struct config_addition){"lines", "- name: y\n"},
		"lines:\r\n  - name: x\r\n    kind: local\r\n  - name: y\r\n");
}

static void what_cannot_be_added_to_safely_is_refused(void **state)
{
	static const char *const bad[] = {"lines: [ { name: x, kind: local } ]\n", "lines:\n  -\n    name: x\n", "lines: {}\n", "lines: []\n",
		"- a\n", "a: [\n", "lines: x\n"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *got = NULL;

		if (config_append(bad[i], &line, 1, &got, why, sizeof(why)) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(strlen(why) > 10);
	}
}

static char folder[] = "/tmp/tipring-append-XXXXXX";
static char path[100];

static int set_up(void **state)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/tipring.yaml", folder);

	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	assert_int_equal(rmdir(folder), 0);

	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *get(void)
{
	static char text[4000];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);

	return text;
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
	static const char good[] = "lines:\n  - name: old\n    kind: local\nagents:\n  - name: a\nroutes:\n  - agent: a\n";
	static const char broken[] = "lines:\n  - nam: old\n";
	const struct config_addition both[] = {line, route};
	struct stat st;

	put(good);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(config_append_file(path, both, 2, why, sizeof(why)), 0);
	assert_string_equal(get(), "lines:\n  - name: old\n    kind: local\n  - name: new\n    kind: local\nagents:\n  - name: a\nroutes:\n"
				   "  - agent: a\n  - { line: new, agent: a }\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);

	/* the same again: a second line of this name */
	assert_true(config_append_file(path, both, 2, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "a second line of this name"));

	put(broken);
	assert_true(config_append_file(path, both, 2, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "mend them first"));
	assert_string_equal(get(), broken);

	put(good);
	assert_true(config_append_file(path, &(struct config_addition){"routes", "- { line: nowhere, agent: a }\n"}, 1, why, sizeof(why)) < 0);
	assert_string_equal(get(), good);
}

static void secrets_are_for_their_owner(void **state)
{
	char secret[120];
	struct stat st;

	put("");
	snprintf(secret, sizeof(secret), "%s/office.secret", folder);
	assert_int_equal(config_write_secret(secret, "s3cret"), 0);
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(config_write_secret(secret, "other"), -EEXIST);
	unlink(secret);
}

static void quoting_survives_yaml(void **state)
{
	static const char *const texts[] = {"1001", "a\"b\\c", "#x: y", "", "tab\there", "\xc3\xa4"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char quoted[100], yaml[200];
		struct config_errors errors = {0};

		config_quote(texts[i], quoted, sizeof(quoted));
		snprintf(yaml, sizeof(yaml), "agents:\n  - name: a\n    greeting: %s\n", quoted);

		struct config *c = config_parse("x", span_z(yaml), &errors);

		assert_non_null(c);
		assert_string_equal(c->agents[0].greeting ? c->agents[0].greeting : "", texts[i]);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_put_in_and_nothing_else_changes),
		cmocka_unit_test(what_cannot_be_added_to_safely_is_refused),
		cmocka_unit_test_setup_teardown(a_file_is_replaced_whole_or_not_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_are_for_their_owner, set_up, tear_down),
		cmocka_unit_test(quoting_survives_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
