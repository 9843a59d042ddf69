/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/offer_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ICE, DTLS and SDES attributes of an offer, answered by a line that can do all of it; the answer has to be readable. */

static void check_candidates(const struct ice_description *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		struct ice_candidate again;
		char text[SDP_CANDIDATE_TEXT];

		assert(sdp_candidate_parse(span_z(sdp_candidate_text(&d->candidates[i], text)), &again) == 0);
		assert(addr_eq(&again.addr, &d->candidates[i].addr) && again.priority == d->candidates[i].priority);
	}
}

static void answer(const struct sdp *offer)
{
	struct ice_description ice = {.ufrag = "usus", .pwd = "usususususususususususus", .is_complete = true};
	struct sdp_local l = {.is_rtcp_mux = true, .dir = SDP_SENDRECV, .protos = 0x3f, .codecs = {{.codec = SDP_PCMU}}, .codec_count = 1,
		.security = {.srtp = SDP_SRTP_OPTIONAL, .fingerprint = {.hash = SDP_SHA256, .n = 32},
			.keys = {{.suite = SRTP_AES_CM_128_HMAC_SHA1_80}, {.suite = SRTP_AEAD_AES_256_GCM}}, .key_count = 2},
		.ice = &ice};
	struct sdp_media_plan plan;
	struct sdp_error why;
	static struct sdp_body body;
	static struct sdp again;
	struct sdp_oa oa;

	if (!addr_parse(SPAN_LIT("192.0.2.1:4000"), 0, &l.rtp))
		return;
	sdp_oa_init(&oa, 1);
	if (sdp_oa_answer(&oa, offer, &l, &plan, &body) == 0) {
		assert(sdp_parse(sdp_body_span(&body), &again, &why) == 0);
		assert(again.media_count == offer->media_count);
		if (plan.has_media && plan.keying == SDP_SDES)
			assert(plan.tx_key.suite == plan.rx_key.suite && plan.tx_key.suite != SRTP_NONE);
		if (plan.has_media && plan.keying == SDP_DTLS)
			assert(plan.fingerprint.hash != SDP_HASH_NONE);
		check_candidates(&plan.ice);
		(void)!sdp_oa_answer(&oa, offer, &l, &plan, &body);
	}
	sdp_oa_done(&oa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct sdp sdp;
	static struct ice_description d;
	struct sdp_error why;

	if (sdp_parse(span((const char *)data, n), &sdp, &why) != 0)
		return 0;
	for (int i = SDP_SESSION; i < sdp.media_count; i++) {
		struct sdp_fingerprint f;
		char text[SDP_FINGERPRINT_TEXT];

		if (sdp_ice_of(&sdp, i, &d))
			check_candidates(&d);
		if (sdp_fingerprint_of(&sdp, i, &f))
			assert(strlen(sdp_fingerprint_text(&f, text)) > 90);
		(void)sdp_setup_of(&sdp, i);
	}
	answer(&sdp);

	return 0;
}
