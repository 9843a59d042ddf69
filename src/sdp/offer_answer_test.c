/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sdp/offer_answer.h"

/* Sessions against written-down peers, and sessions against each other. */

static struct sdp_oa us;
static struct sdp_body body;
static struct sdp_media_plan plan;

static int setup(void **state)
{
	sdp_oa_init(&us, 7000);
	memset(&plan, 0, sizeof(plan));

	return 0;
}

static int teardown(void **state)
{
	sdp_oa_done(&us);

	return 0;
}

/* What an ordinary line can: opus, G.722, both G.711, events; addresses of RFC 5737. */
static struct sdp_local everything(void)
{
	struct sdp_local l = {
		.dir = SDP_SENDRECV,
		.protos = 1u << SDP_RTP_AVP | 1u << SDP_RTP_AVPF,
		.is_rtcp_mux = true,
		.has_events = true,
		.has_cn = true,
		.ptime_ms = 20,
		.codec_count = 4,
		.codecs = {{.codec = SDP_OPUS, .pt = 107, .opus = {.is_fec = true}},
			{.codec = SDP_G722}, {.codec = SDP_PCMU}, {.codec = SDP_PCMA}},
	};

	assert_true(addr_parse(SPAN_LIT("203.0.113.9:40000"), 0, &l.rtp));

	return l;
}

static struct sdp_local narrowband(void)
{
	struct sdp_local l = everything();

	l.codec_count = 2;
	l.codecs[0] = (struct sdp_local_codec){.codec = SDP_PCMA};
	l.codecs[1] = (struct sdp_local_codec){.codec = SDP_PCMU};
	l.has_cn = false;

	return l;
}

static const struct sdp *parsed(const char *text)
{
	static struct sdp sdp;
	struct sdp_error error;

	assert_int_equal(sdp_parse(span_z(text), &sdp, &error), 0);

	return &sdp;
}

static void answer(const char *offer, const struct sdp_local *l)
{
	assert_int_equal(sdp_oa_answer(&us, parsed(offer), l, &plan, &body), 0);
}

static void offer(const struct sdp_local *l)
{
	assert_int_equal(sdp_oa_offer(&us, l, &body), 0);
}

static void assert_has(const char *piece)
{
	if (!strstr(body.text, piece))
		fail_msg("no \"%s\" in:\n%s", piece, body.text);
}

static void assert_has_not(const char *piece)
{
	if (strstr(body.text, piece))
		fail_msg("\"%s\" in:\n%s", piece, body.text);
}

static void assert_addr(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_text(a, text), want);
}

static enum sdp_codec rx_codec(uint8_t pt)
{
	const struct sdp_format_use *f = sdp_plan_rx(&plan, pt);

	return f ? f->codec : SDP_CODEC_NONE;
}

/* RFC 3264 §10.1: Alice offers one audio and two video streams; we are Bob without video. */
static void rfc3264_basic_exchange(void **state)
{
	struct sdp_local l = narrowband();

	answer("v=0\r\no=alice 2890844526 2890844526 IN IP4 host.anywhere.com\r\ns= \r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
	       "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
	       "m=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
	       "m=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n",
		&l);
	assert_string_equal(body.text,
		"v=0\r\no=- 7000 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
		"m=video 0 RTP/AVP 31\r\nm=video 0 RTP/AVP 32\r\n");
	assert_true(plan.has_media);
	assert_int_equal(plan.tx.codec, SDP_PCMU);
	assert_addr(&plan.remote_rtp, "192.0.2.4:49170");
	assert_addr(&plan.remote_rtcp, "192.0.2.4:49171");
	assert_int_equal(plan.tx_event.codec, SDP_CODEC_NONE);

	/* Bob changes the port of the stream and the version grows; o= keeps its address. */
	addr_set_port(&l.rtp, 49920);
	offer(&l);
	assert_has("o=- 7000 2 IN IP4 203.0.113.9\r\n");
	assert_has("m=audio 49920 RTP/AVP");
	assert_has("m=video 0 RTP/AVP 31\r\nm=video 0 RTP/AVP 32\r\n");
}

