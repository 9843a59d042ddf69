/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Private to the parsers of this folder: character classes and a cursor over text. Nothing here reads past its end. */
enum {
	CH_TOKEN = 1,	 /* RFC 3261 §25.1 token */
	CH_SPACE = 2,	 /* SP, HTAB, CR, LF: the last two occur in folded values */
	CH_DIGIT = 4,
	CH_HOST = 8,	 /* host names, and '_' which real ones contain */
	CH_USER = 16,	 /* user part: all that is visible and cannot end it; '#' and the like are seen unescaped */
	CH_URI = 32,	 /* URI parameters and headers, as lenient; never '@', quotes, brackets <> */
	CH_VALUE = 64,	 /* unquoted parameter value: a token, a host, or what peers take for one */
	CH_HEX = 128,
};

extern const uint8_t sip_char_class[256];

static inline bool ch_is(char c, unsigned mask)
{
	return sip_char_class[(unsigned char)c] & mask;
}

/*
 * Zeroes n bytes. The size is hidden from the compiler, which would write "rep stos" for structs as large as ours; that takes
 * longer to start than the C library takes to finish.
 */
static inline void lex_clear(void *p, size_t n)
{
	__asm__("" : "+r"(n));
	memset(p, 0, n);
}

/* Whether s is this literal of lower-case letters, in any case: a compare of constant length, unlike span_ieq_z. */
#define LEX_IS(s, literal) ((s).n == sizeof(literal) - 1 && lex_same_word((s).p, "" literal, sizeof(literal) - 1))
static inline bool lex_same_word(const char *p, const char *lower, size_t n)
{
	unsigned differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= ((unsigned char)p[i] | 0x20u) ^ (unsigned char)lower[i];

	return differ == 0;
}

/* A cursor is a span that gets shorter from the front. */
static inline void lex_skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static inline void lex_space(struct span *s)
{
	while (s->n && ch_is(s->p[0], CH_SPACE))
		lex_skip(s, 1);
}

/* span_trim, where it runs for each header of each message. */
static inline struct span lex_trim(struct span s)
{
	lex_space(&s);
	while (s.n && ch_is(s.p[s.n - 1], CH_SPACE))
		s.n--;

	return s;
}

/* The characters of that class at the front; may be none. */
static inline struct span lex_class(struct span *s, unsigned mask)
{
	const char *p = s->p, *end = s->p + s->n;
	struct span ret;

	while (p < end && ch_is(*p, mask))
		p++;
	ret = span(s->p, (size_t)(p - s->p));
	lex_skip(s, ret.n);

	return ret;
}

static inline bool lex_char(struct span *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	lex_skip(s, 1);

	return true;
}

/* A separator with white space around it, as RFC 3261 §25.1 allows: SLASH, EQUAL, COLON ... */
static inline bool lex_sep(struct span *s, char c)
{
	struct span at = *s;

	lex_space(&at);
	if (!lex_char(&at, c))
		return false;
	lex_space(&at);
	*s = at;

	return true;
}

/* A quoted string at the front: *ret is its inside, still escaped. False if there is none or it does not end. */
static inline bool lex_quoted(struct span *s, struct span *ret)
{
	if (s->n == 0 || s->p[0] != '"')
		return false;

	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			*ret = span(s->p + 1, i - 1);
			lex_skip(s, i + 1);
			return true;
		}
	}

	return false;
}

/* The digits at the front as a number; false on none or overflow, and then *ret is untouched. */
static inline bool lex_u32(struct span *s, uint32_t *ret)
{
	uint32_t value = 0;
	size_t n = 0;

	/* Nine digits cannot overflow; what has more is rare and left to the careful one. */
	while (n < s->n && n < 9 && (unsigned char)(s->p[n] - '0') < 10)
		value = value * 10 + (uint32_t)(s->p[n++] - '0');
	if (n == 9)
		return span_u32(lex_class(s, CH_DIGIT), ret);
	if (n == 0)
		return false;
	lex_skip(s, n);
	*ret = value;

	return true;
}

/* Host with optional port: "a.b", "a.b : 5060", "[::1]:5060". */
bool lex_host_port(struct span *s, struct span *ret_host, uint16_t *ret_port, bool *ret_is_ipv6);

/* Whether text is an IPv6 address without brackets; a zone ("%eth0") is none. */
bool lex_is_ipv6(struct span text);
