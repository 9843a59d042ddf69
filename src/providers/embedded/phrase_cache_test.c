/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/embedded/phrase_cache.h"

static int16_t pcm[1000];

static void put(struct phrase_cache *cache, const char *key, size_t n)
{
	struct phrase *phrase = phrase_new(pcm, n, NULL, 0);

	phrase_cache_put(cache, key, phrase);
	phrase_free(phrase);
}

static bool has(struct phrase_cache *cache, const char *key)
{
	struct phrase *phrase = phrase_cache_get(cache, key);
	bool is_there = phrase;

	phrase_free(phrase);

	return is_there;
}

static void least_recently_used_goes_first(void **state)
{
	struct phrase_cache *cache = phrase_cache_new(20000);
	char key[8];

	for (int i = 0; i < 9; i++) {
		assert_int_equal(buf_format(key, sizeof(key), "k%d", i), 0);
		put(cache, key, 900);
		assert_true(has(cache, "k0")); /* used again each time */
		assert_true(phrase_cache_bytes(cache) <= 20000);
	}
	assert_true(has(cache, "k9") == false);
	put(cache, "k9", 900);
	put(cache, "k10", 900);
	assert_true(has(cache, "k0"));
	assert_false(has(cache, "k1"));
	assert_true(has(cache, "k10"));
	phrase_cache_free(cache);
}

static void large_phrases_are_not_kept(void **state)
{
	struct phrase_cache *cache = phrase_cache_new(8000);

	put(cache, "large", 1000);
	assert_false(has(cache, "large"));
	assert_int_equal(phrase_cache_bytes(cache), 0);
	phrase_cache_free(cache);
}

static void phrase_outlives_its_entry(void **state)
{
	struct phrase_cache *cache = phrase_cache_new(8000);

	pcm[1] = 77;
	put(cache, "a", 100);

	struct phrase *phrase = phrase_cache_get(cache, "a");

	phrase_cache_free(cache);
	assert_int_equal(phrase->pcm[1], 77);
	phrase_free(phrase);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(large_phrases_are_not_kept),
		cmocka_unit_test(phrase_outlives_its_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
