/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/digest_alg.h"
#include "sip/method.h"
#include "sip/uri.h"

/*
 * Header values, typed. All parsers take the value of one header field, or one element of a list (msg.h: sip_list_next),
 * are zero-copy, return 0 or -TR_EPARSE and write *ret only on success. White space includes CR and LF here, since folded
 * lines (RFC 3261 §7.3.1) are left in place.
 */

/* ---- parameters: ";name=value;flag", values as tokens, quoted strings or hosts ---- */

struct sip_param {
	struct span name;
	struct span value;	/* without its quotes, still escaped; absent for a flag */
	bool is_quoted;
};

/* Start with rest = the params span of a parsed value. False at the end, or at text that is no parameter:
 * something of it stays in *rest then. */
bool sip_param_next(struct span *rest, struct sip_param *ret);

/* True if the first parameter of that name (any case) is there; *ret (may be NULL) is its value, empty for a flag. */
bool sip_param_find(struct span params, const char *name, struct span *ret);
bool sip_param_u32(struct span params, const char *name, uint32_t *ret);

/* Whether all of params follows the grammar (RFC 3261 §25.1 generic-param). */
bool sip_params_are_valid(struct span params);

/* Removes the backslashes of a quoted string's inside. -TR_ETOOBIG if it does not fit. ret->p is buf, or text.p if none. */
nodiscard int sip_unquote(struct span text, char *buf, size_t cap, struct span *ret);

/* Elements of one value that are separated by commas outside of "" and <>. Empty ones are skipped (RFC 3261 §7.3.1). */
bool sip_comma_next(struct span *rest, struct span *ret);

/* Whether a list value such as Supported, Require or Allow has this token (any case). */
bool sip_tokens_have(struct span value, const char *token);

/* ---- addresses: From, To, Contact, Route, Record-Route, Refer-To, Referred-By, P-*-Identity, Diversion, Path ... ---- */

struct sip_name_addr {
	struct span display;	/* without its quotes, still escaped (sip_unquote); absent if none */
	bool is_quoted;		/* display stood in quotes */
	bool is_angled;		/* the URI stood in <> */
	struct sip_uri uri;
	struct span params;	/* the header's own: what follows the first ';' after the address */
	struct span tag;	/* absent if none */
};

nodiscard int sip_name_addr_parse(struct sip_name_addr *ret, struct span value);

/* The tag of a From or To alone, absent if it has none: names and brackets are read, the URI is not. */
nodiscard int sip_party_tag(struct span *ret_tag, struct span value);

/* RFC 3261 §20.10. */
struct sip_contact {
	struct sip_name_addr addr; /* meaningless if is_star */
	bool is_star;		   /* "*", RFC 3261 §10.2.2 */
	bool has_expires;
	uint32_t expires;	   /* seconds; what does not parse counts as 3600 (§10.3 step 7) */
	uint16_t q;		   /* thousandths; 1000 if absent */
};

nodiscard int sip_contact_parse(struct sip_contact *ret, struct span value);

/* ---- Via, RFC 3261 §20.42, RFC 3581 §3 ---- */

struct sip_via {
	enum sip_transport transport;
	struct span transport_text;
	struct span host;	/* sent-by; an IPv6 address without brackets */
	uint16_t port;		/* 0: none given */
	bool is_ipv6;
	bool has_rport;		/* the parameter is there, with or without a value */
	uint16_t rport;		/* its value; 0 if empty */
	struct span params;
	struct span branch;	/* absent if none */
	struct span received;	/* brackets removed if IPv6 */
	struct span maddr;
	int ttl;		/* -1 if absent */
	bool has_alias;		/* RFC 5923 */
	struct span text;	/* all of it */
};

nodiscard int sip_via_parse(struct sip_via *ret, struct span value);

/* The branch begins with the cookie and more follows: RFC 3261 §8.1.1.7. */
bool sip_branch_is_3261(struct span branch);

/* ---- numbers and small things ---- */

struct sip_cseq {
	uint32_t number; /* < 2^31 */
	enum sip_method method;
	struct span method_name;
};

nodiscard int sip_cseq_parse(struct sip_cseq *ret, struct span value);

/* RFC 3262 §7.2. */
struct sip_rack {
	uint32_t rseq;
	uint32_t cseq;
	enum sip_method method;
	struct span method_name;
};

