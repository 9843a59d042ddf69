/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "app/caller_file.h"

static struct config_errors errors;

static struct caller_file *parse(const char *text)
{
	return caller_file_parse("/tmp/script.yaml", span_z(text), &errors);
}

static void a_script_is_read(void **state)
{
	struct caller_file *f = parse("name: Mary\n"
				      "noise_dbfs: -40\n"
				      "patience_ms: 9000\n"
				      "lines:\n"
				      "  - Hello <500> there.\n"
				      "  - { text: \"No!\", interrupt_ms: 900 }\n"
				      "  - { digits: \"12#\", wait_ms: 300 }\n"
				      "  - { wait_ms: 4000 }\n"
				      "answers:\n"
				      "  lines: [ Front desk. ]\n");

	assert_non_null(f);
	assert_string_equal(f->calls.config.name, "Mary");
	assert_string_equal(f->calls.config.voice, "slt");
	assert_int_equal(f->calls.config.line_count, 4);
	assert_string_equal(f->calls.config.lines[0].text, "Hello <500> there.");
	assert_int_equal(f->calls.config.lines[1].interrupt_ms, 900);
	assert_string_equal(f->calls.config.lines[2].digits, "12#");
	assert_string_equal(f->calls.config.lines[3].text, "");
	/* Even noise of that peak has a hundredth of full scale, root mean square. */
	assert_in_range(f->calls.config.noise, 550, 585);
	assert_true(f->answers.is_set);
	assert_false(f->transferred.is_set);
	assert_string_equal(f->answers.config.voice, "rms");
	caller_file_free(f);
}

static void faults_name_line_key_and_remedy(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} rows[] = {
		{"lins: []\n", 1, "did you mean \"lines\""},
		{"lines: hello\n", 1, "a list of at most"},
		{"lines:\n  - { txt: a }\n", 2, "did you mean \"text\""},
		{"lines:\n  - {}\n", 2, "is missing"},
		{"lines:\n  - { text: a, digits: \"1\" }\n", 2, "make two lines"},
		{"lines:\n  - { digits: \"1x\" }\n", 2, "others than 0-9"},
		{"lines:\n  - { text: a, wait_ms: 0 }\n", 2, "from 1 to 600000"},
		{"noise_dbfs: 40\n", 1, "from -80 to -10"},
		{"answers: [ a ]\n", 1, "keys are wanted"},
		{"- a\n", 1, "keys at its top"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_null(parse(rows[i].text));
		if (errors.list[0].line != rows[i].line || !strstr(errors.list[0].text, rows[i].says))
			fail_msg("row %zu: line %d: %s", i, errors.list[0].line, errors.list[0].text);
	}
	assert_null(caller_file_load("/nonexistent/script.yaml", &errors));
	assert_non_null(strstr(errors.list[0].text, "cannot be read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_is_read),
		cmocka_unit_test(faults_name_line_key_and_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