/* RFC 3264 §10.2: one of N codecs; the answer narrows down, we send its first. */
static void rfc3264_one_of_n_codecs(void **state)
{
	struct sdp_local l = everything();

	offer(&l);
	assert_has("m=audio 40000 RTP/AVP 107 9 0 8 13 101 96\r\n");
	assert_has("a=rtpmap:107 opus/48000/2\r\na=fmtp:107 useinbandfec=1\r\n");
	assert_has("a=rtpmap:9 G722/8000\r\n");
	assert_has("a=rtpmap:101 telephone-event/48000\r\n");
	assert_has("a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n");

	assert_int_equal(
		sdp_oa_recv_answer(&us,
			parsed("v=0\no=bob 1 1 IN IP4 h\nc=IN IP4 192.0.2.7\nm=audio 62986 RTP/AVP 0 8 96\n"
			       "a=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\n"),
			&plan),
		0);
	assert_int_equal(plan.tx.codec, SDP_PCMU);
	assert_int_equal(plan.tx_event.pt, 96);
	assert_int_equal(plan.tx_event.events, 0xffff);
	assert_int_equal(rx_codec(107), SDP_OPUS); /* may still come: RFC 3264 §5.1 */
	assert_int_equal(rx_codec(8), SDP_PCMA);
	assert_int_equal(rx_codec(96), SDP_TELEPHONE_EVENT);
	assert_int_equal(sdp_plan_rx(&plan, 101)->clock_hz, 48000);
	assert_false(plan.is_rtcp_mux);
	assert_int_equal(plan.dir, SDP_SENDRECV);
}

/* RFC 4317 §2.1: several codecs, two of three accepted; the answer keeps the offerer's order and
 * numbers. */
static void rfc4317_audio_and_video(void **state)
{
	struct sdp_local l = everything();

	answer("v=0\r\no=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	       "m=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\n"
	       "m=video 51372 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\na=rtpmap:32 MPV/90000\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 0 8\r\n");
	assert_has("m=video 0 RTP/AVP 31\r\n");
}

/* RFC 4317 §2.3: a codec with a dynamic number at the offerer, and telephone-event in a stream of
 * its own. */
static void rfc4317_second_audio_is_refused(void **state)
{
	struct sdp_local l = everything();

	answer("v=0\r\no=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	       "m=audio 49170 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 iLBC/8000\r\n"
	       "m=audio 49172 RTP/AVP 98\r\na=rtpmap:98 telephone-event/8000\r\na=sendonly\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 0\r\n");
	assert_has("m=audio 0 RTP/AVP 98\r\n");
}

/* RFC 4317 §3.1: put on hold and taken back; both sides' views. */
static void hold_and_resume_by_the_peer(void **state)
{
	static const struct {
		const char *dir, *conn, *answer;
		enum sdp_dir ours;
		bool is_held, is_old;
	} steps[] = {
		{"sendrecv", "192.0.2.1", "a=sendrecv\r\n", SDP_SENDRECV, false, false},
		{"sendonly", "192.0.2.1", "a=recvonly\r\n", SDP_RECVONLY, true, false},
		{"inactive", "192.0.2.1", "a=inactive\r\n", SDP_INACTIVE, true, false},
		{"recvonly", "192.0.2.1", "a=sendonly\r\n", SDP_SENDONLY, false, false},
		{"sendrecv", "0.0.0.0", "a=recvonly\r\n", SDP_RECVONLY, true,
			true}, /* RFC 3264 §8.4 */
		{"inactive", "0.0.0.0", "a=inactive\r\n", SDP_INACTIVE, true, true},
		{"sendrecv", "192.0.2.1", "a=sendrecv\r\n", SDP_SENDRECV, false, false},
	};
	struct sdp_local l = everything();
	char text[256];

	for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
		assert_int_equal(
			buf_format(text, sizeof(text),
				"v=0\no=a 1 %u IN IP4 h\nc=IN IP4 %s\nm=audio 4000 RTP/AVP 8\na=%s\n",
				i, steps[i].conn, steps[i].dir),
			0);
		answer(text, &l);
		assert_has(steps[i].answer);
		assert_int_equal(plan.dir, steps[i].ours);
		assert_int_equal(plan.is_held_by_peer, steps[i].is_held);
		assert_int_equal(plan.is_old_hold, steps[i].is_old);
		assert_false(plan.is_held_by_us);
		assert_int_equal(us.version, i + 1);
	}
}

