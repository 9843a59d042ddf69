/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/jbuf_sim.h"
#include <math.h>

#define PITCH_MS 7 /* what one stretch of speech changes */
#define MAX_GETS 200

void sim_init(struct sim *s, const struct jbuf_params *params)
{
	s->count = s->next = 0;
	s->seed = 88172645463325252;
	s->hz = params->clock_hz;
	s->tick_units = params->tick_units;
	s->tick_us = (int64_t)params->tick_units * 1000000 / params->clock_hz;
	s->now_us = 1000000007;
	s->fifo = 0;
	s->is_quiet = false;
	s->is_rounding = false;
	s->has_stretch = true;
	s->last_played = -1;
	assert_int_equal(jbuf_new(&s->jb, params), 0);
	sim_mark(s);
}

void sim_done(struct sim *s)
{
	s->jb = jbuf_free(s->jb);
}

int64_t sim_uniform(struct sim *s, int64_t n)
{
	return (int64_t)(prng_u32(&s->seed) % (uint64_t)n);
}

int64_t sim_exponential(struct sim *s, int64_t mean)
{
	return (int64_t)(-log((prng_u32(&s->seed) + 1.0) / 4294967297.0) * (double)mean);
}

struct sim_packet *sim_send(struct sim *s, struct sim_sender *from, int64_t delay_us)
{
	struct sim_packet *p = NULL;

	if (delay_us >= 0) {
		uint64_t place = from->sent;

		assert_true(s->count < SIM_PACKETS);
		p = &s->packets[s->count];
		*p = (struct sim_packet){.at_us = (int64_t)from->at_us + delay_us, .order = s->count};
		p->p = (struct jbuf_packet){.pt = from->pt, .seq = from->seq, .ts = from->ts, .ssrc = from->ssrc,
					    .units = from->units, .len = SIM_PAYLOAD};
		memcpy(p->payload, &place, sizeof(place));
		s->count++;
	} else {
		from->lost++;
	}
	from->sent++;
	from->seq++;
	from->ts += from->units;
	from->at_us += (double)from->units * 1e6 / s->hz * (from->clock > 0 ? from->clock : 1);

	return p;
}

void sim_pause(struct sim_sender *from, uint32_t units, uint32_t hz)
{
	from->ts += units;
	from->at_us += (double)units * 1e6 / hz * (from->clock > 0 ? from->clock : 1);
}

void sim_copy(struct sim *s, const struct sim_packet *p, int64_t at_us)
{
	assert_true(s->count < SIM_PACKETS);
	s->packets[s->count] = *p;
	s->packets[s->count].at_us = at_us;
	s->packets[s->count].order = s->count;
	s->count++;
}

static int by_arrival(const void *a, const void *b)
{
	const struct sim_packet *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;

	return x->order < y->order ? -1 : 1;
}

/* The audio layer decodes a packet and stretches the end of the FIFO. */
static void decode(struct sim *s, const struct jbuf_out *out)
{
	int32_t allowed = s->is_quiet ? out->stretch_quiet : s->has_stretch ? out->stretch : 0;
	int32_t pitch = (int32_t)(s->hz * PITCH_MS / 1000), have = (int32_t)(s->fifo + out->units);
	int32_t change = MAX(allowed, -have);
	int64_t place;

	s->decodes++;
	s->splices += out->is_splice;
	memcpy(&place, out->payload, sizeof(place));
	assert_int_equal(out->len, SIM_PAYLOAD);
	assert_true(place > s->last_played);
	s->last_played = place;
	assert_true(abs(allowed) <= (int32_t)MAX(out->units, s->tick_units));
	if (!s->is_quiet) {
		change = abs(allowed) < pitch || have < 2 * pitch ? 0 : allowed > 0 ? pitch : -pitch;
		s->speech_stretches += change != 0;
		if (change < 0) {
			s->least_cut_gap = MIN(s->least_cut_gap, s->decodes - s->last_cut);
			s->last_cut = s->decodes;
		}
	}
	s->stretched_units += (uint32_t)abs(change);
	jbuf_stretched(s->jb, change);

	if (s->is_rounding)
		change += have + change > 0 ? (s->decodes % 2 ? 1 : -1) : 0;
	s->fifo = (uint32_t)(have + change);
}

static void tick(struct sim *s)
{
	bool is_gap = false;
	int gets = 0;

	while (s->fifo < s->tick_units) {
		struct jbuf_out out;

		jbuf_get(s->jb, s->now_us, s->fifo, &out);
		assert_true(++gets < MAX_GETS);
		if (out.op == JBUF_DECODE) {
			struct jbuf_stats now;

			decode(s, &out);
			jbuf_get_stats(s->jb, &now);
			s->max_delay_ms = MAX(s->max_delay_ms, now.delay_ms);
			s->min_delay_ms = MIN(s->min_delay_ms, now.delay_ms);
			s->delay_sum_ms += now.delay_ms;
			continue;
		}
		assert_true(out.units > 0);
		is_gap |= out.op != JBUF_SILENCE;
		s->fifo += out.units;
	}
	s->fifo -= s->tick_units;
	s->ticks++;
	s->gap_ticks += is_gap;
}

void sim_run(struct sim *s, int64_t until_us)
{
	qsort(s->packets + s->next, s->count - s->next, sizeof(s->packets[0]), by_arrival);
	for (; s->now_us < until_us; s->now_us += s->tick_us) {
		for (; s->next < s->count && s->packets[s->next].at_us <= s->now_us; s->next++) {
			struct sim_packet *p = &s->packets[s->next];

			p->p.payload = p->payload;
			jbuf_put(s->jb, &p->p, p->at_us);
		}
		tick(s);
	}
	sim_check_balance(s);
}

void sim_mark(struct sim *s)
{
	s->ticks = s->gap_ticks = s->decodes = s->splices = s->speech_stretches = 0;
	s->stretched_units = 0;
	s->least_cut_gap = UINT32_MAX;
	s->last_cut = 0u - 1000;
	s->max_delay_ms = 0;
	s->min_delay_ms = UINT32_MAX;
	s->delay_sum_ms = 0;
	jbuf_get_stats(s->jb, &s->mark);
}

void sim_check_balance(struct sim *s)
{
	struct jbuf_stats now;

	jbuf_get_stats(s->jb, &now);
	assert_int_equal(now.received, now.played + now.late + now.duplicates + now.discarded + now.buffered);
	assert_true(now.lost < UINT32_MAX);
}
