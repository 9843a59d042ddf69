/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/srtp_priv.h"
#include <openssl/evp.h>

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

/*
 * One key, §4.3.1 with a key derivation rate of 0: the key stream of AES in counter mode, begun at the salt with the label in its
 * eighth byte. A salt of 12 bytes (RFC 7714 §11) ends in zeros.
 */
static int derive_one(EVP_CIPHER_CTX *ctx, const struct srtp_key *key, uint8_t label, uint8_t *ret, size_t n)
{
	const struct srtp_suite_info *info = &suites[key->suite];
	const EVP_CIPHER *cipher = info->key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
	uint8_t iv[16] = {0};
	int got;

	memcpy(iv, key->bytes + info->key_bytes, info->salt_bytes);
	iv[7] ^= label;
	memset(ret, 0, n);

	return EVP_EncryptInit_ex(ctx, cipher, NULL, key->bytes, iv) == 1 && EVP_EncryptUpdate(ctx, ret, &got, ret, (int)n) == 1
		? 0
		: -TR_EUNSUPP;
}

int srtp_derive(const struct srtp_key *key, enum srtp_label first, struct srtp_session_keys *ret)
{
	const struct srtp_suite_info *info = &suites[key->suite];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t label = (uint8_t)first;

	if (!ctx)
		return -ENOMEM;

	*ret = (struct srtp_session_keys){0};

	int err = derive_one(ctx, key, label, ret->cipher, info->key_bytes);

	if (!err)
		err = derive_one(ctx, key, label + 1, ret->auth, sizeof(ret->auth));
	if (!err)
		err = derive_one(ctx, key, label + 2, ret->salt, info->salt_bytes);
	EVP_CIPHER_CTX_free(ctx);

	return err;
}
