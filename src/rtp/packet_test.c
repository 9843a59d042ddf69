/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/packet.h"

/* RFC 3550 §5.1: every field, none of the options. */
static void plain_header_is_read(void **state)
{
	static const uint8_t bytes[] = {0x80, 0x80 | 8, 0xff, 0xfe, 1, 2, 3, 4, 0xa, 0xb, 0xc, 0xd, 0x55, 0xd5};
	struct rtp_packet p;

	assert_int_equal(rtp_parse(bytes, sizeof(bytes), &p), 0);
	assert_int_equal(p.pt, 8);
	assert_true(p.marker);
	assert_int_equal(p.seq, 65534);
	assert_int_equal(p.ts, 0x01020304);
	assert_int_equal(p.ssrc, 0x0a0b0c0d);
	assert_ptr_equal(p.payload, bytes + 12);
	assert_int_equal(p.payload_len, 2);
	assert_null(p.csrc);
	assert_null(p.ext);
}

/* RFC 3550 §5.1, §5.3.1: CSRC list, extension and padding together; the payload is what is between. */
static void csrc_extension_and_padding_are_passed(void **state)
{
	static const uint8_t bytes[] = {
		0x80 | 0x20 | 0x10 | 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, /* header */
		0, 0, 0, 1, 0, 0, 0, 2,					 /* CSRC */
		0xbe, 0xde, 0, 1, 0x10, 0x7f, 0, 0,			 /* one word of extension */
		'a', 'b', 'c', 0, 0, 3,					 /* payload, padding */
	};
	struct rtp_packet p;

	assert_int_equal(rtp_parse(bytes, sizeof(bytes), &p), 0);
	assert_int_equal(p.csrc_count, 2);
	assert_int_equal(rtp_get32(p.csrc + 4), 2);
	assert_int_equal(p.ext_len, 4);
	assert_int_equal(p.padding, 3);
	assert_int_equal(p.payload_len, 3);
	assert_memory_equal(p.payload, "abc", 3);
}

static void contradictions_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[20];
		size_t n;
	} bad[] = {
		{{0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 11},			    /* short */
		{{0x40, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1}, 13},		    /* version 1 */
		{{0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3}, 15},		    /* CSRC beyond the end */
		{{0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3}, 15},		    /* extension's head too */
		{{0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xbe, 0xde, 0, 1, 1, 2}, 18}, /* and its body */
		{{0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0}, 14},		    /* padding of 0 */
		{{0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 3}, 14},		    /* more than there is */
		{{0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 12},			    /* that of the header's */
	};
	struct rtp_packet p = {.seq = 77};
	static uint8_t large[LIMIT_RTP_PACKET_BYTES + 1] = {0x80};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rtp_parse(bad[i].bytes, bad[i].n, &p), -TR_EPARSE);
	assert_int_equal(rtp_parse(large, sizeof(large), &p), -TR_ETOOBIG);
	assert_int_equal(p.seq, 77);
}

static void a_packet_may_be_empty(void **state)
{
	static const uint8_t bare[] = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9};
	static const uint8_t padded[] = {0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2};
	struct rtp_packet p;

	assert_int_equal(rtp_parse(bare, sizeof(bare), &p), 0);
	assert_int_equal(p.payload_len, 0);
	assert_int_equal(rtp_parse(padded, sizeof(padded), &p), 0);
	assert_int_equal(p.payload_len, 0);
}

static void written_header_reads_back(void **state)
{
	const struct rtp_packet p = {.pt = 101, .marker = true, .seq = 0xfffe, .ts = 0xdeadbeef, .ssrc = 0x01020304};
	uint8_t bytes[RTP_HEADER_BYTES];
	struct rtp_packet q;

	rtp_write_header(&p, bytes);
	assert_int_equal(rtp_parse(bytes, sizeof(bytes), &q), 0);
	assert_int_equal(q.pt, p.pt);
	assert_true(q.marker);
	assert_int_equal(q.seq, p.seq);
	assert_int_equal(q.ts, p.ts);
	assert_int_equal(q.ssrc, p.ssrc);
	assert_int_equal(q.payload_len, 0);
}

static struct rtp_packet with_extension(uint16_t profile, const uint8_t *body, size_t n)
{
	return (struct rtp_packet){.ext_profile = profile, .ext = body, .ext_len = (uint16_t)n};
}

/* RFC 8285 §4.2, §4.3 */
static void extension_elements_are_found(void **state)
{
	static const uint8_t one[] = {0x10, 0xaa, 0, 0, 0x31, 1, 2, 0xf0, 0x50, 9, 0, 0};
	static const uint8_t two[] = {1, 0, 0, 200, 2, 7, 8, 9, 50, 1};
	struct rtp_packet p = with_extension(0xbede, one, sizeof(one));
	const uint8_t *data;
	size_t n;

	assert_true(rtp_ext_find(&p, 1, &data, &n));
	assert_int_equal(n, 1);
	assert_int_equal(data[0], 0xaa);
	assert_true(rtp_ext_find(&p, 3, &data, &n));
	assert_int_equal(n, 2);
	assert_false(rtp_ext_find(&p, 5, &data, &n)); /* behind id 15, which ends the reading */
	assert_false(rtp_ext_find(&p, 0, &data, &n));

	p = with_extension(0x1005, two, sizeof(two));
	assert_true(rtp_ext_find(&p, 1, &data, &n));
	assert_int_equal(n, 0);
	assert_true(rtp_ext_find(&p, 200, &data, &n));
	assert_int_equal(n, 2);
	assert_false(rtp_ext_find(&p, 50, &data, &n)); /* cut off */
	p.ext_profile = 0x4242;
	assert_false(rtp_ext_find(&p, 200, &data, &n));
}

/* RFC 5761 §4, RFC 7983 §7 */
static void kinds_are_told_apart(void **state)
{
	static const struct {
		uint8_t bytes[2];
		enum rtp_kind kind;
	} cases[] = {
		{{0x80, 0}, RTP_KIND_RTP},	{{0x80, 0x80 | 63}, RTP_KIND_RTP}, {{0x80, 200}, RTP_KIND_RTCP},
		{{0x81, 201}, RTP_KIND_RTCP},	{{0x80, 192}, RTP_KIND_RTCP},	   {{0x80, 223}, RTP_KIND_RTCP},
		{{0x80, 224}, RTP_KIND_RTP},	{{0x80, 0x80 | 111}, RTP_KIND_RTP}, {{0x00, 1}, RTP_KIND_STUN},
		{{0x01, 1}, RTP_KIND_STUN},	{{22, 254}, RTP_KIND_DTLS},	   {{0x40, 0}, RTP_KIND_TURN},
		{{'\r', '\n'}, RTP_KIND_OTHER}, {{0xff, 0xff}, RTP_KIND_OTHER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(rtp_classify(cases[i].bytes, 2), cases[i].kind);
	assert_int_equal(rtp_classify(cases[0].bytes, 1), RTP_KIND_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_header_is_read),
		cmocka_unit_test(csrc_extension_and_padding_are_passed),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(a_packet_may_be_empty),
		cmocka_unit_test(written_header_reads_back),
		cmocka_unit_test(extension_elements_are_found),
		cmocka_unit_test(kinds_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
