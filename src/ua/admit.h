/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * Who may send how much: a token bucket for each IP address that nothing is known of, points for offences and bans for those
 * with too many, in a table of fixed size. Scanners come by the hour to every public port 5060. IPv6 counts by /64. Pure.
 *
 * Points fade with time. A first ban lasts ban_ms, each further one within a day of the last's end twice as long, up to a day.
 * Trusted addresses are neither limited nor banned: a source address of UDP is easily forged, and a scanner must not be able to
 * silence the PBX.
 */
struct admit;

struct admit_params {
	uint32_t rate;	  /* messages a second; UINT32_MAX: no limit at all */
	uint32_t burst;	  /* messages at once */
	uint32_t points;  /* of offences that ban; 0: nobody is banned */
	uint32_t fade_ms; /* one point is forgiven each; 0: 6000 */
	uint32_t ban_ms;  /* 0: 600000 */
};

nodiscard int admit_new(const struct admit_params *params, struct admit **ret); /* -ENOMEM */
struct admit *admit_free(struct admit *a);

enum admit_verdict { ADMIT_OK, ADMIT_RATE, ADMIT_BANNED };

/* One message from ip. A full set of the table shares one bucket, so a flood of addresses gets a single share. */
enum admit_verdict admit_take(struct admit *a, const struct addr *ip, msec_t now);

/* No limit for ip until then, and no ban; NEVER: for good. An earlier time does not shorten. */
void admit_trust(struct admit *a, const struct addr *ip, msec_t until, msec_t now);

/* ip did something only strangers do. Returns the length of the ban when that was too much, else 0. */
uint32_t admit_offend(struct admit *a, const struct addr *ip, uint32_t points, msec_t now);

/* Lifts a ban and forgets offences; false: there was none. */
bool admit_forgive(struct admit *a, const struct addr *ip, msec_t now);

/* Every ban that stands: the address (IPv6: its network) and when it ends. */
void admit_each_ban(const struct admit *a, msec_t now, void (*fn)(void *ctx, const struct addr *ip, msec_t until), void *ctx);
