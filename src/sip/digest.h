/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/hdr.h"
#include "sip/msg.h"
#include "sip/write.h"

/*
 * Digest authentication, RFC 3261 §22 with RFC 7616 and RFC 8760, both sides. Pure: randomness (cnonce, nonce key) and time
 * are arguments. Any thread.
 */

#define SIP_DIGEST_HEX_BYTES 64 /* SHA-256 and SHA-512-256 in hex; MD5 fills half */

struct sip_digest_hex {
	char text[SIP_DIGEST_HEX_BYTES + 1]; /* terminated */
};

static inline struct span sip_digest_hex_span(const struct sip_digest_hex *h)
{
	return span_z(h->text);
}

/* H(user:realm:password) of the algorithm's plain form: what a password store may keep instead of the password. */
nodiscard int sip_digest_ha1(struct sip_digest_hex *ret, enum sip_digest_alg alg, struct span user, struct span realm,
	struct span password);

/* RFC 7616 §3.4.1. All that goes into a response. */
struct sip_digest_input {
	enum sip_digest_alg alg;
	struct span ha1;	/* of the plain algorithm; -sess is done inside */
	struct span nonce;
	struct span cnonce;	/* needed with qop or a -sess algorithm */
	struct span nc;		/* eight hex digits, with qop */
	unsigned qop;		/* one SIP_QOP_ bit, or 0 as RFC 2069 */
	struct span method;
	struct span uri;
	struct span body;	/* for auth-int */
};

nodiscard int sip_digest_response(struct sip_digest_hex *ret, const struct sip_digest_input *in);

/* ---- client ---- */

/*
 * The challenges of a 401 or 407 that we can answer: for each realm the strongest algorithm, the first one among equals,
 * in order of appearance (RFC 8760 §2.4: the server lists its favourite first, but a weaker one is never taken when a
 * stronger one is there). Returns how many (0: none that we can answer), at most cap.
 */
size_t sip_digest_choose(const struct sip_msg *response, struct sip_challenge *ret, size_t cap);

#define SIP_AUTH_TEXT_BYTES 768 /* realm, nonce, opaque and cnonce of the longest challenge seen fill a third */
#define SIP_CNONCE_BYTES    33

/* A challenge that is being answered, kept for later requests (nc counts up). Its spans point into itself: never move it. */
struct sip_auth {
	struct sip_challenge challenge;
	struct span cnonce;
	uint32_t nc;		/* how often the nonce was used */
	bool is_proxy;		/* Proxy-Authorization instead of Authorization */
	char text[SIP_AUTH_TEXT_BYTES];
};

/*
 * Copies the challenge; cnonce is random text of the caller (letters and digits), the same for the life of the nonce, as the
 * -sess algorithms need. -TR_ETOOBIG, or -TR_EUNSUPP for an algorithm or scheme we do not know.
 */
nodiscard int sip_auth_init(struct sip_auth *ret, const struct sip_challenge *challenge, bool is_proxy, struct span cnonce);

struct sip_login {
	struct span user;	/* the authentication id if there is one, otherwise the user name */
	struct span password;
};

/* Writes the whole Authorization or Proxy-Authorization field and counts nc. uri is the Request-URI as sent. */
struct sip_auth_request {
	struct span method;
	struct span uri;
	struct span body;	/* only hashed if auth-int is all that is offered */
};

void sip_auth_write(struct sip_auth *auth, struct sip_writer *w, const struct sip_login *login,
	const struct sip_auth_request *request);

/* ---- server ---- */

#define SIP_NONCE_BYTES 49 /* 16 hex digits of time, 32 of keyed hash, terminator */

/* A nonce that carries its time and proves that we made it: no memory is needed to check its age. */
void sip_nonce_make(char ret_nonce[SIP_NONCE_BYTES], struct span key, struct span realm, msec_t now);

enum sip_nonce_state {
	SIP_NONCE_FRESH,
	SIP_NONCE_OLD,	   /* ours but too old: challenge again with stale=true */
	SIP_NONCE_FOREIGN, /* not ours */
};

struct sip_auth_server {
	struct span key;	/* at least 16 random bytes, the same as long as nonces live */
	struct span realm;
	uint32_t nonce_ttl_ms;
	struct sip_nc_table *nc_table; /* NULL: replays within the nonce's life are not detected */
	uint32_t algs;		/* offered: bits 1 << SIP_DIGEST_x; 0: SHA-256 and MD5 */
};

enum sip_nonce_state sip_nonce_check(const struct sip_auth_server *server, struct span nonce, msec_t now);

/*
 * Nonce counts that were used, for each pair of nonce and cnonce. Zero it before use. When a set is full its oldest entry
 * gives way, and from then on what may have been that entry's nonce is answered with stale: a replay is never taken.
 */
#define SIP_NC_SETS 64
#define SIP_NC_WAYS 4

struct sip_nc_entry {
	uint64_t hash;	     /* 0: free */
	uint64_t window;     /* bit i: highest - i was used */
	msec_t made_at;	     /* when the nonce was made */
	uint32_t highest;
};

struct sip_nc_table {
	struct sip_nc_entry entries[SIP_NC_SETS][SIP_NC_WAYS];
	msec_t lost_at[SIP_NC_SETS]; /* nonces of this set made up to here may have been forgotten */
};

/* One challenge field for each algorithm, strongest first (RFC 8760 §2.4). */
void sip_write_challenges(struct sip_writer *w, enum sip_hdr_id id, const struct sip_auth_server *server, bool is_stale,
	msec_t now);

/* The password (or HA1) of a user: 0 and *ret_ha1 for that algorithm, or -TR_ENOTFOUND. */
typedef int sip_ha1_fn(void *arg, struct span user, enum sip_digest_alg alg, struct sip_digest_hex *ret_ha1);

enum sip_auth_result {
	SIP_AUTH_OK,
	SIP_AUTH_MISSING, /* no credentials for this realm: challenge */
	SIP_AUTH_STALE,	  /* right or not, the nonce is too old or its count was used: challenge with stale=true */
	SIP_AUTH_REFUSED, /* wrong user or password, or a nonce of somebody else: challenge again, count it */
};

struct sip_auth_check {
	const struct sip_msg *request;
	enum sip_hdr_id id;	/* Authorization or Proxy-Authorization */
	sip_ha1_fn *ha1;
	void *ha1_arg;
	struct span user;	/* set by the check to the user of the credentials, also if refused */
};

/*
 * Digests are compared in constant time, and an unknown user costs the same as a wrong password. Credentials without qop
 * (RFC 2069) are refused if there is an nc_table, since their replay cannot be seen. The uri parameter is not held against the
 * Request-URI: proxies on the way may have changed that (RFC 3261 §22.4).
 */
enum sip_auth_result sip_auth_verify(const struct sip_auth_server *server, struct sip_auth_check *check, msec_t now);