/*
 * RFC 3264 §8.4: we hold, the peer agrees, and while held even its sendrecv offer does not
 * resume.
 */
static void hold_and_resume_by_us(void **state)
{
	const char *peer = "v=0\no=b 1 1 IN IP4 h\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\na=";
	struct sdp_local l = narrowband();
	char text[256];

	answer("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n", &l);
	l.dir = SDP_SENDONLY;
	offer(&l);
	assert_has("a=sendonly\r\n");
	assert_int_equal(us.version, 2);
	assert_int_equal(buf_format(text, sizeof(text), "%srecvonly\n", peer), 0);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed(text), &plan), 0);
	assert_int_equal(plan.dir, SDP_SENDONLY);
	assert_true(plan.is_held_by_us && !plan.is_held_by_peer);

	answer("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n", &l);
	assert_has("a=sendonly\r\n");
	assert_int_equal(plan.dir, SDP_SENDONLY);

	l.dir = SDP_SENDRECV;
	offer(&l);
	assert_has("a=sendrecv\r\n");
	assert_int_equal(buf_format(text, sizeof(text), "%ssendrecv\n", peer), 0);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed(text), &plan), 0);
	assert_int_equal(plan.dir, SDP_SENDRECV);
	assert_false(plan.is_held_by_us);
}

/*
 * RFC 3264 §8: the same description again keeps its version, a refused one has used its
 * number up.
 */
static void version_grows_only_with_changes(void **state)
{
	struct sdp_local l = narrowband();

	offer(&l);
	assert_int_equal(us.version, 1);
	assert_int_equal(sdp_oa_offer(&us, &l, &body), -TR_ESTATE);
	sdp_oa_offer_refused(&us);
	offer(&l);
	assert_int_equal(us.version, 1);
	sdp_oa_offer_refused(&us);
	addr_set_port(&l.rtp, 40002);
	offer(&l);
	assert_int_equal(us.version, 2);
	assert_int_equal(us.media_count, 1);
}

/* 3CX with "SRTP allowed": the stream twice. Without keys of our own the plain one is ours. */
static void threecx_offers_secure_and_plain(void **state)
{
	const char *twice =
		"v=0\r\no=3cxPS 1 1 IN IP4 192.168.1.5\r\ns=3cxPS Audio call\r\nc=IN IP4 192.168.1.5\r\nt=0 0\r\n"
		"m=audio 7100 RTP/SAVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
		"m=audio 7102 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
	struct sdp_local l = narrowband();

	answer(twice, &l);
	assert_has("m=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\n");
	assert_int_equal(plan.mline, 1);
	assert_true(plan.is_remote_private);
	assert_addr(&plan.remote_rtp, "192.168.1.5:7102");

	/* Held later: still the second line, whatever else comes. */
	answer(twice, &l);
	assert_int_equal(plan.mline, 1);
	assert_int_equal(us.version, 1);

	sdp_oa_done(&us);
	sdp_oa_init(&us, 1);
	l.protos |= 1u << SDP_RTP_SAVP;
	l.security = (struct sdp_security){.srtp = SDP_SRTP_OPTIONAL, .key_count = 1, .keys = {{.suite = SRTP_AES_CM_128_HMAC_SHA1_80}}};
	answer(twice, &l);
	assert_has("m=audio 40000 RTP/SAVP 0 8 101\r\n");
	assert_has("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA");
	assert_has("m=audio 0 RTP/AVP 0\r\n");
	assert_int_equal(plan.proto, SDP_RTP_SAVP);
}

