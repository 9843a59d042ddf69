/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/method.h"

/*
 * URIs, RFC 3261 §19.1 (sip, sips) and RFC 3966 (tel), zero-copy: every span points into the text that was parsed and is
 * still escaped. Other schemes are kept whole, since they are legal in From, To and Contact.
 *
 * Lenient where phones are: '#' and other reserved characters unescaped in the user part, space never.
 */
enum sip_scheme {
	SIP_SCHEME_OTHER = 0,
	SIP_SCHEME_SIP,
	SIP_SCHEME_SIPS,
	SIP_SCHEME_TEL,
};

struct sip_uri {
	struct span text;	/* all of it */
	struct span scheme_text; /* "sip" */
	struct span user;	/* absent if there is no '@'; the number for tel */
	struct span password;	/* absent if none */
	struct span host;	/* an IPv6 address without its brackets; empty for tel */
	struct span params;	/* what follows the first ';' (without it), up to '?' */
	struct span headers;	/* what follows '?' (without it) */
	struct span opaque;	/* OTHER: what follows the scheme's colon */
	enum sip_scheme scheme;
	uint16_t port;		/* 0: none given */
	bool is_ipv6;		/* host stood in brackets */
};

/* The whole of text must be a URI. -TR_EPARSE and -TR_ETOOBIG leave *ret untouched. */
nodiscard int sip_uri_parse(struct sip_uri *ret, struct span text);

/*
 * Parameters of sip, sips and tel. True if it is there; *ret (may be NULL) becomes its value, present and empty for a flag.
 * Names compare without case.
 */
bool sip_uri_param(const struct sip_uri *uri, const char *name, struct span *ret);

enum sip_transport sip_uri_transport(const struct sip_uri *uri); /* UNKNOWN if absent or not known */
bool sip_uri_is_lr(const struct sip_uri *uri);	/* loose router, RFC 3261 §19.1.1; also the "lr=on" of old proxies */
bool sip_uri_is_ob(const struct sip_uri *uri);	/* RFC 5626 §5.3 */
struct span sip_uri_maddr(const struct sip_uri *uri);
struct span sip_uri_user_param(const struct sip_uri *uri); /* "phone", "ip" */
struct span sip_uri_method(const struct sip_uri *uri);
int sip_uri_ttl(const struct sip_uri *uri);	/* 0..255, or -1 */
uint16_t sip_uri_port(const struct sip_uri *uri); /* with the scheme's default: 5060, 5061 for sips or transport=tls */

/* RFC 3261 §19.1.4. Other schemes compare as text. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/*
 * The '?' part, one hname=hvalue after the other, still escaped: true while there is one. Start with rest = uri->headers.
 * For Refer-To: <sip:a@b?Replaces=...> (RFC 3891 §4).
 */
bool sip_uri_header_next(struct span *rest, struct span *ret_name, struct span *ret_value);

/*
 * Undoes %HH. A wrong escape stays as it stands. The output is never longer than the input and is not terminated;
 * -TR_ETOOBIG if it does not fit into cap. ret->p is buf.
 */
nodiscard int sip_unescape(struct span text, char *buf, size_t cap, struct span *ret);

/* Host equality without case; IPv6 compares as an address, so "::1" equals "0:0::1" (RFC 5954 §4.2). */
bool sip_host_equal(struct span a, struct span b);
