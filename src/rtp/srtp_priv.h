/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "rtp/srtp.h"
#include <nettle/aes.h>

/* AES with its key schedule. */
struct srtp_cipher {
	bool is_256;
	union {
		struct aes128_ctx of_128;
		struct aes256_ctx of_256;
	} key;
};

void srtp_cipher_init(struct srtp_cipher *c, const uint8_t *key, bool is_256);
/* One block, for nettle's modes. */
nettle_cipher_func *srtp_cipher_block(const struct srtp_cipher *c);
/* Adds the key stream that begins at iv, which is spent. */
void srtp_cipher_stream(const struct srtp_cipher *c, uint8_t iv[static AES_BLOCK_SIZE], uint8_t *bytes, size_t n);

/* Session keys, RFC 3711 §4.3; for srtp.c, and for the tests whose vectors begin with them. */

#define SRTP_AUTH_BYTES 20

struct srtp_session_keys {
	uint8_t cipher[SRTP_KEY_BYTES], salt[SRTP_SALT_BYTES], auth[SRTP_AUTH_BYTES];
};

enum srtp_label { SRTP_LABEL_RTP = 0, SRTP_LABEL_RTCP = 3 };

void srtp_derive(const struct srtp_key *key, enum srtp_label first, struct srtp_session_keys *ret);
nodiscard int srtp_new_from(struct srtp **ret, const struct srtp_key *key, bool is_sender, const struct srtp_session_keys *rtp,
	const struct srtp_session_keys *rtcp);
