/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/packet.h"
#include "rtp/srtp_priv.h"
#include <srtp2/srtp.h>
#include <time.h>

/*
 * Vectors of RFC 3711 and RFC 7714, libsrtp2 (tests only) as an oracle both ways, and what a call of hours and an attacker do to
 * roll-over counter and replay window.
 */

/* ---- this program's allocations are counted: after set-up there may be none ------------------------------------------------------ */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);

static unsigned allocations;

void *malloc(size_t n)
{
	allocations++;

	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;

	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;

	return __libc_realloc(p, n);
}

/* ---- helpers ----------------------------------------------------------------------------------------------------------------- */

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

static struct srtp_key random_key(enum srtp_suite suite)
{
	struct srtp_key key = {.suite = suite};

	random_bytes(key.bytes, sizeof(key.bytes));

	return key;
}

static const char *suite_name(enum srtp_suite s)
{
	return srtp_suite_info(s)->name;
}

static struct srtp *make(const struct srtp_key *key, bool is_sender)
{
	struct srtp *s = NULL;

	assert_int_equal(srtp_new(&s, key, is_sender), 0);

	return s;
}

#define TEXT_BYTES 160

/* A packet of that SSRC and number, whose text follows from both. */
static size_t rtp_packet_of(uint8_t *bytes, uint32_t ssrc, uint16_t seq)
{
	struct rtp_packet p = {.pt = 0, .seq = seq, .ts = seq * 160u, .ssrc = ssrc};

	rtp_write_header(&p, bytes);
	for (int i = 0; i < TEXT_BYTES; i++)
		bytes[RTP_HEADER_BYTES + i] = (uint8_t)(seq * 7 + i);

	return RTP_HEADER_BYTES + TEXT_BYTES;
}

static size_t rtcp_packet_of(uint8_t *bytes, uint32_t ssrc)
{
	size_t n = hex("80c8 0006 00000000 0102030405060708 00000010 00000020 00000030", bytes);

	rtp_put32(bytes + 4, ssrc);

	return n;
}

/* ---- vectors ------------------------------------------------------------------------------------------------------------------ */

/* RFC 3711 appendix B.3. */
static void session_keys_are_derived_as_in_rfc_3711(void **state)
{
	struct srtp_key key = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80};
	struct srtp_session_keys got;
	uint8_t want[32];

	hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6", key.bytes);
	srtp_derive(&key, SRTP_LABEL_RTP, &got);
	hex("C61E7A93744F39EE10734AFE3FF7A087", want);
	assert_memory_equal(got.cipher, want, 16);
	hex("30CBBC08863D8C85D49DB34A9AE1", want);
	assert_memory_equal(got.salt, want, 14);
	hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4", want);
	assert_memory_equal(got.auth, want, 20);
}

