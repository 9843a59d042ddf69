/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "nat/stun.h"

static size_t hex(const char *text, uint8_t *ret)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned v;

		if (*text == ' ')
			continue;
		assert_int_equal(sscanf(text++, "%2x", &v), 1);
		ret[n++] = (uint8_t)v;
	}

	return n;
}

static struct addr address(const char *text)
{
	struct addr a = {0};

	assert_true(addr_parse(span_z(text), 0, &a));

	return a;
}

/* ---- RFC 5769 ----------------------------------------------------------------------------------------------------------------- */

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
static const char request[] = "00010058 2112a442 b7e7a701 bc34d686 fa87dfae"
			      "80220010 5354554e 20746573 7420636c 69656e74"
			      "00240004 6e0001ff"
			      "80290008 932ff9b1 51263b36"
			      "00060009 6576746a 3a683676 59202020"
			      "00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2"
			      "80280004 e57a3bcf";
static const char response4[] = "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae"
				"8022000b 74657374 20766563 746f7220"
				"00200008 0001a147 e112a643"
				"00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7"
				"80280004 c07d4c96";
static const char response6[] = "01010048 2112a442 b7e7a701 bc34d686 fa87dfae"
				"8022000b 74657374 20766563 746f7220"
				"00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"
				"00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41"
				"80280004 c8fb0b4c";
static const char long_term[] = "00010060 2112a442 78ad3433 c6ad72c0 29da412e"
				"00060012 e3839ee3 8388e383 aae38383 e382af e382b9 0000"
				"0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341"
				"0014000b 6578616d 706c652e 6f726700"
				"00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666";

