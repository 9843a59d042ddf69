/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sdp/offer_answer.h"

/* a=crypto, fingerprints and candidates by themselves; then who encrypts with whom: written-down peers, and two of ours. */

static struct sdp_oa us, them;
static struct sdp_body body;
static struct sdp_media_plan plan;

static int setup(void **state)
{
	sdp_oa_init(&us, 7000);
	sdp_oa_init(&them, 8000);
	memset(&plan, 0, sizeof(plan));

	return 0;
}

static int teardown(void **state)
{
	sdp_oa_done(&us);
	sdp_oa_done(&them);

	return 0;
}

static struct sdp_local local(enum sdp_srtp srtp)
{
	struct sdp_local l = {.dir = SDP_SENDRECV, .protos = 1u << SDP_RTP_AVP | 1u << SDP_RTP_AVPF, .is_rtcp_mux = true,
		.codec_count = 1, .codecs = {{.codec = SDP_PCMU}}, .security = {.srtp = srtp}};
	static const enum srtp_suite suites[] = {SRTP_AEAD_AES_256_GCM, SRTP_AEAD_AES_128_GCM, SRTP_AES_256_CM_HMAC_SHA1_80,
		SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32};

	assert_true(addr_parse(SPAN_LIT("203.0.113.9:40000"), 0, &l.rtp));
	if (srtp == SDP_SRTP_OFF)
		return l;
	l.protos |= 1u << SDP_RTP_SAVP | 1u << SDP_RTP_SAVPF | 1u << SDP_DTLS_SAVP | 1u << SDP_DTLS_SAVPF;
	l.offer_proto = srtp == SDP_SRTP_REQUIRED ? SDP_RTP_SAVP : SDP_RTP_AVP;
	l.security.key_count = ARRAY_LEN(suites);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		l.security.keys[i].suite = suites[i];
		memset(l.security.keys[i].bytes, (int)(0x10 + i), srtp_key_bytes(suites[i]));
	}
	l.security.fingerprint = (struct sdp_fingerprint){.hash = SDP_SHA256, .n = 32, .bytes = {0xab, 0xcd}};

	return l;
}

static const struct sdp *parsed(const char *text)
{
	static struct sdp sdp;
	struct sdp_error error;

	assert_int_equal(sdp_parse(span_z(text), &sdp, &error), 0);

	return &sdp;
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

static int answer(const char *offer, const struct sdp_local *l)
{
	return sdp_oa_answer(&us, parsed(offer), l, &plan, &body);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.4\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
#define KEY1 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" /* of RFC 4568 §7.1.1 */

/* ---- a=crypto --------------------------------------------------------------------------------------------------------------------- */

static int crypto(const char *text, struct sdp_crypto *ret)
{
	return sdp_crypto_parse(span_z(text), ret);
}

static void crypto_lines(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned mki_n;
	} rows[] = {
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|1048576", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|1:4", 0, 4},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|1:4", 0, 4},
		{"1 AES_CM_128_HMAC_SHA1_32 inline:" KEY1 " WSH=128 -XYZ KDR=0", 0, 0},
		{"999999999  AES_CM_128_HMAC_SHA1_32  inline:" KEY1, 0, 0},
		/* not of the grammar */
		{"", -TR_EPARSE, 0},
		{"1", -TR_EPARSE, 0},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" KEY1, -TR_EPARSE, 0},
		{"1234567890 AES_CM_128_HMAC_SHA1_80 inline:" KEY1, -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " KEY1, -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 outline:" KEY1, -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "AA", -TR_EPARSE, 0},     /* too long */
		{"1 AES_CM_128_HMAC_SHA1_80 inline:WnD7c1ksDGs+dIefCEo8omPg4uO8DYIi", -TR_EPARSE, 0}, /* too short */
		{"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo!", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJS==", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^49", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|0", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|1", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|256:1", -TR_EPARSE, 0}, /* does not fit its length */
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|1:129", -TR_EPARSE, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|:4", -TR_EPARSE, 0},
		/* fine, but not with us */
		{"1 F8_128_HMAC_SHA1_80 inline:" KEY1, -TR_EUNSUPP, 0},
		{"1 NULL_HMAC_SHA1_80 inline:" KEY1, -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|1:4;inline:" KEY1 "|2:4", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "|2^20|1:16", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " UNENCRYPTED_SRTCP", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " UNAUTHENTICATED_SRTP", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " KDR=1", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " FEC_ORDER=FEC_SRTP", -TR_EUNSUPP, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " WSH=32", -TR_EUNSUPP, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_crypto c;
		int err = crypto(rows[i].text, &c);

		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].text, err);
		if (err)
			continue;
		assert_memory_equal(c.key.bytes, "wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#", 30);
		assert_int_equal(c.key.mki_n, rows[i].mki_n);
		if (rows[i].mki_n)
			assert_memory_equal(c.key.mki, "\0\0\0\1", 4);
	}
}

