/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "media/media.h"
#include "sdp/offer_answer.h"

/* Between the words of SDP and those of the media engine. Pure. */

/*
 * Our side of a description: codecs by name (NULL-terminated, most wanted first; NULL: Opus, G.722, PCMU, PCMA), with
 * telephone-event, at rtp. Names that are not ours are skipped.
 */
void media_map_local(const char *const *codecs, const struct addr *rtp, struct sdp_local *ret);

/*
 * How it may be encrypted: fresh keys of every suite, and the profiles that go with them. is_secure_profile: offer RTP/SAVP instead of
 * keys in RTP/AVP (RFC 8643) although encryption is optional.
 */
struct media_map_secure {
	enum sdp_srtp srtp;
	bool prefers_dtls, is_secure_profile;
	struct sdp_fingerprint fingerprint; /* of our certificate */
};
void media_map_security(const struct media_map_secure *s, struct sdp_local *l);

/* ICE and DTLS of an agreed description; false: it has neither. is_offerer: the description that began it was ours. */
bool media_map_transport(const struct sdp_media_plan *plan, bool is_offerer, struct media_transport *ret);

/* What the engine has to do for an agreed description. -TR_ENOCODEC when there is no audio in it. */
nodiscard int media_map_plan(const struct sdp_media_plan *plan, struct media_plan *ret);
