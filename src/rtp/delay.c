/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/delay.h"

#define WINDOW_US     500000
#define MEMORY_US     5000000.f /* time constant of forgetting: 250 packets of 20 ms */
#define TAIL	      0.008f	/* weight that may lie above the quantile: two of those */
#define LATE_WEIGHT   2.f	/* with TAIL: four packets of a thousand are late in a steady network */
#define BURST_WEIGHT  0.02f	/* packets that queued behind a stall tell of the same event as the first of them */
#define PRIOR_WEIGHT  2.f
#define SETTLE_US     500000
#define RECOMPUTE     8 /* packets */
#define WEIGHT_MAX    1e6f
#define NOTHING	      1e-3f /* of TAIL: forgotten altogether */

void delay_init(struct delay_model *m, uint32_t start_us, uint32_t max_us)
{
	*m = (struct delay_model){.bin_us = MAX(2000u, max_us / (DELAY_BINS - 8)), .weight = 1};

	uint32_t bin = MIN(start_us / m->bin_us, DELAY_BINS - 1u);
	m->bins[bin] = PRIOR_WEIGHT;
	m->top = (uint8_t)bin;
	m->total = PRIOR_WEIGHT;
	m->quantile_us = (bin + 1) * m->bin_us;
}

void delay_rebase(struct delay_model *m, int64_t now_us)
{
	m->has_base = false;
	m->settle_until = now_us + SETTLE_US;
}

static void start_windows(struct delay_model *m, int64_t transit, int64_t now_us)
{
	for (int i = 0; i < DELAY_WINDOWS; i++)
		m->mins[i] = INT64_MAX;
	m->window = 0;
	m->window_at = now_us;
	m->has_base = true;
	m->base = transit;
	m->origin = transit;
}

/* Windows pass with packets, not with time, so that the base outlives the pauses of a conversation. */
static void roll_window(struct delay_model *m, int64_t now_us)
{
	m->window = (uint8_t)((m->window + 1) % DELAY_WINDOWS);
	m->mins[m->window] = INT64_MAX;
	m->window_at = now_us;
	m->base = INT64_MAX;
	for (int i = 0; i < DELAY_WINDOWS; i++)
		m->base = MIN(m->base, m->mins[i]);
}

/* The base rose by so many bins: everything moves down, and what would leave gathers in the first. */
static void shift_down(struct delay_model *m, uint64_t n)
{
	float sum = 0;

	n = MIN(n, (uint64_t)DELAY_BINS - 1);
	for (uint64_t i = 0; i < n; i++)
		sum += m->bins[i];
	memmove(m->bins, m->bins + n, (DELAY_BINS - n) * sizeof(m->bins[0]));
	memset(m->bins + DELAY_BINS - n, 0, n * sizeof(m->bins[0]));
	m->bins[0] += sum;
}

static void shift_up(struct delay_model *m, uint64_t n)
{
	float sum = 0;

	n = MIN(n, (uint64_t)DELAY_BINS - 1);
	for (uint64_t i = DELAY_BINS - n; i < DELAY_BINS; i++)
		sum += m->bins[i];
	memmove(m->bins + n, m->bins, (DELAY_BINS - n) * sizeof(m->bins[0]));
	memset(m->bins, 0, n * sizeof(m->bins[0]));
	m->bins[DELAY_BINS - 1] += sum;
	m->top = (uint8_t)MIN(m->top + n, (uint64_t)DELAY_BINS - 1);
}

static void follow_base(struct delay_model *m, int64_t now_us)
{
	int64_t n = (m->base - m->origin) / (int64_t)m->bin_us;

	/* A base that creeps down is a sender whose clock runs fast: what was near the base before is near it still. */
	bool is_creeping = m->origin - m->base < (int64_t)m->bin_us;
	if (m->base < m->origin && (is_creeping || now_us < m->settle_until)) {
		m->origin = m->base;
		return;
	}
	/* the origin never lies above the base: a relative delay is never negative */
	if (m->base < m->origin && (m->base - m->origin) % (int64_t)m->bin_us)
		n--;
	if (n == 0)
		return;
	if (n > 0)
		shift_down(m, (uint64_t)n);
	else
		shift_up(m, (uint64_t)-n);
	m->origin += n * m->bin_us;
	m->stale = RECOMPUTE;
}

static void compute_quantile(struct delay_model *m)
{
	float above = 0, limit = m->total * TAIL;
	uint32_t bin;

	for (; m->top > 0 && m->bins[m->top] < limit * NOTHING; m->top--) {
		m->total -= m->bins[m->top];
		m->bins[m->top] = 0;
	}
	bin = m->top + 1u;
	while (bin > 1 && above + m->bins[bin - 1] <= limit)
		above += m->bins[--bin];
	m->quantile_us = bin * m->bin_us;
	m->stale = 0;
}

/* Instead of making the old weigh less, the new weighs more; now and then all is scaled back. */
static void forget(struct delay_model *m, uint32_t packet_us)
{
	m->weight *= 1 + (float)packet_us / MEMORY_US;
	if (m->weight < WEIGHT_MAX)
		return;
	m->total = 0;
	for (int i = 0; i < DELAY_BINS; i++) {
		m->bins[i] /= m->weight;
		m->total += m->bins[i];
	}
	m->weight = 1;
}

static void add(struct delay_model *m, uint32_t bin, float weight)
{
	m->bins[bin] += weight;
	m->total += weight;
	m->top = (uint8_t)MAX(m->top, bin);
}

static void start_burst(struct delay_model *m, uint32_t bin, bool is_late, int64_t now_us)
{
	m->burst_at = now_us;
	m->burst_bin = (uint8_t)bin;
	m->burst_weight = is_late ? m->weight * LATE_WEIGHT : m->weight;
	add(m, bin, m->burst_weight);
}

/* Of packets that come at once, queued behind a stall, the most delayed speaks for all. */
static void join_burst(struct delay_model *m, uint32_t bin)
{
	add(m, bin, m->weight * BURST_WEIGHT);
	if (bin <= m->burst_bin)
		return;
	add(m, m->burst_bin, -MIN(m->burst_weight, m->bins[m->burst_bin]));
	add(m, bin, m->burst_weight);
	m->burst_bin = (uint8_t)bin;
}

void delay_note(struct delay_model *m, int64_t transit, int64_t now_us, uint32_t packet_us)
{
	if (!m->has_base)
		start_windows(m, transit, now_us);
	else if (now_us - m->window_at >= WINDOW_US)
		roll_window(m, now_us);
	m->mins[m->window] = MIN(m->mins[m->window], transit);
	m->base = MIN(m->base, transit);
	follow_base(m, now_us);

	int64_t rel = transit - m->origin;
	uint32_t bin = rel >= (int64_t)m->bin_us * DELAY_BINS ? DELAY_BINS - 1 : (uint32_t)rel / m->bin_us;
	bool is_late = rel > m->quantile_us;

	if (now_us - m->burst_at < packet_us / 2)
		join_burst(m, bin);
	else
		start_burst(m, bin, is_late, now_us);
	forget(m, packet_us);
	if (is_late || ++m->stale >= RECOMPUTE)
		compute_quantile(m);
}

int64_t delay_quantile(const struct delay_model *m)
{
	return m->has_base ? MAX(m->quantile_us - (m->base - m->origin), 0) : m->quantile_us;
}

int64_t delay_lag(const struct delay_model *m)
{
	int64_t recent = MIN(m->mins[m->window], m->mins[(m->window + DELAY_WINDOWS - 1) % DELAY_WINDOWS]);

	return m->has_base && recent != INT64_MAX ? recent - m->base : 0;
}
