/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * Who may send how much: a token bucket for each IP address that nothing is known of, in a table of
 * fixed size. Scanners come by the hour to every public port 5060. IPv6 counts by /64. Pure.
 */
struct admit;

struct admit_params {
	uint32_t rate;  /* messages a second; UINT32_MAX: no limit at all */
	uint32_t burst; /* messages at once */
};

nodiscard int admit_new(const struct admit_params *params, struct admit **ret); /* -ENOMEM */
struct admit *admit_free(struct admit *a);

/* One message from ip. False: too many. A full set of the table shares one bucket, so a flood of
 * addresses gets a single share. */
bool admit_take(struct admit *a, const struct addr *ip, msec_t now);

/* No limit for ip until then; NEVER: for good. An earlier time does not shorten. */
void admit_trust(struct admit *a, const struct addr *ip, msec_t until, msec_t now);