/* The packet that libsrtp's own driver has carried since 2001, and its SRTCP. */
static void known_packets_of_aes_128_hmac(void **state)
{
	struct srtp_key key = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80};
	uint8_t plain[64], want[64], bytes[128];
	size_t n = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab", plain), got;
	size_t want_n = hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb", want);

	hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6", key.bytes);

	struct srtp *tx = make(&key, true), *rx = make(&key, false);

	memcpy(bytes, plain, n);
	assert_int_equal(srtp_seal(tx, bytes, n, &got), 0);
	assert_int_equal(got, want_n);
	assert_memory_equal(bytes, want, want_n);
	assert_int_equal(srtp_open(rx, bytes, got, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(bytes, plain, n);
	srtp_free(tx);
	srtp_free(rx);
}

static struct srtp *from_session(enum srtp_suite suite, bool is_sender, const char *cipher, const char *salt)
{
	struct srtp_key key = {.suite = suite};
	struct srtp_session_keys keys = {0};
	struct srtp *s = NULL;

	hex(cipher, keys.cipher);
	hex(salt, keys.salt);
	assert_int_equal(srtp_new_from(&s, &key, is_sender, &keys, &keys), 0);

	return s;
}

#define GCM_RTP "8040f17b 8041f8d3 5501a0b2"
#define GALLIA	"47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573"

static void check_gcm(enum srtp_suite suite, const char *cipher, const char *plain_hex, const char *want_hex)
{
	struct srtp *tx = from_session(suite, true, cipher, "51756964 2070726f 2071756f");
	struct srtp *rx = from_session(suite, false, cipher, "51756964 2070726f 2071756f");
	uint8_t plain[128], want[128], bytes[192];
	size_t n = hex(plain_hex, plain), want_n = hex(want_hex, want), got;

	memcpy(bytes, plain, n);
	assert_int_equal(srtp_seal(tx, bytes, n, &got), 0);
	assert_int_equal(got, want_n);
	assert_memory_equal(bytes, want, want_n);
	assert_int_equal(srtp_open(rx, bytes, got, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(bytes, plain, n);
	srtp_free(tx);
	srtp_free(rx);
}

/* RFC 7714 §16.1.1 and §16.2.1. */
static void rtp_packets_of_rfc_7714(void **state)
{
	check_gcm(SRTP_AEAD_AES_128_GCM, "00010203 04050607 08090a0b 0c0d0e0f", GCM_RTP GALLIA,
		GCM_RTP "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833"
			"899d7f27 beb16a91 52cf765e e4390cce");
	check_gcm(SRTP_AEAD_AES_256_GCM, "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f", GCM_RTP GALLIA,
		GCM_RTP "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b"
			"7aa3db36 dfffd6b0 f9bb7878 d7a76c13");
}

/* ---- libsrtp2 as an oracle -------------------------------------------------------------------------------------------------------- */

static void oracle_policy(enum srtp_suite suite, srtp_crypto_policy_t *rtp, srtp_crypto_policy_t *rtcp)
{
	switch (suite) {
	case SRTP_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_rtp_default(rtp);
		srtp_crypto_policy_set_rtcp_default(rtcp);
		break;
	case SRTP_AES_CM_128_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(rtp);
		srtp_crypto_policy_set_rtcp_default(rtcp);
		break;
	case SRTP_AES_256_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(rtcp);
		break;
	case SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(rtcp);
		break;
	default:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(rtcp);
		break;
	}
}

static srtp_t oracle_new(const struct srtp_key *key, bool is_sender)
{
	uint8_t copy[64];
	srtp_master_key_t master = {.key = copy, .mki_id = (unsigned char *)(uintptr_t)key->mki, .mki_size = key->mki_n};
	srtp_master_key_t *masters[] = {&master};
	srtp_policy_t p = {.window_size = 128, .ssrc = {.type = is_sender ? ssrc_any_outbound : ssrc_any_inbound}};
	srtp_t s;

	memcpy(copy, key->bytes, sizeof(key->bytes));
	oracle_policy(key->suite, &p.rtp, &p.rtcp);
	if (key->mki_n) {
		p.keys = masters;
		p.num_master_keys = 1;
	} else {
		p.key = copy;
	}
	assert_int_equal(srtp_create(&s, &p), srtp_err_status_ok);

	return s;
}

/* 70,000 numbers with losses, so that the roll-over counter rolls; each suite; ours to theirs and theirs to ours. */
static void check_rtp_oracle(const struct srtp_key *key, uint64_t *seed)
{
	struct srtp *tx = make(key, true), *rx = make(key, false);
	srtp_t their_rx = oracle_new(key, false), their_tx = oracle_new(key, true);
	uint8_t plain[400], bytes[400];
	size_t got;
	int m;

	for (uint32_t at = 60000; at < 130000; at += 1 + prng_u32(seed) % 400) {
		size_t n = rtp_packet_of(plain, 0x11223344, (uint16_t)at);

		memcpy(bytes, plain, n);
		assert_int_equal(srtp_seal(tx, bytes, n, &got), 0);
		m = (int)got;
		assert_int_equal(srtp_unprotect_mki(their_rx, bytes, &m, key->mki_n > 0), srtp_err_status_ok);
		assert_int_equal(m, n);
		assert_memory_equal(bytes, plain, n);

		m = (int)n;
		assert_int_equal(srtp_protect_mki(their_tx, bytes, &m, key->mki_n > 0, 0), srtp_err_status_ok);
		assert_int_equal(srtp_open(rx, bytes, (size_t)m, &got), 0);
		assert_int_equal(got, n);
		assert_memory_equal(bytes, plain, n);
	}
	srtp_dealloc(their_tx);
	srtp_dealloc(their_rx);
	srtp_free(tx);
	srtp_free(rx);
}

static void check_rtcp_oracle(const struct srtp_key *key)
{
	struct srtp *tx = make(key, true), *rx = make(key, false);
	srtp_t their_rx = oracle_new(key, false), their_tx = oracle_new(key, true);
	uint8_t plain[200], bytes[200];
	size_t got;

	for (int i = 0; i < 200; i++) {
		size_t n = rtcp_packet_of(plain, 77);
		int m;

		memcpy(bytes, plain, n);
		assert_int_equal(srtcp_seal(tx, bytes, n, &got), 0);
		m = (int)got;
		assert_int_equal(srtp_unprotect_rtcp_mki(their_rx, bytes, &m, key->mki_n > 0), srtp_err_status_ok);
		assert_int_equal(m, n);
		assert_memory_equal(bytes, plain, n);

		m = (int)n;
		assert_int_equal(srtp_protect_rtcp_mki(their_tx, bytes, &m, key->mki_n > 0, 0), srtp_err_status_ok);
		assert_int_equal(srtcp_open(rx, bytes, (size_t)m, &got), 0);
		assert_int_equal(got, n);
		assert_memory_equal(bytes, plain, n);
	}
	srtp_dealloc(their_tx);
	srtp_dealloc(their_rx);
	srtp_free(tx);
	srtp_free(rx);
}

static void libsrtp_and_we_read_each_other(void **state)
{
	uint64_t seed = test_seed();

	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct srtp_key key = random_key(s);

		print_message("%s\n", suite_name(s));
		check_rtp_oracle(&key, &seed);
		check_rtcp_oracle(&key);
		key.mki_n = 4;
		memcpy(key.mki, "\0\0\0\1", 4);
		check_rtp_oracle(&key, &seed);
		/* libsrtp 2.5 looks for RTCP's MKI before a tag of RTP's length: it finds it only where both are as long. */
		if (s != SRTP_AES_CM_128_HMAC_SHA1_32)
			check_rtcp_oracle(&key);
	}
}

static void extensions_and_csrcs_stay_in_clear(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct srtp_key key = random_key(s);
		struct srtp *tx = make(&key, true);
		srtp_t their_rx = oracle_new(&key, false);
		uint8_t plain[128], bytes[200];
		size_t n = hex("91000001 00000002 00000003 aaaaaaaa bede0001 10ff0000 01020304 0506", plain), got;
		int m;

		memcpy(bytes, plain, n);
		assert_int_equal(srtp_seal(tx, bytes, n, &got), 0);
		assert_memory_equal(bytes, plain, 24);
		assert_memory_not_equal(bytes + 24, plain + 24, n - 24);
		m = (int)got;
		assert_int_equal(srtp_unprotect(their_rx, bytes, &m), srtp_err_status_ok);
		assert_int_equal(m, n);
		assert_memory_equal(bytes, plain, n);
		srtp_dealloc(their_rx);
		srtp_free(tx);
	}
}

/* ---- long calls, losses, attackers ------------------------------------------------------------------------------------------------ */

struct pair {
	struct srtp *tx, *rx;
};

static struct pair pair_new(enum srtp_suite suite)
{
	struct srtp_key key = random_key(suite);

	return (struct pair){make(&key, true), make(&key, false)};
}

static void pair_free(struct pair *p)
{
	srtp_free(p->tx);
	srtp_free(p->rx);
}

/* Sends packet number at of a source; ret_bytes is what went over the wire. */
static size_t pair_send(struct pair *p, uint32_t ssrc, uint32_t at, uint8_t *ret_bytes)
{
	size_t n = rtp_packet_of(ret_bytes, ssrc, (uint16_t)at);

	assert_int_equal(srtp_seal(p->tx, ret_bytes, n, &n), 0);

	return n;
}

static int pair_recv(struct pair *p, const uint8_t *wire, size_t n)
{
	uint8_t bytes[400];

	memcpy(bytes, wire, n);

	return srtp_open(p->rx, bytes, n, &n);
}

/* 50 packets a second for 22 hours: the sequence number wraps 60 times, with losses around every wrap. */
static void a_call_of_a_day_rolls_over(void **state)
{
	uint64_t seed = test_seed();
	struct pair p = pair_new(SRTP_AES_CM_128_HMAC_SHA1_80);
	uint8_t wire[400];

	for (uint32_t at = 100; at < 60 * 65536; at++) {
		bool is_near_wrap = (uint16_t)(at + 200) < 400;

		if (!is_near_wrap && at % 97)
			continue;

		size_t n = pair_send(&p, 5, at, wire);

		if (prng_u32(&seed) % 100 >= 30)
			assert_int_equal(pair_recv(&p, wire, n), 0);
	}
	pair_free(&p);
}

static void replays_and_reordering(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct pair p = pair_new(s);
		uint8_t wire[300][400];
		size_t n[300];

		for (uint32_t i = 0; i < 300; i++)
			n[i] = pair_send(&p, 5, 65400 + i, wire[i]); /* across a wrap */
		assert_int_equal(pair_recv(&p, wire[0], n[0]), 0);
		assert_int_equal(pair_recv(&p, wire[0], n[0]), -TR_ESTATE);
		assert_int_equal(pair_recv(&p, wire[150], n[150]), 0); /* after the wrap */
		assert_int_equal(pair_recv(&p, wire[120], n[120]), 0); /* before it: late, in order of nothing */
		assert_int_equal(pair_recv(&p, wire[120], n[120]), -TR_ESTATE);
		assert_int_equal(pair_recv(&p, wire[23], n[23]), 0);   /* the oldest in the window: 127 behind */
		assert_int_equal(pair_recv(&p, wire[22], n[22]), -TR_ESTATE);
		assert_int_equal(pair_recv(&p, wire[299], n[299]), 0);
		assert_int_equal(pair_recv(&p, wire[150], n[150]), -TR_ESTATE);
		assert_int_equal(pair_recv(&p, wire[200], n[200]), 0);
		pair_free(&p);
	}
}

