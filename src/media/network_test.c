/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rig.h"
#include <sys/resource.h>

/* Ports, sources, loss, RTCP, and what happens when they fail. */

static int set_up(void **state)
{
	rig_start((struct media_engine_params){0});

	return 0;
}

static int set_up_few_ports(void **state)
{
	/* 30001 is odd: pairs 30002, 30004, 30006. */
	rig_start((struct media_engine_params){.port_min = 30001, .port_max = 30007});

	return 0;
}

static int tear_down(void **state)
{
	rig_stop();

	return 0;
}

/* ---- ports ------------------------------------------------------------------------------------------------------------------- */

/* RFC 3550 §11: RTP on an even port, RTCP on the next. Freed pairs rest, so that late packets of a call meet nobody. */
static void ports_run_out_cleanly_and_come_back_rested(void **state)
{
	struct media_id ids[3], id;
	struct media_local local, first;
	struct media_stream_params params = rig_params();
	struct media_engine_stats stats;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(media_stream_open(rig.e, &params, &ids[i], &local), 0);
		assert_int_equal(addr_port(&local.rtp) % 2, 0);
		assert_in_range(addr_port(&local.rtp), 30002, 30006);
		if (i == 0)
			first = local;
	}
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), -TR_ENOPORT);
	media_engine_stats(rig.e, &stats);
	assert_int_equal(stats.streams, 3);
	assert_int_equal(stats.ports_free, 0);
	assert_int_equal(stats.refused, 1);

	media_stream_close(rig.e, ids[0]);
	rig_frame();
	assert_int_equal(rig_count(MEDIA_EV_CLOSED), 1);
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), -TR_ENOPORT);
	media_engine_stats(rig.e, &stats);
	assert_int_equal(stats.ports_resting, 1);
	rig_run_ms(5000);
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), 0);
	assert_true(addr_eq(&local.rtp, &first.rtp));
	/* The slot is used again, its old handle is not. */
	assert_int_equal(id.index, ids[0].index);
	assert_int_equal(media_connect_echo(rig.e, ids[0]), -TR_ECLOSED);
	assert_int_equal(media_connect_echo(rig.e, id), 0);
}

static void a_port_of_somebody_else_is_passed_over(void **state)
{
	struct media_stream_params params = rig_params();
	struct media_id id;
	struct media_local local;
	struct addr at = rig.local;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	addr_set_port(&at, 30003); /* the RTCP half of a pair */
	assert_int_equal(bind(fd, &at.sa, addr_len(&at)), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(media_stream_open(rig.e, &params, &id, &local), 0);
		assert_int_not_equal(addr_port(&local.rtp), 30002);
	}
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), -TR_ENOPORT);
	close(fd);
}

static void no_descriptors_left_is_an_error_like_any_other(void **state)
{
	struct media_stream_params params = rig_params();
	struct media_id id;
	struct media_local local;
	struct media_engine_stats stats;
	struct rlimit before, none;
	int fd = dup(0);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1; /* room for one: RTP's socket can be made, RTCP's cannot */
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

	int err = media_stream_open(rig.e, &params, &id, &local);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(err, -EMFILE);
	media_engine_stats(rig.e, &stats);
	assert_int_equal(stats.streams, 0);
	assert_int_equal(stats.ports_resting, 0);
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), 0);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
	struct media_stream_params params = rig_params();
	struct media_id id;
	struct media_local local;

	assert_true(addr_parse_ip(SPAN_LIT("192.0.2.1"), 0, &params.bind));
	assert_int_equal(media_stream_open(rig.e, &params, &id, &local), -EADDRNOTAVAIL);
}

static void plans_that_cannot_be_played_are_refused(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);

	far_open(f);
	plan.n_rx = 0;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), -TR_ENOCODEC);
	plan = far_plan(f);
	plan.tx.id = CODEC_COUNT;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), -TR_ENOCODEC);
	far_free(f);
}

/* ---- time-outs ----------------------------------------------------------------------------------------------------------------- */

