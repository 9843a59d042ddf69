/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/digest.h"
#include "sip/lex.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/*
 * The server's side, RFC 7616 §3.3 and §5.5 (nonces), §5.12 (replay). A nonce is its time in 16 hex digits and half an
 * HMAC-SHA-256 of time and realm in 32.
 */

#define TIME_HEX 16
#define MAC_HEX	 32

static const char hex_digits[] = "0123456789abcdef";

void sip_nonce_make(char ret_nonce[SIP_NONCE_BYTES], struct span key, struct span realm, msec_t now)
{
	unsigned char mac[EVP_MAX_MD_SIZE] = {0};
	unsigned char text[TIME_HEX + LIMIT_NAME_BYTES];
	size_t realm_n = MIN(realm.n, (size_t)LIMIT_NAME_BYTES);
	unsigned n = 0;

	for (int i = TIME_HEX - 1, shift = 0; i >= 0; i--, shift += 4)
		ret_nonce[i] = hex_digits[(uint64_t)now >> shift & 15];
	memcpy(text, ret_nonce, TIME_HEX);
	if (realm_n)
		memcpy(text + TIME_HEX, realm.p, realm_n);
	if (!HMAC(EVP_sha256(), key.p, (int)key.n, text, TIME_HEX + realm_n, mac, &n))
		abort(); /* a guessable nonce is worse than none */

	for (int i = 0; i < MAC_HEX / 2; i++) {
		ret_nonce[TIME_HEX + 2 * i] = hex_digits[mac[i] >> 4];
		ret_nonce[TIME_HEX + 2 * i + 1] = hex_digits[mac[i] & 15];
	}
	ret_nonce[TIME_HEX + MAC_HEX] = 0;
}

static bool nonce_time(struct span nonce, msec_t *ret)
{
	uint64_t t = 0;

	if (nonce.n != TIME_HEX + MAC_HEX)
		return false;

	for (int i = 0; i < TIME_HEX; i++) {
		const char *digit = nonce.p[i] ? strchr(hex_digits, nonce.p[i]) : NULL;

		if (!digit)
			return false;
		t = t << 4 | (uint64_t)(digit - hex_digits);
	}
	*ret = (msec_t)t;

	return true;
}

enum sip_nonce_state sip_nonce_check(const struct sip_auth_server *server, struct span nonce, msec_t now)
{
	char ours[SIP_NONCE_BYTES];
	msec_t made_at;

	if (!nonce_time(nonce, &made_at))
		return SIP_NONCE_FOREIGN;
	sip_nonce_make(ours, server->key, server->realm, made_at);
	if (CRYPTO_memcmp(ours, nonce.p, nonce.n) != 0)
		return SIP_NONCE_FOREIGN;

	return made_at > now || now - made_at > (msec_t)server->nonce_ttl_ms ? SIP_NONCE_OLD : SIP_NONCE_FRESH;
}

/* ---- nonce counts ---- */

/* FNV-1a over nonce, user and cnonce, all of which the response covers. */
static uint64_t nc_hash(const struct sip_credentials *c)
{
	const struct span parts[] = {c->nonce, c->username, c->cnonce};
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		for (size_t k = 0; k < parts[i].n; k++)
			h = (h ^ (unsigned char)parts[i].p[k]) * UINT64_C(0x100000001b3);
		h = (h ^ 0x100) * UINT64_C(0x100000001b3);
	}

	return h ? h : 1;
}

/* Marks nc as used; false if it was, or is too far behind to know. */
static bool entry_use(struct sip_nc_entry *e, uint32_t nc)
{
	uint32_t behind;

	if (nc > e->highest) {
		uint32_t ahead = nc - e->highest;

		e->window = ahead < 64 ? e->window << ahead | 1 : 1;
		e->highest = nc;
		return true;
	}
	behind = e->highest - nc;
	if (behind >= 64 || e->window >> behind & 1)
		return false;
	e->window |= UINT64_C(1) << behind;

	return true;
}

static bool nc_use(struct sip_nc_table *table, const struct sip_credentials *c)
{
	uint64_t hash = nc_hash(c);
	size_t set = hash % SIP_NC_SETS;
	struct sip_nc_entry *oldest = &table->entries[set][0];
	msec_t made_at;

	if (!nonce_time(c->nonce, &made_at))
		return false;
	for (size_t i = 0; i < SIP_NC_WAYS; i++) {
		struct sip_nc_entry *e = &table->entries[set][i];

		if (e->hash == hash)
			return entry_use(e, c->nc);
		if (e->hash == 0 || (oldest->hash && e->made_at < oldest->made_at))
			oldest = e;
	}
	/* lost_at is 0 until something was lost, and no clock of ours stands before 0. */
	if (table->lost_at[set] && made_at < table->lost_at[set])
		return false;

	if (oldest->hash && oldest->made_at >= table->lost_at[set])
		table->lost_at[set] = oldest->made_at + 1;
	if (made_at < table->lost_at[set])
		return false;
	*oldest = (struct sip_nc_entry){.hash = hash, .window = 1, .made_at = made_at, .highest = c->nc};

	return true;
}

