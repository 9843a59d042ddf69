/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/transport.h"

static const struct {
	const char *name;
	uint8_t bytes;
} hashes[] = {
	[SDP_SHA256] = {"sha-256", 32},
	[SDP_SHA384] = {"sha-384", 48},
	[SDP_SHA512] = {"sha-512", 64},
};

static const char *const setup_names[] = {
	[SDP_SETUP_NONE] = "",
	[SDP_ACTIVE] = "active",
	[SDP_PASSIVE] = "passive",
	[SDP_ACTPASS] = "actpass",
	[SDP_HOLDCONN] = "holdconn",
};

static struct span word(struct span *rest)
{
	while (rest->n && rest->p[0] == ' ')
		*rest = span(rest->p + 1, rest->n - 1);

	return span_cut(rest, ' ');
}

/* ---- DTLS --------------------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sdp_fingerprint_parse(struct span value, struct sdp_fingerprint *ret)
{
	struct sdp_fingerprint f = {0};
	struct span rest = span_trim(value), name = word(&rest), text = word(&rest);

	for (enum sdp_hash h = SDP_SHA256; h <= SDP_SHA512; h++)
		if (span_ieq_z(name, hashes[h].name))
			f.hash = h;
	if (f.hash == SDP_HASH_NONE || text.n != (size_t)hashes[f.hash].bytes * 3 - 1)
		return false;

	f.n = hashes[f.hash].bytes;
	for (size_t i = 0; i < f.n; i++) {
		int hi = hex_digit(text.p[3 * i]), lo = hex_digit(text.p[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i + 1 < f.n && text.p[3 * i + 2] != ':'))
			return false;
		f.bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret = f;

	return true;
}

bool sdp_fingerprint_eq(const struct sdp_fingerprint *a, const struct sdp_fingerprint *b)
{
	return a->hash == b->hash && memcmp(a->bytes, b->bytes, a->n) == 0;
}

const char *sdp_fingerprint_text(const struct sdp_fingerprint *f, char ret_text[static SDP_FINGERPRINT_TEXT])
{
	int n = snprintf(ret_text, SDP_FINGERPRINT_TEXT, "%s ", hashes[f->hash].name);

	for (unsigned i = 0; i < f->n; i++)
		n += snprintf(ret_text + n, SDP_FINGERPRINT_TEXT - (size_t)n, "%s%02X", i ? ":" : "", f->bytes[i]);

	return ret_text;
}

enum sdp_setup sdp_setup_parse(struct span value)
{
	value = span_trim(value);
	for (enum sdp_setup s = SDP_ACTIVE; s <= SDP_HOLDCONN; s++)
		if (span_ieq_z(value, setup_names[s]))
			return s;

	return SDP_SETUP_NONE;
}

const char *sdp_setup_name(enum sdp_setup s)
{
	return setup_names[s];
}

/* The attribute of the m-line, else the session's (RFC 8122 §5, RFC 8839 §5.4). */
static const struct sdp_attr *find(const struct sdp *sdp, int media, const char *name)
{
	const struct sdp_attr *a = sdp_attr_find(sdp, media, name);

	return a ? a : sdp_attr_find(sdp, SDP_SESSION, name);
}

bool sdp_fingerprint_of(const struct sdp *sdp, int media, struct sdp_fingerprint *ret)
{
	*ret = (struct sdp_fingerprint){0};
	for (const struct sdp_attr *a = find(sdp, media, "fingerprint"); a; a = sdp_attr_next(sdp, a)) {
		struct sdp_fingerprint f;

		if (sdp_fingerprint_parse(a->value, &f) && f.hash > ret->hash)
			*ret = f;
	}

	return ret->hash != SDP_HASH_NONE;
}

enum sdp_setup sdp_setup_of(const struct sdp *sdp, int media)
{
	const struct sdp_attr *a = find(sdp, media, "setup");

	return a ? sdp_setup_parse(a->value) : SDP_SETUP_NONE;
}

/* ---- ICE ---------------------------------------------------------------------------------------------------------------------- */

/* ice-char: letters, digits, + and / (RFC 8839 §5.1). */
static bool is_ice_chars(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' || c == '/'))
			return false;
	}

	return true;
}

static bool read_type(struct span s, enum ice_type *ret)
{
	for (enum ice_type t = ICE_HOST; t <= ICE_RELAY; t++) {
		if (!span_ieq_z(s, ice_type_name(t)))
			continue;
		*ret = t;
		return true;
	}

	return false;
}

static bool read_port(struct span s, uint16_t *ret)
{
	uint32_t n;

	if (!span_u32(s, &n) || n > UINT16_MAX)
		return false;
	*ret = (uint16_t)n;

	return true;
}

