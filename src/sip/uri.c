/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/uri.h"
#include "sip/lex.h"
#include <arpa/inet.h>

/* userinfo of RFC 3261 §25.1: user [":" password]. */
static bool parse_userinfo(struct sip_uri *uri, struct span info)
{
	uri->user = lex_class(&info, CH_USER);
	if (uri->user.n == 0)
		return false;
	if (info.n == 0)
		return true;

	if (!lex_char(&info, ':'))
		return false;
	uri->password = lex_class(&info, CH_USER);

	return info.n == 0;
}

static int parse_sip(struct sip_uri *uri, struct span rest)
{
	const char *at = rest.n ? memchr(rest.p, '@', rest.n) : NULL, *end;

	if (at) {
		size_t n = (size_t)(at - rest.p);

		if (!parse_userinfo(uri, span(rest.p, n)))
			return -TR_EPARSE;
		lex_skip(&rest, n + 1);
	}

	if (!lex_host_port(&rest, &uri->host, &uri->port, &uri->is_ipv6))
		return -TR_EPARSE;
	end = uri->host.p + uri->host.n + uri->is_ipv6;
	if (end < rest.p && (end[0] != ':' || ch_is(end[1], CH_SPACE)))
		return -TR_EPARSE; /* white space around the colon is for Via only */
	if (lex_char(&rest, ';')) {
		size_t n = span_find(rest, '?');
		struct span params = span(rest.p, n);

		uri->params = lex_class(&params, CH_URI);
		if (params.n)
			return -TR_EPARSE;
		lex_skip(&rest, n);
	}
	if (lex_char(&rest, '?'))
		uri->headers = lex_class(&rest, CH_URI);

	return rest.n ? -TR_EPARSE : 0;
}

/* RFC 3966 §3: a global or a local number, then parameters. */
static int parse_tel(struct sip_uri *uri, struct span rest)
{
	size_t n = span_find(rest, ';');

	uri->user = span(rest.p, n);
	for (size_t i = 0; i < n; i++)
		if (!ch_is(rest.p[i], CH_HEX) && !strchr("+-.()*#", rest.p[i]))
			return -TR_EPARSE;
	if (n == 0 || memchr(rest.p, 0, n))
		return -TR_EPARSE;

	lex_skip(&rest, n);
	if (lex_char(&rest, ';'))
		uri->params = lex_class(&rest, CH_URI);

	return rest.n ? -TR_EPARSE : 0;
}

/* Anything but white space, quotes and brackets. */
static int parse_opaque(struct sip_uri *uri, struct span rest)
{
	uri->opaque = lex_class(&rest, CH_URI | CH_VALUE);

	return rest.n || uri->opaque.n == 0 ? -TR_EPARSE : 0;
}

static struct span cut_scheme(struct span text)
{
	size_t n = 0;

	if (text.n == 0 || !((text.p[0] | 0x20) >= 'a' && (text.p[0] | 0x20) <= 'z'))
		return (struct span){0};
	while (n < text.n && text.p[n] != ':' && (ch_is(text.p[n], CH_HOST) || text.p[n] == '+'))
		n++;

	return n < text.n && text.p[n] == ':' ? span(text.p, n) : (struct span){0};
}

int sip_uri_parse(struct sip_uri *ret, struct span text)
{
	struct sip_uri uri;
	struct span rest = text;
	int err;

	lex_clear(&uri, sizeof(uri));
	uri.text = text;
	if (text.n > LIMIT_SIP_URI_BYTES)
		return -TR_ETOOBIG;
	uri.scheme_text = cut_scheme(text);
	if (uri.scheme_text.n == 0)
		return -TR_EPARSE;
	lex_skip(&rest, uri.scheme_text.n + 1);

	if (LEX_IS(uri.scheme_text, "sip")) {
		uri.scheme = SIP_SCHEME_SIP;
		err = parse_sip(&uri, rest);
	} else if (LEX_IS(uri.scheme_text, "sips")) {
		uri.scheme = SIP_SCHEME_SIPS;
		err = parse_sip(&uri, rest);
	} else if (LEX_IS(uri.scheme_text, "tel")) {
		uri.scheme = SIP_SCHEME_TEL;
		err = parse_tel(&uri, rest);
	} else {
		err = parse_opaque(&uri, rest);
	}
	if (err)
		return err;

	*ret = uri;
	return 0;
}

/* One "name[=value]" of a ';' list; empty ones are passed over. */
static bool param_next(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	while (rest->n) {
		struct span item = span_cut(rest, ';');

		if (item.n == 0)
			continue;
		*ret_name = span_cut(&item, '=');
		*ret_value = item.p ? item : span(ret_name->p + ret_name->n, 0);
		return true;
	}

	return false;
}

bool sip_uri_param(const struct sip_uri *uri, const char *name, struct span *ret)
{
	struct span rest = uri->params, key, value;

	while (param_next(&rest, &key, &value)) {
		if (!span_ieq_z(key, name))
			continue;
		if (ret)
			*ret = value;
		return true;
	}

	return false;
}

static struct span param_or_absent(const struct sip_uri *uri, const char *name)
{
	struct span value = {0};

	sip_uri_param(uri, name, &value);

	return value;
}

enum sip_transport sip_uri_transport(const struct sip_uri *uri)
{
	return sip_transport_find(param_or_absent(uri, "transport"));
}

bool sip_uri_is_lr(const struct sip_uri *uri)
{
	return sip_uri_param(uri, "lr", NULL);
}

bool sip_uri_is_ob(const struct sip_uri *uri)
{
	return sip_uri_param(uri, "ob", NULL);
}

struct span sip_uri_maddr(const struct sip_uri *uri)
{
	return param_or_absent(uri, "maddr");
}