static void crypto_written_and_read(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct sdp_crypto c = {.tag = 7, .key = {.suite = s}}, got;
		char text[SDP_CRYPTO_TEXT];

		random_bytes(c.key.bytes, srtp_key_bytes(s));
		assert_int_equal(crypto(sdp_crypto_text(&c, text), &got), 0);
		assert_int_equal(got.tag, 7);
		assert_true(srtp_key_eq(&got.key, &c.key));
		/* Some peers leave the padding out. */
		for (size_t n = strlen(text); text[n - 1] == '='; n--)
			text[n - 1] = 0;
		assert_int_equal(crypto(text, &got), 0);
		assert_true(srtp_key_eq(&got.key, &c.key));
	}
}

/* ---- fingerprints and candidates ---------------------------------------------------------------------------------------------------- */

static void fingerprints(void **state)
{
	static const char good[] = "sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F";
	struct sdp_fingerprint f;
	char text[SDP_FINGERPRINT_TEXT];

	assert_true(sdp_fingerprint_parse(span_z(good), &f));
	assert_int_equal(f.n, 32);
	assert_int_equal(f.bytes[31], 0x0f);
	assert_string_equal(sdp_fingerprint_text(&f, text), good);
	assert_false(sdp_fingerprint_parse(SPAN_LIT("sha-256 D2:FA"), &f));
	assert_false(sdp_fingerprint_parse(span(good, sizeof(good) - 2), &f));
	assert_false(sdp_fingerprint_parse(SPAN_LIT("sha-1 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0"), &f));
	assert_false(sdp_fingerprint_parse(SPAN_LIT(""), &f));

	/* Of several the strongest; the m-line's own before the session's. */
	assert_true(sdp_fingerprint_of(parsed(HEAD "a=fingerprint:sha-256 00:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:"
					      "34:8E:5E:EA:6F:AF:52:CE:E6:0F\r\na=setup:passive\r\nm=audio 9 RTP/AVP 0\r\n"),
		0, &f));
	assert_int_equal(f.bytes[0], 0);
	assert_int_equal(sdp_setup_of(parsed(HEAD "a=setup:passive\r\nm=audio 9 RTP/AVP 0\r\na=setup:active\r\n"), 0), SDP_ACTIVE);
}

static void candidates(void **state)
{
	struct ice_candidate c;
	char text[SDP_CANDIDATE_TEXT];

	assert_int_equal(sdp_candidate_parse(
		SPAN_LIT("2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998 generation 0 ufrag x"), &c), 0);
	assert_int_equal(c.type, ICE_SRFLX);
	assert_int_equal(c.priority, 1694498815);
	assert_string_equal(sdp_candidate_text(&c, text), "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998");
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("Hc0a8 1 udp 1 2001:db8::1 9 typ host"), &c), 0);

	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 2 UDP 1 192.0.2.3 9 typ host"), &c), -TR_EUNSUPP);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 TCP 1 192.0.2.3 9 typ host tcptype active"), &c), -TR_EUNSUPP);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 1 6d8a.local 9 typ host"), &c), -TR_EUNSUPP);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 1 192.0.2.3 9 typ magic"), &c), -TR_EUNSUPP);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 0 192.0.2.3 9 typ host"), &c), -TR_EPARSE);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 2147483648 192.0.2.3 9 typ host"), &c), -TR_EPARSE);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 1 192.0.2.3 65536 typ host"), &c), -TR_EPARSE);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1 1 UDP 1 192.0.2.3 9 type host"), &c), -TR_EPARSE);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT("1-2 1 UDP 1 192.0.2.3 9 typ host"), &c), -TR_EPARSE);
	assert_int_equal(sdp_candidate_parse(SPAN_LIT(""), &c), -TR_EPARSE);
}

