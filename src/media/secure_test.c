/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rig.h"

/* SRTP through the engine: a far end with keys of its own; forgeries, replays, new keys, new sources. */

static int set_up(void **state)
{
	rig_start((struct media_engine_params){.workers = 1});

	return 0;
}

static int tear_down(void **state)
{
	rig_stop();

	return 0;
}

static struct srtp_key random_key(enum srtp_suite suite)
{
	struct srtp_key key = {.suite = suite};

	random_bytes(key.bytes, sizeof(key.bytes));

	return key;
}

/* A far end that encrypts. */
struct peer {
	struct far *far;
	struct media_plan plan;
	struct srtp *seal, *open;
	struct srtp_key seal_key;
	unsigned heard, bad;
};

static struct srtp *context(const struct srtp_key *key, bool is_sender)
{
	struct srtp *s = NULL;

	assert_int_equal(srtp_new(&s, key, is_sender), 0);

	return s;
}

static void apply(struct peer *p)
{
	assert_int_equal(media_stream_update(rig.e, p->far->id, &p->plan), 0);
}

static struct peer call(enum srtp_suite suite)
{
	struct peer p = {.far = far_new(CODEC_PCMU, 0)};

	p.plan = far_plan(p.far);
	p.plan.rtcp_mux = true;
	p.plan.tx_key = random_key(suite);
	p.plan.rx_key = p.seal_key = random_key(suite);
	p.seal = context(&p.plan.rx_key, true);
	p.open = context(&p.plan.tx_key, false);
	far_open(p.far);
	apply(&p);
	far_tone(p.far, 1000);

	return p;
}

static void hang_up(struct peer *p)
{
	srtp_free(p->seal);
	srtp_free(p->open);
	far_free(p->far);
}

/* The next packet of its tone, sealed. */
static size_t make_packet(struct peer *p, uint8_t *ret_bytes)
{
	struct far *f = p->far;
	struct rtp_packet head = {.pt = f->pt, .seq = f->seq++, .ts = f->ts, .ssrc = f->ssrc};
	int16_t pcm[MEDIA_FRAME_MAX];
	size_t n;

	tone_gen_run(&f->tone, pcm, 160);
	f->ts += f->step;
	rtp_write_header(&head, ret_bytes);
	n = RTP_HEADER_BYTES + (size_t)codec_encode(f->tx, pcm, 160, ret_bytes + RTP_HEADER_BYTES, 400);
	assert_int_equal(srtp_seal(p->seal, ret_bytes, n, &n), 0);

	return n;
}

static void put(struct peer *p, const uint8_t *bytes, size_t n)
{
	assert_int_equal(sendto(p->far->fd, bytes, n, 0, &p->far->to.sa, addr_len(&p->far->to)), (ssize_t)n);
}

static void hear(struct peer *p)
{
	uint8_t bytes[2048];

	for (;;) {
		ssize_t got = recv(p->far->fd, bytes, sizeof(bytes), 0);
		struct rtp_packet packet;
		size_t n = (size_t)got;

		if (got < 0)
			break;
		if (rtp_classify(bytes, n) == RTP_KIND_RTCP) {
			if (srtcp_open(p->open, bytes, n, &n) == 0) {
				assert_int_equal(rtcp_parse(bytes, n, &p->far->rtcp), 0);
				p->far->n_rtcp++;
			} else {
				p->bad++;
			}
			continue;
		}
		if (srtp_open(p->open, bytes, n, &n) != 0) {
			p->bad++;
			continue;
		}
		p->heard++;
		assert_int_equal(rtp_parse(bytes, n, &packet), 0);
		p->far->n_pcm += codec_decode(p->far->rx, packet.payload, packet.payload_len, p->far->pcm + p->far->n_pcm, 1920);
	}
}

static void talk(struct peer *p, int frames)
{
	uint8_t bytes[512];

	for (int i = 0; i < frames; i++) {
		put(p, bytes, make_packet(p, bytes));
		far_await(engine_stream(rig.e, p->far->id)->sockets.rtp);
		rig_frame();
		hear(p);
	}
}

static const struct stream_rx *rx(const struct peer *p)
{
	return &engine_stream(rig.e, p->far->id)->rx;
}

static void tone_comes_back_through_every_suite(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct peer p = call(s);

		assert_int_equal(media_connect_echo(rig.e, p.far->id), 0);
		talk(&p, 400);
		assert_int_equal(p.bad, 0);
		assert_int_equal(rx(&p)->unauthentic + rx(&p)->replayed + rx(&p)->invalid + rx(&p)->refused, 0);
		assert_int_equal(rx(&p)->packets, 400);
		assert_more(p.heard, 395);
		assert_more(p.far->n_rtcp, 0);
		assert_more(far_share(p.far, 1000, 1000), 0.99f);
		media_stream_close(rig.e, p.far->id);
		rig_frame();
		hang_up(&p);
	}
}

