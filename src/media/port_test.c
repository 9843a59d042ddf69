/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "media/port.h"

#define N 160

static struct media_port *port;
static int16_t pcm[MEDIA_FRAME_MAX];
static int64_t now_us;

static int set_up(void **state)
{
	now_us = 1000000;

	return media_port_new(&(struct media_port_params){.rate_hz = 8000, .up_frames = 4, .down_frames = 8}, &port);
}

static int tear_down(void **state)
{
	port = media_port_unref(port);

	return 0;
}

static bool say(uint32_t utterance, int16_t value, uint8_t flags)
{
	int16_t frame[N];

	for (int i = 0; i < N; i++)
		frame[i] = value;

	return media_port_say(port, utterance, frame, N, flags);
}

static enum media_pull pull(void)
{
	now_us += MEDIA_FRAME_US;

	return media_port_pull_down(port, now_us, pcm);
}

static struct media_port_report report(void)
{
	struct media_port_report r;

	media_port_report(port, &r);

	return r;
}

static void assert_no_step(int limit)
{
	for (int i = 1; i < N; i++)
		assert_in_range(abs(pcm[i] - pcm[i - 1]), 0, limit);
}

static void what_the_agent_says_is_sent_in_order_and_reported(void **state)
{
	assert_true(say(7, 100, 0));
	assert_true(say(7, 200, MEDIA_DOWN_LAST));
	assert_true(report().is_draining);

	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(pcm[80], 100);
	assert_int_equal(report().utterance, 7);
	assert_int_equal(report().frames, 1);
	assert_int_equal(report().first_at_us, now_us);

	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(pcm[80], 200);
	assert_int_equal(report().frames, 2);
	assert_false(report().is_draining);

	assert_int_equal(pull(), MEDIA_PULL_NOTHING);
	assert_int_equal(report().ticks, 3);
	assert_int_equal(report().underruns, 0);
}

static void a_voice_that_breaks_off_is_an_underrun_without_a_click(void **state)
{
	say(1, 8000, 0);
	pull();
	assert_int_equal(pull(), MEDIA_PULL_UNDERRUN);
	assert_in_range(pcm[0], 7000, 8000);
	assert_no_step(250);
	assert_int_equal(pcm[N - 1], 0);
	assert_int_equal(report().underruns, 1);

	media_port_end(port, 1);
	assert_int_equal(pull(), MEDIA_PULL_NOTHING);
	assert_false(report().is_draining);
}

static void a_flush_drops_its_utterance_and_no_later_one(void **state)
{
	for (int i = 0; i < 3; i++)
		say(1, 8000, 0);
	say(2, 500, MEDIA_DOWN_LAST);
	pull();
	media_port_flush(port, 1);

	assert_int_equal(pull(), MEDIA_PULL_AUDIO); /* the fade */
	assert_int_equal(pcm[0], 8000);
	assert_no_step(250);
	assert_int_equal(pcm[40], 0);
	assert_int_equal(report().frames, 1);

	/* What was on its way when the agent flushed is dropped as well. */
	say(1, 8000, 0);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(pcm[80], 500);
	assert_int_equal(pull(), MEDIA_PULL_NOTHING);
	assert_int_equal(report().utterance, 2);
	assert_int_equal(report().underruns, 0);
}

static void utterance_ids_may_wrap(void **state)
{
	say(UINT32_MAX, 100, 0);
	say(1, 200, MEDIA_DOWN_LAST);
	media_port_flush(port, UINT32_MAX);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(pcm[80], 200);
}

static void a_pause_holds_and_resume_goes_on_without_a_click(void **state)
{
	say(1, 8000, 0);
	say(1, 8000, 0);
	say(1, 8000, MEDIA_DOWN_LAST);
	pull();
	media_port_pause(port);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO); /* the fade */
	assert_no_step(250);
	assert_int_equal(pull(), MEDIA_PULL_NOTHING);
	assert_int_equal(pcm[0], 0);
	assert_int_equal(report().frames, 1);
	assert_true(report().is_draining);

	media_port_resume(port);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(pcm[0], 0);
	assert_no_step(250);
	assert_int_equal(pcm[80], 8000);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
	assert_int_equal(report().frames, 3);
	assert_int_equal(report().underruns, 0);
}

static void a_flush_lifts_a_pause(void **state)
{
	say(1, 8000, 0);
	say(1, 8000, 0);
	pull();
	media_port_pause(port);
	pull();
	media_port_flush(port, 1);
	assert_int_equal(pull(), MEDIA_PULL_NOTHING);
	say(2, 100, MEDIA_DOWN_LAST);
	assert_int_equal(pull(), MEDIA_PULL_AUDIO);
}

static void a_full_ring_is_told_and_counted(void **state)
{
	int16_t frame[N] = {1};

	for (int i = 0; i < 8; i++) {
		assert_int_equal(media_port_space(port), 8 - i);
		assert_true(say(1, 1, 0));
	}
	assert_false(say(1, 1, 0));

	for (int i = 0; i < 4; i++)
		assert_true(media_port_push_up(port, frame, 9, 0));
	assert_false(media_port_push_up(port, frame, 9, 0));
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(media_port_peek_up(port)->at, i);
		assert_int_equal(media_port_peek_up(port)->speech, 9);
		media_port_pop_up(port);
	}
	assert_null(media_port_peek_up(port));
	assert_true(media_port_push_up(port, frame, 9, MEDIA_UP_CONCEALED));
	assert_int_equal(media_port_peek_up(port)->at, 5);
	pull();
	assert_int_equal(report().overflows, 1);
}

static void count_ring(void *ctx)
{
	++*(int *)ctx;
}

static void the_bell_rings_once_until_it_is_cleared(void **state)
{
	int rung = 0;
	struct media_bell bell = {.wake = count_ring, .ctx = &rung};

	media_bell_ring(&bell);
	media_bell_ring(&bell);
	assert_int_equal(rung, 1);
	media_bell_clear(&bell);
	media_bell_ring(&bell);
	assert_int_equal(rung, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_agent_says_is_sent_in_order_and_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_voice_that_breaks_off_is_an_underrun_without_a_click, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flush_drops_its_utterance_and_no_later_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(utterance_ids_may_wrap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pause_holds_and_resume_goes_on_without_a_click, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flush_lifts_a_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_ring_is_told_and_counted, set_up, tear_down),
		cmocka_unit_test(the_bell_rings_once_until_it_is_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