/* Asterisk (pjsip): opus with events on 8000 only, then ptime and maxptime. */
static void asterisk_offers_opus(void **state)
{
	struct sdp_local l = everything();

	answer("v=0\r\no=- 1413842031 1413842031 IN IP4 127.0.0.20\r\ns=Asterisk\r\nc=IN IP4 127.0.0.20\r\nt=0 0\r\n"
	       "m=audio 13042 RTP/AVP 107 0 8 101\r\na=rtpmap:107 opus/48000/2\r\na=fmtp:107 useinbandfec=1\r\n"
	       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
	       "a=ptime:20\r\na=maxptime:60\r\na=sendrecv\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 107 0 8 101\r\n");
	assert_int_equal(plan.tx.codec, SDP_OPUS);
	assert_true(plan.tx.opus.is_fec);
	assert_int_equal(plan.tx_event.pt, 101);
	assert_int_equal(plan.tx_event.clock_hz, 8000);
	assert_int_equal(plan.maxptime_ms, 60);

	/* With our order and one codec only: G.711 is not offered twice, opus stays out. */
	sdp_oa_done(&us);
	sdp_oa_init(&us, 1);
	l.is_own_order = l.is_one_codec = true;
	l.codecs[0].codec = SDP_PCMA;
	l.codec_count = 3;
	answer("v=0\nc=IN IP4 127.0.0.20\nm=audio 13042 RTP/AVP 107 0 8 101\na=rtpmap:107 opus/48000/2\n"
	       "a=rtpmap:101 telephone-event/8000\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 8 101\r\n");
	assert_int_equal(plan.tx.codec, SDP_PCMA);
	assert_int_equal(rx_codec(0), SDP_PCMU);
}

/* Yeastar (0-15), FritzBox (G.722 first, a=rtcp, no rtpmap for G.711), Cisco (ptime only, CN, odd
 * o=). */
