/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/acoustic.h"
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/testing.h"
#include "providers/embedded/ears.h"
#include "providers/embedded/mfcc.h"
#include "providers/embedded/slurp.h"

#define MODEL_DIR "/usr/share/pocketsphinx/model/en-us/en-us"

static const char *const files[] = {"mdef", "means", "variances", "sendump", "transition_matrices"};

static struct acoustic *load(void)
{
	struct acoustic *a = NULL;
	char why[120];
	int err = acoustic_load(&a, MODEL_DIR, why, sizeof(why));

	if (err)
		fail_msg("%s", why);

	return a;
}

static void model_is_read(void **state)
{
	struct acoustic *a = load();
	uint8_t n, ow, sil;

	assert_true(acoustic_phone_find(a, SPAN_LIT("N"), &n));
	assert_true(acoustic_phone_find(a, SPAN_LIT("OW"), &ow));
	assert_true(acoustic_phone_find(a, SPAN_LIT("SIL"), &sil));
	assert_false(acoustic_phone_find(a, SPAN_LIT("XX"), &sil));
	assert_int_equal(sil, acoustic_silence(a));
	assert_true(acoustic_is_filler(a, sil));
	assert_false(acoustic_is_filler(a, ow));
	for (size_t p = 0; p < acoustic_phone_count(a); p++)
		for (int s = 0; s < ACOUSTIC_STATES; s++)
			assert_true(fabsf(expf(acoustic_transitions(a, (uint8_t)p)[s][0]) +
					  expf(acoustic_transitions(a, (uint8_t)p)[s][1]) - 1) < 1e-4F);

	/* A sound differs with its neighbours and its place; one that was never met is still a sound. */
	struct acoustic_hmm plain = acoustic_monophone(a, ow), end = acoustic_triphone(a, ow, n, sil, ACOUSTIC_END);
	struct acoustic_hmm between = acoustic_triphone(a, ow, n, n, ACOUSTIC_INTERNAL);

	assert_memory_not_equal(plain.senones, end.senones, sizeof(plain.senones));
	assert_memory_not_equal(between.senones, end.senones, sizeof(end.senones));
	for (uint8_t left = 0; left < acoustic_phone_count(a); left++)
		for (uint8_t right = 0; right < acoustic_phone_count(a); right++) {
			struct acoustic_hmm any = acoustic_triphone(a, ow, left, right, ACOUSTIC_SINGLE);

			for (int s = 0; s < ACOUSTIC_STATES; s++)
				assert_true(any.senones[s] < acoustic_senone_count(a));
		}
	acoustic_free(a);
}

static void scores_are_relative_to_the_best(void **state)
{
	struct acoustic *a = load();
	size_t n = acoustic_senone_count(a);
	float features[ACOUSTIC_FEATURES] = {2, -5, 3}, *scores = mem_zalloc(n * sizeof(*scores)), best = -INFINITY;

	acoustic_score(a, features, scores);
	for (size_t i = 0; i < n; i++) {
		assert_true(isfinite(scores[i]));
		best = fmaxf(best, scores[i]);
	}
	assert_true(best == 0);
	free(scores);
	acoustic_free(a);
}

/* ---- files that are none ----------------------------------------------------------------------------------------------- */

