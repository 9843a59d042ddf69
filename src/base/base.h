/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h> /* MIN, MAX: libuv includes it too */
#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

#define nodiscard       __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define cleanup(fn)     __attribute__((cleanup(fn)))

#define ARRAY_LEN(a)    (sizeof(a) / sizeof((a)[0]))
#define CLAMP(x, lo, hi) MIN(MAX(x, lo), hi)
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/*
 * Time in milliseconds on a monotonic clock whose zero is the caller's choice. Protocol code never reads a clock: it is
 * told "now". NEVER is later than every time.
 */
typedef int64_t msec_t;
#define NEVER INT64_MAX

/* Clocks, for the shells around pure code only. */
msec_t clock_ms(void);		 /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_us(void);		 /* CLOCK_MONOTONIC, microseconds */
int64_t clock_wall_ms(void);	 /* milliseconds since 1970-01-01 UTC */

/* RFC 3339 in UTC with milliseconds: "2026-11-25T14:30:00.123Z". */
#define CLOCK_TEXT 32
const char *clock_text(int64_t wall_ms, char ret[static CLOCK_TEXT]);

/* Waits until the semaphore is posted or so many milliseconds are over. */
void clock_wait(sem_t *bell, uint32_t ms);

/* calloc/realloc/strdup that end the process with a message when memory is out: set-up code only, never network-driven. */
nodiscard void *mem_zalloc(size_t n);
nodiscard void *mem_realloc(void *p, size_t n);
nodiscard char *mem_strdup(const char *s);
nodiscard char *mem_format(const char *fmt, ...) printf_like(1, 2);

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}
#define auto_free cleanup(cleanup_free)

/* Random bytes from the kernel (tags, branches, nonces); aborts if the kernel has none. */
void random_bytes(void *ret_bytes, size_t n);

/* A small, seedable generator for simulations and noise (xorshift64*); not for secrets. Seed must not be 0. */
static inline uint32_t prng_u32(uint64_t *seed)
{
	uint64_t x = *seed;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;

	return (uint32_t)((x * UINT64_C(2685821657736338717)) >> 32);
}

/* snprintf that reports truncation: 0, or -TR_ETOOBIG with ret_buf cut and terminated. n is the size of ret_buf. */
nodiscard int buf_format(char *ret_buf, size_t n, const char *fmt, ...) printf_like(3, 4);

/* Copies s, cutting it to fit n - 1 bytes; always terminated. */
void buf_copy(char *ret_buf, size_t n, const char *s);
