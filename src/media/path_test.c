/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rig.h"

/* Paths of streams: two of them talk to each other through ICE and DTLS on loopback sockets, in virtual time but for OpenSSL's clock. */

static unsigned wakes;

static void on_wake(void *ctx)
{
	wakes++;
}

static int set_up(void **state)
{
	wakes = 0;
	rig_start((struct media_engine_params){.workers = 2, .wake = on_wake});

	return 0;
}

static int tear_down(void **state)
{
	rig_stop();

	return 0;
}

static void frames(int n)
{
	for (int i = 0; i < n; i++) {
		rig_frame();
		(void)media_engine_run(rig.e);
		rig_take_events();
	}
}

struct side {
	struct media_id id;
	struct media_local local;
	struct media_path_local path;
	struct media_plan plan;
	struct media_transport transport;
};

static struct side open_side(const struct media_path_params *path)
{
	struct side s = {0};
	struct media_stream_params params = rig_params();

	assert_int_equal(media_stream_open(rig.e, &params, &s.id, &s.local), 0);
	assert_int_equal(media_path_open(rig.e, s.id, path), 0);
	assert_true(media_path_local(rig.e, s.id, &s.path));

	return s;
}

/* The plan that follows from the other's description. */
static void agree(struct side *s, const struct side *other, bool has_dtls, bool is_client, bool is_offerer)
{
	s->transport = (struct media_transport){.ice = other->path.ice, .is_dtls_client = is_client, .is_offerer = is_offerer};
	if (has_dtls)
		s->transport.fingerprint = media_engine_fingerprint(rig.e);
	s->plan = (struct media_plan){.remote_rtp = other->local.rtp, .direction = MEDIA_SENDRECV, .tx = {.id = CODEC_PCMU},
		.rx = {{.id = CODEC_PCMU}}, .n_rx = 1, .dtmf_tx_pt = -1, .rtcp_mux = true, .transport = &s->transport};
	assert_int_equal(media_stream_update(rig.e, s->id, &s->plan), 0);
}

static struct stream *stream(const struct side *s)
{
	struct stream *found = engine_stream(rig.e, s->id);

	assert_non_null(found);

	return found;
}

static unsigned events_of(const struct side *s, enum media_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig.n_seen; i++)
		n += rig.seen[i].type == type && media_id_eq(rig.seen[i].stream, s->id);

	return n;
}

/* Both hear each other from now on, and nothing that is not the other's. */
static void assert_talking(const struct side *a, const struct side *b, bool is_secure)
{
	uint64_t before_a = stream(a)->rx.packets, before_b = stream(b)->rx.packets;

	frames(50);
	assert_in_range(stream(a)->rx.packets - before_a, 48, 51);
	assert_in_range(stream(b)->rx.packets - before_b, 48, 51);
	assert_int_equal(stream(a)->gear->is_secure, is_secure);
	assert_int_equal(stream(b)->gear->is_secure, is_secure);
	assert_int_equal(stream(a)->rx.unauthentic + stream(b)->rx.unauthentic, 0);
}

static const struct media_path_params full = {.ice = MEDIA_ICE_FULL}, lite = {.ice = MEDIA_ICE_LITE}, none = {0};

static void ice_and_dtls(void **state)
{
	struct side a = open_side(&full), b = open_side(&full);

	assert_true(a.path.is_gathered);
	assert_int_equal(a.path.ice.count, 1);
	agree(&b, &a, true, true, false);
	frames(5); /* the answer is on its way: the other end checks and waits */
	agree(&a, &b, true, false, true);
	frames(40);
	assert_int_equal(events_of(&a, MEDIA_EV_GATHERED), 1);
	assert_int_equal(events_of(&a, MEDIA_EV_PATH), 1);
	assert_int_equal(events_of(&b, MEDIA_EV_PATH), 1);
	assert_int_equal(events_of(&a, MEDIA_EV_SECURED), 1);
	assert_int_equal(rig_event(MEDIA_EV_SECURED)->suite, SRTP_AEAD_AES_256_GCM);
	assert_int_equal(rig_count(MEDIA_EV_PATH_FAILED), 0);
	assert_talking(&a, &b, true);
	assert_true(wakes > 0);
}

