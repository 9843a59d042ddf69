/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rig.h"
#include <sys/resource.h>

static int set_up(void **state)
{
	rig_start((struct media_engine_params){0});

	return 0;
}

static int tear_down(void **state)
{
	rig_stop();

	return 0;
}

/* RFC 3550 §5.1, RFC 3551 §4.1: a packet every 20 ms, silence included, one marker at the very beginning. */
static void silence_is_sent_without_a_gap(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	far_frames(f, 100);
	assert_int_equal(f->n, 100);
	far_assert_no_hole(f, 0);
	for (unsigned i = 1; i < f->n; i++) {
		assert_int_equal(f->packets[i].ts - f->packets[i - 1].ts, 160);
		assert_int_equal(f->packets[i].ssrc, f->packets[0].ssrc);
		assert_false(f->packets[i].marker);
	}
	assert_true(f->packets[0].marker);
	for (int i = 0; i < f->n_pcm; i++)
		assert_in_range(abs(f->pcm[i]), 0, 8);
	far_free(f);
}

static const struct row {
	enum codec_id id;
	uint8_t pt;
	int hz;
} codecs[] = {
	{CODEC_PCMU, 0, 1000}, {CODEC_PCMA, 8, 1000}, {CODEC_G722, 9, 5000}, {CODEC_OPUS, 111, 1000}, {CODEC_L16, 96, 5000},
};

static void an_echo_comes_back_through_every_codec(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		struct far *f = far_new(codecs[i].id, codecs[i].pt);

		far_call(f);
		assert_int_equal(media_connect_echo(rig.e, f->id), 0);
		far_tone(f, (uint16_t)codecs[i].hz);
		far_frames(f, 100);
		print_message("%s: share %.3f\n", codec_info(codecs[i].id)->name,
			(double)far_share(f, 500, (float)codecs[i].hz));
		assert_more(far_share(f, 500, (float)codecs[i].hz), 0.95f);
		assert_more(far_loudness(f, 500, (float)codecs[i].hz), 3000);
		assert_int_equal(f->n, 100);
		media_stream_close(rig.e, f->id);
		far_free(f);
	}
	assert_int_equal(rig_count(MEDIA_EV_FIRST_PACKET), ARRAY_LEN(codecs));
	assert_int_equal(rig_event(MEDIA_EV_FIRST_PACKET)->tag, 42);
}

static struct media_port *new_port(int rate_hz)
{
	struct media_port *port;

	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = rate_hz}, &port), 0);

	return port;
}

/* Both directions of the agent's path, at the codec's rate and at the other one. */
static void an_agent_hears_and_is_heard(void **state)
{
	static const struct {
		enum codec_id id;
		uint8_t pt;
		int port_hz;
		float up_hz, down_hz;
	} rows[] = {
		{CODEC_PCMU, 0, 8000, 1000, 700},
		{CODEC_PCMU, 0, 16000, 1000, 700},
		{CODEC_G722, 9, 16000, 5000, 6000},
		{CODEC_G722, 9, 8000, 1000, 700},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct far *f = far_new(rows[i].id, rows[i].pt);
		struct media_port *port = new_port(rows[i].port_hz);
		struct tone_spec spec = {.steps = {{.hz = {(uint16_t)rows[i].down_hz}}}, .n_steps = 1, .level_dbm0 = -10};
		struct tone_gen gen;
		int16_t pcm[MEDIA_FRAME_MAX], heard[200 * MEDIA_FRAME_MAX];
		int n = rows[i].port_hz / 50, n_heard = 0;
		uint32_t at = 0;
		struct media_port_report report;

		tone_gen_start(&gen, &spec, rows[i].port_hz);
		far_call(f);
		assert_int_equal(media_connect_port(rig.e, f->id, port), 0);
		far_tone(f, (uint16_t)rows[i].up_hz);
		for (int k = 0; k < 100; k++) {
			while (media_port_space(port) > 0) {
				tone_gen_run(&gen, pcm, n);
				assert_true(media_port_say(port, 1, pcm, n, 0));
			}
			far_frames(f, 1);
			for (const struct media_up_frame *up; (up = media_port_peek_up(port)); media_port_pop_up(port)) {
				assert_int_equal(up->at, at++);
				assert_int_equal(up->n, n);
				memcpy(heard + n_heard, up->pcm, (size_t)n * sizeof(*heard));
				n_heard += n;
			}
		}
		assert_int_equal(at, 100);
		assert_more(tone_share(heard + n_heard - 25 * n, 25 * n, rows[i].port_hz, rows[i].up_hz), 0.95f);
		assert_more(far_share(f, 500, rows[i].down_hz), 0.95f);
		media_port_report(port, &report);
		assert_true(report.is_connected);
		assert_int_equal(report.frames, 100);
		assert_int_equal(report.underruns, 0);

		media_stream_close(rig.e, f->id);
		rig_frame();
		media_port_report(port, &report);
		assert_false(report.is_connected);
		media_port_unref(port);
		far_free(f);
	}
	assert_int_equal(rig_count(MEDIA_EV_PORT_OVERFLOW), 0);
}

static void an_agent_that_does_not_read_is_told_of(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_port *port = new_port(8000);
	int16_t pcm[160] = {0};

	far_call(f);
	assert_int_equal(media_connect_port(rig.e, f->id, port), 0);
	far_tone(f, 1000);
	media_port_say(port, 1, pcm, 160, 0);
	far_frames(f, 100);
	assert_in_range(rig_count(MEDIA_EV_PORT_OVERFLOW), 1, 3);
	assert_int_equal(rig_count(MEDIA_EV_PORT_STARVED), 1);
	media_port_unref(port);
	far_free(f);
}

