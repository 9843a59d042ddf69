/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/digest.h"
#include <openssl/evp.h>
#include <pthread.h>

/* The hashes, RFC 7616 §3.4, and the client's side. */

#define MAX_PARTS 6

/* Fetching an algorithm costs more than a digest, so each is fetched once per process; read-only afterwards. */
static const EVP_MD *hashes[3];
static pthread_once_t hashes_once = PTHREAD_ONCE_INIT;

static void fetch_hashes(void)
{
	hashes[0] = EVP_MD_fetch(NULL, "MD5", NULL);
	hashes[1] = EVP_MD_fetch(NULL, "SHA256", NULL);
	hashes[2] = EVP_MD_fetch(NULL, "SHA512-256", NULL);
}

/* MD5 and MD5-sess are of one strength. */
static int strength(enum sip_digest_alg alg)
{
	return ((int)alg + 1) / 2;
}

static bool is_sess(enum sip_digest_alg alg)
{
	return alg == SIP_DIGEST_MD5_SESS || alg == SIP_DIGEST_SHA256_SESS || alg == SIP_DIGEST_SHA512_256_SESS;
}

/* NULL if it is not known, or if OpenSSL may not use it (MD5 in FIPS mode). */
static const EVP_MD *hash_of(enum sip_digest_alg alg)
{
	pthread_once(&hashes_once, fetch_hashes);
	if (alg <= SIP_DIGEST_UNKNOWN || alg >= SIP_DIGEST_ALG_COUNT)
		return NULL;

	return hashes[strength(alg) - 1];
}

static void to_hex(struct sip_digest_hex *ret, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret->text[2 * i] = digits[bytes[i] >> 4];
		ret->text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret->text[2 * n] = 0;
}

/* H(part ":" part ":" ...) in hex. */
static int hash_joined(struct sip_digest_hex *ret, enum sip_digest_alg alg, const struct span *parts, size_t count)
{
	const EVP_MD *md = hash_of(alg);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *ctx;
	int ok;

	if (!md)
		return -TR_EUNSUPP;
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return -ENOMEM;

	ok = EVP_DigestInit_ex(ctx, md, NULL);
	for (size_t i = 0; ok && i < count; i++) {
		if (i)
			ok = EVP_DigestUpdate(ctx, ":", 1);
		if (ok && parts[i].n)
			ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
	}
	ok = ok && EVP_DigestFinal_ex(ctx, digest, &n);
	EVP_MD_CTX_free(ctx);
	if (!ok || n > SIP_DIGEST_HEX_BYTES / 2)
		return -TR_EUNSUPP;
	to_hex(ret, digest, n);

	return 0;
}

int sip_digest_ha1(struct sip_digest_hex *ret, enum sip_digest_alg alg, struct span user, struct span realm,
	struct span password)
{
	const struct span parts[] = {user, realm, password};

	return hash_joined(ret, alg, parts, ARRAY_LEN(parts));
}

/* RFC 7616 §3.4.3: the body is hashed for auth-int only. */
static int hash_a2(struct sip_digest_hex *ret, const struct sip_digest_input *in)
{
	struct span parts[3] = {in->method, in->uri};
	struct sip_digest_hex body;
	int err;

	if (in->qop != SIP_QOP_AUTH_INT)
		return hash_joined(ret, in->alg, parts, 2);

	err = hash_joined(&body, in->alg, &in->body, 1);
	if (err)
		return err;
	parts[2] = sip_digest_hex_span(&body);

	return hash_joined(ret, in->alg, parts, 3);
}

/* RFC 7616 §3.4.1; without qop RFC 2617 §3.2.2.1's form for RFC 2069. */
int sip_digest_response(struct sip_digest_hex *ret, const struct sip_digest_input *in)
{
	struct sip_digest_hex ha1, a2;
	struct span parts[MAX_PARTS], key = in->ha1;
	size_t n = 0;
	int err;

	if (is_sess(in->alg)) {
		const struct span sess[] = {in->ha1, in->nonce, in->cnonce};

		err = hash_joined(&ha1, in->alg, sess, ARRAY_LEN(sess));
		if (err)
			return err;
		key = sip_digest_hex_span(&ha1);
	}
	err = hash_a2(&a2, in);
	if (err)
		return err;

	parts[n++] = key;
	parts[n++] = in->nonce;
	if (in->qop) {
		parts[n++] = in->nc;
		parts[n++] = in->cnonce;
		parts[n++] = in->qop == SIP_QOP_AUTH_INT ? SPAN_LIT("auth-int") : SPAN_LIT("auth");
	}
	parts[n++] = sip_digest_hex_span(&a2);

	return hash_joined(ret, in->alg, parts, n);
}

/* ---- client ---- */

static bool is_answerable(const struct sip_challenge *c)
{
	return span_ieq_z(c->scheme, "Digest") && hash_of(c->algorithm) && (c->qop || !c->has_qop);
}