static void put_file(const char *dir, const char *name, const char *bytes, size_t n)
{
	auto_free char *path = mem_format("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void drop_file(const char *dir, const char *name)
{
	auto_free char *path = mem_format("%s/%s", dir, name);

	unlink(path);
}

/* Loads the model with one file replaced by the first n bytes of what is given; true when it is taken. */
static bool is_taken(const char *dir, const char *name, const char *bytes, size_t n)
{
	struct acoustic *a = NULL;
	char why[120] = "";

	put_file(dir, name, bytes, n);

	int err = acoustic_load(&a, dir, why, sizeof(why));

	if (!err) {
		float features[ACOUSTIC_FEATURES] = {0}, *scores = mem_zalloc(acoustic_senone_count(a) * sizeof(*scores));

		acoustic_score(a, features, scores);
		for (uint8_t p = 0; p < acoustic_phone_count(a); p++)
			acoustic_triphone(a, p, 0, p, ACOUSTIC_BEGIN);
		free(scores);
		acoustic_free(a);
	} else {
		assert_true(why[0]);
	}

	return !err;
}

/* Cut short they are refused; with bytes changed they are refused or harmless (under ASan). */
static void broken_files_do_no_harm(void **state)
{
	char dir[] = "/tmp/tipring-acoustic-XXXXXX";
	struct slurp whole[ARRAY_LEN(files)];
	uint64_t seed = test_seed();

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(slurp_open(&whole[i], MODEL_DIR, files[i], 64 << 20), 0);
		put_file(dir, files[i], whole[i].all, whole[i].n);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *bytes = whole[i].all;
		size_t n = whole[i].n;

		assert_false(is_taken(dir, files[i], bytes, 0));
		assert_false(is_taken(dir, files[i], bytes, 10));
		assert_false(is_taken(dir, files[i], bytes, n / 2));
		for (int round = 0; round < 5; round++) {
			/* Most changes in the head, where the numbers are. */
			size_t at = prng_u32(&seed) % (round < 3 ? MIN(n, (size_t)1300) : n);
			char was = bytes[at];

			bytes[at] = (char)prng_u32(&seed);
			is_taken(dir, files[i], bytes, n);
			bytes[at] = was;
		}
		put_file(dir, files[i], bytes, n);
	}
	drop_file(dir, "means");

	struct acoustic *a = NULL;
	char why[120];

	assert_int_equal(acoustic_load(&a, dir, why, sizeof(why)), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		drop_file(dir, files[i]);
		slurp_close(&whole[i]);
	}
	rmdir(dir);
}

/* ---- frames ------------------------------------------------------------------------------------------------------------ */

enum { N = 16000 };

static void speak(int16_t *pcm, int hz, float gain, uint64_t seed)
{
	for (int i = 0; i < N; i++) {
		double t = (double)i / hz, swell = 1 + sin(2 * M_PI * 3 * t);
		double x = swell * (sin(2 * M_PI * 500 * t) + 0.5 * sin(2 * M_PI * 1500 * t)) * 2000;

		pcm[i] = (int16_t)(gain * ((float)x + (float)((int)(prng_u32(&seed) % 200) - 100)));
	}
}

/* The loudness is in the first coefficient alone. */
static void cepstra_tell_loudness_from_colour(void **state)
{
	static int16_t soft[N], loud[N];
	float a[ACOUSTIC_CEPSTRA], b[ACOUSTIC_CEPSTRA];
	struct mfcc m;
	bool is_frame;

	speak(soft, 16000, 1, 9);
	for (int i = 0; i < N; i++)
		loud[i] = (int16_t)(2 * soft[i]);
	mfcc_init(&m);
	assert_int_equal(mfcc_take(&m, soft, N, a, &is_frame), MFCC_WINDOW);
	assert_true(is_frame);
	mfcc_init(&m);
	mfcc_take(&m, loud, N, b, &is_frame);
	assert_true(fabsf(b[0] - a[0] - 5 * logf(4)) < 0.02F);
	for (int c = 1; c < ACOUSTIC_CEPSTRA; c++)
		assert_true(fabsf(a[c] - b[c]) < 0.02F);
}

static void features_are_values_and_changes(void **state)
{
	float cepstra[10][ACOUSTIC_CEPSTRA] = {0}, mean[ACOUSTIC_CEPSTRA] = {1}, f[ACOUSTIC_FEATURES];

	for (int t = 0; t < 10; t++)
		cepstra[t][0] = (float)(t * t);
	mfcc_features((const float(*)[ACOUSTIC_CEPSTRA])cepstra, 10, 4, mean, f);
	assert_true(f[0] == 15);				  /* 16 - 1 */
	assert_true(f[ACOUSTIC_CEPSTRA] == 36 - 4);		  /* t + 2 against t - 2 */
	assert_true(f[2 * ACOUSTIC_CEPSTRA] == 49 - 9 - (25 - 1)); /* and how that differs between t + 1 and t - 1 */
	mfcc_features((const float(*)[ACOUSTIC_CEPSTRA])cepstra, 10, 0, mean, f);
	assert_true(f[ACOUSTIC_CEPSTRA] == 4);
}

/* However the audio is cut, and however loud it is. */
static void ears_hear_the_same(void **state)
{
	static int16_t pcm[N], loud[N];
	struct ears a, b;
	uint64_t seed = test_seed();
	float x[ACOUSTIC_CEPSTRA], y[ACOUSTIC_CEPSTRA];

	speak(pcm, 8000, 0.5F, 5);
	speak(loud, 8000, 2, 5);
	ears_init(&a);
	ears_init(&b);
	ears_take(&a, pcm, N);
	for (size_t at = 0, n; at < N; at += n) {
		n = MIN((size_t)prng_u32(&seed) % 300, N - at);
		ears_take(&b, pcm + at, n);
	}
	assert_int_equal(a.count, (N - 205) / 80 + 1);
	assert_int_equal(a.count, b.count);
	ears_measure(&a);
	ears_measure(&b);
	for (size_t t = 0; t < a.count; t++) {
		ears_cepstra(&a, t, x);
		ears_cepstra(&b, t, y);
		assert_memory_equal(x, y, sizeof(x));
	}
	ears_reset(&b);
	ears_take(&b, loud, N);
	ears_measure(&b);
	for (size_t t = 0; t < a.count; t += 10) {
		ears_cepstra(&a, t, x);
		ears_cepstra(&b, t, y);
		for (int c = 0; c < ACOUSTIC_CEPSTRA; c++)
			assert_true(fabsf(x[c] - y[c]) < 1);
	}
	ears_done(&a);
	ears_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_is_read),
		cmocka_unit_test(scores_are_relative_to_the_best),
		cmocka_unit_test(broken_files_do_no_harm),
		cmocka_unit_test(cepstra_tell_loudness_from_colour),
		cmocka_unit_test(features_are_values_and_changes),
		cmocka_unit_test(ears_hear_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
