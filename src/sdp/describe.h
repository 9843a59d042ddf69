/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sdp/offer_answer.h"

/* Writing a description of ours; used by offer_answer.c only. */

struct sdp_desc {
	const struct sdp_local *local;
	enum sdp_dir dir;
	enum sdp_proto proto;
	bool is_rtcp_mux;
	enum sdp_keying keying;
	struct sdp_crypto crypto[LIMIT_SDP_CRYPTOS]; /* SDP_SDES */
	uint8_t crypto_count;
	enum sdp_setup setup;			     /* SDP_DTLS */
	bool has_ice;				     /* local->ice is written */
	uint16_t ptime_ms;
	uint8_t format_count;
	struct sdp_format_use
		formats[LIMIT_SDP_RX_FORMATS]; /* in the order of the m-line; opus: ours */
};

/*
 * Writes all m-lines of oa, ours as d says (d->format_count is not 0 when oa->audio is one of
 * them), the others refused, and counts up oa->version when the text differs from the last one.
 * -TR_ETOOBIG leaves *oa as it was.
 */
nodiscard int sdp_describe(struct sdp_oa *oa, const struct sdp_desc *d, struct sdp_body *ret_body);
