/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/quality.h"
#include <math.h>

#define assert_near(x, want, tolerance) assert_true(fabs((double)(x) - (want)) <= (tolerance))

static double rating(enum rtp_codec_quality codec, double loss, double burst, double delay_ms)
{
	return rtp_emodel_r(&(struct rtp_emodel){.codec = codec, .loss = loss, .burst_ratio = burst, .delay_ms = delay_ms});
}

/* ITU-T G.107: default values give R = 93.2 and MOS = 4.41. */
static void default_values_give_the_known_rating(void **state)
{
	double r = rating(RTP_QUALITY_G711, 0, 1, 0);

	assert_near(r, 93.2, 0.05);
	assert_near(rtp_emodel_mos(r), 4.41, 0.005);
}

/* ITU-T G.107 Annex B: R of 50, 60, 70, 80 and 90 are MOS of 2.58, 3.10, 3.60, 4.03 and 4.34 (G.109's table). */
static void rating_maps_to_the_tabled_mos(void **state)
{
	static const double table[][2] = {{50, 2.58}, {60, 3.10}, {70, 3.60}, {80, 4.03}, {90, 4.34}, {0, 1}, {-5, 1}, {100, 4.5}};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_near(rtp_emodel_mos(table[i][0]), table[i][1], 0.0065); /* the table rounds 4.024 up */
	for (double r = 0; r < 100; r += 0.5)
		assert_true(rtp_emodel_mos(r) >= 1 && rtp_emodel_mos(r) <= 4.5);
}

/* G.107 §7.5: Ie-eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), G.711 with concealment: Bpl 25.1 (G.113 Appendix I). */
static void loss_lowers_the_rating_as_tabled(void **state)
{
	double full = rating(RTP_QUALITY_G711, 0, 1, 0);

	assert_near(rating(RTP_QUALITY_G711, 0.01, 1, 0), full - 95 * 1 / 26.1, 0.01);
	assert_near(rating(RTP_QUALITY_G711, 0.05, 1, 0), full - 95 * 5 / 30.1, 0.01);
	assert_near(rating(RTP_QUALITY_G711, 0.05, 2, 0), full - 95 * 5 / 27.6, 0.01);
	assert_near(rating(RTP_QUALITY_G711, 1, 1, 0), full - 95 * 100 / 125.1, 0.01);
}

/* G.107 §7.4: nearly nothing below 150 ms, then steeply. */
static void delay_lowers_the_rating(void **state)
{
	double before = 94;

	assert_true(rating(RTP_QUALITY_G711, 0, 1, 150) > 86);
	assert_in_range((int)rating(RTP_QUALITY_G711, 0, 1, 400), 55, 75);
	for (double ms = 0; ms < 1500; ms += 10) {
		double r = rating(RTP_QUALITY_G711, 0, 1, ms);

		assert_true(r <= before + 1e-9);
		before = r;
	}
}

static void wideband_is_better_than_narrowband(void **state)
{
	assert_near(rating(RTP_QUALITY_G722, 0, 1, 0), (129 - 13) / 1.29, 0.01);
	assert_true(rating(RTP_QUALITY_OPUS, 0, 1, 0) > rating(RTP_QUALITY_G722, 0, 1, 0));
	assert_true(rating(RTP_QUALITY_G722, 0, 1, 0) < 93.2 && rating(RTP_QUALITY_OPUS, 0, 1, 0) > 93.2);
}

static void nonsense_stays_within_the_scale(void **state)
{
	static const double values[] = {-1, 0, 0.5, 1, 2, 1e9};

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			double r = rating(RTP_QUALITY_OPUS, values[i], values[j], values[i] * 100);

			assert_true(r >= 0 && r <= 100);
		}
}

/* A call of a minute with ten bad seconds: the window shows them, the minimum keeps them, the average is in between. */
static void window_and_call_are_told_apart(void **state)
{
	struct rtp_quality_meter q;
	struct jbuf_stats jb = {.delay_ms = 30};

	rtp_quality_init(&q, RTP_QUALITY_G711, 8000, 0);
	const struct rtp_quality *now = rtp_quality_get(&q);
	assert_true(now->mos == 0);
	for (int second = 1; second <= 60; second++) {
		bool is_bad = second > 30 && second <= 40;

		jb.received += is_bad ? 40 : 50;
		jb.lost += is_bad ? 10 : 0;
		jb.loss_runs += is_bad ? 10 : 0;
		jb.concealed_units += is_bad ? 1600 : 0;
		struct rtp_quality_input in = {.jbuf = &jb, .jitter_us = 4000, .rtt_us = 50000};
		assert_false(rtp_quality_update(&q, &in, second * 1000 - 500));
		assert_true(rtp_quality_update(&q, &in, second * 1000));
		if (second == 30)
			assert_true(now->mos > 4.2 && now->loss_permille == 0);
		if (second == 40)
			assert_true(now->mos < 2.6 && now->loss_permille == 200);
	}
	assert_true(now->mos > 4.2);
	assert_true(now->mos_min < 2.6);
	assert_true(now->mos_avg > now->mos_min && now->mos_avg < now->mos);
	assert_near(now->mos_call, rtp_emodel_mos(rating(RTP_QUALITY_G711, 100 / 3000., 1, 30 + 25 + 40)), 0.01);
	assert_int_equal(now->seconds, 60);
	assert_int_equal(now->concealed_ms, 2000);
	assert_int_equal(now->rtt_ms, 50);
	assert_int_equal(now->lost, 100);
}

/* Losses in runs of five are burstier than chance. */
static void bursts_are_recognised(void **state)
{
	struct rtp_quality_meter q;
	struct jbuf_stats jb = {.received = 950, .lost = 50, .loss_runs = 10};
	struct rtp_quality_input in = {.jbuf = &jb, .rtt_us = -1};

	rtp_quality_init(&q, RTP_QUALITY_G711, 8000, 0);
	assert_true(rtp_quality_update(&q, &in, 1000));
	assert_near(rtp_quality_get(&q)->burst_ratio, 5 * 0.95, 0.001);
	assert_int_equal(rtp_quality_get(&q)->rtt_ms, -1);
}

/* Nothing came: on hold, nothing is rated. */
static void silence_is_not_rated(void **state)
{
	struct rtp_quality_meter q;
	struct jbuf_stats jb = {0};
	struct rtp_quality_input in = {.jbuf = &jb, .rtt_us = -1};

	rtp_quality_init(&q, RTP_QUALITY_G722, 8000, 0);
	for (int second = 1; second < 20; second++)
		assert_false(rtp_quality_update(&q, &in, second * 1000));
	assert_int_equal(rtp_quality_get(&q)->seconds, 0);
	jb.received = 50;
	assert_true(rtp_quality_update(&q, &in, 20000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_values_give_the_known_rating),
		cmocka_unit_test(rating_maps_to_the_tabled_mos),
		cmocka_unit_test(loss_lowers_the_rating_as_tabled),
		cmocka_unit_test(delay_lowers_the_rating),
		cmocka_unit_test(wideband_is_better_than_narrowband),
		cmocka_unit_test(nonsense_stays_within_the_scale),
		cmocka_unit_test(window_and_call_are_told_apart),
		cmocka_unit_test(bursts_are_recognised),
		cmocka_unit_test(silence_is_not_rated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
