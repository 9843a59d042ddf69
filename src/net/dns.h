/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include <uv.h>

/*
 * A caching resolver on a libuv loop: addresses, SRV (RFC 2782) and NAPTR (RFC 3403), over c-ares.
 * Never blocks.
 *
 * Answers are kept for their TTL within bounds, failures shortly. When every server is silent, an
 * expired answer is used for up to a day (RFC 8767): a phone line should not die of its resolver.
 * /etc/hosts is honoured for addresses. Thread: the loop's.
 */
struct dns;

enum dns_type { DNS_ADDR, DNS_SRV, DNS_NAPTR };

struct dns_srv {
	uint16_t priority, weight, port;
	char *target; /* without the final dot; "." is left out: RFC 2782's "not offered" gives no
			 records */
};

struct dns_naptr {
	uint16_t order, preference;
	char *flags, *service, *replacement;
};

/* Borrowed until the callback returns. */
struct dns_answer {
	int err; /* 0; -TR_ENOTFOUND: there is no such record; -TR_EDNS: nobody answered; -TR_ELIMIT
		  */
	enum dns_type type;
	unsigned count; /* of the one below that type names; 1 or more when err is 0 */
	union {
		struct addr *addrs; /* A and AAAA, IPv4 first; port 0 */
		struct dns_srv *srvs;
		struct dns_naptr *naptrs;
	};
};

typedef void dns_fn(void *ctx, const struct dns_answer *answer);

struct dns_stats {
	uint64_t queries, hits, stale_hits, failures, limited;
	uint32_t live_entries, live_waiting;
};

/*
 * servers: "192.0.2.1,192.0.2.2:5353"; NULL: those of the system. -TR_ECONFIG: they cannot
 * be read.
 */
nodiscard int dns_new(uv_loop_t *loop, const char *servers, struct dns **ret);

/* Callbacks that wait are never called. The memory goes in a later turn of the loop. NULL is fine;
 * returns NULL. */
struct dns *dns_close(struct dns *dns);

/*
 * Calls fn exactly once: before it returns when the answer is known, else later; never after
 * dns_cancel. The names are looked up as they are, case is ignored.
 */
void dns_lookup(struct dns *dns, enum dns_type type, struct span name, dns_fn *fn, void *ctx);

/* Forgets all that wait for ctx. */
void dns_cancel(struct dns *dns, const void *ctx);

/* The network changed: reads the system's servers again and forgets failures. */
void dns_reload(struct dns *dns);

void dns_stats(const struct dns *dns, struct dns_stats *ret);