#define ICE "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"

static void ice_of_a_description(void **state)
{
	struct ice_description d;
	char text[8000];
	int n = snprintf(text, sizeof(text), HEAD "a=ice-lite\r\nm=audio 9 RTP/AVP 0\r\n" ICE "a=ice-options:x trickle\r\na=end-of-candidates\r\n");

	for (int i = 1; i <= 30; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "a=candidate:1 1 UDP %d 192.0.2.3 %d typ host\r\n", i, i);
	assert_true(sdp_ice_of(parsed(text), 0, &d));
	assert_string_equal(d.ufrag, "abcd");
	assert_true(d.is_lite && d.does_trickle && d.is_complete);
	assert_int_equal(d.count, LIMIT_ICE_CANDIDATES);
	for (unsigned i = 0; i < d.count; i++)
		assert_true(d.candidates[i].priority > 30 - LIMIT_ICE_CANDIDATES); /* the best were kept */

	assert_false(sdp_ice_of(parsed(HEAD "m=audio 9 RTP/AVP 0\r\na=ice-ufrag:abcd\r\n"), 0, &d));
	assert_false(sdp_ice_of(parsed(HEAD "m=audio 9 RTP/AVP 0\r\na=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n"), 0, &d));
	assert_false(sdp_ice_of(parsed(HEAD "m=audio 9 RTP/AVP 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:012345678901234567890\r\n"), 0, &d));
}

/* ---- answers --------------------------------------------------------------------------------------------------------------------- */

#define SAVP_LINES                                                                                                                \
	"m=audio 7100 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n"                                       \
	"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" KEY1 "\r\n"
#define AVP_LINES "m=audio 7102 RTP/AVP 0\r\n"
#define DTLS_ATTRS                                                                                                                \
	"a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F\r\n"

