/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/dtmf_inband.h"
#include <math.h>

/*
 * Blocks of 12.75 ms, the length whose Goertzel bins answer ITU-T Q.24's demand to take +-1.5 % and
 * to refuse +-3.5 %. A digit begins with two equal blocks in a row and ends with the second block
 * without it (an interruption of one is bridged).
 */
#define BLOCK_AT_8K 102
#define MIN_RMS     26.0f /* each tone; -42 dBm0 on a scale where 3.14 is full */
#define MAX_TWIST   10.0f /* 10 dB, rows above columns: Q.24's 8 and what noise and leakage move */
#define MAX_REVERSE 3.98f /* 6 dB: 4 and the same */
#define PEAK        6.31f /* the winner over the others of its group, 8 dB */
#define SHARE       0.76f /* of the energy in the two bins: what 1633 Hz + 1.5 % leaves there */

static const float freqs[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const char keys[4][5] = {"123A", "456B", "789C", "*0#D"};

void dtmf_rx_init(struct dtmf_rx *d, int rate_hz)
{
	assert(rate_hz == 8000 || rate_hz == 16000);
	*d = (struct dtmf_rx){.rate_hz = rate_hz, .block = BLOCK_AT_8K * (rate_hz / 8000)};
	for (int i = 0; i < 8; i++)
		d->coef[i] = 2 * cosf(2 * (float)M_PI * freqs[i] / (float)rate_hz);
}

static float power(float s1, float s2, float coef, int n)
{
	return (s1 * s1 + s2 * s2 - coef * s1 * s2) * 2 /
	       ((float)n * (float)n); /* mean square of that sine */
}

/* Index of the strongest of four that stands out from the other three, or -1. */
static int winner(const float *p)
{
	int best = 0;

	for (int i = 1; i < 4; i++)
		if (p[i] > p[best])
			best = i;
	for (int i = 0; i < 4; i++)
		if (i != best && p[i] * PEAK > p[best])
			return -1;

	return best;
}

/* The digit of a full block, or 0. */
static char judge(const struct dtmf_rx *d)
{
	float p[8], mean = d->energy / (float)d->block;

	if (mean < 2 * MIN_RMS * MIN_RMS)
		return 0;
	for (int i = 0; i < 8; i++)
		p[i] = power(d->s1[i], d->s2[i], d->coef[i], d->block);

	int row = winner(p), col = winner(p + 4);

	if (row < 0 || col < 0)
		return 0;

	float low = p[row], high = p[4 + col];
	bool is_loud = low > MIN_RMS * MIN_RMS && high > MIN_RMS * MIN_RMS;
	bool is_even = low < high * MAX_TWIST && high < low * MAX_REVERSE;

	if (!is_loud || !is_even || low + high < SHARE * mean)
		return 0;

	return keys[row][col];
}

/* Takes a block's verdict; 0, or 1 with an event. */
static int step(struct dtmf_rx *d, char hit, struct dtmf_event *ret)
{
	d->hits = (uint8_t)(hit && hit == d->last ? MIN(d->hits + 1, 100) : hit ? 1 : 0);
	d->last = hit;

	if (d->digit) {
		d->misses = (uint8_t)(hit == d->digit ? 0 : d->misses + 1);
		if (d->misses < 2)
			return 0;
		*ret = (struct dtmf_event){.digit = d->digit, .is_end = true};
		d->digit = 0;
		d->hits = 0; /* a digit that follows at once needs its own two blocks */
		return 1;
	}
	if (d->hits < 2)
		return 0;
	*ret = (struct dtmf_event){.digit = hit};
	d->digit = hit;
	d->misses = 0;

	return 1;
}

/* m samples into the filters, a constant bank at a time so that it becomes SIMD. */
static void filter(struct dtmf_rx *d, const int16_t *pcm, int m)
{
	for (int i = 0; i < m; i++) {
		float x = pcm[i];

		d->energy += x * x;
		for (int k = 0; k < 8; k++) {
			float s = x + d->coef[k] * d->s1[k] - d->s2[k];

			d->s2[k] = d->s1[k];
			d->s1[k] = s;
		}
	}
}

int dtmf_rx_run(
	struct dtmf_rx *d, const int16_t *pcm, int n, struct dtmf_event *ret_events, int cap)
{
	int count = 0;

	for (int at = 0; at < n;) {
		int m = MIN(d->block - d->filled, n - at);
		struct dtmf_event event;

		filter(d, pcm + at, m);
		d->filled += m;
		at += m;
		if (d->filled < d->block)
			break;
		if (step(d, judge(d), &event) && count < cap) {
			event.at = at;
			ret_events[count++] = event;
		}
		memset(d->s1, 0, sizeof(d->s1));
		memset(d->s2, 0, sizeof(d->s2));
		d->energy = 0;
		d->filled = 0;
	}

	return count;
}

#define ON_MS    100
#define OFF_MS   70
#define COMMA_MS 1000
#define ROW_DBM0 (-9) /* both tones: -6 dBm0, what most networks allow */

void dtmf_tx_init(struct dtmf_tx *d, int rate_hz, int on_ms, int off_ms)
{
	*d = (struct dtmf_tx){.rate_hz = rate_hz,
		.on_ms = on_ms ? on_ms : ON_MS,
		.off_ms = off_ms ? off_ms : OFF_MS};
}

/* Its position on the keypad; false if it has none. */
static bool find_key(char c, int *ret_row, int *ret_col)
{
	if (c >= 'a' && c <= 'd')
		c = (char)(c - 'a' + 'A');
	for (int row = 0; row < 4; row++)
		for (int col = 0; col < 4; col++)
			if (keys[row][col] == c) {
				*ret_row = row;
				*ret_col = col;
				return true;
			}

	return false;
}

int dtmf_tx_put(struct dtmf_tx *d, struct span digits)
{
	int row, col;

	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] != ',' && !find_key(digits.p[i], &row, &col))
			return -EINVAL;
	if (digits.n > (size_t)(DTMF_TX_QUEUE - d->count))
		return -TR_ELIMIT;

	for (size_t i = 0; i < digits.n; i++)
		d->queue[(d->head + d->count++) % DTMF_TX_QUEUE] = digits.p[i];

	return 0;
}