/* Behind the type come pairs of a name and a value; unknown ones are passed over. */
static void read_related(struct span rest, struct ice_candidate *c)
{
	struct span ip = {NULL, 0};
	uint16_t port = 0;

	for (struct span name = word(&rest); name.n; name = word(&rest)) {
		struct span value = word(&rest);

		if (span_ieq_z(name, "raddr"))
			ip = value;
		else if (span_ieq_z(name, "rport") && !read_port(value, &port))
			port = 0;
	}
	if (ip.n && !addr_parse_ip(ip, port, &c->related))
		c->related = (struct addr){0};
}

int sdp_candidate_parse(struct span value, struct ice_candidate *ret)
{
	struct ice_candidate c = {0};
	struct span rest = span_trim(value);
	struct span foundation = word(&rest), component = word(&rest), transport = word(&rest), priority = word(&rest);
	struct span host = word(&rest), port_text = word(&rest), typ = word(&rest), type = word(&rest);
	uint32_t number;
	uint16_t port;

	if (foundation.n == 0 || !is_ice_chars(foundation) || !span_copy(foundation, c.foundation, sizeof(c.foundation)) ||
		!span_u32(component, &number) || number == 0 || number > 256 || !span_u32(priority, &c.priority) || c.priority == 0 ||
		c.priority > INT32_MAX || host.n == 0 || !read_port(port_text, &port) || !span_ieq_z(typ, "typ") || type.n == 0)
		return -TR_EPARSE;
	if (number != 1 || !span_ieq_z(transport, "UDP") || port == 0 || !read_type(type, &c.type) ||
		!addr_parse_ip(host, port, &c.addr))
		return -TR_EUNSUPP;
	read_related(rest, &c);
	*ret = c;

	return 0;
}

const char *sdp_candidate_text(const struct ice_candidate *c, char ret_text[static SDP_CANDIDATE_TEXT])
{
	char ip[ADDR_TEXT], rel[ADDR_TEXT];
	int n = snprintf(ret_text, SDP_CANDIDATE_TEXT, "%s 1 UDP %" PRIu32 " %s %u typ %s", c->foundation, c->priority,
		addr_ip_text(&c->addr, ip), addr_port(&c->addr), ice_type_name(c->type));

	if (c->type != ICE_HOST && addr_is_set(&c->related))
		(void)snprintf(ret_text + n, SDP_CANDIDATE_TEXT - (size_t)n, " raddr %s rport %u", addr_ip_text(&c->related, rel),
			addr_port(&c->related));

	return ret_text;
}

static void keep(struct ice_description *d, const struct ice_candidate *c)
{
	struct ice_candidate *worst = &d->candidates[0];

	if (d->count < LIMIT_ICE_CANDIDATES) {
		d->candidates[d->count++] = *c;
		return;
	}
	for (unsigned i = 1; i < d->count; i++)
		if (d->candidates[i].priority < worst->priority)
			worst = &d->candidates[i];
	if (c->priority > worst->priority)
		*worst = *c;
}

/* A secret of least..most ice-chars, terminated. */
static bool read_secret(const struct sdp_attr *a, size_t least, char *ret, size_t cap)
{
	struct span v = a ? span_trim(a->value) : (struct span){NULL, 0};

	return v.n >= least && is_ice_chars(v) && span_copy(v, ret, cap);
}

bool sdp_ice_of(const struct sdp *sdp, int media, struct ice_description *ret)
{
	const struct sdp_attr *options = find(sdp, media, "ice-options");

	*ret = (struct ice_description){0};
	if (!read_secret(find(sdp, media, "ice-ufrag"), 4, ret->ufrag, sizeof(ret->ufrag)) ||
		!read_secret(find(sdp, media, "ice-pwd"), 22, ret->pwd, sizeof(ret->pwd))) {
		ret->ufrag[0] = ret->pwd[0] = 0;
		return false;
	}
	ret->is_lite = sdp_attr_find(sdp, SDP_SESSION, "ice-lite") != NULL;
	ret->is_complete = find(sdp, media, "end-of-candidates") != NULL;
	if (options) {
		struct span rest = options->value;

		for (struct span o = word(&rest); o.n; o = word(&rest))
			ret->does_trickle |= span_ieq_z(o, "trickle");
	}
	for (const struct sdp_attr *a = sdp_attr_find(sdp, media, "candidate"); a; a = sdp_attr_next(sdp, a)) {
		struct ice_candidate c;

		if (sdp_candidate_parse(a->value, &c) == 0)
			keep(ret, &c);
	}

	return true;
}
