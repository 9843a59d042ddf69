/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/echo.h"
#include <math.h>

/*
 * The bounds come from synthetic and real voices through rooms, clipping and mu-law. Mean correlation at the best delay:
 *
 *	after	 an echo	other speech
 *	300 ms	 0.75..0.82	up to 0.67
 *	500 ms	 0.66..0.76	up to 0.42
 *	1000 ms	 0.44..0.60	up to 0.35
 *
 * and of one frame at the known delay: echo 0.4..0.9, a caller over it -0.3..0.5 with a mean of 0.1.
 */
#define FADE		0.985F /* of the sum: forgets in a good second */
#define EARLY_FRAMES	14.0F  /* 280 ms */
#define EARLY_MATCH	0.72F
#define SURE_FRAMES	22.0F  /* 440 ms */
#define SURE_MATCH	0.55F
#define SUSPECT_FRAMES	5.0F
#define SUSPECT_MATCH	0.66F
#define LIKE_MATCH	0.38F
#define LIKE_SMOOTH	0.3F
#define LEVEL_FRAMES	15     /* before them the level may be that of a quiet moment */
#define LOUD		400.0F /* of what was sent: only then does a level say something */
#define LEVEL_UP	0.2F
#define LEVEL_DOWN	0.02F
#define LOUDER		2.5F   /* 8 dB above the echo so far: somebody speaks over it */
#define AUDIBLE		100.0F /* a point of speech that was sent; -50 dBFS */
#define CLEAN_FRAMES	100    /* 2 s */

enum {
	WANDER = 3,  /* points around the known lag: clocks drift, buffers stretch */
	SMEAR = 30,  /* points that a room spreads a sound over */
	LEVEL = 30,  /* points that a level is the mean of */
};

void echo_init(struct echo *e)
{
	*e = (struct echo){.path = ECHO_UNKNOWN};
}

void echo_points(const int16_t *pcm, size_t n, float ret_points[static ECHO_FRAME_POINTS])
{
	size_t step = MAX(n / ECHO_FRAME_POINTS, 1);

	for (size_t k = 0; k < ECHO_FRAME_POINTS; k++) {
		float sum = 0;

		for (size_t i = k * step; i < MIN((k + 1) * step, n); i++)
			sum += (float)pcm[i] * (float)pcm[i];
		ret_points[k] = sqrtf(sum / (float)step);
	}
}

static void push(float *ring, size_t n, const float *points)
{
	memmove(ring, ring + ECHO_FRAME_POINTS, (n - ECHO_FRAME_POINTS) * sizeof(*ring));
	if (points)
		memcpy(ring + n - ECHO_FRAME_POINTS, points, ECHO_FRAME_POINTS * sizeof(*ring));
	else
		memset(ring + n - ECHO_FRAME_POINTS, 0, ECHO_FRAME_POINTS * sizeof(*ring));
}

/* What was sent `lag` points before the window of what is heard. */
static const float *sent_at(const struct echo *e, size_t lag)
{
	return e->sent + ARRAY_LEN(e->sent) - ECHO_WINDOW - lag;
}

/* The window without its mean, for all lags. */
struct pattern {
	float points[ECHO_WINDOW];
	float norm;
};

static struct pattern pattern_of(const float *window)
{
	struct pattern p = {.norm = 0};
	float mean = 0;

	for (size_t i = 0; i < ECHO_WINDOW; i++)
		mean += window[i];
	mean /= ECHO_WINDOW;
	for (size_t i = 0; i < ECHO_WINDOW; i++) {
		p.points[i] = window[i] - mean;
		p.norm += p.points[i] * p.points[i];
	}
	p.norm = sqrtf(p.norm);

	return p;
}

/* Correlation coefficient of the pattern with what was sent at that lag; 0 where nothing was. Four sums, so that it can be fast. */
static float correlate(const struct pattern *p, const float *s)
{
	float dot[4] = {0}, sum[4] = {0}, square[4] = {0};
	size_t i = 0;

	for (; i + 4 <= ECHO_WINDOW; i += 4)
		for (size_t k = 0; k < 4; k++) {
			dot[k] += p->points[i + k] * s[i + k];
			sum[k] += s[i + k];
			square[k] += s[i + k] * s[i + k];
		}
	for (; i < ECHO_WINDOW; i++) {
		dot[0] += p->points[i] * s[i];
		sum[0] += s[i];
		square[0] += s[i] * s[i];
	}

	float all = sum[0] + sum[1] + sum[2] + sum[3];
	float spread = square[0] + square[1] + square[2] + square[3] - all * all / ECHO_WINDOW;

	if (spread < AUDIBLE * AUDIBLE || p->norm <= 0)
		return 0;

	return (dot[0] + dot[1] + dot[2] + dot[3]) / (p->norm * sqrtf(spread));
}

