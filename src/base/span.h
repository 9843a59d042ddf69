/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A piece of somebody else's text: neither owned nor terminated. {NULL, 0} is "absent"; a non-NULL p with n == 0 is
 * "present and empty". All functions accept both.
 */
struct span {
	const char *p;
	size_t n;
};

/* For printf: printf("%.*s", SPAN_FMT(s)). */
#define SPAN_FMT(s) (int)(s).n, (s).p ? (s).p : ""
#define SPAN_LIT(s) ((struct span){("" s), sizeof(s) - 1})

static inline struct span span(const char *p, size_t n)
{
	return (struct span){p, n};
}

static inline struct span span_z(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_is_empty(struct span s)
{
	return s.n == 0;
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_eq_z(struct span a, const char *z)
{
	return span_eq(a, span_z(z));
}

/* ASCII case folded, as tokens of SIP and SDP compare. */
bool span_ieq(struct span a, struct span b);
bool span_ieq_z(struct span a, const char *z);
bool span_istarts(struct span s, const char *prefix);

/* Without the white space (SP, HTAB, CR, LF) around it. */
struct span span_trim(struct span s);

/*
 * Cuts *rest at the first sep: returns what stood before it and leaves what stood behind it in *rest. Without sep the whole
 * is returned and *rest becomes absent.
 */
struct span span_cut(struct span *rest, char sep);

/* Index of the first c, or s.n. */
size_t span_find(struct span s, char c);

/* Decimal digits only; false on an empty span, another character or overflow, and then *ret is untouched. */
bool span_u32(struct span s, uint32_t *ret);
bool span_u64(struct span s, uint64_t *ret);

/* Hash for tables (seeded per process, so that a peer cannot choose collisions). span_ihash folds ASCII case. */
uint32_t span_hash(struct span s);
uint32_t span_ihash(struct span s);

/* A terminated copy; NULL when memory is out. The caller frees. */
char *span_dup(struct span s);

/* Terminated copy into buf of n bytes; false (and buf[0] = 0) when it does not fit. */
bool span_copy(struct span s, char *ret_buf, size_t n);