nodiscard int sip_rack_parse(struct sip_rack *ret, struct span value);

/* Max-Forwards, Expires, Min-Expires, Min-SE, RSeq, Content-Length, Flow-Timer; parameters behind it are ignored. */
nodiscard int sip_number_parse(uint32_t *ret, struct span value);

enum sip_refresher {
	SIP_REFRESHER_NONE = 0,
	SIP_REFRESHER_UAC,
	SIP_REFRESHER_UAS,
};

/* RFC 4028 §4. */
struct sip_session_expires {
	uint32_t interval; /* seconds */
	enum sip_refresher refresher;
	struct span params;
};

nodiscard int sip_session_expires_parse(struct sip_session_expires *ret, struct span value);

/* RFC 3891 §6.1; also Join, RFC 3911 §7.1. */
struct sip_replaces {
	struct span call_id;
	struct span to_tag;
	struct span from_tag;
	bool is_early_only;
};

nodiscard int sip_replaces_parse(struct sip_replaces *ret, struct span value);

/* RFC 3261 §20.33. */
struct sip_retry_after {
	uint32_t seconds;
	uint32_t duration;	/* 0 if absent */
	struct span comment;	/* without its parentheses */
};

nodiscard int sip_retry_after_parse(struct sip_retry_after *ret, struct span value);

/* RFC 6665 §8.2.1; "refer;id=93809824". */
struct sip_event {
	struct span package;
	struct span id;		/* absent if none */
	struct span params;
};

nodiscard int sip_event_parse(struct sip_event *ret, struct span value);

/* RFC 6665 §8.2.3. */
struct sip_subscription_state {
	struct span state;	/* "active", "pending", "terminated" or another */
	bool is_active;
	bool is_pending;
	bool is_terminated;
	bool has_expires;
	uint32_t expires;	/* seconds */
	uint32_t retry_after;	/* seconds, 0 if absent */
	struct span reason;
};

nodiscard int sip_subscription_state_parse(struct sip_subscription_state *ret, struct span value);

/* RFC 3261 §20.15. Compare with span_ieq_z. */
struct sip_content_type {
	struct span type;	/* "application" */
	struct span subtype;	/* "sdp" */
	struct span params;
};

nodiscard int sip_content_type_parse(struct sip_content_type *ret, struct span value);
bool sip_content_type_is(const struct sip_content_type *ct, const char *type, const char *subtype);

/* RFC 3326 §2: "Q.850;cause=16;text=\"Terminated\"". */
struct sip_reason {
	struct span protocol;	/* "SIP", "Q.850" */
	uint32_t cause;		/* 0 if absent */
	struct span text;	/* without quotes, still escaped; absent if none */
};

nodiscard int sip_reason_parse(struct sip_reason *ret, struct span value);

/* ---- digest, RFC 7616 §3.3 and §3.4, RFC 8760 ---- */

#define SIP_QOP_AUTH	 1u
#define SIP_QOP_AUTH_INT 2u

/* WWW-Authenticate and Proxy-Authenticate. Spans are the insides of quoted strings, still escaped: that is what is hashed. */
struct sip_challenge {
	struct span scheme;	/* "Digest"; with another one, all below is absent */
	struct span realm;
	struct span nonce;
	struct span opaque;	/* absent if none */
	struct span domain;
	struct span algorithm_text; /* absent means MD5 */
	enum sip_digest_alg algorithm;
	unsigned qop;		/* SIP_QOP_ bits; 0 if there is none we know */
	bool has_qop;		/* false: RFC 2069 style */
	bool is_stale;
	bool has_userhash;
};

nodiscard int sip_challenge_parse(struct sip_challenge *ret, struct span value);

/* Authorization and Proxy-Authorization. */
struct sip_credentials {
	struct span scheme;
	struct span username;
	struct span realm;
	struct span nonce;
	struct span uri;
	struct span response;
	struct span cnonce;
	struct span opaque;
	struct span algorithm_text;
	enum sip_digest_alg algorithm;
	unsigned qop;		/* one SIP_QOP_ bit, or 0 for RFC 2069 style */
	struct span nc_text;	/* eight hex digits */
	uint32_t nc;
	bool has_userhash;
};

nodiscard int sip_credentials_parse(struct sip_credentials *ret, struct span value);
