/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <stdlib.h>
#include <unistd.h>
#include "app/config.h"
#include "audio/wav_file.h"

/* A folder of recordings, as an agent's configuration names it. */
static char dir[40];
static struct config_errors errors;

static void put(const char *name, const char *text)
{
	auto_free char *path = mem_format("%s/%s", dir, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	static int16_t pcm[800];
	auto_free char *path = NULL;

	buf_copy(dir, sizeof(dir), "/tmp/prompts-XXXXXX");
	assert_non_null(mkdtemp(dir));
	path = mem_format("%s/hello.wav", dir);
	for (size_t i = 0; i < ARRAY_LEN(pcm); i++)
		pcm[i] = i % 8 < 4 ? 9000 : -9000;

	return wav_clip_save(path, pcm, ARRAY_LEN(pcm), 16000);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"hello.wav", "text.wav", "index.yaml"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = mem_format("%s/%s", dir, names[i]);

		(void)!unlink(path);
	}

	return rmdir(dir);
}

static struct config *load(void)
{
	auto_free char *text = mem_format("agents:\n  - name: a\n    prompts: %s\n", strrchr(dir, '/') + 1);

	errors.count = 0;

	return config_parse("/tmp/tipring.yaml", span_z(text), &errors);
}

static void a_folder_is_read_relative_to_the_file(void **state)
{
	struct prompt_hit hit;

	put("index.yaml", "# ours\n\"Hello, who is there?\": hello.wav\nGood bye.: hello.wav\n");

	struct config *c = load();

	assert_non_null(c);
	assert_int_equal(prompts_count(c->agents[0].prompts), 2);
	assert_int_equal(prompts_find(c->agents[0].prompts, "hello who is there", true, 8000, &hit), PROMPTS_HIT);
	assert_int_equal(hit.n, 400);
	config_free(c);
}

static void expect_fault(const char *index, const char *words)
{
	if (index)
		put("index.yaml", index);
	assert_null(load());
	assert_int_equal(errors.list[0].line, 3);
	if (!strstr(errors.list[0].text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, errors.list[0].text);
}

static void faults_name_file_line_and_remedy(void **state)
{
	expect_fault(NULL, "/index.yaml: cannot be read (No such file or directory): it lists the recordings");
	expect_fault("", "lists no phrase");
	expect_fault("- a\n", "index.yaml:1: phrases and files are wanted");
	expect_fault("Hi: hello.wav\nHo: [x]\n", "index.yaml:2: \"Ho\": the name of its WAV file");
	expect_fault("Hi: hello.wav\n\nHo: nothere.wav\n", "index.yaml:3: ");
	assert_non_null(strstr(errors.list[0].text, "nothere.wav"));
	assert_non_null(strstr(errors.list[0].text, "record it, or remove this line"));
	expect_fault("Hi there: hello.wav\n\"hi THERE!\": hello.wav\n", "index.yaml:2: \"hi THERE!\" is here twice");
	expect_fault("\"?!\": hello.wav\n", "has no words");
	put("text.wav", "this is no sound");
	expect_fault("Hi: text.wav\n", "index.yaml:1: ");
	expect_fault("Hi: \"hello.wav\nHo: x", "index.yaml:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_is_read_relative_to_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults_name_file_line_and_remedy, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