static void silence_of_the_peer_is_told_in_two_steps(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);
	struct media_stream_params params = rig_params();
	struct media_local local;

	params.rtp_timeout_ms = 10000;
	assert_int_equal(media_stream_open(rig.e, &params, &f->id, &local), 0);
	f->to = local.rtp;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_tone(f, 1000);
	far_frames(f, 50);
	f->tone.rate_hz = 0;
	far_frames(f, 145);
	assert_int_equal(rig_count(MEDIA_EV_RTP_SILENT), 0);
	far_frames(f, 10);
	assert_int_equal(rig_count(MEDIA_EV_RTP_SILENT), 1);
	far_frames(f, 340);
	assert_int_equal(rig_count(MEDIA_EV_RTP_TIMEOUT), 0);
	far_frames(f, 10);
	assert_int_equal(rig_count(MEDIA_EV_RTP_TIMEOUT), 1);
	assert_in_range(rig_event(MEDIA_EV_RTP_TIMEOUT)->silent_ms, 10000, 10020);

	far_tone(f, 1000);
	far_frames(f, 50);
	assert_int_equal(rig_count(MEDIA_EV_RTP_RESUMED), 1);
	assert_int_equal(rig_count(MEDIA_EV_RTP_SILENT), 1);
	far_free(f);
}

/* ---- sources ------------------------------------------------------------------------------------------------------------------- */

static void an_injected_stream_is_neither_heard_nor_answered(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0), *thief = far_new(CODEC_PCMU, 0);

	close(thief->fd);
	rig.peer.v4.sin_addr.s_addr ^= htonl(0x00000100); /* another host */
	thief->fd = far_socket(0);
	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_tone(thief, 2000);
	thief->id = f->id;
	thief->to = f->to;
	for (int i = 0; i < 100; i++) {
		far_say_tone(thief);
		far_frames(f, 1);
	}
	assert_more(far_share(f, 500, 1000), 0.95f);
	assert_less(far_loudness(f, 500, 2000), 20);
	far_read(thief);
	assert_int_equal(thief->n, 0);
	assert_int_equal(engine_stream(rig.e, f->id)->rx.refused, 100);
	far_free(f);
	far_free(thief);
}

/* Symmetric RTP: a peer behind NAT sends from another port than its SDP says, and is answered there. */
static void a_source_behind_nat_is_learnt_and_told(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);

	addr_set_port(&plan.remote_rtp, 9);
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	for (int i = 0; i < 10; i++) {
		far_say_tone(f);
		rig_frame();
	}
	far_frames(f, 100);
	assert_more(far_share(f, 500, 1000), 0.95f);
	assert_int_equal(rig_count(MEDIA_EV_FIRST_PACKET), 1);
	assert_true(addr_eq(&rig_event(MEDIA_EV_FIRST_PACKET)->source, &f->addr));
	far_free(f);
}

/* ---- loss ---------------------------------------------------------------------------------------------------------------------- */

/* Every tenth packet is lost: the tone goes on (concealed), each loss is accounted for, nothing else is counted as one. */
static void loss_is_concealed_and_counted(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_port *port;
	const struct media_event *ev;
	int concealed = 0;

	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = 8000}, &port), 0);
	far_call(f);
	assert_int_equal(media_connect_port(rig.e, f->id, port), 0);
	far_tone(f, 1000);
	for (int i = 0; i < 500; i++) {
		if (i % 10 == 5) {
			int16_t pcm[160];

			tone_gen_run(&f->tone, pcm, 160);
			f->seq++;
			f->ts += 160;
		} else {
			far_say_tone(f);
		}
		rig_frame();
		for (const struct media_up_frame *up; (up = media_port_peek_up(port)); media_port_pop_up(port)) {
			concealed += up->flags & MEDIA_UP_CONCEALED;
			if (i > 100)
				assert_more(tone_amplitude(up->pcm, 160, 8000, 1000), 500);
		}
	}
	media_stream_close(rig.e, f->id);
	rig_frame();
	ev = rig_event(MEDIA_EV_CLOSED);
	assert_non_null(ev);
	assert_int_equal(ev->quality.rx_packets, 450);
	assert_int_equal(ev->quality.rtp.packets, 450);
	assert_int_equal(ev->quality.rtp.lost, 50);
	assert_int_equal(ev->quality.rtp.late, 0);
	assert_in_range(concealed, 45, 60);
	print_message("MOS %.2f, concealed %u ms\n", (double)ev->quality.rtp.mos_call, ev->quality.rtp.concealed_ms);
	assert_true(ev->quality.rtp.mos_call > 1.5f && ev->quality.rtp.mos_call < 3.9f);
	assert_more(rig_count(MEDIA_EV_QUALITY), 0);
	media_port_unref(port);
	far_free(f);
}

/*
 * Packets up to 60 ms late and overtaking each other, for a minute: after the first seconds the tone is whole, and no packet
 * is unaccounted for.
 */