static void sample_request(void **state)
{
	uint8_t bytes[256];
	size_t n = hex(request, bytes);
	struct stun_msg m;

	assert_int_equal(stun_parse(bytes, n, &m), 0);
	assert_int_equal(m.cls, STUN_REQUEST);
	assert_int_equal(m.method, STUN_BINDING);
	assert_span_equal(m.software, "STUN test client");
	assert_span_equal(m.username, "evtj:h6vY");
	assert_int_equal(m.priority, 0x6e0001ff);
	assert_true(m.has_controlled && !m.has_controlling);
	assert_true(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
	assert_true(m.fingerprint_at);
	assert_true(stun_is_authentic(&m, SPAN_LIT(PASSWORD)));
	assert_false(stun_is_authentic(&m, SPAN_LIT("VOkJxbRl1RmTxUk/WvJxBT")));
	assert_false(stun_is_authentic256(&m, SPAN_LIT(PASSWORD)));
}

static void sample_responses(void **state)
{
	uint8_t bytes[256];
	struct stun_msg m;
	struct addr v4 = address("192.0.2.1:32853"), v6 = address("[2001:db8:1234:5678:11:2233:4455:6677]:32853");

	assert_int_equal(stun_parse(bytes, hex(response4, bytes), &m), 0);
	assert_int_equal(m.cls, STUN_SUCCESS);
	assert_true(addr_eq(&m.mapped, &v4));
	assert_true(stun_is_authentic(&m, SPAN_LIT(PASSWORD)));
	assert_int_equal(stun_parse(bytes, hex(response6, bytes), &m), 0);
	assert_true(addr_eq(&m.mapped, &v6));
	assert_true(stun_is_authentic(&m, SPAN_LIT(PASSWORD)));
}

/* RFC 5769 §2.4: user "マトリックス", password "TheMatrIX" after SASLprep. */
static void sample_long_term_request(void **state)
{
	uint8_t bytes[256], key[32];
	struct stun_msg m;

	assert_int_equal(stun_parse(bytes, hex(long_term, bytes), &m), 0);
	assert_span_equal(m.realm, "example.org");
	assert_span_equal(m.nonce, "f//499k954d6OL34oL9FSTvy64sA");

	size_t n = stun_long_term_key(STUN_MD5, m.username, m.realm, SPAN_LIT("TheMatrIX"), key);

	assert_int_equal(n, 16);
	assert_true(stun_is_authentic(&m, span((char *)key, n)));
}

/* We write the same bytes, but for the padding that those samples fill with blanks on purpose. */
static void written_as_the_sample(void **state)
{
	uint8_t want[256], got[256];
	size_t want_n = hex(response6, want), n;
	struct addr v6 = address("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
	struct stun_writer w;
	struct stun_msg m;
	struct stun_id id;

	memcpy(id.bytes, want + 8, sizeof(id.bytes));
	stun_begin(&w, got, sizeof(got), STUN_SUCCESS, STUN_BINDING, &id);
	stun_put_span(&w, STUN_SOFTWARE, SPAN_LIT("test vector"));
	stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &v6);
	stun_put_integrity(&w, SPAN_LIT(PASSWORD));
	stun_put_fingerprint(&w);
	assert_int_equal(stun_end(&w, &n), 0);
	assert_int_equal(n, want_n);
	assert_memory_equal(got, want, 20 + 4 + 11);
	assert_memory_equal(got + 36, want + 36, 24);
	assert_int_equal(stun_parse(got, n, &m), 0);
	assert_true(stun_is_authentic(&m, SPAN_LIT(PASSWORD)));
}

/* ---- what we write, we read ------------------------------------------------------------------------------------------------------- */

static void all_attributes_there_and_back(void **state)
{
	struct addr a = address("198.51.100.7:3478"), b = address("[2001:db8::9]:50000");
	struct stun_id id = {"abcdefghijkl"};
	uint8_t bytes[LIMIT_STUN_BYTES];
	struct stun_writer w;
	struct stun_msg m;
	size_t n;

	stun_begin(&w, bytes, sizeof(bytes), STUN_ERROR, TURN_CHANNEL_BIND, &id);
	stun_put_addr(&w, TURN_XOR_PEER_ADDRESS, &b);
	stun_put_addr(&w, TURN_XOR_RELAYED_ADDRESS, &a);
	stun_put_addr(&w, STUN_OTHER_ADDRESS, &a);
	stun_put_addr(&w, STUN_RESPONSE_ORIGIN, &b);
	stun_put_addr(&w, STUN_ALTERNATE_SERVER, &a);
	stun_put_u32(&w, TURN_CHANNEL_NUMBER, 0x40010000);
	stun_put_u32(&w, TURN_LIFETIME, 600);
	stun_put_u32(&w, TURN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(&w, STUN_CHANGE_REQUEST, 6);
	stun_put_u64(&w, ICE_CONTROLLING, UINT64_C(0x0123456789abcdef));
	stun_put(&w, ICE_USE_CANDIDATE, NULL, 0);
	stun_put_error(&w, 438, "Stale Nonce");
	stun_put(&w, STUN_PASSWORD_ALGORITHMS, "\0\1\0\0\0\2\0\0", 8);
	stun_put_span(&w, TURN_DATA_ATTR, SPAN_LIT("abc"));
	stun_put_integrity(&w, SPAN_LIT("k1"));
	stun_put_integrity256(&w, SPAN_LIT("k2"));
	stun_put_fingerprint(&w);
	assert_int_equal(stun_end(&w, &n), 0);

	assert_int_equal(stun_parse(bytes, n, &m), 0);
	assert_int_equal(m.cls, STUN_ERROR);
	assert_int_equal(m.method, TURN_CHANNEL_BIND);
	assert_true(stun_id_eq(&m.id, &id));
	assert_true(addr_eq(&m.peer, &b) && addr_eq(&m.relayed, &a));
	assert_true(addr_eq(&m.other, &a) && addr_eq(&m.origin, &b) && addr_eq(&m.alternate, &a));
	assert_int_equal(m.channel, 0x4001);
	assert_int_equal(m.lifetime_s, 600);
	assert_int_equal(m.transport, 17);
	assert_int_equal(m.change, 6);
	assert_true(m.has_controlling && m.tie_breaker == UINT64_C(0x0123456789abcdef));
	assert_true(m.uses_candidate);
	assert_int_equal(m.error, 438);
	assert_span_equal(m.reason, "Stale Nonce");
	assert_int_equal(m.algorithm, STUN_SHA256);
	assert_span_equal(m.data, "abc");
	assert_true(stun_is_authentic(&m, SPAN_LIT("k1")));
	assert_true(stun_is_authentic256(&m, SPAN_LIT("k2")));
	assert_false(stun_is_authentic256(&m, SPAN_LIT("k1")));
}

static void classes_and_methods(void **state)
{
	struct stun_id id = {"abcdefghijkl"};
	uint8_t bytes[64];

	for (uint16_t method = 0; method < 0x1000; method++)
		for (unsigned cls = 0; cls < 4; cls++) {
			struct stun_writer w;
			struct stun_msg m;

			stun_begin(&w, bytes, sizeof(bytes), (enum stun_class)cls, method, &id);
			assert_int_equal(stun_parse(bytes, w.n, &m), 0);
			assert_int_equal(m.method, method);
			assert_int_equal(m.cls, cls);
		}
}

/* ---- what contradicts itself ------------------------------------------------------------------------------------------------------ */

static void damaged_messages_are_refused(void **state)
{
	uint8_t bytes[256], bad[256];
	size_t n = hex(request, bytes);
	struct stun_msg m;

	/* The fingerprint covers every bit but those of its own name: then there is none, and whoever wants one sees that. */
	for (size_t i = 0; i < n * 8; i++) {
		memcpy(bad, bytes, n);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(stun_parse(bad, n, &m) != 0 || !m.fingerprint_at);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(stun_parse(bytes, i, &m), 0);
}

static int parse_hex(const char *text, struct stun_msg *ret)
{
	static uint8_t bytes[256];

	return stun_parse(bytes, hex(text, bytes), ret);
}

#define HEAD(len) "0001" len "2112a442 000000000000000000000000"

static void lengths_and_order(void **state)
{
	struct stun_msg m;

	assert_int_equal(parse_hex(HEAD("0000"), &m), 0);
	assert_int_not_equal(parse_hex(HEAD("0004"), &m), 0);			      /* longer than it is */
	assert_int_not_equal(parse_hex(HEAD("0004") "00060001", &m), 0);	      /* an attribute beyond the end */
	assert_int_not_equal(parse_hex(HEAD("0008") "00240002 00000000", &m), 0);    /* a priority of two bytes */
	assert_int_not_equal(parse_hex(HEAD("0008") "00200004 00010000", &m), 0);    /* an address without its IP */
	assert_int_not_equal(parse_hex(HEAD("000c") "00200008 00030000 01020304", &m), 0); /* of no family */
	assert_int_not_equal(parse_hex(HEAD("0008") "00090004 00000263", &m), 0);    /* an error below 300 */

	/* Attributes behind the integrity are not covered by it: no username here (RFC 8489 §14.5). */
	assert_int_equal(parse_hex(HEAD("0020") "00080014 0000000000000000000000000000000000000000 00060001 61000000", &m), 0);
	assert_null(m.username.p);
	/* Nothing may follow the fingerprint. */
	assert_int_not_equal(parse_hex(HEAD("0010") "80280004 00000000 00060001 61000000", &m), 0);
}

static void unknown_attributes(void **state)
{
	struct stun_msg m;

	assert_int_equal(parse_hex(HEAD("0010") "7f010004 00000000 ff010004 00000000", &m), 0);
	assert_int_equal(m.unknown_count, 1);
	assert_int_equal(m.unknown[0], 0x7f01);
}

/* MAPPED-ADDRESS may have been rewritten on the way; the XORed one counts, whichever comes first. */
static void xored_address_wins(void **state)
{
	struct addr real = address("1.2.3.4:258");
	struct stun_msg m;

	assert_int_equal(parse_hex(HEAD("0018") "00010008 00010102 0a000001 00200008 00012010 2010a746", &m), 0);
	assert_true(addr_eq(&m.mapped, &real));
	assert_int_equal(parse_hex(HEAD("0018") "00200008 00012010 2010a746 00010008 00010102 0a000001", &m), 0);
	assert_true(addr_eq(&m.mapped, &real));
	assert_int_equal(parse_hex(HEAD("000c") "00010008 00010102 01020304", &m), 0);
	assert_true(addr_eq(&m.mapped, &real));
}

static void too_small_a_buffer_is_noticed(void **state)
{
	struct stun_id id = {"abcdefghijkl"};
	uint8_t bytes[64];
	size_t n;

	for (size_t cap = 0; cap < 60; cap++) {
		struct stun_writer w;

		stun_begin(&w, bytes, cap, STUN_REQUEST, STUN_BINDING, &id);
		stun_put_span(&w, STUN_SOFTWARE, SPAN_LIT("abcde"));
		stun_put_integrity(&w, SPAN_LIT("k"));
		stun_put_fingerprint(&w);
		assert_int_equal(stun_end(&w, &n), cap >= 20 + 12 + 24 + 8 ? 0 : -TR_ETOOBIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_request),
		cmocka_unit_test(sample_responses),
		cmocka_unit_test(sample_long_term_request),
		cmocka_unit_test(written_as_the_sample),
		cmocka_unit_test(all_attributes_there_and_back),
		cmocka_unit_test(classes_and_methods),
		cmocka_unit_test(damaged_messages_are_refused),
		cmocka_unit_test(lengths_and_order),
		cmocka_unit_test(unknown_attributes),
		cmocka_unit_test(xored_address_wins),
		cmocka_unit_test(too_small_a_buffer_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