/* Whoever lacks the key changes nothing: no window, no roll-over counter, no source. */
static void forged_packets_leave_no_trace(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct pair p = pair_new(s), evil = pair_new(s);
		uint8_t wire[400], bad[400];

		for (uint32_t at = 1000; at < 1200; at++) {
			size_t n = pair_send(&p, 5, at, wire);
			size_t m = pair_send(&evil, 5, at + 30000, bad);

			assert_int_equal(pair_recv(&p, bad, m), -TR_EAUTH);
			m = pair_send(&evil, at, at, bad);
			assert_int_equal(pair_recv(&p, bad, m), -TR_EAUTH);
			for (size_t i = 0; i < n; i += 13) {
				memcpy(bad, wire, n);
				bad[i] ^= 1;
				assert_int_not_equal(pair_recv(&p, bad, n), 0);
			}
			assert_int_equal(pair_recv(&p, wire, n), 0);
		}
		pair_free(&p);
		pair_free(&evil);
	}
}

static void short_and_contradicting_packets(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct pair p = pair_new(s);
		uint8_t wire[400], bytes[400];
		size_t n = pair_send(&p, 5, 1, wire), got;

		for (size_t i = 0; i < n; i++) {
			memcpy(bytes, wire, i);
			assert_int_not_equal(srtp_open(p.rx, bytes, i, &got), 0);
			memcpy(bytes, wire, i);
			assert_int_not_equal(srtcp_open(p.rx, bytes, i, &got), 0);
		}
		memcpy(bytes, wire, n);
		bytes[0] |= 0x1f; /* CSRCs and an extension that reach beyond the end */
		bytes[74] = 0xff;
		assert_int_equal(srtp_open(p.rx, bytes, n, &got), -TR_EPARSE);
		assert_int_equal(srtp_seal(p.tx, bytes, 11, &got), -TR_EPARSE);
		assert_int_equal(pair_recv(&p, wire, n), 0);
		pair_free(&p);
	}
}