/* RFC 3261 §22.3 keeps realms apart; RFC 8760 §2.4 orders what one realm offers. */
static size_t take_challenge(const struct sip_challenge *c, struct sip_challenge *list, size_t count, size_t cap)
{
	for (size_t i = 0; i < count; i++) {
		if (!span_eq(list[i].realm, c->realm))
			continue;
		if (strength(c->algorithm) > strength(list[i].algorithm))
			list[i] = *c;
		return count;
	}
	if (count < cap)
		list[count++] = *c;

	return count;
}

size_t sip_digest_choose(const struct sip_msg *response, struct sip_challenge *ret, size_t cap)
{
	enum sip_hdr_id id = response->status == 407 ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE;
	const struct sip_header *hdr = sip_msg_find(response, id);
	size_t count = 0, read = 0;

	for (; hdr && read < LIMIT_SIP_CHALLENGES; hdr = sip_msg_find_next(response, hdr), read++) {
		struct sip_challenge challenge;

		if (sip_challenge_parse(&challenge, hdr->value) == 0 && is_answerable(&challenge))
			count = take_challenge(&challenge, ret, count, cap);
	}

	return count;
}

/* Copies text behind *used and points the span there. */
static bool keep(struct sip_auth *auth, size_t *used, struct span *s)
{
	if (s->p == NULL)
		return true;
	if (s->n > sizeof(auth->text) - *used)
		return false;
	if (s->n)
		memcpy(auth->text + *used, s->p, s->n);
	s->p = auth->text + *used;
	*used += s->n;

	return true;
}

int sip_auth_init(struct sip_auth *ret, const struct sip_challenge *challenge, bool is_proxy, struct span cnonce)
{
	struct sip_challenge c = *challenge;
	struct span *const texts[] = {&c.scheme, &c.realm, &c.nonce, &c.opaque, &c.algorithm_text, &cnonce};
	size_t used = 0;

	if (!is_answerable(challenge))
		return -TR_EUNSUPP;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!keep(ret, &used, texts[i]))
			return -TR_ETOOBIG;

	c.domain = (struct span){0};
	ret->challenge = c;
	ret->cnonce = cnonce;
	ret->nc = 0;
	ret->is_proxy = is_proxy;

	return 0;
}

/* Text that is in its escaped form already. */
static void write_pair(struct sip_writer *w, const char *name, struct span value)
{
	sip_write_z(w, name);
	sip_write_z(w, "=\"");
	sip_write_span(w, value);
	sip_write_char(w, '"');
}

static void write_credentials(struct sip_auth *auth, struct sip_writer *w, const struct sip_login *login,
	const struct sip_digest_input *in, const struct sip_digest_hex *response)
{
	const struct sip_challenge *c = &auth->challenge;

	sip_write_hdr_begin(w, auth->is_proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION);
	sip_write_z(w, "Digest username=");
	sip_write_quoted(w, login->user);
	write_pair(w, ", realm", c->realm);
	write_pair(w, ", nonce", c->nonce);
	write_pair(w, ", uri", in->uri);
	write_pair(w, ", response", sip_digest_hex_span(response));
	/* Some servers that send no algorithm refuse one in the answer. */
	if (c->algorithm_text.p) {
		sip_write_z(w, ", algorithm=");
		sip_write_span(w, sip_digest_alg_word(c->algorithm));
	}
	if (in->qop || is_sess(c->algorithm))
		write_pair(w, ", cnonce", in->cnonce);
	if (in->qop) {
		sip_write_z(w, in->qop == SIP_QOP_AUTH_INT ? ", qop=auth-int" : ", qop=auth");
		sip_write_z(w, ", nc=");
		sip_write_span(w, in->nc);
	}
	if (c->opaque.p)
		write_pair(w, ", opaque", c->opaque);
	sip_write_hdr_end(w);
}

static void write_nc(uint32_t nc, char ret_text[8])
{
	for (int i = 7; i >= 0; i--, nc >>= 4)
		ret_text[i] = "0123456789abcdef"[nc & 15];
}

/* RFC 3261 §22.4 and RFC 7616 §3.4. */
void sip_auth_write(struct sip_auth *auth, struct sip_writer *w, const struct sip_login *login,
	const struct sip_auth_request *request)
{
	const struct sip_challenge *c = &auth->challenge;
	struct sip_digest_hex ha1, response;
	char nc[8];
	struct sip_digest_input in = {
		.alg = c->algorithm,
		.nonce = c->nonce,
		.cnonce = auth->cnonce,
		.nc = span(nc, sizeof(nc)),
		.qop = c->qop & SIP_QOP_AUTH ? SIP_QOP_AUTH : c->qop,
		.method = request->method,
		.uri = request->uri,
		.body = request->body,
	};
	int err;

	/* A quote would end the uri parameter early; no URI has one. */
	if (span_find(request->uri, '"') < request->uri.n) {
		w->err = w->err ? w->err : -TR_EPARSE;
		return;
	}
	write_nc(++auth->nc, nc);
	err = sip_digest_ha1(&ha1, c->algorithm, login->user, c->realm, login->password);
	in.ha1 = sip_digest_hex_span(&ha1);
	if (!err)
		err = sip_digest_response(&response, &in);
	if (err) {
		w->err = w->err ? w->err : err;
		return;
	}
	write_credentials(auth, w, login, &in, &response);
}
