/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/cn.h"
#include <math.h>

void cn_init(struct cn *cn, uint64_t seed)
{
	*cn = (struct cn){.seed = seed | 1};
}

void cn_set_level(struct cn *cn, int minus_dbov)
{
	cn->gain =
		minus_dbov >= 127 ? 0 : 32768.0f * powf(10.0f, -(float)MAX(minus_dbov, 0) / 20.0f);
	cn->order = 0;
}

/* RFC 3389 §3: the level, then reflection coefficients, 258 * (N - 127) in Q15. The all-pole model
 * is of any order. */
int cn_decode(struct cn *cn, const uint8_t *payload, size_t n)
{
	if (n == 0)
		return -TR_EPARSE;

	cn_set_level(cn, payload[0] & 0x7f); /* §3.1: the upper bit is zero, and ignored */
	cn->order = (int)MIN(n - 1, (size_t)CN_MAX_ORDER);
	for (int i = 0; i < cn->order; i++) /* §3.2; 255 is reserved and would be unstable */
		cn->k[i] = 258.0f * (float)(MIN(payload[1 + i], 254) - 127) / 32768.0f;

	return 0;
}

/* The lattice amplifies by 1 / prod(1 - k^2): what is put in has to be that much weaker. */
static float excitation(const struct cn *cn)
{
	float power = 1;

	for (int i = 0; i < cn->order; i++)
		power *= 1 - cn->k[i] * cn->k[i];

	return sqrtf(power);
}

/* One sample of the all-pole lattice filter. */
static float shape(struct cn *cn, float x)
{
	for (int i = cn->order - 1; i >= 0; i--) {
		x -= cn->k[i] * cn->b[i];
		cn->b[i + 1] = cn->b[i] + cn->k[i] * x;
	}
	cn->b[0] = x;

	return x;
}

void cn_run(struct cn *cn, int16_t *ret_pcm, int n)
{
	/* Uniform noise of +-2^31 has an RMS of 2^31 / sqrt(3). */
	float unit = excitation(cn) * 1.7320508f / 2147483648.0f;
	float step = (cn->gain - cn->now) / (float)MAX(n, 1);

	if (cn->gain == 0 && cn->now == 0) {
		memset(ret_pcm, 0, (size_t)n * sizeof(*ret_pcm));
		return;
	}
	for (int i = 0; i < n; i++) {
		float y = shape(cn, (float)(int32_t)prng_u32(&cn->seed) * unit);

		cn->now += step;
		ret_pcm[i] = (int16_t)CLAMP(y * cn->now, -32768.0f, 32767.0f);
	}
	cn->now = cn->gain;
}

size_t cn_encode(int minus_dbov, uint8_t *ret_payload)
{
	ret_payload[0] = (uint8_t)CLAMP(minus_dbov, 0, 127);

	return 1;
}
