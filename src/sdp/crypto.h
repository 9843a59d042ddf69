/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "rtp/srtp.h"

/*
 * a=crypto lines, RFC 4568 (SDES): suite and master key in the description itself, so they are worth what the signalling's own
 * protection is worth. Pure; any thread.
 */
struct sdp_crypto {
	uint32_t tag;
	struct srtp_key key;
};

/*
 * "1 AES_CM_128_HMAC_SHA1_80 inline:BASE64|2^31|1:4". -TR_EPARSE: not of that grammar, or a key that is not as long as its suite
 * wants; -TR_EUNSUPP: a suite or a session parameter that we lack, several keys, an MKI of more than SRTP_MKI_BYTES. A lifetime is
 * checked and then left to the peer: it is its own key that it has to renew.
 */
nodiscard int sdp_crypto_parse(struct span value, struct sdp_crypto *ret);

#define SDP_CRYPTO_TEXT 128

/* The value of our line, without lifetime and MKI. Returns ret_text. */
const char *sdp_crypto_text(const struct sdp_crypto *c, char ret_text[static SDP_CRYPTO_TEXT]);
