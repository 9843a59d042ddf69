/* SPDX-License-Identifier: Apache-2.0 */
#include "line/line.h"

/*
 * expires: FreePBX accepts 60 to 7200 s and drops a contact that misses its qualify, so a short registration heals sooner than it costs.
 * 3CX's own sample REGISTER asks for 120. Keep-alives: CRLF keeps a NAT mapping open for less than an OPTIONS would cost; a
 * PBX that qualifies us (Asterisk, each 60 s) does not do it often enough for mappings of 30 s.
 */
const struct line_preset line_presets[] = {
	{"freepbx", 300, 25, false, "Applications > Extensions: extension number and Secret of a chan_pjsip extension"},
	{"asterisk", 300, 25, false, "pjsip.conf: the auth section's username is auth_id, its password is password"},
	{"yeastar", 300, 25, false,
		"Extension > Security: if a User-Agent prefix is required, set user_agent to begin with it"},
	{"3cx", 120, 25, false,
		"Users > Phone provisioning > Authentication: auth_id is the Authentication ID, not the extension"},
	{"fritzbox", 300, 25, false, "Telephony devices > IP telephone: user name and password of that device"},
	{"generic", 300, 25, false, ""},
	{0},
};

const struct line_preset *line_preset_find(const char *name)
{
	for (const struct line_preset *p = line_presets; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;

	return NULL;
}

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

static bool fits(const char *pattern, const char *number)
{
	size_t n = pattern ? strlen(pattern) : 0;

	if (!pattern)
		return true;
	if (n && pattern[n - 1] == '*')
		return strncmp(pattern, number, n - 1) == 0;

	return strcmp(pattern, number) == 0;
}

const struct route_config *route_decide(const struct route_config *routes, size_t n, const struct line_request *rq,
	char *ret_why, size_t cap)
{
	int nearest = -1;

	snprintf(ret_why, cap, "no routes are configured: add one under \"routes\"");
	for (size_t i = 0; i < n; i++) {
		const struct route_config *r = &routes[i];
		int near_score = 0;

		if (r->line && strcmp(r->line, rq->line) != 0) {
			if (nearest < near_score)
				snprintf(ret_why, cap, "the call came on line %s, no route names it", rq->line);
		} else if (!fits(r->to, rq->to)) {
			near_score = 1;
			if (nearest < near_score)
				snprintf(ret_why, cap, "route in line %d of the file wants the called number %s, this was %s",
					r->file_line, r->to, rq->to);
		} else if (!fits(r->from, rq->from)) {
			near_score = 2;
			if (nearest < near_score)
				snprintf(ret_why, cap, "route in line %d of the file wants a caller %s, this was %s",
					r->file_line, r->from, rq->from);
		} else {
			snprintf(ret_why, cap, "route in line %d of the file: line %s, to %s, from %s", r->file_line,
				r->line ? r->line : "any", r->to ? r->to : "any", r->from ? r->from : "any");
			return r;
		}
		nearest = MAX(nearest, near_score);
	}

	return NULL;
}

int line_identify(const struct line_config *lines, size_t n, const char *to_user, const struct addr *source,
	line_is_server_fn *is_server, void *ctx)
{
	int from_server = -1;

	/* The registrar's own calls come to the user of our Contact; a PBX may put a DID there instead. */
	for (size_t i = 0; i < n; i++) {
		if (!lines[i].does_register || !is_server(ctx, i, source))
			continue;
		if (lines[i].extension && strcmp(lines[i].extension, to_user) == 0)
			return (int)i;
		if (from_server < 0)
			from_server = (int)i;
	}
	if (from_server >= 0)
		return from_server;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lines[i].allow_count; k++)
			if (line_cidr_has(&lines[i].allow[k], source))
				return (int)i;

	return -1;
}
