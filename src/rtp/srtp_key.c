/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/srtp_priv.h"
#include <nettle/ctr.h>

/* What suites are, and how session keys follow from a master key. */

static const struct srtp_suite_info suites[SRTP_SUITE_COUNT] = {
	[SRTP_NONE] = {"none", 0, 0, 0, 0, false},
	[SRTP_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 1, 16, 14, 10, false},
	[SRTP_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 2, 16, 14, 4, false},
	[SRTP_AES_256_CM_HMAC_SHA1_80] = {"AES_256_CM_HMAC_SHA1_80", 0, 32, 14, 10, false},
	[SRTP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 7, 16, 12, 16, true},
	[SRTP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 8, 32, 12, 16, true},
};

const struct srtp_suite_info *srtp_suite_info(enum srtp_suite s)
{
	return &suites[s];
}

enum srtp_suite srtp_suite_find(struct span name)
{
	for (unsigned i = 1; i < SRTP_SUITE_COUNT; i++)
		if (span_ieq_z(name, suites[i].name))
			return (enum srtp_suite)i;
	/* libsrtp's own spelling, which Asterisk and others put on the wire. */
	if (span_ieq_z(name, "AES_CM_256_HMAC_SHA1_80"))
		return SRTP_AES_256_CM_HMAC_SHA1_80;

	return SRTP_NONE;
}

bool srtp_key_eq(const struct srtp_key *a, const struct srtp_key *b)
{
	return a->suite == b->suite && a->mki_n == b->mki_n && memcmp(a->mki, b->mki, a->mki_n) == 0 &&
		memcmp(a->bytes, b->bytes, srtp_key_bytes(a->suite)) == 0;
}

void srtp_cipher_init(struct srtp_cipher *c, const uint8_t *key, bool is_256)
{
	c->is_256 = is_256;
	if (is_256)
		aes256_set_encrypt_key(&c->key.of_256, key);
	else
		aes128_set_encrypt_key(&c->key.of_128, key);
}

nettle_cipher_func *srtp_cipher_block(const struct srtp_cipher *c)
{
	return c->is_256 ? (nettle_cipher_func *)aes256_encrypt : (nettle_cipher_func *)aes128_encrypt;
}

void srtp_cipher_stream(const struct srtp_cipher *c, uint8_t iv[static AES_BLOCK_SIZE], uint8_t *bytes, size_t n)
{
	ctr_crypt(&c->key, srtp_cipher_block(c), AES_BLOCK_SIZE, iv, n, bytes, bytes);
}

/*
 * One key, §4.3.1 with a key derivation rate of 0: the key stream of AES in counter mode, begun at the salt with the label in its
 * eighth byte. A salt of 12 bytes (RFC 7714 §11) ends in zeros.
 */
static void derive_one(const struct srtp_cipher *c, const struct srtp_key *key, uint8_t label, uint8_t *ret, size_t n)
{
	const struct srtp_suite_info *info = &suites[key->suite];
	uint8_t iv[AES_BLOCK_SIZE] = {0};

	memcpy(iv, key->bytes + info->key_bytes, info->salt_bytes);
	iv[7] ^= label;
	memset(ret, 0, n);
	srtp_cipher_stream(c, iv, ret, n);
}

void srtp_derive(const struct srtp_key *key, enum srtp_label first, struct srtp_session_keys *ret)
{
	const struct srtp_suite_info *info = &suites[key->suite];
	struct srtp_cipher c;
	uint8_t label = (uint8_t)first;

	srtp_cipher_init(&c, key->bytes, info->key_bytes == 32);
	*ret = (struct srtp_session_keys){0};
	derive_one(&c, key, label, ret->cipher, info->key_bytes);
	derive_one(&c, key, label + 1, ret->auth, sizeof(ret->auth));
	derive_one(&c, key, label + 2, ret->salt, info->salt_bytes);
	explicit_bzero(&c, sizeof(c));
}
