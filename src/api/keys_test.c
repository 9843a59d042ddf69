/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"
#include "base/testing.h"
#include <sys/stat.h>
#include <unistd.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_key_is_found_by_its_text_only(void **state)
{
	struct api_keys keys = {0};
	char first[KEY_TEXT], second[KEY_TEXT];

	assert_int_equal(keys_add(&keys, "desk", ROLE_OPERATE, 5, first), 0);
	assert_int_equal(keys_add(&keys, "crm", ROLE_READ, 6, second), 0);
	assert_int_equal(strlen(first), KEY_TEXT - 1);
	assert_string_not_equal(first, second);
	assert_string_equal(keys_find(&keys, span_z(first))->name, "desk");
	assert_int_equal(keys_find(&keys, span_z(second))->role, ROLE_READ);
	assert_null(keys_find(&keys, SPAN_LIT("")));
	assert_null(keys_find(&keys, span(first, strlen(first) - 1)));
	first[20] ^= 1;
	assert_null(keys_find(&keys, span_z(first)));
	assert_int_equal(keys_remove(&keys, "crm"), 0);
	assert_null(keys_find(&keys, span_z(second)));
	assert_int_equal(keys_remove(&keys, "crm"), -TR_ENOTFOUND);
}

static void names_and_number_are_bounded(void **state)
{
	struct api_keys keys = {0};
	char key[KEY_TEXT], name[KEY_NAME];

	assert_int_equal(keys_add(&keys, "", ROLE_READ, 0, key), -EINVAL);
	assert_int_equal(keys_add(&keys, "two words", ROLE_READ, 0, key), -EINVAL);
	assert_int_equal(keys_add(&keys, "a\nb", ROLE_READ, 0, key), -EINVAL);
	assert_int_equal(keys_add(&keys, "a-name-of-thirty-three-characters", ROLE_READ, 0, key), -EINVAL);
	for (int i = 0; i < LIMIT_API_KEYS; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(keys_add(&keys, name, ROLE_READ, 0, key), 0);
	}
	assert_int_equal(keys_add(&keys, "k1", ROLE_READ, 0, key), -EEXIST);
	assert_int_equal(keys_add(&keys, "more", ROLE_READ, 0, key), -TR_ELIMIT);
}

static void a_file_is_read_whole_or_not(void **state)
{
	static const struct {
		const char *text;
		int line; /* 0: good */
	} cases[] = {
		{"", 0}, {"# nothing\n\n", 0}, {"a read " HASH " 5\n", 0}, {"a read " HASH " 5", 0}, {"  a admin " HASH " 5\r\n", 0},
		{"a read " HASH "\n", 1}, {"a read " HASH " -5\n", 1}, {"a read " HASH " 5 x\n", 1}, {"a root " HASH " 5\n", 1},
		{"\na read 00 5\n", 2}, {"a read " HASH "0 5\n", 1}, {"a read G" HASH " 5\n", 1}, {"a,b read " HASH " 5\n", 1},
		{"a read " HASH " 5\na admin " HASH " 5\n", 2}, {"a-name-of-thirty-three-characters read " HASH " 5\n", 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct api_keys keys = {.count = 7};
		int line, err = keys_parse(&keys, span_z(cases[i].text), &line);

		assert_int_equal(err, cases[i].line ? -EINVAL : 0);
		if (err) {
			assert_int_equal(line, cases[i].line);
			assert_int_equal(keys.count, 7);
		}
	}
}

static void a_file_keeps_hashes_and_is_its_owners(void **state)
{
	char folder[] = "/tmp/tipring-keys-XXXXXX", path[64], key[KEY_TEXT], text[400] = "", why[300];
	struct api_keys keys = {0}, again;
	struct stat s;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/api-keys", folder);
	assert_int_equal(keys_load(&again, path, why, sizeof(why)), 0);
	assert_int_equal(again.count, 0);
	assert_int_equal(keys_add(&keys, "desk", ROLE_ADMIN, 5, key), 0);
	assert_int_equal(keys_save(&keys, path, why, sizeof(why)), 0);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keys_save(&keys, path, why, sizeof(why)), 0);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0640);
	assert_int_equal(keys_load(&again, path, why, sizeof(why)), 0);
	assert_int_equal(keys_find(&again, span_z(key))->made_s, 5);

	FILE *f = fopen(path, "r+");

	assert_true(fread(text, 1, sizeof(text) - 1, f) > 100);
	assert_null(strstr(text, key + 8));
	fputs("nonsense\n", f);
	fclose(f);
	assert_int_equal(keys_load(&again, path, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "api-keys:3: "));
	assert_int_equal(again.count, 1);
	unlink(path);
	assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_found_by_its_text_only),
		cmocka_unit_test(names_and_number_are_bounded),
		cmocka_unit_test(a_file_is_read_whole_or_not),
		cmocka_unit_test(a_file_keeps_hashes_and_is_its_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