/* A peer may change its SSRC at any time (a PBX that connects us elsewhere); each has its own counter and window. */
static void sources_come_and_go(void **state)
{
	struct pair p = pair_new(SRTP_AEAD_AES_128_GCM);
	uint8_t wire[400], first[400];
	size_t n, first_n = pair_send(&p, 1, 65535, first);

	assert_int_equal(pair_recv(&p, first, first_n), 0);
	for (uint32_t ssrc = 2; ssrc <= LIMIT_SRTP_SOURCES; ssrc++) {
		n = pair_send(&p, ssrc, 7, wire);
		assert_int_equal(pair_recv(&p, wire, n), 0);
		assert_int_equal(pair_recv(&p, wire, n), -TR_ESTATE);
	}
	assert_int_equal(pair_recv(&p, first, first_n), -TR_ESTATE);
	n = pair_send(&p, 1, 65536, wire); /* its counter is remembered */
	assert_int_equal(pair_recv(&p, wire, n), 0);
	/* One too many: the one unheard for longest (number 2) gives way. */
	n = pair_send(&p, 1000, 7, wire);
	assert_int_equal(pair_recv(&p, wire, n), 0);
	n = pair_send(&p, 1, 65537, wire);
	assert_int_equal(pair_recv(&p, wire, n), 0);
	pair_free(&p);
}

