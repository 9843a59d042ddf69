/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "net/dns.h"
#include "sip/method.h"

/*
 * Where a SIP name is, RFC 3263 §4: NAPTR, SRV, addresses, as far as each is needed, one target
 * after the other.
 *
 * The order of SRV targets (RFC 2782) is drawn from `seed`. Given the branch of a message as seed,
 * its retransmissions, its CANCEL and its ACK find the same target without anything being kept for
 * them. Targets that the caller avoids come last.
 */
struct locate;

struct locate_params {
	struct dns *dns;
	struct span host;             /* name or literal without brackets; copied */
	uint16_t port;                /* 0: not said */
	enum sip_transport transport; /* UNKNOWN: NAPTR decides, UDP when it says nothing */
	uint32_t transports;          /* bits 1u << enum sip_transport that NAPTR may choose */
	bool has_v4, has_v6;          /* families we can send to */
	uint64_t seed;
	bool (*is_avoided)(void *ctx, const struct addr *target); /* NULL: none is */
	void *ctx;
};

/* -ENOMEM. */
nodiscard int locate_new(const struct locate_params *params, struct locate **ret);
struct locate *locate_free(
	struct locate *l); /* NULL is fine; returns NULL; fn is not called any more */

/*
 * The next target: fn is called once, maybe before this returns. err: 0, or -TR_EDNS and
 * -TR_ENOTFOUND when there is none (left). Not to be called again before fn was.
 */
typedef void locate_fn(void *ctx, int err, enum sip_transport transport, const struct addr *target);
void locate_next(struct locate *l, locate_fn *fn, void *ctx);

/* Something is left that was not tried, as far as is known. */
bool locate_has_more(const struct locate *l);

/* Of the SRV record that the target just given came from; 0 without one. */
uint16_t locate_priority(const struct locate *l);

/* 5060, or 5061 for TLS. */
uint16_t sip_default_port(enum sip_transport t);
