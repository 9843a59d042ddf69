/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/crypto.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Exactly n bytes, no more and no bit set beyond them. Padding may be missing, as some peers leave it out. */
static bool decode(struct span text, uint8_t *ret, size_t n)
{
	size_t digits = (n * 8 + 5) / 6;
	uint32_t bits = 0;
	unsigned held = 0;

	if (text.n != digits && text.n != (n + 2) / 3 * 4)
		return false;
	for (size_t i = digits; i < text.n; i++)
		if (text.p[i] != '=')
			return false;
	for (size_t i = 0; i < digits; i++) {
		int v = digit(text.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		*ret++ = (uint8_t)(bits >> held);
	}

	return (bits & ((1u << held) - 1)) == 0;
}

static void encode(const uint8_t *bytes, size_t n, char *ret)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (uint32_t)(i + 1 < n ? bytes[i + 1] : 0) << 8 | (i + 2 < n ? bytes[i + 2] : 0);

		*ret++ = alphabet[v >> 18];
		*ret++ = alphabet[v >> 12 & 63];
		*ret++ = i + 1 < n ? alphabet[v >> 6 & 63] : '=';
		*ret++ = i + 2 < n ? alphabet[v & 63] : '=';
	}
	*ret = 0;
}

static struct span word(struct span *rest)
{
	while (rest->n && rest->p[0] == ' ')
		*rest = span(rest->p + 1, rest->n - 1);

	return span_cut(rest, ' ');
}

/* "2^31" or "1048576": 1 to 2^48 packets (RFC 4568 §6.1, RFC 3711 §9.2). */
static bool is_lifetime(struct span s)
{
	uint64_t n;

	if (span_istarts(s, "2^")) {
		s = span(s.p + 2, s.n - 2);
		return s.n && s.n <= 2 && span_u64(s, &n) && n <= 48;
	}

	return span_u64(s, &n) && n > 0 && n <= UINT64_C(1) << 48;
}

/* "1:4": value and bytes on the wire (§6.1). */
static int read_mki(struct span s, struct srtp_key *key)
{
	struct span value = span_cut(&s, ':');
	uint64_t v;
	uint32_t n;

	if (!s.p || !span_u32(s, &n) || n == 0 || n > 128 || value.n == 0)
		return -TR_EPARSE;
	if (n > SRTP_MKI_BYTES || !span_u64(value, &v))
		return -TR_EUNSUPP;
	if (n < 8 && v >> (8 * n))
		return -TR_EPARSE;
	key->mki_n = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++)
		key->mki[i] = (uint8_t)(v >> (8 * (n - 1 - i)));

	return 0;
}

/* "inline:KEY", "inline:KEY|LIFETIME", "inline:KEY|MKI", "inline:KEY|LIFETIME|MKI". */
static int read_key(struct span s, struct srtp_key *key)
{
	struct span method = span_cut(&s, ':');
	struct span text = span_cut(&s, '|');

	if (!span_ieq_z(method, "inline") || !decode(text, key->bytes, srtp_key_bytes(key->suite)))
		return -TR_EPARSE;
	if (!s.p)
		return 0;

	struct span first = span_cut(&s, '|');

	if (!s.p && span_find(first, ':') < first.n)
		return read_mki(first, key);
	if (!is_lifetime(first))
		return -TR_EPARSE;

	return s.p ? read_mki(s, key) : 0;
}

/* §6.3: all are mandatory to understand but those that begin with "-". The window is our own affair: ours has 128. */
static bool is_param_fine(struct span s)
{
	uint32_t n;

	if (s.p[0] == '-')
		return true;
	if (span_istarts(s, "WSH="))
		return span_u32(span(s.p + 4, s.n - 4), &n) && n >= 64;

	return span_ieq_z(s, "KDR=0");
}

int sdp_crypto_parse(struct span value, struct sdp_crypto *ret)
{
	struct sdp_crypto c = {0};
	struct span rest = span_trim(value), tag = word(&rest), suite = word(&rest), keys = word(&rest);

	if (tag.n > 9 || !span_u32(tag, &c.tag) || suite.n == 0 || keys.n == 0)
		return -TR_EPARSE;

	c.key.suite = srtp_suite_find(suite);
	if (c.key.suite == SRTP_NONE || span_find(keys, ';') < keys.n)
		return -TR_EUNSUPP;

	int err = read_key(keys, &c.key);

	for (struct span p = word(&rest); !err && p.n; p = word(&rest))
		if (!is_param_fine(p))
			err = -TR_EUNSUPP;
	if (!err)
		*ret = c;

	return err;
}

const char *sdp_crypto_text(const struct sdp_crypto *c, char ret_text[static SDP_CRYPTO_TEXT])
{
	char key[72];

	encode(c->key.bytes, srtp_key_bytes(c->key.suite), key);
	(void)snprintf(ret_text, SDP_CRYPTO_TEXT, "%" PRIu32 " %s inline:%s", c->tag, srtp_suite_info(c->key.suite)->name, key);

	return ret_text;
}
