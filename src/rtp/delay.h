/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * What delay the network needs: the jitter buffer's model, used by jbuf.c only. A transit is arrival minus media time
 * in microseconds, of unknown origin; the least one of the last seconds is the base, and the others are seen relative to it.
 */
#define DELAY_BINS    128
#define DELAY_WINDOWS 10

struct delay_model {
	bool has_base;
	uint8_t window;			/* current one of mins[] */
	uint8_t stale;			/* packets since the quantile was computed */
	uint32_t bin_us;
	uint32_t quantile_us;		/* upper edge of the bin, from origin */
	int64_t base;			/* least transit of all windows */
	int64_t origin;			/* transit of bin 0's lower edge: base, in steps of bins */
	int64_t mins[DELAY_WINDOWS];	/* least transit of each half second in which packets came */
	int64_t window_at;
	int64_t burst_at;		/* packets soon after this one came in one burst with it */
	float burst_weight;
	uint8_t burst_bin;
	uint8_t top;			/* all bins above are empty */
	int64_t settle_until;		/* after a new beginning: a falling base says nothing of the past */
	float weight;			/* of the next packet; grows, which is how the old ones are forgotten */
	float total;
	float bins[DELAY_BINS];
};

/* start_us: believed until about a hundred packets were heard. max_us: greatest delay of interest. */
void delay_init(struct delay_model *m, uint32_t start_us, uint32_t max_us);

/* Media time begins anew (a new anchor): the base is forgotten, the histogram stays. */
void delay_rebase(struct delay_model *m, int64_t now_us);

/* A packet of packet_us with this transit arrived. */
void delay_note(struct delay_model *m, int64_t transit, int64_t now_us, uint32_t packet_us);

/* Delay over the base that all but a few packets stay below. */
int64_t delay_quantile(const struct delay_model *m);

/* Least transit of the last second over the base: above 0 when the whole path became slower. */
int64_t delay_lag(const struct delay_model *m);
