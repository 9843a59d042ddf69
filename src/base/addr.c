/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include <arpa/inet.h>

bool addr_parse_ip(struct span ip, uint16_t port, struct addr *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct addr a = {0};

	if (ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']')
		ip = span(ip.p + 1, ip.n - 2);
	if (!span_copy(ip, text, sizeof(text)))
		return false;

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1)
		a.family = AF_INET6;
	else
		return false;

	addr_set_port(&a, port);
	*ret = a;

	return true;
}

bool addr_parse(struct span text, uint16_t default_port, struct addr *ret)
{
	struct span host = text, port = {NULL, 0};
	uint32_t number = default_port;

	if (text.n && text.p[0] == '[') {
		size_t close = span_find(text, ']');

		if (close == text.n)
			return false;
		host = span(text.p, close + 1);
		if (close + 1 < text.n) {
			if (text.p[close + 1] != ':')
				return false;
			port = span(text.p + close + 2, text.n - close - 2);
		}
	} else {
		size_t colon = span_find(text, ':');
		struct span rest = span(text.p + colon, text.n - colon);
		bool is_v6 = rest.n > 1 && span_find(span(rest.p + 1, rest.n - 1), ':') < rest.n - 1;

		if (colon < text.n && !is_v6) {
			host = span(text.p, colon);
			port = span(rest.p + 1, rest.n - 1);
		}
	}
	if (port.p && (!span_u32(port, &number) || number > 65535))
		return false;

	return addr_parse_ip(host, (uint16_t)number, ret);
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret)
{
	struct addr a = {0};

	if (sa->sa_family == AF_INET) {
		memcpy(&a.v4, sa, sizeof(a.v4));
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&a.v6, sa, sizeof(a.v6));
		if (IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr)) {
			struct addr v4 = {.v4 = {.sin_family = AF_INET, .sin_port = a.v6.sin6_port}};

			memcpy(&v4.v4.sin_addr, &a.v6.sin6_addr.s6_addr[12], 4);
			a = v4;
		}
	} else {
		return false;
	}
	*ret = a;

	return true;
}

socklen_t addr_len(const struct addr *a)
{
	return a->family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(a->family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->family == AF_INET6)
		a->v6.sin6_port = htons(port);
	else
		a->v4.sin_port = htons(port);
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	if (a->family == AF_INET6)
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0 &&
			a->v6.sin6_scope_id == b->v6.sin6_scope_id;

	return true;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_ip_eq(a, b) && addr_port(a) == addr_port(b);
}

uint32_t addr_hash(const struct addr *a)
{
	char key[18];
	uint16_t port = addr_port(a);
	size_t n = a->family == AF_INET6 ? 16 : 4;

	memcpy(key, n == 16 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr, n);
	memcpy(key + n, &port, 2);

	return span_hash(span(key, n + 2));
}

bool addr_is_any(const struct addr *a)
{
	return a->family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr) : a->v4.sin_addr.s_addr == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	return a->family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr) :
				       (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
}

bool addr_is_private(const struct addr *a)
{
	if (a->family == AF_INET6)
		return IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr) || (a->v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;

	uint32_t ip = ntohl(a->v4.sin_addr.s_addr);

	return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 16 == 0xa9fe ||
		ip >> 22 == 0x6440u >> 6;
}

const char *addr_ip_text(const struct addr *a, char ret_text[static ADDR_TEXT])
{
	if (a->family == AF_INET6)
		inet_ntop(AF_INET6, &a->v6.sin6_addr, ret_text, ADDR_TEXT);
	else if (a->family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, ret_text, ADDR_TEXT);
	else
		buf_copy(ret_text, ADDR_TEXT, "none");

	return ret_text;
}

const char *addr_text(const struct addr *a, char ret_text[static ADDR_TEXT])
{
	char ip[ADDR_TEXT];
	bool is_v6 = a->family == AF_INET6;

	addr_ip_text(a, ip);
	if (!addr_is_set(a))
		buf_copy(ret_text, ADDR_TEXT, ip);
	else
		snprintf(ret_text, ADDR_TEXT, is_v6 ? "[%.46s]:%u" : "%.46s:%u", ip, addr_port(a));

	return ret_text;
}
