/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/candidate.h"

const char *ice_type_name(enum ice_type t)
{
	static const char *const names[] = {
		[ICE_HOST] = "host",
		[ICE_SRFLX] = "srflx",
		[ICE_PRFLX] = "prflx",
		[ICE_RELAY] = "relay",
	};

	return names[t];
}