static void encrypted_offer_is_answered_with_one_key(void **state)
{
	struct sdp_local l = local(SDP_SRTP_OPTIONAL);

	assert_int_equal(answer(HEAD SAVP_LINES, &l), 0);
	assert_int_equal(plan.keying, SDP_SDES);
	assert_int_equal(plan.rx_key.suite, SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_memory_equal(plan.rx_key.bytes, "wDfv", 4);
	assert_int_equal(plan.tx_key.bytes[0], 0x13);
	assert_has("m=audio 40000 RTP/SAVP 0\r\n");
	assert_has("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:ExMTExMTExMTExMTExMTExMTExMTExMTExMTExMT\r\n");
	assert_has_not("a=crypto:2");
}

/* The peer's order rules, and what we lack is passed over. */
static void first_suite_that_we_have(void **state)
{
	struct sdp_local l = local(SDP_SRTP_REQUIRED);

	assert_int_equal(answer(HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY1 "\r\n"
				     "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 " UNENCRYPTED_SRTP\r\n"
				     "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:short\r\n"
				     "a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:" KEY1 "|2^31|1:1\r\n"
				     "a=crypto:8 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n", &l), 0);
	assert_has("a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:");
	assert_int_equal(plan.rx_key.mki_n, 1);
	assert_int_equal(plan.tx_key.mki_n, 0);
}

/* 3CX: the same stream encrypted and in clear, in either order. One is taken, the other gets port 0. */
static void two_m_lines(void **state)
{
	struct sdp_local off = local(SDP_SRTP_OFF), optional = local(SDP_SRTP_OPTIONAL), required = local(SDP_SRTP_REQUIRED);

	assert_int_equal(answer(HEAD SAVP_LINES AVP_LINES, &optional), 0);
	assert_has("m=audio 40000 RTP/SAVP 0\r\n");
	assert_has("m=audio 0 RTP/AVP 0\r\n");
	assert_int_equal(plan.mline, 0);
	setup(NULL);
	assert_int_equal(answer(HEAD AVP_LINES SAVP_LINES, &required), 0);
	assert_has("m=audio 0 RTP/AVP 0\r\nm=audio 40000 RTP/SAVP 0\r\n");
	assert_int_equal(plan.mline, 1);
	assert_int_equal(plan.keying, SDP_SDES);
	setup(NULL);
	assert_int_equal(answer(HEAD SAVP_LINES AVP_LINES, &off), 0);
	assert_has("m=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 0\r\n");
	assert_int_equal(plan.keying, SDP_IN_CLEAR);
	/* A secure line without a suite of ours counts for nothing. */
	setup(NULL);
	assert_int_equal(answer(HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY1 "\r\n" AVP_LINES, &optional), 0);
	assert_int_equal(plan.mline, 1);
	setup(NULL);
	assert_int_equal(
		answer(HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY1 "\r\n" AVP_LINES, &required),
		-TR_ESECURITY);
}

static void who_refuses_whom(void **state)
{
	struct sdp_local off = local(SDP_SRTP_OFF), optional = local(SDP_SRTP_OPTIONAL), required = local(SDP_SRTP_REQUIRED);

	assert_int_equal(answer(HEAD AVP_LINES, &required), -TR_ESECURITY);
	assert_int_equal(answer(HEAD SAVP_LINES, &off), -TR_ESECURITY);
	assert_int_equal(answer(HEAD "m=audio 7100 RTP/SAVP 0\r\n", &optional), -TR_ESECURITY); /* no key at all */
	assert_int_equal(answer(HEAD "m=audio 7100 RTP/SAVP 9\r\n", &optional), -TR_ENOCODEC);
	assert_int_equal(answer(HEAD AVP_LINES, &optional), 0);
	assert_int_equal(plan.keying, SDP_IN_CLEAR);
}

/* RFC 8643: keys in a plain profile. */
static void opportunistic_offer(void **state)
{
	struct sdp_local optional = local(SDP_SRTP_OPTIONAL), off = local(SDP_SRTP_OFF), required = local(SDP_SRTP_REQUIRED);
	static const char offer[] = HEAD AVP_LINES "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n";

	assert_int_equal(answer(offer, &optional), 0);
	assert_has("m=audio 40000 RTP/AVP 0\r\n");
	assert_has("a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:");
	assert_int_equal(plan.keying, SDP_SDES);
	setup(NULL);
	assert_int_equal(answer(offer, &required), 0);
	assert_int_equal(plan.keying, SDP_SDES);
	setup(NULL);
	assert_int_equal(answer(offer, &off), 0);
	assert_has_not("crypto");
	assert_int_equal(plan.keying, SDP_IN_CLEAR);
}

/* What Chromium sends, shortened: trickle, BUNDLE, DTLS, no address yet. */
static const char chromium[] =
	"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n"
	"a=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
	"a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlCF\r\na=ice-options:trickle\r\n" DTLS_ATTRS "a=setup:actpass\r\na=mid:0\r\n"
	"a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";

static void browser_offer(void **state)
{
	struct sdp_local l = local(SDP_SRTP_OPTIONAL);
	struct ice_description ice = {.ufrag = "usus", .pwd = "usususususususususususus", .is_lite = true, .is_complete = true, .count = 1,
		.candidates = {{.type = ICE_HOST, .addr = l.rtp, .priority = 2130706431, .foundation = "1"}}};

	l.ice = &ice;
	assert_int_equal(answer(chromium, &l), 0);
	assert_int_equal(plan.keying, SDP_DTLS);
	assert_true(plan.is_dtls_client);
	assert_true(plan.is_rtcp_mux);
	assert_string_equal(plan.ice.ufrag, "4ZcD");
	assert_true(plan.ice.does_trickle);
	assert_false(plan.is_old_hold || plan.is_held_by_peer);
	assert_int_equal(plan.dir, SDP_SENDRECV);
	assert_has("a=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 0\r\n");
	assert_has("a=setup:active\r\n");
	assert_has("a=fingerprint:sha-256 AB:CD:00:");
	assert_has("a=ice-ufrag:usus\r\na=ice-pwd:usususususususususususus\r\n");
	assert_has("a=candidate:1 1 UDP 2130706431 203.0.113.9 40000 typ host\r\na=end-of-candidates\r\n");
	assert_has("a=mid:0\r\n");
	assert_has("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");

	/* The same once more: same part in the handshake, same version. */
	assert_int_equal(answer(chromium, &l), 0);
	assert_true(plan.is_dtls_client);
	assert_int_equal(us.version, 1);

	/* Without DTLS on our side there is nothing to agree on. */
	setup(NULL);
	l.security.fingerprint.hash = SDP_HASH_NONE;
	assert_int_equal(answer(chromium, &l), -TR_ESECURITY);
}

/* ---- two of ours ------------------------------------------------------------------------------------------------------------------ */

/* Our offer, their answer, our reading of it; both plans. */
static int exchange(const struct sdp_local *ours, const struct sdp_local *theirs, struct sdp_media_plan *ret_ours,
	struct sdp_media_plan *ret_theirs)
{
	struct sdp_body offer, answer_body;
	struct sdp sdp;
	struct sdp_error error;

	assert_int_equal(sdp_oa_offer(&us, ours, &offer), 0);
	assert_int_equal(sdp_parse(sdp_body_span(&offer), &sdp, &error), 0);

	int err = sdp_oa_answer(&them, &sdp, theirs, ret_theirs, &answer_body);

	if (err) {
		sdp_oa_offer_refused(&us);
		return err;
	}
	assert_int_equal(sdp_parse(sdp_body_span(&answer_body), &sdp, &error), 0);
	body = answer_body;

	return sdp_oa_recv_answer(&us, &sdp, ret_ours);
}

static void every_mode_against_every_other(void **state)
{
	for (enum sdp_srtp a = SDP_SRTP_OFF; a <= SDP_SRTP_REQUIRED; a++) {
		for (enum sdp_srtp b = SDP_SRTP_OFF; b <= SDP_SRTP_REQUIRED; b++) {
			struct sdp_local la = local(a), lb = local(b);
			struct sdp_media_plan pa, pb;
			bool is_apart = a + b == SDP_SRTP_REQUIRED && a != b; /* off and required */

			setup(NULL);
			assert_int_equal(exchange(&la, &lb, &pa, &pb), is_apart ? -TR_ESECURITY : 0);
			if (is_apart)
				continue;
			assert_int_equal(pa.keying, a && b ? SDP_SDES : SDP_IN_CLEAR);
			assert_int_equal(pb.keying, pa.keying);
			assert_true(srtp_key_eq(&pa.tx_key, &pb.rx_key));
			assert_true(srtp_key_eq(&pa.rx_key, &pb.tx_key));
			if (pa.keying == SDP_SDES)
				assert_int_equal(pa.tx_key.suite, SRTP_AEAD_AES_256_GCM);
			teardown(NULL);
		}
	}
	setup(NULL);
}

/* Hold and resume: the suite that was agreed, the same key, so no counter starts anew. */
static void later_offers_keep_the_key(void **state)
{
	struct sdp_local la = local(SDP_SRTP_REQUIRED), lb = local(SDP_SRTP_OPTIONAL);
	struct sdp_media_plan pa, pb, qa, qb;

	la.security.keys[0] = la.security.keys[3];
	la.security.key_count = 1;
	assert_int_equal(exchange(&la, &lb, &pa, &pb), 0);
	la.dir = SDP_SENDONLY;
	assert_int_equal(exchange(&la, &lb, &qa, &qb), 0);
	assert_true(srtp_key_eq(&pa.tx_key, &qa.tx_key));
	assert_true(srtp_key_eq(&pa.rx_key, &qa.rx_key));

	/* The answerer offers now: only the agreed suite, in the agreed profile. */
	assert_int_equal(sdp_oa_offer(&them, &lb, &body), 0);
	assert_has("RTP/SAVP");
	assert_has("a=crypto:4 AES_CM_128_HMAC_SHA1_80");
	assert_has_not("GCM");
}

static void dtls_both_ways(void **state)
{
	struct sdp_local la = local(SDP_SRTP_REQUIRED), lb = local(SDP_SRTP_OPTIONAL);
	struct sdp_media_plan pa, pb;

	la.security.prefers_dtls = true;
	la.offer_proto = SDP_DTLS_SAVPF;
	assert_int_equal(exchange(&la, &lb, &pa, &pb), 0);
	assert_int_equal(pa.keying, SDP_DTLS);
	assert_false(pa.is_dtls_client); /* the answerer begins */
	assert_true(pb.is_dtls_client);
	assert_true(sdp_fingerprint_eq(&pa.fingerprint, &lb.security.fingerprint));
	assert_has("a=setup:active\r\n");

	/* The other side offers later, actpass again: nobody changes part. */
	struct sdp_oa swap = us;

	us = them;
	them = swap;
	assert_int_equal(exchange(&lb, &la, &pa, &pb), 0);
	assert_true(pa.is_dtls_client);
	assert_false(pb.is_dtls_client);
	assert_has("a=setup:passive\r\n");
}

static int read_answer_to(const struct sdp_local *l, const char *text)
{
	struct sdp_media_plan p;

	setup(NULL);
	assert_int_equal(sdp_oa_offer(&us, l, &body), 0);

	int err = sdp_oa_recv_answer(&us, parsed(text), &p);

	if (!err)
		plan = p;

	return err;
}

static void answers_that_do_not_fit(void **state)
{
	struct sdp_local optional = local(SDP_SRTP_OPTIONAL), required = local(SDP_SRTP_REQUIRED);

	/* Ours: 1 and 2 GCM, 3 AES-256, 4 and 5 AES-128. */
	assert_int_equal(read_answer_to(&required, HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n"), 0);
	assert_int_equal(plan.tx_key.bytes[0], 0x13);
	assert_int_equal(read_answer_to(&required, HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n"),
		-TR_ESECURITY); /* our line 1 is another suite */
	assert_int_equal(read_answer_to(&required, HEAD "m=audio 7100 RTP/SAVP 0\r\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:" KEY1 "\r\n"),
		-TR_ESECURITY);
	assert_int_equal(read_answer_to(&required, HEAD "m=audio 7100 RTP/SAVP 0\r\n"), -TR_ESECURITY);
	assert_int_equal(read_answer_to(&required, HEAD AVP_LINES), -TR_ESECURITY);
	assert_int_equal(read_answer_to(&optional, HEAD AVP_LINES), 0);
	assert_int_equal(plan.keying, SDP_IN_CLEAR);
	/* Encrypted, but under no key: nothing that could be heard. */
	assert_int_equal(read_answer_to(&optional, HEAD "m=audio 7100 RTP/SAVP 0\r\n"), -TR_ESECURITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crypto_lines),
		cmocka_unit_test(crypto_written_and_read),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(candidates),
		cmocka_unit_test(ice_of_a_description),
		cmocka_unit_test_setup_teardown(encrypted_offer_is_answered_with_one_key, setup, teardown),
		cmocka_unit_test_setup_teardown(first_suite_that_we_have, setup, teardown),
		cmocka_unit_test_setup_teardown(two_m_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(who_refuses_whom, setup, teardown),
		cmocka_unit_test_setup_teardown(opportunistic_offer, setup, teardown),
		cmocka_unit_test_setup_teardown(browser_offer, setup, teardown),
		cmocka_unit_test_setup_teardown(every_mode_against_every_other, setup, teardown),
		cmocka_unit_test_setup_teardown(later_offers_keep_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(dtls_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_that_do_not_fit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