/* After four hours the peer takes a new key; its counter runs on (RFC 3711) or begins again (nearly everybody). */
static void counters_across_a_change_of_keys(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		for (int runs_on = 0; runs_on < 2; runs_on++) {
			struct pair old = pair_new(s), p = pair_new(s);
			uint8_t wire[400];
			size_t n;

			for (uint32_t at = 0; at < 11 * 65536 - 20; at += 1000) {
				n = pair_send(&old, 5, at, wire);
				assert_int_equal(pair_recv(&old, wire, n), 0);
				if (runs_on)
					(void)pair_send(&p, 5, at, wire);
			}
			srtp_follow(p.rx, old.rx);
			/* lost meanwhile: everything up to the next wrap */
			for (uint32_t at = 11 * 65536 + 5; at < 11 * 65536 + 50; at++) {
				n = pair_send(&p, 5, at, wire);
				assert_int_equal(pair_recv(&p, wire, n), 0);
				assert_int_equal(pair_recv(&p, wire, n), -TR_ESTATE);
			}
			pair_free(&old);
			pair_free(&p);
		}
	}
}

static void rtcp_is_guarded_too(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct pair p = pair_new(s);
		uint8_t wire[200], bytes[200];
		size_t n = rtcp_packet_of(wire, 9), got;

		assert_int_equal(srtcp_seal(p.tx, wire, n, &n), 0);
		memcpy(bytes, wire, n);
		assert_int_equal(srtcp_open(p.rx, bytes, n, &got), 0);
		memcpy(bytes, wire, n);
		assert_int_equal(srtcp_open(p.rx, bytes, n, &got), -TR_ESTATE);

		/* In clear, with the E bit taken away. */
		n = rtcp_packet_of(wire, 9);
		assert_int_equal(srtcp_seal(p.tx, wire, n, &n), 0);
		wire[srtp_suite_info(s)->is_gcm ? n - 4 : n - 14] &= 0x7f;
		assert_int_equal(srtcp_open(p.rx, wire, n, &got), -TR_EAUTH);
		pair_free(&p);
	}
}

static void nothing_is_allocated_after_set_up(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++) {
		struct pair p = pair_new(s);
		uint8_t bytes[400];
		unsigned before = allocations;

		for (uint32_t i = 0; i < 2000; i++) {
			size_t n = rtp_packet_of(bytes, i / 50, (uint16_t)i);

			assert_int_equal(srtp_seal(p.tx, bytes, n, &n), 0);
			bytes[20] ^= i % 10 == 0;
			assert_int_equal(srtp_open(p.rx, bytes, n, &n), i % 10 ? 0 : -TR_EAUTH);
			n = rtcp_packet_of(bytes, i / 50);
			assert_int_equal(srtcp_seal(p.tx, bytes, n, &n), 0);
			assert_int_equal(srtcp_open(p.rx, bytes, n, &n), 0);
		}
		assert_int_equal(allocations, before);
		pair_free(&p);
	}
}

static void suites_by_name(void **state)
{
	for (enum srtp_suite s = 1; s < SRTP_SUITE_COUNT; s++)
		assert_int_equal(srtp_suite_find(span_z(suite_name(s))), s);
	assert_int_equal(srtp_suite_find(SPAN_LIT("aes_cm_128_hmac_sha1_80")), SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(srtp_suite_find(SPAN_LIT("AES_CM_256_HMAC_SHA1_80")), SRTP_AES_256_CM_HMAC_SHA1_80);
	assert_int_equal(srtp_suite_find(SPAN_LIT("F8_128_HMAC_SHA1_80")), SRTP_NONE);
	assert_int_equal(srtp_suite_find(SPAN_LIT("none")), SRTP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites_by_name),
		cmocka_unit_test(session_keys_are_derived_as_in_rfc_3711),
		cmocka_unit_test(known_packets_of_aes_128_hmac),
		cmocka_unit_test(rtp_packets_of_rfc_7714),
		cmocka_unit_test(libsrtp_and_we_read_each_other),
		cmocka_unit_test(extensions_and_csrcs_stay_in_clear),
		cmocka_unit_test(a_call_of_a_day_rolls_over),
		cmocka_unit_test(replays_and_reordering),
		cmocka_unit_test(forged_packets_leave_no_trace),
		cmocka_unit_test(short_and_contradicting_packets),
		cmocka_unit_test(sources_come_and_go),
		cmocka_unit_test(counters_across_a_change_of_keys),
		cmocka_unit_test(rtcp_is_guarded_too),
		cmocka_unit_test(nothing_is_allocated_after_set_up),
	};

	if (srtp_init() != srtp_err_status_ok)
		return 1;

	return cmocka_run_group_tests(tests, NULL, NULL);
}
