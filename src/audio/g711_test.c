/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/g711.h"

/*
 * The laws as ITU-T G.711 tables 1 and 2 define them, the plain way: eight segments of sixteen
 * intervals, the decision values doubling from segment to segment.
 */
static int ulaw_magnitude(int code7) /* 14-bit scale */
{
	int segment = code7 >> 4, interval = code7 & 15;

	return ((2 * interval + 33) << segment) - 33;
}

static int alaw_magnitude(int code7) /* 13-bit scale, times 2 (half intervals occur) */
{
	int segment = code7 >> 4, interval = code7 & 15;

	return segment == 0 ? 2 * interval + 1 : (2 * interval + 33) << (segment - 1);
}

static void decoding_gives_the_values_of_the_standard(void **state)
{
	for (int c = 0; c < 256; c++) {
		uint8_t code = (uint8_t)c;
		int16_t u, a;

		g711_ulaw_decode(&u, &code, 1);
		g711_alaw_decode(&a, &code, 1);
		int mu = 4 * ulaw_magnitude(~c & 0x7f);
		int ma = 8 * alaw_magnitude((c ^ 0x55) & 0x7f);

		assert_int_equal(u, c & 0x80 ? mu : -mu);
		assert_int_equal(a, c & 0x80 ? ma : -ma);
	}
	/* Ends of the tables as printed in the standard: 8031 and 4032 (times 4 and 8). */
	int16_t top;
	g711_ulaw_decode(&top, &(uint8_t){0x80}, 1);
	assert_int_equal(top, 32124);
	g711_alaw_decode(&top, &(uint8_t){0xaa}, 1);
	assert_int_equal(top, 32256);
}

/* Segment search over the decision values, as the reference of G.191 does it. */
static int ulaw_reference(int x)
{
	int m = ((x < 0 ? ~x : x) >> 2) + 33, segment = 1;

	m = MIN(m, 0x1fff);
	for (int i = m >> 6; i; i >>= 1)
		segment++;

	int high = 8 - segment, low = 15 - ((m >> segment) & 15);

	return high << 4 | low | (x >= 0 ? 0x80 : 0);
}

static int alaw_reference(int x)
{
	int m = (x < 0 ? ~x : x) >> 4;

	if (m > 15) {
		int segment = 1;

		while (m > 16 + 15) {
			m >>= 1;
			segment++;
		}
		m = (m - 16) + (segment << 4);
	}

	return (m | (x >= 0 ? 0x80 : 0)) ^ 0x55;
}

static void every_sample_encodes_as_the_reference(void **state)
{
	for (int x = -32768; x <= 32767; x++) {
		int16_t pcm = (int16_t)x;
		uint8_t u, a;

		g711_ulaw_encode(&u, &pcm, 1);
		g711_alaw_encode(&a, &pcm, 1);
		assert_int_equal(u, ulaw_reference(x));
		assert_int_equal(a, alaw_reference(x));
	}
}

/* A second pass through the codec changes nothing: tandem coding of the same law is free. */
static void every_code_survives_a_round_trip(void **state)
{
	for (int c = 0; c < 256; c++) {
		uint8_t code = (uint8_t)c, again;
		int16_t pcm;

		g711_ulaw_decode(&pcm, &code, 1);
		g711_ulaw_encode(&again, &pcm, 1);
		assert_int_equal(again, c == 0x7f ? 0xff : c); /* minus zero becomes zero */

		g711_alaw_decode(&pcm, &code, 1);
		g711_alaw_encode(&again, &pcm, 1);
		assert_int_equal(again, c);
	}
}

static void the_error_is_half_an_interval_at_most(void **state)
{
	for (int x = -32768; x <= 32767; x++) {
		int16_t pcm = (int16_t)x, u, a;
		uint8_t code;

		g711_ulaw_encode(&code, &pcm, 1);
		g711_ulaw_decode(&u, &code, 1);
		g711_alaw_encode(&code, &pcm, 1);
		g711_alaw_decode(&a, &code, 1);
		assert_true(abs(x - u) <= MAX(8, abs(x) / 31 + 8));
		assert_true(abs(x - a) <= MAX(16, abs(x) / 31 + 8));
	}
}

/* The vector code and the tail that does not fill a vector must agree. */
static void frames_of_any_length_agree_with_single_samples(void **state)
{
	uint64_t seed = test_seed();
	int16_t pcm[333], back[333], one;
	uint8_t code[333], single;

	for (int n = 0; n < 333; n++) {
		for (int i = 0; i < n; i++)
			pcm[i] = (int16_t)prng_u32(&seed);
		g711_ulaw_encode(code, pcm, (size_t)n);
		g711_ulaw_decode(back, code, (size_t)n);
		for (int i = 0; i < n; i++) {
			g711_ulaw_encode(&single, &pcm[i], 1);
			g711_ulaw_decode(&one, &code[i], 1);
			assert_int_equal(code[i], single);
			assert_int_equal(back[i], one);
		}
		g711_alaw_encode(code, pcm, (size_t)n);
		g711_alaw_decode(back, code, (size_t)n);
		for (int i = 0; i < n; i++) {
			g711_alaw_encode(&single, &pcm[i], 1);
			g711_alaw_decode(&one, &code[i], 1);
			assert_int_equal(code[i], single);
			assert_int_equal(back[i], one);
		}
	}
}

static void silence_is_silence(void **state)
{
	int16_t pcm = 0;
	uint8_t code;

	g711_ulaw_encode(&code, &pcm, 1);
	assert_int_equal(code, G711_ULAW_SILENCE);
	g711_alaw_encode(&code, &pcm, 1);
	assert_int_equal(code, G711_ALAW_SILENCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_gives_the_values_of_the_standard),
		cmocka_unit_test(every_sample_encodes_as_the_reference),
		cmocka_unit_test(every_code_survives_a_round_trip),
		cmocka_unit_test(the_error_is_half_an_interval_at_most),
		cmocka_unit_test(frames_of_any_length_agree_with_single_samples),
		cmocka_unit_test(silence_is_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
