/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/stretch.h"
#include "audio/level.h"
#include "audio/pitch.h"

#define TEMPLATE_MS 8 /* compared around the cut: half of it before, half behind */
#define FADE_MS     5 /* cross-fade at the cut */
#define GOOD_MATCH                                                                                 \
	0.75f /* a waveform that repeats itself this well can lose or gain a period unheard */
#define QUIET_RMS 60.0f /* -55 dBov: background, of which nobody hears a piece less */

void stretch_init(struct stretch *s, int rate_hz)
{
	assert(rate_hz >= 8000 && rate_hz <= STRETCH_MAX_HZ);
	*s = (struct stretch){.rate_hz = rate_hz};
}

static int ms(const struct stretch *s, int t)
{
	return s->rate_hz / 1000 * t;
}

static int history_n(const struct stretch *s)
{
	return ms(s, 30);
}

/* Writes n samples that go over from a to b. ret may be a. */
static void cross_fade(const int16_t *a, const int16_t *b, int n, int16_t *ret)
{
	for (int i = 0; i < n; i++)
		ret[i] = (int16_t)(a[i] + (b[i] - a[i]) * (i + 1) / (n + 1));
}

/*
 * The lag from min to max at which the waveform around x looks most like that around x + lag.
 * Coarse steps of 4 kHz first: a peak of the correlation is wider than that.
 */
static struct pitch find_ahead(const struct stretch *s, const int16_t *x, int min, int max)
{
	int half = ms(s, TEMPLATE_MS) / 2, step = s->rate_hz / 4000;
	struct pitch best = {.lag = min, .match = -2};

	for (int lag = min; lag <= max; lag += step) {
		float match = pitch_match(x - half, x - half + lag, 2 * half);

		if (match > best.match)
			best = (struct pitch){lag, match};
	}
	for (int lag = MAX(best.lag - step + 1, min), end = MIN(best.lag + step - 1, max);
		lag <= end; lag++) {
		float match = pitch_match(x - half, x - half + lag, 2 * half);

		if (match > best.match)
			best = (struct pitch){lag, match};
	}

	return best;
}

/* The same, looking back from x. */
static struct pitch find_behind(const struct stretch *s, const int16_t *x, int min, int max)
{
	int half = ms(s, TEMPLATE_MS) / 2;

	return pitch_find(x - half, 2 * half, min, max, s->rate_hz);
}

static bool is_inaudible(const struct stretch *s, struct pitch p, const int16_t *x, int n)
{
	return p.match >= GOOD_MATCH || level_rms(x, n) < QUIET_RMS;
}

/* x stands behind the history. Leaves out the first period, cross-faded. */
static int shorten(
	const struct stretch *s, const int16_t *x, int n, bool is_forced, int16_t *ret_out)
{
	int fade = ms(s, FADE_MS), half = ms(s, TEMPLATE_MS) / 2;
	int min = ms(s, 2) + ms(s, 1) / 2,
	    max = MIN(STRETCH_MAX_PERIOD(s->rate_hz), n - MAX(fade, half) - 1);

	memcpy(ret_out, x, (size_t)n * sizeof(*x));
	if (max < min)
		return n;

	struct pitch p = find_ahead(s, x, min, max);

	if (!is_forced && !is_inaudible(s, p, x, n))
		return n;

	cross_fade(x, x + p.lag, fade, ret_out);
	memcpy(ret_out + fade, x + p.lag + fade, (size_t)(n - p.lag - fade) * sizeof(*x));

	return n - p.lag;
}

/* x stands behind the history. Plays the last period once more before it, cross-faded. */
static int lengthen(
	const struct stretch *s, const int16_t *x, int n, bool is_forced, int16_t *ret_out)
{
	int min = ms(s, 2) + ms(s, 1) / 2, max = STRETCH_MAX_PERIOD(s->rate_hz);
	int fade = MIN(ms(s, FADE_MS), n);
	struct pitch p = find_behind(s, x, min, max);

	if (!is_forced && !is_inaudible(s, p, x, n)) {
		memcpy(ret_out, x, (size_t)n * sizeof(*x));
		return n;
	}

	/* What followed a period ago, continued; it meets x itself a period later. */
	cross_fade(x, x - p.lag, fade, ret_out);
	memcpy(ret_out + fade, x - p.lag + fade, (size_t)(n + p.lag - fade) * sizeof(*x));

	return n + p.lag;
}

/* Leaves a cross-fade from the frame's beginning to its end. */
static int drop(const struct stretch *s, const int16_t *x, int n, int16_t *ret_out)
{
	int fade = MIN(ms(s, FADE_MS), n);

	cross_fade(x, x + n - fade, fade, ret_out);

	return fade;
}

static int change(
	const struct stretch *s, enum stretch_mode mode, const int16_t *x, int n, int16_t *ret_out)
{
	switch (mode) {
	case STRETCH_SHORTEN:
	case STRETCH_SHORTEN_NOW:
		return shorten(s, x, n, mode == STRETCH_SHORTEN_NOW, ret_out);
	case STRETCH_LENGTHEN:
	case STRETCH_LENGTHEN_NOW:
		return lengthen(s, x, n, mode == STRETCH_LENGTHEN_NOW, ret_out);
	case STRETCH_DROP:
		return drop(s, x, n, ret_out);
	case STRETCH_NONE:
		break;
	}
	memcpy(ret_out, x, (size_t)n * sizeof(*x));

	return n;
}

static void remember(struct stretch *s, const int16_t *pcm, int n)
{
	int have = history_n(s), m = MIN(n, have);

	memmove(s->history, s->history + m, (size_t)(have - m) * sizeof(*pcm));
	memcpy(s->history + have - m, pcm + n - m, (size_t)m * sizeof(*pcm));
}

int stretch_run(
	struct stretch *s, enum stretch_mode mode, const int16_t *in, int n, int16_t *ret_out)
{
	int16_t joined[STRETCH_HISTORY + STRETCH_MAX_FRAME];
	int out = n, have = history_n(s);

	if (n <= 0)
		return 0;
	if (mode == STRETCH_NONE || n < ms(s, 10) || n > STRETCH_MAX_FRAME) {
		memcpy(ret_out, in, (size_t)n * sizeof(*in));
	} else {
		memcpy(joined, s->history, (size_t)have * sizeof(*in));
		memcpy(joined + have, in, (size_t)n * sizeof(*in));
		out = change(s, mode, joined + have, n, ret_out);
	}
	remember(s, ret_out, out);

	return out;
}