static void other_pbxes_are_answered(void **state)
{
	struct sdp_local l = everything();

	answer("v=0\r\no=user 9999 9999 IN IP4 192.168.178.1\r\ns=call\r\nc=IN IP4 192.168.178.1\r\nt=0 0\r\n"
	       "m=audio 7078 RTP/AVP 9 8 0 2 102 100 99 101 97 120 121\r\na=sendrecv\r\na=rtpmap:2 G726-32/8000\r\n"
	       "a=rtpmap:102 G726-32/8000\r\na=rtpmap:100 G726-40/8000\r\na=rtpmap:99 G726-24/8000\r\n"
	       "a=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=30\r\na=rtpmap:120 PCMA/16000\r\na=rtpmap:121 PCMU/16000\r\n"
	       "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:7079\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 9 8 0 101\r\n");
	assert_has("a=fmtp:101 0-15\r\n");
	assert_int_equal(plan.tx.codec, SDP_G722);
	assert_addr(&plan.remote_rtcp, "192.168.178.1:7079");

	sdp_oa_done(&us);
	sdp_oa_init(&us, 1);
	answer("v=0\r\no=CiscoSystemsSIP-GW-UserAgent 4711 3 IN IP4 198.51.100.3\r\ns=SIP Call\r\nc=IN IP4 198.51.100.3\r\nt=0 0\r\n"
	       "m=audio 16470 RTP/AVP 18 0 19 101\r\nc=IN IP4 198.51.100.3\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
	       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:19 CN/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVP 0 19 101\r\n");
	assert_int_equal(plan.ptime_ms, 30);
	assert_int_equal(plan.tx_cn.pt, 19);
	assert_has("a=ptime:30\r\n");
}

/* A browser behind a gateway that speaks plain RTP/AVPF: mux, events on 48000 and 8000, things we
 * do not know. */
static void browser_like_offer(void **state)
{
	struct sdp_local l = everything();

	answer("v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n"
	       "m=audio 9 RTP/AVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\n"
	       "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
	       "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
	       "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"
	       "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
		&l);
	assert_has("m=audio 40000 RTP/AVPF 111 9 0 8 13 110 126\r\n");
	assert_has("a=rtcp-mux\r\n");
	assert_has(
		"m=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n");
	assert_int_equal(plan.tx_event.pt, 110);
	assert_true(plan.is_rtcp_mux);
	assert_true(addr_eq(&plan.remote_rtcp, &plan.remote_rtp));

	sdp_oa_done(&us);
	sdp_oa_init(&us, 1);
	assert_int_equal(sdp_oa_answer(&us,
				 parsed("v=0\nc=IN IP4 192.0.2.1\nm=audio 9 UDP/TLS/RTP/SAVPF 0\n"),
				 &l, &plan, &body),
		-TR_ESECURITY);
}

/* RFC 3264 §6.1, §8.3.2, RFC 3264 §5.1: numbers differ by direction, and ours keep their meaning in
 * later offers. */
static void payload_types_may_be_asymmetric(void **state)
{
	struct sdp_local l = everything();

	offer(&l);
	assert_int_equal(
		sdp_oa_recv_answer(&us,
			parsed("v=0\nc=IN IP4 192.0.2.7\nm=audio 6000 RTP/AVP 120 121\na=rtpmap:120 opus/48000/2\n"
			       "a=rtpmap:121 telephone-event/48000\n"),
			&plan),
		0);
	assert_int_equal(plan.tx.pt, 120);
	assert_int_equal(plan.tx_event.pt, 121);
	assert_int_equal(rx_codec(107), SDP_OPUS);
	assert_int_equal(rx_codec(120), SDP_OPUS); /* leniency */

	/* The peer now binds 107 to something else and opus to 99; our next offer follows nobody
	 * but our own table. */
	answer("v=0\nc=IN IP4 192.0.2.7\nm=audio 6000 RTP/AVP 99 8\na=rtpmap:99 opus/48000/2\n",
		&l);
	assert_int_equal(plan.tx.pt, 99);
	l.codecs[0].pt = 96; /* telephone-event/8000 in the first offer */
	offer(&l);
	assert_has("m=audio 40000 RTP/AVP 99 9 0 8 13 101 96\r\n");
}

/* RFC 3264 §6: nothing in common is 488 at first, and for a later offer leaves the agreement as it
 * was. */
static void no_common_codec(void **state)
{
	struct sdp_local l = narrowband();

	assert_int_equal(sdp_oa_answer(&us, parsed("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 18\n"),
				 &l, &plan, &body),
		-TR_ENOCODEC);
	assert_int_equal(sdp_oa_answer(&us, parsed("v=0\nc=IN IP4 1.2.3.4\nm=audio 0 RTP/AVP 8\n"),
				 &l, &plan, &body),
		-TR_ENOCODEC);
	assert_int_equal(
		sdp_oa_answer(&us,
			parsed("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n"),
			&l, &plan, &body),
		-TR_ENOCODEC);
	assert_int_equal(sdp_oa_answer(&us, parsed("v=0\n"), &l, &plan, &body), -TR_ENOCODEC);
	assert_int_equal(us.media_count, 0);

	answer("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 8\n", &l);
	assert_int_equal(
		sdp_oa_answer(&us,
			parsed("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 18\nm=image 8 udptl t38\n"),
			&l, &plan, &body),
		-TR_ENOCODEC);
	assert_int_equal(us.media_count, 1);
	assert_true(plan.has_media);
}

/* RFC 3264 §8.2: a stream ended by port 0; a T.38 switch offered beside it is refused; the slot is
 * used again later. */
static void removed_stream_comes_back(void **state)
{
	struct sdp_local l = narrowband();

	answer("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 8\n", &l);
	answer("v=0\nc=IN IP4 1.2.3.4\nm=audio 0 RTP/AVP 8\nm=image 4000 udptl t38\n", &l);
	assert_false(plan.has_media);
	assert_has("m=audio 0 RTP/AVP 8\r\nm=image 0 udptl t38\r\n");

	offer(&l);
	assert_has("m=audio 40000 RTP/AVP 8 0 101\r\n");
	assert_has("m=image 0 udptl t38\r\n");
}

/* RFC 3264 §7: answers that are none. */
static void bad_answers(void **state)
{
	struct sdp_local l = narrowband();

	assert_int_equal(
		sdp_oa_recv_answer(&us, parsed("v=0\nm=audio 6 RTP/AVP 8\n"), &plan), -TR_ESTATE);
	offer(&l);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed("v=0\n"), &plan), -TR_EPARSE);
	offer(&l);
	assert_int_equal(
		sdp_oa_recv_answer(&us, parsed("v=0\nm=audio 0 RTP/AVP 8\n"), &plan), -TR_ENOCODEC);
	offer(&l);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed("v=0\nm=audio 6 RTP/SAVP 8\n"), &plan),
		-TR_ESECURITY);
	offer(&l);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed("v=0\nm=audio 6 RTP/AVP 18\n"), &plan),
		-TR_ENOCODEC);
	offer(&l);
	assert_int_equal(sdp_oa_recv_answer(&us,
				 parsed("v=0\nc=IN IP4 pbx.example\nm=audio 6 RTP/AVP 8\n"), &plan),
		0);
	assert_false(addr_is_set(&plan.remote_rtp)); /* a name: learnt from its packets */
	offer(&l);
	assert_int_equal(sdp_oa_recv_answer(&us, parsed("v=0\nm=audio 0 RTP/AVP 8\n"), &plan), 0);
	assert_false(plan.has_media);
}