struct span sip_uri_user_param(const struct sip_uri *uri)
{
	return param_or_absent(uri, "user");
}

struct span sip_uri_method(const struct sip_uri *uri)
{
	return param_or_absent(uri, "method");
}

int sip_uri_ttl(const struct sip_uri *uri)
{
	uint32_t ttl;

	return span_u32(param_or_absent(uri, "ttl"), &ttl) && ttl <= 255 ? (int)ttl : -1;
}

uint16_t sip_uri_port(const struct sip_uri *uri)
{
	if (uri->port)
		return uri->port;

	return uri->scheme == SIP_SCHEME_SIPS || sip_uri_transport(uri) == SIP_TLS ? 5061 : 5060;
}

bool sip_uri_header_next(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	while (rest->n) {
		struct span item = span_cut(rest, '&');

		if (item.n == 0)
			continue;
		*ret_name = span_cut(&item, '=');
		*ret_value = item.p ? item : span(ret_name->p + ret_name->n, 0);
		return true;
	}

	return false;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';

	return (c | 0x20) - 'a' + 10;
}

/* The character at the front, its escape undone. */
static unsigned char next_char(struct span *s, bool *ret_was_escaped)
{
	unsigned char c = (unsigned char)s->p[0];

	*ret_was_escaped = c == '%' && s->n >= 3 && ch_is(s->p[1], CH_HEX) && ch_is(s->p[2], CH_HEX);
	if (*ret_was_escaped) {
		c = (unsigned char)(hex_value(s->p[1]) * 16 + hex_value(s->p[2]));
		lex_skip(s, 2);
	}
	lex_skip(s, 1);

	return c;
}

int sip_unescape(struct span text, char *buf, size_t cap, struct span *ret)
{
	size_t n = 0;
	bool was_escaped;

	while (text.n) {
		if (n == cap)
			return -TR_ETOOBIG;
		buf[n++] = (char)next_char(&text, &was_escaped);
	}
	*ret = span(buf, n);

	return 0;
}

/*
 * RFC 3261 §19.1.4: a character equals its escaped form, unless it is of the reserved set, which means something only when
 * it is not escaped.
 */
static bool escaped_equal(struct span a, struct span b, bool fold)
{
	while (a.n && b.n) {
		bool a_escaped, b_escaped;
		unsigned char x = next_char(&a, &a_escaped), y = next_char(&b, &b_escaped);

		if (fold && x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (fold && y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y || (a_escaped != b_escaped && x && strchr(";/?:@&=+$,", x)))
			return false;
	}

	return a.n == 0 && b.n == 0;
}

bool sip_host_equal(struct span a, struct span b)
{
	struct in6_addr x, y;
	char zx[INET6_ADDRSTRLEN], zy[INET6_ADDRSTRLEN];

	if (span_ieq(a, b))
		return true;
	if (span_find(a, ':') == a.n || span_find(b, ':') == b.n)
		return false;
	if (!span_copy(a, zx, sizeof(zx)) || !span_copy(b, zy, sizeof(zy)))
		return false;

	return inet_pton(AF_INET6, zx, &x) == 1 && inet_pton(AF_INET6, zy, &y) == 1 && memcmp(&x, &y, sizeof(x)) == 0;
}

/* Whether every parameter of a that b has too is equal, and those that may not be on one side only are on both. */
static bool params_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	static const char *const both[] = {"user", "ttl", "method", "maddr", "transport"};
	struct span rest = a->params, name, value, other;

	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (sip_uri_param(a, both[i], NULL) != sip_uri_param(b, both[i], NULL))
			return false;

	while (param_next(&rest, &name, &value)) {
		struct span b_rest = b->params, b_name;

		while (param_next(&b_rest, &b_name, &other))
			if (escaped_equal(name, b_name, true) && !escaped_equal(value, other, true))
				return false;
	}

	return true;
}

static size_t count_headers(struct span rest)
{
	struct span name, value;
	size_t n = 0;

	while (sip_uri_header_next(&rest, &name, &value))
		n++;

	return n;
}

static bool headers_equal(struct span a, struct span b)
{
	struct span name, value, b_name, b_value;

	if (count_headers(a) != count_headers(b))
		return false;

	while (sip_uri_header_next(&a, &name, &value)) {
		struct span rest = b;
		bool is_found = false;

		while (!is_found && sip_uri_header_next(&rest, &b_name, &b_value))
			is_found = escaped_equal(name, b_name, true) && escaped_equal(value, b_value, false);
		if (!is_found)
			return false;
	}

	return true;
}

/* RFC 3966 §4: visual separators do not count. */
static bool numbers_equal(struct span a, struct span b)
{
	for (;;) {
		while (a.n && strchr("-.()", a.p[0]))
			lex_skip(&a, 1);
		while (b.n && strchr("-.()", b.p[0]))
			lex_skip(&b, 1);
		if (a.n == 0 || b.n == 0)
			return a.n == b.n;
		if ((a.p[0] | 0x20) != (b.p[0] | 0x20))
			return false;
		lex_skip(&a, 1);
		lex_skip(&b, 1);
	}
}

/* RFC 3261 §19.1.4; for tel RFC 3966 §4. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return span_eq(a->text, b->text);
	if (a->scheme == SIP_SCHEME_TEL)
		return numbers_equal(a->user, b->user) && params_equal(a, b);

	return (a->user.p == NULL) == (b->user.p == NULL) && escaped_equal(a->user, b->user, false) &&
		(a->password.p == NULL) == (b->password.p == NULL) && escaped_equal(a->password, b->password, false) &&
		sip_host_equal(a->host, b->host) && a->port == b->port && params_equal(a, b) &&
		headers_equal(a->headers, b->headers);
}
