/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/plc.h"
#include "audio/level.h"
#include "audio/pitch.h"
#include <math.h>

/* Periods from 2.5 ms (400 Hz), a sixth of the longest. */
#define MAX_PERIOD_MS 15 /* 66 Hz */
#define TEMPLATE_MS   20 /* what is compared to find the period */
#define REPEAT_MS                                                                                  \
	10 /* after each so much of a gap one more period is repeated, as in G.711 Appendix I */
#define FULL_MS   20     /* how long the repeated voice keeps its level */
#define FADE_MS   50     /* and how long it then takes to vanish */
#define MAX_FLOOR 200.0f /* -44 dBov: louder "background" is a talker we have not heard pause yet  \
			  */
#define VOICED    0.5f   /* a waveform that matches itself less is noise */

void plc_init(struct plc *p, int rate_hz)
{
	assert(rate_hz == 8000 || rate_hz == 16000);
	*p = (struct plc){.rate_hz = rate_hz,
		.history_n = rate_hz / 1000 * PLC_HISTORY_MS,
		.floor_rms = MAX_FLOOR,
		.seed = 1};
}

static int ms(const struct plc *p, int t)
{
	return p->rate_hz / 1000 * t;
}

static void remember(struct plc *p, const int16_t *pcm, int n)
{
	if (n > p->history_n) {
		pcm += n - p->history_n;
		n = p->history_n;
	}
	memmove(p->history, p->history + n, (size_t)(p->history_n - n) * sizeof(*pcm));
	memcpy(p->history + p->history_n - n, pcm, (size_t)n * sizeof(*pcm));
}

/* Length of the blend at the end of the repeated segment. */
static int overlap(const struct plc *p)
{
	return p->period / 4;
}

/* Takes the last three periods out of the history, with a quarter before them to blend the end
 * into. */
static void begin_gap(struct plc *p)
{
	const int16_t *end = p->history + p->history_n;
	int n = ms(p, TEMPLATE_MS), max = ms(p, MAX_PERIOD_MS), min = max / 6;
	struct pitch pitch = pitch_find(end - n, n, min, max, p->rate_hz);
	bool is_voiced = pitch.match >= VOICED;

	/* Noise repeated quickly would buzz: use long pieces of it from the start. */
	p->period = is_voiced ? pitch.lag : max;
	p->segment = is_voiced ? p->period : 3 * p->period;
	p->at = 0;

	int whole = 3 * p->period + overlap(p);
	memcpy(p->cycle, end - whole, (size_t)whole * sizeof(*end));
	p->seam = (float)(end[-1] - end[-1 - p->segment]);
}

/* Sample `at` of the repeated segment; its last quarter period turns into what stood before its
 * first sample. */
static float repeated(const struct plc *p)
{
	int q = overlap(p), i = 3 * p->period + q - p->segment + p->at,
	    into = p->at - (p->segment - q);
	float x = p->cycle[i];

	if (into < 0)
		return x;

	float w = (float)(into + 1) / (float)(q + 1);

	return x + w * ((float)p->cycle[i - p->segment] - x);
}

/* One more period in the loop, when its turn has come and the position is not inside the blend. */
static void lengthen_loop(struct plc *p)
{
	if (p->segment >= 3 * p->period || p->lost < p->segment / p->period * ms(p, REPEAT_MS))
		return;
	if (p->at >= p->segment - overlap(p))
		return;

	p->segment += p->period;
	p->at += p->period;
}

static float envelope(const struct plc *p)
{
	int t = p->lost - ms(p, FULL_MS);

	return t <= 0 ? 1.0f : MAX(1.0f - (float)t / (float)ms(p, FADE_MS), 0.0f);
}

static float noise(struct plc *p)
{
	return (float)(int32_t)prng_u32(&p->seed) * (1.7320508f / 2147483648.0f);
}

static float next_sample(struct plc *p)
{
	float voice = 0, g = envelope(p);

	if (g > 0) {
		lengthen_loop(p);
		/* The step between the last good sample and the loop's first, let out over the
		 * overlap. */
		float w = 1.0f - (float)(p->lost + 1) / (float)(overlap(p) + 1);

		voice = repeated(p) + (w > 0 ? w * p->seam : 0);
		p->at = p->at + 1 < p->segment ? p->at + 1 : 0;
	}
	p->lost++;

	return g * voice + sqrtf(1 - g * g) * p->floor_rms * noise(p);
}

void plc_conceal(struct plc *p, int16_t *ret_pcm, int n)
{
	if (n <= 0)
		return;
	if (p->lost == 0)
		begin_gap(p);

	for (int i = 0; i < n; i++) {
		float x = next_sample(p);

		ret_pcm[i] = (int16_t)CLAMP(x, -32768.0f, 32767.0f);
	}
	remember(p, ret_pcm, n);
}

/* The longer the gap, the less its end fits: 4 ms of cross-fade, and up to 10 after a long one. */
static void fade_in(struct plc *p, int16_t *pcm, int n)
{
	int fade = MIN(MIN(ms(p, 4) + p->lost / 4, ms(p, 10)), n);

	for (int i = 0; i < fade; i++) {
		float w = (float)(i + 1) / (float)(fade + 1), old = next_sample(p);
		float x = old + w * ((float)pcm[i] - old);

		pcm[i] = (int16_t)CLAMP(x, -32768.0f, 32767.0f);
	}
	p->lost = 0;
}

/* The background falls at once and rises by 1 dB in half a second, so that speech does not lift it.
 */
static void track_floor(struct plc *p, float rms, int n)
{
	float rise = 1.0f + 0.25f * (float)n / (float)p->rate_hz;

	p->floor_rms = MIN(MIN(rms, p->floor_rms * rise + 0.01f), MAX_FLOOR);
}

void plc_good(struct plc *p, int16_t *pcm, int n)
{
	if (n <= 0)
		return;
	if (p->lost)
		fade_in(p, pcm, n);
	track_floor(p, level_rms(pcm, n), n);
	remember(p, pcm, n);
}