/* RFC 3261 §13.2.2.4: each fork of an INVITE answers for itself. */
static void forks_answer_apart(void **state)
{
	struct sdp_local l = everything();
	struct sdp_media_plan other;
	struct sdp_oa fork;

	offer(&l);
	assert_int_equal(sdp_oa_copy(&us, &fork), 0);
	assert_int_equal(sdp_oa_recv_answer(&us,
				 parsed("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 8\n"), &plan),
		0);
	assert_int_equal(sdp_oa_recv_answer(&fork,
				 parsed("v=0\nc=IN IP4 1.2.3.5\nm=audio 6 RTP/AVP 0\n"), &other),
		0);
	assert_int_equal(plan.tx.codec, SDP_PCMA);
	assert_int_equal(other.tx.codec, SDP_PCMU);
	sdp_oa_done(&fork);
}

/* RFC 3264 §6.1: ptime is a wish of the receiver; maxptime is a bound. */
static void packet_time_is_agreed(void **state)
{
	static const struct {
		const char *attrs;
		unsigned ms;
	} rows[] = {
		{"", 20},
		{"a=ptime:40\n", 40},
		{"a=ptime:25\n", 20},
		{"a=ptime:1\n", 10},
		{"a=ptime:900\n", LIMIT_PTIME_MS},
		{"a=ptime:60\na=maxptime:30\n", 30},
		{"a=maxptime:5\n", 10},
		{"a=ptime:nonsense\n", 20},
	};
	struct sdp_local l = narrowband();
	char text[256];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			buf_format(text, sizeof(text),
				"v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 8\n%s", rows[i].attrs),
			0);
		answer(text, &l);
		assert_int_equal(plan.ptime_ms, rows[i].ms);
	}
	l = everything();
	answer("v=0\nc=IN IP4 1.2.3.4\nm=audio 6 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=ptime:30\n",
		&l);
	assert_int_equal(plan.ptime_ms, 20); /* no Opus frame of 30 ms */
}