static void jitter_is_absorbed(void **state)
{
	uint64_t seed = test_seed();
	struct far *f = far_new(CODEC_PCMU, 0);
	struct {
		int64_t at_us;
		struct rtp_packet p;
		uint8_t payload[160];
	} line[8] = {0};
	struct media_port *port;
	int good = 0, all = 0;

	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = 8000}, &port), 0);
	far_call(f);
	assert_int_equal(media_connect_port(rig.e, f->id, port), 0);
	far_tone(f, 1000);
	for (int i = 0; i < 3000; i++) {
		int16_t pcm[160];
		int k = i % 8;

		tone_gen_run(&f->tone, pcm, 160);
		assert_int_equal(codec_encode(f->tx, pcm, 160, line[k].payload, 160), 160);
		line[k].p = (struct rtp_packet){.seq = f->seq++, .ts = f->ts, .ssrc = f->ssrc};
		line[k].at_us = rig.now_us + prng_u32(&seed) % 60000;
		f->ts += 160;
		for (int j = 0; j < 8; j++)
			if (line[j].at_us && line[j].at_us <= rig.now_us) {
				far_send(f, &line[j].p, line[j].payload, 160);
				line[j].at_us = 0;
			}
		rig_frame();
		for (const struct media_up_frame *up; (up = media_port_peek_up(port)); media_port_pop_up(port))
			if (i > 500) {
				all++;
				good += tone_share(up->pcm, 160, 8000, 1000) > 0.95f;
			}
	}
	media_stream_close(rig.e, f->id);
	rig_frame();

	const struct media_quality *q = &rig_event(MEDIA_EV_CLOSED)->quality;

	print_message("good %d of %d, lost %" PRIu64 " late %" PRIu64 " delay %u ms MOS %.2f\n", good, all, q->rtp.lost, q->rtp.late,
		q->rtp.delay_ms, (double)q->rtp.mos_call);
	assert_true(good > all * 98 / 100);
	/* The last few never came; what came late was taken as lost first. */
	assert_in_range(q->rx_packets, 2990, 3000);
	assert_true(q->rtp.late < 30);
	assert_true(q->rtp.lost < 30);
	media_port_unref(port);
	far_free(f);
}

static void rubbish_is_counted_and_harmless(void **state)
{
	uint64_t seed = test_seed();
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	for (int i = 0; i < 300; i++) {
		uint8_t bytes[300];
		size_t n = prng_u32(&seed) % sizeof(bytes);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)prng_u32(&seed);
		/* Half of it looks like RTP or RTCP. */
		if (n > 2 && i % 2) {
			bytes[0] = 0x80;
			bytes[1] = i % 4 == 1 ? 200 + i % 5 : 34;
		}
		assert_int_equal(sendto(f->fd, bytes, n, 0, &f->to.sa, addr_len(&f->to)), (ssize_t)n);
		far_frames(f, 1);
	}
	assert_more(far_share(f, 500, 1000), 0.95f);
	assert_more(engine_stream(rig.e, f->id)->rx.invalid, 50);
	far_free(f);
}

/* ---- RTCP ---------------------------------------------------------------------------------------------------------------------- */

