/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sdp/codec.h"
#include "sdp/sdp.h"

static struct sdp sdp;
static struct sdp_error error;

static void parse(const char *text)
{
	assert_int_equal(sdp_parse(span_z(text), &sdp, &error), 0);
}

static const struct sdp_format *format(unsigned media, unsigned i)
{
	assert_true(media < sdp.media_count && i < sdp.media[media].format_count);

	return sdp_format_at(&sdp, &sdp.media[media], i);
}

/* RFC 8866 §5: the example of the RFC, complete. */
static void rfc_example_is_read(void **state)
{
	char ip[ADDR_TEXT];

	parse("v=0\r\n"
	      "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
	      "s=Call to John Smith\r\n"
	      "i=SDP Offer #1\r\n"
	      "u=http://www.jdoe.example.com/home.html\r\n"
	      "e=Jane Doe <jane@jdoe.example.com>\r\n"
	      "p=+1 617 555-6011\r\n"
	      "c=IN IP4 198.51.100.1\r\n"
	      "t=0 0\r\n"
	      "m=audio 49170 RTP/AVP 0\r\n"
	      "m=audio 49180 RTP/AVP 0\r\n"
	      "m=video 51372/2 RTP/AVP 99\r\n"
	      "c=IN IP6 2001:db8::2\r\n"
	      "a=rtpmap:99 h263-1998/90000\r\n");
	assert_span_equal(sdp.origin_id, "3724394400");
	assert_span_equal(sdp.origin_version, "3724394405");
	assert_span_equal(sdp.origin_host, "198.51.100.1");
	assert_span_equal(sdp.session_name, "Call to John Smith");
	assert_int_equal(sdp.media_count, 3);
	assert_int_equal(sdp.media[1].port, 49180);
	assert_string_equal(addr_ip_text(&sdp.media[1].conn.ip, ip), "198.51.100.1");
	assert_int_equal(sdp.media[2].kind, SDP_VIDEO);
	assert_int_equal(sdp.media[2].port_count, 2);
	assert_string_equal(addr_ip_text(&sdp.media[2].conn.ip, ip), "2001:db8::2");
	assert_int_equal(format(2, 0)->clock_hz, 90000);
	assert_int_equal(sdp.ignored, 0);
}

/* RFC 8866 §9 wants CRLF and all mandatory lines; peers do not. */
static void sloppy_peers_are_read(void **state)
{
	parse("v=0\no=x 1 1 IN IP4 10.0.0.1\nm=audio  4000  RTP/AVP 0 31 8 \na=rtpmap:31 LPC\na=rtpmap:8 PCMA/8000 \n"
	      "a=ptime:20.0\nc=IN IP4 10.0.0.1\nX-garbage\nq=what\n\n\n");
	assert_int_equal(sdp.media[0].format_count, 3);
	assert_int_equal(sdp.media[0].ptime_ms, 20);
	assert_int_equal(format(0, 1)->clock_hz, 0);
	assert_int_equal(sdp_codec_of(format(0, 1)), SDP_CODEC_NONE);
	assert_int_equal(sdp_codec_of(format(0, 0)), SDP_PCMU);
	assert_int_equal(sdp_codec_of(format(0, 2)), SDP_PCMA);
	assert_true(addr_is_set(&sdp.media[0].conn.ip));
	assert_int_equal(sdp.ignored, 2);
}

static void assert_error(const char *text, int err, unsigned line)
{
	assert_int_equal(sdp_parse(span_z(text), &sdp, &error), err);
	assert_int_equal(error.line, line);
	assert_non_null(error.what);
}

static void errors_name_line_and_cause(void **state)
{
	assert_error("", -TR_EPARSE, 0);
	assert_error("hello\nworld\n", -TR_EPARSE, 0);
	assert_error("v=0\r\nm=audio x RTP/AVP 0\r\n", -TR_EPARSE, 2);
	assert_error("v=0\r\ns=-\r\nm=audio 65536 RTP/AVP 0\r\n", -TR_EPARSE, 3);
	assert_error("v=0\r\nm=audio 4000 RTP/AVP\r\n", -TR_EPARSE, 2);
	assert_error("v=0\r\nm=audio 4000\r\n", -TR_EPARSE, 2);
	assert_error("v=0\r\nm=au\rdio 0 RTP/AVP 0\r\n", -TR_EPARSE, 2);

	char many[LIMIT_SDP_BYTES + 2] = "v=0\n";
	static const char line[] = "m=audio 0 RTP/AVP 0\n";

	for (unsigned i = 0; i <= LIMIT_SDP_MEDIA; i++)
		memcpy(many + 4 + i * (sizeof(line) - 1), line, sizeof(line));
	assert_error(many, -TR_ETOOBIG, LIMIT_SDP_MEDIA + 2);
	memset(many, '\n', LIMIT_SDP_BYTES + 1);
	many[LIMIT_SDP_BYTES + 1] = 0;
	assert_error(many, -TR_ETOOBIG, 0);
}

