/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/hdr.h"
#include "sip/lex.h"

/* Addresses, Contact and Via: the headers that every message has. */

/* A tag is a token. One in quotes (never seen, but harmless) keeps them, so that it is echoed as it came. */
static void find_tag(struct sip_name_addr *addr)
{
	struct span rest = addr->params;
	struct sip_param param;

	while (sip_param_next(&rest, &param)) {
		if (!LEX_IS(param.name, "tag"))
			continue;
		if (param.value.n)
			addr->tag = param.is_quoted ? span(param.value.p - 1, param.value.n + 2) : param.value;
		return;
	}
}

/* What stands before the '<'. True if it is a display name or nothing. */
static bool read_display(struct sip_name_addr *addr, struct span *s)
{
	size_t n;

	if (s->n && s->p[0] == '"') {
		if (!lex_quoted(s, &addr->display))
			return false;
		addr->is_quoted = true;
		lex_space(s);
		return s->n && s->p[0] == '<';
	}

	/* Words without quotes; phones put more into them than tokens ("Bell, Alexander", "Desk (2)"), never a quote. */
	n = span_find(*s, '<');
	addr->display = lex_trim(span(s->p, n));
	if (addr->display.n == 0)
		addr->display.p = NULL;
	lex_skip(s, n);

	return s->n && span_find(addr->display, '"') == addr->display.n;
}

static int read_angled(struct sip_name_addr *addr, struct span *s, struct span *ret_uri)
{
	size_t n;

	if (!read_display(addr, s) || !lex_char(s, '<'))
		return -TR_EPARSE;
	n = span_find(*s, '>');
	if (n == s->n)
		return -TR_EPARSE;
	*ret_uri = span(s->p, n);
	lex_skip(s, n + 1);
	addr->is_angled = true;

	return 0;
}

/* RFC 3261 §20: without <>, parameters are the header's, and the URI may not hold a comma, '?' or ';'. */
static int read_bare(struct span *s, struct span *ret_uri)
{
	size_t n = 0;

	while (n < s->n && !ch_is(s->p[n], CH_SPACE) && s->p[n] != ';') {
		if (s->p[n] == ',' || s->p[n] == '?')
			return -TR_EPARSE;
		n++;
	}
	*ret_uri = span(s->p, n);
	lex_skip(s, n);

	return 0;
}

/* An address without <> starts with a scheme, so '<' behind its first ';' belongs to a parameter. */
static bool looks_angled(struct span s)
{
	size_t lt = span_find(s, '<');

	return lt < s.n && ((s.p[0] == '"') || span_find(span(s.p, lt), '"') == lt);
}

/* All but the URI, whose text goes to *ret_uri. */
static int read_name_addr(struct sip_name_addr *addr, struct span value, struct span *ret_uri)
{
	struct span s = lex_trim(value);
	int err;

	addr->display = addr->params = addr->tag = (struct span){0};
	addr->is_quoted = addr->is_angled = false;
	if (s.n == 0)
		return -TR_EPARSE;

	err = looks_angled(s) ? read_angled(addr, &s, ret_uri) : read_bare(&s, ret_uri);
	if (err)
		return err;
	lex_space(&s);
	if (s.n) {
		if (!lex_char(&s, ';'))
			return -TR_EPARSE;
		addr->params = s;
		find_tag(addr);
	}

	return 0;
}

int sip_name_addr_parse(struct sip_name_addr *ret, struct span value)
{
	struct sip_name_addr addr;
	struct span uri;

	if (read_name_addr(&addr, value, &uri) || sip_uri_parse(&addr.uri, uri))
		return -TR_EPARSE;
	*ret = addr;

	return 0;
}

int sip_party_tag(struct span *ret_tag, struct span value)
{
	struct sip_name_addr addr;
	struct span uri;

	if (read_name_addr(&addr, value, &uri) || span_find(uri, ':') == uri.n)
		return -TR_EPARSE;
	*ret_tag = addr.tag;

	return 0;
}

/* RFC 3261 §20.10 qvalue in thousandths: "0.7", "1", "1.000". What does not parse counts as 1. */
static uint16_t parse_q(struct span text)
{
	uint32_t q = 0, digits = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (i == 1 && text.p[i] == '.')
			continue;
		if (!ch_is(text.p[i], CH_DIGIT) || (i == 0 && text.p[0] > '1') || digits == 4)
			return 1000;
		q = q * 10 + (uint32_t)(text.p[i] - '0');
		digits++;
	}
	if (digits == 0)
		return 1000;
	while (digits++ < 4)
		q *= 10;

	return (uint16_t)MIN(q, 1000u);
}

