/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/* An ICE candidate, RFC 8445 §5.1. UDP and component 1 only: RTCP shares RTP's port wherever there is ICE. A plain value. */
enum ice_type { ICE_HOST, ICE_SRFLX, ICE_PRFLX, ICE_RELAY };

#define ICE_FOUNDATION_TEXT 33
#define ICE_UFRAG_TEXT	    257 /* RFC 8839 §5.4: up to 256 characters */
#define ICE_PWD_TEXT	    257

struct ice_candidate {
	enum ice_type type;
	struct addr addr;
	struct addr related; /* base of a reflexive one, mapped address of a relayed one; unset: not said */
	uint32_t priority;
	char foundation[ICE_FOUNDATION_TEXT];
};

/* What one side says of itself, RFC 8839 §5. */
struct ice_description {
	char ufrag[ICE_UFRAG_TEXT], pwd[ICE_PWD_TEXT]; /* "": no ICE */
	bool is_lite, does_trickle;
	bool is_complete; /* end-of-candidates */
	uint8_t count;
	struct ice_candidate candidates[LIMIT_ICE_CANDIDATES];
};

const char *ice_type_name(enum ice_type t); /* "host", "srflx", "prflx", "relay" */

static inline bool ice_description_is_set(const struct ice_description *d)
{
	return d->ufrag[0] && d->pwd[0];
}