static float mean_of(const float *points, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += points[i];

	return sum / (float)n;
}

/*
 * Level heard lately as a factor of what was sent when it would have left us, or shortly before: rooms smear. 0 in our pauses,
 * where it says nothing.
 */
static float level_of(const struct echo *e, uint32_t lag)
{
	float sent = 0;

	for (uint32_t back = 0; back <= SMEAR; back += SMEAR / 2) {
		const float *s = sent_at(e, lag) + ECHO_WINDOW - LEVEL - back;

		sent = MAX(sent, mean_of(MAX(s, e->sent), LEVEL));
	}

	return sent < LOUD ? 0 : mean_of(e->heard + ECHO_WINDOW - LEVEL, LEVEL) / sent;
}

/* Collects evidence of an echo at any delay. Returns the mean correlation at the best one. */
static float learn(struct echo *e, const struct pattern *p)
{
	size_t best = 0;

	e->weight = e->weight * FADE + 1;
	for (size_t lag = 0; lag < ECHO_LAGS; lag++) {
		e->match[lag] = e->match[lag] * FADE + correlate(p, sent_at(e, lag));
		if (e->match[lag] > e->match[best])
			best = lag;
	}

	float mean = e->match[best] / e->weight;

	if ((e->weight >= SURE_FRAMES && mean >= SURE_MATCH) || (e->weight >= EARLY_FRAMES && mean >= EARLY_MATCH)) {
		bool is_new = e->path != ECHO_FOUND || (size_t)abs((int)best - (int)e->lag) > WANDER;

		e->path = ECHO_FOUND;
		e->lag = (uint32_t)best;
		if (is_new) {
			e->likeness = mean;
			e->level = 0;
			e->levels = 0;
		}
	}

	return mean;
}

static bool is_like_the_echo(struct echo *e, const struct pattern *p)
{
	uint32_t from = e->lag - MIN(e->lag, WANDER), to = MIN(e->lag + WANDER, ECHO_LAGS - 1);
	float best = -1, level = level_of(e, e->lag);

	for (uint32_t lag = from; lag <= to; lag++)
		best = MAX(best, correlate(p, sent_at(e, lag)));
	e->likeness += LIKE_SMOOTH * (best - e->likeness);
	if (e->likeness < LIKE_MATCH || (e->levels >= LEVEL_FRAMES && level > e->level * LOUDER))
		return false;
	if (level > 0) {
		float speed = level > e->level ? LEVEL_UP : LEVEL_DOWN;

		e->levels++;
		e->level += MAX(speed, 1.0F / (float)e->levels) * (level - e->level);
	}

	return true;
}

bool echo_frame(struct echo *e, const float *sent, const int16_t *heard, size_t n, bool is_voice)
{
	float points[ECHO_FRAME_POINTS];

	echo_points(heard, n, points);
	push(e->sent, ARRAY_LEN(e->sent), sent);
	push(e->heard, ARRAY_LEN(e->heard), points);

	bool was_sent = mean_of(e->sent, ARRAY_LEN(e->sent)) > AUDIBLE / 4;

	if (!is_voice || !was_sent) {
		if (sent && mean_of(sent, ECHO_FRAME_POINTS) > AUDIBLE && !is_voice && ++e->alone >= CLEAN_FRAMES && e->path == ECHO_UNKNOWN)
			e->path = ECHO_CLEAN;
		return false;
	}

	struct pattern p = pattern_of(e->heard);
	float mean = learn(e, &p);

	e->alone = 0;
	if (e->path == ECHO_FOUND)
		return is_like_the_echo(e, &p);

	/* Our first words: a voice that behaves like an echo is not given the floor until it is known what it is. */
	return e->path == ECHO_UNKNOWN && e->weight >= SUSPECT_FRAMES && e->weight < SURE_FRAMES && mean >= SUSPECT_MATCH;
}

uint32_t echo_delay_ms(const struct echo *e)
{
	return e->path == ECHO_FOUND ? e->lag * ECHO_POINT_MS : 0;
}
