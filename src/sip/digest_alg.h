/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Digest algorithms, weakest first so that they compare by strength; RFC 7616 §3.2, RFC 8760 §2.1. */
enum sip_digest_alg {
	SIP_DIGEST_UNKNOWN = 0,
	SIP_DIGEST_MD5,
	SIP_DIGEST_MD5_SESS,
	SIP_DIGEST_SHA256,
	SIP_DIGEST_SHA256_SESS,
	SIP_DIGEST_SHA512_256,
	SIP_DIGEST_SHA512_256_SESS,
	SIP_DIGEST_ALG_COUNT
};

/* Any case; an absent word is MD5 (RFC 7616 §3.3). */
enum sip_digest_alg sip_digest_alg_find(struct span word);
struct span sip_digest_alg_word(enum sip_digest_alg alg);