static void start_next(struct dtmf_tx *d)
{
	char c = d->queue[d->head];
	int row = 0, col = 0;

	d->head = (uint8_t)((d->head + 1) % DTMF_TX_QUEUE);
	d->count--;
	if (c == ',') {
		d->left = d->rate_hz / 1000 * COMMA_MS;
		return;
	}
	find_key(c, &row, &col);

	struct tone_spec spec = {
		.steps = {{.hz = {(uint16_t)freqs[row], (uint16_t)freqs[4 + col]},
				  .ms = (uint16_t)d->on_ms},
			{.ms = (uint16_t)d->off_ms}},
		.n_steps = 2,
		.level_dbm0 = ROW_DBM0,
	};

	tone_gen_start(&d->tone, &spec, d->rate_hz);
	d->left = d->rate_hz / 1000 * (d->on_ms + d->off_ms);
	d->is_on = true;
}

bool dtmf_tx_run(struct dtmf_tx *d, int16_t *ret_pcm, int n)
{
	if (d->left == 0 && d->count == 0)
		return false;

	for (int at = 0; at < n;) {
		if (d->left == 0 && d->count)
			start_next(d);

		int m = d->left ? MIN(d->left, n - at) : n - at;

		if (d->is_on && d->left)
			tone_gen_run(&d->tone, ret_pcm + at, m);
		else
			memset(ret_pcm + at, 0, (size_t)m * sizeof(*ret_pcm));
		at += m;
		d->left -= MIN(d->left, m);
		if (d->left == 0)
			d->is_on = false;
	}

	return true;
}