/* RFC 8842 §5.1: the same certificates and parts, so a re-INVITE changes nothing: not a packet is lost. */
static void a_renegotiation_keeps_path_and_keys(void **state)
{
	struct side a = open_side(&full), b = open_side(&lite);

	agree(&b, &a, true, true, false);
	agree(&a, &b, true, false, true);
	frames(40);
	agree(&a, &b, true, false, true);
	agree(&b, &a, true, true, false);
	assert_talking(&a, &b, true);
	assert_int_equal(events_of(&a, MEDIA_EV_SECURED), 1);
	assert_int_equal(stream(&a)->rx.replayed, 0);
}

/* RFC 8445 §9: new secrets on both sides; the old pair carries the call until the new one is found. */
static void ice_restarts(void **state)
{
	struct side a = open_side(&full), b = open_side(&full);
	char before[ICE_UFRAG_TEXT];

	agree(&b, &a, true, true, false);
	agree(&a, &b, true, false, true);
	frames(40);
	buf_copy(before, sizeof(before), a.path.ice.ufrag);
	media_path_peer_ufrag(rig.e, a.id, b.path.ice.ufrag); /* the same: nothing happens */
	assert_true(media_path_local(rig.e, a.id, &a.path));
	assert_string_equal(a.path.ice.ufrag, before);

	media_path_peer_ufrag(rig.e, a.id, "anew");
	media_path_peer_ufrag(rig.e, b.id, "anew");
	assert_true(media_path_local(rig.e, a.id, &a.path) && media_path_local(rig.e, b.id, &b.path));
	assert_string_not_equal(a.path.ice.ufrag, before);
	assert_talking(&a, &b, true);
	agree(&b, &a, true, true, false);
	agree(&a, &b, true, false, true);
	assert_talking(&a, &b, true);
	assert_int_equal(rig_count(MEDIA_EV_PATH_FAILED), 0);
}

static void dtls_without_ice(void **state)
{
	struct side a = open_side(&none), b = open_side(&none);

	/* The client's first flight comes before the server knows whose certificate to expect. */
	agree(&b, &a, true, true, false);
	frames(3);
	agree(&a, &b, true, false, true);
	frames(20);
	assert_talking(&a, &b, true);
}

static void ice_in_clear(void **state)
{
	struct side a = open_side(&full), b = open_side(&lite);

	agree(&b, &a, false, false, false);
	agree(&a, &b, false, false, true);
	frames(30);
	assert_talking(&a, &b, false);
	/* What does not come over the pair is no guide for where to send (no symmetric RTP here). */
	assert_true(stream(&a)->gear->route.is_bound);
}

/* A peer with another certificate than its description's, or one that never answers: no keys, no audio, a reason. */
static void handshakes_that_fail(void **state)
{
	struct side a = open_side(&none), b = open_side(&none);

	agree(&b, &a, true, true, false);
	a.transport = (struct media_transport){.fingerprint = media_engine_fingerprint(rig.e)};
	a.transport.fingerprint.bytes[0] ^= 1;
	a.plan = b.plan;
	a.plan.remote_rtp = b.local.rtp;
	a.plan.transport = &a.transport;
	assert_int_equal(media_stream_update(rig.e, a.id, &a.plan), 0);
	frames(30);
	assert_int_equal(events_of(&a, MEDIA_EV_PATH_FAILED), 1);
	for (unsigned i = 0; i < rig.n_seen; i++)
		if (rig.seen[i].type == MEDIA_EV_PATH_FAILED && media_id_eq(rig.seen[i].stream, a.id))
			assert_non_null(strstr(rig.seen[i].why, "fingerprint"));
	assert_int_equal(stream(&a)->tx.packets, 0);
	assert_int_equal(stream(&a)->rx.packets, 0);
}