/* IPv6, RFC 3605 and an old peer at once. */
static void ipv6_and_rtcp_port(void **state)
{
	struct sdp_local l = narrowband();

	l.is_rtcp_mux = false;
	assert_true(addr_parse(SPAN_LIT("[2001:db8::9]:40000"), 0, &l.rtp));
	assert_true(addr_parse(SPAN_LIT("[2001:db8::9]:41000"), 0, &l.rtcp));
	answer("v=0\nc=IN IP6 2001:db8::1\nm=audio 6 RTP/AVP 8\na=rtcp-mux\n", &l);
	assert_has("o=- 7000 1 IN IP6 2001:db8::9\r\n");
	assert_has("c=IN IP6 2001:db8::9\r\n");
	assert_has("a=rtcp:41000 IN IP6 2001:db8::9\r\n");
	assert_has_not("rtcp-mux");
	assert_addr(&plan.remote_rtcp, "[2001:db8::1]:7");
}

/* Any two of ours agree, whoever offers, through hundreds of changes: the m-lines match, the plans
 * mirror each other. */
static void two_of_us_agree(void **state)
{
	uint64_t seed = test_seed();
	struct sdp_oa sides[2];
	struct sdp_media_plan plans[2];
	struct sdp_body texts[2];

	for (unsigned i = 0; i < 2; i++)
		sdp_oa_init(&sides[i], i + 1);
	for (unsigned round = 0; round < 500; round++) {
		unsigned a = prng_u32(&seed) & 1, b = !a;
		struct sdp_local la = everything(), lb = everything();
		static struct sdp sdp;
		struct sdp_error error;

		la.dir = (enum sdp_dir)(prng_u32(&seed) & 3);
		lb.dir = (enum sdp_dir)(prng_u32(&seed) & 3);
		la.codec_count = (uint8_t)(1 + prng_u32(&seed) % 4);
		lb.is_own_order = prng_u32(&seed) & 1;
		lb.is_one_codec = prng_u32(&seed) & 1;
		la.is_rtcp_mux = prng_u32(&seed) & 1;

		uint64_t before = sides[a].version;

		assert_int_equal(sdp_oa_offer(&sides[a], &la, &texts[a]), 0);
		assert_in_range(sides[a].version - before, 0, 1);
		assert_int_equal(sdp_parse(sdp_body_span(&texts[a]), &sdp, &error), 0);
		assert_int_equal(sdp_oa_answer(&sides[b], &sdp, &lb, &plans[b], &texts[b]), 0);
		assert_int_equal(sdp_parse(sdp_body_span(&texts[b]), &sdp, &error), 0);
		assert_int_equal(sdp_oa_recv_answer(&sides[a], &sdp, &plans[a]), 0);

		assert_int_equal(plans[a].tx.codec, plans[b].tx.codec);
		assert_int_equal(plans[a].dir, sdp_dir_reverse(plans[b].dir));
		assert_int_equal(plans[a].is_rtcp_mux, plans[b].is_rtcp_mux);
		for (unsigned i = 0; i < 2; i++) {
			const struct sdp_format_use *f = sdp_plan_rx(&plans[i], plans[!i].tx.pt);

			assert_non_null(f);
			assert_int_equal(f->codec, plans[!i].tx.codec);
			assert_int_equal(plans[i].tx_event.clock_hz, plans[i].tx.clock_hz);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		sdp_oa_done(&sides[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rfc3264_basic_exchange),
		TEST(rfc3264_one_of_n_codecs),
		TEST(rfc4317_audio_and_video),
		TEST(rfc4317_second_audio_is_refused),
		TEST(hold_and_resume_by_the_peer),
		TEST(hold_and_resume_by_us),
		TEST(version_grows_only_with_changes),
		TEST(threecx_offers_secure_and_plain),
		TEST(asterisk_offers_opus),
		TEST(other_pbxes_are_answered),
		TEST(browser_like_offer),
		TEST(payload_types_may_be_asymmetric),
		TEST(no_common_codec),
		TEST(removed_stream_comes_back),
		TEST(bad_answers),
		TEST(forks_answer_apart),
		TEST(packet_time_is_agreed),
		TEST(ipv6_and_rtcp_port),
		TEST(two_of_us_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