int sip_contact_parse(struct sip_contact *ret, struct span value)
{
	struct sip_contact contact = {.q = 1000};
	struct span text;

	if (span_eq_z(lex_trim(value), "*")) {
		contact.is_star = true;
		*ret = contact;
		return 0;
	}
	if (sip_name_addr_parse(&contact.addr, value))
		return -TR_EPARSE;
	if (sip_param_find(contact.addr.params, "q", &text))
		contact.q = parse_q(text);
	if (sip_param_find(contact.addr.params, "expires", &text)) {
		contact.has_expires = true;
		if (!span_u32(text, &contact.expires))
			contact.expires = 3600;
	}

	*ret = contact;
	return 0;
}

/* "SIP/2.0/UDP", RFC 3261 §20.42; white space may stand around the slashes. */
static bool read_protocol(struct span *s, struct span *ret_transport)
{
	if (s->n > 8 && memcmp(s->p, "SIP/2.0/", 8) == 0) {
		lex_skip(s, 8);
		lex_space(s);
	} else {
		if (!span_ieq_z(lex_class(s, CH_TOKEN), "SIP") || !lex_sep(s, '/'))
			return false;
		/* Any version, so that a request of another one can be told 505. */
		if (lex_class(s, CH_TOKEN).n == 0 || !lex_sep(s, '/'))
			return false;
	}
	*ret_transport = lex_class(s, CH_TOKEN);

	return ret_transport->n && s->n && ch_is(s->p[0], CH_SPACE);
}

static void take_port(struct sip_via *via, struct span text)
{
	uint32_t port;

	via->has_rport = true;
	if (span_u32(text, &port) && port <= UINT16_MAX)
		via->rport = (uint16_t)port;
}

static void take_ttl(struct sip_via *via, struct span text)
{
	uint32_t ttl;

	if (span_u32(text, &ttl) && ttl <= 255)
		via->ttl = (int)ttl;
}

/* RFC 5118 §4.5: an IPv6 address in received may have brackets or not. */
static struct span without_brackets(struct span text)
{
	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		return span(text.p + 1, text.n - 2);

	return text;
}

static bool take_params(struct sip_via *via)
{
	struct span rest = via->params;
	struct sip_param param;

	while (sip_param_next(&rest, &param)) {
		switch (param.name.p[0] | 0x20) {
		case 'b':
			if (LEX_IS(param.name, "branch") && param.value.n)
				via->branch = param.value;
			break;
		case 'r':
			if (LEX_IS(param.name, "rport"))
				take_port(via, param.value);
			else if (LEX_IS(param.name, "received"))
				via->received = without_brackets(param.value);
			break;
		case 'm':
			if (LEX_IS(param.name, "maddr"))
				via->maddr = without_brackets(param.value);
			break;
		case 't':
			if (LEX_IS(param.name, "ttl"))
				take_ttl(via, param.value);
			break;
		case 'a':
			if (LEX_IS(param.name, "alias"))
				via->has_alias = true;
			break;
		default:
			break;
		}
	}

	return rest.n == 0;
}

int sip_via_parse(struct sip_via *ret, struct span value)
{
	struct span s = lex_trim(value);
	struct sip_via via;

	lex_clear(&via, sizeof(via));
	via.text = s;
	via.ttl = -1;
	if (!read_protocol(&s, &via.transport_text))
		return -TR_EPARSE;
	via.transport = sip_transport_find(via.transport_text);
	lex_space(&s);
	if (!lex_host_port(&s, &via.host, &via.port, &via.is_ipv6))
		return -TR_EPARSE;
	lex_space(&s);
	if (s.n) {
		if (!lex_char(&s, ';'))
			return -TR_EPARSE;
		via.params = s;
		if (!take_params(&via))
			return -TR_EPARSE;
	}

	*ret = via;
	return 0;
}

/* Exact: the cookie was chosen so that nothing else begins like it. "z9hG4bK" alone is the badbranch of RFC 4475 §3.2.1. */
bool sip_branch_is_3261(struct span branch)
{
	return branch.n > 7 && memcmp(branch.p, "z9hG4bK", 7) == 0;
}
