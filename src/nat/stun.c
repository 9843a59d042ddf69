/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/stun.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define FINGERPRINT_XOR 0x5354554eu
#define SHA1_BYTES	20
#define SHA256_BYTES	32
#define ATTR_HEAD	4

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* ITU V.42, as zlib has it; a bit at a time: the messages have 100 bytes. */
static uint32_t crc32_of(const uint8_t *bytes, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}

	return ~crc;
}

bool stun_id_eq(const struct stun_id *a, const struct stun_id *b)
{
	return memcmp(a->bytes, b->bytes, STUN_ID_BYTES) == 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

bool stun_is(const uint8_t *bytes, size_t n)
{
	return n >= STUN_HEADER_BYTES && (bytes[0] & 0xc0) == 0 && get32(bytes + 4) == STUN_COOKIE &&
		get16(bytes + 2) == n - STUN_HEADER_BYTES && n % 4 == 0;
}

/* §14.1, §14.2: family, port, address, for some XORed with cookie and transaction id. */
static bool read_addr(const struct stun_msg *m, const uint8_t *v, size_t n, bool is_xored, struct addr *ret)
{
	struct addr a = {0};
	uint8_t mask[16] = {0};
	size_t ip_n = n >= 2 && v[1] == 1 ? 4 : 16;

	if (n < 4 + ip_n || (v[1] != 1 && v[1] != 2))
		return false;
	if (is_xored)
		memcpy(mask, m->bytes + 4, sizeof(mask));

	uint8_t ip[16];

	for (size_t i = 0; i < ip_n; i++)
		ip[i] = v[4 + i] ^ mask[i];
	a.family = ip_n == 4 ? AF_INET : AF_INET6;
	memcpy(ip_n == 4 ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr, ip, ip_n);
	addr_set_port(&a, (uint16_t)(get16(v + 2) ^ get16(mask)));
	if (!addr_is_set(ret))
		*ret = a;

	return true;
}

static bool read_span(const uint8_t *v, size_t n, size_t most, struct span *ret)
{
	if (n > most)
		return false;
	if (!ret->p)
		*ret = span((const char *)v, n);

	return true;
}

static bool read_error(struct stun_msg *m, const uint8_t *v, size_t n)
{
	unsigned hundreds = n >= 4 ? v[2] & 7 : 0;

	if (hundreds < 3 || hundreds > 6 || v[3] > 99)
		return false;
	m->error = (uint16_t)(hundreds * 100 + v[3]);
	m->reason = span((const char *)v + 4, MIN(n - 4, (size_t)LIMIT_STUN_TEXT_BYTES));

	return true;
}

/* §14.11: algorithm, length of its parameters, parameters, padded; a list of them, most wanted by the server first. */
static void read_algorithms(struct stun_msg *m, const uint8_t *v, size_t n)
{
	m->has_algorithms = true;
	m->algorithms = span((const char *)v, n);
	for (size_t at = 0; at + 4 <= n;) {
		uint16_t alg = get16(v + at), more = get16(v + at + 2);

		if ((alg == STUN_MD5 || alg == STUN_SHA256) && alg > m->algorithm)
			m->algorithm = (uint8_t)alg;
		at += 4 + ((size_t)more + 3) / 4 * 4;
	}
}

static bool read_u32(const uint8_t *v, size_t n, uint32_t *ret)
{
	if (n != 4)
		return false;
	*ret = get32(v);

	return true;
}

static bool read_tie_breaker(struct stun_msg *m, const uint8_t *v, size_t n, bool *has)
{
	if (n != 8)
		return false;
	*has = true;
	m->tie_breaker = (uint64_t)get32(v) << 32 | get32(v + 4);

	return true;
}

/* Attributes of ICE and TURN. False: contradicts itself. */
static bool read_more(struct stun_msg *m, uint16_t type, const uint8_t *v, size_t n)
{
	uint32_t word = 0;

	switch (type) {
	case ICE_PRIORITY:
		m->has_priority = true;
		return read_u32(v, n, &m->priority);
	case ICE_USE_CANDIDATE:
		m->uses_candidate = true;
		return true;
	case ICE_CONTROLLED:
		return read_tie_breaker(m, v, n, &m->has_controlled);
	case ICE_CONTROLLING:
		return read_tie_breaker(m, v, n, &m->has_controlling);
	case TURN_CHANNEL_NUMBER:
		m->channel = n == 4 ? get16(v) : 0;
		return n == 4;
	case TURN_LIFETIME:
		m->has_lifetime = true;
		return read_u32(v, n, &m->lifetime_s);
	case TURN_XOR_PEER_ADDRESS:
		return read_addr(m, v, n, true, &m->peer);
	case TURN_XOR_RELAYED_ADDRESS:
		return read_addr(m, v, n, true, &m->relayed);
	case TURN_DATA_ATTR:
		return read_span(v, n, UINT16_MAX, &m->data);
	case TURN_RESERVATION_TOKEN:
		return n == 8 && read_span(v, n, 8, &m->token);
	case TURN_REQUESTED_TRANSPORT:
		m->transport = n == 4 ? v[0] : 0;
		return n == 4;
	case STUN_CHANGE_REQUEST:
		return read_u32(v, n, &m->change);
	case TURN_REQUESTED_ADDRESS_FAMILY:
	case TURN_EVEN_PORT:
	case TURN_DONT_FRAGMENT:
	case STUN_PADDING:
	case STUN_USERHASH:
		return true;
	case STUN_RESPONSE_PORT:
		return n == 4 && read_u32(v, n, &word);
	default:
		break;
	}
	if (type < 0x8000 && m->unknown_count < LIMIT_STUN_UNKNOWN)
		m->unknown[m->unknown_count++] = type;

	return true;
}

static bool read_attr(struct stun_msg *m, uint16_t type, const uint8_t *v, size_t n)
{
	switch (type) {
	case STUN_MAPPED_ADDRESS:
		return read_addr(m, v, n, false, &m->mapped);
	case STUN_XOR_MAPPED_ADDRESS:
		/* RFC 8489 §14.2: routers rewrite the plain one. The XORed one wins, wherever it stands. */
		m->mapped = (struct addr){0};
		return read_addr(m, v, n, true, &m->mapped);
	case STUN_OTHER_ADDRESS:
		return read_addr(m, v, n, false, &m->other);
	case STUN_RESPONSE_ORIGIN:
		return read_addr(m, v, n, false, &m->origin);
	case STUN_ALTERNATE_SERVER:
		return read_addr(m, v, n, false, &m->alternate);
	case STUN_USERNAME:
		return read_span(v, n, LIMIT_STUN_USER_BYTES, &m->username);
	case STUN_REALM:
		return read_span(v, n, LIMIT_STUN_TEXT_BYTES, &m->realm);
	case STUN_NONCE:
		return read_span(v, n, LIMIT_STUN_TEXT_BYTES, &m->nonce);
	case STUN_SOFTWARE:
		return read_span(v, n, LIMIT_STUN_TEXT_BYTES, &m->software);
	case STUN_ERROR_CODE:
		return read_error(m, v, n);
	case STUN_UNKNOWN_ATTRIBUTES:
		return n % 2 == 0;
	case STUN_PASSWORD_ALGORITHMS:
		read_algorithms(m, v, n);
		return true;
	case STUN_PASSWORD_ALGORITHM:
		m->algorithm = n >= 4 ? v[1] : 0;
		return n >= 4;
	default:
		return read_more(m, type, v, n);
	}
}

/* The three that close a message. False: no such, or contradicts itself. */
static bool read_seal(struct stun_msg *m, uint16_t type, size_t at, size_t n, bool *ret_is_ok)
{
	bool has_seal = m->integrity_at || m->integrity256_at;

	*ret_is_ok = true;
	switch (type) {
	case STUN_MESSAGE_INTEGRITY:
		*ret_is_ok = n == SHA1_BYTES;
		if (!has_seal)
			m->integrity_at = (uint16_t)at;
		return true;
	case STUN_MESSAGE_INTEGRITY_SHA256:
		*ret_is_ok = n >= 16 && n <= SHA256_BYTES && n % 4 == 0;
		if (!m->integrity256_at) {
			m->integrity256_at = (uint16_t)at;
			m->integrity256_n = (uint8_t)n;
		}
		return true;
	case STUN_FINGERPRINT:
		*ret_is_ok = n == 4 && get32(m->bytes + at + ATTR_HEAD) == (crc32_of(m->bytes, at) ^ FINGERPRINT_XOR);
		m->fingerprint_at = (uint16_t)at;
		return true;
	default:
		/* §14.5: what follows the integrity is not covered by it and is ignored. */
		return has_seal;
	}
}

int stun_parse(const uint8_t *bytes, size_t n, struct stun_msg *ret)
{
	if (!stun_is(bytes, n))
		return -TR_EPARSE;

	uint16_t type = get16(bytes);

	*ret = (struct stun_msg){.bytes = bytes, .n = n};
	/* §5: the two bits of the class lie between those of the method. */
	ret->cls = (enum stun_class)((type >> 4 & 1) | (type >> 7 & 2));
	ret->method = (uint16_t)((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
	memcpy(ret->id.bytes, bytes + 8, STUN_ID_BYTES);

	for (size_t at = STUN_HEADER_BYTES; at < n;) {
		if (n - at < ATTR_HEAD)
			return -TR_EPARSE;

		uint16_t attr = get16(bytes + at);
		size_t len = get16(bytes + at + 2);
		bool is_ok;

		/* FINGERPRINT is the last (§14.7). */
		if (len > n - at - ATTR_HEAD || ret->fingerprint_at)
			return -TR_EPARSE;
		if (!read_seal(ret, attr, at, len, &is_ok))
			is_ok = read_attr(ret, attr, bytes + at + ATTR_HEAD, len);
		if (!is_ok)
			return -TR_EPARSE;
		at += ATTR_HEAD + (len + 3) / 4 * 4;
	}

	return 0;
}

/* ---- integrity ------------------------------------------------------------------------------------------------------------------ */

/* Of the message up to at, as if the attribute of n bytes that stands there were its last (§14.5). */
static bool mac(const EVP_MD *md, struct span key, const uint8_t *bytes, size_t at, size_t n, uint8_t ret[static SHA256_BYTES])
{
	uint8_t copy[LIMIT_STUN_BYTES];
	unsigned got;

	if (at > sizeof(copy))
		return false;
	memcpy(copy, bytes, at);
	put16(copy + 2, (uint16_t)(at + ATTR_HEAD + n - STUN_HEADER_BYTES));

	return HMAC(md, key.p ? key.p : "", (int)key.n, copy, at, ret, &got) != NULL;
}

bool stun_is_authentic(const struct stun_msg *m, struct span key)
{
	uint8_t got[SHA256_BYTES];

	return m->integrity_at && mac(EVP_sha1(), key, m->bytes, m->integrity_at, SHA1_BYTES, got) &&
		CRYPTO_memcmp(got, m->bytes + m->integrity_at + ATTR_HEAD, SHA1_BYTES) == 0;
}

bool stun_is_authentic256(const struct stun_msg *m, struct span key)
{
	uint8_t got[SHA256_BYTES];

	return m->integrity256_at && mac(EVP_sha256(), key, m->bytes, m->integrity256_at, m->integrity256_n, got) &&
		CRYPTO_memcmp(got, m->bytes + m->integrity256_at + ATTR_HEAD, m->integrity256_n) == 0;
}

size_t stun_long_term_key(enum stun_algorithm alg, struct span user, struct span realm, struct span password, uint8_t ret[static 32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned n = 0;
	bool is_done = ctx && EVP_DigestInit_ex(ctx, alg == STUN_SHA256 ? EVP_sha256() : EVP_md5(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, user.p, user.n) == 1 && EVP_DigestUpdate(ctx, ":", 1) == 1 &&
		EVP_DigestUpdate(ctx, realm.p, realm.n) == 1 && EVP_DigestUpdate(ctx, ":", 1) == 1 &&
		EVP_DigestUpdate(ctx, password.p, password.n) == 1 && EVP_DigestFinal_ex(ctx, ret, &n) == 1;

	EVP_MD_CTX_free(ctx);

	return is_done ? n : 0;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------ */

static void set_length(struct stun_writer *w)
{
	put16(w->bytes + 2, (uint16_t)(w->n - STUN_HEADER_BYTES));
}

void stun_begin(struct stun_writer *w, uint8_t *bytes, size_t cap, enum stun_class cls, uint16_t method, const struct stun_id *id)
{
	unsigned m = method, c = (unsigned)cls;

	*w = (struct stun_writer){.bytes = bytes, .cap = MIN(cap, (size_t)LIMIT_STUN_BYTES)};
	if (cap < STUN_HEADER_BYTES) {
		w->is_full = true;
		return;
	}
	put16(bytes, (uint16_t)((m & 0xf) | (m & 0x70) << 1 | (m & 0xf80) << 2 | (c & 1) << 4 | (c & 2) << 7));
	put32(bytes + 4, STUN_COOKIE);
	memcpy(bytes + 8, id->bytes, STUN_ID_BYTES);
	w->n = STUN_HEADER_BYTES;
	set_length(w);
}

void stun_put(struct stun_writer *w, uint16_t type, const void *value, size_t n)
{
	size_t padded = (n + 3) / 4 * 4;

	if (w->is_full || padded + ATTR_HEAD > w->cap - w->n) {
		w->is_full = true;
		return;
	}
	put16(w->bytes + w->n, type);
	put16(w->bytes + w->n + 2, (uint16_t)n);
	memset(w->bytes + w->n + ATTR_HEAD, 0, padded);
	if (n)
		memcpy(w->bytes + w->n + ATTR_HEAD, value, n);
	w->n += ATTR_HEAD + padded;
	set_length(w);
}

void stun_put_span(struct stun_writer *w, uint16_t type, struct span value)
{
	stun_put(w, type, value.p, value.n);
}

void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value)
{
	uint8_t v[4];

	put32(v, value);
	stun_put(w, type, v, sizeof(v));
}

void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value)
{
	uint8_t v[8];

	put32(v, (uint32_t)(value >> 32));
	put32(v + 4, (uint32_t)value);
	stun_put(w, type, v, sizeof(v));
}

static bool is_xored(uint16_t type)
{
	return type == STUN_XOR_MAPPED_ADDRESS || type == TURN_XOR_PEER_ADDRESS || type == TURN_XOR_RELAYED_ADDRESS;
}

void stun_put_addr(struct stun_writer *w, uint16_t type, const struct addr *a)
{
	bool is_v6 = a->family == AF_INET6;
	size_t ip_n = is_v6 ? 16 : 4;
	const uint8_t *ip = is_v6 ? a->v6.sin6_addr.s6_addr : (const uint8_t *)&a->v4.sin_addr;
	uint8_t v[20] = {0, is_v6 ? 2 : 1}, mask[16] = {0};

	if (w->is_full)
		return;
	if (is_xored(type))
		memcpy(mask, w->bytes + 4, sizeof(mask));
	put16(v + 2, addr_port(a) ^ get16(mask));
	for (size_t i = 0; i < ip_n; i++)
		v[4 + i] = ip[i] ^ mask[i];
	stun_put(w, type, v, 4 + ip_n);
}

void stun_put_error(struct stun_writer *w, uint16_t code, const char *reason)
{
	uint8_t v[4 + 64] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};
	size_t n = MIN(strlen(reason), sizeof(v) - 4);

	memcpy(v + 4, reason, n);
	stun_put(w, STUN_ERROR_CODE, v, 4 + n);
}

static void put_mac(struct stun_writer *w, uint16_t type, const EVP_MD *md, struct span key, size_t n)
{
	uint8_t sum[SHA256_BYTES];

	if (w->is_full)
		return;
	if (mac(md, key, w->bytes, w->n, n, sum))
		stun_put(w, type, sum, n);
	else
		w->is_full = true;
}

void stun_put_integrity(struct stun_writer *w, struct span key)
{
	put_mac(w, STUN_MESSAGE_INTEGRITY, EVP_sha1(), key, SHA1_BYTES);
}

void stun_put_integrity256(struct stun_writer *w, struct span key)
{
	put_mac(w, STUN_MESSAGE_INTEGRITY_SHA256, EVP_sha256(), key, SHA256_BYTES);
}

void stun_put_fingerprint(struct stun_writer *w)
{
	size_t at = w->n;

	stun_put_u32(w, STUN_FINGERPRINT, 0);
	/* The sum is of the message before it, whose length counts it already. */
	if (!w->is_full)
		put32(w->bytes + at + ATTR_HEAD, crc32_of(w->bytes, at) ^ FINGERPRINT_XOR);
}

int stun_end(struct stun_writer *w, size_t *ret_n)
{
	if (w->is_full)
		return -TR_ETOOBIG;
	*ret_n = w->n;

	return 0;
}