static void far_report(struct far *f, const struct rtcp_block *block)
{
	uint8_t bytes[256];
	struct rtcp_sender sender = {.ntp = rtcp_ntp(rig.now_us + INT64_C(1700000000000000)), .ts = f->ts, .packets = 1};
	struct rtcp_report r = {.ssrc = f->ssrc,
		.sender = &sender,
		.blocks = block,
		.block_count = block ? 1 : 0,
		.cname = SPAN_LIT("far")};
	size_t n;

	assert_int_equal(rtcp_write(&r, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(sendto(f->fd, bytes, n, 0, &f->to.sa, addr_len(&f->to)), (ssize_t)n);
	far_await(engine_stream(rig.e, f->id)->sockets.rtp);
}

/* RFC 3550 §6.4.1: RTT from LSR and DLSR, and what the peer's report says of us; RFC 5761: on the RTP port. */
static void reports_go_both_ways_and_tell_the_round_trip(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);
	struct rtcp_block block = {.fraction = 64, .lost = 12, .jitter = 80};

	plan.rtcp_mux = true;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_tone(f, 1000);
	while (f->n_rtcp == 0 && f->n < 1000)
		far_frames(f, 1);
	assert_int_equal(f->n_rtcp, 1);
	assert_true(f->rtcp.has_sender);
	assert_int_equal(f->rtcp.ssrc, f->packets[0].ssrc);
	assert_int_equal(f->rtcp.block_count, 1);
	assert_int_equal(f->rtcp.blocks[0].ssrc, f->ssrc);
	assert_int_equal(f->rtcp.sender.packets, f->n);

	/* The peer holds it for 100 ms of the 160 that pass. */
	block.ssrc = f->rtcp.ssrc;
	block.lsr = rtcp_ntp_mid(f->rtcp.sender.ntp);
	block.dlsr = 65536 / 10;
	far_frames(f, 7);
	far_report(f, &block);
	far_frames(f, 300);

	const struct media_quality *q = &rig_event(MEDIA_EV_QUALITY)->quality;

	assert_int_equal(q->peer_reports, 1);
	assert_int_equal(q->peer_lost, 12);
	assert_int_equal(q->peer_loss_permille, 250);
	assert_int_equal(q->peer_jitter_ms, 10);
	assert_in_range(q->rtp.rtt_ms, 30, 70);

	media_stream_close(rig.e, f->id);
	rig_frame();
	while (f->rtcp.bye_count == 0) {
		far_await(f->fd);
		far_read(f);
	}
	assert_int_equal(f->rtcp.byes[0], f->packets[0].ssrc);
	far_free(f);
}

/* RFC 3605 and RFC 3550 §11: without mux reports go to their own port. */
static void reports_without_mux_have_their_own_port(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);
	uint8_t bytes[512];
	ssize_t n = -1;
	socklen_t len = sizeof(plan.remote_rtcp);

	f->rtcp_fd = far_socket(0);
	assert_int_equal(getsockname(f->rtcp_fd, &plan.remote_rtcp.sa, &len), 0);
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	for (int i = 0; i < 400 && n < 0; i++) {
		far_frames(f, 1);
		n = recv(f->rtcp_fd, bytes, sizeof(bytes), 0);
	}
	assert_true(n > 0);
	assert_int_equal(rtcp_parse(bytes, (size_t)n, &f->rtcp), 0);
	assert_int_equal(f->n_rtcp, 0);
	far_free(f);
}

/* ---- time ---------------------------------------------------------------------------------------------------------------------- */

/* A worker that stood still leaves frames out and counts them; RTP's clock shows the time that went by, its numbers no loss. */
static void a_worker_that_stood_still_goes_on_in_time(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_worker_stats stats;

	far_call(f);
	far_frames(f, 50);
	rig.e->workers[0].slice += 25 * PHASES;
	rig.now_us += 25 * MEDIA_FRAME_US;
	far_frames(f, 50);
	far_assert_no_hole(f, 0);
	assert_int_equal(f->n, 100);
	assert_int_equal(f->packets[50].ts - f->packets[49].ts, 26 * 160);
	assert_true(media_worker_stats(rig.e, 0, &stats));
	assert_int_equal(stats.skipped, 25);
	far_free(f);
}

static void ipv6_works_alike(void **state)
{
	struct media_stream_params params = rig_params();
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan;
	struct media_local local;
	socklen_t len = sizeof(f->addr);

	assert_true(addr_parse_ip(SPAN_LIT("::1"), 0, &params.bind));
	close(f->fd);
	f->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (f->fd < 0 || bind(f->fd, &params.bind.sa, addr_len(&params.bind)) < 0) {
		print_message("no IPv6 here: skipped\n");
		far_free(f);
		skip();
	}
	assert_int_equal(getsockname(f->fd, &f->addr.sa, &len), 0);
	plan = far_plan(f);
	assert_int_equal(media_stream_open(rig.e, &params, &f->id, &local), 0);
	f->to = local.rtp;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 60);
	assert_more(far_share(f, 500, 1000), 0.95f);
	far_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ports_run_out_cleanly_and_come_back_rested, set_up_few_ports, tear_down),
		cmocka_unit_test_setup_teardown(a_port_of_somebody_else_is_passed_over, set_up_few_ports, tear_down),
		cmocka_unit_test_setup_teardown(no_descriptors_left_is_an_error_like_any_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_address_that_is_not_ours_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(plans_that_cannot_be_played_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(silence_of_the_peer_is_told_in_two_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_injected_stream_is_neither_heard_nor_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_source_behind_nat_is_learnt_and_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(loss_is_concealed_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(jitter_is_absorbed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rubbish_is_counted_and_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports_go_both_ways_and_tell_the_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports_without_mux_have_their_own_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_stood_still_goes_on_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ipv6_works_alike, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