/* Packets in clear and under another key: counted, and nobody hears or follows them. */
static void what_is_not_the_peers_goes_nowhere(void **state)
{
	struct peer p = call(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct srtp_key key = random_key(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct srtp *evil = context(&key, true);
	uint8_t bytes[512], seen[512];
	size_t n, seen_n;

	talk(&p, 20);
	seen_n = make_packet(&p, seen);
	put(&p, seen, seen_n);
	rig_frame();
	for (int i = 0; i < 30; i++) {
		struct rtp_packet head = {.pt = 0, .seq = (uint16_t)(p.far->seq + i), .ts = p.far->ts, .ssrc = p.far->ssrc};

		memset(bytes, 0x55, sizeof(bytes));
		rtp_write_header(&head, bytes);
		put(&p, bytes, 172); /* in clear */
		n = 172;
		assert_int_equal(srtp_seal(evil, bytes, n, &n), 0);
		put(&p, bytes, n);
		put(&p, seen, seen_n);
		rig_frame();
		rig_frame();
	}
	assert_int_equal(rx(&p)->packets, 21);
	assert_int_equal(rx(&p)->unauthentic, 60);
	assert_int_equal(rx(&p)->replayed, 30);
	assert_int_equal(rx(&p)->refused, 0);
	hear(&p);
	assert_int_equal(p.bad, 0);
	srtp_free(evil);
	hang_up(&p);
}

/* A re-INVITE with the same keys: no seam in either direction. */
static void same_keys_go_on(void **state)
{
	struct peer p = call(SRTP_AEAD_AES_128_GCM);

	p.far->seq = 65500; /* the counter has rolled when the re-INVITE comes */
	talk(&p, 100);
	p.plan.direction = MEDIA_SENDRECV;
	apply(&p);
	talk(&p, 50);
	assert_int_equal(rx(&p)->packets, 150);
	assert_int_equal(rx(&p)->unauthentic, 0);
	assert_int_equal(p.bad, 0);
	hang_up(&p);
}

/* The peer's new key counts at once; its old packets are heard for two seconds more, then no longer. */
static void a_new_key_of_the_peer(void **state)
{
	struct peer p = call(SRTP_AEAD_AES_256_GCM);
	struct srtp *old;
	uint8_t bytes[512];

	talk(&p, 50);
	p.plan.rx_key = random_key(SRTP_AES_CM_128_HMAC_SHA1_80);
	apply(&p);
	rig_frame();
	talk(&p, 10); /* the old one still */
	assert_int_equal(rx(&p)->packets, 60);
	old = p.seal;
	p.seal = context(&p.plan.rx_key, true);
	talk(&p, 60);
	assert_int_equal(rx(&p)->packets, 120);
	assert_int_equal(rx(&p)->unauthentic, 0);
	talk(&p, 40);
	srtp_free(p.seal);
	p.seal = old;
	put(&p, bytes, make_packet(&p, bytes));
	rig_frame();
	assert_int_equal(rx(&p)->packets, 160);
	assert_int_equal(rx(&p)->unauthentic, 1);
	hang_up(&p);
}

/* Ours changes with the suite only; the far end decrypts with the new key from the next packet on. */
static void a_new_key_of_ours(void **state)
{
	struct peer p = call(SRTP_AES_CM_128_HMAC_SHA1_80);

	talk(&p, 20);
	hear(&p);
	p.plan.tx_key = random_key(SRTP_AES_CM_128_HMAC_SHA1_32);
	apply(&p);
	srtp_free(p.open);
	p.open = context(&p.plan.tx_key, false);
	p.heard = 0;
	talk(&p, 20);
	assert_int_equal(p.heard, 20);
	assert_int_equal(p.bad, 0);
	hang_up(&p);
}

/* The PBX connects us elsewhere: another SSRC, another number, the same key; then it goes on from another port. */
static void sources_and_addresses_change(void **state)
{
	struct peer p = call(SRTP_AES_CM_128_HMAC_SHA1_80);
	int fd = p.far->fd;

	talk(&p, 30);
	p.far->ssrc = 0xabcdef01;
	p.far->seq = 12;
	talk(&p, 30);
	assert_int_equal(rx(&p)->packets, 60);
	p.far->fd = far_socket(0);
	talk(&p, 30);
	assert_int_equal(rx(&p)->packets, 90);
	assert_int_equal(rig_count(MEDIA_EV_SOURCE_CHANGED), 1);
	assert_int_equal(rx(&p)->refused + rx(&p)->unauthentic, 0);
	close(fd);
	hang_up(&p);
}

static void from_clear_to_encrypted_and_half_a_key(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);
	struct peer p = {.far = f, .plan = plan};

	far_call(f);
	far_tone(f, 500);
	far_frames(f, 20);
	assert_int_equal(engine_stream(rig.e, f->id)->rx.packets, 20);
	p.plan.tx_key = random_key(SRTP_AEAD_AES_128_GCM);
	assert_int_equal(media_stream_update(rig.e, f->id, &p.plan), -TR_ESECURITY);
	p.plan.rx_key = random_key(SRTP_AEAD_AES_128_GCM);
	apply(&p);
	p.seal = context(&p.plan.rx_key, true);
	p.open = context(&p.plan.tx_key, false);
	talk(&p, 20);
	assert_int_equal(rx(&p)->packets, 40);
	assert_more(p.heard, 18);
	hang_up(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tone_comes_back_through_every_suite, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_the_peers_goes_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(same_keys_go_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_key_of_the_peer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_key_of_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sources_and_addresses_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(from_clear_to_encrypted_and_half_a_key, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
