/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 address with a port: a plain value. family AF_UNSPEC (all zero) means "none". */
struct addr {
	union {
		sa_family_t family;
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

#define ADDR_TEXT 64 /* "[2001:db8:...]:65535" and its terminator */

/* An IP literal (IPv6 with or without brackets), not a name; false leaves *ret untouched. */
bool addr_parse_ip(struct span ip, uint16_t port, struct addr *ret);

/* "host:port", "[v6]:port" or a bare literal, which gets default_port. */
bool addr_parse(struct span text, uint16_t default_port, struct addr *ret);

/* From what recvfrom and accept give; IPv4 mapped into IPv6 becomes IPv4. */
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret);

static inline bool addr_is_set(const struct addr *a)
{
	return a->family != AF_UNSPEC;
}

socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

bool addr_eq(const struct addr *a, const struct addr *b);    /* address and port */
bool addr_ip_eq(const struct addr *a, const struct addr *b); /* address only */
uint32_t addr_hash(const struct addr *a);

bool addr_is_any(const struct addr *a);	      /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *a);
bool addr_is_private(const struct addr *a);   /* RFC 1918, RFC 6598, link-local, RFC 4193 */

/* "1.2.3.4:5060" / "[::1]:5060", and without the port ("1.2.3.4" / "::1"). Returns ret_text. */
const char *addr_text(const struct addr *a, char ret_text[static ADDR_TEXT]);
const char *addr_ip_text(const struct addr *a, char ret_text[static ADDR_TEXT]);
