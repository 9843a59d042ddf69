/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "net/dns.h"
#include <ares.h>

/* From c-ares' results to struct dns_answer; used by dns.c only. ret->err is set; the rest is owned
 * by the answer. */

void dns_answer_done(struct dns_answer *a);

/* status: c-ares' code. *ret_ttl_s is the least TTL of the records, untouched without any. */
void dns_answer_addrs(
	int status, const struct ares_addrinfo *info, struct dns_answer *ret, uint32_t *ret_ttl_s);
void dns_answer_srvs(
	int status, const uint8_t *reply, int n, struct dns_answer *ret, uint32_t *ret_ttl_s);
void dns_answer_naptrs(
	int status, const uint8_t *reply, int n, struct dns_answer *ret, uint32_t *ret_ttl_s);
