/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/level.h"
#include <math.h>

#define SILENT_DBOV (-127.0f)

/* 64 bits hold any frame: 2^30 a sample. The inner sum of products of 16 bits is what compilers
 * turn into SIMD. */
static int64_t energy(const int16_t *pcm, int n)
{
	int64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += (int32_t)pcm[i] * pcm[i];

	return sum;
}

static float dbov(float amplitude)
{
	return amplitude > 0 ? MAX(20.0f * log10f(amplitude / 32768.0f), SILENT_DBOV) : SILENT_DBOV;
}

float level_rms(const int16_t *pcm, int n)
{
	return n > 0 ? sqrtf((float)energy(pcm, n) / (float)n) : 0;
}

uint8_t level_minus_dbov(const int16_t *pcm, int n)
{
	return (uint8_t)(0.5f - dbov(level_rms(pcm, n)));
}

void level_measure(const int16_t *pcm, int n, struct level *ret)
{
	int low = INT16_MAX, high = INT16_MIN, clipped = 0;
	int64_t sum = 0;

	for (int i = 0; i < n; i++) {
		low = MIN(low, pcm[i]);
		high = MAX(high, pcm[i]);
		clipped += pcm[i] == INT16_MAX || pcm[i] == INT16_MIN;
		sum += pcm[i];
	}

	ret->rms_dbov = dbov(level_rms(pcm, n));
	ret->peak_dbov = n > 0 ? dbov((float)MAX(high, -low)) : SILENT_DBOV;
	ret->clipped = clipped;
	ret->dc = n > 0 ? (int)(sum / n) : 0;
}
