/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/g711.h"

/*
 * No tables: the segment and the interval of both laws are the exponent and the upper four mantissa
 * bits of an IEEE float, so both directions are a conversion, a shift and an addition. Compilers
 * make SIMD of it, and it leaves the caches to others.
 */
static inline uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));

	return u;
}

static inline float bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));

	return f;
}

/* Bits above the four mantissa bits kept, and what (exponent << 4) is for 2^0. */
#define CUT  19
#define BIAS (127 << 4)

void g711_ulaw_encode(uint8_t *ret_code, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t x = pcm[i];
		int32_t sign = x >> 31;             /* 0 or -1 */
		int32_t m = ((x ^ sign) >> 2) + 33; /* one's complement magnitude, as G.191 */

		m = m > 0x1fff ? 0x1fff : m; /* 33..8191: segments 2^5 .. 2^12 */
		int32_t code = (int32_t)(float_bits((float)m) >> CUT) - BIAS - (5 << 4);
		ret_code[i] = (uint8_t) ~(code | (sign & 0x80));
	}
}

void g711_ulaw_decode(int16_t *ret_pcm, const uint8_t *code, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t c = (uint8_t)~code[i];
		/* The middle of the interval: a one below the mantissa bits. Scaled by 4, so that
		 * its 2^5 is our 2^7. */
		float f = bits_float(
			(uint32_t)((c & 0x7f) + BIAS + (7 << 4)) << CUT | 1u << (CUT - 1));
		int32_t m = (int32_t)f - 132;
		int32_t sign = -(c >> 7);

		ret_pcm[i] = (int16_t)((m ^ sign) - sign);
	}
}

void g711_alaw_encode(uint8_t *ret_code, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t x = pcm[i];
		int32_t sign = x >> 31;
		int32_t m = (x ^ sign) >> 4; /* 0..2047 */
		int32_t curved = (int32_t)(float_bits((float)m) >> CUT) - BIAS -
				 (3 << 4); /* 2^4 opens segment 1 */
		int32_t linear =
			(m - 16) >> 31; /* segment 0; a mask, since a branch would not vectorise */
		int32_t code = (m & linear) | (curved & ~linear);

		ret_code[i] = (uint8_t)((code | (~sign & 0x80)) ^ 0x55);
	}
}

void g711_alaw_decode(int16_t *ret_pcm, const uint8_t *code, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t c = code[i] ^ 0x55;
		int32_t low = c & 0x7f;
		float f = bits_float((uint32_t)(low + BIAS + (7 << 4)) << CUT | 1u << (CUT - 1));
		int32_t m = low < 16 ? (low << 4) + 8 : (int32_t)f;
		int32_t sign = (c >> 7) - 1; /* bit 7 set is positive */

		ret_pcm[i] = (int16_t)((m ^ sign) - sign);
	}
}
