/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "nat/candidate.h"
#include "sdp/sdp.h"

/* How an m-line's packets find their way: DTLS fingerprints and roles (RFC 8122, RFC 4145, RFC 8842) and ICE (RFC 8839). Pure. */

enum sdp_hash { SDP_HASH_NONE, SDP_SHA256, SDP_SHA384, SDP_SHA512 }; /* no MD5, no SHA-1 */

struct sdp_fingerprint {
	enum sdp_hash hash; /* SDP_HASH_NONE: there is none */
	uint8_t n;
	uint8_t bytes[64];
};

/* "sha-256 19:E2:1C:..."; false for another hash or a wrong length. */
bool sdp_fingerprint_parse(struct span value, struct sdp_fingerprint *ret);
bool sdp_fingerprint_eq(const struct sdp_fingerprint *a, const struct sdp_fingerprint *b);

#define SDP_FINGERPRINT_TEXT 224
const char *sdp_fingerprint_text(const struct sdp_fingerprint *f, char ret_text[static SDP_FINGERPRINT_TEXT]);

enum sdp_setup { SDP_SETUP_NONE, SDP_ACTIVE, SDP_PASSIVE, SDP_ACTPASS, SDP_HOLDCONN };
enum sdp_setup sdp_setup_parse(struct span value);
const char *sdp_setup_name(enum sdp_setup s);

/* Of an m-line, else of the session: the strongest fingerprint; the role. */
bool sdp_fingerprint_of(const struct sdp *sdp, int media, struct sdp_fingerprint *ret);
enum sdp_setup sdp_setup_of(const struct sdp *sdp, int media);

/*
 * "1 1 UDP 2130706431 192.0.2.1 3478 typ srflx raddr 10.0.0.1 rport 9". -TR_EUNSUPP: fine, but not one of ours (TCP, component 2,
 * a name such as the .local ones of browsers, an unknown type); -TR_EPARSE.
 */
nodiscard int sdp_candidate_parse(struct span value, struct ice_candidate *ret);

#define SDP_CANDIDATE_TEXT 256
const char *sdp_candidate_text(const struct ice_candidate *c, char ret_text[static SDP_CANDIDATE_TEXT]);

/* False: the peer does no ICE on this m-line. Candidates beyond LIMIT_ICE_CANDIDATES are left out, the best are kept. */
bool sdp_ice_of(const struct sdp *sdp, int media, struct ice_description *ret);