/* More formats than the limit are left out, the call is not. */
static void surplus_formats_are_ignored(void **state)
{
	char text[1024] = "v=0\nm=audio 4000 RTP/AVP";
	size_t n = strlen(text);

	for (unsigned i = 0; i < LIMIT_SDP_FORMATS + 5; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %u", i);
	parse(text);
	assert_int_equal(sdp.media[0].format_count, LIMIT_SDP_FORMATS);
	assert_int_equal(sdp.ignored, 5);
}

/* RFC 8866 §6.7: session-level direction holds for the media that say nothing. */
static void direction_is_inherited(void **state)
{
	parse("v=0\na=sendonly\nm=audio 1 RTP/AVP 0\nm=audio 2 RTP/AVP 0\na=inactive\n");
	assert_int_equal(sdp.media[0].dir, SDP_SENDONLY);
	assert_int_equal(sdp.media[1].dir, SDP_INACTIVE);
	assert_int_equal(sdp_dir_reverse(SDP_SENDONLY), SDP_RECVONLY);
	assert_int_equal(sdp_dir_reverse(SDP_RECVONLY), SDP_SENDONLY);
	assert_int_equal(sdp_dir_reverse(SDP_SENDRECV), SDP_SENDRECV);
	assert_int_equal(sdp_dir_reverse(SDP_INACTIVE), SDP_INACTIVE);
}

/* RFC 3605 §2.1, RFC 5761 §5.1.1. */
static void rtcp_attribute_is_read(void **state)
{
	char text[ADDR_TEXT];

	parse("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\na=rtcp:53020\na=rtcp-mux\n"
	      "m=audio 4002 RTP/AVP 0\na=rtcp:53020 IN IP4 126.16.64.4\n"
	      "m=audio 4004 RTP/AVP 0\na=rtcp:nonsense\n");
	assert_string_equal(addr_text(&sdp.media[0].rtcp, text), "192.0.2.1:53020");
	assert_true(sdp.media[0].is_rtcp_mux);
	assert_string_equal(addr_text(&sdp.media[1].rtcp, text), "126.16.64.4:53020");
	assert_false(sdp.media[1].is_rtcp_mux);
	assert_false(addr_is_set(&sdp.media[2].rtcp));
}

/* What later layers want (keys, ICE) is kept in order and by level. */
static void attributes_are_kept(void **state)
{
	parse("v=0\na=ice-lite\nm=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\n"
	      "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:def\na=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\n"
	      "m=video 0 RTP/AVP 31\na=crypto:3 x\n");

	const struct sdp_attr *a = sdp_attr_find(&sdp, 0, "crypto");

	assert_non_null(a);
	assert_span_equal(span(a->value.p, 1), "1");
	a = sdp_attr_next(&sdp, a);
	assert_non_null(a);
	assert_span_equal(span(a->value.p, 1), "2");
	assert_null(sdp_attr_next(&sdp, a));
	assert_non_null(sdp_attr_find(&sdp, SDP_SESSION, "ICE-Lite"));
	assert_null(sdp_attr_find(&sdp, 0, "ice-lite"));
}

static void host_names_and_multicast_are_read(void **state)
{
	parse("v=0\nc=IN IP4 media.example.com\nm=audio 4000 RTP/AVP 0\nm=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127/3\n");
	assert_span_equal(sdp.media[0].conn.host, "media.example.com");
	assert_false(addr_is_set(&sdp.media[0].conn.ip));
	assert_span_equal(sdp.media[1].conn.host, "224.2.1.1");
}

static enum sdp_codec codec_of(
	const char *encoding, uint32_t clock_hz, uint8_t channels, uint8_t pt)
{
	struct sdp_format f = {
		.encoding = span_z(encoding), .clock_hz = clock_hz, .channels = channels, .pt = pt};

	return sdp_codec_of(&f);
}

/* RFC 3551 §6 (static types), RFC 3551 §4.5.2 (the clock of G.722), RFC 7587 §4.1. */
static void codecs_are_recognised(void **state)
{
	assert_int_equal(codec_of(NULL, 0, 1, 0), SDP_PCMU);
	assert_int_equal(codec_of(NULL, 0, 1, 9), SDP_G722);
	assert_int_equal(codec_of(NULL, 0, 1, 13), SDP_CN);
	assert_int_equal(codec_of(NULL, 0, 1, 96), SDP_CODEC_NONE);
	assert_int_equal(codec_of("PCMU", 8000, 1, 8), SDP_PCMU);
	assert_int_equal(codec_of("pcma", 16000, 1, 8), SDP_CODEC_NONE);
	assert_int_equal(codec_of("G722", 8000, 1, 9), SDP_G722);
	assert_int_equal(codec_of("G722", 16000, 1, 111), SDP_G722);
	assert_int_equal(codec_of("OPUS", 48000, 2, 107), SDP_OPUS);
	assert_int_equal(codec_of("opus", 48000, 1, 107), SDP_OPUS);
	assert_int_equal(codec_of("opus", 16000, 1, 107), SDP_CODEC_NONE);
	assert_int_equal(codec_of("L16", 16000, 1, 100), SDP_L16);
	assert_int_equal(codec_of("L16", 0, 1, 100), SDP_CODEC_NONE);
	assert_int_equal(codec_of("L16", 16000, 2, 100), SDP_CODEC_NONE);
	assert_int_equal(codec_of("telephone-event", 48000, 1, 101), SDP_TELEPHONE_EVENT);
	assert_int_equal(codec_of("telephone-event", 44100, 1, 101), SDP_CODEC_NONE);
}

/* RFC 7587 §6.1, RFC 4733 §2.4.1. */
static void format_parameters_are_read(void **state)
{
	struct sdp_opus o;

	sdp_opus_parse(
		SPAN_LIT(
			"minptime=10; useinbandfec=1 ;stereo=1;maxplaybackrate=16000;maxaveragebitrate=1;cbr=0;x"),
		&o);
	assert_true(o.is_fec && o.is_stereo && !o.is_cbr && !o.is_dtx);
	assert_int_equal(o.min_ptime_ms, 10);
	assert_int_equal(o.max_playback_hz, 16000);
	assert_int_equal(o.max_bitrate, 0);

	assert_int_equal(sdp_events_parse((struct span){0}), 0xffff);
	assert_int_equal(sdp_events_parse(SPAN_LIT("0-16")), 0x1ffff);
	assert_int_equal(sdp_events_parse(SPAN_LIT("0-11,16, 66,70-4000000000")), 0x10fff);
	assert_int_equal(sdp_events_parse(SPAN_LIT("31")), 0x80000000u);
	assert_int_equal(sdp_events_parse(SPAN_LIT("garbage")), 0xffff);
}

static void assert_body(const char *type, const char *body, const char *want)
{
	struct span found = {0};
	bool has = sdp_in_body(span_z(type), span_z(body), &found);

	assert_int_equal(has, want != NULL);
	if (want)
		assert_span_equal(found, want);
}

/* RFC 5621 §3.1, RFC 2046 §5.1.1. */
static void description_is_found_in_a_body(void **state)
{
	assert_body("application/sdp", "v=0\r\n", "v=0\r\n");
	assert_body("Application/SDP; charset=utf-8", "v=0\r\n", "v=0\r\n");
	assert_body(NULL, "v=0\r\n", "v=0\r\n");
	assert_body("text/plain", "v=0\r\n", NULL);
	assert_body("application/sdp", "", NULL);

	const char *mixed =
		"preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nv=1\r\n--b1\r\n"
		"content-type : application/sdp\r\nContent-ID: <x>\r\n\r\nv=0\r\ns=-\r\n\r\n--b1--\r\n";

	assert_body("multipart/mixed;boundary=b1", mixed, "v=0\r\ns=-\r\n");
	assert_body("multipart/mixed; boundary=\"b1\"; x=y", mixed, "v=0\r\ns=-\r\n");
	assert_body("multipart/mixed; boundary=b2", mixed, NULL);
	assert_body("multipart/mixed", mixed, NULL);
	assert_body("multipart/related;boundary=o",
		"--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\nc: application/sdp\r\n\r\nv=0\r\n--i--\r\n--o--",
		"v=0");
	assert_body("multipart/mixed;boundary=a",
		"--a\nContent-Type: multipart/mixed;boundary=b\n\n--b\nContent-Type: multipart/mixed;boundary=c\n\n"
		"--c\nContent-Type: application/sdp\n\nv=0\n--c--\n--b--\n--a--\n",
		NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_example_is_read),
		cmocka_unit_test(sloppy_peers_are_read),
		cmocka_unit_test(errors_name_line_and_cause),
		cmocka_unit_test(surplus_formats_are_ignored),
		cmocka_unit_test(direction_is_inherited),
		cmocka_unit_test(rtcp_attribute_is_read),
		cmocka_unit_test(attributes_are_kept),
		cmocka_unit_test(host_names_and_multicast_are_read),
		cmocka_unit_test(codecs_are_recognised),
		cmocka_unit_test(format_parameters_are_read),
		cmocka_unit_test(description_is_found_in_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
