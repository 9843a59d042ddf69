/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad_net.h"
#include <math.h>

#define INNER_HZ 8000

void vad_net_init(struct vad_net *v, int rate_hz)
{
	assert(rate_hz == 8000 || rate_hz == 16000);
	*v = (struct vad_net){.rate_hz = rate_hz};
}

/* 16 to 8 kHz, n even and at most two frames: a half-band filter of 15 taps, Q15. */
static void halve(struct vad_net *v, const int16_t *in, int n, int16_t *ret)
{
	int16_t x[2 * VAD_FRAME + VAD_NET_PAST];

	memcpy(x, v->past, sizeof(v->past));
	memcpy(x + VAD_NET_PAST, in, (size_t)n * sizeof(*in));
	memcpy(v->past, x + n, sizeof(v->past));
	for (int i = 0; i < n / 2; i++) {
		const int16_t *p = x + 2 * i;
		int32_t y = 16384 * p[7] + 9947 * (p[6] + p[8]) - 2264 * (p[4] + p[10]) + 564 * (p[2] + p[12]) -
			    55 * (p[0] + p[14]);

		ret[i] = (int16_t)CLAMP((y + 16384) >> 15, -32768, 32767);
	}
}

int vad_gather(struct vad_net *v, const int16_t *pcm, int n)
{
	int ratio = v->rate_hz / INNER_HZ, m = MIN(n / ratio, VAD_FRAME - v->filled);
	int16_t *to = v->pcm + VAD_WINDOW - VAD_FRAME + v->filled;

	if (ratio == 1)
		memcpy(to, pcm, (size_t)m * sizeof(*pcm));
	else
		halve(v, pcm, 2 * m, to);
	v->filled += m;

	return m * ratio;
}

uint8_t vad_net_run(struct vad_net *v, const int16_t *pcm, int n)
{
	float features[VAD_FEATURES];
	int most = -1;

	for (int at = 0, m; (m = vad_gather(v, pcm + at, n - at)) > 0; at += m) {
		if (v->filled < VAD_FRAME)
			break;
		vad_look(v, features);
		v->speech = (uint8_t)lrintf(255 * vad_think(v, features));
		most = MAX(most, v->speech);
	}

	return most < 0 ? v->speech : (uint8_t)most;
}
