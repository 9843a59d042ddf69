/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/hdr.h"
#include "sip/lex.h"

/* Challenges and credentials, RFC 7616 §3.3 and §3.4: a scheme, then name=value pairs between commas. */

static const struct span words[SIP_DIGEST_ALG_COUNT] = {
	[SIP_DIGEST_MD5] = {"MD5", 3},
	[SIP_DIGEST_MD5_SESS] = {"MD5-sess", 8},
	[SIP_DIGEST_SHA256] = {"SHA-256", 7},
	[SIP_DIGEST_SHA256_SESS] = {"SHA-256-sess", 12},
	[SIP_DIGEST_SHA512_256] = {"SHA-512-256", 11},
	[SIP_DIGEST_SHA512_256_SESS] = {"SHA-512-256-sess", 16},
};

enum sip_digest_alg sip_digest_alg_find(struct span word)
{
	if (word.p == NULL)
		return SIP_DIGEST_MD5;

	for (int alg = SIP_DIGEST_MD5; alg < SIP_DIGEST_ALG_COUNT; alg++)
		if (span_ieq(word, words[alg]))
			return (enum sip_digest_alg)alg;

	return SIP_DIGEST_UNKNOWN;
}

struct span sip_digest_alg_word(enum sip_digest_alg alg)
{
	return (unsigned)alg < SIP_DIGEST_ALG_COUNT ? words[alg] : (struct span){0};
}

/* The next pair: 1, 0 at the end, or -TR_EPARSE. */
static int pair_next(struct span *s, struct sip_param *ret)
{
	while (s->n && (s->p[0] == ',' || ch_is(s->p[0], CH_SPACE)))
		lex_skip(s, 1);
	if (s->n == 0)
		return 0;

	ret->name = lex_class(s, CH_TOKEN);
	if (ret->name.n == 0 || !lex_sep(s, '='))
		return -TR_EPARSE;
	ret->is_quoted = s->n && s->p[0] == '"';
	if (!ret->is_quoted)
		ret->value = lex_class(s, CH_VALUE);
	else if (!lex_quoted(s, &ret->value))
		return -TR_EPARSE;
	/* Values are echoed in quotes, where a backslash that came without them would eat the closing one. */
	if (!ret->is_quoted && span_find(ret->value, '\\') < ret->value.n)
		return -TR_EPARSE;
	lex_space(s);

	return s->n == 0 || s->p[0] == ',' ? 1 : -TR_EPARSE;
}

/* "auth,auth-int"; what we do not know is ignored (RFC 7616 §3.3). */
static unsigned parse_qop(struct span value)
{
	struct span item;
	unsigned qop = 0;

	while (sip_comma_next(&value, &item)) {
		if (span_ieq_z(item, "auth"))
			qop |= SIP_QOP_AUTH;
		else if (span_ieq_z(item, "auth-int"))
			qop |= SIP_QOP_AUTH_INT;
	}

	return qop;
}

static bool read_scheme(struct span *s, struct span *ret)
{
	lex_space(s);
	*ret = lex_class(s, CH_TOKEN);

	return ret->n && (s->n == 0 || ch_is(s->p[0], CH_SPACE));
}

static void take_challenge(struct sip_challenge *c, const struct sip_param *pair)
{
	if (span_ieq_z(pair->name, "realm")) {
		c->realm = pair->value;
	} else if (span_ieq_z(pair->name, "nonce")) {
		c->nonce = pair->value;
	} else if (span_ieq_z(pair->name, "opaque")) {
		c->opaque = pair->value;
	} else if (span_ieq_z(pair->name, "domain")) {
		c->domain = pair->value;
	} else if (span_ieq_z(pair->name, "algorithm")) {
		c->algorithm_text = pair->value;
	} else if (span_ieq_z(pair->name, "stale")) {
		c->is_stale = span_ieq_z(pair->value, "true");
	} else if (span_ieq_z(pair->name, "userhash")) {
		c->has_userhash = span_ieq_z(pair->value, "true");
	} else if (span_ieq_z(pair->name, "qop")) {
		c->has_qop = span_trim(pair->value).n > 0; /* qop="" is seen, and means none */
		c->qop = parse_qop(pair->value);
	}
}

int sip_challenge_parse(struct sip_challenge *ret, struct span value)
{
	struct sip_challenge challenge = {0};
	struct sip_param pair;
	int more;

	if (!read_scheme(&value, &challenge.scheme))
		return -TR_EPARSE;
	if (span_ieq_z(challenge.scheme, "Digest")) {
		while ((more = pair_next(&value, &pair)) > 0)
			take_challenge(&challenge, &pair);
		if (more < 0 || challenge.realm.p == NULL || challenge.nonce.p == NULL)
			return -TR_EPARSE;
		challenge.algorithm = sip_digest_alg_find(challenge.algorithm_text);
	}

	*ret = challenge;
	return 0;
}

/* Eight hex digits, RFC 7616 §3.4; fewer are taken too. */
static bool parse_nc(struct span text, uint32_t *ret)
{
	uint32_t nc = 0;

	if (text.n == 0 || text.n > 8)
		return false;

	for (size_t i = 0; i < text.n; i++) {
		if (!ch_is(text.p[i], CH_HEX))
			return false;
		nc = nc << 4 | (uint32_t)(ch_is(text.p[i], CH_DIGIT) ? text.p[i] - '0' : (text.p[i] | 0x20) - 'a' + 10);
	}
	*ret = nc;

	return true;
}

static void take_credentials(struct sip_credentials *c, const struct sip_param *pair)
{
	const struct {
		const char *name;
		struct span *value;
	} texts[] = {
		{"username", &c->username},
		{"realm", &c->realm},
		{"nonce", &c->nonce},
		{"uri", &c->uri},
		{"response", &c->response},
		{"cnonce", &c->cnonce},
		{"opaque", &c->opaque},
		{"algorithm", &c->algorithm_text},
		{"nc", &c->nc_text},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (span_ieq_z(pair->name, texts[i].name)) {
			*texts[i].value = pair->value;
			return;
		}
	}
	if (span_ieq_z(pair->name, "qop"))
		c->qop = parse_qop(pair->value);
	else if (span_ieq_z(pair->name, "userhash"))
		c->has_userhash = span_ieq_z(pair->value, "true");
}

int sip_credentials_parse(struct sip_credentials *ret, struct span value)
{
	struct sip_credentials cred = {0};
	struct sip_param pair;
	int more;

	if (!read_scheme(&value, &cred.scheme))
		return -TR_EPARSE;
	if (span_ieq_z(cred.scheme, "Digest")) {
		while ((more = pair_next(&value, &pair)) > 0)
			take_credentials(&cred, &pair);
		if (more < 0 || cred.username.p == NULL || cred.realm.p == NULL || cred.nonce.p == NULL ||
			cred.uri.p == NULL || cred.response.p == NULL)
			return -TR_EPARSE;
		if (cred.qop == (SIP_QOP_AUTH | SIP_QOP_AUTH_INT))
			return -TR_EPARSE;
		if (cred.qop && (!parse_nc(cred.nc_text, &cred.nc) || cred.cnonce.p == NULL))
			return -TR_EPARSE;
		cred.algorithm = sip_digest_alg_find(cred.algorithm_text);
	}

	*ret = cred;
	return 0;
}