static void nobody_there(void **state)
{
	struct side a = open_side(&full), b = open_side(&full);

	agree(&a, &b, true, true, true);
	media_stream_close(rig.e, b.id);
	frames(16 * 50);
	assert_int_equal(events_of(&a, MEDIA_EV_PATH_FAILED), 1);
	assert_non_null(strstr(rig_event(MEDIA_EV_PATH_FAILED)->why, "no pair of addresses works"));
	assert_int_equal(stream(&a)->tx.packets, 0);
}

/* A STUN server that is silent costs a second and a half; one that answers tells our address. */
static void the_address_outside(void **state)
{
	struct far *server = far_new(CODEC_PCMU, 0);
	struct media_path_params params = {.ice = MEDIA_ICE_FULL, .stun = {server->addr}, .stun_count = 1};
	struct side silent = open_side(&params), asked;
	struct addr outside;
	uint8_t bytes[300];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	struct stun_writer w;
	struct stun_msg m;
	size_t n;

	assert_false(silent.path.is_gathered);
	frames(74);
	assert_int_equal(rig_count(MEDIA_EV_GATHERED), 0);
	frames(3);
	assert_int_equal(rig_count(MEDIA_EV_GATHERED), 1);
	while (recv(server->fd, bytes, sizeof(bytes), 0) > 0)
		;

	assert_true(addr_parse(SPAN_LIT("203.0.113.7:4711"), 0, &outside));
	asked = open_side(&params);
	far_await(server->fd);

	ssize_t got = recvfrom(server->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_n);

	assert_int_equal(stun_parse(bytes, (size_t)got, &m), 0);

	struct stun_id id = m.id;

	stun_begin(&w, bytes, sizeof(bytes), STUN_SUCCESS, STUN_BINDING, &id);
	stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &outside);
	assert_int_equal(stun_end(&w, &n), 0);
	assert_int_equal(sendto(server->fd, bytes, n, 0, (struct sockaddr *)&from, from_n), (ssize_t)n);
	far_await(stream(&asked)->sockets.rtp);
	frames(2);
	assert_int_equal(events_of(&asked, MEDIA_EV_GATHERED), 1);
	assert_true(media_path_local(rig.e, asked.id, &asked.path));
	assert_true(addr_eq(&asked.path.public_rtp, &outside));
	assert_int_equal(asked.path.ice.count, 2);
	assert_int_equal(asked.path.ice.candidates[1].type, ICE_SRFLX);
	far_free(server);
}

/* Without a path STUN and DTLS are junk; with one, so is what is neither. */
static void junk_is_counted(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	static const uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, dtls[20] = {22}, other[20] = {17};

	far_call(f);
	rig_frame();
	assert_int_equal(sendto(f->fd, stun, sizeof(stun), 0, &f->to.sa, addr_len(&f->to)), 20);
	assert_int_equal(sendto(f->fd, dtls, sizeof(dtls), 0, &f->to.sa, addr_len(&f->to)), 20);
	assert_int_equal(sendto(f->fd, other, sizeof(other), 0, &f->to.sa, addr_len(&f->to)), 20);
	frames(4);
	assert_int_equal(engine_stream(rig.e, f->id)->rx.invalid, 3);
	far_free(f);
}

static void commands_out_of_place(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_transport t = {0};
	struct media_plan plan = far_plan(f);
	struct media_path_local local;
	struct side a = open_side(&none);

	far_call(f);
	assert_int_equal(media_path_open(rig.e, f->id, &none), -TR_ESTATE); /* it has a plan */
	assert_int_equal(media_path_open(rig.e, a.id, &none), -TR_ESTATE);  /* it has a path */
	assert_false(media_path_local(rig.e, f->id, &local));
	plan.transport = &t;
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), -TR_ESTATE);
	media_stream_close(rig.e, a.id);
	assert_int_equal(media_path_open(rig.e, a.id, &none), -TR_ECLOSED);
	far_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ice_and_dtls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_renegotiation_keeps_path_and_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ice_restarts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dtls_without_ice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ice_in_clear, set_up, tear_down),
		cmocka_unit_test_setup_teardown(handshakes_that_fail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_address_outside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(junk_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(commands_out_of_place, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