/* ---- challenge and verification ---- */

static bool is_offered(const struct sip_auth_server *server, enum sip_digest_alg alg)
{
	uint32_t algs = server->algs ? server->algs : 1u << SIP_DIGEST_SHA256 | 1u << SIP_DIGEST_MD5;

	return alg != SIP_DIGEST_UNKNOWN && algs >> alg & 1;
}

void sip_write_challenges(struct sip_writer *w, enum sip_hdr_id id, const struct sip_auth_server *server, bool is_stale,
	msec_t now)
{
	char nonce[SIP_NONCE_BYTES];

	sip_nonce_make(nonce, server->key, server->realm, now);
	for (int alg = SIP_DIGEST_ALG_COUNT - 1; alg > SIP_DIGEST_UNKNOWN; alg--) {
		if (!is_offered(server, (enum sip_digest_alg)alg))
			continue;
		sip_write_hdr_begin(w, id);
		sip_write_z(w, "Digest realm=");
		sip_write_quoted(w, server->realm);
		sip_write_z(w, ", nonce=\"");
		sip_write_z(w, nonce);
		sip_write_z(w, "\", algorithm=");
		sip_write_span(w, sip_digest_alg_word((enum sip_digest_alg)alg));
		sip_write_z(w, is_stale ? ", qop=\"auth\", stale=true" : ", qop=\"auth\"");
		sip_write_hdr_end(w);
	}
}

/* The credentials for our realm, among those of other servers on the way. */
static bool find_credentials(const struct sip_auth_server *server, const struct sip_auth_check *check,
	struct sip_credentials *ret)
{
	const struct sip_header *hdr = sip_msg_find(check->request, check->id);

	for (; hdr; hdr = sip_msg_find_next(check->request, hdr)) {
		char buf[LIMIT_NAME_BYTES];
		struct span realm;

		if (sip_credentials_parse(ret, hdr->value) || !span_ieq_z(ret->scheme, "Digest"))
			continue;
		if (sip_unquote(ret->realm, buf, sizeof(buf), &realm) == 0 && span_eq(realm, server->realm))
			return true;
	}

	return false;
}

static bool is_right_response(const struct sip_auth_check *check, const struct sip_credentials *c, struct span user)
{
	struct sip_digest_hex ha1 = {{0}}, right;
	bool is_known = check->ha1(check->ha1_arg, user, c->algorithm, &ha1) == 0;
	char given[SIP_DIGEST_HEX_BYTES];
	struct sip_digest_input in = {
		.alg = c->algorithm,
		.nonce = c->nonce,
		.cnonce = c->cnonce,
		.nc = c->nc_text,
		.qop = c->qop,
		.method = check->request->method_name,
		.uri = c->uri,
		.body = check->request->body,
	};
	size_t n;

	/* An unknown user is hashed all the same, so that the time does not tell. */
	in.ha1 = is_known ? sip_digest_hex_span(&ha1) : SPAN_LIT("00000000000000000000000000000000");
	if (sip_digest_response(&right, &in))
		return false;
	n = strlen(right.text);
	if (c->response.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		given[i] = c->response.p[i] >= 'A' && c->response.p[i] <= 'F' ? c->response.p[i] | 0x20 : c->response.p[i];

	return CRYPTO_memcmp(given, right.text, n) == 0 && is_known;
}

enum sip_auth_result sip_auth_verify(const struct sip_auth_server *server, struct sip_auth_check *check, msec_t now)
{
	struct sip_credentials c;
	enum sip_nonce_state nonce;
	char buf[LIMIT_NAME_BYTES];
	struct span user;

	check->user = (struct span){0};
	if (!find_credentials(server, check, &c))
		return SIP_AUTH_MISSING;
	check->user = c.username;
	if (sip_unquote(c.username, buf, sizeof(buf), &user))
		return SIP_AUTH_REFUSED;
	/* An algorithm that was not offered would let an attacker choose the weakest. */
	if (!is_offered(server, c.algorithm) || (server->nc_table && !c.qop))
		return SIP_AUTH_REFUSED;

	nonce = sip_nonce_check(server, c.nonce, now);
	if (nonce != SIP_NONCE_FRESH)
		return nonce == SIP_NONCE_OLD ? SIP_AUTH_STALE : SIP_AUTH_REFUSED;
	if (!is_right_response(check, &c, user))
		return SIP_AUTH_REFUSED;

	return server->nc_table && !nc_use(server->nc_table, &c) ? SIP_AUTH_STALE : SIP_AUTH_OK;
}