/* RFC 3264 §8.4: inactive sends no RTP, RTCP goes on; resumed, numbers run on and the clock has not stood still. */
static void hold_stops_rtp_and_resume_goes_on(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);

	plan.rtcp_mux = true;
	far_call(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_tone(f, 1000);
	far_frames(f, 50);

	struct rtp_packet last = f->packets[f->n - 1];

	plan.direction = MEDIA_INACTIVE;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	f->tone.rate_hz = 0;
	far_frames(f, 1000);
	assert_int_equal(f->n, 50);
	assert_in_range(f->n_rtcp, 1, 12);
	assert_int_equal(rig_count(MEDIA_EV_RTP_SILENT), 0);

	plan.direction = MEDIA_SENDRECV;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_frames(f, 10);
	assert_int_equal(f->n, 60);
	assert_int_equal((uint16_t)(f->packets[50].seq - last.seq), 1);
	assert_int_equal(f->packets[50].ts - last.ts, 1001 * 160);
	assert_int_equal(f->packets[50].ssrc, last.ssrc);
	assert_true(f->packets[50].marker);
	assert_false(f->packets[51].marker);
	far_free(f);
}

static void sendonly_hears_nothing_and_recvonly_says_nothing(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);

	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 50);
	assert_more(far_loudness(f, 200, 1000), 3000);

	plan.direction = MEDIA_SENDONLY;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_frames(f, 50);
	assert_int_equal(f->n, 100);
	assert_less(far_loudness(f, 200, 1000), 20);

	plan.direction = MEDIA_RECVONLY;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_frames(f, 50);
	assert_int_equal(f->n, 100);
	far_free(f);
}

/* A re-INVITE to another codec and clock: one RTP stream to the peer, RFC 3264 §8.3.2. */
static void a_change_of_codec_keeps_the_stream(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0), *wide = far_new(CODEC_G722, 9);
	struct media_plan plan;

	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 50);

	wide->id = f->id;
	wide->to = f->to;
	wide->ssrc = f->ssrc;
	wide->seq = f->seq;
	wide->ts = f->ts;
	plan = far_plan(wide);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_tone(wide, 5000);
	far_frames(wide, 100);
	assert_more(far_share(wide, 500, 5000), 0.95f);
	assert_int_equal(wide->n, 100);
	assert_int_equal((uint16_t)(wide->packets[0].seq - f->packets[f->n - 1].seq), 1);
	assert_int_equal(wide->packets[0].ts - f->packets[f->n - 1].ts, 160);
	assert_int_equal(wide->packets[0].ssrc, f->packets[0].ssrc);
	far_free(f);
	far_free(wide);
}

/* A peer may send any of the negotiated types and switch in mid-call, here also to another clock (RFC 7160 §4.1). */
static void a_peer_may_switch_among_the_negotiated_codecs(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0), *other = far_new(CODEC_OPUS, 111);
	struct media_plan plan = far_plan(f);

	plan.rx[1] = (struct media_codec){.id = CODEC_OPUS, .pt = 111};
	plan.n_rx = 2;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 50);
	assert_more(far_share(f, 500, 1000), 0.95f);

	f->tone.rate_hz = 0;
	close(other->fd);
	other->fd = dup(f->fd);
	other->id = f->id;
	other->to = f->to;
	other->ssrc = f->ssrc;
	other->seq = f->seq;
	far_tone(other, 700);
	for (int i = 0; i < 100; i++) {
		far_say_tone(other);
		far_frames(f, 1);
	}
	assert_more(far_share(f, 500, 700), 0.95f);
	far_free(f);
	far_free(other);
}

/* 10, 30, 40 and 60 ms packets out of 20 ms frames. */
static void every_packet_time_is_sent(void **state)
{
	static const struct {
		uint16_t ptime_ms;
		unsigned packets; /* in 1.2 s */
	} rows[] = {{10, 120}, {20, 60}, {30, 40}, {40, 30}, {60, 20}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct far *f = far_new(CODEC_PCMA, 8);
		struct media_plan plan = far_plan(f);

		plan.tx.ptime_ms = rows[i].ptime_ms;
		far_open(f);
		assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
		assert_int_equal(media_connect_echo(rig.e, f->id), 0);
		far_tone(f, 1000);
		far_frames(f, 60);
		assert_int_equal(f->n, rows[i].packets);
		far_assert_no_hole(f, 0);
		for (unsigned k = 1; k < f->n; k++)
			assert_int_equal(f->packets[k].ts - f->packets[k - 1].ts, rows[i].ptime_ms * 8);
		assert_more(far_share(f, 500, 1000), 0.95f);
		far_free(f);
	}
}

static void a_muted_side_is_silent(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 50);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(media_set_mute(rig.e, f->id, side == 0, side == 1), 0);
		far_frames(f, 30);
		assert_less(far_loudness(f, 200, 1000), 20);
	}
	assert_int_equal(media_set_mute(rig.e, f->id, false, false), 0);
	far_frames(f, 30);
	assert_more(far_loudness(f, 200, 1000), 3000);
	far_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silence_is_sent_without_a_gap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_echo_comes_back_through_every_codec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_agent_hears_and_is_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_agent_that_does_not_read_is_told_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hold_stops_rtp_and_resume_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sendonly_hears_nothing_and_recvonly_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_of_codec_keeps_the_stream, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_peer_may_switch_among_the_negotiated_codecs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_packet_time_is_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_muted_side_is_silent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
