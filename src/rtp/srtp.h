/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * SRTP and SRTCP, RFC 3711, with AES-256 (RFC 6188) and GCM (RFC 7714): packets are sealed and opened where they lie.
 * Written on Nettle's ciphers because a media thread must not allocate (docs/decisions/0005-srtp.md); libsrtp2 is the oracle of
 * its tests.
 *
 * One struct srtp is one direction under one master key: a sender seals, a receiver opens. srtp_new allocates; nothing after it does.
 * One thread at a time.
 */
enum srtp_suite {
	SRTP_NONE,
	SRTP_AES_CM_128_HMAC_SHA1_80,
	SRTP_AES_CM_128_HMAC_SHA1_32,
	SRTP_AES_256_CM_HMAC_SHA1_80,
	SRTP_AEAD_AES_128_GCM,
	SRTP_AEAD_AES_256_GCM,
	SRTP_SUITE_COUNT
};

struct srtp_suite_info {
	const char *name;	/* of RFC 4568 §6.2, RFC 6188 §3, RFC 7714 §14.2 */
	uint16_t dtls_profile;	/* of use_srtp, RFC 5764 §4.1.2 and RFC 7714 §14.2; 0: DTLS has none (AES-256 in counter mode) */
	uint8_t key_bytes, salt_bytes;
	uint8_t tag_bytes;	/* of RTP; RTCP's is 10 with HMAC (RFC 4568 §6.2.2), 16 with GCM */
	bool is_gcm;
};

const struct srtp_suite_info *srtp_suite_info(enum srtp_suite s);
enum srtp_suite srtp_suite_find(struct span name); /* SRTP_NONE: not one of ours */

#define SRTP_KEY_BYTES	 32
#define SRTP_SALT_BYTES	 14
#define SRTP_MKI_BYTES	 8  /* longest that we read */
#define SRTP_EXTRA_BYTES 28 /* what sealing adds at most: tag, MKI, SRTCP index */

struct srtp_key {
	enum srtp_suite suite;	/* SRTP_NONE: there is none */
	uint8_t bytes[SRTP_KEY_BYTES + SRTP_SALT_BYTES]; /* master key, then master salt without a gap */
	uint8_t mki[SRTP_MKI_BYTES];
	uint8_t mki_n;		/* 0: packets carry none */
};

static inline size_t srtp_key_bytes(enum srtp_suite s)
{
	return srtp_suite_info(s)->key_bytes + (size_t)srtp_suite_info(s)->salt_bytes;
}

bool srtp_key_eq(const struct srtp_key *a, const struct srtp_key *b);

struct srtp;

/* -TR_EUNSUPP: no such suite; -ENOMEM. */
nodiscard int srtp_new(struct srtp **ret, const struct srtp_key *key, bool is_sender);
struct srtp *srtp_free(struct srtp *s); /* wipes the keys */

/*
 * Of receivers: s has taken the place of before, whose key the peer gave up. RFC 3711 §3.3.1 wants roll-over counters to run on then,
 * most senders begin at 0 again: both are tried on a source's first packet.
 */
void srtp_follow(struct srtp *s, const struct srtp *before);

/*
 * Of a sender. There must be SRTP_EXTRA_BYTES of room behind the n bytes. -TR_EPARSE: no RTP (RTCP) packet;
 * -TR_ELIMIT: 2^48 (2^31) packets were sent and the key is spent.
 */
nodiscard int srtp_seal(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n);
nodiscard int srtcp_seal(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n);

/*
 * Of a receiver. -TR_EPARSE: too short or contradicting itself; -TR_ESTATE: a replay, or older than the window of 128 packets;
 * -TR_EAUTH: not made with our key. After an error the bytes of HMAC suites are as they were, those of GCM are spoilt.
 *
 * Roll-over counters are kept for LIMIT_SRTP_SOURCES SSRCs; one more takes the place of the one unheard for longest.
 */
nodiscard int srtp_open(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n);
nodiscard int srtcp_open(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n);

/* A hint: what the next packet needs comes into the cache. */
static inline void srtp_fetch(const struct srtp *s)
{
	for (size_t i = 0; i < 448; i += 64)
		__builtin_prefetch((const char *)s + i);
}
