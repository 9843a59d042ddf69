/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_name.h"
#include "base/addr.h"
#include <openssl/x509v3.h>

#define NAME_BYTES 256

static struct span text_of(const ASN1_STRING *s)
{
	return span((const char *)ASN1_STRING_get0_data(s), (size_t)MAX(ASN1_STRING_length(s), 0));
}

/* "sip:example.com": the domain; absent for other schemes and for a user's address (§7.1). */
static struct span sip_domain(struct span uri)
{
	struct span rest = uri;

	if (!span_istarts(uri, "sip:") || span_find(uri, '@') < uri.n)
		return (struct span){0};
	rest = span(uri.p + 4, uri.n - 4);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == ':' || rest.p[i] == ';' || rest.p[i] == '?')
			return span(rest.p, i);

	return rest;
}

/* The SIP domain of one entry, if entries of that kind count. */
static struct span domain_of(const GENERAL_NAME *n, int kind)
{
	if (n->type != kind)
		return (struct span){0};

	return kind == GEN_URI ? sip_domain(text_of(n->d.uniformResourceIdentifier)) : text_of(n->d.dNSName);
}

static struct span without_dot(struct span s)
{
	return s.n && s.p[s.n - 1] == '.' ? span(s.p, s.n - 1) : s;
}

static bool matches(struct span name, struct span host)
{
	size_t dot = span_find(host, '.');

	name = without_dot(name);
	if (span_ieq(name, host))
		return name.n > 0;
	if (name.n < 4 || name.p[0] != '*' || name.p[1] != '.' || dot == 0 || dot == host.n)
		return false;
	/* "*.com" is nobody's. */
	if (span_find(span(name.p + 2, name.n - 2), '.') == name.n - 2)
		return false;

	return span_ieq(span(name.p + 1, name.n - 1), span(host.p + dot, host.n - dot));
}

static bool ip_matches(const GENERAL_NAME *n, const struct addr *ip)
{
	const void *bytes = ip->family == AF_INET ? (const void *)&ip->v4.sin_addr : (const void *)&ip->v6.sin6_addr;
	int length = ip->family == AF_INET ? 4 : 16;

	return n->type == GEN_IPADD && ASN1_STRING_length(n->d.iPAddress) == length &&
	       memcmp(ASN1_STRING_get0_data(n->d.iPAddress), bytes, (size_t)length) == 0;
}

static bool san_matches(const GENERAL_NAMES *san, struct span host)
{
	struct addr ip = {0};
	bool is_ip = addr_parse_ip(host, 0, &ip), has_uri = false;
	int kind = GEN_DNS;

	for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(san, i);

		has_uri |= domain_of(n, GEN_URI).n > 0;
		if (is_ip && ip_matches(n, &ip))
			return true;
	}
	if (has_uri)
		kind = GEN_URI;
	for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
		struct span name = domain_of(sk_GENERAL_NAME_value(san, i), kind);

		if (is_ip ? span_ieq(name, host) : matches(name, host))
			return true;
	}

	return false;
}

/* The last common name, as UTF-8. */
static struct span common_name(X509 *cert, unsigned char **ret_owned)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1, next, n;

	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	*ret_owned = NULL;
	if (at < 0)
		return (struct span){0};
	n = ASN1_STRING_to_UTF8(ret_owned, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

	return n < 0 ? (struct span){0} : span((const char *)*ret_owned, (size_t)n);
}

bool tls_name_matches(X509 *cert, struct span host)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	unsigned char *owned;
	bool is_match;

	host = without_dot(host);
	if (san) {
		is_match = san_matches(san, host);
		GENERAL_NAMES_free(san);
		return is_match;
	}

	struct span name = common_name(cert, &owned);
	struct addr ip;

	is_match = addr_parse_ip(host, 0, &ip) ? span_ieq(name, host) : matches(name, host);
	OPENSSL_free(owned);

	return is_match && host.n;
}

static void add(char *ret, size_t cap, struct span name)
{
	size_t n = strlen(ret);
	char clean[NAME_BYTES];

	if (!name.n)
		return;
	for (size_t i = 0; i <= MIN(name.n, sizeof(clean) - 1); i++)
		clean[i] = i < name.n && i < sizeof(clean) - 1 ? name.p[i] : 0;
	for (char *c = clean; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	snprintf(ret + n, cap - n, "%s%s", n ? ", " : "", clean);
}

static void add_ip(char *ret, size_t cap, const GENERAL_NAME *n)
{
	char text[ADDR_TEXT];
	struct addr ip = {0};

	if (ASN1_STRING_length(n->d.iPAddress) == 4) {
		ip.v4.sin_family = AF_INET;
		memcpy(&ip.v4.sin_addr, ASN1_STRING_get0_data(n->d.iPAddress), 4);
	} else if (ASN1_STRING_length(n->d.iPAddress) == 16) {
		ip.v6.sin6_family = AF_INET6;
		memcpy(&ip.v6.sin6_addr, ASN1_STRING_get0_data(n->d.iPAddress), 16);
	} else {
		return;
	}
	add(ret, cap, span_z(addr_ip_text(&ip, text)));
}

void tls_name_list(X509 *cert, char *ret, size_t cap)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	unsigned char *owned;

	ret[0] = 0;
	for (int i = 0; san && i < sk_GENERAL_NAME_num(san); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(san, i);

		if (n->type == GEN_IPADD)
			add_ip(ret, cap, n);
		else
			add(ret, cap, n->type == GEN_URI ? text_of(n->d.uniformResourceIdentifier) : domain_of(n, GEN_DNS));
	}
	if (!san) {
		add(ret, cap, common_name(cert, &owned));
		OPENSSL_free(owned);
	}
	GENERAL_NAMES_free(san);
	if (!ret[0])
		buf_copy(ret, cap, "no name at all");
}
