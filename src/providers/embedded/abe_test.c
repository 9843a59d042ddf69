/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/abe.h"
#include <math.h>
#include "base/testing.h"

enum { N = 8000 };

static int16_t in[N], out[2 * N + ABE_OUT_MAX];

/* Hiss as of an "s" on the telephone: noise between 2 and 3.4 kHz, loud in the middle second's half. */
static void fill_hiss(uint64_t seed, float amplitude)
{
	float low = 0, last = 0;

	for (int i = 0; i < N; i++) {
		float noise = (float)prng_u32(&seed) / 2147483648.0F - 1;

		/* Twice a difference: high-pass. */
		float high = noise - last;

		last = noise;
		low = high - 0.5F * low;
		in[i] = (int16_t)(amplitude * low * (i > N / 4 && i < 3 * N / 4 ? 1 : 0.01F));
	}
}

/* Power of what lies above 4 kHz, by the difference to the mean of both neighbours. */
static double power_above(size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from + 1; i + 1 < to; i++) {
		double d = out[i] - (out[i - 1] + out[i + 1]) / 2.0;

		sum += d * d;
	}

	return sum / (double)(to - from);
}

static size_t run(struct abe *abe, size_t chunk)
{
	size_t written = 0;

	for (size_t at = 0; at < N; at += chunk)
		written += abe_process(abe, in + at, MIN(chunk, N - at), out + written);

	return written;
}

static void output_follows_input(void **state)
{
	static int16_t first[2 * N];
	struct abe *abe = abe_new();

	fill_hiss(5, 3000);

	size_t n = run(abe, 160);

	assert_true(n <= 2 * N && n + ABE_DELAY >= 2 * N && n % 160 == 0);
	memcpy(first, out, n * sizeof(*first));

	/* However it is cut, and as often as it is begun again. */
	for (size_t chunk = 1; chunk <= ABE_CHUNK_MAX; chunk = chunk * 7 + 1) {
		abe_reset(abe);
		assert_int_equal(run(abe, chunk), n);
		assert_memory_equal(first, out, n * sizeof(*first));
	}
	abe_free(abe);
}

/* A loud hiss below 3.4 kHz has its upper half, silence has not. */
static void hiss_is_completed(void **state)
{
	struct abe *abe = abe_new();

	fill_hiss(5, 6000);
	run(abe, 160);

	double loud = power_above(N / 2 + 2000, 3 * N / 2 - 1000), quiet = power_above(1000, N / 2 - 1000);

	assert_true(loud > 100 * quiet);
	abe_free(abe);
}

static void vowels_stay(void **state)
{
	struct abe *abe = abe_new();
	double same = 0, all = 0;

	for (int i = 0; i < N; i++)
		in[i] = (int16_t)(4000 * sin(2 * M_PI * 700 * i / 8000) + 2000 * sin(2 * M_PI * 1200 * i / 8000));
	run(abe, 160);
	/* Sixteen samples at 8 kHz are the interpolation's. */
	for (int i = 1000; i < 6000; i++) {
		double off = out[2 * i] - in[i - 16];

		same += off * off;
		all += (double)in[i] * in[i];
	}
	assert_true(same < all / 10);
	abe_free(abe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_follows_input),
		cmocka_unit_test(hiss_is_completed),
		cmocka_unit_test(vowels_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
