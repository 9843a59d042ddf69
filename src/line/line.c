/* SPDX-License-Identifier: Apache-2.0 */
#include "line/line.h"

bool line_cidr_parse(struct span text, struct line_cidr *ret)
{
	struct span bits = text, ip = span_cut(&bits, '/');
	struct line_cidr c = {0};
	uint32_t n;

	if (!addr_parse_ip(ip, 0, &c.net))
		return false;

	uint32_t most = c.net.family == AF_INET6 ? 128 : 32;

	n = most;
	if (bits.p && (!span_u32(bits, &n) || n > most))
		return false;
	c.bits = (uint8_t)n;
	*ret = c;

	return true;
}

bool line_cidr_has(const struct line_cidr *c, const struct addr *a)
{
	if (a->family != c->net.family)
		return false;

	bool is_v6 = a->family == AF_INET6;
	const unsigned char *x = is_v6 ? a->v6.sin6_addr.s6_addr : (const unsigned char *)&a->v4.sin_addr;
	const unsigned char *y = is_v6 ? c->net.v6.sin6_addr.s6_addr : (const unsigned char *)&c->net.v4.sin_addr;
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	return memcmp(x, y, whole) == 0 && (rest == 0 || (x[whole] ^ y[whole]) >> (8 - rest) == 0);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_lists(const struct line_config *a, const struct line_config *b)
{
	if (a->server_count != b->server_count || a->allow_count != b->allow_count)
		return false;
	for (size_t i = 0; i < a->server_count; i++)
		if (!same(a->servers[i], b->servers[i]))
			return false;
	for (size_t i = 0; i < LINE_CODECS; i++)
		if (!same(a->codecs[i], b->codecs[i]))
			return false;
	for (size_t i = 0; i < a->allow_count; i++)
		if (!addr_eq(&a->allow[i].net, &b->allow[i].net) || a->allow[i].bits != b->allow[i].bits)
			return false;

	return true;
}

bool line_config_equal(const struct line_config *a, const struct line_config *b)
{
	const char *const texts[][2] = {{a->name, b->name}, {a->domain, b->domain}, {a->extension, b->extension},
		{a->auth_id, b->auth_id}, {a->password, b->password}, {a->display_name, b->display_name},
		{a->outbound_proxy, b->outbound_proxy}, {a->user_agent, b->user_agent}, {a->tls.ca, b->tls.ca}, {a->tls.pin, b->tls.pin},
		{a->tls.certificate, b->tls.certificate}, {a->tls.key, b->tls.key}};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!same(texts[i][0], texts[i][1]))
			return false;

	/* Of the rest only what account, registration and watch are made of: all else is read anew with each call. */
	return same_lists(a, b) && a->kind == b->kind && a->transport == b->transport && a->tls.verify == b->tls.verify &&
		a->does_register == b->does_register &&
		a->registers_everywhere == b->registers_everywhere && a->expires_s == b->expires_s && a->keepalive_s == b->keepalive_s &&
		a->keepalive_options == b->keepalive_options && a->no_100rel == b->no_100rel &&
		a->no_session_timer == b->no_session_timer && a->health_s == b->health_s;
}

static bool has_did(const struct line_config *l, const char *to_user)
{
	char number[NUMBER_TEXT];

	number_normalise(&l->numbers, to_user, number);
	for (const char *const *d = l->dids; d && *d; d++)
		if (number_fits(*d, to_user) || number_fits(*d, number))
			return true;

	return false;
}

bool line_shows(const struct line_config *line, const struct line_sender *from)
{
	for (const char *const *name = line->client_names; from->shows && name && *name; name++)
		if (from->shows(from->peer, *name))
			return true;

	return false;
}

static bool comes_from_server(const struct line_config *lines, size_t i, const struct line_sender *from)
{
	return lines[i].server && !lines[i].client_names && from->is_server(from->servers, i, from->source);
}

static bool is_allowed(const struct line_config *lines, size_t i, const struct line_sender *from)
{
	for (size_t k = 0; k < lines[i].allow_count && !lines[i].client_names; k++)
		if (line_cidr_has(&lines[i].allow[k], from->source))
			return true;

	return false;
}

static bool shows(const struct line_config *lines, size_t i, const struct line_sender *from)
{
	return line_shows(&lines[i], from);
}

typedef bool fits_fn(const struct line_config *lines, size_t i, const struct line_sender *from);

/* Of the lines that fit: the one whose extension is called, whose DID it is, the first. */
static int choose(const struct line_config *lines, size_t n, const char *to_user, const struct line_sender *from, fits_fn *fits)
{
	int first = -1, by_did = -1;

	for (size_t i = 0; i < n; i++) {
		if (!fits(lines, i, from))
			continue;
		if (lines[i].server && lines[i].extension && strcmp(lines[i].extension, to_user) == 0)
			return (int)i;
		if (by_did < 0 && has_did(&lines[i], to_user))
			by_did = (int)i;
		if (first < 0)
			first = (int)i;
	}

	return by_did >= 0 ? by_did : first;
}

int line_identify(const struct line_config *lines, size_t n, const char *to_user, const struct line_sender *from)
{
	/* The registrar's own calls come to the user of our Contact; a PBX may put a DID there instead. */
	static fits_fn *const ways[] = {shows, comes_from_server, is_allowed};
	int line = -1;

	for (size_t w = 0; w < ARRAY_LEN(ways) && line < 0; w++)
		line = choose(lines, n, to_user, from, ways[w]);

	return line;
}
