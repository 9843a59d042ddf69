/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "rtp/srtp.h"

/* Session keys, RFC 3711 §4.3; for srtp.c, and for the tests whose vectors begin with them. */

#define SRTP_AUTH_BYTES 20

struct srtp_session_keys {
	uint8_t cipher[SRTP_KEY_BYTES], salt[SRTP_SALT_BYTES], auth[SRTP_AUTH_BYTES];
};

enum srtp_label { SRTP_LABEL_RTP = 0, SRTP_LABEL_RTCP = 3 };

nodiscard int srtp_derive(const struct srtp_key *key, enum srtp_label first, struct srtp_session_keys *ret);
nodiscard int srtp_new_from(struct srtp **ret, const struct srtp_key *key, bool is_sender, const struct srtp_session_keys *rtp,
	const struct srtp_session_keys *rtcp);
